//! From any client API to any provider API, by way of one neutral conversation.
//!
//! Each dialect reads and writes requests, replies, streams and errors; no maker's knows another's. What a target cannot
//! carry is named in [`Dropped`], or refused as [`Unfit`] where leaving it out would change what was asked. Nothing
//! is fetched, nothing remembered between requests, and the same API on both sides never comes through here.
//!
//! | meaning | Chat Completions | Responses | Anthropic | Gemini | Ollama |
//! |---|---|---|---|---|---|
//! | the operator's word | `system`, `developer` | `instructions`, `system`, `developer` | `system` | `systemInstruction` | `system` |
//! | a call | `tool_calls[]` | item `function_call` | block `tool_use` | part `functionCall` | `tool_calls[]` |
//! | its result | role `tool` | item `function_call_output` | block `tool_result` | part `functionResponse` | role `tool` |
//! | thoughts | `reasoning_content` | item `reasoning` | block `thinking` | part with `thought` | `thinking` |
//! | their seal | behind the call's id | `encrypted_content` | `signature` | `thoughtSignature` | behind the call's id |
//! | the answer's form | `response_format` | `text.format` | `output_config.format` | `responseJsonSchema` | `format` |
//! | how much thought | `reasoning_effort` | `reasoning.effort` | `thinking.budget_tokens` | `thinkingConfig` | `think` |
//!
//! `docs/translation.md` says field by field what becomes of what.

pub mod answer;
pub mod count;
pub mod embedding;
mod blocks;
pub mod conversation;
pub mod fault;
mod json;
pub mod limits;
mod media;
mod notes;
mod parts;
pub mod patch;
mod seal;

pub use blocks::Ids;
pub use json::Unreadable;
pub use notes::{Dropped, Field, Unfit};
mod anthropic;
mod gemini;
mod ollama;
mod openai_chat;
mod openai_responses;
mod stream;

use std::sync::Arc;

use crate::domain::{Api, ApiFamily};
use answer::Reply;
use conversation::{Effort, Request};

pub use openai_responses::Echo;
pub use stream::Stream;

/// Reads a client's request; what nobody knows is named as dropped. For Gemini the model and whether the answer
/// streams stand in the URL, and are the caller's to fill in.
///
/// # Errors
/// When it is not what the API demands, or asks for something that lies with the provider of that API.
pub fn read_request(client: Api, body: &str, dropped: &mut Dropped) -> Result<Request, Unreadable> {
    match client {
        Api::OpenaiResponses => openai_responses::read_request(body, dropped),
        Api::Anthropic => anthropic::read_request(body, dropped),
        Api::Gemini => gemini::read_request(body, dropped),
        Api::Ollama => ollama::read_request(body, dropped),
        Api::OpenaiChat | Api::OpenaiEmbeddings | Api::Openai => openai_chat::read_request(body, dropped),
    }
}

/// A body of Ollama's `/api/generate` as the conversation that it is, in the words of `/api/chat`.
///
/// # Errors
/// When it is not what the API demands, or asks for what only Ollama can do.
pub fn generate_as_chat(body: &str) -> Result<String, Unreadable> {
    ollama::generate_as_chat(body)
}

/// Writes a request for a provider that speaks `provider`; what cannot be said is named as dropped.
///
/// # Errors
/// When leaving something out would change what was asked.
pub fn write_request(
    provider: Api,
    request: &Request,
    target: &Target,
    dropped: &mut Dropped,
) -> Result<Vec<u8>, Unfit> {
    match provider {
        Api::OpenaiResponses => openai_responses::write_request(request, target, dropped),
        Api::Anthropic => anthropic::write_request(request, target, dropped),
        Api::Gemini => gemini::write_request(request, target, dropped),
        Api::Ollama => ollama::write_request(request, target, dropped),
        Api::OpenaiChat | Api::OpenaiEmbeddings | Api::Openai => openai_chat::write_request(request, target, dropped),
    }
}

/// Reads a provider's whole answer.
///
/// # Errors
/// When it is not what the API promises.
pub fn read_reply(provider: Api, body: &str, nonce: &str) -> Result<Reply, Unreadable> {
    let ids = &mut Ids::new(nonce);
    match provider {
        Api::OpenaiResponses => openai_responses::read_reply(body, ids),
        Api::Anthropic => anthropic::read_reply(body, ids),
        Api::Gemini => gemini::read_reply(body, ids),
        Api::Ollama => ollama::read_reply(body, ids),
        Api::OpenaiChat | Api::OpenaiEmbeddings | Api::Openai => openai_chat::read_reply(body, ids),
    }
}

/// Writes a whole answer for a client; what its API has no place for is named as dropped.
pub fn write_reply(client: Api, reply: &Reply, envelope: &Envelope, dropped: &mut Dropped) -> Vec<u8> {
    match client {
        Api::OpenaiResponses => openai_responses::write_reply(reply, envelope, dropped),
        Api::Anthropic => anthropic::write_reply(reply, envelope, dropped),
        Api::Gemini => gemini::write_reply(reply, envelope, dropped),
        Api::Ollama => ollama::write_reply(reply, envelope, dropped),
        Api::OpenaiChat | Api::OpenaiEmbeddings | Api::Openai => openai_chat::write_reply(reply, envelope, dropped),
    }
}

/// What a writer of requests must know of the target.
#[derive(Clone, Debug)]
pub struct Target {
    /// The API that the client speaks, in whose words dropped fields are named.
    pub client: Api,
    /// The most tokens that the model writes, where it is known.
    pub max_output_tokens: Option<u64>,
    /// Whether it is OpenAI itself, whose newer fields servers of the same API may not know.
    pub is_openai: bool,
    /// Whether a stream of Chat Completions must be asked for its usage.
    pub asks_for_usage: bool,
    /// Whether Anthropic's model takes an effort and no budget for its thoughts.
    pub thinks_by_effort: bool,
}

/// What a writer of answers must know besides the answer.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// What no other answer has: it stands in ids that the provider did not give.
    pub nonce: String,
    /// When the answer was made, in seconds since the Unix epoch.
    pub created: i64,
    /// The model that was asked, where the answer names none.
    pub model: String,
    /// Whether a stream of Chat Completions ends with usage.
    pub stream_usage: bool,
    /// Whether Gemini's stream comes as server-sent events and not as a growing array.
    pub gemini_sse: bool,
    /// Whether Ollama's answer is that of `/api/generate` and not of `/api/chat`.
    pub ollama_generate: bool,
    /// What an answer of Responses repeats of its request.
    pub echo: Option<Arc<Echo>>,
}

impl Target {
    /// An effort in the words that this target's models know. Only whoever speaks OpenAI's own words to it knows
    /// which of its models take the rarer ones.
    fn effort(&self, effort: Effort) -> &'static str {
        let speaks_openai = self.is_openai && self.client.family() == ApiFamily::Openai;
        match effort {
            effort if speaks_openai => effort.as_str(),
            Effort::Off | Effort::Minimal | Effort::Low => "low",
            Effort::Medium => "medium",
            Effort::High | Effort::Xhigh | Effort::Max => "high",
        }
    }
}

impl Envelope {
    /// The provider's id, or one of ours under `prefix`.
    fn id(&self, given: Option<&str>, prefix: &str) -> String {
        given.filter(|id| !id.is_empty()).map_or_else(|| format!("{prefix}{}", self.nonce), str::to_owned)
    }

    fn model<'a>(&'a self, given: Option<&'a str>) -> &'a str {
        given.filter(|model| !model.is_empty()).unwrap_or(&self.model)
    }
}

#[cfg(test)]
mod tests;
