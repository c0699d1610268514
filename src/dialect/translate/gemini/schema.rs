//! Gemini's own schemas, a subset of OpenAPI's with types in capitals, as JSON Schema.

use serde_json::{Map, Value};

/// The schema as JSON Schema text; what cannot be read stays as it is.
pub(super) fn to_json_schema(raw: &str) -> String {
    serde_json::from_str(raw).map_or_else(|_| raw.to_owned(), |value| lowered(value).to_string())
}

fn lowered(schema: Value) -> Value {
    let Value::Object(fields) = schema else { return schema };
    let is_nullable = fields.get("nullable") == Some(&Value::Bool(true));
    let mut lower = Map::with_capacity(fields.len());
    for (key, value) in fields {
        let value = match (key.as_str(), value) {
            ("nullable" | "propertyOrdering" | "property_ordering", _) => continue,
            ("type", Value::String(word)) => {
                let word = Value::String(word.to_ascii_lowercase());
                if is_nullable { Value::Array(vec![word, Value::String("null".to_owned())]) } else { word }
            }
            ("properties" | "$defs" | "defs", Value::Object(inner)) => {
                Value::Object(inner.into_iter().map(|(name, schema)| (name, lowered(schema))).collect())
            }
            ("items" | "additionalProperties", inner) => lowered(inner),
            ("anyOf" | "any_of" | "oneOf" | "allOf", Value::Array(list)) => {
                Value::Array(list.into_iter().map(lowered).collect())
            }
            // 64-bit numbers come as strings in the JSON form of protocol buffers.
            (
                "minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties" | "maxProperties",
                Value::String(number),
            ) => number.parse::<u64>().map_or(Value::String(number), Value::from),
            (_, value) => value,
        };
        let key = if key == "any_of" { "anyOf".to_owned() } else { key };
        lower.insert(key, value);
    }
    Value::Object(lower)
}

#[cfg(test)]
mod tests {
    use super::to_json_schema;

    #[test]
    fn types_are_lowered_at_every_depth_and_names_are_not() {
        let gemini = r#"{"type":"OBJECT","properties":{"TYPE":{"type":"STRING","nullable":true},"list":{"type":"ARRAY","minItems":"2","items":{"anyOf":[{"type":"INTEGER"}]}}},"required":["TYPE"],"propertyOrdering":["TYPE"]}"#;
        let expected = r#"{"type":"object","properties":{"TYPE":{"type":["string","null"]},"list":{"type":"array","minItems":2,"items":{"anyOf":[{"type":"integer"}]}}},"required":["TYPE"]}"#;
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&to_json_schema(gemini)), value(expected));
        assert_eq!(to_json_schema("[nonsense"), "[nonsense");
    }
}
