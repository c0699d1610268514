//! Upstream I/O: one HTTP client type, and what each provider type wants as URL and credential.
//!
//! Hosts come from the configuration alone, paths from the fixed table in [`url`]; nothing that a
//! client sends can choose where a call goes. Redirects are never followed and proxies never used:
//! both clients are made of hyper's parts, which know neither.

mod client;
mod connect;
mod credential;
mod health;
mod models;
mod lane;
mod quirks;
mod url;

pub use client::{CallError, Client, Egress, UpstreamBody};
pub use connect::{ConnectError, Resolver};
pub use credential::{CREDENTIAL_HEADERS, Credential, apply as apply_credential};
pub use health::{Breaker, Health, Pulse, Vitals};
pub use lane::UpstreamAnswer;
pub use models::{model_names, models_request};
pub use quirks::reports_usage_unasked;
pub use url::{Route, UrlError, upstream_uri};
