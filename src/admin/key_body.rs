//! A virtual key as the API takes it and shows it, and what may be in one.
//!
//! Only [`IssuedKeyView`] has a secret, and only the two calls that make one answer it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    change::Change,
    error::ApiError,
    limit_body::{BudgetBody, LimitsBody},
    sanitization_body::OverrideBody,
};
use crate::{
    domain::Timestamp,
    policy::KeyFacts,
    store::{IssuedKey, KeyFields, StoredKey},
};

/// Longest label, team, project, model or provider name, in characters.
const MAX_TEXT: usize = 200;
/// Most entries of the metadata, and longest of their values, in characters.
const MAX_WORDS: usize = 50;
const MAX_WORD: usize = 1_000;
/// Most models or providers in a list.
const MAX_NAMES: usize = 500;

/// A virtual key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Key)]
pub(super) struct KeyView {
    /// Public id, as in a record's `key_id`.
    #[schema(example = "key_9s8bq2m4x7c1v5n3k6jh")]
    pub(super) id: String,
    /// Shown in records.
    pub(super) label: Option<String>,
    /// Team that its requests are accounted to.
    pub(super) team: Option<String>,
    /// Project that it fixes, whatever `x-project` says.
    pub(super) project: Option<String>,
    /// Models it may use; empty means all.
    pub(super) allowed_models: Vec<String>,
    /// Providers it may use; empty means all.
    pub(super) allowed_providers: Vec<String>,
    /// Providers, by id or type, that it brings its own key for. The keys themselves are never shown.
    #[schema(example = json!(["openai"]))]
    pub(super) provider_keys: Vec<String>,
    /// From when on it is refused.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) expires_at: Option<Timestamp>,
    /// What it states over its project's sanitization.
    pub(super) sanitization: Option<OverrideBody>,
    /// What it may use, in place of `[limits.per_key]`.
    pub(super) limits: Option<LimitsBody>,
    /// What it may spend, besides what `[[budgets]]` say.
    pub(super) budgets: Vec<BudgetBody>,
    /// The operator's own words about it.
    pub(super) metadata: BTreeMap<String, String>,
    /// Whether requests with it are answered.
    pub(super) status: KeyStatus,
    /// Who defines it, and so who can change it.
    pub(super) origin: KeyOrigin,
    /// When it was made; unknown for keys of the config.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) created_at: Option<Timestamp>,
    /// When its secret was last replaced.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) rotated_at: Option<Timestamp>,
    /// When it was revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) revoked_at: Option<Timestamp>,
    /// Start of the newest request that used it; may lag a little.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) last_used_at: Option<Timestamp>,
}

/// Whether requests with a key are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum KeyStatus {
    /// They are.
    Active,
    /// No longer: `expires_at` has passed.
    Expired,
    /// No longer, for good.
    Revoked,
}

/// Who defines a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum KeyOrigin {
    /// This API.
    Api,
    /// `[key_map]` of the config file.
    Config,
}

/// A virtual key with its secret, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IssuedKey)]
pub(super) struct IssuedKeyView {
    /// The secret: what clients send as their API key. It cannot be shown again.
    #[schema(example = "gk-…")]
    pub(super) secret: String,
    /// The key.
    #[serde(flatten)]
    pub(super) key: KeyView,
}

/// A key to make.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewKey {
    /// Shown in records.
    pub(super) label: Option<String>,
    /// Team that its requests are accounted to.
    pub(super) team: Option<String>,
    /// Project that it fixes, whatever `x-project` says.
    pub(super) project: Option<String>,
    /// Models it may use; empty means all.
    #[serde(default)]
    pub(super) allowed_models: Vec<String>,
    /// Ids of providers it may use; empty means all.
    #[serde(default)]
    pub(super) allowed_providers: Vec<String>,
    /// Its own provider keys, by provider id or type: they are used in place of the provider's. Stored encrypted, never
    /// shown again.
    #[serde(default)]
    #[schema(example = json!({"openai": "sk-…"}))]
    pub(super) provider_keys: BTreeMap<String, String>,
    /// From when on it is refused (RFC 3339).
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) expires_at: Option<Timestamp>,
    /// What it states over its project's sanitization: stricter or looser.
    pub(super) sanitization: Option<OverrideBody>,
    /// What it may use, in place of `[limits.per_key]`; `{}` lifts those.
    pub(super) limits: Option<LimitsBody>,
    /// What it may spend, besides what `[[budgets]]` say.
    #[serde(default)]
    pub(super) budgets: Vec<BudgetBody>,
    /// Words of your own about it.
    #[serde(default)]
    pub(super) metadata: BTreeMap<String, String>,
}

/// Changes to a key: what is left out stays, `null` empties.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyChange {
    /// Shown in records.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(super) label: Change<String>,
    /// Team that its requests are accounted to.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(super) team: Change<String>,
    /// Project that it fixes.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(super) project: Change<String>,
    /// Models it may use; empty means all.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub(super) allowed_models: Change<Vec<String>>,
    /// Ids of providers it may use; empty means all.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub(super) allowed_providers: Change<Vec<String>>,
    /// Its own provider keys, by provider id or type, as a whole.
    #[serde(default)]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub(super) provider_keys: Change<BTreeMap<String, String>>,
    /// From when on it is refused (RFC 3339).
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) expires_at: Change<Timestamp>,
    /// What it states over its project's sanitization, as a whole.
    #[serde(default)]
    #[schema(value_type = Option<OverrideBody>)]
    pub(super) sanitization: Change<OverrideBody>,
    /// What it may use, as a whole; `{}` lifts `[limits.per_key]`, `null` is its word again.
    #[serde(default)]
    #[schema(value_type = Option<LimitsBody>)]
    pub(super) limits: Change<LimitsBody>,
    /// What it may spend, as a whole.
    #[serde(default)]
    #[schema(value_type = Option<Vec<BudgetBody>>)]
    pub(super) budgets: Change<Vec<BudgetBody>>,
    /// Words of your own about it, as a whole.
    #[serde(default)]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub(super) metadata: Change<BTreeMap<String, String>>,
}

/// Refuses what cannot be a key.
///
/// # Errors
/// 400 that names the field.
pub(super) fn check(fields: &KeyFields) -> Result<(), ApiError> {
    let texts = [("label", &fields.label), ("team", &fields.team), ("project", &fields.project)];
    for (name, text) in texts {
        if let Some(text) = text {
            check_text(name, text)?;
        }
    }
    if fields.metadata.len() > MAX_WORDS {
        return Err(ApiError::invalid("metadata", format!("`metadata` has more than {MAX_WORDS} entries")));
    }
    for (name, text) in &fields.metadata {
        check_text("metadata", name)?;
        if text.chars().count() > MAX_WORD {
            return Err(ApiError::invalid(
                "metadata",
                format!("`metadata` has a value of more than {MAX_WORD} characters"),
            ));
        }
    }
    let lists = [("allowed_models", &fields.allowed_models), ("allowed_providers", &fields.allowed_providers)];
    for (name, list) in lists {
        if list.len() > MAX_NAMES {
            return Err(ApiError::invalid(name, format!("`{name}` has more than {MAX_NAMES} entries")));
        }
        list.iter().try_for_each(|text| check_text(name, text))?;
    }
    Ok(())
}

/// Refuses what cannot be a name in a record.
pub(super) fn check_text(name: &str, text: &str) -> Result<(), ApiError> {
    let fault = if text.trim().is_empty() {
        "must not be empty; leave it out or give null"
    } else if text.chars().count() > MAX_TEXT {
        "is longer than 200 characters"
    } else if text.chars().any(char::is_control) {
        "holds control characters"
    } else {
        return Ok(());
    };
    Err(ApiError::invalid(name, format!("`{name}` {fault}")))
}

impl KeyView {
    /// A key of the control store.
    pub(super) fn stored(key: StoredKey) -> Self {
        let StoredKey { id, hash: _, fields, created_at, rotated_at, revoked_at, last_used_at } = key;
        Self {
            id,
            status: status(revoked_at.is_some(), fields.expires_at),
            label: fields.label,
            team: fields.team,
            project: fields.project,
            allowed_models: fields.allowed_models,
            allowed_providers: fields.allowed_providers,
            provider_keys: fields.provider_keys.into_keys().collect(),
            expires_at: fields.expires_at,
            sanitization: fields.sanitization.as_ref().map(OverrideBody::from),
            limits: fields.limits.as_ref().map(LimitsBody::from),
            budgets: fields.budgets.iter().map(BudgetBody::from).collect(),
            metadata: fields.metadata,
            origin: KeyOrigin::Api,
            created_at: Some(created_at),
            rotated_at,
            revoked_at,
            last_used_at,
        }
    }

    /// A key of the config.
    pub(super) fn configured(key: &KeyFacts) -> Self {
        let text = |value: &Option<std::sync::Arc<str>>| value.as_deref().map(str::to_owned);
        Self {
            id: key.id.to_string(),
            label: text(&key.label),
            team: text(&key.team),
            project: text(&key.project),
            allowed_models: key.allowed_models.clone(),
            allowed_providers: key.allowed_providers.clone(),
            provider_keys: key.provider_keys.iter().map(|(name, _)| name.clone()).collect(),
            expires_at: key.expires_at,
            sanitization: key.sanitization.as_ref().map(OverrideBody::from),
            limits: key.limits.as_ref().map(LimitsBody::from),
            budgets: key.budgets.iter().map(BudgetBody::from).collect(),
            metadata: key.metadata.clone(),
            status: status(key.revoked, key.expires_at),
            origin: KeyOrigin::Config,
            created_at: None,
            rotated_at: None,
            revoked_at: None,
            last_used_at: None,
        }
    }
}

fn status(is_revoked: bool, expires_at: Option<Timestamp>) -> KeyStatus {
    match expires_at {
        _ if is_revoked => KeyStatus::Revoked,
        Some(at) if at <= Timestamp::now() => KeyStatus::Expired,
        _ => KeyStatus::Active,
    }
}

impl From<IssuedKey> for IssuedKeyView {
    fn from(issued: IssuedKey) -> Self {
        Self { secret: issued.secret.expose().to_owned(), key: KeyView::stored(issued.key) }
    }
}
