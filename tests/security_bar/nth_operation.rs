//! Bar 43: whichever single operation fails, of the store or of the provider, over all of the main flows: clients
//! get documented answers, no record is lost or doubled, and an admin's change is there and audited, or refused.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use llm_gateway::demo::{Provider, ProviderOptions};
use rustix::{io::Errno, process::Signal};
use serde_json::{Value, json};

use crate::harness::{
    client::{Answer, Client, PATIENCE},
    faulty_disk::FaultyDisk,
    gateway::{standard_providers, start_with},
    process::Process,
};

/// Where a disk that stays full begins to be so at the latest; by then each kind of write was the first to fail.
const LAST_START: u64 = 60;

/// What was promised to clients so far.
#[derive(Default)]
struct Promised {
    /// Ids of the records of answered requests.
    records: Vec<String>,
    /// What each admin call was about, and whether it was done.
    keys: BTreeMap<String, bool>,
    providers: BTreeMap<String, bool>,
    /// Keys by id that were made, and whether they were then revoked.
    revoked: BTreeMap<String, bool>,
    refusals: usize,
}

/// An answer of the admin side: done, or refused as documented.
fn is_done(answer: &Answer, done: u16, what: &str) -> bool {
    if answer.status == done {
        return true;
    }
    assert_eq!(answer.code(503), "unavailable", "{what}");
    assert!(answer.headers.contains_key("retry-after"), "{what}");
    false
}

/// Every main flow once, as number `number`.
async fn flows(client: &Client, promised: &mut Promised, number: usize) {
    let ask = |model: &str, stream: bool| json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "Hello"}]});
    let failing = client.with("x-demo-script", r#"{"fault":{"kind":"refused","status":500,"retry_after_secs":null}}"#);
    let broken = client.with("x-demo-script", r#"{"fault":{"kind":"reset_before_head"}}"#);
    let path = "/v1/chat/completions";
    let answers = [
        (client.post(path, &ask("gpt-4o", false)).await, 200),
        (client.post(path, &ask("gpt-4o", true)).await, 200),
        (failing.post(path, &ask("gpt-4o", false)).await, 500),
        (broken.post(path, &ask("gpt-4o", true)).await, 502),
        (client.post(path, &json!([])).await, 400),
    ];
    for (answer, status) in answers {
        // The store's troubles are none of these clients' business.
        assert_eq!(answer.status, status, "{number}: {}", answer.text());
        promised.records.push(answer.headers["x-gateway-record"].to_str().unwrap().to_owned());
    }
    let label = format!("key {number}");
    let made = client.post("/v1/keys", &json!({"label": label})).await;
    let done = is_done(&made, 201, &label);
    promised.keys.insert(label, done);
    if done {
        let id = made.json()["id"].as_str().unwrap().to_owned();
        let rotated = client.post(&format!("/v1/keys/{id}/rotate"), &json!({})).await;
        promised.refusals += usize::from(!is_done(&rotated, 200, &id));
        let gone = client.delete(&format!("/v1/keys/{id}")).await;
        let is_gone = is_done(&gone, 200, &id);
        promised.revoked.insert(id, is_gone);
    }
    let id = format!("added-{number}");
    let added = client
        .post(
            "/v1/providers",
            &json!({"id": id, "provider_type": "openai_compatible",
        "base_url": "https://api.example.com/v1", "api_key": "sk-test-added", "models": ["m"]}),
        )
        .await;
    let done = is_done(&added, 201, &id);
    promised.refusals += usize::from(!done);
    if done {
        let gone = is_done(&client.delete(&format!("/v1/providers/{id}")).await, 204, &id);
        promised.providers.insert(id, !gone);
    } else {
        promised.providers.insert(id, false);
    }
}

/// Waits until the newest promised record is there: then nothing of the flows is under way any more.
async fn settle(gateway: &Process, client: &Client, promised: &Promised) {
    let begun = tokio::time::Instant::now();
    for id in promised.records.iter().rev().take(5) {
        while client.get(&format!("/v1/records/{id}")).await.status != 200 {
            assert!(begun.elapsed() < PATIENCE, "record {id} never came: {}", gateway.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn all(client: &Client, path: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = client.get(&format!("{path}?limit=500{cursor}")).await.expect(200);
        all.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

fn texts<'v>(rows: &'v [Value], field: &str) -> Vec<&'v str> {
    rows.iter().filter_map(|row| row[field].as_str()).collect()
}

/// Holds the gateway to everything that was promised.
async fn hold(client: &Client, promised: &Promised, when: &str) {
    let records = all(client, "/v1/records").await;
    let ids = texts(&records, "id");
    let found: BTreeSet<_> = ids.iter().copied().collect();
    assert_eq!(ids.len(), found.len(), "{when}: a record is there twice");
    assert_eq!(found, promised.records.iter().map(String::as_str).collect(), "{when}: records");
    let total = client.get("/v1/stats").await.expect(200)["total_requests"].as_u64().unwrap();
    assert_eq!(total, ids.len() as u64, "{when}: the sums and the records");

    let (keys, providers) =
        (client.get("/v1/keys?limit=500").await.expect(200), client.get("/v1/providers").await.expect(200));
    let (keys, providers) = (keys["data"].as_array().unwrap(), providers["data"].as_array().unwrap());
    let audit = all(client, "/v1/audit").await;
    let audited = |action: &str, target: &str| {
        audit.iter().filter(|row| row["action"] == action && row["outcome"] == "ok" && row["target"] == target).count()
    };
    for (label, is_there) in &promised.keys {
        let of_label: Vec<_> = keys.iter().filter(|key| key["label"] == label.as_str()).collect();
        assert_eq!(of_label.len(), usize::from(*is_there), "{when}: {label}");
        for key in of_label {
            let id = key["id"].as_str().unwrap();
            assert_eq!(audited("key.create", id), 1, "{when}: {label}");
            let is_revoked = promised.revoked[id];
            assert_eq!(!key["revoked_at"].is_null(), is_revoked, "{when}: {key}");
            assert_eq!(audited("key.revoke", id), usize::from(is_revoked), "{when}: {key}");
        }
    }
    assert_eq!(audit.iter().filter(|row| row["action"] == "key.create" && row["outcome"] == "ok").count(), keys.len());
    let there: BTreeSet<_> = texts(providers, "id").into_iter().filter(|id| id.starts_with("added-")).collect();
    let expected = promised.providers.iter().filter(|(_, is_there)| **is_there).map(|(id, _)| id.as_str()).collect();
    assert_eq!(there, expected, "{when}: providers");
}

async fn check_integrity(data: &Path) {
    for name in ["control.db", "usage.db", "bodies.db"] {
        let file = sqlx::sqlite::SqliteConnectOptions::new().filename(data.join(name));
        let mut file = sqlx::ConnectOptions::connect(&file).await.unwrap();
        let found: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut file).await.unwrap();
        assert_eq!(found, "ok", "{name}");
        sqlx::Connection::close(file).await.unwrap();
    }
}

/// Fails every write of the flows in turn, `many` from there on.
async fn fail_each(many: u64, stride: usize, error: Errno) {
    let upstream = Provider::spawn(ProviderOptions::default()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let config = format!(
        "[routing]\nretries = 0\nbreaker_failures = 0\n[storage]\nballast_bytes = 0\nspool_wait_ms = 1000\n{}",
        standard_providers()
    );
    std::fs::write(root.join("config.toml"), config.replace("{upstream}", &upstream.url())).unwrap();
    let data = root.join("data");
    let disk = FaultyDisk::build(&root, &data);
    let mut gateway = Process::start_with(&root, &disk.environment()).await;
    let client = Client::new(gateway.address);
    // The port is taken before the databases are opened.
    client.get("/health").await.expect(200);
    let mut promised = Promised::default();
    let mut most = 0;
    for number in (1..).step_by(stride) {
        disk.fail(number as u64, many, error);
        flows(&client, &mut promised, number).await;
        if many > 1 {
            disk.heal();
        }
        settle(&gateway, &client, &promised).await;
        most = if many > 1 { LAST_START } else { disk.heal() };
        if most < number as u64 {
            break;
        }
    }
    assert!(most >= 20 && promised.keys.len() >= 20, "only {most} writes were counted: the library was not loaded");
    let refused = promised.keys.values().filter(|done| !**done).count();
    assert!(refused > 0 && promised.refusals > 0, "no fault ever reached the control database");
    hold(&client, &promised, "while it runs").await;
    gateway.signal(Signal::TERM);
    assert!(gateway.ended().await.success(), "{}", gateway.log());
    check_integrity(&data).await;
    let again = Process::start(&root).await;
    hold(&Client::new(again.address), &promised, "after a restart").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bar_43_whichever_write_of_the_store_fails_once_nothing_promised_is_lost() {
    fail_each(1, 1, Errno::IO).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bar_43_from_whichever_write_on_the_disk_is_full_nothing_promised_is_lost() {
    fail_each(u64::from(u32::MAX), 3, Errno::NOSPC).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bar_43_at_whichever_byte_the_provider_breaks_off_there_is_one_record() {
    let rig = start_with("[routing]\nretries = 0\nbreaker_failures = 0\n").await;
    let ask = json!({"model": "gpt-4o", "stream": true, "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": "Hello"}]});
    let chunks = [
        r#"data: {"model":"gpt-4o","choices":[{"delta":{"content":"Hi"}}]}"#,
        r#"data: {"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
        r#"data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#,
        "data: [DONE]",
    ]
    .map(|event| format!("{event}\n\n"));
    let script = |fault: Value| {
        let chunks: Vec<_> = chunks.iter().map(|text| json!({"text": text})).collect();
        let script = json!({"chunks": chunks, "headers": [["content-type", "text/event-stream"]], "fault": fault});
        rig.client().with("x-demo-script", &script.to_string())
    };
    let whole = script(Value::Null).post("/v1/chat/completions", &ask).await.body;
    assert_eq!(whole, chunks.concat());
    let cut = |kind: &str, after: usize| script(json!({"kind": kind, "after_bytes": after}));
    let places: Vec<_> =
        (0..whole.len()).flat_map(|after| [("reset_in_body", after), ("close_in_body", after)]).collect();
    stream::iter(&places)
        .for_each_concurrent(64, |(kind, after)| {
            let (client, ask, whole) = (cut(kind, *after), &ask, &whole);
            async move {
                let answer = client.post("/v1/chat/completions", ask).await;
                if *after == 0 {
                    assert_eq!(answer.code(502), "upstream_protocol");
                    return;
                }
                assert_eq!(answer.status, 200);
                let rest = answer.body.strip_prefix(&whole[..*after]).expect("what came, unchanged");
                assert!(String::from_utf8_lossy(rest).contains("upstream_protocol"), "{kind} {after}");
            }
        })
        .await;
    let records = rig.records_when(places.len() + 1).await;
    for record in records.iter().filter(|record| record["outcome"] != "ok") {
        assert_eq!((&record["error_kind"], &record["attempts"]), (&json!("upstream_protocol"), &json!(1)), "{record}");
    }
    assert_eq!(records.iter().filter(|record| record["outcome"] == "ok").count(), 1);
}
