//! Bar 29: every fault of a provider, on every inference endpoint, has the outcome that docs/failures.md tells.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering::Relaxed,
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::HeaderMap;
use http_body_util::BodyExt as _;
use llm_gateway::{
    demo::{Provider, ProviderOptions},
    domain::Endpoint,
    provider::Resolver,
};
use serde_json::{Value, json};

use super::corpus::{Inference, inferences};
use crate::harness::{
    client::{Client, PATIENCE},
    gateway::{Rig, standard_providers, start_resolving},
    tls::Untrusted,
};

/// How a fault is committed.
#[derive(Clone, Debug)]
enum Deed {
    /// By the scripted provider.
    Script(Value),
    /// By an address where nobody listens.
    Closed,
    /// By a name that nobody bears.
    Nameless,
    /// By a server with a certificate that nobody trusts.
    Untrusted,
}

/// Every fault by its name in docs/failures.md.
fn faults() -> Vec<(&'static str, Deed)> {
    let plain = |kind: &str| Deed::Script(json!({"fault": {"kind": kind}}));
    let after = |kind: &str| Deed::Script(json!({"fault": {"kind": kind, "after_bytes": 10}}));
    let refused = |status: u16, secs: Option<u64>| {
        Deed::Script(json!({"fault": {"kind": "refused", "status": status, "retry_after_secs": secs}}))
    };
    vec![
        ("connection refused", Deed::Closed),
        ("unknown host name", Deed::Nameless),
        ("untrusted certificate", Deed::Untrusted),
        ("reset before the head", plain("reset_before_head")),
        ("reset in the head", plain("reset_in_head")),
        ("endless head", plain("endless_head")),
        ("no HTTP at all", plain("not_http")),
        ("silence", plain("silence")),
        ("reset in the body", after("reset_in_body")),
        ("closed in the body", after("close_in_body")),
        ("silence in the body", after("stall")),
        ("half an answer", plain("truncated_json")),
        ("garbage as events", plain("garbage_sse")),
        ("invalid UTF-8", plain("invalid_utf8")),
        (
            "an HTML page",
            Deed::Script(json!({
                "body": {"text": "<!doctype html><title>x</title><script>var page = {\"error\": {}};</script>"},
                "headers": [["content-type", "text/html; charset=utf-8"]],
            })),
        ),
        ("nothing at all", Deed::Script(json!({"body": {"text": ""}}))),
        ("204", Deed::Script(json!({"status": 204, "body": {"text": ""}}))),
        ("an error under 200", plain("error_under200")),
        ("429 with Retry-After", refused(429, Some(7))),
        ("429 without Retry-After", refused(429, None)),
        ("500", refused(500, None)),
        ("503", refused(503, None)),
        ("529", refused(529, None)),
        ("a byte a second", Deed::Script(json!({"fault": {"kind": "drip", "every_ms": 1000}}))),
        // So slow that whoever leaves after two pieces has not had all of an answer, however busy the machine is.
        ("a body without end", Deed::Script(json!({"fault": {"kind": "endless_body"}, "gap_ms": 400}))),
    ]
}

/// What the document promises for a fault: status and manner, upstream calls, what the record tells and which
/// incident it makes.
#[derive(Clone, Debug)]
struct Promise {
    status: u16,
    manner: String,
    calls: usize,
    record: String,
    incident: String,
}

struct Row {
    fault: String,
    /// With `retries = 0`: in one piece and streamed.
    once: [Promise; 2],
    /// The same with `retries = 1`.
    again: [Promise; 2],
}

impl Row {
    /// What is promised of a call; what cannot be sent twice is never tried again, nor what is not read once it has
    /// begun.
    fn promise(&self, call: &Inference, retries: bool) -> &Promise {
        let is_upload = call.kind.starts_with("multipart/");
        let is_repeatable = !is_upload && !call.target.contains("/files") && !call.target.contains("/batches");
        let place = usize::from(call.stream);
        let once = &self.once[place];
        let is_passed_on = once.status < 300 && !is_read(call, &self.fault);
        if retries && is_repeatable && !is_passed_on { &self.again[place] } else { once }
    }
}

/// The cells of the table of docs/failures.md whose first row begins so.
fn table(text: &str, head: &str) -> Vec<Vec<String>> {
    let lines = text.lines().skip_while(|line| !line.starts_with(head)).skip(2);
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect();
    lines.take_while(|line| line.starts_with("| ")).map(cells).collect()
}

/// The tables of docs/failures.md.
fn documented() -> Vec<Row> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/failures.md")).unwrap();
    let (once, again) = (table(&text, "| fault | one piece | its record |"), table(&text, "| fault | rule |"));
    assert_eq!(once.len(), again.len());
    let answer = |cell: &str| {
        let (status, manner) = cell.split_once(' ').unwrap();
        (status.parse::<u16>().unwrap(), manner.to_owned())
    };
    let rows = once.into_iter().zip(again).map(|(once, again)| {
        assert_eq!(once[0], again[0]);
        let first = |at: usize| {
            let (status, manner) = answer(&once[at]);
            Promise { status, manner, calls: 1, record: once[at + 1].clone(), incident: once[at + 2].clone() }
        };
        let second = |promise: &Promise, at: usize| {
            let (status, manner) = answer(&again[at]);
            let calls = again[at + 1].parse().unwrap();
            assert!(calls == 1 || again[1] == "again", "{}: only `again` asks twice", again[0]);
            Promise { status, manner, calls, ..promise.clone() }
        };
        let once_each = [first(1), first(4)];
        let again_each = [second(&once_each[0], 2), second(&once_each[1], 4)];
        Row { fault: once[0].clone(), once: once_each, again: again_each }
    });
    rows.collect()
}

/// Short times, and yet long enough that only what never comes is late.
const TIMES: &str = "connect_timeout = 4\ntimeout = 5\nfirst_token_timeout = 5\nidle_timeout = 4\n";

async fn rig(root: &str, retries: bool) -> Rig {
    let upstream = Provider::spawn(ProviderOptions::default()).await.unwrap();
    let providers = standard_providers().replace("provider_type = ", &format!("{TIMES}provider_type = "));
    let root = root.replace("{upstream}", &upstream.url());
    let retries = u8::from(retries);
    let routing = format!(
        "[routing]\nretries = {retries}\nretry_backoff_ms = 1\nretry_after_max_ms = 1\nretry_budget = 1\n\
         retry_deadline = 600\nbreaker_failures = 0\n"
    );
    start_resolving(upstream, &providers.replace("{upstream}", &root), &routing, Resolver::of(|_| Vec::new())).await
}

/// What a client saw of an answer.
struct Seen {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    is_whole: bool,
}

/// Sends a call and reads the answer to its end, or `leave_after` pieces of it.
async fn ask(client: &Client, call: &Inference, leave_after: usize) -> Seen {
    let client = client.with("content-type", &call.kind);
    let sent = (!call.body.is_empty()).then(|| call.body.clone());
    let (head, mut body) = client.open(call.method.clone(), &call.target, sent).await.into_parts();
    let mut seen = Seen { status: head.status.as_u16(), headers: head.headers, body: Vec::new(), is_whole: true };
    for _ in 0..leave_after {
        match tokio::time::timeout(PATIENCE, body.frame()).await.expect("no answer hangs") {
            None => return seen,
            Some(Ok(frame)) => seen.body.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new())),
            Some(Err(_)) => {
                seen.is_whole = false;
                return seen;
            }
        }
    }
    seen
}

/// Whether a body is an error of the API that a path belongs to, of this kind where that API has a place for it.
fn is_native_error(target: &str, body: &Value, kind: &str) -> bool {
    let error = &body["error"];
    match target {
        _ if target.contains("/messages") => body["type"] == "error" && error["code"] == kind,
        _ if target.contains(':') => error["code"].is_u64() && error["status"].is_string(),
        _ if target.starts_with("/api/") => error.is_string(),
        _ => error["message"].is_string() && error["code"] == kind,
    }
}

/// Commits one fault on one call; tells what was not as promised.
async fn check(rig: &Rig, promise: &Promise, deed: &Deed, call: &Inference) -> Result<String, String> {
    let what = format!("{} {}", call.method, call.target);
    let script = match deed {
        Deed::Script(script) => script.to_string(),
        _ => "{}".to_owned(),
    };
    let client = rig.client().with("x-demo-script", &script);
    let leave_after = if promise.manner == "goes on" { 2 } else { usize::MAX };
    let seen = ask(&client, call, leave_after).await;
    let text = String::from_utf8_lossy(&seen.body).into_owned();
    let ensure = |is_so: bool, why: &str| {
        if is_so { Ok(()) } else { Err(format!("{what}: {why}: {} {:?}\n{text}", seen.status, seen.headers)) }
    };
    ensure(seen.status == promise.status, "another status")?;
    ensure(seen.is_whole == (promise.manner != "broken off"), "its end")?;
    let kind = promise.record.as_str();
    match promise.manner.as_str() {
        "error" => {
            let body = serde_json::from_slice(&seen.body).unwrap_or_default();
            ensure(is_native_error(&call.target, &body, kind), "not an error of the client's API")?;
        }
        "error event" => {
            let last = text.trim_end().lines().last().unwrap_or_default();
            let error = serde_json::from_str(last.trim_start_matches("data: ")).unwrap_or_default();
            ensure(is_native_error(&call.target, &error, kind), "no error event of the client's API")?;
        }
        "as it came" => {
            // The provider gives the same bytes for the same request.
            let direct = Client::new(rig.upstream.addr()).with("x-demo-script", &script);
            let direct = ask(&direct, call, usize::MAX).await;
            ensure(seen.body == direct.body, "other bytes than the provider's")?;
            for name in ["retry-after", "content-type"] {
                ensure(seen.headers.get(name) == direct.headers.get(name), name)?;
            }
        }
        "broken off" => {}
        "goes on" => ensure(!seen.body.is_empty(), "nothing came")?,
        other => return Err(format!("docs/failures.md has an unknown manner: {other}")),
    }
    Ok(seen.headers["x-gateway-record"].to_str().unwrap().to_owned())
}

/// Whether the gateway reads answers to this call; sound only where it comes as text, and pages not in its place.
fn is_read(call: &Inference, fault: &str) -> bool {
    let is_of = |parts: &[&str]| parts.iter().any(|part| call.target.contains(part));
    match fault {
        "an error under 200" => true,
        "garbage as events" => !is_of(&["/files", "/batches"]),
        "an HTML page" => !is_of(&["/files", "/batches", "/audio", "/images"]),
        _ => !is_of(&["/files", "/batches", "/speech"]),
    }
}

/// The record and its attempt row, once they are there.
async fn recorded(rig: &Rig, id: &str, promise: &Promise, is_seen: bool) -> Result<String, String> {
    let (outcome, kind) = match promise.record.as_str() {
        _ if !is_seen => ("ok", Value::Null),
        "ok" => ("ok", Value::Null),
        "client_disconnected" => ("client_disconnected", Value::Null),
        kind => ("error", json!(kind)),
    };
    let begun = tokio::time::Instant::now();
    let record = loop {
        rig.gateway.store().recorder.flush().await.unwrap();
        let answer = rig.client().get(&format!("/v1/records/{id}")).await;
        if answer.status == 200 || begun.elapsed() > PATIENCE {
            break answer.expect(200);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let rows = record["attempt_rows"].as_array().unwrap();
    let fits = |told: &Value| told["outcome"] == outcome && told["error_kind"] == kind;
    if rows.len() == promise.calls && record["attempts"] == promise.calls && fits(&record) && rows.iter().all(fits) {
        return Ok(record["endpoint"].as_str().unwrap().to_owned());
    }
    Err(format!("its record: {record:#}"))
}

/// Whether the gateway can see that an answer is not what it should be.
fn is_seen(call: &Inference, row: &Row, promise: &Promise) -> bool {
    promise.status >= 300 || promise.manner != "as it came" || is_read(call, &row.fault)
}

/// How many requests the incidents of these gateways count, by kind. Prices that nobody knows are not looked at.
async fn incidents(rigs: &[Rig]) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for rig in rigs {
        let page = rig.client().get("/v1/incidents?limit=500").await.expect(200);
        assert_eq!(page["next_cursor"], Value::Null);
        for one in page["data"].as_array().unwrap().iter().filter(|one| one["impact"] != "notice") {
            assert_eq!((&one["impact"], &one["state"]), (&json!("customer_impacting"), &json!("open")));
            let requests = usize::try_from(one["requests"].as_u64().unwrap()).unwrap();
            *counted.entry(one["kind"].as_str().unwrap().to_owned()).or_default() += requests;
        }
    }
    counted
}

/// Commits every fault on every call, and tells which endpoints were reached.
async fn commit_all(retries: bool) -> BTreeSet<String> {
    let (documented, faults) = (documented(), faults());
    let names: Vec<_> = faults.iter().map(|(name, _)| *name).collect();
    assert_eq!(documented.iter().map(|row| row.fault.as_str()).collect::<Vec<_>>(), names);
    // Taken to the end, so that no other test gets it, and never listened at.
    let closed_socket = tokio::net::TcpSocket::new_v4().unwrap();
    closed_socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let closed = closed_socket.local_addr().unwrap();
    let untrusted = Untrusted::start().await;
    let rigs = [
        rig("{upstream}", retries).await,
        rig(&format!("http://{closed}"), retries).await,
        rig("http://no-such-host.test", retries).await,
        rig(&format!("https://{}", untrusted.address), retries).await,
    ];
    let rig_of = |deed: &Deed| match deed {
        Deed::Script(_) => &rigs[0],
        Deed::Closed => &rigs[1],
        Deed::Nameless => &rigs[2],
        Deed::Untrusted => &rigs[3],
    };
    let calls = inferences();
    let cases: Vec<_> = documented
        .iter()
        .zip(&faults)
        .flat_map(|(row, (_, deed))| calls.iter().map(move |call| (row, deed, call)))
        .collect();
    // What ends by itself goes first and a few at a time, so that it is never late for being one of many, and no
    // more than the budget of retries has room for.
    let (slow, fast): (Vec<_>, Vec<_>) = cases.iter().partition(|(row, ..)| row.once[0].record == "upstream_timeout");
    let mut results = Vec::new();
    for (cases, at_once) in [(fast, 8), (slow, 256)] {
        let some = stream::iter(cases).map(|(row, deed, call)| async {
            let (rig, promise) = (rig_of(deed), row.promise(call, retries));
            let told = async {
                let id = check(rig, promise, deed, call).await?;
                recorded(rig, &id, promise, is_seen(call, row, promise)).await
            };
            told.await.map_err(|why| ((row.fault.clone(), call.stream), why))
        });
        results.extend(some.buffer_unordered(at_once).collect::<Vec<_>>().await);
    }
    let mut wrong = BTreeMap::new();
    for (case, why) in results.iter().filter_map(|result| result.as_ref().err()) {
        let (count, _) = wrong.entry(case).or_insert((0, why.chars().take(900).collect::<String>()));
        *count += 1;
    }
    assert!(wrong.is_empty(), "retries: {retries}; by fault and stream: {wrong:#?}");
    let mut records = 0;
    for rig in &rigs {
        records += rig.records().await.len();
    }
    assert_eq!(records, cases.len(), "one record a request");
    assert_eq!(untrusted.heard.load(Relaxed), 0, "nothing is said to a server that is not trusted");
    let mut promised: BTreeMap<String, usize> = BTreeMap::new();
    for (row, _, call) in &cases {
        let promise = row.promise(call, retries);
        if promise.incident != "none" && is_seen(call, row, promise) {
            *promised.entry(promise.incident.clone()).or_default() += 1;
        }
    }
    assert_eq!(incidents(&rigs).await, promised, "retries: {retries}; requests of incidents by kind");
    results.into_iter().filter_map(Result::ok).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bar_29_every_fault_on_every_endpoint_is_answered_and_recorded_as_written() {
    let endpoints = commit_all(false).await;
    // A task goes as a chat or an embedding; how it tells failures is tests/tasks.rs's promise.
    let own = Endpoint::ALL.iter().filter(|endpoint| !endpoint.is_task());
    let all: BTreeSet<_> = own.map(|endpoint| endpoint.as_str().to_owned()).collect();
    assert_eq!(endpoints, all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bar_29_with_retries_every_fault_is_tried_again_as_written_and_no_case_hangs() {
    commit_all(true).await;
}
