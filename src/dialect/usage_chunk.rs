//! Keeps the usage chunk that the gateway asked for from a client that did not.
//!
//! Everything else passes byte for byte. Nothing is ever held but the bytes of one unfinished
//! event, and no more than [`MAX_HELD_BYTES`] of it.

use std::sync::LazyLock;

use super::{
    sse::{Piece, Splitter},
    watch::{Scanner, Seen, Table, Take, Value},
};

/// An event longer than this is never a mere usage chunk: it passes as it comes.
pub const MAX_HELD_BYTES: usize = 16 << 10;

/// Removes the event whose data is a chat chunk with `choices: []`, a `usage` object and no error:
/// what OpenAI and Azure send at the end when `stream_options.include_usage` is set.
///
/// Azure's first chunk (`choices: []` with filter results) has no usage and passes; so does usage
/// that rides on a chunk with choices.
#[derive(Debug)]
pub struct Filter {
    splitter: Splitter,
    scanner: Scanner<Field>,
    /// The bytes of the unfinished event, unless it passes already.
    held: Vec<u8>,
    passes: bool,
    verdict: Verdict,
    /// Whether the last finished event was removed, so that a late `\n` of its `\r\n` goes too.
    removed_last: bool,
}

#[derive(Clone, Copy, Debug)]
enum Field {
    Choices,
    Choice,
    Usage,
    Error,
}

#[derive(Clone, Copy, Debug, Default)]
struct Verdict {
    has_choices: bool,
    has_usage: bool,
    /// The event's JSON document is complete; whatever comes behind it makes the event something else.
    is_whole: bool,
    is_other: bool,
}

static TABLE: LazyLock<Table<Field>> = LazyLock::new(|| {
    Table::new(&[(
        "",
        &[
            ("choices", Field::Choices, Take::Value),
            ("choices[]", Field::Choice, Take::Value),
            ("usage", Field::Usage, Take::Value),
            ("error", Field::Error, Take::Value),
        ],
    )])
});

impl Default for Filter {
    fn default() -> Self {
        Self {
            splitter: Splitter::default(),
            scanner: Scanner::new(&TABLE),
            held: Vec::new(),
            passes: false,
            verdict: Verdict::default(),
            removed_last: false,
        }
    }
}

impl Filter {
    /// Reads on and appends what may pass to `out`.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.splitter.is_after_cr() && rest.first() == Some(&b'\n') {
                self.second_half_of_crlf(out);
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            // One line at a time, so that an event's end is also the end of what was taken.
            let len = memchr::memchr2(b'\n', b'\r', rest).map_or(rest.len(), |at| at + 1);
            let (line, more) = rest.split_at_checked(len).unwrap_or((rest, &[]));
            self.line(line, out);
            rest = more;
        }
    }

    /// Gives back what is still held when the stream ends inside an event.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.held);
    }

    /// A `\n` behind a `\r` shares the fate of the line that it ends, at once: some clients wait for it.
    fn second_half_of_crlf(&mut self, out: &mut Vec<u8>) {
        self.splitter.feed(b"\n", &mut |_| {});
        let is_between_events = self.held.is_empty() && !self.passes;
        match (self.passes, is_between_events, self.removed_last) {
            (false, true, true) => {}
            (true, ..) | (false, true, false) => out.push(b'\n'),
            (false, false, _) => self.held.push(b'\n'),
        }
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        let Self { splitter, scanner, verdict, passes, .. } = self;
        let mut ended = false;
        splitter.feed(line, &mut |piece| match piece {
            Piece::Data(_) if *passes => {}
            Piece::Data(data) => scanner.feed(data, &mut |seen| verdict.see(seen)),
            Piece::NewName | Piece::Name(_) => {}
            Piece::End { .. } => ended = true,
        });
        if self.passes {
            out.extend_from_slice(line);
        } else {
            self.held.extend_from_slice(line);
            if self.verdict.is_other || self.held.len() > MAX_HELD_BYTES {
                self.passes = true;
                out.append(&mut self.held);
            }
        }
        if ended {
            self.end_event(out);
        }
    }

    fn end_event(&mut self, out: &mut Vec<u8>) {
        let is_usage_chunk =
            self.verdict.has_choices && self.verdict.has_usage && self.verdict.is_whole && !self.passes;
        if !is_usage_chunk {
            out.append(&mut self.held);
        }
        self.removed_last = is_usage_chunk;
        self.held.clear();
        self.passes = false;
        self.verdict = Verdict::default();
        self.scanner.reset();
    }
}

impl Verdict {
    fn see(&mut self, seen: Seen<'_, Field>) {
        match seen {
            Seen::Field(..) if self.is_whole => self.is_other = true,
            Seen::DocumentEnd => self.is_whole = true,
            Seen::Field(Field::Choices, Value::Open) => self.has_choices = true,
            Seen::Field(Field::Usage, Value::Open) => self.has_usage = true,
            Seen::Field(Field::Choice, _) => self.is_other = true,
            Seen::Field(Field::Error, value) if value != Value::Null => self.is_other = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
