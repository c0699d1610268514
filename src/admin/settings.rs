//! `/v1/settings`: how this gateway is set up, as it is in force. Secrets are masked, nothing can be changed here.

use std::time::Duration;

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    error::ApiError,
    extract::{Nothing, Params},
    state::AdminState,
};
use crate::{
    config,
    domain::Timestamp,
    store::{Action, AuditFilter},
};

/// How this gateway is set up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Settings)]
pub(super) struct SettingsView {
    /// The gateway's version.
    version: &'static str,
    /// The configuration in force as TOML, defaults included; secrets are `***`.
    config: String,
    /// When the gateway began to serve.
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    /// What is doubtful in it.
    warnings: Vec<String>,
    /// The last change of the config file that was read; `null` when it did not change since the records begin.
    last_reload: Option<ReloadView>,
    /// What it keeps, and where.
    storage: StorageView,
}

/// A changed config file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConfigReload)]
struct ReloadView {
    /// When it was read, RFC 3339 in UTC.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Whether it is in force; if not, the one before is.
    accepted: bool,
    /// What was wrong with it, one line each: file, line, key and what would be right.
    errors: Vec<String>,
}

/// What is kept, and where.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StorageFacts)]
struct StorageView {
    /// The data directory.
    path: String,
    /// Days after which records are deleted; `null` is never.
    retention_days: Option<u32>,
    /// Bytes of all databases and the spool.
    used_bytes: u64,
    /// Bytes of the write-ahead log of `usage.db`.
    wal_bytes: u64,
    /// Bytes that are still free on the disk.
    free_bytes: u64,
    /// Whether that is less than `storage.low_disk_bytes`.
    is_low: bool,
    /// Records written since the start.
    written_records: u64,
    /// Records lost since the start.
    dropped_records: u64,
}

/// Show the settings
#[utoipa::path(
    get, path = "/v1/settings", operation_id = "getSettings", tag = "Settings",
    responses((status = 200, description = "How this gateway is set up", body = SettingsView))
)]
pub(super) async fn show(
    State(state): State<AdminState>,
    _none: Params<Nothing>,
) -> Result<Json<SettingsView>, ApiError> {
    let policy = state.parts.policy.load();
    let store = &state.parts.store;
    let filter = AuditFilter { action: Some(Action::ConfigReload.as_str().to_owned()), ..AuditFilter::default() };
    let (reloads, _) = store.control.audit(&filter, None, 1).await?;
    let last_reload = reloads.into_iter().next().map(|entry| ReloadView {
        at: entry.at,
        accepted: entry.outcome == "ok",
        errors: entry
            .changes
            .get("errors")
            .and_then(|errors| errors.as_array())
            .map(|errors| errors.iter().filter_map(|error| error.as_str().map(str::to_owned)).collect())
            .unwrap_or_default(),
    });
    let (disk, queue) = (store.disk(), store.recorder.stats());
    let storage = &policy.config.storage;
    Ok(Json(SettingsView {
        version: env!("CARGO_PKG_VERSION"),
        config: config::effective_toml(&policy.config),
        started_at: started_at(state.parts.started_at.elapsed()),
        warnings: policy.config.warnings.clone(),
        last_reload,
        storage: StorageView {
            path: storage.path.display().to_string(),
            retention_days: storage.retention_days,
            used_bytes: store.used_bytes(),
            wal_bytes: store.wal_bytes(),
            free_bytes: disk.free_bytes,
            is_low: disk.is_low,
            written_records: queue.written,
            dropped_records: queue.dropped,
        },
    }))
}

fn started_at(uptime: Duration) -> Timestamp {
    let uptime_us = i64::try_from(uptime.as_micros()).unwrap_or(i64::MAX);
    Timestamp { unix_us: Timestamp::now().unix_us.saturating_sub(uptime_us) }
}
