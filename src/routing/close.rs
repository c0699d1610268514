//! Names close to one that leads nowhere, for the message that says so.
//!
//! Never names what the caller's key or project may not use.

use super::question::Question;

/// Most names that are told.
const TOLD: usize = 3;

/// Longer names than this are no typos of any.
const TYPED_BYTES_MAX: usize = 128;

/// The names that the caller may ask for and that are nearest to `typed`, the nearest first; usually none.
pub fn close_names(question: &Question<'_>, typed: &str) -> Vec<String> {
    if typed.len() > TYPED_BYTES_MAX {
        return Vec::new();
    }
    let wanted = typed.to_lowercase();
    let mut close: Vec<(usize, String)> = Vec::new();
    let mut look_at = |name: &str| {
        // Three letters of ten may differ, two of fewer, and never more than half.
        let most = 2.max(wanted.len() * 3 / 10).min(wanted.len() / 2);
        if name.len().abs_diff(wanted.len()) > most || name == typed || close.iter().any(|(_, known)| known == name) {
            return;
        }
        let distance = strsim::osa_distance(&wanted, &name.to_lowercase());
        if distance <= most {
            close.push((distance, name.to_owned()));
        }
    };
    known_names(question).for_each(&mut look_at);
    close.sort();
    close.into_iter().take(TOLD).map(|(_, name)| name).collect()
}

/// Whether a name that nobody is known to serve is one that the caller may ask for, but for a slip of the pen.
pub(super) fn is_slip(question: &Question<'_>, typed: &str) -> bool {
    typed.len() <= TYPED_BYTES_MAX && known_names(question).any(|known| slipped(typed, known))
}

/// Every name that the caller may ask for and that somebody is known to serve.
fn known_names<'q>(question: &'q Question<'_>) -> impl Iterator<Item = &'q str> {
    let is_allowed = |name: &&str| {
        let lists = [question.allowed_models, question.project_models];
        lists.iter().all(|allowed| allowed.is_empty() || allowed.iter().any(|allowed| allowed == name))
    };
    let own = question.models.iter().flat_map(|model| std::iter::once(&model.name).chain(&model.aliases));
    let asked = question.providers.iter().filter(|provider| question.may_ask(provider));
    let of_providers =
        asked.flat_map(|provider| question.catalog.models_known_of(provider).chain(question.live_of(provider)));
    own.map(String::as_str).chain(of_providers).filter(is_allowed)
}

/// Whether two names differ in how their words are spelled or set apart, and in nothing else. What tells one model from
/// another is a number or a word more, less or other; new models, which no list has yet, are no slips of old ones.
fn slipped(typed: &str, known: &str) -> bool {
    // No two words may differ by more than two letters.
    if typed.len().abs_diff(known.len()) > 8 || typed == known {
        return false;
    }
    let (mut typed, mut known) = (words(typed), words(known));
    loop {
        match (typed.next(), known.next()) {
            (None, None) => return true,
            (Some(typed), Some(known)) if is_same_word(typed, known) => {}
            _ => return false,
        }
    }
}

/// A name's runs of letters and of digits.
fn words(name: &str) -> impl Iterator<Item = &str> {
    fn kind(byte: u8) -> Option<bool> {
        (byte.is_ascii_alphanumeric() || !byte.is_ascii()).then_some(byte.is_ascii_digit())
    }
    let runs = name.as_bytes().chunk_by(|a, b| kind(*a) == kind(*b));
    let is_word = |run: &&[u8]| run.first().is_some_and(|byte| kind(*byte).is_some());
    runs.filter(is_word).filter_map(|run| std::str::from_utf8(run).ok())
}

/// Whether a word is meant for another: letters that were swapped, left out, doubled or hit in place of another, the fewer
/// the shorter it is.
fn is_same_word(typed: &str, known: &str) -> bool {
    if typed.eq_ignore_ascii_case(known) {
        return true;
    }
    let shorter = typed.len().min(known.len());
    if shorter < 3 || typed.len().abs_diff(known.len()) > 2 || typed.bytes().any(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let (typed, known) = (typed.to_lowercase(), known.to_lowercase());
    match (strsim::osa_distance(&typed, &known), shorter) {
        // Of three letters only their order can be a slip: `pro` and `pre` are two words.
        (1, 3) => {
            let sorted = |word: &str| {
                let mut letters: Vec<char> = word.chars().collect();
                letters.sort_unstable();
                letters
            };
            sorted(&typed) == sorted(&known)
        }
        (1, _) => true,
        (2, 7..) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::slipped;

    #[test]
    fn a_slip_is_told_from_another_model() {
        for (typed, known) in [
            ("gpt-4o-minni", "gpt-4o-mini"),
            ("gpt-4o-mnii", "gpt-4o-mini"),
            ("gtp-4o", "gpt-4o"),
            ("gpt4o", "gpt-4o"),
            ("GPT_4o-Mini", "gpt-4o-mini"),
            ("claude-sonet-4-5", "claude-sonnet-4-5"),
            ("text-embeding-3-small", "text-embedding-3-small"),
            ("gemini-2.5-flahs", "gemini-2.5-flash"),
            ("hose-chat", "house-chat"),
        ] {
            assert!(slipped(typed, known), "{typed} for {known}");
        }
        for (typed, known) in [
            ("gpt-4o-mini", "gpt-4o-mini"),
            ("gpt-5.7", "gpt-5.6"),
            ("gpt-6-mini", "gpt-5-mini"),
            ("gpt-5-nano", "gpt-5-mini"),
            ("gpt-5-pro", "gpt-5"),
            ("gpt-5-max", "gpt-5-mix"),
            ("gpt-4o-mini-2027-01-01", "gpt-4o-mini"),
            ("o4", "o3"),
            ("claude-opus-5-6", "claude-opus-5-5"),
            ("gpt-41", "gpt-4.1"),
            ("sonnet", "sonic"),
            ("", "gpt-5"),
            ("日本", "日本語"),
        ] {
            assert!(!slipped(typed, known), "{typed} for {known}");
        }
    }
}
