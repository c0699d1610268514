//! What calls cost, added up for budgets: per quarter hour, by who asked and by who was called.
//!
//! Written by the one writer in the transaction of the record, read once, when a budget begins to be watched.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt as _};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use super::{
    History, StoreError,
    insert::Insert,
    rollup::{QUARTER_US, quarter_of, sane_money},
};
use crate::domain::{Microcents, Record, Spend, Timestamp};

/// Quarter, dimension, provider, model.
type Place<'a> = (i64, i64, &'a Arc<str>, Option<&'a Arc<str>>);

/// Into `spend`: sums are added to.
pub(super) fn insert() -> Insert {
    let columns = ["quarter", "dimension_id", "provider", "model", "cost_microcents", "unknown_calls"];
    Insert::new(
        "spend",
        &columns,
        "ON CONFLICT DO UPDATE SET cost_microcents = cost_microcents + excluded.cost_microcents,
         unknown_calls = unknown_calls + excluded.unknown_calls",
    )
}

/// Adds what the calls of these records cost.
pub(super) async fn write(
    insert: &Insert,
    connection: &mut SqliteConnection,
    records: impl Iterator<Item = (&Record, i64)>,
) -> Result<(), StoreError> {
    let mut sums: HashMap<Place<'_>, (i64, i64)> = HashMap::new();
    for (record, dimension) in records {
        for attempt in record.attempts.iter().filter(|attempt| attempt.cost != Some(Microcents(0))) {
            let place = (quarter_of(record), dimension, &attempt.provider, attempt.model.as_ref());
            let (cost, unknown) = sums.entry(place).or_default();
            *cost += sane_money(attempt.cost);
            *unknown += i64::from(attempt.cost.is_none());
        }
    }
    let rows: Vec<_> = sums.into_iter().collect();
    insert
        .run(connection, &rows, |values, ((quarter, dimension, provider, model), (cost, unknown))| {
            values.int(*quarter);
            values.int(*dimension);
            values.shared(provider);
            match model {
                Some(model) => values.shared(model),
                None => values.name(""),
            }
            values.int(*cost);
            values.int(*unknown);
        })
        .await
}

impl History {
    /// What calls of requests since `since` cost, as far as they are committed; whole quarter hours.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn spend(&self, since: Timestamp) -> Result<Vec<Spend>, StoreError> {
        let rows = sqlx::query(
            "SELECT d.project, d.source, d.team, d.key_id, s.provider, s.model, sum(s.cost_microcents),
                    sum(s.unknown_calls)
             FROM spend AS s JOIN dimensions AS d ON d.id = s.dimension_id
             WHERE s.quarter >= ?
             GROUP BY d.project, d.source, d.team, d.key_id, s.provider, s.model",
        )
        .bind(since.unix_us.div_euclid(QUARTER_US))
        .fetch_all(&self.readers)
        .await?;
        let spend = |row: &SqliteRow| {
            Ok(Spend {
                project: row.try_get(0)?,
                source: row.try_get(1)?,
                team: row.try_get(2)?,
                key_id: row.try_get(3)?,
                provider: row.try_get(4)?,
                model: row.try_get(5)?,
                cost: Microcents(row.try_get(6)?),
                unknown_calls: row.try_get::<i64, _>(7)?.unsigned_abs(),
            })
        };
        rows.iter().map(spend).collect()
    }
}
