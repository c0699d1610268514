//! Bar 34: a store that fails is never the caller's fault, and nothing but the store's own work stands still.

use std::{path::Path, time::Duration};

use serde_json::json;
use sqlx::{ConnectOptions as _, SqliteConnection};

use crate::harness::{
    client::{Answer, PATIENCE},
    gateway::{self, Rig},
};

const PASSWORD: &str = "correct horse battery staple";

/// Holds a database as another process would.
async fn hold(data: &Path, name: &str) -> SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data.join(name));
    let mut connection = options.connect().await.unwrap();
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut connection).await.unwrap();
    connection
}

struct Site {
    rig: Rig,
    key: String,
    cookie: String,
    asked: usize,
}

impl Site {
    async fn start() -> Self {
        let rig = gateway::start_with(&format!("[auth]\nrequire_key = true\nadmin_password = {PASSWORD:?}\n")).await;
        let answer = rig.client().post("/v1/session", &json!({"password": PASSWORD})).await;
        let cookie = answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let mut site = Self { rig, key: String::new(), cookie, asked: 0 };
        site.key = site.admin().post("/v1/keys", &json!({"label": "a"})).await.expect(201)["secret"]
            .as_str()
            .unwrap()
            .to_owned();
        site.ask().await;
        site
    }

    fn admin(&self) -> crate::harness::client::Client {
        self.rig.client().with("cookie", &self.cookie)
    }

    async fn ask(&mut self) {
        let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]});
        let client = self.rig.client().with("authorization", &format!("Bearer {}", self.key));
        client.post("/v1/chat/completions", &body).await.expect(200);
        self.asked += 1;
    }

    /// Proxying goes on and readiness tells the reason.
    async fn suffers(&mut self, reason: &str) {
        let deadline = tokio::time::Instant::now() + 3 * PATIENCE;
        loop {
            self.ask().await;
            let readiness = self.rig.client().get("/readyz").await.expect(200);
            if readiness["reasons"].as_array().unwrap().iter().any(|told| told == reason) {
                assert_eq!((&readiness["status"], &readiness["dropped_records"]), (&json!("degraded"), &json!(0)));
                break;
            }
            assert!(tokio::time::Instant::now() < deadline, "never {reason}: {readiness}");
        }
    }

    /// No admin call blames the caller, and proxying goes on.
    async fn blames_nobody(&mut self) {
        for target in ["/v1/records", "/v1/stats", "/v1/keys", "/v1/providers", "/v1/audit"] {
            is_not_blamed(target, &self.admin().get(target).await);
        }
        is_not_blamed("a new key", &self.admin().post("/v1/keys", &json!({"label": "b"})).await);
        self.ask().await;
    }

    /// All is well again, without a restart.
    async fn recovers(&self) {
        let deadline = tokio::time::Instant::now() + 3 * PATIENCE;
        while self.rig.client().get("/readyz").await.expect(200)["status"] != "ready" {
            assert!(tokio::time::Instant::now() < deadline, "{}", self.rig.client().get("/readyz").await.text());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.admin().post("/v1/keys", &json!({"label": "c"})).await.expect(201);
        self.rig.gateway.store().recorder.flush().await.unwrap();
        let stats = self.admin().get("/v1/stats").await.expect(200);
        assert_eq!(stats["total_requests"], self.asked, "every request was recorded");
    }
}

fn is_not_blamed(what: &str, answer: &Answer) {
    let status = answer.status.as_u16();
    assert!(matches!(status, 200 | 201 | 503), "{what}: {status} {}", answer.text());
    if status == 503 {
        assert!(answer.headers.contains_key("retry-after"), "{what}: when to come back");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bar_34_a_locked_database_is_never_a_401() {
    let mut site = Site::start().await;
    let data = site.rig.data.path().join("data");
    let held = [hold(&data, "usage.db").await, hold(&data, "control.db").await];
    site.suffers("database_locked").await;
    site.blames_nobody().await;
    let refused = site.admin().post("/v1/keys", &json!({"label": "b"})).await;
    assert_eq!(refused.code(503), "unavailable");
    drop(held);
    site.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bar_34_a_budget_that_cannot_be_read_says_come_back_and_nothing_else_stands_still() {
    let rig = gateway::start().await;
    let data = rig.data.path().join("data");
    let budget = json!({"budgets": [{"limit_usd": 1, "period": "day"}]});
    let made = rig.client().post("/v1/keys", &json!({"label": "a"})).await.expect(201);
    let (id, secret) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let with_key = rig.client().with("authorization", &format!("Bearer {secret}"));
    let ask = |client: crate::harness::client::Client| async move {
        let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]});
        client.post("/v1/chat/completions", &body).await
    };
    let held = hold(&data, "usage.db").await;
    // This record cannot be written, so what was spent cannot be told.
    ask(with_key.clone()).await.expect(200);
    rig.client().patch(&format!("/v1/keys/{id}"), &budget).await.expect(200);
    let refused = ask(with_key.clone()).await;
    assert_eq!(refused.code(503), "budget_unavailable");
    is_not_blamed("a call under a budget that is not known", &refused);
    ask(rig.client()).await.expect(200);
    drop(held);
    let deadline = tokio::time::Instant::now() + 3 * PATIENCE;
    while ask(with_key.clone()).await.status != 200 {
        assert!(tokio::time::Instant::now() < deadline, "it never came back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let budgets = rig.client().get("/v1/budgets").await.expect(200);
    let records = rig.records().await;
    let of_key = records.iter().filter(|record| record["key_id"] == id);
    let cost: i64 = of_key.map(|record| record["cost_microcents"].as_i64().unwrap()).sum();
    assert!(cost > 0);
    assert_eq!(budgets["data"][0]["spent_microcents"], cost, "nothing that was spent is lost: {budgets:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bar_34_a_data_directory_that_is_gone_for_a_while_stops_nothing() {
    let mut site = Site::start().await;
    let data = site.rig.data.path().join("data");
    let away = site.rig.data.path().join("away");
    std::fs::rename(&data, &away).unwrap();
    for _ in 0..10 {
        site.ask().await;
    }
    site.blames_nobody().await;
    std::fs::rename(&away, &data).unwrap();
    site.recovers().await;
}
