//! The second level: text that is JSON itself, read as far as it goes.
//!
//! Tool arguments are JSON inside a JSON string, and so is much of what tools and models answer. Escapes
//! of the inner strings are undone as well, so that `\u0040` hides nothing, and what comes in a match's
//! place is written so that the inner JSON stays JSON. Text that turns out not to be JSON is plain from
//! there on.

use std::ops::Range;

use super::{Role, Text, simple_escape};

/// Where in inner JSON a text stands.
#[derive(Debug)]
pub(super) struct Inner {
    state: State,
    depth: u32,
    /// Whether the whole text is known to be one JSON value, scalars included.
    is_value: bool,
    /// Characters of an escape that is not complete; each has a piece of length 0.
    pending: String,
    unit: u16,
    high: Option<u16>,
    /// Where the present number or word began.
    scalar: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Only space so far.
    Undecided,
    Plain,
    Between,
    String,
    Escape,
    /// So many hex digits are still to come.
    Unicode(u8),
    Scalar,
}

/// The words of JSON besides numbers.
const WORDS: [&str; 3] = ["true", "false", "null"];

/// Longest number that is taken for one.
const MAX_SCALAR_BYTES: usize = 256;

impl Inner {
    pub(super) const fn new(is_value: bool) -> Self {
        let state = if is_value { State::Between } else { State::Undecided };
        Self { state, depth: 0, is_value, pending: String::new(), unit: 0, high: None, scalar: 0 }
    }

    /// Where a number begins that has not ended yet.
    pub(super) fn scalar_start(&self) -> Option<usize> {
        (self.state == State::Scalar).then_some(self.scalar)
    }
}

impl Text {
    /// Takes characters of the outer level. They stand in `raw` one byte for one byte, or are one character.
    pub(super) fn decoded(&mut self, mut text: &str, event: u64, mut raw: Range<usize>) {
        while !text.is_empty() {
            let taken = match self.inner.state {
                State::Plain => text.len(),
                State::String => memchr::memchr2(b'"', b'\\', text.as_bytes()).unwrap_or(text.len()),
                _ => 0,
            };
            let taken = if taken > 0 { taken } else { text.chars().next().map_or(1, char::len_utf8) };
            let Some((run, rest)) = text.split_at_checked(taken) else { return };
            let middle = if text.len() == raw.len() { raw.start + taken } else { raw.end };
            self.inner_run(run, event, raw.start..middle);
            text = rest;
            raw.start = middle;
        }
    }

    /// One character, or any number of which none means anything in the present state.
    fn inner_run(&mut self, run: &str, event: u64, raw: Range<usize>) {
        let outer = self.outer_escapes();
        let first = run.as_bytes().first().copied().unwrap_or_default();
        match self.inner.state {
            State::Plain => self.add(run, event, raw, Role::Content, outer),
            State::Undecided => {
                if matches!(first, b'{' | b'[') {
                    self.inner.state = State::Between;
                    return self.between(run, first, event, raw);
                }
                if !first.is_ascii_whitespace() {
                    self.inner.state = State::Plain;
                }
                self.add(run, event, raw, Role::Content, outer);
            }
            State::Between => self.between(run, first, event, raw),
            State::Scalar => {
                if matches!(first, b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'+' | b'-' | b'.') {
                    self.add(run, event, raw, Role::Scalar, outer);
                    if !self.is_scalar_so_far() {
                        self.is_plain();
                    }
                } else {
                    self.inner.state = State::Between;
                    self.between(run, first, event, raw);
                }
            }
            State::String if first == b'"' => {
                self.flush_high(event, &raw);
                self.inner.state = State::Between;
                self.add(run, event, raw, Role::Structure, outer);
            }
            State::String if first == b'\\' => {
                self.inner.state = State::Escape;
                self.pend(run, event, raw);
            }
            State::String => {
                self.flush_high(event, &raw);
                self.add(run, event, raw, Role::Content, outer + 1);
            }
            State::Escape => self.escape(run, first, event, raw),
            State::Unicode(left) => {
                let digit = char::from(first).to_digit(16).and_then(|digit| u16::try_from(digit).ok());
                let Some(digit) = digit else {
                    self.is_plain();
                    return self.add(run, event, raw, Role::Content, outer);
                };
                self.inner.unit = (self.inner.unit << 4) | digit;
                if left > 1 {
                    self.inner.state = State::Unicode(left - 1);
                    return self.pend(run, event, raw);
                }
                self.inner.state = State::String;
                self.code_unit(run, event, raw);
            }
        }
    }

    fn between(&mut self, run: &str, first: u8, event: u64, raw: Range<usize>) {
        let outer = self.outer_escapes();
        let is_inside = self.inner.depth > 0 || self.inner.is_value;
        match first {
            b' ' | b'\t' | b'\n' | b'\r' => {}
            b'{' | b'[' => self.inner.depth += 1,
            b'}' | b']' if self.inner.depth > 0 => self.inner.depth -= 1,
            b',' | b':' if self.inner.depth > 0 => {}
            b'"' if is_inside => self.inner.state = State::String,
            b'0'..=b'9' | b'-' | b't' | b'f' | b'n' if is_inside => {
                self.inner.state = State::Scalar;
                self.inner.scalar = self.end();
                return self.add(run, event, raw, Role::Scalar, outer);
            }
            _ => {
                self.is_plain();
                return self.add(run, event, raw, Role::Content, outer);
            }
        }
        self.add(run, event, raw, Role::Structure, outer);
    }

    fn is_scalar_so_far(&self) -> bool {
        let text = self.kept.get(self.inner.scalar.saturating_sub(self.base)..).unwrap_or_default();
        let is_number = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
        text.len() <= MAX_SCALAR_BYTES && (is_number || WORDS.iter().any(|word| word.starts_with(text)))
    }

    fn escape(&mut self, run: &str, first: u8, event: u64, raw: Range<usize>) {
        if first == b'u' {
            self.inner.unit = 0;
            self.inner.state = State::Unicode(4);
            return self.pend(run, event, raw);
        }
        let outer = self.outer_escapes();
        let Some(c) = simple_escape(first) else {
            self.is_plain();
            return self.add(run, event, raw, Role::Content, outer);
        };
        self.inner.state = State::String;
        self.inner.pending.clear();
        if self.inner.high.take().is_some() {
            self.add("\u{fffd}", event, raw.start..raw.start, Role::Content, outer + 1);
        }
        self.add(c.encode_utf8(&mut [0; 4]), event, raw, Role::Content, outer + 1);
    }

    /// A `\uXXXX` is complete; `raw` is its last digit.
    fn code_unit(&mut self, run: &str, event: u64, raw: Range<usize>) {
        let unit = self.inner.unit;
        let escapes = self.outer_escapes() + 1;
        let high = self.inner.high.take();
        if let Some(Some(Ok(c))) = high.map(|high| char::decode_utf16([high, unit]).next()) {
            self.inner.pending.clear();
            return self.add(c.encode_utf8(&mut [0; 4]), event, raw, Role::Content, escapes);
        }
        if high.is_some() {
            self.add("\u{fffd}", event, raw.start..raw.start, Role::Content, escapes);
        }
        if let 0xd800..0xdc00 = unit {
            self.inner.high = Some(unit);
            return self.pend(run, event, raw);
        }
        self.inner.pending.clear();
        let c = char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER);
        self.add(c.encode_utf8(&mut [0; 4]), event, raw, Role::Content, escapes);
    }

    /// A high surrogate that no low one follows is no character.
    fn flush_high(&mut self, event: u64, raw: &Range<usize>) {
        if self.inner.high.take().is_some() {
            self.inner.pending.clear();
            let escapes = self.outer_escapes() + 1;
            self.add("\u{fffd}", event, raw.start..raw.start, Role::Content, escapes);
        }
    }

    /// Keeps a part of an escape until the rest is here.
    fn pend(&mut self, run: &str, event: u64, raw: Range<usize>) {
        self.inner.pending.push_str(run);
        let escapes = self.outer_escapes() + 1;
        let at = self.end();
        self.pieces.push_back(super::Piece { at, len: 0, event, raw, role: Role::Content, escapes });
    }

    /// This is not JSON after all: what has not left yet is plain text, and so is all that follows.
    fn is_plain(&mut self) {
        let outer = self.outer_escapes();
        self.inner.state = State::Plain;
        self.inner.high = None;
        for piece in &mut self.pieces {
            piece.role = Role::Content;
            piece.escapes = outer;
        }
        // An escape that is none was just so many characters. Each has a piece, unless it has left.
        let pending = std::mem::take(&mut self.inner.pending);
        let held = self.pieces.iter().rev().take_while(|piece| piece.len == 0 && piece.at == self.end()).count();
        let waiting: Vec<_> = self.pieces.drain(self.pieces.len() - held.min(pending.chars().count())..).collect();
        let gone = pending.chars().count() - waiting.len();
        self.kept.extend(pending.chars().take(gone));
        for (c, piece) in pending.chars().skip(gone).zip(waiting) {
            self.add(c.encode_utf8(&mut [0; 4]), piece.event, piece.raw, Role::Content, outer);
        }
    }
}
