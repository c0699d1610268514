//! `/v1/profiles`: what requests value when the gateway chooses for them.
//!
//! What the config defines is shown here and changed there; the built-in ones can be laid over, not removed.

use axum::{Extension, Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::Admin,
    error::{ApiError, Code, ErrorBody},
    extract::{Body, Id, Nothing, Params},
    page::List,
    state::AdminState,
};
use crate::{
    config::{ProfileBlock, Weights},
    domain::{Abilities, Ability},
    routing::Profile,
};

/// Longest name of a profile, in bytes.
const MAX_ID_BYTES: usize = 64;
/// Heaviest weight.
const MAX_WEIGHT: f32 = 1_000.0;

/// A routing profile.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Profile)]
pub(super) struct ProfileView {
    /// Its name, as in `auto:<id>` and `x-profile`.
    id: String,
    /// What it is for; built-in ones only.
    purpose: Option<&'static str>,
    /// Who defines it, and so who can change it.
    origin: ProfileOrigin,
    /// Whether it is the profile of requests that name none.
    is_default: bool,
    /// How much each factor of a score counts; only their proportions matter.
    weights: WeightsView,
    /// What a model must be able to do, whatever the request uses.
    needs: Vec<&'static str>,
    /// The least context window, in tokens.
    min_context_tokens: Option<u64>,
    /// Only providers on the operator's own machines.
    local_only: bool,
}

/// Who defines a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ProfileOrigin {
    /// The gateway itself.
    BuiltIn,
    /// The config file.
    Config,
    /// This API.
    Api,
}

/// How much each factor counts, from 0 to 1,000.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = ProfileWeights)]
pub(super) struct WeightsView {
    /// How good the answers are.
    quality: f32,
    /// How cheap they are.
    price: f32,
    /// How soon they begin.
    latency: f32,
    /// How rarely calls fail.
    reliability: f32,
    /// A warm prompt cache.
    affinity: f32,
}

/// A profile to put in place.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewProfile {
    /// How much each factor counts; at least one must.
    weights: WeightsView,
    /// What a model must be able to do: `tools`, `vision`, `audio`, `documents`, `json_schema`, `reasoning`, `streaming`.
    #[serde(default)]
    needs: Vec<String>,
    /// The least context window, in tokens.
    min_context_tokens: Option<u64>,
    /// Only providers on the operator's own machines (`local`, `ollama`).
    #[serde(default)]
    local_only: bool,
}

/// List profiles
///
/// The built-in ones and the operator's own, which win under the same name.
#[utoipa::path(
    get, path = "/v1/profiles", operation_id = "listProfiles", tag = "Profiles",
    responses((status = 200, description = "The profiles; `next_cursor` is always null", body = List<ProfileView>))
)]
pub(super) async fn list(State(state): State<AdminState>, _none: Params<Nothing>) -> Json<List<ProfileView>> {
    let policy = state.parts.policy.load();
    let default = policy.config.routing.profile.as_deref().unwrap_or(crate::routing::DEFAULT_PROFILE);
    let is_own = |id: &str| policy.profiles.iter().any(|own| own.id == id);
    let built_in = Profile::built_in().filter(|(profile, _)| !is_own(&profile.id));
    let built_in = built_in.map(|(profile, purpose)| view(&profile, ProfileOrigin::BuiltIn, Some(purpose), default));
    let own = policy.profiles.iter().map(|profile| {
        let in_config = policy.config.profiles.iter().any(|block| block.id == profile.id);
        view(profile, if in_config { ProfileOrigin::Config } else { ProfileOrigin::Api }, None, default)
    });
    Json(List::whole(own.chain(built_in).collect()))
}

/// Make or replace a profile
///
/// In effect for the next request. A built-in profile of this name is laid over.
#[utoipa::path(
    put, path = "/v1/profiles/{id}", operation_id = "putProfile", tag = "Profiles",
    params(("id" = String, Path, description = "Its name")), request_body = NewProfile,
    responses(
        (status = 200, description = "It was replaced", body = ProfileView),
        (status = 201, description = "It is new", body = ProfileView),
        (status = 400, description = "A field is unknown or wrong; `param` names it", body = ErrorBody),
        (status = 409, description = "The config file defines this profile", body = ErrorBody),
    )
)]
pub(super) async fn put(
    State(state): State<AdminState>,
    Extension(admin): Extension<Admin>,
    Id(id): Id,
    Body(new): Body<NewProfile>,
) -> Result<(StatusCode, Json<ProfileView>), ApiError> {
    let profile = new.check(id)?;
    changeable(&state, &profile.id)?;
    let control = state.parts.store.control.clone();
    let stored = profile.clone();
    let is_new = state.change(async move { Ok(control.put_profile(&admin.actor(), &stored).await?) }).await?;
    let policy = state.parts.policy.load();
    let default = policy.config.routing.profile.as_deref().unwrap_or(crate::routing::DEFAULT_PROFILE);
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(view(&Profile::from(&profile), ProfileOrigin::Api, None, default))))
}

/// Remove a profile
///
/// Requests that still name it are refused, unless a built-in one bears the name.
#[utoipa::path(
    delete, path = "/v1/profiles/{id}", operation_id = "deleteProfile", tag = "Profiles",
    params(("id" = String, Path, description = "Its name")),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "No profile made over the API bears this name", body = ErrorBody),
        (status = 409, description = "The config file defines this profile, or names it as the default", body = ErrorBody),
    )
)]
pub(super) async fn remove(
    State(state): State<AdminState>,
    Extension(admin): Extension<Admin>,
    Id(id): Id,
) -> Result<StatusCode, ApiError> {
    changeable(&state, &id)?;
    let policy = state.parts.policy.load();
    if policy.config.routing.profile.as_deref() == Some(&id) && Profile::built_in_of(&id).is_none() {
        let message = "`routing.profile` of the config file names it as the default; change that first";
        return Err(ApiError::new(Code::Conflict, message));
    }
    let control = state.parts.store.control.clone();
    state.change(async move { Ok(control.delete_profile(&admin.actor(), &id).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn changeable(state: &AdminState, id: &str) -> Result<(), ApiError> {
    if state.parts.policy.load().config.profiles.iter().any(|block| block.id == id) {
        return Err(ApiError::new(Code::ConfigDefined, "the config file defines this profile: change it there"));
    }
    Ok(())
}

impl NewProfile {
    fn check(self, id: String) -> Result<ProfileBlock, ApiError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if id.is_empty() || id.len() > MAX_ID_BYTES || !id.chars().all(is_plain) {
            let message = "the name of a profile is 1 to 64 letters, digits, `-`, `_` and `.`";
            return Err(ApiError::invalid("id", message));
        }
        let WeightsView { quality, price, latency, reliability, affinity } = self.weights;
        let all = [quality, price, latency, reliability, affinity];
        if all.iter().any(|weight| !(0.0..=MAX_WEIGHT).contains(weight)) || all.iter().all(|weight| *weight == 0.0) {
            return Err(ApiError::invalid(
                "weights",
                "weights go from 0 to 1000, and at least one must be more than 0",
            ));
        }
        let ability = |name: &String| {
            Ability::parse(name).ok_or_else(|| {
                let known = Ability::ALL.map(Ability::as_str).join(", ");
                ApiError::invalid("needs", format!("`needs` knows {known}"))
            })
        };
        let needs: Abilities = self.needs.iter().map(ability).collect::<Result<Vec<_>, _>>()?.into_iter().collect();
        if self.min_context_tokens.is_some_and(|tokens| tokens == 0 || tokens > 1_000_000_000) {
            return Err(ApiError::invalid("min_context_tokens", "`min_context_tokens` goes from 1 to 1000000000"));
        }
        let weights = Weights { quality, price, latency, reliability, affinity };
        let (min_context_tokens, local_only) = (self.min_context_tokens, self.local_only);
        Ok(ProfileBlock { id, weights, needs, min_context_tokens, local_only })
    }
}

fn view(profile: &Profile, origin: ProfileOrigin, purpose: Option<&'static str>, default: &str) -> ProfileView {
    let Weights { quality, price, latency, reliability, affinity } = profile.weights;
    ProfileView {
        id: profile.id.clone(),
        purpose,
        origin,
        is_default: profile.id == default,
        weights: WeightsView { quality, price, latency, reliability, affinity },
        needs: profile.needs.iter().map(Ability::as_str).collect(),
        min_context_tokens: profile.min_context_tokens,
        local_only: profile.local_only,
    }
}
