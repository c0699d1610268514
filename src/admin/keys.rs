//! `/v1/keys`: virtual keys. A secret is shown when it is made and never again.

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    change::Change,
    error::{ApiError, Code, ErrorBody},
    extract::{Body, Id, Params},
    page::{List, PageParams},
    state::AdminState,
};
use crate::{
    domain::Timestamp,
    policy::{KeyFacts, Policy},
    store::{IssuedKey, KeyFields, StoredKey},
};

/// Longest label, team, project, model or provider name, in characters.
const MAX_TEXT: usize = 200;
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
    /// From when on it is refused.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) expires_at: Option<Timestamp>,
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
    label: Option<String>,
    /// Team that its requests are accounted to.
    team: Option<String>,
    /// Project that it fixes, whatever `x-project` says.
    project: Option<String>,
    /// Models it may use; empty means all.
    #[serde(default)]
    allowed_models: Vec<String>,
    /// Ids of providers it may use; empty means all.
    #[serde(default)]
    allowed_providers: Vec<String>,
    /// From when on it is refused (RFC 3339).
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// Changes to a key: what is left out stays, `null` empties.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyChange {
    /// Shown in records.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    label: Change<String>,
    /// Team that its requests are accounted to.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    team: Change<String>,
    /// Project that it fixes.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    project: Change<String>,
    /// Models it may use; empty means all.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    allowed_models: Change<Vec<String>>,
    /// Ids of providers it may use; empty means all.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    allowed_providers: Change<Vec<String>>,
    /// From when on it is refused (RFC 3339).
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Change<Timestamp>,
}

/// List keys
///
/// The newest first, then those of the config file; revoked and expired ones too.
#[utoipa::path(
    get, path = "/v1/keys", operation_id = "listKeys", tag = "Keys", params(PageParams),
    responses((status = 200, description = "A page of keys", body = List<KeyView>))
)]
pub(super) async fn list(
    State(state): State<AdminState>,
    Params(page, ..): Params<PageParams>,
) -> Result<Json<List<KeyView>>, ApiError> {
    let mut keys: Vec<KeyView> = state.parts.store.control.keys().await?.into_iter().map(KeyView::stored).collect();
    keys.extend(configured(&state.parts.policy.load(), &keys));
    keys.sort_by_cached_key(place);
    page.cut(keys, place).map(Json)
}

/// Make a key
///
/// The answer is the only one that shows the secret. The key works at once.
#[utoipa::path(
    post, path = "/v1/keys", operation_id = "createKey", tag = "Keys", request_body = NewKey,
    responses(
        (status = 201, description = "The key and its secret", body = IssuedKeyView),
        (status = 400, description = "A field is unknown or wrong; `param` names it", body = ErrorBody),
    )
)]
pub(super) async fn create(
    State(state): State<AdminState>,
    Body(new): Body<NewKey>,
) -> Result<(StatusCode, Json<IssuedKeyView>), ApiError> {
    if new.expires_at.is_some_and(|at| at <= Timestamp::now()) {
        return Err(ApiError::invalid("expires_at", "`expires_at` lies in the past"));
    }
    let NewKey { label, team, project, allowed_models, allowed_providers, expires_at } = new;
    let fields = KeyFields { label, team, project, allowed_models, allowed_providers, expires_at };
    check(&fields)?;
    check_providers(&fields.allowed_providers, &state.parts.policy.load())?;
    let control = state.parts.store.control.clone();
    let issued = state.change(async move { Ok(control.create_key(fields).await?) }).await?;
    Ok((StatusCode::CREATED, Json(issued.into())))
}

/// Show a key
#[utoipa::path(
    get, path = "/v1/keys/{id}", operation_id = "getKey", tag = "Keys", params(("id" = String, Path, description = "The key's id")),
    responses(
        (status = 200, description = "The key", body = KeyView),
        (status = 404, description = "No key bears this id", body = ErrorBody),
    )
)]
pub(super) async fn show(State(state): State<AdminState>, Id(id): Id) -> Result<Json<KeyView>, ApiError> {
    let policy = state.parts.policy.load();
    let defined = configured(&policy, &[]).into_iter().find(|key| key.id == id);
    match state.parts.store.control.key(&id).await.map_err(ApiError::from) {
        Ok(key) => Ok(Json(KeyView::stored(key))),
        Err(fault) if fault.is_ours() => Err(fault),
        Err(absent) => defined.map(Json).ok_or(absent),
    }
}

/// Change a key
///
/// What is left out stays, `null` empties. In effect for the next request.
#[utoipa::path(
    patch, path = "/v1/keys/{id}", operation_id = "updateKey", tag = "Keys", params(("id" = String, Path, description = "The key's id")),
    request_body = KeyChange,
    responses(
        (status = 200, description = "The key as it is now", body = KeyView),
        (status = 400, description = "A field is unknown or wrong; `param` names it", body = ErrorBody),
        (status = 404, description = "No key bears this id", body = ErrorBody),
        (status = 409, description = "The config file defines this key", body = ErrorBody),
    )
)]
pub(super) async fn update(
    State(state): State<AdminState>,
    Id(id): Id,
    Body(change): Body<KeyChange>,
) -> Result<Json<KeyView>, ApiError> {
    if let Change::Set(providers) = &change.allowed_providers {
        check_providers(providers, &state.parts.policy.load())?;
    }
    let inner = state.clone();
    let key = state.change(async move {
        let mut fields = changeable(&inner, &id).await?.fields;
        change.label.apply(&mut fields.label);
        change.team.apply(&mut fields.team);
        change.project.apply(&mut fields.project);
        change.allowed_models.apply_or_default(&mut fields.allowed_models);
        change.allowed_providers.apply_or_default(&mut fields.allowed_providers);
        change.expires_at.apply(&mut fields.expires_at);
        check(&fields)?;
        Ok(inner.parts.store.control.update_key(&id, fields).await?)
    });
    Ok(Json(KeyView::stored(key.await?)))
}

/// Revoke a key
///
/// For good, and in effect for the next request. Its records stay; revoking twice is fine.
#[utoipa::path(
    delete, path = "/v1/keys/{id}", operation_id = "revokeKey", tag = "Keys", params(("id" = String, Path, description = "The key's id")),
    responses(
        (status = 200, description = "The revoked key", body = KeyView),
        (status = 404, description = "No key bears this id", body = ErrorBody),
        (status = 409, description = "The config file defines this key", body = ErrorBody),
    )
)]
pub(super) async fn revoke(State(state): State<AdminState>, Id(id): Id) -> Result<Json<KeyView>, ApiError> {
    let inner = state.clone();
    let key = state.change(async move {
        changeable(&inner, &id).await?;
        Ok(inner.parts.store.control.revoke_key(&id).await?)
    });
    Ok(Json(KeyView::stored(key.await?)))
}

/// Replace a key's secret
///
/// The old secret stops working with the next request; the answer is the only one that shows the new one.
#[utoipa::path(
    post, path = "/v1/keys/{id}/rotate", operation_id = "rotateKey", tag = "Keys", params(("id" = String, Path, description = "The key's id")),
    responses(
        (status = 200, description = "The key and its new secret", body = IssuedKeyView),
        (status = 404, description = "No key bears this id", body = ErrorBody),
        (status = 409, description = "The key is revoked, or the config file defines it", body = ErrorBody),
    )
)]
pub(super) async fn rotate(State(state): State<AdminState>, Id(id): Id) -> Result<Json<IssuedKeyView>, ApiError> {
    let inner = state.clone();
    let issued = state.change(async move {
        if changeable(&inner, &id).await?.revoked_at.is_some() {
            return Err(ApiError::new(Code::Conflict, "a revoked key gets no new secret; make a new key"));
        }
        Ok(inner.parts.store.control.rotate_key(&id).await?)
    });
    Ok(Json(issued.await?.into()))
}

/// The stored key, unless it is one of the config's, which only the config can change.
async fn changeable(state: &AdminState, id: &str) -> Result<StoredKey, ApiError> {
    let found = state.parts.store.control.key(id).await.map_err(ApiError::from);
    let policy = state.parts.policy.load();
    found.map_err(|fault| match policy.keys.values().any(|key| &*key.id == id) {
        true if !fault.is_ours() => {
            ApiError::new(Code::ConfigDefined, "the config file defines this key: change it in `[key_map]`")
        }
        _ => fault,
    })
}

/// The keys of the policy that the control store does not have.
fn configured(policy: &Policy, stored: &[KeyView]) -> Vec<KeyView> {
    let stored: std::collections::HashSet<&str> = stored.iter().map(|key| key.id.as_str()).collect();
    let absent = policy.keys.values().filter(|key| !stored.contains(&*key.id));
    absent.map(|key| KeyView::configured(key)).collect()
}

/// Newest first; keys of the config have no age and come last.
fn place(key: &KeyView) -> String {
    format!("{:019}-{}", i64::MAX - key.created_at.map_or(0, |at| at.unix_us), key.id)
}

fn check(fields: &KeyFields) -> Result<(), ApiError> {
    let texts = [("label", &fields.label), ("team", &fields.team), ("project", &fields.project)];
    for (name, text) in texts {
        if let Some(text) = text {
            check_text(name, text)?;
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

fn check_providers(ids: &[String], policy: &Policy) -> Result<(), ApiError> {
    let known: Vec<&str> = policy.providers.iter().map(|provider| provider.id.as_str()).collect();
    let Some(unknown) = ids.iter().find(|id| !known.contains(&id.as_str())) else { return Ok(()) };
    let message = format!("there is no provider `{unknown}`; known are {}", known.join(", "));
    Err(ApiError::invalid("allowed_providers", message))
}

impl KeyView {
    fn stored(key: StoredKey) -> Self {
        let StoredKey { id, hash: _, fields, created_at, rotated_at, revoked_at, last_used_at } = key;
        Self {
            id,
            status: status(revoked_at.is_some(), fields.expires_at),
            label: fields.label,
            team: fields.team,
            project: fields.project,
            allowed_models: fields.allowed_models,
            allowed_providers: fields.allowed_providers,
            expires_at: fields.expires_at,
            origin: KeyOrigin::Api,
            created_at: Some(created_at),
            rotated_at,
            revoked_at,
            last_used_at,
        }
    }

    fn configured(key: &KeyFacts) -> Self {
        let text = |value: &Option<std::sync::Arc<str>>| value.as_deref().map(str::to_owned);
        Self {
            id: key.id.to_string(),
            label: text(&key.label),
            team: text(&key.team),
            project: text(&key.project),
            allowed_models: key.allowed_models.clone(),
            allowed_providers: key.allowed_providers.clone(),
            expires_at: key.expires_at,
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
