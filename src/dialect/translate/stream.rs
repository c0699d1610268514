//! A provider's stream into a client's: bytes in, bytes out, at once.
//!
//! Between the two stand neutral events. It holds one unfinished event of the provider's and, where a client gets the
//! thoughts before a call in the call's id, those; nothing else grows.

use super::{
    Envelope, Ids,
    answer::Event,
    anthropic,
    blocks::{Lines, MAX_EVENT_BYTES, broken},
    gemini, ollama, openai_chat, openai_responses,
};
use crate::{dialect::sse, domain::Api};

/// Translates one stream.
#[derive(Debug)]
pub struct Stream {
    framing: Framing,
    reader: Reader,
    writer: Writer,
    events: Vec<Event>,
    is_over: bool,
}

#[derive(Debug)]
enum Framing {
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
        let ids = Ids::new(&envelope.nonce);
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
            _ => Framing::Sse(sse::Reader::with_limit(MAX_EVENT_BYTES)),
        };
        Self { framing, reader, writer, events: Vec::new(), is_over: false }
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
        let Self { framing, reader, events, .. } = self;
        let mut on = |data: &[u8]| {
            if !data.trim_ascii().is_empty() {
                reader.event(&String::from_utf8_lossy(data), events);
            }
        };
        let is_oversize = match framing {
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
        if let Framing::Lines(lines) = &mut self.framing {
            let rest = lines.rest();
            if !rest.trim_ascii().is_empty() {
                self.reader.event(&String::from_utf8_lossy(&rest), &mut self.events);
            }
        }
        self.reader.end(&mut self.events);
    }

    fn write(&mut self, out: &mut Vec<u8>) {
        for event in self.events.drain(..) {
            // Behind its end a stream has nothing to say.
            if self.is_over {
                continue;
            }
            self.is_over = matches!(event, Event::Fault(_) | Event::End);
            self.writer.event(event, out);
        }
    }
}
