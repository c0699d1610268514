//! What was made of a question: the spec, and which words became which part of it; or why none was made.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::QuerySpec;

/// What a parser says of a question.
#[derive(Clone, Debug, PartialEq)]
pub enum Parsed {
    /// Every word is accounted for.
    Understood(Understood),
    /// Some words are not: a model may try; without one it is `declined`, never answered by `best`, which leaves
    /// them out.
    Partly {
        /// What was understood, the unknown words left out; `None` when nothing was.
        best: Option<Understood>,
        /// The words that are not accounted for.
        unexplained: Vec<UnknownWord>,
        /// What to say without a model.
        declined: Declined,
    },
    /// It must not, or cannot, be answered; no model is asked.
    Declined(Declined),
}

/// A question as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Understood {
    /// What is asked.
    pub spec: QuerySpec,
    /// Which words became what.
    pub reading: Vec<Chip>,
    /// What was filled in although nobody said it, as sentences.
    pub assumptions: Vec<String>,
    /// Words that were read as others.
    pub corrections: Vec<Correction>,
    /// Whether it changes the previous question instead of standing for itself.
    pub is_follow_up: bool,
    /// A new question in a conversation, asked of what the question before was about.
    pub keeping: Option<Choice>,
}

/// A part of the question, in bytes of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The first byte after it.
    pub end: usize,
}

/// One part of the reading, to be shown, removed or switched.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Chip {
    /// What part of the spec it is.
    pub kind: ChipKind,
    /// In words: `cost`, `by team`, `provider is not azure`.
    pub text: String,
    /// The words it was read from; `None` for what was assumed or kept from the previous question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// Nobody said it.
    pub assumed: bool,
    /// The spec without it; `None` when it cannot be removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without: Option<Box<QuerySpec>>,
    /// Other readings of the same words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instead: Vec<Choice>,
}

/// What part of a spec a chip stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChipKind {
    /// What is measured.
    Measure,
    /// What it is grouped by.
    Breakdown,
    /// Which rows.
    Filter,
    /// A bound on rows or groups.
    Bound,
    /// When.
    Window,
    /// Set against what.
    Compare,
    /// Order, limit, share, running total.
    Shape,
    /// Whether it stands for itself or changes the question before.
    Conversation,
}

/// Another reading.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Choice {
    /// In words.
    pub text: String,
    /// The spec of that reading.
    pub spec: Box<QuerySpec>,
}

/// A word that was read as another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Correction {
    /// As it was written.
    pub from: String,
    /// As it was read.
    pub to: String,
    /// Where it stands.
    pub span: Span,
}

/// A word that could not be accounted for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UnknownWord {
    /// As it was written.
    pub word: String,
    /// Where it stands.
    pub span: Span,
    /// Names and words that are like it, the nearest first; at most three.
    pub nearest: Vec<String>,
}

/// A question that is not answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Declined {
    /// What kind of refusal it is.
    pub kind: DeclineKind,
    /// One sentence why.
    pub reason: String,
    /// One or two questions that can be answered instead.
    pub r#try: Vec<String>,
    /// The page of the portal that does it properly: `/providers`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<&'static str>,
}

/// Why a question is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeclineKind {
    /// It wants to change something, to see a secret, or to give orders.
    Forbidden,
    /// What it asks for is not recorded.
    NotRecorded,
    /// It asks for the future beyond the running month.
    Forecast,
    /// It names something that does not exist.
    UnknownName,
    /// It holds words that could not be accounted for.
    UnknownWord,
    /// It has two readings that differ too much to choose one.
    Ambiguous,
    /// Nothing in it says what is asked.
    NoQuestion,
}
