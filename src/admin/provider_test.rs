//! `POST /v1/providers/{id}/test`: whether a provider can be reached and takes its key. Asks for its list of models,
//! which costs nothing, and never shows what it answered but for a count.

use std::time::{Duration, Instant};

use axum::{Json, extract::State};
use http_body_util::{BodyExt as _, Limited};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    error::{ApiError, ErrorBody},
    extract::Id,
    state::AdminState,
};
use crate::{
    config::ProviderKey,
    domain::ErrorKind,
    provider::{self, Credential},
};

/// How long the provider may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longer lists are not counted.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// How a provider answered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProviderTest {
    /// Whether it answered as it should.
    ok: bool,
    /// Its HTTP status; `null` when none came.
    status: Option<u16>,
    /// Until the head of its answer, in milliseconds.
    latency_ms: f64,
    /// What went wrong, in the words of `error_kind`.
    error_kind: Option<&'static str>,
    /// What that means, for people.
    message: String,
    /// How many models it lists; `null` when it did not say.
    models: Option<usize>,
}

/// Test a provider
///
/// Asks it for its list of models with its own key: nothing is billed, and no record is made.
#[utoipa::path(
    post, path = "/v1/providers/{id}/test", operation_id = "testProvider", tag = "Providers",
    params(("id" = String, Path, description = "The provider's id")),
    responses(
        (status = 200, description = "How it answered, well or badly", body = ProviderTest),
        (status = 404, description = "No provider bears this id", body = ErrorBody),
    )
)]
pub(super) async fn attempt(State(state): State<AdminState>, Id(id): Id) -> Result<Json<ProviderTest>, ApiError> {
    let policy = state.parts.policy.load();
    let provider = policy.providers.iter().find(|provider| provider.id == id).ok_or_else(ApiError::not_found)?;
    let client = policy.clients.get(&id).ok_or_else(ApiError::not_found)?;
    let credential = match &provider.key {
        ProviderKey::Own(key) => Credential::Key(key.clone()),
        ProviderKey::None | ProviderKey::Passthrough => Credential::None,
    };
    let begun = Instant::now();
    let answered = tokio::time::timeout(PATIENCE, async {
        let request = provider::models_request(provider, &credential).map_err(|error| error.to_string())?;
        client.send(request).await.map_err(|error| reason(&error))
    })
    .await;
    let latency_ms = begun.elapsed().as_secs_f64() * 1e3;
    let failed = |kind: ErrorKind, status, message: String| ProviderTest {
        ok: false,
        status,
        latency_ms,
        error_kind: Some(kind.as_str()),
        message,
        models: None,
    };
    let response = match answered {
        Err(_) => {
            let message = format!("no answer within {} s", PATIENCE.as_secs());
            return Ok(Json(failed(ErrorKind::UpstreamTimeout, None, message)));
        }
        Ok(Err(message)) => return Ok(Json(failed(ErrorKind::UpstreamConnect, None, message))),
        Ok(Ok(response)) => response,
    };
    let status = response.status();
    let code = Some(status.as_u16());
    let is_passthrough = matches!(provider.key, ProviderKey::Passthrough);
    Ok(Json(match status.as_u16() {
        200..=299 => {
            let body = Limited::new(response.into_body(), MAX_BYTES).collect();
            let body = tokio::time::timeout(PATIENCE, body).await.ok().and_then(Result::ok);
            let models = body.and_then(|body| provider::model_names(&body.to_bytes()).map(|names| names.len()));
            let message = "it answers and takes its key".to_owned();
            ProviderTest { ok: true, status: code, latency_ms, error_kind: None, message, models }
        }
        401 | 403 if is_passthrough => {
            let message = "it answers; clients bring their own keys".to_owned();
            ProviderTest { ok: true, status: code, latency_ms, error_kind: None, message, models: None }
        }
        401 | 403 => failed(ErrorKind::UpstreamAuthentication, code, "it refuses the key".to_owned()),
        429 => failed(ErrorKind::UpstreamRateLimit, code, "it is rate limiting".to_owned()),
        300..=399 => failed(ErrorKind::UpstreamRedirect, code, "it redirects, which is never followed".to_owned()),
        400..=499 => {
            let message = "it answers, but not at this path: check its address".to_owned();
            failed(ErrorKind::UpstreamRejected, code, message)
        }
        _ => failed(ErrorKind::UpstreamError, code, "it fails".to_owned()),
    }))
}

/// The innermost cause, which says most; it names addresses and never a key.
fn reason(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
