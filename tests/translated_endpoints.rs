//! What is no conversation, across APIs: counting tokens, embeddings, Ollama's `/api/generate`.

use base64::Engine as _;
use llm_gateway::demo::{Payload, Script};
use serde_json::{Value, json};

use super::harness::gateway::{Rig, start, start_with};

fn json_answer(body: &Value) -> Script {
    Script {
        headers: vec![("content-type".into(), "application/json".into())],
        body: Some(Payload::Text(body.to_string())),
        ..Script::default()
    }
}

/// What a client asks to be counted, and where the number stands in its answer.
fn count(client: &str, model: &str) -> (String, Value, &'static str) {
    let system = "Be brief.";
    match client {
        "anthropic" => (
            "/v1/messages/count_tokens".to_owned(),
            json!({"model": model, "system": system, "messages": [{"role": "user", "content": "hello there"}],
                "tools": [{"name": "f", "input_schema": {"type": "object"}}]}),
            "/input_tokens",
        ),
        _ => (
            format!("/v1beta/models/{model}:countTokens"),
            json!({"generateContentRequest": {"model": "models/x",
                "systemInstruction": {"parts": [{"text": system}]},
                "contents": [{"role": "user", "parts": [{"text": "hello there"}]}],
                "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object"}}]}]}}),
            "/totalTokens",
        ),
    }
}

#[tokio::test]
async fn tokens_are_counted_by_whoever_counts() {
    let rig = start().await;
    for client in ["anthropic", "gemini"] {
        for (model, path, body, message) in [
            (
                "openai/gpt-4o",
                "/v1/responses/input_tokens",
                json!({"object": "response.input_tokens", "input_tokens": 17}),
                "/input/0/role",
            ),
            (
                "anthropic/claude-sonnet-4-5",
                "/v1/messages/count_tokens",
                json!({"input_tokens": 17}),
                "/messages/0/role",
            ),
            (
                "gemini/gemini-2.5-flash",
                "/v1beta/models/gemini-2.5-flash:countTokens",
                json!({"totalTokens": 17}),
                "/generateContentRequest/contents/0/role",
            ),
        ] {
            rig.upstream.script(json_answer(&body));
            let (target, ask, pointer) = count(client, model);
            let answer = rig.client().post(&target, &ask).await;
            assert!(!answer.headers.contains_key("x-gateway-estimated"));
            let told = answer.expect(200);
            assert_eq!(told.pointer(pointer), Some(&json!(17)), "{client} {model}: {told}");
            let sent = rig.upstream.ledger().last().unwrap();
            assert_eq!(sent.path, path, "{client} {model}");
            let sent = sent.json().unwrap();
            assert!(sent.pointer(message).is_some(), "{client} {model}: {sent}");
            assert!(sent.get("max_tokens").is_none() && sent.get("stream").is_none() && sent.get("store").is_none());
        }
    }
    let records = rig.records_when(6).await;
    assert!(records.iter().all(|record| record["outcome"] == "ok" && record["cost_microcents"] == 0), "{records:#?}");
}

#[tokio::test]
async fn where_nobody_counts_tokens_are_estimated_and_marked() {
    let rig = start().await;
    for client in ["anthropic", "gemini"] {
        let (target, ask, pointer) = count(client, "ollama/llama3.2");
        let answer = rig.client().post(&target, &ask).await;
        assert_eq!(answer.headers["x-gateway-estimated"], "true");
        let told = answer.expect(200);
        let tokens = told.pointer(pointer).and_then(Value::as_u64).unwrap();
        assert!((4..80).contains(&tokens), "{told}");
    }
    assert_eq!(rig.upstream.ledger().calls().len(), 0);
    let records = rig.records_when(2).await;
    assert!(records.iter().all(|record| record["outcome"] == "ok" && record["attempts"] == 0), "{records:#?}");
    // A client that speaks its provider's API gets what the provider says.
    let (target, ask, _) = count("anthropic", "anthropic/claude-sonnet-4-5");
    let answer = rig.client().post(&target, &ask).await;
    assert!(!answer.headers.contains_key("x-gateway-estimated"));
    assert_eq!(rig.upstream.ledger().last().unwrap().json().unwrap()["system"], "Be brief.");
}

/// What a client asks to be embedded, and the vectors of its answer.
fn embed(client: &str, model: &str) -> (String, Value) {
    match client {
        "openai" => ("/v1/embeddings".to_owned(), json!({"model": model, "input": ["a", "b"], "dimensions": 3})),
        "openai_base64" => (
            "/v1/embeddings".to_owned(),
            json!({"model": model, "input": ["a", "b"], "dimensions": 3, "encoding_format": "base64"}),
        ),
        "ollama" => ("/api/embed".to_owned(), json!({"model": model, "input": ["a", "b"], "dimensions": 3})),
        _ => {
            let one = |text: &str| json!({"model": format!("models/{model}"), "content": {"parts": [{"text": text}]}, "outputDimensionality": 3});
            (format!("/v1beta/models/{model}:batchEmbedContents"), json!({"requests": [one("a"), one("b")]}))
        }
    }
}

fn vectors(client: &str, told: &Value) -> Vec<Vec<f64>> {
    let floats = |list: &Value| list.as_array().unwrap().iter().map(|float| float.as_f64().unwrap()).collect();
    match client {
        "openai" => told["data"].as_array().unwrap().iter().map(|entry| floats(&entry["embedding"])).collect(),
        "openai_base64" => {
            let of = |entry: &Value| {
                let text = entry["embedding"].as_str().unwrap();
                let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
                let floats = bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap()));
                floats.map(f64::from).collect()
            };
            told["data"].as_array().unwrap().iter().map(of).collect()
        }
        "ollama" => told["embeddings"].as_array().unwrap().iter().map(floats).collect(),
        _ => told["embeddings"].as_array().unwrap().iter().map(|entry| floats(&entry["values"])).collect(),
    }
}

async fn embedded(rig: &Rig, client: &str, model: &str, answer: &Value) -> Value {
    rig.upstream.script(json_answer(answer));
    let (target, ask) = embed(client, model);
    let told = rig.client().post(&target, &ask).await.expect(200);
    assert_eq!(vectors(client, &told), [[0.5, -0.25, 0.125], [1.0, 2.0, 3.0]], "{client} {model}: {told}");
    told
}

#[tokio::test]
async fn every_client_gets_vectors_of_every_provider_that_has_them() {
    let rig = start().await;
    let (first, second) = (json!([0.5, -0.25, 0.125]), json!([1, 2, 3]));
    for client in ["openai", "openai_base64", "ollama", "gemini"] {
        // The provider's order is not the texts'.
        let of_openai = json!({"object": "list", "model": "e", "data": [
            {"object": "embedding", "index": 1, "embedding": second}, {"object": "embedding", "index": 0, "embedding": first}],
            "usage": {"prompt_tokens": 2, "total_tokens": 2}});
        let of_gemini = json!({"embeddings": [{"values": first}, {"values": second}]});
        let of_ollama = json!({"model": "e", "embeddings": [first, second], "prompt_eval_count": 2});
        for (model, path, answer) in [
            ("openai/text-embedding-3-small", "/v1/embeddings", of_openai),
            ("gemini/gemini-embedding-001", "/v1beta/models/gemini-embedding-001:batchEmbedContents", of_gemini),
            ("ollama/nomic-embed-text", "/api/embed", of_ollama),
        ] {
            if model.split('/').next() == client.split('_').next() {
                // The same API on both sides: what the provider says is what the client gets.
                continue;
            }
            let told = embedded(&rig, client, model, &answer).await;
            let sent = rig.upstream.ledger().last().unwrap();
            assert_eq!(sent.path, path, "{client} {model}");
            let body = sent.json().unwrap();
            let (texts, dimensions) = match model.split('/').next() {
                Some("gemini") => (
                    json!([
                        body["requests"][0]["content"]["parts"][0]["text"],
                        body["requests"][1]["content"]["parts"][0]["text"]
                    ]),
                    &body["requests"][1]["outputDimensionality"],
                ),
                _ => (body["input"].clone(), &body["dimensions"]),
            };
            assert_eq!((texts, dimensions), (json!(["a", "b"]), &json!(3)), "{client} {model}: {body}");
            if client.starts_with("openai") && model.starts_with("ollama") {
                assert_eq!(told["usage"], json!({"prompt_tokens": 2, "total_tokens": 2}));
            }
        }
    }
    let records = rig.records_when(8).await;
    assert!(records.iter().all(|record| record["outcome"] == "ok"), "{records:#?}");
    let of_ollama = records.iter().find(|record| record["provider"] == "ollama").unwrap();
    assert_eq!((&of_ollama["input_tokens"], &of_ollama["output_tokens"]), (&json!(2), &json!(0)));
}

#[tokio::test]
async fn one_text_of_geminis_is_one_vector_and_tokens_are_no_text() {
    let rig = start().await;
    rig.upstream.script(json_answer(&json!({"object": "list", "data": [{"index": 0, "embedding": [1.5]}]})));
    let ask =
        json!({"content": {"parts": [{"text": "a"}, {"text": "b"}]}, "taskType": "RETRIEVAL_QUERY", "title": "t"});
    let answer = rig.client().post("/v1beta/models/openai/text-embedding-3-small:embedContent", &ask).await;
    assert_eq!(answer.headers["x-gateway-dropped"], "title,taskType");
    assert_eq!(answer.expect(200), json!({"embedding": {"values": [1.5]}}));
    assert_eq!(rig.upstream.ledger().last().unwrap().json().unwrap()["input"], json!(["ab"]));
    let ask = json!({"model": "gemini/gemini-embedding-001", "input": [[1, 2, 3]]});
    let told = rig.client().post("/v1/embeddings", &ask).await;
    assert_eq!(told.code(400), "not_translatable");
    let ask = json!({"model": "anthropic/claude-sonnet-4-5", "input": "a"});
    assert_eq!(rig.client().post("/v1/embeddings", &ask).await.code(404), "model_not_found");
}

#[tokio::test]
async fn tasks_embed_by_whoever_can() {
    let rig = start().await;
    rig.upstream.script(json_answer(&json!({"embeddings": [{"values": [0.5, 1.5]}]})));
    let ask = json!({"text": "a", "model": "gemini/gemini-embedding-001"});
    let told = rig.client().post("/api/v1.0/embed", &ask).await.expect(200);
    assert_eq!((&told["embeddings"], &told["dimensions"]), (&json!([[0.5, 1.5]]), &json!(2)));
    assert_eq!(told["ai_call_log"]["prompt_tokens"], json!(null), "Gemini does not tell, so nobody knows");
}

#[tokio::test]
async fn ollamas_generate_reaches_every_model() {
    let rig = start().await;
    for model in ["openai/gpt-4o", "anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash"] {
        for stream in [false, true] {
            rig.upstream.script(Script { echo_chars: Some(4), ..Script::default() });
            let ask = json!({"model": model, "prompt": "hello there", "system": "Be brief.", "stream": stream,
                "options": {"num_predict": 50}});
            let answer = rig.client().post("/api/generate", &ask).await;
            assert_eq!(answer.status, 200, "{model}: {}", answer.text());
            let lines: Vec<Value> = answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let text: String = lines.iter().map(|line| line["response"].as_str().unwrap()).collect();
            assert_eq!(text, "hello there", "{model} {stream}: {lines:#?}");
            assert!(lines.iter().all(|line| line.get("message").is_none()));
            let last = lines.last().unwrap();
            assert_eq!((&last["done"], &last["done_reason"]), (&json!(true), &json!("stop")));
            assert!(last["eval_count"].is_u64() && lines.len() > 1 || !stream, "{last}");
        }
    }
    for field in [json!({"suffix": "x"}), json!({"raw": true}), json!({"template": "{{.}}"}), json!({"context": [1]})] {
        let mut ask = json!({"model": "openai/gpt-4o", "prompt": "x"});
        ask.as_object_mut().unwrap().extend(field.as_object().unwrap().clone());
        let told = rig.client().post("/api/generate", &ask).await.expect(400);
        let name = field.as_object().unwrap().keys().next().unwrap();
        assert!(told["error"].as_str().unwrap().contains(name), "{told}");
    }
}

#[tokio::test]
async fn what_is_embedded_is_sanitized_first() {
    let rig = start_with("[sanitization]\nenabled = true\nredact_pii = true\n").await;
    rig.upstream.script(json_answer(&json!({"embeddings": [{"values": [1]}]})));
    let ask = json!({"model": "gemini/gemini-embedding-001", "input": "mail ann.smith@corp.example"});
    rig.client().post("/v1/embeddings", &ask).await.expect(200);
    let sent = rig.upstream.ledger().last().unwrap();
    assert!(!String::from_utf8_lossy(&sent.body).contains("ann.smith") && sent.path.contains("batchEmbedContents"));
}
