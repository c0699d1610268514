//! `params`, `api_params` and `model_params`: what a request is given where it states nothing itself.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value as Json};

use super::{
    fields::Fields,
    report::{ConfigErrors, Place, Report},
    tree::{self, Node, Value},
    types::ProviderTimeouts,
};

/// Fields of a request's body by name.
pub type Params = Map<String, Json>;

/// Fields that are the request's own, whoever serves it.
const NOT_PARAMS: [&str; 7] = ["model", "stream", "stream_options", "messages", "input", "contents", "prompt"];

/// Deepest table of parameters.
const MAX_DEPTH: usize = 16;

/// What `[[models]]`, or one of its targets, says of the calls that it leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallSettings {
    /// Added to the request where it states nothing itself.
    pub params: Params,
    /// In place of the provider's; see [`ProviderTimeouts`].
    pub first_token: Option<Duration>,
    /// In place of the provider's.
    pub idle: Option<Duration>,
    /// In place of the provider's.
    pub total: Option<Duration>,
}

impl CallSettings {
    /// These settings, and where they state nothing those of `below`.
    #[must_use]
    pub(super) fn over(mut self, below: &Self) -> Self {
        lay_below(&mut self.params, &below.params);
        Self {
            params: self.params,
            first_token: self.first_token.or(below.first_token),
            idle: self.idle.or(below.idle),
            total: self.total.or(below.total),
        }
    }

    /// A provider's time limits with these in their place.
    pub fn timeouts(&self, provider: ProviderTimeouts) -> ProviderTimeouts {
        let total = self.total.unwrap_or(provider.total);
        ProviderTimeouts {
            connect: provider.connect,
            first_token: self.first_token.unwrap_or(provider.first_token).min(total),
            idle: self.idle.unwrap_or(provider.idle),
            total,
        }
    }
}

/// A provider's parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderParams {
    /// `api_params`: for all its models.
    pub api: Params,
    /// `model_params`: for one model each, over those.
    pub by_model: Vec<(String, Params)>,
}

impl ProviderParams {
    /// Reads a JSON object with `api_params` and `model_params`, of the shape that a provider of the config file has.
    ///
    /// # Errors
    /// Everything that is wrong with it, as for a config file of the name `origin`.
    pub fn from_json(text: &str, origin: &str) -> Result<Self, ConfigErrors> {
        let (report, file) = (Report::default(), Arc::from(origin));
        let table = tree::from_json(&file, text, &report);
        let params = of_provider(&mut Fields::new("providers", Place::file(&file), table, &report), &report);
        report.finish().map(|_| params)
    }

    /// The parameters for single models as one JSON object.
    pub fn model_params(&self) -> Params {
        self.by_model.iter().map(|(model, params)| (model.clone(), Json::Object(params.clone()))).collect()
    }
}

/// What a request to this target is given: the target's own, then the provider's for the model, then its others.
pub fn params_for(settings: Option<&CallSettings>, provider: &ProviderParams, model: Option<&str>) -> Option<Params> {
    let of_model = provider.by_model.iter().find(|(name, _)| Some(name.as_str()) == model).map(|(_, params)| params);
    let layers = [settings.map(|settings| &settings.params), of_model, Some(&provider.api)];
    let mut layers = layers.into_iter().flatten().filter(|params| !params.is_empty());
    let mut params = layers.next()?.clone();
    layers.for_each(|below| lay_below(&mut params, below));
    Some(params)
}

/// Adds what `params` does not have; tables are laid over tables.
fn lay_below(params: &mut Params, below: &Params) {
    for (key, value) in below {
        match (params.get_mut(key), value) {
            (None, _) => {
                params.insert(key.clone(), value.clone());
            }
            (Some(Json::Object(own)), Json::Object(below)) => lay_below(own, below),
            _ => {}
        }
    }
}

/// The settings of a `[[models]]` block or of a target.
pub(super) fn call_settings(fields: &mut Fields<'_>, path: &str, report: &Report) -> Arc<CallSettings> {
    Arc::new(CallSettings {
        params: params(fields, "params", path, report),
        first_token: fields.seconds("first_token_timeout"),
        idle: fields.seconds("idle_timeout"),
        total: fields.seconds("timeout"),
    })
}

/// `api_params` and `model_params` of a provider.
pub(super) fn of_provider(fields: &mut Fields<'_>, report: &Report) -> ProviderParams {
    let api = params(fields, "api_params", "providers", report);
    let by_model = match fields.node("model_params") {
        None => Vec::new(),
        Some(Node { value: Value::Table(models), .. }) => {
            let models = models.entries.into_iter();
            models.map(|(model, _, node)| (model, table(node, "providers.model_params", report))).collect()
        }
        Some(node) => {
            report.error(
                &node.place,
                "providers.model_params",
                "is not a table; write one of parameters for each model",
            );
            Vec::new()
        }
    };
    ProviderParams { api, by_model }
}

fn params(fields: &mut Fields<'_>, key: &str, path: &str, report: &Report) -> Params {
    fields.node(key).map(|node| table(node, &format!("{path}.{key}"), report)).unwrap_or_default()
}

fn table(node: Node, path: &str, report: &Report) -> Params {
    let Value::Table(table) = node.value else {
        report.error(&node.place, path, "is not a table; write for example { temperature = 0.2 }");
        return Params::new();
    };
    let mut params = Params::new();
    for (key, place, node) in table.entries {
        let path = format!("{path}.{key}");
        if NOT_PARAMS.contains(&key.as_str()) {
            report.error(&place, &path, "is the request's own to say; remove it");
        } else if let Some(value) = json(node, &path, 0, report) {
            params.insert(key, value);
        }
    }
    params
}

fn json(node: Node, path: &str, depth: usize, report: &Report) -> Option<Json> {
    let refuse = |what: &str| {
        report.error(&node.place, path, what);
        None
    };
    if depth > MAX_DEPTH {
        return refuse("nests too deep");
    }
    match node.value {
        Value::Text(text) => Some(Json::String(text)),
        Value::Flag(flag) => Some(Json::Bool(flag)),
        Value::Number(number) => {
            let value = serde_json::from_str::<Json>(&number).ok();
            value.or_else(|| refuse("is no number that JSON has"))
        }
        Value::List(items) => {
            Some(Json::Array(items.into_iter().filter_map(|item| json(item, path, depth + 1, report)).collect()))
        }
        Value::Table(table) => {
            let entries = table.entries.into_iter();
            let read = |(key, _, node): (String, _, Node)| Some((key.clone(), json(node, path, depth + 1, report)?));
            Some(Json::Object(entries.filter_map(read).collect()))
        }
        Value::Null | Value::Other => {
            refuse("has no value that can be sent; write a text, a number, true, false, a list or a table")
        }
    }
}
