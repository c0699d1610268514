//! A circuit breaker that is not closed, as it outlives the process.

use super::Timestamp;

/// A provider's model that failed too often in a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenBreaker {
    /// Provider id.
    pub provider: String,
    /// Its model; `""` for paths that name none.
    pub model: String,
    /// Until when nothing is sent there; after that one request probes it.
    pub open_until: Timestamp,
    /// Failures in a row.
    pub failures: u32,
}
