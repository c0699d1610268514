//! No client can hold the gateway up or swell it: slow bodies end, and slow readers wait upstream
//! (SECURITY bars 24 and 25).

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use llm_gateway::config::{self, LoadOptions};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::harness::{
    client::{Client, PATIENCE},
    gateway::{Rig, start_with},
};

const HEAD: &str = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
const BODY: &str = r#"{"model": "gpt-4o", "messages": []}"#;

async fn rig() -> Rig {
    start_with("[server]\nbody_timeout = 1\nmin_body_bytes_per_sec = 1024\n").await
}

async fn connect(rig: &Rig) -> TcpStream {
    TcpStream::connect(rig.address).await.unwrap()
}

/// Everything that still comes, until the other side closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // A reset after the answer is an end as well.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut text)).await.expect("an end in time");
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn a_body_that_stops_or_drips_ends_with_a_408_and_a_record() {
    let rig = rig().await;
    let upload = "POST /v1/files HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=x\r\n";
    for (name, head) in [
        ("length", format!("{HEAD}content-length: 1000000\r\n\r\n{{")),
        ("chunked", format!("{HEAD}transfer-encoding: chunked\r\n\r\n1\r\n{{\r\n")),
        ("upload", format!("{upload}content-length: 1000000\r\n\r\n--x\r\n")),
    ] {
        let mut stream = connect(&rig).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        let begun = Instant::now();
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("request_timeout"), "{name}: {answer}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{name}: {:?}", begun.elapsed());
    }

    let (mut reader, mut writer) = connect(&rig).await.into_split();
    writer.write_all(format!("{HEAD}content-length: 1000000\r\n\r\n").as_bytes()).await.unwrap();
    let drip = tokio::spawn(async move {
        while writer.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let mut answer = vec![0; 12];
    timeout(PATIENCE, reader.read_exact(&mut answer)).await.expect("an answer in time").unwrap();
    assert_eq!(answer, b"HTTP/1.1 408");
    drip.abort();
    for record in rig.records_when(4).await {
        assert_eq!([&record["error_kind"], &record["status"]], [&"request_timeout".into(), &serde_json::json!(408)]);
    }
}

#[tokio::test]
async fn a_body_that_comes_slowly_but_fast_enough_is_answered() {
    let rig = rig().await;
    let mut stream = connect(&rig).await;
    let padding = " ".repeat(6_000);
    let length = padding.len() + BODY.len();
    let head = format!("{HEAD}connection: close\r\ncontent-length: {length}\r\n\r\n{BODY}");
    stream.write_all(head.as_bytes()).await.unwrap();
    // Two seconds, twice of what may be waited for without a byte, at 3,000 bytes a second.
    for piece in padding.as_bytes().chunks(300) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        stream.write_all(piece).await.unwrap();
    }
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn slow_clients_by_the_hundreds_do_not_slow_the_others() {
    let rig = start_with("[server]\nheader_timeout = 2\nbody_timeout = 2\n").await;
    let mut slow = Vec::new();
    for number in 0..400 {
        let mut stream = connect(&rig).await;
        let begun: &[u8] = match number % 3 {
            0 => b"",
            1 => b"GET / HT",
            _ => b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99\r\n\r\n{",
        };
        stream.write_all(begun).await.unwrap();
        slow.push(stream);
    }
    let client = rig.client();
    let mut times = Vec::new();
    for _ in 0..100 {
        let begun = Instant::now();
        client.get("/readyz").await.expect(200);
        times.push(begun.elapsed());
    }
    times.sort();
    assert!(times[98] < Duration::from_millis(50), "p99 {:?}", times[98]);
    let begun = Instant::now();
    for stream in &mut slow {
        rest(stream).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

/// An address of this machine that is not loopback, if it has one.
fn own_address() -> Option<IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent: this only asks for the route.
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

#[tokio::test]
async fn one_address_cannot_take_all_connections() {
    let Some(own) = own_address() else {
        println!("skipped: this machine has no address but loopback");
        return;
    };
    let rig = start_with("[server]\nmax_connections_per_address = 3\n").await;
    let dir = rig.data.path().to_owned();
    let config =
        config::load(&LoadOptions { config_path: None, port: None, working_dir: dir, env: BTreeMap::new() }).unwrap();
    let listener = tokio::net::TcpListener::bind((own, 0)).await.unwrap();
    let address = SocketAddr::new(own, listener.local_addr().unwrap().port());
    let stop = llm_gateway::server::Stop::default();
    let served = tokio::spawn({
        let (router, stop) = (rig.gateway.router(), stop.clone());
        async move { llm_gateway::server::listen(listener, router, &config.server, stop).await }
    });
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut answer = [0; 12];
        timeout(PATIENCE, stream.read_exact(&mut answer)).await.unwrap().unwrap();
        held.push(stream);
    }
    assert_eq!(rest(&mut TcpStream::connect(address).await.unwrap()).await, "", "the fourth is closed at once");
    // Loopback is not counted, and one that goes makes room.
    Client::new(rig.address).get("/readyz").await.expect(200);
    drop(held.pop());
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let _ = stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
        if rest(&mut stream).await.starts_with("HTTP/1.1 200") {
            break;
        }
        assert!(Instant::now() < deadline, "the place was never given back");
    }
    stop.begun.cancel();
    let _ = timeout(PATIENCE, served).await;
}
