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
    pub need: Need,
    /// The profile that weighs layer 4.
    pub profile: Profile,
    /// How layer 5 orders what is left.
    pub strategy: Strategy,
    /// Whether a session stays with the target that served it last.
    pub sticky: bool,
    /// Counts decisions, for `round_robin`.
    pub turn: u64,
    /// A random number, for `weighted`.
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
            ..candidate
        };
        let candidates = self.candidates.into_iter().map(owned).collect();
        Facts { candidates, ..self }
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
    /// The name, the header or the configuration leads to nobody.
    Nowhere,
}

impl Rule {
    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pinned => "pinned",
            Self::Named => "named",
            Self::Auto => "auto",
            Self::Header => "header",
            Self::Default => "default",
            Self::KnownModel => "known_model",
            Self::Native => "native",
            Self::Nowhere => "nowhere",
        }
    }

    /// What it says, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Pinned => "the model was named provider/model, which pins the provider",
            Self::Named => "the name is one of [[models]], which says where it leads",
            Self::Auto => "the gateway was left to choose among all models",
            Self::Header => "the header x-provider named the provider",
            Self::Default => "no model was named, so the configured defaults stand in",
            Self::KnownModel => "these providers are known to serve the model",
            Self::Native => "nobody is known to serve the model, so those who speak the endpoint's API are asked",
            Self::Nowhere => "the name, the header or the configuration leads to nobody",
        }
    }
}

/// What a request needs of a model. Token counts are estimates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// Estimated prompt tokens.
    pub input_tokens: u64,
    /// The most output tokens that the client allows, if it says so.
    pub max_output_tokens: Option<u64>,
    /// What it uses.
    pub abilities: Abilities,
}

impl Need {
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
    #[serde(borrow)]
    pub model: Option<Cow<'a, str>>,
    /// 0 for the targets of the name itself, then one more for each fallback in its order.
    pub tier: u16,
    /// Lower goes first (strategy `priority`).
    pub priority: u32,
    /// Share of the requests (strategy `weighted`).
    pub weight: u32,
    /// Layer 1: what forbids it.
    pub forbidden: Option<Forbidden>,
    /// Layer 1: whether it runs on the operator's own machines.
    pub local: bool,
    /// Layer 2.
    pub capability: Capability,
    /// Layer 3.
    pub availability: Availability,
    /// Layer 4.
    pub merits: Merits,
}

/// What forbids a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forbidden {
    /// The key may not use the provider.
    Provider,
    /// The key or the project may not use the model.
    Model,
}

/// How the client's API and the provider's go together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speech {
    /// They are the same.
    #[default]
    Same,
    /// They are not, and there is no way from one to the other.
    Other,
    /// They are not, and what is said is translated.
    Translated,
}

/// What a model is known to be able to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capability {
    /// How the client's API and the provider's go together.
    pub speech: Speech,
    /// Prompt and output tokens together.
    pub context_tokens: Option<u64>,
    /// Most output tokens.
    pub output_tokens: Option<u64>,
    /// What it is known to be able to do.
    pub can: Abilities,
    /// What it is known not to be able to do.
    pub cannot: Abilities,
}

/// Whether a candidate can be asked now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Availability {
    /// The circuit breaker keeps requests away until then (microseconds since the Unix epoch).
    pub open_until_us: Option<i64>,
    /// The breaker is half open and its one probe is under way.
    pub probing: bool,
    /// The provider asked to be left alone until then (microseconds since the Unix epoch).
    pub rate_limited_until_us: Option<i64>,
    /// Its limits have no room for this request until then (microseconds since the Unix epoch).
    pub limited_until_us: Option<i64>,
    /// A budget of its own is used up.
    pub over_budget: bool,
}

/// What speaks for a candidate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Merits {
    /// How good its answers are, from 0 to 1.
    pub quality: Option<f32>,
    /// Microcents per million prompt tokens.
    pub input_microcents_per_mtok: Option<u64>,
    /// Microcents per million output tokens.
    pub output_microcents_per_mtok: Option<u64>,
    /// Peak-weighted moving average of the time to the first content, in milliseconds.
    pub latency_ms: Option<f32>,
    /// Share of calls that failed lately, from 0 to 1.
    pub error_rate: Option<f32>,
    /// It served this session last, so its prompt cache is warm.
    pub warm: bool,
}

impl Merits {
    /// What the request is expected to cost there, in microcents.
    pub fn estimated_microcents(&self, need: &Need) -> Option<u64> {
        let input = per_million(self.input_microcents_per_mtok?, need.input_tokens)?;
        let output = per_million(self.output_microcents_per_mtok?, need.expected_output_tokens())?;
        input.checked_add(output)
    }
}

/// What so many tokens cost. Wide numbers are divided slowly, and this is asked of thousands of candidates.
fn per_million(rate: u64, tokens: u64) -> Option<u64> {
    const MILLION: u64 = 1_000_000;
    match rate.checked_mul(tokens) {
        Some(product) => Some(product / MILLION),
        None => u64::try_from(u128::from(rate) * u128::from(tokens) / u128::from(MILLION)).ok(),
    }
}
