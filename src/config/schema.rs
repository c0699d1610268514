//! Every section and key that the config file may hold, as one flat table.
//!
//! It knows names only; what a value may be is decided where the value is read.

/// How a section is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `[name]`
    Table,
    /// `[[name]]`
    List,
    /// `[name.<anything>]`
    Map,
}

/// One section.
#[derive(Debug)]
pub(super) struct Section {
    /// Its name in the file.
    pub(super) name: &'static str,
    /// How it is written.
    pub(super) shape: Shape,
    /// The keys that it takes.
    pub(super) keys: &'static [&'static str],
    /// Keys that are planned for it, which deserve another answer than a typo.
    pub(super) later: &'static [&'static str],
}

/// Prices in USD per million tokens, `per_request` in USD.
pub(super) const PRICE_KEYS: [&str; 9] = [
    "input",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "input_audio",
    "output",
    "reasoning",
    "output_audio",
    "per_request",
];

/// The keys of `sanitization` in projects and keys.
pub(super) const OVERRIDE_KEYS: [&str; 6] =
    ["enabled", "scan_credentials", "redact_pii", "compliance_gate", "actions", "patterns"];

/// The keys of one of `[[sanitization.patterns]]`.
pub(super) const PATTERN_KEYS: [&str; 5] = ["name", "pattern", "replacement", "apply_to", "action"];

/// The keys of `limits` in `[limits.per_key]` and its like, in providers, projects and keys.
pub(super) const LIMIT_KEYS: [&str; 9] = [
    "requests_per_minute",
    "requests_per_hour",
    "requests_per_day",
    "tokens_per_minute",
    "tokens_per_hour",
    "tokens_per_day",
    "burst",
    "token_burst",
    "algorithm",
];

/// The keys of one of the `budgets` of a key.
pub(super) const BUDGET_KEYS: [&str; 6] = ["limit_usd", "period", "time_zone", "warn_at", "action", "require_price"];

/// The keys of a target of `[[models]]`.
pub(super) const TARGET_KEYS: [&str; 8] =
    ["provider", "model", "weight", "priority", "params", "timeout", "first_token_timeout", "idle_timeout"];

/// The keys of a plugin, in `[[plugins]]` and in a project.
pub(super) const PLUGIN_KEYS: [&str; 8] =
    ["name", "type", "enabled", "fail", "timeout_ms", "projects", "keys", "config"];

/// The keys of `[server.tls]`.
pub(super) const TLS_KEYS: [&str; 3] = ["cert_file", "key_file", "handshake_timeout"];

/// The sections of this version.
pub(super) const SECTIONS: [Section; 19] = [
    Section {
        name: "server",
        shape: Shape::Table,
        keys: &[
            "host",
            "port",
            "allowed_hosts",
            "on_client_disconnect",
            "drain_max_bytes",
            "drain_timeout",
            "header_timeout",
            "body_timeout",
            "min_body_bytes_per_sec",
            "keep_alive_timeout",
            "shutdown_timeout",
            "max_body_bytes",
            "max_upload_bytes",
            "max_header_bytes",
            "max_headers",
            "max_uri_bytes",
            "max_connections",
            "max_connections_per_address",
            "tls",
        ],
        later: &[],
    },
    Section { name: "auth", shape: Shape::Table, keys: &["require_key", "admin_password", "admin_token"], later: &[] },
    Section {
        name: "providers",
        shape: Shape::List,
        keys: &[
            "id",
            "provider_type",
            "enabled",
            "api_key",
            "env_key",
            "base_url",
            "endpoint",
            "deployment",
            "api_version",
            "default_model",
            "models",
            "priority",
            "allow_private_network",
            "timeout",
            "connect_timeout",
            "first_token_timeout",
            "idle_timeout",
            "pricing",
            "limits",
            "api_params",
            "model_params",
            "features",
        ],
        later: &["weight", "tags"],
    },
    Section {
        name: "key_map",
        shape: Shape::Map,
        keys: &[
            "label",
            "team",
            "project",
            "allowed_models",
            "allowed_providers",
            "cache",
            "sanitization",
            "limits",
            "budgets",
            "metadata",
        ],
        later: &["profile", "source", "expires_at"],
    },
    Section {
        name: "projects",
        shape: Shape::List,
        keys: &["name", "description", "models", "keys", "require_key", "cache", "sanitization", "limits", "plugins"],
        later: &["profile", "allowed_providers", "tags"],
    },
    Section { name: "plugins", shape: Shape::List, keys: &PLUGIN_KEYS, later: &[] },
    Section {
        name: "sanitization",
        shape: Shape::Table,
        keys: &[
            "enabled",
            "scan_credentials",
            "redact_pii",
            "compliance_gate",
            "max_match_bytes",
            "scan_timeout",
            "actions",
            "patterns",
        ],
        later: &[],
    },
    Section {
        name: "limits",
        shape: Shape::Table,
        keys: &[
            "requests_per_minute",
            "requests_per_hour",
            "requests_per_day",
            "tokens_per_minute",
            "tokens_per_hour",
            "tokens_per_day",
            "burst",
            "token_burst",
            "algorithm",
            "per_key",
            "per_project",
            "per_source",
            "per_provider",
            "per_model",
            "sources",
            "models",
        ],
        later: &[],
    },
    Section {
        name: "budgets",
        shape: Shape::List,
        keys: &["name", "scope", "subject", "limit_usd", "period", "time_zone", "warn_at", "action", "require_price"],
        later: &[],
    },
    Section {
        name: "routing",
        shape: Shape::Table,
        keys: &[
            "strategy",
            "sticky",
            "profile",
            "max_attempts",
            "retries",
            "retry_backoff_ms",
            "retry_after_max_ms",
            "retry_deadline",
            "retry_budget",
            "breaker_failures",
            "breaker_cooldown",
            "hedge_after_ms",
            "automatic_signals",
        ],
        later: &[],
    },
    Section { name: "translation", shape: Shape::Table, keys: &["drop_unsupported"], later: &[] },
    Section {
        name: "cache",
        shape: Shape::Table,
        keys: &["enabled", "max_bytes", "ttl", "max_entry_bytes", "wait_ms"],
        later: &[],
    },
    Section {
        name: "ask",
        shape: Shape::Table,
        keys: &[
            "model",
            "model_key",
            "model_timeout",
            "free_sql",
            "explain_with_rows",
            "sql_timeout_ms",
            "requests_per_minute",
        ],
        later: &[],
    },
    Section {
        name: "models",
        shape: Shape::List,
        keys: &[
            "name",
            "aliases",
            "targets",
            "strategy",
            "sticky",
            "params",
            "timeout",
            "first_token_timeout",
            "idle_timeout",
            "fallbacks",
        ],
        later: &[],
    },
    Section {
        name: "profiles",
        shape: Shape::List,
        keys: &[
            "id",
            "quality",
            "price",
            "latency",
            "reliability",
            "affinity",
            "needs",
            "min_context_tokens",
            "local_only",
        ],
        later: &[],
    },
    Section {
        name: "catalog",
        shape: Shape::List,
        keys: &[
            "model",
            "provider",
            "input",
            "cache_read",
            "cache_write",
            "cache_write_1h",
            "input_audio",
            "output",
            "reasoning",
            "output_audio",
            "per_request",
            "name",
            "family",
            "status",
            "released_on",
            "knowledge_cutoff",
            "context_window",
            "max_input_tokens",
            "max_output_tokens",
            "input_modalities",
            "output_modalities",
            "capabilities",
            "prompt_cache",
            "open_weights",
            "quality",
        ],
        later: &["tags"],
    },
    Section {
        name: "incidents",
        shape: Shape::Table,
        keys: &["quiet_time", "kinds", "webhook_url", "webhook_secret"],
        later: &[],
    },
    Section {
        name: "storage",
        shape: Shape::Table,
        keys: &["path", "retention_days", "spool_wait_ms", "low_disk_bytes", "ballast_bytes"],
        later: &["url", "backend"],
    },
    Section {
        name: "telemetry",
        shape: Shape::Table,
        keys: &["log", "log_json", "otlp_endpoint", "otlp_headers"],
        later: &[],
    },
];

/// The section of that name.
pub(super) fn section(name: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.name == name)
}
