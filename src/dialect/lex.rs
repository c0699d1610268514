//! A strict JSON lexer over a whole body that is already known to be UTF-8.
//!
//! Not recursive: how deep a value nests costs one bit a level and no stack.

use std::{borrow::Cow, ops::Range};

use super::{estimate::Estimate, steer::SteerError};

/// How deep a body may nest, its own object included: as deep as `serde_json` reads.
pub const MAX_DEPTH: usize = 127;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Number,
    True,
    False,
    Null,
}

/// A scalar, or the opening brace or bracket of a container.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Range<usize>,
}

pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// One bit for each open container, innermost lowest: 1 for an object.
    open: u128,
    depth: usize,
    text_bytes: u64,
    /// Counts tokens of text, where somebody wants to know.
    estimate: Option<Estimate>,
}

impl<'a> Lexer<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text, at: 0, open: 0, depth: 0, text_bytes: 0, estimate: None }
    }

    /// The same, and the tokens of its text are estimated meanwhile.
    pub(crate) fn estimating(text: &'a str) -> Self {
        Self { estimate: Some(Estimate::default()), ..Self::new(text) }
    }

    /// The tokens of the text so far.
    pub(crate) fn text_tokens(&self) -> u64 {
        self.estimate.as_ref().map_or(0, |estimate| estimate.tokens(self.text_bytes))
    }

    /// Where the next byte lies.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    pub(crate) const fn text_bytes(&self) -> u64 {
        self.text_bytes
    }

    /// Reads a scalar, or the opening of a container.
    pub(crate) fn value(&mut self) -> Result<Token, SteerError> {
        self.space();
        let start = self.at;
        let kind = match self.peek() {
            Some(b'{') => self.push(true)?,
            Some(b'[') => self.push(false)?,
            Some(b'"') => {
                let span = self.string()?;
                self.count_text(&span);
                Kind::String
            }
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true", Kind::True)?,
            Some(b'f') => self.word("false", Kind::False)?,
            Some(b'n') => self.word("null", Kind::Null)?,
            Some(_) => return Err(self.error("expected a value")),
            None => return Err(self.error("unexpected end")),
        };
        Ok(Token { kind, span: start..self.at })
    }

    /// In an object: the next key and where it begins, or `None` at the closing brace.
    pub(crate) fn key(&mut self, is_first: bool) -> Result<Option<(Cow<'a, str>, usize)>, SteerError> {
        let Some(span) = self.key_span(is_first)? else { return Ok(None) };
        let start = span.start;
        Ok(Some((self.unescape(span)?, start)))
    }

    /// In an object: where the next key stands, quotes included, or `None` at the closing brace.
    pub(crate) fn key_span(&mut self, is_first: bool) -> Result<Option<Range<usize>>, SteerError> {
        self.space();
        if self.peek() == Some(b'}') {
            self.pop();
            return Ok(None);
        }
        if !is_first {
            self.expect(b',', "expected a comma or a closing brace")?;
            self.space();
        }
        let span = self.string()?;
        self.space();
        self.expect(b':', "expected a colon")?;
        Ok(Some(span))
    }

    /// In an array: whether another element follows; `false` at the closing bracket.
    pub(crate) fn has_element(&mut self, is_first: bool) -> Result<bool, SteerError> {
        self.space();
        if self.peek() == Some(b']') {
            self.pop();
            return Ok(false);
        }
        if !is_first {
            self.expect(b',', "expected a comma or a closing bracket")?;
        }
        Ok(true)
    }

    pub(crate) fn skip_value(&mut self) -> Result<(), SteerError> {
        let token = self.value()?;
        self.skip_rest(&token)
    }

    /// Reads the inside of a container whose opening is `token`; nothing is left of a scalar.
    pub(crate) fn skip_rest(&mut self, token: &Token) -> Result<(), SteerError> {
        if !matches!(token.kind, Kind::Object | Kind::Array) {
            return Ok(());
        }
        let base = self.depth - 1;
        let mut is_first = true;
        while self.depth > base {
            self.space();
            let is_object = self.open & 1 == 1;
            if self.peek() == Some(if is_object { b'}' } else { b']' }) {
                self.pop();
                is_first = false;
                continue;
            }
            if !is_first {
                self.expect(b',', "expected a comma or the end of the list")?;
                self.space();
            }
            if is_object {
                self.string()?;
                self.space();
                self.expect(b':', "expected a colon")?;
            }
            let depth = self.depth;
            self.value()?;
            is_first = self.depth > depth;
        }
        Ok(())
    }

    /// Nothing but space may follow.
    pub(crate) fn end(&mut self) -> Result<(), SteerError> {
        self.space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.error("text after the end")) }
    }

    pub(crate) fn text_of(&self, token: &Token) -> &'a str {
        self.text.get(token.span.clone()).unwrap_or_default()
    }

    /// The text of a string token.
    pub(crate) fn unescaped(&self, token: &Token) -> Result<Cow<'a, str>, SteerError> {
        self.unescape(token.span.clone())
    }

    /// The text of a string that stands at `span`, quotes included.
    pub(crate) fn unescape(&self, span: Range<usize>) -> Result<Cow<'a, str>, SteerError> {
        let offset = span.start;
        let quoted = self.text.get(span).unwrap_or_default();
        let plain = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
        if !plain.contains('\\') {
            return Ok(Cow::Borrowed(plain));
        }
        serde_json::from_str(quoted)
            .map(Cow::Owned)
            .map_err(|_| SteerError::Syntax { what: "a string with an invalid escape", offset })
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes().get(self.at).copied()
    }

    const fn error(&self, what: &'static str) -> SteerError {
        SteerError::Syntax { what, offset: self.at }
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), SteerError> {
        if self.peek() != Some(byte) {
            return Err(self.error(what));
        }
        self.at += 1;
        Ok(())
    }

    fn push(&mut self, is_object: bool) -> Result<Kind, SteerError> {
        if self.depth >= MAX_DEPTH {
            return Err(SteerError::TooDeep { offset: self.at });
        }
        self.depth += 1;
        self.open = (self.open << 1) | u128::from(is_object);
        self.at += 1;
        Ok(if is_object { Kind::Object } else { Kind::Array })
    }

    const fn pop(&mut self) {
        self.depth -= 1;
        self.open >>= 1;
        self.at += 1;
    }

    fn word(&mut self, word: &'static str, kind: Kind) -> Result<Kind, SteerError> {
        if !self.bytes().get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            return Err(self.error("expected a value"));
        }
        self.at += word.len();
        Ok(kind)
    }

    fn digits(&mut self) -> Result<(), SteerError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(self.error("expected a digit")) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<Kind, SteerError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Kind::Number)
    }

    /// Reads a string; its span includes the quotes.
    fn string(&mut self) -> Result<Range<usize>, SteerError> {
        let start = self.at;
        self.expect(b'"', "expected a string")?;
        loop {
            self.at += plain_length(self.bytes().get(self.at..).unwrap_or_default());
            match self.peek() {
                None => return Err(self.error("unexpected end inside a string")),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(start..self.at);
                }
                Some(b'\\') => self.escape()?,
                _ => return Err(self.error("a control character inside a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), SteerError> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return Err(self.error("expected a hex digit"));
                    }
                    self.at += 1;
                }
                Ok(())
            }
            _ => Err(self.error("an unknown escape")),
        }
    }

    fn count_text(&mut self, quoted: &Range<usize>) {
        let inside = self.bytes().get(quoted.start + 1..quoted.end - 1).unwrap_or_default();
        let is_file = inside.starts_with(b"data:") || (inside.len() >= 1_024 && memchr::memchr(b' ', inside).is_none());
        if !is_file {
            self.text_bytes += inside.len() as u64;
            if let Some(estimate) = &mut self.estimate {
                estimate.add(inside);
            }
        }
    }
}

/// How many bytes stand before the next one that is special inside a string: quote, backslash, control character.
fn plain_length(bytes: &[u8]) -> usize {
    let is_special = |byte: u8| (byte == b'"') | (byte == b'\\') | (byte < b' ');
    // Sixteen at a time and without a branch between them, the compiler makes a few vector instructions of it.
    let (blocks, _) = bytes.as_chunks::<16>();
    let is_plain = |block: &&[u8; 16]| !block.iter().fold(false, |found, byte| found | is_special(*byte));
    let plain = blocks.iter().take_while(is_plain).count() * 16;
    let rest = bytes.get(plain..).unwrap_or_default();
    plain + rest.iter().position(|byte| is_special(*byte)).unwrap_or(rest.len())
}
