//! How a list of records is walked: along one index, newest first, so that no filter reads the whole table.
//!
//! Every value is bound, every name in the SQL is a constant.

use sqlx::{QueryBuilder, Sqlite};

use super::{Cursor, RecordFilter, records::SELECT};
use crate::domain::{Api, CacheState, Endpoint, ErrorKind, Outcome};

/// Newest records that are looked through before rare values are looked for by themselves.
const WINDOW: i64 = 4_096;

/// What a list is walked along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walk {
    /// `records_started_at`
    Time,
    /// `records_session_id`
    Session,
    /// `record_tags`, by the first tag.
    Tag,
    /// `finding_kinds`
    FindingKind,
    /// `records_findings`
    Findings,
    /// `records_model_requested`
    ModelRequested,
    /// `records_started_at` for a while, then `records_dimension`.
    Dimensions,
}

impl Walk {
    /// The walk with the fewest steps: names that many share come last.
    pub(super) fn of(filter: &RecordFilter) -> Self {
        if filter.finding_kind.is_some() {
            return Self::FindingKind;
        }
        let names = |value: &Option<String>| value.as_ref().map(|value| !value.is_empty());
        match (names(&filter.session_id), filter.tags.is_empty(), names(&filter.model_requested)) {
            (Some(true), ..) => Self::Session,
            (_, false, _) => Self::Tag,
            (.., Some(_)) => Self::ModelRequested,
            (Some(false), ..) => Self::Session,
            _ if filter.findings == Some(true) => Self::Findings,
            // Most records have none, so the next ones that fit are near.
            _ if filter.findings == Some(false) => Self::Time,
            _ if has_dimensions(filter) => Self::Dimensions,
            _ => Self::Time,
        }
    }

    /// The queries to try until one gives `limit` rows of [`SELECT`]; what the last one gives is all there is.
    pub(super) fn queries(
        self,
        filter: &RecordFilter,
        after: Option<Cursor>,
        limit: i64,
    ) -> impl Iterator<Item = QueryBuilder<Sqlite>> {
        let filter = filter.clone();
        let steps: &'static [Step] = match self {
            Self::Dimensions => &[newest_window, rarest_first],
            Self::FindingKind => &[by_finding_kind],
            Self::Findings => &[by_findings],
            Self::Tag => &[by_tag],
            Self::Session => &[by_session],
            Self::ModelRequested => &[by_model_requested],
            Self::Time => &[by_time],
        };
        steps.iter().map(move |step| step(&filter, after, limit))
    }
}

type Step = fn(&RecordFilter, Option<Cursor>, i64) -> QueryBuilder<Sqlite>;

const NEWEST_FIRST: &str = " ORDER BY records.started_at DESC, records.seq DESC LIMIT ";

fn by_time(filter: &RecordFilter, after: Option<Cursor>, limit: i64) -> QueryBuilder<Sqlite> {
    along("records_started_at", filter, after, limit)
}

fn by_findings(filter: &RecordFilter, after: Option<Cursor>, limit: i64) -> QueryBuilder<Sqlite> {
    along("records_findings", filter, after, limit)
}

fn by_session(filter: &RecordFilter, after: Option<Cursor>, limit: i64) -> QueryBuilder<Sqlite> {
    along("records_session_id", filter, after, limit)
}

fn by_model_requested(filter: &RecordFilter, after: Option<Cursor>, limit: i64) -> QueryBuilder<Sqlite> {
    along("records_model_requested", filter, after, limit)
}

/// Along one index of `records`. All of them hold the dimension, so only records that fit are fetched.
fn along(index: &'static str, filter: &RecordFilter, after: Option<Cursor>, limit: i64) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(SELECT.as_str());
    query.push(" INDEXED BY ").push(index).push(" WHERE true");
    push_text(&mut query, "records.session_id", filter.session_id.as_deref());
    push_text(&mut query, "records.model_requested", filter.model_requested.as_deref());
    push_time(&mut query, "records", filter, after);
    push_in_dimensions(&mut query, "records", filter);
    push_tags(&mut query, "records", &filter.tags);
    push_findings(&mut query, filter);
    query.push(NEWEST_FIRST).push_bind(limit);
    query
}

fn by_tag(filter: &RecordFilter, after: Option<Cursor>, limit: i64) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(SELECT.replace("FROM records", "FROM record_tags AS tag CROSS JOIN records"));
    query.push(" WHERE records.seq = tag.seq");
    let (first, others) = filter.tags.split_first().map_or((None, &[][..]), |(first, others)| (Some(first), others));
    if let Some((key, value)) = first {
        query.push(" AND tag.key = ").push_bind(key.clone()).push(" AND tag.value = ").push_bind(value.clone());
    }
    push_time(&mut query, "tag", filter, after);
    push_in_dimensions(&mut query, "tag", filter);
    push_tags(&mut query, "tag", others);
    push_findings(&mut query, filter);
    push_text(&mut query, "records.session_id", filter.session_id.as_deref());
    push_text(&mut query, "records.model_requested", filter.model_requested.as_deref());
    query.push(" ORDER BY tag.started_at DESC, tag.seq DESC LIMIT ").push_bind(limit);
    query
}

fn by_finding_kind(filter: &RecordFilter, after: Option<Cursor>, limit: i64) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(SELECT.replace("FROM records", "FROM finding_kinds AS found CROSS JOIN records"));
    query.push(" WHERE records.seq = found.seq");
    push_text(&mut query, "found.kind", filter.finding_kind.as_deref());
    push_time(&mut query, "found", filter, after);
    push_in_dimensions(&mut query, "found", filter);
    push_tags(&mut query, "found", &filter.tags);
    push_findings(&mut query, filter);
    push_text(&mut query, "records.session_id", filter.session_id.as_deref());
    push_text(&mut query, "records.model_requested", filter.model_requested.as_deref());
    query.push(" ORDER BY found.started_at DESC, found.seq DESC LIMIT ").push_bind(limit);
    query
}

/// Looks through the newest records: finds what is frequent.
fn newest_window(filter: &RecordFilter, after: Option<Cursor>, limit: i64) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(SELECT.as_str());
    query.push(
        " WHERE records.seq IN (SELECT newest.seq FROM (
             SELECT records.seq, records.started_at, records.dimension_id
             FROM records INDEXED BY records_started_at WHERE true",
    );
    push_time(&mut query, "records", filter, after);
    query.push(NEWEST_FIRST).push_bind(WINDOW).push(") AS newest WHERE true");
    push_in_dimensions(&mut query, "newest", filter);
    query.push(" ORDER BY newest.started_at DESC, newest.seq DESC LIMIT ").push_bind(limit).push(")");
    query.push(NEWEST_FIRST).push_bind(limit);
    query
}

/// Takes the dimensions that fit, of them the ones with the newest records, and of each no more records than asked
/// for: finds what is rare or long ago, without a look at anything else.
fn rarest_first(filter: &RecordFilter, after: Option<Cursor>, limit: i64) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(
        "WITH fitting AS MATERIALIZED (SELECT d.id, (
             SELECT one.started_at FROM records AS one INDEXED BY records_dimension WHERE one.dimension_id = d.id",
    );
    push_time(&mut query, "one", filter, after);
    query.push(" ORDER BY one.started_at DESC LIMIT 1) AS newest FROM dimensions AS d WHERE true");
    push_dimensions(&mut query, filter);
    query.push("), top AS MATERIALIZED (SELECT id FROM fitting WHERE newest IS NOT NULL ORDER BY newest DESC LIMIT ");
    query.push_bind(limit).push(") ");
    query.push(SELECT.as_str()).push(
        " WHERE records.seq IN (
             SELECT one.seq FROM top CROSS JOIN records AS one INDEXED BY records_dimension
             WHERE one.dimension_id = top.id AND one.started_at >= coalesce((
                 SELECT last.started_at FROM records AS last INDEXED BY records_dimension
                 WHERE last.dimension_id = top.id",
    );
    push_time(&mut query, "last", filter, after);
    query.push(" ORDER BY last.started_at DESC LIMIT 1 OFFSET ").push_bind(limit - 1);
    query.push("), -9223372036854775808)");
    push_time(&mut query, "one", filter, after);
    query.push(" ORDER BY one.started_at DESC, one.seq DESC LIMIT ").push_bind(limit).push(")");
    query.push(NEWEST_FIRST).push_bind(limit);
    query
}

fn push_text(query: &mut QueryBuilder<Sqlite>, column: &'static str, value: Option<&str>) {
    match value {
        None => {}
        // As in the sums, "" means "not set".
        Some("") => drop(query.push(" AND ").push(column).push(" IS NULL")),
        Some(value) => drop(query.push(" AND ").push(column).push(" = ").push_bind(value.to_owned())),
    }
}

fn push_time(query: &mut QueryBuilder<Sqlite>, table: &'static str, filter: &RecordFilter, after: Option<Cursor>) {
    if let Some(from) = filter.from {
        query.push(" AND ").push(table).push(".started_at >= ").push_bind(from.unix_us);
    }
    // The tighter of the two bounds is the one that is looked up.
    let to = filter.to.map(|to| to.unix_us.saturating_sub(1));
    if let Some(last) = to.into_iter().chain(after.map(|after| after.started_at)).min() {
        query.push(" AND ").push(table).push(".started_at <= ").push_bind(last);
    }
    if let Some(Cursor { started_at, seq }) = after {
        query.push(" AND (").push(table).push(".started_at < ").push_bind(started_at);
        query.push(" OR ").push(table).push(".seq < ").push_bind(seq).push(")");
    }
}

fn push_tags(query: &mut QueryBuilder<Sqlite>, table: &'static str, tags: &[(String, String)]) {
    for (key, value) in tags {
        query.push(" AND EXISTS (SELECT 1 FROM record_tags AS other WHERE other.key = ").push_bind(key.clone());
        query.push(" AND other.value = ").push_bind(value.clone());
        query.push(" AND other.started_at = ").push(table).push(".started_at AND other.seq = ").push(table);
        query.push(".seq)");
    }
}

/// A constant condition, as that of the partial index `records_findings` is.
fn push_findings(query: &mut QueryBuilder<Sqlite>, filter: &RecordFilter) {
    match filter.findings {
        None => {}
        Some(true) => drop(query.push(" AND records.findings > 0")),
        Some(false) => drop(query.push(" AND records.findings = 0")),
    }
}

/// Says which dimensions fit, if any is asked for.
fn push_in_dimensions(query: &mut QueryBuilder<Sqlite>, table: &'static str, filter: &RecordFilter) {
    if has_dimensions(filter) {
        query.push(" AND ").push(table).push(".dimension_id IN (SELECT d.id FROM dimensions AS d WHERE true");
        push_dimensions(query, filter);
        query.push(")");
    }
}

fn has_dimensions(filter: &RecordFilter) -> bool {
    texts(filter).iter().any(|(_, value)| value.is_some())
        || names(filter).iter().any(|(_, value)| value.is_some())
        || filter.status.is_some()
        || filter.stream.is_some()
}

/// The conditions on `dimensions AS d`, where `''` is "not set".
fn push_dimensions(query: &mut QueryBuilder<Sqlite>, filter: &RecordFilter) {
    for (column, value) in texts(filter) {
        if let Some(value) = value {
            query.push(" AND ").push(column).push(" = ").push_bind(value.clone());
        }
    }
    for (column, value) in names(filter) {
        if let Some(value) = value {
            query.push(" AND ").push(column).push(" = ").push_bind(value);
        }
    }
    if let Some(status) = filter.status {
        query.push(" AND d.status = ").push_bind(status);
    }
    if let Some(stream) = filter.stream {
        query.push(" AND d.stream = ").push_bind(stream);
    }
}

fn texts(filter: &RecordFilter) -> [(&'static str, Option<&String>); 7] {
    [
        ("d.project", filter.project.as_ref()),
        ("d.source", filter.source.as_ref()),
        ("d.team", filter.team.as_ref()),
        ("d.key_id", filter.key_id.as_ref()),
        ("d.profile", filter.profile.as_ref()),
        ("d.provider", filter.provider.as_ref()),
        ("d.model", filter.model.as_ref()),
    ]
}

fn names(filter: &RecordFilter) -> [(&'static str, Option<&'static str>); 6] {
    [
        ("d.client_api", filter.client_api.map(Api::as_str)),
        ("d.provider_api", filter.provider_api.map(Api::as_str)),
        ("d.endpoint", filter.endpoint.map(Endpoint::as_str)),
        ("d.outcome", filter.outcome.map(Outcome::as_str)),
        ("d.error_kind", filter.error_kind.map(ErrorKind::as_str)),
        ("d.cache", filter.cache.map(CacheState::as_str)),
    ]
}
