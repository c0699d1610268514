//! The operator's own names: `[[models]]`, their targets and fallbacks.

use std::{borrow::Cow, sync::Arc};

use super::{
    super::question::{Found, Question},
    allowed::Gate,
    offer, split_pin,
    unpinned::know_to_serve,
};
use crate::config::{NamedModel, Provider};

/// The block that bears a name.
pub(super) fn named_model<'a>(question: &Question<'a>, name: &str) -> Option<&'a NamedModel> {
    question.models.iter().find(|model| model.name == name || model.aliases.iter().any(|alias| alias == name))
}

/// The targets of a named model, then those of its fallbacks, each a tier further down.
pub(super) fn targets_and_fallbacks<'a>(
    question: &Question<'a>,
    model: &'a NamedModel,
    usable: &[&'a Arc<Provider>],
) -> Vec<Found<'a>> {
    let gate = Gate::new(question, std::iter::once(&model.name).chain(&model.aliases).map(String::as_str));
    let mut found = targets(question, model, 0, gate);
    for (place, name) in model.fallbacks.iter().enumerate() {
        let tier = u16::try_from(place + 1).unwrap_or(u16::MAX);
        if let Some(other) = named_model(question, name) {
            found.extend(targets(question, other, tier, gate));
            continue;
        }
        let (providers, model): (Vec<_>, _) = match split_pin(name, question.providers) {
            Some((provider, model)) => (vec![provider], model),
            None => (
                usable.iter().copied().filter(|provider| know_to_serve(question, provider, name)).collect(),
                name.as_str(),
            ),
        };
        for (place, provider) in providers.into_iter().filter(|provider| provider.enabled).enumerate() {
            let model = (model != "default").then_some(model).or_else(|| question.default_model(provider));
            let (forbidden, offer) = (gate.forbids(provider, model), offer(question, provider, model));
            found.push(Found { tier, forbidden, offer, ..Found::at(place, provider, model.map(Cow::Borrowed)) });
        }
    }
    found
}

fn targets<'a>(question: &Question<'a>, model: &'a NamedModel, tier: u16, gate: Gate<'_>) -> Vec<Found<'a>> {
    let mut found = Vec::with_capacity(model.targets.len());
    for target in &model.targets {
        let provider = question.providers.iter().find(|provider| provider.id == target.provider);
        let Some(provider) = provider.filter(|provider| provider.enabled) else { continue };
        let model = target.model.as_deref().filter(|model| *model != "default");
        let model = model.or_else(|| question.default_model(provider));
        found.push(Found {
            provider,
            model: model.map(Cow::Borrowed),
            tier,
            priority: target.priority,
            weight: target.weight,
            forbidden: gate.forbids(provider, model),
            offer: offer(question, provider, model),
            settings: Some(&target.settings),
        });
    }
    found
}
