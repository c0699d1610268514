//! Reading what was recorded, over read-only connections that never stall the writer.
//!
//! Lists go by keyset; sums come from the quarter-hour roll-ups, never from raw records.

mod dimension_rows;
mod filter;
mod findings;
mod incidents;
mod merged;
mod names;
mod records;
mod signals;
mod sums;
mod walk;

pub use filter::{Cursor, Dimension, Measure, RecordFilter, StatsFilter};
pub use findings::FindingSum;
pub use incidents::{IncidentDetail, IncidentFacet, IncidentFilter, IncidentMinute, IncidentPage, IncidentRecord};
pub use names::NameOf;
pub use records::MOST_SORTED;
pub use signals::SignalFilter;
pub use sums::Width;

use std::sync::Arc;

use dimension_rows::DimensionRows;
use merged::Merged;
use sqlx::SqlitePool;

use super::{Histogram, StoreError};
use crate::domain::{Record, Timestamp};

/// The usage database, for reading. Clones share it.
#[derive(Clone, Debug)]
pub struct History {
    pub(super) readers: SqlitePool,
    dimensions: Arc<DimensionRows>,
    merged: Merged,
}

/// A record as it was stored.
#[derive(Clone, Debug)]
pub struct StoredRecord {
    /// Its place in the order of commits.
    pub seq: i64,
    /// Number of upstream calls, also where `record.attempts` was not loaded.
    pub attempts: u32,
    /// Number of sanitizer findings, also where `record.findings` was not loaded.
    pub findings: u32,
    /// The record; `attempts` and `findings` are filled by [`History::record`] only.
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
    /// Requests that called a provider and whose input tokens are unknown.
    pub unknown_input: u64,
    /// Requests that called a provider and whose output tokens are unknown.
    pub unknown_output: u64,
    /// Requests that called a provider and of which no token class is known.
    pub unknown_usage: u64,
    /// Requests whose usage was estimated.
    pub estimated_usage: u64,
    /// Sum of the known costs, in microcents.
    pub cost_microcents: i64,
    /// Requests that called a provider and whose cost is unknown.
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
    pub(super) fn new(readers: SqlitePool) -> Self {
        Self { readers, dimensions: Arc::default(), merged: Merged::new() }
    }

    pub(super) const fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Projects, requesters or keys with requests since `since`, most recently active first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn seen(&self, kind: SeenKind, since: Option<Timestamp>) -> Result<Vec<Seen>, StoreError> {
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT name, first_seen_at, last_seen_at FROM seen WHERE kind = ? AND last_seen_at >= ?
             ORDER BY last_seen_at DESC, name",
        )
        .bind(kind.as_str())
        .bind(since.map_or(i64::MIN, |at| at.unix_us))
        .fetch_all(&self.readers)
        .await?;
        let seen = |(name, first, last)| Seen {
            name,
            first_seen_at: Timestamp { unix_us: first },
            last_seen_at: Timestamp { unix_us: last },
        };
        Ok(rows.into_iter().map(seen).collect())
    }
}

impl SeenKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Source => "source",
            Self::Key => "key",
        }
    }
}
