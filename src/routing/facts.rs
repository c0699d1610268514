//! What a decision rests on, as plain data: stored with a record, it gives the same decision again.
//!
//! Names and numbers only: no secret, no prompt, no clock, no random source (its draw is a fact too).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::profile::Profile;
use crate::{config::Strategy, domain::Abilities};

/// All facts of one decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts<'a> {
    /// How the model's name led to the candidates.
    pub rule: Rule,
    /// When the decision was made, in microseconds since the Unix epoch.
    pub at_us: i64,
    /// What the request needs of a model.
    #[serde(default, skip_serializing_if = "Need::is_plain")]
    pub need: Need,
    /// The profile that weighs layer 4.
    pub profile: Profile,
    /// How layer 5 orders what is left.
    pub strategy: Strategy,
    /// Whether a session stays with the target that served it last.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sticky: bool,
    /// Counts decisions, for `round_robin`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub turn: u64,
    /// A random number, for `weighted`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dice: u64,
    /// Who could be asked, in the order in which they were found.
    #[serde(borrow)]
    pub candidates: Vec<Candidate<'a>>,
}

impl Facts<'_> {
    /// The same facts, owning their names.
    pub fn into_owned(self) -> Facts<'static> {
        let owned = |candidate: Candidate<'_>| Candidate {
            provider: Cow::Owned(candidate.provider.into_owned()),
            model: candidate.model.map(|model| Cow::Owned(model.into_owned())),
            tier: candidate.tier,
            priority: candidate.priority,
            weight: candidate.weight,
            forbidden: candidate.forbidden,
            local: candidate.local,
            capability: candidate.capability,
            availability: candidate.availability,
            merits: candidate.merits,
        };
        Facts {
            rule: self.rule,
            at_us: self.at_us,
            need: self.need,
            profile: self.profile,
            strategy: self.strategy,
            sticky: self.sticky,
            turn: self.turn,
            dice: self.dice,
            candidates: self.candidates.into_iter().map(owned).collect(),
        }
    }
}

/// How a model's name led to its candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The model was named `provider/model`.
    Pinned,
    /// A `[[models]]` name or alias.
    Named,
    /// `auto`, `auto:<profile>`, or `x-profile` without a model: all models.
    Auto,
    /// Header `x-provider`.
    Header,
    /// No model or `default` was named: the configured defaults.
    Default,
    /// Providers are known to serve the model.
    KnownModel,
    /// Nobody is known to serve it: the provider native to the endpoint.
    Native,
}

/// What a request needs of a model. Token counts are estimates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Need {
    /// Estimated prompt tokens.
    #[serde(skip_serializing_if = "is_zero")]
    pub input_tokens: u64,
    /// The most output tokens that the client allows, if it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u64>,
    /// What it uses.
    #[serde(skip_serializing_if = "Abilities::is_empty")]
    pub abilities: Abilities,
}

impl Need {
    fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Output tokens for which a call is priced before it is made.
    pub(super) fn expected_output_tokens(&self) -> u64 {
        const USUAL: u64 = 500;
        self.max_output_tokens.map_or(USUAL, |limit| limit.min(USUAL))
    }
}

/// One provider and model that could be asked, and what is known of it. `None` is unknown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate<'a> {
    /// Provider id.
    #[serde(borrow)]
    pub provider: Cow<'a, str>,
    /// The model to ask for; `None` for paths that name none.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Cow<'a, str>>,
    /// 0 for the targets of the name itself, then one more for each fallback in its order.
    #[serde(default, skip_serializing_if = "is_zero_u16")]
    pub tier: u16,
    /// Lower goes first (strategy `priority`).
    #[serde(default, skip_serializing_if = "is_zero_u32")]
    pub priority: u32,
    /// Share of the requests (strategy `weighted`).
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub weight: u32,
    /// Layer 1: what forbids it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forbidden: Option<Forbidden>,
    /// Layer 1: whether it runs on the operator's own machines.
    #[serde(default, skip_serializing_if = "is_false")]
    pub local: bool,
    /// Layer 2.
    #[serde(default, skip_serializing_if = "Capability::is_unknown")]
    pub capability: Capability,
    /// Layer 3.
    #[serde(default, skip_serializing_if = "Availability::is_free")]
    pub availability: Availability,
    /// Layer 4.
    #[serde(default, skip_serializing_if = "Merits::is_unknown")]
    pub merits: Merits,
}

/// What forbids a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forbidden {
    /// The key may not use the provider.
    Provider,
    /// The key may not use the model.
    Model,
}

/// What a model is known to be able to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capability {
    /// It cannot be asked in the client's API.
    #[serde(skip_serializing_if = "is_false")]
    pub other_api: bool,
    /// Prompt and output tokens together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_tokens: Option<u64>,
    /// Most output tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// What it is known to be able to do.
    #[serde(skip_serializing_if = "Abilities::is_empty")]
    pub can: Abilities,
    /// What it is known not to be able to do.
    #[serde(skip_serializing_if = "Abilities::is_empty")]
    pub cannot: Abilities,
}

impl Capability {
    fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether a candidate can be asked now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Availability {
    /// The circuit breaker keeps requests away until then (microseconds since the Unix epoch).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_until_us: Option<i64>,
    /// The breaker is half open and its one probe is under way.
    #[serde(skip_serializing_if = "is_false")]
    pub probing: bool,
    /// The provider asked to be left alone until then (microseconds since the Unix epoch).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limited_until_us: Option<i64>,
    /// Its limits have no room for this request until then (microseconds since the Unix epoch).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limited_until_us: Option<i64>,
    /// A budget of its own is used up.
    #[serde(skip_serializing_if = "is_false")]
    pub over_budget: bool,
}

impl Availability {
    fn is_free(&self) -> bool {
        *self == Self::default()
    }
}

/// What speaks for a candidate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Merits {
    /// How good its answers are, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<f32>,
    /// Microcents per million prompt tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_microcents_per_mtok: Option<u64>,
    /// Microcents per million output tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_microcents_per_mtok: Option<u64>,
    /// Peak-weighted moving average of the time to the first content, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f32>,
    /// Share of calls that failed lately, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_rate: Option<f32>,
    /// It served this session last, so its prompt cache is warm.
    #[serde(skip_serializing_if = "is_false")]
    pub warm: bool,
}

impl Merits {
    fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// What the request is expected to cost there, in microcents.
    pub fn estimated_microcents(&self, need: &Need) -> Option<u64> {
        let per_million = |rate: u64, tokens: u64| u128::from(rate) * u128::from(tokens) / 1_000_000;
        let input = per_million(self.input_microcents_per_mtok?, need.input_tokens);
        let output = per_million(self.output_microcents_per_mtok?, need.expected_output_tokens());
        u64::try_from(input + output).ok()
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_zero_u16(number: &u16) -> bool {
    *number == 0
}

fn is_zero_u32(number: &u32) -> bool {
    *number == 0
}

const fn one() -> u32 {
    1
}

fn is_one(number: &u32) -> bool {
    *number == 1
}
