//! Promise: `/v1/catalog` tells what models can do and cost, what the operator knows better, and how they have
//! done here; what is unknown is `null`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{
    client::Client,
    gateway::{start, start_with},
};

async fn all(client: &Client, query: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = client.get(&format!("/v1/catalog?limit=500{query}{cursor}")).await.expect(200);
        found.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

fn ids(models: &[Value]) -> Vec<&str> {
    models.iter().map(|model| model["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_catalog_lists_every_model_once_by_id() {
    let rig = start().await;
    let models = all(&rig.client(), "").await;
    let found = ids(&models);
    assert!(found.len() > 1_500, "{} models", found.len());
    assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "not sorted, or an id twice");
    let configured: BTreeSet<_> = models
        .iter()
        .filter(|model| model["configured"] == true)
        .map(|model| model["provider"].as_str().unwrap())
        .collect();
    assert_eq!(configured, BTreeSet::from(["anthropic", "gemini", "openai"]));
    // The catalog's `google` is the configured `gemini` here.
    assert!(
        found.iter().any(|id| id.starts_with("gemini/gemini-2.5")) && !found.iter().any(|id| id.starts_with("google/"))
    );
    assert!(found.iter().any(|id| id.starts_with("groq/")), "what nobody configured is there too");
    for model in &models {
        assert_eq!(
            model["id"],
            format!("{}/{}", model["provider"].as_str().unwrap(), model["model"].as_str().unwrap())
        );
        assert!(model["measured"].is_null(), "{model}");
    }
}

#[tokio::test]
async fn a_model_is_shown_with_limits_abilities_prices_and_scores() {
    let rig = start().await;
    let client = rig.client();
    let model = client.get("/v1/catalog/openai/gpt-4o").await.expect(200);
    for (field, expected) in [
        ("id", json!("openai/gpt-4o")),
        ("configured", json!(true)),
        ("name", json!("GPT-4o")),
        ("context_window", json!(128_000)),
        ("max_output_tokens", json!(16_384)),
        ("status", json!("active")),
        ("prompt_cache", json!(true)),
        ("open_weights", json!(false)),
        ("overridden", json!(false)),
        ("measured", Value::Null),
    ] {
        assert_eq!(model[field], expected, "{field}: {model:#}");
    }
    for (ability, expected) in
        [("tools", true), ("vision", true), ("json_schema", true), ("streaming", true), ("reasoning", false)]
    {
        assert_eq!(model["capabilities"][ability], expected, "{ability}");
    }
    assert_eq!(model["price"]["rates"]["input"]["usd"], "2.5");
    assert_eq!(model["price"]["rates"]["cache_read"]["usd"], "1.25");
    assert_eq!(model["price"]["rates"]["output"]["usd"], "10");
    assert!(model["price"]["version"].as_str().unwrap().starts_with("genai-prices@"), "{model:#}");
    let scores = model["scores"].as_array().unwrap();
    assert_eq!(model["quality"]["scores"], scores.len());
    assert!(!scores.is_empty() && scores.iter().all(|score| score["source"].as_str().unwrap().starts_with("https://")));
    let quality = model["quality"]["prior"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&quality), "{quality}");

    // Prices by date, by tier and by the length of the prompt.
    let dated = client.get("/v1/catalog/openai/o3").await.expect(200);
    let standard: Vec<_> = dated["prices"].as_array().unwrap().iter().filter(|price| price["tier"].is_null()).collect();
    assert!(standard.len() > 1, "{dated:#}");
    assert_eq!(standard.iter().filter(|price| price["in_force"] == true).count(), 1);
    let tiers = client.get("/v1/catalog/anthropic/claude-fable-5").await.expect(200);
    assert!(tiers["prices"].as_array().unwrap().iter().any(|price| price["tier"] == "batch"), "{tiers:#}");
    let stepped = client.get("/v1/catalog/gemini/gemini-2.5-pro").await.expect(200);
    assert_eq!(stepped["price"]["rates"]["input"]["above"][0]["input_tokens"], 200_000, "{stepped:#}");

    // A name with a slash of its own, and a bare one.
    let nested =
        client.get("/v1/catalog?provider=openrouter&q=claude&limit=1").await.expect(200)["data"][0]["id"].clone();
    assert_eq!(nested.as_str().unwrap().matches('/').count(), 2, "{nested}");
    assert_eq!(client.get(&format!("/v1/catalog/{}", nested.as_str().unwrap())).await.expect(200)["id"], nested);
    assert_eq!(client.get("/v1/catalog/gpt-4o").await.expect(200)["id"], "openai/gpt-4o");
}

#[tokio::test]
async fn the_filters_of_the_catalog_let_pass_what_they_say_and_nothing_unknown() {
    let rig = start().await;
    let client = rig.client();
    type Fits = fn(&Value) -> bool;
    let cases: [(&str, Fits); 9] = [
        ("provider=anthropic", |model| model["provider"] == "anthropic"),
        ("configured=true", |model| model["configured"] == true),
        ("capabilities=tools,vision", |model| {
            model["capabilities"]["tools"] == true && model["capabilities"]["vision"] == true
        }),
        ("capabilities=audio", |model| model["capabilities"]["audio"] == true),
        ("prompt_cache=true", |model| model["prompt_cache"] == true),
        ("status=deprecated", |model| model["status"] == "deprecated"),
        ("min_context_window=1000000", |model| {
            model["context_window"].as_u64().is_some_and(|tokens| tokens >= 1_000_000)
        }),
        ("max_input_price=0.1&max_output_price=0.4", |model| {
            let usd =
                |class: &str| model["price"]["rates"][class]["usd"].as_str().and_then(|usd| usd.parse::<f64>().ok());
            usd("input").is_some_and(|usd| usd <= 0.1) && usd("output").is_some_and(|usd| usd <= 0.4)
        }),
        ("q=SONNET", |model| {
            ["id", "name", "family"]
                .iter()
                .any(|field| model[field].as_str().unwrap_or_default().to_lowercase().contains("sonnet"))
        }),
    ];
    let everything = all(&client, "").await;
    for (query, fits) in cases {
        let found = all(&client, &format!("&{query}")).await;
        let expected: Vec<&Value> = everything.iter().filter(|model| fits(model)).collect();
        assert_eq!(
            ids(&found),
            expected.iter().map(|model| model["id"].as_str().unwrap()).collect::<Vec<_>>(),
            "{query}"
        );
        assert!(!found.is_empty() && found.len() < everything.len(), "{query} says nothing");
    }
    for (query, param) in [
        ("capabilities=tools,teleport", "capabilities"),
        ("status=gone", "status"),
        ("max_input_price=cheap", "max_input_price"),
        ("max_output_price=-1", "max_output_price"),
        ("min_context_window=-1", "min_context_window"),
        ("capability=tools", "capability"),
    ] {
        assert_eq!(client.get(&format!("/v1/catalog?{query}")).await.expect(400)["error"]["param"], param, "{query}");
    }
}

#[tokio::test]
async fn an_unknown_model_is_answered_with_close_names() {
    let rig = start().await;
    for (typed, close) in [("openai/gtp-4o", "openai/gpt-4o"), ("claude-sonet-4-5", "claude-sonnet-4-5")] {
        let answer = rig.client().get(&format!("/v1/catalog/{typed}")).await.expect(404);
        assert!(answer["error"]["message"].as_str().unwrap().contains(close), "{answer}");
    }
    let answer = rig.client().get("/v1/catalog/xyzzy").await.expect(404);
    assert_eq!(answer["error"]["message"], "the catalog has no such model");
}

#[tokio::test]
async fn the_configuration_overrides_any_field_and_adds_models() {
    let rig = start_with(
        r#"
[[catalog]]
provider = "openai"
model = "gpt-4o"
context_window = 64000
capabilities = ["tools"]
quality = 0.9

[[catalog]]
provider = "ollama"
model = "house-model"
name = "House"
family = "house"
status = "beta"
released_on = "2026-07"
knowledge_cutoff = "2026"
context_window = 8192
max_input_tokens = 8000
max_output_tokens = 1024
input_modalities = ["text", "image"]
output_modalities = ["text"]
capabilities = ["vision", "streaming"]
prompt_cache = false
open_weights = true
input = "0.05"
output = 0.1
"#,
    )
    .await;
    let client = rig.client();
    let known = client.get("/v1/catalog/openai/gpt-4o").await.expect(200);
    assert_eq!((&known["context_window"], &known["overridden"]), (&json!(64_000), &json!(true)));
    assert_eq!((&known["capabilities"]["tools"], &known["capabilities"]["vision"]), (&json!(true), &json!(false)));
    assert!(known["quality"]["scores"].is_null() && known["quality"]["prior"].as_f64().unwrap() > 0.89, "{known:#}");
    // What it does not state stays: the name, and the price.
    assert_eq!((&known["name"], &known["price"]["rates"]["input"]["usd"]), (&json!("GPT-4o"), &json!("2.5")));

    let own = client.get("/v1/catalog/ollama/house-model").await.expect(200);
    let expected = json!({
        "id": "ollama/house-model", "provider": "ollama", "configured": true, "model": "house-model", "name": "House",
        "family": "house", "status": "beta", "released_on": "2026-07", "knowledge_cutoff": "2026",
        "context_window": 8_192, "max_input_tokens": 8_000, "max_output_tokens": 1_024,
        "input_modalities": ["text", "image"], "output_modalities": ["text"], "prompt_cache": false,
        "open_weights": true, "overridden": true, "quality": null, "measured": null, "scores": [],
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(own[field], *value, "{field}");
    }
    assert_eq!(own["price"]["rates"]["input"]["usd"], "0.05");
    assert_eq!(own["price"]["version"], "config/ollama/house-model#input=0.05,output=0.1");
    assert_eq!(own["capabilities"]["vision"], true);
    assert_eq!(own["capabilities"]["tools"], false);
}

#[tokio::test]
async fn the_catalog_shows_what_was_measured_here() {
    let rig = start().await;
    let client = rig.client();
    let ask = |stream: bool| json!({"model": "gpt-4o-mini", "stream": stream, "messages": [{"role": "user", "content": "hi"}]});
    for stream in [false, false, true] {
        assert_eq!(client.post("/v1/chat/completions", &ask(stream)).await.status, 200);
    }
    rig.gateway.store().recorder.flush().await.unwrap();
    let model = client.get("/v1/catalog/openai/gpt-4o-mini").await.expect(200);
    let measured = &model["measured"];
    assert_eq!((&measured["requests"], &measured["ttft_requests"]), (&json!(3), &json!(1)), "{model:#}");
    assert_eq!(measured["error_rate"], 0.0);
    assert!(measured["p95_latency_ms"].as_f64() >= measured["p50_latency_ms"].as_f64());
    assert!(measured["p50_ttft_ms"].as_f64().is_some());
    assert!(client.get("/v1/catalog/openai/gpt-4o").await.expect(200)["measured"].is_null());
}

#[tokio::test]
async fn a_named_model_goes_where_the_catalog_says_that_it_can_be_served() {
    let rig = start_with(
        r#"
[[models]]
name = "pair"
targets = ["openai/gpt-4o", "openai/gpt-4o-mini"]

[[catalog]]
model = "gpt-4o"
capabilities = ["streaming"]
context_window = 1000
"#,
    )
    .await;
    let hi = json!([{"role": "user", "content": "hi"}]);
    let tools = json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]);
    let long = json!([{"role": "user", "content": "a few words, ".repeat(1_000)}]);
    for (body, expected) in [
        (json!({"model": "pair", "messages": hi}), "gpt-4o"),
        (json!({"model": "pair", "messages": hi, "tools": tools}), "gpt-4o-mini"),
        (json!({"model": "pair", "messages": long}), "gpt-4o-mini"),
        // Whoever names a model gets its provider's own answer, not the catalog's guess.
        (json!({"model": "gpt-4o", "messages": hi, "tools": tools}), "gpt-4o"),
    ] {
        let answer = rig.client().post("/v1/chat/completions", &body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.headers["x-gateway-model"].to_str().unwrap()),
            (200, expected),
            "{body}"
        );
    }
}
