//! The request's side: no field of no endpoint lets a canary through.

use bytes::Bytes;
use http::Method;
use llm_gateway::demo::Script;
use serde_json::{Value, json};

use super::{
    CANARY, assert_unseen,
    corpus::{is_fixed, requests, strings},
    escaped, rig,
};
use crate::harness::gateway::start_with;

/// Ways to write the canary into a string.
fn plantings(old: &str) -> Vec<Value> {
    let is_json = serde_json::from_str::<Value>(old).is_ok_and(|inner| inner.is_object());
    if is_json {
        // Into the JSON inside the string, plainly and in escapes, and as a key.
        let inner: Value = serde_json::from_str(old).unwrap();
        let key = inner.as_object().unwrap().keys().next().unwrap().clone();
        return vec![
            json!(json!({key.clone(): CANARY}).to_string()),
            json!(format!("{{\"{key}\":\"{}\"}}", escaped(CANARY))),
            json!(json!({CANARY: 1}).to_string()),
        ];
    }
    vec![json!(format!("{old} {CANARY}, you")), json!(CANARY)]
}

#[tokio::test]
async fn bar_31_a_canary_in_each_field_of_each_endpoint_never_reaches_the_provider() {
    let rigs = [("redact", rig("redact").await), ("mask", rig("mask").await), ("block", rig("block").await)];
    let mut planted = 0;
    for (path, body) in requests() {
        for pointer in strings(&body).into_iter().filter(|pointer| !is_fixed(pointer)) {
            for text in plantings(body.pointer(&pointer).unwrap().as_str().unwrap()) {
                planted += 1;
                let mut body = body.clone();
                *body.pointer_mut(&pointer).unwrap() = text;
                let plain = body.to_string();
                // The same with the canary in escapes: the provider's reader undoes them, so the check must.
                for sent in [plain.clone(), plain.replace(CANARY, &escaped(CANARY))] {
                    for (action, rig) in &rigs {
                        rig.upstream.always(Some(Script::answer(200, "{}")));
                        let calls = rig.upstream.ledger().counts().calls;
                        let answer = rig.client().send(Method::POST, path, Some(sent.clone().into())).await;
                        let what = format!("{action} {path} {pointer}: {}", answer.text());
                        assert_unseen(&answer.body, &what);
                        if *action == "block" {
                            assert_eq!(answer.status, 403, "{what}");
                            assert_eq!(rig.upstream.ledger().counts().calls, calls, "{what}");
                            continue;
                        }
                        assert_eq!(answer.status, 200, "{what}");
                        let seen = rig.upstream.ledger().last().unwrap();
                        assert_unseen(&seen.body, &what);
                        let json = seen.json().unwrap_or_else(|| panic!("{what}"));
                        if *action == "redact" && sent == plain && plain.contains(CANARY) {
                            let expected = plain.replace(CANARY, "[REDACTED|EMAIL]");
                            assert_eq!(String::from_utf8_lossy(&seen.body), expected, "{what}");
                        } else {
                            let word = if *action == "mask" { "[EMAIL_" } else { "[REDACTED|EMAIL]" };
                            assert!(json.to_string().contains(word), "{what}: {json}");
                        }
                    }
                }
            }
        }
    }
    assert!(planted > 200, "only {planted} plantings");
}

#[tokio::test]
async fn bar_31_forms_and_text_files_are_checked_and_media_pass() {
    let rig = rig("redact").await;
    let client = rig.client().with("content-type", "multipart/form-data; boundary=xyz");
    let media = b"\x00\xffID3 jo.doe@acme-corp.io \xfe";
    let form = |prompt: &str, name: &str, text: &str| {
        let mut body = format!(
            "--xyz\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n\
             --xyz\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\n{prompt}\r\n\
             --xyz\r\nContent-Disposition: form-data; name=\"notes\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n{text}\r\n\
             --xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\nContent-Type: audio/mpeg\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(media);
        body.extend_from_slice(b"\r\n--xyz--\r\n");
        Bytes::from(body)
    };
    let line = "{\"custom_id\":\"1\",\"body\":{\"messages\":[{\"content\":\"CANARY\"}]}}\n";
    for path in ["/v1/audio/transcriptions", "/v1/audio/translations", "/v1/images/edits", "/v1/files"] {
        rig.upstream.always(Some(Script::answer(200, "{\"text\":\"ok\"}")));
        let sent = form(&format!("for {CANARY}"), CANARY, &line.replace("CANARY", &escaped(CANARY)));
        let answer = client.send(Method::POST, path, Some(sent)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let seen = rig.upstream.ledger().last().unwrap();
        let redacted = "[REDACTED|EMAIL]";
        assert_eq!(seen.body, form(&format!("for {redacted}"), redacted, &line.replace("CANARY", redacted)), "{path}");
        assert_eq!(seen.header("content-length"), Some(seen.body.len().to_string().as_str()));
    }
    let broken = client.send(Method::POST, "/v1/audio/transcriptions", Some("--xyz\r\n\r\nno end".into())).await;
    assert_eq!(broken.code(400), "invalid_request");
}

#[tokio::test]
async fn bar_32_whoever_reads_the_body_another_way_reads_what_was_checked() {
    let rig = rig("redact").await;
    rig.upstream.always(Some(Script::answer(200, "{}")));
    let send = async |path: &str, body: String| rig.client().send(Method::POST, path, Some(body.into())).await;
    // A key that occurs twice, however it is spelt, at any depth: nobody can tell which one counts.
    for body in [
        format!(
            "{{\"model\":\"gpt-4o\",\"messages\":[{{\"role\":\"user\",\"content\":\"{CANARY}\",\"content\":\"ok\"}}]}}"
        ),
        format!(
            "{{\"model\":\"gpt-4o\",\"messages\":[{{\"role\":\"user\",\"c\\u006fntent\":\"{CANARY}\",\"content\":\"ok\"}}]}}"
        ),
        format!("{{\"model\":\"gpt-4o\",\"messages\":[],\"messages\":[{{\"content\":\"{CANARY}\"}}]}}"),
        "{\"model\":\"gpt-4o\",\"tools\":[{\"a\":{\"b\":1,\"\\u0062\":2}}]}".to_owned(),
    ] {
        let calls = rig.upstream.ledger().counts().calls;
        assert_eq!(send("/v1/chat/completions", body.clone()).await.code(400), "invalid_request", "{body}");
        assert_eq!(rig.upstream.ledger().counts().calls, calls);
    }
    // Escaped keys are keys: what the provider's parser finds is what was checked.
    let hidden = escaped(CANARY);
    for (body, expected) in [
        (
            format!(
                "{{\"model\":\"gpt-4o\",\"m\\u0065ssages\":[{{\"\\u0072ole\":\"user\",\"\\u0063ontent\":\"a {hidden} \\ud83d\\ude00\"}}]}}"
            ),
            json!([{"role": "user", "content": "a [REDACTED|EMAIL] \u{1f600}"}]),
        ),
        (
            format!("{{\"model\":\"gpt-4o\",\"messages\":[{{\"content\":\"\\/{CANARY}\\\\ \\\"{hidden}\\\"\\n\"}}]}}"),
            json!([{"content": "/[REDACTED|EMAIL]\\ \"[REDACTED|EMAIL]\"\n"}]),
        ),
        (
            // Case is not what our reader folds, but some servers do: both are text.
            format!("{{\"model\":\"gpt-4o\",\"messages\":[{{\"content\":\"ok\",\"Content\":\"{CANARY}\"}}]}}"),
            json!([{"content": "ok", "Content": "[REDACTED|EMAIL]"}]),
        ),
        (
            format!(
                "{{\"model\":\"gpt-4o\",\"messages\":[{{\"type\":\"{CANARY}\",\"id\":\"{hidden}\",\"signature\":\"x {CANARY}\"}}]}}"
            ),
            json!([{"type": "[REDACTED|EMAIL]", "id": "[REDACTED|EMAIL]", "signature": "x [REDACTED|EMAIL]"}]),
        ),
    ] {
        assert_eq!(send("/v1/chat/completions", body.clone()).await.status, 200, "{body}");
        let seen = rig.upstream.ledger().last().unwrap().json().unwrap();
        assert_eq!(seen["messages"], expected, "{body}");
    }
}

#[tokio::test]
async fn what_no_rule_touches_arrives_byte_for_byte() {
    for action in ["log", "redact", "mask", "block"] {
        let rig = rig(action).await;
        let body = "{ \"model\" : \"gpt-4o\",\n\t\"messages\":[{\"role\":\"user\",\"content\":\"\\u0068\\/\u{e9} @ a.b\"}],\"t\":1.0,\"z\":1e0,\"e\":{} }";
        rig.client().send(Method::POST, "/v1/chat/completions", Some(body.into())).await;
        assert_eq!(rig.upstream.ledger().last().unwrap().body, body);
        let record = rig.only_record().await;
        assert_eq!(record["findings_count"].as_u64().or(record["findings"].as_u64()).unwrap_or(0), 0, "{record:#}");
    }
}

#[tokio::test]
async fn only_the_match_changes_also_in_a_compressed_body_with_other_edits() {
    let rig = rig("redact").await;
    let body = format!(
        "{{ \"stream\":true, \"model\" : \"openai/gpt-4o\",\"messages\":[ {{\"content\":\"<{CANARY}>\"}}],\"t\":1.0}}"
    );
    let packed = zstd::encode_all(body.as_bytes(), 3).unwrap();
    for (client, sent) in
        [(rig.client(), body.clone().into()), (rig.client().with("content-encoding", "zstd"), Bytes::from(packed))]
    {
        let answer = client.send(Method::POST, "/v1/chat/completions", Some(sent)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let seen = rig.upstream.ledger().last().unwrap();
        assert_eq!(seen.header("content-encoding"), None);
        let text = String::from_utf8(seen.body.to_vec()).unwrap();
        let expected = body.replace(CANARY, "[REDACTED|EMAIL]").replace("openai/gpt-4o", "gpt-4o");
        assert_eq!(text.replace("\"stream_options\":{\"include_usage\":true},", ""), expected);
    }
}

#[tokio::test]
async fn a_block_names_kind_and_place_in_the_shape_of_each_api_and_never_the_text() {
    let rig = rig("block").await;
    for (path, body) in requests() {
        let pointer = strings(&body).into_iter().find(|pointer| body.pointer(pointer) == Some(&json!("Hello")));
        let Some(pointer) = pointer else { continue };
        let mut body = body;
        *body.pointer_mut(&pointer).unwrap() = json!(format!("I am {CANARY}"));
        let answer = rig.client().post(path, &body).await;
        assert_eq!(answer.status, 403, "{path}");
        let text = answer.text();
        assert!(text.contains("EMAIL") && !text.contains("acme"), "{path}: {text}");
        let place: String =
            pointer.trim_start_matches('/').split('/').enumerate().fold(String::new(), |place, (n, step)| {
                match step.parse::<u32>() {
                    Ok(index) => format!("{place}[{index}]"),
                    Err(_) if n == 0 => step.to_owned(),
                    Err(_) => format!("{place}.{step}"),
                }
            });
        assert!(text.contains(&format!("EMAIL in {place}")), "{path}: {text} should name {place}");
        let json = answer.json();
        let code = [&json["error"]["code"], &json["error"]["details"][0]["metadata"]["code"]];
        assert!(path.starts_with("/api/") || code.contains(&&json!("content_blocked")), "{path}: {text}");
    }
    assert_eq!(rig.upstream.ledger().counts().calls, 0);
    let records = rig.records().await;
    assert!(records.iter().all(|record| record["outcome"] == "refused" && record["error_kind"] == "content_blocked"));
    assert!(!format!("{records:?}").contains("acme"));
}

#[tokio::test]
async fn bar_33_a_check_that_takes_too_long_refuses_and_a_log_only_one_passes() {
    for (action, status) in [("redact", 500), ("log", 200)] {
        let more = format!(
            "[sanitization]\nenabled = true\nscan_timeout = 0.001\n[sanitization.actions]\nemail = \"{action}\"\n"
        );
        let rig = start_with(&more).await;
        let texts: Vec<_> = (0..40_000).map(|n| json!({"role": "user", "content": format!("a{n}@b.io c")})).collect();
        let body = json!({"model": "gpt-4o", "messages": texts});
        let answer = rig.client().post("/v1/chat/completions", &body).await;
        assert_eq!(answer.status, status, "{action}: {}", answer.text());
        if status == 500 {
            assert_eq!(answer.code(500), "sanitizer_failed");
            assert_eq!(rig.upstream.ledger().counts().calls, 0);
        }
    }
}
