//! What comes of a provider's answer across APIs when it is no plain one: cut off, an error under 200, nothing at all,
//! an image; and what an answer repeats of its request.

use llm_gateway::demo::{Fault, Payload, Script};
use serde_json::{Value, json};

use super::harness::gateway::{Rig, start, start_with};

/// Path and body of a question as a client asks it.
fn question(client: &str, model: &str, stream: bool) -> (String, Value) {
    let messages = json!([{"role": "user", "content": "hello there"}]);
    match client {
        "chat" => ("/v1/chat/completions".to_owned(), json!({"model": model, "stream": stream, "messages": messages})),
        "responses" => ("/v1/responses".to_owned(), json!({"model": model, "stream": stream, "input": "hello there"})),
        "messages" => {
            let body = json!({"model": model, "stream": stream, "max_tokens": 200, "messages": messages});
            ("/v1/messages".to_owned(), body)
        }
        "gemini" => {
            let action = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
            let body = json!({"contents": [{"role": "user", "parts": [{"text": "hello there"}]}]});
            (format!("/v1beta/models/{model}:{action}"), body)
        }
        _ => ("/api/chat".to_owned(), json!({"model": model, "stream": stream, "messages": messages})),
    }
}

const CLIENTS: [&str; 5] = ["chat", "responses", "messages", "gemini", "ollama"];

/// Clients and models that speak different APIs.
fn pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    let models = ["openai/gpt-4o", "anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash", "ollama/llama3.2"];
    CLIENTS.into_iter().flat_map(move |client| models.map(|model| (client, model))).filter(|(client, model)| {
        let own = match *client {
            "chat" | "responses" => "openai/",
            "messages" => "anthropic/",
            "gemini" => "gemini/",
            _ => "ollama/",
        };
        !model.starts_with(own)
    })
}

fn document(body: &str) -> Script {
    Script {
        headers: vec![("content-type".into(), "application/json".into())],
        body: Some(Payload::Text(body.to_owned())),
        ..Script::default()
    }
}

fn events(body: &[u8]) -> Vec<Value> {
    let mut events = Vec::new();
    llm_gateway::dialect::sse::Reader::default().feed(body, |event| {
        if event.data != b"[DONE]" {
            events.push(serde_json::from_slice(event.data).unwrap());
        }
    });
    events
}

const PLUGIN: &str =
    "[[plugins]]\ntype = \"regex-hider\"\nconfig = { applyTo = \"response\", patterns = [{ pattern = \"never\" }] }\n";

#[tokio::test]
async fn a_responses_stream_that_is_cut_goes_on_counting_to_its_error() {
    let own = "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"r\",\"status\":\"in_progress\"}}\n\n\
               event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"sequence_number\":1,\"output_index\":0,\"item\":{\"type\":\"message\"}}\n\n\
               event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":2,\"output_index\":0,\"delta\":\"hel\"}\n\n";
    for (config, model, begin) in [
        ("", "openai/gpt-4o", own),
        (PLUGIN, "openai/gpt-4o", own),
        ("", "anthropic/claude-sonnet-4-5", ANTHROPIC),
        (PLUGIN, "anthropic/claude-sonnet-4-5", ANTHROPIC),
    ] {
        let rig = start_with(config).await;
        for resets in [true, false] {
            let mut script =
                Script::stream([begin, "data: {\"never\""]).with_header("content-type", "text/event-stream");
            if resets {
                script.fault = Some(Fault::ResetInBody { after_bytes: begin.len() });
            }
            rig.upstream.script(script);
            let (path, body) = question("responses", model, true);
            let answer = rig.client().post(&path, &body).await;
            if !resets && model.starts_with("openai") && config.is_empty() {
                // What a provider ends politely in the middle passes as it came.
                continue;
            }
            let events = events(&answer.body);
            let numbers: Vec<u64> = events
                .iter()
                .map(|event| event["sequence_number"].as_u64().unwrap_or_else(|| panic!("{event}")))
                .collect();
            assert_eq!(numbers, (0..events.len() as u64).collect::<Vec<_>>(), "{model} {resets}: {}", answer.text());
            assert_eq!(events.last().unwrap()["type"], "error", "{model} {resets}: {}", answer.text());
            assert!(events.len() > 3, "{}", answer.text());
        }
    }
}

const ANTHROPIC: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"c\",\"content\":[],\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n\
     event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n\
     event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"hel\"}}\n\n";

/// The word of an error in a client's own shape.
fn word<'a>(client: &str, told: &'a Value) -> &'a str {
    let place = match client {
        "chat" | "responses" => "/error/code",
        "messages" => "/error/type",
        "gemini" => "/error/status",
        _ => "/error",
    };
    told.pointer(place).and_then(Value::as_str).unwrap_or_else(|| panic!("{client}: {told}"))
}

/// The same errors as each provider might tell them under 200, with what each client is to hear.
const ERRORS: [(&str, u16, [&str; 4]); 4] = [
    (
        r#"{"error":{"message":"slow down","type":"rate_limit_error","code":"rate_limit_exceeded"}}"#,
        429,
        ["rate_limit_exceeded", "rate_limit_error", "RESOURCE_EXHAUSTED", "slow down"],
    ),
    (
        r#"{"type":"error","error":{"message":"busy","type":"overloaded_error"}}"#,
        503,
        ["overloaded", "overloaded_error", "UNAVAILABLE", "busy"],
    ),
    (
        r#"{"error":{"message":"too long","type":"invalid_request_error","code":"context_length_exceeded"}}"#,
        400,
        ["context_length_exceeded", "invalid_request_error", "INVALID_ARGUMENT", "too long"],
    ),
    (
        r#"{"error":{"code":429,"message":"slow down","type":"api_error"}}"#,
        429,
        ["rate_limit_exceeded", "rate_limit_error", "RESOURCE_EXHAUSTED", "slow down"],
    ),
];

async fn told(rig: &Rig, client: &str, model: &str, stream: bool, script: Script) -> (u16, Value) {
    rig.upstream.always(Some(script));
    let (path, body) = question(client, model, stream);
    let answer = rig.client().post(&path, &body).await;
    let told = serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{client} {model}: {}", answer.text()));
    (answer.status.as_u16(), told)
}

#[tokio::test]
async fn an_error_under_200_keeps_its_meaning_and_gets_a_true_status() {
    for routing in ["", "[routing]\nretries = 1\nretry_backoff_ms = 1\nretry_after_max_ms = 1\n"] {
        for (client, model) in pairs().filter(|(_, model)| !model.starts_with("ollama")) {
            let rig = start_with(routing).await;
            for (body, status, words) in ERRORS {
                for stream in [true, false] {
                    for kind in ["application/json", "text/event-stream"] {
                        if kind != "application/json" && !stream {
                            continue;
                        }
                        let mut script = document(body);
                        script.headers = vec![("content-type".into(), kind.into())];
                        let (told_status, told) = told(&rig, client, model, stream, script).await;
                        let at = ["chat", "messages", "gemini", "ollama"].iter().position(|name| *name == client);
                        let expected = words[at.unwrap_or(0)];
                        assert_eq!(word(client, &told), expected, "{client} {model} {stream} {kind} {body}: {told}");
                        let expected = if (client, status) == ("messages", 503) { 529 } else { status };
                        assert_eq!(told_status, expected, "{client} {model} {stream} {kind} {body}: {told}");
                    }
                }
            }
            if routing.is_empty() {
                let records = rig.records().await;
                assert!(records.iter().all(|record| record["outcome"] == "error"), "{records:#?}");
            }
        }
    }
}

#[tokio::test]
async fn an_odd_error_means_what_its_status_says() {
    let rig = start().await;
    for (status, told_status, words) in [
        (429, 429, ["rate_limit_exceeded", "rate_limit_error", "RESOURCE_EXHAUSTED"]),
        (400, 400, ["invalid_request", "invalid_request_error", "INVALID_ARGUMENT"]),
    ] {
        for body in [
            r#"{"error":{"type":"api_error","message":"x"}}"#,
            r#"{"error":{"message":"x"}}"#,
            r#"{"error":"x"}"#,
            r#"{"type":"error","error":{"type":"odd","message":"x"}}"#,
            r#""x""#,
            "x",
            "{}",
        ] {
            for (client, model) in pairs() {
                for stream in [true, false] {
                    let script = Script { status: Some(status), ..document(body) };
                    rig.upstream.always(Some(script));
                    let (path, question) = question(client, model, stream);
                    let answer = rig.client().post(&path, &question).await;
                    assert_eq!(answer.status.as_u16(), told_status, "{client} {model} {body}: {}", answer.text());
                    let at = ["chat", "messages", "gemini"].iter().position(|name| *name == client);
                    if client != "ollama" {
                        assert_eq!(word(client, &answer.json()), words[at.unwrap_or(0)], "{client} {model} {body}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn json_that_answers_nothing_is_a_failure_of_the_provider() {
    for (client, model) in pairs() {
        let rig = start().await;
        let mut count = 0;
        for body in ["{}", r#"{"status":"ok"}"#, r#"{"choices":[],"candidates":[]}"#] {
            for stream in [false, true] {
                if stream && model.starts_with("ollama") {
                    continue;
                }
                let (status, told) = told(&rig, client, model, stream, document(body)).await;
                assert_eq!(status, 502, "{client} {model} {stream} {body}: {told}");
                let expected = match client {
                    "chat" | "responses" => "upstream_protocol",
                    "messages" => "api_error",
                    "gemini" => "UNAVAILABLE",
                    _ => word(client, &told),
                };
                assert_eq!(word(client, &told), expected, "{client} {model} {stream} {body}: {told}");
                count += 1;
                let record = &rig.records_when(count).await[0];
                let kind = json!("upstream_protocol");
                assert_eq!((&record["outcome"], &record["error_kind"]), (&json!("error"), &kind), "{record:#}");
            }
        }
    }
}

#[tokio::test]
async fn a_whole_answer_to_who_asked_for_a_stream_is_streamed() {
    let rig = start().await;
    let body = r#"{"id":"c","model":"gpt-x","choices":[{"index":0,"message":{"role":"assistant","content":"hi you"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#;
    rig.upstream.script(document(body));
    let (path, question) = question("messages", "openai/gpt-4o", true);
    let answer = rig.client().post(&path, &question).await;
    assert!(answer.headers["content-type"].to_str().unwrap().starts_with("text/event-stream"));
    let events = events(&answer.body);
    assert!(events.iter().any(|event| event["delta"]["text"] == "hi you"), "{}", answer.text());
    assert_eq!(events.last().unwrap()["type"], "message_stop");
    let record = &rig.records_when(1).await[0];
    assert_eq!((&record["outcome"], &record["output_tokens"]), (&json!("ok"), &json!(2)), "{record:#}");
}

/// What a request to Responses says, and its answer repeats.
fn asked() -> Value {
    json!({
        "instructions": "Be brief.", "temperature": 0.25, "top_p": 0.5, "max_output_tokens": 300,
        "parallel_tool_calls": false, "tool_choice": {"type": "function", "name": "weather"},
        "tools": [{"type": "function", "name": "weather", "description": "Tells it.", "strict": true,
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}],
        "text": {"format": {"type": "json_schema", "name": "a", "schema": {"type": "object"}}},
        "reasoning": {"effort": "low"}, "metadata": {"team": "a"}, "user": "ann"
    })
}

#[tokio::test]
async fn an_answer_of_responses_repeats_its_request() {
    for model in ["anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash", "ollama/llama3.2"] {
        let rig = start().await;
        for stream in [false, true] {
            let mut body = asked();
            if model.starts_with("ollama") {
                // It cannot be made to call.
                body["tool_choice"] = json!("auto");
            }
            let mut expected = body.clone();
            expected["reasoning"]["summary"] = json!(null);
            for (name, value) in
                [("store", json!(false)), ("background", json!(false)), ("truncation", json!("disabled"))]
            {
                expected[name] = value;
            }
            expected["previous_response_id"] = json!(null);
            body["model"] = json!(model);
            body["stream"] = json!(stream);
            body["input"] = json!("hello there");
            body["store"] = json!(true);
            let answer = rig.client().post("/v1/responses", &body).await;
            assert_eq!(answer.status, 200, "{model}: {}", answer.text());
            let told: Vec<(String, Value)> = match stream {
                false => vec![("whole".to_owned(), answer.json())],
                true => events(&answer.body)
                    .into_iter()
                    .filter(|event| event["response"].is_object())
                    .map(|event| (event["type"].as_str().unwrap().to_owned(), event["response"].clone()))
                    .collect(),
            };
            let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
            match stream {
                false => assert_eq!(names, ["whole"]),
                true => assert_eq!(names, ["response.created", "response.in_progress", "response.completed"]),
            }
            for (name, response) in told {
                for (field, value) in expected.as_object().unwrap() {
                    assert_eq!(&response[field], value, "{model} {name} {field}: {response:#}");
                }
            }
        }
        // Who says nothing reads what OpenAI would say; what other providers do by default nobody knows.
        let answer = rig.client().post("/v1/responses", &json!({"model": model, "input": "hi"})).await.expect(200);
        let said = json!({"instructions": null, "tools": [], "tool_choice": "auto", "parallel_tool_calls": true,
            "temperature": null, "top_p": null, "max_output_tokens": null, "metadata": {}, "user": null,
            "text": {"format": {"type": "text"}}, "reasoning": {"effort": null, "summary": null}});
        for (field, value) in said.as_object().unwrap() {
            assert_eq!(&answer[field], value, "{model} {field}: {answer:#}");
        }
    }
}

#[tokio::test]
async fn what_responses_repeat_is_masked_on_the_way_out_and_whole_on_the_way_back() {
    let rig = start_with("[sanitization]\nenabled = true\n[sanitization.actions]\nemail = \"mask\"\n").await;
    for stream in [false, true] {
        let body = json!({"model": "anthropic/claude-sonnet-4-5", "stream": stream, "input": "hi",
            "instructions": "You write for ann.smith@corp.example only."});
        let answer = rig.client().post("/v1/responses", &body).await;
        let sent = rig.upstream.ledger().last().unwrap();
        assert!(!String::from_utf8_lossy(&sent.body).contains("ann.smith"));
        let repeated = format!("\"instructions\":{}", body["instructions"]);
        assert_eq!(answer.text().matches(&repeated).count(), if stream { 3 } else { 1 }, "{}", answer.text());
    }
}

#[tokio::test]
async fn an_image_that_a_model_makes_is_carried_or_named() {
    let rig = start().await;
    let png = "iVBORw0KGgoAAAANSUhEUg==";
    let body = json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "Here."},
        {"inlineData": {"mimeType": "image/png", "data": png}}]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 1290, "totalTokenCount": 1293}});
    for client in ["chat", "responses", "messages", "ollama"] {
        for stream in [false, true] {
            let script = match stream {
                false => document(&body.to_string()),
                true => {
                    Script::stream([format!("data: {body}\r\n\r\n")]).with_header("content-type", "text/event-stream")
                }
            };
            rig.upstream.script(script);
            let (path, question) = question(client, "gemini/gemini-2.5-flash", stream);
            let answer = rig.client().post(&path, &question).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let has_place = matches!(client, "chat" | "responses");
            let is_named = answer.headers.get("x-gateway-dropped").is_some_and(|named| named == "answer.media")
                || answer.text().contains(": x-gateway-dropped: answer.media\n\n")
                || answer.text().contains("\"x_gateway_dropped\":\"answer.media\"");
            assert_eq!((answer.text().contains(png), is_named), (has_place, !has_place), "{client} {stream}");
            assert!(answer.text().contains("Here."));
        }
    }
}

#[tokio::test]
async fn legacy_completions_of_a_model_of_another_api_name_what_to_ask_instead() {
    let rig = start().await;
    for model in ["anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash", "ollama/llama3.2", "claude-sonnet-4-5"] {
        let answer = rig.client().post("/v1/completions", &json!({"model": model, "prompt": "hi"})).await;
        assert_eq!(answer.code(404), "model_not_found");
        assert!(answer.text().contains("/v1/chat/completions"), "{}", answer.text());
    }
    assert!(rig.upstream.ledger().calls().is_empty());
    let answer = rig.client().post("/v1/completions", &json!({"model": "openai/gpt-4o", "prompt": "hi"})).await;
    assert_eq!((answer.status.as_u16(), rig.upstream.ledger().last().unwrap().path.as_str()), (200, "/v1/completions"));
}
