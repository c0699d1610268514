//! The vocabulary as it is looked up: the longest phrase that begins at a token.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use super::{
    Dimension, Quantity, dates,
    senses::Sense,
    tokens::{Token, TokenKind, tokens},
    words::WORDS,
};

/// Words that are common English and no misspelling of a word of the trade. One a line.
const ORDINARY: &str = include_str!("ordinary.txt");

/// The compiled vocabulary.
pub(super) struct Vocabulary {
    /// By the first word.
    phrases: HashMap<String, Vec<Phrase>>,
    /// Every word that stands in a phrase or in the calendar.
    known: HashSet<String>,
    /// Words that are a phrase by themselves.
    alone: HashSet<String>,
    ordinary: HashSet<&'static str>,
    stops: HashSet<String>,
}

struct Phrase {
    words: Vec<String>,
    sense: &'static Sense,
}

/// The one vocabulary.
pub(super) static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(Vocabulary::new);

impl Vocabulary {
    fn new() -> Self {
        let mut phrases: HashMap<String, Vec<Phrase>> = HashMap::new();
        let mut known: HashSet<String> = dates::words().map(str::to_owned).collect();
        let mut stops = HashSet::new();
        let mut alone = HashSet::new();
        for entry in WORDS.iter().copied().flatten() {
            for text in entry.phrases.split('|').filter(|text| !text.is_empty()) {
                let words: Vec<String> = tokens(text).into_iter().map(|token| singular(&token.text)).collect();
                known.extend(words.iter().cloned());
                if words.len() == 1 {
                    alone.extend(words.iter().cloned());
                }
                if entry.sense == Sense::Stop && words.len() == 1 {
                    stops.extend(words.iter().cloned());
                }
                if let Some(first) = words.first() {
                    let list = phrases.entry(first.clone()).or_default();
                    if !list.iter().any(|phrase| phrase.words == words) {
                        list.push(Phrase { words, sense: &entry.sense });
                    }
                }
            }
        }
        for list in phrases.values_mut() {
            list.sort_by_key(|phrase| std::cmp::Reverse(phrase.words.len()));
        }
        Self { phrases, known, alone, ordinary: ORDINARY.lines().collect(), stops }
    }

    /// The longest phrase that begins at a token, and how many tokens it takes. Words may be joined by `-` and `_`.
    pub(super) fn longest(&self, tokens: &[Token], at: usize) -> Option<(usize, &'static Sense)> {
        let first = tokens.get(at).filter(|token| token.kind != TokenKind::Quoted)?;
        let list = self.phrases.get(&singular(&first.text))?;
        let found = list.iter().filter_map(|phrase| Some((phrase.length(tokens, at)?, phrase.sense)));
        // Among phrases of as many tokens the first of the table.
        found.rev().max_by_key(|(length, _)| *length)
    }

    /// Whether a word is known: it is never taken for a misspelling.
    pub(super) fn knows(&self, word: &str) -> bool {
        self.known.contains(word) || self.known.contains(&singular(word)) || self.is_ordinary(word)
    }

    /// Whether it is a plain English word.
    pub(super) fn is_ordinary(&self, word: &str) -> bool {
        self.ordinary.contains(word) || self.ordinary.contains(singular(word).as_str())
    }

    /// Whether it says nothing.
    pub(super) fn is_stop(&self, word: &str) -> bool {
        self.stops.contains(word)
    }

    /// Whether it stands for something by itself.
    pub(super) fn is_alone(&self, word: &str) -> bool {
        self.alone.contains(word)
    }

    /// Every word that stands for something by itself, for the repair of typos.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.alone.iter().map(String::as_str)
    }
}

impl Phrase {
    fn length(&self, tokens: &[Token], at: usize) -> Option<usize> {
        let mut place = at;
        for (nth, word) in self.words.iter().enumerate() {
            let mut token = tokens.get(place)?;
            let is_joint = |token: &Token| token.is_glued && token.is_any(&["-", "_"]);
            if nth > 0 && is_joint(token) && token.text != *word {
                place += 1;
                token = tokens.get(place).filter(|token| token.is_glued)?;
            }
            (token.kind != TokenKind::Quoted && singular(&token.text) == *word).then_some(())?;
            place += 1;
        }
        Some(place - at)
    }
}

/// A word without its regular plural.
pub(super) fn singular(word: &str) -> String {
    let cut = |ending: &str, with: &str| Some(format!("{}{with}", word.strip_suffix(ending)?));
    let is_kept = word.len() <= 3 || ["ss", "us", "is", "'s"].iter().any(|ending| word.ends_with(ending));
    if is_kept {
        return word.to_owned();
    }
    cut("ies", "y")
        .or_else(|| ["sses", "xes", "ches", "shes"].iter().find(|e| word.ends_with(**e)).and_then(|_| cut("es", "")))
        .or_else(|| cut("s", ""))
        .unwrap_or_else(|| word.to_owned())
}

/// Whether a word is written in the plural.
pub(super) fn is_plural(word: &str) -> bool {
    singular(word) != word || word == "people"
}

/// The words that sentences use for a quantity: the first phrase that stands for it.
pub(super) fn phrase_of(quantity: Quantity) -> &'static str {
    first_phrase(|sense| *sense == Sense::Quantity(quantity)).unwrap_or_else(|| quantity.as_str())
}

/// The word that sentences use for a dimension.
pub(super) fn word_of(dimension: &Dimension) -> String {
    if let Dimension::Tag(key) = dimension {
        return format!("tag \"{key}\"");
    }
    first_phrase(|sense| matches!(sense, Sense::Dimension(other) if other == dimension))
        .unwrap_or_else(|| dimension.as_str())
        .to_owned()
}

fn first_phrase(is_it: impl Fn(&Sense) -> bool) -> Option<&'static str> {
    let entry = WORDS.iter().copied().flatten().find(|entry| is_it(&entry.sense))?;
    entry.phrases.split('|').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quantity_and_dimension_has_words() {
        for quantity in Quantity::ALL {
            assert!(first_phrase(|sense| *sense == Sense::Quantity(*quantity)).is_some(), "{quantity:?}");
        }
        for dimension in Dimension::ALL {
            assert!(
                first_phrase(|sense| matches!(sense, Sense::Dimension(other) if other == dimension)).is_some(),
                "{dimension}"
            );
        }
    }

    #[test]
    fn plurals_are_read_as_their_singular() {
        for (word, expected) in [
            ("queries", "query"),
            ("latencies", "latency"),
            ("boxes", "box"),
            ("costs", "cost"),
            ("status", "status"),
            ("class", "class"),
            ("failures", "failure"),
        ] {
            assert_eq!(singular(word), expected);
        }
    }
}
