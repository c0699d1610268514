//! The clients: raw TCP, keep-alive, and no more parsing than it takes to find an answer's end.
//!
//! An answer that is not a 200 ends the run: a figure made of errors is worse than none.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use memchr::memmem;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc,
    task::JoinSet,
};

use super::{
    Failure,
    mock::{STAMP_DIGITS, STAMP_MARK, now_ns},
};

/// Bytes of a request's body.
const BODY_BYTES: usize = 1024;
/// And of a larger one.
const LARGE_BODY_BYTES: usize = 4096;

/// The virtual key that the gateway asks for; the other targets ignore it.
pub(crate) const VIRTUAL_KEY: &str = "bench-virtual-key-0001";

/// Where requests go.
#[derive(Clone, Debug)]
pub(crate) struct Aim {
    pub(crate) address: SocketAddr,
    pub(crate) whole: Arc<[u8]>,
    /// As `whole`, with a larger body.
    pub(crate) large: Arc<[u8]>,
    pub(crate) stream: Arc<[u8]>,
}

impl Aim {
    pub(crate) fn at(address: SocketAddr) -> Self {
        let of = |stream, body_bytes| request(address, stream, body_bytes).into();
        Self { address, whole: of(false, BODY_BYTES), large: of(false, LARGE_BODY_BYTES), stream: of(true, BODY_BYTES) }
    }
}

fn request(address: SocketAddr, stream: bool, body_bytes: usize) -> Vec<u8> {
    let open = format!(
        r#"{{"model":"gpt-4o-mini","stream":{stream},"max_tokens":256,"messages":[{{"role":"user","content":""#
    );
    let close = r#""}]}"#;
    let text = "words ".repeat(body_bytes / 6 + 1);
    let text = text.get(..body_bytes - open.len() - close.len()).unwrap_or_default();
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {VIRTUAL_KEY}\r\n\
         content-type: application/json\r\naccept: application/json\r\nuser-agent: load/1\r\n\
         content-length: {body_bytes}\r\n\r\n{open}{text}{close}"
    )
    .into_bytes()
}

/// The length that a head announces, whatever the case of the field's name.
pub(crate) fn content_length(head: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(head).ok()?;
    let line = text
        .split("\r\n")
        .find(|line| line.get(..15).is_some_and(|name| name.eq_ignore_ascii_case("content-length:")))?;
    line.get(15..)?.trim().parse().ok()
}

/// One connection.
struct Connection {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Result<Self, Failure> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        Ok(Self { socket, buffer: Vec::with_capacity(16 * 1024) })
    }

    async fn more(&mut self) -> Result<(), Failure> {
        if self.socket.read_buf(&mut self.buffer).await? == 0 {
            return Err("the connection was closed in the middle of an answer".into());
        }
        Ok(())
    }

    /// Reads the head of an answer and leaves what follows it in the buffer.
    async fn head(&mut self) -> Result<Option<usize>, Failure> {
        let end = loop {
            match memmem::find(&self.buffer, b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => self.more().await?,
            }
        };
        if !self.buffer.starts_with(b"HTTP/1.1 200") {
            let shown = self.buffer.get(..self.buffer.len().min(1000)).unwrap_or_default();
            return Err(format!("not a 200: {}", String::from_utf8_lossy(shown)).into());
        }
        let length = content_length(self.buffer.get(..end).unwrap_or_default());
        self.buffer.drain(..end);
        Ok(length)
    }

    /// One request and its whole answer.
    async fn exchange(&mut self, request: &[u8]) -> Result<(), Failure> {
        self.buffer.clear();
        self.socket.write_all(request).await?;
        match self.head().await? {
            Some(length) => {
                while self.buffer.len() < length {
                    self.more().await?;
                }
            }
            None => {
                while !self.buffer.ends_with(b"0\r\n\r\n") {
                    self.more().await?;
                }
            }
        }
        Ok(())
    }

    /// One stream: the delay of each chunk from its stamp to here, in nanoseconds.
    async fn stream(&mut self, request: &[u8]) -> Result<Vec<u64>, Failure> {
        self.socket.write_all(request).await?;
        self.head().await?;
        let mut delays = Vec::with_capacity(128);
        loop {
            let arrived = now_ns();
            let mut seen = 0;
            while let Some(at) = memmem::find(self.buffer.get(seen..).unwrap_or_default(), STAMP_MARK) {
                let from = seen + at + STAMP_MARK.len();
                let Some(digits) = self.buffer.get(from..from + STAMP_DIGITS) else { break };
                if let Some(stamp) = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<u64>().ok()) {
                    delays.push(arrived.saturating_sub(stamp));
                }
                seen = from + STAMP_DIGITS;
            }
            if self.buffer.ends_with(b"0\r\n\r\n") {
                return Ok(delays);
            }
            // A stamp or the end may be cut in two: its first half stays.
            let rest = self.buffer.len().saturating_sub(STAMP_MARK.len() + STAMP_DIGITS).max(seen);
            self.buffer.drain(..rest);
            self.more().await?;
        }
    }
}

/// As many requests as go, on so many connections. The latency of each, in nanoseconds.
pub(crate) async fn closed_loop(aim: &Aim, connections: usize, time: Duration) -> Result<Vec<u64>, Failure> {
    closed_loop_of(aim, &aim.whole, connections, time).await
}

/// The same with a request of one's own choice.
pub(crate) async fn closed_loop_of(
    aim: &Aim,
    request: &Arc<[u8]>,
    connections: usize,
    time: Duration,
) -> Result<Vec<u64>, Failure> {
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let mut connection = Connection::open(aim.address).await?;
        // The first request opens the target's own connections and is not counted.
        connection.exchange(request).await?;
        let request = Arc::clone(request);
        tasks.spawn(async move {
            let end = Instant::now() + time;
            let mut latencies = Vec::with_capacity(16 * 1024);
            let mut begun = Instant::now();
            while begun < end {
                connection.exchange(&request).await?;
                let done = Instant::now();
                latencies.push(nanos(done - begun));
                begun = done;
            }
            Ok::<_, Failure>(latencies)
        });
    }
    gather(tasks).await
}

/// Requests at a fixed rate, dealt out to the connections in turn. A latency counts from the moment
/// at which its request was due, so that a target that stalls cannot hide the requests it kept waiting.
pub(crate) async fn open_loop(aim: &Aim, rate: u32, connections: usize, time: Duration) -> Result<Vec<u64>, Failure> {
    let mut tasks = JoinSet::new();
    let mut queues = Vec::new();
    for _ in 0..connections {
        let mut connection = Connection::open(aim.address).await?;
        connection.exchange(&aim.whole).await?;
        let request = Arc::clone(&aim.whole);
        let (queue, mut due) = mpsc::unbounded_channel::<Instant>();
        queues.push(queue);
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            while let Some(due) = due.recv().await {
                connection.exchange(&request).await?;
                latencies.push(nanos(due.elapsed()));
            }
            Ok::<_, Failure>(latencies)
        });
    }
    // A thread of its own, because the runtime's timer is a millisecond coarse.
    std::thread::spawn(move || {
        let begin = Instant::now();
        for (number, queue) in (0..).zip(queues.iter().cycle()) {
            let due = begin + Duration::from_secs(1) * number / rate;
            if due >= begin + time {
                return;
            }
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let _ = queue.send(due);
        }
    });
    gather(tasks).await
}

/// So many streams at a time. The delay of each chunk, in nanoseconds.
pub(crate) async fn streams(aim: &Aim, count: usize) -> Result<Vec<u64>, Failure> {
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        let mut connection = Connection::open(aim.address).await?;
        let request = Arc::clone(&aim.stream);
        tasks.spawn(async move { connection.stream(&request).await });
    }
    gather(tasks).await
}

/// Whether a request is answered with a 200 now.
pub(crate) async fn answers(aim: &Aim) -> bool {
    match Connection::open(aim.address).await {
        Ok(mut connection) => connection.exchange(&aim.whole).await.is_ok(),
        Err(_) => false,
    }
}

/// The beginning of the answer to a request, whatever its status.
pub(crate) async fn answer(aim: &Aim) -> Result<String, Failure> {
    let mut connection = Connection::open(aim.address).await?;
    connection.socket.write_all(&aim.whole).await?;
    connection.more().await?;
    Ok(String::from_utf8_lossy(&connection.buffer).into_owned())
}

/// The body of `GET path`, which the target must delimit.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Result<String, Failure> {
    let mut connection = Connection::open(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n");
    connection.exchange(request.as_bytes()).await?;
    Ok(String::from_utf8_lossy(&connection.buffer).into_owned())
}

/// The beginning of the answer to `POST path`, whatever its status.
pub(crate) async fn post(address: SocketAddr, path: &str, json: &str) -> Result<String, Failure> {
    let mut connection = Connection::open(address).await?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        json.len()
    );
    connection.socket.write_all(format!("{head}{json}").as_bytes()).await?;
    connection.more().await?;
    Ok(String::from_utf8_lossy(&connection.buffer).into_owned())
}

async fn gather(mut tasks: JoinSet<Result<Vec<u64>, Failure>>) -> Result<Vec<u64>, Failure> {
    let mut all = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        all.extend(ended??);
    }
    Ok(all)
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
