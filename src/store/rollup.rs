//! Quarter-hour roll-ups: what is summed, and by what.
//!
//! Sums only: nothing here that could not be computed again from the records.

use std::sync::Arc;

use super::{Histogram, history::Aggregate, rows};
use crate::domain::{CacheState, Microcents, Outcome, Record};

/// Microseconds in a quarter of an hour.
pub(super) const QUARTER_US: i64 = 15 * 60 * 1_000_000;

/// The summed columns of `rollups`, in the order of [`sums_of`] and [`Aggregate::of_sums`].
pub(super) const MEASURES: [&str; 27] = [
    "requests",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "input_audio_tokens",
    "cache_read_audio_tokens",
    "input_image_tokens",
    "output_tokens",
    "reasoning_tokens",
    "output_audio_tokens",
    "output_image_tokens",
    "unknown_input",
    "unknown_output",
    "unknown_usage",
    "unknown_cost",
    "usage_estimated",
    "cost_microcents",
    "provider_cost_microcents",
    "saved_microcents",
    "findings",
    "attempts",
    "request_bytes",
    "response_bytes",
    "latency_us",
    "ttft_us",
    "ttft_count",
];

/// One value for each of [`MEASURES`].
pub(super) type Sums = [i64; MEASURES.len()];

/// What a record is summed under; `None` is stored as `''`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct DimensionKey {
    /// Project, source, team, key id, profile, provider, model.
    pub(super) texts: [Option<Arc<str>>; 7],
    /// Client API, endpoint, outcome, error kind, cache, the provider's API.
    pub(super) names: [&'static str; 6],
    /// Whether a stream was asked for.
    pub(super) stream: bool,
    /// HTTP status sent; 0 for none.
    pub(super) status: u16,
}

/// What a batch adds to one row of `rollups`.
#[derive(Clone, Debug)]
pub(super) struct Addition {
    /// To the sums.
    pub(super) sums: Sums,
    /// To the histogram of latencies.
    pub(super) latency: Histogram,
    /// To the histogram of times to first token.
    pub(super) ttft: Histogram,
}

impl Default for Addition {
    fn default() -> Self {
        Self { sums: [0; MEASURES.len()], latency: Histogram::default(), ttft: Histogram::default() }
    }
}

impl Addition {
    /// Counts one record in.
    pub(super) fn count(&mut self, record: &Record) {
        for (sum, value) in self.sums.iter_mut().zip(sums_of(record)) {
            *sum = sum.saturating_add(value);
        }
        self.latency.record(record.latency_us);
        if let Some(ttft_us) = record.ttft_us {
            self.ttft.record(ttft_us);
        }
    }
}

impl DimensionKey {
    /// The dimensions of a record.
    pub(super) fn of(record: &Record) -> Self {
        Self {
            texts: [
                record.project.clone(),
                record.source.clone(),
                record.team.clone(),
                record.key_id.clone(),
                record.profile.clone(),
                record.provider.clone(),
                record.model.clone(),
            ],
            names: [
                record.client_api.as_str(),
                record.endpoint.as_str(),
                record.outcome.as_str(),
                record.error_kind.map_or("", crate::domain::ErrorKind::as_str),
                record.cache.as_str(),
                record.provider_api.map_or("", crate::domain::Api::as_str),
            ],
            stream: record.stream,
            status: record.status.unwrap_or(0),
        }
    }
}

/// The quarter hour that a record falls in.
pub(super) fn quarter_of(record: &Record) -> i64 {
    record.started_at.unix_us.div_euclid(QUARTER_US)
}

/// What one record adds to the sums.
fn sums_of(record: &Record) -> Sums {
    let usage = &record.usage;
    let classes = rows::classes(usage).map(|class| sane(class.unwrap_or(0)));
    // A request that called nobody used nothing: its usage and cost are not missing.
    let called = !record.attempts.is_empty();
    let rest = [
        i64::from(called && usage.input_tokens().is_none()),
        i64::from(called && usage.output_tokens().is_none()),
        i64::from(called && usage.is_unknown()),
        i64::from(called && record.cost.is_none()),
        i64::from(usage.estimated),
        sane_money(record.cost),
        sane_money(record.provider_cost),
        sane_money(record.saved),
        i64::from(record.finding_count()),
        sane(record.attempts.len() as u64),
        sane(record.request_bytes),
        sane(record.response_bytes),
        sane(record.latency_us),
        sane(record.ttft_us.unwrap_or(0)),
        i64::from(record.ttft_us.is_some()),
    ];
    let mut sums = [0; MEASURES.len()];
    let values = [1].into_iter().chain(classes).chain(rest);
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum = value);
    sums
}

/// A provider may report any 64-bit number. One absurd figure must not overflow the sums, so a
/// single record adds at most 10¹² to a sum (the record itself keeps the figure).
fn sane(value: u64) -> i64 {
    rows::to_i64(value.min(1_000_000_000_000))
}

/// The same for money: at most a million dollars a record.
pub(super) fn sane_money(amount: Option<Microcents>) -> i64 {
    const MOST: i64 = 1_000_000 * Microcents::PER_USD;
    amount.map_or(0, |amount| amount.0.clamp(-MOST, MOST))
}

impl Aggregate {
    /// The sums of roll-up rows that agree in outcome, cache and stream.
    pub(super) fn of_sums(sums: &Sums, outcome: &str, cache: &str, stream: bool) -> Self {
        let [
            requests,
            input,
            cache_read,
            cache_write_5m,
            cache_write_1h,
            input_audio,
            cache_read_audio,
            input_image,
            output,
            reasoning,
            output_audio,
            output_image,
            unknown_input,
            unknown_output,
            unknown_usage,
            unknown_cost,
            estimated_usage,
            findings,
            attempts,
            request_bytes,
            response_bytes,
            latency_us,
            ttft_us,
            ttft_count,
        ] = counts(sums);
        let [cost_microcents, provider_cost_microcents, saved_microcents] = money(sums);
        let of = |is: bool| if is { requests } else { 0 };
        Self {
            requests,
            ok: of(outcome == Outcome::Ok.as_str()),
            errors: of(outcome == Outcome::Error.as_str()),
            refused: of(outcome == Outcome::Refused.as_str()),
            client_disconnected: of(outcome == Outcome::ClientDisconnected.as_str()),
            cache_hits: of(cache == CacheState::Hit.as_str()),
            cache_misses: of(cache == CacheState::Miss.as_str()),
            streams: of(stream),
            input_tokens: input
                + cache_read
                + cache_write_5m
                + cache_write_1h
                + input_audio
                + cache_read_audio
                + input_image,
            cache_read_tokens: cache_read + cache_read_audio,
            cache_write_tokens: cache_write_5m + cache_write_1h,
            output_tokens: output + reasoning + output_audio + output_image,
            reasoning_tokens: reasoning,
            unknown_input,
            unknown_output,
            unknown_usage,
            estimated_usage,
            cost_microcents,
            unknown_cost,
            saved_microcents,
            provider_cost_microcents,
            findings,
            attempts,
            request_bytes,
            response_bytes,
            latency_us,
            ttft_us,
            ttft_count,
            latency: Histogram::default(),
            ttft: Histogram::default(),
        }
    }

    /// Adds all sums of `other`.
    pub fn merge(&mut self, other: &Self) {
        let Self { latency, ttft, cost_microcents, saved_microcents, provider_cost_microcents, .. } = other;
        self.latency.merge(latency);
        self.ttft.merge(ttft);
        for (sum, value) in [
            (&mut self.cost_microcents, cost_microcents),
            (&mut self.saved_microcents, saved_microcents),
            (&mut self.provider_cost_microcents, provider_cost_microcents),
        ] {
            *sum = sum.saturating_add(*value);
        }
        for (sum, value) in [
            (&mut self.requests, other.requests),
            (&mut self.ok, other.ok),
            (&mut self.errors, other.errors),
            (&mut self.refused, other.refused),
            (&mut self.client_disconnected, other.client_disconnected),
            (&mut self.cache_hits, other.cache_hits),
            (&mut self.cache_misses, other.cache_misses),
            (&mut self.streams, other.streams),
            (&mut self.input_tokens, other.input_tokens),
            (&mut self.cache_read_tokens, other.cache_read_tokens),
            (&mut self.cache_write_tokens, other.cache_write_tokens),
            (&mut self.output_tokens, other.output_tokens),
            (&mut self.reasoning_tokens, other.reasoning_tokens),
            (&mut self.unknown_input, other.unknown_input),
            (&mut self.unknown_output, other.unknown_output),
            (&mut self.unknown_usage, other.unknown_usage),
            (&mut self.estimated_usage, other.estimated_usage),
            (&mut self.unknown_cost, other.unknown_cost),
            (&mut self.findings, other.findings),
            (&mut self.attempts, other.attempts),
            (&mut self.request_bytes, other.request_bytes),
            (&mut self.response_bytes, other.response_bytes),
            (&mut self.latency_us, other.latency_us),
            (&mut self.ttft_us, other.ttft_us),
            (&mut self.ttft_count, other.ttft_count),
        ] {
            *sum = sum.saturating_add(value);
        }
    }
}

/// Where the three money columns stand among the measures.
const MONEY: std::ops::Range<usize> = 17..20;

fn counts(sums: &Sums) -> [u64; MEASURES.len() - 3] {
    let mut counts = [0; MEASURES.len() - 3];
    let values = sums.iter().enumerate().filter(|(place, _)| !MONEY.contains(place));
    counts.iter_mut().zip(values).for_each(|(count, (_, value))| *count = value.unsigned_abs());
    counts
}

fn money(sums: &Sums) -> [i64; 3] {
    let mut amounts = [0; 3];
    amounts.iter_mut().zip(sums.iter().skip(MONEY.start)).for_each(|(amount, value)| *amount = *value);
    amounts
}
