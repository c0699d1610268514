//! The operator's own plugin behind a URL: what it is told, what it may answer, what becomes of the request when it
//! does not.

use std::sync::{Arc, Mutex};

use axum::{Router, extract::State, http::HeaderMap, response::IntoResponse, routing::post};
use bytes::Bytes;
use http::StatusCode;
use llm_gateway::domain::signature;
use serde_json::{Value, json};

use super::{chat_reply, chat_stream, said};
use crate::harness::{client::PATIENCE, gateway::start_with};

const CHAT: &str = "/v1/chat/completions";
const SECRET: &str = "whsec-test-canary-9c0d1e2f";

/// What was heard, and what is answered to it.
#[derive(Clone)]
struct Hearing {
    heard: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    answers: Arc<Mutex<Vec<(u16, String)>>>,
}

/// A program that answers so, the last answer again and again.
async fn listening(answers: &[(u16, Value)]) -> (String, Hearing) {
    async fn hear(State(hearing): State<Hearing>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
        hearing.heard.lock().unwrap().push((headers, body));
        let mut answers = hearing.answers.lock().unwrap();
        let (status, text) = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        (StatusCode::from_u16(status).unwrap(), [("location", "http://127.0.0.1:1/")], text)
    }
    let answers = answers.iter().map(|(status, answer)| (*status, answer.to_string())).collect();
    let hearing = Hearing { heard: Arc::default(), answers: Arc::new(Mutex::new(answers)) };
    let router = Router::new().route("/hook", post(hear)).with_state(hearing.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, hearing)
}

impl Hearing {
    fn told(&self) -> Vec<Value> {
        self.heard.lock().unwrap().iter().map(|(_, body)| serde_json::from_slice(body).unwrap()).collect()
    }

    async fn told_when(&self, count: usize) -> Vec<Value> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while self.told().len() < count {
            assert!(tokio::time::Instant::now() < deadline, "{:?}", self.told());
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        self.told()
    }
}

fn plugin(url: &str, hooks: &[&str], block: &str) -> String {
    format!(
        "[[plugins]]\nname = \"hook\"\ntype = \"webhook\"\n{block}\n\
         config = {{ url = \"{url}\", secret = \"{SECRET}\", hooks = {hooks:?}, accumulated = true }}\n"
    )
}

fn hello(stream: bool) -> Value {
    json!({"model": "gpt-4o", "stream": stream, "messages": [{"role": "user", "content": "Hello"}]})
}

#[tokio::test]
async fn a_webhook_is_told_what_is_asked_and_no_secret_and_changes_it() {
    let change = json!({"verdict": "modify", "route": {"model": "gpt-4o-mini"}, "data": {"seen": 1}});
    let (url, hearing) = listening(&[(200, change), (200, json!({}))]).await;
    let rig = start_with(&plugin(&url, &["before_model", "model_execute"], "")).await;
    let client = rig.client().with("authorization", "Bearer sk-client-canary").with("cookie", "session=canary-cookie");
    let client = client.with("x-tags", "team=blue").with("x-custom", "shown").with("user-agent", "test/1");
    client.post(&format!("/shop/openai{CHAT}?key=sk-client-canary&a=b"), &hello(false)).await.expect(200);
    assert_eq!(rig.upstream.ledger().last().unwrap().json().unwrap()["model"], "gpt-4o-mini");
    let told = hearing.told();
    let first = &told[0];
    assert_eq!((&first["hook"], &first["project"]), (&json!("before_model"), &json!("shop")));
    assert_eq!(first["request"]["turns"][0]["parts"][0]["content"], json!({"type": "text", "text": "Hello"}));
    assert_eq!((&first["client_api"], &first["endpoint"]), (&json!("openai_chat"), &json!("chat_completions")));
    assert_eq!((&first["headers"]["x-custom"], &first["query"]), (&json!("shown"), &json!({"a": "b"})));
    assert_eq!((&first["metadata"], &first["user_agent"]), (&json!({"team": "blue"}), &json!("test/1")));
    assert_eq!(first["client_ip"], "127.0.0.1");
    assert_eq!(told[1]["target"], json!({"provider": "openai", "model": "gpt-4o-mini"}));
    assert_eq!(told[1]["data"], json!({"seen": 1}), "plugins of a chain tell each other");
    for (headers, body) in hearing.heard.lock().unwrap().iter() {
        let text = String::from_utf8_lossy(body);
        assert!(!text.contains("canary"), "{text}");
        let at = headers["x-gateway-timestamp"].to_str().unwrap();
        assert_eq!(headers["x-gateway-signature"], signature(SECRET.as_bytes(), at, body));
    }
}

#[tokio::test]
async fn a_webhook_sees_chunks_with_the_text_before_them() {
    let (url, hearing) = listening(&[(200, json!({}))]).await;
    let rig = start_with(&plugin(&url, &["after_chunk"], "")).await;
    rig.upstream.script(chat_stream(&["one ", "two ", "three"]));
    let answer = rig.client().post(CHAT, &hello(true)).await;
    assert_eq!(said(&answer.text()), "one two three");
    let told = hearing.told();
    let seen: Vec<_> = told.iter().map(|one| (one["chunk"]["text"].clone(), one["accumulated"].clone())).collect();
    let expected = [("one ", ""), ("two ", "one "), ("three", "one two "), ("", "one two three")];
    assert_eq!(seen, expected.map(|(text, before)| (json!(text), json!(before))));
    assert_eq!(told[3]["chunk"]["is_last"], true);
}

#[tokio::test]
async fn who_does_not_answer_as_he_should_refuses_or_is_passed_by() {
    let large = json!({"message": "x".repeat(5 << 20)});
    let cases = [(500, json!({})), (302, json!({})), (200, json!("nonsense")), (200, large)];
    for (status, answer) in cases {
        let (url, hearing) = listening(&[(status, answer)]).await;
        let closed = start_with(&plugin(&url, &["before_model"], "fail = \"closed\"")).await;
        assert_eq!(closed.client().post(CHAT, &hello(false)).await.code(500), "plugin_failed", "{status}");
        assert_eq!(hearing.told().len(), 1, "{status}: whoever waits does not wait for a second try");
        let open = start_with(&plugin(&url, &["before_model"], "fail = \"open\"")).await;
        assert_eq!(open.client().post(CHAT, &hello(false)).await.status, 200, "{status}");
    }
    let nobody = start_with(&plugin("http://127.0.0.1:1/", &["before_model"], "")).await;
    let refused = nobody.client().post(CHAT, &hello(false)).await;
    assert_eq!(refused.code(500), "plugin_failed");
    assert!(!refused.text().contains("127.0.0.1"), "{}", refused.text());
}

#[tokio::test]
async fn the_last_hook_is_tried_again_and_tells_the_record_also_of_refusals() {
    let (url, hearing) = listening(&[(503, json!({})), (204, json!({}))]).await;
    let rig = start_with(&plugin(&url, &["detached_after_response"], "")).await;
    rig.upstream.script(chat_reply("hi"));
    let answer = rig.client().post(CHAT, &hello(false)).await;
    assert_eq!(answer.status, 200);
    let told = hearing.told_when(2).await;
    let ids: Vec<_> =
        hearing.heard.lock().unwrap().iter().map(|(headers, _)| headers["x-gateway-delivery"].clone()).collect();
    assert_eq!(ids[0], ids[1], "the same delivery in both tries");
    assert_eq!(told[1]["record"]["id"], answer.headers["x-gateway-record"].to_str().unwrap());
    assert_eq!((&told[1]["record"]["outcome"], &told[1]["metrics"]["input_tokens"]), (&json!("ok"), &json!(11)));

    let nowhere = json!({"model": "auto:no-such-profile", "messages": []});
    assert!(rig.client().post(CHAT, &nowhere).await.status.is_client_error());
    rig.upstream.script(chat_stream(&["a", "b"]));
    assert_eq!(said(&rig.client().post(CHAT, &hello(true)).await.text()), "ab");
    let told = hearing.told_when(4).await;
    assert_ne!(told[2]["record"]["outcome"], "ok", "{}", told[2]);
    assert_eq!((&told[3]["record"]["outcome"], &told[3]["stream"]), (&json!("ok"), &json!(true)));
}
