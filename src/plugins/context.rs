//! What a plugin sees of a request. It never holds a provider's key, a client's credential or a cookie.

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
    time::Instant,
};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::{
    dialect::translate::{self, Dropped, answer::Reply, conversation::Request},
    domain::{Api, Endpoint, Record, Secret, Timestamp, Usage},
};

/// What a plugin sees, and what plugins of one chain tell each other.
#[derive(Clone)]
pub struct Context {
    /// The request's id, as the client is told it.
    pub request_id: Arc<str>,
    /// The project, from the key, the URL or `x-project`.
    pub project: Option<Arc<str>>,
    /// The requester.
    pub source: Option<Arc<str>>,
    /// Public id of the virtual key.
    pub key_id: Option<Arc<str>>,
    /// The API that the client speaks.
    pub client_api: Api,
    /// The endpoint that it called.
    pub endpoint: Endpoint,
    /// The HTTP method.
    pub method: http::Method,
    /// The client's headers that are text, without credentials, cookies and those of the connection.
    pub headers: Vec<(String, String)>,
    /// The query's parameters, without credentials.
    pub query: Vec<(String, String)>,
    /// Who is at the other end of the connection.
    pub client_ip: Option<IpAddr>,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// Names that may be asked for: the operator's models, and each provider's.
    pub available_models: Arc<[String]>,
    /// What is asked for.
    pub request: Asked,
    /// The model that a plugin chose, and who stands in for it.
    pub route: Option<Route>,
    /// Who is, or was, asked.
    pub target: Option<TargetFacts>,
    /// The whole answer.
    pub reply: Option<Reply>,
    /// The piece of a streamed answer, with what was held of it.
    pub chunk: Option<Chunk>,
    /// The text that the client has got of a stream's first choice, up to [`Context::MOST_ACCUMULATED_BYTES`].
    pub accumulated: String,
    /// Why no provider answered.
    pub error: Option<ModelError>,
    /// How often the request was evaluated before.
    pub retry_count: u32,
    /// The request's tags, and what plugins add to them.
    pub metadata: Map<String, Json>,
    /// What plugins of one chain tell each other.
    pub data: Map<String, Json>,
    /// When the request came.
    pub started_at: Timestamp,
    /// The same, for durations.
    pub began: Instant,
    /// What was used so far, as far as it is known.
    pub usage: Usage,
    /// The closed record, at the last hook.
    pub record: Option<Arc<Record>>,
    /// The credential, for plugins of this house that check it.
    pub(super) presented: Option<Secret>,
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Prompts and answers have no place in a log.
        f.debug_struct("Context").field("request_id", &self.request_id).finish_non_exhaustive()
    }
}

impl Context {
    /// How much of a stream's text is kept for plugins.
    pub const MOST_ACCUMULATED_BYTES: usize = 4 << 20;

    /// A context of a request of which nothing is known but where it came in.
    pub fn new(endpoint: Endpoint, presented: Option<Secret>) -> Self {
        Self {
            request_id: Arc::from(""),
            project: None,
            source: None,
            key_id: None,
            client_api: endpoint.api(),
            endpoint,
            method: http::Method::POST,
            headers: Vec::new(),
            query: Vec::new(),
            client_ip: None,
            stream: false,
            available_models: Arc::from([]),
            request: Asked::default(),
            route: None,
            target: None,
            reply: None,
            chunk: None,
            accumulated: String::new(),
            error: None,
            retry_count: 0,
            metadata: Map::new(),
            data: Map::new(),
            started_at: Timestamp::now(),
            began: Instant::now(),
            usage: Usage::default(),
            record: None,
            presented,
        }
    }

    /// A header of the client's.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// What is asked for, read when somebody looks at it.
#[derive(Clone, Default)]
pub struct Asked {
    body: Option<(Endpoint, Bytes)>,
    read: OnceLock<Result<Arc<Request>, String>>,
}

impl Asked {
    /// What a body asks for that came in at this endpoint.
    pub fn of(endpoint: Endpoint, body: Bytes) -> Self {
        Self { body: endpoint.is_conversation().then_some((endpoint, body)), read: OnceLock::new() }
    }

    /// The neutral request.
    ///
    /// # Errors
    /// When the endpoint takes none, or it asks for something that lies with the providers of its API alone.
    pub fn read(&self) -> Result<&Arc<Request>, &str> {
        let read = self.read.get_or_init(|| {
            let Some((endpoint, body)) = &self.body else { return Err("it is no conversation".to_owned()) };
            let text = std::str::from_utf8(body).map_err(|_| "the body is not valid UTF-8".to_owned())?;
            let mut dropped = Dropped::default();
            let request = if *endpoint == Endpoint::OllamaGenerate {
                translate::generate_as_chat(text)
                    .and_then(|text| translate::read_request(Api::Ollama, &text, &mut dropped))
            } else {
                translate::read_request(endpoint.api(), text, &mut dropped)
            };
            request.map(Arc::new).map_err(|error| error.to_string())
        });
        read.as_ref().map_err(String::as_str)
    }

    /// Puts another request in its place.
    pub fn replace(&mut self, request: Request) {
        self.read = OnceLock::from(Ok(Arc::new(request)));
    }
}

/// Where a request is to go, as a plugin wishes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The name that is resolved in place of the client's.
    pub model: String,
    /// The names that stand in for it, one after the other.
    #[serde(default)]
    pub fallbacks: Vec<String>,
}

/// Who is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TargetFacts {
    /// The provider's id.
    pub provider: String,
    /// The model, as the provider is asked for it.
    pub model: Option<Arc<str>>,
}

/// A piece of a streamed answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Chunk {
    /// Which of the answers.
    pub choice: u32,
    /// What it is a piece of.
    pub kind: ChunkKind,
    /// The text: what was held before, and what has come.
    pub text: String,
    /// How many bytes of it were held before.
    pub held_bytes: usize,
    /// Whether nothing of its block follows: what is held now leaves all the same.
    pub is_last: bool,
}

/// What a chunk is a piece of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChunkKind {
    /// Text.
    Text,
    /// Thoughts.
    Reasoning,
    /// The words of a refusal.
    Refusal,
    /// The arguments of a call.
    ToolArguments,
}

/// Why no provider answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelError {
    /// Our code for it.
    pub kind: &'static str,
    /// What the client would be told.
    pub status: u16,
    /// The same in words.
    pub message: String,
}
