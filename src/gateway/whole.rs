//! Answers that are read whole, because they are translated or edited, while a failure can still be told by a true
//! status.

use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use tokio::time::Instant;

use super::{
    answer::{AnswerBody, Relay},
    document,
    error::Refusal,
    flow, hooks,
    record::{CallEnd, OpenRecord},
    respond::Exchange,
    sanitize::AnswerGuard,
    tally::Facts,
    translate::MAX_REPLY_BYTES,
    upstream_error::told_inside,
    walk::{Failure, Hold},
};
use crate::{
    dialect::translate::{Dropped, patch},
    domain::ErrorKind,
    plugins::{Decision, Ending, Hook},
};

/// Reads an answer whole, translates it where the APIs differ, and lets the sanitizer judge what the client gets.
/// Tells what had no place in the client's API.
pub(super) async fn read(
    mut relay: Box<Relay>,
    exchange: &Exchange<'_>,
    head: (StatusCode, &HeaderMap),
    record: &mut OpenRecord,
) -> Result<(AnswerBody, Dropped), Failure> {
    let mut guard = relay.guard.take();
    let provider = &exchange.target.provider;
    let way_back = exchange.way_back.as_ref();
    let is_looked_at = exchange.endpoint.is_conversation() && record.has_hook(Hook::AfterModel);
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
            Some(guard) if way_back.is_none() && !is_looked_at => read.extend_from_slice(&guard.feed(plain)),
            _ => read.extend_from_slice(plain),
        }
        if (guard.is_none() || is_looked_at) && read.len() > MAX_REPLY_BYTES {
            return Err(broken("sent an answer that is too large to be read whole").into());
        }
    }
    let facts = relay.meter.facts();
    let mut dropped = Dropped::default();
    let mut judged = read;
    if way_back.is_some() || is_looked_at {
        if let Some(error) = facts.error {
            return Err(told_inside(exchange, error));
        }
        if !facts.ended {
            return Err(broken("sent an answer that cannot be translated").into());
        }
        let looked = if is_looked_at { Some(Box::pin(look(&judged, exchange, &facts, record)).await?) } else { None };
        let written = match (looked, way_back) {
            (Some(Some(written)), _) => Some(written),
            (_, Some(way_back)) => way_back.reply(&judged),
            (_, None) => Some((judged, Dropped::default())),
        };
        let Some((body, of_answer)) = written else {
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
    if exchange.hold != Hold::Not
        && relay.must_speak
        && let Some(failure) = document::failure(exchange, head, judged.clone().into(), &facts, record.is_task())
    {
        return Err(failure);
    }
    Ok((AnswerBody::Judged { bytes: judged.into(), facts: Box::new(facts) }, dropped))
}

/// Shows an answer to the plugins; what comes back is what they made of it, `None` when they left it as it is.
async fn look(
    body: &[u8],
    exchange: &Exchange<'_>,
    facts: &Facts,
    record: &mut OpenRecord,
) -> Result<Option<(Vec<u8>, Dropped)>, Failure> {
    let (way_back, plugins) = (exchange.way_back.as_ref().or(exchange.alike.as_ref()), record.plugins());
    let (Some(way_back), Some(plugins)) = (way_back, plugins) else { return Ok(None) };
    let Some(reply) = way_back.read(body) else {
        let message = format!("provider `{}` sent an answer that cannot be read", exchange.target.provider.id);
        return Err(Refusal::new(ErrorKind::UpstreamProtocol, message).into());
    };
    plugins.context.usage = facts.usage;
    plugins.context.reply = Some(reply.clone());
    let decision = record.ask_plugins(Hook::AfterModel).await;
    let done = |record: &mut OpenRecord| {
        // The provider did its part, and is paid for it.
        let (outcome, error_kind) = flow::judge(facts, false, record.is_billable());
        record.call_ends(CallEnd { outcome, error_kind, facts: Some(facts.clone()) });
    };
    let changed = match decision {
        None => return Ok(None),
        Some(Decision::Terminate(plugin, Ending::Refusal { status, message })) => {
            done(record);
            return Err(hooks::refused(&plugin, status, message).into());
        }
        Some(Decision::Failed(plugin)) => {
            done(record);
            return Err(hooks::failed(&plugin).into());
        }
        Some(Decision::Terminate(_, Ending::Reply(reply))) => Some(*reply),
        Some(Decision::Proceed { .. } | Decision::Reevaluate { .. }) => {
            record.plugins().and_then(|plugins| plugins.context.reply.take())
        }
    };
    let Some(changed) = changed.filter(|changed| *changed != reply) else { return Ok(None) };
    let (written, dropped) = way_back.write(&changed);
    if exchange.way_back.is_some() {
        return Ok(Some((written, dropped)));
    }
    // In the client's own API what no plugin touched stays as the provider wrote it.
    let own = std::str::from_utf8(body).ok();
    let patched = own.and_then(|own| patch::patch(own, &way_back.write(&reply).0, &written));
    Ok(Some((patched.map_or(written, |patched| patched.body), dropped)))
}
