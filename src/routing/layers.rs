//! The five layers in their order. Each is a pure function of one signature: facts and who still stands
//! go in, who is left and why the others fell come out.
//!
//! Nothing but the facts decides, so a stored decision can be run again.

mod availability;
mod capability;
mod policy;
mod score;
mod selection;
#[cfg(test)]
pub(super) mod tests;

use serde::{Deserialize, Serialize};

use super::facts::{Facts, Forbidden};
use crate::domain::Ability;

/// A layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// 1: may it be used?
    Policy,
    /// 2: can it do it?
    Capability,
    /// 3: can it be asked now?
    Availability,
    /// 4: how well does it fit?
    Score,
    /// 5: in which order are they tried?
    Selection,
}

impl Layer {
    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Capability => "capability",
            Self::Availability => "availability",
            Self::Score => "score",
            Self::Selection => "selection",
        }
    }

    /// The question that it answers.
    pub const fn question(self) -> &'static str {
        match self {
            Self::Policy => "may it be used?",
            Self::Capability => "can it do it?",
            Self::Availability => "can it be asked now?",
            Self::Score => "how well does it fit?",
            Self::Selection => "in which order are they tried?",
        }
    }
}

/// A candidate that still stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// Its place in [`Facts::candidates`].
    pub candidate: usize,
    /// Its score, from layer 4 on.
    pub score: Option<Score>,
}

/// The factors of layer 4, each from 0 (worst) to 1 (best).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// How good its answers are.
    pub quality: f32,
    /// How cheap it is.
    pub price: f32,
    /// How fast it begins to answer.
    pub latency: f32,
    /// How rarely it fails.
    pub reliability: f32,
    /// Whether its prompt cache is warm for this session.
    pub affinity: f32,
    /// The mean under the profile's weights.
    pub total: f32,
}

/// What a layer decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sieved {
    /// Who is left; layer 5 puts them in their final order.
    pub survivors: Vec<Standing>,
    /// Who fell, and why.
    pub dropped: Vec<Dropped>,
    /// Nobody fits, and the layer let through whom it may: see the layer.
    pub overruled: bool,
}

/// A candidate that fell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// Its place in [`Facts::candidates`].
    pub candidate: usize,
    /// Why.
    pub reason: Reason,
}

/// Why a candidate fell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum Reason {
    /// The key may not use the provider.
    ProviderForbidden,
    /// The key or the project may not use the model.
    ModelForbidden,
    /// The profile keeps requests on the operator's own machines.
    NotLocal,
    /// It cannot be asked in the client's API.
    OtherApi,
    /// Prompt and answer do not fit into its context window.
    ContextTooSmall {
        /// Estimated tokens that are needed.
        needed_tokens: u64,
        /// What it has.
        context_tokens: u64,
    },
    /// It cannot write as much as the client allows for.
    OutputTooSmall {
        /// What the client allows for.
        needed_tokens: u64,
        /// What it can write.
        output_tokens: u64,
    },
    /// It is known not to be able to do something that is needed.
    Lacks {
        /// What.
        ability: Ability,
    },
    /// Nobody knows whether it can do what the endpoint is for, and the gateway was left to choose.
    NotKnownTo {
        /// What.
        ability: Ability,
    },
    /// Its circuit breaker is open.
    CircuitOpen {
        /// Until when, in microseconds since the Unix epoch.
        until_us: i64,
    },
    /// Its circuit breaker is half open and the one probe is under way.
    Probing,
    /// The provider asked to be left alone.
    RateLimited {
        /// Until when, in microseconds since the Unix epoch.
        until_us: i64,
    },
    /// Its limits have no room.
    OverLimit {
        /// Until when, in microseconds since the Unix epoch.
        until_us: i64,
    },
    /// A budget of its own is used up.
    OverBudget,
}

impl Reason {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ProviderForbidden => "provider_forbidden",
            Self::ModelForbidden => "model_forbidden",
            Self::NotLocal => "not_local",
            Self::OtherApi => "other_api",
            Self::ContextTooSmall { .. } => "context_too_small",
            Self::OutputTooSmall { .. } => "output_too_small",
            Self::Lacks { .. } => "lacks",
            Self::NotKnownTo { .. } => "not_known_to",
            Self::CircuitOpen { .. } => "circuit_open",
            Self::Probing => "probing",
            Self::RateLimited { .. } => "rate_limited",
            Self::OverLimit { .. } => "over_limit",
            Self::OverBudget => "over_budget",
        }
    }

    /// Whether the other is of the same kind, whatever its numbers are.
    pub fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Lacks { ability }, Self::Lacks { ability: other })
            | (Self::NotKnownTo { ability }, Self::NotKnownTo { ability: other }) => ability == other,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ProviderForbidden => f.write_str("the key may not use the provider"),
            Self::ModelForbidden => f.write_str("the key or the project may not use the model"),
            Self::NotLocal => f.write_str("not on your own machines"),
            Self::OtherApi => f.write_str("speaks another API"),
            Self::ContextTooSmall { .. } => f.write_str("the context window is too small"),
            Self::OutputTooSmall { .. } => f.write_str("the output limit is too small"),
            Self::Lacks { ability } => write!(f, "cannot do {}", ability.as_str()),
            Self::NotKnownTo { ability } => write!(f, "the catalog does not know whether it does {}", ability.as_str()),
            Self::CircuitOpen { .. } => f.write_str("the circuit breaker is open"),
            Self::Probing => f.write_str("the circuit breaker is half open"),
            Self::RateLimited { .. } => f.write_str("the provider's rate limit is used up"),
            Self::OverLimit { .. } => f.write_str("its limits are used up"),
            Self::OverBudget => f.write_str("its budget is used up"),
        }
    }
}

impl From<Forbidden> for Reason {
    fn from(forbidden: Forbidden) -> Self {
        match forbidden {
            Forbidden::Provider => Self::ProviderForbidden,
            Forbidden::Model => Self::ModelForbidden,
        }
    }
}

/// The one signature of a layer.
pub type Sieve = fn(&Facts<'_>, Vec<Standing>) -> Sieved;

/// The layers in their order.
pub const LAYERS: [(Layer, Sieve); 5] = [
    (Layer::Policy, policy::sieve),
    (Layer::Capability, capability::sieve),
    (Layer::Availability, availability::sieve),
    (Layer::Score, score::sieve),
    (Layer::Selection, selection::sieve),
];

/// A decision: what each layer did, and the order in which the survivors are tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What fell at which layer. A layer after which nobody is left is the last one.
    pub fallen: Vec<(Layer, Dropped)>,
    /// Layers that were overruled (see [`Sieved::overruled`]).
    pub overruled: Vec<Layer>,
    /// Who is tried, in this order; empty when everybody fell.
    pub order: Vec<Standing>,
}

/// Sends everybody through the layers.
pub fn decide(facts: &Facts<'_>) -> Decision {
    let mut standing: Vec<Standing> =
        (0..facts.candidates.len()).map(|candidate| Standing { candidate, score: None }).collect();
    let mut decision = Decision { fallen: Vec::new(), overruled: Vec::new(), order: Vec::new() };
    for (layer, sieve) in LAYERS {
        let sieved = sieve(facts, standing);
        decision.fallen.extend(sieved.dropped.into_iter().map(|dropped| (layer, dropped)));
        if sieved.overruled {
            decision.overruled.push(layer);
        }
        standing = sieved.survivors;
        if standing.is_empty() {
            break;
        }
    }
    decision.order = standing;
    decision
}

/// Lets those through for whom `reason` finds nothing.
fn keep_if_none(
    facts: &Facts<'_>,
    standing: Vec<Standing>,
    reason: impl Fn(&super::facts::Candidate<'_>) -> Option<Reason>,
) -> Sieved {
    let mut dropped = Vec::new();
    let mut survivors = standing;
    survivors.retain(|one| match facts.candidates.get(one.candidate).and_then(&reason) {
        Some(reason) => {
            dropped.push(Dropped { candidate: one.candidate, reason });
            false
        }
        None => true,
    });
    Sieved { survivors, dropped, overruled: false }
}
