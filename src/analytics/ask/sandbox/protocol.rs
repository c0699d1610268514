//! What the gateway and the process that runs a question say to each other: one JSON text in, one out.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::analytics::ask::guard::Value;

/// Most rows of an answer.
pub const ROWS_MAX: usize = 1_000;
/// Most bytes of an answer's rows as JSON.
pub(crate) const REPLY_BYTES_MAX: usize = 1 << 20;
/// Most address space of the process: beyond it SQLite is out of memory.
pub(super) const MEMORY_BYTES_MAX: u64 = 300 << 20;

/// One statement to run.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    /// The usage database. No other file is ever opened.
    pub(super) database: PathBuf,
    /// What the names of views begin with.
    pub(super) token: String,
    /// The statement, as the guard wrote it.
    pub(super) sql: String,
    /// What it is run with.
    pub(super) values: Vec<Value>,
    /// The views that it reads.
    pub(super) views: Vec<String>,
    /// How long it may run.
    pub(super) deadline: Duration,
    /// Ids of keys and their labels.
    pub(super) key_labels: Vec<(String, String)>,
    /// Budgets in their running period.
    pub(super) purses: Vec<Purse>,
}

/// A budget in its running period, as the view `budgets` shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Purse {
    /// The budget's name.
    pub name: String,
    /// `global`, `key`, `project`, `team`, `requester`, `provider` or `model`.
    pub scope: String,
    /// Whom it is for: the key's label, the project …; `None` for everybody.
    pub owner: Option<String>,
    /// `day`, `week` or `month`.
    pub period: String,
    /// In microcents.
    pub limit_microcents: i64,
    /// In microcents.
    pub spent_microcents: i64,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    /// It ran.
    Done(Rows),
    /// It did not, or not to its end.
    Failed(Failure),
}

/// Rows and the names of their columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rows {
    /// The columns' names.
    pub columns: Vec<String>,
    /// One value for each column.
    pub rows: Vec<Vec<Value>>,
    /// Whether there are more rows than may be shown.
    pub truncated: bool,
}

/// Why a statement gave no rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// It is wrong, in words that name nothing but what its writer wrote.
    #[error("{0}")]
    Wrong(String),
    /// It ran for too long.
    #[error("it took too long: ask for a shorter time or for fewer columns")]
    TooSlow,
    /// It needed too much memory.
    #[error("it needs too much memory: ask for fewer rows or a shorter time")]
    TooLarge,
    /// It would read every row for every other row.
    #[error("it joins every row with every other one: join by a column, or sum up first")]
    Unbounded,
    /// It could not be run at all.
    #[error("it could not be run")]
    Broken,
}
