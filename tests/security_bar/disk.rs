//! Bar 35: on a full disk the gateway goes on serving, says so, loses nothing that fits its queue, and recovers.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use llm_gateway::{
    config::{self, LoadOptions, Storage},
    store::{self, RecordFilter},
};
use serde_json::json;
use sqlx::{ConnectOptions as _, Executor as _};

use crate::harness::{
    client::PATIENCE,
    gateway::{self, Rig},
};

const MIB: u64 = 1024 * 1024;

/// A small file system of its own, unmounted when it is dropped.
struct Mount(PathBuf);

impl Mount {
    /// `None`, and a line that says so, where mounting is not allowed.
    #[expect(clippy::print_stdout, reason = "a test that was skipped says so")]
    fn new(path: &Path, bytes: u64) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        if Self::run(&["-t", "tmpfs", "-o", &format!("size={bytes},mode=0700"), "tmpfs"], path) {
            return Some(Self(path.to_owned()));
        }
        println!("SKIPPED: mounting a file system is not allowed here, so nothing is proven about full disks");
        None
    }

    fn resize(&self, bytes: u64) {
        assert!(Self::run(&["-o", &format!("remount,size={bytes}")], &self.0));
    }

    fn run(arguments: &[&str], path: &Path) -> bool {
        Command::new("mount").args(arguments).arg(path).output().is_ok_and(|output| output.status.success())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Writes until nothing more fits.
fn fill(path: &Path) {
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    for block in [vec![0; 64 * 1024], vec![0; 512]] {
        while file.write_all(&block).is_ok() {}
    }
}

async fn ask(rig: &Rig) {
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]});
    rig.client().post("/v1/chat/completions", &body).await.expect(200);
}

/// Asks on until readiness tells this reason; returns how often.
async fn ask_until(rig: &Rig, reason: &str, refill: Option<&Path>) -> usize {
    let deadline = tokio::time::Instant::now() + 3 * PATIENCE;
    for asked in 1.. {
        if let Some(filler) = refill {
            fill(filler);
        }
        ask(rig).await;
        let readiness = rig.client().get("/readyz").await.expect(200);
        if readiness["reasons"].as_array().unwrap().iter().any(|told| told == reason) {
            assert_eq!(readiness["status"], "degraded");
            return asked;
        }
        assert!(tokio::time::Instant::now() < deadline, "never {reason}: {readiness}");
    }
    unreachable!()
}

#[tokio::test(flavor = "multi_thread")]
async fn bar_35_a_full_disk_stops_nothing_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let Some(mount) = Mount::new(&data, 24 * MIB) else { return };
    let low = format!("low_disk_bytes = {}\n", 4 * MIB);
    let mut rig = gateway::start_in(directory, &low).await;
    let client = rig.client();
    assert_eq!(client.get("/readyz").await.expect(200)["status"], "ready");
    let ballast = data.join("ballast");
    let laid = fs::metadata(&ballast).unwrap();
    assert!((512 * 1024..=24 * MIB / 20).contains(&laid.len()), "a twentieth of what is free: {}", laid.len());
    assert_eq!(laid.permissions().mode() & 0o777, 0o600);

    let filler = data.join("filler");
    fill(&filler);
    let mut asked = ask_until(&rig, "low_disk", None).await;
    // What the ballast gives is filled too, until nothing can be written any more.
    asked += ask_until(&rig, "disk_full", Some(&filler)).await;
    assert!(!ballast.exists(), "the ballast is given up");
    for _ in 0..50 {
        ask(&rig).await;
        asked += 1;
    }
    let answer = client.post("/v1/keys", &json!({"label": "full"})).await;
    assert!(matches!(answer.status.as_u16(), 201 | 503), "{}: {}", answer.status, answer.text());
    if answer.status.as_u16() == 503 {
        assert!(answer.headers.contains_key("retry-after"));
    }
    let readiness = client.get("/readyz").await.expect(200);
    assert!(readiness["waiting_records"].as_u64().unwrap() >= 50, "{readiness}");
    assert_eq!(readiness["dropped_records"], 0);
    let metrics = client.get("/metrics").await;
    let metrics = metrics.text();
    let metric = |name: &str| -> u64 {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)).expect(name);
        line.trim().parse().unwrap()
    };
    assert!(metric("llm_gateway_records_at_risk ") >= 50);
    assert!(metric("llm_gateway_record_queue_bytes ") > 0);
    assert_eq!(metric("llm_gateway_records_dropped_total "), 0);
    assert_eq!((metric("llm_gateway_disk_low "), metric("llm_gateway_store_writable ")), (1, 0));

    fs::remove_file(&filler).unwrap();
    assert_eq!(rig.records_when(asked).await.len(), asked, "every record is there");
    // The spool's state is that of its last write.
    ask(&rig).await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while client.get("/readyz").await.expect(200)["status"] != "ready" || !ballast.exists() {
        assert!(tokio::time::Instant::now() < deadline, "{}", client.get("/readyz").await.text());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(client.get("/readyz").await.expect(200)["dropped_records"], 0);
    client.post("/v1/keys", &json!({"label": "again"})).await.expect(201);
    rig.stop().await;
    for name in ["usage.db", "control.db", "bodies.db"] {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data.join(name));
        let mut file = options.connect().await.unwrap();
        let found: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut file).await.unwrap();
        assert_eq!(found, "ok", "{name}");
    }
    drop(mount);
}

fn storage(path: &Path) -> Storage {
    let working_dir = path.to_owned();
    let options = LoadOptions { config_path: None, port: None, working_dir, env: Default::default() };
    Storage { path: path.join("data"), ..config::load(&options).unwrap().storage }
}

#[tokio::test]
async fn bar_35_a_start_on_a_full_disk_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let Some(mount) = Mount::new(directory.path(), MIB) else { return };
    let filler = directory.path().join("filler");
    fill(&filler);
    let storage = storage(directory.path());
    let error = store::open(&storage).await.unwrap_err();
    assert!(error.to_string().contains("full") || error.to_string().contains("No space"), "{error}");
    drop(mount);
}

/// A database of the first version with this many records.
async fn old_database(path: &Path, records: u32) {
    let mut migrations = sqlx::migrate::Migrator::new(Path::new("migrations/sqlite/usage")).await.unwrap();
    migrations.migrations.to_mut().retain(|migration| migration.version == 1);
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
    let mut file = options.connect().await.unwrap();
    migrations.run_direct(None, &mut file, false).await.unwrap();
    let fill = format!(
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {records})
         INSERT INTO records (id, started_at, project, model, tags, client_api, endpoint, stream, status, outcome,
             attempts, cache, latency_us, usage_estimated, findings, request_bytes, response_bytes)
         SELECT unhex(printf('0189000000007000800000%010x', n)), n,
             'project' || (n % 7), 'm', json_object('team', 't' || (n % 5)), 'openai_chat', 'chat_completions', n % 2,
             200, 'ok', 1, 'bypass', 1, 0, 0, 0, 0 FROM c"
    );
    file.execute(sqlx::AssertSqlSafe(fill)).await.unwrap();
    sqlx::Connection::close(file).await.unwrap();
}

#[tokio::test]
async fn bar_35_a_disk_that_is_full_in_the_middle_of_a_migration_leaves_the_data_as_they_were() {
    const RECORDS: u32 = 20_000;
    let directory = tempfile::tempdir().unwrap();
    let Some(mount) = Mount::new(directory.path(), 64 * MIB) else { return };
    let storage = storage(directory.path());
    fs::create_dir(&storage.path).unwrap();
    let file = storage.path.join("usage.db");
    old_database(&file, RECORDS).await;
    let before = fs::read(&file).unwrap();
    let filler = directory.path().join("filler");
    fill(&filler);
    // Room for the small files and for the beginning of the migration.
    let length = fs::metadata(&filler).unwrap().len();
    fs::OpenOptions::new().write(true).open(&filler).unwrap().set_len(length - 2 * MIB).unwrap();
    let error = store::open(&storage).await.unwrap_err();
    let told = error.to_string();
    assert!(told.contains("usage.db") && told.contains("full"), "{told}");
    assert!(fs::read(&file).unwrap() == before, "the database was changed");

    mount.resize(128 * MIB);
    fs::remove_file(&filler).unwrap();
    let store = store::open(&storage).await.unwrap();
    let some = |text: &str| Some(text.to_owned());
    for (filter, expected) in [
        (
            RecordFilter { project: some("project3"), ..RecordFilter::default() },
            (1..=RECORDS).filter(|n| n % 7 == 3).count() as u32,
        ),
        (RecordFilter { stream: Some(true), status: Some(200), ..RecordFilter::default() }, RECORDS / 2),
        (RecordFilter { tags: vec![("team".to_owned(), "t1".to_owned())], ..RecordFilter::default() }, RECORDS / 5),
        (RecordFilter { model: some("none"), ..RecordFilter::default() }, 0),
    ] {
        use futures_util::TryStreamExt as _;
        let found: Vec<_> = store.history.export(filter.clone()).try_concat().await.unwrap();
        assert_eq!(found.len(), expected as usize, "{filter:?}");
    }
    store.close().await.unwrap();
    drop(mount);
}
