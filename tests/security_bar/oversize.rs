//! Bar 26: whatever is too large is refused with its own status, and costs at most a few times its limit in memory.

use std::io::Write as _;

use serde_json::Value;

use super::{raw::status, smuggling::exchange};
use crate::harness::{
    client::Client,
    dial::{Dial, Pair, trusting},
    process::Process,
};

/// The largest body of the gateway under test.
const LIMIT: usize = 8 << 20;

const CHAT: &str = "/v1/chat/completions";

struct Case {
    what: &'static str,
    request: Vec<u8>,
    expected: u16,
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn post(target: &str, lines: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n{lines}Content-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

fn chunked(body: &[u8], lines: &str) -> Vec<u8> {
    let mut request = format!(
        "POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n{lines}Transfer-Encoding: chunked\r\n\r\n"
    )
    .into_bytes();
    for chunk in body.chunks(60_000) {
        request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        request.extend_from_slice(chunk);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    request
}

fn get(target: &str, lines: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{lines}\r\n").into_bytes()
}

fn cases() -> Vec<Case> {
    let case = |what, expected, request| Case { what, request, expected };
    let many = |count: usize| (0..count).map(|number| format!("x-{number}: 1\r\n")).collect::<String>();
    let big = |length: usize| format!("x-big: {}\r\n", "a".repeat(length));
    let text = |length: usize| {
        format!("{{\"model\":\"gpt-4o\",\"messages\":[],\"x\":\"{}\"}}", "a".repeat(length)).into_bytes()
    };
    let wrapped = |start: &str, middle: String, end: &str| format!("{start}{middle}{end}").into_bytes();
    let numbers = "1,".repeat(LIMIT / 2 - 40);
    let keys: String = (0..400_000).map(|number| format!("\"k{number}\":0,")).collect();
    let bomb = gzip(&text(16 * LIMIT));
    assert!(bomb.len() < LIMIT / 16);
    vec![
        case("fields", 431, get("/health", &many(150))),
        case("a field", 431, get("/health", &big(40_000))),
        case("a head below hyper's own bound", 431, get("/health", &big(120_000))),
        case("a head above it", 431, get("/health", &big(600_000))),
        case("a head with a name that never ends", 431, get("/health", &format!("{}: 1\r\n", "a".repeat(600_000)))),
        case("a target", 414, get(&format!("/health?{}", "a".repeat(9_000)), "")),
        case("a long target", 414, get(&format!("/{}", "a".repeat(60_000)), "")),
        case("an announced body", 413, post(CHAT, "", &text(LIMIT))),
        case("a body in chunks", 413, chunked(&text(LIMIT), "")),
        case("a body in chunks that goes on", 413, chunked(&text(4 * LIMIT), "")),
        case("a gzip bomb", 413, post(CHAT, "Content-Encoding: gzip\r\n", &bomb)),
        case("a gzip bomb in chunks", 413, chunked(&bomb, "Content-Encoding: gzip\r\n")),
        case("a brotli stream that is none", 400, post(CHAT, "Content-Encoding: br\r\n", &bomb)),
        case("an unknown coding", 400, post(CHAT, "Content-Encoding: gzip, gzip\r\n", &gzip(&bomb))),
        case(
            "depth",
            400,
            post(CHAT, "", &wrapped("{\"model\":\"gpt-4o\",\"messages\":", "[".repeat(LIMIT - 100), "")),
        ),
        case(
            "closed depth",
            400,
            post(CHAT, "", &wrapped("{\"messages\":", "[".repeat(100_000) + &"]".repeat(100_000), "}")),
        ),
        case("objects in depth", 400, post(CHAT, "", &wrapped("{\"messages\":", "{\"a\":".repeat(LIMIT / 6), ""))),
        case("an array for a body", 400, post(CHAT, "", &wrapped("[", numbers.clone(), "1]"))),
        case("an array that does not end", 400, post(CHAT, "", &wrapped("{\"messages\":[", numbers.clone(), ""))),
        case("keys twice", 400, post(CHAT, "", &wrapped("{", keys.clone(), "\"k0\":1}"))),
        // Well-formed, and larger than any list of numbers ought to be: there is no provider, so nobody is asked.
        case(
            "an array of numbers",
            503,
            post(CHAT, "", &wrapped("{\"model\":\"gpt-4o\",\"messages\":[", numbers, "1]}")),
        ),
        case("many keys", 400, post(CHAT, "", &wrapped("{", keys, "\"model\":\"gpt-4o\"}"))),
    ]
}

async fn refused(pair: Option<&Pair>) {
    let dir = tempfile::tempdir().unwrap();
    let section = pair.map(Pair::section).unwrap_or_default();
    std::fs::write(dir.path().join("config.toml"), format!("[server]\nmax_body_bytes = {LIMIT}\n{section}")).unwrap();
    let gateway = Process::start(dir.path()).await;
    let tls = pair.map(|pair| trusting(&[&pair.cert_file()]));
    let client = match &tls {
        Some(tls) => Client::over_tls(gateway.address, tls.clone()),
        None => Client::new(gateway.address),
    };
    let dial = Dial { address: gateway.address, tls: tls.map(|tls| std::sync::Arc::new(tls).into()) };
    client.get("/readyz").await.expect(200);
    let before = gateway.resident_bytes();
    for case in cases() {
        let what = format!("{}, TLS {}", case.what, pair.is_some());
        let answer = exchange(&dial, &[&case.request]).await;
        // A refusal of what is still being sent may be lost with the connection; it must not be lost silently.
        assert_eq!(status(&answer), case.expected, "{what}: {}", String::from_utf8_lossy(&answer));
        let text = String::from_utf8_lossy(&answer);
        let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        // More than 100 fields or 128 KiB are beyond hyper's parser, which answers in its own way.
        let is_bare = case.what == "fields" || case.what.starts_with("a head ");
        if !is_bare || !body.is_empty() {
            let error: Value = serde_json::from_str(body).unwrap_or_else(|fault| panic!("{what}: {fault}: {text}"));
            assert!(error["error"]["message"].is_string(), "{what}: {text}");
            assert!(text.contains("x-content-type-options: nosniff"), "{what}: {text}");
        }
        let grown = gateway.resident_bytes().saturating_sub(before);
        assert!(grown <= 4 * LIMIT as u64, "{what}: {} KiB more", grown / 1024);
    }
    client.get("/readyz").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bar_26_what_is_too_large_is_refused_within_bounds_on_every_listener() {
    refused(None).await;
    refused(Some(&Pair::new())).await;
}

/// A client that asks before it sends is told so before it has sent anything.
#[tokio::test]
async fn bar_26_who_asks_first_is_refused_first() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("config.toml"), format!("[server]\nmax_body_bytes = {LIMIT}\n")).unwrap();
    let gateway = Process::start(dir.path()).await;
    let dial = Dial { address: gateway.address, tls: None };
    let length = format!("Expect: 100-continue\r\nContent-Length: {}\r\n", LIMIT + 1);
    let head = format!("POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{length}\r\n");
    let answer = exchange(&dial, &[head.as_bytes()]).await;
    assert_eq!(status(&answer), 413, "{}", String::from_utf8_lossy(&answer));
    // In chunks nobody knows the length: it is asked for, and refused as soon as it is too much. A real client, since
    // it is those who lose an answer when the connection is reset under it.
    let body = dir.path().join("body");
    std::fs::write(&body, vec![b' '; 4 * LIMIT]).unwrap();
    for _ in 0..10 {
        let out = tokio::process::Command::new("curl")
            .args(["-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Transfer-Encoding: chunked"])
            .args(["-H", "Expect: 100-continue", "-H", "Content-Type: application/json", "--data-binary"])
            .arg(format!("@{}", body.display()))
            .arg(format!("http://{}{CHAT}", gateway.address))
            .output()
            .await;
        let Ok(out) = out else {
            println!("skipped: there is no curl");
            return;
        };
        assert_eq!(String::from_utf8_lossy(&out.stdout), "413", "{}", String::from_utf8_lossy(&out.stderr));
    }
}
