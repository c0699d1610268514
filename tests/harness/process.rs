//! The real binary in a process of its own.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

/// Longest time that a process may take to begin or to end.
const PATIENCE: Duration = Duration::from_secs(40);

/// A running gateway; killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    /// Known once it listens.
    pub(crate) address: SocketAddr,
    stderr: PathBuf,
}

impl Process {
    /// Starts in `dir`, with the configuration that lies there, and waits until it listens.
    pub(crate) async fn start(dir: &Path) -> Self {
        Self::start_with(dir, &[]).await
    }

    /// The same with these variables in an environment that is otherwise empty.
    pub(crate) async fn start_with(dir: &Path, env: &[(&str, &str)]) -> Self {
        let mut process = Self::spawn(dir, env);
        let begun = Instant::now();
        loop {
            // The system chooses the port, so that no other test can have it; the log tells which.
            let log = process.log();
            if let Some((_, rest)) = log.split_once("serving; the portal is at ") {
                let address = rest.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
                process.address = address.and_then(|(address, _)| address.parse().ok()).unwrap();
                return process;
            }
            assert!(process.child.try_wait().unwrap().is_none(), "it ended at once: {log}");
            assert!(begun.elapsed() < PATIENCE, "it never listened: {log}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Starts without waiting, for one that is not expected to listen.
    pub(crate) fn spawn(dir: &Path, env: &[(&str, &str)]) -> Self {
        let stderr = dir.join("stderr.log");
        let child = Command::new(env!("CARGO_BIN_EXE_llm-gateway"))
            .args(["--port", "0"])
            .current_dir(dir)
            .env_clear()
            .envs(env.iter().copied())
            .stdout(Stdio::null())
            .stderr(File::create(&stderr).unwrap())
            .spawn()
            .unwrap();
        Self { child, address: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)), stderr }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "it never ended: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What it wrote to its log.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap_or_default()
    }

    /// Its resident memory, in bytes.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
