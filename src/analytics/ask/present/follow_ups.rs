//! What to ask next, by rule; and the list of records that means the same as a spec.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::sentence::measure_words;
use crate::analytics::ask::{
    Compare, CompareKind, Dimension, Filter, FilterOp, QuerySpec, View,
    compile::{NONE, OTHER},
    run::Ran,
};

/// How many are offered.
pub(super) const OFFERED: usize = 3;
/// What is broken down by, the most telling first.
const BREAKDOWNS: [Dimension; 5] =
    [Dimension::Model, Dimension::Project, Dimension::Requester, Dimension::Team, Dimension::Provider];

/// Something to ask next.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = AskFollowUp)]
pub struct FollowUp {
    /// In words.
    #[schema(example = "by model")]
    pub text: String,
    /// As a spec.
    pub spec: Box<QuerySpec>,
}

/// The list of records that an answer rests on: query parameters of `GET /v1/records` and of the portal's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AskRecordsLink)]
pub struct RecordsLink {
    /// The parameters.
    pub query: BTreeMap<String, String>,
}

/// What to ask after a spec.
pub(super) fn of(spec: &QuerySpec, ran: &Ran) -> Vec<FollowUp> {
    let mut all = Vec::new();
    let offer = |text: String, spec: QuerySpec| FollowUp { text, spec: Box::new(spec) };
    if spec.rows || spec.view == View::Budgets {
        return all;
    }
    let plain =
        QuerySpec { drivers: false, having: Vec::new(), share: None, order: None, first: false, ..spec.clone() };
    if spec.compare.is_some() && !spec.drivers && spec.grain().is_none() {
        all.push(offer(
            "what changed?".to_owned(),
            QuerySpec { drivers: true, dimensions: Vec::new(), ..plain.clone() },
        ));
    }
    all.extend(winner(&plain, ran));
    let fixed = |dimension: &Dimension| {
        spec.dimensions.contains(dimension)
            || spec
                .filters
                .iter()
                .any(|filter| filter.dimension == *dimension && !filter.negated && filter.values.len() == 1)
    };
    let unused = BREAKDOWNS.iter().find(|dimension| dimension.is_in(spec.view) && !fixed(dimension));
    if let Some(dimension) = unused.filter(|_| spec.dimensions.len() < 2 && !spec.drivers) {
        let mut dimensions = spec.dimensions.clone();
        dimensions.push(dimension.clone());
        let compare = if spec.grain().is_some() { None } else { spec.compare.clone() };
        all.push(offer(
            format!("by {dimension}"),
            QuerySpec { dimensions, compare, cumulative: false, ..plain.clone() },
        ));
    }
    if spec.compare.is_none() && spec.window.from_us > 0 {
        let length = spec.window.to_us - spec.window.from_us;
        let compare = Compare {
            kind: CompareKind::Previous,
            from_us: spec.window.from_us - length,
            to_us: spec.window.from_us,
            label: "the time before".to_owned(),
        };
        all.push(offer("against the time before".to_owned(), QuerySpec { compare: Some(compare), ..plain.clone() }));
    }
    let rows = QuerySpec {
        rows: true,
        measures: Vec::new(),
        dimensions: Vec::new(),
        compare: None,
        cumulative: false,
        limit: None,
        ..plain
    };
    if matches!(spec.view, View::Requests | View::Attempts | View::Incidents) {
        let what = if spec.view == View::Requests { "the requests" } else { "the list" };
        all.push(offer(format!("show me {what}"), rows));
    }
    all.retain(|next| next.spec.check().is_ok());
    all.truncate(OFFERED);
    all
}

/// The first group of a ranking, day by day.
fn winner(spec: &QuerySpec, ran: &Ran) -> Option<FollowUp> {
    let [dimension] = spec.dimensions.as_slice() else { return None };
    if dimension.is_grain() || dimension.is_cyclic() {
        return None;
    }
    let place = ran.place_of(dimension)?;
    let name = ran.rows.rows.first()?.get(place)?.text().filter(|name| *name != NONE && *name != OTHER)?;
    let mut filters: Vec<_> = spec.filters.iter().filter(|filter| filter.dimension != *dimension).cloned().collect();
    filters.push(Filter {
        dimension: dimension.clone(),
        op: FilterOp::OneOf,
        values: vec![name.to_owned()],
        negated: false,
    });
    let measure = spec.measures.first().map(|measure| measure_words(*measure))?;
    let next = QuerySpec { filters, dimensions: vec![Dimension::Day], compare: None, limit: None, ..spec.clone() };
    Some(FollowUp { text: format!("{measure} of {name} day by day"), spec: Box::new(next) })
}

/// The list of records that a spec is about, where that list can be filtered the same.
pub(super) fn records(spec: &QuerySpec) -> Option<RecordsLink> {
    if spec.view != View::Requests || !spec.row_bounds.is_empty() {
        return None;
    }
    let mut query = BTreeMap::new();
    let at =
        |us: i64| jiff::Timestamp::from_microsecond(us).ok().map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    query.insert("from".to_owned(), at(spec.window.from_us)?);
    query.insert("to".to_owned(), at(spec.window.to_us)?);
    for filter in &spec.filters {
        let name = parameter(&filter.dimension)?;
        let [value] = filter.values.as_slice() else { return None };
        let is_plain = filter.op == FilterOp::OneOf && !filter.negated && !value.is_empty();
        if !is_plain || query.insert(name.to_owned(), value.clone()).is_some() {
            return None;
        }
    }
    Some(RecordsLink { query })
}

/// What the list of records calls a dimension.
pub fn parameter(dimension: &Dimension) -> Option<&'static str> {
    Some(match dimension {
        Dimension::Project => "project",
        Dimension::Requester => "source",
        Dimension::Team => "team",
        Dimension::Provider => "provider",
        Dimension::Model => "model",
        Dimension::Profile => "profile",
        Dimension::ClientApi => "client_api",
        Dimension::Endpoint => "endpoint",
        Dimension::Outcome => "outcome",
        Dimension::ErrorKind => "error_kind",
        Dimension::Cache => "cache",
        Dimension::Session => "session_id",
        Dimension::ModelRequested => "model_requested",
        Dimension::FindingKind => "finding_kind",
        _ => return None,
    })
}
