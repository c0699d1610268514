//! Layer 3: who can be asked now.
//!
//! When the breakers of all who are left are open, or all of them asked to be left alone, they are asked all the same
//! (as Envoy does in its panic mode): both send requests where they fare better, and when there is no such place they
//! would only make an outage longer, or refuse one caller's key for another's rate limit.

use super::{Facts, Reason, Sieved, Standing, keep_if_none};

pub(super) fn sieve(facts: &Facts<'_>, standing: Vec<Standing>) -> Sieved {
    let later = |until: Option<i64>| until.filter(|until| *until > facts.at_us);
    let mut sieved = keep_if_none(facts, standing, |candidate| {
        let now = &candidate.availability;
        if let Some(until_us) = later(now.open_until_us) {
            return Some(Reason::CircuitOpen { until_us });
        }
        if now.probing {
            return Some(Reason::Probing);
        }
        if let Some(until_us) = later(now.rate_limited_until_us) {
            return Some(Reason::RateLimited { until_us });
        }
        if let Some(until_us) = later(now.limited_until_us) {
            return Some(Reason::OverLimit { until_us });
        }
        now.over_budget.then_some(Reason::OverBudget)
    });
    let is_ours =
        |reason: Reason| matches!(reason, Reason::CircuitOpen { .. } | Reason::Probing | Reason::RateLimited { .. });
    if sieved.survivors.is_empty() && sieved.dropped.iter().any(|dropped| is_ours(dropped.reason)) {
        let (kept, others): (Vec<_>, Vec<_>) = sieved.dropped.into_iter().partition(|dropped| is_ours(dropped.reason));
        let survivors = kept.iter().map(|one| Standing { candidate: one.candidate, score: None }).collect();
        sieved = Sieved { survivors, dropped: others, overruled: true };
    }
    sieved
}
