//! Layer 3: who can be asked now.

use super::{Facts, Reason, Sieved, Standing, keep_if_none};

pub(super) fn sieve(facts: &Facts<'_>, standing: Vec<Standing>) -> Sieved {
    let later = |until: Option<i64>| until.filter(|until| *until > facts.at_us);
    keep_if_none(facts, standing, |candidate| {
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
    })
}
