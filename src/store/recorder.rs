//! The way into the history: a queue, bounded in bytes, in front of the one writer.
//!
//! Submitting never waits and never loses a record silently.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::sync::{broadcast, mpsc, oneshot};

use super::StoreError;
use crate::domain::{Attempt, Record};

/// Most bytes that may wait to be written. At about 1 KB a record this is a minute of outage at
/// a thousand requests a second.
const QUEUE_BYTES: u64 = 64 * 1024 * 1024;
/// How many committed records a live reader may lag behind before it must skip.
const LIVE_CAPACITY: usize = 1_024;
/// How long closing waits for a database that cannot be written.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// Takes finished records. Clones share one queue and one writer.
#[derive(Clone, Debug)]
pub struct Recorder {
    queue: mpsc::UnboundedSender<Message>,
    gauges: Arc<Gauges>,
}

/// A record that has just been committed.
#[derive(Clone, Debug)]
pub struct LiveRecord {
    /// Its place in the order of commits; the id of its server-sent event.
    pub seq: i64,
    /// The record, its attempts included.
    pub record: Arc<Record>,
}

/// How the queue is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecorderStats {
    /// Bytes that wait to be written.
    pub depth_bytes: u64,
    /// Records that were submitted and are not yet on disk.
    pub at_risk: u64,
    /// Records that were lost because the queue was full or the database refused them, since the start.
    pub dropped: u64,
    /// Records that were written, since the start.
    pub written: u64,
}

/// What the writer is told.
#[derive(Debug)]
pub(super) enum Message {
    /// Write this; the number is what it weighs in the queue.
    Record(Arc<Record>, u64),
    /// Answer when everything before is dealt with.
    Flush(oneshot::Sender<()>),
    /// The same, and then end.
    Close(oneshot::Sender<()>),
}

/// What the queue and the writer both count.
#[derive(Debug)]
pub(super) struct Gauges {
    depth_bytes: AtomicU64,
    at_risk: AtomicU64,
    dropped: AtomicU64,
    written: AtomicU64,
    live: broadcast::Sender<LiveRecord>,
}

impl Recorder {
    /// A recorder and what its writer needs.
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Message>, Arc<Gauges>) {
        let (queue, receiver) = mpsc::unbounded_channel();
        let gauges = Arc::new(Gauges {
            depth_bytes: AtomicU64::new(0),
            at_risk: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            written: AtomicU64::new(0),
            live: broadcast::channel(LIVE_CAPACITY).0,
        });
        (Self { queue, gauges: Arc::clone(&gauges) }, receiver, gauges)
    }

    /// Queues a record. Never blocks; a record that finds the queue full is counted as dropped.
    pub fn submit(&self, record: Record) {
        let weight = weight(&record);
        if self.gauges.depth_bytes.fetch_add(weight, Relaxed) + weight > QUEUE_BYTES {
            self.gauges.depth_bytes.fetch_sub(weight, Relaxed);
            self.gauges.dropped("the queue in front of usage.db is full");
            return;
        }
        self.gauges.at_risk.fetch_add(1, Relaxed);
        if self.queue.send(Message::Record(Arc::new(record), weight)).is_err() {
            self.gauges.settle(weight);
            self.gauges.dropped("the store is closed");
        }
    }

    /// Waits until everything submitted before is on disk or counted as dropped.
    ///
    /// # Errors
    /// [`StoreError::Closed`] when the writer has ended.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let (done, wait) = oneshot::channel();
        self.queue.send(Message::Flush(done)).map_err(|_| StoreError::Closed)?;
        wait.await.map_err(|_| StoreError::Closed)
    }

    /// Records as they are committed. A receiver that falls behind skips and is told how many.
    pub fn live(&self) -> broadcast::Receiver<LiveRecord> {
        self.gauges.live.subscribe()
    }

    /// How the queue is doing.
    pub fn stats(&self) -> RecorderStats {
        RecorderStats {
            depth_bytes: self.gauges.depth_bytes.load(Relaxed),
            at_risk: self.gauges.at_risk.load(Relaxed),
            dropped: self.gauges.dropped.load(Relaxed),
            written: self.gauges.written.load(Relaxed),
        }
    }

    /// Writes what is queued and ends the writer. Closing twice is fine.
    pub(super) async fn close(&self) -> Result<(), StoreError> {
        let (done, wait) = oneshot::channel();
        if self.queue.send(Message::Close(done)).is_err() {
            return Ok(());
        }
        match tokio::time::timeout(CLOSE_TIMEOUT, wait).await {
            Ok(_) => Ok(()),
            Err(_) => Err(StoreError::Unwritten { records: self.stats().at_risk }),
        }
    }
}

impl Gauges {
    /// A record is on disk.
    pub(super) fn wrote(&self, seq: i64, record: Arc<Record>, weight: u64) {
        self.settle(weight);
        self.written.fetch_add(1, Relaxed);
        if self.live.receiver_count() > 0 {
            // It fails only when the last receiver has just gone.
            let _ = self.live.send(LiveRecord { seq, record });
        }
    }

    /// A record cannot be written.
    pub(super) fn refused(&self, weight: u64) {
        self.settle(weight);
        self.dropped.fetch_add(1, Relaxed);
    }

    /// Counts a record that never got into the queue. Says so at each doubling, so that an outage
    /// does not flood the log.
    fn dropped(&self, why: &'static str) {
        let dropped = self.dropped.fetch_add(1, Relaxed) + 1;
        if dropped.is_power_of_two() {
            tracing::error!(dropped, why, "records are being dropped");
        }
    }

    fn settle(&self, weight: u64) {
        self.depth_bytes.fetch_sub(weight, Relaxed);
        self.at_risk.fetch_sub(1, Relaxed);
    }
}

/// About how much memory a record holds. Shared texts are counted in full, to be on the safe side.
fn weight(record: &Record) -> u64 {
    let texts = [
        &record.project,
        &record.source,
        &record.team,
        &record.key_id,
        &record.key_label,
        &record.profile,
        &record.session_id,
        &record.model_requested,
        &record.provider,
        &record.model,
        &record.finish_reason,
        &record.provider_request_id,
        &record.price_version,
    ];
    let texts: usize = texts.into_iter().flatten().map(|text| text.len()).sum();
    let tags: usize = record.tags.iter().map(|(key, value)| key.len() + value.len() + 32).sum();
    (size_of::<Record>() + texts + tags + record.attempts.len() * size_of::<Attempt>()) as u64
}
