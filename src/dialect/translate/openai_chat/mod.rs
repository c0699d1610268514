//! OpenAI Chat Completions, and what servers that follow it add (`reasoning_content`, `stop_reason`, arrays in deltas).
//!
//! Sources: OpenAI's OpenAPI document (chat), the documentation of DeepSeek, Mistral and vLLM for their additions.

mod message;
mod read_request;
mod reply;
mod stream_in;
mod stream_out;
mod write_request;

pub(super) use read_request::read_request;
pub(super) use reply::{read_reply, write_reply};
pub(super) use stream_in::Reader;
pub(super) use stream_out::Writer;
pub(super) use write_request::write_request;

use super::{
    answer::FinishReason,
    json::{Json, Object},
};
use crate::domain::Usage;

fn finish_reason(word: &str) -> FinishReason {
    match word {
        "length" => FinishReason::Length,
        "tool_calls" | "function_call" => FinishReason::ToolCalls,
        "content_filter" => FinishReason::ContentFilter,
        _ => FinishReason::Stop,
    }
}

const fn finish_word(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop | FinishReason::StopSequence | FinishReason::Pause | FinishReason::Failed => "stop",
        FinishReason::Length | FinishReason::ContextFull => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter | FinishReason::Refusal => "content_filter",
    }
}

/// A usage object of Chat Completions or Responses: totals, and parts of them in details.
pub(super) fn read_usage(raw: &str) -> Usage {
    let Ok(mut usage) = Object::read(raw, "usage") else { return Usage::default() };
    let mut count = |names: [&str; 2]| names.iter().find_map(|name| usage.count(name).ok().flatten());
    let mut input = count(["prompt_tokens", "input_tokens"]);
    let mut output = count(["completion_tokens", "output_tokens"]);
    let mut details =
        |names: &[&str]| usage.take_any(names).and_then(|raw| Object::read(raw, "details").ok()).unwrap_or_default();
    let mut of_input = details(&["prompt_tokens_details", "input_tokens_details"]);
    let mut of_output = details(&["completion_tokens_details", "output_tokens_details"]);
    let part = |details: &mut Object<'_>, name: &str, total: &mut Option<u64>| {
        let part = details.count(name).ok().flatten()?.min(total.unwrap_or(0));
        *total = total.map(|total| total - part);
        Some(part)
    };
    let cache_read = part(&mut of_input, "cached_tokens", &mut input);
    let input_audio = part(&mut of_input, "audio_tokens", &mut input).filter(|tokens| *tokens > 0);
    let reasoning = part(&mut of_output, "reasoning_tokens", &mut output);
    let output_audio = part(&mut of_output, "audio_tokens", &mut output).filter(|tokens| *tokens > 0);
    Usage { input, cache_read, input_audio, output, reasoning, output_audio, ..Usage::default() }
}

/// Usage as Chat Completions tells it; nothing when nothing is known.
fn write_usage(json: &mut Json, usage: &Usage) {
    let (Some(input), Some(output)) = (usage.input_tokens(), usage.output_tokens()) else { return json.null() };
    json.object(|json| {
        json.put_number("prompt_tokens", input);
        json.put_number("completion_tokens", output);
        json.put_number("total_tokens", input.saturating_add(output));
        json.put_object("prompt_tokens_details", |json| {
            json.put_number("cached_tokens", usage.cache_read_tokens().unwrap_or(0));
            json.put_some("audio_tokens", usage.input_audio);
        });
        json.put_object("completion_tokens_details", |json| {
            json.put_number("reasoning_tokens", usage.reasoning.unwrap_or(0));
            json.put_some("audio_tokens", usage.output_audio);
        });
    });
}
