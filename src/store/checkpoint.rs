//! Keeps the write-ahead log of `usage.db` small, even when there is always somebody reading.
//!
//! SQLite begins the log anew only at a moment when nobody reads from it. Where readers overlap without end, that
//! moment must be made: readers are let finish (each has a deadline), the next ones wait, and the log is emptied.
//! Never makes the writer wait for a reader.

use std::time::Duration;

use sqlx::SqliteConnection;

use super::{StoreError, disk::Disk, file::Database};

/// A log that is larger is emptied. SQLite itself moves it into the database every 4 MiB, which is enough
/// while readers leave gaps.
const LARGE_BYTES: u64 = 32 * 1024 * 1024;
/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Empties the log of `database` whenever it has become large, for ever.
pub(super) async fn run(database: Database, disk: Disk) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if disk.file_bytes("usage.db-wal") < LARGE_BYTES {
            continue;
        }
        match empty(&database).await {
            Ok(()) => tracing::debug!("the write-ahead log was emptied"),
            Err(error) => tracing::warn!(%error, "the write-ahead log is large and cannot be emptied"),
        }
    }
}

async fn empty(database: &Database) -> Result<(), StoreError> {
    let mut readers = Vec::new();
    for _ in 0..database.readers.options().get_max_connections() {
        readers.push(database.readers.acquire().await?);
    }
    let mut writer = database.writer.acquire().await?;
    // What another process reads meanwhile (a backup) is not waited for: there is a next time.
    sqlx::query("PRAGMA busy_timeout = 0").execute(&mut *writer).await?;
    let emptied = truncate(&mut writer).await;
    sqlx::query("PRAGMA busy_timeout = 5000").execute(&mut *writer).await?;
    drop(readers);
    emptied
}

async fn truncate(writer: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(writer).await?;
    Ok(())
}
