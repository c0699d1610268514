//! The compiler: the statements of some specs word by word, and that all of them pass the guard.

use proptest::prelude::*;

use super::*;
use crate::analytics::ask::{Bound, Compare, CompareKind, Filter, FilterOp, Share, check_sql};

const NOW: i64 = 1_795_012_200_000_000;
const DAY: i64 = 86_400_000_000;

fn window(from_us: i64, to_us: i64) -> Window {
    Window { from_us, to_us, label: String::new(), assumed: false }
}

fn cost(from_us: i64, to_us: i64) -> QuerySpec {
    QuerySpec::of(Measure::total(Quantity::Cost), window(from_us, to_us))
}

fn filter(dimension: Dimension, values: &[&str], negated: bool) -> Filter {
    Filter { dimension, op: FilterOp::OneOf, values: values.iter().map(ToString::to_string).collect(), negated }
}

#[test]
fn the_roll_up_answers_whatever_it_can() {
    let from = NOW / DAY * DAY - 30 * DAY;
    let base = cost(from, NOW);
    assert!(compile(&base, NOW, true).from_roll_up, "to now");
    let by = |dimension: Dimension| QuerySpec { dimensions: vec![dimension], ..base.clone() };
    assert!(compile(&by(Dimension::Team), NOW, true).from_roll_up);
    assert!(compile(&by(Dimension::Week), NOW, true).from_roll_up);
    assert!(!compile(&by(Dimension::Tag("env".into())), NOW, true).from_roll_up);
    let place = |spec: &QuerySpec| compile(spec, NOW, true).sql.split(" FROM ").nth(2).unwrap().to_owned();
    assert!(place(&by(Dimension::Key)).starts_with("usage_by_day "), "whole days");
    assert!(place(&by(Dimension::Hour)).starts_with("usage "), "hours of them");
    assert!(place(&cost(from + 900_000_000, NOW)).starts_with("usage "), "a piece of a day");
    let sessions = QuerySpec { measures: vec![Measure::total(Quantity::Sessions)], ..by(Dimension::Team) };
    assert!(place(&sessions).starts_with("session_requests "));
    let tagged = QuerySpec { dimensions: vec![Dimension::Tag("env".into())], ..sessions };
    assert!(place(&tagged).starts_with("requests "));
    assert!(!compile(&cost(from + 1, NOW), NOW, true).from_roll_up, "within a quarter");
    let p95 = Measure::of(Quantity::Latency, Statistic::P95);
    let latency = |from: i64| QuerySpec { measures: vec![p95], ..cost(from, NOW) };
    assert!(!compile(&latency(from), NOW, true).from_roll_up, "exact where that is quick");
    assert!(compile(&latency(from), NOW, false).from_roll_up);
    assert!(compile(&latency(from - 30 * DAY), NOW, true).from_roll_up);
    let mut bounded = base;
    bounded.row_bounds = vec![Bound { measure: Measure::total(Quantity::Tokens), op: BoundOp::Above, value: 5.0 }];
    assert!(!compile(&bounded, NOW, true).from_roll_up);
}

#[test]
fn a_class_of_statuses_is_a_range() {
    let mut spec = cost(DAY * 20_000, DAY * 20_001);
    spec.filters = vec![filter(Dimension::Status, &["429", "5xx"], false)];
    let query = compile(&spec, NOW, true);
    let status = "CAST(status AS TEXT)";
    let expected = format!("({status} IN (?3) OR substr({status}, 1, 1) = ?4)");
    assert!(query.sql.contains(&expected), "{}", query.sql);
    assert_eq!(query.values[2..], [Value::Text("429".to_owned()), Value::Text("5".to_owned())]);
}

#[test]
fn values_are_bound_and_rows_without_one_are_not_what_is_excluded() {
    let mut spec = cost(DAY * 20_000, DAY * 20_001);
    spec.filters = vec![filter(Dimension::Project, &["te'st"], true), filter(Dimension::Provider, &["a", ""], false)];
    let query = compile(&spec, NOW, true);
    assert!(!query.sql.contains("te'st"));
    assert!(query.sql.contains("(NOT (project IN (?3)) OR project IS NULL)"), "{}", query.sql);
    assert!(query.sql.contains("(provider IN (?4) OR provider IS NULL)"), "{}", query.sql);
    assert_eq!(query.values[2..], [Value::Text("te'st".to_owned()), Value::Text("a".to_owned())]);
}

fn dimension(view: View) -> impl Strategy<Value = Dimension> {
    let mut all: Vec<_> = Dimension::ALL.iter().filter(|one| one.is_in(view)).cloned().collect();
    if view == View::Requests {
        all.push(Dimension::Tag("env's \"x\"".into()));
    }
    proptest::sample::select(all)
}

fn measure(view: View) -> impl Strategy<Value = Measure> {
    proptest::sample::select(Measure::all().filter(|one| one.quantity.view() == view).collect::<Vec<_>>())
}

fn a_filter(view: View) -> impl Strategy<Value = Filter> {
    (dimension(view), proptest::collection::vec("[a-z'\"%\\\\]{0,4}", 1..3), any::<bool>(), any::<bool>()).prop_map(
        |(dimension, values, negated, contains)| {
            let op = if contains { FilterOp::Contains } else { FilterOp::OneOf };
            Filter { dimension, op, values, negated }
        },
    )
}

fn bound(view: View) -> impl Strategy<Value = Bound> {
    (measure(view), 0..5_usize, -10.0..1e6_f64).prop_map(|(measure, op, value)| {
        let ops = [BoundOp::Above, BoundOp::AtLeast, BoundOp::Below, BoundOp::AtMost, BoundOp::Equal];
        Bound { measure, op: ops[op], value }
    })
}

/// Any spec that fits together.
pub(in crate::analytics::ask) fn any_spec() -> impl Strategy<Value = QuerySpec> {
    let views = [
        View::Requests,
        View::Attempts,
        View::Incidents,
        View::RouteSteps,
        View::Findings,
        View::Signals,
        View::Budgets,
    ];
    proptest::sample::select(views.to_vec()).prop_flat_map(|view| {
        let shape = (
            proptest::collection::vec(measure(view), 1..4),
            proptest::collection::vec(dimension(view), 0..3),
            proptest::collection::vec(a_filter(view), 0..3),
            proptest::collection::vec(bound(view), 0..2),
            proptest::collection::vec(bound(view), 0..2),
        );
        let times = (1..40_i64, 0..4_i64, any::<bool>(), proptest::option::of(1..1_000_u32));
        let flags = (0..6_u8, proptest::option::of(a_filter(view)), 0..4_u8, any::<bool>());
        (shape, times, flags).prop_map(move |((measures, dimensions, filters, row_bounds, having), times, flags)| {
            let (days, offset, compared, limit) = times;
            let (kind, part, order, descending) = flags;
            let to = NOW - offset * 1_000_000_007;
            let from = if days == 39 { 0 } else { to - days * DAY };
            let compare = compared.then(|| Compare {
                kind: CompareKind::Previous,
                from_us: NOW - 100 * DAY,
                to_us: NOW - 60 * DAY,
                label: String::new(),
            });
            let by = match order {
                1 => Some(OrderBy::Change),
                2 => measures.first().copied().map(OrderBy::Measure),
                3 => dimensions.first().cloned().map(OrderBy::Dimension),
                _ => None,
            };
            QuerySpec {
                view,
                rows: kind == 1,
                drivers: kind == 2,
                cumulative: kind == 3,
                share: (kind == 4).then(|| Share {
                    part: part.into_iter().collect(),
                    bounds: if descending { row_bounds.clone() } else { Vec::new() },
                }),
                measures,
                dimensions,
                filters,
                row_bounds,
                having,
                compare,
                limit,
                order: by.map(|by| Order { by, descending }),
                ..QuerySpec::of(Measure::total(Quantity::Cost), window(from, to))
            }
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn every_spec_compiles_to_what_the_guard_lets_pass(spec in any_spec().prop_filter("fits", |spec| spec.check().is_ok())) {
        for exact in [true, false] {
            let query = compile(&spec, NOW, exact);
            let checked = check_sql(&query.sql, &query.values, "T");
            prop_assert!(checked.is_ok(), "{:?}: {}", checked, query.sql);
        }
    }
}
