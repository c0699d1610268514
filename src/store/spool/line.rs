//! A record as one line of the spool: a JSON list, in the order of [`Line`]'s fields. Objects, as earlier versions
//! wrote them, are read as well; a new field goes to the end and has a default.
//!
//! A line that was torn off is no JSON any more, so nothing half-written is ever taken for a record.

use std::{borrow::Cow, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeSeq as _};

use crate::{
    domain::{
        Action, Api, Attempt, BudgetMark, CacheState, Category, Direction, Endpoint, ErrorKind, Finding, Microcents,
        Outcome, Record, RecordId, Timestamp, Usage,
    },
    store::rows::known_reason,
};

type Text = Option<Arc<str>>;
type Name = Cow<'static, str>;

#[derive(Deserialize)]
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
    #[serde(default)]
    budget_marks: Vec<BudgetMark>,
    #[serde(default)]
    plugin_failures: Vec<Arc<str>>,
    request_bytes: u64,
    response_bytes: u64,
    attempts: Vec<AttemptLine>,
    /// The routing trace in base 64; lines of before there were traces have none.
    #[serde(default)]
    route: Option<String>,
}

#[derive(Deserialize)]
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

#[derive(Deserialize)]
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
    let mut line = Vec::with_capacity(1_024);
    // Numbers, texts and lists of them have no way to fail.
    let _ = serde_json::to_writer(&mut line, &Written(record));
    line.push(b'\n');
    line
}

/// Reads a line back; `None` for what [`write`] did not finish.
pub(super) fn read(line: &[u8]) -> Option<Record> {
    serde_json::from_slice::<Line>(line).ok()?.into_record()
}

/// Something as a list of its fields: their names would be the larger part of a line.
struct Written<'r, T>(&'r T);

/// Several of them.
struct Each<'r, T>(&'r [T]);

macro_rules! as_list {
    ($type:ty, |$it:ident| $($field:expr),+ $(,)?) => {
        impl Serialize for Written<'_, $type> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let $it = self.0;
                let mut list = serializer.serialize_seq(None)?;
                $(list.serialize_element(&$field)?;)+
                list.end()
            }
        }
    };
}

impl<'r, T> Serialize for Each<'r, T>
where
    Written<'r, T>: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Written))
    }
}

as_list!(
    Record,
    |it| it.id,
    it.started_at.unix_us,
    [
        &it.project,
        &it.source,
        &it.team,
        &it.key_id,
        &it.key_label,
        &it.profile,
        &it.session_id,
        &it.model_requested,
        &it.provider,
        &it.model,
        &it.finish_reason,
        &it.provider_request_id,
        &it.price_version,
    ],
    it.tags,
    it.client_api.as_str(),
    it.endpoint.as_str(),
    it.provider_api.map(Api::as_str),
    it.stream,
    it.status,
    it.outcome.as_str(),
    it.error_kind.map(ErrorKind::as_str),
    it.cache.as_str(),
    it.latency_us,
    it.ttft_us,
    Written(&it.usage),
    it.cost,
    it.cost_unknown_reason,
    it.provider_cost,
    it.saved,
    Each(&it.findings),
    it.budget_marks,
    it.plugin_failures,
    it.request_bytes,
    it.response_bytes,
    Each(&it.attempts),
    it.route.as_deref().map(|trace| STANDARD_NO_PAD.encode(trace)),
);

as_list!(
    Attempt,
    |it| it.provider,
    it.model,
    it.provider_api.as_str(),
    it.started_at.unix_us,
    it.latency_us,
    it.ttft_us,
    it.status,
    it.outcome.as_str(),
    it.error_kind.map(ErrorKind::as_str),
    it.provider_request_id,
    Written(&it.usage),
    it.cost,
);

as_list!(
    Finding,
    |it| it.direction.as_str(),
    it.rule,
    it.kind,
    it.category.as_str(),
    it.place,
    it.action.as_str(),
    it.count,
);

as_list!(
    Usage,
    |it| it.input,
    it.cache_read,
    it.cache_write_5m,
    it.cache_write_1h,
    it.input_audio,
    it.cache_read_audio,
    it.input_image,
    it.output,
    it.reasoning,
    it.output_audio,
    it.output_image,
    it.estimated,
);

impl Line {
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
            plugin_failures: self.plugin_failures,
            request_bytes: self.request_bytes,
            response_bytes: self.response_bytes,
            attempts: self.attempts.into_iter().map(AttemptLine::into_attempt).collect::<Option<_>>()?,
            // A record is worth more than how it was routed.
            route: self.route.and_then(|text| STANDARD_NO_PAD.decode(text).ok()).map(Into::into),
        })
    }
}

impl AttemptLine {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_earlier_versions_which_were_objects_are_read() {
        let id = RecordId::new();
        let usage = serde_json::to_value(Usage { input: Some(3), ..Usage::default() }).unwrap();
        let line = serde_json::json!({
            "id": id, "started_at_us": 11, "texts": vec![Some("t"); 13], "tags": [["k", "v"]], "client_api": "anthropic",
            "endpoint": "messages", "provider_api": "anthropic", "stream": true, "status": 200, "outcome": "ok",
            "error_kind": null, "cache": "bypass", "latency_us": 5, "ttft_us": 4, "usage": usage, "cost": 7,
            "cost_unknown_reason": null, "provider_cost": null, "saved": null, "request_bytes": 1, "response_bytes": 2,
            "attempts": [{
                "provider": "p", "model": null, "provider_api": "anthropic", "started_at_us": 12, "latency_us": 4,
                "ttft_us": null, "status": 200, "outcome": "ok", "error_kind": null, "provider_request_id": null,
                "usage": usage, "cost": null,
            }],
        });
        let old = read(line.to_string().as_bytes()).unwrap();
        assert_eq!((old.id, old.cost, old.usage.input, old.attempts.len()), (id, Some(Microcents(7)), Some(3), 1));
        let now = write(&old);
        assert!(now.starts_with(b"[") && now.ends_with(b"]\n"));
        assert_eq!(format!("{:?}", read(&now)), format!("{:?}", Some(old)));
        for end in 0..now.len() - 1 {
            assert!(read(&now[..end]).is_none(), "torn at {end}");
        }
    }
}
