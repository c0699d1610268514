//! What was spent in a span of a budget, and what is reserved for calls under way: pure arithmetic in microcents.

use super::{calendar::Span, table::Account};

/// The money of one subject in one span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purse {
    /// The span.
    pub span: Span,
    /// What calls are known to have cost.
    pub spent: i64,
    /// Estimates of calls whose cost never became known: they stay as if they were true.
    pub assumed: i64,
    /// Estimates of calls under way.
    pub reserved: i64,
    /// Calls whose cost is not known.
    pub unknown_calls: u64,
}

impl Purse {
    /// Begins anew when its span is over.
    pub fn turn(&mut self, span: impl FnOnce() -> Span, at_us: i64) {
        if at_us >= self.span.end_us {
            *self = Self { span: span(), ..Self::default() };
        }
    }

    /// All that counts.
    pub const fn used(&self) -> i64 {
        self.spent.saturating_add(self.assumed).saturating_add(self.reserved)
    }

    /// Whether so much more may be spent. What is known to be free always may; what has no known price may as long
    /// as anything is left.
    pub const fn fits(&self, amount: Option<i64>, limit: i64) -> bool {
        match amount {
            Some(0) => true,
            Some(amount) => self.used().saturating_add(amount) <= limit,
            None => self.used() < limit,
        }
    }

    /// Reserves an estimate.
    pub const fn reserve(&mut self, amount: i64) {
        self.reserved = self.reserved.saturating_add(amount);
    }

    /// Puts the true cost in the place of the estimate that was reserved in the span that began at `start_us`; one
    /// of an earlier span is no longer here. Returns what had been spent before.
    pub fn settle(&mut self, reserved: i64, cost: Option<i64>, start_us: i64) -> Option<i64> {
        if self.span.start_us != start_us {
            return None;
        }
        let before = self.spent.saturating_add(self.assumed);
        self.reserved = self.reserved.saturating_sub(reserved);
        match cost {
            Some(cost) => self.spent = self.spent.saturating_add(cost),
            None => {
                self.assumed = self.assumed.saturating_add(reserved);
                self.unknown_calls = self.unknown_calls.saturating_add(1);
            }
        }
        Some(before)
    }
}

impl Account for Purse {
    fn is_new(&mut self, now_us: i64) -> bool {
        now_us >= self.span.end_us || (self.used() == 0 && self.reserved == 0 && self.unknown_calls == 0)
    }
}
