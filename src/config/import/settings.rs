//! LiteLLM's `general_settings`, `router_settings` and `litellm_settings`: one table of names each, and what they
//! become.

use std::ops::RangeInclusive;

use super::{
    deployments::{BODY_FIELDS, Deployments, environment_name, flag_of, json, number_of, take_table, take_text},
    notes::{Notes, shown},
    page::variable,
};
use crate::config::{
    effective::inline,
    report::Place,
    tree::{Node, Table, Value},
};

/// Keys with their values as TOML.
type Keys = Vec<(&'static str, String)>;

/// What the sections become.
pub(super) struct Settings {
    /// Keys of `[server]`.
    pub(super) server: Keys,
    /// Further sections by name.
    pub(super) sections: Vec<(&'static str, Keys)>,
    /// What every provider is given.
    pub(super) of_providers: Keys,
    /// `[[budgets]]`
    pub(super) budgets: Vec<Keys>,
    /// How groups with several deployments choose.
    pub(super) strategy: &'static str,
    stated: Vec<&'static str>,
}

impl Default for Settings {
    fn default() -> Self {
        let names = ["auth", "telemetry", "storage", "routing", "translation", "cache"];
        Self {
            server: Keys::new(),
            sections: names.map(|name| (name, Keys::new())).into(),
            of_providers: Keys::new(),
            budgets: Vec::new(),
            // LiteLLM's `simple-shuffle`.
            strategy: "weighted",
            stated: Vec::new(),
        }
    }
}

/// One setting that is being read.
struct Setting<'a> {
    name: &'a str,
    node: &'a Node,
    place: &'a Place,
    path: &'a str,
}

impl Settings {
    fn put(&mut self, section: &str, key: &'static str, value: impl Into<String>) {
        if let Some((_, keys)) = self.sections.iter_mut().find(|(name, _)| *name == section)
            && !keys.iter().any(|(known, _)| *known == key)
        {
            keys.push((key, value.into()));
        }
    }

    /// Says of a setting that another section states it too.
    fn is_first(&mut self, key: &'static str, at: &Setting<'_>, notes: &mut Notes) -> bool {
        if self.stated.contains(&key) {
            notes.left(at.place, at.path, "router_settings states it too, and decides");
            return false;
        }
        self.stated.push(key);
        true
    }

    /// `general_settings`
    pub(super) fn general(&mut self, mut table: Table, deployments: &mut Deployments, notes: &mut Notes) {
        let default = table.take("completion_model");
        if let Some(node) = default {
            default_model(&node, deployments, notes);
        }
        for (name, place, node) in &table.entries {
            let path = format!("general_settings.{}", shown(name));
            let at = Setting { name, node, place, path: &path };
            match (name.as_str(), number_of(node)) {
                (_, _) if matches!(node.value, Value::Null) => {}
                ("master_key", _) => self.master_key(&at, notes),
                ("max_request_size_mb", Some(size)) => match size.parse::<f64>().ok().filter(|size| *size > 0.0) {
                    Some(size) => {
                        let bytes = (size * 1_048_576.0).clamp(1024.0, 1_073_741_824.0);
                        self.server.push(("max_body_bytes", format!("{bytes:.0}")));
                        notes.carried(place, &path, "server.max_body_bytes");
                    }
                    None => notes.left(place, &path, "it is no size"),
                },
                ("maximum_spend_logs_retention_period", _) => match days(node) {
                    Some(days) => {
                        self.put("storage", "retention_days", days.to_string());
                        notes.carried(place, &path, "storage.retention_days");
                    }
                    None => notes.left(place, &path, "it is no number of days, such as 30d"),
                },
                (name, _) => notes.left(place, &path, why_general(name)),
            }
        }
    }

    fn master_key(&mut self, at: &Setting<'_>, notes: &mut Notes) {
        let stated = if let Value::Text(text) = &at.node.value { environment_name(text) } else { None };
        let name = stated.unwrap_or("LITELLM_MASTER_KEY");
        self.put("auth", "require_key", "true");
        self.put("auth", "admin_token", variable(name));
        if stated.is_none() {
            let what = format!(
                "the key itself stands in the file and is not written out again; put it into the environment as {name}"
            );
            notes.changed(at.place, at.path, what);
        }
        let what =
            "the admin's token alone, which no model answers to: clients need a virtual key (llm-gateway keys create)";
        notes.changed(at.place, at.path, what);
    }

    /// `router_settings`
    pub(super) fn router(&mut self, table: Table, notes: &mut Notes) {
        for (name, place, node) in &table.entries {
            let path = format!("router_settings.{}", shown(name));
            self.shared(&Setting { name, node, place, path: &path }, notes);
        }
    }

    /// `litellm_settings`
    pub(super) fn module(&mut self, mut table: Table, notes: &mut Notes) {
        let drops = table.take("drop_params");
        let flag = drops.as_ref().and_then(flag_of).unwrap_or(false);
        self.put("translation", "drop_unsupported", flag.to_string());
        if let Some(node) = drops {
            notes.carried(&node.place, "litellm_settings.drop_params", "translation.drop_unsupported");
        }
        let params = take_table(&mut table, "cache_params");
        if let Some(node) = table.take("cache") {
            self.cache(&node, params, notes);
        }
        self.budget(&mut table, notes);
        for (name, place, node) in &table.entries {
            let path = format!("litellm_settings.{}", shown(name));
            let at = Setting { name, node, place, path: &path };
            match (name.as_str(), flag_of(node)) {
                ("json_logs", Some(flag)) => {
                    self.put("telemetry", "log_json", flag.to_string());
                    notes.carried(place, &path, "telemetry.log_json");
                }
                ("set_verbose", Some(flag)) => {
                    if flag {
                        self.put("telemetry", "log", "\"debug\"");
                    }
                    notes.carried(place, &path, "telemetry.log");
                }
                _ => self.shared(&at, notes),
            }
        }
    }

    /// What both the router and the module may state.
    fn shared(&mut self, at: &Setting<'_>, notes: &mut Notes) {
        let Setting { name, node, place, path } = *at;
        let number = number_of(node);
        let whole = number.as_ref().and_then(|number| number.parse::<u64>().ok());
        match name {
            _ if matches!(node.value, Value::Null) => {}
            "routing_strategy" => self.strategy(at, notes),
            "num_retries" if whole.is_some() && self.is_first("num_retries", at, notes) => {
                self.clamped("retries", whole.unwrap_or_default(), 0..=8, at, notes);
            }
            "allowed_fails" if whole.is_some() && self.is_first("allowed_fails", at, notes) => {
                // LiteLLM opens when there are more, this gateway when there are so many.
                self.clamped("breaker_failures", whole.unwrap_or_default().saturating_add(1), 1..=1_000, at, notes);
            }
            "cooldown_time" if number.is_some() && self.is_first("cooldown_time", at, notes) => {
                self.put("routing", "breaker_cooldown", number.unwrap_or_default());
                notes.carried(place, path, "routing.breaker_cooldown");
            }
            "disable_cooldowns" => {
                if flag_of(node) == Some(true) {
                    self.put("routing", "breaker_failures", "0");
                }
                notes.carried(place, path, "routing.breaker_failures");
            }
            "retry_after" if whole.is_some() => {
                let pause = whole.unwrap_or_default().saturating_mul(1_000);
                self.clamped("retry_backoff_ms", pause, 0..=600_000, at, notes);
            }
            "timeout" | "request_timeout" if number.is_some() && self.is_first("timeout", at, notes) => {
                self.of_providers.push(("timeout", number.unwrap_or_default()));
                notes.carried(place, path, "the timeout of every provider");
            }
            "stream_timeout" if number.is_some() => {
                self.of_providers.push(("first_token_timeout", number.unwrap_or_default()));
                notes.changed(place, path, "bounds the wait for the first token, and not only of streams");
            }
            "default_litellm_params" => self.default_params(at, notes),
            "enable_pre_call_checks" | "enable_pre_call_check" => {
                notes.carried(place, path, "a model whose window is too small is never asked");
            }
            "num_retries" | "allowed_fails" | "timeout" | "request_timeout" | "cooldown_time" => {}
            name => notes.left(place, path, why_shared(name)),
        }
    }

    fn clamped(
        &mut self,
        key: &'static str,
        value: u64,
        range: RangeInclusive<u64>,
        at: &Setting<'_>,
        notes: &mut Notes,
    ) {
        let (least, most) = range.into_inner();
        let within = value.clamp(least, most);
        self.put("routing", key, within.to_string());
        let what = format!("routing.{key}");
        if within == value {
            notes.carried(at.place, at.path, what);
        } else {
            notes.changed(at.place, at.path, format!("{what}, which is {most} at most"));
        }
    }

    fn strategy(&mut self, at: &Setting<'_>, notes: &mut Notes) {
        let Value::Text(name) = &at.node.value else { return notes.left(at.place, at.path, "it is not a name") };
        let (strategy, same) = match name.as_str() {
            "simple-shuffle" => ("weighted", true),
            "latency-based-routing" => ("lowest_latency", true),
            "cost-based-routing" => ("cost_optimized", true),
            "least-busy" | "usage-based-routing" | "usage-based-routing-v2" => ("round_robin", false),
            _ => return notes.left(at.place, at.path, "no such strategy is known; models choose by lot"),
        };
        self.strategy = strategy;
        if same {
            notes.carried(at.place, at.path, format!("strategy \"{strategy}\" of models with several targets"));
        } else {
            let what = format!("strategy \"{strategy}\", the nearest; limits keep requests from a target that is full");
            notes.changed(at.place, at.path, what);
        }
    }

    fn default_params(&mut self, at: &Setting<'_>, notes: &mut Notes) {
        let Value::Table(table) = &at.node.value else { return notes.left(at.place, at.path, "it is not a mapping") };
        let mut params = serde_json::Map::new();
        for (name, place, node) in &table.entries {
            match json(node).filter(|_| BODY_FIELDS.contains(&name.as_str())) {
                Some(value) => drop(params.insert(name.clone(), value)),
                None => notes.left(place, &format!("{}.{}", at.path, shown(name)), "it is no field of a request"),
            }
        }
        if !params.is_empty() {
            self.of_providers.push(("api_params", inline(&params)));
            notes.carried(at.place, at.path, "api_params of every provider");
        }
    }

    fn cache(&mut self, node: &Node, mut params: Table, notes: &mut Notes) {
        let is_on = flag_of(node).unwrap_or(false);
        let by_wish = take_text(&mut params, "mode").is_some_and(|mode| mode == "default_off");
        self.put("cache", "enabled", (is_on && !by_wish).to_string());
        let path = "litellm_settings.cache";
        match take_text(&mut params, "type").as_deref() {
            _ if by_wish => {
                notes.changed(&node.place, path, "off: it cannot be asked for call by call; projects can switch it on")
            }
            None | Some("local") => notes.carried(&node.place, path, "cache.enabled"),
            Some("redis-semantic" | "qdrant-semantic") => {
                notes.changed(&node.place, path, "answers are kept in memory, and for the very same question only");
            }
            Some(_) => notes.changed(&node.place, path, "answers are kept in this process's memory"),
        }
        for (name, place, node) in &params.entries {
            let path = format!("litellm_settings.cache_params.{}", shown(name));
            match number_of(node).filter(|_| name == "ttl") {
                Some(ttl) => {
                    self.put("cache", "ttl", ttl);
                    notes.carried(place, &path, "cache.ttl");
                }
                None => notes.left(place, &path, "answers are kept in memory, by everything that shapes them"),
            }
        }
    }

    /// `max_budget` in USD for all, each `budget_duration`.
    fn budget(&mut self, table: &mut Table, notes: &mut Notes) {
        let Some(node) = table.take("max_budget") else { return };
        let duration = table.take("budget_duration");
        let period = duration.as_ref().and_then(days).and_then(|days| match days {
            1 => Some("day"),
            7 => Some("week"),
            28..=31 => Some("month"),
            _ => None,
        });
        match (number_of(&node), period) {
            (Some(limit), Some(period)) => {
                self.budgets.push(vec![
                    ("name", "\"all\"".to_owned()),
                    ("limit_usd", limit),
                    ("period", format!("\"{period}\"")),
                ]);
                let what = format!("a [[budgets]] block by the calendar's {period}");
                notes.carried(&node.place, "litellm_settings.max_budget", what);
            }
            _ => notes.left(&node.place, "litellm_settings.max_budget", "budgets are by day, week or month"),
        }
    }
}

/// The model of requests that name none becomes the default model of its first provider.
fn default_model(node: &Node, deployments: &mut Deployments, notes: &mut Notes) {
    const PATH: &str = "general_settings.completion_model";
    let Value::Text(name) = &node.value else { return };
    let group = deployments.groups.iter().find(|group| group.name == *name);
    match group.and_then(|group| group.targets.first()).map(|target| (target.provider.clone(), target.model.clone())) {
        Some((provider, model)) => {
            deployments.providers.set_default(&provider, &model);
            let what = format!("default_model of provider {provider}: for requests that name no model, not for others");
            notes.changed(&node.place, PATH, what);
        }
        None => notes.left(&node.place, PATH, "model_list has no such model"),
    }
}

/// `30d`, `24h`, `1mo` as days.
fn days(node: &Node) -> Option<u64> {
    let Value::Text(text) = &node.value else { return None };
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(at);
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    match unit {
        "d" => Some(number),
        "h" if number.is_multiple_of(24) => Some(number / 24),
        "mo" => number.checked_mul(30),
        "w" => number.checked_mul(7),
        _ => None,
    }
}

fn why_general(name: &str) -> &'static str {
    match name {
        name if name.starts_with("database_") => {
            "keys and records are kept in SQLite under storage.path; what the old database holds is not moved"
        }
        "store_model_in_db" | "supported_db_objects" => "models that were added in its portal are not in this file",
        name if name.starts_with("alert") => "write [incidents] webhook_url, which is told of every incident",
        "max_parallel_requests" | "global_max_parallel_requests" => {
            "requests are limited by rate ([limits]) and connections by server.max_connections"
        }
        "background_health_checks" | "health_check_interval" => "providers are judged by the requests that they serve",
        "litellm_key_header_name" => "keys come as Authorization: Bearer, x-api-key or x-goog-api-key",
        "pass_through_endpoints" => "the paths that are forwarded are a fixed list",
        "allowed_ips" | "use_x_forwarded_for" => "put a reverse proxy in front that decides who may come in",
        "embedding_model" | "image_generation_model" | "moderation_model" => "the request's own model counts",
        "enable_jwt_auth" | "litellm_jwtauth" | "custom_auth" | "enable_oauth2_auth" | "custom_sso" => {
            "clients are known by virtual keys, the admin by a password or token"
        }
        "store_prompts_in_spend_logs" => "records hold no prompts",
        _ => "this gateway has nothing like it",
    }
}

fn why_shared(name: &str) -> &'static str {
    match name {
        name if name.starts_with("redis_") || name == "cache_kwargs" => {
            "limits, cache and health are kept in the memory of one process"
        }
        "success_callback" | "failure_callback" | "callbacks" | "service_callbacks" | "langfuse_default_tags" => {
            "every request is recorded, /metrics speaks Prometheus, and plugins can tell others"
        }
        "retry_policy" | "allowed_fails_policy" => "retries and breakers know one number for all kinds of errors",
        "enable_tag_filtering" | "tag_filtering_match_any" => "models are not chosen by the labels of a request",
        "max_fallbacks" => "routing.max_attempts bounds all calls of a request together",
        "routing_strategy_args" => "averages are weighed as they are",
        "turn_off_message_logging" | "redact_user_api_key_info" => "prompts and keys are in no log anyway",
        "telemetry" => "nothing is sent to anybody",
        "default_team_settings" | "default_internal_user_params" => "teams are a label of keys",
        "force_ipv4" => "both are tried, as the system's resolver orders them",
        _ => "this gateway has nothing like it",
    }
}
