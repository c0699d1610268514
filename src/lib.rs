//! llm-gateway: one self-hosted binary between a team's applications and their LLM providers.
//!
//! As a library: [`Gateway::builder`] makes a gateway in code, [`Gateway::complete`] and [`Gateway::stream`] ask it,
//! [`Gateway::router`] mounts it in an application of one's own, and [`Provider`] adds back ends to it.
//!
//! The modules in reading order.

pub mod domain;
pub mod portal;
pub mod config;
pub mod catalog;
pub mod dialect;
pub mod routing;
pub mod sanitize;
pub mod provider;
pub mod store;
pub mod cache;
pub mod limits;
pub mod plugins;
pub mod policy;
pub mod gateway;
pub mod analytics;
pub mod admin;
pub mod demo;
pub mod tasks;
mod spans;
mod webhook;
pub mod server;
pub mod telemetry;
pub mod cli;
mod complete;
mod own;
pub mod app;
mod builder;

pub use app::{AppError, Gateway};
pub use builder::{GatewayBuilder, ProviderConfig};
pub use complete::{Completion, CompletionChunk, CompletionError, CompletionRequest, CompletionStream, Message};
pub use own::{Provider, ProviderAnswer, ProviderError, ProviderEvent, ProviderRequest, ProviderStream};
