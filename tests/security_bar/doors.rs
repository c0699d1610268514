//! Who gets in, by which spelling, under which name (bars 2, 3, 5, 9, 10, 11, 12, 16).

use std::{path::Path, process::Command};

use bytes::Bytes;
use http::Method;
use serde_json::json;

use super::{
    corpus::{READS, calls},
    raw::{exchange, post, status},
};
use crate::harness::{
    client::Client,
    gateway::{Rig, start, start_with},
};
use llm_gateway::demo::{Fault, Script};

const TOKEN: &str = "admin-test-token-e4da3b7fbbce2345d777";
const KEY_A: &str = "team-a-test-key-1679091c5a880faf6fb5";
const KEY_B: &str = "team-b-test-key-8f14e45fceea167a5a36";
const WRONG: &str = "gk-nobody-test-c9f0f895fb98ab9159f5";

/// Every place in which a client may put a credential.
const PLACES: [&str; 5] = ["authorization", "x-api-key", "x-goog-api-key", "api-key", "?key="];

/// A gateway for two teams, closed to everyone else.
async fn two_teams() -> Rig {
    start_with(&format!(
        "[auth]\nrequire_key = true\nadmin_token = \"{TOKEN}\"\n\
         [key_map.{KEY_A}]\nlabel = \"A\"\nteam = \"a\"\nproject = \"alpha\"\nallowed_providers = [\"openai\"]\n\
         [key_map.{KEY_B}]\nlabel = \"B\"\nteam = \"b\"\nproject = \"beta\"\n"
    ))
    .await
}

fn bearer(client: &Client, secret: &str) -> Client {
    client.with("authorization", &format!("Bearer {secret}"))
}

/// The target and header lines that present `secret` in `place`.
fn present(target: &str, place: &str, secret: &str) -> (String, String) {
    match place {
        "?key=" => {
            let separator = if target.contains('?') { '&' } else { '?' };
            (format!("{target}{separator}key={secret}"), String::new())
        }
        "authorization" => (target.to_owned(), format!("Authorization: Bearer {secret}\r\n")),
        name => (target.to_owned(), format!("{name}: {secret}\r\n")),
    }
}

#[tokio::test]
async fn bar_02_every_inference_route_wants_a_virtual_key_and_nothing_else_will_do() {
    let rig = two_teams().await;
    let anyone = rig.client();
    let callers = [
        (anyone.clone(), false),
        (bearer(&anyone, WRONG), false),
        (bearer(&anyone, TOKEN), false),
        (bearer(&anyone, &KEY_B[..20]), false),
        (bearer(&anyone, KEY_B), true),
    ];
    for (caller, is_let_in) in callers {
        let before = rig.upstream.ledger().counts().calls;
        for (path, body) in calls() {
            let answer = caller.post(path, &body).await;
            assert_eq!(answer.status == 401, !is_let_in, "{path}: {} {}", answer.status, answer.text());
        }
        for path in READS {
            let answer = caller.get(path).await;
            assert_eq!(answer.status == 401, !is_let_in, "{path}: {} {}", answer.status, answer.text());
        }
        let called = rig.upstream.ledger().counts().calls > before;
        assert_eq!(called, is_let_in, "a stranger's call must not reach a provider");
    }
}

/// Request line target, `Host` lines and further lines; the status for a caller with a good key.
/// `{host}` stands for the gateway's address.
const VARIANTS: [(&str, &str, u16); 46] = [
    ("/v1/chat/completions", "Host: {host}\r\n", 200),
    ("/v1/chat/completions", "Host: localhost\r\n", 200),
    ("/v1/chat/completions", "Host: LocalHost:1\r\n", 200),
    ("/v1/chat/completions", "Host: [::1]:8930\r\n", 200),
    ("http://{host}/v1/chat/completions", "Host: {host}\r\n", 200),
    ("/v1/chat/completions?", "Host: {host}\r\n", 200),
    ("/v1/chat/completions?path=/health", "Host: {host}\r\n", 200),
    ("/v1/chat/completions", "Host: {host}\r\nX-Forwarded-Host: evil.test\r\n", 200),
    ("/v1/chat/completions", "Host: {host}\r\nForwarded: host=evil.test;proto=https\r\n", 200),
    ("/v1/chat/completions", "Host: {host}\r\nX-Original-URL: /health\r\n", 200),
    ("/v1/chat/completions", "Host: {host}\r\nX-Rewrite-URL: /health\r\n", 200),
    ("/v1/chat/completions", "Host: {host}\r\nX-HTTP-Method-Override: GET\r\n", 200),
    ("/v1/chat/completions", "Host: {host}\r\nX-Forwarded-For: 127.0.0.1\r\n", 200),
    ("/v1/chat/completions", "Host: {host}\r\nX-Forwarded-Prefix: /health\r\n", 200),
    ("/v1/chat/completions", "Host: {host}\r\nCookie: llm_gateway_session=x\r\n", 200),
    ("/v1/chat/completions", "Host: {host}\r\nX-Remote-User: admin\r\n", 200),
    ("/v1/chat/completions", "Host: {host}\r\nOrigin: http://{host}\r\n", 200),
    ("/v1/chat/completions", "Host: {host}\r\nOrigin: http://evil.test\r\n", 403),
    ("/v1/chat/completions", "Host: {host}\r\nOrigin: null\r\n", 403),
    ("/v1/chat/completions", "Host: {host}\r\nSec-Fetch-Site: cross-site\r\n", 403),
    ("/v1/chat/completions", "", 400),
    ("/v1/chat/completions", "Host:\r\n", 400),
    ("/v1/chat/completions", "Host: {host}\r\nHost: {host}\r\n", 400),
    ("/v1/chat/completions", "Host: {host}\r\nHost: evil.test\r\n", 400),
    ("/v1/chat/completions", "Host: a/v1?\r\n", 400),
    ("/v1/chat/completions", "Host: {host}/health?\r\n", 400),
    ("/v1/chat/completions", "Host: evil@{host}\r\n", 400),
    ("/v1/chat/completions", "Host: evil.test\r\n", 421),
    ("/v1/chat/completions", "Host: 127.0.0.1.evil.test\r\n", 421),
    ("http://evil.test/v1/chat/completions", "Host: {host}\r\n", 400),
    ("//v1/chat/completions", "Host: {host}\r\n", 400),
    ("/v1//chat/completions", "Host: {host}\r\n", 400),
    ("/v1/./chat/completions", "Host: {host}\r\n", 400),
    ("/health/../v1/chat/completions", "Host: {host}\r\n", 400),
    ("/health/%2e%2e/v1/chat/completions", "Host: {host}\r\n", 400),
    ("/health/..%2fv1/chat/completions", "Host: {host}\r\n", 400),
    ("/v1/chat%2fcompletions", "Host: {host}\r\n", 400),
    ("/v1/chat/completions%00", "Host: {host}\r\n", 400),
    ("/v1/chat\\completions", "Host: {host}\r\n", 400),
    ("/V1/chat/completions", "Host: {host}\r\n", 404),
    ("/v1/chat/completions/", "Host: {host}\r\n", 404),
    ("/v1/chat/completions;x=1", "Host: {host}\r\n", 404),
    ("/v1/ch%61t/completions", "Host: {host}\r\n", 404),
    ("/v1/chat/completions%20", "Host: {host}\r\n", 404),
    ("/health/v1/chat/completions", "Host: {host}\r\n", 404),
    ("/metrics/v1/chat/completions", "Host: {host}\r\n", 404),
];

#[tokio::test]
async fn bar_03_the_matched_route_alone_decides_wherever_the_credential_stands() {
    let rig = two_teams().await;
    let host = rig.address.to_string();
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}).to_string();
    for (target, lines, expected) in VARIANTS {
        for place in PLACES {
            for (secret, is_good) in [(KEY_A, true), (WRONG, false), (TOKEN, false)] {
                let before = rig.upstream.ledger().counts().calls;
                let (target, credential) = present(target, place, secret);
                let request = post(&target, &format!("{lines}{credential}"), &body).replace("{host}", &host);
                let got = status(&exchange(rig.address, request.as_bytes()).await);
                let expected = if expected == 200 && !is_good { 401 } else { expected };
                assert_eq!(got, expected, "{target} {lines:?} with {secret} in {place}");
                let called = rig.upstream.ledger().counts().calls - before;
                assert_eq!(called, u64::from(expected == 200), "calls for {target} {lines:?} in {place}");
            }
        }
    }
    // Two different credentials in two places, or twice in one, are refused; twice the same is one.
    for (first, second, expected) in
        [(KEY_A, KEY_B, 400), (KEY_A, WRONG, 400), (WRONG, KEY_A, 400), (KEY_A, KEY_A, 200)]
    {
        for (index, one) in PLACES.iter().enumerate() {
            for other in &PLACES[index..] {
                let (target, line) = present("/v1/chat/completions", one, first);
                let (target, more) = present(&target, other, second);
                let lines = format!("Host: {host}\r\n{line}{more}");
                let got = status(&exchange(rig.address, post(&target, &lines, &body).as_bytes()).await);
                assert_eq!(got, expected, "{one} and {other}");
            }
        }
    }
}

#[tokio::test]
async fn bar_05_what_is_not_yours_looks_like_what_is_not_there() {
    let rig = two_teams().await;
    let admin = bearer(&rig.client(), TOKEN);
    let (a, b) = (bearer(&rig.client(), KEY_A), bearer(&rig.client(), KEY_B));
    let chat = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]});
    a.post("/v1/chat/completions", &chat).await.expect(200);
    b.post("/v1/chat/completions", &chat).await.expect(200);
    rig.gateway.store().recorder.flush().await.unwrap();
    let records = admin.get("/v1/records").await.expect(200);
    let record_of = |team: &str| {
        let mut all = records["data"].as_array().unwrap().iter();
        all.find(|record| record["team"] == team).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let keys = admin.get("/v1/keys").await.expect(200);
    let mut paths = vec![
        "/v1/records/0190163d-8694-739b-aea5-966c26f8ad91".to_owned(),
        "/v1/keys/key_nobody".to_owned(),
        "/v1/projects/nobody/records".to_owned(),
        "/v1/providers/nobody".to_owned(),
        format!("/v1/records/{}", record_of("a")),
        format!("/v1/records/{}", record_of("b")),
        "/v1/projects/alpha/records".to_owned(),
        "/v1/projects/beta/records".to_owned(),
        "/v1/providers/anthropic".to_owned(),
        "/v1/records?team=a".to_owned(),
        "/v1/stats?team=b".to_owned(),
        "/v1/requesters".to_owned(),
        "/metrics".to_owned(),
    ];
    paths
        .extend(keys["data"].as_array().unwrap().iter().map(|key| format!("/v1/keys/{}", key["id"].as_str().unwrap())));
    let mut seen = Vec::new();
    for path in &paths {
        for team in [&a, &b] {
            for method in [Method::GET, Method::DELETE, Method::PATCH] {
                let body = (method == Method::PATCH).then(|| Bytes::from_static(b"{}"));
                let answer = team.send(method, path, body).await;
                assert!(matches!(answer.status.as_u16(), 401 | 405), "{path}: {}", answer.text());
                if answer.status == 401 {
                    seen.push(answer.text());
                }
            }
        }
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "every refusal reads the same: {seen:?}");
    assert_eq!(admin.get("/v1/keys").await.expect(200), keys);

    // Team A may use one provider. The others are not there for it: neither listed, nor named, nor told apart.
    let listed = a.get("/v1/models").await.expect(200);
    assert!(listed["data"].as_array().unwrap().iter().all(|model| model["provider"] == "openai"));
    for target in ["/v1/messages", "/v1/batches"] {
        let mut seen = Vec::new();
        for provider in ["anthropic", "anthropix"] {
            let answer =
                a.with("x-provider", provider).post(target, &json!({"model": "unheard-of", "messages": []})).await;
            let mut body = answer.expect(404);
            body.as_object_mut().unwrap().remove("request_id");
            seen.push(body.to_string().replace(&format!("`{provider}`"), "…"));
        }
        assert_eq!(seen[0], seen[1]);
        assert!(seen[0].contains("openai") && !seen[0].contains("gemini"), "{}", seen[0]);
    }
    let model = |name: &'static str| {
        let a = a.clone();
        async move { a.get(&format!("/v1/models/{name}")).await }
    };
    let (there, nowhere) = (model("claude-haiku-4-5-20251001").await, model("claude-haiku-0-0-00000000").await);
    assert_eq!((there.status, there.text()), (nowhere.status, nowhere.text()));
    assert_eq!(there.status, 404);
}

#[tokio::test]
async fn bar_09_an_upstream_sees_only_paths_of_the_fixed_table() {
    let rig = start().await;
    let host = rig.address.to_string();
    let accepted = [
        ("GET", "/v1/files", "/v1/files"),
        ("GET", "/v1/files/file-1", "/v1/files/file-1"),
        ("GET", "/v1/files/file-1/content", "/v1/files/file-1/content"),
        ("GET", "/v1/files/a.b", "/v1/files/a.b"),
        ("GET", "/v1/batches/batch_1", "/v1/batches/batch_1"),
        ("POST", "/v1/batches/batch_1/cancel", "/v1/batches/batch_1/cancel"),
        ("POST", "/v1/images/generations", "/v1/images/generations"),
        ("POST", "/v1beta/models/a%20b:generateContent", "/v1beta/models/a%20b:generateContent"),
        ("POST", "/v1beta/models/gemini%3Fx=1:generateContent", "/v1beta/models/gemini%3Fx%3D1:generateContent"),
        ("POST", "/v1beta/models/gemini%23x:generateContent", "/v1beta/models/gemini%23x:generateContent"),
        (
            "POST",
            "/v1beta/models/gemini@evil.test:generateContent",
            "/v1beta/models/gemini%40evil.test:generateContent",
        ),
        ("POST", "/v1beta/models/tuned/x:generateContent", "/v1beta/models/tuned%2Fx:generateContent"),
    ];
    let mut requests: Vec<(String, String, Option<String>)> = accepted
        .iter()
        .map(|(method, target, upstream)| ((*method).to_owned(), (*target).to_owned(), Some((*upstream).to_owned())))
        .collect();
    for root in ["/v1/files", "/v1/batches", "/v1/images", "/v1/audio", "/v1/models", "/v1beta/models"] {
        for tail in [
            "/..",
            "/../x",
            "/../../admin",
            "/./x",
            "/.",
            "/%2e%2e/x",
            "/%2E%2E",
            "/.%2e/x",
            "/..%2fx",
            "/..%5cx",
            "/%252e%252e/x",
            "/x/../y",
            "/x//y",
            "//evil.test/x",
            "/x%2fy",
            "/x%2Fy",
            "/x%5cy",
            "/x\\y",
            "/x%00",
            "/x%0d%0aHost:%20evil",
            "/%c0%ae%c0%ae/x",
            "/x%zz",
            "/...",
            "/x/..;/y",
        ] {
            for method in ["GET", "POST"] {
                for action in ["", ":generateContent"] {
                    requests.push((method.to_owned(), format!("{root}{tail}{action}"), None));
                }
            }
        }
    }
    requests.extend(
        ["/v1/files/x%3fy=1", "/v1/files/x%23y", "/v1/files/x%20y", "/v1/files/x@evil.test", "/v1/files/x:1"]
            .map(|target| ("GET".to_owned(), target.to_owned(), None)),
    );
    for (method, target, expected) in requests {
        let before = rig.upstream.ledger().counts().calls;
        let body = if method == "GET" { "" } else { r#"{"model":"gpt-4o","contents":[]}"# };
        let request = post(&target, &format!("Host: {host}\r\n"), body).replacen("POST", &method, 1);
        let got = status(&exchange(rig.address, request.as_bytes()).await);
        let called = rig.upstream.ledger().counts().calls - before;
        match expected {
            Some(path) => {
                assert_eq!(called, 1, "{method} {target} answered {got}");
                assert_eq!(rig.upstream.ledger().last().unwrap().path, path, "{method} {target}");
            }
            None => {
                // Whoever asks for a model makes us ask the local server what it serves, at a constant path.
                let last = rig.upstream.ledger().last().unwrap().path;
                let asks_for_models = target.contains("/models/") && last == "/api/tags";
                assert!(called == 0 || asks_for_models, "{method} {target} reached {last:?}");
                assert!(matches!(got, 400 | 404 | 405), "{method} {target} answered {got}");
            }
        }
    }
}

#[tokio::test]
async fn bar_10_a_foreign_name_reaches_no_route_of_any_kind() {
    let rig = start().await;
    let own = rig.address.to_string();
    let port = rig.address.port();
    let hosts = [
        (String::new(), 400),
        ("Host:\r\n".to_owned(), 400),
        (format!("Host: {own}\r\nHost: {own}\r\n"), 400),
        (format!("Host: {own}\r\nHost: evil.test\r\n"), 400),
        (format!("Host: {own}, evil.test\r\n"), 400),
        (format!("Host: user@{own}\r\n"), 400),
        ("Host: 127.0.0.1:99999\r\n".to_owned(), 400),
        ("Host: evil.test\r\n".to_owned(), 421),
        // As `curl --resolve evil.test:PORT:127.0.0.1` and a re-bound name send it.
        (format!("Host: evil.test:{port}\r\n"), 421),
        (format!("Host: 127.0.0.1.evil.test:{port}\r\n"), 421),
        (format!("Host: localhost.evil.test:{port}\r\n"), 421),
        (format!("Host: 0.0.0.0:{port}\r\n"), 421),
        (format!("Host: 2130706433:{port}\r\n"), 421),
        (format!("Host: evil.test\r\nX-Forwarded-Host: {own}\r\nForwarded: host={own}\r\n"), 421),
    ];
    let mut targets: Vec<(&str, String)> = calls().iter().map(|(path, _)| ("POST", (*path).to_owned())).collect();
    targets.extend(READS.iter().map(|path| ("GET", (*path).to_owned())));
    targets.extend(
        [
            "/",
            "/health",
            "/readyz",
            "/metrics",
            "/openapi.json",
            "/v1/keys",
            "/v1/records",
            "/v1/records/live",
            "/assets/x.js",
            "/nowhere",
        ]
        .map(|path| ("GET", path.to_owned())),
    );
    targets.push(("POST", "/v1/keys".to_owned()));
    targets.push(("POST", "/v1/session".to_owned()));
    let before = rig.client().get("/v1/keys").await.json();
    for (method, target) in targets {
        for (host, expected) in &hosts {
            let request = post(&target, host, "{}").replacen("POST", method, 1);
            let got = status(&exchange(rig.address, request.as_bytes()).await);
            assert_eq!(got, *expected, "{method} {target} with {host:?}");
        }
        for (absolute, host, expected) in
            [("evil.test", own.as_str(), 400), (own.as_str(), "evil.test", 400), ("evil.test", "evil.test", 421)]
        {
            let request = post(&format!("http://{absolute}{target}"), &format!("Host: {host}\r\n"), "{}");
            let got = status(&exchange(rig.address, request.replacen("POST", method, 1).as_bytes()).await);
            assert_eq!(got, expected, "{method} http://{absolute}{target} with {host}");
        }
    }
    assert_eq!(rig.upstream.ledger().counts().calls, 0);
    assert_eq!(rig.client().get("/v1/keys").await.json(), before);
}

#[tokio::test]
async fn bar_11_a_page_of_another_origin_cannot_spend_money_either() {
    let rig = start().await;
    let own = format!("http://{}", rig.address);
    // As Chromium sends them: a form, `fetch` in no-cors mode, `sendBeacon`; an old browser; a sandboxed frame.
    let pages: [&[(&'static str, &str)]; 6] = [
        &[("origin", "http://evil.test"), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")],
        &[("origin", "http://evil.test"), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")],
        &[("origin", "http://localhost:1"), ("sec-fetch-site", "same-site"), ("sec-fetch-mode", "cors")],
        &[("origin", "http://evil.test")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
    ];
    for (path, body) in calls() {
        for kind in
            ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json"]
        {
            for page in pages {
                let page = page
                    .iter()
                    .fold(rig.client().with("content-type", kind), |page, (name, value)| page.with(name, value));
                let answer = page.post(path, &body).await;
                assert_eq!(answer.status, 403, "{path} {kind}: {}", answer.text());
                assert!(!answer.headers.contains_key("access-control-allow-origin"));
            }
        }
        let portal = rig.client().with("origin", &own).with("sec-fetch-site", "same-origin");
        assert_eq!(portal.post(path, &body).await.status, 200, "{path}");
        let preflight = rig.client().with("origin", "http://evil.test").with("access-control-request-method", "POST");
        let answer = preflight.send(Method::OPTIONS, path, None).await;
        assert!(answer.status.is_client_error() && !answer.headers.contains_key("access-control-allow-origin"));
    }
    assert_eq!(rig.upstream.ledger().counts().calls, calls().len() as u64);
}

fn refuses_to_start(dir: &Path, config: &str, environment: &[(&str, &str)]) -> String {
    std::fs::write(dir.join("config.toml"), config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_llm-gateway"));
    let output = command.current_dir(dir).env_clear().envs(environment.iter().copied()).output().unwrap();
    assert!(!output.status.success(), "{config}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn bar_12_no_start_in_the_open_without_a_credential_and_no_default_one() {
    let dir = tempfile::tempdir().unwrap();
    for host in ["0.0.0.0", "::", "192.0.2.1", "::ffff:0.0.0.0"] {
        for auth in
            ["", "[auth]\nadmin_token = \"\"\n", "[auth]\nadmin_password = \"\"\n", "[auth]\nrequire_key = true\n"]
        {
            let text = refuses_to_start(dir.path(), &format!("[server]\nhost = \"{host}\"\nport = 0\n{auth}"), &[]);
            assert!(text.contains("auth."), "{host} {auth}: {text}");
            if !auth.contains("\"\"") {
                assert_eq!(text.lines().count(), 1, "one line: {text}");
            }
        }
    }
    refuses_to_start(dir.path(), "", &[("LLM_GATEWAY_SERVER__HOST", "0.0.0.0")]);
    assert!(!dir.path().join("data").exists(), "a refused start leaves nothing behind");

    let binary = std::fs::read(env!("CARGO_BIN_EXE_llm-gateway")).unwrap();
    for default in ["admin:admin", "admin123", "changeme", "change-me", "letmein", "hunter2", "sk-1234", "P@ssw0rd"] {
        assert!(memchr::memmem::find(&binary, default.as_bytes()).is_none(), "{default} is in the binary");
    }

    let rig = two_teams().await;
    let common =
        ["", "admin", "password", "root", "changeme", "sk-1234", "llm-gateway", "default", "null", "undefined", "true"];
    for token in common {
        assert_eq!(bearer(&rig.client(), token).get("/v1/keys").await.status, 401, "{token:?}");
        let basic = rig.client().with("authorization", "Basic YWRtaW46YWRtaW4=");
        assert_eq!(basic.get("/v1/keys").await.status, 401);
    }
    for password in common.iter().take(5) {
        let answer = rig.client().post("/v1/session", &json!({"password": password})).await;
        assert!(matches!(answer.status.as_u16(), 401 | 429), "{password:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn bar_16_every_class_of_answer_bears_the_security_headers() {
    let rig = start_with("[server]\nmax_body_bytes = 1024\n").await;
    let client = rig.client();
    let chat = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]});
    let stream = json!({"model": "gpt-4o", "stream": true, "messages": [{"role": "user", "content": "Hello"}]});
    let hostile = [
        ("content-security-policy", "default-src *"),
        ("x-content-type-options", "none"),
        ("x-frame-options", "ALLOWALL"),
        ("referrer-policy", "unsafe-url"),
        ("cross-origin-opener-policy", "unsafe-none"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("access-control-allow-origin", "*"),
        ("set-cookie", "llm_gateway_session=evil"),
        ("clear-site-data", "\"*\""),
        ("refresh", "0;url=http://evil.test"),
        ("service-worker-allowed", "/"),
    ];
    let dressed = |script: Script| hostile.iter().fold(script, |script, (name, value)| script.with_header(name, value));
    let mut answers = Vec::new();
    for (class, path) in [
        ("200", "/health"),
        ("static", "/"),
        ("document", "/openapi.json"),
        ("metrics", "/metrics"),
        ("list", "/v1/models"),
        ("404", "/v1/nothing"),
        ("404 page", "/nothing"),
        ("404 id", "/v1/keys/x"),
        ("405", "/v1/chat/completions"),
        ("400", "/v1/%2e%2e/x"),
        ("400 query", "/v1/records?limit=x"),
    ] {
        answers.push((class, client.get(path).await));
        answers.push((class, client.send(Method::HEAD, path, None).await));
    }
    answers.push(("421", client.with("host", "evil.test").get("/health").await));
    answers.push(("403", client.with("origin", "http://evil.test").post("/v1/keys", &json!({})).await));
    answers.push(("415", client.with("content-type", "text/plain").post("/v1/keys", &json!({})).await));
    answers.push(("201", client.post("/v1/keys", &json!({})).await));
    answers.push(("413", client.post("/v1/chat/completions", &json!({"model": "x".repeat(2000)})).await));
    answers.push(("414", client.get(&format!("/{}", "x".repeat(9000))).await));
    answers.push(("431", client.with("x-large", &"x".repeat(40_000)).get("/health").await));
    answers.push(("400 body", client.post("/v1/chat/completions", &json!([])).await));
    let upstream = [
        ("relayed", Script::default(), 200),
        ("upstream 500", Script { status: Some(500), ..Script::default() }, 500),
        ("upstream 429", Script::fault(Fault::Refused { status: 429, retry_after_secs: Some(1) }), 429),
        ("502", Script::fault(Fault::ResetBeforeHead), 502),
        ("redirect", Script::fault(Fault::Redirect { status: 302, to: "http://evil.test/".to_owned() }), 502),
        ("html", Script::answer(200, "<script>alert(1)</script>").with_header("content-type", "text/html"), 200),
    ];
    for (class, script, expected) in upstream {
        for body in [&chat, &stream] {
            rig.upstream.script(dressed(script.clone()));
            let answer = client.post("/v1/chat/completions", body).await;
            assert_eq!(answer.status.as_u16(), expected, "{class}");
            answers.push((class, answer));
        }
    }
    let live = client.open(Method::GET, "/v1/records/live", None).await;
    answers.push((
        "SSE",
        crate::harness::client::Answer { status: live.status(), headers: live.headers().clone(), body: Bytes::new() },
    ));
    for (class, answer) in answers {
        let of = |name: &str| {
            let values: Vec<_> =
                answer.headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect();
            values.join(" | ")
        };
        // What a provider sent is never a page of ours, even if a browser is led to open it.
        let is_relayed = ["relayed", "upstream 500", "upstream 429", "html"].contains(&class);
        let page = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
        let policy = if is_relayed { "default-src 'none'; frame-ancestors 'none'; sandbox" } else { page };
        let context = format!("{class} ({})", answer.status);
        assert_eq!(of("content-security-policy"), policy, "{context}");
        assert_eq!(of("x-content-type-options"), "nosniff", "{context}");
        assert_eq!(of("referrer-policy"), "no-referrer", "{context}");
        assert_eq!(of("x-frame-options"), "DENY", "{context}");
        assert_eq!(of("cross-origin-opener-policy"), "same-origin", "{context}");
        assert_eq!(of("cross-origin-resource-policy"), "same-origin", "{context}");
        assert!(matches!(of("cache-control").as_str(), "no-store" | "no-cache"), "{context}: {}", of("cache-control"));
        for absent in [
            "access-control-allow-origin",
            "set-cookie",
            "clear-site-data",
            "refresh",
            "service-worker-allowed",
            "server",
            "x-powered-by",
            "location",
        ] {
            assert_eq!(of(absent), "", "{context}: {absent}");
        }
    }
}
