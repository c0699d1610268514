//! The load harness: what llm-gateway adds to a call, compared with no proxy and with nginx.
//!
//! All targets are measured in turns in one run, several rounds, and a figure is the median of its
//! rounds: on a shared machine only such figures can be compared, and only with each other. Mock
//! provider and clients are this process; nginx and the gateway, with keys required and everything
//! recorded, are its children. Run it by `make bench`.
#![allow(missing_docs, clippy::print_stdout, reason = "a program for the terminal, not an interface")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "figures are rounded for people anyway"
)]

mod bombs;
mod client;
mod mock;
mod outage;
mod process;
mod report;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use client::Aim;
use mock::Mock;
use process::Running;
use report::{Figures, PLAIN, VARIANTS, percentile};

/// Why a run ended early, in words.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

const ROUNDS: usize = 7;
const STARTS: usize = 3;
const LOAD_TIME: Duration = Duration::from_millis(1000);
const OPEN_RATE: u32 = 500;

/// What is measured: nothing in between, or a child process.
struct Target {
    name: &'static str,
    aim: Aim,
    running: Option<Running>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Other,
    Gateway,
}

struct Bench {
    mock: Mock,
    targets: Vec<Target>,
    figures: Figures,
    notes: Vec<String>,
}

fn main() -> Result<(), Failure> {
    // The clients share one thread: the machine's cores belong to the targets.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // `cargo test --all-targets` runs this program, too, without this flag.
    let is_asked = |word: &str| std::env::args().any(|argument| argument == word);
    if is_asked("--bench") && is_asked("outage") {
        runtime.block_on(in_a_directory(async |dir| outage::run(&gateway_program(), dir).await))
    } else if is_asked("--bench") && is_asked("bombs") {
        runtime.block_on(in_a_directory(async |dir| bombs::run(&gateway_program(), dir).await))
    } else if is_asked("--bench") {
        runtime.block_on(run())
    } else {
        runtime.block_on(smoke())
    }
}

/// The harness against itself, for a moment.
async fn smoke() -> Result<(), Failure> {
    let mock = Mock::start()?;
    mock.shape.chunks.store(3, Relaxed);
    mock.shape.interval_us.store(1000, Relaxed);
    let aim = Aim::at(mock.address);
    let time = Duration::from_millis(30);
    let closed = client::closed_loop(&aim, 2, time).await?;
    let open = client::open_loop(&aim, 200, 2, time).await?;
    let chunks = client::streams(&aim, 4).await?;
    if closed.is_empty() || open.is_empty() || chunks.len() != 12 {
        return Err(format!("the harness lost answers: {} {} {}", closed.len(), open.len(), chunks.len()).into());
    }
    println!("load: the harness works; `make bench` measures");
    Ok(())
}

async fn run() -> Result<(), Failure> {
    let rounds = std::env::var("LOAD_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS);
    in_a_directory(async |dir| measure(rounds, dir).await).await
}

async fn in_a_directory(work: impl AsyncFnOnce(&Path) -> Result<(), Failure>) -> Result<(), Failure> {
    let dir = std::env::temp_dir().join(format!("llm-gateway-load-{}", std::process::id()));
    let done = work(&dir).await;
    let _ = std::fs::remove_dir_all(&dir);
    done
}

async fn measure(rounds: usize, dir: &Path) -> Result<(), Failure> {
    let about = about(rounds);
    println!("{about}\n");
    let mut bench = Bench::start(dir).await?;
    for round in 0..rounds {
        if chosen("closed") {
            bench.throughput().await?;
        }
        if chosen("one") {
            bench.one_connection().await?;
        }
        if chosen("open") {
            bench.open_loop().await?;
        }
        if chosen("chunks") {
            bench.chunks().await?;
        }
        // No target is always the one that comes first.
        bench.targets.rotate_left(1);
        println!("round {} of {rounds} done", round + 1);
    }
    if chosen("memory") {
        bench.memory().await?;
    }
    bench.records().await?;
    bench.targets.clear();
    println!("\n{}\n{}", bench.figures.table(), bench.figures.variants());
    for note in &bench.notes {
        println!("{note}");
    }
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench-results");
    bench.figures.save(&results, &about, &bench.notes)?;
    println!("\nsaved under bench-results/");
    Ok(())
}

/// Whether a part is to be run: all are, unless `LOAD_PARTS` names some, which a profiler may want.
fn chosen(part: &str) -> bool {
    std::env::var("LOAD_PARTS").map_or(true, |parts| parts.split(',').any(|chosen| chosen == part))
}

fn gateway_program() -> PathBuf {
    std::env::var_os("LOAD_GATEWAY").map_or_else(|| env!("CARGO_BIN_EXE_llm-gateway").into(), PathBuf::from)
}

fn about(rounds: usize) -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("?", |(_, m)| m);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?");
    format!("{rounds} rounds, medians. {cores} × {model}, load average {load} before the run.")
}

impl Bench {
    /// Starts everything, a few times over for the start time; the last ones stay.
    async fn start(dir: &Path) -> Result<Self, Failure> {
        let mock = Mock::start()?;
        let mut figures = Figures::default();
        let mut notes = Vec::new();
        let mut targets = Vec::new();
        for start in 0..STARTS {
            targets = vec![Target { name: "direct", aim: Aim::at(mock.address), running: None, kind: Kind::Other }];
            let nginx = Running::nginx(mock.address, &dir.join(format!("nginx{start}"))).await?;
            match nginx {
                Some(nginx) => targets.push(Target::child("nginx", nginx, Kind::Other)),
                None if start == 0 => notes.push("nginx is not installed: its column is left out.".to_owned()),
                None => {}
            }
            let place = dir.join(format!("gateway{start}"));
            let gateway = Running::gateway(&gateway_program(), mock.address, &place, "").await?;
            targets.push(Target::child(PLAIN, gateway, Kind::Gateway));
            for target in &targets {
                if let Some(running) = &target.running {
                    figures.note("start_ms", target.name, running.start.as_secs_f64() * 1000.0);
                }
            }
        }
        for (number, variant) in VARIANTS.iter().enumerate().filter(|_| chosen("variants")) {
            let place = dir.join(format!("variant{number}"));
            let gateway = Running::gateway(&gateway_program(), mock.address, &place, variant.config).await?;
            targets.push(Target::child(variant.name, gateway, Kind::Gateway));
        }
        Ok(Self { mock, targets, figures, notes })
    }

    async fn throughput(&mut self) -> Result<(), Failure> {
        for target in &self.targets {
            let before = target.running.as_ref().map(Running::cpu);
            let begun = Instant::now();
            let latencies = client::closed_loop(&target.aim, 32, LOAD_TIME).await?;
            let rate = latencies.len() as f64 / begun.elapsed().as_secs_f64();
            self.figures.note("requests_per_s", target.name, rate);
            target.settle().await?;
            if let Some((running, before)) = target.running.as_ref().zip(before) {
                let cpu = running.cpu().micros_since(&before) / (latencies.len() + 32) as f64;
                self.figures.note("request_cpu_us", target.name, cpu);
            }
        }
        Ok(())
    }

    async fn one_connection(&mut self) -> Result<(), Failure> {
        for (is_large, keys) in
            [(false, ["one_added_p50_ms", "one_added_p99_ms"]), (true, ["large_added_p50_ms", "large_added_p99_ms"])]
        {
            let mut found = Vec::new();
            for target in &self.targets {
                let request = if is_large { &target.aim.large } else { &target.aim.whole };
                let mut latencies = client::closed_loop_of(&target.aim, request, 1, LOAD_TIME / 2).await?;
                latencies.sort_unstable();
                target.settle().await?;
                if !is_large {
                    self.figures.note("one_p50_ms", target.name, percentile(&latencies, 50.0) / 1e6);
                }
                found.push((target.name, latencies));
            }
            self.added(&found, keys, 1e6);
        }
        Ok(())
    }

    async fn open_loop(&mut self) -> Result<(), Failure> {
        let mut found = Vec::new();
        for target in &self.targets {
            let before = target.running.as_ref().map(Running::cpu);
            let mut latencies = client::open_loop(&target.aim, OPEN_RATE, 32, LOAD_TIME).await?;
            latencies.sort_unstable();
            target.settle().await?;
            if let Some((running, before)) = target.running.as_ref().zip(before) {
                let cpu = running.cpu().micros_since(&before) / (latencies.len() + 32) as f64;
                self.figures.note("open_cpu_us", target.name, cpu);
            }
            found.push((target.name, latencies));
        }
        self.added(&found, ["open_added_p50_ms", "open_added_p99_ms"], 1e6);
        Ok(())
    }

    async fn chunks(&mut self) -> Result<(), Failure> {
        const STREAMS: usize = 64;
        const CHUNKS: u64 = 100;
        self.mock.shape.chunks.store(CHUNKS, Relaxed);
        self.mock.shape.interval_us.store(10_000, Relaxed);
        let expected = STREAMS * CHUNKS as usize;
        let mut found = Vec::new();
        for target in &self.targets {
            let before = target.running.as_ref().map(Running::cpu);
            let mut delays = client::streams(&target.aim, STREAMS).await?;
            if delays.len() != expected {
                return Err(format!("{}: {} of {expected} chunks arrived", target.name, delays.len()).into());
            }
            delays.sort_unstable();
            target.settle().await?;
            if let Some((running, before)) = target.running.as_ref().zip(before) {
                let cpu = running.cpu().micros_since(&before) / expected as f64;
                self.figures.note("chunk_cpu_us", target.name, cpu);
            }
            found.push((target.name, delays));
        }
        self.added(&found, ["chunk_added_p50_us", "chunk_added_p99_us"], 1e3);
        Ok(())
    }

    /// Notes what each target's percentiles are above those of the direct way in the same round.
    fn added(&mut self, found: &[(&'static str, Vec<u64>)], keys: [&'static str; 2], unit_ns: f64) {
        let Some((_, direct)) = found.iter().find(|(name, _)| *name == "direct") else { return };
        for (name, sorted) in found.iter().filter(|(name, _)| *name != "direct") {
            for (key, percent) in keys.into_iter().zip([50.0, 99.0]) {
                let added = percentile(sorted, percent) - percentile(direct, percent);
                self.figures.note(key, name, added / unit_ns);
            }
        }
    }

    /// Peaks of resident memory; once, because memory does not come back within a run.
    async fn memory(&mut self) -> Result<(), Failure> {
        for target in &self.targets {
            let Some(running) = &target.running else { continue };
            let (peak, done) = running.peak_while(client::closed_loop(&target.aim, 256, LOAD_TIME)).await;
            done?;
            self.figures.note("rss_256_mib", target.name, peak);
            target.settle().await?;
        }
        if open_files_limit() < 8192 {
            self.notes.push("1,000 streams were left out: they need `ulimit -n 8192`.".to_owned());
            return Ok(());
        }
        self.mock.shape.chunks.store(12, Relaxed);
        self.mock.shape.interval_us.store(250_000, Relaxed);
        for target in &self.targets {
            let Some(running) = &target.running else { continue };
            let (peak, done) = running.peak_while(client::streams(&target.aim, 1000)).await;
            let arrived = done?.len();
            if arrived != 12_000 {
                return Err(format!("{}: {arrived} of 12000 chunks arrived", target.name).into());
            }
            self.figures.note("rss_1000_streams_mib", target.name, peak);
            target.settle().await?;
        }
        Ok(())
    }

    /// A gateway that is fast because it loses records is not fast.
    async fn records(&mut self) -> Result<(), Failure> {
        let mut lost = 0;
        for target in self.targets.iter().filter(|target| target.kind == Kind::Gateway) {
            let queue = target.queue().await?;
            match queue.get("dropped_records").and_then(serde_json::Value::as_u64) {
                Some(dropped) => lost += dropped,
                None => return Err("the gateway does not tell about its records".into()),
            }
        }
        self.notes.push(match lost {
            0 => "Every request was recorded; none was dropped.".to_owned(),
            lost => format!("{lost} records were dropped."),
        });
        Ok(())
    }
}

impl Target {
    fn child(name: &'static str, running: Running, kind: Kind) -> Self {
        Self { name, aim: running.aim.clone(), running: Some(running), kind }
    }

    /// Waits until the target has nothing left to do, so that its CPU time is whole and does not
    /// fall into the turn of another.
    async fn settle(&self) -> Result<(), Failure> {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if self.kind != Kind::Gateway {
            return Ok(());
        }
        for _ in 0..200 {
            let queue = self.queue().await?;
            if queue.get("waiting_records").and_then(serde_json::Value::as_u64) == Some(0) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err("the gateway did not write its records within 10 s".into())
    }

    async fn queue(&self) -> Result<serde_json::Value, Failure> {
        Ok(serde_json::from_str(&client::get(self.aim.address, "/readyz").await?)?)
    }
}

impl Running {
    /// Runs `load` and tells the peak of resident memory in MiB meanwhile.
    async fn peak_while<T>(&self, load: impl Future<Output = T>) -> (f64, T) {
        let peak = Arc::new(AtomicU64::new(0));
        let watching = async {
            loop {
                peak.fetch_max(self.rss_kib(), Relaxed);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let done = tokio::select! {
            done = load => done,
            () = watching => unreachable!("it watches until the load is over"),
        };
        (peak.load(Relaxed) as f64 / 1024.0, done)
    }
}

fn open_files_limit() -> u64 {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    line.and_then(|line| line.split_whitespace().nth(3)?.parse().ok()).unwrap_or(0)
}
