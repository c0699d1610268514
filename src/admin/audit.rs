//! `/v1/audit`: who changed what. And what of an admin call is written down when it changes nothing.
//!
//! Changes write their own rows, in their own transactions; here only refusals and failures are
//! added. Never writes down what a caller typed where an id was expected: it could be a secret.

use axum::{
    Json,
    extract::{MatchedPath, RawPathParams, Request, State, rejection::RawPathParamsRejection},
    http::Method,
    middleware::Next,
    response::Response,
};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::Admin,
    error::{ApiError, Code, ErrorBody},
    extract::Params,
    filter::time,
    page::{List, PageParams, seal},
    state::AdminState,
};
use crate::{
    domain::Timestamp,
    store::{Action, Actor, AuditEntry, AuditFilter, Deed, Ending},
};

/// One thing done, or tried, to the gateway.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(super) struct AuditView {
    /// Rises from entry to entry.
    seq: i64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Who: `open` (no admin credential is configured), `token`, `session`, `cli` (the `keys` command),
    /// `config` (the changed config file) or `anonymous` (could not prove to be the admin).
    #[schema(example = "session")]
    actor: String,
    /// Which session; tells nothing about its cookie.
    #[schema(example = "ses_0f3c9a1b2d4e5f60")]
    actor_id: Option<String>,
    /// What, such as `key.create`.
    #[schema(example = "key.create")]
    action: String,
    /// The id of what it was done to; `null` when nothing bears the id that was given.
    target: Option<String>,
    /// `ok`, `refused` (the caller's mistake) or `failed` (ours).
    #[schema(example = "ok")]
    outcome: String,
    /// The code that was answered, unless it is `ok`.
    error_code: Option<String>,
    /// Each changed field with `from` and `to`; of a secret only that it was replaced.
    #[schema(value_type = Object)]
    changes: Map<String, Value>,
}

impl From<AuditEntry> for AuditView {
    fn from(entry: AuditEntry) -> Self {
        let AuditEntry { seq, at, actor, actor_id, action, target, outcome, error_code, changes } = entry;
        Self { seq, at, actor, actor_id, action, target, outcome, error_code, changes }
    }
}

/// Which entries; what is left out lets all pass.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditParams {
    /// `open`, `token`, `session`, `cli`, `config` or `anonymous`.
    #[serde(default, deserialize_with = "actor")]
    actor: Option<String>,
    /// Which session.
    actor_id: Option<String>,
    /// Such as `key.create`.
    #[serde(default, deserialize_with = "action")]
    action: Option<String>,
    /// Id of the key, provider or session that it was done to.
    target: Option<String>,
    /// `ok`, `refused` or `failed`.
    #[serde(default, deserialize_with = "outcome")]
    outcome: Option<String>,
    /// At this moment or later (RFC 3339).
    #[serde(default, deserialize_with = "time")]
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Before this moment (RFC 3339).
    #[serde(default, deserialize_with = "time")]
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

/// List what was changed
///
/// Newest first. Every change of a key, a provider, a session or the config, with those that were
/// refused or failed. Entries cannot be changed or removed.
#[utoipa::path(
    get, path = "/v1/audit", operation_id = "listAudit", tag = "Audit", params(AuditParams, PageParams),
    responses(
        (status = 200, description = "A page of the audit log", body = List<AuditView>),
        (status = 400, description = "A query parameter is unknown or wrong; `param` names it", body = ErrorBody),
    )
)]
pub(super) async fn list(
    State(state): State<AdminState>,
    Params(filter, page, ..): Params<AuditParams, PageParams>,
) -> Result<Json<List<AuditView>>, ApiError> {
    let AuditParams { actor, actor_id, action, target, outcome, from, to } = filter;
    let filter = AuditFilter { actor, actor_id, action, target, outcome, from, to };
    let before = page.cursor(|text| text.parse::<i64>().ok())?;
    let (entries, more) = state.parts.store.control.audit(&filter, before, page.limit()?).await?;
    let next_cursor = entries.last().filter(|_| more).map(|last| seal(&last.seq.to_string()));
    Ok(Json(List { data: entries.into_iter().map(AuditView::from).collect(), next_cursor }))
}

/// Middleware, inside the guard: writes down every change that the admin asked for and did not get.
pub(super) async fn note_refusals(
    State(state): State<AdminState>,
    route: MatchedPath,
    ids: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
    next: Next,
) -> Response {
    let action = action_of(request.method(), route.as_str());
    let actor = request.extensions().get::<Admin>().map_or(Actor::Anonymous, Admin::actor);
    // An id that is not text bears nothing; its handler says so.
    let id = ids.ok().and_then(|ids| ids.iter().find(|(name, _)| *name == "id").map(|(_, id)| id.to_owned()));
    let response = next.run(request).await;
    if let (Some(action), Some(code)) = (action, response.extensions().get::<Code>()) {
        let target = id.filter(|id| is_known(&state, id));
        note(&state, &actor, &Deed::undone(action, target.as_deref(), code.ending())).await;
    }
    response
}

/// Writes a refusal down. What could not be done needs no undoing when that fails.
async fn note(state: &AdminState, actor: &Actor, deed: &Deed) {
    if let Err(fault) = state.parts.store.control.log(actor, deed).await {
        tracing::error!(%fault, action = deed.action.as_str(), "a refused change could not be written to the audit log");
    }
}

fn is_known(state: &AdminState, id: &str) -> bool {
    let policy = state.parts.policy.load();
    policy.keys.values().any(|key| &*key.id == id) || policy.providers.iter().any(|provider| provider.id == id)
}

/// What a call would change; nothing if it only reads.
fn action_of(method: &Method, route: &str) -> Option<Action> {
    Some(match (method.as_str(), route) {
        ("POST", "/v1/keys") => Action::KeyCreate,
        ("PATCH", "/v1/keys/{id}") => Action::KeyUpdate,
        ("DELETE", "/v1/keys/{id}") => Action::KeyRevoke,
        ("POST", "/v1/keys/{id}/rotate") => Action::KeyRotate,
        ("PATCH", "/v1/incidents/{id}") => Action::IncidentUpdate,
        ("POST", "/v1/providers") => Action::ProviderCreate,
        ("PATCH", "/v1/providers/{id}") => Action::ProviderUpdate,
        ("DELETE", "/v1/providers/{id}") => Action::ProviderDelete,
        ("PUT", "/v1/profiles/{id}") => Action::ProfilePut,
        ("DELETE", "/v1/profiles/{id}") => Action::ProfileDelete,
        ("POST", "/v1/sql") => Action::SqlRun,
        ("POST", "/v1/ask") => Action::Ask,
        _ => return None,
    })
}

fn one_of<'de, D: Deserializer<'de>>(reader: D, names: &[&str]) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(reader)?;
    if names.contains(&text.as_str()) {
        return Ok(Some(text));
    }
    Err(D::Error::custom(format!("expected one of {}", names.join(", "))))
}

fn actor<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<String>, D::Error> {
    one_of(reader, &Actor::KINDS)
}

fn action<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<String>, D::Error> {
    one_of(reader, &Action::ALL.map(Action::as_str))
}

fn outcome<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<String>, D::Error> {
    one_of(reader, &Ending::OUTCOMES)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// They take a body and change nothing.
    const QUESTIONS: &[&str] = &["/v1/sanitize", "/v1/providers/{id}/test", "/v1/route", "/v1/route/replay"];

    #[test]
    fn every_guarded_route_that_changes_something_has_an_action() {
        let document = super::super::guarded().into_openapi();
        for (path, item) in document.paths.paths.iter().filter(|(path, _)| !QUESTIONS.contains(&path.as_str())) {
            let methods = [
                (Method::POST, &item.post),
                (Method::PUT, &item.put),
                (Method::PATCH, &item.patch),
                (Method::DELETE, &item.delete),
            ];
            for (method, _) in methods.iter().filter(|(_, operation)| operation.is_some()) {
                assert!(action_of(method, path).is_some(), "{method} {path} is not audited");
            }
        }
    }
}
