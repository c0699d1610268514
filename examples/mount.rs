//! The gateway as a library: asks one question, then mounts every route in an application of your own.
//!
//! Run it with `OPENAI_API_KEY=… cargo run --example mount`; without a key it asks a demo provider.
#![allow(clippy::print_stdout, reason = "an example speaks to whoever runs it")]

use std::collections::BTreeMap;

use llm_gateway::{
    CompletionRequest, Gateway,
    config::{self, LoadOptions},
    demo::{Provider, ProviderOptions},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let env: BTreeMap<String, String> = std::env::vars().collect();
    let demo = Provider::spawn(ProviderOptions::default()).await?;
    let working_dir = std::env::temp_dir().join(format!("llm-gateway-mount-{}", std::process::id()));
    std::fs::create_dir_all(&working_dir)?;
    if !env.contains_key("OPENAI_API_KEY") {
        let provider =
            format!("[[providers]]\nid = \"openai\"\nprovider_type = \"openai\"\nbase_url = \"{}/v1\"\n", demo.url());
        std::fs::write(working_dir.join("config.toml"), provider)?;
    }
    let config = config::load(&LoadOptions { working_dir: working_dir.clone(), env, ..LoadOptions::default() })?;

    let gateway = Gateway::from_config(config).await?;
    let answer = gateway.complete(&CompletionRequest::new("gpt-4o", "Say hello in five words.")).await?;
    println!("{} (record {})", answer.content, answer.record_id);

    let app: axum::Router = axum::Router::new()
        .route("/mine", axum::routing::get(|| async { "a route of my own" }))
        .merge(gateway.router());
    println!("mounted: {}", app.has_routes());
    gateway.close().await?;
    std::fs::remove_dir_all(working_dir)?;
    Ok(())
}
