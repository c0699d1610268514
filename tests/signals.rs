//! What people say of answers, and how calls end, moves what the router believes of a model.

use std::time::Duration;

use llm_gateway::demo::Script;
use serde_json::{Value, json};

use super::{
    harness::{
        client::{Client, PATIENCE},
        gateway::{Rig, start_with},
    },
    routing::pair,
};

const TOKEN: &str = "admin-test-token-8f14e45fceea167a5a36";
const ADA: &str = "team-test-key-ada-98ab9159f5";
const BOB: &str = "team-test-key-bob-55fceea167";

async fn rig() -> Rig {
    start_with(&format!(
        "[auth]\nrequire_key = true\nadmin_token = \"{TOKEN}\"\n\
         [key_map.{ADA}]\nlabel = \"Ada\"\nproject = \"engine\"\n[key_map.{BOB}]\nlabel = \"Bob\"\n"
    ))
    .await
}

fn as_of(rig: &Rig, secret: &str) -> Client {
    rig.client().with("authorization", &format!("Bearer {secret}"))
}

/// Asks for an answer and tells its record.
async fn answered(client: &Client) -> String {
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]});
    let answer = client.post("/v1/chat/completions", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.headers["x-gateway-record"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_key_speaks_of_its_own_records_and_the_admin_of_all() {
    let rig = rig().await;
    let (ada, bob, admin) = (as_of(&rig, ADA), as_of(&rig, BOB), as_of(&rig, TOKEN));
    let record = answered(&ada).await;
    let word = |score: f64| json!({"record_id": record, "kind": "thumbs", "score": score, "comment": "<b>fine</b>"});
    let said = ada.post("/v1/signals", &word(1.0)).await.expect(201);
    assert_eq!(
        (&said["model"], &said["provider"], &said["project"]),
        (&json!("gpt-4o"), &json!("openai"), &json!("engine"))
    );
    assert_eq!((&said["comment"], &said["task"]), (&json!("<b>fine</b>"), &Value::Null));
    assert!(said["key_id"].as_str().unwrap().starts_with("key_map_"));
    let key = rig.client().with("x-api-key", ADA);
    key.post("/v1/signals", &json!({"record_id": record, "kind": "tone", "score": 0.5})).await.expect(201);

    // What is another's looks like what is not there.
    let other = bob.post("/v1/signals", &word(0.0)).await;
    let nothing = json!({"record_id": "0190163d-8694-739b-aea5-966c26f8ad91", "kind": "thumbs", "score": 0});
    let missing = bob.post("/v1/signals", &nothing).await;
    assert_eq!((other.status.as_u16(), missing.status.as_u16(), other.text()), (404, 404, missing.text()));
    let of_model = json!({"model": "gpt-4o", "kind": "thumbs", "score": 0});
    assert_eq!(bob.post("/v1/signals", &of_model).await.expect(400)["error"]["param"], "record_id");
    assert_eq!(rig.client().post("/v1/signals", &of_model).await.code(401), "authentication");
    assert_eq!(as_of(&rig, "nobody").post("/v1/signals", &of_model).await.code(401), "authentication");
    assert_eq!(bob.get("/v1/signals").await.code(401), "authentication");

    let said = admin.post("/v1/signals", &of_model).await.expect(201);
    assert_eq!((&said["provider"], &said["key_id"]), (&Value::Null, &Value::Null));
    // Whoever says the same again changes his mind.
    ada.post("/v1/signals", &word(0.0)).await.expect(201);
    let list = admin.get("/v1/signals").await.expect(200);
    let kinds: Vec<_> = list["data"].as_array().unwrap().iter().map(|one| (&one["kind"], &one["score"])).collect();
    assert_eq!(
        kinds,
        [(&json!("thumbs"), &json!(0.0)), (&json!("thumbs"), &json!(0.0)), (&json!("tone"), &json!(0.5))]
    );
    let model = list["models"].as_array().unwrap().iter().find(|one| one["provider"] == "openai").unwrap();
    assert_eq!((&model["human"]["samples"], &model["human"]["kinds"]["thumbs"]), (&json!(3), &json!(2)));
    assert!((model["human"]["mean"].as_f64().unwrap() - 0.5 / 3.0).abs() < 1e-9);
    assert!(model["mean"].as_f64() < model["prior"].as_f64());
    let page = admin.get("/v1/signals?limit=1").await.expect(200);
    let next = page["next_cursor"].as_str().unwrap();
    let page = admin.get(&format!("/v1/signals?limit=1&cursor={next}")).await.expect(200);
    assert_eq!((&page["data"][0]["kind"], &page["models"]), (&json!("thumbs"), &json!([])));
    let tone = admin.get("/v1/signals?kind=tone&project=engine").await.expect(200);
    assert_eq!(tone["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_signal_that_is_wrong_is_refused_and_leaves_nothing() {
    let rig = rig().await;
    let (ada, admin) = (as_of(&rig, ADA), as_of(&rig, TOKEN));
    let record = answered(&ada).await;
    let with = |field: &str, value: Value| {
        let mut body = json!({"record_id": record, "kind": "thumbs", "score": 1});
        body[field] = value;
        body
    };
    for (field, value) in [
        ("score", json!(1.1)),
        ("score", json!(-0.1)),
        ("score", json!("1")),
        ("kind", json!("Thumbs up")),
        ("kind", json!("")),
        ("kind", json!("k".repeat(65))),
        ("task", json!("../x")),
        ("comment", json!("c".repeat(2_001))),
        ("comment", json!("nul\0")),
        ("comment", json!(format!("my key is {ADA}, thanks"))),
        ("comment", json!(format!("token {TOKEN}"))),
        ("comment", json!("see ghp_16C7e42F292c6912E7710c838347Ae178B4a")),
        ("model", json!("gpt-4o")),
        ("provider", json!("openai")),
        ("colour", json!("red")),
    ] {
        assert_eq!(ada.post("/v1/signals", &with(field, value.clone())).await.status, 400, "{field}: {value}");
    }
    for number in 0..16 {
        ada.post("/v1/signals", &with("kind", json!(format!("kind-{number}")))).await.expect(201);
    }
    assert_eq!(ada.post("/v1/signals", &with("kind", json!("one-more"))).await.code(409), "conflict");
    assert_eq!(admin.get("/v1/signals").await.expect(200)["data"].as_array().unwrap().len(), 16);
    // Nothing answered this one.
    rig.upstream.script(Script::answer(500, "{}"));
    let body = json!({"model": "gpt-4o", "messages": []});
    let answer = ada.post("/v1/chat/completions", &body).await;
    let failed = answer.headers["x-gateway-record"].to_str().unwrap();
    let word = json!({"record_id": failed, "kind": "thumbs", "score": 0});
    assert_eq!(ada.post("/v1/signals", &word).await.expect(400)["error"]["param"], "record_id");
}

#[tokio::test]
async fn signals_move_where_requests_go() {
    let pair = pair("strategy = \"best_score\"\nsticky = false\nprofile = \"quality\"", "").await;
    let goes_to = async |provider: &str| {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let answer = pair.ask("chat", false).await;
            if answer.headers["x-gateway-provider"] == provider {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "requests never went to {provider}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let client = pair.rig.client();
    for (provider, score) in [("one", 0.0), ("two", 1.0)] {
        for _ in 0..20 {
            let word = json!({"model": "gpt-4o", "provider": provider, "kind": "review", "score": score});
            client.post("/v1/signals", &word).await.expect(201);
        }
    }
    goes_to("two").await;
    for _ in 0..200 {
        let word = json!({"model": "gpt-4o", "provider": "one", "kind": "review", "score": 1.0});
        client.post("/v1/signals", &word).await.expect(201);
        let word = json!({"model": "gpt-4o", "provider": "two", "kind": "review", "score": 0.0});
        client.post("/v1/signals", &word).await.expect(201);
    }
    goes_to("one").await;
}

#[tokio::test]
async fn outcomes_speak_for_themselves_but_softly() {
    let rig = start_with("").await;
    let client = rig.client().with("x-source", "ada");
    let ask = async |length: usize| {
        let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "x".repeat(length)}]});
        client.post("/v1/chat/completions", &body).await
    };
    ask(1).await;
    rig.records_when(1).await;
    ask(1).await;
    rig.upstream.script(Script::answer(500, "{}"));
    ask(2).await;
    let cut = r#"{"model":"gpt-4o","choices":[{"message":{"content":"x"},"finish_reason":"length"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#;
    rig.upstream.script(Script::answer(200, cut).with_header("content-type", "application/json"));
    ask(3).await;
    let empty = r#"{"model":"gpt-4o","choices":[{"message":{"content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":0}}"#;
    rig.upstream.script(Script::answer(200, empty).with_header("content-type", "application/json"));
    ask(4).await;
    rig.records_when(5).await;
    let list = rig.client().get("/v1/signals?model=gpt-4o").await.expect(200);
    assert_eq!(list["data"], json!([]), "outcomes are told in sums alone");
    let model = &list["models"][0];
    let kinds = json!({"answered": 2, "empty": 1, "error": 1, "retried": 1, "truncated": 1});
    assert_eq!((&model["automatic"]["kinds"], &model["human"]["samples"]), (&kinds, &json!(0)));
    let fall = model["prior"].as_f64().unwrap() - model["mean"].as_f64().unwrap();
    assert!(fall > 0.0 && fall < 0.05, "{model:#}");

    let quiet = start_with("[routing]\nautomatic_signals = false\n").await;
    answered(&quiet.client()).await;
    quiet.records_when(1).await;
    assert_eq!(quiet.client().get("/v1/signals").await.expect(200)["models"], json!([]));
}
