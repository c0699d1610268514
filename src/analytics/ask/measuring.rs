//! What is measured, and over the rows of which view.

use super::{
    DeclineKind, Dimension, Measure, Quantity as Q, Statistic, View, draft::Draft, link::What, senses::Sense, texts,
};

impl Draft<'_> {
    /// Reads all measures. Groups, bounds and filters are known by now.
    pub(super) fn read_measures(&mut self) {
        self.read_routing();
        self.read_budget();
        self.read_saving();
        self.refuse_cost_of_tokens();
        self.read_groups_without();
        self.turn_counts_into_filters();
        self.read_retried();
        self.read_quantities();
        self.read_failing();
        self.read_statistics_alone();
        self.read_verbs();
        self.read_per_many();
        self.read_projection();
        self.read_superlatives();
        self.fit_view();
    }

    /// Accounts for "requests" where another measure counts them.
    pub(super) fn take_nouns(&mut self) {
        self.take_all(|sense| {
            matches!(sense, Sense::Quantity(Q::Requests) | Sense::Rows(View::Requests) | Sense::Verb(Q::Requests))
        });
    }

    /// "Cost of input tokens", "output token cost": what a request costs is known, not what each kind of its tokens does.
    fn refuse_cost_of_tokens(&mut self) {
        let is_kind = |at: usize| {
            matches!(
                self.sense(at),
                Some(Sense::Quantity(
                    Q::InputTokens | Q::OutputTokens | Q::CacheReadTokens | Q::CacheWriteTokens | Q::ReasoningTokens
                ))
            )
        };
        let is_asked = self.places(|sense| *sense == Sense::Quantity(Q::Cost)).into_iter().any(|at| {
            let is_of = matches!(self.text(at + 1), "of" | "for") && self.next_loud(at + 1).is_some_and(is_kind);
            is_of || at.checked_sub(1).is_some_and(is_kind)
        });
        if is_asked {
            let reason = "the cost of each kind of token is not recorded, only that of whole requests";
            self.refuse(DeclineKind::NotRecorded, reason, &["cost per 1m tokens by model", "input tokens by model"]);
        }
    }

    /// "Projects without errors": groups that have none, and not what they have besides.
    fn read_groups_without(&mut self) {
        let counts = self.places(|sense| matches!(sense, Sense::Quantity(quantity) if narrowing(*quantity).is_some()));
        for at in counts {
            let Some(Sense::Quantity(quantity)) = self.open_sense(at) else { continue };
            let without = self.loud_before(at).filter(|place| self.open_sense(*place) == Some(&Sense::Without));
            let group = without.and_then(|place| self.loud_before(place)).filter(|group| {
                self.items.get(*group).is_some_and(|item| item.dimension().is_some()) && !self.is_led_by(*group)
            });
            let (Some(without), Some(_)) = (without, group) else { continue };
            self.take(without);
            let measure = Measure::total(*quantity);
            let bound = super::Bound { measure, op: super::BoundOp::Equal, value: 0.0 };
            self.take_for(at, texts::bound(&bound));
            self.having.push(bound);
            let has_other = self.has(|sense| matches!(sense, Sense::Verb(_) | Sense::Usage))
                || !self.places(|sense| matches!(sense, Sense::Quantity(_))).is_empty();
            if !has_other {
                self.add_measure(measure);
            }
        }
    }

    /// "Cost of failed requests", "excluding errors", "cached requests that failed": counts that narrow another.
    fn turn_counts_into_filters(&mut self) {
        let counts = self.places(|sense| matches!(sense, Sense::Quantity(quantity) if narrowing(*quantity).is_some()));
        for (nth, at) in counts.iter().copied().enumerate() {
            let Some(Sense::Quantity(quantity)) = self.open_sense(at) else { continue };
            let Some((dimension, value)) = narrowing(*quantity) else { continue };
            let is_negated = self.take_negation(at);
            let is_last_count = nth + 1 == counts.len();
            let others = |draft: &Self| {
                (0..draft.items.len()).any(|other| {
                    other != at
                        && match draft.open_sense(other) {
                            Some(Sense::Quantity(Q::Requests)) => is_negated,
                            Some(Sense::Quantity(o)) if o == quantity => false,
                            Some(Sense::Quantity(o)) if narrowing(*o).is_some() => {
                                !draft.are_joined(at, other) && !is_last_count
                            }
                            Some(Sense::Quantity(_)) => !draft.are_joined(at, other),
                            Some(Sense::Verb(Q::Cost) | Sense::Usage) => true,
                            _ => false,
                        }
                }) || !draft.measures.is_empty()
            };
            // "Failures hidden by failover" are failovers.
            let has_failovers = counts.iter().any(|o| matches!(self.sense(*o), Some(Sense::Quantity(Q::Failovers))));
            if *quantity == Q::Errors && has_failovers && !is_negated {
                self.take(at);
            } else if is_negated || (others(self) && *quantity != Q::Failovers) || self.rows || self.is_share_part(at) {
                self.add_filter(&dimension, &[value], is_negated);
                let text = self.filters.last().map(texts::filter).unwrap_or_default();
                self.take_for(at, text);
            }
        }
    }

    /// Whether the word stands behind "what share of requests": it tells the part, not the measure.
    fn is_share_part(&self, at: usize) -> bool {
        let share = (0..at).find(|place| matches!(self.sense(*place), Some(Sense::Share)));
        share.is_some_and(|share| {
            (share..at).any(|place| matches!(self.sense(place), Some(Sense::Quantity(q)) if narrowing(*q).is_none()))
        })
    }

    /// "Requests that were retried" are requests, however often.
    fn read_retried(&mut self) {
        let nouns = self.places(|sense| *sense == Sense::Quantity(Q::Requests));
        let retried = self.places(|sense| *sense == Sense::Quantity(Q::Retries));
        for at in retried {
            if nouns.is_empty() || !self.text(at).ends_with("tried") {
                continue;
            }
            let bound = super::Bound { measure: Measure::total(Q::Retries), op: super::BoundOp::AtLeast, value: 1.0 };
            self.take_for(at, texts::bound(&bound));
            self.row_bounds.push(bound);
        }
    }

    fn read_quantities(&mut self) {
        let places = self.places(|sense| matches!(sense, Sense::Quantity(_)));
        let has_other =
            |draft: &Self| places.iter().any(|at| !matches!(draft.sense(*at), Some(Sense::Quantity(Q::Requests))));
        let strong = has_other(self);
        let mut statistics: Vec<Statistic> = Vec::new();
        let mut last = None;
        for at in places.iter().copied() {
            let Some(Sense::Quantity(quantity)) = self.open_sense(at) else { continue };
            let own = self.statistics_before(at);
            let is_joined = last.is_some_and(|last| self.are_joined(last, at));
            if !own.is_empty() {
                statistics = own;
            } else if !is_joined || !super::sentence::needs_statistic(*quantity) {
                // "Average latency and ttft" are both averages; "p95 latency and cost" is plain cost.
                statistics = self.statistics_behind(at);
            }
            if *quantity == Q::Requests && !self.keeps_requests(at, &places, strong) {
                self.take(at);
                continue;
            }
            self.add_quantity(at, *quantity, &statistics);
            last = Some(at);
        }
        if self.take_all(|sense| *sense == Sense::Usage) && self.measures.is_empty() {
            [Q::Requests, Q::Tokens, Q::Cost].into_iter().for_each(|q| self.add_measure(Measure::total(q)));
        }
    }

    /// "Requests" counts when nothing else is measured, or beside what it is joined to.
    fn keeps_requests(&self, at: usize, places: &[usize], strong: bool) -> bool {
        let is_joined = places.iter().any(|other| *other != at && self.are_joined(at, *other));
        let is_counted = at.checked_sub(1).is_some_and(|before| matches!(self.sense(before), Some(Sense::HowMany)));
        if self.rows && !is_joined {
            return false;
        }
        let has_strict = self.measures.iter().any(|measure| !matches!(measure.quantity, Q::Requests));
        let has_verb = self.has(|sense| matches!(sense, Sense::Verb(Q::Cost) | Sense::Usage | Sense::Fail))
            || self.has(|sense| matches!(sense, Sense::Superlative(_, Some(q)) if *q != Q::Requests));
        is_joined
            || !(strong || has_strict || (has_verb && !is_counted))
            || (is_counted && !strong && !has_strict && !self.has(|s| *s == Sense::Fail))
    }

    fn statistics_before(&mut self, at: usize) -> Vec<Statistic> {
        let mut found = Vec::new();
        let mut place = at;
        while let Some(before) = place.checked_sub(1) {
            place = before;
            match self.open_sense(before) {
                Some(Sense::Statistic(statistic)) => {
                    found.insert(0, *statistic);
                    self.take(before);
                }
                Some(Sense::And)
                    if before
                        .checked_sub(1)
                        .is_some_and(|b| matches!(self.open_sense(b), Some(Sense::Statistic(_)))) => {}
                Some(Sense::Stop) => {}
                _ => break,
            }
        }
        found
    }

    /// "Latency p95", "latency (median)".
    fn statistics_behind(&mut self, at: usize) -> Vec<Statistic> {
        let mut found = Vec::new();
        for next in at + 1..self.items.len() {
            match self.open_sense(next) {
                Some(Sense::Statistic(statistic)) => {
                    // It may belong to what follows.
                    let follows = self.next_loud(next + 1).and_then(|place| self.open_sense(place));
                    if matches!(follows, Some(Sense::Quantity(_))) {
                        break;
                    }
                    found.push(*statistic);
                    self.take(next);
                }
                Some(Sense::Stop) | None => {
                    if self.items.get(next).is_some_and(|item| !matches!(item.what, What::Word(_))) {
                        break;
                    }
                }
                Some(Sense::And) if !found.is_empty() => {}
                _ => break,
            }
        }
        found
    }

    fn add_quantity(&mut self, at: usize, quantity: Q, statistics: &[Statistic]) {
        let total = Measure::total(quantity);
        let wanted: Vec<Measure> = if statistics.is_empty() || statistics == [Statistic::Total] {
            vec![if total.is_valid() { total } else { self.plain_statistic(quantity) }]
        } else {
            statistics.iter().map(|statistic| self.with_statistic(at, quantity, *statistic)).collect()
        };
        for measure in wanted {
            self.take_for(at, texts::measure(measure));
            self.add_measure(measure);
        }
    }

    /// Slow and fast are about the 95th percentile, everything else about the mean.
    fn plain_statistic(&mut self, quantity: Q) -> Measure {
        let is_slow = self.has(|sense| matches!(sense, Sense::Superlative(_, Some(Q::Latency))));
        let statistic = if is_slow { Statistic::P95 } else { Statistic::Mean };
        let measure = Measure::of(quantity, statistic);
        let is_of_one = self.order.is_some() && (self.is_of_single_requests() || self.is_of_list());
        if !matches!(quantity, Q::SignalScore) && !is_of_one {
            self.assumptions.push(format!(
                "{} is the {}",
                super::vocabulary::phrase_of(quantity),
                texts::measure(measure)
            ));
        }
        measure
    }

    fn with_statistic(&mut self, at: usize, quantity: Q, statistic: Statistic) -> Measure {
        // The median cost per request is that of the cost.
        let quantity = match quantity {
            Q::CostPerRequest if is_of_distribution(statistic) => Q::Cost,
            Q::TokensPerRequest if is_of_distribution(statistic) => Q::Tokens,
            Q::InputTokensPerRequest if is_of_distribution(statistic) => Q::InputTokens,
            Q::OutputTokensPerRequest if is_of_distribution(statistic) => Q::OutputTokens,
            other => other,
        };
        let measure = Measure::of(quantity, statistic);
        let per_request = match quantity {
            Q::Cost => Some(Q::CostPerRequest),
            Q::Tokens => Some(Q::TokensPerRequest),
            Q::InputTokens => Some(Q::InputTokensPerRequest),
            Q::OutputTokens => Some(Q::OutputTokensPerRequest),
            _ => None,
        };
        match (statistic, per_request) {
            (Statistic::Mean, Some(ratio)) => {
                let ratio = Measure::total(ratio);
                self.assumptions.push(format!("the average is read as {}", texts::measure(ratio)));
                ratio
            }
            _ if measure.is_valid() => measure,
            // The mean of a rate is the rate: ratios are ratios of sums.
            (Statistic::Mean, None)
                if matches!(quantity.unit(), super::Unit::Ratio)
                    || quantity.as_str().contains("_per_")
                    || quantity == Q::BurnRate =>
            {
                Measure::total(quantity)
            }
            (Statistic::Total, _) => Measure::total(quantity),
            _ => {
                let reason =
                    format!("there is no {} of {}", statistic.as_str(), super::vocabulary::phrase_of(quantity));
                let plain = format!("{} by day", super::vocabulary::phrase_of(quantity));
                self.take(at);
                self.refuse(DeclineKind::Ambiguous, reason, &[&plain]);
                Measure::total(quantity)
            }
        }
    }

    pub(super) fn share_is_asked(&self) -> bool {
        self.has(|sense| *sense == Sense::Share)
    }

    /// "P95 by model" is of the latency.
    fn read_statistics_alone(&mut self) {
        for at in self.places(|sense| matches!(sense, Sense::Statistic(_))) {
            let Some(Sense::Statistic(statistic)) = self.open_sense(at) else { continue };
            match statistic {
                Statistic::Total => self.take(at),
                statistic if statistic.quantile().is_some() && self.measures.is_empty() => {
                    self.take(at);
                    self.assumptions.push("a percentile without a measure is of the latency".to_owned());
                    self.add_measure(Measure::of(Q::Latency, *statistic));
                }
                _ => {}
            }
        }
    }

    fn read_verbs(&mut self) {
        let money = self.places(|sense| matches!(sense, Sense::Verb(Q::Cost)));
        let uses = self.places(|sense| matches!(sense, Sense::Verb(Q::Requests)));
        let has_own = !self.measures.is_empty() || self.rows;
        for at in &money {
            self.take(*at);
        }
        if let Some(at) = money.first().filter(|_| !has_own) {
            let measure = Measure::total(Q::Cost);
            self.take_for(*at, texts::measure(measure));
            self.add_measure(measure);
        }
        for at in &uses {
            self.take(*at);
        }
        let is_measured = !self.measures.is_empty() || self.rows;
        if let Some(at) = uses.first().copied().filter(|_| !is_measured) {
            let is_much = self.has(|sense| *sense == Sense::HowMuch) && self.dimensions.is_empty();
            let wanted: &[Q] = if is_much { &[Q::Requests, Q::Tokens, Q::Cost] } else { &[Q::Requests] };
            for quantity in wanted {
                let measure = Measure::total(*quantity);
                self.take_for(at, texts::measure(measure));
                self.add_measure(measure);
            }
        }
    }

    /// "The slowest requests": rows, not sums.
    pub(super) fn is_of_single_requests(&self) -> bool {
        let noun = self
            .items
            .iter()
            .any(|item| matches!(item.what, What::Word(Sense::Quantity(Q::Requests) | Sense::Rows(View::Requests))));
        noun && self.dimensions.is_empty() && !self.has(|sense| matches!(sense, Sense::HowMany | Sense::Share))
    }

    /// The view that has all measures; counts of requests give way to those of another view.
    fn fit_view(&mut self) {
        if self.view == View::Budgets {
            self.fit_budgets();
            return;
        }
        let other = self.measures.iter().map(|measure| measure.quantity.view()).find(|view| *view != View::Requests);
        let Some(view) = other else {
            self.fit_requests();
            return;
        };
        self.measures.retain(|measure| !matches!(measure.quantity, Q::Requests | Q::Errors) || view == View::Requests);
        if self.measures.iter().any(|measure| measure.quantity.view() != view) {
            let reason = "these measures are of different things, which cannot stand in one table; ask for one of them";
            let first = self.measures.first().map(|m| texts::measure(*m)).unwrap_or_default();
            self.refuse(DeclineKind::Ambiguous, reason, &[&first]);
            return;
        }
        self.view = view;
        let reason = match view {
            View::RouteSteps => Dimension::DropReason,
            View::Incidents => Dimension::IncidentKind,
            _ => return,
        };
        for dimension in self.dimensions.iter_mut().filter(|dimension| **dimension == Dimension::ErrorKind) {
            *dimension = reason.clone();
        }
    }

    /// Requests that the sanitizer refused were refused for what they hold.
    fn fit_requests(&mut self) {
        let has_finding = self.filters.iter().any(|filter| {
            matches!(filter.dimension, Dimension::FindingCategory | Dimension::FindingKind) && !filter.negated
        });
        let is_finding_alone = has_finding && self.measures.is_empty() && !self.rows;
        if is_finding_alone {
            self.add_measure(Measure::total(Q::Findings));
            self.view = View::Findings;
        } else if has_finding && self.measures.iter().any(|measure| measure.quantity == Q::Refused) {
            self.add_filter(&Dimension::ErrorKind, &["content_blocked"], false);
        }
    }
}

const fn is_of_distribution(statistic: Statistic) -> bool {
    !matches!(statistic, Statistic::Total | Statistic::Mean)
}

/// The filter that a count of outcomes is, when it narrows another measure.
pub(super) fn narrowing(quantity: Q) -> Option<(Dimension, &'static str)> {
    Some(match quantity {
        Q::Ok => (Dimension::Outcome, "ok"),
        Q::Errors => (Dimension::Outcome, "error"),
        Q::Refused => (Dimension::Outcome, "refused"),
        Q::Disconnects => (Dimension::Outcome, "client_disconnected"),
        Q::CacheHits => (Dimension::Cache, "hit"),
        Q::CacheMisses => (Dimension::Cache, "miss"),
        Q::Failovers => (Dimension::FailedOver, "true"),
        _ => return None,
    })
}
