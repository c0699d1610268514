//! Anthropic Messages.

use super::*;

fn messages(body: &str) -> Facts {
    read(Api::Anthropic, Endpoint::Messages, Framing::Sse, body)
}

const START: &str = concat!(
    "event: message_start\n",
    r#"data: {"type":"message_start","message":{"id":"msg_01","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"cache_creation_input_tokens":1500,"cache_read_input_tokens":12000,"cache_creation":{"ephemeral_5m_input_tokens":500,"ephemeral_1h_input_tokens":1000},"output_tokens":1,"service_tier":"standard"}}           }"#,
    "\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\n",
);
const TEXT: &str = concat!(
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}      }\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello!\"}   }\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0            }\n\n",
);
const END: &str = concat!(
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":12}               }\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"              }\n\n",
);

#[test]
fn input_excludes_the_cache_and_writes_are_split_by_lifetime() {
    let facts = messages(&[START, TEXT, END].concat());
    let usage = Usage {
        input: Some(3),
        cache_read: Some(12_000),
        cache_write_5m: Some(500),
        cache_write_1h: Some(1_000),
        output: Some(12),
        ..Usage::default()
    };
    assert_eq!(facts.usage, usage);
    assert_eq!(facts.model.as_deref(), Some("claude-sonnet-4-5-20250929"));
    assert_eq!(facts.response_id.as_deref(), Some("msg_01"));
    assert_eq!(facts.finish_reason.as_deref(), Some("end_turn"));
    assert_eq!(facts.service_tier.as_deref(), Some("standard"));
    assert_eq!(facts.output_text_bytes, 6);
    assert!(facts.ended);
}

#[test]
fn a_ping_and_an_empty_block_are_no_content() {
    assert!(!messages(START).content_started);
    let start = "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n";
    assert!(!messages(&[START, start].concat()).content_started);
    let tool = "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"f\",\"input\":{}}}\n\n";
    assert!(messages(&[START, tool].concat()).content_started);
}

#[test]
fn the_last_delta_replaces_even_input_figures() {
    // Server tools: several deltas, each cumulative, with more input than the start told.
    let delta = |input: u32, output: u32| {
        format!(
            "event: message_delta\ndata: {{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"end_turn\"}},\"usage\":{{\"input_tokens\":{input},\"cache_creation_input_tokens\":1600,\"cache_read_input_tokens\":13000,\"output_tokens\":{output},\"server_tool_use\":{{\"web_search_requests\":1}},\"output_tokens_details\":{{\"thinking_tokens\":20}}}}}}\n\n"
        )
    };
    let body = [
        START,
        TEXT,
        &delta(8_000, 100),
        &delta(10_682, 510),
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    ]
    .concat();
    let usage = Usage {
        input: Some(10_682),
        cache_read: Some(13_000),
        cache_write_5m: Some(600),
        cache_write_1h: Some(1_000),
        output: Some(490),
        reasoning: Some(20),
        ..Usage::default()
    };
    assert_eq!(messages(&body).usage, usage);
}

#[test]
fn thinking_and_tool_arguments_are_text() {
    let body = concat!(
        "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"abc\"}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"EqQBCgIYAhIM\"}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\\\"\"}}\n\n",
    );
    assert_eq!(messages(body).output_text_bytes, 3 + 4);
}

#[test]
fn a_whole_message_reports_the_same() {
    let body = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":"Hi"},{"type":"tool_use","id":"t","name":"n","input":{"text":"no"}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":25,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":40,"service_tier":"batch"}}"#;
    let facts = json(Api::Anthropic, Endpoint::Messages, body);
    assert_eq!(facts.usage.input_tokens(), Some(25));
    assert_eq!(facts.usage.output, Some(40));
    assert_eq!(facts.finish_reason.as_deref(), Some("tool_use"));
    assert_eq!(facts.service_tier.as_deref(), Some("batch"));
    assert_eq!(facts.output_text_bytes, 2);
    assert!(facts.ended);
}

#[test]
fn overload_midway_is_an_error_event() {
    let fault = "event: error\ndata: {\"type\": \"error\", \"error\": {\"type\": \"overloaded_error\", \"message\": \"Overloaded\"}}\n\n";
    let facts = messages(&[START, TEXT, fault].concat());
    assert_eq!(facts.error, error(ErrorKind::UpstreamError, Some(529), "Overloaded"));
    assert_eq!(facts.usage.input, Some(3));
    assert!(facts.ended);
}

#[test]
fn a_stream_cut_before_its_delta_counts_the_text_that_was_seen() {
    let long = format!(
        "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{}\"}}}}\n\n",
        "word ".repeat(80)
    );
    let mut facts = messages(&[START, &long].concat());
    assert!(!facts.ended);
    assert_eq!(facts.usage.output, Some(1));
    facts.estimate_missing(1_000_000);
    assert_eq!(facts.usage.output, Some(100));
    assert_eq!(facts.usage.input, Some(3), "what the provider reported stays");
    assert!(facts.usage.estimated);
}

#[test]
fn openrouter_ends_even_this_stream_with_done() {
    let facts = messages(&[START, TEXT, END, "data: [DONE]\n\n"].concat());
    assert_eq!(facts.usage.output, Some(12));
    assert!(facts.ended && facts.error.is_none());
}
