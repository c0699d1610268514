//! Streams: golden for each pair, the same at every split, errors in the client's words.

use super::*;

/// Thoughts, text and two calls, as each provider streams them.
pub(super) fn turn(provider: Api) -> &'static str {
    match provider {
        Api::OpenaiChat => concat!(
            "data: {\"id\":\"chatcmpl-9\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-x\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
            "data: {\"id\":\"chatcmpl-9\",\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"I need \"}}]}\n\n",
            "data: {\"id\":\"chatcmpl-9\",\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"both.\"}}]}\n\n",
            ": keep-alive\n\n",
            "data: {\"id\":\"chatcmpl-9\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Größe \"}}]}\n\n",
            "data: {\"id\":\"chatcmpl-9\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"😀.\"}}]}\n\n",
            "data: {\"id\":\"chatcmpl-9\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"weather\",\"arguments\":\"\"}}]}}]}\n\n",
            "data: {\"id\":\"chatcmpl-9\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"city\\\":\"}}]}}]}\n\n",
            "data: {\"id\":\"chatcmpl-9\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"\\\"Oslo\\\"}\"}}]}}]}\n\n",
            "data: {\"id\":\"chatcmpl-9\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"call_2\",\"type\":\"function\",\"function\":{\"name\":\"weather\",\"arguments\":\"{\\\"city\\\":\\\"Rome\\\"}\"}}]}}]}\n\n",
            "data: {\"id\":\"chatcmpl-9\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n",
            "data: {\"id\":\"chatcmpl-9\",\"choices\":[],\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":50,\"total_tokens\":150,\"prompt_tokens_details\":{\"cached_tokens\":40},\"completion_tokens_details\":{\"reasoning_tokens\":20}}}\n\n",
            "data: [DONE]\n\n",
        ),
        Api::OpenaiResponses => concat!(
            "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_9\",\"model\":\"gpt-x\",\"status\":\"in_progress\"}}\n\n",
            "data: {\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[]}}\n\n",
            "data: {\"type\":\"response.reasoning_summary_part.added\",\"output_index\":0,\"summary_index\":0,\"part\":{\"type\":\"summary_text\",\"text\":\"\"}}\n\n",
            "data: {\"type\":\"response.reasoning_summary_text.delta\",\"output_index\":0,\"summary_index\":0,\"delta\":\"I need both.\"}\n\n",
            "data: {\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"I need both.\"}],\"encrypted_content\":\"ENC\"}}\n\n",
            "data: {\"type\":\"response.output_item.added\",\"output_index\":1,\"item\":{\"type\":\"message\",\"id\":\"msg_1\",\"role\":\"assistant\",\"content\":[]}}\n\n",
            "data: {\"type\":\"response.output_text.delta\",\"output_index\":1,\"content_index\":0,\"delta\":\"Größe 😀.\"}\n\n",
            "data: {\"type\":\"response.output_text.done\",\"output_index\":1,\"content_index\":0,\"text\":\"Größe 😀.\"}\n\n",
            "data: {\"type\":\"response.output_item.done\",\"output_index\":1,\"item\":{\"type\":\"message\",\"id\":\"msg_1\"}}\n\n",
            "data: {\"type\":\"response.output_item.added\",\"output_index\":2,\"item\":{\"type\":\"function_call\",\"id\":\"fc_1\",\"call_id\":\"call_1\",\"name\":\"weather\",\"arguments\":\"\"}}\n\n",
            "data: {\"type\":\"response.function_call_arguments.delta\",\"output_index\":2,\"delta\":\"{\\\"city\\\":\"}\n\n",
            "data: {\"type\":\"response.function_call_arguments.delta\",\"output_index\":2,\"delta\":\"\\\"Oslo\\\"}\"}\n\n",
            "data: {\"type\":\"response.output_item.done\",\"output_index\":2,\"item\":{\"type\":\"function_call\",\"id\":\"fc_1\",\"call_id\":\"call_1\",\"name\":\"weather\",\"arguments\":\"{\\\"city\\\":\\\"Oslo\\\"}\"}}\n\n",
            "data: {\"type\":\"response.output_item.added\",\"output_index\":3,\"item\":{\"type\":\"function_call\",\"id\":\"fc_2\",\"call_id\":\"call_2\",\"name\":\"weather\",\"arguments\":\"\"}}\n\n",
            "data: {\"type\":\"response.output_item.done\",\"output_index\":3,\"item\":{\"type\":\"function_call\",\"id\":\"fc_2\",\"call_id\":\"call_2\",\"name\":\"weather\",\"arguments\":\"{\\\"city\\\":\\\"Rome\\\"}\"}}\n\n",
            "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_9\",\"status\":\"completed\",\"usage\":{\"input_tokens\":100,\"input_tokens_details\":{\"cached_tokens\":40},\"output_tokens\":50,\"output_tokens_details\":{\"reasoning_tokens\":20},\"total_tokens\":150}}}\n\n",
        ),
        Api::Anthropic => concat!(
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_9\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-x\",\"content\":[],\"usage\":{\"input_tokens\":60,\"cache_read_input_tokens\":40,\"cache_creation_input_tokens\":0,\"output_tokens\":1}}}\n\n",
            "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n",
            "event: ping\ndata: {\"type\":\"ping\"}\n\n",
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"I need both.\"}}\n\n",
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"SIG+/=\"}}\n\n",
            "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
            "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"redacted_thinking\",\"data\":\"RED\"}}\n\n",
            "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n",
            "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"text_delta\",\"text\":\"Größe \"}}\n\n",
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"text_delta\",\"text\":\"😀.\"}}\n\n",
            "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":2}\n\n",
            "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":3,\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"weather\",\"input\":{}}}\n\n",
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":3,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"\"}}\n\n",
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":3,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"city\\\":\"}}\n\n",
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":3,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"\\\"Oslo\\\"}\"}}\n\n",
            "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":3}\n\n",
            "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":4,\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_2\",\"name\":\"weather\",\"input\":{}}}\n\n",
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":4,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"city\\\":\\\"Rome\\\"}\"}}\n\n",
            "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":4}\n\n",
            "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":50}}\n\n",
            "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        ),
        Api::Gemini => concat!(
            "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"I need both.\",\"thought\": true}],\"role\": \"model\"},\"index\": 0}],\"usageMetadata\": {\"promptTokenCount\": 100,\"totalTokenCount\": 100},\"modelVersion\": \"gemini-x\",\"responseId\": \"r9\"}\r\n\r\n",
            "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"Größe 😀.\"}],\"role\": \"model\"},\"index\": 0}],\"modelVersion\": \"gemini-x\",\"responseId\": \"r9\"}\r\n\r\n",
            "data: {\"candidates\": [{\"content\": {\"parts\": [{\"functionCall\": {\"name\": \"weather\",\"args\": {\"city\": \"Oslo\"}},\"thoughtSignature\": \"U0lH\"},{\"functionCall\": {\"name\": \"weather\",\"args\": {\"city\": \"Rome\"}}}],\"role\": \"model\"},\"index\": 0}]}\r\n\r\n",
            "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"\"}],\"role\": \"model\"},\"finishReason\": \"STOP\",\"index\": 0}],\"usageMetadata\": {\"promptTokenCount\": 100,\"cachedContentTokenCount\": 40,\"candidatesTokenCount\": 30,\"thoughtsTokenCount\": 20,\"totalTokenCount\": 150}}\r\n\r\n",
        ),
        _ => concat!(
            "{\"model\":\"llama\",\"created_at\":\"2026-01-01T00:00:00Z\",\"message\":{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"I need both.\"},\"done\":false}\n",
            "{\"model\":\"llama\",\"message\":{\"role\":\"assistant\",\"content\":\"Größe \"},\"done\":false}\n",
            "{\"model\":\"llama\",\"message\":{\"role\":\"assistant\",\"content\":\"😀.\"},\"done\":false}\n",
            "{\"model\":\"llama\",\"message\":{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"weather\",\"arguments\":{\"city\":\"Oslo\"}}},{\"function\":{\"name\":\"weather\",\"arguments\":{\"city\":\"Rome\"}}}]},\"done\":false}\n",
            "{\"model\":\"llama\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":100,\"eval_count\":50}\n",
        ),
    }
}

pub(super) fn translated(provider: Api, client: Api, chunks: &[&[u8]]) -> Vec<u8> {
    let mut stream = Stream::new(provider, client, envelope());
    let mut out = Vec::new();
    chunks.iter().for_each(|chunk| stream.feed(chunk, &mut out));
    stream.finish(&mut out);
    out
}

#[test]
fn a_turn_with_calls_streams_from_every_provider_to_every_client() {
    for provider in APIS {
        let mut text = String::new();
        for client in APIS {
            let out = translated(provider, client, &[turn(provider).as_bytes()]);
            let out = String::from_utf8(out).unwrap().replace("\r\n", "\n");
            text += &format!("=== {} to {}\n{out}\n", provider.as_str(), client.as_str());
        }
        golden(&format!("stream_{}", provider.as_str()), &text);
    }
}

#[test]
fn a_stream_is_the_same_at_every_split() {
    for provider in APIS {
        let bytes = turn(provider).as_bytes();
        for client in APIS {
            let whole = translated(provider, client, &[bytes]);
            for at in 0..=bytes.len() {
                let (first, second) = bytes.split_at(at);
                assert_eq!(translated(provider, client, &[first, second]), whole, "{provider:?} {client:?} at {at}");
            }
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(translated(provider, client, &single), whole);
        }
    }
}

#[test]
fn the_first_event_of_a_provider_makes_one_for_the_client_at_once() {
    for provider in [Api::OpenaiChat, Api::OpenaiResponses, Api::Anthropic] {
        for client in [Api::OpenaiChat, Api::OpenaiResponses, Api::Anthropic] {
            let first = turn(provider).split_inclusive("\n\n").next().unwrap();
            let mut out = Vec::new();
            Stream::new(provider, client, envelope()).feed(first.as_bytes(), &mut out);
            assert!(!out.is_empty(), "{provider:?} {client:?}");
        }
    }
}

#[test]
fn a_stream_that_breaks_off_ends_with_the_clients_error_event() {
    for provider in APIS {
        let bytes = turn(provider).as_bytes();
        let cut = &bytes[..bytes.len() / 2];
        for client in APIS {
            let out = String::from_utf8(translated(provider, client, &[cut])).unwrap();
            let last = out.trim_end().rsplit(['\n']).next().unwrap();
            assert!(last.contains("error"), "{provider:?} {client:?}: {last}");
            assert!(!out.contains("[DONE]") && !out.contains("message_stop") && !out.contains("response.completed"));
        }
    }
}

#[test]
fn an_error_in_a_stream_keeps_its_meaning() {
    let overloaded = [
        (
            Api::OpenaiChat,
            "data: {\"error\":{\"message\":\"busy\",\"type\":\"server_error\",\"code\":\"overloaded\"}}\n\n",
        ),
        (Api::OpenaiResponses, "data: {\"type\":\"error\",\"code\":\"overloaded\",\"message\":\"busy\"}\n\n"),
        (
            Api::Anthropic,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n",
        ),
        (Api::Gemini, "data: {\"error\":{\"code\":503,\"message\":\"busy\",\"status\":\"UNAVAILABLE\"}}\r\n\r\n"),
    ];
    let words = [
        (Api::OpenaiChat, "\"overloaded\""),
        (Api::OpenaiResponses, "\"overloaded\""),
        (Api::Anthropic, "\"overloaded_error\""),
        (Api::Gemini, "\"UNAVAILABLE\""),
        (Api::Ollama, "\"busy\""),
    ];
    for (provider, event) in overloaded {
        for (client, word) in words {
            let out = String::from_utf8(translated(provider, client, &[event.as_bytes()])).unwrap();
            assert!(out.contains(word) && out.contains("busy"), "{provider:?} {client:?}: {out}");
        }
    }
}

#[test]
fn geminis_array_is_one_document() {
    for provider in APIS {
        for bytes in [turn(provider), ""] {
            let envelope = Envelope { gemini_sse: false, ..envelope() };
            let mut stream = Stream::new(provider, Api::Gemini, envelope);
            let mut out = Vec::new();
            stream.feed(bytes.as_bytes(), &mut out);
            stream.finish(&mut out);
            let list: Vec<serde_json::Value> = serde_json::from_slice(&out).unwrap();
            assert!(!list.is_empty());
        }
    }
}

#[test]
fn calls_that_are_mixed_end_the_stream_with_an_error() {
    let mixed = concat!(
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}}]}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"{\"}}]}}]}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"}\"}}]}}]}\n\n",
    );
    let out = String::from_utf8(translated(Api::OpenaiChat, Api::Anthropic, &[mixed.as_bytes()])).unwrap();
    assert!(out.ends_with("\n\n") && out.contains("event: error"), "{out}");
}
