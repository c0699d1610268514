//! Signals as the one writer makes them: outcomes are summed in the transaction of their records, what people say
//! is kept word for word and summed apart.
//!
//! Bounded: so many sums in all, so many words to one record.

mod outcomes;

use std::{collections::HashMap, sync::Arc};

use sqlx::{SqliteConnection, SqlitePool};

use self::outcomes::{Observed, Repeats, observed};
use super::StoreError;
use crate::domain::{Record, RecordId, Timestamp};

/// Most sums; what would make more is not counted.
const MOST_SUMS: i64 = 20_000;
/// Most signals to one record.
const MOST_PER_RECORD: i64 = 16;

/// Who a signal comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignalOrigin {
    /// Somebody, or a program of theirs, judged an answer.
    Human,
    /// The gateway saw how a call ended.
    Automatic,
}

impl SignalOrigin {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Automatic => "automatic",
        }
    }

    /// Reads the stable name back.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Human, Self::Automatic].into_iter().find(|origin| origin.as_str() == text)
    }
}

/// What somebody says of an answer or of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// Its place; later ones have higher numbers.
    pub seq: i64,
    /// The id in the API.
    pub id: String,
    /// When it was said.
    pub at: Timestamp,
    /// The record it is about; `None` for a model as such.
    pub record_id: Option<RecordId>,
    /// The provider it is about; `None` is any.
    pub provider: Option<String>,
    /// The model it is about.
    pub model: String,
    /// What the model was used for; `None` is nothing in particular.
    pub task: Option<String>,
    /// What was judged.
    pub kind: String,
    /// From 0 (bad) to 1 (good).
    pub score: f64,
    /// The project of the record or the key.
    pub project: Option<String>,
    /// The virtual key that gave it; `None` for the admin.
    pub key_id: Option<String>,
    /// What else was said.
    pub comment: Option<String>,
}

/// All signals of one origin and kind about one model and task.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalSum {
    /// Who they come from.
    pub origin: SignalOrigin,
    /// The provider they are about; empty for any.
    pub provider: String,
    /// The model they are about.
    pub model: String,
    /// What it was used for; empty for nothing in particular.
    pub task: String,
    /// What was judged.
    pub kind: String,
    /// How many there are.
    pub count: u64,
    /// The sum of their scores.
    pub score: f64,
}

/// Why a signal was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SignalError {
    /// There are as many as can be kept.
    #[error("{0}")]
    Full(&'static str),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The writer's side of signals.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    repeats: Repeats,
    /// How many sums there are; `None` until it was counted.
    sums: Option<i64>,
}

/// What sums are kept by: provider, model, task, kind.
type Place = (Arc<str>, Arc<str>, Arc<str>, &'static str);

impl Ledger {
    /// Sums up how the calls of records ended.
    pub(super) async fn run(
        &mut self,
        connection: &mut SqliteConnection,
        records: &[(i64, &Record, i64)],
    ) -> Result<(), StoreError> {
        let mut sums: HashMap<Place, (i64, f64)> = HashMap::new();
        for (_, record, _) in records {
            for Observed { provider, model, task, kind, score } in
                observed(record).into_iter().chain(self.repeats.repeated(record))
            {
                let sum = sums.entry((provider, model, task, kind)).or_default();
                *sum = (sum.0 + 1, sum.1 + score);
            }
        }
        for ((provider, model, task, kind), (count, score)) in sums {
            let place = [SignalOrigin::Automatic.as_str(), &provider, &model, &task, kind];
            self.add(connection, place, count, score).await?;
        }
        Ok(())
    }

    /// The records were committed.
    pub(super) fn committed<'a>(&mut self, records: impl Iterator<Item = &'a Record>) {
        records.for_each(|record| self.repeats.remember(record));
    }

    /// Adds to a sum; false when there is none and no room for another.
    async fn add(
        &mut self,
        connection: &mut SqliteConnection,
        [origin, provider, model, task, kind]: [&str; 5],
        count: i64,
        score: f64,
    ) -> Result<bool, StoreError> {
        let changed = sqlx::query(
            "UPDATE signal_sums SET count = count + ?, score = score + ?
             WHERE origin = ? AND provider = ? AND model = ? AND task = ? AND kind = ?",
        )
        .bind(count)
        .bind(score)
        .bind(origin)
        .bind(provider)
        .bind(model)
        .bind(task)
        .bind(kind)
        .execute(&mut *connection)
        .await?
        .rows_affected();
        if changed > 0 {
            return Ok(true);
        }
        let known = match self.sums {
            Some(known) => known,
            None => sqlx::query_scalar("SELECT count(*) FROM signal_sums").fetch_one(&mut *connection).await?,
        };
        self.sums = Some(known);
        if known >= MOST_SUMS {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO signal_sums (origin, provider, model, task, kind, count, score) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(origin)
        .bind(provider)
        .bind(model)
        .bind(task)
        .bind(kind)
        .bind(count)
        .bind(score)
        .execute(connection)
        .await?;
        self.sums = Some(known + 1);
        Ok(true)
    }

    /// Writes down what somebody says; `seq`, `id` and `at` of it are set. Who says the same kind of thing of the
    /// same record and task again changes his mind.
    pub(super) async fn say(&mut self, pool: &SqlitePool, mut signal: Signal) -> Result<Signal, SignalError> {
        let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.map_err(StoreError::from)?;
        let connection = &mut *transaction;
        let task = signal.task.clone().unwrap_or_default();
        let provider = signal.provider.clone().unwrap_or_default();
        let record = signal.record_id.map(|id| id.as_bytes().to_vec());
        let before: Option<(i64, f64)> =
            sqlx::query_as("SELECT seq, score FROM signals WHERE record_id = ? AND kind = ? AND task = ?")
                .bind(record.clone())
                .bind(signal.kind.as_str())
                .bind(task.as_str())
                .fetch_optional(&mut *connection)
                .await
                .map_err(StoreError::from)?;
        let said: i64 = sqlx::query_scalar("SELECT count(*) FROM signals WHERE record_id = ?")
            .bind(record.clone())
            .fetch_one(&mut *connection)
            .await
            .map_err(StoreError::from)?;
        if before.is_none() && said >= MOST_PER_RECORD {
            return Err(SignalError::Full("this record has as many signals as one may have"));
        }
        let place = [SignalOrigin::Human.as_str(), &provider, &signal.model, &task, &signal.kind];
        let (count, old) = before.map_or((1, 0.0), |(_, score)| (0, score));
        if !self.add(connection, place, count, signal.score - old).await? {
            return Err(SignalError::Full("there are as many models, tasks and kinds of signals as can be kept"));
        }
        if let Some((seq, _)) = before {
            sqlx::query("DELETE FROM signals WHERE seq = ?")
                .bind(seq)
                .execute(&mut *connection)
                .await
                .map_err(StoreError::from)?;
        }
        signal.seq = sqlx::query_scalar(
            "INSERT INTO signals (id, at, record_id, provider, model, task, kind, score, project, key_id, comment)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq",
        )
        .bind(signal.id.as_str())
        .bind(signal.at.unix_us)
        .bind(record)
        .bind(provider)
        .bind(signal.model.as_str())
        .bind(task)
        .bind(signal.kind.as_str())
        .bind(signal.score)
        .bind(signal.project.as_deref())
        .bind(signal.key_id.as_deref())
        .bind(signal.comment.as_deref())
        .fetch_one(&mut *connection)
        .await
        .map_err(StoreError::from)?;
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(signal)
    }
}
