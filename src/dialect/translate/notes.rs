//! What did not fit: fields that were dropped, by their path in the client's own API, and fields that could not be.
//!
//! Paths name fields, never what they held. Lists have no indices (`messages[].name`), so that each is named once.

use crate::domain::Api;

/// How many fields are named at most, and how long a name may be.
const MAX_NAMED: usize = 40;
const MAX_PATH_BYTES: usize = 120;

/// The fields that were left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    paths: Vec<String>,
    more: usize,
}

impl Dropped {
    /// Names a field by the path that the client knows. What is no plain text is left out of the name.
    pub fn path(&mut self, path: &str) {
        let plain = |c: &char| c.is_ascii_graphic() && !matches!(c, ',' | '"' | '\\');
        let path: String = path.chars().filter(plain).take(MAX_PATH_BYTES).collect();
        if path.is_empty() || self.paths.contains(&path) {
            return;
        }
        if self.paths.len() == MAX_NAMED {
            self.more += 1;
        } else {
            self.paths.push(path);
        }
    }

    /// Names a field of the neutral request as the client's API has it.
    pub fn field(&mut self, client: Api, field: Field) {
        self.path(field.path(client));
    }

    /// The paths, each once.
    pub fn paths(&self) -> &[String] {
        &self.paths
    }

    /// Whether everything fitted.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }
}

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.paths.join(","))?;
        if self.more > 0 { write!(f, ",+{}", self.more) } else { Ok(()) }
    }
}

/// How media of an answer are named that the client's API has no place for.
pub(super) const ANSWER_MEDIA: &str = "answer.media";

/// And its sources.
pub(super) const ANSWER_CITATIONS: &str = "answer.citations";

/// Media within server-sent events, whose head has left: a comment, which every reader of events passes over.
pub(super) const ANSWER_MEDIA_COMMENT: &[u8] = b": x-gateway-dropped: answer.media\n\n";

/// Why a request cannot be put to a target: leaving the field out would change what it means.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` cannot be carried over to a provider that speaks {target}: {why}")]
pub struct Unfit {
    /// The field, as the client's API has it.
    pub path: String,
    /// The target's API.
    pub target: &'static str,
    /// What is in the way.
    pub why: &'static str,
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident: $chat:literal, $responses:literal, $anthropic:literal, $gemini:literal, $ollama:literal;)*) => {
        /// A field of the neutral request that a target may be unable to carry.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Field { $($(#[$doc])* $name,)* }

        impl Field {
            /// Its path in a client's API; where that API cannot say it, the nearest.
            pub const fn path(self, client: Api) -> &'static str {
                match (self, client) {
                    $((Self::$name, Api::OpenaiResponses) => $responses,
                    (Self::$name, Api::Anthropic) => $anthropic,
                    (Self::$name, Api::Gemini) => $gemini,
                    (Self::$name, Api::Ollama) => $ollama,
                    (Self::$name, Api::OpenaiChat | Api::OpenaiEmbeddings | Api::Openai) => $chat,)*
                }
            }
        }
    };
}

fields! {
    /// Several answers.
    N: "n", "n", "n", "generationConfig.candidateCount", "n";
    /// Top-k sampling.
    TopK: "top_k", "top_k", "top_k", "generationConfig.topK", "options.top_k";
    /// The seed.
    Seed: "seed", "seed", "seed", "generationConfig.seed", "options.seed";
    /// Stop texts.
    Stop: "stop", "stop", "stop_sequences", "generationConfig.stopSequences", "options.stop";
    /// Frequency penalty.
    FrequencyPenalty: "frequency_penalty", "frequency_penalty", "frequency_penalty", "generationConfig.frequencyPenalty", "options.frequency_penalty";
    /// Presence penalty.
    PresencePenalty: "presence_penalty", "presence_penalty", "presence_penalty", "generationConfig.presencePenalty", "options.presence_penalty";
    /// Log probabilities.
    Logprobs: "logprobs", "top_logprobs", "logprobs", "generationConfig.responseLogprobs", "logprobs";
    /// Temperature above what the target allows.
    Temperature: "temperature", "temperature", "temperature", "generationConfig.temperature", "options.temperature";
    /// Nucleus sampling.
    TopP: "top_p", "top_p", "top_p", "generationConfig.topP", "options.top_p";
    /// Whether and what must be called.
    ToolChoice: "tool_choice", "tool_choice", "tool_choice", "toolConfig.functionCallingConfig", "tool_choice";
    /// Several calls at once.
    ParallelToolCalls: "parallel_tool_calls", "parallel_tool_calls", "tool_choice.disable_parallel_tool_use", "parallelToolCalls", "parallel_tool_calls";
    /// A tool's exact arguments.
    ToolStrict: "tools[].function.strict", "tools[].strict", "tools[].strict", "tools[].functionDeclarations[].strict", "tools[].function.strict";
    /// A tool's cache mark.
    ToolCache: "tools[].cache_control", "tools[].cache_control", "tools[].cache_control", "tools[].cache_control", "tools[].cache_control";
    /// The answer's form.
    Format: "response_format", "text.format", "output_config.format", "generationConfig.responseSchema", "format";
    /// The form's exactness.
    FormatStrict: "response_format.json_schema.strict", "text.format.strict", "output_config.format.strict", "generationConfig.responseSchema", "format";
    /// Reasoning.
    Reasoning: "reasoning_effort", "reasoning", "thinking", "generationConfig.thinkingConfig", "think";
    /// The end user.
    User: "user", "user", "metadata.user_id", "user", "user";
    /// Labels.
    Metadata: "metadata", "metadata", "metadata", "labels", "metadata";
    /// The tier.
    ServiceTier: "service_tier", "service_tier", "service_tier", "serviceTier", "service_tier";
    /// Wordiness.
    Verbosity: "verbosity", "text.verbosity", "verbosity", "verbosity", "verbosity";
    /// A turn's name.
    TurnName: "messages[].name", "input[].name", "messages[].name", "contents[].name", "messages[].name";
    /// Cache marks in the conversation.
    Cache: "messages[].content[].cache_control", "input[].content[].cache_control", "messages[].content[].cache_control", "cachedContent", "messages[].cache_control";
    /// Sources of an earlier answer.
    Citations: "messages[].annotations", "input[].content[].annotations", "messages[].content[].citations", "contents[].citationMetadata", "messages[].citations";
    /// Thoughts of an earlier answer that the target cannot read.
    Thoughts: "messages[].reasoning_content", "input[].encrypted_content", "messages[].content[].thinking", "contents[].parts[].thoughtSignature", "messages[].thinking";
    /// Whether a function failed.
    ToolError: "messages[].is_error", "input[].is_error", "messages[].content[].is_error", "contents[].parts[].functionResponse.error", "messages[].is_error";
    /// Media in a function's result.
    ToolMedia: "messages[].content[]", "input[].output[]", "messages[].content[].content[]", "contents[].parts[].functionResponse.parts[]", "messages[].images";
    /// An image.
    Image: "messages[].content[].image_url", "input[].content[].image_url", "messages[].content[].source", "contents[].parts[].fileData", "messages[].images";
    /// How closely an image is looked at.
    Detail: "messages[].content[].image_url.detail", "input[].content[].detail", "messages[].content[].source", "contents[].parts[].mediaResolution", "messages[].images";
    /// Sound.
    Audio: "messages[].content[].input_audio", "input[].content[].input_audio", "messages[].content[].source", "contents[].parts[].inlineData", "messages[].audio";
    /// Film.
    Video: "messages[].content[].video_url", "input[].content[].video_url", "messages[].content[].source", "contents[].parts[].inlineData", "messages[].video";
    /// A file.
    File: "messages[].content[].file", "input[].content[].file_id", "messages[].content[].source", "contents[].parts[].fileData", "messages[].files";
    /// The name of a file.
    FileName: "messages[].content[].file.filename", "input[].content[].filename", "messages[].content[].title", "contents[].parts[].inlineData.displayName", "messages[].files";
}
