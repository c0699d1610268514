//! Ollama's native API (`docs.ollama.com/api`): one JSON object a line, streaming unless told not
//! to, counts and durations in nanoseconds on the last line.

use serde_json::Value;

use super::{
    super::{
        models::DemoModel,
        reply::{Reply, Tokens},
        text::{self, ToolCall, quote},
    },
    Ask, vectors,
};

const JSON: &str = "application/json; charset=utf-8";

/// Which of the two generating calls is spoken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Chat,
    Generate,
}

/// `/api/*`
pub(super) fn call(ask: &mut Ask<'_>, rest: &str) -> Reply {
    match (ask.request.method.as_str(), rest) {
        ("POST", "chat") => generate(ask, Verb::Chat),
        ("POST", "generate") => generate(ask, Verb::Generate),
        ("POST", "embed") => embed(ask),
        ("GET", "tags") => tags(ask.options.models),
        ("GET", "version") => Reply::whole(200, JSON, r#"{"version":"0.12.6"}"#),
        _ => Reply::whole(404, "text/plain", "404 page not found"),
    }
}

fn generate(ask: &mut Ask<'_>, verb: Verb) -> Reply {
    let call = if verb == Verb::Chat { tool_call(ask) } else { None };
    let limit = ask.body.get("options").and_then(|options| options.get("num_predict")).and_then(Value::as_u64);
    let (pieces, is_cut) = match call {
        Some(_) => (Vec::new(), false),
        None => text::answer(&ask.prompt, &mut ask.dice, limit),
    };
    let visible = call.as_ref().map_or(pieces.len(), |call| 8 + call.arguments.len() / 4) as u64;
    let tokens = Tokens { input: ask.prompt.tokens(), output: visible, ..Tokens::default() };
    let end = last_members(ask, &tokens, if is_cut { "length" } else { "stop" });
    let line = |said: &str, call: Option<&ToolCall>, end: &str| {
        let content = match (verb, call) {
            (Verb::Generate, _) => format!(r#""response":{}"#, quote(said)),
            (Verb::Chat, Some(call)) => format!(
                r#""message":{{"role":"assistant","content":"","tool_calls":[{{"function":{{"name":{},"arguments":{}}}}}]}}"#,
                quote(&call.name),
                call.arguments
            ),
            (Verb::Chat, None) => format!(r#""message":{{"role":"assistant","content":{}}}"#, quote(said)),
        };
        let at = timestamp(ask.now_secs);
        format!(r#"{{"model":{},"created_at":"{at}",{content},{end}}}"#, quote(&ask.model_name))
    };
    // Unlike elsewhere, a stream is the default here.
    if ask.body.get("stream").and_then(Value::as_bool) == Some(false) {
        return Reply::whole(200, JSON, line(&pieces.concat(), call.as_ref(), &end)).reporting(tokens);
    }
    let going_on = r#""done":false"#;
    let mut frames: Vec<String> = pieces.iter().map(|piece| format!("{}\n", line(piece, None, going_on))).collect();
    if call.is_some() {
        frames.push(format!("{}\n", line("", call.as_ref(), going_on)));
    }
    frames.push(format!("{}\n", line("", None, &end)));
    Reply::stream("application/x-ndjson", frames).reporting(tokens)
}

fn last_members(ask: &mut Ask<'_>, tokens: &Tokens, reason: &str) -> String {
    let load = ask.dice.between(10_000_000, 60_000_000);
    let prompt = tokens.input * ask.dice.between(200_000, 900_000);
    let eval = tokens.output * ask.dice.between(15_000_000, 30_000_000);
    format!(
        r#""done":true,"done_reason":"{reason}","total_duration":{},"load_duration":{load},"prompt_eval_count":{},"prompt_eval_duration":{prompt},"eval_count":{},"eval_duration":{eval}"#,
        load + prompt + eval,
        tokens.input,
        tokens.output,
    )
}

fn tool_call(ask: &mut Ask<'_>) -> Option<ToolCall> {
    let last = ask.body.get("messages").and_then(Value::as_array).and_then(|messages| messages.last());
    if last.and_then(|message| message.get("role")).and_then(Value::as_str) == Some("tool") {
        return None;
    }
    let function = ask.body.get("tools")?.get(0)?.get("function")?;
    let name = function.get("name")?.as_str()?.to_owned();
    let arguments = text::arguments(function.get("parameters").unwrap_or(&Value::Null), &ask.prompt, &mut ask.dice);
    Some(ToolCall { name, arguments })
}

fn embed(ask: &mut Ask<'_>) -> Reply {
    let inputs = vectors::inputs(ask.body.get("input"));
    if inputs.is_empty() {
        return error(400);
    }
    let dimensions = ask.number("dimensions").and_then(|n| usize::try_from(n).ok()).unwrap_or(768).clamp(1, 4096);
    let rows: Vec<String> = inputs.iter().map(|text| vectors::as_array(&vectors::vector(text, dimensions))).collect();
    let input = inputs.iter().map(|text| text.len().div_ceil(4) as u64).sum::<u64>().max(1);
    let load = ask.dice.between(1_000_000, 9_000_000);
    let body = format!(
        r#"{{"model":{},"embeddings":[{}],"total_duration":{},"load_duration":{load},"prompt_eval_count":{input}}}"#,
        quote(&ask.model_name),
        rows.join(","),
        load + input * 300_000,
    );
    Reply::whole(200, JSON, body).reporting(Tokens { input, ..Tokens::default() })
}

fn tags(models: &[DemoModel]) -> Reply {
    let entries: Vec<String> = models
        .iter()
        .map(|model| {
            let id = quote(model.id);
            let family = model.id.split([':', '.', '-']).next().unwrap_or_default();
            let size = model.id.rsplit(':').next().unwrap_or_default().to_uppercase();
            let digest = super::super::dice::Dice::of(model.id.as_bytes()).hex(64);
            format!(
                r#"{{"name":{id},"model":{id},"modified_at":"{}","size":2019393189,"digest":"{digest}","details":{{"parent_model":"","format":"gguf","family":"{family}","families":["{family}"],"parameter_size":"{size}","quantization_level":"Q4_K_M"}}}}"#,
                timestamp(model.created),
            )
        })
        .collect();
    Reply::whole(200, JSON, format!(r#"{{"models":[{}]}}"#, entries.join(",")))
}

fn timestamp(secs: u64) -> String {
    let at = jiff::Timestamp::from_second(i64::try_from(secs).unwrap_or(0)).unwrap_or_default();
    format!("{}", at.strftime("%Y-%m-%dT%H:%M:%S.000000Z"))
}

/// An error of Ollama's shape.
pub(super) fn error(status: u16) -> Reply {
    let message = match status {
        400 => "invalid request",
        401 | 403 => "unauthorized",
        404 => "model not found",
        429 => "too many requests",
        503 => "server busy, please try again. maximum pending requests exceeded",
        _ => "an error was encountered while running the model",
    };
    Reply::whole(status, JSON, format!(r#"{{"error":{}}}"#, quote(message)))
}
