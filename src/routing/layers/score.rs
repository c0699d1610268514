//! Layer 4: how well each one fits, by the profile's weights. Drops nobody.
//!
//! Every factor is measured on a scale of its own and not against the other candidates, so that a score
//! means the same in every decision.

use super::{Facts, Score, Sieved, Standing};
use crate::routing::facts::{Candidate, Merits};

/// What stands for a factor that is unknown: neither praise nor blame.
const UNKNOWN: f32 = 0.5;

/// The price that scores one half, in microcents per million tokens (3 USD).
const HALF_PRICE_MICROCENTS_PER_MTOK: f32 = 3e8;

/// The latency that scores one half, in milliseconds.
const HALF_LATENCY_MS: f32 = 1_000.0;

pub(super) fn sieve(facts: &Facts<'_>, mut standing: Vec<Standing>) -> Sieved {
    for one in &mut standing {
        one.score = facts.candidates.get(one.candidate).map(|candidate| score(facts, candidate));
    }
    Sieved { survivors: standing, ..Sieved::default() }
}

fn score(facts: &Facts<'_>, candidate: &Candidate<'_>) -> Score {
    let merits = &candidate.merits;
    let weights = &facts.profile.weights;
    let mut score = Score {
        quality: merits.quality.unwrap_or(UNKNOWN).clamp(0.0, 1.0),
        price: price(facts, merits).unwrap_or(UNKNOWN / 2.0),
        latency: merits.latency_ms.map_or(UNKNOWN, |latency| half_at(latency, HALF_LATENCY_MS)),
        reliability: merits.error_rate.map_or(UNKNOWN, |rate| 1.0 - rate.clamp(0.0, 1.0)),
        affinity: if merits.warm { 1.0 } else { 0.0 },
        total: 0.0,
    };
    let weighted = [
        (weights.quality, score.quality),
        (weights.price, score.price),
        (weights.latency, score.latency),
        (weights.reliability, score.reliability),
        (weights.affinity, score.affinity),
    ];
    let sum: f32 = weighted.iter().map(|(weight, _)| weight).sum();
    if sum > 0.0 {
        score.total = weighted.iter().map(|(weight, factor)| weight * factor).sum::<f32>() / sum;
    }
    score
}

/// The price of this request's mixture of prompt and answer, per million tokens.
fn price(facts: &Facts<'_>, merits: &Merits) -> Option<f32> {
    let tokens = facts.need.input_tokens + facts.need.expected_output_tokens();
    let microcents = merits.estimated_microcents(&facts.need)?;
    #[expect(clippy::cast_precision_loss, reason = "a score needs no more than some digits")]
    let per_mtok = microcents as f32 / tokens.max(1) as f32 * 1e6;
    Some(half_at(per_mtok, HALF_PRICE_MICROCENTS_PER_MTOK))
}

/// 1 at zero, one half at `half`, towards 0 beyond.
fn half_at(value: f32, half: f32) -> f32 {
    half / (half + value.max(0.0))
}
