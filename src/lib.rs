//! llm-gateway: one self-hosted binary between a team's applications and their LLM providers.
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
pub mod policy;
pub mod gateway;
pub mod analytics;
pub mod admin;
pub mod demo;
pub mod tasks;
mod webhook;
pub mod server;
pub mod telemetry;
pub mod cli;
mod complete;
pub mod app;

pub use app::{AppError, Gateway};
pub use complete::{Completion, CompletionError, CompletionRequest, Message};
