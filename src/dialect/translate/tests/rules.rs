//! Rules that a golden file would not make plain: thinking across turns, defaults, ids, errors.

use serde_json::{Value, json};

use super::*;
use crate::{
    dialect::translate::answer::{Fault, FaultKind},
    domain::ApiFamily,
};

fn ask(client: Api, provider: Api, body: &Value, target: &Target) -> (Value, Dropped) {
    let mut dropped = Dropped::default();
    let request = read_request(client, &body.to_string(), &mut dropped).unwrap();
    let body = write_request(provider, &request, target, &mut dropped).unwrap();
    (serde_json::from_slice(&body).unwrap(), dropped)
}

/// What a client of Chat Completions sends back when it keeps nothing but text and calls.
#[test]
fn thoughts_survive_a_chat_client_that_keeps_only_ids() {
    for (provider, seal_path, seal) in [
        (Api::Anthropic, "/messages/1/content/0/signature", "SIG+/="),
        (Api::Gemini, "/contents/1/parts/1/thoughtSignature", "U0lH"),
        (Api::OpenaiResponses, "/input/1/encrypted_content", "ENC"),
    ] {
        let out = super::streams::translated(provider, Api::OpenaiChat, &[super::streams::turn(provider).as_bytes()]);
        let mut ids = Vec::new();
        crate::dialect::sse::Reader::default().feed(&out, |event| {
            let Ok(chunk) = serde_json::from_slice::<Value>(event.data) else { return };
            if let Some(id) = chunk.pointer("/choices/0/delta/tool_calls/0/id").and_then(Value::as_str) {
                ids.push(id.to_owned());
            }
        });
        let call =
            |id: &String| json!({"id": id, "type": "function", "function": {"name": "weather", "arguments": "{}"}});
        let result = |id: &String| json!({"role": "tool", "tool_call_id": id, "content": "ok"});
        let mut messages = vec![
            json!({"role": "user", "content": "go"}),
            json!({"role": "assistant", "content": "Größe 😀.", "tool_calls": ids.iter().map(call).collect::<Vec<_>>()}),
        ];
        messages.extend(ids.iter().map(result));
        let body = json!({"messages": messages, "reasoning_effort": "low", "tools": [{"type": "function", "function": {"name": "weather"}}]});
        let (written, dropped) = ask(Api::OpenaiChat, provider, &body, &target(Api::OpenaiChat));
        assert_eq!(written.pointer(seal_path).and_then(Value::as_str), Some(seal), "{provider:?} {written:#}");
        assert!(!written.to_string().contains("~gw1~"), "{written:#}");
        assert!(dropped.is_empty(), "{dropped}");
    }
}

#[test]
fn thoughts_survive_a_client_with_an_opaque_field() {
    // An Anthropic client on Gemini: the signature of the call comes back as a thinking block before it.
    let out = super::streams::translated(Api::Gemini, Api::Anthropic, &[super::streams::turn(Api::Gemini).as_bytes()]);
    let out = String::from_utf8(out).unwrap();
    assert!(out.contains(r#""signature":"gw1.g.U0lH""#), "{out}");
    let body = json!({"max_tokens": 9000, "messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "", "signature": "gw1.g.U0lH"},
            {"type": "tool_use", "id": "call_1", "name": "weather", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "ok"}]}]});
    let (written, _) = ask(Api::Anthropic, Api::Gemini, &body, &target(Api::Anthropic));
    assert_eq!(written.pointer("/contents/1/parts/0/thoughtSignature"), Some(&json!("U0lH")), "{written:#}");
    assert_eq!(written.pointer("/contents/1/parts/0/functionCall/name"), Some(&json!("weather")));
    assert_eq!(written.pointer("/contents/2/parts/0/functionResponse/name"), Some(&json!("weather")));
}

#[test]
fn tools_that_are_not_allowed_are_not_there() {
    let tool = |name: &str| json!({"type": "function", "name": name, "parameters": {"type": "object"}});
    let nested = |name: &str| json!({"type": "function", "function": {"name": name}});
    let bodies = [
        (
            Api::OpenaiResponses,
            json!({"input": "go", "tools": [tool("f"), tool("g")],
            "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "g"}]}}),
        ),
        (
            Api::OpenaiChat,
            json!({"messages": [{"role": "user", "content": "go"}], "tools": [nested("f"), nested("g")],
            "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [nested("g")]}}}),
        ),
    ];
    for (client, body) in bodies {
        let (written, dropped) = ask(client, Api::Anthropic, &body, &target(client));
        assert_eq!(written["tools"].as_array().unwrap().len(), 1, "{client:?} {written:#}");
        assert_eq!((&written["tools"][0]["name"], &written["tool_choice"]["type"]), (&json!("g"), &json!("auto")));
        assert!(dropped.is_empty(), "{dropped}");
    }
}

/// Google's client keeps each piece of a stream as a content of its own.
#[test]
fn what_a_gemini_client_got_in_pieces_is_whole_again() {
    let seal = "Z3cxLmEuU0lHQT09";
    let pieces = [
        json!({"text": "Let me ", "thought": true}),
        json!({"text": "see.", "thought": true}),
        json!({"text": "", "thought": true, "thoughtSignature": seal}),
        json!({"text": "I look"}),
        json!({"text": "\n\n"}),
        json!({"text": "it up."}),
        json!({"functionCall": {"id": "toolu_1", "name": "f", "args": {}}}),
    ];
    let apart: Vec<Value> = pieces.iter().map(|piece| json!({"role": "model", "parts": [piece]})).collect();
    let together = vec![json!({"role": "model", "parts": pieces})];
    for answer in [apart, together] {
        let mut contents = vec![json!({"role": "user", "parts": [{"text": "go"}]})];
        contents.extend(answer);
        contents.push(
            json!({"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "ok"}}}]}),
        );
        let body = json!({"contents": contents, "tools": [{"functionDeclarations": [{"name": "f"}]}],
            "generationConfig": {"maxOutputTokens": 9000, "thinkingConfig": {"thinkingBudget": 2000}}});
        let (written, dropped) = ask(Api::Gemini, Api::Anthropic, &body, &target(Api::Gemini));
        assert!(dropped.is_empty(), "{dropped}");
        let blocks = written.pointer("/messages/1/content").unwrap();
        assert_eq!(
            blocks[0],
            json!({"type": "thinking", "thinking": "Let me see.", "signature": "SIGA=="}),
            "{blocks:#}"
        );
        assert_eq!(blocks[1], json!({"type": "text", "text": "I look\n\nit up."}), "{blocks:#}");
        assert_eq!(blocks[2]["id"], "toolu_1");
    }
}

#[test]
fn thinking_is_left_out_where_the_provider_would_refuse_it() {
    let thoughtless = json!([{"role": "user", "content": "go"},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"role": "tool", "tool_call_id": "c", "content": "ok"}]);
    let user = json!([{"role": "user", "content": "go"}]);
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let rows = [
        (json!({"messages": thoughtless, "tools": tools, "reasoning_effort": "high"}), false),
        (json!({"messages": user, "tools": tools, "tool_choice": "required", "reasoning_effort": "high"}), false),
        (json!({"messages": user, "max_tokens": 1000, "reasoning_effort": "high"}), false),
        (json!({"messages": user, "tools": tools, "reasoning_effort": "high"}), true),
    ];
    for (body, thinks) in rows {
        let (written, dropped) = ask(Api::OpenaiChat, Api::Anthropic, &body, &target(Api::OpenaiChat));
        assert_eq!(written.get("thinking").is_some(), thinks, "{written:#}");
        assert_eq!(dropped.paths().contains(&"reasoning_effort".to_owned()), !thinks);
    }
    let by_effort = Target { thinks_by_effort: true, ..target(Api::OpenaiChat) };
    let body = json!({"messages": user, "reasoning_effort": "high"});
    let (written, _) = ask(Api::OpenaiChat, Api::Anthropic, &body, &by_effort);
    assert_eq!(written["thinking"], json!({"type": "adaptive"}));
    assert_eq!(written["output_config"], json!({"effort": "high"}));
}

#[test]
fn what_anthropic_demands_is_filled_in() {
    let empty = json!({"messages": [{"role": "system", "content": "Be brief."}]});
    let (written, _) = ask(Api::OpenaiChat, Api::Anthropic, &empty, &target(Api::OpenaiChat));
    assert_eq!(written["max_tokens"], 64_000);
    assert_eq!(written["messages"], json!([{"role": "user", "content": "."}]));
    let unknown = Target { max_output_tokens: None, ..target(Api::OpenaiChat) };
    assert_eq!(ask(Api::OpenaiChat, Api::Anthropic, &empty, &unknown).0["max_tokens"], 4_096);
    // A conversation that begins with the model, two users in a row, empty text, space at the end, tools that were
    // called before and are not offered any more.
    let odd = json!({"max_tokens": 100_000, "messages": [
        {"role": "assistant", "content": "I am here."}, {"role": "user", "content": "a"}, {"role": "user", "content": ""},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "odd id!", "type": "function", "function": {"name": "f", "arguments": "[1]"}}]},
        {"role": "tool", "tool_call_id": "odd id!", "content": ""}, {"role": "assistant", "content": "So "}]});
    let (written, _) = ask(Api::OpenaiChat, Api::Anthropic, &odd, &target(Api::OpenaiChat));
    assert_eq!(written["max_tokens"], 64_000);
    let id = written.pointer("/messages/3/content/0/id").cloned().unwrap();
    assert!(id.as_str().unwrap().starts_with("call_"));
    assert_eq!(
        written["messages"],
        json!([
        {"role": "user", "content": "."}, {"role": "assistant", "content": "I am here."},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": id, "name": "f", "input": {"INVALID_JSON": "[1]"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id}]},
        {"role": "assistant", "content": "So"}]),
        "{written:#}"
    );
    assert_eq!(written["tools"], json!([{"name": "f", "input_schema": {"type": "object"}}]));
    assert_eq!(written["tool_choice"], json!({"type": "none"}));
}

#[test]
fn results_find_their_calls_where_an_api_has_no_ids() {
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {}}}, {"function": {"name": "g", "arguments": {}}}]},
        {"role": "tool", "tool_name": "g", "content": "of g"}, {"role": "tool", "content": "of f"}]});
    let (written, _) = ask(Api::Ollama, Api::OpenaiChat, &body, &target(Api::Ollama));
    let ids = |pointer: &str| written.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
    assert_eq!(ids("/messages/2/tool_call_id"), ids("/messages/1/tool_calls/1/id"));
    assert_eq!(ids("/messages/3/tool_call_id"), ids("/messages/1/tool_calls/0/id"));
    // Gemini gets results in the order of the calls, whatever order they came in.
    let (written, _) = ask(Api::Ollama, Api::Gemini, &body, &target(Api::Ollama));
    assert_eq!(written.pointer("/contents/2/parts/0/functionResponse/name"), Some(&json!("f")));
    assert_eq!(written.pointer("/contents/2/parts/1/functionResponse/name"), Some(&json!("g")));
}

#[test]
fn errors_keep_their_meaning_in_every_direction() {
    let rows: [(u16, &str, FaultKind); 14] = [
        (
            429,
            r#"{"error":{"message":"m","type":"rate_limit_error","code":"rate_limit_exceeded"}}"#,
            FaultKind::RateLimit,
        ),
        (429, r#"{"error":{"message":"m","type":"insufficient_quota","code":"insufficient_quota"}}"#, FaultKind::Quota),
        (
            400,
            r#"{"error":{"message":"m","type":"invalid_request_error","code":"context_length_exceeded"}}"#,
            FaultKind::ContextTooLong,
        ),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}"#,
            FaultKind::ContextTooLong,
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"The input token count (9) exceeds the maximum number of tokens allowed","status":"INVALID_ARGUMENT"}}"#,
            FaultKind::ContextTooLong,
        ),
        (529, r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#, FaultKind::Overloaded),
        (503, r#"[{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}]"#, FaultKind::Overloaded),
        (429, r#"{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}"#, FaultKind::RateLimit),
        (404, r#"{"error":"model 'x' not found"}"#, FaultKind::NotFound),
        (400, r#"{"error":{"message":"m","code":"content_filter"}}"#, FaultKind::ContentFilter),
        (403, r#"{"type":"error","error":{"type":"permission_error","message":"m"}}"#, FaultKind::Permission),
        (413, r#"{"type":"error","error":{"type":"request_too_large","message":"m"}}"#, FaultKind::TooLarge),
        (502, "<html>bad gateway</html>", FaultKind::Server),
        (504, "", FaultKind::Timeout),
    ];
    for (status, body, kind) in rows {
        assert_eq!(fault::read(status, body.as_bytes()).kind, kind, "{body}");
    }
    // What is written reads back as the same, but for what an API has one word for.
    for (_, _, kind) in rows {
        for family in [ApiFamily::Openai, ApiFamily::Anthropic, ApiFamily::Gemini] {
            let message = if kind == FaultKind::ContextTooLong { "prompt is too long" } else { "m" };
            let (status, body) = fault::write(family, &Fault { kind, message: message.to_owned() }, "req_1");
            let again = fault::read(status, &body);
            assert_eq!(again.message, message);
            let is_merged = match family {
                ApiFamily::Openai => false,
                ApiFamily::Anthropic => kind == FaultKind::ContentFilter,
                _ => matches!(kind, FaultKind::ContentFilter | FaultKind::Quota | FaultKind::TooLarge),
            };
            assert!(again.kind == kind || is_merged, "{family:?} {kind:?} {:?}", again.kind);
        }
    }
}

#[test]
fn a_long_error_is_cut_at_a_character() {
    let body = json!({"error": {"message": "ü".repeat(9_000)}}).to_string();
    let fault = fault::read(400, body.as_bytes());
    assert!(fault.message.len() <= 4_096 && fault.message.ends_with('ü'));
}
