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
    /// The client is gone: nobody will read the answer.
    pub(crate) client_gone: bool,
}

impl Refusal {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), client_gone: false }
    }

    /// The client hung up while its request was being read.
    pub(crate) fn client_gone() -> Self {
        Self { client_gone: true, ..Self::new(ErrorKind::InvalidRequest, "the request body broke off") }
    }

    /// The answer in the client's dialect.
    pub(crate) fn response(&self, family: ApiFamily, request_id: &str) -> Response {
        let status = StatusCode::from_u16(self.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = error_body::body(family, self.kind, status.as_u16(), &self.message, request_id);
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // SDKs retry on 5xx by themselves; what a retry cannot mend should not be retried.
        if matches!(self.kind, ErrorKind::UpstreamAuthentication | ErrorKind::UpstreamRedirect | ErrorKind::NoProvider)
        {
            headers.insert("x-should-retry", HeaderValue::from_static("false"));
        }
        response
    }
}
