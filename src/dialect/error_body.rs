//! Error bodies and mid-stream error events in the shape of each API.
//!
//! They carry what they are given and nothing else: whoever calls must not put a provider's key into
//! a message. Shapes: OpenAI "Error codes", Anthropic "Errors", Google `google.rpc.Status`, Ollama
//! `api/errors`.

use super::quote::quoted;
use crate::domain::{Api, ApiFamily, ErrorKind};

/// The body of an error answer.
///
/// Our stable code stands in `error.code` for OpenAI and Anthropic, in `error.details[0].metadata.code`
/// for Gemini; Ollama's shape has room for the message only.
///
/// ```
/// use llm_gateway::{dialect::error_body, domain::{ApiFamily, ErrorKind}};
/// let body = error_body::body(ApiFamily::Ollama, ErrorKind::NotFound, 404, "no such route", "r1");
/// assert_eq!(body, br#"{"error":"no such route"}"#);
/// ```
pub fn body(family: ApiFamily, kind: ErrorKind, status: u16, message: &str, request_id: &str) -> Vec<u8> {
    body_with_retry(family, kind, status, message, request_id, None)
}

/// The same, which tells when to come back where the API has a place for it in the body (Gemini's `RetryInfo`).
pub fn body_with_retry(
    family: ApiFamily,
    kind: ErrorKind,
    status: u16,
    message: &str,
    request_id: &str,
    retry_after_secs: Option<u64>,
) -> Vec<u8> {
    match family {
        ApiFamily::Openai => format!("{{\"error\":{}}}", openai_error(kind, message)),
        ApiFamily::Anthropic => anthropic(kind, message, request_id),
        ApiFamily::Gemini => gemini(kind, status, message, request_id, retry_after_secs),
        ApiFamily::Ollama => format!("{{\"error\":{}}}", quoted(message)),
    }
    .into_bytes()
}

/// The event that ends a stream which failed midway: SSE, and a line of JSON for Ollama.
///
/// For Chat Completions it is a chunk with `error`, which OpenAI's SDKs raise as soon as they read
/// it, so no `[DONE]` follows. For Responses it is an `error` event with the fields both at the top
/// (as documented) and under `error` (as sent, and what the SDKs raise on); `sequence_number` is the one behind the
/// last event's.
pub fn stream_event(api: Api, kind: ErrorKind, message: &str, request_id: &str, sequence_number: u64) -> Vec<u8> {
    match api {
        Api::OpenaiChat | Api::OpenaiEmbeddings | Api::Openai => {
            format!("data: {{\"error\":{}}}\n\n", openai_error(kind, message))
        }
        Api::OpenaiResponses => format!(
            "event: error\ndata: {{\"type\":\"error\",\"sequence_number\":{sequence_number},\"code\":\"{code}\",\"message\":{text},\
             \"param\":null,\"error\":{error}}}\n\n",
            code = kind.as_str(),
            text = quoted(message),
            error = openai_error(kind, message),
        ),
        Api::Anthropic => format!("event: error\ndata: {}\n\n", anthropic(kind, message, request_id)),
        Api::Gemini => format!("data: {}\r\n\r\n", gemini(kind, kind.status(), message, request_id, None)),
        Api::Ollama => format!("{{\"error\":{}}}\n", quoted(message)),
    }
    .into_bytes()
}

fn openai_error(kind: ErrorKind, message: &str) -> String {
    format!(
        "{{\"message\":{},\"type\":\"{}\",\"param\":null,\"code\":\"{}\"}}",
        quoted(message),
        openai_type(kind),
        kind.as_str(),
    )
}

fn anthropic(kind: ErrorKind, message: &str, request_id: &str) -> String {
    format!(
        "{{\"type\":\"error\",\"error\":{{\"type\":\"{}\",\"message\":{},\"code\":\"{}\"}},\"request_id\":{}}}",
        anthropic_type(kind),
        quoted(message),
        kind.as_str(),
        quoted(request_id),
    )
}

fn gemini(kind: ErrorKind, status: u16, message: &str, request_id: &str, retry_after_secs: Option<u64>) -> String {
    let retry = retry_after_secs.map_or_else(String::new, |secs| {
        format!(",{{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"{secs}s\"}}")
    });
    format!(
        "{{\"error\":{{\"code\":{status},\"message\":{},\"status\":\"{}\",\"details\":[{{\
         \"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":\"{}\",\"domain\":\"llm-gateway\",\
         \"metadata\":{{\"code\":\"{}\",\"request_id\":{}}}}}{retry}]}}}}",
        quoted(message),
        gemini_status(kind),
        kind.as_str().to_ascii_uppercase(),
        kind.as_str(),
        quoted(request_id),
    )
}

const fn openai_type(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Authentication => "authentication_error",
        ErrorKind::PermissionDenied
        | ErrorKind::ContentBlocked
        | ErrorKind::PluginRefused
        | ErrorKind::PriceUnknown => "permission_error",
        ErrorKind::UpstreamRateLimit | ErrorKind::RateLimitExceeded => "rate_limit_error",
        ErrorKind::BudgetExceeded => "insufficient_quota",
        ErrorKind::InvalidRequest
        | ErrorKind::NotTranslatable
        | ErrorKind::ConflictingCredentials
        | ErrorKind::ModelNotFound
        | ErrorKind::NotFound
        | ErrorKind::MethodNotAllowed
        | ErrorKind::RequestTooLarge
        | ErrorKind::RequestTimeout
        | ErrorKind::UpstreamRejected => "invalid_request_error",
        ErrorKind::NoProvider
        | ErrorKind::UpstreamAuthentication
        | ErrorKind::UpstreamError
        | ErrorKind::UpstreamConnect
        | ErrorKind::UpstreamTimeout
        | ErrorKind::UpstreamProtocol
        | ErrorKind::UpstreamRedirect
        | ErrorKind::ShuttingDown
        | ErrorKind::BudgetUnavailable
        | ErrorKind::SanitizerFailed
        | ErrorKind::PluginFailed
        | ErrorKind::Internal => "server_error",
    }
}

const fn anthropic_type(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest
        | ErrorKind::NotTranslatable
        | ErrorKind::ConflictingCredentials
        | ErrorKind::MethodNotAllowed
        | ErrorKind::RequestTimeout
        | ErrorKind::UpstreamRejected => "invalid_request_error",
        ErrorKind::Authentication => "authentication_error",
        ErrorKind::PermissionDenied
        | ErrorKind::ContentBlocked
        | ErrorKind::PluginRefused
        | ErrorKind::PriceUnknown => "permission_error",
        ErrorKind::ModelNotFound | ErrorKind::NotFound => "not_found_error",
        ErrorKind::RequestTooLarge => "request_too_large",
        ErrorKind::UpstreamRateLimit | ErrorKind::RateLimitExceeded | ErrorKind::BudgetExceeded => "rate_limit_error",
        ErrorKind::UpstreamTimeout => "timeout_error",
        ErrorKind::NoProvider | ErrorKind::ShuttingDown | ErrorKind::BudgetUnavailable => "overloaded_error",
        ErrorKind::UpstreamAuthentication
        | ErrorKind::UpstreamError
        | ErrorKind::UpstreamConnect
        | ErrorKind::UpstreamProtocol
        | ErrorKind::UpstreamRedirect
        | ErrorKind::SanitizerFailed
        | ErrorKind::PluginFailed
        | ErrorKind::Internal => "api_error",
    }
}

/// The canonical codes of `google.rpc.Code`.
const fn gemini_status(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest
        | ErrorKind::NotTranslatable
        | ErrorKind::ConflictingCredentials
        | ErrorKind::RequestTooLarge
        | ErrorKind::UpstreamRejected => "INVALID_ARGUMENT",
        ErrorKind::Authentication => "UNAUTHENTICATED",
        ErrorKind::PermissionDenied
        | ErrorKind::ContentBlocked
        | ErrorKind::PluginRefused
        | ErrorKind::PriceUnknown => "PERMISSION_DENIED",
        ErrorKind::ModelNotFound | ErrorKind::NotFound => "NOT_FOUND",
        ErrorKind::MethodNotAllowed => "UNIMPLEMENTED",
        ErrorKind::RequestTimeout | ErrorKind::UpstreamTimeout => "DEADLINE_EXCEEDED",
        ErrorKind::UpstreamRateLimit | ErrorKind::RateLimitExceeded | ErrorKind::BudgetExceeded => "RESOURCE_EXHAUSTED",
        ErrorKind::NoProvider
        | ErrorKind::UpstreamAuthentication
        | ErrorKind::UpstreamError
        | ErrorKind::UpstreamConnect
        | ErrorKind::UpstreamProtocol
        | ErrorKind::UpstreamRedirect
        | ErrorKind::BudgetUnavailable
        | ErrorKind::ShuttingDown => "UNAVAILABLE",
        ErrorKind::SanitizerFailed | ErrorKind::PluginFailed | ErrorKind::Internal => "INTERNAL",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const HOSTILE: &str = "a\"}\r\n\r\ndata: [DONE]\n\n\u{2028}\u{2029}\0\u{85}\\";

    const APIS: [Api; 7] = [
        Api::OpenaiChat,
        Api::OpenaiResponses,
        Api::OpenaiEmbeddings,
        Api::Openai,
        Api::Anthropic,
        Api::Gemini,
        Api::Ollama,
    ];

    fn json(bytes: &[u8]) -> Value {
        serde_json::from_slice(bytes).unwrap()
    }

    #[test]
    fn each_api_gets_its_own_shape_with_our_code() {
        let made = |family| json(&body(family, ErrorKind::ModelNotFound, 404, "no model \"x\"", "req_1"));
        let openai = made(ApiFamily::Openai);
        assert_eq!(openai["error"]["code"], "model_not_found");
        assert_eq!(openai["error"]["type"], "invalid_request_error");
        assert_eq!(openai["error"]["message"], "no model \"x\"");
        assert!(openai["error"]["param"].is_null());
        let anthropic = made(ApiFamily::Anthropic);
        assert_eq!(anthropic["type"], "error");
        assert_eq!(anthropic["error"]["type"], "not_found_error");
        assert_eq!(anthropic["request_id"], "req_1");
        let gemini = made(ApiFamily::Gemini);
        assert_eq!(gemini["error"]["code"], 404);
        assert_eq!(gemini["error"]["status"], "NOT_FOUND");
        assert_eq!(gemini["error"]["details"][0]["metadata"]["code"], "model_not_found");
        assert_eq!(made(ApiFamily::Ollama)["error"], "no model \"x\"");
    }

    #[test]
    fn every_kind_makes_a_valid_body_that_hostile_text_cannot_leave() {
        for kind in ErrorKind::ALL {
            for family in [ApiFamily::Openai, ApiFamily::Anthropic, ApiFamily::Gemini, ApiFamily::Ollama] {
                let body = body(family, kind, kind.status(), HOSTILE, HOSTILE);
                let json = json(&body);
                let message = json["error"]["message"].as_str().or(json["error"].as_str());
                assert_eq!(message, Some(HOSTILE));
                assert!(!body.iter().any(u8::is_ascii_control));
            }
        }
    }

    #[test]
    fn hostile_text_cannot_add_an_event_to_a_stream() {
        for api in APIS {
            let event = stream_event(api, ErrorKind::UpstreamProtocol, HOSTILE, HOSTILE, 7);
            if api == Api::Ollama {
                assert_eq!(event.iter().filter(|byte| **byte == b'\n').count(), 1);
                assert_eq!(json(&event)["error"], HOSTILE);
                continue;
            }
            let mut events = Vec::new();
            crate::dialect::sse::Reader::default().feed(&event, |event| events.push(event.data.to_vec()));
            assert_eq!(events.len(), 1, "{api:?}");
            assert_eq!(json(&events[0])["error"]["message"], HOSTILE);
        }
    }
}
