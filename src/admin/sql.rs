//! `/v1/sql`: runs a statement that somebody wrote over the views of the records, in a process of its own.
//!
//! Its text is audited as it ran, without the values in it; what it found is not.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use axum::{Extension, Json, extract::State};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use super::{
    auth::Admin,
    error::{ApiError, Code, ErrorBody},
    extract::Body,
    state::AdminState,
};
use crate::{
    analytics::ask::{Purse, Sandbox, SandboxError, Surroundings},
    config::Scope,
    domain::Timestamp,
    policy::Policy,
    store::{Action, Deed},
};

const MINUTE: Duration = Duration::from_secs(60);

/// What to run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SqlStatement {
    /// One query in SQLite's dialect, over the views `requests`, `usage`, `attempts`, `incidents`, `route_steps`,
    /// `findings`, `signals` and `budgets`.
    #[schema(example = "SELECT model, sum(cost_usd) AS cost FROM requests GROUP BY model ORDER BY cost DESC")]
    sql: String,
}

/// What a statement found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SqlAnswer)]
pub(super) struct SqlAnswer {
    /// The columns.
    columns: Vec<SqlColumn>,
    /// One value for each column: a number, a text or `null`.
    #[schema(value_type = Vec<Vec<serde_json::Value>>)]
    rows: Vec<Vec<Value>>,
    /// Whether there are more rows than the 1,000 that are shown, or than fit into a mebibyte.
    truncated: bool,
    /// The statement as it ran; `?1`, `?2`, … stand for the texts in it.
    ran: String,
    /// How long it took, to be started and to run.
    took_ms: u64,
}

/// A column.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SqlColumn)]
struct SqlColumn {
    /// Its name.
    name: String,
}

/// Run SQL
///
/// One query, read-only, over the views. It runs in a process of its own that sees nothing else, for
/// `ask.sql_timeout_ms` at most, and answers 1,000 rows at most.
#[utoipa::path(
    post, path = "/v1/sql", operation_id = "runSql", tag = "Ask", request_body = SqlStatement,
    responses(
        (status = 200, description = "What was found", body = SqlAnswer),
        (status = 400, description = "The statement may not run, or failed; the message says why", body = ErrorBody),
        (status = 429, description = "Too many questions in a minute", body = ErrorBody),
        (status = 503, description = "Others run at present, or this gateway answers no questions", body = ErrorBody),
    )
)]
pub(super) async fn run(
    State(state): State<AdminState>,
    Extension(admin): Extension<Admin>,
    Body(statement): Body<SqlStatement>,
) -> Result<Json<SqlAnswer>, ApiError> {
    let policy = state.parts.policy.load();
    let sandbox = admit(&state, &policy).await?;
    let began = Instant::now();
    let outcome = sandbox.run(&statement.sql, &[], &surroundings(&policy), policy.config.ask.sql_timeout).await?;
    let mut deed = Deed::done(Action::SqlRun, None);
    deed.changes.insert("sql".to_owned(), Value::from(outcome.ran.clone()));
    state.parts.store.control.log(&admin.actor(), &deed).await?;
    Ok(Json(SqlAnswer {
        columns: outcome.rows.columns.into_iter().map(|name| SqlColumn { name }).collect(),
        rows: outcome.rows.rows.iter().map(|row| row.iter().map(|value| serde_json::json!(value)).collect()).collect(),
        truncated: outcome.rows.truncated,
        ran: outcome.ran,
        took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
    }))
}

/// Counts a question in, and gives what runs its SQL.
pub(super) async fn admit<'s>(state: &'s AdminState, policy: &Policy) -> Result<&'s Sandbox, ApiError> {
    state.questions.count(policy.config.ask.requests_per_minute).await?;
    state.parts.sandbox.as_ref().ok_or_else(|| {
        ApiError::new(Code::Unavailable, "this gateway was built into another program without a way to run questions")
    })
}

/// What questions see besides the records: names of keys, and budgets.
pub(super) fn surroundings(policy: &Policy) -> Surroundings {
    let now_us = Timestamp::now().unix_us;
    let labels: BTreeMap<_, _> =
        policy.keys.values().filter_map(|key| Some((key.id.to_string(), key.label.as_deref()?.to_owned()))).collect();
    let mut purses = Vec::new();
    for rule in policy.budgets.all() {
        let books = &rule.books;
        let of = |owner: Option<&str>, purse: crate::limits::Purse| Purse {
            name: rule.name.to_string(),
            scope: if books.scope() == Scope::Source { "requester" } else { books.scope().as_str() }.to_owned(),
            owner: owner.map(|owner| match books.scope() {
                Scope::Key => labels.get(owner).cloned().unwrap_or_else(|| owner.to_owned()),
                _ => owner.to_owned(),
            }),
            period: rule.terms.period.as_str().to_owned(),
            limit_microcents: rule.terms.limit.0,
            spent_microcents: purse.spent.saturating_add(purse.assumed),
        };
        match books.subject() {
            Some(subject) => purses.push(of(Some(subject), books.purse(subject, now_us))),
            None if books.scope() == Scope::Global => purses.push(of(None, books.purse("", now_us))),
            None => purses.extend(books.purses(now_us).into_iter().map(|(owner, purse)| of(Some(&owner), purse))),
        }
    }
    Surroundings { key_labels: labels.into_iter().collect(), purses }
}

/// Counts questions in the last minute.
#[derive(Debug, Default)]
pub(super) struct Gauge(Mutex<VecDeque<Instant>>);

impl Gauge {
    async fn count(&self, most: u64) -> Result<(), ApiError> {
        let mut asked = self.0.lock().await;
        while asked.front().is_some_and(|oldest| oldest.elapsed() >= MINUTE) {
            asked.pop_front();
        }
        match asked.front() {
            Some(oldest) if asked.len() as u64 >= most => {
                let secs = MINUTE.saturating_sub(oldest.elapsed()).as_secs() + 1;
                let message = "too many questions in a minute (ask.requests_per_minute)";
                Err(ApiError::retry_after(Code::RateLimitExceeded, message, secs))
            }
            _ => {
                asked.push_back(Instant::now());
                Ok(())
            }
        }
    }
}

impl From<SandboxError> for ApiError {
    fn from(error: SandboxError) -> Self {
        match error {
            SandboxError::Refused(why) => Self::new(Code::SqlRefused, why.to_string()),
            SandboxError::Failed(crate::analytics::ask::Failure::Broken) => {
                Self::new(Code::Internal, "the statement could not be run; the log says why")
            }
            SandboxError::Failed(why) => Self::new(Code::SqlFailed, why.to_string()),
            SandboxError::Busy => Self::retry_after(Code::Unavailable, &error.to_string(), 1),
        }
    }
}
