//! Chat Completions and its many dialects, embeddings, images, audio, rerank.

use super::*;

const DELTA: &str = r#"{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m-1","choices":[{"index":0,"delta":{"role":"assistant","content":"Hello"},"finish_reason":null}]}"#;
const FINISH: &str = r#"{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m-1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;

#[test]
fn openai_sends_usage_in_a_last_chunk_without_choices() {
    let facts = chat(&[
        r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"x"}"#,
        r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"delta":{"content":"H\u00e9llo \ud83d\ude00"},"logprobs":null,"finish_reason":null}],"usage":null}"#,
        r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}"#,
        r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini-2024-07-18","choices":[],"usage":{"prompt_tokens":2006,"completion_tokens":300,"total_tokens":2306,"prompt_tokens_details":{"cached_tokens":1920,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":64,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}"#,
        "[DONE]",
    ]);
    let usage = Usage {
        input: Some(86),
        cache_read: Some(1920),
        input_audio: Some(0),
        output: Some(236),
        reasoning: Some(64),
        output_audio: Some(0),
        ..Usage::default()
    };
    let expected = Facts {
        usage,
        model: Some("gpt-4o-mini-2024-07-18".into()),
        finish_reason: Some("stop".into()),
        response_id: Some("chatcmpl-1".into()),
        content_started: true,
        ended: true,
        error: None,
        provider_cost: None,
        sequence_number: None,
        service_tier: Some("default".into()),
        output_text_bytes: 11,
    };
    assert_eq!(facts, expected);
}

#[test]
fn usage_that_was_never_sent_is_unknown_and_not_zero() {
    let facts = chat(&[DELTA, FINISH, "[DONE]"]);
    assert_eq!(facts.usage, Usage::default());
    assert!(facts.usage.is_unknown());
    assert!(facts.ended);
}

#[test]
fn details_that_were_not_sent_stay_unknown() {
    let facts = chat(&[r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}"#]);
    assert_eq!(facts.usage, Usage { input: Some(5), output: Some(7), ..Usage::default() });
}

#[test]
fn a_role_and_empty_text_are_no_content_but_a_tool_call_is() {
    let role = r#"{"choices":[{"delta":{"role":"assistant","content":""}}]}"#;
    assert!(!chat(&[role]).content_started);
    let tool = r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":""}}]}}]}"#;
    let facts = chat(&[role, tool]);
    assert!(facts.content_started);
    assert_eq!(facts.output_text_bytes, 0);
    let arguments = r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":1}"}}]}}]}"#;
    assert_eq!(chat(&[role, tool, arguments]).output_text_bytes, 7);
}

#[test]
fn azure_begins_with_filter_results_and_an_empty_model() {
    let facts = chat(&[
        r#"{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]}"#,
        r#"{"choices":[{"content_filter_results":{},"delta":{"content":"Hi"},"finish_reason":null,"index":0}],"created":1,"id":"chatcmpl-2","model":"gpt-4o-2024-11-20","object":"chat.completion.chunk"}"#,
        r#"{"choices":[{"content_filter_results":{},"delta":{},"finish_reason":"stop","index":0}],"id":"chatcmpl-2","model":"gpt-4o-2024-11-20"}"#,
        r#"{"choices":[],"id":"chatcmpl-2","model":"gpt-4o-2024-11-20","usage":{"completion_tokens":9,"completion_tokens_details":null,"prompt_tokens":10,"prompt_tokens_details":null,"total_tokens":19}}"#,
        "[DONE]",
    ]);
    assert_eq!(facts.model.as_deref(), Some("gpt-4o-2024-11-20"));
    assert_eq!(facts.response_id.as_deref(), Some("chatcmpl-2"));
    assert_eq!(facts.usage, Usage { input: Some(10), output: Some(9), ..Usage::default() });
}

#[test]
fn an_error_body_under_status_200_is_an_error() {
    let body =
        r#"{"error":{"code":"content_filter","message":"The response was filtered","param":"prompt","type":null}}"#;
    let facts = json(Api::OpenaiChat, Endpoint::ChatCompletions, body);
    assert_eq!(facts.error, error(ErrorKind::UpstreamRejected, Some(400), "The response was filtered"));
    assert!(facts.ended);
    // The same body, announced as a stream.
    let facts = read(Api::OpenaiChat, Endpoint::ChatCompletions, Framing::Sse, &format!("\n {body}"));
    assert_eq!(facts.error, error(ErrorKind::UpstreamRejected, Some(400), "The response was filtered"));
}

#[test]
fn openrouter_comments_and_repeats_and_states_its_cost() {
    let body = format!(
        ": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n{}",
        events(&[
            DELTA,
            r#"{"id":"gen-1","provider":"Anthropic","model":"anthropic/claude","choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop","native_finish_reason":"end_turn"}]}"#,
            r#"{"id":"gen-1","provider":"Anthropic","model":"anthropic/claude","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":"stop","native_finish_reason":"end_turn"}],"usage":{"prompt_tokens":1194,"completion_tokens":2,"total_tokens":1196,"cost":1.2345e-4,"is_byok":false,"prompt_tokens_details":{"cached_tokens":1000,"cache_write_tokens":100,"audio_tokens":0,"video_tokens":0},"cost_details":{"upstream_inference_cost":null},"completion_tokens_details":{"reasoning_tokens":0,"image_tokens":0}}}"#,
            "[DONE]",
        ])
    );
    let facts = read(Api::OpenaiChat, Endpoint::ChatCompletions, Framing::Sse, &body);
    assert_eq!(facts.provider_cost, Some(Microcents(12_345)));
    assert_eq!(facts.finish_reason.as_deref(), Some("stop"));
    let usage = Usage {
        input: Some(94),
        cache_read: Some(1000),
        cache_write_5m: Some(100),
        input_audio: Some(0),
        output: Some(2),
        reasoning: Some(0),
        output_image: Some(0),
        ..Usage::default()
    };
    assert_eq!(facts.usage, usage);
}

#[test]
fn openrouter_fails_midway_in_a_chunk_with_error_and_choices() {
    let facts = chat(&[
        DELTA,
        r#"{"id":"gen-1","object":"chat.completion.chunk","model":"m","provider":"x","error":{"code":502,"message":"Provider disconnected unexpectedly","metadata":{"error_type":"provider_unavailable"}},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}"#,
    ]);
    assert_eq!(facts.error, error(ErrorKind::UpstreamError, Some(502), "Provider disconnected unexpectedly"));
    assert_eq!(facts.finish_reason.as_deref(), Some("error"));
    assert!(facts.ended);
}

#[test]
fn an_error_event_is_an_error_whatever_its_shape() {
    let read = |body: &str| super::read(Api::OpenaiChat, Endpoint::ChatCompletions, Framing::Sse, body).error;
    assert_eq!(
        read(
            "event: error\ndata: {\"error\":{\"message\":\"slow down\",\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}}\n\n"
        ),
        error(ErrorKind::UpstreamRateLimit, Some(429), "slow down")
    );
    assert_eq!(
        read("event: error\ndata: {\"message\":\"gone\",\"code\":503}\n\n"),
        error(ErrorKind::UpstreamError, Some(503), "gone")
    );
    assert_eq!(read("event: error\ndata: out of memory\n\n"), error(ErrorKind::UpstreamError, None, ""));
    assert_eq!(read("data: {\"error\":\"plain text\"}\n\n"), error(ErrorKind::UpstreamError, None, "plain text"));
    assert_eq!(
        read(
            "data: {\"object\":\"error\",\"message\":\"no\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"1700\"}\n\n"
        ),
        error(ErrorKind::UpstreamRejected, Some(400), "no")
    );
    assert_eq!(read("data: {\"error\":null,\"choices\":[]}\n\n"), None);
    assert_eq!(read("event: errors\ndata: {\"choices\":[]}\n\n"), None);
}

#[test]
fn groq_reports_in_x_groq_and_again_at_the_end() {
    let facts = chat(&[
        r#"{"id":"c1","model":"llama","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"x_groq":{"id":"req_1"}}"#,
        DELTA,
        r#"{"id":"c1","model":"llama","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"x_groq":{"id":"req_1","usage":{"queue_time":0.01,"prompt_tokens":18,"prompt_time":0.0007,"completion_tokens":556,"completion_time":0.46,"total_tokens":574,"total_time":0.463}}}"#,
        r#"{"id":"c1","model":"llama","choices":[],"usage":{"queue_time":0.01,"prompt_tokens":18,"completion_tokens":556,"total_tokens":574}}"#,
        "[DONE]",
    ]);
    assert_eq!(facts.usage, Usage { input: Some(18), output: Some(556), ..Usage::default() });
    // Without `include_usage` the first of the two is all there is.
    let facts = chat(&[r#"{"choices":[],"x_groq":{"usage":{"prompt_tokens":18,"completion_tokens":5}}}"#]);
    assert_eq!(facts.usage.output, Some(5));
    let facts = chat(&[DELTA, r#"{"choices":[],"x_groq":{"id":"req_1","error":"over capacity"}}"#]);
    assert_eq!(facts.error, error(ErrorKind::UpstreamError, None, "over capacity"));
}

#[test]
fn deepseek_and_mistral_report_on_the_finish_chunk_with_cache_names_of_their_own() {
    let deepseek = chat(&[
        r#"{"id":"d1","model":"deepseek-reasoner","choices":[{"index":0,"delta":{"content":null,"reasoning_content":"Hmm"},"finish_reason":null}],"usage":null}"#,
        r#"{"id":"d1","model":"deepseek-reasoner","choices":[{"index":0,"delta":{"content":"","reasoning_content":null},"finish_reason":"stop"}],"usage":{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,"prompt_tokens_details":{"cached_tokens":64},"completion_tokens_details":{"reasoning_tokens":40},"prompt_cache_hit_tokens":64,"prompt_cache_miss_tokens":36}}"#,
        "[DONE]",
    ]);
    let usage =
        Usage { input: Some(36), cache_read: Some(64), output: Some(10), reasoning: Some(40), ..Usage::default() };
    assert_eq!(deepseek.usage, usage);
    assert_eq!(deepseek.output_text_bytes, 3);
    let mistral = chat(&[
        r#"{"id":"m1","model":"magistral","choices":[{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm"}]},{"type":"text","text":"Yes"}]},"finish_reason":null}]}"#,
        r#"{"id":"m1","model":"magistral","choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":1013,"total_tokens":1043,"completion_tokens":30,"num_cached_tokens":1008,"prompt_tokens_details":{"cached_tokens":0}}}"#,
        "[DONE]",
    ]);
    assert_eq!(mistral.output_text_bytes, 5);
    assert_eq!(mistral.usage, Usage { input: Some(5), cache_read: Some(1008), output: Some(30), ..Usage::default() });
}

#[test]
fn moonshot_reports_inside_of_the_choice() {
    let facts = chat(&[
        DELTA,
        r#"{"id":"c1","model":"kimi-k2","choices":[{"index":0,"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":19,"completion_tokens":13,"total_tokens":32,"cached_tokens":9}}]}"#,
        "[DONE]",
    ]);
    assert_eq!(facts.usage, Usage { input: Some(10), cache_read: Some(9), output: Some(13), ..Usage::default() });
}

#[test]
fn perplexity_reports_on_every_chunk_and_sends_no_done() {
    let chunk = |text: &str, finish: &str, tokens: u32| {
        format!(
            r#"{{"id":"p1","model":"sonar","object":"chat.completion.chunk","usage":{{"prompt_tokens":8,"completion_tokens":{tokens},"total_tokens":{},"search_context_size":"low","cost":{{"input_tokens_cost":8e-06,"output_tokens_cost":0.00003,"request_cost":0.005,"total_cost":0.0050{tokens}}}}},"choices":[{{"index":0,"finish_reason":{finish},"message":{{"role":"assistant","content":""}},"delta":{{"role":"assistant","content":"{text}"}}}}]}}"#,
            8 + tokens
        )
    };
    let (first, second, last) = (chunk("a", "null", 1), chunk("b", "null", 2), chunk("", "\"stop\"", 30));
    let facts = chat(&[&first, &second, &last]);
    assert_eq!(facts.usage, Usage { input: Some(8), output: Some(30), ..Usage::default() });
    assert_eq!(facts.provider_cost, Some(Microcents(503_000)));
    assert!(facts.ended);
    assert!(!chat(&[&first, &second]).ended);
}

#[test]
fn perplexity_research_counts_reasoning_outside_of_everything() {
    let body = r#"{"choices":[{"finish_reason":"stop","message":{"content":"x"}}],"usage":{"prompt_tokens":33,"completion_tokens":7163,"total_tokens":7196,"citation_tokens":19028,"num_search_queries":18,"reasoning_tokens":5028}}"#;
    let usage = json(Api::OpenaiChat, Endpoint::ChatCompletions, body).usage;
    assert_eq!((usage.input, usage.output, usage.reasoning), (Some(33), Some(7163), Some(5028)));
}

#[test]
fn xai_leaves_reasoning_out_of_its_completion_tokens() {
    let facts = chat(&[
        DELTA,
        r#"{"id":"x1","model":"grok-4","choices":[],"usage":{"prompt_tokens":32,"completion_tokens":9,"total_tokens":135,"prompt_tokens_details":{"text_tokens":32,"audio_tokens":0,"image_tokens":0,"cached_tokens":6},"completion_tokens_details":{"reasoning_tokens":94,"audio_tokens":0},"num_sources_used":0,"cost_in_usd_ticks":37756000}}"#,
        "[DONE]",
    ]);
    assert_eq!((facts.usage.output, facts.usage.reasoning), (Some(9), Some(94)));
    assert_eq!((facts.usage.input, facts.usage.cache_read), (Some(26), Some(6)));
    assert_eq!(facts.provider_cost, Some(Microcents(377_560)));
}

#[test]
fn thoughts_that_only_the_total_shows_are_reasoning() {
    // Gemini's OpenAI-compatible endpoint.
    let body = r#"{"choices":[{"finish_reason":"stop","message":{"content":"x"}}],"usage":{"completion_tokens":198,"prompt_tokens":20,"total_tokens":623}}"#;
    let usage = json(Api::OpenaiChat, Endpoint::ChatCompletions, body).usage;
    assert_eq!((usage.input, usage.output, usage.reasoning), (Some(20), Some(198), Some(405)));
}

#[test]
fn audio_is_carved_out_of_both_totals() {
    let body = r#"{"id":"a","model":"gpt-audio","choices":[{"message":{"content":null,"audio":{"id":"x","data":"UklGRg==","transcript":"Hi there"}},"finish_reason":"stop"}],"usage":{"prompt_tokens":120,"completion_tokens":90,"total_tokens":210,"prompt_tokens_details":{"audio_tokens":100,"cached_tokens":0,"text_tokens":20,"image_tokens":0},"completion_tokens_details":{"audio_tokens":70,"reasoning_tokens":0,"text_tokens":20}}}"#;
    let facts = json(Api::OpenaiChat, Endpoint::ChatCompletions, body);
    assert_eq!((facts.usage.input, facts.usage.input_audio), (Some(20), Some(100)));
    assert_eq!((facts.usage.output, facts.usage.output_audio), (Some(20), Some(70)));
    assert_eq!(facts.output_text_bytes, 8);
}

#[test]
fn impossible_details_never_go_below_zero() {
    let body = r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":5,"total_tokens":10,"prompt_tokens_details":{"cached_tokens":9,"audio_tokens":9},"completion_tokens_details":{"audio_tokens":9}}}"#;
    let usage = json(Api::OpenaiChat, Endpoint::ChatCompletions, body).usage;
    assert_eq!(usage.input_tokens(), Some(5));
    assert_eq!(usage.output_tokens(), Some(5));
}

#[test]
fn figures_that_are_no_counts_are_unknown() {
    for (digits, input) in [
        ("12", Some(12)),
        ("12.0", Some(12)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", None),
        ("-1", None),
        ("1.5", None),
        ("1e3", None),
        ("\"7\"", None),
        ("null", None),
        ("true", None),
    ] {
        let body = format!(r#"{{"choices":[],"usage":{{"prompt_tokens":{digits},"completion_tokens":1}}}}"#);
        assert_eq!(json(Api::OpenaiChat, Endpoint::ChatCompletions, &body).usage.input, input, "{digits}");
    }
}

#[test]
fn a_stream_that_was_cut_off_has_not_ended() {
    let facts = chat(&[DELTA, DELTA]);
    assert!(!facts.ended);
    // The last event lacks its blank line, as some servers leave it.
    let body = format!("data: {DELTA}\n\ndata: [DONE]");
    assert!(read(Api::OpenaiChat, Endpoint::ChatCompletions, Framing::Sse, &body).ended);
}

#[test]
fn what_was_cut_off_is_estimated_and_marked() {
    let mut facts = chat(&[DELTA, DELTA]);
    facts.estimate_missing(101);
    assert_eq!(facts.usage, Usage { input: Some(101), output: Some(3), estimated: true, ..Usage::default() });
    let mut whole =
        chat(&[DELTA, r#"{"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":7}}"#]);
    whole.estimate_missing(1_000);
    assert_eq!(whole.usage, Usage { input: Some(5), output: Some(7), ..Usage::default() });
}

#[test]
fn a_finish_reason_is_not_the_end_while_the_usage_may_follow() {
    let mut facts = chat(&[DELTA, FINISH]);
    assert!(!facts.ended);
    facts.estimate_missing(10);
    assert_eq!(facts.usage, Usage { input: Some(10), output: Some(2), estimated: true, ..Usage::default() });
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}"#;
    assert!(chat(&[DELTA, FINISH, usage]).ended);
}

#[test]
fn embeddings_and_rerank_put_out_nothing() {
    let vector = format!("[{}]", ["-0.0123456"; 64].join(","));
    let openai = format!(
        r#"{{"object":"list","data":[{{"object":"embedding","index":0,"embedding":{vector}}}],"model":"text-embedding-3-small","usage":{{"prompt_tokens":8,"total_tokens":8}}}}"#
    );
    let facts = json(Api::OpenaiEmbeddings, Endpoint::Embeddings, &openai);
    assert_eq!(facts.usage, Usage { input: Some(8), output: Some(0), ..Usage::default() });
    assert_eq!(facts.model.as_deref(), Some("text-embedding-3-small"));
    assert!(facts.ended);
    let voyage = r#"{"object":"list","data":[],"model":"voyage-3","usage":{"total_tokens":10}}"#;
    assert_eq!(json(Api::OpenaiEmbeddings, Endpoint::Embeddings, voyage).usage.input, Some(10));
    let cohere = r#"{"id":"r","results":[{"index":1,"relevance_score":0.9}],"meta":{"billed_units":{"search_units":1},"tokens":{"input_tokens":42}}}"#;
    let facts = json(Api::Openai, Endpoint::Rerank, cohere);
    assert_eq!(facts.usage, Usage { input: Some(42), output: Some(0), ..Usage::default() });
    let unknown = r#"{"id":"r","results":[],"meta":{"billed_units":{"search_units":1}}}"#;
    assert!(json(Api::Openai, Endpoint::Rerank, unknown).usage.is_unknown());
}

#[test]
fn images_count_text_and_image_tokens_apart() {
    let body = r#"{"created":1,"data":[{"b64_json":"aGVsbG8="}],"usage":{"input_tokens":50,"input_tokens_details":{"image_tokens":40,"text_tokens":10},"output_tokens":272,"total_tokens":322}}"#;
    let usage =
        Usage { input: Some(10), input_image: Some(40), output: Some(0), output_image: Some(272), ..Usage::default() };
    let facts = json(Api::Openai, Endpoint::Images, body);
    assert_eq!(facts.usage, usage);
    assert_eq!((facts.content_started, facts.output_text_bytes), (true, 0));
    let stream = concat!(
        "event: image_generation.partial_image\ndata: {\"type\":\"image_generation.partial_image\",\"b64_json\":\"aGk=\",\"partial_image_index\":0}\n\n",
        "event: image_generation.completed\ndata: {\"type\":\"image_generation.completed\",\"b64_json\":\"aGk=\",\"usage\":{\"total_tokens\":322,\"input_tokens\":50,\"output_tokens\":272,\"input_tokens_details\":{\"text_tokens\":10,\"image_tokens\":40}}}\n\n",
    );
    let facts = read(Api::Openai, Endpoint::Images, Framing::Sse, stream);
    assert_eq!(facts.usage, usage);
    assert!(facts.ended);
}

#[test]
fn transcriptions_count_tokens_or_do_not_know() {
    let tokens = r#"{"text":"Hello","usage":{"type":"tokens","input_tokens":14,"input_token_details":{"text_tokens":4,"audio_tokens":10},"output_tokens":45,"total_tokens":59}}"#;
    let facts = json(Api::Openai, Endpoint::Audio, tokens);
    assert_eq!(facts.usage, Usage { input: Some(4), input_audio: Some(10), output: Some(45), ..Usage::default() });
    assert_eq!(facts.output_text_bytes, 5);
    let seconds = r#"{"text":"Hello","usage":{"type":"duration","seconds":9}}"#;
    assert!(json(Api::Openai, Endpoint::Audio, seconds).usage.is_unknown());
    let stream = concat!(
        "data: {\"type\":\"transcript.text.delta\",\"delta\":\"Hel\"}\n\n",
        "data: {\"type\":\"transcript.text.done\",\"text\":\"\",\"usage\":{\"type\":\"tokens\",\"input_tokens\":14,\"output_tokens\":45}}\n\n",
    );
    assert!(read(Api::Openai, Endpoint::Audio, Framing::Sse, stream).ended);
}

#[test]
fn speech_puts_out_audio() {
    let stream = concat!(
        "data: {\"type\":\"speech.audio.delta\",\"audio\":\"UklGRg==\"}\n\n",
        "data: {\"type\":\"speech.audio.done\",\"usage\":{\"input_tokens\":14,\"output_tokens\":101,\"total_tokens\":115}}\n\n",
    );
    let facts = read(Api::Openai, Endpoint::Audio, Framing::Sse, stream);
    let usage = Usage { input: Some(14), output: Some(0), output_audio: Some(101), ..Usage::default() };
    assert_eq!(facts.usage, usage);
    assert_eq!((facts.ended, facts.content_started, facts.output_text_bytes), (true, true, 0));
}

#[test]
fn a_batch_that_is_asked_after_uses_nothing() {
    let body = r#"{"id":"batch_1","object":"batch","status":"completed","usage":{"input_tokens":1500,"output_tokens":500,"total_tokens":2000}}"#;
    assert!(json(Api::Openai, Endpoint::Batches, body).usage.is_unknown());
}

#[test]
fn hostile_names_are_cut() {
    let long = "é".repeat(3_000);
    let words = format!(r#""type":"{long}","#).repeat(50);
    let body = format!(r#"{{"model":"{long}","error":{{{words}"message":"{long}"}}}}"#);
    let facts = json(Api::OpenaiChat, Endpoint::ChatCompletions, &body);
    assert_eq!(facts.model.map(|model| model.len()), Some(256));
    assert_eq!(facts.error.map(|error| error.message.len()), Some(4_096));
}

#[test]
fn what_cannot_be_read_is_left_alone() {
    let facts = read(Api::Openai, Endpoint::Audio, Framing::Opaque, "{\"usage\":{\"prompt_tokens\":1}}");
    assert_eq!(facts, Facts { ended: true, ..Facts::default() });
}

#[test]
fn the_framing_follows_the_content_type() {
    let of = |kind, endpoint| Framing::of(Some(kind), endpoint);
    assert_eq!(of("Text/Event-Stream; charset=utf-8", Endpoint::ChatCompletions), Framing::Sse);
    assert_eq!(of("application/json; charset=UTF-8", Endpoint::StreamGenerateContent), Framing::JsonArray);
    assert_eq!(of("application/json", Endpoint::Messages), Framing::Json);
    assert_eq!(of("application/x-ndjson", Endpoint::OllamaChat), Framing::NdJson);
    assert_eq!(of("application/problem+json", Endpoint::Files), Framing::Json);
    assert_eq!(of("audio/mpeg", Endpoint::Audio), Framing::Opaque);
    assert_eq!(Framing::of(None, Endpoint::Messages), Framing::Json);
}
