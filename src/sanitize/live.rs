//! The hold point: the earliest place in a text from which it could still become a match.
//!
//! Of every pattern the language of its *prefixes* is built, and all of them together are run
//! backwards from the end of the text: the longest such run reaches back to the earliest beginning
//! that is still open. The language may be larger than the true one (counts become loops, looks
//! around drop out): then text waits longer than it must, but never leaves too early.

use regex_automata::{
    Anchored, Input, MatchKind,
    hybrid::dfa::{Cache, DFA},
    nfa::thompson::{Compiler, Config, WhichCaptures},
};
use regex_syntax::hir::{Hir, HirKind, Look, Repetition};

/// Memory for the states of one automaton, in bytes, per thread that scans.
const STATES_BYTES: usize = 4 << 20;

/// The open beginnings of a set of patterns.
#[derive(Clone, Debug)]
pub(super) struct Live(DFA);

impl Live {
    /// Of these languages of prefixes (see [`prefixes`] and [`behind`]); `None` when there are none.
    pub(super) fn of(languages: &[Hir]) -> Result<Option<Self>, String> {
        if languages.is_empty() {
            return Ok(None);
        }
        let config = Config::new().reverse(true).utf8(false).which_captures(WhichCaptures::None);
        let nfa = Compiler::new()
            .configure(config.nfa_size_limit(Some(STATES_BYTES * 4)))
            .build_many_from_hir(languages)
            .map_err(|error| error.to_string())?;
        let config =
            DFA::config().match_kind(MatchKind::All).cache_capacity(STATES_BYTES).skip_cache_capacity_check(true);
        DFA::builder()
            .configure(config)
            .build_from_nfa(nfa)
            .map(|dfa| Some(Self(dfa)))
            .map_err(|error| error.to_string())
    }

    pub(super) fn cache(&self) -> Cache {
        self.0.create_cache()
    }

    /// The earliest place at or behind `from` where a match may have begun that the end of `text`
    /// leaves open; the length of `text` when there is none.
    pub(super) fn earliest(&self, cache: &mut Cache, text: &str, from: usize) -> usize {
        let input = Input::new(text).span(from..text.len()).anchored(Anchored::Yes);
        match self.0.try_search_rev(cache, &input) {
            Ok(found) => found.map_or(text.len(), |half| half.offset()),
            // The automaton cannot go on; whatever is there may be the beginning of a match.
            Err(_) => from,
        }
    }
}

/// The prefixes of all that `hir` matches, the empty one included, without looks around.
pub(super) fn prefixes(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Hir::empty(),
        HirKind::Class(_) => Hir::alternation(vec![hir.clone(), Hir::empty()]),
        HirKind::Literal(literal) => {
            literal.0.iter().rev().fold(Hir::empty(), |rest, byte| then(Hir::literal([*byte]), rest))
        }
        HirKind::Capture(capture) => prefixes(&capture.sub),
        HirKind::Alternation(subs) => Hir::alternation(subs.iter().map(prefixes).collect()),
        HirKind::Concat(subs) => subs
            .iter()
            .rev()
            .fold(Hir::empty(), |rest, sub| Hir::alternation(vec![prefixes(sub), Hir::concat(vec![loose(sub), rest])])),
        HirKind::Repetition(repetition) => match repetition.max {
            Some(0) => Hir::empty(),
            Some(1) => prefixes(&repetition.sub),
            _ => Hir::concat(vec![repeat(loose(&repetition.sub), 0, None), prefixes(&repetition.sub)]),
        },
    }
}

/// The prefixes of `hir`, as they stand behind a whole `before`.
pub(super) fn behind(before: &Hir, hir: &Hir) -> Hir {
    Hir::concat(vec![loose(before), prefixes(hir)])
}

/// How far before a beginning [`at_word`] looks, in bytes.
pub(super) const ESCAPE_BYTES: usize = 2;

/// Prefixes that begin where no ASCII letter, digit or `_` stands before, or only the letter of an
/// escaped line break (`\n`), which is then part of what is found.
pub(super) fn at_word(prefixes: Hir) -> Hir {
    let letters = "nrt".bytes().map(|letter| Hir::literal([b'\\', letter])).collect();
    let begin = Hir::alternation(vec![Hir::look(Look::WordStartHalfAscii), Hir::alternation(letters)]);
    Hir::concat(vec![begin, prefixes])
}

/// `first` and then what `rest` is, or nothing.
fn then(first: Hir, rest: Hir) -> Hir {
    Hir::alternation(vec![Hir::concat(vec![first, rest]), Hir::empty()])
}

/// `hir` without looks around and with loops for counts.
fn loose(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Look(_) | HirKind::Empty => Hir::empty(),
        HirKind::Class(_) | HirKind::Literal(_) => hir.clone(),
        HirKind::Capture(capture) => loose(&capture.sub),
        HirKind::Alternation(subs) => Hir::alternation(subs.iter().map(loose).collect()),
        HirKind::Concat(subs) => Hir::concat(subs.iter().map(loose).collect()),
        HirKind::Repetition(repetition) => {
            let sub = loose(&repetition.sub);
            match (repetition.min, repetition.max) {
                (min, Some(max)) if max <= 1 => repeat(sub, min, Some(max)),
                (min, _) => repeat(sub, min.min(1), None),
            }
        }
    }
}

fn repeat(sub: Hir, min: u32, max: Option<u32>) -> Hir {
    Hir::repetition(Repetition { min, max, greedy: true, sub: Box::new(sub) })
}
