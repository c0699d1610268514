//! A question cut into words, numbers and signs, each with its place in the text.

use super::Span;

/// Most bytes of a question.
pub(super) const QUESTION_BYTES_MAX: usize = 2_000;

/// One word, number or sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// In lower case; after a correction, as corrected. Of quoted text, what is between the quotes.
    pub(super) text: String,
    /// Where it stands.
    pub(super) span: Span,
    /// What it is.
    pub(super) kind: TokenKind,
    /// Nothing stands between it and the token before.
    pub(super) is_glued: bool,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// Letters, maybe with digits: `model`, `p95`, `50k`.
    Word,
    /// Digits, maybe with a fraction.
    Number,
    /// A sign: `$`, `>=`, `-`.
    Sign,
    /// Text between quotes: a name, never a word.
    Quoted,
}

impl Token {
    /// Whether it is this word or sign.
    pub(super) fn is(&self, text: &str) -> bool {
        self.kind != TokenKind::Quoted && self.text == text
    }

    /// Whether it is one of these.
    pub(super) fn is_any(&self, texts: &[&str]) -> bool {
        texts.iter().any(|text| self.is(text))
    }

    /// The pieces that names are compared by: runs of letters and runs of digits.
    pub(super) fn atoms(&self) -> Vec<String> {
        atoms(&self.text)
    }
}

/// Runs of letters and runs of digits, in lower case; everything else separates.
pub(super) fn atoms(text: &str) -> Vec<String> {
    let mut atoms: Vec<String> = Vec::new();
    let mut last = None;
    for letter in text.chars().flat_map(char::to_lowercase) {
        let class = if letter.is_numeric() {
            Some('0')
        } else if letter.is_alphanumeric() {
            Some('a')
        } else {
            None
        };
        match (class, atoms.last_mut()) {
            (Some(_), Some(atom)) if class == last => atom.push(letter),
            (Some(_), _) => atoms.push(letter.to_string()),
            (None, _) => {}
        }
        last = class;
    }
    atoms
}

/// Cuts a question into tokens.
pub(super) fn tokens(question: &str) -> Vec<Token> {
    let letters: Vec<(usize, char)> = question.char_indices().collect();
    let mut cutter = Cutter { question, letters: &letters, at: 0, tokens: Vec::new(), end_before: 0 };
    while let Some(letter) = cutter.peek(0) {
        if letter.is_whitespace() || letter.is_control() {
            cutter.at += 1;
        } else if let Some(closing) = cutter.closing_quote(letter) {
            cutter.quoted(closing);
        } else if letter.is_alphanumeric() {
            cutter.word();
        } else if matches!(letter, '\'' | '’') {
            cutter.apostrophe();
        } else {
            cutter.sign(letter);
        }
    }
    cutter.tokens
}

struct Cutter<'a> {
    question: &'a str,
    letters: &'a [(usize, char)],
    at: usize,
    tokens: Vec<Token>,
    /// The first byte after the last token.
    end_before: usize,
}

impl Cutter<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.letters.get(self.at + ahead).map(|(_, letter)| *letter)
    }

    fn byte(&self, at: usize) -> usize {
        self.letters.get(at).map_or(self.question.len(), |(byte, _)| *byte)
    }

    /// Ends the token that began at the letter `start`.
    fn push(&mut self, start: usize, kind: TokenKind, text: String) {
        let span = Span { start: self.byte(start), end: self.byte(self.at) };
        let is_glued = !self.tokens.is_empty() && span.start == self.end_before;
        self.end_before = span.end;
        self.tokens.push(Token { text, span, kind, is_glued });
    }

    /// The place of the quote that closes one here.
    fn closing_quote(&self, letter: char) -> Option<usize> {
        let closes: &[char] = match letter {
            '"' | '“' | '”' => &['"', '”', '“'],
            '`' => &['`'],
            '‘' => &['’'],
            '\'' => &['\''],
            _ => return None,
        };
        let before = self.at.checked_sub(1).and_then(|at| self.letters.get(at)).map(|(_, letter)| *letter);
        if letter == '\'' && before.is_some_and(char::is_alphanumeric) {
            return None;
        }
        let rest = self.letters.iter().enumerate().skip(self.at + 1);
        rest.filter(|(_, (_, other))| closes.contains(other)).map(|(at, _)| at).find(|at| {
            let after = self.letters.get(at + 1).map(|(_, letter)| *letter);
            *at > self.at + 1 && (letter != '\'' || !after.is_some_and(char::is_alphanumeric))
        })
    }

    fn quoted(&mut self, closing: usize) {
        let start = self.at;
        let inside = self.question.get(self.byte(start + 1)..self.byte(closing)).unwrap_or_default().to_owned();
        self.at = closing + 1;
        self.push(start, TokenKind::Quoted, inside);
    }

    fn word(&mut self) {
        let start = self.at;
        let mut text = String::new();
        let mut is_number = true;
        while let Some(letter) = self.peek(0) {
            let is_digit = letter.is_ascii_digit();
            let next_is_digit = self.peek(1).is_some_and(|next| next.is_ascii_digit());
            if letter.is_alphanumeric() {
                is_number &= is_digit;
                text.extend(letter.to_lowercase());
            } else if letter == '.' && is_number && next_is_digit && !text.contains('.') {
                text.push('.');
            } else if !(letter == ',' && is_number && !text.contains('.') && self.is_thousands()) {
                break;
            }
            self.at += 1;
        }
        // "don't" is one word, and so are "whats" and "what's" alike.
        let follows = (self.peek(0), self.peek(1), self.peek(2));
        if let (Some('\'' | '’'), Some('t'), after) = follows
            && !after.is_some_and(char::is_alphanumeric)
        {
            text.push('t');
            self.at += 2;
        }
        self.push(start, if is_number { TokenKind::Number } else { TokenKind::Word }, text);
    }

    /// Whether a comma with exactly three digits stands here.
    fn is_thousands(&self) -> bool {
        let digit = |ahead| self.peek(ahead).is_some_and(|letter| letter.is_ascii_digit());
        digit(1) && digit(2) && digit(3) && !digit(4)
    }

    fn apostrophe(&mut self) {
        let start = self.at;
        self.at += 1;
        let mut text = "'".to_owned();
        while let Some(letter) = self.peek(0).filter(|letter| letter.is_alphanumeric()) {
            text.extend(letter.to_lowercase());
            self.at += 1;
        }
        match text.as_str() {
            "'" => {}
            "'ll" => self.push(start, TokenKind::Word, "will".to_owned()),
            _ => self.push(start, TokenKind::Word, text),
        }
    }

    fn sign(&mut self, letter: char) {
        let start = self.at;
        self.at += 1;
        let is_with_equal = matches!(letter, '>' | '<' | '!' | '=') && self.peek(0) == Some('=');
        let text = match letter {
            '≥' => ">=".to_owned(),
            '≤' => "<=".to_owned(),
            '≠' => "!=".to_owned(),
            '–' | '—' | '−' => "-".to_owned(),
            _ if is_with_equal => {
                self.at += 1;
                if letter == '=' { "=".to_owned() } else { format!("{letter}=") }
            }
            _ => letter.to_string(),
        };
        self.push(start, TokenKind::Sign, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_numbers_and_signs() {
        let cases: [(&str, &[&str]); 9] = [
            ("What's our bill?", &["what", "'s", "our", "bill", "?"]),
            ("tokens/user/day 7d", &["tokens", "/", "user", "/", "day", "7d"]),
            ("over $1,000.50", &["over", "$", "1000.50"]),
            ("gpt-4.1-mini", &["gpt", "-", "4.1", "-", "mini"]),
            ("cost >= 5", &["cost", ">=", "5"]),
            ("don't", &["dont"]),
            ("for \"Data Science\" only", &["for", "Data Science", "only"]),
            ("the users' calls", &["the", "users", "calls"]),
            ("oct 1, 2026", &["oct", "1", ",", "2026"]),
        ];
        for (text, expected) in cases {
            let found: Vec<_> = tokens(text).into_iter().map(|token| token.text).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn names_are_compared_by_letters_and_digits() {
        assert_eq!(atoms("GPT-4o_mini"), ["gpt", "4", "o", "mini"]);
        assert_eq!(atoms("llama3:8b"), ["llama", "3", "8", "b"]);
    }
}
