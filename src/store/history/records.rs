//! Lists of records by keyset, single records, exports.

use std::sync::LazyLock;

use futures_util::{Stream, stream};
use sqlx::{AssertSqlSafe, QueryBuilder, Sqlite};

use super::{Cursor, History, RecordFilter, RecordPage, StoredRecord};
use crate::{
    domain::{Api, CacheState, Endpoint, ErrorKind, Outcome, RecordId},
    store::{
        StoreError,
        rows::{ATTEMPT_COLUMNS, RECORD_COLUMNS, read_attempt, read_record},
    },
};

/// Most records in one page.
const LARGEST_PAGE: u32 = 1_000;
/// Records that an export reads at once.
const EXPORT_CHUNK: u32 = 500;

/// All columns of a record; made of constants.
static SELECT: LazyLock<String> = LazyLock::new(|| format!("SELECT {} FROM records", RECORD_COLUMNS.join(", ")));
static BY_ID: LazyLock<String> = LazyLock::new(|| format!("{} WHERE id = ?", *SELECT));
static SINCE: LazyLock<String> = LazyLock::new(|| format!("{} WHERE seq > ? ORDER BY seq LIMIT ?", *SELECT));
static ATTEMPTS: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT {} FROM attempts WHERE record_seq = ? ORDER BY number", ATTEMPT_COLUMNS.join(", "))
});

impl History {
    /// One page of records, newest first; `limit` is kept between 1 and 1,000.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn records(
        &self,
        filter: &RecordFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<RecordPage, StoreError> {
        let limit = limit.clamp(1, LARGEST_PAGE) as usize;
        let mut query = QueryBuilder::new(SELECT.as_str());
        push_filter(&mut query, filter);
        if let Some(Cursor { started_at, seq }) = after {
            query.push(" AND (started_at, seq) < (").push_bind(started_at).push(", ").push_bind(seq).push(")");
        }
        // One more than asked tells whether there is a next page.
        query.push(" ORDER BY started_at DESC, seq DESC LIMIT ").push_bind(limit as i64 + 1);
        let rows = query.build().fetch_all(&self.readers).await?;
        let mut records = rows.iter().map(read_record).collect::<Result<Vec<_>, _>>()?;
        let more = records.len() > limit;
        records.truncate(limit);
        let next = records.last().filter(|_| more).map(cursor_of);
        Ok(RecordPage { records, next })
    }

    /// One record with its attempts.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record(&self, id: RecordId) -> Result<Option<StoredRecord>, StoreError> {
        let row = sqlx::query(AssertSqlSafe(BY_ID.as_str()))
            .bind(id.as_bytes().to_vec())
            .fetch_optional(&self.readers)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let mut stored = read_record(&row)?;
        let rows = sqlx::query(AssertSqlSafe(ATTEMPTS.as_str())).bind(stored.seq).fetch_all(&self.readers).await?;
        stored.record.attempts = rows.iter().map(read_attempt).collect::<Result<_, _>>()?;
        Ok(Some(stored))
    }

    /// At most `limit` records that were committed after `seq`, oldest first, for a live tail that resumes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn records_since(&self, seq: i64, limit: u32) -> Result<Vec<StoredRecord>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(SINCE.as_str()))
            .bind(seq)
            .bind(i64::from(limit.min(LARGEST_PAGE)))
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(read_record).collect()
    }

    /// All records that fit, newest first, in chunks of 500, each chunk a short read of its own,
    /// so that a slow client never holds the database.
    pub fn export(
        &self,
        filter: RecordFilter,
    ) -> impl Stream<Item = Result<Vec<StoredRecord>, StoreError>> + Send + 'static {
        let start = Some((self.clone(), filter, None));
        stream::try_unfold(start, |state| async move {
            let Some((history, filter, after)) = state else { return Ok(None) };
            let RecordPage { records, next } = history.records(&filter, after, EXPORT_CHUNK).await?;
            Ok(Some((records, next.map(|next| (history, filter, Some(next))))))
        })
    }
}

fn cursor_of(stored: &StoredRecord) -> Cursor {
    Cursor { started_at: stored.record.started_at.unix_us, seq: stored.seq }
}

/// Appends the filter; every value is bound, every column name is a constant.
fn push_filter(query: &mut QueryBuilder<Sqlite>, filter: &RecordFilter) {
    query.push(" WHERE true");
    for (column, value) in [
        ("project", &filter.project),
        ("source", &filter.source),
        ("team", &filter.team),
        ("key_id", &filter.key_id),
        ("profile", &filter.profile),
        ("session_id", &filter.session_id),
        ("provider", &filter.provider),
        ("model", &filter.model),
        ("model_requested", &filter.model_requested),
    ] {
        match value.as_deref() {
            None => {}
            // As in the sums, "" means "not set".
            Some("") => drop(query.push(" AND ").push(column).push(" IS NULL")),
            Some(value) => drop(query.push(" AND ").push(column).push(" = ").push_bind(value.to_owned())),
        }
    }
    for (column, value) in [
        ("client_api", filter.client_api.map(Api::as_str)),
        ("provider_api", filter.provider_api.map(Api::as_str)),
        ("endpoint", filter.endpoint.map(Endpoint::as_str)),
        ("outcome", filter.outcome.map(Outcome::as_str)),
        ("error_kind", filter.error_kind.map(ErrorKind::as_str)),
        ("cache", filter.cache.map(CacheState::as_str)),
    ] {
        if let Some(value) = value {
            query.push(" AND ").push(column).push(" = ").push_bind(value);
        }
    }
    // Repeats the condition of the partial index, which SQLite cannot infer from a bound value.
    if filter.outcome.is_some_and(|outcome| outcome != Outcome::Ok) {
        query.push(" AND outcome <> 'ok'");
    }
    for (condition, value) in [
        (" AND status = ", filter.status.map(i64::from)),
        (" AND stream = ", filter.stream.map(i64::from)),
        (" AND started_at >= ", filter.from.map(|at| at.unix_us)),
        (" AND started_at < ", filter.to.map(|at| at.unix_us)),
    ] {
        if let Some(value) = value {
            query.push(condition).push_bind(value);
        }
    }
    for (key, value) in &filter.tags {
        query.push(" AND EXISTS (SELECT 1 FROM json_each(records.tags) AS tag WHERE tag.key = ");
        query.push_bind(key.clone()).push(" AND tag.value = ").push_bind(value.clone()).push(")");
    }
}
