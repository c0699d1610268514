//! The providers: `[[providers]]` over the environment over `providers.json` over the presets,
//! merged by id and then checked as one.
//!
//! Never calls a provider and never shows a key.

use std::sync::Arc;

use super::{
    address,
    environment::Environment,
    fields::{Fields, Stated},
    limits, params,
    presets::{PRESETS, Preset},
    providers_json::Entry,
    report::{Place, Report, did_you_mean},
    schema, sections,
    tree::{Node, Table},
    types::{PriceOverride, Provider, ProviderFeatures, ProviderKey, ProviderOrigin, ProviderTimeouts, ProviderType},
};

/// Words that stand for something else than a provider where an id is expected.
const RESERVED_IDS: [&str; 2] = ["auto", "default"];

/// Priority of a provider that states none.
const PRIORITY: u32 = 100;

/// A provider as all sources together state it.
struct Draft {
    id: String,
    place: Place,
    table: Table,
    origin: ProviderOrigin,
}

/// Merges and checks the providers of every source.
pub(super) fn read(
    blocks: Vec<Node>,
    entries: Vec<Entry>,
    environment: &Environment,
    report: &Report,
) -> Vec<Arc<Provider>> {
    let mut drafts = configured(blocks, report);
    for entry in entries {
        if let Err(what) = check_id(&Stated { value: entry.id.clone(), place: entry.place.clone(), shown: true }) {
            report.error(&entry.place, "providers", what);
            continue;
        }
        match drafts.iter_mut().find(|draft| draft.id == entry.id) {
            Some(draft) => lay_below(&mut draft.table, entry.table),
            None if entry.is_configured => {
                let Entry { id, place, table, .. } = entry;
                drafts.push(Draft { id, place, table, origin: ProviderOrigin::ProvidersJson });
            }
            None => {}
        }
    }
    for preset in &PRESETS {
        let is_set = environment.get(preset.variable).is_some();
        if is_set && !drafts.iter().any(|draft| draft.id == preset.id) {
            let place = Place::variable(preset.variable);
            drafts.push(Draft {
                id: preset.id.to_owned(),
                place,
                table: Table::default(),
                origin: ProviderOrigin::Environment,
            });
        }
    }
    drafts
        .into_iter()
        .filter_map(|mut draft| {
            lay_environment(&mut draft, environment);
            provider(draft, environment, report).map(Arc::new)
        })
        .collect()
}

/// The blocks of the config file that have an acceptable id.
fn configured(blocks: Vec<Node>, report: &Report) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = Vec::new();
    for node in blocks {
        let is_variable = matches!(node.place, Place::Variable(_));
        let mut fields = Fields::of("providers", node, report);
        if let Some(section) = schema::section("providers") {
            fields.only(section);
        }
        let is_stated = fields.has("id");
        let Some(id) = fields.text("id") else {
            if !is_stated {
                fields.error("id", "is missing; give the provider a name, such as id = \"openai\"");
            }
            continue;
        };
        if let Err(what) = check_id(&id) {
            fields.error_at(&id.place, "id", what);
            continue;
        }
        if let Some(twin) = drafts.iter().find(|draft| draft.id == id.value) {
            let what = format!("{} is used at {} already; give each provider its own id", id.quoted(), twin.place);
            fields.error_at(&id.place, "id", what);
            continue;
        }
        let origin = if is_variable { ProviderOrigin::Environment } else { ProviderOrigin::Config };
        drafts.push(Draft { id: id.value, place: id.place, table: fields.into_table(), origin });
    }
    drafts
}

fn check_id(id: &Stated<String>) -> Result<(), String> {
    let text = id.value.as_str();
    if RESERVED_IDS.contains(&text) {
        return Err(format!("{} is reserved; choose another id", id.quoted()));
    }
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    let is_first = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if is_first && text.len() <= 64 && text.bytes().all(is_inner) {
        return Ok(());
    }
    let right = "use at most 64 lower-case letters, digits, \".\", \"_\" and \"-\", beginning with a letter or digit";
    Err(format!("{} is not an id; {right}", id.quoted()))
}

/// Adds what a lower source states and the upper ones do not.
fn lay_below(table: &mut Table, below: Table) {
    const TOGETHER: [[&str; 2]; 2] = [["api_key", "env_key"], ["base_url", "endpoint"]];
    let stated: Vec<String> = table.entries.iter().map(|(key, ..)| key.clone()).collect();
    let is_stated = |key: &str| stated.iter().any(|other| other == key);
    for (key, _, node) in below.entries {
        let pair = TOGETHER.iter().find(|pair| pair.contains(&key.as_str()));
        if !pair.map_or_else(|| is_stated(&key), |pair| pair.iter().any(|key| is_stated(key))) {
            table.put(&key, node);
        }
    }
}

/// The variables of a known provider: its key or host below what a block states, its model above.
fn lay_environment(draft: &mut Draft, environment: &Environment) {
    let Some(preset) = Preset::by_id(&draft.id) else { return };
    if let Some(node) = environment.node(preset.variable) {
        let key = if preset.is_reached_by_host() { "endpoint" } else { "api_key" };
        let mut below = Table::default();
        below.put(key, node);
        lay_below(&mut draft.table, below);
    }
    if let Some(node) = environment.node(preset.model_variable) {
        draft.table.put("default_model", node);
    }
}

/// Checks one merged provider; every key is looked at even when one before it was wrong.
fn provider(draft: Draft, environment: &Environment, report: &Report) -> Option<Provider> {
    let preset = Preset::by_id(&draft.id);
    let Draft { id, place, table, origin } = draft;
    let mut fields = Fields::new("providers", place, table, report);
    let enabled = fields.flag("enabled").unwrap_or(true);
    let provider_type = provider_type(&mut fields, preset)?;
    let base_url = address::base_url(&mut fields, &id, provider_type, preset);
    let (deployment, api_version) = azure(&mut fields, provider_type);
    let preset_model = preset.and_then(|preset| preset.default_model).filter(|_| origin != ProviderOrigin::Config);
    let key = key(&mut fields, enabled, provider_type, environment);
    let default_model = fields.text("default_model").map(|text| text.value).or(preset_model.map(str::to_owned));
    let models = fields.list("models").unwrap_or_default().into_iter().map(|model| model.value).collect();
    let priority = priority(&mut fields, &id, origin);
    let allow_private_network = fields.flag("allow_private_network").unwrap_or(true);
    let timeouts = timeouts(&mut fields);
    let params = params::of_provider(&mut fields, report);
    let pricing = fields.node("pricing").map(|node| pricing(node, report));
    let limits = limits::inner(&mut fields, "providers.limits", report);
    let features = fields.node("features").map_or_else(ProviderFeatures::default, |node| features(node, report));
    Some(Provider {
        id,
        provider_type,
        enabled,
        key,
        base_url: base_url?,
        deployment,
        api_version,
        default_model,
        models,
        priority,
        allow_private_network,
        timeouts,
        pricing,
        limits,
        params,
        features,
        origin,
    })
}

fn azure(fields: &mut Fields<'_>, kind: ProviderType) -> (Option<String>, Option<String>) {
    if kind == ProviderType::AzureOpenai {
        let deployment = fields.text("deployment").map(|text| text.value);
        let version = fields.text("api_version").map_or_else(|| "2024-10-21".to_owned(), |text| text.value);
        return (deployment, Some(version));
    }
    for key in ["deployment", "api_version"] {
        if fields.has(key) {
            fields.error(key, "belongs to provider_type = \"azure_openai\" only; remove it");
        }
    }
    (None, None)
}

fn provider_type(fields: &mut Fields<'_>, preset: Option<&Preset>) -> Option<ProviderType> {
    let known = ProviderType::ALL.map(ProviderType::as_str);
    let default = preset.map(|preset| preset.provider_type);
    if !fields.has("provider_type") {
        if default.is_none() {
            fields.error("provider_type", format_args!("is missing; write one of {}", known.join(", ")));
        }
        return default;
    }
    let text = fields.text("provider_type")?;
    let kind = ProviderType::parse(&text.value);
    if kind.is_none() {
        let hint = did_you_mean(&text.value, known);
        let right = if hint.is_empty() { format!("; write one of {}", known.join(", ")) } else { hint };
        fields.error_at(&text.place, "provider_type", format_args!("{} is not known{right}", text.quoted()));
    }
    kind
}

fn key(fields: &mut Fields<'_>, enabled: bool, kind: ProviderType, environment: &Environment) -> ProviderKey {
    if fields.has("api_key") && fields.has("env_key") {
        fields.error("env_key", "and api_key are both given; keep one of them");
    }
    let is_absent = !fields.has("api_key") && !fields.has("env_key");
    if let Some(name) = fields.text("env_key") {
        if environment.get(&name.value).is_none() {
            if enabled {
                let what = "names an environment variable that is not set; set it, or disable the provider";
                fields.error_at(&name.place, "env_key", what);
            }
            return ProviderKey::None;
        }
        let mut variable = Table::default();
        if let Some(node) = environment.node(&name.value) {
            variable.put("api_key", node);
        }
        return fields.sibling(variable).secret("api_key").map_or(ProviderKey::None, ProviderKey::Own);
    }
    if is_absent
        && enabled
        && !matches!(kind, ProviderType::Local | ProviderType::Ollama | ProviderType::OpenaiCompatible)
    {
        fields.warn("api_key", "is missing: only virtual keys that bring their own provider key can use this provider");
    }
    match fields.secret("api_key") {
        None => ProviderKey::None,
        Some(key) if key.expose() == "passthrough" => ProviderKey::Passthrough,
        Some(key) => ProviderKey::Own(key),
    }
}

fn timeouts(fields: &mut Fields<'_>) -> ProviderTimeouts {
    let usual = ProviderTimeouts::default();
    let total = fields.seconds("timeout").unwrap_or(usual.total);
    let connect = fields.seconds("connect_timeout").unwrap_or(usual.connect);
    let first_token = fields.seconds("first_token_timeout").unwrap_or(usual.first_token);
    let idle = fields.seconds("idle_timeout").unwrap_or(usual.idle);
    ProviderTimeouts { connect: connect.min(total), first_token: first_token.min(total), idle, total }
}

/// Providers of the config file come first, in their order; those that the environment brought
/// follow, cheapest first.
fn priority(fields: &mut Fields<'_>, id: &str, origin: ProviderOrigin) -> u32 {
    let rank = PRESETS.iter().position(|preset| preset.id == id).unwrap_or(PRESETS.len());
    let default = match origin {
        ProviderOrigin::Config | ProviderOrigin::Api => PRIORITY,
        ProviderOrigin::Environment | ProviderOrigin::ProvidersJson => {
            PRIORITY + 1 + u32::try_from(rank).unwrap_or(u32::MAX / 2)
        }
    };
    fields.number("priority", 0..=1_000_000).and_then(|priority| u32::try_from(priority).ok()).unwrap_or(default)
}

fn features(node: Node, report: &Report) -> ProviderFeatures {
    let mut fields = Fields::of("providers.features", node, report);
    // What tools and thoughts a model has, the catalog and the answers say.
    fields.only_keys(&["json_mode", "tool_calls", "reasoning_content"], &[]);
    for key in ["tool_calls", "reasoning_content"] {
        fields.flag(key);
    }
    ProviderFeatures { json_mode: fields.flag("json_mode").unwrap_or(ProviderFeatures::default().json_mode) }
}

fn pricing(node: Node, report: &Report) -> PriceOverride {
    let mut fields = Fields::of("providers.pricing", node, report);
    fields.only_keys(&schema::PRICE_KEYS, &[]);
    sections::prices(&mut fields)
}

/// `LLM_PROVIDER`: `auto` or the id of an enabled provider.
pub(super) fn default_provider(
    providers: &[Arc<Provider>],
    environment: &Environment,
    report: &Report,
) -> Option<String> {
    const VARIABLE: &str = "LLM_PROVIDER";
    let id = environment.get(VARIABLE)?.trim();
    if id.is_empty() || id.eq_ignore_ascii_case("auto") {
        return None;
    }
    if let Some(provider) = providers.iter().find(|provider| provider.id == id) {
        if !provider.enabled {
            report.error(&Place::variable(VARIABLE), "", "names a provider that is disabled; enable it, or write auto");
        }
        return Some(id.to_owned());
    }
    let what = match Preset::by_id(id) {
        Some(preset) => format!("names {}, which is not configured; set {}, or write auto", preset.id, preset.variable),
        None => {
            let hint = did_you_mean(id, providers.iter().map(|provider| provider.id.as_str()));
            format!("names no configured provider; write auto or the id of one{hint}")
        }
    };
    report.error(&Place::variable(VARIABLE), "", what);
    None
}
