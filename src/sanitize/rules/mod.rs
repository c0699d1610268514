//! The built-in rules: rows of data, one file a family. A rule's examples are its tests.
//!
//! Patterns are written from the descriptions that `source` names. They are ASCII: letters, digits
//! and white space outside ASCII belong to no class but negated ones.

mod checks;
mod providers;
mod cloud;
mod packages;
mod services;
mod keys;
mod assignments;
mod contact;
mod finance;
mod national;
mod europe;
mod network;

use std::{ops::Range, sync::LazyLock};

use crate::domain::Category;

/// One thing that the sanitizer knows to find.
#[derive(Debug)]
pub struct Rule {
    /// Unique, `[a-z0-9_]+`; names the rule in `[sanitization.actions]`.
    pub id: &'static str,
    /// What stands in `[REDACTED|KIND]`; several rules may share a kind.
    pub kind: &'static str,
    /// The family that actions may name as a whole.
    pub category: Category,
    /// What it finds, for readers of the documentation.
    pub finds: &'static str,
    /// Where to look for it.
    pub anchor: Anchor,
    /// The whole match as a regular expression; after [`Anchor::After`] only what follows the word.
    pub pattern: &'static str,
    /// Which characters may not stand directly before the match.
    pub left: Left,
    /// What must or must not stand directly behind the match.
    pub right: Right,
    /// One of these words (lower case) must stand in the [`NEAR`](super::matcher) bytes before the match; empty: no matter.
    pub near: &'static [&'static str],
    /// Longest match in bytes; `max_match_bytes` bounds it too.
    pub reach: usize,
    /// Of what the pattern matched, how many bytes belong to the match.
    pub shorten: fn(&str) -> usize,
    /// What belongs to a match that is longer than may be held at once.
    pub tail: Tail,
    /// What the pattern cannot say: checksums, placeholders, likeness to something harmless.
    pub check: fn(&Seen<'_>) -> bool,
    /// Where the format is described.
    pub source: &'static str,
    /// Texts that are a match ; `«…»` marks it where that is only a part.
    pub matches: &'static [&'static str],
    /// Texts in which the rule finds nothing.
    pub misses: &'static [&'static str],
}

/// Where a match may begin, told by something that is quick to look for.
#[derive(Debug)]
pub enum Anchor {
    /// It begins with one of these.
    Starts(&'static [&'static str]),
    /// It begins behind one of these words and what `between` (a regular expression) matches.
    After {
        /// Words in lower case; their case does not matter.
        words: &'static [&'static str],
        /// What stands between word and match.
        between: &'static str,
    },
    /// It has one of these in it, and begins where the run of `run` bytes before that begins,
    /// at most `most` bytes before.
    Around {
        /// The literals in lower case.
        marks: &'static [&'static str],
        /// Bytes that may stand between the beginning and the mark.
        run: fn(u8) -> bool,
        /// Longest such run.
        most: usize,
    },
    /// It begins so many bytes before a run of digits.
    Digits(&'static [usize]),
}

/// Which bytes may not stand directly before a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Anything may.
    Any,
    /// No ASCII letter, digit or `_`.
    Word,
    /// None of those, nor one of these bytes.
    WordAnd(&'static [u8]),
}

/// What stands directly behind a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Anything.
    Any,
    /// No ASCII letter, digit or `_`.
    Word,
    /// This byte, which the pattern ends with but the match does not hold.
    Byte(u8),
}

/// How far a match reaches that is longer than `max_match_bytes`: what follows it goes with it.
#[derive(Clone, Copy, Debug)]
pub enum Tail {
    /// No further.
    None,
    /// To the end of the line of dashes that this begins, or else to the end of the text.
    Until(&'static str),
    /// As long as there are such bytes.
    Run(fn(u8) -> bool),
}

/// Longest end mark, in bytes.
const MAX_MARK_BYTES: usize = 64;

impl Tail {
    /// Whether a match of so many bytes, of which `most` may be held, goes on behind its end.
    pub(super) fn goes_on(self, matched: &str, most: usize) -> bool {
        match self {
            Self::None => false,
            // Half a line at the limit belongs to no match.
            Self::Until(mark) => matched.len() + 4 * MAX_MARK_BYTES >= most && !matched.contains(mark),
            Self::Run(_) => matched.len() + 4 >= most,
        }
    }

    /// How many bytes of `rest`, which follows the match, belong to it, and whether that is all that does.
    pub(super) fn find(self, rest: &str, is_final: bool) -> (usize, bool) {
        match self {
            Self::None => (0, true),
            Self::Run(run) => match rest.bytes().position(|byte| !run(byte)) {
                Some(end) => (rest.floor_char_boundary(end), true),
                None => (rest.len(), is_final),
            },
            Self::Until(mark) => {
                let Some(at) = memchr::memmem::find(rest.as_bytes(), mark.as_bytes()) else {
                    // The mark may have begun.
                    let open = if is_final { 0 } else { mark.len() - 1 };
                    return (rest.floor_char_boundary(rest.len().saturating_sub(open)), is_final);
                };
                let behind = at + mark.len();
                let near = rest.floor_char_boundary((behind + MAX_MARK_BYTES).min(rest.len()));
                match rest.get(behind..near).and_then(|line| line.find("-----")) {
                    Some(dashes) => (behind + dashes + 5, true),
                    None if !is_final && rest.len() < behind + MAX_MARK_BYTES => (at, false),
                    None => (behind, true),
                }
            }
        }
    }
}

/// A match as its check sees it.
#[derive(Debug)]
pub struct Seen<'a> {
    /// What the pattern matched.
    pub text: &'a str,
    /// At most 60 bytes before it, from the same text.
    pub before: &'a str,
    /// The character behind it.
    pub after: Option<char>,
}

impl Rule {
    /// What most rows have in common: a token that is a word of its own.
    pub(super) const USUAL: Self = Self {
        id: "",
        kind: "",
        category: Category::Credentials,
        finds: "",
        anchor: Anchor::Starts(&[]),
        pattern: "",
        left: Left::Word,
        right: Right::Word,
        near: &[],
        reach: 1024,
        shorten: str::len,
        tail: Tail::None,
        check: |_| true,
        source: "",
        matches: &[],
        misses: &[],
    };

    /// What national identifiers have in common: a number that is no part of a longer one.
    pub(super) const NATIONAL: Self = Self { category: Category::Pii, left: Left::WordAnd(b"-.+/"), ..Self::USUAL };
}

/// Every built-in rule, in order: of two matches at the same place and of the same length the
/// earlier rule's counts.
pub fn all() -> &'static [&'static Rule] {
    static ALL: LazyLock<Vec<&'static Rule>> = LazyLock::new(|| {
        [
            providers::RULES,
            cloud::RULES,
            packages::RULES,
            services::RULES,
            keys::RULES,
            assignments::RULES,
            contact::RULES,
            finance::RULES,
            national::RULES,
            europe::RULES,
            network::RULES,
        ]
        .into_iter()
        .flatten()
        .collect()
    });
    &ALL
}

/// The part of `text` that a check may see before `start`.
pub(super) fn before(text: &str, start: usize, most: usize) -> &str {
    let from = text.ceil_char_boundary(start.saturating_sub(most));
    text.get(Range { start: from, end: start }).unwrap_or_default()
}
