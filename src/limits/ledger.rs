//! The books of a budget: purses by subject, and reservations in them.
//!
//! A reservation is made in all purses that a call is paid from, or in none, behind short locks that are always taken
//! in one order. It ends exactly once: with the true cost, or, when that never becomes known, as what it was.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

use super::{
    budgets::{BudgetRule, Refused, subject_of},
    calendar::Calendar,
    purse::Purse,
    table::{Entry, Table},
};
use crate::{
    config::{BudgetAction, BudgetTerms, Scope},
    domain::{BudgetMark, Microcents, Spend, Timestamp},
};

/// What budgets of one scope, subject, period and time zone have in common.
#[derive(Debug)]
pub struct Books {
    /// The order in which books are locked.
    id: u64,
    scope: Scope,
    /// Whom they are kept for; `None` for each of the scope.
    subject: Option<Arc<str>>,
    calendar: Calendar,
    purses: Table<Purse>,
    /// Whether it is known what was spent before the process began.
    is_known: AtomicBool,
}

impl Books {
    /// Books that are not known yet.
    pub(super) fn open(scope: Scope, subject: Option<Arc<str>>, terms: &BudgetTerms) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let (id, calendar) = (NEXT.fetch_add(1, Relaxed), Calendar::of(terms));
        Self { id, scope, subject, calendar, purses: Table::default(), is_known: AtomicBool::new(false) }
    }

    pub(super) fn are_of(&self, scope: Scope, subject: Option<&str>, terms: &BudgetTerms) -> bool {
        (self.scope, self.subject.as_deref()) == (scope, subject) && self.calendar.is_of(terms)
    }

    /// What they are kept for.
    pub const fn scope(&self) -> Scope {
        self.scope
    }

    /// Whom they are kept for; `None` for each of the scope, and for all.
    pub const fn subject(&self) -> Option<&Arc<str>> {
        self.subject.as_ref()
    }

    /// Whether they know what was spent before.
    pub fn is_known(&self) -> bool {
        self.is_known.load(Relaxed)
    }

    /// From when on what was spent counts now.
    pub fn since_us(&self, now_us: i64) -> i64 {
        self.calendar.span(now_us).start_us
    }

    fn lock(&self, subject: &Arc<str>, at_us: i64) -> Option<Entry<'_, Purse>> {
        let mut entry = self.purses.lock(subject, at_us)?;
        entry.account().turn(|| self.calendar.span(at_us), at_us);
        Some(entry)
    }

    /// Takes over what was spent since [`Self::since_us`]. Only the first time counts: afterwards they know better.
    pub fn load(&self, spends: &[Spend], now_us: i64) {
        if self.is_known() {
            return;
        }
        for spend in spends {
            let Some(subject) = subject_of(spend, self.scope, self.subject.as_ref()) else { continue };
            if let Some(mut entry) = self.lock(&subject, now_us) {
                let purse = entry.account();
                purse.spent = purse.spent.saturating_add(spend.cost.0);
                purse.unknown_calls = purse.unknown_calls.saturating_add(spend.unknown_calls);
            }
        }
        self.is_known.store(true, Relaxed);
    }

    /// The purse of a subject as it is now; an empty one where nothing was spent.
    pub fn purse(&self, subject: &str, now_us: i64) -> Purse {
        let mut purse = self.purses.find(subject).map(|mut entry| *entry.account()).unwrap_or_default();
        purse.turn(|| self.calendar.span(now_us), now_us);
        purse
    }

    /// Every purse that holds something.
    pub fn purses(&self, now_us: i64) -> Vec<(Arc<str>, Purse)> {
        let mut purses = Vec::new();
        self.purses.each(|name, purse| {
            if now_us < purse.span.end_us && *purse != (Purse { span: purse.span, ..Purse::default() }) {
                purses.push((Arc::clone(name), *purse));
            }
        });
        purses
    }
}

/// A purse that a call is to be paid from, and the budgets that watch it.
#[derive(Debug)]
pub(super) struct Stake {
    pub(super) books: Arc<Books>,
    pub(super) subject: Arc<str>,
    pub(super) rules: Vec<Arc<BudgetRule>>,
    /// The span that the reservation is in.
    start_us: i64,
}

impl Stake {
    pub(super) fn new(rule: &Arc<BudgetRule>, subject: Arc<str>) -> Self {
        Self { books: Arc::clone(&rule.books), subject, rules: vec![Arc::clone(rule)], start_us: i64::MIN }
    }
}

/// Money set aside for one call.
#[derive(Debug)]
pub struct Reservation {
    stakes: Vec<Stake>,
    amount: i64,
}

impl Reservation {
    /// Reserves `amount` in every purse, or in none; `None` is a call without a known price.
    pub(super) fn make(mut stakes: Vec<Stake>, amount: Option<Microcents>, at_us: i64) -> Result<Self, Refused> {
        stakes.sort_by_key(|stake| stake.books.id);
        let amount = amount.map(|amount| amount.0);
        let mut locked = Vec::with_capacity(stakes.len());
        for stake in &mut stakes {
            let Stake { books, subject, rules, start_us } = stake;
            if let Some(entry) = books.lock(subject, at_us) {
                locked.push((entry, &*books, &*subject, &*rules, start_us));
            }
        }
        for (entry, books, subject, rules, _) in &mut locked {
            let purse = *entry.account();
            for rule in rules.iter() {
                let is_hard = rule.terms.action == BudgetAction::Stop;
                if rule.terms.require_price && amount.is_none() {
                    return Err(Refused::PriceUnknown { rule: Arc::clone(rule) });
                }
                if is_hard && !books.is_known() {
                    return Err(Refused::NotKnown);
                }
                if is_hard && !purse.fits(amount, rule.terms.limit.0) {
                    let (rule, subject) = (Arc::clone(rule), Arc::clone(subject));
                    return Err(Refused::UsedUp { rule, subject, until_us: purse.span.end_us });
                }
            }
        }
        let amount = amount.unwrap_or(0);
        for (entry, books, _, _, start_us) in &mut locked {
            // Before the past is known a call is not counted here: it will be part of that past.
            if books.is_known() {
                entry.account().reserve(amount);
                **start_us = entry.account().span.start_us;
            }
        }
        drop(locked);
        Ok(Self { stakes, amount })
    }

    /// Puts the true cost in the place of the estimate; `None` where it never became known. Tells which budgets
    /// passed a mark by it.
    pub fn settle(mut self, cost: Option<Microcents>, now_us: i64) -> Vec<BudgetMark> {
        self.end(cost, now_us)
    }

    fn end(&mut self, cost: Option<Microcents>, now_us: i64) -> Vec<BudgetMark> {
        let mut marks = Vec::new();
        for stake in std::mem::take(&mut self.stakes) {
            let Some(mut entry) = stake.books.lock(&stake.subject, now_us) else { continue };
            let purse = entry.account();
            let before = purse.settle(self.amount, cost.map(|cost| cost.0), stake.start_us);
            let after = purse.spent.saturating_add(purse.assumed);
            drop(entry);
            if let Some(before) = before {
                marks.extend(stake.rules.iter().filter_map(|rule| rule.watch(&stake.subject, before, after)));
            }
        }
        marks
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.stakes.is_empty() {
            // Nobody said what became of the call.
            self.end(None, Timestamp::now().unix_us);
        }
    }
}
