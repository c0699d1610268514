//! The inference endpoints' part of the API document.
//!
//! Their bodies belong to the providers' APIs: the document names them and links to their own
//! descriptions instead of copying schemas that change without us.

use utoipa::openapi::{
    Components, Content, HttpMethod, ObjectBuilder, OpenApi, OpenApiBuilder, PathItem, PathsBuilder, RefOr, Required,
    path::{Operation, OperationBuilder, ParameterBuilder, ParameterIn},
    request_body::RequestBodyBuilder,
    response::{ResponseBuilder, ResponsesBuilder},
    schema::{AdditionalProperties, Type},
    security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    tag::TagBuilder,
};

/// One documented operation.
struct Row {
    method: HttpMethod,
    path: &'static str,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    has_body: bool,
}

const fn row(
    method: HttpMethod,
    path: &'static str,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
) -> Row {
    let has_body = matches!(method, HttpMethod::Post);
    Row { method, path, id, tag, summary, has_body }
}

/// Every inference endpoint, as `routes` serves them.
fn rows() -> Vec<Row> {
    use HttpMethod::{Delete, Get, Post};
    vec![
        row(Post, "/v1/chat/completions", "chatCompletions", "OpenAI", "OpenAI Chat Completions, streamed or not"),
        row(Post, "/v1/responses", "responses", "OpenAI", "OpenAI Responses, streamed or not"),
        row(Post, "/v1/embeddings", "embeddings", "OpenAI", "OpenAI Embeddings"),
        row(
            Get,
            "/v1/models",
            "listModels",
            "Models",
            "All models of all providers (Anthropic's shape with an anthropic-version header)",
        ),
        row(Get, "/v1/models/{model}", "getModel", "Models", "One model"),
        row(Post, "/v1/completions", "completions", "OpenAI", "Legacy text completions, forwarded as they are"),
        row(Post, "/v1/images/{tail}", "images", "OpenAI", "Images, forwarded as they are"),
        row(Post, "/v1/audio/{tail}", "audio", "OpenAI", "Audio, forwarded as it is"),
        row(
            Get,
            "/v1/files",
            "listFiles",
            "OpenAI",
            "Files of the provider named by x-provider, else of the default one",
        ),
        row(Post, "/v1/files", "uploadFile", "OpenAI", "Upload a file, streamed through"),
        row(Get, "/v1/files/{tail}", "getFile", "OpenAI", "A file or its content"),
        row(Delete, "/v1/files/{tail}", "deleteFile", "OpenAI", "Delete a file"),
        row(Get, "/v1/batches", "listBatches", "OpenAI", "Batches"),
        row(Post, "/v1/batches", "createBatch", "OpenAI", "Create a batch"),
        row(Get, "/v1/batches/{tail}", "getBatch", "OpenAI", "One batch"),
        row(Post, "/v1/batches/{tail}", "cancelBatch", "OpenAI", "Cancel a batch"),
        row(Post, "/v1/rerank", "rerank", "OpenAI", "Rerank, forwarded as it is"),
        row(Post, "/v1/moderations", "moderations", "OpenAI", "Moderations, forwarded as they are"),
        row(Post, "/v1/messages", "messages", "Anthropic", "Anthropic Messages, streamed or not"),
        row(Post, "/v1/messages/count_tokens", "countTokens", "Anthropic", "Anthropic token counting"),
        row(Get, "/v1beta/models", "listGeminiModels", "Gemini", "All models in Gemini's shape"),
        row(Get, "/v1beta/models/{model}", "getGeminiModel", "Gemini", "One model in Gemini's shape"),
        row(Post, "/v1beta/models/{model}:generateContent", "generateContent", "Gemini", "Gemini generateContent"),
        row(
            Post,
            "/v1beta/models/{model}:streamGenerateContent",
            "streamGenerateContent",
            "Gemini",
            "Gemini streamGenerateContent",
        ),
        row(Post, "/v1beta/models/{model}:countTokens", "geminiCountTokens", "Gemini", "Gemini token counting"),
        row(Post, "/v1beta/models/{model}:embedContent", "embedContent", "Gemini", "Gemini embedContent"),
        row(
            Post,
            "/v1beta/models/{model}:batchEmbedContents",
            "batchEmbedContents",
            "Gemini",
            "Gemini batchEmbedContents",
        ),
        row(
            Post,
            "/v1/models/{model}:generateContent",
            "generateContentV1",
            "Gemini",
            "Gemini generateContent, as google-genai calls it with only a base URL",
        ),
        row(
            Post,
            "/v1/models/{model}:streamGenerateContent",
            "streamGenerateContentV1",
            "Gemini",
            "Gemini streamGenerateContent under /v1",
        ),
        row(Post, "/v1/models/{model}:countTokens", "geminiCountTokensV1", "Gemini", "Gemini token counting under /v1"),
        row(Post, "/v1/models/{model}:embedContent", "embedContentV1", "Gemini", "Gemini embedContent under /v1"),
        row(
            Post,
            "/v1/models/{model}:batchEmbedContents",
            "batchEmbedContentsV1",
            "Gemini",
            "Gemini batchEmbedContents under /v1",
        ),
        row(Post, "/api/chat", "ollamaChat", "Ollama", "Ollama chat, streamed unless told otherwise"),
        row(Post, "/api/generate", "ollamaGenerate", "Ollama", "Ollama generate, streamed unless told otherwise"),
        row(Post, "/api/embed", "ollamaEmbed", "Ollama", "Ollama embeddings"),
        row(Get, "/api/tags", "ollamaTags", "Ollama", "All models in Ollama's shape"),
        row(Get, "/api/version", "ollamaVersion", "Ollama", "The gateway's version in Ollama's shape"),
        row(
            Post,
            "/{project}/{api}/{tail}",
            "projectCall",
            "Project URLs",
            "Every endpoint of the APIs under a project's own URL",
        ),
        row(Post, "/{api}/{tail}", "apiCall", "Project URLs", "Every endpoint of the APIs under that of an API"),
    ]
}

/// The document of the data plane.
pub fn openapi() -> OpenApi {
    let mut paths = PathsBuilder::new();
    for row in rows() {
        paths = paths.path(row.path, PathItem::new(row.method.clone(), operation(&row)));
    }
    let tags = TAGS.map(|(name, about)| TagBuilder::new().name(name).description(Some(about)).build());
    let mut components = Components::new();
    for (name, scheme) in credentials() {
        components.add_security_scheme(name, scheme);
    }
    OpenApiBuilder::new().paths(paths.build()).tags(Some(tags)).components(Some(components)).build()
}

fn operation(row: &Row) -> Operation {
    let any = || {
        RefOr::T(
            ObjectBuilder::new()
                .schema_type(Type::Object)
                .additional_properties(Some(AdditionalProperties::FreeForm(true)))
                .into(),
        )
    };
    let ok = ResponseBuilder::new()
        .description("The provider's answer, byte for byte; an event stream when one was asked for.")
        .content("application/json", Content::new(Some(any())))
        .build();
    let error = ResponseBuilder::new()
        .description("An error in the shape of the API that the client speaks.")
        .content("application/json", Content::new(Some(any())))
        .build();
    let mut operation = OperationBuilder::new()
        .operation_id(Some(row.id))
        .tag(row.tag)
        .summary(Some(row.summary))
        .responses(ResponsesBuilder::new().response("200", ok).response("default", error).build());
    // Ollama's clients ask for the version before they have a credential.
    if row.path != "/api/version" {
        let no_scopes: [&str; 0] = [];
        let required = credentials().map(|(name, _)| SecurityRequirement::new(name, no_scopes));
        operation = operation.securities(Some(required));
    }
    for (name, about) in PATH_PARAMETERS {
        if row.path.contains(&format!("{{{name}}}")) {
            operation = operation.parameter(
                ParameterBuilder::new()
                    .name(name)
                    .parameter_in(ParameterIn::Path)
                    .required(Required::True)
                    .description(Some(about))
                    .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
                    .build(),
            );
        }
    }
    for (name, about) in LABELS {
        operation = operation.parameter(
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Header)
                .description(Some(about))
                .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
                .build(),
        );
    }
    if row.has_body {
        let body = RequestBodyBuilder::new()
            .description(Some("As the API of this endpoint defines it; unknown fields are passed on."))
            .content("application/json", Content::new(Some(any())))
            .required(Some(Required::True));
        operation = operation.request_body(Some(body.build()));
    }
    operation.build()
}

/// The places of a virtual key; all give the same answer.
fn credentials() -> [(&'static str, SecurityScheme); 3] {
    let header = |name| SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(name)));
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    [("virtual_key", bearer), ("x_api_key", header("x-api-key")), ("x_goog_api_key", header("x-goog-api-key"))]
}

const PATH_PARAMETERS: [(&str, &str); 4] = [
    ("model", "The model's id, or `provider/model`"),
    ("tail", "The rest of the path, as it is under the root"),
    ("project", "Project that the request is accounted to"),
    ("api", "`openai`, `anthropic`, `gemini` or `ollama`"),
];

const TAGS: [(&str, &str); 6] = [
    ("OpenAI", "What OpenAI's own clients call. Change their base URL to this gateway's `/v1`."),
    ("Anthropic", "What Anthropic's own clients call. Change their base URL to this gateway's root."),
    ("Gemini", "What Google's own clients call. Change their base URL to this gateway's root."),
    ("Ollama", "What Ollama's own clients call. Change their host to this gateway's root."),
    ("Models", "The models of all providers."),
    ("Project URLs", "The same endpoints under further URLs."),
];

const LABELS: [(&str, &str); 6] = [
    ("x-project", "Project that the request is accounted to"),
    ("x-source", "Requester that the request is accounted to"),
    ("x-session-id", "Session that the request belongs to"),
    ("x-request-id", "Your own id for the request, echoed in the answer"),
    ("x-tags", "Labels, `name=value,…`"),
    ("x-provider", "Provider for requests whose model does not decide"),
];
