//! A stream cut into its events, every byte kept: what an event's data is and where it stands in them.
//!
//! It never holds more than one unfinished event and never looks inside one.

use std::ops::Range;

use crate::dialect::sse::{Piece, Splitter};

/// How the documents of a body follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    Sse,
    /// One JSON document a line.
    NdJson,
    /// A JSON array whose elements come one by one.
    JsonArray,
    /// One JSON document.
    Json,
    /// Plain text.
    Text,
}

/// What was found in a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// A whole event with all bytes that stand before its data.
    Event(Vec<u8>),
    /// Bytes that belong behind the event before them.
    Glue(Vec<u8>),
}

/// Cuts a stream.
#[derive(Debug)]
pub(super) struct Frames {
    framing: Framing,
    raw: Vec<u8>,
    splitter: Splitter,
    /// In an array: how deep, whether in a string, whether behind a backslash.
    depth: usize,
    in_string: bool,
    is_escaped: bool,
    is_in_list: bool,
}

impl Frames {
    pub(super) fn new(framing: Framing) -> Self {
        Self {
            framing,
            raw: Vec::new(),
            splitter: Splitter::default(),
            depth: 0,
            in_string: false,
            is_escaped: false,
            is_in_list: false,
        }
    }

    /// Bytes of the unfinished event.
    pub(super) const fn held(&self) -> usize {
        self.raw.len()
    }

    pub(super) fn feed(&mut self, bytes: &[u8], ready: &mut Vec<Frame>) {
        match self.framing {
            Framing::Sse => self.sse(bytes, ready),
            Framing::NdJson => {
                let mut rest = bytes;
                while let Some(at) = memchr::memchr(b'\n', rest) {
                    let (line, more) = rest.split_at_checked(at + 1).unwrap_or((rest, &[]));
                    self.raw.extend_from_slice(line);
                    self.end_event(ready);
                    rest = more;
                }
                self.raw.extend_from_slice(rest);
            }
            Framing::JsonArray => self.array(bytes, ready),
            Framing::Json | Framing::Text => self.raw.extend_from_slice(bytes),
        }
    }

    /// What the stream's end leaves unfinished.
    pub(super) fn finish(&mut self, ready: &mut Vec<Frame>) {
        if !self.raw.is_empty() {
            self.end_event(ready);
        }
    }

    fn end_event(&mut self, ready: &mut Vec<Frame>) {
        ready.push(Frame::Event(std::mem::take(&mut self.raw)));
    }

    fn sse(&mut self, bytes: &[u8], ready: &mut Vec<Frame>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.splitter.is_after_cr() && rest.first() == Some(&b'\n') {
                self.splitter.feed(b"\n", &mut |_| {});
                if self.raw.is_empty() {
                    ready.push(Frame::Glue(b"\n".to_vec()));
                } else {
                    self.raw.push(b'\n');
                }
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            // One line at a time, so that an event's end is also the end of what was taken.
            let len = memchr::memchr2(b'\n', b'\r', rest).map_or(rest.len(), |at| at + 1);
            let (line, more) = rest.split_at_checked(len).unwrap_or((rest, &[]));
            self.raw.extend_from_slice(line);
            let mut ended = false;
            self.splitter.feed(line, &mut |piece| ended |= matches!(piece, Piece::End { .. }));
            if ended {
                self.end_event(ready);
            }
            rest = more;
        }
    }

    /// Elements of the list are events; brackets, commas and space between them are glue.
    fn array(&mut self, bytes: &[u8], ready: &mut Vec<Frame>) {
        for byte in bytes {
            self.raw.push(*byte);
            if self.in_string {
                match byte {
                    _ if self.is_escaped => self.is_escaped = false,
                    b'\\' => self.is_escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'[' if self.depth == 0 && !self.is_in_list => self.is_in_list = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth > 1 => self.depth -= 1,
                b'}' | b']' if self.depth == 1 => {
                    self.depth = 0;
                    self.end_event(ready);
                }
                b']' => ready.push(Frame::Glue(std::mem::take(&mut self.raw))),
                _ => {}
            }
        }
    }

    /// The data of an event: where it stands, piece by piece, and its bytes if they do not lie together.
    pub(super) fn data(&self, raw: &[u8]) -> Data {
        match self.framing {
            Framing::Sse => Data::of_sse(raw),
            Framing::NdJson | Framing::Json | Framing::Text => Data::at(0..raw.len()),
            Framing::JsonArray => {
                let is_glue = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',');
                let space = raw.iter().take_while(|byte| is_glue(byte)).count();
                let opens = raw.get(space) == Some(&b'[');
                let start = if opens {
                    space + 1 + raw.iter().skip(space + 1).take_while(|byte| is_glue(byte)).count()
                } else {
                    space
                };
                Data::at(start.min(raw.len())..raw.len())
            }
        }
    }
}

/// An event's data.
#[derive(Debug, Default)]
pub(super) struct Data {
    /// The data, if it stands on several lines.
    joined: Vec<u8>,
    /// Where each piece stands in the data and in the event.
    pieces: Vec<(usize, Range<usize>)>,
}

impl Data {
    fn at(range: Range<usize>) -> Self {
        Self { joined: Vec::new(), pieces: vec![(0, range)] }
    }

    fn of_sse(raw: &[u8]) -> Self {
        let mut data = Self::default();
        let mut len = 0;
        let base = raw.as_ptr().addr();
        Splitter::default().feed(raw, &mut |piece| {
            let Piece::Data(part) = piece else { return };
            // Line breaks between the lines of one event are the splitter's own.
            if let Some(at) = part.as_ptr().addr().checked_sub(base).filter(|at| at + part.len() <= raw.len()) {
                data.pieces.push((len, at..at + part.len()));
            }
            len += part.len();
        });
        if data.pieces.len() > 1 {
            for (at, range) in &data.pieces {
                data.joined.resize(*at, b'\n');
                data.joined.extend_from_slice(raw.get(range.clone()).unwrap_or_default());
            }
        }
        data
    }

    /// The bytes.
    pub(super) fn bytes<'a>(&'a self, raw: &'a [u8]) -> &'a [u8] {
        match self.pieces.as_slice() {
            [(_, range)] => raw.get(range.clone()).unwrap_or_default(),
            _ => &self.joined,
        }
    }

    /// Where a span of the data, within one line, stands in the event.
    pub(super) fn in_event(&self, span: Range<usize>) -> Range<usize> {
        let behind = self.pieces.partition_point(|(at, _)| *at <= span.start);
        match self.pieces.get(behind.saturating_sub(1)) {
            Some((at, range)) => range.start + span.start - at..range.start + span.end - at,
            None => span,
        }
    }
}

/// A line of an event that is no data.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) what: &'static str,
    /// Where its text stands: a known field's value, else all of the line.
    pub(super) text: Range<usize>,
}

/// The lines of a whole event that are no data, for nobody may read them, but somebody could.
pub(super) fn other_lines(raw: &[u8]) -> impl Iterator<Item = Line> {
    let mut at = if raw.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    std::iter::from_fn(move || {
        loop {
            let rest = raw.get(at..).filter(|rest| !rest.is_empty())?;
            let len = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            let (line, start) = (rest.get(..len).unwrap_or_default(), at);
            at += len + 1;
            let colon = memchr::memchr(b':', line);
            let (what, skipped) = match (line.get(..colon.unwrap_or(len)), colon) {
                (Some(b"data"), _) => continue,
                (Some(b"event"), Some(colon)) => ("event", colon + 1),
                (Some(b"id"), Some(colon)) => ("id", colon + 1),
                (Some(b"retry"), Some(colon)) => ("retry", colon + 1),
                (Some(b""), Some(colon)) => ("comment", colon + 1),
                _ if line.is_empty() => continue,
                _ => ("line", 0),
            };
            return Some(Line { what, text: start + skipped..start + len });
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_besides_data_are_told_by_their_field() {
        let raw = b"\xef\xbb\xbf: hi\r\nevent:a\rid: 7\ndata: x\ndata\nretry: 3\nnobody knows\ndatabase: y\n\n";
        let lines: Vec<_> = other_lines(raw).map(|line| (line.what, &raw[line.text])).collect();
        let expected: [(&str, &[u8]); 6] = [
            ("comment", b" hi"),
            ("event", b"a"),
            ("id", b" 7"),
            ("retry", b" 3"),
            ("line", b"nobody knows"),
            ("line", b"database: y"),
        ];
        assert_eq!(lines, expected);
    }
}
