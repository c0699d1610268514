//! Reading a stream: OpenAI's events to ours.

use super::{
    super::{
        Ids,
        answer::{Delta, Event},
        blocks::{Blocks, Kind, broken},
        fault,
        json::{Object, Read},
    },
    finish_reason, items, read_usage,
};

/// Reads the data of one event after the other.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    blocks: Blocks,
    calls: u64,
    /// Whether arguments of the open call have come in pieces.
    has_arguments: bool,
    /// Whether text of the open thought has come in pieces.
    has_thought: bool,
    is_over: bool,
}

impl Reader {
    pub(crate) fn new(_ids: Ids) -> Self {
        Self::default()
    }

    pub(crate) fn event(&mut self, data: &str, out: &mut Vec<Event>) {
        if self.is_over || data.trim() == "[DONE]" {
            return;
        }
        if self.read(data, out).is_err() {
            self.is_over = true;
            out.push(broken("the provider sent an event that cannot be read"));
        }
    }

    /// The body is over, which it may only be behind the last event.
    pub(crate) fn end(&mut self, out: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.is_over, true) {
            self.blocks.close_all(out);
            out.push(broken("the provider broke the answer off"));
        }
    }

    fn read(&mut self, data: &str, out: &mut Vec<Event>) -> Read<()> {
        let mut event = Object::read(data, "event")?;
        let kind = event.text("type")?.unwrap_or_default();
        match kind.as_str() {
            "response.created" => {
                let mut response = event.object("response")?.unwrap_or_default();
                out.push(Event::Start { id: response.text("id")?, model: response.text("model")? });
            }
            "response.output_item.added" => self.added(event.object("item")?.unwrap_or_default(), out)?,
            "response.output_text.delta" => {
                let text = event.text("delta")?.unwrap_or_default();
                self.blocks.text(0, Kind::Text, text, out);
                if let Some(logprobs) = event.take("logprobs").filter(|list| list.len() > 2) {
                    self.blocks.delta(0, Kind::Text, Delta::Logprobs(logprobs.to_owned()), out);
                }
            }
            "response.refusal.delta" => {
                self.blocks.text(0, Kind::Refusal, event.text("delta")?.unwrap_or_default(), out);
            }
            "response.reasoning_summary_part.added" => {
                let is_further = event.count("summary_index")?.is_some_and(|index| index > 0);
                let between = if is_further { "\n\n" } else { "" };
                self.blocks.text(0, Kind::Reasoning, between.to_owned(), out);
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.has_thought = true;
                self.blocks.text(0, Kind::Reasoning, event.text("delta")?.unwrap_or_default(), out);
            }
            "response.function_call_arguments.delta" if self.calls > 0 => {
                self.has_arguments = true;
                Blocks::arguments(0, event.text("delta")?.unwrap_or_default(), out);
            }
            "response.output_text.annotation.added" => {
                if let Some(citation) =
                    event.object("annotation")?.map_or(Ok(None), |annotation| items::read_annotation(annotation))?
                {
                    self.blocks.delta(0, Kind::Text, Delta::Citation(citation), out);
                }
            }
            "response.output_item.done" => self.done(event.object("item")?.unwrap_or_default(), out)?,
            "response.completed" | "response.incomplete" => {
                self.is_over = true;
                self.blocks.close_all(out);
                let mut response = event.object("response")?.unwrap_or_default();
                let why = response.object("incomplete_details")?.map_or(Ok(None), |mut why| why.text("reason"))?;
                let status = response.text("status")?.unwrap_or_default();
                out.push(Event::Finish(0, finish_reason(&status, why.as_deref(), self.calls > 0).into()));
                if let Some(usage) = response.take("usage") {
                    out.push(Event::Usage(read_usage(usage)));
                }
                out.push(Event::End);
            }
            "response.failed" | "error" => {
                self.is_over = true;
                let response = event.object("response")?;
                let error = response.and_then(|mut response| response.take("error"));
                let body = error.map_or_else(|| data.to_owned(), |error| format!("{{\"error\":{error}}}"));
                out.push(Event::Fault(fault::read(fault::INSIDE, body.as_bytes())));
            }
            _ => {}
        }
        Ok(())
    }

    fn added(&mut self, mut item: Object<'_>, out: &mut Vec<Event>) -> Read<()> {
        match item.text("type")?.as_deref() {
            Some("function_call") => {
                let (id, name) = (item.needed_text("call_id")?, item.needed_text("name")?);
                self.blocks.call(0, self.calls, id, name, out);
                self.calls += 1;
                self.has_arguments = false;
            }
            Some("reasoning") => self.has_thought = false,
            _ => {}
        }
        Ok(())
    }

    fn done(&mut self, mut item: Object<'_>, out: &mut Vec<Event>) -> Read<()> {
        match item.text("type")?.as_deref() {
            Some("function_call") if self.calls > 0 => {
                if !self.has_arguments {
                    Blocks::arguments(0, item.text("arguments")?.unwrap_or_default(), out);
                }
                self.blocks.close(0, out);
            }
            Some("reasoning") => {
                let thought = items::read_reasoning(&mut item)?;
                if !self.has_thought {
                    self.blocks.text(0, Kind::Reasoning, thought.text, out);
                }
                if let Some(seal) = thought.seal {
                    self.blocks.seal(0, seal, out);
                }
                self.blocks.close(0, out);
            }
            Some("image_generation_call") => {
                if let Some(image) = items::read_image(&mut item)? {
                    self.blocks.media(0, image, out);
                }
            }
            Some("message") => self.blocks.close(0, out),
            _ => {}
        }
        Ok(())
    }
}
