//! LiteLLM's `config.yaml` as a whole: the order of its parts, and what becomes of fallbacks and aliases.

use super::{
    deployments::{Credentials, Deployments, Group, take_table, take_text},
    notes::{Notes, shown},
    page::{Page, Section},
    settings::Settings,
};
use crate::config::{
    effective::quote,
    report::Place,
    tree::{Node, Table, Value},
};

/// LiteLLM's port, so that the clients' base URLs stay as they are.
const PORT: &str = "4000";

/// Translates the file.
pub(super) fn translate(mut root: Table, page: &mut Page, notes: &mut Notes) {
    let credentials = credentials(root.take("credential_list"), notes);
    let mut deployments = Deployments::read(root.take("model_list"), &credentials, notes);
    let mut module = take_table(&mut root, "litellm_settings");
    // What both state, the router's settings decide.
    let mut router = take_table(&mut root, "router_settings");
    let mut fallbacks = Fallbacks::default();
    fallbacks.take(&mut router, "router_settings", notes);
    fallbacks.take(&mut module, "litellm_settings", notes);
    aliases(&mut router, &mut deployments, notes);
    let mut settings = Settings::default();
    settings.general(take_table(&mut root, "general_settings"), &mut deployments, notes);
    settings.router(router, notes);
    settings.module(module, notes);
    fallbacks.apply(&mut deployments.groups, notes);
    if let Some(node) = root.take("environment_variables") {
        let why = "their values may be secrets: write NAME=value lines into a file .env beside the config";
        notes.left(&node.place, "environment_variables", why);
    }
    for (name, place, node) in &root.entries {
        let why = match name.as_str() {
            "include" => "run the import on each of these files",
            "guardrails" => "[sanitization] finds credentials and personal data",
            "callback_settings" => "records, /metrics and plugins stand in the place of callbacks",
            _ => "this gateway has nothing like it",
        };
        if !matches!(node.value, Value::Null) {
            notes.left(place, shown(name), why);
        }
    }
    write(&settings, &deployments, page);
}

fn credentials(list: Option<Node>, notes: &mut Notes) -> Credentials {
    let mut credentials = Credentials::new();
    let Some(Node { value: Value::List(items), .. }) = list else { return credentials };
    for item in items {
        let Value::Table(mut entry) = item.value else { continue };
        if let Some(name) = take_text(&mut entry, "credential_name") {
            notes.carried(&item.place, &format!("credential_list ({})", shown(&name)), "stands at its providers");
            credentials.insert(name, take_table(&mut entry, "credential_values"));
        }
    }
    credentials
}

/// `model_group_alias`: another name for a group.
fn aliases(router: &mut Table, deployments: &mut Deployments, notes: &mut Notes) {
    for (alias, place, node) in take_table(router, "model_group_alias").entries {
        let path = format!("router_settings.model_group_alias.{}", shown(&alias));
        let target = match node.value {
            Value::Text(name) => name,
            Value::Table(mut table) => take_text(&mut table, "model").unwrap_or_default(),
            _ => String::new(),
        };
        let is_taken = deployments.groups.iter().any(|group| group.name == alias || group.aliases.contains(&alias));
        match deployments.groups.iter_mut().find(|group| group.name == target) {
            _ if is_taken => notes.left(&place, &path, "model_list has a model of that name"),
            Some(group) => {
                group.aliases.push(alias);
                notes.carried(&place, &path, format!("an alias of {}", shown(&target)));
            }
            None => notes.left(&place, &path, "model_list has no model that it could mean"),
        }
    }
}

/// A group, the names that stand in for it, and where that is stated.
type Pair = (String, Vec<String>, Place, String);

/// Which groups are asked when one fails.
#[derive(Default)]
struct Fallbacks {
    general: Option<Vec<Pair>>,
    context: Option<Vec<Pair>>,
    default: Option<(Vec<String>, Place, String)>,
}

impl Fallbacks {
    /// Takes them out of a section; what an earlier one stated stays.
    fn take(&mut self, section: &mut Table, name: &str, notes: &mut Notes) {
        let mut pairs = |key: &str| section.take(key).map(|node| pairs(node, &format!("{name}.{key}"), notes));
        let (general, context) = (pairs("fallbacks"), pairs("context_window_fallbacks"));
        self.general = self.general.take().or(general);
        self.context = self.context.take().or(context);
        if let Some(node) = section.take("default_fallbacks") {
            let place = node.place.clone();
            self.default.get_or_insert((texts(node), place, format!("{name}.default_fallbacks")));
        }
        if let Some(node) = section.take("content_policy_fallbacks") {
            let why = "a refusal for what the prompt says goes to the client and to no other model";
            notes.left(&node.place, &format!("{name}.content_policy_fallbacks"), why);
        }
    }

    fn apply(self, groups: &mut [Group], notes: &mut Notes) {
        let known: Vec<String> =
            groups.iter().flat_map(|group| group.aliases.iter().chain([&group.name])).cloned().collect();
        let mut add =
            |groups: &mut [Group], of: &str, names: Vec<String>, (place, path): (&Place, &str), changed: &str| {
                let Some(group) =
                    groups.iter_mut().find(|group| group.name == of || group.aliases.iter().any(|own| own == of))
                else {
                    return notes.left(place, path, "model_list has no such model");
                };
                for name in names {
                    // A name that leads nowhere would be skipped in silence at every request.
                    if !known.contains(&name) && !name.contains('/') {
                        notes.left(place, path, format!("fallback {} is no model of model_list", shown(&name)));
                    } else if !group.fallbacks.contains(&name) && name != group.name {
                        group.fallbacks.push(name);
                    }
                }
                match changed {
                    "" => notes.carried(place, path, format!("fallbacks of {}", shown(of))),
                    changed => notes.changed(place, path, changed),
                }
            };
        for (of, names, place, path) in self.general.unwrap_or_default() {
            add(groups, &of, names, (&place, &path), "");
        }
        if let Some((names, place, path)) = self.default {
            let bare: Vec<String> =
                groups.iter().filter(|group| group.fallbacks.is_empty()).map(|group| group.name.clone()).collect();
            for of in bare {
                add(groups, &of, names.clone(), (&place, &path), "");
            }
        }
        let changed = "fallbacks like any other: a model whose window is too small is left out before it is asked, and \
                       here a fallback stands in for every failure";
        for (of, names, place, path) in self.context.unwrap_or_default() {
            add(groups, &of, names, (&place, &path), changed);
        }
    }
}

/// `[{name: [other, …]}, …]`.
fn pairs(node: Node, path: &str, notes: &mut Notes) -> Vec<Pair> {
    let items = if let Value::List(items) = node.value { items } else { vec![node] };
    let mut found = Vec::new();
    for item in items {
        let Value::Table(table) = item.value else {
            notes.left(&item.place, path, "it is not of the form {model: [fallback, …]}");
            continue;
        };
        for (of, place, names) in table.entries {
            let path = format!("{path}.{}", shown(&of));
            if let Value::List(items) = &names.value
                && items.iter().any(|item| !matches!(item.value, Value::Text(_)))
            {
                notes.left(&place, &path, "a fallback with messages or parameters of its own; write it as a model");
            }
            found.push((of, texts(names), place, path));
        }
    }
    found
}

fn texts(node: Node) -> Vec<String> {
    let items = if let Value::List(items) = node.value { items } else { vec![node] };
    items.into_iter().filter_map(|item| if let Value::Text(text) = item.value { Some(text) } else { None }).collect()
}

fn stated<'k>(keys: &'k [(&'static str, String)]) -> impl Iterator<Item = (&'k str, Option<&'k String>)> {
    keys.iter().map(|(key, value)| (*key, Some(value)))
}

fn write(settings: &Settings, deployments: &Deployments, page: &mut Page) {
    let mut server = Section::table("server");
    server.raw("port", PORT);
    server.each(stated(&settings.server));
    page.push(server);
    for (name, keys) in &settings.sections {
        let mut section = Section::table(name);
        section.each(stated(keys));
        page.push(section);
    }
    deployments.providers.write(&settings.of_providers, page);
    for group in &deployments.groups {
        model(group, settings.strategy, page);
    }
    for ((provider, model), facts) in &deployments.cards {
        let mut section = Section::item("catalog");
        section.text("model", model).text("provider", provider);
        let mut stated: Vec<&str> = Vec::new();
        for (key, value) in facts {
            // Two deployments of one model may state the same.
            if !stated.contains(key) {
                stated.push(key);
                section.raw(key, value.as_str());
            }
        }
        page.push(section);
    }
    for (model, limits) in &deployments.limits {
        let mut section = Section::table(&format!("limits.models.{}", quote(model)));
        let mut stated: Vec<&str> = Vec::new();
        for (key, value) in limits {
            if !stated.contains(key) {
                stated.push(key);
                section.raw(key, value.as_str());
            }
        }
        page.push(section);
    }
    for budget in &settings.budgets {
        let mut section = Section::item("budgets");
        section.each(stated(budget));
        page.push(section);
    }
}

fn model(group: &Group, strategy: &str, page: &mut Page) {
    let is_choice = group.targets.len() > 1;
    let weight = |target: &super::deployments::Target| target.weight.or(target.rate).unwrap_or(1).min(1_000_000);
    let targets = group.targets.iter().map(|target| {
        let mut keys =
            vec![format!("provider = {}", quote(&target.provider)), format!("model = {}", quote(&target.model))];
        if is_choice && strategy == "weighted" {
            keys.push(format!("weight = {}", weight(target)));
        }
        let stated = [
            ("priority", &target.priority),
            ("timeout", &target.timeout),
            ("first_token_timeout", &target.first_token),
        ];
        keys.extend(stated.iter().filter_map(|(key, value)| Some(format!("{key} = {}", value.as_ref()?))));
        if !target.params.is_empty() {
            keys.push(format!("params = {}", crate::config::effective::inline(&target.params)));
        }
        format!("  {{ {} }},\n", keys.join(", "))
    });
    let targets: String = targets.collect();
    let mut section = Section::item("models");
    section.text("name", &group.name).list("aliases", &group.aliases).raw("targets", format!("[\n{targets}]"));
    if is_choice {
        let ordered = group.targets.iter().any(|target| target.priority.is_some());
        section.text("strategy", if ordered { "priority" } else { strategy });
    }
    section.list("fallbacks", &group.fallbacks);
    page.push(section);
}
