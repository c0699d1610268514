//! What another policy would have changed, as the API shows it.
//!
//! Sums of what is known, with the number of requests of which it is not.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::Timestamp;

/// What rules would have made of past requests.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = RouteReplay)]
pub struct ReplayView {
    /// Whether every request of the window was looked at. If not, it was ended for time, and `reached` says where.
    pub complete: bool,
    /// The start of the oldest request that was looked at; they are taken newest first.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub reached: Option<Timestamp>,
    /// Requests that fit the filters.
    pub requests: u64,
    /// Of these, decided anew.
    pub replayed: u64,
    /// Without a routing trace: refused before they were routed, or of before traces were kept.
    pub without_trace: u64,
    /// With a trace of another version of the gateway.
    pub unreadable: u64,
    /// Answered by the cache, which no routing would have changed.
    pub cache_hits: u64,
    /// Whose first target is the same.
    pub stayed: u64,
    /// Whose first target is another one, those counted in that are now refused or now served.
    pub moved: u64,
    /// Of the moved, those that had a target and would have none.
    pub now_refused: u64,
    /// Of the moved, those that had none and would have one.
    pub now_served: u64,
    /// From where to where, the most frequent first, at most 100.
    pub moves: Vec<MoveView>,
    /// Moved requests that are in none of these.
    pub more_moved: u64,
    /// What they would have cost.
    pub cost: CostDifference,
    /// How long they would have taken.
    pub latency: LatencyDifference,
}

/// Requests that would have gone elsewhere first.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RouteMove)]
pub struct MoveView {
    /// Where they went first; `null` for nowhere.
    pub from: Option<TargetView>,
    /// Where they would have gone first; `null` for nowhere.
    pub to: Option<TargetView>,
    /// How many.
    pub requests: u64,
    /// What they would have cost.
    pub cost: CostDifference,
    /// How long they would have taken.
    pub latency: LatencyDifference,
}

/// A provider's model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[schema(as = RouteTarget)]
pub struct TargetView {
    /// Provider id.
    pub provider: String,
    /// The model that is asked for.
    pub model: Option<String>,
}

/// Costs in microcents. Before is what was recorded; after is the recorded tokens at the new target's price of that
/// day, or what was recorded where nothing moved.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
#[schema(as = RouteCostDifference)]
pub struct CostDifference {
    /// Requests of which both are known; the sums are over these.
    pub known: u64,
    /// Requests of which either is unknown; they are in no sum.
    pub unknown: u64,
    /// Sum before.
    pub before_microcents: i64,
    /// Sum after.
    pub after_microcents: i64,
    /// After less before.
    pub difference_microcents: i64,
}

/// Latencies in milliseconds. Before is what was recorded; after is the mean that was measured of the new target's
/// successful requests in the window, or what was recorded where nothing moved.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
#[schema(as = RouteLatencyDifference)]
pub struct LatencyDifference {
    /// Requests of which both are known; the means are over these.
    pub known: u64,
    /// Requests of which either is unknown: nobody has measured the new target. They are in no mean.
    pub unknown: u64,
    /// Mean before.
    pub before_ms: Option<f64>,
    /// Mean after.
    pub after_ms: Option<f64>,
    /// After less before.
    pub difference_ms: Option<f64>,
}

/// Sums in the making.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Difference {
    known: u64,
    unknown: u64,
    before: i64,
    after: i64,
}

impl Difference {
    /// Adds one request: what it was and what it would be.
    pub(super) fn add(&mut self, before: Option<i64>, after: Option<i64>) {
        match before.zip(after) {
            Some((before, after)) => {
                self.known += 1;
                self.before = self.before.saturating_add(before);
                self.after = self.after.saturating_add(after);
            }
            None => self.unknown += 1,
        }
    }

    /// Sums of microcents.
    pub(super) const fn cost(self) -> CostDifference {
        CostDifference {
            known: self.known,
            unknown: self.unknown,
            before_microcents: self.before,
            after_microcents: self.after,
            difference_microcents: self.after.saturating_sub(self.before),
        }
    }

    /// Means of microseconds.
    pub(super) fn latency(self) -> LatencyDifference {
        #[expect(clippy::cast_precision_loss, reason = "a mean needs no more than some digits")]
        let mean = |sum: i64| (self.known > 0).then(|| sum as f64 / self.known as f64 / 1e3);
        LatencyDifference {
            known: self.known,
            unknown: self.unknown,
            before_ms: mean(self.before),
            after_ms: mean(self.after),
            difference_ms: mean(self.after.saturating_sub(self.before)),
        }
    }
}
