//! Reading JSON by spans and writing it by hand.
//!
//! An object is read one level deep: values that nobody looks into stay text, so a body costs its own size and not a
//! tree of it. What is written holds no line break, whatever was put in.

use std::{borrow::Cow, fmt::Display};

use serde::{
    Deserialize,
    de::{DeserializeSeed as _, Deserializer, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::notes::Dropped;
use crate::dialect::quote;

/// The most keys that an object may have which is looked into.
const MAX_KEYS: usize = 1_024;

/// Why a body cannot be read. It names fields, never what they hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

impl Unreadable {
    pub(super) fn new(name: &str, expected: &str) -> Self {
        Self(format!("`{name}` must be {expected}"))
    }

    /// Says in which element of a list it happened.
    pub(super) fn within(self, list: &str, index: usize) -> Self {
        Self(format!("{list}[{index}]: {}", self.0))
    }
}

pub(super) type Read<T> = Result<T, Unreadable>;

#[derive(Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// One object, taken apart. Values that are `null` count as missing; of a key that stands twice the last counts.
#[derive(Debug, Default)]
pub(super) struct Object<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Object<'a> {
    pub(super) fn read(text: &'a str, name: &str) -> Read<Self> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Vec<(Cow<'de, str>, &'de str)>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    let value: &'de RawValue = map.next_value()?;
                    if fields.len() == MAX_KEYS {
                        return Err(serde::de::Error::custom("too many keys"));
                    }
                    if value.get() != "null" {
                        fields.push((key, value.get()));
                    }
                }
                Ok(fields)
            }
        }
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let fields = deserializer.deserialize_map(Fields).and_then(|fields| deserializer.end().map(|()| fields));
        fields.map(Self).map_err(|_| Unreadable::new(name, "an object"))
    }

    /// Takes a field out; what is left at the end is what nobody knew.
    pub(super) fn take(&mut self, name: &str) -> Option<&'a str> {
        let mut found = None;
        self.0.retain(|(key, value)| {
            let is_it = key == name;
            if is_it {
                found = Some(*value);
            }
            !is_it
        });
        found
    }

    /// Takes out the first of several spellings that is there.
    pub(super) fn take_any(&mut self, names: &[&str]) -> Option<&'a str> {
        names.iter().filter_map(|name| self.take(name)).last()
    }

    pub(super) fn text(&mut self, name: &str) -> Read<Option<String>> {
        self.take(name).map(|raw| string(raw, name)).transpose()
    }

    pub(super) fn needed_text(&mut self, name: &str) -> Read<String> {
        self.text(name)?.ok_or_else(|| Unreadable::new(name, "a string"))
    }

    pub(super) fn bool(&mut self, name: &str) -> Read<Option<bool>> {
        let read = |raw: &str| raw.parse().map_err(|_| Unreadable::new(name, "true or false"));
        self.take(name).map(read).transpose()
    }

    pub(super) fn float(&mut self, name: &str) -> Read<Option<f64>> {
        let read = |raw: &str| serde_json::from_str(raw).map_err(|_| Unreadable::new(name, "a number"));
        self.take(name).map(read).transpose()
    }

    pub(super) fn count(&mut self, name: &str) -> Read<Option<u64>> {
        self.take(name).map(|raw| whole(raw).ok_or_else(|| Unreadable::new(name, "a whole number"))).transpose()
    }

    pub(super) fn integer(&mut self, name: &str) -> Read<Option<i64>> {
        let read = |raw: &str| serde_json::from_str(raw).map_err(|_| Unreadable::new(name, "a whole number"));
        self.take(name).map(read).transpose()
    }

    pub(super) fn object(&mut self, name: &str) -> Read<Option<Object<'a>>> {
        self.take(name).map(|raw| Object::read(raw, name)).transpose()
    }

    /// A list of strings, or one string.
    pub(super) fn texts(&mut self, name: &str) -> Read<Vec<String>> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(raw) if is_string(raw) => Ok(vec![string(raw, name)?]),
            Some(raw) => {
                let mut texts = Vec::new();
                each(raw, name, |_, item| string(item, name).map(|text| texts.push(text)))?;
                Ok(texts)
            }
        }
    }

    /// Walks through a list; one that is missing is empty.
    pub(super) fn each(&mut self, name: &str, mut on: impl FnMut(&'a str) -> Read<()>) -> Read<()> {
        let Some(raw) = self.take(name) else { return Ok(()) };
        each(raw, name, |index, item| on(item).map_err(|error| error.within(name, index)))
    }

    /// What is left, as key and value.
    pub(super) fn rest(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), *value))
    }

    /// Names what is left as dropped.
    pub(super) fn drop_rest(&self, prefix: &str, dropped: &mut Dropped) {
        for (key, _) in &self.0 {
            dropped.path(&format!("{prefix}{key}"));
        }
    }
}

/// Walks through a list.
pub(super) fn each<'a>(text: &'a str, name: &str, mut on: impl FnMut(usize, &'a str) -> Read<()>) -> Read<()> {
    struct Items<'f, F>(&'f mut F, &'f mut Option<Unreadable>);
    impl<'de, F: FnMut(usize, &'de str) -> Read<()>> Visitor<'de> for Items<'_, F> {
        type Value = ();
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an array")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
            let mut index = 0;
            while let Some(item) = seq.next_element_seed(std::marker::PhantomData::<&'de RawValue>)? {
                if let Err(error) = (self.0)(index, item.get()) {
                    *self.1 = Some(error);
                    return Err(serde::de::Error::custom("stopped"));
                }
                index += 1;
            }
            Ok(())
        }
    }
    impl<'de, F: FnMut(usize, &'de str) -> Read<()>> serde::de::DeserializeSeed<'de> for Items<'_, F> {
        type Value = ();
        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
            deserializer.deserialize_seq(self)
        }
    }
    let mut why = None;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let walked = Items(&mut on, &mut why).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    match (why, walked) {
        (Some(why), _) => Err(why),
        (None, Err(_)) => Err(Unreadable::new(name, "an array")),
        (None, Ok(())) => Ok(()),
    }
}

pub(super) fn is_string(raw: &str) -> bool {
    raw.starts_with('"')
}

pub(super) fn string(raw: &str, name: &str) -> Read<String> {
    serde_json::from_str(raw).map_err(|_| Unreadable::new(name, "a string"))
}

/// A whole number that is not negative, also when it is written as `1.0` or `1e3`.
fn whole(raw: &str) -> Option<u64> {
    if let Ok(count) = serde_json::from_str(raw) {
        return Some(count);
    }
    let number: f64 = serde_json::from_str(raw).ok()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be a small whole number")]
    (number >= 0.0 && number.fract() == 0.0 && number <= 9e15).then_some(number as u64)
}

/// Whether a text is one JSON object.
pub(super) fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Arguments of a call as a JSON object, which some APIs demand. Models may write something else: that goes whole
/// under `INVALID_JSON`, as Anthropic documents it for its own.
pub(super) fn arguments_object(arguments: &str) -> Cow<'_, str> {
    if arguments.trim().is_empty() {
        return Cow::Borrowed("{}");
    }
    if is_object(arguments) {
        return Cow::Borrowed(arguments);
    }
    Cow::Owned(format!("{{\"INVALID_JSON\":{}}}", quote::quoted(arguments)))
}

/// A JSON text under construction.
#[derive(Debug, Default)]
pub(super) struct Json {
    out: Vec<u8>,
    comma: bool,
}

impl Json {
    /// One object.
    pub(super) fn of(fill: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut json = Self::default();
        json.object(fill);
        json.out
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    pub(super) fn object(&mut self, fill: impl FnOnce(&mut Self)) {
        self.nest(b'{', b'}', fill);
    }

    pub(super) fn array(&mut self, fill: impl FnOnce(&mut Self)) {
        self.nest(b'[', b']', fill);
    }

    fn nest(&mut self, open: u8, close: u8, fill: impl FnOnce(&mut Self)) {
        self.before();
        self.out.push(open);
        self.comma = false;
        fill(self);
        self.out.push(close);
        self.comma = true;
    }

    fn before(&mut self) {
        if std::mem::replace(&mut self.comma, true) {
            self.out.push(b',');
        }
    }

    pub(super) fn key(&mut self, key: &str) -> &mut Self {
        self.before();
        quote::push(&mut self.out, key);
        self.out.push(b':');
        self.comma = false;
        self
    }

    pub(super) fn text(&mut self, text: &str) {
        self.before();
        quote::push(&mut self.out, text);
    }

    /// A piece of JSON as it is, but for line breaks between its tokens.
    pub(super) fn raw(&mut self, json: &str) {
        self.before();
        self.out.extend(json.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
    }

    pub(super) fn number(&mut self, number: impl Display) {
        self.before();
        self.out.extend_from_slice(number.to_string().as_bytes());
    }

    pub(super) fn bool(&mut self, is: bool) {
        self.raw(if is { "true" } else { "false" });
    }

    pub(super) fn null(&mut self) {
        self.raw("null");
    }

    pub(super) fn put(&mut self, key: &str, text: &str) {
        self.key(key).text(text);
    }

    pub(super) fn put_raw(&mut self, key: &str, json: &str) {
        self.key(key).raw(json);
    }

    pub(super) fn put_number(&mut self, key: &str, number: impl Display) {
        self.key(key).number(number);
    }

    pub(super) fn put_bool(&mut self, key: &str, is: bool) {
        self.key(key).bool(is);
    }

    pub(super) fn put_null(&mut self, key: &str) {
        self.key(key).null();
    }

    pub(super) fn put_object(&mut self, key: &str, fill: impl FnOnce(&mut Self)) {
        self.key(key).object(fill);
    }

    pub(super) fn put_array(&mut self, key: &str, fill: impl FnOnce(&mut Self)) {
        self.key(key).array(fill);
    }

    pub(super) fn put_text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.put(key, text);
        }
    }

    pub(super) fn put_some(&mut self, key: &str, number: Option<impl Display>) {
        if let Some(number) = number {
            self.put_number(key, number);
        }
    }
}
