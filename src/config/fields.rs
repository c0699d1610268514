//! Reads the keys of one raw table, each with its type and range, and reports what does not fit.
//!
//! A value that does not fit is reported and read as absent, so that one run finds every error.

use std::{ops::RangeInclusive, time::Duration};

use rust_decimal::Decimal;

use super::{
    report::{Place, Report, did_you_mean, quoted},
    schema::Section,
    tree::{Node, Table, Value},
};
use crate::domain::Secret;

/// One table that is being read.
pub(super) struct Fields<'a> {
    /// Its name in messages (`server`, `providers`, `key_map.*`).
    path: &'a str,
    /// Where it begins.
    pub(super) place: Place,
    table: Table,
    report: &'a Report,
}

/// A value with its place.
#[derive(Clone)]
pub(super) struct Stated<T> {
    /// The value.
    pub(super) value: T,
    /// Where it was stated.
    pub(super) place: Place,
    /// Whether it may be shown in a message.
    pub(super) shown: bool,
}

impl Stated<String> {
    /// The value in quotes where it may be shown.
    pub(super) fn quoted(&self) -> String {
        if self.shown { quoted(&self.value) } else { "what the variable holds".to_owned() }
    }
}

impl<'a> Fields<'a> {
    /// Starts to read a table.
    pub(super) fn new(path: &'a str, place: Place, table: Table, report: &'a Report) -> Self {
        Self { path, place, table, report }
    }

    /// Starts to read a node that must be a table.
    pub(super) fn of(path: &'a str, node: Node, report: &'a Report) -> Self {
        let place = node.place.clone();
        let table = match node.value {
            Value::Table(table) => table,
            other => {
                report.error(&place, path, format_args!("is {}; write it as a table", other.kind()));
                Table::default()
            }
        };
        Self { path, place, table, report }
    }

    /// Refuses every key that the section does not have.
    pub(super) fn only(&mut self, section: &Section) {
        self.only_keys(section.keys, section.later);
    }

    /// Refuses every key that is not in `keys`; those of `later` get their own answer.
    pub(super) fn only_keys(&mut self, keys: &[&str], later: &[&str]) {
        let entries = std::mem::take(&mut self.table.entries);
        for (name, place, node) in entries {
            if keys.contains(&name.as_str()) {
                self.table.entries.push((name, place, node));
            } else if later.contains(&name.as_str()) {
                self.report.error(&place, &self.key(&name), "is not supported by this version yet; remove it");
            } else {
                let hint = did_you_mean(&name, keys.iter().copied());
                let hint = if hint.is_empty() { format!("; known are {}", keys.join(", ")) } else { hint };
                self.report.error(&place, &self.key(&name), format_args!("unknown key{hint}"));
            }
        }
    }

    /// What is left of the table.
    pub(super) fn into_table(self) -> Table {
        self.table
    }

    /// Starts to read another table under the same name.
    pub(super) fn sibling(&self, table: Table) -> Self {
        Self { path: self.path, place: self.place.clone(), table, report: self.report }
    }

    /// The names of the keys that are left.
    pub(super) fn names(&self) -> Vec<String> {
        self.table.entries.iter().map(|(name, ..)| name.clone()).collect()
    }

    /// Whether a key is stated.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.get(key).is_some()
    }

    /// Reports an error at a key, or at the head of the table when the key is absent.
    pub(super) fn error(&self, key: &str, what: impl std::fmt::Display) {
        self.report.error(&self.place_of(key), &self.key(key), what);
    }

    /// Where a key is stated, else the head of the table.
    pub(super) fn place_of(&self, key: &str) -> Place {
        self.table.get(key).map_or(&self.place, |node| &node.place).clone()
    }

    /// Reports an error at a value that was read already.
    pub(super) fn error_at(&self, place: &Place, key: &str, what: impl std::fmt::Display) {
        self.report.error(place, &self.key(key), what);
    }

    /// Reports a warning at a value that was read already.
    pub(super) fn warn_at(&self, place: &Place, key: &str, what: impl std::fmt::Display) {
        self.report.warn(place, &self.key(key), what);
    }

    /// Reports a warning at the head of the table.
    pub(super) fn warn(&self, key: &str, what: impl std::fmt::Display) {
        self.report.warn(&self.place, &self.key(key), what);
    }

    /// A key with the name of its table.
    pub(super) fn key(&self, name: &str) -> String {
        // A key that was pasted where a name belongs must not be shown.
        let is_name = !name.is_empty() && quoted(name).starts_with('"');
        if is_name { format!("{}.{name}", self.path) } else { self.path.to_owned() }
    }

    fn refuse<T>(&self, node: &Node, key: &str, right: impl std::fmt::Display) -> Option<T> {
        let what = if node.from_env { "does not fit".to_owned() } else { format!("is {}", node.value.kind()) };
        self.report.error(&node.place, &self.key(key), format_args!("{what}; {right}"));
        None
    }

    /// A node as it is.
    pub(super) fn node(&mut self, key: &str) -> Option<Node> {
        self.table.take(key)
    }

    /// A string that is not empty.
    pub(super) fn text(&mut self, key: &str) -> Option<Stated<String>> {
        let node = self.table.take(key)?;
        match node.value {
            Value::Text(ref text) if text.trim().is_empty() => {
                self.report.error(&node.place, &self.key(key), "is empty; set it or remove the key");
                None
            }
            Value::Text(value) => Some(Stated { value, place: node.place, shown: !node.from_env }),
            _ => self.refuse(&node, key, "write it as a string in quotes"),
        }
    }

    /// A string that may be empty.
    pub(super) fn text_or_empty(&mut self, key: &str) -> Option<Stated<String>> {
        let node = self.table.take(key)?;
        match node.value {
            Value::Text(value) => Some(Stated { value, place: node.place, shown: !node.from_env }),
            _ => self.refuse(&node, key, "write it as a string in quotes"),
        }
    }

    /// A secret that is not empty and can stand in an HTTP header.
    pub(super) fn secret(&mut self, key: &str) -> Option<Secret> {
        let text = self.text(key)?;
        if text.value.bytes().all(|byte| (0x21..0x7f).contains(&byte)) {
            return Some(Secret::new(text.value));
        }
        self.report.error(
            &text.place,
            &self.key(key),
            "holds blanks or characters outside ASCII; paste the key without quotes, spaces or line breaks",
        );
        None
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        let node = self.table.take(key)?;
        match &node.value {
            Value::Flag(flag) => Some(*flag),
            Value::Text(text) if node.from_env => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Some(true),
                "false" | "0" | "no" | "off" => Some(false),
                _ => self.refuse(&node, key, "write true or false"),
            },
            _ => self.refuse(&node, key, "write true or false"),
        }
    }

    /// A whole number within a range.
    pub(super) fn number(&mut self, key: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let node = self.table.take(key)?;
        let right = format!("write a whole number from {} to {}", range.start(), range.end());
        let parsed = match &node.value {
            Value::Number(text) => text.parse::<i128>().ok(),
            Value::Text(text) if node.from_env => text.trim().parse::<i128>().ok(),
            _ => return self.refuse(&node, key, right),
        };
        match parsed.and_then(|number| u64::try_from(number).ok()).filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => {
                self.report.error(&node.place, &self.key(key), format_args!("is out of range; {right}"));
                None
            }
        }
    }

    /// A time in seconds, fractions allowed, above zero and at most a day.
    pub(super) fn seconds(&mut self, key: &str) -> Option<Duration> {
        let node = self.table.take(key)?;
        let right = "write seconds above 0 and up to 86400";
        let parsed = match &node.value {
            Value::Number(text) => text.parse::<f64>().ok(),
            Value::Text(text) if node.from_env => text.trim().parse::<f64>().ok(),
            _ => return self.refuse(&node, key, right),
        };
        match parsed.filter(|seconds| (0.001..=86_400.0).contains(seconds)) {
            Some(seconds) => Duration::try_from_secs_f64(seconds).ok(),
            None => {
                self.report.error(&node.place, &self.key(key), format_args!("is out of range; {right}"));
                None
            }
        }
    }

    /// A number from zero to `most`, fractions allowed.
    pub(super) fn fraction(&mut self, key: &str, most: f32) -> Option<f32> {
        let node = self.table.take(key)?;
        let right = format!("write a number from 0 to {most}");
        let parsed = match &node.value {
            Value::Number(text) => text.parse::<f32>().ok(),
            Value::Text(text) if node.from_env => text.trim().parse::<f32>().ok(),
            _ => return self.refuse(&node, key, right),
        };
        match parsed.filter(|number| (0.0..=most).contains(number)) {
            Some(number) => Some(number),
            None => {
                self.report.error(&node.place, &self.key(key), format_args!("is out of range; {right}"));
                None
            }
        }
    }

    /// An exact price, from a number or a string, zero or above.
    pub(super) fn price(&mut self, key: &str) -> Option<Decimal> {
        let node = self.table.take(key)?;
        let right = "write USD as a number of at most 12 decimal places, such as 0.15";
        let parsed = match &node.value {
            Value::Number(text) | Value::Text(text) => decimal(text.trim()),
            _ => return self.refuse(&node, key, right),
        };
        let fits = |price: &Decimal| {
            !price.is_sign_negative() && *price <= Decimal::from(1_000_000) && price.normalize().scale() <= 12
        };
        match parsed.filter(fits) {
            Some(price) => Some(price.normalize()),
            None => {
                self.report.error(&node.place, &self.key(key), format_args!("is not a price; {right}"));
                None
            }
        }
    }

    /// A list of strings that are not empty; from the environment separated by commas.
    pub(super) fn list(&mut self, key: &str) -> Option<Vec<Stated<String>>> {
        let node = self.table.take(key)?;
        match node.value {
            Value::List(items) => Some(items.into_iter().filter_map(|item| self.item(key, item)).collect()),
            Value::Text(text) if node.from_env => Some(
                text.split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty())
                    .map(|item| Stated { value: item.to_owned(), place: node.place.clone(), shown: false })
                    .collect(),
            ),
            _ => self.refuse(&node, key, "write a list of strings, such as [\"a\", \"b\"]"),
        }
    }

    fn item(&self, key: &str, node: Node) -> Option<Stated<String>> {
        match node.value {
            Value::Text(value) if !value.trim().is_empty() => {
                Some(Stated { value, place: node.place, shown: !node.from_env })
            }
            _ => self.refuse(&node, key, "write each item as a string that is not empty"),
        }
    }
}

fn decimal(text: &str) -> Option<Decimal> {
    if text.len() > 40 {
        return None;
    }
    Decimal::from_str_exact(text).ok().or_else(|| Decimal::from_scientific(text).ok())
}
