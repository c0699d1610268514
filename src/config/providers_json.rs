//! `providers.json`, the provider registry of an earlier gateway, read below the config file.
//!
//! Translates its words into the keys of `[[providers]]`; it decides nothing itself. What it has
//! and this version does not use is told as a warning, so that an existing file keeps working.

use super::{
    environment::Environment,
    presets::Preset,
    report::{Place, Report},
    schema::PRICE_KEYS,
    tree::{Node, Table, Value},
};

/// One entry in the words of `[[providers]]`.
pub(super) struct Entry {
    /// The provider's id.
    pub(super) id: String,
    /// Where it stands.
    pub(super) place: Place,
    /// Its keys; a key or host variable that is not set is left out.
    pub(super) table: Table,
    /// Whether its key variable (or its host variable) is set: only then does the entry count by itself.
    pub(super) is_configured: bool,
}

/// Translates the file.
pub(super) fn entries(mut root: Table, environment: &Environment, report: &Report) -> Vec<Entry> {
    let order = ranks(root.take("auto_priority"), report);
    let providers = root.take("providers");
    for (name, place, _) in &root.entries {
        report.warn(place, name, "is not used");
    }
    let Some(node) = providers else { return Vec::new() };
    let Value::Table(table) = node.value else {
        report.error(&node.place, "providers", "is not an object; write {\"<id>\": {\"kind\": …}}");
        return Vec::new();
    };
    let mut entries = Vec::new();
    for (id, place, node) in table.entries {
        let Value::Table(table) = node.value else {
            report.error(&place, "providers", "holds an entry that is not an object; write {\"kind\": …}");
            continue;
        };
        let rank = order.iter().position(|other| *other == id);
        entries.push(entry(id, place, table, rank, environment, report));
    }
    entries
}

/// `auto_priority` of the file: ids in the order in which they are tried.
fn ranks(node: Option<Node>, report: &Report) -> Vec<String> {
    let Some(node) = node else { return Vec::new() };
    let Value::List(items) = node.value else {
        report.error(&node.place, "auto_priority", "is not a list; write the ids in the order they are to be tried");
        return Vec::new();
    };
    items.into_iter().filter_map(|item| if let Value::Text(id) = item.value { Some(id) } else { None }).collect()
}

fn entry(
    id: String,
    place: Place,
    mut from: Table,
    rank: Option<usize>,
    environment: &Environment,
    report: &Report,
) -> Entry {
    let mut table = Table::default();
    let key_variable = name_of(&mut from, "env_key");
    let host_variable = name_of(&mut from, "env_host");
    let model_variable = name_of(&mut from, "env_model");
    let preset = Preset::by_id(&id);
    let own = preset.map(|preset| preset.variable);
    let wanted = key_variable.as_deref().or(host_variable.as_deref()).or(own);
    let is_configured = wanted.is_none_or(|name| environment.get(name).is_some());
    for (key, _, node) in std::mem::take(&mut from.entries) {
        match key.as_str() {
            "kind" => table.put("provider_type", node),
            "base_url" | "endpoint" | "default_model" | "timeout" | "models" | "enabled" => table.put(&key, node),
            "auto_priority" => table.put("priority", node),
            "pricing" => table.put("pricing", pricing(node, report)),
            "api_params" | "model_params" | "features" => table.put(&key, node),
            _ => report.warn(&node.place, &format!("providers.{key}"), "is not used"),
        }
    }
    if let Some(model) = model_variable.and_then(|name| environment.node(&name)) {
        table.put("default_model", model);
    }
    if let Some(name) = host_variable.as_deref().and_then(|name| environment.node(name)) {
        table.take("base_url");
        table.put("endpoint", name);
    }
    if let Some(name) = key_variable.filter(|name| environment.get(name).is_some()) {
        table.put("env_key", Node { value: Value::Text(name), place: place.clone(), from_env: false });
    }
    if let (Some(rank), None) = (rank, table.get("priority")) {
        table.put("priority", Node { value: Value::Number(rank.to_string()), place: place.clone(), from_env: false });
    }
    speak_openai(&id, preset, &place, &mut table);
    Entry { id, place, table, is_configured }
}

/// In this file `openai_compatible` without a base URL means OpenAI itself.
fn speak_openai(id: &str, preset: Option<&Preset>, place: &Place, table: &mut Table) {
    let is_compatible = table.get("provider_type").and_then(text_of) == Some("openai_compatible");
    let has_url = table.get("base_url").is_some() || table.get("endpoint").is_some();
    if is_compatible && !has_url && (preset.is_none() || id == "openai") {
        let value = Value::Text("openai".to_owned());
        table.put("provider_type", Node { value, place: place.clone(), from_env: false });
    }
}

/// The figures are USD per million tokens whatever their name says.
fn pricing(mut node: Node, report: &Report) -> Node {
    if let Value::Table(table) = &mut node.value {
        table.entries.retain_mut(|(key, place, _)| {
            match key.as_str() {
                "input_per_1k_microcents" => "input".clone_into(key),
                "output_per_1k_microcents" => "output".clone_into(key),
                name if PRICE_KEYS.contains(&name) => {}
                _ => {
                    report.warn(place, &format!("providers.pricing.{key}"), "is not used");
                    return false;
                }
            }
            true
        });
    }
    node
}

fn name_of(table: &mut Table, key: &str) -> Option<String> {
    let node = table.take(key)?;
    if let Value::Text(name) = node.value { Some(name).filter(|name| !name.is_empty()) } else { None }
}

fn text_of(node: &Node) -> Option<&str> {
    if let Value::Text(text) = &node.value { Some(text) } else { None }
}
