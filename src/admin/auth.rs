//! Who may call an admin route. The check hangs on the matched route and on nothing else.
//!
//! There is one role, the admin's; a virtual key never opens anything here. Without an admin
//! credential in the config the admin side is open, and the start has made sure that it can then
//! be reached over loopback only.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::{
    error::{ApiError, Code},
    login::same_text,
    session,
    state::AdminState,
};
use crate::{
    config::Auth,
    domain::Secret,
    store::{Actor, session_id},
};

/// Why the caller of this request counts as the admin.
#[derive(Clone, Debug)]
pub(super) enum Admin {
    /// No admin credential is configured.
    Open,
    /// The admin token, as it was presented.
    Token(Secret),
    /// The cookie of a session, as it was presented.
    Session(Secret),
}

impl Admin {
    /// The same for the audit log, without the credential.
    pub(super) fn actor(&self) -> Actor {
        match self {
            Self::Open => Actor::Open,
            Self::Token(_) => Actor::Token,
            Self::Session(cookie) => Actor::Session(session_id(cookie.expose())),
        }
    }
}

/// Middleware: lets the admin through and answers 401 to everyone else.
pub(super) async fn require_admin(State(state): State<AdminState>, mut request: Request, next: Next) -> Response {
    match identify(&state, request.headers()).await {
        Ok(admin) => {
            request.extensions_mut().insert(admin);
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// Who is asking.
///
/// # Errors
/// 401 with one message for everything that is missing, wrong or expired; 400 for two `authorization` headers.
pub(super) async fn identify(state: &AdminState, headers: &HeaderMap) -> Result<Admin, ApiError> {
    if !state.parts.policy.load().config.auth.admin_is_closed() {
        return Ok(Admin::Open);
    }
    let presented = match bearer(headers)? {
        Some(token) => Some(Admin::Token(token)),
        None => session::cookie(state, headers).map(Admin::Session),
    };
    match presented {
        Some(admin) if is_valid(state, &admin).await? => Ok(admin),
        _ => Err(ApiError::new(Code::Authentication, "sign in, or send the admin token as a bearer token")),
    }
}

/// Whether a credential that was good when a request began is good still.
pub(super) async fn is_valid(state: &AdminState, admin: &Admin) -> Result<bool, ApiError> {
    let policy = state.parts.policy.load();
    let auth = &policy.config.auth;
    match admin {
        Admin::Open => Ok(!auth.admin_is_closed()),
        Admin::Token(token) => {
            let fits = |configured: &Secret| bool::from(same_text(configured, token)) && !token.expose().is_empty();
            Ok(auth.admin_token.as_ref().is_some_and(fits))
        }
        Admin::Session(cookie) => {
            let control = &state.parts.store.control;
            Ok(control.touch_session(cookie.expose(), &session_credential(auth)).await?)
        }
    }
}

/// What sessions hang on: when the password or the token changes, every session ends.
pub(super) fn session_credential(auth: &Auth) -> Secret {
    let text = |credential: &Option<Secret>| credential.as_ref().map_or("", Secret::expose).to_owned();
    Secret::new([text(&auth.admin_password), text(&auth.admin_token)].join("\0"))
}

fn bearer(headers: &HeaderMap) -> Result<Option<Secret>, ApiError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(ApiError::new(Code::InvalidRequest, "there are two `authorization` headers"));
    }
    let text = value.to_str().unwrap_or_default();
    let token = match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => "",
    };
    // Anything else than a bearer token is a wrong credential, not none.
    Ok(Some(Secret::new(token)))
}
