//! Which failures are one incident: those of one cause that come close together. Pure.
//!
//! An incident is over when it has not grown for the quiet time. Who comes back within another quiet time opens
//! it again; later, a new one begins.

/// When an incident was, in microseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Span {
    pub(in crate::store) opened_us: i64,
    pub(in crate::store) last_seen_us: i64,
    /// `None` while it is open.
    pub(in crate::store) closed_us: Option<i64>,
}

/// What a failure does to the incidents of its cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Placed {
    /// The incident at this place grows.
    Grows(usize),
    /// It had been quiet for long enough to be over, and goes on.
    Reopens(usize),
    /// A new one begins.
    Begins,
}

impl Span {
    /// That of a single failure.
    pub(in crate::store) const fn at(at_us: i64) -> Self {
        Self { opened_us: at_us, last_seen_us: at_us, closed_us: None }
    }

    /// When it is over unless it grows.
    pub(in crate::store) const fn over_us(&self, quiet_us: i64) -> i64 {
        self.last_seen_us.saturating_add(quiet_us)
    }

    /// Takes a failure in.
    pub(in crate::store) fn grow(&mut self, at_us: i64, reopens: bool) {
        self.opened_us = self.opened_us.min(at_us);
        self.last_seen_us = self.last_seen_us.max(at_us);
        if reopens {
            self.closed_us = None;
        }
    }

    /// Whether a failure belongs to it: `Some(true)` if it opens it again.
    fn takes(&self, at_us: i64, quiet_us: i64) -> Option<bool> {
        let is_near = at_us >= self.opened_us.saturating_sub(quiet_us)
            && at_us <= self.over_us(quiet_us).saturating_add(quiet_us);
        // What is written down late (a spool that is replayed) may lie before the end of one that is closed.
        let is_after = at_us > self.last_seen_us;
        let was_over = self.closed_us.is_some() || at_us > self.over_us(quiet_us);
        is_near.then_some(is_after && was_over)
    }
}

/// Where a failure belongs among the incidents of its cause; the newest that takes it gets it.
pub(in crate::store) fn place<'a>(spans: impl Iterator<Item = &'a Span>, at_us: i64, quiet_us: i64) -> Placed {
    let taking = spans.enumerate().filter_map(|(place, span)| Some((place, span, span.takes(at_us, quiet_us)?)));
    match taking.max_by_key(|(_, span, _)| span.last_seen_us) {
        Some((place, _, true)) => Placed::Reopens(place),
        Some((place, _, false)) => Placed::Grows(place),
        None => Placed::Begins,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const QUIET: i64 = 100;

    /// Incidents as (opened, last seen, times reopened), with the clock at each failure's own time.
    fn grouped(failures: &[i64], sweeps: bool) -> Vec<(i64, i64, u32)> {
        let mut spans: Vec<(Span, u32)> = Vec::new();
        for at in failures {
            if sweeps {
                for (span, _) in spans.iter_mut().filter(|(span, _)| span.over_us(QUIET) < *at) {
                    span.closed_us.get_or_insert(span.last_seen_us + QUIET);
                }
            }
            match place(spans.iter().map(|(span, _)| span), *at, QUIET) {
                Placed::Grows(place) => spans[place].0.grow(*at, false),
                Placed::Reopens(place) => {
                    spans[place].0.grow(*at, true);
                    spans[place].1 += 1;
                }
                Placed::Begins => spans.push((Span::at(*at), 0)),
            }
        }
        spans.iter().map(|(span, reopened)| (span.opened_us, span.last_seen_us, *reopened)).collect()
    }

    #[test]
    fn failures_close_in_time_are_one_incident() {
        type Case = (&'static str, &'static [i64], &'static [(i64, i64, u32)]);
        let cases: [Case; 8] = [
            ("one", &[1_000], &[(1_000, 1_000, 0)]),
            ("a row of them", &[1_000, 1_050, 1_150], &[(1_000, 1_150, 0)]),
            ("just within the quiet time", &[1_000, 1_100], &[(1_000, 1_100, 0)]),
            ("back soon after it was over", &[1_000, 1_101], &[(1_000, 1_101, 1)]),
            ("back at the last moment", &[1_000, 1_200], &[(1_000, 1_200, 1)]),
            ("back too late", &[1_000, 1_201], &[(1_000, 1_000, 0), (1_201, 1_201, 0)]),
            ("again and again", &[1_000, 1_150, 1_300, 1_310], &[(1_000, 1_310, 2)]),
            ("told late", &[1_000, 950, 1_050, 990], &[(950, 1_050, 0)]),
        ];
        for (what, failures, expected) in cases {
            for sweeps in [true, false] {
                assert_eq!(grouped(failures, sweeps), expected, "{what} (swept: {sweeps})");
            }
        }
    }

    #[test]
    fn what_is_told_late_does_not_open_what_is_over() {
        let mut span = Span { opened_us: 1_000, last_seen_us: 1_500, closed_us: Some(1_600) };
        assert_eq!(place([span].iter(), 1_200, QUIET), Placed::Grows(0));
        span.grow(1_200, false);
        assert_eq!(span.closed_us, Some(1_600));
        assert_eq!(place([span].iter(), 1_650, QUIET), Placed::Reopens(0));
        assert_eq!(place([span].iter(), 899, QUIET), Placed::Begins, "long before it began");
    }

    proptest! {
        #[test]
        fn every_failure_lies_in_an_incident_and_none_lasts_without_them(
            mut failures in prop::collection::vec(0..5_000_i64, 1..60),
            sweeps: bool,
        ) {
            failures.sort_unstable();
            let incidents = grouped(&failures, sweeps);
            for at in &failures {
                prop_assert_eq!(incidents.iter().filter(|(opened, last, _)| (opened..=last).contains(&at)).count(), 1);
            }
            for (opened, last, _) in &incidents {
                prop_assert!(failures.contains(opened) && failures.contains(last));
                let inside: Vec<_> = failures.iter().filter(|at| (opened..=last).contains(at)).collect();
                prop_assert!(inside.windows(2).all(|pair| pair[1] - pair[0] <= 2 * QUIET));
            }
            for pair in incidents.windows(2) {
                prop_assert!(pair[1].0 - pair[0].1 > 2 * QUIET);
            }
        }
    }
}
