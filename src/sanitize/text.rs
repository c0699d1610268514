//! One logical text: what a reader of a document would see as one piece of writing, decoded, with the
//! way back from each character to the bytes it is written with.
//!
//! Its bytes may be spread over many events, its characters escaped once (in a JSON string) or more often
//! (JSON inside a JSON string, as tool arguments are; JSON inside that). It never forgets where a character that has not
//! been judged yet was written, and never edits anything that is not text: quotes and brackets of inner
//! JSON stay.

mod inner;

use std::{collections::VecDeque, ops::Range};

use inner::Inner;

use super::{LOOK_BACK, rules::Tail};
use crate::dialect::{quote, splice::Edit};

/// How a text stands in its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The inside of a JSON string.
    Quoted,
    /// A JSON value of the document, read as a whole: keys, strings and numbers are all text.
    Value,
    /// Bytes that are text themselves (a text file, a form's field).
    Bare,
    /// A text file in base64, whole in a JSON string.
    Base64,
    /// An answer's words with their probabilities: they go as a whole or not at all.
    Tokens,
}

/// What a piece of a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Characters; they may be cut out and replaced.
    Content,
    /// Punctuation of inner JSON: stays.
    Structure,
    /// A number or word of inner JSON: goes as a whole, and what comes in its place is quoted.
    Scalar,
    /// A part of something that can only go as a whole; this comes in its place.
    Whole(&'static str),
}

/// Characters and the bytes that write them.
#[derive(Clone, Debug)]
struct Piece {
    /// Where it begins in the text, counted from the text's beginning.
    at: usize,
    /// Length in the text. 0 for bytes that are only a part of the next piece's character.
    len: usize,
    /// The event in which it stands.
    event: u64,
    /// Its bytes there. As many as in the text, or all for one character.
    raw: Range<usize>,
    role: Role,
    /// How many times what replaces it must be escaped.
    escapes: u8,
}

/// The text.
#[derive(Debug)]
pub(crate) struct Text {
    kept: String,
    /// Where `kept` begins.
    base: usize,
    /// Everything before it has been judged.
    from: usize,
    /// Everything before it has left and cannot be changed any more.
    left: usize,
    /// Where judging goes on when a text goes on that was taken as ended.
    resume: Option<usize>,
    /// Set while what follows still belongs to a match that was too long.
    pub(crate) swallows: Option<Tail>,
    pieces: VecDeque<Piece>,
    inner: Inner,
    form: Form,
}

impl Text {
    pub(crate) fn new(form: Form) -> Self {
        Self {
            kept: String::new(),
            base: 0,
            from: 0,
            left: 0,
            resume: None,
            swallows: None,
            pieces: VecDeque::new(),
            inner: Inner::new(form == Form::Value),
            form,
        }
    }

    /// Adds `raw`, which stands at `offset` of `event`.
    pub(crate) fn push(&mut self, raw: &str, event: u64, offset: usize) {
        if self.form != Form::Quoted {
            return self.decoded(raw, event, offset..offset + raw.len());
        }
        let mut at = 0;
        while let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) {
            let plain = memchr::memchr(b'\\', rest.as_bytes()).unwrap_or(rest.len());
            let (run, escaped) = rest.split_at_checked(plain).unwrap_or((rest, ""));
            if !run.is_empty() {
                self.decoded(run, event, offset + at..offset + at + plain);
            }
            at += plain;
            if !escaped.is_empty() {
                let (c, len) = unescape(escaped);
                self.decoded(c.encode_utf8(&mut [0; 4]), event, offset + at..offset + at + len);
                at += len;
            }
        }
    }

    /// Adds `text`, a part of what stands at `raw` of `event`, which `instead` replaces should it have to go.
    pub(crate) fn push_part(&mut self, text: &str, event: u64, raw: Range<usize>, instead: &'static str) {
        let piece = Piece { at: self.end(), len: text.len(), event, raw, role: Role::Whole(instead), escapes: 0 };
        self.kept.push_str(text);
        self.pieces.push_back(piece);
    }

    fn add(&mut self, text: &str, event: u64, raw: Range<usize>, role: Role, escapes: u8) {
        let at = self.end();
        self.kept.push_str(text);
        if let Some(last) = self.pieces.back_mut()
            && last.event == event
            && last.role == role
            && last.escapes == escapes
            && last.raw.end == raw.start
            && last.len == last.raw.len()
            && text.len() == raw.len()
            && last.len > 0
        {
            last.len += text.len();
            last.raw.end = raw.end;
            return;
        }
        self.pieces.push_back(Piece { at, len: text.len(), event, raw, role, escapes });
    }

    const fn outer_escapes(&self) -> u8 {
        match self.form {
            Form::Quoted => 1,
            Form::Value | Form::Bare | Form::Base64 | Form::Tokens => 0,
        }
    }

    fn end(&self) -> usize {
        self.base + self.kept.len()
    }

    /// The text that is still at hand, the place in it before which all is judged, and where it may be
    /// judged to at most: a number that has not ended yet must wait.
    pub(crate) fn unjudged(&self, is_final: bool) -> (&str, usize, usize) {
        let limit = if is_final { self.end() } else { self.inner.scalar_start().unwrap_or_else(|| self.end()) };
        (&self.kept, self.from - self.base, limit.max(self.from) - self.base)
    }

    /// Text of a range as [`Self::unjudged`] counts.
    pub(crate) fn slice(&self, range: Range<usize>) -> &str {
        self.kept.get(range).unwrap_or_default()
    }

    /// Replaces a range, counted as [`Self::unjudged`] does: `edit` gets the changes, event by event.
    pub(crate) fn replace(&self, range: Range<usize>, with: &str, edit: &mut impl FnMut(u64, Edit)) {
        let (start, end) = (range.start + self.base, range.end + self.base);
        let touches = |piece: &Piece| {
            (piece.at < end && piece.at + piece.len > start) || (piece.len == 0 && piece.at >= start && piece.at < end)
        };
        let first = self.pieces.partition_point(|piece| piece.at + piece.len < start);
        let touched = self.pieces.iter().enumerate().skip(first).take_while(|(_, piece)| piece.at < end);
        let mut with = Some(with);
        let mut done_scalar = None;
        for (index, piece) in touched.filter(|(_, piece)| touches(piece)) {
            match piece.role {
                Role::Structure => {}
                Role::Whole(instead) => edit(piece.event, Edit { span: piece.raw.clone(), with: instead.into() }),
                Role::Content => {
                    let span = if piece.len == piece.raw.len() {
                        let from = piece.raw.start + start.saturating_sub(piece.at);
                        from..piece.raw.end - (piece.at + piece.len).saturating_sub(end)
                    } else {
                        piece.raw.clone()
                    };
                    let with = with.take().map(|with| escaped(with, piece.escapes)).unwrap_or_default();
                    if !span.is_empty() || !with.is_empty() {
                        edit(piece.event, Edit { span, with: with.into_bytes() });
                    }
                }
                Role::Scalar => {
                    let whole = self.scalar(index);
                    if done_scalar != Some(whole.start) {
                        done_scalar = Some(whole.start);
                        let quoted = with.take().map_or_else(|| "null".to_owned(), quote::quoted);
                        let mut quoted = Some(escaped(&quoted, piece.escapes));
                        for piece in self.pieces.range(whole) {
                            let with = quoted.take().unwrap_or_default().into_bytes();
                            edit(piece.event, Edit { span: piece.raw.clone(), with });
                        }
                    }
                }
            }
        }
    }

    /// The pieces of the number or word of which the piece at `index` is one.
    fn scalar(&self, index: usize) -> Range<usize> {
        let is_scalar = |index: usize| self.pieces.get(index).is_some_and(|piece| piece.role == Role::Scalar);
        let mut whole = index..index + 1;
        while whole.start > 0 && is_scalar(whole.start - 1) {
            whole.start -= 1;
        }
        while is_scalar(whole.end) {
            whole.end += 1;
        }
        whole
    }

    /// Everything before `to` (as [`Self::unjudged`] counts) is judged: its bytes may leave.
    pub(crate) fn settle(&mut self, to: usize) {
        self.from = (self.base + to).min(self.end()).max(self.from);
        let from = self.from;
        let keep = self.resume.unwrap_or(from);
        while self.pieces.front().is_some_and(|piece| piece.at + piece.len <= from && piece.at < from) {
            self.pieces.pop_front();
        }
        let mut gone = keep.saturating_sub(LOOK_BACK).saturating_sub(self.base);
        // Moving the rest costs time: only now and then.
        if gone > 4 * LOOK_BACK.max(self.kept.len() - gone) {
            while !self.kept.is_char_boundary(gone) {
                gone -= 1;
            }
            self.kept.drain(..gone);
            self.base += gone;
        }
    }

    /// The text is about to be judged as if it had ended, although more may follow.
    pub(crate) fn pause(&mut self) {
        self.end_escapes();
        self.resume = Some(self.from);
    }

    /// All of it leaves now. What was open before stays at hand: should the text go on, it is judged
    /// together with what follows.
    pub(crate) fn paused(&mut self) {
        if let Some(resume) = self.resume.take() {
            self.from = resume;
            self.left = self.end();
            self.pieces.clear();
        }
    }

    /// Nothing has come since it was taken as ended.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.pieces.is_empty() && self.left == self.end()
    }

    /// The place (as [`Self::unjudged`] counts) before which everything has left.
    pub(crate) fn left(&self) -> usize {
        self.left.saturating_sub(self.base)
    }

    /// The first event of which bytes are not judged yet.
    pub(crate) fn waits_in(&self) -> Option<u64> {
        self.pieces.front().map(|piece| piece.event)
    }
}

/// The character that an escape at the beginning of `text` writes, and the escape's length.
fn unescape(text: &str) -> (char, usize) {
    let unit = |text: Option<&str>| text.and_then(|digits| u16::from_str_radix(digits, 16).ok());
    match text.as_bytes().get(1) {
        Some(b'u') => {
            let Some(high) = unit(text.get(2..6)) else { return (char::REPLACEMENT_CHARACTER, text.len()) };
            let low = text.get(6..).and_then(|rest| rest.strip_prefix("\\u")).and_then(|rest| unit(rest.get(..4)));
            if let (0xd800..0xdc00, Some(low @ 0xdc00..=0xdfff)) = (high, low) {
                let code = 0x1_0000 + ((u32::from(high) - 0xd800) << 10) + (u32::from(low) - 0xdc00);
                return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12);
            }
            // Half a pair is no character.
            (char::from_u32(u32::from(high)).unwrap_or(char::REPLACEMENT_CHARACTER), 6)
        }
        Some(letter) => (simple_escape(*letter).unwrap_or(char::REPLACEMENT_CHARACTER), 2.min(text.len())),
        None => (char::REPLACEMENT_CHARACTER, text.len()),
    }
}

const fn simple_escape(letter: u8) -> Option<char> {
    Some(match letter {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        _ => return None,
    })
}

/// `text` as it must be written inside so many JSON strings.
fn escaped(text: &str, times: u8) -> String {
    (0..times).fold(text.to_owned(), |text, _| {
        let quoted = quote::quoted(&text);
        quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
    })
}
