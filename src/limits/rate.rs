//! A rate, and the meter that says how much of it is used.

use std::sync::Arc;

use super::{bucket::Bucket, window::SlidingWindow};
use crate::config::{Algorithm, LimitPeriod, LimitSet, LimitUnit};

/// How much may be taken in which time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    /// What is counted.
    pub unit: LimitUnit,
    /// In which time.
    pub period: LimitPeriod,
    /// How much in a period; above zero.
    pub amount: u64,
    /// How much at once: the size of a token bucket. A sliding window has the amount.
    pub capacity: u64,
    /// By which rule.
    pub algorithm: Algorithm,
}

impl Rate {
    pub(super) fn period_us(&self) -> u128 {
        u128::from(self.period.micros().unsigned_abs())
    }

    /// Where its meter stands in an account.
    pub(super) const fn place(&self) -> usize {
        self.unit as usize * LimitPeriod::ALL.len() + self.period as usize
    }
}

/// All rates of one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateSet {
    /// The rates; empty where a limit was lifted.
    pub rates: Box<[Rate]>,
    /// What it was made from.
    pub stated: LimitSet,
}

impl RateSet {
    /// The rates that a set of limits states. The burst bounds the shortest period that is limited: so much at
    /// once, whatever the longer ones would let through.
    pub fn of(limits: &LimitSet) -> Arc<Self> {
        let mut rates = Vec::new();
        for unit in LimitUnit::ALL {
            let mut burst = limits.burst(unit);
            for period in LimitPeriod::ALL {
                let Some(amount) = limits.amount(unit, period) else { continue };
                let capacity = burst.take().unwrap_or(amount);
                rates.push(Rate { unit, period, amount, capacity, algorithm: limits.algorithm });
            }
        }
        Arc::new(Self { rates: rates.into(), stated: limits.clone() })
    }

    pub(super) fn counts(&self, unit: LimitUnit) -> bool {
        self.rates.iter().any(|rate| rate.unit == unit)
    }
}

/// How much of a rate is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meter {
    /// By a token bucket.
    Bucket(Bucket),
    /// By a sliding window.
    Window(SlidingWindow),
}

impl Default for Meter {
    fn default() -> Self {
        Self::Bucket(Bucket::default())
    }
}

impl Meter {
    /// Becomes one of the rate's kind, if it is not: a rule of another kind begins anew.
    fn fit(&mut self, rate: &Rate) {
        match (&self, rate.algorithm) {
            (Self::Bucket(_), Algorithm::TokenBucket) | (Self::Window(_), Algorithm::SlidingWindow) => {}
            (_, Algorithm::TokenBucket) => *self = Self::Bucket(Bucket::default()),
            (_, Algorithm::SlidingWindow) => *self = Self::Window(SlidingWindow::default()),
        }
    }

    /// What is used.
    pub fn used(&mut self, rate: &Rate, now_us: i64) -> u64 {
        self.fit(rate);
        match self {
            Self::Bucket(bucket) => bucket.used(rate, now_us),
            Self::Window(window) => window.used(rate, now_us),
        }
    }

    /// When `amount` more can be taken: `now_us`, later, or `None` for never.
    pub fn free_at(&mut self, rate: &Rate, amount: u64, now_us: i64) -> Option<i64> {
        self.fit(rate);
        match self {
            Self::Bucket(bucket) => bucket.free_at(rate, amount, now_us),
            Self::Window(window) => window.free_at(rate, amount, now_us),
        }
    }

    /// Takes, whether there is room or not.
    pub fn take(&mut self, rate: &Rate, amount: u64, now_us: i64) {
        self.fit(rate);
        match self {
            Self::Bucket(bucket) => bucket.take(rate, amount, now_us),
            Self::Window(window) => window.take(rate, amount, now_us),
        }
    }

    /// Puts back what was taken in vain at `taken_us`.
    pub fn give_back(&mut self, rate: &Rate, amount: u64, taken_us: i64) {
        match self {
            Self::Bucket(bucket) => bucket.give_back(rate, amount),
            Self::Window(window) => window.give_back(rate, amount, taken_us),
        }
    }

    /// When it is as if nothing had ever been taken.
    pub fn full_at(&mut self, rate: &Rate, now_us: i64) -> i64 {
        self.fit(rate);
        match self {
            Self::Bucket(bucket) => bucket.full_at(rate, now_us),
            Self::Window(window) => window.full_at(rate, now_us),
        }
    }
}
