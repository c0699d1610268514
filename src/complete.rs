//! The library's own completion call: one question in, one answer out, through the very way that
//! HTTP requests go, so that it is identified, priced and recorded like them.

use std::collections::{BTreeMap, VecDeque};

use axum::{
    Router,
    body::{Body, BodyDataStream},
};
use futures_util::StreamExt as _;
use http::{HeaderMap, Request, Response, header};
use http_body_util::{BodyExt as _, Limited};
use serde::Serialize;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::dialect::sse::Reader;

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

/// A piece of a streamed answer.
#[derive(Clone, Debug, PartialEq)]
pub struct CompletionChunk {
    /// Further text of the first choice; empty in pieces that say something else.
    pub content: String,
    /// The whole piece as the API sends it.
    pub body: Value,
}

/// An answer that comes piece by piece. Dropping it hangs up.
///
/// ```
/// # use futures_util::future::BoxFuture;
/// # use llm_gateway::{Provider, ProviderAnswer, ProviderError, ProviderRequest};
/// # struct Stand;
/// # impl Provider for Stand {
/// #     fn models(&self) -> Vec<String> { vec!["gpt-4".to_owned()] }
/// #     fn complete(&self, _: ProviderRequest) -> BoxFuture<'_, Result<ProviderAnswer, ProviderError>> {
/// #         Box::pin(async { Ok(ProviderAnswer::text("Once upon a time")) })
/// #     }
/// # }
/// # let directory = tempfile::tempdir().unwrap();
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use llm_gateway::{CompletionRequest, Gateway};
/// # let gateway = Gateway::builder(directory.path()).own("mine", Stand).build().await?;
/// let mut answer = gateway.stream(&CompletionRequest::new("gpt-4", "Tell a story.")).await?;
/// let mut story = String::new();
/// while let Some(chunk) = answer.next().await {
///     story.push_str(&chunk?.content);
/// }
/// assert_eq!(story, "Once upon a time");
/// # gateway.close().await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct CompletionStream {
    /// `None` once the answer is over.
    body: Option<BodyDataStream>,
    reader: Reader,
    ready: VecDeque<Result<CompletionChunk, CompletionError>>,
    is_over: bool,
    /// Id of the record that is being made.
    pub record_id: String,
    /// Id of the provider that answers.
    pub provider: String,
}

impl CompletionStream {
    /// The next piece; `None` when the answer is over. After an error there is none.
    pub async fn next(&mut self) -> Option<Result<CompletionChunk, CompletionError>> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                self.is_over |= chunk.is_err();
                return Some(chunk);
            }
            if self.is_over {
                // Read to its very end, so that it does not look as if somebody had hung up.
                if let Some(mut body) = self.body.take() {
                    while matches!(body.next().await, Some(Ok(_))) {}
                }
                return None;
            }
            let body = self.body.as_mut()?;
            match body.next().await {
                Some(Ok(bytes)) => self.take(&bytes),
                Some(Err(error)) => self.fail(&error),
                None => self.fail(&"it broke off"),
            }
        }
    }

    fn fail(&mut self, error: &dyn std::fmt::Display) {
        self.ready.push_back(Err(CompletionError::Unreadable(error.to_string())));
    }

    fn take(&mut self, bytes: &[u8]) {
        let Self { reader, ready, is_over, .. } = self;
        reader.feed(bytes, |event| {
            if *is_over {
                return;
            }
            if event.data == b"[DONE]" {
                *is_over = true;
                return;
            }
            ready.push_back(match serde_json::from_slice::<Value>(event.data) {
                Ok(body) => match body.pointer("/error/message").and_then(Value::as_str) {
                    Some(message) => Err(CompletionError::Broken(message.to_owned())),
                    None => {
                        let content = body.pointer("/choices/0/delta/content").and_then(Value::as_str);
                        Ok(CompletionChunk { content: content.unwrap_or_default().to_owned(), body })
                    }
                },
                Err(error) => Err(CompletionError::Unreadable(error.to_string())),
            });
        });
    }
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
    /// The answer began and then failed.
    #[error("the answer broke off: {0}")]
    Broken(String),
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
        let (head, body) = self.call(request).await?.into_parts();
        let body = whole(body).await?;
        if !head.status.is_success() {
            return Err(refusal(head.status, &body));
        }
        let content = body.pointer("/choices/0/message/content").and_then(Value::as_str).unwrap_or_default().to_owned();
        let record_id = text(&head.headers, "x-gateway-record");
        let provider = text(&head.headers, "x-gateway-provider");
        Ok(Completion { content, body, record_id, provider })
    }

    /// Asks for one chat completion, piece by piece.
    ///
    /// # Errors
    /// If the gateway refuses the request or the provider fails before the first piece.
    pub(crate) async fn stream(&self, request: &CompletionRequest) -> Result<CompletionStream, CompletionError> {
        let request = request.clone().with("stream", true);
        let (head, body) = self.call(&request).await?.into_parts();
        if !head.status.is_success() {
            return Err(refusal(head.status, &whole(body).await?));
        }
        Ok(CompletionStream {
            body: Some(body.into_data_stream()),
            reader: Reader::default(),
            ready: VecDeque::new(),
            is_over: false,
            record_id: text(&head.headers, "x-gateway-record"),
            provider: text(&head.headers, "x-gateway-provider"),
        })
    }

    async fn call(&self, request: &CompletionRequest) -> Result<Response<Body>, CompletionError> {
        let body = serde_json::to_vec(request).map_err(|error| unreadable(&error))?;
        let mut call = Request::post("/v1/chat/completions").header(header::CONTENT_TYPE, "application/json");
        if let Some(key) = &request.key {
            call = call.header(header::AUTHORIZATION, format!("Bearer {}", key.expose()));
        }
        for (name, value) in &request.labels {
            call = call.header(*name, value);
        }
        let call = call.body(Body::from(body)).map_err(|error| unreadable(&error))?;
        Ok(self.router.clone().oneshot(call).await.unwrap_or_else(|never| match never {}))
    }
}

fn unreadable(error: &dyn std::fmt::Display) -> CompletionError {
    CompletionError::Unreadable(error.to_string())
}

async fn whole(body: Body) -> Result<Value, CompletionError> {
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(|error| unreadable(&error))?.to_bytes();
    serde_json::from_slice(&body).map_err(|error| unreadable(&error))
}

fn refusal(status: http::StatusCode, body: &Value) -> CompletionError {
    let message = body.pointer("/error/message").and_then(Value::as_str).unwrap_or("no reason given").to_owned();
    CompletionError::Status { status: status.as_u16(), message }
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}
