//! What a word of the vocabulary does in a question.

use super::{BoundOp, Dimension, Quantity, Statistic, View};

/// The part that a word plays.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sense {
    /// Says nothing that changes the answer.
    Stop,
    /// Measures: `cost`, `error rate`.
    Quantity(Quantity),
    /// A verb that measures unless something else does: `spent`, `burn`.
    Verb(Quantity),
    /// Requests, tokens and cost together.
    Usage,
    /// To fail, as a verb: of providers its attempts, of others their errors.
    Fail,
    /// What rows are grouped by or filtered on.
    Dimension(Dimension),
    /// A value of a dimension: `streaming`, `openai`'s kind of word that needs no database.
    Value(Dimension, &'static [&'static str]),
    /// What of the distribution is meant.
    Statistic(Statistic),
    /// Largest (true) or smallest first, and of what where the word says it: `slowest`.
    Superlative(bool, Option<Quantity>),
    /// Best or worst first, whichever way the measure is read.
    Best(bool),
    /// `top`, `bottom`: largest (true) or smallest first, so many.
    Top(bool),
    /// Grouping: `by`, `per`, `for each`.
    By,
    /// `per` and `/`: grouping, or a ratio.
    Per,
    /// What follows is left out.
    Not,
    /// What follows has no value: `without a`.
    Without,
    /// Joins what stands around it.
    And,
    /// Joins values.
    Or,
    /// Nothing else than this.
    Only,
    /// A bound follows.
    Bound(BoundOp),
    /// A share of the whole.
    Share,
    /// A verb between the whole and the part: `goes to`.
    Link,
    /// Two things are set beside each other.
    Compare,
    /// Set against what follows: `vs`.
    Versus,
    /// Against the time just before.
    AgainstPrevious,
    /// The window just before, as a name: `the week before`.
    Before,
    /// It rose (true) or fell.
    Change(Option<bool>),
    /// What made the difference.
    Why,
    /// A running total.
    Cumulative,
    /// A course over time.
    Trend,
    /// Asks which of a dimension.
    Which,
    /// Which requester.
    Who,
    /// Counts what follows.
    HowMany,
    /// Measures what follows.
    HowMuch,
    /// Asks for a moment.
    WhenWas,
    /// Rows are wanted.
    List,
    /// The latest (true) or the first.
    Latest(bool),
    /// Rows of a view.
    Rows(View),
    /// A time grain as an adjective: `daily`.
    Grain(Dimension),
    /// Routing took a candidate out.
    Dropped,
    /// The response cache.
    CacheWord,
    /// Out of a cache: of tokens that of the prompt, of requests the response cache.
    Cached,
    /// The kind of what is measured: of errors, findings, incidents.
    Kind,
    /// How much of all requests, where it stands beside a state: `timeout rate`.
    Rate,
    /// Cost by so many of something: `per million tokens`, `per request`.
    PerMany(Quantity),
    /// Money that the cache saved.
    Save,
    /// Budgets.
    Budget,
    /// What is left of it.
    Left,
    /// Near or over its limit.
    CloseTo,
    /// The end of the running month, or what it will cost.
    Projected,
    /// The previous question's: `it`, `those`, `same`.
    Same,
    /// Adds to the previous question: `also`.
    Also,
    /// "what about", "how about": a change of the previous question.
    WhatAbout,
    /// The first row is the answer.
    FirstRow,
    /// What caused it.
    Caused,
}

/// One row of the vocabulary: phrases, by `|`, and what they do. Words match their plurals too.
pub(super) struct Entry {
    pub(super) phrases: &'static str,
    pub(super) sense: Sense,
}

/// Makes a row.
pub(super) const fn entry(phrases: &'static str, sense: Sense) -> Entry {
    Entry { phrases, sense }
}
