//! The plugins that the gateway brings along, each end to end.

use serde_json::{Value, json};

use super::{chat_reply, chat_stream, said};
use crate::harness::{
    client::Client,
    gateway::{start, start_with},
};
use llm_gateway::{
    Gateway,
    config::LoadOptions,
    demo::{Fault, Provider, ProviderOptions, Script},
};

/// The example of the plugin gateway, in our words.
const SEED: &str = r#"
[[models]]
name = "gpt-std"
targets = [{ provider = "openai", model = "gpt-4.1" }]

[[models]]
name = "gpt-mini"
targets = [{ provider = "openai", model = "gpt-4.1-mini" }]

[[projects]]
name = "test"
description = "Test project"
plugins = [{ name = "router", type = "model-router", config = { model = "gpt-std", fallbacks = ["gpt-mini"] } }]
"#;

fn hello(stream: bool) -> Value {
    json!({
        "model": "claude-sonnet-4-20250514", "stream": stream, "max_tokens": 100,
        "messages": [{"role": "user", "content": "Hello, world!"}]
    })
}

#[tokio::test]
async fn an_anthropic_client_of_a_project_is_served_by_an_openai_model_and_by_the_next_when_it_fails() {
    let rig = start_with(SEED).await;
    let client = rig.client().with("authorization", "Bearer nothing");
    rig.upstream.script(chat_reply("Hello! How can I assist you today?"));
    let answer = client.post("/test/anthropic/v1/messages", &hello(false)).await;
    assert_eq!(answer.headers["x-gateway-model"], "gpt-4.1");
    let body = answer.expect(200);
    assert_eq!((&body["type"], &body["role"]), (&json!("message"), &json!("assistant")), "{body}");
    assert_eq!(body["content"], json!([{"type": "text", "text": "Hello! How can I assist you today?"}]));
    assert_eq!((&body["usage"]["input_tokens"], &body["usage"]["output_tokens"]), (&json!(11), &json!(9)));

    rig.upstream.script(Script::fault(Fault::Refused { status: 500, retry_after_secs: None }));
    rig.upstream.script(chat_reply("from the small one"));
    let answer = client.post("/test/anthropic/v1/messages", &hello(false)).await;
    assert_eq!(answer.headers["x-gateway-model"], "gpt-4.1-mini");
    assert_eq!(answer.headers["x-gateway-attempts"], "2");
    assert_eq!(answer.expect(200)["content"][0]["text"], "from the small one");
    let asked: Vec<Value> =
        rig.upstream.ledger().calls().iter().map(|sent| sent.json().unwrap()["model"].clone()).collect();
    assert_eq!(asked, ["gpt-4.1", "gpt-4.1", "gpt-4.1-mini"]);

    // Streams go the same way.
    rig.upstream.script(Script::fault(Fault::Refused { status: 500, retry_after_secs: None }));
    rig.upstream.script(chat_stream(&["Hel", "lo"]));
    let answer = client.post("/test/anthropic/v1/messages", &hello(true)).await;
    assert_eq!(said(&answer.text()), "Hello", "{}", answer.text());
    assert!(answer.text().contains("event: message_stop"), "{}", answer.text());

    // Who is of no project is not routed.
    let records = rig.records_when(3).await;
    assert!(records.iter().all(|record| record["model_requested"] == "claude-sonnet-4-20250514"), "{records:#?}");
    client.post("/v1/messages", &hello(false)).await.expect(200);
    assert_eq!(rig.upstream.ledger().last().unwrap().json().unwrap()["model"], "claude-sonnet-4-20250514");
}

#[tokio::test]
async fn a_request_that_no_plugin_touches_stays_byte_for_byte() {
    let rig = start_with(
        "[[plugins]]\ntype = \"logger\"\n[[plugins]]\ntype = \"regex-hider\"\n\
         config = { patterns = [{ pattern = \"never-there\" }] }\n",
    )
    .await;
    let body =
        "{ \"model\" :\"gpt-4o\",\n \"messages\": [ {\"role\":\"user\",\"content\":\"h\\u0069\"} ] , \"x\": 1.0 }";
    let answer = rig.client().send(http::Method::POST, "/v1/chat/completions", Some(body.into())).await;
    assert_eq!(answer.status, 200);
    assert_eq!(rig.upstream.ledger().last().unwrap().body, body);
}

#[tokio::test]
async fn the_router_may_name_the_very_model_that_is_asked() {
    let rig = start_with("[[plugins]]\ntype = \"model-router\"\nconfig = { model = \"gpt-4o-mini\" }\n").await;
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]});
    rig.client().post("/v1/chat/completions", &body).await.expect(200);
    assert_eq!(rig.upstream.ledger().last().unwrap().json().unwrap()["model"], "gpt-4o-mini");
}

#[tokio::test]
async fn only_listed_keys_pass_and_the_refusal_is_in_the_clients_words() {
    let rig = start_with(
        "[[plugins]]\nname = \"auth\"\ntype = \"basic-apikey-auth\"\nprojects = [\"closed\"]\n\
         config = { apikeys = [\"your-api-key-1\", \"your-api-key-2\"] }\n",
    )
    .await;
    let body = hello(false);
    let path = "/closed/anthropic/v1/messages";
    let none = rig.client().post(path, &body).await;
    assert_eq!(none.code(401), "authentication");
    let wrong = rig.client().with("x-api-key", "your-api-key-3").post(path, &body).await;
    assert_eq!(wrong.expect(401)["error"]["type"], "authentication_error");
    assert!(rig.upstream.ledger().calls().is_empty(), "nobody was asked");
    rig.client().with("x-api-key", "your-api-key-2").post(path, &body).await.expect(200);
    rig.client().with("authorization", "Bearer your-api-key-1").post(path, &body).await.expect(200);
    rig.client().post("/v1/messages", &body).await.expect(200);
    // Endpoints that are no conversation are guarded too.
    let embed = json!({"model": "text-embedding-3-small", "input": "x"});
    assert_eq!(rig.client().post("/closed/openai/v1/embeddings", &embed).await.code(401), "authentication");
    let sent = rig.upstream.ledger().last().unwrap();
    assert!(!format!("{sent:?}").contains("your-api-key"), "the key goes nowhere");
}

const HIDER: &str = r#"
[[projects]]
name = "pii"
plugins = [{ name = "pii-protection", type = "regex-hider", config = { applyTo = "response", patterns = [
    { pattern = "\\b\\d{3}-\\d{2}-\\d{4}\\b", replacement = "[REDACTED|SSN]" },
    { pattern = "[a-zA-Z0-9_.+-]+@[a-zA-Z0-9.-]+\\.[a-zA-Z0-9.]+", replacement = "$0 hidden" },
] } }]
"#;

#[tokio::test]
async fn hidden_text_is_replaced_in_answers_and_in_streams_however_they_are_cut() {
    let rig = start_with(HIDER).await;
    let ask = |stream: bool| {
        json!({"model": "gpt-4o", "stream": stream,
        "messages": [{"role": "user", "content": "my number is 123-45-6789"}]})
    };
    rig.upstream.script(chat_reply("it is 123-45-6789 of ann@corp.example, ok"));
    let body = rig.client().post("/pii/openai/v1/chat/completions", &ask(false)).await.expect(200);
    // A replacement is literal.
    assert_eq!(body["choices"][0]["message"]["content"], "it is [REDACTED|SSN] of $0 hidden, ok");
    assert_eq!(rig.upstream.ledger().last().unwrap().json().unwrap(), ask(false), "requests are not searched");

    let text = "it is 123-45-6789, and 987-65-4321, ok";
    for width in [1, 3, 7] {
        let pieces: Vec<String> =
            text.chars().collect::<Vec<_>>().chunks(width).map(|piece| piece.iter().collect()).collect();
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        rig.upstream.script(chat_stream(&pieces));
        let answer = rig.client().post("/pii/openai/v1/chat/completions", &ask(true)).await;
        assert_eq!(said(&answer.text()), "it is [REDACTED|SSN], and [REDACTED|SSN], ok", "{width}: {}", answer.text());
        rig.upstream.script(chat_stream(&pieces));
        let answer = rig
            .client()
            .post(
                "/pii/anthropic/v1/messages",
                &json!({"model": "openai/gpt-4o", "stream": true,
            "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}),
            )
            .await;
        assert_eq!(said(&answer.text()), "it is [REDACTED|SSN], and [REDACTED|SSN], ok", "{width}: {}", answer.text());
    }
    // Other projects are not searched.
    rig.upstream.script(chat_reply("123-45-6789"));
    let body = rig.client().post("/v1/chat/completions", &ask(false)).await.expect(200);
    assert_eq!(body["choices"][0]["message"]["content"], "123-45-6789");
}

#[tokio::test]
async fn prompts_are_put_into_requests_of_every_api_and_the_rest_stays() {
    let rig = start_with(
        "[[plugins]]\ntype = \"prompt-manager\"\nconfig = { prepend = \"Speak {{like}} ${a} pirate.\" }\n"
            .replace("${a}", "$${a}")
            .as_str(),
    )
    .await;
    let prompt = "Speak {{like}} ${a} pirate.";
    let user = json!([{"role": "user", "content": "Hello"}]);
    let calls = [
        ("/v1/chat/completions", json!({"model": "gpt-4o", "messages": user, "logit_bias": {"50256": -100}})),
        (
            "/v1/messages",
            json!({"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": user, "service_tier": "auto"}),
        ),
        (
            "/v1beta/models/gemini-2.5-flash:generateContent",
            json!({"contents": [{"parts": [{"text": "Hello"}]}], "safetySettings": []}),
        ),
        ("/api/chat", json!({"model": "llama3.2", "stream": false, "messages": user, "keep_alive": "5m"})),
        ("/api/generate", json!({"model": "llama3.2", "stream": false, "prompt": "Hello", "keep_alive": "5m"})),
    ];
    for (path, body) in calls {
        rig.client().post(path, &body).await.expect(200);
        let sent = rig.upstream.ledger().last().unwrap().json().unwrap();
        assert_eq!(sent.to_string().matches(&json!(prompt).to_string()).count(), 1, "{path}: {sent}");
        for (key, value) in body.as_object().unwrap() {
            if !["messages", "contents", "prompt"].contains(&key.as_str()) {
                assert_eq!(sent[key], *value, "{path}: {sent}");
            }
        }
    }
    let client = rig.client().post("/v1/embeddings", &json!({"model": "text-embedding-3-small", "input": "x"})).await;
    client.expect(200);
}

#[tokio::test]
async fn what_a_plugin_writes_passes_the_sanitizer_once_more_and_masks_come_back() {
    let rig = start_with(
        "[sanitization]\nenabled = true\nactions = { email = \"mask\" }\n\
         [[plugins]]\ntype = \"prompt-manager\"\nconfig = { append = \"Tell boss@corp.example of it.\" }\n",
    )
    .await;
    rig.upstream.script(Script { echo_chars: Some(400), ..Script::default() });
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "mail ann@corp.example"}]});
    let answer = rig.client().post("/v1/chat/completions", &body).await.expect(200);
    let sent = String::from_utf8_lossy(&rig.upstream.ledger().last().unwrap().body).into_owned();
    assert!(!sent.contains("corp.example"), "{sent}");
    assert_eq!(sent.matches("[EMAIL_").count(), 2, "{sent}");
    assert_eq!(answer["choices"][0]["message"]["content"], "mail ann@corp.example");
}

#[tokio::test]
async fn the_list_tells_what_runs_and_what_could() {
    let rig = start_with(SEED).await;
    rig.client().post("/test/anthropic/v1/messages", &hello(false)).await;
    let list = rig.client().get("/v1/plugins").await.expect(200);
    let list = list["data"].as_array().unwrap();
    let router = &list[0];
    assert_eq!((&router["name"], &router["project"]), (&json!("router"), &json!("test")));
    assert_eq!((&router["state"], &router["hooks"]), (&json!("running"), &json!(["before_model"])));
    assert_eq!(router["calls"], json!([{"hook": "before_model", "calls": 1, "failures": 0}]));
    assert_eq!(router["config_schema"]["required"], json!(["model"]));
    let logger = list.iter().find(|plugin| plugin["type"] == "logger").unwrap();
    assert_eq!((&logger["state"], &logger["name"]), (&json!("available"), &json!(null)));
    let metrics = rig.client().get("/metrics").await.text();
    assert!(metrics.contains("llm_gateway_plugin_calls_total{plugin=\"router\",hook=\"before_model\"}"));
}

#[tokio::test]
async fn a_chain_follows_the_order_the_project_and_the_key() {
    let rig = start_with(
        r#"
[key_map.team-a-key]
label = "team-a"
[[plugins]]
name = "router"
type = "model-router"
config = { model = "gpt-4o" }
[[plugins]]
name = "for-team-a"
type = "model-router"
keys = ["team-a"]
config = { model = "gpt-4.1" }
[[projects]]
name = "own"
plugins = [{ name = "router", type = "model-router", config = { model = "gpt-4o-mini" } }]
[[projects]]
name = "none"
plugins = [{ name = "router", type = "model-router", enabled = false, config = { model = "x" } }]
"#,
    )
    .await;
    let body = json!({"model": "gpt-3.5-turbo", "messages": [{"role": "user", "content": "x"}]});
    let table = [
        ("any", None, "gpt-4o"),
        ("own", None, "gpt-4o-mini"),
        ("none", None, "gpt-3.5-turbo"),
        ("any", Some("team-a-key"), "gpt-4.1"),
        ("none", Some("team-a-key"), "gpt-4.1"),
    ];
    for (project, key, model) in table {
        let mut client = rig.client().with("x-project", project);
        if let Some(key) = key {
            client = client.with("x-api-key", key);
        }
        client.post("/v1/chat/completions", &body).await.expect(200);
        let sent = rig.upstream.ledger().last().unwrap().json().unwrap();
        assert_eq!(sent["model"], model, "{project} {key:?}");
    }
}

#[test]
fn settings_that_do_not_fit_are_told_with_file_line_and_key() {
    let directory = tempfile::tempdir().unwrap();
    let toml = "[[plugins]]\ntype = \"model-router\"\n[plugins.config]\nfallbacks = [\"a\", 3]\n\
                [[plugins]]\ntype = \"regex-hider\"\n[plugins.config]\npatterns = [{ pattern = \"(\" }]\n\
                [[plugins]]\ntype = \"model-ruter\"\n";
    std::fs::write(directory.path().join("config.toml"), toml).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_llm-gateway"))
        .arg("check")
        .current_dir(directory.path())
        .env_clear()
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78), "{errors}");
    for expected in [
        "config.toml:3: plugins.config.model: is missing",
        "config.toml:4: plugins.config.fallbacks[1]: must be of type string",
        "config.toml:8: plugins.config.patterns[0].pattern:",
        "config.toml:9: plugins.type: there is no such plugin; did you mean \"model-router\"?",
    ] {
        assert!(errors.contains(expected), "{expected} is not in:\n{errors}");
    }
}

#[tokio::test]
async fn without_plugins_nothing_is_on_the_way() {
    let rig = start().await;
    assert!(rig.gateway.policy().chain_for(None, Some("any")).is_none());
    let silent = start_with(HIDER).await;
    assert!(silent.gateway.policy().chain_for(None, None).is_none());
    assert!(silent.gateway.policy().chain_for(None, Some("pii")).is_some_and(|chain| chain.is_silent()));
}

/// The seed's own file, on all addresses as it stands there, with what this gateway wants for that.
const SEED_YAML: &str = r#"
server:
  host: "0.0.0.0"
  port: 3000
auth:
  admin_token: "a-token-of-the-operators"
  require_key: false
models:
  - name: gpt-std
    isDefault: true
    provider:
      type: "openai"
      config:
        apiKey: "${OPENAI_API_KEY}"
        model: "gpt-4.1"
  - name: gpt-mini
    provider:
      type: "openai"
      config:
        apiKey: "${OPENAI_API_KEY}"
        model: "gpt-4.1-mini"
projects:
  - name: test
    description: "Test project"
    plugins:
      - name: "router"
        type: "model-router"
        config:
          model: "gpt-std"
          fallbacks:
            - "gpt-mini"
      - name: pii-protection
        type: regex-hider
        config:
          patterns:
            - pattern: "\\b\\d{3}-\\d{2}-\\d{4}\\b"
              replacement: "[REDACTED|SSN]"
          applyTo: "response"
availablePlugins:
  - module: "@nullplatform/llm-gateway-clickhouse-tracer-plugin"
monitoring:
  enabled: true
  health_check:
    endpoint: "/health"
logging:
  level: "info"
"#;

#[tokio::test]
async fn the_yaml_of_the_plugin_gateway_serves_as_it_did_there() {
    let upstream = Provider::spawn(ProviderOptions::default()).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    // What is added: where the provider is.
    let key = r#"apiKey: "${OPENAI_API_KEY}""#;
    let yaml = SEED_YAML.replace(key, &format!("{key}\n        baseUrl: \"{}/v1\"", upstream.url()));
    std::fs::write(directory.path().join("gateway.yaml"), yaml).unwrap();
    let env = [("OPENAI_API_KEY", "sk-test".to_owned()), ("LLM_GATEWAY_ROUTING__RETRIES", "0".to_owned())];
    let options = LoadOptions {
        config_path: Some("gateway.yaml".into()),
        port: None,
        working_dir: directory.path().to_owned(),
        env: env.map(|(name, value)| (name.to_owned(), value)).into(),
    };
    let config = llm_gateway::config::load(&options).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!((config.server.host.to_string().as_str(), config.server.port), ("0.0.0.0", 3000));
    let gateway = Gateway::from_config(config).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(listener.local_addr().unwrap()).with("authorization", "Bearer nothing");
    let stop = tokio_util::sync::CancellationToken::new();
    let serving = tokio::spawn(gateway.serve(listener, stop.clone()));
    upstream.script(Script::fault(Fault::Refused { status: 500, retry_after_secs: None }));
    upstream.script(chat_reply("I have 123-45-6789 on file"));
    let answer = client.post("/test/anthropic/v1/messages", &hello(false)).await.expect(200);
    assert_eq!(
        (&answer["type"], &answer["content"][0]["text"]),
        (&json!("message"), &json!("I have [REDACTED|SSN] on file"))
    );
    upstream.script(chat_stream(&["123-", "45-", "6789", "!"]));
    let answer = client.post("/test/anthropic/v1/messages", &hello(true)).await;
    assert_eq!(said(&answer.text()), "[REDACTED|SSN]!", "{}", answer.text());
    assert!(answer.text().contains("event: message_stop"), "{}", answer.text());
    let calls = upstream.ledger().calls();
    assert!(calls.iter().all(|call| call.path.ends_with("/v1/chat/completions")), "{calls:?}");
    let asked: Vec<Value> = calls.iter().map(|call| call.json().unwrap()["model"].clone()).collect();
    assert_eq!(asked, ["gpt-4.1", "gpt-4.1-mini", "gpt-4.1"]);
    assert_eq!(client.get("/health").await.expect(200)["status"], "ok");
    stop.cancel();
    serving.await.unwrap().unwrap();
}
