//! How a list of records is walked: along one index, newest first, so that no filter reads the whole table.
//!
//! One case is left: a session, tag or asked model that many records have, together with another filter that many
//! have, but hardly any both. Then the records of one of them are looked through. So are all records where those
//! without a session are asked for (`session_id=`) and hardly any is.
//!
//! Every value is bound, every name in the SQL is a constant.

use sqlx::{QueryBuilder, Sqlite};

use super::{Cursor, Measure, RecordFilter, records::SELECT};
use crate::domain::{Api, CacheState, Endpoint, ErrorKind, Outcome};

/// Entries of a path that are looked through before what is rare is looked for by itself.
pub(super) const WINDOW: i64 = 4_096;

/// What a list is walked along, always newest first. Each holds the records' dimensions, so that only
/// records that fit are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Path {
    /// All records: `records_started_at`.
    All,
    /// Those of the session: `records_session_id`, which knows only those that have one.
    Session,
    /// Those that asked for the model: `records_model_requested`.
    ModelRequested,
    /// Those that bear this tag of the filter: `record_tags`.
    Tag(usize),
    /// Those in which the sanitizer found this kind: `finding_kinds`.
    FindingKind,
    /// Those in which it found anything: `records_findings`.
    Findings,
}

impl Path {
    const fn sql(self) -> &'static str {
        match self {
            Self::All => " FROM records AS entry INDEXED BY records_started_at WHERE true",
            Self::Session => " FROM records AS entry INDEXED BY records_session_id WHERE true",
            Self::ModelRequested => " FROM records AS entry INDEXED BY records_model_requested WHERE true",
            Self::Tag(_) => " FROM record_tags AS entry WHERE true",
            Self::FindingKind => " FROM finding_kinds AS entry WHERE true",
            // The condition of the partial index.
            Self::Findings => " FROM records AS entry INDEXED BY records_findings WHERE entry.findings > 0",
        }
    }
}

/// One page of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk<'a> {
    /// Which records.
    pub(super) filter: &'a RecordFilter,
    /// Where the page before ended.
    pub(super) after: Option<Cursor>,
    /// Most records.
    pub(super) limit: i64,
}

impl Walk<'_> {
    /// The paths that may hold fewer records than all; the shortest is to be taken.
    pub(super) fn paths(&self) -> Vec<Path> {
        // Records without a session have no entry there.
        let session = self.filter.session_id.as_ref().filter(|id| !id.is_empty()).map(|_| Path::Session);
        let tags = (0..self.filter.tags.len()).map(Path::Tag);
        let model = self.filter.model_requested.is_some().then_some(Path::ModelRequested);
        let kind = self.filter.finding_kind.is_some().then_some(Path::FindingKind);
        let findings = (self.filter.findings == Some(true)).then_some(Path::Findings);
        session.into_iter().chain(tags).chain(model).chain(kind).chain(findings).collect()
    }

    /// Counts the entries of a path, up to [`WINDOW`].
    pub(super) fn length(&self, path: Path) -> QueryBuilder<Sqlite> {
        let mut query = QueryBuilder::new("SELECT count(*) FROM (SELECT 1");
        self.push_path(&mut query, path);
        query.push(" LIMIT ").push_bind(WINDOW).push(")");
        query
    }

    /// The queries to try until one gives the whole page; what the last one gives is all there is.
    /// `length` is what [`Walk::length`] counted.
    pub(super) fn queries(self, path: Path, length: i64) -> impl Iterator<Item = QueryBuilder<Sqlite>> {
        let is_short = length < WINDOW || !has_dimensions(self.filter);
        let first = if is_short { self.along(path) } else { self.window(path) };
        std::iter::once(first).chain((!is_short).then(|| self.rarest_first()))
    }

    /// Along the whole path.
    fn along(self, path: Path) -> QueryBuilder<Sqlite> {
        let mut query = QueryBuilder::new(SELECT.as_str());
        query.push(" WHERE records.seq IN (SELECT entry.seq");
        self.push_path(&mut query, path);
        push_in_dimensions(&mut query, "entry", self.filter);
        self.push_rest(&mut query, "entry", Some(path));
        query.push(" ORDER BY entry.started_at DESC, entry.seq DESC LIMIT ").push_bind(self.limit).push(")");
        self.finish(query)
    }

    /// Along the path for a while: finds what is frequent.
    fn window(self, path: Path) -> QueryBuilder<Sqlite> {
        let mut query = QueryBuilder::new(SELECT.as_str());
        query.push(
            " WHERE records.seq IN (SELECT newest.seq FROM (SELECT entry.seq, entry.started_at, entry.dimension_id",
        );
        self.push_path(&mut query, path);
        query.push(" ORDER BY entry.started_at DESC, entry.seq DESC LIMIT ").push_bind(WINDOW);
        query.push(") AS newest WHERE true");
        push_in_dimensions(&mut query, "newest", self.filter);
        self.push_rest(&mut query, "newest", Some(path));
        query.push(" ORDER BY newest.started_at DESC, newest.seq DESC LIMIT ").push_bind(self.limit).push(")");
        self.finish(query)
    }

    /// Takes the dimensions that fit, of them the ones with the newest records, and of each no more records
    /// than asked for: finds what is rare or long ago, without a look at anything else.
    fn rarest_first(self) -> QueryBuilder<Sqlite> {
        let limit = self.limit;
        let mut query = QueryBuilder::new(
            "WITH fitting AS MATERIALIZED (SELECT d.id, (
                 SELECT one.started_at FROM records AS one INDEXED BY records_dimension WHERE one.dimension_id = d.id",
        );
        self.push_time(&mut query, "one");
        self.push_rest(&mut query, "one", None);
        query.push(" ORDER BY one.started_at DESC LIMIT 1) AS newest FROM dimensions AS d WHERE true");
        push_dimensions(&mut query, self.filter);
        query.push(
            "), top AS MATERIALIZED (SELECT id FROM fitting WHERE newest IS NOT NULL ORDER BY newest DESC LIMIT ",
        );
        query.push_bind(limit).push(") ").push(SELECT.as_str()).push(
            " WHERE records.seq IN (
                 SELECT one.seq FROM top CROSS JOIN records AS one INDEXED BY records_dimension
                 WHERE one.dimension_id = top.id AND one.started_at >= coalesce((
                     SELECT last.started_at FROM records AS last INDEXED BY records_dimension
                     WHERE last.dimension_id = top.id",
        );
        self.push_time(&mut query, "last");
        self.push_rest(&mut query, "last", None);
        query.push(" ORDER BY last.started_at DESC LIMIT 1 OFFSET ").push_bind(limit - 1);
        query.push("), -9223372036854775808)");
        self.push_time(&mut query, "one");
        self.push_rest(&mut query, "one", None);
        query.push(" ORDER BY one.started_at DESC, one.seq DESC LIMIT ").push_bind(limit).push(")");
        self.finish(query)
    }

    /// Counts what fits, up to `most` and one more, without a look at much else.
    pub(super) fn count(self, path: Path, most: i64) -> QueryBuilder<Sqlite> {
        let mut query = QueryBuilder::new("SELECT count(*) FROM (SELECT 1");
        self.push_fitting(&mut query, path);
        query.push(" LIMIT ").push_bind(most + 1).push(")");
        query
    }

    /// The largest by `measure`, after `after`. Everything that fits is looked at.
    pub(super) fn largest(self, path: Path, measure: Measure, after: Option<Cursor>) -> QueryBuilder<Sqlite> {
        let column = match measure {
            Measure::Cost => "records.cost_microcents",
            Measure::Latency => "records.latency_us",
        };
        let mut query = QueryBuilder::new(SELECT.as_str());
        query.push(" WHERE records.seq IN (SELECT entry.seq");
        self.push_fitting(&mut query, path);
        query.push(") AND ").push(column).push(" IS NOT NULL");
        if let Some(Cursor { value, seq }) = after {
            query.push(" AND (").push(column).push(" < ").push_bind(value);
            query.push(" OR (").push(column).push(" = ").push_bind(value);
            query.push(" AND records.seq < ").push_bind(seq).push("))");
        }
        query.push(" ORDER BY ").push(column).push(" DESC, records.seq DESC LIMIT ").push_bind(self.limit);
        query
    }

    /// Appends everything that fits as `entry`, in no order: by the path, or by the dimensions that fit.
    fn push_fitting(&self, query: &mut QueryBuilder<Sqlite>, path: Path) {
        if path == Path::All && has_dimensions(self.filter) {
            query.push(
                " FROM dimensions AS d CROSS JOIN records AS entry INDEXED BY records_dimension
                 WHERE entry.dimension_id = d.id",
            );
            push_dimensions(query, self.filter);
            self.push_time(query, "entry");
        } else {
            self.push_path(query, path);
            push_in_dimensions(query, "entry", self.filter);
        }
        self.push_rest(query, "entry", Some(path));
    }

    fn finish(self, mut query: QueryBuilder<Sqlite>) -> QueryBuilder<Sqlite> {
        query.push(" ORDER BY records.started_at DESC, records.seq DESC LIMIT ").push_bind(self.limit);
        query
    }

    /// Appends the path as `entry`, with the conditions that it is looked up by.
    fn push_path(&self, query: &mut QueryBuilder<Sqlite>, path: Path) {
        let (session, model) = (self.filter.session_id.as_deref(), self.filter.model_requested.as_deref());
        query.push(path.sql());
        match path {
            Path::All | Path::Findings => {}
            Path::FindingKind => push_text(query, "entry", "kind", self.filter.finding_kind.as_deref()),
            Path::Session => push_text(query, "entry", "session_id", session),
            Path::ModelRequested => push_text(query, "entry", "model_requested", model),
            Path::Tag(number) => {
                if let Some((key, value)) = self.filter.tags.get(number) {
                    query.push(" AND entry.key = ").push_bind(key.clone());
                    query.push(" AND entry.value = ").push_bind(value.clone());
                }
            }
        }
        self.push_time(query, "entry");
    }

    /// Appends what the path does not say yet and the dimensions do not either, of the record of `table`.
    fn push_rest(&self, query: &mut QueryBuilder<Sqlite>, table: &'static str, path: Option<Path>) {
        let Self { filter, .. } = self;
        let session = filter.session_id.as_deref().filter(|_| path != Some(Path::Session));
        let model = filter.model_requested.as_deref().filter(|_| path != Some(Path::ModelRequested));
        let findings = filter.findings.filter(|_| path != Some(Path::Findings));
        if session.is_some() || model.is_some() || findings.is_some() {
            query.push(" AND EXISTS (SELECT 1 FROM records AS same WHERE same.seq = ").push(table).push(".seq");
            push_text(query, "same", "session_id", session);
            push_text(query, "same", "model_requested", model);
            match findings {
                None => {}
                Some(true) => drop(query.push(" AND same.findings > 0")),
                Some(false) => drop(query.push(" AND same.findings = 0")),
            }
            query.push(")");
        }
        if let Some(kind) = filter.finding_kind.as_ref().filter(|_| path != Some(Path::FindingKind)) {
            query.push(" AND EXISTS (SELECT 1 FROM finding_kinds AS found WHERE found.kind = ").push_bind(kind.clone());
            query.push(" AND found.started_at = ").push(table).push(".started_at AND found.seq = ").push(table);
            query.push(".seq)");
        }
        for (number, (key, value)) in filter.tags.iter().enumerate() {
            if path == Some(Path::Tag(number)) {
                continue;
            }
            query.push(" AND EXISTS (SELECT 1 FROM record_tags AS other WHERE other.key = ").push_bind(key.clone());
            query.push(" AND other.value = ").push_bind(value.clone());
            query.push(" AND other.started_at = ").push(table).push(".started_at AND other.seq = ").push(table);
            query.push(".seq)");
        }
    }

    fn push_time(&self, query: &mut QueryBuilder<Sqlite>, table: &'static str) {
        let Self { filter, after, .. } = self;
        if let Some(from) = filter.from {
            query.push(" AND ").push(table).push(".started_at >= ").push_bind(from.unix_us);
        }
        // The tighter of the two bounds is the one that is looked up.
        let to = filter.to.map(|to| to.unix_us.saturating_sub(1));
        if let Some(last) = to.into_iter().chain(after.map(|after| after.value)).min() {
            query.push(" AND ").push(table).push(".started_at <= ").push_bind(last);
        }
        if let Some(Cursor { value, seq }) = after {
            query.push(" AND (").push(table).push(".started_at < ").push_bind(*value);
            query.push(" OR ").push(table).push(".seq < ").push_bind(*seq).push(")");
        }
    }
}

fn push_text(query: &mut QueryBuilder<Sqlite>, table: &'static str, column: &'static str, value: Option<&str>) {
    let Some(value) = value else { return };
    query.push(" AND ").push(table).push(".").push(column);
    // As in the sums, "" means "not set".
    match value {
        "" => query.push(" IS NULL"),
        value => query.push(" = ").push_bind(value.to_owned()),
    };
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
        || !filter.exclude.is_empty()
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
    for (dimension, value) in &filter.exclude {
        query.push(" AND ").push(dimension.expression()).push(" <> ").push_bind(value.clone());
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

#[cfg(test)]
mod tests;
