//! Limits from outside: who asks too often is told so in its own API's words, and nobody else pays for it.

use bytes::Bytes;
use futures_util::future::join_all;
use http::Method;
use http_body_util::BodyExt as _;
use llm_gateway::demo::{Chunk, Payload, Provider, ProviderOptions, Script};
use serde_json::{Value, json};

use super::harness::{
    client::{Answer, Client, PATIENCE},
    gateway::{Rig, start_on, start_with},
    process::Process,
};

const CHAT: &str = "/v1/chat/completions";

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

/// The rows of `/v1/limits` of a scope that somebody has used: subject, unit, period, used, remaining.
async fn used(rig: &Rig, scope: &str) -> Vec<(String, String, u64, u64)> {
    let limits = rig.client().get("/v1/limits?limit=500").await.expect(200);
    let rows =
        limits["data"].as_array().unwrap().iter().filter(|row| row["scope"] == scope && row["for_each"] == false);
    rows.map(|row| {
        let what = format!("{}/{}", row["unit"].as_str().unwrap(), row["period"].as_str().unwrap());
        let subject = row["subject"].as_str().unwrap_or("-").to_owned();
        (subject, what, row["used"].as_u64().unwrap(), row["remaining"].as_u64().unwrap())
    })
    .collect()
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).unwrap_or_else(|| panic!("no {name}: {:?}", answer.headers)).to_str().unwrap()
}

/// Waits until the requests under way have closed their records.
async fn settled(rig: &Rig, count: usize) -> Vec<Value> {
    rig.records_when(count).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_calls_at_once_get_the_limit_and_the_refused_ones_eat_no_window() {
    let rig = start_with(
        "[limits]\nrequests_per_day = 1000\n[limits.per_source]\nrequests_per_hour = 10\nalgorithm = \"sliding_window\"\n",
    )
    .await;
    let client = rig.client().with("x-source", "batch");
    let body = chat();
    let answers = join_all((0..200).map(|_| client.post(CHAT, &body))).await;
    let admitted = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(admitted, 10);
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(refused.code(429), "rate_limit_exceeded");
        let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains("10 requests per hour for source `batch`"), "{message}");
        let secs: u64 = header(refused, "retry-after").parse().unwrap();
        assert!((3_500..=3_630).contains(&secs), "{secs}");
        assert_eq!(header(refused, "x-ratelimit-remaining-requests"), "0");
    }
    let records = settled(&rig, 200).await;
    let refused: Vec<_> = records.iter().filter(|record| record["outcome"] == "refused").collect();
    assert_eq!(refused.len(), 190);
    assert!(refused.iter().all(|record| record["error_kind"] == "rate_limit_exceeded" && record["attempts"] == 0));
    assert_eq!(used(&rig, "global").await, [("-".to_owned(), "requests/day".to_owned(), 10, 990)]);
    assert_eq!(used(&rig, "source").await, [("batch".to_owned(), "requests/hour".to_owned(), 10, 0)]);
    // Another requester is not concerned.
    rig.client().with("x-source", "other").post(CHAT, &chat()).await.expect(200);
}

#[tokio::test]
async fn each_api_tells_limits_and_refusals_in_its_own_form() {
    let rig = start_with("[limits.per_project]\nrequests_per_minute = 2\ntokens_per_minute = 100000\n").await;
    let messages =
        json!({"model": "claude-sonnet-4-20250514", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]});
    let gemini = json!({"contents": [{"parts": [{"text": "x"}]}]});
    let ollama = json!({"model": "llama3", "stream": false, "messages": [{"role": "user", "content": "x"}]});
    let embedding = json!({"model": "text-embedding-3-small", "input": "x"});
    let cases = [
        (CHAT, &chat(), "x-ratelimit-remaining-requests", "error.code", "rate_limit_exceeded"),
        ("/v1/embeddings", &embedding, "x-ratelimit-remaining-tokens", "error.type", "rate_limit_error"),
        ("/v1/messages", &messages, "anthropic-ratelimit-requests-remaining", "error.type", "rate_limit_error"),
        ("/v1beta/models/gemini-2.5-flash:generateContent", &gemini, "", "error.status", "RESOURCE_EXHAUSTED"),
        ("/api/chat", &ollama, "", "error", ""),
    ];
    for (number, (path, body, remaining, place, word)) in cases.into_iter().enumerate() {
        let client = rig.client().with("x-project", &format!("p{number}"));
        let first = client.post(path, body).await;
        assert_eq!(first.status, 200, "{path}: {}", first.text());
        client.post(path, body).await.expect(200);
        let refused = client.post(path, body).await;
        assert_eq!(refused.status, 429, "{path}: {}", refused.text());
        let pointer = format!("/{}", place.replace('.', "/"));
        let told = refused.json().pointer(&pointer).unwrap().as_str().unwrap().to_owned();
        assert!(told.contains(word), "{path}: {told}");
        assert!(refused.text().contains("2 requests per minute for project"), "{path}: {}", refused.text());
        let secs: u64 = header(&refused, "retry-after").parse().unwrap();
        assert!((1..=30).contains(&secs), "{path}: {secs}");
        let limits = first.headers.keys().filter(|name| name.as_str().contains("ratelimit")).count();
        assert_eq!(limits, if remaining.is_empty() { 0 } else { 6 }, "{path}: {:?}", first.headers);
        match remaining {
            "" => {}
            "x-ratelimit-remaining-requests" => {
                assert_eq!(header(&first, remaining), "1");
                assert_eq!(header(&first, "x-ratelimit-limit-requests"), "2");
                assert!(header(&first, "x-ratelimit-reset-requests").ends_with('s'));
                assert_eq!(header(&first, "x-ratelimit-limit-tokens"), "100000");
                assert_eq!(header(&refused, remaining), "0");
            }
            "x-ratelimit-remaining-tokens" => {
                assert!(header(&first, remaining).parse::<u64>().unwrap() > 99_900, "embeddings write nothing");
            }
            _ => {
                assert_eq!(header(&first, remaining), "1");
                let reset = header(&first, "anthropic-ratelimit-requests-reset").to_owned();
                assert!(reset.parse::<jiff::Timestamp>().is_ok() && reset.ends_with('Z'), "{reset}");
            }
        }
    }
    let gemini = rig.client().with("x-project", "p3").post(cases[3].0, &gemini).await;
    let details = gemini.json()["error"]["details"].clone();
    assert_eq!(details[0]["metadata"]["code"], "rate_limit_exceeded");
    assert!(details[1]["retryDelay"].as_str().unwrap().ends_with('s'), "{details}");
}

async fn tokens_used(rig: &Rig, subject: &str) -> u64 {
    let rows = used(rig, "source").await;
    rows.iter().find(|row| row.0 == subject && row.1 == "tokens/day").map_or(0, |row| row.2)
}

#[tokio::test]
async fn tokens_are_estimated_first_and_counted_when_the_record_closes() {
    let rig = start_with("[limits.per_source]\ntokens_per_day = 100000\n").await;
    let of = |source: &str| rig.client().with("x-source", source);
    let usage = |record: &Value| record["input_tokens"].as_u64().unwrap() + record["output_tokens"].as_u64().unwrap();

    // A whole answer, and a stream: what the provider counted.
    of("whole").post(CHAT, &chat()).await.expect(200);
    let mut body = chat();
    body["stream"] = true.into();
    assert_eq!(of("stream").post(CHAT, &body).await.status, 200);
    let records = settled(&rig, 2).await;
    // The bucket flows back meanwhile, by one token in 864 ms.
    let near = |counted: u64, true_one: u64| counted <= true_one && counted + 30 > true_one;
    assert!(near(tokens_used(&rig, "stream").await, usage(&records[0])));
    assert!(near(tokens_used(&rig, "whole").await, usage(&records[1])));

    // A call that failed: nothing.
    let script = r#"{"fault":{"kind":"refused","status":500,"retry_after_secs":null}}"#;
    of("failed").with("x-demo-script", script).post(CHAT, &chat()).await.expect(500);
    assert_eq!(tokens_used(&rig, "failed").await, 0);

    // A client that left: what it saw of the answer.
    rig.upstream.script(stalling());
    let answer = of("left").open(Method::POST, CHAT, Some(Bytes::from(body.to_string()))).await;
    let mut stream = answer.into_body();
    stream.frame().await.unwrap().unwrap();
    drop(stream);
    let records = settled(&rig, 4).await;
    assert_eq!(records[0]["outcome"], "client_disconnected");
    assert!(near(tokens_used(&rig, "left").await, usage(&records[0])));

    // More than the limit ever lets through: refused for good, and no retry is asked for.
    let long = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "many words ".repeat(60_000)}]});
    let refused = of("long").post(CHAT, &long).await;
    assert_eq!(refused.code(429), "rate_limit_exceeded");
    assert!(!refused.headers.contains_key("retry-after") && header(&refused, "x-should-retry") == "false");
    assert_eq!(tokens_used(&rig, "long").await, 0);
}

fn two_providers(limits: &str) -> String {
    let provider = |id: &str, more: &str| {
        format!(
            "[[providers]]\nid = \"{id}\"\nprovider_type = \"openai_compatible\"\napi_key = \"k\"\n\
             base_url = \"{{upstream}}/v1\"\nmodels = [\"m\"]\n{more}\n"
        )
    };
    format!("{}{}", provider("first", limits), provider("second", limits))
}

async fn pair(limits: &str, more: &str) -> Rig {
    let upstream = Provider::spawn(ProviderOptions::default()).await.unwrap();
    start_on(upstream, &two_providers(limits), more).await
}

async fn ask_m(client: &Client) -> Answer {
    client.post(CHAT, &json!({"model": "m", "max_tokens": 4, "messages": [{"role": "user", "content": "hi"}]})).await
}

#[tokio::test]
async fn a_provider_over_its_limit_is_passed_by_and_the_last_one_refuses() {
    let rig = pair("limits = { requests_per_hour = 2 }", "").await;
    let mut served = Vec::new();
    for _ in 0..4 {
        let answer = ask_m(&rig.client()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        served.push(header(&answer, "x-gateway-provider").to_owned());
    }
    assert_eq!(served, ["first", "first", "second", "second"]);
    let refused = ask_m(&rig.client()).await;
    assert_eq!(refused.code(429), "rate_limit_exceeded");
    let secs: u64 = header(&refused, "retry-after").parse().unwrap();
    assert!((1..=1_800).contains(&secs), "{secs}");
    let record = &settled(&rig, 5).await[0];
    assert_eq!((&record["outcome"], &record["attempts"]), (&json!("refused"), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_never_asked_more_often_than_its_limit_says() {
    let rig = pair("limits = { requests_per_hour = 7, algorithm = \"sliding_window\" }", "").await;
    let client = rig.client();
    let answers = join_all((0..100).map(|_| ask_m(&client))).await;
    let served = answers.iter().filter(|answer| answer.status == 200);
    let served: Vec<_> = served.map(|answer| header(answer, "x-gateway-provider")).collect();
    let from = |id: &str| served.iter().filter(|provider| **provider == id).count();
    assert_eq!((from("first"), from("second")), (7, 7));
    assert!(
        answers.iter().filter(|answer| answer.status != 200).all(|answer| answer.code(429) == "rate_limit_exceeded")
    );
    assert_eq!(used(&rig, "provider").await.iter().map(|row| row.2).collect::<Vec<_>>(), [7, 7]);
}

#[tokio::test]
async fn a_model_has_limits_too_and_a_failed_call_counts_for_its_provider() {
    let rig =
        pair("", "[limits.models.\"first/m\"]\nrequests_per_hour = 1\n[limits.per_provider]\nrequests_per_hour = 3\n")
            .await;
    let broken = rig.client().with("x-demo-script", r#"{"fault":{"kind":"reset_before_head"}}"#);
    assert_eq!(ask_m(&broken).await.status, 502, "both fail");
    for _ in 0..2 {
        assert_eq!(header(&ask_m(&rig.client()).await, "x-gateway-provider"), "second");
    }
    assert_eq!(ask_m(&rig.client()).await.code(429), "rate_limit_exceeded");
    let of = |rows: Vec<(String, String, u64, u64)>| rows.into_iter().map(|row| (row.0, row.2)).collect::<Vec<_>>();
    assert_eq!(of(used(&rig, "model").await), [("first/m".to_owned(), 1)]);
    assert_eq!(of(used(&rig, "provider").await), [("first".to_owned(), 1), ("second".to_owned(), 3)]);
}

#[tokio::test]
async fn a_keys_own_limits_stand_in_the_place_of_those_for_each_and_change_at_once() {
    let rig = start_with("[limits.per_key]\nrequests_per_hour = 1\n").await;
    let made = rig
        .client()
        .post("/v1/keys", &json!({"label": "a", "limits": {"requests_per_hour": 3}, "metadata": {"owner": "ana"}}))
        .await
        .expect(201);
    assert_eq!(made["limits"], json!({"requests_per_hour": 3}));
    assert_eq!(made["metadata"], json!({"owner": "ana"}));
    let id = made["id"].as_str().unwrap().to_owned();
    let with_key = rig.client().with("authorization", &format!("Bearer {}", made["secret"].as_str().unwrap()));
    let admitted = |client: Client| async move {
        let mut count = 0;
        while client.post(CHAT, &chat()).await.status == 200 {
            count += 1;
        }
        count
    };
    assert_eq!(admitted(with_key.clone()).await, 3);
    assert_eq!(admitted(rig.client()).await, 1, "requests without a key count together");
    let change = |limits: Value| {
        let (client, target) = (rig.client(), format!("/v1/keys/{id}"));
        async move { client.patch(&target, &json!({ "limits": limits })).await }
    };
    change(json!({"requests_per_hour": 5})).await.expect(200);
    assert_eq!(admitted(with_key.clone()).await, 2, "what was used before still counts");
    let rows = used(&rig, "key").await;
    assert_eq!(rows.iter().find(|row| row.0 == id).map(|row| row.2), Some(5), "{rows:?}");
    change(json!({})).await.expect(200);
    for _ in 0..10 {
        with_key.post(CHAT, &chat()).await.expect(200);
    }
    change(Value::Null).await.expect(200);
    assert_eq!(with_key.post(CHAT, &chat()).await.code(429), "rate_limit_exceeded", "[limits.per_key] holds again");
    let wrong = change(json!({"requests_per_hour": 0})).await;
    assert_eq!((wrong.code(400).as_str(), &wrong.json()["error"]["param"]), ("invalid_parameter", &json!("limits")));
}

#[tokio::test]
async fn where_nothing_is_limited_the_providers_own_headers_pass() {
    let rig = start_with("").await;
    let script = r#"{"headers":[["x-ratelimit-remaining-requests","41"]]}"#;
    let answer = rig.client().with("x-demo-script", script).post(CHAT, &chat()).await;
    assert_eq!(header(&answer, "x-ratelimit-remaining-requests"), "41");
    assert_eq!(rig.client().get("/v1/limits").await.expect(200)["data"], json!([]));
    assert_eq!(rig.client().get("/v1/budgets").await.expect(200)["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_outlive_a_changed_configuration() {
    let upstream = Provider::spawn(ProviderOptions::default()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let write = |limits: &str| {
        let provider = two_providers("").replace("{upstream}", &upstream.url());
        std::fs::write(dir.path().join("next.toml"), format!("{limits}\n{provider}")).unwrap();
        std::fs::rename(dir.path().join("next.toml"), dir.path().join("config.toml")).unwrap();
    };
    write("[limits]\nrequests_per_hour = 5\nalgorithm = \"sliding_window\"");
    let gateway = Process::start(dir.path()).await;
    let client = Client::new(gateway.address);
    for _ in 0..4 {
        assert_eq!(ask_m(&client).await.status, 200);
    }
    write(
        "[limits]\nrequests_per_hour = 6\nalgorithm = \"sliding_window\"\n[limits.per_project]\nrequests_per_day = 9",
    );
    let limits = || async { client.get("/v1/limits").await.expect(200)["data"].clone() };
    let begun = tokio::time::Instant::now();
    while limits().await[0]["limit"] != 6 {
        assert!(begun.elapsed() < PATIENCE, "{}", gateway.log());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(limits().await[0]["used"], 4);
    assert_eq!(ask_m(&client).await.status, 200);
    assert_eq!(ask_m(&client).await.status, 200);
    assert_eq!(ask_m(&client).await.code(429), "rate_limit_exceeded");
}
