//! The provider that all targets are measured against: plain TCP, answers rendered before the first
//! request, streams sent by one thread that does nothing else. It must be faster than any gateway,
//! so it reads no more of a request than it needs.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    io::Write as _,
    net::SocketAddr,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc,
    },
    time::{Duration, Instant},
};

use memchr::memmem;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use super::Failure;

/// What stands before the stamp in a chunk.
pub(crate) const STAMP_MARK: &[u8] = b"\"fp_";
/// Digits of a stamp: nanoseconds on the clock that mock and client share.
pub(crate) const STAMP_DIGITS: usize = 16;
/// Bytes of an answer's body.
const ANSWER_BYTES: usize = 1024;

static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Nanoseconds since the harness began.
pub(crate) fn now_ns() -> u64 {
    u64::try_from(EPOCH.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// What the next streams look like.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    /// Chunks with content.
    pub(crate) chunks: AtomicU64,
    /// Microseconds between two chunks of one stream.
    pub(crate) interval_us: AtomicU64,
}

/// The running mock.
#[derive(Clone, Debug)]
pub(crate) struct Mock {
    pub(crate) address: SocketAddr,
    pub(crate) shape: Arc<Shape>,
}

/// A stream in the hands of the pacer.
struct Job {
    socket: std::net::TcpStream,
    chunks_left: u64,
    interval: Duration,
    with_usage: bool,
    done: oneshot::Sender<bool>,
}

impl Mock {
    /// Starts the mock on threads of its own, which live as long as the process.
    pub(crate) fn start() -> Result<Self, Failure> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let mock = Self { address: listener.local_addr()?, shape: Arc::new(Shape::default()) };
        let (pacer, jobs) = mpsc::channel();
        std::thread::Builder::new().name("mock-pacer".into()).spawn(move || pace(&jobs))?;
        let shape = Arc::clone(&mock.shape);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("mock".into()).spawn(move || {
            runtime.block_on(async {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                while let Ok((socket, _)) = listener.accept().await {
                    let _ = socket.set_nodelay(true);
                    tokio::spawn(serve(socket, Arc::clone(&shape), pacer.clone()));
                }
            });
        })?;
        Ok(mock)
    }
}

/// One connection, request after request.
async fn serve(mut socket: TcpStream, shape: Arc<Shape>, pacer: mpsc::Sender<Job>) -> Option<()> {
    let answer = whole_answer();
    let mut buffer = Vec::with_capacity(8 * 1024);
    loop {
        let end = loop {
            if let Some(end) = request_end(&buffer) {
                break end;
            }
            if socket.read_buf(&mut buffer).await.ok()? == 0 {
                return None;
            }
        };
        let request = buffer.get(..end)?;
        if memmem::find(request, b"\"stream\":true").is_none() {
            buffer.drain(..end);
            socket.write_all(&answer).await.ok()?;
            continue;
        }
        let with_usage = memmem::find(request, b"include_usage").is_some();
        buffer.drain(..end);
        let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        socket.write_all(head).await.ok()?;
        let plain = socket.into_std().ok()?;
        let (done, wait) = oneshot::channel();
        let job = Job {
            socket: plain.try_clone().ok()?,
            chunks_left: shape.chunks.load(Relaxed),
            interval: Duration::from_micros(shape.interval_us.load(Relaxed)),
            with_usage,
            done,
        };
        pacer.send(job).ok()?;
        socket = TcpStream::from_std(plain).ok()?;
        if !wait.await.ok()? {
            return None;
        }
    }
}

/// Where the first request in `buffer` ends, if it is all there.
fn request_end(buffer: &[u8]) -> Option<usize> {
    let head = memmem::find(buffer, b"\r\n\r\n")? + 4;
    let end = head + super::client::content_length(buffer.get(..head)?).unwrap_or(0);
    (buffer.len() >= end).then_some(end)
}

fn whole_answer() -> Vec<u8> {
    let open = concat!(
        r#"{"id":"chatcmpl-bench0001","object":"chat.completion","created":1795256627,"model":"gpt-4o-mini","#,
        r#""choices":[{"index":0,"message":{"role":"assistant","content":""#
    );
    let close = concat!(
        r#"","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":220,"#,
        r#""completion_tokens":140,"total_tokens":360,"prompt_tokens_details":{"cached_tokens":0},"#,
        r#""completion_tokens_details":{"reasoning_tokens":0}},"system_fingerprint":"fp_bench"}"#
    );
    let text = "word ".repeat(ANSWER_BYTES / 5);
    let text = text.get(..ANSWER_BYTES - open.len() - close.len()).unwrap_or_default();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_bench\r\ncontent-length: {ANSWER_BYTES}\r\n\r\n"
    );
    [head.as_bytes(), open.as_bytes(), text.as_bytes(), close.as_bytes()].concat()
}

/// Sends the chunks of all streams, each when it is due. Streams begin spread over one interval, as
/// those of independent clients would.
fn pace(jobs: &mpsc::Receiver<Job>) {
    let mut waiting: BinaryHeap<(Reverse<Instant>, usize)> = BinaryHeap::new();
    let mut streams: Vec<Option<Job>> = Vec::new();
    let mut chunk = Chunk::new();
    loop {
        let job = match waiting.peek() {
            None => match jobs.recv() {
                Ok(job) => Some(job),
                Err(_) => return,
            },
            Some((Reverse(due), _)) => jobs.recv_timeout(due.saturating_duration_since(Instant::now())).ok(),
        };
        if let Some(job) = job {
            // Steps of the golden ratio spread any number of streams evenly.
            let share = (streams.len() as f64 * 0.618_033_988_75).fract();
            waiting.push((Reverse(Instant::now() + job.interval.mul_f64(share)), streams.len()));
            streams.push(Some(job));
            continue;
        }
        while let Some((Reverse(due), index)) = waiting.peek().copied() {
            if due > Instant::now() {
                break;
            }
            waiting.pop();
            let Some(slot) = streams.get_mut(index) else { continue };
            let Some(mut job) = slot.take() else { continue };
            if job.chunks_left > 0 {
                job.chunks_left -= 1;
                if job.socket.write_all(chunk.stamped()).is_ok() {
                    waiting.push((Reverse(due + job.interval), index));
                    *slot = Some(job);
                }
                continue;
            }
            let whole = job.socket.write_all(stream_end(job.with_usage).as_bytes()).is_ok();
            let _ = job.done.send(whole);
        }
        if waiting.is_empty() {
            streams.clear();
        }
    }
}

/// One chunk of content, rendered but for its stamp.
struct Chunk {
    bytes: Vec<u8>,
    stamp_at: usize,
}

impl Chunk {
    fn new() -> Self {
        let event = concat!(
            r#"data: {"id":"chatcmpl-bench0001","object":"chat.completion.chunk","created":1795256627,"#,
            r#""model":"gpt-4o-mini","service_tier":"default","system_fingerprint":"fp_0000000000000000","#,
            r#""choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}]}"#,
            "\n\n"
        );
        let bytes = http_chunk(event).into_bytes();
        let stamp_at = memmem::find(&bytes, STAMP_MARK).unwrap_or(0) + STAMP_MARK.len();
        Self { bytes, stamp_at }
    }

    /// The chunk as it is to be sent at this moment.
    fn stamped(&mut self) -> &[u8] {
        if let Some(place) = self.bytes.get_mut(self.stamp_at..self.stamp_at + STAMP_DIGITS) {
            let _ = write!(&mut *place, "{:0width$}", now_ns(), width = STAMP_DIGITS);
        }
        &self.bytes
    }
}

fn stream_end(with_usage: bool) -> String {
    let finish = concat!(
        r#"data: {"id":"chatcmpl-bench0001","object":"chat.completion.chunk","created":1795256627,"#,
        r#""model":"gpt-4o-mini","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
        "\n\n"
    );
    let usage = concat!(
        r#"data: {"id":"chatcmpl-bench0001","object":"chat.completion.chunk","created":1795256627,"#,
        r#""model":"gpt-4o-mini","choices":[],"usage":{"prompt_tokens":220,"completion_tokens":100,"total_tokens":320}}"#,
        "\n\n"
    );
    let usage = if with_usage { http_chunk(usage) } else { String::new() };
    format!("{}{usage}{}0\r\n\r\n", http_chunk(finish), http_chunk("data: [DONE]\n\n"))
}

fn http_chunk(data: &str) -> String {
    format!("{:x}\r\n{data}\r\n", data.len())
}
