//! Server-sent events, read incrementally from foreign bytes.
//!
//! It never holds more than one unfinished event of at most [`MAX_EVENT_BYTES`], never looks at a
//! byte twice, and takes bytes as bytes: invalid UTF-8 passes. Rules: WHATWG HTML, "Server-sent
//! events", parsing an event stream; `id` and `retry` are recognised and left alone.

use memchr::memchr2;

/// The longest event that [`Reader`] holds; a longer one is skipped and counted.
pub const MAX_EVENT_BYTES: usize = 1 << 20;

const BOM: &[u8; 3] = b"\xef\xbb\xbf";

/// One piece of an event, as [`Splitter`] finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Further bytes of the event's data; the lines of a multi-line event come joined by `\n`.
    Data(&'a [u8]),
    /// An `event` field begins; what was read of an earlier one in the same event is void.
    NewName,
    /// Further bytes of the event's name.
    Name(&'a [u8]),
    /// A blank line: the event is complete. Without data it is void (`is_event` is false).
    End {
        /// Whether a `data` field was seen since the last blank line.
        is_event: bool,
    },
}

/// Takes a stream apart without holding any of it, whatever the split and the line ends.
///
/// A line end is `\n`, `\r\n` or `\r`; a `\r` at the end of a feed ends its line at once, and a
/// `\n` that opens the next feed is then recognised as its second half.
#[derive(Debug, Default)]
pub struct Splitter {
    bom_bytes: usize,
    after_cr: bool,
    has_data: bool,
    line: Line,
}

#[derive(Clone, Copy, Debug)]
enum Line {
    /// Reading the field's name; the longest that matters has five letters.
    Head([u8; 5], usize),
    /// The one space that may follow the colon has not been looked for yet.
    AfterColon(Field),
    Value(Field),
}

impl Default for Line {
    fn default() -> Self {
        Self::Head([0; 5], 0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Data,
    Name,
    Other,
}

impl Splitter {
    /// Reads on; `on` gets each piece as it is found.
    pub fn feed<'a>(&mut self, bytes: &'a [u8], on: &mut impl FnMut(Piece<'a>)) {
        let mut rest = self.strip_bom(bytes, on);
        while let Some((&first, tail)) = rest.split_first() {
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                rest = tail;
                continue;
            }
            let Some((line, end, more)) = split_line(rest) else {
                self.content(rest, on);
                return;
            };
            self.content(line, on);
            self.end_line(on);
            self.after_cr = end == b'\r';
            rest = more;
        }
    }

    /// Whether a `\n` as the next byte would only be the second half of a `\r\n`.
    pub(crate) const fn is_after_cr(&self) -> bool {
        self.after_cr
    }

    /// Swallows a byte order mark at the very start, however it is split.
    fn strip_bom<'a>(&mut self, mut bytes: &'a [u8], on: &mut impl FnMut(Piece<'a>)) -> &'a [u8] {
        while let Some(expected) = BOM.get(self.bom_bytes) {
            match bytes.split_first() {
                Some((first, tail)) if first == expected => {
                    self.bom_bytes += 1;
                    bytes = tail;
                }
                Some(_) => {
                    // It only looked like one: what was held back belongs to the first line.
                    let held = BOM.get(..self.bom_bytes).unwrap_or_default();
                    self.bom_bytes = BOM.len();
                    self.content(held, on);
                }
                None => return bytes,
            }
        }
        bytes
    }

    fn content<'a>(&mut self, mut bytes: &'a [u8], on: &mut impl FnMut(Piece<'a>)) {
        while let Some((&first, tail)) = bytes.split_first() {
            match &mut self.line {
                Line::Head(name, len) => {
                    bytes = tail;
                    if first == b':' {
                        let field = Field::of(name.get(..*len).unwrap_or_default());
                        self.line = Line::AfterColon(field);
                        self.begin(field, on);
                    } else if let Some(slot) = name.get_mut(*len) {
                        *slot = first;
                        *len += 1;
                    } else {
                        self.line = Line::Value(Field::Other);
                    }
                }
                Line::AfterColon(field) => {
                    self.line = Line::Value(*field);
                    if first == b' ' {
                        bytes = tail;
                    }
                }
                Line::Value(Field::Data) => return on(Piece::Data(bytes)),
                Line::Value(Field::Name) => return on(Piece::Name(bytes)),
                Line::Value(Field::Other) => return,
            }
        }
    }

    fn begin<'a>(&mut self, field: Field, on: &mut impl FnMut(Piece<'a>)) {
        match field {
            Field::Data if self.has_data => on(Piece::Data(b"\n")),
            Field::Data => self.has_data = true,
            Field::Name => on(Piece::NewName),
            Field::Other => {}
        }
    }

    fn end_line<'a>(&mut self, on: &mut impl FnMut(Piece<'a>)) {
        if let Line::Head(name, len) = std::mem::take(&mut self.line) {
            if len == 0 {
                on(Piece::End { is_event: std::mem::take(&mut self.has_data) });
            } else {
                // A line without a colon is a field with an empty value.
                self.begin(Field::of(name.get(..len).unwrap_or_default()), on);
            }
        }
    }
}

impl Field {
    fn of(name: &[u8]) -> Self {
        match name {
            b"data" => Self::Data,
            b"event" => Self::Name,
            _ => Self::Other,
        }
    }
}

fn split_line(bytes: &[u8]) -> Option<(&[u8], u8, &[u8])> {
    let (line, rest) = bytes.split_at_checked(memchr2(b'\n', b'\r', bytes)?)?;
    let (end, more) = rest.split_first()?;
    Some((line, *end, more))
}

/// One whole event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The event's name; empty when it has none (which means `message`).
    pub event: &'a [u8],
    /// Its data, lines joined by `\n`.
    pub data: &'a [u8],
}

/// Gathers whole events; one whose data lies in one line of one feed is handed out without a copy.
///
/// ```
/// use llm_gateway::dialect::sse::Reader;
/// let mut reader = Reader::default();
/// let mut seen = Vec::new();
/// for feed in ["data: hel", "lo\r", "\n\r\n"] {
///     reader.feed(feed.as_bytes(), |event| seen.push(event.data.to_vec()));
/// }
/// assert_eq!(seen, [b"hello"]);
/// ```
#[derive(Debug)]
pub struct Reader {
    splitter: Splitter,
    name: Vec<u8>,
    data: Vec<u8>,
    is_oversize: bool,
    skipped: u64,
    max_bytes: usize,
}

impl Default for Reader {
    fn default() -> Self {
        Self::with_limit(MAX_EVENT_BYTES)
    }
}

impl Reader {
    /// A reader that holds events of at most `max_bytes`.
    pub fn with_limit(max_bytes: usize) -> Self {
        Self {
            splitter: Splitter::default(),
            name: Vec::new(),
            data: Vec::new(),
            is_oversize: false,
            skipped: 0,
            max_bytes,
        }
    }

    /// Reads on; `on` gets each event as it is completed. An event that the stream's end cuts off
    /// is never handed out.
    pub fn feed(&mut self, bytes: &[u8], mut on: impl FnMut(Event<'_>)) {
        let Self { splitter, name, data, is_oversize, skipped, max_bytes } = self;
        // The data's only piece so far, still lying in `bytes`.
        let mut lent: Option<&[u8]> = None;
        splitter.feed(bytes, &mut |piece| {
            match piece {
                Piece::Data(_) | Piece::Name(_) if *is_oversize => {}
                Piece::Data(part) if data.is_empty() && lent.is_none() => lent = Some(part),
                Piece::Data(part) => {
                    data.extend_from_slice(lent.take().unwrap_or_default());
                    data.extend_from_slice(part);
                }
                Piece::NewName => name.clear(),
                Piece::Name(part) => name.extend_from_slice(part),
                Piece::End { is_event } => {
                    match (is_event, *is_oversize) {
                        (true, false) => on(Event { event: name, data: lent.unwrap_or(data) }),
                        (true, true) => *skipped += 1,
                        (false, _) => {}
                    }
                    lent = None;
                    *is_oversize = false;
                    release(name);
                    release(data);
                }
            }
            if name.len() + data.len() + lent.map_or(0, <[u8]>::len) > *max_bytes {
                *is_oversize = true;
                lent = None;
                release(name);
                release(data);
            }
        });
        data.extend_from_slice(lent.unwrap_or_default());
    }

    /// Number of events that were longer than the limit and therefore skipped.
    pub const fn skipped(&self) -> u64 {
        self.skipped
    }
}

/// Empties a buffer; a big one is given back, so that a long stream does not keep its largest event's memory.
fn release(buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.shrink_to(16 << 10);
}

#[cfg(test)]
mod tests;
