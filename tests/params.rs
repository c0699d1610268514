//! What the operator adds to requests, and the time limits of a name of one's own.

use http::Method;
use llm_gateway::demo::{Fault, Provider, ProviderOptions, Script};
use serde_json::{Value, json};

use super::harness::gateway::{Rig, start_on};

const BLOCKS: &str = r#"
[[providers]]
id = "one"
provider_type = "openai_compatible"
api_key = "sk-test-one"
base_url = "{upstream}/v1"
models = ["gpt-4o", "gpt-4o-mini"]
api_params = { temperature = 0.5, top_p = 1 }
model_params = { "gpt-4o" = { top_p = 0.25, seed = 3 } }

[[models]]
name = "chat"
targets = ["one/gpt-4o", { provider = "one", model = "gpt-4o-mini", params = { user = "mini", response_format = { type = "text" } } }]
params = { user = "chat", response_format = { strict = true } }
first_token_timeout = 0.3
"#;

async fn rig() -> Rig {
    start_on(Provider::spawn(ProviderOptions::default()).await.unwrap(), BLOCKS, "").await
}

async fn seen(rig: &Rig, path: &str, body: &'static str) -> String {
    rig.client().send(Method::POST, path, Some(body.into())).await;
    String::from_utf8(rig.upstream.ledger().last().unwrap().body.to_vec()).unwrap()
}

#[tokio::test]
async fn a_request_is_given_what_it_does_not_state_and_nothing_else_changes() {
    let rig = rig().await;
    const CHAT: &str = "/v1/chat/completions";
    for (body, expected) in [
        (
            "{ \"model\" : \"gpt-4o-mini\",\n\"messages\":[ ] }",
            "{\"temperature\":0.5,\"top_p\":1, \"model\" : \"gpt-4o-mini\",\n\"messages\":[ ] }",
        ),
        (
            "{\"model\":\"gpt-4o\",\"temperature\":null,\"messages\":[]}",
            "{\"seed\":3,\"top_p\":0.25,\"model\":\"gpt-4o\",\"temperature\":null,\"messages\":[]}",
        ),
        (
            "{\"model\":\"chat\",\"seed\":1,\"response_format\":{\"a\":1},\"messages\":[]}",
            "{\"temperature\":0.5,\"top_p\":0.25,\"user\":\"chat\",\"model\":\"gpt-4o\",\"seed\":1,\"response_format\":{\"strict\":true,\"a\":1},\"messages\":[]}",
        ),
    ] {
        assert_eq!(seen(&rig, CHAT, body).await, expected);
    }
    rig.upstream.script(Script::fault(Fault::Refused { status: 404, retry_after_secs: None }));
    let mini = seen(&rig, CHAT, "{\"model\":\"chat\",\"messages\":[]}").await;
    assert_eq!(
        mini,
        "{\"response_format\":{\"strict\":true,\"type\":\"text\"},\"temperature\":0.5,\"top_p\":1,\"user\":\"mini\",\"model\":\"gpt-4o-mini\",\"messages\":[]}",
        "the second target's own go over those of the name"
    );
    let plain = "{\"model\":\"gpt-4o\",\"input\":\"x\"}";
    assert_eq!(seen(&rig, "/v1/moderations", plain).await, plain, "what does not generate takes none");
}

#[tokio::test]
async fn a_name_of_ones_own_has_its_own_patience() {
    let rig = rig().await;
    rig.upstream.script(Script { latency_ms: Some(1_500), ..Script::default() });
    let body = "{\"model\":\"chat\",\"stream\":true,\"messages\":[]}";
    let answer = rig.client().send(Method::POST, "/v1/chat/completions", Some(body.into())).await;
    assert_eq!((answer.status.as_u16(), answer.headers["x-gateway-attempts"].to_str().unwrap()), (200, "2"));
    rig.upstream.script(Script { latency_ms: Some(1_500), ..Script::default() });
    let body = "{\"model\":\"gpt-4o\",\"stream\":true,\"messages\":[]}";
    let answer = rig.client().send(Method::POST, "/v1/chat/completions", Some(body.into())).await;
    assert_eq!((answer.status.as_u16(), answer.headers["x-gateway-attempts"].to_str().unwrap()), (200, "1"));
}

#[tokio::test]
async fn a_provider_that_is_added_over_the_api_has_limits_and_parameters_too() {
    let mut rig = rig().await;
    let client = rig.client();
    let limits = json!({"requests_per_hour": 3});
    let new = json!({
        "id": "lab", "provider_type": "local", "endpoint": rig.upstream.url(), "limits": limits,
        "api_params": {"temperature": 0.5}, "model_params": {"m": {"top_p": 0.25}},
    });
    let shown = client.post("/v1/providers", &new).await.expect(201);
    assert_eq!((&shown["limits"], &shown["api_params"]), (&limits, &json!({"temperature": 0.5})));
    assert_eq!(shown["model_params"], json!({"m": {"top_p": 0.25}}));
    let ask = r#"{"model":"lab/m","messages":[]}"#;
    let told = r#"{"temperature":0.5,"top_p":0.25,"model":"m","messages":[]}"#;
    assert_eq!(seen(&rig, "/v1/chat/completions", ask).await, told);
    // They outlive the process, and a change that does not speak of them.
    rig.restart().await;
    let client = rig.client();
    client.patch("/v1/providers/lab", &json!({"priority": 7})).await.expect(200);
    assert_eq!(seen(&rig, "/v1/chat/completions", ask).await, told);
    client.patch("/v1/providers/lab", &json!({"model_params": null, "api_params": {"seed": 1}})).await.expect(200);
    assert_eq!(seen(&rig, "/v1/chat/completions", ask).await, r#"{"seed":1,"model":"m","messages":[]}"#);
    assert_eq!(seen(&rig, "/v1/chat/completions", ask).await, r#"{"seed":1,"model":"m","messages":[]}"#);
    let refused = client.send(Method::POST, "/v1/chat/completions", Some(ask.into())).await;
    assert_eq!(refused.code(429), "rate_limit_exceeded");
    let shown = client.patch("/v1/providers/lab", &json!({"limits": null})).await.expect(200);
    assert_eq!((&shown["limits"], &shown["model_params"]), (&Value::Null, &json!({})));
    client.send(Method::POST, "/v1/chat/completions", Some(ask.into())).await.expect(200);

    for (wrong, param) in [
        (json!({"limits": {"requests_per_hour": -1}}), "limits.requests_per_hour"),
        (json!({"limits": {"requests_per_hour": 1, "algorithm": "leaky"}}), "limits"),
        (json!({"api_params": {"model": "other"}}), "api_params"),
        (json!({"model_params": {"m": 1}}), "model_params"),
    ] {
        let answer = client.patch("/v1/providers/lab", &wrong).await;
        assert_eq!(answer.expect(400)["error"]["param"], param, "{wrong}");
    }
    let audit = client.get("/v1/audit?action=provider.update").await.expect(200);
    let is_told = |row: &Value| row["changes"]["limits"] == json!({"from": limits, "to": null});
    assert!(audit["data"].as_array().unwrap().iter().any(is_told), "{audit:#}");
}
