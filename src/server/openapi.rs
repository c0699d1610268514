//! The one OpenAPI document, put together from what each room says of its own routes.
//!
//! Adds no route: what is not in a room's part is not served.

use utoipa::openapi::OpenApi;

use crate::{admin, gateway, tasks};

/// The OpenAPI 3.1 document of everything that the gateway serves.
pub fn openapi() -> OpenApi {
    let mut document = admin::openapi();
    document.merge(gateway::openapi());
    document.merge(tasks::openapi());
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    document
}
