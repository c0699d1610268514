//! Any client API on any provider API, through a whole gateway: answers, streams, tools, errors, fallback.

use llm_gateway::demo::{Chunk, Payload, Script};
use serde_json::{Value, json};

use super::harness::gateway::{Rig, start, start_with};

/// The five ways to ask, and a model that each provider of the rig is known to serve.
const CLIENTS: [&str; 5] = ["chat", "responses", "messages", "gemini", "ollama"];
const MODELS: [(&str, &str); 4] = [
    ("openai", "openai/gpt-4o"),
    ("anthropic", "anthropic/claude-sonnet-4-5"),
    ("gemini", "gemini/gemini-2.5-flash"),
    ("ollama", "ollama/llama3.2"),
];

/// The API that a provider speaks natively, as records name it.
fn api_of(provider: &str) -> &str {
    if provider == "openai" { "openai_chat" } else { provider }
}

fn api(client: &str) -> &str {
    match client {
        "chat" => "openai_chat",
        "responses" => "openai_responses",
        "messages" => "anthropic",
        other => other,
    }
}

/// Path and body of a question as a client asks it.
fn question(client: &str, model: &str, stream: bool, with_tool: bool) -> (String, Value) {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let function = json!({"name": "weather", "description": "Tells the weather.", "parameters": schema});
    let (path, mut body, tools) = match client {
        "chat" => (
            "/v1/chat/completions".to_owned(),
            json!({"model": model, "stream": stream, "stream_options": {"include_usage": true},
                "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello there"}]}),
            json!([{"type": "function", "function": function}]),
        ),
        "responses" => (
            "/v1/responses".to_owned(),
            json!({"model": model, "stream": stream, "instructions": "Be brief.", "input": "hello there"}),
            json!([{"type": "function", "name": "weather", "parameters": schema}]),
        ),
        "messages" => (
            "/v1/messages".to_owned(),
            json!({"model": model, "stream": stream, "max_tokens": 200, "system": "Be brief.",
                "messages": [{"role": "user", "content": "hello there"}]}),
            json!([{"name": "weather", "input_schema": schema}]),
        ),
        "gemini" => (
            format!(
                "/v1beta/models/{model}:{}",
                if stream { "streamGenerateContent?alt=sse" } else { "generateContent" }
            ),
            json!({"systemInstruction": {"parts": [{"text": "Be brief."}]},
                "contents": [{"role": "user", "parts": [{"text": "hello there"}]}]}),
            json!([{"functionDeclarations": [function]}]),
        ),
        _ => (
            "/api/chat".to_owned(),
            json!({"model": model, "stream": stream,
                "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello there"}]}),
            json!([{"type": "function", "function": function}]),
        ),
    };
    if with_tool {
        body["tools"] = tools;
    }
    (path, body)
}

/// The documents of an answer: one, or one for each event.
fn documents(client: &str, stream: bool, body: &[u8]) -> Vec<Value> {
    if !stream {
        return vec![serde_json::from_slice(body).unwrap()];
    }
    if client == "ollama" {
        let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        return lines.map(|line| serde_json::from_slice(line).unwrap()).collect();
    }
    let mut events = Vec::new();
    llm_gateway::dialect::sse::Reader::default().feed(body, |event| {
        if event.data != b"[DONE]" {
            events.push(serde_json::from_slice(event.data).unwrap());
        }
    });
    events
}

/// Text, name and arguments of a call, and output tokens that an answer tells, whatever the API.
fn said(client: &str, documents: &[Value]) -> (String, Option<(String, String)>, Option<u64>) {
    let at = |document: &Value, pointer: &str| document.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let (mut text, mut name, mut arguments, mut tokens) = (String::new(), None, String::new(), None);
    for document in documents {
        let texts: &[&str] = match client {
            "chat" => &["/choices/0/message/content", "/choices/0/delta/content"],
            "responses" if document["type"] == "response.output_text.delta" => &["/delta"],
            "messages" => &["/content/0/text", "/delta/text"],
            "gemini" => &["/candidates/0/content/parts/0/text"],
            "ollama" => &["/message/content"],
            _ => &[],
        };
        text.extend(texts.iter().filter_map(|pointer| at(document, pointer)));
        let (names, parts): (&[&str], &[&str]) = match client {
            "chat" => (
                &["/choices/0/message/tool_calls/0/function/name", "/choices/0/delta/tool_calls/0/function/name"],
                &[
                    "/choices/0/message/tool_calls/0/function/arguments",
                    "/choices/0/delta/tool_calls/0/function/arguments",
                ],
            ),
            "messages" => (&["/content/0/name", "/content/1/name", "/content_block/name"], &["/delta/partial_json"]),
            "gemini" => (
                &["/candidates/0/content/parts/0/functionCall/name", "/candidates/0/content/parts/1/functionCall/name"],
                &[],
            ),
            "ollama" => (&["/message/tool_calls/0/function/name"], &[]),
            _ => (&[], &[]),
        };
        name = name.or_else(|| names.iter().find_map(|pointer| at(document, pointer)));
        arguments.extend(parts.iter().filter_map(|pointer| at(document, pointer)));
        for object in [
            "/content/0/input",
            "/content/1/input",
            "/candidates/0/content/parts/1/functionCall/args",
            "/candidates/0/content/parts/0/functionCall/args",
            "/message/tool_calls/0/function/arguments",
        ] {
            if let Some(object) = document.pointer(object).filter(|object| object.is_object()) {
                arguments += &object.to_string();
            }
        }
        let is_whole = document["object"] == "response" || document["type"] == "response.completed";
        for item in document["output"].as_array().or(document["response"]["output"].as_array()).into_iter().flatten() {
            if is_whole && item["type"] == "function_call" {
                name = item["name"].as_str().map(str::to_owned);
                arguments = item["arguments"].as_str().unwrap().to_owned();
            } else if document["object"] == "response" && item["type"] == "message" {
                text += item["content"][0]["text"].as_str().unwrap();
            }
        }
        for pointer in [
            "/usage/completion_tokens",
            "/usage/output_tokens",
            "/response/usage/output_tokens",
            "/usageMetadata/candidatesTokenCount",
            "/eval_count",
        ] {
            tokens = document.pointer(pointer).and_then(Value::as_u64).or(tokens);
        }
    }
    (text, name.map(|name| (name, arguments)), tokens)
}

async fn ask(rig: &Rig, client: &str, model: &str, stream: bool, with_tool: bool) -> Vec<Value> {
    let (path, body) = question(client, model, stream, with_tool);
    let answer = rig.client().post(&path, &body).await;
    assert_eq!(answer.status.as_u16(), 200, "{client} {model}: {}", String::from_utf8_lossy(&answer.body));
    let kind = answer.headers["content-type"].to_str().unwrap();
    let expected = match (client, stream) {
        ("ollama", true) => "application/x-ndjson",
        (_, true) => "text/event-stream",
        (_, false) => "application/json",
    };
    assert!(kind.starts_with(expected), "{client} {model}: {kind}");
    documents(client, stream, &answer.body)
}

#[tokio::test]
async fn every_client_gets_text_and_usage_from_every_provider() {
    let rig = start().await;
    let mut count = 0;
    for client in CLIENTS {
        for (provider, model) in MODELS {
            for stream in [false, true] {
                let script = Script { echo_chars: Some(4), ..Script::default() };
                rig.upstream.script(script);
                let documents = ask(&rig, client, model, stream, false).await;
                let (text, _, tokens) = said(client, &documents);
                assert_eq!(text, "hello there", "{client} {model} {stream}: {documents:#?}");
                assert!(tokens.is_some(), "{client} {model} {stream}: {documents:#?}");
                count += 1;
                let record = &rig.records_when(count).await[0];
                assert_eq!(record["provider"], provider);
                assert_eq!(record["client_api"], api(client));
                let same = provider == "openai" && client == "responses";
                let asked = if same { "openai_responses" } else { api_of(provider) };
                assert_eq!((&record["provider_api"], &record["outcome"]), (&json!(asked), &json!("ok")), "{record:#}");
                assert!(record["output_tokens"].as_u64().is_some(), "{record:#}");
            }
        }
    }
}

#[tokio::test]
async fn every_client_gets_the_calls_of_every_provider() {
    let rig = start().await;
    for client in CLIENTS {
        for (_, model) in MODELS {
            for stream in [false, true] {
                let documents = ask(&rig, client, model, stream, true).await;
                let (_, call, _) = said(client, &documents);
                let (name, arguments) = call.unwrap_or_else(|| panic!("{client} {model} {stream}: {documents:#?}"));
                assert_eq!(name, "weather");
                let arguments: Value = serde_json::from_str(&arguments).unwrap_or_else(|_| panic!("{arguments}"));
                assert!(arguments["city"].is_string(), "{client} {model}: {arguments}");
            }
        }
    }
}

#[tokio::test]
async fn what_has_no_place_is_named_and_refused_where_it_must_be() {
    let rig = start().await;
    let body = json!({"model": "anthropic/claude-sonnet-4-5", "seed": 1, "logit_bias": {}, "user": "u",
        "messages": [{"role": "user", "name": "ann", "content": "x"}]});
    let answer = rig.client().post("/v1/chat/completions", &body).await;
    assert_eq!(answer.headers["x-gateway-dropped"], "logit_bias,messages[].name,seed");
    let sent = rig.upstream.ledger().last().unwrap();
    assert_eq!(sent.json().unwrap()["metadata"], json!({"user_id": "u"}));
    assert_eq!(sent.path, "/v1/messages");
    let calls = rig.upstream.ledger().calls().len();
    let body = json!({"model": "anthropic/claude-sonnet-4-5", "n": 2, "messages": [{"role": "user", "content": "x"}]});
    let answer = rig.client().post("/v1/chat/completions", &body).await;
    let told: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status.as_u16(), &told["error"]["code"]), (400, &json!("not_translatable")), "{told}");
    assert!(told["error"]["message"].as_str().unwrap().contains("`n`"), "{told}");
    assert_eq!(rig.upstream.ledger().calls().len(), calls);
    // The same API on both sides passes what a translation could not.
    let body = json!({"model": "openai/gpt-4o", "n": 2, "messages": [{"role": "user", "content": "x"}]});
    let answer = rig.client().post("/v1/chat/completions", &body).await;
    assert!(answer.status.is_success() && !answer.headers.contains_key("x-gateway-dropped"));
    let strict = start_with("[translation]\ndrop_unsupported = false").await;
    let body =
        json!({"model": "anthropic/claude-sonnet-4-5", "seed": 1, "messages": [{"role": "user", "content": "x"}]});
    let answer = strict.client().post("/v1/chat/completions", &body).await;
    assert_eq!(answer.status.as_u16(), 400);
    assert!(String::from_utf8_lossy(&answer.body).contains("seed"));
}

#[tokio::test]
async fn errors_come_in_the_clients_words() {
    let rig = start().await;
    let scripted = |status: u16, body: &str| Script {
        status: Some(status),
        headers: vec![("content-type".into(), "application/json".into())],
        body: Some(Payload::Text(body.into())),
        ..Script::default()
    };
    let too_long = r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 tokens > 8 maximum"}}"#;
    let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let rows = [
        ("chat", 400, too_long, 400, "/error/code", "context_length_exceeded"),
        ("gemini", 400, too_long, 400, "/error/status", "INVALID_ARGUMENT"),
        ("chat", 529, overloaded, 503, "/error/code", "overloaded"),
        ("gemini", 529, overloaded, 503, "/error/status", "UNAVAILABLE"),
        ("ollama", 529, overloaded, 503, "/error", "Overloaded"),
        ("responses", 529, overloaded, 503, "/error/code", "overloaded"),
    ];
    for (client, status, body, told_status, pointer, word) in rows {
        rig.upstream.script(scripted(status, body));
        let (path, question) = question(client, "anthropic/claude-sonnet-4-5", false, false);
        let answer = rig.client().post(&path, &question).await;
        let told: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer.status.as_u16(), told_status, "{client}: {told}");
        assert_eq!(told.pointer(pointer), Some(&json!(word)), "{client}: {told}");
    }
    rig.upstream.script(scripted(
        429,
        r#"{"error":{"message":"slow down","type":"rate_limit_error","code":"rate_limit_exceeded"}}"#,
    ));
    let (path, body) = question("messages", "openai/gpt-4o", false, false);
    let answer = rig.client().post(&path, &body).await;
    let told: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status.as_u16(), &told["error"]["type"]), (429, &json!("rate_limit_error")), "{told}");
}

#[tokio::test]
async fn a_stream_that_dies_midway_ends_with_the_clients_error() {
    let rig = start().await;
    let begin = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hel\"}}]}\n\n";
    let error = "data: {\"error\":{\"message\":\"boom\",\"type\":\"server_error\"}}\n\n";
    for (last, kind) in [(error, "upstream_error"), ("", "upstream_protocol")] {
        let chunk = |text: &str| Chunk { payload: Payload::Text(text.into()), after_ms: 0 };
        let script = Script {
            headers: vec![("content-type".into(), "text/event-stream".into())],
            chunks: Some(vec![chunk(begin), chunk(last)]),
            ..Script::default()
        };
        rig.upstream.script(script);
        let (path, body) = question("messages", "openai/gpt-4o", true, false);
        let answer = rig.client().post(&path, &body).await;
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        assert!(text.contains("\"text\":\"hel\"") && text.contains("event: error"), "{text}");
        assert!(!text.contains("message_stop"), "{text}");
        let records = rig.records().await;
        assert_eq!((&records[0]["outcome"], &records[0]["error_kind"]), (&json!("error"), &json!(kind)));
    }
}

#[tokio::test]
async fn a_fallback_crosses_apis() {
    let model = "[[models]]\nname = \"any\"\ntargets = [\"openai/gpt-4o\"]\nfallbacks = [\"anthropic/claude-sonnet-4-5\", \"gemini/gemini-2.5-flash\"]\n";
    for client in CLIENTS {
        let rig = start_with(model).await;
        let down = || Script { status: Some(503), body: Some(Payload::Text("{}".into())), ..Script::default() };
        rig.upstream.script(down());
        rig.upstream.script(down());
        let (path, body) = question(client, "any", false, false);
        let answer = rig.client().post(&path, &body).await;
        assert_eq!(answer.status.as_u16(), 200, "{client}: {}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.headers["x-gateway-provider"], "gemini", "{client}");
        assert_eq!(answer.headers["x-gateway-attempts"], "3");
        assert!(!said(client, &documents(client, false, &answer.body)).0.is_empty());
    }
}

#[tokio::test]
async fn masks_are_made_and_undone_across_apis() {
    let rig = start_with("[sanitization]\nenabled = true\n[sanitization.actions]\nemail = \"mask\"\n").await;
    for (client, model) in
        [("messages", "openai/gpt-4o"), ("chat", "gemini/gemini-2.5-flash"), ("ollama", "anthropic/claude-sonnet-4-5")]
    {
        for stream in [false, true] {
            rig.upstream.script(Script { echo_chars: Some(3), ..Script::default() });
            let (path, body) = question(client, model, stream, false);
            let body: Value =
                serde_json::from_str(&body.to_string().replace("hello there", "mail ann.smith@corp.example now"))
                    .unwrap();
            let answer = rig.client().post(&path, &body).await;
            let sent = rig.upstream.ledger().last().unwrap();
            assert!(!String::from_utf8_lossy(&sent.body).contains("ann.smith"), "{client} {model}");
            let (text, ..) = said(client, &documents(client, stream, &answer.body));
            assert_eq!(text, "mail ann.smith@corp.example now", "{client} {model} {stream}");
        }
    }
}

#[tokio::test]
async fn a_model_that_another_api_serves_needs_no_provider_in_its_name() {
    let rig = start().await;
    let (path, body) = question("messages", "gpt-4o", false, false);
    let answer = rig.client().post(&path, &body).await;
    assert_eq!((answer.status.as_u16(), answer.headers["x-gateway-provider"].to_str().unwrap()), (200, "openai"));
    let (path, body) = question("chat", "claude-sonnet-4-5", false, false);
    let answer = rig.client().post(&path, &body).await;
    assert_eq!((answer.status.as_u16(), answer.headers["x-gateway-provider"].to_str().unwrap()), (200, "anthropic"));
    let sent = rig.upstream.ledger().last().unwrap();
    // Neither the client's nor the gateway's own headers of another API go along.
    assert_eq!(sent.json().unwrap()["max_tokens"], 64_000);
}
