//! Every example of the reference site that this version covers works as it is written there.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::json;

use super::harness::{
    client::Client,
    gateway::{start, start_with},
    ports::free_port,
};

#[tokio::test]
async fn the_examples_of_the_endpoints_work_as_written() {
    let rig = start().await;
    let client = rig.client().with("x-project", "my-project").with("x-source", "my-tool");
    let chat = r#"{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}"#;
    let answer = client.send(http::Method::POST, "/v1/chat/completions", Some(chat.into())).await;
    assert!(answer.expect(200)["choices"][0]["message"]["content"].is_string());
    let message = r#"{"model": "claude-sonnet-4-20250514", "max_tokens": 256, "messages": [{"role": "user", "content": "Hello!"}]}"#;
    let answer = client
        .with("anthropic-version", "2023-06-01")
        .send(http::Method::POST, "/v1/messages", Some(message.into()))
        .await;
    assert!(answer.expect(200)["content"][0]["text"].is_string());
    let stream = r#"{
"model": "gpt-4o",
"stream": true,
"messages": [{"role": "user", "content": "Count to 10 slowly."}]
}"#;
    let answer = client.send(http::Method::POST, "/v1/chat/completions", Some(stream.into())).await;
    assert!(answer.text().ends_with("data: [DONE]\n\n"));
    rig.records_when(3).await;

    let health = rig.client().get("/health").await.expect(200);
    assert_eq!(health["status"], "ok");
    assert!(health["version"].is_string() && health["uptime_secs"].is_u64() && health["port"].is_u64(), "{health}");
    assert!(health["providers"].as_array().unwrap().contains(&json!("anthropic")), "{health}");

    let models = rig.client().get("/v1/models").await.expect(200);
    let gpt = models["data"].as_array().unwrap().iter().find(|model| model["id"] == "gpt-4o").unwrap().clone();
    assert_eq!((&gpt["provider"], &gpt["owned_by"]), (&json!("openai"), &json!("openai")));

    let projects = rig.client().get("/v1/projects").await.expect(200);
    assert!(projects.to_string().contains("my-project"), "{projects}");
    let projects = rig.client().get("/v1/projects?active_since_mins=60").await.expect(200);
    assert!(projects.to_string().contains("my-project"), "{projects}");
    let records = rig.client().get("/v1/projects/my-project/records").await.expect(200);
    assert_eq!(records["data"].as_array().unwrap().len(), 3);
    assert_eq!(records["data"][0]["stream"], true, "most recent first");
    let stats = rig.client().get("/v1/stats").await.expect(200);
    assert_eq!(stats["total_requests"], 3);
    assert!(stats["providers"].is_object() && stats["by_model"].is_array() && stats["by_source"].is_array(), "{stats}");
    assert!(rig.client().get("/openapi.json").await.expect(200)["openapi"].as_str().unwrap().starts_with("3.1"));
}

#[tokio::test]
async fn a_provider_is_added_listed_and_removed_as_written() {
    let rig = start_with("").await;
    let body = r#"{
"id": "local-ollama",
"provider_type": "local",
"endpoint": "http://localhost:11434"
}"#;
    let made = rig.client().send(http::Method::POST, "/v1/providers", Some(body.into())).await;
    assert!(made.status.is_success(), "{}", made.text());
    let listed = rig.client().get("/v1/providers").await;
    assert!(listed.text().contains("local-ollama") && !listed.text().contains("canary"), "{}", listed.text());
    let gone = rig.client().delete("/v1/providers/local-ollama").await;
    assert!(gone.status.is_success(), "{}", gone.text());
    assert!(!rig.client().get("/v1/providers").await.text().contains("local-ollama"));
}

/// The program itself; killed when the test is over.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The site's configuration.
const SITE_CONFIG: &str = r#"
[server]
port = 8930
host = "127.0.0.1"
[[providers]]
id = "anthropic"
provider_type = "anthropic"
api_key = "sk-ant-..."
enabled = true
[[providers]]
id = "openai"
provider_type = "openai"
api_key = "sk-..."
enabled = true
[[providers]]
id = "azure"
provider_type = "azure_openai"
api_key = "..."
endpoint = "https://myresource.openai.azure.com"
deployment = "gpt-4o"
api_version = "2024-10-21"
enabled = true
[[providers]]
id = "ollama"
provider_type = "local"
endpoint = "http://localhost:11434"
enabled = true
[sanitization]
enabled = true
scan_credentials = true
redact_pii = false
compliance_gate = false
[key_map.my-team-key]
label = "Team Alpha"
anthropic_key = "sk-ant-..."
openai_key = "sk-..."
"#;

#[tokio::test]
async fn the_program_starts_on_the_configuration_of_the_site_with_its_flags() {
    for (config, port) in [("-c", "-p"), ("--config", "--port")] {
        let room = tempfile::tempdir().unwrap();
        let file = room.path().join("site.toml");
        std::fs::write(&file, SITE_CONFIG).unwrap();
        let free = std::net::SocketAddr::from(([127, 0, 0, 1], free_port()));
        let mut child = Command::new(env!("CARGO_BIN_EXE_llm-gateway"));
        child.arg(config).arg(&file).arg(port).arg(free.port().to_string()).current_dir(room.path()).env_clear();
        let child = child.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut program = Program(child.spawn().unwrap());
        let mut log = BufReader::new(program.0.stderr.take().unwrap());
        let deadline = std::time::Instant::now() + super::harness::client::PATIENCE;
        while std::net::TcpStream::connect(free).is_err() {
            if program.0.try_wait().unwrap().is_some() || std::time::Instant::now() > deadline {
                let mut text = String::new();
                while log.read_line(&mut text).unwrap_or(0) > 0 {}
                panic!("did not start: {text}");
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let health = Client::new(free).get("/health").await.expect(200);
        assert_eq!(health["port"], free.port());
        assert_eq!(health["providers"], json!(["anthropic", "openai", "azure", "ollama"]));
    }
}
