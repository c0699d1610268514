//! The demo provider speaks the real wire formats, breaks as it is told, and keeps a true ledger.

use std::time::Duration;

use eventsource_stream::Eventsource as _;
use futures_util::StreamExt as _;
use llm_gateway::demo::{Encoding, Fault, Payload, Provider, ProviderOptions, Running, Script};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Sends one request on its own connection and reads to the end: exactly what is on the wire.
async fn raw(provider: &Running, path: &str, headers: &[(&str, &str)], body: &str) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(provider.addr()).await?;
    let method = if body.is_empty() { "GET" } else { "POST" };
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: demo\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).await?;
    read_reply(&mut stream).await
}

/// Reads until the reply is complete, the peer closes or nothing comes for a while.
async fn read_reply(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut seen = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        let read = tokio::time::timeout(Duration::from_millis(300), stream.read(&mut buffer)).await;
        match read {
            Ok(Ok(0)) | Err(_) => return Ok(seen),
            Ok(Ok(length)) => seen.extend_from_slice(&buffer[..length]),
            Ok(Err(error)) => return Err(error),
        }
        if is_complete(&seen) {
            return Ok(seen);
        }
    }
}

fn is_complete(seen: &[u8]) -> bool {
    let Some((head, body)) = split(seen) else { return false };
    if head.contains("transfer-encoding: chunked") {
        return body.ends_with(b"\r\n0\r\n\r\n") || body == b"0\r\n\r\n";
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    length.is_some_and(|length: usize| body.len() >= length)
}

fn split(reply: &[u8]) -> Option<(String, &[u8])> {
    let end = reply.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((String::from_utf8_lossy(&reply[..end + 2]).into_owned(), &reply[end + 4..]))
}

fn body_of(reply: &[u8]) -> Vec<u8> {
    let (head, mut body) = split(reply).expect("a head");
    if !head.contains("transfer-encoding: chunked") {
        return body.to_vec();
    }
    let mut whole = Vec::new();
    loop {
        let end = body.windows(2).position(|window| window == b"\r\n").expect("a chunk size");
        let size = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            return whole;
        }
        whole.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = &body[end + 2 + size + 2..];
    }
}

fn json_of(reply: &[u8]) -> Value {
    serde_json::from_slice(&body_of(reply)).expect("JSON")
}

async fn events_of(reply: &[u8]) -> Vec<(String, String)> {
    let body = body_of(reply);
    let stream = futures_util::stream::iter([Ok::<_, std::io::Error>(body)]).eventsource();
    stream.map(|event| event.unwrap()).map(|event| (event.event, event.data)).collect().await
}

async fn calm() -> Running {
    Provider::spawn(ProviderOptions::default()).await.unwrap()
}

fn chat(extra: &Value) -> String {
    let mut body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello, world"}]});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body.to_string()
}

#[tokio::test]
async fn a_chat_stream_has_its_usage_chunk_only_when_asked() {
    let provider = calm().await;
    for (options, expected) in
        [(json!({"stream": true}), false), (json!({"stream": true, "stream_options": {"include_usage": true}}), true)]
    {
        let reply = raw(&provider, "/v1/chat/completions", &[], &chat(&options)).await.unwrap();
        let events = events_of(&reply).await;
        assert_eq!(events.last().unwrap().1, "[DONE]");
        let chunks: Vec<Value> =
            events[..events.len() - 1].iter().map(|(_, data)| serde_json::from_str(data).unwrap()).collect();
        assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
        let with_usage = chunks.iter().filter(|chunk| chunk["usage"].is_object()).count();
        assert_eq!(with_usage, usize::from(expected));
        assert_eq!(chunks.last().unwrap()["choices"] == json!([]), expected);
    }
}

#[tokio::test]
async fn the_same_chat_says_the_same_streamed_or_whole() {
    let provider = calm().await;
    let whole = json_of(&raw(&provider, "/v1/chat/completions", &[], &chat(&json!({}))).await.unwrap());
    let reply = raw(&provider, "/v1/chat/completions", &[], &chat(&json!({"stream": true}))).await.unwrap();
    let mut text = String::new();
    for (_, data) in events_of(&reply).await {
        let Ok(chunk) = serde_json::from_str::<Value>(&data) else { continue };
        text.push_str(chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default());
    }
    assert_eq!(whole["choices"][0]["message"]["content"], text);
    assert!(text.contains("Hello, world"));
    let tokens = provider.ledger().last().unwrap().tokens.unwrap();
    assert_eq!(whole["usage"]["prompt_tokens"], tokens.input);
    assert_eq!(whole["usage"]["completion_tokens"], tokens.output);
}

#[tokio::test]
async fn a_message_stream_has_every_event_in_order_and_cumulative_usage() {
    let provider = calm().await;
    let body = json!({"model": "claude-haiku-4-5-20251001", "max_tokens": 100, "stream": true,
        "messages": [{"role": "user", "content": "Hello"}]});
    let reply =
        raw(&provider, "/v1/messages", &[("anthropic-version", "2023-06-01")], &body.to_string()).await.unwrap();
    let events = events_of(&reply).await;
    let mut names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    names.dedup();
    assert_eq!(
        names,
        [
            "message_start",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"
        ]
    );
    let data: Vec<Value> = events.iter().map(|(_, data)| serde_json::from_str(data).unwrap()).collect();
    let start = &data[0]["message"]["usage"];
    let end = &data[data.len() - 2]["usage"];
    let tokens = provider.ledger().last().unwrap().tokens.unwrap();
    assert_eq!(start["input_tokens"], tokens.input);
    assert_eq!(end["output_tokens"], tokens.output);
}

#[tokio::test]
async fn scripted_chunks_go_out_byte_for_byte() {
    let provider = calm().await;
    provider.script(Script::stream([&b"data: \xff\n\n"[..], b"", b"data: 2\n\n"]));
    let reply = raw(&provider, "/v1/chat/completions", &[], &chat(&json!({}))).await.unwrap();
    assert_eq!(body_of(&reply), b"data: \xff\n\ndata: 2\n\n");
}

#[tokio::test]
async fn a_script_in_a_header_rules_one_call() {
    let provider = calm().await;
    let script = r#"{"status":418,"headers":[["x-odd","1"]],"body":{"text":"short"}}"#;
    let reply = raw(&provider, "/v1/chat/completions", &[("x-demo-script", script)], &chat(&json!({}))).await.unwrap();
    let (head, body) = split(&reply).unwrap();
    assert!(head.starts_with("HTTP/1.1 418 "), "{head}");
    assert!(head.contains("x-odd: 1"));
    assert_eq!(body, b"short");
}

#[tokio::test]
async fn every_encoding_unpacks_to_the_same_bytes() {
    let provider = calm().await;
    let plain = body_of(&raw(&provider, "/v1/chat/completions", &[], &chat(&json!({"stream": true}))).await.unwrap());
    for encoding in Encoding::ALL {
        provider.script(Script::default().encoded(encoding));
        let reply = raw(&provider, "/v1/chat/completions", &[], &chat(&json!({"stream": true}))).await.unwrap();
        let packed = body_of(&reply);
        let mut unpacked = Vec::new();
        let mut reader: Box<dyn std::io::Read> = match encoding {
            Encoding::Gzip => Box::new(flate2::read::GzDecoder::new(&packed[..])),
            Encoding::Deflate => Box::new(flate2::read::ZlibDecoder::new(&packed[..])),
            Encoding::Br => Box::new(brotli::Decompressor::new(&packed[..], 4096)),
            Encoding::Zstd => Box::new(zstd::stream::read::Decoder::new(&packed[..]).unwrap()),
        };
        std::io::Read::read_to_end(&mut reader, &mut unpacked).unwrap();
        assert_eq!(unpacked, plain, "{encoding:?}");
    }
}

#[tokio::test]
async fn a_reset_before_the_head_is_a_reset() {
    let provider = calm().await;
    provider.script(Script::fault(Fault::ResetBeforeHead));
    let error = raw(&provider, "/v1/chat/completions", &[], &chat(&json!({}))).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn the_ledger_knows_who_called_and_that_the_client_left() {
    let provider = calm().await;
    provider.script(Script { gap_ms: Some(50), ..Script::default() });
    let mut stream = TcpStream::connect(provider.addr()).await.unwrap();
    let body = chat(&json!({"stream": true}));
    let head = format!(
        "POST /v1/chat/completions?a=b HTTP/1.1\r\nauthorization: Bearer sk-test-1\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut first = [0; 64];
    stream.read_exact(&mut first).await.unwrap();
    drop(stream);
    assert!(provider.ledger().finished(1, Duration::from_secs(5)).await);
    let call = provider.ledger().last().unwrap();
    assert_eq!(call.credential(), Some("sk-test-1"));
    assert_eq!(call.query.as_deref(), Some("a=b"));
    assert_eq!(call.body, body.as_bytes());
    assert!(call.client_left && call.finished);
    assert!(call.response_bytes < 3_000, "{}", call.response_bytes);
}

#[tokio::test]
async fn a_stopped_provider_refuses_connections() {
    let provider = calm().await;
    provider.stop().await;
    let error = TcpStream::connect(provider.addr()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_response_stream_is_numbered_and_ends_with_its_usage() {
    let provider = calm().await;
    for model in ["gpt-4o", "gpt-5"] {
        let body = json!({"model": model, "input": "Hello", "stream": true}).to_string();
        let events = events_of(&raw(&provider, "/v1/responses", &[], &body).await.unwrap()).await;
        for (number, (name, data)) in events.iter().enumerate() {
            let data: Value = serde_json::from_str(data).unwrap();
            assert_eq!(data["type"], *name);
            assert_eq!(data["sequence_number"], number);
        }
        let mut names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
        names.dedup();
        let tail = [
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ];
        assert!(names.ends_with(&tail), "{names:?}");
        let end: Value = serde_json::from_str(&events.last().unwrap().1).unwrap();
        let tokens = provider.ledger().last().unwrap().tokens.unwrap();
        assert_eq!(end["response"]["usage"]["total_tokens"], tokens.input + tokens.output);
        assert_eq!(end["response"]["usage"]["output_tokens_details"]["reasoning_tokens"], tokens.reasoning);
        assert_eq!(tokens.reasoning > 0, model == "gpt-5");
    }
}

#[tokio::test]
async fn offered_tools_are_called_in_every_api() {
    let provider = calm().await;
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}});
    let function = json!({"name": "weather", "description": "", "parameters": schema});
    let ask = json!([{"role": "user", "content": "Weather?"}]);
    let arguments_of = |text: &str| serde_json::from_str::<Value>(text).unwrap()["days"].is_u64();

    let body = json!({"model": "gpt-4o", "messages": ask, "tools": [{"type": "function", "function": function}]});
    let chat = json_of(&raw(&provider, "/v1/chat/completions", &[], &body.to_string()).await.unwrap());
    let call = &chat["choices"][0]["message"]["tool_calls"][0]["function"];
    assert_eq!(call["name"], "weather");
    assert!(arguments_of(call["arguments"].as_str().unwrap()));

    let body = json!({"model": "gpt-4o", "input": "Weather?", "tools": [{"type": "function", "name": "weather", "parameters": schema}]});
    let response = json_of(&raw(&provider, "/v1/responses", &[], &body.to_string()).await.unwrap());
    assert!(arguments_of(response["output"][0]["arguments"].as_str().unwrap()));

    let body = json!({"model": "claude", "max_tokens": 9, "messages": ask, "tools": [{"name": "weather", "input_schema": schema}]});
    let message = json_of(&raw(&provider, "/v1/messages", &[], &body.to_string()).await.unwrap());
    assert_eq!(message["stop_reason"], "tool_use");
    assert!(message["content"][1]["input"]["days"].is_u64());

    let body = json!({"contents": [{"role": "user", "parts": [{"text": "Weather?"}]}], "tools": [{"functionDeclarations": [function]}]});
    let content = json_of(&raw(&provider, "/v1beta/models/g:generateContent", &[], &body.to_string()).await.unwrap());
    assert!(content["candidates"][0]["content"]["parts"][0]["functionCall"]["args"]["days"].is_u64());

    let body = json!({"model": "llama", "messages": ask, "stream": false, "tools": [{"type": "function", "function": function}]});
    let chat = json_of(&raw(&provider, "/api/chat", &[], &body.to_string()).await.unwrap());
    assert!(chat["message"]["tool_calls"][0]["function"]["arguments"]["days"].is_u64());
}

#[tokio::test]
async fn streamed_tool_arguments_join_to_json() {
    let provider = calm().await;
    let function = json!({"name": "weather", "parameters": {"properties": {"city": {"type": "string"}}}});
    let body = chat(&json!({"stream": true, "tools": [{"type": "function", "function": function}]}));
    let mut arguments = String::new();
    for (_, data) in events_of(&raw(&provider, "/v1/chat/completions", &[], &body).await.unwrap()).await {
        let Ok(chunk) = serde_json::from_str::<Value>(&data) else { continue };
        let call = &chunk["choices"][0]["delta"]["tool_calls"][0]["function"];
        arguments.push_str(call["arguments"].as_str().unwrap_or_default());
    }
    assert!(serde_json::from_str::<Value>(&arguments).unwrap()["city"].is_string());
}

#[tokio::test]
async fn embeddings_are_the_same_in_both_encodings() {
    use base64::Engine as _;
    let provider = calm().await;
    let ask = |format: &str| json!({"model": "e", "input": ["one", "two"], "dimensions": 8, "encoding_format": format});
    let floats = json_of(&raw(&provider, "/v1/embeddings", &[], &ask("float").to_string()).await.unwrap());
    let packed = json_of(&raw(&provider, "/v1/embeddings", &[], &ask("base64").to_string()).await.unwrap());
    let bytes = base64::engine::general_purpose::STANDARD.decode(packed["data"][1]["embedding"].as_str().unwrap());
    let unpacked: Vec<f32> =
        bytes.unwrap().chunks(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
    let plain: Vec<f32> = serde_json::from_value(floats["data"][1]["embedding"].clone()).unwrap();
    assert_eq!(unpacked, plain);
    assert_eq!(plain.len(), 8);
}

#[tokio::test]
async fn gemini_streams_as_events_with_crlf_or_as_one_array() {
    let provider = calm().await;
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}).to_string();
    let path = "/v1beta/models/gemini-2.5-pro:streamGenerateContent";
    let array = json_of(&raw(&provider, path, &[], &body).await.unwrap());
    let reply = raw(&provider, &format!("{path}?alt=sse"), &[], &body).await.unwrap();
    assert!(body_of(&reply).ends_with(b"}\r\n\r\n"));
    let events: Vec<Value> =
        events_of(&reply).await.iter().map(|(_, data)| serde_json::from_str(data).unwrap()).collect();
    assert_eq!(array, Value::from(events.clone()));
    let last = events.last().unwrap();
    assert_eq!(last["candidates"][0]["finishReason"], "STOP");
    let tokens = provider.ledger().last().unwrap().tokens.unwrap();
    assert_eq!(last["usageMetadata"]["candidatesTokenCount"], tokens.output - tokens.reasoning);
    assert_eq!(last["usageMetadata"]["totalTokenCount"], tokens.input + tokens.output);
}

#[tokio::test]
async fn ollama_streams_lines_unless_told_not_to() {
    let provider = calm().await;
    for path in ["/api/chat", "/api/generate"] {
        let body = json!({"model": "m", "prompt": "Hi", "messages": [{"role": "user", "content": "Hi"}]}).to_string();
        let body = body_of(&raw(&provider, path, &[], &body).await.unwrap());
        let lines: Vec<Value> =
            body.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        assert!(lines.len() > 3);
        assert_eq!(lines.iter().filter(|line| line["done"] == true).count(), 1);
        assert!(lines.last().unwrap()["eval_count"].is_u64());
    }
}

#[tokio::test]
async fn every_declared_path_has_an_answer() {
    let provider = calm().await;
    let text = json!({"model": "m", "input": "a", "prompt": "a", "query": "q", "documents": ["a"], "max_tokens": 5,
        "messages": [{"role": "user", "content": "a"}], "content": {"parts": [{"text": "a"}]}, "requests": [],
        "contents": [{"parts": [{"text": "a"}]}]})
    .to_string();
    let posts = [
        "/v1/completions",
        "/v1/moderations",
        "/v1/rerank",
        "/v1/images/generations",
        "/v1/audio/transcriptions",
        "/v1/audio/speech",
        "/v1/files",
        "/v1/batches",
        "/v1/messages/count_tokens",
        "/v1beta/models/m:countTokens",
        "/v1beta/models/m:embedContent",
        "/v1beta/models/m:batchEmbedContents",
        "/v1/models/m:generateContent",
        "/api/embed",
        "/openai/deployments/m/chat/completions?api-version=2024-10-21",
        "/openai/v1/responses",
    ];
    let gets =
        ["/v1/models", "/v1/models/gpt-4o", "/v1beta/models", "/api/tags", "/api/version", "/v1/files", "/v1/batches"];
    for (path, body) in posts.map(|path| (path, text.as_str())).into_iter().chain(gets.map(|path| (path, ""))) {
        let reply = raw(&provider, path, &[], body).await.unwrap();
        let (head, body) = split(&reply).unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{path}: {head}{}", String::from_utf8_lossy(body));
        if path != "/v1/audio/speech" {
            json_of(&reply);
        }
    }
}

#[tokio::test]
async fn faults_break_off_where_they_say() {
    let provider = calm().await;
    let body = chat(&json!({"stream": true}));
    let path = "/v1/chat/completions";
    for (fault, is_reset, has_head) in [
        (Fault::CloseBeforeHead, false, false),
        (Fault::ResetInHead, true, false),
        (Fault::Silence, false, false),
        (Fault::ResetInBody { after_bytes: 250 }, true, true),
        (Fault::CloseInBody { after_bytes: 250 }, false, true),
        (Fault::Stall { after_bytes: 250 }, false, true),
    ] {
        provider.script(Script::fault(fault.clone()));
        let mut stream = TcpStream::connect(provider.addr()).await.unwrap();
        let head = format!("POST {path} HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut seen = Vec::new();
        let mut buffer = [0; 4096];
        let end = loop {
            match tokio::time::timeout(Duration::from_millis(200), stream.read(&mut buffer)).await {
                Ok(Ok(0)) | Err(_) => break Ok(()),
                Ok(Ok(length)) => seen.extend_from_slice(&buffer[..length]),
                Ok(Err(error)) => break Err(error.kind()),
            }
        };
        assert_eq!(end.is_err(), is_reset, "{fault:?}");
        assert_eq!(split(&seen).is_some(), has_head, "{fault:?}");
        assert!(!seen.ends_with(b"0\r\n\r\n"), "{fault:?}");
        drop(stream);
    }
    assert!(provider.ledger().finished(6, Duration::from_secs(5)).await);
    let bytes: Vec<u64> = provider.ledger().calls().iter().map(|call| call.response_bytes).collect();
    assert_eq!(bytes, [0, 0, 0, 250, 250, 250]);
}

#[tokio::test]
async fn faults_spoil_what_they_say() {
    let provider = calm().await;
    let ask = |fault: Fault, body: Value| {
        provider.script(Script::fault(fault));
        let body = chat(&body);
        let provider = &provider;
        async move { raw(provider, "/v1/chat/completions", &[], &body).await.unwrap() }
    };
    let stream = json!({"stream": true});
    let cut = body_of(&ask(Fault::TruncatedJson, json!({})).await);
    assert!(serde_json::from_slice::<Value>(&cut).is_err());
    assert!(std::str::from_utf8(&body_of(&ask(Fault::InvalidUtf8, stream.clone()).await)).is_err());
    assert!(body_of(&ask(Fault::GarbageSse, stream.clone()).await).starts_with(b"data: {\"choices\":[{]}"));
    let error = ask(Fault::ErrorUnder200, json!({})).await;
    assert!(error.starts_with(b"HTTP/1.1 200 ") && json_of(&error)["error"]["type"] == "server_error");
    assert!(ask(Fault::NotHttp, json!({})).await.starts_with(b"SSH-2.0"));
    let limited = ask(Fault::Refused { status: 429, retry_after_secs: Some(7) }, json!({})).await;
    assert!(split(&limited).unwrap().0.contains("retry-after: 7\r\n"));
    assert_eq!(json_of(&limited)["error"]["code"], "rate_limit_exceeded");
    let moved = ask(Fault::Redirect { status: 307, to: "http://127.0.0.1:9/".into() }, json!({})).await;
    assert!(split(&moved).unwrap().0.contains("location: http://127.0.0.1:9/\r\n"));
    let drip = ask(Fault::Drip { every_ms: 0 }, json!({})).await;
    assert!(drip.windows(5).any(|window| window == b"1\r\n{\r"));
    let head = Payload::Text("HTTP/1.1 200 OK\r\nx-a: 1\r\n\tfolded\0\r\n\r\n".into());
    let hostile = ask(Fault::RawHead { head }, json!({})).await;
    assert!(hostile.starts_with(b"HTTP/1.1 200 OK\r\nx-a: 1\r\n\tfolded\0\r\n\r\n{"));
}

#[tokio::test]
async fn endless_replies_go_on_until_the_client_leaves() {
    let provider = calm().await;
    for fault in [Fault::EndlessHead, Fault::EndlessBody] {
        provider.script(Script::fault(fault));
        let mut stream = TcpStream::connect(provider.addr()).await.unwrap();
        let body = chat(&json!({}));
        let head = format!("POST /v1/chat/completions HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut much = vec![0; 200_000];
        stream.read_exact(&mut much).await.unwrap();
    }
    assert!(provider.ledger().finished(2, Duration::from_secs(5)).await);
    assert!(provider.ledger().calls().iter().all(|call| call.client_left));
}

#[tokio::test]
async fn a_wrong_key_is_refused_in_the_shape_of_the_api() {
    let options = ProviderOptions { require_key: Some("sk-test-right".into()), ..ProviderOptions::default() };
    let provider = Provider::spawn(options).await.unwrap();
    let wrong = raw(&provider, "/v1/messages", &[("x-api-key", "sk-test-wrong")], "{}").await.unwrap();
    assert!(wrong.starts_with(b"HTTP/1.1 401 ") && json_of(&wrong)["error"]["type"] == "authentication_error");
    let right =
        raw(&provider, "/v1/chat/completions", &[("authorization", "Bearer sk-test-right")], &chat(&json!({}))).await;
    assert!(right.unwrap().starts_with(b"HTTP/1.1 200 "));
}

#[tokio::test]
async fn connections_are_kept_alive_and_chunked_requests_are_read() {
    let provider = calm().await;
    let mut stream = TcpStream::connect(provider.addr()).await.unwrap();
    let body = chat(&json!({}));
    let (first, second) = body.split_at(20);
    for _ in 0..3 {
        let request = format!(
            "POST /v1/chat/completions HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n{:X};x=y\r\n{second}\r\n0\r\nt: 1\r\n\r\n",
            first.len(),
            second.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        assert!(read_reply(&mut stream).await.unwrap().starts_with(b"HTTP/1.1 200 "));
    }
    let counts = provider.ledger().counts();
    assert_eq!((counts.connections, counts.calls), (1, 3));
    assert!(provider.ledger().calls().iter().all(|call| call.body == body.as_bytes()));
}

#[tokio::test]
async fn compressed_requests_are_answered_like_plain_ones() {
    let provider = calm().await;
    let body = chat(&json!({}));
    let plain = body_of(&raw(&provider, "/v1/chat/completions", &[], &body).await.unwrap());
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut packed, body.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let mut stream = TcpStream::connect(provider.addr()).await.unwrap();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\ncontent-encoding: gzip\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        packed.len()
    );
    stream.write_all(&[head.as_bytes(), &packed].concat()).await.unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.unwrap();
    assert_eq!(body_of(&reply), plain);
    assert_eq!(provider.ledger().last().unwrap().body, packed);
}
