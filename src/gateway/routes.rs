//! Every inference path on one page. A path that is not here does not exist.

use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    response::Response,
    routing::{MethodRouter, get},
};
use http::Method;

use super::{GatewayState, accept, error::Refusal, models, serve, urls};
use crate::domain::{ApiFamily, Endpoint, ErrorKind};

/// The data plane as a router.
pub fn router(state: GatewayState) -> Router {
    let routes = Router::new()
        .route("/v1/chat/completions", call(Endpoint::ChatCompletions))
        .route("/v1/responses", call(Endpoint::Responses))
        .route("/v1/embeddings", call(Endpoint::Embeddings))
        .route("/v1/messages", call(Endpoint::Messages))
        .route("/v1/messages/count_tokens", call(Endpoint::CountTokens))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{*rest}", get(models::one).post(gemini))
        .route("/v1beta/models", get(models::gemini_list))
        .route("/v1beta/models/{*rest}", get(models::gemini_one).post(gemini))
        .route("/api/chat", call(Endpoint::OllamaChat))
        .route("/api/generate", call(Endpoint::OllamaGenerate))
        .route("/api/embed", call(Endpoint::OllamaEmbed))
        .route("/api/tags", get(models::ollama_tags))
        .route("/api/version", get(models::ollama_version))
        // Forwarded as they are to the provider of the model they name.
        .route("/v1/completions", call(Endpoint::Completions))
        .route("/v1/rerank", call(Endpoint::Rerank))
        .route("/v1/moderations", call(Endpoint::Moderations))
        .route("/v1/images/{*tail}", tailed(Endpoint::Images, &[Method::POST]))
        .route("/v1/audio/{*tail}", tailed(Endpoint::Audio, &[Method::POST]))
        .route("/v1/files", any_of(Endpoint::Files, &[Method::GET, Method::POST]))
        .route("/v1/files/{*tail}", tailed(Endpoint::Files, &[Method::GET, Method::DELETE]))
        .route("/v1/batches", any_of(Endpoint::Batches, &[Method::GET, Method::POST]))
        .route("/v1/batches/{*tail}", tailed(Endpoint::Batches, &[Method::GET, Method::POST]))
        .with_state(state);
    urls::with_prefixes(routes)
}

fn call(endpoint: Endpoint) -> MethodRouter<GatewayState> {
    any_of(endpoint, &[Method::POST])
}

fn any_of(endpoint: Endpoint, methods: &[Method]) -> MethodRouter<GatewayState> {
    methods.iter().fold(MethodRouter::new(), |router, method| {
        let handler =
            move |State(state): State<GatewayState>, request: Request| forward(state, endpoint, String::new(), request);
        match *method {
            Method::GET => router.get(handler),
            Method::DELETE => router.delete(handler),
            _ => router.post(handler),
        }
    })
}

fn tailed(endpoint: Endpoint, methods: &[Method]) -> MethodRouter<GatewayState> {
    methods.iter().fold(MethodRouter::new(), |router, method| {
        let handler = move |State(state): State<GatewayState>, Path(tail): Path<String>, request: Request| {
            forward(state, endpoint, tail, request)
        };
        match *method {
            Method::GET => router.get(handler),
            Method::DELETE => router.delete(handler),
            _ => router.post(handler),
        }
    })
}

async fn forward(state: GatewayState, endpoint: Endpoint, tail: String, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    serve(state, accept::arrival(endpoint, tail, None, parts, body)).await
}

/// `models/{model}:{action}`, where the model may hold slashes (`openai/gpt-5`).
async fn gemini(State(state): State<GatewayState>, Path(rest): Path<String>, request: Request) -> Response {
    let action = rest.rsplit_once(':').and_then(|(model, action)| {
        let endpoint = match action {
            "generateContent" => Endpoint::GenerateContent,
            "streamGenerateContent" => Endpoint::StreamGenerateContent,
            "countTokens" => Endpoint::GeminiCountTokens,
            "embedContent" => Endpoint::EmbedContent,
            "batchEmbedContents" => Endpoint::BatchEmbedContents,
            _ => return None,
        };
        Some((endpoint, model.strip_prefix("models/").unwrap_or(model).to_owned()))
    });
    let Some((endpoint, model)) = action else {
        let message = "no such method: a Gemini call is POST …/models/{model}:generateContent, :streamGenerateContent, \
                       :countTokens, :embedContent or :batchEmbedContents";
        return Refusal::new(ErrorKind::NotFound, message).response(ApiFamily::Gemini, "");
    };
    let (parts, body) = request.into_parts();
    serve(state, accept::arrival(endpoint, String::new(), Some(model), parts, body)).await
}
