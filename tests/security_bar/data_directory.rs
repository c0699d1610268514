//! Bar 40: what lies in the data directory is the owner's alone, and one process's at a time.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use crate::harness::{client::Client, ports::free_port};

/// A gateway of its own, under a umask that hides nothing. It is killed when it is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(dir: &Path, port: u16) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", "umask 000; exec \"$0\" --port \"$1\"", env!("CARGO_BIN_EXE_llm-gateway"), &port.to_string()])
        .current_dir(dir)
        .env_clear();
    command
}

/// Runs one that must give up by itself.
fn refused(dir: &Path) -> Output {
    command(dir, free_port()).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn bar_40_files_are_private_and_the_directory_is_one_processes() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let running = Process(command(dir.path(), port).stderr(Stdio::null()).spawn().unwrap());
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    for _ in 0..600 {
        if tokio::net::TcpStream::connect(address).await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // A provider key makes the master key.
    let provider = serde_json::json!({
        "id": "extra", "provider_type": "openai_compatible", "api_key": "sk-test", "base_url": "https://api.example.com/v1"
    });
    Client::new(address).post("/v1/providers", &provider).await.expect(201);

    let data = dir.path().join("data");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let mut names = Vec::new();
    for directory in [data.clone(), data.join("spool")] {
        assert_eq!(mode(&directory), 0o700, "{}", directory.display());
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
                names.push(path.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
    }
    for name in ["control.db", "usage.db", "bodies.db", "master.key", "lock", "ballast"] {
        assert!(names.iter().any(|found| found == name), "{name} in {names:?}");
    }

    let second = refused(dir.path());
    let told = String::from_utf8_lossy(&second.stderr);
    assert!(!second.status.success() && told.contains("in use by another"), "{told}");
    Client::new(address).get("/health").await.expect(200);

    drop(running);
    fs::set_permissions(data.join("master.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let before = fs::read(data.join("control.db")).unwrap();
    let third = refused(dir.path());
    let told = String::from_utf8_lossy(&third.stderr);
    assert!(!third.status.success() && told.contains("chmod 600"), "{told}");
    assert!(fs::read(data.join("control.db")).unwrap() == before, "control.db was changed");
}
