//! What "now" is, and where: every date of a question is reckoned from here.

use jiff::tz::TimeZone;

use crate::domain::Timestamp;

/// The moment and the time zone that a question is asked in.
#[derive(Clone, Debug)]
pub struct Clock {
    /// The moment that "now" means.
    pub now: Timestamp,
    /// Whose midnights days begin at.
    pub zone: TimeZone,
}

impl Clock {
    /// A clock that stands at `now`, in UTC.
    pub const fn utc(now: Timestamp) -> Self {
        Self { now, zone: TimeZone::UTC }
    }
}
