//! Signals: what people said, newest first, and the sums of all.

use sqlx::{QueryBuilder, Row as _, sqlite::SqliteRow};

use super::History;
use crate::{
    domain::{RecordId, Timestamp},
    store::{Signal, SignalOrigin, SignalSum, StoreError},
};

/// Most signals in one page.
const LARGEST_PAGE: u32 = 1_000;

/// Which signals; a field that is `None` lets all pass.
#[derive(Clone, Debug, Default)]
pub struct SignalFilter {
    /// The record they are about.
    pub record_id: Option<RecordId>,
    /// The provider they are about.
    pub provider: Option<String>,
    /// The model they are about.
    pub model: Option<String>,
    /// What it was used for.
    pub task: Option<String>,
    /// What was judged.
    pub kind: Option<String>,
    /// The project of the record or the key.
    pub project: Option<String>,
    /// Said at this moment or later.
    pub from: Option<Timestamp>,
    /// Said before this moment.
    pub to: Option<Timestamp>,
}

impl History {
    /// One page of what people said, newest first, before `before`; whether there is more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn signals(
        &self,
        filter: &SignalFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<(Vec<Signal>, bool), StoreError> {
        let limit = limit.clamp(1, LARGEST_PAGE);
        let mut query = QueryBuilder::new(
            "SELECT seq, id, at, record_id, provider, model, task, kind, score, project, key_id, comment
             FROM signals WHERE true",
        );
        for (condition, value) in [
            (" AND provider = ", &filter.provider),
            (" AND model = ", &filter.model),
            (" AND task = ", &filter.task),
            (" AND kind = ", &filter.kind),
            (" AND project = ", &filter.project),
        ] {
            if let Some(value) = value {
                query.push(condition).push_bind(value.clone());
            }
        }
        if let Some(id) = filter.record_id {
            query.push(" AND record_id = ").push_bind(id.as_bytes().to_vec());
        }
        for (condition, value) in [
            (" AND seq < ", before),
            (" AND at >= ", filter.from.map(|at| at.unix_us)),
            (" AND at < ", filter.to.map(|at| at.unix_us)),
        ] {
            if let Some(value) = value {
                query.push(condition).push_bind(value);
            }
        }
        query.push(" ORDER BY seq DESC LIMIT ").push_bind(i64::from(limit) + 1);
        let rows = query.build().fetch_all(&self.readers).await?;
        let mut signals = rows.iter().map(read_signal).collect::<Result<Vec<_>, _>>()?;
        let more = signals.len() > limit as usize;
        signals.truncate(limit as usize);
        Ok((signals, more))
    }

    /// All sums of signals; their number is bounded.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn signal_sums(&self) -> Result<Vec<SignalSum>, StoreError> {
        let rows: Vec<(String, String, String, String, String, i64, f64)> =
            sqlx::query_as("SELECT origin, provider, model, task, kind, count, score FROM signal_sums")
                .fetch_all(&self.readers)
                .await?;
        let read = |(origin, provider, model, task, kind, count, score): (String, _, _, _, _, i64, f64)| {
            let origin = SignalOrigin::parse(&origin).ok_or(StoreError::Corrupt { what: "a signal's origin" })?;
            Ok(SignalSum { origin, provider, model, task, kind, count: count.unsigned_abs(), score })
        };
        rows.into_iter().map(read).collect()
    }
}

fn read_signal(row: &SqliteRow) -> Result<Signal, StoreError> {
    let named = |column: usize| -> Result<Option<String>, StoreError> {
        Ok(Some(row.try_get::<String, _>(column)?).filter(|name| !name.is_empty()))
    };
    Ok(Signal {
        seq: row.try_get(0)?,
        id: row.try_get(1)?,
        at: Timestamp { unix_us: row.try_get(2)? },
        record_id: row.try_get::<Option<Vec<u8>>, _>(3)?.and_then(|bytes| RecordId::from_bytes(&bytes)),
        provider: named(4)?,
        model: row.try_get(5)?,
        task: named(6)?,
        kind: row.try_get(7)?,
        score: row.try_get(8)?,
        project: row.try_get(9)?,
        key_id: row.try_get(10)?,
        comment: row.try_get(11)?,
    })
}
