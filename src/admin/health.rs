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

use super::{error::ErrorBody, model_health::AllHealth, state::AdminState};
use crate::{
    domain::{Impact, IncidentKind},
    store::{Store, StoreError, Trouble},
};

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
    /// `ready`; `degraded`, which is answered with 200 because requests are still served; or `stopping`.
    #[schema(example = "ready")]
    pub(super) status: &'static str,
    /// Why it is degraded: `low_disk`, `disk_full`, `database_locked`, `database_read_only`,
    /// `database_failing`, `spool_failing`, `store_unavailable`.
    pub(super) reasons: Vec<&'static str>,
    /// Bytes that are free on the disk of `storage.path`.
    pub(super) free_disk_bytes: u64,
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
/// For load balancers: 503 from the moment it begins to stop. While its store cannot be read or written it is
/// `degraded` and answers 200 all the same: requests are served, their records wait.
#[utoipa::path(
    get, path = "/readyz", operation_id = "getReadiness", tag = "Health",
    responses(
        (status = 200, description = "It serves; `status` and `reasons` say whether all is well", body = Readiness),
        (status = 503, description = "It is stopping", body = Readiness),
    )
)]
pub(super) async fn ready(State(state): State<AdminState>) -> Response {
    let answers = tokio::time::timeout(STORE_PATIENCE, ask_store(&state)).await.is_ok_and(|answer| answer.is_ok());
    let queue = state.parts.store.recorder.stats();
    let disk = state.parts.store.disk();
    let reasons: Vec<&'static str> = [
        disk.is_low.then_some("low_disk"),
        queue.trouble.map(Trouble::as_str),
        queue.is_spool_failing.then_some("spool_failing"),
        (!answers).then_some("store_unavailable"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let (code, status) = match (state.parts.stopping.is_cancelled(), reasons.is_empty()) {
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        (false, true) => (StatusCode::OK, "ready"),
        (false, false) => (StatusCode::OK, "degraded"),
    };
    let readiness = Readiness {
        status,
        reasons,
        free_disk_bytes: disk.free_bytes,
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
    let store = &state.parts.store;
    let incidents = open_incidents(store).await;
    let breakers = AllHealth::now(&state).metrics(&state.parts.policy.load());
    (content_type, state.parts.metrics.render() + &store_metrics(store) + &breakers + &incidents).into_response()
}

/// How many incidents are open, by kind and impact; nothing while the store does not answer.
async fn open_incidents(store: &Store) -> String {
    let Ok(Ok(open)) = tokio::time::timeout(STORE_PATIENCE, store.history.open_incidents()).await else {
        return String::new();
    };
    let name = "llm_gateway_incidents_open";
    let mut text = format!("# HELP {name} Incidents that are open.\n# TYPE {name} gauge\n");
    for kind in IncidentKind::ALL {
        for impact in Impact::ALL {
            let count = open.iter().find(|one| (one.0, one.1) == (kind, impact)).map_or(0, |one| one.2);
            let labels = format!("kind=\"{}\",impact=\"{}\"", kind.as_str(), impact.as_str());
            text.push_str(&format!("{name}{{{labels}}} {count}\n"));
        }
    }
    text
}

/// What the store says of itself, in Prometheus' text format. It belongs to this gateway and not to the process,
/// so it is written here and not collected.
fn store_metrics(store: &Store) -> String {
    let (queue, disk) = (store.recorder.stats(), store.disk());
    let mut text = String::new();
    for (name, kind, help, value) in [
        ("records_at_risk", "gauge", "Records that are not yet in the database.", queue.at_risk),
        ("record_queue_bytes", "gauge", "Bytes of records that wait for the database.", queue.depth_bytes),
        ("records_written_total", "counter", "Records written.", queue.written),
        ("records_dropped_total", "counter", "Records lost.", queue.dropped),
        ("records_unspooled_total", "counter", "Records whose answer went before the spool had them.", queue.unspooled),
        ("store_writable", "gauge", "Whether the database could be written last.", u64::from(queue.trouble.is_none())),
        ("disk_free_bytes", "gauge", "Free bytes on the disk of storage.path.", disk.free_bytes),
        ("disk_low", "gauge", "Whether less is free than storage.low_disk_bytes.", u64::from(disk.is_low)),
        ("disk_ballast_bytes", "gauge", "Bytes of the ballast; 0 when it was given up.", disk.ballast_bytes),
        ("wal_bytes", "gauge", "Bytes of the write-ahead log of usage.db.", store.wal_bytes()),
    ] {
        text.push_str(&format!(
            "# HELP llm_gateway_{name} {help}\n# TYPE llm_gateway_{name} {kind}\nllm_gateway_{name} {value}\n"
        ));
    }
    text
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
