//! Times by one name: today, last week, October, Q2, the 5th, two weeks ago, the week of October 12.

use jiff::{
    ToSpan as _,
    civil::{Date, Weekday},
};

use super::{CalendarUnit, LEADING, Range, Read, Reader, clock_times::named_part, range};

pub(super) const MONTHS: [(&str, &str); 12] = [
    ("january", "jan"),
    ("february", "feb"),
    ("march", "mar"),
    ("april", "apr"),
    ("may", "may"),
    ("june", "jun"),
    ("july", "jul"),
    ("august", "aug"),
    ("september", "sep"),
    ("october", "oct"),
    ("november", "nov"),
    ("december", "dec"),
];

const WEEKDAYS: [(&str, &[&str]); 7] = [
    ("monday", &["mon"]),
    ("tuesday", &["tue", "tues"]),
    ("wednesday", &["wed", "weds"]),
    ("thursday", &["thu", "thur", "thurs"]),
    ("friday", &["fri"]),
    ("saturday", &["sat"]),
    ("sunday", &["sun"]),
];

const LAST: [&str; 5] = ["last", "previous", "prior", "past", "trailing"];

/// What units are called that are over.
const WHOLE: [&str; 4] = ["full", "calendar", "complete", "whole"];

/// Words of the calendar, for the repair of typos.
pub(in super::super) fn words() -> impl Iterator<Item = &'static str> {
    const OTHERS: [&str; 23] = [
        "today",
        "yesterday",
        "tomorrow",
        "weekend",
        "morning",
        "afternoon",
        "evening",
        "night",
        "minutes",
        "hours",
        "days",
        "weeks",
        "months",
        "quarters",
        "years",
        "last",
        "previous",
        "past",
        "since",
        "before",
        "between",
        "until",
        "quarter",
    ];
    let months = MONTHS.iter().map(|(long, _)| *long);
    months.chain(WEEKDAYS.iter().map(|(long, _)| *long)).chain(OTHERS)
}

/// A time by one name.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) range: Range,
    /// The day, when it is one; only then there are parts of it.
    pub(super) day: Option<Date>,
    /// The month, when it is one or a day of one, so that "October 1 to 15" knows where the 15th is.
    pub(super) month: Option<Date>,
}

impl<'a> Reader<'a> {
    /// A time by one name, with the part of the day that follows it.
    pub(super) fn point(self) -> Read<'a, Point> {
        let reader = self.skip(&["the"]);
        let (point, rest) = reader.whole_point()?;
        // "November so far", while it is November.
        let so_far = rest.phrase(&["so", "far"]).or_else(|| rest.phrase(&["to", "date"]));
        let rest = so_far.filter(|_| point.range.to_us == self.now_us()).unwrap_or(rest);
        if let Some(day) = point.day
            && let Some((part, rest)) = rest.day_part()
            && let Some(range) = self.part_of_day(day, part)
        {
            return Some((Point { range, day: None, ..point }, rest));
        }
        Some((point, rest))
    }

    fn whole_point(self) -> Read<'a, Point> {
        self.named_day()
            .or_else(|| self.ago())
            .or_else(|| self.running_unit())
            .or_else(|| self.part_of_month())
            .or_else(|| self.last_unit())
            .or_else(|| self.weekend())
            .or_else(|| self.weekday())
            .or_else(|| self.week_of())
            .or_else(|| self.week_number())
            .or_else(|| self.iso_date())
            .or_else(|| self.month_and_day())
            .or_else(|| self.quarter_or_half())
            .or_else(|| self.year())
            .or_else(|| self.day_of_month())
    }

    /// The unit that a day or month begins, cut at now when it holds it.
    pub(super) fn unit_from(self, first: Date, unit: CalendarUnit) -> Option<Point> {
        let from = self.clock.midnight(first)?;
        let to = self.clock.moved(from, unit, 1)?;
        let is_running = (from..to).contains(&self.now_us());
        Some(Point {
            range: range(from, if is_running { self.now_us() } else { to }),
            day: (unit == CalendarUnit::Day).then_some(first),
            month: matches!(unit, CalendarUnit::Day | CalendarUnit::Month).then(|| first.first_of_month()),
        })
    }

    pub(super) fn day(self, day: Date) -> Option<Point> {
        self.unit_from(day, CalendarUnit::Day)
    }

    fn days_back(self, count: i64) -> Option<Point> {
        self.day(self.clock.today().checked_sub(count.days()).ok()?)
    }

    fn named_day(self) -> Read<'a, Point> {
        if let Some(rest) = self.phrase(&["day", "before", "yesterday"]) {
            return Some((self.days_back(2)?, rest));
        }
        let back = match self.text()? {
            "today" => 0,
            "yesterday" | "yday" => 1,
            "tonight" => return Some((self.part_point(0, "evening")?, self.next())),
            "this" => {
                let part = self.next().text()?;
                return Some((self.part_point(0, part)?, self.next().next()));
            }
            "last" if self.next().word(&["night"]).is_some() => {
                return Some((self.part_point(1, "night")?, self.next().next()));
            }
            _ => return None,
        };
        let rest = self.next().skip(&["'s"]);
        let rest = if back == 0 { rest.phrase(&["so", "far"]).unwrap_or(rest) } else { rest };
        Some((self.days_back(back)?, rest))
    }

    fn part_point(self, back: i64, part: &str) -> Option<Point> {
        let day = self.clock.today().checked_sub(back.days()).ok()?;
        Some(plain(self.part_of_day(day, named_part(part)?)?))
    }

    /// `3 days ago`, `an hour ago`: the calendar unit that lies so far back.
    fn ago(self) -> Read<'a, Point> {
        let ((count, unit), rest) = self.count_of_units()?;
        let rest = rest.word(&["ago", "back"])?;
        let at = self.clock.moved(self.now_us(), unit, -count)?;
        let from = self.clock.start_of(unit, at)?;
        match unit {
            CalendarUnit::Minute | CalendarUnit::Hour => {
                let to = self.clock.moved(from, unit, 1)?.min(self.now_us());
                Some((plain(range(from, to)), rest))
            }
            _ => Some((self.unit_from(self.clock.civil(from).date(), unit)?, rest)),
        }
    }

    /// `this week`, `so far this month`, `month to date`, `mtd`: until now.
    fn running_unit(self) -> Read<'a, Point> {
        let short = match self.text()? {
            "wtd" => Some(CalendarUnit::Week),
            "mtd" => Some(CalendarUnit::Month),
            "qtd" => Some(CalendarUnit::Quarter),
            "ytd" => Some(CalendarUnit::Year),
            _ => None,
        };
        let (unit, rest) = if let Some(unit) = short {
            (unit, self.next())
        } else if let Some((unit, rest)) = self.unit()
            && let Some(rest) = rest.skip(&["-"]).word(&["to"])
            && let Some(rest) = rest.skip(&["-"]).word(&["date"])
        {
            (unit, rest)
        } else {
            let so_far = self.phrase(&["so", "far"]).map(|rest| rest.skip(&["in", "during"]));
            let rest = so_far.unwrap_or(self).word(&["this", "current", "present"])?;
            let (unit, rest) = rest.skip(&["calendar", "current"]).unit()?;
            (unit, rest.skip(&["'s"]))
        };
        let rest = rest.phrase(&["so", "far"]).or_else(|| rest.phrase(&["to", "date"])).unwrap_or(rest);
        let from = self.clock.start_of(unit, self.now_us())?;
        let day = (unit == CalendarUnit::Day).then(|| self.clock.today());
        Some((Point { day, ..plain(range(from, self.now_us())) }, rest))
    }

    /// `last week` is the complete one, `past week` and `last 7 days` reach until now.
    fn last_unit(self) -> Read<'a, Point> {
        let is_past = self.text().is_some_and(|word| word == "past" || word == "trailing");
        let last = self.word(&LAST);
        if let Some(rest) = last
            && let Some((unit, rest)) = rest.skip(&WHOLE).unit()
        {
            let rest = rest.skip(&["'s"]);
            return Some((self.one_back(unit, is_past)?, rest));
        }
        // Without "last" a count must be short (`7d`) or follow a word like "over".
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        let is_led = before.is_some_and(|token| token.is_any(&["over", "for", "in", "within", "the", "during"]))
            && !self.is_over_a_duration();
        let is_short = self.text().is_some_and(|text| super::glued_count(text).is_some());
        let start = last.unwrap_or(self);
        (last.is_some() || is_led || is_short).then_some(())?;
        let is_whole = start.number().is_some_and(|(_, rest)| rest.word(&WHOLE).is_some());
        let ((count, unit), rest) = start.count_of_units()?;
        if is_whole && unit >= CalendarUnit::Day && count > 0 {
            // "The last 3 full weeks" end where this one begins.
            let to = self.clock.start_of(unit, self.now_us())?;
            return Some((plain(range(self.clock.moved(to, unit, -count)?, to)), rest));
        }
        Some((plain(self.last_units(count, unit)?), rest.skip(&["'"])))
    }

    fn one_back(self, unit: CalendarUnit, is_past: bool) -> Option<Point> {
        let now = self.now_us();
        let rolling = |unit, count: i64| Some(plain(range(self.clock.moved(now, unit, -count)?, now)));
        match unit {
            CalendarUnit::Minute => rolling(CalendarUnit::Minute, 1),
            CalendarUnit::Hour => rolling(CalendarUnit::Hour, 1),
            CalendarUnit::Day => rolling(CalendarUnit::Hour, 24),
            CalendarUnit::Week if is_past => Some(plain(self.last_units(7, CalendarUnit::Day)?)),
            CalendarUnit::Month if is_past => Some(plain(self.last_units(30, CalendarUnit::Day)?)),
            _ if is_past => Some(plain(self.last_units(1, unit)?)),
            _ => {
                let to = self.clock.start_of(unit, now)?;
                let from = self.clock.moved(to, unit, -1)?;
                let month = (unit == CalendarUnit::Month).then(|| self.clock.civil(from).date());
                Some(Point { month, ..plain(range(from, to)) })
            }
        }
    }

    /// Until now: N days are today and the N-1 days before it, N months begin on the same day N months ago.
    fn last_units(self, count: i64, unit: CalendarUnit) -> Option<Range> {
        let now = self.now_us();
        let from = match unit {
            _ if count == 0 => return None,
            CalendarUnit::Minute | CalendarUnit::Hour => self.clock.moved(now, unit, -count)?,
            CalendarUnit::Day | CalendarUnit::Week => {
                let days = if unit == CalendarUnit::Week { count * 7 } else { count };
                self.clock.moved(self.clock.start_of(CalendarUnit::Day, now)?, CalendarUnit::Day, 1 - days)?
            }
            _ => self.clock.start_of(CalendarUnit::Day, self.clock.moved(now, unit, -count)?)?,
        };
        Some(range(from.max(0), now))
    }

    /// The most recent complete Saturday and Sunday.
    fn weekend(self) -> Read<'a, Point> {
        let rest = self.skip(&["last", "past", "previous", "this"]).word(&["weekend"])?;
        let to = self.clock.start_of(CalendarUnit::Week, self.now_us())?;
        let mut found = range(self.clock.moved(to, CalendarUnit::Day, -2)?, to);
        found.note = self.word(&["this"]).map(|_| "the weekend is the most recent complete Saturday and Sunday");
        Some((plain(found), rest))
    }

    /// The most recent such day that has begun; with "last" it lies before today.
    fn weekday(self) -> Read<'a, Point> {
        let start = self.skip(&["last", "past", "previous", "this"]);
        let is_last = self.word(&["last", "past", "previous"]).is_some();
        let text = start.text()?;
        let at = WEEKDAYS.iter().position(|(long, short)| *long == text || short.contains(&text))?;
        // "sat", "sun", "mon" and "wed" are words and names besides.
        let is_short = text.len() == 3;
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        let is_led = before.is_some_and(|token| token.is_any(&LEADING) || token.is_any(&["since", "and", "to", "-"]));
        (!is_short || start.at != self.at || is_led).then_some(())?;
        let today = self.clock.today();
        let wanted = Weekday::from_monday_zero_offset(i8::try_from(at).ok()?).ok()?;
        let back = i64::from(wanted.until(today.weekday()));
        let back = if is_last && back == 0 { 7 } else { back };
        let mut point = self.days_back(back)?;
        if back == 0 {
            point.range.note = Some("on that weekday its bare name means today");
        }
        Some((point, start.next().skip(&["'s"])))
    }

    /// `first week of October`, `second half of last month`, `first 10 days of October`.
    fn part_of_month(self) -> Read<'a, Point> {
        let ordinal = match self.text()? {
            "first" | "1st" => 1,
            "second" | "2nd" => 2,
            "third" | "3rd" => 3,
            "fourth" | "4th" => 4,
            "last" => 0,
            _ => return None,
        };
        let rest = self.next();
        let (count, rest) = rest.number().filter(|(count, _)| (1..=31).contains(count)).unwrap_or((1, rest));
        let unit = rest.text()?;
        let rest = rest.next().word(&["of", "in"])?.skip(&["the"]);
        let (month, rest) = rest.whole_point().filter(|(point, _)| point.month.is_some() && point.day.is_none())?;
        let first = month.month?;
        let next = first.checked_add(1.month()).ok()?;
        let (from, to) = match (unit, ordinal) {
            ("half", 1) => (first, first.checked_add(15.days()).ok()?),
            ("half", 2 | 0) => (first.checked_add(15.days()).ok()?, next),
            ("week", 0) => (next.checked_sub(7.days()).ok()?, next),
            ("week", nth) => (
                first.checked_add((i64::from(nth) * 7 - 7).days()).ok()?,
                first.checked_add((i64::from(nth) * 7).days()).ok()?,
            ),
            ("days" | "day", 1) => (first, first.checked_add(count.days()).ok()?),
            ("days" | "day", 0) => (next.checked_sub(count.days()).ok()?, next),
            _ => return None,
        };
        let to = self.clock.midnight(to.min(next))?.min(self.now_us());
        let mut found = range(self.clock.midnight(from)?, to);
        found.note = (unit == "week").then_some("weeks of a month are counted from its 1st, seven days each");
        Some((plain(found), rest))
    }

    /// The ISO week that holds a day.
    fn week_of(self) -> Read<'a, Point> {
        let rest = self.word(&["week"])?.word(&["of", "beginning", "starting"])?.skip(&["the"]);
        let (point, rest) = rest.whole_point().filter(|(point, _)| point.day.is_some())?;
        let from = self.clock.start_of(CalendarUnit::Week, point.range.from_us)?;
        Some((self.unit_from(self.clock.civil(from).date(), CalendarUnit::Week)?, rest))
    }
}

/// A time that is neither a day nor a month.
pub(super) const fn plain(range: Range) -> Point {
    Point { range, day: None, month: None }
}

/// `3rd`
pub(super) fn ordinal_of(text: &str) -> Option<i8> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, ending) = text.split_at_checked(digits)?;
    matches!(ending, "st" | "nd" | "rd" | "th").then_some(())?;
    number.parse().ok().filter(|day| (1..=31).contains(day))
}
