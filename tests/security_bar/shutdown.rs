//! Bar 37: SIGTERM lets streams finish, cuts what does not finish with its API's own words, and ends.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, time::Duration};

use llm_gateway::demo::{Provider, ProviderOptions, Running};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::raw::post;
use crate::harness::{
    client::{Client, PATIENCE},
    gateway::standard_providers,
    process::Process,
};

/// What a call is meant to run into when the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It ends by itself within the time that is left.
    Finishes,
    /// It is an event stream that goes on for ever.
    Cut,
    /// It is a body of announced length that goes on for ever.
    BreaksOff,
    /// Its provider has not said a word yet.
    Unanswered,
}

struct Case {
    fate: Fate,
    target: &'static str,
    body: Value,
    script: Value,
}

/// A hundred calls: 50 that finish, 40 streams of five APIs, 5 bodies and 5 without an answer.
fn cases() -> Vec<Case> {
    let chat = json!([{"role": "user", "content": "Hello"}]);
    let contents = json!([{"role": "user", "parts": [{"text": "Hello"}]}]);
    let openai = json!({"model": "gpt-4o", "stream": true, "messages": chat});
    let streams = [
        ("/v1/chat/completions", openai.clone()),
        ("/v1/responses", json!({"model": "gpt-4o", "stream": true, "input": "Hello"})),
        (
            "/v1/messages",
            json!({"model": "claude-haiku-4-5-20251001", "max_tokens": 64, "stream": true, "messages": chat}),
        ),
        ("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", json!({"contents": contents})),
        ("/api/chat", json!({"model": "llama3.2", "messages": chat})),
    ];
    let event = |words: &str, finish: &str| {
        format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{words}\"}},\"finish_reason\":{finish}}}]}}\n\n")
    };
    let finishing = json!({"chunks": [
        {"text": event("begun", "null")},
        {"text": event("and done", "\"stop\"") + "data: [DONE]\n\n", "after_ms": 1500},
    ], "headers": [["content-type", "text/event-stream"]]});
    let stall = |after: usize| json!({"fault": {"kind": "stall", "after_bytes": after}});
    let mut cases = Vec::new();
    for number in 0..40 {
        let (target, body) = streams[number % 5].clone();
        // Anywhere: between two events, in a line, in a word.
        cases.push(Case { fate: Fate::Cut, target, body, script: stall(60 + 7 * number) });
    }
    let plain = json!({"model": "gpt-4o", "messages": chat});
    for _ in 0..5 {
        let target = "/v1/chat/completions";
        cases.push(Case { fate: Fate::BreaksOff, target, body: plain.clone(), script: stall(20) });
        cases.push(Case {
            fate: Fate::Unanswered,
            target,
            body: plain.clone(),
            script: json!({"fault": {"kind": "silence"}}),
        });
    }
    for _ in 0..50 {
        cases.push(Case {
            fate: Fate::Finishes,
            target: "/v1/chat/completions",
            body: openai.clone(),
            script: finishing.clone(),
        });
    }
    cases
}

/// What still comes. Bytes that are no UTF-8 (a stream may be cut inside a letter) become Latin-1, so
/// that lengths stay true.
async fn rest(mut socket: TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = timeout(PATIENCE, socket.read_to_end(&mut bytes)).await.expect("an end in time");
    bytes.into_iter().map(char::from).collect()
}

async fn send(address: SocketAddr, text: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(text.as_bytes()).await.unwrap();
    socket
}

/// Clients that hold a connection and never ask anything whole.
async fn loris(address: SocketAddr) -> Vec<TcpStream> {
    let begun = ["", "G", "GET /health HTTP/1.1\r\nHost: local", "PRI * HT", "POST /v1/chat/completions HTTP/1.1\r\n"];
    let mut sockets = Vec::new();
    for number in 0..10 {
        sockets.push(send(address, begun[number % begun.len()]).await);
    }
    sockets
}

/// What the client of a cut stream reads at its end.
fn last_words(target: &str, text: &str) -> Value {
    let decoded = dechunked(text);
    let last = decoded.trim_end().rsplit('\n').next().unwrap_or_default();
    let json = last.trim().strip_prefix("data: ").unwrap_or(last);
    let event: Value = serde_json::from_str(json).unwrap_or_else(|fault| panic!("{target}: {fault}: {decoded}"));
    if target.starts_with("/v1/messages") {
        assert!(decoded.contains("\n\nevent: error\ndata: "), "{decoded}");
    }
    event["error"].clone()
}

/// The body of a raw answer in chunks; it must have come to its proper end.
fn dechunked(text: &str) -> String {
    let (head, rest) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {text}"));
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    let mut rest: Vec<char> = rest.chars().collect();
    let mut body = String::new();
    loop {
        let line = rest.iter().position(|letter| *letter == '\r').unwrap_or_else(|| panic!("broke off: {text}"));
        let size: String = rest[..line].iter().collect();
        let size = usize::from_str_radix(&size, 16).unwrap();
        if size == 0 {
            return body;
        }
        body.extend(&rest[line + 2..line + 2 + size]);
        rest.drain(..line + size + 4);
    }
}

async fn upstream_and_config(dir: &Path, server: &str) -> Running {
    let upstream = Provider::spawn(ProviderOptions::default()).await.unwrap();
    let providers = standard_providers().replace("{upstream}", &upstream.url());
    std::fs::write(dir.join("config.toml"), format!("[server]\n{server}\n{providers}")).unwrap();
    upstream
}

async fn the_end_in(mode: &str) {
    let dir = tempfile::tempdir().unwrap();
    let server = format!("shutdown_timeout = 10\non_client_disconnect = \"{mode}\"");
    let upstream = upstream_and_config(dir.path(), &server).await;
    let mut gateway = Process::start(dir.path()).await;
    let address = gateway.address;
    let cases = cases();
    let mut sockets = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let lines = format!("Host: localhost\r\nX-Session-Id: call-{number}\r\nX-Demo-Script: {}\r\n", case.script);
        // Without `Connection: close`: that the connection ends is the gateway's doing.
        let request = post(case.target, &lines, &case.body.to_string()).replace("Connection: close\r\n", "");
        sockets.push(send(address, &request).await);
    }
    for (socket, case) in sockets.iter().zip(&cases).filter(|(_, case)| case.fate != Fate::Unanswered) {
        timeout(PATIENCE, socket.readable()).await.unwrap_or_else(|_| panic!("no head: {}", case.target)).unwrap();
    }
    while upstream.ledger().counts().calls < 100 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let early = loris(address).await;
    // Who waits in the kernel's queue at the signal is late: an answer tells that all before it were let in.
    Client::new(address).get("/health").await.expect(200);
    gateway.signal(Signal::TERM);
    for socket in early {
        assert_eq!(rest(socket).await, "", "{mode}: an idle connection");
    }
    // The socket is open for as long as there is something to wait for, and says what is going on.
    let watcher = Client::new(address);
    let ready = watcher.get("/readyz").await;
    assert_eq!((ready.status.as_u16(), ready.json()["status"].as_str()), (503, Some("stopping")), "{mode}");
    watcher.get("/health").await.expect(200);
    let refused = watcher.post("/v1/messages", &json!({})).await;
    assert_eq!(refused.status, 503, "{mode}");
    assert_eq!(refused.json()["error"]["type"], "overloaded_error", "{mode}: {}", refused.text());
    assert_eq!(watcher.post("/v1/chat/completions", &json!({})).await.code(503), "shutting_down");
    let late = loris(address).await;

    for (socket, case) in sockets.into_iter().zip(&cases) {
        let text = rest(socket).await;
        let what = format!("{mode}: {:?} {}: {text}", case.fate, case.target);
        match case.fate {
            Fate::Finishes => assert!(dechunked(&text).ends_with("data: [DONE]\n\n"), "{what}"),
            Fate::Cut => {
                let error = last_words(case.target, &text);
                assert!(error.to_string().contains("the gateway is shutting down"), "{what}");
                if case.target == "/v1/chat/completions" || case.target == "/v1/responses" {
                    assert_eq!(error["code"], "shutting_down", "{what}");
                }
            }
            Fate::BreaksOff => assert!(!text.ends_with('}') && text.contains("content-length: "), "{what}"),
            Fate::Unanswered => assert!(text.starts_with("HTTP/1.1 503") && text.contains("shutting_down"), "{what}"),
        }
    }
    assert!(gateway.ended().await.success(), "{mode}: {}", gateway.log());
    for socket in late {
        rest(socket).await;
    }

    let gateway = Process::start(dir.path()).await;
    let client = Client::new(gateway.address);
    let page = client.get("/v1/records?limit=500").await.expect(200);
    let records: BTreeMap<&str, &Value> = page["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| (record["session_id"].as_str().unwrap(), record))
        .collect();
    assert_eq!((page["data"].as_array().unwrap().len(), records.len()), (100, 100), "{mode}");
    for (number, case) in cases.iter().enumerate() {
        let id = records[format!("call-{number}").as_str()]["id"].as_str().unwrap();
        let record = client.get(&format!("/v1/records/{id}")).await.expect(200);
        let (outcome, kind) = match case.fate {
            Fate::Finishes => ("ok", Value::Null),
            _ => ("error", json!("shutting_down")),
        };
        let rows = record["attempt_rows"].as_array().unwrap();
        assert_eq!(rows.len(), 1, "{mode}: {:?}: {record:#}", case.fate);
        for row in [&record, &rows[0]] {
            assert_eq!(
                (&row["outcome"], &row["error_kind"]),
                (&json!(outcome), &kind),
                "{mode}: {:?}: {record:#}",
                case.fate
            );
        }
        let status = if case.fate == Fate::Unanswered { 503 } else { 200 };
        assert_eq!(record["status"], status, "{mode}: {:?}: {record:#}", case.fate);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bar_37_a_hundred_streams_and_ten_loris_do_not_hold_up_the_end() {
    tokio::join!(the_end_in("cancel"), the_end_in("drain"));
}

#[tokio::test]
async fn bar_37_a_second_sigterm_ends_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let upstream = upstream_and_config(dir.path(), "shutdown_timeout = 3600").await;
    let mut gateway = Process::start(dir.path()).await;
    let lines = "Host: localhost\r\nX-Demo-Script: {\"fault\": {\"kind\": \"stall\", \"after_bytes\": 50}}\r\n";
    let body = r#"{"model": "gpt-4o", "stream": true, "messages": []}"#;
    let socket = send(gateway.address, &post("/v1/chat/completions", lines, body)).await;
    timeout(PATIENCE, socket.readable()).await.unwrap().unwrap();
    let idle = TcpStream::connect(gateway.address).await.unwrap();
    gateway.signal(Signal::TERM);
    rest(idle).await;
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.ended().await.code(), Some(130), "{}", gateway.log());
    assert_eq!(upstream.ledger().counts().calls, 1);
}

/// A client that left in the middle of a stream is read on for, but not beyond the end.
#[tokio::test]
async fn bar_37_a_stream_that_is_drained_is_waited_for_and_then_cut() {
    let dir = tempfile::tempdir().unwrap();
    let server = "shutdown_timeout = 2\non_client_disconnect = \"drain\"\ndrain_timeout = 3600";
    let upstream = upstream_and_config(dir.path(), server).await;
    let mut gateway = Process::start(dir.path()).await;
    let event = "data: {\"choices\":[{\"delta\":{\"content\":\"begun\"}}]}\n\n";
    let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":22}}\n\ndata: [DONE]\n\n";
    let scripts = [
        json!({"chunks": [{"text": event}, {"text": usage, "after_ms": 1000}]}),
        json!({"chunks": [{"text": event}, {"text": usage, "after_ms": 3_600_000}]}),
    ];
    for (number, mut script) in scripts.into_iter().enumerate() {
        script["headers"] = json!([["content-type", "text/event-stream"]]);
        let lines = format!("Host: localhost\r\nX-Session-Id: call-{number}\r\nX-Demo-Script: {script}\r\n");
        let body = r#"{"model": "gpt-4o", "stream": true, "messages": []}"#;
        let mut socket = send(gateway.address, &post("/v1/chat/completions", &lines, body)).await;
        let mut head = [0; 12];
        socket.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200");
    }
    // Both clients are gone: the sockets were dropped.
    gateway.signal(Signal::TERM);
    assert!(gateway.ended().await.success(), "{}", gateway.log());
    assert_eq!(upstream.ledger().counts().finished, 2);
    let gateway = Process::start(dir.path()).await;
    let page = Client::new(gateway.address).get("/v1/records").await.expect(200);
    let records = page["data"].as_array().unwrap();
    assert_eq!(records.len(), 2, "{page:#}");
    for record in records {
        assert_eq!(record["outcome"], "client_disconnected", "{record:#}");
        let is_whole = record["session_id"] == "call-0";
        assert_eq!(record["usage_estimated"], !is_whole, "{record:#}");
        if is_whole {
            assert_eq!((&record["input_tokens"], &record["output_tokens"]), (&json!(11), &json!(22)), "{record:#}");
        }
    }
}
