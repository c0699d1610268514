//! Routing traces as rows, apart from the records, so that no list reads them.
//!
//! Bytes to this room: what they say is routing's to know.

use std::sync::Arc;

use sqlx::SqliteConnection;

use super::{StoreError, history::History, insert::Insert};
use crate::domain::Record;

/// The writer's statement for traces.
pub(super) struct Inserts(Insert);

impl Inserts {
    /// Prepares the statement's texts.
    pub(super) fn new() -> Self {
        Self(Insert::new("routes", &["record_seq", "trace"], ""))
    }

    /// Writes the traces of records: place in the order of commits, record, row of `dimensions`.
    pub(super) async fn run(
        &self,
        connection: &mut SqliteConnection,
        records: &[(i64, &Record, i64)],
    ) -> Result<(), StoreError> {
        let rows: Vec<(i64, &Arc<[u8]>)> =
            records.iter().filter_map(|(seq, record, _)| Some((*seq, record.route.as_ref()?))).collect();
        self.0
            .run(connection, &rows, |values, (seq, trace)| {
                values.int(*seq);
                values.bytes(trace.to_vec());
            })
            .await
    }
}

impl History {
    /// The trace of one record; `None` when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn route(&self, seq: i64) -> Result<Option<Vec<u8>>, StoreError> {
        let query = sqlx::query_scalar("SELECT trace FROM routes WHERE record_seq = ?");
        Ok(query.bind(seq).fetch_optional(self.readers()).await?)
    }

    /// Whether there is a trace of one record.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_route(&self, seq: i64) -> Result<bool, StoreError> {
        let query = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM routes WHERE record_seq = ?)");
        Ok(query.bind(seq).fetch_one(self.readers()).await?)
    }

    /// The traces of these records, in no order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn routes(&self, seqs: &[i64]) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
        let wanted = serde_json::Value::from(seqs).to_string();
        let query =
            sqlx::query_as("SELECT record_seq, trace FROM routes WHERE record_seq IN (SELECT value FROM json_each(?))");
        Ok(query.bind(wanted).fetch_all(self.readers()).await?)
    }
}
