//! A record as the API shows it.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::{Attempt, Finding, Record, RecordId, Timestamp},
    store::{LiveRecord, StoredRecord},
};

/// One request. `null` means unknown, never 0.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RecordView {
    /// Time-ordered id (UUID v7), as in the response header `x-gateway-record`.
    #[schema(value_type = String)]
    pub id: RecordId,
    /// When the request arrived, RFC 3339 in UTC.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// Project.
    pub project: Option<String>,
    /// Requester (`x-source`).
    pub source: Option<String>,
    /// Team of the key.
    pub team: Option<String>,
    /// Id of the virtual key.
    pub key_id: Option<String>,
    /// Label of the virtual key.
    pub key_label: Option<String>,
    /// Routing profile.
    pub profile: Option<String>,
    /// `x-session-id`.
    pub session_id: Option<String>,
    /// `x-tags`.
    pub tags: BTreeMap<String, String>,
    /// The API that the client spoke.
    pub client_api: &'static str,
    /// The endpoint it called.
    pub endpoint: &'static str,
    /// The model as the client named it.
    pub model_requested: Option<String>,
    /// The provider that gave (or failed to give) the answer.
    pub provider: Option<String>,
    /// The model that answered.
    pub model: Option<String>,
    /// The API that the provider spoke.
    pub provider_api: Option<&'static str>,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// The HTTP status sent to the client.
    pub status: Option<u16>,
    /// `ok`, `error`, `refused` or `client_disconnected`.
    pub outcome: &'static str,
    /// Why it failed or was refused.
    pub error_kind: Option<&'static str>,
    /// The provider's own word for why the answer ended.
    pub finish_reason: Option<String>,
    /// The provider's id for the call.
    pub provider_request_id: Option<String>,
    /// Number of upstream calls.
    pub attempts: u32,
    /// `hit`, `miss` or `bypass`.
    pub cache: &'static str,
    /// From the head of the request to the last byte of the answer, in milliseconds.
    pub latency_ms: f64,
    /// From the head of the request to the first byte of content, in milliseconds; streams only.
    pub ttft_ms: Option<f64>,
    /// All input tokens.
    pub input_tokens: Option<u64>,
    /// Of these, read from a prompt cache.
    pub cache_read_tokens: Option<u64>,
    /// Of these, written to a prompt cache.
    pub cache_write_tokens: Option<u64>,
    /// All output tokens.
    pub output_tokens: Option<u64>,
    /// Of these, reasoning.
    pub reasoning_tokens: Option<u64>,
    /// True when some tokens were counted by the gateway instead of reported by the provider.
    pub usage_estimated: bool,
    /// What it cost by our prices, in microcents (10⁻⁸ USD).
    pub cost_microcents: Option<i64>,
    /// Why the cost is unknown.
    pub cost_unknown_reason: Option<&'static str>,
    /// The price that was used.
    pub price_version: Option<String>,
    /// What the provider itself said it cost, in microcents.
    pub provider_cost_microcents: Option<i64>,
    /// What the response cache saved, in microcents.
    pub saved_microcents: Option<i64>,
    /// Number of sanitizer findings.
    pub findings: u32,
    /// Bytes of the request's body.
    pub request_bytes: u64,
    /// Bytes of the answer's body.
    pub response_bytes: u64,
    /// What the sanitizer saw and did, without what matched; in the detail only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding_rows: Option<Vec<FindingView>>,
    /// One row per upstream call; in the detail only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt_rows: Option<Vec<AttemptView>>,
    /// Whether it was kept how the request was routed; in the detail only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routed: Option<bool>,
}

/// The matches of one sanitizer rule at one place.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FindingView {
    /// `request` or `response`.
    pub direction: &'static str,
    /// The rule's id, or the name of an own pattern.
    pub rule: String,
    /// What was found, as it stands in `[REDACTED|KIND]`.
    pub kind: String,
    /// `credentials`, `pii` or `custom`.
    pub category: &'static str,
    /// Which text, as a path into the body: `messages[2].content`.
    pub place: String,
    /// What was done: `log`, `redact`, `mask` or `block`.
    pub action: &'static str,
    /// Number of matches.
    pub count: u32,
}

/// One upstream call.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AttemptView {
    /// Provider id.
    pub provider: String,
    /// The model that was asked of it.
    pub model: Option<String>,
    /// The API that was spoken.
    pub provider_api: &'static str,
    /// When the call began.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// How long it took, in milliseconds.
    pub latency_ms: f64,
    /// Time to the first byte of its body, in milliseconds.
    pub ttft_ms: Option<f64>,
    /// The provider's HTTP status.
    pub status: Option<u16>,
    /// How this call ended: `ok`, `error`, `refused`, `client_disconnected`, or `cancelled`, when a call beside it answered first.
    pub outcome: &'static str,
    /// Why it failed.
    pub error_kind: Option<&'static str>,
    /// The provider's id for the call.
    pub provider_request_id: Option<String>,
    /// All input tokens.
    pub input_tokens: Option<u64>,
    /// Of these, read from a prompt cache.
    pub cache_read_tokens: Option<u64>,
    /// Of these, written to a prompt cache.
    pub cache_write_tokens: Option<u64>,
    /// All output tokens.
    pub output_tokens: Option<u64>,
    /// Of these, reasoning.
    pub reasoning_tokens: Option<u64>,
    /// True when some tokens were counted by the gateway.
    pub usage_estimated: bool,
    /// What this call cost by our prices, in microcents.
    pub cost_microcents: Option<i64>,
}

impl RecordView {
    /// A list row.
    pub fn row(stored: &StoredRecord) -> Self {
        Self::new(&stored.record, stored.attempts, stored.findings)
    }

    /// The detail, with attempt and finding rows.
    pub fn detail(stored: &StoredRecord) -> Self {
        let attempt_rows = Some(stored.record.attempts.iter().map(AttemptView::new).collect());
        let finding_rows = Some(stored.record.findings.iter().map(FindingView::from).collect());
        Self { attempt_rows, finding_rows, ..Self::row(stored) }
    }

    /// A record that has just been committed, as a list row.
    pub fn live(live: &LiveRecord) -> Self {
        let attempts = u32::try_from(live.record.attempts.len()).unwrap_or(u32::MAX);
        Self::new(&live.record, attempts, live.record.finding_count())
    }

    fn new(record: &Record, attempts: u32, findings: u32) -> Self {
        let text = |value: &Option<std::sync::Arc<str>>| value.as_deref().map(str::to_owned);
        Self {
            id: record.id,
            started_at: record.started_at,
            project: text(&record.project),
            source: text(&record.source),
            team: text(&record.team),
            key_id: text(&record.key_id),
            key_label: text(&record.key_label),
            profile: text(&record.profile),
            session_id: text(&record.session_id),
            tags: record.tags.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
            client_api: record.client_api.as_str(),
            endpoint: record.endpoint.as_str(),
            model_requested: text(&record.model_requested),
            provider: text(&record.provider),
            model: text(&record.model),
            provider_api: record.provider_api.map(crate::domain::Api::as_str),
            stream: record.stream,
            status: record.status,
            outcome: record.outcome.as_str(),
            error_kind: record.error_kind.map(crate::domain::ErrorKind::as_str),
            finish_reason: text(&record.finish_reason),
            provider_request_id: text(&record.provider_request_id),
            attempts,
            cache: record.cache.as_str(),
            latency_ms: milliseconds(record.latency_us),
            ttft_ms: record.ttft_us.map(milliseconds),
            input_tokens: record.usage.input_tokens(),
            cache_read_tokens: record.usage.cache_read_tokens(),
            cache_write_tokens: record.usage.cache_write_tokens(),
            output_tokens: record.usage.output_tokens(),
            reasoning_tokens: record.usage.reasoning,
            usage_estimated: record.usage.estimated,
            cost_microcents: record.cost.map(|cost| cost.0),
            cost_unknown_reason: record.cost_unknown_reason,
            price_version: text(&record.price_version),
            provider_cost_microcents: record.provider_cost.map(|cost| cost.0),
            saved_microcents: record.saved.map(|saved| saved.0),
            findings,
            request_bytes: record.request_bytes,
            response_bytes: record.response_bytes,
            finding_rows: None,
            attempt_rows: None,
            routed: None,
        }
    }
}

impl From<&Finding> for FindingView {
    fn from(found: &Finding) -> Self {
        Self {
            direction: found.direction.as_str(),
            rule: found.rule.to_string(),
            kind: found.kind.to_string(),
            category: found.category.as_str(),
            place: found.place.to_string(),
            action: found.action.as_str(),
            count: found.count,
        }
    }
}

impl AttemptView {
    fn new(attempt: &Attempt) -> Self {
        Self {
            provider: attempt.provider.to_string(),
            model: attempt.model.as_deref().map(str::to_owned),
            provider_api: attempt.provider_api.as_str(),
            started_at: attempt.started_at,
            latency_ms: milliseconds(attempt.latency_us),
            ttft_ms: attempt.ttft_us.map(milliseconds),
            status: attempt.status,
            outcome: attempt.outcome.as_str(),
            error_kind: attempt.error_kind.map(crate::domain::ErrorKind::as_str),
            provider_request_id: attempt.provider_request_id.as_deref().map(str::to_owned),
            input_tokens: attempt.usage.input_tokens(),
            cache_read_tokens: attempt.usage.cache_read_tokens(),
            cache_write_tokens: attempt.usage.cache_write_tokens(),
            output_tokens: attempt.usage.output_tokens(),
            reasoning_tokens: attempt.usage.reasoning,
            usage_estimated: attempt.usage.estimated,
            cost_microcents: attempt.cost.map(|cost| cost.0),
        }
    }
}

/// Microseconds as milliseconds, exact to the microsecond.
#[allow(clippy::cast_precision_loss, reason = "durations are far below 2^53 microseconds")]
pub(super) fn milliseconds(duration_us: u64) -> f64 {
    duration_us as f64 / 1_000.0
}
