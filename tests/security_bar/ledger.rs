//! Bar 20: one record a request, one attempt row an upstream call, whatever happens to either side, and over
//! restarts of the gateway in the midst of it all.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::{StreamExt as _, stream};
use llm_gateway::demo::{Call, Provider, ProviderOptions};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::raw::post;
use crate::harness::{client::Client, gateway::standard_providers, process::Process};

/// Calls of a normal run, in both modes of `on_client_disconnect` together; `CALLS` asks for more.
const CALLS: usize = 2_000;
/// Calls between two restarts, about.
const PHASE: usize = 250;
const AT_ONCE: usize = 24;

/// xorshift64*: a failure is repeated by its seed.
#[derive(Clone, Copy)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % sides
    }
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Nothing goes wrong.
    Whole,
    /// The upstream fails, before, in or after its head.
    Upstream,
    /// The client leaves after this many bytes of the answer.
    LeavesAfterBytes(usize),
    /// The client leaves this long after its request.
    LeavesAfter(Duration),
    /// The client leaves in the middle of its own request.
    LeavesWhileAsking,
}

struct Planned {
    nonce: String,
    request: String,
    fate: Fate,
    what: String,
    /// Where the client cuts its own request.
    cut: usize,
    /// Whether the gateway was told to stop before the call was over.
    is_stopped: AtomicBool,
}

fn plan(number: usize, dice: &mut Dice) -> Planned {
    let nonce = format!("nonce-{number:05}");
    let chat = json!([{"role": "user", "content": format!("Tell me about {nonce}")}]);
    let contents = json!([{"role": "user", "parts": [{"text": nonce}]}]);
    let stream = dice.roll(3) > 0;
    let (target, body) = match dice.roll(6) {
        0 => ("/v1/chat/completions", json!({"model": "gpt-4o", "stream": stream, "messages": chat})),
        1 => ("/v1/responses", json!({"model": "gpt-4o", "stream": stream, "input": nonce})),
        2 => (
            "/v1/messages",
            json!({"model": "claude-haiku-4-5-20251001", "max_tokens": 64, "stream": stream, "messages": chat}),
        ),
        3 if stream => ("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", json!({"contents": contents})),
        3 => ("/v1beta/models/gemini-2.5-flash:generateContent", json!({"contents": contents})),
        4 => ("/api/chat", json!({"model": "llama3.2", "stream": stream, "messages": chat})),
        _ => ("/v1/embeddings", json!({"model": "text-embedding-3-small", "input": nonce})),
    };
    let early = dice.roll(60);
    let fault = |kind: &str| json!({"fault": {"kind": kind, "after_bytes": early}});
    let plain = |kind: &str| json!({"fault": {"kind": kind}});
    let (fate, script) = match dice.roll(20) {
        0..=5 => (Fate::Whole, json!({})),
        6 => (Fate::Upstream, json!({"fault": {"kind": "refused", "status": 429, "retry_after_secs": 1}})),
        7 => (Fate::Upstream, json!({"fault": {"kind": "refused", "status": 500, "retry_after_secs": null}})),
        8 => (Fate::Upstream, plain("reset_before_head")),
        9 => (Fate::Upstream, plain("reset_in_head")),
        10 => (Fate::Upstream, fault("reset_in_body")),
        11 => (Fate::Upstream, fault("close_in_body")),
        12 if dice.roll(3) == 0 => (Fate::Upstream, plain("silence")),
        12 => (Fate::Upstream, plain("error_under200")),
        13 if dice.roll(3) == 0 => (Fate::Upstream, fault("stall")),
        13..=16 => {
            (Fate::LeavesAfterBytes(usize::try_from(dice.roll(3_000)).unwrap()), json!({"gap_ms": dice.roll(3)}))
        }
        17..=18 => (Fate::LeavesAfter(Duration::from_millis(dice.roll(40))), json!({"latency_ms": 20, "gap_ms": 1})),
        _ => (Fate::LeavesWhileAsking, json!({})),
    };
    let lines = format!("Host: localhost\r\nX-Session-Id: {nonce}\r\nX-Nonce: {nonce}\r\nX-Demo-Script: {script}\r\n");
    let request = post(target, &lines, &body.to_string());
    let what = format!("{nonce} {target} stream={stream} {fate:?} {script}");
    let cut = usize::try_from(dice.roll(1_000)).unwrap();
    Planned { what, nonce, request, fate, cut, is_stopped: AtomicBool::new(false) }
}

/// Makes a call. That it could not be made at all is no failure: the gateway may be stopping.
async fn run(address: SocketAddr, call: &Planned) -> std::io::Result<()> {
    let mut socket = TcpStream::connect(address).await?;
    let bytes = call.request.as_bytes();
    if call.fate == Fate::LeavesWhileAsking {
        let head = call.request.find("\r\n\r\n").unwrap() + 4;
        socket.write_all(&bytes[..head + call.cut % (bytes.len() - head)]).await?;
        // Long enough for the head to be read, so that there is a request to record.
        tokio::time::sleep(Duration::from_millis(50)).await;
        return Ok(());
    }
    socket.write_all(bytes).await?;
    let mut chunk = [0; 4096];
    let read_on = async {
        let mut read = 0;
        loop {
            let most = match call.fate {
                Fate::LeavesAfterBytes(limit) => (limit - read).min(chunk.len()),
                _ => chunk.len(),
            };
            match if most == 0 { Ok(0) } else { socket.read(&mut chunk[..most]).await } {
                Ok(0) | Err(_) => return,
                Ok(length) => read += length,
            }
        }
    };
    let patience = match call.fate {
        Fate::LeavesAfter(time) => time.max(Duration::from_millis(5)),
        Fate::LeavesAfterBytes(0) => {
            tokio::time::sleep(Duration::from_millis(20)).await;
            return Ok(());
        }
        _ => Duration::from_secs(20),
    };
    let _ = tokio::time::timeout(patience, read_on).await;
    Ok(())
}

/// Runs the calls of one life of the gateway, which ends with SIGTERM amid the last of them.
async fn live(dir: &Path, calls: &[Planned]) {
    let mut gateway = Process::start(dir).await;
    let (address, stopping, done) = (gateway.address, AtomicBool::new(false), AtomicUsize::new(0));
    stream::iter(calls)
        .for_each_concurrent(AT_ONCE, |call| async {
            let made = run(address, call).await;
            let is_stopping = stopping.load(Relaxed);
            assert!(made.is_ok() || is_stopping, "{made:?}: {}", call.what);
            call.is_stopped.store(is_stopping, Relaxed);
            if done.fetch_add(1, Relaxed) == calls.len() * 9 / 10 {
                stopping.store(true, Relaxed);
                gateway.signal(Signal::TERM);
            }
        })
        .await;
    assert!(gateway.ended().await.success(), "{}", gateway.log());
}

/// Every record with its attempt rows, by the nonce of its call, once `count` of them are there or no more come.
async fn records(dir: &Path, count: usize) -> BTreeMap<String, Vec<Value>> {
    let gateway = Process::start(dir).await;
    let client = Client::new(gateway.address);
    let mut ids: Vec<(String, String)> = Vec::new();
    let mut quiet = 0;
    while quiet < 4 && ids.len() < count {
        let before = std::mem::take(&mut ids).len();
        let mut cursor = String::new();
        loop {
            let page = client.get(&format!("/v1/records?limit=500{cursor}")).await.expect(200);
            let text = |record: &Value, field: &str| record[field].as_str().unwrap_or("none").to_owned();
            ids.extend(
                page["data"].as_array().unwrap().iter().map(|record| (text(record, "id"), text(record, "session_id"))),
            );
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        quiet = if ids.len() == before { quiet + 1 } else { 0 };
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let mut by_nonce: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (id, nonce) in ids {
        let record = client.get(&format!("/v1/records/{id}")).await.expect(200);
        by_nonce.entry(nonce).or_default().push(record);
    }
    by_nonce
}

async fn one_of_each(disconnect: &str, seed: u64) {
    let wanted: usize = std::env::var("CALLS").ok().and_then(|text| text.parse().ok()).unwrap_or(CALLS);
    let calls = wanted.div_ceil(2);
    let upstream = Provider::spawn(ProviderOptions::default()).await.unwrap();
    let providers = standard_providers()
        .replace("provider_type = ", "timeout = 2\nfirst_token_timeout = 1\nidle_timeout = 1\nprovider_type = ")
        .replace("{upstream}", &upstream.url());
    let dir = tempfile::tempdir().unwrap();
    let server = format!("[server]\non_client_disconnect = \"{disconnect}\"\nshutdown_timeout = 1\n");
    // A wait that no scheduler of a busy machine exceeds: what is proven is that nothing is lost.
    let storage = "[storage]\nspool_wait_ms = 1000\n";
    std::fs::write(
        dir.path().join("config.toml"),
        format!("{server}{storage}[routing]\nretries = 0\nbreaker_failures = 0\n{providers}"),
    )
    .unwrap();
    let mut dice = Dice(seed | 1);
    let planned: Vec<_> = (0..calls).map(|number| plan(number, &mut dice)).collect();
    let lives = planned.chunks(PHASE).count();
    for calls in planned.chunks(PHASE) {
        live(dir.path(), calls).await;
    }
    let counts = upstream.ledger().counts();
    assert!(upstream.ledger().finished(counts.calls, Duration::from_secs(10)).await, "upstream calls that never end");
    let by_nonce = records(dir.path(), calls).await;
    let mut seen: BTreeMap<String, Vec<Call>> = BTreeMap::new();
    for call in upstream.ledger().calls() {
        seen.entry(call.header("x-nonce").unwrap().to_owned()).or_default().push(call);
    }
    let mut unheard = Vec::new();
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for call in &planned {
        let what = format!("seed {seed}, {disconnect}: {}", call.what);
        let Some(of_call) = by_nonce.get(&call.nonce) else {
            // hyper drops a connection that ends before it has begun to serve its request: then there was none.
            let may_be_unheard = call.is_stopped.load(Relaxed) || !matches!(call.fate, Fate::Whole | Fate::Upstream);
            assert!(may_be_unheard && !seen.contains_key(&call.nonce), "no record: {what}");
            unheard.extend((!call.is_stopped.load(Relaxed)).then_some(what));
            continue;
        };
        assert_eq!(of_call.len(), 1, "records: {what}");
        compare(&of_call[0], seen.get(&call.nonce).map_or(&[], Vec::as_slice), call, disconnect, &what);
        *outcomes.entry(format!("{} {}", of_call[0]["outcome"], of_call[0]["error_kind"])).or_default() += 1;
    }
    tell(&format!("{disconnect}: {calls} calls in {lives} lives, upstream {}, {outcomes:?}", counts.calls));
    assert!(outcomes.len() >= 6, "too tame: {outcomes:?}");
    assert!(unheard.len() <= calls / 50, "too many calls were never heard: {unheard:#?}");
}

fn compare(record: &Value, seen: &[Call], call: &Planned, disconnect: &str, what: &str) {
    let rows = record["attempt_rows"].as_array().unwrap();
    assert_eq!(record["attempts"], rows.len(), "{what}: {record}");
    assert!(seen.len() <= 1, "the upstream was called twice: {what}");
    let is_stopped = call.is_stopped.load(Relaxed);
    let left = record["outcome"] == "client_disconnected";
    // Who leaves, or is stopped, while we connect leaves a row of a call that the upstream never read.
    let never_read = (left || is_stopped) && rows.len() == 1 && seen.is_empty() && rows[0]["status"].is_null();
    assert!(rows.len() == seen.len() || never_read, "{} rows, {} calls: {what}: {record}", rows.len(), seen.len());
    match call.fate {
        _ if is_stopped => {}
        Fate::Whole => assert_eq!(record["outcome"], "ok", "{what}: {record}"),
        Fate::Upstream => assert_eq!(record["outcome"], "error", "{what}: {record}"),
        Fate::LeavesWhileAsking => assert!(left && seen.is_empty(), "{what}: {record}"),
        Fate::LeavesAfterBytes(_) | Fate::LeavesAfter(_) => {
            assert!(left || record["outcome"] == "ok", "{what}: {record}");
        }
    }
    let Some(upstream) = seen.first() else { return };
    // A stop ends draining too; then the upstream saw us leave.
    let is_true = record["outcome"] == "ok" || (left && disconnect == "drain" && !upstream.client_left);
    if let (Some(tokens), true) = (upstream.tokens, is_true) {
        assert_eq!(record["usage_estimated"], false, "{what}: {record}");
        for told in [record, &rows[0]] {
            assert_eq!(told["input_tokens"], tokens.input, "{what}: {record}");
            // Embeddings have no output; unknown is not 0.
            assert_eq!(told["output_tokens"].as_u64().unwrap_or(0), tokens.output, "{what}: {record}");
            assert_eq!(told["cache_read_tokens"].as_u64().unwrap_or(0), tokens.cache_read, "{what}: {record}");
        }
    } else if left {
        assert_eq!(record["usage_estimated"], true, "{what}: {record}");
        assert!(record["input_tokens"].is_u64() && record["output_tokens"].is_u64(), "{what}: {record}");
    }
}

/// The seed of this run: `BAR_20_SEED`, or new every time and printed when the test fails.
fn seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let seed = std::env::var("BAR_20_SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or(u64::try_from(now % 1_000_000_007).unwrap());
    tell(&format!("BAR_20_SEED={seed}"));
    seed
}

#[expect(clippy::print_stdout, reason = "what a failed test has printed is shown")]
fn tell(text: &str) {
    println!("{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bar_20_every_call_has_one_record_when_left_calls_are_cancelled() {
    one_of_each("cancel", seed()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bar_20_every_call_has_one_record_when_left_calls_are_drained() {
    one_of_each("drain", seed()).await;
}
