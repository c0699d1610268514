//! Error answers for requests that never reached a handler, in the shape of the API that the
//! client seems to speak.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
};

use crate::domain::{ApiFamily, ErrorKind};

/// First path segments that belong to the API and never to the portal's pages.
const API_ROOTS: [&str; 11] =
    ["v1", "v1beta", "api", "health", "readyz", "metrics", "openapi.json", "openai", "anthropic", "gemini", "ollama"];

/// Whether `path` lies in the API's part of the tree.
pub(super) fn is_api_path(path: &str) -> bool {
    let mut segments = path.split('/').skip(1);
    let first = segments.next().unwrap_or_default();
    // `/{project}/openai/…` is a project's own URL.
    API_ROOTS.contains(&first) || segments.next().is_some_and(|second| family_root(second).is_some())
}

/// Whose error shape a client of `path` expects.
pub(super) fn family(path: &str, headers: &HeaderMap) -> ApiFamily {
    let mut segments = path.split('/').skip(1);
    let first = segments.next().unwrap_or_default();
    let second = segments.next().unwrap_or_default();
    if let Some(family) = family_root(first).or_else(|| family_root(second)) {
        return family;
    }
    match (first, second) {
        ("v1beta", _) => ApiFamily::Gemini,
        ("api", _) => ApiFamily::Ollama,
        ("v1", "messages") => ApiFamily::Anthropic,
        ("v1", "models") if path.rsplit('/').next().is_some_and(|last| last.contains(':')) => ApiFamily::Gemini,
        _ if headers.contains_key("anthropic-version") => ApiFamily::Anthropic,
        _ if headers.contains_key("x-goog-api-key") => ApiFamily::Gemini,
        _ => ApiFamily::Openai,
    }
}

fn family_root(segment: &str) -> Option<ApiFamily> {
    match segment {
        "openai" => Some(ApiFamily::Openai),
        "anthropic" => Some(ApiFamily::Anthropic),
        "gemini" => Some(ApiFamily::Gemini),
        "ollama" => Some(ApiFamily::Ollama),
        _ => None,
    }
}

/// An error answer. `message` must be our own words: nothing of the request is repeated in it.
pub(super) fn refuse(family: ApiFamily, kind: ErrorKind, status: StatusCode, message: &str) -> Response<Body> {
    let body = match family {
        ApiFamily::Anthropic => serde_json::json!({
            "type": "error", "error": {"type": kind.as_str(), "message": message}
        }),
        ApiFamily::Gemini => serde_json::json!({
            "error": {"code": status.as_u16(), "message": message, "status": kind.as_str()}
        }),
        ApiFamily::Ollama => serde_json::json!({"error": message}),
        ApiFamily::Openai => serde_json::json!({
            "error": {"message": message, "type": kind.as_str(), "param": null, "code": kind.as_str()}
        }),
    };
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
