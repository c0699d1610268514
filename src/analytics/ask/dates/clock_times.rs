//! Parts of a day: mornings, `2pm–4pm`, `before 10`.

use jiff::civil::{Date, Time};

use super::{Range, Read, Reader, range};

/// Minutes of a day.
const DAY_MINUTES: i64 = 24 * 60;

/// A part of a day in minutes since midnight; the end may lie in the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DayPart {
    from: i64,
    to: i64,
}

impl<'a> Reader<'a> {
    /// A time of day. A bare number is an hour only where `is_bare_ok`.
    fn clock_time(self, is_bare_ok: bool) -> Read<'a, i64> {
        match self.text()? {
            "noon" | "midday" => return Some((12 * 60, self.next())),
            "midnight" => return Some((0, self.next())),
            _ => {}
        }
        let (hour, half, rest) = hour_of(self.text()?).map(|(hour, half)| (hour, half, self.next()))?;
        // `10:30`, `10:30pm`
        let with_minutes = rest.word(&[":"]).and_then(|after| {
            let (minute, ending) = hour_of(after.text()?)?;
            (minute < 60).then_some((minute, ending, after.next()))
        });
        let (minute, half, rest, is_clear) = match with_minutes {
            Some((minute, ending, rest)) => (minute, ending, rest, true),
            None => (0, half, rest, half.is_some()),
        };
        let (half, rest, is_clear) = match rest.text().filter(|_| half.is_none()).and_then(Half::of) {
            Some(half) => (Some(half), rest.next(), true),
            None => (half, rest, is_clear),
        };
        let rest = rest.skip(&["o"]).skip(&["'clock", "clock"]);
        let hour = match half {
            Some(Half::Am) if (1..=12).contains(&hour) => hour % 12,
            Some(Half::Pm) if (1..=12).contains(&hour) => hour % 12 + 12,
            None if hour <= 24 => hour,
            _ => return None,
        };
        (is_clear || is_bare_ok).then_some((hour * 60 + minute, rest))
    }

    /// `2pm-4pm`, `between 9 and 17`; numbers that stand alone are hours only where `is_bare_ok`.
    pub(super) fn time_span(self, is_bare_ok: bool) -> Read<'a, DayPart> {
        let (start, ends): (_, &[&str]) = match self.word(&["between"]) {
            Some(rest) => (rest, &["and", "-"]),
            None => (self.skip(&["from"]), &["to", "-", "until", "till"]),
        };
        // Of "2-4pm" only the end says which half of the day is meant.
        let (from, rest) = start.clock_time(true)?;
        let rest = rest.word(ends)?;
        let (to, rest_after) = rest.clock_time(is_bare_ok)?;
        let is_first_bare = start.clock_time(false).is_none();
        let from = if is_first_bare && from < 12 * 60 && to > 12 * 60 && from + 12 * 60 < to && !is_bare_ok {
            from + 12 * 60
        } else {
            from
        };
        (from < to).then_some((DayPart { from, to }, rest_after))
    }

    /// A part of the day just named: `morning`, `before 10`, `at 3pm`.
    pub(super) fn day_part(self) -> Read<'a, DayPart> {
        let rest = self.skip(&[","]).skip(&["in"]).skip(&["the"]);
        if let Some(part) = rest.text().and_then(named_part) {
            return Some((part, rest.next()));
        }
        if let Some(rest) = self.word(&["before", "until", "till"]) {
            let (to, rest) = rest.clock_time(true).filter(|(to, _)| *to > 0)?;
            return Some((DayPart { from: 0, to }, rest));
        }
        if let Some(rest) = self.word(&["after", "since"]) {
            let (from, rest) = rest.clock_time(true).filter(|(from, _)| *from < DAY_MINUTES)?;
            return Some((DayPart { from, to: DAY_MINUTES }, rest));
        }
        if let Some(rest) = self.word(&["at", "around"]) {
            let (from, rest) = rest.clock_time(true).filter(|(from, _)| *from < DAY_MINUTES)?;
            return Some((DayPart { from, to: from + 60 }, rest));
        }
        self.time_span(true)
    }

    /// The part of a day as a window, cut at now.
    pub(super) fn part_of_day(self, day: Date, part: DayPart) -> Option<Range> {
        let at = |minutes: i64| {
            let day = if minutes >= DAY_MINUTES { day.tomorrow().ok()? } else { day };
            let minutes = minutes % DAY_MINUTES;
            let time = Time::new(i8::try_from(minutes / 60).ok()?, i8::try_from(minutes % 60).ok()?, 0, 0).ok()?;
            self.clock.us(day.to_datetime(time))
        };
        Some(range(at(part.from)?, at(part.to)?.min(self.now_us())))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Am,
    Pm,
}

impl Half {
    fn of(text: &str) -> Option<Self> {
        match text {
            "am" => Some(Self::Am),
            "pm" => Some(Self::Pm),
            _ => None,
        }
    }
}

/// `10`, `10am`
fn hour_of(text: &str) -> Option<(i64, Option<Half>)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (hour, ending) = text.split_at_checked(digits)?;
    let half = Half::of(ending);
    (1..=2).contains(&digits).then_some(())?;
    (ending.is_empty() || half.is_some()).then_some((hour.parse().ok()?, half))
}

/// Morning 06–12, afternoon 12–18, evening 18–24, night 18–06.
pub(super) fn named_part(word: &str) -> Option<DayPart> {
    let (from, to) = match word {
        "morning" => (6, 12),
        "afternoon" => (12, 18),
        "evening" => (18, 24),
        "night" => (18, 30),
        _ => return None,
    };
    Some(DayPart { from: from * 60, to: to * 60 })
}
