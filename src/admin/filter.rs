//! The filters of records and sums, by the names of the record's fields.
//!
//! One place turns words of the API into the store's types, and tests a live record against them.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, de::Error as _};
use utoipa::IntoParams;

use crate::{
    domain::{Api, CacheState, Endpoint, ErrorKind, Outcome, Record, Timestamp},
    store::{Dimension, RecordFilter, StatsFilter},
};

/// Most values that one question excludes.
const MOST_EXCLUDED: usize = 50;

/// Which records; what is left out lets all pass.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RecordParams {
    /// Project; empty for requests without one, as in all filters by name.
    project: Option<String>,
    /// Requester (`x-source`).
    source: Option<String>,
    /// Team of the key.
    team: Option<String>,
    /// Id of the virtual key.
    key_id: Option<String>,
    /// Routing profile.
    profile: Option<String>,
    /// `x-session-id`.
    session_id: Option<String>,
    /// Provider id.
    provider: Option<String>,
    /// Model that answered.
    model: Option<String>,
    /// Model as the client named it.
    model_requested: Option<String>,
    /// The API that the client spoke, such as `openai_chat`.
    #[serde(default, deserialize_with = "api")]
    #[param(value_type = Option<String>)]
    client_api: Option<Api>,
    /// The API that the provider spoke.
    #[serde(default, deserialize_with = "api")]
    #[param(value_type = Option<String>)]
    provider_api: Option<Api>,
    /// The endpoint that was called, such as `chat_completions`.
    #[serde(default, deserialize_with = "endpoint")]
    #[param(value_type = Option<String>)]
    endpoint: Option<Endpoint>,
    /// `ok`, `error`, `refused` or `client_disconnected`.
    #[serde(default, deserialize_with = "outcome")]
    #[param(value_type = Option<String>)]
    outcome: Option<Outcome>,
    /// Why it failed or was refused.
    #[serde(default, deserialize_with = "error_kind")]
    #[param(value_type = Option<String>)]
    error_kind: Option<ErrorKind>,
    /// The HTTP status sent to the client.
    status: Option<u16>,
    /// Whether a stream was asked for.
    stream: Option<bool>,
    /// `hit`, `miss` or `bypass`.
    #[serde(default, deserialize_with = "cache")]
    #[param(value_type = Option<String>)]
    cache: Option<CacheState>,
    /// Whether the sanitizer found anything.
    findings: Option<bool>,
    /// A kind that the sanitizer found, such as `EMAIL`.
    finding_kind: Option<String>,
    /// Tags that must all be there: `k=v,k2=v2`.
    #[serde(default, deserialize_with = "tags")]
    #[param(value_type = Option<String>)]
    tags: Vec<(String, String)>,
    /// What must not be, written as a query string within this parameter, so each name and value encoded twice:
    /// `project=test&outcome=ok`; an empty value is "not set".
    #[serde(default, deserialize_with = "excluded")]
    #[param(value_type = Option<String>, example = "project=test&outcome=ok")]
    exclude: Vec<(Dimension, String)>,
    /// Started at this moment or later (RFC 3339).
    #[serde(default, deserialize_with = "time")]
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Started before this moment (RFC 3339).
    #[serde(default, deserialize_with = "time")]
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

impl From<RecordParams> for RecordFilter {
    fn from(params: RecordParams) -> Self {
        Self {
            project: params.project,
            source: params.source,
            team: params.team,
            key_id: params.key_id,
            profile: params.profile,
            session_id: params.session_id,
            provider: params.provider,
            model: params.model,
            model_requested: params.model_requested,
            client_api: params.client_api,
            provider_api: params.provider_api,
            endpoint: params.endpoint,
            outcome: params.outcome,
            error_kind: params.error_kind,
            status: params.status,
            stream: params.stream,
            cache: params.cache,
            findings: params.findings,
            finding_kind: params.finding_kind,
            tags: params.tags,
            exclude: params.exclude,
            from: params.from,
            to: params.to,
        }
    }
}

/// Which sums; what is left out lets all pass.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct StatsParams {
    /// Project; empty for requests without one, as in all filters by name.
    project: Option<String>,
    /// Requester (`x-source`).
    source: Option<String>,
    /// Team of the key.
    team: Option<String>,
    /// Id of the virtual key.
    key_id: Option<String>,
    /// Routing profile.
    profile: Option<String>,
    /// Provider id.
    provider: Option<String>,
    /// Model that answered.
    model: Option<String>,
    /// The API that the client spoke, such as `openai_chat`.
    #[serde(default, deserialize_with = "api")]
    #[param(value_type = Option<String>)]
    client_api: Option<Api>,
    /// The endpoint that was called, such as `chat_completions`.
    #[serde(default, deserialize_with = "endpoint")]
    #[param(value_type = Option<String>)]
    endpoint: Option<Endpoint>,
    /// `ok`, `error`, `refused` or `client_disconnected`.
    #[serde(default, deserialize_with = "outcome")]
    #[param(value_type = Option<String>)]
    outcome: Option<Outcome>,
    /// Why it failed or was refused.
    #[serde(default, deserialize_with = "error_kind")]
    #[param(value_type = Option<String>)]
    error_kind: Option<ErrorKind>,
    /// Whether a stream was asked for.
    stream: Option<bool>,
    /// `hit`, `miss` or `bypass`.
    #[serde(default, deserialize_with = "cache")]
    #[param(value_type = Option<String>)]
    cache: Option<CacheState>,
    /// What must not be, written as a query string within this parameter, so each name and value encoded twice:
    /// `project=test&outcome=ok`; an empty value is "not set".
    #[serde(default, deserialize_with = "excluded")]
    #[param(value_type = Option<String>, example = "project=test&outcome=ok")]
    exclude: Vec<(Dimension, String)>,
    /// From this moment (RFC 3339), at the quarter hour it lies in.
    #[serde(default, deserialize_with = "time")]
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// To this moment (RFC 3339), with the whole quarter hour it lies in.
    #[serde(default, deserialize_with = "time")]
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

impl From<StatsParams> for StatsFilter {
    fn from(params: StatsParams) -> Self {
        Self {
            project: params.project,
            source: params.source,
            team: params.team,
            key_id: params.key_id,
            profile: params.profile,
            provider: params.provider,
            model: params.model,
            client_api: params.client_api,
            endpoint: params.endpoint,
            outcome: params.outcome,
            error_kind: params.error_kind,
            stream: params.stream,
            cache: params.cache,
            exclude: params.exclude,
            from: params.from,
            to: params.to,
        }
    }
}

/// Whether a record that was just committed passes the filter, by the rules of the store's lists.
pub(super) fn passes(filter: &RecordFilter, record: &Record) -> bool {
    fn same<T: PartialEq>(wanted: Option<&T>, found: &T) -> bool {
        wanted.is_none_or(|wanted| wanted == found)
    }
    let text = |wanted: &Option<String>, found: &Option<std::sync::Arc<str>>| {
        wanted.as_deref().is_none_or(|wanted| wanted == found.as_deref().unwrap_or_default())
    };
    let has_tag = |(key, value): &(String, String)| record.tags.iter().any(|(k, v)| **k == **key && **v == **value);
    text(&filter.project, &record.project)
        && text(&filter.source, &record.source)
        && text(&filter.team, &record.team)
        && text(&filter.key_id, &record.key_id)
        && text(&filter.profile, &record.profile)
        && text(&filter.session_id, &record.session_id)
        && text(&filter.provider, &record.provider)
        && text(&filter.model, &record.model)
        && text(&filter.model_requested, &record.model_requested)
        && same(filter.client_api.as_ref(), &record.client_api)
        && same(filter.endpoint.as_ref(), &record.endpoint)
        && same(filter.outcome.as_ref(), &record.outcome)
        && same(filter.stream.as_ref(), &record.stream)
        && same(filter.findings.as_ref(), &!record.findings.is_empty())
        && filter.finding_kind.as_ref().is_none_or(|kind| record.findings.iter().any(|found| *found.kind == **kind))
        && same(filter.cache.as_ref(), &record.cache)
        && filter.provider_api.is_none_or(|wanted| record.provider_api == Some(wanted))
        && filter.error_kind.is_none_or(|wanted| record.error_kind == Some(wanted))
        && filter.status.is_none_or(|wanted| record.status == Some(wanted))
        && filter.tags.iter().all(has_tag)
        && filter.exclude.iter().all(|(dimension, value)| value_of(record, *dimension) != value)
        && filter.from.is_none_or(|from| record.started_at >= from)
        && filter.to.is_none_or(|to| record.started_at < to)
}

/// What a record is summed under; "" where it is not set.
fn value_of(record: &Record, dimension: Dimension) -> &str {
    fn text(value: &Option<std::sync::Arc<str>>) -> &str {
        value.as_deref().unwrap_or_default()
    }
    match dimension {
        Dimension::Project => text(&record.project),
        Dimension::Source => text(&record.source),
        Dimension::Team => text(&record.team),
        Dimension::Key => text(&record.key_id),
        Dimension::Profile => text(&record.profile),
        Dimension::Provider => text(&record.provider),
        Dimension::Model => text(&record.model),
        Dimension::ClientApi => record.client_api.as_str(),
        Dimension::Endpoint => record.endpoint.as_str(),
        Dimension::Outcome => record.outcome.as_str(),
        Dimension::ErrorKind => record.error_kind.map_or("", ErrorKind::as_str),
        Dimension::Stream => {
            if record.stream {
                "true"
            } else {
                "false"
            }
        }
        Dimension::Cache => record.cache.as_str(),
    }
}

fn one_of<'de, D, T>(reader: D, parse: fn(&str) -> Option<T>, names: &[&str]) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
{
    let text = String::deserialize(reader)?;
    parse(&text).map(Some).ok_or_else(|| D::Error::custom(format!("expected one of {}", names.join(", "))))
}

fn api<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Api>, D::Error> {
    one_of(reader, Api::parse, &Api::ALL.map(Api::as_str))
}

fn endpoint<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Endpoint>, D::Error> {
    one_of(reader, Endpoint::parse, &Endpoint::ALL.map(Endpoint::as_str))
}

fn outcome<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Outcome>, D::Error> {
    // Calls alone are cancelled.
    let of_requests = |text: &str| Outcome::parse(text).filter(|outcome| *outcome != Outcome::Cancelled);
    one_of(reader, of_requests, &["ok", "error", "refused", "client_disconnected"])
}

fn error_kind<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<ErrorKind>, D::Error> {
    one_of(reader, ErrorKind::parse, &ErrorKind::ALL.map(ErrorKind::as_str))
}

fn cache<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<CacheState>, D::Error> {
    one_of(reader, CacheState::parse, &["bypass", "hit", "miss"])
}

pub(super) fn time<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Timestamp>, D::Error> {
    let text = String::deserialize(reader)?;
    let fault = || D::Error::custom("expected an RFC 3339 time such as 2026-11-18T14:30:00Z");
    Timestamp::parse(&text).map(Some).ok_or_else(fault)
}

fn excluded<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<(Dimension, String)>, D::Error> {
    let text = String::deserialize(reader)?;
    let read = |(name, value): (Cow<'_, str>, Cow<'_, str>)| {
        let dimension = Dimension::parse(&name).ok_or_else(|| {
            let names = Dimension::ALL.map(Dimension::as_str).join(", ");
            D::Error::custom(format!("`{name}` cannot be excluded; what can: {names}"))
        })?;
        Ok((dimension, value.into_owned()))
    };
    let excluded = url::form_urlencoded::parse(text.as_bytes()).map(read).collect::<Result<Vec<_>, D::Error>>()?;
    if excluded.len() > MOST_EXCLUDED {
        return Err(D::Error::custom(format!("at most {MOST_EXCLUDED} values can be excluded")));
    }
    Ok(excluded)
}

fn tags<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<(String, String)>, D::Error> {
    let text = String::deserialize(reader)?;
    let pair = |part: &str| part.trim().split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
    text.split(',').map(pair).collect::<Option<_>>().ok_or_else(|| D::Error::custom("expected k=v,k2=v2"))
}
