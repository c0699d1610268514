//! `[[projects]]`: what the operator decides about requests of a project.

use super::{
    fields::Fields,
    limits::{self, LimitSet},
    report::Report,
    sanitization::{self, SanitizationOverride},
    schema,
    tree::Node,
};

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
    /// Whether the response cache serves it; `None` leaves it to `[cache]`.
    pub cache: Option<bool>,
    /// What it states of its own, laid over `[sanitization]`.
    pub sanitization: Option<SanitizationOverride>,
    /// What its requests may use together, in place of `[limits.per_project]`.
    pub limits: Option<LimitSet>,
}

/// Checks every project.
pub(super) fn read(nodes: Vec<Node>, report: &Report) -> Vec<Project> {
    let mut projects: Vec<Project> = Vec::new();
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
        projects.push(Project {
            name: name.value,
            description: fields.text("description").map(|text| text.value),
            cache: fields.flag("cache"),
            sanitization: sanitization::inner(&mut fields, "projects.sanitization", report),
            limits: limits::inner(&mut fields, "projects.limits", report),
        });
    }
    projects
}
