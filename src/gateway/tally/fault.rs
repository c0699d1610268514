//! What an error told inside an answer means, from the provider's own word and number for it.

use super::StreamError;
use crate::domain::ErrorKind;

/// More words than any provider sends; a hostile one cannot make us keep its whole body.
const MAX_WORDS: usize = 8;

/// The parts of an error that providers send, in any mixture.
#[derive(Clone, Debug, Default)]
pub(super) struct Fault {
    /// Whether there is an error at all.
    pub(super) is_told: bool,
    /// `type`, `status` or a `code` that is a word; the first that means something counts.
    pub(super) words: Vec<String>,
    /// A `code` that is a number.
    pub(super) number: Option<u64>,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn clear(&mut self) {
        self.is_told = false;
        self.words.clear();
        self.number = None;
        self.message.clear();
    }

    /// Keeps a word of the provider's; a code that is a number in quotes is a number.
    pub(super) fn word(&mut self, word: &str) {
        match word.parse() {
            Ok(number) => self.number = Some(number),
            Err(_) if self.words.len() < MAX_WORDS => self.words.push(word.to_owned()),
            Err(_) => {}
        }
    }

    pub(super) fn to_error(&self) -> StreamError {
        let told =
            self.number.and_then(|number| u16::try_from(number).ok()).filter(|status| (400..600).contains(status));
        let known = self.words.iter().find_map(|word| meaning(word));
        let (kind, status) = match (known, told) {
            (Some(meant), told) => (of_status(meant), Some(told.unwrap_or(meant))),
            (None, Some(status)) => (of_status(status), Some(status)),
            // Words that say no more than whose fault it was.
            (None, None) => match self.words.iter().find_map(|word| vague_meaning(word)) {
                Some(meant) => (of_status(meant), Some(meant)),
                None => (ErrorKind::UpstreamError, None),
            },
        };
        StreamError { kind, status, message: self.message.clone(), words: self.words.clone() }
    }
}

const fn of_status(status: u16) -> ErrorKind {
    match status {
        401 | 403 => ErrorKind::UpstreamAuthentication,
        408 | 504 => ErrorKind::UpstreamTimeout,
        429 => ErrorKind::UpstreamRateLimit,
        400..=499 => ErrorKind::UpstreamRejected,
        _ => ErrorKind::UpstreamError,
    }
}

/// The words of OpenAI, Anthropic and `google.rpc.Code`, with the HTTP status that each stands for.
fn meaning(word: &str) -> Option<u16> {
    Some(match word.to_ascii_lowercase().as_str() {
        "rate_limit_error"
        | "rate_limit_exceeded"
        | "rate_limit"
        | "resource_exhausted"
        | "insufficient_quota"
        | "tokens"
        | "requests"
        | "too_many_requests" => 429,
        "authentication_error" | "invalid_api_key" | "unauthenticated" => 401,
        "permission_error" | "permission_denied" => 403,
        "billing_error" => 402,
        "context_length_exceeded" | "content_filter" | "invalid_prompt" => 400,
        "not_found_error" | "not_found" | "model_not_found" => 404,
        "request_too_large" => 413,
        "timeout_error" | "deadline_exceeded" | "timeout" => 504,
        "overloaded_error" => 529,
        "unavailable" | "service_unavailable" | "overloaded" => 503,
        _ => return None,
    })
}

/// Words under which providers tell whatever goes wrong: a number beside them says more.
fn vague_meaning(word: &str) -> Option<u16> {
    Some(match word.to_ascii_lowercase().as_str() {
        "invalid_request_error" | "invalid_argument" | "failed_precondition" | "out_of_range" | "bad_request" => 400,
        "api_error" | "server_error" | "internal_error" | "internal_server_error" | "internal" => 500,
        _ => return None,
    })
}
