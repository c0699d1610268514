//! The upstream's own book of the calls it saw, to be compared with what the gateway recorded.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::watch;

use super::reply::Tokens;

/// One call as the upstream saw it.
#[derive(Clone, Debug)]
pub struct Call {
    /// 1 for the first call of this provider, then counting up.
    pub number: u64,
    /// Method, as sent.
    pub method: String,
    /// Path without the query, as sent (not decoded).
    pub path: String,
    /// What followed the `?`.
    pub query: Option<String>,
    /// Header fields in their order; names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body's bytes, freed from the transfer coding only.
    pub body: Bytes,
    /// The status that was sent; `None` until then or when the reply was cut before it.
    pub status: Option<u16>,
    /// Bytes of the answer's body that were written to the socket.
    pub response_bytes: u64,
    /// The tokens that the answer reports; the whole answer's, also when it broke off.
    pub tokens: Option<Tokens>,
    /// Whether the answer ended, well or ill.
    pub finished: bool,
    /// Whether the client closed the connection before the answer's end; `response_bytes` says when.
    pub client_left: bool,
}

impl Call {
    /// The first value of a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .and_then(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// The credential that was presented, whatever header or query parameter carried it.
    pub fn credential(&self) -> Option<&str> {
        self.header("authorization")
            .map(|value| value.strip_prefix("Bearer ").unwrap_or(value))
            .or_else(|| ["x-api-key", "api-key", "x-goog-api-key"].into_iter().find_map(|name| self.header(name)))
            .or_else(|| self.query.as_deref()?.split('&').find_map(|pair| pair.strip_prefix("key=")))
    }

    /// The body as JSON, if it is JSON.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// Every call a provider saw, oldest first, up to a bound.
#[derive(Debug)]
pub struct Ledger {
    calls: Mutex<VecDeque<Call>>,
    keep: usize,
    counts: watch::Sender<Counts>,
}

/// Totals that outlive the bound on kept calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// TCP connections accepted, whatever came over them: 0 proves that a canary was never touched.
    pub connections: u64,
    /// Calls whose request was read in full.
    pub calls: u64,
    /// Calls whose answer ended, well or ill.
    pub finished: u64,
}

impl Ledger {
    /// An empty book that keeps the newest `keep` calls.
    pub(super) fn new(keep: usize) -> Self {
        Self { calls: Mutex::default(), keep, counts: watch::channel(Counts::default()).0 }
    }

    /// The kept calls, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.lock().iter().cloned().collect()
    }

    /// The newest call.
    pub fn last(&self) -> Option<Call> {
        self.lock().back().cloned()
    }

    /// The totals.
    pub fn counts(&self) -> Counts {
        *self.counts.borrow()
    }

    /// Waits until `calls` calls have ended, at most `within`; returns whether they did.
    pub async fn finished(&self, calls: u64, within: Duration) -> bool {
        let mut counts = self.counts.subscribe();
        let done = counts.wait_for(|counts| counts.finished >= calls);
        matches!(tokio::time::timeout(within, done).await, Ok(Ok(_)))
    }

    pub(super) fn connected(&self) {
        self.counts.send_modify(|counts| counts.connections += 1);
    }

    /// Enters a call and gives it its number.
    pub(super) fn open(&self, mut call: Call) -> u64 {
        let mut calls = self.lock();
        self.counts.send_modify(|counts| counts.calls += 1);
        call.number = self.counts.borrow().calls;
        let number = call.number;
        calls.push_back(call);
        if calls.len() > self.keep {
            calls.pop_front();
        }
        number
    }

    /// Changes the entry of a call, if it is still kept.
    pub(super) fn note(&self, number: u64, change: impl FnOnce(&mut Call)) {
        if let Some(call) = self.lock().iter_mut().rev().find(|call| call.number == number) {
            change(call);
        }
    }

    /// Marks a call as ended.
    pub(super) fn close(&self, number: u64, client_left: bool) {
        self.note(number, |call| {
            call.finished = true;
            call.client_left = client_left;
        });
        self.counts.send_modify(|counts| counts.finished += 1);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Call>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
