//! What became of each thing that an imported file states.

use std::fmt;

use crate::config::report::{Place, quoted};

/// One thing that the file states, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What became of it.
    pub outcome: Outcome,
    /// File and line.
    pub place: String,
    /// The key, with the keys above it; list items are counted from 1.
    pub key: String,
    /// What it is now, or why it is not; empty where there is nothing to add.
    pub what: String,
}

/// What became of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It means the same as before.
    Carried,
    /// Something close to it stands in its place.
    Changed,
    /// It is not there.
    Left,
}

impl Outcome {
    /// The word for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Carried => "carried over",
            Self::Changed => "changed",
            Self::Left => "left out",
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<12}  {}: {}", self.outcome.as_str(), self.place, self.key)?;
        if self.what.is_empty() { Ok(()) } else { write!(f, ": {}", self.what) }
    }
}

/// Collects the notes.
#[derive(Default)]
pub(super) struct Notes(Vec<(Place, Note)>);

impl Notes {
    /// It means the same.
    pub(super) fn carried(&mut self, place: &Place, key: &str, what: impl Into<String>) {
        self.push(Outcome::Carried, place, key, what.into());
    }

    /// It means something close to it.
    pub(super) fn changed(&mut self, place: &Place, key: &str, what: impl Into<String>) {
        self.push(Outcome::Changed, place, key, what.into());
    }

    /// It is not there any more.
    pub(super) fn left(&mut self, place: &Place, key: &str, why: impl Into<String>) {
        self.push(Outcome::Left, place, key, why.into());
    }

    fn push(&mut self, outcome: Outcome, place: &Place, key: &str, what: String) {
        let note = Note { outcome, place: place.to_string(), key: in_one_line(key), what: in_one_line(&what) };
        self.0.push((place.clone(), note));
    }

    /// The notes by line.
    pub(super) fn into_list(mut self) -> Vec<Note> {
        self.0.sort_by(|(left, _), (right, _)| left.cmp(right));
        self.0.into_iter().map(|(_, note)| note).collect()
    }
}

/// What was typed may hold line ends and escape codes, which must not write lines of their own into a terminal.
fn in_one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A key as it may be shown: a secret may have been pasted where a name belongs.
pub(super) fn shown(key: &str) -> &str {
    // Longer than most names, but no key has only such letters.
    let is_word = key.len() <= 64 && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if is_word || quoted(key).starts_with('"') { key } else { "*" }
}
