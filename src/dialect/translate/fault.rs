//! Errors by meaning: from any provider's words to the one list, and from there to each client's words.

use super::{
    answer::{Fault, FaultKind},
    json::{self, Json, Object},
};
use crate::domain::{Api, ApiFamily};

/// The longest text of an error that is passed on.
const MAX_MESSAGE_BYTES: usize = 4 << 10;

/// The status of an error inside an answer, which has none of its own.
pub const INSIDE: u16 = 200;

/// Reads an error's body, whatever its shape; `status` decides where its words mean nothing.
pub fn read(status: u16, body: &[u8]) -> Fault {
    let text = String::from_utf8_lossy(body);
    let mut told = Told::default();
    let inner = element(&text);
    if let Ok(mut object) = Object::read(inner, "error") {
        told.gather(&mut object);
        if let Some(error) = object.take("error") {
            if let Ok(mut error) = Object::read(error, "error") {
                told.gather(&mut error);
            } else if let Ok(plain) = serde_json::from_str::<String>(error) {
                told.message = Some(plain);
            }
        }
    } else if let Ok(plain) = serde_json::from_str::<String>(inner) {
        told.message = Some(plain);
    } else if !inner.is_empty() && !inner.starts_with(['{', '<']) {
        told.message = Some(inner.to_owned());
    }
    let status = if (400..600).contains(&status) { status } else { told.number.unwrap_or(status) };
    self::told(status, &told.words, told.message)
}

/// The error that a document tells in place of an answer.
pub(super) fn of_document(text: &str) -> Option<Fault> {
    let mut object = Object::read(element(text), "error").ok()?;
    let is_kind = |kind: Option<String>| kind.as_deref() == Some("error");
    let is_error = object.take("error").is_some()
        || is_kind(object.text("type").ok().flatten())
        || is_kind(object.text("object").ok().flatten());
    is_error.then(|| read(INSIDE, text.as_bytes()))
}

/// Gemini wraps the error of a stream that is no event stream in a list.
fn element(text: &str) -> &str {
    text.trim().trim_start_matches('[').trim_end_matches(']').trim()
}

/// What an error's body tells.
#[derive(Default)]
struct Told {
    words: Vec<String>,
    /// A code that is a status.
    number: Option<u16>,
    message: Option<String>,
}

impl Told {
    fn gather(&mut self, object: &mut Object<'_>) {
        for name in ["code", "type", "status"] {
            let Some(raw) = object.take(name) else { continue };
            let text = if json::is_string(raw) { json::string(raw, name).unwrap_or_default() } else { raw.to_owned() };
            match text.parse() {
                Ok(number) if (400..600).contains(&number) => self.number = self.number.or(Some(number)),
                Ok(_) => {}
                Err(_) => self.words.push(text),
            }
        }
        // FastAPI, and servers made with it, say `detail`.
        for name in ["detail", "message"] {
            if let Ok(Some(text)) = object.text(name) {
                self.message = Some(text);
            }
        }
    }
}

/// The fault of an error's own words. What they leave open the status says, and where that says no more than that the
/// provider failed, or there is none, even vague words count.
pub fn told(status: u16, words: &[String], message: Option<String>) -> Fault {
    let is_inside = !(400..600).contains(&status);
    let mut message = message.filter(|message| !message.is_empty()).unwrap_or_else(|| match is_inside {
        true => "the provider answered with an error".to_owned(),
        false => format!("the provider answered with an error ({status})"),
    });
    if message.len() > MAX_MESSAGE_BYTES {
        let end = (0..=MAX_MESSAGE_BYTES).rev().find(|at| message.is_char_boundary(*at)).unwrap_or(0);
        message.truncate(end);
    }
    let meant = words.iter().find_map(|word| of_word(word)).or_else(|| of_status(status));
    let vague = || words.iter().find_map(|word| of_vague_word(word));
    let kind = match meant.or_else(vague).unwrap_or(FaultKind::Server) {
        // Only OpenAI has a word for it; the others say it in prose.
        FaultKind::InvalidRequest | FaultKind::TooLarge if is_about_context(&message) => FaultKind::ContextTooLong,
        FaultKind::Server if is_inside && is_about_context(&message) => FaultKind::ContextTooLong,
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
        "rate_limit_error"
        | "rate_limit_exceeded"
        | "rate_limit"
        | "resource_exhausted"
        | "too_many_requests"
        | "requests"
        | "tokens" => FaultKind::RateLimit,
        "authentication_error" | "invalid_api_key" | "unauthenticated" => FaultKind::Authentication,
        "permission_error" | "permission_denied" => FaultKind::Permission,
        "not_found_error" | "not_found" | "model_not_found" => FaultKind::NotFound,
        "request_too_large" => FaultKind::TooLarge,
        "overloaded_error" | "overloaded" | "unavailable" | "service_unavailable" => FaultKind::Overloaded,
        "timeout_error" | "deadline_exceeded" | "timeout" => FaultKind::Timeout,
        _ => return None,
    })
}

/// Words under which providers tell whatever goes wrong.
fn of_vague_word(word: &str) -> Option<FaultKind> {
    Some(match word.to_ascii_lowercase().as_str() {
        "invalid_request_error" | "invalid_argument" | "failed_precondition" | "out_of_range" | "bad_request" => {
            FaultKind::InvalidRequest
        }
        "api_error" | "server_error" | "internal_error" | "internal" | "internal_server_error" => FaultKind::Server,
        _ => return None,
    })
}

const fn of_status(status: u16) -> Option<FaultKind> {
    Some(match status {
        401 => FaultKind::Authentication,
        402 => FaultKind::Quota,
        403 => FaultKind::Permission,
        404 => FaultKind::NotFound,
        408 | 504 => FaultKind::Timeout,
        413 => FaultKind::TooLarge,
        429 => FaultKind::RateLimit,
        503 | 529 => FaultKind::Overloaded,
        400..=499 => FaultKind::InvalidRequest,
        _ => return None,
    })
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
