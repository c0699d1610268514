//! The one table at the data plane's edge: causes become a status and a body in the client's dialect.
//!
//! Nothing here ever shows a provider key or another host's internals.

use axum::{body::Body, response::Response};
use http::{HeaderValue, StatusCode, header};

use crate::{
    dialect::error_body,
    domain::{ApiFamily, ErrorKind},
};

/// Why a request ends without a provider's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
    /// The HTTP status, where it is not the usual one of its kind.
    pub(crate) status: Option<u16>,
    /// Seconds after which the client may try again, told as `Retry-After`.
    pub(crate) retry_after_secs: Option<u64>,
    /// The client is gone: nobody will read the answer.
    pub(crate) client_gone: bool,
}

impl Refusal {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), status: None, retry_after_secs: None, client_gone: false }
    }

    /// The request's body did not come to its end: too slow, or the client hung up.
    pub(crate) fn unread(fault: &(dyn std::error::Error + 'static)) -> Self {
        if is_too_slow(fault) { Self::too_slow() } else { Self::client_gone() }
    }

    /// The client was too slow to send its request.
    pub(crate) fn too_slow() -> Self {
        Self::new(ErrorKind::RequestTimeout, "the request body came too slowly; see server.min_body_bytes_per_sec")
    }

    /// The client hung up while its request was being read.
    pub(crate) fn client_gone() -> Self {
        Self { client_gone: true, ..Self::new(ErrorKind::InvalidRequest, "the request body broke off") }
    }

    /// The answer in the client's dialect.
    pub(crate) fn response(&self, family: ApiFamily, request_id: &str) -> Response {
        let status = StatusCode::from_u16(self.status.unwrap_or_else(|| self.kind.status()))
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = error_body::body_with_retry(
            family,
            self.kind,
            status.as_u16(),
            &self.message,
            request_id,
            self.retry_after_secs,
        );
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // SDKs retry on 5xx by themselves; what a retry cannot mend should not be retried.
        let is_final = matches!(
            self.kind,
            ErrorKind::UpstreamAuthentication
                | ErrorKind::UpstreamRedirect
                | ErrorKind::NoProvider
                | ErrorKind::BudgetExceeded
        );
        // What is over a limit as a whole stays over it.
        if is_final || (self.kind == ErrorKind::RateLimitExceeded && self.retry_after_secs.is_none()) {
            headers.insert("x-should-retry", HeaderValue::from_static("false"));
        }
        if let Some(secs) = self.retry_after_secs {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(secs));
        }
        response
    }
}

/// Whether the server gave up waiting for a request's body.
pub(crate) fn is_too_slow(fault: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(fault), |fault| fault.source())
        .filter_map(|fault| fault.downcast_ref::<std::io::Error>())
        .any(|fault| fault.kind() == std::io::ErrorKind::TimedOut)
}
