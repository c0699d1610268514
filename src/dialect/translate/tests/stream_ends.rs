//! How streams end: cut off by length, filtered, refused, stopped by a text. One golden file an end, every pair in
//! it, read by eye; each stream at every split of its bytes.

use super::{streams::translated, *};

/// What a provider streams that says "one two" and ends so; `None` where its API has no such end.
fn stream(provider: Api, end: &str) -> Option<String> {
    let sse = |events: &[String]| events.iter().map(|event| format!("data: {event}\n\n")).collect::<String>();
    match provider {
        Api::OpenaiChat => {
            let (delta, reason) = match end {
                "cut_off" => ("content", "length"),
                "filtered" => ("content", "content_filter"),
                "refused" => ("refusal", "stop"),
                _ => return None,
            };
            let choice = |choice: &str| format!(r#"{{"id":"c","model":"gpt-x","choices":[{{"index":0,{choice}}}]}}"#);
            Some(sse(&[
                choice(&format!(r#""delta":{{"role":"assistant","{delta}":"one "}}"#)),
                choice(&format!(r#""delta":{{"{delta}":"two"}}"#)),
                choice(&format!(r#""delta":{{}},"finish_reason":"{reason}""#)),
                r#"{"id":"c","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}"#
                    .to_owned(),
                "[DONE]".to_owned(),
            ]))
        }
        Api::OpenaiResponses => {
            let (kind, last) = match end {
                "cut_off" => {
                    ("output_text", r#""status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}"#)
                }
                "filtered" => {
                    ("output_text", r#""status":"incomplete","incomplete_details":{"reason":"content_filter"}"#)
                }
                "refused" => ("refusal", r#""status":"completed""#),
                _ => return None,
            };
            let name = if end == "refused" { "completed" } else { "incomplete" };
            let place = r#""output_index":0,"content_index":0"#;
            Some(sse(&[
                r#"{"type":"response.created","response":{"id":"resp_9","model":"gpt-x","status":"in_progress"}}"#.to_owned(),
                r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"message","id":"msg_1","role":"assistant","content":[]}}"#.to_owned(),
                format!(r#"{{"type":"response.{kind}.delta",{place},"delta":"one "}}"#),
                format!(r#"{{"type":"response.{kind}.delta",{place},"delta":"two"}}"#),
                r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"message","id":"msg_1"}}"#.to_owned(),
                format!(r#"{{"type":"response.{name}","response":{{"id":"resp_9",{last},"usage":{{"input_tokens":9,"output_tokens":2,"total_tokens":11}}}}}}"#),
            ]))
        }
        Api::Anthropic => {
            let reason = match end {
                "cut_off" => r#""stop_reason":"max_tokens","stop_sequence":null"#,
                "filtered" => r#""stop_reason":"refusal","stop_sequence":null"#,
                "stopped" => r#""stop_reason":"stop_sequence","stop_sequence":"END""#,
                _ => return None,
            };
            Some(sse(&[
                r#"{"type":"message_start","message":{"id":"msg_9","model":"claude-x","content":[],"usage":{"input_tokens":9,"output_tokens":1}}}"#.to_owned(),
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#.to_owned(),
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"one "}}"#.to_owned(),
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"two"}}"#.to_owned(),
                r#"{"type":"content_block_stop","index":0}"#.to_owned(),
                format!(r#"{{"type":"message_delta","delta":{{{reason}}},"usage":{{"output_tokens":2}}}}"#),
                r#"{"type":"message_stop"}"#.to_owned(),
            ]))
        }
        Api::Gemini => {
            let reason = match end {
                "cut_off" => "MAX_TOKENS",
                "filtered" => "SAFETY",
                _ => return None,
            };
            let part = |text: &str, more: &str| {
                format!(
                    r#"{{"candidates":[{{"content":{{"role":"model","parts":[{{"text":"{text}"}}]}},"index":0{more}}}]"#
                )
            };
            Some(sse(&[
                part("one ", "") + "}",
                part("two", &format!(r#","finishReason":"{reason}""#))
                    + r#","usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":2,"totalTokenCount":11}}"#,
            ]))
        }
        _ => {
            let line = |text: &str, more: &str| {
                format!(
                    "{{\"model\":\"llama\",\"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},{more}}}\n"
                )
            };
            let last = r#""done":true,"done_reason":"length","prompt_eval_count":9,"eval_count":2"#;
            let open = r#""done":false"#;
            (end == "cut_off").then(|| line("one ", open) + &line("two", open) + &line("", last))
        }
    }
}

#[test]
fn every_end_goes_from_every_provider_to_every_client_at_every_split() {
    for end in ["cut_off", "filtered", "refused", "stopped"] {
        let mut text = String::new();
        for provider in APIS {
            let Some(sent) = stream(provider, end) else { continue };
            for client in APIS {
                let whole = translated(provider, client, &[sent.as_bytes()]);
                for at in 0..=sent.len() {
                    let (first, second) = sent.as_bytes().split_at(at);
                    assert_eq!(
                        translated(provider, client, &[first, second]),
                        whole,
                        "{end} {provider:?} {client:?} {at}"
                    );
                }
                let out = String::from_utf8(whole).unwrap().replace("\r\n", "\n");
                assert!(out.contains("one ") && out.contains("two"), "{end} {provider:?} {client:?}: {out}");
                text += &format!("=== {} to {}\n{out}\n", provider.as_str(), client.as_str());
            }
        }
        golden(&format!("stream_end_{end}"), &text);
    }
}
