//! The answer in one sentence.

use super::{
    list,
    numbers::{shown, with_unit},
};
use crate::analytics::ask::{
    Bound, Dimension, Filter, FilterOp, Measure, Order, OrderBy, Quantity, QuerySpec, Statistic, Unit, Value, View,
    compile::{ColumnKind, NONE, OTHER},
    run::Ran,
};

/// What a measure is called.
pub fn measure_words(measure: Measure) -> String {
    let quantity = match measure.quantity {
        Quantity::Ttft => "time to first token".to_owned(),
        Quantity::CostPer1kRequests => "cost per 1,000 requests".to_owned(),
        Quantity::CostPer1mRequests => "cost per million requests".to_owned(),
        Quantity::CostPer1kTokens => "cost per 1,000 tokens".to_owned(),
        Quantity::CostPer1mTokens => "cost per million tokens".to_owned(),
        Quantity::UnknownPrice => "requests of unknown price".to_owned(),
        Quantity::Ok => "successful requests".to_owned(),
        Quantity::Refused => "refused requests".to_owned(),
        Quantity::Disconnects => "client disconnects".to_owned(),
        Quantity::Failovers => "failures hidden by failover".to_owned(),
        Quantity::Saved => "cost saved by the cache".to_owned(),
        Quantity::BurnRate => "cost per day".to_owned(),
        Quantity::Projection => "projected cost of the month".to_owned(),
        Quantity::BudgetUsed => "share of the budget used".to_owned(),
        other => other.as_str().replace('_', " "),
    };
    match measure.statistic {
        Statistic::Total => quantity,
        Statistic::Mean => format!("average {quantity}"),
        Statistic::P50 => format!("median {quantity}"),
        Statistic::Max => format!("highest {quantity}"),
        Statistic::Min => format!("lowest {quantity}"),
        other => format!("{} {quantity}", other.as_str()),
    }
}

/// The sentence.
pub(super) fn sentence(spec: &QuerySpec, ran: &Ran) -> String {
    let text = if spec.rows {
        list::of(spec, ran)
    } else if spec.drivers {
        drivers(spec, ran)
    } else if spec.dimensions.is_empty() {
        scalar(spec, ran)
    } else if spec.grain().is_some() {
        series(spec, ran)
    } else {
        ranking(spec, ran)
    };
    capital(&text)
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Which rows, and when.
pub(super) fn circumstances(spec: &QuerySpec) -> String {
    let mut text = conditions(&spec.filters, &spec.row_bounds);
    if let Some(share) = spec.share.as_ref().filter(|share| share.has_part()) {
        let part = conditions(&share.part, &share.bounds);
        text.push_str(&format!(", the part with {}", part.trim_start_matches(", ")));
    }
    if spec.view != View::Budgets {
        text.push_str(", ");
        text.push_str(&window_words(&spec.window.label, spec.window.from_us, spec.window.to_us));
    }
    text
}

fn conditions(filters: &[Filter], bounds: &[Bound]) -> String {
    let mut text = String::new();
    for filter in filters {
        let values: Vec<_> =
            filter.values.iter().map(|value| if value.is_empty() { NONE } else { value.as_str() }).collect();
        let word = match (filter.op, filter.negated) {
            (FilterOp::OneOf, false) => "",
            (FilterOp::OneOf, true) => "not ",
            (FilterOp::Contains, false) => "like ",
            (FilterOp::Contains, true) => "not like ",
        };
        let name = filter.dimension.to_string().replace('_', " ");
        text.push_str(&format!(", {name} {word}{}", values.join(" or ")));
    }
    for bound in bounds {
        let value = with_unit(bound.value, bound.measure.quantity.unit());
        text.push_str(&format!(", {} {} {value}", measure_words(bound.measure), bound_words(bound.op)));
    }
    text
}

const fn bound_words(op: crate::analytics::ask::BoundOp) -> &'static str {
    use crate::analytics::ask::BoundOp as B;
    match op {
        B::Above => "over",
        B::AtLeast => "at least",
        B::Below => "under",
        B::AtMost => "at most",
        B::Equal => "of",
    }
}

/// A window by its name, and by its ends.
fn window_words(label: &str, from_us: i64, to_us: i64) -> String {
    if from_us <= 0 {
        return if label.is_empty() { "all time".to_owned() } else { label.to_owned() };
    }
    let at = |us: i64| jiff::Timestamp::from_microsecond(us).ok();
    let day = 86_400_000_000;
    let words = match (at(from_us), at(to_us), at(to_us - 1)) {
        // Whole days are told by their first and last.
        (Some(from), Some(_), Some(last)) if from_us % day == 0 && to_us % day == 0 => {
            let (from, last) = (from.strftime("%Y-%m-%d").to_string(), last.strftime("%Y-%m-%d").to_string());
            if from == last { from } else { format!("{from} to {last}") }
        }
        (Some(from), Some(to), _) => {
            format!("{} to {} UTC", from.strftime("%Y-%m-%d %H:%M"), to.strftime("%Y-%m-%d %H:%M"))
        }
        _ => String::new(),
    };
    if label.is_empty() || label == words { words } else { format!("{label} ({words})") }
}

fn cell(ran: &Ran, row: &[Value], fits: impl Fn(&ColumnKind) -> bool) -> Option<(Value, Option<Unit>)> {
    let place = ran.place(fits)?;
    let unit = ran.query.columns.get(place).and_then(|column| column.unit);
    Some((row.get(place)?.clone(), unit))
}

/// The difference in words: `+18.0 % on $1,020.00`.
fn difference(now: &Value, before: &Value, unit: Option<Unit>) -> Option<String> {
    let (now, old) = (now.number().unwrap_or(0.0), before.number()?);
    let was = shown(before, unit);
    if old == 0.0 {
        return Some(if now == 0.0 { format!("as before ({was})") } else { format!("new: it was {was} before") });
    }
    let ratio = (now - old) / old;
    let sign = if ratio >= 0.0 { "+" } else { "" };
    Some(format!("{sign}{} on {was} before", with_unit(ratio, Unit::Ratio)))
}

fn scalar(spec: &QuerySpec, ran: &Ran) -> String {
    let around = circumstances(spec);
    let Some(row) = ran.rows.rows.first() else { return format!("nothing was found{around}.") };
    let mut parts = Vec::new();
    for measure in &spec.measures {
        let name = measure_words(*measure);
        let Some((value, unit)) = cell(ran, row, |kind| matches!(kind, ColumnKind::Measure(one) if one == measure))
        else {
            continue;
        };
        if let Some((share, unit_of_share)) =
            cell(ran, row, |kind| matches!(kind, ColumnKind::Share(one) if one == measure))
        {
            let whole = cell(ran, row, |kind| matches!(kind, ColumnKind::Whole(one) if one == measure));
            let whole = whole.map_or_else(String::new, |(whole, unit)| shown(&whole, unit));
            parts.push(format!("{} of {name} ({} of {whole})", shown(&share, unit_of_share), shown(&value, unit)));
            continue;
        }
        let mut part = format!("{name}: {}", shown(&value, unit));
        let before = cell(ran, row, |kind| matches!(kind, ColumnKind::Previous(one) if one == measure));
        if let Some(words) = before.and_then(|(before, unit)| difference(&value, &before, unit)) {
            part.push_str(&format!(" ({words})"));
        }
        parts.push(part);
    }
    if let Some((samples, _)) = cell(ran, row, |kind| matches!(kind, ColumnKind::Samples)) {
        parts.push(format!("{} samples", shown(&samples, Some(Unit::Count))));
    }
    let against = spec
        .compare
        .as_ref()
        .map(|compare| format!(", against {}", window_words(&compare.label, compare.from_us, compare.to_us)));
    format!("{}{around}{}.", parts.join("; "), against.unwrap_or_default())
}

/// The name of a row: its dimensions' values.
fn row_name(spec: &QuerySpec, ran: &Ran, row: &[Value]) -> String {
    let of =
        |dimension: &Dimension| ran.place_of(dimension).and_then(|place| row.get(place)?.text().map(str::to_owned));
    spec.dimensions.iter().filter_map(of).collect::<Vec<_>>().join(", ")
}

fn ranking(spec: &QuerySpec, ran: &Ran) -> String {
    let around = circumstances(spec);
    let Some(measure) = spec.measures.first() else { return String::new() };
    let name = measure_words(*measure);
    let by: Vec<_> = spec.dimensions.iter().map(|dimension| dimension.to_string().replace('_', " ")).collect();
    let mut rows: Vec<&[Value]> = ran.rows.rows.iter().map(Vec::as_slice).collect();
    // In the order of the calendar or of names the first row is not the highest.
    let is_ranked = !spec.dimensions.iter().any(Dimension::is_cyclic)
        && !matches!(&spec.order, Some(Order { by: OrderBy::Dimension(_), .. }));
    if let Some(place) =
        ran.place(|kind| matches!(kind, ColumnKind::Measure(one) if one == measure)).filter(|_| !is_ranked)
    {
        let value = |row: &[Value]| row.get(place).and_then(Value::number).unwrap_or(f64::NEG_INFINITY);
        rows.sort_by(|a, b| value(b).total_cmp(&value(a)));
    }
    let Some(first) = rows.first() else {
        return format!("nothing was found for {name} by {}{around}.", by.join(" and "));
    };
    let told = |row: &[Value]| {
        let value = cell(ran, row, |kind| matches!(kind, ColumnKind::Measure(one) if one == measure));
        let share = cell(ran, row, |kind| matches!(kind, ColumnKind::Share(one) if one == measure));
        let change = cell(ran, row, |kind| matches!(kind, ColumnKind::Change(one) if one == measure));
        let mut text = value.as_ref().map_or_else(String::new, |(value, unit)| shown(value, *unit));
        if let Some((share, unit)) = share {
            let whole = cell(ran, row, |kind| matches!(kind, ColumnKind::Whole(one) if one == measure));
            let of = whole.map_or_else(String::new, |(whole, unit)| format!(" of {}", shown(&whole, unit)));
            text = format!("{} ({text}{of})", shown(&share, unit));
        }
        if let Some((change, unit)) = change {
            let sign = if change.number().unwrap_or(0.0) > 0.0 { "+" } else { "" };
            text.push_str(&format!(", {sign}{}", shown(&change, unit)));
        }
        text
    };
    let is_least = is_ranked && matches!(&spec.order, Some(Order { descending: false, .. }));
    let rank = if is_least { "lowest" } else { "highest" };
    let share = if spec.share.is_some() { "share of " } else { "" };
    let mut text = format!(
        "{share}{name} by {}{around}: {rank} is {} with {}",
        by.join(" and "),
        row_name(spec, ran, first),
        told(first)
    );
    let more: Vec<_> =
        rows.iter().skip(1).take(2).map(|row| format!("{} with {}", row_name(spec, ran, row), told(row))).collect();
    if !more.is_empty() {
        text.push_str(&format!("; then {}", more.join(", ")));
    }
    text.push('.');
    text
}

fn series(spec: &QuerySpec, ran: &Ran) -> String {
    let around = circumstances(spec);
    let (Some(measure), Some(grain)) = (spec.measures.first(), spec.grain()) else { return String::new() };
    let name = measure_words(*measure);
    let Some(place) = ran.place(|kind| matches!(kind, ColumnKind::Measure(one) if one == measure)) else {
        return String::new();
    };
    let unit = measure.quantity.unit();
    let split: Vec<_> = spec
        .dimensions
        .iter()
        .filter(|one| *one != grain)
        .map(|one| format!(" and {}", one.to_string().replace('_', " ")))
        .collect();
    let mut text = format!("{name} by {grain}{}{around}", split.join(""));
    let values = || ran.rows.rows.iter().filter_map(|row| Some((row, row.get(place)?.number()?)));
    if values().next().is_none() {
        return format!("nothing was found for {text}.");
    }
    if measure.is_additive() && !spec.cumulative {
        text.push_str(&format!(": {} in all", with_unit(values().map(|(_, value)| value).sum(), unit)));
    }
    let is_least = matches!(&spec.order, Some(Order { descending: false, .. }));
    let end = if is_least {
        values().min_by(|(_, a), (_, b)| a.total_cmp(b))
    } else {
        values().max_by(|(_, a), (_, b)| a.total_cmp(b))
    };
    if let Some((row, value)) = end {
        let word = if is_least { "lowest" } else { "highest" };
        text.push_str(&format!("; {word} {} ({})", with_unit(value, unit), row_name(spec, ran, row)));
    }
    text.push('.');
    text
}

fn drivers(spec: &QuerySpec, ran: &Ran) -> String {
    let Some(measure) = spec.measures.first() else { return String::new() };
    let (name, unit) = (measure_words(*measure), Some(measure.quantity.unit()));
    let part = |row: &Vec<Value>| row.first().and_then(Value::text).unwrap_or_default().to_owned();
    let signed = |value: &Value| {
        let sign = if value.number().unwrap_or(0.0) > 0.0 { "+" } else { "" };
        format!("{sign}{}", shown(value, unit))
    };
    let Some([_, _, now, before, change, ..]) =
        ran.rows.rows.iter().find(|row| part(row) == "total").map(Vec::as_slice)
    else {
        return "nothing was found.".to_owned();
    };
    if before.number().is_none() {
        return format!("{name}: {}{}; nothing is known of the time before.", shown(now, unit), circumstances(spec));
    }
    let words = difference(now, before, unit).unwrap_or_default();
    let moved = change.number().unwrap_or(0.0);
    let verb = if moved > 0.0 {
        "rose"
    } else if moved < 0.0 {
        "fell"
    } else {
        "did not change"
    };
    let mut text = format!("{name} {verb}: {} ({words}){}", shown(now, unit), circumstances(spec));
    let mut seen = Vec::new();
    for row in &ran.rows.rows {
        let part = part(row);
        let is_split = matches!(part.as_str(), "total" | "requests" | "tokens");
        let [_, Value::Text(who), _, _, change, ..] = row.as_slice() else { continue };
        // The one that moved most the same way.
        if is_split || seen.contains(&part) || change.number().unwrap_or(0.0) * moved <= 0.0 || who == OTHER {
            continue;
        }
        text.push_str(&format!("; by {}: {who} {}", part.replace('_', " "), signed(change)));
        seen.push(part);
    }
    text.push_str(". These are differences, not causes.");
    text
}
