//! Dates by the calendar: ISO dates, months, quarters, halves, years, days of a month.

use jiff::{
    ToSpan as _,
    civil::{Date, ISOWeekDate, Weekday},
};

use super::{
    CalendarUnit, LEADING, Read, Reader, TokenKind,
    points::{MONTHS, Point, ordinal_of, plain},
    range,
};

/// Words behind which four digits are a number.
const COUNTING: [&str; 14] = [
    "top", "bottom", "over", "under", "above", "below", "than", "least", "most", "first", "last", "latest", "exactly",
    "equals",
];

impl<'a> Reader<'a> {
    /// `2026-10-01`, `2026-10`
    pub(super) fn iso_date(self) -> Read<'a, Point> {
        let (year, rest) = self.calendar_year()?;
        let rest = rest.word(&["-", "/"])?;
        let (month, rest) = rest.number().filter(|(month, _)| (1..=12).contains(month))?;
        let day = rest.word(&["-", "/"]).filter(|rest| rest.token().is_some_and(|token| token.is_glued));
        let (year, month) = (i16::try_from(year).ok()?, i8::try_from(month).ok()?);
        match day.and_then(Self::number) {
            Some((day, rest)) => Some((self.day(Date::new(year, month, i8::try_from(day).ok()?).ok()?)?, rest)),
            None => Some((self.unit_from(Date::new(year, month, 1).ok()?, CalendarUnit::Month)?, rest)),
        }
    }

    pub(super) fn calendar_year(self) -> Read<'a, i64> {
        self.number().filter(|(year, _)| (2000..=2100).contains(year) && self.text().is_some_and(|t| t.len() == 4))
    }

    pub(super) fn month_name(self) -> Read<'a, i8> {
        let text = self.text()?;
        let text = if text == "sept" { "sep" } else { text };
        let at = MONTHS.iter().position(|(long, short)| *long == text || *short == text)?;
        // "may", "march", "mar" and "dec" are words besides.
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        let is_led = before.is_some_and(|token| {
            token.is_any(&LEADING)
                || token.is_any(&[
                    "since", "and", "to", "-", "vs", "versus", "last", "this", "until", "than", "before", "after",
                    "by", "through", "'s",
                ])
                || token.kind == TokenKind::Number
                || ordinal_of(&token.text).is_some()
        });
        let follows = self.next().number().is_some() || self.next().text().and_then(ordinal_of).is_some();
        (!matches!(text, "may" | "march" | "mar") || is_led || follows).then_some(())?;
        Some((i8::try_from(at + 1).ok()?, self.next()))
    }

    /// `October`, `last October`, `October 2025`, `Oct 3rd`, `3 Oct 2025`, `12th of October`.
    pub(super) fn month_and_day(self) -> Read<'a, Point> {
        let start = self.skip(&["last", "this", "past"]);
        let is_last = self.word(&["last", "past"]).is_some();
        let (month, day, rest) = if let Some((day, rest)) = start.day_number() {
            let rest = rest.skip(&["of"]);
            let (month, rest) = rest.month_name()?;
            (month, Some(day), rest)
        } else {
            let (month, rest) = start.month_name()?;
            let rest = rest.skip(&["'s"]);
            match rest.skip(&["the"]).day_number().filter(|(_, after)| after.unit().is_none()) {
                Some((day, rest)) => (month, Some(day), rest),
                None => (month, None, rest),
            }
        };
        let year = rest.skip(&[",", "of"]).calendar_year().or_else(|| rest.calendar_year());
        let today = self.clock.today();
        let unit = if day.is_some() { CalendarUnit::Day } else { CalendarUnit::Month };
        let date = |year: i16| Date::new(year, month, day.unwrap_or(1)).ok();
        if let Some((year, rest)) = year {
            return Some((self.unit_from(date(i16::try_from(year).ok()?)?, unit)?, rest));
        }
        // The most recent one that has begun; of a 29th of February that is up to eight years back.
        let has_begun = |date: &Date| {
            let is_this_month = date.first_of_month() == today.first_of_month();
            *date <= today && !(is_last && day.is_none() && is_this_month)
        };
        let found = (0..9).filter_map(|back| date(today.year() - back)).find(has_begun)?;
        Some((self.unit_from(found, unit)?, rest))
    }

    /// `3`, `3rd`
    pub(super) fn day_number(self) -> Read<'a, i8> {
        let text = self.text()?;
        let day = ordinal_of(text).or_else(|| text.parse().ok()).filter(|day| (1..=31).contains(day))?;
        Some((day, self.next()))
    }

    /// `Q2`, `second quarter`, `H1 2025`, `first half of 2025`, `2025 Q2`
    pub(super) fn quarter_or_half(self) -> Read<'a, Point> {
        let leading = self.calendar_year();
        let start = leading.map_or(self, |(_, rest)| rest);
        let (months, nth, rest) = match start.text()? {
            text @ ("q1" | "q2" | "q3" | "q4") => (3, text.get(1..)?.parse::<i8>().ok()?, start.next()),
            text @ ("h1" | "h2") => (6, text.get(1..)?.parse::<i8>().ok()?, start.next()),
            text => {
                let nth = match text {
                    "first" | "1st" => 1,
                    "second" | "2nd" => 2,
                    "third" | "3rd" => 3,
                    "fourth" | "4th" => 4,
                    _ => return None,
                };
                let months = match start.next().text()? {
                    "quarter" => 3,
                    "half" if nth <= 2 => 6,
                    _ => return None,
                };
                (months, nth, start.next().next())
            }
        };
        let after = rest.skip(&["of"]);
        let this_year = after.phrase(&["this", "year"]).or_else(|| after.phrase(&["the", "year"]));
        let (year, rest) = match (leading, after.calendar_year()) {
            (Some((year, _)), _) => (Some(i16::try_from(year).ok()?), rest),
            (None, Some((year, rest))) => (Some(i16::try_from(year).ok()?), rest),
            (None, None) => (None, this_year.unwrap_or(rest)),
        };
        let first_month = (nth - 1) * months + 1;
        let today = self.clock.today();
        let begins = |year: i16| Date::new(year, first_month, 1).ok();
        let first = match year {
            Some(year) => begins(year)?,
            None => begins(today.year()).filter(|first| *first <= today).or_else(|| begins(today.year() - 1))?,
        };
        let from = self.clock.midnight(first)?;
        let to = self.clock.moved(from, CalendarUnit::Month, i64::from(months))?;
        let is_running = (from..to).contains(&self.now_us());
        Some((plain(range(from, if is_running { self.now_us() } else { to })), rest))
    }

    /// `week 45`, `calendar week 45 of 2025`, `cw45`, `2025-W45`: the most recent ISO week of that number that has begun.
    pub(super) fn week_number(self) -> Read<'a, Point> {
        // "Cost by week 10 rows", "last week 5 models".
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        let is_other = before.is_some_and(|token| {
            token.is_any(&[
                "by", "per", "each", "every", "a", "last", "this", "past", "previous", "/", "first", "second",
            ])
        });
        if is_other {
            return None;
        }
        let leading = self.calendar_year().map(|(year, rest)| (year, rest.skip(&["-"])));
        let start = leading.map_or(self, |(_, rest)| rest).skip(&["calendar", "iso"]);
        let (number, rest) = match start.text()?.trim_start_matches(|letter: char| letter.is_ascii_alphabetic()) {
            "" => {
                let rest = start.word(&["week", "weeks", "wk", "cw", "kw", "w"])?;
                rest.skip(&["no", "nr", "number", "#"]).skip(&["."]).number()?
            }
            digits => {
                let prefix = start.text()?.strip_suffix(digits)?;
                ["w", "wk", "cw", "kw", "week"].contains(&prefix).then_some(())?;
                (digits.parse().ok()?, start.next())
            }
        };
        let number = i8::try_from(number).ok().filter(|number| (1..=53).contains(number))?;
        let after = rest.skip(&["of", "in", ","]);
        let (year, rest) = match (leading, after.calendar_year()) {
            (Some((year, _)), _) => (Some(year), rest),
            (None, Some((year, rest))) => (Some(year), rest),
            (None, None) => (None, rest),
        };
        let monday = |year: i16| ISOWeekDate::new(year, number, Weekday::Monday).ok().map(ISOWeekDate::date);
        let today = self.clock.today();
        let first = match year {
            Some(year) => monday(i16::try_from(year).ok()?)?,
            None => (0..8).filter_map(|back| monday(today.iso_week_date().year() - back)).find(|day| *day <= today)?,
        };
        let mut point = self.unit_from(first, CalendarUnit::Week)?;
        point.range.note = Some("weeks are numbered by ISO 8601, from their Monday");
        Some((point, rest))
    }

    /// `2025`, only behind a word that leads to a time.
    pub(super) fn year(self) -> Read<'a, Point> {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        let is_led = before.is_some_and(|token| {
            token.is_any(&[
                "in",
                "during",
                "for",
                "of",
                "since",
                "year",
                "throughout",
                "vs",
                "versus",
                "to",
                "before",
                "from",
            ])
        });
        let (year, rest) = self.skip(&["year"]).calendar_year()?;
        // "Monthly spend 2026": the last word, and no number of anything.
        let is_last = rest.token().is_none_or(|token| token.is_any(&["by", "per", "?", "."]));
        let is_counting = before.is_none_or(|token| token.kind != TokenKind::Word || token.is_any(&COUNTING));
        (is_led || self.word(&["year"]).is_some() || (is_last && !is_counting)).then_some(())?;
        Some((self.unit_from(Date::new(i16::try_from(year).ok()?, 1, 1).ok()?, CalendarUnit::Year)?, rest))
    }

    /// `the 5th`: the most recent one that has begun.
    pub(super) fn day_of_month(self) -> Read<'a, Point> {
        let day = self.text().and_then(ordinal_of)?;
        // "the 95th percentile", "the 2nd model": a day only when nothing is counted by it.
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        before.filter(|token| token.is_any(&["the", "on", "since", "and", "to", "-", "before", "after"]))?;
        let first = self.clock.today().first_of_month();
        let found = (0..12)
            .filter_map(|back: i64| first.checked_sub(back.months()).ok()?.with().day(day).build().ok())
            .find(|date| *date <= self.clock.today())?;
        Some((self.day(found)?, self.next()))
    }
}
