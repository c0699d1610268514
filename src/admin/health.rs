//! What tells whether the gateway lives: `/health`, `/readyz`, `/metrics`, and what it can: `/openapi.json`.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{error::ErrorBody, state::AdminState};
use crate::store::StoreError;

/// Longest time that the store may take to answer before the gateway counts as not ready.
const STORE_PATIENCE: Duration = Duration::from_secs(2);

/// The gateway lives.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// Always `ok`: who can answer, lives.
    #[schema(example = "ok")]
    pub(super) status: &'static str,
    /// The version of the gateway.
    #[schema(example = "0.1.0")]
    pub(super) version: &'static str,
    /// Seconds since it began to serve.
    pub(super) uptime_secs: u64,
    /// The port that it listens on.
    #[schema(example = 8930)]
    pub(super) port: u16,
    /// Ids of the enabled providers, in the order they are tried.
    pub(super) providers: Vec<String>,
}

/// Whether the gateway should be sent requests.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Readiness {
    /// `ready`, `stopping` or `store_unavailable`.
    #[schema(example = "ready")]
    pub(super) status: &'static str,
    /// Records that are not yet on disk.
    pub(super) waiting_records: u64,
    /// Bytes of them.
    pub(super) waiting_bytes: u64,
    /// Records lost since the start, because the store was too slow or refused them.
    pub(super) dropped_records: u64,
    /// Records whose answer went before they stood in the spool, since the start: a crash in that
    /// moment would have lost them.
    pub(super) unspooled_records: u64,
}

/// Whether the gateway lives
#[utoipa::path(
    get, path = "/health", operation_id = "getHealth", tag = "Health",
    responses((status = 200, description = "It lives", body = Health))
)]
pub(super) async fn health(State(state): State<AdminState>) -> Json<Health> {
    let policy = state.parts.policy.load();
    Json(Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        uptime_secs: state.parts.started_at.elapsed().as_secs(),
        port: state.parts.port,
        providers: policy.providers.iter().filter(|provider| provider.enabled).map(|p| p.id.clone()).collect(),
    })
}

/// Whether the gateway should be sent requests
///
/// For load balancers: 503 from the moment it begins to stop, and while its store does not answer.
#[utoipa::path(
    get, path = "/readyz", operation_id = "getReadiness", tag = "Health",
    responses(
        (status = 200, description = "It is ready", body = Readiness),
        (status = 503, description = "It is not; `status` says why", body = Readiness),
    )
)]
pub(super) async fn ready(State(state): State<AdminState>) -> Response {
    let queue = state.parts.store.recorder.stats();
    let status = if state.parts.stopping.is_cancelled() {
        "stopping"
    } else if tokio::time::timeout(STORE_PATIENCE, ask_store(&state)).await.is_ok_and(|answer| answer.is_ok()) {
        "ready"
    } else {
        "store_unavailable"
    };
    let code = if status == "ready" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let readiness = Readiness {
        status,
        waiting_records: queue.at_risk,
        waiting_bytes: queue.depth_bytes,
        dropped_records: queue.dropped,
        unspooled_records: queue.unspooled,
    };
    (code, Json(readiness)).into_response()
}

async fn ask_store(state: &AdminState) -> Result<(), StoreError> {
    state.parts.store.history.records_since(i64::MAX, 1).await?;
    match state.parts.store.control.key("").await {
        Ok(_) | Err(StoreError::NotFound(_)) => Ok(()),
        Err(fault) => Err(fault),
    }
}

/// Metrics
///
/// In Prometheus' text format. An admin route, since labels name models and providers: give the
/// scraper the admin token.
#[utoipa::path(
    get, path = "/metrics", operation_id = "getMetrics", tag = "Health",
    responses(
        (status = 200, description = "The metrics", body = String, content_type = "text/plain; version=0.0.4"),
        (status = 401, description = "Not the admin", body = ErrorBody),
    )
)]
pub(super) async fn metrics(State(state): State<AdminState>) -> Response {
    let content_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (content_type, state.parts.metrics.render()).into_response()
}

/// This document
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "getOpenapi", tag = "Health",
    responses((status = 200, description = "The OpenAPI 3.1 document of the gateway", body = serde_json::Value))
)]
pub(super) async fn openapi(State(state): State<AdminState>) -> Response {
    let document = state.parts.openapi.clone();
    ([(header::CONTENT_TYPE, "application/json")], document).into_response()
}
