//! Same API on both sides: what the provider sends is what the client gets, and one true record is kept.

use llm_gateway::demo::Script;
use serde_json::json;

use super::harness::gateway::{OPENAI_KEY, start};

#[tokio::test]
async fn a_chat_stream_is_relayed_and_recorded_with_tokens_cost_and_ttft() {
    let rig = start().await;
    let answer = rig
        .client()
        .with("x-project", "my-project")
        .with("x-source", "my-tool")
        .post(
            "/v1/chat/completions",
            &json!({"model": "gpt-4o", "stream": true, "messages": [{"role": "user", "content": "Hello"}]}),
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().ends_with("data: [DONE]\n\n"), "{}", answer.text());
    assert!(!answer.text().contains("\"usage\":{"), "the client did not ask for usage: {}", answer.text());
    let record = rig.only_record().await;
    assert_eq!(record["project"], "my-project");
    assert_eq!(record["source"], "my-tool");
    assert_eq!(record["provider"], "openai");
    assert_eq!(record["status"], 200);
    assert_eq!(record["outcome"], "ok");
    assert_eq!(record["stream"], true);
    assert_eq!(record["usage_estimated"], false);
    for known in ["input_tokens", "output_tokens", "cost_microcents", "ttft_ms", "latency_ms", "price_version"] {
        assert!(!record[known].is_null(), "{known} is unknown: {record:#}");
    }
    assert_eq!(record["attempts"], 1);
    assert_eq!(record["attempt_rows"][0]["provider"], "openai");
    assert_eq!(answer.headers["x-gateway-record"], record["id"].as_str().unwrap());
    let call = rig.upstream.ledger().last().unwrap();
    assert_eq!(call.header("authorization"), Some(format!("Bearer {OPENAI_KEY}").as_str()));
    assert_eq!(call.header("x-project"), None);
}

#[tokio::test]
async fn a_stream_that_asks_for_usage_is_byte_equal() {
    let rig = start().await;
    let chunks = [
        "data: {\"id\":\"a\",\"choices\":[{\"delta\":{\"content\":\"h\\u00e9\"}}]}\n\n: comment\n\n",
        "data: [DONE]\n\n",
    ];
    rig.upstream.script(Script::stream(chunks));
    let body = r#"{ "model" : "gpt-4o", "stream":true,"stream_options":{"include_usage":true},"messages":[],"x":1.0}"#;
    let answer = rig.client().send(http::Method::POST, "/v1/chat/completions", Some(body.into())).await;
    assert_eq!(answer.text(), chunks.concat());
    assert_eq!(rig.upstream.ledger().last().unwrap().body, body.as_bytes());
}
