//! Promises of the socket side, kept against raw bytes.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
    response::Response,
    routing::{get, post},
};
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use llm_gateway::{
    config,
    server::{Drained, Stop, listen, listen_reloading, router},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

const SHORT: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(10);

fn settings() -> config::Server {
    config::Server {
        host: "127.0.0.1".parse().unwrap(),
        port: 0,
        allowed_hosts: vec!["gateway.example".to_owned()],
        on_client_disconnect: config::OnClientDisconnect::Cancel,
        header_timeout: Duration::from_secs(10),
        keep_alive_timeout: Duration::from_secs(60),
        shutdown_timeout: Duration::from_secs(5),
        max_body_bytes: 1 << 20,
        max_upload_bytes: 1 << 20,
        max_header_bytes: 32 * 1024,
        max_headers: 64,
        max_uri_bytes: 8 * 1024,
        max_connections: 64,
        max_connections_per_address: 64,
        body_timeout: Duration::from_secs(10),
        min_body_bytes_per_sec: 1024,
        tls: None,
    }
}

struct Served {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<Drained>,
}

async fn serve(router: Router, settings: config::Server) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let ending = Stop { begun: stop.clone(), ..Stop::default() };
    let task = tokio::spawn(async move { listen(listener, router, &settings, ending).await });
    Served { address, stop, task }
}

impl Served {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends `bytes` as they are and reads until the server closes.
    async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(bytes).await;
        read_to_close(&mut stream).await
    }

    async fn status_of(&self, request: &str) -> u16 {
        status(&self.exchange(request.as_bytes()).await)
    }

    async fn stopped(self) -> Drained {
        self.stop.cancel();
        timeout(PATIENCE, self.task).await.unwrap().unwrap()
    }
}

async fn read_to_close(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match timeout(PATIENCE, stream.read(&mut chunk)).await.expect("the server should close the connection") {
            Ok(0) | Err(_) => return String::from_utf8_lossy(&answer).into_owned(),
            Ok(length) => answer.extend_from_slice(&chunk[..length]),
        }
    }
}

async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut answer = Vec::new();
    while !String::from_utf8_lossy(&answer).contains(end) {
        let mut chunk = [0; 1024];
        let length = timeout(PATIENCE, stream.read(&mut chunk)).await.unwrap().unwrap();
        assert_ne!(length, 0, "closed after {:?}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&chunk[..length]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// A small house: one API route, one that streams, one that panics, and a page.
fn house() -> Router {
    let gateway = Router::new()
        .route("/v1/chat/completions", post(|body: Bytes| async move { body }))
        .route("/v1/echo/{*path}", get(|axum::extract::Path(path): axum::extract::Path<String>| async move { path }))
        .route("/v1/peer", get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() }))
        .route(
            "/v1/stream",
            get(|| async {
                Response::builder().header("content-type", "text/event-stream").body(Body::from("data: 1\n\n")).unwrap()
            }),
        )
        .route("/v1/panic", get(panics));
    let admin = Router::new().route("/health", get(|| async { "ok" }));
    let portal = Router::new().fallback(|| async {
        Response::builder()
            .header("cache-control", "public, max-age=31536000, immutable")
            .header("x-frame-options", "ALLOWALL")
            .body(Body::from("<html>"))
            .unwrap()
    });
    router(gateway, admin, portal)
}

async fn panics() -> &'static str {
    panic!("as the test wishes")
}

fn get_request(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
}

#[tokio::test]
async fn the_host_is_checked_before_any_route() {
    let served = serve(house(), settings()).await;
    let close = "Connection: close\r\n\r\n";
    let cases = [
        ("Host: localhost\r\n", 200),
        ("Host: LOCALHOST:8930\r\n", 200),
        ("Host: 127.0.0.1:1\r\n", 200),
        ("Host: 127.8.9.1\r\n", 200),
        ("Host: [::1]:8930\r\n", 200),
        ("Host: gateway.example\r\n", 200),
        ("Host: Gateway.Example:443\r\n", 200),
        ("", 400),
        ("Host: localhost\r\nHost: localhost\r\n", 400),
        ("Host: localhost\r\nhost: evil.test\r\n", 400),
        ("Host:\r\n", 400),
        ("Host: a/v1?\r\n", 400),
        ("Host: evil@localhost\r\n", 400),
        ("Host: localhost:x\r\n", 400),
        ("Host: localhost:99999\r\n", 400),
        ("Host: localhost, evil.test\r\n", 400),
        ("Host: local host\r\n", 400),
        ("Host: evil.test\r\n", 421),
        ("Host: localhost.\r\n", 421),
        ("Host: localhost.evil.test\r\n", 421),
        ("Host: 0.0.0.0:8930\r\n", 421),
        ("Host: 2130706433\r\n", 421),
        ("Host: 127.1\r\n", 421),
        ("Host: 0x7f.0.0.1\r\n", 421),
        ("Host: 169.254.169.254\r\n", 421),
        ("Host: [::]\r\n", 421),
        ("Host: [::ffff:127.0.0.1]\r\n", 421),
        ("Host: evil.test\r\nX-Forwarded-Host: localhost\r\nForwarded: host=localhost\r\n", 421),
    ];
    for (host, expected) in cases {
        for path in ["/health", "/", "/nowhere"] {
            let expected = if path == "/nowhere" && expected == 200 { 200 } else { expected };
            let got = served.status_of(&format!("GET {path} HTTP/1.1\r\n{host}{close}")).await;
            assert_eq!(got, expected, "{host:?} on {path}");
        }
    }
    let absolute = [
        ("http://localhost/health", "localhost", 200),
        ("http://LOCALHOST/health", "localhost", 200),
        ("http://evil.test/health", "localhost", 400),
        ("http://localhost/health", "evil.test", 400),
        ("http://localhost:8930/health", "localhost", 400),
        ("http://evil.test/health", "evil.test", 421),
        ("http://x@localhost/health", "localhost", 400),
    ];
    for (target, host, expected) in absolute {
        let got = served.status_of(&format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{close}")).await;
        assert_eq!(got, expected, "{target} with host {host}");
    }
    let got = served.status_of(&format!("CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\n{close}")).await;
    assert_eq!(got, 400);
}

#[tokio::test]
async fn a_path_that_could_be_read_in_two_ways_is_refused_on_every_route() {
    let served = serve(house(), settings()).await;
    let refused = [
        "/v1/echo/../x",
        "/v1/echo/..",
        "/v1/echo/.",
        "/v1/echo/./x",
        "/v1/echo/%2e%2e/x",
        "/v1/echo/%2E./x",
        "/v1/echo/.%2e",
        "/v1/echo/..%2fx",
        "/v1/echo/a%2fb",
        "/v1/echo/a%2Fb",
        "/v1/echo/a%5cb",
        "/v1/echo/a\\b",
        "/v1/echo/a%00b",
        "/v1/echo/a%0d%0ab",
        "/v1/echo/a%7f",
        "/v1/echo/%252e%252e/x",
        "/v1/echo/a%252fb",
        "/v1/echo/%zz",
        "/v1/echo/%",
        "/v1/echo/%2",
        "/v1/echo//x",
        "//evil.test/v1/peer",
        "/..;/health",
        "/%2e%2e/health",
        "/health/..",
        "*",
    ];
    for path in refused {
        assert_eq!(served.status_of(&get_request(path)).await, 400, "{path}");
    }
    let passed = [
        ("/v1/echo/models/openai/gpt-5:generateContent", "models/openai/gpt-5:generateContent"),
        ("/v1/echo/a.b/.hidden", "a.b/.hidden"),
        ("/v1/echo/caf%C3%A9%20x", "café x"),
        ("/v1/echo/50%25", "50%"),
        ("/v1/echo/x?y=../%2e%2e//z", "x"),
    ];
    for (path, seen) in passed {
        let answer = served.exchange(get_request(path).as_bytes()).await;
        assert!(answer.ends_with(&format!("\r\n\r\n{seen}")), "{path}: {answer}");
    }
}

#[tokio::test]
async fn an_oversized_head_is_refused() {
    let served = serve(house(), settings()).await;
    let with = |headers: &str| format!("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
    let many = |count: usize| (0..count).map(|number| format!("x-{number}: 1\r\n")).collect::<String>();

    assert_eq!(served.status_of(&with(&many(60))).await, 200);
    assert_eq!(served.status_of(&with(&many(70))).await, 431);
    assert_eq!(served.status_of(&with(&many(150))).await, 431);
    assert_eq!(served.status_of(&with(&format!("x-big: {}\r\n", "a".repeat(30_000)))).await, 200);
    assert_eq!(served.status_of(&with(&format!("x-big: {}\r\n", "a".repeat(33_000)))).await, 431);
    assert_eq!(served.status_of(&with(&format!("x-big: {}\r\n", "a".repeat(200_000)))).await, 431);
    assert_eq!(served.status_of(&get_request(&format!("/health?{}", "a".repeat(8_000)))).await, 200);
    assert_eq!(served.status_of(&get_request(&format!("/health?{}", "a".repeat(9_000)))).await, 414);
    assert_eq!(served.status_of(&get_request(&format!("/health?{}", "a".repeat(70_000)))).await, 414);
}

#[tokio::test]
async fn a_silent_or_dripping_client_is_closed() {
    let served =
        serve(house(), config::Server { header_timeout: SHORT, keep_alive_timeout: SHORT, ..settings() }).await;

    let mut silent = served.connect().await;
    let mut half = served.connect().await;
    half.write_all(b"GET /health HTTP/1.1\r\nHost: loc").await.unwrap();
    let mut half_preface = served.connect().await;
    half_preface.write_all(b"PRI * HTTP/2").await.unwrap();
    let mut preface_only = served.connect().await;
    preface_only.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut idle = served.connect().await;
    idle.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();

    assert_eq!(read_to_close(&mut silent).await, "");
    assert_eq!(read_to_close(&mut half).await, "");
    assert_eq!(read_to_close(&mut half_preface).await, "");
    read_to_close(&mut preface_only).await;
    assert!(read_to_close(&mut idle).await.ends_with("ok"));

    for first_bytes in ["", "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"] {
        let mut dripping = served.connect().await;
        dripping.write_all(first_bytes.as_bytes()).await.unwrap();
        let begun = Instant::now();
        let mut chunk = [0; 1024];
        loop {
            let _ = dripping.write_all(b"G").await;
            if let Ok(Ok(0) | Err(_)) = timeout(Duration::from_millis(40), dripping.read(&mut chunk)).await {
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "a dripped head keeps the connection open");
        }
    }
}

#[tokio::test]
async fn an_idle_connection_outlives_the_header_timeout() {
    let served = serve(house(), config::Server { header_timeout: SHORT, ..settings() }).await;
    let mut stream = served.connect().await;
    for _ in 0..2 {
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        assert!(read_until(&mut stream, "\r\n\r\nok").await.starts_with("HTTP/1.1 200"));
        assert!(timeout(SHORT * 3, stream.readable()).await.is_err(), "closed while idle");
    }
}

#[tokio::test]
async fn a_slow_handler_is_not_cut_by_the_timers() {
    let slow = Router::new().route(
        "/slow",
        get(|| async {
            tokio::time::sleep(SHORT * 4).await;
            "late"
        }),
    );
    let served = serve(slow, config::Server { header_timeout: SHORT, keep_alive_timeout: SHORT, ..settings() }).await;
    assert!(served.exchange(get_request("/slow").as_bytes()).await.ends_with("late"));
}

async fn over_http2(served: &Served) -> (hyper::client::conn::http2::SendRequest<Body>, JoinHandle<()>) {
    let stream = TokioIo::new(served.connect().await);
    let (sender, connection) =
        hyper::client::conn::http2::handshake::<_, _, Body>(TokioExecutor::new(), stream).await.unwrap();
    let task = tokio::spawn(async move {
        let _ = connection.await;
    });
    (sender, task)
}

#[tokio::test]
async fn http2_with_prior_knowledge_shares_the_port() {
    let served = serve(house(), settings()).await;
    let (mut sender, _connection) = over_http2(&served).await;
    let request = |uri: &str| hyper::Request::builder().uri(uri).body(Body::empty()).unwrap();

    let answer = sender.send_request(request("http://localhost/v1/peer")).await.unwrap();
    assert_eq!((answer.status(), answer.version()), (200.try_into().unwrap(), hyper::Version::HTTP_2));
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "127.0.0.1");

    for (uri, host, expected) in [
        ("http://evil.test/health", None, 421),
        ("http://localhost/health", Some("localhost"), 200),
        ("http://localhost/health", Some("evil.test"), 400),
        ("http://localhost/v1/echo/%2e%2e/x", None, 400),
    ] {
        let mut request = request(uri);
        if let Some(host) = host {
            request.headers_mut().insert("host", host.parse().unwrap());
        }
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), expected, "{uri} {host:?}");
    }
}

#[tokio::test]
async fn an_idle_http2_connection_is_told_to_leave() {
    let served = serve(house(), config::Server { keep_alive_timeout: SHORT, ..settings() }).await;
    let (mut sender, connection) = over_http2(&served).await;
    let request = hyper::Request::builder().uri("http://localhost/health").body(Body::empty()).unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
    timeout(PATIENCE, connection).await.unwrap().unwrap();
}

const DRESS: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

#[tokio::test]
async fn every_class_of_answer_wears_the_security_headers() {
    let served = serve(house(), settings()).await;
    let cases = [
        (get_request("/health"), 200, "no-store"),
        (get_request("/v1/stream"), 200, "no-store"),
        (get_request("/any/page"), 200, "public, max-age=31536000, immutable"),
        (get_request("/v1/nothing"), 404, "no-store"),
        (get_request("/v1/panic"), 500, "no-store"),
        (get_request("/v1/chat/completions"), 405, "no-store"),
        (get_request("/a/../b"), 400, "no-store"),
        ("GET / HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n".to_owned(), 421, "no-store"),
        (get_request(&format!("/{}", "a".repeat(9_000))), 414, "no-store"),
    ];
    for (request, expected, cache_control) in cases {
        let answer = served.exchange(request.as_bytes()).await;
        assert_eq!(status(&answer), expected, "{answer}");
        let head = answer.split("\r\n\r\n").next().unwrap_or_default();
        let all = DRESS.into_iter().chain([("cache-control", cache_control)]);
        for (name, value) in all {
            assert_eq!(head.matches(&format!("\r\n{name}: {value}")).count(), 1, "{name} on {expected}: {head}");
            assert_eq!(head.matches(&format!("\r\n{name}:")).count(), 1, "{name} on {expected}: {head}");
        }
    }
}

#[tokio::test]
async fn nowhere_and_wrong_methods_are_answered_in_the_callers_api() {
    let served = serve(house(), settings()).await;
    let cases = [
        ("/v1/nothing", "", "/error/code", "not_found"),
        ("/v1/messages/nothing", "", "/type", "error"),
        ("/v1/nothing", "anthropic-version: 2023-06-01\r\n", "/type", "error"),
        ("/v1beta/nothing", "", "/error/status", "NOT_FOUND"),
        ("/v1/models/nothing:generateContent", "", "/error/status", "NOT_FOUND"),
        ("/team-a/anthropic/nothing", "", "/type", "error"),
        ("/team-a/openai/nothing", "", "/error/code", "not_found"),
    ];
    for (path, header, pointer, expected) in cases {
        let request = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}\r\n");
        let answer = served.exchange(request.as_bytes()).await;
        let body: serde_json::Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        assert_eq!(status(&answer), 404, "{path}");
        assert_eq!(body.pointer(pointer).and_then(|value| value.as_str()), Some(expected), "{path}: {body}");
    }
    let answer = served.exchange(get_request("/v1/chat/completions").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    assert!(answer.contains("\r\nallow: POST\r\n"), "{answer}");
    assert!(answer.contains("method_not_allowed"), "{answer}");
}

#[tokio::test]
async fn a_refusal_repeats_the_clients_request_id_if_it_is_plain() {
    let served = serve(house(), settings()).await;
    for (sent, is_repeated) in [("abc-123", true), ("with space", false), (&*"x".repeat(200), false)] {
        let request =
            format!("GET /v1/nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nx-request-id: {sent}\r\n\r\n");
        let answer = served.exchange(request.as_bytes()).await;
        assert_eq!(answer.contains(&format!("\r\nx-request-id: {sent}\r\n")), is_repeated, "{answer}");
        assert_eq!(answer.matches("\r\nx-request-id: ").count(), 1, "{answer}");
    }
}

#[tokio::test]
async fn a_panic_harms_only_its_own_request() {
    let served = serve(house(), settings()).await;
    let mut stream = served.connect().await;
    stream.write_all(b"GET /v1/panic HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let answer = read_until(&mut stream, "}").await;
    assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
    assert!(!answer.contains("as the test wishes"), "{answer}");
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(read_to_close(&mut stream).await.ends_with("ok"));
}

/// A route whose body is sent piece by piece, as the test says.
fn stepwise(step: Arc<Notify>) -> Router {
    Router::new()
        .route(
            "/v1/steps",
            get(move || {
                let step = Arc::clone(&step);
                async move {
                    let pieces = futures_util::stream::unfold(0, move |number| {
                        let step = Arc::clone(&step);
                        async move {
                            if number == 3 {
                                return None;
                            }
                            step.notified().await;
                            Some((Ok::<_, std::convert::Infallible>(format!("data: {number}\n\n")), number + 1))
                        }
                    });
                    Body::from_stream(pieces)
                }
            }),
        )
        .route("/health", get(|| async { "ok" }))
}

#[tokio::test]
async fn a_stop_lets_a_stream_finish_and_closes_idle_connections_at_once() {
    let step = Arc::new(Notify::new());
    let served = serve(stepwise(Arc::clone(&step)), settings()).await;
    let mut silent = served.connect().await;
    let mut half = served.connect().await;
    half.write_all(b"GET /hea").await.unwrap();
    let mut idle = served.connect().await;
    idle.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    read_until(&mut idle, "ok").await;
    let mut streaming = served.connect().await;
    streaming.write_all(b"GET /v1/steps HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    step.notify_one();
    read_until(&mut streaming, "data: 0").await;

    let begun = Instant::now();
    served.stop.cancel();
    read_to_close(&mut silent).await;
    read_to_close(&mut half).await;
    read_to_close(&mut idle).await;
    assert!(begun.elapsed() < Duration::from_secs(2), "idle connections should close at once");
    // While there is something to wait for, whoever comes is told what is going on.
    assert_eq!(served.status_of(&get_request("/health")).await, 200);
    let late = served.exchange(b"GET /v1/peer HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(late.starts_with("HTTP/1.1 503") && late.contains("shutting_down"), "{late}");
    assert!(late.contains("\r\nconnection: close\r\n") && late.contains("\r\nretry-after: 1\r\n"), "{late}");
    let mut late_and_silent = served.connect().await;

    step.notify_one();
    read_until(&mut streaming, "data: 1").await;
    step.notify_one();
    assert!(read_to_close(&mut streaming).await.contains("data: 2"));
    let address = served.address;
    assert_eq!(served.stopped().await, Drained { cut_connections: 0 });
    read_to_close(&mut late_and_silent).await;
    assert!(TcpStream::connect(address).await.is_err(), "new connections should be refused");
}

#[tokio::test]
async fn a_stop_is_bounded() {
    let served =
        serve(stepwise(Arc::new(Notify::new())), config::Server { shutdown_timeout: SHORT, ..settings() }).await;
    let mut streaming = served.connect().await;
    streaming.write_all(b"GET /v1/steps HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    read_until(&mut streaming, "\r\n\r\n").await;

    let begun = Instant::now();
    assert_eq!(served.stopped().await, Drained { cut_connections: 1 });
    assert!(begun.elapsed() < Duration::from_secs(3));
    read_to_close(&mut streaming).await;
}

#[tokio::test]
async fn no_more_connections_are_served_than_allowed() {
    let busy = Arc::new(AtomicUsize::new(0));
    let step = Arc::new(Notify::new());
    let (seen, wait) = (Arc::clone(&busy), Arc::clone(&step));
    let router = Router::new().route(
        "/",
        get(move || {
            let (seen, wait) = (Arc::clone(&seen), Arc::clone(&wait));
            async move {
                seen.fetch_add(1, Ordering::SeqCst);
                wait.notified().await;
                "done"
            }
        }),
    );
    let served = serve(router, config::Server { max_connections: 2, ..settings() }).await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = served.connect().await;
        stream.write_all(get_request("/").as_bytes()).await.unwrap();
        streams.push(stream);
    }
    while busy.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    assert!(
        timeout(SHORT, async {
            while busy.load(Ordering::SeqCst) < 3 {
                tokio::task::yield_now().await
            }
        })
        .await
        .is_err()
    );
    step.notify_one();
    timeout(PATIENCE, async {
        while busy.load(Ordering::SeqCst) < 3 {
            tokio::task::yield_now().await
        }
    })
    .await
    .unwrap();
    step.notify_waiters();
}

/// Request heads and bodies that two parsers may frame differently, each followed by what a
/// smuggler hopes for: a second request to `/count`.
#[tokio::test]
async fn an_ambiguously_framed_request_is_never_two() {
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    let router = Router::new().route(
        "/count",
        post(move |_: Bytes| {
            counter.fetch_add(1, Ordering::SeqCst);
            async { "counted" }
        }),
    );
    let served = serve(router, config::Server { header_timeout: SHORT, ..settings() }).await;
    let smuggled = "POST /count HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    let chunked = format!("{:x}\r\n{smuggled}\r\n0\r\n\r\n", smuggled.len());
    let length = smuggled.len();
    // The framing headers, the body, and how many requests may be answered.
    let cases = [
        (format!("Content-Length: {length}\r\n"), smuggled, 1),
        ("Transfer-Encoding: chunked\r\n".to_owned(), &chunked, 1),
        (format!("Content-Length: {length}\r\nContent-Length: {length}\r\n"), smuggled, 1),
        (format!("Content-Length: {length}\r\nContent-Length: 0\r\n"), smuggled, 0),
        ("Content-Length: 0, 5\r\n".to_owned(), smuggled, 0),
        (format!("Content-Length: +{length}\r\n"), smuggled, 0),
        (format!("Content-Length: -{length}\r\n"), smuggled, 0),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n".to_owned(), &chunked, 1),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n".to_owned(), &chunked, 1),
        ("Transfer-Encoding: xchunked\r\n".to_owned(), &chunked, 0),
        ("Transfer-Encoding: chunked, identity\r\n".to_owned(), &chunked, 0),
        ("Transfer-Encoding: identity\r\n".to_owned(), &chunked, 0),
        ("Transfer-Encoding : chunked\r\n".to_owned(), &chunked, 0),
        ("Transfer-Encoding:\r\n chunked\r\n".to_owned(), &chunked, 0),
        ("x: a\r\n folded\r\n".to_owned(), "", 0),
        ("x: a\0b\r\n".to_owned(), "", 0),
    ];
    for (framing, body, allowed) in cases {
        seen.store(0, Ordering::SeqCst);
        let request = format!("POST /count HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{framing}\r\n{body}");
        let answer = served.exchange(request.as_bytes()).await;
        assert_eq!(seen.load(Ordering::SeqCst), allowed, "{framing:?}: {answer}");
        assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{framing:?}: {answer}");
        if allowed == 0 {
            assert!(status(&answer) == 400 || answer.is_empty(), "{framing:?}: {answer}");
        }
    }
}

#[tokio::test]
async fn changed_settings_hold_for_the_next_connection() {
    let nowhere = tempfile::tempdir().unwrap();
    let options = config::LoadOptions { working_dir: nowhere.path().to_owned(), ..config::LoadOptions::default() };
    let before = config::load(&options).unwrap();
    let mut after = before.clone();
    after.server.allowed_hosts = vec!["new.example".to_owned()];
    let current = Arc::new(std::sync::Mutex::new(Arc::new(before)));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let (seen, ending) = (Arc::clone(&current), Stop { begun: stop.clone(), ..Stop::default() });
    let task =
        tokio::spawn(
            async move { listen_reloading(listener, house(), || Arc::clone(&seen.lock().unwrap()), ending).await },
        );
    let served = Served { address, stop, task };

    let request = "GET /health HTTP/1.1\r\nHost: new.example\r\nConnection: close\r\n\r\n";
    assert_eq!(served.status_of(request).await, 421);
    *current.lock().unwrap() = Arc::new(after);
    assert_eq!(served.status_of(request).await, 200);
    assert_eq!(served.stopped().await, Drained { cut_connections: 0 });
}
