//! Bar 14: signing in by force costs the attacker, not the gateway.

use std::collections::BTreeMap;

use serde_json::json;

use crate::harness::{client::Client, process::Process};

const PASSWORD: &str = "correct horse battery staple";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bar_14_a_hundred_tries_at_once_are_still_five_and_take_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("config.toml"), format!("[auth]\nadmin_password = \"{PASSWORD}\"\n")).unwrap();
    let gateway = Process::start(dir.path()).await;
    let client = Client::new(gateway.address);
    client.get("/health").await.expect(200);
    let before = gateway.resident_bytes();
    let tries: Vec<_> = (0..100)
        .map(|number| {
            let client = Client::new(gateway.address);
            tokio::spawn(
                async move { client.post("/v1/session", &json!({"password": format!("{number:0>900}")})).await },
            )
        })
        .collect();
    let (mut most, mut statuses, mut bodies) = (before, BTreeMap::new(), BTreeMap::new());
    for answer in tries {
        while !answer.is_finished() {
            most = most.max(gateway.resident_bytes());
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        let answer = answer.await.unwrap();
        *statuses.entry(answer.status.as_u16()).or_insert(0) += 1;
        // How long is left to wait differs.
        let told = answer.text().chars().filter(|letter| !letter.is_ascii_digit()).collect::<String>();
        *bodies.entry(told).or_insert(0) += 1;
    }
    assert_eq!(statuses, BTreeMap::from([(401, 5), (429, 95)]));
    assert_eq!(bodies.len(), 2, "one text for each status: {bodies:?}");
    let grown = most.saturating_sub(before);
    assert!(grown < 256 << 20, "{grown} bytes more while 100 people sign in");
}
