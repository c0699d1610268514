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
        "coalesce((SELECT label FROM temp.key_labels_{t} AS k WHERE k.key_id = zq.key_id), zq.key_label, zq.key_id) AS key,
         zq.key_id AS key_id,"
    };
}

/// What rows that hang on a record say of it.
macro_rules! of_record {
    () => {
        concat!(
            "zq.seq AS record_seq, zq.project AS project, zq.source AS requester, zq.team AS team,",
            key!(),
            "zq.profile AS profile, zq.endpoint AS endpoint, zq.client_api AS client_api,",
        )
    };
}

/// The disjoint classes of tokens put together; NULL when none is known.
macro_rules! sum_of {
    ($($class:literal)+) => {
        concat!(
            "CASE WHEN coalesce(", $("zq.", $class, ", ",)+ "NULL) IS NULL THEN NULL ELSE 0",
            $(" + coalesce(zq.", $class, ", 0)",)+ " END"
        )
    };
}

/// The columns of sums `zu` of the dimensions `zq`.
macro_rules! usage {
    () => {
        concat!(
            "SELECT zu.quarter AS quarter_hour,",
            times!("zu.quarter * 900000000"),
            "nullif(zq.project, '') AS project, nullif(zq.source, '') AS requester, nullif(zq.team, '') AS team,
             coalesce((SELECT label FROM temp.key_labels_{t} AS k WHERE k.key_id = zq.key_id), nullif(zq.key_id, ''))
                 AS key,
             nullif(zq.profile, '') AS profile, nullif(zq.provider, '') AS provider, nullif(zq.model, '') AS model,
             family(nullif(zq.model, '')) AS family, zq.client_api AS client_api, zq.endpoint AS endpoint,
             zq.outcome AS outcome, nullif(zq.error_kind, '') AS error_kind, zq.stream AS streamed, zq.cache AS cache,
             zu.requests AS requests, zu.input_tokens + zu.cache_read_tokens + zu.cache_write_5m_tokens +
                 zu.cache_write_1h_tokens + zu.input_audio_tokens + zu.cache_read_audio_tokens + zu.input_image_tokens
                 AS input_tokens,
             zu.cache_read_tokens + zu.cache_read_audio_tokens AS cache_read_tokens,
             zu.cache_write_5m_tokens + zu.cache_write_1h_tokens AS cache_write_tokens,
             zu.output_tokens + zu.reasoning_tokens + zu.output_audio_tokens + zu.output_image_tokens AS output_tokens,
             zu.reasoning_tokens AS reasoning_tokens, zu.cost_microcents AS cost_microcents,
             zu.unknown_cost AS unknown_cost, zu.provider_cost_microcents AS provider_cost_microcents,
             zu.saved_microcents AS saved_microcents, zu.attempts AS attempts, zu.findings AS findings,
             zu.request_bytes AS request_bytes, zu.response_bytes AS response_bytes,
             zu.latency_us / 1e3 AS latency_ms, zu.ttft_us / 1e3 AS ttft_ms, zu.ttft_count AS ttft_requests,
             zu.latency_histogram AS latency_histogram, zu.ttft_histogram AS ttft_histogram "
        )
    };
}

const VIEWS: [View; 10] = [
    View {
        name: "requests",
        body: concat!(
            "SELECT zq.seq AS seq, lower(substr(hex(zq.id), 1, 8) || '-' || substr(hex(zq.id), 9, 4) || '-' ||
                 substr(hex(zq.id), 13, 4) || '-' || substr(hex(zq.id), 17, 4) || '-' || substr(hex(zq.id), 21)) AS id,",
            times!("zq.started_at"),
            "zq.project AS project, zq.source AS requester, zq.team AS team,",
            key!(),
            "zq.profile AS profile, zq.session_id AS session, zq.tags AS tags, zq.client_api AS client_api,
             zq.endpoint AS endpoint, zq.model_requested AS model_requested, zq.provider AS provider, zq.model AS model,
             family(zq.model) AS family, zq.provider_api AS provider_api, zq.stream AS streamed, zq.status AS status,
             zq.outcome AS outcome, zq.error_kind AS error_kind, zq.finish_reason AS finish_reason,
             zq.attempts AS attempts, zq.cache AS cache,
             zq.outcome = 'ok' AND EXISTS (SELECT 1 FROM main.attempts AS base_{t}_failed
                 WHERE base_{t}_failed.record_seq = zq.seq AND base_{t}_failed.outcome = 'error') AS failed_over,
             zq.latency_us / 1e3 AS latency_ms, zq.ttft_us / 1e3 AS ttft_ms,",
            sum_of!("input_tokens" "cache_read_tokens" "cache_write_5m_tokens" "cache_write_1h_tokens"
                    "input_audio_tokens" "cache_read_audio_tokens" "input_image_tokens"),
            " AS input_tokens,",
            sum_of!("cache_read_tokens" "cache_read_audio_tokens"),
            " AS cache_read_tokens,",
            sum_of!("cache_write_5m_tokens" "cache_write_1h_tokens"),
            " AS cache_write_tokens,",
            sum_of!("output_tokens" "reasoning_tokens" "output_audio_tokens" "output_image_tokens"),
            " AS output_tokens, zq.reasoning_tokens AS reasoning_tokens,",
            sum_of!("input_tokens" "cache_read_tokens" "cache_write_5m_tokens" "cache_write_1h_tokens"
                    "input_audio_tokens" "cache_read_audio_tokens" "input_image_tokens"
                    "output_tokens" "reasoning_tokens" "output_audio_tokens" "output_image_tokens"),
            " AS tokens, zq.usage_estimated AS usage_estimated,
             zq.cost_microcents AS cost_microcents, zq.cost_microcents / 1e8 AS cost_usd,
             zq.attempts > 0 AND zq.cost_microcents IS NULL AS cost_unknown,
             zq.provider_cost_microcents AS provider_cost_microcents, zq.saved_microcents AS saved_microcents,
             zq.saved_microcents / 1e8 AS saved_usd, zq.findings AS findings, zq.request_bytes AS request_bytes,
             zq.response_bytes AS response_bytes
             FROM main.records AS zq"
        ),
        tables: &["records", "attempts", "key_labels"],
    },
    View {
        name: "usage",
        body: concat!(usage!(), "FROM main.rollups AS zu CROSS JOIN main.dimensions AS zq ON zq.id = zu.dimension_id"),
        tables: &["rollups", "dimensions", "key_labels"],
    },
    View {
        name: "usage_by_day",
        // Days of which a sum was made, and the quarter hours of all others.
        body: concat!(
            usage!(),
            "FROM main.rollup_days AS zu CROSS JOIN main.dimensions AS zq ON zq.id = zu.dimension_id UNION ALL ",
            usage!(),
            "FROM main.unpacked AS zd CROSS JOIN main.rollups AS zu
                 ON zu.quarter >= zd.first_quarter AND zu.quarter < zd.first_quarter + zd.quarters
             CROSS JOIN main.dimensions AS zq ON zq.id = zu.dimension_id WHERE zd.quarters = 96"
        ),
        tables: &["rollup_days", "unpacked", "rollups", "dimensions", "key_labels"],
    },
    View {
        name: "session_requests",
        body: concat!(
            "SELECT ",
            times!("zs.started_at"),
            "zs.session_id AS session, nullif(zq.project, '') AS project, nullif(zq.source, '') AS requester,
             nullif(zq.team, '') AS team,
             coalesce((SELECT label FROM temp.key_labels_{t} AS k WHERE k.key_id = zq.key_id), nullif(zq.key_id, ''))
                 AS key,
             nullif(zq.profile, '') AS profile, nullif(zq.provider, '') AS provider, nullif(zq.model, '') AS model,
             family(nullif(zq.model, '')) AS family, zq.client_api AS client_api, zq.endpoint AS endpoint,
             zq.outcome AS outcome, nullif(zq.error_kind, '') AS error_kind, zq.stream AS streamed, zq.cache AS cache
             FROM main.records AS zs INDEXED BY records_session_id
             CROSS JOIN main.dimensions AS zq ON zq.id = zs.dimension_id WHERE zs.session_id IS NOT NULL"
        ),
        tables: &["records", "dimensions", "key_labels"],
    },
    View {
        name: "attempts",
        body: concat!(
            "SELECT za.number AS number,",
            times!("zq.started_at"),
            of_record!(),
            "za.provider AS provider, za.model AS model, family(za.model) AS family, za.provider_api AS provider_api,
             zq.stream AS streamed, za.outcome AS outcome, za.status AS status, za.error_kind AS error_kind,
             za.latency_us / 1e3 AS latency_ms, za.ttft_us / 1e3 AS ttft_ms, za.cost_microcents AS cost_microcents
             FROM main.records AS zq CROSS JOIN main.attempts AS za ON za.record_seq = zq.seq"
        ),
        tables: &["records", "attempts", "key_labels"],
    },
    View {
        name: "incidents",
        body: concat!(
            "SELECT zq.id AS id,",
            times!("zq.opened_at"),
            "zq.kind AS incident_kind, nullif(zq.provider, '') AS provider, nullif(zq.subject, '') AS subject,
             zq.impact AS impact, iif(zq.closed_at IS NULL, 'open', 'closed') AS incident_state,
             zq.closed_at AS closed_us, zq.last_seen_at AS last_seen_us, zq.reopened AS reopened,
             zq.impacting AS impacted_requests, zq.mitigated AS mitigated_requests, zq.notices AS notices
             FROM main.incidents AS zq"
        ),
        tables: &["incidents"],
    },
    View {
        name: "route_steps",
        body: concat!(
            "SELECT ",
            times!("zq.started_at"),
            of_record!(),
            "f.value ->> 'provider' AS provider, f.value ->> 'model' AS model, family(f.value ->> 'model') AS family,
             f.value ->> 'layer' AS layer, f.value ->> 'reason' AS drop_reason
             FROM main.records AS zq CROSS JOIN main.routes AS zr ON zr.record_seq = zq.seq
             CROSS JOIN json_each(dropped(zr.trace)) AS f"
        ),
        tables: &["records", "routes", "json_each", "key_labels"],
    },
    View {
        name: "findings",
        body: concat!(
            "SELECT ",
            times!("zq.started_at"),
            of_record!(),
            "zq.provider AS provider, zq.model AS model, family(zq.model) AS family, zq.outcome AS outcome,
             f.direction AS finding_direction, f.rule AS rule, f.kind AS finding_kind,
             f.category AS finding_category, f.action AS finding_action, f.count AS count
             FROM main.records AS zq CROSS JOIN main.findings AS f ON f.record_seq = zq.seq WHERE zq.findings > 0"
        ),
        tables: &["records", "findings", "key_labels"],
    },
    View {
        name: "signals",
        body: concat!(
            "SELECT zq.seq AS seq, zq.id AS id,",
            times!("zq.at"),
            "nullif(zq.provider, '') AS provider, zq.model AS model, family(zq.model) AS family,
             nullif(zq.task, '') AS task, zq.kind AS signal_kind, 'human' AS signal_origin, zq.score AS score,
             zq.project AS project,
             coalesce((SELECT label FROM temp.key_labels_{t} AS k WHERE k.key_id = zq.key_id), zq.key_id) AS key
             FROM main.signals AS zq"
        ),
        tables: &["signals", "key_labels"],
    },
    View {
        name: "budgets",
        body: "SELECT zb.name AS name, zb.scope AS budget_scope, zb.owner AS budget_owner, zb.period AS budget_period,
             iif(zb.scope = 'key', zb.owner, NULL) AS key, zb.limit_microcents AS limit_microcents,
             zb.limit_microcents / 1e8 AS limit_usd, zb.spent_microcents AS spent_microcents,
             zb.spent_microcents / 1e8 AS spent_usd
             FROM temp.purses_{t} AS zb",
        tables: &["purses"],
    },
];

/// Functions that may be called. `p`, `p_merged` and `count_distinct` are our own: the exact percentile of values, that
/// of histograms put together, and how many different values there are.
const FUNCTIONS: [&str; 46] = [
    "abs",
    "avg",
    "coalesce",
    "count",
    "count_distinct",
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
