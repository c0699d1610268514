//! Filters: names of the database, values that need none, and what is left out.

use super::{
    DeclineKind, Dimension, FilterOp, Name,
    draft::Draft,
    link::{What, is_cue_of},
    senses::Sense,
    texts,
};

impl Draft<'_> {
    /// Makes filters of names, of values and of what has none.
    pub(super) fn read_filters(&mut self) {
        self.read_missing();
        for at in 0..self.items.len() {
            let Some(item) = self.items.get(at).filter(|item| !item.is_used) else { continue };
            match item.what.clone() {
                What::Name { names, is_part } => self.read_name(at, &names, is_part),
                What::Word(Sense::Value(dimension, values)) => self.read_value(at, dimension, values),
                What::Status(code) => self.read_value(at, &Dimension::Status, &[code.as_str()]),
                _ => {}
            }
        }
        self.take_joints();
        self.refuse_mixed_joints();
        self.join_models();
        self.drop_idle_exceptions();
    }

    /// Says of words that are names besides how they were read.
    pub(super) fn say_other_readings(&mut self) {
        for item in &self.items {
            if let Some(name) = &item.also {
                let dimension = texts::dimension(&name.dimension);
                let text = format!(
                    "\"{}\" is read as a word; for the {dimension} write {dimension} \"{}\"",
                    item.text, name.value
                );
                self.assumptions.push(text);
            }
        }
    }

    /// `without a project`: the dimension is not set.
    fn read_missing(&mut self) {
        for at in self.places(|sense| *sense == Sense::Without) {
            let next = (at + 1..self.items.len()).find(|next| !matches!(self.sense(*next), Some(Sense::Stop)));
            let Some(next) = next else { continue };
            let Some(dimension) = self.items.get(next).and_then(|item| item.dimension()).cloned() else { continue };
            let is_name_next = matches!(self.items.get(next + 1).map(|item| &item.what), Some(What::Name { .. }));
            if !is_name_next {
                self.take(at);
                self.add_filter(&dimension, &[""], false);
                self.take_for(next, texts::filter(&self.filter_of(&dimension, false)));
            }
        }
    }

    fn filter_of(&self, dimension: &Dimension, negated: bool) -> super::Filter {
        let found = self.filters.iter().find(|filter| filter.dimension == *dimension && filter.negated == negated);
        found.cloned().unwrap_or_else(|| super::Filter {
            dimension: dimension.clone(),
            op: FilterOp::OneOf,
            values: Vec::new(),
            negated,
        })
    }

    fn read_name(&mut self, at: usize, names: &[Name], is_part: bool) {
        let cue = self.cue(at, names);
        let cued: Vec<&Name> = match &cue {
            Some((_, dimension)) => names.iter().filter(|name| is_cue_of(dimension, &name.dimension)).collect(),
            None => Vec::new(),
        };
        // "A provider named so" although there is only a project: it is said, not guessed.
        let mut fitting: Vec<&Name> = if cued.is_empty() { names.iter().collect() } else { cued };
        if self.is_spender(at) {
            fitting.sort_by_key(|name| !is_payer(&name.dimension));
        }
        let Some(chosen) = fitting.first().map(|name| (*name).clone()) else { return };
        let negated = self.take_negation(at);
        if let Some((place, _)) = cue {
            self.take(place);
            self.take_leading(place.min(at));
        }
        let values: Vec<&str> =
            if is_part { names.iter().map(|name| &*name.value).collect() } else { vec![&chosen.value] };
        self.add_filter(&chosen.dimension, &values, negated);
        let filter = self.filter_of(&chosen.dimension, negated);
        if is_part {
            self.assumptions.push(format!("\"{}\" means {}", self.text(at), values.join(", ")));
        }
        let others: Vec<Name> =
            fitting.iter().skip(1).filter(|n| n.dimension != chosen.dimension).map(|n| (*n).clone()).collect();
        for other in others {
            let value = vec![other.value.to_string()];
            let instead = super::Filter { dimension: other.dimension, op: FilterOp::OneOf, values: value, negated };
            self.choices.push((filter.clone(), instead));
        }
        self.take_for(at, texts::filter(&filter));
    }

    /// The place of the dimension's word beside a name: `project x`, `the x project`, `project = x`, `projects x and y`.
    fn cue(&self, at: usize, names: &[Name]) -> Option<(usize, Dimension)> {
        let fits = |place: usize| {
            let dimension = self.items.get(place)?.dimension()?;
            let fit = names.iter().find(|name| is_cue_of(dimension, &name.dimension))?;
            // Of "top claude models" the models are ranked.
            let is_ranked = fit.dimension != *dimension
                && (0..at).rev().take(3).any(|before| {
                    matches!(
                        self.sense(before),
                        Some(
                            Sense::Which
                                | Sense::Top(_)
                                | Sense::Superlative(..)
                                | Sense::Best(_)
                                | Sense::By
                                | Sense::List
                                | Sense::HowMany
                        )
                    )
                });
            (!is_ranked).then(|| (place, dimension.clone()))
        };
        let joined_before = || {
            let mut place = at;
            let mut is_left_out = false;
            while let Some(before) = place.checked_sub(1) {
                place = before;
                match self.items.get(before).map(|item| &item.what) {
                    Some(What::Word(Sense::And | Sense::Or | Sense::Stop) | What::Name { .. }) => {}
                    Some(What::Word(Sense::Not)) => is_left_out = true,
                    // "By provider, except x" is a break-down, of which one is left out.
                    Some(_) if is_left_out && self.is_led_by(before) => return None,
                    Some(_) => return fits(before),
                    None => return None,
                }
            }
            None
        };
        let equals = at.checked_sub(1).filter(|before| {
            matches!(self.sense(*before), Some(Sense::Bound(super::BoundOp::Equal)))
                || matches!(self.text(*before), ":" | "is" | "named" | "called")
        });
        if let Some(found) = equals.and_then(|before| fits(before.checked_sub(1)?)) {
            return Some(found);
        }
        let joined_after = || {
            let end = (at + 1..self.items.len()).find(|after| {
                !matches!(
                    self.items.get(*after).map(|item| &item.what),
                    Some(What::Word(Sense::And | Sense::Or) | What::Name { .. })
                ) && !matches!(self.text(*after), "the" | "'s")
            })?;
            fits(end)
        };
        at.checked_sub(1).and_then(fits).or_else(|| fits(at + 1)).or_else(joined_after).or_else(joined_before)
    }

    /// Accounts for "by" and the like before a name that is a value and not a group: "spent by team north".
    fn take_leading(&mut self, place: usize) {
        let next = place + 1;
        if matches!(self.sense(next), Some(Sense::Bound(super::BoundOp::Equal))) {
            self.take(next);
        }
        let mut place = place;
        while let Some(before) = place.checked_sub(1) {
            match self.sense(before) {
                Some(Sense::By | Sense::Bound(super::BoundOp::Equal)) => {
                    self.take(before);
                    return;
                }
                Some(Sense::Stop) => place = before,
                _ => break,
            }
        }
    }

    /// Whether the name does the spending: "how much did x spend".
    fn is_spender(&self, at: usize) -> bool {
        matches!(self.sense(at + 1), Some(Sense::Verb(_)))
            && at
                .checked_sub(1)
                .is_some_and(|before| matches!(self.text(before), "did" | "does" | "has" | "have" | "and"))
    }

    fn read_value(&mut self, at: usize, dimension: &Dimension, values: &[&str]) {
        let negated = self.take_negation(at);
        // What is not streamed is the other of two values.
        let (values, negated) = match (dimension, negated) {
            (Dimension::Streamed | Dimension::FailedOver, true) => {
                (if values == ["true"] { vec!["false"] } else { vec!["true"] }, false)
            }
            (_, negated) => (values.to_vec(), negated),
        };
        self.add_filter(dimension, &values, negated);
        let filter = self.filter_of(dimension, negated);
        self.take_for(at, texts::filter(&filter));
        // "Status 429", "error kind timeout": the dimension's word says what the value is.
        for beside in [at.checked_sub(1), Some(at + 1)].into_iter().flatten() {
            let word = self.items.get(beside).and_then(|item| item.dimension());
            let is_status = word == Some(&Dimension::Outcome) && *dimension == Dimension::Status;
            if (word == Some(dimension) || is_status)
                && !matches!(beside.checked_sub(1).and_then(|b| self.sense(b)), Some(Sense::By | Sense::Per))
            {
                self.take(beside);
            }
        }
    }

    /// "Or" between values is accounted for with them.
    fn take_joints(&mut self) {
        let is_value = |draft: &Self, at: Option<usize>| {
            at.and_then(|at| draft.items.get(at)).is_some_and(|item| {
                matches!(item.what, What::Name { .. } | What::Status(_) | What::Word(Sense::Value(..)))
            })
        };
        for at in self.places(|sense| *sense == Sense::Or) {
            if is_value(self, self.loud_before(at)) && is_value(self, self.next_loud(at + 1)) {
                self.take(at);
            }
        }
    }

    /// "Openai and checkout" is neither both nor one of them.
    fn refuse_mixed_joints(&mut self) {
        for at in 1..self.items.len().saturating_sub(1) {
            let dimension = |place: usize| match self.items.get(place).map(|item| &item.what) {
                Some(What::Name { names, .. }) => Some(names),
                _ => None,
            };
            let is_joint = matches!(self.text(at), "and" | "or" | "&" | "/");
            let (Some(one), Some(other)) = (dimension(at - 1), dimension(at + 1)) else { continue };
            let is_model = |name: &Name| matches!(name.dimension, Dimension::Model | Dimension::Family);
            let shares =
                one.iter().any(|a| other.iter().any(|b| a.dimension == b.dimension || (is_model(a) && is_model(b))));
            if is_joint && !shares {
                let reason = format!(
                    "\"{}\" and \"{}\" are names of different kinds; ask for one of them, or for one within the other",
                    self.text(at - 1),
                    self.text(at + 1)
                );
                let first = format!("cost of {} by model", self.text(at - 1));
                self.refuse(DeclineKind::Ambiguous, reason, &[&first]);
            }
        }
    }

    /// Models and families together are the models of both.
    fn join_models(&mut self) {
        for negated in [false, true] {
            let is_of = |dimension: Dimension| {
                move |filter: &super::Filter| filter.dimension == dimension && filter.negated == negated
            };
            let has_models = self.filters.iter().any(is_of(Dimension::Model));
            let Some(at) = self.filters.iter().position(is_of(Dimension::Family)).filter(|_| has_models) else {
                continue;
            };
            let family = self.filters.remove(at);
            let models: Vec<String> = self
                .names
                .of(&Dimension::Model)
                .filter(|model| family.values.contains(&super::family_of(model)))
                .map(|model| model.to_string())
                .collect();
            let models: Vec<&str> = models.iter().map(String::as_str).collect();
            self.add_filter(&Dimension::Model, &models, negated);
        }
    }

    /// "On a but not b" is a.
    fn drop_idle_exceptions(&mut self) {
        let wanted = self.filters.clone();
        for filter in self.filters.iter_mut().filter(|filter| filter.negated) {
            let positive = wanted.iter().find(|other| other.dimension == filter.dimension && !other.negated);
            if let Some(positive) = positive {
                filter.values.retain(|value| positive.values.contains(value));
            }
        }
        self.filters.retain(|filter| !filter.values.is_empty());
    }
}

/// Whether money is spent by such.
const fn is_payer(dimension: &Dimension) -> bool {
    matches!(dimension, Dimension::Requester | Dimension::Team | Dimension::Project | Dimension::Key)
}
