//! Error answers for requests that never reached a handler, in the shape of the API that the
//! client seems to speak.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header},
};

use crate::{
    dialect::error_body,
    domain::{ApiFamily, ErrorKind},
};

const REQUEST_ID: &str = "x-request-id";

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

/// What an error answer has to know of its request; taken before the request is handed on.
#[derive(Debug)]
pub(super) struct Voice {
    family: ApiFamily,
    request_id: Option<HeaderValue>,
}

impl Voice {
    /// Listens to how the client speaks: the API its path belongs to, and its id for the request.
    pub(super) fn of(request: &Request<Body>) -> Self {
        let headers = request.headers();
        let request_id = headers.get(REQUEST_ID).filter(|id| is_plain_id(id)).cloned();
        Self { family: family(request.uri().path(), headers), request_id }
    }

    /// An error answer. `message` must be our own words: nothing of the request is repeated in it.
    pub(super) fn refuse(self, kind: ErrorKind, status: StatusCode, message: &str) -> Response<Body> {
        let own_id = || HeaderValue::try_from(uuid::Uuid::now_v7().to_string()).ok();
        let request_id = self.request_id.or_else(own_id).unwrap_or_else(|| HeaderValue::from_static("unknown"));
        let body =
            error_body::body(self.family, kind, status.as_u16(), message, request_id.to_str().unwrap_or_default());
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.headers_mut().insert(REQUEST_ID, request_id);
        response
    }
}

/// A client's id for its request is repeated to it if it is short and printable.
fn is_plain_id(id: &HeaderValue) -> bool {
    (1..=128).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
}

/// Whose error shape a client of `path` expects.
fn family(path: &str, headers: &HeaderMap) -> ApiFamily {
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
