//! From the head of the provider's answer to the head of ours.
//!
//! Decides while a failure can still be told by a true status; sends nothing.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::BodyExt as _;
use tokio::time::Instant;

use super::{
    answer::{Answer, AnswerBody, Relay},
    decode::Decoder,
    document,
    error::Refusal,
    head::{DROPPED, passed_on, text},
    meter::Meter,
    patience::Patience,
    record::OpenRecord,
    sanitize::{AnswerGuard, Watch},
    tally::{Framing, Tally},
    translate::WayBack,
    upstream_error::{provider_error, told_inside},
    walk::{Failure, Hold},
    whole,
};
use crate::{
    config::OnClientDisconnect,
    dialect::usage_chunk,
    domain::{Endpoint, ErrorKind},
    plugins::Hook,
    provider::{Credential, UpstreamAnswer},
    routing::Target,
    sanitize,
};

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
    /// How long its beginning is worth holding back.
    pub(super) hold: Hold,
    /// What the sanitizer looks for.
    pub(crate) watch: Option<Watch>,
    /// What turns the answer into the client's API, if the provider was asked in another.
    pub(crate) way_back: Option<WayBack>,
    /// What reads and writes an answer in the client's own API, if plugins look at it.
    pub(crate) alike: Option<WayBack>,
}

impl Exchange<'_> {
    /// The endpoint at which the provider was asked.
    pub(super) fn asked(&self) -> Endpoint {
        self.way_back.as_ref().map_or(self.endpoint, |way_back| way_back.endpoint)
    }

    /// How the provider's answer is framed, by its type. What clients read as JSON is JSON whatever its type says: it is
    /// judged and measured so. Of streams, which some servers send as plain text, that holds for pages only.
    fn framing(&self, headers: &HeaderMap) -> Framing {
        let kind = text(headers, header::CONTENT_TYPE);
        let is_page = || kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"));
        match Framing::of(kind, self.asked()) {
            Framing::Opaque if self.asked().answers_json() && (!self.stream || is_page()) => Framing::Json,
            framing => framing,
        }
    }

    /// Whether it is no answer when nothing comes, or nothing that can be read. Files are whatever they are.
    fn must_speak(&self, framing: Framing) -> bool {
        framing != Framing::Opaque && !matches!(self.endpoint, Endpoint::Files | Endpoint::Batches)
    }

    /// Until when what has come is held back, from now on: who would get nothing better for waiting does not wait.
    pub(super) fn held_until(&self) -> Instant {
        match self.hold {
            Hold::Until(last_fallback) => last_fallback,
            Hold::Briefly | Hold::Not => Instant::now() + OPENING_PATIENCE,
        }
    }

    /// A meter for the provider's answer.
    fn meter(&self, framing: Framing, encoding: Option<&str>, keeps_plain: bool) -> Meter {
        Meter::new(Tally::new(self.target.api, self.asked(), framing), encoding, keeps_plain)
    }
}

/// How long the beginning of an answer is held back where no other target could take over, and how much of a stream's
/// anywhere.
const OPENING_PATIENCE: Duration = Duration::from_secs(1);
const OPENING_BYTES_MAX: usize = 64 * 1024;

/// Headers in which providers tell the id of a call.
const REQUEST_ID_HEADERS: [&str; 5] = ["x-request-id", "request-id", "apim-request-id", "x-goog-request-id", "cf-ray"];

/// Reads the head of the provider's answer and decides how it goes on. What is rare is in boxes, so that the future of
/// every call is not as large as that of the rarest.
pub(crate) async fn judge(
    response: http::Response<UpstreamAnswer>,
    exchange: Exchange<'_>,
    record: &mut OpenRecord,
) -> Result<Answer, Failure> {
    let (mut parts, upstream) = response.into_parts();
    let judged = exchange.watch.as_ref().map_or(Ok(()), |watch| watch.head(&mut parts.headers, record));
    let call_id = REQUEST_ID_HEADERS.iter().find_map(|name| parts.headers.get(*name)?.to_str().ok());
    record.call_answered(parts.status.as_u16(), call_id.filter(|_| judged.is_ok()));
    judged?;
    let mut headers = passed_on(&parts.headers, exchange.credential);
    if parts.status.is_client_error() || parts.status.is_server_error() {
        return Box::pin(provider_error(parts.status, headers, upstream, &exchange, record)).await;
    }
    let framing = exchange.framing(&parts.headers);
    let told_framing = exchange.way_back.as_ref().map_or(framing, WayBack::framing);
    let is_looked_at = is_looked_at(&exchange, told_framing, record);
    let told_framing = match (&exchange.alike, is_looked_at) {
        (Some(alike), true) => alike.framing(),
        _ => told_framing,
    };
    let encoding = text(&parts.headers, header::CONTENT_ENCODING);
    let is_event_stream = told_framing == Framing::Sse || (told_framing == Framing::NdJson && exchange.stream);
    let waits_for_first = is_event_stream || exchange.stream;
    let is_readable = Decoder::new(encoding, std::io::sink()).error().is_none();
    let filters = exchange.hides_usage_chunk && framing == Framing::Sse && is_readable;
    let filter = filters.then(usage_chunk::Filter::default);
    let guard = guard(&exchange, &parts.headers, told_framing);
    let edits = guard.as_ref().is_some_and(AnswerGuard::edits);
    if (exchange.way_back.is_some() || is_looked_at) && (framing == Framing::Opaque || !is_readable) {
        let message =
            format!("provider `{}` answered in a form that cannot be translated", exchange.target.provider.id);
        return Err(Refusal::new(ErrorKind::UpstreamProtocol, message).into());
    }
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
    let announced = text(&parts.headers, header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
    let is_cut = filter.is_some() || edits;
    let is_same = !describe(&mut headers, &exchange, (framing, told_framing), is_looked_at, is_cut);
    let length = announced.filter(|_| is_same);
    let keeps_plain = filter.is_some() || guard.is_some() || exchange.way_back.is_some() || is_looked_at;
    let is_stream = match told_framing {
        Framing::Sse | Framing::JsonArray => true,
        Framing::NdJson => exchange.stream,
        Framing::Json | Framing::Opaque => false,
    };
    let (filter, stage) = match is_looked_at && is_stream {
        false => (filter, None),
        true => (None, exchange.way_back.as_ref().or(exchange.alike.as_ref()).map(WayBack::stream)),
    };
    let mut relay = Box::new(Relay {
        upstream,
        held: VecDeque::new(),
        metered: 0,
        must_speak: exchange.must_speak(framing),
        meter: exchange.meter(framing, encoding, keeps_plain),
        filter,
        translation: exchange.way_back.as_ref().filter(|_| stage.is_none()).map(WayBack::stream),
        stage,
        guard,
        client_api: exchange.endpoint.api(),
        is_event_stream,
        disconnect: exchange.disconnect,
        patience: Patience::new(exchange.target.timeouts.idle, (!waits_for_first).then_some(exchange.deadline)),
        length,
    });
    if (edits || exchange.way_back.is_some() || record.is_task() || is_looked_at)
        && !is_stream
        && framing != Framing::Opaque
    {
        let (body, dropped) = Box::pin(whole::read(relay, &exchange, (parts.status, &headers), record)).await?;
        if let Some(Ok(dropped)) = (!dropped.is_empty()).then(|| HeaderValue::from_str(&dropped.to_string())) {
            headers.insert(DROPPED, dropped);
        }
        return Ok(Answer::new(parts.status, headers, body));
    }
    let head = (parts.status, &headers);
    Box::pin(hold_back(&mut relay, &exchange, (framing, is_stream, encoding), head, record)).await?;
    Ok(Answer::new(parts.status, headers, AnswerBody::Relay(relay)))
}

/// Waits for as much of an answer as may still be mended, before anything of it goes out.
async fn hold_back(
    relay: &mut Relay,
    exchange: &Exchange<'_>,
    (framing, is_stream, encoding): (Framing, bool, Option<&str>),
    head: (StatusCode, &HeaderMap),
    record: &mut OpenRecord,
) -> Result<(), Failure> {
    let is_mendable = exchange.hold != Hold::Not;
    // What is to be translated for who asked for a stream is read as a stream's beginning.
    if is_mendable && !is_stream && framing != Framing::Opaque && exchange.way_back.is_none() {
        return document::hold(relay, exchange, head, record).await;
    }
    if !relay.is_event_stream && !exchange.stream {
        return Ok(());
    }
    // Until the first chunk is here, a failure can still be told by a true status.
    relay.held.extend(first_chunk(&mut relay.upstream, exchange).await?);
    if is_mendable && relay.held.is_empty() && relay.must_speak {
        let message = format!("provider `{}` ended the answer before its first byte", exchange.target.provider.id);
        return Err(Refusal::new(ErrorKind::UpstreamProtocol, message).into());
    }
    if is_document(relay, exchange, framing) || (is_mendable && is_stream) {
        return opening(relay, exchange, framing, encoding).await;
    }
    Ok(())
}

/// Makes the headers describe what the client gets; true when that is not byte for byte what the provider sent.
fn describe(
    headers: &mut HeaderMap,
    exchange: &Exchange<'_>,
    (framing, told): (Framing, Framing),
    is_looked_at: bool,
    is_cut: bool,
) -> bool {
    if let Some(way_back) = &exchange.way_back {
        way_back.describe(headers, told);
        return true;
    }
    if is_looked_at || is_cut {
        // The client gets other bytes than the provider sends, and gets them decoded.
        headers.remove(header::CONTENT_LENGTH);
        headers.remove(header::CONTENT_ENCODING);
    }
    if is_looked_at {
        headers.remove(header::ETAG);
        if let Some(alike) = exchange.alike.as_ref().filter(|_| framing != told) {
            alike.describe(headers, told);
        }
    }
    is_looked_at || is_cut
}

/// Whether plugins look at this answer, streamed or whole.
fn is_looked_at(exchange: &Exchange<'_>, framing: Framing, record: &OpenRecord) -> bool {
    let is_stream = exchange.stream && framing != Framing::Json;
    let hook = if is_stream { Hook::AfterChunk } else { Hook::AfterModel };
    exchange.endpoint.is_conversation() && record.has_hook(hook)
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

async fn first_chunk(upstream: &mut UpstreamAnswer, exchange: &Exchange<'_>) -> Result<Option<Bytes>, Refusal> {
    let provider = &exchange.target.provider;
    let limit = exchange.target.timeouts.first_token;
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

/// Whether one document comes where a stream was asked for, which is to be translated: most likely an error.
fn is_document(relay: &Relay, exchange: &Exchange<'_>, framing: Framing) -> bool {
    let begins = relay.held.iter().flatten().find(|byte| !byte.is_ascii_whitespace());
    // Of lines each is a document.
    exchange.way_back.is_some() && framing != Framing::NdJson && (framing == Framing::Json || begins == Some(&b'{'))
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
    let mut probe = exchange.meter(framing, encoding, false);
    relay.held.iter().for_each(|chunk| probe.feed(chunk));
    let held_until = exchange.held_until();
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
        if facts.ended && is_document(relay, exchange, framing) {
            let body: Vec<u8> = relay.held.iter().flatten().copied().collect();
            let is_plain = encoding.is_none_or(|name| name.eq_ignore_ascii_case("identity"));
            if is_plain && exchange.way_back.as_ref().is_some_and(|way_back| way_back.read(&body).is_none()) {
                let message = format!("provider `{}` sent an answer that cannot be translated", target.provider.id);
                return Err(Refusal::new(ErrorKind::UpstreamProtocol, message).into());
            }
        }
        if facts.ended || held > OPENING_BYTES_MAX {
            return Ok(());
        }
        let late = exchange.deadline.min(Instant::now() + target.timeouts.idle);
        match tokio::time::timeout_at(late.min(held_until), relay.upstream.frame()).await {
            // Nobody could take over any more: the client gets what there is.
            Err(_) if held_until <= late => return Ok(()),
            Err(_) => {
                let message =
                    format!("provider `{}` sent no content in time, only the stream's opening", target.provider.id);
                return Err(Refusal::new(ErrorKind::UpstreamTimeout, message).into());
            }
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
