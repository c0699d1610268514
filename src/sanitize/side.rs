//! The rules of one direction: which of all that match counts, and how much of the text is settled.

use std::{
    panic::{RefUnwindSafe, UnwindSafe},
    sync::Arc,
};

use regex_automata::{hybrid::dfa::Cache, util::pool::Pool};

use super::{
    custom::Custom,
    live::{self, Live},
    matcher::{Candidate, Matcher, NEAR, Window},
    rules::Tail,
    ruleset::{Effect, Match, RuleRef},
};
use crate::domain::Action;

/// The rules of one direction.
pub(super) struct Side {
    /// By number of the rule among all built-in rules.
    builtin: Vec<bool>,
    customs: Vec<Arc<Custom>>,
    /// By number: first the built-in rules, then `customs`; `None` is off.
    outcomes: Vec<Option<(RuleRef, Action)>>,
    pub(super) effect: Effect,
    /// Beginnings of matches.
    plain: Option<Live>,
    /// Words of context with beginnings of matches behind them.
    after: Option<Live>,
    caches: Pool<Caches, MakeCaches>,
}

struct Caches {
    plain: Option<Cache>,
    after: Option<Cache>,
}

type MakeCaches = Box<dyn Fn() -> Caches + Send + Sync + UnwindSafe + RefUnwindSafe>;

impl Side {
    /// `outcomes` has one entry for each built-in rule, then one for each of `customs`.
    pub(super) fn new(outcomes: Vec<Option<(RuleRef, Action)>>, customs: Vec<Arc<Custom>>) -> Result<Self, String> {
        let of_builtin = outcomes.len() - customs.len();
        let builtin: Vec<bool> = outcomes.iter().take(of_builtin).map(Option::is_some).collect();
        let is_on = |number: &usize| builtin.get(*number).copied().unwrap_or(false);
        let (mut plain, after) = Matcher::get().languages((0..of_builtin).filter(is_on));
        plain.extend(customs.iter().map(|custom| live::prefixes(&custom.hir)));
        let (plain, after) = (Live::of(&plain)?, Live::of(&after)?);
        let effect = match outcomes.iter().flatten().map(|(_, action)| *action).max() {
            None | Some(Action::Off) => Effect::Nothing,
            Some(Action::Log) => Effect::Observes,
            Some(Action::Redact | Action::Mask | Action::Block) => Effect::Edits,
        };
        let caches = {
            let (plain, after) = (plain.clone(), after.clone());
            let make =
                move || Caches { plain: plain.as_ref().map(Live::cache), after: after.as_ref().map(Live::cache) };
            Pool::new(Box::new(make) as MakeCaches)
        };
        Ok(Self { builtin, customs, outcomes, effect, plain, after, caches })
    }

    /// See [`RuleSet::scan`](super::RuleSet::scan); what it returns counts for nothing when the window's clock is over.
    pub(super) fn scan(&self, window: &Window<'_>, is_final: bool, out: &mut Vec<Match>) -> usize {
        if self.effect == Effect::Nothing {
            return window.text.len();
        }
        let mut found = Vec::new();
        if self.builtin.contains(&true) {
            let matcher = Matcher::get();
            matcher.collect(&mut matcher.workspace(), window, &self.builtin, &mut found);
        }
        found.sort_unstable_by_key(precedence);
        let mut choice = Choice { side: self, window, found, passed: 0, own: vec![Next::Unknown; self.customs.len()] };
        let mut at = window.from;
        let mut live = at;
        loop {
            // A beginning that is open stays open as long as no match takes it.
            if live <= at {
                live = if is_final { window.text.len() } else { self.live(window, at) };
            }
            let Some(first) = choice.first(at).filter(|first| first.start < live) else { return live };
            // What is only logged hides nothing that is to be replaced.
            let chosen = match choice.first_edit_within(&first) {
                _ if self.edits(first.rule) => first,
                Some(edit) if edit.start < live => edit,
                None if live >= first.end => first,
                _ => return first.start,
            };
            at = chosen.end;
            if let Some(Some((rule, action))) = self.outcomes.get(chosen.rule) {
                let tail = if chosen.is_cut { Matcher::get().tail(chosen.rule) } else { Tail::None };
                out.push(Match { range: chosen.start..chosen.end, rule: rule.clone(), action: *action, tail });
            }
        }
    }

    /// What is done about the rule of this id, if anything.
    pub(super) fn action(&self, id: &str) -> Option<Action> {
        let (_, action) = self.outcomes.iter().flatten().find(|(rule, _)| **rule.id() == *id)?;
        Some(*action)
    }

    /// The earliest place behind `at` where a match may have begun that the end leaves open.
    fn live(&self, window: &Window<'_>, at: usize) -> usize {
        let (text, end) = (window.text, window.text.len());
        // A match that is longer than it may be is no match: its beginning is not open any more.
        let from = at.max(end.saturating_sub(window.longest));
        let mut caches = self.caches.get();
        let caches = &mut *caches;
        let mut earliest = end;
        if let (Some(automaton), Some(cache)) = (&self.plain, &mut caches.plain) {
            earliest = earliest.min(automaton.earliest(cache, text, from.saturating_sub(live::ESCAPE_BYTES)));
        }
        if let (Some(automaton), Some(cache)) = (&self.after, &mut caches.after) {
            earliest = earliest.min(automaton.earliest(cache, text, from.saturating_sub(CONTEXT)));
        }
        text.floor_char_boundary(earliest).max(at)
    }

    fn edits(&self, rule: usize) -> bool {
        matches!(self.outcomes.get(rule), Some(Some((_, action))) if *action > Action::Log)
    }
}

/// How far before a beginning its context may lie, the character before that included.
const CONTEXT: usize = NEAR + 4;

/// The match that begins first, then the longest, then the earlier rule.
fn precedence(candidate: &Candidate) -> (usize, std::cmp::Reverse<usize>, usize) {
    (candidate.start, std::cmp::Reverse(candidate.end), candidate.rule)
}

/// What is known of an own pattern's next match.
#[derive(Clone, Copy)]
enum Next {
    Unknown,
    Found(Candidate),
    None,
}

/// What matches, in order.
struct Choice<'a> {
    side: &'a Side,
    window: &'a Window<'a>,
    /// Of the built-in rules, sorted by precedence.
    found: Vec<Candidate>,
    /// How many of `found` begin before the place that was last asked for.
    passed: usize,
    /// The next match of each own pattern.
    own: Vec<Next>,
}

impl Choice<'_> {
    /// The first match at or behind `at`.
    fn first(&mut self, at: usize) -> Option<Candidate> {
        self.passed += self.found.iter().skip(self.passed).take_while(|candidate| candidate.start < at).count();
        let mut first = self.found.get(self.passed).copied();
        for number in 0..self.own.len() {
            first = [first, self.next_own(number, at)].into_iter().flatten().min_by_key(precedence);
        }
        first
    }

    /// The first match that is to be replaced or blocked among those that begin within `log`.
    fn first_edit_within(&mut self, log: &Candidate) -> Option<Candidate> {
        let side = self.side;
        let within = |candidate: &&Candidate| candidate.start < log.end;
        let mut rest = self.found.iter().skip(self.passed).take_while(within);
        let mut first = rest.find(|candidate| side.edits(candidate.rule)).copied();
        for number in (0..self.own.len()).filter(|number| side.edits(side.builtin.len() + number)) {
            let next = self.next_own(number, log.start).filter(|next| next.start < log.end);
            first = [first, next].into_iter().flatten().min_by_key(precedence);
        }
        first
    }

    /// The next match of an own pattern.
    fn next_own(&mut self, number: usize, at: usize) -> Option<Candidate> {
        let (slot, custom) = (self.own.get_mut(number)?, self.side.customs.get(number)?);
        match slot {
            Next::None => return None,
            Next::Found(known) if known.start >= at => return Some(*known),
            Next::Found(_) | Next::Unknown => {}
        }
        let rule = self.side.builtin.len() + number;
        let next = custom.next(self.window, at);
        let next = next.map(|(start, end)| Candidate { start, end, rule, is_cut: false });
        *slot = next.map_or(Next::None, Next::Found);
        next
    }
}
