//! OpenAI Responses (`platform.openai.com/docs/api-reference/responses`, `…/responses-streaming`):
//! one numbered sequence of named events, no `[DONE]`, usage in `response.completed`.

use serde_json::Value;

use super::{
    super::{
        reply::{Reply, Tokens},
        text::{self, ToolCall, quote},
    },
    Ask, openai_chat,
};

/// What a response says, before it is written down.
struct Response {
    id: String,
    reasoning_id: Option<String>,
    output: Output,
    is_cut: bool,
    tokens: Tokens,
}

enum Output {
    Message { id: String, pieces: Vec<String> },
    Call { id: String, call_id: String, call: ToolCall },
}

/// `POST /v1/responses`
pub(super) fn answer(ask: &mut Ask<'_>) -> Reply {
    if ask.body.get("input").is_none() {
        return openai_chat::error(400);
    }
    let response = compose(ask);
    if ask.flag("stream") {
        return stream(ask, &response);
    }
    Reply::json(200, format!("{}\n", object(ask, &response, Stage::Done))).reporting(response.tokens)
}

/// `POST /v1/responses/input_tokens`
pub(super) fn count(ask: &Ask<'_>) -> Reply {
    let tokens = ask.prompt.tokens();
    Reply::json(200, format!(r#"{{"object":"response.input_tokens","input_tokens":{tokens}}}"#))
}

fn compose(ask: &mut Ask<'_>) -> Response {
    let id = format!("resp_{}", ask.dice.hex(50));
    let reasoning_id = ask.model.reasons.then(|| format!("rs_{}", ask.dice.hex(50)));
    let reasoning = if ask.model.reasons { ask.dice.between(1, 10) * 64 } else { 0 };
    let (output, is_cut, visible) = match function_call(ask) {
        Some(call) => {
            let visible = 8 + call.arguments.len() / 4;
            let id = format!("fc_{}", ask.dice.hex(50));
            (Output::Call { id, call_id: format!("call_{}", ask.dice.id(24)), call }, false, visible)
        }
        None => {
            let limit = ask.number("max_output_tokens");
            let (pieces, is_cut) = text::answer(&ask.prompt, &mut ask.dice, limit);
            let visible = pieces.len();
            (Output::Message { id: format!("msg_{}", ask.dice.hex(50)), pieces }, is_cut, visible)
        }
    };
    let input = ask.prompt.tokens();
    let cache_read = if input >= 1024 && ask.dice.chance(0.5) { input / 2 / 128 * 128 } else { 0 };
    let tokens = Tokens { input, cache_read, cache_write: 0, output: visible as u64 + reasoning, reasoning };
    Response { id, reasoning_id, output, is_cut, tokens }
}

/// A call of the first offered function, unless the input already holds a call's output.
fn function_call(ask: &mut Ask<'_>) -> Option<ToolCall> {
    let is_answered = ask.body.get("input").and_then(Value::as_array).is_some_and(|items| {
        items.iter().any(|item| item.get("type").and_then(Value::as_str) == Some("function_call_output"))
    });
    if is_answered || ask.body.get("tool_choice").and_then(Value::as_str) == Some("none") {
        return None;
    }
    let tool = ask.body.get("tools")?.get(0)?;
    let name = tool.get("name")?.as_str()?.to_owned();
    let arguments = text::arguments(tool.get("parameters").unwrap_or(&Value::Null), &ask.prompt, &mut ask.dice);
    Some(ToolCall { name, arguments })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Begun,
    Done,
}

/// The `response` object; what the request said comes back in it.
fn object(ask: &Ask<'_>, response: &Response, stage: Stage) -> String {
    let echo = |name: &str, default: &str| ask.body.get(name).map_or_else(|| default.to_owned(), Value::to_string);
    let is_done = stage == Stage::Done;
    let (status, incomplete) = match (is_done, response.is_cut) {
        (false, _) => ("in_progress", "null"),
        (true, false) => ("completed", "null"),
        (true, true) => ("incomplete", r#"{"reason":"max_output_tokens"}"#),
    };
    let items = if is_done { items(response).join(",") } else { String::new() };
    let usage = if is_done { usage(&response.tokens) } else { "null".to_owned() };
    format!(
        r#"{{"id":{id},"object":"response","created_at":{created},"status":"{status}","background":false,"error":null,"incomplete_details":{incomplete},"instructions":{instructions},"max_output_tokens":{max_output_tokens},"max_tool_calls":null,"model":{model},"output":[{items}],"parallel_tool_calls":true,"previous_response_id":null,"prompt_cache_key":null,"reasoning":{{"effort":null,"summary":null}},"safety_identifier":null,"service_tier":"{tier}","store":true,"temperature":{temperature},"text":{{"format":{{"type":"text"}},"verbosity":"medium"}},"tool_choice":{tool_choice},"tools":{tools},"top_logprobs":0,"top_p":{top_p},"truncation":"disabled","usage":{usage},"user":null,"metadata":{metadata}}}"#,
        id = quote(&response.id),
        created = ask.now_secs,
        instructions = echo("instructions", "null"),
        max_output_tokens = echo("max_output_tokens", "null"),
        model = quote(&ask.model_name),
        tier = if is_done { "default" } else { "auto" },
        temperature = echo("temperature", "1.0"),
        tool_choice = echo("tool_choice", "\"auto\""),
        tools = echo("tools", "[]"),
        top_p = echo("top_p", "1.0"),
        metadata = echo("metadata", "{}"),
    )
}

fn usage(tokens: &Tokens) -> String {
    format!(
        r#"{{"input_tokens":{},"input_tokens_details":{{"cached_tokens":{}}},"output_tokens":{},"output_tokens_details":{{"reasoning_tokens":{}}},"total_tokens":{}}}"#,
        tokens.input,
        tokens.cache_read,
        tokens.output,
        tokens.reasoning,
        tokens.input + tokens.output,
    )
}

/// The finished output items.
fn items(response: &Response) -> Vec<String> {
    let mut items = Vec::new();
    if let Some(id) = &response.reasoning_id {
        items.push(reasoning_item(id));
    }
    items.push(match &response.output {
        Output::Message { id, pieces } => message_item(id, Some(&pieces.concat())),
        Output::Call { id, call_id, call } => call_item(id, call_id, &call.name, Some(&call.arguments)),
    });
    items
}

fn reasoning_item(id: &str) -> String {
    format!(r#"{{"id":{},"type":"reasoning","summary":[]}}"#, quote(id))
}

fn message_item(id: &str, text: Option<&str>) -> String {
    let (status, content) = text.map_or(("in_progress", String::new()), |text| ("completed", text_part(text)));
    format!(r#"{{"id":{},"type":"message","status":"{status}","content":[{content}],"role":"assistant"}}"#, quote(id))
}

fn text_part(text: &str) -> String {
    format!(r#"{{"type":"output_text","annotations":[],"logprobs":[],"text":{}}}"#, quote(text))
}

fn call_item(id: &str, call_id: &str, name: &str, arguments: Option<&str>) -> String {
    format!(
        r#"{{"id":{},"type":"function_call","status":"{}","arguments":{},"call_id":{},"name":{}}}"#,
        quote(id),
        if arguments.is_some() { "completed" } else { "in_progress" },
        quote(arguments.unwrap_or_default()),
        quote(call_id),
        quote(name),
    )
}

/// Events get their numbers in the order they are pushed.
struct Events(Vec<String>);

impl Events {
    /// Adds an event; `rest` is what follows `sequence_number` in its data.
    fn push(&mut self, name: &str, rest: &str) {
        let number = self.0.len();
        self.0.push(format!("event: {name}\ndata: {{\"type\":\"{name}\",\"sequence_number\":{number},{rest}}}\n\n"));
    }
}

fn stream(ask: &mut Ask<'_>, response: &Response) -> Reply {
    let mut events = Events(Vec::new());
    let begun = format!(r#""response":{}"#, object(ask, response, Stage::Begun));
    events.push("response.created", &begun);
    events.push("response.in_progress", &begun);
    let mut index = 0;
    if let Some(id) = &response.reasoning_id {
        let item = format!(r#""output_index":0,"item":{}"#, reasoning_item(id));
        events.push("response.output_item.added", &item);
        events.push("response.output_item.done", &item);
        index = 1;
    }
    match &response.output {
        Output::Message { id, pieces } => push_message(&mut events, ask, (id, index), pieces),
        Output::Call { id, call_id, call } => push_call(&mut events, ask, (id, index), (call_id, call)),
    }
    let name = if response.is_cut { "response.incomplete" } else { "response.completed" };
    events.push(name, &format!(r#""response":{}"#, object(ask, response, Stage::Done)));
    Reply::stream("text/event-stream; charset=utf-8", events.0).reporting(response.tokens)
}

/// Padding that hides the length of a delta, as the server adds it.
fn obfuscation(ask: &mut Ask<'_>) -> String {
    let length = usize::try_from(ask.dice.below(15)).unwrap_or(0) + 1;
    quote(&ask.dice.id(length))
}

fn push_message(events: &mut Events, ask: &mut Ask<'_>, (id, index): (&str, u32), pieces: &[String]) {
    let place = format!(r#""item_id":{},"output_index":{index},"content_index":0"#, quote(id));
    let text = pieces.concat();
    events.push("response.output_item.added", &format!(r#""output_index":{index},"item":{}"#, message_item(id, None)));
    events.push("response.content_part.added", &format!(r#"{place},"part":{}"#, text_part("")));
    for piece in pieces {
        let rest = format!(r#"{place},"delta":{},"logprobs":[],"obfuscation":{}"#, quote(piece), obfuscation(ask));
        events.push("response.output_text.delta", &rest);
    }
    events.push("response.output_text.done", &format!(r#"{place},"text":{},"logprobs":[]"#, quote(&text)));
    events.push("response.content_part.done", &format!(r#"{place},"part":{}"#, text_part(&text)));
    events.push(
        "response.output_item.done",
        &format!(r#""output_index":{index},"item":{}"#, message_item(id, Some(&text))),
    );
}

fn push_call(events: &mut Events, ask: &mut Ask<'_>, (id, index): (&str, u32), (call_id, call): (&str, &ToolCall)) {
    let place = format!(r#""item_id":{},"output_index":{index}"#, quote(id));
    events.push(
        "response.output_item.added",
        &format!(r#""output_index":{index},"item":{}"#, call_item(id, call_id, &call.name, None)),
    );
    let characters: Vec<char> = call.arguments.chars().collect();
    for piece in characters.chunks(6) {
        let piece: String = piece.iter().collect();
        let rest = format!(r#"{place},"delta":{},"obfuscation":{}"#, quote(&piece), obfuscation(ask));
        events.push("response.function_call_arguments.delta", &rest);
    }
    events.push("response.function_call_arguments.done", &format!(r#"{place},"arguments":{}"#, quote(&call.arguments)));
    let item = call_item(id, call_id, &call.name, Some(&call.arguments));
    events.push("response.output_item.done", &format!(r#""output_index":{index},"item":{item}"#));
}
