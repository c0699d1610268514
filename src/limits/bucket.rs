//! The token bucket, in whole numbers: nothing is rounded, so nothing drifts.

use super::rate::Rate;

/// A bucket, told by what is missing of it: a full one is the same for every rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// What is missing, times the period in microseconds. It shrinks by the rate's amount each microsecond.
    missing: u128,
    at_us: i64,
}

impl Bucket {
    /// Lets flow in what has come since it was looked at last. A clock that goes back brings nothing.
    fn flow(&mut self, rate: &Rate, now_us: i64) {
        let since = u128::try_from(now_us.saturating_sub(self.at_us)).unwrap_or(0);
        self.missing = self.missing.saturating_sub(u128::from(rate.amount).saturating_mul(since));
        self.at_us = self.at_us.max(now_us);
    }

    /// What is taken and has not flowed back, rounded up.
    pub fn used(&mut self, rate: &Rate, now_us: i64) -> u64 {
        self.flow(rate, now_us);
        u64::try_from(self.missing.div_ceil(rate.period_us())).unwrap_or(u64::MAX)
    }

    /// When `amount` more can be taken, now or later; `None` for never.
    pub fn free_at(&mut self, rate: &Rate, amount: u64, now_us: i64) -> Option<i64> {
        self.flow(rate, now_us);
        let may_miss = u128::from(rate.capacity.checked_sub(amount)?) * rate.period_us();
        let wait = self.missing.saturating_sub(may_miss).div_ceil(u128::from(rate.amount));
        Some(now_us.saturating_add(i64::try_from(wait).unwrap_or(i64::MAX)))
    }

    /// Takes, even more than there is: then it is owed, at most for one period.
    pub fn take(&mut self, rate: &Rate, amount: u64, now_us: i64) {
        self.flow(rate, now_us);
        let most = (u128::from(rate.capacity) + u128::from(rate.amount)) * rate.period_us();
        self.missing = (self.missing + u128::from(amount) * rate.period_us()).min(most);
    }

    /// Puts back what was taken in vain.
    pub fn give_back(&mut self, rate: &Rate, amount: u64) {
        self.missing = self.missing.saturating_sub(u128::from(amount) * rate.period_us());
    }

    /// When all is back.
    pub fn full_at(&mut self, rate: &Rate, now_us: i64) -> i64 {
        self.flow(rate, now_us);
        let wait = self.missing.div_ceil(u128::from(rate.amount));
        now_us.saturating_add(i64::try_from(wait).unwrap_or(i64::MAX))
    }
}
