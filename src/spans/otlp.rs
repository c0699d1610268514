//! Records as spans, in OTLP's JSON and under the names of OpenTelemetry's GenAI conventions.
//!
//! Wire format: opentelemetry.io/docs/specs/otlp (JSON: ids in hexadecimal, 64-bit integers as text). Names:
//! opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    config::{Provider, ProviderType},
    domain::{Attempt, Endpoint, ErrorKind, Outcome, Record, Timestamp, Usage},
};

/// `SpanKind`: who was asked, and who asks.
const SERVER: u8 = 2;
const CLIENT: u8 = 3;
/// `StatusCode`: 0 is unset.
const FAILED: u8 = 2;

/// An `ExportTraceServiceRequest`.
pub(super) fn export(records: &[Arc<Record>], providers: &[Arc<Provider>]) -> Value {
    let spans: Vec<Value> = records.iter().flat_map(|record| spans(record, providers)).collect();
    json!({"resourceSpans": [{
        "resource": {"attributes": [
            text("service.name", "llm-gateway"),
            text("service.version", env!("CARGO_PKG_VERSION")),
        ]},
        "scopeSpans": [{"scope": {"name": "llm-gateway", "version": env!("CARGO_PKG_VERSION")}, "spans": spans}],
    }]})
}

/// The request's span, and those of its calls below it. The record's id is the trace's.
fn spans(record: &Record, providers: &[Arc<Provider>]) -> Vec<Value> {
    let id = hex::encode(record.id.as_bytes());
    let root = span_id(&id, 0);
    let mut spans = vec![json!({
        "traceId": id,
        "spanId": root,
        "name": named(record.endpoint, record.model_requested.as_deref()),
        "kind": SERVER,
        "startTimeUnixNano": nanos(record.started_at, 0),
        "endTimeUnixNano": nanos(record.started_at, record.latency_us),
        "attributes": attributes(record, providers),
        "status": status(record.outcome, record.error_kind),
    })];
    spans.extend(record.attempts.iter().enumerate().map(|(place, call)| {
        json!({
            "traceId": id,
            "spanId": span_id(&id, place + 1),
            "parentSpanId": root,
            "name": named(record.endpoint, call.model.as_deref()),
            "kind": CLIENT,
            "startTimeUnixNano": nanos(call.started_at, 0),
            "endTimeUnixNano": nanos(call.started_at, call.latency_us),
            "attributes": of_call(record, call, providers),
            "status": status(call.outcome, call.error_kind),
        })
    }));
    spans
}

/// Eight bytes that no other span of the trace has, and not all zero: the random half of the record's id, counted on.
fn span_id(record_id: &str, place: usize) -> String {
    let half = record_id.get(16..).and_then(|half| u64::from_str_radix(half, 16).ok()).unwrap_or_default();
    let place = u64::try_from(place).unwrap_or_default();
    format!("{:016x}", half.wrapping_add(place).max(1))
}

/// `{operation} {model}`.
fn named(endpoint: Endpoint, model: Option<&str>) -> String {
    let operation = operation(endpoint);
    model.map_or_else(|| operation.to_owned(), |model| format!("{operation} {model}"))
}

/// The conventions' word for what is asked, else the endpoint's own.
fn operation(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::GenerateContent | Endpoint::StreamGenerateContent => "generate_content",
        Endpoint::Completions | Endpoint::OllamaGenerate => "text_completion",
        endpoint if endpoint.is_embedding() => "embeddings",
        endpoint if endpoint.is_conversation() => "chat",
        endpoint => endpoint.as_str(),
    }
}

/// The conventions' name of a provider, else its id.
fn provider_name<'a>(id: &'a str, providers: &[Arc<Provider>]) -> &'a str {
    let kind = providers.iter().find(|provider| provider.id == id).map(|provider| provider.provider_type);
    match kind {
        Some(ProviderType::Anthropic) => "anthropic",
        Some(ProviderType::Openai) => "openai",
        Some(ProviderType::AzureOpenai) => "azure.ai.openai",
        Some(ProviderType::Gemini) => "gcp.gemini",
        _ => match id {
            "mistral" => "mistral_ai",
            "xai" => "x_ai",
            id => id,
        },
    }
}

fn attributes(record: &Record, providers: &[Arc<Provider>]) -> Vec<Value> {
    let mut attributes = vec![text("gen_ai.operation.name", operation(record.endpoint))];
    let provider = record.provider.as_deref().map(|id| provider_name(id, providers));
    let id = record.id.to_string();
    let error = record.error_kind.map(ErrorKind::as_str);
    let texts = [
        ("gen_ai.provider.name", provider),
        ("gen_ai.request.model", record.model_requested.as_deref()),
        ("gen_ai.response.model", record.model.as_deref()),
        ("gen_ai.response.id", record.provider_request_id.as_deref()),
        ("gen_ai.conversation.id", record.session_id.as_deref()),
        ("error.type", error),
        ("llm_gateway.record", Some(id.as_str())),
        ("llm_gateway.client_api", Some(record.client_api.as_str())),
        ("llm_gateway.endpoint", Some(record.endpoint.as_str())),
        ("llm_gateway.provider", record.provider.as_deref()),
        ("llm_gateway.outcome", Some(record.outcome.as_str())),
        ("llm_gateway.cache", Some(record.cache.as_str())),
        ("llm_gateway.project", record.project.as_deref()),
        ("llm_gateway.source", record.source.as_deref()),
        ("llm_gateway.team", record.team.as_deref()),
        ("llm_gateway.key_id", record.key_id.as_deref()),
        ("llm_gateway.profile", record.profile.as_deref()),
    ];
    attributes.extend(texts.into_iter().filter_map(|(name, value)| Some(text(name, value?))));
    attributes.extend(record.finish_reason.as_deref().map(|reason| {
        json!({"key": "gen_ai.response.finish_reasons", "value": {"arrayValue": {"values": [{"stringValue": reason}]}}})
    }));
    attributes.extend(record.tags.iter().map(|(name, value)| text(&format!("llm_gateway.tag.{name}"), value)));
    attributes.push(json!({"key": "llm_gateway.stream", "value": {"boolValue": record.stream}}));
    attributes.extend(usage(&record.usage));
    let numbers = [
        ("http.response.status_code", record.status.map(i64::from)),
        ("llm_gateway.cost_microcents", record.cost.map(|cost| cost.0)),
        ("llm_gateway.findings", Some(i64::from(record.finding_count()))),
        ("llm_gateway.attempts", i64::try_from(record.attempts.len()).ok()),
        ("llm_gateway.ttft_us", record.ttft_us.and_then(|us| i64::try_from(us).ok())),
    ];
    attributes.extend(numbers.into_iter().filter_map(|(name, value)| Some(number(name, value?))));
    attributes
}

fn of_call(record: &Record, call: &Attempt, providers: &[Arc<Provider>]) -> Vec<Value> {
    let mut attributes = vec![
        text("gen_ai.operation.name", operation(record.endpoint)),
        text("gen_ai.provider.name", provider_name(&call.provider, providers)),
        text("llm_gateway.provider", &call.provider),
    ];
    let texts = [
        ("gen_ai.request.model", call.model.as_deref()),
        ("gen_ai.response.id", call.provider_request_id.as_deref()),
        ("error.type", call.error_kind.map(ErrorKind::as_str)),
    ];
    attributes.extend(texts.into_iter().filter_map(|(name, value)| Some(text(name, value?))));
    attributes.extend(usage(&call.usage));
    let numbers = [
        ("http.response.status_code", call.status.map(i64::from)),
        ("llm_gateway.cost_microcents", call.cost.map(|cost| cost.0)),
    ];
    attributes.extend(numbers.into_iter().filter_map(|(name, value)| Some(number(name, value?))));
    attributes
}

/// What is unknown has no attribute.
fn usage(usage: &Usage) -> impl Iterator<Item = Value> {
    let written = [usage.cache_write_5m, usage.cache_write_1h].into_iter().flatten().reduce(u64::saturating_add);
    let counts = [
        ("gen_ai.usage.input_tokens", usage.input_tokens()),
        ("gen_ai.usage.output_tokens", usage.output_tokens()),
        ("gen_ai.usage.cache_read.input_tokens", usage.cache_read_tokens()),
        ("gen_ai.usage.cache_creation.input_tokens", written),
    ];
    counts.into_iter().filter_map(|(name, tokens)| Some(number(name, i64::try_from(tokens?).ok()?)))
}

fn status(outcome: Outcome, kind: Option<ErrorKind>) -> Value {
    match outcome {
        Outcome::Error => json!({"code": FAILED, "message": kind.map(ErrorKind::as_str).unwrap_or_default()}),
        _ => json!({}),
    }
}

fn nanos(begin: Timestamp, more_us: u64) -> String {
    let us = i128::from(begin.unix_us) + i128::from(more_us);
    (us * 1_000).to_string()
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn number(key: &str, value: i64) -> Value {
    json!({"key": key, "value": {"intValue": value.to_string()}})
}
