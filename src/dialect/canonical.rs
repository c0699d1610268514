//! One digest for every spelling of the same JSON value.
//!
//! The order of keys, white space and the escapes of strings do not count; numbers count as they are written
//! (`1` is not `1.0`), and keys that occur twice in their order. It never builds a tree of the text: what it
//! holds is a key and a digest for each member of the objects that are open.

use std::{borrow::Cow, ops::Range};

use sha2::{Digest as _, Sha256};

use super::{
    lex::{Kind, Lexer, Token},
    steer::SteerError,
};

/// SHA-256 of a value's canonical form.
pub type ValueDigest = [u8; 32];

/// A field at the top of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopField<'a> {
    /// Its name, unescaped where that is possible.
    pub key: Cow<'a, str>,
    /// Whether it is `null` or `false`, as good as absent.
    pub is_off: bool,
}

/// The digest of a JSON object, and what stands at its top.
///
/// ```
/// use llm_gateway::dialect::canonical::digest;
/// let one = digest(r#"{"a": 1, "b": ["x", null]}"#, |_| ()).unwrap();
/// assert_eq!(one, digest(r#"{"b":["\u0078",null],"a":1}"#, |_| ()).unwrap());
/// assert_ne!(one, digest(r#"{"b":["x",null],"a":1.0}"#, |_| ()).unwrap());
/// ```
///
/// # Errors
/// When the text is not one JSON object, or nests too deep.
pub fn digest<'a>(text: &'a str, mut on_field: impl FnMut(TopField<'a>)) -> Result<ValueDigest, SteerError> {
    let mut lexer = Lexer::new(text);
    let token = lexer.value()?;
    if token.kind != Kind::Object {
        return Err(SteerError::NotAnObject);
    }
    let mut hasher = Sha256::new();
    object(&mut lexer, &mut hasher, &mut |key, token| {
        let is_off = matches!(token.kind, Kind::Null | Kind::False);
        on_field(TopField { key: key.clone(), is_off });
    })?;
    lexer.end()?;
    Ok(hasher.finalize().into())
}

/// Takes a value up; nesting is bounded by the lexer.
fn value(lexer: &mut Lexer<'_>, token: &Token, hasher: &mut Sha256) -> Result<(), SteerError> {
    match token.kind {
        Kind::Null => hasher.update(b"z"),
        Kind::True => hasher.update(b"t"),
        Kind::False => hasher.update(b"f"),
        Kind::Number => piece(hasher, b'n', lexer.text_of(token)),
        Kind::String => match lexer.unescaped(token) {
            Ok(text) => piece(hasher, b's', &text),
            // Half of a surrogate pair stands for no text: it counts as it is written.
            Err(_) => piece(hasher, b'r', lexer.text_of(token)),
        },
        Kind::Array => {
            hasher.update(b"[");
            let mut is_first = true;
            while lexer.has_element(is_first)? {
                is_first = false;
                let token = lexer.value()?;
                value(lexer, &token, hasher)?;
            }
            hasher.update(b"]");
        }
        Kind::Object => object(lexer, hasher, &mut |_, _| ())?,
    }
    Ok(())
}

/// Takes an object up whose opening brace was just read.
fn object<'a>(
    lexer: &mut Lexer<'a>,
    hasher: &mut Sha256,
    on_field: &mut impl FnMut(&Cow<'a, str>, &Token),
) -> Result<(), SteerError> {
    let mut members: Vec<(Cow<'a, str>, ValueDigest)> = Vec::new();
    while let Some(span) = lexer.key_span(members.is_empty())? {
        let key = key(lexer, span);
        let token = lexer.value()?;
        on_field(&key, &token);
        let mut digest = Sha256::new();
        value(lexer, &token, &mut digest)?;
        members.push((key, digest.finalize().into()));
    }
    // A stable sort: of a key that occurs twice, which one comes last may matter to who reads it.
    members.sort_by(|(a, _), (b, _)| a.as_bytes().cmp(b.as_bytes()));
    hasher.update(b"{");
    for (key, digest) in &members {
        piece(hasher, b'k', key);
        hasher.update(digest);
    }
    hasher.update(b"}");
    Ok(())
}

fn key<'a>(lexer: &Lexer<'a>, span: Range<usize>) -> Cow<'a, str> {
    let written = Token { kind: Kind::String, span: span.clone() };
    lexer.unescape(span).unwrap_or_else(|_| Cow::Borrowed(lexer.text_of(&written)))
}

/// One piece of text with its kind and length before it, so that no two sequences of pieces look alike.
fn piece(hasher: &mut Sha256, kind: u8, text: &str) {
    hasher.update([kind]);
    hasher.update((text.len() as u64).to_le_bytes());
    hasher.update(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn of(text: &str) -> ValueDigest {
        digest(text, |_| ()).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn spellings_of_one_value_are_one_and_others_are_others() {
        let one = [r#"{"a":{"x":1,"y":[2,3]},"b":"é"}"#, "{ \"b\" : \"\\u00e9\",\n\"a\":{\"y\":[2 ,3],\"x\":1}}"];
        assert_eq!(of(one[0]), of(one[1]));
        let others = [
            r#"{"a":{"x":1,"y":[3,2]},"b":"é"}"#,
            r#"{"a":{"x":1.0,"y":[2,3]},"b":"é"}"#,
            r#"{"a":{"x":"1","y":[2,3]},"b":"é"}"#,
            r#"{"a":{"x":1,"y":[2,3]},"b":"e"}"#,
            r#"{"a":{"x":1,"y":[[2],3]},"b":"é"}"#,
            r#"{"a":{"x":1,"y":[2,3],"b":"é"}}"#,
            r#"{"a":{"x":1,"y":[2,3]},"b":"é","c":null}"#,
            "{}",
        ];
        let mut seen = std::collections::HashSet::from([of(one[0])]);
        for other in others {
            assert!(seen.insert(of(other)), "{other}");
        }
    }

    #[test]
    fn twins_keep_their_order_and_broken_surrogates_their_spelling() {
        assert_ne!(of(r#"{"o":{"a":1,"a":2}}"#), of(r#"{"o":{"a":2,"a":1}}"#));
        assert_eq!(of(r#"{"o":{"a":1,"a":2,"b":0}}"#), of(r#"{"o":{"b":0,"a":1,"a":2}}"#));
        assert_ne!(of(r#"{"a":"\ud800"}"#), of(r#"{"a":"\uD800"}"#));
        assert_ne!(of(r#"{"a":"\ud800"}"#), of(r#"{"a":"\ud801"}"#));
    }

    #[test]
    fn fields_at_the_top_are_told_and_deeper_ones_not() {
        let mut fields = Vec::new();
        digest(r#"{"background":true,"x":{"y":1},"store":false,"n":null}"#, |field| fields.push(field)).unwrap();
        let told: Vec<_> = fields.iter().map(|field| (&*field.key, field.is_off)).collect();
        assert_eq!(told, [("background", false), ("x", false), ("store", true), ("n", true)]);
    }

    /// Any JSON value.
    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c]{0,2}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    /// The value with its objects' keys backwards, and with white space.
    fn backwards(value: &Value) -> String {
        match value {
            Value::Object(map) => {
                let mut members: Vec<_> = map.iter().collect();
                members.reverse();
                let members: Vec<_> = members
                    .iter()
                    .map(|(key, value)| format!("{} :\t{}", Value::from(key.as_str()), backwards(value)))
                    .collect();
                format!("{{ {} }}", members.join(" ,\n"))
            }
            Value::Array(items) => format!("[ {} ]", items.iter().map(backwards).collect::<Vec<_>>().join(" , ")),
            scalar => scalar.to_string(),
        }
    }

    proptest! {
        #[test]
        fn two_digests_are_equal_exactly_when_the_values_are(one in any_value(), other in any_value()) {
            let wrap = |value: &Value| serde_json::json!({ "v": value });
            let (one, other) = (wrap(&one), wrap(&other));
            prop_assert_eq!(of(&one.to_string()), of(&backwards(&one)));
            prop_assert_eq!(of(&one.to_string()) == of(&backwards(&other)), one == other);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[{}\\[\\]\",:a0\\\\u ]{0,40}") {
            let _ = digest(&text, |_| ());
        }
    }
}
