//! Paths and headers: the guard before a whole gateway, and the table of upstream addresses behind it.
//!
//! The gateway is in this process, on a real store in a temporary directory; it has a closed admin side, needs
//! a virtual key and knows no provider, so that nothing leaves the machine.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderName, HeaderValue, Method, Response, Uri, Version, header, request},
    middleware::{self, Next},
};
use http_body_util::BodyExt as _;
use llm_gateway::{
    Gateway,
    config::{self, Config, LoadOptions, Provider},
    domain::Endpoint,
    provider::{Route, upstream_uri},
    server::{Guard, Reception},
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The virtual key that gets in; seeds and dictionary know it.
const KEY: &str = "gk-of-the-fuzzer-0123";

/// The one admin token. Neither the seeds nor the dictionary know it.
const ADMIN_TOKEN: &str = "admin-2f6a9c1e7b3d5f80-never-sent";

/// What seeds and dictionary put into credentials, and nothing else says.
const CANARY: &[u8] = b"canary";

/// Doors of the admin side: whoever has no token gets through none of them.
const ADMIN: [&str; 8] = [
    "/v1/records",
    "/v1/stats",
    "/v1/projects",
    "/v1/requesters",
    "/v1/providers",
    "/v1/keys",
    "/v1/audit",
    "/metrics",
];

/// Set on every answer, whoever gave it.
const ALWAYS: [&str; 6] = [
    "content-security-policy",
    "x-content-type-options",
    "referrer-policy",
    "x-frame-options",
    "cross-origin-opener-policy",
    "cache-control",
];

/// Longer than any answer of a gateway takes that calls nobody.
const PATIENCE: Duration = Duration::from_secs(20);

/// The input is a request as HTTP/1.1 writes it: `METHOD target`, header lines, an empty line, the body.
pub fn run(data: &[u8]) {
    let Some(request) = parsed(data) else { return };
    addresses(request.uri());
    let house = House::get();
    let sent = Sent::of(&request, data);
    let seen = std::mem::take(&mut *house.seen.lock().unwrap());
    assert!(seen.is_empty());
    let answer = house.runtime.block_on(async {
        let answer = house.guard.answer(request, ([127, 0, 0, 1], 9).into(), Reception::Open);
        let (head, body) = tokio::time::timeout(PATIENCE, answer).await.expect("no answer").into_parts();
        let body = tokio::time::timeout(PATIENCE, body.collect()).await.expect("no end").unwrap();
        Response::from_parts(head, body.to_bytes())
    });
    for reached in std::mem::take(&mut *house.seen.lock().unwrap()) {
        passed(&reached);
    }
    answered(&sent, &answer);
}

/// What must be remembered of a request that is given away.
struct Sent {
    path: String,
    is_head: bool,
    knows_key: bool,
    /// Credentials that stand nowhere else in the request.
    secrets: Vec<Vec<u8>>,
}

impl Sent {
    fn of(request: &Request, data: &[u8]) -> Self {
        let decoded = url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
        let in_query = decoded.into_iter().any(|(_, value)| value.trim() == KEY);
        let in_headers = data.windows(KEY.len()).any(|part| part == KEY.as_bytes());
        let credentials = [header::AUTHORIZATION.as_str(), "x-api-key", "x-goog-api-key", "api-key", "cookie"];
        let values = credentials.iter().flat_map(|name| request.headers().get_all(*name));
        // Marked ones only: any other word may be one of an answer's own.
        let is_marked = |secret: &[u8]| secret.windows(CANARY.len()).any(|part| part == CANARY);
        let is_once = |secret: &[u8]| data.windows(secret.len()).filter(|part| *part == secret).count() == 1;
        let secrets = values.map(HeaderValue::as_bytes).filter(|secret| is_marked(secret) && is_once(secret));
        let secrets = secrets.map(<[u8]>::to_vec).collect();
        Self {
            path: request.uri().path().to_owned(),
            is_head: request.method() == Method::HEAD,
            knows_key: in_query || in_headers,
            secrets,
        }
    }
}

fn answered(sent: &Sent, answer: &Response<axum::body::Bytes>) {
    let status = answer.status().as_u16();
    assert!((200..600).contains(&status) && status != 500, "status {status}");
    for name in ALWAYS {
        assert!(answer.headers().contains_key(name), "an answer without {name}");
    }
    if ADMIN.iter().any(|door| sent.path == *door || sent.path.starts_with(&format!("{door}/"))) {
        assert!((400..500).contains(&status), "status {status} at {} without the admin's token", sent.path);
    }
    let is_inference = ["/v1beta/", "/api/"].iter().any(|root| sent.path.starts_with(root));
    if is_inference && !sent.knows_key {
        assert!((400..500).contains(&status), "status {status} at {} without a key", sent.path);
    }
    if status >= 400 && ["/v1/", "/v1beta/", "/api/"].iter().any(|root| sent.path.starts_with(root)) && !sent.is_head {
        let body = std::str::from_utf8(answer.body()).expect("an error that is no UTF-8");
        let body: serde_json::Value = serde_json::from_str(body).expect("an error that is no JSON");
        assert!(body.is_object() && body.get("error").is_some() || body.get("type").is_some(), "{body}");
    }
    for secret in &sent.secrets {
        let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|part| part == secret);
        assert!(!holds(answer.body()), "the body repeats a credential");
        assert!(!answer.headers().values().any(|value| holds(value.as_bytes())), "a header repeats a credential");
    }
}

/// What a request that passed the guard may look like.
fn passed(reached: &Reached) {
    let mut path = reached.path.clone().into_bytes();
    // However often the next server decodes it.
    for _ in 0..4 {
        let inner = path.strip_prefix(b"/").expect("a path without a slash");
        let inner = inner.strip_suffix(b"/").unwrap_or(inner);
        for segment in inner.split(|byte| matches!(byte, b'/' | b'\\')).filter(|_| !inner.is_empty()) {
            assert!(!matches!(segment, b"" | b"." | b".."), "{} got in", reached.path);
            assert!(!segment.iter().any(u8::is_ascii_control), "{} got in", reached.path);
        }
        path = decoded(&path);
    }
    let host = reached.host.as_deref().expect("a request without a host got in");
    // The rules of browsers, under which `127.1` is an address too.
    let url = url::Url::parse(&format!("http://{host}/")).expect("a host that is none got in");
    let is_ours = match url.host().expect("a host that is none got in") {
        url::Host::Domain(name) => matches!(name, "localhost" | "gateway.example"),
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
    };
    assert!(is_ours && url.username().is_empty(), "host {host} got in");
}

/// Escapes undone once; broken ones stay.
fn decoded(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((byte, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(escaped) if *byte == b'%' => {
                out.push(escaped);
                rest = &tail[2..];
            }
            _ => {
                out.push(*byte);
                rest = tail;
            }
        }
    }
    out
}

/// Whatever of a target becomes model, tail and query of an upstream call, the call goes to the provider's
/// own host and below its own path, and carries no credential of the client's.
fn addresses(target: &Uri) {
    let text = target.path().trim_start_matches('/');
    for provider in &House::get().providers {
        for endpoint in Endpoint::ALL {
            let route = Route { endpoint, model: Some(text), tail: text, query: target.query() };
            let Ok(uri) = upstream_uri(provider, &route) else { continue };
            let base = provider.base_url.as_str().trim_end_matches('/');
            assert_eq!(uri.authority().map(|authority| authority.as_str()), Some(provider.base_url.authority()));
            assert_eq!(uri.scheme_str(), Some(provider.base_url.scheme()));
            assert!(uri.to_string().starts_with(base), "{uri} does not lie below {base}");
            for segment in uri.path().split('/').skip(1) {
                let plain = decoded(segment.as_bytes());
                assert!(!matches!(plain.as_slice(), b"" | b"." | b".."), "{uri} has a segment that means another path");
            }
            for (name, _) in url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
                let secret = ["key", "api_key", "api-key", "access_token"];
                assert!(!secret.iter().any(|secret| name.eq_ignore_ascii_case(secret)), "{uri} carries a credential");
            }
        }
    }
}

/// A request of the input; `None` for bytes that hyper would not make a request of.
fn parsed(data: &[u8]) -> Option<Request> {
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let first = lines.next()?.trim_ascii_end();
    let (method, target) = first.split_at(first.iter().position(|byte| *byte == b' ')?);
    let mut request = request::Builder::new()
        .version(Version::HTTP_11)
        .method(Method::from_bytes(method).ok()?)
        .uri(Uri::try_from(target.get(1..)?).ok()?);
    let mut rest = lines.next().unwrap_or_default();
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = rest[..end].trim_ascii_end();
        rest = &rest[end + 1..];
        if line.is_empty() {
            break;
        }
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        request = request.header(name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?);
    }
    request.body(Body::from(rest.to_vec())).ok()
}

/// A request as the routes see it.
struct Reached {
    path: String,
    host: Option<String>,
}

/// The gateway behind its guard, with a spy between them.
struct House {
    runtime: Runtime,
    guard: Guard,
    seen: Arc<Mutex<Vec<Reached>>>,
    providers: Vec<Arc<Provider>>,
    _data: TempDir,
}

impl House {
    fn get() -> &'static Self {
        static HOUSE: OnceLock<House> = OnceLock::new();
        HOUSE.get_or_init(Self::build)
    }

    fn build() -> Self {
        let data = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let text = format!(
            "[server]\nallowed_hosts = [\"gateway.example\"]\n[auth]\nrequire_key = true\n\
             admin_token = \"{ADMIN_TOKEN}\"\n[key_map.\"{KEY}\"]\nlabel = \"fuzzer\"\n"
        );
        let config = load(&data, &text);
        let settings = config.server.clone();
        let seen: Arc<Mutex<Vec<Reached>>> = Arc::default();
        let spy = {
            let seen = Arc::clone(&seen);
            move |request: Request, next: Next| {
                let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).map(str::to_owned);
                seen.lock().unwrap().push(Reached { path: request.uri().path().to_owned(), host });
                next.run(request)
            }
        };
        let gateway = runtime.block_on(Gateway::from_config(config)).unwrap();
        let guard = Guard::new(gateway.router().layer(middleware::from_fn(spy)), &settings);
        let every_type = concat!(
            "[[providers]]\nid = \"a\"\nprovider_type = \"anthropic\"\napi_key = \"k\"\n",
            "[[providers]]\nid = \"b\"\nprovider_type = \"openai\"\napi_key = \"k\"\n",
            "[[providers]]\nid = \"c\"\nprovider_type = \"azure_openai\"\napi_key = \"k\"\n",
            "endpoint = \"https://azure.example\"\napi_version = \"2024-10-21\"\n",
            "[[providers]]\nid = \"d\"\nprovider_type = \"local\"\nendpoint = \"http://localhost:8000\"\n",
            "[[providers]]\nid = \"e\"\nprovider_type = \"openai_compatible\"\napi_key = \"k\"\n",
            "base_url = \"https://compatible.example/some/path/v1\"\n",
            "[[providers]]\nid = \"f\"\nprovider_type = \"gemini\"\napi_key = \"k\"\n",
            "[[providers]]\nid = \"g\"\nprovider_type = \"ollama\"\nendpoint = \"http://localhost:11434\"\n",
        );
        let providers = load(&data, every_type).providers;
        assert_eq!(providers.len(), config::ProviderType::ALL.len());
        Self { runtime, guard, seen, providers, _data: data }
    }
}

fn load(data: &TempDir, text: &str) -> Config {
    std::fs::write(data.path().join("config.toml"), text).unwrap();
    let options = LoadOptions { working_dir: data.path().to_owned(), env: BTreeMap::new(), ..LoadOptions::default() };
    config::load(&options).unwrap_or_else(|errors| panic!("{errors}"))
}
