//! Layer 2: what a model is known not to be able to do. What is unknown does not count against it, but for what it is
//! for: where the gateway chooses among all models, one of which nobody knows whether it makes vectors, images or speech
//! is asked for them only when none is known to.

use super::{Dropped, Facts, Reason, Sieved, Standing, keep_if_none};
use crate::{
    domain::{Abilities, Ability},
    routing::facts::{Candidate, Rule, Speech},
};

pub(super) fn sieve(facts: &Facts<'_>, standing: Vec<Standing>) -> Sieved {
    let mut sieved = keep_if_none(facts, standing, |candidate| lack(facts, candidate));
    if !sieved.survivors.is_empty() {
        return sieved;
    }
    let is_let_through = |dropped: &Dropped| match dropped.reason {
        Reason::OtherApi => false,
        Reason::NotKnownTo { .. } => true,
        // The catalog may be wrong or old. Whoever names a model gets its provider's own answer, not our guess.
        _ => facts.rule != Rule::Auto,
    };
    let (through, fallen): (Vec<_>, Vec<_>) = sieved.dropped.into_iter().partition(is_let_through);
    sieved.overruled = !through.is_empty();
    sieved.survivors = through.iter().map(|one| Standing { candidate: one.candidate, score: None }).collect();
    sieved.dropped = fallen;
    sieved
}

/// Nearly every model chats, and nearly none does any of these.
const MUST_BE_KNOWN: Abilities = Abilities::PURPOSES.without(Abilities::NONE.with(Ability::Chat));

fn lack(facts: &Facts<'_>, candidate: &Candidate<'_>) -> Option<Reason> {
    let (need, has) = (&facts.need, &candidate.capability);
    if has.speech == Speech::Other {
        return Some(Reason::OtherApi);
    }
    let wanted = need.abilities.or(facts.profile.needs);
    if let Some(ability) = wanted.and(has.cannot).iter().next() {
        return Some(Reason::Lacks { ability });
    }
    if facts.rule == Rule::Auto
        && let Some(ability) = wanted.and(MUST_BE_KNOWN).without(has.can).iter().next()
    {
        return Some(Reason::NotKnownTo { ability });
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
