//! From the head of the provider's answer to the head of ours.
//!
//! A provider's key never leaves here, even if the provider echoes it.

use std::{collections::VecDeque, time::Duration};

use axum::{body::Body, response::Response};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::Instant;

use super::{
    accept::Labels,
    call::{HOP_BY_HOP, connection_listed},
    decode::Decoder,
    error::Refusal,
    record::{CallEnd, OpenRecord},
    relay::{self, Flow, Meter, Patience, RelayBody},
    sanitize::{AnswerGuard, Watch},
    shutdown::Shutdown,
    tally::{Facts, Framing, StreamError, Tally},
    walk::{self, Failure, Told},
};
use crate::{
    config::{OnClientDisconnect, ProviderKey},
    dialect::usage_chunk,
    domain::{Api, Endpoint, ErrorKind, Outcome},
    provider::{CREDENTIAL_HEADERS, Credential},
    routing::Target,
    sanitize,
};

/// Our own response headers, known piece by piece.
pub(crate) struct Head {
    request_id: String,
    record_id: String,
    provider: Option<String>,
    model: Option<String>,
    attempts: u32,
}

/// An answer that will be relayed.
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: AnswerBody,
}

enum AnswerBody {
    /// An error of the provider's, read whole because it is short and must be looked through.
    Whole { bytes: Bytes, kind: ErrorKind },
    /// An answer that was read whole to be judged.
    Judged { bytes: Bytes, facts: Box<Facts> },
    /// Everything else.
    Relay(Box<Relay>),
}

struct Relay {
    upstream: Incoming,
    /// What was waited for before the head was sent.
    held: VecDeque<Bytes>,
    meter: Meter,
    filter: Option<usage_chunk::Filter>,
    guard: Option<AnswerGuard>,
    client_api: Api,
    is_event_stream: bool,
    disconnect: OnClientDisconnect,
    patience: Patience,
    length: Option<u64>,
}

/// What the answer belongs to.
pub(crate) struct Exchange<'a> {
    pub(crate) endpoint: Endpoint,
    pub(crate) stream: bool,
    pub(crate) target: &'a Target,
    pub(crate) credential: &'a Credential,
    pub(crate) hides_usage_chunk: bool,
    pub(crate) disconnect: OnClientDisconnect,
    /// When the first byte of a stream, or all of any other answer, must be here.
    pub(crate) deadline: Instant,
    /// Whether another attempt may follow, so that the opening of a stream is worth holding back.
    pub(crate) holds: bool,
    /// What the sanitizer looks for.
    pub(crate) watch: Option<Watch>,
}

/// How long the opening of a stream is held back for content at most, and how much of it.
const OPENING_PATIENCE: Duration = Duration::from_secs(1);
const OPENING_BYTES_MAX: usize = 64 * 1024;

/// Longest error body that is passed on; longer ones are cut off.
const ERROR_BODY_BYTES_MAX: usize = 256 * 1024;

/// Headers in which providers tell the id of a call.
const REQUEST_ID_HEADERS: [&str; 5] = ["x-request-id", "request-id", "apim-request-id", "x-goog-request-id", "cf-ray"];

/// Provider headers that would act on the client, or its browser, as if they were ours.
static NOT_OURS: [HeaderName; 13] = [
    header::SET_COOKIE,
    header::STRICT_TRANSPORT_SECURITY,
    header::ALT_SVC,
    header::SERVER,
    header::CONTENT_SECURITY_POLICY,
    header::CONTENT_SECURITY_POLICY_REPORT_ONLY,
    header::REFRESH,
    HeaderName::from_static("clear-site-data"),
    HeaderName::from_static("service-worker-allowed"),
    HeaderName::from_static("report-to"),
    HeaderName::from_static("reporting-endpoints"),
    HeaderName::from_static("nel"),
    HeaderName::from_static("x-request-id"),
];

/// Beginnings of the names of headers that are ours to send, or nobody's.
const NOT_OURS_PREFIXES: [&str; 2] = ["x-gateway-", "access-control-"];

impl Head {
    pub(crate) fn new(record: &OpenRecord) -> Self {
        let record_id = record.id().map(|id| id.to_string()).unwrap_or_default();
        Self { request_id: record_id.clone(), record_id, provider: None, model: None, attempts: 0 }
    }

    pub(crate) fn label(&mut self, labels: &Labels) {
        if let Some(request_id) = &labels.request_id {
            self.request_id = request_id.to_string();
        }
    }

    pub(crate) fn target(&mut self, target: &Target) {
        self.provider = Some(target.provider.id.clone());
        self.model = target.model.as_deref().map(str::to_owned);
        self.attempts += 1;
    }

    pub(crate) fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Writes our headers. A name that cannot stand in a header is left out rather than altered.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let mut put = |name: &'static str, text: &str| {
            if let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        put("x-request-id", &self.request_id);
        put("x-gateway-record", &self.record_id);
        if let Some(provider) = &self.provider {
            put("x-gateway-provider", provider);
        }
        if let Some(model) = &self.model {
            put("x-gateway-model", model);
        }
        put("x-gateway-cache", "bypass");
        headers.insert(HeaderName::from_static("x-gateway-attempts"), HeaderValue::from(self.attempts));
    }
}

/// Reads the head of the provider's answer and decides how it goes on.
pub(crate) async fn judge(
    response: http::Response<Incoming>,
    exchange: Exchange<'_>,
    record: &mut OpenRecord,
) -> Result<Answer, Failure> {
    let (parts, upstream) = response.into_parts();
    let call_id = REQUEST_ID_HEADERS.iter().find_map(|name| parts.headers.get(*name)?.to_str().ok());
    record.call_answered(parts.status.as_u16(), call_id);
    let mut headers = passed_on(&parts.headers, exchange.credential);
    if parts.status.is_client_error() || parts.status.is_server_error() {
        return provider_error(parts.status, headers, upstream, &exchange, record).await;
    }
    let framing = Framing::of(text(&parts.headers, header::CONTENT_TYPE), exchange.endpoint);
    let encoding = text(&parts.headers, header::CONTENT_ENCODING);
    let is_event_stream = framing == Framing::Sse || (framing == Framing::NdJson && exchange.stream);
    let waits_for_first = is_event_stream || exchange.stream;
    let is_readable = Decoder::new(encoding, std::io::sink()).error().is_none();
    let filters = exchange.hides_usage_chunk && framing == Framing::Sse && is_readable;
    let filter = filters.then(usage_chunk::Filter::default);
    let guard = guard(&exchange, &parts.headers, framing);
    let edits = guard.as_ref().is_some_and(AnswerGuard::edits);
    if edits && exchange.stream && framing == Framing::Opaque {
        let message = format!(
            "provider `{}` answered a stream with a content type that cannot be checked",
            exchange.target.provider.id
        );
        return Err(Refusal::new(ErrorKind::SanitizerFailed, message).into());
    }
    if edits && !is_readable {
        let message =
            format!("provider `{}` answered in an encoding that cannot be checked", exchange.target.provider.id);
        return Err(Refusal::new(ErrorKind::SanitizerFailed, message).into());
    }
    let mut length = text(&parts.headers, header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
    if filter.is_some() || edits {
        // The client gets fewer bytes than the provider sends, and gets them decoded.
        headers.remove(header::CONTENT_LENGTH);
        length = None;
        headers.remove(header::CONTENT_ENCODING);
    }
    let mut relay = Relay {
        upstream,
        held: VecDeque::new(),
        meter: Meter::new(
            Tally::new(exchange.target.api, exchange.endpoint, framing),
            encoding,
            filter.is_some() || guard.is_some(),
        ),
        filter,
        guard,
        client_api: exchange.endpoint.api(),
        is_event_stream,
        disconnect: exchange.disconnect,
        patience: Patience::new(
            exchange.target.provider.timeouts.idle,
            (!waits_for_first).then_some(exchange.deadline),
        ),
        length,
    };
    let is_stream = match framing {
        Framing::Sse | Framing::JsonArray => true,
        Framing::NdJson => exchange.stream,
        Framing::Json | Framing::Opaque => false,
    };
    if edits && !is_stream && framing != Framing::Opaque {
        let body = whole(relay, &exchange, record).await?;
        return Ok(Answer { status: parts.status, headers, body });
    }
    if waits_for_first {
        // Until the first chunk is here, a failure can still be told by a true status.
        relay.held.extend(first_chunk(&mut relay.upstream, &exchange).await?);
        if exchange.holds && is_event_stream {
            opening(&mut relay, &exchange, framing, encoding).await?;
        }
    }
    Ok(Answer { status: parts.status, headers, body: AnswerBody::Relay(Box::new(relay)) })
}

/// Reads an answer whole and lets the sanitizer judge it, while a refusal can still be told by a true status.
async fn whole(mut relay: Relay, exchange: &Exchange<'_>, record: &mut OpenRecord) -> Result<AnswerBody, Refusal> {
    let Some(mut guard) = relay.guard.take() else {
        return Err(Refusal::new(ErrorKind::Internal, "nothing judges the answer"));
    };
    let provider = &exchange.target.provider;
    let mut judged = Vec::new();
    while guard.end().is_none() {
        let idle = Instant::now() + provider.timeouts.idle;
        let due = if exchange.stream { idle } else { idle.min(exchange.deadline) };
        let frame = tokio::time::timeout_at(due, relay.upstream.frame()).await.map_err(|_| {
            let message = format!("provider `{}` sent nothing for too long", provider.id);
            Refusal::new(ErrorKind::UpstreamTimeout, message)
        })?;
        let Some(frame) = frame else { break };
        let broken = || {
            let message = format!("provider `{}` broke the answer off", provider.id);
            Refusal::new(ErrorKind::UpstreamProtocol, message)
        };
        let Ok(chunk) = frame.map_err(|_| broken())?.into_data() else { continue };
        relay.meter.feed(&chunk);
        if !relay.meter.is_readable() {
            return Err(broken());
        }
        if relay.meter.content_started() {
            record.first_content();
        }
        judged.extend_from_slice(&guard.feed(relay.meter.take_plain().as_deref().unwrap_or(&chunk)));
    }
    let (last, mut guard) = guard.finish_aside().await;
    judged.extend_from_slice(&last);
    record.found(guard.take_findings());
    let facts = relay.meter.facts();
    if let Some(refusal) = guard.end() {
        // The provider did its part, and is paid for it.
        let (outcome, error_kind) = relay::judge(&facts, false, record.is_billable());
        record.call_ends(CallEnd { outcome, error_kind, facts: Some(facts) });
        return Err(refusal.clone());
    }
    Ok(AnswerBody::Judged { bytes: judged.into(), facts: Box::new(facts) })
}

/// The guard of this answer, if it must be looked at: media pass.
fn guard(exchange: &Exchange<'_>, headers: &HeaderMap, framing: Framing) -> Option<AnswerGuard> {
    let watch = exchange.watch.as_ref()?;
    let framing = match framing {
        Framing::Sse => sanitize::Framing::Sse,
        // Files hold what was put there: of JSON lines, each is a document.
        Framing::NdJson if exchange.stream || exchange.endpoint == Endpoint::Files => sanitize::Framing::NdJson,
        Framing::JsonArray => sanitize::Framing::JsonArray,
        Framing::Json | Framing::NdJson => sanitize::Framing::Json,
        Framing::Opaque => {
            let kind = text(headers, header::CONTENT_TYPE).unwrap_or_default();
            // Files come back as they were put there, whatever they are.
            let is_file = exchange.endpoint == Endpoint::Files && kind.starts_with("application/octet-stream");
            // A client that asked for a stream reads one, whatever its type says.
            if !exchange.stream && !is_file && !sanitize::is_text(kind) {
                return None;
            }
            sanitize::Framing::Text
        }
    };
    Some(AnswerGuard::new(watch.guard(exchange.endpoint.api(), framing)))
}

async fn first_chunk(upstream: &mut Incoming, exchange: &Exchange<'_>) -> Result<Option<Bytes>, Refusal> {
    let provider = &exchange.target.provider;
    let limit = provider.timeouts.first_token;
    let waiting = async {
        loop {
            match upstream.frame().await {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Ok(Some(data)),
                    _ => {}
                },
                Some(Err(_)) => {
                    let message = format!("provider `{}` broke the answer off before its first byte", provider.id);
                    return Err(Refusal::new(ErrorKind::UpstreamProtocol, message));
                }
                None => return Ok(None),
            }
        }
    };
    tokio::time::timeout_at(exchange.deadline, waiting).await.unwrap_or_else(|_| {
        let message = format!("provider `{}` sent no first byte within {} s", provider.id, limit.as_secs_f32());
        Err(Refusal::new(ErrorKind::UpstreamTimeout, message))
    })
}

/// Holds back what opens a stream (roles, pings, ids) until content, an error or the end has come: a stream that
/// dies at once has then shown nobody anything yet.
async fn opening(
    relay: &mut Relay,
    exchange: &Exchange<'_>,
    framing: Framing,
    encoding: Option<&str>,
) -> Result<(), Failure> {
    let target = exchange.target;
    let mut probe = Meter::new(Tally::new(target.api, exchange.endpoint, framing), encoding, false);
    relay.held.iter().for_each(|chunk| probe.feed(chunk));
    let patience = exchange.deadline.min(Instant::now() + OPENING_PATIENCE);
    let mut is_over = relay.held.is_empty();
    loop {
        if probe.content_started() {
            return Ok(());
        }
        let facts = probe.facts();
        if let Some(error) = facts.error {
            return Err(told_inside(exchange, error));
        }
        if is_over && !facts.ended {
            let message = format!("provider `{}` ended the stream before any content", target.provider.id);
            return Err(Refusal::new(ErrorKind::UpstreamProtocol, message).into());
        }
        let held: usize = relay.held.iter().map(Bytes::len).sum();
        if facts.ended || held > OPENING_BYTES_MAX {
            return Ok(());
        }
        match tokio::time::timeout_at(patience, relay.upstream.frame()).await {
            Err(_) => return Ok(()),
            Ok(None) => is_over = true,
            Ok(Some(Err(_))) => {
                let message = format!("provider `{}` broke the stream off before any content", target.provider.id);
                return Err(Refusal::new(ErrorKind::UpstreamProtocol, message).into());
            }
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    probe.feed(&data);
                    relay.held.push_back(data);
                }
            }
        }
    }
}

/// An error with which a stream began: the client, who has seen nothing yet, is told it by a true status.
fn told_inside(exchange: &Exchange<'_>, error: StreamError) -> Failure {
    let provider = &exchange.target.provider.id;
    let is_plain = !error.message.is_empty() && !exchange.credential.is_in(error.message.as_bytes());
    let message = error.message;
    let message = match &exchange.watch {
        Some(watch) if is_plain => watch.told(exchange.endpoint.api(), &message),
        _ => is_plain.then_some(message),
    };
    let message = message.unwrap_or_else(|| format!("provider `{provider}` answered with an error"));
    let refusal = Refusal { status: error.status, ..Refusal::new(error.kind, message) };
    Failure { kind: error.kind, status: error.status, retry_after: None, told: Told::Refusal(refusal) }
}

/// The provider's headers without those that end here, and without any that echo its key.
fn passed_on(headers: &HeaderMap, credential: &Credential) -> HeaderMap {
    let listed = connection_listed(headers);
    let mut kept = HeaderMap::with_capacity(headers.len() + 8);
    for (name, value) in headers {
        let ends_here = HOP_BY_HOP.contains(name)
            || NOT_OURS.contains(name)
            || CREDENTIAL_HEADERS.contains(name)
            || NOT_OURS_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix))
            || listed.iter().any(|listed| name.as_str().eq_ignore_ascii_case(listed));
        if !ends_here && !credential.is_in(value.as_bytes()) {
            kept.append(name.clone(), value.clone());
        }
    }
    kept
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// A 4xx or 5xx of the provider's, passed on as it came unless it concerns or shows our credential.
async fn provider_error(
    status: StatusCode,
    mut headers: HeaderMap,
    upstream: Incoming,
    exchange: &Exchange<'_>,
    record: &mut OpenRecord,
) -> Result<Answer, Failure> {
    let provider = &exchange.target.provider;
    let retry_after = walk::retry_after(status, &headers);
    let own_key = !matches!(provider.key, ProviderKey::Passthrough);
    if status == StatusCode::UNAUTHORIZED && own_key {
        let message =
            format!("provider `{}` refused the credential it is configured with (401): check its api_key", provider.id);
        let refusal = Refusal::new(ErrorKind::UpstreamAuthentication, message);
        return Err(Failure { status: Some(401), ..refusal.into() });
    }
    let kind = match status.as_u16() {
        429 => ErrorKind::UpstreamRateLimit,
        500.. => ErrorKind::UpstreamError,
        _ => ErrorKind::UpstreamRejected,
    };
    let bytes = read_error(upstream, provider.timeouts.idle).await;
    let mut decoder = Decoder::new(text(&headers, header::CONTENT_ENCODING), Vec::new());
    decoder.feed(&bytes);
    let plain = decoder.sink().map_or(&[][..], Vec::as_slice);
    if exchange.credential.is_in(&bytes) || exchange.credential.is_in(plain) {
        let message = format!("provider `{}` answered {} with text that held its key", provider.id, status.as_u16());
        let told = Told::Refusal(Refusal::new(kind, message));
        return Err(Failure { kind, status: Some(status.as_u16()), retry_after, told });
    }
    headers.remove(header::CONTENT_LENGTH);
    let mut bytes = bytes;
    if let Some(watch) = &exchange.watch {
        // Errors quote what they refuse.
        let mut guard = watch.error_guard(exchange.endpoint.api(), plain);
        let mut judged = guard.feed(plain).to_vec();
        judged.extend_from_slice(&guard.finish());
        record.found(guard.take_findings());
        let unread = || {
            let message =
                format!("provider `{}` answered {} in a way that cannot be checked", provider.id, status.as_u16());
            Refusal::new(ErrorKind::SanitizerFailed, message)
        };
        let refusal = guard.end().cloned();
        if let Some(refusal) = refusal.or_else(|| (guard.edits() && decoder.error().is_some()).then(unread)) {
            let told = Told::Refusal(refusal);
            return Err(Failure { kind, status: Some(status.as_u16()), retry_after, told });
        }
        if guard.edits() {
            headers.remove(header::CONTENT_ENCODING);
            bytes = judged.into();
        }
    }
    let told = Told::Answer(Answer { status, headers, body: AnswerBody::Whole { bytes, kind } });
    Err(Failure { kind, status: Some(status.as_u16()), retry_after, told })
}

/// Reads an error body, as much of it as comes in time and fits.
async fn read_error(mut upstream: Incoming, limit: Duration) -> Bytes {
    let mut bytes = BytesMut::new();
    let reading = async {
        while let Some(Ok(frame)) = upstream.frame().await {
            let Ok(data) = frame.into_data() else { continue };
            let room = ERROR_BODY_BYTES_MAX.saturating_sub(bytes.len());
            bytes.extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
            if room <= data.len() {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(limit.min(Duration::from_secs(10)), reading).await;
    bytes.freeze()
}

/// Makes the response. From here on the record belongs to the body.
pub(crate) async fn answer(answer: Answer, mut record: OpenRecord, head: Head, shutdown: Shutdown) -> Response {
    let Answer { status, mut headers, body } = answer;
    head.write(&mut headers);
    // What a provider sent is never a page of ours, even if a browser is led to open it.
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox"),
    );
    record.answered(status.as_u16());
    let body = match body {
        AnswerBody::Whole { bytes, kind } => {
            record.sent(bytes.len());
            record.call_ends(CallEnd { outcome: Outcome::Error, error_kind: Some(kind), facts: None });
            record.close(Outcome::Error, Some(kind)).await;
            Body::from(bytes)
        }
        AnswerBody::Judged { bytes, facts } => {
            record.sent(bytes.len());
            let was_read = !bytes.is_empty() && record.is_billable();
            let (outcome, error_kind) = relay::judge(&facts, false, was_read);
            record.call_ends(CallEnd { outcome, error_kind, facts: Some(*facts) });
            record.close(outcome, error_kind).await;
            Body::from(bytes)
        }
        AnswerBody::Relay(relay) => {
            let relay = *relay;
            let length = relay.length;
            let flow = Flow {
                upstream: relay.upstream,
                held: relay.held,
                meter: relay.meter,
                filter: relay.filter,
                guard: relay.guard,
                record,
                client_api: relay.client_api,
                is_event_stream: relay.is_event_stream,
                request_id: head.request_id,
                disconnect: relay.disconnect,
                patience: relay.patience,
                cut: shutdown.coming(),
                shutdown,
                tail: [0; 4],
            };
            Body::new(RelayBody::new(flow, length).await)
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
