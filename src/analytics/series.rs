//! Measures over time.

use std::{cmp::Reverse, collections::BTreeMap, iter::successors};

use jiff::{RoundMode, ToSpan as _, Unit, Zoned, ZonedRound, tz::TimeZone};
use serde::Serialize;
use utoipa::ToSchema;

use super::stats::Measures;
use crate::{
    domain::Timestamp,
    store::{Aggregate, Dimension, History, StatsFilter, StoreError, Width},
};

/// Lines that are kept apart.
const LINES: usize = 8;
/// Most points in a line.
const MOST_POINTS: usize = 1_500;

/// The width of one point. Days, weeks (from Monday) and months begin at midnight of the asked time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// Fifteen minutes.
    Quarter,
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A week.
    Week,
    /// A month.
    Month,
}

impl Grain {
    /// Every grain, the finest first.
    pub const ALL: [Self; 5] = [Self::Quarter, Self::Hour, Self::Day, Self::Week, Self::Month];

    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quarter => "quarter",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// Reads the name back.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Quarter, Self::Hour, Self::Day, Self::Week, Self::Month].into_iter().find(|grain| grain.as_str() == text)
    }
}

/// What to draw.
#[derive(Clone, Debug)]
pub struct SeriesQuery {
    /// Which requests. Without `from` the series begins at the first one, without `to` it ends now.
    pub filter: StatsFilter,
    /// The width of one point.
    pub grain: Grain,
    /// Where days, weeks and months begin.
    pub tz: TimeZone,
    /// One line for each value of this; the eight largest are kept apart, the rest is `other`.
    pub group_by: Option<Dimension>,
}

/// `GET /v1/stats/series`
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Series {
    /// The width of one point; wider than asked where there would be too many.
    pub grain: &'static str,
    /// The IANA name of the time zone.
    pub tz: String,
    /// What the groups are values of.
    pub group_by: Option<&'static str>,
    /// The beginning of each point, without gaps, by time.
    #[schema(value_type = Vec<String>)]
    pub starts: Vec<Timestamp>,
    /// One line per group, the largest cost first; exactly one without `group_by`.
    pub groups: Vec<SeriesGroup>,
}

/// One line of a series.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SeriesGroup {
    /// The group's value; `null` where requests have none, and without `group_by`.
    pub name: Option<String>,
    /// True for the line that sums up all groups that are not listed.
    pub other: bool,
    /// One point for each of `starts`.
    pub points: Vec<SeriesPoint>,
}

/// One point of a line.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SeriesPoint {
    /// The beginning.
    #[schema(value_type = String, format = DateTime)]
    pub start: Timestamp,
    /// The sums.
    #[serde(flatten)]
    pub measures: Measures,
}

/// The series that `query` asks for; points without requests are there too. Where there would
/// be more than 1,500 points the grain is widened, and the answer says so.
///
/// # Errors
/// When the database fails.
pub async fn series(history: &History, query: &SeriesQuery) -> Result<Series, StoreError> {
    let oldest = match query.filter.from {
        Some(from) => Some(from),
        None => history.first_quarter().await?.map(seconds),
    };
    let to = query.filter.to.unwrap_or_else(Timestamp::now);
    let (grain, mut starts) = oldest.map_or((query.grain, Vec::new()), |from| axis(query, from, to));
    let periods = history.periods(&query.filter, query.group_by, widest(&starts)).await?;
    if query.filter.from.is_none() {
        // The line begins at the first request that the filter lets pass.
        let first = periods.first().map(|(at, ..)| seconds(*at));
        let before =
            first.map_or(starts.len(), |first| starts.partition_point(|start| *start <= first).saturating_sub(1));
        starts.drain(..before);
    }

    let mut lines: BTreeMap<String, Vec<Aggregate>> = BTreeMap::new();
    if query.group_by.is_none() {
        lines.insert(String::new(), empty_line(&starts));
    }
    for (at, name, sum) in periods {
        let after = starts.partition_point(|start| start.unix_secs() <= at);
        let line = lines.entry(name).or_insert_with(|| empty_line(&starts));
        if let Some(point) = after.checked_sub(1).and_then(|place| line.get_mut(place)) {
            point.merge(&sum);
        }
    }
    Ok(Series {
        grain: grain.as_str(),
        tz: query.tz.iana_name().unwrap_or("UTC").to_owned(),
        group_by: query.group_by.map(Dimension::as_str),
        groups: largest_apart(lines).into_iter().map(|line| line.into_group(&starts)).collect(),
        starts,
    })
}

/// One line before it is shown.
struct Line {
    name: Option<String>,
    other: bool,
    points: Vec<Aggregate>,
}

impl Line {
    fn into_group(self, starts: &[Timestamp]) -> SeriesGroup {
        let point =
            |(start, sum): (&Timestamp, &Aggregate)| SeriesPoint { start: *start, measures: Measures::from(sum) };
        SeriesGroup { name: self.name, other: self.other, points: starts.iter().zip(&self.points).map(point).collect() }
    }
}

fn empty_line(starts: &[Timestamp]) -> Vec<Aggregate> {
    vec![Aggregate::default(); starts.len()]
}

/// Keeps the lines that cost most (then: that have most requests) and adds the rest up.
fn largest_apart(lines: BTreeMap<String, Vec<Aggregate>>) -> Vec<Line> {
    let mut lines: Vec<_> = lines.into_iter().collect();
    lines.sort_by_cached_key(|(_, points)| {
        let total = |pick: fn(&Aggregate) -> i64| points.iter().map(pick).fold(0, i64::saturating_add);
        Reverse((total(|sum| sum.cost_microcents), total(|sum| sum.requests.cast_signed())))
    });
    let rest = lines.split_off(lines.len().min(LINES));
    let mut shown: Vec<_> = lines
        .into_iter()
        .map(|(name, points)| Line { name: Some(name).filter(|name| !name.is_empty()), other: false, points })
        .collect();
    let mut rest = rest.into_iter().map(|(_, points)| points);
    if let Some(mut points) = rest.next() {
        for line in rest {
            points.iter_mut().zip(&line).for_each(|(sum, point)| sum.merge(point));
        }
        shown.push(Line { name: None, other: true, points });
    }
    shown
}

/// The widest periods that lie whole between any two of the points.
fn widest(starts: &[Timestamp]) -> Width {
    let all_at = |secs: i64| starts.iter().all(|start| start.unix_secs() % secs == 0);
    if all_at(24 * 60 * 60) {
        Width::Day
    } else if all_at(60 * 60) {
        Width::Hour
    } else {
        Width::Quarter
    }
}

/// The beginnings of all points in a time, in the finest grain that is asked for and not too fine.
fn axis(query: &SeriesQuery, from: Timestamp, to: Timestamp) -> (Grain, Vec<Timestamp>) {
    let coarser = Grain::ALL.into_iter().skip_while(|grain| *grain != query.grain);
    let mut found = (query.grain, Vec::new());
    for grain in coarser {
        found = (grain, starts(grain, &query.tz, from, to));
        if found.1.len() <= MOST_POINTS {
            break;
        }
    }
    found
}

/// The beginnings of the points that cover `from` to `to`, at most one more than [`MOST_POINTS`].
fn starts(grain: Grain, tz: &TimeZone, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
    let first =
        jiff::Timestamp::from_microsecond(from.unix_us).ok().and_then(|from| floor(grain, &from.to_zoned(tz.clone())));
    successors(first, |start| next(grain, start))
        .map(|start| Timestamp { unix_us: start.timestamp().as_microsecond() })
        .take_while(|start| *start < to)
        .take(MOST_POINTS + 1)
        .collect()
}

/// The beginning of the point that a moment falls into; `None` at the ends of the calendar.
fn floor(grain: Grain, at: &Zoned) -> Option<Zoned> {
    let down_to =
        |unit, increment| at.round(ZonedRound::new().smallest(unit).increment(increment).mode(RoundMode::Floor)).ok();
    match grain {
        Grain::Quarter => down_to(Unit::Minute, 15),
        Grain::Hour => down_to(Unit::Hour, 1),
        Grain::Day => at.start_of_day().ok(),
        Grain::Week => {
            let days = i64::from(at.weekday().to_monday_zero_offset());
            at.checked_sub(days.days()).ok()?.start_of_day().ok()
        }
        Grain::Month => at.first_of_month().ok()?.start_of_day().ok(),
    }
}

/// The beginning of the next point. Days are of the calendar, so they may have 23 or 25 hours.
fn next(grain: Grain, start: &Zoned) -> Option<Zoned> {
    match grain {
        Grain::Quarter => start.checked_add(15.minutes()).ok(),
        Grain::Hour => start.checked_add(1.hour()).ok(),
        Grain::Day => start.checked_add(1.day()).ok()?.start_of_day().ok(),
        Grain::Week => start.checked_add(1.week()).ok()?.start_of_day().ok(),
        Grain::Month => start.checked_add(1.month()).ok()?.start_of_day().ok(),
    }
}

fn seconds(unix_secs: i64) -> Timestamp {
    Timestamp { unix_us: unix_secs.saturating_mul(1_000_000) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis_of(grain: Grain, tz: &str, from: &str, to: &str) -> Vec<String> {
        let tz = TimeZone::get(tz).unwrap();
        let (from, to) = (Timestamp::parse(from).unwrap(), Timestamp::parse(to).unwrap());
        starts(grain, &tz, from, to).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn points_begin_where_the_calendar_says() {
        let (from, to) = ("2026-03-28T22:50:00Z", "2026-03-30T23:00:00Z");
        assert_eq!(
            axis_of(Grain::Day, "Europe/Berlin", from, to),
            [
                "2026-03-27T23:00:00.000Z",
                "2026-03-28T23:00:00.000Z",
                "2026-03-29T22:00:00.000Z",
                "2026-03-30T22:00:00.000Z"
            ],
            "the day of the clock change has 23 hours"
        );
        assert_eq!(
            axis_of(Grain::Week, "UTC", from, to),
            ["2026-03-23T00:00:00.000Z", "2026-03-30T00:00:00.000Z"],
            "weeks begin on Monday"
        );
        assert_eq!(axis_of(Grain::Month, "UTC", from, "2026-05-01T00:00:00Z").len(), 2, "the end is not part of it");
        assert_eq!(
            axis_of(Grain::Hour, "Asia/Kolkata", "2026-01-01T00:10:00Z", "2026-01-01T01:00:00Z"),
            ["2025-12-31T23:30:00.000Z", "2026-01-01T00:30:00.000Z"]
        );
        assert_eq!(
            axis_of(Grain::Quarter, "UTC", "2026-01-01T00:14:59Z", "2026-01-01T00:30:00Z"),
            ["2026-01-01T00:00:00.000Z", "2026-01-01T00:15:00.000Z"]
        );
        assert!(axis_of(Grain::Day, "UTC", to, from).is_empty());
    }

    #[test]
    fn hours_that_come_twice_are_two_points() {
        let found = axis_of(Grain::Hour, "America/New_York", "2026-11-01T04:00:00Z", "2026-11-01T08:00:00Z");
        assert_eq!(found.len(), 4, "{found:?}");
    }
}
