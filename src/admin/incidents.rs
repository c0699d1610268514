//! `/v1/incidents`: what went wrong, whom it hit and what mitigated it.

use axum::{Extension, Json, extract::State};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::Admin,
    change::Change,
    error::{ApiError, ErrorBody},
    extract::{Body, Id, Params},
    filter::time,
    page::{List, PageParams, seal},
    state::AdminState,
    words,
};
use crate::{
    analytics::{IncidentDetailView, IncidentView},
    domain::{Impact, IncidentKind, Timestamp},
    store::{Action, Cursor, Deed, IncidentEdit, IncidentFilter},
};

/// Which incidents; what is left out lets all pass.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct IncidentParams {
    /// `open` or `closed`.
    #[serde(default, deserialize_with = "state")]
    #[param(value_type = Option<String>)]
    state: Option<bool>,
    /// Such as `provider_down`.
    #[serde(default, deserialize_with = "kind")]
    #[param(value_type = Option<String>)]
    kind: Option<IncidentKind>,
    /// `customer_impacting`, `mitigated` or `notice`.
    #[serde(default, deserialize_with = "impact")]
    #[param(value_type = Option<String>)]
    impact: Option<Impact>,
    /// Who failed; empty for incidents of no provider.
    provider: Option<String>,
    /// A project that was hit; empty for requests without one.
    project: Option<String>,
    /// Whether somebody took notice.
    acknowledged: Option<bool>,
    /// Still going on at this moment or later (RFC 3339).
    #[serde(default, deserialize_with = "time")]
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Begun before this moment (RFC 3339).
    #[serde(default, deserialize_with = "time")]
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

impl From<IncidentParams> for IncidentFilter {
    fn from(params: IncidentParams) -> Self {
        let IncidentParams { state, kind, impact, provider, project, acknowledged, from, to } = params;
        Self { open: state, kind, impact, provider, project, acknowledged, from, to }
    }
}

/// List incidents
///
/// By their beginning, newest first.
#[utoipa::path(
    get, path = "/v1/incidents", operation_id = "listIncidents", tag = "Incidents", params(IncidentParams, PageParams),
    responses(
        (status = 200, description = "A page of incidents", body = List<IncidentView>),
        (status = 400, description = "A query parameter is unknown or wrong; `param` names it", body = ErrorBody),
    )
)]
pub(super) async fn list(
    State(state): State<AdminState>,
    Params(filter, page, ..): Params<IncidentParams, PageParams>,
) -> Result<Json<List<IncidentView>>, ApiError> {
    let history = &state.parts.store.history;
    let found = history.incidents(&filter.into(), page.cursor(Cursor::parse)?, page.limit()?).await?;
    let data = found.incidents.iter().map(IncidentView::from).collect();
    Ok(Json(List { data, next_cursor: found.next.map(|next| seal(&next.to_string())) }))
}

/// Show an incident
///
/// With its timeline, its requests, whom it hit and what mitigated it.
#[utoipa::path(
    get, path = "/v1/incidents/{id}", operation_id = "getIncident", tag = "Incidents",
    params(("id" = String, Path, description = "The incident's id")),
    responses(
        (status = 200, description = "The incident", body = IncidentDetailView),
        (status = 404, description = "No incident bears this id", body = ErrorBody),
    )
)]
pub(super) async fn show(State(state): State<AdminState>, Id(id): Id) -> Result<Json<IncidentDetailView>, ApiError> {
    let detail = state.parts.store.history.incident(&id).await?.ok_or_else(ApiError::not_found)?;
    Ok(Json(IncidentDetailView::from(&detail)))
}

/// What is to become of an incident; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IncidentChange {
    /// Whether somebody took notice of it.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    acknowledged: Change<bool>,
    /// A note of up to 2,000 characters, kept as it is; `null` removes it. One that holds what looks like a
    /// credential is refused.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    note: Change<String>,
}

/// Acknowledge an incident, or write a note to it
#[utoipa::path(
    patch, path = "/v1/incidents/{id}", operation_id = "updateIncident", tag = "Incidents",
    params(("id" = String, Path, description = "The incident's id")),
    request_body = IncidentChange,
    responses(
        (status = 200, description = "The incident as it is now", body = IncidentView),
        (status = 400, description = "A field is unknown or wrong; `param` names it", body = ErrorBody),
        (status = 404, description = "No incident bears this id", body = ErrorBody),
    )
)]
pub(super) async fn update(
    State(state): State<AdminState>,
    Extension(admin): Extension<Admin>,
    Id(id): Id,
    Body(change): Body<IncidentChange>,
) -> Result<Json<IncidentView>, ApiError> {
    let acknowledged = match change.acknowledged {
        Change::Keep => None,
        Change::Clear => return Err(ApiError::invalid("acknowledged", "`acknowledged` must be true or false")),
        Change::Set(flag) => Some(flag),
    };
    let note = match change.note {
        Change::Keep => None,
        Change::Clear => Some(None),
        Change::Set(text) => Some(Some(words::read("note", text, &state.parts.policy.load())?)),
    };
    let task = tokio::spawn(async move {
        let store = &state.parts.store;
        let edited = store.recorder.edit_incident(&id, IncidentEdit { acknowledged, note }).await?;
        let (before, after) = edited.ok_or_else(ApiError::not_found)?;
        let mut deed = Deed::done(Action::IncidentUpdate, Some(&after.id));
        if before.acknowledged_at.is_some() != after.acknowledged_at.is_some() {
            let (from, to) = (before.acknowledged_at.is_some(), after.acknowledged_at.is_some());
            deed.changes.insert("acknowledged".to_owned(), json!({"from": from, "to": to}));
        }
        if before.note != after.note {
            deed.changes.insert("note".to_owned(), json!({"from": before.note, "to": after.note}));
        }
        store.control.log(&admin.actor(), &deed).await?;
        Ok(Json(IncidentView::from(&after)))
    });
    // Carried through even if the caller hangs up half-way.
    task.await.map_err(|fault| ApiError::internal(&fault))?
}

fn state<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<bool>, D::Error> {
    match String::deserialize(reader)?.as_str() {
        "open" => Ok(Some(true)),
        "closed" => Ok(Some(false)),
        _ => Err(D::Error::custom("expected open or closed")),
    }
}

fn kind<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<IncidentKind>, D::Error> {
    let known =
        || D::Error::custom(format!("expected one of {}", IncidentKind::ALL.map(IncidentKind::as_str).join(", ")));
    IncidentKind::parse(&String::deserialize(reader)?).map(Some).ok_or_else(known)
}

fn impact<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Impact>, D::Error> {
    let known = || D::Error::custom(format!("expected one of {}", Impact::ALL.map(Impact::as_str).join(", ")));
    Impact::parse(&String::deserialize(reader)?).map(Some).ok_or_else(known)
}
