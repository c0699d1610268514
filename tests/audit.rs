//! The audit log (SECURITY bar 53): every change has its entry, every entry stays, and what cannot
//! be written down does not happen.

use serde_json::{Value, json};
use sqlx::SqlitePool;

use super::harness::{
    client::{Answer, Client},
    gateway::{OPENAI_KEY, Rig, start, start_with},
};

const TOKEN: &str = "admin-test-token-8f14e45fceea167a5a36";
const PASSWORD: &str = "correct horse battery staple";
const SECRET: &str = "sk-test-canary-lab-0a1b2c3d4e5f";

async fn closed() -> Rig {
    start_with(&format!("[auth]\nadmin_password = \"{PASSWORD}\"\nadmin_token = \"{TOKEN}\"\n")).await
}

fn as_admin(rig: &Rig) -> Client {
    rig.client().with("authorization", &format!("Bearer {TOKEN}"))
}

async fn control_db(rig: &Rig) -> SqlitePool {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(rig.data.path().join("data/control.db"));
    SqlitePool::connect_with(options).await.unwrap()
}

async fn audit(client: &Client, query: &str) -> Vec<Value> {
    client.get(&format!("/v1/audit?limit=500{query}")).await.expect(200)["data"].as_array().unwrap().clone()
}

fn told(entry: &Value) -> [&str; 3] {
    ["actor", "action", "outcome"].map(|field| entry[field].as_str().unwrap())
}

fn lab(rig: &Rig) -> Value {
    json!({"id": "lab", "provider_type": "local", "endpoint": rig.upstream.url(), "api_key": SECRET})
}

fn cookie(answer: &Answer) -> String {
    answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn every_change_is_told_with_who_what_and_from_what_to_what() {
    let rig = closed().await;
    let admin = as_admin(&rig);
    let made = admin.post("/v1/keys", &json!({"label": "ci", "team": "search"})).await.expect(201);
    let id = made["id"].as_str().unwrap();
    admin
        .patch(&format!("/v1/keys/{id}"), &json!({"label": "cd", "expires_at": "2040-01-31T12:00:00Z"}))
        .await
        .expect(200);
    let rotated = admin.send(http::Method::POST, &format!("/v1/keys/{id}/rotate"), None).await.expect(200);
    admin.delete(&format!("/v1/keys/{id}")).await.expect(200);
    admin.post("/v1/providers", &lab(&rig)).await.expect(201);
    admin.patch("/v1/providers/lab", &json!({"enabled": false})).await.expect(200);
    admin.delete("/v1/providers/lab").await.expect(204);

    let entries = audit(&admin, "").await;
    let actions: Vec<_> = entries.iter().rev().map(told).collect();
    let expected = ["key.create", "key.update", "key.rotate", "key.revoke"].into_iter().chain([
        "provider.create",
        "provider.update",
        "provider.delete",
    ]);
    assert_eq!(actions, expected.map(|action| ["token", action, "ok"]).collect::<Vec<_>>());
    let of = |action: &str| entries.iter().find(|entry| entry["action"] == action).unwrap();
    assert_eq!(of("key.create")["target"], id);
    assert_eq!(of("key.create")["changes"]["team"], json!({"from": null, "to": "search"}));
    let changes = json!({
        "label": {"from": "ci", "to": "cd"},
        "expires_at": {"from": null, "to": "2040-01-31T12:00:00.000Z"},
    });
    assert_eq!(of("key.update")["changes"], changes);
    assert_eq!(of("key.rotate")["changes"], json!({"secret": "replaced"}));
    assert_eq!(of("provider.create")["target"], "lab");
    assert_eq!(of("provider.create")["changes"]["api_key"], "replaced");
    assert_eq!(of("provider.create")["changes"]["credential"], json!({"from": null, "to": "own"}));
    assert_eq!(of("provider.update")["changes"], json!({"enabled": {"from": true, "to": false}}));
    assert_eq!(of("provider.delete")["changes"]["provider_type"], json!({"from": "local", "to": null}));

    let text = Value::from(entries.clone()).to_string();
    for secret in [SECRET, TOKEN, OPENAI_KEY, made["secret"].as_str().unwrap(), rotated["secret"].as_str().unwrap()] {
        assert!(!text.contains(secret), "a secret is in the audit log");
    }
}

#[tokio::test]
async fn a_change_that_was_refused_is_told_too_and_never_what_was_typed_for_an_id() {
    let rig = start().await;
    let client = rig.client();
    client.post("/v1/keys", &json!({"labl": "ci"})).await.code(400);
    client.delete(&format!("/v1/keys/{SECRET}")).await.code(404);
    client.patch("/v1/providers/openai", &json!({"enabled": false})).await.code(409);
    client.get("/v1/keys/nothing").await.code(404);
    let entries = audit(&client, "&outcome=refused").await;
    let told: Vec<_> = entries
        .iter()
        .map(|entry| ["actor", "action", "target", "error_code"].map(|field| entry[field].as_str().unwrap_or("-")))
        .collect();
    let expected = [
        ["open", "provider.update", "openai", "config_defined"],
        ["open", "key.revoke", "-", "not_found"],
        ["open", "key.create", "-", "unknown_parameter"],
    ];
    assert_eq!(told, expected, "newest first");
}

#[tokio::test]
async fn signing_in_and_out_is_told_and_so_is_failing_to() {
    let rig = closed().await;
    let (anyone, admin) = (rig.client(), as_admin(&rig));
    anyone.post("/v1/session", &json!({"password": "wrong"})).await.code(401);
    let signed_in = anyone.post("/v1/session", &json!({"password": PASSWORD})).await;
    signed_in.expect(200);
    let portal = anyone.with("cookie", &cookie(&signed_in));
    let key = portal.post("/v1/keys", &json!({"label": "ci"})).await.expect(201);
    portal.delete("/v1/session").await.expect(204);
    portal.delete("/v1/session").await.expect(204);

    let entries = audit(&admin, "").await;
    let expected = [
        ["session", "session.delete", "ok"],
        ["session", "key.create", "ok"],
        ["session", "session.create", "ok"],
        ["anonymous", "session.create", "refused"],
    ];
    assert_eq!(entries.iter().map(told).collect::<Vec<_>>(), expected, "signing out twice is told once");
    let session = entries[0]["actor_id"].as_str().unwrap();
    assert!(session.starts_with("ses_") && !cookie(&signed_in).contains(&session[4..]));
    assert_eq!([&entries[1]["actor_id"], &entries[2]["target"]], [session, session]);
    assert_eq!(audit(&admin, &format!("&actor_id={session}&target={}", key["id"].as_str().unwrap())).await.len(), 1);
    let text = Value::from(entries).to_string();
    assert!(!text.contains("wrong") && !text.contains(PASSWORD));
}

#[tokio::test]
async fn bar_53_what_cannot_be_written_down_does_not_happen() {
    let rig = closed().await;
    let (anyone, admin) = (rig.client(), as_admin(&rig));
    let key = admin.post("/v1/keys", &json!({"label": "ci"})).await.expect(201);
    let key = format!("/v1/keys/{}", key["id"].as_str().unwrap());
    admin.post("/v1/providers", &lab(&rig)).await.expect(201);
    let signed_in = anyone.post("/v1/session", &json!({"password": PASSWORD})).await;
    let portal = anyone.with("cookie", &cookie(&signed_in));
    let before = [admin.get("/v1/keys").await.text(), admin.get("/v1/providers").await.text()];
    let entries = audit(&admin, "").await;

    let database = control_db(&rig).await;
    let fail = "CREATE TRIGGER no_audit BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk full'); END";
    sqlx::query(fail).execute(&database).await.unwrap();
    let other = json!({"id": "other", "provider_type": "local", "endpoint": "http://localhost:9"});
    let rotate = format!("{key}/rotate");
    let refused = [
        admin.post("/v1/keys", &json!({"label": "new"})).await,
        admin.patch(&key, &json!({"label": "changed"})).await,
        admin.send(http::Method::POST, &rotate, None).await,
        admin.delete(&key).await,
        admin.post("/v1/providers", &other).await,
        admin.patch("/v1/providers/lab", &json!({"enabled": false})).await,
        admin.delete("/v1/providers/lab").await,
        anyone.post("/v1/session", &json!({"password": PASSWORD})).await,
        anyone.post("/v1/session", &json!({"password": "wrong"})).await,
        portal.delete("/v1/session").await,
    ];
    for (number, answer) in refused.iter().enumerate() {
        assert_eq!(answer.code(503), "unavailable", "call {number}");
        assert!(answer.headers.contains_key("retry-after") && !answer.headers.contains_key("set-cookie"));
    }
    let after = [admin.get("/v1/keys").await.text(), admin.get("/v1/providers").await.text()];
    assert_eq!(before, after);
    assert_eq!(portal.get("/v1/session").await.expect(200)["via"], "session", "the session lives on");

    sqlx::query("DROP TRIGGER no_audit").execute(&database).await.unwrap();
    assert_eq!(audit(&admin, "").await, entries);
    admin.delete(&key).await.expect(200);
    portal.delete("/v1/session").await.expect(204);
}

#[tokio::test]
async fn no_entry_is_ever_changed_or_removed() {
    let rig = start().await;
    rig.client().post("/v1/keys", &json!({"label": "ci"})).await.expect(201);
    let database = control_db(&rig).await;
    for attempt in ["UPDATE audit SET actor = 'cli'", "DELETE FROM audit"] {
        let fault = sqlx::query(attempt).execute(&database).await.unwrap_err().to_string();
        assert!(fault.contains("append-only"), "{attempt}: {fault}");
    }
    assert_eq!(audit(&rig.client(), "").await.len(), 1);
}

#[tokio::test]
async fn the_log_is_filtered_and_read_page_by_page() {
    let rig = start().await;
    let client = rig.client();
    for number in 0..7 {
        client.post("/v1/keys", &json!({"label": format!("key {number}")})).await.expect(201);
    }
    client.delete("/v1/keys/none").await.code(404);
    let whole = audit(&client, "").await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/v1/audit?limit=3{cursor}")).await.expect(200);
        seen.extend(page["data"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
        // What is added meanwhile shifts no page.
        client.post("/v1/keys", &json!({"label": "late"})).await.expect(201);
    }
    assert_eq!(seen, whole);
    assert_eq!(audit(&client, "&action=key.create&outcome=ok&actor=open&to=2026-01-01T00:00:00Z").await.len(), 0);
    assert_eq!(audit(&client, "&action=key.revoke").await.len(), 1);
    for wrong in ["action=key.explode", "actor=me", "outcome=maybe", "from=yesterday", "cursor=x", "sql=1"] {
        client.get(&format!("/v1/audit?{wrong}")).await.expect(400);
    }
}
