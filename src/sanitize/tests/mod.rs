//! The room's promises: every row's examples, the law of the window, the settings.

mod corpus;
mod examples;
mod law;
mod negatives;
mod positives;
mod settings;

use super::{Match, RuleSet, all_rules};
use crate::{
    config::Sanitization,
    domain::{Action, Direction},
};

/// All built-in rules with this action.
pub(super) fn everything(action: Action) -> Sanitization {
    let actions = vec![("credentials".to_owned(), action), ("pii".to_owned(), action)];
    Sanitization { enabled: true, actions, ..Sanitization::default() }
}

/// One rule alone.
pub(super) fn only(id: &str) -> RuleSet {
    let mut settings = everything(Action::Off);
    settings.actions.push((id.to_owned(), Action::Redact));
    RuleSet::compile(&settings).unwrap()
}

pub(super) fn scan(rules: &RuleSet, text: &str) -> Vec<Match> {
    let mut found = Vec::new();
    assert_eq!(rules.scan(Direction::Request, text, 0, true, &mut found), text.len());
    found
}

/// An example without the marks around its match, and where the match is: `password: «hunter22»`,
/// or all of it.
pub(super) fn unmarked(example: &str) -> (String, std::ops::Range<usize>) {
    match (example.find('«'), example.find('»')) {
        (Some(start), Some(end)) => (example.replace(['«', '»'], ""), start..end - '«'.len_utf8()),
        _ => (example.to_owned(), 0..example.len()),
    }
}

#[test]
fn ids_are_unique_and_every_row_has_examples_and_a_source() {
    let mut ids: Vec<_> = all_rules().iter().map(|rule| rule.id).collect();
    ids.sort_unstable();
    let many = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), many);
    for rule in all_rules() {
        let is_name =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        assert!(is_name(rule.id) && is_name(rule.kind), "{}", rule.id);
        assert!(!rule.matches.is_empty() && !rule.misses.is_empty(), "{} has too few examples", rule.id);
        assert!(!rule.source.is_empty() && !rule.finds.is_empty(), "{} says too little", rule.id);
    }
}
