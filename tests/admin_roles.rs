//! Every route has a declared role, and what has none does not exist (SECURITY bars 2, 3, 5, 11, 13, 14).

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use super::harness::{
    client::{Answer, Client},
    gateway::{Rig, start, start_with},
};

const TOKEN: &str = "admin-test-token-8f14e45fceea167a5a36";
const PASSWORD: &str = "correct horse battery staple";
const TEAM_KEY: &str = "team-test-key-c9f0f895fb98ab9159f5";

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Anyone.
    Public,
    /// The admin.
    Admin,
    /// Holders of a virtual key.
    Client,
    /// Both of them.
    Shared,
}

/// The declared role of every route that is not an inference endpoint.
const DECLARED: &[(&str, &str, Role)] = &[
    ("GET", "/api/version", Role::Public),
    ("GET", "/api/v1.0/health", Role::Public),
    ("GET", "/health", Role::Public),
    ("GET", "/readyz", Role::Public),
    ("GET", "/openapi.json", Role::Public),
    ("GET", "/v1/session", Role::Public),
    ("POST", "/v1/session", Role::Public),
    ("DELETE", "/v1/session", Role::Public),
    ("GET", "/metrics", Role::Admin),
    ("POST", "/v1/signals", Role::Shared),
    ("GET", "/v1/signals", Role::Admin),
    ("GET", "/v1/incidents", Role::Admin),
    ("GET", "/v1/incidents/{id}", Role::Admin),
    ("PATCH", "/v1/incidents/{id}", Role::Admin),
    ("GET", "/v1/incidents/live", Role::Admin),
    ("POST", "/v1/sql", Role::Admin),
    ("POST", "/v1/ask", Role::Admin),
    ("GET", "/v1/ask/suggestions", Role::Admin),
    ("GET", "/v1/audit", Role::Admin),
    ("GET", "/v1/catalog", Role::Admin),
    ("GET", "/v1/catalog/{id}", Role::Admin),
    ("POST", "/v1/sanitize", Role::Admin),
    ("GET", "/v1/sanitize/rules", Role::Admin),
    ("GET", "/v1/records", Role::Admin),
    ("GET", "/v1/records/{id}", Role::Admin),
    ("GET", "/v1/records/{id}/route", Role::Admin),
    ("POST", "/v1/route", Role::Admin),
    ("POST", "/v1/route/replay", Role::Admin),
    ("GET", "/v1/records/live", Role::Admin),
    ("GET", "/v1/stats", Role::Admin),
    ("GET", "/v1/stats/series", Role::Admin),
    ("GET", "/v1/projects", Role::Admin),
    ("GET", "/v1/projects/{id}/records", Role::Admin),
    ("GET", "/v1/requesters", Role::Admin),
    ("GET", "/v1/providers", Role::Admin),
    ("POST", "/v1/providers", Role::Admin),
    ("GET", "/v1/providers/{id}", Role::Admin),
    ("PATCH", "/v1/providers/{id}", Role::Admin),
    ("DELETE", "/v1/providers/{id}", Role::Admin),
    ("GET", "/v1/limits", Role::Admin),
    ("GET", "/v1/budgets", Role::Admin),
    ("GET", "/v1/plugins", Role::Admin),
    ("POST", "/v1/providers/{id}/test", Role::Admin),
    ("GET", "/v1/profiles", Role::Admin),
    ("PUT", "/v1/profiles/{id}", Role::Admin),
    ("DELETE", "/v1/profiles/{id}", Role::Admin),
    ("GET", "/v1/settings", Role::Admin),
    ("GET", "/v1/keys", Role::Admin),
    ("POST", "/v1/keys", Role::Admin),
    ("GET", "/v1/keys/{id}", Role::Admin),
    ("PATCH", "/v1/keys/{id}", Role::Admin),
    ("DELETE", "/v1/keys/{id}", Role::Admin),
    ("POST", "/v1/keys/{id}/rotate", Role::Admin),
];

/// A gateway whose admin side is closed and whose proxy wants a key.
async fn closed() -> Rig {
    start_with(&format!(
        "[auth]\nrequire_key = true\nadmin_password = \"{PASSWORD}\"\nadmin_token = \"{TOKEN}\"\n\
         [key_map.{TEAM_KEY}]\nlabel = \"Team\"\n"
    ))
    .await
}

fn bearer(client: &Client, secret: &str) -> Client {
    client.with("authorization", &format!("Bearer {secret}"))
}

/// Every route of the document that the gateway serves, and its role by tag and security.
fn served() -> BTreeMap<(String, String), Role> {
    let document = serde_json::to_value(llm_gateway::server::openapi()).unwrap();
    let mut served = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let role = match operation["security"].to_string() {
                schemes if schemes.contains("admin_token") && schemes.contains("virtual_key") => Role::Shared,
                schemes if schemes.contains("admin_token") => Role::Admin,
                schemes if schemes.contains("virtual_key") => Role::Client,
                _ => Role::Public,
            };
            served.insert((method.to_uppercase(), path.clone()), role);
        }
    }
    served
}

async fn call(client: &Client, method: &str, path: &str) -> Answer {
    let target = path.replace("{api}/{tail}", "openai/v1/chat/completions").replace("{project}", "shop");
    let target = target.replace("{id}", "nothing-bears-this-id").replace("{model}", "gpt-4o").replace("{tail}", "x");
    let method: Method = method.parse().unwrap();
    let body = [Method::POST, Method::PUT, Method::PATCH].contains(&method).then(|| Bytes::from_static(b"{}"));
    if target.ends_with("/live") {
        // It does not end by itself.
        let (head, _) = client.open(method, &target, body).await.into_parts();
        return Answer { status: head.status, headers: head.headers, body: Bytes::new() };
    }
    client.send(method, &target, body).await
}

#[test]
fn every_route_has_a_declared_role_and_every_declared_route_is_served() {
    let served = served();
    let declared: BTreeMap<(String, String), Role> =
        DECLARED.iter().map(|(method, path, role)| (((*method).to_owned(), (*path).to_owned()), *role)).collect();
    let ours: BTreeMap<_, _> = served.into_iter().filter(|(_, role)| *role != Role::Client).collect();
    assert_eq!(ours, declared);
}

#[tokio::test]
async fn each_role_opens_its_own_routes_and_no_others() {
    let rig = closed().await;
    let anyone = rig.client();
    let (team, admin) = (bearer(&anyone, TEAM_KEY), bearer(&anyone, TOKEN));
    for ((method, path), role) in served() {
        let mut statuses = Vec::new();
        for client in [&anyone, &team, &admin] {
            statuses.push(call(client, &method, &path).await.status.as_u16());
        }
        let is_open = |status: u16| status != 401 && status != 403;
        let open: Vec<bool> = statuses.iter().map(|status| is_open(*status)).collect();
        // Signing in answers 400 here, since the body is empty.
        let expected = match role {
            Role::Public => [true, true, true],
            Role::Client => [false, true, false],
            Role::Admin => [false, false, true],
            Role::Shared => [false, true, true],
        };
        assert_eq!(open, expected, "{method} {path} ({role:?}) answered {statuses:?}");
    }
}

#[tokio::test]
async fn a_route_that_is_not_declared_does_not_exist() {
    let rig = closed().await;
    let admin = bearer(&rig.client(), TOKEN);
    for path in ["/v1/nothing", "/v1/keys/a/b", "/v1/setting", "/v1/admin", "/v1/records/live/x"] {
        assert_eq!(admin.get(path).await.status, 404, "{path}");
    }
    assert_eq!(admin.send(Method::PUT, "/v1/keys", None).await.code(405), "method_not_allowed");
}

#[tokio::test]
async fn no_spelling_of_a_path_and_no_place_of_a_credential_opens_an_admin_route() {
    let rig = closed().await;
    let anyone = rig.client();
    let spellings = [
        "/v1/keys/",
        "//v1/keys",
        "/v1//keys",
        "/V1/keys",
        "/v1/KEYS",
        "/v1/%6beys",
        "/v1/keys%2f",
        "/v1/./keys",
        "/v1/x/../keys",
        "/v1/%2e%2e/v1/keys",
        "/v1/keys?key=x",
        "/v1/keys?access_token=x",
        "/v1/keys;x",
        "/openai/v1/keys",
        "/health/../v1/keys",
        "/health%2f..%2fv1%2fkeys",
    ];
    for path in spellings {
        let answer = anyone.get(path).await;
        let is_portal =
            answer.status == 200 && answer.headers["content-type"].to_str().unwrap().starts_with("text/html");
        assert!(is_portal || matches!(answer.status.as_u16(), 400 | 401 | 404), "{path} answered {}", answer.text());
    }
    let places = [
        ("authorization", format!("Basic {TOKEN}")),
        ("authorization", TOKEN.to_owned()),
        ("authorization", "Bearer ".to_owned()),
        ("authorization", format!("Bearer {TOKEN}x")),
        ("authorization", format!("Bearer {}", &TOKEN[..20])),
        ("authorization", format!("Bearer {TEAM_KEY}")),
        ("authorization", "Bearer ' OR '1'='1".to_owned()),
        ("x-api-key", TOKEN.to_owned()),
        ("x-goog-api-key", TOKEN.to_owned()),
        ("cookie", format!("llm_gateway_session={TOKEN}")),
        ("cookie", "llm_gateway_session=".to_owned()),
        ("cookie", "llm_gateway_session=' OR '1'='1".to_owned()),
        ("x-forwarded-for", "127.0.0.1".to_owned()),
        ("x-original-url", "/health".to_owned()),
    ];
    for (name, value) in places {
        assert_eq!(anyone.with(name, &value).get("/v1/keys").await.code(401), "authentication", "{name}: {value}");
    }
    bearer(&anyone, TOKEN).get("/v1/keys").await.expect(200);
    anyone.with("authorization", &format!("bearer {TOKEN}")).get("/v1/keys").await.expect(200);
}

#[tokio::test]
async fn what_is_not_there_looks_the_same_whatever_was_asked_for() {
    let rig = start().await;
    let client = rig.client();
    let some_record = "0190163d-8694-739b-aea5-966c26f8ad91";
    let paths = [
        "/v1/records/x".to_owned(),
        format!("/v1/records/{some_record}"),
        "/v1/keys/x".to_owned(),
        "/v1/keys/key_00000000000000000000".to_owned(),
        "/v1/keys/%27%20OR%201=1".to_owned(),
        "/v1/providers/x".to_owned(),
        "/v1/providers/%ff".to_owned(),
    ];
    let mut bodies = Vec::new();
    for path in &paths {
        let answer = client.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        bodies.push(answer.text());
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}

#[tokio::test]
async fn a_page_of_another_origin_changes_nothing() {
    let rig = start().await;
    let client = rig.client();
    let state = || async { (client.get("/v1/keys").await.json(), client.get("/v1/providers").await.json()) };
    client.post("/v1/keys", &json!({"label": "mine"})).await.expect(201);
    let before = state().await;
    let own_origin = format!("http://{}", rig.address);
    let foreign = [
        vec![("origin", "http://evil.test")],
        vec![("origin", "null")],
        vec![("origin", "http://127.0.0.1")],
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site")],
        vec![("sec-fetch-site", "cross-site"), ("origin", own_origin.as_str())],
        // A form that navigates: reading may follow links, changing may not.
        vec![("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("content-type", "text/plain")],
    ];
    for headers in &foreign {
        let page = headers.iter().fold(client.clone(), |client, (name, value)| client.with(name, value));
        for &(method, path, role) in DECLARED {
            if method != "GET" && (role == Role::Admin || path == "/v1/session") {
                assert_eq!(call(&page, method, path).await.status, 403, "{method} {path} {headers:?}");
            }
        }
        let key = before.0["data"][0]["id"].as_str().unwrap();
        assert_eq!(page.delete(&format!("/v1/keys/{key}")).await.code(403), "cross_origin");
    }
    // A form on a page of ours, or of someone without the browser's headers, still cannot send JSON.
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let form = client.with("content-type", kind);
        assert_eq!(form.post("/v1/keys", &json!({})).await.code(415), "unsupported_media_type");
    }
    assert_eq!(state().await, before);

    let own = client.with("origin", &own_origin).with("sec-fetch-site", "same-origin");
    own.post("/v1/keys", &json!({})).await.expect(201);
}

#[tokio::test]
async fn reading_never_changes_anything() {
    let rig = start().await;
    let client = rig.client();
    client.post("/v1/keys", &json!({"label": "mine"})).await.expect(201);
    let before = client.get("/v1/keys").await.json();
    for &(method, path, _) in DECLARED {
        if method == "GET" {
            let path = path.replace("{id}", before["data"][0]["id"].as_str().unwrap());
            call(&client, "GET", &path).await;
            call(&client, "HEAD", &path).await;
        }
    }
    assert_eq!(client.get("/v1/keys").await.json(), before);
    assert_eq!(rig.records().await, Vec::<Value>::new(), "an admin call makes no record");
}

#[tokio::test]
async fn bar_13_without_an_admin_credential_a_foreign_host_or_origin_opens_nothing() {
    let rig = start().await;
    let client = rig.client();
    assert_eq!(
        client.get("/v1/session").await.expect(200),
        json!({"signed_in": true, "credential_required": false, "via": "open"})
    );
    assert_eq!(client.post("/v1/session", &json!({"password": "x"})).await.code(409), "conflict");
    let port = rig.address.port();
    let hosts = [
        "evil.test".to_owned(),
        format!("evil.test:{port}"),
        format!("127.0.0.1.evil.test:{port}"),
        format!("localhost.evil.test:{port}"),
        format!("evil-localhost:{port}"),
        format!("0.0.0.0:{port}"),
    ];
    let own = format!("http://{}", rig.address);
    for &(method, path, role) in DECLARED {
        for host in &hosts {
            let status = call(&client.with("host", host), method, path).await.status.as_u16();
            assert!(matches!(status, 400 | 403 | 421), "{method} {path} answered host {host} with {status}");
            // Not even with the right origin beside it.
            let both = client.with("host", host).with("origin", &own).with("sec-fetch-site", "same-origin");
            let status = call(&both, method, path).await.status.as_u16();
            assert!(matches!(status, 400 | 403 | 421), "{method} {path} answered host {host} with {status}");
        }
        if role == Role::Admin {
            for origin in ["http://evil.test", "null", "https://127.0.0.1", "http://localhost.evil.test"] {
                let page = client.with("origin", origin).with("sec-fetch-site", "cross-site");
                let status = call(&page, method, path).await.status;
                assert_eq!(status, 403, "{method} {path} answered origin {origin}");
            }
        }
    }
}

fn cookie_of(answer: &Answer) -> String {
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_admin_signs_in_and_out() {
    let rig = closed().await;
    let client = rig.client();
    let signed_out = json!({"signed_in": false, "credential_required": true, "via": null});
    assert_eq!(client.get("/v1/session").await.expect(200), signed_out);

    let answer = client.post("/v1/session", &json!({"password": PASSWORD})).await;
    answer.expect(200);
    let attributes = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    for part in ["llm_gateway_session=", "; Path=/", "; HttpOnly", "; SameSite=Strict", "; Max-Age=604800"] {
        assert!(attributes.contains(part), "{part} is missing in the cookie");
    }
    let cookie = cookie_of(&answer);
    assert!(cookie.len() >= "llm_gateway_session=".len() + 43, "the secret has 256 bits");
    let portal = client.with("cookie", &format!("theme=dark; {cookie}"));
    assert_eq!(portal.get("/v1/session").await.expect(200)["via"], "session");
    portal.get("/v1/keys").await.expect(200);

    let again = portal.post("/v1/session", &json!({"password": TOKEN})).await;
    again.expect(200);
    assert_eq!(portal.get("/v1/keys").await.status, 401, "signing in anew ends the session before");
    let portal = client.with("cookie", &cookie_of(&again));
    let gone = portal.delete("/v1/session").await;
    assert_eq!(gone.status, 204);
    assert!(gone.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(portal.get("/v1/keys").await.code(401), "authentication");
    assert_eq!(portal.delete("/v1/session").await.status, 204);
}

#[tokio::test]
async fn over_tls_the_cookie_is_bound_to_the_host() {
    let rig = closed().await;
    let front = rig.client().with("origin", &format!("https://{}", rig.address)).with("sec-fetch-site", "same-origin");
    let answer = front.post("/v1/session", &json!({"password": PASSWORD})).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-llm_gateway_session=") && cookie.contains("; Secure"));
    rig.client().with("cookie", &cookie_of(&answer)).get("/v1/keys").await.expect(200);
}

#[tokio::test]
async fn bar_14_every_wrong_password_is_answered_alike_and_five_a_minute_are_looked_at() {
    let rig = closed().await;
    let client = rig.client();
    let digest = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(PASSWORD));
    let wrong = ["", "wrong", &digest, &"x".repeat(5_000), TEAM_KEY];
    let mut bodies = Vec::new();
    for password in wrong {
        let answer = client.post("/v1/session", &json!({"password": password})).await;
        assert_eq!(answer.code(401), "authentication");
        assert!(answer.headers.get("set-cookie").is_none());
        bodies.push(answer.text());
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    let sixth = client.post("/v1/session", &json!({"password": PASSWORD})).await;
    assert_eq!(sixth.code(429), "too_many_attempts");
    let seconds: u64 = sixth.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=61).contains(&seconds));
    bearer(&client, TOKEN).get("/v1/keys").await.expect(200);
}

#[tokio::test]
async fn a_hundred_tries_at_once_are_still_five() {
    let rig = closed().await;
    let tries = (0..100).map(|_| {
        let client = rig.client();
        tokio::spawn(async move { client.post("/v1/session", &json!({"password": "wrong"})).await.status.as_u16() })
    });
    let mut statuses = BTreeMap::new();
    for answer in tries.collect::<Vec<_>>() {
        *statuses.entry(answer.await.unwrap()).or_insert(0) += 1;
    }
    assert_eq!(statuses, BTreeMap::from([(401, 5), (429, 95)]));
}
