//! Where a spec is answered from, and dimensions as SQL and back.

use std::fmt::Write as _;

use super::{Binder, EXACT_PERCENTILES_US, QUARTER_US, covers_whole, measures::is_per_time};
use crate::analytics::ask::{
    Dimension, Filter, FilterOp, Measure, OrderBy, Quantity, QuerySpec, View, Window, guard::Value,
};

/// What stands for "not set" in a result.
pub(in crate::analytics::ask) const NONE: &str = "(none)";
/// What stands for all series that are not kept apart.
pub(in crate::analytics::ask) const OTHER: &str = "(other)";

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;

/// Where rows come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The roll-up of requests by day.
    Days,
    /// The roll-up of requests by quarter hour.
    Quarters,
    /// The index of sessions, with the dimensions of their requests.
    Sessions,
    /// The rows themselves.
    Raw,
}

impl Place {
    /// The coarsest roll-up that can answer the spec, if any can.
    pub(super) fn of(spec: &QuerySpec, now_us: i64, exact: bool) -> Self {
        let windows = [Some(spec.window.clone()), compared(spec)];
        let parts = spec.share.iter().flat_map(|share| &share.part);
        let ordered = spec.order.iter().filter_map(|order| match &order.by {
            OrderBy::Measure(measure) => Some(measure),
            _ => None,
        });
        let measures = spec.measures.iter().chain(spec.having.iter().map(|bound| &bound.measure)).chain(ordered);
        let length_us = spec.window.to_us.saturating_sub(spec.window.from_us);
        let is_long = !exact || length_us > EXACT_PERCENTILES_US;
        let has_dimensions = spec.view == View::Requests
            && !spec.rows
            && spec.row_bounds.is_empty()
            && spec.share.iter().all(|share| share.bounds.is_empty())
            && spec.dimensions.iter().all(is_rolled_up)
            && spec.filters.iter().chain(parts.clone()).all(|filter| is_rolled_up(&filter.dimension));
        if !has_dimensions {
            return Self::Raw;
        }
        if measures.clone().all(|measure| measure.quantity == Quantity::Sessions) {
            return Self::Sessions;
        }
        let can = windows.iter().flatten().all(|window| covers_whole(window, QUARTER_US, now_us))
            && measures.clone().copied().all(|measure| is_summed(measure, is_long));
        if !can {
            return Self::Raw;
        }
        let is_of_hours = |dimension: &Dimension| matches!(dimension, Dimension::Hour | Dimension::HourOfDay);
        // All time begins with the first row, which days do not tell closely.
        let needs_begin = spec.window.from_us <= 0 && measures.copied().any(|measure| is_per_time(measure.quantity));
        let can_days = windows.iter().flatten().all(|window| covers_whole(window, DAY_US, now_us))
            && !spec.dimensions.iter().any(is_of_hours)
            && !spec.filters.iter().chain(parts).any(|filter| is_of_hours(&filter.dimension))
            && !needs_begin;
        if can_days { Self::Days } else { Self::Quarters }
    }

    /// Whether it is a roll-up.
    pub(super) fn is_roll_up(self) -> bool {
        matches!(self, Self::Days | Self::Quarters)
    }

    /// The view to read.
    pub(super) const fn view(self, view: View) -> &'static str {
        match (self, view) {
            (Self::Days, _) => "usage_by_day",
            (Self::Quarters, _) => "usage",
            (Self::Sessions, _) => "session_requests",
            (Self::Raw, View::Requests) => "requests",
            (Self::Raw, View::Attempts) => "attempts",
            (Self::Raw, View::Incidents) => "incidents",
            (Self::Raw, View::RouteSteps) => "route_steps",
            (Self::Raw, View::Findings) => "findings",
            (Self::Raw, View::Signals) => "signals",
            (Self::Raw, View::Budgets) => "budgets",
        }
    }
}

/// The window that the spec's is set against.
pub(super) fn compared(spec: &QuerySpec) -> Option<Window> {
    let compare = spec.compare.as_ref()?;
    let (from_us, to_us, label) = (compare.from_us, compare.to_us, compare.label.clone());
    Some(Window { from_us, to_us, label, assumed: false })
}

const fn is_rolled_up(dimension: &Dimension) -> bool {
    use Dimension as D;
    dimension.is_grain()
        || dimension.is_cyclic()
        || matches!(
            dimension,
            D::Provider
                | D::Model
                | D::Family
                | D::Project
                | D::Requester
                | D::Team
                | D::Key
                | D::Profile
                | D::Endpoint
                | D::ClientApi
                | D::Outcome
                | D::ErrorKind
                | D::Cache
                | D::Streamed
        )
}

fn is_summed(measure: Measure, is_long: bool) -> bool {
    super::measures::is_rolled_up(measure) && (measure.statistic.quantile().is_none() || is_long)
}

/// The expression that rows are grouped by; numbers for times, which [`label`] reads back.
pub(super) fn grouped(dimension: &Dimension, view: View, place: Place, binder: &mut Binder) -> String {
    use Dimension as D;
    match (dimension, place) {
        (found, Place::Raw) if view == View::Requests && is_of_findings(found) => {
            format!("(SELECT min(f.{found}) FROM findings AS f WHERE f.record_seq = requests.seq)")
        }
        (D::Hour, Place::Raw | Place::Sessions) => format!("started_us / {HOUR_US}"),
        (D::Day, Place::Raw | Place::Sessions) => format!("started_us / {DAY_US}"),
        // The Unix epoch was a Thursday.
        (D::Week, Place::Raw | Place::Sessions) => format!("(started_us / {DAY_US} + 3) / 7"),
        (D::HourOfDay, Place::Raw | Place::Sessions) => format!("(started_us / {HOUR_US}) % 24"),
        (D::Weekday, Place::Raw | Place::Sessions) => format!("(started_us / {DAY_US} + 3) % 7"),
        (D::Hour, Place::Quarters) => "quarter_hour / 4".to_owned(),
        (D::Day, Place::Days | Place::Quarters) => "quarter_hour / 96".to_owned(),
        (D::Week, Place::Days | Place::Quarters) => "(quarter_hour / 96 + 3) / 7".to_owned(),
        (D::HourOfDay, Place::Quarters) => "(quarter_hour / 4) % 24".to_owned(),
        (D::Weekday, Place::Days | Place::Quarters) => "(quarter_hour / 96 + 3) % 7".to_owned(),
        _ => value(dimension, binder),
    }
}

/// The expression of a dimension's value as text.
fn value(dimension: &Dimension, binder: &mut Binder) -> String {
    use Dimension as D;
    match dimension {
        D::Streamed => "CASE WHEN streamed THEN 'true' ELSE 'false' END".to_owned(),
        D::FailedOver => "CASE WHEN failed_over THEN 'true' ELSE 'false' END".to_owned(),
        D::Status => "CAST(status AS TEXT)".to_owned(),
        D::HourOfDay => "CAST(hour_of_day AS TEXT)".to_owned(),
        D::Tag(key) => {
            let path = binder.text(format!("$.\"{key}\""));
            format!("json_extract(tags, {path})")
        }
        other => other.as_str().to_owned(),
    }
}

/// What requests have through their findings.
const fn is_of_findings(dimension: &Dimension) -> bool {
    matches!(dimension, Dimension::FindingCategory | Dimension::FindingKind | Dimension::FindingAction)
}

/// Filters as conditions that must all hold. Of requests, those about findings hold for one and the same finding.
pub(super) fn conditions(filters: &[Filter], view: View, binder: &mut Binder) -> Vec<String> {
    let through_finding = |filter: &&Filter| view == View::Requests && is_of_findings(&filter.dimension);
    let (found, plain): (Vec<_>, Vec<_>) = filters.iter().partition(through_finding);
    let mut conditions: Vec<_> = plain.into_iter().map(|filter| format!("({})", fits(filter, binder))).collect();
    let (without, with): (Vec<_>, Vec<_>) = found.into_iter().partition(|filter| filter.negated);
    let mut exists = |filters: &[&Filter], word: &str| {
        let each = filters.iter().map(|filter| fits(&Filter { negated: false, ..(*filter).clone() }, binder));
        let fit = each.map(|fit| format!("({fit})")).collect::<Vec<_>>().join(" AND ");
        format!(
            "{word}(requests.findings > 0 AND EXISTS (SELECT 1 FROM findings AS f WHERE f.record_seq = requests.seq AND {fit}))"
        )
    };
    if !with.is_empty() {
        conditions.push(exists(&with, ""));
    }
    conditions.extend(without.into_iter().map(|filter| exists(&[filter], "NOT ")).collect::<Vec<_>>());
    conditions
}

fn fits(filter: &Filter, binder: &mut Binder) -> String {
    let value = value(&filter.dimension, binder);
    let (set, unset): (Vec<_>, Vec<_>) = filter.values.iter().partition(|text| !text.is_empty());
    let has_unset = !unset.is_empty();
    let mut any = Vec::new();
    if !set.is_empty() {
        any.push(match filter.op {
            FilterOp::OneOf => {
                let is_class = |text: &&String| filter.dimension == Dimension::Status && text.ends_with("xx");
                let (classes, exact): (Vec<&String>, Vec<&String>) = set.iter().copied().partition(is_class);
                let values: Vec<_> = exact.iter().map(|text| binder.text(text.as_str())).collect();
                let exact = (!values.is_empty()).then(|| format!("{value} IN ({})", values.join(", ")));
                let classes: Vec<_> = classes.iter().map(|text| binder.text(text.trim_end_matches('x'))).collect();
                let classes = classes.iter().map(|digit| format!("substr({value}, 1, 1) = {digit}"));
                exact.into_iter().chain(classes).collect::<Vec<_>>().join(" OR ")
            }
            FilterOp::Contains => {
                let each = set.iter().map(|text| {
                    let text = binder.text(text.to_lowercase());
                    format!("instr(lower({value}), {text}) > 0")
                });
                each.collect::<Vec<_>>().join(" OR ")
            }
        });
    }
    if has_unset {
        any.push(format!("{value} IS NULL"));
    }
    let any = any.join(" OR ");
    match (filter.negated, has_unset) {
        (false, _) => any,
        // Rows without a value are not what was excluded.
        (true, false) => format!("NOT ({any}) OR {value} IS NULL"),
        (true, true) => format!("NOT ({any})"),
    }
}

/// A value of a grouped dimension, as it is shown.
pub(in crate::analytics::ask) fn label(dimension: &Dimension, value: &Value) -> String {
    use Dimension as D;
    match (dimension, value) {
        (_, Value::Null) => NONE.to_owned(),
        (D::Hour, Value::Integer(hours)) => moment(hours.saturating_mul(HOUR_US), "%Y-%m-%dT%H:00Z"),
        (D::Day, Value::Integer(days)) => moment(days.saturating_mul(DAY_US), "%Y-%m-%d"),
        (D::Week, Value::Integer(weeks)) => moment((weeks * 7 - 3).saturating_mul(DAY_US), "%Y-%m-%d"),
        (D::Weekday, Value::Integer(day)) => {
            usize::try_from(*day).ok().and_then(|day| WEEKDAYS.get(day)).copied().unwrap_or(NONE).to_owned()
        }
        (_, Value::Integer(number)) => number.to_string(),
        (_, Value::Real(number)) => number.to_string(),
        (_, Value::Text(text)) => text.clone(),
    }
}

fn moment(unix_us: i64, form: &str) -> String {
    let mut text = String::new();
    if let Ok(at) = jiff::Timestamp::from_microsecond(unix_us) {
        let _ = write!(text, "{}", at.strftime(form));
    }
    text
}
