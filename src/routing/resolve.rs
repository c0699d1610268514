//! From a model's name to its candidates: who could be asked, and by which rule.
//!
//! Never judges a candidate beyond what the name says; that is the layers' work.

use std::{borrow::Cow, sync::Arc};

use super::{
    Unroutable,
    facts::{Forbidden, Rule, Speech},
    instead,
    profile::{DEFAULT_PROFILE, Profile},
};
use crate::{
    catalog::{Catalog, Offer},
    config::{CallSettings, NamedModel, Provider, ProviderType, Strategy},
    domain::{Api, Endpoint},
};

/// What is asked, and what the house knows that bears on it.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The endpoint that was called.
    pub endpoint: Endpoint,
    /// The model as the client named it.
    pub model: Option<&'a str>,
    /// Names that stand in for it, as a plugin says, one after the other.
    pub fallbacks: &'a [String],
    /// Header `x-profile`.
    pub profile: Option<&'a str>,
    /// Header `x-provider`, for the further paths that name no model.
    pub provider_wanted: Option<&'a str>,
    /// All providers, by priority.
    pub providers: &'a [Arc<Provider>],
    /// `[[models]]`
    pub models: &'a [NamedModel],
    /// The operator's own profiles; one of a built-in's name replaces it.
    pub profiles: &'a [Profile],
    /// `routing.profile`, for requests that name none.
    pub default_profile: Option<&'a str>,
    /// `routing.strategy`, for names that state none.
    pub strategy: Strategy,
    /// `routing.sticky`
    pub sticky: bool,
    /// `LLM_PROVIDER`, if it names one.
    pub default_provider: Option<&'a str>,
    /// Providers that the caller's key may use; empty means all.
    pub allowed_providers: &'a [String],
    /// Models that the caller's key may use; empty means all.
    pub allowed_models: &'a [String],
    /// Models that the project may use, the first of them for requests that name none; empty means all.
    pub project_models: &'a [String],
    /// Which provider knows which model.
    pub catalog: &'a Catalog,
    /// What local servers said they serve, by provider id (see [`to_ask`]).
    pub live: &'a [(String, Arc<[String]>)],
}

/// Who could be asked, as the name says, and what the name decides besides.
#[derive(Clone, Debug)]
pub struct Resolved<'a> {
    /// The rule that found them.
    pub rule: Rule,
    /// Who they are, without what only the running house knows.
    pub found: Vec<Found<'a>>,
    /// How they are ordered.
    pub strategy: Strategy,
    /// Whether a session stays where it was.
    pub sticky: bool,
    /// What weighs their merits.
    pub profile: Profile,
}

/// One candidate by name.
#[derive(Clone, Debug)]
pub struct Found<'a> {
    /// Who is called.
    pub provider: &'a Arc<Provider>,
    /// The model to ask for.
    pub model: Option<Cow<'a, str>>,
    /// 0 for the name's own targets, one more for each fallback.
    pub tier: u16,
    /// Lower goes first.
    pub priority: u32,
    /// Share of the requests.
    pub weight: u32,
    /// What forbids it.
    pub forbidden: Option<Forbidden>,
    /// What the catalog says of it, where that is at hand.
    pub offer: Option<Offer>,
    /// What the operator's name for it says of calls to it.
    pub settings: Option<&'a Arc<CallSettings>>,
}

/// Finds the candidates of a request, a non-empty list.
///
/// # Errors
/// When the name, the header or the configuration leads nowhere, with what would.
pub fn resolve<'a>(question: &Question<'a>) -> Result<Resolved<'a>, Unroutable> {
    let mut resolved = by_name(question);
    for name in question.fallbacks {
        let Ok(other) = by_name(&Question { model: Some(name), ..*question }) else { continue };
        let Ok(first) = &mut resolved else {
            resolved = Ok(other);
            continue;
        };
        let below = first.found.iter().map(|found| found.tier).max().map_or(0, |tier| tier.saturating_add(1));
        let further = other.found.into_iter().map(|found| Found { tier: found.tier.saturating_add(below), ..found });
        first.found.extend(further);
    }
    resolved
}

/// The candidates of the name alone.
fn by_name<'a>(question: &Question<'a>) -> Result<Resolved<'a>, Unroutable> {
    let enabled: Vec<&Arc<Provider>> = question.providers.iter().filter(|provider| provider.enabled).collect();
    if enabled.is_empty() {
        return Err(Unroutable::NoProvider);
    }
    // A provider that the key may not use is not there for it: neither chosen nor named in a refusal.
    let usable: Vec<_> = enabled.into_iter().filter(|provider| may_use(question, provider)).collect();
    let named = question.model.filter(|model| !model.is_empty() && *model != "default").or(of_project(question));
    let profile = profile(question, named.and_then(|name| name.strip_prefix("auto:")))?;
    let mut resolved =
        Resolved { rule: Rule::Auto, found: Vec::new(), strategy: question.strategy, sticky: question.sticky, profile };
    if is_auto(question, named) {
        resolved.strategy = Strategy::BestScore;
        resolved.found = everything(question, &usable);
        if resolved.found.is_empty() {
            return Err(nobody_speaks(question, &usable));
        }
        return Ok(resolved);
    }
    if let Some(model) = named.and_then(|name| named_model(question, name)) {
        resolved.rule = Rule::Named;
        resolved.strategy = model.strategy.unwrap_or(question.strategy);
        resolved.sticky = model.sticky.unwrap_or(question.sticky);
        resolved.found = targets_and_fallbacks(question, model, &usable);
        if resolved.found.is_empty() {
            return Err(Unroutable::NoTarget { model: model.name.clone() });
        }
        return Ok(resolved);
    }
    let (rule, candidates, model) = match named.and_then(|model| split_pin(model, question.providers)) {
        Some((provider, model)) => {
            let model = (model != "default").then_some(model);
            (Rule::Pinned, vec![checked_pin(question, provider, &usable)?], model)
        }
        None => unpinned(question, &usable, named)?,
    };
    resolved.rule = rule;
    let mut missing_model = false;
    for (place, provider) in candidates.into_iter().enumerate() {
        let model = model.or_else(|| default_model(question, provider)).map(Cow::Borrowed);
        if model.is_none() && needs_model(question.endpoint) {
            missing_model = true;
            continue;
        }
        let forbidden = forbidden(question, provider, model.as_deref());
        let offer = offer(question, provider, model.as_deref());
        // What was found first is meant to be asked first: the order stands for the priority.
        let priority = u32::try_from(place).unwrap_or(u32::MAX);
        resolved.found.push(Found { provider, model, tier: 0, priority, weight: 1, forbidden, offer, settings: None });
    }
    if resolved.found.is_empty() {
        return Err(match missing_model {
            true => Unroutable::NoDefaultModel { known: some_models(question, &usable) },
            false => Unroutable::NoProvider,
        });
    }
    Ok(resolved)
}

/// Whether the name asks for the engine's own choice over all models. No configured model bears such a name.
fn is_auto(question: &Question<'_>, named: Option<&str>) -> bool {
    match named {
        Some(name) => name == "auto" || name.starts_with("auto:"),
        // `x-profile` without a model asks for it too, where there is a choice of models.
        None => question.profile.is_some() && needs_model(question.endpoint),
    }
}

fn profile(question: &Question<'_>, named: Option<&str>) -> Result<Profile, Unroutable> {
    let Some(id) = named.or(question.profile).or(question.default_profile) else {
        return Ok(question
            .profiles
            .iter()
            .find(|own| own.id == DEFAULT_PROFILE)
            .cloned()
            .unwrap_or_else(Profile::balanced));
    };
    let own = question.profiles.iter().find(|own| own.id == id).cloned();
    own.or_else(|| Profile::built_in_of(id)).ok_or_else(|| {
        let known: Vec<String> = Profile::built_in().map(|(profile, _)| profile.id).collect();
        let known = known.iter().map(String::as_str).chain(question.profiles.iter().map(|own| own.id.as_str()));
        Unroutable::UnknownProfile { profile: id.to_owned(), known: known.collect::<Vec<_>>().join(", ") }
    })
}

fn named_model<'a>(question: &Question<'a>, name: &str) -> Option<&'a NamedModel> {
    question.models.iter().find(|model| model.name == name || model.aliases.iter().any(|alias| alias == name))
}

/// The targets of a named model, then those of its fallbacks, each a tier further down.
fn targets_and_fallbacks<'a>(
    question: &Question<'a>,
    model: &'a NamedModel,
    usable: &[&'a Arc<Provider>],
) -> Vec<Found<'a>> {
    let is_allowed = Named::of(question, std::iter::once(&model.name).chain(&model.aliases).map(String::as_str));
    let mut found = targets(question, model, 0, is_allowed);
    for (place, name) in model.fallbacks.iter().enumerate() {
        let tier = u16::try_from(place + 1).unwrap_or(u16::MAX);
        if let Some(other) = named_model(question, name) {
            found.extend(targets(question, other, tier, is_allowed));
            continue;
        }
        let (providers, model): (Vec<_>, _) = match split_pin(name, question.providers) {
            Some((provider, model)) => (vec![provider], model),
            None => (
                usable.iter().copied().filter(|provider| question.know_to_serve(provider, name)).collect(),
                name.as_str(),
            ),
        };
        for (place, provider) in providers.into_iter().filter(|provider| provider.enabled).enumerate() {
            let model = (model != "default").then_some(model).or_else(|| default_model(question, provider));
            let forbidden = forbidden_if(question, provider, model, is_allowed);
            let offer = offer(question, provider, model);
            let priority = u32::try_from(place).unwrap_or(u32::MAX);
            found.push(Found {
                provider,
                model: model.map(Cow::Borrowed),
                tier,
                priority,
                weight: 1,
                forbidden,
                offer,
                settings: None,
            });
        }
    }
    found
}

fn targets<'a>(question: &Question<'a>, model: &'a NamedModel, tier: u16, is_allowed: Named) -> Vec<Found<'a>> {
    let mut found = Vec::with_capacity(model.targets.len());
    for target in &model.targets {
        let Some(provider) = question.providers.iter().find(|provider| provider.id == target.provider) else {
            continue;
        };
        if !provider.enabled {
            continue;
        }
        let model = target.model.as_deref().filter(|model| *model != "default");
        let model = model.or_else(|| default_model(question, provider));
        let forbidden = forbidden_if(question, provider, model, is_allowed);
        let offer = offer(question, provider, model);
        let (priority, weight) = (target.priority, target.weight);
        let settings = Some(&target.settings);
        found.push(Found {
            provider,
            model: model.map(Cow::Borrowed),
            tier,
            priority,
            weight,
            forbidden,
            offer,
            settings,
        });
    }
    found
}

/// Every model that a usable provider is known to have and that this endpoint can ask for.
fn everything<'a>(question: &Question<'a>, usable: &[&'a Arc<Provider>]) -> Vec<Found<'a>> {
    let mut found = Vec::new();
    for provider in usable.iter().copied().filter(|provider| reaches(question, provider)) {
        let shelf = question.catalog.shelf(provider);
        let mut push = |model: Cow<'a, str>, offer| {
            let forbidden = forbidden(question, provider, Some(&model));
            let priority = provider.priority;
            found.push(Found {
                provider,
                model: Some(model),
                tier: 0,
                priority,
                weight: 1,
                forbidden,
                offer,
                settings: None,
            });
        };
        for (model, offer) in question.catalog.models_known_of(provider).zip(shelf.offers()) {
            if offer.is_some() {
                push(Cow::Borrowed(model), *offer);
            }
        }
        if provider.models.is_empty() {
            let live = question.live.iter().filter(|(id, _)| *id == provider.id).flat_map(|(_, names)| names.iter());
            live.filter(|name| shelf.offer(name).is_none()).for_each(|name| push(Cow::Borrowed(name), None));
        }
    }
    found
}

fn offer(question: &Question<'_>, provider: &Arc<Provider>, model: Option<&str>) -> Option<Offer> {
    question.catalog.shelf_at_hand(provider)?.offer(model?)
}

/// The model of requests that name none, where the project says which ones it may use.
fn of_project<'a>(question: &Question<'a>) -> Option<&'a str> {
    let is_open = question.profile.is_none() && needs_model(question.endpoint);
    question.project_models.first().map(String::as_str).filter(|_| is_open)
}

/// Whether the name that was asked for stands on the caller's lists, whatever it leads to.
#[derive(Clone, Copy)]
struct Named {
    by_key: bool,
    by_project: bool,
}

impl Named {
    fn of<'n>(question: &Question<'_>, names: impl Iterator<Item = &'n str> + Clone) -> Self {
        let stands = |allowed: &[String]| names.clone().any(|name| is_listed(allowed, name));
        Self { by_key: stands(question.allowed_models), by_project: stands(question.project_models) }
    }
}

/// What forbids a candidate to the caller's key or project, which may name models bare or with their provider.
fn forbidden(question: &Question<'_>, provider: &Provider, model: Option<&str>) -> Option<Forbidden> {
    forbidden_if(question, provider, model, Named::of(question, question.model.into_iter()))
}

fn forbidden_if(question: &Question<'_>, provider: &Provider, model: Option<&str>, named: Named) -> Option<Forbidden> {
    if !may_use(question, provider) {
        return Some(Forbidden::Provider);
    }
    let passes = |allowed: &[String], is_named: bool| {
        is_named || model.is_none_or(|model| lets_pass(allowed, &provider.id, model))
    };
    let is_allowed = passes(question.allowed_models, named.by_key) && passes(question.project_models, named.by_project);
    (!is_allowed).then_some(Forbidden::Model)
}

/// Whether a list of allowed models, which it may name bare or with their provider, holds this one; an empty list
/// holds all.
pub fn lets_pass(allowed: &[String], provider: &str, model: &str) -> bool {
    let is_pinned =
        |allowed: &String| allowed.split_once('/').is_some_and(|(pin, rest)| pin == provider && rest == model);
    allowed.is_empty() || is_listed(allowed, model) || allowed.iter().any(is_pinned)
}

fn is_listed(allowed: &[String], name: &str) -> bool {
    allowed.iter().any(|allowed| allowed == name)
}

/// `provider/model` with the id of a provider before the first slash. Other names may hold slashes
/// too (`meta-llama/Llama-3-8b`), so an unknown prefix is part of the model's name.
fn split_pin<'p, 'm>(model: &'m str, providers: &'p [Arc<Provider>]) -> Option<(&'p Arc<Provider>, &'m str)> {
    let (prefix, rest) = model.split_once('/')?;
    let provider = providers.iter().find(|provider| provider.id == prefix)?;
    (!rest.is_empty()).then_some((provider, rest))
}

fn checked_pin<'p>(
    question: &Question<'_>,
    provider: &'p Arc<Provider>,
    usable: &[&Arc<Provider>],
) -> Result<&'p Arc<Provider>, Unroutable> {
    if !may_use(question, provider) {
        let allowed = question.allowed_providers.join(", ");
        return Err(Unroutable::ProviderForbidden { wanted: provider.id.clone(), allowed });
    }
    if !provider.enabled {
        return Err(Unroutable::UnknownProvider { provider: provider.id.clone(), configured: ids(usable) });
    }
    if reaches(question, provider) {
        return Ok(provider);
    }
    let (api, instead) = (question.endpoint.api().as_str(), instead(question.endpoint));
    Err(Unroutable::WrongApi { provider: provider.id.clone(), api, instead })
}

fn nobody_speaks(question: &Question<'_>, usable: &[&Arc<Provider>]) -> Unroutable {
    let (api, instead) = (question.endpoint.api().as_str(), instead(question.endpoint));
    Unroutable::NobodySpeaks { api, configured: ids(usable), instead }
}

type Candidates<'p> = (Rule, Vec<&'p Arc<Provider>>, Option<&'p str>);

fn unpinned<'p>(
    question: &Question<'_>,
    usable: &[&'p Arc<Provider>],
    named: Option<&'p str>,
) -> Result<Candidates<'p>, Unroutable> {
    let api = question.endpoint.api();
    let mut reached: Vec<&Arc<Provider>> =
        usable.iter().copied().filter(|provider| reaches(question, provider)).collect();
    if reached.is_empty() {
        return Err(nobody_speaks(question, usable));
    }
    // A stable sort: providers arrive by priority, those who speak the API come before those for whom it must be
    // translated, and the API's own vendor before compatible servers.
    let is_translated = |provider: &Provider| !speaks(provider.provider_type, api);
    // A task speaks no API, so that providers go by their priority alone: cheapest first, where nobody set another.
    if !question.endpoint.is_task() {
        reached.sort_by_key(|provider| (is_translated(provider), native_rank(provider.provider_type)));
        if let Some(wanted) = question.default_provider {
            reached.sort_by_key(|provider| (is_translated(provider), provider.id != wanted));
        }
    }
    let model = named;
    if let Some(name) = named {
        let serving = reached.iter().copied().filter(|provider| question.know_to_serve(provider, name));
        let (own, others): (Vec<_>, Vec<_>) = serving.partition(|provider| !is_translated(provider));
        // Where somebody serves it in the client's API, nothing is translated on a name alone.
        let serving = if own.is_empty() { others } else { own };
        if !serving.is_empty() {
            return Ok((Rule::KnownModel, serving, model));
        }
    }
    if let Some(wanted) = question.provider_wanted {
        let provider = reached.iter().copied().find(|provider| provider.id == wanted);
        let unknown = || Unroutable::UnknownProvider { provider: wanted.to_owned(), configured: ids(usable) };
        return Ok((Rule::Header, vec![provider.ok_or_else(unknown)?], model));
    }
    if named.is_none() {
        // Whoever is the default by configuration is it in every API.
        if let Some(wanted) = question.default_provider {
            reached.sort_by_key(|provider| provider.id != wanted);
        }
        if needs_model(question.endpoint) {
            reached.retain(|provider| default_model(question, provider).is_some());
        }
        return match reached.is_empty() {
            true => Err(Unroutable::NoDefaultModel { known: some_models(question, usable) }),
            false => Ok((Rule::Default, reached, model)),
        };
    }
    // Nobody is known to serve it: whoever speaks the API may yet. It is not translated on that chance.
    let (speaking, others): (Vec<_>, Vec<_>) = reached.into_iter().partition(|provider| !is_translated(provider));
    if speaking.is_empty() {
        // Where nobody speaks it, servers whose models no list knows are asked all the same.
        let unlisted: Vec<_> = others.into_iter().filter(|provider| !stands_in_catalog(provider)).collect();
        return match unlisted.is_empty() {
            true => Err(nobody_speaks(question, usable)),
            false => Ok((Rule::Native, unlisted, model)),
        };
    }
    if let (Some(model), Some(provider)) = (named, served_elsewhere(question, usable, &speaking, named)) {
        let (model, provider) = (model.to_owned(), provider.id.clone());
        let instead = instead(question.endpoint);
        return Err(Unroutable::ServedElsewhere { model, provider, api: api.as_str(), instead });
    }
    Ok((Rule::Native, speaking, model))
}

/// A provider of another API that is known to serve the model, while those who speak this API are known not to:
/// their makers' lists are. A prompt does not go to the wrong maker on the chance that it might answer.
fn served_elsewhere<'p>(
    question: &Question<'_>,
    usable: &[&'p Arc<Provider>],
    speaking: &[&Arc<Provider>],
    named: Option<&str>,
) -> Option<&'p Arc<Provider>> {
    let name = named.filter(|_| speaking.iter().all(|provider| stands_in_catalog(provider)))?;
    usable.iter().copied().find(|provider| serves(question.catalog, provider, name))
}

/// Whether all models of the provider stand in the catalog.
fn stands_in_catalog(provider: &Provider) -> bool {
    Catalog::catalog_provider_for(provider.provider_type, &provider.id, &provider.base_url).is_some()
}

/// The local servers that should be asked what they serve before a plan is made: those who might, when
/// nobody else is known to serve the model. Usually none.
pub fn to_ask<'a>(question: &Question<'a>) -> Vec<&'a Arc<Provider>> {
    let named = question.model.filter(|model| !model.is_empty() && *model != "default");
    let Some(name) = named.or(of_project(question)) else { return Vec::new() };
    let reached = || {
        let usable = |provider: &&Arc<Provider>| provider.enabled && may_use(question, provider);
        question.providers.iter().filter(usable).filter(|provider| reaches(question, provider))
    };
    let speaks = |provider: &Provider| speech(provider.provider_type, question.endpoint) == Speech::Same;
    let speaking = reached().filter(|provider| speaks(provider)).count();
    // The one that speaks the endpoint's API is asked for what nobody is known to serve, whatever others would say.
    let is_decided = named_model(question, name).is_some()
        || split_pin(name, question.providers).is_some()
        || speaking == 1
        || reached().nth(1).is_none()
        || reached().any(|provider| serves(question.catalog, provider, name));
    if is_decided {
        return Vec::new();
    }
    let is_local = |kind| matches!(kind, ProviderType::Local | ProviderType::Ollama);
    let asks = |provider: &&Arc<Provider>| is_local(provider.provider_type) && provider.models.is_empty();
    reached().filter(|provider| speaking == 0 || speaks(provider)).filter(asks).collect()
}

impl Question<'_> {
    fn know_to_serve(&self, provider: &Provider, model: &str) -> bool {
        let said = |(id, names): &(String, Arc<[String]>)| *id == provider.id && names.iter().any(|name| name == model);
        serves(self.catalog, provider, model) || self.live.iter().any(said)
    }
}

fn may_use(question: &Question<'_>, provider: &Provider) -> bool {
    question.allowed_providers.is_empty() || question.allowed_providers.contains(&provider.id)
}

/// Whether the caller may be sent to a provider by this endpoint.
pub(super) fn may_ask(question: &Question<'_>, provider: &Provider) -> bool {
    provider.enabled && may_use(question, provider) && reaches(question, provider)
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

fn reaches(question: &Question<'_>, provider: &Provider) -> bool {
    can_ask(provider.provider_type, question.endpoint)
}

/// Whether a provider of this type can be asked what the endpoint asks, in its API or by translation.
pub fn can_ask(provider_type: ProviderType, endpoint: Endpoint) -> bool {
    speech(provider_type, endpoint) != Speech::Other
}

/// How the endpoint's API and that of a provider of this type go together.
pub(super) fn speech(provider_type: ProviderType, endpoint: Endpoint) -> Speech {
    // Anthropic has no embeddings. Who does not count is estimated for.
    let is_translatable = endpoint.is_conversation()
        || endpoint.is_counting()
        || (endpoint.is_embedding() && provider_type != ProviderType::Anthropic);
    match (speaks(provider_type, endpoint.api()), is_translatable) {
        (true, _) => Speech::Same,
        (false, true) => Speech::Translated,
        (false, false) => Speech::Other,
    }
}

/// The API in which a provider of this type is asked what the endpoint asks.
pub(super) fn asked_in(provider_type: ProviderType, endpoint: Endpoint) -> Api {
    if speech(provider_type, endpoint) != Speech::Translated {
        return endpoint.api();
    }
    match provider_type {
        ProviderType::Anthropic => Api::Anthropic,
        ProviderType::Gemini => Api::Gemini,
        ProviderType::Ollama => Api::Ollama,
        _ if endpoint.is_embedding() => Api::OpenaiEmbeddings,
        ProviderType::Openai | ProviderType::AzureOpenai | ProviderType::Local | ProviderType::OpenaiCompatible => {
            Api::OpenaiChat
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

fn default_model<'p>(question: &Question<'_>, provider: &'p Provider) -> Option<&'p str> {
    needs_model(question.endpoint).then_some(provider.default_model.as_deref()).flatten()
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

fn some_models(question: &Question<'_>, enabled: &[&Arc<Provider>]) -> String {
    let mut names = Vec::new();
    for provider in enabled.iter().filter(|provider| reaches(question, provider)) {
        names.extend(provider.models.iter().take(3).cloned());
        let known = Catalog::catalog_provider_for(provider.provider_type, &provider.id, &provider.base_url);
        names.extend(
            known.into_iter().flat_map(|id| question.catalog.models_of(id)).take(3).map(|card| card.id.to_owned()),
        );
    }
    if names.is_empty() { "the models your provider serves".to_owned() } else { names.join(", ") }
}
