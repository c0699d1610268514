//! The client and provider APIs by name, and the endpoints that make a record.

use super::Ability;

/// One wire API, as a client or a provider speaks it.
///
/// The text form (`openai_chat`, …) is the `client_api` and `provider_api` of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Api {
    /// OpenAI Chat Completions.
    OpenaiChat,
    /// OpenAI Responses.
    OpenaiResponses,
    /// OpenAI Embeddings.
    OpenaiEmbeddings,
    /// The further OpenAI paths that are forwarded as they are.
    Openai,
    /// Anthropic Messages.
    Anthropic,
    /// Google Gemini (`generateContent` and its siblings).
    Gemini,
    /// Ollama's native API.
    Ollama,
}

/// Whose error shape, headers and model list a client expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApiFamily {
    /// OpenAI and everything compatible with it.
    Openai,
    /// Anthropic.
    Anthropic,
    /// Google Gemini.
    Gemini,
    /// Ollama.
    Ollama,
}

impl Api {
    /// Every API, for tables and tests.
    pub const ALL: [Self; 7] = [
        Self::OpenaiChat,
        Self::OpenaiResponses,
        Self::OpenaiEmbeddings,
        Self::Openai,
        Self::Anthropic,
        Self::Gemini,
        Self::Ollama,
    ];

    /// Reads the stable name back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|api| api.as_str() == text)
    }

    /// The stable name used in records, SQL and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenaiChat => "openai_chat",
            Self::OpenaiResponses => "openai_responses",
            Self::OpenaiEmbeddings => "openai_embeddings",
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
        }
    }

    /// The family this API belongs to.
    pub const fn family(self) -> ApiFamily {
        match self {
            Self::OpenaiChat | Self::OpenaiResponses | Self::OpenaiEmbeddings | Self::Openai => ApiFamily::Openai,
            Self::Anthropic => ApiFamily::Anthropic,
            Self::Gemini => ApiFamily::Gemini,
            Self::Ollama => ApiFamily::Ollama,
        }
    }
}

/// An inference endpoint: every request to one makes exactly one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `POST /v1/chat/completions`
    ChatCompletions,
    /// `POST /v1/responses`
    Responses,
    /// `POST /v1/embeddings`
    Embeddings,
    /// `POST /v1/completions` (legacy OpenAI text completions)
    Completions,
    /// `POST /v1/images/*`
    Images,
    /// `POST /v1/audio/*`
    Audio,
    /// `/v1/files*`
    Files,
    /// `/v1/batches*`
    Batches,
    /// `POST /v1/rerank`
    Rerank,
    /// `POST /v1/moderations`
    Moderations,
    /// `POST /v1/messages`
    Messages,
    /// `POST /v1/messages/count_tokens`
    CountTokens,
    /// `POST …/models/{model}:generateContent`
    GenerateContent,
    /// `POST …/models/{model}:streamGenerateContent`
    StreamGenerateContent,
    /// `POST …/models/{model}:countTokens`
    GeminiCountTokens,
    /// `POST …/models/{model}:embedContent`
    EmbedContent,
    /// `POST …/models/{model}:batchEmbedContents`
    BatchEmbedContents,
    /// `POST /api/chat`
    OllamaChat,
    /// `POST /api/generate`
    OllamaGenerate,
    /// `POST /api/embed`
    OllamaEmbed,
    /// `POST /api/v1.0/classify`
    Classify,
    /// `POST /api/v1.0/plan`
    Plan,
    /// `POST /api/v1.0/embed`
    Embed,
    /// `POST /api/v1.0/chat/completions`
    TaskChat,
}

impl Endpoint {
    /// Every endpoint, for tables and tests.
    pub const ALL: [Self; 24] = [
        Self::ChatCompletions,
        Self::Responses,
        Self::Embeddings,
        Self::Completions,
        Self::Images,
        Self::Audio,
        Self::Files,
        Self::Batches,
        Self::Rerank,
        Self::Moderations,
        Self::Messages,
        Self::CountTokens,
        Self::GenerateContent,
        Self::StreamGenerateContent,
        Self::GeminiCountTokens,
        Self::EmbedContent,
        Self::BatchEmbedContents,
        Self::OllamaChat,
        Self::OllamaGenerate,
        Self::OllamaEmbed,
        Self::Classify,
        Self::Plan,
        Self::Embed,
        Self::TaskChat,
    ];

    /// The stable name used as `endpoint` in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChatCompletions => "chat_completions",
            Self::Responses => "responses",
            Self::Embeddings => "embeddings",
            Self::Completions => "completions",
            Self::Images => "images",
            Self::Audio => "audio",
            Self::Files => "files",
            Self::Batches => "batches",
            Self::Rerank => "rerank",
            Self::Moderations => "moderations",
            Self::Messages => "messages",
            Self::CountTokens => "count_tokens",
            Self::GenerateContent => "generate_content",
            Self::StreamGenerateContent => "stream_generate_content",
            Self::GeminiCountTokens => "gemini_count_tokens",
            Self::EmbedContent => "embed_content",
            Self::BatchEmbedContents => "batch_embed_contents",
            Self::OllamaChat => "ollama_chat",
            Self::OllamaGenerate => "ollama_generate",
            Self::OllamaEmbed => "ollama_embed",
            Self::Classify => "classify",
            Self::Plan => "plan",
            Self::Embed => "embed",
            Self::TaskChat => "task_chat",
        }
    }

    /// Reads the stable name back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|endpoint| endpoint.as_str() == text)
    }

    /// Whether it is one of the task endpoints (`/api/v1.0`).
    pub const fn is_task(self) -> bool {
        matches!(self, Self::Classify | Self::Plan | Self::Embed | Self::TaskChat)
    }

    /// The endpoint as which it goes its way: what a task asks is put in the words of an API first.
    #[must_use]
    pub const fn on_the_way(self) -> Self {
        match self {
            Self::Classify | Self::Plan | Self::TaskChat => Self::ChatCompletions,
            Self::Embed => Self::Embeddings,
            other => other,
        }
    }

    /// The API that a client of this endpoint speaks.
    pub const fn api(self) -> Api {
        match self {
            Self::ChatCompletions | Self::Classify | Self::Plan | Self::TaskChat => Api::OpenaiChat,
            Self::Responses => Api::OpenaiResponses,
            Self::Embeddings | Self::Embed => Api::OpenaiEmbeddings,
            Self::Completions
            | Self::Images
            | Self::Audio
            | Self::Files
            | Self::Batches
            | Self::Rerank
            | Self::Moderations => Api::Openai,
            Self::Messages | Self::CountTokens => Api::Anthropic,
            Self::GenerateContent
            | Self::StreamGenerateContent
            | Self::GeminiCountTokens
            | Self::EmbedContent
            | Self::BatchEmbedContents => Api::Gemini,
            Self::OllamaChat | Self::OllamaGenerate | Self::OllamaEmbed => Api::Ollama,
        }
    }

    /// Whether it asks a model for an answer in a conversation, which can be put to a provider of another API.
    pub const fn is_conversation(self) -> bool {
        matches!(
            self,
            Self::ChatCompletions
                | Self::Responses
                | Self::Messages
                | Self::GenerateContent
                | Self::StreamGenerateContent
                | Self::OllamaChat
                | Self::OllamaGenerate
                | Self::Classify
                | Self::Plan
                | Self::TaskChat
        )
    }

    /// Whether it counts the tokens of a conversation.
    pub const fn is_counting(self) -> bool {
        matches!(self, Self::CountTokens | Self::GeminiCountTokens)
    }

    /// Whether it embeds texts.
    pub const fn is_embedding(self) -> bool {
        matches!(
            self,
            Self::Embeddings | Self::EmbedContent | Self::BatchEmbedContents | Self::OllamaEmbed | Self::Embed
        )
    }

    /// What a model must be for to be asked here; `None` where no model is asked or the path says which (audio).
    pub const fn purpose(self) -> Option<Ability> {
        match self {
            _ if self.is_embedding() => Some(Ability::Embeddings),
            Self::Images => Some(Ability::Images),
            Self::Moderations => Some(Ability::Moderation),
            Self::Rerank => Some(Ability::Rerank),
            Self::Audio | Self::Files | Self::Batches => None,
            _ => Some(Ability::Chat),
        }
    }

    /// Whether a successful answer that is no stream is always JSON.
    pub const fn answers_json(self) -> bool {
        !matches!(self, Self::Audio | Self::Images | Self::Files | Self::Batches)
    }

    /// Whether a successful call is priced. Token counting and file handling cost nothing and
    /// report no usage, so their cost is 0 and not unknown.
    pub const fn is_billable(self) -> bool {
        !matches!(self, Self::CountTokens | Self::GeminiCountTokens | Self::Files | Self::Batches | Self::Moderations)
    }
}
