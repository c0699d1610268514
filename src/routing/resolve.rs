//! From a model's name to its candidates: who could be asked, and by which rule.
//!
//! Never judges a candidate beyond what the name says; that is the layers' work.

mod allowed;
mod named;
mod unpinned;

use std::{borrow::Cow, sync::Arc};

use self::{
    allowed::Gate,
    named::{named_model, targets_and_fallbacks},
    unpinned::unpinned,
};
pub use self::{
    allowed::lets_pass,
    unpinned::{heard, serves, to_ask},
};
use super::{
    Unroutable,
    facts::Rule,
    instead,
    profile::{DEFAULT_PROFILE, Profile},
    question::{Found, Question, Resolved, needs_model},
};
use crate::{
    catalog::{Catalog, Offer},
    config::{Provider, Strategy},
};

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
    let usable: Vec<_> = enabled.into_iter().filter(|provider| question.may_use(provider)).collect();
    let named = question.named();
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
    let gate = Gate::of(question);
    for (place, provider) in candidates.into_iter().enumerate() {
        let model = model.or_else(|| question.default_model(provider));
        if model.is_none() && needs_model(question.endpoint) {
            missing_model = true;
            continue;
        }
        let (forbidden, offer) = (gate.forbids(provider, model), offer(question, provider, model));
        resolved.found.push(Found { forbidden, offer, ..Found::at(place, provider, model.map(Cow::Borrowed)) });
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

/// Every model that a usable provider is known to have and that this endpoint can ask for.
fn everything<'a>(question: &Question<'a>, usable: &[&'a Arc<Provider>]) -> Vec<Found<'a>> {
    let gate = Gate::of(question);
    let reached: Vec<_> = usable.iter().copied().filter(|provider| question.reaches(provider)).collect();
    let shelves: Vec<_> = reached.iter().map(|provider| question.catalog.shelf(provider)).collect();
    // There may be thousands: they are put where they stay.
    let mut found = Vec::with_capacity(shelves.iter().map(|shelf| shelf.offers().len()).sum());
    for (provider, shelf) in reached.into_iter().zip(shelves) {
        let candidate = |model: Cow<'a, str>, offer| Found {
            priority: provider.priority,
            forbidden: gate.forbids(provider, Some(&model)),
            offer,
            ..Found::at(0, provider, Some(model))
        };
        let known = question.catalog.models_known_of(provider).zip(shelf.offers());
        let known = known.filter_map(|(model, offer)| Some(candidate(Cow::Borrowed(model), Some((*offer)?))));
        found.extend(known);
        if provider.models.is_empty() {
            let live = question.live_of(provider).filter(|name| shelf.offer(name).is_none());
            found.extend(live.map(|name| candidate(Cow::Borrowed(name), None)));
        }
    }
    found
}

fn offer(question: &Question<'_>, provider: &Arc<Provider>, model: Option<&str>) -> Option<Offer> {
    question.catalog.shelf_at_hand(provider)?.offer(model?)
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
    if !question.may_use(provider) {
        let allowed = question.allowed_providers.join(", ");
        return Err(Unroutable::ProviderForbidden { wanted: provider.id.clone(), allowed });
    }
    if !provider.enabled {
        return Err(Unroutable::UnknownProvider { provider: provider.id.clone(), configured: ids(usable) });
    }
    if question.reaches(provider) {
        return Ok(provider);
    }
    let (api, instead) = (question.endpoint.api().as_str(), instead(question.endpoint));
    Err(Unroutable::WrongApi { provider: provider.id.clone(), api, instead })
}

fn nobody_speaks(question: &Question<'_>, usable: &[&Arc<Provider>]) -> Unroutable {
    let (api, instead) = (question.endpoint.api().as_str(), instead(question.endpoint));
    Unroutable::NobodySpeaks { api, configured: ids(usable), instead }
}

fn ids(providers: &[&Arc<Provider>]) -> String {
    providers.iter().map(|provider| provider.id.as_str()).collect::<Vec<_>>().join(", ")
}

fn some_models(question: &Question<'_>, enabled: &[&Arc<Provider>]) -> String {
    let mut names = Vec::new();
    for provider in enabled.iter().filter(|provider| question.reaches(provider)) {
        names.extend(provider.models.iter().take(3).cloned());
        let known = Catalog::catalog_provider_for(provider.provider_type, &provider.id, &provider.base_url);
        names.extend(
            known.into_iter().flat_map(|id| question.catalog.models_of(id)).take(3).map(|card| card.id.to_owned()),
        );
    }
    if names.is_empty() { "the models your provider serves".to_owned() } else { names.join(", ") }
}
