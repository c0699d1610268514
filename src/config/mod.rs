//! Configuration: flags, environment, `.env`, the config file (TOML, YAML or JSON) and `providers.json` become one
//! checked [`Config`], or a list of errors that name file, line and key.
//!
//! Two types on purpose: the raw one mirrors what was typed, the checked one cannot be wrong.
//! This room never opens a store or a socket.

mod load;
mod schema;
mod tree;
mod yaml;
mod carried;
mod environment;
mod report;
mod fields;
mod sections;
mod telemetry;
mod catalog;
mod sanitization;
mod providers;
mod address;
mod presets;
mod providers_json;
mod key_map;
mod projects;
mod plugins;
mod limits;
mod routing;
mod cache;
mod ask;
mod params;
mod draft;
mod incidents;
mod import;
mod effective;
mod watch;
mod types;

pub use address::{default_base_url, of_base_url, of_endpoint};
pub use ask::Ask;
pub use cache::Cache;
pub use draft::RoutingDraft;
pub use effective::{effective_toml, quote};
pub use import::{Imported, Note, Outcome as NoteOutcome, import};
pub use incidents::{Incidents, Webhook};
pub use limits::{
    Algorithm, Budget, BudgetAction, BudgetPeriod, BudgetTerms, LimitPeriod, LimitSet, LimitUnit, Limits, Scope,
};
pub use load::{LoadOptions, from_toml, load};
pub use params::{CallSettings, Params, ProviderParams, params_for};
pub use plugins::{FailMode, PluginBlock};
pub use projects::Project;
pub use report::ConfigErrors;
pub use routing::{ModelTarget, NamedModel, ProfileBlock, Routing, Strategy, Weights};
pub use sanitization::{ApplyTo, Places, Sanitization, SanitizationOverride, SanitizationPattern};
pub use telemetry::{Otlp, Telemetry};
pub use types::{
    Auth, CardOverride, CatalogOverride, Config, MappedKey, OnClientDisconnect, PriceOverride, Provider,
    ProviderFeatures, ProviderKey, ProviderOrigin, ProviderTimeouts, ProviderType, Server, Storage, Tls, Translation,
};
pub use watch::Watcher;

#[cfg(test)]
mod tests;
