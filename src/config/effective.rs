//! The effective configuration as TOML, for `check`: what was decided, defaults included.
//!
//! Never writes a secret: keys, passwords and the names of virtual keys become `***`.

mod limits;

use std::{fmt::Write as _, time::Duration};

use serde_json::Value as Json;

use super::{
    ask::Ask,
    cache::Cache,
    incidents::Incidents,
    params::{CallSettings, Params},
    plugins::PluginBlock,
    projects::Project,
    routing::{ModelTarget, NamedModel, ProfileBlock, Routing, Strategy},
    sanitization::{Sanitization, SanitizationOverride, SanitizationPattern},
    types::{
        CatalogOverride, Config, MappedKey, OnClientDisconnect, PriceOverride, Provider, ProviderFeatures, ProviderKey,
        ProviderType,
    },
};
use crate::domain::{Ability, Action, Modality, ModelStatus};

/// What stands in the place of a secret.
const MASK: &str = "***";

/// Writes the configuration as a config file that could be loaded again, but for the secrets.
pub fn effective_toml(config: &Config) -> String {
    let mut page = Page::default();
    if let Some(id) = &config.default_provider {
        page.line(&format!("# LLM_PROVIDER={id}"));
    }
    server(&mut page, config);
    page.line("\n[auth]");
    page.raw("require_key", config.auth.require_key);
    page.secret("admin_password", config.auth.admin_password.is_some());
    page.secret("admin_token", config.auth.admin_token.is_some());
    incidents(&mut page, &config.incidents);
    page.line("\n[storage]");
    page.text("path", &config.storage.path.to_string_lossy());
    if let Some(days) = config.storage.retention_days {
        page.raw("retention_days", days);
    }
    page.raw("spool_wait_ms", config.storage.spool_wait.as_millis());
    page.raw("low_disk_bytes", config.storage.low_disk_bytes);
    page.raw("ballast_bytes", config.storage.ballast_bytes);
    page.line("\n[telemetry]");
    page.text("log", &config.telemetry.log);
    page.raw("log_json", config.telemetry.log_json);
    if let Some(collector) = &config.telemetry.otlp {
        page.text("otlp_endpoint", collector.endpoint.as_str());
        for (name, _) in &collector.headers {
            page.secret(&format!("otlp_headers.{name}"), true);
        }
    }
    sanitization(&mut page, &config.sanitization);
    config.providers.iter().for_each(|each| provider(&mut page, each));
    config.plugins.iter().for_each(|each| plugin(&mut page, "plugins", each));
    config.projects.iter().for_each(|each| project(&mut page, each));
    for (number, key) in config.key_map.iter().enumerate() {
        mapped_key(&mut page, number + 1, key);
    }
    limits::limits(&mut page, &config.limits);
    config.budgets.iter().for_each(|each| limits::budget(&mut page, each));
    routing(&mut page, &config.routing);
    page.line("\n[translation]");
    page.raw("drop_unsupported", config.translation.drop_unsupported);
    cache(&mut page, &config.cache);
    ask(&mut page, &config.ask);
    config.models.iter().for_each(|each| model(&mut page, each));
    config.profiles.iter().for_each(|each| profile(&mut page, each));
    config.catalog.iter().for_each(|each| catalog(&mut page, each));
    page.0
}

fn incidents(page: &mut Page, settings: &Incidents) {
    page.line("\n[incidents]");
    page.seconds("quiet_time", settings.quiet_time);
    page.list("kinds", &settings.kinds.iter().map(|kind| kind.as_str().to_owned()).collect::<Vec<_>>());
    if let Some(webhook) = &settings.webhook {
        page.text("webhook_url", &webhook.shown());
        page.secret("webhook_secret", webhook.secret.is_some());
    }
}

fn server(page: &mut Page, config: &Config) {
    let server = &config.server;
    page.line("[server]");
    page.text("host", &server.host.to_string());
    page.raw("port", server.port);
    page.list("allowed_hosts", &server.allowed_hosts);
    match server.on_client_disconnect {
        OnClientDisconnect::Cancel => page.text("on_client_disconnect", "cancel"),
        OnClientDisconnect::Drain { max_bytes, max_time } => {
            page.text("on_client_disconnect", "drain");
            page.raw("drain_max_bytes", max_bytes);
            page.seconds("drain_timeout", max_time);
        }
    }
    page.seconds("header_timeout", server.header_timeout);
    page.seconds("body_timeout", server.body_timeout);
    page.raw("min_body_bytes_per_sec", server.min_body_bytes_per_sec);
    page.seconds("keep_alive_timeout", server.keep_alive_timeout);
    page.seconds("shutdown_timeout", server.shutdown_timeout);
    page.raw("max_body_bytes", server.max_body_bytes);
    page.raw("max_upload_bytes", server.max_upload_bytes);
    page.raw("max_header_bytes", server.max_header_bytes);
    page.raw("max_headers", server.max_headers);
    page.raw("max_uri_bytes", server.max_uri_bytes);
    page.raw("max_connections", server.max_connections);
    page.raw("max_connections_per_address", server.max_connections_per_address);
    if let Some(tls) = &server.tls {
        page.line("\n[server.tls]");
        page.text("cert_file", &tls.cert_file.to_string_lossy());
        page.text("key_file", &tls.key_file.to_string_lossy());
        page.seconds("handshake_timeout", tls.handshake_timeout);
    }
}

fn sanitization(page: &mut Page, settings: &Sanitization) {
    page.line("\n[sanitization]");
    page.raw("enabled", settings.enabled);
    page.raw("scan_credentials", settings.scan_credentials);
    page.raw("redact_pii", settings.redact_pii);
    page.raw("compliance_gate", settings.compliance_gate);
    page.raw("max_match_bytes", settings.max_match_bytes);
    page.seconds("scan_timeout", settings.scan_timeout);
    rules(page, "sanitization", &settings.actions, &settings.patterns);
}

fn sanitization_override(page: &mut Page, path: &str, over: &SanitizationOverride) {
    page.line(&format!("[{path}]"));
    let flags = [
        ("enabled", over.enabled),
        ("scan_credentials", over.scan_credentials),
        ("redact_pii", over.redact_pii),
        ("compliance_gate", over.compliance_gate),
    ];
    for (name, flag) in flags {
        if let Some(flag) = flag {
            page.raw(name, flag);
        }
    }
    rules(page, path, &over.actions, &over.patterns);
}

fn rules(page: &mut Page, path: &str, actions: &[(String, Action)], patterns: &[SanitizationPattern]) {
    if !actions.is_empty() {
        page.line(&format!("[{path}.actions]"));
    }
    for (name, action) in actions {
        page.text(&quote(name), action.as_str());
    }
    for pattern in patterns {
        page.line(&format!("[[{path}.patterns]]"));
        page.text("name", &pattern.name);
        page.text("pattern", &pattern.pattern);
        page.option("replacement", pattern.replacement.as_deref());
        page.text("apply_to", pattern.apply_to.as_str());
        page.option("action", pattern.action.map(Action::as_str));
    }
}

fn provider(page: &mut Page, provider: &Provider) {
    page.line("\n[[providers]]");
    page.line(&format!("# from: {}", provider.origin.as_str()));
    page.text("id", &provider.id);
    page.text("provider_type", provider.provider_type.as_str());
    page.raw("enabled", provider.enabled);
    match provider.key {
        ProviderKey::None => {}
        ProviderKey::Own(_) => page.secret("api_key", true),
        ProviderKey::Passthrough => page.text("api_key", "passthrough"),
    }
    let is_root =
        matches!(provider.provider_type, ProviderType::AzureOpenai | ProviderType::Local | ProviderType::Ollama);
    page.text(if is_root { "endpoint" } else { "base_url" }, provider.base_url.as_str().trim_end_matches('/'));
    page.option("deployment", provider.deployment.as_deref());
    page.option("api_version", provider.api_version.as_deref());
    page.option("default_model", provider.default_model.as_deref());
    if !provider.models.is_empty() {
        page.list("models", &provider.models);
    }
    page.raw("priority", provider.priority);
    page.raw("allow_private_network", provider.allow_private_network);
    page.seconds("timeout", provider.timeouts.total);
    page.seconds("connect_timeout", provider.timeouts.connect);
    page.seconds("first_token_timeout", provider.timeouts.first_token);
    page.seconds("idle_timeout", provider.timeouts.idle);
    if !provider.params.api.is_empty() {
        page.raw("api_params", inline(&provider.params.api));
    }
    if !provider.params.by_model.is_empty() {
        let models = provider.params.by_model.iter();
        let models: Vec<_> = models.map(|(model, params)| format!("{} = {}", quote(model), inline(params))).collect();
        page.raw("model_params", format_args!("{{ {} }}", models.join(", ")));
    }
    if provider.features != ProviderFeatures::default() {
        page.raw("features", format_args!("{{ json_mode = {} }}", provider.features.json_mode));
    }
    if let Some(price) = &provider.pricing {
        page.line("[providers.pricing]");
        prices(page, price);
    }
    limits::set(page, "providers.limits", provider.limits.as_ref());
}

fn project(page: &mut Page, project: &Project) {
    page.line("\n[[projects]]");
    page.text("name", &project.name);
    page.option("description", project.description.as_deref());
    page.list("models", &project.models);
    project.require_key.into_iter().for_each(|flag| page.raw("require_key", flag));
    project.cache.into_iter().for_each(|cache| page.raw("cache", cache));
    if let Some(over) = &project.sanitization {
        sanitization_override(page, "projects.sanitization", over);
    }
    limits::set(page, "projects.limits", project.limits.as_ref());
    project.plugins.iter().for_each(|each| plugin(page, "projects.plugins", each));
}

fn plugin(page: &mut Page, path: &str, block: &PluginBlock) {
    page.line(&format!("\n[[{path}]]"));
    page.text("name", &block.name);
    page.text("type", &block.plugin_type);
    page.raw("enabled", block.enabled);
    page.text("fail", block.fail.as_str());
    page.raw("timeout_ms", block.timeout.as_millis());
    page.list("projects", &block.projects);
    page.list("keys", &block.keys);
    page.raw("config", inline_value(&block.shown));
}

fn mapped_key(page: &mut Page, number: usize, key: &MappedKey) {
    // The table's name is the virtual key itself.
    let path = format!("key_map.\"{MASK}{number}\"");
    page.line(&format!("\n[{path}]"));
    page.option("label", key.label.as_deref());
    page.option("team", key.team.as_deref());
    page.option("project", key.project.as_deref());
    page.list("allowed_models", &key.allowed_models);
    page.list("allowed_providers", &key.allowed_providers);
    key.cache.into_iter().for_each(|cache| page.raw("cache", cache));
    for (owner, _) in &key.provider_keys {
        page.secret(&quote(&format!("{owner}_key")), true);
    }
    if let Some(over) = &key.sanitization {
        sanitization_override(page, &format!("{path}.sanitization"), over);
    }
    limits::set(page, &format!("{path}.limits"), key.limits.as_ref());
    for terms in &key.budgets {
        page.line(&format!("[[{path}.budgets]]"));
        limits::terms(page, terms);
    }
    if !key.metadata.is_empty() {
        page.line(&format!("[{path}.metadata]"));
        key.metadata.iter().for_each(|(name, text)| page.text(&quote(name), text));
    }
}

fn ask(page: &mut Page, ask: &Ask) {
    page.line("\n[ask]");
    ask.model.iter().for_each(|model| page.text("model", model));
    page.secret("model_key", ask.model_key.is_some());
    page.seconds("model_timeout", ask.model_timeout);
    page.raw("free_sql", ask.free_sql);
    page.raw("explain_with_rows", ask.explain_with_rows);
    page.raw("sql_timeout_ms", ask.sql_timeout.as_millis());
    page.raw("requests_per_minute", ask.requests_per_minute);
}

fn cache(page: &mut Page, cache: &Cache) {
    page.line("\n[cache]");
    page.raw("enabled", cache.enabled);
    page.raw("max_bytes", cache.max_bytes);
    page.seconds("ttl", cache.ttl);
    page.raw("max_entry_bytes", cache.max_entry_bytes);
    page.raw("wait_ms", cache.wait.as_millis());
}

fn routing(page: &mut Page, routing: &Routing) {
    page.line("\n[routing]");
    page.text("strategy", routing.strategy.as_str());
    page.raw("sticky", routing.sticky);
    page.option("profile", routing.profile.as_deref());
    page.raw("max_attempts", routing.max_attempts);
    page.raw("retries", routing.retries);
    page.raw("retry_backoff_ms", routing.retry_backoff.as_millis());
    page.raw("retry_after_max_ms", routing.retry_after_max.as_millis());
    page.seconds("retry_deadline", routing.retry_deadline);
    page.raw("retry_budget", routing.retry_budget);
    page.raw("breaker_failures", routing.breaker_failures);
    page.seconds("breaker_cooldown", routing.breaker_cooldown);
    page.raw("hedge_after_ms", routing.hedge_after.map_or(0, |after| after.as_millis()));
    page.raw("automatic_signals", routing.automatic_signals);
}

/// The keys of the settings and their values.
fn call_settings(settings: &CallSettings) -> Vec<(&'static str, String)> {
    let times =
        [("timeout", settings.total), ("first_token_timeout", settings.first_token), ("idle_timeout", settings.idle)];
    let times = times.into_iter().filter_map(|(key, time)| Some((key, time?.as_secs_f64().to_string())));
    let params = (!settings.params.is_empty()).then(|| ("params", inline(&settings.params)));
    times.chain(params).collect()
}

/// Parameters as a TOML table on one line.
pub(super) fn inline(params: &Params) -> String {
    let field = |(key, value): (&String, &Json)| format!("{} = {}", quote(key), inline_value(value));
    format!("{{ {} }}", params.iter().map(field).collect::<Vec<_>>().join(", "))
}

pub(super) fn inline_value(value: &Json) -> String {
    match value {
        Json::String(text) => quote(text),
        Json::Array(items) => format!("[{}]", items.iter().map(inline_value).collect::<Vec<_>>().join(", ")),
        Json::Object(params) => inline(params),
        // Configuration has no `null`, and numbers and truth values are written alike.
        scalar => scalar.to_string(),
    }
}

fn model(page: &mut Page, model: &NamedModel) {
    page.line("\n[[models]]");
    page.text("name", &model.name);
    page.list("aliases", &model.aliases);
    let own = |target: &ModelTarget| {
        let settings = call_settings(&target.settings).into_iter().filter(|_| target.settings != model.settings);
        settings.map(|(key, value)| format!(", {key} = {value}")).collect::<String>()
    };
    let target = |target: &ModelTarget| {
        let model = target.model.as_deref().map(|model| format!(", model = {}", quote(model))).unwrap_or_default();
        let (provider, weight, priority) = (quote(&target.provider), target.weight, target.priority);
        format!("{{ provider = {provider}{model}, weight = {weight}, priority = {priority}{} }}", own(target))
    };
    page.raw("targets", format_args!("[{}]", model.targets.iter().map(target).collect::<Vec<_>>().join(", ")));
    page.option("strategy", model.strategy.map(Strategy::as_str));
    if let Some(sticky) = model.sticky {
        page.raw("sticky", sticky);
    }
    for (key, value) in call_settings(&model.settings) {
        page.raw(key, value);
    }
    page.list("fallbacks", &model.fallbacks);
}

fn profile(page: &mut Page, profile: &ProfileBlock) {
    page.line("\n[[profiles]]");
    page.text("id", &profile.id);
    let weights = &profile.weights;
    page.raw("quality", weights.quality);
    page.raw("price", weights.price);
    page.raw("latency", weights.latency);
    page.raw("reliability", weights.reliability);
    page.raw("affinity", weights.affinity);
    page.list("needs", &profile.needs.iter().map(|ability| ability.as_str().to_owned()).collect::<Vec<_>>());
    if let Some(tokens) = profile.min_context_tokens {
        page.raw("min_context_tokens", tokens);
    }
    page.raw("local_only", profile.local_only);
}

fn catalog(page: &mut Page, entry: &CatalogOverride) {
    page.line("\n[[catalog]]");
    page.text("model", &entry.model);
    page.option("provider", entry.provider.as_deref());
    prices(page, &entry.price);
    let card = &entry.card;
    page.option("name", card.name.as_deref());
    page.option("family", card.family.as_deref());
    page.option("status", card.status.map(ModelStatus::as_str));
    page.option("released_on", card.released_on.as_deref());
    page.option("knowledge_cutoff", card.knowledge_cutoff.as_deref());
    let numbers = [
        ("context_window", card.context_window),
        ("max_input_tokens", card.max_input_tokens),
        ("max_output_tokens", card.max_output_tokens),
    ];
    for (key, number) in numbers {
        number.into_iter().for_each(|number| page.raw(key, number));
    }
    for (key, kinds) in [("input_modalities", &card.input_modalities), ("output_modalities", &card.output_modalities)] {
        if let Some(kinds) = kinds {
            page.list(key, &kinds.iter().map(|kind: &Modality| kind.as_str().to_owned()).collect::<Vec<_>>());
        }
    }
    if let Some(can) = card.capabilities {
        page.list("capabilities", &can.iter().map(|ability: Ability| ability.as_str().to_owned()).collect::<Vec<_>>());
    }
    for (key, flag) in [("prompt_cache", card.prompt_cache), ("open_weights", card.open_weights)] {
        flag.into_iter().for_each(|flag| page.raw(key, flag));
    }
    if let Some(quality) = card.quality {
        page.raw("quality", quality);
    }
}

fn prices(page: &mut Page, price: &PriceOverride) {
    let classes = [
        ("input", price.input),
        ("cache_read", price.cache_read),
        ("cache_write", price.cache_write),
        ("cache_write_1h", price.cache_write_1h),
        ("input_audio", price.input_audio),
        ("output", price.output),
        ("reasoning", price.reasoning),
        ("output_audio", price.output_audio),
        ("per_request", price.per_request),
    ];
    for (name, price) in classes {
        if let Some(price) = price {
            page.raw(name, price);
        }
    }
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn raw(&mut self, key: &str, value: impl std::fmt::Display) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{key} = {value}");
    }

    fn text(&mut self, key: &str, value: &str) {
        self.raw(key, quote(value));
    }

    fn option(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    fn secret(&mut self, key: &str, is_set: bool) {
        self.option(key, is_set.then_some(MASK));
    }

    fn list(&mut self, key: &str, items: &[String]) {
        let items: Vec<String> = items.iter().map(|item| quote(item)).collect();
        self.raw(key, format_args!("[{}]", items.join(", ")));
    }

    fn seconds(&mut self, key: &str, time: Duration) {
        self.raw(key, time.as_secs_f64());
    }
}

/// A TOML string; `$` followed by a brace is escaped, since it would else be a variable.
pub fn quote(text: &str) -> String {
    toml::Value::String(text.replace("${", "$${")).to_string()
}
