//! The process that runs one statement and ends. It trusts nothing of what it runs: limits of the system come
//! first, then a connection that cannot write, then an authorizer that denies what is not listed.

use std::{
    collections::HashSet,
    io::{Read as _, Write as _},
    path::Path,
    time::{Duration, Instant},
};

use rusqlite::{
    Connection, OpenFlags, Statement,
    config::DbConfig,
    hooks::{AuthAction, AuthContext, Authorization},
    limits::Limit,
    types::ValueRef,
};
use rustix::process::{Resource, Rlimit, nice, setrlimit};

use super::{
    functions,
    protocol::{Failure, Job, MEMORY_BYTES_MAX, Purse, REPLY_BYTES_MAX, ROWS_MAX, Reply, Rows},
};
use crate::analytics::ask::{guard::Value, views};

/// Most bytes of a job.
const JOB_BYTES_MAX: u64 = 8 << 20;
/// Longest statement that SQLite reads: the views are longer than what they are read by.
const SQL_BYTES_MAX: i32 = 60_000;

/// The whole life of the process: a job from standard input, its reply to standard output.
///
/// # Errors
/// When limits cannot be set, or the gateway does not listen any more.
pub fn run() -> std::io::Result<()> {
    limit_process()?;
    let mut text = Vec::new();
    std::io::stdin().lock().take(JOB_BYTES_MAX).read_to_end(&mut text)?;
    let reply = match serde_json::from_slice::<Job>(&text) {
        Ok(job) => answer(&job).map_or_else(Reply::Failed, Reply::Done),
        Err(_) => Reply::Failed(Failure::Broken),
    };
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, &reply)?;
    out.flush()
}

/// Before anything is opened: little memory, some seconds of processor, no file to speak of, no memory image.
fn limit_process() -> std::io::Result<()> {
    let limits = [
        (Resource::As, MEMORY_BYTES_MAX),
        (Resource::Cpu, 5),
        // The shared index of the write-ahead log is all that a reader may have to make.
        (Resource::Fsize, 1 << 20),
        (Resource::Nofile, 16),
        (Resource::Core, 0),
    ];
    for (resource, most) in limits {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    // Requests come first. A system that does not let us is as good without.
    let _ = nice(19);
    Ok(())
}

pub(super) fn answer(job: &Job) -> Result<Rows, Failure> {
    let connection = open(&job.database).map_err(|_| Failure::Broken)?;
    furnish(&connection, job).map_err(|_| Failure::Broken)?;
    restrict(&connection, job).map_err(|_| Failure::Broken)?;
    let run = || -> Result<Rows, Failure> {
        let wrong = |error: rusqlite::Error| failure(&error, &job.token);
        refuse_unbounded(&connection, job)?;
        let mut statement = connection.prepare(&job.sql).map_err(wrong)?;
        if !statement.readonly() || statement.column_count() == 0 {
            return Err(Failure::Wrong("only queries may run".to_owned()));
        }
        bind(&mut statement, &job.values).map_err(wrong)?;
        read(statement).map_err(wrong)
    };
    run()
}

fn open(database: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(database, flags)?;
    connection.busy_timeout(Duration::from_secs(1))?;
    for (setting, value) in [("temp_store", 2), ("cell_size_check", 1), ("mmap_size", 0), ("cache_size", -8_192)] {
        connection.pragma_update(None, setting, value)?;
    }
    Ok(connection)
}

/// What is the run's own: functions, tables in memory, and the views.
fn furnish(connection: &Connection, job: &Job) -> rusqlite::Result<()> {
    functions::register(connection)?;
    let token = &job.token;
    connection.execute_batch(&format!(
        "CREATE TEMP TABLE key_labels_{token} (key_id TEXT PRIMARY KEY, label TEXT) WITHOUT ROWID;
         CREATE TEMP TABLE purses_{token} (name, scope, owner, period, limit_microcents INTEGER, spent_microcents INTEGER);"
    ))?;
    let mut insert = connection.prepare(&format!("INSERT OR REPLACE INTO key_labels_{token} VALUES (?1, ?2)"))?;
    for label in &job.key_labels {
        insert.execute([&label.0, &label.1])?;
    }
    // Keys that are gone, by the label that they bore last.
    connection.execute_batch(&format!(
        "INSERT OR IGNORE INTO key_labels_{token} SELECT key_id, label FROM (
             SELECT d.key_id AS key_id, (SELECT r.key_label FROM main.records AS r INDEXED BY records_dimension
                 WHERE r.dimension_id = d.id ORDER BY r.started_at DESC LIMIT 1) AS label
             FROM main.dimensions AS d
             WHERE d.key_id <> '' AND d.key_id NOT IN (SELECT key_id FROM key_labels_{token})
         ) WHERE label IS NOT NULL"
    ))?;
    let mut insert = connection.prepare(&format!("INSERT INTO purses_{token} VALUES (?1, ?2, ?3, ?4, ?5, ?6)"))?;
    for Purse { name, scope, owner, period, limit_microcents, spent_microcents } in &job.purses {
        insert.execute((name, scope, owner, period, limit_microcents, spent_microcents))?;
    }
    for view in job.views.iter().filter_map(|name| views::find(name)) {
        connection.execute_batch(&view.create(token))?;
    }
    Ok(())
}

/// From here on the connection can do nothing but read the views.
fn restrict(connection: &Connection, job: &Job) -> rusqlite::Result<()> {
    for setting in ["query_only", "defer_foreign_keys"] {
        connection.pragma_update(None, setting, 1)?;
    }
    for (setting, is_on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, false),
    ] {
        connection.set_db_config(setting, is_on)?;
    }
    for (limit, most) in [
        (Limit::SQLITE_LIMIT_LENGTH, 65_536),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, SQL_BYTES_MAX),
        (Limit::SQLITE_LIMIT_COLUMN, 100),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 60),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 10),
        (Limit::SQLITE_LIMIT_VDBE_OP, 25_000),
        (Limit::SQLITE_LIMIT_FUNCTION_ARG, 32),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50),
        (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 400),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        connection.set_limit(limit, most)?;
    }
    let watch = Watch::new(job);
    connection.authorizer(Some(
        move |asked: AuthContext<'_>| {
            if watch.allows(&asked) { Authorization::Allow } else { Authorization::Deny }
        },
    ))?;
    let end = Instant::now() + job.deadline;
    connection.progress_handler(1_000, Some(move || Instant::now() >= end))
}

/// What a statement may touch.
struct Watch {
    token: String,
    /// Running names of the views of this run, and the views.
    views: Vec<(String, &'static views::View)>,
}

impl Watch {
    fn new(job: &Job) -> Self {
        let views = job.views.iter().filter_map(|name| views::find(name));
        let named = views.map(|view| (views::running_name(&job.token, view.name), view));
        Self { token: job.token.clone(), views: named.collect() }
    }

    fn allows(&self, asked: &AuthContext<'_>) -> bool {
        match asked.action {
            AuthAction::Select => true,
            AuthAction::Function { function_name } => views::is_known_function(function_name),
            AuthAction::Read { table_name, column_name } => self.may_read(table_name, column_name, asked.accessor),
            _ => false,
        }
    }

    fn may_read(&self, table: &str, column: &str, accessor: Option<&str>) -> bool {
        // A table of the statement's own reads what the statement may.
        let own = format!("own_{}_", self.token);
        if let Some(accessor) = accessor.filter(|accessor| !accessor.starts_with(&own)) {
            // The views' names cannot be known to whoever wrote the statement, so none of his tables bears one.
            let view = self.views.iter().find(|(name, _)| name == accessor);
            return view.is_some_and(|(_, view)| view.reads(table, &self.token));
        }
        let is_own = self.views.iter().any(|(name, _)| name == table);
        // `count(*)` is told as reading nothing of a table, of a base table too where it counts a view. The guard
        // lets no statement name a base table.
        let is_count = column.is_empty()
            && (table.starts_with(&own) || self.views.iter().any(|(_, view)| view.reads(table, &self.token)));
        is_own || is_count
    }
}

/// Refuses plans that scan one base table within the scan of another.
fn refuse_unbounded(connection: &Connection, job: &Job) -> Result<(), Failure> {
    let wrong = |error: rusqlite::Error| failure(&error, &job.token);
    let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", job.sql)).map_err(wrong)?;
    bind(&mut plan, &job.values).map_err(wrong)?;
    let mut rows = plan.raw_query();
    let mut scanning = HashSet::new();
    while let Some(row) = rows.next().map_err(wrong)? {
        let (parent, detail): (i64, String) = (row.get(1).map_err(wrong)?, row.get(3).map_err(wrong)?);
        // Only the first is a loop over all; a table function reads its own rows.
        let is_scan = detail.strip_prefix("SCAN ").is_some_and(|table| {
            let table = table.split(' ').next().unwrap_or_default();
            ["zq", "zs", "zu", "za", "zr", "zb"].contains(&table)
        });
        if is_scan && !scanning.insert(parent) {
            return Err(Failure::Unbounded);
        }
    }
    Ok(())
}

fn bind(statement: &mut Statement<'_>, values: &[Value]) -> rusqlite::Result<()> {
    // A value may be in no part of the statement.
    let asked = statement.parameter_count();
    for (number, value) in values.iter().enumerate().take(asked) {
        match value {
            Value::Null => statement.raw_bind_parameter(number + 1, rusqlite::types::Null)?,
            Value::Integer(value) => statement.raw_bind_parameter(number + 1, value)?,
            Value::Real(value) => statement.raw_bind_parameter(number + 1, value)?,
            Value::Text(value) => statement.raw_bind_parameter(number + 1, value)?,
        }
    }
    Ok(())
}

fn read(mut statement: Statement<'_>) -> rusqlite::Result<Rows> {
    let columns: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
    let width = columns.len();
    let mut found = Rows { columns, ..Rows::default() };
    let mut bytes = 0;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        if found.rows.len() >= ROWS_MAX {
            found.truncated = true;
            break;
        }
        let values = (0..width).map(|place| row.get_ref(place).map(value)).collect::<Result<Vec<_>, _>>()?;
        bytes += values.iter().map(size).sum::<usize>();
        if bytes > REPLY_BYTES_MAX {
            found.truncated = true;
            break;
        }
        found.rows.push(values);
    }
    Ok(found)
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        // Histograms are not for people.
        ValueRef::Null | ValueRef::Blob(_) => Value::Null,
        ValueRef::Integer(value) => Value::Integer(value),
        ValueRef::Real(value) if value.is_finite() => Value::Real(value),
        ValueRef::Real(_) => Value::Null,
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
    }
}

/// About as long as it is in JSON.
fn size(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.bytes().map(|byte| if byte < 0x20 { 6 } else { 1 }).sum::<usize>() + 3,
        _ => 12,
    }
}

/// What may be told of an error: only what its writer wrote.
fn failure(error: &rusqlite::Error, token: &str) -> Failure {
    use rusqlite::ErrorCode;
    const TOLD: [&str; 12] = [
        "no such column: ",
        "no such table: own_",
        "ambiguous column name: ",
        "misuse of ",
        "wrong number of arguments to function ",
        "near \"",
        "aggregate functions are not allowed",
        "HAVING clause on a non-aggregate",
        "SELECTs to the left and right",
        "a GROUP BY clause is required",
        "sub-select returns",
        "row value misused",
    ];
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => return Failure::TooSlow,
        Some(ErrorCode::OutOfMemory) => return Failure::TooLarge,
        Some(ErrorCode::TooBig) => return Failure::Wrong("a text or the statement is too long".to_owned()),
        Some(ErrorCode::DatabaseBusy | ErrorCode::CannotOpen | ErrorCode::DiskFull | ErrorCode::SystemIoFailure) => {
            return Failure::Broken;
        }
        _ => {}
    }
    let text = match error {
        rusqlite::Error::SqliteFailure(_, Some(text)) => text.as_str(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.as_str(),
        _ => "",
    };
    let is_told = TOLD.iter().any(|begin| text.starts_with(begin)) && !text.contains("main.");
    let text = if is_told { text } else { "it cannot be run as it is written" };
    let shown = text.replace(&format!("own_{token}_"), "").replace(&format!("v_{token}_"), "");
    Failure::Wrong(shown.chars().take(300).collect())
}
