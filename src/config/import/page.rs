//! The TOML that an import prints: sections in the order in which a person reads them, flat, values in one line.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json};

use crate::config::effective::{inline, quote};

/// One section with its keys, the values as TOML writes them.
pub(super) struct Section {
    /// `[name]` or `[[name]]`.
    head: String,
    keys: Vec<(String, String)>,
}

/// The file.
#[derive(Default)]
pub(super) struct Page {
    sections: Vec<Section>,
}

impl Section {
    /// `[name]`
    pub(super) fn table(name: &str) -> Self {
        Self { head: format!("[{name}]"), keys: Vec::new() }
    }

    /// `[[name]]`
    pub(super) fn item(name: &str) -> Self {
        Self { head: format!("[[{name}]]"), keys: Vec::new() }
    }

    /// States a key; `value` is TOML.
    pub(super) fn raw(&mut self, key: &str, value: impl Into<String>) -> &mut Self {
        self.keys.push((key.to_owned(), value.into()));
        self
    }

    /// States a text.
    pub(super) fn text(&mut self, key: &str, value: &str) -> &mut Self {
        self.raw(key, quote(value))
    }

    /// States keys of which some may be absent.
    pub(super) fn each<'k>(&mut self, keys: impl IntoIterator<Item = (&'k str, Option<&'k String>)>) -> &mut Self {
        let stated = keys.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.clone())));
        self.keys.extend(stated);
        self
    }

    /// States a list of texts, unless it is empty.
    pub(super) fn list(&mut self, key: &str, items: &[String]) -> &mut Self {
        if items.is_empty() {
            return self;
        }
        let items: Vec<String> = items.iter().map(|item| quote(item)).collect();
        self.raw(key, format!("[{}]", items.join(", ")))
    }

    /// States a table of parameters, unless it is empty.
    pub(super) fn params(&mut self, key: &str, params: &Map<String, Json>) -> &mut Self {
        if params.is_empty() { self } else { self.raw(key, inline(params)) }
    }
}

impl Page {
    /// Adds a section; one without keys is left out, unless it is an item of a list.
    pub(super) fn push(&mut self, section: Section) {
        if !section.keys.is_empty() {
            self.sections.push(section);
        }
    }

    /// The text of the file.
    pub(super) fn into_toml(self, origin: &str, name: &str) -> String {
        let name: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut toml = format!("# Made by `llm-gateway import` of {name} ({origin}).\n");
        for Section { head, keys } in self.sections {
            // Writing to a String cannot fail.
            let _ = write!(toml, "\n{head}\n");
            for (key, value) in keys {
                let _ = writeln!(toml, "{key} = {value}");
            }
        }
        toml
    }
}

/// A reference to a variable, as TOML writes it.
pub(super) fn variable(name: &str) -> String {
    format!("\"${{{name}}}\"")
}
