//! Plugins on the way of requests: the life cycle, those that are built in, and those that are the operator's own.

mod built_in;
mod examples;
mod own;
mod webhooks;

use llm_gateway::demo::{Chunk, Payload, Script};
use serde_json::{Value, json};

/// An answer of Chat Completions that says `text`.
fn chat_reply(text: &str) -> Script {
    let message = json!({"role": "assistant", "content": text});
    let body = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4.1",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 9, "total_tokens": 20},
        "system_fingerprint": "fp_1"
    });
    Script {
        status: Some(200),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: Some(Payload::Text(body.to_string())),
        ..Script::default()
    }
}

/// A stream of Chat Completions that says these pieces one after the other.
fn chat_stream(pieces: &[&str]) -> Script {
    let event = |delta: Value, finish: Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
        format!(
            "data: {}\n\n",
            json!({"id": "c", "object": "chat.completion.chunk", "model": "gpt-4.1", "choices": [choice]})
        )
    };
    let mut events = vec![event(json!({"role": "assistant"}), Value::Null)];
    events.extend(pieces.iter().map(|piece| event(json!({"content": piece}), Value::Null)));
    events.push(event(json!({}), json!("stop")));
    events.push(format!(
        "data: {}\n\n",
        json!({"id": "c", "object": "chat.completion.chunk", "model": "gpt-4.1",
        "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}})
    ));
    events.push("data: [DONE]\n\n".to_owned());
    let chunks = events.into_iter().map(|event| Chunk { payload: Payload::Text(event), after_ms: 0 });
    Script {
        status: Some(200),
        headers: vec![("content-type".to_owned(), "text/event-stream".to_owned())],
        chunks: Some(chunks.collect()),
        ..Script::default()
    }
}

/// The text that a stream of events says, whatever its API.
fn said(stream: &str) -> String {
    let mut text = String::new();
    for line in stream.lines().filter_map(|line| line.strip_prefix("data: ")) {
        let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
        let piece = event["choices"][0]["delta"]["content"].as_str().or(event["delta"]["text"].as_str());
        text.push_str(piece.unwrap_or_default());
    }
    text
}
