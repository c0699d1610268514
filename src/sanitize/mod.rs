//! The sanitizer, pure: which parts of a text are credentials or personal data, and what becomes of
//! them.
//!
//! Nothing here does I/O or keeps a text beyond the request that it belongs to; a value that was
//! found never reaches a finding, an error or a log line.

mod rules;
mod matcher;
mod live;
mod custom;
mod actions;
mod side;
mod ruleset;

pub use rules::{Anchor, Rule, all as all_rules};
pub use ruleset::{Effect, LOOK_BACK, Match, RuleError, RuleRef, RuleSet};

#[cfg(test)]
mod tests;
