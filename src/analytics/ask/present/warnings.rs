//! What to be careful about.

use super::{
    numbers::{shown, with_unit},
    sentence::measure_words,
};
use crate::analytics::ask::{
    OrderBy, QuerySpec, Statistic, Unit, Value,
    compile::{ColumnKind, NONE},
    run::Ran,
    series,
};

/// A statistic of fewer values says little.
const FEW: f64 = 20.0;
/// Names in a sentence.
const NAMED: usize = 5;

/// The warnings, and takes out of the rows what they tell instead.
pub(super) fn of(spec: &QuerySpec, ran: &mut Ran, now_us: i64) -> Vec<String> {
    let mut warnings = Vec::new();
    warnings.extend(unknown_prices(ran));
    warnings.extend(nameless_prices(spec, ran));
    warnings.extend(nameless(spec, ran));
    warnings.extend(few_samples(spec, ran));
    warnings.extend(partial(spec, now_us));
    if ran.query.from_roll_up && spec.measures.iter().any(|measure| measure.statistic.quantile().is_some()) {
        warnings.push("percentiles of a time this long are right to within 3.2 %".to_owned());
    }
    warnings
}

fn column_sum(ran: &Ran, place: usize) -> f64 {
    ran.rows.rows.iter().filter_map(|row| row.get(place).and_then(Value::number)).sum()
}

fn drop_column(ran: &mut Ran, place: usize) {
    ran.query.columns.remove(place);
    ran.rows.columns.remove(place);
    for row in ran.rows.rows.iter_mut().filter(|row| place < row.len()) {
        row.remove(place);
    }
}

fn unknown_prices(ran: &mut Ran) -> Option<String> {
    let place = ran.place(|kind| matches!(kind, ColumnKind::UnknownPrice))?;
    let unknown = column_sum(ran, place);
    if unknown > 0.0 {
        let noun = if unknown > 1.0 { "requests are" } else { "request is" };
        return Some(format!("{} {noun} of unknown price and in no sum of cost", with_unit(unknown, Unit::Count)));
    }
    drop_column(ran, place);
    None
}

/// In a ranking by price, groups without a known price have no place.
fn nameless_prices(spec: &QuerySpec, ran: &mut Ran) -> Option<String> {
    let first = spec.measures.first()?;
    let is_ranking = !spec.dimensions.is_empty() && spec.grain().is_none() && spec.compare.is_none();
    let by_other = spec.order.as_ref().is_some_and(|order| !matches!(order.by, OrderBy::Measure(_)));
    if !is_ranking || by_other || !first.quantity.is_priced() || first.is_additive() {
        return None;
    }
    let place = ran.place(|kind| matches!(kind, ColumnKind::Measure(measure) if measure == first))?;
    let is_unknown = |row: &Vec<Value>| row.get(place).is_none_or(|value| *value == Value::Null);
    let names: Vec<String> = ran
        .rows
        .rows
        .iter()
        .filter(|row| is_unknown(row))
        .filter_map(|row| row.first()?.text().map(str::to_owned))
        .filter(|name| name != NONE)
        .collect();
    ran.rows.rows.retain(|row| !is_unknown(row));
    let shown: Vec<_> = names.iter().take(NAMED).map(String::as_str).collect();
    (!names.is_empty()).then(|| format!("left out, because their price is not known: {}", shown.join(", ")))
}

/// What has no name is not ranked among names: it stands behind them, which is said where it would have stood before
/// one that is shown.
fn nameless(spec: &QuerySpec, ran: &mut Ran) -> Option<String> {
    let column = ran.place(|kind| matches!(kind, ColumnKind::Nameless))?;
    let value = ran.rows.rows.first().and_then(|row| row.get(column)).cloned();
    let unit = ran.query.columns.get(column).and_then(|column| column.unit);
    drop_column(ran, column);
    let (measure, dimension) = (spec.measures.first()?, spec.dimensions.first()?);
    let place = ran.place(|kind| matches!(kind, ColumnKind::Measure(one) if one == measure))?;
    let (name, value) = (ran.place_of(dimension)?, value?);
    let has = value.number()?;
    let descending = spec.order.as_ref().is_none_or(|order| order.descending);
    let is_passed = |row: &Vec<Value>| {
        let is_named = row.get(name).and_then(Value::text).is_some_and(|text| text != NONE);
        let other = row.get(place).and_then(Value::number);
        is_named && other.is_some_and(|other| if descending { has > other } else { has < other })
    };
    let is_alone = ran.rows.rows.iter().all(|row| row.get(name).and_then(Value::text) == Some(NONE));
    (!is_alone && ran.rows.rows.iter().any(is_passed)).then(|| {
        let kind = dimension.to_string().replace('_', " ");
        format!("what has no {kind} is not ranked ({}: {})", measure_words(*measure), shown(&value, unit))
    })
}

fn few_samples(spec: &QuerySpec, ran: &Ran) -> Option<String> {
    let place = ran.place(|kind| matches!(kind, ColumnKind::Samples))?;
    if spec.measures.iter().all(|measure| measure.statistic == Statistic::Total) {
        return None;
    }
    let few: Vec<&str> = ran
        .rows
        .rows
        .iter()
        .filter(|row| row.get(place).and_then(Value::number).is_some_and(|count| count > 0.0 && count < FEW))
        .map(|row| row.first().and_then(Value::text).unwrap_or(NONE))
        .collect();
    match (few.as_slice(), spec.dimensions.is_empty()) {
        ([], _) => None,
        (_, true) => Some("it rests on fewer than 20 samples".to_owned()),
        (few, false) => {
            let shown: Vec<_> = few.iter().take(NAMED).copied().collect();
            Some(format!("fewer than 20 samples: {}", shown.join(", ")))
        }
    }
}

/// Pieces of a series that are not whole.
fn partial(spec: &QuerySpec, now_us: i64) -> Option<String> {
    let grain = spec.grain()?;
    let at = |us: i64| jiff::Timestamp::from_microsecond(us).ok().map(|at| at.to_zoned(jiff::tz::TimeZone::UTC));
    let to_us = spec.window.to_us.min(now_us);
    let first = at(spec.window.from_us)
        .is_some_and(|from| spec.window.from_us > 0 && series::floor(grain, &from).is_some_and(|begin| begin < from));
    let last = at(to_us - 1)
        .is_some_and(|last| series::next(grain, &last).is_some_and(|next| next.timestamp().as_microsecond() > to_us));
    let words = match (first, last) {
        (false, false) => return None,
        (true, true) => "the first and the last",
        (true, false) => "the first",
        (false, true) => "the last",
    };
    Some(format!("{words} {grain} of the series {} not whole", if first && last { "are" } else { "is" }))
}
