//! Bar 24: slow and silent clients are closed, and five thousand of them leave the others alone, on the listener in
//! clear text and on the one that speaks TLS.

use std::{net::SocketAddr, time::Duration};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, timeout},
};

use crate::harness::{
    client::{Client, PATIENCE},
    dial::{Dial, Pair, Wire, trusting},
    gateway::start_with,
    process::Process,
};

const WISHED: usize = 5_000;

/// What slow clients send before they fall silent; the last two are bodies.
const BEGUN: [&str; 6] = [
    "",
    "G",
    "GET /health HTTP/1.1\r\nHost: localh",
    "PRI * HTTP/2.0\r\n\r\nSM",
    "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{",
    "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{ ",
];

/// The first bytes of a ClientHello that announces more than ever comes.
const HALF_HELLO: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";

/// As many sockets as this process may have, with some left for everything else.
#[allow(clippy::print_stdout, reason = "a scaled-down run must say so")]
fn affordable() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    let most = getrlimit(Resource::Nofile).current.and_then(|most| usize::try_from(most).ok()).unwrap_or(WISHED * 2);
    // Other tests of this process run at the same time.
    let count = WISHED.min(most.saturating_sub(4_000));
    if count < WISHED {
        println!("scaled down to {count} sockets: this process may open {most} files");
    }
    count
}

async fn connect(address: SocketAddr) -> TcpStream {
    timeout(PATIENCE, TcpStream::connect(address)).await.expect("a connection in time").unwrap()
}

async fn closed(socket: &mut (impl tokio::io::AsyncRead + Unpin)) {
    let mut rest = Vec::new();
    let _ = timeout(Duration::from_secs(90), socket.read_to_end(&mut rest)).await.expect("closed in time");
}

async fn five_thousand(tls: Option<&Pair>) {
    let dir = tempfile::tempdir().unwrap();
    let section = tls.map(Pair::section).unwrap_or_default();
    let server = "[server]\nheader_timeout = 10\nbody_timeout = 10\nkeep_alive_timeout = 10\n";
    std::fs::write(dir.path().join("config.toml"), format!("{server}{section}")).unwrap();
    let gateway = Process::start(dir.path()).await;
    let client = || match tls {
        Some(pair) => Client::over_tls(gateway.address, trusting(&[&pair.cert_file()])),
        None => Client::new(gateway.address),
    };
    client().get("/readyz").await.expect(200);
    let before = gateway.resident_bytes();
    let count = affordable();
    let mut slow = Vec::new();
    for number in 0..count {
        let mut socket = connect(gateway.address).await;
        let begun = BEGUN[number % BEGUN.len()].as_bytes();
        let begun = if tls.is_some() { &HALF_HELLO[..HALF_HELLO.len() * (number % 3) / 2] } else { begun };
        let _ = socket.write_all(begun).await;
        slow.push(socket);
    }
    // Whoever comes now, comes in, and is answered.
    for _ in 0..20 {
        client().get("/readyz").await.expect(200);
    }
    let grown = gateway.resident_bytes().saturating_sub(before);
    assert!(grown < 64 * 1024 * count as u64, "{grown} bytes for {count} sockets");
    for socket in &mut slow {
        closed(socket).await;
    }
    client().get("/readyz").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bar_24_five_thousand_slow_sockets_leave_a_normal_request_alone() {
    five_thousand(None).await;
    five_thousand(Some(&Pair::new())).await;
}

/// Sends a byte now and then, until the other side has had enough.
async fn drip(wire: Box<dyn Wire>, first: &str, byte: &[u8]) {
    let (mut reader, mut writer) = tokio::io::split(wire);
    writer.write_all(first.as_bytes()).await.unwrap();
    writer.flush().await.unwrap();
    let begun = Instant::now();
    let byte = byte.to_vec();
    let dripping = tokio::spawn(async move {
        while writer.write_all(&byte).await.is_ok() && writer.flush().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let mut chunk = [0; 4096];
    while let Ok(1..) =
        timeout(PATIENCE, reader.read(&mut chunk)).await.unwrap_or_else(|_| panic!("{first:?} lives on"))
    {}
    dripping.abort();
    assert!(begun.elapsed() < PATIENCE);
}

#[tokio::test]
async fn bar_24_whoever_drips_or_falls_silent_is_closed_on_every_listener() {
    let pair = Pair::new();
    for section in [String::new(), pair.section()] {
        let server = "[server]\nheader_timeout = 1\nbody_timeout = 1\nkeep_alive_timeout = 1\n";
        let rig = start_with(&format!("{server}{section}")).await;
        let dial: Dial = rig.dial();
        let mut clients = Vec::new();
        for begun in BEGUN {
            let mut wire = dial.connect().await;
            clients.push(tokio::spawn(async move {
                wire.write_all(begun.as_bytes()).await.unwrap();
                wire.flush().await.unwrap();
                closed(&mut wire).await;
            }));
        }
        let mut idle = dial.connect().await;
        idle.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        idle.flush().await.unwrap();
        clients.push(tokio::spawn(async move { closed(&mut idle).await }));
        let head = "GET /health HTTP/1.1\r\nHost: localhost\r\nx-slow: ";
        clients.push(tokio::spawn(drip(dial.connect().await, head, b"a")));
        let second = format!("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n{head}");
        clients.push(tokio::spawn({
            let wire = dial.connect().await;
            async move { drip(wire, &second, b"a").await }
        }));
        clients.push(tokio::spawn(drip(dial.connect().await, BEGUN[4], b" ")));
        clients.push(tokio::spawn(drip(dial.connect().await, BEGUN[5], b"\r\n1\r\n ")));
        for client in clients {
            client.await.unwrap();
        }
        rig.client().get("/health").await.expect(200);
        assert_eq!(rig.upstream.ledger().counts().connections, 0);
    }
}
