//! Bar 23: a panic ends the request that it belongs to and nothing else.
//!
//! No input is known that makes the gateway panic, so two routes of the test's own do: one in its handler, one in
//! the midst of its body. They stand behind the same guard, on the same connections as the real ones.

use std::{convert::Infallible, time::Duration};

use axum::{Router, body::Body, routing::get};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use llm_gateway::{
    demo::{Chunk, Payload, Script},
    server::{self, Stop},
};
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::harness::{
    client::{Client, PATIENCE},
    gateway::{Rig, start_with},
};

async fn panics() -> &'static str {
    panic!("as the test wishes")
}

async fn panics_in_its_body() -> Body {
    let pieces = stream::iter(0..3).then(|number| async move {
        // So that what came before is on its way.
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(number < 2, "as the test wishes");
        Ok::<_, Infallible>(Bytes::from_static(b"data: piece\n\n"))
    });
    Body::from_stream(pieces)
}

/// A hundred pieces, slow enough that the panics fall amid them.
fn script() -> (Script, String) {
    let pieces: Vec<String> = (0..100)
        .map(|number| format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"piece {number}\"}}}}]}}\n\n"))
        .chain(["data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n".to_owned()])
        .collect();
    let whole = pieces.concat();
    let mut script = Script::stream::<Bytes>([]);
    let chunk = |text: String| Chunk { payload: Payload::Bytes(text.into()), after_ms: 10 };
    script.chunks = Some(pieces.into_iter().map(chunk).collect());
    (script, whole)
}

const CHAT: &str = r#"{"model": "gpt-4o", "stream": true, "stream_options": {"include_usage": true}, "messages": []}"#;

/// The gateway's own routes and the two that panic, on a socket of their own.
async fn listen(rig: &Rig, stop: &Stop) -> std::net::SocketAddr {
    let router: Router = rig.gateway.router();
    let router = router.route("/v1/panic", get(panics)).route("/v1/panic/body", get(panics_in_its_body));
    let settings = llm_gateway::config::load(&llm_gateway::config::LoadOptions {
        working_dir: rig.data.path().to_owned(),
        ..Default::default()
    });
    let settings = settings.unwrap().server;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = stop.clone();
    tokio::spawn(async move { server::listen(listener, router, &settings, stop).await });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bar_23_ninety_nine_streams_stay_whole_while_handlers_panic() {
    for mode in ["cancel", "drain"] {
        let rig = start_with(&format!("[server]\non_client_disconnect = \"{mode}\"\n")).await;
        let stop = Stop::default();
        let address = listen(&rig, &stop).await;
        let (script, whole) = script();
        rig.upstream.always(Some(script));
        let client = Client::new(address);
        let streams = (0..99).map(|_| client.send(http::Method::POST, "/v1/chat/completions", Some(CHAT.into())));
        let broken = async {
            for _ in 0..20 {
                let answer = client.get("/v1/panic").await;
                assert_eq!(answer.code(500), "internal");
                assert_eq!(answer.headers["x-content-type-options"], "nosniff");
                assert!(!answer.text().contains("as the test wishes"));
                let mut body = client.open(http::Method::GET, "/v1/panic/body", None).await.into_body();
                let mut end = None;
                while let Some(frame) = timeout(PATIENCE, body.frame()).await.expect("an end in time") {
                    end = Some(frame.is_err());
                }
                assert_eq!(end, Some(true), "the body broke off");
            }
        };
        let (answers, ()) = tokio::join!(futures_util::future::join_all(streams), broken);
        for answer in answers {
            assert_eq!(answer.body, whole.as_bytes(), "{mode}");
        }
        assert!(rig.records_when(99).await.iter().all(|record| record["outcome"] == "ok"));
        stop.begun.cancel();
    }
}

async fn over_http2(
    sender: &mut SendRequest<Full<Bytes>>,
    path: &str,
    body: &'static str,
) -> (StatusCode, Option<Bytes>) {
    let request = Request::builder().method(if body.is_empty() { "GET" } else { "POST" });
    let request = request.uri(format!("http://localhost{path}")).header("content-type", "application/json");
    let answer = sender.send_request(request.body(Full::new(Bytes::from(body))).unwrap()).await.unwrap();
    let status = answer.status();
    (status, answer.into_body().collect().await.ok().map(http_body_util::Collected::to_bytes))
}

/// On one connection, where a careless end would take all streams along.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bar_23_streams_of_the_same_http2_connection_stay_whole() {
    let rig = start_with("").await;
    let stop = Stop::default();
    let address = listen(&rig, &stop).await;
    let (script, whole) = script();
    rig.upstream.always(Some(script));
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let streams = (0..90).map(|_| {
        let mut sender = sender.clone();
        async move { over_http2(&mut sender, "/v1/chat/completions", CHAT).await }
    });
    let mut other = sender.clone();
    let broken = async {
        for _ in 0..20 {
            let (status, body) = over_http2(&mut other, "/v1/panic", "").await;
            assert_eq!(status, 500);
            let body: serde_json::Value = serde_json::from_slice(&body.unwrap()).unwrap();
            assert_eq!(body["error"]["code"], json!("internal"));
            let (_, body) = over_http2(&mut other, "/v1/panic/body", "").await;
            assert_eq!(body, None, "the stream was reset");
        }
    };
    let (answers, ()) = tokio::join!(futures_util::future::join_all(streams), broken);
    for (status, body) in answers {
        assert_eq!((status, body.as_deref()), (StatusCode::OK, Some(whole.as_bytes())));
    }
    stop.begun.cancel();
}
