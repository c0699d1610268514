//! Model lists in each API's own shape: the operator's own names and what the providers are known to serve, local
//! servers asked live.
//!
//! Lists make no record and never tell of providers that the caller's key may not use.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    extract::{Path, State},
    response::Response,
};
use futures_util::future::join_all;
use http::{HeaderMap, HeaderValue, Uri, header};
use http_body_util::{BodyExt as _, Limited};

use super::{
    GatewayState, accept,
    error::Refusal,
    identify::{self, Caller},
};
use crate::{
    catalog::Catalog,
    config::{Provider, ProviderKey, ProviderType},
    dialect::models::{self as shape, ModelEntry},
    domain::{ApiFamily, ErrorKind, Timestamp},
    policy::Policy,
    provider::{self, Credential},
    routing::lets_pass,
};

/// How long a local server's answer is believed, and how long it may take.
const LIVE_FRESH: Duration = Duration::from_secs(10);
const LIVE_PATIENCE: Duration = Duration::from_secs(2);
const LIVE_BYTES_MAX: usize = 1024 * 1024;

type Remembered = HashMap<String, (Instant, Arc<[String]>)>;

/// What local servers said they serve, kept for seconds.
#[derive(Clone, Debug, Default)]
pub struct LiveModels(Arc<Mutex<Remembered>>);

/// `GET /v1/models`: OpenAI's list, Anthropic's for a client that sends `anthropic-version`, Gemini's for
/// one that sends Google's headers (google-genai calls `/v1` when only a base URL is set).
pub(super) async fn list(State(state): State<GatewayState>, headers: HeaderMap, uri: Uri) -> Response {
    let family = family(&headers);
    answer(&state, &headers, &uri, family, |entries| match family {
        ApiFamily::Anthropic => Ok(shape::anthropic_list(entries)),
        ApiFamily::Gemini => Ok(shape::gemini_list(entries)),
        _ => Ok(shape::openai_list(entries)),
    })
    .await
}

/// `GET /v1/models/{id}`.
pub(super) async fn one(
    State(state): State<GatewayState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let family = family(&headers);
    answer(&state, &headers, &uri, family, |entries| {
        let entry = find(entries, &id)?;
        Ok(match family {
            ApiFamily::Anthropic => shape::anthropic_one(entry),
            ApiFamily::Gemini => shape::gemini_one(entry),
            _ => shape::openai_one(entry),
        })
    })
    .await
}

/// `GET /v1beta/models`.
pub(super) async fn gemini_list(State(state): State<GatewayState>, headers: HeaderMap, uri: Uri) -> Response {
    answer(&state, &headers, &uri, ApiFamily::Gemini, |entries| Ok(shape::gemini_list(entries))).await
}

/// `GET /v1beta/models/{id}`.
pub(super) async fn gemini_one(
    State(state): State<GatewayState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    answer(&state, &headers, &uri, ApiFamily::Gemini, |entries| find(entries, &id).map(shape::gemini_one)).await
}

/// `GET /api/tags`.
pub(super) async fn ollama_tags(State(state): State<GatewayState>, headers: HeaderMap, uri: Uri) -> Response {
    answer(&state, &headers, &uri, ApiFamily::Ollama, |entries| Ok(shape::ollama_tags(entries))).await
}

/// `GET /api/version`: ours; Ollama's clients only want to see that somebody answers.
pub(super) async fn ollama_version() -> Response {
    json(format!("{{\"version\":\"{}\"}}", env!("CARGO_PKG_VERSION")).into_bytes())
}

fn family(headers: &HeaderMap) -> ApiFamily {
    if headers.contains_key("anthropic-version") {
        ApiFamily::Anthropic
    } else if headers.contains_key("x-goog-api-key") || headers.contains_key("x-goog-api-client") {
        ApiFamily::Gemini
    } else {
        ApiFamily::Openai
    }
}

/// The entry that a name means; else what to say about it.
fn find<'e, 'm>(entries: &'e [ModelEntry<'m>], id: &str) -> Result<&'e ModelEntry<'m>, String> {
    let pinned = || {
        let (provider, model) = id.split_once('/')?;
        entries.iter().find(|entry| entry.provider == provider && entry.id == model)
    };
    entries.iter().find(|entry| entry.id == id).or_else(pinned).ok_or_else(|| {
        let near = Catalog::nearest(id, entries.iter().map(|entry| entry.id));
        let advice = if near.is_empty() { String::new() } else { format!("; close: {}", near.join(", ")) };
        format!("no provider is known to serve this model{advice}")
    })
}

async fn answer(
    state: &GatewayState,
    headers: &HeaderMap,
    uri: &Uri,
    family: ApiFamily,
    write: impl FnOnce(&[ModelEntry<'_>]) -> Result<Vec<u8>, String>,
) -> Response {
    let policy = state.policy.load();
    let caller = accept::labels(headers)
        .and_then(|labels| identify::identify(&policy, headers, uri.query(), &labels, Timestamp::now()));
    let caller = match caller {
        Ok(caller) => caller,
        Err(refusal) => return refusal.response(family, ""),
    };
    let served = served(state, &policy, &caller).await;
    let entries: Vec<ModelEntry<'_>> = served
        .iter()
        .map(|(provider, id)| ModelEntry { id, provider: &provider.id, owned_by: &provider.id, created: 0 })
        .collect();
    match write(&entries) {
        Ok(body) => json(body),
        Err(why) => Refusal::new(ErrorKind::ModelNotFound, why).response(family, ""),
    }
}

fn json(body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Every named model, and every model of every enabled provider, that the caller may use.
async fn served(state: &GatewayState, policy: &Policy, caller: &Caller) -> Vec<(Arc<Provider>, String)> {
    let key = caller.key.as_deref();
    let may_use = |provider: &&Arc<Provider>| {
        let allowed =
            key.is_none_or(|key| key.allowed_providers.is_empty() || key.allowed_providers.contains(&provider.id));
        provider.enabled && allowed
    };
    let usable: Vec<_> = policy.providers.iter().filter(may_use).collect();
    let names = join_all(usable.iter().map(|provider| names(state, policy, provider))).await;
    let of_key = key.map_or(&[][..], |key| &key.allowed_models);
    let of_project = policy.project(caller.project.as_deref()).map_or(&[][..], |project| &project.models);
    let may_name =
        |provider: &str, id: &str| [of_key, of_project].iter().all(|allowed| lets_pass(allowed, provider, id));
    let mut served = Vec::new();
    for model in &policy.config.models {
        // Under its own name it is listed with whom it leads to first.
        let target = model.targets.iter().find_map(|target| usable.iter().find(|known| known.id == target.provider));
        let Some(provider) = target else { continue };
        if std::iter::once(&model.name).chain(&model.aliases).any(|name| may_name(&provider.id, name)) {
            served.push((Arc::clone(provider), model.name.clone()));
        }
    }
    let named: HashSet<&str> = policy.config.models.iter().map(|model| model.name.as_str()).collect();
    for (provider, mut names) in usable.into_iter().zip(names) {
        names.retain(|id| may_name(&provider.id, id) && !named.contains(id.as_str()));
        let mut seen = HashSet::new();
        names.retain(|id| seen.insert(id.clone()));
        served.extend(names.into_iter().map(|id| (Arc::clone(provider), id)));
    }
    served
}

async fn names(state: &GatewayState, policy: &Policy, provider: &Arc<Provider>) -> Vec<String> {
    let mut names = provider.models.clone();
    names.extend(provider.default_model.clone());
    if !provider.models.is_empty() {
        return names;
    }
    if matches!(provider.provider_type, ProviderType::Local | ProviderType::Ollama) {
        names.extend(live(&state.memory.live_models, policy, provider).await.iter().cloned());
        return names;
    }
    let known = Catalog::catalog_provider_for(provider.provider_type, &provider.id, &provider.base_url);
    names.extend(known.into_iter().flat_map(|known| policy.catalog.models_of(known)).map(|card| card.id.to_owned()));
    names
}

impl LiveModels {
    /// What local servers said lately, by provider id. Asks nobody.
    pub fn known(&self) -> Vec<(String, Arc<[String]>)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(id, (_, names))| (id.clone(), Arc::clone(names))).collect()
    }

    /// What these local servers serve, by provider id.
    pub(super) async fn of_all(&self, policy: &Policy, providers: &[Arc<Provider>]) -> Vec<(String, Arc<[String]>)> {
        let asking = providers.iter().map(|provider| live(self, policy, provider));
        let names = join_all(asking).await;
        providers.iter().map(|provider| provider.id.clone()).zip(names).collect()
    }
}

/// Asks a local server, at most once in [`LIVE_FRESH`]. One that does not answer serves nothing.
async fn live(live_models: &LiveModels, policy: &Policy, provider: &Arc<Provider>) -> Arc<[String]> {
    let remembered = live_models.0.lock().unwrap_or_else(PoisonError::into_inner).get(&provider.id).cloned();
    if let Some((at, names)) = remembered
        && at.elapsed() < LIVE_FRESH
    {
        return names;
    }
    let names: Arc<[String]> = match tokio::time::timeout(LIVE_PATIENCE, ask(policy, provider)).await {
        Ok(Some(names)) => names.into(),
        _ => Arc::from([]),
    };
    let mut all = live_models.0.lock().unwrap_or_else(PoisonError::into_inner);
    all.insert(provider.id.clone(), (Instant::now(), Arc::clone(&names)));
    names
}

async fn ask(policy: &Policy, provider: &Provider) -> Option<Vec<String>> {
    let client = policy.clients.get(&provider.id)?;
    let credential = match &provider.key {
        ProviderKey::Own(key) => Credential::Key(key.clone()),
        ProviderKey::None | ProviderKey::Passthrough => Credential::None,
    };
    let response = client.send(provider::models_request(provider, &credential).ok()?).await.ok()?;
    if !response.status().is_success() {
        return None;
    }
    let body = Limited::new(response.into_body(), LIVE_BYTES_MAX).collect().await.ok()?.to_bytes();
    provider::model_names(&body)
}
