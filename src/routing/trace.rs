//! What is kept of a decision: its facts in a compact form, so that it can be made again and explained.
//!
//! Bounded however many candidates there were: of many, those at the head of the order are kept, those of whom
//! something was known that is known at that moment only, and one of each kind that fell; the rest are counted. What is kept decides as the whole did (see [`Trace::write`]).
//! Never holds a prompt, a secret or a key's name.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{
    facts::{Availability, Candidate, Facts},
    layers::{Decision, Layer, Reason, decide},
};
use crate::config::Strategy;

/// The form of the stored bytes. Whoever changes a field of [`Trace`] or of what it holds gives it another number.
const VERSION: u8 = 1;

/// Up to so many candidates are kept whole.
const KEPT_WHOLE: usize = 24;

/// Of more, so many at the head of the order. No request is tried at more targets (`routing.max_attempts`).
pub(super) const KEPT_OF_ORDER: usize = 16;

/// Besides, so many of those who were not merely as the catalog says: measured, warm, or not free to be asked.
const KEPT_OF_OBSERVED: usize = 32;

/// Longest name that is kept of a model; clients may name what they like.
const NAME_BYTES_MAX: usize = 256;

/// Longest refusal that is kept.
const REFUSAL_BYTES_MAX: usize = 1_024;

/// Stored bytes that are longer are none of ours.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// A decision as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trace<'a> {
    /// What it rested on, with the candidates that were kept, in the order in which they were found.
    #[serde(borrow)]
    pub facts: Facts<'a>,
    /// Header `x-provider`.
    #[serde(borrow)]
    pub provider_wanted: Option<Cow<'a, str>>,
    /// Header `x-profile`.
    #[serde(borrow)]
    pub profile_wanted: Option<Cow<'a, str>>,
    /// What the client was told when there was nobody to ask.
    #[serde(borrow)]
    pub refusal: Option<Cow<'a, str>>,
    /// Candidates that were not kept and stand in the order, behind its first [`Trace::HEAD`].
    pub more_in_order: u32,
    /// Candidates that were not kept and fell.
    pub more_fallen: Vec<MoreFallen>,
}

/// Candidates that fell as another one did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoreFallen {
    /// The one that is kept, by its place in the kept candidates.
    pub like: u32,
    /// How many more.
    pub candidates: u32,
}

/// Why stored bytes cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    /// Another version of the gateway wrote them.
    #[error("the routing trace was written by another version of the gateway (form {0}, this one reads {VERSION})")]
    OtherVersion(u8),
    /// They are damaged.
    #[error("the routing trace is damaged")]
    Damaged,
}

impl<'a> Trace<'a> {
    /// So many candidates at the head of the order are always kept.
    pub const HEAD: usize = KEPT_OF_ORDER;

    /// The stored form of a decision, with the headers `x-provider` and `x-profile`.
    ///
    /// Candidates are judged one by one and sorted stably, so leaving some out changes nothing for the others:
    /// a layer is overruled when nobody stands after it, and of those who stood, or let through, the first are
    /// kept. Only turns and lots depend on how many take part; then all are kept, which are as many as the
    /// configuration names.
    pub fn write(
        facts: &Facts<'_>,
        decision: &Decision,
        (provider_wanted, profile_wanted): (Option<&str>, Option<&str>),
        refusal: Option<&str>,
    ) -> Vec<u8> {
        let refusal = refusal.map(|text| cut(text, REFUSAL_BYTES_MAX));
        let wanted = (
            provider_wanted.map(|text| cut(text, NAME_BYTES_MAX)),
            profile_wanted.map(|text| cut(text, NAME_BYTES_MAX)),
        );
        let thinned = thinned(facts, decision);
        let (kept, more_in_order, more_fallen) = match &thinned {
            Some(thin) => (thin.candidates.as_slice(), thin.more_in_order, thin.more_fallen.as_slice()),
            None => (facts.candidates.as_slice(), 0, &[][..]),
        };
        let has_long_name =
            |candidate: &Candidate<'_>| candidate.model.as_ref().is_some_and(|model| model.len() > NAME_BYTES_MAX);
        let short: Vec<Candidate<'_>>;
        let kept = if kept.iter().any(has_long_name) {
            short = kept.iter().map(with_short_name).collect();
            &short
        } else {
            kept
        };
        let head = (facts.rule, facts.at_us, facts.need, &facts.profile, facts.strategy);
        let draw = (facts.sticky, facts.turn, facts.dice);
        let mut bytes = Vec::with_capacity(128 + 96 * kept.len());
        bytes.push(VERSION);
        // The fields of `Trace` in their order. Numbers and texts have no way to fail.
        let whole = (head, draw, kept, wanted, refusal, more_in_order, more_fallen);
        postcard::to_extend(&whole, bytes).unwrap_or_default()
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// When another version wrote it, or it is damaged.
    pub fn read(bytes: &'a [u8]) -> Result<Self, TraceError> {
        match bytes.split_first() {
            Some((&VERSION, rest)) if rest.len() <= BYTES_MAX => {
                postcard::from_bytes(rest).map_err(|_| TraceError::Damaged)
            }
            Some((&version, _)) if version != VERSION => Err(TraceError::OtherVersion(version)),
            _ => Err(TraceError::Damaged),
        }
    }

    /// Makes the decision again.
    pub fn decide(&self) -> Decision {
        decide(&self.facts)
    }

    /// How many candidates there were, those included that were not kept.
    pub fn candidates(&self) -> usize {
        let fallen = self.more_fallen.iter().map(|more| more.candidates as usize).sum::<usize>();
        self.facts.candidates.len() + self.more_in_order as usize + fallen
    }
}

struct Thinned<'a> {
    candidates: Vec<Candidate<'a>>,
    more_in_order: u32,
    more_fallen: Vec<MoreFallen>,
}

/// Who is kept of many; `None` when all are.
fn thinned<'a>(facts: &Facts<'a>, decision: &Decision) -> Option<Thinned<'a>> {
    let depends_on_all = matches!(facts.strategy, Strategy::RoundRobin | Strategy::Weighted);
    if facts.candidates.len() <= KEPT_WHOLE || depends_on_all {
        return None;
    }
    let mut kept: Vec<usize> = decision.order.iter().take(KEPT_OF_ORDER).map(|standing| standing.candidate).collect();
    // Layer, reason, the one that is kept, how many more.
    let mut kinds: Vec<(Layer, Reason, usize, u32)> = Vec::new();
    for (layer, dropped) in &decision.fallen {
        let is_like =
            |(known, reason, ..): &&mut (Layer, Reason, usize, u32)| known == layer && reason.is_like(&dropped.reason);
        match kinds.iter_mut().find(is_like) {
            Some((.., more)) => *more += 1,
            None => {
                kinds.push((*layer, dropped.reason, dropped.candidate, 0));
                kept.push(dropped.candidate);
            }
        }
    }
    let is_observed = |candidate: &&usize| facts.candidates.get(**candidate).is_some_and(is_observed);
    let others = decision.order.iter().skip(KEPT_OF_ORDER).map(|standing| standing.candidate);
    let others: Vec<usize> = others.chain(decision.fallen.iter().map(|(_, dropped)| dropped.candidate)).collect();
    for candidate in others.iter().filter(is_observed).take(KEPT_OF_OBSERVED) {
        if !kept.contains(candidate) {
            kept.push(*candidate);
            let fell = decision.fallen.iter().find(|(_, dropped)| dropped.candidate == *candidate);
            let is_like = |(layer, reason, ..): &&mut (Layer, Reason, usize, u32)| {
                fell.is_some_and(|(at, dropped)| at == layer && reason.is_like(&dropped.reason))
            };
            if let Some((.., more)) = kinds.iter_mut().find(is_like) {
                *more -= 1;
            }
        }
    }
    kept.sort_unstable();
    let in_order = decision.order.iter().filter(|standing| kept.binary_search(&standing.candidate).is_ok()).count();
    let more_in_order = decision.order.len() - in_order;
    let place = |candidate: usize| kept.binary_search(&candidate).ok().and_then(|place| u32::try_from(place).ok());
    let more_fallen = kinds
        .iter()
        .filter(|(.., more)| *more > 0)
        .filter_map(|(.., candidate, more)| Some(MoreFallen { like: place(*candidate)?, candidates: *more }))
        .collect();
    let candidates = kept.iter().filter_map(|candidate| facts.candidates.get(*candidate).cloned()).collect();
    Some(Thinned { candidates, more_in_order: u32::try_from(more_in_order).unwrap_or(u32::MAX), more_fallen })
}

/// Whether something was known of it that is known at that moment only.
fn is_observed(candidate: &Candidate<'_>) -> bool {
    let merits = &candidate.merits;
    candidate.availability != Availability::default()
        || merits.latency_ms.is_some()
        || merits.error_rate.is_some()
        || merits.warm
}

fn with_short_name<'c>(candidate: &'c Candidate<'_>) -> Candidate<'c> {
    Candidate {
        provider: Cow::Borrowed(&candidate.provider),
        model: candidate.model.as_deref().map(|model| Cow::Borrowed(cut(model, NAME_BYTES_MAX))),
        ..*candidate
    }
}

/// At most so many bytes of a text.
fn cut(text: &str, bytes_max: usize) -> &str {
    let end = (0..=bytes_max.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests;
