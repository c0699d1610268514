//! OpenAI Responses.

use super::*;

fn stream(data: &[&str]) -> Facts {
    let body: String = data
        .iter()
        .map(|data| {
            let kind = data.split('"').nth(3).unwrap_or_default();
            format!("event: {kind}\ndata: {data}\n\n")
        })
        .collect();
    read(Api::OpenaiResponses, Endpoint::Responses, Framing::Sse, &body)
}

const CREATED: &str = r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":1,"status":"in_progress","background":false,"error":null,"incomplete_details":null,"instructions":null,"model":"gpt-5-2025-08-07","output":[],"parallel_tool_calls":true,"service_tier":"auto","usage":null}}"#;
const DELTA: &str = r#"{"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_1","output_index":1,"content_index":0,"delta":"Hello","logprobs":[],"obfuscation":"a"}"#;
const USAGE: &str = r#""usage":{"input_tokens":1037,"input_tokens_details":{"cached_tokens":1024,"cache_write_tokens":10},"output_tokens":1035,"output_tokens_details":{"reasoning_tokens":832},"total_tokens":2072}"#;

fn last(kind: &str, status: &str, rest: &str) -> String {
    format!(
        r#"{{"type":"response.{kind}","sequence_number":9,"response":{{"id":"resp_1","object":"response","status":"{status}","model":"gpt-5-2025-08-07","output":[{{"type":"message","content":[{{"type":"output_text","text":"Hello"}}]}}],"service_tier":"default",{rest}}}}}"#
    )
}

fn usage() -> Usage {
    Usage {
        input: Some(3),
        cache_read: Some(1024),
        cache_write_5m: Some(10),
        output: Some(203),
        reasoning: Some(832),
        ..Usage::default()
    }
}

#[test]
fn the_completed_event_has_the_usage_and_text_counts_once() {
    let facts = stream(&[CREATED, DELTA, &last("completed", "completed", &format!(r#""error":null,{USAGE}"#))]);
    assert_eq!(facts.usage, usage());
    assert_eq!(facts.response_id.as_deref(), Some("resp_1"));
    assert_eq!(facts.model.as_deref(), Some("gpt-5-2025-08-07"));
    assert_eq!(facts.finish_reason.as_deref(), Some("completed"));
    assert_eq!(facts.service_tier.as_deref(), Some("default"));
    assert_eq!(facts.output_text_bytes, 5);
    assert!(facts.ended && facts.content_started && facts.error.is_none());
}

#[test]
fn the_number_of_the_last_event_is_known() {
    assert_eq!(stream(&[CREATED, DELTA]).sequence_number, Some(4));
    assert_eq!(stream(&[]).sequence_number, None);
}

#[test]
fn an_incomplete_answer_ended_with_its_reason() {
    let rest = format!(r#""incomplete_details":{{"reason":"max_output_tokens"}},{USAGE}"#);
    let facts = stream(&[CREATED, DELTA, &last("incomplete", "incomplete", &rest)]);
    assert_eq!(facts.finish_reason.as_deref(), Some("max_output_tokens"));
    assert_eq!(facts.usage, usage());
    assert!(facts.ended);
}

#[test]
fn a_failed_answer_is_an_error() {
    let rest = r#""error":{"code":"server_error","message":"The model failed to generate a response."},"usage":null"#;
    let facts = stream(&[CREATED, &last("failed", "failed", rest)]);
    assert_eq!(facts.error, error(ErrorKind::UpstreamError, Some(500), "The model failed to generate a response."));
    assert!(facts.ended);
    assert!(facts.usage.is_unknown());
}

#[test]
fn an_error_event_tells_at_the_top_or_inside() {
    let top = r#"{"type":"error","code":"rate_limit_exceeded","message":"Slow down","param":null,"sequence_number":3}"#;
    assert_eq!(stream(&[CREATED, top]).error, error(ErrorKind::UpstreamRateLimit, Some(429), "Slow down"));
    let inside = r#"{"type":"error","sequence_number":3,"error":{"type":"invalid_request_error","code":"context_length_exceeded","message":"Too long","param":"input"}}"#;
    assert_eq!(stream(&[CREATED, inside]).error, error(ErrorKind::UpstreamRejected, Some(400), "Too long"));
}

#[test]
fn keepalives_and_unknown_items_pass() {
    let facts = stream(&[
        CREATED,
        r#"{"type":"keepalive","sequence_number":1}"#,
        r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[]}}"#,
        r#"{"type":"response.new_thing.delta","delta":{"x":1}}"#,
    ]);
    assert!(!facts.content_started && !facts.ended && facts.error.is_none());
    let tool = r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","id":"fc_1","call_id":"c","name":"f","arguments":""}}"#;
    assert!(stream(&[CREATED, tool]).content_started);
    let unknown =
        r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"never_seen_call","id":"x"}}"#;
    assert!(stream(&[CREATED, unknown]).content_started);
}

#[test]
fn audio_is_content_but_no_text() {
    let facts = stream(&[CREATED, r#"{"type":"response.audio.delta","delta":"UklGRg=="}"#]);
    assert_eq!((facts.content_started, facts.output_text_bytes), (true, 0));
    // The kind may come last.
    let facts = stream(&[CREATED, r#"{"delta":"UklGRg==","type":"response.audio.delta"}"#]);
    assert_eq!((facts.content_started, facts.output_text_bytes), (true, 0));
}

#[test]
fn a_line_longer_than_any_event_cap_is_still_read() {
    let image = "A".repeat(3 << 20);
    let rest =
        format!(r#""tools":["{image}"],"output":[{{"type":"image_generation_call","result":"{image}"}}],{USAGE}"#);
    let body = format!("event: response.completed\ndata: {}\n\n", last("completed", "completed", &rest));
    let mut tally = Tally::new(Api::OpenaiResponses, Endpoint::Responses, Framing::Sse);
    for chunk in body.as_bytes().chunks(16 << 10) {
        tally.feed(chunk);
    }
    assert_eq!(tally.facts().usage, usage());
    assert!(tally.facts().ended);
}

#[test]
fn a_whole_response_reports_the_same() {
    let body = format!(
        r#"{{"id":"resp_1","object":"response","status":"completed","error":null,"incomplete_details":null,"model":"gpt-5-2025-08-07","output":[{{"type":"reasoning","summary":[{{"type":"summary_text","text":"So"}}]}},{{"type":"message","content":[{{"type":"output_text","text":"Hello"}}]}},{{"type":"function_call","arguments":"{{}}"}}],{USAGE}}}"#
    );
    let facts = json(Api::OpenaiResponses, Endpoint::Responses, &body);
    assert_eq!(facts.usage, usage());
    assert_eq!(facts.finish_reason.as_deref(), Some("completed"));
    assert_eq!(facts.output_text_bytes, 2 + 5 + 2);
    assert!(facts.ended && facts.content_started);
}

#[test]
fn openrouter_ends_even_this_stream_with_done() {
    let completed = last("completed", "completed", USAGE);
    let body = format!("data: {CREATED}\n\ndata: {completed}\n\ndata: [DONE]\n\n");
    let facts = read(Api::OpenaiResponses, Endpoint::Responses, Framing::Sse, &body);
    assert_eq!(facts.usage, usage());
    assert!(facts.ended && facts.error.is_none());
}
