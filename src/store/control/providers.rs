//! Providers added at run time. Their keys are sealed before they reach a database page.

use std::{path::Path, sync::Arc, time::Duration};

use serde_json::Value;
use sqlx::{Connection as _, Row as _, SqliteConnection, sqlite::SqliteRow};

use super::{
    Action, Actor, Control, Credential, Deed, StoredProvider, audit::append, from_json, keys::read_limits, time,
    to_json,
};
use crate::{
    config::{
        Params, PriceOverride, Provider, ProviderFeatures, ProviderKey, ProviderOrigin, ProviderParams,
        ProviderTimeouts, ProviderType,
    },
    domain::Timestamp,
    store::{
        StoreError,
        file::{File, has_column, has_table, look_into},
        seal::{Sealed, Sealer},
    },
};

/// The three columns of a credential.
struct KeyColumns {
    kind: String,
    sealed: Option<Sealed>,
}

impl Control {
    /// All providers added at run time, by id.
    ///
    /// # Errors
    /// When the database fails or a stored key does not decrypt.
    pub async fn providers(&self) -> Result<Vec<StoredProvider>, StoreError> {
        let rows = sqlx::query("SELECT * FROM providers ORDER BY id").fetch_all(&self.database.readers).await?;
        rows.iter().map(|row| read_provider(row, &self.sealer)).collect()
    }

    /// One provider added at run time.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or when the database fails or its key does not decrypt.
    pub async fn provider(&self, id: &str) -> Result<StoredProvider, StoreError> {
        let row = sqlx::query("SELECT * FROM providers WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.database.readers)
            .await?
            .ok_or(StoreError::NotFound("provider"))?;
        read_provider(&row, &self.sealer)
    }

    /// Adds a provider or replaces its definition.
    ///
    /// # Errors
    /// When the database or the encryption fails.
    pub async fn put_provider(
        &self,
        actor: &Actor,
        provider: &Provider,
        credential: Credential,
    ) -> Result<StoredProvider, StoreError> {
        let id = provider.id.as_str();
        let mut transaction = self.begin().await?;
        let key = match credential {
            Credential::Replace => self.seal_key(provider)?,
            Credential::Keep => kept_key(&mut transaction, provider).await?,
        };
        let is_new_secret = credential == Credential::Replace && key.sealed.is_some();
        let before = describe(&mut transaction, id).await?;
        write_provider(&mut transaction, provider, key).await?;
        let after = describe(&mut transaction, id).await?;
        let action = if before.is_some() { Action::ProviderUpdate } else { Action::ProviderCreate };
        let deed = Deed::done(action, Some(id)).between(before.as_deref(), after.as_deref());
        let deed = if is_new_secret { deed.replacing("api_key") } else { deed };
        append(&mut transaction, actor, &deed).await?;
        transaction.commit().await?;
        self.provider(id).await
    }

    /// Removes a provider and its key.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or when the database fails.
    pub async fn delete_provider(&self, actor: &Actor, id: &str) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let before = describe(&mut transaction, id).await?;
        let done = sqlx::query("DELETE FROM providers WHERE id = ?").bind(id).execute(&mut *transaction).await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::NotFound("provider"));
        }
        let deed = Deed::done(Action::ProviderDelete, Some(id)).between(before.as_deref(), None);
        append(&mut transaction, actor, &deed).await?;
        Ok(transaction.commit().await?)
    }

    fn seal_key(&self, provider: &Provider) -> Result<KeyColumns, StoreError> {
        let (kind, sealed) = match &provider.key {
            ProviderKey::None => ("none", None),
            ProviderKey::Passthrough => ("passthrough", None),
            ProviderKey::Own(secret) => ("own", Some(self.sealer.seal(&place(&provider.id), secret)?)),
        };
        Ok(KeyColumns { kind: kind.to_owned(), sealed })
    }
}

/// Where the key of a provider stands.
fn place(id: &str) -> String {
    format!("providers/{id}/api_key")
}

/// Refuses to go on with another master key than the one that the stored keys were sealed with.
/// Runs before anything is opened for writing, so that the database stays as it was.
pub(in crate::store) async fn check_master_key(directory: &Path, sealer: &Sealer) -> Result<(), StoreError> {
    let Some(mut connection) = look_into(directory, File::Control).await? else { return Ok(()) };
    let mut sealed_with: Vec<String> = Vec::new();
    if has_table(&mut connection, "providers").await? {
        let of_providers = "SELECT DISTINCT master_key_id FROM providers WHERE master_key_id IS NOT NULL";
        sealed_with.extend(sqlx::query_scalar::<_, String>(of_providers).fetch_all(&mut connection).await?);
    }
    if has_column(&mut connection, "keys", "provider_keys_master_key_id").await? {
        let of_keys =
            "SELECT DISTINCT provider_keys_master_key_id FROM keys WHERE provider_keys_master_key_id IS NOT NULL";
        sealed_with.extend(sqlx::query_scalar::<_, String>(of_keys).fetch_all(&mut connection).await?);
    }
    connection.close().await?;
    let ours = sealer.key_id();
    match sealed_with.iter().find(|id| Some(id.as_str()) != ours) {
        None => Ok(()),
        Some(theirs) => Err(StoreError::MasterKey(format!(
            "provider keys in control.db were encrypted with master key {theirs}, {}; \
             set LLM_GATEWAY_MASTER_KEY or restore master.key",
            ours.map_or_else(|| "and there is none".to_owned(), |id| format!("this one is {id}")),
        ))),
    }
}

/// The stored credential, unless the address changes: a key must never follow to another host.
async fn kept_key(connection: &mut SqliteConnection, provider: &Provider) -> Result<KeyColumns, StoreError> {
    let row = sqlx::query("SELECT key_kind, api_key, master_key_id FROM providers WHERE id = ? AND base_url = ?")
        .bind(&provider.id)
        .bind(provider.base_url.as_str())
        .fetch_optional(connection)
        .await?;
    row.map_or_else(
        || Ok(KeyColumns { kind: "none".to_owned(), sealed: None }),
        |row| Ok(KeyColumns { kind: row.try_get("key_kind")?, sealed: read_sealed(&row)? }),
    )
}

/// A provider's row as the audit log shows it: everything but its key.
async fn describe(connection: &mut SqliteConnection, id: &str) -> Result<Option<String>, StoreError> {
    let query = sqlx::query_scalar(
        "SELECT json_object(
             'provider_type', provider_type, 'enabled', json(iif(enabled, 'true', 'false')), 'credential', key_kind,
             'base_url', base_url, 'deployment', deployment, 'api_version', api_version,
             'default_model', default_model, 'models', json(models), 'priority', priority,
             'allow_private_network', json(iif(allow_private_network, 'true', 'false')),
             'connect_timeout_ms', connect_timeout_ms, 'first_token_timeout_ms', first_token_timeout_ms,
             'idle_timeout_ms', idle_timeout_ms, 'total_timeout_ms', total_timeout_ms, 'pricing', json(pricing),
             'limits', json(limits), 'api_params', json(api_params), 'model_params', json(model_params))
         FROM providers WHERE id = ?",
    );
    Ok(query.bind(id).fetch_optional(connection).await?)
}

async fn write_provider(
    connection: &mut SqliteConnection,
    provider: &Provider,
    key: KeyColumns,
) -> Result<(), StoreError> {
    let now = Timestamp::now().unix_us;
    let (api_key, master_key_id) = key.sealed.map(|sealed| (sealed.bytes, sealed.key_id)).unzip();
    sqlx::query(
        "INSERT INTO providers (
             id, provider_type, enabled, key_kind, api_key, master_key_id, base_url, deployment, api_version,
             default_model, models, priority, allow_private_network, connect_timeout_ms, first_token_timeout_ms,
             idle_timeout_ms, total_timeout_ms, pricing, limits, api_params, model_params, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET
             provider_type = excluded.provider_type, enabled = excluded.enabled, key_kind = excluded.key_kind,
             api_key = excluded.api_key, master_key_id = excluded.master_key_id, base_url = excluded.base_url,
             deployment = excluded.deployment, api_version = excluded.api_version,
             default_model = excluded.default_model, models = excluded.models, priority = excluded.priority,
             allow_private_network = excluded.allow_private_network,
             connect_timeout_ms = excluded.connect_timeout_ms,
             first_token_timeout_ms = excluded.first_token_timeout_ms, idle_timeout_ms = excluded.idle_timeout_ms,
             total_timeout_ms = excluded.total_timeout_ms, pricing = excluded.pricing,
             limits = excluded.limits, api_params = excluded.api_params, model_params = excluded.model_params,
             updated_at = excluded.updated_at",
    )
    .bind(&provider.id)
    .bind(provider.provider_type.as_str())
    .bind(provider.enabled)
    .bind(key.kind)
    .bind(api_key)
    .bind(master_key_id)
    .bind(provider.base_url.as_str())
    .bind(&provider.deployment)
    .bind(&provider.api_version)
    .bind(&provider.default_model)
    .bind(to_json(&provider.models))
    .bind(i64::from(provider.priority))
    .bind(provider.allow_private_network)
    .bind(to_ms(provider.timeouts.connect))
    .bind(to_ms(provider.timeouts.first_token))
    .bind(to_ms(provider.timeouts.idle))
    .bind(to_ms(provider.timeouts.total))
    .bind(provider.pricing.as_ref().map(price_to_json))
    .bind(provider.limits.as_ref().map(|limits| limits.to_json().to_string()))
    .bind(params_text(provider.params.api.clone()))
    .bind(params_text(provider.params.model_params()))
    .bind(now)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

fn read_provider(row: &SqliteRow, sealer: &Sealer) -> Result<StoredProvider, StoreError> {
    let id: String = row.try_get("id")?;
    let key = match (row.try_get::<&str, _>("key_kind")?, read_sealed(row)?) {
        ("own", Some(sealed)) => ProviderKey::Own(sealer.open(&place(&id), &sealed)?),
        ("passthrough", _) => ProviderKey::Passthrough,
        _ => ProviderKey::None,
    };
    let provider_type = ProviderType::parse(row.try_get("provider_type")?);
    let base_url = url::Url::parse(row.try_get("base_url")?);
    let pricing = row.try_get::<Option<&str>, _>("pricing")?.map(price_from_json).transpose()?;
    let provider = Provider {
        id,
        provider_type: provider_type.ok_or(StoreError::Corrupt { what: "a provider's type" })?,
        enabled: row.try_get("enabled")?,
        key,
        base_url: base_url.map_err(|_| StoreError::Corrupt { what: "a provider's base_url" })?,
        deployment: row.try_get("deployment")?,
        api_version: row.try_get("api_version")?,
        default_model: row.try_get("default_model")?,
        models: from_json(row.try_get("models")?, "a provider's models")?,
        priority: row.try_get("priority")?,
        allow_private_network: row.try_get("allow_private_network")?,
        timeouts: ProviderTimeouts {
            connect: from_ms(row.try_get("connect_timeout_ms")?),
            first_token: from_ms(row.try_get("first_token_timeout_ms")?),
            idle: from_ms(row.try_get("idle_timeout_ms")?),
            total: from_ms(row.try_get("total_timeout_ms")?),
        },
        pricing,
        limits: row.try_get::<Option<&str>, _>("limits")?.map(read_limits).transpose()?,
        params: read_params(row)?,
        features: ProviderFeatures::default(),
        origin: ProviderOrigin::Api,
    };
    Ok(StoredProvider {
        provider: Arc::new(provider),
        created_at: time(row.try_get("created_at")?),
        updated_at: time(row.try_get("updated_at")?),
    })
}

fn params_text(params: Params) -> Option<String> {
    (!params.is_empty()).then(|| Value::Object(params).to_string())
}

fn read_params(row: &SqliteRow) -> Result<ProviderParams, StoreError> {
    let mut stated = Params::new();
    for name in ["api_params", "model_params"] {
        if let Some(text) = row.try_get::<Option<&str>, _>(name)? {
            stated.insert(name.to_owned(), from_json(text, "a provider's parameters")?);
        }
    }
    ProviderParams::from_json(&Value::Object(stated).to_string(), "control.db")
        .map_err(|_| StoreError::Corrupt { what: "a provider's parameters" })
}

fn read_sealed(row: &SqliteRow) -> Result<Option<Sealed>, StoreError> {
    let bytes: Option<Vec<u8>> = row.try_get("api_key")?;
    let key_id: Option<String> = row.try_get("master_key_id")?;
    Ok(bytes.zip(key_id).map(|(bytes, key_id)| Sealed { bytes, key_id }))
}

fn to_ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn from_ms(ms: i64) -> Duration {
    Duration::from_millis(ms.unsigned_abs())
}

/// The stored form of a price: an array of nine decimals as text, in the order of the fields.
fn price_to_json(price: &PriceOverride) -> String {
    let PriceOverride {
        input,
        cache_read,
        cache_write,
        cache_write_1h,
        input_audio,
        output,
        reasoning,
        output_audio,
        per_request,
    } = price;
    let fields =
        [input, cache_read, cache_write, cache_write_1h, input_audio, output, reasoning, output_audio, per_request];
    serde_json::Value::from_iter(fields.map(|field| field.map(|decimal| decimal.to_string()))).to_string()
}

fn price_from_json(text: &str) -> Result<PriceOverride, StoreError> {
    let corrupt = || StoreError::Corrupt { what: "a provider's pricing" };
    let texts: [Option<String>; 9] = serde_json::from_str(text).map_err(|_| corrupt())?;
    let mut decimals = [None; 9];
    for (decimal, text) in decimals.iter_mut().zip(texts) {
        *decimal = text.map(|text| text.parse().map_err(|_| corrupt())).transpose()?;
    }
    let [input, cache_read, cache_write, cache_write_1h, input_audio, output, reasoning, output_audio, per_request] =
        decimals;
    Ok(PriceOverride {
        input,
        cache_read,
        cache_write,
        cache_write_1h,
        input_audio,
        output,
        reasoning,
        output_audio,
        per_request,
    })
}
