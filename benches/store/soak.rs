//! How long the writer is held up: by retention, and over a long time with readers that never rest.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures_util::StreamExt as _;
use llm_gateway::{
    domain::{Record, RecordId, Timestamp},
    store::{self, RecordFilter, StatsFilter, Store},
};

use super::{Failure, configured, directory, quantile, record_on, resident_bytes, stock};

/// Bars.
const MOST_STALL_MS: f64 = 100.0;
const MOST_WAL_BYTES: u64 = 256 << 20;
/// What a lone record waits for company before it is committed.
const GROUP_WAIT_MS: f64 = 15.0;

/// From submission to commit, of each record.
#[derive(Clone, Default)]
struct Waits {
    open: Arc<Mutex<HashMap<RecordId, Instant>>>,
    done: Arc<Mutex<Vec<f64>>>,
}

impl Waits {
    fn begin(&self, record: &Record) {
        self.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(record.id, Instant::now());
    }

    async fn watch(self, store: Store) {
        let mut live = store.recorder.live();
        loop {
            let Ok(told) = live.recv().await else { continue };
            let begun = self.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&told.record.id);
            if let Some(begun) = begun {
                let took = begun.elapsed().as_secs_f64().mul_add(1_000.0, -GROUP_WAIT_MS);
                self.done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(took.max(0.0));
            }
        }
    }

    fn sorted(&self) -> Vec<f64> {
        let mut done = self.done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        done.sort_by(f64::total_cmp);
        done
    }
}

/// Deletes (nearly) all records of a directory while others come in.
pub(crate) async fn retention(path: &Path) -> Result<(), Failure> {
    let stock = stock().await?;
    let store = store::open(&configured(path, "retention_days = 1\n")?.storage).await?;
    let waits = Waits::default();
    let watching = tokio::spawn(waits.clone().watch(store.clone()));
    let told = waits.clone();
    let recording = tokio::spawn(record_on(store.recorder.clone(), stock, move |record| told.begin(record)));
    let begun = Instant::now();
    let mut most_wal = 0;
    let old = RecordFilter {
        to: Some(Timestamp { unix_us: Timestamp::now().unix_us - 86_400_000_000 }),
        ..RecordFilter::default()
    };
    loop {
        tokio::time::sleep(Duration::from_millis(250)).await;
        most_wal = most_wal.max(store.wal_bytes());
        if store.history.records(&old, None, 1).await?.records.is_empty() {
            break;
        }
    }
    recording.abort();
    store.recorder.flush().await?;
    watching.abort();
    let waits = waits.sorted();
    let (p99, most) = (quantile(&waits, 0.99), quantile(&waits, 1.0));
    println!(
        "deleted in {:.0} s; the writer was held up p99 {p99:.1} ms, at most {most:.1} ms (bar {MOST_STALL_MS}); \
         write-ahead log at most {} MiB; {} dropped{}",
        begun.elapsed().as_secs_f64(),
        most_wal >> 20,
        store.recorder.stats().dropped,
        if most > MOST_STALL_MS { "\nA BAR IS MISSED" } else { "" },
    );
    store.close().await?;
    Ok(())
}

/// `SOAK_SECS` (600) with records, retention, sums, lists and slow exports at once, on `SOAK_RECORDS` (300,000).
pub(crate) async fn run() -> Result<(), Failure> {
    let number = |name: &str, default: u64| std::env::var(name).ok().map_or(Ok(default), |text| text.parse::<u64>());
    let (secs, records) = (number("SOAK_SECS", 600)?, number("SOAK_RECORDS", 300_000)?);
    let path = directory(records).with_file_name(format!("soak-{records}"));
    let stock = stock().await?;
    // In a process of its own, so that its memory does not count.
    super::child(&["seed", &records.to_string(), &path.to_string_lossy()])?;
    let store = store::open(&configured(&path, "retention_days = 14\n")?.storage).await?;
    let waits = Waits::default();
    let mut tasks = vec![tokio::spawn(waits.clone().watch(store.clone()))];
    let told = waits.clone();
    tasks.push(tokio::spawn(record_on(store.recorder.clone(), stock, move |record| told.begin(record))));
    for _ in 0..3 {
        tasks.push(tokio::spawn(sum_on(store.clone())));
        tasks.push(tokio::spawn(export_on(store.clone())));
    }
    let begun = Instant::now();
    let (mut most_wal, mut resident) = (0, Vec::new());
    while begun.elapsed().as_secs() < secs {
        tokio::time::sleep(Duration::from_secs(1)).await;
        most_wal = most_wal.max(store.wal_bytes());
        resident.push(resident_bytes() as f64 / f64::from(1 << 20));
        if resident.len() % 30 == 0 {
            let waits = waits.sorted();
            eprintln!(
                "{:>5} s of {secs}: log {:>4} MiB, RSS {:>5.0} MiB, held up p99 {:.1} ms, at most {:.1} ms, {} records",
                begun.elapsed().as_secs(),
                store.wal_bytes() >> 20,
                resident.last().copied().unwrap_or_default(),
                quantile(&waits, 0.99),
                quantile(&waits, 1.0),
                store.recorder.stats().written,
            );
        }
    }
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    // The first quarter is for caches to fill.
    let settled = &resident[resident.len() / 4..];
    let (least, most) =
        settled.iter().fold((f64::MAX, 0.0_f64), |(least, most), now| (least.min(*now), most.max(*now)));
    let middle = f64::midpoint(least, most);
    let waits = waits.sorted();
    let (p99, dropped) = (quantile(&waits, 0.99), store.recorder.stats().dropped);
    println!(
        "soak of {secs} s: write-ahead log at most {} MiB, RSS {least:.0} to {most:.0} MiB, writer held up p99 {p99:.1} ms, \
         {} records, {dropped} dropped",
        most_wal >> 20,
        store.recorder.stats().written,
    );
    store.close().await?;
    std::fs::remove_dir_all(&path)?;
    let bars = [
        (most_wal < MOST_WAL_BYTES, "the write-ahead log grew to 256 MiB"),
        (most <= middle * 1.1, "memory is not flat to within 10 %"),
        (p99 < MOST_STALL_MS, "the writer was held up for 100 ms"),
        (dropped == 0, "records were dropped"),
    ];
    match bars.into_iter().find(|(holds, _)| !holds) {
        None => Ok(()),
        Some((_, fault)) => Err(fault.into()),
    }
}

async fn sum_on(store: Store) {
    loop {
        if let Err(fault) = store.history.totals(&StatsFilter::default(), &[]).await {
            eprintln!("sums: {fault}");
        }
    }
}

/// A slow client: each chunk is read by itself.
async fn export_on(store: Store) {
    loop {
        let mut chunks = std::pin::pin!(store.history.export(RecordFilter::default()));
        while let Some(chunk) = chunks.next().await {
            if let Err(fault) = chunk {
                eprintln!("export: {fault}");
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}
