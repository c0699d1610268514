//! What a provider itself says that a call cost, read exactly from its digits.

use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive as _};

use crate::domain::Microcents;

/// xAI's unit: 10¹⁰ ticks are one US dollar (docs.x.ai, "Cost tracking").
const TICKS_PER_MICROCENT: i64 = 100;

/// A number of US dollars as it was written (`0.00012`, `1.2e-05`), rounded half up once.
pub(super) fn from_usd(digits: &str) -> Option<Microcents> {
    let usd = digits.parse::<Decimal>().or_else(|_| Decimal::from_scientific(digits)).ok()?;
    rounded(usd.checked_mul(Decimal::from(Microcents::PER_USD))?)
}

/// A number of xAI's ticks.
pub(super) fn from_ticks(digits: &str) -> Option<Microcents> {
    rounded(digits.parse::<Decimal>().ok()?.checked_div(Decimal::from(TICKS_PER_MICROCENT))?)
}

fn rounded(amount: Decimal) -> Option<Microcents> {
    let whole = amount.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    whole.to_i64().filter(|microcents| *microcents >= 0).map(Microcents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_become_exact_microcents() {
        for (digits, microcents) in [
            ("0", Some(0)),
            ("0.00014", Some(14_000)),
            ("1", Some(100_000_000)),
            ("1.2e-05", Some(1_200)),
            ("1.25E-7", Some(13)),
            ("0.000000005", Some(1)),
            ("0.0000000049999999", Some(0)),
            ("0.1234567899999999999999999999999999", Some(12_345_679)),
            ("-0.5", None),
            ("1e400", None),
            ("nonsense", None),
        ] {
            assert_eq!(from_usd(digits), microcents.map(Microcents), "{digits}");
        }
    }

    #[test]
    fn ticks_are_hundredths_of_a_microcent() {
        assert_eq!(from_ticks("37756000"), Some(Microcents(377_560)));
        assert_eq!(from_ticks("200000000"), Some(Microcents(2_000_000)));
        assert_eq!(from_ticks("50"), Some(Microcents(1)));
        assert_eq!(from_ticks("49"), Some(Microcents(0)));
    }
}
