//! `/v1/providers`: where requests can go. Keys come in and never out.
//!
//! What the config defines is shown here and changed there.

use std::sync::Arc;

use axum::{Extension, Json, extract::State, http::StatusCode};

use super::{
    auth::Admin,
    error::{ApiError, Code, ErrorBody},
    extract::{Body, Id, Nothing, Params},
    model_health::AllHealth,
    page::List,
    provider_body::{NewProvider, ProviderChange},
    provider_view::ProviderView,
    state::AdminState,
};
use crate::{
    config::{Provider, ProviderKey, ProviderOrigin},
    store::Credential,
};

/// List providers
///
/// All of them, in the order they are tried, disabled ones too. Keys are never shown.
#[utoipa::path(
    get, path = "/v1/providers", operation_id = "listProviders", tag = "Providers",
    responses((status = 200, description = "The providers; `next_cursor` is always null", body = List<ProviderView>))
)]
pub(super) async fn list(State(state): State<AdminState>, _none: Params<Nothing>) -> Json<List<ProviderView>> {
    let (policy, health) = (state.parts.policy.load(), AllHealth::now(&state));
    Json(List::whole(policy.providers.iter().map(|provider| ProviderView::row(provider, &health)).collect()))
}

/// Add a provider
///
/// It is called from the next request on, and stays over restarts; its key is encrypted at rest.
/// Its address may lie in a private or loopback network only for the types `local` and `ollama`,
/// or with `allow_private_network`.
#[utoipa::path(
    post, path = "/v1/providers", operation_id = "createProvider", tag = "Providers", request_body = NewProvider,
    responses(
        (status = 201, description = "The provider", body = ProviderView),
        (status = 400, description = "A field is unknown or wrong; `param` names it", body = ErrorBody),
        (status = 409, description = "A provider bears this id already", body = ErrorBody),
    )
)]
pub(super) async fn create(
    State(state): State<AdminState>,
    Extension(admin): Extension<Admin>,
    Body(new): Body<NewProvider>,
) -> Result<(StatusCode, Json<ProviderView>), ApiError> {
    let provider = new.check()?;
    let inner = state.clone();
    let stored = state.change(async move {
        if find(&inner, &provider.id).is_ok() {
            return Err(ApiError::new(Code::Conflict, format!("there is a provider `{}` already", provider.id)));
        }
        Ok(inner.parts.store.control.put_provider(&admin.actor(), &provider, Credential::Replace).await?)
    });
    Ok((StatusCode::CREATED, Json(ProviderView::detail(&stored.await?.provider, &AllHealth::now(&state)))))
}

/// Show a provider
#[utoipa::path(
    get, path = "/v1/providers/{id}", operation_id = "getProvider", tag = "Providers",
    params(("id" = String, Path, description = "The provider's id")),
    responses(
        (status = 200, description = "The provider", body = ProviderView),
        (status = 404, description = "No provider bears this id", body = ErrorBody),
    )
)]
pub(super) async fn show(State(state): State<AdminState>, Id(id): Id) -> Result<Json<ProviderView>, ApiError> {
    find(&state, &id).map(|provider| Json(ProviderView::detail(&provider, &AllHealth::now(&state))))
}

/// Change a provider
///
/// What is left out stays, `null` empties. A new address clears the stored key unless the same call
/// gives one, so that a key can never be sent to an address that it was not given for.
#[utoipa::path(
    patch, path = "/v1/providers/{id}", operation_id = "updateProvider", tag = "Providers",
    params(("id" = String, Path, description = "The provider's id")), request_body = ProviderChange,
    responses(
        (status = 200, description = "The provider as it is now", body = ProviderView),
        (status = 400, description = "A field is unknown or wrong; `param` names it", body = ErrorBody),
        (status = 404, description = "No provider bears this id", body = ErrorBody),
        (status = 409, description = "The config defines this provider", body = ErrorBody),
    )
)]
pub(super) async fn update(
    State(state): State<AdminState>,
    Extension(admin): Extension<Admin>,
    Id(id): Id,
    Body(change): Body<ProviderChange>,
) -> Result<Json<ProviderView>, ApiError> {
    let inner = state.clone();
    let stored = state.change(async move {
        let before = changeable(&inner, &id)?;
        let credential = if change.gives_key() { Credential::Replace } else { Credential::Keep };
        let mut after = change.applied_to(&before)?;
        if after.base_url != before.base_url && credential == Credential::Keep {
            after.key = ProviderKey::None;
        }
        Ok(inner.parts.store.control.put_provider(&admin.actor(), &after, credential).await?)
    });
    Ok(Json(ProviderView::detail(&stored.await?.provider, &AllHealth::now(&state))))
}

/// Remove a provider
///
/// And its key. Its records stay.
#[utoipa::path(
    delete, path = "/v1/providers/{id}", operation_id = "deleteProvider", tag = "Providers",
    params(("id" = String, Path, description = "The provider's id")),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "No provider bears this id", body = ErrorBody),
        (status = 409, description = "The config defines this provider", body = ErrorBody),
    )
)]
pub(super) async fn remove(
    State(state): State<AdminState>,
    Extension(admin): Extension<Admin>,
    Id(id): Id,
) -> Result<StatusCode, ApiError> {
    let inner = state.clone();
    let removed = state.change(async move {
        changeable(&inner, &id)?;
        Ok(inner.parts.store.control.delete_provider(&admin.actor(), &id).await?)
    });
    removed.await.map(|()| StatusCode::NO_CONTENT)
}

fn find(state: &AdminState, id: &str) -> Result<Arc<Provider>, ApiError> {
    let policy = state.parts.policy.load();
    policy.providers.iter().find(|provider| provider.id == id).cloned().ok_or_else(ApiError::not_found)
}

fn changeable(state: &AdminState, id: &str) -> Result<Arc<Provider>, ApiError> {
    let provider = find(state, id)?;
    if provider.origin == ProviderOrigin::Api {
        return Ok(provider);
    }
    let place = match provider.origin {
        ProviderOrigin::Environment => "the environment",
        ProviderOrigin::ProvidersJson => "providers.json",
        ProviderOrigin::Config | ProviderOrigin::Api => "the config file",
    };
    Err(ApiError::new(Code::ConfigDefined, format!("{place} defines this provider: change it there")))
}
