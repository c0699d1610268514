//! The sliding window: in no span of one period, wherever it begins, is more taken than the amount.
//!
//! What is taken is counted in slots of a 128th of the period, and a slot counts until every moment in it is a
//! period old. So the bound is strict, and what is taken comes back at most a 128th of a period late.

use std::collections::VecDeque;

use super::rate::Rate;

/// Slots of a period; every period divides by it without a rest.
const SLOTS: i64 = 128;

/// What was taken lately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlidingWindow {
    /// Slots in which something was taken, oldest first: number since the epoch, and amount. At most 129.
    slots: VecDeque<(i64, u64)>,
    sum: u64,
}

/// How wide a slot is.
const fn width_us(rate: &Rate) -> i64 {
    rate.period.micros() / SLOTS
}

/// From when on a slot counts no more.
const fn end_us(rate: &Rate, slot: i64) -> i64 {
    slot.saturating_add(SLOTS + 1).saturating_mul(width_us(rate))
}

impl SlidingWindow {
    fn expire(&mut self, rate: &Rate, now_us: i64) {
        while let Some((slot, amount)) = self.slots.front()
            && end_us(rate, *slot) <= now_us
        {
            self.sum = self.sum.saturating_sub(*amount);
            self.slots.pop_front();
        }
    }

    /// What counts now.
    pub fn used(&mut self, rate: &Rate, now_us: i64) -> u64 {
        self.expire(rate, now_us);
        self.sum
    }

    /// When `amount` more can be taken, now or later; `None` for never.
    pub fn free_at(&mut self, rate: &Rate, amount: u64, now_us: i64) -> Option<i64> {
        self.expire(rate, now_us);
        let room = rate.amount.checked_sub(amount)?;
        let mut counts = self.sum;
        let mut at_us = now_us;
        for (slot, amount) in &self.slots {
            if counts <= room {
                break;
            }
            counts = counts.saturating_sub(*amount);
            at_us = end_us(rate, *slot);
        }
        Some(at_us)
    }

    /// Takes, whether there is room or not.
    pub fn take(&mut self, rate: &Rate, amount: u64, now_us: i64) {
        self.expire(rate, now_us);
        // A clock that goes back adds to the newest slot.
        let newest = self.slots.back().map_or(i64::MIN, |(slot, _)| *slot);
        let slot = now_us.div_euclid(width_us(rate)).max(newest);
        let amount = amount.min(u64::MAX - self.sum);
        self.sum += amount;
        match self.slots.back_mut().filter(|(newest, _)| *newest == slot) {
            Some((_, counted)) => *counted += amount,
            None => self.slots.push_back((slot, amount)),
        }
    }

    /// Puts back what was taken in vain at `taken_us`, as far as it still counts.
    pub fn give_back(&mut self, rate: &Rate, amount: u64, taken_us: i64) {
        let slot = taken_us.div_euclid(width_us(rate));
        let place = self.slots.partition_point(|(known, _)| *known < slot);
        if let Some((_, counted)) = self.slots.get_mut(place) {
            let back = amount.min(*counted);
            *counted -= back;
            self.sum -= back;
        }
    }

    /// When nothing counts any more.
    pub fn full_at(&mut self, rate: &Rate, now_us: i64) -> i64 {
        self.expire(rate, now_us);
        self.slots.back().map_or(now_us, |(slot, _)| end_us(rate, *slot))
    }
}
