//! An answer on its way out: from what was judged to the response, which takes the record with it.

use std::collections::VecDeque;

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{
    cache::Keeper,
    flow::{self, Flow},
    head::Head,
    meter::Meter,
    patience::Patience,
    record::{CallEnd, OpenRecord},
    relay::RelayBody,
    sanitize::AnswerGuard,
    shutdown::Shutdown,
    stage::Stage,
    tally::Facts,
};
use crate::{
    config::OnClientDisconnect,
    dialect::{translate::Stream, usage_chunk},
    domain::{Api, ErrorKind, Outcome},
    provider::UpstreamAnswer,
};

/// An answer that will be relayed.
pub(crate) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: AnswerBody,
    /// Keeps a copy for those who ask the same.
    pub(super) keeper: Option<Box<Keeper>>,
}

impl Answer {
    /// An answer of which nobody keeps a copy.
    pub(super) const fn new(status: StatusCode, headers: HeaderMap, body: AnswerBody) -> Self {
        Self { status, headers, body, keeper: None }
    }
}

/// Its body, as far as it is known.
pub(super) enum AnswerBody {
    /// An error of the provider's, read whole because it is short and must be looked through.
    Whole { bytes: Bytes, kind: ErrorKind },
    /// An answer that was read whole to be judged.
    Judged { bytes: Bytes, facts: Box<Facts> },
    /// One that was given before.
    Kept { bytes: Bytes, is_stream: bool },
    /// Everything else.
    Relay(Box<Relay>),
}

/// An answer that has begun.
pub(super) struct Relay {
    pub(super) upstream: UpstreamAnswer,
    /// What was waited for before the head was sent.
    pub(super) held: VecDeque<Bytes>,
    /// How many of these chunks the meter has seen.
    pub(super) metered: usize,
    /// Whether it is no answer when nothing comes, or nothing that could be read.
    pub(super) must_speak: bool,
    pub(super) meter: Meter,
    pub(super) filter: Option<usage_chunk::Filter>,
    pub(super) translation: Option<Box<Stream>>,
    /// What the plugins read and write the stream by, in place of `translation`.
    pub(super) stage: Option<Box<Stream>>,
    pub(super) guard: Option<AnswerGuard>,
    pub(super) client_api: Api,
    pub(super) is_event_stream: bool,
    pub(super) disconnect: OnClientDisconnect,
    pub(super) patience: Patience,
    pub(super) length: Option<u64>,
}

/// Makes the response. From here on the record belongs to the body.
pub(crate) async fn answer(answer: Answer, mut record: OpenRecord, mut head: Head, shutdown: Shutdown) -> Response {
    let Answer { status, mut headers, body, keeper } = answer;
    let is_stream = !headers.contains_key(header::CONTENT_LENGTH) && matches!(body, AnswerBody::Relay(_));
    let mut keeper = keeper.and_then(|keeper| keeper.begin(status, &headers, is_stream));
    record.answered(status.as_u16());
    // How a call ended that was read whole, its head can tell.
    let judged = match &body {
        AnswerBody::Whole { kind, .. } => {
            record.call_ends(CallEnd { outcome: Outcome::Error, error_kind: Some(*kind), facts: None });
            None
        }
        AnswerBody::Judged { bytes, facts } => {
            let was_read = record.must_speak() || (!bytes.is_empty() && record.is_billable());
            let (outcome, error_kind) = flow::judge(facts, false, was_read);
            record.call_ends(CallEnd { outcome, error_kind, facts: Some((**facts).clone()) });
            head.cost(record.cost_so_far());
            Some((outcome, error_kind))
        }
        AnswerBody::Kept { .. } | AnswerBody::Relay(_) => None,
    };
    head.failed(&record);
    head.write(&mut headers);
    // What a provider sent is never a page of ours, even if a browser is led to open it.
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox"),
    );
    let body = match body {
        AnswerBody::Whole { bytes, kind } => {
            record.sent(bytes.len());
            record.close(Outcome::Error, Some(kind)).await;
            Body::from(bytes)
        }
        AnswerBody::Judged { bytes, .. } => {
            record.sent(bytes.len());
            let (outcome, error_kind) = judged.unwrap_or((Outcome::Ok, None));
            if outcome == Outcome::Ok
                && let Some(mut keeper) = keeper.take()
                && keeper.add(&bytes)
                && let Some(record) = record.so_far()
            {
                keeper.keep(record);
            }
            record.close(outcome, error_kind).await;
            Body::from(bytes)
        }
        AnswerBody::Kept { bytes, is_stream } => {
            record.first_content();
            record.sent(bytes.len());
            record.close(Outcome::Ok, None).await;
            if is_stream {
                Body::from_stream(futures_util::stream::iter([Ok::<_, std::convert::Infallible>(bytes)]))
            } else {
                Body::from(bytes)
            }
        }
        AnswerBody::Relay(relay) => {
            let relay = *relay;
            let length = relay.length;
            // A copy stays with the record, in case a plugin is at work when the client leaves.
            let stage = relay.stage.zip(record.plugins().cloned());
            let stage = stage.map(|(stream, plugins)| Stage::new(stream, plugins));
            let flow = Box::new(Flow {
                upstream: relay.upstream,
                held: relay.held,
                metered: relay.metered,
                must_speak: relay.must_speak,
                meter: relay.meter,
                filter: relay.filter,
                translation: relay.translation,
                stage,
                guard: relay.guard,
                keeper,
                record,
                client_api: relay.client_api,
                is_event_stream: relay.is_event_stream,
                request_id: head.request_id().to_owned(),
                disconnect: relay.disconnect,
                patience: relay.patience,
                cut: shutdown.coming(),
                shutdown,
                tail: [0; 4],
            });
            RelayBody::of(flow, length).await
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
