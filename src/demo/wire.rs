//! HTTP/1.1 by hand over one TCP connection: hyper would refuse to send most of the faults that
//! the gateway must survive (half a head, a reset inside a chunk, raw bytes as headers).
//!
//! Reads requests leniently and in full; never used to serve anything but the demo provider.

use std::{io, time::Duration};

use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::FutureExt as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::Instant,
};

use super::reply::{Cut, CutBy, Framing, Head, Part, Reply};

/// Largest request head, in bytes.
const MAX_HEAD_BYTES: usize = 256 * 1024;
/// Most header fields of a request.
const MAX_HEADERS: usize = 128;
/// Largest request body, in bytes.
const MAX_BODY_BYTES: usize = 640 * 1024 * 1024;

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Option<String>,
    /// Names in lower case, order kept.
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Bytes,
}

impl Request {
    /// The first value of a header, if it is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).and_then(|(_, value)| std::str::from_utf8(value).ok())
    }
}

/// Why a reply did not reach its end.
#[derive(Debug)]
pub(super) enum Unsent {
    /// The client closed the connection.
    ClientLeft,
    /// The reply was cut on purpose.
    Cut,
}

/// A connection, with what was read beyond the current request.
pub(super) struct Connection {
    stream: TcpStream,
    read_ahead: BytesMut,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        // Chunks must leave when they are written; a failure here only makes the demo slower.
        let _ = stream.set_nodelay(true);
        Self { stream, read_ahead: BytesMut::new() }
    }

    /// The next request; `None` when the client closed the connection between two.
    pub(super) async fn read_request(&mut self) -> io::Result<Option<Request>> {
        let head = loop {
            if let Some(head) = parse_head(&self.read_ahead)? {
                break head;
            }
            if self.read_ahead.len() > MAX_HEAD_BYTES {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the request head is too large"));
            }
            if self.stream.read_buf(&mut self.read_ahead).await? == 0 {
                return Ok(None);
            }
        };
        self.read_ahead.advance(head.bytes);
        let mut request = head.request;
        if request.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
            self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let is_chunked =
            request.header("transfer-encoding").is_some_and(|value| value.to_ascii_lowercase().contains("chunked"));
        request.body = if is_chunked {
            self.read_chunked().await?
        } else {
            let length = request.header("content-length").and_then(|value| value.trim().parse().ok()).unwrap_or(0);
            self.read_exactly(length).await?
        };
        Ok(Some(request))
    }

    async fn read_exactly(&mut self, length: usize) -> io::Result<Bytes> {
        if length > MAX_BODY_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the request body is too large"));
        }
        while self.read_ahead.len() < length {
            self.read_more().await?;
        }
        Ok(self.read_ahead.split_to(length).freeze())
    }

    async fn read_chunked(&mut self) -> io::Result<Bytes> {
        let mut body = BytesMut::new();
        loop {
            let line = self.read_line().await?;
            let size = line.split(|byte| *byte == b';').next().unwrap_or_default();
            let size = std::str::from_utf8(size)
                .ok()
                .and_then(|text| usize::from_str_radix(text.trim(), 16).ok())
                .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a chunk size"))?;
            if size == 0 {
                while !self.read_line().await?.is_empty() {}
                return Ok(body.freeze());
            }
            body.extend_from_slice(&self.read_exactly(size.saturating_add(2)).await?.slice(..size));
        }
    }

    async fn read_line(&mut self) -> io::Result<Bytes> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.read_ahead) {
                let line = self.read_ahead.split_to(end + 1).freeze();
                return Ok(line.slice(..line.len().saturating_sub(2)));
            }
            self.read_more().await?;
        }
    }

    async fn read_more(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.read_ahead).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Sends a reply; `on_body` is told the bytes of the body that have been written so far.
    pub(super) async fn send(&mut self, reply: &Reply, mut on_body: impl FnMut(u64)) -> Result<(), Unsent> {
        self.pause(reply.wait).await?;
        self.send_head(reply).await?;
        let mut sent = 0_usize;
        loop {
            for frame in &reply.frames {
                self.pause(frame.after).await?;
                let end = body_cut(reply.cut).map(|cut| cut.after_bytes.saturating_sub(sent));
                let cut_here = end.filter(|left| *left < frame.bytes.len());
                let payload = frame.bytes.slice(..cut_here.unwrap_or(frame.bytes.len()));
                self.send_frame(reply, frame.bytes.len(), &payload, cut_here.is_some()).await?;
                sent += payload.len();
                on_body(sent as u64);
                if let (Some(_), Some(cut)) = (cut_here, reply.cut) {
                    return self.break_off(cut.by).await;
                }
            }
            if !reply.endless {
                break;
            }
        }
        if let Some(cut) = body_cut(reply.cut) {
            return self.break_off(cut.by).await;
        }
        if reply.framing == Framing::Chunked && matches!(reply.head, Head::Formed) {
            self.write(b"0\r\n\r\n").await?;
        }
        Ok(())
    }

    async fn send_head(&mut self, reply: &Reply) -> Result<(), Unsent> {
        let bytes = match &reply.head {
            Head::Formed => formed_head(reply),
            Head::Raw(bytes) => bytes.to_vec(),
            Head::Endless => return self.send_endless_head().await,
        };
        match reply.cut {
            Some(cut) if cut.part == Part::Head => {
                let end = cut.after_bytes.min(bytes.len());
                self.write(bytes.get(..end).unwrap_or_default()).await?;
                self.break_off(cut.by).await
            }
            _ => self.write(&bytes).await,
        }
    }

    async fn send_endless_head(&mut self) -> Result<(), Unsent> {
        self.write(b"HTTP/1.1 200 OK\r\n").await?;
        for number in 0_u64.. {
            self.write(format!("x-endless-{number}: {}\r\n", "x".repeat(1000)).as_bytes()).await?;
            self.pause(Duration::from_millis(1)).await?;
        }
        Ok(())
    }

    /// One frame; a cut one keeps the announced length of the whole, as a crash in mid-chunk would.
    async fn send_frame(
        &mut self,
        reply: &Reply,
        announced: usize,
        payload: &[u8],
        is_cut: bool,
    ) -> Result<(), Unsent> {
        if reply.framing == Framing::Length || !matches!(reply.head, Head::Formed) {
            return self.write(payload).await;
        }
        if announced == 0 {
            return Ok(()); // A chunk of no bytes would end the body.
        }
        let mut chunk = format!("{announced:x}\r\n").into_bytes();
        chunk.extend_from_slice(payload);
        if !is_cut {
            chunk.extend_from_slice(b"\r\n");
        }
        self.write(&chunk).await
    }

    async fn break_off(&mut self, by: CutBy) -> Result<(), Unsent> {
        match by {
            CutBy::Reset => {
                // The peer may not have read what was written; a reset would take it away.
                self.pause(Duration::from_millis(20)).await?;
                let _ = self.stream.set_zero_linger();
            }
            CutBy::Close => {
                let _ = self.stream.shutdown().await;
            }
            CutBy::Silence => self.pause(Duration::from_secs(24 * 60 * 60)).await?,
        }
        Err(Unsent::Cut)
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Unsent> {
        self.stream.write_all(bytes).await.map_err(|_| Unsent::ClientLeft)
    }

    /// Waits, but not longer than the client does.
    async fn pause(&mut self, time: Duration) -> Result<(), Unsent> {
        let until = Instant::now() + time;
        loop {
            let read = if time.is_zero() {
                match self.stream.read_buf(&mut self.read_ahead).now_or_never() {
                    Some(read) => read,
                    None => return Ok(()),
                }
            } else {
                match tokio::time::timeout_at(until, self.stream.read_buf(&mut self.read_ahead)).await {
                    Ok(read) => read,
                    Err(_) => return Ok(()),
                }
            };
            // Bytes that come while an answer is under way are the next request, sent early.
            if !matches!(read, Ok(1..)) {
                return Err(Unsent::ClientLeft);
            }
        }
    }
}

fn body_cut(cut: Option<Cut>) -> Option<Cut> {
    cut.filter(|cut| cut.part == Part::Body)
}

fn formed_head(reply: &Reply) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} {}\r\n", reply.status, reply.reason()).into_bytes();
    for (name, value) in &reply.headers {
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value);
        head.extend_from_slice(b"\r\n");
    }
    match reply.framing {
        Framing::Length => {
            let length: usize = reply.frames.iter().map(|frame| frame.bytes.len()).sum();
            head.extend_from_slice(format!("content-length: {length}\r\n").as_bytes());
        }
        Framing::Chunked => head.extend_from_slice(b"transfer-encoding: chunked\r\n"),
    }
    head.extend_from_slice(b"\r\n");
    head
}

struct ParsedHead {
    request: Request,
    bytes: usize,
}

fn parse_head(bytes: &[u8]) -> io::Result<Option<ParsedHead>> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Request::new(&mut fields);
    let parsed = head.parse(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    let httparse::Status::Complete(length) = parsed else { return Ok(None) };
    let target = head.path.unwrap_or("/");
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (target, None),
    };
    let request = Request {
        method: head.method.unwrap_or_default().to_owned(),
        path: path.to_owned(),
        query,
        headers: head.headers.iter().map(|field| (field.name.to_ascii_lowercase(), field.value.to_vec())).collect(),
        body: Bytes::new(),
    };
    Ok(Some(ParsedHead { request, bytes: length }))
}
