//! What is stored decides as the whole did, whatever the whole was.

use proptest::{prelude::*, strategy::Strategy as _};

use super::*;
use crate::{
    config::{Strategy, Weights},
    domain::{Abilities, Ability},
    routing::{
        Availability, Capability, Forbidden, Merits, Need, Profile, Rule, Speech,
        layers::{Standing, tests::any_facts},
    },
};

/// Provider and model of those who are tried, with their scores.
fn order(facts: &Facts<'_>, decision: &Decision) -> Vec<(String, Standing)> {
    let name = |standing: &Standing| {
        let candidate = &facts.candidates[standing.candidate];
        (format!("{:?}", candidate.model), Standing { candidate: 0, ..*standing })
    };
    decision.order.iter().map(name).collect()
}

/// How many fell at which layer for which reason.
fn fallen(decision: &Decision, more: impl Fn(usize) -> u32) -> Vec<(Layer, &'static str, u32)> {
    let mut counts: Vec<(Layer, &'static str, u32)> = Vec::new();
    for (layer, dropped) in &decision.fallen {
        let candidates = 1 + more(dropped.candidate);
        match counts.iter_mut().find(|(known, code, _)| known == layer && *code == dropped.reason.code()) {
            Some((.., count)) => *count += candidates,
            None => counts.push((*layer, dropped.reason.code(), candidates)),
        }
    }
    counts.sort_by_key(|(layer, code, _)| (*layer as u8, *code));
    counts
}

fn numbered(mut facts: Facts<'static>) -> Facts<'static> {
    for (number, candidate) in facts.candidates.iter_mut().enumerate() {
        candidate.model = Some(Cow::Owned(format!("m{number}")));
    }
    facts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn what_is_kept_of_any_decision_decides_the_same(facts in any_facts(60).prop_map(numbered)) {
        let whole = decide(&facts);
        let bytes = Trace::write(&facts, &whole, (Some("p"), None), None);
        let trace = Trace::read(&bytes).unwrap();
        let again = trace.decide();
        let (mut expected, found) = (order(&facts, &whole), order(&trace.facts, &again));
        prop_assert_eq!(found.len() + trace.more_in_order as usize, expected.len());
        let head = found.len().min(KEPT_OF_ORDER);
        prop_assert_eq!(&found[..head], &expected[..head]);
        expected.retain(|one| found.contains(one));
        prop_assert_eq!(found, expected);
        prop_assert_eq!(&again.overruled, &whole.overruled);
        let more = |candidate: usize| {
            trace.more_fallen.iter().find(|more| more.like as usize == candidate).map_or(0, |more| more.candidates)
        };
        prop_assert_eq!(fallen(&again, more), fallen(&whole, |_| 0));
        prop_assert_eq!(trace.candidates(), facts.candidates.len());
        if facts.candidates.len() <= KEPT_WHOLE {
            prop_assert_eq!(&trace.facts, &facts);
        }
        prop_assert!(trace.more_in_order == 0 || trace.decide().order.len() >= KEPT_OF_ORDER);
    }

    #[test]
    fn foreign_bytes_are_an_error_and_never_a_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Trace::read(&bytes);
        bytes.insert(0, VERSION);
        let _ = Trace::read(&bytes);
    }

    #[test]
    fn torn_bytes_are_an_error_and_never_a_panic(facts in any_facts(9), at in any::<prop::sample::Index>()) {
        let bytes = Trace::write(&facts, &decide(&facts), (None, None), Some("no"));
        let torn = &bytes[..at.index(bytes.len())];
        prop_assert!(Trace::read(torn).is_err());
    }
}

fn sample() -> Facts<'static> {
    Facts {
        rule: Rule::KnownModel,
        at_us: 1_763_700_000_000_000,
        need: Need { input_tokens: 900, max_output_tokens: Some(50), abilities: Abilities::NONE.with(Ability::Tools) },
        profile: Profile {
            weights: Weights { quality: 1.0, price: 2.0, latency: 3.0, reliability: 4.0, affinity: 5.0 },
            ..Profile::balanced()
        },
        strategy: Strategy::LowestLatency,
        sticky: true,
        turn: 7,
        dice: 300,
        candidates: vec![Candidate {
            provider: Cow::Borrowed("openai"),
            model: Some(Cow::Borrowed("gpt-5")),
            tier: 1,
            priority: 2,
            weight: 3,
            forbidden: Some(Forbidden::Model),
            local: true,
            capability: Capability {
                speech: Speech::Same,
                context_tokens: Some(128_000),
                output_tokens: None,
                can: Abilities::NONE.with(Ability::Vision),
                cannot: Abilities::NONE,
            },
            availability: Availability {
                open_until_us: None,
                probing: true,
                rate_limited_until_us: Some(5),
                limited_until_us: None,
                over_budget: false,
            },
            merits: Merits {
                quality: Some(0.5),
                input_microcents_per_mtok: Some(125_000_000),
                output_microcents_per_mtok: None,
                latency_ms: Some(100.0),
                error_rate: None,
                warm: true,
            },
        }],
    }
}

#[test]
fn the_stored_form_changes_only_with_its_version() {
    let facts = sample();
    let bytes = Trace::write(&facts, &decide(&facts), (Some("x"), None), Some("no"));
    // When this fails, a stored trace can no longer be read: give the form another VERSION.
    assert_eq!(hex::encode(&bytes), FORM_1, "{} bytes", bytes.len());
    let trace = Trace::read(&bytes).unwrap();
    assert_eq!(
        (&trace.facts, trace.provider_wanted.as_deref(), trace.refusal.as_deref()),
        (&facts, Some("x"), Some("no"))
    );
}

const FORM_1: &str = "010580a0ecffec84a20684070132010862616c616e6365640000803f0000004000004040000080400000a0400000000301\
    07ac0201066f70656e616901056770742d35010203010101000180e8070002000001010a0000010000003f01c0b2cd3b00010000c84200010101\
    780001026e6f0000";

#[test]
fn another_versions_trace_says_so() {
    assert_eq!(Trace::read(&[9, 1]), Err(TraceError::OtherVersion(9)));
    assert_eq!(Trace::read(&[]), Err(TraceError::Damaged));
    assert_eq!(Trace::read(&[VERSION]), Err(TraceError::Damaged));
}

#[test]
fn a_trace_is_small_however_many_there_were_and_whatever_they_are_called() {
    let mut facts = sample();
    let [one] = <[_; 1]>::try_from(facts.candidates.clone()).unwrap();
    let size = |facts: &Facts<'_>| Trace::write(facts, &decide(facts), (None, None), None).len();
    assert!(size(&facts) < 150, "{}", size(&facts));
    facts.candidates = vec![Candidate { forbidden: None, ..one.clone() }; 2_000];
    assert!(size(&facts) < 3_000, "{}", size(&facts));
    let name = "ä".repeat(1 << 20);
    facts.candidates = vec![Candidate { model: Some(Cow::Owned(name)), ..one }];
    assert!(size(&facts) < 500, "{}", size(&facts));
}
