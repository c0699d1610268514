//! `/v1/keys`: virtual keys. A secret is shown when it is made and never again.

use std::collections::BTreeMap;

use axum::{Extension, Json, extract::State, http::StatusCode};

use super::{
    auth::Admin,
    change::Change,
    error::{ApiError, Code, ErrorBody},
    extract::{Body, Id, Params},
    key_body::{IssuedKeyView, KeyChange, KeyView, NewKey, check},
    limit_body::{LimitsBody, checked_budgets},
    page::{List, PageParams},
    provider_body::sendable,
    sanitization_body::{OverrideBody, refused},
    state::AdminState,
};
use crate::{
    config::{ProviderType, SanitizationOverride},
    domain::{Secret, Timestamp},
    policy::Policy,
    store::{KeyFields, StoredKey},
};

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
    Extension(admin): Extension<Admin>,
    Body(new): Body<NewKey>,
) -> Result<(StatusCode, Json<IssuedKeyView>), ApiError> {
    if new.expires_at.is_some_and(|at| at <= Timestamp::now()) {
        return Err(ApiError::invalid("expires_at", "`expires_at` lies in the past"));
    }
    let sanitization = new.sanitization.map(|body| checked_rules(&state, &body)).transpose()?;
    let limits = new.limits.as_ref().map(LimitsBody::checked).transpose()?;
    let budgets = checked_budgets(&new.budgets)?;
    let provider_keys = own_keys(new.provider_keys, &state.parts.policy.load())?;
    let NewKey { label, team, project, allowed_models, allowed_providers, expires_at, metadata, .. } = new;
    let fields = KeyFields {
        label,
        team,
        project,
        allowed_models,
        allowed_providers,
        provider_keys,
        expires_at,
        sanitization,
        limits,
        budgets,
        metadata,
    };
    check(&fields)?;
    check_providers(&fields.allowed_providers, &state.parts.policy.load())?;
    let control = state.parts.store.control.clone();
    let issued = state.change(async move { Ok(control.create_key(&admin.actor(), fields).await?) }).await?;
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
    Extension(admin): Extension<Admin>,
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
        match change.provider_keys {
            Change::Keep => {}
            Change::Clear => fields.provider_keys.clear(),
            Change::Set(keys) => fields.provider_keys = own_keys(keys, &inner.parts.policy.load())?,
        }
        change.expires_at.apply(&mut fields.expires_at);
        match change.sanitization {
            Change::Keep => {}
            Change::Clear => fields.sanitization = None,
            Change::Set(body) => fields.sanitization = Some(checked_rules(&inner, &body)?),
        }
        match change.limits {
            Change::Keep => {}
            Change::Clear => fields.limits = None,
            Change::Set(body) => fields.limits = Some(body.checked()?),
        }
        match change.budgets {
            Change::Keep => {}
            Change::Clear => fields.budgets.clear(),
            Change::Set(budgets) => fields.budgets = checked_budgets(&budgets)?,
        }
        change.metadata.apply_or_default(&mut fields.metadata);
        check(&fields)?;
        Ok(inner.parts.store.control.update_key(&admin.actor(), &id, fields).await?)
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
pub(super) async fn revoke(
    State(state): State<AdminState>,
    Extension(admin): Extension<Admin>,
    Id(id): Id,
) -> Result<Json<KeyView>, ApiError> {
    let inner = state.clone();
    let key = state.change(async move {
        changeable(&inner, &id).await?;
        Ok(inner.parts.store.control.revoke_key(&admin.actor(), &id).await?)
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
pub(super) async fn rotate(
    State(state): State<AdminState>,
    Extension(admin): Extension<Admin>,
    Id(id): Id,
) -> Result<Json<IssuedKeyView>, ApiError> {
    let inner = state.clone();
    let issued = state.change(async move {
        if changeable(&inner, &id).await?.revoked_at.is_some() {
            return Err(ApiError::new(Code::Conflict, "a revoked key gets no new secret; make a new key"));
        }
        Ok(inner.parts.store.control.rotate_key(&admin.actor(), &id).await?)
    });
    Ok(Json(issued.await?.into()))
}

/// What a key states of the sanitizer, if it can be put in force.
fn checked_rules(state: &AdminState, body: &OverrideBody) -> Result<SanitizationOverride, ApiError> {
    let over = body.checked("sanitization")?;
    state.parts.policy.load().check_override(&over).map_err(|errors| refused("sanitization", &errors))?;
    Ok(over)
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

fn check_providers(ids: &[String], policy: &Policy) -> Result<(), ApiError> {
    let known: Vec<&str> = policy.providers.iter().map(|provider| provider.id.as_str()).collect();
    let Some(unknown) = ids.iter().find(|id| !known.contains(&id.as_str())) else { return Ok(()) };
    let message = format!("there is no provider `{unknown}`; known are {}", known.join(", "));
    Err(ApiError::invalid("allowed_providers", message))
}

/// A key's own provider keys, if there are such providers and the keys can be sent.
fn own_keys(keys: BTreeMap<String, String>, policy: &Policy) -> Result<BTreeMap<String, Secret>, ApiError> {
    let types = ProviderType::ALL.map(ProviderType::as_str);
    let ids = policy.providers.iter().map(|provider| provider.id.as_str());
    let known: Vec<&str> = ids.chain(types).collect();
    let checked = |(name, key): (String, String)| {
        if !known.contains(&name.as_str()) {
            let message = format!("`{name}` is no provider and no type of providers; known are {}", known.join(", "));
            return Err(ApiError::invalid("provider_keys", message));
        }
        Ok((name, sendable("provider_keys", key)?))
    };
    keys.into_iter().map(checked).collect()
}
