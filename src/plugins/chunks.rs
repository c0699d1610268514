//! A stream's neutral events on their way past the plugins of `after_chunk`: modified, held, or ended.
//!
//! It holds what plugins hold and nothing else, each of them no more than [`Chunks::MOST_HELD_BYTES`].

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Ending, Fault, Verdict,
    chain::Running,
    context::{Chunk, ChunkKind, Context},
    hooks::Hook,
};
use crate::dialect::translate::answer::{Block, Delta, Event};

/// What of the events may go on.
#[derive(Debug)]
pub enum Passed {
    /// These, and the stream goes on.
    Events(Vec<Event>),
    /// These, and then the stream ends as the plugin says.
    Ended(Vec<Event>, Arc<str>, Ending),
    /// These, and then the stream ends because a plugin failed that must not.
    Failed(Vec<Event>, Arc<str>),
}

/// What plugins hold of one stream.
#[derive(Debug, Default)]
pub struct Chunks {
    /// By plugin and choice.
    held: BTreeMap<(usize, u32), String>,
    /// The kind of the open block of each choice.
    open: BTreeMap<u32, ChunkKind>,
}

/// Why a stream goes no further.
enum Stop {
    Ended(Arc<str>, Ending),
    Failed(Arc<str>),
}

impl Chunks {
    /// The most that one plugin may hold of one answer.
    pub const MOST_HELD_BYTES: usize = 256 << 10;

    /// Shows events to the plugins.
    pub async fn take(&mut self, running: &mut Running, events: Vec<Event>) -> Passed {
        let mut out = Vec::with_capacity(events.len());
        for event in events {
            let (choice, text, is_last) = match event {
                Event::Delta(choice, Delta::Text(text)) => (choice, text, false),
                Event::Close(choice) if self.open.contains_key(&choice) => (choice, String::new(), true),
                Event::Open(choice, ref block) => {
                    match kind_of(block) {
                        Some(kind) => self.open.insert(choice, kind),
                        None => self.open.remove(&choice),
                    };
                    out.push(event);
                    continue;
                }
                Event::Usage(usage) => {
                    running.context.usage = usage;
                    out.push(event);
                    continue;
                }
                other => {
                    out.push(other);
                    continue;
                }
            };
            match self.ask(running, choice, text, is_last).await {
                Ok(Some(text)) => out.push(Event::Delta(choice, Delta::Text(text))),
                Ok(None) => {}
                Err(Stop::Ended(plugin, ending)) => return Passed::Ended(out, plugin, ending),
                Err(Stop::Failed(plugin)) => return Passed::Failed(out, plugin),
            }
            if is_last {
                self.open.remove(&choice);
                out.push(Event::Close(choice));
            }
        }
        Passed::Events(out)
    }

    /// Asks every plugin about a piece of text; `None` when nothing of it leaves now.
    async fn ask(
        &mut self,
        running: &mut Running,
        choice: u32,
        mut text: String,
        is_last: bool,
    ) -> Result<Option<String>, Stop> {
        let chain = Arc::clone(running.chain());
        let kind = self.open.get(&choice).copied().unwrap_or(ChunkKind::Text);
        for (place, installed) in chain.at(Hook::AfterChunk).enumerate() {
            let mut joined = self.held.remove(&(place, choice)).unwrap_or_default();
            let held_bytes = joined.len();
            if joined.is_empty() {
                joined = text;
            } else {
                joined.push_str(&text);
            }
            running.context.chunk = Some(Chunk { choice, kind, text: joined, held_bytes, is_last });
            let ruled = installed.call(Hook::AfterChunk, &mut running.context).await;
            text = running.context.chunk.take().map(|chunk| chunk.text).unwrap_or_default();
            match ruled {
                Ok(Verdict::Modify(changes)) => {
                    text = changes.text.unwrap_or(text);
                    continue;
                }
                Ok(Verdict::HoldChunk) if !is_last && text.len() <= Self::MOST_HELD_BYTES => {
                    self.held.insert((place, choice), text);
                    return Ok(None);
                }
                Ok(Verdict::HoldChunk) if !is_last => {
                    let fault = Fault::OverLimit(format!("it holds more than {} bytes", Self::MOST_HELD_BYTES));
                    installed.note_fault(Hook::AfterChunk, &fault);
                }
                Ok(Verdict::SkipRemaining) => break,
                Ok(Verdict::Terminate(ending)) => return Err(Stop::Ended(installed.name_shared(), *ending)),
                Ok(_) => continue,
                Err(_) => {}
            }
            running.note_failed(&installed.name_shared());
            if installed.refuses_on_failure() {
                return Err(Stop::Failed(installed.name_shared()));
            }
        }
        if choice == 0 && kind == ChunkKind::Text {
            let room = Context::MOST_ACCUMULATED_BYTES.saturating_sub(running.context.accumulated.len());
            let end = text.floor_char_boundary(room.min(text.len()));
            running.context.accumulated.push_str(text.get(..end).unwrap_or_default());
        }
        Ok((!text.is_empty()).then_some(text))
    }
}

/// What plugins see of a block; nothing of media, which have no text.
const fn kind_of(block: &Block) -> Option<ChunkKind> {
    match block {
        Block::Text => Some(ChunkKind::Text),
        Block::Reasoning => Some(ChunkKind::Reasoning),
        Block::Refusal => Some(ChunkKind::Refusal),
        Block::ToolCall { .. } => Some(ChunkKind::ToolArguments),
        Block::Media(_) => None,
    }
}
