//! Shape: rows, the order, and what nobody said.

use super::{
    CompareKind, DeclineKind, Dimension, Measure, Order, OrderBy, Quantity as Q, Statistic, View, Window,
    bounding::is_row_noun, draft::Draft, link::What, senses::Sense,
};

impl Draft<'_> {
    /// `show me the requests`, `list incidents`: the rows themselves.
    pub(super) fn read_rows(&mut self) {
        let lists = self.places(|sense| *sense == Sense::List);
        let asks = self.places(|sense| *sense == Sense::Which);
        let nouns: Vec<usize> = self
            .places(|sense| matches!(sense, Sense::Quantity(q) if is_row_noun(*q)) || matches!(sense, Sense::Rows(_)));
        let is_counted = self.has(|sense| matches!(sense, Sense::HowMany | Sense::HowMuch | Sense::Share));
        // "Which requests failed", "list errors", "show me the incidents".
        let is_led = |at: &usize, leads: &[usize]| {
            leads.iter().any(|lead| {
                lead < at
                    && (lead + 1..*at).all(|between| {
                        self.is_silent(between)
                            || matches!(
                                self.items.get(between).map(|item| &item.what),
                                Some(
                                    What::Name { .. }
                                        | What::Number(_)
                                        | What::Word(
                                            Sense::Value(..)
                                                | Sense::Latest(_)
                                                | Sense::Superlative(..)
                                                | Sense::Quantity(_)
                                                | Sense::Fail
                                        )
                                )
                            )
                    })
            })
        };
        // "The most common errors" are kinds of errors.
        let is_of_kinds = self.has(|sense| matches!(sense, Sense::Superlative(_, Some(Q::Requests))))
            && self.dimensions.is_empty()
            && !nouns.is_empty()
            && nouns.iter().all(|at| matches!(self.sense(*at), Some(Sense::Quantity(Q::Errors))));
        if is_of_kinds {
            self.add_dimension(Dimension::ErrorKind);
            return;
        }
        let is_listed = nouns.iter().any(|at| is_led(at, &lists) || is_led(at, &asks));
        let has_groups = self.items.iter().any(|item| !item.is_used && item.dimension().is_some())
            || self.has(|sense| matches!(sense, Sense::Grain(_) | Sense::Trend | Sense::Who | Sense::By));
        let has_measure = self.has(|sense| match sense {
            Sense::Quantity(quantity) => !is_row_noun(*quantity),
            Sense::Usage => true,
            _ => false,
        });
        let is_when = self.has(|sense| *sense == Sense::WhenWas);
        let is_rows_word = self.has(|sense| matches!(sense, Sense::Rows(_)));
        if is_when && (self.read_when_ranked() || self.read_peak(has_measure)) {
            return;
        }
        if is_when {
            self.take_all(|sense| *sense == Sense::WhenWas);
            self.rows = true;
            self.limit.get_or_insert(1);
            self.order.get_or_insert(Order { by: OrderBy::Time, descending: true });
            self.take_all(|sense| matches!(sense, Sense::Verb(_)));
        }
        let incidents = nouns.iter().any(|at| matches!(self.sense(*at), Some(Sense::Quantity(Q::Incidents))));
        let is_plain_incidents =
            incidents && !is_counted && !has_groups && !has_measure && self.compare.is_none() && !self.drivers;
        // "List them": the rows of what was counted.
        let is_same =
            self.previous.is_some() && !lists.is_empty() && nouns.is_empty() && self.has(|s| *s == Sense::Same);
        let is_list = (is_same || is_listed || is_rows_word) && !has_groups && !has_measure && !is_counted;
        if is_list || is_plain_incidents {
            self.rows = true;
        }
        if !self.rows {
            return;
        }
        self.take_all(|sense| matches!(sense, Sense::List | Sense::Rows(_)));
        let view = nouns.iter().find_map(|at| match self.sense(*at) {
            Some(Sense::Quantity(quantity)) => Some(quantity.view()).filter(|view| *view != View::Requests),
            _ => None,
        });
        if let Some(view) = view {
            self.view = view;
            self.take_all(|sense| matches!(sense, Sense::Quantity(q) if q.view() == view && *q != Q::FailedAttempts));
            if self.take_all(|sense| matches!(sense, Sense::Quantity(Q::FailedAttempts))) {
                self.add_filter(&Dimension::Outcome, &["error"], false);
            }
        }
        if self.view == View::Requests {
            self.take_all(|sense| matches!(sense, Sense::Quantity(Q::Requests)));
        }
        if self.order.is_none() && self.view == View::Requests {
            self.take_count(&nouns);
            self.limit.get_or_insert(100);
        }
    }

    /// "When was the cheapest day": which day it was.
    fn read_when_ranked(&mut self) -> bool {
        let has_piece = self
            .items
            .iter()
            .any(|item| item.dimension().is_some_and(|dimension| dimension.is_grain() || dimension.is_cyclic()));
        let is_ranked = self.has(|sense| matches!(sense, Sense::Superlative(..) | Sense::Best(_)));
        has_piece && is_ranked && self.take_all(|sense| *sense == Sense::WhenWas)
    }

    /// "When did cost peak", "when were errors highest": a course over time, whose highest is told.
    fn read_peak(&mut self, has_measure: bool) -> bool {
        let is_extreme = |sense: &Sense| {
            matches!(
                sense,
                Sense::Superlative(_, None) | Sense::Statistic(Statistic::Max | Statistic::Min) | Sense::Change(_)
            )
        };
        if !has_measure && !self.has(is_extreme) {
            return false;
        }
        self.take_all(|sense| *sense == Sense::WhenWas || is_extreme(sense));
        (self.order, self.limit) = (None, None);
        let window = self.window.clone().unwrap_or_else(|| self.assumed_window());
        let grain = super::timing::grain_of(&window);
        self.assumptions.push(format!("when is looked for by {}", super::texts::dimension(&grain)));
        self.add_dimension(grain);
        true
    }

    /// Fills what nobody said, and says so.
    pub(super) fn settle(&mut self) {
        self.settle_measures();
        self.settle_share();
        let window = self.settle_window();
        self.settle_projection(&window);
        self.settle_order();
        self.settle_rows();
        // A group of one value is a total.
        let single: Vec<Dimension> = self
            .filters
            .iter()
            .filter(|filter| !filter.negated && filter.values.len() == 1)
            .map(|filter| filter.dimension.clone())
            .collect();
        if self.previous.is_some() && !self.drivers {
            self.dimensions.retain(|dimension| !single.contains(dimension));
            if self.dimensions.is_empty() {
                self.order = self.order.take().filter(|_| self.rows);
                self.limit = self.limit.filter(|_| self.rows);
                self.first = false;
            }
        }
        if self.cumulative && !self.dimensions.iter().any(Dimension::is_grain) {
            self.cumulative = false;
        }
    }

    fn settle_measures(&mut self) {
        if !self.measures.is_empty() || self.rows {
            return;
        }
        let is_ranked = self.order.is_some() || !self.dimensions.is_empty();
        let parts = self.share.iter().flat_map(|share| &share.part);
        let has_bounds =
            !self.row_bounds.is_empty() || self.share.as_ref().is_some_and(|share| !share.bounds.is_empty());
        let narrows = self.filters.iter().chain(parts).any(|filter| {
            matches!(
                filter.dimension,
                Dimension::ErrorKind
                    | Dimension::Status
                    | Dimension::Outcome
                    | Dimension::Streamed
                    | Dimension::FailedOver
                    | Dimension::Cache
            )
        });
        if narrows || has_bounds {
            self.add_measure(Measure::total(Q::Requests));
        } else if let Some(quantity) = self.counted_kinds() {
            self.add_measure(Measure::total(quantity));
        } else if is_ranked || self.drivers {
            self.assumptions.push("nothing was said to measure: it is the cost".to_owned());
            self.add_measure(Measure::total(Q::Cost));
        } else if !self.filters.is_empty() || self.window.is_some() {
            self.assumptions.push("nothing was said to measure: requests, tokens and cost are shown".to_owned());
            [Q::Requests, Q::Tokens, Q::Cost].into_iter().for_each(|q| self.add_measure(Measure::total(q)));
        }
    }

    /// "What types of errors did we have": errors by kind, and not what they cost.
    pub(super) fn counted_kinds(&self) -> Option<Q> {
        if !self.dimensions.contains(&Dimension::ErrorKind) {
            return None;
        }
        let kind = self.items.iter().find(|item| item.dimension() == Some(&Dimension::ErrorKind))?;
        let has = |part: &str| kind.text.contains(part);
        if has("refus") || has("block") { Some(Q::Refused) } else { (has("error") || has("fail")).then_some(Q::Errors) }
    }

    /// Only what adds up has shares; a rate is one already.
    fn settle_share(&mut self) {
        let Some(measure) = self.measures.iter().find(|measure| !measure.is_additive()).copied() else { return };
        if self.share.is_none() {
            return;
        }
        if measure.quantity.unit() == super::Unit::Ratio && self.measures.len() == 1 {
            self.share = None;
            return;
        }
        let reason = format!("there are no shares of the {}, which does not add up", super::texts::measure(measure));
        self.refuse(DeclineKind::Ambiguous, reason, &["share of cost by model"]);
    }

    fn settle_window(&mut self) -> Window {
        if let Some(window) = &self.window {
            return window.clone();
        }
        let is_ever = self.rows && self.limit == Some(1) && matches!(self.order, Some(Order { by: OrderBy::Time, .. }));
        let is_state = self.filters.iter().any(|filter| filter.dimension == Dimension::IncidentState);
        let has_burn = self.measures.iter().any(|measure| {
            matches!(measure.quantity, Q::BurnRate | Q::RequestsPerDay | Q::TokensPerDay)
                && measure.statistic == Statistic::Total
        });
        let now = self.has(|_| false)
            || self.items.iter().any(|item| matches!(item.what, What::When(super::dates::When::Now)));
        let window = if is_ever || is_state {
            self.all_time()
        } else if has_burn {
            self.days_until_now(7)
        } else if now && self.view == View::Requests && self.previous.is_none() {
            let now = self.clock.now.unix_us;
            Window { from_us: now - 3_600_000_000, to_us: now, label: "last hour".to_owned(), assumed: true }
        } else {
            self.assumed_window()
        };
        if !self.measures.iter().any(|measure| measure.quantity == Q::Projection) {
            self.assumptions.push(format!("no time was said: {}", window.label));
        }
        if let Some(compare) = &self.compare
            && compare.kind != CompareKind::Named
        {
            self.compare = self.clock.previous_of(window.from_us, window.to_us);
        }
        self.window = Some(window.clone());
        window
    }

    fn days_until_now(&self, days: i64) -> Window {
        let now = self.clock.now.unix_us;
        let today = self.clock.start_of(super::dates::CalendarUnit::Day, now).unwrap_or(now);
        let from_us = self.clock.moved(today, super::dates::CalendarUnit::Day, 1 - days).unwrap_or(0).max(0);
        Window { from_us, to_us: now, label: format!("last {days} days"), assumed: true }
    }

    /// A projection is of the running month.
    fn settle_projection(&mut self, window: &Window) {
        if !self.measures.iter().any(|measure| measure.quantity == Q::Projection) {
            return;
        }
        let now = self.clock.now.unix_us;
        let month = super::dates::CalendarUnit::Month;
        let Some(from_us) = self.clock.start_of(month, now).filter(|from| *from < now) else { return };
        if !window.assumed && window.from_us != from_us {
            let reason = "only the running month can be projected";
            self.refuse(DeclineKind::Forecast, reason, &["projected month end", "cost this month by day"]);
        }
        self.window = Some(Window { from_us, to_us: now, label: "this month".to_owned(), assumed: window.assumed });
    }

    /// By what the rows stand, now that the measures are known.
    fn settle_order(&mut self) {
        self.first |= self.take_all(|sense| *sense == Sense::FirstRow);
        let Some(order) = self.order.clone() else { return };
        if self.rows {
            return;
        }
        if self.compare.is_none() && !self.rank_by_own() {
            return;
        }
        let Some(measure) = self.measures.first().copied() else { return };
        let is_of_change = self.compare.is_some() && self.has(|sense| matches!(sense, Sense::Change(_)));
        let descending = (0..self.items.len())
            .find_map(|at| match self.sense(at) {
                Some(Sense::Best(is_best)) => Some(*is_best == is_more_better(measure.quantity)),
                _ => None,
            })
            .unwrap_or(order.descending);
        let by = match order.by {
            OrderBy::Time if is_of_change => OrderBy::Change,
            OrderBy::Time => OrderBy::Measure(measure),
            by => by,
        };
        let fell = self.has(|sense| *sense == Sense::Change(Some(false)));
        let is_flipped = (fell && by == OrderBy::Change) || self.is_ranked_against(measure.quantity);
        self.order = Some(Order { descending: descending != is_flipped, by });
        if self.dimensions.is_empty() {
            // "How slow is x", "the biggest rise in cost": there is nothing to rank.
            let is_plain = self.has(|sense| matches!(sense, Sense::Superlative(_, Some(_))))
                && !self.has(|sense| matches!(sense, Sense::Superlative(_, None) | Sense::Top(_)));
            if (is_plain && self.limit.is_none()) || self.compare.is_some() {
                (self.order, self.limit) = (None, None);
                return;
            }
            let reason = "it is not said of which groups the first are asked, such as models, teams or projects";
            self.refuse(DeclineKind::Ambiguous, reason, &["top 5 models by cost this month"]);
            return;
        }
        if self.ranks_within_groups() {
            let text = "every pair is shown, the first of all first: the first of each group are among them";
            self.assumptions.push(text.to_owned());
            self.limit = None;
            self.first = false;
            return;
        }
        let is_series = self.dimensions.iter().any(Dimension::is_grain) && self.dimensions.len() == 1;
        if self.limit.is_none() && !is_series {
            self.limit = Some(Self::rows_assumed());
        }
    }

    /// "The most reliable by success rate", "the slowest by throughput": the word ranks the other way than the measure.
    fn is_ranked_against(&self, measure: Q) -> bool {
        let is_against =
            |own: Q| matches!((own, measure), (Q::ErrorRate, Q::SuccessRate | Q::Ok) | (Q::Latency, Q::Throughput));
        self.has(|sense| matches!(sense, Sense::Superlative(_, Some(own)) if is_against(*own)))
    }

    /// "Cost of the slowest models" is ranked by how slow they are; "cost of slow requests" does not say what is slow.
    fn rank_by_own(&mut self) -> bool {
        let own = (0..self.items.len()).find_map(|at| match self.sense(at) {
            Some(Sense::Superlative(_, Some(quantity))) => Some((at, *quantity)),
            _ => None,
        });
        let Some((at, quantity)) = own.filter(|(_, own)| !self.measures.iter().any(|m| is_about(*own, m.quantity)))
        else {
            return true;
        };
        if self.dimensions.is_empty() {
            let reason = format!("it is not said what \"{}\" means here", self.text(at));
            self.refuse(
                DeclineKind::Ambiguous,
                reason,
                &["the 10 slowest requests today", "requests that took longer than 10 seconds today"],
            );
            return false;
        }
        let statistic = if quantity == Q::Latency { Statistic::P95 } else { Statistic::Total };
        self.measures.insert(0, Measure::of(quantity, statistic));
        self.view == quantity.view()
    }

    /// "The top model of each team", "top 3 models per project": ranks within groups, which are not cut off.
    fn ranks_within_groups(&self) -> bool {
        let each = (0..self.items.len()).any(|at| {
            let is_each = self.sense(at) == Some(&Sense::Per)
                || (self.sense(at) == Some(&Sense::By)
                    && ["each", "every"].iter().any(|word| self.text(at).ends_with(word)));
            is_each
                && self.next_loud(at + 1).and_then(|next| self.items.get(next)).is_some_and(|i| i.dimension().is_some())
        });
        each && self.dimensions.len() > 1 && !self.dimensions.iter().any(Dimension::is_grain)
    }

    fn settle_rows(&mut self) {
        if self.rows {
            self.dimensions.clear();
            self.measures.clear();
            self.having.clear();
            self.first = false;
            if let Some(Order { by: OrderBy::Measure(measure), .. }) = &mut self.order {
                *measure = Measure::total(measure.quantity);
            }
            return;
        }
        // "Which team spent the most" is a ranking even if only its head is the answer.
        if self.first && self.order.is_none() && !self.drivers && self.having.is_empty() {
            let is_of_change = self.compare.is_some() && self.has(|sense| matches!(sense, Sense::Change(_)));
            let fell = self.has(|sense| *sense == Sense::Change(Some(false)));
            let by = self
                .measures
                .first()
                .map(|measure| if is_of_change { OrderBy::Change } else { OrderBy::Measure(*measure) });
            self.order = by.map(|by| Order { descending: !(fell && by == OrderBy::Change), by });
            self.limit.get_or_insert(Self::rows_assumed());
        }
        if !self.having.is_empty() && self.dimensions.is_empty() {
            let reason = "it is not said of which groups the bound holds";
            self.refuse(DeclineKind::Ambiguous, reason, &["projects that spent more than $100"]);
        }
        if self.drivers {
            self.dimensions.clear();
            self.order = None;
            self.limit = None;
            self.first = false;
        }
    }
}

/// Whether a word that ranks by a quantity ranks a measure.
const fn is_about(own: Q, measure: Q) -> bool {
    match own {
        Q::Cost => {
            measure.is_priced()
                || matches!(
                    measure,
                    Q::Saved | Q::ProviderCost | Q::BudgetSpent | Q::BudgetLimit | Q::BudgetRemaining | Q::BudgetUsed
                )
        }
        Q::Latency => matches!(measure, Q::Latency | Q::Ttft | Q::Throughput | Q::AttemptLatency | Q::IncidentDuration),
        Q::ErrorRate => matches!(
            measure,
            Q::ErrorRate | Q::SuccessRate | Q::Errors | Q::Ok | Q::FailedAttempts | Q::AttemptFailureRate
        ),
        _ => true,
    }
}

/// Whether more of it is better.
const fn is_more_better(quantity: Q) -> bool {
    matches!(
        quantity,
        Q::Ok
            | Q::SuccessRate
            | Q::CacheHitRate
            | Q::CacheHits
            | Q::Saved
            | Q::Throughput
            | Q::SignalScore
            | Q::BudgetRemaining
    )
}
