//! Breakers, averages and retry budgets as sequences of calls.

use super::*;

fn at(secs: i64) -> Timestamp {
    Timestamp { unix_us: 1_000_000_000 + secs * 1_000_000 }
}

fn routing() -> Routing {
    Routing { breaker_failures: 3, breaker_cooldown: Duration::from_secs(10), retry_budget: 0.5, ..Routing::default() }
}

fn call(health: &Health, now: Timestamp, error: Option<ErrorKind>) -> Option<bool> {
    let pulse = health.begin("p", Some("m"), &routing(), now)?;
    let outcome = if error.is_some() { Outcome::Error } else { Outcome::Ok };
    Some(pulse.ended(outcome, error, Duration::from_millis(100), now))
}

fn breaker(health: &Health, now: Timestamp) -> Breaker {
    health.vitals("p", Some("m"), now).map_or(Breaker::Closed, |vitals| vitals.breaker)
}

const DOWN: Option<ErrorKind> = Some(ErrorKind::UpstreamConnect);

#[test]
fn failures_in_a_row_open_the_breaker_and_one_probe_closes_it() {
    let health = Health::default();
    assert_eq!((call(&health, at(0), DOWN), call(&health, at(0), DOWN)), (Some(false), Some(false)));
    assert_eq!(breaker(&health, at(0)), Breaker::Closed);
    assert_eq!(call(&health, at(0), DOWN), Some(true), "it says that it opened");
    assert_eq!((breaker(&health, at(9)), call(&health, at(9), None)), (Breaker::Open, None));
    assert_eq!(breaker(&health, at(10)), Breaker::HalfOpen);
    let probe = health.begin("p", Some("m"), &routing(), at(10)).unwrap();
    assert!(health.vitals("p", Some("m"), at(10)).unwrap().is_probing);
    assert!(health.begin("p", Some("m"), &routing(), at(10)).is_none(), "one probe at a time");
    probe.answered(Duration::from_millis(5), at(11));
    assert_eq!((breaker(&health, at(11)), call(&health, at(11), None)), (Breaker::Closed, Some(false)));
}

#[test]
fn a_failed_probe_opens_it_again_and_one_that_was_dropped_lets_the_next_go() {
    let health = Health::default();
    for _ in 0..3 {
        call(&health, at(0), DOWN);
    }
    drop(health.begin("p", Some("m"), &routing(), at(10)).unwrap());
    assert_eq!(call(&health, at(10), DOWN), Some(true));
    assert_eq!((breaker(&health, at(19)), breaker(&health, at(20))), (Breaker::Open, Breaker::HalfOpen));
}

#[test]
fn only_the_providers_own_failures_count_and_only_in_a_row() {
    let health = Health::default();
    for error in [DOWN, DOWN, None, DOWN, DOWN, Some(ErrorKind::UpstreamRejected), DOWN, DOWN] {
        call(&health, at(0), error);
    }
    for error in [ErrorKind::UpstreamRateLimit, ErrorKind::ShuttingDown, ErrorKind::Internal] {
        call(&health, at(0), Some(error));
    }
    assert_eq!(breaker(&health, at(0)), Breaker::Closed);
    assert_eq!(call(&health, at(0), DOWN), Some(true));
}

#[test]
fn peaks_count_at_once_and_fade_with_time_and_old_measures_say_nothing() {
    let health = Health::default();
    let measure = |latency_ms, now| {
        health.begin("p", None, &routing(), now).unwrap().answered(Duration::from_millis(latency_ms), now);
        health.vitals("p", None, now).unwrap().latency_ms.unwrap()
    };
    assert!((measure(100, at(0)) - 100.0).abs() < 1e-6);
    assert!((measure(900, at(1)) - 900.0).abs() < 1e-6);
    let soon = measure(100, at(2));
    let later = measure(100, at(62));
    assert!(soon > 700.0 && later < soon / 2.0, "{soon} {later}");
    assert_eq!(health.vitals("p", None, at(2_000)).unwrap().latency_ms, None);
}

#[test]
fn retries_are_a_share_of_the_calls() {
    let health = Health::default();
    let taken = |health: &Health| (0..100).filter(|_| health.take_retry("p", Some("m"))).count();
    assert_eq!(taken(&health), 3, "what a target starts with");
    for _ in 0..8 {
        call(&health, at(0), None);
    }
    assert_eq!(taken(&health), 4);
}

#[test]
fn a_provider_that_asks_to_be_left_alone_is() {
    let health = Health::default();
    health.rate_limited("p", Some("m"), at(5));
    assert_eq!(health.vitals("p", Some("m"), at(4)).unwrap().rate_limited_until, Some(at(5)));
    assert_eq!(health.vitals("p", Some("m"), at(5)).unwrap().rate_limited_until, None);
}

#[test]
fn what_is_not_closed_outlives_the_process() {
    let health = Health::default();
    for _ in 0..3 {
        call(&health, at(0), DOWN);
    }
    call(&health, at(0), None);
    health.begin("p", Some("well"), &routing(), at(0)).unwrap().answered(Duration::from_millis(1), at(0));
    let open = health.open();
    assert_eq!(open.len(), 1);
    let next = Health::default();
    open.iter().for_each(|breaker| next.restore(breaker));
    assert_eq!((next.open(), breaker(&next, at(9))), (open.clone(), Breaker::Open));
    // Its cool-down passed while nobody was there: it is probed, and not believed.
    assert_eq!(breaker(&next, at(10)), Breaker::HalfOpen);
    assert_eq!(call(&next, at(10), None), Some(false));
    assert_eq!((next.open(), breaker(&next, at(11))), (Vec::new(), Breaker::Closed));
}

#[test]
fn a_call_that_was_overtaken_judges_nobody_but_shows_how_slow_it_was_at_least() {
    let health = Health::default();
    let overtaken = |latency_ms, now| {
        let pulse = health.begin("p", Some("m"), &routing(), now).unwrap();
        assert!(!pulse.ended(Outcome::Cancelled, None, Duration::from_millis(latency_ms), now));
        health.vitals("p", Some("m"), now).unwrap()
    };
    assert_eq!(overtaken(700, at(0)).latency_ms, Some(700.0));
    assert_eq!(overtaken(200, at(1)).latency_ms, Some(700.0), "it might have taken longer");
    for _ in 0..3 {
        call(&health, at(2), DOWN);
    }
    // A probe that was overtaken lets the next one go.
    assert_eq!(overtaken(200, at(12)).breaker, Breaker::HalfOpen);
    assert!(!health.vitals("p", Some("m"), at(12)).unwrap().is_probing);
    assert_eq!((call(&health, at(12), None), breaker(&health, at(12))), (Some(false), Breaker::Closed));
}
