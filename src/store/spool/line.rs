//! A record as one line of the spool: a JSON object.
//!
//! A line that was torn off is no JSON object any more, so nothing half-written is ever taken for a record.

use std::{borrow::Cow, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        Action, Api, Attempt, BudgetMark, CacheState, Category, Direction, Endpoint, ErrorKind, Finding, Microcents,
        Outcome, Record, RecordId, Timestamp, Usage,
    },
    store::rows::known_reason,
};

type Text = Option<Arc<str>>;
type Name = Cow<'static, str>;

#[derive(Serialize, Deserialize)]
struct Line {
    id: RecordId,
    started_at_us: i64,
    /// Project, source, team, key id, key label, profile, session, model asked for, provider, model,
    /// finish reason, the provider's id, price version.
    texts: [Text; 13],
    tags: Vec<(Arc<str>, Arc<str>)>,
    client_api: Name,
    endpoint: Name,
    provider_api: Option<Name>,
    stream: bool,
    status: Option<u16>,
    outcome: Name,
    error_kind: Option<Name>,
    cache: Name,
    latency_us: u64,
    ttft_us: Option<u64>,
    usage: Usage,
    cost: Option<Microcents>,
    cost_unknown_reason: Option<Name>,
    provider_cost: Option<Microcents>,
    saved: Option<Microcents>,
    /// Lines of before there were findings have none.
    #[serde(default)]
    finding_rows: Vec<FindingLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    budget_marks: Vec<BudgetMark>,
    request_bytes: u64,
    response_bytes: u64,
    attempts: Vec<AttemptLine>,
    /// The routing trace in base 64; lines of before there were traces have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    route: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct AttemptLine {
    provider: Arc<str>,
    model: Text,
    provider_api: Name,
    started_at_us: i64,
    latency_us: u64,
    ttft_us: Option<u64>,
    status: Option<u16>,
    outcome: Name,
    error_kind: Option<Name>,
    provider_request_id: Text,
    usage: Usage,
    cost: Option<Microcents>,
}

#[derive(Serialize, Deserialize)]
struct FindingLine {
    direction: Name,
    rule: Arc<str>,
    kind: Arc<str>,
    category: Name,
    place: Arc<str>,
    action: Name,
    count: u32,
}

/// The record's line, its end included.
pub(super) fn write(record: &Record) -> Vec<u8> {
    let mut line = Vec::with_capacity(1_536);
    // Numbers, texts and lists of them have no way to fail.
    let _ = serde_json::to_writer(&mut line, &Line::of(record));
    line.push(b'\n');
    line
}

/// Reads a line back; `None` for what [`write`] did not finish.
pub(super) fn read(line: &[u8]) -> Option<Record> {
    serde_json::from_slice::<Line>(line).ok()?.into_record()
}

impl Line {
    fn of(record: &Record) -> Self {
        Self {
            id: record.id,
            started_at_us: record.started_at.unix_us,
            texts: [
                &record.project,
                &record.source,
                &record.team,
                &record.key_id,
                &record.key_label,
                &record.profile,
                &record.session_id,
                &record.model_requested,
                &record.provider,
                &record.model,
                &record.finish_reason,
                &record.provider_request_id,
                &record.price_version,
            ]
            .map(Clone::clone),
            tags: record.tags.clone(),
            client_api: record.client_api.as_str().into(),
            endpoint: record.endpoint.as_str().into(),
            provider_api: record.provider_api.map(|api| api.as_str().into()),
            stream: record.stream,
            status: record.status,
            outcome: record.outcome.as_str().into(),
            error_kind: record.error_kind.map(|kind| kind.as_str().into()),
            cache: record.cache.as_str().into(),
            latency_us: record.latency_us,
            ttft_us: record.ttft_us,
            usage: record.usage,
            cost: record.cost,
            cost_unknown_reason: record.cost_unknown_reason.map(Into::into),
            provider_cost: record.provider_cost,
            saved: record.saved,
            finding_rows: record.findings.iter().map(FindingLine::of).collect(),
            budget_marks: record.budget_marks.clone(),
            request_bytes: record.request_bytes,
            response_bytes: record.response_bytes,
            attempts: record.attempts.iter().map(AttemptLine::of).collect(),
            route: record.route.as_deref().map(|trace| STANDARD_NO_PAD.encode(trace)),
        }
    }

    fn into_record(self) -> Option<Record> {
        let [
            project,
            source,
            team,
            key_id,
            key_label,
            profile,
            session_id,
            model_requested,
            provider,
            model,
            rest @ ..,
        ] = self.texts;
        let [finish_reason, provider_request_id, price_version] = rest;
        Some(Record {
            id: self.id,
            started_at: Timestamp { unix_us: self.started_at_us },
            project,
            source,
            team,
            key_id,
            key_label,
            profile,
            session_id,
            tags: self.tags,
            client_api: Api::parse(&self.client_api)?,
            endpoint: Endpoint::parse(&self.endpoint)?,
            model_requested,
            provider,
            model,
            provider_api: maybe(self.provider_api, Api::parse).ok()?,
            stream: self.stream,
            status: self.status,
            outcome: Outcome::parse(&self.outcome)?,
            error_kind: maybe(self.error_kind, ErrorKind::parse).ok()?,
            finish_reason,
            provider_request_id,
            cache: CacheState::parse(&self.cache)?,
            latency_us: self.latency_us,
            ttft_us: self.ttft_us,
            usage: self.usage,
            cost: self.cost,
            cost_unknown_reason: self.cost_unknown_reason.as_deref().map(known_reason),
            price_version,
            provider_cost: self.provider_cost,
            saved: self.saved,
            findings: self.finding_rows.into_iter().map(FindingLine::into_finding).collect::<Option<_>>()?,
            budget_marks: self.budget_marks,
            request_bytes: self.request_bytes,
            response_bytes: self.response_bytes,
            attempts: self.attempts.into_iter().map(AttemptLine::into_attempt).collect::<Option<_>>()?,
            // A record is worth more than how it was routed.
            route: self.route.and_then(|text| STANDARD_NO_PAD.decode(text).ok()).map(Into::into),
        })
    }
}

impl AttemptLine {
    fn of(attempt: &Attempt) -> Self {
        Self {
            provider: Arc::clone(&attempt.provider),
            model: attempt.model.clone(),
            provider_api: attempt.provider_api.as_str().into(),
            started_at_us: attempt.started_at.unix_us,
            latency_us: attempt.latency_us,
            ttft_us: attempt.ttft_us,
            status: attempt.status,
            outcome: attempt.outcome.as_str().into(),
            error_kind: attempt.error_kind.map(|kind| kind.as_str().into()),
            provider_request_id: attempt.provider_request_id.clone(),
            usage: attempt.usage,
            cost: attempt.cost,
        }
    }

    fn into_attempt(self) -> Option<Attempt> {
        Some(Attempt {
            provider: self.provider,
            model: self.model,
            provider_api: Api::parse(&self.provider_api)?,
            started_at: Timestamp { unix_us: self.started_at_us },
            latency_us: self.latency_us,
            ttft_us: self.ttft_us,
            status: self.status,
            outcome: Outcome::parse(&self.outcome)?,
            error_kind: maybe(self.error_kind, ErrorKind::parse).ok()?,
            provider_request_id: self.provider_request_id,
            usage: self.usage,
            cost: self.cost,
        })
    }
}

impl FindingLine {
    fn of(found: &Finding) -> Self {
        Self {
            direction: found.direction.as_str().into(),
            rule: Arc::clone(&found.rule),
            kind: Arc::clone(&found.kind),
            category: found.category.as_str().into(),
            place: Arc::clone(&found.place),
            action: found.action.as_str().into(),
            count: found.count,
        }
    }

    fn into_finding(self) -> Option<Finding> {
        Some(Finding {
            direction: Direction::parse(&self.direction)?,
            rule: self.rule,
            kind: self.kind,
            category: Category::parse(&self.category)?,
            place: self.place,
            action: Action::parse(&self.action)?,
            count: self.count,
        })
    }
}

/// A name that this version does not know.
struct Unknown;

/// A name that may be missing, but not unknown.
fn maybe<T>(name: Option<Name>, parse: fn(&str) -> Option<T>) -> Result<Option<T>, Unknown> {
    name.map(|name| parse(&name).ok_or(Unknown)).transpose()
}
