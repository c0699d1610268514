//! How each provider's models have done here: what the catalog shows beside what others say of them.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::{record_view::milliseconds, stats::ratio};
use crate::{
    domain::{Outcome, Timestamp},
    store::{Aggregate, Dimension, History, RecordFilter, StatsFilter, StoreError},
};

/// Days that the measurements look back.
pub const MEASURED_DAYS: i64 = 30;

/// What was measured of a model at a provider in the last 30 days.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Measured {
    /// Requests that it answered or failed to answer.
    pub requests: u64,
    /// Share of these that ended with outcome `error`, 0 to 1; those that the client gave up are left out.
    pub error_rate: Option<f64>,
    /// Median latency in milliseconds, to within 3.2 %, as all percentiles.
    pub p50_latency_ms: Option<f64>,
    /// 95th percentile of the latency.
    pub p95_latency_ms: Option<f64>,
    /// Requests whose time to first token is known: the streams.
    pub ttft_requests: u64,
    /// Median time to first token in milliseconds.
    pub p50_ttft_ms: Option<f64>,
    /// 95th percentile of the time to first token.
    pub p95_ttft_ms: Option<f64>,
}

/// All measurements, by provider id and the model's name in the answers.
#[derive(Clone, Debug, Default)]
pub struct Measurements(BTreeMap<String, BTreeMap<String, Aggregate>>);

/// Reads the measurements of the days before `now` from the roll-ups.
///
/// # Errors
/// When the database fails.
pub async fn measurements(history: &History, now: Timestamp) -> Result<Measurements, StoreError> {
    let from = Timestamp { unix_us: now.unix_us - MEASURED_DAYS * 24 * 3_600_000_000 };
    by_model(history, &StatsFilter { from: Some(from), ..StatsFilter::default() }).await
}

/// Reads how successful requests did that fit, by provider and model.
///
/// # Errors
/// When the database fails.
pub(super) async fn means(history: &History, filter: &RecordFilter) -> Result<Measurements, StoreError> {
    // Of the window, and not of its filters: what another target takes is not told by who was asked.
    let filter = StatsFilter { from: filter.from, to: filter.to, outcome: Some(Outcome::Ok), ..StatsFilter::default() };
    by_model(history, &filter).await
}

async fn by_model(history: &History, filter: &StatsFilter) -> Result<Measurements, StoreError> {
    let mut all: BTreeMap<String, BTreeMap<String, Aggregate>> = BTreeMap::new();
    for ((provider, model), sum) in history.pairs(filter, [Dimension::Provider, Dimension::Model]).await? {
        if !provider.is_empty() && !model.is_empty() {
            all.entry(provider).or_default().insert(model, sum);
        }
    }
    Ok(Measurements(all))
}

impl Measurements {
    /// The mean latency in microseconds; `None` when nothing was measured.
    pub(super) fn mean_latency_us(&self, provider: &str, model: &str) -> Option<i64> {
        let sum = self.sum(provider, model)?;
        i64::try_from(sum.latency_us / sum.requests.max(1)).ok()
    }

    /// The mean time to the first content in milliseconds: that of streams, else to the end of the answer.
    pub(super) fn mean_first_content_ms(&self, provider: &str, model: &str) -> Option<f32> {
        let sum = self.sum(provider, model)?;
        let mean = sum.ttft_us.checked_div(sum.ttft_count).unwrap_or(sum.latency_us / sum.requests.max(1));
        #[expect(clippy::cast_possible_truncation, reason = "a score needs no more than some digits")]
        let mean = milliseconds(mean) as f32;
        Some(mean)
    }

    /// The names under which a provider's models answered.
    pub fn models(&self, provider: &str) -> impl Iterator<Item = &str> {
        self.0.get(provider).into_iter().flat_map(|models| models.keys().map(String::as_str))
    }

    /// What was measured of a model; its dated snapshots (`gpt-4o-2024-08-06`, by which the model `gpt-4o`
    /// answers) count in.
    pub fn of(&self, provider: &str, model: &str) -> Option<Measured> {
        self.sum(provider, model).map(|sum| Measured::from(&sum))
    }

    fn sum(&self, provider: &str, model: &str) -> Option<Aggregate> {
        let models = self.0.get(provider)?;
        let answers = models.range(model.to_owned()..).take_while(|(name, _)| name.starts_with(model));
        let mut sum = Aggregate::default();
        for (_, snapshot) in answers.filter(|(name, _)| name.get(model.len()..).is_some_and(is_no_other_model)) {
            sum.merge(snapshot);
        }
        (sum.requests > 0).then_some(sum)
    }
}

/// Whether what follows a model's name is nothing or a date: `-2024-08-06`, `-20240806`.
fn is_no_other_model(rest: &str) -> bool {
    let day: String = rest.chars().filter(|letter| *letter != '-').collect();
    let is_dashed =
        rest.len() == 11 && rest.char_indices().all(|(at, letter)| (letter == '-') == [0, 5, 8].contains(&at));
    let is_plain = rest.len() == 9 && rest.starts_with('-');
    rest.is_empty()
        || ((is_dashed || is_plain)
            && day.len() == 8
            && day.starts_with("20")
            && day.bytes().all(|d| d.is_ascii_digit()))
}

impl From<&Aggregate> for Measured {
    fn from(sum: &Aggregate) -> Self {
        Self {
            requests: sum.requests,
            error_rate: ratio(sum.errors, sum.ok + sum.errors),
            p50_latency_ms: sum.latency.quantile_us(0.5).map(milliseconds),
            p95_latency_ms: sum.latency.quantile_us(0.95).map(milliseconds),
            ttft_requests: sum.ttft_count,
            p50_ttft_ms: sum.ttft.quantile_us(0.5).map(milliseconds),
            p95_ttft_ms: sum.ttft.quantile_us(0.95).map(milliseconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_measured_with_its_snapshots_and_without_its_namesakes() {
        let sum = |requests, errors| Aggregate { requests, ok: requests - errors, errors, ..Aggregate::default() };
        let models = [
            ("gpt-4o", sum(1, 1)),
            ("gpt-4o-2024-08-06", sum(10, 0)),
            ("gpt-4o-20241120", sum(100, 0)),
            ("gpt-4o-mini", sum(1_000, 0)),
            ("gpt-4o-mini-2024-07-18", sum(10_000, 0)),
            ("gpt-4o-2024-08-06-x", sum(100_000, 0)),
        ];
        let models = models.into_iter().map(|(name, sum)| (name.to_owned(), sum)).collect();
        let all = Measurements(BTreeMap::from([("openai".to_owned(), models)]));
        let requests = |model| all.of("openai", model).map(|measured| measured.requests);
        assert_eq!(requests("gpt-4o"), Some(111));
        assert_eq!(requests("gpt-4o-2024-08-06"), Some(10));
        assert_eq!(requests("gpt-4o-mini"), Some(11_000));
        assert_eq!(requests("gpt-4"), None);
        assert_eq!(all.of("openai", "gpt-4o").unwrap().error_rate, Some(1.0 / 111.0));
        assert!(all.of("openai", "gpt-4o").unwrap().p50_latency_ms.is_none());
        assert!(all.of("azure", "gpt-4o").is_none());
    }
}
