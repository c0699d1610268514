//! Ask: a question in plain words becomes a [`QuerySpec`], and only that becomes SQL.
//!
//! This half is pure: no clock but the one it is given, no names but those it is given. A word that it cannot
//! account for is never dropped: the question is then declined, or handed to a model that fills the same form.

mod bounding;
mod clock;
mod dates;
mod dimension;
mod draft;
mod examples;
mod explain;
mod follow_up;
mod grouping;
mod guard;
mod link;
mod measure;
mod measuring;
mod names;
mod naming;
mod numbers;
mod parse;
mod reading;
mod refusals;
mod sandbox;
mod senses;
mod sentence;
mod shaping;
mod spec;
mod texts;
mod timing;
mod tokens;
mod typos;
mod views;
mod vocabulary;
mod words;

pub use clock::Clock;
pub use dimension::Dimension;
pub use examples::{Example, Examples, examples};
pub use guard::{Checked, Refused, SQL_BYTES_MAX, Value, check as check_sql};
pub use measure::{Measure, Quantity, Statistic, Unit};
pub use names::{Name, Names, family_of};
pub use parse::parse;
pub use reading::{Chip, ChipKind, Choice, Correction, DeclineKind, Declined, Parsed, Span, Understood, UnknownWord};
pub use sandbox::{COMMAND, Failure, Outcome, Purse, ROWS_MAX, Rows, Sandbox, SandboxError, Surroundings, run_child};
pub use sentence::sentence;
pub use spec::{
    Bound, BoundOp, Compare, CompareKind, Filter, FilterOp, LIMIT_MAX, Order, OrderBy, QuerySpec, Share, SpecError,
    View, Window,
};
