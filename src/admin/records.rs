//! `/v1/records`: what was requested, newest first.
//!
//! Lists read metadata only; there is no prompt and no answer in a record.

use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};

use super::{
    error::{ApiError, ErrorBody},
    export::{self, ExportParams},
    extract::{Id, Params},
    filter::RecordParams,
    page::{List, PageParams, seal},
    state::AdminState,
};
use crate::{
    analytics::RecordView,
    domain::RecordId,
    store::{Cursor, MOST_SORTED, Measure, RecordFilter},
};

/// List records
///
/// Newest first, or sorted by `sort`. `format=csv` or `format=jsonl` (or an `Accept` header of `text/csv` or
/// `application/jsonl`) streams all records that fit, in one answer.
#[utoipa::path(
    get, path = "/v1/records", operation_id = "listRecords", tag = "Records", params(RecordParams, PageParams, ExportParams),
    responses(
        (status = 200, description = "A page of records, or the export", content(
            (List<RecordView> = "application/json"), (String = "text/csv"), (String = "application/jsonl"),
        )),
        (status = 400, description = "A query parameter is unknown or wrong; `param` names it", body = ErrorBody),
    )
)]
pub(super) async fn list(
    State(state): State<AdminState>,
    headers: HeaderMap,
    Params(filter, page, export): Params<RecordParams, PageParams, ExportParams>,
) -> Result<Response, ApiError> {
    answer(&state, filter.into(), &page, (export.measure(), export::wanted(&export, &headers))).await
}

/// List a project's records
///
/// As `/v1/records`, for one project.
#[utoipa::path(
    get, path = "/v1/projects/{id}/records", operation_id = "listProjectRecords", tag = "Projects",
    params(("id" = String, Path, description = "Project"), RecordParams, PageParams, ExportParams),
    responses(
        (status = 200, description = "A page of records, or the export", content(
            (List<RecordView> = "application/json"), (String = "text/csv"), (String = "application/jsonl"),
        )),
        (status = 400, description = "A query parameter is unknown or wrong; `param` names it", body = ErrorBody),
    )
)]
pub(super) async fn list_of_project(
    State(state): State<AdminState>,
    Id(project): Id,
    headers: HeaderMap,
    Params(filter, page, export): Params<RecordParams, PageParams, ExportParams>,
) -> Result<Response, ApiError> {
    let mut filter = RecordFilter::from(filter);
    if filter.project.replace(project).is_some() {
        return Err(ApiError::invalid("project", "the path names the project already"));
    }
    answer(&state, filter, &page, (export.measure(), export::wanted(&export, &headers))).await
}

/// Show a record
///
/// With one row per upstream call in `attempt_rows`.
#[utoipa::path(
    get, path = "/v1/records/{id}", operation_id = "getRecord", tag = "Records",
    params(("id" = String, Path, description = "The record's id, as in the response header `x-gateway-record`")),
    responses(
        (status = 200, description = "The record", body = RecordView),
        (status = 404, description = "No record bears this id", body = ErrorBody),
    )
)]
pub(super) async fn show(State(state): State<AdminState>, Id(id): Id) -> Result<Json<RecordView>, ApiError> {
    let id = RecordId::parse(&id).ok_or_else(ApiError::not_found)?;
    let stored = state.parts.store.history.record(id).await?.ok_or_else(ApiError::not_found)?;
    let routed = Some(state.parts.store.history.has_route(stored.seq).await?);
    Ok(Json(RecordView { routed, ..RecordView::detail(&stored) }))
}

async fn answer(
    state: &AdminState,
    filter: RecordFilter,
    page: &PageParams,
    (measure, format): (Option<Measure>, Option<export::Format>),
) -> Result<Response, ApiError> {
    let history = &state.parts.store.history;
    if let Some(format) = format {
        return match measure {
            None => export::stream(history, filter, page, format),
            Some(_) => Err(ApiError::invalid("sort", "an export is in the order of time")),
        };
    }
    let (after, limit) = (page.cursor(Cursor::parse)?, page.limit()?);
    let found = match measure {
        None => history.records(&filter, after, limit).await?,
        Some(measure) => history.largest(&filter, measure, after, limit).await?.ok_or_else(|| {
            let why = format!("more than {MOST_SORTED} records fit: narrow them by `from`, `to` or another filter");
            ApiError::invalid("sort", why)
        })?,
    };
    let data = found.records.iter().map(RecordView::row).collect();
    let next_cursor = found.next.map(|next| seal(&next.to_string()));
    Ok(Json(List { data, next_cursor }).into_response())
}
