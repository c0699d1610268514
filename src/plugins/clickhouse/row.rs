//! A record as a row: one JSON object a line, and the table that takes it.

use serde::Serialize;

use crate::domain::Record;

/// The columns and the engine, behind `CREATE TABLE … (`. The engine remembers the tokens of the last inserts, so that a
/// segment which is sent twice is taken once.
pub(super) const COLUMNS: &str = "id String, started_at DateTime64(6, 'UTC'), project Nullable(String), \
    source Nullable(String), team Nullable(String), key_id Nullable(String), key_label Nullable(String), \
    session_id Nullable(String), tags Map(String, String), client_api LowCardinality(String), \
    endpoint LowCardinality(String), model_requested Nullable(String), provider Nullable(String), model Nullable(String), \
    provider_api Nullable(String), stream Bool, status Nullable(UInt16), outcome LowCardinality(String), \
    error_kind Nullable(String), finish_reason Nullable(String), provider_request_id Nullable(String), attempts UInt32, \
    cache LowCardinality(String), latency_ms Float64, ttft_ms Nullable(Float64), input_tokens Nullable(UInt64), \
    cache_read_tokens Nullable(UInt64), output_tokens Nullable(UInt64), reasoning_tokens Nullable(UInt64), \
    cost_microcents Nullable(Int64), findings UInt32, request_bytes UInt64, response_bytes UInt64) \
    ENGINE = MergeTree ORDER BY (started_at, id) SETTINGS non_replicated_deduplication_window = 10000";

#[derive(Serialize)]
struct Row<'r> {
    id: String,
    started_at: String,
    project: Option<&'r str>,
    source: Option<&'r str>,
    team: Option<&'r str>,
    key_id: Option<&'r str>,
    key_label: Option<&'r str>,
    session_id: Option<&'r str>,
    tags: std::collections::BTreeMap<&'r str, &'r str>,
    client_api: &'r str,
    endpoint: &'r str,
    model_requested: Option<&'r str>,
    provider: Option<&'r str>,
    model: Option<&'r str>,
    provider_api: Option<&'r str>,
    stream: bool,
    status: Option<u16>,
    outcome: &'r str,
    error_kind: Option<&'r str>,
    finish_reason: Option<&'r str>,
    provider_request_id: Option<&'r str>,
    attempts: usize,
    cache: &'r str,
    latency_ms: f64,
    ttft_ms: Option<f64>,
    input_tokens: Option<u64>,
    cache_read_tokens: Option<u64>,
    output_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
    cost_microcents: Option<i64>,
    findings: usize,
    request_bytes: u64,
    response_bytes: u64,
}

/// One line, its end included.
pub(super) fn line(record: &Record) -> Vec<u8> {
    let milliseconds = |microseconds: u64| microseconds as f64 / 1e3;
    let row = Row {
        id: record.id.to_string(),
        started_at: record.started_at.to_string(),
        project: record.project.as_deref(),
        source: record.source.as_deref(),
        team: record.team.as_deref(),
        key_id: record.key_id.as_deref(),
        key_label: record.key_label.as_deref(),
        session_id: record.session_id.as_deref(),
        tags: record.tags.iter().map(|(key, value)| (&**key, &**value)).collect(),
        client_api: record.client_api.as_str(),
        endpoint: record.endpoint.as_str(),
        model_requested: record.model_requested.as_deref(),
        provider: record.provider.as_deref(),
        model: record.model.as_deref(),
        provider_api: record.provider_api.map(|api| api.as_str()),
        stream: record.stream,
        status: record.status,
        outcome: record.outcome.as_str(),
        error_kind: record.error_kind.map(|kind| kind.as_str()),
        finish_reason: record.finish_reason.as_deref(),
        provider_request_id: record.provider_request_id.as_deref(),
        attempts: record.attempts.len(),
        cache: record.cache.as_str(),
        latency_ms: milliseconds(record.latency_us),
        ttft_ms: record.ttft_us.map(milliseconds),
        input_tokens: record.usage.input_tokens(),
        cache_read_tokens: record.usage.cache_read,
        output_tokens: record.usage.output_tokens(),
        reasoning_tokens: record.usage.reasoning,
        cost_microcents: record.cost.map(|cost| cost.0),
        findings: record.findings.len(),
        request_bytes: record.request_bytes,
        response_bytes: record.response_bytes,
    };
    // Strings, numbers and a map of strings: it cannot fail.
    let mut line = serde_json::to_vec(&row).unwrap_or_default();
    line.push(b'\n');
    line
}
