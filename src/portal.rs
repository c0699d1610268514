//! The portal's embedded files: the exact file, else the one page, which finds its way by the URL.
//!
//! Everything here was in the binary when it was built; nothing is read from disk, and nothing
//! that a request says becomes part of an answer.

use std::borrow::Cow;

use axum::{
    Router,
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use rust_embed::RustEmbed;

/// Shown instead of the portal by a binary that was built without it.
const NO_PORTAL: &str = include_str!("../portal/no-portal.html");

/// Files below this folder have a hash of their content in their name and never change.
const HASHED: &str = "assets/";

/// Compressed siblings that the portal's build leaves beside a file, best first.
const ENCODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

#[derive(RustEmbed)]
#[folder = "portal/dist"]
#[allow_missing = true]
struct Dist;

/// One embedded file.
struct File {
    data: Cow<'static, [u8]>,
    hash: [u8; 32],
}

/// Where files come from: a function, so that tests bring their own.
type Files = fn(&str) -> Option<File>;

/// The portal as a router: a file or the page for `GET` and `HEAD`, else a bare 404.
///
/// The server asks it last, and only for paths that no API owns.
pub fn router() -> Router {
    Router::new().fallback(async |request: Request<Body>| {
        answer(embedded, request.method(), request.uri().path(), request.headers())
            .unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
    })
}

fn embedded(name: &str) -> Option<File> {
    Dist::get(name).map(|file| File { hash: file.metadata.sha256_hash(), data: file.data })
}

fn answer(files: Files, method: &Method, path: &str, headers: &HeaderMap) -> Option<Response> {
    if method != Method::GET && method != Method::HEAD {
        return None;
    }
    let name = path.strip_prefix('/')?;
    if is_servable(name) && files(name).is_some() {
        return respond(files, name, method, headers);
    }
    if !looks_like_a_page(name) {
        return None;
    }
    respond(files, "index.html", method, headers).or_else(|| Some(no_portal(method)))
}

/// Compressed siblings and dot files are not addresses of their own.
fn is_servable(name: &str) -> bool {
    !name.is_empty()
        && !name.split('/').any(|segment| segment.starts_with('.'))
        && !ENCODINGS.iter().any(|(_, suffix)| name.ends_with(suffix))
}

/// Pages have no dot in their last segment, so that a missing script is a 404 and not a page.
fn looks_like_a_page(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or_default();
    !last.contains('.') || name == "index.html"
}

fn respond(files: Files, name: &str, method: &Method, headers: &HeaderMap) -> Option<Response> {
    let (file, encoding) = variant(files, name, headers)?;
    let etag = HeaderValue::try_from(format!("\"{}\"", hex::encode(file.hash.get(..16)?))).ok()?;
    let caching = if name.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };

    let mut response = Response::new(Body::empty());
    let out = response.headers_mut();
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if is_known_to_client(headers, &etag) {
        out.insert(header::ETAG, etag);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Some(response);
    }
    out.insert(header::ETAG, etag);
    out.insert(header::CONTENT_TYPE, content_type(name));
    out.insert(header::CONTENT_LENGTH, HeaderValue::from(file.data.len()));
    if let Some(encoding) = encoding {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    if method == Method::GET {
        *response.body_mut() = body(file.data);
    }
    Some(response)
}

/// The best form of a file that the client can read.
fn variant(files: Files, name: &str, headers: &HeaderMap) -> Option<(File, Option<&'static str>)> {
    let compressed = ENCODINGS
        .into_iter()
        .filter(|(encoding, _)| accepts(headers, encoding))
        .find_map(|(encoding, suffix)| Some((files(&format!("{name}{suffix}"))?, Some(encoding))));
    compressed.or_else(|| Some((files(name)?, None)))
}

/// Whether `accept-encoding` names this encoding with a weight other than 0.
fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|offer| {
            let mut parts = offer.split(';').map(str::trim);
            let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
            let refused = parts.any(|part| {
                part.strip_prefix("q=")
                    .and_then(|weight| weight.parse::<f32>().ok())
                    .is_some_and(|weight| weight <= 0.0)
            });
            named && !refused
        })
}

fn is_known_to_client(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == "*" || tag.as_bytes() == etag.as_bytes())
}

fn content_type(name: &str) -> HeaderValue {
    let guess = mime_guess::from_path(name).first_or_octet_stream();
    let is_text = guess.type_() == "text" || ["javascript", "json"].contains(&guess.subtype().as_str());
    let text = if is_text { format!("{guess}; charset=utf-8") } else { guess.to_string() };
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"))
}

fn no_portal(method: &Method) -> Response {
    let mut response = Response::new(Body::empty());
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    out.insert(header::CONTENT_LENGTH, HeaderValue::from(NO_PORTAL.len()));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if method == Method::GET {
        *response.body_mut() = Body::from(NO_PORTAL);
    }
    response
}

fn body(data: Cow<'static, [u8]>) -> Body {
    Body::from(match data {
        Cow::Borrowed(data) => Bytes::from_static(data),
        Cow::Owned(data) => Bytes::from(data),
    })
}

#[cfg(test)]
mod tests;
