//! Repair of misspelled words. Quoted text, digits, short words and plain English are never touched.

use super::{
    Correction, Names, dates,
    tokens::{Token, TokenKind},
    vocabulary::{self, VOCABULARY},
};

/// Replaces misspelled words by the words that are meant; says which.
pub(super) fn repair(tokens: &mut [Token], question: &str, names: &Names) -> Vec<Correction> {
    let mut corrections = Vec::new();
    for token in tokens.iter_mut() {
        let is_repairable = token.kind == TokenKind::Word
            && token.text.chars().count() >= 4
            && token.text.chars().all(|letter| letter.is_ascii_lowercase())
            && !VOCABULARY.knows(&token.text)
            && !names.has_word(&token.text);
        if !is_repairable {
            continue;
        }
        let singular = vocabulary::singular(&token.text);
        let meant = nearest(&token.text, names)
            .or_else(|| (singular != token.text && singular.len() >= 4).then(|| nearest(&singular, names)).flatten());
        // "Reqests" are several.
        let is_several = |meant: &String| {
            token.text.ends_with('s') && !meant.ends_with('s') && VOCABULARY.is_alone(meant) && !names.has_word(meant)
        };
        let meant = meant.map(|meant| if is_several(&meant) { meant + "s" } else { meant });
        if let Some(meant) = meant {
            let from = question.get(token.span.start..token.span.end).unwrap_or(&token.text).to_owned();
            corrections.push(Correction { from, to: meant.clone(), span: token.span });
            token.text = meant;
        }
    }
    corrections
}

/// The known word or name that a misspelled one is nearest to: one slip in 4 to 7 letters, two in 8 and more.
fn nearest<'a>(word: &str, names: &'a Names) -> Option<String> {
    let shorten = |known: &'static str| -> &'a str { known };
    let candidates = names.words().chain(VOCABULARY.words().chain(dates::words()).map(shorten));
    let mut best: Option<(usize, usize, f64, &str)> = None;
    for candidate in candidates {
        let most = if word.len() >= 8 { 2 } else { 1 };
        if candidate.len().abs_diff(word.len()) > most || candidate.len() < 4 {
            continue;
        }
        let slips = strsim::damerau_levenshtein(word, candidate);
        let is_first_kept = word.as_bytes().first() == candidate.as_bytes().first();
        // Most short words are one slip away from another; and a word that says nothing must be very near.
        let is_near = slips <= most && (is_first_kept || word.len() >= 8);
        let is_safe = !VOCABULARY.is_stop(candidate)
            || (slips == 1 && is_first_kept && (word.len() >= 5 || has_same_letters(word, candidate)));
        if !is_near || !is_safe {
            continue;
        }
        let likeness = strsim::jaro_winkler(word, candidate);
        // Letters are swapped more often than left out.
        let missing = candidate.len().abs_diff(word.len());
        let is_better = best.is_none_or(|(fewest, least, most_like, known)| {
            (slips, missing, -likeness, candidate) < (fewest, least, -most_like, known)
        });
        if is_better {
            best = Some((slips, missing, likeness, candidate));
        }
    }
    best.map(|(_, _, _, meant)| meant.to_owned())
}

/// Whether only the order of letters differs.
fn has_same_letters(word: &str, other: &str) -> bool {
    let sorted = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    sorted(word) == sorted(other)
}

/// How like an unknown word another must be to be named beside it: 1 is the same.
pub(super) const LIKE: f64 = 0.75;

/// The names and words that are most like an unknown one, the nearest first; at most three, at least so like it.
pub(super) fn alike<'a>(word: &str, candidates: impl Iterator<Item = &'a str>, least: f64) -> Vec<String> {
    let word = word.to_lowercase();
    let mut scored: Vec<(f64, &str)> = candidates
        .map(|candidate| {
            let lower = candidate.to_lowercase();
            let is_part = lower.contains(&word) || word.contains(&lower);
            (strsim::jaro_winkler(&word, &lower) + if is_part { 1.0 } else { 0.0 }, candidate)
        })
        .collect();
    scored.retain(|(likeness, candidate)| *likeness >= least && *candidate != word);
    scored.sort_by(|one, other| other.0.total_cmp(&one.0).then_with(|| one.1.cmp(other.1)));
    scored.dedup_by_key(|(_, candidate)| *candidate);
    scored.into_iter().take(3).map(|(_, candidate)| candidate.to_owned()).collect()
}
