//! An incremental JSON scanner that reports watched fields and passes over everything else.
//!
//! It is a reader, not a judge: broken JSON makes it report less, never fail, recurse or grow. What
//! it holds is one key or one captured scalar, both capped, and one frame per level of the table.

mod table;

use memchr::memchr2;

use table::{NONE, Node, ROOT};
pub use table::{Row, Table, Take};

/// The most bytes of one captured string or number; a longer string is cut, a longer number dropped.
pub const MAX_CAPTURE_BYTES: usize = 4 << 10;

/// What the scanner found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Seen<'a, F> {
    /// A watched field has a value.
    Field(F, Value<'a>),
    /// A whole object at the top (or an element of an array at the top) is complete.
    DocumentEnd,
}

/// The value of a watched field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// An object or array begins.
    Open,
    /// It ends.
    Close,
    /// A string, unescaped and cut at [`MAX_CAPTURE_BYTES`] (fields taken as [`Take::Value`]).
    String(&'a [u8]),
    /// So many further bytes of a string, counted unescaped (fields taken as [`Take::Length`]).
    Text(u64),
    /// A number as it is written.
    Number(&'a str),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
}

/// The scanner: feed it bytes, split as they may be.
#[derive(Debug)]
pub struct Scanner<F: 'static> {
    table: &'static Table<F>,
    frames: Vec<Frame>,
    mode: Mode,
    /// The table's node for the value that comes next in an object, or that is being read.
    node: usize,
    capture: Vec<u8>,
    /// Bytes of a [`Take::Length`] string that have not been reported yet.
    count: u64,
    escape: Escape,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    is_object: bool,
    node: usize,
    key_next: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Between,
    Key,
    Text(Take),
    Literal,
    /// Inside a value nobody watches: how deep, whether inside a string, whether after a backslash.
    Skip {
        depth: u64,
        in_string: bool,
        escaped: bool,
    },
}

/// Where in an escape sequence a captured string stands.
#[derive(Clone, Copy, Debug, Default)]
struct Escape {
    /// 0: in none; 1: after the backslash; 2–5: that many minus one hex digits are still to come.
    state: u8,
    unit: u16,
    high: Option<u16>,
}

impl<F: Copy + 'static> Scanner<F> {
    /// A scanner over `table`, at the beginning of a document.
    pub fn new(table: &'static Table<F>) -> Self {
        Self {
            table,
            frames: Vec::with_capacity(8),
            mode: Mode::Between,
            node: NONE,
            capture: Vec::new(),
            count: 0,
            escape: Escape::default(),
        }
    }

    /// Forgets an unfinished document: the next byte begins a new one.
    pub fn reset(&mut self) {
        self.frames.clear();
        self.mode = Mode::Between;
        self.node = NONE;
        self.count = 0;
        self.escape = Escape::default();
        self.capture.clear();
    }

    /// Reads on; `on` gets each thing as it is found.
    pub fn feed(&mut self, bytes: &[u8], on: &mut impl FnMut(Seen<'_, F>)) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.mode {
                Mode::Between => self.between(rest, on),
                Mode::Key | Mode::Text(_) => self.string(rest, on),
                Mode::Literal => self.literal(rest, on),
                Mode::Skip { depth, in_string, escaped } => self.skip(rest, depth, in_string, escaped),
            };
        }
        self.report_text(on);
    }

    fn between<'a>(&mut self, bytes: &'a [u8], on: &mut impl FnMut(Seen<'_, F>)) -> &'a [u8] {
        let Some((&first, tail)) = bytes.split_first() else { return bytes };
        match first {
            // Control characters count as space, so that every turn of the loop takes a byte.
            ..=b' ' | b':' => {}
            b',' => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.key_next = frame.is_object;
                }
                self.node = NONE;
            }
            b'"' if self.frames.last().is_some_and(|frame| frame.key_next) => {
                self.capture.clear();
                self.mode = Mode::Key;
            }
            b'"' => self.open_string(),
            b'{' => self.open(true, on),
            b'[' => self.open(false, on),
            b'}' | b']' => self.close(on),
            _ => {
                self.node = self.value_node();
                self.capture.clear();
                self.mode = Mode::Literal;
                return bytes;
            }
        }
        tail
    }

    /// The node of the value that begins here.
    fn value_node(&self) -> usize {
        match self.frames.last() {
            None => ROOT,
            Some(frame) if frame.is_object => self.node,
            // The elements of an array at the top are documents of their own (Gemini without SSE).
            Some(_) if self.frames.len() == 1 => ROOT,
            Some(frame) => self.table.node(frame.node).map_or(NONE, |node| node.each),
        }
    }

    fn watched(&self, node: usize) -> Option<(F, Take)> {
        self.table.node(node).and_then(|node: &Node<F>| node.watch)
    }

    fn open_string(&mut self) {
        self.node = self.value_node();
        self.mode = match self.watched(self.node) {
            Some((_, take)) => {
                self.capture.clear();
                Mode::Text(take)
            }
            None => Mode::Skip { depth: 0, in_string: true, escaped: false },
        };
    }

    fn open(&mut self, is_object: bool, on: &mut impl FnMut(Seen<'_, F>)) {
        let node = self.value_node();
        // A second array inside the array at the top would be a document that is no object.
        if node == NONE || (!is_object && node == ROOT && !self.frames.is_empty()) {
            self.mode = Mode::Skip { depth: 1, in_string: false, escaped: false };
            return;
        }
        if let Some((field, _)) = self.watched(node) {
            on(Seen::Field(field, Value::Open));
        }
        self.frames.push(Frame { is_object, node, key_next: is_object });
        self.node = NONE;
    }

    fn close(&mut self, on: &mut impl FnMut(Seen<'_, F>)) {
        self.node = NONE;
        let Some(frame) = self.frames.pop() else { return };
        if let Some((field, _)) = self.watched(frame.node) {
            on(Seen::Field(field, Value::Close));
        }
        if frame.node == ROOT && frame.is_object {
            on(Seen::DocumentEnd);
        }
    }

    fn literal<'a>(&mut self, bytes: &'a [u8], on: &mut impl FnMut(Seen<'_, F>)) -> &'a [u8] {
        let end = bytes
            .iter()
            .position(|byte| matches!(byte, b',' | b'}' | b']' | b'{' | b'[' | b'"' | b':') || *byte <= b' ');
        let (part, rest) = bytes.split_at_checked(end.unwrap_or(bytes.len())).unwrap_or((bytes, &[]));
        if self.capture.len() <= MAX_CAPTURE_BYTES {
            let room = MAX_CAPTURE_BYTES + 1 - self.capture.len();
            self.capture.extend_from_slice(part.get(..room).unwrap_or(part));
        }
        if end.is_none() {
            return rest;
        }
        self.mode = Mode::Between;
        if let Some((field, _)) = self.watched(self.node) {
            let value = match self.capture.as_slice() {
                b"null" => Some(Value::Null),
                b"true" => Some(Value::Bool(true)),
                b"false" => Some(Value::Bool(false)),
                long if long.len() > MAX_CAPTURE_BYTES => None,
                number => std::str::from_utf8(number).ok().map(Value::Number),
            };
            if let Some(value) = value {
                on(Seen::Field(field, value));
            }
        }
        self.node = NONE;
        rest
    }

    fn skip<'a>(&mut self, bytes: &'a [u8], mut depth: u64, mut in_string: bool, escaped: bool) -> &'a [u8] {
        let mut rest = if escaped { bytes.get(1..).unwrap_or_default() } else { bytes };
        loop {
            let at = if in_string {
                memchr2(b'"', b'\\', rest)
            } else {
                rest.iter().position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']'))
            };
            let Some((&found, tail)) = at.and_then(|at| rest.get(at..)).and_then(<[u8]>::split_first) else {
                self.mode = Mode::Skip { depth, in_string, escaped: false };
                return &[];
            };
            rest = tail;
            match found {
                b'\\' => {
                    let Some((_, tail)) = rest.split_first() else {
                        self.mode = Mode::Skip { depth, in_string, escaped: true };
                        return &[];
                    };
                    rest = tail;
                }
                b'"' => in_string = !in_string,
                b'{' | b'[' => depth += 1,
                _ => depth = depth.saturating_sub(1),
            }
            if depth == 0 && !in_string {
                self.mode = Mode::Between;
                self.node = NONE;
                return rest;
            }
        }
    }

    fn string<'a>(&mut self, bytes: &'a [u8], on: &mut impl FnMut(Seen<'_, F>)) -> &'a [u8] {
        let mut rest = bytes;
        while let Some((&first, tail)) = rest.split_first() {
            if self.escape.state > 0 {
                self.unescape(first);
                rest = tail;
                continue;
            }
            match first {
                b'\\' => {
                    self.escape.state = 1;
                    rest = tail;
                }
                b'"' => {
                    self.flush_surrogate();
                    self.end_string(on);
                    return tail;
                }
                _ => {
                    self.flush_surrogate();
                    let plain = memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
                    let (text, more) = rest.split_at_checked(plain).unwrap_or((rest, &[]));
                    self.keep(text);
                    rest = more;
                }
            }
        }
        rest
    }

    fn end_string(&mut self, on: &mut impl FnMut(Seen<'_, F>)) {
        let mode = std::mem::replace(&mut self.mode, Mode::Between);
        if mode == Mode::Key {
            if let Some(frame) = self.frames.last_mut() {
                frame.key_next = false;
                self.node = self.table.child(frame.node, &self.capture);
            }
            return;
        }
        self.report_text(on);
        if let (Some((field, _)), Mode::Text(Take::Value)) = (self.watched(self.node), mode) {
            on(Seen::Field(field, Value::String(&self.capture)));
        }
        self.node = NONE;
    }

    fn report_text(&mut self, on: &mut impl FnMut(Seen<'_, F>)) {
        let count = std::mem::take(&mut self.count);
        if let (true, Some((field, _))) = (count > 0, self.watched(self.node)) {
            on(Seen::Field(field, Value::Text(count)));
        }
    }

    /// Takes unescaped bytes of the present string: counted, or captured as far as there is room.
    fn keep(&mut self, text: &[u8]) {
        if self.mode == Mode::Text(Take::Length) {
            self.count = self.count.saturating_add(text.len() as u64);
        } else {
            let room = MAX_CAPTURE_BYTES.saturating_sub(self.capture.len());
            self.capture.extend_from_slice(text.get(..room).unwrap_or(text));
        }
    }

    fn keep_char(&mut self, c: char) {
        self.keep(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    fn unescape(&mut self, byte: u8) {
        if self.escape.state == 1 && byte == b'u' {
            self.escape.state = 5;
            self.escape.unit = 0;
            return;
        }
        if self.escape.state == 1 {
            self.escape.state = 0;
            self.flush_surrogate();
            self.keep(match byte {
                b'n' => b"\n",
                b't' => b"\t",
                b'r' => b"\r",
                b'b' => b"\x08",
                b'f' => b"\x0c",
                b'"' => b"\"",
                b'/' => b"/",
                _ => b"\\",
            });
            return;
        }
        let digit = char::from(byte).to_digit(16).and_then(|digit| u16::try_from(digit).ok()).unwrap_or(0);
        self.escape.unit = (self.escape.unit << 4) | digit;
        self.escape.state -= 1;
        if self.escape.state == 1 {
            self.escape.state = 0;
            self.code_unit(self.escape.unit);
        }
    }

    fn code_unit(&mut self, unit: u16) {
        if let Some(high) = self.escape.high.take() {
            let mut pair = char::decode_utf16([high, unit]);
            if let Some(Ok(c)) = pair.next() {
                return self.keep_char(c);
            }
            self.keep_char(char::REPLACEMENT_CHARACTER);
        }
        match char::from_u32(u32::from(unit)) {
            Some(c) => self.keep_char(c),
            None if unit < 0xdc00 => self.escape.high = Some(unit),
            None => self.keep_char(char::REPLACEMENT_CHARACTER),
        }
    }

    /// A high surrogate that no low one follows is no character.
    fn flush_surrogate(&mut self) {
        if self.escape.high.take().is_some() {
            self.keep_char(char::REPLACEMENT_CHARACTER);
        }
    }
}

#[cfg(test)]
mod tests;
