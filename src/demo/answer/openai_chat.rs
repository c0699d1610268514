//! OpenAI Chat Completions, as the API reference and recorded streams show it
//! (`platform.openai.com/docs/api-reference/chat`): members in the server's own order.

use serde_json::Value;

use super::{
    super::{
        reply::{Reply, Tokens},
        text::{self, ToolCall, quote},
    },
    Ask,
};

/// The media type of OpenAI's event streams.
const EVENT_STREAM: &str = "text/event-stream; charset=utf-8";

/// The chunk that Azure sends before all others, about what its filters found in the prompt.
const AZURE_PRELUDE: &str = "data: {\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\",\"prompt_filter_results\":[{\"prompt_index\":0,\"content_filter_results\":{\"hate\":{\"filtered\":false,\"severity\":\"safe\"},\"jailbreak\":{\"filtered\":false,\"detected\":false},\"self_harm\":{\"filtered\":false,\"severity\":\"safe\"},\"sexual\":{\"filtered\":false,\"severity\":\"safe\"},\"violence\":{\"filtered\":false,\"severity\":\"safe\"}}}]}\n\n";

/// What a completion says, before it is written down.
struct Completion {
    id: String,
    pieces: Vec<String>,
    tool: Option<(String, ToolCall)>,
    finish_reason: &'static str,
    tokens: Tokens,
}

/// `POST /v1/chat/completions`
pub(super) fn answer(ask: &mut Ask<'_>) -> Reply {
    if !ask.body.get("messages").is_some_and(Value::is_array) {
        return error(400);
    }
    let completion = complete(ask);
    if ask.flag("stream") { stream(ask, &completion) } else { whole(ask, &completion) }
}

fn complete(ask: &mut Ask<'_>) -> Completion {
    let id = format!("chatcmpl-{}", ask.dice.id(29));
    let limit = ask.number("max_completion_tokens").or_else(|| ask.number("max_tokens"));
    let tool = tool_call(ask);
    let (pieces, is_cut) = match tool {
        Some(_) => (Vec::new(), false),
        None => text::answer(&ask.prompt, &mut ask.dice, limit),
    };
    let reasoning = if ask.model.reasons { ask.dice.between(1, 10) * 64 } else { 0 };
    let visible = tool.as_ref().map_or(pieces.len(), |(_, call)| 8 + call.arguments.len() / 4) as u64;
    let input = ask.prompt.tokens();
    // Prefixes of 1,024 tokens and more are cached by the server, in steps of 128.
    let cache_read = if input >= 1024 && ask.dice.chance(0.5) { input / 2 / 128 * 128 } else { 0 };
    Completion {
        id,
        finish_reason: if tool.is_some() {
            "tool_calls"
        } else if is_cut {
            "length"
        } else {
            "stop"
        },
        pieces,
        tool,
        tokens: Tokens { input, cache_read, cache_write: 0, output: visible + reasoning, reasoning },
    }
}

/// A call of the first offered function, unless the last message already answers one.
fn tool_call(ask: &mut Ask<'_>) -> Option<(String, ToolCall)> {
    let is_answered = ask
        .body
        .get("messages")
        .and_then(Value::as_array)
        .and_then(|messages| messages.last())
        .is_some_and(|message| message.get("role").and_then(Value::as_str) == Some("tool"));
    if is_answered || ask.body.get("tool_choice").and_then(Value::as_str) == Some("none") {
        return None;
    }
    let function = ask.body.get("tools")?.get(0)?.get("function")?;
    let name = function.get("name")?.as_str()?.to_owned();
    let schema = function.get("parameters").unwrap_or(&Value::Null);
    let arguments = text::arguments(schema, &ask.prompt, &mut ask.dice);
    Some((format!("call_{}", ask.dice.id(24)), ToolCall { name, arguments }))
}

/// The `usage` member.
fn usage(tokens: &Tokens) -> String {
    format!(
        r#"{{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{},"prompt_tokens_details":{{"cached_tokens":{},"audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":{},"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}}"#,
        tokens.input,
        tokens.output,
        tokens.input + tokens.output,
        tokens.cache_read,
        tokens.reasoning,
    )
}

fn whole(ask: &Ask<'_>, completion: &Completion) -> Reply {
    let content = if completion.tool.is_some() { "null".to_owned() } else { quote(&completion.pieces.concat()) };
    let tool_calls = completion.tool.as_ref().map_or_else(String::new, |(id, call)| {
        format!(
            "\n        \"tool_calls\": [\n          {{\n            \"id\": {},\n            \"type\": \"function\",\n            \"function\": {{\n              \"name\": {},\n              \"arguments\": {}\n            }}\n          }}\n        ],",
            quote(id),
            quote(&call.name),
            quote(&call.arguments),
        )
    });
    let body = format!(
        "{{\n  \"id\": {},\n  \"object\": \"chat.completion\",\n  \"created\": {},\n  \"model\": {},\n  \"choices\": [\n    {{\n      \"index\": 0,\n      \"message\": {{\n        \"role\": \"assistant\",\n        \"content\": {content},{tool_calls}\n        \"refusal\": null,\n        \"annotations\": []\n      }},\n      \"logprobs\": null,\n      \"finish_reason\": {}\n    }}\n  ],\n  \"usage\": {},\n  \"service_tier\": \"default\",\n  \"system_fingerprint\": null\n}}\n",
        quote(&completion.id),
        ask.now_secs,
        quote(&ask.model_name),
        quote(completion.finish_reason),
        usage(&completion.tokens),
    );
    Reply::json(200, body).reporting(completion.tokens)
}

fn stream(ask: &Ask<'_>, completion: &Completion) -> Reply {
    let wants_usage = wants_usage(ask);
    let start = format!(
        r#"data: {{"id":{},"object":"chat.completion.chunk","created":{},"model":{},"service_tier":"default","system_fingerprint":null,"#,
        quote(&completion.id),
        ask.now_secs,
        quote(&ask.model_name),
    );
    // With usage asked for, every chunk has the member, and only the last one has a value in it.
    let end = if wants_usage { ",\"usage\":null}\n\n" } else { "}\n\n" };
    let chunk = |delta: &str, finish: &str| {
        format!(r#"{start}"choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}]{end}"#)
    };
    let mut frames = Vec::with_capacity(completion.pieces.len() + 4);
    if ask.request.path.starts_with("/openai/") {
        frames.push(AZURE_PRELUDE.to_owned());
    }
    match &completion.tool {
        None => {
            frames.push(chunk(r#"{"role":"assistant","content":"","refusal":null}"#, "null"));
            frames.extend(
                completion.pieces.iter().map(|piece| chunk(&format!(r#"{{"content":{}}}"#, quote(piece)), "null")),
            );
        }
        Some((id, call)) => frames.extend(tool_frames(id, call).iter().map(|delta| chunk(delta, "null"))),
    }
    frames.push(chunk("{}", &quote(completion.finish_reason)));
    if wants_usage {
        frames.push(format!("{start}\"choices\":[],\"usage\":{}}}\n\n", usage(&completion.tokens)));
    }
    frames.push("data: [DONE]\n\n".to_owned());
    Reply::stream(EVENT_STREAM, frames).reporting(completion.tokens)
}

/// Whether the request asked for the extra chunk with the usage in it.
pub(super) fn wants_usage(ask: &Ask<'_>) -> bool {
    let options = ask.body.get("stream_options");
    options.and_then(|options| options.get("include_usage")).and_then(Value::as_bool).unwrap_or(false)
}

/// The deltas of a tool call: first its name, then its arguments in pieces.
fn tool_frames(id: &str, call: &ToolCall) -> Vec<String> {
    let mut deltas = vec![format!(
        r#"{{"role":"assistant","content":null,"tool_calls":[{{"index":0,"id":{},"type":"function","function":{{"name":{},"arguments":""}}}}],"refusal":null}}"#,
        quote(id),
        quote(&call.name),
    )];
    let characters: Vec<char> = call.arguments.chars().collect();
    deltas.extend(characters.chunks(6).map(|piece| {
        let piece: String = piece.iter().collect();
        format!(r#"{{"tool_calls":[{{"index":0,"function":{{"arguments":{}}}}}]}}"#, quote(&piece))
    }));
    deltas
}

/// An error of the OpenAI shape.
pub(super) fn error(status: u16) -> Reply {
    let (message, kind, code) = match status {
        400 => ("Invalid request: the body could not be read.", "invalid_request_error", "null"),
        401 => ("Incorrect API key provided.", "invalid_request_error", "\"invalid_api_key\""),
        403 => ("You are not allowed to use this model.", "invalid_request_error", "\"model_not_allowed\""),
        404 => (
            "The model or path does not exist or you do not have access to it.",
            "invalid_request_error",
            "\"model_not_found\"",
        ),
        429 => ("Rate limit reached. Please try again in 1s.", "requests", "\"rate_limit_exceeded\""),
        503 => ("The engine is currently overloaded, please try again later.", "server_error", "null"),
        _ => ("The server had an error while processing your request.", "server_error", "null"),
    };
    Reply::json(
        status,
        format!(
            "{{\n    \"error\": {{\n        \"message\": {},\n        \"type\": {},\n        \"param\": null,\n        \"code\": {code}\n    }}\n}}\n",
            quote(message),
            quote(kind),
        ),
    )
}
