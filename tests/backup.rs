//! A backup is whole, private and checked, made beside a gateway that serves, and never in the place of another.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use llm_gateway::{
    config::{LoadOptions, load},
    store::{self, RecordFilter},
};

use crate::harness;

fn backup(dir: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llm-gateway"));
    command.arg("backup").args(more).current_dir(dir).env_clear().output().unwrap()
}

fn made(output: &Output) -> PathBuf {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(std::str::from_utf8(&output.stdout).unwrap().trim_end())
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_while_serving_is_whole_private_and_opens() {
    let rig = harness::gateway::start().await;
    let chat = serde_json::json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]});
    for _ in 0..3 {
        rig.client().post("/v1/chat/completions", &chat).await.expect(200);
    }
    rig.records_when(3).await;
    let there = rig.data.path().join("elsewhere");
    let first = made(&backup(rig.data.path(), &["--to", there.to_str().unwrap()]));
    rig.client().post("/v1/chat/completions", &chat).await.expect(200);
    rig.records_when(4).await;
    let second = made(&backup(rig.data.path(), &["--to", there.to_str().unwrap()]));
    assert_ne!(first, second);
    assert_eq!(names(&there).len(), 2, "nothing partial stays");
    for (copy, records) in [(&first, 3), (&second, 4)] {
        assert_eq!(fs::metadata(copy).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(names(copy), ["bodies.db", "control.db", "usage.db"], "and no master key");
        for name in names(copy) {
            assert_eq!(fs::metadata(copy.join(name)).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(records_in(copy).await, records);
    }
}

async fn records_in(data: &Path) -> usize {
    let working_dir = data.parent().unwrap().to_owned();
    let env = [("LLM_GATEWAY_STORAGE__PATH".to_owned(), data.to_str().unwrap().to_owned())].into();
    let config = load(&LoadOptions { config_path: None, port: None, working_dir, env }).unwrap();
    let store = store::open(&config.storage).await.unwrap();
    let page = store.history.records(&RecordFilter::default(), None, 100).await.unwrap();
    store.close().await.unwrap();
    page.records.len()
}

#[test]
fn without_a_database_there_is_no_backup_and_nothing_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let output = backup(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("control.db"));
    assert!(names(dir.path()).is_empty());
}
