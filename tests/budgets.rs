//! Budgets from outside: nobody spends more than he may, and every cent that is spent is counted.

use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt as _;
use llm_gateway::demo::{Chunk, Payload, Provider, ProviderOptions, Running, Script};
use serde_json::{Value, json};

use super::harness::{
    client::{Answer, Client, PATIENCE},
    gateway::{Rig, start_on, start_with},
    process::Process,
};

const CHAT: &str = "/v1/chat/completions";
const CENT: i64 = 1_000_000;

/// Every call costs a cent, whatever it says.
const CENT_A_CALL: &str = "[[catalog]]\nmodel = \"gpt-4o\"\nper_request = 0.01\n";

/// A stream that begins with some text and then says nothing for long.
fn stalling() -> Script {
    let chunk = |text: &'static str, after_ms| Chunk { payload: Payload::Bytes(Bytes::from(text)), after_ms };
    let chunks = vec![
        chunk("data: {\"model\":\"gpt-4o\",\"choices\":[{\"delta\":{\"content\":\"some words of text\"}}]}\n\n", 0),
        chunk("data: [DONE]\n\n", 60_000),
    ];
    Script { chunks: Some(chunks), ..Script::stream::<Bytes>([]) }
}

fn chat() -> Value {
    json!({"model": "gpt-4o", "max_tokens": 8, "messages": [{"role": "user", "content": "hi"}]})
}

fn budget(name: &str, more: &str) -> String {
    format!("[[budgets]]\nname = \"{name}\"\n{more}\n")
}

/// The rows of `/v1/budgets`, but for the rules for each.
async fn budgets(client: &Client) -> Vec<Value> {
    let page = client.get("/v1/budgets?limit=500").await.expect(200);
    page["data"].as_array().unwrap().iter().filter(|row| row["for_each"] == false).cloned().collect()
}

async fn spent(client: &Client, name: &str) -> i64 {
    let rows = budgets(client).await;
    let row = rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no {name}: {rows:#?}"));
    assert_eq!(row["reserved_microcents"], 0, "{row:#}");
    row["spent_microcents"].as_i64().unwrap()
}

async fn total_cost(rig: &Rig, count: usize) -> i64 {
    rig.records_when(count).await.iter().map(|record| record["cost_microcents"].as_i64().unwrap()).sum()
}

#[tokio::test]
async fn what_is_spent_is_what_the_records_say() {
    let rig = start_with(&budget("all", "limit_usd = 5\nperiod = \"month\"")).await;
    let client = rig.client();
    client.post(CHAT, &chat()).await.expect(200);
    let mut body = chat();
    body["stream"] = true.into();
    assert_eq!(client.post(CHAT, &body).await.status, 200);
    let messages =
        json!({"model": "claude-sonnet-4-20250514", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]});
    client.post("/v1/messages", &messages).await.expect(200);
    client
        .post(
            "/v1/messages/count_tokens",
            &json!({"model": "claude-sonnet-4-20250514", "messages": [{"role": "user", "content": "x"}]}),
        )
        .await;
    // A failed call costs nothing.
    let script = r#"{"fault":{"kind":"refused","status":500,"retry_after_secs":null}}"#;
    client.with("x-demo-script", script).post(CHAT, &chat()).await.expect(500);
    // A client that leaves pays for what came.
    rig.upstream.script(stalling());
    let mut stream = client.open(Method::POST, CHAT, Some(Bytes::from(body.to_string()))).await.into_body();
    stream.frame().await.unwrap().unwrap();
    drop(stream);
    let cost = total_cost(&rig, 6).await;
    assert!(cost > 0);
    assert_eq!(spent(&client, "all").await, cost);
}

#[tokio::test]
async fn an_answer_from_the_cache_costs_nothing_and_takes_no_tokens() {
    let rules = budget("all", "limit_usd = 0.015\nperiod = \"day\"");
    let rig =
        start_with(&format!("{rules}{CENT_A_CALL}[cache]\nenabled = true\n[limits]\ntokens_per_day = 100000\n")).await;
    let client = rig.client();
    for _ in 0..4 {
        client.post(CHAT, &chat()).await.expect(200);
    }
    let other = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "something else"}]});
    assert_eq!(client.post(CHAT, &other).await.code(429), "budget_exceeded");
    assert_eq!(spent(&client, "all").await, CENT);
    let records = rig.records_when(5).await;
    let called = records.iter().find(|record| record["attempts"] == 1).unwrap();
    let tokens = called["input_tokens"].as_u64().unwrap() + called["output_tokens"].as_u64().unwrap();
    let limits = client.get("/v1/limits").await.expect(200);
    assert!(limits["data"][0]["used"].as_u64().unwrap() <= tokens, "{limits:#}");
}

#[tokio::test]
async fn a_refusal_says_which_budget_and_until_when_in_each_api() {
    let rig = start_with(&format!(
        "{}{}",
        budget("tiny", "scope = \"project\"\nlimit_usd = 0.000001\nperiod = \"day\"\ntime_zone = \"Asia/Tokyo\""),
        CENT_A_CALL
    ))
    .await;
    let client = rig.client().with("x-project", "search");
    let refused = client.post(CHAT, &chat()).await;
    assert_eq!(refused.code(429), "budget_exceeded");
    let error = refused.json()["error"].clone();
    assert_eq!(error["type"], "insufficient_quota");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("`tiny` of 0.000001 USD a day for project `search`"), "{message}");
    assert!(message.contains("15:00:00.000Z"), "midnight in Tokyo: {message}");
    let secs: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=86_400).contains(&secs));
    assert_eq!(refused.headers["x-should-retry"], "false");
    let messages =
        json!({"model": "claude-sonnet-4-20250514", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]});
    let refused = client.post("/v1/messages", &messages).await;
    assert_eq!(
        (refused.code(429).as_str(), &refused.json()["error"]["type"]),
        ("budget_exceeded", &json!("rate_limit_error"))
    );
    let records = rig.records_when(2).await;
    assert!(records.iter().all(|record| record["outcome"] == "refused" && record["error_kind"] == "budget_exceeded"));
    assert!(records.iter().all(|record| record["cost_microcents"] == 0 && record["attempts"] == 0));
}

#[tokio::test]
async fn a_budget_that_only_warns_lets_through_and_says_so() {
    let rig = start_with(&format!(
        "{}{CENT_A_CALL}",
        budget("soft", "limit_usd = 0.04\nperiod = \"week\"\nwarn_at = 0.5\naction = \"warn\"")
    ))
    .await;
    let client = rig.client();
    let mut states = Vec::new();
    for _ in 0..5 {
        client.post(CHAT, &chat()).await.expect(200);
        let row = budgets(&client).await.remove(0);
        states.push((
            row["remaining_microcents"].as_i64().unwrap() / CENT,
            row["warning"] == true,
            row["used_up"] == true,
        ));
    }
    assert_eq!(states, [(3, false, false), (2, true, false), (1, true, false), (0, true, true), (-1, true, true)]);
    let metrics = client.get("/metrics").await.text();
    assert!(metrics.contains("llm_gateway_budget_warnings_total{scope=\"global\"}"), "{metrics}");
    assert!(metrics.contains("llm_gateway_budgets_used_up_total{scope=\"global\"}"));
    rig.records_when(5).await;
    let incidents = client.get("/v1/incidents?kind=budget_burn").await.expect(200);
    let one = &incidents["data"][0];
    assert_eq!((&one["subject"], &one["impact"], &one["requests"]), (&json!("soft"), &json!("notice"), &json!(2)));
}

#[tokio::test]
async fn a_price_that_is_not_known_is_unknown_and_never_free() {
    let rig = start_with(&format!(
        "{}{}",
        budget(
            "strict",
            "scope = \"project\"\nsubject = \"strict\"\nlimit_usd = 5\nperiod = \"day\"\nrequire_price = true"
        ),
        budget("lax", "limit_usd = 5\nperiod = \"day\"")
    ))
    .await;
    let body = json!({"model": "openai/private-model", "messages": [{"role": "user", "content": "x"}]});
    let refused = rig.client().with("x-project", "strict").post(CHAT, &body).await;
    assert_eq!(refused.code(403), "price_unknown");
    assert!(refused.text().contains("private-model") && refused.text().contains("require_price"));
    rig.client().post(CHAT, &body).await.expect(200);
    rig.records_when(2).await;
    let rows = budgets(&rig.client()).await;
    let lax = rows.iter().find(|row| row["name"] == "lax").unwrap();
    assert_eq!((&lax["unknown_calls"], &lax["spent_microcents"]), (&json!(1), &json!(0)), "{lax:#}");
    let strict = rows.iter().find(|row| row["name"] == "strict").unwrap();
    assert_eq!((&strict["unknown_calls"], &strict["subject"]), (&json!(0), &json!("strict")));
}

fn two_providers(upstream: &Running) -> String {
    let provider = |id: &str, price: &str| {
        format!(
            "[[providers]]\nid = \"{id}\"\nprovider_type = \"openai_compatible\"\napi_key = \"k\"\n\
             base_url = \"{}/v1\"\nmodels = [\"m\"]\npricing = {{ per_request = {price} }}\n",
            upstream.url()
        )
    };
    format!("{}{}", provider("dear", "0.05"), provider("cheap", "0.01"))
}

async fn ask_m(client: &Client) -> Answer {
    client.post(CHAT, &json!({"model": "m", "max_tokens": 4, "messages": [{"role": "user", "content": "hi"}]})).await
}

#[tokio::test]
async fn who_cannot_afford_one_target_gets_the_next_and_who_can_afford_none_is_refused() {
    let upstream = Provider::spawn(ProviderOptions::default()).await.unwrap();
    let providers = two_providers(&upstream);
    let rig = start_on(upstream, &providers, &budget("all", "limit_usd = 0.08\nperiod = \"day\"")).await;
    let mut served = Vec::new();
    loop {
        let answer = ask_m(&rig.client()).await;
        if answer.status != 200 {
            assert_eq!(answer.code(429), "budget_exceeded");
            break;
        }
        served.push(answer.headers["x-gateway-provider"].to_str().unwrap().to_owned());
    }
    assert_eq!(served, ["dear", "cheap", "cheap", "cheap"]);
    assert_eq!(spent(&rig.client(), "all").await, 8 * CENT);
}

#[tokio::test]
async fn a_provider_whose_budget_is_used_up_is_passed_by_and_fallbacks_are_paid_where_they_ran() {
    let upstream = Provider::spawn(ProviderOptions::default()).await.unwrap();
    let providers = two_providers(&upstream);
    let rules = format!(
        "{}{}",
        budget("dear", "scope = \"provider\"\nsubject = \"dear\"\nlimit_usd = 0.05\nperiod = \"day\""),
        budget("models", "scope = \"model\"\nlimit_usd = 1\nperiod = \"day\"")
    );
    let rig = start_on(upstream, &providers, &rules).await;
    let client = rig.client();
    rig.upstream
        .script(serde_json::from_str(r#"{"fault":{"kind":"refused","status":500,"retry_after_secs":null}}"#).unwrap());
    let mut served = Vec::new();
    for _ in 0..3 {
        let answer = ask_m(&client).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        served.push(answer.headers["x-gateway-provider"].to_str().unwrap().to_owned());
    }
    assert_eq!(served, ["cheap", "dear", "cheap"], "the first call failed over; the third was over dear's budget");
    assert_eq!(spent(&client, "dear").await, 5 * CENT);
    let rows = budgets(&client).await;
    let model = |subject: &str| {
        rows.iter().find(|row| row["subject"] == subject).map(|row| row["spent_microcents"].as_i64().unwrap())
    };
    assert_eq!((model("dear/m"), model("cheap/m")), (Some(5 * CENT), Some(2 * CENT)));
}

#[tokio::test]
async fn a_key_has_budgets_of_its_own_beside_those_of_its_team() {
    let rig = start_with(&format!(
        "{}{CENT_A_CALL}",
        budget("team", "scope = \"team\"\nsubject = \"alpha\"\nlimit_usd = 0.05\nperiod = \"month\"")
    ))
    .await;
    let key = |body: Value| {
        let client = rig.client();
        async move {
            let made = client.post("/v1/keys", &body).await.expect(201);
            let with_key = client.with("authorization", &format!("Bearer {}", made["secret"].as_str().unwrap()));
            (made, with_key)
        }
    };
    let (made, one) = key(json!({"team": "alpha", "budgets": [{"limit_usd": 0.03, "period": "day"}]})).await;
    assert_eq!(made["budgets"][0]["limit_usd"], "0.03");
    assert_eq!(made["budgets"][0]["time_zone"], "UTC");
    let (_, other) = key(json!({"team": "alpha"})).await;
    let mut counts = Vec::new();
    for client in [&one, &other] {
        let mut count = 0;
        while client.post(CHAT, &chat()).await.status == 200 {
            count += 1;
        }
        counts.push(count);
    }
    assert_eq!(counts, [3, 2], "three by its own budget, the rest of the team's by the other");
    // More money works at once, and what was spent before is still spent.
    let target = format!("/v1/keys/{}", made["id"].as_str().unwrap());
    rig.client().patch(&target, &json!({"budgets": [{"limit_usd": "1", "period": "day"}]})).await.expect(200);
    assert_eq!(spent(&rig.client(), made["id"].as_str().unwrap()).await, 3 * CENT);
    // A budget that is new learns from the records what was spent before it was there.
    rig.client().patch(&target, &json!({"budgets": [{"limit_usd": "1", "period": "month"}]})).await.expect(200);
    assert_eq!(spent(&rig.client(), made["id"].as_str().unwrap()).await, 3 * CENT);
    let wrong = rig.client().patch(&target, &json!({"budgets": [{"limit_usd": "1", "period": "year"}]})).await;
    assert_eq!((wrong.code(400).as_str(), &wrong.json()["error"]["param"]), ("invalid_parameter", &json!("budgets")));
}

/// A gateway in a process of its own, where every call costs a cent.
async fn process(dir: &std::path::Path, upstream: &Running) -> (Process, Client) {
    let provider = format!(
        "[[providers]]\nid = \"openai\"\nprovider_type = \"openai\"\napi_key = \"sk-test\"\nbase_url = \"{}/v1\"\n",
        upstream.url()
    );
    let rules = [
        budget("day", "limit_usd = 0.10\nperiod = \"day\""),
        budget("sources", "scope = \"source\"\nlimit_usd = 0.10\nperiod = \"month\""),
        budget("model", "scope = \"model\"\nsubject = \"gpt-4o\"\nlimit_usd = 0.10\nperiod = \"week\""),
    ];
    // A wait for the spool that no busy test machine exceeds.
    let config = format!("{provider}{}{CENT_A_CALL}[storage]\nspool_wait_ms = 1000\n", rules.concat());
    std::fs::write(dir.join("config.toml"), config).unwrap();
    let gateway = Process::start(dir).await;
    let client = Client::new(gateway.address).with("x-source", "s");
    (gateway, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_reserve_and_settle_releases_the_reservation_and_loses_no_spend() {
    let upstream = Provider::spawn(ProviderOptions::default()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut finished = 0;
    for _ in 0..3 {
        let (gateway, client) = process(dir.path(), &upstream).await;
        for row in budgets(&client).await {
            assert_eq!(row["known"], true);
            assert_eq!(
                (row["spent_microcents"].as_i64(), row["reserved_microcents"].as_i64()),
                (Some(finished * CENT), Some(0)),
                "{row:#}"
            );
        }
        for _ in 0..2 {
            client.post(CHAT, &chat()).await.expect(200);
            finished += 1;
        }
        // Calls that never end: their money is set aside when the gateway is killed.
        let hanging = client.with("x-demo-script", r#"{"latency_ms":600000}"#);
        let calls: Vec<_> = (0..4)
            .map(|_| {
                let client = hanging.clone();
                tokio::spawn(async move { client.try_post(CHAT, &chat()).await })
            })
            .collect();
        let begun = tokio::time::Instant::now();
        while budgets(&client).await.iter().any(|row| row["reserved_microcents"] != 4 * CENT) {
            assert!(begun.elapsed() < PATIENCE, "never reserved: {:#?}", budgets(&client).await);
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        // SIGKILL.
        drop(gateway);
        for call in calls {
            call.await.unwrap();
        }
    }
    let (_gateway, client) = process(dir.path(), &upstream).await;
    let mut admitted = 0;
    while client.post(CHAT, &chat()).await.status == 200 {
        admitted += 1;
    }
    assert_eq!((finished, admitted), (6, 4), "ten in all, however often it was killed");
}
