//! The traps of real streams, from outside: whatever a provider does, the record tells the truth.

use http::Method;
use llm_gateway::demo::Script;
use serde_json::{Value, json};

use super::harness::gateway::start;

/// A stream after the providers' references and public recordings, and what its record must say:
/// input, cache read, output, reasoning (`-1`: unknown), finish reason, outcome, error kind.
struct Trap {
    name: &'static str,
    path: &'static str,
    body: &'static str,
    usage: [i64; 4],
    finish: &'static str,
    error: &'static str,
}

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";
const RESPONSES: &str = "/v1/responses";
const GEMINI: &str = "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse";

const fn trap(
    name: &'static str,
    path: &'static str,
    body: &'static str,
    usage: [i64; 4],
    ends: [&'static str; 2],
) -> Trap {
    Trap { name, path, body, usage, finish: ends[0], error: ends[1] }
}

const TRAPS: [Trap; 15] = [
    trap(
        "usage in a last chunk without choices",
        CHAT,
        "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":7,\"prompt_tokens_details\":{\"cached_tokens\":4},\"completion_tokens_details\":{\"reasoning_tokens\":3}}}\n\ndata: [DONE]\n\n",
        [10, 4, 7, 3],
        ["stop", ""],
    ),
    trap(
        "Azure begins with filter results",
        CHAT,
        "data: {\"choices\":[],\"model\":\"\",\"prompt_filter_results\":[]}\n\ndata: {\"model\":\"gpt-4o\",\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"length\"}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":7}}\n\ndata: [DONE]\n\n",
        [10, -1, 7, -1],
        ["length", ""],
    ),
    trap(
        "usage on the finish chunk, repeated finish reason, comments",
        CHAT,
        ": OPENROUTER PROCESSING\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":7}}\n\ndata: [DONE]\n\n",
        [10, -1, 7, -1],
        ["stop", ""],
    ),
    trap(
        "usage on every chunk and no DONE",
        CHAT,
        "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":1}}\r\n\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"y\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":7}}\r\n\r\n",
        [10, -1, 7, -1],
        ["stop", ""],
    ),
    trap(
        "usage in x_groq",
        CHAT,
        "data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}],\"x_groq\":{\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":7}}}\n\ndata: [DONE]\n\n",
        [10, -1, 7, -1],
        ["stop", ""],
    ),
    trap(
        "BOM, bare CR, data over lines",
        CHAT,
        "\u{feff}data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\rdata: \"finish_reason\":\"stop\"}],\rdata: \"usage\":{\"prompt_tokens\":10,\"completion_tokens\":7}}\r\rdata: [DONE]\r\r",
        [10, -1, 7, -1],
        ["stop", ""],
    ),
    trap(
        "an error amid the stream",
        CHAT,
        "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\ndata: {\"error\":{\"message\":\"overloaded\",\"code\":503},\"choices\":[{\"delta\":{},\"finish_reason\":\"error\"}]}\n\n",
        [-1, -1, -1, -1],
        ["error", "upstream_error"],
    ),
    trap(
        "cut off",
        CHAT,
        "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\ndata: {\"choi",
        [-1, -1, -1, -1],
        ["", "upstream_protocol"],
    ),
    trap(
        "cumulative usage replaces, input excludes cache, ping first",
        MESSAGES,
        "event: ping\ndata: {\"type\": \"ping\"}\n\nevent: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"usage\":{\"input_tokens\":5,\"cache_read_input_tokens\":4,\"output_tokens\":1}}  }\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"x\"}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"input_tokens\":6,\"cache_read_input_tokens\":4,\"output_tokens\":7}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        [10, 4, 7, -1],
        ["end_turn", ""],
    ),
    trap(
        "an error event amid the stream",
        MESSAGES,
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":10,\"output_tokens\":1}}}\n\nevent: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
        [10, -1, 1, -1],
        ["", "upstream_error"],
    ),
    trap(
        "keepalive and unknown items",
        RESPONSES,
        "event: keepalive\ndata: {\"type\":\"keepalive\"}\n\nevent: response.new_thing\ndata: {\"type\":\"response.new_thing\",\"item\":{\"type\":\"unheard\"}}\n\nevent: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"x\"}\n\nevent: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"usage\":{\"input_tokens\":10,\"input_tokens_details\":{\"cached_tokens\":4},\"output_tokens\":7,\"output_tokens_details\":{\"reasoning_tokens\":3}}}}\n\ndata: [DONE]\n\n",
        [10, 4, 7, 3],
        ["completed", ""],
    ),
    trap(
        "a failed response",
        RESPONSES,
        "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"x\"}}}\n\n",
        [-1, -1, -1, -1],
        ["failed", "upstream_error"],
    ),
    trap(
        "thoughts beside candidates, tool prompts beside the prompt",
        GEMINI,
        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}]}}],\"usageMetadata\":{\"promptTokenCount\":8,\"candidatesTokenCount\":1}}\r\n\r\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"y\"}]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":8,\"toolUsePromptTokenCount\":2,\"cachedContentTokenCount\":4,\"candidatesTokenCount\":4,\"thoughtsTokenCount\":3}}\r\n\r\n",
        [10, 4, 7, 3],
        ["STOP", ""],
    ),
    trap(
        "DeepSeek's cache hits",
        CHAT,
        "data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":7,\"prompt_cache_hit_tokens\":4,\"prompt_cache_miss_tokens\":6}}\n\ndata: [DONE]\n\n",
        [10, 4, 7, -1],
        ["stop", ""],
    ),
    trap(
        "an error body under 200",
        CHAT,
        "{\"error\":{\"message\":\"The server had an error\",\"type\":\"server_error\",\"code\":null}}",
        [-1, -1, -1, -1],
        ["", "upstream_error"],
    ),
];

#[tokio::test]
async fn every_trap_of_real_streams_leaves_one_true_record() {
    let rig = start().await;
    let mut wrong = Vec::new();
    for (number, trap) in TRAPS.iter().enumerate() {
        let kind = if trap.body.starts_with('{') { "application/json" } else { "text/event-stream" };
        let mut script = Script::stream([trap.body]).with_header("content-type", kind);
        script.status = Some(200);
        script.rechunk_bytes = Some(11);
        rig.upstream.script(script);
        let model = if trap.path == MESSAGES { "claude-sonnet-4-20250514" } else { "gpt-4o" };
        let mut request = json!({"model": model, "stream": true});
        if trap.path == CHAT {
            request["stream_options"] = json!({"include_usage": true});
        }
        let answer = rig.client().send(Method::POST, trap.path, Some(request.to_string().into())).await;
        assert_eq!(answer.text(), trap.body, "{}", trap.name);
        let record = rig.records_when(number + 1).await[0].clone();
        let fields = ["input_tokens", "cache_read_tokens", "output_tokens", "reasoning_tokens"];
        let known = |value: i64| if value < 0 { Value::Null } else { json!(value) };
        let text = |value: &str| if value.is_empty() { Value::Null } else { json!(value) };
        let mut expected: Vec<_> = fields.into_iter().zip(trap.usage.map(known)).collect();
        expected.push(("finish_reason", text(trap.finish)));
        expected.push(("error_kind", text(trap.error)));
        expected.push(("outcome", json!(if trap.error.is_empty() { "ok" } else { "error" })));
        for (field, value) in expected {
            if record[field] != value {
                wrong.push(format!("{}: {field} is {}, not {value}", trap.name, record[field]));
            }
        }
        if trap.error.is_empty() {
            assert!(record["ttft_ms"].is_number(), "{}: {record:#}", trap.name);
            assert!(record["cost_microcents"].as_i64().is_some_and(|cost| cost > 0), "{}: {record:#}", trap.name);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
