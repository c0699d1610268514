//! Money as integers.

use serde::{Deserialize, Serialize};

/// An amount of money: 1 microcent = 10⁻⁸ USD. Sums saturate instead of wrapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Microcents(pub i64);

impl Microcents {
    /// Microcents in one US dollar.
    pub const PER_USD: i64 = 100_000_000;

    /// The amount as a US-dollar number, for displays and the strategy seed's `total_cost` only.
    #[allow(clippy::cast_precision_loss, reason = "a display value; sums are kept in integers")]
    pub fn as_usd(self) -> f64 {
        self.0 as f64 / Self::PER_USD as f64
    }

    /// The sum, at the bounds of `i64` if it would not fit.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::iter::Sum for Microcents {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self(0), Self::saturating_add)
    }
}
