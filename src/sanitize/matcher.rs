//! Finds where built-in rules match: one pass for their literals, one for digits, and then each
//! rule's automaton only where it could begin.
//!
//! Whether a rule matches at a place depends on nothing but the [`NEAR`] bytes before it, the match
//! and the character behind it; which other rules are active plays no part.

mod digits;

use std::{cell::Cell, collections::BTreeMap, sync::LazyLock, time::Instant};

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind};
use regex_automata::{
    Anchored, Input, PatternID,
    hybrid::dfa::{Cache, DFA},
    nfa::thompson::{Compiler, Config, WhichCaptures},
    util::pool::{Pool, PoolGuard},
};
use regex_syntax::hir::{Hir, Look};

use digits::{DigitGroup, DigitRuns};

use super::{
    live,
    rules::{self, Anchor, Left, Right, Rule, Seen, Tail},
};

/// How far before a match its context may lie, in bytes. One more character may be looked at.
pub(super) const NEAR: usize = 60;

/// Memory for the automaton's states, in bytes, per thread that scans.
const STATES_BYTES: usize = 16 << 20;

/// A place where a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Number of the rule among all rules.
    pub(super) rule: usize,
    /// Whether it is longer than it may be: what follows belongs to it.
    pub(super) is_cut: bool,
}

/// All built-in rules, compiled once.
pub(super) struct Matcher {
    rules: Vec<Compiled>,
    literals: AhoCorasick,
    /// What to try for each literal.
    triggers: Vec<Vec<Trigger>>,
    digits: Vec<DigitGroup>,
    forward: DFA,
    caches: Pool<Cache, MakeCache>,
}

type MakeCache = Box<dyn Fn() -> Cache + Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe>;

/// One thread's place to work in.
pub(super) type Workspace<'a> = PoolGuard<'a, Cache, MakeCache>;

struct Compiled {
    rule: &'static Rule,
    hir: Hir,
    /// What stands between word and match, for [`Anchor::After`]: its HIR and its automaton.
    between: Option<(Hir, PatternID)>,
    whole: PatternID,
}

#[derive(Clone, Copy)]
struct Trigger {
    rule: usize,
    kind: TriggerKind,
}

#[derive(Clone, Copy)]
enum TriggerKind {
    Starts,
    After(PatternID),
    Around(fn(u8) -> bool, usize),
}

/// The text, and which part of it matters.
pub(super) struct Window<'a> {
    pub(super) text: &'a str,
    /// No match begins before.
    pub(super) from: usize,
    /// Longest match in bytes.
    pub(super) longest: usize,
    pub(super) clock: Clock,
}

/// Until when a scan must be done.
#[derive(Debug, Default)]
pub(super) struct Clock {
    pub(super) deadline: Option<Instant>,
    steps: Cell<u32>,
    is_over: Cell<bool>,
}

/// So many steps are taken between two looks at the clock, which costs as much as a few of them.
const STEPS: u32 = 128;

impl Clock {
    pub(super) const fn until(deadline: Option<Instant>) -> Self {
        Self { deadline, steps: Cell::new(0), is_over: Cell::new(false) }
    }

    /// Another step is due; whether it is too late for it.
    pub(super) fn step(&self) -> bool {
        let Some(deadline) = self.deadline else { return false };
        let steps = self.steps.get().wrapping_add(1);
        self.steps.set(steps);
        if steps.is_multiple_of(STEPS) && Instant::now() > deadline {
            self.is_over.set(true);
        }
        self.is_over.get()
    }

    /// The scan takes more than it may.
    pub(super) fn give_up(&self) {
        self.is_over.set(true);
    }

    /// Whether the scan was given up.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over.get()
    }
}

impl Matcher {
    /// The one of this process.
    pub(super) fn get() -> &'static Self {
        static MATCHER: LazyLock<Matcher> = LazyLock::new(Matcher::build);
        &MATCHER
    }

    #[expect(clippy::expect_used, reason = "built from constants of this crate only; a test builds it")]
    fn build() -> Self {
        let mut patterns: Vec<Hir> = Vec::new();
        let mut add = |hir: Hir| {
            patterns.push(hir);
            PatternID::new(patterns.len() - 1).expect("few patterns")
        };
        let mut rules: Vec<Compiled> = Vec::new();
        for rule in rules::all() {
            let hir = parse(rule.pattern).expect("a rule's pattern");
            let between = match &rule.anchor {
                Anchor::After { between, .. } => Some(parse(between).expect("a rule's pattern")),
                _ => None,
            };
            let whole = add(with_right(hir.clone(), rule.right));
            let between = between.map(|hir| (hir.clone(), add(hir)));
            rules.push(Compiled { rule, hir, between, whole });
        }
        let mut digits: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut literals: BTreeMap<&'static str, Vec<Trigger>> = BTreeMap::new();
        for (number, compiled) in rules.iter().enumerate() {
            let (words, kind) = match &compiled.rule.anchor {
                Anchor::Starts(words) => (*words, TriggerKind::Starts),
                Anchor::After { words, .. } => {
                    (*words, TriggerKind::After(compiled.between.as_ref().map_or(compiled.whole, |(_, id)| *id)))
                }
                Anchor::Around { marks, run, most } => (*marks, TriggerKind::Around(*run, *most)),
                Anchor::Digits(distances) => {
                    distances.iter().for_each(|distance| digits.entry(*distance).or_default().push(number));
                    continue;
                }
            };
            for word in words {
                literals.entry(word).or_default().push(Trigger { rule: number, kind });
            }
        }
        let digits = digits
            .into_iter()
            .map(|(distance, numbers)| {
                let hirs = numbers.iter().filter_map(|number| rules.get(*number)).map(|one| one.hir.clone()).collect();
                (distance, add(Hir::alternation(hirs)), numbers)
            })
            .collect::<Vec<_>>();
        let config = Config::new().utf8(false).which_captures(WhichCaptures::None);
        let nfa = Compiler::new().configure(config).build_many_from_hir(&patterns).expect("the rules' automaton");
        let config =
            DFA::config().starts_for_each_pattern(true).cache_capacity(STATES_BYTES).skip_cache_capacity_check(true);
        let forward = DFA::builder().configure(config).build_from_nfa(nfa).expect("the rules' automaton");
        let digits =
            digits.into_iter().map(|(distance, any, rules)| DigitGroup::new(&forward, distance, any, rules)).collect();
        let caches = {
            let forward = forward.clone();
            Pool::new(Box::new(move || forward.create_cache()) as MakeCache)
        };
        let words = AhoCorasickBuilder::new()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(literals.keys())
            .expect("the rules' literals");
        Self { rules, literals: words, triggers: literals.into_values().collect(), digits, forward, caches }
    }

    /// A place to work in.
    pub(super) fn workspace(&'static self) -> Workspace<'static> {
        self.caches.get()
    }

    /// What follows a match of this rule that is too long.
    pub(super) fn tail(&self, rule: usize) -> Tail {
        self.rules.get(rule).map_or(Tail::None, |compiled| compiled.rule.tail)
    }

    /// The languages of the open beginnings of these rules: of those whose match begins the thread,
    /// and of those that need a word before it.
    pub(super) fn languages(&self, rules: impl Iterator<Item = usize>) -> (Vec<Hir>, Vec<Hir>) {
        let (mut plain, mut after) = (Vec::new(), Vec::new());
        for compiled in rules.filter_map(|number| self.rules.get(number)) {
            let prefixes = live::prefixes(&compiled.hir);
            match (&compiled.rule.anchor, &compiled.between) {
                (Anchor::After { words, .. }, Some((between, _))) => {
                    let words = words.iter().map(|word| any_case(word)).collect();
                    let behind = Hir::concat(vec![between.clone(), compiled.hir.clone()]);
                    after.push(live::behind(&Hir::alternation(words), &behind));
                }
                _ if compiled.rule.left == Left::Any => plain.push(prefixes),
                _ => plain.push(live::at_word(prefixes)),
            }
        }
        (plain, after)
    }

    /// Appends every place where a rule of which `is_active` is true matches, in no order.
    pub(super) fn collect(&self, cache: &mut Cache, window: &Window<'_>, is_active: &[bool], out: &mut Vec<Candidate>) {
        let text = window.text;
        // Context words may have left already; the one before `from` need not be whole.
        let scan_from = window.from.saturating_sub(NEAR);
        let input = aho_corasick::Input::new(text).span(scan_from..text.len());
        if let Ok(found) = self.literals.try_find_overlapping_iter(input) {
            for found in found {
                if window.clock.step() {
                    return;
                }
                for trigger in self.triggers.get(found.pattern().as_usize()).into_iter().flatten() {
                    if is_active.get(trigger.rule).copied().unwrap_or(false) {
                        self.pull(cache, window, *trigger, found.start()..found.end(), out);
                    }
                }
            }
        }
        for at in DigitRuns::of(text.as_bytes(), window.from) {
            if window.clock.step() {
                return;
            }
            for group in &self.digits {
                let Some(start) = at.checked_sub(group.distance).filter(|start| *start >= window.from) else {
                    continue;
                };
                if !group.may_begin(text.as_bytes().get(start..).unwrap_or_default()) {
                    continue;
                }
                let span = Input::new(text).span(start..text.len()).anchored(Anchored::Pattern(group.any));
                if matches!(self.forward.try_search_fwd(cache, &span.earliest(true)), Ok(None)) {
                    continue;
                }
                for rule in &group.rules {
                    if is_active.get(*rule).copied().unwrap_or(false) {
                        self.try_at(cache, window, *rule, start, out);
                    }
                }
            }
        }
    }

    /// A literal stands at `at`: tries the rule where it would begin.
    fn pull(
        &self,
        cache: &mut Cache,
        window: &Window<'_>,
        trigger: Trigger,
        at: std::ops::Range<usize>,
        out: &mut Vec<Candidate>,
    ) {
        let text = window.text;
        let start = match trigger.kind {
            TriggerKind::Starts => at.start,
            TriggerKind::Around(run, most) => {
                let before = text.as_bytes().get(..at.start).unwrap_or_default();
                let length = before.iter().rev().take(most).take_while(|byte| run(**byte)).count();
                // Quotes and dots that may stand within do not begin a match.
                let begin = before.iter().rev().take(length).rposition(u8::is_ascii_alphanumeric);
                let start = at.start - begin.map_or(0, |index| index + 1);
                // Nor does the letter of an escaped line break.
                let is_escape =
                    matches!(text.as_bytes().get(start.saturating_sub(1)..=start), Some([b'\\', b'n' | b'r' | b't']));
                if is_escape { start + 1 } else { start }
            }
            TriggerKind::After(between) => {
                let Some(rule) = self.rules.get(trigger.rule) else { return };
                if !left_holds(rule.rule.left, text, at.start) {
                    return;
                }
                let end = text.floor_char_boundary((at.start + NEAR).min(text.len()));
                let span = Input::new(text).span(at.end.min(end)..end).anchored(Anchored::Pattern(between));
                match self.forward.try_search_fwd(cache, &span) {
                    Ok(Some(half)) => half.offset(),
                    _ => return,
                }
            }
        };
        self.try_at(cache, window, trigger.rule, start, out);
    }

    /// Tries `rule` at `start`.
    fn try_at(&self, cache: &mut Cache, window: &Window<'_>, number: usize, start: usize, out: &mut Vec<Candidate>) {
        let (text, Some(compiled)) = (window.text, self.rules.get(number)) else { return };
        let rule = compiled.rule;
        let is_after = matches!(rule.anchor, Anchor::After { .. });
        if start < window.from || !(is_after || left_holds(rule.left, text, start)) {
            return;
        }
        let limit = rule.reach.min(window.longest);
        let most = text.floor_char_boundary((start.saturating_add(limit)).min(text.len()));
        let span = Input::new(text).span(start..most).anchored(Anchored::Pattern(compiled.whole));
        let Ok(Some(half)) = self.forward.try_search_fwd(cache, &span) else { return };
        let end = match rule.right {
            Right::Byte(_) => half.offset() - 1,
            Right::Any | Right::Word => text.floor_char_boundary(half.offset()),
        };
        let end = text.get(start..end).map_or(start, |matched| start + (rule.shorten)(matched));
        let Some(matched) = text.get(start..end).filter(|matched| !matched.is_empty()) else { return };
        let seen = Seen {
            text: matched,
            before: rules::before(text, start, NEAR),
            after: text.get(end..).and_then(|rest| rest.chars().next()),
        };
        if (rule.near.is_empty() || is_near(seen.before, rule.near)) && (rule.check)(&seen) {
            let is_cut = rule.tail.goes_on(matched, limit);
            out.push(Candidate { start, end, rule: number, is_cut });
        }
    }
}

/// Reads a rule's pattern: ASCII classes, bytes beyond ASCII only in negated ones.
pub(super) fn parse(pattern: &str) -> Result<Hir, String> {
    let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
    parser.parse(pattern).map_err(|error| error.to_string())
}

fn with_right(hir: Hir, right: Right) -> Hir {
    match right {
        Right::Any => hir,
        Right::Word => Hir::concat(vec![hir, Hir::look(Look::WordEndHalfAscii)]),
        Right::Byte(byte) => Hir::concat(vec![hir, Hir::literal([byte])]),
    }
}

/// `word` (ASCII) in any case.
fn any_case(word: &str) -> Hir {
    parse(&format!("(?i:{})", regex_syntax::escape(word))).unwrap_or_else(|_| Hir::literal(word.as_bytes()))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn left_holds(left: Left, text: &str, start: usize) -> bool {
    let bytes = text.as_bytes().get(..start).unwrap_or_default();
    let before = match bytes {
        // The letter of an escaped line break belongs to no word: `\nAKIA…`.
        [] | [.., b'\\', b'n' | b'r' | b't'] => return true,
        [.., before] => *before,
    };
    match left {
        Left::Any => true,
        Left::Word => !is_word(before),
        Left::WordAnd(more) => !is_word(before) && !more.contains(&before),
    }
}

/// Whether one of `words` (lower case) stands in `before` as a word, in any case; a word that ends
/// with `*` may go on with letters.
fn is_near(before: &str, words: &[&str]) -> bool {
    let before = before.to_ascii_lowercase();
    let letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    words.iter().any(|word| {
        let (word, goes_on) = word.strip_suffix('*').map_or((*word, false), |word| (word, true));
        before.match_indices(word).any(|(at, _)| {
            let begins = match before.as_bytes().get(..at).unwrap_or_default() {
                [.., b'\\', b'n' | b'r' | b't'] => true,
                left => !letter(left.last()),
            };
            begins && (goes_on || !letter(before.as_bytes().get(at + word.len())))
        })
    })
}
