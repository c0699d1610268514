//! Deletes records that are older than the operator wants to keep them. Roll-ups stay.
//!
//! Works in small steps: one long delete would hold up the writer and swell the write-ahead log.

use std::time::Duration;

use sqlx::{AssertSqlSafe, SqlitePool};
use tokio::time::sleep;

use super::StoreError;
use crate::domain::Timestamp;

/// Records in one transaction. The writer waits for one such chunk at most: it takes its turn at every pause.
/// With 500 its waits were half as long again at p99 (docs/store.md).
const CHUNK: i64 = 200;
const PAUSE: Duration = Duration::from_millis(5);
const INTERVAL: Duration = Duration::from_mins(10);
const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;

/// Deletes what is older than `days`, now and every ten minutes.
pub(super) async fn run(writer: SqlitePool, days: u32) {
    loop {
        let before = Timestamp::now().unix_us - i64::from(days) * DAY_US;
        match delete_before(&writer, before).await {
            Ok(0) => {}
            Ok(records) => tracing::info!(records, days, "old records deleted"),
            Err(error) => tracing::error!(%error, "old records could not be deleted"),
        }
        if let Err(error) = forget_before(&writer, before).await {
            tracing::error!(%error, "old incidents and signals could not be deleted");
        }
        sleep(INTERVAL).await;
    }
}

/// Deletes records that began before `before` and returns how many there were.
pub(super) async fn delete_before(writer: &SqlitePool, before: i64) -> Result<u64, StoreError> {
    let mut deleted = 0;
    loop {
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query(
            "DELETE FROM attempts WHERE record_seq IN
                 (SELECT seq FROM records WHERE started_at < ? ORDER BY started_at, seq LIMIT ?)",
        )
        .bind(before)
        .bind(CHUNK)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "DELETE FROM routes WHERE record_seq IN
                 (SELECT seq FROM records WHERE started_at < ? ORDER BY started_at, seq LIMIT ?)",
        )
        .bind(before)
        .bind(CHUNK)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "DELETE FROM record_tags WHERE (key, value, started_at, seq) IN
                 (SELECT tag.key, tag.value, old.started_at, old.seq
                  FROM (SELECT seq, started_at, tags FROM records WHERE started_at < ?
                        ORDER BY started_at, seq LIMIT ?) AS old, json_each(old.tags) AS tag)",
        )
        .bind(before)
        .bind(CHUNK)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "DELETE FROM finding_kinds WHERE (kind, started_at, seq) IN
                 (SELECT found.kind, old.started_at, old.seq
                  FROM (SELECT seq, started_at FROM records WHERE started_at < ? ORDER BY started_at, seq LIMIT ?) AS old
                  JOIN findings AS found ON found.record_seq = old.seq)",
        )
        .bind(before)
        .bind(CHUNK)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "DELETE FROM findings WHERE record_seq IN
                 (SELECT seq FROM records WHERE started_at < ? ORDER BY started_at, seq LIMIT ?)",
        )
        .bind(before)
        .bind(CHUNK)
        .execute(&mut *transaction)
        .await?;
        let chunk = sqlx::query(
            "DELETE FROM records WHERE seq IN
                 (SELECT seq FROM records WHERE started_at < ? ORDER BY started_at, seq LIMIT ?)",
        )
        .bind(before)
        .bind(CHUNK)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        transaction.commit().await?;
        if chunk == 0 {
            return Ok(deleted);
        }
        deleted += chunk;
        // More pages than the chunk's records took.
        sqlx::query("PRAGMA incremental_vacuum(100)").execute(writer).await?;
        sleep(PAUSE).await;
    }
}

/// Deletes incidents that were over, and signals that were given, before `before`. The signals' sums stay.
async fn forget_before(writer: &SqlitePool, before: i64) -> Result<(), StoreError> {
    // So many incidents at once, each of which may have some hundred rows.
    const INCIDENTS: i64 = 10;
    const OLD: &str = "SELECT seq FROM incidents WHERE closed_at < ? ORDER BY closed_at, seq LIMIT ?";
    loop {
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
        let mut deleted = 0;
        for table in [
            "incident_records WHERE incident_seq",
            "incident_minutes WHERE incident_seq",
            "incident_facets WHERE incident_seq",
            "incidents WHERE seq",
        ] {
            // Constants alone.
            let delete = AssertSqlSafe(format!("DELETE FROM {table} IN ({OLD})"));
            deleted =
                sqlx::query(delete).bind(before).bind(INCIDENTS).execute(&mut *transaction).await?.rows_affected();
        }
        let signals = sqlx::query("DELETE FROM signals WHERE seq IN (SELECT seq FROM signals WHERE at < ? LIMIT ?)")
            .bind(before)
            .bind(CHUNK)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        transaction.commit().await?;
        if deleted == 0 && signals == 0 {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use sqlx::{Executor as _, sqlite::SqliteOperation};

    use super::*;
    use crate::store::file::{Database, File};

    const OLD: i64 = 3 * CHUNK + 17;

    async fn filled(directory: &std::path::Path) -> Database {
        let usage = Database::open(directory, File::Usage, 1).await.unwrap();
        let insert = format!(
            "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {OLD} + 5)
             INSERT INTO records (seq, id, started_at, client_api, endpoint, stream, outcome, attempts, cache,
                 latency_us, usage_estimated, findings, request_bytes, response_bytes)
             SELECT n, unhex(printf('0189000000007000800000%010x', n)), n, 'openai_chat', 'chat_completions', 0, 'ok', 0,
                 'bypass', 1, 0, 0, 0, 0 FROM c"
        );
        usage.writer.execute(AssertSqlSafe(insert)).await.unwrap();
        usage
    }

    #[tokio::test]
    async fn no_transaction_deletes_more_than_a_chunk() {
        let directory = tempfile::tempdir().unwrap();
        let usage = filled(directory.path()).await;
        // Records deleted by each transaction, the last one still open.
        let deleted = Arc::new(Mutex::new(vec![0_i64]));
        {
            let mut connection = usage.writer.acquire().await.unwrap();
            let mut handle = connection.lock_handle().await.unwrap();
            let count = Arc::clone(&deleted);
            handle.set_update_hook(move |change| {
                if change.operation == SqliteOperation::Delete && change.table == "records" {
                    *count.lock().unwrap().last_mut().unwrap() += 1;
                }
            });
            let next = Arc::clone(&deleted);
            handle.set_commit_hook(move || {
                next.lock().unwrap().push(0);
                true
            });
        }
        assert_eq!(delete_before(&usage.writer, OLD + 1).await.unwrap(), OLD.unsigned_abs());
        let deleted = deleted.lock().unwrap().clone();
        assert_eq!(deleted.iter().max(), Some(&CHUNK), "{deleted:?}");
        assert_eq!(deleted.iter().sum::<i64>(), OLD);
    }

    #[tokio::test]
    async fn the_writer_has_its_turn_after_each_chunk() {
        let directory = tempfile::tempdir().unwrap();
        let usage = filled(directory.path()).await;
        let others = usage.writer.clone();
        let watching = tokio::spawn(async move {
            let mut left = Vec::new();
            while left.last() != Some(&5_i64) {
                left.push(sqlx::query_scalar("SELECT count(*) FROM records").fetch_one(&others).await.unwrap());
            }
            left
        });
        delete_before(&usage.writer, OLD + 1).await.unwrap();
        let mut left = watching.await.unwrap();
        left.dedup();
        let after_each: Vec<i64> = (0..=3).map(|chunks| 5 + OLD - chunks * CHUNK).chain([5]).collect();
        assert_eq!(left[left.len() - 4..], after_each[1..]);
    }
}
