//! Reading a stream: chunks to events.

use std::collections::BTreeMap;

use super::{
    super::{
        Ids,
        answer::{Delta, Event, FinishReason},
        blocks::{Blocks, Kind, broken},
        conversation::{Content, Part},
        fault,
        json::{self, Object, Read},
        notes::Dropped,
    },
    finish_reason, message, read_usage,
    reply::finish,
};

/// Reads the data of one event after the other.
#[derive(Debug)]
pub(crate) struct Reader {
    ids: Ids,
    blocks: Blocks,
    has_started: bool,
    /// Calls begun, by choice: how many.
    calls: BTreeMap<u32, u64>,
    finished: usize,
    is_over: bool,
}

impl Reader {
    pub(crate) fn new(ids: Ids) -> Self {
        Self { ids, blocks: Blocks::default(), has_started: false, calls: BTreeMap::new(), finished: 0, is_over: false }
    }

    pub(crate) fn event(&mut self, data: &str, out: &mut Vec<Event>) {
        if data.trim() == "[DONE]" {
            self.end(out);
            return;
        }
        if self.chunk(data, out).is_err() {
            self.is_over = true;
            out.push(broken("the provider sent an event that cannot be read"));
        }
    }

    /// The body is over; not every server says `[DONE]`.
    pub(crate) fn end(&mut self, out: &mut Vec<Event>) {
        if self.is_over {
            return;
        }
        self.is_over = true;
        self.blocks.close_all(out);
        out.push(if self.finished > 0 { Event::End } else { broken("the provider broke the answer off") });
    }

    fn chunk(&mut self, data: &str, out: &mut Vec<Event>) -> Read<()> {
        let mut chunk = Object::read(data, "chunk")?;
        if let Some(error) = chunk.take("error") {
            self.is_over = true;
            let error = if json::is_string(error) { data.to_owned() } else { format!("{{\"error\":{error}}}") };
            out.push(Event::Fault(fault::read(500, error.as_bytes())));
            return Ok(());
        }
        if !self.has_started {
            self.has_started = true;
            out.push(Event::Start { id: chunk.text("id")?, model: chunk.text("model")? });
        }
        let mut place = 0;
        chunk.each("choices", |item| {
            place += 1;
            self.choice(Object::read(item, "choices")?, place - 1, out)
        })?;
        if let Some(usage) = chunk.take("usage") {
            let usage = read_usage(usage);
            if !usage.is_unknown() {
                out.push(Event::Usage(usage));
            }
        }
        Ok(())
    }

    fn choice(&mut self, mut choice: Object<'_>, place: u64, out: &mut Vec<Event>) -> Read<()> {
        let index = u32::try_from(choice.count("index")?.unwrap_or(place)).unwrap_or(u32::MAX);
        if let Some(mut delta) = choice.object("delta")? {
            if let Some(thought) = delta.take_any(&["reasoning", "reasoning_content"])
                && json::is_string(thought)
            {
                self.blocks.text(index, Kind::Reasoning, json::string(thought, "reasoning")?, out);
            }
            if let Some(content) = delta.take("content") {
                self.content(index, content, out)?;
            }
            if let Some(refusal) = delta.text("refusal")? {
                self.blocks.text(index, Kind::Refusal, refusal, out);
            }
            delta.each("tool_calls", |item| self.call(index, Object::read(item, "tool_calls")?, out))?;
        }
        let logprobs = choice.object("logprobs").ok().flatten().and_then(|mut logprobs| logprobs.take("content"));
        if let Some(logprobs) = logprobs.filter(|list| *list != "[]") {
            self.blocks.delta(index, Kind::Text, Delta::Logprobs(logprobs.to_owned()), out);
        }
        if let Some(word) = choice.text("finish_reason")? {
            self.blocks.close(index, out);
            let stop_sequence = choice.text("stop_reason").ok().flatten();
            let has_calls = self.calls.contains_key(&index);
            let reason = finish_reason(&word);
            let reason = if reason == FinishReason::ToolCalls && !has_calls { FinishReason::Stop } else { reason };
            out.push(Event::Finish(index, finish(reason, stop_sequence, has_calls)));
            self.finished += 1;
        }
        Ok(())
    }

    fn content(&mut self, index: u32, content: &str, out: &mut Vec<Event>) -> Read<()> {
        let mut parts = Vec::new();
        message::read_content(content, &mut parts, &mut Dropped::default())?;
        for Part { content, .. } in parts {
            match content {
                Content::Text { text, .. } => self.blocks.text(index, Kind::Text, text, out),
                Content::Reasoning(thought) => self.blocks.text(index, Kind::Reasoning, thought.text, out),
                Content::Refusal(text) => self.blocks.text(index, Kind::Refusal, text, out),
                _ => {}
            }
        }
        Ok(())
    }

    /// A piece of a call. The first one names the function; later ones find it by its number.
    fn call(&mut self, index: u32, mut call: Object<'_>, out: &mut Vec<Event>) -> Read<()> {
        let id = call.text("id")?.filter(|id| !id.is_empty());
        let begun = self.calls.get(&index).copied().unwrap_or(0);
        let number = call.count("index")?.unwrap_or(if id.is_some() { begun } else { begun.saturating_sub(1) });
        let mut function = call.object("function")?.unwrap_or_default();
        let name = function.text("name")?.filter(|name| !name.is_empty());
        if number == begun
            && let Some(name) = name
        {
            let id = id.unwrap_or_else(|| self.ids.call());
            self.blocks.call(index, number, id, name, out);
            self.calls.insert(index, begun + 1);
        }
        let arguments = match function.take("arguments") {
            Some(raw) if json::is_string(raw) => json::string(raw, "arguments")?,
            Some(raw) => raw.to_owned(),
            None => return Ok(()),
        };
        if !self.blocks.is_call(index, number) {
            // A piece of a call that another one followed has no place any more.
            return if arguments.is_empty() { Ok(()) } else { Err(json::Unreadable("calls are mixed".to_owned())) };
        }
        Blocks::arguments(index, arguments, out);
        Ok(())
    }
}
