//! `/v1/stats`: sums over the roll-ups, whole and over time.

use axum::{Json, extract::State};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    error::{ApiError, ErrorBody},
    extract::Params,
    filter::StatsParams,
    state::AdminState,
};
use crate::{
    analytics::{self, Grain, Series, SeriesQuery, Stats},
    domain::Timestamp,
    store::{Dimension, StatsFilter},
};

/// Points of a series when `from` is left out.
const DEFAULT_POINTS: i64 = 500;
/// Most points of a series.
const MAX_POINTS: i64 = 2_000;

/// How a series is drawn.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SeriesParams {
    /// The width of a point; an hour when left out.
    #[param(inline)]
    grain: Option<GrainName>,
    /// The IANA time zone in which days, weeks and months begin; UTC when left out.
    #[param(example = "Europe/Berlin")]
    tz: Option<String>,
    /// One line for each value of this field; the eight costliest are kept apart.
    #[param(inline)]
    group_by: Option<DimensionName>,
}

/// The width of a point.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Grain)]
pub(super) enum GrainName {
    /// Fifteen minutes.
    Quarter,
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A week, from Monday.
    Week,
    /// A month.
    Month,
}

/// A field that sums can be grouped by.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Dimension)]
pub(super) enum DimensionName {
    /// Project.
    Project,
    /// Requester.
    Source,
    /// Team of the key.
    Team,
    /// Id of the virtual key.
    KeyId,
    /// Routing profile.
    Profile,
    /// Provider id.
    Provider,
    /// Model that answered.
    Model,
    /// The API that the client spoke.
    ClientApi,
    /// The endpoint.
    Endpoint,
    /// How it ended.
    Outcome,
    /// Why it failed.
    ErrorKind,
    /// Whether a stream was asked for.
    Stream,
    /// What the response cache did.
    Cache,
}

/// Sums
///
/// Over all requests that the filters let pass, and by provider, model, project, requester, team and key.
#[utoipa::path(
    get, path = "/v1/stats", operation_id = "getStats", tag = "Stats", params(StatsParams),
    responses(
        (status = 200, description = "The sums", body = Stats),
        (status = 400, description = "A query parameter is unknown or wrong; `param` names it", body = ErrorBody),
    )
)]
pub(super) async fn totals(
    State(state): State<AdminState>,
    Params(filter, ..): Params<StatsParams>,
) -> Result<Json<Stats>, ApiError> {
    Ok(Json(analytics::stats(&state.parts.store.history, &filter.into()).await?))
}

/// Sums over time
///
/// Without gaps: points without requests are there too. At most 2,000 points; without `from` the
/// last 500.
#[utoipa::path(
    get, path = "/v1/stats/series", operation_id = "getStatsSeries", tag = "Stats", params(StatsParams, SeriesParams),
    responses(
        (status = 200, description = "The series", body = Series),
        (status = 400, description = "A query parameter is unknown or wrong; `param` names it", body = ErrorBody),
    )
)]
pub(super) async fn series(
    State(state): State<AdminState>,
    Params(filter, params, _): Params<StatsParams, SeriesParams>,
) -> Result<Json<Series>, ApiError> {
    let tz = match params.tz.as_deref() {
        None => TimeZone::UTC,
        Some(name) => TimeZone::get(name)
            .map_err(|_| ApiError::invalid("tz", "`tz` is not an IANA time zone, such as Europe/Berlin"))?,
    };
    let grain = Grain::from(params.grain.unwrap_or(GrainName::Hour));
    let filter = bounded(filter.into(), grain)?;
    let query = SeriesQuery { filter, grain, tz, group_by: params.group_by.map(Dimension::from) };
    Ok(Json(analytics::series(&state.parts.store.history, &query).await?))
}

fn bounded(mut filter: StatsFilter, grain: Grain) -> Result<StatsFilter, ApiError> {
    let width_us = width_secs(grain) * 1_000_000;
    let to = filter.to.unwrap_or_else(Timestamp::now);
    let default = Timestamp { unix_us: to.unix_us.saturating_sub(DEFAULT_POINTS * width_us) };
    let from = *filter.from.get_or_insert(default);
    if from >= to {
        return Err(ApiError::invalid("from", "`from` must lie before `to`"));
    }
    if to.unix_us.saturating_sub(from.unix_us) / width_us > MAX_POINTS {
        let message = format!("more than {MAX_POINTS} points lie between `from` and `to`: choose a wider `grain`");
        return Err(ApiError::invalid("grain", message));
    }
    Ok(filter)
}

const fn width_secs(grain: Grain) -> i64 {
    match grain {
        Grain::Quarter => 15 * 60,
        Grain::Hour => 60 * 60,
        Grain::Day => 24 * 60 * 60,
        Grain::Week => 7 * 24 * 60 * 60,
        Grain::Month => 30 * 24 * 60 * 60,
    }
}

impl From<GrainName> for Grain {
    fn from(name: GrainName) -> Self {
        match name {
            GrainName::Quarter => Self::Quarter,
            GrainName::Hour => Self::Hour,
            GrainName::Day => Self::Day,
            GrainName::Week => Self::Week,
            GrainName::Month => Self::Month,
        }
    }
}

impl From<DimensionName> for Dimension {
    fn from(name: DimensionName) -> Self {
        match name {
            DimensionName::Project => Self::Project,
            DimensionName::Source => Self::Source,
            DimensionName::Team => Self::Team,
            DimensionName::KeyId => Self::Key,
            DimensionName::Profile => Self::Profile,
            DimensionName::Provider => Self::Provider,
            DimensionName::Model => Self::Model,
            DimensionName::ClientApi => Self::ClientApi,
            DimensionName::Endpoint => Self::Endpoint,
            DimensionName::Outcome => Self::Outcome,
            DimensionName::ErrorKind => Self::ErrorKind,
            DimensionName::Stream => Self::Stream,
            DimensionName::Cache => Self::Cache,
        }
    }
}
