//! `[key_map.<virtual-key>]`: virtual keys of the config file, with their own provider keys.
//!
//! The names of these tables are secrets: no message shows one.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    fields::Fields,
    limits,
    presets::PRESETS,
    projects::{self, ProjectKey},
    report::{Report, did_you_mean},
    sanitization, schema, sections,
    tree::{Node, Value},
    types::{MappedKey, Provider, ProviderType},
};
use crate::domain::Secret;

const PATH: &str = "key_map.*";

/// Checks every mapped key, and those that stand in projects.
pub(super) fn read(
    node: Option<Node>,
    of_projects: Vec<ProjectKey>,
    providers: &[Arc<Provider>],
    report: &Report,
) -> Vec<MappedKey> {
    let mut keys = mapped(node, providers, report);
    for ProjectKey { key, project, place } in of_projects {
        match keys.iter().find(|other| other.key == key) {
            None => keys.push(of_project(key, project)),
            Some(other) if other.project.as_ref() == Some(&project) => {}
            Some(_) => {
                let what = "holds a virtual key that is stated elsewhere too, without this project; keep one of them";
                report.error(&place, "projects.keys", what);
            }
        }
    }
    keys
}

/// A virtual key that can be sent in a header.
pub(super) fn virtual_key(name: String) -> Result<Secret, &'static str> {
    if name.is_empty() || name.len() > 512 || !name.bytes().all(|byte| (0x21..0x7f).contains(&byte)) {
        return Err("has a virtual key that cannot be sent; use up to 512 letters, digits and signs without blanks");
    }
    Ok(Secret::new(name))
}

/// A key of which only its project is known.
fn of_project(key: Secret, project: String) -> MappedKey {
    MappedKey {
        key,
        label: None,
        team: None,
        project: Some(project),
        allowed_models: Vec::new(),
        allowed_providers: Vec::new(),
        provider_keys: Vec::new(),
        cache: None,
        sanitization: None,
        limits: None,
        budgets: Vec::new(),
        metadata: BTreeMap::new(),
    }
}

fn mapped(node: Option<Node>, providers: &[Arc<Provider>], report: &Report) -> Vec<MappedKey> {
    let Some(node) = node else { return Vec::new() };
    let Value::Table(table) = node.value else {
        report.error(&node.place, "key_map", "is not a table; write [key_map.<virtual-key>]");
        return Vec::new();
    };
    let mut keys: Vec<MappedKey> = Vec::new();
    for (name, place, node) in table.entries {
        let key = match virtual_key(name) {
            Ok(key) => key,
            Err(what) => {
                report.error(&place, PATH, what);
                continue;
            }
        };
        if keys.iter().any(|other| other.key == key) {
            report.error(&place, PATH, "states the same virtual key twice; keep one table");
            continue;
        }
        if !matches!(node.value, Value::Table(_)) {
            report.error(&place, PATH, "is not a table; write [key_map.<virtual-key>] and the keys below it");
            continue;
        }
        keys.push(mapped_key(key, Fields::of(PATH, node, report), providers, report));
    }
    keys
}

fn mapped_key(key: Secret, mut fields: Fields<'_>, providers: &[Arc<Provider>], report: &Report) -> MappedKey {
    let provider_keys = provider_keys(&mut fields, providers);
    if let Some(section) = schema::section("key_map") {
        fields.only(section);
    }
    let project = fields.text("project").map(|project| {
        if projects::RESERVED.contains(&project.value.as_str()) {
            let what = format!("{} is a reserved name; choose another project", project.quoted());
            fields.error_at(&project.place, "project", what);
        }
        project.value
    });
    let allowed_providers = fields.list("allowed_providers").unwrap_or_default();
    for provider in &allowed_providers {
        sections::warn_unknown(&fields, "allowed_providers", provider, providers);
    }
    MappedKey {
        key,
        label: fields.text("label").map(|text| text.value),
        team: fields.text("team").map(|text| text.value),
        project,
        allowed_models: fields.list("allowed_models").unwrap_or_default().into_iter().map(|text| text.value).collect(),
        allowed_providers: allowed_providers.into_iter().map(|text| text.value).collect(),
        provider_keys,
        cache: fields.flag("cache"),
        sanitization: sanitization::inner(&mut fields, "key_map.*.sanitization", report),
        limits: limits::inner(&mut fields, "key_map.*.limits", report),
        budgets: limits::budget_items(&mut fields, "key_map.*.budgets", report),
        metadata: limits::metadata(&mut fields, "key_map.*.metadata", report),
    }
}

/// Takes every `<provider id or type>_key` out of the table.
fn provider_keys(fields: &mut Fields<'_>, providers: &[Arc<Provider>]) -> Vec<(String, Secret)> {
    let types = ProviderType::ALL.map(ProviderType::as_str);
    let presets = PRESETS.iter().map(|preset| preset.id);
    let known: Vec<&str> =
        types.into_iter().chain(providers.iter().map(|provider| provider.id.as_str())).chain(presets).collect();
    let mut keys = Vec::new();
    for name in fields.names() {
        let Some(owner) = name.strip_suffix("_key") else { continue };
        if known.contains(&owner) {
            if let Some(secret) = fields.secret(&name) {
                keys.push((owner.to_owned(), secret));
            }
        } else if let Some(node) = fields.node(&name) {
            let hint = did_you_mean(owner, known.iter().copied());
            let hint = hint.replace("\"?", "_key\"?");
            let right = if hint.is_empty() { "; write <provider id>_key or <provider type>_key" } else { &hint };
            fields.error_at(&node.place, &name, format_args!("belongs to no known provider{right}"));
        }
    }
    keys
}
