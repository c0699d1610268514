//! Virtual keys: how they look and how they are hashed.

use sha2::{Digest as _, Sha256};

use super::Secret;

/// SHA-256 of a whole presented credential; what the store keeps and what lookups use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyHash(pub [u8; 32]);

impl KeyHash {
    /// Hashes the whole text; no prefix or truncation ever takes part in identity.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }
}

/// A virtual key that the gateway made: `gk-` + 40 base-62 characters (over 230 random bits)
/// and a six-character checksum, so that a typo is told apart from an unknown key and leaked keys
/// can be found by pattern.
pub struct VirtualKey;

const PREFIX: &str = "gk-";
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

impl VirtualKey {
    /// Length of the random part in characters.
    pub const RANDOM_LEN: usize = 40;
    /// Length of the whole key in characters.
    pub const LEN: usize = PREFIX.len() + Self::RANDOM_LEN + 6;

    /// Builds the key text from at least 40 random bytes; shorter input is used cyclically.
    pub fn from_random(random: &[u8; 40]) -> Secret {
        let mut text = String::with_capacity(Self::LEN);
        text.push_str(PREFIX);
        // 256 is not a multiple of 62, so characters differ slightly in likelihood: about 5.95
        // bits each remain, far above the 160 bits that are asked for in all.
        text.extend(random.iter().map(|byte| base62(usize::from(*byte))));
        let sum = checksum(&text);
        text.push_str(&sum);
        Secret::new(text)
    }

    /// Whether `text` has the shape and checksum of a key made by [`VirtualKey::from_random`].
    pub fn is_well_formed(text: &str) -> bool {
        text.len() == Self::LEN
            && text.starts_with(PREFIX)
            && text.is_ascii()
            && text.split_at_checked(Self::LEN - 6).is_some_and(|(body, sum)| checksum(body) == sum)
    }
}

fn base62(number: usize) -> char {
    ALPHABET.get(number % 62).map_or('0', |byte| char::from(*byte))
}

fn checksum(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(6).map(|byte| base62(usize::from(*byte))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_key_is_well_formed_and_a_changed_one_is_not() {
        let key = VirtualKey::from_random(&[7; 40]);
        assert!(VirtualKey::is_well_formed(key.expose()));
        let broken = key.expose().replacen("gk-7", "gk-8", 1);
        assert!(!VirtualKey::is_well_formed(&broken));
        assert!(!VirtualKey::is_well_formed("gk-"));
    }
}
