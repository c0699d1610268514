//! One upstream call of a walk: paid for, let through by its breaker, made, and judged.
//!
//! Never decides whether another one follows; that is the walk's.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tokio::time::Instant;

use super::{
    accept::Inbound,
    allow::{self, Estimate, Funds},
    answer::Answer,
    call::{self, Outbound},
    error::Refusal,
    head::Head,
    record::{CallEnd, OpenRecord},
    respond::{self, Exchange},
    sanitize::Watch,
    walk::{Failure, Hold, Told, Walk},
};
use crate::{
    domain::{Endpoint, ErrorKind, Outcome, Timestamp},
    provider::{Health, Pulse},
    routing::Target,
};

/// What came of trying a target.
pub(super) enum Tried {
    /// A target answered.
    Answered { answer: Box<Answer>, by: Target },
    /// It was called and failed, or could not be called.
    Failed(Failure),
    /// It failed, and so did the next one, which was asked beside it.
    BothFailed { failure: Failure, next: Failure, next_was_last: bool },
    /// It was not called: its breaker opened, or its probe went, since the plan was made.
    Closed,
    /// It was not called: a limit or a budget does not let it be.
    Unpaid(Refusal),
}

/// A call that may be made.
pub(super) struct Prepared {
    pub(super) target: Target,
    outbound: Outbound,
    pulse: Pulse,
    funds: Funds,
}

/// What of the request every call for it shares.
#[derive(Clone)]
pub(super) struct Asked {
    endpoint: Endpoint,
    pub(super) stream: bool,
    watch: Option<Watch>,
    hold: Hold,
}

impl Asked {
    pub(super) fn of(inbound: &Inbound, hold: Hold) -> Self {
        Self { endpoint: inbound.endpoint, stream: inbound.stream, watch: inbound.watch.clone(), hold }
    }
}

impl Walk<'_> {
    /// One upstream call.
    pub(super) async fn attempt(
        &self,
        inbound: &mut Inbound,
        target: &Target,
        hold: Hold,
        record: &mut OpenRecord,
        head: &mut Head,
    ) -> Tried {
        let asked = Asked::of(inbound, hold);
        let prepared = match self.prepare(inbound, target, record) {
            Ok(prepared) => prepared,
            Err(not_called) => return *not_called,
        };
        let by = prepared.target.clone();
        match self.call(prepared, asked, record, head, &AtomicBool::default()).await {
            Ok(answer) => Tried::Answered { answer: Box::new(answer), by },
            Err(failure) => Tried::Failed(failure),
        }
    }

    /// Everything before the call; what is returned instead of it has taken nothing.
    pub(super) fn prepare(
        &self,
        inbound: &mut Inbound,
        target: &Target,
        record: &OpenRecord,
    ) -> Result<Prepared, Box<Tried>> {
        let provider = &target.provider;
        let estimate = Estimate::of(inbound, record.started_at());
        let funds = allow::fund(self.policy, self.caller, target, &estimate).map_err(Tried::Unpaid)?;
        let now = Timestamp::now();
        let (health, routing) = (&self.memory.health, &self.policy.config.routing);
        let begin = if self.is_forced { Health::begin_anyway } else { Health::begin };
        let Some(pulse) = begin(health, &provider.id, target.model.as_deref(), routing, now) else {
            funds.undo(now);
            return Err(Box::new(Tried::Closed));
        };
        let nonce = record.id().map(|id| id.to_string()).unwrap_or_default();
        match call::outbound(inbound, self.caller, target, self.policy, &nonce) {
            Ok(outbound) => {
                // Of OpenAI's two APIs one was chosen.
                let api = outbound.way_back.as_ref().map_or(target.api, |way_back| way_back.api);
                Ok(Prepared { target: Target { api, ..target.clone() }, outbound, pulse, funds })
            }
            Err(refusal) => {
                funds.undo(now);
                Err(Box::new(Tried::Failed(refusal.into())))
            }
        }
    }

    /// Makes the call and judges what comes of it; `heard` becomes true with the head of the provider's answer.
    pub(super) async fn call(
        &self,
        prepared: Prepared,
        asked: Asked,
        record: &mut OpenRecord,
        head: &mut Head,
        heard: &AtomicBool,
    ) -> Result<Answer, Failure> {
        let Prepared { target, outbound, pulse, funds } = prepared;
        let provider = &target.provider;
        let Some(client) = self.policy.clients.get(&provider.id) else {
            funds.undo(Timestamp::now());
            return Err(Refusal::new(ErrorKind::Internal, "the provider has no client").into());
        };
        head.target(&target);
        head.dropped(&outbound.dropped);
        record.call_begins(&target, &outbound.credential, pulse, funds);
        let patience = if asked.stream { target.timeouts.first_token } else { target.timeouts.total };
        let deadline = Instant::now() + patience;
        let sent = call::send(client, &provider.id, outbound.request, patience).await;
        heard.store(true, Relaxed);
        if let Some(upload) = &outbound.upload {
            record.received(upload.bytes.load(Relaxed));
        }
        let mut answered = match sent {
            Ok(response) => {
                let exchange = Exchange {
                    endpoint: asked.endpoint,
                    stream: asked.stream,
                    target: &target,
                    credential: &outbound.credential,
                    hides_usage_chunk: outbound.hides_usage_chunk,
                    disconnect: self.policy.config.server.on_client_disconnect,
                    deadline,
                    hold: asked.hold,
                    watch: asked.watch,
                    way_back: outbound.way_back,
                    alike: outbound.alike,
                };
                respond::judge(response, exchange, record).await
            }
            Err(refusal) => Err(outbound.upload.as_ref().and_then(|upload| upload.blame()).unwrap_or(refusal).into()),
        };
        if let Err(failure) = &mut answered
            && !matches!(&failure.told, Told::Refusal(refusal) if refusal.client_gone)
        {
            let facts = failure.facts.take().map(|facts| *facts);
            record.call_ends(CallEnd { outcome: Outcome::Error, error_kind: Some(failure.kind), facts });
        }
        answered
    }
}
