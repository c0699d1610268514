//! What is asked of the router: one request's names, under the rules in force or under a draft.
//!
//! One place makes the question, for real requests, dry runs and replays alike.

use std::sync::Arc;

use super::{KeyFacts, Policy};
use crate::{
    config::{NamedModel, Routing, RoutingDraft},
    domain::Endpoint,
    routing::{Profile, Question},
};

/// The rules under which requests are routed.
#[derive(Clone, Copy, Debug)]
pub struct RoutingRules<'a> {
    /// `[routing]`
    pub routing: &'a Routing,
    /// `[[models]]`
    pub models: &'a [NamedModel],
    /// The operator's own profiles.
    pub profiles: &'a [Profile],
}

/// A draft over the rules in force.
#[derive(Clone, Debug)]
pub struct Drafted {
    routing: Routing,
    models: Vec<NamedModel>,
    profiles: Vec<Profile>,
}

/// One request, as far as its names bear on where it goes.
#[derive(Clone, Copy, Debug)]
pub struct Inquiry<'a> {
    /// The endpoint that was called.
    pub endpoint: Endpoint,
    /// The model as the client named it.
    pub model: Option<&'a str>,
    /// Names that stand in for it, as a plugin says.
    pub fallbacks: &'a [String],
    /// Header `x-profile`.
    pub profile: Option<&'a str>,
    /// Header `x-provider`.
    pub provider_wanted: Option<&'a str>,
    /// The caller's virtual key.
    pub key: Option<&'a KeyFacts>,
    /// The project that it is made for.
    pub project: Option<&'a str>,
}

impl Policy {
    /// The rules in force.
    pub fn routing_rules(&self) -> RoutingRules<'_> {
        RoutingRules { routing: &self.config.routing, models: &self.config.models, profiles: &self.profiles }
    }

    /// What a draft would make of the rules in force.
    pub fn drafted(&self, draft: RoutingDraft) -> Drafted {
        let RoutingDraft { routing, models, profiles } = draft;
        Drafted {
            routing: routing.unwrap_or_else(|| self.config.routing.clone()),
            models: models.unwrap_or_else(|| self.config.models.clone()),
            profiles: profiles
                .map_or_else(|| self.profiles.clone(), |blocks| blocks.iter().map(Profile::from).collect()),
        }
    }

    /// What the router is asked of a request; `live` is what local servers said they serve.
    pub fn question<'q>(
        &'q self,
        rules: RoutingRules<'q>,
        inquiry: Inquiry<'q>,
        live: &'q [(String, Arc<[String]>)],
    ) -> Question<'q> {
        Question {
            endpoint: inquiry.endpoint,
            model: inquiry.model,
            fallbacks: inquiry.fallbacks,
            profile: inquiry.profile,
            provider_wanted: inquiry.provider_wanted,
            providers: &self.providers,
            models: rules.models,
            profiles: rules.profiles,
            default_profile: rules.routing.profile.as_deref(),
            strategy: rules.routing.strategy,
            sticky: rules.routing.sticky,
            default_provider: self.config.default_provider.as_deref(),
            allowed_providers: inquiry.key.map_or(&[], |key| &key.allowed_providers),
            allowed_models: inquiry.key.map_or(&[], |key| &key.allowed_models),
            project_models: self.project(inquiry.project).map_or(&[], |project| &project.models),
            catalog: &self.catalog,
            live,
        }
    }

    /// The virtual key of this id, revoked and expired ones included.
    pub fn key_by_id(&self, id: &str) -> Option<&Arc<KeyFacts>> {
        self.keys.values().find(|key| *key.id == *id)
    }
}

impl Drafted {
    /// The rules.
    pub fn rules(&self) -> RoutingRules<'_> {
        RoutingRules { routing: &self.routing, models: &self.models, profiles: &self.profiles }
    }
}
