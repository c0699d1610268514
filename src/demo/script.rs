//! Scripts: what the next reply shall be instead of, or on top of, the normal answer.
//!
//! A test sets one in code ([`super::Running::script`]) or sends it as JSON in the request header
//! [`SCRIPT_HEADER`], which reaches the provider through the gateway like any unknown header.

use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use serde::Deserialize;

use super::{
    encode::{self, Encoding},
    reply::{Cut, CutBy, Frame, Framing, Head, Part, Reply},
};

/// The request header that may hold a [`Script`] as JSON.
pub const SCRIPT_HEADER: &str = "x-demo-script";

/// Changes to one reply. Everything that is not set stays as the normal answer has it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// The status.
    pub status: Option<u16>,
    /// Headers to set (name, value); a value is sent as it is, control characters included.
    pub headers: Vec<(String, String)>,
    /// Says the last text of the request as the answer, in pieces of this many characters, and in
    /// the free strings of a tool's arguments.
    pub echo_chars: Option<usize>,
    /// The whole body, as one piece with a length unless `chunks` is set.
    pub body: Option<Payload>,
    /// The whole body, as a stream of exactly these chunks.
    pub chunks: Option<Vec<Chunk>>,
    /// Cuts the body, whatever it is, into pieces of this many bytes.
    pub rechunk_bytes: Option<usize>,
    /// Pause before the status line.
    pub latency_ms: Option<u64>,
    /// Pause before the body's first piece.
    pub ttft_ms: Option<u64>,
    /// Pause before every further piece.
    pub gap_ms: Option<u64>,
    /// Compresses the body and says so.
    pub encoding: Option<Encoding>,
    /// What goes wrong.
    pub fault: Option<Fault>,
}

/// Exact bytes.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Payload {
    /// UTF-8 text.
    Text(String),
    /// Any bytes, in base64.
    Base64(String),
    /// Any bytes, from code.
    #[serde(skip)]
    Bytes(Bytes),
}

/// One chunk of a scripted stream.
#[derive(Clone, Debug, Deserialize)]
pub struct Chunk {
    /// Its bytes.
    #[serde(flatten)]
    pub payload: Payload,
    /// Pause before it.
    #[serde(default)]
    pub after_ms: u64,
}

/// The faults of a broken, hostile or overloaded upstream. A connection that is refused cannot be
/// told here: see [`super::Running::stop`].
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// RST instead of an answer.
    ResetBeforeHead,
    /// FIN instead of an answer.
    CloseBeforeHead,
    /// RST inside the status line and headers.
    ResetInHead,
    /// RST after this many bytes of the body, inside a chunk unless it falls between two.
    ResetInBody {
        /// Bytes of the body that still go out.
        after_bytes: usize,
    },
    /// FIN after this many bytes of the body, short of what was announced.
    CloseInBody {
        /// Bytes of the body that still go out.
        after_bytes: usize,
    },
    /// Nothing is ever answered; the connection stays open.
    Silence,
    /// Silence after this many bytes of the body.
    Stall {
        /// Bytes of the body that still go out.
        after_bytes: usize,
    },
    /// Header lines for ever.
    EndlessHead,
    /// The body begins again when it has ended, for ever.
    EndlessBody,
    /// One byte of the body at a time.
    Drip {
        /// Pause before each.
        every_ms: u64,
    },
    /// A well-framed body that holds only the first half of the answer's bytes.
    TruncatedJson,
    /// A well-framed event stream of nonsense.
    GarbageSse,
    /// Bytes that are no UTF-8 in the middle of the body.
    InvalidUtf8,
    /// An error body of the OpenAI shape under status 200.
    ErrorUnder200,
    /// Not HTTP at all.
    NotHttp,
    /// 429, or another status, with an error body of the API's shape.
    Refused {
        /// The status.
        status: u16,
        /// `retry-after` in seconds; the header is left out otherwise.
        retry_after_secs: Option<u64>,
    },
    /// A redirect with an empty body.
    Redirect {
        /// 301, 302, 307, 308, …
        status: u16,
        /// `location`.
        to: String,
    },
    /// A raw head: everything before the body, blank line included; the body follows unframed and
    /// the connection is closed. CR, LF and NUL go out as they are.
    RawHead {
        /// The bytes.
        head: Payload,
    },
}

impl Payload {
    /// The bytes it stands for; what is no base64 becomes nothing.
    pub fn bytes(&self) -> Bytes {
        match self {
            Self::Text(text) => Bytes::copy_from_slice(text.as_bytes()),
            Self::Base64(text) => {
                base64::engine::general_purpose::STANDARD.decode(text).map(Bytes::from).unwrap_or_default()
            }
            Self::Bytes(bytes) => bytes.clone(),
        }
    }
}

impl Script {
    /// A reply of one piece with this status and body.
    pub fn answer(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status: Some(status), body: Some(Payload::Bytes(body.into())), ..Self::default() }
    }

    /// A streamed reply of exactly these chunks.
    pub fn stream<B: Into<Bytes>>(chunks: impl IntoIterator<Item = B>) -> Self {
        let chunks = chunks.into_iter().map(|chunk| Chunk { payload: Payload::Bytes(chunk.into()), after_ms: 0 });
        Self { chunks: Some(chunks.collect()), ..Self::default() }
            .with_header("content-type", "text/event-stream; charset=utf-8")
    }

    /// The normal answer with a fault.
    pub fn fault(fault: Fault) -> Self {
        Self { fault: Some(fault), ..Self::default() }
    }

    /// The same with a header set.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with its body compressed.
    #[must_use]
    pub const fn encoded(mut self, encoding: Encoding) -> Self {
        self.encoding = Some(encoding);
        self
    }

    /// The reply that this script makes of the normal one; `refusal` gives the error body of the
    /// API in question for a status.
    pub(super) fn apply(&self, mut reply: Reply, refusal: impl FnOnce(u16) -> Reply) -> Reply {
        if let Some(Fault::Refused { status, retry_after_secs }) = &self.fault {
            reply = refusal(*status);
            reply.headers.retain(|(name, _)| name != "retry-after");
            if let Some(secs) = retry_after_secs {
                reply.set_header("retry-after", secs.to_string());
            }
        }
        if let Some(body) = &self.body {
            reply.framing = Framing::Length;
            reply.tokens = None;
            reply.set_body(body.bytes());
        }
        if let Some(chunks) = &self.chunks {
            reply.framing = Framing::Chunked;
            reply.tokens = None;
            reply.frames = chunks
                .iter()
                .map(|chunk| Frame { after: Duration::from_millis(chunk.after_ms), bytes: chunk.payload.bytes() })
                .collect();
        }
        self.spoil_body(&mut reply);
        if let Some(encoding) = self.encoding {
            reply.frames = encode::frames(encoding, &reply.frames);
            reply.set_header("content-encoding", encoding.as_str());
        }
        if let Some(size) = self.rechunk_bytes {
            rechunk(&mut reply, size);
        }
        reply.status = self.status.unwrap_or(reply.status);
        for (name, value) in &self.headers {
            reply.set_header(name, value.as_bytes());
        }
        self.set_pace(&mut reply);
        self.break_off(&mut reply);
        reply
    }

    fn spoil_body(&self, reply: &mut Reply) {
        match &self.fault {
            Some(Fault::TruncatedJson) => {
                let mut left = reply.frames.iter().map(|frame| frame.bytes.len()).sum::<usize>() / 2;
                reply.frames.retain_mut(|frame| {
                    frame.bytes.truncate(left);
                    left -= frame.bytes.len();
                    !frame.bytes.is_empty()
                });
            }
            Some(Fault::GarbageSse) => {
                reply.framing = Framing::Chunked;
                reply.set_header("content-type", "text/event-stream");
                reply.set_body(
                    &b"data: {\"choices\":[{]}\n\nevent\ndata\n: \xff\xfe\nid\x00: 7\ndata: nonsense\r\rdata: [1,2\n\n"
                        [..],
                );
            }
            Some(Fault::InvalidUtf8) => {
                let at = reply.frames.len() / 2;
                if let Some(frame) = reply.frames.get_mut(at) {
                    let (before, after) = frame.bytes.split_at(frame.bytes.len() / 2);
                    frame.bytes = [before, b"\xff\xc3\x28\xed\xa0\x80", after].concat().into();
                }
            }
            Some(Fault::ErrorUnder200) => {
                let error = r#"{"error":{"message":"The server had an error while processing your request.","type":"server_error","param":null,"code":null}}"#;
                *reply = Reply::json(200, error);
            }
            Some(Fault::Redirect { status, to }) => {
                *reply = Reply::whole(*status, "text/html", Bytes::new()).with_header("location", to.as_bytes());
            }
            _ => {}
        }
    }

    fn set_pace(&self, reply: &mut Reply) {
        if let Some(latency_ms) = self.latency_ms {
            reply.wait = Duration::from_millis(latency_ms);
        }
        if let Some(Fault::Drip { every_ms }) = self.fault {
            rechunk(reply, 1);
            reply.frames.iter_mut().for_each(|frame| frame.after = Duration::from_millis(every_ms));
        }
        if let Some(gap_ms) = self.gap_ms {
            reply.frames.iter_mut().for_each(|frame| frame.after = Duration::from_millis(gap_ms));
        }
        if let (Some(ttft_ms), Some(first)) = (self.ttft_ms, reply.frames.first_mut()) {
            first.after = Duration::from_millis(ttft_ms);
        }
    }

    fn break_off(&self, reply: &mut Reply) {
        let cut = |part, after_bytes, by| Some(Cut { part, after_bytes, by });
        match &self.fault {
            Some(Fault::ResetBeforeHead) => reply.cut = cut(Part::Head, 0, CutBy::Reset),
            Some(Fault::CloseBeforeHead) => reply.cut = cut(Part::Head, 0, CutBy::Close),
            Some(Fault::ResetInHead) => reply.cut = cut(Part::Head, 30, CutBy::Reset),
            Some(Fault::Silence) => reply.cut = cut(Part::Head, 0, CutBy::Silence),
            Some(Fault::ResetInBody { after_bytes }) => reply.cut = cut(Part::Body, *after_bytes, CutBy::Reset),
            Some(Fault::CloseInBody { after_bytes }) => reply.cut = cut(Part::Body, *after_bytes, CutBy::Close),
            Some(Fault::Stall { after_bytes }) => reply.cut = cut(Part::Body, *after_bytes, CutBy::Silence),
            Some(Fault::EndlessHead) => reply.head = Head::Endless,
            Some(Fault::EndlessBody) => {
                reply.framing = Framing::Chunked;
                reply.endless = true;
            }
            Some(Fault::NotHttp) => {
                reply.head = Head::Raw(Bytes::from_static(b"SSH-2.0-OpenSSH_9.6\r\n"));
                reply.frames.clear();
                reply.cut = cut(Part::Body, 0, CutBy::Close);
            }
            Some(Fault::RawHead { head }) => {
                reply.head = Head::Raw(head.bytes());
                reply.cut = cut(Part::Body, usize::MAX, CutBy::Close);
            }
            _ => {}
        }
    }
}

/// Cuts the body into pieces of `size` bytes; the first piece of each old one keeps its pause.
fn rechunk(reply: &mut Reply, size: usize) {
    let size = size.max(1);
    reply.framing = Framing::Chunked;
    reply.frames = reply
        .frames
        .iter()
        .flat_map(|frame| {
            (0..frame.bytes.len()).step_by(size).map(|start| Frame {
                after: if start == 0 { frame.after } else { Duration::ZERO },
                bytes: frame.bytes.slice(start..frame.bytes.len().min(start + size)),
            })
        })
        .collect();
}
