//! Reading the few fields of a request that steer it, with their places, so that a change can be
//! spliced in.
//!
//! The gateway and the provider must never disagree about what a body says: so this reader is
//! strict (whole grammar, UTF-8, depth, nothing after the end) and refuses a key that occurs twice
//! in an object that it reads, however it is spelt. It never builds a tree of the body.

mod multipart;

use std::{borrow::Cow, collections::HashSet, ops::Range};

use thiserror::Error;

use super::{
    lex::{Kind, Lexer},
    quote,
    splice::Edit,
};
use crate::domain::{Api, Endpoint};

pub use super::lex::MAX_DEPTH;
pub(crate) use multipart::boundary as multipart_boundary;
pub use multipart::multipart_model;

/// The most keys that an object may have which the gateway reads.
pub const MAX_KEYS: usize = 1_024;

/// The longest key that a message shows: no credential is that short, and the fields of the APIs are.
const MAX_SHOWN: usize = 24;

/// Why a body cannot be understood. Offsets are in bytes from the beginning of the body.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SteerError {
    /// It is not JSON.
    #[error("the body is not valid JSON: {what} at byte {offset}")]
    Syntax {
        /// What was wrong.
        what: &'static str,
        /// Where.
        offset: usize,
    },
    /// It nests deeper than [`MAX_DEPTH`].
    #[error("the body nests deeper than {MAX_DEPTH} levels at byte {offset}")]
    TooDeep {
        /// Where.
        offset: usize,
    },
    /// It is JSON, but no object.
    #[error("the body must be a JSON object")]
    NotAnObject,
    /// A key occurs twice, so that two readers could take it for different things.
    #[error("the key \"{key}\" occurs twice (again at byte {offset})")]
    DuplicateKey {
        /// The key, unescaped; `*` where it is no name of a field.
        key: String,
        /// Where it occurs again.
        offset: usize,
    },
    /// A key that some servers would take for one of ours, because they ignore case.
    #[error("the key \"{key}\" at byte {offset} must be spelt \"{expected}\"")]
    MisspeltKey {
        /// The key, unescaped.
        key: String,
        /// How it is spelt.
        expected: &'static str,
        /// Where.
        offset: usize,
    },
    /// More than [`MAX_KEYS`] keys in one object.
    #[error("an object has more than {MAX_KEYS} keys")]
    TooManyKeys,
    /// A field has a value of the wrong type.
    #[error("\"{key}\" must be {expected} (byte {offset})")]
    WrongType {
        /// The field.
        key: &'static str,
        /// What it must be.
        expected: &'static str,
        /// Where the value begins.
        offset: usize,
    },
}

/// A value and its place in the body (for a string, quotes included).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its bytes.
    pub span: Range<usize>,
}

/// What steers a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steering {
    /// The model; `None` when it is missing, `null` or empty.
    pub model: Option<Spanned<String>>,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// `stream_options.include_usage`, where the client said it.
    pub include_usage: Option<bool>,
    /// The most output tokens that the client allows, by whatever name its API has for it.
    pub max_output_tokens: Option<u64>,
    /// Bytes of text in the body, for estimates: all string values (as they are written) but for
    /// embedded files: `data:` URLs and strings of 1 KiB or more without a single space.
    pub request_text_bytes: u64,
    /// How many tokens that text is, estimated (see `dialect/estimate.rs`).
    pub request_text_tokens: u64,
    endpoint: Endpoint,
    /// Just behind the body's opening brace.
    inside: usize,
    is_empty: bool,
    model_span: Option<Range<usize>>,
    stream_options: Option<StreamOptions>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct StreamOptions {
    span: Range<usize>,
    /// `false` for `null`.
    is_object: bool,
    is_empty: bool,
    include_usage: Option<Range<usize>>,
}

/// Reads the steering fields of a JSON body.
///
/// For Gemini the model stands in the URL and streaming follows from the endpoint: `model` is
/// `None` then. Ollama streams unless told otherwise.
///
/// ```
/// use llm_gateway::{dialect::steer, domain::Endpoint};
/// let steering = steer::read(Endpoint::ChatCompletions, br#"{"model":"gpt-5","stream":true}"#).unwrap();
/// assert_eq!(steering.model.unwrap().value, "gpt-5");
/// assert!(steering.stream);
/// ```
///
/// # Errors
/// When the body is not one JSON object, or is one that two readers could understand differently.
pub fn read(endpoint: Endpoint, body: &[u8]) -> Result<Steering, SteerError> {
    let text = std::str::from_utf8(body)
        .map_err(|error| SteerError::Syntax { what: "invalid UTF-8", offset: error.valid_up_to() })?;
    let mut lexer = Lexer::estimating(text);
    let token = lexer.value()?;
    if token.kind != Kind::Object {
        lexer.skip_rest(&token)?;
        lexer.end()?;
        return Err(SteerError::NotAnObject);
    }
    let mut steering = Steering {
        model: None,
        stream: streams_unless_told(endpoint),
        include_usage: None,
        max_output_tokens: None,
        request_text_bytes: 0,
        request_text_tokens: 0,
        endpoint,
        inside: lexer.at(),
        is_empty: true,
        model_span: None,
        stream_options: None,
    };
    let keys = keys_of(endpoint);
    let fields = each_field(&mut lexer, keys, |lexer, key| steering.field(lexer, key))?;
    steering.is_empty = fields == 0;
    lexer.end()?;
    steering.request_text_bytes = lexer.text_bytes();
    steering.request_text_tokens = lexer.text_tokens();
    Ok(steering)
}

/// The keys that the gateway reads at the top of a body.
const fn keys_of(endpoint: Endpoint) -> &'static [&'static str] {
    match endpoint.api() {
        Api::Gemini => &["generationConfig", "generation_config"],
        Api::Ollama => &["model", "stream", "options"],
        Api::Anthropic => &["model", "stream", "max_tokens"],
        Api::OpenaiResponses => &["model", "stream", "max_output_tokens"],
        Api::OpenaiChat | Api::OpenaiEmbeddings | Api::Openai => {
            &["model", "stream", "stream_options", "max_tokens", "max_completion_tokens"]
        }
    }
}

const fn streams_unless_told(endpoint: Endpoint) -> bool {
    matches!(endpoint, Endpoint::OllamaChat | Endpoint::OllamaGenerate | Endpoint::StreamGenerateContent)
}

/// Walks through an object whose opening brace was just read; `on` gets each key of `keys` and must
/// read its value. Returns the number of all keys.
fn each_field<'a>(
    lexer: &mut Lexer<'a>,
    keys: &[&'static str],
    mut on: impl FnMut(&mut Lexer<'a>, &'static str) -> Result<(), SteerError>,
) -> Result<usize, SteerError> {
    let mut seen: HashSet<Cow<'a, str>> = HashSet::new();
    while let Some((key, offset)) = lexer.key(seen.is_empty())? {
        let known = known_key(keys, &key, offset)?;
        if seen.len() >= MAX_KEYS {
            return Err(SteerError::TooManyKeys);
        }
        if !seen.insert(key.clone()) {
            return Err(SteerError::DuplicateKey { key: shown(&key), offset });
        }
        match known {
            Some(known) => on(lexer, known)?,
            None => lexer.skip_value()?,
        }
    }
    Ok(seen.len())
}

/// Some servers (Go's `encoding/json`, so Ollama and LocalAI) find fields whatever their case, with
/// two letters outside ASCII that fold into it. A key that only they would take for ours is refused.
fn known_key(keys: &[&'static str], key: &str, offset: usize) -> Result<Option<&'static str>, SteerError> {
    if let Some(exact) = keys.iter().find(|known| **known == key) {
        return Ok(Some(exact));
    }
    let alike =
        |known: &str| key.chars().map(fold).eq(known.chars().map(fold)) && key.chars().count() == known.chars().count();
    match keys.iter().find(|known| alike(known)) {
        Some(expected) => Err(SteerError::MisspeltKey { key: key.to_owned(), expected, offset }),
        None => Ok(None),
    }
}

const fn fold(c: char) -> char {
    match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        _ => c.to_ascii_lowercase(),
    }
}

/// A key as a message may show it: a name of a field is one, and anything else could be somebody's data.
pub(crate) fn shown(key: &str) -> String {
    let is_name =
        key.len() <= MAX_SHOWN && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-$.".contains(&byte));
    if is_name { key.to_owned() } else { "*".to_owned() }
}

impl Steering {
    fn field(&mut self, lexer: &mut Lexer<'_>, key: &'static str) -> Result<(), SteerError> {
        match key {
            "model" => self.read_model(lexer),
            "stream" => {
                if let Some(stream) = optional_bool(lexer, key)? {
                    self.stream = stream.value;
                }
                Ok(())
            }
            "stream_options" => self.read_stream_options(lexer),
            "options" => self.read_nested(lexer, &["num_predict"]),
            "generationConfig" | "generation_config" => {
                self.read_nested(lexer, &["maxOutputTokens", "max_output_tokens"])
            }
            // `max_tokens`, `max_completion_tokens`, `max_output_tokens`
            _ => self.read_limit(lexer),
        }
    }

    fn read_model(&mut self, lexer: &mut Lexer<'_>) -> Result<(), SteerError> {
        let token = lexer.value()?;
        self.model_span = Some(token.span.clone());
        match token.kind {
            Kind::Null => Ok(()),
            Kind::String => {
                let value = lexer.unescaped(&token)?.into_owned();
                if !value.is_empty() {
                    self.model = Some(Spanned { value, span: token.span });
                }
                Ok(())
            }
            _ => Err(SteerError::WrongType { key: "model", expected: "a string", offset: token.span.start }),
        }
    }

    fn read_stream_options(&mut self, lexer: &mut Lexer<'_>) -> Result<(), SteerError> {
        let token = lexer.value()?;
        let start = token.span.start;
        let mut options =
            StreamOptions { span: token.span.clone(), is_object: false, is_empty: true, include_usage: None };
        match token.kind {
            Kind::Null => {}
            Kind::Object => {
                options.is_object = true;
                let fields = each_field(lexer, &["include_usage"], |lexer, key| {
                    let token = lexer.value()?;
                    options.include_usage = Some(token.span.clone());
                    self.include_usage = match token.kind {
                        Kind::True => Some(true),
                        Kind::False => Some(false),
                        Kind::Null => None,
                        _ => {
                            return Err(SteerError::WrongType { key, expected: "a boolean", offset: token.span.start });
                        }
                    };
                    Ok(())
                })?;
                options.is_empty = fields == 0;
                options.span = start..lexer.at();
            }
            _ => return Err(SteerError::WrongType { key: "stream_options", expected: "an object", offset: start }),
        }
        self.stream_options = Some(options);
        Ok(())
    }

    fn read_nested(&mut self, lexer: &mut Lexer<'_>, keys: &[&'static str]) -> Result<(), SteerError> {
        let token = lexer.value()?;
        if token.kind != Kind::Object {
            return lexer.skip_rest(&token);
        }
        each_field(lexer, keys, |lexer, _| self.read_limit(lexer))?;
        Ok(())
    }

    /// A limit is only used for estimates: one that is no whole number is the provider's to refuse.
    fn read_limit(&mut self, lexer: &mut Lexer<'_>) -> Result<(), SteerError> {
        let token = lexer.value()?;
        if token.kind == Kind::Number
            && let Some(limit) = lexer.text_of(&token).parse().ok()
        {
            self.max_output_tokens = Some(self.max_output_tokens.map_or(limit, |other: u64| other.max(limit)));
        }
        lexer.skip_rest(&token)
    }

    /// The edit that makes the body name `model`. Not for Gemini, whose model stands in the URL.
    pub fn set_model(&self, model: &str) -> Edit {
        let model = quote::quoted(model);
        match &self.model_span {
            Some(span) => Edit { span: span.clone(), with: model.into_bytes() },
            None => self.insert(format!("\"model\":{model}")),
        }
    }

    /// The edit that asks for the usage of a stream; `None` when it is asked for already, when there
    /// is no stream or when the endpoint has no such option.
    pub fn ask_for_usage(&self) -> Option<Edit> {
        let has_option = matches!(self.endpoint, Endpoint::ChatCompletions | Endpoint::Completions);
        if !has_option || !self.stream || self.include_usage == Some(true) {
            return None;
        }
        Some(match &self.stream_options {
            None => self.insert("\"stream_options\":{\"include_usage\":true}".to_owned()),
            Some(options) if !options.is_object => {
                Edit { span: options.span.clone(), with: b"{\"include_usage\":true}".to_vec() }
            }
            Some(StreamOptions { include_usage: Some(span), .. }) => {
                Edit { span: span.clone(), with: b"true".to_vec() }
            }
            Some(options) => {
                let comma = if options.is_empty { "" } else { "," };
                let inside = options.span.start + 1;
                Edit { span: inside..inside, with: format!("\"include_usage\":true{comma}").into_bytes() }
            }
        })
    }

    /// Inserts a field at the top of the body.
    fn insert(&self, field: String) -> Edit {
        let mut with = field.into_bytes();
        if !self.is_empty {
            with.push(b',');
        }
        Edit { span: self.inside..self.inside, with }
    }
}

fn optional_bool(lexer: &mut Lexer<'_>, key: &'static str) -> Result<Option<Spanned<bool>>, SteerError> {
    let token = lexer.value()?;
    match token.kind {
        Kind::Null => Ok(None),
        Kind::True => Ok(Some(Spanned { value: true, span: token.span })),
        Kind::False => Ok(Some(Spanned { value: false, span: token.span })),
        _ => Err(SteerError::WrongType { key, expected: "a boolean", offset: token.span.start }),
    }
}

#[cfg(test)]
mod tests;
