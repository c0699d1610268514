//! Watched fields are found, at every split, in whatever surrounds them.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::json;

use super::*;

static TABLE: LazyLock<Table<&'static str>> = LazyLock::new(|| {
    Table::new(&[
        (
            "",
            &[
                ("id", "id", Take::Value),
                ("n", "n", Take::Value),
                ("list[].x", "x", Take::Value),
                ("list[].text", "text", Take::Length),
                ("grid[][]", "cell", Take::Value),
            ],
        ),
        ("deep.er", &[("v", "v", Take::Value), ("", "er", Take::Value)]),
    ])
});

#[derive(Clone, Debug, PartialEq)]
enum Found {
    Open(&'static str),
    Close(&'static str),
    String(&'static str, Vec<u8>),
    Text(&'static str, u64),
    Other(&'static str, String),
    End,
}

/// What was found; parts of one text are added up, since a split may part them.
fn scan(feeds: &[&[u8]]) -> Vec<Found> {
    let (mut scanner, mut found) = (Scanner::new(&TABLE), Vec::new());
    for feed in feeds {
        scanner.feed(feed, &mut |seen| {
            let next = match seen {
                Seen::DocumentEnd => Found::End,
                Seen::Field(field, Value::Open) => Found::Open(field),
                Seen::Field(field, Value::Close) => Found::Close(field),
                Seen::Field(field, Value::String(text)) => Found::String(field, text.to_vec()),
                Seen::Field(field, Value::Number(digits)) => Found::Other(field, digits.to_owned()),
                Seen::Field(field, Value::Bool(value)) => Found::Other(field, value.to_string()),
                Seen::Field(field, Value::Null) => Found::Other(field, "null".to_owned()),
                Seen::Field(field, Value::Text(bytes)) => {
                    if let Some(Found::Text(before, sum)) = found.last_mut()
                        && *before == field
                    {
                        *sum += bytes;
                        return;
                    }
                    Found::Text(field, bytes)
                }
            };
            found.push(next);
        });
    }
    found
}

fn at_every_split(bytes: &[u8]) -> Vec<Found> {
    let whole = scan(&[bytes]);
    assert_eq!(scan(&bytes.chunks(1).collect::<Vec<_>>()), whole, "byte by byte");
    for at in 0..=bytes.len() {
        let (head, tail) = bytes.split_at(at);
        assert_eq!(scan(&[head, tail]), whole, "split at {at}");
    }
    whole
}

fn string(field: &'static str, text: &str) -> Found {
    Found::String(field, text.as_bytes().to_vec())
}

#[test]
fn fields_are_found_by_their_path_and_nowhere_else() {
    let found = at_every_split(
        br#" { "no": {"id": "wrong", "list": [{"x": 1}]}, "id" : "a" , "n":-1.5e3, "x": 2,
           "list": [ {"x": true, "y": {"x": 0}}, 7, {"x": null, "text": "abc"}, ["x"] ],
           "deep": {"er": {"v": "in", "w": [1, 2]}, "v": "no"}, "grid": [[1, {"v": 2}], [], "no"] } "#,
    );
    let expected = [
        string("id", "a"),
        Found::Other("n", "-1.5e3".into()),
        Found::Other("x", "true".into()),
        Found::Other("x", "null".into()),
        Found::Text("text", 3),
        Found::Open("er"),
        string("v", "in"),
        Found::Close("er"),
        Found::Other("cell", "1".into()),
        Found::Open("cell"),
        Found::Close("cell"),
        Found::End,
    ];
    assert_eq!(found, expected);
}

#[test]
fn escapes_are_undone_in_keys_and_values() {
    for (json, text) in [
        (r#"{"\u0069d":"a\n\t\"\\\/\b\f\r"}"#, "a\n\t\"\\/\u{8}\u{c}\r"),
        (r#"{"i\u0064":"\u00e9\ud83d\ude00"}"#, "é😀"),
        (r#"{"id":"\ud83d"}"#, "\u{fffd}"),
        (r#"{"id":"\ud83dx"}"#, "\u{fffd}x"),
        (r#"{"id":"\ud83d\n"}"#, "\u{fffd}\n"),
        (r#"{"id":"\ud83d\ud83d\ude00"}"#, "\u{fffd}😀"),
        (r#"{"id":"\ude00a"}"#, "\u{fffd}a"),
        (r#"{"id":"\ud83d\u0041"}"#, "\u{fffd}A"),
        (r#"{"x":"}{\"id\":1","id":"b"}"#, "b"),
        ("{\"x\":\"\\\\\",\"id\":\"c\"}", "c"),
    ] {
        assert_eq!(at_every_split(json.as_bytes()), [string("id", text), Found::End], "{json}");
    }
    let found = at_every_split(r#"{"list":[{"text":"é\u00e9\ud83d\ude00\n\ud83d"}]}"#.as_bytes());
    assert_eq!(found, [Found::Text("text", 2 + 2 + 4 + 1 + 3), Found::End]);
}

#[test]
fn long_strings_are_cut_and_long_numbers_dropped() {
    let long = "x".repeat(3 * MAX_CAPTURE_BYTES);
    let digits = "9".repeat(MAX_CAPTURE_BYTES + 1);
    let json = format!(r#"{{"id":"{long}","n":{digits},"{long}":1,"list":[{{"text":"{long}"}}]}}"#);
    let expected = [string("id", &long[..MAX_CAPTURE_BYTES]), Found::Text("text", long.len() as u64), Found::End];
    for size in [1, 7, 4_096, usize::MAX] {
        let feeds: Vec<&[u8]> = json.as_bytes().chunks(size).collect();
        assert_eq!(scan(&feeds), expected, "chunks of {size}");
    }
    let fits = "9".repeat(MAX_CAPTURE_BYTES);
    assert_eq!(scan(&[format!(r#"{{"n":{fits}}}"#).as_bytes()])[0], Found::Other("n", fits));
}

#[test]
fn depth_costs_nothing() {
    let mut scanner = Scanner::new(&TABLE);
    let mut ends = 0;
    for bracket in ["[", "{\"id\":["] {
        for _ in 0..200_000 {
            scanner.feed(bracket.as_bytes(), &mut |_| ends += 1);
        }
    }
    assert!(scanner.frames.len() < 8 && scanner.capture.capacity() < 1_024);
    scanner.reset();
    scanner.feed(br#"{"id":"a"}"#, &mut |_| ends += 1);
    assert_eq!(ends, 2);
}

#[test]
fn an_array_at_the_top_is_a_row_of_documents() {
    let expected = [string("id", "a"), Found::End, string("id", "b"), Found::End, Found::End];
    assert_eq!(at_every_split(br#"[{"id":"a"},{"id":"b"},[{"id":"no"}],1,"id",{}]"#), expected);
    assert_eq!(at_every_split(b"{\"id\":\"a\"}\n{\"id\":\"b\"}{}"), expected);
    assert_eq!(at_every_split(b"[DONE]"), []);
}

#[test]
fn broken_json_never_hangs() {
    for bytes in [
        &b"}}}]]]"[..],
        b"{\"id\" \"a\"}",
        b"{\"id\":}",
        b"{,,,:::}",
        b"{\"id\":\"a\x00\x01\"\x02}",
        b"\xff\xfe{\"id\":tru}",
        b"{\"id\":nul\"x\"}",
        b"\\",
        b"{\"id\":\"\\u12\"}",
    ] {
        at_every_split(bytes);
    }
}

/// What the table should find in a well-formed document, by `serde_json`.
fn expected(value: &serde_json::Value) -> Vec<Found> {
    let scalar = |field, value: &serde_json::Value| match value {
        serde_json::Value::String(text) => string(field, text),
        other => Found::Other(field, other.to_string()),
    };
    let mut found = Vec::new();
    for (key, value) in value.as_object().unwrap() {
        match (key.as_str(), value) {
            ("id", value) => found.push(scalar("id", value)),
            ("n", value) => found.push(scalar("n", value)),
            ("list", serde_json::Value::Array(list)) => {
                for item in list.iter().filter_map(|item| item.as_object()) {
                    for (key, value) in item {
                        match (key.as_str(), value) {
                            ("x", value) => found.push(scalar("x", value)),
                            ("text", serde_json::Value::String(text)) if !text.is_empty() => {
                                found.push(Found::Text("text", text.len() as u64));
                            }
                            _ => {}
                        }
                    }
                }
            }
            _ => {}
        }
    }
    found.push(Found::End);
    found
}

fn scalar() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        any::<String>().prop_map(|text| json!(text)),
        any::<i64>().prop_map(|number| json!(number)),
        any::<bool>().prop_map(|value| json!(value)),
        Just(json!(null)),
    ]
}

fn other() -> impl Strategy<Value = serde_json::Value> {
    scalar().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::hash_map("id|x|list|text|[a-z\"\\\\é]{0,3}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #[test]
    fn serde_json_finds_the_same(
        id in scalar(), n in scalar(), x in scalar(), text in any::<String>(), noise in other(), more in other(),
    ) {
        let value = json!({ "a": noise, "id": id, "list": [{ "text": text, "x": x, "y": more }, 1], "n": n, "z": noise });
        for bytes in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            prop_assert_eq!(scan(&[bytes.as_bytes()]), expected(&value));
            prop_assert_eq!(scan(&bytes.as_bytes().chunks(1).collect::<Vec<_>>()), expected(&value));
            prop_assert_eq!(scan(&bytes.as_bytes().chunks(13).collect::<Vec<_>>()), expected(&value));
        }
    }
}
