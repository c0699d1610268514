//! Masking end to end: the provider sees placeholders, the client its own words.

use std::collections::HashSet;

use llm_gateway::demo::Script;
use serde_json::{Value, json};

use super::{CANARY, assert_unseen, rig};

/// The placeholder that stands in what the provider saw.
fn placeholder(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body).into_owned();
    let start = text.find("[EMAIL_").unwrap_or_else(|| panic!("no placeholder in {text}"));
    text[start..].split_inclusive(']').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_provider_sees_placeholders_and_the_client_the_originals() {
    // The scripted upstream cannot know the placeholder beforehand: it echoes what it saw.
    let rig = rig("mask").await;
    let request = json!({"model": "gpt-4o", "messages": [
        {"role": "user", "content": format!("I am {CANARY}; again: {CANARY} And max@acme-corp.io")}]});
    let echo = rig.client().with("x-demo-script", "{\"status\":200,\"body\":{\"text\":\"{}\"}}");
    echo.post("/v1/chat/completions", &request).await;
    let seen = rig.upstream.ledger().last().unwrap();
    assert_unseen(&seen.body, "the provider");
    let content = seen.json().unwrap()["messages"][0]["content"].as_str().unwrap().to_owned();
    let first = placeholder(&seen.body);
    assert_eq!(content.matches(&first).count(), 2, "the same text, the same placeholder: {content}");
    assert!(content.contains(&first.replace("_1]", "_2]")), "{content}");
}

/// An upstream that answers each call with a body made of what it was asked.
async fn echo(answer: fn(&str) -> (String, &'static str)) -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let handler = move |body: String| async move {
        let (text, kind) = answer(&body);
        // Many small pieces, so that placeholders come in parts.
        let pieces: Vec<Result<bytes::Bytes, std::io::Error>> =
            text.as_bytes().chunks(5).map(|piece| Ok(bytes::Bytes::copy_from_slice(piece))).collect();
        let body = axum::body::Body::from_stream(futures_util::stream::iter(pieces));
        http::Response::builder().header("content-type", kind).body(body).unwrap()
    };
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(handler)).await });
    address
}

async fn echo_rig(answer: fn(&str) -> (String, &'static str)) -> crate::harness::gateway::Rig {
    let address = echo(answer).await;
    let providers = ["openai", "anthropic", "gemini", "ollama"]
        .map(|kind| format!("[[providers]]\nid = \"{kind}\"\nprovider_type = \"{kind}\"\napi_key = \"k-{kind}\"\nbase_url = \"http://{address}{}\"\n", if kind == "openai" { "/v1" } else { "" }))
        .concat()
        .replace("api_key = \"k-ollama\"\n", "");
    let upstream = llm_gateway::demo::Provider::spawn(llm_gateway::demo::ProviderOptions::default()).await.unwrap();
    let more = "[sanitization]\nenabled = true\n[sanitization.actions]\nemail = \"mask\"\n";
    crate::harness::gateway::start_on(upstream, &providers, more).await
}

/// Finds the user's text in any dialect's request.
fn asked(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap();
    ["/messages/0/content", "/input", "/contents/0/parts/0/text", "/prompt"]
        .iter()
        .find_map(|path| body.pointer(path)?.as_str())
        .unwrap()
        .to_owned()
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

#[tokio::test]
async fn masks_come_back_in_whole_answers_of_all_dialects_and_at_each_level() {
    let rig = echo_rig(|body| {
        let asked = asked(body);
        assert!(!asked.contains("acme"), "the provider saw {asked}");
        let arguments = quoted(&json!({"to": asked}).to_string());
        let text = quoted(&asked);
        (
            format!("{{\"text\":{text},\"arguments\":{arguments},\"input\":{{\"a\":[{text}]}},\"done\":true}}"),
            "application/json",
        )
    })
    .await;
    let said = format!("I am \"{CANARY}\" \\ \u{1f600}");
    let chat = json!([{"role": "user", "content": said}]);
    for (path, request) in [
        ("/v1/chat/completions", json!({"model": "gpt-4o", "messages": chat})),
        ("/v1/responses", json!({"model": "gpt-4o", "input": said})),
        ("/v1/messages", json!({"model": "claude-haiku-4-5-20251001", "max_tokens": 9, "messages": chat})),
        ("/v1beta/models/gemini-2.5-flash:generateContent", json!({"contents": [{"parts": [{"text": said}]}]})),
        ("/api/chat", json!({"model": "llama3.2", "messages": chat, "stream": false})),
        ("/v1/completions", json!({"model": "gpt-3.5-turbo-instruct", "prompt": said})),
    ] {
        let client = rig.client().with("x-provider", path_provider(path));
        let answer = client.post(path, &request).await;
        let json = answer.json();
        assert_eq!(json["text"], said, "{path}: {}", answer.text());
        assert_eq!(json["input"]["a"][0], said, "{path}");
        let inner: Value = serde_json::from_str(json["arguments"].as_str().unwrap()).unwrap();
        assert_eq!(inner["to"], said, "{path}");
    }
}

fn path_provider(path: &str) -> &'static str {
    match path {
        "/v1/messages" => "anthropic",
        path if path.starts_with("/v1beta") => "gemini",
        path if path.starts_with("/api") => "ollama",
        _ => "openai",
    }
}

#[tokio::test]
async fn a_hundred_parallel_streams_never_see_each_others_words() {
    let rig = echo_rig(|body| {
        let asked = asked(body);
        let mut out = String::new();
        for c in asked.chars() {
            out += &format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{}}}}}]}}\n\n", quoted(&c.to_string()));
        }
        for c in json!({"to": asked}).to_string().chars() {
            let piece = quoted(&c.to_string());
            out += &format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{{\"index\":0,\"function\":{{\"arguments\":{piece}}}}}]}}}}]}}\n\n");
        }
        (out + "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n", "text/event-stream")
    })
    .await;
    let calls = (0..100).map(|number| {
        let client = rig.client();
        async move {
            // All placeholders have the same kind and number; only the request's own word tells them apart.
            let said = format!("user{number}@acme-corp.io and [EMAIL_aaaaaaaaaa_1]");
            let request = json!({"model": "gpt-4o", "stream": true, "messages": [{"role": "user", "content": said}]});
            let text = client.post("/v1/chat/completions", &request).await.text();
            let (mut content, mut arguments) = (String::new(), String::new());
            for line in text.lines().filter_map(|line| line.strip_prefix("data: {")) {
                let document: Value = serde_json::from_str(&format!("{{{line}")).unwrap();
                let delta = &document["choices"][0]["delta"];
                content += delta["content"].as_str().unwrap_or_default();
                arguments += delta["tool_calls"][0]["function"]["arguments"].as_str().unwrap_or_default();
            }
            assert_eq!(content, said);
            assert_eq!(serde_json::from_str::<Value>(&arguments).unwrap()["to"], said);
        }
    });
    futures_util::future::join_all(calls).await;
}

#[tokio::test]
async fn placeholders_of_two_requests_differ() {
    let rig = rig("mask").await;
    rig.upstream.always(Some(Script::answer(200, "{}")));
    let request = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": CANARY}]});
    let mut seen = HashSet::new();
    for _ in 0..50 {
        rig.client().post("/v1/chat/completions", &request).await;
        assert!(seen.insert(placeholder(&rig.upstream.ledger().last().unwrap().body)));
    }
}
