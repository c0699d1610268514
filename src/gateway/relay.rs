//! Step 8, relay: the provider's body to the client, chunk by chunk as it arrives, seen by the tally.
//!
//! Never holds a body (events wait only for the sanitizer), never re-frames one. A client that hangs up drops this body; what then happens
//! upstream is decided here.

use std::{
    collections::VecDeque,
    future::Future as _,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::{
    decode::Decoder,
    error::Refusal,
    record::{CallEnd, OpenRecord},
    sanitize::AnswerGuard,
    shutdown::{self, Shutdown},
    tally::{Facts, Tally},
};
use crate::{
    config::OnClientDisconnect,
    dialect::{error_body, usage_chunk},
    domain::{Api, ErrorKind, Outcome},
    store::Spooling,
};

/// The body of an answer on its way to the client.
pub(crate) struct RelayBody {
    /// `None` once the answer is complete.
    flow: Option<Box<Flow>>,
    /// The last of a complete answer, which goes when the record stands in the spool.
    last: Option<Last>,
    /// Bytes still owed when the provider announced a length and nothing is cut out.
    remaining: Option<u64>,
}

/// What the client does not have yet of an answer that is complete here.
struct Last {
    recorded: Spooling,
    frame: Next,
}

/// What a body gives when it is asked for more.
type Next = Option<Result<Frame<Bytes>, axum::BoxError>>;

/// Everything that lives as long as the upstream call.
pub(crate) struct Flow {
    pub(crate) upstream: Incoming,
    /// What was waited for before the head was sent.
    pub(crate) held: VecDeque<Bytes>,
    pub(crate) meter: Meter,
    /// Cuts out the usage chunk that the client did not ask for.
    pub(crate) filter: Option<usage_chunk::Filter>,
    /// Judges what the client is to get.
    pub(crate) guard: Option<AnswerGuard>,
    pub(crate) record: OpenRecord,
    pub(crate) client_api: Api,
    /// True for event streams: they end with an error event instead of a broken connection.
    pub(crate) is_event_stream: bool,
    pub(crate) request_id: String,
    pub(crate) disconnect: OnClientDisconnect,
    pub(crate) patience: Patience,
    /// Ready when the process ends.
    pub(crate) cut: Pin<Box<WaitForCancellationFutureOwned>>,
    pub(crate) shutdown: Shutdown,
    /// The last bytes that the client got, to know whether an event is open.
    pub(crate) tail: [u8; 4],
}

/// The tally behind the decoder that it needs; an answer that is not compressed passes straight through.
pub(crate) struct Meter(Decoder<Tap>);

/// Where decoded bytes go.
struct Tap {
    tally: Tally,
    /// The decoded bytes of the current chunk, when something is to be cut out of them.
    plain: Option<Vec<u8>>,
}

impl std::io::Write for Tap {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.tally.feed(bytes);
        if let Some(plain) = &mut self.plain {
            plain.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Meter {
    pub(crate) fn new(tally: Tally, content_encoding: Option<&str>, keeps_plain: bool) -> Self {
        let is_encoded = content_encoding.is_some_and(|name| !name.eq_ignore_ascii_case("identity"));
        Self(Decoder::new(content_encoding, Tap { tally, plain: (keeps_plain && is_encoded).then(Vec::new) }))
    }

    pub(crate) fn feed(&mut self, chunk: &[u8]) {
        self.0.feed(chunk);
    }

    /// Whether the body could be decoded as far as it came.
    pub(crate) fn is_readable(&self) -> bool {
        self.0.error().is_none()
    }

    pub(crate) fn content_started(&self) -> bool {
        self.0.sink().is_some_and(|tap| tap.tally.content_started())
    }

    /// The decoded bytes since the last call, if they are kept.
    pub(crate) fn take_plain(&mut self) -> Option<Vec<u8>> {
        self.0.sink_mut().and_then(|tap| tap.plain.as_mut()).map(std::mem::take)
    }

    pub(crate) fn facts(&self) -> Facts {
        self.0.sink().map(|tap| tap.tally.facts()).unwrap_or_default()
    }
}

/// The idle timer of an answer: one timer, re-armed only when it fires. Only the time counts in which
/// the provider was waited for: a client that reads slowly does not use up its patience.
pub(crate) struct Patience {
    idle: Duration,
    /// When the whole call must be over, if it must.
    deadline: Option<Instant>,
    /// Since when nothing has come although it was asked for.
    waiting_since: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

impl Patience {
    pub(crate) fn new(idle: Duration, deadline: Option<Instant>) -> Self {
        let due = earlier(Instant::now() + idle, deadline);
        Self { idle, deadline, waiting_since: None, timer: Box::pin(tokio::time::sleep_until(due)) }
    }

    /// Ready when nothing has come for too long.
    fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        loop {
            ready!(self.timer.as_mut().poll(context));
            let due = earlier(since + self.idle, self.deadline);
            if Instant::now() >= due {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(due);
        }
    }
}

fn earlier(due: Instant, deadline: Option<Instant>) -> Instant {
    deadline.map_or(due, |deadline| due.min(deadline))
}

impl RelayBody {
    pub(crate) async fn new(flow: Flow, announced_length: Option<u64>) -> Self {
        let is_empty = flow.held.is_empty() && flow.upstream.is_end_stream();
        let mut body = Self { flow: Some(Box::new(flow)), last: None, remaining: announced_length };
        if is_empty && let Some(flow) = body.flow.take() {
            // The server never asks for the body of an answer that has none (204, HEAD, length 0).
            flow.close().await;
        }
        body
    }

    /// The answer is over: its record must be in the spool before `frame`, the last of it, leaves.
    fn end_with(&mut self, recorded: Spooling, frame: Next) {
        self.last = Some(Last { recorded, frame });
    }
}

impl Flow {
    /// Lets the tally see a chunk and returns what the client is to get of it.
    fn pass(&mut self, chunk: Bytes) -> Bytes {
        let started_before = self.meter.content_started();
        self.meter.feed(&chunk);
        let plain = self.meter.take_plain().map(Bytes::from);
        let edits = self.edits();
        let delivered = match &mut self.filter {
            None => plain.clone().filter(|_| edits).unwrap_or(chunk),
            Some(filter) => filtered(filter, &plain.clone().unwrap_or(chunk)),
        };
        let delivered = match &mut self.guard {
            Some(guard) if guard.edits() => guard.feed(&delivered),
            Some(guard) => {
                guard.feed(plain.as_ref().unwrap_or(&delivered));
                delivered
            }
            None => delivered,
        };
        if !started_before && self.meter.content_started() {
            self.record.first_content();
        }
        self.delivered(&delivered);
        delivered
    }

    fn delivered(&mut self, bytes: &[u8]) {
        self.record.sent(bytes.len());
        for byte in bytes.iter().skip(bytes.len().saturating_sub(4)) {
            self.tail.rotate_left(1);
            self.tail[3] = *byte;
        }
    }

    /// Ends an event that the provider left open, so that an error event can follow it.
    fn boundary(&self) -> &'static [u8] {
        let closed = match self.client_api {
            Api::Ollama => self.tail[3] == b'\n',
            _ => self.tail.ends_with(b"\n\n") || self.tail.ends_with(b"\r\n\r\n") || self.tail == [0; 4],
        };
        match (closed, self.client_api) {
            (true, _) => b"",
            (false, Api::Ollama) => b"\n",
            (false, _) => b"\n\n",
        }
    }

    /// Whether what the client gets may differ from what the provider sent.
    fn edits(&self) -> bool {
        self.filter.is_some() || self.guard.as_ref().is_some_and(AnswerGuard::edits)
    }

    /// Why the sanitizer lets nothing more through.
    fn refused(&self) -> Option<&Refusal> {
        self.guard.as_ref().and_then(AnswerGuard::end)
    }

    /// What filter and guard still hold at the end of the stream.
    fn last_bytes(&mut self) -> Bytes {
        let mut rest = Vec::new();
        if let Some(filter) = &mut self.filter {
            filter.finish(&mut rest);
        }
        let mut rest = Bytes::from(rest);
        if let Some(guard) = &mut self.guard {
            let passed = guard.feed(&rest);
            let last = guard.finish();
            if guard.edits() {
                rest = if passed.is_empty() { last } else { [passed, last].concat().into() };
            }
        }
        self.delivered(&rest);
        rest
    }

    /// What the answer said, with what was found in it noted on the record.
    fn facts(&mut self) -> Facts {
        if let Some(guard) = &mut self.guard {
            if !guard.edits() {
                guard.finish();
            }
            self.record.found(guard.take_findings());
        }
        self.meter.facts()
    }

    fn close(mut self: Box<Self>) -> Spooling {
        let facts = self.facts();
        let was_read = self.meter.is_readable() && self.tail != [0; 4] && self.record.is_billable();
        let (outcome, error_kind) = judge(&facts, self.is_event_stream, was_read);
        self.record.call_ends(CallEnd { outcome, error_kind, facts: Some(facts) });
        self.record.close(outcome, error_kind)
    }

    fn fail(mut self: Box<Self>, kind: ErrorKind) -> Spooling {
        let facts = self.facts();
        self.record.call_ends(CallEnd { outcome: Outcome::Error, error_kind: Some(kind), facts: Some(facts) });
        self.record.close(Outcome::Error, Some(kind))
    }

    /// The client is gone, or its connection was cut at the end of the process. If it had the whole
    /// answer, all is well; else cut or drain the upstream.
    fn abandoned(self: Box<Self>) {
        if self.meter.facts().ended {
            return drop(self.close());
        }
        if self.shutdown.cut().is_cancelled() {
            return drop(self.fail(ErrorKind::ShuttingDown));
        }
        match self.disconnect {
            OnClientDisconnect::Drain { max_bytes, max_time } => {
                if tokio::runtime::Handle::try_current().is_ok() {
                    self.shutdown.clone().spawn(self.drain(max_bytes, max_time));
                    return;
                }
                self.hang_up();
            }
            OnClientDisconnect::Cancel => self.hang_up(),
        }
    }

    fn hang_up(mut self: Box<Self>) {
        let facts = self.facts();
        self.record.call_ends(CallEnd { outcome: Outcome::ClientDisconnected, error_kind: None, facts: Some(facts) });
        drop(self.record.close(Outcome::ClientDisconnected, None));
    }

    /// Reads the upstream on to its usage, within bounds and no longer than the process lives.
    async fn drain(mut self: Box<Self>, max_bytes: u64, max_time: Duration) {
        let shutdown = self.shutdown.clone();
        let _ = tokio::time::timeout(max_time, shutdown.cut().run_until_cancelled(self.read_on(max_bytes))).await;
        self.hang_up();
    }

    async fn read_on(&mut self, max_bytes: u64) {
        let mut read = 0_u64;
        while read <= max_bytes
            && let Some(Ok(frame)) =
                std::future::poll_fn(|context| Pin::new(&mut self.upstream).poll_frame(context)).await
        {
            let Some(chunk) = frame.data_ref() else { continue };
            read += chunk.len() as u64;
            self.meter.feed(chunk);
        }
    }
}

fn filtered(filter: &mut usage_chunk::Filter, bytes: &[u8]) -> Bytes {
    let mut passing = Vec::with_capacity(bytes.len());
    filter.feed(bytes, &mut passing);
    Bytes::from(passing)
}

/// How a body that was relayed to its end is to be judged; `was_read` tells whether the meter could look
/// for its end.
pub(crate) fn judge(facts: &Facts, is_event_stream: bool, was_read: bool) -> (Outcome, Option<ErrorKind>) {
    if let Some(error) = &facts.error {
        return (Outcome::Error, Some(error.kind));
    }
    // What stops before its end was cut off, however politely. Not every stream has a sign of the end.
    let has_end = facts.ended || (is_event_stream && facts.finish_reason.is_some());
    if was_read && !has_end {
        return (Outcome::Error, Some(ErrorKind::UpstreamProtocol));
    }
    (Outcome::Ok, None)
}

impl Body for RelayBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Next> {
        loop {
            if let Some(last) = &mut self.last {
                ready!(Pin::new(&mut last.recorded).poll(context));
                let frame = last.frame.take();
                self.last = None;
                return Poll::Ready(frame);
            }
            let Some(flow) = &mut self.flow else { return Poll::Ready(None) };
            let next = match flow.held.pop_front() {
                Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
                None => Pin::new(&mut flow.upstream).poll_frame(context),
            };
            let frame = match next {
                Poll::Pending => {
                    if flow.cut.as_mut().poll(context).is_ready() {
                        self.broken(ErrorKind::ShuttingDown);
                    } else {
                        ready!(flow.patience.poll_over(context));
                        self.broken(ErrorKind::UpstreamTimeout);
                    }
                    continue;
                }
                Poll::Ready(Some(Ok(frame))) => frame,
                Poll::Ready(Some(Err(_))) => {
                    self.broken(ErrorKind::UpstreamProtocol);
                    continue;
                }
                Poll::Ready(None) => {
                    let rest = flow.last_bytes();
                    if flow.refused().is_some() {
                        self.refused(rest);
                    } else if let Some(flow) = self.flow.take() {
                        self.end_with(flow.close(), data(rest));
                    }
                    continue;
                }
            };
            flow.patience.waiting_since = None;
            // Trailers are hop-by-hop for us.
            let Ok(chunk) = frame.into_data() else { continue };
            let delivered = flow.pass(chunk);
            if flow.refused().is_some() {
                self.refused(delivered);
                continue;
            }
            if flow.edits() && !flow.meter.is_readable() {
                // What cannot be decoded any more cannot be filtered, and must not vanish silently.
                self.broken(ErrorKind::UpstreamProtocol);
                continue;
            }
            if let Some(remaining) = &mut self.remaining {
                *remaining = remaining.saturating_sub(delivered.len() as u64);
                if *remaining == 0
                    && let Some(flow) = self.flow.take()
                {
                    self.end_with(flow.close(), data(delivered));
                    continue;
                }
            }
            if let Some(frame) = data(delivered) {
                return Poll::Ready(Some(frame));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.flow.is_none() && self.last.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.remaining.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn data(bytes: Bytes) -> Next {
    (!bytes.is_empty()).then(|| Ok(Frame::data(bytes)))
}

impl RelayBody {
    /// The upstream failed in the middle, or the process ends: an event stream ends with its API's own error event,
    /// any other body by breaking off, since its head already promised more.
    fn broken(&mut self, kind: ErrorKind) {
        let Some(mut flow) = self.flow.take() else { return };
        if kind == ErrorKind::ShuttingDown && self.remaining.is_none() && flow.meter.facts().ended {
            // The client has all it asked for; only the provider had not hung up yet.
            let rest = flow.last_bytes();
            if flow.refused().is_some() {
                self.flow = Some(flow);
                return self.refused(rest);
            }
            return self.end_with(flow.close(), data(rest));
        }
        let message = match kind {
            ErrorKind::UpstreamTimeout => "the provider sent nothing for too long",
            ErrorKind::ShuttingDown => shutdown::MESSAGE,
            _ => "the provider broke the answer off",
        };
        let last = if flow.is_event_stream { flow.last_bytes() } else { Bytes::new() };
        self.ended_by(flow, kind, message, &last);
    }

    /// The sanitizer lets nothing more through; `last` is what left before.
    fn refused(&mut self, last: Bytes) {
        let Some(flow) = self.flow.take() else { return };
        if let Some(Refusal { kind, message, .. }) = flow.refused().cloned() {
            self.ended_by(flow, kind, &message, &last);
        }
    }

    /// Sends `last`, and in a stream the error's own event behind it; any other body breaks off.
    fn ended_by(&mut self, mut flow: Box<Flow>, kind: ErrorKind, message: &str, last: &[u8]) {
        let event = if self.remaining.is_some() {
            None
        } else if flow.is_event_stream {
            let event = error_body::stream_event(flow.client_api, kind, message, &flow.request_id);
            Some([flow.boundary(), &event].concat())
        } else {
            flow.guard.as_ref().and_then(AnswerGuard::element_opening).map(|opening| {
                let family = flow.client_api.family();
                let element = error_body::body(family, kind, kind.status(), message, &flow.request_id);
                [opening, &element, b"]"].concat()
            })
        };
        let Some(event) = event else {
            return self.end_with(flow.fail(kind), Some(Err(message.into())));
        };
        flow.record.sent(event.len());
        self.end_with(flow.fail(kind), data([last, &event].concat().into()));
    }
}

impl Drop for RelayBody {
    fn drop(&mut self) {
        if let Some(flow) = self.flow.take() {
            flow.abandoned();
        }
    }
}
