//! What changed between two windows: the difference of one measure by each of some dimensions, and as numbers of
//! requests, tokens and prices. It says what changed, never why.

use super::{Binder, Column, ColumnKind, Place, Query, Times, dimensions, measures};
use crate::analytics::ask::{Dimension, Measure, Quantity, QuerySpec, Unit, View};

/// By what differences are told apart, where the view has it.
const BY: [Dimension; 4] = [Dimension::Model, Dimension::Project, Dimension::Requester, Dimension::Provider];
/// Contributions that are listed of each.
const ROWS: u32 = 5;

/// The statement of differences: part, name, value in the window, value before, difference.
pub(super) fn compile(spec: &QuerySpec, place: Place, now_us: i64) -> Query {
    let mut binder = Binder::default();
    let times = Times::of(spec, now_us);
    let mut conditions = vec![times.both(spec, place, &mut binder)];
    conditions.extend(dimensions::conditions(&spec.filters, spec.view, &mut binder));
    conditions.retain(|condition| !condition.is_empty());
    let measure = spec.measures.first().copied().unwrap_or(Measure::total(Quantity::Cost));
    let now = times.window(place, &mut binder);
    let before = times.compare(place, &mut binder);
    let source = format!("{} WHERE {}", place.view(spec.view), conditions.join(" AND "));
    let whole = |part: &str, measure: Measure, binder: &mut Binder| {
        let value = measures::sql(measure, place, &now, now_us, binder);
        let old = measures::sql(measure, place, &before, now_us, binder);
        format!(
            "SELECT '{part}' AS part, NULL AS name, g.now AS now, g.old AS old, g.now - g.old AS change \
             FROM (SELECT {value} AS now, {old} AS old FROM {source}) AS g"
        )
    };
    let mut parts = vec![whole("total", measure, &mut binder)];
    if spec.view == View::Requests && measure == Measure::total(Quantity::Cost) {
        for quantity in [Quantity::Requests, Quantity::Tokens] {
            parts.push(whole(quantity.as_str(), Measure::total(quantity), &mut binder));
        }
    }
    let fixed = |dimension: &Dimension| {
        spec.filters.iter().any(|filter| filter.dimension == *dimension && !filter.negated && filter.values.len() == 1)
    };
    for dimension in BY.iter().filter(|dimension| dimension.is_in(spec.view) && !fixed(dimension)).take(3) {
        let name = dimensions::grouped(dimension, spec.view, place, &mut binder);
        let value = measures::sql(measure, place, &now, now_us, &mut binder);
        let old = measures::sql(measure, place, &before, now_us, &mut binder);
        parts.push(format!(
            "SELECT * FROM (SELECT '{dimension}' AS part, coalesce(g.name, '{none}') AS name, g.now AS now, g.old AS old, \
             coalesce(g.now, 0) - coalesce(g.old, 0) AS change FROM (SELECT {name} AS name, {value} AS now, \
             {old} AS old FROM {source} GROUP BY 1) AS g \
             ORDER BY abs(coalesce(g.now, 0) - coalesce(g.old, 0)) DESC, 2 LIMIT {ROWS}) AS t",
            none = dimensions::NONE,
        ));
    }
    let unit = Some(measure.quantity.unit());
    let column = |name: &str, kind: ColumnKind, unit: Option<Unit>| Column { name: name.to_owned(), kind, unit };
    Query {
        sql: parts.join(" UNION ALL "),
        values: binder.0,
        columns: vec![
            column("part", ColumnKind::Plain, None),
            column("name", ColumnKind::Plain, None),
            column("now", ColumnKind::Measure(measure), unit),
            column("before", ColumnKind::Previous(measure), unit),
            column("change", ColumnKind::Change(measure), unit),
        ],
        from_roll_up: place.is_roll_up(),
    }
}
