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
        self.turn_counts_into_filters();
        self.read_quantities();
        self.read_failing();
        self.read_statistics_alone();
        self.read_verbs();
        self.read_projection();
        self.read_superlatives();
        self.fit_view();
    }

    /// Whether the question is about routing taking candidates out.
    pub(super) fn is_routing(&self) -> bool {
        self.filters.iter().any(|filter| filter.dimension == Dimension::Layer)
            || self.dimensions.iter().any(|dimension| matches!(dimension, Dimension::Layer | Dimension::DropReason))
            || self.items.iter().any(|item| {
                matches!(item.what, What::Word(Sense::Value(Dimension::Layer, _)))
                    || (matches!(item.what, What::Word(Sense::Dropped)) && item.text.starts_with("rout"))
            })
    }

    fn read_routing(&mut self) {
        let places = self.places(|sense| *sense == Sense::Dropped);
        if places.is_empty() {
            return;
        }
        let has_candidate = self.filters.iter().any(|f| matches!(f.dimension, Dimension::Provider | Dimension::Model));
        let is_taken_out =
            places.iter().any(|at| !self.text(*at).starts_with("drop") && !self.text(*at).starts_with("rout"));
        if self.is_routing() || (has_candidate && is_taken_out) {
            places.iter().for_each(|at| self.take(*at));
            let has_own = self.has(|sense| matches!(sense, Sense::Quantity(Q::RoutingDrops | Q::RequestsWithDrops)));
            if !has_own {
                self.add_measure(Measure::total(Q::RequestsWithDrops));
                self.take_nouns();
            }
        } else if places.iter().all(|at| self.text(*at).starts_with("drop")) && self.compare.is_some() {
            places.iter().for_each(|at| self.take(*at));
        }
    }

    /// Accounts for "requests" where another measure counts them.
    fn take_nouns(&mut self) {
        self.take_all(|sense| {
            matches!(sense, Sense::Quantity(Q::Requests) | Sense::Rows(View::Requests) | Sense::Verb(Q::Requests))
        });
    }

    fn read_budget(&mut self) {
        let has_budget = self.has(|sense| {
            matches!(
                sense,
                Sense::Budget | Sense::Quantity(Q::BudgetUsed | Q::BudgetLimit | Q::BudgetSpent | Q::BudgetRemaining)
            )
        }) || self
            .items
            .iter()
            .any(|item| matches!(item.what, What::Word(Sense::CloseTo)) && item.text.contains("budget"));
        if !has_budget {
            return;
        }
        let is_close = self.take_all(|sense| *sense == Sense::CloseTo);
        let is_left = self.take_all(|sense| *sense == Sense::Left);
        let budgets = self.take_all(|sense| *sense == Sense::Budget);
        if is_close {
            self.add_measure(Measure::total(Q::BudgetUsed));
            self.order = Some(super::Order { by: super::OrderBy::Time, descending: true });
        } else if is_left {
            self.add_measure(Measure::total(Q::BudgetRemaining));
        } else if budgets && !self.has(|sense| matches!(sense, Sense::Quantity(q) if q.view() == View::Budgets)) {
            let has_money = self.take_all(|sense| matches!(sense, Sense::Quantity(Q::Cost) | Sense::Verb(Q::Cost)));
            let all = [Q::BudgetSpent, Q::BudgetLimit, Q::BudgetUsed];
            for quantity in all.into_iter().take(if has_money { 1 } else { 3 }) {
                self.add_measure(Measure::total(quantity));
            }
        }
        self.take_all(|sense| matches!(sense, Sense::Usage | Sense::Verb(Q::Cost | Q::Requests)));
        self.view = View::Budgets;
    }

    /// In budgets a project, a key … is the owner of a budget of that scope.
    fn fit_budgets(&mut self) {
        let scope = |dimension: &Dimension| match dimension {
            Dimension::Key | Dimension::Project | Dimension::Team | Dimension::Requester | Dimension::Provider => {
                Some(dimension.as_str())
            }
            _ => None,
        };
        for dimension in std::mem::take(&mut self.dimensions) {
            match scope(&dimension) {
                Some(name) => {
                    self.add_filter(&Dimension::BudgetScope, &[name], false);
                    self.add_dimension(Dimension::BudgetOwner);
                }
                None => self.add_dimension(dimension),
            }
        }
        for filter in std::mem::take(&mut self.filters) {
            let values: Vec<&str> = filter.values.iter().map(String::as_str).collect();
            match scope(&filter.dimension) {
                Some(name) => {
                    self.add_filter(&Dimension::BudgetScope, &[name], false);
                    self.add_filter(&Dimension::BudgetOwner, &values, filter.negated);
                }
                None => self.add_filter(&filter.dimension, &values, filter.negated),
            }
        }
        if self.dimensions.is_empty() && !self.filters.iter().any(|f| f.dimension == Dimension::BudgetOwner) {
            self.add_dimension(Dimension::BudgetScope);
            self.add_dimension(Dimension::BudgetOwner);
        }
        let now = self.clock.now.unix_us;
        let is_named = self.window.as_ref().is_some_and(|window| !window.assumed);
        if is_named {
            self.assumptions.push("budgets are shown for their running period, whatever the time asked for".to_owned());
        }
        self.window =
            Some(super::Window { from_us: now - 1_000_000, to_us: now, label: "now".to_owned(), assumed: true });
        self.compare = None;
    }

    /// "How much money did the cache save": the money is what was saved.
    fn read_saving(&mut self) {
        let saves = self.places(|sense| *sense == Sense::Save);
        if !saves.is_empty() {
            let place = saves.first().copied().unwrap_or_default();
            saves.iter().for_each(|at| self.take(*at));
            self.take_all(|sense| matches!(sense, Sense::Quantity(Q::Cost) | Sense::Verb(Q::Cost) | Sense::CacheWord));
            let measure = Measure::total(Q::Saved);
            self.take_for(place, texts::measure(measure));
            self.add_measure(measure);
        }
        let is_about_cache = self
            .has(|sense| matches!(sense, Sense::Quantity(Q::Saved | Q::CacheHitRate | Q::CacheHits | Q::CacheMisses)));
        if is_about_cache {
            self.take_all(|sense| *sense == Sense::CacheWord);
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
        if !matches!(quantity, Q::SignalScore) {
            self.assumptions.push(format!(
                "{} is the {}",
                super::vocabulary::phrase_of(quantity),
                texts::measure(measure)
            ));
        }
        measure
    }

    fn with_statistic(&mut self, at: usize, quantity: Q, statistic: Statistic) -> Measure {
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

    /// Of providers calls fail, which failover hides in the records; of all others their errors are meant.
    fn read_failing(&mut self) {
        let places = self.places(|sense| *sense == Sense::Fail);
        let caused = self.places(|sense| *sense == Sense::Caused);
        let by_provider =
            self.dimensions.contains(&Dimension::Provider) && !self.measures.contains(&Measure::total(Q::Requests));
        let was_errors = self.previous.is_some_and(|previous| {
            previous
                .measures
                .iter()
                .any(|m| matches!(m.quantity, Q::Errors | Q::ErrorRate | Q::FailedAttempts | Q::AttemptFailureRate))
        });
        let has_errors = self.measures.iter().any(|m| matches!(m.quantity, Q::Errors | Q::ErrorRate));
        let measure = if by_provider { Measure::total(Q::FailedAttempts) } else { Measure::total(Q::Errors) };
        if !caused.is_empty() && (was_errors || has_errors) {
            caused.iter().for_each(|at| self.take(*at));
            self.measures.retain(|m| !matches!(m.quantity, Q::Errors | Q::ErrorRate));
            self.add_measure(measure);
            self.order.get_or_insert(super::Order { by: super::OrderBy::Measure(measure), descending: true });
        }
        let Some(at) = places.first().copied() else { return };
        places.iter().for_each(|at| self.take(*at));
        let is_negated = self.take_negation(at);
        let is_part = is_negated || self.rows || self.share_is_asked() || !self.measures.is_empty();
        if is_part && !by_provider {
            let is_of_attempts = self.measures.iter().any(|m| m.quantity == Q::Errors);
            if !is_of_attempts {
                self.add_filter(&Dimension::Outcome, &["error"], is_negated);
                let text = self.filters.last().map(texts::filter).unwrap_or_default();
                self.take_for(at, text);
            }
            if self.measures.is_empty() && !self.rows {
                self.add_measure(Measure::total(Q::Requests));
            }
        } else {
            self.measures.retain(|m| m.quantity != Q::Errors);
            self.take_for(at, texts::measure(measure));
            self.add_measure(measure);
            if by_provider {
                self.assumptions.push(
                    "failures of providers are failed upstream calls, those that failover hid included".to_owned(),
                );
            }
        }
    }

    fn share_is_asked(&self) -> bool {
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

    /// "What will we spend this month": the cost is projected.
    fn read_projection(&mut self) {
        let place = self.places(|sense| *sense == Sense::Projected).first().copied();
        let Some(at) = place else { return };
        let has_projection = self.measures.iter().any(|measure| measure.quantity == Q::Projection);
        if let [measure] = self.measures.as_mut_slice()
            && measure.quantity == Q::Cost
        {
            *measure = Measure::total(Q::Projection);
            let text = texts::measure(*measure);
            self.take_for(at, text);
            self.take_all(|sense| *sense == Sense::Projected);
        } else if has_projection {
            self.take_all(|sense| *sense == Sense::Projected);
        }
    }

    /// "Slowest provider", "cheapest model": what the word itself measures, where nothing else does.
    fn read_superlatives(&mut self) {
        if self.read_extreme_rows() {
            return;
        }
        let own = (0..self.items.len()).find_map(|at| match self.sense(at) {
            Some(Sense::Superlative(_, Some(quantity))) => Some((at, *quantity)),
            _ => None,
        });
        let Some((at, quantity)) = own.filter(|_| self.measures.is_empty()) else { return };
        let measure = if quantity == Q::Latency {
            let measure = Measure::of(quantity, Statistic::P95);
            if !self.rows {
                self.assumptions.push("slow and fast are read as p95 latency".to_owned());
            }
            measure
        } else {
            Measure::total(quantity)
        };
        if self.is_of_single_requests() {
            self.rows = true;
            self.take_nouns();
            let by = super::OrderBy::Measure(Measure::total(quantity));
            let descending = self.order.as_ref().is_none_or(|order| order.descending);
            self.order = Some(super::Order { by, descending });
            self.limit.get_or_insert(Self::rows_assumed());
            return;
        }
        self.take_for(at, texts::measure(measure));
        self.add_measure(measure);
    }

    /// "Requests with the highest cost", "largest requests": rows in that order. "Highest latency": the maximum.
    fn read_extreme_rows(&mut self) -> bool {
        let is_extreme = self.has(|sense| matches!(sense, Sense::Superlative(_, None) | Sense::Top(_)));
        let Some(order) = self.order.clone().filter(|_| is_extreme && self.dimensions.is_empty() && !self.drivers)
        else {
            return false;
        };
        let is_fragment = self.previous.is_some_and(|previous| !previous.dimensions.is_empty());
        let own: Vec<Measure> = self.measures.iter().copied().filter(|m| m.quantity != Q::Requests).collect();
        let single = match own.as_slice() {
            [] if self.is_of_single_requests() => Some(Q::Tokens),
            [measure] if measure.quantity.is_of_rows() => Some(measure.quantity),
            _ => None,
        };
        let Some(quantity) = single.filter(|_| !is_fragment && self.view == View::Requests) else { return false };
        if self.is_of_single_requests() {
            if own.is_empty() {
                self.assumptions.push("the size of a request is read as its tokens".to_owned());
            }
            self.rows = true;
            self.take_nouns();
            self.order = Some(super::Order {
                by: super::OrderBy::Measure(Measure::total(quantity)),
                descending: order.descending,
            });
            self.limit.get_or_insert(Self::rows_assumed());
        } else {
            let statistic = if order.descending { Statistic::Max } else { Statistic::Min };
            self.measures = vec![Measure::of(quantity, statistic)];
            self.order = None;
            self.limit = None;
        }
        true
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
