//! Some weeks of synthetic records, written through the store's real write path and priced by the
//! real catalog; the same seed and end give the same records.

use std::sync::Arc;

use crate::{
    catalog::Catalog,
    config::{Config, Provider},
    domain::{Record, Timestamp},
    policy::Policy,
    store::{Store, StoreError},
};

use super::{
    decisions::Decider,
    dice::Dice,
    opinions::Opinions,
    synthetic::{Facts, Moment, Scribe},
    workload::{WORKLOADS, Workload, busyness},
};

/// How far back the history goes.
const HOURS: usize = 28 * 24;
/// Records between two waits for the writer, so that its queue never overflows.
const BATCH: u64 = 1000;
const HOUR_US: i64 = 3_600_000_000;

/// A trouble that shows in the charts.
struct Trouble {
    provider: &'static str,
    /// From and to, in hours before the end.
    hours_ago: std::ops::Range<i64>,
    /// Share of calls that fail.
    failing: f64,
    /// Factor on latencies.
    slowness: f64,
}

const TROUBLES: [Trouble; 3] = [
    Trouble { provider: "demo-anthropic", hours_ago: 9 * 24 + 4..9 * 24 + 7, failing: 0.45, slowness: 1.6 },
    Trouble { provider: "demo-openai", hours_ago: 3 * 24..3 * 24 + 8, failing: 0.03, slowness: 2.4 },
    Trouble { provider: "demo-local", hours_ago: 16 * 24..16 * 24 + 5, failing: 0.6, slowness: 1.0 },
];

/// Writes the history that ends at `until`; `progress` is told the share that is done, in percent.
/// Returns the number of records.
///
/// # Errors
/// When the store cannot write.
pub async fn fill(
    store: &Store,
    policy: &Policy,
    until: Timestamp,
    mut progress: impl FnMut(u8),
) -> Result<u64, StoreError> {
    let config = &*policy.config;
    let catalog = Catalog::bundled(&config.catalog);
    let mut decider = Decider::new(policy);
    let mut written = 0;
    let mut opinions = Opinions::new();
    for (hour, records) in hours(config, &catalog, until, 1.0).enumerate() {
        for mut record in records {
            record.route = decider.decide(&record);
            opinions.hear(&record);
            store.recorder.import(record);
            written += 1;
            if written % BATCH == 0 {
                store.recorder.flush().await?;
                progress(u8::try_from(hour * 100 / HOURS).unwrap_or(100));
            }
        }
    }
    store.recorder.flush().await?;
    opinions.tell(&store.recorder).await?;
    progress(100);
    Ok(written)
}

/// The records of each hour of four weeks, oldest first; `volume` times as many as in the demo.
pub fn hours<'a>(
    config: &'a Config,
    catalog: &'a Catalog,
    until: Timestamp,
    volume: f64,
) -> impl Iterator<Item = Vec<Record>> + 'a {
    let mut scribe = Scribe::new(config, catalog, 0x00de_3000);
    let mut dice = Dice::new(0x1157_0121);
    (0..HOURS).rev().map(move |hours_ago| {
        let hours_ago = i64::try_from(hours_ago).unwrap_or(0);
        let start = until.unix_us - (hours_ago + 1) * HOUR_US;
        let mut moments = hour_of(start, hours_ago, &config.providers, volume, &mut dice);
        moments.sort_by_key(|(at, _)| *at);
        moments.iter().map(|(at, facts)| scribe.record(Timestamp { unix_us: *at }, facts)).collect()
    })
}

/// The requests of one hour, not yet in order.
fn hour_of(
    start_us: i64,
    hours_ago: i64,
    providers: &[Arc<Provider>],
    volume: f64,
    dice: &mut Dice,
) -> Vec<(i64, Facts)> {
    let mut moments = Vec::new();
    for workload in &WORKLOADS {
        let is_there = providers.iter().any(|provider| provider.id == workload.provider);
        let expected = if is_there { expected(workload, start_us, hours_ago) * volume } else { 0.0 };
        // In parts, because one throw of the dice counts some hundred at most.
        let parts = (expected / 100.0).ceil().max(1.0);
        let count: u64 = (0..parts as u32).map(|_| dice.count(expected / parts)).sum();
        for _ in 0..count {
            let at = start_us + i64::try_from(dice.below(HOUR_US.unsigned_abs())).unwrap_or(0);
            let trouble = TROUBLES
                .iter()
                .find(|trouble| trouble.provider == workload.provider && trouble.hours_ago.contains(&hours_ago));
            let moment = Moment {
                failing: trouble.map_or(0.0, |trouble| trouble.failing),
                slowness: trouble.map_or(1.0, |trouble| trouble.slowness),
            };
            moments.push((at, Facts { workload, moment }));
        }
    }
    moments
}

/// Requests of a workload in the hour that begins at `start_us`; use grows by the week.
fn expected(workload: &Workload, start_us: i64, hours_ago: i64) -> f64 {
    let hours = start_us.div_euclid(HOUR_US);
    let hour = u32::try_from(hours.rem_euclid(24)).unwrap_or(0);
    // 1970-01-01 was a Thursday, which is day 3 of a week that begins on Monday.
    let weekday = u32::try_from((hours.div_euclid(24) + 3).rem_euclid(7)).unwrap_or(0);
    let weeks_ago = f64::from(i32::try_from(hours_ago).unwrap_or(0)) / (7.0 * 24.0);
    let growth = weeks_ago.mul_add(-0.09, 1.0);
    workload.per_day / 24.0 * busyness(workload.rhythm, weekday, hour) * growth
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Microcents, Outcome};

    async fn history() -> Vec<Record> {
        let demo = super::super::prepare(Some(0), &Default::default()).await.unwrap();
        let catalog = Catalog::bundled(&demo.config.catalog);
        let until = Timestamp::parse("2026-11-18T14:30:00Z").unwrap();
        hours(&demo.config, &catalog, until, 1.0).flatten().collect()
    }

    #[tokio::test]
    async fn the_history_is_the_same_every_time_and_in_order() {
        let (first, second) = (history().await, history().await);
        assert!((25_000..60_000).contains(&first.len()), "{}", first.len());
        assert_eq!(format!("{:?}", first[7000]), format!("{:?}", second[7000]));
        assert!(first.is_sorted_by_key(|record| record.started_at));
        let begins = first[0].started_at;
        assert!(begins >= Timestamp::parse("2026-10-21T14:30:00Z").unwrap(), "{begins}");
    }

    #[tokio::test]
    async fn every_record_fits_together() {
        for record in history().await {
            let answered = matches!(record.outcome, Outcome::Ok | Outcome::ClientDisconnected);
            assert_eq!(record.attempts.is_empty(), record.outcome == Outcome::Refused);
            assert_eq!(record.error_kind.is_none(), answered);
            let costs: Microcents = record.attempts.iter().filter_map(|attempt| attempt.cost).sum();
            assert_eq!(record.cost, Some(costs), "{record:?}");
            assert_eq!(record.usage.is_unknown(), !answered);
            assert_eq!(record.price_version.is_some(), answered);
            assert_eq!(record.usage.estimated, record.outcome == Outcome::ClientDisconnected);
            assert!(record.ttft_us.is_none_or(|ttft_us| record.stream && ttft_us <= record.latency_us));
            assert!(record.attempts.iter().all(|attempt| attempt.latency_us <= record.latency_us));
        }
    }

    #[tokio::test]
    async fn the_history_has_troubles_and_quiet_nights() {
        let records = history().await;
        let share = |outcome: Outcome| {
            records.iter().filter(|record| record.outcome == outcome).count() as f64 / records.len() as f64
        };
        assert!((0.005..0.06).contains(&share(Outcome::Error)), "{}", share(Outcome::Error));
        assert!((0.002..0.02).contains(&share(Outcome::Refused)), "{}", share(Outcome::Refused));
        assert!((0.002..0.03).contains(&share(Outcome::ClientDisconnected)));
        let at_hour = |hour: i64| {
            let office = records.iter().filter(|record| record.project.as_deref() == Some("code-review"));
            office.filter(|record| record.started_at.unix_secs() / 3600 % 24 == hour).count()
        };
        assert!(at_hour(10) > 20 * at_hour(23).max(1));
    }
}
