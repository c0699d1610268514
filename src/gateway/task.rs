//! The door for tasks: requests whose words are another room's own, which go the one way like all others.

use axum::{extract::Request, response::Response};

use super::{GatewayState, accept, serve};
use crate::domain::Endpoint;

pub use accept::Shape;

/// Answers a request to a task endpoint with what the API says that it is put in, `shape` having made its body.
/// It is identified, limited, sanitized, routed and recorded like any other; the record bears the task's name.
pub async fn serve_task(state: GatewayState, endpoint: Endpoint, shape: Shape, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let arrival = accept::arrival(endpoint, String::new(), None, parts, body);
    serve(state, accept::Arrival { shape: Some(shape), ..arrival }).await
}
