//! Sums, series and lists over the history, in the shapes that the API sends.
//!
//! Reads roll-ups, never prompts; decides no access.

pub mod ask;
mod decision_view;
mod incident_view;
mod listing;
mod measured;
mod quality;
mod record_view;
mod replay;
mod replay_view;
mod rerun;
mod route_view;
mod series;
mod stats;

pub use decision_view::DecisionView;
pub use incident_view::{IncidentDetailView, IncidentView};
pub use listing::{RequesterView, SeenProject, projects, requesters};
pub use measured::{MEASURED_DAYS, Measured, Measurements, measurements};
pub use quality::{QualityView, SignalCounts, assess, qualities};
pub use record_view::{AttemptView, FindingView, RecordView};
pub use replay::{Replay, replay};
pub use replay_view::ReplayView;
pub use rerun::{LiveModels, Rerun};
pub use route_view::RouteView;
pub use series::{Grain, Series, SeriesGroup, SeriesPoint, SeriesQuery, series};
pub use stats::{FindingStats, GroupStats, Measures, Stats, stats};
