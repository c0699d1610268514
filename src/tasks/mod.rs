//! The task endpoints under `/api/v1.0`: classify, plan, embed, chat and how the providers are.
//!
//! Each puts its question in the words of an API and sends it the way of all requests (`app` gives the door), then
//! reads the answer. It knows no provider, counts nothing and makes no record of its own.

mod answer;
mod ask;
mod lenient;
mod openapi;
mod words;

use std::{sync::Arc, time::Instant};

use axum::{
    Json, Router,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, get, post},
};
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue, header};
pub use openapi::openapi;

use self::words::{Health, HealthProvider};
use crate::{domain::Endpoint, policy::PolicyCell, routing};

/// Makes of a task's body that of an API. Errors are for people.
pub type Shape = fn(&[u8]) -> Result<Vec<u8>, String>;

/// Sends a task the way of all requests.
pub type Door = Arc<dyn Fn(Endpoint, Shape, Request) -> BoxFuture<'static, Response> + Send + Sync>;

/// What the task endpoints need of the house. Cheap to clone.
#[derive(Clone)]
pub struct TasksState {
    /// The way of all requests.
    pub door: Door,
    /// The current policy, for `health`.
    pub policy: Arc<PolicyCell>,
}

/// When the paths without a version began to be deprecated (RFC 9745).
const DEPRECATED_SINCE: HeaderValue = HeaderValue::from_static("@1767225600");

/// The task endpoints as a router, the deprecated paths included.
pub fn router(state: TasksState) -> Router {
    Router::new()
        .route("/api/v1.0/classify", task(Endpoint::Classify, None))
        .route("/api/v1.0/plan", task(Endpoint::Plan, None))
        .route("/api/v1.0/embed", task(Endpoint::Embed, None))
        .route("/api/v1.0/chat/completions", task(Endpoint::TaskChat, None))
        .route("/api/v1.0/health", get(health))
        .route("/classify", task(Endpoint::Classify, Some("</api/v1.0/classify>; rel=\"successor-version\"")))
        .route("/plan", task(Endpoint::Plan, Some("</api/v1.0/plan>; rel=\"successor-version\"")))
        .route("/embed", task(Endpoint::Embed, Some("</api/v1.0/embed>; rel=\"successor-version\"")))
        .with_state(state)
}

/// `successor` names the path that takes the place of a deprecated one.
fn task(endpoint: Endpoint, successor: Option<&'static str>) -> MethodRouter<TasksState> {
    post(move |State(state): State<TasksState>, request: Request| async move {
        let began = Instant::now();
        let answer = (state.door)(endpoint, ask::shape(endpoint), request).await;
        let mut answer = answer::answer(endpoint, answer, began).await;
        if let Some(successor) = successor {
            let headers = answer.headers_mut();
            headers.insert(HeaderName::from_static("deprecation"), DEPRECATED_SINCE);
            headers.insert(header::LINK, HeaderValue::from_static(successor));
        }
        answer
    })
}

/// `GET /api/v1.0/health`: the providers that tasks may go to, in the order in which they are tried.
async fn health(State(state): State<TasksState>) -> Response {
    let policy = state.policy.load();
    let enabled = || policy.providers.iter().filter(|provider| provider.enabled);
    let only = policy.config.default_provider.as_deref();
    let listed = enabled().filter(|provider| only.is_none_or(|only| provider.id == only));
    let providers = listed
        .map(|provider| HealthProvider { name: provider.id.clone(), model: provider.default_model.clone() })
        .collect();
    let embeddings_available = enabled().any(|provider| routing::can_ask(provider.provider_type, Endpoint::Embed));
    Json(Health { status: "healthy", providers, embeddings_available }).into_response()
}
