//! `/v1/projects` and `/v1/requesters`: who was seen, what they used, and what the operator decides about projects.

use std::{collections::HashSet, sync::Arc};

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    error::{ApiError, ErrorBody},
    extract::Params,
    filter::StatsParams,
    limit_body::LimitsBody,
    page::{List, PageParams},
    state::AdminState,
};
use crate::{
    analytics::{self, Measures, RequesterView, SeenProject},
    config::Project,
    domain::Timestamp,
    policy::{KeyFacts, Policy},
};

/// A project: one that was seen, one that the config defines, or both.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ProjectView {
    /// Its name, as in `x-project`.
    id: String,
    /// Start of its first request; `null` before that.
    #[schema(value_type = Option<String>, format = DateTime)]
    first_seen_at: Option<Timestamp>,
    /// Start of its newest request.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_seen_at: Option<Timestamp>,
    /// What the config decides about it; `null` where it decides nothing.
    settings: Option<ProjectSettings>,
    /// The virtual keys that fix it.
    keys: Vec<ProjectKey>,
    /// Its sums over the asked period, else over all time.
    #[serde(flatten)]
    measures: Measures,
}

/// What `[[projects]]` says of a project. What it leaves out is as for requests without a project.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ProjectSettings {
    /// What it is, for people.
    description: Option<String>,
    /// Models that it may use, the first of them for requests that name none; empty means all.
    models: Vec<String>,
    /// Whether its requests need a virtual key.
    require_key: bool,
    /// Whether the response cache serves it.
    cache: bool,
    /// What its requests may use together; `null` leaves it to `[limits.per_project]`.
    limits: Option<LimitsBody>,
}

/// A virtual key of a project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub(super) struct ProjectKey {
    /// Public id, as in a record's `key_id`.
    id: String,
    /// Shown in records.
    label: Option<String>,
}

impl ProjectView {
    fn new(id: String, seen: Option<(Timestamp, Timestamp)>, measures: Measures, policy: &Policy) -> Self {
        let settings = policy.project(Some(&id)).map(|project| ProjectSettings::of(project, policy));
        let fixes = policy.keys.values().filter(|key| key.project.as_deref() == Some(&*id) && !key.revoked);
        let key =
            |key: &Arc<KeyFacts>| ProjectKey { id: key.id.to_string(), label: key.label.as_deref().map(str::to_owned) };
        let mut keys: Vec<_> = fixes.map(key).collect();
        keys.sort();
        let (first_seen_at, last_seen_at) = seen.unzip();
        Self { id, first_seen_at, last_seen_at, settings, keys, measures }
    }
}

impl ProjectSettings {
    fn of(project: &Project, policy: &Policy) -> Self {
        Self {
            description: project.description.clone(),
            models: project.models.clone(),
            require_key: policy.requires_key(Some(&project.name)),
            cache: policy.is_cached(None, Some(&project.name)),
            limits: project.limits.as_ref().map(LimitsBody::from),
        }
    }
}

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
/// The most recently active first, each with its sums over all time, or over `from` to `to`; then those of the config
/// that were never seen, unless only the active ones are asked for.
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
    let policy = state.parts.policy.load();
    let found = analytics::projects(&state.parts.store.history, &filter.into(), active.since()).await?;
    let seen: HashSet<&str> = found.iter().map(|project| project.id.as_str()).collect();
    let unseen = policy.config.projects.iter().filter(|_| active.active_since_mins.is_none());
    let unseen = unseen.filter(|project| !seen.contains(project.name.as_str()));
    let unseen: Vec<_> =
        unseen.map(|project| ProjectView::new(project.name.clone(), None, Measures::default(), &policy)).collect();
    let view = |SeenProject { id, first_seen_at, last_seen_at, measures }| {
        ProjectView::new(id, Some((first_seen_at, last_seen_at)), measures, &policy)
    };
    let mut found: Vec<_> = found.into_iter().map(view).collect();
    found.extend(unseen);
    let place = |project: &ProjectView| place(project.last_seen_at.unwrap_or(Timestamp { unix_us: 0 }), &project.id);
    found.sort_by_key(place);
    page.cut(found, place).map(Json)
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
