//! Tags in their column: a JSON object of strings, so that SQL can look into it.
//!
//! Never drops or reorders what was sent, as a map would.

use std::{fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use super::StoreError;

type Pair = (Arc<str>, Arc<str>);
type Pairs = Vec<Pair>;

/// A JSON object that keeps the order and even repeated keys, as they were sent.
pub(super) fn write_tags(tags: &[Pair]) -> Option<String> {
    if tags.is_empty() {
        return None;
    }
    let quoted = |text: &Arc<str>| serde_json::Value::from(&**text).to_string();
    let pairs: Vec<_> = tags.iter().map(|(key, value)| format!("{}:{}", quoted(key), quoted(value))).collect();
    Some(format!("{{{}}}", pairs.join(",")))
}

/// Reads what [`write_tags`] wrote.
pub(super) fn read_tags(text: Option<&str>) -> Result<Pairs, StoreError> {
    text.map_or(Ok(Tags(Vec::new())), serde_json::from_str)
        .map(|tags| tags.0)
        .map_err(|_| StoreError::Corrupt { what: "a record's tags" })
}

struct Tags(Pairs);

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TagsVisitor)
    }
}

struct TagsVisitor;

impl<'de> Visitor<'de> for TagsVisitor {
    type Value = Tags;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tags, A::Error> {
        let mut tags = Vec::new();
        while let Some(pair) = map.next_entry()? {
            tags.push(pair);
        }
        Ok(Tags(tags))
    }
}
