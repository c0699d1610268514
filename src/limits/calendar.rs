//! When a budget begins anew: days, weeks and months of a time zone, as pure arithmetic.

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};

use crate::config::{BudgetPeriod, BudgetTerms};

/// A kind of day, week or month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Calendar {
    period: BudgetPeriod,
    zone_name: String,
    zone: TimeZone,
}

/// One day, week or month, in microseconds since the Unix epoch; the end is not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Its beginning.
    pub start_us: i64,
    /// The beginning of the next one.
    pub end_us: i64,
}

impl Calendar {
    /// That of a budget. The time zone's name was checked; one that is gone from the data is UTC.
    pub(super) fn of(terms: &BudgetTerms) -> Self {
        let zone = TimeZone::get(&terms.time_zone).unwrap_or(TimeZone::UTC);
        Self { period: terms.period, zone_name: terms.time_zone.clone(), zone }
    }

    /// Whether a budget goes by it.
    pub(super) fn is_of(&self, terms: &BudgetTerms) -> bool {
        (self.period, &self.zone_name) == (terms.period, &terms.time_zone)
    }

    /// The one that a moment is in. Where the zone skips midnight, a day begins with its first moment.
    pub(super) fn span(&self, at_us: i64) -> Span {
        self.checked_span(at_us).unwrap_or(Span { start_us: at_us, end_us: i64::MAX })
    }

    /// `None` beyond the years that dates are made for.
    fn checked_span(&self, at_us: i64) -> Option<Span> {
        let day = Timestamp::from_microsecond(at_us).ok()?.to_zoned(self.zone.clone()).date();
        let (first, next) = match self.period {
            BudgetPeriod::Day => (day, day.checked_add(1.day()).ok()?),
            BudgetPeriod::Week => {
                let since_monday = i64::from(day.weekday().to_monday_zero_offset());
                let monday = day.checked_sub(since_monday.days()).ok()?;
                (monday, monday.checked_add(7.days()).ok()?)
            }
            BudgetPeriod::Month => (day.first_of_month(), day.first_of_month().checked_add(1.month()).ok()?),
        };
        let midnight =
            |day: jiff::civil::Date| Some(day.to_zoned(self.zone.clone()).ok()?.timestamp().as_microsecond());
        Some(Span { start_us: midnight(first)?, end_us: midnight(next)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Microcents, Timestamp};

    fn span(period: BudgetPeriod, zone: &str, at: &str) -> (String, String) {
        let terms = BudgetTerms {
            limit: Microcents(1),
            period,
            time_zone: zone.to_owned(),
            warn_at_permille: 800,
            action: crate::config::BudgetAction::Stop,
            require_price: false,
        };
        let span = Calendar::of(&terms).span(Timestamp::parse(at).unwrap().unix_us);
        let text = |unix_us| Timestamp { unix_us }.to_string().replace(":00.000Z", "Z");
        (text(span.start_us), text(span.end_us))
    }

    #[test]
    fn days_weeks_and_months_begin_at_the_zones_midnight() {
        use BudgetPeriod::{Day, Month, Week};
        let table = [
            (Day, "UTC", "2026-11-21T15:40:00Z", "2026-11-21T00:00Z", "2026-11-22T00:00Z"),
            (Day, "UTC", "2026-11-21T00:00:00Z", "2026-11-21T00:00Z", "2026-11-22T00:00Z"),
            (Day, "Asia/Kathmandu", "2026-11-21T18:15:00Z", "2026-11-21T18:15Z", "2026-11-22T18:15Z"),
            // The days on which clocks change have 23 and 25 hours.
            (Day, "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00Z", "2026-03-29T22:00Z"),
            (Day, "Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-24T22:00Z", "2026-10-25T23:00Z"),
            // Midnight is skipped there on that day.
            (Day, "Africa/Cairo", "2026-04-24T12:00:00Z", "2026-04-23T22:00Z", "2026-04-24T21:00Z"),
            (Week, "UTC", "2026-11-22T23:59:59Z", "2026-11-16T00:00Z", "2026-11-23T00:00Z"),
            (Week, "UTC", "2026-11-23T00:00:00Z", "2026-11-23T00:00Z", "2026-11-30T00:00Z"),
            (Month, "UTC", "2028-02-29T12:00:00Z", "2028-02-01T00:00Z", "2028-03-01T00:00Z"),
            (Month, "America/New_York", "2026-12-01T04:59:00Z", "2026-11-01T04:00Z", "2026-12-01T05:00Z"),
        ];
        for (period, zone, at, start, end) in table {
            assert_eq!(span(period, zone, at), (start.to_owned(), end.to_owned()), "{period:?} {zone} {at}");
        }
    }
}
