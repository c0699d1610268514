//! OpenAI Responses, as far as an answer needs no state between requests.
//!
//! Source: OpenAI's OpenAPI document (responses, and its stream events). What is kept with OpenAI (an earlier answer,
//! a conversation, a stored prompt) cannot be translated and is refused.

mod echo;
mod items;
mod read_request;
mod reply;
mod stream_in;
mod stream_out;
mod write_request;

pub use echo::Echo;
pub(super) use read_request::read_request;
pub(super) use reply::{read_reply, write_reply};
pub(super) use stream_in::Reader;
pub(super) use stream_out::Writer;
pub(super) use write_request::write_request;

use super::{Envelope, answer::FinishReason, json::Json, openai_chat::read_usage};
use crate::domain::Usage;

fn finish_reason(status: &str, why: Option<&str>, has_calls: bool) -> FinishReason {
    match (status, why) {
        ("incomplete", Some("content_filter")) => FinishReason::ContentFilter,
        ("incomplete", _) => FinishReason::Length,
        ("failed" | "cancelled", _) => FinishReason::Failed,
        _ if has_calls => FinishReason::ToolCalls,
        _ => FinishReason::Stop,
    }
}

/// The status of an answer, and why it is incomplete.
const fn status(reason: FinishReason) -> (&'static str, Option<&'static str>) {
    match reason {
        FinishReason::Length | FinishReason::ContextFull => ("incomplete", Some("max_output_tokens")),
        FinishReason::ContentFilter | FinishReason::Refusal => ("incomplete", Some("content_filter")),
        FinishReason::Failed => ("failed", None),
        FinishReason::Stop | FinishReason::StopSequence | FinishReason::ToolCalls | FinishReason::Pause => {
            ("completed", None)
        }
    }
}

fn write_usage(json: &mut Json, usage: &Usage) {
    let (Some(input), Some(output)) = (usage.input_tokens(), usage.output_tokens()) else { return json.null() };
    json.object(|json| {
        json.put_number("input_tokens", input);
        json.put_object("input_tokens_details", |json| {
            json.put_number("cached_tokens", usage.cache_read_tokens().unwrap_or(0));
        });
        json.put_number("output_tokens", output);
        json.put_object("output_tokens_details", |json| {
            json.put_number("reasoning_tokens", usage.reasoning.unwrap_or(0));
        });
        json.put_number("total_tokens", input.saturating_add(output));
    });
}

/// A response object.
struct Response<'a> {
    id: &'a str,
    model: &'a str,
    status: &'a str,
    why: Option<&'a str>,
    usage: &'a Usage,
    service_tier: Option<&'a str>,
}

impl Response<'_> {
    fn write(&self, json: &mut Json, envelope: &Envelope, output: impl FnOnce(&mut Json)) {
        let nothing = Echo::default();
        let echo = envelope.echo.as_deref().unwrap_or(&nothing);
        json.object(|json| {
            json.put("id", self.id);
            json.put("object", "response");
            json.put_number("created_at", envelope.created);
            json.put("status", self.status);
            echo.put(json, "background", "false");
            echo.put_said(json, "conversation");
            match self.status {
                "failed" => json.put_object("error", |json| {
                    json.put("code", "server_error");
                    json.put("message", "the provider failed in the middle of the answer");
                }),
                _ => json.put_null("error"),
            }
            match self.why {
                Some(why) => json.put_object("incomplete_details", |json| json.put("reason", why)),
                None => json.put_null("incomplete_details"),
            }
            echo.put(json, "instructions", "null");
            echo.put(json, "max_output_tokens", "null");
            echo.put(json, "max_tool_calls", "null");
            json.put("model", self.model);
            json.put_array("output", output);
            echo.put(json, "parallel_tool_calls", "true");
            echo.put(json, "previous_response_id", "null");
            echo.put_said(json, "prompt");
            echo.put_said(json, "prompt_cache_key");
            echo.put_said(json, "prompt_cache_retention");
            echo.put_filled(json, "reasoning", &[("effort", "null"), ("summary", "null")]);
            echo.put(json, "safety_identifier", "null");
            json.put_text("service_tier", self.service_tier);
            echo.put(json, "store", "true");
            echo.put(json, "temperature", "null");
            echo.put_filled(json, "text", &[("format", r#"{"type":"text"}"#)]);
            echo.put(json, "tool_choice", "\"auto\"");
            echo.put_tools(json);
            echo.put(json, "top_logprobs", "0");
            echo.put(json, "top_p", "null");
            echo.put(json, "truncation", "\"disabled\"");
            write_usage(json.key("usage"), self.usage);
            echo.put(json, "user", "null");
            echo.put(json, "metadata", "{}");
        });
    }
}
