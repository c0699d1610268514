//! The gateway as a library: asks one question, then mounts every route in an application of your own.
//!
//! Run it with `OPENAI_API_KEY=… cargo run --example mount`; without a key it asks a demo provider.

use std::collections::BTreeMap;

use llm_gateway::{
    CompletionRequest, Gateway,
    config::{self, LoadOptions},
    demo::{Provider, ProviderOptions},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut env: BTreeMap<String, String> = std::env::vars().collect();
    let demo = Provider::spawn(ProviderOptions::default()).await?;
    let data = std::env::temp_dir().join(format!("llm-gateway-mount-{}", std::process::id()));
    env.insert("LLM_GATEWAY_STORAGE__PATH".to_owned(), data.display().to_string());
    let working_dir = std::env::temp_dir();
    let mut config = config::load(&LoadOptions { working_dir, env, ..LoadOptions::default() })?;
    if config.providers.is_empty() {
        let provider = config::Provider {
            base_url: format!("{}/v1", demo.url()).parse()?,
            ..config::Provider::new("openai", config::ProviderType::Openai)
        };
        config.providers.push(provider.into());
    }

    let gateway = Gateway::from_config(config).await?;
    let answer = gateway.complete(&CompletionRequest::new("gpt-4o", "Say hello in five words.")).await?;
    println!("{} (record {})", answer.content, answer.record_id);

    let app: axum::Router = axum::Router::new()
        .route("/mine", axum::routing::get(|| async { "a route of my own" }))
        .merge(gateway.router());
    println!("mounted: {}", app.has_routes());
    gateway.close().await?;
    std::fs::remove_dir_all(data)?;
    Ok(())
}
