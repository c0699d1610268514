//! Which room answers which path, and what is said where no room does.

use axum::{
    Router,
    body::Body,
    http::{Method, Request, Response, StatusCode},
    middleware::{self, Next},
};
use tower::ServiceExt as _;

use super::refusal::{Voice, is_api_path};
use crate::{admin::is_foreign, domain::ErrorKind};

/// All routes of the process: `gateway` and `admin` by their own tables, every other `GET` from
/// `portal`. None of the three may bring a fallback of its own except `portal`, which may use one.
pub fn router(gateway: Router, admin: Router, portal: Router) -> Router {
    gateway
        .layer(middleware::from_fn(refuse_foreign_calls))
        .merge(admin)
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(move |request| elsewhere(portal.clone(), request))
}

/// A form or script on any web page can send a body without asking first (`text/plain`, `no-cors`), and
/// an open gateway would pay for it. The admin routes have a like check of their own.
async fn refuse_foreign_calls(request: Request<Body>, next: Next) -> Response<Body> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if reads || !is_foreign(request.headers(), request.uri()) {
        return next.run(request).await;
    }
    let message = "this call came from a page of another origin";
    Voice::of(&request).refuse(ErrorKind::PermissionDenied, StatusCode::FORBIDDEN, message)
}

async fn elsewhere(portal: Router, request: Request<Body>) -> Response<Body> {
    let path = request.uri().path();
    let is_page = matches!(*request.method(), Method::GET | Method::HEAD) && !is_api_path(path);
    if is_page {
        // A router cannot fail.
        return portal.oneshot(request).await.unwrap_or_else(|never| match never {});
    }
    Voice::of(&request).refuse(ErrorKind::NotFound, StatusCode::NOT_FOUND, "there is nothing at this path")
}

/// The `Allow` header is added by the router, which knows the route's methods.
async fn method_not_allowed(request: Request<Body>) -> Response<Body> {
    let message = "this path does not answer that method";
    Voice::of(&request).refuse(ErrorKind::MethodNotAllowed, StatusCode::METHOD_NOT_ALLOWED, message)
}
