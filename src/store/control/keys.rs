//! Virtual keys: made, listed, rotated, revoked. Only the hash of a secret is ever stored.

use std::collections::{BTreeMap, HashMap};

use rand::RngCore as _;
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use super::{Action, Actor, Control, Deed, IssuedKey, KeyFields, StoredKey, audit::append, from_json, time, to_json};
use crate::{
    config::{BudgetTerms, LimitSet, SanitizationOverride},
    domain::{KeyHash, Secret, Timestamp, VirtualKey},
    store::{StoreError, seal::Sealed},
};

impl Control {
    /// Makes a key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn create_key(&self, actor: &Actor, fields: KeyFields) -> Result<IssuedKey, StoreError> {
        let (secret, hash) = new_secret();
        let id = new_id();
        let own = self.seal_keys(&id, &fields)?;
        let mut transaction = self.begin().await?;
        sqlx::query(
            "INSERT INTO keys (id, hash, label, team, project, allowed_models, allowed_providers, expires_at,
                               sanitization, limits, budgets, metadata, provider_keys,
                               provider_keys_master_key_id, provider_key_names, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&id)
        .bind(hash.0.to_vec())
        .bind(&fields.label)
        .bind(&fields.team)
        .bind(&fields.project)
        .bind(to_json(&fields.allowed_models))
        .bind(to_json(&fields.allowed_providers))
        .bind(fields.expires_at.map(|at| at.unix_us))
        .bind(rules_text(&fields))
        .bind(limits_text(&fields))
        .bind(budgets_text(&fields))
        .bind(metadata_text(&fields))
        .bind(own.sealed)
        .bind(own.master_key_id)
        .bind(own.names)
        .bind(Timestamp::now().unix_us)
        .execute(&mut *transaction)
        .await?;
        let after = describe(&mut transaction, &id).await?;
        let deed = Deed::done(Action::KeyCreate, Some(&id)).between(None, after.as_deref());
        append(&mut transaction, actor, &deed).await?;
        transaction.commit().await?;
        Ok(IssuedKey { key: self.key(&id).await?, secret })
    }

    /// All keys, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        let rows =
            sqlx::query("SELECT * FROM keys ORDER BY created_at DESC, id").fetch_all(&self.database.readers).await?;
        let mut keys = rows.iter().map(|row| self.read_key(row)).collect::<Result<Vec<_>, _>>()?;
        let mut used = self.last_used().await?;
        keys.iter_mut().for_each(|key| key.last_used_at = used.remove(&key.id));
        Ok(keys)
    }

    /// One key by its id.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or when the database fails.
    pub async fn key(&self, id: &str) -> Result<StoredKey, StoreError> {
        let row = sqlx::query("SELECT * FROM keys WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.database.readers)
            .await?
            .ok_or(StoreError::NotFound("key"))?;
        let mut key = self.read_key(&row)?;
        if let Some(usage) = &self.usage {
            key.last_used_at = sqlx::query_scalar("SELECT last_seen_at FROM seen WHERE kind = 'key' AND name = ?")
                .bind(id)
                .fetch_optional(usage)
                .await?
                .map(time);
        }
        Ok(key)
    }

    /// Replaces what the admin decided about a key.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or when the database fails.
    pub async fn update_key(&self, actor: &Actor, id: &str, fields: KeyFields) -> Result<StoredKey, StoreError> {
        let own = self.seal_keys(id, &fields)?;
        let is_new_secret = self.key(id).await?.fields.provider_keys != fields.provider_keys;
        let mut transaction = self.begin().await?;
        let before = describe(&mut transaction, id).await?;
        let done = sqlx::query(
            "UPDATE keys SET label = ?, team = ?, project = ?, allowed_models = ?, allowed_providers = ?, expires_at = ?,
                             sanitization = ?, limits = ?, budgets = ?, metadata = ?, provider_keys = ?,
                             provider_keys_master_key_id = ?, provider_key_names = ?
             WHERE id = ?",
        )
        .bind(&fields.label)
        .bind(&fields.team)
        .bind(&fields.project)
        .bind(to_json(&fields.allowed_models))
        .bind(to_json(&fields.allowed_providers))
        .bind(fields.expires_at.map(|at| at.unix_us))
        .bind(rules_text(&fields))
        .bind(limits_text(&fields))
        .bind(budgets_text(&fields))
        .bind(metadata_text(&fields))
        .bind(own.sealed)
        .bind(own.master_key_id)
        .bind(own.names)
        .bind(id)
        .execute(&mut *transaction)
        .await?;
        found(done.rows_affected())?;
        let after = describe(&mut transaction, id).await?;
        let deed = Deed::done(Action::KeyUpdate, Some(id)).between(before.as_deref(), after.as_deref());
        let deed = if is_new_secret { deed.replacing("provider_keys") } else { deed };
        append(&mut transaction, actor, &deed).await?;
        transaction.commit().await?;
        self.key(id).await
    }

    /// Gives a key a new secret; the old one stops working.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] (also for a revoked key), or when the database fails.
    pub async fn rotate_key(&self, actor: &Actor, id: &str) -> Result<IssuedKey, StoreError> {
        let (secret, hash) = new_secret();
        let mut transaction = self.begin().await?;
        let done = sqlx::query("UPDATE keys SET hash = ?, rotated_at = ? WHERE id = ? AND revoked_at IS NULL")
            .bind(hash.0.to_vec())
            .bind(Timestamp::now().unix_us)
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        found(done.rows_affected())?;
        let deed = Deed::done(Action::KeyRotate, Some(id)).replacing("secret");
        append(&mut transaction, actor, &deed).await?;
        transaction.commit().await?;
        Ok(IssuedKey { key: self.key(id).await?, secret })
    }

    /// Revokes a key for good. Revoking it again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or when the database fails.
    pub async fn revoke_key(&self, actor: &Actor, id: &str) -> Result<StoredKey, StoreError> {
        let mut transaction = self.begin().await?;
        let done = sqlx::query("UPDATE keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?")
            .bind(Timestamp::now().unix_us)
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        found(done.rows_affected())?;
        append(&mut transaction, actor, &Deed::done(Action::KeyRevoke, Some(id))).await?;
        transaction.commit().await?;
        self.key(id).await
    }

    async fn last_used(&self) -> Result<HashMap<String, Timestamp>, StoreError> {
        let Some(usage) = &self.usage else { return Ok(HashMap::new()) };
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT name, last_seen_at FROM seen WHERE kind = 'key'").fetch_all(usage).await?;
        Ok(rows.into_iter().map(|(id, at)| (id, time(at))).collect())
    }
}

/// The columns of a key's own provider keys.
#[derive(Default)]
struct OwnKeys {
    sealed: Option<Vec<u8>>,
    master_key_id: Option<String>,
    names: Option<String>,
}

impl Control {
    fn seal_keys(&self, id: &str, fields: &KeyFields) -> Result<OwnKeys, StoreError> {
        if fields.provider_keys.is_empty() {
            return Ok(OwnKeys::default());
        }
        let bare: BTreeMap<&str, &str> =
            fields.provider_keys.iter().map(|(name, key)| (name.as_str(), key.expose())).collect();
        let text = Secret::new(serde_json::json!(bare).to_string());
        let Sealed { bytes, key_id } = self.sealer.seal(&place(id), &text)?;
        let names: Vec<String> = fields.provider_keys.keys().cloned().collect();
        Ok(OwnKeys { sealed: Some(bytes), master_key_id: Some(key_id), names: Some(to_json(&names)) })
    }

    fn open_keys(&self, id: &str, row: &SqliteRow) -> Result<BTreeMap<String, Secret>, StoreError> {
        let (Some(bytes), Some(key_id)) = (row.try_get("provider_keys")?, row.try_get("provider_keys_master_key_id")?)
        else {
            return Ok(BTreeMap::new());
        };
        let text = self.sealer.open(&place(id), &Sealed { bytes, key_id })?;
        let bare: BTreeMap<String, String> = from_json(text.expose(), "a key's provider keys")?;
        Ok(bare.into_iter().map(|(name, key)| (name, Secret::new(key))).collect())
    }

    fn read_key(&self, row: &SqliteRow) -> Result<StoredKey, StoreError> {
        let hash: Vec<u8> = row.try_get("hash")?;
        let id: String = row.try_get("id")?;
        let provider_keys = self.open_keys(&id, row)?;
        Ok(StoredKey {
            id,
            hash: KeyHash(hash.try_into().map_err(|_| StoreError::Corrupt { what: "a key's hash" })?),
            fields: KeyFields {
                label: row.try_get("label")?,
                team: row.try_get("team")?,
                project: row.try_get("project")?,
                allowed_models: from_json(row.try_get("allowed_models")?, "a key's models")?,
                allowed_providers: from_json(row.try_get("allowed_providers")?, "a key's providers")?,
                provider_keys,
                expires_at: row.try_get::<Option<i64>, _>("expires_at")?.map(time),
                sanitization: row.try_get::<Option<&str>, _>("sanitization")?.map(read_rules).transpose()?,
                limits: row.try_get::<Option<&str>, _>("limits")?.map(read_limits).transpose()?,
                budgets: row.try_get::<Option<&str>, _>("budgets")?.map(read_budgets).transpose()?.unwrap_or_default(),
                metadata: row
                    .try_get::<Option<&str>, _>("metadata")?
                    .map(|text| from_json(text, "a key's metadata"))
                    .transpose()?
                    .unwrap_or_default(),
            },
            created_at: time(row.try_get("created_at")?),
            rotated_at: row.try_get::<Option<i64>, _>("rotated_at")?.map(time),
            revoked_at: row.try_get::<Option<i64>, _>("revoked_at")?.map(time),
            last_used_at: None,
        })
    }
}

/// Where the own provider keys of a key stand.
fn place(id: &str) -> String {
    format!("keys/{id}/provider_keys")
}

/// A key's row as the audit log shows it.
async fn describe(connection: &mut SqliteConnection, id: &str) -> Result<Option<String>, StoreError> {
    let query = sqlx::query_scalar(
        "SELECT json_object(
             'label', label, 'team', team, 'project', project, 'allowed_models', json(allowed_models),
             'allowed_providers', json(allowed_providers),
             'sanitization', json(sanitization), 'limits', json(limits), 'budgets', json(budgets),
             'metadata', json(metadata), 'provider_keys', json(provider_key_names),
             'expires_at', strftime('%Y-%m-%dT%H:%M:%fZ', expires_at / 1e6, 'unixepoch'))
         FROM keys WHERE id = ?",
    );
    Ok(query.bind(id).fetch_optional(connection).await?)
}

fn found(rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::NotFound("key")) } else { Ok(()) }
}

fn new_secret() -> (Secret, KeyHash) {
    let mut random = zeroize::Zeroizing::new([0_u8; 40]);
    rand::rng().fill_bytes(&mut *random);
    let secret = VirtualKey::from_random(&random);
    let hash = KeyHash::of(secret.expose());
    (secret, hash)
}

fn new_id() -> String {
    let mut random = [0_u8; 10];
    rand::rng().fill_bytes(&mut random);
    format!("key_{}", hex::encode(random))
}

fn rules_text(fields: &KeyFields) -> Option<String> {
    fields.sanitization.as_ref().map(|over| over.to_json().to_string())
}

fn limits_text(fields: &KeyFields) -> Option<String> {
    fields.limits.as_ref().map(|limits| limits.to_json().to_string())
}

fn budgets_text(fields: &KeyFields) -> Option<String> {
    let budgets = || fields.budgets.iter().map(BudgetTerms::to_json).collect::<serde_json::Value>();
    (!fields.budgets.is_empty()).then(|| budgets().to_string())
}

fn metadata_text(fields: &KeyFields) -> Option<String> {
    (!fields.metadata.is_empty()).then(|| serde_json::json!(fields.metadata).to_string())
}

pub(super) fn read_limits(text: &str) -> Result<LimitSet, StoreError> {
    LimitSet::from_json(text, "control.db").map_err(|_| StoreError::Corrupt { what: "limits" })
}

fn read_budgets(text: &str) -> Result<Vec<BudgetTerms>, StoreError> {
    const CORRUPT: StoreError = StoreError::Corrupt { what: "a key's budgets" };
    let items: Vec<Box<serde_json::value::RawValue>> = from_json(text, "a key's budgets")?;
    items.iter().map(|item| BudgetTerms::from_json(item.get(), "control.db").map_err(|_| CORRUPT)).collect()
}

fn read_rules(text: &str) -> Result<SanitizationOverride, StoreError> {
    SanitizationOverride::from_json(text, "control.db").map_err(|error| {
        tracing::error!(%error, "a key's sanitization cannot be read");
        StoreError::Corrupt { what: "a key's sanitization" }
    })
}
