//! Layer 5: the order in which the survivors are tried. Drops nobody.
//!
//! Tiers keep their order (a fallback never goes before the name's own targets); the strategy orders within a tier.

use std::cmp::Ordering;

use super::{Facts, Sieved, Standing};
use crate::{config::Strategy, routing::facts::Candidate};

pub(super) fn sieve(facts: &Facts<'_>, standing: Vec<Standing>) -> Sieved {
    let mut ranked: Vec<Ranked<'_, '_>> = standing
        .into_iter()
        .filter_map(|one| facts.candidates.get(one.candidate).map(|candidate| Ranked { one, candidate }))
        .collect();
    // Everything is a stable sort over the order in which the candidates were found.
    ranked.sort_by(|a, b| by_strategy(facts, a, b));
    if facts.sticky {
        ranked.sort_by_key(|ranked| !ranked.candidate.merits.warm);
    }
    ranked.sort_by_key(|ranked| ranked.candidate.tier);
    if facts.strategy == Strategy::RoundRobin {
        rotate_tiers(facts, &mut ranked);
    }
    Sieved { survivors: ranked.into_iter().map(|ranked| ranked.one).collect(), ..Sieved::default() }
}

struct Ranked<'f, 'a> {
    one: Standing,
    candidate: &'f Candidate<'a>,
}

fn by_strategy(facts: &Facts<'_>, a: &Ranked<'_, '_>, b: &Ranked<'_, '_>) -> Ordering {
    let better_score = || b.total().total_cmp(&a.total());
    match facts.strategy {
        Strategy::Priority => a.candidate.priority.cmp(&b.candidate.priority),
        // Rotated afterwards: turns are taken in the order in which they were found.
        Strategy::RoundRobin => Ordering::Equal,
        Strategy::Weighted => a.draw(facts.dice).total_cmp(&b.draw(facts.dice)),
        // Nobody knows how fast an unmeasured one is: asking it is the way to learn it.
        Strategy::LowestLatency => {
            let latency = |ranked: &Ranked<'_, '_>| ranked.candidate.merits.latency_ms.unwrap_or(0.0);
            latency(a).total_cmp(&latency(b))
        }
        // An unknown price is not a low one.
        Strategy::CostOptimized => {
            let cost =
                |ranked: &Ranked<'_, '_>| ranked.candidate.merits.estimated_microcents(&facts.need).unwrap_or(u64::MAX);
            cost(a).cmp(&cost(b)).then_with(better_score)
        }
        Strategy::BestScore => better_score(),
    }
}

/// Each tier begins one place further than at the turn before.
fn rotate_tiers(facts: &Facts<'_>, ranked: &mut [Ranked<'_, '_>]) {
    for tier in ranked.chunk_by_mut(|a, b| a.candidate.tier == b.candidate.tier) {
        let is_pinned = facts.sticky && tier.first().is_some_and(|first| first.candidate.merits.warm);
        if let (false, Ok(size)) = (is_pinned, u64::try_from(tier.len()))
            && let Ok(by) = usize::try_from(facts.turn.checked_rem(size).unwrap_or_default())
        {
            tier.rotate_left(by);
        }
    }
}

impl Ranked<'_, '_> {
    fn total(&self) -> f32 {
        self.one.score.map_or(0.0, |score| score.total)
    }

    /// An exponential draw at the candidate's weight: the smallest of such draws falls on each in proportion to
    /// its weight (Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006).
    fn draw(&self, dice: u64) -> f64 {
        if self.candidate.weight == 0 {
            return f64::INFINITY;
        }
        #[expect(clippy::cast_precision_loss, reason = "53 bits are what a double holds")]
        let unit = ((mixed(dice, self.one.candidate as u64) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        -unit.ln() / f64::from(self.candidate.weight)
    }
}

/// The finalizer of SplitMix64 over both numbers: one draw a candidate from one dice a request.
const fn mixed(dice: u64, candidate: u64) -> u64 {
    let mut z = dice.wrapping_add((candidate + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
