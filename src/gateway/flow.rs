//! Everything that lives as long as an upstream call whose answer is relayed, and how that call ends.

use std::{collections::VecDeque, pin::Pin, time::Duration};

use bytes::Bytes;
use http_body::Body as _;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::{
    cache::Keeper,
    error::Refusal,
    meter::Meter,
    patience::Patience,
    record::{CallEnd, OpenRecord},
    sanitize::AnswerGuard,
    shutdown::Shutdown,
    stage::Stage,
    tally::Facts,
};
use crate::{
    config::OnClientDisconnect,
    dialect::{translate::Stream, usage_chunk},
    domain::{Api, ErrorKind, Outcome},
    plugins::Running,
    provider::UpstreamAnswer,
    store::Spooling,
};

/// Everything that lives as long as the upstream call.
pub(crate) struct Flow {
    pub(crate) upstream: UpstreamAnswer,
    /// What was waited for before the head was sent.
    pub(crate) held: VecDeque<Bytes>,
    /// How many of these chunks the meter has seen.
    pub(crate) metered: usize,
    /// Whether it is no answer when nothing comes, or nothing that could be read.
    pub(crate) must_speak: bool,
    pub(crate) meter: Meter,
    /// Cuts out the usage chunk that the client did not ask for.
    pub(crate) filter: Option<usage_chunk::Filter>,
    /// Makes the client's stream of the provider's, where their APIs differ.
    pub(crate) translation: Option<Box<Stream>>,
    /// Shows the answer to the plugins, in place of `translation`.
    pub(crate) stage: Option<Stage>,
    /// Judges what the client is to get.
    pub(crate) guard: Option<AnswerGuard>,
    /// Keeps a copy of what the client gets.
    pub(crate) keeper: Option<Box<Keeper>>,
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

impl Flow {
    /// Lets the tally see a chunk and returns what the client is to get of it.
    pub(super) fn pass(&mut self, chunk: Bytes) -> Bytes {
        let started_before = self.meter.content_started();
        match self.metered.checked_sub(1) {
            Some(left) => self.metered = left,
            None => self.meter.feed(&chunk),
        }
        let plain = self.meter.take_plain().map(Bytes::from);
        if let Some(stage) = &mut self.stage {
            stage.feed(plain.as_ref().unwrap_or(&chunk));
            if !started_before && self.meter.content_started() {
                self.record.first_content();
            }
            return Bytes::new();
        }
        let edits = self.edits();
        let is_translated = self.translation.is_some();
        let delivered = match (&mut self.translation, &mut self.filter) {
            (Some(translation), _) => translated(translation, plain.as_ref().unwrap_or(&chunk)),
            (None, None) => plain.clone().filter(|_| edits).unwrap_or(chunk),
            (None, Some(filter)) => filtered(filter, &plain.clone().unwrap_or(chunk)),
        };
        let delivered = match &mut self.guard {
            Some(guard) if guard.edits() => guard.feed(&delivered),
            Some(guard) => {
                guard.feed(plain.as_ref().filter(|_| !is_translated).unwrap_or(&delivered));
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

    /// What the client is to get of what the plugins let through.
    pub(super) fn staged(&mut self, bytes: Vec<u8>) -> Bytes {
        let mut delivered = Bytes::from(bytes);
        if let Some(guard) = &mut self.guard {
            let judged = guard.feed(&delivered);
            if guard.edits() {
                delivered = judged;
            }
        }
        self.delivered(&delivered);
        delivered
    }

    fn delivered(&mut self, bytes: &[u8]) {
        self.record.sent(bytes.len());
        self.keeper.take_if(|keeper| !keeper.add(bytes));
        for byte in bytes.iter().skip(bytes.len().saturating_sub(4)) {
            self.tail.rotate_left(1);
            self.tail[3] = *byte;
        }
    }

    /// Ends an event that the provider left open, so that an error event can follow it.
    pub(super) fn boundary(&self) -> &'static [u8] {
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
    pub(super) fn edits(&self) -> bool {
        self.stage.is_some() || self.translation.is_some() || self.filter.is_some() || self.edited_by_guard()
    }

    /// The number of the next event where the client's API numbers them.
    pub(super) fn next_sequence_number(&self) -> u64 {
        match (&self.stage, &self.translation) {
            (Some(stage), _) => stage.next_sequence_number(),
            (None, Some(translation)) => translation.next_sequence_number(),
            // What the provider numbered went on as it came.
            (None, None) => self.meter.facts().sequence_number.map_or(0, |last| last.saturating_add(1)),
        }
    }

    /// What must stand before one more element of a translated list that was cut off; `None` when it is no list.
    pub(super) fn element_opening(&self) -> Option<&'static [u8]> {
        if self.edited_by_guard() {
            return self.guard.as_ref().and_then(AnswerGuard::element_opening);
        }
        let is_written = self.translation.is_some() || self.stage.is_some();
        let is_list = is_written && self.client_api == Api::Gemini && !self.is_event_stream;
        is_list.then_some(if self.tail == [0; 4] { b"[" } else { b"," })
    }

    fn edited_by_guard(&self) -> bool {
        self.guard.as_ref().is_some_and(AnswerGuard::edits)
    }

    /// Why the sanitizer lets nothing more through.
    pub(super) fn refused(&self) -> Option<&Refusal> {
        self.guard.as_ref().and_then(AnswerGuard::end)
    }

    /// What translation, filter and guard still hold at the end of the stream.
    pub(super) fn last_bytes(&mut self) -> Bytes {
        let mut rest = Vec::new();
        if let Some(translation) = &mut self.translation {
            translation.finish(&mut rest);
        }
        self.held_back(rest)
    }

    /// What filter and guard still hold, behind `rest`.
    pub(super) fn held_back(&mut self, mut rest: Vec<u8>) -> Bytes {
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
        if let Some(plugins) = self.stage.take().and_then(Stage::into_plugins) {
            self.back(plugins);
        }
        if let Some(guard) = &mut self.guard {
            if !guard.edits() {
                guard.finish();
            }
            self.record.found(guard.take_findings());
        }
        self.meter.facts()
    }

    /// The plugins are done with the stream.
    pub(super) fn back(&mut self, mut plugins: Running) {
        self.record.plugins_failed(plugins.take_failed());
        self.record.accompany(plugins);
    }

    /// The client has all that the provider sent.
    pub(super) fn complete(mut self: Box<Self>) -> Spooling {
        let keeper = self.keeper.take();
        self.end(keeper)
    }

    pub(super) fn close(self: Box<Self>) -> Spooling {
        self.end(None)
    }

    fn end(mut self: Box<Self>, keeper: Option<Box<Keeper>>) -> Spooling {
        let is_untranslatable = self.stage.as_ref().is_some_and(Stage::has_failed)
            || self.translation.as_ref().is_some_and(|translation| translation.has_failed());
        let facts = self.facts();
        let has_come = self.tail != [0; 4] && self.record.is_billable();
        let was_read = self.meter.is_readable() && (self.must_speak || has_come);
        let (outcome, error_kind) = match judge(&facts, self.is_event_stream, was_read) {
            // The client was told an error where the provider saw none.
            (Outcome::Ok, _) if is_untranslatable => (Outcome::Error, Some(ErrorKind::UpstreamProtocol)),
            judged => judged,
        };
        self.record.call_ends(CallEnd { outcome, error_kind, facts: Some(facts) });
        if outcome == Outcome::Ok
            && let (Some(keeper), Some(record)) = (keeper, self.record.so_far())
        {
            keeper.keep(record);
        }
        self.record.close(outcome, error_kind)
    }

    pub(super) fn fail(mut self: Box<Self>, kind: ErrorKind) -> Spooling {
        let facts = self.facts();
        self.record.call_ends(CallEnd { outcome: Outcome::Error, error_kind: Some(kind), facts: Some(facts) });
        self.record.close(Outcome::Error, Some(kind))
    }

    /// The client is gone, or its connection was cut at the end of the process. If it had the whole
    /// answer, all is well; else cut or drain the upstream.
    pub(super) fn abandoned(self: Box<Self>) {
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

fn translated(translation: &mut Stream, bytes: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(bytes.len());
    translation.feed(bytes, &mut out);
    Bytes::from(out)
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
