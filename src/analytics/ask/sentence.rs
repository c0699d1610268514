//! A spec as a sentence that the parser reads back as the same spec: what a page shows, and what a model is given.

use jiff::civil::{DateTime, Time};

use super::{Clock, Dimension, Filter, Order, OrderBy, Quantity, QuerySpec, View, dates::CalendarUnit, texts};

/// The spec in words. Read by [`super::parse`] at the same moment it is the same spec, but for labels.
pub fn sentence(spec: &QuerySpec, clock: &Clock) -> String {
    let mut words: Vec<String> = Vec::new();
    words.extend(spec.drivers.then(|| "why did".to_owned()));
    words.extend(spec.share.as_ref().map(|_| "share of".to_owned()));
    words.extend(spec.cumulative.then(|| "cumulative".to_owned()));
    words.push(subject(spec));
    words.extend(spec.row_bounds.iter().map(|bound| format!("of requests with {}", texts::bound(bound))));
    words.extend(spec.drivers.then(|| "change".to_owned()));
    words.extend(groups(spec));
    words.extend(spec.having.iter().map(|bound| format!("with {}", texts::bound(bound))));
    if let Some(order) = spec.order.as_ref().filter(|_| !spec.rows) {
        words.push(rank(spec, order));
    }
    let (negated, named): (Vec<_>, Vec<_>) = filters(spec).into_iter().partition(|filter| filter.negated);
    words.extend(named.iter().map(|filter| format!("for {}", texts::filter(filter))));
    words.extend(negated.iter().map(texts::filter));
    let parts = spec.share.iter().flat_map(|share| &share.part);
    words.extend(parts.map(|filter| format!("goes to {}", texts::filter(filter))));
    let bounds = spec.share.iter().flat_map(|share| &share.bounds);
    words.extend(bounds.map(|bound| format!("goes to requests with {}", texts::bound(bound))));
    if spec.view != View::Budgets {
        words.push(window(spec.window.from_us, spec.window.to_us, clock));
    }
    if let Some(compare) = &spec.compare {
        let previous = clock.previous_of(spec.window.from_us, spec.window.to_us);
        let is_previous =
            previous.is_some_and(|other| (other.from_us, other.to_us) == (compare.from_us, compare.to_us));
        words.push(if is_previous {
            "vs the previous period".to_owned()
        } else {
            format!("vs {}", window(compare.from_us, compare.to_us, clock))
        });
    }
    words.join(" ")
}

fn subject(spec: &QuerySpec) -> String {
    if !spec.rows {
        // "Incidents" alone lists them.
        let is_count = spec.view == View::Incidents && spec.dimensions.is_empty();
        let count = if is_count { "number of " } else { "" };
        return count.to_owned()
            + &spec.measures.iter().map(|measure| texts::measure(*measure)).collect::<Vec<_>>().join(" and ");
    }
    let noun = match spec.view {
        View::Requests => "requests",
        View::Attempts => "attempts",
        View::Incidents => "incidents",
        View::RouteSteps => "routing drops",
        View::Findings => "findings",
        View::Signals => "signals",
        View::Budgets => "budgets",
    };
    let limit = spec.limit.map(|limit| limit.to_string()).unwrap_or_default();
    match &spec.order {
        Some(Order { by: OrderBy::Time, descending }) => {
            format!("{} {limit} {noun}", if *descending { "the latest" } else { "the earliest" })
        }
        Some(Order { by: OrderBy::Measure(measure), descending }) => {
            format!("{noun} with the {} {limit} {}", end(*descending), texts::measure(*measure))
        }
        // A hundred is what a list is cut at when nobody says how many.
        _ if spec.limit.is_none_or(|limit| limit == 100) => format!("list the {noun}"),
        _ => format!("list the {limit} {noun}"),
    }
}

const fn end(descending: bool) -> &'static str {
    if descending { "top" } else { "bottom" }
}

/// `by day and team`. Budgets are asked for by whom they are for.
fn groups(spec: &QuerySpec) -> Option<String> {
    let by = |names: Vec<String>| (!names.is_empty()).then(|| format!("by {}", names.join(" and ")));
    match budget_scope(spec) {
        Some(_) if spec.dimensions.is_empty() => None,
        Some(scope) => by(vec![scope.replace('_', " ")]),
        None if spec.view == View::Budgets => None,
        None => by(spec.dimensions.iter().map(texts::dimension).collect()),
    }
}

fn budget_scope(spec: &QuerySpec) -> Option<&str> {
    let scope = spec.filters.iter().find(|filter| filter.dimension == Dimension::BudgetScope)?;
    scope.values.first().map(String::as_str).filter(|_| spec.view == View::Budgets)
}

fn filters(spec: &QuerySpec) -> Vec<Filter> {
    let scope = budget_scope(spec).and_then(Dimension::parse);
    let mut filters = spec.filters.clone();
    if let Some(scope) = scope {
        filters.retain(|filter| filter.dimension != Dimension::BudgetScope);
        for filter in filters.iter_mut().filter(|filter| filter.dimension == Dimension::BudgetOwner) {
            filter.dimension = scope.clone();
        }
    }
    filters
}

/// `top 5`; where the first row is the answer, that is said.
fn rank(spec: &QuerySpec, order: &Order) -> String {
    let limit = spec.limit.map(|limit| format!(" {limit}")).unwrap_or_default();
    let by = match &order.by {
        OrderBy::Change if !spec.drivers => " change",
        _ => "",
    };
    let first = if spec.first { " the first is the answer" } else { "" };
    format!("{}{limit}{by}{first}", end(order.descending))
}

/// A window in days where it is made of days, else in moments.
fn window(from_us: i64, to_us: i64, clock: &Clock) -> String {
    let is_midnight = |us: i64| clock.start_of(CalendarUnit::Day, us) == Some(us);
    let moment = |us: i64| {
        let at = clock.civil(us);
        if is_midnight(us) { at.date().to_string() } else { precise(at) }
    };
    let exact = |us: i64| precise(clock.civil(us));
    let now = clock.now.unix_us;
    match (from_us, to_us) {
        (0, to) if to == now => "of all time".to_owned(),
        (0, to) => format!("before {}", moment(to)),
        (from, to) if to == now => format!("since {}", moment(from)),
        (from, to) if is_midnight(from) && is_midnight(to) => match clock.moved(to, CalendarUnit::Day, -1) {
            Some(last) => format!("from {} to {}", moment(from), moment(last)),
            None => format!("from {} to {}", exact(from), exact(to)),
        },
        (from, to) => format!("from {} to {}", exact(from), exact(to)),
    }
}

fn precise(at: DateTime) -> String {
    let time: Time = at.time();
    format!("{} {time}", at.date())
}

/// Whether a quantity has no sum, so that a statistic must be said of it.
pub(super) fn needs_statistic(quantity: Quantity) -> bool {
    !super::Measure::total(quantity).is_valid()
}
