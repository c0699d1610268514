//! A text by itself, as someone tries it: every match with its place, and what would go on.

use super::{Match, RuleSet, Vault};
use crate::domain::{Action, Direction};

/// What becomes of a text.
#[derive(Debug)]
pub struct Tried {
    /// The text as it would go on; `None` when it would be refused.
    pub text: Option<String>,
    /// What matches, in order.
    pub matches: Vec<Match>,
}

/// Tries a whole text. What is masked in a request goes into `vault`; in a response `mask` redacts.
pub fn try_text(rules: &RuleSet, direction: Direction, text: &str, vault: &mut Vault) -> Tried {
    let matches = all_matches(rules, direction, text);
    if matches.iter().any(|found| found.action == Action::Block) {
        return Tried { text: None, matches };
    }
    let mut result = String::with_capacity(text.len());
    let mut done = 0;
    for found in &matches {
        let original = text.get(found.range.clone()).unwrap_or_default();
        result.push_str(text.get(done..found.range.start).unwrap_or_default());
        match found.action {
            Action::Off | Action::Log | Action::Block => result.push_str(original),
            Action::Mask if direction == Direction::Request => {
                result.push_str(vault.placeholder(found.rule.kind(), original));
            }
            Action::Mask | Action::Redact => result.push_str(found.rule.replacement()),
        }
        done = found.range.end;
    }
    result.push_str(text.get(done..).unwrap_or_default());
    Tried { text: Some(result), matches }
}

/// Every match, those that are too long with all that belongs to them.
fn all_matches(rules: &RuleSet, direction: Direction, text: &str) -> Vec<Match> {
    let (mut matches, mut found, mut from) = (Vec::new(), Vec::new(), Some(0));
    while let Some(at) = from.take() {
        rules.scan(direction, text, at, true, &mut found);
        for mut one in found.drain(..) {
            let behind = text.get(one.range.end..).unwrap_or_default();
            let (tail, _) = one.tail.find(behind, true);
            let is_long = tail > 0 && one.action > Action::Log;
            one.range.end += if is_long { tail } else { 0 };
            from = is_long.then_some(one.range.end);
            matches.push(one);
            if is_long {
                break;
            }
        }
    }
    matches
}
