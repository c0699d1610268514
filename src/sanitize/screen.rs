//! Rules and vault over one text: what is found becomes edits and findings.
//!
//! A placeholder that the vault knows comes first: it is restored and never judged, nor is what it
//! stands for. Findings tell rule, kind and place; they never hold what matched.

use std::{
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

use thiserror::Error;

use super::{
    RuleSet,
    mask::Vault,
    rules::Tail,
    ruleset::{Match, Span},
    text::Text,
    tree::Unreadable,
};
use crate::{
    dialect::splice::Edit,
    domain::{Action, Direction, Finding},
};

/// Places that one check tells apart; the matches of all further ones are counted together.
const MAX_PLACES: usize = 100;

/// So much text is judged at a time; between two times the clock is looked at.
const SEGMENT_BYTES: usize = 256 << 10;

/// Stands for a place that is not told apart any more.
const ELSEWHERE: &str = "…";

/// What a check found.
#[derive(Debug, Default)]
pub struct Report {
    /// By rule and place, in the order in which they were met.
    pub findings: Vec<Finding>,
    /// Whether a rule demands that the text goes no further.
    pub blocked: bool,
}

/// Why a check came to no end. Whoever asked for it must not let the text pass.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Failure {
    /// It took longer than `sanitization.scan_timeout`.
    #[error("the check took longer than sanitization.scan_timeout allows")]
    TooSlow,
    /// The text cannot be read as what it should be.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// It is larger than a check may hold.
    #[error("it is larger than {0} bytes, the most that can be checked")]
    TooLarge(usize),
    /// More texts run beside each other than anybody would send.
    #[error("more than {0} texts run beside each other")]
    TooMany(usize),
    /// A text went on behind its end, and only there it showed what stood before.
    #[error("a text goes on behind its end, and what must not leave began before it")]
    GoesOn,
}

/// What the vault is wanted for.
pub(crate) enum Masks<'a> {
    /// What is masked goes into the vault.
    Hide(&'a mut Vault),
    /// What the vault knows comes back.
    Restore(&'a Vault),
}

/// One check, of one text after another.
pub(crate) struct Screen<'a> {
    rules: &'a RuleSet,
    direction: Direction,
    masks: Masks<'a>,
    report: &'a mut Report,
    matches: Vec<Match>,
    known: Vec<(Range<usize>, usize)>,
    began: Instant,
    timeout: Duration,
    /// What is judged now was said before, piece by piece: what is found in it is told already.
    pub(crate) repeats: bool,
}

impl<'a> Screen<'a> {
    pub(crate) fn new(rules: &'a RuleSet, direction: Direction, masks: Masks<'a>, report: &'a mut Report) -> Self {
        let (matches, known) = (Vec::new(), Vec::new());
        let (began, timeout) = (Instant::now(), rules.scan_timeout());
        Self { rules, direction, masks, report, matches, known, began, timeout, repeats: false }
    }

    /// Whether `text`, a whole one, has nothing in it that any rule or the vault knows.
    pub(crate) fn is_clean(&mut self, text: &str) -> Result<bool, Failure> {
        let segment = SEGMENT_BYTES.max(4 * self.rules.max_match_bytes());
        let (mut from, mut end) = (0, 0);
        while end < text.len() {
            end = text.floor_char_boundary((end + segment).min(text.len()));
            let part = text.get(..end).unwrap_or(text);
            from = self.look(part, from, end == text.len())?;
            if !(self.matches.is_empty() && self.known.is_empty()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Fills in what there is from `from` on; returns the place before which that is all there is.
    fn look(&mut self, text: &str, from: usize, is_final: bool) -> Result<usize, Failure> {
        self.matches.clear();
        self.known.clear();
        let deadline = self.began.checked_add(self.timeout);
        let span = Span { text, from, is_final, deadline };
        let settled = self.rules.scan_until(self.direction, &span, &mut self.matches);
        let settled = settled.ok_or(Failure::TooSlow)?;
        self.in_time()?;
        Ok(match &self.masks {
            Masks::Restore(vault) => settled.min(vault.find(text, from, is_final, &mut self.known)),
            Masks::Hide(_) => settled,
        })
    }

    /// Judges as much of `text` as can be judged now, all of it if nothing follows. `edit` gets the
    /// changes, event by event; `place` tells where the text stands.
    pub(crate) fn judge(
        &mut self,
        text: &mut Text,
        is_final: bool,
        place: &dyn Fn() -> String,
        edit: &mut impl FnMut(u64, Edit),
    ) -> Result<(), Failure> {
        while self.judge_on(text, is_final, place, edit)? {}
        self.in_time()
    }

    /// Judges on, up to the end of a match that is too long; whether there is more to do.
    fn judge_on(
        &mut self,
        text: &mut Text,
        is_final: bool,
        place: &dyn Fn() -> String,
        edit: &mut impl FnMut(u64, Edit),
    ) -> Result<bool, Failure> {
        let (all, from, limit) = text.unjudged(is_final);
        if let Some(tail) = text.swallows {
            let (len, is_done) = tail.find(all.get(from..limit).unwrap_or_default(), is_final);
            text.replace(from..from + len, "", edit);
            text.settle(from + len);
            text.swallows = Some(tail).filter(|_| !is_done);
            return Ok(is_done && len < limit - from);
        }
        let segment = SEGMENT_BYTES.max(4 * self.rules.max_match_bytes());
        let end = all.floor_char_boundary((from + segment).min(all.len()));
        let is_whole = end == all.len();
        let mut settled = self.look(all.get(..end).unwrap_or(all), from, is_final && is_whole)?.min(limit);
        // What goes on beyond that place waits as a whole.
        let ranges = || self.matches.iter().map(|found| &found.range).chain(self.known.iter().map(|(range, _)| range));
        while let Some(cut) = ranges().find(|range| range.start < settled && range.end > settled) {
            settled = cut.start;
        }
        let (left, mut swallows) = (text.left(), None);
        for index in 0..self.matches.len() {
            let Some(found) = self.matches.get(index).filter(|found| found.range.end <= settled) else { continue };
            // What left with the text's end is told already.
            if found.range.end <= left {
                continue;
            }
            let edits = matches!(found.action, Action::Redact | Action::Mask);
            if edits && found.range.start < left {
                return Err(Failure::GoesOn);
            }
            self.report.add(found, self.direction, self.repeats, place);
            if !edits {
                continue;
            }
            let mut is_first = true;
            for range in without(&found.range, &self.known) {
                match &mut self.masks {
                    Masks::Hide(vault) if found.action == Action::Mask => {
                        let placeholder = vault.placeholder(found.rule.kind(), text.slice(range.clone()));
                        text.replace(range, placeholder, edit);
                    }
                    _ => text.replace(range, if is_first { found.rule.replacement() } else { "" }, edit),
                }
                is_first = false;
            }
            if !matches!(found.tail, Tail::None) {
                (settled, swallows) = (found.range.end, Some(found.tail));
                break;
            }
        }
        if let Masks::Restore(vault) = &self.masks {
            let here = |range: &Range<usize>| range.start >= left && range.end <= settled;
            for (range, index) in self.known.iter().filter(|(range, _)| here(range)) {
                text.replace(range.clone(), vault.original(*index), edit);
            }
        }
        let has_moved = settled > from;
        text.settle(settled);
        text.swallows = swallows;
        Ok(swallows.is_some() || (!is_whole && has_moved))
    }

    pub(crate) fn in_time(&self) -> Result<(), Failure> {
        if self.began.elapsed() > self.timeout { Err(Failure::TooSlow) } else { Ok(()) }
    }
}

/// The parts of `range` that lie in none of `known` (sorted, apart from each other).
fn without(range: &Range<usize>, known: &[(Range<usize>, usize)]) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = range.start;
    for (hole, _) in known.iter().filter(|(hole, _)| hole.end > range.start && hole.start < range.end) {
        parts.push(start..hole.start.max(start));
        start = hole.end.min(range.end);
    }
    parts.push(start..range.end);
    parts.retain(|part| !part.is_empty());
    parts
}

impl Report {
    fn add(&mut self, found: &Match, direction: Direction, repeats: bool, place: &dyn Fn() -> String) {
        self.blocked |= found.action == Action::Block;
        if repeats && self.findings.iter().any(|known| known.rule == *found.rule.id() && known.action == found.action) {
            return;
        }
        let mut place: Arc<str> = place().into();
        if self.findings.len() >= MAX_PLACES && !self.findings.iter().any(|known| known.place == place) {
            place = ELSEWHERE.into();
        }
        let finding = Finding {
            direction,
            rule: Arc::clone(found.rule.id()),
            kind: Arc::clone(found.rule.kind()),
            category: found.rule.category(),
            place,
            action: found.action,
            count: 1,
        };
        self.merge(finding);
    }

    fn merge(&mut self, finding: Finding) {
        let alike = |known: &&mut Finding| {
            known.place == finding.place
                && known.rule == finding.rule
                && known.action == finding.action
                && known.direction == finding.direction
        };
        match self.findings.iter_mut().find(alike) {
            Some(known) => known.count = known.count.saturating_add(finding.count),
            None => self.findings.push(finding),
        }
    }
}
