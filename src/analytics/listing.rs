//! Projects and requesters, as they were first seen.

use serde::Serialize;
use utoipa::ToSchema;

use super::stats::Measures;
use crate::{
    domain::Timestamp,
    store::{Dimension, History, SeenKind, StatsFilter, StoreError},
};

/// A project that was seen.
#[derive(Clone, Debug)]
pub struct SeenProject {
    /// Its name, as in `x-project`.
    pub id: String,
    /// Start of its first request.
    pub first_seen_at: Timestamp,
    /// Start of its newest request.
    pub last_seen_at: Timestamp,
    /// Its sums over the asked period, else over all time.
    pub measures: Measures,
}

/// A requester.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RequesterView {
    /// Its name, as in `x-source`.
    pub id: String,
    /// Start of its first request.
    #[schema(value_type = String, format = DateTime)]
    pub first_seen_at: Timestamp,
    /// Start of its newest request.
    #[schema(value_type = String, format = DateTime)]
    pub last_seen_at: Timestamp,
    /// Its sums over the asked period, else over all time.
    #[serde(flatten)]
    pub measures: Measures,
}

/// Projects with a request since `active_since`, most recently active first.
///
/// # Errors
/// When the database fails.
pub async fn projects(
    history: &History,
    filter: &StatsFilter,
    active_since: Option<Timestamp>,
) -> Result<Vec<SeenProject>, StoreError> {
    let found = listed(history, SeenKind::Project, Dimension::Project, filter, active_since).await?;
    let view = |Listed { id, first_seen_at, last_seen_at, measures }| SeenProject {
        id,
        first_seen_at,
        last_seen_at,
        measures,
    };
    Ok(found.map(view).collect())
}

/// Requesters with a request since `active_since`, most recently active first.
///
/// # Errors
/// When the database fails.
pub async fn requesters(
    history: &History,
    filter: &StatsFilter,
    active_since: Option<Timestamp>,
) -> Result<Vec<RequesterView>, StoreError> {
    let found = listed(history, SeenKind::Source, Dimension::Source, filter, active_since).await?;
    let view = |Listed { id, first_seen_at, last_seen_at, measures }| RequesterView {
        id,
        first_seen_at,
        last_seen_at,
        measures,
    };
    Ok(found.map(view).collect())
}

/// A project or requester.
struct Listed {
    id: String,
    first_seen_at: Timestamp,
    last_seen_at: Timestamp,
    measures: Measures,
}

/// All of a kind, with the sums of what `filter` lets pass.
async fn listed(
    history: &History,
    kind: SeenKind,
    dimension: Dimension,
    filter: &StatsFilter,
    active_since: Option<Timestamp>,
) -> Result<impl Iterator<Item = Listed>, StoreError> {
    let seen = history.seen(kind, active_since).await?;
    let (_, mut groups) = history.totals(filter, &[dimension]).await?;
    let mut sums = groups.pop().unwrap_or_default();
    Ok(seen.into_iter().map(move |seen| Listed {
        measures: Measures::from(&sums.remove(&seen.name).unwrap_or_default()),
        id: seen.name,
        first_seen_at: seen.first_seen_at,
        last_seen_at: seen.last_seen_at,
    }))
}
