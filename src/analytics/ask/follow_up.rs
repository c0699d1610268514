//! Follow-ups: a fragment changes the question before instead of standing for itself.

use super::{
    CompareKind, Dimension, Filter, Order, OrderBy, QuerySpec, View,
    draft::Draft,
    link::{Item, What},
    senses::Sense,
};

/// Whether a question leans on the one before: it begins like one that does, or measures nothing itself.
pub(super) fn is_fragment(items: &[Item]) -> bool {
    let loud = items.iter().find(|item| !matches!(item.what, What::Word(Sense::Stop)));
    let leans = loud.and_then(Item::sense).is_some_and(|sense| {
        matches!(
            sense,
            Sense::And
                | Sense::Or
                | Sense::Also
                | Sense::WhatAbout
                | Sense::Only
                | Sense::Not
                | Sense::Without
                | Sense::By
                | Sense::Per
                | Sense::Versus
                | Sense::Same
                | Sense::AgainstPrevious
                | Sense::Share
        )
    });
    // "As tokens".
    let leans = leans || items.first().is_some_and(|item| item.text == "as");
    // "The 5 slowest" says nothing of what.
    let has_noun = items.iter().any(|item| {
        item.dimension().is_some()
            || matches!(item.what, What::Name { .. } | What::Word(Sense::Quantity(_) | Sense::Who | Sense::Rows(_)))
    });
    let measures = items.iter().any(|item| {
        let is_noun = matches!(
            item.what,
            What::Word(
                Sense::Quantity(_)
                    | Sense::Verb(super::Quantity::Cost)
                    | Sense::Usage
                    | Sense::Fail
                    | Sense::Save
                    | Sense::Budget
                    | Sense::Projected
            )
        );
        is_noun || (has_noun && matches!(item.what, What::Word(Sense::Superlative(_, Some(_)))))
    });
    // "Show me the requests" names nothing else.
    let is_list = items.iter().any(|item| matches!(item.what, What::Word(Sense::List)));
    let names_more = items.iter().any(|item| {
        !matches!(
            item.what,
            What::Word(
                Sense::List
                    | Sense::Stop
                    | Sense::Same
                    | Sense::Quantity(super::Quantity::Requests)
                    | Sense::Rows(_)
                    | Sense::And
            )
        )
    });
    // "What percentage of spend" stands for itself.
    let is_whole =
        measures && loud.and_then(Item::sense).is_some_and(|sense| matches!(sense, Sense::Share | Sense::Not));
    (leans && !is_whole) || !measures || (is_list && !names_more)
}

impl Draft<'_> {
    /// Takes over what the fragment does not change.
    pub(super) fn inherit(&mut self, previous: &QuerySpec) {
        let adds = self.has(|sense| *sense == Sense::Also);
        self.break_down_unsaid(previous);
        self.inherit_measures(previous, adds);
        self.inherit_dimensions(previous, adds);
        self.inherit_filters(previous);
        self.inherit_times(previous);
        if self.order.is_none() && !self.rows {
            let of = self.measures.first().copied();
            self.order = previous.order.clone().map(|order| match (order.by, of) {
                (OrderBy::Measure(old), Some(new)) if !self.measures.contains(&old) => {
                    Order { by: OrderBy::Measure(new), descending: order.descending }
                }
                (by, _) => Order { by, descending: order.descending },
            });
            self.limit = self.limit.or(previous.limit);
            self.first |= previous.first && self.dimensions == previous.dimensions;
        }
        if self.having.is_empty() && !self.rows {
            self.having =
                previous.having.iter().filter(|bound| bound.measure.quantity.view() == self.view).copied().collect();
        }
        if self.row_bounds.is_empty() && previous.view == self.view {
            self.row_bounds = previous.row_bounds.clone();
        }
        if self.share.is_none() && !self.rows {
            self.share = previous.share.clone();
        }
        self.cumulative |= previous.cumulative && !self.rows;
        self.drivers |= previous.drivers && !self.rows && self.dimensions.is_empty();
        if previous.rows && self.measures.is_empty() && self.dimensions.is_empty() {
            self.rows = true;
            self.order = self.order.take().or_else(|| previous.order.clone());
            self.limit = self.limit.or(previous.limit);
        }
    }

    /// "On what?": by model.
    fn break_down_unsaid(&mut self, previous: &QuerySpec) {
        let is_on_what = self.items.iter().all(|item| {
            matches!(item.what, What::Word(Sense::Stop | Sense::Which | Sense::Same)) || item.text == "spent on"
        }) && self.has(|sense| *sense == Sense::Which);
        if is_on_what && previous.view == View::Requests {
            self.assumptions.push("\"on what\" is read as by model".to_owned());
            self.add_dimension(Dimension::Model);
        }
    }

    fn inherit_measures(&mut self, previous: &QuerySpec, adds: bool) {
        if self.rows {
            // The rows of what was counted.
            if self.view == View::Requests {
                self.view = previous.view;
            }
            // The errors that were counted are requests that ended so.
            let counted = previous.measures.iter().find_map(|measure| super::measuring::narrowing(measure.quantity));
            if let Some((dimension, value)) = counted.filter(|_| self.view == View::Requests) {
                self.add_filter(&dimension, &[value], false);
            }
            return;
        }
        if self.measures.is_empty() {
            self.measures.clone_from(&previous.measures);
            self.view = previous.view;
        } else if adds && previous.view == self.view {
            let new = std::mem::replace(&mut self.measures, previous.measures.clone());
            new.into_iter().for_each(|measure| self.add_measure(measure));
        }
    }

    fn inherit_dimensions(&mut self, previous: &QuerySpec, adds: bool) {
        if self.rows || self.drivers {
            return;
        }
        let own = std::mem::take(&mut self.dimensions);
        let replaces_groups = own.iter().any(|dimension| !dimension.is_grain()) && !adds;
        let view = self.view;
        for dimension in previous.dimensions.iter().filter(|dimension| dimension.is_in(view)) {
            if dimension.is_grain() || !replaces_groups {
                self.add_dimension(dimension.clone());
            }
        }
        own.into_iter().for_each(|dimension| self.add_dimension(dimension));
    }

    /// A filter on the same dimension is replaced; one that is left out is added.
    fn inherit_filters(&mut self, previous: &QuerySpec) {
        let own = std::mem::take(&mut self.filters);
        let is_replaced = |old: &Filter| {
            own.iter().any(|new| {
                let same =
                    new.dimension == old.dimension || (is_of_models(&new.dimension) && is_of_models(&old.dimension));
                same && !new.negated
            })
        };
        let kept = previous.filters.iter().filter(|old| old.dimension.is_in(self.view) && !is_replaced(old));
        let kept: Vec<Filter> = kept.cloned().collect();
        for filter in kept.into_iter().chain(own) {
            if filter.negated {
                let values: Vec<&str> = filter.values.iter().map(String::as_str).collect();
                // What is excluded leaves a list that named it.
                for old in self.filters.iter_mut().filter(|old| old.dimension == filter.dimension && !old.negated) {
                    old.values.retain(|value| !values.contains(&value.as_str()));
                }
                self.filters.retain(|old| !old.values.is_empty());
                self.add_filter(&filter.dimension, &values, true);
            } else {
                self.filters.push(filter);
            }
        }
    }

    fn inherit_times(&mut self, previous: &QuerySpec) {
        let has_own = self.window.as_ref().is_some();
        if !has_own {
            self.window = Some(previous.window.clone());
        }
        let needs = self.drivers
            || self.has(|sense| *sense == Sense::AgainstPrevious)
            || (!has_own && self.has(|sense| *sense == Sense::Before));
        if needs {
            let window = self.window.clone().unwrap_or_else(|| previous.window.clone());
            self.compare = self.clock.previous_of(window.from_us, window.to_us);
        } else if self.compare.is_none()
            && let Some(compare) = &previous.compare
            && !self.rows
        {
            self.compare = match (has_own, compare.kind) {
                (false, _) => Some(compare.clone()),
                (true, CompareKind::Named) => None,
                (true, _) => {
                    let window = self.window.clone().unwrap_or_else(|| previous.window.clone());
                    self.clock.previous_of(window.from_us, window.to_us)
                }
            };
        }
    }
}

const fn is_of_models(dimension: &Dimension) -> bool {
    matches!(dimension, Dimension::Model | Dimension::Family)
}
