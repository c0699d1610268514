//! `providers.json` into `[[providers]]`: the registry of an earlier gateway, which this one reads as it is too.

use std::collections::BTreeMap;

use super::{
    deployments::{json, toml_of},
    notes::{Notes, shown},
    page::{Page, Section, variable},
};
use crate::config::{
    presets::Preset,
    report::Place,
    schema::PRICE_KEYS,
    tree::{Node, Table, Value},
};

/// Translates the file.
pub(super) fn translate(mut root: Table, env: &BTreeMap<String, String>, page: &mut Page, notes: &mut Notes) {
    let order: Vec<String> = match root.take("auto_priority") {
        Some(Node { value: Value::List(items), place, .. }) => {
            notes.carried(&place, "auto_priority", "the order is the providers' priority");
            let name = |item: Node| if let Value::Text(id) = item.value { Some(id) } else { None };
            items.into_iter().filter_map(name).collect()
        }
        _ => Vec::new(),
    };
    let providers = root.take("providers");
    for (name, place, _) in &root.entries {
        notes.left(place, shown(name), "this gateway's reader of the file does not use it either");
    }
    let Some(Node { value: Value::Table(table), .. }) = providers else { return };
    for (id, place, node) in table.entries {
        let path = format!("providers.{}", shown(&id));
        let Value::Table(entry) = node.value else {
            notes.left(&place, &path, "it is not an object");
            continue;
        };
        let rank = order.iter().position(|other| *other == id);
        page.push(Entry { id, path, place, env, rank }.section(entry, notes));
    }
}

struct Entry<'a> {
    id: String,
    path: String,
    place: Place,
    env: &'a BTreeMap<String, String>,
    rank: Option<usize>,
}

impl Entry<'_> {
    fn is_set(&self, name: &str) -> bool {
        self.env.get(name).is_some_and(|value| !value.is_empty())
    }

    fn section(&self, mut entry: Table, notes: &mut Notes) -> Section {
        let mut section = Section::item("providers");
        section.text("id", &self.id);
        let (key, host) = (word(&mut entry, "env_key"), word(&mut entry, "env_host"));
        let model_variable = word(&mut entry, "env_model");
        let preset = Preset::by_id(&self.id);
        let wanted = key.clone().or(host.clone()).or(preset.map(|preset| preset.variable.to_owned()));
        let is_used = wanted.as_deref().is_none_or(|name| self.is_set(name));
        let has_url = entry.get("base_url").is_some() || entry.get("endpoint").is_some();
        if let Some(kind) = word(&mut entry, "kind") {
            // In this file `openai_compatible` without a base URL means OpenAI itself.
            let is_openai = kind == "openai_compatible" && !has_url && (preset.is_none() || self.id == "openai");
            section.text("provider_type", if is_openai { "openai" } else { &kind });
        }
        if let Some(name) = &key {
            section.text("env_key", name);
        } else if let Some(name) = host.as_ref().filter(|_| is_used) {
            section.raw("endpoint", variable(name));
        }
        if !is_used {
            section.raw("enabled", "false");
        }
        let default = entry.take("default_model");
        match (model_variable, default.as_ref().and_then(text)) {
            (Some(name), Some(model)) if !model.contains(['"', '\\', '}', '$']) => {
                section.raw("default_model", format!("\"${{{name}:-{model}}}\""));
            }
            (_, Some(model)) => {
                section.text("default_model", model);
            }
            (Some(name), None) if self.is_set(&name) => {
                section.raw("default_model", variable(&name));
            }
            (_, None) => {}
        }
        let rank = entry.take("auto_priority").map(|node| toml_of(&node)).or(self.rank.map(|rank| rank.to_string()));
        section.each([("priority", rank.as_ref())]);
        for (name, place, node) in entry.entries {
            let path = format!("{}.{}", self.path, shown(&name));
            match (name.as_str(), &node.value) {
                ("base_url" | "endpoint", _) if host.is_some() && is_used => {
                    notes.left(&place, &path, "the variable of env_host is set, which counts before it");
                }
                ("pricing", Value::Table(table)) => pricing(table, &mut section, (&place, &path), notes),
                ("base_url" | "endpoint" | "timeout" | "models" | "enabled", _) => {
                    section.raw(&name, toml_of(&node));
                }
                ("api_params" | "model_params" | "features", Value::Table(_)) => {
                    if let Some(serde_json::Value::Object(params)) = json(&node) {
                        section.params(&name, &params);
                    }
                }
                _ => notes.left(&place, &path, "this gateway's reader of the file does not use it either"),
            }
        }
        let what = match wanted.filter(|_| !is_used) {
            Some(name) => format!("a [[providers]] block, switched off because {name} is not set; remove `enabled`"),
            None => "a [[providers]] block".to_owned(),
        };
        notes.carried(&self.place, &self.path, what);
        section
    }
}

/// The figures are USD per million tokens whatever their name says.
fn pricing(table: &Table, section: &mut Section, (place, path): (&Place, &str), notes: &mut Notes) {
    let mut prices = Vec::new();
    for (name, place, node) in &table.entries {
        let key = match name.as_str() {
            "input_per_1k_microcents" => "input",
            "output_per_1k_microcents" => "output",
            name if PRICE_KEYS.contains(&name) => name,
            _ => {
                notes.left(place, &format!("{path}.{}", shown(name)), "no such price is known");
                continue;
            }
        };
        prices.push(format!("{key} = {}", toml_of(node)));
    }
    if !prices.is_empty() {
        section.raw("pricing", format!("{{ {} }}", prices.join(", ")));
        notes.carried(place, path, "USD per million tokens, as its figures always were");
    }
}

fn text(node: &Node) -> Option<&str> {
    if let Value::Text(text) = &node.value { Some(text) } else { None }
}

fn word(table: &mut Table, key: &str) -> Option<String> {
    table.take(key).as_ref().and_then(text).filter(|text| !text.is_empty()).map(str::to_owned)
}
