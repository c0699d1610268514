//! The store among millions of records: `make bench-store`, and with readers that never rest: `make soak`.
//!
//! Each part runs in a process of its own, so that its memory is what a gateway would take. Databases are kept
//! under `target/bench-store` and used again.

#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal, not an interface"
)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    reason = "figures for people, made of lists that are not empty"
)]

mod ask;
mod client;
mod measure;
mod replay;
mod seed;
mod soak;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use llm_gateway::{
    catalog::Catalog,
    config::{self, Config, LoadOptions},
    demo,
    domain::{Record, Timestamp},
    store::{self, Recorder},
};
use seed::{Crowd, Failure};

/// Sizes when `BENCH_RECORDS` says nothing.
const SIZES: &str = "1000000 3000000";
/// Records that questions are asked about.
const ASKED: u64 = 1_000_000;
/// Records that are recorded in each second of every part.
pub(crate) const RECORDED_PER_SEC: u64 = 500;

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let (flags, arguments): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|argument| argument == "--bench");
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["seed", records, path] => fill(records.parse()?, Path::new(path)).await,
        ["measure", path] => measure::run(Path::new(path)).await,
        ["retention", path] => soak::retention(Path::new(path)).await,
        ["soak"] => soak::run().await,
        ["replay"] => replay::run(&directory(0)).await,
        ["ask"] => {
            let path = directory(ASKED);
            if !path.join("seeded").exists() {
                fill(ASKED, &path).await?;
            }
            ask::run(&path).await
        }
        // `cargo test --all-targets` runs this program, too, without the flag.
        [] if flags.is_empty() => {
            println!("store: `make bench-store` measures");
            Ok(())
        }
        [] => all(),
        _ => Err("usage: store [soak | replay | ask]".into()),
    }
}

/// Every size: seeded, measured, compared; then the first is emptied by retention.
fn all() -> Result<(), Failure> {
    let sizes = std::env::var("BENCH_RECORDS").unwrap_or_else(|_| SIZES.to_owned());
    let sizes: Vec<u64> = sizes.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let mut tables: Vec<(u64, BTreeMap<String, f64>)> = Vec::new();
    for size in &sizes {
        let directory = directory(*size);
        if !directory.join("seeded").exists() {
            child(&["seed", &size.to_string(), &directory.to_string_lossy()])?;
        }
        println!("\n{size} records, {RECORDED_PER_SEC} recorded every second meanwhile");
        let text = child(&["measure", &directory.to_string_lossy()])?;
        let figure = |line: &str| {
            let (name, rest) = line.strip_prefix("p99 ")?.split_once('\t')?;
            Some((name.to_owned(), rest.parse().ok()?))
        };
        tables.push((*size, text.lines().filter_map(figure).collect()));
    }
    compare(&tables);
    if let Some(first) = sizes.first() {
        println!("\nretention of {first} records");
        child(&["retention", &directory(*first).to_string_lossy()])?;
        std::fs::remove_dir_all(directory(*first))?;
    }
    Ok(())
}

/// p99 of the largest size as a multiple of the smallest's.
fn compare(tables: &[(u64, BTreeMap<String, f64>)]) {
    let [(few, first), .., (many, last)] = tables else { return };
    println!("\n{many} records against {few}, p99");
    for (name, p99) in last {
        if let Some(before) = first.get(name) {
            println!("{:>8.2} ×  {name}", p99 / before);
        }
    }
}

pub(crate) fn directory(records: u64) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-store").join(records.to_string())
}

/// Runs a part in a process of its own; what it prints is shown and returned.
pub(crate) fn child(arguments: &[&str]) -> Result<String, Failure> {
    use std::io::{BufRead as _, BufReader};
    let mut child = Command::new(std::env::current_exe()?).args(arguments).stdout(Stdio::piped()).spawn()?;
    let mut text = String::new();
    for line in child.stdout.take().into_iter().flat_map(|output| BufReader::new(output).lines()) {
        let line = line?;
        if !line.starts_with("p99 ") {
            println!("{line}");
        }
        text.push_str(&line);
        text.push('\n');
    }
    let status = child.wait()?;
    if status.success() { Ok(text) } else { Err(format!("{} ended with {status}", arguments.join(" ")).into()) }
}

/// Seeds a directory and marks it as whole.
pub(crate) async fn fill(records: u64, path: &Path) -> Result<(), Failure> {
    let _ = std::fs::remove_dir_all(path);
    std::fs::create_dir_all(path)?;
    let store = store::open(&configured(path, "")?.storage).await?;
    let begun = Instant::now();
    let written = seed::seed(&store, records, Timestamp::now(), |written| {
        eprint!("\rseeding: {written:>12} of about {records} records");
    })
    .await?;
    store.close().await?;
    eprintln!("\rseeded {written} records in {:.0} s                ", begun.elapsed().as_secs_f64());
    std::fs::write(path.join("seeded"), "")?;
    Ok(())
}

/// A configuration without providers on this data directory.
pub(crate) fn configured(path: &Path, more: &str) -> Result<Config, Failure> {
    let working_dir = tempfile::tempdir()?;
    std::fs::write(working_dir.path().join("config.toml"), format!("[storage]\npath = {path:?}\n{more}"))?;
    let options =
        LoadOptions { config_path: None, port: None, working_dir: working_dir.path().to_owned(), env: BTreeMap::new() };
    Ok(config::load(&options)?)
}

/// Some thousand records to be recorded again and again, as if they came now.
pub(crate) async fn stock() -> Result<Vec<Record>, Failure> {
    let demo = demo::prepare(Some(0), &BTreeMap::new()).await?;
    let catalog = Catalog::bundled(&demo.config.catalog);
    let mut crowd = Crowd::default();
    let hours = demo::hours(&demo.config, &catalog, Timestamp::now(), 1.0);
    Ok(hours.flatten().take(4_000).map(|record| crowd.place(record)).collect())
}

/// Records [`RECORDED_PER_SEC`] for ever, each with the time at which it was submitted.
pub(crate) async fn record_on(recorder: Recorder, stock: Vec<Record>, mut told: impl FnMut(&Record) + Send) {
    let mut turn = tokio::time::interval(std::time::Duration::from_micros(1_000_000 / RECORDED_PER_SEC));
    for record in stock.iter().cycle() {
        turn.tick().await;
        let record =
            Record { id: llm_gateway::domain::RecordId::new(), started_at: Timestamp::now(), ..record.clone() };
        told(&record);
        recorder.submit(record);
    }
}

/// Resident bytes of this process.
pub(crate) fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// The value below which the share `quantile` of all lies.
pub(crate) fn quantile(sorted: &[f64], quantile: f64) -> f64 {
    let place = (sorted.len() as f64 * quantile).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}
