//! Where calls go and what comes back: no client chooses the host, no redirect is followed, no byte of an
//! upstream's becomes a header or an event of ours (bars 4, 6, 7, 28).

use bytes::Bytes;
use http::Method;
use llm_gateway::demo::{Fault, Payload, Provider, ProviderOptions, Script};
use serde_json::{Value, json};

use super::{
    corpus::{SQL, calls},
    raw::{exchange, header_names, post, status},
};
use crate::harness::gateway::{Rig, start, start_with};

#[tokio::test]
async fn bar_04_what_strangers_write_never_becomes_sql() {
    let rig = start_with("[auth]\nrequire_key = true\nadmin_token = \"admin-test-token-45c48cce2e2d7fbdea1a\"\n").await;
    let admin = rig.client().with("authorization", "Bearer admin-test-token-45c48cce2e2d7fbdea1a");
    let made = admin.post("/v1/keys", &json!({"label": "mine"})).await.expect(201);
    let good = rig.client().with("authorization", &format!("Bearer {}", made["secret"].as_str().unwrap()));
    let chat = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]});
    good.post("/v1/chat/completions", &chat).await.expect(200);
    rig.gateway.store().recorder.flush().await.unwrap();
    let keys = admin.get("/v1/keys").await.expect(200);
    let providers = admin.get("/v1/providers").await.expect(200);
    let filters = [
        "project",
        "source",
        "team",
        "key_id",
        "profile",
        "session_id",
        "provider",
        "model",
        "model_requested",
        "client_api",
        "endpoint",
        "outcome",
        "error_kind",
        "status",
        "stream",
        "cache",
        "tags",
        "from",
        "to",
        "limit",
        "cursor",
        "tz",
        "group_by",
        "bucket",
        "active_since_mins",
        "format",
        "order",
    ];
    for token in SQL {
        let encoded: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
        let segment = encoded.replace('+', "%20");
        for place in ["authorization", "x-api-key", "x-goog-api-key", "api-key", "cookie"] {
            let value = match place {
                "authorization" => format!("Bearer {token}"),
                "cookie" => format!("llm_gateway_session={token}"),
                _ => token.to_owned(),
            };
            let caller = rig.client().with(place, &value);
            for path in ["/v1/models", "/v1/keys", "/v1/records", "/api/tags"] {
                assert_eq!(caller.get(path).await.status, 401, "{place}: {token} on {path}");
            }
            assert_eq!(caller.post("/v1/chat/completions", &chat).await.status, 401, "{place}: {token}");
        }
        assert!(!rig.client().post("/v1/session", &json!({"password": token})).await.status.is_success());
        for list in
            ["/v1/records", "/v1/stats", "/v1/stats/series", "/v1/projects", "/v1/requesters", "/v1/projects/x/records"]
        {
            for filter in filters {
                let answer = admin.get(&format!("{list}?{filter}={encoded}")).await;
                let status = answer.status.as_u16();
                assert!(matches!(status, 200 | 400), "{list}?{filter}={token}: {status} {}", answer.text());
                let told = ["no such column", "no such table", "SQLite", "near \\\""];
                assert!(!told.iter().any(|word| answer.text().contains(word)), "{}", answer.text());
                let is_empty =
                    list != "/v1/records" || status != 200 || answer.json()["data"].as_array().unwrap().is_empty();
                let is_unknown = status == 200
                    && ["tz", "limit", "group_by", "bucket", "active_since_mins", "format", "order"].contains(&filter);
                assert!(is_empty || is_unknown, "{list}?{filter}={token} found {}", answer.text());
            }
        }
        // A slash cannot stand in an id, so such a path is malformed; any other id is just not there.
        for path in
            [format!("/v1/records/{segment}"), format!("/v1/keys/{segment}"), format!("/v1/providers/{segment}")]
        {
            for method in [Method::GET, Method::DELETE, Method::PATCH] {
                let body = (method == Method::PATCH).then(|| Bytes::from_static(b"{}"));
                let status = admin.send(method.clone(), &path, body).await.status.as_u16();
                assert!(matches!(status, 400 | 404 | 405), "{method} {path} answered {status}");
            }
        }
        // Stored as what it is, found as what it is.
        let labelled = good.with("x-project", token).with("x-source", token).with("x-session-id", token);
        labelled.post("/v1/chat/completions", &chat).await.expect(200);
        rig.gateway.store().recorder.flush().await.unwrap();
        let found = admin
            .get(&format!("/v1/records?project={encoded}&source={encoded}&session_id={encoded}"))
            .await
            .expect(200);
        assert_eq!(found["data"].as_array().unwrap().len(), 1, "{token}");
        assert_eq!(found["data"][0]["project"], token);
    }
    let total = admin.get("/v1/stats").await.expect(200)["total_requests"].as_u64().unwrap();
    // One good call, and for every token five refused ones and one labelled one.
    assert_eq!(total, 1 + SQL.len() as u64 * 6);
    let without_health = |mut providers: Value| {
        providers["data"][0].as_object_mut().unwrap().remove("model_health");
        providers
    };
    assert_eq!(without_health(admin.get("/v1/providers").await.expect(200)), without_health(providers));
    let without_use = |mut keys: Value| {
        keys["data"][0].as_object_mut().unwrap().remove("last_used_at");
        keys
    };
    assert_eq!(without_use(admin.get("/v1/keys").await.expect(200)), without_use(keys));
}

/// Places where SQL text is put together at run time, by the text that stands there. Each is made of constants
/// of the code only; whoever adds one reads it first.
const BUILT_SQL: &[(&str, &str)] = &[
    ("store/history/records.rs", "AssertSqlSafe(BY_ID.as_str())"),
    ("store/history/records.rs", "AssertSqlSafe(ATTEMPTS.as_str())"),
    ("store/history/records.rs", "AssertSqlSafe(SINCE.as_str())"),
    ("store/control/audit.rs", ".push(condition)"),
    ("store/history/sums.rs", ".push(group)"),
    ("store/history/sums.rs", ".push(measure)"),
    ("store/history/sums.rs", ".push(FROM)"),
    ("store/history/sums.rs", "QueryBuilder::new(SELECT_ROWS.as_str())"),
    ("store/history/dimension_rows.rs", ".push(dimension.expression())"),
    ("store/history/dimension_rows.rs", ".push(if is { \" = \" } else { \" <> \" })"),
    // A column list of constants; the range is bound.
    ("store/pack.rs", "AssertSqlSafe(statement)"),
    ("store/pack.rs", "AssertSqlSafe(statement.clone())"),
    // Names of tables and columns are `&'static str` by the functions' types, and every path is a literal.
    ("store/history/walk.rs", "QueryBuilder::new(SELECT.as_str())"),
    ("store/history/walk.rs", ".push(SELECT.as_str())"),
    ("store/history/walk.rs", ".push(path.sql())"),
    ("store/history/walk.rs", ".push(table)"),
    ("store/history/walk.rs", ".push(column)"),
    ("store/history/walk.rs", ".push(dimension.expression())"),
    ("store/insert.rs", "AssertSqlSafe(Arc::clone(sql))"),
    // Tables are literals of a list beside it, columns a constant, conditions literals of tables beside them; what
    // is looked for is bound.
    ("store/retention.rs", "AssertSqlSafe(format!(\"DELETE FROM {table} IN ({OLD})\"))"),
    ("store/incidents/rows.rs", "AssertSqlSafe(OF_CAUSE.as_str())"),
    ("store/incidents/rows.rs", "AssertSqlSafe(QUIET.as_str())"),
    ("store/incidents/rows.rs", "AssertSqlSafe(BY_ID.as_str())"),
    ("store/history/incidents.rs", "AssertSqlSafe(format!(\"SELECT {COLUMNS} FROM incidents WHERE id = ?\"))"),
    ("store/history/incidents.rs", ".push(COLUMNS)"),
    ("store/history/incidents.rs", ".push(condition)"),
    ("store/history/signals.rs", ".push(condition)"),
    // Vectors, not queries: rows, ranges, connections, tasks.
    ("store/mod.rs", ".push(AbortOnDropHandle::new(tokio::spawn(retention::run(usage.writer.clone(), days))))"),
    ("store/checkpoint.rs", ".push(database.readers.acquire().await?)"),
    ("store/findings.rs", ".push((*seq, number, found))"),
    ("store/findings.rs", ".push((Arc::clone(&kind), record.started_at.unix_us, *seq, *dimension))"),
    ("store/history/sums.rs", ".push(next)"),
    ("store/tags.rs", ".push(pair)"),
    ("store/writer.rs", ".push((seq, &**record, self.dimension(connection, DimensionKey::of(record)).await?))"),
    ("store/writer.rs", ".push(message)"),
    ("store/writer.rs", ".push((record, load))"),
    ("store/writer.rs", ".push((Arc::new(record.clone()), Load::default()))"),
    ("store/writer.rs", ".push((place, addition.sums, histograms))"),
    ("store/incidents/mod.rs", ".push((sighting, record))"),
    ("store/incidents/mod.rs", ".push(IncidentNews { change, incident: Arc::new(draft.incident) })"),
    ("store/incidents/mod.rs", ".push(Draft::new(cause, at_us))"),
    ("store/incidents/mod.rs", ".push((number, record.id, sighting))"),
    ("store/incidents/judge.rs", ".push(Sighting { cause, impact, at_us: ended_us(record), model, error })"),
    (
        "store/incidents/judge.rs",
        ".push(Sighting { cause, impact, at_us: ended_us(record), model, error: \"plugin_failed\" })",
    ),
    (
        "store/incidents/judge.rs",
        ".push(Sighting { cause, impact, at_us: ended_us(record), model, error: \"price_unknown\" })",
    ),
    (
        "store/incidents/judge.rs",
        ".push(Sighting { cause, impact, at_us: ended_us(record), model, error: \"credentials_found\" })",
    ),
    (
        "store/incidents/judge.rs",
        ".push(Sighting { cause, impact, at_us, model: attempt.model.clone(), error: error.as_str() })",
    ),
    (
        "store/incidents/judge.rs",
        ".push(Sighting { cause, impact, at_us: ended_us(record), model, error: error.as_str() })",
    ),
    // Lists of files, records and waiting answers, the end of a file's name and of a line.
    ("store/spool.rs", ".push(path)"),
    ("store/spool.rs", ".push(context.waker().clone())"),
    ("store/file.rs", ".push(name)"),
    ("store/spool.rs", ".push(record)"),
    ("store/spool/line.rs", ".push(b'\\n')"),
    ("store/histogram.rs", ".push((number & 0x7f) as u8 | 0x80)"),
    ("store/histogram.rs", ".push(number as u8)"),
];

#[test]
fn bar_04_sql_text_is_constant_and_stands_in_the_store_alone() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut built = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).unwrap().display().to_string();
            if !name.ends_with(".rs") || name.ends_with("tests.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            let is_store = name.starts_with("store");
            let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            let code = code.join("\n");
            assert!(is_store || !code.contains("sqlx::query"), "{name}: SQL outside the store");
            // sqlx takes constants only, unless told otherwise by one of these words.
            for start in ["AssertSqlSafe(", "QueryBuilder::new(", ".push("].into_iter().filter(|_| is_store) {
                for (at, _) in code.match_indices(start) {
                    let arguments = code[at + start.len()..].trim_start();
                    if !arguments.starts_with('"') {
                        built.push((name.clone(), call_text(&code[at..], start.len())));
                    }
                }
            }
        }
    }
    let unread: Vec<_> =
        built.iter().filter(|(name, call)| !BUILT_SQL.contains(&(name.as_str(), call.as_str()))).collect();
    assert!(built.len() > 10, "the walk found {built:?}");
    assert!(unread.is_empty(), "SQL that nobody has read yet: {unread:#?}");
}

/// The call that begins here, to its closing bracket, in one line.
fn call_text(text: &str, opening: usize) -> String {
    let mut depth = 0_i32;
    let is_end = |(_, byte): &(usize, u8)| {
        depth += match byte {
            b'(' => 1,
            b')' => -1,
            _ => 0,
        };
        depth == 0
    };
    let end = text.bytes().enumerate().skip(opening - 1).find(is_end).map_or(text.len(), |(at, _)| at + 1);
    let lines: Vec<&str> = text[..end].lines().map(str::trim).collect();
    lines.concat()
}

/// Every name under which some client, SDK or gateway has taken an upstream address.
const ADDRESS_FIELDS: [&str; 26] = [
    "base_url",
    "baseURL",
    "baseUrl",
    "api_base",
    "apiBase",
    "api_url",
    "endpoint",
    "azure_endpoint",
    "host",
    "url",
    "uri",
    "target",
    "proxy",
    "http_proxy",
    "custom_host",
    "openai_api_base",
    "server_url",
    "callback_url",
    "webhook",
    "webhook_url",
    "file_url",
    "image_url",
    "model_list",
    "litellm_params",
    "provider",
    "upstream",
];

const ADDRESS_HEADERS: [&str; 28] = [
    "x-portkey-custom-host",
    "x-portkey-config",
    "x-base-url",
    "x-api-base",
    "x-upstream",
    "x-upstream-url",
    "x-target",
    "x-target-url",
    "x-forwarded-host",
    "x-forwarded-server",
    "x-forwarded-proto",
    "x-host",
    "x-original-host",
    "x-original-url",
    "x-rewrite-url",
    "x-proxy-url",
    "forwarded",
    "via",
    "referer",
    "location",
    "content-location",
    "destination",
    "x-provider",
    "x-profile",
    "openai-base-url",
    "helicone-target-url",
    "cf-aig-custom-host",
    "proxy-host",
];

#[tokio::test]
async fn bar_06_nothing_a_client_writes_chooses_the_host() {
    let rig = start().await;
    let canary = Provider::spawn(ProviderOptions::default()).await.unwrap();
    let (url, host) = (canary.url(), canary.addr().to_string());
    for (path, body) in calls() {
        // One field after the other, at the top and nested; then all of them at once.
        for field in ADDRESS_FIELDS {
            for (index, value) in
                [json!(url), json!({ field: url, "api_base": url }), json!([{ "url": url }])].into_iter().enumerate()
            {
                let mut evil = body.clone();
                evil[field] = value.clone();
                for nest in ["extra_body", "metadata", "options", "config", "generationConfig"] {
                    evil[nest] = json!({ field: value });
                }
                let answer = rig.client().post(path, &evil).await;
                assert!(answer.status.as_u16() < 500, "{path} {field} {index}: {}", answer.text());
            }
        }
        // What the provider is to look at is the provider's to fetch.
        let media = json!([
            {"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": url}},
                {"type": "input_image", "image_url": url},
                {"type": "image", "source": {"type": "url", "url": url}},
                {"type": "file", "file": {"file_url": url, "file_data": url}},
                {"type": "document", "source": {"type": "url", "url": url}},
            ]},
        ]);
        let tools =
            json!([{"type": "mcp", "server_url": url, "server_label": "x"}, {"type": "web_search", "url": url}]);
        let parts =
            json!([{"role": "user", "parts": [{"file_data": {"file_uri": url}}, {"fileData": {"fileUri": url}}]}]);
        let mut evil = body.clone();
        for (field, value) in
            [("messages", &media), ("input", &media), ("tools", &tools), ("mcp_servers", &tools), ("contents", &parts)]
        {
            evil[field] = value.clone();
        }
        rig.client().post(path, &evil).await;
        for model in [
            url.clone(),
            format!("{url}/v1"),
            format!("openai/{url}"),
            format!("@{host}"),
            format!("gpt-4o@{host}"),
            format!("//{host}/x"),
            format!("../../{host}"),
            format!("openai/../../../{host}"),
            format!("\\\\{host}\\x"),
        ] {
            let mut evil = body.clone();
            evil["model"] = json!(model);
            rig.client().post(path, &evil).await;
        }
        for header in ADDRESS_HEADERS {
            for value in
                [url.clone(), host.clone(), format!("host={host};proto=http"), format!("{{\"base_url\":\"{url}\"}}")]
            {
                let answer = rig.client().with(header, &value).post(path, &body).await;
                let told_so = answer.status.is_client_error();
                assert!(answer.status == 200 || told_so, "{path} {header}: {}", answer.text());
            }
        }
        let separator = if path.contains('?') { '&' } else { '?' };
        for field in ADDRESS_FIELDS {
            rig.client().post(&format!("{path}{separator}{field}={url}"), &body).await;
        }
        let bytes = body.to_string();
        for target in [
            format!("http://{host}{path}"),
            format!("//{host}{path}"),
            format!("/{url}{path}"),
            format!("/@{host}{path}"),
        ] {
            for named in [&host, &rig.address.to_string()] {
                let answer =
                    exchange(rig.address, post(&target, &format!("Host: {named}\r\n"), &bytes).as_bytes()).await;
                // An absolute target of this very machine is served by us, not forwarded.
                assert!(
                    matches!(status(&answer), 200 | 400 | 403 | 404 | 405 | 421),
                    "{target} with host {named}: {}",
                    status(&answer)
                );
            }
        }
    }
    assert_eq!(canary.ledger().counts().connections, 0, "the canary was called: {:?}", canary.ledger().last());
    let upstream = rig.upstream.addr().to_string();
    let calls = rig.upstream.ledger().calls();
    assert!(calls.len() > 1000, "the good upstream was called {} times only", calls.len());
    assert!(calls.iter().all(|call| call.header("host") == Some(&upstream)));
    assert!(calls.iter().all(|call| !call.path.contains(&host)), "no address may get into the path");
}

#[tokio::test]
async fn bar_07_redirects_are_never_followed() {
    let rig = start().await;
    let canary = Provider::spawn(ProviderOptions::default()).await.unwrap();
    let mut expected = 0;
    for (path, body) in calls() {
        for redirect in [300, 301, 302, 303, 307, 308] {
            for to in [
                format!("{}/v1/chat/completions", canary.url()),
                format!("//{}/x", canary.addr()),
                "/elsewhere".to_owned(),
            ] {
                rig.upstream.script(Script::fault(Fault::Redirect { status: redirect, to }));
                let answer = rig.client().post(path, &body).await;
                assert_eq!(answer.status, 502, "{path} {redirect}: {}", answer.text());
                assert!(
                    !answer.headers.contains_key("location") && !answer.text().contains(&canary.addr().to_string())
                );
                expected += 1;
            }
        }
    }
    assert_eq!(canary.ledger().counts().connections, 0);
    assert_eq!(rig.upstream.ledger().counts().calls, expected, "one call each, none repeated");
    let records = rig.records_when(usize::try_from(expected).unwrap()).await;
    for record in &records {
        assert_eq!(
            (&record["outcome"], &record["error_kind"]),
            (&json!("error"), &json!("upstream_redirect")),
            "{record}"
        );
        assert_eq!((&record["status"], &record["attempts"]), (&json!(502), &json!(1)), "{record}");
    }
    let newest = records[0]["id"].as_str().unwrap();
    let detail = rig.client().get(&format!("/v1/records/{newest}")).await.expect(200);
    let row = &detail["attempt_rows"][0];
    assert_eq!((&row["error_kind"], &row["status"]), (&json!("upstream_redirect"), &Value::Null), "{detail}");
}

/// The answer to a chat call whose upstream sends `head` and `body` as they are.
async fn raw_answer(rig: &Rig, head: &[u8], body: &[u8], request: &Value) -> Vec<u8> {
    let head = Payload::Bytes(Bytes::copy_from_slice(head));
    let script = Script::answer(200, Bytes::copy_from_slice(body));
    rig.upstream.script(Script { fault: Some(Fault::RawHead { head }), ..script });
    let request = post("/v1/chat/completions", &format!("Host: {}\r\n", rig.address), &request.to_string());
    exchange(rig.address, request.as_bytes()).await
}

/// Frees a raw answer's body of the chunked coding.
fn body_of(answer: &[u8]) -> Vec<u8> {
    let at = memchr::memmem::find(answer, b"\r\n\r\n").expect("a head") + 4;
    let (head, mut rest) = (String::from_utf8_lossy(&answer[..at]).to_lowercase(), &answer[at..]);
    if !head.contains("transfer-encoding: chunked") {
        return rest.to_vec();
    }
    let mut body = Vec::new();
    while let Some(end) = memchr::memmem::find(rest, b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            break;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
    body
}

#[tokio::test]
async fn bar_28_no_byte_of_an_upstream_becomes_a_header_or_an_event() {
    let rig = start().await;
    let chat = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]});
    let good = post("/v1/chat/completions", &format!("Host: {}\r\n", rig.address), &chat.to_string());
    let good = exchange(rig.address, good.as_bytes()).await;
    let usual = header_names(&good);
    let body = b"{}";
    let hostile: [&[u8]; 17] = [
        b"X-A: 1\r\r\nx-injected: 1",
        b"X-A: 1\rx-injected: 1",
        b"X-A: 1\0x-injected: 1",
        b"X-A: 1\r\n x-injected: 1",
        b"X-A: 1\r\n\tx-injected: 1",
        b"X-A : 1\r\nx-injected : 1",
        b"X A: 1\r\nx-injected\0: 1",
        b"X-A: %0d%0ax-injected: 1",
        b"X-A: \\r\\nx-injected: 1",
        b"X-A: \xe5\x98\x8a\xe5\x98\x8dx-injected: 1",
        b"X-A: \xc4\x8d\xc4\x8ax-injected: 1",
        b"x-request-id: 1\rx-injected: 1",
        b"x-request-id: 1\0\rx-injected: 1",
        b"x-gateway-record: forged\r\nx-gateway-cost-microcents: 0",
        b"set-cookie: llm_gateway_session=evil\r\naccess-control-allow-origin: *",
        b"transfer-encoding: chunked, x-injected",
        b"connection: x-injected, close\r\nx-injected: 1",
    ];
    for lines in hostile {
        for line_end in [&b"\r\n"[..], b"\n"] {
            let head = [
                &b"HTTP/1.1 200 OK"[..],
                line_end,
                b"content-type: application/json",
                line_end,
                lines,
                line_end,
                line_end,
            ]
            .concat();
            let answer = raw_answer(&rig, &head, body, &chat).await;
            let shown = String::from_utf8_lossy(lines).into_owned();
            let names = header_names(&answer);
            assert!(!names.iter().any(|name| name.trim() == "x-injected"), "{shown:?}: {names:?}");
            assert!(
                !names.iter().any(|name| name == "set-cookie" || name == "access-control-allow-origin"),
                "{shown:?}: {names:?}"
            );
            assert_eq!(names.iter().filter(|name| *name == "x-gateway-record").count(), 1, "{shown:?}");
            assert!(!String::from_utf8_lossy(&answer).contains("x-gateway-record: forged"), "{shown:?}");
            let foreign: Vec<_> = names.iter().filter(|name| !usual.contains(name)).collect();
            let known =
                ["x-a", "connection", "transfer-encoding", "content-length", "x-should-retry", "x-gateway-failures"];
            assert!(foreign.iter().all(|name| known.contains(&name.as_str())), "{shown:?} added {foreign:?}");
            assert!(!answer[..memchr::memmem::find(&answer, b"\r\n\r\n").unwrap()].contains(&0), "{shown:?}");
            if status(&answer) == 200 {
                assert_eq!(body_of(&answer), body, "{shown:?}");
            }
        }
    }
    // Two answers in one, an answer before the answer, a body that looks like an answer.
    let smuggled = [
        &b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"[..],
        b"HTTP/1.1 100 Continue\r\nx-injected: 1\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 99\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n",
    ];
    let second = b"{}HTTP/1.1 200 OK\r\nx-injected: 1\r\ncontent-length: 6\r\n\r\nforged";
    for head in smuggled {
        for _ in 0..2 {
            let answer = raw_answer(&rig, head, second, &chat).await;
            assert!(!String::from_utf8_lossy(&answer).contains("forged"), "{}", String::from_utf8_lossy(head));
            assert!(!header_names(&answer).iter().any(|name| name == "x-injected"));
        }
        // The next call on a kept connection gets its own answer.
        let next = rig.client().post("/v1/chat/completions", &chat).await;
        assert!(next.status == 200 && next.text().contains("chat.completion"), "{}", next.text());
    }
}

/// What could end an event early, or begin one.
const BREAKERS: [&str; 10] = [
    "x\n\nevent: forged\ndata: {}\n\n",
    "x\r\n\r\ndata: forged\r\n\r\n",
    "x\r\rdata: forged\r\r",
    "x\u{0}\u{1b}[2J",
    "x\"}\n\ndata: {\"forged\":1}",
    "x\u{2028}data: forged\u{2029}",
    "x\u{85}data: forged",
    "data: [DONE]\n\n",
    "\u{feff}data: forged",
    "</script><script>forged()</script>",
];

#[tokio::test]
async fn bar_28_names_and_error_texts_of_an_upstream_stay_text() {
    let rig = start().await;
    let stream =
        |model: &str| json!({"model": model, "stream": true, "messages": [{"role": "user", "content": "Hello"}]});
    let mut live = rig.client().open(Method::GET, "/v1/records/live", None).await.into_body();
    for (index, text) in BREAKERS.into_iter().enumerate() {
        // As the model that the client names: no header, and one JSON string upstream.
        let answer = rig.client().post("/v1/chat/completions", &stream(text)).await;
        assert_eq!(answer.status, 200, "{text:?}: {}", answer.text());
        assert!(!answer.headers.contains_key("event") && !answer.headers.contains_key("data"));
        assert_eq!(rig.upstream.ledger().last().unwrap().json().unwrap()["model"], text);
        // As the model, id and finish reason of the provider: relayed as it came, one string in the record.
        let chunk = json!({"id": text, "object": "chat.completion.chunk", "model": text, "choices": [
            {"index": 0, "delta": {"content": text}, "finish_reason": text}]});
        let sent = format!("data: {chunk}\n\ndata: [DONE]\n\n");
        rig.upstream.script(Script::stream([sent.clone()]));
        let answer = rig.client().post("/v1/chat/completions", &stream("gpt-4o")).await;
        assert_eq!(answer.text(), sent, "byte for byte");
        // As the text of an error: the body is the provider's own, and no header comes of it.
        let error = json!({"error": {"message": text, "type": text, "code": text}}).to_string();
        rig.upstream.script(Script::answer(400, error.clone()).with_header("content-type", "application/json"));
        let answer = rig.client().post("/v1/chat/completions", &stream("gpt-4o")).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (400, error));
        // Broken off in the middle of it: one event of ours follows, whatever was open.
        let (half, _) = sent.split_at(sent.len() / 2);
        let cut =
            Script { fault: Some(Fault::ResetInBody { after_bytes: half.len() }), ..Script::stream([sent.clone()]) };
        rig.upstream.script(cut);
        let request = rig.client().with("x-request-id", &format!("id-{index}-\"}}\\n\\ndata: forged"));
        let answer = request.post("/v1/chat/completions", &stream("gpt-4o")).await;
        let rest = answer.text().strip_prefix(half).unwrap_or_else(|| panic!("{}", answer.text())).to_owned();
        let event = rest.strip_prefix("\n\n").expect("the open event is ended first").to_owned();
        let data = event
            .strip_prefix("data: ")
            .and_then(|event| event.strip_suffix("\n\n"))
            .unwrap_or_else(|| panic!("{event:?}"));
        assert!(!data.contains('\n') && !data.contains('\r'), "one event: {event:?}");
        let error: Value = serde_json::from_str(data).unwrap();
        assert!(error["error"]["message"].is_string(), "{error}");
    }
    let records = rig.records_when(BREAKERS.len() * 4).await;
    // The live feed tells each record as one event, whatever stands in it.
    let mut fed = Vec::new();
    while fed.windows(6).filter(|window| *window == b"\ndata:").count() < records.len() {
        use http_body_util::BodyExt as _;
        let frame = tokio::time::timeout(std::time::Duration::from_secs(10), live.frame())
            .await
            .expect("events")
            .unwrap()
            .unwrap();
        fed.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new()));
    }
    for line in String::from_utf8(fed).unwrap().lines() {
        let field = line.split(':').next().unwrap_or_default();
        assert!(matches!(field, "" | "id" | "event" | "data" | "retry"), "{line:?}");
        if let Some(data) = line.strip_prefix("data:") {
            let record: Value = serde_json::from_str(data.trim_start()).unwrap_or_else(|_| panic!("{line:?}"));
            assert!(record["id"].is_string(), "{line:?}");
        }
    }
}
