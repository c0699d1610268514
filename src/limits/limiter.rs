//! Who may still ask: accounts of requests and tokens, taken from together or not at all.
//!
//! Everything is in memory and behind short locks, one a scope, always taken in the order of the scopes. Nothing
//! here waits, and a refused request takes nothing.

use std::sync::Arc;

use super::{
    rate::{Meter, Rate, RateSet},
    table::{Account, Entry, Table},
};
use crate::config::{LimitUnit, Scope};

/// The meters of one subject, each at [`Rate::place`].
#[derive(Clone, Debug, Default)]
pub(super) struct Meters([Option<Box<(Rate, Meter)>>; 6]);

impl Account for Meters {
    fn is_new(&mut self, now_us: i64) -> bool {
        self.0.iter_mut().flatten().all(|kept| kept.1.full_at(&kept.0, now_us) <= now_us)
    }
}

impl Meters {
    /// The meter of a rate; what was counted under another amount of the same unit and period still counts.
    fn meter(&mut self, rate: &Rate) -> Option<&mut Meter> {
        let kept = self.0.get_mut(rate.place())?.get_or_insert_with(|| Box::new((*rate, Meter::default())));
        kept.0 = *rate;
        Some(&mut kept.1)
    }
}

/// One subject that a request counts for, and its rates.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Its scope.
    pub scope: Scope,
    /// Its name; empty for requests that bear none, which count together.
    pub subject: Arc<str>,
    /// Its rates.
    pub rates: Arc<RateSet>,
}

/// What a request takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Take {
    /// Requests.
    pub requests: u64,
    /// Tokens.
    pub tokens: u64,
}

impl Take {
    const fn of(self, unit: LimitUnit) -> u64 {
        match unit {
            LimitUnit::Requests => self.requests,
            LimitUnit::Tokens => self.tokens,
        }
    }
}

/// A limit that has no room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Whose it is.
    pub scope: Scope,
    /// Of whom.
    pub subject: Arc<str>,
    /// The limit.
    pub rate: Rate,
    /// How much was asked for.
    pub asked: u64,
    /// When there is room, in microseconds since the Unix epoch; `None` when there never is.
    pub free_at_us: Option<i64>,
    /// What is left of all limits of the request.
    pub standing: Standing,
}

/// The tightest limit of a unit, as response headers tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// How much may be taken at once.
    pub limit: u64,
    /// How much of it is left.
    pub remaining: u64,
    /// When all of it is there again, in microseconds since the Unix epoch.
    pub reset_at_us: i64,
}

/// What is left of a request's limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Of requests.
    pub requests: Option<Head>,
    /// Of tokens.
    pub tokens: Option<Head>,
}

impl Standing {
    fn add(&mut self, unit: LimitUnit, head: Head) {
        let place = match unit {
            LimitUnit::Requests => &mut self.requests,
            LimitUnit::Tokens => &mut self.tokens,
        };
        if place.is_none_or(|known| (head.remaining, -head.reset_at_us) < (known.remaining, -known.reset_at_us)) {
            *place = Some(head);
        }
    }
}

/// One account, as `GET /v1/limits` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// The limit.
    pub rate: Rate,
    /// What is used of it.
    pub used: u64,
    /// When nothing is, in microseconds since the Unix epoch.
    pub reset_at_us: i64,
}

/// The accounts of all scopes.
#[derive(Debug)]
pub struct Limiter {
    tables: [Table<Meters>; Scope::ALL.len()],
}

impl Default for Limiter {
    fn default() -> Self {
        Self { tables: std::array::from_fn(|_| Table::default()) }
    }
}

/// Accounts that are locked together, in the order of their scopes.
type Locked<'a> = Vec<(&'a Claim, Entry<'a, Meters>)>;

impl Limiter {
    fn table(&self, scope: Scope) -> Option<&Table<Meters>> {
        self.tables.get(scope as usize)
    }

    /// Locks every account. Claims are ordered by scope, at most one a scope, so that no two requests can wait for
    /// each other.
    fn lock<'a>(&'a self, claims: &'a [Claim], now_us: i64) -> Locked<'a> {
        debug_assert!(claims.windows(2).all(|pair| matches!(pair, [a, b] if a.scope < b.scope)));
        let entry = |claim: &'a Claim| Some((claim, self.table(claim.scope)?.lock(&claim.subject, now_us)?));
        claims.iter().filter_map(entry).collect()
    }

    /// Takes from every account of `claims`, or from none.
    ///
    /// # Errors
    /// The limit that keeps the request away for longest.
    pub fn take(&self, claims: &[Claim], take: Take, now_us: i64) -> Result<Standing, Box<Denial>> {
        let mut locked = self.lock(claims, now_us);
        if let Some(denial) = denied(&mut locked, take, now_us) {
            return Err(Box::new(Denial { standing: standing(&mut locked, now_us), ..denial }));
        }
        for (claim, entry) in &mut locked {
            for rate in claim.rates.rates.iter().filter(|rate| take.of(rate.unit) > 0) {
                if let Some(meter) = entry.account().meter(rate) {
                    meter.take(rate, take.of(rate.unit), now_us);
                }
            }
        }
        Ok(standing(&mut locked, now_us))
    }

    /// When a request would be let through, if that is not now: [`i64::MAX`] for never. Makes no accounts, since it
    /// may be asked about anyone.
    pub fn closed_until(&self, claims: &[Claim], take: Take, now_us: i64) -> Option<i64> {
        let mut closed = None;
        for claim in claims {
            let mut entry = self.table(claim.scope).and_then(|table| table.find(&claim.subject));
            for rate in claim.rates.rates.iter().filter(|rate| take.of(rate.unit) > 0) {
                let mut fresh = Meter::default();
                let meter = entry.as_mut().and_then(|entry| entry.account().meter(rate)).unwrap_or(&mut fresh);
                let free_at_us = meter.free_at(rate, take.of(rate.unit), now_us).unwrap_or(i64::MAX);
                closed = closed.max((free_at_us > now_us).then_some(free_at_us));
            }
        }
        closed
    }

    /// Puts what was taken at `taken_us` right: `truth` instead of `taken`.
    pub fn correct(&self, claims: &[Claim], taken: Take, truth: Take, taken_us: i64, now_us: i64) {
        if taken == truth {
            return;
        }
        for (claim, entry) in &mut self.lock(claims, now_us) {
            for rate in &claim.rates.rates {
                let (taken, truth) = (taken.of(rate.unit), truth.of(rate.unit));
                let Some(meter) = entry.account().meter(rate) else { continue };
                if truth > taken {
                    meter.take(rate, truth - taken, now_us);
                } else if taken > truth {
                    meter.give_back(rate, taken - truth, taken_us);
                }
            }
        }
    }

    /// How much of its limits a subject has used.
    pub fn used(&self, scope: Scope, subject: &str, rates: &RateSet, now_us: i64) -> Vec<Used> {
        let mut entry = self.table(scope).and_then(|table| table.find(subject));
        let used = |rate: &Rate| {
            let meter = entry.as_mut().and_then(|entry| entry.account().meter(rate));
            let (used, reset_at_us) =
                meter.map_or((0, now_us), |meter| (meter.used(rate, now_us), meter.full_at(rate, now_us)));
            Used { rate: *rate, used, reset_at_us }
        };
        rates.rates.iter().map(used).collect()
    }

    /// The subjects of a scope that have used something.
    pub fn subjects(&self, scope: Scope, now_us: i64) -> Vec<Arc<str>> {
        let mut names = Vec::new();
        if let Some(table) = self.table(scope) {
            table.each(|name, meters| {
                if !meters.is_new(now_us) {
                    names.push(Arc::clone(name));
                }
            });
        }
        names
    }
}

fn denied(locked: &mut Locked<'_>, take: Take, now_us: i64) -> Option<Denial> {
    let mut worst: Option<Denial> = None;
    for (claim, entry) in locked {
        for rate in claim.rates.rates.iter().filter(|rate| take.of(rate.unit) > 0) {
            let asked = take.of(rate.unit);
            let Some(meter) = entry.account().meter(rate) else { continue };
            let free_at_us = meter.free_at(rate, asked, now_us);
            if free_at_us.is_some_and(|at| at <= now_us) {
                continue;
            }
            let late = |at: Option<i64>| at.unwrap_or(i64::MAX);
            if worst.as_ref().is_none_or(|worst| late(worst.free_at_us) < late(free_at_us)) {
                let subject = Arc::clone(&claim.subject);
                worst = Some(Denial {
                    scope: claim.scope,
                    subject,
                    rate: *rate,
                    asked,
                    free_at_us,
                    standing: Standing::default(),
                });
            }
        }
    }
    worst
}

fn standing(locked: &mut Locked<'_>, now_us: i64) -> Standing {
    let mut standing = Standing::default();
    for (claim, entry) in locked {
        for rate in &claim.rates.rates {
            let Some(meter) = entry.account().meter(rate) else { continue };
            let remaining = rate.capacity.saturating_sub(meter.used(rate, now_us));
            let reset_at_us = meter.full_at(rate, now_us);
            standing.add(rate.unit, Head { limit: rate.capacity, remaining, reset_at_us });
        }
    }
    standing
}

/// Something taken, to be put right when the truth is known.
#[derive(Debug)]
pub struct Taken {
    limiter: Arc<Limiter>,
    claims: Vec<Claim>,
    take: Take,
    at_us: i64,
}

impl Taken {
    /// Takes from every account of `claims`, or from none.
    ///
    /// # Errors
    /// The limit that keeps the request away for longest.
    pub fn take(
        limiter: &Arc<Limiter>,
        claims: Vec<Claim>,
        take: Take,
        now_us: i64,
    ) -> Result<(Self, Standing), Box<Denial>> {
        let standing = limiter.take(&claims, take, now_us)?;
        Ok((Self { limiter: Arc::clone(limiter), claims, take, at_us: now_us }, standing))
    }

    /// Whether tokens are limited at all.
    pub fn counts_tokens(&self) -> bool {
        self.claims.iter().any(|claim| claim.rates.counts(LimitUnit::Tokens))
    }

    /// Takes tokens too.
    ///
    /// # Errors
    /// As [`Self::take`]; what was taken before stays taken.
    pub fn take_tokens(&mut self, tokens: u64, now_us: i64) -> Result<Standing, Box<Denial>> {
        let standing = self.limiter.take(&self.claims, Take { requests: 0, tokens }, now_us)?;
        self.take.tokens += tokens;
        Ok(standing)
    }

    /// The tokens that were taken.
    pub const fn tokens(&self) -> u64 {
        self.take.tokens
    }

    /// Puts right what was taken: so many tokens were really used.
    pub fn settle(self, tokens: u64, now_us: i64) {
        let truth = Take { tokens: if self.counts_tokens() { tokens } else { self.take.tokens }, ..self.take };
        self.limiter.correct(&self.claims, self.take, truth, self.at_us, now_us);
    }

    /// Puts everything back.
    pub fn undo(self, now_us: i64) {
        self.limiter.correct(&self.claims, self.take, Take::default(), self.at_us, now_us);
    }
}
