//! From a [`QuerySpec`] to SQL over the views, every value bound.
//!
//! One shape for all groupings: an inner query sums up by group, an outer one keeps, orders and cuts. What the
//! quarter-hour roll-up can answer is asked of it, all else of the records.

mod dimensions;
mod drivers;
mod kinds;
mod measures;
mod rows;

use std::fmt::Write as _;

pub(super) use dimensions::{NONE, OTHER, label};
pub(super) use rows::ordered_by;

use self::{dimensions::Place, measures::Times};
use super::{
    Bound, BoundOp, Dimension, Measure, Order, OrderBy, Quantity, QuerySpec, Share, Statistic, Unit, View, Window,
    guard::Value, sandbox::ROWS_MAX,
};

/// Microseconds in a quarter of an hour, the width of roll-ups.
const QUARTER_US: i64 = 900_000_000;
/// Percentiles over a longer window come from the roll-ups' histograms, right to within 3.2 %.
const EXACT_PERCENTILES_US: i64 = 31 * 86_400_000_000;
/// Series that are kept apart when no number is asked for.
const SERIES: u32 = 8;

/// A statement and what its columns are.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The statement over the views.
    pub sql: String,
    /// What its `?1`, `?2`, … stand for.
    pub values: Vec<Value>,
    /// What its columns are, in their order.
    pub columns: Vec<Column>,
    /// Whether the roll-ups answer it.
    pub from_roll_up: bool,
}

/// A column of a compiled statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its stable name.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
    /// What its numbers are given in.
    pub unit: Option<Unit>,
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnKind {
    /// Values of a dimension, to be read by [`label`].
    Dimension(Dimension),
    /// A measure in the window.
    Measure(Measure),
    /// The same in the window that it is set against.
    Previous(Measure),
    /// The difference of the two.
    Change(Measure),
    /// The share of the whole.
    Share(Measure),
    /// The whole that a part is a share of.
    Whole(Measure),
    /// Records of unknown price among those that were summed.
    UnknownPrice,
    /// How many values a statistic rests on.
    Samples,
    /// What the group without a name has, of a ranking of names; in every row.
    Nameless,
    /// A plain value of a row.
    Plain,
}

/// Collects what a statement is run with.
#[derive(Debug, Default)]
struct Binder(Vec<Value>);

impl Binder {
    fn integer(&mut self, value: i64) -> String {
        self.push(Value::Integer(value))
    }

    fn text(&mut self, value: impl Into<String>) -> String {
        self.push(Value::Text(value.into()))
    }

    fn real(&mut self, value: f64) -> String {
        self.push(Value::Real(value))
    }

    fn push(&mut self, value: Value) -> String {
        let known = self.0.iter().position(|other| *other == value);
        let place = known.unwrap_or_else(|| {
            self.0.push(value);
            self.0.len() - 1
        });
        format!("?{}", place + 1)
    }
}

/// Writes the statement of a checked spec, asked at `now_us`. The spec's window is what is summed; `compare` is set
/// against it in the same statement, unless there is a time grain: then whoever runs it asks twice. Without `exact`,
/// percentiles of short windows come from the roll-up as well.
pub fn compile(spec: &QuerySpec, now_us: i64, exact: bool) -> Query {
    if !is_timed(spec.view) && spec.compare.is_some() {
        // There is no other time to set them against.
        let order = spec.order.clone().filter(|order| order.by != OrderBy::Change);
        return compile(&QuerySpec { compare: None, drivers: false, order, ..spec.clone() }, now_us, exact);
    }
    let place = Place::of(spec, now_us, exact);
    if spec.rows {
        return rows::compile(spec, now_us);
    }
    if spec.drivers && spec.compare.is_some() {
        return drivers::compile(spec, place, now_us);
    }
    let mut grouping = Grouping::new(spec, place, now_us);
    let sql = grouping.statement();
    Query { sql, values: grouping.binder.0, columns: grouping.columns, from_roll_up: place.is_roll_up() }
}

/// The statement of sums by group, as it is written.
struct Grouping<'s> {
    spec: &'s QuerySpec,
    place: Place,
    times: Times,
    binder: Binder,
    columns: Vec<Column>,
    /// The inner query's columns.
    inner: Vec<String>,
    /// The outer query's columns.
    outer: Vec<String>,
    /// Measures of the inner query and their column there.
    known: Vec<(Measure, String)>,
}

impl<'s> Grouping<'s> {
    fn new(spec: &'s QuerySpec, place: Place, now_us: i64) -> Self {
        Self {
            spec,
            place,
            times: Times::of(spec, now_us),
            binder: Binder::default(),
            columns: Vec::new(),
            inner: Vec::new(),
            outer: Vec::new(),
            known: Vec::new(),
        }
    }

    fn statement(&mut self) -> String {
        let spec = self.spec;
        let conditions = self.conditions();
        let top = self.top(&conditions);
        let series = spec.grain().is_some();
        for (number, dimension) in spec.dimensions.iter().enumerate() {
            let name = format!("d{number}");
            let value = dimensions::grouped(dimension, self.spec.view, self.place, &mut self.binder);
            let value = match &top {
                Some((one, _)) if one == dimension => {
                    let named = format!("coalesce({value}, '{NONE}')");
                    format!("CASE WHEN {named} IN (SELECT name FROM top) THEN {named} ELSE '{OTHER}' END")
                }
                _ => value,
            };
            self.inner.push(format!("{value} AS {name}"));
            self.outer.push(format!("g.{name} AS {name}"));
            self.columns.push(Column {
                name: dimension.to_string(),
                kind: ColumnKind::Dimension(dimension.clone()),
                unit: None,
            });
        }
        let compared = !series && spec.compare.is_some();
        for measure in &spec.measures {
            self.measure(*measure, compared);
        }
        self.footing();
        let kept = self.kept();
        let order = self.order(compared);
        let mut sql = String::new();
        if let Some((_, text)) = &top {
            let _ = write!(sql, "WITH top AS ({text}) ");
        }
        let _ = write!(
            sql,
            "SELECT {} FROM (SELECT {} FROM {} WHERE {conditions}{}) AS g",
            self.outer.join(", "),
            self.inner.join(", "),
            self.place.view(spec.view),
            group_by(spec.dimensions.len()),
        );
        if !kept.is_empty() {
            let _ = write!(sql, " WHERE {}", kept.join(" AND "));
        }
        let rows = if series { ROWS_MAX as u32 } else { spec.limit.unwrap_or(super::LIMIT_MAX) };
        if !spec.dimensions.is_empty() {
            let _ = write!(sql, " ORDER BY {order} LIMIT {rows}");
        }
        sql
    }

    /// One measure: its column, and those that set it against something.
    fn measure(&mut self, measure: Measure, compared: bool) {
        let unit = Some(measure.quantity.unit());
        let name = self.inner_measure(measure, compared);
        let add = |this: &mut Self, value: String, suffix: &str, kind: ColumnKind, unit: Option<Unit>| {
            let column = format!("{measure}{suffix}");
            this.outer.push(format!("{value} AS {column}"));
            this.columns.push(Column { name: column, kind, unit });
        };
        add(self, format!("g.{name}"), "", ColumnKind::Measure(measure), unit);
        if compared {
            let previous = format!("g.{name}_before");
            add(self, previous.clone(), "_before", ColumnKind::Previous(measure), unit);
            let change = if measure.is_additive() {
                format!("coalesce(g.{name}, 0) - coalesce({previous}, 0)")
            } else {
                format!("g.{name} - {previous}")
            };
            add(self, change, "_change", ColumnKind::Change(measure), unit);
        }
        if let Some(share) = &self.spec.share {
            let whole = if !share.has_part() {
                let by = self.spec.grain().and_then(|grain| self.spec.dimensions.iter().position(|one| one == grain));
                // Each point of a series is a whole of its own.
                let by = by.filter(|_| self.spec.dimensions.len() > 1);
                let by = by.map_or(String::new(), |number| format!("PARTITION BY g.d{number}"));
                format!("sum(g.{name}) OVER ({by})")
            } else {
                let all =
                    measures::sql(measure, self.place, &self.times.now(None), self.times.now_us, &mut self.binder);
                self.inner.push(format!("{all} AS {name}_whole"));
                add(self, format!("g.{name}_whole"), "_whole", ColumnKind::Whole(measure), unit);
                format!("g.{name}_whole")
            };
            let value = format!("1.0 * g.{name} / nullif({whole}, 0)");
            add(self, value, "_share", ColumnKind::Share(measure), Some(Unit::Ratio));
        }
    }

    /// The inner query's column of a measure, made if there is none yet.
    fn inner_measure(&mut self, measure: Measure, compared: bool) -> String {
        if let Some((_, name)) = self.known.iter().find(|(known, _)| *known == measure) {
            return name.clone();
        }
        let name = format!("m{}", self.known.len());
        let part = self.spec.share.as_ref().filter(|share| share.has_part()).map(|share| {
            let mut conditions = dimensions::conditions(&share.part, self.spec.view, &mut self.binder);
            conditions.extend(share.bounds.iter().map(|bound| self.bounded(bound)));
            conditions.join(" AND ")
        });
        let now = if compared { self.times.window(self.place, &mut self.binder) } else { self.times.now(None) };
        let value = measures::sql(measure, self.place, &now.and(part.as_deref()), self.times.now_us, &mut self.binder);
        self.inner.push(format!("{value} AS {name}"));
        if compared {
            let before = self.times.compare(self.place, &mut self.binder);
            let value =
                measures::sql(measure, self.place, &before.and(part.as_deref()), self.times.now_us, &mut self.binder);
            self.inner.push(format!("{value} AS {name}_before"));
        }
        self.known.push((measure, name.clone()));
        name
    }

    /// What says how far the measures can be trusted.
    fn footing(&mut self) {
        let spec = self.spec;
        if spec.measures.iter().any(|measure| measure.quantity.is_priced()) {
            let value = measures::sql(
                Measure::total(Quantity::UnknownPrice),
                self.place,
                &self.times.now(None),
                self.times.now_us,
                &mut self.binder,
            );
            self.inner.push(format!("{value} AS unknown_price"));
            self.outer.push("g.unknown_price AS unknown_price".to_owned());
            let unit = Some(Unit::Count);
            self.columns.push(Column { name: "unknown_price".to_owned(), kind: ColumnKind::UnknownPrice, unit });
        }
        let rests = spec.measures.iter().find(|measure| measure.statistic != Statistic::Total);
        if let Some(samples) = rests.and_then(|measure| self.times.samples(*measure, self.place)) {
            self.inner.push(format!("{samples} AS samples"));
            self.outer.push("g.samples AS samples".to_owned());
            let unit = Some(Unit::Count);
            self.columns.push(Column { name: "samples".to_owned(), kind: ColumnKind::Samples, unit });
        }
        if let Some(first) = spec.measures.first().filter(|_| ranks_names(spec)) {
            let name = self.inner_measure(*first, spec.compare.is_some());
            self.outer.push(format!("max(CASE WHEN g.d0 IS NULL THEN g.{name} END) OVER () AS nameless"));
            let unit = Some(first.quantity.unit());
            self.columns.push(Column { name: "nameless".to_owned(), kind: ColumnKind::Nameless, unit });
        }
    }

    /// Which rows are summed.
    fn conditions(&mut self) -> String {
        let mut conditions = vec![self.times.both(self.spec, self.place, &mut self.binder)];
        conditions.extend(dimensions::conditions(&self.spec.filters, self.spec.view, &mut self.binder));
        conditions.extend(self.spec.row_bounds.iter().map(|bound| self.bounded(bound)));
        conditions.retain(|condition| !condition.is_empty());
        if conditions.is_empty() { "TRUE".to_owned() } else { conditions.join(" AND ") }
    }

    /// A bound on a single row.
    fn bounded(&mut self, bound: &Bound) -> String {
        let value = measures::of_row(bound.measure.quantity, &mut self.binder, self.times.now_us);
        let to = self.binder.real(bound.value);
        format!("{value} {} {to}", sign(bound.op))
    }

    /// Of a series of series, which are kept apart: the dimension, and the query of their names.
    fn top(&mut self, conditions: &str) -> Option<(Dimension, String)> {
        self.spec.grain()?;
        let dimension = self.spec.dimensions.iter().find(|dimension| !dimension.is_grain())?;
        let value = dimensions::grouped(dimension, self.spec.view, self.place, &mut self.binder);
        let by = self.spec.measures.first()?;
        let measure = measures::sql(*by, self.place, &self.times.now(None), self.times.now_us, &mut self.binder);
        let rows = self.spec.limit.unwrap_or(SERIES).min(SERIES * 3);
        let sql = format!(
            "SELECT coalesce({value}, '{NONE}') AS name FROM {} WHERE {conditions} GROUP BY 1 \
             ORDER BY {measure} DESC NULLS LAST, 1 LIMIT {rows}",
            self.place.view(self.spec.view)
        );
        Some((dimension.clone(), sql))
    }

    /// Which groups are kept.
    fn kept(&mut self) -> Vec<String> {
        let mut kept = Vec::new();
        for bound in &self.spec.having {
            let name = self.inner_measure(bound.measure, false);
            let value = self.binder.real(bound.value);
            kept.push(format!("g.{name} {} {value}", sign(bound.op)));
        }
        // A group of which nothing can be told, such as the latency of what was never answered, is no row.
        if let [only] = self.spec.measures.as_slice()
            && only.statistic != Statistic::Total
            && !self.spec.dimensions.is_empty()
            && self.spec.grain().is_none()
            && self.spec.compare.is_none()
        {
            let name = self.inner_measure(*only, false);
            kept.push(format!("g.{name} IS NOT NULL"));
        }
        kept
    }

    fn order(&mut self, compared: bool) -> String {
        let spec = self.spec;
        let names: Vec<_> = (0..spec.dimensions.len()).map(|number| format!("d{number}")).collect();
        let mut order = Vec::new();
        if let Some(at) = spec.dimensions.iter().position(Dimension::is_grain) {
            order.push(format!("g.d{at}"));
        } else {
            let of_part = spec.share.as_ref().is_some_and(Share::has_part);
            let by = match &spec.order {
                Some(Order { by: OrderBy::Measure(measure), descending }) => {
                    let name = self.inner_measure(*measure, compared);
                    // Shares of parts are ranked by the share, not by how large the part is.
                    let is_share = of_part && spec.measures.contains(measure);
                    let value = if is_share {
                        format!("1.0 * g.{name} / nullif(g.{name}_whole, 0)")
                    } else {
                        format!("g.{name}")
                    };
                    Some((value, *descending))
                }
                Some(Order { by: OrderBy::Dimension(dimension), descending }) => spec
                    .dimensions
                    .iter()
                    .position(|one| one == dimension)
                    .map(|number| (format!("g.d{number}"), *descending)),
                Some(Order { by: OrderBy::Change, descending }) => spec.measures.first().map(|first| {
                    let name = self.inner_measure(*first, compared);
                    (format!("coalesce(g.{name}, 0) - coalesce(g.{name}_before, 0)"), *descending)
                }),
                // The hours of a day and the days of a week have an order of their own.
                _ if spec.dimensions.first().is_some_and(Dimension::is_cyclic) => Some(("g.d0".to_owned(), false)),
                _ => spec.measures.first().map(|first| {
                    let name = self.inner_measure(*first, compared);
                    let share = format!("1.0 * g.{name} / nullif(g.{name}_whole, 0)");
                    (if of_part { share } else { format!("g.{name}") }, true)
                }),
            };
            let direction = |descending| if descending { "DESC" } else { "ASC" };
            order.extend(by.map(|(value, descending)| {
                let first = if ranks_names(spec) { format!("{value} IS NULL, g.d0 IS NULL, ") } else { String::new() };
                format!("{first}{value} {} NULLS LAST", direction(descending))
            }));
        }
        order.extend(
            names.iter().map(|name| format!("g.{name}")).filter(|name| !order.contains(name)).collect::<Vec<_>>(),
        );
        order.join(", ")
    }
}

/// Whether groups are put in an order of which those without a name must not be the first: nobody asks for the
/// costliest model to hear of requests without one.
pub(super) fn ranks_names(spec: &QuerySpec) -> bool {
    let is_ranking = matches!(&spec.order, Some(Order { by: OrderBy::Measure(_) | OrderBy::Change, .. }));
    is_ranking && spec.grain().is_none() && spec.dimensions.first().is_some_and(|dimension| !dimension.is_cyclic())
}

/// Whether roll-ups know where a window begins and ends.
const fn covers_whole(window: &Window, width_us: i64, now_us: i64) -> bool {
    window.from_us % width_us == 0 && (window.to_us % width_us == 0 || window.to_us >= now_us)
}

fn group_by(dimensions: usize) -> String {
    if dimensions == 0 {
        return String::new();
    }
    let places: Vec<_> = (1..=dimensions).map(|place| place.to_string()).collect();
    format!(" GROUP BY {}", places.join(", "))
}

const fn sign(op: BoundOp) -> &'static str {
    match op {
        BoundOp::Above => ">",
        BoundOp::AtLeast => ">=",
        BoundOp::Below => "<",
        BoundOp::AtMost => "<=",
        BoundOp::Equal => "=",
    }
}

/// Whether a view's rows lie in time.
const fn is_timed(view: View) -> bool {
    !matches!(view, View::Budgets)
}

#[cfg(test)]
pub(super) mod tests;
