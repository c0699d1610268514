//! Measures that are more than a word: budgets, routing, savings, failures, projections, extremes.

use super::{Dimension, Measure, Quantity as Q, Statistic, View, draft::Draft, link::What, senses::Sense, texts};

impl Draft<'_> {
    /// Whether the question is about routing taking candidates out.
    pub(super) fn is_routing(&self) -> bool {
        self.filters.iter().any(|filter| filter.dimension == Dimension::Layer)
            || self.dimensions.iter().any(|dimension| matches!(dimension, Dimension::Layer | Dimension::DropReason))
            || self.items.iter().any(|item| {
                matches!(item.what, What::Word(Sense::Value(Dimension::Layer, _)))
                    || (matches!(item.what, What::Word(Sense::Dropped)) && item.text.starts_with("rout"))
            })
    }

    pub(super) fn read_routing(&mut self) {
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

    pub(super) fn read_budget(&mut self) {
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
    pub(super) fn fit_budgets(&mut self) {
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
    pub(super) fn read_saving(&mut self) {
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

    /// Of providers calls fail, which failover hides in the records; of all others their errors are meant.
    pub(super) fn read_failing(&mut self) {
        let places = self.places(|sense| *sense == Sense::Fail);
        let caused = self.places(|sense| *sense == Sense::Caused);
        let by_provider = self.dimensions.contains(&Dimension::Provider)
            && !self.measures.contains(&Measure::total(Q::Requests))
            && !self.share_is_asked();
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

    /// "What will we spend this month": the cost is projected.
    pub(super) fn read_projection(&mut self) {
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

    /// "Cheapest model per request", "cost of x per million tokens": the ratio in the place of the sum.
    pub(super) fn read_per_many(&mut self) {
        let place = self.places(|sense| matches!(sense, Sense::PerMany(_))).first().copied();
        let Some((at, Sense::PerMany(ratio))) = place.and_then(|at| Some((at, self.open_sense(at)?))) else { return };
        if self.measures.is_empty()
            && let Some(previous) = self.previous.filter(|_| !self.has(|sense| matches!(sense, Sense::Superlative(..))))
        {
            previous.measures.iter().for_each(|measure| self.add_measure(*measure));
        }
        let is_dear =
            self.measures.is_empty() && self.has(|sense| matches!(sense, Sense::Superlative(_, Some(Q::Cost))));
        if is_dear {
            self.take_for(at, texts::measure(Measure::total(*ratio)));
            self.add_measure(Measure::total(*ratio));
            return;
        }
        let per_request = *ratio == Q::CostPerRequest;
        let replaced = |measure: &Measure| match (measure.quantity, measure.statistic) {
            (Q::Cost, Statistic::Total) => Some(Measure::total(*ratio)),
            (Q::Tokens, Statistic::Total) if per_request => Some(Measure::total(Q::TokensPerRequest)),
            (Q::InputTokens, Statistic::Total) if per_request => Some(Measure::total(Q::InputTokensPerRequest)),
            (Q::OutputTokens, Statistic::Total) if per_request => Some(Measure::total(Q::OutputTokensPerRequest)),
            // A statistic is of single requests already, and "average cost" was read as the ratio.
            (_, statistic) if per_request && statistic != Statistic::Total => Some(*measure),
            (quantity, _) if quantity == *ratio => Some(*measure),
            _ => None,
        };
        // "Average cost per million tokens".
        let is_average = *ratio != Q::CostPerRequest && self.measures == [Measure::total(Q::CostPerRequest)];
        let measures: Option<Vec<Measure>> =
            if is_average { Some(vec![Measure::total(*ratio)]) } else { self.measures.iter().map(replaced).collect() };
        if let Some(measures) = measures.filter(|measures| !measures.is_empty()) {
            self.measures.clear();
            measures.iter().for_each(|measure| self.add_measure(*measure));
            let text = measures.first().map(|measure| texts::measure(*measure)).unwrap_or_default();
            self.take_for(at, text);
        }
    }

    /// "Slowest provider", "cheapest model": what the word itself measures, where nothing else does.
    pub(super) fn read_superlatives(&mut self) {
        if self.read_extreme_rows() || self.read_extreme_others() {
            return;
        }
        let own = (0..self.items.len()).find_map(|at| match self.sense(at) {
            Some(Sense::Superlative(_, Some(quantity))) => Some((at, *quantity)),
            _ => None,
        });
        // "Which one took the longest" of what was listed.
        let is_of_list = self.is_of_list();
        let is_said = own.is_some_and(|(_, quantity)| self.measures.iter().all(|measure| measure.quantity == quantity));
        if is_of_list && is_said {
            self.measures.clear();
        }
        let Some((at, quantity)) = own.filter(|_| self.measures.is_empty()) else { return };
        let is_of_rows = quantity.is_of_rows() || self.rows;
        // "The 5 slowest" of what was counted or listed.
        let is_of_listed = self.dimensions.is_empty()
            && self.previous.is_some_and(|previous| {
                previous.view == View::Requests && (previous.rows || previous.dimensions.is_empty())
            });
        if is_of_rows && (self.is_of_single_requests() || is_of_listed) {
            self.rows = true;
            self.take_nouns();
            let by = super::OrderBy::Measure(Measure::total(quantity));
            let descending = self.order.as_ref().is_none_or(|order| order.descending);
            self.order = Some(super::Order { by, descending });
            self.limit.get_or_insert(self.requests_assumed());
            // What was refused at once is not what was fast.
            if quantity == Q::Latency && !descending && !self.filters.iter().any(|f| f.dimension == Dimension::Outcome)
            {
                self.add_filter(&Dimension::Outcome, &["ok"], false);
                self.assumptions.push("the fastest are looked for among those that ended ok".to_owned());
            }
            return;
        }
        // The most common kind of error is that of most errors.
        let quantity = self.counted_kinds().filter(|_| quantity == Q::Requests).unwrap_or(quantity);
        let measure = if quantity == Q::Latency {
            if !self.rows {
                self.assumptions.push("slow and fast are read as p95 latency".to_owned());
            }
            Measure::of(quantity, Statistic::P95)
        } else {
            Measure::total(quantity)
        };
        self.take_for(at, texts::measure(measure));
        self.add_measure(measure);
    }

    /// "The longest incident", "the worst signals": rows of other views by what they have; never by their time instead.
    fn read_extreme_others(&mut self) -> bool {
        // "Incidents with the longest duration", "signals with the lowest score".
        if let [noun, of] = self.measures.as_slice()
            && matches!(noun.quantity, Q::Incidents | Q::Attempts | Q::Signals)
            && of.quantity.view() == noun.quantity.view()
            && of.quantity.is_of_rows()
            && self.dimensions.is_empty()
            && !self.has(|sense| *sense == Sense::HowMany)
            && let Some(order) = self.order.clone()
        {
            let by = super::OrderBy::Measure(Measure::total(of.quantity));
            self.view = noun.quantity.view();
            self.rows = true;
            self.order = Some(super::Order { by, descending: order.descending });
            self.limit.get_or_insert(Self::rows_assumed());
            return true;
        }
        let extreme = (0..self.items.len()).find_map(|at| match self.sense(at) {
            Some(Sense::Superlative(_, quantity)) => Some(*quantity),
            Some(Sense::Best(_) | Sense::Top(_)) => Some(None),
            _ => None,
        });
        let Some(extreme) = extreme.filter(|_| self.rows && self.view != View::Requests) else { return false };
        let quantity = match (self.view, extreme) {
            (View::Incidents, Some(Q::Latency)) => Some(Q::IncidentDuration),
            (View::Incidents, None) => Some(Q::ImpactedRequests),
            (View::Attempts, Some(Q::Latency)) => Some(Q::AttemptLatency),
            (View::Signals, None) => Some(Q::SignalScore),
            _ => None,
        };
        let Some(quantity) = quantity else {
            let reason = "it is not said by what these rows are ordered";
            self.refuse(
                super::DeclineKind::Ambiguous,
                reason,
                &["the longest incident", "the 10 slowest requests today"],
            );
            return true;
        };
        let descending = self.order.as_ref().is_none_or(|order| order.descending);
        self.order = Some(super::Order { by: super::OrderBy::Measure(Measure::total(quantity)), descending });
        let is_one = self
            .items
            .iter()
            .any(|item| matches!(item.sense(), Some(Sense::Quantity(q)) if q.view() == self.view) && !item.is_plural);
        self.limit.get_or_insert(if is_one { 1 } else { Self::rows_assumed() });
        true
    }

    /// Whether the question before was a list, and this one is about its rows.
    pub(super) fn is_of_list(&self) -> bool {
        self.dimensions.is_empty() && self.previous.is_some_and(|previous| previous.rows)
    }

    /// How many requests are meant where no number says it.
    fn requests_assumed(&self) -> u32 {
        let is_one = self.items.iter().any(|item| matches!(item.text.as_str(), "one" | "which one" | "that one"));
        if is_one || self.is_single_request() { 1 } else { Self::rows_assumed() }
    }

    /// "Requests with the highest cost", "largest requests": rows in that order. "Highest latency": the maximum.
    pub(super) fn read_extreme_rows(&mut self) -> bool {
        // "The top 10 most expensive requests" says itself by what.
        let is_extreme = self.has(|sense| matches!(sense, Sense::Superlative(_, None) | Sense::Top(_)))
            && !self.has(|sense| matches!(sense, Sense::Superlative(_, Some(_))));
        let Some(order) = self
            .order
            .clone()
            .filter(|_| is_extreme && self.dimensions.is_empty() && !self.drivers && self.compare.is_none())
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
            self.limit.get_or_insert(self.requests_assumed());
        } else {
            let statistic = if order.descending { Statistic::Max } else { Statistic::Min };
            self.measures = vec![Measure::of(quantity, statistic)];
            self.order = None;
            self.limit = None;
        }
        true
    }
}
