//! For the tests of real SDKs: a gateway before a scripted provider, for as long as one command runs.
//!
//! `cargo run --example rig -- pytest tests/sdk/python` sets `GATEWAY_URL`, `VIRTUAL_KEY`, `MASKING_KEY`
//! (whose requests are sanitized) and `SEEN_URL` (what the provider was sent, as JSON) for the command and
//! ends with its status. Everything is fresh, on loopback, and gone afterwards.

use std::{collections::BTreeMap, process::ExitCode, sync::Arc};

use axum::{Json, Router, routing::get};
use llm_gateway::{
    Gateway,
    config::{self, LoadOptions},
    demo::{Call, Provider, ProviderOptions, Running},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, process::Command};
use tokio_util::sync::CancellationToken;

const VIRTUAL_KEY: &str = "team-alpha-key";
const MASKING_KEY: &str = "team-beta-key";

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else { return Err("usage: rig PROGRAM [ARGUMENT…]".into()) };
    let upstream = Arc::new(Provider::spawn(ProviderOptions::default()).await?);
    let seen_listener = TcpListener::bind("127.0.0.1:0").await?;
    let seen_url = format!("http://{}", seen_listener.local_addr()?);
    let seen = Arc::clone(&upstream);
    let telling = tokio::spawn(async move { axum::serve(seen_listener, told(seen)).await });
    let working_dir = std::env::temp_dir().join(format!("llm-gateway-rig-{}", std::process::id()));
    std::fs::create_dir_all(&working_dir)?;
    std::fs::write(working_dir.join("config.toml"), configuration(&upstream.url()))?;
    let options = LoadOptions { working_dir: working_dir.clone(), env: BTreeMap::new(), ..LoadOptions::default() };
    let mut gateway = Gateway::from_config(config::load(&options)?).await?;
    // Questions run in processes of the real binary, which lies beside the examples where it was built too.
    let own = std::env::current_exe()?.ancestors().nth(2).map(|built| built.join("llm-gateway"));
    if let Some(own) = own.filter(|own| own.exists()) {
        gateway = gateway.answering_by(own)?;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let stop = CancellationToken::new();
    let serving = tokio::spawn(gateway.serve(listener, stop.clone()));
    let status = Command::new(program)
        .args(arguments)
        .env("GATEWAY_URL", url)
        .env("VIRTUAL_KEY", VIRTUAL_KEY)
        .env("MASKING_KEY", MASKING_KEY)
        .env("SEEN_URL", seen_url)
        .status()
        .await?;
    telling.abort();
    stop.cancel();
    serving.await??;
    std::fs::remove_dir_all(working_dir)?;
    Ok(u8::try_from(status.code().unwrap_or(1)).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Tells every call that the provider saw, oldest first.
fn told(upstream: Arc<Running>) -> Router {
    let calls = move || async move { Json(upstream.ledger().calls().iter().map(call).collect::<Vec<_>>()) };
    Router::new().route("/", get(calls))
}

/// A call in full: its target, its headers as `name: value`, its body as text.
fn call(call: &Call) -> Value {
    let headers: Vec<String> =
        call.headers.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value))).collect();
    json!({"path": call.path, "query": call.query, "headers": headers, "body": String::from_utf8_lossy(&call.body)})
}

fn configuration(upstream: &str) -> String {
    format!(
        r#"
[auth]
require_key = true

[key_map.{VIRTUAL_KEY}]
label = "Team Alpha"

[key_map.{MASKING_KEY}]
label = "Team Beta"

[key_map.{MASKING_KEY}.sanitization]
enabled = true
actions = {{ pii = "mask", credentials = "redact" }}

[[providers]]
id = "openai"
provider_type = "openai"
api_key = "sk-test-openai"
base_url = "{upstream}/v1"

[[providers]]
id = "anthropic"
provider_type = "anthropic"
api_key = "sk-ant-test"
base_url = "{upstream}"

[[providers]]
id = "gemini"
provider_type = "gemini"
api_key = "test-gemini"
base_url = "{upstream}"

[[providers]]
id = "ollama"
provider_type = "ollama"
endpoint = "{upstream}"
"#
    )
}
