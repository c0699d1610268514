//! The levels below: text that is JSON itself, read as far as it goes, however deep.
//!
//! Tool arguments are JSON inside a JSON string, and so is much of what tools and models answer; a string
//! in them may hold JSON again. Escapes are undone at each level, so that `\u0040` hides nothing, and
//! what comes in a match's place is written so that each level's JSON stays JSON. A level that turns out
//! not to be JSON is plain text from there on. Beyond [`MAX_LEVELS`] text is taken as it is written.

use std::ops::Range;

use super::{Piece, Role, Text, simple_escape};

/// Levels of JSON inside JSON that are told apart. Each one doubles the backslashes of those above.
pub(super) const MAX_LEVELS: usize = 6;

/// Where in inner JSON a text stands.
#[derive(Debug)]
pub(super) struct Inner {
    /// The outermost first; of all but the last the state is [`State::String`] or an escape in one.
    levels: Vec<Level>,
    /// Whether the whole text is known to be one JSON value, scalars included.
    is_value: bool,
}

#[derive(Debug)]
struct Level {
    state: State,
    depth: u32,
    /// Where in the text the level began.
    began: usize,
    /// Characters of an escape that is not complete, each with how many pieces of length 0 it has.
    pending: Vec<(char, usize)>,
    unit: u16,
    /// The first half of a pair of code units; its escape is the beginning of `pending`.
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

/// One character, or several of which none means anything to the level that they come to.
struct Run<'a> {
    text: &'a str,
    event: u64,
    /// Where it stands: one byte for one byte, or all of it for one character.
    raw: Range<usize>,
    /// How many pieces of length 0, the last ones of the text, belong to its first character.
    parts: usize,
}

/// The words of JSON besides numbers.
const WORDS: [&str; 3] = ["true", "false", "null"];

/// Longest number that is taken for one.
const MAX_SCALAR_BYTES: usize = 256;

/// How an escape of one code unit is long.
const UNIT_CHARS: usize = 6;

impl Inner {
    pub(super) fn new(is_value: bool) -> Self {
        let state = if is_value { State::Between } else { State::Undecided };
        Self { levels: vec![Level::new(state, 0)], is_value }
    }

    /// Where a number begins that has not ended yet.
    pub(super) fn scalar_start(&self) -> Option<usize> {
        self.levels.last().filter(|level| level.state == State::Scalar).map(|level| level.scalar)
    }

    fn state(&self, level: usize) -> State {
        self.levels.get(level).map_or(State::Plain, |level| level.state)
    }
}

impl Level {
    const fn new(state: State, began: usize) -> Self {
        Self { state, depth: 0, began, pending: Vec::new(), unit: 0, high: None, scalar: 0 }
    }

    fn pending_parts(&self) -> usize {
        self.pending.iter().map(|(_, parts)| parts).sum()
    }
}

impl Text {
    /// Takes characters of the outer level. They stand in `raw` one byte for one byte, or are one character.
    pub(super) fn decoded(&mut self, text: &str, event: u64, raw: Range<usize>) {
        self.read(0, Run { text, event, raw, parts: 0 });
    }

    /// An escape that nothing completes was just so many characters.
    pub(super) fn end_escapes(&mut self) {
        if let Some(open) = self.inner.levels.iter().position(|level| !level.pending.is_empty()) {
            self.is_plain(open, 0);
        }
    }

    fn level(&mut self, level: usize) -> Option<&mut Level> {
        self.inner.levels.get_mut(level)
    }

    fn set_state(&mut self, level: usize, state: State) {
        if let Some(level) = self.level(level) {
            level.state = state;
        }
    }

    fn read(&mut self, level: usize, run: Run<'_>) {
        let Run { mut text, event, mut raw, mut parts } = run;
        while !text.is_empty() {
            let taken = match self.inner.state(level) {
                State::Plain => text.len(),
                State::String => memchr::memchr2(b'"', b'\\', text.as_bytes()).unwrap_or(text.len()),
                _ => 0,
            };
            let taken = if taken > 0 { taken } else { text.chars().next().map_or(1, char::len_utf8) };
            let Some((now, rest)) = text.split_at_checked(taken) else { return };
            let middle = if text.len() == raw.len() { raw.start + taken } else { raw.end };
            self.step(level, Run { text: now, event, raw: raw.start..middle, parts: std::mem::take(&mut parts) });
            text = rest;
            raw.start = middle;
        }
    }

    fn step(&mut self, level: usize, run: Run<'_>) {
        let first = run.text.as_bytes().first().copied().unwrap_or_default();
        match self.inner.state(level) {
            State::Plain => self.put(level, run, Role::Content),
            State::Undecided => self.undecided(level, run, first),
            State::Between => self.between(level, run, first),
            State::Scalar => {
                if matches!(first, b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'+' | b'-' | b'.') {
                    self.put(level, run, Role::Scalar);
                    if !self.is_scalar_so_far(level) {
                        self.is_plain(level, 0);
                    }
                } else {
                    self.set_state(level, State::Between);
                    self.between(level, run, first);
                }
            }
            State::String if first == b'"' => {
                self.flush_high(level, run.parts);
                if self.inner.levels.iter().skip(level + 1).any(|below| !below.pending.is_empty()) {
                    self.is_plain(level + 1, run.parts);
                }
                self.inner.levels.truncate(level + 1);
                self.set_state(level, State::Between);
                self.put(level, run, Role::Structure);
            }
            State::String if first == b'\\' => {
                self.set_state(level, State::Escape);
                self.pend(level, &run);
            }
            State::String => {
                self.flush_high(level, run.parts);
                self.read(level + 1, run);
            }
            State::Escape => self.escape(level, run, first),
            State::Unicode(left) => self.unicode(level, run, first, left),
        }
    }

    fn undecided(&mut self, level: usize, run: Run<'_>, first: u8) {
        match first {
            b'{' | b'[' => {
                self.set_state(level, State::Between);
                return self.between(level, run, first);
            }
            // Perhaps a string that holds JSON: what comes next tells.
            b'"' if level + 1 < MAX_LEVELS => {
                self.set_state(level, State::String);
                self.put(level, run, Role::Structure);
                return self.begin_string(level);
            }
            first if first.is_ascii_whitespace() => {}
            _ => {
                let above = level.checked_sub(1).filter(|above| {
                    self.inner.levels.get(*above).is_some_and(|above| above.depth == 0)
                        && !(*above == 0 && self.inner.is_value)
                });
                match above {
                    // Nothing but a quotation, after all.
                    Some(above) => self.is_plain(above, run.parts),
                    None => self.set_state(level, State::Plain),
                }
            }
        }
        self.put(level, run, Role::Content);
    }

    /// What stands in a string is a level of its own.
    fn begin_string(&mut self, level: usize) {
        let state = if level + 1 < MAX_LEVELS { State::Undecided } else { State::Plain };
        let began = self.end();
        self.inner.levels.truncate(level + 1);
        self.inner.levels.push(Level::new(state, began));
    }

    fn between(&mut self, level: usize, run: Run<'_>, first: u8) {
        let is_value = self.inner.is_value && level == 0;
        let end = self.end();
        let Some(at) = self.level(level) else { return };
        let is_inside = at.depth > 0 || is_value;
        let mut begins_string = false;
        match first {
            b' ' | b'\t' | b'\n' | b'\r' => {}
            b'{' | b'[' => at.depth += 1,
            b'}' | b']' if at.depth > 0 => at.depth -= 1,
            b',' | b':' if at.depth > 0 => {}
            b'"' if is_inside => {
                at.state = State::String;
                begins_string = true;
            }
            b'0'..=b'9' | b'-' | b't' | b'f' | b'n' if is_inside => {
                at.state = State::Scalar;
                at.scalar = end;
                return self.put(level, run, Role::Scalar);
            }
            _ => {
                self.is_plain(level, run.parts);
                return self.put(level, run, Role::Content);
            }
        }
        self.put(level, run, Role::Structure);
        if begins_string {
            self.begin_string(level);
        }
    }

    fn is_scalar_so_far(&self, level: usize) -> bool {
        let start = self.inner.levels.get(level).map_or(0, |level| level.scalar);
        let text = self.kept.get(start.saturating_sub(self.base)..).unwrap_or_default();
        let is_number = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
        text.len() <= MAX_SCALAR_BYTES && (is_number || WORDS.iter().any(|word| word.starts_with(text)))
    }

    fn escape(&mut self, level: usize, run: Run<'_>, first: u8) {
        if first == b'u' {
            if let Some(level) = self.level(level) {
                level.unit = 0;
                level.state = State::Unicode(4);
            }
            return self.pend(level, &run);
        }
        let Some(c) = simple_escape(first) else {
            self.is_plain(level, run.parts);
            return self.put(level, run, Role::Content);
        };
        self.set_state(level, State::String);
        let own = self.begin_escape_anew(level, run.parts);
        self.read(level + 1, Run { text: c.encode_utf8(&mut [0; 4]), event: run.event, raw: run.raw, parts: own });
    }

    fn unicode(&mut self, level: usize, run: Run<'_>, first: u8, left: u8) {
        let digit = char::from(first).to_digit(16).and_then(|digit| u16::try_from(digit).ok());
        let (Some(digit), Some(at)) = (digit, self.level(level)) else {
            self.is_plain(level, run.parts);
            return self.put(level, run, Role::Content);
        };
        at.unit = (at.unit << 4) | digit;
        if left > 1 {
            at.state = State::Unicode(left - 1);
            return self.pend(level, &run);
        }
        at.state = State::String;
        let (unit, high) = (at.unit, at.high);
        let Run { event, raw, parts, .. } = run;
        if let Some(Some(Ok(c))) = high.map(|high| char::decode_utf16([high, unit]).next()) {
            at.high = None;
            let parts = parts + at.pending_parts();
            at.pending.clear();
            return self.read(level + 1, Run { text: c.encode_utf8(&mut [0; 4]), event, raw, parts });
        }
        if let 0xd800..0xdc00 = unit {
            self.flush_high(level, parts);
            if let Some(level) = self.level(level) {
                level.high = Some(unit);
            }
            return self.pend(level, &Run { text: run.text, event, raw, parts });
        }
        let parts = self.begin_escape_anew(level, parts);
        let c = char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER);
        self.read(level + 1, Run { text: c.encode_utf8(&mut [0; 4]), event, raw, parts });
    }

    /// An escape is complete but for its last character, which has `parts`: the parts of all of it.
    fn begin_escape_anew(&mut self, level: usize, parts: usize) -> usize {
        self.flush_high(level, parts);
        let Some(level) = self.level(level) else { return parts };
        let parts = parts + level.pending_parts();
        level.pending.clear();
        parts
    }

    /// Half a pair that the other half does not follow is no character. `parts` belong to what is read now.
    fn flush_high(&mut self, level: usize, parts: usize) {
        let Some(at) = self.level(level) else { return };
        if at.high.take().is_none() {
            return;
        }
        let behind = at.pending.split_off(at.pending.len().min(UNIT_CHARS));
        let own = at.pending_parts();
        at.pending = behind;
        let behind = at.pending_parts() + parts;
        let behind = self.pieces.split_off(self.pieces.len().saturating_sub(behind));
        if let Some(last) = self.pieces.pop_back() {
            let raw = last.raw;
            self.read(level + 1, Run { text: "\u{fffd}", event: last.event, raw, parts: own.saturating_sub(1) });
        }
        self.push_back(behind);
    }

    fn push_back(&mut self, pieces: impl IntoIterator<Item = Piece>) {
        let at = self.end();
        self.pieces.extend(pieces.into_iter().map(|piece| Piece { at, ..piece }));
    }

    /// Keeps a part of an escape until the rest is here.
    fn pend(&mut self, level: usize, run: &Run<'_>) {
        let at = self.end();
        let (event, raw) = (run.event, run.raw.clone());
        self.pieces.push_back(Piece { at, len: 0, event, raw, role: Role::Content, escapes: 0 });
        if let Some(level) = self.level(level) {
            level.pending.extend(run.text.chars().map(|c| (c, run.parts + 1)));
        }
    }

    /// Adds characters that nothing reads any further.
    fn put(&mut self, level: usize, run: Run<'_>, role: Role) {
        let escapes = self.escapes(level);
        let first = self.pieces.len().saturating_sub(run.parts);
        for part in self.pieces.range_mut(first..) {
            (part.role, part.escapes) = (role, escapes);
        }
        self.add(run.text, run.event, run.raw, role, escapes);
    }

    fn escapes(&self, level: usize) -> u8 {
        let level = level.min(self.inner.levels.len().saturating_sub(1));
        self.outer_escapes().saturating_add(u8::try_from(level).unwrap_or(u8::MAX))
    }

    /// This level is not JSON after all: what has not left yet is plain text, and so is all that follows.
    /// The last `parts` pieces belong to a character that is read now.
    fn is_plain(&mut self, level: usize, parts: usize) {
        let below = self.inner.levels.split_off((level + 1).min(self.inner.levels.len()));
        let Some(at) = self.level(level) else { return };
        at.state = State::Plain;
        at.high = None;
        let began = at.began;
        // What a deeper level waits with came first.
        let mut pending: Vec<_> = below.into_iter().rev().flat_map(|level| level.pending).collect();
        pending.append(&mut at.pending);
        let escapes = self.escapes(level);
        let open = parts + pending.iter().map(|(_, parts)| parts).sum::<usize>();
        let mut open = self.pieces.split_off(self.pieces.len().saturating_sub(open)).into_iter();
        for piece in self.pieces.iter_mut().rev().take_while(|piece| piece.at >= began) {
            (piece.role, piece.escapes) = (Role::Content, escapes);
        }
        // An escape that is none was just so many characters.
        for (c, parts) in pending {
            let mut own: Vec<_> = open.by_ref().take(parts).collect();
            if let Some(last) = own.pop() {
                self.push_back(own);
                let mut buffer = [0; 4];
                let text = &*c.encode_utf8(&mut buffer);
                let run = Run { text, event: last.event, raw: last.raw, parts: parts.saturating_sub(1) };
                self.put(level, run, Role::Content);
            }
        }
        self.push_back(open);
    }
}
