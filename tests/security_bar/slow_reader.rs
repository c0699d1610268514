//! Bar 25: a client that does not read on makes the provider wait, and nothing here grow.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::{Request, Response, body::Frame, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream},
    time::{Instant, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use crate::harness::{
    client::{Client, PATIENCE},
    dial::Pair,
    process::Process,
};

/// Clients in the normal run; `SLOW_READERS=500` is the bar's own number. The kernel's buffers of so many
/// connections take gigabytes to fill.
const CLIENTS: usize = 80;

/// What the kernel may hold for one answer on its way, besides what the gateway holds: a buffer at each end of
/// each of the two connections.
fn kernel_bytes() -> u64 {
    let most = |name: &str| {
        let text = std::fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).unwrap();
        text.split_whitespace().last().unwrap().parse::<u64>().unwrap()
    };
    2 * (most("tcp_rmem") + most("tcp_wmem"))
}

/// The most that the gateway may hold for one stream.
const STREAM_BYTES: u64 = 1 << 20;

/// A provider that never ends. It counts what it could send in each answer.
struct Endless {
    address: SocketAddr,
    sent: Arc<Mutex<Vec<Arc<AtomicU64>>>>,
    _serving: AbortOnDropHandle<()>,
}

fn event() -> Bytes {
    let words = "word ".repeat(1_600);
    Bytes::from(format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{words}\"}}}}]}}\n\n"))
}

impl Endless {
    async fn start(tls: Option<&Pair>) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_send_buffer_size(64 * 1024).unwrap();
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let listener = socket.listen(1024).unwrap();
        let address = listener.local_addr().unwrap();
        let sent: Arc<Mutex<Vec<_>>> = Arc::default();
        let acceptor = tls.map(acceptor);
        let counters = Arc::clone(&sent);
        let serving = tokio::spawn(async move { accept(listener, acceptor, counters).await });
        Self { address, sent, _serving: AbortOnDropHandle::new(serving) }
    }

    /// What was sent in each answer, once nothing more goes out.
    async fn stuck(&self, answers: usize) -> Vec<u64> {
        let begun = Instant::now();
        let mut before = Vec::new();
        loop {
            let now: Vec<u64> = self.sent.lock().unwrap().iter().map(|count| count.load(Relaxed)).collect();
            if now.len() == answers && now == before {
                return now;
            }
            before = now;
            assert!(begun.elapsed() < 6 * PATIENCE, "it goes on: {} answers, {before:?}", before.len());
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

fn acceptor(pair: &Pair) -> tokio_rustls::TlsAcceptor {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
    let chain = vec![CertificateDer::from_pem_file(pair.cert_file()).unwrap()];
    let key = PrivateKeyDer::from_pem_file(pair.key_file()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    server.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(server).into()
}

async fn accept(
    listener: TcpListener,
    tls: Option<tokio_rustls::TlsAcceptor>,
    counters: Arc<Mutex<Vec<Arc<AtomicU64>>>>,
) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (tls, counters) = (tls.clone(), Arc::clone(&counters));
        tokio::spawn(async move {
            let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                let counters = Arc::clone(&counters);
                async move {
                    let is_short = request.headers().contains_key("x-short");
                    let _ = request.into_body().collect().await;
                    let count = Arc::new(AtomicU64::new(0));
                    if !is_short {
                        counters.lock().unwrap().push(Arc::clone(&count));
                    }
                    let event = event();
                    let pieces = stream::unfold(0_u32, move |number| {
                        let (event, count) = (event.clone(), Arc::clone(&count));
                        async move {
                            if is_short && number == 3 {
                                return None;
                            }
                            count.fetch_add(event.len() as u64, Relaxed);
                            Some((Ok::<_, std::convert::Infallible>(Frame::data(event)), number.saturating_add(1)))
                        }
                    });
                    let response = Response::builder().header("content-type", "text/event-stream");
                    Ok::<_, std::convert::Infallible>(response.body(StreamBody::new(pieces)).unwrap())
                }
            });
            match tls {
                Some(tls) => {
                    let Ok(stream) = tls.accept(stream).await else { return };
                    let mut server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    server.max_send_buf_size(64 * 1024).max_concurrent_streams(1_000);
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                }
                None => {
                    let server = hyper::server::conn::http1::Builder::new();
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                }
            }
        });
    }
}

/// A body with or without the wish for usage: where it is missing the gateway asks for it and cuts it out again.
fn body(asks_for_usage: bool) -> String {
    let mut body = json!({"model": "gpt-4o", "stream": true, "messages": []});
    if asks_for_usage {
        body["stream_options"] = json!({"include_usage": true});
    }
    body.to_string()
}

/// A client over HTTP/1.1 that has read a little and then no more.
async fn stops_reading(address: SocketAddr, asks_for_usage: bool) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let body = body(asks_for_usage);
    let head =
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length:";
    stream.write_all(format!("{head} {}\r\n\r\n{body}", body.len()).as_bytes()).await.unwrap();
    let mut first = [0; 15];
    timeout(PATIENCE, stream.read_exact(&mut first)).await.expect("an answer in time").unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    stream
}

type Http2 = hyper::client::conn::http2::SendRequest<Full<Bytes>>;

async fn http2(address: SocketAddr) -> Http2 {
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn open(sender: &mut Http2, asks_for_usage: bool, is_short: bool) -> hyper::body::Incoming {
    let mut request = Request::post("http://localhost/v1/chat/completions").header("content-type", "application/json");
    if is_short {
        request = request.header("x-short", "1");
    }
    let request = request.body(Full::new(Bytes::from(body(asks_for_usage)))).unwrap();
    let answer = timeout(PATIENCE, sender.send_request(request)).await.expect("an answer in time").unwrap();
    assert_eq!(answer.status(), 200);
    answer.into_body()
}

async fn gateway(upstream: &str, mode: &str, env: &[(&str, &str)]) -> (tempfile::TempDir, Process) {
    let dir = tempfile::tempdir().unwrap();
    let config = format!(
        "[server]\non_client_disconnect = \"{mode}\"\nshutdown_timeout = 1\n[[providers]]\nid = \"openai\"\n\
         provider_type = \"openai\"\napi_key = \"sk-test\"\nbase_url = \"{upstream}/v1\"\n"
    );
    std::fs::write(dir.path().join("config.toml"), config).unwrap();
    let gateway = Process::start_with(dir.path(), env).await;
    (dir, gateway)
}

async fn nothing_grows(mode: &str, clients: usize) {
    let upstream = Endless::start(None).await;
    let (_dir, gateway) = gateway(&format!("http://{}", upstream.address), mode, &[]).await;
    Client::new(gateway.address).get("/readyz").await.expect(200);
    let before = gateway.resident_bytes();
    let (mut sockets, mut senders, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..clients {
        let asks_for_usage = number.is_multiple_of(2);
        if number % 4 < 2 {
            sockets.push(stops_reading(gateway.address, asks_for_usage).await);
            continue;
        }
        if bodies.len().is_multiple_of(25) {
            senders.push(http2(gateway.address).await);
        }
        bodies.push(open(senders.last_mut().unwrap(), asks_for_usage, false).await);
    }
    let sent = upstream.stuck(clients).await;
    let most = sent.iter().copied().max().unwrap();
    let grown = gateway.resident_bytes().saturating_sub(before);
    assert!(most <= kernel_bytes() + STREAM_BYTES, "{mode}: {most} bytes of one answer");
    assert!(grown <= STREAM_BYTES * clients as u64, "{mode}: {grown} bytes for {clients} clients");
    // Others are served meanwhile, and who reads on gets more.
    Client::new(gateway.address).get("/readyz").await.expect(200);
    let mut more = vec![0; 4 << 20];
    timeout(PATIENCE, sockets[0].read_exact(&mut more)).await.expect("more in time").unwrap();
    assert!(String::from_utf8_lossy(&more).contains("word word"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bar_25_clients_that_do_not_read_make_the_provider_wait() {
    let clients = std::env::var("SLOW_READERS").ok().and_then(|text| text.parse().ok()).unwrap_or(CLIENTS);
    nothing_grows("cancel", clients).await;
    nothing_grows("drain", clients).await;
}

/// Many streams share one connection to the provider: those that nobody reads must not stop the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bar_25_a_stream_that_nobody_reads_does_not_stop_its_neighbours_upstream() {
    let pair = Pair::new();
    let upstream = Endless::start(Some(&pair)).await;
    let cert = pair.cert_file();
    let env = [("SSL_CERT_FILE", cert.to_str().unwrap())];
    let url = format!("https://localhost:{}", upstream.address.port());
    let (_dir, gateway) = gateway(&url, "cancel", &env).await;
    let mut sockets = Vec::new();
    for number in 0..60_u32 {
        sockets.push(stops_reading(gateway.address, number.is_multiple_of(2)).await);
    }
    let sent = upstream.stuck(60).await;
    let most = sent.iter().copied().max().unwrap();
    assert!(most <= kernel_bytes() + STREAM_BYTES, "{most} bytes of one answer");
    let mut sender = http2(gateway.address).await;
    for _ in 0..20 {
        let body = open(&mut sender, true, true).await;
        let body = timeout(PATIENCE, body.collect()).await.expect("a neighbour in time").unwrap().to_bytes();
        assert!(body.starts_with(&event()));
    }
}
