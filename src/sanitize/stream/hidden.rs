//! What hides in a stream: JSON inside JSON inside JSON, texts that go on behind their end, keys that are longer
//! than may be held, signs that only look different, and lines that are no data.

use serde_json::{Value, json};

use super::{
    tests::{WAYS, splits},
    *,
};
use crate::{
    config::Sanitization,
    domain::Action,
    sanitize::{body, testing::rules},
};

/// `inner` as a string in JSON, so many times.
fn nested(inner: &str, times: usize) -> String {
    (0..times).fold(inner.to_owned(), |text, _| json!({ "a": text }).to_string())
}

/// What stands in so many levels of strings.
fn unnested(text: &str, times: usize) -> String {
    (0..times).fold(text.to_owned(), |text, _| {
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|fault| panic!("{fault} in {text}"));
        value["a"].as_str().unwrap().to_owned()
    })
}

#[test]
fn json_within_json_is_read_at_every_level_and_stays_json() {
    let none = Arc::new(Vault::default());
    let inner = r#"{"to": "jo.doe\u0040acme-corp.io", "n": [12345678901], "x": "\\d\ud83d\ude00\n"}"#;
    let expected = json!({"to": "[REDACTED|EMAIL]", "n": ["[REDACTED|KEY]"], "x": "\\d\u{1f600}\n"});
    for way in WAYS {
        for times in 1..=4 {
            let arguments = nested(inner, times);
            // Every split is a matter of the levels above; here every few characters one.
            for pieces in splits(&arguments).into_iter().step_by(1 + times * 7) {
                let (out, _) = way.run(Action::Redact, &none, &way.stream(&pieces), 64);
                let joined = unnested(&way.joined(&out), times);
                assert_eq!(serde_json::from_str::<Value>(&joined).unwrap(), expected, "{} {pieces:?}", way.name);
            }
            let one_by_one: Vec<_> = arguments.chars().map(String::from).collect();
            let (out, _) = way.run(Action::Redact, &none, &way.stream(&one_by_one), 64);
            let joined = unnested(&way.joined(&out), times);
            assert_eq!(serde_json::from_str::<Value>(&joined).unwrap(), expected, "{} {times}", way.name);
        }
    }
}

#[test]
fn what_was_masked_is_escaped_for_its_level() {
    let mut vault = Vault::default();
    let original = "jo \"D\"\\o\ne@acme-corp.io";
    let placeholder = vault.placeholder("EMAIL", original).to_owned();
    let vault = Arc::new(vault);
    for way in WAYS {
        for times in 0..=4 {
            let text = nested(&format!("{{\"to\": \"a {placeholder}\", \"{placeholder}\": 1}}"), times);
            for pieces in [vec![text.clone()], text.chars().map(String::from).collect()] {
                let (out, _) = way.run(Action::Redact, &vault, &way.stream(&pieces), 64);
                let inner: Value = serde_json::from_str(&unnested(&way.joined(&out), times)).unwrap();
                assert_eq!(inner, json!({"to": format!("a {original}"), original: 1}), "{} {times}", way.name);
            }
        }
    }
}

#[test]
fn a_quotation_is_no_json_and_broken_json_is_text() {
    let none = Arc::new(Vault::default());
    for text in [
        r#""Hi," he said to "jo.doe@acme-corp.io" \ and left"#,
        r#"{"a": "\"quoted\" jo.doe@acme-corp.io \x"}"#,
        r#"{"a": "{\"b\": \"\\q jo.doe@acme-corp.io"#,
        r#"["\ud800\u0041 jo.doe@acme-corp.io \ud800x \u00"#,
        r#""{\"a\": \"\\u00zz jo.doe@acme-corp.io"#,
    ] {
        for way in WAYS {
            for pieces in splits(text) {
                let (out, _) = way.run(Action::Redact, &none, &way.stream(&pieces), 64);
                let expected = text.replace("jo.doe@acme-corp.io", "[REDACTED|EMAIL]");
                assert_eq!(way.joined(&out), expected, "{} {pieces:?}", way.name);
            }
            let clean = text.replace('@', " ");
            for pieces in splits(&clean) {
                let stream = way.stream(&pieces);
                assert_eq!(way.run(Action::Redact, &none, &stream, 64).0, stream, "{}", way.name);
            }
        }
    }
}

/// The same words written in escapes.
fn units(text: &str) -> String {
    text.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect()
}

#[test]
fn a_double_encoded_text_is_undone_twice() {
    let none = Arc::new(Vault::default());
    let inner = format!("{{\"to\":\"{}\"}}", units("jo.doe@acme-corp.io"));
    let text = json!(inner).to_string();
    for way in WAYS {
        let (out, _) = way.run(Action::Redact, &none, &way.stream(std::slice::from_ref(&text)), 64);
        let once: String = serde_json::from_str(&way.joined(&out)).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&once).unwrap(), json!({"to": "[REDACTED|EMAIL]"}), "{}", way.name);
    }
}

#[test]
fn a_text_that_goes_on_behind_its_end_is_judged_as_one() {
    let none = Arc::new(Vault::default());
    for way in WAYS {
        let event = |piece: &str| way.event.replace("\"@\"", &json!(piece).to_string());
        let closed = match way.framing {
            // What closes a list closes the answer.
            Framing::JsonArray => {
                way.after.iter().filter(|piece| piece.contains('{')).map(|piece| piece.trim_end()).collect()
            }
            _ => format!("{}\n", way.after.concat()),
        };
        let stream = |first: &str, second: &str| {
            format!("{}{}{closed}{}{}", way.before.concat(), event(first), event(second), way.after.concat())
        };
        let text = "to jo.doe@acme-corp.io, ok";
        for cut in 4..21 {
            let (first, second) = text.split_at(cut);
            for chunk in [7, usize::MAX] {
                let (out, guard) = way.run(Action::Redact, &none, &stream(first, second), chunk);
                let is_whole_before = first.contains("@acme-corp.i");
                assert!(
                    matches!(guard.failure(), Some(Failure::GoesOn)) || is_whole_before,
                    "{} cut at {cut}: {out}",
                    way.name
                );
                assert!(!way.joined(&out).contains("jo.doe@acme-corp.io"), "{} cut at {cut}: {out}", way.name);
            }
            let (out, guard) = way.run(Action::Block, &none, &stream(first, second), 64);
            assert!(guard.report().blocked && !way.joined(&out).contains("jo.doe@acme-corp.io"), "{}", way.name);
            let (_, guard) = way.run(Action::Log, &none, &stream(first, second), 64);
            assert!(guard.report().findings.iter().any(|found| &*found.kind == "EMAIL"), "{}", way.name);
        }
        // What only goes on leaves as it came, and what comes whole behind the end is replaced.
        let clean = stream("to jo", " and on");
        assert_eq!(way.run(Action::Redact, &none, &clean, 3).0, clean, "{}", way.name);
        let (out, guard) = way.run(Action::Redact, &none, &stream("to ", "jo.doe@acme-corp.io."), 3);
        assert_eq!(way.joined(&out), "to [REDACTED|EMAIL].", "{}: {:?}", way.name, guard.failure());
    }
}

#[test]
fn a_class_that_comes_back_goes_on() {
    let none = Arc::new(Vault::default());
    let event =
        |field: &str, text: &str| format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": {field: text}}]}));
    let stream = event("reasoning_content", "ask jo.doe@ac")
        + &event("content", "Hi. ")
        + &event("reasoning_content", "me-corp.io now");
    let (out, guard) = WAYS[0].run(Action::Redact, &none, &stream, usize::MAX);
    assert!(matches!(guard.failure(), Some(Failure::GoesOn)), "{out}");
    assert!(!out.contains("me-corp"), "{out}");
}

/// A private key of so many lines.
fn long_key(lines: usize) -> String {
    let mut key = concat!("-----BEGIN RSA PRIVATE", " KEY-----\n").to_owned();
    for line in 0..lines {
        key += &format!("{line:064}\n").replace('0', "qZ").chars().take(64).collect::<String>();
        key.push('\n');
    }
    key + concat!("-----END RSA PRIVATE", " KEY-----")
}

fn credentials() -> Arc<RuleSet> {
    let actions = vec![("credentials".to_owned(), Action::Redact), ("pii".to_owned(), Action::Redact)];
    Arc::new(RuleSet::compile(&Sanitization { enabled: true, actions, ..Sanitization::default() }).unwrap())
}

#[test]
fn what_is_longer_than_may_be_held_leaves_no_tail() {
    let rules = credentials();
    let key = long_key(600);
    assert!(key.len() > 39_000);
    let token = format!("eyJhbGciOiJIUzI1NiJ9.eyJ{}.{}", "Zm9vQmFy".repeat(4_000), "sig0_-".repeat(200));
    let bearer = format!("Authorization: Bearer {}", "aB3dE5gH7".repeat(4_000));
    for (secret, is_open) in [(key.as_str(), false), (&token, false), (&bearer, false), (&key[..key.len() - 40], true)]
    {
        let text = format!("see {secret}; And jo.doe@acme-corp.io too");
        let expected_end = if is_open { "" } else { "; And [REDACTED|EMAIL] too" };
        let judge = |out: &str, what: &str| {
            assert!(
                out.starts_with("see ") && out.ends_with(expected_end),
                "{what}: …{}",
                &out[out.len().saturating_sub(90)..]
            );
            assert!(out.len() < 120, "{what}: {} bytes are left", out.len());
        };
        let document = json!({"model": "m", "messages": [{"content": text}]}).to_string();
        let checked = body::check_request(&rules, document.as_bytes(), &mut Vault::default()).unwrap();
        let mut edits = checked.edits;
        let out = crate::dialect::splice::splice(&bytes::Bytes::from(document), &mut edits);
        let out: Value = serde_json::from_slice(&out).unwrap();
        judge(out["messages"][0]["content"].as_str().unwrap(), "whole");
        for way in WAYS {
            // Small pieces take long without optimisation.
            let sizes: &[usize] = if way.name == "chat tool call" { &[61, 900, usize::MAX] } else { &[4_000] };
            for size in sizes.iter().copied() {
                let pieces: Vec<String> =
                    text.as_bytes().chunks(size).map(|piece| String::from_utf8(piece.to_vec()).unwrap()).collect();
                let mut guard = Guard::new(Arc::clone(&rules), Arc::new(Vault::default()), way.api, way.framing, true);
                let mut out = Vec::new();
                guard.feed(way.stream(&pieces).as_bytes(), &mut out);
                guard.finish(&mut out);
                judge(&way.joined(&String::from_utf8(out).unwrap()), &format!("{} by {size}", way.name));
                assert_eq!(
                    guard.report().findings.iter().map(|found| found.count).sum::<u32>(),
                    2 - u32::from(is_open)
                );
            }
        }
    }
}

#[test]
fn signs_that_only_look_different_hide_nothing_and_the_rest_stays() {
    let none = Arc::new(Vault::default());
    for (hidden, shown) in [
        ("jo.doe\u{200b}@acme\u{ad}-corp.io", "[REDACTED|EMAIL]"),
        ("ｊｏ.ｄｏｅ＠acme-corp.io", "[REDACTED|EMAIL]"),
        ("１２３４５６７８９０１", "[REDACTED|KEY]"),
        ("1234567\u{2060}8901", "[REDACTED|KEY]"),
    ] {
        for way in WAYS {
            for pieces in splits(&format!("\u{a0}an\u{200b} {hidden}\u{a0}é １ or")) {
                let (out, _) = way.run(Action::Redact, &none, &way.stream(&pieces), 64);
                assert_eq!(
                    way.joined(&out),
                    format!("\u{a0}an\u{200b} {shown}\u{a0}é １ or"),
                    "{} {pieces:?}",
                    way.name
                );
            }
        }
    }
}

#[test]
fn lines_besides_data_are_judged_and_what_is_clean_in_them_stays() {
    let none = Arc::new(Vault::default());
    let lines = ": by CANARY\nevent: CANARY\nid:CANARY\nretry: 3\nCANARY: x\n";
    for way in WAYS.iter().filter(|way| way.framing == Framing::Sse) {
        let event = way.event.replace('@', "a. ");
        let stream = format!("{event}{lines}{event}: CANARY\n\n{}", way.after.concat());
        let sent = stream.replace("CANARY", "jo@acme-corp.io");
        for chunk in [1, 5, usize::MAX] {
            let (out, guard) = way.run(Action::Redact, &none, &sent, chunk);
            assert_eq!(out, stream.replace("CANARY", "[REDACTED|EMAIL]"), "{}: {:?}", way.name, guard.failure());
            let places: Vec<_> = guard.report().findings.iter().map(|found| &*found.place).collect();
            assert_eq!(places, ["stream.comment", "stream.event", "stream.id", "stream.line"], "{}", way.name);
            let clean = stream.replace("CANARY", "no\u{e9}body");
            assert_eq!(way.run(Action::Redact, &none, &clean, chunk).0, clean, "{}", way.name);
            assert!(way.run(Action::Block, &none, &sent, chunk).1.report().blocked);
        }
    }
}

#[test]
fn probabilities_of_words_that_may_not_leave_go_with_them() {
    let none = Arc::new(Vault::default());
    let words = ["to ", "jo", ".doe", "@acme", "-corp", ".io", ", ok"];
    let entry = |word: &str| json!({"token": word, "bytes": word.as_bytes(), "logprob": -0.5, "top_logprobs": [{"token": word, "logprob": -0.5}]});
    let whole = json!({"choices": [{"index": 0, "message": {"content": words.concat()},
        "logprobs": {"content": words.map(entry)}}, {"index": 1, "logprobs": {"content": [entry("a")]}}]});
    let rules = rules(Action::Redact);
    let body = bytes::Bytes::from(whole.to_string());
    let mut edits = body::check_answer(&rules, &body, &none).unwrap().edits;
    let out: Value = serde_json::from_slice(&crate::dialect::splice::splice(&body, &mut edits)).unwrap();
    assert_eq!(out["choices"][0]["message"]["content"], "to [REDACTED|EMAIL], ok");
    assert_eq!((&out["choices"][0]["logprobs"], &out["choices"][1]), (&Value::Null, &whole["choices"][1]));
    let old =
        json!({"choices": [{"text": "x", "logprobs": {"tokens": ["jo@", "acme.io"], "top_logprobs": [{"x": 1}]}}]});
    assert_eq!(body::check_answer(&rules, old.to_string().as_bytes(), &none).unwrap().edits.len(), 1);
    let other =
        json!({"choices": [{"logprobs": {"content": [{"token": "x", "top_logprobs": [{"token": "jo@acme.io"}]}]}}]});
    assert_eq!(body::check_answer(&rules, other.to_string().as_bytes(), &none).unwrap().edits.len(), 1);

    let way = &WAYS[0];
    let event = |word: &str, logprobs: Value| {
        format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": {"content": word}, "logprobs": logprobs}]}))
    };
    let stream: String = words.iter().map(|word| event(word, json!({"content": [entry(word)]}))).collect();
    for chunk in [1, usize::MAX] {
        let (out, guard) = way.run(Action::Redact, &none, &stream, chunk);
        assert!(guard.failure().is_none());
        let documents = way.documents(&out);
        for (document, word) in documents.iter().zip(words) {
            let logprobs = &document["choices"][0]["logprobs"];
            let stays = ["to ", ", ok"].contains(&word);
            assert_eq!(*logprobs, if stays { json!({"content": [entry(word)]}) } else { Value::Null }, "{word}");
        }
        assert_eq!(way.joined(&out), "to [REDACTED|EMAIL], ok");
        let clean = stream.replace('@', "#");
        assert_eq!(way.run(Action::Redact, &none, &clean, chunk).0, clean);
    }
}

#[test]
fn text_files_in_base64_are_judged_and_media_pass() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let rules = rules(Action::Redact);
    let text = "Name;Mail\nJo;jo@acme-corp.io\n";
    let payload = |text: &str| STANDARD.encode(text);
    let redacted = text.replace("jo@acme-corp.io", "[REDACTED|EMAIL]");
    for (document, pointer) in [
        (json!({"file": {"file_data": "data:text/csv;base64,CANARY"}}), "/file/file_data"),
        (json!({"file": {"filename": "a.csv", "file_data": "CANARY"}}), "/file/file_data"),
        (json!({"image_url": {"url": "data:application/octet-stream;base64,CANARY"}}), "/image_url/url"),
        (json!({"parts": [{"inlineData": {"mimeType": "text/plain", "data": "CANARY"}}]}), "/parts/0/inlineData/data"),
        (json!({"source": {"type": "base64", "media_type": "text/plain", "data": "CANARY"}}), "/source/data"),
    ] {
        let body = bytes::Bytes::from(document.to_string().replace("CANARY", &payload(text)));
        let checked = body::check_request(&rules, &body, &mut Vault::default()).unwrap();
        assert!(!checked.report.findings.is_empty(), "{document}");
        let mut edits = checked.edits;
        let out: Value = serde_json::from_slice(&crate::dialect::splice::splice(&body, &mut edits)).unwrap();
        let out = out.pointer(pointer).unwrap().as_str().unwrap();
        let expected = document.pointer(pointer).unwrap().as_str().unwrap().replace("CANARY", &payload(&redacted));
        assert_eq!(out, expected);
        let clean = document.to_string().replace("CANARY", &payload("nobody is in here"));
        assert!(body::check_request(&rules, clean.as_bytes(), &mut Vault::default()).unwrap().edits.is_empty());
    }
    // In another encoding, or packed: nobody here can read it, and the model may.
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let with_mark = [&b"\xff\xfe"[..], &wide].concat();
    let packed = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xf3\xca\x57\0\0".to_vec();
    let one_bad_byte = [&b"\xe9 "[..], text.as_bytes()].concat();
    for (kind, bytes) in [
        ("text/plain", &wide),
        ("text/plain", &with_mark),
        ("text/csv", &packed),
        ("application/json", &with_mark),
        ("text/html", &one_bad_byte),
        ("application/octet-stream", &wide),
        ("application/octet-stream", &with_mark),
        ("application/octet-stream", &one_bad_byte),
    ] {
        let source = json!({"source": {"type": "base64", "media_type": kind, "data": STANDARD.encode(bytes)}});
        assert!(body::check_request(&rules, source.to_string().as_bytes(), &mut Vault::default()).is_err(), "{kind}");
        let url = format!("data:{kind};base64,{}", STANDARD.encode(bytes));
        let file = json!({"file": {"file_data": url}}).to_string();
        assert!(body::check_request(&rules, file.as_bytes(), &mut Vault::default()).is_err(), "{kind}");
    }
    let unsaid = json!({"data": STANDARD.encode(&with_mark)}).to_string();
    assert!(body::check_request(&rules, unsaid.as_bytes(), &mut Vault::default()).is_err());
    let odd = json!({"file": {"file_data": "data:text/csv;base64,a"}}).to_string();
    assert!(body::check_request(&rules, odd.as_bytes(), &mut Vault::default()).is_err(), "text that cannot be read");
    let media = json!({"data": STANDARD.encode([&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], b"jo@acme-corp.io"].concat())})
        .to_string();
    assert!(body::check_request(&rules, media.as_bytes(), &mut Vault::default()).unwrap().edits.is_empty());
}

#[test]
fn a_stream_in_another_encoding_is_refused() {
    let none = Arc::new(Vault::default());
    let event = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"jo@acme-corp.io\"}}]}\n\n";
    let wide: Vec<u8> = event.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let packed = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xf3\xca\x57\0\0\n\n".to_vec();
    for bytes in [wide, packed] {
        for chunk in [1, 7, bytes.len()] {
            let mut guard = Guard::new(rules(Action::Redact), Arc::clone(&none), Api::OpenaiChat, Framing::Sse, true);
            let mut out = Vec::new();
            bytes.chunks(chunk).for_each(|piece| guard.feed(piece, &mut out));
            guard.finish(&mut out);
            assert_eq!(guard.failure(), Some(&Failure::Unreadable(Unreadable::Encoding)));
            assert!(out.is_empty(), "{out:?}");
        }
    }
}

#[test]
fn what_responses_say_twice_is_told_once() {
    let none = Arc::new(Vault::default());
    let said = "to jo@acme-corp.io";
    let events = [
        json!({"type": "response.output_text.delta", "item_id": "m", "output_index": 0, "content_index": 0, "delta": said}),
        json!({"type": "response.output_text.done", "item_id": "m", "output_index": 0, "content_index": 0, "text": said}),
        json!({"type": "response.content_part.done", "item_id": "m", "output_index": 0, "content_index": 0,
            "part": {"type": "output_text", "text": said}}),
        json!({"type": "response.output_item.done", "output_index": 0,
            "item": {"type": "message", "id": "m", "content": [{"type": "output_text", "text": said}]}}),
        json!({"type": "response.completed", "response": {"id": "r", "output": [
            {"type": "message", "id": "m", "content": [{"type": "output_text", "text": said}]}]}}),
    ];
    let stream: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    let mut guard = Guard::new(rules(Action::Redact), none, Api::OpenaiResponses, Framing::Sse, true);
    let mut out = Vec::new();
    guard.feed(stream.as_bytes(), &mut out);
    guard.finish(&mut out);
    let out = String::from_utf8(out).unwrap();
    assert_eq!((out.matches("[REDACTED|EMAIL]").count(), out.contains("jo@")), (5, false), "{out}");
    let counts: Vec<u32> = guard.report().findings.iter().map(|found| found.count).collect();
    assert_eq!(counts, [1], "{:?}", guard.report());
}
