//! Back ends of one's own: a Rust type that answers chat completions, asked on the very way of every other provider, so
//! that it is routed, limited, cached, priced and recorded like them.
//!
//! Each is served on a loopback port of its own, by a listener that answers to nobody but its gateway: every call must
//! bear a key that is drawn at the start and never leaves the process.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use bytes::Bytes;
use futures_util::{StreamExt as _, future::BoxFuture, stream::BoxStream};
use http::{HeaderMap, StatusCode, header};
use rand::RngCore as _;
use serde_json::{Map, Value, json};
use subtle::ConstantTimeEq as _;
use tokio::net::TcpListener;

use crate::domain::{Secret, Timestamp};

/// A back end of one's own.
///
/// ```
/// use futures_util::future::BoxFuture;
/// use llm_gateway::{Provider, ProviderAnswer, ProviderError, ProviderRequest};
///
/// struct Parrot;
///
/// impl Provider for Parrot {
///     fn models(&self) -> Vec<String> {
///         vec!["parrot-1".to_owned()]
///     }
///
///     fn complete(&self, request: ProviderRequest) -> BoxFuture<'_, Result<ProviderAnswer, ProviderError>> {
///         Box::pin(async move { Ok(ProviderAnswer::text(request.last_text().unwrap_or("Hello?"))) })
///     }
/// }
/// ```
pub trait Provider: Send + Sync + 'static {
    /// The names of the models that it serves; at least one.
    fn models(&self) -> Vec<String>;

    /// Answers a chat completion as a whole.
    fn complete(&self, request: ProviderRequest) -> BoxFuture<'_, Result<ProviderAnswer, ProviderError>>;

    /// Answers a chat completion piece by piece; by default the whole answer is the only piece.
    fn stream(&self, request: ProviderRequest) -> BoxFuture<'_, Result<ProviderStream, ProviderError>> {
        Box::pin(async move {
            let answer = self.complete(request).await?;
            let usage =
                answer.usage.map(|(input_tokens, output_tokens)| ProviderEvent::Usage { input_tokens, output_tokens });
            let events = std::iter::once(ProviderEvent::Text(answer.content)).chain(usage).map(Ok);
            Ok(futures_util::stream::iter(events.collect::<Vec<_>>()).boxed())
        })
    }
}

/// What a back end sends piece by piece.
pub type ProviderStream = BoxStream<'static, Result<ProviderEvent, ProviderError>>;

/// A chat completion that a back end is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderRequest {
    /// The model, one of those that it serves.
    pub model: String,
    /// The whole request in the words of OpenAI's Chat Completions API.
    pub body: Map<String, Value>,
}

impl ProviderRequest {
    /// The turns of the conversation.
    pub fn messages(&self) -> &[Value] {
        self.body.get("messages").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// What was said last, where it is plain text.
    pub fn last_text(&self) -> Option<&str> {
        self.messages().last()?.get("content")?.as_str()
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderAnswer {
    /// The text.
    pub content: String,
    /// Tokens of the prompt and of the answer; where they are unknown the gateway counts itself.
    pub usage: Option<(u64, u64)>,
}

impl ProviderAnswer {
    /// An answer whose tokens are not known.
    pub fn text(content: impl Into<String>) -> Self {
        Self { content: content.into(), usage: None }
    }
}

/// A piece of a streamed answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderEvent {
    /// Further text.
    Text(String),
    /// What it took; said once, at the end.
    Usage {
        /// Tokens of the prompt.
        input_tokens: u64,
        /// Tokens of the answer.
        output_tokens: u64,
    },
}

/// Why a back end has no answer. The gateway treats it as the same status of any provider: 5xx and 429 are tried again
/// and elsewhere, 4xx go to the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (status {status})")]
pub struct ProviderError {
    /// An HTTP status from 400 to 599.
    pub status: u16,
    /// What the client is told.
    pub message: String,
}

impl ProviderError {
    /// The request cannot be answered as it is (400).
    pub fn invalid(message: impl Into<String>) -> Self {
        Self { status: 400, message: message.into() }
    }

    /// It may be asked again later (503).
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { status: 503, message: message.into() }
    }
}

/// A back end that is being served, until this is dropped.
#[derive(Debug)]
pub(crate) struct Served {
    /// Its base URL.
    pub(crate) base_url: String,
    /// What a call must bear.
    pub(crate) key: Secret,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Own {
    provider: Arc<dyn Provider>,
    key: Arc<Secret>,
}

/// Serves a back end on loopback.
///
/// # Errors
/// When no port can be listened on.
pub(crate) async fn serve(provider: Arc<dyn Provider>) -> std::io::Result<Served> {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    let key = Secret::new(hex::encode(bytes));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let base_url = format!("http://{}/v1", listener.local_addr()?);
    let router = Router::new()
        .route("/v1/models", get(models))
        .route("/v1/chat/completions", post(chat))
        .with_state(Own { provider, key: Arc::new(key.clone()) });
    let task = tokio::spawn(async move {
        // It ends with the task alone.
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "a back end of this program is not served any more");
        }
    });
    Ok(Served { base_url, key, task })
}

impl Own {
    fn is_known(&self, headers: &HeaderMap) -> bool {
        let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let key = sent.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        bool::from(key.as_bytes().ct_eq(self.key.expose().as_bytes()))
    }
}

async fn models(State(own): State<Own>, headers: HeaderMap) -> Response {
    if !own.is_known(&headers) {
        return refused(&ProviderError { status: 401, message: "unknown caller".to_owned() });
    }
    let data: Vec<Value> = own.provider.models().into_iter().map(|id| json!({"id": id, "object": "model"})).collect();
    Json(json!({"object": "list", "data": data})).into_response()
}

async fn chat(State(own): State<Own>, headers: HeaderMap, body: Bytes) -> Response {
    if !own.is_known(&headers) {
        return refused(&ProviderError { status: 401, message: "unknown caller".to_owned() });
    }
    let Ok(body) = serde_json::from_slice::<Map<String, Value>>(&body) else {
        return refused(&ProviderError::invalid("the request is no JSON object"));
    };
    let model = body.get("model").and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_streamed = body.get("stream") == Some(&Value::Bool(true));
    let request = ProviderRequest { model: model.clone(), body };
    let id = format!("chatcmpl-{}", uuid::Uuid::now_v7().simple());
    let frame = Frame { id, model, created: Timestamp::now().unix_us / 1_000_000 };
    if !is_streamed {
        return match own.provider.complete(request).await {
            Ok(answer) => Json(frame.whole(&answer)).into_response(),
            Err(error) => refused(&error),
        };
    }
    match own.provider.stream(request).await {
        Ok(events) => streamed(frame, events),
        Err(error) => refused(&error),
    }
}

fn refused(error: &ProviderError) -> Response {
    let status =
        StatusCode::from_u16(error.status).ok().filter(|status| status.is_client_error() || status.is_server_error());
    let body = json!({"error": {"message": error.message, "type": "provider_error", "code": null}});
    (status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), Json(body)).into_response()
}

/// What the pieces of an answer have in common.
struct Frame {
    id: String,
    model: String,
    created: i64,
}

impl Frame {
    fn whole(&self, answer: &ProviderAnswer) -> Value {
        let choice = json!({
            "index": 0, "finish_reason": "stop", "logprobs": null,
            "message": {"role": "assistant", "content": answer.content, "refusal": null},
        });
        let mut body = json!({
            "id": self.id, "object": "chat.completion", "created": self.created, "model": self.model, "choices": [choice],
        });
        if let (Some((input, output)), Some(object)) = (answer.usage, body.as_object_mut()) {
            object.insert("usage".to_owned(), usage(input, output));
        }
        body
    }

    fn chunk(&self, delta: Value, finish_reason: Option<&str>) -> Bytes {
        self.event(json!([{"index": 0, "delta": delta, "finish_reason": finish_reason}]), None)
    }

    fn event(&self, choices: Value, usage: Option<Value>) -> Bytes {
        let mut body = json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model, "choices": choices,
        });
        if let (Some(usage), Some(object)) = (usage, body.as_object_mut()) {
            object.insert("usage".to_owned(), usage);
        }
        Bytes::from(format!("data: {body}\n\n"))
    }
}

fn usage(input: u64, output: u64) -> Value {
    json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input.saturating_add(output)})
}

fn streamed(frame: Frame, events: ProviderStream) -> Response {
    enum Step {
        Begin(Frame, ProviderStream),
        Go(Frame, ProviderStream, Option<Value>),
        End,
    }
    let bytes = futures_util::stream::unfold(Step::Begin(frame, events), |step| async move {
        let (chunk, next) = match step {
            Step::End => return None,
            Step::Begin(frame, events) => {
                (frame.chunk(json!({"role": "assistant", "content": ""}), None), Step::Go(frame, events, None))
            }
            Step::Go(frame, mut events, known) => match events.next().await {
                Some(Ok(ProviderEvent::Text(text))) => {
                    (frame.chunk(json!({"content": text}), None), Step::Go(frame, events, known))
                }
                Some(Ok(ProviderEvent::Usage { input_tokens, output_tokens })) => {
                    // An empty comment keeps the order of things: usage is told at the end.
                    (Bytes::from_static(b":\n\n"), Step::Go(frame, events, Some(usage(input_tokens, output_tokens))))
                }
                Some(Err(error)) => {
                    let body =
                        json!({"error": {"message": error.message, "type": "provider_error", "code": error.status}});
                    (Bytes::from(format!("data: {body}\n\n")), Step::End)
                }
                None => {
                    let mut last = frame.chunk(json!({}), Some("stop")).to_vec();
                    if let Some(usage) = known {
                        last.extend_from_slice(&frame.event(json!([]), Some(usage)));
                    }
                    last.extend_from_slice(b"data: [DONE]\n\n");
                    (Bytes::from(last), Step::End)
                }
            },
        };
        Some((Ok::<_, Infallible>(chunk), next))
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(bytes)).into_response()
}
