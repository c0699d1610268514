//! Why each request of the history went where it went: decided by the router itself, under the demo's own rules.

use std::sync::Arc;

use crate::{
    domain::{Abilities, Ability, Record},
    policy::{Inquiry, Policy},
    routing::{self, Moment, Need, Observed, Trace},
};

/// Decides as the gateway would have.
pub(super) struct Decider<'a> {
    policy: &'a Policy,
    turn: u64,
}

impl<'a> Decider<'a> {
    pub(super) const fn new(policy: &'a Policy) -> Self {
        Self { policy, turn: 0 }
    }

    /// The decision that led to the provider that the record names, in its stored form; `None` for a request that
    /// was refused before it was routed.
    pub(super) fn decide(&mut self, record: &Record) -> Option<Arc<[u8]>> {
        let provider = record.provider.as_deref()?;
        self.turn += 1;
        // What several providers serve was sent to this one because the client said so.
        let (is_there, trace) = self.ask(record, None);
        Some(if is_there { trace } else { self.ask(record, Some(provider)).1 })
    }

    /// The decision, and whether it asks the record's provider first.
    fn ask(&self, record: &Record, provider_wanted: Option<&str>) -> (bool, Arc<[u8]>) {
        let key = record.key_id.as_deref().and_then(|id| self.policy.key_by_id(id));
        let inquiry = Inquiry {
            fallbacks: &[],
            endpoint: record.endpoint,
            model: record.model_requested.as_deref(),
            profile: None,
            provider_wanted,
            key: key.map(|key| &**key),
            project: record.project.as_deref(),
        };
        let question = self.policy.question(self.policy.routing_rules(), inquiry, &[]);
        let abilities = if record.stream { Abilities::NONE.with(Ability::Streaming) } else { Abilities::NONE };
        // Four bytes a token, as the gateway estimates before the provider has counted.
        let need = Need { input_tokens: record.request_bytes / 4, max_output_tokens: None, abilities };
        let moment = Moment { at: record.started_at, turn: self.turn, dice: self.turn };
        let considered = routing::consider(&question, need, moment, |_, _| Observed::default());
        let first =
            considered.decision.order.first().and_then(|first| considered.facts.candidates.get(first.candidate));
        let is_there = first.is_some_and(|first| Some(&*first.provider) == record.provider.as_deref());
        let trace = Trace::write(&considered.facts, &considered.decision, (provider_wanted, None), None);
        (is_there, trace.into())
    }
}
