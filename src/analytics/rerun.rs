//! A recorded request, decided anew under other rules, from what was known when it was made.
//!
//! Whoever was a candidate then is seen as it was seen then; of everybody else only what does not hang on the
//! moment is known. Calls nobody and changes nothing.

use std::sync::Arc;

use crate::{
    config::{Provider, ProviderType},
    domain::Record,
    policy::{Inquiry, KeyFacts, Policy, RoutingRules},
    routing::{self, Candidate, Considered, Moment, Observed, Rule, Trace},
};

/// Models by provider id, as local servers list them.
pub type LiveModels = Vec<(String, Arc<[String]>)>;

/// A request of the past.
#[derive(Clone, Copy, Debug)]
pub struct Rerun<'r> {
    /// The record.
    pub record: &'r Record,
    /// How it was routed.
    pub trace: &'r Trace<'r>,
    /// Its virtual key, if it still exists.
    pub key: Option<&'r KeyFacts>,
}

impl<'r> Rerun<'r> {
    /// What is asked of the router.
    pub fn inquiry(&self) -> Inquiry<'r> {
        Inquiry {
            fallbacks: &[],
            endpoint: self.record.endpoint,
            model: self.record.model_requested.as_deref(),
            profile: self.trace.profile_wanted.as_deref(),
            provider_wanted: self.trace.provider_wanted.as_deref(),
            key: self.key,
            project: self.record.project.as_deref(),
        }
    }

    /// When it was made, with the turn and the lot that it had; `now` gives them where it had none.
    pub fn moment(&self, now: Moment) -> Moment {
        let facts = &self.trace.facts;
        let or = |then: u64, now: u64| if then == 0 { now } else { then };
        let at = crate::domain::Timestamp { unix_us: facts.at_us };
        Moment { at, turn: or(facts.turn, now.turn), dice: or(facts.dice, now.dice) }
    }

    /// What was heard then of what local servers serve, as far as it shows; of what they serve now, what such a request
    /// would hear.
    pub fn live(&self, policy: &Policy, now: &[(String, Arc<[String]>)]) -> LiveModels {
        if self.was_unheard_of() {
            return Vec::new();
        }
        let mut live = routing::heard(&policy.question(policy.routing_rules(), self.inquiry(), &[]), now);
        if !matches!(self.trace.facts.rule, Rule::KnownModel | Rule::Named | Rule::Auto) {
            return live;
        }
        for candidate in &self.trace.facts.candidates {
            let is_local = |provider: &&Arc<Provider>| {
                provider.id == *candidate.provider
                    && matches!(provider.provider_type, ProviderType::Local | ProviderType::Ollama)
            };
            if let (Some(provider), Some(model)) = (policy.providers.iter().find(is_local), &candidate.model) {
                live.push((provider.id.clone(), Arc::from([model.to_string()])));
            }
        }
        live
    }

    /// Whether nobody was known to serve the model then. Whoever was asked all the same is not known to serve it for that,
    /// nor because of what a local server has come to serve since.
    pub fn was_unheard_of(&self) -> bool {
        matches!(self.trace.facts.rule, Rule::Native | Rule::Header)
    }

    /// What was known of a candidate then; `None` when it was none, or was not kept.
    pub fn then(&self, provider: &str, model: Option<&str>) -> Option<Observed> {
        let is_it = |one: &&Candidate<'_>| *one.provider == *provider && one.model.as_deref() == model;
        self.trace.facts.candidates.iter().find(is_it).map(observed)
    }

    /// Decides anew. `now` tells what is known of those who were no candidates then.
    pub fn consider<'q>(
        &self,
        policy: &'q Policy,
        rules: RoutingRules<'q>,
        live: &'q [(String, Arc<[String]>)],
        moment: Moment,
        now: impl Fn(&Provider, Option<&str>) -> Observed,
    ) -> Considered<'q>
    where
        'r: 'q,
    {
        let observe = |provider: &Provider, model: Option<&str>| {
            self.then(&provider.id, model).unwrap_or_else(|| now(provider, model))
        };
        let question = policy.question(rules, self.inquiry(), live);
        routing::consider(&question, self.trace.facts.need, self.moment(moment), observe)
    }
}

/// What was seen of a candidate.
pub(super) fn observed(candidate: &Candidate<'_>) -> Observed {
    Observed {
        availability: candidate.availability,
        latency_ms: candidate.merits.latency_ms,
        error_rate: candidate.merits.error_rate,
        quality: candidate.merits.quality,
        warm: candidate.merits.warm,
    }
}
