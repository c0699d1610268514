//! Anthropic Messages.
//!
//! Sources: Anthropic's API reference and the types of its TypeScript SDK (`messages.ts`).

mod blocks;
mod messages;
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
    answer::{Finish, FinishReason},
    json::{Json, Object},
};
use crate::domain::Usage;

fn finish(word: &str, stop_sequence: Option<String>) -> Finish {
    let reason = match word {
        "max_tokens" => FinishReason::Length,
        "stop_sequence" => FinishReason::StopSequence,
        "tool_use" => FinishReason::ToolCalls,
        "pause_turn" => FinishReason::Pause,
        "refusal" => FinishReason::Refusal,
        "model_context_window_exceeded" => FinishReason::ContextFull,
        _ => FinishReason::Stop,
    };
    Finish { reason, stop_sequence }
}

const fn finish_word(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop | FinishReason::Failed => "end_turn",
        FinishReason::StopSequence => "stop_sequence",
        FinishReason::Length => "max_tokens",
        FinishReason::ContextFull => "model_context_window_exceeded",
        FinishReason::ToolCalls => "tool_use",
        FinishReason::ContentFilter | FinishReason::Refusal => "refusal",
        FinishReason::Pause => "pause_turn",
    }
}

/// Takes the figures of a usage object into `usage`; what it does not say stays. Input excludes what a cache had a
/// part in, and thoughts are part of the output.
fn read_usage(raw: &str, usage: &mut Usage) {
    let Ok(mut object) = Object::read(raw, "usage") else { return };
    let mut count = |name: &str| object.count(name).ok().flatten();
    let (input, output) = (count("input_tokens"), count("output_tokens"));
    let (read, written) = (count("cache_read_input_tokens"), count("cache_creation_input_tokens"));
    usage.input = input.or(usage.input);
    usage.cache_read = read.or(usage.cache_read);
    let mut by_life = object.object("cache_creation").ok().flatten().unwrap_or_default();
    if let Some(long) = by_life.count("ephemeral_1h_input_tokens").ok().flatten().filter(|long| *long > 0) {
        usage.cache_write_1h = Some(long);
    }
    if let Some(written) = written {
        usage.cache_write_5m = Some(written.saturating_sub(usage.cache_write_1h.unwrap_or(0)));
    }
    let mut details = object.object("output_tokens_details").ok().flatten().unwrap_or_default();
    if let Some(output) = output {
        let thoughts = details.count("thinking_tokens").ok().flatten().map(|thoughts| thoughts.min(output));
        usage.reasoning = thoughts.or(usage.reasoning);
        usage.output = Some(output.saturating_sub(usage.reasoning.unwrap_or(0)));
    }
}

/// Writes usage; the API wants a number even where nobody knows it.
fn write_usage(json: &mut Json, usage: &Usage) {
    let plain = [usage.input, usage.input_audio, usage.input_image].into_iter().flatten().sum::<u64>();
    json.object(|json| {
        json.put_number("input_tokens", plain);
        json.put_number("cache_creation_input_tokens", usage.cache_write_tokens().unwrap_or(0));
        json.put_number("cache_read_input_tokens", usage.cache_read_tokens().unwrap_or(0));
        if usage.cache_write_tokens().is_some_and(|tokens| tokens > 0) {
            json.put_object("cache_creation", |json| {
                json.put_number("ephemeral_5m_input_tokens", usage.cache_write_5m.unwrap_or(0));
                json.put_number("ephemeral_1h_input_tokens", usage.cache_write_1h.unwrap_or(0));
            });
        }
        json.put_number("output_tokens", usage.output_tokens().unwrap_or(0));
        if let Some(thoughts) = usage.reasoning {
            json.put_object("output_tokens_details", |json| json.put_number("thinking_tokens", thoughts));
        }
    });
}
