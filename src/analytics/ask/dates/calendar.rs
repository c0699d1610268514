//! Calendar units in the zone of the clock: where they begin, and how one is moved by some of them.

use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};

use super::super::Clock;

/// A unit of time. Weeks begin on Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum CalendarUnit {
    /// 60 seconds.
    Minute,
    /// 60 minutes.
    Hour,
    /// A day.
    Day,
    /// Seven days from a Monday.
    Week,
    /// A calendar month.
    Month,
    /// Three calendar months.
    Quarter,
    /// A calendar year.
    Year,
}

/// Microseconds of a minute.
pub(super) const MINUTE_US: i64 = 60_000_000;

impl CalendarUnit {
    /// The units that have a first day, the smallest first.
    pub(in super::super) const OF_DAYS: [Self; 5] = [Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year];

    /// The unit of a word, its plural or a common short form.
    pub(in super::super) fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "minute" | "minutes" | "min" | "mins" => Self::Minute,
            "hour" | "hours" | "hr" | "hrs" | "h" => Self::Hour,
            "day" | "days" | "d" => Self::Day,
            "week" | "weeks" | "wk" | "wks" | "w" => Self::Week,
            "month" | "months" | "mo" | "mos" | "mth" | "mths" => Self::Month,
            "quarter" | "quarters" | "qtr" | "qtrs" => Self::Quarter,
            "year" | "years" | "yr" | "yrs" | "y" => Self::Year,
            _ => return None,
        })
    }
}

impl Clock {
    /// The zone's date and time of a moment.
    pub(in super::super) fn civil(&self, us: i64) -> DateTime {
        let at = Timestamp::from_microsecond(us).unwrap_or_default();
        at.to_zoned(self.zone.clone()).datetime()
    }

    /// Today.
    pub(super) fn today(&self) -> Date {
        self.civil(self.now.unix_us).date()
    }

    /// The moment of a date and time; of two the first, of none the one after the gap.
    pub(super) fn us(&self, at: DateTime) -> Option<i64> {
        let zoned = at.to_zoned(self.zone.clone()).or_else(|_| at.to_zoned(TimeZone::UTC)).ok()?;
        Some(zoned.timestamp().as_microsecond())
    }

    /// The first moment of a day.
    pub(super) fn midnight(&self, day: Date) -> Option<i64> {
        self.us(day.to_datetime(Time::midnight()))
    }

    /// Where the unit that holds a moment begins.
    pub(in super::super) fn start_of(&self, unit: CalendarUnit, us: i64) -> Option<i64> {
        let at = self.civil(us);
        let day = at.date();
        let first = match unit {
            CalendarUnit::Minute => return Some(us - us.rem_euclid(MINUTE_US)),
            CalendarUnit::Hour => {
                return self.us(day.to_datetime(Time::new(at.hour(), 0, 0, 0).ok()?));
            }
            CalendarUnit::Day => day,
            CalendarUnit::Week => day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days()).ok()?,
            CalendarUnit::Month => day.first_of_month(),
            CalendarUnit::Quarter => Date::new(day.year(), (day.month() - 1) / 3 * 3 + 1, 1).ok()?,
            CalendarUnit::Year => day.first_of_year(),
        };
        self.midnight(first)
    }

    /// A moment moved by so many units; days and longer keep the time of day.
    pub(in super::super) fn moved(&self, us: i64, unit: CalendarUnit, by: i64) -> Option<i64> {
        // Nobody means a million years, and no date is made for them.
        if by.abs() > 100_000 {
            return None;
        }
        let span = match unit {
            CalendarUnit::Minute => return us.checked_add(by * MINUTE_US),
            CalendarUnit::Hour => return us.checked_add(by * 60 * MINUTE_US),
            CalendarUnit::Day => by.days(),
            CalendarUnit::Week => (by * 7).days(),
            CalendarUnit::Month => by.months(),
            CalendarUnit::Quarter => (by * 3).months(),
            CalendarUnit::Year if by.abs() > 5_000 => return None,
            CalendarUnit::Year => by.years(),
        };
        self.us(self.civil(us).checked_add(span).ok()?)
    }

    /// The unit that a window is one of: whole, or begun and running until now.
    pub(in super::super) fn unit_of(&self, from_us: i64, to_us: i64) -> Option<CalendarUnit> {
        CalendarUnit::OF_DAYS.into_iter().chain([CalendarUnit::Hour]).find(|&unit| {
            let starts = self.start_of(unit, from_us) == Some(from_us);
            let runs = to_us == self.now.unix_us && self.start_of(unit, to_us) == Some(from_us);
            starts && (runs || self.moved(from_us, unit, 1) == Some(to_us))
        })
    }
}
