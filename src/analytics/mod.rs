//! Sums, series and lists over the history, in the shapes that the API sends.
//!
//! Reads roll-ups, never prompts; decides no access.

mod listing;
mod measured;
mod record_view;
mod series;
mod stats;

pub use listing::{ProjectView, RequesterView, projects, requesters};
pub use measured::{MEASURED_DAYS, Measured, Measurements, measurements};
pub use record_view::{AttemptView, FindingView, RecordView};
pub use series::{Grain, Series, SeriesGroup, SeriesPoint, SeriesQuery, series};
pub use stats::{FindingStats, GroupStats, Measures, Stats, stats};
