//! Shares: what is a part of which whole.
//!
//! "What share of failures comes from each project" cuts one whole into groups; "what percentage of requests failed by
//! project" asks within each group for a part of its own.

use super::{
    Bound, DeclineKind, Dimension, Filter, FilterOp, Measure, Quantity as Q, Share, Unit, draft::Draft,
    measuring::narrowing, senses::Sense, texts,
};

/// What is asked of the whole.
#[derive(Default)]
struct Part {
    filters: Vec<Filter>,
    bounds: Vec<Bound>,
}

impl Draft<'_> {
    /// `what share of spend goes to x`: the part is what is named behind the verb; all of it where there is no verb.
    pub(super) fn read_share(&mut self) {
        let places = self.places(|sense| *sense == Sense::Share);
        let Some(at) = places.first().copied() else { return };
        places.iter().for_each(|at| self.take_for(*at, "share".to_owned()));
        let is_rate = |measure: &Measure| measure.quantity.unit() == Unit::Ratio;
        if !self.measures.is_empty() && self.measures.iter().all(is_rate) {
            // "Error rate in percent" is a share already.
            return;
        }
        let is_cut = self.is_cut_into_groups(at);
        let mut part = if is_cut { Part::default() } else { self.part_behind(at) };
        let counted = self.measures.iter().find_map(|measure| narrowing(measure.quantity).map(|_| measure.quantity));
        if let Some((quantity, (dimension, value))) =
            counted.and_then(|quantity| Some((quantity, narrowing(quantity)?)))
            && part.filters.is_empty()
            && part.bounds.is_empty()
            && !is_cut
            && (self.dimensions.is_empty() || self.counts_requests(quantity))
        {
            // "What share of requests are errors"; "the share of failed requests".
            self.measures = vec![Measure::total(Q::Requests)];
            part.filters.push(Filter {
                dimension,
                op: FilterOp::OneOf,
                values: vec![value.to_owned()],
                negated: false,
            });
        }
        if part.filters.is_empty() && part.bounds.is_empty() {
            self.share_groups(counted);
        } else {
            self.share_part(part);
        }
    }

    /// Each group's share of all of them.
    fn share_groups(&mut self, counted: Option<Q>) {
        // A follow-up may bring the groups of the question before.
        let is_patch = self.previous.is_some_and(|previous| !previous.dimensions.is_empty());
        if self.dimensions.is_empty() && !is_patch {
            let instead = "what share of cost goes to each provider";
            self.refuse(DeclineKind::Ambiguous, "it is not said which part of the whole is meant", &[instead]);
        }
        let are_joined = || {
            let places = self.measured_places();
            places.windows(2).all(|pair| matches!(pair, [one, other] if self.are_joined(*one, *other)))
        };
        if self.measures.len() > 1 && !are_joined() {
            let reason = "the share of one measure in another is not known here, only of a part in its whole";
            self.refuse(DeclineKind::Ambiguous, reason, &["share of cost by model", "error rate by model"]);
        }
        let rate = counted.and_then(|quantity| rate_of(&narrowing(quantity)?));
        if let (Some(rate), Some(dimension)) = (rate, self.dimensions.first()) {
            let (dimension, rate) = (texts::dimension(dimension), texts::measure(Measure::total(rate)));
            let counted = counted.map(|quantity| texts::measure(Measure::total(quantity))).unwrap_or_default();
            self.assumptions.push(format!(
                "it is each {dimension}'s share of all {counted}; how much of each {dimension}'s own is the {rate} by {dimension}"
            ));
        }
        self.share = Some(Share::default());
    }

    /// The part of a whole, of each group's own where there are groups.
    fn share_part(&mut self, part: Part) {
        self.filters.retain(|filter| !part.filters.contains(filter));
        self.row_bounds.retain(|bound| !part.bounds.contains(bound));
        let Some(dimension) = self.dimensions.first().filter(|dimension| !dimension.is_grain()) else {
            self.share = Some(Share { part: part.filters, bounds: part.bounds });
            return;
        };
        self.assumptions.push(format!("the share is of each {}'s own", texts::dimension(dimension)));
        let only = match (part.filters.as_slice(), part.bounds.as_slice()) {
            ([only], []) if !only.negated && self.measures == [Measure::total(Q::Requests)] => Some(only),
            _ => None,
        };
        let rate = only.and_then(|only| match only.values.as_slice() {
            [value] => rate_of(&(only.dimension.clone(), value.as_str())),
            _ => None,
        });
        match rate {
            Some(rate) => {
                let measure = Measure::total(rate);
                if let Some(span) = only.and_then(|only| self.spans.get(&texts::filter(only))).copied() {
                    self.spans.insert(texts::measure(measure), span);
                }
                self.measures = vec![measure];
            }
            None => self.share = Some(Share { part: part.filters, bounds: part.bounds }),
        }
    }

    /// Whether the groups themselves stand behind the verb: "goes to each provider", "comes from which team".
    fn is_cut_into_groups(&self, at: usize) -> bool {
        self.links(at).filter(|link| self.sense(*link) != Some(&Sense::Fail)).any(|link| {
            self.next_loud(link + 1).is_some_and(|next| {
                matches!(self.sense(next), Some(Sense::By | Sense::Which)) || self.is_grouped_at(next)
            })
        })
    }

    fn is_grouped_at(&self, at: usize) -> bool {
        self.items.get(at).is_some_and(|item| {
            let by = item.dimension().map(|dimension| format!("by {}", texts::dimension(dimension)));
            by.and_then(|by| self.spans.get(&by)) == Some(&item.span)
        })
    }

    fn measured_places(&self) -> Vec<usize> {
        (0..self.items.len()).filter(|at| matches!(self.sense(*at), Some(Sense::Quantity(_)))).collect()
    }

    /// Verbs between a whole and its part.
    fn links(&self, at: usize) -> impl DoubleEndedIterator<Item = usize> {
        (at + 1..self.items.len()).filter(|place| {
            matches!(self.sense(*place), Some(Sense::Link | Sense::Fail)) || matches!(self.text(*place), "to" | "on")
        })
    }

    /// What the part is: what stands behind the last verb that has something behind it; of a state and a name ("of x
    /// failed") the state. Without a verb the states and bounds, else all that is named.
    fn part_behind(&self, at: usize) -> Part {
        let starts: Vec<usize> =
            self.links(at).filter_map(|place| self.items.get(place)).map(|item| item.span.start).collect();
        let behind = |start: usize| {
            let lies = |text: String| self.spans.get(&text).is_some_and(|span| span.start >= start);
            Part {
                filters: self.filters.iter().filter(|filter| lies(texts::filter(filter))).cloned().collect(),
                bounds: self.row_bounds.iter().filter(|bound| lies(texts::bound(bound))).copied().collect(),
            }
        };
        let is_empty = |part: &Part| part.filters.is_empty() && part.bounds.is_empty();
        let behind = starts.into_iter().rev().map(behind).find(|part| !is_empty(part));
        let states = |part: &Part| {
            let filters = part.filters.iter().filter(|filter| is_state(&filter.dimension)).cloned().collect();
            Part { filters, bounds: part.bounds.clone() }
        };
        let all = || Part { filters: self.filters.clone(), bounds: self.row_bounds.clone() };
        let said = behind.unwrap_or_else(all);
        let states = states(&said);
        if !is_empty(&states) {
            return states;
        }
        let has_groups = !self.dimensions.is_empty();
        let is_all = said.filters.len() == self.filters.len() && self.links(at).next().is_none();
        if has_groups && is_all { Part::default() } else { said }
    }

    /// Whether the count names requests: "failed requests", and not "failures".
    fn counts_requests(&self, quantity: Q) -> bool {
        self.items.iter().any(|item| {
            let is_it = item.sense() == Some(&Sense::Quantity(quantity));
            let noun = item.text.rsplit([' ', '-']).next().unwrap_or_default();
            is_it
                && matches!(
                    super::vocabulary::singular(noun).as_str(),
                    "request" | "call" | "query" | "completion" | "response" | "answer"
                )
        })
    }
}

/// Whether it tells how a request went, and not whose it was.
pub(super) const fn is_state(dimension: &Dimension) -> bool {
    matches!(
        dimension,
        Dimension::Outcome
            | Dimension::Status
            | Dimension::ErrorKind
            | Dimension::FinishReason
            | Dimension::Cache
            | Dimension::Streamed
            | Dimension::FailedOver
            | Dimension::FindingCategory
            | Dimension::FindingKind
            | Dimension::FindingAction
    )
}

/// The rate that counts a part of all requests.
fn rate_of((dimension, value): &(Dimension, &str)) -> Option<Q> {
    Some(match (dimension, *value) {
        (Dimension::Outcome, "error") => Q::ErrorRate,
        (Dimension::Outcome, "ok") => Q::SuccessRate,
        (Dimension::Outcome, "refused") => Q::RefusedRate,
        (Dimension::Outcome, "client_disconnected") => Q::DisconnectRate,
        (Dimension::FailedOver, "true") => Q::FailoverRate,
        _ => return None,
    })
}
