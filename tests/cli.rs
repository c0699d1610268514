//! The command line: what it prints where, and how it ends.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use super::harness::ports::free_port;

fn run(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_llm-gateway")).args(arguments).current_dir(dir).env_clear().output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn check_shows_the_effective_config() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("other.toml"), "[server]\nport = 1234\n[auth]\nadmin_token = \"token-test\"")
        .unwrap();
    let output = run(dir.path(), &["-c", "other.toml", "check", "--port", "99"]);
    assert!(output.status.success());
    assert!(text(&output.stdout).contains("port = 99"));
    assert!(text(&output.stdout).contains("admin_token = \"***\""));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn errors_go_to_stderr_one_a_line() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("config.toml"), "[server]\nprot = 1\nhost = \"0.0.0.0\"").unwrap();
    for command in ["check", "keys list"] {
        let output = run(dir.path(), &command.split(' ').collect::<Vec<_>>());
        assert_eq!(output.status.code(), Some(78), "{command}");
        assert_eq!(text(&output.stderr).lines().count(), 2, "{command}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_made_key_is_shown_once_and_stored_as_a_hash_only() {
    let dir = tempfile::tempdir().unwrap();
    let made = run(dir.path(), &["keys", "create", "--label", "ci\u{1b}[2J", "--team", "alpha"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let secret = text(&made.stdout).trim_end();
    assert!(secret.starts_with("gk-") && !secret.contains(char::is_whitespace), "only the secret, to be piped");
    for file in std::fs::read_dir(dir.path().join("data")).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }
    let list = run(dir.path(), &["keys", "list"]);
    let list = text(&list.stdout);
    let id = list.lines().nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    assert!(list.contains("active") && list.contains("alpha") && !list.contains(secret));
    assert!(!list.contains('\u{1b}'), "a label must not drive the terminal");
    assert!(text(&made.stderr).contains(&id));

    assert!(run(dir.path(), &["keys", "revoke", &id]).status.success());
    assert!(text(&run(dir.path(), &["keys", "list"]).stdout).contains("revoked"));
    let unknown = run(dir.path(), &["keys", "revoke", "key_none"]);
    assert_eq!((unknown.status.code(), text(&unknown.stderr)), (Some(1), "error: no such key\n"));
}

#[test]
fn a_key_for_an_unknown_provider_is_not_made() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["keys", "create", "--provider", "nobody"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "error: no provider \"nobody\" is configured or stored\n");
    assert!(text(&run(dir.path(), &["keys", "list"]).stdout).lines().count() == 1);
}

#[test]
fn the_openapi_document_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["openapi"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(document["paths"]["/v1/keys"].is_object());
}

/// A gateway in a process of its own, killed when the test ends.
struct Serving {
    child: Child,
    address: SocketAddr,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Serving {
    fn start(dir: &Path) -> Self {
        let port = free_port();
        let child = Command::new(env!("CARGO_BIN_EXE_llm-gateway"))
            .args(["--port", &port.to_string()])
            .current_dir(dir)
            .env_clear()
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let serving = Self { child, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)) };
        serving.until("/health", "", 200);
        serving
    }

    /// The status of a request with this key; `None` when nobody listens.
    fn status(&self, path: &str, key: &str) -> Option<u16> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        let method = if path == "/health" { "GET" } else { "POST" };
        let body = r#"{"model": "m", "messages": []}"#;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost:{}\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.address.port(),
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.get(9..12)?.parse().ok()
    }

    /// The audit log, as soon as it tells this.
    fn until_told(&self, words: &str) -> String {
        let begun = Instant::now();
        let mut told = String::new();
        while begun.elapsed() < Duration::from_secs(30) {
            let mut stream = TcpStream::connect(self.address).unwrap();
            stream.write_all(b"GET /v1/audit HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
            told.clear();
            stream.read_to_string(&mut told).unwrap();
            if told.contains(words) {
                return told;
            }
            std::thread::park_timeout(Duration::from_millis(50));
        }
        panic!("the audit log never told {words}; last {told}");
    }

    fn until(&self, path: &str, key: &str, status: u16) {
        let begun = Instant::now();
        let mut last = None;
        while begun.elapsed() < Duration::from_secs(30) {
            last = self.status(path, key);
            if last == Some(status) {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(50));
        }
        panic!("{path} never answered {status}; last {last:?}");
    }
}

#[test]
fn a_running_gateway_follows_the_keys_command() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("config.toml"), "[auth]\nrequire_key = true").unwrap();
    let serving = Serving::start(dir.path());
    let made = run(dir.path(), &["keys", "create"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let secret = text(&made.stdout).trim_end();
    assert_eq!(serving.status("/v1/chat/completions", "gk-unknown"), Some(401));
    // No provider is configured, which only a caller that was let in is told.
    serving.until("/v1/chat/completions", secret, 503);
    let id = text(&made.stderr).split_whitespace().nth(1).unwrap().trim_end_matches(';').to_owned();
    assert!(run(dir.path(), &["keys", "revoke", &id]).status.success());
    serving.until("/v1/chat/completions", secret, 401);
}

#[test]
fn the_audit_log_tells_what_the_keys_command_and_the_config_file_changed() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("config.toml");
    std::fs::write(&config, "[auth]\nrequire_key = false").unwrap();
    let serving = Serving::start(dir.path());
    assert!(run(dir.path(), &["keys", "create", "--label", "ci"]).status.success());
    assert!(!run(dir.path(), &["keys", "revoke", "gk-typed-in-the-wrong-place"]).status.success());
    serving.until_told(r#""actor":"cli","actor_id":null,"action":"key.create""#);
    let told =
        serving.until_told(r#""action":"key.revoke","target":null,"outcome":"refused","error_code":"not_found""#);
    assert!(!told.contains("typed-in-the-wrong-place"));

    std::fs::write(&config, "[auth]\nrequire_key = maybe").unwrap();
    serving.until_told(r#""action":"config.reload","target":null,"outcome":"refused","error_code":"invalid_config""#);
    std::fs::write(&config, "[auth]\nrequire_key = true").unwrap();
    serving.until_told(r#""actor":"config","actor_id":null,"action":"config.reload","target":null,"outcome":"ok""#);
    serving.until("/v1/chat/completions", "gk-unknown", 401);
}

#[test]
fn serving_without_a_config_that_fits_fails() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["--config", "missing.toml"]);
    assert_eq!(output.status.code(), Some(78));
    assert_eq!(text(&output.stderr), "error: missing.toml: does not exist; check the path\n");
    std::fs::write(dir.path().join("config.toml"), "[server]\nhost = \"0.0.0.0\"").unwrap();
    let output = run(dir.path(), &["start"]);
    assert_eq!(output.status.code(), Some(78));
    let fix = "set auth.admin_password or LLM_GATEWAY_AUTH__ADMIN_TOKEN, or bind 127.0.0.1\n";
    assert!(text(&output.stderr).ends_with(fix) && text(&output.stderr).lines().count() == 1);
}

#[test]
fn import_prints_toml_that_check_takes_and_says_what_became_of_everything() {
    let dir = tempfile::tempdir().unwrap();
    let litellm = "model_list:\n  - model_name: gpt-4o\n    litellm_params:\n      model: azure/gpt-4o-eu\n      \
                   api_base: https://eu.example.com\n      api_key: os.environ/AZURE_API_KEY\n  - model_name: claude\n    \
                   litellm_params: {model: bedrock/claude, aws_region_name: us-east-1}\nlitellm_settings:\n  drop_params: true\n";
    std::fs::write(dir.path().join("litellm.yaml"), litellm).unwrap();
    let output = run(dir.path(), &["import", "litellm.yaml"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("api_key = \"${AZURE_API_KEY}\""), "{}", text(&output.stdout));
    let told = text(&output.stderr);
    for line in [
        "carried over  litellm.yaml:2: model_list[1] (gpt-4o): model \"gpt-4o\" leads to azure/gpt-4o-eu\n",
        "left out      litellm.yaml:7: model_list[2] (claude): provider bedrock is not supported by this gateway\n",
        "LiteLLM config.yaml (litellm.yaml): 2 carried over, 0 changed, 1 left out\n",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
    let written = run(dir.path(), &["import", "litellm.yaml", "--out", "config.toml"]);
    assert!(written.status.success() && written.stdout.is_empty(), "{}", text(&written.stderr));
    let again = run(dir.path(), &["import", "litellm.yaml", "--out", "config.toml"]);
    assert!(!again.status.success() && text(&again.stderr).contains("cannot be written"), "nothing is overwritten");
    let mut check = Command::new(env!("CARGO_BIN_EXE_llm-gateway"));
    let checked =
        check.arg("check").current_dir(dir.path()).env_clear().env("AZURE_API_KEY", "key-test").output().unwrap();
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    assert!(text(&checked.stdout).contains("id = \"azure\""));
    // Our own files need none, and what is no configuration at all is told so.
    std::fs::write(dir.path().join("gateway.yaml"), "server: {port: 1}").unwrap();
    let own = run(dir.path(), &["import", "gateway.yaml"]);
    assert_eq!((own.status.code(), text(&own.stderr).contains("needs no import")), (Some(78), true));
    assert_eq!(run(dir.path(), &["import", "missing.yaml"]).status.code(), Some(1));
}
