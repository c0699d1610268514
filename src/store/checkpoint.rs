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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::store::file::{File, read_uncapped};

    async fn filled(directory: &Path) -> Database {
        let usage = Database::open(directory, File::Usage, 2).await.unwrap();
        write(&usage).await;
        assert!(log_bytes(directory) > 0);
        usage
    }

    async fn write(usage: &Database) {
        sqlx::query("INSERT OR REPLACE INTO seen VALUES ('project', 'p', random(), 2)")
            .execute(&usage.writer)
            .await
            .unwrap();
    }

    fn log_bytes(directory: &Path) -> u64 {
        std::fs::metadata(directory.join("usage.db-wal")).unwrap().len()
    }

    #[tokio::test]
    async fn the_log_is_emptied_although_there_is_always_somebody_reading() {
        let directory = tempfile::tempdir().unwrap();
        let usage = filled(directory.path()).await;
        // Each begins before the one before has ended.
        let readers: Vec<_> = (0..4)
            .map(|number| {
                let readers = usage.readers.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(number * 10)).await;
                    loop {
                        let mut read = readers.begin().await.unwrap();
                        sqlx::query("SELECT count(*) FROM seen").execute(&mut *read).await.unwrap();
                        tokio::time::sleep(Duration::from_millis(40)).await;
                    }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(60)).await;
        empty(&usage).await.unwrap();
        assert_eq!(log_bytes(directory.path()), 0);
        readers.iter().for_each(tokio::task::JoinHandle::abort);
        write(&usage).await;
    }

    #[tokio::test]
    async fn a_reader_of_another_process_holds_nobody_up() {
        let directory = tempfile::tempdir().unwrap();
        let usage = filled(directory.path()).await;
        let mut backup = read_uncapped(directory.path(), File::Usage).await.unwrap();
        sqlx::raw_sql("BEGIN; SELECT count(*) FROM seen;").execute(&mut backup).await.unwrap();
        write(&usage).await;
        empty(&usage).await.unwrap();
        assert!(log_bytes(directory.path()) > 0, "what is being read was taken away");
        write(&usage).await;
        sqlx::raw_sql("COMMIT").execute(&mut backup).await.unwrap();
        empty(&usage).await.unwrap();
        assert_eq!(log_bytes(directory.path()), 0);
    }
}
