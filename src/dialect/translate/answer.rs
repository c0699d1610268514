//! The neutral reply and the neutral stream.
//!
//! A stream is `Start`, then per choice blocks one after the other (`Open`, its deltas, `Close`) and one `Finish`,
//! then usage and `End`. Readers make this order out of whatever a provider sends, and writers rely on it.

use serde::{Deserialize, Serialize};

use super::conversation::{Citation, Content, Media, Part, Seal, Thought};
use crate::domain::Usage;

/// One whole answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reply {
    /// The provider's id of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The model, as the provider names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// One for each answer asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// What it used.
    pub usage: Usage,
    /// The tier that served it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
}

impl Reply {
    /// The same as a stream: each block whole, one after the other.
    pub fn into_events(self) -> Vec<Event> {
        let mut events = vec![Event::Start { id: self.id, model: self.model }];
        for (number, choice) in (0_u32..).zip(self.choices) {
            let mut logprobs = choice.logprobs.map(Delta::Logprobs);
            for part in choice.parts {
                let (block, text, more) = match part.content {
                    Content::Text { text, citations } => {
                        let citations = citations.into_iter().map(Delta::Citation);
                        (Block::Text, text, citations.chain(logprobs.take()).collect())
                    }
                    Content::Refusal(text) => (Block::Refusal, text, Vec::new()),
                    Content::Reasoning(Thought { text, seal }) => {
                        (Block::Reasoning, text, seal.map(Delta::Seal).into_iter().collect())
                    }
                    Content::ToolCall { id, name, arguments } => (Block::ToolCall { id, name }, arguments, Vec::new()),
                    Content::Media(media) => (Block::Media(Box::new(media)), String::new(), Vec::new()),
                    // An answer holds no results.
                    Content::ToolResult { .. } => continue,
                };
                let text = (!text.is_empty()).then_some(Delta::Text(text));
                events.push(Event::Open(number, block));
                events.extend(text.into_iter().chain(more).map(|delta| Event::Delta(number, delta)));
                events.push(Event::Close(number));
            }
            events.push(Event::Finish(number, choice.finish));
        }
        events.extend([Event::Usage(self.usage), Event::End]);
        events
    }
}

/// One of the answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// What was said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// Why it ended.
    pub finish: Finish,
    /// Log probabilities of the tokens in OpenAI's shape, as JSON text of an array.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<String>,
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finish {
    /// The reason.
    pub reason: FinishReason,
    /// The stop text that was met, where the provider says which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_sequence: Option<String>,
}

impl From<FinishReason> for Finish {
    fn from(reason: FinishReason) -> Self {
        Self { reason, stop_sequence: None }
    }
}

/// The reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// It was done.
    Stop,
    /// It met a stop text.
    StopSequence,
    /// It may write no more tokens.
    Length,
    /// The context window is full.
    ContextFull,
    /// It calls functions.
    ToolCalls,
    /// A filter of the provider cut it.
    ContentFilter,
    /// It refused.
    Refusal,
    /// The provider's own tools go on in a further request.
    Pause,
    /// The provider failed in the middle.
    Failed,
}

/// One event of a stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The answer begins.
    Start {
        /// The provider's id of it.
        id: Option<String>,
        /// The model, as the provider names it.
        model: Option<String>,
    },
    /// A block of a choice begins; the one before it is closed.
    Open(u32, Block),
    /// More of the open block of a choice.
    Delta(u32, Delta),
    /// The open block of a choice is complete.
    Close(u32),
    /// A choice is complete.
    Finish(u32, Finish),
    /// What was used so far; a later one takes its place.
    Usage(Usage),
    /// The stream is complete.
    End,
    /// It failed; nothing follows.
    Fault(Fault),
}

/// What a block holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// Text.
    Text,
    /// Thoughts.
    Reasoning,
    /// The words of a refusal.
    Refusal,
    /// A call whose arguments follow in pieces.
    ToolCall {
        /// Its id.
        id: String,
        /// The function.
        name: String,
    },
    /// An image, a sound, a film or a file, whole: no deltas follow.
    Media(Box<Media>),
}

/// More of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delta {
    /// Text, thoughts, or a piece of a call's arguments.
    Text(String),
    /// The seal of the thoughts.
    Seal(Seal),
    /// What the text rests on.
    Citation(Citation),
    /// Log probabilities in OpenAI's shape, as JSON text of an array.
    Logprobs(String),
}

/// What an error means, whatever API tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The request is wrong.
    InvalidRequest,
    /// Prompt and answer do not fit the context window.
    ContextTooLong,
    /// A filter of the provider refused the request.
    ContentFilter,
    /// The credential is wrong.
    Authentication,
    /// The credential may not do this.
    Permission,
    /// No such model.
    NotFound,
    /// The body is too large.
    TooLarge,
    /// Too many requests or tokens.
    RateLimit,
    /// No credit is left.
    Quota,
    /// The provider has too much to do.
    Overloaded,
    /// It took too long.
    Timeout,
    /// The provider failed.
    Server,
}

/// An error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What it means.
    pub kind: FaultKind,
    /// The provider's own text.
    pub message: String,
}
