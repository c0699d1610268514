//! Requests as bytes, for what no decent client would send.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// Sends `bytes` as they are and reads until the other side closes.
pub(super) async fn exchange(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The gateway may answer and close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let mut chunk = [0; 16 * 1024];
    loop {
        match timeout(Duration::from_secs(20), stream.read(&mut chunk)).await.expect("an answer in time") {
            Ok(0) | Err(_) => return answer,
            Ok(length) => answer.extend_from_slice(&chunk[..length]),
        }
    }
}

/// The status of a raw answer; 0 when there was none.
pub(super) fn status(answer: &[u8]) -> u16 {
    String::from_utf8_lossy(answer).split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// The header lines of a raw answer, names in lower case.
pub(super) fn header_names(answer: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(answer);
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    head.lines().skip(1).filter_map(|line| Some(line.split_once(':')?.0.to_ascii_lowercase())).collect()
}

/// A POST with these further header lines (each ending in CRLF).
pub(super) fn post(target: &str, lines: &str, body: &str) -> String {
    format!(
        "POST {target} HTTP/1.1\r\n{lines}Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
