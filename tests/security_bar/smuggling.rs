//! Bar 27: what two parsers may frame differently is one request or none, at the client, here and upstream.

use llm_gateway::demo::Script;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use super::raw::{header_names, status};
use crate::harness::{
    client::PATIENCE,
    dial::{Dial, Pair},
    gateway::{Rig, start_with},
};

const BODY: &str = r#"{"model": "text-embedding-3-small", "input": "Hello"}"#;

/// Sends bytes as they are, in these pieces, and reads until the other side closes.
pub(super) async fn exchange(dial: &Dial, pieces: &[&[u8]]) -> Vec<u8> {
    let (mut reader, mut writer) = tokio::io::split(dial.connect().await);
    let pieces: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
    let writing = tokio::spawn(async move {
        for piece in pieces {
            // The gateway may answer and close before it has read everything.
            if writer.write_all(&piece).await.is_err() || writer.flush().await.is_err() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        writer
    });
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, reader.read_to_end(&mut answer)).await.expect("an answer in time");
    drop(writing.await);
    answer
}

fn smuggled() -> String {
    format!(
        "POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nX-Nonce: smuggled\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{BODY}",
        BODY.len()
    )
}

struct Case {
    /// Everything between the first lines and the body.
    framing: String,
    body: String,
    /// How many requests there may be; `None` where both refusing and answering one is right.
    allowed: Option<usize>,
}

fn cases() -> Vec<Case> {
    let smuggled = smuggled();
    let length = BODY.len();
    let chunk = format!("{length:x}\r\n{BODY}\r\n0\r\n\r\n");
    let both = format!("{chunk}{smuggled}");
    let case = |framing: &str, body: String, allowed| Case { framing: framing.to_owned(), body, allowed };
    let content_length = |text: &str| case(text, format!("{BODY}{smuggled}"), Some(0));
    let encoding = |text: &str| case(text, both.clone(), Some(0));
    vec![
        case(&format!("Content-Length: {length}\r\n"), format!("{BODY}{smuggled}"), Some(1)),
        case("Transfer-Encoding: chunked\r\n", both.clone(), Some(1)),
        case("Transfer-Encoding: Chunked\r\n", both.clone(), Some(1)),
        case(
            &format!("Content-Length: {length}\r\nContent-Length: {length}\r\n"),
            format!("{BODY}{smuggled}"),
            Some(1),
        ),
        // RFC 9112, 6.1: the length is to be ignored, and the connection to be closed afterwards.
        case(&format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"), both.clone(), Some(1)),
        case("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", both.clone(), Some(1)),
        case("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", both.clone(), Some(1)),
        // An extension of a chunk, trailers and leading zeros are legal, and not two parsers' business.
        case(
            "Transfer-Encoding: chunked\r\n",
            format!("{length:x};a=b\r\n{BODY}\r\n0\r\nX-Trailer: a\r\n\r\n{smuggled}"),
            Some(1),
        ),
        case("Transfer-Encoding: chunked\r\n", format!("000{length:x}\r\n{BODY}\r\n0\r\n\r\n{smuggled}"), None),
        content_length(&format!("Content-Length: {length}\r\nContent-Length: 0\r\n")),
        content_length(&format!("Content-Length: {length}, {length}\r\n")),
        content_length("Content-Length: 0, 5\r\n"),
        content_length(&format!("Content-Length: +{length}\r\n")),
        content_length(&format!("Content-Length: -{length}\r\n")),
        content_length(&format!("Content-Length: 0x{length:x}\r\n")),
        content_length(&format!("Content-Length: {length} {length}\r\n")),
        content_length(&format!("Content-Length : {length}\r\n")),
        content_length("Content-Length: 99999999999999999999999\r\n"),
        content_length("Content-Length:\r\n"),
        encoding("Transfer-Encoding: xchunked\r\n"),
        encoding("Transfer-Encoding: chunked, identity\r\n"),
        encoding("Transfer-Encoding: identity, chunked, identity\r\n"),
        encoding("Transfer-Encoding: identity\r\n"),
        encoding("Transfer-Encoding : chunked\r\n"),
        encoding(" Transfer-Encoding: chunked\r\n"),
        encoding("Transfer-Encoding:\r\n chunked\r\n"),
        encoding("Transfer-Encoding: \x0bchunked\r\n"),
        encoding("X: a\r\n folded\r\nTransfer-Encoding: chunked\r\n"),
        encoding("X: a\0b\r\nTransfer-Encoding: chunked\r\n"),
        encoding("X: a\rTransfer-Encoding: chunked\r\n"),
        encoding("X\0: a\r\nTransfer-Encoding: chunked\r\n"),
        case("Transfer-Encoding: chunked\r\n", format!("-1\r\n{BODY}\r\n0\r\n\r\n{smuggled}"), Some(0)),
        case("Transfer-Encoding: chunked\r\n", format!("+{length:x}\r\n{BODY}\r\n0\r\n\r\n{smuggled}"), Some(0)),
        case("Transfer-Encoding: chunked\r\n", format!("0x{length:x}\r\n{BODY}\r\n0\r\n\r\n{smuggled}"), Some(0)),
        case("Transfer-Encoding: chunked\r\n", format!("fffffffffffffffff\r\n{BODY}\r\n0\r\n\r\n{smuggled}"), Some(0)),
        case("Transfer-Encoding: chunked\r\n", format!("{length:x}\r\n{BODY}XX0\r\n\r\n{smuggled}"), Some(0)),
        case(
            "Transfer-Encoding: chunked\r\n",
            format!("{length:x}{}\r\n{BODY}\r\n0\r\n\r\n{smuggled}", ";x".repeat(100_000)),
            Some(0),
        ),
    ]
}

async fn one_or_none(rig: &Rig, listener: &str) {
    let dial = rig.dial();
    for (number, case) in cases().into_iter().enumerate() {
        let before = rig.upstream.ledger().counts().calls;
        let request = format!(
            "POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nX-Nonce: case-{number}\r\nConnection: close\r\n\
             Content-Type: application/json\r\n{}\r\n{}",
            case.framing, case.body
        );
        let answer = exchange(&dial, &[request.as_bytes()]).await;
        let text = String::from_utf8_lossy(&answer);
        let what = format!("{listener}, {:?} {:?}: {text}", case.framing, &case.body[..case.body.len().min(80)]);
        let seen = usize::try_from(rig.upstream.ledger().counts().calls - before).unwrap();
        assert!(case.allowed.map_or(seen <= 1, |allowed| seen == allowed), "{seen} calls: {what}");
        assert!(text.matches("HTTP/1.1 ").count() <= 1, "{what}");
        if seen == 0 {
            assert!(matches!(status(&answer), 0 | 400 | 413), "{what}");
            continue;
        }
        assert_eq!(status(&answer), 200, "{what}");
        let call = rig.upstream.ledger().last().unwrap();
        assert_eq!(call.body, BODY.as_bytes(), "{what}");
        assert_eq!(call.header("x-nonce"), Some(format!("case-{number}").as_str()), "{what}");
        let framing = |name: &str| call.headers.iter().filter(|(known, _)| known == name).count();
        assert_eq!(framing("content-length") + framing("transfer-encoding"), 1, "{what}: {:?}", call.headers);
        assert_eq!(framing("trailer") + framing("x-trailer"), 0, "{what}");
    }
    // Cut anywhere, a request is still one.
    let whole = format!(
        "POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    for at in (1..whole.len()).step_by(17) {
        let (head, tail) = whole.as_bytes().split_at(at);
        assert_eq!(status(&exchange(&dial, &[head, tail]).await), 200, "{listener}: cut at {at}");
    }
    let calls = rig.upstream.ledger().calls();
    assert!(calls.iter().all(|call| call.header("x-nonce") != Some("smuggled")), "{listener}");
}

#[tokio::test]
async fn bar_27_an_ambiguous_request_is_one_or_none_on_every_listener() {
    let pair = Pair::new();
    for (listener, section) in [("clear text", String::new()), ("TLS", pair.section())] {
        one_or_none(&start_with(&section).await, listener).await;
    }
}

#[tokio::test]
async fn bar_27_hop_by_hop_headers_end_here_in_both_directions() {
    let pair = Pair::new();
    for section in [String::new(), pair.section()] {
        let rig = start_with(&section).await;
        let named = [
            ("keep-alive", "timeout=5"),
            ("proxy-authenticate", "Basic"),
            ("proxy-authorization", "Basic YTpi"),
            ("proxy-connection", "keep-alive"),
            ("te", "trailers"),
            ("trailer", "x-listed"),
            ("upgrade", "h2c"),
            ("http2-settings", "AAMAAABkAARAAAAAAAIAAAAA"),
            ("x-listed", "for the next hop alone"),
            ("x-also-listed", "for the next hop alone"),
        ];
        let lines: String = named.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let connection = "Connection: close, X-Listed, upgrade, HTTP2-Settings\r\nConnection: x-also-listed\r\n";
        let request = format!(
            "POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\n{lines}{connection}X-Kept: yes\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{BODY}",
            BODY.len()
        );
        let mut script =
            Script::default().with_header("connection", "X-Listed, x-also-listed, keep-alive, HTTP2-Settings");
        for (name, value) in named {
            script = script.with_header(name, value);
        }
        rig.upstream.script(script.with_header("x-kept", "yes"));
        let answer = exchange(&rig.dial(), &[request.as_bytes()]).await;
        assert_eq!(status(&answer), 200, "{}", String::from_utf8_lossy(&answer));
        let call = rig.upstream.ledger().last().unwrap();
        let names = header_names(&answer);
        for (name, _) in named {
            assert_eq!(call.header(name), None, "{name} went upstream");
            assert!(!names.contains(&name.to_owned()), "{name} came down");
        }
        assert_eq!(call.header("connection"), None);
        assert_eq!(call.header("x-kept"), Some("yes"));
        assert!(names.contains(&"x-kept".to_owned()));
    }
}
