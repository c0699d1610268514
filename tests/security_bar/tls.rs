//! Bar 57: TLS by rustls, 1.2 and above, certificates renewed without dropping a connection.

use std::{os::unix::fs::PermissionsExt as _, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use llm_gateway::demo::{Chunk, Payload, Script};
use rustls::{ClientConfig, ProtocolVersion, pki_types::ServerName, version};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::raw;
use crate::harness::{
    client::{Client, PATIENCE},
    dial::{Pair, swap, trusting},
    gateway::{Rig, start_with},
    process::Process,
};

async fn shake(rig: &Rig, tls: ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(rig.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    timeout(PATIENCE, TlsConnector::from(Arc::new(tls)).connect(name, stream)).await.expect("a handshake in time")
}

/// The certificate that is shown to new connections.
async fn shown(rig: &Rig, pairs: &[&Pair]) -> Vec<u8> {
    let files: Vec<_> = pairs.iter().map(|pair| pair.cert_file()).collect();
    let trusted: Vec<_> = files.iter().map(|file| file.as_path()).collect();
    let stream = shake(rig, trusting(&trusted)).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

#[tokio::test]
async fn bar_57_both_versions_of_tls_carry_both_versions_of_http() {
    let pair = Pair::new();
    let rig = start_with(&pair.section()).await;
    for (version, expected) in
        [(&version::TLS12, ProtocolVersion::TLSv1_2), (&version::TLS13, ProtocolVersion::TLSv1_3)]
    {
        for (alpn, is_http2) in [(&b"http/1.1"[..], false), (b"h2", true)] {
            let mut tls = ClientConfig::builder_with_provider(Arc::clone(trusting(&[]).crypto_provider()))
                .with_protocol_versions(&[version])
                .unwrap()
                .with_root_certificates({
                    let mut roots = rustls::RootCertStore::empty();
                    roots.add(rustls::pki_types::pem::PemObject::from_pem_file(pair.cert_file()).unwrap()).unwrap();
                    roots
                })
                .with_no_client_auth();
            tls.alpn_protocols = vec![alpn.to_vec()];
            let stream = shake(&rig, tls).await.unwrap();
            assert_eq!(stream.get_ref().1.protocol_version(), Some(expected));
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(alpn));
            let request =
                http::Request::post(if is_http2 { "https://localhost/v1/embeddings" } else { "/v1/embeddings" })
                    .header("content-type", "application/json");
            let request = if is_http2 { request } else { request.header("host", "localhost") };
            let body = r#"{"model": "text-embedding-3-small", "input": "Hello"}"#;
            let request = request.body(Full::new(Bytes::from(body))).unwrap();
            let io = TokioIo::new(stream);
            let answer = if is_http2 {
                let (mut sender, connection) =
                    hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
                tokio::spawn(connection);
                sender.send_request(request).await.unwrap()
            } else {
                let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
                tokio::spawn(connection);
                sender.send_request(request).await.unwrap()
            };
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            assert!(serde_json::from_slice::<serde_json::Value>(&body).unwrap()["data"][0]["embedding"].is_array());
        }
    }
    assert_eq!(rig.records_when(4).await.len(), 4);
}

/// A stream whose second half comes when the test has done its work.
fn slow() -> Script {
    let chunk = |text: &'static str, after_ms| Chunk { payload: Payload::Bytes(Bytes::from(text)), after_ms };
    let mut script = Script::stream::<Bytes>([]);
    script.chunks = Some(vec![
        chunk("data: {\"choices\":[{\"delta\":{\"content\":\"one\"}}]}\n\n", 0),
        chunk("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n", 5000),
    ]);
    script
}

#[tokio::test]
async fn bar_57_a_renewed_certificate_holds_for_the_next_connection_and_drops_none() {
    let pair = Pair::new();
    let rig = start_with(&pair.section()).await;
    let old = shown(&rig, &[&pair]).await;
    let client = rig.client();
    rig.upstream.script(slow());
    let body = json!({"model": "gpt-4o", "stream": true, "messages": []}).to_string();
    let mut stream = client.open(http::Method::POST, "/v1/chat/completions", Some(body.into())).await.into_body();
    stream.frame().await.unwrap().unwrap();

    // Half of a renewal: certificate and key do not fit together. The old pair stays, and it is told.
    let key = std::fs::read_to_string(pair.key_file()).unwrap();
    let other = Pair::new();
    swap(&pair.key_file(), &std::fs::read_to_string(other.key_file()).unwrap(), 0o600);
    let refused = noted(&client, "cannot be used together").await;
    assert_eq!(refused["outcome"], "refused", "{refused:#}");
    // Rubbish, and a key that everyone can read.
    swap(&pair.key_file(), "rubbish", 0o600);
    noted(&client, "holds no private key in PEM").await;
    swap(&pair.key_file(), &key, 0o604);
    noted(&client, "every user of this machine can read").await;
    assert_eq!(shown(&rig, &[&pair]).await, old);

    pair.renew();
    let trusted = rig.client();
    let begun = Instant::now();
    let new = loop {
        let files = [pair.cert_file()];
        // The old one is not trusted by this client, so that the handshake itself tells which it is.
        if let Ok(stream) = shake(&rig, trusting(&[&files[0]])).await {
            break stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
        }
        assert!(begun.elapsed() < PATIENCE, "the new certificate never came into force");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_ne!(new, old);

    // The stream that began under the old one, and a connection that lay idle, go on.
    let rest = stream.collect().await.unwrap().to_bytes();
    assert!(rest.ends_with(b"data: [DONE]\n\n"));
    trusted.get("/health").await.expect(200);
    assert_eq!(rig.only_record().await["outcome"], "ok");
}

/// The entry of the audit log that holds these words.
async fn noted(client: &Client, words: &str) -> serde_json::Value {
    let begun = Instant::now();
    loop {
        let page = client.get("/v1/audit").await.expect(200);
        if let Some(entry) = page["data"].as_array().unwrap().iter().find(|entry| entry.to_string().contains(words)) {
            return entry.clone();
        }
        assert!(begun.elapsed() < PATIENCE, "never noted: {words}: {page:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn bar_57_clear_text_on_the_tls_port_is_told_so_and_reaches_nothing() {
    let pair = Pair::new();
    let rig = start_with(&pair.section()).await;
    let request = raw::post("/v1/chat/completions", "Host: localhost\r\n", r#"{"model": "gpt-4o", "messages": []}"#);
    let answer = raw::exchange(rig.address, request.as_bytes()).await;
    assert_eq!(raw::status(&answer), 400);
    let text = String::from_utf8_lossy(&answer);
    assert!(text.contains("this port speaks TLS: use https://") && text.contains("invalid_request"), "{text}");
    assert!(raw::header_names(&answer).contains(&"content-security-policy".to_owned()), "{text}");
    assert_eq!(rig.upstream.ledger().counts().connections, 0);
    for rubbish in
        [&b"\x16\x03\x01\xff\xff"[..], b"\x16rubbish that is no record of TLS at all", b"\0", b"SSH-2.0-x\r\n"]
    {
        raw::exchange(rig.address, rubbish).await;
    }
    rig.client().get("/health").await.expect(200);
}

#[tokio::test]
async fn bar_57_a_session_is_bound_to_this_host_and_to_tls() {
    let pair = Pair::new();
    let rig = start_with(&format!("[auth]\nadmin_password = \"a long enough password\"\n{}", pair.section())).await;
    let client = rig.client();
    let answer = client.post("/v1/session", &json!({"password": "a long enough password"})).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("__Host-llm_gateway_session="), "{cookie}");
    assert!(["; Secure", "; HttpOnly", "; Path=/", "; SameSite=Strict"].iter().all(|part| cookie.contains(part)));
    let pair = cookie.split(';').next().unwrap();
    client.with("cookie", pair).get("/v1/records").await.expect(200);
    // A page in clear text on the same host can set this name, so it is not believed.
    let plain = pair.replace("__Host-", "");
    assert_eq!(client.with("cookie", &plain).get("/v1/records").await.status, 401);
}

#[tokio::test]
async fn bar_57_no_start_with_a_key_that_everyone_can_read_or_without_files() {
    let dir = tempfile::tempdir().unwrap();
    let pair = Pair::new();
    std::fs::write(dir.path().join("config.toml"), pair.section()).unwrap();
    std::fs::set_permissions(pair.key_file(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = async |what: &str| {
        let mut process = Process::spawn(dir.path(), &[]);
        assert!(!process.ended().await.success());
        let log = process.log();
        assert!(log.contains(what), "{log}");
        assert!(!log.contains("PRIVATE KEY"), "{log}");
    };
    let key = pair.key_file();
    refused(&format!("{} is a private key that every user of this machine can read; run: chmod o= ", key.display()))
        .await;
    std::fs::remove_file(&key).unwrap();
    refused(&format!("{}: No such file", key.display())).await;
    swap(&key, "", 0o600);
    refused(&format!("{} holds no private key in PEM", key.display())).await;
    swap(&key, &std::fs::read_to_string(Pair::new().key_file()).unwrap(), 0o600);
    refused("cannot be used together").await;
    pair.renew();
    let process = Process::start(dir.path()).await;
    Client::over_tls(process.address, trusting(&[&pair.cert_file()])).get("/health").await.expect(200);
}

#[tokio::test]
async fn bar_57_a_handshake_has_its_time() {
    let pair = Pair::new();
    let rig = start_with(&format!("{}handshake_timeout = 0.3\n", pair.section())).await;
    // The first bytes of a ClientHello that announces more than ever comes.
    let half = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    for begun in [&b""[..], &half[..1], half] {
        let mut stream = TcpStream::connect(rig.address).await.unwrap();
        stream.write_all(begun).await.unwrap();
        let mut rest = Vec::new();
        let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("closed in time");
        assert!(rest.is_empty(), "{rest:?}");
    }
    rig.client().get("/health").await.expect(200);
}
