//! Bar 33: what one user's call brings never shows up in another's, however calls are cancelled.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use super::raw::post;
use crate::harness::{
    client::PATIENCE,
    dial::{Dial, Pair},
    gateway::{Rig, start_with},
};

const USERS: usize = 1_000;
const AT_ONCE: usize = 100;

/// A provider's answer that repeats the user's nonce in its headers and in each piece of its body.
fn script(nonce: &str, stream: bool) -> Value {
    let header =
        json!([["x-nonce", nonce], ["content-type", if stream { "text/event-stream" } else { "application/json" }]]);
    if !stream {
        return json!({"body": {"text": format!("{{\"id\":\"{nonce}\",\"choices\":[],\"pad\":\"{}\"}}", nonce.repeat(200))}, "headers": header});
    }
    let piece = |number: usize| json!({"text": format!("data: {{\"id\":\"{nonce}\",\"choices\":[{{\"delta\":{{\"content\":\"{nonce} {number}\"}}}}]}}\n\n"), "after_ms": number % 3});
    let mut pieces: Vec<_> = (0..8).map(piece).collect();
    pieces.push(json!({"text": "data: [DONE]\n\n"}));
    json!({"chunks": pieces, "headers": header})
}

fn body(nonce: &str, stream: bool) -> String {
    json!({"model": "gpt-4o", "stream": stream, "messages": [{"role": "user", "content": nonce}]}).to_string()
}

/// Every nonce in a text must be the user's own.
fn check(nonce: &str, text: &str, what: &str) {
    for (at, _) in text.match_indices("nonce-") {
        let found = &text[at..text.len().min(at + nonce.len())];
        assert!(nonce.starts_with(found), "{what}: {found} in the answer to {nonce}");
    }
}

/// Leaves after so many bytes, or stays to the end.
async fn call(dial: &Dial, nonce: &str, stream: bool, leave_after: Option<usize>) {
    let lines = format!("Host: localhost\r\nX-Session-Id: {nonce}\r\nX-Demo-Script: {}\r\n", script(nonce, stream));
    let request = post("/v1/chat/completions", &lines, &body(nonce, stream));
    let mut wire = dial.connect().await;
    wire.write_all(request.as_bytes()).await.unwrap();
    wire.flush().await.unwrap();
    let mut answer = Vec::new();
    let most = leave_after.unwrap_or(usize::MAX) as u64;
    let _ = timeout(PATIENCE, (&mut wire).take(most).read_to_end(&mut answer)).await.expect("an answer in time");
    let text = String::from_utf8_lossy(&answer);
    check(nonce, &text, "HTTP/1.1");
    if leave_after.is_none() {
        let end = if stream { "data: [DONE]" } else { "\"}" };
        assert!(text.starts_with("HTTP/1.1 200") && text.contains(end), "{nonce}: {text}");
        assert!(text.matches(nonce).count() > 8, "{nonce}: {text}");
    }
}

async fn user(dial: &Dial, number: usize) {
    let nonce = format!("nonce-{number:05}");
    // Before a byte, in the head, in the body; then the same user again, whose call takes over what is pooled.
    let leave_after = number * 7 % 2_500;
    call(dial, &nonce, !number.is_multiple_of(3), Some(leave_after)).await;
    call(dial, &nonce, number.is_multiple_of(2), None).await;
}

async fn each_gets_his_own(rig: &Rig, users: usize) {
    let dial = &rig.dial();
    stream::iter(0..users).for_each_concurrent(AT_ONCE, |number| user(dial, number)).await;
    let records = rig.records().await;
    let whole = records.iter().filter(|record| record["outcome"] == "ok").count();
    assert!(whole >= users, "{whole} whole answers for {users} users");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bar_33_a_thousand_cancelled_calls_leave_nothing_for_the_next_user() {
    for mode in ["cancel", "drain"] {
        let rig = start_with(&format!("[server]\non_client_disconnect = \"{mode}\"\n")).await;
        each_gets_his_own(&rig, USERS).await;
    }
    let pair = Pair::new();
    each_gets_his_own(&start_with(&pair.section()).await, 200).await;
}

/// Streams of one HTTP/2 connection that are reset at every point, beside others that go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bar_33_reset_streams_of_one_connection_do_not_mix() {
    let rig = start_with("").await;
    let io = TokioIo::new(tokio::net::TcpStream::connect(rig.address).await.unwrap());
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    stream::iter(0..400_usize)
        .for_each_concurrent(50, |number| {
            let mut sender = sender.clone();
            async move {
                let nonce = format!("nonce-{number:05}");
                let request = http::Request::post("http://localhost/v1/chat/completions")
                    .header("content-type", "application/json")
                    .header("x-demo-script", script(&nonce, true).to_string())
                    .body(Full::new(Bytes::from(body(&nonce, true))))
                    .unwrap();
                let asked = sender.send_request(request);
                if number.is_multiple_of(5) {
                    let _ = timeout(Duration::from_millis(number as u64 % 7), asked).await;
                    return;
                }
                let mut body = timeout(PATIENCE, asked).await.expect("an answer in time").unwrap().into_body();
                let mut text = Vec::new();
                let pieces = if number.is_multiple_of(2) { usize::MAX } else { number % 6 };
                for _ in 0..pieces {
                    let Some(frame) = timeout(PATIENCE, body.frame()).await.expect("a piece in time") else { break };
                    text.extend_from_slice(frame.unwrap().data_ref().unwrap());
                }
                let text = String::from_utf8(text).unwrap();
                check(&nonce, &text, "HTTP/2");
                assert!(pieces < 8 || text.ends_with("data: [DONE]\n\n"), "{nonce}: {text}");
            }
        })
        .await;
}
