//! What steers a request, and what is refused.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::dialect::splice::splice;

fn chat(body: &str) -> Result<Steering, SteerError> {
    read(Endpoint::ChatCompletions, body.as_bytes())
}

/// Both edits applied and read again.
fn edited(body: &str) -> (String, Value) {
    let steering = chat(body).unwrap();
    let mut edits = vec![steering.set_model("gpt-\"new\"")];
    edits.extend(steering.ask_for_usage());
    let out = splice(&bytes::Bytes::from(body.to_owned()), &mut edits);
    let text = String::from_utf8(out.to_vec()).unwrap();
    let value = serde_json::from_str(&text).unwrap();
    (text, value)
}

#[test]
fn the_fields_that_steer_are_read_with_their_places() {
    let body = r#" {"messages":[{"role":"user","content":"Hi \"you\"","model":"no"}], "model" : "gpt\u002d5" ,"stream":true,"max_tokens":5,"max_completion_tokens":7,"stream_options":{"x":1,"include_usage":false}} "#;
    let steering = chat(body).unwrap();
    let model = steering.model.clone().unwrap();
    assert_eq!(model.value, "gpt-5");
    assert_eq!(&body[model.span], r#""gpt\u002d5""#);
    assert!(steering.stream);
    assert_eq!(steering.include_usage, Some(false));
    assert_eq!(steering.max_output_tokens, Some(7));
    assert_eq!(steering.request_text_bytes, 4 + 10 + 2 + 10);
}

#[test]
fn each_api_has_its_own_words() {
    let limit = |endpoint, body: &str| read(endpoint, body.as_bytes()).unwrap().max_output_tokens;
    assert_eq!(limit(Endpoint::Messages, r#"{"max_tokens":1}"#), Some(1));
    assert_eq!(limit(Endpoint::Responses, r#"{"max_output_tokens":2}"#), Some(2));
    assert_eq!(limit(Endpoint::GenerateContent, r#"{"generationConfig":{"maxOutputTokens":3}}"#), Some(3));
    assert_eq!(limit(Endpoint::GenerateContent, r#"{"generation_config":{"max_output_tokens":4}}"#), Some(4));
    assert_eq!(limit(Endpoint::OllamaChat, r#"{"options":{"num_predict":5}}"#), Some(5));
    for odd in ["-1", "1.5", "1e99", "\"x\"", "null", "{}", "[1]"] {
        assert_eq!(limit(Endpoint::Messages, &format!(r#"{{"max_tokens":{odd}}}"#)), None);
    }
    let stream = |endpoint, body: &str| read(endpoint, body.as_bytes()).unwrap().stream;
    assert!(stream(Endpoint::OllamaChat, "{}"));
    assert!(!stream(Endpoint::OllamaChat, r#"{"stream":false}"#));
    assert!(stream(Endpoint::StreamGenerateContent, "{}"));
    assert!(!stream(Endpoint::GenerateContent, "{}"));
    assert!(!stream(Endpoint::OllamaEmbed, "{}"));
    assert!(!stream(Endpoint::ChatCompletions, r#"{"stream":null}"#));
    // Gemini's model stands in the URL: a field of that name is none of ours.
    assert_eq!(read(Endpoint::GenerateContent, br#"{"model":7}"#).unwrap().model, None);
}

#[test]
fn no_model_is_no_model_in_every_spelling() {
    for body in ["{}", r#"{"model":null}"#, r#"{"model":""}"#, r#"{"Messages":1}"#] {
        assert_eq!(chat(body).unwrap().model, None, "{body}");
        assert_eq!(edited(body).1["model"], "gpt-\"new\"", "{body}");
    }
}

#[test]
fn a_key_that_occurs_twice_is_refused_however_it_is_spelt() {
    for (body, key, offset) in [
        (r#"{"model":"a","model":"a"}"#, "model", 13),
        (r#"{"model":"a","mod\u0065l":"b"}"#, "model", 13),
        (r#"{"\u006dodel":"a","model":"b"}"#, "model", 18),
        (r#"{"a":1,"a":2}"#, "a", 7),
        // Anybody's own words are not repeated.
        (r#"{"jo@acme-corp.io":1,"jo@acme-corp.io":2}"#, "*", 21),
        (r#"{"stream":true,"stream":false}"#, "stream", 15),
        (r#"{"stream_options":{"include_usage":true,"include_usag\u0065":false}}"#, "include_usage", 40),
    ] {
        assert_eq!(chat(body), Err(SteerError::DuplicateKey { key: key.to_owned(), offset }), "{body}");
    }
    assert!(chat(r#"{"messages":[{"a":1,"a":2}]}"#).is_ok(), "objects that nobody reads are the provider's matter");
}

#[test]
fn a_key_that_only_careless_servers_take_for_ours_is_refused() {
    for body in [
        r#"{"model":"a","MODEL":"b"}"#,
        r#"{"Stream":true}"#,
        "{\"\u{17f}tream\":true}",
        r#"{"max_to\u212aens":1}"#,
        r#"{"stream_options":{"Include_Usage":true}}"#,
    ] {
        assert!(matches!(chat(body), Err(SteerError::MisspeltKey { .. })), "{body}");
    }
}

#[test]
fn what_is_no_json_object_is_refused_with_its_place() {
    for (body, what, offset) in [
        ("", "unexpected end", 0),
        ("  ", "unexpected end", 2),
        ("{", "expected a string", 1),
        ("{\"a\"}", "expected a colon", 4),
        ("{\"a\":1,}", "expected a string", 7),
        ("{\"a\":1 \"b\":2}", "expected a comma or a closing brace", 7),
        ("{\"a\":[1,]}", "expected a value", 8),
        ("{\"a\":[1 2]}", "expected a comma or the end of the list", 8),
        ("{\"a\":tru}", "expected a value", 5),
        ("{\"a\":01}", "expected a comma or a closing brace", 6),
        ("{\"a\":1.}", "expected a digit", 7),
        ("{\"a\":-}", "expected a digit", 6),
        ("{\"a\":+1}", "expected a value", 5),
        ("{\"a\":\"x", "unexpected end inside a string", 7),
        ("{\"a\":\"\n\"}", "a control character inside a string", 6),
        ("{\"a\":\"\\x\"}", "an unknown escape", 7),
        ("{\"a\":\"\\u00g0\"}", "expected a hex digit", 10),
        ("{\"a\":1} x", "text after the end", 8),
        ("{}{}", "text after the end", 2),
        ("{\"a\":{\"b\":1]}", "expected a comma or the end of the list", 11),
        ("{\"model\":\"\\ud83d\"}", "a string with an invalid escape", 9),
        ("\u{feff}{}", "expected a value", 0),
    ] {
        assert_eq!(chat(body), Err(SteerError::Syntax { what, offset }), "{body:?}");
    }
    assert_eq!(
        read(Endpoint::Messages, b"{\"a\":\"\xff\"}"),
        Err(SteerError::Syntax { what: "invalid UTF-8", offset: 6 })
    );
    for body in ["[]", "[{\"model\":\"a\"}]", "1", "\"x\"", "null", "true"] {
        assert_eq!(chat(body), Err(SteerError::NotAnObject), "{body}");
    }
}

#[test]
fn wrong_types_are_refused_by_name() {
    for (body, key) in [
        (r#"{"model":1}"#, "model"),
        (r#"{"model":["a"]}"#, "model"),
        (r#"{"stream":"true"}"#, "stream"),
        (r#"{"stream_options":true}"#, "stream_options"),
        (r#"{"stream_options":{"include_usage":1}}"#, "include_usage"),
    ] {
        let refused = chat(body);
        assert!(matches!(refused, Err(SteerError::WrongType { key: named, .. }) if named == key), "{body}");
    }
}

#[test]
fn depth_and_number_of_keys_are_bounded() {
    let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    assert!(chat(&nested(MAX_DEPTH)).is_ok());
    assert!(serde_json::from_str::<Value>(&nested(MAX_DEPTH)).is_ok());
    assert!(matches!(chat(&nested(MAX_DEPTH + 1)), Err(SteerError::TooDeep { .. })));
    assert!(serde_json::from_str::<Value>(&nested(MAX_DEPTH + 1)).is_err());
    assert!(matches!(chat(&"{\"a\":".repeat(100_000)), Err(SteerError::TooDeep { .. })));
    let keys = |count: usize| {
        let fields: Vec<String> = (0..count).map(|n| format!("\"k{n}\":0")).collect();
        format!("{{{}}}", fields.join(","))
    };
    assert!(chat(&keys(MAX_KEYS)).is_ok());
    assert_eq!(chat(&keys(MAX_KEYS + 1)), Err(SteerError::TooManyKeys));
}

#[test]
fn embedded_files_do_not_count_as_text() {
    let image = "A".repeat(2_000);
    let prose = "word ".repeat(400);
    let body = format!(r#"{{"a":"{image}","b":"data:image/png;base64,xyz","c":"{prose}"}}"#);
    assert_eq!(chat(&body).unwrap().request_text_bytes, 2_000);
}

#[test]
fn a_stream_is_asked_for_its_usage_by_the_smallest_edit() {
    for (body, expected) in [
        (r#"{"stream":true}"#, r#"{"model":"gpt-\"new\"","stream_options":{"include_usage":true},"stream":true}"#),
        (
            r#"{ "model":"a", "stream":true,"stream_options":null}"#,
            r#"{ "model":"gpt-\"new\"", "stream":true,"stream_options":{"include_usage":true}}"#,
        ),
        (
            r#"{"model":"a","stream":true,"stream_options":{ }}"#,
            r#"{"model":"gpt-\"new\"","stream":true,"stream_options":{"include_usage":true }}"#,
        ),
        (
            r#"{"model":"a","stream":true,"stream_options":{"x":[1]}}"#,
            r#"{"model":"gpt-\"new\"","stream":true,"stream_options":{"include_usage":true,"x":[1]}}"#,
        ),
        (
            r#"{"stream_options":{"include_usage": false},"model":"a","stream":true}"#,
            r#"{"stream_options":{"include_usage": true},"model":"gpt-\"new\"","stream":true}"#,
        ),
        (
            r#"{"stream_options":{"include_usage":null},"model":"a","stream":true}"#,
            r#"{"stream_options":{"include_usage":true},"model":"gpt-\"new\"","stream":true}"#,
        ),
        (
            r#"{"stream_options":{"include_usage":true},"model":"a","stream":true}"#,
            r#"{"stream_options":{"include_usage":true},"model":"gpt-\"new\"","stream":true}"#,
        ),
        (r#"{"model":"a","stream":false}"#, r#"{"model":"gpt-\"new\"","stream":false}"#),
        ("{ }", r#"{"model":"gpt-\"new\"" }"#),
    ] {
        let (text, value) = edited(body);
        assert_eq!(text, expected);
        if value["stream"] == true {
            assert_eq!(value["stream_options"]["include_usage"], true);
        }
    }
    let responses = read(Endpoint::Responses, br#"{"stream":true}"#).unwrap();
    assert_eq!(responses.ask_for_usage(), None);
}

#[test]
fn a_form_names_its_model() {
    let form = |parts: &[(&str, &str)]| {
        let mut body: String =
            parts.iter().map(|(head, value)| format!("--xYz\r\n{head}\r\n\r\n{value}\r\n")).collect();
        body.push_str("--xYz--\r\n");
        body
    };
    let file =
        ("Content-Disposition: form-data; name=\"file\"; filename=\"model\"\r\nContent-Type: audio/wav", "\0\u{ff}--x");
    let model = ("content-disposition: form-data; name=\"model\"", "whisper-1");
    let other = ("Content-Disposition: form-data; name=\"model\"", "other");
    let as_file = ("Content-Disposition: form-data; name=\"model\"; filename=\"x\"", "whisper-9");
    let kind = "multipart/form-data; charset=utf-8; boundary=\"xYz\"";
    let read = |parts: &[(&str, &str)]| multipart_model(kind, form(parts).as_bytes());
    assert_eq!(read(&[file, model]).as_deref(), Some("whisper-1"));
    assert_eq!(read(&[model, file, model]).as_deref(), Some("whisper-1"));
    assert_eq!(read(&[model, other]), None);
    assert_eq!(read(&[file]), None);
    assert_eq!(read(&[as_file]), None);
    let whole = form(&[file, model]);
    for at in 0..whole.len() {
        let found = multipart_model(kind, &whole.as_bytes()[..at]);
        assert!(found.is_none() || found.as_deref() == Some("whisper-1"), "cut at {at}");
    }
    assert_eq!(multipart_model("application/json", whole.as_bytes()), None);
    assert_eq!(multipart_model("multipart/form-data; boundary=", whole.as_bytes()), None);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        any::<f64>().prop_map(|value| json!(value)),
        any::<String>().prop_map(|value| json!(value)),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("model|stream|include_usage|\\PC{0,4}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #[test]
    fn it_agrees_with_serde_json_and_edits_change_nothing_else(
        model in any::<String>(),
        stream in any::<bool>(),
        options in prop::option::of(prop::option::of(any::<bool>())),
        extra in prop::collection::hash_map("x\\PC{0,6}", value(), 0..4),
        new_model in any::<String>(),
        pretty in any::<bool>(),
    ) {
        let mut body = json!(extra);
        body["model"] = json!(model);
        body["stream"] = json!(stream);
        if let Some(include_usage) = options {
            body["stream_options"] = json!({ "include_usage": include_usage, "other": [1] });
        }
        let text = if pretty { serde_json::to_string_pretty(&body) } else { serde_json::to_string(&body) }.unwrap();
        let steering = chat(&text).unwrap();
        prop_assert_eq!(steering.model.as_ref().map_or("", |model| model.value.as_str()), &model);
        prop_assert_eq!(steering.stream, stream);
        prop_assert_eq!(steering.include_usage, options.flatten());
        let mut edits = vec![steering.set_model(&new_model)];
        edits.extend(steering.ask_for_usage());
        // Read back from text, as `serde_json` does not keep every float to its last bit.
        let mut expected: Value = serde_json::from_str(&text).unwrap();
        let out = splice(&bytes::Bytes::from(text), &mut edits);
        expected["model"] = json!(new_model);
        if stream {
            if expected["stream_options"].is_null() {
                expected["stream_options"] = json!({});
            }
            expected["stream_options"]["include_usage"] = json!(true);
        }
        prop_assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), expected);
    }

    #[test]
    fn random_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        for endpoint in Endpoint::ALL {
            let _ = read(endpoint, &body);
        }
        let _ = multipart_model("multipart/form-data; boundary=a", &body);
    }

    #[test]
    fn what_it_takes_is_json_and_what_it_refuses_is_not(
        body in prop::collection::vec(
            prop::sample::select(vec!["{", "}", "[", "]", ",", ":", "\"model\"", "\"a\"", "\"\\u0061\"", "1", "-0.5e+1", "01", "true", "null", " ", "\n", "\""]),
            0..14,
        ),
    ) {
        let text = body.concat();
        let object = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok()
            && text.trim_start().starts_with('{');
        match chat(&text) {
            Ok(_) => prop_assert!(object),
            Err(SteerError::Syntax { .. } | SteerError::NotAnObject) => prop_assert!(!object, "{}", text),
            Err(_) => {}
        }
    }
}
