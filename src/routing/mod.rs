//! From facts about one request to a plan: which provider and model are tried, in which order, and why.
//!
//! Pure: no I/O, no clock, no global. Everything that steers the decision is an argument, so that a
//! stored trace can be run again on its facts.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::{
    catalog::Catalog,
    config::{Provider, ProviderType},
    domain::{Api, Endpoint},
};

/// What the decision rests on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The endpoint that was called.
    pub endpoint: Endpoint,
    /// The model as the client named it.
    pub model: Option<&'a str>,
    /// Header `x-provider`, for the further paths that name no model.
    pub provider_wanted: Option<&'a str>,
    /// All providers, by priority.
    pub providers: &'a [Arc<Provider>],
    /// `LLM_PROVIDER`, if it names one.
    pub default_provider: Option<&'a str>,
    /// Providers that the caller's key may use; empty means all.
    pub allowed_providers: &'a [String],
    /// Models that the caller's key may use; empty means all.
    pub allowed_models: &'a [String],
    /// Which provider knows which model.
    pub catalog: &'a Catalog,
    /// What local servers said they serve, by provider id (see [`to_ask`]).
    pub live: &'a [(String, Arc<[String]>)],
}

/// An ordered, non-empty list of attempts and the trace that explains it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Tried first.
    pub first: Target,
    /// Tried in this order when the one before failed and nothing has gone out yet.
    pub fallbacks: Vec<Target>,
    /// Why.
    pub trace: Trace,
}

/// One upstream call to make.
#[derive(Clone, Debug)]
pub struct Target {
    /// Who is called.
    pub provider: Arc<Provider>,
    /// The model to ask for; `None` for paths that name none.
    pub model: Option<Arc<str>>,
    /// The API to speak.
    pub api: Api,
}

/// Why a plan looks as it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The rule that decided.
    pub rule: Rule,
    /// Ids of the providers that could have been asked, the chosen one first.
    pub candidates: Vec<String>,
}

/// The rule that decided where a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The model was named `provider/model`.
    Pinned,
    /// Header `x-provider`.
    Header,
    /// No model or `default` was named: the configured default.
    Default,
    /// A provider is known to serve the model.
    KnownModel,
    /// Nobody is known to serve it: the provider native to the endpoint.
    Native,
}

/// Why no plan could be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unroutable {
    /// Not one provider is configured and enabled.
    #[error("no provider is configured: add a [[providers]] block, set e.g. OPENAI_API_KEY, or POST /v1/providers")]
    NoProvider,
    /// No provider speaks this API.
    #[error("no configured provider speaks the {api} API of this endpoint (configured: {configured})")]
    NobodySpeaks {
        /// The endpoint's API.
        api: &'static str,
        /// Ids of the enabled providers that the key may use.
        configured: String,
    },
    /// The pinned provider does not speak the endpoint's API.
    #[error("provider `{provider}` does not speak the {api} API of this endpoint")]
    WrongApi {
        /// The pinned provider.
        provider: String,
        /// The endpoint's API.
        api: &'static str,
    },
    /// Whoever serves the model speaks another API, and those who speak this one do not serve it.
    #[error("model `{model}` is served by `{provider}`, which does not speak the {api} API of this endpoint")]
    ServedElsewhere {
        /// The model asked for.
        model: String,
        /// Who serves it.
        provider: String,
        /// The endpoint's API.
        api: &'static str,
    },
    /// The wanted provider does not exist or is disabled.
    #[error("no enabled provider `{provider}` (enabled: {configured})")]
    UnknownProvider {
        /// The name that was asked for.
        provider: String,
        /// Ids of the enabled providers that the key may use.
        configured: String,
    },
    /// No model was named and no provider has a default one.
    #[error("no model was named (or `default`) and no provider has a default_model: name one of {known}")]
    NoDefaultModel {
        /// Some names that would work.
        known: String,
    },
    /// The caller's key may not use the model.
    #[error("this key may not use model `{model}` (allowed: {allowed})")]
    ModelForbidden {
        /// The model asked for.
        model: String,
        /// What the key may use.
        allowed: String,
    },
    /// The caller's key may not use the pinned provider.
    #[error("this key may not use provider {wanted} (allowed: {allowed})")]
    ProviderForbidden {
        /// The pinned provider.
        wanted: String,
        /// What the key may use.
        allowed: String,
    },
}

/// Makes the plan.
pub fn plan(facts: &Facts<'_>) -> Result<Plan, Unroutable> {
    let enabled: Vec<&Arc<Provider>> = facts.providers.iter().filter(|provider| provider.enabled).collect();
    if enabled.is_empty() {
        return Err(Unroutable::NoProvider);
    }
    // A provider that the key may not use is not there for it: neither chosen nor named in a refusal.
    let usable: Vec<_> = enabled.into_iter().filter(|provider| may_use(facts, provider)).collect();
    let named = facts.model.filter(|model| !model.is_empty() && *model != "default");
    let (rule, candidates, model) = match named.and_then(|model| split_pin(model, facts.providers)) {
        Some((provider, model)) => {
            let model = (model != "default").then(|| Arc::from(model));
            (Rule::Pinned, vec![checked_pin(facts, provider, &usable)?], model)
        }
        None => unpinned(facts, &usable, named)?,
    };
    let candidate_ids = candidates.iter().map(|provider| provider.id.clone()).collect();
    let trace = Trace { rule, candidates: candidate_ids };
    let Some(provider) = candidates.into_iter().next() else { return Err(Unroutable::NoProvider) };
    let model = model.or_else(|| default_model(facts, provider));
    if let Some(model) = &model {
        check_model(facts, model)?;
    }
    if model.is_none() && needs_model(facts.endpoint) {
        return Err(Unroutable::NoDefaultModel { known: some_models(facts, &usable) });
    }
    let first = Target { provider: Arc::clone(provider), model, api: facts.endpoint.api() };
    Ok(Plan { first, fallbacks: Vec::new(), trace })
}

/// `provider/model` with the id of a provider before the first slash. Other names may hold slashes
/// too (`meta-llama/Llama-3-8b`), so an unknown prefix is part of the model's name.
fn split_pin<'p, 'm>(model: &'m str, providers: &'p [Arc<Provider>]) -> Option<(&'p Arc<Provider>, &'m str)> {
    let (prefix, rest) = model.split_once('/')?;
    let provider = providers.iter().find(|provider| provider.id == prefix)?;
    (!rest.is_empty()).then_some((provider, rest))
}

fn checked_pin<'p>(
    facts: &Facts<'_>,
    provider: &'p Arc<Provider>,
    usable: &[&Arc<Provider>],
) -> Result<&'p Arc<Provider>, Unroutable> {
    if !may_use(facts, provider) {
        let allowed = facts.allowed_providers.join(", ");
        return Err(Unroutable::ProviderForbidden { wanted: provider.id.clone(), allowed });
    }
    if !provider.enabled {
        return Err(Unroutable::UnknownProvider { provider: provider.id.clone(), configured: ids(usable) });
    }
    if speaks(provider.provider_type, facts.endpoint.api()) {
        return Ok(provider);
    }
    Err(Unroutable::WrongApi { provider: provider.id.clone(), api: facts.endpoint.api().as_str() })
}

type Candidates<'p> = (Rule, Vec<&'p Arc<Provider>>, Option<Arc<str>>);

fn unpinned<'p>(
    facts: &Facts<'_>,
    usable: &[&'p Arc<Provider>],
    named: Option<&str>,
) -> Result<Candidates<'p>, Unroutable> {
    let api = facts.endpoint.api();
    let mut speaking: Vec<&Arc<Provider>> =
        usable.iter().copied().filter(|provider| speaks(provider.provider_type, api)).collect();
    if speaking.is_empty() {
        return Err(Unroutable::NobodySpeaks { api: api.as_str(), configured: ids(usable) });
    }
    // A stable sort: providers arrive by priority, and the API's own vendor comes before compatible servers.
    speaking.sort_by_key(|provider| native_rank(provider.provider_type));
    if let Some(wanted) = facts.default_provider {
        speaking.sort_by_key(|provider| provider.id != wanted);
    }
    let model = named.map(Arc::from);
    if let Some(name) = named {
        let serving: Vec<_> = speaking.iter().copied().filter(|provider| facts.know_to_serve(provider, name)).collect();
        if !serving.is_empty() {
            return Ok((Rule::KnownModel, serving, model));
        }
    }
    if let Some(wanted) = facts.provider_wanted {
        let provider = speaking.iter().copied().find(|provider| provider.id == wanted);
        let unknown = || Unroutable::UnknownProvider { provider: wanted.to_owned(), configured: ids(usable) };
        return Ok((Rule::Header, vec![provider.ok_or_else(unknown)?], model));
    }
    if let (Some(model), Some(provider)) = (named, served_elsewhere(facts, usable, &speaking, named)) {
        let (model, provider) = (model.to_owned(), provider.id.clone());
        return Err(Unroutable::ServedElsewhere { model, provider, api: api.as_str() });
    }
    if named.is_none() && needs_model(facts.endpoint) {
        speaking.retain(|provider| default_model(facts, provider).is_some());
        if speaking.is_empty() {
            return Err(Unroutable::NoDefaultModel { known: some_models(facts, usable) });
        }
    }
    Ok((if named.is_some() { Rule::Native } else { Rule::Default }, speaking, model))
}

/// A provider of another API that is known to serve the model, while those who speak this API are known not to:
/// their makers' lists are. A prompt does not go to the wrong maker on the chance that it might answer.
fn served_elsewhere<'p>(
    facts: &Facts<'_>,
    usable: &[&'p Arc<Provider>],
    speaking: &[&Arc<Provider>],
    named: Option<&str>,
) -> Option<&'p Arc<Provider>> {
    let is_listed = |provider: &&Arc<Provider>| {
        Catalog::catalog_provider_for(provider.provider_type, &provider.id, &provider.base_url).is_some()
    };
    let name = named.filter(|_| speaking.iter().all(is_listed))?;
    usable.iter().copied().find(|provider| serves(facts.catalog, provider, name))
}

/// The local servers that should be asked what they serve before a plan is made: those who might, when
/// nobody else is known to serve the model. Usually none.
pub fn to_ask<'a>(facts: &Facts<'a>) -> Vec<&'a Arc<Provider>> {
    let Some(name) = facts.model.filter(|model| !model.is_empty() && *model != "default") else { return Vec::new() };
    let speaking = || {
        facts.providers.iter().filter(|provider| {
            provider.enabled && may_use(facts, provider) && speaks(provider.provider_type, facts.endpoint.api())
        })
    };
    let is_decided = split_pin(name, facts.providers).is_some()
        || speaking().nth(1).is_none()
        || speaking().any(|provider| serves(facts.catalog, provider, name));
    if is_decided {
        return Vec::new();
    }
    let is_local = |kind| matches!(kind, ProviderType::Local | ProviderType::Ollama);
    speaking().filter(|provider| is_local(provider.provider_type) && provider.models.is_empty()).collect()
}

impl Facts<'_> {
    fn know_to_serve(&self, provider: &Provider, model: &str) -> bool {
        let said = |(id, names): &(String, Arc<[String]>)| *id == provider.id && names.iter().any(|name| name == model);
        serves(self.catalog, provider, model) || self.live.iter().any(said)
    }
}

fn check_model(facts: &Facts<'_>, model: &str) -> Result<(), Unroutable> {
    let full = facts.model.unwrap_or(model);
    if facts.allowed_models.is_empty() || facts.allowed_models.iter().any(|allowed| allowed == model || allowed == full)
    {
        return Ok(());
    }
    Err(Unroutable::ModelForbidden { model: model.to_owned(), allowed: facts.allowed_models.join(", ") })
}

fn may_use(facts: &Facts<'_>, provider: &Provider) -> bool {
    facts.allowed_providers.is_empty() || facts.allowed_providers.contains(&provider.id)
}

/// Whether a provider of this type speaks the API natively.
pub fn speaks(provider_type: ProviderType, api: Api) -> bool {
    match provider_type {
        ProviderType::Anthropic => api == Api::Anthropic,
        ProviderType::Gemini => api == Api::Gemini,
        ProviderType::Ollama => api == Api::Ollama,
        ProviderType::Openai | ProviderType::AzureOpenai | ProviderType::Local | ProviderType::OpenaiCompatible => {
            matches!(api, Api::OpenaiChat | Api::OpenaiResponses | Api::OpenaiEmbeddings | Api::Openai)
        }
    }
}

const fn native_rank(provider_type: ProviderType) -> u8 {
    match provider_type {
        ProviderType::Openai | ProviderType::Anthropic | ProviderType::Gemini | ProviderType::Ollama => 0,
        ProviderType::AzureOpenai => 1,
        ProviderType::OpenaiCompatible => 2,
        ProviderType::Local => 3,
    }
}

/// Whether a provider is known to serve a model: by its configuration, else by the catalog.
pub fn serves(catalog: &Catalog, provider: &Provider, model: &str) -> bool {
    if provider.default_model.as_deref() == Some(model) || provider.models.iter().any(|known| known == model) {
        return true;
    }
    // An explicit list is the whole truth about a provider.
    if !provider.models.is_empty() {
        return false;
    }
    Catalog::catalog_provider_for(provider.provider_type, &provider.id, &provider.base_url)
        .is_some_and(|known| catalog.serves(known, model))
}

fn default_model(facts: &Facts<'_>, provider: &Provider) -> Option<Arc<str>> {
    needs_model(facts.endpoint).then_some(provider.default_model.as_deref()).flatten().map(Arc::from)
}

/// Files and batches belong to no model; uploads and moderations may leave it out.
const fn needs_model(endpoint: Endpoint) -> bool {
    !matches!(
        endpoint,
        Endpoint::Files | Endpoint::Batches | Endpoint::Moderations | Endpoint::Images | Endpoint::Audio
    )
}

fn ids(providers: &[&Arc<Provider>]) -> String {
    providers.iter().map(|provider| provider.id.as_str()).collect::<Vec<_>>().join(", ")
}

fn some_models(facts: &Facts<'_>, enabled: &[&Arc<Provider>]) -> String {
    let api = facts.endpoint.api();
    let mut names = Vec::new();
    for provider in enabled.iter().filter(|provider| speaks(provider.provider_type, api)) {
        names.extend(provider.models.iter().take(3).cloned());
        let known = Catalog::catalog_provider_for(provider.provider_type, &provider.id, &provider.base_url);
        names.extend(
            known.into_iter().flat_map(|id| facts.catalog.models_of(id)).take(3).map(|card| card.id.to_owned()),
        );
    }
    if names.is_empty() { "the models your provider serves".to_owned() } else { names.join(", ") }
}
