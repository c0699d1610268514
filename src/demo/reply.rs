//! A reply before it is sent: what goes on the wire, when, and how it breaks off.

use std::time::Duration;

use bytes::Bytes;

/// One piece of a body, written to the socket in one go.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// Pause before it is written.
    pub(super) after: Duration,
    /// Exactly what the client gets, before any transfer coding.
    pub(super) bytes: Bytes,
}

/// How the body's end is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// `content-length`, as for JSON answers.
    Length,
    /// `transfer-encoding: chunked`, one chunk a frame, as for streams.
    Chunked,
}

/// Where and how a reply is broken off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    /// Bytes of this part that still go out.
    pub(super) after_bytes: usize,
    /// The part that is counted and cut.
    pub(super) part: Part,
    /// How the connection ends.
    pub(super) by: CutBy,
}

/// A part of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Status line and headers.
    Head,
    /// The body, without the chunked coding's own bytes.
    Body,
}

/// How a connection ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CutBy {
    /// RST, as from a crashed peer.
    Reset,
    /// FIN, as from a peer that thinks it is done.
    Close,
    /// Nothing more is sent and the connection stays open.
    Silence,
}

/// What stands in the place of status line and headers.
#[derive(Clone, Debug)]
pub(super) enum Head {
    /// A well-formed head made of status and headers.
    Formed,
    /// These bytes, whatever they are; the body follows as it is.
    Raw(Bytes),
    /// Header lines for ever.
    Endless,
}

/// Tokens that an answer reports, in totals with parts, as the OpenAI family counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// All input tokens.
    pub input: u64,
    /// The part of `input` that was read from the provider's prompt cache.
    pub cache_read: u64,
    /// The part of `input` that was written to the provider's prompt cache.
    pub cache_write: u64,
    /// All output tokens.
    pub output: u64,
    /// The part of `output` that is reasoning.
    pub reasoning: u64,
}

/// A whole reply.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    /// Pause before the head.
    pub(super) wait: Duration,
    pub(super) head: Head,
    pub(super) frames: Vec<Frame>,
    /// Whether the frames begin again when they have been sent.
    pub(super) endless: bool,
    pub(super) framing: Framing,
    pub(super) cut: Option<Cut>,
    pub(super) tokens: Option<Tokens>,
}

impl Reply {
    /// A JSON answer of one piece.
    pub(super) fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self::whole(status, "application/json", body)
    }

    /// An answer of one piece.
    pub(super) fn whole(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.as_bytes().to_vec())],
            wait: Duration::ZERO,
            head: Head::Formed,
            frames: vec![Frame { after: Duration::ZERO, bytes: body.into() }],
            endless: false,
            framing: Framing::Length,
            cut: None,
            tokens: None,
        }
    }

    /// A streamed answer, without pauses yet.
    pub(super) fn stream(content_type: &str, frames: Vec<String>) -> Self {
        Self {
            frames: frames.into_iter().map(|text| Frame { after: Duration::ZERO, bytes: Bytes::from(text) }).collect(),
            framing: Framing::Chunked,
            ..Self::whole(200, content_type, Bytes::new())
        }
    }

    /// The same with a header more.
    pub(super) fn with_header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The same with the tokens that its body reports.
    pub(super) const fn reporting(mut self, tokens: Tokens) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// Replaces or adds a header.
    pub(super) fn set_header(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.into()));
    }

    /// Replaces the body by one piece.
    pub(super) fn set_body(&mut self, body: impl Into<Bytes>) {
        self.frames = vec![Frame { after: Duration::ZERO, bytes: body.into() }];
    }

    /// The standard reason phrase of the status.
    pub(super) fn reason(&self) -> &'static str {
        if self.status == 529 {
            return "Overloaded";
        }
        http::StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Unknown")
    }
}
