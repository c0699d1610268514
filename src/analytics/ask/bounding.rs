//! Bounds: `over 50k input tokens`, `spent more than $100`, `error rate above 5%`.

use super::{
    Bound, BoundOp, Dimension, Measure, Quantity, Statistic, Unit, draft::Draft, link::What, numbers::Number,
    senses::Sense, texts,
};

impl Draft<'_> {
    /// Reads each bound: a comparison, a number, and what it is a number of.
    pub(super) fn read_bounds(&mut self) {
        for at in self.places(|sense| matches!(sense, Sense::Bound(_))) {
            let Some(Sense::Bound(op)) = self.sense(at) else { continue };
            let number = (at + 1..self.items.len()).find(|next| !matches!(self.sense(*next), Some(Sense::Stop)));
            let number = number.and_then(|place| match self.items.get(place).map(|item| &item.what) {
                Some(What::Number(number)) => Some((place, *number)),
                _ => None,
            });
            match number {
                Some((place, number)) => self.read_bound(at, *op, place, number),
                // "Over the api" and "up to now" compare nothing.
                None if matches!(self.text(at), "over" | "above" | "under") && self.is_no_time_next(at) => {
                    self.take(at)
                }
                None => {}
            }
        }
    }

    fn is_no_time_next(&self, at: usize) -> bool {
        !matches!(self.items.get(at + 1).map(|item| &item.what), Some(What::When(_)))
    }

    fn read_bound(&mut self, at: usize, op: BoundOp, place: usize, number: Number) {
        let behind = self.quantity_behind(place);
        let before = self.quantity_before(at);
        let word = self.text(at);
        let by_word = if word.starts_with("longer")
            || word.starts_with("slower")
            || word.starts_with("faster")
            || word.starts_with("quicker")
            || word.starts_with("shorter")
            || word.starts_with("took")
        {
            Some(Quantity::Latency)
        } else if word.contains("expensive") || word.starts_with("cheaper") || word.starts_with("costing") {
            Some(Quantity::Cost)
        } else {
            None
        };
        let fits = |quantity: Quantity| match number.unit {
            Some(unit) => quantity.unit() == unit,
            None => true,
        };
        let by_unit = match number.unit {
            Some(Unit::Usd) => Some(Quantity::Cost),
            Some(Unit::Ms) => Some(Quantity::Latency),
            Some(Unit::Bytes) => Some(Quantity::RequestBytes),
            _ => None,
        };
        let named = before.filter(|(_, measure)| fits(measure.quantity));
        let measure = behind
            .map(|(_, quantity)| Measure::total(quantity))
            .or(named.map(|(_, measure)| measure))
            .or(by_word.filter(|quantity| fits(*quantity)).or(by_unit).map(Measure::total))
            .or_else(|| self.rate_said().filter(|_| number.unit == Some(Unit::Ratio)))
            .or_else(|| self.requests_before(at).filter(|_| number.unit.is_none()));
        let Some(measure) = measure else { return };
        self.take(at);
        self.take(place);
        if let Some((behind, _)) = behind {
            self.take(behind);
        }
        // "Projects with errors over 10": the bound's own word is no subject.
        let subject = self.subject(named.map_or(at, |(place, _)| place), measure.quantity);
        let is_of_row = measure.quantity.is_of_rows() && measure.statistic == Statistic::Total;
        let is_grouped = match subject {
            Some(Subject::Group) => true,
            Some(Subject::Rows) => !is_of_row,
            None => !is_of_row || self.has(|sense| matches!(sense, Sense::By | Sense::Per)),
        };
        let measure =
            if is_grouped && !measure.is_valid() { Measure::of(measure.quantity, Statistic::Mean) } else { measure };
        // A duration of a row is the duration itself.
        let bound = Bound { measure, op, value: number.value };
        self.take_for(at, texts::bound(&bound));
        if is_grouped {
            self.having.push(bound);
            if behind.is_some() || named.is_none() {
                self.add_measure(measure);
            }
        } else {
            self.row_bounds.push(bound);
            if let Some((place, _)) = named.filter(|_| behind.is_none()) {
                self.take(place);
                let statistic = place.checked_sub(1).filter(|at| matches!(self.sense(*at), Some(Sense::Statistic(_))));
                if let Some(statistic) = statistic {
                    self.take(statistic);
                }
            }
        }
    }

    /// What is counted behind the number: `50k input tokens`, `5 errors`.
    fn quantity_behind(&self, place: usize) -> Option<(usize, Quantity)> {
        let next = place + 1;
        match self.open_sense(next) {
            Some(Sense::Quantity(quantity))
                if matches!(quantity.unit(), Unit::Tokens | Unit::Count | Unit::TokensPerSec) =>
            {
                Some((next, *quantity))
            }
            Some(Sense::Stop) if self.text(next) == "of" => match self.open_sense(next + 1) {
                Some(Sense::Quantity(quantity)) if *quantity != Quantity::Requests => Some((next + 1, *quantity)),
                _ => None,
            },
            _ => None,
        }
    }

    /// What is measured before the comparison: `latency over`, `spent more than`, `error rate is above`.
    fn quantity_before(&self, at: usize) -> Option<(usize, Measure)> {
        let place = self.loud_before(at)?;
        let statistic = place.checked_sub(1).and_then(|before| match self.sense(before) {
            Some(Sense::Statistic(statistic)) if *statistic != Statistic::Total => Some(*statistic),
            _ => None,
        });
        match self.open_sense(place) {
            Some(Sense::Quantity(Quantity::Requests)) => None,
            Some(Sense::Quantity(quantity) | Sense::Verb(quantity)) => {
                let measure = Measure::of(*quantity, statistic.unwrap_or_default());
                Some((
                    place,
                    if statistic.is_some() && !measure.is_valid() { Measure::total(*quantity) } else { measure },
                ))
            }
            _ => None,
        }
    }

    /// "Success rate by model below 95%": the one rate that is measured.
    fn rate_said(&self) -> Option<Measure> {
        let mut rates = self.items.iter().filter_map(|item| match item.sense() {
            Some(Sense::Quantity(quantity)) if quantity.unit() == Unit::Ratio => Some(*quantity),
            _ => None,
        });
        rates.next().filter(|_| rates.next().is_none()).map(Measure::total)
    }

    /// "Teams with requests over 1000".
    fn requests_before(&self, at: usize) -> Option<Measure> {
        let requests = Quantity::Requests;
        let before = self.loud_before(at).and_then(|place| self.sense(place));
        (before == Some(&Sense::Quantity(requests))).then_some(Measure::total(requests))
    }

    /// Of what the bound of a quantity holds: of groups or of single requests. What is bounded is not what bears it: in
    /// "retries by key with retries over 3" the keys are.
    fn subject(&self, at: usize, bounded: Quantity) -> Option<Subject> {
        (0..at).rev().find_map(|place| {
            let item = self.items.get(place)?;
            match &item.what {
                What::Word(Sense::Who) => Some(Subject::Group),
                What::Word(Sense::Quantity(quantity)) if is_row_noun(*quantity) && *quantity != bounded => {
                    Some(Subject::Rows)
                }
                What::Word(Sense::Rows(_)) => Some(Subject::Rows),
                _ => {
                    let dimension = item.dimension()?;
                    let is_name_beside = [place.checked_sub(1), Some(place + 1)]
                        .into_iter()
                        .flatten()
                        .any(|beside| matches!(self.items.get(beside).map(|item| &item.what), Some(What::Name { .. })));
                    // Of "requests by model that took over 10 s" requests are the subject.
                    let is_subject = !is_name_beside && !self.is_led_by(place);
                    (is_subject && !matches!(dimension, Dimension::ErrorKind)).then_some(Subject::Group)
                }
            }
        })
    }
}

enum Subject {
    Group,
    Rows,
}

/// Whether a measure's word also names the single rows: requests, errors, incidents.
pub(super) const fn is_row_noun(quantity: Quantity) -> bool {
    matches!(
        quantity,
        Quantity::Requests
            | Quantity::Errors
            | Quantity::Refused
            | Quantity::Disconnects
            | Quantity::Failovers
            | Quantity::Retries
            | Quantity::CacheHits
            | Quantity::CacheMisses
            | Quantity::Ok
            | Quantity::UnknownPrice
            | Quantity::Incidents
            | Quantity::Attempts
            | Quantity::FailedAttempts
            | Quantity::Findings
            | Quantity::Signals
    )
}
