//! The layers as tables of facts, and what holds whatever the facts are.

use std::borrow::Cow;

use proptest::prelude::*;

use super::*;
use crate::{
    config::{Strategy, Weights},
    domain::{Abilities, Ability},
    routing::{Availability, Candidate, Capability, Merits, Need, Profile, Rule, Speech},
};

const NOW_US: i64 = 1_000_000;

fn candidate(provider: &'static str) -> Candidate<'static> {
    Candidate {
        provider: Cow::Borrowed(provider),
        model: Some(Cow::Borrowed("m")),
        tier: 0,
        priority: 0,
        weight: 1,
        forbidden: None,
        local: false,
        capability: Capability::default(),
        availability: Availability::default(),
        merits: Merits::default(),
    }
}

fn facts(candidates: Vec<Candidate<'static>>) -> Facts<'static> {
    Facts {
        rule: Rule::Named,
        at_us: NOW_US,
        need: Need::default(),
        profile: Profile::balanced(),
        strategy: Strategy::Priority,
        sticky: false,
        turn: 0,
        dice: 0,
        candidates,
    }
}

fn order(facts: &Facts<'_>) -> Vec<String> {
    let name = |standing: &Standing| facts.candidates[standing.candidate].provider.to_string();
    decide(facts).order.iter().map(name).collect()
}

/// What felled the first of two candidates, of which the second has no fault.
fn fault(change: impl FnOnce(&mut Facts<'static>)) -> Option<(Layer, Reason)> {
    let mut facts = facts(vec![candidate("a"), candidate("b")]);
    facts.candidates[1].local = true;
    change(&mut facts);
    let decision = decide(&facts);
    assert!(decision.order.iter().any(|standing| standing.candidate == 1), "{decision:?}");
    decision.fallen.first().map(|(layer, dropped)| (*layer, dropped.reason))
}

type Change = Box<dyn FnOnce(&mut Facts<'static>)>;

#[test]
fn each_layer_fells_for_its_own_reasons() {
    let (tools, chat) = (Abilities::NONE.with(Ability::Tools), Abilities::NONE.with(Ability::Chat));
    let vectors = Abilities::NONE.with(Ability::Embeddings);
    let later = Some(NOW_US + 1);
    let cases: [(Change, Option<(Layer, Reason)>); 19] = [
        (Box::new(|_| {}), None),
        (
            Box::new(|facts| facts.candidates[0].forbidden = Some(Forbidden::Provider)),
            Some((Layer::Policy, Reason::ProviderForbidden)),
        ),
        (
            Box::new(|facts| facts.candidates[0].forbidden = Some(Forbidden::Model)),
            Some((Layer::Policy, Reason::ModelForbidden)),
        ),
        (Box::new(|facts| facts.profile.local_only = true), Some((Layer::Policy, Reason::NotLocal))),
        (
            Box::new(|facts| facts.candidates[0].capability.speech = Speech::Other),
            Some((Layer::Capability, Reason::OtherApi)),
        ),
        (
            Box::new(move |facts| {
                facts.need.abilities = tools;
                facts.candidates[0].capability.cannot = tools;
            }),
            Some((Layer::Capability, Reason::Lacks { ability: Ability::Tools })),
        ),
        // What it is for is told before what it can do besides.
        (
            Box::new(move |facts| {
                facts.need.abilities = tools.or(chat);
                facts.candidates[0].capability.cannot = tools.or(chat);
            }),
            Some((Layer::Capability, Reason::Lacks { ability: Ability::Chat })),
        ),
        // Of all models one that is known to make vectors is chosen for them, and who names one gets it.
        (
            Box::new(move |facts| {
                (facts.rule, facts.need.abilities) = (Rule::Auto, vectors);
                facts.candidates[1].capability.can = vectors;
            }),
            Some((Layer::Capability, Reason::NotKnownTo { ability: Ability::Embeddings })),
        ),
        (
            Box::new(move |facts| {
                facts.need.abilities = vectors;
                facts.candidates[1].capability.can = vectors;
            }),
            None,
        ),
        // Nearly every model chats.
        (Box::new(move |facts| (facts.rule, facts.need.abilities) = (Rule::Auto, chat)), None),
        // Unknown is not unable.
        (Box::new(move |facts| facts.need.abilities = tools), None),
        (
            Box::new(move |facts| {
                facts.profile.needs = tools;
                facts.candidates[0].capability.cannot = tools;
            }),
            Some((Layer::Capability, Reason::Lacks { ability: Ability::Tools })),
        ),
        (
            Box::new(|facts| {
                facts.need = Need { input_tokens: 900, max_output_tokens: Some(101), ..Need::default() };
                facts.candidates[0].capability.context_tokens = Some(1_000);
            }),
            Some((Layer::Capability, Reason::ContextTooSmall { needed_tokens: 1_001, context_tokens: 1_000 })),
        ),
        (
            Box::new(|facts| {
                facts.need.max_output_tokens = Some(11);
                facts.candidates[0].capability.output_tokens = Some(10);
            }),
            Some((Layer::Capability, Reason::OutputTooSmall { needed_tokens: 11, output_tokens: 10 })),
        ),
        (
            Box::new(move |facts| facts.candidates[0].availability.open_until_us = later),
            Some((Layer::Availability, Reason::CircuitOpen { until_us: NOW_US + 1 })),
        ),
        (Box::new(|facts| facts.candidates[0].availability.open_until_us = Some(NOW_US)), None),
        (
            Box::new(|facts| facts.candidates[0].availability.probing = true),
            Some((Layer::Availability, Reason::Probing)),
        ),
        (
            Box::new(move |facts| facts.candidates[0].availability.rate_limited_until_us = later),
            Some((Layer::Availability, Reason::RateLimited { until_us: NOW_US + 1 })),
        ),
        (
            Box::new(|facts| facts.candidates[0].availability.over_budget = true),
            Some((Layer::Availability, Reason::OverBudget)),
        ),
    ];
    for (number, (change, expected)) in cases.into_iter().enumerate() {
        assert_eq!(fault(change), expected, "case {number}");
    }
}

#[test]
fn a_model_that_was_named_is_asked_although_the_catalog_doubts_it_and_auto_is_not() {
    let vision = Abilities::NONE.with(Ability::Vision);
    let mut facts = facts(vec![candidate("a")]);
    facts.need.abilities = vision;
    facts.candidates[0].capability.cannot = vision;
    let decision = decide(&facts);
    assert_eq!((decision.order.len(), decision.overruled), (1, vec![Layer::Capability]));
    facts.rule = Rule::Auto;
    let decision = decide(&facts);
    assert!(decision.order.is_empty() && decision.overruled.is_empty(), "{decision:?}");
}

#[test]
fn where_nobody_is_known_to_make_vectors_those_are_asked_of_whom_nothing_is_known() {
    let vectors = Abilities::NONE.with(Ability::Embeddings);
    let mut facts = facts(vec![candidate("a"), candidate("b"), candidate("c")]);
    (facts.rule, facts.need.abilities) = (Rule::Auto, vectors);
    facts.candidates[1].capability.cannot = vectors;
    let decision = decide(&facts);
    assert_eq!((order(&facts).concat().as_str(), &*decision.overruled), ("ac", &[Layer::Capability][..]));
    let reason = Reason::Lacks { ability: Ability::Embeddings };
    assert_eq!(decision.fallen, [(Layer::Capability, Dropped { candidate: 1, reason })]);
}

#[test]
fn strategies_order_within_tiers() {
    let mut three = vec![candidate("a"), candidate("b"), candidate("c")];
    let prices = [Some(300), Some(100), None];
    for (place, (one, price)) in three.iter_mut().zip(prices).enumerate() {
        one.priority = [2, 1, 1][place];
        one.merits.input_microcents_per_mtok = price.map(|price: u64| price * 1_000_000);
        one.merits.output_microcents_per_mtok = one.merits.input_microcents_per_mtok;
        one.merits.latency_ms = [Some(200.0), Some(900.0), Some(100.0)][place];
        one.merits.quality = [Some(0.9), Some(0.2), Some(0.1)][place];
    }
    let cases = [
        (Strategy::Priority, 0, "bca"),
        (Strategy::RoundRobin, 0, "abc"),
        (Strategy::RoundRobin, 1, "bca"),
        (Strategy::RoundRobin, 5, "cab"),
        (Strategy::LowestLatency, 0, "cab"),
        // An unknown price is not a low one.
        (Strategy::CostOptimized, 0, "bac"),
        (Strategy::BestScore, 0, "abc"),
    ];
    for (strategy, turn, expected) in cases {
        let facts =
            Facts { strategy, turn, need: Need { input_tokens: 1_000, ..Need::default() }, ..facts(three.clone()) };
        assert_eq!(order(&facts).concat(), expected, "{strategy:?} at turn {turn}");
    }
    // A fallback never goes first, however cheap, fast, warm or due it is.
    three[0].tier = 1;
    three[0].merits.warm = true;
    for strategy in Strategy::ALL {
        let facts = Facts { strategy, sticky: true, turn: 2, ..facts(three.clone()) };
        assert_eq!(order(&facts).last().map(String::as_str), Some("a"), "{strategy:?}");
    }
}

#[test]
fn a_session_stays_where_it_was() {
    for strategy in Strategy::ALL {
        let mut facts =
            Facts { strategy, turn: 7, dice: 7, ..facts(vec![candidate("a"), candidate("b"), candidate("c")]) };
        facts.candidates[1].merits.warm = true;
        facts.sticky = true;
        assert_eq!(order(&facts).first().map(String::as_str), Some("b"), "{strategy:?}");
    }
}

#[test]
fn weights_are_shares() {
    let mut three = vec![candidate("a"), candidate("b"), candidate("c")];
    three[0].weight = 1;
    three[1].weight = 3;
    three[2].weight = 0;
    let mut first = std::collections::BTreeMap::new();
    for dice in 0..20_000_u64 {
        let facts = Facts {
            strategy: Strategy::Weighted,
            dice: dice.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            ..facts(three.clone())
        };
        *first.entry(order(&facts).remove(0)).or_insert(0_u32) += 1;
    }
    assert!(!first.contains_key("c"), "weight 0 is for emergencies only: {first:?}");
    let share = f64::from(first["b"]) / 20_000.0;
    assert!((0.73..0.77).contains(&share), "{first:?}");
}

prop_compose! {
    fn any_candidate()(
        tier in 0..3_u16,
        priority in 0..3_u32,
        weight in 0..4_u32,
        forbidden in prop::bool::weighted(0.1),
        local: bool,
        other_api in prop::bool::weighted(0.1),
        context_tokens in prop::option::of(0..2_000_u64),
        cannot in prop::bool::weighted(0.2),
        embeds in prop::option::of(any::<bool>()),
        open in prop::option::of(0..2 * NOW_US),
        quality in prop::option::of(0.0..1.0_f32),
        price in prop::option::of(0..10_u64.pow(10)),
        latency_ms in prop::option::of(0.0..1e6_f32),
        error_rate in prop::option::of(0.0..1.0_f32),
        warm: bool,
    ) -> Candidate<'static> {
        let (tools, vectors) = (Abilities::NONE.with(Ability::Tools), Abilities::NONE.with(Ability::Embeddings));
        let only = |those: Abilities, is_so: bool| if is_so { those } else { Abilities::NONE };
        Candidate {
            tier,
            priority,
            weight,
            forbidden: forbidden.then_some(Forbidden::Model),
            local,
            capability: Capability {
                speech: if other_api { Speech::Other } else { Speech::Same },
                context_tokens,
                can: only(vectors, embeds == Some(true)),
                cannot: only(tools, cannot).or(only(vectors, embeds == Some(false))),
                ..Capability::default()
            },
            availability: Availability { open_until_us: open, ..Availability::default() },
            merits: Merits {
                quality,
                input_microcents_per_mtok: price,
                output_microcents_per_mtok: price,
                latency_ms,
                error_rate,
                warm,
            },
            ..candidate("p")
        }
    }
}

prop_compose! {
    /// Facts of up to so many candidates.
    pub(in crate::routing) fn any_facts(most: usize)(
        candidates in prop::collection::vec(any_candidate(), 1..=most),
        strategy in prop::sample::select(&Strategy::ALL),
        is_auto: bool,
        sticky: bool,
        turn: u64,
        dice: u64,
        input_tokens in 0..3_000_u64,
        needs_tools: bool,
        needs_vectors in prop::bool::weighted(0.3),
        local_only in prop::bool::weighted(0.2),
        weights in prop::array::uniform5(0.0..9.0_f32),
    ) -> Facts<'static> {
        let [quality, price, latency, reliability, affinity] = weights;
        Facts {
            rule: if is_auto { Rule::Auto } else { Rule::KnownModel },
            need: Need {
                input_tokens,
                abilities: [(needs_tools, Ability::Tools), (needs_vectors, Ability::Embeddings)]
                    .into_iter()
                    .filter_map(|(is_needed, ability)| is_needed.then_some(ability))
                    .collect(),
                ..Need::default()
            },
            profile: Profile {
                local_only,
                weights: Weights { quality, price, latency, reliability, affinity },
                ..Profile::balanced()
            },
            strategy,
            sticky,
            turn,
            dice,
            ..facts(candidates)
        }
    }
}

proptest! {
    #[test]
    fn stored_facts_give_the_same_decision(facts in any_facts(8)) {
        let stored = postcard::to_stdvec(&facts).unwrap();
        let read: Facts<'_> = postcard::from_bytes(&stored).unwrap();
        prop_assert_eq!(&read, &facts);
        prop_assert_eq!(decide(&read), decide(&facts));
    }

    #[test]
    fn everybody_is_tried_or_fell_for_one_reason(facts in any_facts(8)) {
        let decision = decide(&facts);
        let mut seen: Vec<usize> = decision.order.iter().map(|standing| standing.candidate).collect();
        seen.extend(decision.fallen.iter().map(|(_, dropped)| dropped.candidate));
        seen.sort_unstable();
        prop_assert_eq!(seen, (0..facts.candidates.len()).collect::<Vec<_>>());
        let tiers: Vec<u16> = decision.order.iter().map(|standing| facts.candidates[standing.candidate].tier).collect();
        prop_assert!(tiers.is_sorted(), "{tiers:?}");
        for standing in &decision.order {
            let score = standing.score.unwrap();
            prop_assert!((0.0..=1.0).contains(&score.total), "{score:?}");
            prop_assert!(facts.candidates[standing.candidate].forbidden.is_none());
        }
    }
}

#[test]
fn when_everybody_is_out_of_order_they_are_asked_all_the_same() {
    let later = Some(NOW_US + 1);
    let mut facts = facts(vec![candidate("a"), candidate("b"), candidate("c")]);
    facts.candidates[0].availability.open_until_us = later;
    facts.candidates[1].availability.rate_limited_until_us = later;
    facts.candidates[2].availability.over_budget = true;
    let decision = decide(&facts);
    assert_eq!(order(&facts), ["a", "b"]);
    assert_eq!(decision.overruled, [Layer::Availability]);
    assert_eq!(decision.fallen, [(Layer::Availability, Dropped { candidate: 2, reason: Reason::OverBudget })]);
}
