//! Layer 1: what the rules of key, project and profile allow.

use super::{Facts, Reason, Sieved, Standing, keep_if_none};

pub(super) fn sieve(facts: &Facts<'_>, standing: Vec<Standing>) -> Sieved {
    keep_if_none(facts, standing, |candidate| {
        let not_local = (facts.profile.local_only && !candidate.local).then_some(Reason::NotLocal);
        candidate.forbidden.map(Reason::from).or(not_local)
    })
}
