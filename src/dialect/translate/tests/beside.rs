//! What streams carry beside text and calls: sources, probabilities, several answers at once. One golden file for each,
//! every pair in it, read by eye; each stream at every split of its bytes.

use super::{streams::translated, *};

fn sse(events: &[&str]) -> String {
    events.iter().map(|event| format!("data: {event}\n\n")).collect()
}

/// A stream that has it; `None` where the API has no such thing.
fn stream(provider: Api, what: &str) -> Option<String> {
    let created = r#"{"type":"response.created","response":{"id":"resp_9","model":"gpt-x","status":"in_progress"}}"#;
    let done = r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"message"}}"#;
    let completed = r#"{"type":"response.completed","response":{"id":"resp_9","status":"completed"}}"#;
    Some(match (provider, what) {
        (Api::OpenaiChat, "sources") => sse(&[
            r#"{"id":"c","model":"gpt-x","choices":[{"index":0,"delta":{"role":"assistant","content":"one two"}}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{"annotations":[{"type":"url_citation","url_citation":{"url":"https://a.example","title":"A","start_index":0,"end_index":3}}]}}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
            "[DONE]",
        ]),
        (Api::OpenaiChat, "probabilities") => sse(&[
            r#"{"id":"c","model":"gpt-x","choices":[{"index":0,"delta":{"role":"assistant","content":"one"},"logprobs":{"content":[{"token":"one","logprob":-0.5,"bytes":null,"top_logprobs":[{"token":"[]","logprob":-1,"bytes":null}]}]}}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{"content":" two"},"logprobs":{"content":[{"token":" two","logprob":-0.25,"bytes":null,"top_logprobs":[]}]}}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
            "[DONE]",
        ]),
        (Api::OpenaiChat, "several") => sse(&[
            r#"{"id":"c","model":"gpt-x","choices":[{"index":0,"delta":{"role":"assistant","content":"one"}}]}"#,
            r#"{"id":"c","choices":[{"index":1,"delta":{"role":"assistant","content":"eins"}}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{"content":" two"}}]}"#,
            r#"{"id":"c","choices":[{"index":1,"delta":{"content":" zwei"}}]}"#,
            r#"{"id":"c","choices":[{"index":1,"delta":{},"finish_reason":"length"}]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
            "[DONE]",
        ]),
        (Api::Gemini, "several") => sse(&[
            r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"one"}]},"index":0},{"content":{"role":"model","parts":[{"text":"eins"}]},"index":1}],"modelVersion":"gemini-x"}"#,
            r#"{"candidates":[{"content":{"role":"model","parts":[{"text":" two"}]},"finishReason":"STOP","index":0},{"content":{"role":"model","parts":[{"text":" zwei"}]},"finishReason":"MAX_TOKENS","index":1}]}"#,
        ]),
        (Api::OpenaiResponses, "sources") => sse(&[
            created,
            r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"one two"}"#,
            r#"{"type":"response.output_text.annotation.added","output_index":0,"content_index":0,"annotation_index":0,"annotation":{"type":"url_citation","url":"https://a.example","title":"A","start_index":0,"end_index":3}}"#,
            done,
            completed,
        ]),
        (Api::OpenaiResponses, "probabilities") => sse(&[
            created,
            r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"one two","logprobs":[{"token":"one two","logprob":-0.5,"top_logprobs":[]}]}"#,
            done,
            completed,
        ]),
        (Api::Anthropic, "sources") => sse(&[
            r#"{"type":"message_start","message":{"id":"msg_9","model":"claude-x","content":[],"usage":{"input_tokens":9,"output_tokens":1}}}"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"one two"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{"type":"web_search_result_location","url":"https://a.example","title":"A","encrypted_index":"x","cited_text":"one"}}}"#,
            r#"{"type":"content_block_stop","index":0}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":2}}"#,
            r#"{"type":"message_stop"}"#,
        ]),
        _ => return None,
    })
}

/// What a client must find of it; where its API has no place there is nothing to find.
fn mark(client: Api, what: &str) -> Option<&'static str> {
    match (what, client) {
        ("sources", Api::OpenaiChat | Api::OpenaiResponses | Api::Anthropic) => Some("https://a.example"),
        ("probabilities", Api::OpenaiChat | Api::OpenaiResponses) => Some("\"logprob\":-0.5"),
        ("several", Api::OpenaiChat | Api::Gemini) => Some("zwei"),
        _ => None,
    }
}

#[test]
fn what_stands_beside_the_text_goes_to_every_client_that_has_a_place_at_every_split() {
    for what in ["sources", "probabilities", "several"] {
        let mut text = String::new();
        for provider in APIS {
            let Some(sent) = stream(provider, what) else { continue };
            for client in APIS {
                let whole = translated(provider, client, &[sent.as_bytes()]);
                for at in 0..=sent.len() {
                    let (first, second) = sent.as_bytes().split_at(at);
                    let split = translated(provider, client, &[first, second]);
                    assert_eq!(split, whole, "{what} {provider:?} {client:?} {at}");
                }
                let out = String::from_utf8(whole).unwrap().replace("\r\n", "\n");
                if let Some(mark) = mark(client, what) {
                    assert!(out.contains(mark), "{what} {provider:?} {client:?}: {out}");
                }
                assert!(out.contains("one") && out.contains("two"), "{what} {provider:?} {client:?}: {out}");
                text += &format!("=== {} to {}\n{out}\n", provider.as_str(), client.as_str());
            }
        }
        golden(&format!("stream_beside_{what}"), &text);
    }
}
