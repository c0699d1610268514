//! The vault of one request: what was masked on the way out, and back again on the way in.
//!
//! A placeholder carries a random word of its request, so that no two requests share one and nobody
//! can guess one. What the vault does not know stays as it is. It is never stored and never shown.

use std::{collections::HashMap, ops::Range};

use rand::Rng as _;

/// Letters of the random word: base32 without look-alikes, lower case so that it reads as a name.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// 32 to the tenth: nobody meets a foreign request's word by chance.
const NONCE_LETTERS: usize = 10;

/// The placeholders of one request.
#[derive(Default)]
pub struct Vault {
    nonce: String,
    by_original: HashMap<(String, String), usize>,
    by_placeholder: HashMap<String, usize>,
    entries: Vec<Entry>,
    /// How many originals of a kind there are.
    counts: HashMap<String, usize>,
    longest: usize,
}

struct Entry {
    placeholder: String,
    original: String,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Vault").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

impl Vault {
    /// True when nothing was masked, so that nothing can come back.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The placeholder that stands for `original`: the same one for the same text throughout the request.
    pub fn placeholder(&mut self, kind: &str, original: &str) -> &str {
        // Letters, digits and `_` only: a bracket would end the placeholder.
        let kind: String = kind.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let key = (kind, original.to_owned());
        let index = match self.by_original.get(&key) {
            Some(index) => *index,
            None => self.add(key),
        };
        self.entries.get(index).map_or("", |entry| entry.placeholder.as_str())
    }

    fn add(&mut self, (kind, original): (String, String)) -> usize {
        if self.nonce.is_empty() {
            let mut random = rand::rng();
            self.nonce = (0..NONCE_LETTERS)
                .map(|_| LETTERS.get(random.random_range(0..LETTERS.len())).map_or('a', |letter| char::from(*letter)))
                .collect();
        }
        let count = self.counts.entry(kind.clone()).or_default();
        *count += 1;
        let placeholder = format!("[{kind}_{}_{count}]", self.nonce);
        let index = self.entries.len();
        self.longest = self.longest.max(placeholder.len());
        self.by_placeholder.insert(placeholder.clone(), index);
        self.by_original.insert((kind, original.clone()), index);
        self.entries.push(Entry { placeholder, original });
        index
    }

    /// Every placeholder with what it stands for.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|entry| (entry.placeholder.as_str(), entry.original.as_str()))
    }

    /// The text that was masked.
    pub fn original(&self, index: usize) -> &str {
        self.entries.get(index).map_or("", |entry| entry.original.as_str())
    }

    fn begins_with(&self, beginning: &str) -> bool {
        self.entries.iter().any(|entry| entry.placeholder.starts_with(beginning))
    }

    /// Finds placeholders in `text[from..]` and returns the place before which no placeholder can begin
    /// that is not found yet: the beginning of what could still become one, or the end.
    pub fn find(&self, text: &str, from: usize, is_final: bool, found: &mut Vec<(Range<usize>, usize)>) -> usize {
        let mut at = from;
        if self.is_empty() {
            return text.len();
        }
        while let Some(begin) = text.get(at..).and_then(|rest| memchr::memchr(b'[', rest.as_bytes())) {
            let start = at + begin;
            at = start + 1;
            let rest = text.get(start..).unwrap_or_default();
            let near = rest.as_bytes().get(..self.longest).unwrap_or(rest.as_bytes());
            match memchr::memchr(b']', near) {
                Some(close) => {
                    let word = rest.get(..=close).unwrap_or_default();
                    if let Some(index) = self.by_placeholder.get(word) {
                        found.push((start..start + word.len(), *index));
                        at = start + word.len();
                    }
                }
                None if rest.len() < self.longest && !is_final && self.begins_with(rest) => return start,
                None => {}
            }
        }
        text.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_one_placeholder_and_no_two_requests_share_any() {
        let mut vault = Vault::default();
        let first = vault.placeholder("EMAIL", "a@b.example").to_owned();
        let second = vault.placeholder("EMAIL", "c@d.example").to_owned();
        assert_eq!(vault.placeholder("EMAIL", "a@b.example"), first);
        assert!(first.starts_with("[EMAIL_") && first.ends_with("_1]"), "{first}");
        assert!(second.ends_with("_2]"), "{second}");
        assert!(vault.placeholder("PHONE", "+49").ends_with("_1]"));
        assert_ne!(Vault::default().placeholder("EMAIL", "a@b.example"), first);
        assert!(!format!("{vault:?}").contains('@'));
    }

    #[test]
    fn a_placeholder_is_found_whole_and_awaited_when_it_may_still_come() {
        let mut vault = Vault::default();
        let known = vault.placeholder("EMAIL", "a@b.example").to_owned();
        for cut in 1..known.len() {
            let text = format!("to {}", &known[..cut]);
            let mut found = Vec::new();
            assert_eq!(vault.find(&text, 0, false, &mut found), 3, "{text}");
            assert_eq!(vault.find(&text, 0, true, &mut found), text.len(), "{text}");
            assert!(found.is_empty());
        }
        let text = format!("[{known}] [EMAIL_zzzzzzzzzz_1] {}2] [", known.trim_end_matches("1]"));
        let mut found = Vec::new();
        assert_eq!(vault.find(&text, 0, false, &mut found), text.len() - 1);
        assert_eq!(found, [(1..=known.len(), 0)].map(|(range, index)| (*range.start()..range.end() + 1, index)));
    }
}
