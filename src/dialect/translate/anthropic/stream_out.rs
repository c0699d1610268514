//! Writing a stream by Anthropic's grammar: `message_start`, blocks in order and numbered, `message_delta` with why it
//! ended and what it used, `message_stop`.

use super::{
    super::{
        Envelope,
        answer::{Block, Delta, Event, Finish, FinishReason},
        conversation::Maker,
        fault,
        json::Json,
        notes::ANSWER_MEDIA_COMMENT,
        seal,
    },
    blocks, finish_word, write_usage,
};
use crate::domain::{Api, Usage};

/// Writes one event after the other.
#[derive(Debug)]
pub(crate) struct Writer {
    envelope: Envelope,
    has_started: bool,
    /// The open block, and how many there were before it.
    open: Option<Block>,
    index: u64,
    finish: Option<Finish>,
    usage: Usage,
}

impl Writer {
    pub(crate) fn new(envelope: Envelope) -> Self {
        Self { envelope, has_started: false, open: None, index: 0, finish: None, usage: Usage::default() }
    }

    pub(crate) fn event(&mut self, event: Event, out: &mut Vec<u8>) {
        match event {
            Event::Start { id, model } => self.start(id.as_deref(), model.as_deref(), out),
            Event::Open(0, block) => {
                self.start(None, None, out);
                self.open = match block {
                    Block::Media(_) => {
                        out.extend_from_slice(ANSWER_MEDIA_COMMENT);
                        None
                    }
                    block => {
                        self.open_block(&block, out);
                        Some(block)
                    }
                };
            }
            Event::Delta(0, delta) => self.delta(delta, out),
            Event::Close(0) => {
                if self.open.take().is_some() {
                    let index = self.index;
                    self.index += 1;
                    write(out, "content_block_stop", |json| json.put_number("index", index));
                }
            }
            Event::Finish(0, finish) => self.finish = Some(finish),
            Event::Usage(usage) => self.usage = usage,
            Event::End => self.end(out),
            Event::Fault(fault) => out.extend(fault::write_event(Api::Anthropic, &fault, 0, &self.envelope.nonce)),
            // The API gives one answer, and asked for one.
            Event::Open(..) | Event::Delta(..) | Event::Close(_) | Event::Finish(..) => {}
        }
    }

    fn start(&mut self, id: Option<&str>, model: Option<&str>, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.has_started, true) {
            return;
        }
        let envelope = &self.envelope;
        write(out, "message_start", |json| {
            json.put_object("message", |json| {
                json.put("id", &envelope.id(id, "msg_"));
                json.put("type", "message");
                json.put("role", "assistant");
                json.put("model", envelope.model(model));
                json.put_array("content", |_| {});
                json.put_null("stop_reason");
                json.put_null("stop_sequence");
                write_usage(json.key("usage"), &Usage::default());
            });
        });
    }

    fn open_block(&self, block: &Block, out: &mut Vec<u8>) {
        let index = self.index;
        write(out, "content_block_start", |json| {
            json.put_number("index", index);
            json.put_object("content_block", |json| match block {
                Block::Text | Block::Refusal => {
                    json.put("type", "text");
                    json.put("text", "");
                }
                Block::Reasoning => {
                    json.put("type", "thinking");
                    json.put("thinking", "");
                    json.put("signature", "");
                }
                Block::ToolCall { id, name } => {
                    json.put("type", "tool_use");
                    json.put("id", &blocks::call_id(id));
                    json.put("name", name);
                    json.put_object("input", |_| {});
                }
                Block::Media(_) => {}
            });
        });
    }

    fn delta(&self, delta: Delta, out: &mut Vec<u8>) {
        let Some(block) = &self.open else { return };
        let (kind, key, text) = match (&delta, block) {
            (Delta::Text(text), Block::Text | Block::Refusal) => ("text_delta", "text", text.clone()),
            (Delta::Text(text), Block::Reasoning) => ("thinking_delta", "thinking", text.clone()),
            (Delta::Text(text), Block::ToolCall { .. }) => ("input_json_delta", "partial_json", text.clone()),
            (Delta::Seal(seal), _) => ("signature_delta", "signature", seal::to_field(seal, Maker::Anthropic)),
            (Delta::Citation(_), _) => ("citations_delta", "", String::new()),
            (Delta::Logprobs(_), _) | (Delta::Text(_), Block::Media(_)) => return,
        };
        write(out, "content_block_delta", |json| {
            json.put_number("index", self.index);
            json.put_object("delta", |json| {
                json.put("type", kind);
                match &delta {
                    Delta::Citation(citation) => blocks::write_citation(json.key("citation"), citation),
                    _ => json.put(key, &text),
                }
            });
        });
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.start(None, None, out);
        let finish = self.finish.take().unwrap_or_else(|| FinishReason::Stop.into());
        write(out, "message_delta", |json| {
            json.put_object("delta", |json| {
                json.put("stop_reason", finish_word(finish.reason));
                match &finish.stop_sequence {
                    Some(stop) => json.put("stop_sequence", stop),
                    None => json.put_null("stop_sequence"),
                }
            });
            write_usage(json.key("usage"), &self.usage);
        });
        write(out, "message_stop", |_| {});
    }
}

/// One event, whose name stands in its data too.
fn write(out: &mut Vec<u8>, name: &str, fill: impl FnOnce(&mut Json)) {
    let body = Json::of(|json| {
        json.put("type", name);
        fill(json);
    });
    out.extend(fault::sse(Some(name), &body));
}
