//! The rows themselves, newest first unless asked otherwise.

use super::{Binder, Column, ColumnKind, Place, Query, Times, dimensions, measures, sign};
use crate::analytics::ask::{Dimension, OrderBy, Quantity, QuerySpec, Unit, View};

/// Rows when no number is asked for.
const ROWS: u32 = 100;

/// What is shown of a row: column, unit.
const fn shown(view: View) -> &'static [(&'static str, Option<Unit>)] {
    match view {
        View::Requests => &[
            ("id", None),
            ("started_at", None),
            ("project", None),
            ("requester", None),
            ("provider", None),
            ("model", None),
            ("outcome", None),
            ("error_kind", None),
            ("latency_ms", Some(Unit::Ms)),
            ("input_tokens", Some(Unit::Tokens)),
            ("output_tokens", Some(Unit::Tokens)),
            ("cost_usd", Some(Unit::Usd)),
        ],
        View::Attempts => &[
            ("started_at", None),
            ("provider", None),
            ("model", None),
            ("outcome", None),
            ("status", None),
            ("error_kind", None),
            ("latency_ms", Some(Unit::Ms)),
            ("project", None),
            ("requester", None),
        ],
        View::Incidents => &[
            ("id", None),
            ("started_at", None),
            ("incident_kind", None),
            ("provider", None),
            ("subject", None),
            ("impact", None),
            ("incident_state", None),
            ("impacted_requests", Some(Unit::Count)),
        ],
        View::RouteSteps => &[
            ("started_at", None),
            ("provider", None),
            ("model", None),
            ("layer", None),
            ("drop_reason", None),
            ("project", None),
        ],
        View::Findings => &[
            ("started_at", None),
            ("finding_category", None),
            ("finding_kind", None),
            ("finding_action", None),
            ("finding_direction", None),
            ("count", Some(Unit::Count)),
            ("project", None),
            ("requester", None),
        ],
        View::Signals => &[
            ("started_at", None),
            ("provider", None),
            ("model", None),
            ("signal_kind", None),
            ("score", Some(Unit::Score)),
            ("task", None),
            ("project", None),
        ],
        View::Budgets => &[
            ("name", None),
            ("budget_scope", None),
            ("budget_owner", None),
            ("budget_period", None),
            ("spent_usd", Some(Unit::Usd)),
            ("limit_usd", Some(Unit::Usd)),
        ],
    }
}

/// The statement of a list.
pub(super) fn compile(spec: &QuerySpec, now_us: i64) -> Query {
    let mut binder = Binder::default();
    let times = Times::of(&QuerySpec { compare: None, ..spec.clone() }, now_us);
    let mut conditions = vec![times.both(spec, Place::Raw, &mut binder)];
    conditions.extend(dimensions::conditions(&spec.filters, spec.view, &mut binder));
    for bound in &spec.row_bounds {
        let value = measures::of_row(bound.measure.quantity, &mut binder, now_us);
        let to = binder.real(bound.value);
        conditions.push(format!("{value} {} {to}", sign(bound.op)));
    }
    conditions.retain(|condition| !condition.is_empty());
    if conditions.is_empty() {
        conditions.push("TRUE".to_owned());
    }
    let descending = spec.order.as_ref().is_none_or(|order| order.descending);
    let by = match spec.order.as_ref().map(|order| &order.by) {
        Some(OrderBy::Measure(measure)) if measure.quantity.is_of_rows() => {
            measures::of_row(measure.quantity, &mut binder, now_us)
        }
        Some(OrderBy::Dimension(dimension)) => dimensions::grouped(dimension, spec.view, Place::Raw, &mut binder),
        _ if spec.view == View::Budgets => "1.0 * spent_usd / nullif(limit_usd, 0)".to_owned(),
        _ => "started_us".to_owned(),
    };
    let columns = shown(spec.view);
    let mut names: Vec<String> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
    let column = |name: &str, unit: Option<Unit>| Column { name: name.to_owned(), kind: ColumnKind::Plain, unit };
    let mut columns: Vec<Column> = columns.iter().map(|(name, unit)| column(name, *unit)).collect();
    // What rows stand by is seen.
    if let Some((name, unit)) = ordered_by(spec).filter(|(name, _)| !names.contains(name)) {
        names.push(format!("{by} AS {name}"));
        columns.push(column(&name, unit));
    }
    let sql = format!(
        "SELECT {} FROM {} WHERE {} ORDER BY {by} {} NULLS LAST LIMIT {}",
        names.join(", "),
        Place::Raw.view(spec.view),
        conditions.join(" AND "),
        if descending { "DESC" } else { "ASC" },
        spec.limit.unwrap_or(ROWS),
    );
    Query { sql, values: binder.0, columns, from_roll_up: false }
}

/// The column that holds what rows are ordered by, unless that is their time.
pub(in crate::analytics::ask) fn ordered_by(spec: &QuerySpec) -> Option<(String, Option<Unit>)> {
    match &spec.order.as_ref()?.by {
        OrderBy::Measure(measure) if measure.quantity.is_of_rows() => {
            let name = match measure.quantity {
                Quantity::Cost => "cost_usd",
                Quantity::Latency | Quantity::AttemptLatency => "latency_ms",
                Quantity::BudgetSpent => "spent_usd",
                Quantity::BudgetLimit => "limit_usd",
                Quantity::SignalScore => "score",
                other => other.as_str(),
            };
            Some((name.to_owned(), Some(measure.quantity.unit())))
        }
        // Times are seen as such, and the names of tags are no column's.
        OrderBy::Dimension(dimension) if !dimension.is_grain() && !matches!(dimension, Dimension::Tag(_)) => {
            Some((dimension.as_str().to_owned(), None))
        }
        _ => None,
    }
}
