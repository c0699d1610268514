//! Dates in words: a grammar of our own, because a gateway's history lies in the past ("in October" is the one that
//! has begun) and windows are whole units of a calendar.
//!
//! Every rule is a row of the table in `tests.rs`; docs/ask.md says the conventions. Pure: the clock is given.

mod calendar;
mod clock_times;
mod months;
mod points;
mod ranges;
#[cfg(test)]
mod brute;
#[cfg(test)]
mod tests;

pub(super) use calendar::CalendarUnit;
pub(super) use points::words;

use super::{
    Clock,
    tokens::{Token, TokenKind},
};

/// What words about time mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// A window.
    Range(Range),
    /// The present state.
    Now,
    /// A time that has not come yet.
    Future,
    /// Two readings; the text says which.
    Ambiguous(String),
    /// A unit against the one before it ("month over month").
    OverPrevious(CalendarUnit),
}

/// A window as it was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range {
    /// Its first microsecond; 0 is the beginning of all records.
    pub(super) from_us: i64,
    /// The first microsecond after it.
    pub(super) to_us: i64,
    /// The words.
    pub(super) label: String,
    /// A rule that was applied and must be said.
    pub(super) note: Option<&'static str>,
}

/// Reads the words about time that begin at a token: how many they are, and what they mean.
pub(super) fn read(tokens: &[Token], at: usize, clock: &Clock) -> Option<(usize, When)> {
    let reader = Reader { tokens, at, clock };
    let (end, mut when) = reader.when()?;
    if let When::Range(range) = &mut when {
        if range.from_us >= range.to_us {
            when = When::Future;
        } else {
            range.label = label(tokens.get(at..end)?);
        }
    }
    Some((end - at, when))
}

/// Words that may stand before a time and say nothing.
const LEADING: [&str; 12] =
    ["in", "on", "for", "during", "over", "within", "of", "throughout", "across", "at", "the", "from"];

/// The words as they were written, without those before them that say nothing.
fn label(tokens: &[Token]) -> String {
    let is_range = tokens.iter().any(|token| token.is_any(&["to", "-", "until", "till", "through", "thru"]));
    let says_nothing = |token: &&Token| token.is_any(&LEADING) && !(token.is("from") && is_range);
    let mut label = String::new();
    for token in tokens.iter().skip_while(says_nothing) {
        if !label.is_empty() && !token.is_glued {
            label.push(' ');
        }
        label.push_str(&token.text);
    }
    label
}

/// A place among the tokens. Rules take it by value and give back the place after what they read.
#[derive(Clone, Copy)]
struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    clock: &'a Clock,
}

/// A rule's result: what was read, and the reader behind it.
type Read<'a, T> = Option<(T, Reader<'a>)>;

impl<'a> Reader<'a> {
    fn token(self) -> Option<&'a Token> {
        self.tokens.get(self.at).filter(|token| token.kind != TokenKind::Quoted)
    }

    /// The present token's text.
    fn text(self) -> Option<&'a str> {
        self.token().map(|token| token.text.as_str())
    }

    fn next(self) -> Self {
        Self { at: self.at + 1, ..self }
    }

    /// Behind one of these words.
    fn word(self, words: &[&str]) -> Option<Self> {
        self.token().filter(|token| token.is_any(words)).map(|_| self.next())
    }

    /// Behind these words one after the other.
    fn phrase(self, words: &[&str]) -> Option<Self> {
        words.iter().try_fold(self, |reader, word| reader.word(&[word]))
    }

    /// Behind the word, if it stands here.
    fn skip(self, words: &[&str]) -> Self {
        self.word(words).unwrap_or(self)
    }

    /// A whole number, in digits or as a word.
    fn number(self) -> Read<'a, i64> {
        const WORDS: [&str; 13] =
            ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
        let text = self.text()?;
        let number = match text {
            "a" | "an" => 1,
            "couple" => return Some((2, self.next().skip(&["of"]))),
            "fourteen" => 14,
            "fifteen" => 15,
            "twenty" => 20,
            "thirty" => 30,
            "sixty" => 60,
            "ninety" => 90,
            _ => match WORDS.iter().position(|word| *word == text) {
                Some(value) => i64::try_from(value).ok()?,
                None => text.parse().ok().filter(|value| (0..=1_000_000).contains(value))?,
            },
        };
        Some((number, self.next()))
    }

    /// A unit.
    fn unit(self) -> Read<'a, CalendarUnit> {
        Some((CalendarUnit::of_word(self.text()?)?, self.next()))
    }

    /// A number and a unit, apart or as one word: `2 weeks`, `7d`, `24h`. "90m" are minutes.
    fn count_of_units(self) -> Read<'a, (i64, CalendarUnit)> {
        if let Some((count, unit)) = self.text().and_then(glued_count) {
            return Some(((count, unit), self.next()));
        }
        let (count, rest) = self.skip(&["a"]).number().or_else(|| self.number())?;
        let rest = rest.skip(&["full", "whole", "calendar", "complete", "-"]);
        let (unit, rest) = rest.unit()?;
        Some(((count, unit), rest))
    }

    fn now_us(self) -> i64 {
        self.clock.now.unix_us
    }
}

fn glued_count(text: &str) -> Option<(i64, CalendarUnit)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = text.split_at_checked(digits)?;
    let unit = if unit == "m" { CalendarUnit::Minute } else { CalendarUnit::of_word(unit)? };
    Some((count.parse().ok().filter(|count| *count <= 1_000_000)?, unit))
}

/// A window between two moments, not named yet.
fn range(from_us: i64, to_us: i64) -> Range {
    Range { from_us, to_us, label: String::new(), note: None }
}
