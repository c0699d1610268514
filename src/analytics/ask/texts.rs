//! Parts of a spec in words. The parser understands every one of them: sentences are made of nothing else.

use super::{
    Bound, BoundOp, Dimension, Filter, FilterOp, Measure, Quantity, Statistic, Unit,
    vocabulary::{phrase_of, word_of},
};

/// `cost`, `p95 latency`
pub(super) fn measure(measure: Measure) -> String {
    let phrase = phrase_of(measure.quantity);
    let statistic = match measure.statistic {
        Statistic::Total => return phrase.to_owned(),
        Statistic::Mean => "average",
        Statistic::P50 => "median",
        Statistic::Max => "maximum",
        Statistic::Min => "minimum",
        other => other.as_str(),
    };
    if measure.quantity == Quantity::SignalScore && measure.statistic == Statistic::Mean {
        return phrase.to_owned();
    }
    format!("{statistic} {phrase}")
}

/// `team`, `hour of day`
pub(super) fn dimension(dimension: &Dimension) -> String {
    word_of(dimension)
}

/// `provider "north" or "south"`, `not project "test"`
pub(super) fn filter(filter: &Filter) -> String {
    let name = dimension(&filter.dimension);
    let values: Vec<&String> = filter.values.iter().filter(|value| !value.is_empty()).collect();
    let has_none = values.len() < filter.values.len();
    let quoted = values.iter().map(|value| format!("\"{}\"", value.replace('"', "”"))).collect::<Vec<_>>().join(" or ");
    let named = match filter.op {
        FilterOp::OneOf => quoted,
        FilterOp::Contains => format!("containing {quoted}"),
    };
    match (filter.negated, has_none, values.is_empty()) {
        (false, true, true) => format!("without {name}"),
        (true, true, true) => format!("except without {name}"),
        (false, true, false) => format!("{name} {named} or none"),
        (true, true, false) => format!("except {name} {named} and none"),
        (false, false, _) => format!("{name} {named}"),
        (true, false, _) => format!("except {name} {named}"),
    }
}

/// `cost over $100`
pub(super) fn bound(bound: &Bound) -> String {
    let op = match bound.op {
        BoundOp::Above => "over",
        BoundOp::AtLeast => "at least",
        BoundOp::Below => "under",
        BoundOp::AtMost => "at most",
        BoundOp::Equal => "equal to",
    };
    let value = bound.value;
    let number = match bound.measure.quantity.unit() {
        Unit::Usd => format!("${value}"),
        Unit::Ms => format!("{value} ms"),
        Unit::Ratio => format!("{}%", tidy(value * 100.0)),
        Unit::Bytes => format!("{value} bytes"),
        Unit::Count | Unit::Tokens | Unit::TokensPerSec | Unit::Score => value.to_string(),
    };
    format!("{} {op} {number}", measure(bound.measure))
}

/// Without the dust of a multiplication.
fn tidy(value: f64) -> f64 {
    (value * 1e9).round() / 1e9
}
