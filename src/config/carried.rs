//! Names that a `gateway.yaml` of an earlier gateway uses, put into the words of this one.
//!
//! It renames and never decides: what comes out is checked like anything else. What is renamed is told as a warning
//! that names the word to write, and what has no place here too; nothing is dropped in silence.
//! docs/config-formats.md holds the table.

use super::{
    report::{Place, Report, quoted},
    tree::{Node, Table, Value},
};

/// The plugin of that gateway that is built in here.
const BUILT_IN_MODULES: [&str; 1] = ["@nullplatform/llm-gateway-clickhouse-tracer-plugin"];

/// Puts older names into today's words.
pub(super) fn carry_over(root: &mut Table, report: &Report) {
    default_project(root, report);
    available_plugins(root, report);
    monitoring(root, report);
    logging(root, report);
    let mut models = Models { root, report };
    models.of_root();
    models.of_projects();
}

fn text(value: &str, place: &Place) -> Node {
    Node { value: Value::Text(value.to_owned()), place: place.clone(), from_env: false }
}

/// `defaultProject: true` says that the top of the file is the default project, as it always is.
fn default_project(root: &mut Table, report: &Report) {
    if let Some(node) = root.take("defaultProject")
        && !matches!(node.value, Value::Flag(true))
    {
        report.warn(&node.place, "defaultProject", "is not used: the top of the file is the default project");
    }
}

/// `availablePlugins` lists code to load, which this gateway takes as WebAssembly or asks over HTTP.
fn available_plugins(root: &mut Table, report: &Report) {
    let Some(node) = root.take("availablePlugins") else { return };
    let items = if let Value::List(items) = node.value { items } else { Vec::new() };
    for item in items {
        let named = match &item.value {
            Value::Table(table) => table.get("module").or_else(|| table.get("path")).cloned(),
            _ => Some(item.clone()),
        };
        let name = match named.map(|node| node.value) {
            Some(Value::Text(name)) => name,
            _ => String::new(),
        };
        if !BUILT_IN_MODULES.contains(&name.as_str()) {
            let what = "is not loaded: a module of JavaScript has no place here; write the plugin as a WebAssembly \
                        module or as a webhook under `plugins`";
            report.warn(&item.place, "availablePlugins", what);
        }
    }
}

/// `monitoring`: metrics are always there, and so is the health check.
fn monitoring(root: &mut Table, report: &Report) {
    let Some(node) = root.take("monitoring") else { return };
    let Value::Table(mut table) = node.value else {
        report.warn(&node.place, "monitoring", "is not used");
        return;
    };
    if let Some(node) = table.take("enabled")
        && !matches!(node.value, Value::Flag(true))
    {
        report.warn(&node.place, "monitoring.enabled", "is not used: metrics and records cannot be switched off");
    }
    if let Some(Node { value: Value::Table(mut check), .. }) = table.take("health_check") {
        if let Some(node) = check.take("endpoint")
            && !matches!(&node.value, Value::Text(path) if path == "/health")
        {
            let what = "is not used: the health check is at /health, and readiness at /readyz; point your probe there";
            report.warn(&node.place, "monitoring.health_check.endpoint", what);
        }
        not_used(&check, "monitoring.health_check", report);
    }
    not_used(&table, "monitoring", report);
}

/// `logging.level` and `logging.format` are `telemetry.log` and `telemetry.log_json`.
fn logging(root: &mut Table, report: &Report) {
    let Some(node) = root.take("logging") else { return };
    let Value::Table(mut table) = node.value else {
        report.warn(&node.place, "logging", "is not used");
        return;
    };
    let place = node.place;
    if let Some(mut level) = table.take("level") {
        if let Value::Text(word) = &mut level.value {
            *word = word.to_ascii_lowercase();
            if word == "warning" {
                "warn".clone_into(word);
            }
        }
        report.warn(&level.place, "logging.level", "is an older name; write telemetry.log");
        put_new(root, "log", level, &place);
    }
    if let Some(format) = table.take("format") {
        report.warn(&format.place, "logging.format", "is an older name; write telemetry.log_json = true or false");
        let is_json = matches!(&format.value, Value::Text(word) if word == "json");
        put_new(root, "log_json", Node { value: Value::Flag(is_json), ..format }, &place);
    }
    not_used(&table, "logging", report);
}

/// States a key of `telemetry` that is not stated under its own name.
fn put_new(root: &mut Table, key: &str, node: Node, place: &Place) {
    if let Some(table) = root.inner("telemetry", place)
        && table.get(key).is_none()
    {
        table.put(key, node);
    }
}

fn not_used(table: &Table, path: &str, report: &Report) {
    for (name, place, _) in &table.entries {
        let shown = if quoted(name).starts_with('"') { name } else { "*" };
        report.warn(place, &format!("{path}.{shown}"), "is not used");
    }
}

/// `models` that hold their provider: each becomes a provider and a named model with one target.
struct Models<'t> {
    root: &'t mut Table,
    report: &'t Report,
}

impl Models<'_> {
    fn of_root(&mut self) {
        let Some(mut node) = self.root.take("models") else { return };
        if let Value::List(items) = &mut node.value {
            for item in items {
                self.model(item);
            }
        }
        self.root.put("models", node);
    }

    /// The models that a project defines itself go to the top, and the project names them.
    fn of_projects(&mut self) {
        let Some(mut projects) = self.root.take("projects") else { return };
        if let Value::List(projects) = &mut projects.value {
            for project in projects {
                let Value::Table(project) = &mut project.value else { continue };
                let Some(mut models) = project.take("models") else { continue };
                if let Value::List(items) = &mut models.value {
                    for item in items.iter_mut().filter(|item| matches!(item.value, Value::Table(_))) {
                        self.model(item);
                        self.hoist(item);
                    }
                }
                project.put("models", models);
            }
        }
        self.root.put("projects", projects);
    }

    /// Moves a definition to the top and leaves its name.
    fn hoist(&mut self, item: &mut Node) {
        let Value::Table(table) = &item.value else { return };
        let Some(name) = table.get("name").filter(|name| matches!(name.value, Value::Text(_))).cloned() else { return };
        self.report.warn(&item.place, "projects.models", "defines a model; define it under `models` and name it here");
        let definition = std::mem::replace(item, name);
        self.push("models", definition);
    }

    fn push(&mut self, list: &str, node: Node) {
        let place = node.place.clone();
        if self.root.get(list).is_none() {
            self.root.put(list, Node { value: Value::List(Vec::new()), place, from_env: false });
        }
        let found = self.root.entries.iter_mut().find(|(name, ..)| name == list);
        if let Some((.., Node { value: Value::List(items), .. })) = found {
            items.push(node);
        }
    }

    /// `provider: {type, config: {apiKey, model, …}}` and `isDefault` of one model.
    fn model(&mut self, item: &mut Node) {
        let Value::Table(model) = &mut item.value else { return };
        let is_default = model.take("isDefault").is_some_and(|node| matches!(node.value, Value::Flag(true)));
        let Some(Node { value: Value::Table(mut provider), place, .. }) = model.take("provider") else { return };
        self.report.warn(&place, "models.provider", "is an older form; write a provider and `targets` of the model");
        let mut config = match provider.take("config").map(|node| node.value) {
            Some(Value::Table(config)) => config,
            _ => Table::default(),
        };
        let served = config.take("model");
        let mut block = Table::default();
        if let Some(kind) = provider.take("type") {
            block.put("provider_type", kind);
        }
        for (older, key) in [("apiKey", "api_key"), ("baseUrl", "base_url"), ("baseURL", "base_url")] {
            if let Some(node) = config.take(older) {
                block.put(key, node);
            }
        }
        not_used(&config, "models.provider.config", self.report);
        not_used(&provider, "models.provider", self.report);
        let id = self.provider(block, &place, served.as_ref().filter(|_| is_default));
        let mut target = Table::default();
        target.put("provider", text(&id, &place));
        if let Some(served) = served {
            target.put("model", served);
        }
        let target = Node { value: Value::Table(target), place: place.clone(), from_env: false };
        model.put("targets", Node { value: Value::List(vec![target]), place, from_env: false });
    }

    /// The id of the provider with these keys, made if there is none; `default` becomes its default model.
    fn provider(&mut self, mut block: Table, place: &Place, default: Option<&Node>) -> String {
        let kind = word(&block, "provider_type").unwrap_or("provider").to_owned();
        let same = |other: &Table| {
            let keys = ["provider_type", "api_key", "base_url"];
            keys.iter().all(|key| word(other, key) == word(&block, key)) && word(other, "id").is_some()
        };
        let mut taken = Vec::new();
        let providers = self.root.entries.iter_mut().find(|(name, ..)| name == "providers");
        if let Some((.., Node { value: Value::List(items), .. })) = providers {
            for item in items {
                let Value::Table(other) = &mut item.value else { continue };
                let Some(id) = word(other, "id").map(str::to_owned) else { continue };
                if same(other) {
                    if let Some(default) = default {
                        other.put("default_model", default.clone());
                    }
                    return id;
                }
                taken.push(id);
            }
        }
        let numbered = (2..).map(|number| format!("{kind}-{number}"));
        let id = std::iter::once(kind.clone()).chain(numbered).find(|id| !taken.contains(id)).unwrap_or(kind);
        block.put("id", text(&id, place));
        if let Some(default) = default {
            block.put("default_model", default.clone());
        }
        self.push("providers", Node { value: Value::Table(block), place: place.clone(), from_env: false });
        id
    }
}

fn word<'t>(table: &'t Table, key: &str) -> Option<&'t str> {
    match &table.get(key)?.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}
