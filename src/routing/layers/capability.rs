//! Layer 2: what a model is known not to be able to do. What is unknown does not count against it.

use super::{Facts, Reason, Sieved, Standing, keep_if_none};
use crate::routing::facts::{Candidate, Rule, Speech};

pub(super) fn sieve(facts: &Facts<'_>, standing: Vec<Standing>) -> Sieved {
    let everybody = standing.clone();
    let mut sieved = keep_if_none(facts, standing, |candidate| lack(facts, candidate));
    // The catalog may be wrong or old. Whoever names a model gets its provider's own answer, not our guess.
    let can_be_asked =
        |one: &Standing| facts.candidates.get(one.candidate).is_some_and(|it| it.capability.speech != Speech::Other);
    if sieved.survivors.is_empty() && facts.rule != Rule::Auto && everybody.iter().any(can_be_asked) {
        sieved.survivors = everybody.into_iter().filter(can_be_asked).collect();
        sieved.dropped.retain(|dropped| dropped.reason == Reason::OtherApi);
        sieved.overruled = true;
    }
    sieved
}

fn lack(facts: &Facts<'_>, candidate: &Candidate<'_>) -> Option<Reason> {
    let (need, has) = (&facts.need, &candidate.capability);
    if has.speech == Speech::Other {
        return Some(Reason::OtherApi);
    }
    let wanted = need.abilities.or(facts.profile.needs);
    if let Some(ability) = wanted.and(has.cannot).iter().next() {
        return Some(Reason::Lacks { ability });
    }
    if let Some(context_tokens) = has.context_tokens {
        let asked = need.input_tokens.saturating_add(need.max_output_tokens.unwrap_or_default());
        let needed_tokens = asked.max(facts.profile.min_context_tokens.unwrap_or_default());
        if needed_tokens > context_tokens {
            return Some(Reason::ContextTooSmall { needed_tokens, context_tokens });
        }
    }
    match (need.max_output_tokens, has.output_tokens) {
        (Some(needed_tokens), Some(output_tokens)) if needed_tokens > output_tokens => {
            Some(Reason::OutputTooSmall { needed_tokens, output_tokens })
        }
        _ => None,
    }
}
