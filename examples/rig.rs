//! For the tests of real SDKs: a gateway before a scripted provider, for as long as one command runs.
//!
//! `cargo run --example rig -- pytest tests/sdk/python` sets `GATEWAY_URL` and `VIRTUAL_KEY` for the
//! command and ends with its status. Everything is fresh, on loopback, and gone afterwards.

use std::{collections::BTreeMap, process::ExitCode};

use llm_gateway::{
    Gateway,
    config::{self, LoadOptions},
    demo::{Provider, ProviderOptions},
};
use tokio::{net::TcpListener, process::Command};
use tokio_util::sync::CancellationToken;

const VIRTUAL_KEY: &str = "team-alpha-key";

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else { return Err("usage: rig PROGRAM [ARGUMENT…]".into()) };
    let upstream = Provider::spawn(ProviderOptions::default()).await?;
    let working_dir = std::env::temp_dir().join(format!("llm-gateway-rig-{}", std::process::id()));
    std::fs::create_dir_all(&working_dir)?;
    std::fs::write(working_dir.join("config.toml"), configuration(&upstream.url()))?;
    let options = LoadOptions { working_dir: working_dir.clone(), env: BTreeMap::new(), ..LoadOptions::default() };
    let gateway = Gateway::from_config(config::load(&options)?).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let stop = CancellationToken::new();
    let serving = tokio::spawn(gateway.serve(listener, stop.clone()));
    let status =
        Command::new(program).args(arguments).env("GATEWAY_URL", url).env("VIRTUAL_KEY", VIRTUAL_KEY).status().await?;
    stop.cancel();
    serving.await??;
    std::fs::remove_dir_all(working_dir)?;
    Ok(u8::try_from(status.code().unwrap_or(1)).map_or(ExitCode::FAILURE, ExitCode::from))
}

fn configuration(upstream: &str) -> String {
    format!(
        r#"
[auth]
require_key = true

[key_map.{VIRTUAL_KEY}]
label = "Team Alpha"

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
