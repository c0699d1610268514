//! Bar 29: every fault of a provider, on every inference endpoint, has the outcome that docs/failures.md tells.

use std::{collections::BTreeSet, net::SocketAddr, sync::atomic::Ordering::Relaxed, time::Duration};

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
        ("429 with Retry-After", refused(429, Some(7))),
        ("429 without Retry-After", refused(429, None)),
        ("500", refused(500, None)),
        ("503", refused(503, None)),
        ("529", refused(529, None)),
        ("a byte a second", Deed::Script(json!({"fault": {"kind": "drip", "every_ms": 1000}}))),
        ("a body without end", Deed::Script(json!({"fault": {"kind": "endless_body"}, "gap_ms": 50}))),
    ]
}

/// What the document promises for a fault: status and manner, and what the record tells.
#[derive(Clone, Debug)]
struct Promise {
    status: u16,
    manner: String,
    record: String,
}

struct Row {
    fault: String,
    whole: Promise,
    streamed: Promise,
}

/// The table of docs/failures.md.
fn documented() -> Vec<Row> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/failures.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect();
        let promise = |at: usize| {
            let (status, manner) = cells[at].split_once(' ').unwrap();
            Promise { status: status.parse().unwrap(), manner: manner.to_owned(), record: cells[at + 1].clone() }
        };
        Row { fault: cells[0].clone(), whole: promise(1), streamed: promise(3) }
    })
    .collect()
}

/// Short times, and yet long enough that only what never comes is late.
const TIMES: &str = "connect_timeout = 4\ntimeout = 5\nfirst_token_timeout = 5\nidle_timeout = 4\n";

async fn rig(root: &str) -> Rig {
    let upstream = Provider::spawn(ProviderOptions::default()).await.unwrap();
    let providers = standard_providers().replace("provider_type = ", &format!("{TIMES}provider_type = "));
    let root = root.replace("{upstream}", &upstream.url());
    let routing = "[routing]\nretries = 0\nbreaker_failures = 0\n";
    start_resolving(upstream, &providers.replace("{upstream}", &root), routing, Resolver::of(|_| Vec::new())).await
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
async fn check(rig: &Rig, row: &Row, deed: &Deed, call: &Inference) -> Result<String, String> {
    let promise = if call.stream { &row.streamed } else { &row.whole };
    let what = format!("{} on {} {} (stream: {})", row.fault, call.method, call.target, call.stream);
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

/// Whether the gateway reads answers to this call; audio only where it comes as text.
fn is_read(call: &Inference, fault: &str) -> bool {
    let unread = ["/files", "/batches", "/moderations", "count_tokens", ":countTokens"];
    let is_audio = call.target.ends_with("/speech") && fault != "garbage as events";
    !is_audio && !unread.iter().any(|part| call.target.contains(part))
}

/// The record and its attempt row, once they are there.
async fn recorded(rig: &Rig, id: &str, row: &Row, call: &Inference) -> Result<String, String> {
    let promise = if call.stream { &row.streamed } else { &row.whole };
    // What nobody reads cannot be seen to be half.
    let is_unread = promise.status == 200 && promise.manner == "as it came" && !is_read(call, &row.fault);
    let (outcome, kind) = match promise.record.as_str() {
        _ if is_unread => ("ok", Value::Null),
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
    if rows.len() == 1 && record["attempts"] == 1 && fits(&record) && fits(&rows[0]) {
        return Ok(record["endpoint"].as_str().unwrap().to_owned());
    }
    Err(format!("{} on {} {} (stream: {}): {record:#}", row.fault, call.method, call.target, call.stream))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bar_29_every_fault_on_every_endpoint_is_answered_and_recorded_as_written() {
    let documented = documented();
    let faults = faults();
    let names: Vec<_> = faults.iter().map(|(name, _)| *name).collect();
    assert_eq!(documented.iter().map(|row| row.fault.as_str()).collect::<Vec<_>>(), names);
    let closed: SocketAddr = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let untrusted = Untrusted::start().await;
    let rigs = [
        rig("{upstream}").await,
        rig(&format!("http://{closed}")).await,
        rig("http://no-such-host.test").await,
        rig(&format!("https://{}", untrusted.address)).await,
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
    // What ends by itself goes first and a few at a time, so that it is never late for being one of many.
    let (slow, fast): (Vec<_>, Vec<_>) = cases.iter().partition(|(row, ..)| row.whole.record == "upstream_timeout");
    let mut results = Vec::new();
    for (cases, at_once) in [(fast, 16), (slow, 256)] {
        let some = stream::iter(cases).map(|(row, deed, call)| async {
            let rig = rig_of(deed);
            let id = check(rig, row, deed, call).await?;
            recorded(rig, &id, row, call).await
        });
        results.extend(some.buffer_unordered(at_once).collect::<Vec<_>>().await);
    }
    let wrong: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    assert!(wrong.is_empty(), "{} of {} cases: {:#?}", wrong.len(), cases.len(), &wrong[..wrong.len().min(8)]);
    let endpoints: BTreeSet<_> = results.iter().filter_map(|result| result.as_ref().ok()).map(String::as_str).collect();
    assert_eq!(endpoints, Endpoint::ALL.iter().map(|endpoint| endpoint.as_str()).collect());
    let mut records = 0;
    for rig in &rigs {
        records += rig.records().await.len();
    }
    assert_eq!(records, cases.len(), "one record a request");
    assert_eq!(untrusted.heard.load(Relaxed), 0, "nothing is said to a server that is not trusted");
}
