//! LiteLLM's `model_list`: each deployment becomes a target of a named model, and a provider that several may share.
//!
//! Source: LiteLLM's documentation of the proxy's config file and of its providers, looked up in November 2026.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Map, Value as Json};

use super::{
    notes::{Notes, shown},
    page::variable,
    providers::{Address, Providers},
};
use crate::config::{
    effective::{inline_value, quote},
    report::Place,
    tree::{Node, Table, Value},
};

/// Fields of a request's body that LiteLLM takes as parameters of a deployment.
pub(super) const BODY_FIELDS: [&str; 26] = [
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "n",
    "max_tokens",
    "max_completion_tokens",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "logit_bias",
    "seed",
    "stop",
    "user",
    "response_format",
    "reasoning_effort",
    "thinking",
    "logprobs",
    "top_logprobs",
    "parallel_tool_calls",
    "service_tier",
    "verbosity",
    "modalities",
    "dimensions",
    "encoding_format",
    "keep_alive",
];

/// Prices by token, and what they are called per million.
const PRICES: [(&str, &str); 5] = [
    ("input_cost_per_token", "input"),
    ("output_cost_per_token", "output"),
    ("cache_read_input_token_cost", "cache_read"),
    ("cache_creation_input_token_cost", "cache_write"),
    ("output_cost_per_reasoning_token", "reasoning"),
];

/// What a deployment of a group is called by.
#[derive(Default)]
pub(super) struct Target {
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) weight: Option<u64>,
    /// Requests, else tokens, per minute, which LiteLLM takes for weights.
    pub(super) rate: Option<u64>,
    pub(super) priority: Option<String>,
    pub(super) params: Map<String, Json>,
    pub(super) timeout: Option<String>,
    pub(super) first_token: Option<String>,
}

/// Deployments that share a `model_name`.
#[derive(Default)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
    pub(super) targets: Vec<Target>,
    pub(super) fallbacks: Vec<String>,
}

/// What `model_list` becomes.
#[derive(Default)]
pub(super) struct Deployments {
    pub(super) providers: Providers,
    pub(super) groups: Vec<Group>,
    /// `[[catalog]]` by provider and model: keys and values as TOML.
    pub(super) cards: BTreeMap<(String, String), Vec<(&'static str, String)>>,
    /// `[limits.models]` by `provider/model`.
    pub(super) limits: BTreeMap<String, Vec<(&'static str, String)>>,
}

/// Named sets of credentials (`credential_list`).
pub(super) type Credentials = BTreeMap<String, Table>;

impl Deployments {
    /// Reads the list.
    pub(super) fn read(list: Option<Node>, credentials: &Credentials, notes: &mut Notes) -> Self {
        let mut all = Self::default();
        let Some(Node { value: Value::List(items), .. }) = list else { return all };
        for (number, item) in items.into_iter().enumerate() {
            let path = format!("model_list[{}]", number + 1);
            match item.value {
                Value::Table(entry) => all.deployment(entry, (&item.place, &path), credentials, notes),
                _ => notes.left(&item.place, &path, "it is not a mapping"),
            }
        }
        all
    }

    fn deployment(&mut self, mut entry: Table, at: (&Place, &str), credentials: &Credentials, notes: &mut Notes) {
        let (place, path) = at;
        let Some(name) = take_text(&mut entry, "model_name") else {
            return notes.left(place, path, "it has no model_name");
        };
        let mut params = take_table(&mut entry, "litellm_params");
        let mut info = take_table(&mut entry, "model_info");
        if let Some(credential) = take_text(&mut params, "litellm_credential_name") {
            match credentials.get(&credential) {
                Some(values) => lay_below(&mut params, values),
                None => {
                    notes.left(place, &format!("{path}.litellm_credential_name"), "credential_list has no such name")
                }
            }
        }
        let model = take_text(&mut params, "model").unwrap_or_default();
        let custom = take_text(&mut params, "custom_llm_provider");
        let path = format!("{path} ({})", shown(&name));
        let address = Address::take(&mut params);
        let found = match self.providers.of(&model, custom.as_deref(), address, (place, &path), notes) {
            Ok(found) => found,
            Err(why) => return notes.left(place, &path, why),
        };
        let (provider, served) = found;
        if served.contains('*') {
            return wildcard(&name, &provider, (place, &path), notes);
        }
        let mut target = Target { provider: provider.clone(), model: served.clone(), ..Target::default() };
        // The router takes these two beside litellm_params as well.
        for key in ["rpm", "tpm"] {
            if let (Some(node), None) = (entry.take(key), params.get(key)) {
                params.put(key, node);
            }
        }
        self.params(params, &mut target, (place, &path), notes);
        self.info(&mut info, (&provider, &served), &path, notes);
        for (key, place, _) in &entry.entries {
            notes.left(place, &format!("{path}.{}", shown(key)), "this gateway has nothing like it");
        }
        notes.carried(place, &path, format!("model \"{}\" leads to {provider}/{served}", shown(&name)));
        match self.groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.targets.push(target),
            None => self.groups.push(Group { name, targets: vec![target], ..Group::default() }),
        }
    }

    fn params(&mut self, params: Table, target: &mut Target, (_, path): (&Place, &str), notes: &mut Notes) {
        let id = format!("{}/{}", target.provider, target.model);
        for (key, place, node) in params.entries {
            let path = format!("{path}.{}", shown(&key));
            let number = number_of(&node);
            match (key.as_str(), number) {
                (_, _) if matches!(node.value, Value::Null) => {}
                ("weight", Some(weight)) => target.weight = whole(&weight),
                ("order", Some(order)) => target.priority = Some(order),
                ("timeout", Some(time)) => target.timeout = Some(time),
                ("stream_timeout", Some(time)) => {
                    notes.changed(&place, &path, "bounds the wait for the first token, and not only of streams");
                    target.first_token = Some(time);
                }
                ("rpm" | "tpm", Some(rate)) => {
                    let limit = if key == "rpm" { "requests_per_minute" } else { "tokens_per_minute" };
                    if target.rate.is_none() || key == "rpm" {
                        target.rate = whole(&rate);
                    }
                    let what = format!("a limit of {id} for all groups together; it weighs its group's targets too");
                    notes.carried(&place, &path, what);
                    self.limits.entry(id.clone()).or_default().push((limit, rate));
                }
                (field, _) if BODY_FIELDS.contains(&field) => match json(&node) {
                    Some(value) => drop(target.params.insert(key, value)),
                    None => notes.left(&place, &path, "JSON has no such value"),
                },
                (price, Some(figure)) if PRICES.iter().any(|(name, _)| *name == price) => {
                    self.price(price, &figure, (&target.provider, &target.model), (&place, &path), notes);
                }
                (key, _) => notes.left(&place, &path, why_param(key)),
            }
        }
    }

    fn info(&mut self, info: &mut Table, at: (&str, &str), path: &str, notes: &mut Notes) {
        const FACTS: [(&str, &str); 2] =
            [("max_input_tokens", "max_input_tokens"), ("max_output_tokens", "max_output_tokens")];
        for (key, place, node) in std::mem::take(&mut info.entries) {
            let path = format!("{path}.model_info.{}", shown(&key));
            let number = number_of(&node);
            if let (Some(figure), true) = (&number, PRICES.iter().any(|(name, _)| *name == key)) {
                self.price(&key, figure, at, (&place, &path), notes);
            } else if let (Some(figure), Some((_, fact))) = (number, FACTS.iter().find(|(name, _)| *name == key)) {
                notes.carried(&place, &path, "a [[catalog]] entry");
                self.card(at).push((fact, figure));
            } else if !matches!(key.as_str(), "id" | "mode" | "description" | "version") {
                notes.left(&place, &path, why_info(&key));
            }
        }
    }

    fn price(&mut self, key: &str, figure: &str, at: (&str, &str), (place, path): (&Place, &str), notes: &mut Notes) {
        let Some((_, class)) = PRICES.iter().find(|(name, _)| *name == key) else { return };
        let exact = Decimal::from_str_exact(figure).or_else(|_| Decimal::from_scientific(figure)).ok();
        match exact.and_then(|price| price.checked_mul(Decimal::from(1_000_000))) {
            Some(price) => {
                notes.carried(place, path, "a [[catalog]] entry, in USD per million tokens");
                self.card(at).push((class, price.normalize().to_string()));
            }
            None => notes.left(place, path, "it is no price"),
        }
    }

    fn card(&mut self, (provider, model): (&str, &str)) -> &mut Vec<(&'static str, String)> {
        self.cards.entry((provider.to_owned(), model.to_owned())).or_default()
    }
}

/// `openai/*` under any name: every model of a provider.
fn wildcard(name: &str, provider: &str, (place, path): (&Place, &str), notes: &mut Notes) {
    let what = format!(
        "every model of provider {provider} can be asked for as {provider}/<model>, and those that it is known to \
         serve by their bare name"
    );
    if name == "*" || name == format!("{provider}/*") {
        notes.carried(place, path, what);
    } else {
        notes.changed(place, path, what);
    }
}

fn why_param(key: &str) -> &'static str {
    match key {
        "max_retries" | "num_retries" => "retries are stated for all models together: routing.retries",
        "drop_params" | "additional_drop_params" | "allowed_openai_params" => {
            "what may be dropped is stated for all models together: translation.drop_unsupported"
        }
        "organization" | "extra_headers" | "headers" | "default_headers" => {
            "no header is added to requests; the client's own headers are forwarded"
        }
        "max_budget" | "budget_duration" => "write a [[budgets]] block",
        "tags" => "requests are labelled by x-tags, and models are not chosen by labels",
        "mock_response" => "answers are not made up; `llm-gateway demo` has a provider for trying things out",
        "azure_ad_token" | "tenant_id" | "client_id" | "client_secret" => "Azure is called with an api key",
        "use_in_pass_through" => "every provider's further paths are forwarded anyway",
        "input_cost_per_second" | "output_cost_per_second" => "prices are by token",
        key if key.starts_with("aws_") || key.starts_with("vertex_") => "the provider's type is not supported",
        _ => "it is no field of a request that is known, nor a setting of this gateway",
    }
}

fn why_info(key: &str) -> &'static str {
    match key {
        "base_model" => "write a [[catalog]] entry with the price if none is known for the deployment's name",
        "access_groups" | "team_id" => "write the models into `allowed_models` of keys or `models` of projects",
        "supported_environments" => "write a config for each environment",
        _ => "the catalog has its own word; [[catalog]] can say otherwise",
    }
}

/// Adds what `below` states and `table` does not.
pub(super) fn lay_below(table: &mut Table, below: &Table) {
    for (key, _, node) in &below.entries {
        if table.get(key).is_none() {
            table.put(key, node.clone());
        }
    }
}

pub(super) fn take_text(table: &mut Table, key: &str) -> Option<String> {
    match table.take(key)?.value {
        Value::Text(text) => Some(text).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number),
        _ => None,
    }
}

pub(super) fn take_table(table: &mut Table, key: &str) -> Table {
    match table.take(key) {
        Some(Node { value: Value::Table(table), .. }) => table,
        _ => Table::default(),
    }
}

/// A number as TOML writes it, or the reference to a variable that holds one. LiteLLM's reader takes `20_000` and
/// `"20"` for numbers as well.
pub(super) fn number_of(node: &Node) -> Option<String> {
    match &node.value {
        Value::Number(number) => Some(number.clone()),
        Value::Text(text) => match environment_name(text) {
            Some(name) => Some(variable(name)),
            None => {
                let plain = text.replace('_', "");
                plain.parse::<f64>().is_ok_and(f64::is_finite).then_some(plain)
            }
        },
        _ => None,
    }
}

/// LiteLLM's reader takes the words of YAML 1.1 for truth values as well.
pub(super) fn flag_of(node: &Node) -> Option<bool> {
    match &node.value {
        Value::Flag(flag) => Some(*flag),
        Value::Text(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn whole(number: &str) -> Option<u64> {
    number.parse::<u64>().ok().filter(|number| *number > 0)
}

/// The variable that `os.environ/NAME` names.
pub(super) fn environment_name(text: &str) -> Option<&str> {
    let name = text.strip_prefix("os.environ/")?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then_some(name)
}

/// A text as TOML writes it; `os.environ/NAME` is a reference to a variable.
pub(super) fn toml_text(text: &str) -> String {
    environment_name(text).map_or_else(|| quote(text), variable)
}

/// A value as TOML writes it.
pub(super) fn toml_of(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => toml_text(text),
        _ => json(node).map_or_else(|| "\"\"".to_owned(), |value| inline_value(&value)),
    }
}

/// A value as JSON has it; `None` for what it has not, and for nothing.
pub(super) fn json(node: &Node) -> Option<Json> {
    match &node.value {
        Value::Text(text) => Some(Json::String(text.clone())),
        Value::Number(number) => serde_json::from_str(number).ok(),
        Value::Flag(flag) => Some(Json::Bool(*flag)),
        Value::List(items) => Some(Json::Array(items.iter().filter_map(json).collect())),
        Value::Table(table) => {
            let fields = table.entries.iter().filter_map(|(key, _, node)| Some((key.clone(), json(node)?)));
            Some(Json::Object(fields.collect()))
        }
        Value::Null | Value::Other => None,
    }
}
