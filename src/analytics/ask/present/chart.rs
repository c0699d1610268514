//! Which picture fits a result.

use serde::Serialize;
use utoipa::ToSchema;

use crate::analytics::ask::{QuerySpec, Share, compile::ColumnKind, run::Ran};

/// A picture of the rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AskChart)]
pub struct Chart {
    /// Which.
    pub kind: ChartKind,
    /// The column along the axis; `null` for a single number.
    pub x: Option<String>,
    /// The column that tells series apart.
    pub series: Option<String>,
    /// The columns that are drawn.
    pub y: Vec<String>,
}

/// Kinds of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AskChartKind)]
pub enum ChartKind {
    /// One number.
    Number,
    /// Lines over time.
    Line,
    /// Series over time, one on top of the other.
    Stacked,
    /// Horizontal bars, the first row on top.
    Bars,
    /// The same, two a row: now and before.
    PairedBars,
    /// One bar of 100 %.
    ShareBar,
    /// Two dimensions, colour for the number.
    Heat,
}

/// The picture of a result; none of a list, and none of fewer than two points.
pub(super) fn of(spec: &QuerySpec, ran: &Ran) -> Option<Chart> {
    let name = |place: usize| ran.query.columns.get(place).map(|column| column.name.clone());
    let first = |fits: &dyn Fn(&ColumnKind) -> bool| ran.place(fits).and_then(name);
    let measure = first(&|kind| matches!(kind, ColumnKind::Measure(_)));
    let share = first(&|kind| matches!(kind, ColumnKind::Share(_)));
    let drawn = share.clone().or_else(|| measure.clone())?;
    let before = first(&|kind| matches!(kind, ColumnKind::Previous(_)));
    let additive = spec.measures.first().is_some_and(|measure| measure.is_additive());
    let of_part = spec.share.as_ref().is_some_and(Share::has_part);
    let chart =
        |kind: ChartKind, x: Option<String>, series: Option<String>, y: Vec<String>| Some(Chart { kind, x, series, y });
    if spec.rows {
        return None;
    }
    if spec.drivers {
        return chart(ChartKind::Bars, Some("name".to_owned()), Some("part".to_owned()), vec!["change".to_owned()]);
    }
    if spec.dimensions.is_empty() {
        return (!ran.rows.rows.is_empty()).then(|| Chart {
            kind: ChartKind::Number,
            x: None,
            series: None,
            y: vec![drawn],
        });
    }
    if ran.rows.rows.len() < 2 {
        return None;
    }
    if let Some(grain) = spec.grain() {
        let x = ran.place_of(grain).and_then(name);
        let series = spec.dimensions.iter().find(|one| *one != grain).and_then(|one| ran.place_of(one)).and_then(name);
        let kind = if series.is_some() && additive && before.is_none() && !of_part {
            ChartKind::Stacked
        } else {
            ChartKind::Line
        };
        return chart(kind, x, series, std::iter::once(drawn).chain(before).collect());
    }
    let x = spec.dimensions.first().and_then(|one| ran.place_of(one)).and_then(name);
    match spec.dimensions.len() {
        1 if share.is_some() && !of_part => chart(ChartKind::ShareBar, x, None, vec![drawn]),
        1 if before.is_some() => chart(ChartKind::PairedBars, x, None, std::iter::once(drawn).chain(before).collect()),
        1 => chart(ChartKind::Bars, x, None, vec![drawn]),
        2 => {
            let series = spec.dimensions.get(1).and_then(|one| ran.place_of(one)).and_then(name);
            chart(ChartKind::Heat, x, series, vec![drawn])
        }
        _ => None,
    }
}
