//! The task endpoints: every example of the earlier gateway's readme, with the same shapes and field names.

use llm_gateway::demo::{Payload, Provider, ProviderOptions, Script};
use serde_json::{Value, json};

use super::harness::gateway::{Rig, start_on};

/// Three of the readme's providers, as its environment variables would bring them, and its order.
const PROVIDERS: &str = r#"
[[providers]]
id = "deepseek"
provider_type = "openai_compatible"
api_key = "sk-test-d"
base_url = "{upstream}/v1"
default_model = "deepseek-chat"
pricing = { input = "0.27", output = "1.1" }
priority = 1

[[providers]]
id = "openai"
provider_type = "openai"
api_key = "sk-test-o"
base_url = "{upstream}/v1"
default_model = "gpt-4o-mini"
priority = 2

[[providers]]
id = "anthropic"
provider_type = "anthropic"
api_key = "sk-ant-test"
base_url = "{upstream}"
default_model = "claude-3-5-sonnet-20241022"
priority = 3
"#;

async fn start(more: &str) -> Rig {
    let upstream = Provider::spawn(ProviderOptions::default()).await.unwrap();
    start_on(upstream, PROVIDERS, more).await
}

/// A provider's chat answer with this text.
fn says(text: &str) -> Script {
    let body = json!({"id": "c", "object": "chat.completion", "model": "deepseek-chat", "choices": [{"index": 0,
        "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}});
    Script::answer(200, body.to_string())
}

fn down(status: u16) -> Script {
    let body = r#"{"error":{"message":"no luck","type":"server_error"}}"#;
    Script { status: Some(status), body: Some(Payload::Text(body.into())), ..Script::default() }
}

fn assert_log(log: &Value, provider: &str, model: &str) {
    let names: Vec<&String> = log.as_object().unwrap().keys().collect();
    let wanted =
        ["completion_tokens", "cost_microcents", "latency_ms", "model", "prompt_tokens", "provider", "success"];
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!(sorted, wanted, "{log}");
    assert_eq!((&log["provider"], &log["model"], &log["success"]), (&json!(provider), &json!(model), &json!(true)));
    assert!(log["latency_ms"].is_u64() && log["cost_microcents"].is_i64(), "{log}");
}

#[tokio::test]
async fn classify_and_plan_answer_as_the_readme_shows() {
    let rig = start("").await;
    let sorted = json!({"owned": [{"subdomain": "app.example.com", "category": "owned"}], "third_party": []});
    rig.upstream
        .script(says(&format!("Here:\n```json\n{{\"owned\": {}, \"third_party\": [],}}\n```", sorted["owned"])));
    let ask = json!({"prompt": "Classify these items: ...", "model": "deepseek-chat"});
    let told = rig.client().post("/api/v1.0/classify", &ask).await.expect(200);
    assert_eq!(told["classification"], sorted);
    assert_log(&told["ai_call_log"], "deepseek", "deepseek-chat");
    let log = &told["ai_call_log"];
    assert_eq!((&log["prompt_tokens"], &log["completion_tokens"]), (&json!(100), &json!(50)));
    // 100 × 0.27 + 50 × 1.1 USD per million, in units of 10⁻⁸ USD.
    assert_eq!(log["cost_microcents"], 8_200);
    let sent = rig.upstream.ledger().last().unwrap().json().unwrap();
    assert_eq!(sent["response_format"], json!({"type": "json_object"}), "{sent}");
    assert_eq!((&sent["model"], &sent["messages"][1]["content"]), (&json!("deepseek-chat"), &ask["prompt"]));

    rig.upstream.script(says(r#"{"assessment": "needs_followup", "probes": []}"#));
    let ask = json!({"context": {"task": "...", "constraints": []}, "system_prompt": "You are a planner. Return JSON.",
        "model": "deepseek-chat"});
    let told = rig.client().post("/api/v1.0/plan", &ask).await.expect(200);
    assert_eq!(told["plan"], json!({"assessment": "needs_followup", "probes": []}));
    assert_log(&told["ai_call_log"], "deepseek", "deepseek-chat");
    let sent = rig.upstream.ledger().last().unwrap().json().unwrap();
    assert_eq!(sent["messages"][0], json!({"role": "system", "content": "You are a planner. Return JSON."}));
    let context: Value = serde_json::from_str(sent["messages"][1]["content"].as_str().unwrap()).unwrap();
    assert_eq!(context, ask["context"]);
    let records = rig.records_when(2).await;
    assert_eq!((&records[0]["endpoint"], &records[1]["endpoint"]), (&json!("plan"), &json!("classify")));
    assert_eq!((&records[1]["cost_microcents"], &records[1]["outcome"]), (&json!(8_200), &json!("ok")));
}

#[tokio::test]
async fn embed_answers_as_the_readme_shows() {
    let rig = start("").await;
    for (text, count) in [(json!("text to embed"), 1), (json!(["a", "b"]), 2)] {
        let told = rig.client().post("/api/v1.0/embed", &json!({"text": text})).await.expect(200);
        let vectors = told["embeddings"].as_array().unwrap();
        assert_eq!(vectors.len(), count);
        assert_eq!(told["dimensions"], vectors[0].as_array().unwrap().len());
        assert!(vectors[0][0].is_number(), "{told}");
        assert_eq!(told["model"], "text-embedding-ada-002");
        assert_log(&told["ai_call_log"], "openai", "text-embedding-ada-002");
        assert_eq!(told["ai_call_log"]["completion_tokens"], 0);
        assert!(told["ai_call_log"]["prompt_tokens"].as_u64().unwrap() > 0);
    }
    assert_eq!(rig.records_when(2).await[0]["endpoint"], "embed");
}

#[tokio::test]
async fn chat_answers_as_the_readme_shows() {
    let rig = start("").await;
    let ask = json!({"model": "deepseek-chat", "messages": [{"role": "user", "content": "Hello"}]});
    let told = rig.client().post("/api/v1.0/chat/completions", &ask).await.expect(200);
    let message = &told["choices"][0]["message"];
    assert!(message["content"].is_string() && message["role"] == "assistant", "{told}");
    assert!(message.get("reasoning_content").is_some_and(Value::is_null), "{told}");
    assert!(message.get("tool_calls").is_some_and(Value::is_null), "{told}");
    assert_eq!((&told["choices"][0]["finish_reason"], &told["choices"][0]["index"]), (&json!("stop"), &json!(0)));
    assert!(told["usage"]["total_tokens"].is_u64() && told["model"].is_string(), "{told}");
    let tools = json!([{"type": "function", "function": {"name": "run_nmap", "description": "Run nmap scan",
        "parameters": {"type": "object", "properties": {"target": {"type": "string"}}}}}]);
    for model in ["deepseek-chat", "anthropic/claude-3-5-sonnet-20241022"] {
        let ask =
            json!({"model": model, "messages": [{"role": "user", "content": "scan 192.168.1.1"}], "tools": tools});
        let told = rig.client().post("/api/v1.0/chat/completions", &ask).await.expect(200);
        let call = &told["choices"][0]["message"]["tool_calls"][0];
        assert_eq!((&call["type"], &call["function"]["name"]), (&json!("function"), &json!("run_nmap")), "{told}");
        assert!(call["id"].is_string() && call["function"]["arguments"].is_string());
        assert_eq!(told["choices"][0]["finish_reason"], "tool_calls");
    }
    let ask = json!({"messages": [{"role": "user", "content": "Hello"}], "stream": true});
    let streamed = rig.client().post("/api/v1.0/chat/completions", &ask).await;
    assert!(streamed.text().ends_with("data: [DONE]\n\n"), "{}", streamed.text());
    assert_eq!(streamed.headers["x-gateway-provider"], "deepseek");
}

#[tokio::test]
async fn health_tells_the_providers_in_their_order() {
    let rig = start("").await;
    let told = rig.client().get("/api/v1.0/health").await.expect(200);
    assert_eq!(
        told,
        json!({"status": "healthy", "embeddings_available": true, "providers": [
            {"name": "deepseek", "model": "deepseek-chat"}, {"name": "openai", "model": "gpt-4o-mini"},
            {"name": "anthropic", "model": "claude-3-5-sonnet-20241022"}]})
    );
}

#[tokio::test]
async fn the_cheapest_is_asked_first_and_the_next_when_it_fails() {
    for model in [None, Some("default")] {
        let rig = start("").await;
        rig.upstream.script(down(503));
        rig.upstream.script(down(500));
        rig.upstream.script(Script { body: Some(Payload::Text(
            r#"{"id":"m","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":"{\"a\": 1}"}],"stop_reason":"end_turn","usage":{"input_tokens":7,"output_tokens":3}}"#.into())),
            headers: vec![("content-type".into(), "application/json".into())], ..Script::default() });
        let told = rig.client().post("/api/v1.0/classify", &json!({"prompt": "x", "model": model})).await;
        assert_eq!(told.headers["x-gateway-failures"], "deepseek upstream_error 503, openai upstream_error 500");
        let told = told.expect(200);
        assert_eq!(told["classification"], json!({"a": 1}));
        assert_log(&told["ai_call_log"], "anthropic", "claude-3-5-sonnet-20241022");
        let asked: Vec<Value> = rig.upstream.ledger().calls().iter().map(|call| call.json().unwrap()).collect();
        let models: Vec<&str> = asked.iter().map(|body| body["model"].as_str().unwrap()).collect();
        assert_eq!(models, ["deepseek-chat", "gpt-4o-mini", "claude-3-5-sonnet-20241022"]);
        // Anthropic has no word for JSON mode.
        assert!(asked[1]["response_format"].is_object() && asked[2].get("response_format").is_none(), "{asked:#?}");
    }
}

#[tokio::test]
async fn a_provider_without_json_mode_is_not_asked_for_it() {
    let upstream = Provider::spawn(ProviderOptions::default()).await.unwrap();
    let without = PROVIDERS.replacen("priority = 1\n", "priority = 1\nfeatures = { json_mode = false }\n", 1);
    let rig = start_on(upstream, &without, "").await;
    rig.upstream.script(says("[1]"));
    rig.client().post("/api/v1.0/classify", &json!({"prompt": "x"})).await.expect(200);
    assert!(rig.upstream.ledger().last().unwrap().json().unwrap().get("response_format").is_none());
}

#[tokio::test]
async fn when_all_fail_each_is_named_with_its_reason() {
    let rig = start("").await;
    for (path, ask) in [
        ("/api/v1.0/classify", json!({"prompt": "x"})),
        ("/api/v1.0/plan", json!({"context": {}, "system_prompt": "x"})),
        ("/api/v1.0/chat/completions", json!({"messages": [{"role": "user", "content": "x"}]})),
    ] {
        for _ in 0..3 {
            rig.upstream.script(down(500));
        }
        let told = rig.client().post(path, &ask).await.expect(500);
        assert_eq!(
            told,
            json!({"detail": "All providers failed:\ndeepseek: upstream_error 500\nopenai: upstream_error 500\n\
                              anthropic: upstream_error 500: no luck"}),
            "{path}"
        );
    }
    assert!(rig.records_when(3).await.iter().all(|record| record["attempts"] == 3 && record["outcome"] == "error"));
    rig.upstream.script(says("I would rather not."));
    let told = rig.client().post("/api/v1.0/classify", &json!({"prompt": "x", "model": "deepseek-chat"})).await;
    assert_eq!(told.expect(500)["detail"], "All providers failed:\ndeepseek: its answer holds no JSON");
}

#[tokio::test]
async fn the_old_paths_answer_and_say_that_they_are_old() {
    let rig = start("").await;
    rig.upstream.script(says("{}"));
    rig.upstream.script(says("{}"));
    for (path, ask, field) in [
        ("classify", json!({"prompt": "x"}), "classification"),
        ("plan", json!({"context": {}, "system_prompt": "x"}), "plan"),
        ("embed", json!({"text": "x"}), "embeddings"),
    ] {
        let told = rig.client().post(&format!("/{path}"), &ask).await;
        assert_eq!(told.headers["deprecation"], "@1767225600");
        assert_eq!(told.headers["link"], format!("</api/v1.0/{path}>; rel=\"successor-version\""));
        assert!(told.expect(200).get(field).is_some());
        let told = rig.client().post(&format!("/api/v1.0/{path}"), &json!({})).await;
        assert!(!told.headers.contains_key("deprecation"));
    }
}

#[tokio::test]
async fn what_is_refused_says_why_and_is_recorded() {
    let rig = start("[auth]\nrequire_key = true\n[key_map.team-test-key]\nlabel = \"A\"\n").await;
    let told = rig.client().post("/api/v1.0/classify", &json!({"prompt": "x"})).await.expect(401);
    assert_eq!(told["code"], "authentication");
    assert!(told["detail"].is_string(), "{told}");
    let client = rig.client().with("x-api-key", "team-test-key").with("x-project", "p");
    let told = client.post("/api/v1.0/classify", &json!({"promt": "x"})).await.expect(400);
    assert!(told["code"] == "invalid_request" && told["detail"].as_str().unwrap().contains("prompt"), "{told}");
    let told = client.post("/api/v1.0/embed", &json!({"text": "x", "model": "nobody-has-this"})).await;
    assert!(told.status.is_client_error() || told.status.is_success(), "{}", told.text());
    let records = rig.records_when(3).await;
    assert_eq!((&records[1]["error_kind"], &records[1]["project"]), (&json!("invalid_request"), &json!("p")));
    assert_eq!((&records[1]["key_label"], &records[1]["endpoint"]), (&json!("A"), &json!("classify")));
    assert_eq!(records[2]["error_kind"], "authentication");
}

#[tokio::test]
async fn a_task_is_sanitized_like_any_request() {
    let rig = start("[sanitization]\nenabled = true\nredact_pii = true\n").await;
    rig.upstream.script(says("{}"));
    let ask = json!({"context": {"who": "ann.smith@corp.example"}, "system_prompt": "x"});
    rig.client().post("/api/v1.0/plan", &ask).await.expect(200);
    let sent = rig.upstream.ledger().last().unwrap();
    assert!(!String::from_utf8_lossy(&sent.body).contains("ann.smith"));
}
