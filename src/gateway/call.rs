//! Step 7, call: one upstream call, from the edited request to the head of the answer.
//!
//! What goes out is what came in, but for spliced spans, credentials, labels and hop-by-hop headers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use serde_json::json;

use super::{
    accept::{Inbound, InboundBody, LABEL_HEADERS},
    error::{Refusal, is_too_slow},
    identify::Caller,
    sanitize::Watch,
    translate::{self, Translated, WayBack},
};
use crate::{
    config::{Provider, ProviderKey, ProviderType, params_for},
    dialect::{self, splice, translate::Dropped},
    domain::{Api, Endpoint, ErrorKind},
    policy::Policy,
    provider::{
        self, CREDENTIAL_HEADERS, CallError, Client, ConnectError, Credential, Route, UpstreamAnswer, UpstreamBody,
    },
    routing::Target,
};

/// Connection-level headers, stripped in both directions (RFC 9110 §7.6.1).
pub(crate) static HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// What describes the client or its way here, and is no business of the provider's.
pub(crate) static PRIVATE: [HeaderName; 14] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::COOKIE,
    header::EXPECT,
    header::ORIGIN,
    header::REFERER,
    header::FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("sec-fetch-site"),
    HeaderName::from_static("sec-fetch-mode"),
    HeaderName::from_static("sec-fetch-dest"),
];

/// A request ready to be sent.
pub(crate) struct Outbound {
    pub(crate) request: Request<UpstreamBody>,
    /// The credential it carries, so that an answer which echoes it can be told.
    pub(crate) credential: Credential,
    /// True when usage was asked for on the client's behalf: the extra chunk must be kept from it.
    pub(crate) hides_usage_chunk: bool,
    /// For uploads, which are counted while they are sent.
    pub(crate) upload: Option<Arc<Upload>>,
    /// For a target of another API: what turns its answer back.
    pub(crate) way_back: Option<WayBack>,
    /// For a target of the same API whose answer plugins look at: what reads and writes it.
    pub(crate) alike: Option<WayBack>,
    /// What of the request such a target has no place for.
    pub(crate) dropped: Dropped,
}

/// Progress of an upload.
#[derive(Debug, Default)]
pub(crate) struct Upload {
    pub(crate) bytes: AtomicU64,
    over_limit: AtomicBool,
    broke_off: AtomicBool,
    too_slow: AtomicBool,
}

impl Upload {
    /// Why the call failed, if it was the upload's fault and not the provider's.
    pub(crate) fn blame(&self) -> Option<Refusal> {
        if self.over_limit.load(Ordering::Relaxed) {
            let message = "the upload is larger than server.max_upload_bytes";
            return Some(Refusal::new(ErrorKind::RequestTooLarge, message));
        }
        if self.too_slow.load(Ordering::Relaxed) {
            return Some(Refusal::too_slow());
        }
        self.broke_off.load(Ordering::Relaxed).then(Refusal::client_gone)
    }
}

/// Turns what came in into what goes out; `nonce` is what no other answer has.
pub(crate) fn outbound(
    inbound: &mut Inbound,
    caller: &Caller,
    target: &Target,
    policy: &Policy,
    nonce: &str,
) -> Result<Outbound, Refusal> {
    let provider = &target.provider;
    // A plain prompt is read by plugins as the conversation that it is.
    let is_rewritten = inbound.is_looked_at && inbound.endpoint == Endpoint::OllamaGenerate;
    let translated = match target.api == inbound.endpoint.api() && !is_rewritten {
        true => None,
        false => Some(translate::request(inbound, target, policy, nonce)?),
    };
    let model = target.model.as_deref();
    let hides_usage_chunk = translated.is_none() && asks_for_usage(inbound, provider);
    let alike = (translated.is_none() && inbound.is_looked_at)
        .then(|| WayBack::alike(inbound, model.unwrap_or_default(), !hides_usage_chunk, nonce));
    let query = alike.as_ref().map_or_else(|| inbound.query.clone(), |_| translate::readable_query(inbound));
    let route = match &translated {
        Some(Translated { way_back, tail, query, .. }) => {
            Route { endpoint: way_back.endpoint, model, tail, query: *query }
        }
        None => Route { endpoint: inbound.endpoint, model, tail: &inbound.tail, query: query.as_deref() },
    };
    let uri = provider::upstream_uri(provider, &route)
        .map_err(|error| Refusal::new(ErrorKind::InvalidRequest, error.to_string()))?;
    let credential = credential(provider, caller);
    let mut headers = forwarded(&inbound.headers);
    if translated.is_some() {
        translate::headers(&mut headers);
    }
    provider::apply_credential(provider.provider_type, &credential, &mut headers);
    if provider.provider_type == ProviderType::Anthropic {
        // The API refuses calls without a version; this one is the current and only stable one.
        let version = HeaderName::from_static("anthropic-version");
        headers.entry(version).or_insert(HeaderValue::from_static("2023-06-01"));
    }
    let is_edited = translated.is_some()
        || hides_usage_chunk
        || alike.is_some()
        || inbound.watch.as_ref().is_some_and(Watch::edits);
    if is_edited || inbound.called.is_task() {
        // An answer that is edited, or read by another room, must be readable.
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    } else {
        restrict_encodings(&mut headers);
    }
    let method = inbound.method.clone();
    let (body, upload, way_back, mut dropped) = match translated {
        Some(Translated { body, way_back, dropped, .. }) => {
            let mut edits = defaults(inbound, target, &body, false)?;
            (whole(splice::splice(&body, &mut edits)), None, Some(way_back), dropped)
        }
        None => {
            let limit = policy.config.server.max_upload_bytes;
            let (body, upload) = body(inbound, target, hides_usage_chunk, limit, &mut headers)?;
            (body, upload, None, Dropped::default())
        }
    };
    inbound.dropped.paths().iter().for_each(|path| dropped.path(path));
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(Outbound { request, credential, hides_usage_chunk, upload, way_back, alike, dropped })
}

fn credential(provider: &Provider, caller: &Caller) -> Credential {
    let kind = provider.provider_type.as_str();
    let own = caller.key.iter().flat_map(|key| &key.provider_keys);
    let mut own: Vec<_> = own.filter(|(name, _)| *name == provider.id || name == kind).collect();
    // A key for this very provider counts more than one for its type.
    own.sort_by_key(|(name, _)| *name != provider.id);
    if let Some((_, key)) = own.first() {
        return Credential::Key(key.clone());
    }
    match &provider.key {
        ProviderKey::None => Credential::None,
        ProviderKey::Own(key) => Credential::Key(key.clone()),
        // A virtual key is the gateway's own and goes nowhere.
        ProviderKey::Passthrough => match (&caller.key, &caller.presented) {
            (None, Some(presented)) => Credential::Key(presented.clone()),
            _ => Credential::None,
        },
    }
}

/// The client's headers without those that end here.
pub(crate) fn forwarded(headers: &HeaderMap) -> HeaderMap {
    let listed = connection_listed(headers);
    let mut kept = HeaderMap::with_capacity(headers.len() + 2);
    for (name, value) in headers {
        let ends_here = HOP_BY_HOP.contains(name)
            || PRIVATE.contains(name)
            || CREDENTIAL_HEADERS.contains(name)
            || LABEL_HEADERS.contains(name)
            || listed.iter().any(|listed| name.as_str().eq_ignore_ascii_case(listed));
        if !ends_here {
            kept.append(name.clone(), value.clone());
        }
    }
    kept
}

/// Header names that `Connection` declares to be hop-by-hop.
pub(crate) fn connection_listed(headers: &HeaderMap) -> Vec<&str> {
    let values = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|name| !name.is_empty()).collect()
}

/// Offers only encodings that the tally can read.
fn restrict_encodings(headers: &mut HeaderMap) {
    let Some(offered) = headers.remove(header::ACCEPT_ENCODING) else { return };
    let known = |item: &&str| {
        let name = item.split(';').next().unwrap_or_default().trim();
        ["gzip", "deflate", "br", "zstd", "identity"].iter().any(|known| name.eq_ignore_ascii_case(known))
    };
    let kept: Vec<_> = offered.to_str().unwrap_or_default().split(',').map(str::trim).filter(known).collect();
    if kept.is_empty() {
        return;
    }
    if let Ok(value) = HeaderValue::from_str(&kept.join(", ")) {
        headers.insert(header::ACCEPT_ENCODING, value);
    }
}

/// Whether the stream would end without usage unless somebody asks for it.
fn asks_for_usage(inbound: &Inbound, provider: &Provider) -> bool {
    matches!(inbound.endpoint, Endpoint::ChatCompletions | Endpoint::Completions)
        && inbound.steering.as_ref().is_some_and(|steering| steering.ask_for_usage().is_some())
        && !provider::reports_usage_unasked(provider)
}

type Body = (UpstreamBody, Option<Arc<Upload>>);

fn body(
    inbound: &mut Inbound,
    target: &Target,
    asks_for_usage: bool,
    max_upload_bytes: u64,
    headers: &mut HeaderMap,
) -> Result<Body, Refusal> {
    let asked = inbound.model_named.as_deref();
    let renamed = target.model.as_deref().filter(|model| Some(*model) != asked);
    let in_body = !matches!(target.api, Api::Gemini);
    let nothing = InboundBody::Whole { raw: Bytes::new(), plain: None };
    let body = match &inbound.body {
        InboundBody::Whole { raw, plain } => InboundBody::Whole { raw: raw.clone(), plain: plain.clone() },
        InboundBody::Upload { .. } => std::mem::replace(&mut inbound.body, nothing),
    };
    match body {
        InboundBody::Upload { prefix, rest } => {
            if renamed.is_some() && asked.is_some() {
                return Err(upload_renamed());
            }
            // Not every provider takes an upload of unknown length.
            if let Some(length) = inbound.headers.get(header::CONTENT_LENGTH) {
                headers.insert(header::CONTENT_LENGTH, length.clone());
            }
            let upload = Arc::new(Upload::default());
            Ok((upload_body(prefix, rest, max_upload_bytes, Arc::clone(&upload)), Some(upload)))
        }
        InboundBody::Whole { raw, plain } => {
            let source = plain.as_ref().unwrap_or(&raw);
            let mut edits = inbound.edits.clone();
            if inbound.steering.is_none() && in_body && renamed.is_some() && asked.is_some() {
                return Err(upload_renamed());
            }
            if let Some(steering) = &inbound.steering {
                edits.extend(renamed.filter(|_| in_body).map(|model| steering.set_model(model)));
                edits.extend(asks_for_usage.then(|| steering.ask_for_usage()).flatten());
            }
            edits.extend(defaults(inbound, target, source, edits.len() > inbound.edits.len())?);
            let bytes = if edits.is_empty() {
                raw
            } else {
                headers.remove(header::CONTENT_ENCODING);
                splice::splice(source, &mut edits)
            };
            if bytes.is_empty() && inbound.method == Method::GET {
                headers.remove(header::CONTENT_TYPE);
            }
            Ok((whole(bytes), None))
        }
    }
}

/// What the operator gives requests to this target that state nothing themselves.
fn defaults(inbound: &Inbound, target: &Target, body: &Bytes, after_field: bool) -> Result<Vec<splice::Edit>, Refusal> {
    if inbound.steering.is_none() || !takes_params(inbound.endpoint) {
        return Ok(Vec::new());
    }
    let params = params_for(target.settings.as_deref(), &target.provider.params, target.model.as_deref());
    let mut params = params.unwrap_or_default();
    if target.api == Api::OpenaiChat && translate::asks_for_json(inbound, &target.provider) {
        params.insert("response_format".to_owned(), json!({"type": "json_object"}));
    }
    if params.is_empty() {
        return Ok(Vec::new());
    }
    let unread = || Refusal::new(ErrorKind::Internal, "the body could not be read for its parameters");
    let body = std::str::from_utf8(body).map_err(|_| unread())?;
    dialect::defaults::missing(body, &params, after_field).map_err(|_| unread())
}

/// Endpoints whose bodies take parameters. Those that count tokens refuse what generation takes, and the others hold
/// files or concern no model.
const fn takes_params(endpoint: Endpoint) -> bool {
    matches!(
        endpoint,
        Endpoint::ChatCompletions
            | Endpoint::Responses
            | Endpoint::Completions
            | Endpoint::Embeddings
            | Endpoint::Rerank
            | Endpoint::Messages
            | Endpoint::GenerateContent
            | Endpoint::StreamGenerateContent
            | Endpoint::EmbedContent
            | Endpoint::OllamaChat
            | Endpoint::OllamaGenerate
            | Endpoint::OllamaEmbed
    )
}

fn whole(bytes: Bytes) -> UpstreamBody {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

fn upload_renamed() -> Refusal {
    let message = "an upload cannot be renamed on its way: name the bare model and send x-provider";
    Refusal::new(ErrorKind::InvalidRequest, message)
}

fn upload_body(prefix: Bytes, rest: axum::body::BodyDataStream, limit: u64, upload: Arc<Upload>) -> UpstreamBody {
    let first = stream::iter((!prefix.is_empty()).then_some(Ok(prefix)));
    let counted = first.chain(rest).map(move |chunk| {
        let chunk = chunk.map_err(|fault| {
            let flag = if is_too_slow(&fault) { &upload.too_slow } else { &upload.broke_off };
            flag.store(true, Ordering::Relaxed);
            std::io::Error::other(fault)
        })?;
        let sent = upload.bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed) + chunk.len() as u64;
        if sent > limit {
            upload.over_limit.store(true, Ordering::Relaxed);
            return Err(std::io::Error::other("upload over the limit"));
        }
        Ok(Frame::data(chunk))
    });
    StreamBody::new(counted).boxed_unsync()
}

/// Sends the request and waits for the head of the answer, at most `patience`.
pub(crate) async fn send(
    client: &Client,
    provider_id: &str,
    request: Request<UpstreamBody>,
    patience: Duration,
) -> Result<Response<UpstreamAnswer>, Refusal> {
    let response = match tokio::time::timeout(patience, client.send(request)).await {
        Err(_) => {
            let message = format!("provider `{provider_id}` did not answer within {} s", patience.as_secs_f32());
            return Err(Refusal::new(ErrorKind::UpstreamTimeout, message));
        }
        Ok(Err(error)) => return Err(failure(provider_id, &error)),
        Ok(Ok(response)) => response,
    };
    if response.status().is_redirection() {
        let message = format!(
            "provider `{provider_id}` answered with a redirect ({}), which is never followed: correct its base_url",
            response.status().as_u16()
        );
        return Err(Refusal::new(ErrorKind::UpstreamRedirect, message));
    }
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let message = format!("provider `{provider_id}` wanted another protocol");
        return Err(Refusal::new(ErrorKind::UpstreamProtocol, message));
    }
    Ok(response)
}

/// Tells apart who is to blame. Addresses and TLS details are for the log only.
fn failure(provider_id: &str, error: &CallError) -> Refusal {
    let (connect, deepest) = error.causes();
    tracing::warn!(provider = provider_id, cause = %deepest, "upstream call failed");
    match connect {
        Some(ConnectError::TimedOut(limit)) => Refusal::new(
            ErrorKind::UpstreamTimeout,
            format!("provider `{provider_id}`: no connection within {} s", limit.as_secs_f32()),
        ),
        Some(ConnectError::Resolve(host)) => Refusal::new(
            ErrorKind::UpstreamConnect,
            format!("provider `{provider_id}`: host name `{host}` could not be resolved"),
        ),
        Some(ConnectError::Private(host)) => Refusal::new(
            ErrorKind::UpstreamConnect,
            format!(
                "provider `{provider_id}`: `{host}` lies in a private or local network, which this provider may not use"
            ),
        ),
        _ if error.is_connect() => {
            Refusal::new(ErrorKind::UpstreamConnect, format!("provider `{provider_id}` could not be reached"))
        }
        _ => Refusal::new(
            ErrorKind::UpstreamProtocol,
            format!("provider `{provider_id}` broke the connection off before it answered"),
        ),
    }
}
