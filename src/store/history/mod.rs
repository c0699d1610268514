//! Reading what was recorded, over read-only connections that never stall the writer.
//!
//! Lists go by keyset; sums come from the quarter-hour roll-ups, never from raw records.

mod filter;

pub use filter::{Cursor, Dimension, RecordFilter, StatsFilter};

use std::collections::BTreeMap;

use futures_util::Stream;

use crate::{
    domain::{Record, RecordId, Timestamp},
    store::{Histogram, StoreError},
};

/// The usage database, for reading. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct History {}

/// A record as it was stored.
#[derive(Clone, Debug)]
pub struct StoredRecord {
    /// Its place in the order of commits.
    pub seq: i64,
    /// Number of upstream calls, also where `record.attempts` was not loaded.
    pub attempts: u32,
    /// The record; `attempts` is filled by [`History::record`] only.
    pub record: Record,
}

/// One page of a list, newest first.
#[derive(Clone, Debug)]
pub struct RecordPage {
    /// The records.
    pub records: Vec<StoredRecord>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
}

/// Sums over a group of roll-up rows. All are additive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aggregate {
    /// Requests.
    pub requests: u64,
    /// Of these, with outcome `ok`.
    pub ok: u64,
    /// With outcome `error`.
    pub errors: u64,
    /// With outcome `refused`.
    pub refused: u64,
    /// With outcome `client_disconnected`.
    pub client_disconnected: u64,
    /// Answered by the cache.
    pub cache_hits: u64,
    /// Where the cache was asked in vain.
    pub cache_misses: u64,
    /// Answered as a stream.
    pub streams: u64,
    /// All input tokens.
    pub input_tokens: u64,
    /// Of these, read from a prompt cache.
    pub cache_read_tokens: u64,
    /// Of these, written to a prompt cache.
    pub cache_write_tokens: u64,
    /// All output tokens.
    pub output_tokens: u64,
    /// Of these, reasoning.
    pub reasoning_tokens: u64,
    /// Requests whose usage is unknown.
    pub unknown_usage: u64,
    /// Requests whose usage was estimated.
    pub estimated_usage: u64,
    /// Sum of the known costs, in microcents.
    pub cost_microcents: i64,
    /// Requests whose cost is unknown.
    pub unknown_cost: u64,
    /// What the response cache saved, in microcents.
    pub saved_microcents: i64,
    /// What providers themselves said it cost, in microcents.
    pub provider_cost_microcents: i64,
    /// Sanitizer findings.
    pub findings: u64,
    /// Upstream calls.
    pub attempts: u64,
    /// Bytes of request bodies.
    pub request_bytes: u64,
    /// Bytes of response bodies.
    pub response_bytes: u64,
    /// Sum of all latencies, in microseconds.
    pub latency_us: u64,
    /// Sum of the known times to first token, in microseconds.
    pub ttft_us: u64,
    /// Requests with a known time to first token.
    pub ttft_count: u64,
    /// All latencies.
    pub latency: Histogram,
    /// The known times to first token.
    pub ttft: Histogram,
}

/// What is listed as it is first seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SeenKind {
    /// Projects.
    Project,
    /// Requesters (`x-source`).
    Source,
    /// Virtual keys, by id.
    Key,
}

/// A project, requester or key, and when it made requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its name, or the key's id.
    pub name: String,
    /// Start of its first request.
    pub first_seen_at: Timestamp,
    /// Start of its newest request.
    pub last_seen_at: Timestamp,
}

impl History {
    /// One page of records, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn records(
        &self,
        _filter: &RecordFilter,
        _after: Option<Cursor>,
        _limit: u32,
    ) -> Result<RecordPage, StoreError> {
        Ok(RecordPage { records: Vec::new(), next: None })
    }

    /// One record with its attempts.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record(&self, _id: RecordId) -> Result<Option<StoredRecord>, StoreError> {
        Ok(None)
    }

    /// At most `limit` records that were committed after `seq`, oldest first, for a live tail that resumes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn records_since(&self, _seq: i64, _limit: u32) -> Result<Vec<StoredRecord>, StoreError> {
        Ok(Vec::new())
    }

    /// All records that fit, newest first, in chunks of 500, each chunk a short read of its own.
    pub fn export(
        &self,
        _filter: RecordFilter,
    ) -> impl Stream<Item = Result<Vec<StoredRecord>, StoreError>> + Send + 'static {
        futures_util::stream::empty()
    }

    /// Sums for each value of each of `dimensions`, and over all, in one pass. Values that are not set are `""`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn totals(
        &self,
        _filter: &StatsFilter,
        _dimensions: &[Dimension],
    ) -> Result<(Aggregate, Vec<BTreeMap<String, Aggregate>>), StoreError> {
        Ok((Aggregate::default(), Vec::new()))
    }

    /// Sums per quarter hour (start, in Unix seconds) and value of `dimension` (`""` when not set or not asked), by time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn quarters(
        &self,
        _filter: &StatsFilter,
        _dimension: Option<Dimension>,
    ) -> Result<Vec<(i64, String, Aggregate)>, StoreError> {
        Ok(Vec::new())
    }

    /// Projects, requesters or keys with requests since `since`, most recently active first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn seen(&self, _kind: SeenKind, _since: Option<Timestamp>) -> Result<Vec<Seen>, StoreError> {
        Ok(Vec::new())
    }
}
