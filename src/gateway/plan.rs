//! Step 4, plan: what the router is asked, and what its refusals mean to the client.
//!
//! It decides nothing itself; the decision is `routing`'s, from what is gathered here.

use std::sync::Arc;

use super::{
    accept::{Inbound, Labels},
    allow::{self, Estimate},
    error::Refusal,
    identify::Caller,
    memory::Memory,
    need,
    record::OpenRecord,
    walk,
};
use crate::{
    config::Provider,
    domain::{Endpoint, ErrorKind, Timestamp},
    policy::{Inquiry, Policy},
    routing::{self, Moment, Need, Observed, Plan, Question, Unroutable},
};

/// Everything that bears on where a request goes.
#[derive(Clone, Copy)]
pub(super) struct Planner<'a> {
    pub(super) policy: &'a Policy,
    pub(super) memory: &'a Memory,
    pub(super) inbound: &'a Inbound,
    pub(super) caller: &'a Caller,
    pub(super) labels: &'a Labels,
    pub(super) session: Option<need::Session>,
}

impl Planner<'_> {
    /// Local servers whose models must be known before a plan can be made.
    pub(super) fn to_ask(self) -> Vec<Arc<Provider>> {
        routing::to_ask(&self.question(&[])).into_iter().cloned().collect()
    }

    /// Makes the plan and notes on the record how it came to be; `live` is what the local servers said.
    pub(super) fn plan(self, live: &[(String, Arc<[String]>)], record: &mut OpenRecord) -> Result<Plan, Refusal> {
        let at = Timestamp::now();
        let session = self.session.filter(|session| session.goes_on).map(|session| session.id);
        let moment = Moment { at, turn: self.memory.turn(), dice: walk::dice() };
        let (estimate, task) = (Estimate::of(self.inbound, at), self.task());
        let seat = session.and_then(|session| self.memory.seat_of(session));
        let observe = |provider: &Provider, model: Option<&str>| {
            let mut observed = self.memory.observe(provider, model, seat.as_ref(), at);
            observed.quality = self.memory.quality(provider, model, task);
            allow::observe(self.policy, provider, model, &estimate, &mut observed.availability);
            observed
        };
        let planned = routing::plan(&self.question(live), need::need(self.inbound), moment, observe);
        record.routed(planned.trace, planned.profile);
        planned.outcome.map_err(|unroutable| {
            let refusal = refusal(&unroutable, at);
            let typed = self.inbound.model.as_deref().filter(|_| refusal.kind == ErrorKind::ModelNotFound);
            let close = typed.map(|typed| routing::close_names(&self.question(live), typed)).unwrap_or_default();
            if close.is_empty() {
                return refusal;
            }
            let message = format!("{}; close matches: {}", refusal.message, close.join(", "));
            Refusal { message, ..refusal }
        })
    }

    /// What the answer is for, as signals of quality tell it: the profile.
    fn task(&self) -> Option<&str> {
        let named = self.inbound.model.as_deref().and_then(|model| model.strip_prefix("auto:"));
        named.or(self.labels.profile.as_deref()).or(self.policy.config.routing.profile.as_deref())
    }

    fn question<'q>(&'q self, live: &'q [(String, Arc<[String]>)]) -> Question<'q> {
        let inquiry = Inquiry {
            endpoint: self.inbound.called,
            model: self.inbound.model.as_deref(),
            fallbacks: &self.inbound.fallbacks,
            profile: self.labels.profile.as_deref(),
            provider_wanted: self.labels.provider.as_deref(),
            key: self.caller.key.as_deref(),
            project: self.caller.project.as_deref(),
        };
        self.policy.question(self.policy.routing_rules(), inquiry, live)
    }
}

/// What would be known of a candidate if such a request came now; nothing is taken from any limit.
pub fn observe(
    policy: &Policy,
    memory: &Memory,
    (endpoint, need): (Endpoint, &Need),
    (provider, model): (&Provider, Option<&str>),
    session: Option<u64>,
    at: Timestamp,
) -> Observed {
    let seat = session.and_then(|session| memory.seat_of(session));
    let mut observed = memory.observe(provider, model, seat.as_ref(), at);
    observed.quality = memory.quality(provider, model, None);
    let estimate = Estimate::of_need(endpoint, need, at);
    allow::observe(policy, provider, model, &estimate, &mut observed.availability);
    observed
}

/// What the client is told when there is no plan.
fn refusal(unroutable: &Unroutable, at: Timestamp) -> Refusal {
    let kind = match unroutable {
        // What providers asked for is heeded only where another one can be asked; what is left are our own rules.
        Unroutable::NobodyAvailable { retry_at_us: Some(_), .. } => ErrorKind::RateLimitExceeded,
        Unroutable::NobodyAvailable { retry_at_us: None, .. } => ErrorKind::BudgetExceeded,
        Unroutable::NoProvider | Unroutable::NoTarget { .. } => ErrorKind::NoProvider,
        Unroutable::NobodySpeaks { .. }
        | Unroutable::ServedElsewhere { .. }
        | Unroutable::Misspelt { .. }
        | Unroutable::UnknownProvider { .. }
        | Unroutable::WrongApi { .. } => ErrorKind::ModelNotFound,
        Unroutable::NoDefaultModel { .. } | Unroutable::UnknownProfile { .. } | Unroutable::NobodyCan { .. } => {
            ErrorKind::InvalidRequest
        }
        Unroutable::ModelForbidden { .. } | Unroutable::ProviderForbidden { .. } => ErrorKind::PermissionDenied,
    };
    let retry_after_secs = match unroutable {
        Unroutable::NobodyAvailable { retry_at_us: Some(until), .. } if *until < i64::MAX => {
            u64::try_from((until - at.unix_us).max(0) / 1_000_000 + 1).ok()
        }
        _ => None,
    };
    Refusal { retry_after_secs, ..Refusal::new(kind, unroutable.to_string()) }
}
