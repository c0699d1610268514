//! `[[plugins]]` and `[[projects.plugins]]`: which plugins stand on the way of requests, and in which order.
//!
//! Reads names and types; what a plugin's own `config` may hold is decided by its JSON Schema, which its room knows.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Map, Value as Json};
use sha2::{Digest as _, Sha256};

use super::{
    fields::Fields,
    report::{Report, did_you_mean},
    schema,
    tree::{Node, Value},
};

/// Longest name of a plugin, in bytes.
const MAX_NAME: usize = 64;

/// Most plugins of one list; each takes its turn at every request.
const MAX_PLUGINS: usize = 64;

/// Deepest table of a plugin's `config`.
const MAX_DEPTH: usize = 16;

/// Words in the names of settings whose values are not shown.
const SECRET_WORDS: [&str; 8] = ["key", "secret", "password", "token", "credential", "header", "authorization", "url"];

/// One plugin as the operator states it.
#[derive(Clone)]
pub struct PluginBlock {
    /// Unique in its list, `[A-Za-z][A-Za-z0-9_-]*`. A project's plugin replaces the default one of the same name.
    pub name: String,
    /// Which plugin it is (`model-router`, `wasm`, …).
    pub plugin_type: String,
    /// Whether it runs; a project's block that is switched off takes the default one out.
    pub enabled: bool,
    /// What its failure means for the request.
    pub fail: FailMode,
    /// Longest time that one call of it may take.
    pub timeout: Duration,
    /// Projects it is for; empty means all.
    pub projects: Vec<String>,
    /// Virtual keys it is for, by id or label; empty means all, and requests without a key.
    pub keys: Vec<String>,
    /// Its own settings.
    pub config: Json,
    /// The same without what may be secret.
    pub shown: Json,
    /// What relative paths in it are relative to.
    pub working_dir: PathBuf,
    /// Where the block and each of its settings were stated, by path (`config.patterns[0].pattern`).
    places: Vec<(String, String)>,
}

/// `fail`: what a plugin's failure means for the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailMode {
    /// The request goes on as if the plugin had said nothing, and an incident tells of it.
    Open,
    /// The request is refused.
    #[default]
    Closed,
}

impl FailMode {
    /// Both modes.
    pub const ALL: [Self; 2] = [Self::Open, Self::Closed];

    /// The name in config files and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }

    /// Reads the name back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }
}

impl std::fmt::Debug for PluginBlock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Its settings may be secret; their digest tells one from another.
        f.debug_struct("PluginBlock")
            .field("name", &self.name)
            .field("type", &self.plugin_type)
            .field("enabled", &self.enabled)
            .field("fail", &self.fail)
            .field("timeout", &self.timeout)
            .field("projects", &self.projects)
            .field("keys", &self.keys)
            .field("config", &hex::encode(Sha256::digest(self.config.to_string())))
            .finish_non_exhaustive()
    }
}

impl PartialEq for PluginBlock {
    fn eq(&self, other: &Self) -> bool {
        // Where it stands makes it no other plugin.
        (&self.name, &self.plugin_type, self.enabled, self.fail, self.timeout)
            == (&other.name, &other.plugin_type, other.enabled, other.fail, other.timeout)
            && (&self.projects, &self.keys, &self.config, &self.working_dir)
                == (&other.projects, &other.keys, &other.config, &other.working_dir)
    }
}

impl Eq for PluginBlock {}

impl PluginBlock {
    /// Where a setting was stated, or the nearest table around it: file, line and key.
    pub fn place_of(&self, path: &str) -> String {
        let mut at = path;
        loop {
            if let Some((_, place)) = self.places.iter().find(|(known, _)| known == at) {
                return if path.is_empty() { place.clone() } else { format!("{place}.{path}") };
            }
            at = match at.rfind(['.', '[']) {
                Some(end) => at.get(..end).unwrap_or_default(),
                None => "",
            };
            if at.is_empty() && !self.places.iter().any(|(known, _)| known.is_empty()) {
                return format!("plugin {}", self.name);
            }
        }
    }
}

/// Reads one list of plugins; `path` is what messages call it.
pub(super) fn read(path: &str, nodes: Vec<Node>, working_dir: &Path, report: &Report) -> Vec<PluginBlock> {
    let mut blocks: Vec<PluginBlock> = Vec::new();
    if let Some(node) = nodes.get(MAX_PLUGINS) {
        report.error(&node.place, path, format_args!("has more than {MAX_PLUGINS} plugins; remove some"));
        return blocks;
    }
    for node in nodes {
        let mut fields = Fields::of(path, node, report);
        fields.only_keys(&schema::PLUGIN_KEYS, &[]);
        if let Some(block) = block(path, &mut fields, working_dir, report) {
            if blocks.iter().any(|other| other.name == block.name) {
                fields.error("name", format_args!("\"{}\" is stated twice; choose another name", block.name));
            }
            blocks.push(block);
        }
    }
    blocks
}

/// The `plugins` of a project.
pub(super) fn inner(fields: &mut Fields<'_>, path: &str, working_dir: &Path, report: &Report) -> Vec<PluginBlock> {
    match fields.node("plugins") {
        None => Vec::new(),
        Some(Node { value: Value::List(items), .. }) => read(path, items, working_dir, report),
        Some(node) => {
            report.error(&node.place, path, format_args!("is {}; write [[{path}]]", node.value.kind()));
            Vec::new()
        }
    }
}

fn block(path: &str, fields: &mut Fields<'_>, working_dir: &Path, report: &Report) -> Option<PluginBlock> {
    let mut places = vec![(String::new(), format!("{}: {path}", fields.place))];
    if !fields.has("type") {
        fields.error("type", "is missing; write for example type = \"model-router\"");
    }
    let plugin_type = fields.text("type");
    // A plugin that stands alone needs no name of its own.
    let name = match fields.text("name") {
        None => plugin_type.as_ref().map(|kind| kind.value.clone()),
        Some(name) => {
            let is_name = name.value.len() <= MAX_NAME
                && name.value.starts_with(|first: char| first.is_ascii_alphabetic())
                && name.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
            if !is_name {
                let what = format!("{} is no name; write a letter, then letters, digits, _ and -", name.quoted());
                fields.error_at(&name.place, "name", what);
            }
            is_name.then_some(name.value)
        }
    };
    let fail = fields.text("fail").and_then(|text| {
        let mode = FailMode::parse(&text.value);
        if mode.is_none() {
            let hint = did_you_mean(&text.value, FailMode::ALL.map(FailMode::as_str));
            let what = format!("{} is not known{hint}; write \"open\" or \"closed\"", text.quoted());
            fields.error_at(&text.place, "fail", what);
        }
        mode
    });
    let names = |fields: &mut Fields<'_>, key: &str| {
        fields.list(key).unwrap_or_default().into_iter().map(|name| name.value).collect::<Vec<_>>()
    };
    let (mut config, mut shown) = (Json::Object(Map::new()), Json::Object(Map::new()));
    if let Some(node) = fields.node("config") {
        if matches!(node.value, Value::Table(_)) {
            (config, shown) = json(path, &node, "config", false, &mut places, report);
        } else {
            report.error(
                &node.place,
                &format!("{path}.config"),
                format_args!("is {}; write it as a table", node.value.kind()),
            );
        }
    }
    Some(PluginBlock {
        enabled: fields.flag("enabled").unwrap_or(true),
        fail: fail.unwrap_or_default(),
        timeout: Duration::from_millis(fields.number("timeout_ms", 1..=600_000).unwrap_or(1_000)),
        projects: names(fields, "projects"),
        keys: names(fields, "keys"),
        config,
        shown,
        working_dir: working_dir.to_owned(),
        places,
        name: name?,
        plugin_type: plugin_type?.value,
    })
}

/// A setting as JSON, and the same as it may be shown; notes where each part of it was stated.
fn json(
    list: &str,
    node: &Node,
    path: &str,
    is_secret: bool,
    places: &mut Vec<(String, String)>,
    report: &Report,
) -> (Json, Json) {
    places.push((path.to_owned(), format!("{}: {list}", node.place)));
    let mask = || Json::from("***");
    let is_secret = is_secret || node.from_env;
    if path.bytes().filter(|byte| matches!(byte, b'.' | b'[')).count() > MAX_DEPTH {
        report.error(&node.place, list, "lies too deep; put it further up");
        return (Json::Null, Json::Null);
    }
    match &node.value {
        Value::Text(text) => (text.as_str().into(), if is_secret { mask() } else { text.as_str().into() }),
        Value::Number(text) => {
            let number: Json = serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into());
            (number.clone(), if is_secret { mask() } else { number })
        }
        Value::Flag(flag) => ((*flag).into(), (*flag).into()),
        Value::List(items) => {
            let items = items.iter().enumerate();
            let both =
                items.map(|(place, item)| json(list, item, &format!("{path}[{place}]"), is_secret, places, report));
            let (items, shown): (Vec<Json>, Vec<Json>) = both.unzip();
            (items.into(), shown.into())
        }
        Value::Table(table) => {
            let (mut object, mut shown) = (Map::new(), Map::new());
            for (name, _, inner) in &table.entries {
                let lower = name.to_ascii_lowercase();
                let is_secret = is_secret || SECRET_WORDS.iter().any(|word| lower.contains(word));
                let (value, public) = json(list, inner, &format!("{path}.{name}"), is_secret, places, report);
                object.insert(name.clone(), value);
                shown.insert(name.clone(), public);
            }
            (object.into(), shown.into())
        }
        Value::Null => (Json::Null, Json::Null),
        Value::Other => {
            report.error(
                &node.place,
                &format!("{list}.{path}"),
                "is no string, number, list or table; write one of these",
            );
            (Json::Null, Json::Null)
        }
    }
}
