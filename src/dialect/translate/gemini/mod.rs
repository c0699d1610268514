//! Google Gemini's `generateContent`, the Gemini API's form of it.
//!
//! Sources: the Gemini API reference and the types of Google's `js-genai`. Field names come in camel case or, from
//! clients that follow the protocol buffers, in snake case.

mod parts;
mod read_request;
mod reply;
mod schema;
mod stream;
mod write_request;

pub(super) use read_request::read_request;
pub(super) use reply::{read_reply, write_reply};
pub(super) use stream::{Reader, Writer};
pub(super) use write_request::write_request;

use super::{
    answer::FinishReason,
    json::{Json, Object},
};
use crate::domain::Usage;

/// Takes a field by its name in camel case or in snake case.
fn take<'a>(object: &mut Object<'a>, name: &str) -> Option<&'a str> {
    let snake = snake(name);
    let spelt_so = object.take(&snake);
    object.take(name).or(spelt_so)
}

fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

fn finish_reason(word: &str, has_calls: bool) -> FinishReason {
    match word {
        "STOP" if has_calls => FinishReason::ToolCalls,
        "MAX_TOKENS" => FinishReason::Length,
        "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "IMAGE_SAFETY" | "LANGUAGE" => {
            FinishReason::ContentFilter
        }
        "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" | "OTHER" => FinishReason::Failed,
        _ => FinishReason::Stop,
    }
}

const fn finish_word(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop | FinishReason::StopSequence | FinishReason::ToolCalls | FinishReason::Pause => "STOP",
        FinishReason::Length | FinishReason::ContextFull => "MAX_TOKENS",
        FinishReason::ContentFilter | FinishReason::Refusal => "SAFETY",
        FinishReason::Failed => "OTHER",
    }
}

/// The prompt includes what was cached, but not what tools put into it; candidates exclude thoughts.
fn read_usage(raw: &str) -> Usage {
    let Ok(mut object) = Object::read(raw, "usageMetadata") else { return Usage::default() };
    let mut count = |name: &str| object.count(name).ok().flatten();
    let cached = count("cachedContentTokenCount");
    let prompt = count("promptTokenCount").map(|prompt| prompt.saturating_sub(cached.unwrap_or(0)));
    let input = match (prompt, count("toolUsePromptTokenCount")) {
        (Some(prompt), Some(tools)) => Some(prompt.saturating_add(tools)),
        (prompt, tools) => prompt.or(tools),
    };
    let reasoning = count("thoughtsTokenCount");
    // A figure that is zero is left out.
    let output = count("candidatesTokenCount").or_else(|| input.map(|_| 0));
    Usage { input, cache_read: cached, output, reasoning, ..Usage::default() }
}

fn write_usage(json: &mut Json, usage: &Usage) {
    let (input, output) = (usage.input_tokens().unwrap_or(0), usage.output_tokens().unwrap_or(0));
    json.object(|json| {
        json.put_number("promptTokenCount", input);
        json.put_number("candidatesTokenCount", output.saturating_sub(usage.reasoning.unwrap_or(0)));
        json.put_number("totalTokenCount", input.saturating_add(output));
        json.put_some("cachedContentTokenCount", usage.cache_read_tokens().filter(|tokens| *tokens > 0));
        json.put_some("thoughtsTokenCount", usage.reasoning.filter(|tokens| *tokens > 0));
    });
}
