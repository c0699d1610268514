//! Fills a data directory with as many synthetic records as are asked for, to try how the gateway fares with them:
//!
//! `cargo run --release --example seed -- --records 1000000 PATH`

#![allow(clippy::print_stderr, reason = "a program for the terminal")]

#[path = "../benches/store/seed.rs"]
mod seed;

use std::{io::Write as _, path::PathBuf, time::Instant};

use clap::Parser;
use llm_gateway::{
    config::{self, LoadOptions},
    domain::Timestamp,
    store,
};

/// Fills a data directory with synthetic records of the last four weeks.
#[derive(Parser)]
struct Arguments {
    /// About how many records.
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
    /// The data directory, as in `storage.path`; made where it is missing.
    path: PathBuf,
}

#[tokio::main]
async fn main() -> Result<(), seed::Failure> {
    let Arguments { records, path } = Arguments::parse();
    let working_dir = std::env::temp_dir();
    let mut storage = config::load(&LoadOptions { working_dir, ..LoadOptions::default() })?.storage;
    storage.path = path;
    let store = store::open(&storage).await?;
    let begun = Instant::now();
    let mut say = std::io::stderr();
    let written = seed::seed(&store, records, Timestamp::now(), |written| {
        // A closed terminal is no reason to stop.
        let _ = write!(
            say,
            "\r{written:>12} of about {records} records, {:.0} a second ",
            written as f64 / begun.elapsed().as_secs_f64()
        );
    })
    .await?;
    store.close().await?;
    eprintln!("\n{written} records in {:.0} s: {}", begun.elapsed().as_secs_f64(), storage.path.display());
    Ok(())
}
