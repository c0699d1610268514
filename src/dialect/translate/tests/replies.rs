//! Whole answers.

use super::*;

pub(super) fn reply(provider: Api) -> &'static str {
    match provider {
        Api::OpenaiChat => {
            r#"{"id":"chatcmpl-9","object":"chat.completion","created":1,"model":"gpt-x","choices":[{"index":0,"message":{"role":"assistant","content":"Größe 😀.","reasoning_content":"I need both.","annotations":[{"type":"url_citation","url_citation":{"url":"https://a.example","title":"A","start_index":0,"end_index":5}}],"tool_calls":[{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}},{"id":"call_2","type":"function","function":{"name":"weather","arguments":"not json"}}]},"logprobs":{"content":[{"token":"G","logprob":-0.1,"bytes":null,"top_logprobs":[]}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,"prompt_tokens_details":{"cached_tokens":40},"completion_tokens_details":{"reasoning_tokens":20}},"service_tier":"default"}"#
        }
        Api::OpenaiResponses => {
            r#"{"id":"resp_9","object":"response","status":"completed","model":"gpt-x","output":[{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"I need both."}],"encrypted_content":"ENC"},{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"Größe 😀.","annotations":[{"type":"url_citation","url":"https://a.example","title":"A","start_index":0,"end_index":5}]}]},{"type":"function_call","id":"fc_1","call_id":"call_1","name":"weather","arguments":"{\"city\":\"Oslo\"}"}],"usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":40},"output_tokens":50,"output_tokens_details":{"reasoning_tokens":20},"total_tokens":150}}"#
        }
        Api::Anthropic => {
            r#"{"id":"msg_9","type":"message","role":"assistant","model":"claude-x","content":[{"type":"thinking","thinking":"I need both.","signature":"SIG+/="},{"type":"redacted_thinking","data":"RED"},{"type":"text","text":"Größe 😀.","citations":[{"type":"web_search_result_location","url":"https://a.example","title":"A","cited_text":"big","encrypted_index":"x"}]},{"type":"tool_use","id":"toolu_1","name":"weather","input":{"city":"Oslo"}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":60,"cache_read_input_tokens":40,"cache_creation_input_tokens":10,"cache_creation":{"ephemeral_5m_input_tokens":4,"ephemeral_1h_input_tokens":6},"output_tokens":50}}"#
        }
        Api::Gemini => {
            r#"{"candidates":[{"content":{"parts":[{"text":"I need both.","thought":true},{"text":"Größe 😀."},{"functionCall":{"name":"weather","args":{"city":"Oslo"}},"thoughtSignature":"U0lH"}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":100,"cachedContentTokenCount":40,"candidatesTokenCount":30,"thoughtsTokenCount":20,"totalTokenCount":150},"modelVersion":"gemini-x","responseId":"r9"}"#
        }
        _ => {
            r#"{"model":"llama","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"Größe 😀.","thinking":"I need both.","tool_calls":[{"function":{"name":"weather","arguments":{"city":"Oslo"}}}]},"done":true,"done_reason":"stop","prompt_eval_count":100,"eval_count":50}"#
        }
    }
}

#[test]
fn an_answer_goes_from_every_provider_to_every_client() {
    for provider in APIS {
        let mut text = String::new();
        for client in APIS {
            let read = read_reply(provider, reply(provider), "0198c0de").unwrap();
            let mut dropped = Dropped::default();
            let out = write_reply(client, &read, &envelope(), &mut dropped);
            text +=
                &format!("=== {} to {}\ndropped: {dropped}\n{}\n", provider.as_str(), client.as_str(), pretty(&out));
        }
        golden(&format!("reply_{}", provider.as_str()), &text);
    }
}

#[test]
fn a_reply_and_a_stream_of_the_same_say_the_same() {
    use crate::dialect::translate::conversation::Content;
    for provider in APIS {
        let whole = read_reply(provider, reply(provider), "0198c0de").unwrap();
        let choice = &whole.choices[0];
        let text = |content: &Content| match content {
            Content::Text { text, .. } => Some(text.clone()),
            _ => None,
        };
        assert_eq!(choice.parts.iter().filter_map(|part| text(&part.content)).collect::<String>(), "Größe 😀.");
        assert_eq!(whole.usage.input_tokens(), if provider == Api::Anthropic { Some(110) } else { Some(100) });
        assert_eq!(whole.usage.output_tokens(), Some(50));
        let out = super::streams::translated(provider, Api::OpenaiChat, &[super::streams::turn(provider).as_bytes()]);
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("\"finish_reason\":\"tool_calls\"") && out.contains("\"completion_tokens\":50"), "{out}");
    }
}
