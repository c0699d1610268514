//! A provider that fails: a true status, an error in the client's dialect, one record, one attempt row.

use bytes::Bytes;
use llm_gateway::demo::{Chunk, Fault, Payload, Provider, ProviderOptions, Script};
use serde_json::{Value, json};

use super::harness::{
    client::Answer,
    gateway::{Rig, start, start_on, start_with},
};

const PATHS: [(&str, &str); 4] = [
    ("/v1/chat/completions", "gpt-4o"),
    ("/v1/messages", "claude-sonnet-4-20250514"),
    ("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", ""),
    ("/api/chat", "llama3"),
];

async fn ask(rig: &Rig, path: &str, model: &str, stream: bool) -> Answer {
    let mut body =
        json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "x"}], "max_tokens": 5});
    if path.contains("beta") {
        body = json!({"contents": [{"parts": [{"text": "x"}]}]});
    }
    rig.client().post(path, &body).await
}

/// Whether a body is an error of the API that a path belongs to.
fn is_native_error(path: &str, body: &Value) -> bool {
    match path {
        _ if path.contains("messages") => body["type"] == "error" && body["error"]["type"].is_string(),
        _ if path.contains("beta") => body["error"]["code"].is_u64() && body["error"]["status"].is_string(),
        _ if path.contains("api") => body["error"].is_string(),
        _ => body["error"]["message"].is_string() && body["error"]["code"].is_string(),
    }
}

/// The newest record must tell this kind, with one attempt row of it.
async fn recorded(rig: &Rig, count: usize, kind: &str) {
    let record = rig.records_when(count).await[0].clone();
    assert_eq!(record["error_kind"], kind, "{record:#}");
    assert_eq!(record["outcome"], "error", "{record:#}");
    let id = record["id"].as_str().unwrap();
    let detail = rig.client().get(&format!("/v1/records/{id}")).await.expect(200);
    let rows = detail["attempt_rows"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{detail:#}");
    assert_eq!(rows[0]["error_kind"], kind, "{detail:#}");
}

#[tokio::test]
async fn what_fails_before_the_first_byte_is_told_by_status_in_every_dialect() {
    let rig = start().await;
    let cases = [
        (Fault::ResetBeforeHead, 502, "upstream_protocol"),
        (Fault::CloseBeforeHead, 502, "upstream_protocol"),
        (Fault::ResetInHead, 502, "upstream_protocol"),
        (Fault::NotHttp, 502, "upstream_protocol"),
        (Fault::ResetInBody { after_bytes: 0 }, 502, "upstream_protocol"),
        (Fault::Redirect { status: 302, to: "http://127.0.0.1:1/".to_owned() }, 502, "upstream_redirect"),
        (Fault::Redirect { status: 308, to: "/elsewhere".to_owned() }, 502, "upstream_redirect"),
        (Fault::Refused { status: 401, retry_after_secs: None }, 502, "upstream_authentication"),
    ];
    let mut count = 0;
    for (fault, status, kind) in cases {
        for (path, model) in PATHS {
            rig.upstream.always(Some(Script::fault(fault.clone())));
            let answer = ask(&rig, path, model, true).await;
            count += 1;
            assert_eq!(answer.status, status, "{path} {fault:?}: {}", answer.text());
            assert!(is_native_error(path, &answer.json()), "{path} {fault:?}: {}", answer.text());
            recorded(&rig, count, kind).await;
        }
    }
}

#[tokio::test]
async fn errors_of_the_provider_pass_byte_for_byte() {
    let rig = start().await;
    for (number, (status, kind)) in [
        (400, "upstream_rejected"),
        (403, "upstream_rejected"),
        (404, "upstream_rejected"),
        (422, "upstream_rejected"),
        (429, "upstream_rate_limit"),
        (500, "upstream_error"),
        (503, "upstream_error"),
        (529, "upstream_error"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = "{ \"error\" : {\"message\":\"h\\u00e9\", \"x\":1.0}}\n";
        rig.upstream.script(Script::answer(status, body).with_header("retry-after", "7"));
        let answer = ask(&rig, "/v1/chat/completions", "gpt-4o", number % 2 == 0).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.text(), body);
        assert_eq!(answer.headers["retry-after"], "7");
        recorded(&rig, number + 1, kind).await;
    }
}

#[tokio::test]
async fn a_failure_amid_a_stream_ends_with_the_error_event_of_the_api() {
    let rig = start().await;
    let first = [
        "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"x\"}}\n\n",
        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}]}}]}\r\n\r\n",
        "{\"message\":{\"content\":\"x\"},\"done\":false}\n",
    ];
    for (number, ((path, model), first)) in PATHS.into_iter().zip(first).enumerate() {
        let kind = if path.contains("/api/") { "application/x-ndjson" } else { "text/event-stream" };
        let half = &first[..first.len() / 2];
        let mut script = Script::stream([first, half, "never"]).with_header("content-type", kind);
        script.fault = Some(Fault::ResetInBody { after_bytes: first.len() + half.len() });
        rig.upstream.script(script);
        let answer = ask(&rig, path, model, true).await;
        assert_eq!(answer.status, 200);
        let text = answer.text();
        assert!(text.starts_with(&format!("{first}{half}")), "{path}: {text}");
        let last = text.trim_end().lines().last().unwrap();
        let error: Value = serde_json::from_str(last.trim_start_matches("data: ")).unwrap();
        assert!(is_native_error(path, &error), "{path}: {text}");
        recorded(&rig, number + 1, "upstream_protocol").await;
    }
}

const SHORT: &str = r#"
[[providers]]
id = "openai"
provider_type = "openai"
api_key = "sk-test-short"
base_url = "{upstream}/v1"
timeout = 1
first_token_timeout = 1
idle_timeout = 1
"#;

#[tokio::test]
async fn silence_is_a_504_before_the_head_and_an_error_event_after_it() {
    let upstream = Provider::spawn(ProviderOptions::default()).await.unwrap();
    let rig = start_on(upstream, SHORT, "").await;
    for (number, stream) in [true, false].into_iter().enumerate() {
        rig.upstream.script(Script::fault(Fault::Silence));
        assert_eq!(ask(&rig, "/v1/chat/completions", "gpt-4o", stream).await.code(504), "upstream_timeout");
        recorded(&rig, number + 1, "upstream_timeout").await;
    }
    let chunk = |text: &'static str, after_ms| Chunk { payload: Payload::Bytes(Bytes::from(text)), after_ms };
    let mut script = Script::stream::<Bytes>([]);
    script.chunks = Some(vec![
        chunk("data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n", 0),
        chunk("data: [DONE]\n\n", 20_000),
    ]);
    rig.upstream.script(script);
    let answer = ask(&rig, "/v1/chat/completions", "gpt-4o", true).await;
    assert!(answer.text().contains("upstream_timeout"), "{}", answer.text());
    recorded(&rig, 3, "upstream_timeout").await;
}

#[tokio::test]
async fn unreachable_providers_are_told_apart() {
    let providers = r#"
[[providers]]
id = "gone"
provider_type = "openai"
api_key = "sk-test-x"
base_url = "{upstream}/v1"
[[providers]]
id = "nameless"
provider_type = "openai"
api_key = "sk-test-x"
base_url = "http://no-such-host.invalid/v1"
connect_timeout = 3
"#;
    let upstream = Provider::spawn(ProviderOptions::default()).await.unwrap();
    let rig = start_on(upstream, providers, "").await;
    rig.upstream.stop().await;
    let answer = ask(&rig, "/v1/chat/completions", "gone/gpt-4o", true).await;
    assert_eq!(answer.code(502), "upstream_connect");
    recorded(&rig, 1, "upstream_connect").await;
    assert_eq!(rig.records().await[0]["cost_microcents"], 0);
    let answer = ask(&rig, "/v1/chat/completions", "nameless/gpt-4o", false).await;
    assert!([502, 504].contains(&answer.status.as_u16()), "{}", answer.text());
    assert_eq!(rig.records_when(2).await[0]["attempts"], 1);
}

#[tokio::test]
async fn an_error_under_200_and_a_stream_cut_politely_are_errors_in_the_record() {
    let rig = start().await;
    rig.upstream.script(Script::fault(Fault::ErrorUnder200));
    assert_eq!(ask(&rig, "/v1/chat/completions", "gpt-4o", true).await.status, 200);
    recorded(&rig, 1, "upstream_error").await;
    let cut = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n";
    rig.upstream.script(Script::stream([cut]));
    assert_eq!(ask(&rig, "/v1/chat/completions", "gpt-4o", true).await.text(), cut);
    recorded(&rig, 2, "upstream_protocol").await;
    rig.upstream.script(Script::fault(Fault::GarbageSse));
    assert_eq!(ask(&rig, "/v1/chat/completions", "gpt-4o", true).await.status, 200);
    assert_eq!(rig.records_when(3).await.len(), 3);
}

#[tokio::test]
async fn a_stream_that_cannot_be_decoded_does_not_vanish() {
    let rig = start().await;
    let text = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    rig.upstream.script(Script::stream([text]).with_header("content-encoding", "compress"));
    let answer = ask(&rig, "/v1/chat/completions", "gpt-4o", true).await;
    assert_eq!(answer.text(), text);
    assert_eq!(answer.headers["content-encoding"], "compress");
    rig.upstream.script(Script::stream([text]).with_header("content-encoding", "gzip"));
    let answer = ask(&rig, "/v1/chat/completions", "gpt-4o", true).await;
    assert!(answer.text().contains("upstream_protocol"), "{}", answer.text());
}

#[tokio::test]
async fn refusals_of_our_own_speak_the_dialect_of_the_client() {
    let rig = start_with("[server]\nmax_body_bytes = 1024\n").await;
    let bomb = {
        let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut coder, &vec![b' '; 500_000]).unwrap();
        coder.finish().unwrap()
    };
    assert!(bomb.len() < 1000);
    let mut count = 0;
    for (path, _) in PATHS {
        let bodies: [(Vec<u8>, Option<&str>, u16); 5] = [
            (b"{\"model\":".to_vec(), None, 400),
            (b"[]".to_vec(), None, 400),
            (vec![b' '; 2000], None, 413),
            (bomb.clone(), Some("gzip"), 413),
            (b"{\"model\":\"a\"}".to_vec(), Some("gzip"), 400),
        ];
        for (body, encoding, status) in bodies {
            let client = encoding.map_or_else(|| rig.client(), |name| rig.client().with("content-encoding", name));
            let answer = client.send(http::Method::POST, path, Some(body.into())).await;
            assert_eq!(answer.status, status, "{path} {encoding:?}: {}", answer.text());
            assert!(is_native_error(path, &answer.json()), "{path}: {}", answer.text());
            count += 1;
            let record = rig.records_when(count).await[0].clone();
            assert_eq!(record["outcome"], "refused", "{record:#}");
            assert_eq!(record["attempts"], 0);
        }
    }
    for twice in [r#"{"model":"a","model":"b"}"#, r#"{"model":"a","mod\u0065l":"b"}"#] {
        let answer = rig.client().send(http::Method::POST, "/v1/chat/completions", Some(twice.into())).await;
        assert_eq!(answer.code(400), "invalid_request");
    }
    assert_eq!(rig.upstream.ledger().counts().connections, 0);
}
