//! What the router is asked, and what a name leads to before anybody is judged.
//!
//! Only the words; who is found, and by which rule, is told by `resolve`.

use std::{borrow::Cow, sync::Arc};

use super::{
    facts::{Forbidden, Rule},
    profile::Profile,
    speech,
};
use crate::{
    catalog::{Catalog, Offer},
    config::{CallSettings, NamedModel, Provider, Strategy},
    domain::Endpoint,
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
    /// What local servers said they serve, by provider id (see [`super::to_ask`]).
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

impl<'a> Question<'a> {
    /// The model as the client named it, where that is a name at all; else the project's first one.
    pub(super) fn named(&self) -> Option<&'a str> {
        self.model.filter(|model| !model.is_empty() && *model != "default").or_else(|| {
            let is_open = self.profile.is_none() && needs_model(self.endpoint);
            self.project_models.first().map(String::as_str).filter(|_| is_open)
        })
    }

    /// Whether the caller's key may use a provider.
    pub(super) fn may_use(&self, provider: &Provider) -> bool {
        self.allowed_providers.is_empty() || self.allowed_providers.contains(&provider.id)
    }

    /// Whether a provider can be asked what the endpoint asks, in its API or by translation.
    pub(super) fn reaches(&self, provider: &Provider) -> bool {
        speech::can_ask(provider.provider_type, self.endpoint)
    }

    /// Whether the caller may be sent to a provider by this endpoint.
    pub(super) fn may_ask(&self, provider: &Provider) -> bool {
        provider.enabled && self.may_use(provider) && self.reaches(provider)
    }

    /// What a local server said that it serves.
    pub(super) fn live_of<'q>(&'q self, provider: &'q Provider) -> impl Iterator<Item = &'a str> + use<'a, 'q> {
        let of_it = self.live.iter().filter(|(id, _)| *id == provider.id);
        of_it.flat_map(|(_, names)| names.iter()).map(String::as_str)
    }

    /// Whether a provider takes any name, as far as anybody can tell: no list says what it serves.
    pub(super) fn takes_any(&self, provider: &Provider) -> bool {
        provider.models.is_empty() && !stands_in_catalog(provider) && self.live_of(provider).next().is_none()
    }

    /// The model that a provider is asked for when the client names none.
    pub(super) fn default_model<'p>(&self, provider: &'p Provider) -> Option<&'p str> {
        needs_model(self.endpoint).then_some(provider.default_model.as_deref()).flatten()
    }
}

impl<'a> Found<'a> {
    /// A candidate that no `[[models]]` block says more of. `place` is where it was found: what was found first is meant
    /// to be asked first.
    pub(super) fn at(place: usize, provider: &'a Arc<Provider>, model: Option<Cow<'a, str>>) -> Self {
        let priority = u32::try_from(place).unwrap_or(u32::MAX);
        Self { provider, model, tier: 0, priority, weight: 1, forbidden: None, offer: None, settings: None }
    }
}

/// Whether all models of the provider stand in the catalog.
pub(super) fn stands_in_catalog(provider: &Provider) -> bool {
    Catalog::catalog_provider_for(provider.provider_type, &provider.id, &provider.base_url).is_some()
}

/// Files and batches belong to no model; uploads and moderations may leave it out.
pub(super) const fn needs_model(endpoint: Endpoint) -> bool {
    !matches!(
        endpoint,
        Endpoint::Files | Endpoint::Batches | Endpoint::Moderations | Endpoint::Images | Endpoint::Audio
    )
}
