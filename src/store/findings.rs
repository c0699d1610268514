//! Findings as rows: those of each record, and their sums by quarter hour.
//!
//! Places and kinds only: what matched is never kept.

use std::{collections::HashMap, sync::Arc};

use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use super::{StoreError, insert::Insert, rollup::quarter_of, rows::Values};
use crate::domain::{Action, Category, Direction, Finding, Record};

/// The columns of `findings`, in the order of [`bind_row`] and [`read_row`].
const COLUMNS: [&str; 9] =
    ["record_seq", "number", "direction", "rule", "kind", "category", "place", "action", "count"];

/// The columns of `finding_kinds`.
const KIND_COLUMNS: [&str; 4] = ["kind", "started_at", "seq", "dimension_id"];

/// The columns of `finding_sums`, in the order of [`bind_sum`].
const SUM_COLUMNS: [&str; 7] = ["quarter", "dimension_id", "direction", "kind", "category", "action", "count"];

/// Selects the findings of one record; made of constants.
pub(super) const SELECT: &str = "SELECT direction, rule, kind, category, place, action, count
    FROM findings WHERE record_seq = ? ORDER BY number";

/// What findings are summed by: quarter, row of `dimensions`, direction, kind, category, action.
type Place = (i64, i64, Direction, Arc<str>, Category, Action);

/// The writer's statements for findings.
pub(super) struct Inserts {
    rows: Insert,
    kinds: Insert,
    sums: Insert,
}

impl Inserts {
    /// Prepares the statements' texts.
    pub(super) fn new() -> Self {
        Self {
            rows: Insert::new("findings", &COLUMNS, ""),
            kinds: Insert::new("finding_kinds", &KIND_COLUMNS, "ON CONFLICT DO NOTHING"),
            sums: Insert::new("finding_sums", &SUM_COLUMNS, "ON CONFLICT DO UPDATE SET count = count + excluded.count"),
        }
    }

    /// Writes the findings of records: place in the order of commits, record, row of `dimensions`.
    pub(super) async fn run(
        &self,
        connection: &mut SqliteConnection,
        records: &[(i64, &Record, i64)],
    ) -> Result<(), StoreError> {
        let (mut rows, mut kinds) = (Vec::new(), Vec::new());
        let mut sums: HashMap<Place, i64> = HashMap::new();
        for (seq, record, dimension) in records {
            for (number, found) in (0_i64..).zip(&record.findings) {
                rows.push((*seq, number, found));
                let kind = Arc::clone(&found.kind);
                kinds.push((Arc::clone(&kind), record.started_at.unix_us, *seq, *dimension));
                let place = (quarter_of(record), *dimension, found.direction, kind, found.category, found.action);
                *sums.entry(place).or_default() += i64::from(found.count);
            }
        }
        let sums: Vec<_> = sums.into_iter().collect();
        self.rows.run(connection, &rows, |values, (seq, number, found)| bind_row(values, *seq, *number, found)).await?;
        self.kinds
            .run(connection, &kinds, |values, (kind, started_at, seq, dimension)| {
                values.shared(kind);
                [*started_at, *seq, *dimension].into_iter().for_each(|number| values.int(number));
            })
            .await?;
        self.sums.run(connection, &sums, bind_sum).await
    }
}

fn bind_row(values: &mut Values, seq: i64, number: i64, found: &Finding) {
    values.int(seq);
    values.int(number);
    values.name(found.direction.as_str());
    values.shared(&found.rule);
    values.shared(&found.kind);
    values.name(found.category.as_str());
    values.shared(&found.place);
    values.name(found.action.as_str());
    values.int(i64::from(found.count));
}

fn bind_sum(values: &mut Values, ((quarter, dimension, direction, kind, category, action), count): &(Place, i64)) {
    values.int(*quarter);
    values.int(*dimension);
    values.name(direction.as_str());
    values.shared(kind);
    values.name(category.as_str());
    values.name(action.as_str());
    values.int(*count);
}

/// Reads a row of [`SELECT`].
pub(super) fn read_row(row: &SqliteRow) -> Result<Finding, StoreError> {
    Ok(Finding {
        direction: named(row, 0, Direction::parse)?,
        rule: row.try_get::<&str, _>(1)?.into(),
        kind: row.try_get::<&str, _>(2)?.into(),
        category: named(row, 3, Category::parse)?,
        place: row.try_get::<&str, _>(4)?.into(),
        action: named(row, 5, Action::parse)?,
        count: row.try_get(6)?,
    })
}

/// A stable name.
pub(super) fn named<T>(row: &SqliteRow, column: usize, parse: fn(&str) -> Option<T>) -> Result<T, StoreError> {
    parse(row.try_get(column)?).ok_or(StoreError::Corrupt { what: "a finding's enumeration" })
}
