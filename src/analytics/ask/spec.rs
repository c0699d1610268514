//! The one form of a question: the parser, a model, a page's URL and a chip all fill it, and one compiler reads it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Dimension, Measure, Quantity};

/// Most rows that may be asked for.
pub const LIMIT_MAX: u32 = 1_000;

/// What the rows are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// Records.
    #[default]
    Requests,
    /// Upstream calls of records.
    Attempts,
    /// Incidents.
    Incidents,
    /// Candidates that a routing layer removed, by record.
    RouteSteps,
    /// What the sanitizer found, by record.
    Findings,
    /// What people and programs said of answers.
    Signals,
    /// Budgets in their running period; the window does not matter.
    Budgets,
}

/// A question. Fields that are not sent have their empty value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuerySpec {
    /// What the rows are.
    #[serde(default)]
    pub view: View,
    /// What is measured; empty only with `rows`.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub measures: Vec<Measure>,
    /// What the rows are grouped by; a time grain among them makes a series.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub dimensions: Vec<Dimension>,
    /// All must hold.
    #[serde(default)]
    pub filters: Vec<Filter>,
    /// Bounds on single rows ("requests over 50k input tokens"); all must hold.
    #[serde(default)]
    pub row_bounds: Vec<Bound>,
    /// Bounds on groups ("projects that spent more than $100"); all must hold.
    #[serde(default)]
    pub having: Vec<Bound>,
    /// When.
    pub window: Window,
    /// The window that this one is set against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compare: Option<Compare>,
    /// The order of rows; a series is in the order of time. `None` is by the first measure, largest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// Most rows; with a grain and another dimension, most series. `None` is all, up to [`LIMIT_MAX`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The first row is the answer ("which model …"), the others are runners-up.
    #[serde(default)]
    pub first: bool,
    /// As a share of the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
    /// A series adds up from its beginning.
    #[serde(default)]
    pub cumulative: bool,
    /// The rows themselves instead of sums over them, newest first unless `order` says otherwise.
    #[serde(default)]
    pub rows: bool,
    /// What changed between `compare` and `window`: contributions by model, project and requester.
    #[serde(default)]
    pub drivers: bool,
}

/// Which rows, by the value of a dimension.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// What is looked at.
    #[schema(value_type = String)]
    pub dimension: Dimension,
    /// How.
    #[serde(default)]
    pub op: FilterOp,
    /// Any of these; `""` is "not set".
    pub values: Vec<String>,
    /// The rows that do not fit; those without a value are among them, unless `""` is in `values`.
    #[serde(default)]
    pub negated: bool,
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FilterOp {
    /// It is one of the values.
    #[default]
    OneOf,
    /// It contains one of the values, whatever the case.
    Contains,
}

/// A bound on a number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// Of what; in `row_bounds` a quantity that single rows have, as such.
    #[schema(value_type = String)]
    pub measure: Measure,
    /// How.
    pub op: BoundOp,
    /// In the unit of the measure's quantity: USD, milliseconds, a share of 1 …
    pub value: f64,
}

/// How numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BoundOp {
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `=`
    Equal,
}

/// A half-open span of time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Its first microsecond since the Unix epoch; 0 for all that was ever recorded.
    pub from_us: i64,
    /// The first microsecond after it.
    pub to_us: i64,
    /// What to call it: `last month`, `2026-10-01 to 2026-10-31`.
    #[serde(default)]
    pub label: String,
    /// Nobody asked for it.
    #[serde(default)]
    pub assumed: bool,
}

/// What a window is set against.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Compare {
    /// How it was chosen.
    pub kind: CompareKind,
    /// Its first microsecond.
    pub from_us: i64,
    /// The first microsecond after it.
    pub to_us: i64,
    /// What to call it.
    #[serde(default)]
    pub label: String,
}

/// How the window that another is set against was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CompareKind {
    /// The same length, or the calendar unit, just before.
    Previous,
    /// The part of the previous unit that had elapsed at the same point.
    SameElapsed,
    /// It was named.
    Named,
}

/// The order of rows. Ties are in the order of names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// By what.
    pub by: OrderBy,
    /// Largest or newest first.
    pub descending: bool,
}

/// What rows are ordered by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderBy {
    /// A measure; with `rows` a quantity that single rows have.
    #[schema(value_type = String)]
    Measure(Measure),
    /// A dimension's values.
    #[schema(value_type = String)]
    Dimension(Dimension),
    /// When it was.
    Time,
    /// The difference of the first measure to `compare`.
    Change,
}

/// A share. With dimensions each group's of the whole, as it is before any limit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Hold for the part and not for the whole ("what share of spend goes to openai"). With dimensions the whole is
    /// each group's own.
    #[serde(default)]
    pub part: Vec<Filter>,
    /// Bounds on single rows that hold for the part and not for the whole ("what share of requests took over 10 s").
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bounds: Vec<Bound>,
}

impl Share {
    /// Whether it is the share of a part, and not that of each group in all of them.
    pub fn has_part(&self) -> bool {
        !self.part.is_empty() || !self.bounds.is_empty()
    }
}

/// Why a spec cannot be asked. The texts name what there is instead, so that a model can mend its own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// A measure belongs to other rows.
    #[error("the measure {measure} is not in the view {view}; it is in {right}", view = view_name(*view), right = view_name(*right))]
    MeasureView {
        /// The measure.
        measure: String,
        /// The view of the spec.
        view: View,
        /// The view that has it.
        right: View,
    },
    /// A view does not have the dimension.
    #[error("the view {view} has no dimension {dimension}; it has {has}", view = view_name(*view))]
    DimensionView {
        /// The dimension.
        dimension: String,
        /// The view of the spec.
        view: View,
        /// What it has, by commas.
        has: String,
    },
    /// Two parts do not fit together, or one is missing.
    #[error("{0}")]
    Unfit(&'static str),
}

fn view_name(view: View) -> &'static str {
    match view {
        View::Requests => "requests",
        View::Attempts => "attempts",
        View::Incidents => "incidents",
        View::RouteSteps => "route_steps",
        View::Findings => "findings",
        View::Signals => "signals",
        View::Budgets => "budgets",
    }
}

impl View {
    /// The stable name.
    pub fn as_str(self) -> &'static str {
        view_name(self)
    }
}

impl QuerySpec {
    /// One measure over a window.
    pub fn of(measure: Measure, window: Window) -> Self {
        Self {
            view: measure.quantity.view(),
            measures: vec![measure],
            dimensions: Vec::new(),
            filters: Vec::new(),
            row_bounds: Vec::new(),
            having: Vec::new(),
            window,
            compare: None,
            order: None,
            limit: None,
            first: false,
            share: None,
            cumulative: false,
            rows: false,
            drivers: false,
        }
    }

    /// The grain of a series, if it is one.
    pub fn grain(&self) -> Option<&Dimension> {
        self.dimensions.iter().find(|dimension| dimension.is_grain())
    }

    /// Checks that the parts fit together; whoever compiles a spec may rely on it.
    ///
    /// # Errors
    /// When a measure or dimension is not of the view, or parts exclude each other.
    pub fn check(&self) -> Result<(), SpecError> {
        let ordered = self.order.iter().filter_map(|order| match &order.by {
            OrderBy::Measure(measure) => Some(measure),
            _ => None,
        });
        let of_part = self.share.iter().flat_map(|share| &share.bounds);
        let bounds = self.having.iter().chain(&self.row_bounds).chain(of_part).map(|bound| &bound.measure);
        for measure in self.measures.iter().chain(ordered).chain(bounds) {
            if measure.quantity.view() != self.view {
                return Err(SpecError::MeasureView {
                    measure: measure.to_string(),
                    view: self.view,
                    right: measure.quantity.view(),
                });
            }
        }
        let ordered = self.order.iter().filter_map(|order| match &order.by {
            OrderBy::Dimension(dimension) => Some(dimension),
            _ => None,
        });
        let parts = self.share.iter().flat_map(|share| &share.part);
        let filtered = self.filters.iter().chain(parts).map(|filter| &filter.dimension);
        for dimension in self.dimensions.iter().chain(ordered).chain(filtered) {
            if !dimension.is_in(self.view) {
                let has = Dimension::ALL.iter().filter(|other| other.is_in(self.view));
                return Err(SpecError::DimensionView {
                    dimension: dimension.to_string(),
                    view: self.view,
                    has: has.map(Dimension::as_str).collect::<Vec<_>>().join(", "),
                });
            }
        }
        let unfit = self.unfit();
        unfit.map_or(Ok(()), |why| Err(SpecError::Unfit(why)))
    }

    fn unfit(&self) -> Option<&'static str> {
        let is_of_rows = |measure: &Measure| measure.quantity.is_of_rows();
        let orders_by = |by: &OrderBy| self.order.as_ref().is_some_and(|order| order.by == *by);
        let is_repeated = self
            .dimensions
            .iter()
            .enumerate()
            .any(|(at, dimension)| self.dimensions.iter().skip(at + 1).any(|other| other == dimension));
        let is_asked_plainly = self.measures.iter().chain(self.having.iter().map(|bound| &bound.measure));
        let of_part = || self.share.iter().flat_map(|share| &share.bounds);
        let rules = [
            (
                is_asked_plainly.clone().any(|measure| !measure.is_valid()),
                "a measure needs a statistic that it has, such as latency_mean or latency_p95",
            ),
            (!self.rows && self.measures.is_empty(), "name at least one measure, or ask for rows"),
            (self.rows && !self.dimensions.is_empty(), "rows are not grouped: leave dimensions empty"),
            (self.measures.len() > 8, "at most 8 measures"),
            (self.dimensions.len() > 3, "at most 3 dimensions"),
            (self.filters.len() > 32, "at most 32 filters"),
            (self.row_bounds.len() + self.having.len() + of_part().count() > 16, "at most 16 bounds"),
            (is_repeated, "a dimension stands twice"),
            (self.dimensions.iter().filter(|dimension| dimension.is_grain()).count() > 1, "at most one time grain"),
            (self.window.from_us >= self.window.to_us, "the window is empty: from_us must lie before to_us"),
            (
                self.compare.as_ref().is_some_and(|compare| compare.from_us >= compare.to_us),
                "the window to compare with is empty",
            ),
            (!self.having.is_empty() && (self.rows || self.dimensions.is_empty()), "having needs a dimension"),
            (
                self.row_bounds.iter().chain(of_part()).any(|bound| !is_of_rows(&bound.measure)),
                "a row bound needs a quantity that single rows have",
            ),
            (
                self.having.iter().chain(&self.row_bounds).chain(of_part()).any(|bound| !bound.value.is_finite()),
                "a bound is not a number",
            ),
            (self.limit.is_some_and(|limit| limit == 0 || limit > LIMIT_MAX), "limit is from 1 to 1000"),
            (self.cumulative && self.grain().is_none(), "cumulative needs a time grain"),
            (self.drivers && self.compare.is_none(), "drivers need a window to compare with"),
            (
                orders_by(&OrderBy::Change) && self.compare.is_none(),
                "the order by change needs a window to compare with",
            ),
            (
                self.filters.iter().chain(self.share.iter().flat_map(|share| &share.part)).any(|f| f.values.is_empty()),
                "a filter needs a value",
            ),
            (
                self.share.as_ref().is_some_and(|share| !share.has_part() && self.dimensions.is_empty()),
                "a share needs a part or a dimension",
            ),
            (
                self.measures.iter().any(|measure| measure.quantity == Quantity::Projection) && self.grain().is_some(),
                "a projection has no series",
            ),
        ];
        rules.into_iter().find_map(|(is_wrong, why)| is_wrong.then_some(why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_is_the_same_after_json_and_unknown_fields_are_refused() {
        let text = r#"{"measures":["cost","latency_p95"],"dimensions":["tag:env","week"],
            "filters":[{"dimension":"provider","values":["north"],"negated":true}],
            "window":{"from_us":0,"to_us":5},"order":{"by":{"measure":"latency_p95"},"descending":false}}"#;
        let spec: QuerySpec = serde_json::from_str(text).unwrap();
        assert_eq!(spec.check(), Ok(()));
        assert_eq!(serde_json::from_str::<QuerySpec>(&serde_json::to_string(&spec).unwrap()).unwrap(), spec);
        assert!(serde_json::from_str::<QuerySpec>(&text.replace("\"order\"", "\"sort\"")).is_err());
        assert!(serde_json::from_str::<QuerySpec>(&text.replace("latency_p95", "slowness")).is_err());
        let plain: QuerySpec = serde_json::from_str(&text.replace("latency_p95", "latency")).unwrap();
        assert!(plain.check().is_err());
    }

    #[test]
    fn what_does_not_fit_together_is_named() {
        let window = Window { from_us: 0, to_us: 1, label: String::new(), assumed: false };
        let mut spec = QuerySpec::of(Measure::total(Quantity::Incidents), window);
        spec.dimensions = vec![Dimension::Team];
        let error = spec.check().unwrap_err().to_string();
        assert!(error.starts_with("the view incidents has no dimension team; it has provider"), "{error}");
        spec.dimensions.clear();
        spec.measures.push(Measure::total(Quantity::Cost));
        assert!(matches!(spec.check(), Err(SpecError::MeasureView { right: View::Requests, .. })));
    }
}
