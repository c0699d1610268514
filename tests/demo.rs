//! The demo provider speaks the real wire formats, breaks as it is told, and keeps a true ledger.

use std::time::Duration;

use eventsource_stream::Eventsource as _;
use futures_util::StreamExt as _;
use llm_gateway::demo::{Encoding, Fault, Provider, ProviderOptions, Running, Script};
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
