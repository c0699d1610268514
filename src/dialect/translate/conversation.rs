//! The neutral request: what a client asks for, whatever API it speaks.
//!
//! It is the union of what the five APIs can say. It names no provider and holds no wire format; a field that no
//! API but one has stands here only if another can carry its meaning. Its JSON form is what plugins see.

use serde::{Deserialize, Serialize};

/// One request for an answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Request {
    /// The model, as the provider is to be asked for it.
    pub model: String,
    /// Whether the answer comes as a stream.
    #[serde(default)]
    pub stream: bool,
    /// Whether the stream ends with usage where that must be asked for (Chat Completions).
    #[serde(default)]
    pub stream_usage: bool,
    /// The conversation in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<Turn>,
    /// Functions that the model may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    /// Whether and what it must call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// The form of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// How much it thinks first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Reasoning>,
    /// How tokens are drawn and when to stop.
    pub sampling: Sampling,
    /// The end user, as the client names them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Labels for the provider's own bookkeeping.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metadata: Vec<(String, String)>,
    /// `auto`, `default`, `flex`, `priority`, `standard_only`, …: kept as it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// How wordy: `low`, `medium`, `high`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verbosity: Option<String>,
}

/// How tokens are drawn and when to stop.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sampling {
    /// The most tokens of the answer, reasoning included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u64>,
    /// From 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// From 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Only the most likely this many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u64>,
    /// Draws the same again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// Texts at which the answer ends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// From -2 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f64>,
    /// From -2 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f64>,
    /// How many answers; none said is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<u64>,
    /// Whether each token's log probability is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<bool>,
    /// And those of how many others that might have stood there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_logprobs: Option<u64>,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The operator's word, highest in rank.
    System,
    /// The same, as OpenAI's newer models call it.
    Developer,
    /// The user, and what tools gave back.
    User,
    /// The model.
    Assistant,
}

/// One turn of the conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// A name beside the role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

/// A piece of a turn, with the mark up to which the provider may cache.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The piece.
    pub content: Content,
    /// Whether the prompt is cached up to here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheMark>,
}

impl From<Content> for Part {
    fn from(content: Content) -> Self {
        Self { content, cache: None }
    }
}

/// How long what lies before a mark is cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheMark {
    /// Five minutes.
    Short,
    /// One hour.
    Long,
}

/// What a part holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Content {
    /// Text, and what it rests on.
    Text {
        /// The text.
        text: String,
        /// Sources.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        citations: Vec<Citation>,
    },
    /// An image, a sound, a film or a file.
    Media(Media),
    /// The model calls a function.
    ToolCall {
        /// Ties the result to the call; may be empty where an API has none.
        id: String,
        /// The function.
        name: String,
        /// JSON text, as the model wrote it: not always an object, not always JSON.
        arguments: String,
    },
    /// What a function gave back.
    ToolResult {
        /// The call's id; may be empty where an API has none.
        id: String,
        /// The function, where an API names it here.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Text and media.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        parts: Vec<Part>,
        /// Whether the function failed.
        #[serde(default)]
        is_error: bool,
    },
    /// What the model thought.
    Reasoning(Thought),
    /// The model would not answer.
    #[serde(with = "refusal")]
    Refusal(String),
}

/// A refusal's words as a field, since a text alone has no place beside the tag.
mod refusal {
    use serde::{Deserialize, Deserializer, Serialize as _, Serializer};

    #[derive(serde::Serialize, Deserialize)]
    struct Words<T> {
        text: T,
    }

    pub(super) fn serialize<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
        Words { text }.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        Words::deserialize(deserializer).map(|words: Words<String>| words.text)
    }
}

/// What the model thought, or the maker's sealed form of it, or both.
///
/// A thought without text and with a seal belongs to what follows it (Gemini signs the part behind a thought).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thought {
    /// Readable; empty when the maker keeps it to itself.
    pub text: String,
    /// What the maker wants back as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seal: Option<Seal>,
}

/// Opaque bytes by which a maker knows its own reasoning again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// Who can read it.
    pub maker: Maker,
    /// As it was given.
    pub data: String,
}

/// Whose seal it is, and of which kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Maker {
    /// Anthropic's `signature` of a thinking block.
    Anthropic,
    /// Anthropic's `redacted_thinking` block.
    AnthropicRedacted,
    /// `encrypted_content` of a reasoning item of OpenAI's Responses.
    Openai,
    /// Gemini's `thoughtSignature`.
    Gemini,
}

/// What a text rests on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Citation {
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The words that are cited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// From which character of the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<u64>,
    /// Up to which character.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<u64>,
}

/// What kind of media.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// A picture.
    Image,
    /// A sound.
    Audio,
    /// A film.
    Video,
    /// A document.
    File,
}

/// An image, a sound, a film or a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// What kind.
    pub kind: MediaKind,
    /// Where its bytes are.
    pub source: Source,
    /// Its type, such as `image/png`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How closely an image is looked at: `low`, `high`, `auto`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Where the bytes of media are. The gateway never fetches them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// At a URL.
    Url(String),
    /// Here, in base64.
    Base64(String),
    /// With the provider, under an id.
    FileId(String),
    /// Here, as plain text.
    Text(String),
}

/// A function that the model may call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// JSON Schema of its arguments, as JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Whether arguments must fit the schema exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
    /// Whether the prompt is cached up to here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheMark>,
}

/// Whether and what the model must call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoice {
    /// As it likes.
    Auto,
    /// Nothing.
    None,
    /// Something.
    Required,
    /// This function.
    Function(String),
    /// Something of these.
    OneOf(Vec<String>),
}

/// The form of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Plain text.
    Text,
    /// Some JSON object.
    Json,
    /// JSON after a schema.
    Schema {
        /// Its name.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// What it is for.
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// JSON Schema, as JSON text.
        schema: String,
        /// Whether the answer must fit it exactly.
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
}

/// How much the model thinks first. An API with the one measure is asked by the other's nearest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reasoning {
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<Effort>,
    /// In tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_tokens: Option<u64>,
    /// Whether the thoughts are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown: Option<bool>,
}

/// How much the model thinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// Not at all.
    Off,
    /// As little as it can.
    Minimal,
    /// A little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// More.
    Xhigh,
    /// As much as it can.
    Max,
}

impl Effort {
    /// All, in order.
    pub const ALL: [Self; 7] = [Self::Off, Self::Minimal, Self::Low, Self::Medium, Self::High, Self::Xhigh, Self::Max];

    /// OpenAI's word for it; `None` stands for no thinking.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effort| effort.as_str() == word)
    }

    /// The tokens that stand for it where an API counts tokens.
    pub const fn budget_tokens(self) -> u64 {
        match self {
            Self::Off => 0,
            Self::Minimal => 1_024,
            Self::Low => 2_048,
            Self::Medium => 8_192,
            Self::High => 24_576,
            Self::Xhigh => 32_768,
            Self::Max => 65_536,
        }
    }

    /// The word that stands for a number of tokens.
    pub fn of_budget(tokens: u64) -> Self {
        Self::ALL.into_iter().find(|effort| tokens <= effort.budget_tokens()).unwrap_or(Self::Max)
    }
}

impl Reasoning {
    /// The effort, said or meant.
    pub fn effort(&self) -> Option<Effort> {
        self.effort.or_else(|| self.budget_tokens.map(Effort::of_budget))
    }

    /// The tokens, said or meant.
    pub fn budget_tokens(&self) -> Option<u64> {
        self.budget_tokens.or_else(|| self.effort.map(Effort::budget_tokens))
    }

    /// Whether it asks for no thinking at all.
    pub fn is_off(&self) -> bool {
        self.effort() == Some(Effort::Off)
    }
}
