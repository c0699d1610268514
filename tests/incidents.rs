//! Failures become incidents: who was hit, what mitigated it, when it was over, and who was told.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, extract::State, routing::post};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt as _;
use llm_gateway::{
    demo::Script,
    domain::{BudgetMark, ErrorKind, Impact, IncidentKind, Outcome, Record, Timestamp},
    store::{self, IncidentFilter, Judging, RecordFilter, Store},
};
use serde_json::{Value, json};

use super::{
    harness::{
        client::PATIENCE,
        gateway::{Rig, start_with},
    },
    routing::{Pair, pair},
    store::{attempt, bare_record, copy_directory, hold_database, storage},
};

/// From now on an incident is over after so many seconds; 300 unless a test says otherwise.
fn set_quiet_time(rig: &Rig, secs: u64) {
    let mut judging = Judging::default();
    judging.incidents.quiet_time = Duration::from_secs(secs);
    rig.gateway.store().recorder.judge_by(judging);
}

fn refusing(status: u16) -> Script {
    Script::answer(status, r#"{"error":{"message":"no"}}"#)
}

/// The incidents that `query` asks for, once there are `count` of them.
async fn incidents(rig: &Rig, query: &str, count: usize) -> Vec<Value> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        rig.gateway.store().recorder.flush().await.unwrap();
        let page = rig.client().get(&format!("/v1/incidents?{query}")).await.expect(200);
        let found = page["data"].as_array().unwrap().clone();
        if found.len() == count || tokio::time::Instant::now() > deadline {
            assert_eq!(found.len(), count, "{query}: {found:#?}");
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn detail(rig: &Rig, incident: &Value) -> Value {
    rig.client().get(&format!("/v1/incidents/{}", incident["id"].as_str().unwrap())).await.expect(200)
}

#[tokio::test]
async fn a_failure_that_failover_mended_is_a_mitigated_incident_until_it_has_been_quiet() {
    let pair = pair("retries = 0\nbreaker_failures = 0", "").await;
    pair.rig.upstream.always(Some(refusing(500)));
    for stream in [false, true, false] {
        let client = pair.rig.client().with("x-project", "shop").with("x-source", "ada");
        let body = json!({"model": "chat", "stream": stream, "messages": [{"role": "user", "content": "x"}]});
        assert_eq!(client.post("/v1/chat/completions", &body).await.status, 200);
    }
    let open = incidents(&pair.rig, "kind=provider_errors&state=open", 1).await.remove(0);
    assert_eq!((&open["kind"], &open["impact"]), (&json!("provider_errors"), &json!("mitigated")));
    assert_eq!(
        (&open["provider"], &open["requests"], &open["mitigated_requests"]),
        (&json!("one"), &json!(3), &json!(3))
    );
    assert_eq!(open["closed_at"], Value::Null);
    let stats = pair.rig.client().get("/v1/stats?provider=one").await.expect(200);
    let counts = json!({"total": 1, "open": 1, "customer_impacting": 0, "mitigated": 1, "notice": 0});
    assert_eq!(stats["incidents"], counts);

    let whole = detail(&pair.rig, &open).await;
    assert_eq!(whole["projects"], json!([{"name": "shop", "is_rest": false, "requests": 3}]));
    assert_eq!(whole["sources"][0]["name"], "ada");
    assert_eq!(whole["models"][0]["name"], "gpt-4o");
    assert_eq!(whole["errors"][0]["name"], "upstream_error");
    let mended = json!([{"provider": "two", "model": "gpt-4o", "by": "failover", "requests": 3}]);
    assert_eq!(whole["mitigated_by"], mended);
    let minutes = whole["timeline"].as_array().unwrap();
    assert_eq!(minutes.iter().map(|minute| minute["mitigated"].as_u64().unwrap()).sum::<u64>(), 3);
    for request in whole["records"].as_array().unwrap() {
        let record = pair.rig.client().get(&format!("/v1/records/{}", request["record_id"].as_str().unwrap())).await;
        assert_eq!(record.expect(200)["attempts"], 2);
    }

    set_quiet_time(&pair.rig, 1);
    let closed = incidents(&pair.rig, "kind=provider_errors&state=closed", 1).await.remove(0);
    let at = |field: &str| Timestamp::parse(closed[field].as_str().unwrap()).unwrap().unix_ms();
    assert_eq!(at("closed_at") - at("last_seen_at"), 1_000);
    // It comes back before another quiet time is over.
    set_quiet_time(&pair.rig, 300);
    pair.ask("chat", false).await;
    let again = incidents(&pair.rig, "kind=provider_errors&state=open", 1).await.remove(0);
    assert_eq!((&again["id"], &again["reopened"], &again["requests"]), (&closed["id"], &json!(1), &json!(4)));
}

#[tokio::test]
async fn when_all_are_dead_the_client_is_told_and_the_incidents_are_impacting() {
    let pair = pair("retries = 0\nbreaker_failures = 2\nbreaker_cooldown = 60", "").await;
    pair.rig.upstream.stop().await;
    pair.two.stop().await;
    for number in 0..6 {
        let answer = pair.ask("chat", number % 2 == 0).await;
        assert_eq!(answer.code(502), "upstream_connect", "request {number}");
    }
    let found = incidents(&pair.rig, "kind=provider_down&impact=customer_impacting", 2).await;
    let mut providers: Vec<_> = found.iter().map(|one| one["provider"].as_str().unwrap()).collect();
    providers.sort_unstable();
    assert_eq!(providers, ["one", "two"]);
    assert!(found.iter().all(|one| one["mitigated_requests"] == 0));
    let total: u64 = found.iter().map(|one| one["impacting_requests"].as_u64().unwrap()).sum();
    assert!(total >= 6, "{found:#?}");
    let metrics = pair.rig.client().get("/metrics").await.text();
    let gauge = "llm_gateway_incidents_open{kind=\"provider_down\",impact=\"customer_impacting\"} 2\n";
    assert!(metrics.contains(gauge), "{metrics}");
}

#[tokio::test]
async fn what_the_client_is_at_fault_for_makes_no_incident() {
    let rig = start_with("").await;
    for status in [400, 404, 422] {
        rig.upstream.script(refusing(status));
        let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]});
        assert_eq!(rig.client().post("/v1/chat/completions", &body).await.status, status);
    }
    assert_eq!(rig.client().post("/v1/chat/completions", &json!({"model": 5})).await.status, 400);
    rig.records_when(4).await;
    incidents(&rig, "", 0).await;
}

#[tokio::test]
async fn kinds_that_are_switched_off_and_secrets_that_are_found() {
    let rig = start_with("[incidents]\nkinds = [\"secrets_found\"]\n[sanitization]\nenabled = true\n").await;
    rig.upstream.script(refusing(500));
    let secret = "my key is ghp_16C7e42F292c6912E7710c838347Ae178B4a";
    for _ in 0..2 {
        let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": secret}]});
        rig.client().with("x-project", "leaky").post("/v1/chat/completions", &body).await;
    }
    let found = incidents(&rig, "", 1).await.remove(0);
    assert_eq!((&found["kind"], &found["subject"]), (&json!("secrets_found"), &json!("leaky")));
    assert_eq!((&found["impact"], &found["notice_requests"]), (&json!("notice"), &json!(2)));
    assert!(!detail(&rig, &found).await.to_string().contains("ghp_16C7"));
}

#[tokio::test]
async fn an_incident_is_acknowledged_and_written_to_and_the_audit_log_knows() {
    let rig = start_with("").await;
    rig.upstream.script(refusing(503));
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]});
    rig.client().post("/v1/chat/completions", &body).await;
    let id = incidents(&rig, "acknowledged=false", 1).await[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/incidents/{id}");
    let hostile = "<script>alert(1)</script> ' OR 1=1 -- \u{202e} \u{1f525}";
    let after = rig.client().patch(&path, &json!({"acknowledged": true, "note": hostile})).await.expect(200);
    assert_eq!(after["note"], hostile);
    let when = after["acknowledged_at"].clone();
    assert!(when.is_string());
    let after = rig.client().patch(&path, &json!({"acknowledged": true})).await.expect(200);
    assert_eq!((&after["acknowledged_at"], &after["note"]), (&when, &json!(hostile)), "what is left out stays");
    incidents(&rig, "acknowledged=true", 1).await;
    let audit = rig.client().get("/v1/audit?action=incident.update").await.expect(200);
    let rows = audit["data"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[1]["target"]), (2, &json!(id)));
    assert_eq!(rows[1]["changes"]["note"], json!({"from": null, "to": hostile}));
    let after = rig.client().patch(&path, &json!({"acknowledged": false, "note": null})).await.expect(200);
    assert_eq!((&after["acknowledged_at"], &after["note"]), (&Value::Null, &Value::Null));

    let long = "x".repeat(2_001);
    let own = "see sk-test-canary-openai-5d41402abc4b2a76";
    let known = "it was ghp_16C7e42F292c6912E7710c838347Ae178B4a";
    for note in [long.as_str(), "", "a\0b", own, known] {
        assert_eq!(rig.client().patch(&path, &json!({"note": note})).await.code(400), "invalid_parameter", "{note}");
    }
    let missing = rig.client().patch("/v1/incidents/inc_0", &json!({"acknowledged": true})).await;
    assert_eq!(missing.text(), rig.client().get("/v1/incidents/x").await.text());
    assert_eq!(missing.code(404), "not_found");
}

#[tokio::test]
async fn incidents_are_listed_page_by_page() {
    let rig = start_with("").await;
    for provider in ["openai", "ollama", "anthropic"] {
        let (path, body) = match provider {
            "openai" => ("/v1/chat/completions", json!({"model": "gpt-4o", "messages": []})),
            "ollama" => ("/api/chat", json!({"model": "llama3", "stream": false, "messages": []})),
            _ => ("/v1/messages", json!({"model": "claude-sonnet-4-20250514", "max_tokens": 5, "messages": []})),
        };
        rig.upstream.script(refusing(500));
        assert_eq!(rig.client().post(path, &body).await.status, 500, "{provider}");
    }
    let all = incidents(&rig, "", 3).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = rig.client().get(&format!("/v1/incidents?limit=1{cursor}")).await.expect(200);
        seen.extend(page["data"].as_array().unwrap().iter().map(|one| one["id"].clone()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, all.iter().map(|one| one["id"].clone()).collect::<Vec<_>>());
    let now = Timestamp::now();
    let later = Timestamp { unix_us: now.unix_us + 3_600_000_000 };
    for (query, count) in [
        ("provider=ollama".to_owned(), 1),
        ("provider=nobody".to_owned(), 0),
        ("project=".to_owned(), 3),
        ("project=shop".to_owned(), 0),
        ("kind=provider_errors&impact=customer_impacting".to_owned(), 3),
        ("kind=timeouts".to_owned(), 0),
        (format!("from={later}"), 0),
        (format!("to={later}"), 3),
    ] {
        incidents(&rig, &query, count).await;
    }
    for wrong in ["state=maybe", "kind=x", "impact=x", "colour=red", "cursor=x"] {
        assert_eq!(rig.client().get(&format!("/v1/incidents?{wrong}")).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn incidents_are_told_live_as_they_open_grow_and_end() {
    let rig = start_with("").await;
    let mut live = rig.client().open(Method::GET, "/v1/incidents/live", None).await;
    assert_eq!(live.headers()["content-type"], "text/event-stream");
    rig.upstream.always(Some(refusing(500)));
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]});
    rig.client().post("/v1/chat/completions", &body).await;
    let mut text = String::new();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut has_grown = false;
    while !text.contains("event: close") {
        assert!(tokio::time::Instant::now() < deadline, "{text}");
        if text.contains("event: open") && !has_grown {
            has_grown = true;
            rig.client().post("/v1/chat/completions", &body).await;
        }
        if text.contains("event: update") {
            set_quiet_time(&rig, 1);
        }
        let frame = tokio::time::timeout(PATIENCE, live.frame()).await.expect("an event in time").unwrap().unwrap();
        text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
    }
    let events: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!(events, ["open", "update", "close"], "{text}");
    let data: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    assert_eq!((&data[0]["requests"], &data[2]["requests"]), (&json!(1), &json!(2)));
    assert_eq!((&data[0]["state"], &data[2]["state"]), (&json!("open"), &json!("closed")));
}

/// A receiver of webhooks that fails the first time and notes everything.
type Heard = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

async fn receiver() -> (String, Heard) {
    async fn hear(State(heard): State<Heard>, headers: HeaderMap, body: Bytes) -> StatusCode {
        let mut heard = heard.lock().unwrap();
        heard.push((headers, body));
        if heard.len() == 1 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NO_CONTENT }
    }
    let heard = Heard::default();
    let router = Router::new().route("/hooks/{token}", post(hear)).with_state(Arc::clone(&heard));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks/t0k3n-in-the-path", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, heard)
}

#[tokio::test]
async fn a_webhook_hears_of_each_opening_and_ending_once_it_listens() {
    const SECRET: &str = "whsec-test-canary-2f1c7a90";
    let (url, heard) = receiver().await;
    let rig =
        start_with(&format!("[incidents]\nquiet_time = 1\nwebhook_url = \"{url}\"\nwebhook_secret = \"{SECRET}\"\n"))
            .await;
    rig.upstream.script(refusing(500));
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]});
    assert_eq!(rig.client().post("/v1/chat/completions", &body).await.status, 500, "nobody waits for the webhook");
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while heard.lock().unwrap().len() < 3 {
        assert!(tokio::time::Instant::now() < deadline, "{:?}", heard.lock().unwrap());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let heard = heard.lock().unwrap().clone();
    let told: Vec<Value> = heard.iter().map(|(_, body)| serde_json::from_slice(body).unwrap()).collect();
    let events: Vec<_> = told.iter().map(|one| one["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["incident.open", "incident.open", "incident.close"], "the first try failed");
    assert_eq!(told[0]["id"], told[1]["id"]);
    assert_eq!((&told[2]["incident"]["state"], &told[2]["incident"]["provider"]), (&json!("closed"), &json!("openai")));
    for (headers, body) in &heard {
        let at = headers["x-gateway-timestamp"].to_str().unwrap();
        assert!(at.parse::<i64>().unwrap().abs_diff(Timestamp::now().unix_secs()) < 60);
        let signed = [at.as_bytes(), b".", body].concat();
        let expected = format!("v1={}", hex::encode(hmac_sha256(SECRET.as_bytes(), &signed)));
        assert_eq!(headers["x-gateway-signature"], expected.as_str());
        assert!(!String::from_utf8_lossy(body).contains(SECRET));
    }
}

/// RFC 2104, for itself.
fn hmac_sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    use sha2::{Digest as _, Sha256};
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let keyed = |pad: u8, text: &[u8]| Sha256::digest([&block.map(|byte| byte ^ pad)[..], text].concat());
    keyed(0x5c, &keyed(0x36, text)).to_vec()
}

/// A record of a request that ended `secs_ago` after its only provider could not be reached.
fn failed(secs_ago: i64) -> Record {
    let started_at = Timestamp { unix_us: Timestamp::now().unix_us - secs_ago * 1_000_000 };
    let mut call = attempt("p", None, None);
    call.started_at = started_at;
    Record {
        started_at,
        outcome: Outcome::Error,
        error_kind: Some(ErrorKind::UpstreamConnect),
        attempts: vec![call],
        ..bare_record()
    }
}

async fn opened(path: &std::path::Path, quiet_secs: u64) -> Store {
    let mut judging = Judging::default();
    judging.incidents.quiet_time = Duration::from_secs(quiet_secs);
    store::open_judging(&storage(path, None), judging).await.unwrap()
}

#[tokio::test]
async fn an_open_incident_outlives_the_process_and_is_closed_by_the_clock() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path(), 60).await;
    for secs_ago in [50, 40, 30] {
        store.recorder.submit(failed(secs_ago));
    }
    store.close().await.unwrap();

    let store = opened(directory.path(), 60).await;
    store.recorder.submit(failed(20));
    store.recorder.flush().await.unwrap();
    store.recorder.sweep().await.unwrap();
    let page = store.history.incidents(&IncidentFilter::default(), None, 10).await.unwrap();
    let [one] = &page.incidents[..] else { panic!("{page:?}") };
    assert_eq!((one.kind, one.impact, one.impacting), (IncidentKind::ProviderDown, Impact::CustomerImpacting, 4));
    assert_eq!(one.closed_at, None);
    store.close().await.unwrap();

    let store = opened(directory.path(), 10).await;
    store.recorder.sweep().await.unwrap();
    let page = store.history.incidents(&IncidentFilter::default(), None, 10).await.unwrap();
    let closed_at = page.incidents[0].closed_at.unwrap();
    assert_eq!(closed_at.unix_us - page.incidents[0].last_seen_at.unix_us, 10_000_000);
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_in_the_spool_makes_the_incidents_that_it_tells_of() {
    let directory = tempfile::tempdir().unwrap();
    let (data, left) = (directory.path().join("data"), directory.path().join("left"));
    let store = opened(&data, 60).await;
    let held = hold_database(&data).await;
    let mut warned = Record { outcome: Outcome::Ok, ..bare_record() };
    warned.budget_marks = vec![BudgetMark { budget: "soft".into(), is_used_up: false }];
    for record in [failed(20), failed(15), warned] {
        store.recorder.submit_spooled(record).await;
    }
    // What a killed process leaves behind: no record of these is in the database, nor any incident.
    opened(&left, 60).await.close().await.unwrap();
    copy_directory(&data.join("spool"), &left.join("spool"));
    for _ in 0..2 {
        let again = opened(&left, 60).await;
        again.recorder.flush().await.unwrap();
        let page = again.history.incidents(&IncidentFilter::default(), None, 10).await.unwrap();
        let told: Vec<_> = page.incidents.iter().map(|one| (one.kind, one.impact, one.requests())).collect();
        assert_eq!(told.len(), 2, "{page:?}");
        assert!(told.contains(&(IncidentKind::ProviderDown, Impact::CustomerImpacting, 2)), "each once: {told:?}");
        assert!(told.contains(&(IncidentKind::BudgetBurn, Impact::Notice, 1)), "{told:?}");
        again.close().await.unwrap();
    }
    drop(held);
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_storm_is_counted_in_full_and_kept_in_part() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path(), 60).await;
    for number in 0..1_000 {
        let mut one = failed(5);
        one.project = Some(format!("project-{number}").into());
        store.recorder.submit(one);
    }
    store.recorder.flush().await.unwrap();
    let page = store.history.incidents(&IncidentFilter::default(), None, 10).await.unwrap();
    let whole = store.history.incident(&page.incidents[0].id).await.unwrap().unwrap();
    assert_eq!((page.incidents.len(), whole.incident.requests(), whole.records.len()), (1, 1_000, 200));
    let projects: Vec<_> = whole.facets.iter().filter(|facet| facet.facet == "project").collect();
    assert_eq!((projects.len(), projects.iter().map(|facet| facet.requests).sum::<u64>()), (101, 1_000));
    assert_eq!(projects.iter().filter(|facet| facet.is_rest).map(|facet| facet.requests).sum::<u64>(), 900);
    store.close().await.unwrap();
}

#[tokio::test]
async fn old_incidents_go_with_their_records() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path(), 60).await;
    for days_ago in [40, 1] {
        store.recorder.submit(failed(days_ago * 86_400));
    }
    store.recorder.flush().await.unwrap();
    store.recorder.sweep().await.unwrap();
    assert_eq!(store.history.incidents(&IncidentFilter::default(), None, 10).await.unwrap().incidents.len(), 2);
    store.close().await.unwrap();
    let mut settings = storage(directory.path(), None);
    settings.retention_days = Some(30);
    let store = store::open(&settings).await.unwrap();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while store.history.incidents(&IncidentFilter::default(), None, 10).await.unwrap().incidents.len() > 1 {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    store.close().await.unwrap();
}

/// Whether no request that came after the failure that opened provider `one`'s breaker was sent there before its
/// cool-down was over.
async fn breaker_held(rig: &Rig, failures: usize, cooldown: Duration) {
    let history = &rig.gateway.store().history;
    let page = history.records(&RecordFilter::default(), None, 1_000).await.unwrap();
    let (mut failed, mut answered, mut came, mut sent) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for stored in page.records {
        let record = history.record(stored.record.id).await.unwrap().unwrap().record;
        let call = record.attempts.into_iter().find(|call| &*call.provider == "one");
        came.push(record.started_at.unix_us);
        let Some(call) = call else { continue };
        // It was decided between these two: one that came just before the end may rightly be sent just after it.
        sent.push((record.started_at.unix_us, call.started_at.unix_us));
        // An answer counts from its first byte on, a failure when it is over.
        let judged = if call.error_kind.is_some() { call.latency_us } else { call.ttft_us.unwrap_or(call.latency_us) };
        let judged = call.started_at.unix_us + i64::try_from(judged).unwrap();
        if call.error_kind.is_some() { failed.push(judged) } else { answered.push(judged) }
    }
    // What still came through in between began the count anew.
    let last = answered.into_iter().max().unwrap();
    failed.retain(|at| *at > last);
    failed.sort_unstable();
    let opened = *failed.get(failures - 1).expect("failures enough to open the breaker");
    let over = opened + i64::try_from(cooldown.as_micros()).unwrap();
    let meanwhile = came.iter().filter(|at| (opened + 1..over).contains(at)).count();
    assert!(meanwhile > 10, "too few requests to tell: {meanwhile}");
    let let_through = sent.iter().find(|(came, was_sent)| *came > opened && *was_sent < over);
    assert_eq!(let_through, None, "the breaker opened at {opened}");
}

/// Requests a second that a debug build sustains beside other tests.
const RATE: u64 = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_dies_under_load_and_no_client_sees_it() {
    let routing = "retries = 0\nbreaker_failures = 3\nbreaker_cooldown = 1";
    let Pair { rig, two } = pair(routing, "").await;
    let address = rig.upstream.addr();
    let body = json!({"model": "chat", "messages": [{"role": "user", "content": "x"}]});
    let load = |requests: u64| {
        let (client, body) = (rig.client(), body.clone());
        async move {
            let mut clock = tokio::time::interval(Duration::from_micros(1_000_000 / RATE));
            let mut under_way = tokio::task::JoinSet::new();
            for _ in 0..requests {
                clock.tick().await;
                let (client, body) = (client.clone(), body.clone());
                under_way.spawn(async move { client.post("/v1/chat/completions", &body).await });
            }
            under_way.join_all().await
        }
    };
    let provider =
        |answer: &super::harness::client::Answer| answer.headers["x-gateway-provider"].to_str().unwrap().to_owned();
    let before = load(RATE / 2).await;
    assert!(before.iter().all(|answer| answer.status == 200 && provider(answer) == "one"));

    // It dies amid the load, with calls under way.
    let (during, ()) = tokio::join!(load(3 * RATE), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        rig.upstream.stop().await;
    });
    let seen: Vec<_> = during.iter().filter(|answer| answer.status != 200).map(|answer| answer.text()).collect();
    assert!(seen.is_empty(), "{} clients saw it: {:?}", seen.len(), seen.first());
    let open = incidents(&rig, "provider=one&kind=provider_down", 1).await.remove(0);
    assert_eq!((&open["impact"], &open["impacting_requests"]), (&json!("mitigated"), &json!(0)), "{open:#}");
    let whole = detail(&rig, &open).await;
    assert_eq!(
        (&whole["mitigated_by"][0]["provider"], &whole["mitigated_by"][0]["by"]),
        (&json!("two"), &json!("failover"))
    );

    breaker_held(&rig, 3, Duration::from_secs(1)).await;

    // It is back: the first probe finds it, and everything goes there again.
    let back = llm_gateway::demo::ProviderOptions { listen: address, ..Default::default() };
    let back = llm_gateway::demo::Provider::spawn(back).await.unwrap();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let answer = rig.client().post("/v1/chat/completions", &body).await;
        assert_eq!(answer.status, 200);
        if provider(&answer) == "one" {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "nobody found out that it is back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(back.ledger().counts().calls, 1, "one probe found it");
    let after = load(RATE / 2).await;
    assert!(after.iter().all(|answer| answer.status == 200 && provider(answer) == "one"));
    set_quiet_time(&rig, 1);
    let closed = incidents(&rig, "provider=one&kind=provider_down&state=closed", 1).await.remove(0);
    assert_eq!(closed["impact"], "mitigated");
    drop(two);
}
