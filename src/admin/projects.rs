//! `/v1/projects` and `/v1/requesters`: who was seen, and what they used.

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    error::{ApiError, ErrorBody},
    extract::Params,
    filter::StatsParams,
    page::{List, PageParams},
    state::AdminState,
};
use crate::{
    analytics::{self, ProjectView, RequesterView},
    domain::Timestamp,
};

/// Who counts as active.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ActiveParams {
    /// Only those with a request in the last so many minutes.
    active_since_mins: Option<u32>,
}

impl ActiveParams {
    fn since(&self) -> Option<Timestamp> {
        let span_us = |mins: u32| i64::from(mins) * 60_000_000;
        self.active_since_mins.map(|mins| Timestamp { unix_us: Timestamp::now().unix_us - span_us(mins) })
    }
}

/// List projects
///
/// The most recently active first, each with its sums over all time, or over `from` to `to`.
#[utoipa::path(
    get, path = "/v1/projects", operation_id = "listProjects", tag = "Projects", params(ActiveParams, StatsParams, PageParams),
    responses(
        (status = 200, description = "A page of projects", body = List<ProjectView>),
        (status = 400, description = "A query parameter is unknown or wrong; `param` names it", body = ErrorBody),
    )
)]
pub(super) async fn list(
    State(state): State<AdminState>,
    Params(active, filter, page): Params<ActiveParams, StatsParams, PageParams>,
) -> Result<Json<List<ProjectView>>, ApiError> {
    let found = analytics::projects(&state.parts.store.history, &filter.into(), active.since()).await?;
    page.cut(found, |project| place(project.last_seen_at, &project.id)).map(Json)
}

/// List requesters
///
/// Those who named themselves with `x-source`, the most recently active first, each with its sums
/// over all time, or over `from` to `to`.
#[utoipa::path(
    get, path = "/v1/requesters", operation_id = "listRequesters", tag = "Requesters", params(ActiveParams, StatsParams, PageParams),
    responses(
        (status = 200, description = "A page of requesters", body = List<RequesterView>),
        (status = 400, description = "A query parameter is unknown or wrong; `param` names it", body = ErrorBody),
    )
)]
pub(super) async fn list_requesters(
    State(state): State<AdminState>,
    Params(active, filter, page): Params<ActiveParams, StatsParams, PageParams>,
) -> Result<Json<List<RequesterView>>, ApiError> {
    let found = analytics::requesters(&state.parts.store.history, &filter.into(), active.since()).await?;
    page.cut(found, |requester| place(requester.last_seen_at, &requester.id)).map(Json)
}

/// Newest first, then by name.
fn place(last_seen_at: Timestamp, id: &str) -> String {
    format!("{:019}-{id}", i64::MAX - last_seen_at.unix_us)
}
