//! Reading a stream: Anthropic's events to ours. Their blocks come one after the other, as ours do.

use super::{
    super::{
        Ids,
        answer::{Block, Delta, Event},
        blocks::broken,
        conversation::{Maker, Seal},
        fault,
        json::{Object, Read},
    },
    blocks, finish, read_usage,
};
use crate::domain::Usage;

/// Reads the data of one event after the other.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    usage: Usage,
    has_open: bool,
    is_over: bool,
}

impl Reader {
    pub(crate) fn new(_ids: Ids) -> Self {
        Self::default()
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

    /// The body is over, which it may only be behind `message_stop`.
    pub(crate) fn end(&mut self, out: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.is_over, true) {
            self.close(out);
            out.push(broken("the provider broke the answer off"));
        }
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        if std::mem::take(&mut self.has_open) {
            out.push(Event::Close(0));
        }
    }

    fn read(&mut self, data: &str, out: &mut Vec<Event>) -> Read<()> {
        let mut event = Object::read(data, "event")?;
        match event.text("type")?.unwrap_or_default().as_str() {
            "message_start" => {
                let mut message = event.object("message")?.unwrap_or_default();
                out.push(Event::Start { id: message.text("id")?, model: message.text("model")? });
                self.usage(message.take("usage"), out);
            }
            "content_block_start" => {
                self.close(out);
                self.open(event.object("content_block")?.unwrap_or_default(), out)?;
            }
            "content_block_delta" if self.has_open => {
                let delta = event.object("delta")?.unwrap_or_default();
                Self::delta(delta, out)?;
            }
            "content_block_stop" => self.close(out),
            "message_delta" => {
                let mut delta = event.object("delta")?.unwrap_or_default();
                self.usage(event.take("usage"), out);
                if let Some(word) = delta.text("stop_reason")? {
                    self.close(out);
                    out.push(Event::Finish(0, finish(&word, delta.text("stop_sequence")?)));
                }
            }
            "message_stop" => {
                self.is_over = true;
                self.close(out);
                out.push(Event::End);
            }
            "error" => {
                self.is_over = true;
                out.push(Event::Fault(fault::read(fault::INSIDE, data.as_bytes())));
            }
            _ => {}
        }
        Ok(())
    }

    fn usage(&mut self, raw: Option<&str>, out: &mut Vec<Event>) {
        if let Some(raw) = raw {
            read_usage(raw, &mut self.usage);
            out.push(Event::Usage(self.usage));
        }
    }

    fn open(&mut self, mut block: Object<'_>, out: &mut Vec<Event>) -> Read<()> {
        let first;
        let opened = match block.text("type")?.unwrap_or_default().as_str() {
            "text" => {
                first = block.text("text")?.map(Delta::Text);
                Block::Text
            }
            "thinking" => {
                first = block.text("thinking")?.map(Delta::Text);
                Block::Reasoning
            }
            "redacted_thinking" => {
                let data = block.needed_text("data")?;
                first = Some(Delta::Seal(Seal { maker: Maker::AnthropicRedacted, data }));
                Block::Reasoning
            }
            "tool_use" => {
                first = block.take("input").filter(|input| !input.trim_matches(['{', '}', ' ']).is_empty()).map(whole);
                Block::ToolCall { id: block.needed_text("id")?, name: block.needed_text("name")? }
            }
            // What Anthropic's own tools do is not the client's to see: it did not ask for them.
            _ => return Ok(()),
        };
        self.has_open = true;
        out.push(Event::Open(0, opened));
        match first {
            Some(Delta::Text(text)) if text.is_empty() => {}
            Some(delta) => out.push(Event::Delta(0, delta)),
            None => {}
        }
        Ok(())
    }

    fn delta(mut delta: Object<'_>, out: &mut Vec<Event>) -> Read<()> {
        let kind = delta.text("type")?.unwrap_or_default();
        let piece = match kind.as_str() {
            "text_delta" => Delta::Text(delta.needed_text("text")?),
            "thinking_delta" => Delta::Text(delta.needed_text("thinking")?),
            "input_json_delta" => Delta::Text(delta.needed_text("partial_json")?),
            "signature_delta" => Delta::Seal(Seal { maker: Maker::Anthropic, data: delta.needed_text("signature")? }),
            "citations_delta" => match delta.object("citation")? {
                Some(citation) => Delta::Citation(blocks::read_citation(citation)?),
                None => return Ok(()),
            },
            _ => return Ok(()),
        };
        match piece {
            Delta::Text(text) if text.is_empty() => {}
            Delta::Seal(seal) if seal.data.is_empty() => {}
            piece => out.push(Event::Delta(0, piece)),
        }
        Ok(())
    }
}

fn whole(input: &str) -> Delta {
    Delta::Text(input.to_owned())
}
