//! What patterns cannot say: whether a token is only a stand-in, and whether it is random.

use super::Seen;

/// Whether somebody wrote the token for readers: `sk-xxxx…`, `your-api-key`, `${KEY}`, `<token>`.
///
/// Such texts stand in documentation and code by the thousand; nothing is lost when they pass.
pub(super) fn is_placeholder(token: &str) -> bool {
    const WORDS: [&str; 13] = [
        "your",
        "example",
        "placeholder",
        "change-in",
        "dummy",
        "redacted",
        "insert",
        "replace",
        "sample",
        "todo",
        "foobar",
        "not-a-real",
        "hidden",
    ];
    let lower = token.to_ascii_lowercase();
    // In two words: no binary of ours holds anything that might be a default password.
    let asks_for_change =
        lower.split_once("change").is_some_and(|(_, rest)| rest.trim_start_matches(['-', '_', ' ']).starts_with("me"));
    is_filler(token)
        || asks_for_change
        || WORDS.iter().any(|word| lower.contains(word))
        || token.starts_with(['<', '$', '{', '%', '['])
}

/// Whether a token of a fixed form is filled with nothing: runs of one character, `...`.
pub(super) fn is_filler(token: &str) -> bool {
    let lower = token.to_ascii_lowercase();
    ["xxxx", "....", "****", "123456789012345", "abcdefghijklm"].iter().any(|filler| lower.contains(filler))
        || longest_repeat(token) >= 8
}

/// The check of most tokens.
pub(super) fn is_token(seen: &Seen<'_>) -> bool {
    !is_filler(seen.text) && entropy_bits(seen.text) > 2.8
}

/// A token whose form says little.
pub(super) fn is_random(seen: &Seen<'_>) -> bool {
    !is_placeholder(seen.text) && entropy_bits(seen.text) > 3.0 && has_digit(seen.text) && has_letter(seen.text)
}

pub(super) fn has_digit(token: &str) -> bool {
    token.bytes().any(|byte| byte.is_ascii_digit())
}

pub(super) fn has_letter(token: &str) -> bool {
    token.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Length of the longest run of one character.
fn longest_repeat(token: &str) -> usize {
    let (mut longest, mut run, mut last) = (0, 0, None);
    for letter in token.chars() {
        run = if Some(letter) == last { run + 1 } else { 1 };
        last = Some(letter);
        longest = longest.max(run);
    }
    longest
}

/// Shannon entropy of the characters' frequencies, in bits per character.
pub(super) fn entropy_bits(token: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in token.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total = token.len() as f64;
    let shares = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / total);
    shares.map(|share| -share * share.log2()).sum()
}

/// The digits of a text, as numbers.
pub(super) fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|letter| letter.to_digit(10)).collect()
}

/// The sum of products of digits and weights.
pub(super) fn weighted(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

/// The check sum of ISO/IEC 7812-1, Annex B.
pub(super) fn luhn(digits: &[u32]) -> bool {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| if index % 2 == 1 { doubled(*digit) } else { *digit })
        .sum();
    !digits.is_empty() && sum.is_multiple_of(10) && sum > 0
}

/// The remainder of a number written in decimal.
pub(super) fn modulo(digits: &[u32], divisor: u64) -> u64 {
    digits.iter().fold(0, |rest, digit| (rest * 10 + u64::from(*digit)) % divisor)
}

/// The number that a few digits write.
pub(super) fn number(digits: &[u32]) -> u32 {
    digits.iter().fold(0, |number, digit| number.saturating_mul(10).saturating_add(*digit))
}

/// The number that some of the digits write; 0 when there are not so many.
pub(super) fn part(digits: &[u32], places: std::ops::Range<usize>) -> u32 {
    number(digits.get(places).unwrap_or_default())
}

/// Whether there may be such a day.
pub(super) fn is_day(month: u32, day: u32) -> bool {
    (1..=12).contains(&month) && (1..=31).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luhn_takes_the_published_example_and_no_neighbour() {
        assert!(luhn(&digits("79927398713")));
        assert!((0..10).filter(|last| *last != 3).all(|last| !luhn(&digits(&format!("7992739871{last}")))));
        assert!(!luhn(&digits("0000000000000000")) && !luhn(&[]));
    }

    #[test]
    fn remainders_and_entropies() {
        assert_eq!(modulo(&digits("3214282912345698765432161182"), 97), 1);
        assert!((entropy_bits("aabb") - 1.0).abs() < 1e-9);
        assert!(entropy_bits("").abs() < 1e-9);
    }
}
