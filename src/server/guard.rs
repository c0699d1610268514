//! What every request passes before any route is looked at, and every answer on its way out.
//!
//! It reads the head only. A request that a browser was tricked into sending (DNS rebinding), or
//! whose path could mean one thing here and another upstream, ends here whatever route it was for.

use std::{net::SocketAddr, panic::AssertUnwindSafe};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, Version, header, uri::Authority},
};
use futures_util::FutureExt as _;
use tower_service::Service as _;

use super::refusal::Voice;
use crate::{config, domain::ErrorKind};

/// The content-security policy of SECURITY §4: nothing from elsewhere, no framing, no inline code.
pub(super) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";

/// Set on every answer, over whatever a provider may have sent.
static SECURITY_HEADERS: [(HeaderName, HeaderValue); 6] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

/// The one door to the routes.
#[derive(Debug)]
pub struct Guard {
    router: Router,
    allowed_hosts: Vec<String>,
    max_header_bytes: usize,
    max_headers: usize,
    max_uri_bytes: usize,
}

/// How the requests of a connection are received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reception {
    /// As usual.
    Open,
    /// The process ends: only what tells how it is doing is still answered.
    Stopping,
    /// They came in clear text where TLS is spoken: nothing is answered but that.
    ClearText,
}

/// What is answered until the socket closes, so that whoever watches sees how the end goes.
const ANSWERED_TO_THE_END: [&str; 3] = ["/health", "/readyz", "/metrics"];

/// Why a request does not get in: the status and our words for it.
type Refusal = (StatusCode, &'static str);

impl Guard {
    /// Stands before `router`.
    pub fn new(router: Router, settings: &config::Server) -> Self {
        let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Self {
            router,
            allowed_hosts: settings.allowed_hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
            max_header_bytes: size(settings.max_header_bytes),
            max_headers: size(settings.max_headers),
            max_uri_bytes: size(settings.max_uri_bytes),
        }
    }

    /// Checks the head, lets the routes answer, and puts the security headers on the answer.
    /// A panic in a handler becomes a 500 and harms no other request.
    pub async fn answer(&self, mut request: Request<Body>, peer: SocketAddr, reception: Reception) -> Response<Body> {
        let voice = Voice::of(&request);
        let mut response = match self.check(&request) {
            Err((status, message)) => voice.refuse(ErrorKind::InvalidRequest, status, message),
            Ok(()) if reception == Reception::ClearText => in_clear_text(voice),
            Ok(()) if reception == Reception::Stopping && !ANSWERED_TO_THE_END.contains(&request.uri().path()) => {
                too_late(voice, &request)
            }
            Ok(()) => {
                request.extensions_mut().insert(ConnectInfo(peer));
                let mut router = self.router.clone();
                match AssertUnwindSafe(router.call(request)).catch_unwind().await {
                    Ok(Ok(response)) => response,
                    Err(_) => {
                        // Where it happened was logged by the panic hook; the payload may hold data.
                        let message = "the gateway failed to answer this request";
                        voice.refuse(ErrorKind::Internal, StatusCode::INTERNAL_SERVER_ERROR, message)
                    }
                }
            }
        };
        dress(response.headers_mut());
        response
    }

    fn check(&self, request: &Request<Body>) -> Result<(), Refusal> {
        self.check_size(request)?;
        self.check_host(request)?;
        check_path(request.uri().path())
    }

    fn check_size(&self, request: &Request<Body>) -> Result<(), Refusal> {
        let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
        if target > self.max_uri_bytes {
            return Err((StatusCode::URI_TOO_LONG, "the request target is too long"));
        }
        let headers = request.headers();
        // As on the wire: name, colon, space, value, line end.
        let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if headers.len() > self.max_headers || bytes + target > self.max_header_bytes {
            return Err((StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "the request's header fields are too large"));
        }
        Ok(())
    }

    /// A web page on another name that resolves to this machine sends its own name as host, so an
    /// unknown host is refused even though the connection came from this very machine.
    fn check_host(&self, request: &Request<Body>) -> Result<(), Refusal> {
        const MALFORMED: Refusal = (StatusCode::BAD_REQUEST, "the request must name exactly one well-formed host");
        let mut named = request.headers().get_all(header::HOST).iter();
        let from_header = match (named.next(), named.next()) {
            (None, _) => None,
            (Some(host), None) => Some(parse_authority(host).ok_or(MALFORMED)?),
            (Some(_), Some(_)) => return Err(MALFORMED),
        };
        let from_target = authority_of(request.uri())?;
        let host = match (from_header, from_target) {
            (Some(header), Some(target)) if !header.as_str().eq_ignore_ascii_case(target.as_str()) => {
                return Err((StatusCode::BAD_REQUEST, "the host header and the request target name different hosts"));
            }
            (Some(header), _) => header,
            // HTTP/2 carries the host in `:authority`; in HTTP/1 the header is required.
            (None, Some(target)) if request.version() == Version::HTTP_2 => target.clone(),
            (None, _) => return Err(MALFORMED),
        };
        if self.is_ours(host.host()) {
            Ok(())
        } else {
            Err((StatusCode::MISDIRECTED_REQUEST, "this host name is not served here; see server.allowed_hosts"))
        }
    }

    fn is_ours(&self, host: &str) -> bool {
        // Only the canonical spellings of an address parse here: `127.1` and `2130706433` do not.
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_loopback = match bare {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok_and(|address| address.is_loopback()),
            None => {
                host.eq_ignore_ascii_case("localhost")
                    || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
            }
        };
        let name = bare.unwrap_or(host);
        is_loopback || self.allowed_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
    }
}

/// A client with `http://` in its base URL. What it has sent went over the wire for all to see.
fn in_clear_text(voice: Voice) -> Response<Body> {
    let message = "this port speaks TLS: use https:// and take any credential that was sent in clear text for known";
    let mut response = voice.refuse(ErrorKind::InvalidRequest, StatusCode::BAD_REQUEST, message);
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A request that came after the process was told to end: another instance can take it at once.
fn too_late(voice: Voice, request: &Request<Body>) -> Response<Body> {
    let message = "the gateway is shutting down; try again";
    let mut response = voice.refuse(ErrorKind::ShuttingDown, StatusCode::SERVICE_UNAVAILABLE, message);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    if request.version() <= Version::HTTP_11 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn authority_of(uri: &Uri) -> Result<Option<&Authority>, Refusal> {
    match uri.authority() {
        Some(authority) if !is_plain(authority) => Err((StatusCode::BAD_REQUEST, "the request target is malformed")),
        authority => Ok(authority),
    }
}

fn parse_authority(value: &HeaderValue) -> Option<Authority> {
    Authority::try_from(value.as_bytes()).ok().filter(is_plain)
}

/// Host and, perhaps, a numeric port; no user name.
fn is_plain(authority: &Authority) -> bool {
    let text = authority.as_str();
    let rest = text.get(authority.host().len()..).unwrap_or(text);
    !authority.host().is_empty()
        && (rest.is_empty() || (text.starts_with(authority.host()) && authority.port_u16().is_some()))
}

/// Refuses every spelling that another parser could read as another path.
fn check_path(path: &str) -> Result<(), Refusal> {
    const MALFORMED: Refusal = (StatusCode::BAD_REQUEST, "the request path is malformed");
    let Some(path) = path.strip_prefix('/') else { return Err(MALFORMED) };
    if path.is_empty() {
        return Ok(());
    }
    // `//` anywhere, but one slash at the very end is harmless.
    let segments = path.strip_suffix('/').unwrap_or(path);
    if segments.split('/').all(is_plain_segment) { Ok(()) } else { Err(MALFORMED) }
}

/// One path segment that means the same however often it is decoded.
fn is_plain_segment(segment: &str) -> bool {
    let mut bytes = segment.bytes();
    let (mut length, mut before) = (0_usize, 0);
    while let Some(raw) = bytes.next() {
        let byte = if raw == b'%' {
            let Some(byte) = unescape(bytes.next(), bytes.next()) else { return false };
            byte
        } else {
            raw
        };
        // `%25` before two hex digits would be an escape again to whoever decodes twice.
        let mut rest = bytes.clone();
        let is_escape_again = raw == b'%' && byte == b'%' && unescape(rest.next(), rest.next()).is_some();
        let is_double_dot = byte == b'.' && before == b'.';
        if is_escape_again || is_double_dot || matches!(byte, b'/' | b'\\' | 0..0x20 | 0x7f) {
            return false;
        }
        before = byte;
        length += 1;
    }
    length > 1 || (length == 1 && before != b'.')
}

fn unescape(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

fn dress(headers: &mut HeaderMap) {
    headers.reserve(SECURITY_HEADERS.len() + 1);
    // The data plane puts relayed content under a stricter policy of its own.
    let relayed = headers.remove(header::CONTENT_SECURITY_POLICY);
    for (name, value) in &SECURITY_HEADERS {
        headers.insert(name.clone(), value.clone());
    }
    if let Some(policy) = relayed {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
