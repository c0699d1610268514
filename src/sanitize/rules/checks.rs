//! What patterns cannot say: placeholders, randomness, checksums.

/// Whether a token looks made up for a reader: `sk-xxxx…`, `your-api-key`, `${KEY}`, `<token>`.
///
/// Such texts stand in documentation and code by the thousand; nothing is lost when they pass.
pub(super) fn is_placeholder(token: &str) -> bool {
    const WORDS: [&str; 13] = [
        "your",
        "example",
        "placeholder",
        "changeme",
        "change_me",
        "change-me",
        "dummy",
        "redacted",
        "insert",
        "xxxx",
        "....",
        "****",
        "todo",
    ];
    let lower = token.to_ascii_lowercase();
    WORDS.iter().any(|word| lower.contains(word))
        || longest_repeat(token) >= 7
        || "<${%[".contains(token.get(..1).unwrap_or_default())
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
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / total)
        .map(|share| -share * share.log2())
        .sum()
}
