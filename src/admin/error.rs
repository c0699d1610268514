//! What an admin call may answer when it fails: one table of codes, one body shape.
//!
//! Never shows a cause to the client: causes are logged here, once, at the edge.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::{Ending, StoreError};

/// The stable codes of admin errors; where the data plane has the same failure, it uses the same word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AdminErrorCode)]
pub(super) enum Code {
    /// The body or the query could not be read (400).
    InvalidRequest,
    /// A query parameter or body field that does not exist (400); `param` names it.
    UnknownParameter,
    /// A query parameter or body field with a wrong value (400); `param` names it.
    InvalidParameter,
    /// No valid admin credential (401).
    Authentication,
    /// A page of another origin sent the request (403).
    CrossOrigin,
    /// Nothing bears this id (404).
    NotFound,
    /// The method does not fit the route (405).
    MethodNotAllowed,
    /// Something already bears this id, or the state does not allow the call (409).
    Conflict,
    /// The config file or the environment defines this, so only they can change it (409).
    ConfigDefined,
    /// The body is over the limit of admin calls (413).
    RequestTooLarge,
    /// The body is not JSON (415).
    UnsupportedMediaType,
    /// Too many tries to sign in (429); `Retry-After` says when to come back.
    TooManyAttempts,
    /// Too many questions in a minute (429); `Retry-After` says when to come back.
    RateLimitExceeded,
    /// The statement is not one that may run (400); the message says why.
    SqlRefused,
    /// The statement ran and failed, or would take too much (400); the message says why.
    SqlFailed,
    /// The gateway itself failed (500).
    Internal,
    /// The gateway is stopping or its store does not answer (503).
    Unavailable,
}

impl Code {
    const fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest
            | Self::UnknownParameter
            | Self::InvalidParameter
            | Self::SqlRefused
            | Self::SqlFailed => StatusCode::BAD_REQUEST,
            Self::Authentication => StatusCode::UNAUTHORIZED,
            Self::CrossOrigin => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict | Self::ConfigDefined => StatusCode::CONFLICT,
            Self::RequestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooManyAttempts | Self::RateLimitExceeded => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// How the audit log tells it.
    pub(super) fn ending(self) -> Ending {
        let code =
            serde_json::to_value(self).ok().and_then(|code| code.as_str().map(str::to_owned)).unwrap_or_default();
        if self.status().is_server_error() { Ending::Failed(code) } else { Ending::Refused(code) }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Authentication => "authentication_error",
            Self::CrossOrigin => "permission_error",
            Self::NotFound => "not_found_error",
            Self::Conflict | Self::ConfigDefined => "conflict_error",
            Self::TooManyAttempts | Self::RateLimitExceeded => "rate_limit_error",
            Self::Internal | Self::Unavailable => "api_error",
            _ => "invalid_request_error",
        }
    }
}

/// The body of every admin error, in OpenAI's shape.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AdminError)]
pub(super) struct ErrorBody {
    /// What went wrong.
    pub(super) error: ErrorDetail,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AdminErrorDetail)]
pub(super) struct ErrorDetail {
    /// For people; may change from version to version.
    #[schema(example = "there is no query parameter `providr`; did you mean `provider`?")]
    pub(super) message: String,
    /// The family of the code, in OpenAI's words.
    #[serde(rename = "type")]
    #[schema(example = "invalid_request_error")]
    pub(super) kind: &'static str,
    /// The query parameter or body field that is to blame.
    #[schema(example = "providr")]
    pub(super) param: Option<String>,
    /// For programs; stable.
    pub(super) code: Code,
}

/// A failed admin call.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct ApiError {
    code: Code,
    message: String,
    param: Option<String>,
    retry_after_secs: Option<u64>,
}

impl ApiError {
    /// A failure with its message for people.
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), param: None, retry_after_secs: None }
    }

    /// A wrong value in the query parameter or body field `param`.
    pub(super) fn invalid(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { param: Some(param.into()), ..Self::new(Code::InvalidParameter, message) }
    }

    /// A name that does not exist, with the nearest one of `known` that does.
    pub(super) fn unknown<'a>(place: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let shown: String = name.chars().take(80).collect();
        let advice = match nearest(name, known) {
            Ok(close) => format!("; did you mean `{close}`?"),
            Err(all) if all.is_empty() => format!("; this call takes no {place}s"),
            Err(all) => format!("; known are {}", all.join(", ")),
        };
        let message = format!("there is no {place} `{shown}`{advice}");
        Self { param: Some(shown), ..Self::new(Code::UnknownParameter, message) }
    }

    /// The one answer for an id that is not there: it must not tell why.
    pub(super) fn not_found() -> Self {
        Self::new(Code::NotFound, "nothing here bears this id")
    }

    /// A failure of our own; `cause` goes to the log and never to the client.
    pub(super) fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(cause, "an admin call failed");
        Self::new(Code::Internal, "the gateway failed; its log says why")
    }

    /// A refusal that ends by itself after `secs`.
    pub(super) fn retry_after(code: Code, message: &str, secs: u64) -> Self {
        Self { retry_after_secs: Some(secs), ..Self::new(code, message) }
    }

    /// Whether the gateway, and not the caller, is to blame.
    pub(super) const fn is_ours(&self) -> bool {
        matches!(self.code, Code::Internal | Code::Unavailable)
    }

    /// The stable code.
    pub(super) const fn code(&self) -> Code {
        self.code
    }
}

/// A missing row is the caller's mistake, everything else is ours.
impl From<StoreError> for ApiError {
    fn from(fault: StoreError) -> Self {
        match fault {
            StoreError::NotFound(_) => Self::not_found(),
            StoreError::Sqlite(_) | StoreError::Closed => {
                tracing::error!(%fault, "an admin call found the store unavailable");
                Self::retry_after(Code::Unavailable, "the store does not answer; the log says why", 5)
            }
            StoreError::TooSlow => Self::retry_after(Code::Unavailable, &fault.to_string(), 5),
            other => Self::internal(&other),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { code, message, param, retry_after_secs } = self;
        let detail = ErrorDetail { message, kind: code.kind(), param, code };
        let mut response = (code.status(), Json(ErrorBody { error: detail })).into_response();
        // For the audit log, which sees only the answer.
        response.extensions_mut().insert(code);
        let headers = response.headers_mut();
        if code == Code::Authentication {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"llm-gateway admin\""));
        }
        if let Some(secs) = retry_after_secs {
            headers.insert(HeaderName::from_static("retry-after"), HeaderValue::from(secs));
        }
        response
    }
}

fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Result<&'a str, Vec<&'a str>> {
    let known: Vec<&str> = known.collect();
    known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), *candidate))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
        .ok_or(known)
}
