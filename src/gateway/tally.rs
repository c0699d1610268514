//! The one meter: what a provider's answer says about itself, read while it passes by.
//!
//! It never holds an answer, never changes a byte and never guesses: what a provider did not say is
//! unknown. Broken answers make it know less, not fail. Facts are the same for every split.

mod classes;
mod cost;
mod counts;
mod fault;
mod fields;
mod sums;

use crate::{
    dialect::{
        sse::{Piece, Splitter},
        watch::{Scanner, Seen},
    },
    domain::{Api, Endpoint, ErrorKind, Microcents, Usage},
};
use fields::Field;
use sums::{Draft, Sums};

/// How the answers of a body follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    Sse,
    /// One JSON document.
    Json,
    /// A JSON array whose elements come one by one (Gemini streaming without `alt=sse`).
    JsonArray,
    /// One JSON document a line (Ollama).
    NdJson,
    /// Nothing that could be read: audio, plain text, files.
    Opaque,
}

impl Framing {
    /// The framing of an answer with this `content-type` to a call of this endpoint. An answer
    /// without a type is read as JSON.
    pub fn of(content_type: Option<&str>, endpoint: Endpoint) -> Self {
        let essence = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
        match essence.trim().to_ascii_lowercase().as_str() {
            "text/event-stream" => Self::Sse,
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Self::NdJson,
            kind if kind.is_empty() || kind.ends_with("/json") || kind.ends_with("+json") => match endpoint {
                Endpoint::StreamGenerateContent => Self::JsonArray,
                Endpoint::OllamaChat | Endpoint::OllamaGenerate => Self::NdJson,
                _ => Self::Json,
            },
            _ => Self::Opaque,
        }
    }
}

/// An error that the provider told inside an answer: midway in a stream, or under status 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamError {
    /// Our word for it.
    pub kind: ErrorKind,
    /// The HTTP status that it stands for, where the provider's word has one.
    pub status: Option<u16>,
    /// The provider's own text; may be empty. At most 4 KiB.
    pub message: String,
    /// The provider's own words for it: `rate_limit_error`, `context_length_exceeded`, …
    pub words: Vec<String>,
}

/// What an answer has said so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Token classes; a class that was never reported is unknown.
    pub usage: Usage,
    /// The model as the provider names it.
    pub model: Option<String>,
    /// The provider's own word for why the answer ended.
    pub finish_reason: Option<String>,
    /// The provider's id of the answer.
    pub response_id: Option<String>,
    /// Whether anything that a user would call content has come (text, reasoning, tool calls, media).
    pub content_started: bool,
    /// Whether the API's own sign of the end has come: of a stream its last event (or, where there
    /// is none, a finish reason and the usage), of a document its closing brace. Always true for [`Framing::Opaque`].
    pub ended: bool,
    /// An error told inside the answer.
    pub error: Option<StreamError>,
    /// What the provider itself says that the call cost.
    pub provider_cost: Option<Microcents>,
    /// The number of the last event, where the API numbers them.
    pub sequence_number: Option<u64>,
    /// `flex`, `priority`, `batch`, … as the provider reports it.
    pub service_tier: Option<String>,
    /// Bytes of text seen: content, reasoning and tool arguments, unescaped.
    pub output_text_bytes: u64,
}

/// Bytes of an answer's text that make a token, for estimates.
const BYTES_PER_TOKEN: u64 = 4;

impl Facts {
    /// Fills in what an answer that was cut off did not get to say, and marks the usage as
    /// estimated: unknown input is what the request's text was estimated at, unknown or unfinished output
    /// from the text that was seen. Figures that are known and final stay.
    pub fn estimate_missing(&mut self, request_text_tokens: u64) {
        let usage = &mut self.usage;
        if usage.input_tokens().is_none() {
            usage.input = Some(request_text_tokens);
            usage.estimated = true;
        }
        let known = usage.output_tokens();
        if known.is_none() || !self.ended {
            let seen = self.output_text_bytes.div_ceil(BYTES_PER_TOKEN);
            let missing = seen.saturating_sub(known.unwrap_or(0));
            usage.output = Some(usage.output.unwrap_or(0).saturating_add(missing));
            usage.estimated = true;
        }
    }
}

/// The meter of one answer.
#[derive(Debug)]
pub struct Tally {
    framing: Framing,
    splitter: Splitter,
    scanner: Scanner<Field>,
    event: EventHead,
    draft: Draft,
    sums: Sums,
    has_begun: bool,
}

impl Tally {
    /// A meter for an answer of `provider_api` to a call of `endpoint`.
    pub fn new(provider_api: Api, endpoint: Endpoint, framing: Framing) -> Self {
        let shape = fields::Shape::of(provider_api);
        Self {
            framing,
            splitter: Splitter::default(),
            scanner: Scanner::new(fields::table(shape)),
            event: EventHead::default(),
            draft: Draft::default(),
            sums: Sums::new(shape, endpoint, framing),
            has_begun: false,
        }
    }

    /// Reads the next bytes of the body, content encoding already removed.
    pub fn feed(&mut self, decoded: &[u8]) {
        if !self.has_begun
            && let Some(first) = decoded.iter().find(|byte| !byte.is_ascii_whitespace())
        {
            self.begin(*first);
        }
        match self.framing {
            Framing::Sse => self.feed_sse(decoded),
            Framing::Json | Framing::JsonArray => self.feed_documents(decoded),
            Framing::NdJson => {
                for line in decoded.split_inclusive(|byte| *byte == b'\n') {
                    self.feed_documents(line);
                    if line.ends_with(b"\n") {
                        // No string spans lines: whatever a broken line left open ends here.
                        self.scanner.reset();
                        self.sums.fold(&self.draft);
                        self.draft.clear();
                    }
                }
            }
            Framing::Opaque => {}
        }
    }

    /// Looks at the first byte that is no white space.
    fn begin(&mut self, first: u8) {
        self.has_begun = true;
        match self.framing {
            // Some servers announce a stream and send a plain JSON error.
            Framing::Sse if first == b'{' => {
                self.framing = Framing::Json;
                self.sums.framing = Framing::Json;
            }
            // A page that somebody put in the provider's place may hold braces too. (0xef begins a byte order mark.)
            Framing::Json | Framing::JsonArray | Framing::NdJson => {
                self.sums.is_foreign = !matches!(first, b'{' | b'[' | 0xef);
            }
            Framing::Sse | Framing::Opaque => {}
        }
    }

    /// What is known so far. Cheap, but not free: meant for the end, and for looking now and then.
    pub fn facts(&self) -> Facts {
        let mut sums = self.sums.clone();
        if self.event.is_done_mark() {
            sums.is_done = true;
        }
        sums.fold(&self.draft);
        sums.into_facts()
    }

    /// Whether content has come, without building all facts.
    pub const fn content_started(&self) -> bool {
        self.sums.content_started || self.draft.has_content
    }

    /// Whether the end of a document has come, without building all facts.
    pub const fn has_ended(&self) -> bool {
        self.sums.has_ended()
    }

    fn feed_documents(&mut self, bytes: &[u8]) {
        let Self { scanner, draft, sums, .. } = self;
        scanner.feed(bytes, &mut |seen| match seen {
            Seen::Field(field, value) => draft.see(field, value),
            Seen::DocumentEnd => {
                sums.documents += 1;
                sums.fold(draft);
                draft.clear();
            }
        });
    }

    fn feed_sse(&mut self, bytes: &[u8]) {
        let Self { splitter, scanner, event, draft, sums, .. } = self;
        splitter.feed(bytes, &mut |piece| match piece {
            Piece::Data(data) => {
                event.data(data);
                scanner.feed(data, &mut |seen| {
                    if let Seen::Field(field, value) = seen {
                        draft.see(field, value);
                    }
                });
            }
            Piece::NewName => event.name_len = 0,
            Piece::Name(name) => event.name(name),
            Piece::End { is_event } => {
                if is_event {
                    sums.is_done |= event.is_done_mark();
                    draft.is_error_event = event.is_error();
                    sums.fold(draft);
                }
                draft.clear();
                scanner.reset();
                *event = EventHead::default();
            }
        });
    }
}

impl std::io::Write for Tally {
    fn write(&mut self, decoded: &[u8]) -> std::io::Result<usize> {
        self.feed(decoded);
        Ok(decoded.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The beginnings of an event's name and data: enough to know `event: error` and `[DONE]`.
#[derive(Clone, Debug, Default)]
struct EventHead {
    name: [u8; 8],
    name_len: usize,
    data: [u8; 8],
    data_len: usize,
}

impl EventHead {
    fn name(&mut self, part: &[u8]) {
        append(&mut self.name, &mut self.name_len, part);
    }

    fn data(&mut self, part: &[u8]) {
        append(&mut self.data, &mut self.data_len, part);
    }

    fn is_error(&self) -> bool {
        self.name.get(..self.name_len) == Some(b"error")
    }

    fn is_done_mark(&self) -> bool {
        self.data.get(..self.data_len).is_some_and(|data| data.trim_ascii_end() == b"[DONE]")
    }
}

/// Keeps the first bytes and the whole length.
fn append(head: &mut [u8; 8], len: &mut usize, part: &[u8]) {
    for (slot, byte) in head.iter_mut().skip(*len).zip(part) {
        *slot = *byte;
    }
    *len = len.saturating_add(part.len());
}

#[cfg(test)]
mod tests;
