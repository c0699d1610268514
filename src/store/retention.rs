//! Deletes records that are older than the operator wants to keep them. Roll-ups stay.
//!
//! Works in small steps: one long delete would hold up the writer and swell the write-ahead log.

use std::time::Duration;

use sqlx::SqlitePool;
use tokio::time::sleep;

use super::StoreError;
use crate::domain::Timestamp;

/// Records in one transaction. The writer waits for one such chunk at most: it takes its turn at every pause.
const CHUNK: i64 = 500;
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
        sqlx::query("PRAGMA incremental_vacuum(250)").execute(writer).await?;
        sleep(PAUSE).await;
    }
}
