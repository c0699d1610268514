//! Reading a stream: chunks to events.

use std::collections::{BTreeMap, VecDeque};

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

/// Most bytes of calls that wait for an earlier one to be whole, and of the arguments that tell whether it is.
const WAITING_BYTES_MAX: usize = 1 << 20;

/// The calls of one choice. Elsewhere one call follows the other, but here their pieces may come mixed: a call that
/// begins while the one before is not whole waits until that one cannot go on any more.
#[derive(Debug, Default)]
struct Calls {
    /// How many have begun.
    begun: u64,
    /// What the open call's arguments are so far.
    arguments: String,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    number: u64,
    id: String,
    name: String,
    arguments: String,
}

impl Calls {
    /// Whether the open call can be closed: its arguments are a whole document.
    fn is_whole(&self) -> bool {
        serde_json::from_str::<serde::de::IgnoredAny>(&self.arguments).is_ok()
    }

    fn waiting_bytes(&self) -> usize {
        self.waiting.iter().map(|call| call.id.len() + call.name.len() + call.arguments.len() + 64).sum()
    }
}

/// Reads the data of one event after the other.
#[derive(Debug)]
pub(crate) struct Reader {
    ids: Ids,
    blocks: Blocks,
    has_started: bool,
    /// Calls, by choice.
    calls: BTreeMap<u32, Calls>,
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
        let choices: Vec<u32> = self.calls.keys().copied().collect();
        choices.into_iter().for_each(|index| self.release(index, out));
        self.blocks.close_all(out);
        out.push(if self.finished > 0 { Event::End } else { broken("the provider broke the answer off") });
    }

    fn chunk(&mut self, data: &str, out: &mut Vec<Event>) -> Read<()> {
        let mut chunk = Object::read(data, "chunk")?;
        if let Some(error) = chunk.take("error") {
            self.is_over = true;
            let error = if json::is_string(error) { data.to_owned() } else { format!("{{\"error\":{error}}}") };
            out.push(Event::Fault(fault::read(fault::INSIDE, error.as_bytes())));
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
                self.release(index, out);
                self.blocks.text(index, Kind::Reasoning, json::string(thought, "reasoning")?, out);
            }
            if let Some(content) = delta.take("content") {
                self.content(index, content, out)?;
            }
            if let Some(refusal) = delta.text("refusal")?.filter(|refusal| !refusal.is_empty()) {
                self.release(index, out);
                self.blocks.text(index, Kind::Refusal, refusal, out);
            }
            delta.each("annotations", |item| {
                if let Some(citation) = message::read_annotation(item)? {
                    self.release(index, out);
                    self.blocks.delta(index, Kind::Text, Delta::Citation(citation), out);
                }
                Ok(())
            })?;
            delta.each("images", |item| {
                if let Some(image) = message::read_image(item)? {
                    self.release(index, out);
                    self.blocks.media(index, image, out);
                }
                Ok(())
            })?;
            delta.each("tool_calls", |item| self.call(index, Object::read(item, "tool_calls")?, out))?;
        }
        let logprobs = choice.object("logprobs").ok().flatten().and_then(|mut logprobs| logprobs.take("content"));
        if let Some(logprobs) = logprobs.filter(|list| *list != "[]") {
            self.blocks.delta(index, Kind::Text, Delta::Logprobs(logprobs.to_owned()), out);
        }
        if let Some(word) = choice.text("finish_reason")? {
            self.release(index, out);
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
            if !matches!(&content, Content::Text { text, .. } if text.is_empty()) {
                self.release(index, out);
            }
            match content {
                Content::Text { text, .. } => self.blocks.text(index, Kind::Text, text, out),
                Content::Reasoning(thought) => self.blocks.text(index, Kind::Reasoning, thought.text, out),
                Content::Refusal(text) => self.blocks.text(index, Kind::Refusal, text, out),
                Content::Media(media) => self.blocks.media(index, media, out),
                Content::ToolCall { .. } | Content::ToolResult { .. } => {}
            }
        }
        Ok(())
    }

    /// A piece of a call. The first one names the function; later ones find it by its number.
    fn call(&mut self, index: u32, mut call: Object<'_>, out: &mut Vec<Event>) -> Read<()> {
        let id = call.text("id")?.filter(|id| !id.is_empty());
        let calls = self.calls.entry(index).or_default();
        let begun = calls.begun;
        let number = call.count("index")?.unwrap_or(if id.is_some() { begun } else { begun.saturating_sub(1) });
        let mut function = call.object("function")?.unwrap_or_default();
        let name = function.text("name")?.filter(|name| !name.is_empty());
        if number == begun
            && let Some(name) = name
        {
            let id = id.unwrap_or_else(|| self.ids.call());
            calls.begun += 1;
            let goes_on = begun.checked_sub(1).is_some_and(|before| self.blocks.is_call(index, before));
            if !calls.waiting.is_empty() || (goes_on && !calls.is_whole()) {
                calls.waiting.push_back(Waiting { number, id, name, arguments: String::new() });
            } else {
                self.blocks.call(index, number, id, name, out);
                calls.arguments.clear();
            }
        }
        let arguments = match function.take("arguments") {
            Some(raw) if json::is_string(raw) => json::string(raw, "arguments")?,
            Some(raw) => raw.to_owned(),
            None => return Ok(()),
        };
        if self.blocks.is_call(index, number) {
            if calls.arguments.len() + arguments.len() <= WAITING_BYTES_MAX {
                calls.arguments.push_str(&arguments);
            }
            Blocks::arguments(index, arguments, out);
            return Ok(());
        }
        if let Some(waiting) = calls.waiting.iter_mut().find(|call| call.number == number) {
            waiting.arguments.push_str(&arguments);
            let is_much = calls.waiting_bytes() > WAITING_BYTES_MAX;
            return if is_much { Err(json::Unreadable("calls are mixed".to_owned())) } else { Ok(()) };
        }
        // A piece of a call that is closed has no place any more.
        if arguments.is_empty() { Ok(()) } else { Err(json::Unreadable("calls are mixed".to_owned())) }
    }

    /// Nothing more comes for the calls that wait: they follow now, one after the other.
    fn release(&mut self, index: u32, out: &mut Vec<Event>) {
        let Some(calls) = self.calls.get_mut(&index) else { return };
        for Waiting { number, id, name, arguments } in calls.waiting.drain(..) {
            self.blocks.call(index, number, id, name, out);
            Blocks::arguments(index, arguments, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::translate::answer::Block;

    /// Names and arguments of the calls that a stream of deltas holds, in the order in which they open.
    fn calls(deltas: &[&str]) -> Vec<(String, String)> {
        let (mut reader, mut events) = (Reader::new(Ids::new("n")), Vec::new());
        for delta in deltas {
            reader.event(&format!(r#"{{"choices":[{{"index":0,"delta":{delta}}}]}}"#), &mut events);
        }
        reader.event(r#"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#, &mut events);
        reader.event("[DONE]", &mut events);
        let (mut found, mut is_open) = (Vec::<(String, String)>::new(), false);
        for event in events {
            match event {
                Event::Open(_, Block::ToolCall { name, .. }) => {
                    assert!(!is_open, "one after the other");
                    is_open = true;
                    found.push((name, String::new()));
                }
                Event::Delta(_, Delta::Text(piece)) => found.last_mut().unwrap().1.push_str(&piece),
                Event::Close(_) => is_open = false,
                Event::Fault(fault) => panic!("{fault:?}"),
                _ => {}
            }
        }
        found
    }

    fn head(number: u32, name: &str) -> String {
        format!(
            r#"{{"tool_calls":[{{"index":{number},"id":"c{number}","function":{{"name":"{name}","arguments":""}}}}]}}"#
        )
    }

    fn piece(number: u32, text: &str) -> String {
        let text = serde_json::to_string(text).unwrap();
        format!(r#"{{"tool_calls":[{{"index":{number},"function":{{"arguments":{text}}}}}]}}"#)
    }

    #[test]
    fn calls_whose_pieces_come_mixed_follow_one_another_whole() {
        let expected =
            [("a", r#"{"x":1}"#), ("b", r#"{"y":2}"#)].map(|(name, args)| (name.to_owned(), args.to_owned()));
        let (first, second) = ([piece(0, r#"{"x""#), piece(0, ":1}")], [piece(1, r#"{"y""#), piece(1, ":2}")]);
        let [a, b] = [head(0, "a"), head(1, "b")];
        for order in [
            [&a, &first[0], &first[1], &b, &second[0], &second[1]],
            [&a, &b, &first[0], &second[0], &first[1], &second[1]],
            [&a, &first[0], &b, &second[0], &second[1], &first[1]],
            [&a, &b, &second[0], &second[1], &first[0], &first[1]],
        ] {
            assert_eq!(calls(&order.map(String::as_str)), expected, "{order:?}");
        }
    }

    #[test]
    fn a_call_after_one_that_is_whole_streams_at_once() {
        let (mut reader, mut events) = (Reader::new(Ids::new("n")), Vec::new());
        for delta in [head(0, "a"), piece(0, "{}"), head(1, "b"), piece(1, "{")] {
            reader.event(&format!(r#"{{"choices":[{{"index":0,"delta":{delta}}}]}}"#), &mut events);
        }
        assert!(matches!(events.last(), Some(Event::Delta(0, Delta::Text(text))) if text == "{"), "{events:?}");
    }
}
