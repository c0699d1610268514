//! What holds for every question and every spec, told by random ones.
//!
//! `make bench-ask` runs the same over 100,000 strings, optimised.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    Bound, BoundOp, Compare, CompareKind, Dimension, Examples, Filter, FilterOp, Measure, Name, Order, OrderBy, Parsed,
    Quantity, QuerySpec, Share, Statistic, Window, examples, parse, sentence,
};

const HOUR_US: i64 = 3_600_000_000;

fn bare(spec: &QuerySpec) -> QuerySpec {
    let mut spec = spec.clone();
    spec.window.label.clear();
    spec.window.assumed = false;
    if let Some(compare) = &mut spec.compare {
        compare.label.clear();
        compare.kind = CompareKind::Named;
    }
    spec
}

/// Words of the trade, names, numbers and signs in any order.
fn salad() -> impl Strategy<Value = String> {
    let mut words: Vec<String> = super::vocabulary::VOCABULARY.words().map(str::to_owned).collect();
    words.extend(examples().names.iter().map(|name| name.value.to_string()));
    let others = [
        "10",
        "$5",
        "50k",
        "%",
        "'",
        "\"",
        "-",
        "/",
        ";",
        "2027-02-30",
        "99999999999999999999",
        "31/2",
        "feb 29",
        "q9",
        "to",
        "0",
        "ünï",
        "between",
        "last",
        "000 days ago",
        "select",
        "25:61",
        "~",
        "(",
        "<=",
        "1e308",
        "-1",
    ];
    words.extend(others.map(str::to_owned));
    words.sort();
    vec(select(words), 0..12).prop_map(|words| words.join(" "))
}

fn filters() -> impl Strategy<Value = Vec<Filter>> {
    let names: Vec<Name> = examples().names.iter().filter(|name| name.dimension != Dimension::Family).collect();
    vec((select(names), any::<bool>()), 0..3).prop_map(|drawn| {
        let mut filters: Vec<Filter> = Vec::new();
        for (name, negated) in drawn {
            if !filters.iter().any(|filter| filter.dimension == name.dimension) {
                let values = vec![name.value.to_string()];
                filters.push(Filter { dimension: name.dimension, op: FilterOp::OneOf, values, negated });
            }
        }
        // A sentence says first what is wanted and then what is not.
        filters.sort_by_key(|filter| filter.negated);
        filters
    })
}

fn windows() -> impl Strategy<Value = Window> {
    let now = examples().clock.now.unix_us;
    let window = |from_us, to_us| Window { from_us, to_us, label: String::new(), assumed: false };
    prop_oneof![
        (1..5_000_i64).prop_map(move |hours| window(now - hours * HOUR_US, now)),
        (1..400_i64, 1..60_i64).prop_map(move |(back, days)| {
            let midnight = now - now.rem_euclid(24 * HOUR_US);
            let from = midnight - (back + days) * 24 * HOUR_US;
            window(from, from + days * 24 * HOUR_US)
        }),
        (1..3_000_i64, 1..90_000_000_i64).prop_map(move |(back, length)| {
            let from = now - (back + 30) * HOUR_US;
            window(from, from + length)
        }),
        Just(window(0, now)),
    ]
}

/// Specs such as the parser makes: measures of requests by dimensions, ranked, bounded, compared.
fn specs() -> impl Strategy<Value = QuerySpec> {
    let measures: Vec<Measure> = Measure::all()
        .filter(|measure| measure.quantity.view() == super::View::Requests && measure.quantity != Quantity::Projection)
        // Averages of sums by request are their ratios.
        .filter(|measure| {
            let sums = [Quantity::Cost, Quantity::Tokens, Quantity::InputTokens, Quantity::OutputTokens];
            measure.statistic != Statistic::Mean || !sums.contains(&measure.quantity)
        })
        .collect();
    let groups = [
        Dimension::Provider,
        Dimension::Model,
        Dimension::Family,
        Dimension::Project,
        Dimension::Requester,
        Dimension::Team,
        Dimension::Key,
        Dimension::Outcome,
        Dimension::ErrorKind,
        Dimension::Endpoint,
        Dimension::Status,
        Dimension::HourOfDay,
        Dimension::Weekday,
        Dimension::Tag("stage".into()),
    ];
    let grains =
        [None, None, Some(Dimension::Hour), Some(Dimension::Day), Some(Dimension::Week), Some(Dimension::Month)];
    let shape = (any::<bool>(), 1..40_u32, any::<bool>(), any::<bool>(), 0..1_000_000_u32, 0..8_u8);
    (
        select(measures),
        select(grains.to_vec()),
        proptest::sample::subsequence(groups.to_vec(), 0..3),
        filters(),
        windows(),
        shape,
    )
        .prop_map(
            |(measure, grain, groups, filters, window, (ranked, limit, descending, bounded, number, shared))| {
                let mut spec = QuerySpec::of(measure, window);
                spec.dimensions = grain.into_iter().chain(groups).collect();
                spec.filters = filters;
                let has_groups = spec.dimensions.iter().any(|dimension| !dimension.is_grain());
                if ranked && has_groups {
                    spec.order = Some(Order { by: OrderBy::Measure(measure), descending });
                    spec.limit = Some(limit);
                }
                if bounded && has_groups {
                    let op = if descending { BoundOp::Above } else { BoundOp::AtMost };
                    spec.having.push(Bound { measure, op, value: f64::from(number) });
                }
                let is_summed = measure.is_additive() && super::measuring::narrowing(measure.quantity).is_none();
                if is_summed && !bounded {
                    spec.share = match shared {
                        0 if has_groups => Some(Share::default()),
                        1 => {
                            let values = vec!["true".to_owned()];
                            let dimension = Dimension::Streamed;
                            let part = vec![Filter { dimension, op: FilterOp::OneOf, values, negated: false }];
                            Some(Share { part, bounds: Vec::new() })
                        }
                        2 => {
                            let measure = Measure::total(Quantity::Latency);
                            let bounds = vec![Bound { measure, op: BoundOp::AtMost, value: f64::from(number) }];
                            Some(Share { part: Vec::new(), bounds })
                        }
                        _ => None,
                    };
                }
                spec
            },
        )
}

/// As many cases as `PROPTEST_CASES` says, which proptest reads itself, and at least as many as an unoptimised build
/// does in some seconds.
fn config() -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig { cases: asked.cases.max(400), ..asked }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_string_makes_the_parser_fall(question in prop_oneof![".{0,60}", salad(), salad()]) {
        let Examples { clock, names, .. } = examples();
        let previous = examples().all.first().map(|example| example.spec.clone());
        for previous in [None, previous.as_ref()] {
            if let Parsed::Understood(found) = parse(&question, names, clock, previous) {
                prop_assert_eq!(found.spec.check(), Ok(()));
                let json = serde_json::to_string(&found.spec).unwrap();
                prop_assert_eq!(serde_json::from_str::<QuerySpec>(&json).unwrap(), found.spec);
            }
        }
    }

    #[test]
    fn what_is_offered_instead_is_answered(question in salad()) {
        let Examples { clock, names, .. } = examples();
        if let Parsed::Declined(declined) | Parsed::Partly { declined, .. } = parse(&question, names, clock, None) {
            prop_assert!(!declined.r#try.is_empty());
            for instead in &declined.r#try {
                prop_assert!(matches!(parse(instead, names, clock, None), Parsed::Understood(_)), "{}: {}", question, instead);
            }
        }
    }

    #[test]
    fn a_spec_is_the_same_after_its_sentence(spec in specs()) {
        prop_assume!(spec.check().is_ok());
        let Examples { clock, names, .. } = examples();
        let text = sentence(&spec, clock);
        match parse(&text, names, clock, None) {
            Parsed::Understood(found) => prop_assert_eq!(bare(&found.spec), bare(&spec), "{}", text),
            other => prop_assert!(false, "{}: {:?}", text, other),
        }
    }

    #[test]
    fn a_comparison_is_the_same_after_its_sentence(window in windows(), length in 1..40_i64) {
        prop_assume!(window.from_us > 100 * 24 * HOUR_US);
        let Examples { clock, names, .. } = examples();
        let day = window.from_us - window.from_us.rem_euclid(24 * HOUR_US);
        let (from_us, to_us) = (day - length * 24 * HOUR_US, day);
        let mut spec = QuerySpec::of(Measure::total(Quantity::Cost), window);
        spec.compare = Some(Compare { kind: CompareKind::Named, from_us, to_us, label: String::new() });
        let text = sentence(&spec, clock);
        match parse(&text, names, clock, None) {
            Parsed::Understood(found) => prop_assert_eq!(bare(&found.spec), bare(&spec), "{}", text),
            other => prop_assert!(false, "{}: {:?}", text, other),
        }
    }
}
