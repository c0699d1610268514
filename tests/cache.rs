//! The response cache: the same question of the same caller costs once, and nobody gets another's answer.

use futures_util::future::join_all;
use http::Method;
use llm_gateway::demo::{Fault, Script};
use serde_json::{Value, json};

use super::harness::{
    client::{Answer, Client},
    gateway::{Rig, start, start_with},
};

const ON: &str = "[cache]\nenabled = true\n";

fn question(text: &str) -> Value {
    json!({"model": "gpt-4o", "messages": [{"role": "user", "content": text}]})
}

fn state(answer: &Answer) -> &str {
    answer.headers["x-gateway-cache"].to_str().unwrap()
}

async fn ask(client: &Client, body: &Value) -> Answer {
    client.post("/v1/chat/completions", body).await
}

fn calls(rig: &Rig) -> usize {
    rig.upstream.ledger().calls().len()
}

#[tokio::test]
async fn the_second_time_costs_nothing_and_says_so() {
    let rig = start_with(ON).await;
    let first = ask(&rig.client(), &question("a")).await;
    let second = ask(&rig.client(), &question("a")).await;
    assert_eq!((state(&first), state(&second), calls(&rig)), ("miss", "hit", 1));
    assert_eq!((first.status, &first.body), (second.status, &second.body));
    for name in ["content-type", "content-length", "x-gateway-provider", "x-gateway-model"] {
        assert_eq!(first.headers[name], second.headers[name], "{name}");
    }
    assert_eq!(
        (&second.headers["x-gateway-attempts"], &second.headers["x-gateway-cost-microcents"]),
        (&"0".parse().unwrap(), &"0".parse().unwrap())
    );
    assert!(second.headers.contains_key("age"));
    let records = rig.records_when(2).await;
    let (hit, miss) = (&records[0], &records[1]);
    assert_eq!(
        (&miss["cache"], &miss["saved_microcents"], &miss["attempts"]),
        (&json!("miss"), &Value::Null, &json!(1))
    );
    assert!(miss["cost_microcents"].as_i64().unwrap() > 0);
    assert_eq!((&hit["cache"], &hit["saved_microcents"]), (&json!("hit"), &miss["cost_microcents"]));
    assert_eq!((&hit["cost_microcents"], &hit["attempts"], &hit["outcome"]), (&json!(0), &json!(0), &json!("ok")));
    for field in
        ["provider", "model", "provider_api", "input_tokens", "output_tokens", "finish_reason", "response_bytes"]
    {
        assert_eq!(hit[field], miss[field], "{field}");
    }
    let stats = rig.client().get("/v1/stats").await.expect(200);
    assert_eq!((&stats["total_requests"], &stats["cached_requests"]), (&json!(2), &json!(1)));
    assert_eq!((&stats["cache_hit_rate"], &stats["saved_microcents"]), (&json!(0.5), &miss["cost_microcents"]));
    assert_eq!(stats["total_cost_microcents"], miss["cost_microcents"]);
    assert_eq!(stats["providers"]["openai"]["cached_requests"], 1);
}

#[tokio::test]
async fn it_is_off_unless_the_config_the_project_or_the_key_says_otherwise() {
    let rig = start().await;
    for _ in 0..2 {
        assert_eq!(state(&ask(&rig.client(), &question("a")).await), "bypass");
    }
    assert_eq!(calls(&rig), 2);
    let rig = start_with(
        "[[projects]]\nname = \"fast\"\ncache = true\n[key_map.key-of-fast]\nproject = \"fast\"\n\
         [key_map.key-without]\nproject = \"fast\"\ncache = false\n[key_map.key-with]\ncache = true\n",
    )
    .await;
    for (key, second) in [("key-of-fast", "hit"), ("key-without", "bypass"), ("key-with", "hit"), ("other", "bypass")] {
        let client = rig.client().with("authorization", &format!("Bearer {key}"));
        ask(&client, &question("a")).await;
        assert_eq!(state(&ask(&client, &question("a")).await), second, "{key}");
    }
}

#[tokio::test]
async fn spelling_does_not_count_and_everything_else_does() {
    let rig = start_with(ON).await;
    let one = r#"{"model":"gpt-4o","temperature":1,"messages":[{"role":"user","content":"hé"}]}"#;
    let same =
        "{ \"messages\" : [ {\"content\":\"h\\u00e9\",\"role\":\"user\"} ],\n\"temperature\":1, \"model\":\"gpt-4o\" }";
    let client = rig.client();
    let send = |client: Client, body: &'static str| async move {
        state(&client.send(Method::POST, "/v1/chat/completions", Some(body.into())).await).to_owned()
    };
    assert_eq!(send(client.clone(), one).await, "miss");
    assert_eq!(send(client.with("user-agent", "another/2.0"), same).await, "hit");
    for other in [
        r#"{"model":"gpt-4o","temperature":1.0,"messages":[{"role":"user","content":"hé"}]}"#,
        r#"{"model":"openai/gpt-4o","temperature":1,"messages":[{"role":"user","content":"hé"}]}"#,
        r#"{"model":"gpt-4o","temperature":1,"messages":[{"role":"user","content":"hé"}],"seed":null}"#,
        r#"{"model":"gpt-4o","temperature":1,"messages":[{"role":"user","content":"hé "}]}"#,
    ] {
        assert_eq!(send(client.clone(), other).await, "miss", "{other}");
        assert_eq!(send(client.clone(), other).await, "hit", "{other}");
    }
    for (name, value) in
        [("openai-beta", "x=1"), ("anthropic-beta", "1"), ("x-profile", "economy"), ("accept-encoding", "gzip")]
    {
        assert_eq!(send(client.with(name, value), one).await, "miss", "{name}");
        assert_eq!(send(client.with(name, value), one).await, "hit", "{name}");
    }
    let stream =
        json!({"model": "gpt-4o", "temperature": 1, "stream": true, "messages": [{"role": "user", "content": "hé"}]});
    assert_eq!(state(&ask(&client, &stream).await), "miss");
}

#[tokio::test]
async fn two_tenants_never_share_an_entry() {
    let rig = start_with(&format!("{ON}[key_map.key-a]\nlabel = \"a\"\n[key_map.key-b]\nlabel = \"b\"\n")).await;
    let anybody = rig.client();
    let callers = [
        anybody.clone(),
        anybody.with("authorization", "Bearer key-a"),
        anybody.with("authorization", "Bearer key-b"),
        anybody.with("authorization", "Bearer sk-unknown-1"),
        anybody.with("authorization", "Bearer sk-unknown-2"),
        anybody.with("x-project", "one"),
        anybody.with("x-project", "two"),
        anybody.with("authorization", "Bearer key-a").with("x-project", "one"),
    ];
    for (number, caller) in callers.iter().enumerate() {
        assert_eq!(state(&ask(caller, &question("a")).await), "miss", "caller {number}");
        assert_eq!(calls(&rig), number + 1);
    }
    for (number, caller) in callers.iter().enumerate() {
        assert_eq!(state(&ask(caller, &question("a")).await), "hit", "caller {number}");
    }
    // Whatever place the credential stands in, it is the same caller.
    assert_eq!(state(&ask(&anybody.with("x-api-key", "key-a"), &question("a")).await), "hit");
    assert_eq!(calls(&rig), callers.len());
}

/// Path and body of a stream in each API that has one.
fn streams() -> [(&'static str, Value); 6] {
    let messages = json!([{"role": "user", "content": "tell me"}]);
    let contents = json!({"contents": [{"role": "user", "parts": [{"text": "tell me"}]}]});
    [
        ("/v1/chat/completions", json!({"model": "gpt-4o", "stream": true, "messages": messages})),
        ("/v1/responses", json!({"model": "gpt-4o", "stream": true, "input": "tell me"})),
        (
            "/v1/messages",
            json!({"model": "claude-sonnet-4-20250514", "max_tokens": 50, "stream": true, "messages": messages}),
        ),
        ("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", contents.clone()),
        ("/v1beta/models/gemini-2.5-flash:streamGenerateContent", contents),
        ("/api/chat", json!({"model": "llama3", "messages": messages})),
    ]
}

#[tokio::test]
async fn a_cached_stream_is_byte_equal_to_the_first() {
    let rig = start_with(ON).await;
    for (path, body) in streams() {
        let first = rig.client().post(path, &body).await;
        let before = calls(&rig);
        let second = rig.client().post(path, &body).await;
        assert_eq!((first.status.as_u16(), state(&first), state(&second)), (200, "miss", "hit"), "{path}");
        assert_eq!(calls(&rig), before, "{path}");
        assert!(first.body.len() > 100, "{path}: {}", first.text());
        assert_eq!(first.body, second.body, "{path}");
        for name in ["content-type", "content-length", "transfer-encoding"] {
            assert_eq!(first.headers.get(name), second.headers.get(name), "{path} {name}");
        }
    }
    let records = rig.records_when(12).await;
    assert!(records.iter().all(|record| record["outcome"] == "ok" && record["ttft_ms"] != Value::Null), "{records:#?}");
}

#[tokio::test]
async fn masked_originals_stay_with_who_sent_them() {
    let more = format!("{ON}[sanitization]\nenabled = true\n[sanitization.actions]\nemail = \"mask\"\n");
    let rig = start_with(&more).await;
    let client = rig.client().with("x-demo-script", "{\"echo_chars\":7}");
    let said = |address: &str| question(&format!("write to {address} now"));
    for stream in [false, true] {
        let said = |address: &str| {
            let mut body = said(address);
            body["stream"] = stream.into();
            body
        };
        let before = calls(&rig);
        // The provider is asked the very same of both, with placeholders in it.
        let (one, other) =
            (ask(&client, &said("max@acme-corp.io")).await, ask(&client, &said("eve@else-where.org")).await);
        let seen: Vec<_> = rig.upstream.ledger().calls().split_off(before).into_iter().map(|call| call.body).collect();
        assert_eq!(seen.len(), 2, "two originals, two calls");
        assert!(seen.iter().all(|body| !String::from_utf8_lossy(body).contains("acme")), "{seen:?}");
        assert!(!other.text().contains("max@"), "{}", other.text());
        let again = ask(&client, &said("max@acme-corp.io")).await;
        assert_eq!((state(&one), state(&other), state(&again)), ("miss", "miss", "hit"));
        assert_eq!(one.body, again.body);
        if !stream {
            assert!(again.text().contains("write to max@acme-corp.io now"), "{}", again.text());
        }
    }
    // What was found in a request is counted each time; what was found in the answer belongs to the answer.
    let records = rig.records_when(6).await;
    assert!(
        records.iter().all(|record| record["findings"].as_u64() == records[0]["findings"].as_u64()),
        "{records:#?}"
    );
    assert!(records[0]["findings"].as_u64() > Some(0));
}

#[tokio::test]
async fn clients_may_ask_for_a_fresh_answer_or_for_none_to_be_kept() {
    let rig = start_with(ON).await;
    let client = rig.client();
    let (fresh, secret) = (client.with("cache-control", "no-cache"), client.with("cache-control", "no-store"));
    for _ in 0..2 {
        assert_eq!(state(&ask(&secret, &question("a")).await), "bypass");
    }
    assert_eq!(state(&ask(&client, &question("a")).await), "miss", "nothing was kept");
    assert_eq!(state(&ask(&secret, &question("a")).await), "bypass", "nor is it read");
    rig.upstream.script(
        Script::answer(200, r#"{"id":"new","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#)
            .with_header("content-type", "application/json"),
    );
    assert_eq!(state(&ask(&fresh, &question("a")).await), "bypass");
    let after = ask(&client, &question("a")).await;
    assert_eq!((state(&after), &after.json()["id"]), ("hit", &json!("new")), "the fresh one is kept");
}

#[tokio::test]
async fn only_whole_good_answers_of_some_size_are_kept() {
    let rig = start_with("[cache]\nenabled = true\nmax_entry_bytes = 65536\nttl = 1\n").await;
    let json_body = |text: &str| Script::answer(200, text.to_owned()).with_header("content-type", "application/json");
    let faults = [
        Script::fault(Fault::Refused { status: 500, retry_after_secs: None }),
        Script::fault(Fault::Refused { status: 400, retry_after_secs: None }),
        Script::fault(Fault::ErrorUnder200),
        Script::fault(Fault::TruncatedJson),
        Script::fault(Fault::ResetInBody { after_bytes: 30 }),
        json_body(&format!(
            "{{\"id\":\"{}\",\"choices\":[],\"usage\":{{\"prompt_tokens\":1,\"completion_tokens\":1}}}}",
            "x".repeat(70_000)
        )),
        Script {
            status: Some(201),
            ..json_body("{\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}")
        },
    ];
    for stream in [false, true] {
        for (number, fault) in faults.iter().enumerate() {
            let mut body = question(&format!("{number}"));
            body["stream"] = stream.into();
            rig.upstream.script(fault.clone());
            let (head, answer) = rig
                .client()
                .open(Method::POST, "/v1/chat/completions", Some(body.to_string().into()))
                .await
                .into_parts();
            // Some of these break off in the middle.
            let _ = http_body_util::BodyExt::collect(answer).await;
            assert_eq!(head.headers["x-gateway-cache"], "miss", "{fault:?}");
            assert_eq!(state(&ask(&rig.client(), &body).await), "miss", "{fault:?} stream: {stream}");
            assert_eq!(state(&ask(&rig.client(), &body).await), "hit", "{fault:?} stream: {stream}");
        }
    }
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(state(&ask(&rig.client(), &question("0")).await), "miss", "its time is over");
}

#[tokio::test]
async fn what_changes_something_or_is_no_json_is_called_each_time() {
    let rig = start_with(ON).await;
    let background = json!({"model": "gpt-4o", "input": "x", "background": true});
    let conversation = json!({"model": "gpt-4o", "input": "x", "conversation": "conv_1"});
    let plain = json!({"model": "gpt-4o", "input": "x", "background": false});
    let image = json!({"model": "gpt-image-1", "prompt": "x"});
    for (path, body, second) in [
        ("/v1/responses", &background, "bypass"),
        ("/v1/responses", &conversation, "bypass"),
        ("/v1/responses", &plain, "hit"),
        ("/v1/images/generations", &image, "bypass"),
        ("/v1/embeddings", &json!({"model": "text-embedding-3-small", "input": "x"}), "hit"),
    ] {
        rig.client().post(path, body).await;
        assert_eq!(state(&rig.client().post(path, body).await), second, "{path} {body}");
    }
    for _ in 0..2 {
        assert_eq!(state(&rig.client().get("/v1/files").await), "bypass");
    }
}

#[tokio::test]
async fn many_who_ask_the_same_at_once_make_one_call() {
    let rig = start_with(ON).await;
    rig.upstream.always(Some(Script { latency_ms: Some(300), ..Script::default() }));
    for stream in [false, true] {
        let mut body = question("together");
        body["stream"] = stream.into();
        let before = calls(&rig);
        let clients: Vec<_> = (0..20).map(|_| rig.client()).collect();
        let answers = join_all(clients.iter().map(|client| ask(client, &body))).await;
        assert_eq!(calls(&rig), before + 1);
        assert_eq!(answers.iter().filter(|answer| state(answer) == "hit").count(), 19);
        assert!(answers.iter().all(|answer| answer.body == answers[0].body));
    }
}

#[tokio::test]
async fn when_the_first_fails_the_others_go_themselves() {
    let rig = start_with(ON).await;
    rig.upstream.script(Script {
        latency_ms: Some(300),
        ..Script::fault(Fault::Refused { status: 500, retry_after_secs: None })
    });
    let clients: Vec<_> = (0..10).map(|_| rig.client()).collect();
    let body = question("together");
    let answers = join_all(clients.iter().map(|client| ask(client, &body))).await;
    let good = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((good, answers.len() - good), (9, 1), "one failed, and nobody with it");
    assert_eq!(state(&ask(&rig.client(), &body).await), "hit");
    // Who does not want to wait does not.
    let rig = start_with(&format!("{ON}wait_ms = 0\n")).await;
    rig.upstream.always(Some(Script { latency_ms: Some(200), ..Script::default() }));
    join_all(clients.iter().map(|_| rig.client()).collect::<Vec<_>>().iter().map(|client| ask(client, &body))).await;
    assert_eq!(calls(&rig), 10);
}

#[tokio::test]
async fn refusals_come_before_the_cache() {
    let gate = "[sanitization]\nenabled = true\ncompliance_gate = true\n";
    let rig = start_with(&format!(
        "{ON}[[projects]]\nname = \"strict\"\n[key_map.key-a]\nallowed_models = [\"gpt-4o\"]\n{gate}"
    ))
    .await;
    let client = rig.client().with("authorization", "Bearer key-a");
    ask(&client, &question("a")).await;
    assert_eq!(state(&ask(&client, &question("a")).await), "hit");
    let forbidden = ask(&client, &json!({"model": "gpt-4o-mini", "messages": []})).await;
    assert_eq!((forbidden.status.as_u16(), state(&forbidden)), (403, "bypass"));
    let blocked = ask(&client, &question("mail max@acme-corp.io")).await;
    assert_eq!((blocked.status.as_u16(), state(&blocked)), (403, "bypass"));
    assert_eq!(calls(&rig), 1);
}

#[tokio::test]
async fn the_metrics_of_the_strategy_library_stand_at_the_top_of_the_stats() {
    let rig = start_with(ON).await;
    for text in ["a", "a", "b"] {
        ask(&rig.client(), &question(text)).await.expect(200);
    }
    rig.upstream.script(Script::fault(Fault::Refused { status: 500, retry_after_secs: None }));
    let claude =
        json!({"model": "claude-sonnet-4-20250514", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]});
    rig.client().post("/v1/messages", &claude).await.expect(500);
    rig.records_when(4).await;
    let stats = rig.client().get("/v1/stats").await.expect(200);
    assert_eq!(
        (&stats["total_requests"], &stats["cached_requests"], &stats["failed_requests"]),
        (&json!(4), &json!(1), &json!(1))
    );
    assert_eq!(stats["cache_hit_rate"], 0.25);
    let cost = |of: &Value| (of["total_cost"].as_f64().unwrap() * 1e8).round();
    #[expect(clippy::cast_precision_loss, reason = "some microcents")]
    let exact = stats["total_cost_microcents"].as_i64().unwrap() as f64;
    assert!((cost(&stats) - exact).abs() < 0.5 && exact > 0.0, "{stats:#}");
    assert!(stats["avg_latency_ms"].as_f64().unwrap() > 0.0);
    for (provider, success_rate) in [("openai", 1.0), ("anthropic", 0.0)] {
        let of = &stats["providers"][provider];
        assert_eq!(of["success_rate"], success_rate, "{provider}");
        assert!(of["avg_latency_ms"].is_number() && of["total_cost"].is_number(), "{of:#}");
    }
    assert!((cost(&stats["providers"]["openai"]) - exact).abs() < 0.5, "a hit costs nothing");
    for list in ["by_model", "by_project", "by_source", "by_team", "by_key"] {
        let total: u64 =
            stats[list].as_array().unwrap().iter().map(|row| row["total_requests"].as_u64().unwrap()).sum();
        assert_eq!(total, 4, "{list}");
    }
}
