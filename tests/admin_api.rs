//! The admin API, noun by noun, as a stranger would use it.

use http::Method;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use super::harness::{
    client::{Client, PATIENCE},
    gateway::{Rig, start, start_with},
};

/// Makes a chat completion and returns its status.
async fn chat(client: &Client, model: &str) -> u16 {
    let body = json!({"model": model, "messages": [{"role": "user", "content": "Hello"}]});
    client.post("/v1/chat/completions", &body).await.status.as_u16()
}

async fn flushed(rig: &Rig) {
    rig.gateway.store().recorder.flush().await.unwrap();
}

fn names(list: &Value, field: &str) -> Vec<String> {
    list["data"].as_array().unwrap().iter().map(|entry| entry[field].as_str().unwrap_or("-").to_owned()).collect()
}

#[tokio::test]
async fn a_provider_is_added_used_and_removed_as_the_examples_show() {
    let rig = start().await;
    let client = rig.client();
    let added = client
        .post("/v1/providers", &json!({"id": "lab", "provider_type": "local", "endpoint": rig.upstream.url()}))
        .await
        .expect(201);
    assert_eq!(added["origin"], "api");
    assert_eq!(added["credential"], "none");
    assert_eq!(added["base_url"], rig.upstream.url());
    let answer = client.post("/v1/chat/completions", &json!({"model": "lab/gpt-4o", "messages": []})).await;
    assert_eq!((answer.status.as_u16(), answer.headers["x-gateway-provider"].as_bytes()), (200, b"lab".as_slice()));
    assert_eq!(names(&client.get("/v1/providers").await.expect(200), "id").len(), 5);
    assert_eq!(client.get("/health").await.expect(200)["providers"].as_array().unwrap().len(), 5);

    client.patch("/v1/providers/lab", &json!({"enabled": false})).await.expect(200);
    let body = json!({"model": "lab/gpt-4o", "messages": []});
    let answer = client.post("/v1/chat/completions", &body).await;
    assert_ne!(answer.headers.get("x-gateway-provider").map(|provider| provider.as_bytes()), Some(b"lab".as_slice()));
    assert_eq!(client.get("/health").await.expect(200)["providers"].as_array().unwrap().len(), 4);
    client.delete("/v1/providers/lab").await.expect(204);
    assert_eq!(client.get("/v1/providers/lab").await.code(404), "not_found");
    assert_eq!(client.delete("/v1/providers/lab").await.code(404), "not_found");
}

#[tokio::test]
async fn a_provider_of_the_config_is_changed_in_the_config() {
    let rig = start().await;
    let client = rig.client();
    assert_eq!(client.delete("/v1/providers/openai").await.code(409), "config_defined");
    assert_eq!(client.patch("/v1/providers/openai", &json!({"enabled": false})).await.code(409), "config_defined");
    let twin = json!({"id": "openai", "provider_type": "local", "endpoint": "http://localhost:1"});
    assert_eq!(client.post("/v1/providers", &twin).await.code(409), "conflict");
}

#[tokio::test]
async fn a_provider_key_goes_in_and_never_out_and_not_to_a_new_address() {
    let rig = start().await;
    let client = rig.client();
    let secret = "sk-test-canary-lab-0a1b2c3d4e5f";
    let new = json!({"id": "lab", "provider_type": "local", "endpoint": rig.upstream.url(), "api_key": secret});
    let mut shown = vec![client.post("/v1/providers", &new).await];
    assert_eq!(chat(&client, "lab/gpt-4o").await, 200);
    let sent = rig.upstream.ledger().last().unwrap().header("authorization").map(str::to_owned);
    assert_eq!(sent, Some(format!("Bearer {secret}")));

    shown.push(client.patch("/v1/providers/lab", &json!({"models": ["gpt-4o"], "priority": 7})).await);
    assert_eq!(shown[1].expect(200)["credential"], "own", "what is left out stays");
    shown.push(client.get("/v1/providers").await);
    shown.push(client.patch("/v1/providers/lab", &json!({"endpoint": "http://localhost:9"})).await);
    assert_eq!(shown[3].expect(200)["credential"], "none", "the key was given for the old address");
    shown.push(client.patch("/v1/providers/lab", &json!({"endpoint": rig.upstream.url()})).await);
    assert_eq!(chat(&client, "lab/gpt-4o").await, 200);
    assert_eq!(rig.upstream.ledger().last().unwrap().header("authorization"), None);
    let both = json!({"base_url": "http://localhost:9/v1", "api_key": secret});
    shown.push(client.patch("/v1/providers/lab", &both).await);
    assert_eq!(shown[5].expect(200)["credential"], "own");
    shown.push(client.patch("/v1/providers/lab", &json!({"api_key": null})).await);
    assert_eq!(shown[6].expect(200)["credential"], "none");
    for answer in shown {
        assert!(!answer.text().contains(secret), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_provider_cannot_be_pointed_inwards_over_the_api() {
    let rig = start().await;
    let client = rig.client();
    let new = |endpoint: &str| json!({"id": "x", "provider_type": "openai_compatible", "endpoint": endpoint});
    for endpoint in [
        "http://127.0.0.1:1",
        "http://localhost",
        "http://10.0.0.1",
        "http://[::1]",
        "http://169.254.169.254",
        "http://0x7f.1",
    ] {
        let answer = client.post("/v1/providers", &new(endpoint)).await;
        assert_eq!(answer.code(400), "invalid_parameter", "{endpoint}");
    }
    let mut allowed = new("http://10.0.0.1");
    allowed["allow_private_network"] = json!(true);
    client.post("/v1/providers", &allowed).await.expect(201);
    let withdrawn = client.patch("/v1/providers/x", &json!({"allow_private_network": false})).await;
    assert_eq!(withdrawn.code(400), "invalid_parameter");
    let moved = client.patch("/v1/providers/x", &json!({"endpoint": "http://169.254.169.254"})).await;
    assert_eq!(moved.code(400), "invalid_parameter");
}

#[tokio::test]
async fn a_wrong_provider_is_refused_with_its_field() {
    let rig = start().await;
    let client = rig.client();
    let cases = [
        (json!({"provider_type": "local", "endpoint": "http://a.test"}), "invalid_request", Value::Null),
        (
            json!({"id": "Bad Id", "provider_type": "local", "endpoint": "http://a.test"}),
            "invalid_parameter",
            json!("id"),
        ),
        (
            json!({"id": "auto", "provider_type": "local", "endpoint": "http://a.test"}),
            "invalid_parameter",
            json!("id"),
        ),
        (
            json!({"id": "a", "provider_type": "locl", "endpoint": "http://a.test"}),
            "invalid_parameter",
            json!("provider_type"),
        ),
        (json!({"id": "a", "provider_type": "local"}), "invalid_parameter", json!("endpoint")),
        (json!({"id": "a", "provider_type": "local", "endpoint": "a.test"}), "invalid_parameter", json!("endpoint")),
        (
            json!({"id": "a", "provider_type": "local", "endpont": "http://a.test"}),
            "unknown_parameter",
            json!("endpont"),
        ),
        (
            json!({"id": "a", "provider_type": "local", "endpoint": "http://a.test", "timeout": -1}),
            "invalid_parameter",
            json!("timeout"),
        ),
        (json!({"id": "a", "provider_type": "openai", "deployment": "x"}), "invalid_parameter", json!("deployment")),
        (
            json!({"id": "a", "provider_type": "local", "endpoint": "http://a.test", "api_key": "two\nlines"}),
            "invalid_parameter",
            json!("api_key"),
        ),
    ];
    for (body, code, param) in cases {
        let answer = client.post("/v1/providers", &body).await;
        assert_eq!(answer.code(400), code, "{body}");
        assert_eq!(answer.json()["error"]["param"], param, "{body}: {}", answer.text());
        assert_eq!(answer.json()["error"]["type"], "invalid_request_error");
    }
}

#[tokio::test]
async fn a_key_works_at_once_and_a_rotated_or_revoked_one_no_more() {
    let rig = start_with("[auth]\nrequire_key = true\n").await;
    let client = rig.client();
    let new = json!({"label": "Checkout", "team": "Shop", "project": "web", "allowed_models": ["gpt-4o"]});
    let made = client.post("/v1/keys", &new).await.expect(201);
    let (id, secret) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    assert_eq!(made["status"], "active");
    let user = |secret: &str| client.with("authorization", &format!("Bearer {secret}"));
    assert_eq!(chat(&user(secret), "gpt-4o").await, 200);
    assert_eq!(chat(&user(secret), "gpt-4o-mini").await, 403);
    client.patch(&format!("/v1/keys/{id}"), &json!({"allowed_models": null})).await.expect(200);
    assert_eq!(chat(&user(secret), "gpt-4o-mini").await, 200);
    let record = &rig.records_when(3).await[0];
    assert_eq!(record["key_id"], id);
    assert_eq!(
        (&record["key_label"], &record["team"], &record["project"]),
        (&json!("Checkout"), &json!("Shop"), &json!("web"))
    );

    let rotated = client.send(Method::POST, &format!("/v1/keys/{id}/rotate"), None).await.expect(200);
    let fresh = rotated["secret"].as_str().unwrap();
    assert_ne!(fresh, secret);
    assert_eq!(rotated["id"], id);
    assert_eq!(chat(&user(secret), "gpt-4o").await, 401);
    assert_eq!(chat(&user(fresh), "gpt-4o").await, 200);

    assert_eq!(client.delete(&format!("/v1/keys/{id}")).await.expect(200)["status"], "revoked");
    assert_eq!(chat(&user(fresh), "gpt-4o").await, 401);
    client.delete(&format!("/v1/keys/{id}")).await.expect(200);
    assert_eq!(client.send(Method::POST, &format!("/v1/keys/{id}/rotate"), None).await.code(409), "conflict");
    for path in ["/v1/keys".to_owned(), format!("/v1/keys/{id}"), "/v1/records".to_owned()] {
        let text = client.get(&path).await.text();
        assert!(!text.contains(secret) && !text.contains(fresh), "{path} shows a secret");
    }
}

#[tokio::test]
async fn a_key_that_is_made_brings_its_own_provider_keys_and_shows_them_to_nobody() {
    const OWN: &str = "sk-own-canary-0001";
    let rig = start_with("[auth]\nrequire_key = true\n").await;
    let client = rig.client();
    let new = json!({"label": "Team Alpha", "provider_keys": {"openai": OWN}});
    let made = client.post("/v1/keys", &new).await.expect(201);
    assert_eq!(made["provider_keys"], json!(["openai"]));
    let path = format!("/v1/keys/{}", made["id"].as_str().unwrap());
    let user = client.with("authorization", &format!("Bearer {}", made["secret"].as_str().unwrap()));
    let paid_with = async || {
        assert_eq!(chat(&user, "gpt-4o").await, 200);
        rig.upstream.ledger().last().unwrap().credential().unwrap().to_owned()
    };
    assert_eq!(paid_with().await, OWN);
    // What is left out stays.
    client.patch(&path, &json!({"label": "Team Beta"})).await.expect(200);
    assert_eq!(paid_with().await, OWN);
    for path in ["/v1/keys", &path, "/v1/audit", "/v1/records", "/v1/settings"] {
        assert!(!client.get(path).await.text().contains(OWN), "{path} shows a secret");
    }
    let audit = client.get("/v1/audit").await.text();
    assert!(audit.contains(r#""provider_keys":{"from":null,"to":["openai"]}"#), "{audit}");
    for (wrong, why) in
        [(json!({"nobody": OWN}), "`nobody` is no provider"), (json!({"openai": "a b"}), "visible ASCII")]
    {
        let answer = client.patch(&path, &json!({"provider_keys": wrong})).await;
        let error = &answer.expect(400)["error"];
        assert!(error["param"] == "provider_keys" && answer.text().contains(why), "{error}");
        assert!(!answer.text().contains(OWN));
    }
    let emptied = client.patch(&path, &json!({"provider_keys": null})).await.expect(200);
    assert_eq!(emptied["provider_keys"], json!([]));
    assert_ne!(paid_with().await, OWN);
}

#[tokio::test]
async fn an_expired_key_is_refused_and_a_key_cannot_be_born_expired() {
    let rig = start_with("[auth]\nrequire_key = true\n").await;
    let client = rig.client();
    let born = client.post("/v1/keys", &json!({"expires_at": "2020-01-01T00:00:00Z"})).await;
    assert_eq!(born.json()["error"]["param"], "expires_at");
    let made = client.post("/v1/keys", &json!({"expires_at": "2999-01-01T00:00:00Z"})).await.expect(201);
    let user = client.with("x-api-key", made["secret"].as_str().unwrap());
    assert_eq!(chat(&user, "gpt-4o").await, 200);
    let path = format!("/v1/keys/{}", made["id"].as_str().unwrap());
    let expired = client.patch(&path, &json!({"expires_at": "2020-01-01T00:00:00Z"})).await.expect(200);
    assert_eq!(expired["status"], "expired");
    assert_eq!(chat(&user, "gpt-4o").await, 401);
}

#[tokio::test]
async fn keys_of_the_config_are_listed_and_changed_in_the_config() {
    let rig = start_with("[key_map.team-test-key]\nlabel = \"Team\"\n").await;
    let client = rig.client();
    for label in ["one", "two", "three"] {
        client.post("/v1/keys", &json!({"label": label})).await.expect(201);
    }
    let first = client.get("/v1/keys?limit=3").await.expect(200);
    let last =
        client.get(&format!("/v1/keys?limit=3&cursor={}", first["next_cursor"].as_str().unwrap())).await.expect(200);
    assert_eq!(names(&first, "label"), ["three", "two", "one"]);
    assert_eq!(names(&last, "label"), ["Team"]);
    assert_eq!(last["next_cursor"], Value::Null);
    let key = &last["data"][0];
    assert_eq!((&key["origin"], &key["created_at"]), (&json!("config"), &Value::Null));
    assert!(!client.get("/v1/keys").await.text().contains("team-test-key"));
    let path = format!("/v1/keys/{}", key["id"].as_str().unwrap());
    assert_eq!(client.get(&path).await.expect(200), *key);
    assert_eq!(client.delete(&path).await.code(409), "config_defined");
    assert_eq!(client.patch(&path, &json!({"label": "x"})).await.code(409), "config_defined");
    assert_eq!(client.send(Method::POST, &format!("{path}/rotate"), None).await.code(409), "config_defined");
}

#[tokio::test]
async fn a_wrong_key_is_refused_with_its_field() {
    let rig = start().await;
    let client = rig.client();
    let cases = [
        (json!({"lable": "x"}), "lable"),
        (json!({"label": ""}), "label"),
        (json!({"label": "a\nb"}), "label"),
        (json!({"label": "x".repeat(201)}), "label"),
        (json!({"allowed_providers": ["opnai"]}), "allowed_providers"),
        (json!({"expires_at": "tomorrow"}), "expires_at"),
        (json!({"secret": "mine"}), "secret"),
    ];
    for (body, param) in cases {
        let answer = client.post("/v1/keys", &body).await;
        assert_eq!(answer.expect(400)["error"]["param"], param, "{body}: {}", answer.text());
    }
}

#[tokio::test]
async fn records_are_filtered_by_the_names_of_their_fields() {
    let rig = start().await;
    let client = rig.client();
    for (project, source, tags) in
        [("alpha", "ci", "env=prod,tier=1"), ("alpha", "cli", "env=dev"), ("beta", "ci", "env=prod")]
    {
        let user = client.with("x-project", project).with("x-source", source).with("x-tags", tags);
        assert_eq!(chat(&user, "gpt-4o").await, 200);
    }
    let undecided = client.with("authorization", "Bearer one").with("x-api-key", "two");
    assert_eq!(chat(&undecided, "gpt-4o-mini").await, 400);
    rig.records_when(4).await;
    let count = |query: &str| {
        let (client, query) = (client.clone(), query.to_owned());
        async move { client.get(&format!("/v1/records?{query}")).await.expect(200)["data"].as_array().unwrap().len() }
    };
    let cases = [
        ("", 4),
        ("project=alpha", 2),
        ("project=alpha&source=ci", 1),
        ("project=gamma", 0),
        ("project=", 1),
        ("team=", 4),
        ("team=&source=ci", 2),
        ("project=%25", 0),
        ("tags=env%3Dprod", 2),
        ("tags=env%3Dprod,tier%3D1", 1),
        ("outcome=ok", 3),
        ("outcome=refused", 1),
        ("status=200&stream=false", 3),
        ("stream=true", 0),
        ("endpoint=chat_completions", 4),
        ("client_api=anthropic", 0),
        ("error_kind=conflicting_credentials", 1),
        ("provider=openai", 3),
        ("model_requested=gpt-4o", 3),
        ("cache=bypass", 4),
        ("exclude=project%3Dalpha", 2),
        ("exclude=project%3Dalpha%26project%3Dbeta", 1),
        ("exclude=project%3D", 3),
        ("exclude=outcome%3Dok&source=ci", 0),
        ("exclude=project%3D%2525%26source%3Da%2526b", 4),
        ("sort=cost_microcents", 4),
        ("sort=latency_ms&exclude=source%3Dci", 2),
        ("from=2020-01-01T00:00:00Z&to=2021-01-01T00:00:00Z", 0),
        ("from=2020-01-01T00:00:00Z", 4),
        ("project=%27%20OR%201=1%20--", 0),
    ];
    for (query, expected) in cases {
        assert_eq!(count(query).await, expected, "{query}");
    }
    let sums = client.get("/v1/stats?exclude=project%3Dalpha%26outcome%3Drefused").await.expect(200);
    assert_eq!((&sums["total_requests"], &sums["by_project"][0]["name"]), (&1.into(), &"beta".into()));
    let of_project = client.get("/v1/projects/alpha/records").await.expect(200);
    assert_eq!(names(&of_project, "project"), ["alpha", "alpha"]);
    assert_eq!(client.get("/v1/projects/alpha/records?project=beta").await.code(400), "invalid_parameter");
}

#[tokio::test]
async fn a_wrong_question_about_records_is_refused_with_its_parameter() {
    let rig = start().await;
    let cases = [
        ("providr=x", "unknown_parameter", "providr"),
        ("limit=0", "invalid_parameter", "limit"),
        ("limit=501", "invalid_parameter", "limit"),
        ("limit=ten", "invalid_parameter", "limit"),
        ("cursor=x", "invalid_parameter", "cursor"),
        ("outcome=good", "invalid_parameter", "outcome"),
        ("from=yesterday", "invalid_parameter", "from"),
        ("tags=x", "invalid_parameter", "tags"),
        ("exclude=session_id%3Dx", "invalid_parameter", "exclude"),
        ("sort=project", "invalid_parameter", "sort"),
        ("sort=latency_ms&format=csv", "invalid_parameter", "sort"),
        ("status=ok", "invalid_parameter", "status"),
        ("format=xml", "invalid_parameter", "format"),
        ("project=a&project=b", "invalid_parameter", "project"),
        ("format=csv&cursor=YQ", "invalid_parameter", "cursor"),
    ];
    for (query, code, param) in cases {
        let answer = rig.client().get(&format!("/v1/records?{query}")).await;
        assert_eq!(answer.code(400), code, "{query}");
        assert_eq!(answer.json()["error"]["param"], param, "{query}");
    }
}

#[tokio::test]
async fn pages_of_records_follow_each_other_while_new_ones_arrive() {
    let rig = start().await;
    let client = rig.client();
    for _ in 0..5 {
        chat(&client, "gpt-4o").await;
    }
    let before = names(&json!({"data": rig.records_when(5).await}), "id");
    let first = client.get("/v1/records?limit=2").await.expect(200);
    chat(&client, "gpt-4o").await;
    rig.records_when(6).await;
    let mut seen = names(&first, "id");
    let mut cursor = first["next_cursor"].as_str().map(str::to_owned);
    while let Some(place) = cursor {
        let page = client.get(&format!("/v1/records?limit=2&cursor={place}")).await.expect(200);
        seen.extend(names(&page, "id"));
        cursor = page["next_cursor"].as_str().map(str::to_owned);
    }
    assert_eq!(seen, before);
    let detail = client.get(&format!("/v1/records/{}", seen[0])).await.expect(200);
    assert_eq!(detail["attempts"], 1);
    assert_eq!(detail["attempt_rows"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn records_are_exported_whole_and_no_cell_is_a_formula() {
    let rig = start().await;
    let client = rig.client();
    for project in ["=cmd()", "plain", "two, words"] {
        chat(&client.with("x-project", project), "gpt-4o").await;
    }
    rig.records_when(3).await;
    let csv = client.get("/v1/records?format=csv").await;
    assert_eq!(csv.status, 200);
    assert!(csv.headers["content-type"].to_str().unwrap().starts_with("text/csv"));
    assert!(csv.headers["content-disposition"].to_str().unwrap().contains("records.csv"));
    let text = csv.text();
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines.len(), 5, "a header, three records and the last line's end: {text}");
    assert!(lines[0].starts_with("id,started_at,project,"));
    assert!(lines[1].contains(",\"two, words\",") && lines[3].contains(",'=cmd(),"), "{text}");
    assert_eq!(client.with("accept", "text/csv").get("/v1/records?limit=1").await.text().lines().count(), 2);

    let jsonl = client.with("accept", "application/jsonl").get("/v1/records").await.text();
    let rows: Vec<Value> = jsonl.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(json!(rows), client.get("/v1/records").await.expect(200)["data"]);
}

/// Reads a stream of events until its text satisfies `enough`.
async fn read_until(answer: &mut http::Response<hyper::body::Incoming>, enough: impl Fn(&str) -> bool) -> String {
    let mut text = String::new();
    while !enough(&text) {
        let frame =
            tokio::time::timeout(PATIENCE, answer.frame()).await.unwrap_or_else(|_| panic!("only came: {text}"));
        let frame = frame.unwrap_or_else(|| panic!("ended with: {text}")).unwrap();
        text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
    }
    text
}

#[tokio::test]
async fn a_listener_sees_records_as_they_are_written_and_resumes_without_a_gap() {
    let rig = start().await;
    let client = rig.client();
    let mut live = client.open(Method::GET, "/v1/records/live?project=alpha", None).await;
    assert_eq!(live.headers()["content-type"], "text/event-stream");
    read_until(&mut live, |text| text.contains("live")).await;
    chat(&client.with("x-project", "beta"), "gpt-4o").await;
    chat(&client.with("x-project", "alpha"), "gpt-4o").await;
    let text = read_until(&mut live, |text| text.contains("\n\n") && text.contains("data:")).await;
    assert!(
        text.contains("event: record") && text.contains("\"project\":\"alpha\"") && !text.contains("beta"),
        "{text}"
    );
    let id = text.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    drop(live);

    for _ in 0..3 {
        chat(&client.with("x-project", "alpha"), "gpt-4o").await;
    }
    flushed(&rig).await;
    let mut live = client.with("last-event-id", &id).open(Method::GET, "/v1/records/live?project=alpha", None).await;
    let text = read_until(&mut live, |text| text.matches("event: record").count() == 3 && text.ends_with("\n\n")).await;
    chat(&client.with("x-project", "alpha"), "gpt-4o").await;
    let text = text + &read_until(&mut live, |text| text.contains("event: record") && text.ends_with("\n\n")).await;
    let ids: Vec<i64> =
        text.lines().filter_map(|line| line.strip_prefix("id: ")).map(|id| id.parse().unwrap()).collect();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]) && ids[0] > id.parse().unwrap(), "{ids:?}");
    let wrong = client.with("last-event-id", "x").get("/v1/records/live").await;
    assert_eq!(wrong.code(400), "invalid_parameter");
}

#[tokio::test]
async fn a_listener_does_not_outlive_its_session() {
    let rig = start_with("[auth]\nadmin_password = \"test password\"\n").await;
    let signed_in = rig.client().post("/v1/session", &json!({"password": "test password"})).await;
    let cookie = signed_in.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let portal = rig.client().with("cookie", &cookie);
    let mut live = portal.open(Method::GET, "/v1/records/live", None).await;
    assert_eq!(live.status(), 200);
    read_until(&mut live, |text| text.contains("live")).await;
    portal.delete("/v1/session").await.expect(204);
    let end = tokio::time::timeout(PATIENCE, live.frame()).await.expect("an end in time");
    assert!(end.is_none(), "{end:?}");
}

#[tokio::test]
async fn sums_projects_and_requesters_tell_what_was_used() {
    let rig = start().await;
    let client = rig.client();
    for (project, source) in [("alpha", "ci"), ("alpha", "cli"), ("beta", "ci")] {
        chat(&client.with("x-project", project).with("x-source", source), "gpt-4o").await;
    }
    rig.records_when(3).await;
    let stats = client.get("/v1/stats").await.expect(200);
    assert_eq!(stats["total_requests"], 3);
    assert_eq!(stats["failed_requests"], 0);
    assert_eq!(stats["providers"]["openai"]["total_requests"], 3);
    assert_eq!(stats["by_project"].as_array().unwrap().len(), 2);
    for known in ["avg_latency_ms", "p95_latency_ms", "total_cost", "total_cost_microcents", "success_rate"] {
        assert!(stats[known].is_number(), "{known}: {stats:#}");
    }
    assert_eq!(client.get("/v1/stats?project=alpha").await.expect(200)["total_requests"], 2);

    let projects = client.get("/v1/projects").await.expect(200);
    assert_eq!(names(&projects, "id"), ["beta", "alpha"]);
    assert_eq!(projects["data"][1]["total_requests"], 2);
    assert_eq!(names(&client.get("/v1/projects?active_since_mins=60").await.expect(200), "id").len(), 2);
    let first = client.get("/v1/requesters?limit=1").await.expect(200);
    assert_eq!(names(&first, "id"), ["ci"]);
    let next = first["next_cursor"].as_str().unwrap();
    assert_eq!(names(&client.get(&format!("/v1/requesters?limit=1&cursor={next}")).await.expect(200), "id"), ["cli"]);

    let series = client.get("/v1/stats/series?grain=quarter&group_by=project").await.expect(200);
    assert_eq!(series["grain"], "quarter");
    assert_eq!(series["groups"].as_array().unwrap().len(), 2);
    let day = client.get("/v1/stats/series?grain=day&tz=Europe/Berlin").await.expect(200);
    let points = day["groups"][0]["points"].as_array().unwrap();
    assert_eq!(points.iter().map(|point| point["total_requests"].as_u64().unwrap()).sum::<u64>(), 3);
    let wide = "/v1/stats/series?grain=quarter&from=2020-01-01T00:00:00Z";
    for (target, param) in
        [(wide, "grain"), ("/v1/stats/series?tz=Mars/Base", "tz"), ("/v1/stats/series?grain=minute", "grain")]
    {
        assert_eq!(client.get(target).await.expect(400)["error"]["param"], param, "{target}");
    }
}

#[tokio::test]
async fn the_gateway_tells_that_it_lives_and_what_it_can() {
    let rig = start().await;
    let client = rig.client();
    let health = client.get("/health").await.expect(200);
    assert_eq!(health["status"], "ok");
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(health["port"], rig.address.port());
    assert!(health["uptime_secs"].is_u64());
    let mut providers = health["providers"].as_array().unwrap().clone();
    providers.sort_by_key(ToString::to_string);
    assert_eq!(providers, ["anthropic", "gemini", "ollama", "openai"]);
    assert_eq!(client.get("/readyz").await.expect(200)["status"], "ready");
    assert_eq!(client.get("/openapi.json").await.expect(200)["openapi"], "3.1.0");
    chat(&client, "gpt-4o").await;
    rig.records_when(1).await;
    let metrics = client.get("/metrics").await;
    assert!(metrics.headers["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    assert!(metrics.text().contains("# TYPE "), "{}", metrics.text());
    for path in ["/v1/keys", "/v1/stats", "/health", "/v1/keys/x"] {
        assert_eq!(client.get(path).await.headers["cache-control"], "no-store", "{path}");
    }
}

#[tokio::test]
async fn no_secret_lies_readable_on_disk() {
    let rig =
        start_with("[auth]\nadmin_password = \"test password 1f2e3d\"\nadmin_token = \"test-token-4c5b6a\"\n").await;
    let admin = rig.client().with("authorization", "Bearer test-token-4c5b6a");
    let provider_key = "sk-test-canary-disk-0a1b2c3d4e5f";
    let new = json!({"id": "lab", "provider_type": "local", "endpoint": "http://localhost:9", "api_key": provider_key});
    admin.post("/v1/providers", &new).await.expect(201);
    let key = admin.post("/v1/keys", &json!({"label": "findable"})).await.expect(201);
    let session = rig.client().post("/v1/session", &json!({"password": "test password 1f2e3d"})).await;
    let cookie = session.headers["set-cookie"].to_str().unwrap().split(['=', ';']).nth(1).unwrap();
    let files: Vec<Vec<u8>> = ["data", "data/spool"]
        .into_iter()
        .flat_map(|directory| std::fs::read_dir(rig.data.path().join(directory)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    let lies_there = |text: &str| files.iter().any(|file| file.windows(text.len()).any(|part| part == text.as_bytes()));
    assert!(lies_there("findable"), "the files that were searched hold what was written");
    for secret in [provider_key, key["secret"].as_str().unwrap(), cookie, "test password 1f2e3d", "test-token-4c5b6a"] {
        assert!(!lies_there(secret), "{secret} lies readable on disk");
    }
}
