//! Errors by meaning: from any provider's words to the one list, and from there to each client's words.

use super::{
    answer::{Fault, FaultKind},
    json::{Json, Object},
};
use crate::domain::{Api, ApiFamily};

/// The longest text of an error that is passed on.
const MAX_MESSAGE_BYTES: usize = 4 << 10;

/// Reads an error's body, whatever its shape; `status` decides where its words mean nothing.
pub fn read(status: u16, body: &[u8]) -> Fault {
    let text = String::from_utf8_lossy(body);
    let mut words = Vec::new();
    let mut message = None;
    // Gemini streams without SSE wrap the error in a list.
    let inner = text.trim().trim_start_matches('[').trim_end_matches(']').trim();
    if let Ok(mut object) = Object::read(inner, "error") {
        gather(&mut object, &mut words, &mut message);
        if let Some(error) = object.take("error") {
            if let Ok(mut error) = Object::read(error, "error") {
                gather(&mut error, &mut words, &mut message);
            } else if let Ok(plain) = serde_json::from_str::<String>(error) {
                message = Some(plain);
            }
        }
    } else if !inner.is_empty() && !inner.starts_with(['{', '<']) {
        message = Some(inner.to_owned());
    }
    told(status, &words, message)
}

fn gather(object: &mut Object<'_>, words: &mut Vec<String>, message: &mut Option<String>) {
    words.extend(["code", "type", "status"].iter().filter_map(|name| object.text(name).ok().flatten()));
    if let Ok(Some(text)) = object.text("message") {
        *message = Some(text);
    }
}

/// The fault of an error's own words.
pub(super) fn told(status: u16, words: &[String], message: Option<String>) -> Fault {
    let mut message = message.unwrap_or_else(|| format!("the provider answered with an error ({status})"));
    if message.len() > MAX_MESSAGE_BYTES {
        let end = (0..=MAX_MESSAGE_BYTES).rev().find(|at| message.is_char_boundary(*at)).unwrap_or(0);
        message.truncate(end);
    }
    let kind = words.iter().find_map(|word| of_word(word)).unwrap_or_else(|| of_status(status));
    let kind = match kind {
        // Only OpenAI has a word for it; the others say it in prose.
        FaultKind::InvalidRequest | FaultKind::TooLarge if is_about_context(&message) => FaultKind::ContextTooLong,
        FaultKind::RateLimit | FaultKind::InvalidRequest if message.contains("credit balance is too low") => {
            FaultKind::Quota
        }
        kind => kind,
    };
    Fault { kind, message }
}

fn is_about_context(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    [
        "prompt is too long",
        "maximum context length",
        "context window",
        "context length",
        "exceeds the maximum number of tokens",
        "input token count",
        "input length and `max_tokens` exceed",
    ]
    .iter()
    .any(|words| message.contains(words))
}

fn of_word(word: &str) -> Option<FaultKind> {
    Some(match word.to_ascii_lowercase().as_str() {
        "context_length_exceeded" | "string_above_max_length" => FaultKind::ContextTooLong,
        "content_filter" | "content_policy_violation" | "invalid_prompt" => FaultKind::ContentFilter,
        "insufficient_quota" | "billing_error" | "billing_hard_limit_reached" => FaultKind::Quota,
        "rate_limit_error" | "rate_limit_exceeded" | "resource_exhausted" | "too_many_requests" => FaultKind::RateLimit,
        "authentication_error" | "invalid_api_key" | "unauthenticated" => FaultKind::Authentication,
        "permission_error" | "permission_denied" => FaultKind::Permission,
        "not_found_error" | "not_found" | "model_not_found" => FaultKind::NotFound,
        "request_too_large" => FaultKind::TooLarge,
        "overloaded_error" | "overloaded" | "unavailable" | "service_unavailable" => FaultKind::Overloaded,
        "timeout_error" | "deadline_exceeded" | "timeout" => FaultKind::Timeout,
        "invalid_request_error" | "invalid_argument" | "failed_precondition" | "out_of_range" => {
            FaultKind::InvalidRequest
        }
        "api_error" | "server_error" | "internal_error" | "internal" | "internal_server_error" => FaultKind::Server,
        _ => return None,
    })
}

const fn of_status(status: u16) -> FaultKind {
    match status {
        401 => FaultKind::Authentication,
        402 => FaultKind::Quota,
        403 => FaultKind::Permission,
        404 => FaultKind::NotFound,
        408 | 504 => FaultKind::Timeout,
        413 => FaultKind::TooLarge,
        429 => FaultKind::RateLimit,
        503 | 529 => FaultKind::Overloaded,
        400..=499 => FaultKind::InvalidRequest,
        _ => FaultKind::Server,
    }
}

/// An error's status and body in a client's words.
pub fn write(client: ApiFamily, fault: &Fault, request_id: &str) -> (u16, Vec<u8>) {
    let words = Words::of(fault.kind);
    let status = words.status(client);
    let body = match client {
        ApiFamily::Openai => Json::of(|json| openai(json, fault, &words)),
        ApiFamily::Anthropic => anthropic(fault, &words, request_id),
        ApiFamily::Gemini => Json::of(|json| gemini(json, fault, &words)),
        ApiFamily::Ollama => Json::of(|json| json.put("error", &fault.message)),
    };
    (status, body)
}

/// The event that ends a client's stream, or the rest of its array.
pub(super) fn write_event(client: Api, fault: &Fault, sequence_number: u64, nonce: &str) -> Vec<u8> {
    let words = Words::of(fault.kind);
    match client {
        Api::Anthropic => sse(Some("error"), &anthropic(fault, &words, nonce)),
        Api::Gemini => sse(None, &Json::of(|json| gemini(json, fault, &words))),
        Api::Ollama => {
            let mut line = Json::of(|json| json.put("error", &fault.message));
            line.push(b'\n');
            line
        }
        Api::OpenaiResponses => {
            let body = Json::of(|json| {
                json.put("type", "error");
                json.put_number("sequence_number", sequence_number);
                json.put("code", words.code);
                json.put("message", &fault.message);
                json.put_null("param");
                openai(json, fault, &words);
            });
            sse(Some("error"), &body)
        }
        Api::OpenaiChat | Api::OpenaiEmbeddings | Api::Openai => {
            sse(None, &Json::of(|json| openai(json, fault, &words)))
        }
    }
}

/// One server-sent event.
pub(super) fn sse(name: Option<&str>, data: &[u8]) -> Vec<u8> {
    let mut event = Vec::with_capacity(data.len() + 32);
    if let Some(name) = name {
        event.extend_from_slice(b"event: ");
        event.extend_from_slice(name.as_bytes());
        event.push(b'\n');
    }
    event.extend_from_slice(b"data: ");
    event.extend_from_slice(data);
    event.extend_from_slice(b"\n\n");
    event
}

fn openai(json: &mut Json, fault: &Fault, words: &Words) {
    json.put_object("error", |json| {
        json.put("message", &fault.message);
        json.put("type", words.openai_type);
        json.put_null("param");
        json.put("code", words.code);
    });
}

fn anthropic(fault: &Fault, words: &Words, request_id: &str) -> Vec<u8> {
    Json::of(|json| {
        json.put("type", "error");
        json.put_object("error", |json| {
            json.put("type", words.anthropic_type);
            json.put("message", &fault.message);
        });
        json.put("request_id", request_id);
    })
}

fn gemini(json: &mut Json, fault: &Fault, words: &Words) {
    json.put_object("error", |json| {
        json.put_number("code", words.status(ApiFamily::Gemini));
        json.put("message", &fault.message);
        json.put("status", words.gemini_status);
    });
}

/// How each API says it.
struct Words {
    status: u16,
    code: &'static str,
    openai_type: &'static str,
    anthropic_type: &'static str,
    gemini_status: &'static str,
}

impl Words {
    const fn new(
        status: u16,
        code: &'static str,
        openai_type: &'static str,
        anthropic_type: &'static str,
        gemini_status: &'static str,
    ) -> Self {
        Self { status, code, openai_type, anthropic_type, gemini_status }
    }

    const fn of(kind: FaultKind) -> Self {
        const INVALID: &str = "invalid_request_error";
        match kind {
            FaultKind::InvalidRequest => Self::new(400, "invalid_request", INVALID, INVALID, "INVALID_ARGUMENT"),
            FaultKind::ContextTooLong => {
                Self::new(400, "context_length_exceeded", INVALID, INVALID, "INVALID_ARGUMENT")
            }
            FaultKind::ContentFilter => Self::new(400, "content_filter", INVALID, INVALID, "INVALID_ARGUMENT"),
            FaultKind::Authentication => {
                Self::new(401, "invalid_api_key", "authentication_error", "authentication_error", "UNAUTHENTICATED")
            }
            FaultKind::Permission => {
                Self::new(403, "permission_denied", "permission_error", "permission_error", "PERMISSION_DENIED")
            }
            FaultKind::NotFound => Self::new(404, "model_not_found", INVALID, "not_found_error", "NOT_FOUND"),
            FaultKind::TooLarge => {
                Self::new(413, "request_too_large", INVALID, "request_too_large", "INVALID_ARGUMENT")
            }
            FaultKind::RateLimit => {
                Self::new(429, "rate_limit_exceeded", "rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED")
            }
            FaultKind::Quota => {
                Self::new(429, "insufficient_quota", "insufficient_quota", "billing_error", "RESOURCE_EXHAUSTED")
            }
            FaultKind::Overloaded => Self::new(503, "overloaded", "server_error", "overloaded_error", "UNAVAILABLE"),
            FaultKind::Timeout => Self::new(504, "timeout", "server_error", "timeout_error", "DEADLINE_EXCEEDED"),
            FaultKind::Server => Self::new(500, "server_error", "server_error", "api_error", "INTERNAL"),
        }
    }

    const fn status(&self, client: ApiFamily) -> u16 {
        match (client, self.status) {
            (ApiFamily::Anthropic, 503) => 529,
            // Anthropic's `billing_error` has a status of its own.
            (ApiFamily::Anthropic, 429) if matches!(self.code.as_bytes(), b"insufficient_quota") => 402,
            (_, status) => status,
        }
    }
}
