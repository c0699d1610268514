//! One document where a stream was asked for, and documents that are no answer at all.

use super::{replies::reply, streams::translated, *};

/// What the events of a client's stream say as text.
fn said(client: Api, out: &[u8]) -> String {
    let mut text = String::new();
    let mut take = |data: &[u8]| {
        let Ok(event) = serde_json::from_slice::<serde_json::Value>(data) else { return };
        let place = match client {
            Api::OpenaiChat => "/choices/0/delta/content",
            Api::OpenaiResponses if event["type"] == "response.output_text.delta" => "/delta",
            Api::Anthropic => "/delta/text",
            Api::Gemini if event.pointer("/candidates/0/content/parts/0/thought").is_none() => {
                "/candidates/0/content/parts/0/text"
            }
            Api::Ollama => "/message/content",
            _ => return,
        };
        text += event.pointer(place).and_then(serde_json::Value::as_str).unwrap_or_default();
    };
    if client == Api::Ollama {
        out.split(|byte| *byte == b'\n').for_each(take);
    } else {
        crate::dialect::sse::Reader::default().feed(out, |event| take(event.data));
    }
    text
}

#[test]
fn a_whole_answer_in_place_of_a_stream_is_streamed() {
    for provider in APIS {
        let body = reply(provider).as_bytes();
        for client in APIS {
            let whole = translated(provider, client, &[body]);
            assert_eq!(said(client, &whole), "Größe 😀.", "{provider:?} {client:?}");
            let text = String::from_utf8(whole.clone()).unwrap();
            assert!(text.contains("weather") && text.contains("I need both."), "{provider:?} {client:?}: {text}");
            assert!(!text.contains("error\":{"), "{provider:?} {client:?}: {text}");
            for at in (0..=body.len()).step_by(7) {
                let (first, second) = body.split_at(at);
                assert_eq!(translated(provider, client, &[first, second]), whole, "{provider:?} {client:?} at {at}");
            }
        }
    }
}

#[test]
fn geminis_list_is_read_like_its_events() {
    let events = super::streams::turn(Api::Gemini);
    let list = events.replace("\r\n\r\ndata: ", ",").replace("data: ", "[").trim_end().to_owned() + "]";
    for client in APIS {
        let whole = translated(Api::Gemini, client, &[events.as_bytes()]);
        assert_eq!(translated(Api::Gemini, client, &[list.as_bytes()]), whole, "{client:?}");
    }
}

#[test]
fn an_error_in_place_of_a_stream_keeps_its_meaning() {
    let rows = [
        (r#"{"error":{"message":"slow down","type":"rate_limit_error"}}"#, "rate_limit_exceeded", "rate_limit_error"),
        (r#"{"error":{"message":"slow down","code":429}}"#, "rate_limit_exceeded", "rate_limit_error"),
        (r#"{"type":"error","error":{"type":"overloaded_error","message":"busy"}}"#, "overloaded", "overloaded_error"),
        (r#"{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}"#, "overloaded", "overloaded_error"),
        (r#"[{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}]"#, "overloaded", "overloaded_error"),
        (
            r#"{"object":"error","message":"This model's maximum context length is 8 tokens","code":400}"#,
            "context_length_exceeded",
            "invalid_request_error",
        ),
        (r#"{"error":"prompt is too long"}"#, "context_length_exceeded", "invalid_request_error"),
        (r#"{"error":"out of memory"}"#, "server_error", "api_error"),
    ];
    for provider in [Api::OpenaiChat, Api::OpenaiResponses, Api::Anthropic, Api::Gemini] {
        for (body, code, kind) in rows {
            for (client, word) in [(Api::OpenaiChat, code), (Api::OpenaiResponses, code), (Api::Anthropic, kind)] {
                let out = String::from_utf8(translated(provider, client, &[body.as_bytes()])).unwrap();
                assert!(out.contains(&format!("\"{word}\"")), "{provider:?} {client:?} {body}: {out}");
            }
        }
    }
}

/// JSON that a provider may send for all we know, and that answers nothing.
const NO_ANSWERS: [&str; 7] = [
    "{}",
    "[]",
    "null",
    "\"fine\"",
    r#"{"status":"ok"}"#,
    r#"{"choices":[],"candidates":[]}"#,
    r#"{"choices":null,"content":null,"output":null,"candidates":null,"message":null}"#,
];

#[test]
fn what_is_no_answer_is_none() {
    for provider in APIS {
        for body in NO_ANSWERS {
            assert!(read_reply(provider, body, "n").is_err(), "{provider:?} {body}");
            for client in APIS {
                let out = String::from_utf8(translated(provider, client, &[body.as_bytes()])).unwrap();
                assert!(out.contains("error"), "{provider:?} {client:?} {body}: {out}");
                assert!(!out.contains("[DONE]") && !out.contains("response.completed"), "{out}");
            }
        }
    }
    for provider in [Api::OpenaiEmbeddings, Api::Gemini, Api::Ollama] {
        assert!(embedding::read_reply(provider, "{}").is_err(), "{provider:?}");
    }
    // A prompt that was refused, and an answer without a word, are answers.
    for (provider, body) in [
        (Api::Gemini, r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#),
        (Api::Anthropic, r#"{"type":"message","content":[],"stop_reason":"end_turn"}"#),
        (Api::OpenaiChat, r#"{"choices":[{"index":0,"message":{"content":null},"finish_reason":"stop"}]}"#),
        (Api::OpenaiResponses, r#"{"object":"response","status":"completed","output":[]}"#),
        (Api::Ollama, r#"{"message":{"role":"assistant","content":""},"done":true}"#),
    ] {
        assert_eq!(read_reply(provider, body, "n").unwrap().choices.len(), 1, "{provider:?}");
    }
}
