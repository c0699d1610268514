//! Names without a provider: who is known to serve them, who may all the same, and who is asked what it serves before that
//! is decided.

use std::sync::Arc;

use super::{
    super::{
        Unroutable,
        close::is_slip,
        facts::{Rule, Speech},
        instead,
        question::{Question, needs_model, stands_in_catalog},
        speech::{native_rank, speaks, speech},
    },
    ids,
    named::named_model,
    nobody_speaks, some_models, split_pin,
};
use crate::{
    catalog::Catalog,
    config::{Provider, ProviderType},
};

/// A rule, who it leads to, and the model to ask for.
pub(super) type Candidates<'p> = (Rule, Vec<&'p Arc<Provider>>, Option<&'p str>);

/// The candidates of a name that pins no provider, or of none.
pub(super) fn unpinned<'p>(
    question: &Question<'_>,
    usable: &[&'p Arc<Provider>],
    named: Option<&'p str>,
) -> Result<Candidates<'p>, Unroutable> {
    let mut reached = in_order(question, usable);
    if reached.is_empty() {
        return Err(nobody_speaks(question, usable));
    }
    // Of the names that only its maker would give some are slips of the pen.
    let is_misspelt = named
        .is_some_and(|name| !reached.iter().any(|provider| lists(question, provider, name)) && is_slip(question, name));
    if let Some(name) = named.filter(|_| !is_misspelt) {
        let serving = reached.iter().copied().filter(|provider| know_to_serve(question, provider, name));
        let (own, others): (Vec<_>, Vec<_>) = serving.partition(|provider| !is_translated(question, provider));
        // Where somebody serves it in the client's API, nothing is translated on a name alone.
        let serving = if own.is_empty() { others } else { own };
        if !serving.is_empty() {
            return Ok((Rule::KnownModel, serving, named));
        }
    }
    if let Some(wanted) = question.provider_wanted {
        let provider = reached.iter().copied().find(|provider| provider.id == wanted);
        let unknown = || Unroutable::UnknownProvider { provider: wanted.to_owned(), configured: ids(usable) };
        return Ok((Rule::Header, vec![provider.ok_or_else(unknown)?], named));
    }
    let Some(name) = named else {
        // Whoever is the default by configuration is it in every API.
        if let Some(wanted) = question.default_provider {
            reached.sort_by_key(|provider| provider.id != wanted);
        }
        if needs_model(question.endpoint) {
            reached.retain(|provider| question.default_model(provider).is_some());
        }
        return match reached.is_empty() {
            true => Err(Unroutable::NoDefaultModel { known: some_models(question, usable) }),
            false => Ok((Rule::Default, reached, None)),
        };
    };
    if is_misspelt {
        // It is told to whoever made the slip, and is no provider's business but of those who take any name.
        let known_by = reached.first().map(|provider| provider.id.clone()).unwrap_or_default();
        reached.retain(|provider| question.takes_any(provider));
        if reached.is_empty() {
            return Err(Unroutable::Misspelt { model: name.to_owned(), provider: known_by });
        }
    }
    native(question, usable, reached, name)
}

/// Who can be asked by the endpoint. Providers arrive by priority; those who speak the API come before those for whom it
/// must be translated, and the API's own vendor before compatible servers.
fn in_order<'p>(question: &Question<'_>, usable: &[&'p Arc<Provider>]) -> Vec<&'p Arc<Provider>> {
    let mut reached: Vec<&Arc<Provider>> =
        usable.iter().copied().filter(|provider| question.reaches(provider)).collect();
    // A task speaks no API, so that providers go by their priority alone: cheapest first, where nobody set another.
    if !question.endpoint.is_task() {
        // Both sorts are stable.
        reached.sort_by_key(|provider| (is_translated(question, provider), native_rank(provider.provider_type)));
        if let Some(wanted) = question.default_provider {
            reached.sort_by_key(|provider| (is_translated(question, provider), provider.id != wanted));
        }
    }
    reached
}

fn is_translated(question: &Question<'_>, provider: &Provider) -> bool {
    !speaks(provider.provider_type, question.endpoint.api())
}

/// Nobody is known to serve it: whoever speaks the API may yet. It is not translated on that chance.
fn native<'p>(
    question: &Question<'_>,
    usable: &[&'p Arc<Provider>],
    reached: Vec<&'p Arc<Provider>>,
    name: &'p str,
) -> Result<Candidates<'p>, Unroutable> {
    let (speaking, others): (Vec<_>, Vec<_>) =
        reached.into_iter().partition(|provider| !is_translated(question, provider));
    if speaking.is_empty() {
        // Where nobody speaks it, servers whose models no list knows are asked all the same.
        let unlisted: Vec<_> = others.into_iter().filter(|provider| !stands_in_catalog(provider)).collect();
        return match unlisted.is_empty() {
            true => Err(nobody_speaks(question, usable)),
            false => Ok((Rule::Native, unlisted, Some(name))),
        };
    }
    if let Some(provider) = served_elsewhere(question, usable, &speaking, name) {
        let (api, instead) = (question.endpoint.api().as_str(), instead(question.endpoint));
        let (model, provider) = (name.to_owned(), provider.id.clone());
        return Err(Unroutable::ServedElsewhere { model, provider, api, instead });
    }
    Ok((Rule::Native, speaking, Some(name)))
}

/// A provider of another API that is known to serve the model, while those who speak this API are known not to:
/// their makers' lists are. A prompt does not go to the wrong maker on the chance that it might answer.
fn served_elsewhere<'p>(
    question: &Question<'_>,
    usable: &[&'p Arc<Provider>],
    speaking: &[&Arc<Provider>],
    name: &str,
) -> Option<&'p Arc<Provider>> {
    let is_known = speaking.iter().all(|provider| stands_in_catalog(provider));
    usable.iter().copied().find(|provider| is_known && serves(question.catalog, provider, name))
}

/// The local servers that should be asked what they serve before a plan is made: those who might, when
/// nobody else is known to serve the model. Usually none.
pub fn to_ask<'a>(question: &Question<'a>) -> Vec<&'a Arc<Provider>> {
    let Some(name) = question.named() else { return Vec::new() };
    let reached = || question.providers.iter().filter(|provider| question.may_ask(provider));
    let is_decided = named_model(question, name).is_some()
        || split_pin(name, question.providers).is_some()
        || reached().nth(1).is_none()
        || reached().any(|provider| lists(question, provider, name));
    if is_decided {
        return Vec::new();
    }
    let is_local = |kind| matches!(kind, ProviderType::Local | ProviderType::Ollama);
    let asked = || reached().filter(|provider| is_local(provider.provider_type) && provider.models.is_empty());
    // What others would refuse as misspelt may be the very name of a local model.
    if asked().next().is_some() && is_slip(question, name) {
        return asked().collect();
    }
    let speaks = |provider: &Provider| speech(provider.provider_type, question.endpoint) == Speech::Same;
    let speaking = reached().filter(|provider| speaks(provider)).count();
    // The one that speaks the endpoint's API is asked for what nobody is known to serve, whatever others would say.
    if speaking == 1 || reached().any(|provider| serves(question.catalog, provider, name)) {
        return Vec::new();
    }
    asked().filter(|provider| speaking == 0 || speaks(provider)).collect()
}

/// Of what local servers were heard to serve, what a request would hear of: those that it would ask.
pub fn heard(question: &Question<'_>, live: &[(String, Arc<[String]>)]) -> Vec<(String, Arc<[String]>)> {
    if live.is_empty() {
        return Vec::new();
    }
    let asked = to_ask(question);
    live.iter().filter(|(id, _)| asked.iter().any(|provider| provider.id == *id)).cloned().collect()
}

/// Whether a provider is known to serve a model: by its configuration, by its own word, else by the catalog.
pub(super) fn know_to_serve(question: &Question<'_>, provider: &Provider, model: &str) -> bool {
    serves(question.catalog, provider, model) || question.live_of(provider).any(|live| live == model)
}

/// The same, where it is known of this very name and not only of such names.
fn lists(question: &Question<'_>, provider: &Provider, model: &str) -> bool {
    let of_catalog = |known| question.catalog.knows(known, model);
    is_told(provider, model)
        .unwrap_or_else(|| question.live_of(provider).any(|live| live == model) || in_catalog(provider, of_catalog))
}

/// Whether a provider is known to serve a model: by its configuration, else by the catalog.
pub fn serves(catalog: &Catalog, provider: &Provider, model: &str) -> bool {
    is_told(provider, model).unwrap_or_else(|| in_catalog(provider, |known| catalog.serves(known, model)))
}

/// What the configuration says; an explicit list is the whole truth about a provider.
fn is_told(provider: &Provider, model: &str) -> Option<bool> {
    let is_named =
        provider.default_model.as_deref() == Some(model) || provider.models.iter().any(|known| known == model);
    (is_named || !provider.models.is_empty()).then_some(is_named)
}

fn in_catalog(provider: &Provider, holds: impl FnOnce(&'static str) -> bool) -> bool {
    Catalog::catalog_provider_for(provider.provider_type, &provider.id, &provider.base_url).is_some_and(holds)
}
