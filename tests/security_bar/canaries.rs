//! Bar 1: no secret leaves its field. Every secret is a text of its own; the real binary is driven through every
//! route and fault at the most talkative log level; then everything it wrote or said is searched.
//!
//! A 2xx body is relayed byte for byte by contract, so an upstream that writes a key into an answer's *content*
//! can show it to the caller of that very call. It still gets into no log, no record and no header.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt as _;
use llm_gateway::demo::{Encoding, Fault, Provider, ProviderOptions, Running, Script};
use serde_json::json;

use super::corpus::{READS, calls};
use crate::harness::{
    client::{Answer, Client},
    ports::free_port,
};

const OPENAI: &str = "sk-test-canary-config-openai-0a1b2c3d";
const ANTHROPIC: &str = "sk-ant-test-canary-config-1a2b3c4d";
const GEMINI: &str = "test-canary-config-gemini-2a3b4c5d";
const ADDED: &str = "sk-test-canary-added-3a4b5c6d";
const CHANGED: &str = "sk-test-canary-changed-4a5b6c7d";
const TEAM: &str = "team-test-canary-key-5a6b7c8d";
const TEAM_OPENAI: &str = "sk-test-canary-team-openai-6a7b8c9d";
const TEAM_ANTHROPIC: &str = "sk-ant-test-canary-team-7a8b9c0d";
const TOKEN: &str = "admin-test-canary-token-8a9b0c1d";
const PASSWORD: &str = "admin test canary password 9a0b1c2d";
const STRANGER: &str = "sk-proj-test-canary-stranger-0b1c2d3e";
const MASTER: &str = "c0ffee00c0ffee01c0ffee02c0ffee03c0ffee04c0ffee05c0ffee06c0ffee07";

/// Every secret that is planted here; a new feature adds its own. Those that the gateway makes are added when
/// they have been told.
const PLANTED: [&str; 12] =
    [OPENAI, ANTHROPIC, GEMINI, ADDED, CHANGED, TEAM, TEAM_OPENAI, TEAM_ANTHROPIC, TOKEN, PASSWORD, STRANGER, MASTER];

/// The real binary, killed when the test ends.
struct Gateway {
    child: Child,
    address: SocketAddr,
    stderr: PathBuf,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Gateway {
    async fn start(dir: &Path) -> Self {
        let port = free_port();
        let stderr = dir.join("../stderr");
        let child = Command::new(env!("CARGO_BIN_EXE_llm-gateway"))
            .args(["--port", &port.to_string()])
            .current_dir(dir)
            .env_clear()
            .envs([("RUST_LOG", "trace"), ("RUST_BACKTRACE", "full"), ("LLM_GATEWAY_MASTER_KEY", MASTER)])
            .stdout(Stdio::null())
            .stderr(File::create(&stderr).unwrap())
            .spawn()
            .unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(30), "it never listened");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        Self { child, address, stderr }
    }

    /// SIGTERM, and its end.
    async fn stop(&mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let begun = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(30), "it never ended");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }
}

fn config(upstream: &Running) -> String {
    let url = upstream.url();
    format!(
        "[auth]\nrequire_key = true\nadmin_token = \"{TOKEN}\"\nadmin_password = \"{PASSWORD}\"\n\
         [[providers]]\nid = \"openai\"\nprovider_type = \"openai\"\napi_key = \"{OPENAI}\"\nbase_url = \"{url}/v1\"\n\
         [[providers]]\nid = \"anthropic\"\nprovider_type = \"anthropic\"\napi_key = \"{ANTHROPIC}\"\nbase_url = \"{url}\"\n\
         [[providers]]\nid = \"gemini\"\nprovider_type = \"gemini\"\napi_key = \"{GEMINI}\"\nbase_url = \"{url}\"\n\
         [[providers]]\nid = \"ollama\"\nprovider_type = \"ollama\"\nendpoint = \"{url}\"\n\
         [key_map.{TEAM}]\nlabel = \"Team\"\nteam = \"team\"\nopenai_key = \"{TEAM_OPENAI}\"\nanthropic_key = \"{TEAM_ANTHROPIC}\"\n"
    )
}

/// Everything that was said to a client, searched at the end.
#[derive(Default)]
struct Heard(Vec<(String, Vec<u8>)>);

impl Heard {
    fn note(&mut self, what: impl Into<String>, answer: &Answer) {
        let mut said = format!("{:?}\n", answer.headers).into_bytes();
        said.extend_from_slice(&answer.body);
        if answer.headers.get("content-encoding").is_some_and(|encoding| encoding == "gzip") {
            let _ = std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&answer.body[..]), &mut said);
        }
        self.0.push((what.into(), said));
    }
}

/// An answer that may break off.
async fn as_far_as_it_comes(client: &Client, path: &str, body: &serde_json::Value) -> Answer {
    let (head, mut rest) = client.open(Method::POST, path, Some(body.to_string().into())).await.into_parts();
    let mut body = Vec::new();
    while let Some(Ok(frame)) = rest.frame().await {
        body.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new()));
    }
    Answer { status: head.status, headers: head.headers, body: body.into() }
}

/// Every route of the API document, so that none that is added later is forgotten: with secrets in every place
/// where a caller may put one by mistake. The ids belong to nothing.
async fn drive_every_route(caller: &Client, heard: &mut Heard) {
    let document = serde_json::to_value(llm_gateway::server::openapi()).unwrap();
    let body = json!({"id": "nothing", "label": CHANGED, "api_key": CHANGED, "password": CHANGED, "model": "gpt-4o",
        "input": CHANGED, "nonsense": {"authorization": CHANGED}});
    for (path, item) in document["paths"].as_object().unwrap() {
        let target = path.replace("{api}/{tail}", "openai/v1/chat/completions").replace("{project}", "nothing");
        let target = target.replace("{id}", "nothing").replace("{model}", "nothing").replace("{tail}", "nothing");
        assert!(!target.contains('{'), "{path} has a parameter that is not known here");
        for method in item.as_object().unwrap().keys() {
            if target == "/v1/session" && method == "delete" {
                continue;
            }
            let method: Method = method.to_uppercase().parse().unwrap();
            let has_body = method != Method::GET && method != Method::DELETE;
            for target in [target.clone(), format!("{target}?key={STRANGER}&access_token={CHANGED}")] {
                let what = format!("{method} {target}");
                let sent = has_body.then(|| Bytes::from(body.to_string()));
                let (head, mut rest) = caller.open(method.clone(), &target, sent).await.into_parts();
                let mut said = Vec::new();
                // What never ends, such as the live feed, is heard for a moment.
                let listening = async {
                    while let Some(Ok(frame)) = rest.frame().await {
                        said.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new()));
                    }
                };
                let _ = tokio::time::timeout(Duration::from_millis(500), listening).await;
                heard.note(what, &Answer { status: head.status, headers: head.headers, body: said.into() });
            }
        }
    }
}

/// Faults in which an upstream says the credential it was called with.
fn echoes(key: &str) -> Vec<(&'static str, Script)> {
    let error = json!({"error": {"message": format!("bad key {key}"), "type": key, "code": key}}).to_string();
    let json = |script: Script| script.with_header("content-type", "application/json");
    let in_headers = |script: Script| {
        [
            "x-request-id",
            "request-id",
            "x-echo",
            "www-authenticate",
            "x-api-key",
            "authorization",
            "openai-organization",
        ]
        .iter()
        .fold(script, |script, name| script.with_header(name, &format!("Bearer {key}")))
    };
    let mut all = vec![
        ("headers", in_headers(Script::default())),
        (
            "headers of a redirect",
            in_headers(Script::fault(Fault::Redirect { status: 307, to: format!("http://127.0.0.1:9/?key={key}") })),
        ),
        ("headers of a refusal", in_headers(Script::fault(Fault::Refused { status: 429, retry_after_secs: Some(1) }))),
        ("not HTTP", Script::fault(Fault::NotHttp)),
        ("a reset", Script::fault(Fault::ResetBeforeHead)),
        ("half a body", Script::fault(Fault::ResetInBody { after_bytes: 20 })),
    ];
    for status in [400, 401, 403, 404, 429, 500, 503] {
        all.push(("an error", json(Script::answer(status, error.clone()))));
        all.push(("a gzip error", json(Script::answer(status, error.clone())).encoded(Encoding::Gzip)));
        all.push(("a br error", json(Script::answer(status, error.clone())).encoded(Encoding::Br)));
    }
    all
}

/// Answers under status 200 in which every word that a record keeps is the credential.
fn words(key: &str) -> Vec<Script> {
    let whole = json!({"id": key, "object": "chat.completion", "model": key, "service_tier": key, "system_fingerprint": key,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": key}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}, "type": "message", "stop_reason": key,
        "content": [], "candidates": [{"finishReason": key}], "modelVersion": key, "responseId": key, "done": true, "done_reason": key});
    let failed = json!({"error": {"message": key, "type": key, "code": key}}).to_string();
    vec![
        Script::answer(200, whole.to_string()).with_header("content-type", "application/json"),
        Script::answer(200, failed.clone()).with_header("content-type", "application/json"),
        Script::stream([format!("data: {whole}\n\n"), "data: [DONE]\n\n".to_owned()]),
        Script::stream([format!("event: error\ndata: {failed}\n\n")]),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bar_01_no_secret_leaves_its_field() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("work");
    std::fs::create_dir(&dir).unwrap();
    let upstream = Provider::spawn(ProviderOptions::default()).await.unwrap();
    std::fs::write(dir.join("config.toml"), config(&upstream)).unwrap();
    let mut gateway = Gateway::start(&dir).await;
    let client = Client::new(gateway.address);
    let bearer = |secret: &str| client.with("authorization", &format!("Bearer {secret}"));
    let (admin, team) = (bearer(TOKEN), bearer(TEAM));
    let mut heard = Heard::default();

    // Secrets that are made here are told once, in these answers; what is told is searched for everywhere else.
    let signed_in = client.post("/v1/session", &json!({"password": PASSWORD})).await;
    signed_in.expect(200);
    let cookie = signed_in.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let session = cookie.split_once('=').unwrap().1.to_owned();
    let made = admin.post("/v1/keys", &json!({"label": "made"})).await.expect(201);
    let made_id = made["id"].as_str().unwrap().to_owned();
    let made_key = made["secret"].as_str().unwrap().to_owned();
    let rotated = admin.post(&format!("/v1/keys/{made_id}/rotate"), &json!({})).await.expect(200);
    let rotated_key = rotated["secret"].as_str().unwrap().to_owned();

    let added = json!({"id": "added", "provider_type": "openai_compatible", "base_url": format!("{}/v1", upstream.url()),
        "api_key": ADDED, "allow_private_network": true, "models": ["added-model"]});
    let answer = admin.post("/v1/providers", &added).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    heard.note("provider added", &answer);
    heard.note("provider added twice", &admin.post("/v1/providers", &added).await);
    for wrong in [
        json!({"api_key": CHANGED, "nonsense": 1}),
        json!({"api_key": [CHANGED]}),
        json!({"api_key": CHANGED, "base_url": "x"}),
    ] {
        heard.note("provider refused", &admin.patch("/v1/providers/added", &wrong).await);
    }
    heard.note(
        "half a body",
        &admin.send(Method::PATCH, "/v1/providers/added", Some(format!("{{\"api_key\": \"{CHANGED}").into())).await,
    );
    heard.note("wrong password", &client.post("/v1/session", &json!({"password": STRANGER})).await);

    // Every inference route, by every kind of caller, with every place for the credential.
    let pinned = json!({"model": "added/added-model", "messages": [{"role": "user", "content": "Hello"}]});
    for (path, body) in calls() {
        let separator = if path.contains('?') { '&' } else { '?' };
        for secret in [TEAM, rotated_key.as_str(), made_key.as_str(), STRANGER, TOKEN] {
            heard.note(path, &bearer(secret).post(path, &body).await);
            heard.note(path, &client.with("x-api-key", secret).post(path, &body).await);
            heard.note(path, &client.post(&format!("{path}{separator}key={secret}"), &body).await);
            heard.note(path, &bearer(secret).with("x-goog-api-key", STRANGER).post(path, &body).await);
        }
        heard.note(path, &team.send(Method::POST, path, Some(Bytes::from_static(b"{\"model\": "))).await);
    }
    for path in READS {
        heard.note(path, &team.get(path).await);
        heard.note(path, &client.get(&format!("{path}?key={STRANGER}")).await);
    }
    // The key of each kind of provider, said back by its upstream.
    let own = bearer(&rotated_key);
    let chat = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "Hello"}]});
    let targets = [
        (&own, "/v1/chat/completions", chat("gpt-4o"), OPENAI),
        (&team, "/v1/chat/completions", chat("gpt-4o"), TEAM_OPENAI),
        (&own, "/v1/chat/completions", pinned.clone(), ADDED),
        (
            &own,
            "/v1/messages",
            json!({"model": "claude-haiku-4-5-20251001", "max_tokens": 9, "messages": []}),
            ANTHROPIC,
        ),
        (
            &team,
            "/v1/messages",
            json!({"model": "claude-haiku-4-5-20251001", "max_tokens": 9, "messages": []}),
            TEAM_ANTHROPIC,
        ),
        (&own, "/v1beta/models/gemini-2.5-flash:generateContent", json!({"contents": []}), GEMINI),
    ];
    for (caller, path, body, key) in &targets {
        let mut streamed = body.clone();
        streamed["stream"] = json!(true);
        for body in [body, &streamed] {
            for (what, script) in echoes(key) {
                upstream.script(script);
                heard.note(
                    format!("{what} on {path}"),
                    &as_far_as_it_comes(&caller.with("accept-encoding", "gzip, br"), path, body).await,
                );
                assert_eq!(
                    upstream.ledger().last().unwrap().credential(),
                    Some(*key),
                    "the right key was used on {path}"
                );
            }
            for script in words(key) {
                upstream.script(script);
                let answer = caller.post(path, body).await;
                // The body is the provider's, byte for byte; the head is ours.
                heard.note(format!("words on {path}"), &Answer { body: Bytes::new(), ..answer });
            }
        }
    }
    // A refused connection, and a changed configuration with a mistake in it.
    upstream.stop().await;
    for (caller, path, body, _) in &targets {
        heard.note(*path, &caller.post(path, body).await);
    }
    std::fs::write(
        dir.join("config.toml"),
        config(&upstream).replace("[[providers]]\nid = \"gemini\"", "[[providers]]\nidd = \"gemini\""),
    )
    .unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    std::fs::write(dir.join("config.toml"), config(&upstream).replace(GEMINI, &format!("{GEMINI}\"\"broken"))).unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;

    // Everything that can be read, by the admin and by others.
    let portal = client.with("cookie", &cookie);
    for path in [
        "/health",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/",
        "/v1/session",
        "/v1/keys",
        "/v1/providers",
        "/v1/providers/added",
        "/v1/providers/openai",
        "/v1/records?limit=500",
        "/v1/stats",
        "/v1/stats/series",
        "/v1/projects",
        "/v1/requesters",
        "/v1/audit",
        "/nothing",
    ] {
        for reader in [&client, &admin, &team, &portal] {
            heard.note(path, &reader.get(path).await);
            heard.note(path, &reader.with("accept", "text/csv").get(path).await);
        }
    }
    heard.note("export", &admin.get("/v1/records?format=csv").await);
    heard.note("export", &admin.get("/v1/records?format=jsonl").await);
    let page = admin.get("/v1/records?limit=500").await.expect(200);
    for record in page["data"].as_array().unwrap().iter().step_by(7) {
        let path = format!("/v1/records/{}", record["id"].as_str().unwrap());
        heard.note("a record", &admin.get(&path).await);
    }
    heard.note("key", &admin.get(&format!("/v1/keys/{made_id}")).await);
    for reader in [&client, &admin, &team, &portal] {
        drive_every_route(reader, &mut heard).await;
    }
    heard.note("signed out", &portal.delete("/v1/session").await);
    gateway.stop().await;

    let secrets = PLANTED.into_iter().chain([session.as_str(), &made_key, &rotated_key]);
    let secrets: Vec<_> = secrets.collect();
    let log = std::fs::read(&gateway.stderr).unwrap();
    assert!(log.len() > 1000, "nothing was logged: {}", String::from_utf8_lossy(&log));
    heard.0.push(("the log".to_owned(), log));
    let mut folders = vec![dir.clone()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().unwrap() != "config.toml" {
                files += 1;
                heard.0.push((path.display().to_string(), std::fs::read(&path).unwrap()));
            }
        }
    }
    assert!(files >= 2, "no data were written");
    assert!(heard.0.len() > 1000, "only {} places were searched", heard.0.len());
    let mut found = Vec::new();
    for (place, said) in &heard.0 {
        for secret in &secrets {
            if let Some(at) = memchr::memmem::find(said, secret.as_bytes()) {
                let around = &said[at.saturating_sub(120)..(at + secret.len() + 40).min(said.len())];
                found.push(format!("{secret} in {place}: …{}…", String::from_utf8_lossy(around)));
            }
        }
    }
    assert!(
        found.is_empty(),
        "{} leaks:\n{}",
        found.len(),
        found.iter().take(12).cloned().collect::<Vec<_>>().join("\n")
    );
}
