//! Where a request goes, under whose key, with which headers: Azure, local servers, virtual keys, further paths.

use http::Method;
use llm_gateway::demo::{Provider, ProviderOptions, Script};
use serde_json::json;

use super::harness::gateway::{OPENAI_KEY, start, start_on, start_with};

fn chat(model: &str) -> serde_json::Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Hello"}]})
}

#[tokio::test]
async fn azure_local_compatible_and_passthrough_providers_are_called_as_they_want() {
    let providers = r#"
[[providers]]
id = "azure"
provider_type = "azure_openai"
api_key = "test-azure-key"
endpoint = "{upstream}"
deployment = "my-gpt"
api_version = "2024-10-21"
[[providers]]
id = "local"
provider_type = "local"
endpoint = "{upstream}"
[[providers]]
id = "compat"
provider_type = "openai_compatible"
api_key = "test-compat-key"
base_url = "{upstream}/api/v3"
[[providers]]
id = "through"
provider_type = "openai"
api_key = "passthrough"
base_url = "{upstream}/v1"
"#;
    let upstream = Provider::spawn(ProviderOptions::default()).await.unwrap();
    let rig = start_on(upstream, providers, "").await;
    let cases = [
        (
            "azure/gpt-4o",
            "/openai/deployments/my-gpt/chat/completions",
            Some("api-version=2024-10-21"),
            "api-key",
            Some("test-azure-key"),
        ),
        ("local/llama3:8b", "/v1/chat/completions", None, "authorization", None),
        ("compat/x/y", "/api/v3/chat/completions", None, "authorization", Some("Bearer test-compat-key")),
        ("through/gpt-4o", "/v1/chat/completions", None, "authorization", Some("Bearer sk-test-own-key")),
    ];
    for (model, path, query, name, credential) in cases {
        let client = rig.client().with("authorization", "Bearer sk-test-own-key");
        rig.upstream.script(Script::answer(200, "{}"));
        let answer = client.post("/v1/chat/completions", &chat(model)).await;
        assert_eq!(answer.status, 200, "{model}: {}", answer.text());
        let call = rig.upstream.ledger().last().unwrap();
        assert_eq!((call.path.as_str(), call.query.as_deref()), (path, query), "{model}");
        assert_eq!(call.header(name), credential, "{model}");
        let (provider, bare) = model.split_once('/').unwrap();
        assert_eq!(call.json().unwrap()["model"], bare);
        assert_eq!(answer.headers["x-gateway-provider"], provider);
        assert_eq!(answer.headers["x-gateway-model"], bare);
        assert_eq!(answer.headers["x-gateway-attempts"], "1");
    }
    rig.upstream.always(Some(Script::answer(200, r#"{"object":"list","data":[{"id":"llama3:8b"}]}"#)));
    let list = rig.client().get("/v1/models").await.expect(200);
    let live = list["data"].as_array().unwrap().iter().find(|model| model["id"] == "llama3:8b").unwrap().clone();
    assert_eq!(live["provider"], "local");
    assert_eq!(rig.upstream.ledger().last().unwrap().path, "/v1/models");
}

#[tokio::test]
async fn a_mapped_key_brings_its_own_provider_key_and_its_limits() {
    let rig = start_with(
        r#"
[key_map.team-test-key]
label = "Team Alpha"
openai_key = "sk-test-alpha"
allowed_models = ["gpt-4o"]
allowed_providers = ["openai"]
"#,
    )
    .await;
    for (name, value) in [("authorization", "Bearer team-test-key"), ("x-api-key", "team-test-key")] {
        let answer = rig.client().with(name, value).post("/v1/chat/completions", &chat("gpt-4o")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(rig.upstream.ledger().last().unwrap().credential(), Some("sk-test-alpha"));
    }
    assert_eq!(rig.records_when(2).await[0]["key_label"], "Team Alpha");
    let client = rig.client().with("x-api-key", "team-test-key");
    assert_eq!(client.post("/v1/chat/completions", &chat("gpt-4o-mini")).await.code(403), "permission_denied");
    let answer = client.post("/v1/messages", &chat("claude-sonnet-4-20250514")).await;
    // A provider that the key may not use is not there for it.
    assert_eq!(answer.status, 404, "{}", answer.text());
    let list = client.get("/v1/models").await.expect(200);
    let ids: Vec<_> = list["data"].as_array().unwrap().iter().map(|model| model["id"].clone()).collect();
    assert_eq!(ids, ["gpt-4o"]);
    let two = client.with("authorization", "Bearer other").post("/v1/chat/completions", &chat("gpt-4o")).await;
    assert_eq!(two.code(400), "conflicting_credentials");
    assert_eq!(rig.upstream.ledger().counts().calls, 2);
}

#[tokio::test]
async fn a_revoked_key_is_refused_from_the_next_request_on() {
    let rig = start_with("[auth]\nrequire_key = true\n").await;
    assert_eq!(rig.client().post("/v1/chat/completions", &chat("gpt-4o")).await.code(401), "authentication");
    let made = rig.client().post("/v1/keys", &json!({"label": "t"})).await;
    assert!(made.status.is_success(), "{}", made.text());
    let made = made.json();
    let client = rig.client().with("x-api-key", made["secret"].as_str().unwrap());
    assert_eq!(client.post("/v1/chat/completions", &chat("gpt-4o")).await.status, 200);
    assert_eq!(rig.upstream.ledger().last().unwrap().credential(), Some(OPENAI_KEY));
    let gone = rig.client().delete(&format!("/v1/keys/{}", made["id"].as_str().unwrap())).await;
    assert!(gone.status.is_success(), "{}", gone.text());
    assert_eq!(client.post("/v1/chat/completions", &chat("gpt-4o")).await.code(401), "authentication");
}

#[tokio::test]
async fn further_paths_are_forwarded_as_they_are_and_recorded() {
    let rig = start().await;
    let table = [
        (Method::POST, "/v1/images/generations", r#"{"model":"dall-e-3", "prompt":"x"}"#),
        (Method::POST, "/v1/audio/speech", r#"{"model":"tts-1", "input":"x"}"#),
        (Method::GET, "/v1/files?limit=2", ""),
        (Method::GET, "/v1/files/file-a/content", ""),
        (Method::DELETE, "/v1/files/file-a", ""),
        (Method::POST, "/v1/batches", r#"{"input_file_id":"file-a"}"#),
        (Method::POST, "/v1/batches/b/cancel", ""),
        (Method::POST, "/v1/rerank", r#"{"model":"openai/rerank-1","query":"x"}"#),
        (Method::POST, "/v1/moderations", r#"{"input":"x"}"#),
    ];
    let count = table.len();
    for (method, path, body) in table {
        rig.upstream.script(Script::answer(200, r#"{ "ok" : 1.0 }"#));
        let sent = (!body.is_empty()).then(|| body.into());
        let answer = rig.client().with("x-provider", "openai").send(method.clone(), path, sent).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(answer.text(), r#"{ "ok" : 1.0 }"#);
        let call = rig.upstream.ledger().last().unwrap();
        assert_eq!(call.method, method.as_str());
        assert_eq!(call.query.as_ref().map_or(call.path.clone(), |query| format!("{}?{query}", call.path)), path);
        assert_eq!(String::from_utf8_lossy(&call.body), body.replace("openai/", ""));
        assert_eq!(call.header("x-provider"), None);
    }
    let form = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n\u{1}\u{0}RIFF\r\n--b--\r\n";
    rig.upstream.script(Script::answer(200, r#"{"text":"x"}"#));
    let client = rig.client().with("content-type", "multipart/form-data; boundary=b");
    let answer = client.send(Method::POST, "/v1/audio/transcriptions", Some(form.into())).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(rig.upstream.ledger().last().unwrap().body, form);
    let records = rig.records_when(count + 1).await;
    assert_eq!(records[0]["model"], "whisper-1");
    assert!(records.iter().all(|record| record["outcome"] == "ok"), "{records:#?}");
    assert_eq!(rig.client().get("/v1/unheard-of").await.status, 404);
}

#[tokio::test]
async fn headers_that_belong_to_one_connection_or_one_host_end_at_the_gateway() {
    let rig = start().await;
    let mut script = Script::answer(200, "{}");
    for (name, value) in [
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("set-cookie", "a=b"),
        ("access-control-allow-origin", "*"),
        ("access-control-allow-private-network", "true"),
        ("strict-transport-security", "max-age=1"),
        ("clear-site-data", "*"),
        ("x-gateway-cost-microcents", "1"),
        ("x-request-id", "req_theirs"),
        ("openai-processing-ms", "5"),
    ] {
        script = script.with_header(name, value);
    }
    rig.upstream.script(script);
    let client = rig
        .client()
        .with("connection", "x-mine")
        .with("x-mine", "1")
        .with("te", "trailers")
        .with("cookie", "c=d")
        .with("x-request-id", "mine-1")
        .with("x-tags", "a=b")
        .with("openai-organization", "org")
        .with("x-api-key", "not-needed");
    let answer = client.post("/v1/chat/completions", &chat("gpt-4o")).await;
    let call = rig.upstream.ledger().last().unwrap();
    for name in ["x-mine", "te", "cookie", "x-request-id", "x-tags", "x-api-key"] {
        assert_eq!(call.header(name), None, "{name}");
    }
    assert_eq!(call.header("openai-organization"), Some("org"));
    for name in [
        "x-hop",
        "set-cookie",
        "access-control-allow-origin",
        "access-control-allow-private-network",
        "strict-transport-security",
        "clear-site-data",
        "x-gateway-cost-microcents",
    ] {
        assert!(!answer.headers.contains_key(name), "{name}");
    }
    assert_eq!(answer.headers["x-request-id"], "mine-1");
    assert_eq!(answer.headers["openai-processing-ms"], "5");
    assert_eq!(rig.only_record().await["provider_request_id"], "req_theirs");
}

#[tokio::test]
async fn models_are_listed_in_the_shape_of_each_api() {
    let rig = start().await;
    let list = rig.client().get("/v1/models").await.expect(200);
    assert_eq!(list["object"], "list");
    assert!(
        list["data"]
            .as_array()
            .unwrap()
            .iter()
            .all(|model| model["provider"].is_string() && model["owned_by"].is_string())
    );
    let list = rig.client().with("anthropic-version", "2023-06-01").get("/v1/models").await.expect(200);
    assert!(list["has_more"].is_boolean(), "{list:#}");
    assert!(rig.client().get("/v1beta/models").await.expect(200)["models"].is_array());
    assert!(rig.client().get("/api/tags").await.expect(200)["models"].is_array());
    assert!(rig.records().await.is_empty());
}
