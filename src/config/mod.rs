//! Configuration: flags, environment, `.env`, `config.toml` and `providers.json` become one
//! checked [`Config`], or a list of errors that name file, line and key.
//!
//! Two types on purpose: the raw one mirrors what was typed, the checked one cannot be wrong.
//! This room never opens a store or a socket.

mod types;

pub use types::{
    Auth, CatalogOverride, Config, MappedKey, OnClientDisconnect, PriceOverride, Provider, ProviderKey, ProviderOrigin,
    ProviderTimeouts, ProviderType, Server, Storage, Telemetry,
};
