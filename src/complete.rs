//! The library's own completion call: one question in, one answer out, through the very way that
//! HTTP requests go, so that it is identified, priced and recorded like them.

use std::collections::BTreeMap;

use axum::{Router, body::Body};
use http::{HeaderMap, Request, header};
use http_body_util::{BodyExt as _, Limited};
use serde::Serialize;
use serde_json::Value;
use tower::ServiceExt as _;

/// A chat completion to ask for, in the words of OpenAI's Chat Completions API.
///
/// ```
/// use llm_gateway::CompletionRequest;
/// let request = CompletionRequest::new("gpt-4o", "Hello!").with("temperature", 0.2);
/// ```
#[derive(Clone, Debug, Serialize)]
pub struct CompletionRequest {
    /// The model, by any name that the HTTP API takes.
    pub model: String,
    /// The conversation so far.
    pub messages: Vec<Message>,
    /// Every other field of the API.
    #[serde(flatten)]
    pub more: BTreeMap<String, Value>,
    /// The virtual key to call with, if one is needed. It is not part of the body.
    #[serde(skip)]
    pub key: Option<crate::domain::Secret>,
    /// Labels of the request by header (`x-project`, `x-source`, `x-profile`, …). They are not part of the body.
    #[serde(skip)]
    pub labels: BTreeMap<&'static str, String>,
}

/// One turn of a conversation.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// `system`, `user`, `assistant`, …
    pub role: String,
    /// What was said.
    pub content: String,
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// The text of the first choice; empty if the model answered with tool calls only.
    pub content: String,
    /// The whole answer as the provider gave it.
    pub body: Value,
    /// Id of the record that was made.
    pub record_id: String,
    /// Id of the provider that answered.
    pub provider: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CompletionError {
    /// The gateway or the provider said no.
    #[error("{message} (status {status})")]
    Status {
        /// The HTTP status.
        status: u16,
        /// The message of the error body.
        message: String,
    },
    /// The answer is not what the API promises.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
}

/// An answer longer than this is not read into memory.
const ANSWER_BYTES_MAX: usize = 32 << 20;

impl CompletionRequest {
    /// One question of the user's.
    pub fn new(model: impl Into<String>, question: impl Into<String>) -> Self {
        let message = Message { role: "user".to_owned(), content: question.into() };
        let model = model.into();
        Self { model, messages: vec![message], more: BTreeMap::new(), key: None, labels: BTreeMap::new() }
    }

    /// Puts a label on the request: a header of the HTTP API such as `x-source`.
    #[must_use]
    pub fn labelled(mut self, header: &'static str, value: impl Into<String>) -> Self {
        self.labels.insert(header, value.into());
        self
    }

    /// Sets another field of the API.
    #[must_use]
    pub fn with(mut self, field: impl Into<String>, value: impl Into<Value>) -> Self {
        self.more.insert(field.into(), value.into());
        self
    }
}

/// Asks models through the gateway's own way, for rooms that need an answer themselves. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Completer {
    router: Router,
}

impl Completer {
    /// Asks through the data plane's routes.
    pub(crate) const fn new(router: Router) -> Self {
        Self { router }
    }

    /// Asks for one chat completion.
    ///
    /// # Errors
    /// If the gateway refuses the request or the provider fails.
    pub(crate) async fn complete(&self, request: &CompletionRequest) -> Result<Completion, CompletionError> {
        let unreadable = |error: &dyn std::fmt::Display| CompletionError::Unreadable(error.to_string());
        let body = serde_json::to_vec(request).map_err(|error| unreadable(&error))?;
        let mut call = Request::post("/v1/chat/completions").header(header::CONTENT_TYPE, "application/json");
        if let Some(key) = &request.key {
            call = call.header(header::AUTHORIZATION, format!("Bearer {}", key.expose()));
        }
        for (name, value) in &request.labels {
            call = call.header(*name, value);
        }
        let call = call.body(Body::from(body)).map_err(|error| unreadable(&error))?;
        let answer = self.router.clone().oneshot(call).await.unwrap_or_else(|never| match never {});
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(|error| unreadable(&error))?.to_bytes();
        let body: Value = serde_json::from_slice(&body).map_err(|error| unreadable(&error))?;
        if !head.status.is_success() {
            let message =
                body.pointer("/error/message").and_then(Value::as_str).unwrap_or("no reason given").to_owned();
            return Err(CompletionError::Status { status: head.status.as_u16(), message });
        }
        let content = body.pointer("/choices/0/message/content").and_then(Value::as_str).unwrap_or_default().to_owned();
        let text = |headers: &HeaderMap, name| {
            headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let record_id = text(&head.headers, "x-gateway-record");
        let provider = text(&head.headers, "x-gateway-provider");
        Ok(Completion { content, body, record_id, provider })
    }
}
