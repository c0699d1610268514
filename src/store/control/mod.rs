//! Control state: virtual keys, providers added at run time, sessions of the portal, and who changed them.
//!
//! Every write is on disk, and in the audit log, before its function returns. Never gives out a secret twice.

mod audit;
mod breakers;
mod keys;
mod profiles;
mod providers;
mod sessions;

pub use audit::{Action, Actor, AuditEntry, AuditFilter, Deed, Ending, session_id};

use std::{collections::BTreeMap, path::Path, sync::Arc};

use super::{
    StoreError,
    file::{Database, File, Lock},
    seal::Sealer,
};
use crate::{
    config::{BudgetTerms, LimitSet, ProfileBlock, Provider, SanitizationOverride},
    domain::{KeyHash, Secret, Timestamp},
};

/// The control database. Clones share it.
#[derive(Clone, Debug)]
pub struct Control {
    database: Database,
    sealer: Sealer,
    /// Readers of `usage.db`, for when a key was last used; none in the keys command.
    usage: Option<sqlx::SqlitePool>,
    /// Held so that the directory stays ours as long as anything can write; none in the keys command.
    _lock: Option<Lock>,
}

/// What an admin decides about a virtual key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFields {
    /// Shown in records.
    pub label: Option<String>,
    /// Team that its requests are accounted to.
    pub team: Option<String>,
    /// Project that it fixes.
    pub project: Option<String>,
    /// Models it may use; empty means all.
    pub allowed_models: Vec<String>,
    /// Providers it may use; empty means all.
    pub allowed_providers: Vec<String>,
    /// Its own provider keys, by provider id or type.
    pub provider_keys: BTreeMap<String, Secret>,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// What it states over its project's sanitization.
    pub sanitization: Option<SanitizationOverride>,
    /// What it may use, in place of `[limits.per_key]`.
    pub limits: Option<LimitSet>,
    /// What it may spend, besides what `[[budgets]]` say.
    pub budgets: Vec<BudgetTerms>,
    /// The operator's own words about it.
    pub metadata: BTreeMap<String, String>,
}

/// A virtual key as the store keeps it: everything but the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// Public id, `key_` and 20 characters.
    pub id: String,
    /// SHA-256 of the secret.
    pub hash: KeyHash,
    /// What the admin decided.
    pub fields: KeyFields,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its secret was last replaced.
    pub rotated_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Start of the newest request that used it (mirrored from the records, so it may lag a little).
    pub last_used_at: Option<Timestamp>,
}

/// A key and its secret, which is shown this once.
#[derive(Clone, Debug)]
pub struct IssuedKey {
    /// The key.
    pub key: StoredKey,
    /// Its secret.
    pub secret: Secret,
}

/// What becomes of a provider's stored credential when its definition is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// The stored one stays, unless `base_url` changes: then it is cleared.
    Keep,
    /// [`Provider::key`] of the definition replaces it.
    Replace,
}

/// A provider added at run time.
#[derive(Clone, Debug)]
pub struct StoredProvider {
    /// The definition, its key decrypted; its origin is [`crate::config::ProviderOrigin::Api`].
    pub provider: Arc<Provider>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// All control state that the policy is compiled from.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Every virtual key, revoked and expired ones included.
    pub keys: Vec<StoredKey>,
    /// Every provider added at run time.
    pub providers: Vec<Arc<Provider>>,
    /// Every profile made at run time.
    pub profiles: Vec<ProfileBlock>,
}

impl Control {
    /// Opens `control.db`, unless the master key does not fit.
    pub(super) async fn open(directory: &Path, sealer: Sealer, lock: Option<Lock>) -> Result<Self, StoreError> {
        providers::check_master_key(directory, &sealer).await?;
        let database = Database::open(directory, File::Control, 2).await?;
        Ok(Self { database, sealer, usage: None, _lock: lock })
    }

    /// The same, with the usage database to ask when a key was last used.
    pub(super) fn with_usage(self, usage: sqlx::SqlitePool) -> Self {
        Self { usage: Some(usage), ..self }
    }

    /// Everything that [`crate::policy`] compiles.
    ///
    /// # Errors
    /// When the database fails or a stored key does not decrypt.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let providers = self.providers().await?.into_iter().map(|stored| stored.provider).collect();
        Ok(Snapshot { keys: self.keys().await?, providers, profiles: self.profiles().await? })
    }

    /// Counts the changes of keys and providers by any process, so that a running gateway can
    /// notice those that the `keys` command made.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revision(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar("SELECT number FROM revision").fetch_one(&self.database.readers).await?)
    }

    /// A change that others wait for, instead of failing when they find it under way.
    async fn begin(&self) -> Result<sqlx::SqliteTransaction<'static>, StoreError> {
        Ok(self.database.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    pub(super) async fn close(&self) -> Result<(), StoreError> {
        self.database.close().await
    }
}

fn time(unix_us: i64) -> Timestamp {
    Timestamp { unix_us }
}

fn to_json(list: &[String]) -> String {
    serde_json::Value::from(list.to_vec()).to_string()
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str, what: &'static str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Corrupt { what })
}
