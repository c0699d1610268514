//! What an answer is found by: SHA-256 over named fields, each with its length before it.

use sha2::{Digest as _, Sha256};

/// Changes whenever what a key is made of changes.
const VERSION: &str = "llm-gateway response cache 1";

/// The key of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

impl Key {
    /// One of `shards`, spread evenly.
    pub(super) fn shard(&self, shards: usize) -> usize {
        usize::from(self.0[0]).checked_rem(shards).unwrap_or_default()
    }
}

/// A key in the making.
#[derive(Clone, Debug)]
pub struct KeyBuilder(Sha256);

impl Default for KeyBuilder {
    fn default() -> Self {
        let mut key = Self(Sha256::new());
        key.add("version", VERSION);
        key
    }
}

impl KeyBuilder {
    /// Adds a field. No two sequences of fields give the same bytes.
    pub fn add(&mut self, name: &str, value: impl AsRef<[u8]>) {
        for part in [name.as_bytes(), value.as_ref()] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
    }

    /// The same with a field more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.add(name, value);
        self
    }

    /// Adds a field if there is one: an absent field is not an empty one.
    pub fn add_some(&mut self, name: &str, value: Option<impl AsRef<[u8]>>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    /// The key.
    pub fn finish(self) -> Key {
        Key(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fields: &[(&str, &str)]) -> Key {
        let mut key = KeyBuilder::default();
        fields.iter().for_each(|(name, value)| key.add(name, value));
        key.finish()
    }

    #[test]
    fn no_field_runs_into_another() {
        let table = [
            vec![],
            vec![("a", "")],
            vec![("", "a")],
            vec![("a", "bc")],
            vec![("ab", "c")],
            vec![("a", "b"), ("c", "")],
            vec![("c", ""), ("a", "b")],
        ];
        let keys: std::collections::HashSet<_> = table.iter().map(|fields| of(fields)).collect();
        assert_eq!(keys.len(), table.len());
        assert_eq!(of(&table[3]), of(&table[3]));
    }
}
