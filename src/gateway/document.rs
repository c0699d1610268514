//! Answers in one piece that are held until they are whole, where another attempt could take their place: no client can
//! use one before its last byte.
//!
//! Never holds more than a bounded part, nor for longer than another attempt could be made; what is longer, or slower, is
//! relayed as it comes.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt as _;
use tokio::time::Instant;

use super::{
    answer::{Answer, AnswerBody, Relay},
    error::Refusal,
    record::OpenRecord,
    respond::Exchange,
    tally::Facts,
    upstream_error::told_inside,
    walk::{Failure, Told},
};
use crate::domain::ErrorKind;

/// Longer answers have begun well enough to be believed.
const HELD_BYTES_MAX: usize = 64 * 1024;

/// Waits for the end of an answer and judges it. What is held is relayed afterwards as if it came then.
pub(super) async fn hold(
    relay: &mut Relay,
    exchange: &Exchange<'_>,
    head: (StatusCode, &HeaderMap),
    record: &mut OpenRecord,
) -> Result<(), Failure> {
    if !relay.meter.is_readable() {
        // In an encoding that nobody here reads.
        return Ok(());
    }
    let provider = &exchange.target.provider;
    let held_until = exchange.held_until();
    let mut held = 0;
    while held <= HELD_BYTES_MAX {
        let idle = Instant::now() + exchange.target.timeouts.idle;
        let (late, held_until) = match (exchange.stream, held) {
            // Whoever asks for a stream gets its head with its first byte.
            (true, 0) => (exchange.deadline, exchange.deadline + exchange.target.timeouts.idle),
            (true, 1..) => (idle, held_until),
            (false, _) => (idle.min(exchange.deadline), held_until),
        };
        let Ok(frame) = tokio::time::timeout_at(late.min(held_until), relay.upstream.frame()).await else {
            if held_until <= late {
                break;
            }
            let message = format!("provider `{}` did not send its answer in time", provider.id);
            return Err(failed(ErrorKind::UpstreamTimeout, message, relay.meter.facts()));
        };
        let Some(frame) = frame else {
            return whole(relay, exchange, head, record).map_or(Ok(()), Err);
        };
        let chunk = frame.map_err(|_| {
            let message = format!("provider `{}` broke the answer off", provider.id);
            failed(ErrorKind::UpstreamProtocol, message, relay.meter.facts())
        })?;
        let Ok(chunk) = chunk.into_data() else { continue };
        held += chunk.len();
        relay.meter.feed(&chunk);
        relay.held.push_back(chunk);
        if relay.meter.has_ended() {
            // What a provider does after the end of its answer is for the relay to see to.
            return whole(relay, exchange, head, record).map_or(Ok(()), Err);
        }
    }
    begin(relay, record);
    Ok(())
}

/// What is wrong with an answer that is here as a whole.
fn whole(
    relay: &mut Relay,
    exchange: &Exchange<'_>,
    head: (StatusCode, &HeaderMap),
    record: &mut OpenRecord,
) -> Option<Failure> {
    let facts = relay.meter.facts();
    if fault(&facts).is_none() {
        begin(relay, record);
        return None;
    }
    if let (true, Some(error)) = (exchange.stream, &facts.error) {
        // Whoever asks for a stream is told its errors by their status.
        let failure = told_inside(exchange, error.clone());
        return Some(Failure { facts: Some(Box::new(facts)), ..failure });
    }
    let (body, plain) = (joined(relay), relay.meter.take_plain());
    look(relay, plain.as_deref().unwrap_or(&body), record);
    failure(exchange, head, body, &facts, false)
}

/// The client may have what is held, and what comes after it.
fn begin(relay: &mut Relay, record: &mut OpenRecord) {
    relay.metered = relay.held.len();
    if relay.meter.content_started() {
        record.first_content();
    }
}

/// What is wrong with a whole answer, and the status that it stands for.
fn fault(facts: &Facts) -> Option<(ErrorKind, Option<u16>)> {
    match &facts.error {
        Some(error) => Some((error.kind, error.status)),
        None => (!facts.ended).then_some((ErrorKind::UpstreamProtocol, None)),
    }
}

/// The failure that a whole answer is: the client is told it as it came, unless it is put in other words for him.
pub(super) fn failure(
    exchange: &Exchange<'_>,
    (status, headers): (StatusCode, &HeaderMap),
    body: Bytes,
    facts: &Facts,
    in_words: bool,
) -> Option<Failure> {
    let (kind, error_status) = fault(facts)?;
    let told = if in_words || exchange.credential.is_in(&body) {
        let message = format!("provider `{}` answered {} with no answer", exchange.target.provider.id, status.as_u16());
        Told::Refusal(Refusal::new(kind, message))
    } else {
        let mut headers = headers.clone();
        headers.remove(header::CONTENT_LENGTH);
        Told::Answer(Answer::new(status, headers, AnswerBody::Whole { bytes: body, kind }))
    };
    Some(Failure { kind, status: error_status, retry_after: None, facts: Some(Box::new(facts.clone())), told })
}

fn failed(kind: ErrorKind, message: String, facts: Facts) -> Failure {
    Failure { facts: Some(Box::new(facts)), ..Refusal::new(kind, message).into() }
}

fn joined(relay: &mut Relay) -> Bytes {
    let mut held = std::mem::take(&mut relay.held);
    match held.len() {
        0 | 1 => held.pop_front().unwrap_or_default(),
        _ => held.iter().flatten().copied().collect(),
    }
}

/// What the sanitizer, which changes nothing here, finds in an answer that is not relayed.
fn look(relay: &mut Relay, plain: &[u8], record: &mut OpenRecord) {
    if let Some(mut guard) = relay.guard.take() {
        guard.feed(plain);
        guard.finish();
        record.found(guard.take_findings());
    }
}
