//! Results by time: without gaps, in the order of time, the series of the largest first.

use std::collections::{BTreeMap, HashMap};

use jiff::{Span, Timestamp, ToSpan as _, Zoned, tz::TimeZone};

use super::{
    Dimension, Measure, QuerySpec, Statistic,
    compile::{Column, ColumnKind, OTHER},
    guard::Value,
    run::Ran,
    sandbox::ROWS_MAX,
};

/// The labels of all pieces of the spec's window, by time; those of before the first row are left out of all time.
pub(super) fn axis(spec: &QuerySpec, grain: &Dimension, first: Option<&str>) -> Vec<String> {
    let from =
        if spec.window.from_us > 0 { at(spec.window.from_us) } else { first.and_then(|first| begin(grain, first)) };
    let (Some(from), Some(to)) = (from, at(spec.window.to_us)) else { return Vec::new() };
    let mut labels = Vec::new();
    let mut start = floor(grain, &from);
    while let Some(at) = start.filter(|at| *at < to) {
        if labels.len() >= ROWS_MAX {
            break;
        }
        labels.push(label(grain, &at));
        start = at.checked_add(step(grain)).ok();
    }
    labels
}

fn at(unix_us: i64) -> Option<Zoned> {
    Timestamp::from_microsecond(unix_us).ok().map(|at| at.to_zoned(TimeZone::UTC))
}

fn step(grain: &Dimension) -> Span {
    match grain {
        Dimension::Hour => 1.hour(),
        Dimension::Week => 7.days(),
        Dimension::Month => 1.month(),
        Dimension::Quarter => 3.months(),
        Dimension::Year => 1.year(),
        _ => 1.day(),
    }
}

/// The beginning of the piece that a moment falls into.
pub(super) fn floor(grain: &Dimension, at: &Zoned) -> Option<Zoned> {
    let day = at.start_of_day().ok()?;
    match grain {
        Dimension::Hour => day.checked_add(i64::from(at.hour()).hours()).ok(),
        Dimension::Week => day.checked_sub(i64::from(at.weekday().to_monday_zero_offset()).days()).ok(),
        Dimension::Month => day.first_of_month().ok(),
        Dimension::Quarter => day.first_of_month().ok()?.checked_sub(i64::from((at.month() - 1) % 3).months()).ok(),
        Dimension::Year => day.first_of_year().ok(),
        _ => Some(day),
    }
}

/// The first moment after the piece that a moment falls into.
pub(super) fn next(grain: &Dimension, at: &Zoned) -> Option<Zoned> {
    floor(grain, at)?.checked_add(step(grain)).ok()
}

fn label(grain: &Dimension, at: &Zoned) -> String {
    match grain {
        Dimension::Hour => at.strftime("%Y-%m-%dT%H:00Z").to_string(),
        Dimension::Month => at.strftime("%Y-%m").to_string(),
        Dimension::Quarter => format!("{}-Q{}", at.year(), (at.month() + 2) / 3),
        Dimension::Year => at.year().to_string(),
        _ => at.strftime("%Y-%m-%d").to_string(),
    }
}

/// The moment that a label names.
pub(super) fn begin(grain: &Dimension, label: &str) -> Option<Zoned> {
    let date = match grain {
        Dimension::Hour => {
            let (day, hour) = label.trim_end_matches(":00Z").split_once('T')?;
            let day: jiff::civil::Date = day.parse().ok()?;
            return day.at(hour.parse().ok()?, 0, 0, 0).to_zoned(TimeZone::UTC).ok();
        }
        Dimension::Month => format!("{label}-01").parse().ok()?,
        Dimension::Quarter => {
            let (year, quarter) = label.split_once("-Q")?;
            jiff::civil::Date::new(year.parse().ok()?, quarter.parse::<i8>().ok()? * 3 - 2, 1).ok()?
        }
        Dimension::Year => jiff::civil::Date::new(label.parse().ok()?, 1, 1).ok()?,
        _ => label.parse().ok()?,
    };
    date.to_zoned(TimeZone::UTC).ok()
}

/// Puts a row for each piece of time, and each series where there are several, in the place of those that are missing:
/// nothing happened then, so sums are 0 and all else is unknown.
pub(super) fn fill(ran: &mut Ran, spec: &QuerySpec, grain: &Dimension) {
    // Groups that a bound left out are not 0.
    if !spec.having.is_empty() {
        return;
    }
    let Some(time) = ran.place_of(grain) else { return };
    let others: Vec<usize> =
        spec.dimensions.iter().filter(|one| *one != grain).filter_map(|one| ran.place_of(one)).collect();
    let first = ran.rows.rows.iter().filter_map(|row| row.get(time).and_then(Value::text)).min().map(str::to_owned);
    let labels = axis(spec, grain, first.as_deref());
    let series = in_order(ran, &others);
    if labels.is_empty() || labels.len() * series.len() > ROWS_MAX {
        return;
    }
    let names = |row: &[Value]| -> Vec<String> {
        others.iter().filter_map(|place| row.get(*place).and_then(Value::text).map(str::to_owned)).collect()
    };
    let mut found: HashMap<(String, Vec<String>), Vec<Value>> = HashMap::new();
    for row in ran.rows.rows.drain(..) {
        let when = row.get(time).and_then(Value::text).unwrap_or_default().to_owned();
        found.insert((when, names(&row)), row);
    }
    let empty = |when: &str, name: &[String]| -> Vec<Value> {
        let mut name = name.iter();
        let each = ran.query.columns.iter().enumerate().map(|(place, column)| match &column.kind {
            ColumnKind::Dimension(_) if place == time => Value::Text(when.to_owned()),
            ColumnKind::Dimension(_) => Value::Text(name.next().cloned().unwrap_or_default()),
            ColumnKind::Measure(measure) if measure.is_additive() => Value::Integer(0),
            ColumnKind::UnknownPrice | ColumnKind::Samples => Value::Integer(0),
            _ => Value::Null,
        });
        each.collect()
    };
    let mut rows = Vec::with_capacity(labels.len() * series.len());
    for when in &labels {
        for name in &series {
            let row = found.remove(&(when.clone(), name.clone()));
            rows.push(row.unwrap_or_else(|| empty(when, name)));
        }
    }
    ran.rows.rows = rows;
}

/// The names of the series, the largest first, all that are not kept apart last.
fn in_order(ran: &Ran, others: &[usize]) -> Vec<Vec<String>> {
    let measure = ran.place(|kind| matches!(kind, ColumnKind::Measure(_)));
    let mut sums: BTreeMap<Vec<String>, f64> = BTreeMap::new();
    for row in &ran.rows.rows {
        let name = others.iter().filter_map(|place| row.get(*place).and_then(Value::text).map(str::to_owned)).collect();
        let value = measure.and_then(|place| row.get(place)).and_then(Value::number).unwrap_or(0.0);
        *sums.entry(name).or_default() += value;
    }
    if sums.is_empty() && others.is_empty() {
        return vec![Vec::new()];
    }
    let mut names: Vec<_> = sums.into_iter().collect();
    names.sort_by(|(one, a), (other, b)| {
        let is_rest = |name: &[String]| name.iter().any(|part| part == OTHER);
        is_rest(one).cmp(&is_rest(other)).then(b.total_cmp(a)).then(one.cmp(other))
    });
    names.into_iter().map(|(name, _)| name).collect()
}

/// The columns that tell the series of one answer apart: all that group, but the one of time.
fn beside(ran: &Ran, time: usize) -> Vec<usize> {
    let groups = |column: &Column| matches!(column.kind, ColumnKind::Dimension(_));
    let columns = ran.query.columns.iter().enumerate();
    columns.filter_map(|(place, column)| (place != time && groups(column)).then_some(place)).collect()
}

/// The series that a row is a point of, by what stands in these columns.
fn series_of(row: &[Value], columns: &[usize]) -> Vec<String> {
    columns.iter().filter_map(|place| row.get(*place)?.text().map(str::to_owned)).collect()
}

/// Adds, of each measure, what it was at the same place of the earlier window.
pub(super) fn set_against(ran: &mut Ran, before: &Ran, spec: &QuerySpec) {
    let Some(time) = spec.grain().and_then(|grain| ran.place_of(grain)) else { return };
    let others = beside(ran, time);
    // The how-many-eth point of its series a row is.
    let numbered = |rows: &[Vec<Value>]| -> Vec<(Vec<String>, usize)> {
        let mut counts: HashMap<Vec<String>, usize> = HashMap::new();
        let each = rows.iter().map(|row| {
            let name = series_of(row, &others);
            let count = counts.entry(name.clone()).or_default();
            *count += 1;
            (name, *count)
        });
        each.collect()
    };
    let earlier: HashMap<_, _> = numbered(&before.rows.rows).into_iter().zip(&before.rows.rows).collect();
    let places = numbered(&ran.rows.rows);
    let measures: Vec<(usize, Column)> = ran
        .query
        .columns
        .iter()
        .cloned()
        .enumerate()
        .filter(|(_, column)| matches!(column.kind, ColumnKind::Measure(_)))
        .collect();
    for (place, column) in measures {
        let ColumnKind::Measure(measure) = column.kind else { continue };
        let name = format!("{measure}_before");
        for (row, key) in ran.rows.rows.iter_mut().zip(&places) {
            row.push(earlier.get(key).and_then(|row| row.get(place)).cloned().unwrap_or(Value::Null));
        }
        ran.rows.columns.push(name.clone());
        ran.query.columns.push(Column { name, kind: ColumnKind::Previous(measure), unit: column.unit });
    }
}

/// Makes each point of a series the sum of all up to it.
pub(super) fn add_up(ran: &mut Ran, spec: &QuerySpec) {
    let Some(time) = spec.grain().and_then(|grain| ran.place_of(grain)) else { return };
    let adds = |measure: &Measure| measure.is_additive() && measure.statistic == Statistic::Total;
    let measured: Vec<usize> = ran
        .query
        .columns
        .iter()
        .enumerate()
        .filter_map(|(place, column)| {
            matches!(&column.kind, ColumnKind::Measure(measure) | ColumnKind::Previous(measure) if adds(measure))
                .then_some(place)
        })
        .collect();
    let named = beside(ran, time);
    let mut sums: HashMap<(Vec<String>, usize), f64> = HashMap::new();
    for row in &mut ran.rows.rows {
        let name = series_of(row, &named);
        for place in &measured {
            let Some(value) = row.get_mut(*place) else { continue };
            let sum = sums.entry((name.clone(), *place)).or_default();
            *sum += value.number().unwrap_or(0.0);
            *value = Value::Real(*sum);
        }
    }
}
