//! Runs a checked statement in a process of its own: the program executes itself with a hidden command, without
//! its environment, and is killed at the deadline. SQL of a question never runs in the gateway.

mod child;
mod functions;
mod protocol;

use std::{path::PathBuf, process::Stdio, sync::Arc, time::Duration};

use rand::Rng as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::Command,
    sync::Semaphore,
};

use super::guard::{self, Refused, Value};
pub use child::run as run_child;
pub use protocol::{Failure, Purse, ROWS_MAX, Rows};
use protocol::{Job, REPLY_BYTES_MAX, Reply};

/// The hidden command of the program.
pub const COMMAND: &str = "run-question";
/// Most statements that run at a time.
const AT_A_TIME: usize = 4;
/// Longest wait for one of these places.
const SEAT_WAIT: Duration = Duration::from_secs(4);
/// What a process may take beyond its statement: to be started, to open the database, to answer.
const GRACE: Duration = Duration::from_millis(500);

/// Runs statements over one usage database. Clones share the places.
#[derive(Clone, Debug)]
pub struct Sandbox {
    program: PathBuf,
    database: PathBuf,
    seats: Arc<Semaphore>,
}

/// What a statement sees besides the usage database.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Ids of keys and their labels.
    pub key_labels: Vec<(String, String)>,
    /// Budgets in their running period.
    pub purses: Vec<Purse>,
}

/// Why a statement was not run, or not to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SandboxError {
    /// The guard did not let it pass.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// It ran and failed.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// Others run at present.
    #[error("other questions are being answered; try again in a moment")]
    Busy,
}

/// What came of a statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The rows.
    pub rows: Rows,
    /// The statement as it ran, without the values that were bound.
    pub ran: String,
}

impl Sandbox {
    /// Over `database`, in processes of `program`, which must answer to [`COMMAND`].
    pub fn new(program: PathBuf, database: PathBuf) -> Self {
        // Half of the processors at most: the others are there for requests.
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let seats = (cores / 2).clamp(1, AT_A_TIME);
        Self { program, database, seats: Arc::new(Semaphore::new(seats)) }
    }

    /// The program that this process runs, however its file was replaced since.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn own_program() -> std::io::Result<PathBuf> {
        let link = PathBuf::from("/proc/self/exe");
        if link.exists() { Ok(link) } else { std::env::current_exe() }
    }

    /// Checks a statement, whose `?1`, `?2`, … stand for `values`, and runs it for `deadline` at most.
    ///
    /// # Errors
    /// See [`SandboxError`]; none names anything but the views and what the statement's writer wrote.
    pub async fn run(
        &self,
        sql: &str,
        values: &[Value],
        surroundings: &Surroundings,
        deadline: Duration,
    ) -> Result<Outcome, SandboxError> {
        let token = hex::encode(rand::rng().random::<[u8; 8]>());
        let checked = guard::check(sql, values, &token)?;
        let ran = checked.sql.replace(&format!("v_{token}_"), "").replace(&format!("own_{token}_"), "");
        let needs = |view: &str| checked.views.contains(&view);
        let job = Job {
            database: self.database.clone(),
            views: checked.views.iter().map(ToString::to_string).collect(),
            key_labels: surroundings.key_labels.clone(),
            purses: if needs("budgets") { surroundings.purses.clone() } else { Vec::new() },
            token,
            sql: checked.sql,
            values: checked.values,
            deadline,
        };
        let seat = tokio::time::timeout(SEAT_WAIT, self.seats.acquire()).await;
        let Ok(Ok(_seat)) = seat else { return Err(SandboxError::Busy) };
        Ok(Outcome { rows: self.in_child(&job).await?, ran })
    }

    async fn in_child(&self, job: &Job) -> Result<Rows, Failure> {
        let talk = async {
            let mut child = Command::new(&self.program)
                .arg(COMMAND)
                .env_clear()
                .current_dir("/")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .kill_on_drop(true)
                .spawn()?;
            let text = serde_json::to_vec(job)?;
            // It reads everything before it says anything.
            if let Some(mut input) = child.stdin.take() {
                input.write_all(&text).await?;
            }
            let mut reply = Vec::new();
            if let Some(output) = child.stdout.take() {
                output.take(4 * REPLY_BYTES_MAX as u64).read_to_end(&mut reply).await?;
            }
            let status = child.wait().await?;
            Ok::<_, std::io::Error>((reply, status))
        };
        match tokio::time::timeout(job.deadline + GRACE, talk).await {
            // The process is killed as the future is dropped.
            Err(_) => Err(Failure::TooSlow),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a question could not be run in a process of its own");
                Err(Failure::Broken)
            }
            Ok(Ok((reply, status))) => match serde_json::from_slice(&reply) {
                Ok(Reply::Done(rows)) => Ok(rows),
                Ok(Reply::Failed(failure)) => Err(failure),
                // Out of memory where SQLite is not asked, or out of processor.
                Err(_) if !status.success() => Err(Failure::TooLarge),
                Err(_) => Err(Failure::Broken),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::{
        strategy::{Strategy as _, ValueTree as _},
        test_runner::TestRunner,
    };

    use super::*;
    use crate::analytics::ask::{compile, compile::tests::any_spec};

    /// A database of the present schema, without rows.
    async fn database() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let storage = crate::config::Storage {
            path: directory.path().join("data"),
            master_key: None,
            retention_days: None,
            spool_wait: Duration::from_millis(20),
            low_disk_bytes: 0,
            ballast_bytes: 0,
        };
        let store = crate::store::open(&storage).await.unwrap();
        let file = crate::store::Store::usage_file(&storage);
        store.close().await.unwrap();
        (directory, file)
    }

    fn job(database: PathBuf, sql: String, values: Vec<Value>, views: Vec<String>) -> Job {
        let deadline = Duration::from_secs(20);
        let (key_labels, purses) = (Vec::new(), Vec::new());
        Job { database, token: "T".to_owned(), sql, values, views, deadline, key_labels, purses }
    }

    #[tokio::test]
    async fn every_spec_runs() {
        let (_directory, file) = database().await;
        let mut runner = TestRunner::deterministic();
        let specs = any_spec().prop_filter("fits", |spec| spec.check().is_ok());
        for _ in 0..400 {
            let spec = specs.new_tree(&mut runner).unwrap().current();
            let query = compile(&spec, 1_795_012_200_000_000, true);
            let checked = guard::check(&query.sql, &query.values, "T").unwrap();
            let views = checked.views.iter().map(ToString::to_string).collect();
            let found = child::answer(&job(file.clone(), checked.sql, checked.values, views));
            let rows = found.unwrap_or_else(|failure| panic!("{failure}: {} for {spec:?}", query.sql));
            assert_eq!(rows.columns.len(), query.columns.len(), "{}", query.sql);
        }
    }

    /// What the guard would never let pass, straight into the sandbox: its own locks hold as well.
    #[tokio::test]
    async fn without_the_guard_the_sandbox_is_locked_still() {
        let (_directory, file) = database().await;
        let run =
            |sql: &str| child::answer(&job(file.clone(), sql.to_owned(), Vec::new(), vec!["requests".to_owned()]));
        assert!(run("SELECT * FROM v_T_requests").is_ok());
        assert!(run("SELECT count(*) FROM v_T_requests").is_ok());
        for sql in [
            "SELECT * FROM records",
            "SELECT max(id) FROM main.records",
            "SELECT * FROM sqlite_master",
            "SELECT count(*) FROM sqlite_master",
            "SELECT * FROM _sqlx_migrations",
            "SELECT count(*) FROM incidents",
            "WITH v AS (SELECT * FROM records) SELECT * FROM v",
            "SELECT * FROM pragma_table_info('records')",
            "SELECT * FROM json_each('[1]')",
            "SELECT * FROM dbstat",
            "SELECT load_extension('x')",
            "SELECT randomblob(10)",
            "SELECT fts3_tokenizer('simple')",
            "PRAGMA query_only = OFF",
            "PRAGMA hard_heap_limit = 1000",
            "PRAGMA table_info(records)",
            "VACUUM INTO 'copy.db'",
            "VACUUM",
            "ATTACH 'other.db' AS other",
            "BEGIN",
            "DELETE FROM records",
            "INSERT INTO key_labels_T VALUES ('a', 'b')",
            "CREATE TEMP TABLE t AS SELECT 1",
            "DROP VIEW v_T_requests",
            "EXPLAIN SELECT * FROM records",
            "SELECT 1; DELETE FROM records",
            "WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t) SELECT max(x) FROM t",
        ] {
            assert!(run(sql).is_err(), "{sql}");
        }
        assert!(!Path::new("copy.db").exists() && !Path::new("other.db").exists());
    }
}
