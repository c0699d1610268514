//! A provider as the API shows it: everything but its key.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    limit_body::LimitsBody,
    model_health::{AllHealth, ModelHealth},
};
use crate::config::{Params, Provider, ProviderKey, ProviderOrigin, ProviderType};

/// A provider, without its key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Provider)]
pub(super) struct ProviderView {
    /// Unique id.
    pub(super) id: String,
    /// Which API it speaks and with which quirks.
    pub(super) provider_type: TypeName,
    /// Disabled providers are never called.
    pub(super) enabled: bool,
    /// Where it lies: what its own SDK takes as base URL, or the root of a `local`, `ollama` or Azure server.
    pub(super) base_url: String,
    /// Which credential it is called with.
    pub(super) credential: CredentialKind,
    /// Azure: the deployment that answers when the model names none.
    pub(super) deployment: Option<String>,
    /// Azure: the API version.
    pub(super) api_version: Option<String>,
    /// The model for requests that name none.
    pub(super) default_model: Option<String>,
    /// Models it is known to serve; empty means "ask the catalog or the server".
    pub(super) models: Vec<String>,
    /// Lower is tried first.
    pub(super) priority: u32,
    /// Whether it may lie in a private or loopback network.
    pub(super) allow_private_network: bool,
    /// Time limit of a call that is not streamed, in seconds.
    pub(super) timeout: f64,
    /// Time limit for connecting, in seconds.
    pub(super) connect_timeout: f64,
    /// Time limit for the first byte of an answer, in seconds.
    pub(super) first_token_timeout: f64,
    /// Longest silence in a streamed answer, in seconds.
    pub(super) idle_timeout: f64,
    /// How much it may be asked; `null` leaves that to `[limits.per_provider]`.
    pub(super) limits: Option<LimitsBody>,
    /// Added to requests that state nothing themselves.
    #[schema(value_type = Object)]
    pub(super) api_params: Params,
    /// The same for single models, over those.
    #[schema(value_type = Object)]
    pub(super) model_params: Params,
    /// Who defines it, and so who can change it.
    pub(super) origin: OriginName,
    /// The worst state of its models' circuit breakers: `closed`, `half_open` or `open`.
    #[schema(example = "closed")]
    pub(super) breaker: &'static str,
    /// How its models fare that were called since the start, those first that are not well, then the busiest; a list
    /// shows 20 of them.
    pub(super) model_health: Vec<ModelHealth>,
}

/// Which API a provider speaks.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ProviderType)]
pub(super) enum TypeName {
    /// Anthropic.
    Anthropic,
    /// OpenAI itself.
    Openai,
    /// Azure OpenAI.
    AzureOpenai,
    /// An OpenAI-compatible server on the operator's own network (Ollama, vLLM, LM Studio, llama.cpp, …).
    Local,
    /// Any other OpenAI-compatible service.
    OpenaiCompatible,
    /// Google Gemini.
    Gemini,
    /// Ollama's native API.
    Ollama,
}

/// Who defines a provider.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ProviderOrigin)]
pub(super) enum OriginName {
    /// The config file.
    Config,
    /// A variable such as `OPENAI_API_KEY`.
    Environment,
    /// `providers.json`.
    ProvidersJson,
    /// This API.
    Api,
}

/// Which credential a provider is called with.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum CredentialKind {
    /// None.
    None,
    /// The operator's key, which is never shown.
    Own,
    /// The client's own credential is passed through.
    Passthrough,
}

impl ProviderView {
    /// A provider in a list.
    pub(super) fn row(provider: &Provider, health: &AllHealth) -> Self {
        Self::new(provider, health.worst(&provider.id), health.listed(&provider.id))
    }

    /// A provider by itself.
    pub(super) fn detail(provider: &Provider, health: &AllHealth) -> Self {
        Self::new(provider, health.worst(&provider.id), health.models(&provider.id))
    }

    /// What may be shown of a provider.
    fn new(provider: &Provider, breaker: &'static str, model_health: Vec<ModelHealth>) -> Self {
        Self {
            breaker,
            model_health,
            id: provider.id.clone(),
            provider_type: provider.provider_type.into(),
            enabled: provider.enabled,
            base_url: provider.base_url.as_str().trim_end_matches('/').to_owned(),
            credential: match provider.key {
                ProviderKey::None => CredentialKind::None,
                ProviderKey::Own(_) => CredentialKind::Own,
                ProviderKey::Passthrough => CredentialKind::Passthrough,
            },
            deployment: provider.deployment.clone(),
            api_version: provider.api_version.clone(),
            default_model: provider.default_model.clone(),
            models: provider.models.clone(),
            priority: provider.priority,
            allow_private_network: provider.allow_private_network,
            timeout: provider.timeouts.total.as_secs_f64(),
            connect_timeout: provider.timeouts.connect.as_secs_f64(),
            first_token_timeout: provider.timeouts.first_token.as_secs_f64(),
            idle_timeout: provider.timeouts.idle.as_secs_f64(),
            limits: provider.limits.as_ref().map(LimitsBody::from),
            api_params: provider.params.api.clone(),
            model_params: provider.params.model_params(),
            origin: match provider.origin {
                ProviderOrigin::Config => OriginName::Config,
                ProviderOrigin::Environment => OriginName::Environment,
                ProviderOrigin::ProvidersJson => OriginName::ProvidersJson,
                ProviderOrigin::Api => OriginName::Api,
            },
        }
    }
}

impl From<TypeName> for ProviderType {
    fn from(name: TypeName) -> Self {
        match name {
            TypeName::Anthropic => Self::Anthropic,
            TypeName::Openai => Self::Openai,
            TypeName::AzureOpenai => Self::AzureOpenai,
            TypeName::Local => Self::Local,
            TypeName::OpenaiCompatible => Self::OpenaiCompatible,
            TypeName::Gemini => Self::Gemini,
            TypeName::Ollama => Self::Ollama,
        }
    }
}

impl From<ProviderType> for TypeName {
    fn from(kind: ProviderType) -> Self {
        match kind {
            ProviderType::Anthropic => Self::Anthropic,
            ProviderType::Openai => Self::Openai,
            ProviderType::AzureOpenai => Self::AzureOpenai,
            ProviderType::Local => Self::Local,
            ProviderType::OpenaiCompatible => Self::OpenaiCompatible,
            ProviderType::Gemini => Self::Gemini,
            ProviderType::Ollama => Self::Ollama,
        }
    }
}
