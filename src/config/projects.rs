//! `[[projects]]`: what the operator decides about requests of a project.

use std::path::Path;

use super::{
    fields::Fields,
    key_map,
    limits::{self, LimitSet},
    plugins::{self, PluginBlock},
    report::{Place, Report},
    sanitization::{self, SanitizationOverride},
    schema,
    tree::Node,
};
use crate::domain::Secret;

/// First words of URLs, which a project of that name would hide.
pub(super) const RESERVED: [&str; 11] =
    ["v1", "v1beta", "api", "health", "readyz", "metrics", "docs", "openai", "anthropic", "gemini", "ollama"];

/// Longest name of a project, in bytes.
const MAX_NAME: usize = 64;

/// `[[projects]]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// The name, as in `x-project` and in a key's `project`: `[A-Za-z0-9][A-Za-z0-9._-]*`.
    pub name: String,
    /// What it is, for people.
    pub description: Option<String>,
    /// Models that its requests may use, named as clients may name them; the first is for requests that name none.
    /// Empty means all.
    pub models: Vec<String>,
    /// Whether its requests need a virtual key; `None` leaves it to `[auth]`.
    pub require_key: Option<bool>,
    /// Whether the response cache serves it; `None` leaves it to `[cache]`.
    pub cache: Option<bool>,
    /// What it states of its own, laid over `[sanitization]`.
    pub sanitization: Option<SanitizationOverride>,
    /// What its requests may use together, in place of `[limits.per_project]`.
    pub limits: Option<LimitSet>,
    /// Its plugins, behind those of `[[plugins]]`.
    pub plugins: Vec<PluginBlock>,
}

/// A virtual key that stands in a project.
pub(super) struct ProjectKey {
    /// The key.
    pub(super) key: Secret,
    /// The project's name.
    pub(super) project: String,
    /// Where it stands.
    pub(super) place: Place,
}

/// Checks every project; the virtual keys that they state come beside them.
pub(super) fn read(nodes: Vec<Node>, working_dir: &Path, report: &Report) -> (Vec<Project>, Vec<ProjectKey>) {
    let mut projects: Vec<Project> = Vec::new();
    let mut keys = Vec::new();
    for node in nodes {
        let mut fields = Fields::of("projects", node, report);
        if let Some(section) = schema::section("projects") {
            fields.only(section);
        }
        if !fields.has("name") {
            fields.error("name", "is missing; write for example name = \"search\"");
        }
        let Some(name) = fields.text("name") else { continue };
        let is_name = name.value.len() <= MAX_NAME
            && name.value.starts_with(|first: char| first.is_ascii_alphanumeric())
            && name.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if !is_name {
            let what = format!("{} is no name; write letters, digits, \".\", \"_\" and \"-\"", name.quoted());
            fields.error_at(&name.place, "name", what);
        } else if RESERVED.contains(&name.value.as_str()) {
            let what = format!("{} is a reserved name; choose another project", name.quoted());
            fields.error_at(&name.place, "name", what);
        } else if projects.iter().any(|other| other.name == name.value) {
            fields.error_at(&name.place, "name", format_args!("{} is stated twice; keep one block", name.quoted()));
        }
        for key in fields.list("keys").unwrap_or_default() {
            let (place, project) = (key.place.clone(), name.value.clone());
            match key_map::virtual_key(key.value) {
                Ok(key) => keys.push(ProjectKey { key, project, place }),
                Err(what) => fields.error_at(&place, "keys", what),
            }
        }
        projects.push(Project {
            name: name.value,
            description: fields.text("description").map(|text| text.value),
            models: fields.list("models").unwrap_or_default().into_iter().map(|model| model.value).collect(),
            require_key: fields.flag("require_key"),
            cache: fields.flag("cache"),
            sanitization: sanitization::inner(&mut fields, "projects.sanitization", report),
            limits: limits::inner(&mut fields, "projects.limits", report),
            plugins: plugins::inner(&mut fields, "projects.plugins", working_dir, report),
        });
    }
    (projects, keys)
}
