//! Windows: the one that is asked for, and the one it is set against.

use super::{
    Clock, Compare, CompareKind, DeclineKind, Dimension, Window,
    dates::{CalendarUnit, Range, When},
    draft::Draft,
    link::What,
    senses::Sense,
};

/// Days of a window that nobody named.
const DAYS_ASSUMED: i64 = 30;

impl Draft<'_> {
    /// Reads all times of the question.
    pub(super) fn read_times(&mut self) {
        let mut ranges: Vec<(usize, Range)> = Vec::new();
        for at in 0..self.items.len() {
            let Some(What::When(when)) = self.items.get(at).map(|item| item.what.clone()) else { continue };
            match when {
                When::Range(range) => {
                    self.take(at);
                    self.assumptions.extend(range.note.map(str::to_owned));
                    ranges.push((at, range));
                }
                When::Now => self.take(at),
                When::OverPrevious(unit) => {
                    self.take(at);
                    self.over_previous(unit, at);
                }
                When::Future => self.refuse(
                    DeclineKind::Forecast,
                    "the future is not known: there is no forecast beyond the running month",
                    &["projected month end", "cost this month by day"],
                ),
                When::Ambiguous(why) => {
                    let reason = format!("the date is ambiguous: {why}; write it like 2026-10-03 or 3 October");
                    self.refuse(DeclineKind::Ambiguous, reason, &["cost on 3 October"]);
                }
            }
        }
        self.place_ranges(ranges);
        self.read_against_previous();
    }

    fn place_ranges(&mut self, mut ranges: Vec<(usize, Range)>) {
        // "More than last week" compares.
        let versus = self.places(|sense| {
            matches!(sense, Sense::Versus | Sense::Bound(super::BoundOp::Above | super::BoundOp::Below))
        });
        let against = versus.iter().find_map(|at| {
            let next = self.next_loud(at + 1)?;
            ranges.iter().position(|(place, _)| *place == next).map(|index| (*at, index))
        });
        let is_compared = self.has(|sense| *sense == Sense::Compare);
        if let Some((at, index)) = against {
            self.take(at);
            let (place, compare) = ranges.remove(index);
            self.one_window(ranges);
            self.against(&compare, place);
        } else if is_compared && ranges.len() == 2 {
            self.take_all(|sense| *sense == Sense::Compare);
            ranges.sort_by_key(|(_, range)| std::cmp::Reverse(range.from_us));
            let (place, compare) = ranges.remove(1);
            self.one_window(ranges);
            self.against(&compare, place);
        } else {
            self.one_window(ranges);
        }
    }

    /// The window of one range, or of two that touch.
    fn one_window(&mut self, ranges: Vec<(usize, Range)>) {
        let mut ranges = ranges.into_iter();
        let Some((at, mut range)) = ranges.next() else { return };
        for (_, other) in ranges {
            if other.from_us == range.from_us && other.to_us == range.to_us {
                continue;
            }
            let (from_us, to_us) = (range.from_us.min(other.from_us), range.to_us.max(other.to_us));
            if range.to_us == other.from_us || other.to_us == range.from_us {
                range = Range { from_us, to_us, label: format!("{} and {}", range.label, other.label), note: None };
            } else {
                let reason = format!("two times are named, \"{}\" and \"{}\"", range.label, other.label);
                self.refuse(DeclineKind::Ambiguous, reason, &["cost this week vs last week"]);
                return;
            }
        }
        self.take_for(at, format!("window {}", range.label));
        self.window = Some(Window { from_us: range.from_us, to_us: range.to_us, label: range.label, assumed: false });
    }

    /// Sets the window against a named one.
    fn against(&mut self, compare: &Range, at: usize) {
        if self.window.is_none() {
            self.window = self.previous.map(|previous| previous.window.clone());
        }
        // "Compare with the previous week", asked of that very week.
        if self.window.as_ref().is_some_and(|w| (w.from_us, w.to_us) == (compare.from_us, compare.to_us)) {
            self.take_for(at, format!("vs {}", compare.label));
            self.compare = self.clock.previous_of(compare.from_us, compare.to_us);
            return;
        }
        let running = self.clock.unit_of(compare.from_us, compare.to_us);
        if self.window.is_none()
            && let Some(unit) = running
            && let Some(from_us) = self.clock.moved(compare.from_us, unit, 1)
            && self.clock.start_of(unit, self.clock.now.unix_us) == Some(from_us)
            && from_us < self.clock.now.unix_us
        {
            let label = format!("this {}", unit_word(unit));
            self.window = Some(Window { from_us, to_us: self.clock.now.unix_us, label, assumed: true });
            self.assumptions.push(format!("{} is set against this {} so far", compare.label, unit_word(unit)));
        }
        let Some(window) = self.window.clone() else {
            let reason = format!("it is not said what to set against {}", compare.label);
            self.refuse(DeclineKind::Ambiguous, reason, &["cost this week vs last week"]);
            return;
        };
        // A running period is set against the same part of the other one.
        let unit = self.clock.unit_of(window.from_us, window.to_us);
        let is_running = window.to_us == self.clock.now.unix_us;
        let elapsed = window.to_us - window.from_us;
        let is_same_unit = unit.is_some() && unit == running && compare.to_us <= window.from_us;
        let (kind, to_us) = if is_running && is_same_unit {
            (CompareKind::SameElapsed, compare.to_us.min(compare.from_us + elapsed))
        } else {
            (CompareKind::Named, compare.to_us)
        };
        self.take_for(at, format!("vs {}", compare.label));
        self.compare = Some(Compare { kind, from_us: compare.from_us, to_us, label: compare.label.clone() });
    }

    /// `month over month`: the running unit against the same part of the one before.
    fn over_previous(&mut self, unit: CalendarUnit, at: usize) {
        let now = self.clock.now.unix_us;
        let Some(from_us) = self.clock.start_of(unit, now).filter(|from| *from < now) else { return };
        let label = format!("this {}", unit_word(unit));
        self.take_for(at, format!("window {label}"));
        self.window = Some(Window { from_us, to_us: now, label, assumed: false });
        self.compare = self.clock.previous_of(from_us, now);
    }

    /// `vs the previous period`, `the week before`, growth and "why".
    fn read_against_previous(&mut self) {
        if self.read_shift() {
            return;
        }
        let mut wanted = self.take_all(|sense| matches!(sense, Sense::AgainstPrevious | Sense::Before));
        if wanted {
            self.take_all(|sense| matches!(sense, Sense::Versus | Sense::Compare));
        }
        self.read_reasons();
        if !self.places(|sense| *sense == Sense::Why).is_empty() && !self.drivers {
            self.take_all(|sense| *sense == Sense::Why);
            self.take_all(|sense| matches!(sense, Sense::Change(_) | Sense::Dropped | Sense::Superlative(..)));
            self.drivers = true;
            wanted = true;
        }
        let changes = self.changes();
        if !changes.is_empty() && self.compare.is_none() {
            self.grown_since();
        }
        wanted |= !changes.is_empty() && !self.is_routing();
        if wanted {
            changes.into_iter().for_each(|at| self.take(at));
        }
        if !wanted || self.compare.is_some() {
            return;
        }
        let window = self.window.clone().unwrap_or_else(|| self.assumed_window());
        self.compare = self.clock.previous_of(window.from_us, window.to_us);
        if self.compare.is_none() {
            self.refuse(DeclineKind::Ambiguous, "there is no period before that one", &["cost this week vs last week"]);
        }
    }

    /// "Grew since last month": this month against the last one, and not both of them against what was before.
    fn grown_since(&mut self) {
        let Some(window) = &self.window else { return };
        let words = window.label.strip_prefix("since ").map(|words| words.trim_start_matches("the "));
        let unit = words.and_then(|words| match words {
            "yesterday" => Some(CalendarUnit::Day),
            words => {
                words.strip_prefix("last ").or_else(|| words.strip_prefix("previous ")).and_then(CalendarUnit::of_word)
            }
        });
        let now = self.clock.now.unix_us;
        let started = unit.and_then(|unit| Some((unit, self.clock.start_of(unit, now)?)));
        let Some((unit, from_us)) = started.filter(|(_, from)| *from < now) else { return };
        let label = format!("this {}", unit_word(unit));
        self.window = Some(Window { from_us, to_us: now, label, assumed: false });
        self.compare = self.clock.previous_of(from_us, now);
    }

    /// "And the week before?": the question before, of that time.
    fn read_shift(&mut self) -> bool {
        let is_compared = self.has(|sense| matches!(sense, Sense::Versus | Sense::Compare | Sense::AgainstPrevious));
        let places = self.places(|sense| *sense == Sense::Before);
        let Some(previous) = self.previous.filter(|_| !is_compared && self.window.is_none()) else { return false };
        let before = self.clock.previous_of(previous.window.from_us, previous.window.to_us);
        let (Some(at), Some(before)) = (places.first(), before) else { return false };
        self.take_for(*at, format!("window {}", before.label));
        let (from_us, to_us) = (before.from_us, before.to_us);
        self.window = Some(Window { from_us, to_us, label: before.label, assumed: false });
        true
    }

    /// The words that say that something rose or fell; "is x down" says nothing of the kind.
    fn changes(&self) -> Vec<usize> {
        let measures = |at: usize| matches!(self.sense(at), Some(Sense::Quantity(_) | Sense::Verb(_) | Sense::Usage));
        let has_measure = (0..self.items.len()).any(measures);
        let is_change = |at: &usize| match self.open_sense(*at) {
            Some(Sense::Change(_)) => has_measure || !matches!(self.text(*at), "up" | "down"),
            Some(Sense::Dropped) if self.text(*at).starts_with("drop") && !self.is_routing() => {
                self.loud_before(*at).is_some_and(|before| {
                    measures(before) || matches!(self.sense(before), Some(Sense::Superlative(_, None)))
                })
            }
            _ => false,
        };
        (0..self.items.len()).filter(is_change).collect()
    }

    /// "… were refused, and why": by their reasons. What routing took out has reasons, too.
    fn read_reasons(&mut self) {
        let Some(at) = self.places(|sense| *sense == Sense::Why).first().copied() else { return };
        let is_tail = self.text(at) == "why" && self.next_loud(at + 1).is_none();
        let after_and = self.loud_before(at).is_some_and(|before| matches!(self.sense(before), Some(Sense::And)));
        let has_failures = self.has(|sense| {
            matches!(sense, Sense::Fail | Sense::Quantity(super::Quantity::Errors | super::Quantity::Refused))
        });
        let reason = if self.is_routing() {
            Dimension::DropReason
        } else if is_tail && after_and && has_failures {
            Dimension::ErrorKind
        } else {
            return;
        };
        self.take_for(at, format!("by {}", super::texts::dimension(&reason)));
        self.add_dimension(reason);
    }

    /// The last 30 days.
    pub(super) fn assumed_window(&self) -> Window {
        let now = self.clock.now.unix_us;
        let today = self.clock.start_of(CalendarUnit::Day, now).unwrap_or(now);
        let from_us = self.clock.moved(today, CalendarUnit::Day, 1 - DAYS_ASSUMED).unwrap_or(0).max(0);
        Window { from_us, to_us: now, label: format!("last {DAYS_ASSUMED} days"), assumed: true }
    }

    /// All records.
    pub(super) fn all_time(&self) -> Window {
        Window { from_us: 0, to_us: self.clock.now.unix_us, label: "all time".to_owned(), assumed: true }
    }
}

impl Clock {
    /// The time before a window: the calendar unit before, the same part of it while it runs, else the same length.
    pub(super) fn previous_of(&self, from_us: i64, to_us: i64) -> Option<Compare> {
        let unit = self.unit_of(from_us, to_us);
        let length = to_us - from_us;
        if let Some(unit) = unit {
            let start = self.moved(from_us, unit, -1)?;
            let is_running = self.moved(from_us, unit, 1)? != to_us;
            let label = format!("the {} before", unit_word(unit));
            return Some(if is_running {
                let kind = CompareKind::SameElapsed;
                Compare { kind, from_us: start, to_us: from_us.min(start + length), label }
            } else {
                Compare { kind: CompareKind::Previous, from_us: start, to_us: from_us, label }
            });
        }
        let start = from_us.checked_sub(length).filter(|start| *start > 0 && from_us > 0)?;
        let label = "the same length before".to_owned();
        Some(Compare { kind: CompareKind::Previous, from_us: start, to_us: from_us, label })
    }
}

/// The grain that fits a window: up to 2 days hours, 62 days days, a year weeks, else months.
pub(super) fn grain_of(window: &Window) -> Dimension {
    const DAY_US: i64 = 86_400_000_000;
    match (window.to_us - window.from_us + DAY_US - 1) / DAY_US {
        ..=2 => Dimension::Hour,
        3..=62 => Dimension::Day,
        63..=366 => Dimension::Week,
        _ => Dimension::Month,
    }
}

fn unit_word(unit: CalendarUnit) -> &'static str {
    match unit {
        CalendarUnit::Minute => "minute",
        CalendarUnit::Hour => "hour",
        CalendarUnit::Day => "day",
        CalendarUnit::Week => "week",
        CalendarUnit::Month => "month",
        CalendarUnit::Quarter => "quarter",
        CalendarUnit::Year => "year",
    }
}
