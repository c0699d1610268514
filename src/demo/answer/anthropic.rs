//! Anthropic Messages, token counting and model lists (`docs.claude.com/en/api/messages`,
//! `…/messages-streaming`): named events, JSON padded with spaces, a ping, cumulative usage.

use serde_json::Value;

use super::{
    super::{
        models::DemoModel,
        reply::{Reply, Tokens},
        text::{self, ToolCall, quote},
    },
    Ask,
};

/// What a message says, before it is written down.
struct Message {
    id: String,
    thinking: Option<String>,
    pieces: Vec<String>,
    tool: Option<(String, ToolCall)>,
    stop_reason: &'static str,
    tokens: Tokens,
}

/// `POST /v1/messages`
pub(super) fn messages(ask: &mut Ask<'_>) -> Reply {
    let Some(limit) = ask.number("max_tokens") else { return error(400) };
    if !ask.body.get("messages").is_some_and(Value::is_array) {
        return error(400);
    }
    let message = compose(ask, limit);
    if ask.flag("stream") { stream(ask, &message) } else { whole(ask, &message) }
}

/// `POST /v1/messages/count_tokens`
pub(super) fn count_tokens(ask: &Ask<'_>) -> Reply {
    Reply::json(200, format!(r#"{{"input_tokens":{}}}"#, ask.prompt.tokens()))
}

fn compose(ask: &mut Ask<'_>, limit: u64) -> Message {
    let id = format!("msg_01{}", ask.dice.id(22));
    let tool = tool_use(ask);
    let wants_thinking =
        ask.body.get("thinking").and_then(|thinking| thinking.get("type")).and_then(Value::as_str) == Some("enabled");
    let thinking = wants_thinking.then(|| {
        let (pieces, _) = text::answer(&ask.prompt, &mut ask.dice, Some(40));
        pieces.concat()
    });
    let (pieces, is_cut) = match tool {
        Some(_) => (text::tokenize("Let me look that up."), false),
        None => text::answer(&ask.prompt, &mut ask.dice, Some(limit)),
    };
    let tool_tokens = tool.as_ref().map_or(0, |(_, call)| 30 + call.arguments.len() / 4);
    let thinking_tokens = thinking.as_ref().map_or(0, |text| text.len() / 4);
    let input = ask.prompt.tokens();
    let cacheable = if contains_key(&ask.body, "cache_control") { input * 3 / 4 } else { 0 };
    let is_read = ask.dice.chance(0.6);
    Message {
        id,
        thinking,
        stop_reason: if tool.is_some() {
            "tool_use"
        } else if is_cut {
            "max_tokens"
        } else {
            "end_turn"
        },
        tokens: Tokens {
            input,
            cache_read: if is_read { cacheable } else { 0 },
            cache_write: if is_read { 0 } else { cacheable },
            output: (pieces.len() + tool_tokens + thinking_tokens) as u64,
            reasoning: 0, // Thinking is part of the output here and not reported apart.
        },
        pieces,
        tool,
    }
}

fn tool_use(ask: &mut Ask<'_>) -> Option<(String, ToolCall)> {
    let last = ask.body.get("messages").and_then(Value::as_array).and_then(|messages| messages.last());
    let is_answered = last.and_then(|message| message.get("content")).and_then(Value::as_array).is_some_and(|blocks| {
        blocks.iter().any(|block| block.get("type").and_then(Value::as_str) == Some("tool_result"))
    });
    let choice = ask.body.get("tool_choice").and_then(|choice| choice.get("type")).and_then(Value::as_str);
    if is_answered || choice == Some("none") {
        return None;
    }
    let tool = ask.body.get("tools")?.get(0)?;
    let name = tool.get("name")?.as_str()?.to_owned();
    let schema = tool.get("input_schema").unwrap_or(&Value::Null);
    let arguments = text::arguments(schema, &ask.prompt, &mut ask.dice);
    Some((format!("toolu_01{}", ask.dice.id(22)), ToolCall { name, arguments }))
}

fn contains_key(value: &Value, key: &str) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(name, member)| name == key || contains_key(member, key)),
        Value::Array(items) => items.iter().any(|item| contains_key(item, key)),
        _ => false,
    }
}

/// The `usage` member; `input_tokens` leaves out what was read from or written to the cache.
fn usage(tokens: &Tokens, output: u64) -> String {
    format!(
        r#"{{"input_tokens":{},"cache_creation_input_tokens":{},"cache_read_input_tokens":{},"cache_creation":{{"ephemeral_5m_input_tokens":{},"ephemeral_1h_input_tokens":0}},"output_tokens":{output},"service_tier":"standard"}}"#,
        tokens.input - tokens.cache_read - tokens.cache_write,
        tokens.cache_write,
        tokens.cache_read,
        tokens.cache_write,
    )
}

fn whole(ask: &Ask<'_>, message: &Message) -> Reply {
    let mut blocks = Vec::new();
    if let Some(thinking) = &message.thinking {
        blocks.push(format!(r#"{{"type":"thinking","thinking":{},"signature":"ZGVtbw=="}}"#, quote(thinking)));
    }
    blocks.push(format!(r#"{{"type":"text","text":{}}}"#, quote(&message.pieces.concat())));
    if let Some((id, call)) = &message.tool {
        blocks.push(format!(
            r#"{{"type":"tool_use","id":{},"name":{},"input":{}}}"#,
            quote(id),
            quote(&call.name),
            call.arguments
        ));
    }
    let body = format!(
        r#"{{"model":{},"id":{},"type":"message","role":"assistant","content":[{}],"stop_reason":{},"stop_sequence":null,"usage":{}}}"#,
        quote(&ask.model_name),
        quote(&message.id),
        blocks.join(","),
        quote(message.stop_reason),
        usage(&message.tokens, message.tokens.output),
    );
    Reply::json(200, body).reporting(message.tokens)
}

fn stream(ask: &mut Ask<'_>, message: &Message) -> Reply {
    let mut events = vec![(
        "message_start",
        format!(
            r#"{{"type":"message_start","message":{{"model":{},"id":{},"type":"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,"usage":{}}}}}"#,
            quote(&ask.model_name),
            quote(&message.id),
            usage(&message.tokens, 1),
        ),
    )];
    let mut index = 0;
    if let Some(thinking) = &message.thinking {
        let deltas: Vec<String> = text::tokenize(thinking)
            .iter()
            .map(|piece| format!(r#"{{"type":"thinking_delta","thinking":{}}}"#, quote(piece)))
            .chain([r#"{"type":"signature_delta","signature":"ZGVtbw=="}"#.to_owned()])
            .collect();
        push_block(&mut events, index, r#"{"type":"thinking","thinking":"","signature":""}"#, &deltas);
        index += 1;
    }
    let deltas: Vec<String> =
        message.pieces.iter().map(|piece| format!(r#"{{"type":"text_delta","text":{}}}"#, quote(piece))).collect();
    push_block(&mut events, index, r#"{"type":"text","text":""}"#, &deltas);
    if let Some((id, call)) = &message.tool {
        let start = format!(r#"{{"type":"tool_use","id":{},"name":{},"input":{{}}}}"#, quote(id), quote(&call.name));
        let characters: Vec<char> = call.arguments.chars().collect();
        let deltas: Vec<String> = std::iter::once(String::new())
            .chain(characters.chunks(6).map(|piece| piece.iter().collect()))
            .map(|piece: String| format!(r#"{{"type":"input_json_delta","partial_json":{}}}"#, quote(&piece)))
            .collect();
        push_block(&mut events, index + 1, &start, &deltas);
    }
    events.push((
        "message_delta",
        format!(
            r#"{{"type":"message_delta","delta":{{"stop_reason":{},"stop_sequence":null}},"usage":{{"input_tokens":{},"cache_creation_input_tokens":{},"cache_read_input_tokens":{},"output_tokens":{}}}}}"#,
            quote(message.stop_reason),
            message.tokens.input - message.tokens.cache_read - message.tokens.cache_write,
            message.tokens.cache_write,
            message.tokens.cache_read,
            message.tokens.output,
        ),
    ));
    events.push(("message_stop", r#"{"type":"message_stop"}"#.to_owned()));
    let frames = events.iter().map(|(name, data)| frame(ask, name, data)).collect();
    Reply::stream("text/event-stream; charset=utf-8", frames).reporting(message.tokens)
}

/// One content block: its start, the stream's one ping behind the first, its deltas, its stop.
fn push_block(events: &mut Vec<(&'static str, String)>, index: u32, start: &str, deltas: &[String]) {
    events.push((
        "content_block_start",
        format!(r#"{{"type":"content_block_start","index":{index},"content_block":{start}}}"#),
    ));
    if index == 0 {
        events.push(("ping", r#"{"type": "ping"}"#.to_owned()));
    }
    events.extend(deltas.iter().map(|delta| {
        ("content_block_delta", format!(r#"{{"type":"content_block_delta","index":{index},"delta":{delta}}}"#))
    }));
    events.push(("content_block_stop", format!(r#"{{"type":"content_block_stop","index":{index}}}"#)));
}

/// The server pads its JSON with spaces before the last brace's end, to hide lengths.
fn frame(ask: &mut Ask<'_>, name: &str, data: &str) -> String {
    let padding = if name == "ping" { 0 } else { usize::try_from(ask.dice.below(16)).unwrap_or(0) };
    let (inner, last) = data.split_at(data.len() - 1);
    format!("event: {name}\ndata: {inner}{}{last}\n\n", " ".repeat(padding))
}

/// `GET /v1/models` with an `anthropic-version` header.
pub(super) fn models(models: &[DemoModel]) -> Reply {
    let entries: Vec<String> = models
        .iter()
        .map(|model| {
            let created = jiff::Timestamp::from_second(i64::try_from(model.created).unwrap_or(0)).unwrap_or_default();
            format!(
                r#"{{"type":"model","id":{},"display_name":{},"created_at":{}}}"#,
                quote(model.id),
                quote(model.id),
                quote(&created.to_string())
            )
        })
        .collect();
    let id = |model: Option<&DemoModel>| model.map_or_else(|| "null".to_owned(), |model| quote(model.id));
    Reply::json(
        200,
        format!(
            r#"{{"data":[{}],"has_more":false,"first_id":{},"last_id":{}}}"#,
            entries.join(","),
            id(models.first()),
            id(models.last())
        ),
    )
}

/// An error of Anthropic's shape (`docs.claude.com/en/api/errors`).
pub(super) fn error(status: u16) -> Reply {
    let (kind, message) = match status {
        400 => ("invalid_request_error", "max_tokens: Field required"),
        401 => ("authentication_error", "invalid x-api-key"),
        403 => ("permission_error", "Your API key does not have permission to use the specified resource."),
        404 => ("not_found_error", "model or path not found"),
        413 => ("request_too_large", "Request exceeds the maximum size"),
        429 => ("rate_limit_error", "This request would exceed your organization's rate limit."),
        529 => ("overloaded_error", "Overloaded"),
        _ => ("api_error", "Internal server error"),
    };
    Reply::json(
        status,
        format!(
            r#"{{"type":"error","error":{{"type":{},"message":{}}},"request_id":"req_011CDemo"}}"#,
            quote(kind),
            quote(message)
        ),
    )
}
