//! Streams, read and written: each event is a whole small answer. Calls come whole.

use std::collections::BTreeMap;

use super::{
    super::{
        Envelope, Ids,
        answer::{Block, Delta, Event, Finish, FinishReason},
        blocks::{Blocks, Kind, MAX_EVENT_BYTES, broken},
        conversation::{Content, Part, Thought},
        fault,
        json::{Json, Object, Read},
        notes::Dropped,
    },
    finish_reason, finish_word, parts, read_usage, write_usage,
};
use crate::domain::{ApiFamily, Usage};

/// Reads the data of one event after the other.
#[derive(Debug)]
pub(crate) struct Reader {
    ids: Ids,
    blocks: Blocks,
    has_started: bool,
    calls: BTreeMap<u32, u64>,
    finished: usize,
    is_over: bool,
}

impl Reader {
    pub(crate) fn new(ids: Ids) -> Self {
        Self { ids, blocks: Blocks::default(), has_started: false, calls: BTreeMap::new(), finished: 0, is_over: false }
    }

    pub(crate) fn event(&mut self, data: &str, out: &mut Vec<Event>) {
        if self.is_over {
            return;
        }
        if self.read(data, out).is_err() {
            self.is_over = true;
            out.push(broken("the provider sent an event that cannot be read"));
        }
    }

    /// The body is over; the API has no other sign of it.
    pub(crate) fn end(&mut self, out: &mut Vec<Event>) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        self.blocks.close_all(out);
        out.push(if self.finished > 0 { Event::End } else { broken("the provider broke the answer off") });
    }

    fn read(&mut self, data: &str, out: &mut Vec<Event>) -> Read<()> {
        let mut top = Object::read(data, "event")?;
        if let Some(error) = top.take("error") {
            self.is_over = true;
            out.push(Event::Fault(fault::read(fault::INSIDE, format!("{{\"error\":{error}}}").as_bytes())));
            return Ok(());
        }
        if !self.has_started {
            self.has_started = true;
            out.push(Event::Start { id: top.text("responseId")?, model: top.text("modelVersion")? });
        }
        if let Some(usage) = top.take("usageMetadata") {
            out.push(Event::Usage(read_usage(usage)));
        }
        let mut place = 0;
        top.each("candidates", |item| {
            place += 1;
            self.candidate(Object::read(item, "candidates")?, place - 1, out)
        })?;
        let blocked = top.object("promptFeedback")?.and_then(|mut feedback| feedback.take("blockReason"));
        if blocked.is_some() && place == 0 {
            out.push(Event::Finish(0, FinishReason::ContentFilter.into()));
            self.finished += 1;
        }
        Ok(())
    }

    fn candidate(&mut self, mut candidate: Object<'_>, place: u64, out: &mut Vec<Event>) -> Read<()> {
        let index = u32::try_from(candidate.count("index")?.unwrap_or(place)).unwrap_or(u32::MAX);
        let mut parts = Vec::new();
        if let Some(mut content) = candidate.object("content")? {
            parts::read_parts(&mut content, &mut parts, &mut Dropped::default())?;
        }
        for Part { content, .. } in parts {
            match content {
                Content::Text { text, .. } => self.blocks.text(index, Kind::Text, text, out),
                Content::Reasoning(thought) => {
                    self.blocks.text(index, Kind::Reasoning, thought.text, out);
                    if let Some(seal) = thought.seal {
                        self.blocks.seal(index, seal, out);
                    }
                }
                Content::ToolCall { id, name, arguments } => {
                    let id = if id.is_empty() { self.ids.call() } else { id };
                    let number = self.calls.entry(index).or_default();
                    self.blocks.call(index, *number, id, name, out);
                    *number += 1;
                    Blocks::arguments(index, arguments, out);
                    self.blocks.close(index, out);
                }
                Content::Media(media) => self.blocks.media(index, media, out),
                Content::ToolResult { .. } | Content::Refusal(_) => {}
            }
        }
        if let Some(word) = candidate.text("finishReason")? {
            self.blocks.close(index, out);
            out.push(Event::Finish(index, finish_reason(&word, self.calls.contains_key(&index)).into()));
            self.finished += 1;
        }
        Ok(())
    }
}

/// Writes one event after the other, as server-sent events or as the elements of one growing array.
#[derive(Debug)]
pub(crate) struct Writer {
    envelope: Envelope,
    id: String,
    model: String,
    open: BTreeMap<u32, Open>,
    finished: BTreeMap<u32, Finish>,
    usage: Usage,
    has_begun: bool,
}

#[derive(Debug)]
struct Open {
    block: Block,
    /// The arguments of a call, which clients of this API get whole.
    arguments: String,
}

impl Writer {
    pub(crate) fn new(envelope: Envelope) -> Self {
        let (id, model) = (envelope.id(None, ""), envelope.model.clone());
        Self {
            envelope,
            id,
            model,
            open: BTreeMap::new(),
            finished: BTreeMap::new(),
            usage: Usage::default(),
            has_begun: false,
        }
    }

    pub(crate) fn event(&mut self, event: Event, out: &mut Vec<u8>) {
        match event {
            Event::Start { id, model } => {
                self.id = self.envelope.id(id.as_deref(), "");
                self.model = self.envelope.model(model.as_deref()).to_owned();
            }
            Event::Open(index, Block::Media(media)) => self.part(index, out, |json| {
                parts::write_media(json, &media);
            }),
            Event::Open(index, block) => {
                self.open.insert(index, Open { block, arguments: String::new() });
            }
            Event::Delta(index, delta) => self.delta(index, delta, out),
            Event::Close(index) => {
                if let Some(Open { block: Block::ToolCall { id, name }, arguments }) = self.open.remove(&index) {
                    self.part(index, out, |json| parts::write_call(json, Some(&id), &name, &arguments, None));
                }
            }
            Event::Finish(index, finish) => {
                self.finished.insert(index, finish);
            }
            Event::Usage(usage) => self.usage = usage,
            Event::End => self.end(out),
            Event::Fault(fault) => {
                let (_, body) = fault::write(ApiFamily::Gemini, &fault, &self.envelope.nonce);
                self.element(&body, out);
                self.last(out);
            }
        }
    }

    fn delta(&mut self, index: u32, delta: Delta, out: &mut Vec<u8>) {
        let Some(open) = self.open.get_mut(&index) else { return };
        match (delta, &open.block) {
            (Delta::Text(piece), Block::ToolCall { .. }) => {
                if open.arguments.len() + piece.len() <= MAX_EVENT_BYTES {
                    open.arguments.push_str(&piece);
                }
            }
            (Delta::Text(text), Block::Reasoning) => {
                self.part(index, out, |json| parts::write_thought(json, &Thought { text, seal: None }));
            }
            (Delta::Text(text), _) => self.part(index, out, |json| parts::write_text(json, &text, None)),
            (Delta::Seal(seal), _) => {
                let thought = Thought { text: String::new(), seal: Some(seal) };
                self.part(index, out, |json| parts::write_thought(json, &thought));
            }
            (Delta::Citation(_) | Delta::Logprobs(_), _) => {}
        }
    }

    fn part(&mut self, index: u32, out: &mut Vec<u8>, part: impl FnOnce(&mut Json)) {
        let body = Json::of(|json| {
            json.put_array("candidates", |json| {
                json.object(|json| {
                    content(json, part);
                    json.put_number("index", index);
                });
            });
            self.names(json);
        });
        self.element(&body, out);
    }

    fn names(&self, json: &mut Json) {
        json.put("modelVersion", &self.model);
        json.put("responseId", &self.id);
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if self.finished.is_empty() {
            self.finished.insert(0, FinishReason::Stop.into());
        }
        let body = Json::of(|json| {
            json.put_array("candidates", |json| {
                for (index, finish) in &self.finished {
                    json.object(|json| {
                        content(json, |json| parts::write_text(json, "", None));
                        json.put("finishReason", finish_word(finish.reason));
                        json.put_number("index", index);
                    });
                }
            });
            if !self.usage.is_unknown() {
                write_usage(json.key("usageMetadata"), &self.usage);
            }
            self.names(json);
        });
        self.element(&body, out);
        self.last(out);
    }

    fn element(&mut self, body: &[u8], out: &mut Vec<u8>) {
        let has_begun = std::mem::replace(&mut self.has_begun, true);
        let (before, behind): (&[u8], &[u8]) = match (self.envelope.gemini_sse, has_begun) {
            (true, _) => (b"data: ", b"\r\n\r\n"),
            (false, false) => (b"[", b""),
            (false, true) => (b",\r\n", b""),
        };
        out.extend_from_slice(before);
        out.extend_from_slice(body);
        out.extend_from_slice(behind);
    }

    fn last(&self, out: &mut Vec<u8>) {
        if !self.envelope.gemini_sse {
            out.extend_from_slice(b"]");
        }
    }
}

fn content(json: &mut Json, part: impl FnOnce(&mut Json)) {
    json.put_object("content", |json| {
        json.put_array("parts", part);
        json.put("role", "model");
    });
}
