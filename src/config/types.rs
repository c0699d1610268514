//! The checked configuration: every value is in range, every reference resolves.
//!
//! Built only by [`super::load`]; the raw TOML never leaves this room.

use std::{collections::BTreeMap, net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use rust_decimal::Decimal;

use super::ask::Ask;
use super::cache::Cache;
use super::incidents::Incidents;
use super::limits::{Budget, BudgetTerms, LimitSet, Limits};
use super::params::ProviderParams;
use super::plugins::PluginBlock;
use super::routing::{NamedModel, ProfileBlock, Routing};
use super::telemetry::Telemetry;
use super::{
    projects::Project,
    sanitization::{Sanitization, SanitizationOverride},
};
use crate::domain::{Abilities, Modality, ModelStatus, Secret};

/// Everything that the config file, the environment and the flags decided.
#[derive(Clone, Debug)]
pub struct Config {
    /// `[server]`
    pub server: Server,
    /// `[auth]`
    pub auth: Auth,
    /// `[[providers]]`, `providers.json` and the environment, in order of precedence.
    pub providers: Vec<Arc<Provider>>,
    /// `LLM_PROVIDER`: the one provider that untargeted requests go to; `None` is `auto`.
    pub default_provider: Option<String>,
    /// `[key_map.*]`
    pub key_map: Vec<MappedKey>,
    /// `[[projects]]`
    pub projects: Vec<Project>,
    /// `[[plugins]]`, in their order.
    pub plugins: Vec<PluginBlock>,
    /// `[sanitization]`
    pub sanitization: Sanitization,
    /// `[limits]`
    pub limits: Limits,
    /// `[[budgets]]`
    pub budgets: Vec<Budget>,
    /// `[routing]`
    pub routing: Routing,
    /// `[translation]`
    pub translation: Translation,
    /// `[cache]`
    pub cache: Cache,
    /// `[ask]`
    pub ask: Ask,
    /// `[[models]]`
    pub models: Vec<NamedModel>,
    /// `[[profiles]]`
    pub profiles: Vec<ProfileBlock>,
    /// `[[catalog]]`
    pub catalog: Vec<CatalogOverride>,
    /// `[incidents]`
    pub incidents: Incidents,
    /// `[storage]`
    pub storage: Storage,
    /// `[telemetry]`
    pub telemetry: Telemetry,
    /// Things worth telling the operator that do not stop the start.
    pub warnings: Vec<String>,
}

/// `[server]`
#[derive(Clone, Debug)]
pub struct Server {
    /// Bind address.
    pub host: IpAddr,
    /// Listen port; 0 lets the system choose (tests).
    pub port: u16,
    /// Host names other than loopback ones that requests may be addressed to (lower case, no port).
    pub allowed_hosts: Vec<String>,
    /// What to do upstream when the client has gone.
    pub on_client_disconnect: OnClientDisconnect,
    /// Time for a first byte on a fresh connection and for a whole request head.
    pub header_timeout: Duration,
    /// How long a request body may be waited for, in all, while it comes slower than
    /// `min_body_bytes_per_sec`.
    pub body_timeout: Duration,
    /// Slowest that a request body may come.
    pub min_body_bytes_per_sec: u32,
    /// How long an idle kept-alive connection stays open.
    pub keep_alive_timeout: Duration,
    /// How long open streams may go on after SIGTERM.
    pub shutdown_timeout: Duration,
    /// Largest request body, in bytes.
    pub max_body_bytes: u64,
    /// Largest upload body (`/v1/files`, `/v1/audio/*`, `/v1/images/*`), which is streamed, in bytes.
    pub max_upload_bytes: u64,
    /// Largest request head, in bytes.
    pub max_header_bytes: u32,
    /// Most header fields in a request.
    pub max_headers: u32,
    /// Longest request target, in bytes.
    pub max_uri_bytes: u32,
    /// Concurrent connections in all.
    pub max_connections: u32,
    /// Concurrent connections of one address (an IPv6 /64 counts as one); loopback is exempt.
    pub max_connections_per_address: u32,
    /// `[server.tls]`; `None` speaks clear text.
    pub tls: Option<Tls>,
}

/// `[server.tls]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate and those between it and a root, in PEM.
    pub cert_file: PathBuf,
    /// Its private key, in PEM.
    pub key_file: PathBuf,
    /// How long a handshake may take.
    pub handshake_timeout: Duration,
}

/// `server.on_client_disconnect`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnClientDisconnect {
    /// Cut the upstream at once; count what was seen and mark it `usage_estimated`.
    Cancel,
    /// Read the upstream on to its usage, within these bounds.
    Drain {
        /// Most bytes that are read on.
        max_bytes: u64,
        /// Longest time that is read on.
        max_time: Duration,
    },
}

/// `[auth]`
#[derive(Clone, Debug)]
pub struct Auth {
    /// Whether a request without a known virtual key is refused.
    pub require_key: bool,
    /// The admin's password for the portal, as configured (hashed at start, never kept elsewhere).
    pub admin_password: Option<Secret>,
    /// A bearer token for admin calls by programs.
    pub admin_token: Option<Secret>,
}

impl Auth {
    /// True when the admin side needs a credential.
    pub fn admin_is_closed(&self) -> bool {
        self.admin_password.is_some() || self.admin_token.is_some()
    }
}

/// `provider_type`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProviderType {
    /// Anthropic Messages.
    Anthropic,
    /// OpenAI itself.
    Openai,
    /// Azure OpenAI (deployment URLs, `api-key` header).
    AzureOpenai,
    /// An OpenAI-compatible server on the operator's own network.
    Local,
    /// Any other OpenAI-compatible service.
    OpenaiCompatible,
    /// Google Gemini's native API.
    Gemini,
    /// Ollama's native API.
    Ollama,
}

impl ProviderType {
    /// Every type, for tables and tests.
    pub const ALL: [Self; 7] = [
        Self::Anthropic,
        Self::Openai,
        Self::AzureOpenai,
        Self::Local,
        Self::OpenaiCompatible,
        Self::Gemini,
        Self::Ollama,
    ];

    /// The name in config files and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Openai => "openai",
            Self::AzureOpenai => "azure_openai",
            Self::Local => "local",
            Self::OpenaiCompatible => "openai_compatible",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
        }
    }

    /// Reads the name back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Where a provider definition came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderOrigin {
    /// The config file.
    Config,
    /// `*_API_KEY` or `*_HOST` in the environment.
    Environment,
    /// `providers.json`.
    ProvidersJson,
    /// `POST /v1/providers`.
    Api,
}

impl ProviderOrigin {
    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Environment => "environment",
            Self::ProvidersJson => "providers_json",
            Self::Api => "api",
        }
    }
}

/// The credential that a provider is called with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderKey {
    /// No credential (local servers).
    None,
    /// The operator's key.
    Own(Secret),
    /// `api_key = "passthrough"`: the client's own credential is forwarded.
    Passthrough,
}

/// One provider.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Unique id, `[a-z0-9][a-z0-9._-]*`.
    pub id: String,
    /// Which API it speaks and with which quirks.
    pub provider_type: ProviderType,
    /// Disabled providers are listed but never called.
    pub enabled: bool,
    /// The credential.
    pub key: ProviderKey,
    /// What that provider's own SDK takes as base URL, without a trailing slash.
    /// For Azure the resource root; for `local` and `ollama` the server's root.
    pub base_url: url::Url,
    /// Azure: the deployment that answers when the model names none.
    pub deployment: Option<String>,
    /// Azure: the `api-version` query parameter.
    pub api_version: Option<String>,
    /// The model for requests that name none or `default`.
    pub default_model: Option<String>,
    /// Models it is known to serve; empty means "ask the catalog or the server".
    pub models: Vec<String>,
    /// Lower is tried first.
    pub priority: u32,
    /// Whether an address that resolves to a private or loopback range may be called.
    /// Always true for providers of the config file.
    pub allow_private_network: bool,
    /// The time limits of a call.
    pub timeouts: ProviderTimeouts,
    /// USD per million tokens, for every model of this provider that has no `[[catalog]]` entry.
    pub pricing: Option<PriceOverride>,
    /// What it may be asked for, in place of `[limits.per_provider]`.
    pub limits: Option<LimitSet>,
    /// What requests are given that state nothing themselves.
    pub params: ProviderParams,
    /// What its API can do.
    pub features: ProviderFeatures,
    /// Where this definition came from.
    pub origin: ProviderOrigin,
}

/// `features` of a provider: what its API can do, where a server of a known API lacks something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderFeatures {
    /// Whether answers may be asked for as JSON (`response_format`).
    pub json_mode: bool,
}

impl Default for ProviderFeatures {
    fn default() -> Self {
        Self { json_mode: true }
    }
}

/// Time limits of an upstream call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderTimeouts {
    /// TCP and TLS.
    pub connect: Duration,
    /// From the request to the first byte of the answer's body.
    pub first_token: Duration,
    /// Between two chunks of a streamed answer.
    pub idle: Duration,
    /// The whole call of a non-streamed request.
    pub total: Duration,
}

impl Default for ProviderTimeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_token: Duration::from_secs(300),
            idle: Duration::from_secs(120),
            total: Duration::from_secs(300),
        }
    }
}

/// `[key_map.<virtual-key>]`
#[derive(Clone, Debug)]
pub struct MappedKey {
    /// The virtual key that clients send.
    pub key: Secret,
    /// Shown in records.
    pub label: Option<String>,
    /// Team of the key.
    pub team: Option<String>,
    /// Project that the key fixes.
    pub project: Option<String>,
    /// Models the key may use; empty means all.
    pub allowed_models: Vec<String>,
    /// Providers the key may use; empty means all.
    pub allowed_providers: Vec<String>,
    /// The key's own provider keys, by provider type (`anthropic_key`) or by provider id.
    pub provider_keys: Vec<(String, Secret)>,
    /// Whether the response cache serves the key; `None` leaves it to the project.
    pub cache: Option<bool>,
    /// What the key states of its own, laid over its project's and `[sanitization]`.
    pub sanitization: Option<SanitizationOverride>,
    /// What it may use, in place of `[limits.per_key]`.
    pub limits: Option<LimitSet>,
    /// What it may spend, besides what `[[budgets]]` say.
    pub budgets: Vec<BudgetTerms>,
    /// The operator's own words about it.
    pub metadata: BTreeMap<String, String>,
}

/// `[[catalog]]`: what the operator knows better about a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CatalogOverride {
    /// Provider id, or `None` for every provider.
    pub provider: Option<String>,
    /// The exact model name.
    pub model: String,
    /// Its price, where any class is stated.
    pub price: PriceOverride,
    /// The rest.
    pub card: CardOverride,
}

/// What a `[[catalog]]` entry says besides the price; `None` leaves the bundled card's word.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CardOverride {
    /// The name for people.
    pub name: Option<String>,
    /// The maker's name for the line of models.
    pub family: Option<String>,
    /// Where its life stands.
    pub status: Option<ModelStatus>,
    /// Day, month or year of its release.
    pub released_on: Option<String>,
    /// Day, month or year at which its knowledge ends.
    pub knowledge_cutoff: Option<String>,
    /// Prompt and answer together, in tokens.
    pub context_window: Option<u64>,
    /// Longest prompt, in tokens.
    pub max_input_tokens: Option<u64>,
    /// Longest answer, in tokens.
    pub max_output_tokens: Option<u64>,
    /// What it takes.
    pub input_modalities: Option<Vec<Modality>>,
    /// What it makes.
    pub output_modalities: Option<Vec<Modality>>,
    /// All that it can do; what is not in the set it cannot.
    pub capabilities: Option<Abilities>,
    /// Whether prompts can be cached.
    pub prompt_cache: Option<bool>,
    /// Whether its weights are published.
    pub open_weights: Option<bool>,
    /// How good its answers are, from 0 to 1.
    pub quality: Option<f32>,
}

/// Prices in USD per million tokens; a class that is `None` is priced as its parent class
/// (cache read and write, audio as input; reasoning and audio as output).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceOverride {
    /// Uncached input.
    pub input: Option<Decimal>,
    /// Cache reads.
    pub cache_read: Option<Decimal>,
    /// Five-minute cache writes.
    pub cache_write: Option<Decimal>,
    /// One-hour cache writes.
    pub cache_write_1h: Option<Decimal>,
    /// Audio input.
    pub input_audio: Option<Decimal>,
    /// Output.
    pub output: Option<Decimal>,
    /// Reasoning.
    pub reasoning: Option<Decimal>,
    /// Audio output.
    pub output_audio: Option<Decimal>,
    /// Per request, in USD.
    pub per_request: Option<Decimal>,
}

impl PriceOverride {
    /// Whether it states no class at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// `[storage]`
#[derive(Clone, Debug)]
pub struct Storage {
    /// Directory of the three database files.
    pub path: PathBuf,
    /// The master key that encrypts provider keys at rest: from `LLM_GATEWAY_MASTER_KEY`
    /// (64 hex digits) if set, else a 0600 file `master.key` in `path`, made on first need.
    pub master_key: Option<Secret>,
    /// Records older than this are deleted; `None` keeps them for ever.
    pub retention_days: Option<u32>,
    /// Longest time that an answer's end waits for its record to be in the spool.
    pub spool_wait: Duration,
    /// Free disk space below which the gateway counts as degraded, in bytes.
    pub low_disk_bytes: u64,
    /// Most bytes of the ballast, which is given up when the disk is full; 0 for none.
    pub ballast_bytes: u64,
}

/// `[translation]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Translation {
    /// Whether fields that a provider's API has no place for are left out and named, instead of refused.
    pub drop_unsupported: bool,
}
