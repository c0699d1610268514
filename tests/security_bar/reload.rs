//! Bar 36: whatever is written into the config file while requests run, the last good one stays and none fails.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use futures_util::future::join_all;
use llm_gateway::{
    config::{self, LoadOptions},
    demo::{Provider, ProviderOptions},
};
use rustix::process::Signal;
use serde_json::json;

use crate::harness::{
    client::{Client, PATIENCE},
    process::Process,
};

/// Broken files that are written.
const FILES: usize = 500;

/// xorshift64
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }
}

/// Whether the gateway would refuse to take this over.
fn is_broken(work: &Path, bytes: &[u8]) -> bool {
    std::fs::write(work.join("config.toml"), bytes).unwrap();
    let options = LoadOptions { config_path: None, port: None, working_dir: work.to_owned(), env: [].into() };
    config::load(&options).is_err()
}

/// A broken variant of a config: cut, changed, repeated, swollen.
fn spoilt(good: &[u8], dice: &mut Dice, work: &Path) -> Vec<u8> {
    let mut bytes = good.to_vec();
    let at = dice.roll(bytes.len());
    match dice.roll(6) {
        0 => bytes.truncate(at),
        1 => bytes.extend_from_slice(good),
        2 => drop(bytes.splice(at..at, std::iter::repeat_n(b'x', 3 << 20))),
        3 => bytes = vec![0xff; 1 + dice.roll(4_096)],
        4 => drop(bytes.drain(at..(at + 1 + dice.roll(30)).min(good.len()))),
        _ => drop(bytes.splice(at..at, *b"]]=\"\0[")),
    }
    if !is_broken(work, &bytes) {
        // It happened to be a config, if another one.
        bytes.extend_from_slice(b"\n[server\n");
    }
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bar_36_five_hundred_broken_configs_fail_no_request() {
    let upstream = Provider::spawn(ProviderOptions::default()).await.unwrap();
    let (dir, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = dir.path().join("config.toml");
    let block = |id: &str| {
        format!(
            "[[providers]]\nid = \"{id}\"\nprovider_type = \"openai\"\napi_key = \"sk-test\"\nbase_url = \"{}/v1\"\n",
            upstream.url()
        )
    };
    let good = block("openai");
    std::fs::write(&file, &good).unwrap();
    let mut gateway = Process::start(dir.path()).await;
    let client = Client::new(gateway.address);
    let providers = || async { client.get("/health").await.expect(200)["providers"].clone() };
    assert_eq!(providers().await, json!(["openai"]));

    let (is_over, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]});
    let ask = || async {
        let client = Client::new(gateway.address);
        while !is_over.load(Relaxed) {
            let answer = client.post("/v1/chat/completions", &body).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            asked.fetch_add(1, Relaxed);
        }
    };
    let write = async {
        let mut dice = Dice(0x5eed_5eed_5eed_5eed);
        for number in 0..FILES {
            // As editors do, as `cat >` does, and not at all: a directory, a link into nothing, no file.
            let spare = dir.path().join("spare");
            let bytes = spoilt(good.as_bytes(), &mut dice, work.path());
            let _ = std::fs::remove_file(&file);
            let _ = std::fs::remove_dir(&file);
            match dice.roll(8) {
                0 => std::fs::create_dir(&file).unwrap(),
                1 => std::os::unix::fs::symlink("nowhere", &file).unwrap(),
                2 => {}
                3 => std::fs::write(&file, &bytes).unwrap(),
                // Emptied and then written by someone slow: no moment of it may count.
                4 => {
                    std::fs::write(&file, "").unwrap();
                    tokio::time::sleep(Duration::from_millis(250)).await;
                    std::fs::write(&file, &bytes).unwrap();
                }
                _ => {
                    std::fs::write(&spare, &bytes).unwrap();
                    std::fs::rename(&spare, &file).unwrap();
                }
            }
            // Every tenth lies there until it has been looked at.
            let pause = if number % 10 == 0 { 300 } else { 5 };
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        assert_eq!(providers().await, json!(["openai"]), "the last good one stays");
        // And a good one is still taken over.
        let _ = std::fs::remove_file(&file);
        let _ = std::fs::remove_dir(&file);
        std::fs::write(&file, format!("{good}{}", block("second"))).unwrap();
        let begun = tokio::time::Instant::now();
        while providers().await != json!(["openai", "second"]) {
            assert!(begun.elapsed() < PATIENCE, "{}", gateway.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        is_over.store(true, Relaxed);
    };
    tokio::join!(write, join_all((0..4).map(|_| ask())));
    assert!(asked.load(Relaxed) > 100, "only {} requests ran beside it", asked.load(Relaxed));
    let log = gateway.log();
    assert!(log.matches("the old one stays").count() > 20, "hardly a file was looked at: {log}");
    assert!(!log.contains("panicked"), "{log}");
    gateway.signal(Signal::TERM);
    assert!(gateway.ended().await.success());
    // At the start, and only then, a broken one is the end.
    std::fs::write(&file, "[server\n").unwrap();
    assert!(!Process::spawn(dir.path(), &[]).ended().await.success());
}
