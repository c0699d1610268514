//! A client that hangs up does not hide the cost, and nobody pays for text nobody reads.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use llm_gateway::demo::{Chunk, Payload, Script};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use super::harness::gateway::{Rig, start, start_with};

fn chat() -> Value {
    json!({"model": "gpt-4o", "stream": true, "messages": [{"role": "user", "content": "Hello out there"}]})
}

/// A stream that pauses before its second half, which holds the usage.
fn slow(pause_ms: u64) -> Script {
    let chunk = |text: &'static str, after_ms| Chunk { payload: Payload::Bytes(Bytes::from(text)), after_ms };
    Script {
        chunks: Some(vec![
            chunk("data: {\"model\":\"gpt-4o\",\"choices\":[{\"delta\":{\"content\":\"some words of text\"}}]}\n\n", 0),
            chunk("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n", pause_ms),
            chunk(
                "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":22}}\n\ndata: [DONE]\n\n",
                0,
            ),
        ]),
        ..Script::stream::<Bytes>([])
    }
}

/// Sends a raw request and returns the open connection.
async fn raw(rig: &Rig, announced: usize, body: &str) -> TcpStream {
    let mut connection = TcpStream::connect(rig.address).await.unwrap();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {announced}\r\n\r\n{body}"
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    connection
}

#[tokio::test]
async fn a_client_that_leaves_amid_a_stream_cuts_the_upstream_and_pays_for_what_came() {
    let rig = start().await;
    rig.upstream.script(slow(30_000));
    let mut body = rig
        .client()
        .open(http::Method::POST, "/v1/chat/completions", Some(chat().to_string().into()))
        .await
        .into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    assert!(rig.upstream.ledger().finished(1, Duration::from_secs(1)).await, "the upstream was not cancelled in time");
    assert!(rig.upstream.ledger().last().unwrap().client_left);
    let record = rig.only_record().await;
    assert_eq!(record["outcome"], "client_disconnected", "{record:#}");
    assert_eq!(record["usage_estimated"], true);
    assert_eq!(record["attempts"], 1);
    assert_eq!(record["attempt_rows"][0]["outcome"], "client_disconnected");
    assert!(record["cost_microcents"].as_i64().unwrap() > 0, "{record:#}");
}

#[tokio::test]
async fn a_drained_stream_records_the_true_usage_of_a_client_that_left() {
    let rig = start_with("[server]\non_client_disconnect = \"drain\"\n").await;
    rig.upstream.script(slow(300));
    let mut body = rig
        .client()
        .open(http::Method::POST, "/v1/chat/completions", Some(chat().to_string().into()))
        .await
        .into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    let record = rig.only_record().await;
    assert_eq!(record["outcome"], "client_disconnected", "{record:#}");
    assert_eq!(record["usage_estimated"], false);
    assert_eq!(record["input_tokens"], 11);
    assert_eq!(record["output_tokens"], 22);
    assert_eq!(record["attempts"], 1);
}

#[tokio::test]
async fn draining_ends_at_its_time_limit() {
    let rig = start_with("[server]\non_client_disconnect = \"drain\"\ndrain_timeout = 1\n").await;
    rig.upstream.script(slow(30_000));
    let mut body = rig
        .client()
        .open(http::Method::POST, "/v1/chat/completions", Some(chat().to_string().into()))
        .await
        .into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    assert!(rig.upstream.ledger().finished(1, Duration::from_secs(3)).await, "drained beyond the limit");
    assert_eq!(rig.only_record().await["usage_estimated"], true);
}

#[tokio::test]
async fn a_client_that_leaves_after_the_end_had_everything() {
    let rig = start().await;
    let whole = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";
    let last = Chunk { payload: Payload::Bytes(Bytes::from(": late\n\n")), after_ms: 30_000 };
    let mut script = Script::stream([whole]);
    script.chunks.as_mut().unwrap().push(last);
    rig.upstream.script(script);
    let mut request = chat();
    request["stream_options"] = json!({"include_usage": true});
    let mut body = rig
        .client()
        .open(http::Method::POST, "/v1/chat/completions", Some(request.to_string().into()))
        .await
        .into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(first.ends_with(b"[DONE]\n\n"));
    drop(body);
    let record = rig.only_record().await;
    assert_eq!(record["outcome"], "ok", "{record:#}");
    assert_eq!(record["output_tokens"], 2);
}

#[tokio::test]
async fn a_client_that_leaves_before_the_head_is_recorded_and_the_upstream_cut() {
    let rig = start().await;
    rig.upstream.always(Some(Script { latency_ms: Some(30_000), ..Script::default() }));
    let body = chat().to_string();
    let connection = raw(&rig, body.len(), &body).await;
    while rig.upstream.ledger().counts().calls == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(connection);
    assert!(rig.upstream.ledger().finished(1, Duration::from_secs(1)).await, "the upstream was not cancelled in time");
    let record = rig.only_record().await;
    assert_eq!(record["outcome"], "client_disconnected", "{record:#}");
    assert_eq!(record["status"], Value::Null);
    assert_eq!(record["attempts"], 1);
    assert_eq!(record["usage_estimated"], true);
    assert!(record["cost_microcents"].is_i64(), "{record:#}");
}

#[tokio::test]
async fn a_client_that_leaves_amid_its_own_body_reaches_no_provider() {
    for mode in ["cancel", "drain"] {
        let rig = start_with(&format!("[server]\non_client_disconnect = \"{mode}\"\n")).await;
        let connection = raw(&rig, 1000, "{\"model\":\"gpt-4o\",").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(connection);
        let record = rig.only_record().await;
        assert_eq!(record["outcome"], "client_disconnected", "{mode}: {record:#}");
        assert_eq!(record["attempts"], 0);
        assert_eq!(rig.upstream.ledger().counts().calls, 0);
    }
}

#[tokio::test]
async fn an_answer_without_a_body_is_no_disconnect() {
    let rig = start().await;
    for status in [200, 204] {
        rig.upstream.script(Script::answer(status, ""));
        assert_eq!(rig.client().delete("/v1/files/file-1").await.status, status);
    }
    for record in rig.records_when(2).await {
        assert_eq!(record["outcome"], "ok", "{record:#}");
    }
}
