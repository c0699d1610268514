//! Cross-origin checks: a page of another site must not be able to make a browser act here.
//!
//! There is no token to forget: the browser itself says where a request comes from
//! (`Sec-Fetch-Site`, `Origin`), and what is not a browser sends neither. The Host header has
//! been checked against the allow-list before anything gets here. No CORS header is ever sent.

use axum::{
    extract::Request,
    http::{HeaderMap, Method, Uri, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http_body::Body as _;

use super::error::{ApiError, Code};

/// Middleware: refuses requests that a foreign page sent, and bodies that a form could have sent.
///
/// Reading stays possible by following a link (`Sec-Fetch-Mode: navigate`), which shows the answer to
/// nobody but the person who followed it.
pub(super) async fn refuse_foreign(request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let follows_link = reads && request.headers().get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
    if is_foreign(request.headers(), request.uri()) && !follows_link {
        return ApiError::new(Code::CrossOrigin, "this call came from a page of another origin").into_response();
    }
    if !reads && !request.body().is_end_stream() && !is_json(request.headers()) {
        let advice = "send JSON, with `content-type: application/json`";
        return ApiError::new(Code::UnsupportedMediaType, advice).into_response();
    }
    next.run(request).await
}

/// Whether the body says it is JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// Whether a browser says that a page of another origin made this request.
pub(crate) fn is_foreign(headers: &HeaderMap, uri: &Uri) -> bool {
    let mut sites = headers.get_all("sec-fetch-site").iter();
    if let Some(site) = sites.next() {
        let ours = site == "same-origin" || site == "none";
        return !ours || sites.next().is_some();
    }
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else { return false };
    let same = origin.to_str().is_ok_and(|origin| names_host(origin, headers, uri));
    !same || origins.next().is_some()
}

fn names_host(origin: &str, headers: &HeaderMap, uri: &Uri) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(host) = host.or_else(|| uri.authority().map(http::uri::Authority::as_str)) else { return false };
    let Ok(origin) = url::Url::parse(origin) else { return false };
    if !matches!(origin.scheme(), "http" | "https") {
        return false;
    }
    // The scheme of our side is the origin's own: behind a proxy that ends TLS we cannot see it.
    let Ok(ours) = url::Url::parse(&format!("{}://{host}", origin.scheme())) else { return false };
    origin.origin() == ours.origin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_and_programs_are_at_home() {
        let cases: [(&[(&'static str, &str)], bool); 13] = [
            (&[], false),
            (&[("origin", "http://localhost:8930")], false),
            (&[("origin", "https://localhost:8930")], false),
            (&[("origin", "http://localhost:8931")], true),
            (&[("origin", "http://localhost")], true),
            (&[("origin", "http://evil.test")], true),
            (&[("origin", "null")], true),
            (&[("origin", "file://localhost:8930")], true),
            (&[("sec-fetch-site", "same-origin"), ("origin", "https://front.test")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "same-site")], true),
            (&[("sec-fetch-site", "cross-site"), ("origin", "http://localhost:8930")], true),
            (&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], true),
        ];
        for (headers, foreign) in cases {
            let mut map = HeaderMap::new();
            map.insert(header::HOST, "localhost:8930".parse().unwrap());
            for (name, value) in headers {
                map.append(*name, value.parse().unwrap());
            }
            assert_eq!(is_foreign(&map, &Uri::from_static("/v1/keys")), foreign, "{headers:?}");
        }
    }
}
