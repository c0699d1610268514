//! The answer's side, bodies that come whole: what providers send is judged before it leaves.

use http::Method;
use llm_gateway::demo::{Encoding, Script};
use serde_json::{Value, json};

use super::{CANARY, assert_unseen, corpus::strings, escaped, rig};

/// Path, request, and an answer of which every string that is not named by [`is_fixed`] is text.
fn answers() -> Vec<(&'static str, Value, Value)> {
    let chat = json!([{"role": "user", "content": "Hello"}]);
    let contents = json!([{"role": "user", "parts": [{"text": "Hello"}]}]);
    vec![
        (
            "/v1/chat/completions",
            json!({"model": "gpt-4o", "messages": chat}),
            json!({"id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-4o", "choices": [
                {"index": 0, "message": {"role": "assistant", "content": "Hello", "refusal": "no", "reasoning_content": "hm",
                  "annotations": [{"type": "url_citation", "url_citation": {"url": "https://a.test", "title": "A"}}],
                  "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":\"b\"}"}}]},
                 "finish_reason": "stop"},
                {"index": 1, "message": {"content": "Bye"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3}}),
        ),
        (
            "/v1/responses",
            json!({"model": "gpt-4o", "input": "Hello"}),
            json!({"id": "resp_1", "object": "response", "status": "completed", "model": "gpt-4o", "instructions": "Be kind", "output": [
                {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "gAAAAABo"},
                {"type": "message", "id": "msg_1", "content": [{"type": "output_text", "text": "Hello", "annotations": []}]},
                {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{\"a\":\"b\"}"}]}),
        ),
        (
            "/v1/completions",
            json!({"model": "gpt-3.5-turbo-instruct", "prompt": "a"}),
            json!({"choices": [{"text": "b", "finish_reason": "stop"}]}),
        ),
        (
            "/v1/rerank",
            json!({"model": "rerank", "query": "a", "documents": ["b"]}),
            json!({"results": [{"index": 0, "document": {"text": "b"}}]}),
        ),
        (
            "/v1/images/generations",
            json!({"model": "gpt-image-1", "prompt": "a"}),
            json!({"data": [{"b64_json": "iVBORw0KGgo=", "revised_prompt": "b"}]}),
        ),
        (
            "/v1/messages",
            json!({"model": "claude-haiku-4-5-20251001", "max_tokens": 64, "messages": chat}),
            json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5-20251001", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "EqQBCgIYAhIM1gbcDa9G"},
                {"type": "text", "text": "Hello"},
                {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": "b"}}], "stop_reason": "end_turn"}),
        ),
        (
            "/v1beta/models/gemini-2.5-flash:generateContent",
            json!({"contents": contents}),
            json!({"candidates": [{"content": {"parts": [
                {"text": "Hello"}, {"functionCall": {"name": "f", "args": {"a": "b"}}, "thoughtSignature": "CiQBVKhc"}]},
                "finishReason": "STOP"}], "modelVersion": "gemini-2.5-flash"}),
        ),
        (
            "/api/chat",
            json!({"model": "llama3.2", "messages": chat, "stream": false}),
            json!({"model": "llama3.2", "message": {"role": "assistant", "content": "Hello", "thinking": "hm",
                "tool_calls": [{"function": {"name": "f", "arguments": {"a": "b"}}}]}, "done": true, "done_reason": "stop"}),
        ),
        (
            "/api/generate",
            json!({"model": "llama3.2", "prompt": "a", "stream": false}),
            json!({"response": "b", "done": true}),
        ),
        // An error echoes what it refuses.
        (
            "/v1/chat/completions",
            json!({"model": "gpt-4o", "messages": chat}),
            json!({"error": {"message": "bad input", "code": "x y"}}),
        ),
    ]
}

#[tokio::test]
async fn no_answer_shows_a_canary_whatever_field_and_encoding_it_comes_in() {
    let (redact, block) = (rig("redact").await, rig("block").await);
    for (path, request, answer) in answers() {
        for pointer in strings(&answer) {
            let mut answer = answer.clone();
            let old = answer.pointer(&pointer).unwrap().as_str().unwrap().to_owned();
            let is_json = serde_json::from_str::<Value>(&old).is_ok_and(|inner| inner.is_object());
            let planted = if is_json { json!({"a": CANARY}).to_string() } else { format!("{old} {CANARY} b") };
            *answer.pointer_mut(&pointer).unwrap() = json!(planted);
            let status = if answer.get("error").is_some() { 400 } else { 200 };
            let plain = answer.to_string();
            for sent in [plain.clone(), plain.replace(CANARY, &escaped(CANARY))] {
                for encoding in [None, Some(Encoding::Gzip)] {
                    let mut script =
                        Script::answer(status, sent.clone()).with_header("content-type", "application/json");
                    script.encoding = encoding;
                    redact.upstream.always(Some(script.clone()));
                    let got = redact.client().post(path, &request).await;
                    assert_eq!(
                        got.text(),
                        sent.replace(CANARY, "[REDACTED|EMAIL]").replace(&escaped(CANARY), "[REDACTED|EMAIL]"),
                        "{path} {pointer}"
                    );
                    assert_eq!(got.headers.get("content-encoding"), None);
                    assert_eq!(got.headers["content-length"], got.body.len().to_string());
                    block.upstream.always(Some(script));
                    let got = block.client().post(path, &request).await;
                    assert_eq!(got.status, 403, "{path} {pointer}: {}", got.text());
                    assert_unseen(&got.body, path);
                    assert!(got.text().contains("EMAIL in "), "{}", got.text());
                }
            }
        }
    }
}

#[tokio::test]
async fn an_answer_without_a_match_and_one_that_is_only_looked_at_pass_byte_for_byte() {
    for action in ["log", "redact", "mask", "block"] {
        let rig = rig(action).await;
        for (path, request, answer) in answers() {
            let mut sent = format!(" {}\n", serde_json::to_string_pretty(&answer).unwrap());
            if action == "log" {
                sent = sent.replace("Hello", CANARY);
            }
            for encoding in [None, Some(Encoding::Br)] {
                let mut script = Script::answer(200, sent.clone()).with_header("content-type", "application/json");
                script.encoding = encoding;
                rig.upstream.always(Some(script));
                let got = rig.client().post(path, &request).await;
                if encoding.is_none() || action != "log" {
                    assert_eq!(got.text(), sent, "{action} {path}");
                }
                assert_eq!(got.headers["content-length"], got.body.len().to_string());
            }
        }
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_not_passed_on() {
    let rig = rig("redact").await;
    let request = json!({"model": "gpt-4o", "messages": []});
    let odd = Script::answer(200, "{}").with_header("content-type", "application/json");
    let cases = [
        Script::answer(200, format!("{{\"choices\":[{{\"text\":\"{CANARY}\""))
            .with_header("content-type", "application/json"),
        Script::answer(200, format!("{{\"a\":\"{CANARY}\",\"a\":\"b\"}}"))
            .with_header("content-type", "application/json"),
        odd.with_header("content-encoding", "x-unknown"),
    ];
    for script in cases {
        rig.upstream.always(Some(script));
        let got = rig.client().post("/v1/chat/completions", &request).await;
        assert_eq!(got.code(500), "sanitizer_failed", "{}", got.text());
        assert_unseen(&got.body, "an unreadable answer");
    }
    // Text is text, media are media.
    let plain = Script::answer(200, format!("1\n{CANARY}\n")).with_header("content-type", "text/plain");
    rig.upstream.always(Some(plain));
    let client = rig.client().with("content-type", "multipart/form-data; boundary=b");
    let form = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b--\r\n";
    let got = client.send(Method::POST, "/v1/audio/transcriptions", Some(form.into())).await;
    assert_eq!(got.text(), "1\n[REDACTED|EMAIL]\n");
    let media = [b"\xff\xfb\x90 ", CANARY.as_bytes()].concat();
    rig.upstream.always(Some(Script::answer(200, media.clone()).with_header("content-type", "audio/mpeg")));
    let got = rig.client().post("/v1/audio/speech", &json!({"model": "tts-1", "input": "a", "voice": "alloy"})).await;
    assert_eq!(got.body, media);
}

#[tokio::test]
async fn bar_33_an_answer_that_must_be_json_is_judged_as_json_whatever_its_type_says() {
    let rig = rig("redact").await;
    let request = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "a"}]});
    let escaped = CANARY.replace('@', "\\u0040");
    let body =
        format!(r#"{{"choices":[{{"message":{{"role":"assistant","content":"{escaped}"}},"finish_reason":"stop"}}]}}"#);
    for kind in ["application/octet-stream", "image/png", "audio/mpeg", "text/plain", "multipart/mixed", "garbage"] {
        rig.upstream.always(Some(Script::answer(200, body.clone()).with_header("content-type", kind)));
        let got = rig.client().post("/v1/chat/completions", &request).await;
        assert_eq!(got.expect(200)["choices"][0]["message"]["content"], "[REDACTED|EMAIL]", "{kind}");
    }
    let page = format!("<html>{CANARY}</html>");
    rig.upstream.always(Some(Script::answer(200, page).with_header("content-type", "text/html")));
    let got = rig.client().post("/v1/chat/completions", &request).await;
    assert_eq!(got.code(500), "sanitizer_failed", "{}", got.text());
    assert_unseen(&got.body, "a page");
}

#[tokio::test]
async fn a_model_whose_name_would_have_to_change_is_refused() {
    let rig = rig("redact").await;
    let chat = json!([{"role": "user", "content": "a"}]);
    let gemini = format!("/v1beta/models/{CANARY}:generateContent");
    for (path, body) in [
        (gemini.as_str(), json!({"contents": [{"role": "user", "parts": [{"text": "a"}]}]})),
        ("/v1/chat/completions", json!({"model": CANARY, "messages": chat})),
        ("/v1/chat/completions", json!({"model": format!("openai/{CANARY}"), "messages": chat})),
    ] {
        let got = rig.client().post(path, &body).await;
        assert_eq!(got.status.as_u16(), 403, "{path}: {}", got.text());
        assert!(got.text().contains("in model"), "{path}: {}", got.text());
        assert_unseen(&got.body, path);
    }
    assert!(rig.upstream.ledger().last().is_none());
}
