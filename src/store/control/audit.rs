//! The audit log: who changed what, when, and how it ended.
//!
//! A change and its row are one transaction, so there is never one without the other. Rows are
//! only ever appended, and no secret goes into one.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use sqlx::{QueryBuilder, Row as _, SqliteConnection, sqlite::SqliteRow};

use super::{Control, time};
use crate::{domain::Timestamp, store::StoreError};

/// Most rows in one page.
const LARGEST_PAGE: u32 = 1_000;

/// Who changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Anyone on this machine, since no admin credential is configured.
    Open,
    /// The holder of the admin token.
    Token,
    /// A session of the portal, by [`session_id`].
    Session(String),
    /// The command line, on the data directory itself.
    Cli,
    /// The config file, when it is read anew.
    Config,
    /// Someone who could not prove to be the admin.
    Anonymous,
}

impl Actor {
    /// The kinds of actors, as stored.
    pub const KINDS: [&str; 6] = ["open", "token", "session", "cli", "config", "anonymous"];

    const fn kind(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Token => "token",
            Self::Session(_) => "session",
            Self::Cli => "cli",
            Self::Config => "config",
            Self::Anonymous => "anonymous",
        }
    }

    fn id(&self) -> Option<&str> {
        match self {
            Self::Session(id) => Some(id),
            _ => None,
        }
    }
}

/// Names a session without giving its token away.
pub fn session_id(token: &str) -> String {
    let digest = Sha256::new().chain_update(b"llm-gateway session id\0").chain_update(token).finalize();
    format!("ses_{}", hex::encode(digest.get(..8).unwrap_or_default()))
}

/// What can be done to the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A virtual key is made.
    KeyCreate,
    /// A virtual key is changed.
    KeyUpdate,
    /// A virtual key gets a new secret.
    KeyRotate,
    /// A virtual key is revoked.
    KeyRevoke,
    /// A provider is added.
    ProviderCreate,
    /// A provider is changed.
    ProviderUpdate,
    /// A provider is removed.
    ProviderDelete,
    /// A routing profile is made or changed.
    ProfilePut,
    /// A routing profile is removed.
    ProfileDelete,
    /// An incident is acknowledged or written to.
    IncidentUpdate,
    /// Someone signs in to the portal.
    SessionCreate,
    /// Someone signs out of the portal.
    SessionDelete,
    /// The changed config file is read.
    ConfigReload,
    /// A question is asked about the records.
    Ask,
    /// A statement is run over the records.
    SqlRun,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 15] = [
        Self::KeyCreate,
        Self::KeyUpdate,
        Self::KeyRotate,
        Self::KeyRevoke,
        Self::ProviderCreate,
        Self::ProviderUpdate,
        Self::ProviderDelete,
        Self::ProfilePut,
        Self::ProfileDelete,
        Self::IncidentUpdate,
        Self::SessionCreate,
        Self::SessionDelete,
        Self::ConfigReload,
        Self::Ask,
        Self::SqlRun,
    ];

    /// The name, as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeyCreate => "key.create",
            Self::KeyUpdate => "key.update",
            Self::KeyRotate => "key.rotate",
            Self::KeyRevoke => "key.revoke",
            Self::ProviderCreate => "provider.create",
            Self::ProviderUpdate => "provider.update",
            Self::ProviderDelete => "provider.delete",
            Self::ProfilePut => "profile.put",
            Self::ProfileDelete => "profile.delete",
            Self::IncidentUpdate => "incident.update",
            Self::SessionCreate => "session.create",
            Self::SessionDelete => "session.delete",
            Self::ConfigReload => "config.reload",
            Self::Ask => "ask",
            Self::SqlRun => "sql.run",
        }
    }
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was done.
    Ok,
    /// The caller asked for what cannot be had; the stable code of the answer.
    Refused(String),
    /// The gateway itself failed; the stable code of the answer.
    Failed(String),
}

impl Ending {
    /// The outcomes, as stored.
    pub const OUTCOMES: [&str; 3] = ["ok", "refused", "failed"];
}

/// One thing done or tried, before it is written down.
#[derive(Clone, Debug)]
pub struct Deed {
    /// What.
    pub action: Action,
    /// The id of what it was done to.
    pub target: Option<String>,
    /// How it ended.
    pub ending: Ending,
    /// Field by field, what it was and became.
    pub changes: Map<String, Value>,
}

impl Deed {
    /// Something that was done.
    pub fn done(action: Action, target: Option<&str>) -> Self {
        Self { action, target: target.map(str::to_owned), ending: Ending::Ok, changes: Map::new() }
    }

    /// Something that was not done.
    pub fn undone(action: Action, target: Option<&str>, ending: Ending) -> Self {
        Self { ending, ..Self::done(action, target) }
    }

    /// The same with what it was and became, two JSON objects, from which secrets were left out.
    pub(super) fn between(mut self, before: Option<&str>, after: Option<&str>) -> Self {
        let object = |text: Option<&str>| -> Map<String, Value> {
            text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
        };
        let (mut before, after) = (object(before), object(after));
        for (field, to) in after {
            let from = before.remove(&field).unwrap_or_default();
            self.note(field, from, to);
        }
        for (field, from) in before {
            self.note(field, from, Value::Null);
        }
        self
    }

    /// The same with a secret that was replaced by another.
    pub(super) fn replacing(mut self, secret: &str) -> Self {
        self.changes.insert(secret.to_owned(), Value::from("replaced"));
        self
    }

    fn note(&mut self, field: String, from: Value, to: Value) {
        if from != to {
            self.changes.insert(field, serde_json::json!({"from": from, "to": to}));
        }
    }
}

/// A row of the audit log.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// Its place: later rows have higher numbers.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// One of [`Actor::KINDS`].
    pub actor: String,
    /// Which session.
    pub actor_id: Option<String>,
    /// [`Action::as_str`].
    pub action: String,
    /// The id of what it was done to.
    pub target: Option<String>,
    /// One of [`Ending::OUTCOMES`].
    pub outcome: String,
    /// The stable code of the answer, if it was not done.
    pub error_code: Option<String>,
    /// Field by field, what it was and became.
    pub changes: Map<String, Value>,
}

/// Which rows; a field that is `None` lets all pass.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Kind of actor.
    pub actor: Option<String>,
    /// Which session.
    pub actor_id: Option<String>,
    /// Name of the action.
    pub action: Option<String>,
    /// Id of the target.
    pub target: Option<String>,
    /// Outcome.
    pub outcome: Option<String>,
    /// Earliest moment.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
}

impl Control {
    /// Writes down what is not a change of this database: a refusal, or a config that is taken over.
    ///
    /// # Errors
    /// When the database fails; then what was to be written down must not happen.
    pub async fn log(&self, actor: &Actor, deed: &Deed) -> Result<(), StoreError> {
        let mut writer = self.database.writer.acquire().await?;
        append(&mut writer, actor, deed).await
    }

    /// One page of the audit log, newest first, before the row `before`; whether there is more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit(
        &self,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<(Vec<AuditEntry>, bool), StoreError> {
        let limit = limit.clamp(1, LARGEST_PAGE);
        let mut query = QueryBuilder::new("SELECT * FROM audit WHERE true");
        for (condition, value) in [
            (" AND actor = ", &filter.actor),
            (" AND actor_id = ", &filter.actor_id),
            (" AND action = ", &filter.action),
            (" AND target = ", &filter.target),
            (" AND outcome = ", &filter.outcome),
        ] {
            if let Some(value) = value {
                query.push(condition).push_bind(value.as_str());
            }
        }
        for (condition, value) in [
            (" AND seq < ", before),
            (" AND at >= ", filter.from.map(|at| at.unix_us)),
            (" AND at < ", filter.to.map(|at| at.unix_us)),
        ] {
            if let Some(value) = value {
                query.push(condition).push_bind(value);
            }
        }
        // One more than asked tells whether there is a next page.
        query.push(" ORDER BY seq DESC LIMIT ").push_bind(i64::from(limit) + 1);
        let rows = query.build().fetch_all(&self.database.readers).await?;
        let mut entries = rows.iter().map(read_entry).collect::<Result<Vec<_>, _>>()?;
        let more = entries.len() > limit as usize;
        entries.truncate(limit as usize);
        Ok((entries, more))
    }
}

/// Appends a row, in the transaction of the change where there is one.
pub(super) async fn append(connection: &mut SqliteConnection, actor: &Actor, deed: &Deed) -> Result<(), StoreError> {
    let (outcome, error_code) = match &deed.ending {
        Ending::Ok => ("ok", None),
        Ending::Refused(code) => ("refused", Some(code)),
        Ending::Failed(code) => ("failed", Some(code)),
    };
    sqlx::query(
        "INSERT INTO audit (at, actor, actor_id, action, target, outcome, error_code, changes)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(Timestamp::now().unix_us)
    .bind(actor.kind())
    .bind(actor.id())
    .bind(deed.action.as_str())
    .bind(deed.target.as_deref())
    .bind(outcome)
    .bind(error_code)
    .bind(Value::Object(deed.changes.clone()).to_string())
    .execute(connection)
    .await?;
    Ok(())
}

fn read_entry(row: &SqliteRow) -> Result<AuditEntry, StoreError> {
    let changes = serde_json::from_str(row.try_get("changes")?);
    Ok(AuditEntry {
        seq: row.try_get("seq")?,
        at: time(row.try_get("at")?),
        actor: row.try_get("actor")?,
        actor_id: row.try_get("actor_id")?,
        action: row.try_get("action")?,
        target: row.try_get("target")?,
        outcome: row.try_get("outcome")?,
        error_code: row.try_get("error_code")?,
        changes: changes.map_err(|_| StoreError::Corrupt { what: "an audit row's changes" })?,
    })
}
