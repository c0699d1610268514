//! `clickhouse-tracer` on the way of real requests, before a scripted server. (The real engine: tests/clickhouse.)

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::RawQuery, http::HeaderMap, routing::post};
use llm_gateway::config::{self, LoadOptions};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::harness::gateway::start_with;

/// What one call of the server said: the statement, the user and key, the body.
type Calls = Arc<Mutex<Vec<(String, String, String)>>>;

async fn server() -> (String, Calls) {
    let calls = Calls::default();
    let kept = Arc::clone(&calls);
    let take = move |RawQuery(query): RawQuery, headers: HeaderMap, body: Bytes| async move {
        let query: BTreeMap<String, String> =
            url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
        let header =
            |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let who = format!("{}:{}", header("x-clickhouse-user"), header("x-clickhouse-key"));
        kept.lock().unwrap().push((query["query"].clone(), who, String::from_utf8_lossy(&body).into_owned()));
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(take))).await });
    (url, calls)
}

fn block(url: &str) -> String {
    format!(
        "[[plugins]]\nname = \"tracer\"\ntype = \"clickhouse-tracer\"\n[plugins.config]\nflushInterval = 20\nclickhouse = {{ url = \
         \"{url}\", username = \"writer\", password = \"canary-password-1\", database = \"traces\" }}\n"
    )
}

/// The rows that the server was given so far.
fn rows(calls: &Calls) -> Vec<Value> {
    let calls = calls.lock().unwrap();
    let inserts = calls.iter().filter(|(statement, ..)| statement.starts_with("INSERT"));
    inserts.flat_map(|(.., body)| body.lines().map(|line| serde_json::from_str(line).unwrap())).collect()
}

async fn until(what: impl Fn() -> bool) {
    for _ in 0..3_000 {
        if what() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came to that");
}

#[tokio::test]
async fn every_request_becomes_a_row_and_the_table_is_made_first() {
    let (url, calls) = server().await;
    let rig = start_with(&block(&url)).await;
    let ask = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "canary-prompt"}]});
    let client = rig.client().with("x-project", "shop").with("x-tags", "team=a");
    client.post("/v1/chat/completions", &ask("gpt-4o")).await.expect(200);
    client.post("/v1/chat/completions", &json!({"model": "gpt-4o", "stream": true, "messages": []})).await;
    client.post("/v1/chat/completions", &ask("nobody/has-this-one-at-all")).await;
    until(|| rows(&calls).len() == 3).await;
    let records = rig.records_when(3).await;
    let rows = rows(&calls);
    for record in &records {
        let row = rows.iter().find(|row| row["id"] == record["id"]).unwrap_or_else(|| panic!("no row of {record}"));
        for key in [
            "started_at",
            "project",
            "model",
            "provider",
            "status",
            "outcome",
            "error_kind",
            "input_tokens",
            "output_tokens",
            "cost_microcents",
            "stream",
            "attempts",
        ] {
            assert_eq!(row[key], record[key], "{key}");
        }
        assert_eq!(row["tags"], json!({"team": "a"}));
    }
    let calls = calls.lock().unwrap();
    assert!(calls[0].0.starts_with("CREATE DATABASE IF NOT EXISTS `traces`"), "{}", calls[0].0);
    assert!(calls[1].0.starts_with("CREATE TABLE IF NOT EXISTS `traces`.`traces` (id String"), "{}", calls[1].0);
    assert!(calls.iter().all(|(_, who, _)| who == "writer:canary-password-1"));
    assert!(
        !calls.iter().any(|(statement, _, body)| statement.contains("canary") || body.contains("canary")),
        "{calls:?}"
    );
}

#[tokio::test]
async fn a_server_that_is_away_holds_nothing_up_and_loses_nothing() {
    // A port that nobody listens on, kept by a socket that is bound and never listened on.
    let taken = tokio::net::TcpSocket::new_v4().unwrap();
    taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let away = format!("http://{}", taken.local_addr().unwrap());
    let mut rig = start_with(&block(&away)).await;
    let ask = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]});
    for _ in 0..20 {
        rig.client().post("/v1/chat/completions", &ask).await.expect(200);
    }
    rig.records_when(20).await;
    rig.stop().await;
    let spool = rig.data.path().join("data/plugins/clickhouse-tracer");
    let kept: usize = std::fs::read_dir(&spool)
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap().lines().count())
        .sum();
    assert_eq!(kept, 20);
    // The next life finds the server where the configuration says it is now.
    let (url, calls) = server().await;
    let config = std::fs::read_to_string(rig.data.path().join("config.toml")).unwrap().replace(&away, &url);
    std::fs::write(rig.data.path().join("config.toml"), config).unwrap();
    rig.restart().await;
    until(|| rows(&calls).len() == 20).await;
}

#[test]
fn settings_that_cannot_be_used_are_told_with_their_place() {
    let dir = tempfile::tempdir().unwrap();
    for (config, expected) in [
        ("clickhouse = { url = \"ftp://x\" }", "clickhouse.url"),
        ("clickhouse = { url = \"http://user:pw@x\" }", "clickhouse.url"),
        ("clickhouse = { url = \"http://x\", table = \"a`; DROP\" }", "clickhouse.table"),
        ("clickhouse = { url = \"http://x\" }\nflushIntervall = 5", "flushIntervall"),
        ("flushInterval = 5000", "clickhouse"),
    ] {
        let toml = format!("[[plugins]]\nname = \"t\"\ntype = \"clickhouse-tracer\"\n[plugins.config]\n{config}\n");
        std::fs::write(dir.path().join("config.toml"), toml).unwrap();
        let options = LoadOptions { working_dir: dir.path().to_owned(), ..LoadOptions::default() };
        let checked = config::load(&options).and_then(|config| llm_gateway::plugins::check(&config));
        let told = checked.unwrap_err().to_string();
        assert!(told.contains(expected) && told.contains("config.toml:"), "{config}: {told}");
    }
}
