//! Break-downs: by what, which of them, and in what order.

use super::{Dimension, Order, OrderBy, Quantity, draft::Draft, link::What, senses::Sense, texts};

/// Rows of a ranking whose length nobody said.
const ROWS_ASSUMED: u32 = 10;

impl Draft<'_> {
    /// Reads `top 5`, `the 3 cheapest`, `slowest`, `latest 10`.
    pub(super) fn read_rank(&mut self) {
        for at in 0..self.items.len() {
            let Some(sense) = self.open_sense(at) else { continue };
            match sense {
                Sense::Top(descending) => {
                    self.take_for(at, "order".to_owned());
                    self.set_order(*descending, at);
                    self.take_limit(at);
                }
                // A noun of routing or change: "the biggest drop".
                Sense::Superlative(descending, _) | Sense::Best(descending) => {
                    self.take_limit(at);
                    let descending = *descending;
                    if self.order.is_none() {
                        self.take_for(at, "order".to_owned());
                        self.set_order(descending, at);
                    } else {
                        self.take(at);
                    }
                }
                Sense::Latest(is_latest) => self.read_latest(at, *is_latest),
                _ => {}
            }
        }
        if self.order.is_some() {
            let nouns = self.counted_nouns();
            self.take_count(&nouns);
        }
    }

    /// The places of what can be counted off: groups in the plural, and rows.
    fn counted_nouns(&self) -> Vec<usize> {
        let is_noun = |at: &usize| {
            self.items.get(*at).is_some_and(|item| {
                item.is_plural
                    && match item.sense() {
                        Some(Sense::Quantity(quantity)) => super::bounding::is_row_noun(*quantity),
                        Some(Sense::Rows(_)) => true,
                        _ => item.dimension().is_some(),
                    }
            })
        };
        (0..self.items.len()).filter(is_noun).collect()
    }

    /// The number before one of these nouns, where nothing has said how many: "the 5 requests with the most tokens".
    pub(super) fn take_count(&mut self, nouns: &[usize]) {
        if self.limit.is_some() {
            return;
        }
        let count = nouns.iter().find_map(|noun| {
            let at = noun.checked_sub(1)?;
            let is_bound = at.checked_sub(1).is_some_and(|before| matches!(self.sense(before), Some(Sense::Bound(_))));
            (!is_bound).then_some(at)
        });
        if let Some(at) = count {
            self.limit_from(at);
        }
    }

    fn set_order(&mut self, descending: bool, _at: usize) {
        if self.order.is_none() {
            // By what is known only when all measures are.
            self.order = Some(Order { by: OrderBy::Time, descending });
        }
    }

    /// Whether a noun for requests stands there in the singular: "the slowest request" is one.
    pub(super) fn is_single_request(&self) -> bool {
        let mut nouns = self.items.iter().filter(|item| {
            matches!(item.what, What::Word(Sense::Quantity(Quantity::Requests) | Sense::Rows(_)))
                && !matches!(item.text.as_str(), "traffic" | "volume" | "log" | "raw requests")
        });
        nouns.next().is_some_and(|item| !item.is_plural)
    }

    /// A number before or behind: `top 5`, `the 3 cheapest`.
    fn take_limit(&mut self, at: usize) {
        let number = |place: usize| match self.items.get(place).filter(|item| !item.is_used).map(|item| &item.what) {
            Some(What::Number(number)) if number.unit.is_none() => Some((place, number.value)),
            _ => None,
        };
        let found = number(at + 1).or_else(|| number(at.checked_sub(1)?));
        if let Some((place, _)) = found {
            self.limit_from(place);
        }
    }

    /// The number at a place as the most rows, if it can be.
    fn limit_from(&mut self, place: usize) {
        let value = match self.items.get(place).filter(|item| !item.is_used).map(|item| &item.what) {
            Some(What::Number(number)) if number.unit.is_none() => Some(number.value),
            _ => None,
        };
        if let Some(value) = value.filter(|value| value.fract() == 0.0 && (1.0..=1000.0).contains(value)) {
            self.take_for(place, "limit".to_owned());
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "within 1 to 1000, checked above"
            )]
            let limit = value as u32;
            self.limit = Some(limit);
        }
    }

    /// `the last 10 requests`, `the latest error`, `the first request`; `first 5 models` are the top ones.
    fn read_latest(&mut self, at: usize, is_latest: bool) {
        let mut next = at + 1;
        let has_number = matches!(self.items.get(next).map(|item| &item.what), Some(What::Number(_)));
        next += usize::from(has_number);
        let noun = self.next_loud(next);
        let is_rows = noun.is_some_and(|noun| match self.sense(noun) {
            Some(Sense::Quantity(quantity)) => super::bounding::is_row_noun(*quantity),
            Some(Sense::Rows(_) | Sense::Fail | Sense::Value(..)) => true,
            _ => false,
        });
        let is_moment = self.has(|sense| *sense == Sense::WhenWas);
        if is_rows || is_moment {
            self.take_for(at, "order".to_owned());
            if has_number {
                self.take_limit(at);
            } else {
                let is_plural = noun.and_then(|noun| self.items.get(noun)).is_some_and(|item| item.is_plural);
                self.limit = Some(if is_plural && !is_moment { ROWS_ASSUMED } else { 1 });
            }
            self.rows = true;
            self.order = Some(Order { by: OrderBy::Time, descending: is_latest });
        } else if has_number && self.items.get(next).is_some_and(|item| item.dimension().is_some()) {
            self.take_for(at, "order".to_owned());
            self.set_order(is_latest || self.text(at) == "first", at);
            self.take_limit(at);
        }
    }

    /// Reads what rows are grouped by.
    pub(super) fn read_groups(&mut self) {
        for at in 0..self.items.len() {
            let Some(item) = self.items.get(at).filter(|item| !item.is_used) else { continue };
            let is_plural = item.is_plural;
            match (&item.what, item.dimension().cloned()) {
                (_, Some(dimension)) => {
                    if self.counts(at) {
                        self.count_distinct(at, &dimension);
                    } else if self.is_group(at, &dimension, is_plural) {
                        self.group_by(at, dimension, is_plural);
                    }
                }
                // "Teams whose spend …" asks for teams.
                (What::Word(Sense::Who), None)
                    if item.text == "whose"
                        && self
                            .loud_before(at)
                            .and_then(|b| self.items.get(b))
                            .is_some_and(|b| b.dimension().is_some()) =>
                {
                    self.take(at);
                }
                (What::Word(Sense::Who), None) => {
                    self.group_by(at, Dimension::Requester, true);
                    self.first = true;
                }
                (What::Word(Sense::Grain(grain)), None) => {
                    self.take_for(at, format!("by {}", texts::dimension(grain)));
                    self.add_dimension(grain.clone());
                }
                _ => {}
            }
        }
        self.read_trend();
    }

    fn group_by(&mut self, at: usize, dimension: Dimension, is_plural: bool) {
        self.take_for(at, format!("by {}", texts::dimension(&dimension)));
        let leading = self.leading(at);
        if let Some(leading) = leading {
            self.take(leading);
            let is_asked = matches!(self.sense(leading), Some(Sense::Which));
            let is_ranked = self.order.is_some() && !is_plural && self.limit.is_none();
            if (is_asked || (is_ranked && !matches!(self.sense(leading), Some(Sense::By | Sense::Per | Sense::And))))
                && !is_plural
                && self.dimensions.is_empty()
            {
                self.first = true;
            }
        }
        self.add_dimension(dimension);
    }

    /// The word that makes a dimension's word a break-down; names and values may stand between.
    fn leading(&self, at: usize) -> Option<usize> {
        let mut place = at;
        while let Some(before) = place.checked_sub(1) {
            place = before;
            match self.items.get(before).map(|item| &item.what) {
                Some(What::Word(
                    Sense::By
                    | Sense::Per
                    | Sense::Which
                    | Sense::Top(_)
                    | Sense::Superlative(..)
                    | Sense::Best(_)
                    | Sense::List
                    | Sense::Trend
                    | Sense::Compare,
                )) => return Some(before),
                Some(What::Word(Sense::And | Sense::Or)) => {
                    // "By provider and status": joined to one that is grouped.
                    let before = self.loud_before(before).and_then(|before| self.items.get(before));
                    return before.filter(|item| item.dimension().is_some()).map(|_| place);
                }
                Some(
                    What::Name { .. } | What::Number(_) | What::Word(Sense::Stop | Sense::Value(..) | Sense::Only),
                ) => {}
                _ => return None,
            }
        }
        None
    }

    /// Whether "by" or "per" makes the dimension's word at a place a break-down.
    pub(super) fn is_led_by(&self, at: usize) -> bool {
        self.items.get(at).is_some_and(|item| item.dimension().is_some())
            && self.leading(at).is_some_and(|leading| matches!(self.sense(leading), Some(Sense::By | Sense::Per)))
    }

    /// Whether a dimension's word is meant as a break-down: led to, in the plural, or one of those that people
    /// simply put behind ("spend team last week").
    fn is_group(&self, at: usize, dimension: &Dimension, is_plural: bool) -> bool {
        let is_core = dimension.is_core();
        let is_tag = matches!(dimension, Dimension::Tag(_));
        // "With what errors", "kinds of errors": the word asks by itself.
        let asks = ["what", "which", "kind", "type"].iter().any(|word| self.text(at).starts_with(word));
        self.leading(at).is_some() || is_tag || asks || (is_core && (is_plural || self.text(at) != "service"))
    }

    /// "How many models": the dimension's values are counted, unless a bound makes them groups.
    fn counts(&self, at: usize) -> bool {
        let before = (0..at).rev().find(|before| {
            !matches!(
                self.text(*before),
                "of" | "the" | "our" | "different" | "distinct" | "unique" | "active" | "our own"
            )
        });
        before.is_some_and(|before| matches!(self.sense(before), Some(Sense::HowMany))) && self.having.is_empty()
    }

    fn count_distinct(&mut self, at: usize, dimension: &Dimension) {
        let quantity = match dimension {
            Dimension::Requester => Quantity::ActiveRequesters,
            Dimension::Project => Quantity::ActiveProjects,
            Dimension::Team => Quantity::ActiveTeams,
            Dimension::Key => Quantity::ActiveKeys,
            Dimension::Model => Quantity::ActiveModels,
            Dimension::Provider => Quantity::ActiveProviders,
            Dimension::Session => Quantity::Sessions,
            _ => return,
        };
        let measure = super::Measure::total(quantity);
        self.take_for(at, texts::measure(measure));
        self.add_measure(measure);
    }

    /// "Trend", "over time": a series, its grain by the window's length.
    fn read_trend(&mut self) {
        if self.take_all(|sense| *sense == Sense::Trend) && !self.dimensions.iter().any(Dimension::is_grain) {
            let window = self.window.clone().unwrap_or_else(|| self.assumed_window());
            let grain = super::timing::grain_of(&window);
            self.assumptions.push(format!("the trend is by {}", texts::dimension(&grain)));
            self.add_dimension(grain);
        }
        if self.take_all(|sense| *sense == Sense::Cumulative) {
            self.cumulative = true;
            if !self.dimensions.iter().any(Dimension::is_grain) {
                let window = self.window.clone().unwrap_or_else(|| self.assumed_window());
                let grain = super::timing::grain_of(&window);
                self.add_dimension(grain);
            }
        }
    }

    /// Several names of one kind that are compared are rows of their own.
    pub(super) fn read_side_by_side(&mut self) {
        self.read_comparatives();
        let places = self.places(|sense| matches!(sense, Sense::Compare | Sense::Versus));
        if places.is_empty() {
            return;
        }
        let several = self.filters.iter().find(|filter| !filter.negated && filter.values.len() > 1);
        if let Some(dimension) = several.map(|filter| filter.dimension.clone()) {
            places.iter().for_each(|at| self.take(*at));
            self.add_dimension(dimension);
        } else if !self.dimensions.is_empty() || self.compare.is_some() {
            // "Compare models on cost" is a table of models.
            self.take_all(|sense| *sense == Sense::Compare);
        }
    }

    /// "Is x slower than y": both, by what the word measures.
    fn read_comparatives(&mut self) {
        for at in self.places(|sense| matches!(sense, Sense::Bound(_))) {
            let is_name = |at: Option<usize>| {
                at.and_then(|at| self.items.get(at)).is_some_and(|item| matches!(item.what, What::Name { .. }))
            };
            let several = self.filters.iter().find(|filter| !filter.negated && filter.values.len() > 1);
            let Some(dimension) = several.map(|filter| filter.dimension.clone()) else { continue };
            let text = self.text(at);
            let measure = if ["slower", "faster", "quicker"].iter().any(|word| text.starts_with(word)) {
                super::Measure::of(Quantity::Latency, super::Statistic::P95)
            } else if text.contains("expensive") || text.starts_with("cheaper") {
                super::Measure::total(Quantity::Cost)
            } else {
                continue;
            };
            if is_name(self.next_loud(at + 1)) && is_name(self.loud_before(at)) {
                self.take_for(at, texts::measure(measure));
                self.add_measure(measure);
                self.add_dimension(dimension);
            }
        }
    }

    /// The rows of a ranking whose length nobody said.
    pub(super) const fn rows_assumed() -> u32 {
        ROWS_ASSUMED
    }
}
