//! How the store fails.

use std::path::PathBuf;

/// What went wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The data directory or a file in it cannot be used.
    #[error("cannot use {path}: {source}")]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another process has this data directory open.
    #[error("{path} is in use by another llm-gateway process")]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The linked SQLite lacks a fix that the store depends on.
    #[error("SQLite {found} is too old, at least {needed} is needed")]
    SqliteTooOld {
        /// The linked version.
        found: String,
        /// The oldest version that is safe.
        needed: &'static str,
    },
    /// The file was written by a newer version of llm-gateway.
    #[error(
        "{file} was written by a newer llm-gateway (schema {schema}); start that version, or use another storage.path"
    )]
    NewerSchema {
        /// The file.
        file: &'static str,
        /// Its newest migration.
        schema: i64,
    },
    /// A migration failed.
    #[error("cannot bring {file} up to date: {source}")]
    Migrate {
        /// The file.
        file: &'static str,
        /// Why.
        source: Box<sqlx::migrate::MigrateError>,
    },
    /// SQLite failed.
    #[error("the database failed: {0}")]
    Sqlite(sqlx::Error),
    /// A read was cut off, so that it would not hold the write-ahead log back.
    #[error("the read took too long, ask for a shorter time")]
    TooSlow,
    /// The master key is missing, malformed or not the one the data was encrypted with.
    #[error("the master key cannot be used: {0}")]
    MasterKey(String),
    /// A stored provider key does not decrypt: it was changed or moved.
    #[error("what is stored at {place} of control.db cannot be decrypted")]
    Decrypt {
        /// Table, row and column.
        place: String,
    },
    /// A stored value cannot be read back.
    #[error("{what} in the database cannot be read")]
    Corrupt {
        /// Which value.
        what: &'static str,
    },
    /// SQLite finds fault with a file.
    #[error("{file} is damaged: {found}")]
    Damaged {
        /// The file.
        file: &'static str,
        /// The first fault, in SQLite's words.
        found: String,
    },
    /// There is nothing by that id.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The database could not be written in time when the store was closed.
    #[error("{records} records could not be written before the store was closed")]
    Unwritten {
        /// How many were lost.
        records: u64,
    },
    /// The recorder has been closed.
    #[error("the store is closed")]
    Closed,
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match primary_code(&error) {
            // SQLITE_INTERRUPT: our own deadline, nothing else interrupts.
            Some(9) => Self::TooSlow,
            _ => Self::Sqlite(error),
        }
    }
}

/// SQLite's primary result code, if it was SQLite that failed.
pub(super) fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error()?.code()?;
    code.parse::<u32>().ok().map(|code| code & 0xff)
}
