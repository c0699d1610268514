//! Times between two others, and those with one end: since, before, from … to, all time.

use jiff::civil::{DateTime, Time};

use super::{
    CalendarUnit, LEADING, Range, Read, Reader, TokenKind, When,
    points::{Point, ordinal_of},
    range,
};

const NOWS: [&str; 4] = ["now", "rn", "currently", "presently"];

impl<'a> Reader<'a> {
    /// Whatever about time begins here; the place behind it.
    pub(super) fn when(self) -> Option<(usize, When)> {
        let of_range = |(range, rest): (Range, Self)| (rest.at, When::Range(range));
        let led = self.led();
        self.over_previous()
            .or_else(|| self.everything().map(of_range))
            .or_else(|| self.future())
            .or_else(|| led.and_then(Self::future))
            .or_else(|| self.present())
            .or_else(|| self.part_before_day().map(of_range))
            .or_else(|| self.open_ended().map(of_range))
            .or_else(|| self.between().map(of_range))
            .or_else(|| led.and_then(Self::between).map(of_range))
            .or_else(|| self.slashed())
            .or_else(|| led.and_then(Self::slashed))
    }

    /// Behind words that may stand before a time.
    fn led(self) -> Option<Self> {
        if self.next().is_over_a_duration() {
            return None;
        }
        let mut reader = self.word(&LEADING)?;
        while let Some(next) = reader.word(&LEADING) {
            reader = next;
        }
        Some(reader)
    }

    /// Whether the word before is an "over" that bounds how long something took: `took over 2 minutes`, `over a minute`.
    pub(super) fn is_over_a_duration(self) -> bool {
        const LASTING: [&str; 17] = [
            "took",
            "take",
            "takes",
            "taking",
            "taken",
            "lasted",
            "lasting",
            "lasts",
            "ran",
            "running",
            "latency",
            "latencies",
            "duration",
            "durations",
            "time",
            "times",
            "was",
        ];
        let back = |count: usize| self.at.checked_sub(count).and_then(|at| self.tokens.get(at));
        let is_over = back(1).is_some_and(|token| token.is("over"));
        let is_lasting = back(2).is_some_and(|token| token.is_any(&LASTING));
        let is_a_minute = self.word(&["a"]).and_then(|rest| rest.word(&["minute", "min"])).is_some();
        is_over && (is_lasting || is_a_minute)
    }

    /// `month over month`, `wow`
    fn over_previous(self) -> Option<(usize, When)> {
        let short = match self.text()? {
            "dod" => Some(CalendarUnit::Day),
            "wow" => Some(CalendarUnit::Week),
            "mom" => Some(CalendarUnit::Month),
            "qoq" => Some(CalendarUnit::Quarter),
            "yoy" => Some(CalendarUnit::Year),
            _ => None,
        };
        if let Some(unit) = short {
            return Some((self.at + 1, When::OverPrevious(unit)));
        }
        let (unit, rest) = self.unit()?;
        let rest = rest.skip(&["-"]).word(&["over", "on"])?.skip(&["-"]);
        let (again, rest) = rest.unit()?;
        (unit == again).then_some((rest.at, When::OverPrevious(unit)))
    }

    /// All that was ever recorded.
    fn everything(self) -> Read<'a, Range> {
        const PHRASES: [&[&str]; 17] = [
            &["ever"],
            &["all", "time"],
            &["of", "all", "time"],
            &["all", "-", "time"],
            &["over", "all", "time"],
            &["alltime"],
            &["lifetime"],
            &["historically"],
            &["to", "date"],
            &["so", "far"],
            &["since", "we", "started"],
            &["since", "the", "start"],
            &["since", "the", "beginning"],
            &["since", "day", "one"],
            &["since", "inception"],
            &["since", "launch"],
            &["from", "the", "beginning"],
        ];
        let rest = PHRASES.iter().filter_map(|phrase| self.phrase(phrase)).max_by_key(|rest| rest.at)?;
        // "So far this month" is this month.
        if self.text() == Some("so") && rest.skip(&["in", "during"]).word(&["this", "the", "current"]).is_some() {
            return None;
        }
        // "So far in March" is March, while it is March.
        let is_running = |(point, _): &(Point, Self)| point.range.to_us == self.now_us();
        if self.text() == Some("so") && rest.word(&["in", "during"]).and_then(Self::point).filter(is_running).is_some()
        {
            return None;
        }
        let rest = rest.phrase(&["of", "time"]).unwrap_or(rest);
        Some((range(0, self.now_us()), rest))
    }

    fn future(self) -> Option<(usize, When)> {
        if let Some(rest) = self.word(&["tomorrow"]) {
            return Some((rest.at, When::Future));
        }
        let rest = self.word(&["next", "coming", "upcoming"])?;
        let rest = rest.number().map_or(rest, |(_, rest)| rest);
        let is_named = rest.unit().is_some() || rest.point().is_some();
        is_named.then_some((rest.at + 1, When::Future))
    }

    fn present(self) -> Option<(usize, When)> {
        let rest = self
            .phrase(&["right", "now"])
            .or_else(|| self.phrase(&["at", "the", "moment"]))
            .or_else(|| self.phrase(&["at", "present"]))
            .or_else(|| self.phrase(&["as", "of", "now"]))
            .or_else(|| self.word(&NOWS))?;
        Some((rest.at, When::Now))
    }

    /// `since Monday`, `before October`, `after the 5th`, `until yesterday`, `from October on`
    fn open_ended(self) -> Read<'a, Range> {
        let reader = self.skip(&["ever"]);
        if let Some(rest) = reader
            .word(&["since"])
            .or_else(|| reader.word(&["starting"]).map(|r| r.skip(&["on", "from", "in", "with"])))
        {
            let (from, rest) = rest.start_moment()?;
            let rest = rest.phrase(&["until", "now"]).or_else(|| rest.phrase(&["to", "now"])).unwrap_or(rest);
            return Some((range(from, self.now_us()), rest));
        }
        if let Some(rest) = self.word(&["before"]).or_else(|| self.phrase(&["prior", "to"])) {
            let (to, rest) = rest.start_moment()?;
            return Some((range(0, to), rest));
        }
        if let Some(rest) = self.word(&["after"]) {
            let (point, rest) = rest.point()?;
            return Some((range(point.range.to_us, self.now_us()), rest));
        }
        if let Some(rest) = self.word(&["until", "till", "through", "thru"]).or_else(|| self.phrase(&["up", "to"])) {
            let (point, rest) = rest.point()?;
            return Some((range(0, point.range.to_us), rest));
        }
        let rest = self.word(&["from"])?;
        let (from, rest) = rest.start_moment()?;
        let rest = rest.skip(&["and"]);
        let rest = rest.word(&["on", "onward", "onwards", "forward"]).or_else(|| {
            rest.word(&["to", "until", "till", "through", "-"]).and_then(|r| r.word(&["now", "today", "date"]))
        })?;
        Some((range(from, self.now_us()), rest))
    }

    fn part_before_day(self) -> Read<'a, Range> {
        self.word(&["before", "after", "at", "until", "till", "morning", "afternoon", "evening"])?;
        let (part, rest) = self.day_part()?;
        let (point, rest) = rest.skip(&["on", "of"]).point().filter(|(point, _)| point.day.is_some())?;
        Some((self.part_of_day(point.day?, part)?, rest))
    }

    /// Where a time begins: a moment, or the first of a named one.
    fn start_moment(self) -> Read<'a, i64> {
        if let Some(found) = self.moment() {
            return Some(found);
        }
        let (point, rest) = self.point()?;
        // "since 2 hours ago" means the very moment.
        if let Some(((count, unit), after)) = self.count_of_units()
            && after.word(&["ago", "back"]).is_some()
            && unit < CalendarUnit::Day
        {
            return Some((self.clock.moved(self.now_us(), unit, -count)?, rest));
        }
        Some((point.range.from_us, rest))
    }

    /// `2026-11-17 14:30`, `2026-11-17T14:30:05.25`: a moment to be the end of a window.
    fn moment(self) -> Read<'a, i64> {
        let text: String = self.joined(17);
        let separator = text.find(['t', ' '])?;
        let (day, time) = (text.get(..separator)?, text.get(separator + 1..)?);
        let length = time.bytes().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.')).count();
        let time = time.get(..length)?;
        time.contains(':').then_some(())?;
        let at = DateTime::from_parts(day.parse().ok()?, time.parse::<Time>().ok()?);
        let end = separator + 1 + length;
        // Behind the tokens that hold that many bytes.
        let start = self.token()?.span.start;
        let count = self.tokens.get(self.at..)?.iter().take_while(|token| token.span.end <= start + end).count();
        Some((self.clock.us(at)?, Self { at: self.at + count, ..self }))
    }

    /// The next tokens as one text, a blank where there is one between them.
    fn joined(self, most: usize) -> String {
        let mut text = String::new();
        for (at, token) in self.tokens.iter().skip(self.at).take(most).enumerate() {
            if at > 0 && !token.is_glued {
                text.push(' ');
            }
            text.push_str(&token.text);
        }
        text
    }

    /// `between A and B`, `from A to B`, `A - B`, or A alone. Days that are named are both within.
    fn between(self) -> Read<'a, Range> {
        let (start, ends): (_, &[&str]) = match self.word(&["between"]) {
            Some(rest) => (rest, &["and", "-"]),
            None => (self.skip(&["from"]), &["to", "-", "until", "till", "through", "thru"]),
        };
        let is_between = start.at != self.at && self.word(&["between"]).is_some();
        if let Some((from, rest)) = start.moment() {
            let (to, rest) = rest.word(ends)?.start_moment()?;
            return Some((range(from, to), rest));
        }
        // `2pm-4pm yesterday`
        if let Some((part, rest)) = self.time_span(false) {
            let (point, rest) = rest.skip(&["on"]).point().filter(|(point, _)| point.day.is_some())?;
            return Some((self.part_of_day(point.day?, part)?, rest));
        }
        let days = self.days_of_month(start, ends);
        if days.is_some() {
            return days;
        }
        let (first, rest) = start.point()?;
        match rest.word(ends).and_then(|rest| rest.second_end(&first)) {
            // "This month to last month" is no range.
            Some((end, after)) => match self.both(&first, &end) {
                Some(range) => Some((range, after)),
                None => Some((first.range, rest)),
            },
            None if is_between => None,
            None => Some((first.range, rest)),
        }
    }

    /// From the beginning of one to the end of the other. Ends without a year lie in the same span of time: of
    /// "from December to February" December is the one before.
    fn both(self, first: &Point, end: &Point) -> Option<Range> {
        let (mut from, to) = (first.range.from_us, end.range.to_us);
        if from >= to {
            first.month.and(end.month)?;
            from = self.clock.moved(from, CalendarUnit::Year, -1)?;
        }
        Some(range(from, to))
    }

    /// The other end of a range: a time, or only the day of the first one's month.
    fn second_end(self, first: &Point) -> Read<'a, Point> {
        if let Some(found) = self.point() {
            return Some(found);
        }
        if let Some(rest) = self.word(&["now", "date"]) {
            let point = Point { range: range(0, self.now_us()), day: None, month: None };
            return Some((point, rest));
        }
        let month = first.month.filter(|_| first.day.is_some())?;
        let text = self.text()?;
        let day = ordinal_of(text).or_else(|| text.parse().ok())?;
        let date = month.with().day(day).build().ok()?;
        let from = self.clock.midnight(date)?;
        let to = self.clock.moved(from, CalendarUnit::Day, 1)?.min(self.now_us());
        Some((Point { range: range(from, to), day: Some(date), month: Some(month) }, self.next()))
    }

    /// `1-15 October`
    fn days_of_month(self, start: Self, ends: &[&str]) -> Read<'a, Range> {
        let text = start.token().filter(|token| token.kind != TokenKind::Sign)?.text.as_str();
        let first_day: i8 = ordinal_of(text).or_else(|| text.parse().ok())?;
        let rest = start.next().word(ends)?;
        let (end, rest) = rest.point().filter(|(point, _)| point.day.is_some())?;
        let first = end.month?.with().day(first_day).build().ok().filter(|day| Some(*day) <= end.day)?;
        Some((range(self.clock.midnight(first)?, end.range.to_us), rest))
    }

    /// `3/10`: which is the month?
    fn slashed(self) -> Option<(usize, When)> {
        let (first, rest) = self.number().filter(|(number, _)| (1..=31).contains(number))?;
        let rest = rest.word(&["/", "."]).filter(|rest| rest.token().is_some_and(|token| token.is_glued))?;
        let (second, rest) = rest.number().filter(|(number, _)| (1..=31).contains(number))?;
        self.token().filter(|token| token.kind == TokenKind::Number)?;
        let with_year = rest.word(&["/", "."]).and_then(|rest| {
            let (year, rest) = rest.number()?;
            let year = if year < 100 { year + 2000 } else { year };
            (2000..=2100).contains(&year).then_some((year, rest))
        });
        let today = self.clock.today();
        let rest = with_year.map_or(rest, |(_, rest)| rest);
        let (day, month) = match (first, second) {
            (day @ 13.., month @ 1..=12) | (month @ 1..=12, day @ 13..) => (day, month),
            (both, same) if both == same => (both, same),
            _ => {
                let why = format!("{first}/{second} can be read as day/month or month/day");
                return Some((rest.at, When::Ambiguous(why)));
            }
        };
        let date = |year: i16| jiff::civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok();
        let found = match with_year {
            Some((year, _)) => date(i16::try_from(year).ok()?)?,
            None => date(today.year()).filter(|date| *date <= today).or_else(|| date(today.year() - 1))?,
        };
        let from = self.clock.midnight(found)?;
        let to = self.clock.moved(from, CalendarUnit::Day, 1)?.min(self.now_us().max(from));
        Some((rest.at, When::Range(range(from, to))))
    }
}
