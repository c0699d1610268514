//! What was typed, as a tree of values that know where they stand: the raw configuration.
//!
//! Built from TOML, YAML and JSON alike. It has no `Debug`, since values may be secrets.

use std::sync::Arc;

use serde_json::value::RawValue;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::report::{Place, Report, quoted};

/// One value with its place.
#[derive(Clone)]
pub(super) struct Node {
    /// The value.
    pub(super) value: Value,
    /// Where it was stated.
    pub(super) place: Place,
    /// True when it came from the environment, whole or in part: it is text whatever the key
    /// wants, and must not be shown.
    pub(super) from_env: bool,
}

/// What a value looks like.
#[derive(Clone)]
pub(super) enum Value {
    /// A string.
    Text(String),
    /// A number as it was written, in base 10.
    Number(String),
    /// `true` or `false`.
    Flag(bool),
    /// An array.
    List(Vec<Node>),
    /// A table.
    Table(Table),
    /// `null`, which YAML and JSON have.
    Null,
    /// Anything that no key takes: dates, numbers without a value.
    Other,
}

impl Value {
    /// What to call it in an error message.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Number(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Null => "nothing",
            Self::Other => "something else",
        }
    }
}

/// The entries of one table in the order they were written.
#[derive(Clone, Default)]
pub(super) struct Table {
    /// Key, the place of the key, value.
    pub(super) entries: Vec<(String, Place, Node)>,
}

impl Table {
    /// Takes a value out.
    pub(super) fn take(&mut self, key: &str) -> Option<Node> {
        let at = self.entries.iter().position(|(name, ..)| name == key)?;
        Some(self.entries.remove(at).2)
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|(name, ..)| name == key).map(|(.., node)| node)
    }

    /// Puts a value in, in the place of an earlier one.
    pub(super) fn put(&mut self, key: &str, node: Node) {
        self.take(key);
        self.entries.push((key.to_owned(), node.place.clone(), node));
    }

    /// The inner table of that name, made if need be; `None` when something else stands there.
    pub(super) fn inner(&mut self, key: &str, place: &Place) -> Option<&mut Self> {
        if self.get(key).is_none() {
            let node = Node { value: Value::Table(Self::default()), place: place.clone(), from_env: false };
            self.put(key, node);
        }
        self.entries.iter_mut().find(|(name, ..)| name == key).and_then(|(.., node)| match &mut node.value {
            Value::Table(table) => Some(table),
            _ => None,
        })
    }
}

/// Reads TOML 1.1; syntax errors go to the report, each with its line.
pub(super) fn from_toml(file: &Arc<str>, text: &str, report: &Report) -> Table {
    let lines = Lines::new(file, text);
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        // The parser's description is a fixed sentence; its Display would print the line itself,
        // which may hold a key.
        report.error(
            &lines.place(error.span().map_or(0, |span| span.start)),
            "",
            format_args!("{}; fix the TOML syntax", error.message()),
        );
    }
    table(root.get_ref(), &lines)
}

fn table(raw: &DeTable<'_>, lines: &Lines) -> Table {
    let mut entries: Vec<_> = raw.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    Table {
        entries: entries
            .into_iter()
            .map(|(key, value)| {
                let place = lines.place(key.span().start);
                let node = node(value, place.clone(), lines);
                (key.get_ref().clone().into_owned(), place, node)
            })
            .collect(),
    }
}

fn node(raw: &Spanned<DeValue<'_>>, place: Place, lines: &Lines) -> Node {
    let value = match raw.get_ref() {
        DeValue::String(text) => Value::Text(text.clone().into_owned()),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Other, |number| Value::Number(number.to_string())),
        DeValue::Float(number) => Value::Number(number.as_str().to_owned()),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Datetime(_) => Value::Other,
        DeValue::Array(items) => {
            Value::List(items.iter().map(|item| node(item, lines.place(item.span().start), lines)).collect())
        }
        DeValue::Table(inner) => Value::Table(table(inner, lines)),
    };
    Node { value, place, from_env: false }
}

/// How deep JSON is looked into; no key lies deeper.
const JSON_DEPTH: usize = 24;

/// Reads a JSON object; syntax errors go to the report, each with its line.
pub(super) fn from_json(file: &Arc<str>, text: &str, report: &Report) -> Table {
    let lines = Lines::new(file, text);
    match serde_json::from_str::<&RawValue>(text) {
        Ok(raw) => match json_node(raw, text, &lines, JSON_DEPTH).value {
            Value::Table(table) => return table,
            _ => report.error(&Place::file(file), "", "is not an object; write {\"<key>\": …}"),
        },
        Err(error) => report.error(
            &Place::Line(Arc::clone(file), error.line()),
            "",
            format_args!("invalid JSON at column {}; fix the syntax", error.column()),
        ),
    }
    Table::default()
}

/// Reads a JSON object as a config file: what is stated twice is refused, since readers disagree on which one counts.
pub(super) fn from_json_config(file: &Arc<str>, text: &str, report: &Report) -> Table {
    let table = from_json(file, text, report);
    refuse_twins(&table, "", report);
    table
}

fn refuse_twins(table: &Table, path: &str, report: &Report) {
    for (at, (name, place, node)) in table.entries.iter().enumerate() {
        let path = path_of(path, name);
        if let Some((_, first, _)) = table.entries.iter().take(at).find(|(other, ..)| other == name) {
            report.error(place, &path, format_args!("is stated at {first} already; keep one of them"));
        }
        let inner: &[Node] = if let Value::List(items) = &node.value { items } else { std::slice::from_ref(node) };
        for node in inner {
            if let Value::Table(table) = &node.value {
                refuse_twins(table, &path, report);
            }
        }
    }
}

/// The path of a key below another, as messages show it: without what may be a secret.
pub(super) fn path_of(above: &str, key: &str) -> String {
    // The names below `key_map` are virtual keys.
    let shown = if above != "key_map" && quoted(key).starts_with('"') { key } else { "*" };
    if above.is_empty() { shown.to_owned() } else { format!("{above}.{shown}") }
}

/// Takes out what YAML and JSON state without a value, as if it were not stated.
pub(super) fn without_nulls(table: &mut Table, path: &str, report: &Report) {
    table.entries.retain_mut(|(name, place, node)| {
        let inner = path_of(path, name);
        match &mut node.value {
            Value::Null => {
                // A section of which every key is commented out is nothing to wonder about.
                if !path.is_empty() {
                    report.warn(place, &inner, "has no value and counts as not stated");
                }
                return false;
            }
            Value::Table(table) => without_nulls(table, &inner, report),
            Value::List(items) => {
                for item in items {
                    if let Value::Table(table) = &mut item.value {
                        without_nulls(table, &inner, report);
                    }
                }
            }
            _ => {}
        }
        true
    });
}

fn json_node(raw: &RawValue, text: &str, lines: &Lines, depth: usize) -> Node {
    // A RawValue borrows from the text, so the distance of the two is its offset.
    let offset = (raw.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let place = lines.place(offset);
    let value = match raw.get().as_bytes().first() {
        Some(b'{') if depth > 0 => serde_json::from_str::<JsonObject<'_>>(raw.get()).map_or(Value::Other, |object| {
            let entries = object.0.into_iter().map(|(key, raw)| {
                let node = json_node(raw, text, lines, depth - 1);
                (key, node.place.clone(), node)
            });
            Value::Table(Table { entries: entries.collect() })
        }),
        Some(b'[') if depth > 0 => serde_json::from_str::<Vec<&RawValue>>(raw.get()).map_or(Value::Other, |items| {
            Value::List(items.into_iter().map(|raw| json_node(raw, text, lines, depth - 1)).collect())
        }),
        Some(b'"') => serde_json::from_str::<String>(raw.get()).map_or(Value::Other, Value::Text),
        Some(b't') => Value::Flag(true),
        Some(b'f') => Value::Flag(false),
        Some(b'-' | b'0'..=b'9') => Value::Number(raw.get().to_owned()),
        Some(b'n') => Value::Null,
        _ => Value::Other,
    };
    Node { value, place, from_env: false }
}

/// The members of a JSON object in their order, not yet read.
struct JsonObject<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for JsonObject<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<'a>(std::marker::PhantomData<&'a ()>);
        impl<'de: 'a, 'a> serde::de::Visitor<'de> for Members<'a> {
            type Value = JsonObject<'a>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(JsonObject(members))
            }
        }
        deserializer.deserialize_map(Members(std::marker::PhantomData))
    }
}

/// Turns byte offsets into lines.
struct Lines {
    file: Arc<str>,
    starts: Vec<usize>,
}

impl Lines {
    fn new(file: &Arc<str>, text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { file: Arc::clone(file), starts: std::iter::once(0).chain(breaks).collect() }
    }

    fn place(&self, offset: usize) -> Place {
        Place::Line(Arc::clone(&self.file), self.starts.partition_point(|start| *start <= offset))
    }
}
