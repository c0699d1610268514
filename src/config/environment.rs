//! The environment as configuration: `.env`, `${NAME}` in strings, and
//! `LLM_GATEWAY_<SECTION>__<KEY>` for any key.
//!
//! Never shows what a variable holds.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    report::{Place, Report, did_you_mean, quoted},
    schema::{self, SECTIONS, Shape},
    tree::{Node, Table, Value},
};

const PREFIX: &str = "LLM_GATEWAY_";

/// The variables of the process over those of `.env`.
pub(super) struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Reads `.env` text, if there is one, and lays the real environment over it.
    pub(super) fn new(real: &BTreeMap<String, String>, dotenv: Option<(&Arc<str>, &str)>, report: &Report) -> Self {
        let mut variables = BTreeMap::new();
        if let Some((file, text)) = dotenv {
            for entry in dotenvy::from_read_iter(text.as_bytes()) {
                match entry {
                    Ok((name, value)) => {
                        variables.insert(name, value);
                    }
                    Err(error) => {
                        report.error(&dotenv_place(file, text, &error), "", "is not NAME=value; fix the line")
                    }
                }
            }
        }
        // A variable that is set but empty says nothing, so that a copied `.env.example` changes nothing.
        variables.retain(|_, value| !value.is_empty());
        variables.extend(
            real.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.clone(), value.clone())),
        );
        Self(variables)
    }

    /// What a variable holds; `None` when it is not set or empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A variable as the value of a key.
    pub(super) fn node(&self, name: &str) -> Option<Node> {
        let value = Value::Text(self.get(name)?.to_owned());
        Some(Node { value, place: Place::variable(name), from_env: true })
    }

    /// Replaces `${NAME}` and `${NAME:-default}` in every string; `$${` stands for `${` itself.
    pub(super) fn substitute(&self, path: &str, table: &mut Table, report: &Report) {
        for (name, place, node) in &mut table.entries {
            // The names below `key_map` are virtual keys: they may be variables, and are never shown.
            let inner = match path {
                "" => name.clone(),
                "key_map" => "key_map.*".to_owned(),
                _ => format!("{path}.{name}"),
            };
            if path == "key_map"
                && let Some(text) = self.expand(name, &inner, place, report)
            {
                *name = text;
            }
            self.substitute_node(&inner, node, report);
        }
    }

    fn substitute_node(&self, path: &str, node: &mut Node, report: &Report) {
        match &mut node.value {
            Value::Text(text) => {
                if let Some(expanded) = self.expand(text, path, &node.place, report) {
                    *text = expanded;
                    node.from_env = true;
                }
            }
            Value::List(items) => items.iter_mut().for_each(|item| self.substitute_node(path, item, report)),
            Value::Table(table) => self.substitute(path, table, report),
            Value::Number(_) | Value::Flag(_) | Value::Null | Value::Other => {}
        }
    }

    /// The text with its variables filled in; `None` when it has none.
    fn expand(&self, text: &str, path: &str, place: &Place, report: &Report) -> Option<String> {
        if !text.contains("${") {
            return None;
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            if let Some(escaped) = before.strip_suffix('$') {
                out.push_str(escaped);
                out.push_str("${");
                rest = after;
                continue;
            }
            out.push_str(before);
            let Some((reference, tail)) = after.split_once('}') else {
                report.error(
                    place,
                    path,
                    "has \"${\" without \"}\"; write ${NAME}, or $${ for the characters themselves",
                );
                return Some(String::new());
            };
            rest = tail;
            let (name, default) =
                reference.split_once(":-").map_or((reference, None), |(name, text)| (name, Some(text)));
            match self.get(name).or(default) {
                Some(value) => out.push_str(value),
                None => {
                    let name = if is_variable(name) { name } else { "…" };
                    let right = format!("set it, or give a default as in ${{{name}:-default}}");
                    report.error(place, path, format_args!("the environment variable {name} is not set; {right}"));
                    // A stand-in, so that the same mistake is not reported again as an empty value.
                    out.push_str("unset");
                }
            }
        }
        out.push_str(rest);
        Some(out)
    }

    /// Lays every `LLM_GATEWAY_<SECTION>__<KEY>` and `LLM_GATEWAY_PROVIDERS__<ID>__<KEY>` over the tree.
    ///
    /// Names without a double underscore are left alone: container platforms make up such ones
    /// (`LLM_GATEWAY_PORT=tcp://…` for a service of that name).
    pub(super) fn overlay(&self, root: &mut Table, report: &Report) {
        for variable in self.0.keys() {
            let Some(path) = variable.strip_prefix(PREFIX).filter(|path| path.contains("__")) else { continue };
            let Some(node) = self.node(variable) else { continue };
            let parts: Vec<String> = path.split("__").map(str::to_ascii_lowercase).collect();
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            if let Err(what) = overlay_one(root, &parts, node) {
                report.error(&Place::variable(variable), "", what);
            }
        }
    }
}

fn overlay_one(root: &mut Table, parts: &[&str], node: Node) -> Result<(), String> {
    let name = parts.first().copied().unwrap_or_default();
    let Some(section) = schema::section(name) else {
        let hint = did_you_mean(name, SECTIONS.iter().map(|section| section.name));
        return Err(format!("unknown section {}{hint}", quoted(name)));
    };
    match (section.shape, parts) {
        (Shape::Table, [_, key]) => {
            check_key(section, key)?;
            let place = node.place.clone();
            root.inner(name, &place).ok_or_else(|| format!("[{name}] is not a table in the file"))?.put(key, node);
            Ok(())
        }
        (Shape::Table, ["server", "tls", key]) => {
            if !schema::TLS_KEYS.contains(key) {
                return Err(format!("unknown key in [server.tls]{}", did_you_mean(key, schema::TLS_KEYS)));
            }
            let place = node.place.clone();
            let server = root.inner(name, &place).ok_or("[server] is not a table in the file")?;
            server.inner("tls", &place).ok_or("[server.tls] is not a table in the file")?.put(key, node);
            Ok(())
        }
        (Shape::List, ["providers", id, key]) => {
            check_key(section, key)?;
            provider_block(root, id, &node.place).ok_or("[[providers]] is not a list in the file")?.put(key, node);
            Ok(())
        }
        (Shape::Table, _) => Err(format!("names no key; write {PREFIX}{}__<KEY>", name.to_uppercase())),
        (Shape::List, ["providers", ..]) => Err(format!("names no key; write {PREFIX}PROVIDERS__<ID>__<KEY>")),
        _ => Err(format!("[{name}] cannot be set from the environment; use ${{NAME}} in the config file")),
    }
}

fn check_key(section: &schema::Section, key: &str) -> Result<(), String> {
    if section.keys.contains(&key) {
        Ok(())
    } else if section.later.contains(&key) {
        Err(format!("{}.{key} is not supported by this version yet; unset it", section.name))
    } else {
        Err(format!("unknown key in [{}]{}", section.name, did_you_mean(key, section.keys.iter().copied())))
    }
}

/// The provider block whose id reads so in a variable's name, made if there is none.
fn provider_block<'t>(root: &'t mut Table, id: &str, place: &Place) -> Option<&'t mut Table> {
    let list = || Node { value: Value::List(Vec::new()), place: place.clone(), from_env: true };
    if root.get("providers").is_none() {
        root.put("providers", list());
    }
    let (.., node) = root.entries.iter_mut().find(|(name, ..)| name == "providers")?;
    let Value::List(blocks) = &mut node.value else { return None };
    let has_id = |block: &Node| match &block.value {
        Value::Table(table) => {
            matches!(table.get("id"), Some(Node { value: Value::Text(text), .. }) if in_variable(text) == id)
        }
        _ => false,
    };
    let at = blocks.iter().position(has_id).unwrap_or_else(|| {
        let mut table = Table::default();
        table.put("id", Node { value: Value::Text(id.to_owned()), place: place.clone(), from_env: true });
        blocks.push(Node { value: Value::Table(table), place: place.clone(), from_env: true });
        blocks.len() - 1
    });
    match &mut blocks.get_mut(at)?.value {
        Value::Table(table) => Some(table),
        _ => None,
    }
}

/// An id as it stands in the (lower-cased) name of a variable.
fn in_variable(id: &str) -> String {
    id.to_ascii_lowercase().replace(['-', '.'], "_")
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The line of a `.env` error: the crate tells the line's text, which must not be shown.
fn dotenv_place(file: &Arc<str>, text: &str, error: &dotenvy::Error) -> Place {
    let line = match error {
        dotenvy::Error::LineParse(bad, _) => {
            let first = bad.lines().next().unwrap_or_default();
            text.lines().position(|line| line.trim_end() == first.trim_end()).map_or(0, |at| at + 1)
        }
        _ => 0,
    };
    Place::Line(Arc::clone(file), line)
}
