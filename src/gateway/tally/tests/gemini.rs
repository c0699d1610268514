//! Gemini: with and without `alt=sse`.

use super::*;

const CHUNKS: [&str; 3] = [
    r#"{"candidates": [{"content": {"parts": [{"text": "Hel"}],"role": "model"},"index": 0}],"usageMetadata": {"promptTokenCount": 1100,"cachedContentTokenCount": 1000,"totalTokenCount": 1140,"thoughtsTokenCount": 40,"promptTokensDetails": [{"modality": "TEXT","tokenCount": 1100}]},"modelVersion": "gemini-2.5-flash","responseId": "r-1"}"#,
    r#"{"candidates": [{"content": {"parts": [{"text": "lo"}],"role": "model"},"index": 0}],"usageMetadata": {"promptTokenCount": 1100,"candidatesTokenCount": 3,"totalTokenCount": 1143,"cachedContentTokenCount": 1000,"thoughtsTokenCount": 40},"modelVersion": "gemini-2.5-flash","responseId": "r-1"}"#,
    r#"{"candidates": [{"content": {"parts": [{"text": ""}],"role": "model"},"finishReason": "STOP","index": 0}],"usageMetadata": {"promptTokenCount": 1100,"candidatesTokenCount": 9,"totalTokenCount": 1154},"modelVersion": "gemini-2.5-flash","responseId": "r-1"}"#,
];

fn usage() -> Usage {
    Usage { input: Some(100), cache_read: Some(1000), output: Some(9), reasoning: Some(40), ..Usage::default() }
}

#[test]
fn usage_repeats_per_chunk_and_the_last_may_drop_a_field() {
    let body: String = CHUNKS.iter().map(|chunk| format!("data: {chunk}\r\n\r\n")).collect();
    let facts = read(Api::Gemini, Endpoint::StreamGenerateContent, Framing::Sse, &body);
    assert_eq!(facts.usage, usage());
    assert_eq!(facts.model.as_deref(), Some("gemini-2.5-flash"));
    assert_eq!(facts.response_id.as_deref(), Some("r-1"));
    assert_eq!(facts.finish_reason.as_deref(), Some("STOP"));
    assert_eq!(facts.output_text_bytes, 5);
    assert!(facts.ended && facts.content_started);
}

#[test]
fn without_alt_sse_the_stream_is_one_json_array() {
    let body = format!("[{}]", CHUNKS.join("\n,\r\n"));
    let facts = read(Api::Gemini, Endpoint::StreamGenerateContent, Framing::JsonArray, &body);
    assert_eq!(facts.usage, usage());
    assert_eq!(facts.output_text_bytes, 5);
    assert!(facts.ended);
    let cut = format!("[{}\n,", CHUNKS[0]);
    let facts = read(Api::Gemini, Endpoint::StreamGenerateContent, Framing::JsonArray, &cut);
    assert!(!facts.ended);
    assert_eq!(facts.usage.input, Some(100));
    let facts = read(
        Api::Gemini,
        Endpoint::StreamGenerateContent,
        Framing::JsonArray,
        r#"[{"error": {"code": 400, "message": "API key not valid", "status": "INVALID_ARGUMENT"}}]"#,
    );
    assert_eq!(facts.error, error(ErrorKind::UpstreamRejected, Some(400), "API key not valid"));
}

#[test]
fn what_tools_put_into_the_prompt_lies_outside_of_its_count() {
    let body = r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"text":"no"}}}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":10,"toolUsePromptTokenCount":812,"candidatesTokenCount":5,"thoughtsTokenCount":7,"totalTokenCount":834}}"#;
    let facts = json(Api::Gemini, Endpoint::GenerateContent, body);
    assert_eq!(facts.usage.input, Some(822));
    assert_eq!((facts.usage.output, facts.usage.reasoning), (Some(5), Some(7)));
    assert!(facts.content_started);
    assert_eq!(facts.output_text_bytes, 0);
}

#[test]
fn modalities_are_carved_out_cached_audio_once() {
    let body = r#"{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"aGk="}}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1000,"candidatesTokenCount":1680,"totalTokenCount":2700,"cachedContentTokenCount":600,"promptTokensDetails":[{"modality":"TEXT","tokenCount":300},{"tokenCount":400,"modality":"AUDIO"},{"modality":"IMAGE","tokenCount":258},{"modality":"VIDEO","tokenCount":42}],"cacheTokensDetails":[{"modality":"AUDIO","tokenCount":250},{"modality":"TEXT","tokenCount":350}],"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1290},{"modality":"IMAGE","tokenCount":310}],"thoughtsTokenCount":20}}"#;
    let usage = json(Api::Gemini, Endpoint::GenerateContent, body).usage;
    assert_eq!(usage.input_tokens(), Some(1000));
    assert_eq!((usage.cache_read, usage.cache_read_audio), (Some(350), Some(250)));
    assert_eq!((usage.input_audio, usage.input_image, usage.input), (Some(150), Some(250), Some(0)));
    assert_eq!((usage.output, usage.output_image, usage.reasoning), (Some(80), Some(1600), Some(20)));
}

#[test]
fn counts_of_zero_are_left_out_and_the_total_tells() {
    let body = r#"{"candidates":[{"finishReason":"MAX_TOKENS"}],"usageMetadata":{"promptTokenCount":21,"thoughtsTokenCount":60,"totalTokenCount":81}}"#;
    let usage = json(Api::Gemini, Endpoint::GenerateContent, body).usage;
    assert_eq!((usage.input, usage.output, usage.reasoning), (Some(21), Some(0), Some(60)));
    let blocked =
        r#"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":4,"totalTokenCount":4}}"#;
    let facts = read(Api::Gemini, Endpoint::StreamGenerateContent, Framing::Sse, &events(&[blocked]));
    assert_eq!(facts.finish_reason.as_deref(), Some("SAFETY"));
    assert_eq!(facts.usage.output, Some(0));
    assert!(facts.ended);
}

#[test]
fn an_error_midway_has_code_and_status() {
    let fault = r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#;
    let facts = read(Api::Gemini, Endpoint::StreamGenerateContent, Framing::Sse, &events(&[CHUNKS[0], fault]));
    assert_eq!(facts.error, error(ErrorKind::UpstreamError, Some(503), "The model is overloaded."));
    let quota = r#"{"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED","details":[{"@type":"x","message":"no"}]}}"#;
    let facts = json(Api::Gemini, Endpoint::GenerateContent, quota);
    assert_eq!(facts.error, error(ErrorKind::UpstreamRateLimit, Some(429), "Quota"));
}
