//! The `demo` command's parts: no key, no network, true pages, and nothing left behind.

use llm_gateway::{Gateway, demo};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::harness::client::Client;

#[tokio::test]
async fn a_demo_heeds_no_key_of_the_environment_and_leaves_nothing_behind() {
    let env = [("OPENAI_API_KEY", "sk-test-never-used"), ("LOG_LEVEL", "error")];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let demo = demo::prepare(Some(0), &env).await.unwrap();
    let ids: Vec<&str> = demo.config.providers.iter().map(|provider| provider.id.as_str()).collect();
    assert_eq!(ids, ["demo-openai", "demo-anthropic", "demo-gemini", "demo-local"]);
    assert!(demo.config.providers.iter().all(|provider| provider.base_url.host_str() == Some("127.0.0.1")));
    assert_eq!(demo.config.telemetry.log, "error");
    assert_eq!(demo.config.warnings, [""; 0]);
    let directory = demo.options.working_dir.clone();
    assert!(demo.config.storage.path.starts_with(&directory) && directory.exists());
    assert!(demo.welcome("127.0.0.1:8930".parse().unwrap()).contains("curl -N http://127.0.0.1:8930/v1/chat"));
    drop(demo);
    assert!(!directory.exists());
}

#[tokio::test]
async fn a_demo_has_a_priced_history_and_answers_the_printed_curl() {
    let demo = demo::prepare(Some(0), &[].into()).await.unwrap();
    let gateway = Gateway::from_config(demo.config.clone()).await.unwrap();
    let mut shares = Vec::new();
    let written = demo.fill(gateway.store(), &gateway.policy(), |percent| shares.push(percent)).await.unwrap();
    let stats = gateway.store().recorder.stats();
    assert_eq!((stats.written, stats.dropped, stats.at_risk), (written, 0, 0));
    assert!(shares.is_sorted() && shares.last() == Some(&100));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let serving = tokio::spawn(gateway.clone().serve(listener, stop.clone()));
    let client = Client::new(address);

    // The costliest request says why it went where it went.
    let costliest = client.get("/v1/records?sort=cost_microcents&limit=1").await.expect(200)["data"][0].clone();
    let id = costliest["id"].as_str().unwrap();
    assert_eq!(client.get(&format!("/v1/records/{id}")).await.expect(200)["routed"], true);
    let first = &client.get(&format!("/v1/records/{id}/route")).await.expect(200)["decision"];
    let place = usize::try_from(first["order"][0].as_u64().unwrap()).unwrap();
    assert_eq!(first["candidates"][place]["provider"], costliest["provider"]);

    let totals = client.get("/v1/stats").await.expect(200);
    assert!(totals["total_requests"].as_u64().unwrap() > 500, "{totals}");
    assert!(totals["total_cost"].as_f64().unwrap() > 0.0, "{totals}");
    for (path, body) in [
        (
            "/v1/chat/completions",
            json!({"model": "gpt-4o-mini", "stream": true, "messages": [{"role": "user", "content": "Hello!"}]}),
        ),
        (
            "/v1/messages",
            json!({"model": "claude-haiku-4-5-20251001", "max_tokens": 50, "messages": [{"role": "user", "content": "Hello!"}]}),
        ),
        ("/v1beta/models/gemini-2.5-flash:generateContent", json!({"contents": [{"parts": [{"text": "Hello!"}]}]})),
        ("/v1/chat/completions", json!({"model": "llama3.2:3b", "messages": [{"role": "user", "content": "Hello!"}]})),
    ] {
        let answer = client.with("x-project", "my-first-project").post(path, &body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    gateway.store().recorder.flush().await.unwrap();
    let records = client.get("/v1/records?project=my-first-project").await.expect(200);
    let providers: Vec<&str> =
        records["data"].as_array().unwrap().iter().map(|record| record["provider"].as_str().unwrap()).collect();
    assert_eq!(providers, ["demo-local", "demo-gemini", "demo-anthropic", "demo-openai"]);
    for record in records["data"].as_array().unwrap() {
        for known in ["input_tokens", "output_tokens", "cost_microcents"] {
            assert_ne!(record[known], Value::Null, "{known}: {record:#}");
        }
    }
    stop.cancel();
    serving.await.unwrap().unwrap();
}
