//! Ask: a question in plain words becomes a [`QuerySpec`], and only that becomes SQL.
//!
//! The reading half (`parse` and what it stands on) is pure: no clock but the one it is given, no names but those it
//! is given. A word that it cannot account for is never dropped: the question is then declined, or handed to a model
//! that fills the same form (`model`). The answering half compiles the form (`compile`), lets the statement pass the
//! `guard`, runs it in a process of its own (`sandbox`) over `views`, and says what came of it (`present`).

mod asker;
mod bounding;
mod clock;
mod compile;
mod contexts;
mod dates;
mod dimension;
mod draft;
mod examples;
mod explain;
mod follow_up;
mod grouping;
mod guard;
mod link;
mod live_names;
mod measure;
mod measuring;
mod model;
mod names;
mod naming;
mod numbers;
mod parse;
mod present;
#[cfg(test)]
mod properties;
mod reading;
#[cfg(test)]
mod readings;
mod refusals;
mod run;
mod sandbox;
mod senses;
mod sentence;
mod series;
mod shaping;
mod sharing;
mod spec;
mod special_measures;
mod starters;
mod texts;
mod timing;
mod tokens;
mod turns;
mod typos;
mod views;
mod vocabulary;
mod words;

pub use asker::{AskError, Asker, QUESTION_BYTES_MAX};
pub use clock::Clock;
pub use compile::{Column, ColumnKind, Query, compile};
pub use dimension::Dimension;
pub use examples::{Example, Examples, examples};
pub use guard::{Checked, Refused, SQL_BYTES_MAX, Value, check as check_sql};
pub use live_names::names_of;
pub use measure::{Measure, Quantity, Statistic, Unit};
pub use model::{Complete, Model, ModelCall, ModelReply};
pub use names::{Name, Names, family_of};
pub use parse::parse;
pub use present::{Answer, Chart, ChartKind, ColumnView, FollowUp, RecordsLink, Why, measure_words, parameter, shown};
pub use reading::{Chip, ChipKind, Choice, Correction, DeclineKind, Declined, Parsed, Span, Understood, UnknownWord};
pub use run::{EXACT_FOR, Ran, Runner};
pub use sandbox::{COMMAND, Failure, Outcome, Purse, ROWS_MAX, Rows, Sandbox, SandboxError, Surroundings, run_child};
pub use sentence::sentence;
pub use spec::{
    Bound, BoundOp, Compare, CompareKind, Filter, FilterOp, LIMIT_MAX, Order, OrderBy, QuerySpec, Share, SpecError,
    View, Window,
};
pub use starters::starters;
