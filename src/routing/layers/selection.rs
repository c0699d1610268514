//! Layer 5: the order in which the survivors are tried. Drops nobody.
//!
//! Tiers keep their order (a fallback never goes before the name's own targets); the strategy orders within a tier.

use super::{Facts, Sieved, Standing};
use crate::{config::Strategy, routing::facts::Candidate};

pub(super) fn sieve(facts: &Facts<'_>, standing: Vec<Standing>) -> Sieved {
    // Thousands may be compared: numbers are, and places are moved instead of candidates.
    let ranks: Vec<Rank> = standing.iter().map(|one| rank(facts, one)).collect();
    let rank = |place: usize| ranks.get(place).copied().unwrap_or(Rank::MAX);
    let mut order: Vec<usize> = (0..standing.len()).collect();
    // Stable: what is equal stays in the order in which it was found.
    order.sort_by_key(|place| rank(*place));
    if facts.strategy == Strategy::RoundRobin {
        rotate_tiers(facts, &mut order, rank);
    }
    let mut survivors = Vec::with_capacity(order.len());
    survivors.extend(order.into_iter().filter_map(|place| standing.get(place).copied()));
    Sieved { survivors, ..Sieved::default() }
}

/// What one is ordered by, the smallest first. From the highest bits down: its tier, whether it is not pinned, and what
/// the strategy says.
type Rank = u128;

/// The bits of a rank that are the strategy's.
const BY_STRATEGY: u32 = u64::BITS + u32::BITS;

fn rank(facts: &Facts<'_>, one: &Standing) -> Rank {
    let Some(candidate) = facts.candidates.get(one.candidate) else { return Rank::MAX };
    let is_pinned = facts.sticky && candidate.merits.warm;
    let (first, second) = by_strategy(facts, one, candidate);
    let group = Rank::from(candidate.tier) << 1 | Rank::from(!is_pinned);
    group << BY_STRATEGY | Rank::from(first) << u32::BITS | Rank::from(second)
}

fn by_strategy(facts: &Facts<'_>, one: &Standing, candidate: &Candidate<'_>) -> (u64, u32) {
    let better_score = || !ascending(one.score.map_or(0.0, |score| score.total));
    match facts.strategy {
        Strategy::Priority => (u64::from(candidate.priority), 0),
        // Rotated afterwards: turns are taken in the order in which they were found.
        Strategy::RoundRobin => (0, 0),
        // Never negative, so its bits are in its order.
        Strategy::Weighted => (draw(one, candidate, facts.dice).to_bits(), 0),
        // Nobody knows how fast an unmeasured one is: asking it is the way to learn it.
        Strategy::LowestLatency => (u64::from(ascending(candidate.merits.latency_ms.unwrap_or(0.0))), 0),
        // An unknown price is not a low one.
        Strategy::CostOptimized => {
            (candidate.merits.estimated_microcents(&facts.need).unwrap_or(u64::MAX), better_score())
        }
        Strategy::BestScore => (u64::from(better_score()), 0),
    }
}

/// A number in the order of [`f32::total_cmp`].
const fn ascending(value: f32) -> u32 {
    const SIGN: u32 = 1 << 31;
    let bits = value.to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

/// Each tier begins one place further than at the turn before.
fn rotate_tiers(facts: &Facts<'_>, order: &mut [usize], rank: impl Fn(usize) -> Rank) {
    let group = |place: usize| rank(place) >> BY_STRATEGY;
    for tier in order.chunk_by_mut(|a, b| group(*a) >> 1 == group(*b) >> 1) {
        let is_pinned = tier.first().is_some_and(|first| group(*first) & 1 == 0);
        if let (false, Ok(size)) = (is_pinned, u64::try_from(tier.len()))
            && let Ok(by) = usize::try_from(facts.turn.checked_rem(size).unwrap_or_default())
        {
            tier.rotate_left(by);
        }
    }
}

/// An exponential draw at the candidate's weight: the smallest of such draws falls on each in proportion to
/// its weight (Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006).
fn draw(one: &Standing, candidate: &Candidate<'_>, dice: u64) -> f64 {
    if candidate.weight == 0 {
        return f64::INFINITY;
    }
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what a double holds")]
    let unit = ((mixed(dice, one.candidate as u64) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    -unit.ln() / f64::from(candidate.weight)
}

/// The finalizer of SplitMix64 over both numbers: one draw a candidate from one dice a request.
const fn mixed(dice: u64, candidate: u64) -> u64 {
    let mut z = dice.wrapping_add((candidate + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::ascending;

    proptest! {
        #[test]
        fn numbers_keep_their_order(a in any::<u32>(), b in any::<u32>()) {
            let (a, b) = (f32::from_bits(a), f32::from_bits(b));
            prop_assert_eq!(ascending(a).cmp(&ascending(b)), a.total_cmp(&b));
        }
    }
}
