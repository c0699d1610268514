//! What all stream readers and writers share: which block is open, ids for calls that have none, lines.

use std::collections::BTreeMap;

use super::{
    answer::{Block, Delta, Event, Fault, FaultKind},
    conversation::{Media, Seal},
};

/// More answers than any provider makes at once.
const MAX_CHOICES: u32 = 128;

/// Makes ids for calls of APIs that have none.
#[derive(Clone, Debug)]
pub struct Ids {
    nonce: String,
    next: u32,
}

impl Ids {
    /// Ids that hold `nonce`, which no other answer may have.
    pub fn new(nonce: &str) -> Self {
        Self { nonce: nonce.chars().filter(char::is_ascii_alphanumeric).collect(), next: 0 }
    }

    pub(super) fn call(&mut self) -> String {
        self.next += 1;
        format!("call_{}{}", self.nonce, self.next)
    }
}

/// The kind of the open block of each choice.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    open: BTreeMap<u32, Kind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Reasoning,
    Refusal,
    /// The provider's own number of the call.
    Call(u64),
}

impl Blocks {
    pub(super) fn is_call(&self, choice: u32, number: u64) -> bool {
        self.open.get(&choice) == Some(&Kind::Call(number))
    }

    /// More text, thoughts or refusal; opens a block if another kind is open.
    pub(super) fn text(&mut self, choice: u32, kind: Kind, text: String, out: &mut Vec<Event>) {
        if text.is_empty() || !self.ensure(choice, kind, out) {
            return;
        }
        out.push(Event::Delta(choice, Delta::Text(text)));
    }

    /// A delta that is no text; opens a block if another kind is open.
    pub(super) fn delta(&mut self, choice: u32, kind: Kind, delta: Delta, out: &mut Vec<Event>) {
        if self.ensure(choice, kind, out) {
            out.push(Event::Delta(choice, delta));
        }
    }

    /// A seal, with which a thought is complete.
    pub(super) fn seal(&mut self, choice: u32, seal: Seal, out: &mut Vec<Event>) {
        if self.ensure(choice, Kind::Reasoning, out) {
            out.push(Event::Delta(choice, Delta::Seal(seal)));
            self.close(choice, out);
        }
    }

    fn ensure(&mut self, choice: u32, kind: Kind, out: &mut Vec<Event>) -> bool {
        if choice >= MAX_CHOICES {
            return false;
        }
        if self.open.get(&choice) == Some(&kind) {
            return true;
        }
        self.close(choice, out);
        let block = match kind {
            Kind::Text => Block::Text,
            Kind::Reasoning => Block::Reasoning,
            Kind::Refusal => Block::Refusal,
            Kind::Call(_) => return false,
        };
        self.open.insert(choice, kind);
        out.push(Event::Open(choice, block));
        true
    }

    /// A call begins.
    pub(super) fn call(&mut self, choice: u32, number: u64, id: String, name: String, out: &mut Vec<Event>) {
        if choice >= MAX_CHOICES {
            return;
        }
        self.close(choice, out);
        self.open.insert(choice, Kind::Call(number));
        out.push(Event::Open(choice, Block::ToolCall { id, name }));
    }

    /// Media, which come whole, are a block of their own.
    pub(super) fn media(&mut self, choice: u32, media: Media, out: &mut Vec<Event>) {
        if choice < MAX_CHOICES {
            self.close(choice, out);
            out.extend([Event::Open(choice, Block::Media(Box::new(media))), Event::Close(choice)]);
        }
    }

    /// More of the arguments of the open call.
    pub(super) fn arguments(choice: u32, piece: String, out: &mut Vec<Event>) {
        if !piece.is_empty() {
            out.push(Event::Delta(choice, Delta::Text(piece)));
        }
    }

    pub(super) fn close(&mut self, choice: u32, out: &mut Vec<Event>) {
        if self.open.remove(&choice).is_some() {
            out.push(Event::Close(choice));
        }
    }

    pub(super) fn close_all(&mut self, out: &mut Vec<Event>) {
        while let Some((choice, _)) = self.open.pop_first() {
            out.push(Event::Close(choice));
        }
    }
}

/// A fault of the provider's stream itself.
pub(super) fn broken(message: &str) -> Event {
    Event::Fault(Fault { kind: FaultKind::Server, message: message.to_owned() })
}

/// The longest event of a stream that is translated: an answer's image may come in one.
pub(super) const MAX_EVENT_BYTES: usize = 16 << 20;

/// Gathers lines of at most [`MAX_EVENT_BYTES`].
#[derive(Debug, Default)]
pub(super) struct Lines {
    held: Vec<u8>,
    pub(super) is_oversize: bool,
}

impl Lines {
    pub(super) fn feed(&mut self, bytes: &[u8], mut on: impl FnMut(&[u8])) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.held.len() + line.len() > MAX_EVENT_BYTES {
                self.is_oversize = true;
                self.held = Vec::new();
            }
            if self.is_oversize {
                return;
            }
            match (line.strip_suffix(b"\n"), self.held.is_empty()) {
                (Some(line), true) => on(line),
                (Some(line), false) => {
                    self.held.extend_from_slice(line);
                    on(&self.held);
                    self.held.clear();
                    self.held.shrink_to(16 << 10);
                }
                (None, _) => self.held.extend_from_slice(line),
            }
        }
    }

    /// The last line, if no line break ended it.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }
}
