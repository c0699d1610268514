//! Where each API keeps what the tally wants: flat tables of paths.
//!
//! Sources: the API references of OpenAI, Azure OpenAI, Anthropic, Google Gemini, Ollama, Groq,
//! OpenRouter, Mistral, DeepSeek, Perplexity, xAI, Cohere, Jina and Voyage. Names that several
//! providers share stand once; an unknown field is passed over.

use std::sync::LazyLock;

use super::counts::Slot;
use crate::{
    dialect::watch::{
        Row, Table,
        Take::{self, Length, Value},
    },
    domain::Api,
};

/// Which table reads an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Openai,
    Responses,
    Anthropic,
    Gemini,
    Ollama,
}

impl Shape {
    pub(super) const fn of(api: Api) -> Self {
        match api {
            Api::OpenaiChat | Api::OpenaiEmbeddings | Api::Openai => Self::Openai,
            Api::OpenaiResponses => Self::Responses,
            Api::Anthropic => Self::Anthropic,
            Api::Gemini => Self::Gemini,
            Api::Ollama => Self::Ollama,
        }
    }
}

/// A watched field, by what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// The document's own kind: `type` or `object`.
    Kind,
    Model,
    Id,
    Finish,
    /// A finish reason that only counts when there is no better one (`status` of Responses).
    Status,
    Tier,
    /// Ollama's `done`.
    Done,
    /// The number of an event.
    Sequence,
    /// Text of the answer.
    Text,
    /// Text, or something else, depending on the kind (`delta` of Responses).
    Delta,
    /// Content that is not text; its presence counts.
    Content,
    /// The kind of a block or item: anything but text and thinking is content by its presence.
    BlockKind,
    Count(Slot),
    /// Gemini's lists of modalities: one entry, its name, its tokens.
    Entry(Side),
    Modality,
    EntryTokens,
    Usd,
    Ticks,
    /// The error itself: an object or a text.
    Error,
    ErrorMessage,
    ErrorWord,
    /// A code that may be a number or a word.
    ErrorCode,
    /// `message` and `code` at the top, which mean an error only in a document of kind `error`.
    LooseMessage,
    LooseCode,
}

/// Which list of modalities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Prompt,
    Cache,
    Candidates,
}

type Rows = &'static [Row<Field>];

/// The table of a shape, built on first use.
pub(super) fn table(shape: Shape) -> &'static Table<Field> {
    static OPENAI: LazyLock<Table<Field>> = LazyLock::new(|| {
        Table::new(&[
            ("", OPENAI_TOP),
            ("choices[].delta", OPENAI_MESSAGE),
            ("choices[].message", OPENAI_MESSAGE),
            ("usage", OPENAI_USAGE),
            ("x_groq.usage", OPENAI_USAGE),
            // Moonshot, on the finish chunk.
            ("choices[].usage", OPENAI_USAGE),
            ("error", ERROR),
            ("choices[].error", ERROR),
            ("x_groq", X_GROQ),
        ])
    });
    static RESPONSES: LazyLock<Table<Field>> = LazyLock::new(|| {
        Table::new(&[
            ("", RESPONSES_TOP),
            ("", RESPONSES_BODY),
            ("response", RESPONSES_BODY),
            ("usage", OPENAI_USAGE),
            ("response.usage", OPENAI_USAGE),
            ("error", ERROR),
            ("response.error", ERROR),
        ])
    });
    static ANTHROPIC: LazyLock<Table<Field>> = LazyLock::new(|| {
        Table::new(&[
            ("", ANTHROPIC_TOP),
            ("", ANTHROPIC_MESSAGE),
            ("message", ANTHROPIC_MESSAGE),
            ("usage", ANTHROPIC_USAGE),
            ("message.usage", ANTHROPIC_USAGE),
            ("error", ERROR),
        ])
    });
    static GEMINI: LazyLock<Table<Field>> =
        LazyLock::new(|| Table::new(&[("", GEMINI_TOP), ("usageMetadata", GEMINI_USAGE), ("error", ERROR)]));
    static OLLAMA: LazyLock<Table<Field>> = LazyLock::new(|| Table::new(&[("", OLLAMA_TOP), ("error", ERROR)]));
    match shape {
        Shape::Openai => &OPENAI,
        Shape::Responses => &RESPONSES,
        Shape::Anthropic => &ANTHROPIC,
        Shape::Gemini => &GEMINI,
        Shape::Ollama => &OLLAMA,
    }
}

const fn count(path: &'static str, slot: Slot) -> (&'static str, Field, Take) {
    (path, Field::Count(slot), Value)
}

/// Chat, legacy completions, embeddings, images, audio, rerank.
const OPENAI_TOP: Rows = &[
    ("id", Field::Id, Value),
    ("model", Field::Model, Value),
    ("object", Field::Kind, Value),
    ("type", Field::Kind, Value),
    ("service_tier", Field::Tier, Value),
    ("choices[].finish_reason", Field::Finish, Value),
    ("choices[].text", Field::Text, Length),
    ("delta", Field::Text, Length),
    ("text", Field::Text, Length),
    ("audio", Field::Content, Length),
    ("b64_json", Field::Content, Length),
    ("data[].b64_json", Field::Content, Length),
    ("error", Field::Error, Value),
    ("choices[].error", Field::Error, Value),
    ("message", Field::LooseMessage, Value),
    ("code", Field::LooseCode, Value),
    // Cohere and those who rank as it does.
    count("meta.tokens.input_tokens", Slot::Prompt),
    count("meta.tokens.output_tokens", Slot::Completion),
];

/// Groq tells of an error beside the usage.
const X_GROQ: Rows = &[("error", Field::Error, Value)];

const OPENAI_MESSAGE: Rows = &[
    ("content", Field::Text, Length),
    ("content[].text", Field::Text, Length),
    ("content[].thinking[].text", Field::Text, Length),
    ("reasoning_content", Field::Text, Length),
    ("reasoning", Field::Text, Length),
    ("refusal", Field::Text, Length),
    ("function_call.arguments", Field::Text, Length),
    ("tool_calls[].function.arguments", Field::Text, Length),
    ("tool_calls[]", Field::Content, Value),
    ("audio.transcript", Field::Text, Length),
    ("audio.data", Field::Content, Length),
    ("images[]", Field::Content, Value),
];

/// Both generations of names: `prompt_tokens` and `input_tokens`.
const OPENAI_USAGE: Rows = &[
    count("prompt_tokens", Slot::Prompt),
    count("input_tokens", Slot::Prompt),
    count("completion_tokens", Slot::Completion),
    count("output_tokens", Slot::Completion),
    count("total_tokens", Slot::Total),
    count("prompt_tokens_details.cached_tokens", Slot::Cached),
    count("input_tokens_details.cached_tokens", Slot::Cached),
    count("prompt_token_details.cached_tokens", Slot::Cached),
    // DeepSeek, Mistral, Moonshot
    count("prompt_cache_hit_tokens", Slot::Cached),
    count("num_cached_tokens", Slot::Cached),
    count("cached_tokens", Slot::Cached),
    // OpenAI since GPT-5.6, OpenRouter: part of the prompt tokens, like those that were read.
    count("prompt_tokens_details.cache_write_tokens", Slot::CacheWrite),
    count("input_tokens_details.cache_write_tokens", Slot::CacheWrite),
    count("prompt_tokens_details.audio_tokens", Slot::AudioIn),
    count("input_tokens_details.audio_tokens", Slot::AudioIn),
    count("input_token_details.audio_tokens", Slot::AudioIn),
    count("prompt_tokens_details.image_tokens", Slot::ImageIn),
    count("input_tokens_details.image_tokens", Slot::ImageIn),
    count("completion_tokens_details.reasoning_tokens", Slot::Reasoning),
    count("output_tokens_details.reasoning_tokens", Slot::Reasoning),
    count("reasoning_tokens", Slot::Reasoning),
    count("citation_tokens", Slot::Citation),
    count("completion_tokens_details.audio_tokens", Slot::AudioOut),
    count("output_tokens_details.audio_tokens", Slot::AudioOut),
    count("completion_tokens_details.image_tokens", Slot::ImageOut),
    count("output_tokens_details.image_tokens", Slot::ImageOut),
    ("cost", Field::Usd, Value),
    ("cost.total_cost", Field::Usd, Value),
    ("cost_in_usd_ticks", Field::Ticks, Value),
    ("service_tier", Field::Tier, Value),
];

const RESPONSES_TOP: Rows = &[
    ("type", Field::Kind, Value),
    ("object", Field::Kind, Value),
    ("sequence_number", Field::Sequence, Value),
    ("delta", Field::Delta, Length),
    ("partial_image_b64", Field::Content, Length),
    ("item.type", Field::BlockKind, Value),
    ("output[].type", Field::BlockKind, Value),
    ("output[].content[].text", Field::Text, Length),
    ("output[].content[].refusal", Field::Text, Length),
    ("output[].summary[].text", Field::Text, Length),
    ("output[].arguments", Field::Text, Length),
    ("message", Field::LooseMessage, Value),
    ("code", Field::LooseCode, Value),
];

const RESPONSES_BODY: Rows = &[
    ("id", Field::Id, Value),
    ("model", Field::Model, Value),
    ("status", Field::Status, Value),
    ("incomplete_details.reason", Field::Finish, Value),
    ("service_tier", Field::Tier, Value),
    ("error", Field::Error, Value),
];

const ANTHROPIC_TOP: Rows = &[
    ("delta.stop_reason", Field::Finish, Value),
    ("delta.text", Field::Text, Length),
    ("delta.thinking", Field::Text, Length),
    ("delta.partial_json", Field::Text, Length),
    ("content_block.type", Field::BlockKind, Value),
    ("content_block.text", Field::Text, Length),
    ("content_block.thinking", Field::Text, Length),
    ("type", Field::Kind, Value),
    ("error", Field::Error, Value),
];

const ANTHROPIC_MESSAGE: Rows = &[
    ("id", Field::Id, Value),
    ("model", Field::Model, Value),
    ("stop_reason", Field::Finish, Value),
    ("content[].type", Field::BlockKind, Value),
    ("content[].text", Field::Text, Length),
    ("content[].thinking", Field::Text, Length),
];

const ANTHROPIC_USAGE: Rows = &[
    count("input_tokens", Slot::Prompt),
    count("output_tokens", Slot::Completion),
    count("cache_read_input_tokens", Slot::Cached),
    count("cache_creation_input_tokens", Slot::CacheWrite),
    count("cache_creation.ephemeral_5m_input_tokens", Slot::CacheWrite5m),
    count("cache_creation.ephemeral_1h_input_tokens", Slot::CacheWrite1h),
    // Part of the output tokens; newer models report it in the last `message_delta`.
    count("output_tokens_details.thinking_tokens", Slot::Reasoning),
    ("service_tier", Field::Tier, Value),
    ("cost", Field::Usd, Value),
];

const GEMINI_TOP: Rows = &[
    ("modelVersion", Field::Model, Value),
    ("responseId", Field::Id, Value),
    ("candidates[].finishReason", Field::Finish, Value),
    ("promptFeedback.blockReason", Field::Finish, Value),
    ("candidates[].content.parts[].text", Field::Text, Length),
    ("candidates[].content.parts[].functionCall", Field::Content, Value),
    ("candidates[].content.parts[].inlineData", Field::Content, Value),
    ("candidates[].content.parts[].executableCode", Field::Content, Value),
    ("error", Field::Error, Value),
];

const GEMINI_USAGE: Rows = &[
    count("promptTokenCount", Slot::Prompt),
    count("candidatesTokenCount", Slot::Completion),
    count("totalTokenCount", Slot::Total),
    count("cachedContentTokenCount", Slot::Cached),
    count("thoughtsTokenCount", Slot::Reasoning),
    count("toolUsePromptTokenCount", Slot::ToolPrompt),
    ("promptTokensDetails[]", Field::Entry(Side::Prompt), Value),
    ("promptTokensDetails[].modality", Field::Modality, Value),
    ("promptTokensDetails[].tokenCount", Field::EntryTokens, Value),
    ("cacheTokensDetails[]", Field::Entry(Side::Cache), Value),
    ("cacheTokensDetails[].modality", Field::Modality, Value),
    ("cacheTokensDetails[].tokenCount", Field::EntryTokens, Value),
    ("candidatesTokensDetails[]", Field::Entry(Side::Candidates), Value),
    ("candidatesTokensDetails[].modality", Field::Modality, Value),
    ("candidatesTokensDetails[].tokenCount", Field::EntryTokens, Value),
    ("serviceTier", Field::Tier, Value),
];

const OLLAMA_TOP: Rows = &[
    ("model", Field::Model, Value),
    ("message.content", Field::Text, Length),
    ("message.thinking", Field::Text, Length),
    ("message.tool_calls[]", Field::Content, Value),
    ("response", Field::Text, Length),
    ("thinking", Field::Text, Length),
    ("done", Field::Done, Value),
    ("done_reason", Field::Finish, Value),
    ("error", Field::Error, Value),
    count("prompt_eval_count", Slot::Prompt),
    count("eval_count", Slot::Completion),
];

/// The inside of an error object.
const ERROR: Rows = &[
    ("message", Field::ErrorMessage, Value),
    ("type", Field::ErrorWord, Value),
    ("status", Field::ErrorWord, Value),
    ("code", Field::ErrorCode, Value),
];
