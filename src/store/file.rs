//! The data directory and its SQLite files: modes, lock, pragmas, migrations.
//!
//! Never leaves a file that others may read, and never touches a file of a newer version.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::fs::FlockOperation;
use sqlx::{
    ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::StoreError;

/// The first release line without the WAL-reset fault.
const OLDEST_SQLITE: (i64, &str) = (3_051_003, "3.51.3");
/// Longest time a single read may take, so that no reader holds the write-ahead log back.
const READ_DEADLINE: Duration = Duration::from_secs(5);

static CONTROL: Migrator = sqlx::migrate!("migrations/sqlite/control");
static USAGE: Migrator = sqlx::migrate!("migrations/sqlite/usage");
static BODIES: Migrator = sqlx::migrate!("migrations/sqlite/bodies");

/// One of the three databases.
#[derive(Clone, Copy, Debug)]
pub(super) enum File {
    /// Keys, providers, sessions.
    Control,
    /// Records and roll-ups.
    Usage,
    /// Bodies, when they are kept.
    Bodies,
}

impl File {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Control, Self::Usage, Self::Bodies];

    /// Its name in the data directory.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Control => "control.db",
            Self::Usage => "usage.db",
            Self::Bodies => "bodies.db",
        }
    }

    fn migrations(self) -> &'static Migrator {
        match self {
            Self::Control => &CONTROL,
            Self::Usage => &USAGE,
            Self::Bodies => &BODIES,
        }
    }
}

/// Makes the directory if it is missing, readable by its owner only.
///
/// An existing one is tightened if it is ours; a directory with foreign files in it (somebody
/// pointed `storage.path` at `/tmp`) keeps its mode, the files are private anyway.
pub(super) fn prepare_directory(path: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::File { path: path.to_owned(), source };
    let ours = match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_none() || path.join(File::Control.name()).exists(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
            true
        }
        Err(error) => return Err(failed(error)),
    };
    if ours && fs::metadata(path).map_err(failed)?.permissions().mode() & 0o777 != 0o700 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed)?;
    }
    Ok(())
}

/// Makes a file that only its owner may read, whatever the umask, and opens it.
pub(super) fn private_file(path: &Path) -> Result<fs::File, StoreError> {
    let failed = |source| StoreError::File { path: path.to_owned(), source };
    let file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    if file.metadata().map_err(failed)?.permissions().mode() & 0o777 != 0o600 {
        file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(failed)?;
    }
    Ok(file)
}

/// Holds the directory for this process.
#[derive(Clone, Debug)]
pub(super) struct Lock(Arc<fs::File>);

impl Lock {
    /// Takes the lock, or says who is in the way.
    pub(super) fn take(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join("lock");
        let file = private_file(&path)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self(Arc::new(file))),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(StoreError::InUse { path: directory.to_owned() }),
            Err(error) => Err(StoreError::File { path, source: error.into() }),
        }
    }

    /// Gives it back before the last clone is dropped.
    pub(super) fn release(&self) {
        // Unlocking a file that we hold open cannot fail in a way that we could act upon.
        let _ = rustix::fs::flock(&*self.0, FlockOperation::Unlock);
    }
}

/// One database: the writer's only connection, and some that can only read.
#[derive(Clone, Debug)]
pub(super) struct Database {
    /// Exactly one connection, so that writers queue here and not in SQLite.
    pub(super) writer: SqlitePool,
    /// Read-only connections; each loan ends after [`READ_DEADLINE`].
    pub(super) readers: SqlitePool,
}

impl Database {
    /// Opens the file, making and migrating it as needed.
    pub(super) async fn open(directory: &Path, file: File, readers: u32) -> Result<Self, StoreError> {
        migrate(directory, file).await?;
        let path = directory.join(file.name());
        let pool = || SqlitePoolOptions::new().test_before_acquire(false).idle_timeout(None).max_lifetime(None);
        let writer = pool()
            .min_connections(1)
            .max_connections(1)
            .before_acquire(|connection, _| Box::pin(is_at_rest(connection)))
            .connect_with(options(&path))
            .await?;
        let readers = pool()
            .max_connections(readers)
            .after_connect(|connection, _| Box::pin(limit_reads(connection)))
            .before_acquire(|connection, _| {
                Box::pin(async move {
                    limit_reads(connection).await?;
                    is_at_rest(connection).await
                })
            })
            .connect_with(read_options(&path))
            .await?;
        Ok(Self { writer, readers })
    }

    /// Read-only connections to a file that exists, which another process may be writing.
    pub(super) async fn read_only(directory: &Path, file: File) -> Result<SqlitePool, StoreError> {
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .after_connect(|connection, _| Box::pin(limit_reads(connection)));
        Ok(pool.connect_with(read_options(&directory.join(file.name()))).await?)
    }

    /// Moves the write-ahead log into the file and closes all connections.
    pub(super) async fn close(&self) -> Result<(), StoreError> {
        self.readers.close().await;
        if !self.writer.is_closed() {
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.writer).await?;
        }
        self.writer.close().await;
        Ok(())
    }
}

/// A read-only look into a file before anything may change it; `None` when there is none yet.
pub(super) async fn look_into(directory: &Path, file: File) -> Result<Option<SqliteConnection>, StoreError> {
    let path = directory.join(file.name());
    if fs::metadata(&path).map_or(true, |metadata| metadata.len() == 0) {
        return Ok(None);
    }
    Ok(Some(read_options(&path).connect().await?))
}

/// A connection that reads and may take its time, to copy the whole file elsewhere. `query_only` is off,
/// because it would forbid writing the copy too.
pub(super) async fn read_uncapped(directory: &Path, file: File) -> Result<SqliteConnection, StoreError> {
    Ok(shared_options(&directory.join(file.name())).read_only(true).connect().await?)
}

/// Brings one file's schema up to date and leaves no connection open.
pub(super) async fn migrate(directory: &Path, file: File) -> Result<(), StoreError> {
    let path = directory.join(file.name());
    if !path.exists() && make(directory, file).await.is_ok() {
        return Ok(());
    }
    let migrations = file.migrations();
    if let Some(mut connection) = look_into(directory, file).await? {
        let newest = newest_schema(&mut connection).await?;
        connection.close().await?;
        if let Some(schema) = newest.filter(|schema| !migrations.version_exists(*schema)) {
            return Err(StoreError::NewerSchema { file: file.name(), schema });
        }
    }
    drop(private_file(&path)?);
    run_migrations(options(&path), file).await
}

/// Makes a new file beside its place and puts it there whole, so that it has to be synced only once: a dozen
/// syncs were most of the time of a first start. It never replaces a file, whoever made it meanwhile.
async fn make(directory: &Path, file: File) -> Result<(), StoreError> {
    let path = directory.join(file.name());
    let draft = directory.join(format!("{}.{}.new", file.name(), std::process::id()));
    let failed = |source| StoreError::File { path: path.clone(), source };
    let remove_draft = || {
        for name in ["", "-wal", "-shm"] {
            let mut leftover = draft.clone().into_os_string();
            leftover.push(name);
            // Mostly there is none.
            let _ = fs::remove_file(leftover);
        }
    };
    // An earlier process of this number may have left half of one.
    remove_draft();
    let made = async {
        private_file(&draft)?;
        run_migrations(options(&draft).synchronous(SqliteSynchronous::Off), file).await?;
        fs::File::open(&draft).and_then(|file| file.sync_all()).map_err(failed)?;
        fs::hard_link(&draft, &path).map_err(failed)?;
        fs::File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)
    };
    let made = made.await;
    remove_draft();
    made
}

async fn run_migrations(options: SqliteConnectOptions, file: File) -> Result<(), StoreError> {
    let mut connection = options.connect().await?;
    let found: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&mut connection).await?;
    require_sqlite(found)?;
    file.migrations()
        .run_direct(None, &mut connection, false)
        .await
        .map_err(|source| StoreError::Migrate { file: file.name(), source: Box::new(source) })?;
    Ok(connection.close().await?)
}

async fn newest_schema(connection: &mut SqliteConnection) -> Result<Option<i64>, StoreError> {
    if !has_table(connection, "_sqlx_migrations").await? {
        return Ok(None);
    }
    Ok(sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(connection).await?)
}

/// Whether the database has a table of that name.
pub(super) async fn has_table(connection: &mut SqliteConnection, name: &str) -> Result<bool, StoreError> {
    let query = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?)");
    Ok(query.bind(name).fetch_one(connection).await?)
}

/// Whether a table of this name is there and has this column.
pub(super) async fn has_column(
    connection: &mut SqliteConnection,
    table: &str,
    column: &str,
) -> Result<bool, StoreError> {
    let query = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pragma_table_info(?) WHERE name = ?)");
    Ok(query.bind(table).bind(column).fetch_one(connection).await?)
}

fn require_sqlite(found: String) -> Result<(), StoreError> {
    if version_number(&found) < OLDEST_SQLITE.0 {
        return Err(StoreError::SqliteTooOld { found, needed: OLDEST_SQLITE.1 });
    }
    Ok(())
}

fn version_number(text: &str) -> i64 {
    text.split('.').chain(["0"; 3]).take(3).fold(0, |sum, part| sum * 1_000 + part.parse::<i64>().unwrap_or(0))
}

fn options(path: &Path) -> SqliteConnectOptions {
    shared_options(path)
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL costs one fsync per commit. Records are committed in groups, so it is cheap for them too.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("journal_size_limit", "67108864")
        .pragma("secure_delete", "FAST")
}

/// A read-only connection may set nothing that is kept in the file.
fn read_options(path: &Path) -> SqliteConnectOptions {
    shared_options(path).read_only(true).pragma("query_only", "ON")
}

fn shared_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(PathBuf::from(path))
        .busy_timeout(Duration::from_secs(5))
        .pragma("trusted_schema", "OFF")
        .thread_name(|number| format!("sqlite-{number}"))
        .disable_statement_logging()
}

/// Whether a connection can begin a transaction. When the disk fails, SQLite rolls back by itself, which its
/// driver does not learn: it would count the connection as busy for ever. Such a one is replaced.
async fn is_at_rest(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    if !connection.is_in_transaction() {
        return Ok(true);
    }
    // A rollback may be under way.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

async fn limit_reads(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let deadline = Instant::now() + READ_DEADLINE;
    connection.lock_handle().await?.set_progress_handler(10_000, move || Instant::now() < deadline);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sqlite_before_the_wal_reset_fix_stops_the_start() {
        for found in ["3.51.2", "3.50.99", "3.8", "2.99.99", "", "nonsense"] {
            let refused = require_sqlite(found.to_owned());
            assert!(matches!(refused, Err(StoreError::SqliteTooOld { needed: "3.51.3", .. })), "{found}");
        }
        for found in ["3.51.3", "3.51.10", "3.53.0", "4.0.0"] {
            assert!(require_sqlite(found.to_owned()).is_ok(), "{found}");
        }
    }
}
