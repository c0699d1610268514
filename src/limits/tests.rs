//! The arithmetic against brute force: every event kept, every span added up.

use std::sync::Arc;

use proptest::prelude::*;

use super::{Caller, Claim, LimitRules, Limiter, Meter, Rate, RateSet, Take, Taken, purse::Purse, table::Account as _};
use crate::config::{Algorithm, LimitPeriod, LimitSet, LimitUnit, Limits, Scope};

const MINUTE: i64 = 60_000_000;
/// The resolution of the sliding window.
const SLOT: i64 = MINUTE / 128;
/// Some moment.
const T0: i64 = 1_763_740_000_000_000;

fn rate(algorithm: Algorithm, amount: u64, capacity: u64) -> Rate {
    Rate { unit: LimitUnit::Requests, period: LimitPeriod::Minute, amount, capacity, algorithm }
}

fn bucket(amount: u64, capacity: u64) -> Rate {
    rate(Algorithm::TokenBucket, amount, capacity)
}

fn window(amount: u64) -> Rate {
    rate(Algorithm::SlidingWindow, amount, amount)
}

/// Takes if there is room.
fn try_take(meter: &mut Meter, rate: &Rate, amount: u64, now: i64) -> bool {
    let fits = meter.free_at(rate, amount, now).is_some_and(|at| at <= now);
    if fits {
        meter.take(rate, amount, now);
    }
    fits
}

/// Steps in time and amounts.
fn walks() -> impl Strategy<Value = Vec<(i64, u64)>> {
    let step = prop_oneof![4 => 0..SLOT, 2 => 0..MINUTE / 4, 1 => 0..3 * MINUTE];
    proptest::collection::vec((step, 1_u64..12), 1..300)
}

proptest! {
    #[test]
    fn a_window_never_holds_more_and_refuses_only_what_would_not_fit(walk in walks(), amount in 1_u64..40) {
        let rate = window(amount);
        let (mut meter, mut log, mut now) = (Meter::default(), Vec::<(i64, u64)>::new(), T0);
        for (step, asked) in walk {
            now += step;
            let within = |span: i64, log: &[(i64, u64)]| -> u64 {
                log.iter().filter(|(at, _)| *at > now - span).map(|(_, amount)| amount).sum()
            };
            if try_take(&mut meter, &rate, asked, now) {
                log.push((now, asked));
                prop_assert!(within(MINUTE, &log) <= amount, "more than the amount in one period");
            } else {
                prop_assert!(within(MINUTE + SLOT, &log) + asked > amount, "refused although there was room");
            }
        }
    }

    #[test]
    fn a_bucket_is_exactly_the_fraction_that_it_stands_for(walk in walks(), amount in 1_u64..40, capacity in 1_u64..40) {
        let rate = bucket(amount, capacity);
        let full = u128::from(capacity) * 60_000_000;
        // In sixty-millionths of a request.
        let (mut meter, mut level, mut now) = (Meter::default(), full, T0);
        for (step, asked) in walk {
            now += step;
            level = (level + u128::from(amount) * u128::from(step.unsigned_abs())).min(full);
            let wanted = u128::from(asked) * 60_000_000;
            let fits = level >= wanted;
            prop_assert_eq!(try_take(&mut meter, &rate, asked, now), fits);
            level -= if fits { wanted } else { 0 };
            prop_assert_eq!(u128::from(meter.used(&rate, now)), (full - level).div_ceil(60_000_000));
        }
    }

    #[test]
    fn who_is_told_a_time_gets_in_at_that_time_and_not_before(
        walk in walks(), amount in 1_u64..40, is_window in any::<bool>()
    ) {
        let rate = if is_window { window(amount) } else { bucket(amount, amount) };
        let (mut meter, mut now) = (Meter::default(), T0);
        for (step, asked) in walk {
            now += step;
            match meter.free_at(&rate, asked, now) {
                None => prop_assert!(asked > amount),
                Some(at) if at > now => {
                    prop_assert_eq!(meter.clone().free_at(&rate, asked, at - 1), Some(at));
                    prop_assert_eq!(meter.clone().free_at(&rate, asked, at), Some(at));
                }
                Some(_) => meter.take(&rate, asked, now),
            }
            let full = meter.full_at(&rate, now);
            prop_assert_eq!(meter.clone().used(&rate, full), 0);
        }
    }

    #[test]
    fn what_is_given_back_was_never_taken(walk in walks(), amount in 20_u64..60, is_window in any::<bool>()) {
        let rate = if is_window { window(amount) } else { bucket(amount, amount) };
        let (mut with, mut without, mut now) = (Meter::default(), Meter::default(), T0);
        for (step, asked) in walk {
            now += step;
            if try_take(&mut without, &rate, asked, now) {
                with.take(&rate, asked, now);
            }
            with.take(&rate, 7, now);
            with.give_back(&rate, 7, now);
            prop_assert_eq!(with.used(&rate, now), without.used(&rate, now));
        }
    }

    #[test]
    fn a_purse_is_what_its_reservations_say(
        steps in proptest::collection::vec((0_i64..50, proptest::option::of(0_i64..60), 0_usize..4), 1..200),
        limit in 1_i64..400,
    ) {
        let (mut purse, mut open, mut paid) = (Purse::default(), Vec::new(), 0);
        purse.turn(|| super::calendar::Span { start_us: 0, end_us: 10 }, 0);
        for (estimate, cost, end) in steps {
            if purse.fits(Some(estimate), limit) {
                purse.reserve(estimate);
                open.push((estimate, cost));
                prop_assert!(estimate == 0 || purse.used() <= limit);
            }
            if end == 0 && let Some((estimate, cost)) = open.pop() {
                purse.settle(estimate, cost, 0);
                paid += cost.unwrap_or(estimate);
            }
            prop_assert_eq!(purse.reserved, open.iter().map(|(estimate, _)| estimate).sum::<i64>());
            prop_assert_eq!(purse.spent + purse.assumed, paid);
        }
    }
}

/// How many get in when one asks every `gap` for `periods`.
fn admitted(rate: &Rate, gap: i64, periods: i64) -> u64 {
    let (mut meter, mut count) = (Meter::default(), 0);
    for at in (T0..T0 + periods * MINUTE).step_by(usize::try_from(gap).unwrap()) {
        count += u64::from(try_take(&mut meter, rate, 1, at));
    }
    count
}

#[test]
fn over_ten_windows_both_kinds_let_through_the_configured_rate_within_one_percent() {
    for amount in [10, 60, 600, 5_000] {
        for gap in [997, 9_973, 99_991].into_iter().filter(|gap| MINUTE / gap > 2 * i64::try_from(amount).unwrap()) {
            let expected = 10 * amount;
            let near = |count: u64, expected: u64| count.abs_diff(expected) * 100 <= expected;
            let sliding = admitted(&window(amount), gap, 10);
            assert!(near(sliding, expected) && sliding <= expected, "window of {amount}, gap {gap}: {sliding}");
            let bursts = admitted(&bucket(amount, amount), gap, 10);
            assert!(near(bursts, expected + amount), "bucket of {amount}, gap {gap}: {bursts}");
            // Who asks too seldom wastes what a burst of one cannot hold.
            if gap * 100 * i64::try_from(amount).unwrap() <= MINUTE {
                let even = admitted(&bucket(amount, 1), gap, 10);
                assert!(near(even, expected), "bucket of {amount} with burst 1, gap {gap}: {even}");
            }
        }
    }
}

fn set(text: &str) -> LimitSet {
    LimitSet::from_json(text, "test").unwrap()
}

fn claim(scope: Scope, subject: &str, text: &str) -> Claim {
    Claim { scope, subject: Arc::from(subject), rates: RateSet::of(&set(text)) }
}

const ONE: Take = Take { requests: 1, tokens: 0 };

#[test]
fn a_refused_request_takes_from_no_account() {
    let limiter = Limiter::default();
    let claims = [
        claim(Scope::Global, "", r#"{"requests_per_minute": 100, "requests_per_day": 1000}"#),
        claim(Scope::Key, "k", r#"{"requests_per_minute": 3, "algorithm": "sliding_window"}"#),
    ];
    let admitted = (0..50).filter(|_| limiter.take(&claims, ONE, T0).is_ok()).count();
    assert_eq!(admitted, 3);
    let global = limiter.used(Scope::Global, "", &claims[0].rates, T0);
    assert!(global.iter().all(|used| used.used == 3), "{global:?}");
    let denial = limiter.take(&claims, ONE, T0).unwrap_err();
    assert_eq!((denial.scope, &*denial.subject, denial.rate.amount), (Scope::Key, "k", 3));
    let free = denial.free_at_us.unwrap();
    assert!((T0 + MINUTE..=T0 + MINUTE + SLOT).contains(&free), "{}", free - T0);
    assert!(limiter.take(&claims, ONE, free - 1).is_err() && limiter.take(&claims, ONE, free).is_ok());
}

#[test]
fn two_hundred_threads_at_once_get_what_one_would() {
    let limiter = Limiter::default();
    let claims = [
        claim(Scope::Global, "", r#"{"requests_per_hour": 25}"#),
        claim(Scope::Project, "p", r#"{"requests_per_minute": 10}"#),
    ];
    let count = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..200 {
            scope.spawn(|| {
                if limiter.take(&claims, ONE, T0).is_ok() {
                    count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(count.into_inner(), 10);
}

#[test]
fn estimated_tokens_are_put_right() {
    let limiter = Arc::new(Limiter::default());
    let claims = vec![claim(Scope::Key, "k", r#"{"requests_per_minute": 9, "tokens_per_minute": 1000}"#)];
    let used =
        |now| limiter.used(Scope::Key, "k", &claims[0].rates, now).iter().map(|used| used.used).collect::<Vec<_>>();
    let (mut taken, _) = Taken::take(&limiter, claims.clone(), ONE, T0).unwrap();
    taken.take_tokens(300, T0).unwrap();
    assert_eq!(used(T0), [1, 300]);
    taken.settle(120, T0);
    assert_eq!(used(T0), [1, 120], "less was used");
    let (mut taken, _) = Taken::take(&limiter, claims.clone(), ONE, T0).unwrap();
    taken.take_tokens(300, T0).unwrap();
    taken.settle(5_000_000, T0);
    assert_eq!(used(T0), [2, 2_000], "what is owed is owed for one more period at most");
    let (mut taken, _) = Taken::take(&limiter, claims.clone(), ONE, T0).unwrap();
    let denial = taken.take_tokens(1, T0).unwrap_err();
    assert_eq!(denial.rate.unit, LimitUnit::Tokens);
    taken.undo(T0);
    assert_eq!(used(T0), [2, 2_000], "a request that is refused for its tokens counts as none");
    let (mut taken, _) = Taken::take(&limiter, claims.clone(), ONE, T0).unwrap();
    assert_eq!(taken.take_tokens(1_001, T0).unwrap_err().free_at_us, None, "it will never fit");
}

#[test]
fn own_limits_stand_in_the_place_of_those_for_each() {
    let limits = Limits {
        global: set(r#"{"requests_per_day": 7}"#),
        each: vec![
            (Scope::Key, set(r#"{"requests_per_minute": 1}"#)),
            (Scope::Model, set(r#"{"tokens_per_minute": 2}"#)),
        ],
        named: vec![(Scope::Model, "m".to_owned(), set(r#"{"tokens_per_minute": 3}"#))],
    };
    let (free, strict) = (LimitSet::default(), set(r#"{"requests_per_hour": 2}"#));
    let named = [(Scope::Key, "free", &free), (Scope::Key, "own", &strict), (Scope::Model, "p/m", &strict)];
    let rules = LimitRules::compile(&limits, named, None);
    let of = |key: Option<&str>| {
        let key = key.map(Arc::from);
        let claims = rules.of_caller(Caller { key: key.as_ref(), ..Caller::default() });
        let tell = |claim: &Claim| (claim.scope, claim.subject.to_string(), claim.rates.rates[0].amount);
        claims.iter().map(tell).collect::<Vec<_>>()
    };
    let global = (Scope::Global, String::new(), 7);
    assert_eq!(of(None), [global.clone(), (Scope::Key, String::new(), 1)]);
    assert_eq!(of(Some("any")), [global.clone(), (Scope::Key, "any".to_owned(), 1)]);
    assert_eq!(of(Some("own")), [global.clone(), (Scope::Key, "own".to_owned(), 2)]);
    assert_eq!(of(Some("free")), [global]);
    let target = |provider, model| {
        let claims = rules.of_target(provider, Some(model));
        claims.iter().map(|claim| format!("{} {}", claim.subject, claim.rates.rates[0].amount)).collect::<Vec<_>>()
    };
    assert_eq!(target("p", "m"), ["p/m 2"]);
    assert_eq!(target("q", "m"), ["m 3"]);
    assert_eq!(target("q", "n"), ["q/n 2"]);
}

#[test]
fn counters_outlive_a_change_of_the_rules() {
    let limits =
        |amount: u64| Limits { global: set(&format!(r#"{{"requests_per_minute": {amount}}}"#)), ..Limits::default() };
    let (before, after) = (limits(10), limits(20));
    let rules = LimitRules::compile(&before, [], None);
    for _ in 0..8 {
        rules.limiter.take(&rules.of_caller(Caller::default()), ONE, T0).unwrap();
    }
    let rules = LimitRules::compile(&after, [], Some(&rules));
    let left = (0..50).filter(|_| rules.limiter.take(&rules.of_caller(Caller::default()), ONE, T0).is_ok()).count();
    assert_eq!(left, 12);
}

#[test]
fn an_idle_account_is_as_good_as_new() {
    let mut meters = super::limiter::Meters::default();
    assert!(meters.is_new(T0));
    let limiter = Limiter::default();
    let claims = [claim(Scope::Source, "s", r#"{"requests_per_minute": 2}"#)];
    limiter.take(&claims, ONE, T0).unwrap();
    assert_eq!(limiter.subjects(Scope::Source, T0).len(), 1);
    assert_eq!(limiter.subjects(Scope::Source, T0 + MINUTE).len(), 0);
}
