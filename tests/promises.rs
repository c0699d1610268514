//! Promises made to the outside, one file each.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "a test fails by panicking, its helper functions included, and a table of cases is one test"
)]

mod house;
mod store;
mod findings;
mod analytics;
mod readme;
mod contract;
mod server;
mod server_limits;
mod demo;
mod demo_run;
mod prices;
mod cli;
mod config;
mod config_formats;
mod harness;
mod openapi;
mod admin_roles;
mod admin_settings;
mod admin_api;
mod audit;
mod relay;
mod sanitize_settings;
mod sanitize_try;
mod security_bar;
mod sanitizer;
mod streams;
mod traps;
mod disconnect;
mod failures;
mod limits;
mod budgets;
mod ask;
mod ask_questions;
mod hedging;
mod incidents;
mod signals;
mod spans;
mod routes;
mod routing;
mod names;
mod failover;
mod tasks;
mod project_urls;
mod translated_answers;
mod translated_endpoints;
mod translation;
mod cache;
mod params;
mod plugins;
mod route_trace;
mod seed_site;
mod library;
mod tracer;
mod portal;
mod backup;
mod kill;
mod fuzz_seeds;
mod catalog;
mod supply_chain;
