//! Rows in one sentence: by what they stand, what the first of them has, and when that was.

use super::{
    numbers::shown,
    sentence::{circumstances, measure_words},
};
use crate::analytics::ask::{Order, OrderBy, QuerySpec, Unit, Value, View, compile::ordered_by, run::Ran};

/// Names of the first row that are told.
const NAMES: usize = 4;
/// Columns that are told otherwise, or that say nothing in a sentence.
const NO_NAMES: [&str; 3] = ["id", "started_at", "status"];

/// The sentence.
pub(super) fn of(spec: &QuerySpec, ran: &Ran) -> String {
    let (one, many) = nouns(spec.view);
    let around = circumstances(spec);
    let rows = &ran.rows.rows;
    let Some(first) = rows.first() else { return format!("no {many} were found{around}.") };
    let is_single = rows.len() == 1;
    let count = if is_single { one.to_owned() } else { format!("{} {many}", rows.len()) };
    let is_cut = spec.limit.unwrap_or(100) as usize <= rows.len();
    let descending = spec.order.as_ref().is_none_or(|order| order.descending);
    let value = |row: &[Value]| ordered_by(spec).and_then(|(name, _)| cell(ran, row, &name));
    let what = match spec.order.as_ref().map(|order| &order.by) {
        Some(OrderBy::Measure(measure)) => {
            let is_amount = matches!(measure.quantity.unit(), Unit::Tokens | Unit::Count | Unit::Bytes);
            let end = match (is_amount, descending) {
                (true, true) => "most",
                (true, false) => "fewest",
                (false, true) => "highest",
                (false, false) => "lowest",
            };
            format!("the {count} with the {end} {}{around}", measure_words(*measure))
        }
        Some(OrderBy::Dimension(dimension)) => {
            format!("{count} by {}{around}", dimension.to_string().replace('_', " "))
        }
        _ if spec.view == View::Budgets => format!("{count}, the most used first{around}"),
        _ if is_single && is_cut => format!("the {} {one}{around}", if descending { "latest" } else { "first" }),
        _ if is_single => format!("{one}{around}"),
        _ => {
            let some = if is_cut { "the " } else { "" };
            format!("{some}{count}{around}, {} first", if descending { "newest" } else { "oldest" })
        }
    };
    let mut text = format!("{what}: {}", told(ran, first, value(first)));
    if let Some(last) = rows.last().filter(|_| !is_single) {
        let is_by_time = matches!(&spec.order, None | Some(Order { by: OrderBy::Time, .. }));
        let end = if is_by_time { time(ran, last) } else { value(last) };
        text.push_str(&end.map_or_else(String::new, |end| format!("; the last of them {end}")));
    }
    text.push('.');
    text
}

const fn nouns(view: View) -> (&'static str, &'static str) {
    match view {
        View::Requests => ("request", "requests"),
        View::Attempts => ("upstream call", "upstream calls"),
        View::Incidents => ("incident", "incidents"),
        View::RouteSteps => ("dropped candidate", "dropped candidates"),
        View::Findings => ("finding", "findings"),
        View::Signals => ("signal", "signals"),
        View::Budgets => ("budget", "budgets"),
    }
}

fn cell(ran: &Ran, row: &[Value], name: &str) -> Option<String> {
    let place = ran.query.columns.iter().position(|column| column.name == name)?;
    let unit = ran.query.columns.get(place).and_then(|column| column.unit);
    row.get(place).map(|value| shown(value, unit))
}

/// `2026-11-18 09:12:33 UTC`
fn time(ran: &Ran, row: &[Value]) -> Option<String> {
    let text = cell(ran, row, "started_at")?;
    let (day, clock) = text.split_once('T')?;
    Some(format!("{day} {} UTC", clock.split(['.', 'Z']).next().unwrap_or(clock)))
}

/// A row: its value, when it was, and what it is about.
fn told(ran: &Ran, row: &[Value], value: Option<String>) -> String {
    let mut parts: Vec<String> = value.into_iter().collect();
    parts.extend(time(ran, row).map(|time| if parts.is_empty() { time } else { format!("at {time}") }));
    let names = ran.query.columns.iter().zip(row).filter_map(|(column, value)| match value {
        Value::Text(text) if column.unit.is_none() && !NO_NAMES.contains(&column.name.as_str()) => {
            // An outcome as expected is no news.
            (column.name != "outcome" || text != "ok").then(|| format!("{} {text}", column.name.replace('_', " ")))
        }
        _ => None,
    });
    let names: Vec<String> = names.take(NAMES).collect();
    let mut text = parts.join(" ");
    if !names.is_empty() {
        text.push_str(&format!(" ({})", names.join(", ")));
    }
    text
}
