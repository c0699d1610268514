//! Lists of records by keyset, single records, exports.

use std::sync::LazyLock;

use futures_util::{Stream, stream};
use sqlx::{AssertSqlSafe, sqlite::SqliteRow};

use super::{
    Cursor, History, Measure, RecordFilter, RecordPage, StoredRecord,
    walk::{Path, WINDOW, Walk},
};
use crate::{
    domain::RecordId,
    store::{
        StoreError, findings,
        rows::{ATTEMPT_COLUMNS, RECORD_COLUMNS, read_attempt, read_record},
    },
};

/// Most records in one page.
const LARGEST_PAGE: u32 = 1_000;
/// Records that an export reads at once.
const EXPORT_CHUNK: u32 = 500;
/// Most records that are looked through to sort them.
pub const MOST_SORTED: u32 = 200_000;

/// All columns of a record; made of constants.
pub(super) static SELECT: LazyLock<String> = LazyLock::new(|| {
    let columns = RECORD_COLUMNS.map(|column| format!("records.{column}"));
    format!("SELECT {} FROM records", columns.join(", "))
});
static BY_ID: LazyLock<String> = LazyLock::new(|| format!("{} WHERE records.id = ?", *SELECT));
static SINCE: LazyLock<String> =
    LazyLock::new(|| format!("{} WHERE records.seq > ? ORDER BY records.seq LIMIT ?", *SELECT));
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
        // One more than asked tells whether there is a next page.
        let wanted = limit as i64 + 1;
        let walk = Walk { filter, after, limit: wanted };
        let (path, length) = self.shortest(walk).await?;
        let mut rows = Vec::new();
        for mut query in walk.queries(path, length) {
            rows = query.build().fetch_all(&self.readers).await?;
            if rows.len() as i64 == wanted {
                break;
            }
        }
        page(&rows, limit, |stored| stored.record.started_at.unix_us)
    }

    /// One page of records, those with the largest `measure` first; `limit` is kept between 1 and 1,000.
    /// `None` when more than [`MOST_SORTED`] records fit.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn largest(
        &self,
        filter: &RecordFilter,
        measure: Measure,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Option<RecordPage>, StoreError> {
        let limit = limit.clamp(1, LARGEST_PAGE) as usize;
        let walk = Walk { filter, after: None, limit: limit as i64 + 1 };
        let (path, _) = self.shortest(walk).await?;
        let most = i64::from(MOST_SORTED);
        let fitting: i64 = walk.count(path, most).build_query_scalar().fetch_one(&self.readers).await?;
        if fitting > most {
            return Ok(None);
        }
        let rows = walk.largest(path, measure, after).build().fetch_all(&self.readers).await?;
        let value = |stored: &StoredRecord| match measure {
            Measure::Cost => stored.record.cost.map_or(0, |cost| cost.0),
            Measure::Latency => i64::try_from(stored.record.latency_us).unwrap_or(i64::MAX),
        };
        page(&rows, limit, value).map(Some)
    }

    /// The path with the fewest entries, and how many it has, up to [`WINDOW`].
    async fn shortest(&self, walk: Walk<'_>) -> Result<(Path, i64), StoreError> {
        let (mut path, mut length) = (Path::All, WINDOW);
        for candidate in walk.paths() {
            let counted: i64 = walk.length(candidate).build_query_scalar().fetch_one(&self.readers).await?;
            if path == Path::All || counted < length {
                (path, length) = (candidate, counted);
            }
        }
        Ok((path, length))
    }

    /// One record with its attempts and findings.
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
        if stored.findings > 0 {
            let rows = sqlx::query(findings::SELECT).bind(stored.seq).fetch_all(&self.readers).await?;
            stored.record.findings = rows.iter().map(findings::read_row).collect::<Result<_, _>>()?;
        }
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

/// A page out of its rows and one more, which tells that there is a next page; `value` is what they are sorted by.
fn page(rows: &[SqliteRow], limit: usize, value: impl Fn(&StoredRecord) -> i64) -> Result<RecordPage, StoreError> {
    let mut records = rows.iter().map(read_record).collect::<Result<Vec<_>, _>>()?;
    let more = records.len() > limit;
    records.truncate(limit);
    let next = records.last().filter(|_| more).map(|last| Cursor { value: value(last), seq: last.seq });
    Ok(RecordPage { records, next })
}
