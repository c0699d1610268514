//! Gemini's native API (`ai.google.dev/api/generate-content`): answers pretty-printed, streams as
//! server-sent events with CRLF or, without `alt=sse`, as one JSON array that grows.

use serde_json::Value;

use super::{
    super::{
        models::DemoModel,
        reply::{Framing, Reply, Tokens},
        text::{self, ToolCall, quote},
    },
    Ask, vectors,
};

const JSON: &str = "application/json; charset=UTF-8";

/// What a candidate says, before it is written down.
struct Candidate {
    response_id: String,
    pieces: Vec<String>,
    call: Option<ToolCall>,
    finish_reason: &'static str,
    tokens: Tokens,
}

/// `POST …/models/{model}:{verb}`
pub(super) fn call(ask: &mut Ask<'_>, verb: &str) -> Reply {
    match verb {
        "generateContent" | "streamGenerateContent" if !ask.body.get("contents").is_some_and(Value::is_array) => {
            error(400)
        }
        "generateContent" => whole(ask),
        "streamGenerateContent" => stream(ask),
        "countTokens" => count(ask),
        "embedContent" => {
            let vector = embed(ask.body.get("content"));
            Reply::whole(200, JSON, format!("{{\n  \"embedding\": {{\n    \"values\": {vector}\n  }}\n}}\n"))
        }
        "batchEmbedContents" => embed_batch(ask),
        _ => error(404),
    }
}

fn compose(ask: &mut Ask<'_>) -> Candidate {
    let response_id = ask.dice.id(22);
    let limit = ask.body.get("generationConfig").and_then(|c| c.get("maxOutputTokens")).and_then(Value::as_u64);
    let call = function_call(ask);
    let (pieces, is_cut) = match call {
        Some(_) => (Vec::new(), false),
        None => text::answer(&ask.prompt, &mut ask.dice, limit),
    };
    let reasoning = if ask.model.reasons { ask.dice.between(30, 600) } else { 0 };
    let visible = call.as_ref().map_or(pieces.len(), |call| 8 + call.arguments.len() / 4) as u64;
    let input = ask.prompt.tokens();
    let cache_read = if input >= 1024 && ask.dice.chance(0.4) { input * 3 / 4 } else { 0 };
    Candidate {
        response_id,
        pieces,
        call,
        finish_reason: if is_cut { "MAX_TOKENS" } else { "STOP" },
        tokens: Tokens { input, cache_read, cache_write: 0, output: visible + reasoning, reasoning },
    }
}

/// A call of the first declared function, unless the contents already hold its response.
fn function_call(ask: &mut Ask<'_>) -> Option<ToolCall> {
    let last = ask.body.get("contents").and_then(Value::as_array).and_then(|contents| contents.last());
    let is_answered = last
        .and_then(|content| content.get("parts"))
        .and_then(Value::as_array)
        .is_some_and(|parts| parts.iter().any(|part| part.get("functionResponse").is_some()));
    if is_answered {
        return None;
    }
    let tool = ask.body.get("tools")?.get(0)?;
    let function = tool.get("functionDeclarations").or_else(|| tool.get("function_declarations"))?.get(0)?;
    let name = function.get("name")?.as_str()?.to_owned();
    let schema = function.get("parameters").or_else(|| function.get("parametersJsonSchema"));
    let arguments = text::arguments(schema.unwrap_or(&Value::Null), &ask.prompt, &mut ask.dice);
    Some(ToolCall { name, arguments })
}

/// `usageMetadata`; `candidatesTokenCount` leaves the thoughts out. It is missing until something was said.
fn usage(tokens: &Tokens, said: Option<u64>) -> String {
    let mut members = vec![format!(r#""promptTokenCount": {}"#, tokens.input)];
    if let Some(said) = said {
        members.push(format!(r#""candidatesTokenCount": {said}"#));
    }
    members.push(format!(r#""totalTokenCount": {}"#, tokens.input + said.unwrap_or(0) + tokens.reasoning));
    if tokens.cache_read > 0 {
        members.push(format!(r#""cachedContentTokenCount": {}"#, tokens.cache_read));
    }
    members.push(format!(r#""promptTokensDetails": [{{"modality": "TEXT","tokenCount": {}}}]"#, tokens.input));
    if tokens.reasoning > 0 {
        members.push(format!(r#""thoughtsTokenCount": {}"#, tokens.reasoning));
    }
    format!("{{{}}}", members.join(","))
}

fn part(candidate: &Candidate) -> String {
    candidate.call.as_ref().map_or_else(
        || format!(r#"{{"text": {}}}"#, quote(&candidate.pieces.concat())),
        |call| format!(r#"{{"functionCall": {{"name": {},"args": {}}}}}"#, quote(&call.name), call.arguments),
    )
}

fn chunk(ask: &Ask<'_>, candidate: &Candidate, part: &str, said: Option<u64>, is_last: bool) -> String {
    let finish = if is_last { format!(r#""finishReason": "{}","#, candidate.finish_reason) } else { String::new() };
    format!(
        r#"{{"candidates": [{{"content": {{"parts": [{part}],"role": "model"}},{finish}"index": 0}}],"usageMetadata": {},"modelVersion": {},"responseId": {}}}"#,
        usage(&candidate.tokens, said),
        quote(&ask.model_name),
        quote(&candidate.response_id),
    )
}

fn whole(ask: &mut Ask<'_>) -> Reply {
    let candidate = compose(ask);
    let said = candidate.tokens.output - candidate.tokens.reasoning;
    let line = chunk(ask, &candidate, &part(&candidate), Some(said), true);
    Reply::whole(200, JSON, pretty(&line)).reporting(candidate.tokens)
}

fn stream(ask: &mut Ask<'_>) -> Reply {
    let candidate = compose(ask);
    let total = candidate.tokens.output - candidate.tokens.reasoning;
    let mut chunks = Vec::new();
    if candidate.call.is_some() {
        chunks.push(chunk(ask, &candidate, &part(&candidate), Some(total), true));
    } else {
        // A chunk holds some ten tokens; usage repeats in each and grows.
        let groups: Vec<&[String]> = candidate.pieces.chunks(10).collect();
        let mut said = 0;
        for (index, group) in groups.iter().enumerate() {
            said += group.len() as u64;
            let part = format!(r#"{{"text": {}}}"#, quote(&group.concat()));
            chunks.push(chunk(ask, &candidate, &part, Some(said), index + 1 == groups.len()));
        }
    }
    let is_sse = ask.request.query.as_deref().is_some_and(|query| query.split('&').any(|pair| pair == "alt=sse"));
    if is_sse {
        let frames = chunks.iter().map(|chunk| format!("data: {chunk}\r\n\r\n")).collect();
        return Reply::stream("text/event-stream", frames).reporting(candidate.tokens);
    }
    let mut frames: Vec<String> = chunks
        .iter()
        .enumerate()
        .map(|(index, chunk)| format!("{}{}", if index == 0 { "[" } else { ",\r\n" }, pretty(chunk)))
        .collect();
    frames.push("]".to_owned());
    let mut reply = Reply::stream(JSON, frames).reporting(candidate.tokens);
    reply.framing = Framing::Chunked;
    reply
}

fn count(ask: &Ask<'_>) -> Reply {
    let tokens = ask.prompt.tokens();
    let line = format!(
        r#"{{"totalTokens": {tokens},"promptTokensDetails": [{{"modality": "TEXT","tokenCount": {tokens}}}]}}"#
    );
    Reply::whole(200, JSON, pretty(&line))
}

fn embed(content: Option<&Value>) -> String {
    let text = content.map(Value::to_string).unwrap_or_default();
    vectors::as_array(&vectors::vector(&text, 768))
}

fn embed_batch(ask: &Ask<'_>) -> Reply {
    let requests = ask.body.get("requests").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let entries: Vec<String> = requests
        .iter()
        .map(|request| format!("    {{\n      \"values\": {}\n    }}", embed(request.get("content"))))
        .collect();
    Reply::whole(200, JSON, format!("{{\n  \"embeddings\": [\n{}\n  ]\n}}\n", entries.join(",\n")))
}

/// `GET /v1beta/models` and `…/models/{id}`
pub(super) fn models(models: &[DemoModel], id: Option<&str>) -> Reply {
    let entry = |model: &DemoModel| {
        let methods = if model.id.contains("embedding") {
            r#"["embedContent","countTextTokens"]"#
        } else {
            r#"["generateContent","countTokens","createCachedContent","batchGenerateContent"]"#
        };
        format!(
            r#"{{"name": {},"version": "001","displayName": {},"inputTokenLimit": 1048576,"outputTokenLimit": 65536,"supportedGenerationMethods": {methods}}}"#,
            quote(&format!("models/{}", model.id)),
            quote(model.id),
        )
    };
    match id {
        None => {
            let entries: Vec<String> = models.iter().map(entry).collect();
            Reply::whole(200, JSON, pretty(&format!(r#"{{"models": [{}]}}"#, entries.join(","))))
        }
        Some(id) => models
            .iter()
            .find(|model| model.id == id)
            .map_or_else(|| error(404), |model| Reply::whole(200, JSON, pretty(&entry(model)))),
    }
}

/// An error of Google's shape (`google.rpc.Status`).
pub(super) fn error(status: u16) -> Reply {
    let (name, message) = match status {
        400 => ("INVALID_ARGUMENT", "Request contains an invalid argument."),
        401 => ("UNAUTHENTICATED", "API key not valid. Please pass a valid API key."),
        403 => ("PERMISSION_DENIED", "Permission denied."),
        404 => ("NOT_FOUND", "models/… is not found for API version v1beta."),
        429 => ("RESOURCE_EXHAUSTED", "You exceeded your current quota."),
        503 => ("UNAVAILABLE", "The model is overloaded. Please try again later."),
        _ => ("INTERNAL", "An internal error has occurred."),
    };
    let line = format!(r#"{{"error": {{"code": {status},"message": {},"status": "{name}"}}}}"#, quote(message));
    Reply::whole(status, JSON, pretty(&line))
}

/// The same JSON with two spaces of indentation, member order kept.
fn pretty(line: &str) -> String {
    let mut out = String::with_capacity(line.len() * 2);
    let mut depth = 0_usize;
    let (mut in_string, mut is_escaped) = (false, false);
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        if in_string {
            in_string = character != '"' || is_escaped;
            is_escaped = character == '\\' && !is_escaped;
            out.push(character);
            continue;
        }
        match character {
            '"' => {
                in_string = true;
                out.push(character);
            }
            '{' | '[' => {
                out.push(character);
                if characters.peek().is_some_and(|next| matches!(next, '}' | ']')) {
                    continue;
                }
                depth += 1;
                break_line(&mut out, depth);
            }
            '}' | ']' => {
                if !out.ends_with(['{', '[']) {
                    depth = depth.saturating_sub(1);
                    break_line(&mut out, depth);
                }
                out.push(character);
            }
            ',' => {
                out.push(character);
                break_line(&mut out, depth);
            }
            _ => out.push(character),
        }
    }
    out.push('\n');
    out
}

fn break_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
}
