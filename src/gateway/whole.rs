//! Answers that are read whole, because they are translated or edited, while a failure can still be told by a true
//! status.

use http_body_util::BodyExt as _;
use tokio::time::Instant;

use super::{
    answer::{AnswerBody, Relay},
    error::Refusal,
    flow,
    record::{CallEnd, OpenRecord},
    respond::Exchange,
    sanitize::AnswerGuard,
    translate::MAX_REPLY_BYTES,
    upstream_error::told_inside,
    walk::Failure,
};
use crate::{dialect::translate::Dropped, domain::ErrorKind};

/// Reads an answer whole, translates it where the APIs differ, and lets the sanitizer judge what the client gets.
/// Tells what had no place in the client's API.
pub(super) async fn read(
    mut relay: Box<Relay>,
    exchange: &Exchange<'_>,
    record: &mut OpenRecord,
) -> Result<(AnswerBody, Dropped), Failure> {
    let mut guard = relay.guard.take();
    let provider = &exchange.target.provider;
    let way_back = exchange.way_back.as_ref();
    let broken = |how: &str| Refusal::new(ErrorKind::UpstreamProtocol, format!("provider `{}` {how}", provider.id));
    // What came, where it is translated; else what the client gets.
    let mut read = Vec::new();
    while guard.as_ref().is_none_or(|guard| guard.end().is_none()) {
        let idle = Instant::now() + exchange.target.timeouts.idle;
        let due = if exchange.stream { idle } else { idle.min(exchange.deadline) };
        let frame = tokio::time::timeout_at(due, relay.upstream.frame()).await.map_err(|_| {
            let message = format!("provider `{}` sent nothing for too long", provider.id);
            Refusal::new(ErrorKind::UpstreamTimeout, message)
        })?;
        let Some(frame) = frame else { break };
        let Ok(chunk) = frame.map_err(|_| broken("broke the answer off"))?.into_data() else { continue };
        relay.meter.feed(&chunk);
        if !relay.meter.is_readable() {
            return Err(broken("broke the answer off").into());
        }
        if relay.meter.content_started() {
            record.first_content();
        }
        let plain = relay.meter.take_plain();
        let plain = plain.as_deref().unwrap_or(&chunk);
        match &mut guard {
            Some(guard) if way_back.is_none() => read.extend_from_slice(&guard.feed(plain)),
            _ => read.extend_from_slice(plain),
        }
        if guard.is_none() && read.len() > MAX_REPLY_BYTES {
            return Err(broken("sent an answer that is too large to be read whole").into());
        }
    }
    let facts = relay.meter.facts();
    let mut dropped = Dropped::default();
    let mut judged = read;
    if let Some(way_back) = way_back {
        if let Some(error) = facts.error {
            return Err(told_inside(exchange, error));
        }
        let Some((body, of_answer)) = way_back.reply(&judged).filter(|_| facts.ended) else {
            return Err(broken("sent an answer that cannot be translated").into());
        };
        dropped = of_answer;
        judged = match &mut guard {
            Some(guard) => {
                let edited = guard.feed(&body);
                if guard.edits() { edited.to_vec() } else { body }
            }
            None => body,
        };
    }
    if let Some(guard) = guard {
        let edits = guard.edits();
        let (last, mut guard) = guard.finish_aside().await;
        if edits {
            judged.extend_from_slice(&last);
        }
        record.found(guard.take_findings());
        if let Some(refusal) = AnswerGuard::end(&guard) {
            // The provider did its part, and is paid for it.
            let (outcome, error_kind) = flow::judge(&facts, false, record.is_billable());
            record.call_ends(CallEnd { outcome, error_kind, facts: Some(facts) });
            return Err(refusal.clone().into());
        }
    }
    Ok((AnswerBody::Judged { bytes: judged.into(), facts: Box::new(facts) }, dropped))
}
