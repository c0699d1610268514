//! Multi-row inserts into the tables of `usage.db`, in few sizes, so that all stay prepared.
//!
//! Table and column names are constants and every value is bound.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqliteConnection};

use super::{
    StoreError,
    rollup::MEASURES,
    rows::{ATTEMPT_COLUMNS, RECORD_COLUMNS, TAG_COLUMNS, Values},
};

/// Statement sizes in rows.
const SIZES: [usize; 3] = [64, 8, 1];

/// An insert of one row or more, for each of [`SIZES`].
pub(super) struct Insert([Arc<str>; 3]);

impl Insert {
    /// Into `records`: the columns of [`RECORD_COLUMNS`], then the dimension.
    pub(super) fn records() -> Self {
        let columns: Vec<_> = RECORD_COLUMNS.into_iter().chain(["dimension_id"]).collect();
        Self::new("records", &columns, "")
    }

    /// Into `attempts`.
    pub(super) fn attempts() -> Self {
        Self::new("attempts", &ATTEMPT_COLUMNS, "")
    }

    /// Into `record_tags`; a tag that a request sent twice is one.
    pub(super) fn tags() -> Self {
        Self::new("record_tags", &TAG_COLUMNS, "ON CONFLICT DO NOTHING")
    }

    /// Into `seen`: kind, name, first and last time.
    pub(super) fn seen() -> Self {
        Self::new(
            "seen",
            &["kind", "name", "first_seen_at", "last_seen_at"],
            "ON CONFLICT DO UPDATE SET first_seen_at = min(first_seen_at, excluded.first_seen_at),
             last_seen_at = max(last_seen_at, excluded.last_seen_at)",
        )
    }

    /// Into `rollups`: quarter, dimension, [`MEASURES`], the histograms. Sums are added to; histograms are
    /// replaced, because the writer has merged them already.
    pub(super) fn rollups() -> Self {
        let columns: Vec<_> = ["quarter", "dimension_id"]
            .into_iter()
            .chain(MEASURES)
            .chain(["latency_histogram", "ttft_histogram"])
            .collect();
        let sums = MEASURES.map(|name| format!("{name} = {name} + excluded.{name}")).join(", ");
        let conflict = format!(
            "ON CONFLICT DO UPDATE SET {sums}, latency_histogram = excluded.latency_histogram, \
             ttft_histogram = excluded.ttft_histogram"
        );
        Self::new("rollups", &columns, &conflict)
    }

    /// Into any table; names are constants.
    pub(super) fn new(table: &str, columns: &[&str], conflict: &str) -> Self {
        let row = format!("({})", vec!["?"; columns.len()].join(", "));
        Self(SIZES.map(|rows| {
            let values = vec![row.as_str(); rows].join(", ");
            // A group that fails is rolled back whole by the writer. SQLite's own way, undoing the statement alone,
            // would copy every page before it is changed.
            format!("INSERT OR FAIL INTO {table} ({}) VALUES {values} {conflict}", columns.join(", ")).into()
        }))
    }

    /// Inserts all rows, the largest statements first.
    pub(super) async fn run<T>(
        &self,
        connection: &mut SqliteConnection,
        mut rows: &[T],
        bind: impl Fn(&mut Values, &T),
    ) -> Result<(), StoreError> {
        for (size, sql) in SIZES.into_iter().zip(&self.0) {
            while let Some((now, later)) = rows.split_at_checked(size) {
                let mut values = Values::default();
                now.iter().for_each(|row| bind(&mut values, row));
                // Built from constants alone, see `Insert::new`; every value is bound.
                let statement = AssertSqlSafe(Arc::clone(sql));
                sqlx::query_with(statement, values.into_arguments()).execute(&mut *connection).await?;
                rows = later;
            }
        }
        Ok(())
    }
}
