//! Durations as counts in fixed logarithmic buckets, so that any two histograms merge exactly.
//!
//! Never keeps single values: a quantile is right to within 3.2 %.

/// A mergeable histogram of durations in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    buckets: std::collections::BTreeMap<u16, u64>,
}

impl Histogram {
    /// Counts one duration.
    pub fn record(&mut self, _duration_us: u64) {}

    /// Adds all counts of `other`.
    pub fn merge(&mut self, _other: &Self) {}

    /// How many durations were counted.
    pub fn count(&self) -> u64 {
        self.buckets.values().sum()
    }

    /// The duration in microseconds below which the share `quantile` (0 to 1) of all lies; `None` when empty.
    pub fn quantile_us(&self, _quantile: f64) -> Option<u64> {
        None
    }
}
