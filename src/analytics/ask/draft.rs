//! A question half read: its items, what has been made of them so far, and what is in the way.

use std::collections::BTreeMap;

use super::{
    Bound, Clock, Compare, DeclineKind, Declined, Dimension, Filter, FilterOp, Measure, Names, Order, QuerySpec, Share,
    Span, View, Window,
    link::{Item, What},
    senses::Sense,
};

/// What has been made of a question so far.
pub(super) struct Draft<'a> {
    pub(super) items: Vec<Item>,
    pub(super) names: &'a Names,
    pub(super) clock: &'a Clock,
    /// The question before, when this one may change it.
    pub(super) previous: Option<&'a QuerySpec>,
    pub(super) view: View,
    pub(super) measures: Vec<Measure>,
    pub(super) dimensions: Vec<Dimension>,
    pub(super) filters: Vec<Filter>,
    pub(super) row_bounds: Vec<Bound>,
    pub(super) having: Vec<Bound>,
    pub(super) window: Option<Window>,
    pub(super) compare: Option<Compare>,
    pub(super) order: Option<Order>,
    pub(super) limit: Option<u32>,
    pub(super) first: bool,
    pub(super) share: Option<Share>,
    pub(super) cumulative: bool,
    pub(super) rows: bool,
    pub(super) drivers: bool,
    /// The words that parts were read from, by the part's text.
    pub(super) spans: BTreeMap<String, Span>,
    /// What was filled in or decided, as sentences.
    pub(super) assumptions: Vec<String>,
    /// Filters that another reading of the same name would give.
    pub(super) choices: Vec<(Filter, Filter)>,
    /// Why it cannot be answered.
    pub(super) refusal: Option<Declined>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(items: Vec<Item>, names: &'a Names, clock: &'a Clock, previous: Option<&'a QuerySpec>) -> Self {
        Self {
            items,
            names,
            clock,
            previous,
            view: View::Requests,
            measures: Vec::new(),
            dimensions: Vec::new(),
            filters: Vec::new(),
            row_bounds: Vec::new(),
            having: Vec::new(),
            window: None,
            compare: None,
            order: None,
            limit: None,
            first: false,
            share: None,
            cumulative: false,
            rows: false,
            drivers: false,
            spans: BTreeMap::new(),
            assumptions: Vec::new(),
            choices: Vec::new(),
            refusal: None,
        }
    }

    /// The sense at a place.
    pub(super) fn sense(&self, at: usize) -> Option<&'static Sense> {
        self.items.get(at).and_then(Item::sense)
    }

    /// The sense at a place whose words are not accounted for yet.
    pub(super) fn open_sense(&self, at: usize) -> Option<&'static Sense> {
        self.items.get(at).filter(|item| !item.is_used).and_then(Item::sense)
    }

    /// The words at a place.
    pub(super) fn text(&self, at: usize) -> &str {
        self.items.get(at).map_or("", |item| &item.text)
    }

    /// Accounts for the words at a place.
    pub(super) fn take(&mut self, at: usize) {
        if let Some(item) = self.items.get_mut(at) {
            item.is_used = true;
        }
    }

    /// Accounts for the words at a place as the source of a part.
    pub(super) fn take_for(&mut self, at: usize, part: String) {
        self.take(at);
        if let Some(item) = self.items.get(at) {
            self.spans.entry(part).or_insert(item.span);
        }
    }

    /// The places whose sense passes.
    pub(super) fn places(&self, is_wanted: impl Fn(&Sense) -> bool) -> Vec<usize> {
        (0..self.items.len()).filter(|at| self.open_sense(*at).is_some_and(&is_wanted)).collect()
    }

    /// Whether some word has this sense.
    pub(super) fn has(&self, is_wanted: impl Fn(&Sense) -> bool) -> bool {
        (0..self.items.len()).any(|at| self.sense(at).is_some_and(&is_wanted))
    }

    /// Accounts for all words of a sense; whether there was one.
    pub(super) fn take_all(&mut self, is_wanted: impl Fn(&Sense) -> bool) -> bool {
        let places = self.places(is_wanted);
        places.iter().for_each(|at| self.take(*at));
        !places.is_empty()
    }

    /// Whether a word says nothing by itself.
    pub(super) fn is_silent(&self, at: usize) -> bool {
        matches!(self.sense(at), Some(Sense::Stop | Sense::Same | Sense::Link | Sense::Only))
    }

    /// The next place at or behind one whose words say something.
    pub(super) fn next_loud(&self, from: usize) -> Option<usize> {
        (from..self.items.len()).find(|at| !self.is_silent(*at))
    }

    /// The place before one whose words say something.
    pub(super) fn loud_before(&self, at: usize) -> Option<usize> {
        (0..at).rev().find(|at| !self.is_silent(*at))
    }

    /// Whether the two places are joined by "and" or a comma, with nothing else between them.
    pub(super) fn are_joined(&self, one: usize, other: usize) -> bool {
        let (from, to) = (one.min(other) + 1, one.max(other));
        let is_joint = |at: usize| matches!(self.sense(at), Some(Sense::And));
        let is_between = |at: usize| {
            is_joint(at)
                || self.is_silent(at)
                || matches!(self.sense(at), Some(Sense::Statistic(_) | Sense::Quantity(_) | Sense::HowMany))
        };
        (from..to).any(is_joint) && (from..to).all(is_between)
    }

    /// Whether a place stands behind "except" or the like; accounts for that word.
    pub(super) fn take_negation(&mut self, at: usize) -> bool {
        let mut place = at;
        while let Some(before) = place.checked_sub(1) {
            place = before;
            match self.items.get(before).map(|item| &item.what) {
                Some(What::Word(Sense::Not | Sense::Without)) => {
                    self.take(before);
                    return true;
                }
                Some(
                    What::Word(
                        Sense::Stop | Sense::And | Sense::Or | Sense::Dimension(_) | Sense::Value(..) | Sense::Only,
                    )
                    | What::Name { .. }
                    | What::TagKey(_),
                ) => {}
                _ => return false,
            }
        }
        false
    }

    /// Adds a value to the filter of a dimension.
    pub(super) fn add_filter(&mut self, dimension: &Dimension, values: &[&str], negated: bool) {
        let known = self
            .filters
            .iter_mut()
            .find(|filter| filter.dimension == *dimension && filter.negated == negated && filter.op == FilterOp::OneOf);
        let add = |list: &mut Vec<String>| {
            for value in values {
                if !list.iter().any(|known| known == value) {
                    list.push((*value).to_owned());
                }
            }
        };
        match known {
            Some(filter) => add(&mut filter.values),
            None => {
                let mut list = Vec::new();
                add(&mut list);
                let dimension = dimension.clone();
                self.filters.push(Filter { dimension, op: FilterOp::OneOf, values: list, negated });
            }
        }
    }

    /// Groups by a dimension; a grain comes first.
    pub(super) fn add_dimension(&mut self, dimension: Dimension) {
        if self.dimensions.contains(&dimension) {
            return;
        }
        if dimension.is_grain() {
            self.dimensions.retain(|other| !other.is_grain());
            self.dimensions.insert(0, dimension);
        } else {
            self.dimensions.push(dimension);
        }
    }

    /// Measures something.
    pub(super) fn add_measure(&mut self, measure: Measure) {
        if !self.measures.contains(&measure) {
            self.measures.push(measure);
        }
    }

    /// Says that it cannot be answered; the first reason holds.
    pub(super) fn refuse(&mut self, kind: DeclineKind, reason: impl Into<String>, instead: &[&str]) {
        if self.refusal.is_none() {
            let r#try = instead.iter().map(|text| (*text).to_owned()).collect();
            self.refusal = Some(Declined { kind, reason: reason.into(), r#try, page: None });
        }
    }

    /// The form as far as it is filled, with the last 30 days where no time was said.
    pub(super) fn spec(&self, window: Window) -> QuerySpec {
        QuerySpec {
            view: self.view,
            measures: self.measures.clone(),
            dimensions: self.dimensions.clone(),
            filters: self.filters.clone(),
            row_bounds: self.row_bounds.clone(),
            having: self.having.clone(),
            window,
            compare: self.compare.clone(),
            order: self.order.clone(),
            limit: self.limit,
            first: self.first,
            share: self.share.clone(),
            cumulative: self.cumulative,
            rows: self.rows,
            drivers: self.drivers,
        }
    }
}
