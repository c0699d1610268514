//! Where a canary hides from whoever looks at fields alone: addresses and heads, JSON within JSON within JSON, files
//! in base64, forms, lines of a stream that are no data, and behind a stream's end.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Method;
use llm_gateway::demo::Script;
use serde_json::{Value, json};

use super::{CANARY, assert_unseen, escaped, rig};
use crate::harness::{
    client::{Client, PATIENCE},
    gateway::{Rig, start_with},
    process::Process,
};

fn chat(content: &str) -> Value {
    json!({"model": "gpt-4o", "messages": [{"role": "user", "content": content}]})
}

/// What the provider saw of the last call: address, head and body.
fn seen(rig: &Rig) -> String {
    let call = rig.upstream.ledger().last().unwrap();
    let headers: String =
        call.headers.iter().map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value))).collect();
    let query = call.query.clone().unwrap_or_default();
    format!("{}?{query}\n{headers}\n{}", call.path, String::from_utf8_lossy(&call.body))
}

#[tokio::test]
async fn bar_31_queries_paths_and_headers_of_requests_hide_no_canary() {
    let encoded = CANARY.replace('@', "%40");
    for action in ["log", "redact", "mask", "block"] {
        let rig = rig(action).await;
        rig.upstream.always(Some(Script::answer(200, "{}")));
        let with_header = rig.client().with("x-note", &format!("for {CANARY}, you"));
        let agent = rig.client().with("user-agent", &format!("bot/1.0 ({CANARY})"));
        let queries = [format!("/v1/chat/completions?who={encoded}&a=b"), format!("/v1/chat/completions?{encoded}=1")];
        for (client, path) in [
            (with_header, "/v1/chat/completions"),
            (agent, "/v1/chat/completions"),
            (rig.client(), queries[0].as_str()),
            (rig.client(), queries[1].as_str()),
        ] {
            let calls = rig.upstream.ledger().counts().calls;
            let answer = client.post(path, &chat("Hello")).await;
            if action == "block" {
                assert_eq!(answer.code(403), "content_blocked", "{path}");
                let text = answer.text();
                assert!(text.contains("EMAIL in header.") || text.contains("EMAIL in query."), "{text}");
                assert_eq!(rig.upstream.ledger().counts().calls, calls);
                continue;
            }
            assert_eq!(answer.status, 200, "{action} {path}: {}", answer.text());
            let seen = seen(&rig);
            let shows = seen.contains(CANARY) || seen.contains(&encoded);
            assert_eq!(shows, action == "log", "{action} {path}: {seen}");
        }
        let path = format!("/v1/files/{encoded}/content");
        let status = rig.client().get(&path).await.status;
        assert_eq!(status == 403, action != "log", "{action}: nothing can be replaced in a path, {status}");
        let clean = rig.client().with("user-agent", "bot/1.0 (+https://bot.test)");
        clean.post("/v1/chat/completions?a=%62+c&d", &chat("Hello")).await.expect(200);
        let seen = rig.upstream.ledger().last().unwrap();
        assert_eq!(
            (seen.query.as_deref(), seen.header("user-agent")),
            (Some("a=%62+c&d"), Some("bot/1.0 (+https://bot.test)"))
        );
    }
}

#[tokio::test]
async fn headers_of_answers_and_the_providers_id_hide_no_canary() {
    for (action, status) in [("log", 200), ("redact", 200), ("block", 403)] {
        let rig = rig(action).await;
        let script = Script::answer(200, "{\"choices\":[]}").with_header("content-type", "application/json");
        let script = script.with_header("x-request-id", CANARY).with_header("x-note", &format!("by {CANARY}"));
        rig.upstream.always(Some(script));
        let answer = rig.client().post("/v1/chat/completions", &chat("Hello")).await;
        assert_eq!(answer.status, status, "{action}: {}", answer.text());
        let head = format!("{:?}", answer.headers);
        assert_eq!(head.contains(CANARY), action == "log", "{head}");
        assert_eq!(head.contains("by [REDACTED|EMAIL]"), action == "redact", "{head}");
        let record = rig.only_record().await;
        let detail = rig.client().get(&format!("/v1/records/{}", record["id"].as_str().unwrap())).await.expect(200);
        let id = detail["provider_request_id"].as_str().map(str::to_owned);
        let expected = match action {
            "log" => Some(CANARY.to_owned()),
            "redact" => Some("[REDACTED|EMAIL]".to_owned()),
            _ => None,
        };
        assert_eq!(id, expected, "{detail:#}");
        assert!(detail.to_string().contains("header.x-note"), "{detail:#}");
    }
}

#[tokio::test]
async fn bar_31_json_within_json_and_files_in_base64_hide_no_canary() {
    let rig = rig("redact").await;
    rig.upstream.always(Some(Script::answer(200, "{}")));
    let nest = |times: usize| {
        (0..times).fold(format!("{{\"to\":\"{}\"}}", escaped(CANARY)), |text, _| json!({"a": text}).to_string())
    };
    for times in 0..4 {
        let call = json!({"id": "call_1", "type": "function", "function": {"name": "f", "arguments": nest(times)}});
        let body = json!({"model": "gpt-4o", "messages": [{"role": "assistant", "tool_calls": [call]}]});
        rig.client().post("/v1/chat/completions", &body).await.expect(200);
        let call = rig.upstream.ledger().last().unwrap().json().unwrap();
        let mut arguments =
            call.pointer("/messages/0/tool_calls/0/function/arguments").unwrap().as_str().unwrap().to_owned();
        for _ in 0..times {
            arguments = serde_json::from_str::<Value>(&arguments).unwrap()["a"].as_str().unwrap().to_owned();
        }
        assert_eq!(serde_json::from_str::<Value>(&arguments).unwrap(), json!({"to": "[REDACTED|EMAIL]"}), "{times}");
    }
    let file = STANDARD.encode(format!("name,mail\nJo,{CANARY}\n"));
    for part in [
        json!({"type": "file", "file": {"filename": "a.csv", "file_data": format!("data:text/csv;base64,{file}")}}),
        json!({"type": "file", "file": {"filename": "a.csv", "file_data": file}}),
    ] {
        let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": [part]}]});
        rig.client().post("/v1/chat/completions", &body).await.expect(200);
        let call = rig.upstream.ledger().last().unwrap().json().unwrap();
        let data = call.pointer("/messages/0/content/0/file/file_data").unwrap().as_str().unwrap();
        let text = STANDARD.decode(data.rsplit(',').next().unwrap()).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "name,mail\nJo,[REDACTED|EMAIL]\n");
    }
    let unreadable = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": [
        {"type": "file", "file": {"file_data": "data:text/plain;base64,a"}}]}]});
    assert_eq!(rig.client().post("/v1/chat/completions", &unreadable).await.code(400), "invalid_request");

    let form = rig.client().with("content-type", "application/x-www-form-urlencoded");
    let body = format!("purpose=batch&note=ask+{}", CANARY.replace('@', "%40"));
    assert_eq!(form.send(Method::POST, "/v1/files", Some(body.into())).await.status, 200);
    let call = rig.upstream.ledger().last().unwrap();
    assert_eq!(call.body, "purpose=batch&note=ask%20%5BREDACTED%7CEMAIL%5D");
}

#[tokio::test]
async fn bar_31_a_key_longer_than_may_be_held_leaves_no_tail() {
    let rig = start_with("[sanitization]\nenabled = true\n[sanitization.actions]\ncredentials = \"redact\"\n").await;
    rig.upstream.always(Some(Script::answer(200, "{}")));
    let line = "qZ7kVn0pXw2mRt5yUb8eHc4gJf1sLd6aQo3iMxKzTvBnYwPrEhGuCjDlFsOaZq9W\n";
    let key = format!(
        "{}{}{}",
        concat!("-----BEGIN RSA PRIVATE", " KEY-----\n"),
        line.repeat(600),
        concat!("-----END RSA PRIVATE", " KEY-----")
    );
    assert!(key.len() > 39_000);
    rig.client().post("/v1/chat/completions", &chat(&format!("see {key} there"))).await.expect(200);
    let call = rig.upstream.ledger().last().unwrap().json().unwrap();
    assert_eq!(call["messages"][0]["content"], "see [REDACTED|PRIVATE_KEY] there");
    let events: String = format!("see {key} there")
        .as_bytes()
        .chunks(700)
        .map(|piece| {
            format!(
                "data: {}\n\n",
                json!({"choices": [{"index": 0, "delta": {"content": String::from_utf8_lossy(piece)}}]})
            )
        })
        .collect();
    rig.upstream.script(Script::stream([events + "data: [DONE]\n\n"]));
    let request = json!({"model": "gpt-4o", "stream": true, "messages": []});
    let text = rig.client().post("/v1/chat/completions", &request).await.text();
    assert!(
        !text.contains("qZ7kVn0p") && text.contains("[REDACTED|PRIVATE_KEY]") && text.contains(" there"),
        "{}",
        text.len()
    );
}

#[tokio::test]
async fn lines_besides_data_and_what_follows_an_end_hide_no_canary() {
    let delta = |text: &str, more: Value| {
        format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": more}]}))
    };
    let request = json!({"model": "gpt-4o", "stream": true, "messages": [], "stream_options": {"include_usage": true}});
    let rig = rig("redact").await;
    for piece in [1, 7, 1_000_000] {
        let mut script = Script::stream([format!(
            ": {CANARY}\n\nid: {CANARY}\nevent: {CANARY}\nwhat: {CANARY}\n{}data: [DONE]\n\n",
            delta("Hi", Value::Null)
        )]);
        script.rechunk_bytes = Some(piece);
        rig.upstream.script(script);
        let text = rig.client().post("/v1/chat/completions", &request).await.text();
        assert_unseen(text.as_bytes(), "a stream");
        assert_eq!(text.matches("[REDACTED|EMAIL]").count(), 4, "{text}");
    }
    let (first, second) = CANARY.split_at(9);
    for end in [
        delta("", json!("stop")),
        "data: [DONE]\n\n".to_owned(),
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning\":\"hm. \"}}]}\n\n".to_owned(),
    ] {
        let mut script = Script::stream([delta(first, Value::Null)
            + &end
            + &delta(second, Value::Null)
            + &delta(" x", Value::Null)]);
        script.rechunk_bytes = Some(50);
        rig.upstream.script(script);
        let text = rig.client().post("/v1/chat/completions", &request).await.text();
        assert!(!text.contains(second), "{text}");
        assert!(text.contains("sanitizer_failed"), "{text}");
    }
}

#[tokio::test]
async fn rules_that_cannot_be_leave_the_old_ones_in_force_when_the_file_changes() {
    let upstream = llm_gateway::demo::Provider::spawn(llm_gateway::demo::ProviderOptions::default()).await.unwrap();
    upstream.always(Some(Script::answer(200, "{}")));
    let dir = tempfile::tempdir().unwrap();
    let provider = format!(
        "[[providers]]\nid = \"openai\"\nprovider_type = \"openai\"\napi_key = \"sk-test\"\nbase_url = \"{}/v1\"\n",
        upstream.url()
    );
    let put = |rules: &str| {
        let spare = dir.path().join("spare");
        std::fs::write(&spare, format!("{provider}[sanitization]\nenabled = true\n{rules}")).unwrap();
        std::fs::rename(&spare, dir.path().join("config.toml")).unwrap();
    };
    put("[sanitization.actions]\nemail = \"redact\"\n");
    let mut gateway = Process::start(dir.path()).await;
    let client = Client::new(gateway.address);
    let content = async || {
        client.post("/v1/chat/completions", &chat(&format!("{CANARY} 1234"))).await.expect(200);
        upstream.ledger().last().unwrap().json().unwrap()["messages"][0]["content"].as_str().unwrap().to_owned()
    };
    assert_eq!(content().await, "[REDACTED|EMAIL] 1234");
    for (rules, told) in [
        ("[sanitization.actions]\nemial = \"redact\"\n", "did you mean email"),
        ("[[sanitization.patterns]]\nname = \"p\"\npattern = 'a(b'\naction = \"log\"\n", "unclosed group"),
        ("[[sanitization.patterns]]\nname = \"Email\"\npattern = 'a'\naction = \"log\"\n", "choose another"),
    ] {
        put(rules);
        let begun = tokio::time::Instant::now();
        while !gateway.log().contains(told) {
            assert!(begun.elapsed() < PATIENCE, "{rules}: {}", gateway.log());
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(content().await, "[REDACTED|EMAIL] 1234", "the old rules stay");
    }
    assert!(gateway.log().contains("the old one stays"), "{}", gateway.log());
    put(
        "[sanitization.actions]\nemail = \"log\"\n[[sanitization.patterns]]\nname = \"four\"\npattern = '[0-9]{4}'\naction = \"redact\"\n",
    );
    let begun = tokio::time::Instant::now();
    while content().await != format!("{CANARY} [REDACTED|FOUR]") {
        assert!(begun.elapsed() < PATIENCE, "{}", gateway.log());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    gateway.signal(rustix::process::Signal::TERM);
    assert!(gateway.ended().await.success());
}
