//! The sanitizer, pure: which parts of a text are credentials or personal data, and what becomes of
//! them.
//!
//! Rules know patterns, a rule set is what one caller's settings make of them. Texts, carriers, bodies
//! and streams know where in the dialects' JSON text stands and how it is written. Nothing here does I/O
//! or keeps a text beyond the request that it belongs to; a value that was found never reaches a
//! finding, an error or a log line.

mod rules;
mod matcher;
mod live;
mod custom;
mod actions;
mod fold;
mod side;
mod ruleset;
mod tree;
mod text;
mod mask;
mod screen;
mod carriers;
mod body;
mod pairs;
mod upload;
mod stream;
mod attempt;

pub use attempt::{Tried, try_text};
pub use body::{Checked, check_answer, check_request};
pub use mask::Vault;
pub use pairs::{CheckedText, check_answer_header, check_header, check_model, check_path, check_query};
pub use rules::{Anchor, Rule, Tail, all as all_rules};
pub use ruleset::{Effect, LOOK_BACK, Match, RuleError, RuleRef, RuleSet};
pub use screen::{Failure, Report};
pub use stream::{Framing, Guard, MAX_EVENT_BYTES};
pub use tree::Unreadable;
pub use upload::{check_upload, is_text};

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
