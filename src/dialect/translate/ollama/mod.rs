//! Ollama's `/api/chat`.
//!
//! Source: Ollama's API documentation and the types of its client library (`api/types.go`).

mod generate;
mod message;
mod read_request;
mod reply;
mod stream;
mod write_request;

pub(super) use generate::as_chat as generate_as_chat;
pub(super) use read_request::read_request;
pub(super) use reply::{read_reply, write_reply};
pub(super) use stream::{Reader, Writer};
pub(super) use write_request::write_request;

use super::{
    Envelope,
    answer::FinishReason,
    json::{Json, Object, Read},
};
use crate::domain::Usage;

fn finish_reason(word: &str, has_calls: bool) -> FinishReason {
    match word {
        "length" => FinishReason::Length,
        _ if has_calls => FinishReason::ToolCalls,
        _ => FinishReason::Stop,
    }
}

const fn finish_word(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Length | FinishReason::ContextFull => "length",
        _ => "stop",
    }
}

/// A figure that is zero is left out: a prompt that the model still knew costs no tokens.
fn read_usage(top: &mut Object<'_>) -> Read<Usage> {
    let (input, output) = (top.count("prompt_eval_count")?, top.count("eval_count")?);
    Ok(Usage { input: input.or_else(|| output.map(|_| 0)), output, ..Usage::default() })
}

fn write_head(json: &mut Json, envelope: &Envelope, model: Option<&str>) {
    json.put("model", envelope.model(model));
    let created = jiff::Timestamp::from_second(envelope.created).unwrap_or_default();
    json.put("created_at", &created.to_string());
}

/// What was said, where the endpoint has it: in a message, or for `/api/generate` beside everything else.
fn write_said(json: &mut Json, envelope: &Envelope, said: &Said<'_>, calls: impl FnOnce(&mut Json)) {
    if envelope.ollama_generate {
        json.put("response", said.text);
        json.put_text("thinking", said.thinking);
        json.put_text("image", said.image);
        return;
    }
    json.put_object("message", |json| {
        json.put("role", "assistant");
        json.put("content", said.text);
        json.put_text("thinking", said.thinking);
        calls(json);
    });
}

/// Text, thoughts and an image of an answer or of a piece of it.
#[derive(Default)]
struct Said<'a> {
    text: &'a str,
    thinking: Option<&'a str>,
    /// In base64; only `/api/generate` has it.
    image: Option<&'a str>,
}

fn write_end(json: &mut Json, reason: FinishReason, usage: &Usage) {
    json.put_bool("done", true);
    json.put("done_reason", finish_word(reason));
    json.put_some("prompt_eval_count", usage.input_tokens());
    json.put_some("eval_count", usage.output_tokens());
}
