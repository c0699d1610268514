//! Checks a plugin's settings against its JSON Schema, and says where and why they do not fit.
//!
//! It knows the part of JSON Schema 2020-12 in which settings are described. A schema that uses more is refused when
//! it is read, since a keyword that is passed over would be a check that nobody makes.

use regex_automata::meta::Regex;
use serde_json::{Map, Value};

/// Deepest schema, and deepest value that is looked into.
const MAX_DEPTH: usize = 32;

/// Keywords that describe and check nothing.
const NOTES: [&str; 12] = [
    "$schema",
    "$id",
    "$comment",
    "$defs",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "format",
];

/// Keywords that are checked.
const CHECKS: [&str; 24] = [
    "type",
    "enum",
    "const",
    "properties",
    "required",
    "additionalProperties",
    "minProperties",
    "maxProperties",
    "items",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "anyOf",
    "oneOf",
    "allOf",
    "not",
    "$ref",
];

/// Where a value does not fit, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// From the value that was checked: `patterns[0].pattern`.
    pub path: String,
    /// In words for people.
    pub reason: String,
}

/// A schema that can be checked by.
#[derive(Clone, Debug)]
pub struct Schema(Value);

impl Schema {
    /// Reads a schema.
    ///
    /// # Errors
    /// When it is none, or uses a keyword that is not checked here.
    pub fn read(schema: Value) -> Result<Self, String> {
        readable(&schema, "#", 0, &schema)?;
        Ok(Self(schema))
    }

    /// The schema as it was read.
    pub const fn as_json(&self) -> &Value {
        &self.0
    }

    /// Everything about `value` that does not fit.
    pub fn check(&self, value: &Value) -> Vec<Misfit> {
        let mut misfits = Vec::new();
        check(&self.0, value, "", 0, &self.0, &mut misfits);
        misfits
    }
}

fn readable(schema: &Value, at: &str, depth: usize, root: &Value) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!("{at} lies too deep"));
    }
    let object = match schema {
        Value::Bool(_) => return Ok(()),
        Value::Object(object) => object,
        _ => return Err(format!("{at} is no schema")),
    };
    for (keyword, inner) in object {
        let here = format!("{at}/{keyword}");
        match keyword.as_str() {
            "properties" | "$defs" => {
                let Some(inner) = inner.as_object() else { return Err(format!("{here} is no object")) };
                for (name, inner) in inner {
                    readable(inner, &format!("{here}/{name}"), depth + 1, root)?;
                }
            }
            "items" | "additionalProperties" | "not" => readable(inner, &here, depth + 1, root)?,
            "anyOf" | "oneOf" | "allOf" => {
                let Some(inner) = inner.as_array() else { return Err(format!("{here} is no list")) };
                for (place, inner) in inner.iter().enumerate() {
                    readable(inner, &format!("{here}/{place}"), depth + 1, root)?;
                }
            }
            "pattern" => {
                let text = inner.as_str().ok_or_else(|| format!("{here} is no text"))?;
                Regex::new(text).map_err(|_| format!("{here} is no regular expression"))?;
            }
            "$ref" => {
                if inner.as_str().and_then(|pointer| referred(root, pointer)).is_none() {
                    return Err(format!("{here} leads nowhere; write #/$defs/<name>"));
                }
            }
            known if NOTES.contains(&known) || CHECKS.contains(&known) => {}
            _ => return Err(format!("{here}: this keyword is not supported")),
        }
    }
    Ok(())
}

fn referred<'a>(root: &'a Value, pointer: &str) -> Option<&'a Value> {
    root.pointer(pointer.strip_prefix('#')?)
}

fn check(schema: &Value, value: &Value, path: &str, depth: usize, root: &Value, misfits: &mut Vec<Misfit>) {
    let mut misfit = |reason: String| misfits.push(Misfit { path: path.to_owned(), reason });
    if depth > MAX_DEPTH {
        return misfit("lies too deep".to_owned());
    }
    let object = match schema {
        Value::Bool(true) => return,
        Value::Object(object) => object,
        _ => return misfit("is not allowed here".to_owned()),
    };
    if let Some(wanted) = object.get("type").filter(|wanted| !is_of_type(value, wanted)) {
        let words: Vec<&str> = match wanted {
            Value::Array(words) => words.iter().filter_map(Value::as_str).collect(),
            one => one.as_str().into_iter().collect(),
        };
        // What is of another kind fits none of the other keywords either.
        return misfit(format!("must be of type {}", words.join(" or ")));
    }
    if let Some(words) = object.get("enum").and_then(Value::as_array).filter(|words| !words.contains(value)) {
        let words: Vec<String> = words.iter().map(Value::to_string).collect();
        misfit(format!("must be one of {}", words.join(", ")));
    }
    if let Some(only) = object.get("const").filter(|only| *only != value) {
        misfit(format!("must be {only}"));
    }
    match value {
        Value::String(text) => check_text(object, text, &mut misfit),
        Value::Number(number) => check_number(object, number.as_f64().unwrap_or_default(), &mut misfit),
        Value::Array(items) => check_items(object, items, path, depth, root, misfits),
        Value::Object(members) => check_members(object, members, path, depth, root, misfits),
        Value::Null | Value::Bool(_) => {}
    }
    check_others(object, value, path, depth, root, misfits);
}

fn is_of_type(value: &Value, wanted: &Value) -> bool {
    let is = |word: &str| match (word, value) {
        ("null", Value::Null)
        | ("boolean", Value::Bool(_))
        | ("string", Value::String(_))
        | ("array", Value::Array(_))
        | ("object", Value::Object(_))
        | ("number", Value::Number(_)) => true,
        ("integer", Value::Number(number)) => {
            number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        _ => false,
    };
    match wanted {
        Value::Array(words) => words.iter().filter_map(Value::as_str).any(is),
        one => one.as_str().is_some_and(is),
    }
}

fn bound(object: &Map<String, Value>, keyword: &str) -> Option<f64> {
    object.get(keyword)?.as_f64()
}

#[expect(clippy::cast_precision_loss, reason = "a length that a double cannot tell from the next is over every bound")]
fn length(length: usize) -> f64 {
    length as f64
}

fn check_text(object: &Map<String, Value>, text: &str, misfit: &mut impl FnMut(String)) {
    let long = length(text.chars().count());
    if let Some(least) = bound(object, "minLength").filter(|least| long < *least) {
        misfit(if least <= 1.0 {
            "must not be empty".to_owned()
        } else {
            format!("must have at least {least} characters")
        });
    }
    if let Some(most) = bound(object, "maxLength").filter(|most| long > *most) {
        misfit(format!("must have at most {most} characters"));
    }
    if let Some(pattern) = object.get("pattern").and_then(Value::as_str)
        && Regex::new(pattern).is_ok_and(|regex| !regex.is_match(text))
    {
        misfit(format!("must match {pattern}"));
    }
}

fn check_number(object: &Map<String, Value>, number: f64, misfit: &mut impl FnMut(String)) {
    type Breaks = fn(f64, f64) -> bool;
    let bounds: [(&str, Breaks, &str); 4] = [
        ("minimum", |number, bound| number < bound, "must be at least"),
        ("maximum", |number, bound| number > bound, "must be at most"),
        ("exclusiveMinimum", |number, bound| number <= bound, "must be above"),
        ("exclusiveMaximum", |number, bound| number >= bound, "must be below"),
    ];
    for (keyword, breaks, words) in bounds {
        if let Some(limit) = bound(object, keyword).filter(|limit| breaks(number, *limit)) {
            misfit(format!("{words} {limit}"));
        }
    }
}

fn check_items(
    object: &Map<String, Value>,
    items: &[Value],
    path: &str,
    depth: usize,
    root: &Value,
    misfits: &mut Vec<Misfit>,
) {
    let mut misfit = |reason: String| misfits.push(Misfit { path: path.to_owned(), reason });
    let long = length(items.len());
    if let Some(least) = bound(object, "minItems").filter(|least| long < *least) {
        misfit(format!("must have at least {least} items"));
    }
    if let Some(most) = bound(object, "maxItems").filter(|most| long > *most) {
        misfit(format!("must have at most {most} items"));
    }
    let is_unique = items.iter().enumerate().all(|(place, item)| !items.iter().take(place).any(|other| other == item));
    if object.get("uniqueItems") == Some(&Value::Bool(true)) && !is_unique {
        misfit("must not have the same item twice".to_owned());
    }
    if let Some(inner) = object.get("items") {
        for (place, item) in items.iter().enumerate() {
            check(inner, item, &format!("{path}[{place}]"), depth + 1, root, misfits);
        }
    }
}

fn check_members(
    object: &Map<String, Value>,
    members: &Map<String, Value>,
    path: &str,
    depth: usize,
    root: &Value,
    misfits: &mut Vec<Misfit>,
) {
    let within = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let mut misfit = |path: String, reason: String| misfits.push(Misfit { path, reason });
    for name in object.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        if !members.contains_key(name) {
            misfit(within(name), "is missing".to_owned());
        }
    }
    let long = length(members.len());
    if let Some(least) = bound(object, "minProperties").filter(|least| long < *least) {
        misfit(path.to_owned(), format!("must have at least {least} settings"));
    }
    if let Some(most) = bound(object, "maxProperties").filter(|most| long > *most) {
        misfit(path.to_owned(), format!("must have at most {most} settings"));
    }
    let known = object.get("properties").and_then(Value::as_object);
    for (name, value) in members {
        if let Some(inner) = known.and_then(|known| known.get(name)) {
            check(inner, value, &within(name), depth + 1, root, misfits);
            continue;
        }
        match object.get("additionalProperties") {
            Some(Value::Bool(false)) => {
                let names: Vec<&str> = known.into_iter().flat_map(Map::keys).map(String::as_str).collect();
                let reason = format!("is not known; known are {}", names.join(", "));
                misfits.push(Misfit { path: within(name), reason });
            }
            Some(inner) => check(inner, value, &within(name), depth + 1, root, misfits),
            None => {}
        }
    }
}

/// The keywords that hold other schemas about the same value.
fn check_others(
    object: &Map<String, Value>,
    value: &Value,
    path: &str,
    depth: usize,
    root: &Value,
    misfits: &mut Vec<Misfit>,
) {
    let fits = |schema: &Value| {
        let mut found = Vec::new();
        check(schema, value, path, depth + 1, root, &mut found);
        found.is_empty()
    };
    let list = |keyword: &str| object.get(keyword).and_then(Value::as_array);
    let mut wrong = Vec::new();
    if list("anyOf").is_some_and(|schemas| !schemas.iter().any(fits)) {
        wrong.push("fits none of the forms that are allowed here");
    }
    if list("oneOf").is_some_and(|schemas| schemas.iter().filter(|schema| fits(schema)).count() != 1) {
        wrong.push("must fit exactly one of the forms that are allowed here");
    }
    if object.get("not").is_some_and(fits) {
        wrong.push("is of a form that is not allowed here");
    }
    misfits.extend(wrong.into_iter().map(|reason| Misfit { path: path.to_owned(), reason: reason.to_owned() }));
    for inner in list("allOf").into_iter().flatten() {
        check(inner, value, path, depth + 1, root, misfits);
    }
    if let Some(inner) = object.get("$ref").and_then(Value::as_str).and_then(|pointer| referred(root, pointer)) {
        check(inner, value, path, depth + 1, root, misfits);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn misfits(schema: &Value, value: &Value) -> Vec<(String, String)> {
        let schema = Schema::read(schema.clone()).unwrap();
        schema.check(value).into_iter().map(|misfit| (misfit.path, misfit.reason)).collect()
    }

    #[test]
    fn each_keyword_says_where_and_why() {
        let table = [
            (json!({"type": "string"}), json!(1), "", "must be of type string"),
            (json!({"type": ["string", "null"]}), json!(1), "", "must be of type string or null"),
            (json!({"type": "integer"}), json!(1.5), "", "must be of type integer"),
            (json!({"enum": ["a", "b"]}), json!("c"), "", "must be one of \"a\", \"b\""),
            (json!({"const": 1}), json!(2), "", "must be 1"),
            (json!({"minLength": 1}), json!(""), "", "must not be empty"),
            (json!({"maxLength": 2}), json!("äöü"), "", "must have at most 2 characters"),
            (json!({"pattern": "^x"}), json!("y"), "", "must match ^x"),
            (json!({"minimum": 1}), json!(0), "", "must be at least 1"),
            (json!({"exclusiveMaximum": 1}), json!(1), "", "must be below 1"),
            (json!({"minItems": 1}), json!([]), "", "must have at least 1 items"),
            (json!({"uniqueItems": true}), json!([1, 1]), "", "must not have the same item twice"),
            (json!({"items": {"type": "string"}}), json!(["a", 1]), "[1]", "must be of type string"),
            (json!({"required": ["a"]}), json!({}), "a", "is missing"),
            (
                json!({"properties": {"a": {}}, "additionalProperties": false}),
                json!({"b": 1}),
                "b",
                "is not known; known are a",
            ),
            (json!({"additionalProperties": {"type": "string"}}), json!({"b": 1}), "b", "must be of type string"),
            (json!({"properties": {"a": {"items": {"required": ["p"]}}}}), json!({"a": [{}]}), "a[0].p", "is missing"),
            (
                json!({"anyOf": [{"type": "string"}, {"minimum": 3}]}),
                json!(1),
                "",
                "fits none of the forms that are allowed here",
            ),
            (
                json!({"oneOf": [{"minimum": 1}, {"minimum": 2}]}),
                json!(3),
                "",
                "must fit exactly one of the forms that are allowed here",
            ),
            (json!({"not": {"const": 1}}), json!(1), "", "is of a form that is not allowed here"),
            (json!({"allOf": [{"minimum": 2}]}), json!(1), "", "must be at least 2"),
            (json!({"$ref": "#/$defs/x", "$defs": {"x": {"minimum": 2}}}), json!(1), "", "must be at least 2"),
        ];
        for (schema, value, path, reason) in table {
            assert_eq!(misfits(&schema, &value), [(path.to_owned(), reason.to_owned())], "{schema}");
        }
    }

    #[test]
    fn what_fits_is_not_complained_of() {
        let schema = json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1, "default": 2}}});
        assert_eq!(misfits(&schema, &json!({"n": 1, "more": true})), []);
        assert_eq!(misfits(&json!(true), &json!(null)), []);
        assert_eq!(misfits(&json!(false), &json!(null)), [(String::new(), "is not allowed here".to_owned())]);
    }

    #[test]
    fn a_schema_that_cannot_be_checked_is_refused() {
        for schema in [
            json!(1),
            json!({"if": {}}),
            json!({"properties": {"a": {"patternProperties": {}}}}),
            json!({"pattern": "("}),
            json!({"$ref": "#/nowhere"}),
            json!({"$ref": "https://elsewhere.example/schema"}),
        ] {
            assert!(Schema::read(schema.clone()).is_err(), "{schema}");
        }
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({"$ref": "#"});
        assert_eq!(misfits(&schema, &json!(1)), [(String::new(), "lies too deep".to_owned())]);
    }
}
