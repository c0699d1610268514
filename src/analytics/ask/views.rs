//! What questions can see: views over the usage database, without bodies, secrets or comments, and the functions
//! that may be called.
//!
//! The views are made for one run, on the connection that runs it, under names that begin with that run's token.

/// A view.
#[derive(Debug)]
pub(super) struct View {
    /// Its name in questions.
    pub(super) name: &'static str,
    /// What it selects. `{t}` is the run's token; base tables bear aliases that begin with it, so that a plan tells
    /// them from the caller's own.
    body: &'static str,
    /// The base tables, and table functions, that it reads.
    tables: &'static [&'static str],
}

/// Tables of a run itself, on its own connection: what the usage database does not hold.
pub(super) const RUN_TABLES: [&str; 2] = ["key_labels", "purses"];

macro_rules! times {
    ($us:literal) => {
        concat!(
            "strftime('%Y-%m-%dT%H:%M:%fZ', ",
            $us,
            " / 1e6, 'unixepoch') AS started_at,",
            "strftime('%Y-%m-%dT%H:00Z', ",
            $us,
            " / 1e6, 'unixepoch') AS hour,",
            "strftime('%Y-%m-%d', ",
            $us,
            " / 1e6, 'unixepoch') AS day,",
            "strftime('%Y-%m-%d', ",
            $us,
            " / 1e6, 'unixepoch', 'weekday 0', '-6 days') AS week,",
            "strftime('%Y-%m', ",
            $us,
            " / 1e6, 'unixepoch') AS month,",
            "strftime('%Y', ",
            $us,
            " / 1e6, 'unixepoch') || '-Q' || ",
            "((CAST(strftime('%m', ",
            $us,
            " / 1e6, 'unixepoch') AS INTEGER) + 2) / 3) AS quarter,",
            "strftime('%Y', ",
            $us,
            " / 1e6, 'unixepoch') AS year,",
            "CAST(strftime('%H', ",
            $us,
            " / 1e6, 'unixepoch') AS INTEGER) AS hour_of_day,",
            "CASE strftime('%w', ",
            $us,
            " / 1e6, 'unixepoch') WHEN '0' THEN 'Sunday' WHEN '1' THEN 'Monday' ",
            "WHEN '2' THEN 'Tuesday' WHEN '3' THEN 'Wednesday' WHEN '4' THEN 'Thursday' WHEN '5' THEN 'Friday' ",
            "ELSE 'Saturday' END AS weekday,",
            $us,
            " AS started_us,"
        )
    };
}

/// A key by its label: the one it bears now, else the one it bore, else its id.
macro_rules! key {
    () => {
        "coalesce((SELECT label FROM temp.key_labels_{t} AS k WHERE k.key_id = q.key_id), q.key_label, q.key_id) AS key,
         q.key_id AS key_id,"
    };
}

/// What rows that hang on a record say of it.
macro_rules! of_record {
    () => {
        concat!(
            "q.seq AS record_seq, q.project AS project, q.source AS requester, q.team AS team,",
            key!(),
            "q.profile AS profile, q.endpoint AS endpoint, q.client_api AS client_api,",
        )
    };
}

/// The disjoint classes of tokens put together; NULL when none is known.
macro_rules! sum_of {
    ($($class:literal)+) => {
        concat!(
            "CASE WHEN coalesce(", $("q.", $class, ", ",)+ "NULL) IS NULL THEN NULL ELSE 0",
            $(" + coalesce(q.", $class, ", 0)",)+ " END"
        )
    };
}

const VIEWS: [View; 8] = [
    View {
        name: "requests",
        body: concat!(
            "SELECT q.seq AS seq, lower(substr(hex(q.id), 1, 8) || '-' || substr(hex(q.id), 9, 4) || '-' ||
                 substr(hex(q.id), 13, 4) || '-' || substr(hex(q.id), 17, 4) || '-' || substr(hex(q.id), 21)) AS id,",
            times!("q.started_at"),
            "q.project AS project, q.source AS requester, q.team AS team,",
            key!(),
            "q.profile AS profile, q.session_id AS session, q.tags AS tags, q.client_api AS client_api,
             q.endpoint AS endpoint, q.model_requested AS model_requested, q.provider AS provider, q.model AS model,
             family(q.model) AS family, q.provider_api AS provider_api, q.stream AS streamed, q.status AS status,
             q.outcome AS outcome, q.error_kind AS error_kind, q.finish_reason AS finish_reason,
             q.attempts AS attempts, q.cache AS cache,
             q.outcome = 'ok' AND EXISTS (SELECT 1 FROM main.attempts AS base_{t}_failed
                 WHERE base_{t}_failed.record_seq = q.seq AND base_{t}_failed.outcome = 'error') AS failed_over,
             q.latency_us / 1e3 AS latency_ms, q.ttft_us / 1e3 AS ttft_ms,",
            sum_of!("input_tokens" "cache_read_tokens" "cache_write_5m_tokens" "cache_write_1h_tokens"
                    "input_audio_tokens" "cache_read_audio_tokens" "input_image_tokens"),
            " AS input_tokens,",
            sum_of!("cache_read_tokens" "cache_read_audio_tokens"),
            " AS cache_read_tokens,",
            sum_of!("cache_write_5m_tokens" "cache_write_1h_tokens"),
            " AS cache_write_tokens,",
            sum_of!("output_tokens" "reasoning_tokens" "output_audio_tokens" "output_image_tokens"),
            " AS output_tokens, q.reasoning_tokens AS reasoning_tokens,",
            sum_of!("input_tokens" "cache_read_tokens" "cache_write_5m_tokens" "cache_write_1h_tokens"
                    "input_audio_tokens" "cache_read_audio_tokens" "input_image_tokens"
                    "output_tokens" "reasoning_tokens" "output_audio_tokens" "output_image_tokens"),
            " AS tokens, q.usage_estimated AS usage_estimated,
             q.cost_microcents AS cost_microcents, q.cost_microcents / 1e8 AS cost_usd,
             q.attempts > 0 AND q.cost_microcents IS NULL AS cost_unknown,
             q.provider_cost_microcents AS provider_cost_microcents, q.saved_microcents AS saved_microcents,
             q.saved_microcents / 1e8 AS saved_usd, q.findings AS findings, q.request_bytes AS request_bytes,
             q.response_bytes AS response_bytes
             FROM main.records AS q"
        ),
        tables: &["records", "attempts", "key_labels"],
    },
    View {
        name: "usage",
        body: concat!(
            "SELECT u.quarter AS quarter_hour,",
            times!("u.quarter * 900000000"),
            "nullif(q.project, '') AS project, nullif(q.source, '') AS requester, nullif(q.team, '') AS team,
             coalesce((SELECT label FROM temp.key_labels_{t} AS k WHERE k.key_id = q.key_id), nullif(q.key_id, ''))
                 AS key,
             nullif(q.profile, '') AS profile, nullif(q.provider, '') AS provider, nullif(q.model, '') AS model,
             family(nullif(q.model, '')) AS family, q.client_api AS client_api, q.endpoint AS endpoint,
             q.outcome AS outcome, nullif(q.error_kind, '') AS error_kind, q.stream AS streamed, q.cache AS cache,
             u.requests AS requests, u.input_tokens + u.cache_read_tokens + u.cache_write_5m_tokens +
                 u.cache_write_1h_tokens + u.input_audio_tokens + u.cache_read_audio_tokens + u.input_image_tokens
                 AS input_tokens,
             u.cache_read_tokens + u.cache_read_audio_tokens AS cache_read_tokens,
             u.cache_write_5m_tokens + u.cache_write_1h_tokens AS cache_write_tokens,
             u.output_tokens + u.reasoning_tokens + u.output_audio_tokens + u.output_image_tokens AS output_tokens,
             u.reasoning_tokens AS reasoning_tokens, u.cost_microcents AS cost_microcents,
             u.unknown_cost AS unknown_cost, u.provider_cost_microcents AS provider_cost_microcents,
             u.saved_microcents AS saved_microcents, u.attempts AS attempts, u.findings AS findings,
             u.request_bytes AS request_bytes, u.response_bytes AS response_bytes,
             u.latency_us / 1e3 AS latency_ms, u.ttft_us / 1e3 AS ttft_ms, u.ttft_count AS ttft_requests,
             u.latency_histogram AS latency_histogram, u.ttft_histogram AS ttft_histogram
             FROM main.rollups AS u CROSS JOIN main.dimensions AS q ON q.id = u.dimension_id"
        ),
        tables: &["rollups", "dimensions", "key_labels"],
    },
    View {
        name: "attempts",
        body: concat!(
            "SELECT a.number AS number,",
            times!("q.started_at"),
            of_record!(),
            "a.provider AS provider, a.model AS model, family(a.model) AS family, a.provider_api AS provider_api,
             q.stream AS streamed, a.outcome AS outcome, a.status AS status, a.error_kind AS error_kind,
             a.latency_us / 1e3 AS latency_ms, a.ttft_us / 1e3 AS ttft_ms, a.cost_microcents AS cost_microcents
             FROM main.records AS q CROSS JOIN main.attempts AS a ON a.record_seq = q.seq"
        ),
        tables: &["records", "attempts", "key_labels"],
    },
    View {
        name: "incidents",
        body: concat!(
            "SELECT q.id AS id,",
            times!("q.opened_at"),
            "q.kind AS incident_kind, nullif(q.provider, '') AS provider, nullif(q.subject, '') AS subject,
             q.impact AS impact, iif(q.closed_at IS NULL, 'open', 'closed') AS incident_state,
             q.closed_at AS closed_us, q.last_seen_at AS last_seen_us, q.reopened AS reopened,
             q.impacting AS impacted_requests, q.mitigated AS mitigated_requests, q.notices AS notices
             FROM main.incidents AS q"
        ),
        tables: &["incidents"],
    },
    View {
        name: "route_steps",
        body: concat!(
            "SELECT ",
            times!("q.started_at"),
            of_record!(),
            "f.value ->> 'provider' AS provider, f.value ->> 'model' AS model, family(f.value ->> 'model') AS family,
             f.value ->> 'layer' AS layer, f.value ->> 'reason' AS drop_reason
             FROM main.records AS q CROSS JOIN main.routes AS r ON r.record_seq = q.seq
             CROSS JOIN json_each(dropped(r.trace)) AS f"
        ),
        tables: &["records", "routes", "json_each", "key_labels"],
    },
    View {
        name: "findings",
        body: concat!(
            "SELECT ",
            times!("q.started_at"),
            of_record!(),
            "q.provider AS provider, q.model AS model, family(q.model) AS family, q.outcome AS outcome,
             f.direction AS finding_direction, f.rule AS rule, f.kind AS finding_kind,
             f.category AS finding_category, f.action AS finding_action, f.count AS count
             FROM main.records AS q CROSS JOIN main.findings AS f ON f.record_seq = q.seq WHERE q.findings > 0"
        ),
        tables: &["records", "findings", "key_labels"],
    },
    View {
        name: "signals",
        body: concat!(
            "SELECT q.seq AS seq, q.id AS id,",
            times!("q.at"),
            "nullif(q.provider, '') AS provider, q.model AS model, family(q.model) AS family,
             nullif(q.task, '') AS task, q.kind AS signal_kind, 'human' AS signal_origin, q.score AS score,
             q.project AS project,
             coalesce((SELECT label FROM temp.key_labels_{t} AS k WHERE k.key_id = q.key_id), q.key_id) AS key
             FROM main.signals AS q"
        ),
        tables: &["signals", "key_labels"],
    },
    View {
        name: "budgets",
        body: "SELECT b.name AS name, b.scope AS budget_scope, b.owner AS budget_owner, b.period AS budget_period,
             iif(b.scope = 'key', b.owner, NULL) AS key, b.limit_microcents AS limit_microcents,
             b.limit_microcents / 1e8 AS limit_usd, b.spent_microcents AS spent_microcents,
             b.spent_microcents / 1e8 AS spent_usd
             FROM temp.purses_{t} AS b",
        tables: &["purses"],
    },
];

/// Functions that may be called. `p` and `p_merged` are our own: the exact percentile of values, and that of
/// histograms put together.
const FUNCTIONS: [&str; 45] = [
    "abs",
    "avg",
    "coalesce",
    "count",
    "date",
    "datetime",
    "dense_rank",
    "first_value",
    "glob",
    "group_concat",
    "ifnull",
    "iif",
    "instr",
    "json_extract",
    "julianday",
    "lag",
    "last_value",
    "lead",
    "length",
    "like",
    "lower",
    "ltrim",
    "max",
    "min",
    "nth_value",
    "ntile",
    "nullif",
    "p",
    "p_merged",
    "percent_rank",
    "rank",
    "replace",
    "round",
    "row_number",
    "rtrim",
    "sign",
    "strftime",
    "substr",
    "sum",
    "time",
    "total",
    "trim",
    "typeof",
    "unixepoch",
    "upper",
];

/// Functions that only the views call, and what the parser writes some of the others as.
const INNER_FUNCTIONS: [&str; 5] = ["family", "dropped", "->>", "hex", "json_each"];

/// Every view's name.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    VIEWS.iter().map(|view| view.name)
}

/// The view of this name, in lower case.
pub(super) fn find(name: &str) -> Option<&'static View> {
    VIEWS.iter().find(|view| view.name == name)
}

/// The function of this name, in lower case, if it may be called.
pub(super) fn function(name: &str) -> Option<&'static str> {
    FUNCTIONS.into_iter().find(|function| *function == name)
}

/// Whether SQLite may call a function in a run, be it for a view.
pub(super) fn is_known_function(name: &str) -> bool {
    FUNCTIONS.iter().chain(&INNER_FUNCTIONS).any(|function| function.eq_ignore_ascii_case(name))
}

/// What a view is called in a run.
pub(super) fn running_name(token: &str, name: &str) -> String {
    format!("v_{token}_{name}")
}

impl View {
    /// The statement that makes it.
    pub(super) fn create(&self, token: &str) -> String {
        let body = self.body.replace("{t}", token);
        format!("CREATE TEMP VIEW {} AS {body}", running_name(token, self.name))
    }

    /// Whether it reads a table: one of the database, or one of the run.
    pub(super) fn reads(&self, table: &str, token: &str) -> bool {
        self.tables.iter().any(|own| {
            let is_of_run = RUN_TABLES.contains(own);
            if is_of_run {
                table.strip_prefix(own).and_then(|rest| rest.strip_prefix('_')) == Some(token)
            } else {
                *own == table
            }
        })
    }
}
