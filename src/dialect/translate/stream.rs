//! A provider's stream into a client's: bytes in, bytes out, at once.
//!
//! Between the two stand neutral events. A provider that sends one document where a stream was asked for, an error or
//! the whole answer, is read all the same. It holds one unfinished event of the provider's, or that document, and, where a client gets the
//! thoughts before a call in the call's id, those; nothing else grows.

use super::{
    Envelope, Ids,
    answer::Event,
    anthropic,
    blocks::{Lines, MAX_EVENT_BYTES, broken},
    fault, gemini, json, ollama, openai_chat, openai_responses, read_reply,
};
use crate::{dialect::sse, domain::Api};

/// Translates one stream.
#[derive(Debug)]
pub struct Stream {
    provider: Api,
    nonce: String,
    framing: Framing,
    reader: Reader,
    writer: Writer,
    events: Vec<Event>,
    is_over: bool,
    has_failed: bool,
}

#[derive(Debug)]
enum Framing {
    /// Nothing has come that tells events from a document.
    Open,
    Document(Vec<u8>),
    Sse(sse::Reader),
    Lines(Lines),
}

#[derive(Debug)]
enum Reader {
    Chat(openai_chat::Reader),
    Responses(openai_responses::Reader),
    Anthropic(anthropic::Reader),
    Gemini(gemini::Reader),
    Ollama(ollama::Reader),
}

#[derive(Debug)]
enum Writer {
    Chat(openai_chat::Writer),
    Responses(Box<openai_responses::Writer>),
    Anthropic(anthropic::Writer),
    Gemini(gemini::Writer),
    Ollama(ollama::Writer),
}

impl Reader {
    fn event(&mut self, data: &str, out: &mut Vec<Event>) {
        match self {
            Self::Chat(reader) => reader.event(data, out),
            Self::Responses(reader) => reader.event(data, out),
            Self::Anthropic(reader) => reader.event(data, out),
            Self::Gemini(reader) => reader.event(data, out),
            Self::Ollama(reader) => reader.event(data, out),
        }
    }

    fn end(&mut self, out: &mut Vec<Event>) {
        match self {
            Self::Chat(reader) => reader.end(out),
            Self::Responses(reader) => reader.end(out),
            Self::Anthropic(reader) => reader.end(out),
            Self::Gemini(reader) => reader.end(out),
            Self::Ollama(reader) => reader.end(out),
        }
    }
}

impl Writer {
    fn event(&mut self, event: Event, out: &mut Vec<u8>) {
        match self {
            Self::Chat(writer) => writer.event(event, out),
            Self::Responses(writer) => writer.event(event, out),
            Self::Anthropic(writer) => writer.event(event, out),
            Self::Gemini(writer) => writer.event(event, out),
            Self::Ollama(writer) => writer.event(event, out),
        }
    }
}

impl Stream {
    /// Translates the stream of a provider that speaks `provider` for a client that speaks `client`.
    pub fn new(provider: Api, client: Api, envelope: Envelope) -> Self {
        let nonce = envelope.nonce.clone();
        let ids = Ids::new(&nonce);
        let reader = match provider {
            Api::OpenaiResponses => Reader::Responses(openai_responses::Reader::new(ids)),
            Api::Anthropic => Reader::Anthropic(anthropic::Reader::new(ids)),
            Api::Gemini => Reader::Gemini(gemini::Reader::new(ids)),
            Api::Ollama => Reader::Ollama(ollama::Reader::new(ids)),
            Api::OpenaiChat | Api::OpenaiEmbeddings | Api::Openai => Reader::Chat(openai_chat::Reader::new(ids)),
        };
        let writer = match client {
            Api::OpenaiResponses => Writer::Responses(Box::new(openai_responses::Writer::new(envelope))),
            Api::Anthropic => Writer::Anthropic(anthropic::Writer::new(envelope)),
            Api::Gemini => Writer::Gemini(gemini::Writer::new(envelope)),
            Api::Ollama => Writer::Ollama(ollama::Writer::new(envelope)),
            Api::OpenaiChat | Api::OpenaiEmbeddings | Api::Openai => Writer::Chat(openai_chat::Writer::new(envelope)),
        };
        let framing = match provider {
            Api::Ollama => Framing::Lines(Lines::default()),
            _ => Framing::Open,
        };
        Self { provider, nonce, framing, reader, writer, events: Vec::new(), is_over: false, has_failed: false }
    }

    /// Reads on; what the client gets is appended to `out`.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.read(bytes);
        self.write(out);
    }

    /// Reads on, without writing: [`Self::take_events`] gives what was read.
    pub fn read(&mut self, bytes: &[u8]) {
        if self.is_over {
            return;
        }
        if matches!(self.framing, Framing::Open) {
            let Some(first) = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) else { return };
            self.framing = match first {
                b'{' | b'[' => Framing::Document(Vec::new()),
                _ => Framing::Sse(sse::Reader::with_limit(MAX_EVENT_BYTES)),
            };
        }
        let Self { framing, reader, events, .. } = self;
        let mut on = |data: &[u8]| {
            if !data.trim_ascii().is_empty() {
                reader.event(&String::from_utf8_lossy(data), events);
            }
        };
        let is_oversize = match framing {
            Framing::Open => false,
            Framing::Document(document) => {
                let fits = document.len() + bytes.len() <= MAX_EVENT_BYTES;
                if fits {
                    document.extend_from_slice(bytes);
                }
                !fits
            }
            Framing::Sse(sse) => {
                sse.feed(bytes, |event| on(event.data));
                sse.skipped() > 0
            }
            Framing::Lines(lines) => {
                lines.feed(bytes, on);
                lines.is_oversize
            }
        };
        if is_oversize {
            events.push(broken("the provider sent an event that is too large"));
        }
    }

    /// What was read and not yet written.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Writes events that were taken, or others in their place.
    pub fn write_events(&mut self, events: Vec<Event>, out: &mut Vec<u8>) {
        self.events = events;
        self.write(out);
    }

    /// The provider's body is over; a stream that did not come to its end gets an error event.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.read_end();
        self.write(out);
    }

    /// The provider's body is over, without writing.
    pub fn read_end(&mut self) {
        if self.is_over {
            return;
        }
        match &mut self.framing {
            Framing::Lines(lines) => {
                let rest = lines.rest();
                if !rest.trim_ascii().is_empty() {
                    self.reader.event(&String::from_utf8_lossy(&rest), &mut self.events);
                }
            }
            Framing::Document(document) => {
                let document = std::mem::take(document);
                return self.read_document(&String::from_utf8_lossy(&document));
            }
            Framing::Open | Framing::Sse(_) => {}
        }
        self.reader.end(&mut self.events);
    }

    /// One document in place of a stream: an error, Gemini's list of what would have been events, or the whole answer.
    fn read_document(&mut self, text: &str) {
        let Self { provider, nonce, reader, events, .. } = self;
        if let Some(fault) = fault::of_document(text) {
            return events.push(Event::Fault(fault));
        }
        if text.trim_start().starts_with('[') {
            let walked = json::each(text, "body", |_, element| {
                reader.event(element, events);
                Ok(())
            });
            if walked.is_ok() {
                return reader.end(events);
            }
        }
        match read_reply(*provider, text, nonce) {
            Ok(reply) => events.extend(reply.into_events()),
            Err(_) => events.push(broken("the provider sent an answer that cannot be read")),
        }
    }

    /// The number of the next event where the client's API numbers them.
    pub fn next_sequence_number(&self) -> u64 {
        match &self.writer {
            Writer::Responses(writer) => writer.next_sequence_number(),
            _ => 0,
        }
    }

    /// Whether it ended with an error, told by the provider or found in what it sent.
    pub const fn has_failed(&self) -> bool {
        self.has_failed
    }

    fn write(&mut self, out: &mut Vec<u8>) {
        for event in self.events.drain(..) {
            // Behind its end a stream has nothing to say.
            if self.is_over {
                continue;
            }
            self.has_failed = matches!(event, Event::Fault(_));
            self.is_over = self.has_failed || matches!(event, Event::End);
            self.writer.event(event, out);
        }
    }
}
