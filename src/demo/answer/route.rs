//! Which of the APIs a path belongs to, and who answers it.

use serde_json::Value;

use super::{
    super::{reply::Reply, wire::Request},
    Ask, Family, anthropic, gemini, ollama, openai_chat, openai_completions, openai_embeddings, openai_files,
    openai_judging, openai_media, openai_models, openai_responses, refusal_in,
};

/// Whose errors and headers a request calls for.
pub(super) fn family_of(request: &Request) -> Family {
    let path = request.path.as_str();
    let is_gemini_list = path.starts_with("/v1beta/") || request.header("x-goog-api-key").is_some();
    if path.starts_with("/api/") {
        Family::Ollama
    } else if gemini_call(path).is_some() || is_gemini_list {
        Family::Gemini
    } else if request.header("anthropic-version").is_some() || path.contains("/messages") {
        Family::Anthropic
    } else if path.starts_with("/openai/") {
        Family::Azure
    } else {
        Family::Openai
    }
}

/// The normal answer, before its headers and pace.
pub(super) fn route(ask: &mut Ask<'_>, family: Family) -> Reply {
    let path = ask.request.path.clone();
    let rest = rest_of(&path);
    match family {
        Family::Openai | Family::Azure => openai(ask, rest, family),
        Family::Anthropic => match (ask.request.method.as_str(), rest) {
            ("POST", "messages") => anthropic::messages(ask),
            ("POST", "messages/count_tokens") => anthropic::count_tokens(ask),
            ("GET", "models") => anthropic::models(ask.options.models),
            _ => anthropic::error(404),
        },
        Family::Gemini => match (ask.request.method.as_str(), gemini_call(&path)) {
            ("POST", Some((_, verb))) => gemini::call(ask, verb),
            ("GET", None) => match rest.strip_prefix("models") {
                Some("") => gemini::models(ask.options.models, None),
                Some(id) => gemini::models(ask.options.models, Some(id.trim_start_matches('/'))),
                None => gemini::error(404),
            },
            _ => gemini::error(404),
        },
        Family::Ollama => ollama::call(ask, path.trim_start_matches("/api/")),
    }
}

fn openai(ask: &mut Ask<'_>, rest: &str, family: Family) -> Reply {
    match (ask.request.method.as_str(), rest) {
        ("POST", "chat/completions") => openai_chat::answer(ask),
        ("POST", "responses") => openai_responses::answer(ask),
        ("POST", "responses/input_tokens") => openai_responses::count(ask),
        ("POST", "embeddings") => openai_embeddings::answer(ask),
        ("POST", "completions") => openai_completions::answer(ask),
        ("POST", "moderations") => openai_judging::moderate(ask),
        ("POST", "rerank") => openai_judging::rerank(ask),
        ("POST", "audio/speech") => openai_media::speech(),
        ("POST", "audio/transcriptions" | "audio/translations") => openai_media::transcript(ask),
        ("POST", "images/generations" | "images/edits" | "images/variations") => openai_media::image(ask),
        ("GET", "models") => openai_models::list(ask.options.models),
        ("GET", other) if other.starts_with("models/") => openai_models::one(ask, other),
        (_, other) if is_under(other, "files") => openai_files::files(ask, other),
        (_, other) if is_under(other, "batches") => openai_files::batches(ask, other),
        _ => refusal_in(family, 404),
    }
}

fn is_under(rest: &str, noun: &str) -> bool {
    rest.strip_prefix(noun).is_some_and(|more| more.is_empty() || more.starts_with('/'))
}

/// The path without what only says where the API begins.
fn rest_of(path: &str) -> &str {
    let path = path.trim_start_matches('/');
    if let Some(azure) = path.strip_prefix("openai/deployments/") {
        return azure.split_once('/').map_or("", |(_, rest)| rest);
    }
    ["openai/v1/", "openai/", "v1beta/", "v1/"].into_iter().find_map(|prefix| path.strip_prefix(prefix)).unwrap_or(path)
}

/// Model and verb of `…/models/{model}:{verb}`.
fn gemini_call(path: &str) -> Option<(&str, &str)> {
    path.split_once("/models/")?.1.split_once(':').filter(|(_, verb)| {
        matches!(
            *verb,
            "generateContent" | "streamGenerateContent" | "countTokens" | "embedContent" | "batchEmbedContents"
        )
    })
}

/// The model that a request names: in its body, its path or its form.
pub(super) fn model_name(request: &Request, body: &Value) -> String {
    if let Some((model, _)) = gemini_call(&request.path) {
        return model.to_owned();
    }
    if let Some(name) = body.get("model").and_then(Value::as_str) {
        return name.to_owned();
    }
    let azure = request.path.strip_prefix("/openai/deployments/").and_then(|rest| rest.split('/').next());
    azure.or_else(|| model_of_form(&request.body)).unwrap_or_default().to_owned()
}

/// The field `model` of a multipart form.
fn model_of_form(body: &[u8]) -> Option<&str> {
    const FIELD: &[u8] = b"name=\"model\"\r\n\r\n";
    let start = body.windows(FIELD.len()).position(|window| window == FIELD)? + FIELD.len();
    let value = body.get(start..)?;
    let end = value.iter().position(|byte| *byte == b'\r')?;
    std::str::from_utf8(value.get(..end)?).ok()
}
