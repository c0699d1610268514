//! `kill -9` under load: a client that had its whole answer finds the record after the restart, every time.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use llm_gateway::{
    config::{LoadOptions, load},
    demo::{Provider, ProviderOptions},
    routing::Trace,
    store::{self, RecordFilter},
};
use serde_json::json;

use crate::harness::{
    client::{Client, PATIENCE},
    process::Process,
};

/// Rounds in the normal run; `KILL_ROUNDS` asks for more.
const ROUNDS: usize = 20;
const CLIENTS: usize = 8;

/// Asks until the gateway dies and notes the record of each answer that came whole.
async fn ask_until_dead(address: SocketAddr, number: usize, stop: Arc<AtomicBool>, finished: Arc<Mutex<Vec<String>>>) {
    let client = Client::new(address);
    let stream = number.is_multiple_of(2);
    let body = json!({"model": "gpt-4o", "stream": stream, "messages": [{"role": "user", "content": "hi"}]});
    while !stop.load(Relaxed) {
        let asked = client.try_post("/v1/chat/completions", &body);
        let Ok(Some(answer)) = tokio::time::timeout(Duration::from_secs(10), asked).await else { return };
        assert_eq!(answer.status, 200);
        finished.lock().unwrap().push(answer.headers["x-gateway-record"].to_str().unwrap().to_owned());
    }
}

async fn stored(dir: &Path) -> BTreeSet<String> {
    let options = LoadOptions { config_path: None, port: None, working_dir: dir.to_owned(), env: [].into() };
    let store = store::open(&load(&options).unwrap().storage).await.unwrap();
    store.recorder.flush().await.unwrap();
    let (mut ids, mut cursor) = (BTreeSet::new(), None);
    loop {
        let page = store.history.records(&RecordFilter::default(), cursor, 500).await.unwrap();
        for record in page.records {
            assert!(ids.insert(record.record.id.to_string()), "a record came back twice");
            let route = store.history.route(record.seq).await.unwrap().expect("how it was routed comes back too");
            assert!(!Trace::read(&route).unwrap().decide().order.is_empty());
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    store.close().await.unwrap();
    are_whole(dir).await;
    ids
}

/// SQLite finds no fault with any file.
async fn are_whole(dir: &Path) {
    for name in ["control.db", "usage.db", "bodies.db"] {
        let file = sqlx::sqlite::SqliteConnectOptions::new().filename(dir.join("data").join(name));
        let mut file = sqlx::ConnectOptions::connect(&file).await.unwrap();
        let found: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut file).await.unwrap();
        assert_eq!(found, "ok", "{name}");
        sqlx::Connection::close(file).await.unwrap();
    }
}

/// How often to kill: `KILL_ROUNDS`, else `few`.
fn rounds(few: usize) -> usize {
    std::env::var("KILL_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(few)
}

/// Makes keys until the gateway dies and notes the id of each that was acknowledged.
async fn make_keys_until_dead(address: SocketAddr, stop: Arc<AtomicBool>, acknowledged: Arc<Mutex<Vec<String>>>) {
    let (client, body) = (Client::new(address), json!({"label": "acknowledged"}));
    while !stop.load(Relaxed) {
        let asked = client.try_post("/v1/keys", &body);
        let Ok(Some(answer)) = tokio::time::timeout(Duration::from_secs(10), asked).await else { return };
        assert_eq!(answer.status, 201, "{}", answer.text());
        acknowledged.lock().unwrap().push(answer.json()["id"].as_str().unwrap().to_owned());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bar_21_an_acknowledged_change_outlives_kill_9() {
    let rounds = rounds(6);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("config.toml"), "").unwrap();
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    for round in 0..rounds {
        let victim = Process::start(dir.path()).await;
        let stop = Arc::new(AtomicBool::new(false));
        let clients: Vec<_> = (0..4)
            .map(|_| tokio::spawn(make_keys_until_dead(victim.address, Arc::clone(&stop), Arc::clone(&acknowledged))))
            .collect();
        let before = acknowledged.lock().unwrap().len();
        let begun = tokio::time::Instant::now();
        while acknowledged.lock().unwrap().len() < before + 8 {
            assert!(begun.elapsed() < PATIENCE, "no load in round {round}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        // SIGKILL.
        drop(victim);
        stop.store(true, Relaxed);
        for client in clients {
            client.await.unwrap();
        }
        let options = LoadOptions { config_path: None, port: None, working_dir: dir.path().to_owned(), env: [].into() };
        let store = store::open(&load(&options).unwrap().storage).await.unwrap();
        let stored: BTreeSet<_> = store.control.snapshot().await.unwrap().keys.into_iter().map(|key| key.id).collect();
        store.close().await.unwrap();
        are_whole(dir.path()).await;
        let acknowledged = acknowledged.lock().unwrap();
        let lost: Vec<_> = acknowledged.iter().filter(|id| !stored.contains(*id)).collect();
        assert!(lost.is_empty(), "round {round}: {lost:?} of {} are lost", acknowledged.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_finished_answer_loses_its_record_to_kill_9() {
    let rounds = rounds(ROUNDS);
    let upstream = Provider::spawn(ProviderOptions::default()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = format!(
        "[[providers]]\nid = \"openai\"\nprovider_type = \"openai\"\napi_key = \"sk-test-kill\"\nbase_url = \"{}/v1\"\n",
        upstream.url()
    );
    // A wait that no scheduler of a busy test machine exceeds: what is proven is the order.
    std::fs::write(dir.path().join("config.toml"), format!("{config}[storage]\nspool_wait_ms = 1000\n")).unwrap();
    let finished = Arc::new(Mutex::new(Vec::new()));
    for round in 0..rounds {
        let victim = Process::start(dir.path()).await;
        let stop = Arc::new(AtomicBool::new(false));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                tokio::spawn(ask_until_dead(victim.address, number, Arc::clone(&stop), Arc::clone(&finished)))
            })
            .collect();
        // However busy the machine is, the gateway dies in the midst of load.
        let before = finished.lock().unwrap().len();
        let begun = tokio::time::Instant::now();
        while finished.lock().unwrap().len() < before + 2 * CLIENTS {
            assert!(begun.elapsed() < PATIENCE, "no load in round {round}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(7 * (round as u64 % 11))).await;
        // SIGKILL.
        drop(victim);
        stop.store(true, Relaxed);
        for client in clients {
            client.await.unwrap();
        }
        // Every other time the next gateway itself must pick up what was left.
        if round.is_multiple_of(2) || round + 1 == rounds {
            let stored = stored(dir.path()).await;
            let finished = finished.lock().unwrap();
            let lost: Vec<_> = finished.iter().filter(|id| !stored.contains(*id)).collect();
            assert!(lost.is_empty(), "round {round}: {} of {} records lost: {lost:?}", lost.len(), finished.len());
        }
    }
}
