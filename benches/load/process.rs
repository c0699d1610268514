//! What is measured from outside of it: the nginx and the llm-gateway that run as children, and what
//! `/proc` tells of them. Linux only, as `/proc` is.

use std::{
    collections::HashMap,
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{
    Failure,
    client::{Aim, VIRTUAL_KEY, answers},
};

/// A target that runs as a child process. It is killed with the value.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    pub(crate) aim: Aim,
    /// From the start of the process to its first 200.
    pub(crate) start: Duration,
}

impl Drop for Running {
    fn drop(&mut self) {
        // nginx' master ends its workers on SIGTERM; a SIGKILL would orphan them.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

impl Running {
    async fn start(mut command: Command, address: SocketAddr) -> Result<Self, Failure> {
        let aim = Aim::at(address);
        let begun = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let mut running = Self { child, aim, start: Duration::ZERO };
        while !answers(&running.aim).await {
            if let Some(status) = running.child.try_wait()? {
                return Err(format!("{:?} ended with {status} before its first answer", command.get_program()).into());
            }
            if begun.elapsed() > Duration::from_secs(20) {
                return Err(format!("{:?} gave no 200 within 20 s", command.get_program()).into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        running.start = begun.elapsed();
        Ok(running)
    }

    /// nginx as a plain reverse proxy. `None` where it is not installed.
    pub(crate) async fn nginx(upstream: SocketAddr, dir: &Path) -> Result<Option<Self>, Failure> {
        let installed = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"];
        let Some(program) = installed.iter().find(|path| Path::new(path).exists()) else { return Ok(None) };
        fs::create_dir_all(dir)?;
        let address = free_address()?;
        let place = dir.display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|kind| format!("{kind}_temp_path {place}/{kind}; "))
            .collect();
        let config = format!(
            "daemon off; worker_processes auto; pid {place}/nginx.pid; error_log {place}/error.log crit;\n\
             events {{ worker_connections 8192; }}\n\
             http {{ access_log off; keepalive_requests 100000000; {temporary}\n\
             upstream provider {{ server {upstream}; keepalive 1024; keepalive_requests 100000000; }}\n\
             server {{ listen {address}; location / {{ proxy_pass http://provider; proxy_http_version 1.1;\n\
             proxy_set_header Connection \"\"; proxy_buffering off; }} }} }}\n"
        );
        fs::write(dir.join("nginx.conf"), config)?;
        let mut command = Command::new(program);
        command.arg("-p").arg(dir).arg("-e").arg(dir.join("error.log")).arg("-c").arg(dir.join("nginx.conf"));
        Self::start(command, address).await.map(Some)
    }

    /// llm-gateway with virtual keys required, records and roll-ups written to a fresh directory; `more` is
    /// TOML that is laid over this configuration.
    pub(crate) async fn gateway(program: &Path, upstream: SocketAddr, dir: &Path, more: &str) -> Result<Self, Failure> {
        fs::create_dir_all(dir)?;
        let address = free_address()?;
        let base = format!(
            "[server]\nport = {port}\nmax_connections = 4096\n[auth]\nrequire_key = true\n\
             [[providers]]\nid = \"openai\"\nprovider_type = \"openai\"\napi_key = \"sk-test-bench-0000000000\"\n\
             base_url = \"http://{upstream}/v1\"\n\
             [key_map.{VIRTUAL_KEY}]\nlabel = \"Bench\"\nproject = \"bench\"\n\
             [storage]\npath = \"{data}\"\n[telemetry]\nlog = \"warn\"\n",
            port = address.port(),
            data = dir.join("data").display(),
        );
        let mut config: toml::Table = base.parse()?;
        overlay(&mut config, more.parse()?);
        fs::write(dir.join("config.toml"), config.to_string())?;
        let mut command = Command::new(program);
        command.env_clear().current_dir(dir).arg("--config").arg(dir.join("config.toml"));
        Self::start(command, address).await
    }

    fn processes(&self) -> Vec<u32> {
        let master = self.child.id();
        let children = fs::read_to_string(format!("/proc/{master}/task/{master}/children")).unwrap_or_default();
        std::iter::once(master).chain(children.split_whitespace().filter_map(|id| id.parse().ok())).collect()
    }

    /// The CPU time of each thread so far, in nanoseconds, all processes of the target included.
    pub(crate) fn cpu(&self) -> Cpu {
        let mut threads = HashMap::new();
        for process in self.processes() {
            let Ok(entries) = fs::read_dir(format!("/proc/{process}/task")) else { continue };
            for entry in entries.flatten() {
                let text = fs::read_to_string(entry.path().join("schedstat")).unwrap_or_default();
                if let Some(ran) = text.split_whitespace().next().and_then(|ran| ran.parse().ok()) {
                    threads.insert(entry.path().display().to_string(), ran);
                }
            }
        }
        Cpu(threads)
    }

    /// Resident memory in KiB, summed over the target's processes.
    pub(crate) fn rss_kib(&self) -> u64 {
        let of = |process: &u32| {
            let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
            let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        };
        self.processes().iter().filter_map(of).sum()
    }
}

/// CPU time by thread.
#[derive(Debug)]
pub(crate) struct Cpu(HashMap<String, u64>);

impl Cpu {
    /// Microseconds that were used since `earlier`.
    pub(crate) fn micros_since(&self, earlier: &Self) -> f64 {
        let used = |(thread, ran): (&String, &u64)| ran.saturating_sub(earlier.0.get(thread).copied().unwrap_or(0));
        self.0.iter().map(used).sum::<u64>() as f64 / 1000.0
    }
}

/// Lays `over` upon `base`, table by table.
fn overlay(base: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => overlay(below, above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
