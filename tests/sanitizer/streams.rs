//! The answer's side, streams: what the room's own tests show of each dialect holds over sockets, with the
//! usage filter, the tally and the record in their places.

use llm_gateway::demo::{Encoding, Script};
use serde_json::{Value, json};

use super::{CANARY, assert_unseen, rig};
use crate::harness::gateway::start_with;

/// Path, request, content type, and a stream in which the canary comes one character an event.
fn streams() -> Vec<(&'static str, Value, &'static str, String)> {
    let chat = json!([{"role": "user", "content": "Hello"}]);
    let contents = json!([{"parts": [{"text": "Hello"}]}]);
    let each = |event: &dyn Fn(String) -> String| -> String {
        format!("to {CANARY}, ok").chars().map(|c| event(serde_json::to_string(&c).unwrap())).collect()
    };
    vec![
        (
            "/v1/chat/completions",
            json!({"model": "gpt-4o", "stream": true, "messages": chat}),
            "text/event-stream",
            each(&|c| format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{c}}}}}]}}\n\n"))
                + "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
                   data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n",
        ),
        (
            "/v1/responses",
            json!({"model": "gpt-4o", "stream": true, "input": "Hello"}),
            "text/event-stream",
            each(&|c| format!("event: response.output_text.delta\ndata: {{\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"delta\":{c}}}\n\n"))
                + &format!("event: response.completed\ndata: {{\"type\":\"response.completed\",\"response\":{{\"id\":\"r\",\"status\":\"completed\",\"output\":[{{\"content\":[{{\"text\":\"to {CANARY}, ok\"}}]}}],\"usage\":{{\"input_tokens\":3,\"output_tokens\":2}}}}}}\n\n"),
        ),
        (
            "/v1/messages",
            json!({"model": "claude-haiku-4-5-20251001", "max_tokens": 9, "stream": true, "messages": chat}),
            "text/event-stream",
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n".to_owned()
                + &each(&|c| format!("event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":{c}}}}}\n\n"))
                + "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n\
                   event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":2}}\n\n\
                   event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        ),
        (
            "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
            json!({"contents": contents}),
            "text/event-stream",
            each(&|c| format!("data: {{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":{c}}}]}}}}]}}\r\n\r\n"))
                + "data: {\"candidates\":[{\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":3,\"candidatesTokenCount\":2}}\r\n\r\n",
        ),
        (
            "/v1beta/models/gemini-2.5-flash:streamGenerateContent",
            json!({"contents": contents}),
            "application/json",
            "[".to_owned()
                + &each(&|c| format!("{{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":{c}}}]}}}}]}}\r\n,\r\n"))
                + "{\"candidates\":[{\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":3,\"candidatesTokenCount\":2}}\n]",
        ),
        (
            "/api/chat",
            json!({"model": "llama3.2", "messages": chat}),
            "application/x-ndjson",
            each(&|c| format!("{{\"message\":{{\"content\":{c}}},\"done\":false}}\n"))
                + "{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":3,\"eval_count\":2}\n",
        ),
    ]
}

/// All strings of all documents of a stream, in order: what a client can put together.
fn texts(body: &str) -> String {
    let strip = |line: &str| {
        line.trim_start_matches("data:")
            .trim()
            .trim_start_matches('[')
            .trim_matches(',')
            .trim_end_matches(']')
            .to_owned()
    };
    let documents: Vec<Value> = match serde_json::from_str::<Value>(body) {
        Ok(Value::Array(list)) => list,
        _ => body.lines().filter_map(|line| serde_json::from_str(&strip(line)).ok()).collect(),
    };
    let paths =
        ["/choices/0/delta/content", "/delta", "/delta/text", "/candidates/0/content/parts/0/text", "/message/content"];
    documents.iter().flat_map(|document| paths.iter().filter_map(|path| document.pointer(path)?.as_str())).collect()
}

fn script(kind: &str, body: &str, piece: usize) -> Script {
    let mut script = Script::stream([body.to_owned()]).with_header("content-type", kind);
    script.status = Some(200);
    script.rechunk_bytes = Some(piece);
    script
}

#[tokio::test]
async fn bar_30_a_secret_in_a_stream_is_caught_for_every_split_and_usage_is_counted() {
    let rig = rig("redact").await;
    let mut sent = 0;
    for (path, request, kind, body) in streams() {
        let mut whole = None;
        for piece in [1, 2, 3, 7, 64, 1_000_000] {
            for encoding in [None, Some(Encoding::Gzip)] {
                let mut script = script(kind, &body, piece);
                script.encoding = encoding;
                rig.upstream.script(script);
                let answer = rig.client().post(path, &request).await;
                sent += 1;
                assert_eq!(texts(&answer.text()), "to [REDACTED|EMAIL], ok", "{path}: {}", answer.text());
                assert_unseen(&answer.body, path);
                assert!(!answer.headers.contains_key("content-encoding"));
                assert!(!answer.text().contains("\"usage\":{\"prompt_tokens\""), "the usage that was not asked for");
                assert_eq!(*whole.get_or_insert(answer.body.clone()), answer.body, "{path} in pieces of {piece}");
            }
        }
    }
    for record in rig.records_when(sent).await {
        assert_eq!(record["outcome"], "ok", "{record:#}");
        assert_eq!((&record["input_tokens"], &record["output_tokens"]), (&json!(3), &json!(2)), "{record:#}");
    }
}

#[tokio::test]
async fn bar_30_a_stream_without_a_match_leaves_byte_for_byte() {
    for action in ["log", "redact", "mask", "block"] {
        let rig = rig(action).await;
        for (path, mut request, kind, body) in streams() {
            if path == "/v1/chat/completions" {
                request["stream_options"] = json!({"include_usage": true});
            }
            let body = if action == "log" { body } else { body.replace('@', "#").replace(CANARY, "#") };
            for piece in [1, 5, 1_000_000] {
                rig.upstream.script(script(kind, &body, piece));
                assert_eq!(rig.client().post(path, &request).await.text(), body, "{action} {path}");
            }
        }
    }
}

#[tokio::test]
async fn a_stream_that_is_blocked_ends_with_its_apis_error_event() {
    let rig = rig("block").await;
    let mut sent = 0;
    for (path, request, kind, body) in streams() {
        for piece in [1, 1_000_000] {
            rig.upstream.script(script(kind, &body, piece));
            let request = request.to_string();
            let answer = rig.client().open(http::Method::POST, path, Some(request.into())).await;
            sent += 1;
            let mut text = Vec::new();
            let mut stream = answer.into_body();
            while let Some(Ok(frame)) = http_body_util::BodyExt::frame(&mut stream).await {
                text.extend_from_slice(&frame.into_data().unwrap_or_default());
            }
            let text = String::from_utf8(text).unwrap();
            assert_eq!(texts(&text), "to ", "{path}: {text}");
            assert!(text.contains("refused by the sanitizer: EMAIL in "), "{path}: {text}");
            if kind == "application/json" {
                assert!(serde_json::from_str::<Value>(&text).is_ok(), "{text}");
            }
            assert!(!text.contains("acme"), "{text}");
        }
    }
    for record in rig.records_when(sent).await {
        assert_eq!(
            (&record["outcome"], &record["error_kind"]),
            (&json!("error"), &json!("content_blocked")),
            "{record:#}"
        );
    }
}

#[tokio::test]
async fn bar_33_a_stream_that_cannot_be_read_ends_when_it_would_have_to_be_edited() {
    let body = "data: {\"choices\":[{\"delta\":{\"content\":\"a b\"}}]}\n\ndata: no JSON\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"c\"}}]}\n\ndata: [DONE]\n\n";
    let request = json!({"model": "gpt-4o", "stream": true, "messages": [], "stream_options": {"include_usage": true}});
    for (action, passes) in [("log", true), ("redact", false)] {
        let rig = rig(action).await;
        rig.upstream.script(script("text/event-stream", body, 3));
        let text = rig.client().post("/v1/chat/completions", &request).await.text();
        assert_eq!(text == body, passes, "{action}: {text}");
        assert!(passes || (text.contains("sanitizer_failed") && !text.contains("no JSON")), "{text}");
    }
}

#[tokio::test]
async fn bar_33_a_stream_under_a_type_that_is_no_streams_is_refused_when_it_would_have_to_be_edited() {
    let body = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n";
    let request = json!({"model": "gpt-4o", "stream": true, "messages": [], "stream_options": {"include_usage": true}});
    for kind in ["text/plain", "application/octet-stream", "audio/mpeg"] {
        for (action, status) in [("log", 200), ("redact", 500), ("mask", 500), ("block", 500)] {
            let rig = rig(action).await;
            rig.upstream.script(script(kind, body, 7));
            let answer = rig.client().post("/v1/chat/completions", &request).await;
            assert_eq!(answer.status.as_u16(), status, "{kind} {action}: {}", answer.text());
            assert_eq!(answer.text() == body, status == 200, "{kind} {action}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn own_patterns_apply_to_the_side_they_name() {
    let more = "[sanitization]\nenabled = true\nscan_credentials = false\n\
        [[sanitization.patterns]]\nname = \"project\"\npattern = 'Falcon-\\d+'\nreplacement = \"<hidden \\\"name\\\">\"\napply_to = \"response\"\naction = \"redact\"\n";
    let rig = start_with(more).await;
    let body = "data: {\"choices\":[{\"delta\":{\"content\":\"Fal\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"con-17 \"}}]}\n\ndata: [DONE]\n\n";
    rig.upstream.script(script("text/event-stream", body, 3));
    let request = json!({"model": "gpt-4o", "stream": true, "messages": [{"role": "user", "content": "Falcon-1"}]});
    let answer = rig.client().post("/v1/chat/completions", &request).await;
    assert_eq!(texts(&answer.text()), "<hidden \"name\"> ");
    assert_eq!(rig.upstream.ledger().last().unwrap().json().unwrap()["messages"][0]["content"], "Falcon-1");
}
