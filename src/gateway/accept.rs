//! Step 1, accept: which endpoint, which labels, and the body as it came.
//!
//! Only the fields that steer are read out of a body; the body itself is kept byte for byte.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{body::Body, extract::ConnectInfo};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header, request::Parts};

use super::{
    decode::{DecodeError, Decoder},
    error::Refusal,
    sanitize::{Uploads, Watch},
};
use crate::{
    config,
    dialect::{
        splice::{self, Edit},
        steer::{self, Steering},
        translate::Dropped,
    },
    domain::{Endpoint, ErrorKind},
};

/// What arrived, before any of it was read.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) endpoint: Endpoint,
    /// The model in the path (Gemini), percent-decoded.
    pub(crate) path_model: Option<String>,
    /// What follows the endpoint's root in the path.
    pub(crate) tail: String,
    pub(crate) method: Method,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    /// Who is at the other end of the connection.
    pub(crate) peer: Option<IpAddr>,
    /// For a task: what puts its body in the words of an API.
    pub(crate) shape: Option<Shape>,
}

/// Makes of a task's body that of the endpoint as which it goes its way. Errors are for people.
pub type Shape = fn(&[u8]) -> Result<Vec<u8>, String>;

/// The labels that a client puts on its request; they are not forwarded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labels {
    pub(crate) project: Option<Arc<str>>,
    pub(crate) source: Option<Arc<str>>,
    pub(crate) profile: Option<Arc<str>>,
    pub(crate) session_id: Option<Arc<str>>,
    pub(crate) request_id: Option<Arc<str>>,
    pub(crate) provider: Option<Arc<str>>,
    pub(crate) tags: Vec<Tag>,
}

/// Name and value.
type Tag = (Arc<str>, Arc<str>);

/// A request that has been read as far as the gateway needs it.
pub(crate) struct Inbound {
    pub(crate) endpoint: Endpoint,
    /// The endpoint that was called, where that is another one (a task).
    pub(crate) called: Endpoint,
    pub(crate) tail: String,
    pub(crate) method: Method,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: InboundBody,
    /// The model that is asked for: the client's word, unless a plugin chose another.
    pub(crate) model: Option<Arc<str>>,
    /// The model as the client named it.
    pub(crate) model_named: Option<Arc<str>>,
    /// Names that stand in for the model, as a plugin says.
    pub(crate) fallbacks: Vec<String>,
    pub(crate) stream: bool,
    /// Tokens of the text in the body, estimated.
    pub(crate) text_tokens: u64,
    /// Where the steering fields stand; `None` for bodies that are not read (uploads, GET).
    pub(crate) steering: Option<Steering>,
    /// What the sanitizer changes in the decoded body.
    pub(crate) edits: Vec<Edit>,
    /// What the sanitizer looks for in the answer.
    pub(crate) watch: Option<Watch>,
    /// Who is at the other end of the connection.
    pub(crate) peer: Option<IpAddr>,
    /// What of a request that a plugin wrote anew had no place in it.
    pub(crate) dropped: Dropped,
    /// Whether plugins look at the answer, so that it must be readable.
    pub(crate) is_looked_at: bool,
}

impl Inbound {
    /// The body as it stands behind the sanitizer; `None` for uploads.
    pub(crate) fn judged_body(&self) -> Option<Bytes> {
        let InboundBody::Whole { raw, plain } = &self.body else { return None };
        let source = plain.as_ref().unwrap_or(raw);
        Some(splice::splice(source, &mut self.edits.clone()))
    }

    /// The same request once more, to go the way again; `None` for uploads, which cannot.
    pub(crate) fn again(&self) -> Option<Self> {
        let InboundBody::Whole { raw, plain } = &self.body else { return None };
        Some(Self {
            endpoint: self.endpoint,
            called: self.called,
            tail: self.tail.clone(),
            method: self.method.clone(),
            query: self.query.clone(),
            headers: self.headers.clone(),
            body: InboundBody::Whole { raw: raw.clone(), plain: plain.clone() },
            model: self.model.clone(),
            model_named: self.model_named.clone(),
            fallbacks: self.fallbacks.clone(),
            stream: self.stream,
            text_tokens: self.text_tokens,
            steering: self.steering.clone(),
            edits: self.edits.clone(),
            watch: self.watch.clone(),
            peer: self.peer,
            dropped: self.dropped.clone(),
            is_looked_at: self.is_looked_at,
        })
    }
}

/// The body as it came.
pub(crate) enum InboundBody {
    /// Wholly read; `plain` is its decoded form when it came compressed.
    Whole {
        /// The bytes as they came.
        raw: Bytes,
        /// The decoded bytes, when the client compressed them.
        plain: Option<Bytes>,
    },
    /// An upload, forwarded while it arrives: what has been read so far, and the rest.
    Upload {
        /// Read to find the model.
        prefix: Bytes,
        /// Not read yet.
        rest: axum::body::BodyDataStream,
    },
}

/// Headers that label a request for the gateway and go no further.
pub(crate) static LABEL_HEADERS: [HeaderName; 7] = [
    HeaderName::from_static("x-project"),
    HeaderName::from_static("x-source"),
    HeaderName::from_static("x-profile"),
    HeaderName::from_static("x-session-id"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("x-provider"),
    HeaderName::from_static("x-tags"),
];

const LABEL_BYTES_MAX: usize = 256;
const TAGS_MAX: usize = 32;

/// How much of an upload is read to find the model it names.
const UPLOAD_PREFIX_BYTES: usize = 64 * 1024;

/// Reads the labels. Errors name the header and what it may hold.
pub(crate) fn labels(headers: &HeaderMap) -> Result<Labels, Refusal> {
    Ok(Labels {
        project: label(headers, "x-project")?,
        source: label(headers, "x-source")?,
        profile: label(headers, "x-profile")?,
        session_id: label(headers, "x-session-id")?,
        request_id: label(headers, "x-request-id").unwrap_or_default(),
        provider: label(headers, "x-provider")?,
        tags: tags(headers)?,
    })
}

fn label(headers: &HeaderMap, name: &'static str) -> Result<Option<Arc<str>>, Refusal> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = std::str::from_utf8(value.as_bytes()).unwrap_or_default().trim();
    if text.is_empty() && value.as_bytes().iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    if text.is_empty() || text.len() > LABEL_BYTES_MAX || text.chars().any(char::is_control) {
        let message = format!("header {name} must be UTF-8 text of at most {LABEL_BYTES_MAX} bytes");
        return Err(Refusal::new(ErrorKind::InvalidRequest, message));
    }
    Ok(Some(Arc::from(text)))
}

fn tags(headers: &HeaderMap) -> Result<Vec<Tag>, Refusal> {
    let mut tags = Vec::new();
    let values = headers.get_all("x-tags").iter().filter_map(|value| std::str::from_utf8(value.as_bytes()).ok());
    for pair in values.flat_map(|value| value.split(',')).map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (name.trim(), value.trim());
        let too_long = name.len() > 64 || value.len() > LABEL_BYTES_MAX;
        if name.is_empty() || too_long || pair.chars().any(char::is_control) || tags.len() == TAGS_MAX {
            let message = format!("header x-tags must be `name=value,name,…` with at most {TAGS_MAX} tags");
            return Err(Refusal::new(ErrorKind::InvalidRequest, message));
        }
        tags.push((Arc::from(name), Arc::from(value)));
    }
    Ok(tags)
}

/// Reads the body as far as the endpoint needs. `received` counts bytes even when this fails.
pub(crate) async fn read(
    arrival: Arrival,
    limits: &config::Server,
    uploads: Uploads,
    received: &mut u64,
) -> Result<Inbound, Refusal> {
    let Arrival { endpoint: called, path_model, tail, method, query, mut headers, body, peer, shape } = arrival;
    let endpoint = called.on_the_way();
    let is_bare = method == Method::GET || method == Method::DELETE;
    let (body, steering, upload_model) = if is_upload(endpoint, &headers) {
        let (body, model) = match uploads {
            Uploads::Forwarded => read_upload(body, &headers, limits.max_upload_bytes, received).await?,
            Uploads::Held | Uploads::MustBeHeld => hold_upload(body, &headers, limits, uploads, received).await?,
        };
        (body, None, model)
    } else {
        let mut raw = read_whole(body, &headers, limits.max_body_bytes, received).await?;
        let mut plain = decoded(&raw, &headers, limits.max_body_bytes)?;
        if let Some(shape) = shape {
            let shaped = shape(plain.as_ref().unwrap_or(&raw));
            raw = shaped.map_err(|message| Refusal::new(ErrorKind::InvalidRequest, message))?.into();
            plain = None;
            headers.remove(header::CONTENT_ENCODING);
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let steering = if is_bare || (raw.is_empty() && !needs_body(endpoint)) {
            None
        } else {
            let read = steer::read(endpoint, plain.as_ref().unwrap_or(&raw));
            Some(read.map_err(|error| Refusal::new(ErrorKind::InvalidRequest, error.to_string()))?)
        };
        (InboundBody::Whole { raw, plain }, steering, None)
    };
    let in_body = steering.as_ref().and_then(|steering| steering.model.as_ref()).map(|model| model.value.as_str());
    let model: Option<Arc<str>> = path_model.as_deref().or(in_body).or(upload_model.as_deref()).map(Arc::from);
    let stream = steering.as_ref().is_some_and(|steering| steering.stream);
    let text_tokens = steering.as_ref().map_or(0, |steering| steering.request_text_tokens);
    Ok(Inbound {
        endpoint,
        called,
        tail,
        method,
        query,
        headers,
        body,
        model_named: model.clone(),
        model,
        fallbacks: Vec::new(),
        stream,
        text_tokens,
        steering,
        edits: Vec::new(),
        watch: None,
        peer,
        dropped: Dropped::default(),
        is_looked_at: false,
    })
}

const fn needs_body(endpoint: Endpoint) -> bool {
    !matches!(endpoint, Endpoint::Files | Endpoint::Batches)
}

/// Uploads are forwarded while they arrive; everything else is small enough to hold.
fn is_upload(endpoint: Endpoint, headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let is_json = content_type.get(..16).is_some_and(|start| start.eq_ignore_ascii_case(b"application/json"));
    matches!(endpoint, Endpoint::Files | Endpoint::Audio | Endpoint::Images) && !content_type.is_empty() && !is_json
}

fn too_large(limit: u64, setting: &str) -> Refusal {
    let message = format!("the request body is larger than {limit} bytes (setting {setting})");
    Refusal::new(ErrorKind::RequestTooLarge, message)
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn read_whole(body: Body, headers: &HeaderMap, limit: u64, received: &mut u64) -> Result<Bytes, Refusal> {
    if announced(headers).is_some_and(|length| length > limit) {
        return Err(too_large(limit, "server.max_body_bytes"));
    }
    let mut stream = body.into_data_stream();
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|fault| Refusal::unread(&fault))?;
        *received += chunk.len() as u64;
        if *received > limit {
            return Err(too_large(limit, "server.max_body_bytes"));
        }
        // The usual body comes in one piece and is not copied.
        if first.is_empty() && joined.is_empty() {
            first = chunk;
        } else {
            if joined.is_empty() {
                joined.extend_from_slice(&std::mem::take(&mut first));
            }
            joined.extend_from_slice(&chunk);
        }
    }
    Ok(if joined.is_empty() { first } else { joined.freeze() })
}

async fn read_upload(
    body: Body,
    headers: &HeaderMap,
    limit: u64,
    received: &mut u64,
) -> Result<(InboundBody, Option<String>), Refusal> {
    if announced(headers).is_some_and(|length| length > limit) {
        return Err(too_large(limit, "server.max_upload_bytes"));
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut rest = body.into_data_stream();
    let mut prefix = BytesMut::new();
    let mut model = None;
    while model.is_none() && prefix.len() < UPLOAD_PREFIX_BYTES {
        let Some(chunk) = rest.next().await else { break };
        let chunk = chunk.map_err(|fault| Refusal::unread(&fault))?;
        *received += chunk.len() as u64;
        prefix.extend_from_slice(&chunk);
        model = steer::multipart_model(content_type, &prefix);
    }
    Ok((InboundBody::Upload { prefix: prefix.freeze(), rest }, model))
}

/// Reads an upload whole, as far as `server.max_body_bytes` allows: what must be checked is checked before
/// a byte of it goes out.
async fn hold_upload(
    body: Body,
    headers: &HeaderMap,
    limits: &config::Server,
    uploads: Uploads,
    received: &mut u64,
) -> Result<(InboundBody, Option<String>), Refusal> {
    let too_large =
        || too_large(limits.max_body_bytes, "server.max_body_bytes, which holds for uploads that are checked");
    let length = announced(headers);
    if length.is_some_and(|length| length > limits.max_upload_bytes) {
        return Err(self::too_large(limits.max_upload_bytes, "server.max_upload_bytes"));
    }
    if uploads == Uploads::MustBeHeld && length.is_some_and(|length| length > limits.max_body_bytes) {
        return Err(too_large());
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut rest = body.into_data_stream();
    let mut held = BytesMut::new();
    while let Some(chunk) = rest.next().await {
        let chunk = chunk.map_err(|fault| Refusal::unread(&fault))?;
        *received += chunk.len() as u64;
        held.extend_from_slice(&chunk);
        if *received > limits.max_body_bytes {
            if uploads == Uploads::MustBeHeld {
                return Err(too_large());
            }
            let model = steer::multipart_model(content_type, &held);
            return Ok((InboundBody::Upload { prefix: held.freeze(), rest }, model));
        }
    }
    let raw = held.freeze();
    let plain = decoded(&raw, headers, limits.max_body_bytes)?;
    let model = steer::multipart_model(content_type, plain.as_ref().unwrap_or(&raw));
    Ok((InboundBody::Whole { raw, plain }, model))
}

/// The decoded copy of a compressed body, bounded so that a bomb is refused and not unpacked.
fn decoded(raw: &Bytes, headers: &HeaderMap, limit: u64) -> Result<Option<Bytes>, Refusal> {
    let encoding = headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?"));
    if encoding.is_none_or(|name| name.eq_ignore_ascii_case("identity")) {
        return Ok(None);
    }
    let room = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut decoder = Decoder::new(encoding, Plain { bytes: Vec::new(), room });
    decoder.feed(raw);
    let name = encoding.unwrap_or_default();
    match decoder.error() {
        None => Ok(decoder.sink_mut().map(|plain| Bytes::from(std::mem::take(&mut plain.bytes)))),
        Some(DecodeError::UnknownEncoding) => {
            let message = "content-encoding must be gzip, deflate, br, zstd or identity";
            Err(Refusal::new(ErrorKind::InvalidRequest, message))
        }
        Some(_) if decoder.sink().is_some_and(|plain| plain.room == 0) => {
            Err(too_large(limit, "server.max_body_bytes, after decoding"))
        }
        Some(_) => Err(Refusal::new(ErrorKind::InvalidRequest, format!("the body is not valid {name}"))),
    }
}

/// A buffer that refuses to grow past its room.
struct Plain {
    bytes: Vec<u8>,
    room: usize,
}

impl std::io::Write for Plain {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let Some(room) = self.room.checked_sub(bytes.len()) else {
            self.room = 0;
            return Err(std::io::ErrorKind::FileTooLarge.into());
        };
        self.room = room;
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Takes an axum request apart.
pub(crate) fn arrival(
    endpoint: Endpoint,
    tail: String,
    path_model: Option<String>,
    parts: Parts,
    body: Body,
) -> Arrival {
    let query = parts.uri.query().map(str::to_owned);
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    Arrival { endpoint, path_model, tail, method: parts.method, query, headers: parts.headers, body, peer, shape: None }
}
