//! Profiles: what a request values, as weights over the factors of layer 4 and a few demands.
//!
//! Never names a model or a provider: what a model is good for is the catalog's to know.

use serde::{Deserialize, Serialize};

use crate::{
    config::{ProfileBlock, Weights},
    domain::{Abilities, Ability},
};

/// One profile, built in or the operator's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Its name (`balanced`).
    pub id: String,
    /// How much each factor counts.
    pub weights: Weights,
    /// What a model must be able to do, whatever the request uses.
    pub needs: Abilities,
    /// The least context window, in tokens.
    pub min_context_tokens: Option<u64>,
    /// Only providers on the operator's own machines (`local`, `ollama`).
    pub local_only: bool,
}

/// The profile of requests that name none.
pub const DEFAULT_PROFILE: &str = "balanced";

/// Name, what it is for, weights (quality, price, latency, reliability, affinity).
const BUILT_IN: [(&str, &str, [f32; 5]); 9] = [
    ("balanced", "a bit of everything", [3.0, 2.0, 2.0, 2.0, 1.0]),
    ("quality", "the best answer, whatever it costs", [8.0, 0.5, 0.5, 1.0, 0.5]),
    ("economy", "the cheapest that can do it", [1.0, 7.0, 0.5, 1.0, 1.5]),
    ("speed", "the first to answer", [1.0, 0.5, 7.0, 1.5, 0.5]),
    ("coding", "code: models that use tools well", [6.0, 1.0, 1.0, 1.5, 2.0]),
    ("reasoning", "hard questions: models that think first", [8.0, 0.5, 0.5, 1.0, 0.5]),
    ("long-context", "long documents: at least 200,000 tokens", [4.0, 2.0, 1.0, 1.5, 2.5]),
    ("vision", "pictures in the prompt", [4.0, 2.0, 1.5, 1.5, 0.5]),
    ("private", "only models on your own machines", [3.0, 1.0, 2.0, 2.0, 1.0]),
];

impl Profile {
    /// The built-in profiles with what they are for.
    pub fn built_in() -> impl Iterator<Item = (Self, &'static str)> {
        BUILT_IN.into_iter().map(|(id, purpose, weights)| (Self::of(id, weights), purpose))
    }

    /// A built-in profile by name.
    pub fn built_in_of(id: &str) -> Option<Self> {
        let (id, _, weights) = BUILT_IN.into_iter().find(|(known, ..)| *known == id)?;
        Some(Self::of(id, weights))
    }

    /// The profile of requests that name none.
    pub fn balanced() -> Self {
        let [(id, _, weights), ..] = BUILT_IN;
        Self::of(id, weights)
    }

    fn of(id: &str, [quality, price, latency, reliability, affinity]: [f32; 5]) -> Self {
        let needs = match id {
            "coding" => Abilities::NONE.with(Ability::Tools),
            "reasoning" => Abilities::NONE.with(Ability::Reasoning),
            "vision" => Abilities::NONE.with(Ability::Vision),
            _ => Abilities::NONE,
        };
        Self {
            id: id.to_owned(),
            weights: Weights { quality, price, latency, reliability, affinity },
            needs,
            min_context_tokens: (id == "long-context").then_some(200_000),
            local_only: id == "private",
        }
    }
}

impl From<&ProfileBlock> for Profile {
    fn from(block: &ProfileBlock) -> Self {
        Self {
            id: block.id.clone(),
            weights: block.weights,
            needs: block.needs,
            min_context_tokens: block.min_context_tokens,
            local_only: block.local_only,
        }
    }
}
