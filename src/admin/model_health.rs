//! How each provider's models fare, as the API and `/metrics` show it.
//!
//! Labels of metrics take models that the catalog or the configuration knows; clients could invent others without
//! end, so those are one.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::state::AdminState;
use crate::{
    config::Provider,
    domain::Timestamp,
    policy::Policy,
    provider::{Breaker, Vitals},
    routing,
};

/// Models of a provider that a list shows.
const LISTED: usize = 20;

/// How a provider's model fares. `null` means unknown, never 0.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ModelHealth {
    /// The model; `null` for paths that name none.
    pub(super) model: Option<String>,
    /// Its circuit breaker: `closed`, `open` or `half_open`.
    #[schema(example = "closed")]
    pub(super) breaker: &'static str,
    /// While it is open: until when nothing is sent there.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) open_until: Option<Timestamp>,
    /// Whether the one probe of a half-open breaker is under way.
    pub(super) probing: bool,
    /// Failures in a row.
    pub(super) failures: u32,
    /// Until when the provider asked to be left alone.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) rate_limited_until: Option<Timestamp>,
    /// Moving average of the time to the first content, in milliseconds, peaks counting at once.
    pub(super) latency_ms: Option<f64>,
    /// Share of calls that failed lately, from 0 to 1.
    pub(super) error_rate: Option<f64>,
    /// Calls since the start.
    pub(super) calls: u64,
}

/// What is known of every provider's models now.
pub(super) struct AllHealth(Vec<(String, String, Vitals)>);

impl AllHealth {
    /// As it is now.
    pub(super) fn now(state: &AdminState) -> Self {
        Self(state.parts.lookout.vitals(Timestamp::now()))
    }

    fn of<'s>(&'s self, provider: &'s str) -> impl Iterator<Item = (&'s str, &'s Vitals)> {
        self.0.iter().filter(move |(id, ..)| id == provider).map(|(_, model, vitals)| (model.as_str(), vitals))
    }

    /// The worst state of a provider's breakers.
    pub(super) fn worst(&self, provider: &str) -> &'static str {
        let worst = self.of(provider).map(|(_, vitals)| vitals.breaker).max_by_key(|breaker| rank(*breaker));
        worst.unwrap_or(Breaker::Closed).as_str()
    }

    /// All models of a provider that were called, those first that are not well, then the busiest.
    pub(super) fn models(&self, provider: &str) -> Vec<ModelHealth> {
        let mut models: Vec<_> = self.of(provider).collect();
        models.sort_by_key(|(_, vitals)| (std::cmp::Reverse(rank(vitals.breaker)), std::cmp::Reverse(vitals.calls)));
        models.into_iter().map(|(model, vitals)| ModelHealth::of(model, vitals)).collect()
    }

    /// The same for a list of providers, which is kept short.
    pub(super) fn listed(&self, provider: &str) -> Vec<ModelHealth> {
        let mut models = self.models(provider);
        models.truncate(LISTED);
        models
    }

    /// The breakers in Prometheus' text format: of names that nobody knows, the worst as `other`.
    pub(super) fn metrics(&self, policy: &Policy) -> String {
        let mut states: BTreeMap<(&str, &str), u8> = BTreeMap::new();
        for (id, model, vitals) in &self.0 {
            let Some(provider) = policy.providers.iter().find(|provider| provider.id == *id) else { continue };
            let label = if is_known(policy, provider, model) { model.as_str() } else { "other" };
            let state = states.entry((id, label)).or_default();
            *state = (*state).max(rank(vitals.breaker));
        }
        let name = "llm_gateway_circuit_breaker_state";
        let mut text = format!("# HELP {name} 0 closed, 1 half open, 2 open.\n# TYPE {name} gauge\n");
        for ((provider, model), state) in states {
            let (provider, model) = (escaped(provider), escaped(model));
            text.push_str(&format!("{name}{{provider=\"{provider}\",model=\"{model}\"}} {state}\n"));
        }
        text
    }
}

fn is_known(policy: &Policy, provider: &Provider, model: &str) -> bool {
    let is_target = || {
        policy
            .config
            .models
            .iter()
            .flat_map(|named| &named.targets)
            .any(|target| target.provider == provider.id && target.model.as_deref() == Some(model))
    };
    model.is_empty() || routing::serves(&policy.catalog, provider, model) || is_target()
}

/// How bad a state is.
const fn rank(breaker: Breaker) -> u8 {
    match breaker {
        Breaker::Closed => 0,
        Breaker::HalfOpen => 1,
        Breaker::Open => 2,
    }
}

/// A label's value as Prometheus wants it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

impl ModelHealth {
    fn of(model: &str, vitals: &Vitals) -> Self {
        Self {
            model: (!model.is_empty()).then(|| model.to_owned()),
            breaker: vitals.breaker.as_str(),
            open_until: vitals.open_until,
            probing: vitals.is_probing,
            failures: vitals.failures,
            rate_limited_until: vitals.rate_limited_until,
            latency_ms: vitals.latency_ms,
            error_rate: vitals.error_rate,
            calls: vitals.calls,
        }
    }
}
