//! What a provider says went wrong, and how much of it the client is told.
//!
//! Never passes on what shows or concerns our credential.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::BodyExt as _;

use super::{
    answer::{Answer, AnswerBody},
    decode::Decoder,
    error::Refusal,
    head::text,
    record::OpenRecord,
    respond::Exchange,
    tally::{Framing, StreamError},
    walk::{self, Failure, Told},
};
use crate::{config::ProviderKey, domain::ErrorKind, provider::UpstreamAnswer};

/// Longest error body that is passed on; longer ones are cut off.
const ERROR_BODY_BYTES_MAX: usize = 256 * 1024;

/// A 4xx or 5xx of the provider's, passed on as it came unless it concerns or shows our credential.
pub(super) async fn provider_error(
    status: StatusCode,
    mut headers: HeaderMap,
    upstream: UpstreamAnswer,
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
    let bytes = read_error(upstream, exchange.target.timeouts.idle).await;
    let mut decoder = Decoder::new(text(&headers, header::CONTENT_ENCODING), Vec::new());
    decoder.feed(&bytes);
    let plain = decoder.sink().map_or(&[][..], Vec::as_slice);
    if exchange.credential.is_in(&bytes) || exchange.credential.is_in(plain) {
        let message = format!("provider `{}` answered {} with text that held its key", provider.id, status.as_u16());
        let told = Told::Refusal(Refusal::new(kind, message));
        return Err(Failure { kind, status: Some(status.as_u16()), retry_after, facts: None, told });
    }
    headers.remove(header::CONTENT_LENGTH);
    let mut bytes = bytes;
    let mut told_status = status;
    let translated = exchange.way_back.as_ref().map(|way_back| way_back.error(status.as_u16(), plain));
    let plain = match &translated {
        Some((status, body)) => {
            if let Some(way_back) = &exchange.way_back {
                way_back.describe(&mut headers, Framing::Json);
            }
            told_status = StatusCode::from_u16(*status).unwrap_or(told_status);
            bytes = Bytes::copy_from_slice(body);
            body
        }
        None => plain,
    };
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
        if let Some(refusal) =
            refusal.or_else(|| (guard.edits() && decoder.error().is_some() && translated.is_none()).then(unread))
        {
            let told = Told::Refusal(refusal);
            return Err(Failure { kind, status: Some(status.as_u16()), retry_after, facts: None, told });
        }
        if guard.edits() {
            headers.remove(header::CONTENT_ENCODING);
            bytes = judged.into();
        }
    }
    let told = Told::Answer(Answer::new(told_status, headers, AnswerBody::Whole { bytes, kind }));
    Err(Failure { kind, status: Some(status.as_u16()), retry_after, facts: None, told })
}

/// Reads an error body, as much of it as comes in time and fits.
async fn read_error(mut upstream: UpstreamAnswer, limit: Duration) -> Bytes {
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

/// An error with which a stream began, or told in place of an answer: the client, who has seen nothing yet, is told it
/// by a true status, and by its meaning where the APIs differ.
pub(super) fn told_inside(exchange: &Exchange<'_>, error: StreamError) -> Failure {
    let provider = &exchange.target.provider.id;
    let is_plain = !error.message.is_empty() && !exchange.credential.is_in(error.message.as_bytes());
    let message = error.message;
    let message = match &exchange.watch {
        Some(watch) if is_plain => watch.told(exchange.endpoint.api(), &message),
        _ => is_plain.then_some(message),
    };
    let message = message.unwrap_or_else(|| format!("provider `{provider}` answered with an error"));
    let told = match &exchange.way_back {
        Some(way_back) => {
            let (status, body) = way_back.told(error.status, &error.words, message);
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let json = HeaderValue::from_static("application/json");
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json)]);
            Told::Answer(Answer::new(status, headers, AnswerBody::Whole { bytes: body.into(), kind: error.kind }))
        }
        None => Told::Refusal(Refusal { status: error.status, ..Refusal::new(error.kind, message) }),
    };
    Failure { kind: error.kind, status: error.status, retry_after: None, facts: None, told }
}
