//! Adding to a body the fields that it does not state, and nothing else: every byte of it stays.
//!
//! An object that the body states is added to in its turn; whatever else it states stands, `null` included.

use serde_json::{Map, Value};

use super::{
    lex::{Kind, Lexer},
    quote,
    splice::Edit,
    steer::SteerError,
};

/// The edits that give a body, one JSON object, what it lacks of `defaults`. With `after_field`, another edit
/// puts a field at the beginning of the body's object, before these.
///
/// ```
/// use bytes::Bytes;
/// use llm_gateway::dialect::{defaults::missing, splice::splice};
/// let body = Bytes::from_static(br#"{ "temperature" : 1, "options":{"seed":7} }"#);
/// let serde_json::Value::Object(defaults) =
///     serde_json::json!({"temperature": 0, "top_p": 0.5, "options": {"seed": 1, "num_ctx": 8}}) else { panic!() };
/// let mut edits = missing(std::str::from_utf8(&body).unwrap(), &defaults, false).unwrap();
/// assert_eq!(splice(&body, &mut edits), r#"{"top_p":0.5, "temperature" : 1, "options":{"num_ctx":8,"seed":7} }"#);
/// ```
///
/// # Errors
/// When the text is not one JSON object.
pub fn missing(body: &str, defaults: &Map<String, Value>, after_field: bool) -> Result<Vec<Edit>, SteerError> {
    let mut lexer = Lexer::new(body);
    let token = lexer.value()?;
    if token.kind != Kind::Object {
        return Err(SteerError::NotAnObject);
    }
    let mut edits = Vec::new();
    object(&mut lexer, defaults, after_field, &mut edits)?;
    Ok(edits)
}

/// Reads an object whose opening brace was just read.
fn object(
    lexer: &mut Lexer<'_>,
    defaults: &Map<String, Value>,
    after_field: bool,
    edits: &mut Vec<Edit>,
) -> Result<(), SteerError> {
    let inside = lexer.at();
    let mut lacking: Vec<(&String, &Value)> = defaults.iter().collect();
    let mut is_empty = true;
    while let Some(span) = lexer.key_span(is_empty)? {
        is_empty = false;
        let key = lexer.unescape(span).unwrap_or_default();
        lacking.retain(|(name, _)| **name != *key);
        let token = lexer.value()?;
        match defaults.get(&*key) {
            Some(Value::Object(inner)) if token.kind == Kind::Object => object(lexer, inner, false, edits)?,
            _ => lexer.skip_rest(&token)?,
        }
    }
    if lacking.is_empty() {
        return Ok(());
    }
    let fields: Vec<_> = lacking.iter().map(|(name, value)| format!("{}:{value}", quote::quoted(name))).collect();
    let mut with = fields.join(",");
    if is_empty && after_field {
        with.insert(0, ',');
    } else if !is_empty {
        with.push(',');
    }
    edits.push(Edit { span: inside..inside, with: with.into_bytes() });
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::dialect::splice::splice;

    fn given(body: &str, defaults: &Value) -> String {
        let Value::Object(defaults) = defaults else { panic!("an object") };
        let mut edits = missing(body, defaults, false).unwrap();
        String::from_utf8(splice(&Bytes::copy_from_slice(body.as_bytes()), &mut edits).to_vec()).unwrap()
    }

    #[test]
    fn what_is_stated_stands_and_what_is_not_is_added() {
        let table = [
            ("{}", json!({"a": 1, "b": "x\n"}), r#"{"a":1,"b":"x\n"}"#),
            (r#"{"a":null}"#, json!({"a": 1}), r#"{"a":null}"#),
            (r#"{ "z" :[1.0]}"#, json!({"a": {"b": []}}), r#"{"a":{"b":[]}, "z" :[1.0]}"#),
            (r#"{"\u0061":2,"o":{}}"#, json!({"a": 1, "o": {"p": true}}), r#"{"\u0061":2,"o":{"p":true}}"#),
            (r#"{"o":[{"a":1}]}"#, json!({"o": {"a": 2}}), r#"{"o":[{"a":1}]}"#),
            (r#"{"x":{"a":1}}"#, json!({"a": 2}), r#"{"a":2,"x":{"a":1}}"#),
        ];
        for (body, defaults, expected) in table {
            assert_eq!(given(body, &defaults), expected, "{body}");
        }
        let Value::Object(defaults) = json!({"a": 1}) else { panic!() };
        assert_eq!(missing("{}", &defaults, true).unwrap()[0].with, b",\"a\":1");
        assert_eq!(missing("{\"b\":1}", &defaults, true).unwrap()[0].with, b"\"a\":1,");
        assert!(missing("[]", &defaults, false).is_err());
    }

    /// What a reader of both would make of it.
    fn laid(value: &Value, below: &Value) -> Value {
        match (value, below) {
            (Value::Object(own), Value::Object(below)) => {
                let mut all = own.clone();
                for (key, below) in below {
                    let value = own.get(key).map_or_else(|| below.clone(), |own| laid(own, below));
                    all.insert(key.clone(), value);
                }
                Value::Object(all)
            }
            (value, _) => value.clone(),
        }
    }

    fn any_object() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![Just(Value::Null), any::<i32>().prop_map(Value::from), ".{0,4}".prop_map(Value::from)];
        let inner = leaf.prop_recursive(3, 16, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-c]{1}", inner, 0..3)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        });
        prop::collection::btree_map("[a-c]{1}", inner, 0..3).prop_map(|map| Value::Object(map.into_iter().collect()))
    }

    proptest! {
        #[test]
        fn it_is_what_laying_one_over_the_other_gives(body in any_object(), defaults in any_object()) {
            let text = serde_json::to_string_pretty(&body).unwrap();
            let after: Value = serde_json::from_str(&given(&text, &defaults)).unwrap();
            prop_assert_eq!(after, laid(&body, &defaults));
        }
    }
}
