//! Hostile bytes: nothing panics, what is written stays well-formed.

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::*;

/// Keys and words of all dialects, so that what is drawn gets somewhere.
const WORDS: &[&str] = &[
    "messages",
    "role",
    "user",
    "assistant",
    "tool",
    "system",
    "model",
    "content",
    "type",
    "text",
    "input_text",
    "parts",
    "contents",
    "functionCall",
    "functionResponse",
    "name",
    "args",
    "id",
    "input",
    "tool_use",
    "tool_result",
    "tool_calls",
    "function",
    "arguments",
    "function_call",
    "call_id",
    "tool_use_id",
    "tool_call_id",
    "thinking",
    "signature",
    "thought",
    "thoughtSignature",
    "reasoning",
    "summary",
    "encrypted_content",
    "choices",
    "delta",
    "message",
    "index",
    "finish_reason",
    "stop",
    "usage",
    "prompt_tokens",
    "output_tokens",
    "candidates",
    "usageMetadata",
    "promptTokenCount",
    "done",
    "error",
    "content_block_start",
    "content_block",
    "content_block_delta",
    "text_delta",
    "partial_json",
    "input_json_delta",
    "item",
    "response.output_item.added",
    "response.output_text.delta",
    "response.completed",
    "response",
    "output",
    "status",
    "message_start",
    "message_delta",
    "message_stop",
    "stop_reason",
    "image",
    "source",
    "data",
    "media_type",
    "base64",
    "tools",
    "parameters",
    "input_schema",
    "tool_choice",
    "max_tokens",
    "a~gw1~YWJj",
    "gw1.x.y",
    "options",
    "images",
];

fn json() -> impl Strategy<Value = Value> {
    let word = || proptest::sample::select(WORDS).prop_map(str::to_owned);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::String),
        word().prop_map(Value::String),
    ];
    leaf.prop_recursive(6, 48, 6, move |inner| {
        let key = proptest::sample::select(WORDS).prop_map(str::to_owned);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec((key, inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn arbitrary_json_never_panics_and_what_comes_of_it_is_json(value in json()) {
        let body = value.to_string();
        for client in APIS {
            let mut dropped = Dropped::default();
            let Ok(request) = read_request(client, &body, &mut dropped) else { continue };
            for provider in APIS {
                if let Ok(body) = write_request(provider, &request, &target(client), &mut dropped) {
                    serde_json::from_slice::<Value>(&body).unwrap();
                }
            }
        }
        for provider in APIS {
            let Ok(reply) = read_reply(provider, &body, "n") else { continue };
            for client in APIS {
                let body = write_reply(client, &reply, &envelope(), &mut Dropped::default());
                serde_json::from_slice::<Value>(&body).unwrap();
            }
        }
        let fault = fault::read(400, body.as_bytes());
        for family in [crate::domain::ApiFamily::Openai, crate::domain::ApiFamily::Gemini] {
            serde_json::from_slice::<Value>(&fault::write(family, &fault, "r").1).unwrap();
        }
    }

    #[test]
    fn arbitrary_events_never_panic_and_what_comes_of_them_is_well_framed(values in proptest::collection::vec(json(), 0..6)) {
        for provider in APIS {
            for client in APIS {
                let mut stream = Stream::new(provider, client, envelope());
                let mut out = Vec::new();
                for value in &values {
                    let event = if provider == Api::Ollama { format!("{value}\n") } else { format!("data: {value}\n\n") };
                    stream.feed(event.as_bytes(), &mut out);
                }
                stream.finish(&mut out);
                if client == Api::Ollama {
                    for line in out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                        serde_json::from_slice::<Value>(line).unwrap();
                    }
                } else {
                    crate::dialect::sse::Reader::default().feed(&out, |event| {
                        if event.data != b"[DONE]" {
                            serde_json::from_slice::<Value>(event.data).unwrap();
                        }
                    });
                }
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for provider in APIS {
            let mut stream = Stream::new(provider, Api::OpenaiResponses, envelope());
            let mut out = Vec::new();
            stream.feed(&bytes, &mut out);
            stream.finish(&mut out);
            let _ = read_reply(provider, &String::from_utf8_lossy(&bytes), "n");
            let _ = read_request(provider, &String::from_utf8_lossy(&bytes), &mut Dropped::default());
            let _ = fault::read(500, &bytes);
        }
    }
}

#[test]
fn deep_nesting_is_no_recursion() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    for client in APIS {
        let body = format!(r#"{{"messages":{deep},"contents":{deep},"input":{deep},"tools":{deep}}}"#);
        assert!(read_request(client, &body, &mut Dropped::default()).is_err());
        let _ = read_reply(
            client,
            &format!(r#"{{"choices":{deep},"content":{deep},"candidates":{deep},"output":{deep}}}"#),
            "n",
        );
    }
}

#[test]
fn one_event_too_large_ends_the_stream() {
    for provider in APIS {
        let mut stream = Stream::new(provider, Api::Anthropic, envelope());
        let mut out = Vec::new();
        let piece = vec![b'x'; 1 << 20];
        if provider != Api::Ollama {
            stream.feed(b"data: ", &mut out);
        }
        for _ in 0..17 {
            stream.feed(&piece, &mut out);
        }
        stream.feed(b"\n\n", &mut out);
        stream.finish(&mut out);
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("event: error"), "{provider:?} {out}");
    }
}
