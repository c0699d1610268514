//! `/v1/session`: the portal signs in and out, and asks whether it must.
//!
//! The cookie's secret is kept nowhere but in the browser; the store has its hash.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::{self, Admin},
    error::{ApiError, Code, ErrorBody},
    extract::Body,
    state::AdminState,
};
use crate::{
    domain::Secret,
    store::{Action, Actor, Deed},
};

/// The cookie over plain HTTP, which only loopback and private networks should see.
const PLAIN_COOKIE: &str = "llm_gateway_session";
/// The cookie over TLS: the prefix binds it to this very host.
const TLS_COOKIE: &str = "__Host-llm_gateway_session";
/// How long a browser keeps the cookie; the store ends idle sessions earlier.
const MAX_AGE_SECS: u32 = 7 * 24 * 60 * 60;

/// Whether the caller is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Session {
    /// Whether admin calls made like this one will be answered.
    pub(super) signed_in: bool,
    /// Whether an admin credential is configured at all; without one everything is open on loopback.
    pub(super) credential_required: bool,
    /// What opens the door for this caller.
    pub(super) via: Option<Via>,
}

/// What opens the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Via {
    /// No admin credential is configured.
    Open,
    /// The admin token, as a bearer token.
    Token,
    /// The cookie of a session.
    Session,
}

/// The credential to sign in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    /// The admin password, or the admin token.
    #[schema(value_type = String, format = Password)]
    password: String,
}

/// Whether the caller is signed in
///
/// Never refuses: a page asks this first, to know whether to show the sign-in form.
#[utoipa::path(get, path = "/v1/session", operation_id = "getSession", tag = "Session", responses((status = 200, description = "Whether, and how", body = Session)))]
pub(super) async fn show(State(state): State<AdminState>, headers: HeaderMap) -> Result<Json<Session>, ApiError> {
    let admin = auth::identify(&state, &headers).await;
    let via = match admin {
        Ok(Admin::Open) => Some(Via::Open),
        Ok(Admin::Token(_)) => Some(Via::Token),
        Ok(Admin::Session(_)) => Some(Via::Session),
        Err(refusal) if refusal.is_ours() => return Err(refusal),
        Err(_) => None,
    };
    Ok(Json(Session { signed_in: via.is_some(), credential_required: via != Some(Via::Open), via }))
}

/// Sign in
///
/// Sets an HttpOnly, SameSite=Strict cookie that lives for seven days at most and ends after twelve
/// idle hours, on signing out, and when the admin's password or token changes. Five tries a minute.
#[utoipa::path(
    post, path = "/v1/session", operation_id = "signIn", tag = "Session", request_body = SignIn,
    responses(
        (status = 200, description = "Signed in; the cookie is set", body = Session),
        (status = 401, description = "Wrong, whatever the reason", body = ErrorBody),
        (status = 409, description = "No admin credential is configured: there is nothing to sign in to", body = ErrorBody),
        (status = 429, description = "Too many tries; `Retry-After` says when to come back", body = ErrorBody),
    )
)]
pub(super) async fn create(
    State(state): State<AdminState>,
    headers: HeaderMap,
    Body(sign_in): Body<SignIn>,
) -> Result<Response, ApiError> {
    let policy = state.parts.policy.load();
    let auth = &policy.config.auth;
    let typed = Secret::new(sign_in.password);
    if !auth.admin_is_closed() {
        return Err(ApiError::new(Code::Conflict, "no admin credential is configured: the admin side is open"));
    }
    if let Err(refusal) = state.door.enter(auth, typed).await {
        // Tries over the limit are not looked at, and so cannot fill the log.
        if refusal.code() == Code::Authentication {
            let deed = Deed::undone(Action::SessionCreate, None, refusal.code().ending());
            state.parts.store.control.log(&Actor::Anonymous, &deed).await?;
        }
        return Err(refusal);
    }
    end_presented(&state, &headers).await?;
    let secret = state.parts.store.control.create_session(&auth::session_credential(auth)).await?;
    let session = Session { signed_in: true, credential_required: true, via: Some(Via::Session) };
    let mut response = Json(session).into_response();
    set_cookie(&mut response, is_tls(&state, &headers), &secret, MAX_AGE_SECS)?;
    Ok(response)
}

/// Sign out
///
/// Ends the session whose cookie is sent. Signing out twice is fine.
#[utoipa::path(delete, path = "/v1/session", operation_id = "signOut", tag = "Session", responses((status = 204, description = "Signed out")))]
pub(super) async fn delete(State(state): State<AdminState>, headers: HeaderMap) -> Result<Response, ApiError> {
    end_presented(&state, &headers).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    set_cookie(&mut response, is_tls(&state, &headers), &Secret::new(""), 0)?;
    Ok(response)
}

/// The session secret that the browser sent, if any. Where we speak TLS ourselves only the cookie counts
/// that no page in clear text can have set.
pub(super) fn cookie(state: &AdminState, headers: &HeaderMap) -> Option<Secret> {
    let values = || headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = || values().flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let found = |wanted: &str| pairs().find(|(name, _)| *name == wanted).map(|(_, secret)| Secret::new(secret));
    found(TLS_COOKIE).or_else(|| if speaks_tls(state) { None } else { found(PLAIN_COOKIE) })
}

async fn end_presented(state: &AdminState, headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(secret) = cookie(state, headers) else { return Ok(()) };
    let credential = auth::session_credential(&state.parts.policy.load().config.auth);
    state.parts.store.control.delete_session(secret.expose(), &credential).await?;
    state.doubt.send_replace(());
    Ok(())
}

fn speaks_tls(state: &AdminState) -> bool {
    state.parts.policy.load().config.server.tls.is_some()
}

/// Whether the caller's browser speaks TLS, to us or to a proxy.
fn is_tls(state: &AdminState, headers: &HeaderMap) -> bool {
    // A browser states the scheme that it speaks, even where a proxy ends TLS before us. Who lies
    // about it gets a cookie that does not work for him.
    let says_so = headers.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https://"));
    says_so || speaks_tls(state)
}

fn set_cookie(response: &mut Response, is_tls: bool, secret: &Secret, max_age_secs: u32) -> Result<(), ApiError> {
    let (name, secure) = if is_tls { (TLS_COOKIE, "; Secure") } else { (PLAIN_COOKIE, "") };
    let secret = secret.expose();
    let text = format!("{name}={secret}; Path=/; Max-Age={max_age_secs}; HttpOnly; SameSite=Strict{secure}");
    let mut value = HeaderValue::try_from(text).map_err(|fault| ApiError::internal(&fault))?;
    value.set_sensitive(true);
    response.headers_mut().append(header::SET_COOKIE, value);
    Ok(())
}
