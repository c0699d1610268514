//! Streams, read and written: lines of JSON, of which the last is `done`. Calls come whole.

use super::{
    super::{
        Envelope, Ids,
        answer::{Block, Delta, Event, FinishReason},
        blocks::{Blocks, Kind, MAX_EVENT_BYTES, broken},
        conversation::{Content, Part},
        fault,
        json::{Json, Object, Read},
        media,
        notes::ANSWER_MEDIA,
        seal::Pending,
    },
    Said, finish_reason, message, read_usage, write_end, write_head, write_said,
};
use crate::domain::{Api, Usage};

/// Reads one line after the other.
#[derive(Debug)]
pub(crate) struct Reader {
    ids: Ids,
    blocks: Blocks,
    has_started: bool,
    calls: u64,
    is_over: bool,
}

impl Reader {
    pub(crate) fn new(ids: Ids) -> Self {
        Self { ids, blocks: Blocks::default(), has_started: false, calls: 0, is_over: false }
    }

    pub(crate) fn event(&mut self, line: &str, out: &mut Vec<Event>) {
        if self.is_over {
            return;
        }
        if self.read(line, out).is_err() {
            self.is_over = true;
            out.push(broken("the provider sent an event that cannot be read"));
        }
    }

    /// The body is over, which it may only be behind `done`.
    pub(crate) fn end(&mut self, out: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.is_over, true) {
            self.blocks.close_all(out);
            out.push(broken("the provider broke the answer off"));
        }
    }

    fn read(&mut self, line: &str, out: &mut Vec<Event>) -> Read<()> {
        let mut top = Object::read(line, "line")?;
        if top.take("error").is_some() {
            self.is_over = true;
            out.push(Event::Fault(fault::read(fault::INSIDE, line.as_bytes())));
            return Ok(());
        }
        if !self.has_started {
            self.has_started = true;
            out.push(Event::Start { id: None, model: top.text("model")? });
        }
        let mut parts = Vec::new();
        if let Some(mut said) = top.object("message")? {
            message::read_message(&mut said, &mut parts)?;
        }
        for Part { content, .. } in parts {
            match content {
                Content::Text { text, .. } => self.blocks.text(0, Kind::Text, text, out),
                Content::Reasoning(thought) => self.blocks.text(0, Kind::Reasoning, thought.text, out),
                Content::ToolCall { id, name, arguments } => {
                    let id = if id.is_empty() { self.ids.call() } else { id };
                    self.blocks.call(0, self.calls, id, name, out);
                    self.calls += 1;
                    Blocks::arguments(0, arguments, out);
                    self.blocks.close(0, out);
                }
                Content::Media(media) => self.blocks.media(0, media, out),
                Content::ToolResult { .. } | Content::Refusal(_) => {}
            }
        }
        if top.bool("done")? == Some(true) {
            self.is_over = true;
            self.blocks.close_all(out);
            let word = top.text("done_reason")?.unwrap_or_default();
            out.push(Event::Finish(0, finish_reason(&word, self.calls > 0).into()));
            let usage = read_usage(&mut top)?;
            if !usage.is_unknown() {
                out.push(Event::Usage(usage));
            }
            out.push(Event::End);
        }
        Ok(())
    }
}

/// Writes one event after the other.
#[derive(Debug)]
pub(crate) struct Writer {
    envelope: Envelope,
    model: Option<String>,
    open: Option<Block>,
    arguments: String,
    pending: Pending,
    finish: FinishReason,
    usage: Usage,
    /// Whether media had no place.
    has_dropped: bool,
}

impl Writer {
    pub(crate) fn new(envelope: Envelope) -> Self {
        Self {
            envelope,
            model: None,
            open: None,
            arguments: String::new(),
            pending: Pending::default(),
            finish: FinishReason::Stop,
            usage: Usage::default(),
            has_dropped: false,
        }
    }

    pub(crate) fn event(&mut self, event: Event, out: &mut Vec<u8>) {
        match event {
            Event::Start { model, .. } => self.model = model,
            Event::Open(0, Block::Media(media)) => {
                let image = media::image_data(&media).filter(|_| self.envelope.ollama_generate);
                self.has_dropped |= image.is_none();
                if image.is_some() {
                    let said = Said { image, ..Said::default() };
                    self.line(out, &said, |_| {}, |json| json.put_bool("done", false));
                }
            }
            Event::Open(0, block) => {
                self.arguments.clear();
                self.open = Some(block);
            }
            Event::Delta(0, delta) => self.delta(delta, out),
            Event::Close(0) => self.close(out),
            Event::Finish(0, finish) => self.finish = finish.reason,
            Event::Usage(usage) => self.usage = usage,
            Event::End => {
                let last = |json: &mut Json| {
                    write_end(json, self.finish, &self.usage);
                    // Lines have no comments, and the head has left.
                    json.put_text("x_gateway_dropped", self.has_dropped.then_some(ANSWER_MEDIA));
                };
                self.line(out, &Said::default(), |_| {}, last);
            }
            Event::Fault(fault) => out.extend(fault::write_event(Api::Ollama, &fault, 0, &self.envelope.nonce)),
            // The API gives one answer, and asked for one.
            Event::Open(..) | Event::Delta(..) | Event::Close(_) | Event::Finish(..) => {}
        }
    }

    fn delta(&mut self, delta: Delta, out: &mut Vec<u8>) {
        match (delta, &self.open) {
            (Delta::Text(piece), Some(Block::ToolCall { .. })) => {
                if self.arguments.len() + piece.len() <= MAX_EVENT_BYTES {
                    self.arguments.push_str(&piece);
                }
            }
            (Delta::Text(text), Some(Block::Reasoning)) => {
                self.pending.text(&text);
                let said = Said { thinking: Some(&text), ..Said::default() };
                self.line(out, &said, |_| {}, |json| json.put_bool("done", false));
            }
            (Delta::Text(text), _) => {
                let said = Said { text: &text, ..Said::default() };
                self.line(out, &said, |_| {}, |json| json.put_bool("done", false));
            }
            (Delta::Seal(seal), _) => self.pending.seal(seal),
            (Delta::Citation(_) | Delta::Logprobs(_), _) => {}
        }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        let Some(Block::ToolCall { id, name }) = self.open.take() else { return self.pending.close() };
        let id = self.pending.pack(&id);
        let arguments = std::mem::take(&mut self.arguments);
        let call = |json: &mut Json| {
            json.put_array("tool_calls", |json| message::write_call(json, &id, &name, &arguments));
        };
        self.line(out, &Said::default(), call, |json| json.put_bool("done", false));
    }

    fn line(&self, out: &mut Vec<u8>, said: &Said<'_>, calls: impl FnOnce(&mut Json), rest: impl FnOnce(&mut Json)) {
        out.extend(Json::of(|json| {
            write_head(json, &self.envelope, self.model.as_deref());
            write_said(json, &self.envelope, said, calls);
            rest(json);
        }));
        out.push(b'\n');
    }
}
