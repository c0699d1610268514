//! A provider as the API takes it, and the check that makes it one of ours.
//!
//! A key goes in here; it is shown nowhere.

use std::time::Duration;

use serde::Deserialize;
use url::Url;
use utoipa::ToSchema;

use super::{
    change::Change,
    egress::{check_network, read_address},
    error::ApiError,
    key_body::check_text,
    limit_body::LimitsBody,
    provider_view::TypeName,
    sanitization_body::refused,
};
use crate::{
    config::{
        self, Params, Provider, ProviderFeatures, ProviderKey, ProviderOrigin, ProviderParams, ProviderTimeouts,
        ProviderType, default_base_url,
    },
    domain::Secret,
};

/// Priority of a provider that states none.
const PRIORITY: u32 = 100;
/// Azure's API version when none is given.
const AZURE_API_VERSION: &str = "2024-10-21";
/// Words that a model name or an address could not tell from an id.
const RESERVED_IDS: [&str; 2] = ["auto", "default"];

/// A provider to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewProvider {
    /// Unique id: at most 64 lower-case letters, digits, `.`, `_` and `-`.
    #[schema(example = "ollama")]
    id: String,
    /// Which API it speaks.
    provider_type: TypeName,
    /// The server's root, such as `http://localhost:11434`; or give `base_url`.
    #[schema(example = "http://localhost:11434")]
    endpoint: Option<String>,
    /// What its own SDK takes as base URL, such as `https://api.openai.com/v1`; or give `endpoint`.
    base_url: Option<String>,
    /// Its key, or `passthrough` to forward the client's own credential. Never shown again.
    #[schema(value_type = Option<String>, format = Password)]
    api_key: Option<String>,
    /// Whether it is called; true when left out.
    enabled: Option<bool>,
    /// Azure: the deployment that answers when the model names none.
    deployment: Option<String>,
    /// Azure: the API version.
    api_version: Option<String>,
    /// The model for requests that name none.
    default_model: Option<String>,
    /// Models it is known to serve.
    #[serde(default)]
    models: Vec<String>,
    /// Lower is tried first; 100 when left out.
    priority: Option<u32>,
    /// Whether it may lie in a private or loopback network; when left out, only `local` and `ollama` may.
    allow_private_network: Option<bool>,
    /// Time limit of a call that is not streamed, in seconds.
    timeout: Option<f64>,
    /// Time limit for connecting, in seconds.
    connect_timeout: Option<f64>,
    /// Time limit for the first byte of an answer, in seconds.
    first_token_timeout: Option<f64>,
    /// Longest silence in a streamed answer, in seconds.
    idle_timeout: Option<f64>,
    /// How much it may be asked, in place of `[limits.per_provider]`.
    limits: Option<LimitsBody>,
    /// Added to requests that state nothing themselves.
    #[serde(default)]
    #[schema(value_type = Object)]
    api_params: Params,
    /// The same for single models, over those.
    #[serde(default)]
    #[schema(value_type = Object)]
    model_params: Params,
}

/// Changes to a provider: what is left out stays, `null` empties. Its id and type stay for good.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProviderChange {
    /// The server's root; or give `base_url`. A new address clears the key unless `api_key` is given too.
    endpoint: Option<String>,
    /// What its own SDK takes as base URL; or give `endpoint`.
    base_url: Option<String>,
    /// Its new key, or `passthrough`; `null` removes the key.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Password)]
    api_key: Change<String>,
    /// Whether it is called.
    enabled: Option<bool>,
    /// Azure: the deployment that answers when the model names none.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    deployment: Change<String>,
    /// Azure: the API version.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    api_version: Change<String>,
    /// The model for requests that name none.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    default_model: Change<String>,
    /// Models it is known to serve.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    models: Change<Vec<String>>,
    /// Lower is tried first.
    priority: Option<u32>,
    /// Whether it may lie in a private or loopback network.
    allow_private_network: Option<bool>,
    /// Time limit of a call that is not streamed, in seconds.
    timeout: Option<f64>,
    /// Time limit for connecting, in seconds.
    connect_timeout: Option<f64>,
    /// Time limit for the first byte of an answer, in seconds.
    first_token_timeout: Option<f64>,
    /// Longest silence in a streamed answer, in seconds.
    idle_timeout: Option<f64>,
    /// How much it may be asked; `null` leaves it to `[limits.per_provider]`.
    #[serde(default)]
    #[schema(value_type = Option<LimitsBody>)]
    limits: Change<LimitsBody>,
    /// Added to requests that state nothing themselves.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    api_params: Change<Params>,
    /// The same for single models, over those.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    model_params: Change<Params>,
}

impl NewProvider {
    /// The provider, if everything about it is right.
    ///
    /// # Errors
    /// 400 that names the field.
    pub(super) fn check(self) -> Result<Provider, ApiError> {
        check_id(&self.id)?;
        let provider_type = ProviderType::from(self.provider_type);
        let stated = address(provider_type, self.base_url.as_deref(), self.endpoint.as_deref())?;
        let base_url = match stated.or_else(|| default_base_url(&self.id, provider_type)) {
            Some(url) => url,
            None => {
                return Err(ApiError::invalid("endpoint", "`endpoint` or `base_url` is missing: where does it lie?"));
            }
        };
        let mut timeouts = ProviderTimeouts::default();
        set_seconds("timeout", self.timeout, &mut timeouts.total)?;
        set_seconds("connect_timeout", self.connect_timeout, &mut timeouts.connect)?;
        set_seconds("first_token_timeout", self.first_token_timeout, &mut timeouts.first_token)?;
        set_seconds("idle_timeout", self.idle_timeout, &mut timeouts.idle)?;
        let is_azure = provider_type == ProviderType::AzureOpenai;
        let default_version = is_azure.then(|| AZURE_API_VERSION.to_owned());
        checked(Provider {
            id: self.id,
            provider_type,
            enabled: self.enabled.unwrap_or(true),
            key: key(self.api_key)?,
            base_url,
            deployment: self.deployment,
            api_version: self.api_version.or(default_version),
            default_model: self.default_model,
            models: self.models,
            priority: self.priority.unwrap_or(PRIORITY),
            allow_private_network: self.allow_private_network.unwrap_or(lies_within(provider_type)),
            timeouts,
            pricing: None,
            limits: self.limits.as_ref().map(LimitsBody::checked).transpose()?,
            params: params(self.api_params, self.model_params)?,
            features: ProviderFeatures::default(),
            origin: ProviderOrigin::Api,
        })
    }
}

impl ProviderChange {
    /// Whether the call says what the key is to be.
    pub(super) const fn gives_key(&self) -> bool {
        !matches!(self.api_key, Change::Keep)
    }

    /// The changed provider, if everything about it is right.
    ///
    /// # Errors
    /// 400 that names the field.
    pub(super) fn applied_to(self, before: &Provider) -> Result<Provider, ApiError> {
        let mut after = before.clone();
        let stated = address(before.provider_type, self.base_url.as_deref(), self.endpoint.as_deref())?;
        after.base_url = stated.unwrap_or(after.base_url);
        after.key = match self.api_key {
            Change::Keep => after.key,
            Change::Clear => ProviderKey::None,
            Change::Set(text) => key(Some(text))?,
        };
        after.enabled = self.enabled.unwrap_or(after.enabled);
        self.deployment.apply(&mut after.deployment);
        self.api_version.apply(&mut after.api_version);
        self.default_model.apply(&mut after.default_model);
        self.models.apply_or_default(&mut after.models);
        after.priority = self.priority.unwrap_or(after.priority);
        after.allow_private_network = self.allow_private_network.unwrap_or(after.allow_private_network);
        set_seconds("timeout", self.timeout, &mut after.timeouts.total)?;
        set_seconds("connect_timeout", self.connect_timeout, &mut after.timeouts.connect)?;
        set_seconds("first_token_timeout", self.first_token_timeout, &mut after.timeouts.first_token)?;
        set_seconds("idle_timeout", self.idle_timeout, &mut after.timeouts.idle)?;
        match self.limits {
            Change::Keep => {}
            Change::Clear => after.limits = None,
            Change::Set(limits) => after.limits = Some(limits.checked()?),
        }
        let (mut api, mut by_model) = (after.params.api.clone(), after.params.model_params());
        self.api_params.apply_or_default(&mut api);
        self.model_params.apply_or_default(&mut by_model);
        after.params = params(api, by_model)?;
        checked(after)
    }
}

/// The rules that hold for a new provider and a changed one alike.
fn checked(provider: Provider) -> Result<Provider, ApiError> {
    check_network("base_url", &provider.base_url, provider.allow_private_network)?;
    let is_azure = provider.provider_type == ProviderType::AzureOpenai;
    for (name, text) in [("deployment", &provider.deployment), ("api_version", &provider.api_version)] {
        if text.is_some() && !is_azure {
            let message = format!("`{name}` belongs to the type `azure_openai` only");
            return Err(ApiError::invalid(name, message));
        }
        if let Some(text) = text {
            check_text(name, text)?;
        }
    }
    if let Some(model) = &provider.default_model {
        check_text("default_model", model)?;
    }
    provider.models.iter().try_for_each(|model| check_text("models", model))?;
    Ok(provider)
}

/// Parameters by the rules of the config file.
fn params(api: Params, by_model: Params) -> Result<ProviderParams, ApiError> {
    let mut both = ProviderParams::default();
    for (name, stated) in [("api_params", api), ("model_params", by_model)] {
        let text = serde_json::json!({ name: stated }).to_string();
        let read = ProviderParams::from_json(&text, name).map_err(|errors| refused(name, &errors))?;
        both.api.extend(read.api);
        both.by_model.extend(read.by_model);
    }
    Ok(both)
}

/// Types that usually stand for a server on the operator's own network.
const fn lies_within(kind: ProviderType) -> bool {
    matches!(kind, ProviderType::Local | ProviderType::Ollama)
}

fn check_id(id: &str) -> Result<(), ApiError> {
    let is_first = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_inner = |byte: &u8| is_first(byte) || b"._-".contains(byte);
    let message = if RESERVED_IDS.contains(&id) {
        format!("`{id}` is reserved; choose another id")
    } else if !id.as_bytes().first().is_some_and(is_first) || id.len() > 64 || !id.as_bytes().iter().all(is_inner) {
        "use at most 64 lower-case letters, digits, `.`, `_` and `-`, beginning with a letter or digit".to_owned()
    } else {
        return Ok(());
    };
    Err(ApiError::invalid("id", message))
}

fn address(kind: ProviderType, base_url: Option<&str>, endpoint: Option<&str>) -> Result<Option<Url>, ApiError> {
    match (base_url, endpoint) {
        (Some(_), Some(_)) => Err(ApiError::invalid("endpoint", "give `endpoint` or `base_url`, not both")),
        (Some(text), None) => read_address("base_url", text).map(|url| Some(config::of_base_url(kind, url))),
        (None, Some(text)) => read_address("endpoint", text).map(|url| Some(config::of_endpoint(kind, url))),
        (None, None) => Ok(None),
    }
}

fn key(text: Option<String>) -> Result<ProviderKey, ApiError> {
    match text {
        None => Ok(ProviderKey::None),
        Some(text) if text == "passthrough" => Ok(ProviderKey::Passthrough),
        Some(text) => sendable("api_key", text).map(ProviderKey::Own),
    }
}

/// A key that can be the value of a header.
pub(super) fn sendable(field: &str, text: String) -> Result<Secret, ApiError> {
    if !text.is_empty() && text.len() <= 4096 && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(Secret::new(text));
    }
    Err(ApiError::invalid(field, format!("`{field}` must be visible ASCII without spaces")))
}

fn set_seconds(name: &str, given: Option<f64>, limit: &mut Duration) -> Result<(), ApiError> {
    match given {
        None => {}
        Some(seconds) if (0.001..=86_400.0).contains(&seconds) => *limit = Duration::from_secs_f64(seconds),
        Some(_) => {
            return Err(ApiError::invalid(name, format!("`{name}` must be 0.001 to 86,400 seconds")));
        }
    }
    Ok(())
}
