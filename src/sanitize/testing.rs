//! What the room's tests share.

use std::sync::{Arc, LazyLock};

use super::RuleSet;
use crate::{
    config::{ApplyTo, Sanitization, SanitizationPattern},
    domain::Action,
};

/// A rule set that knows e-mail addresses, and long numbers as an own pattern `key`.
pub(super) fn rules(action: Action) -> Arc<RuleSet> {
    static COMPILED: LazyLock<[Arc<RuleSet>; 5]> = LazyLock::new(|| Action::ALL.map(compiled));
    Action::ALL
        .into_iter()
        .zip(COMPILED.iter())
        .find(|(known, _)| *known == action)
        .map(|(_, rules)| Arc::clone(rules))
        .unwrap()
}

fn compiled(action: Action) -> Arc<RuleSet> {
    let key = SanitizationPattern {
        name: "key".to_owned(),
        pattern: r"\b\d{11,}\b".to_owned(),
        replacement: None,
        apply_to: ApplyTo::Both,
        action: Some(action),
    };
    let actions = ["credentials", "pii"].map(|category| (category.to_owned(), Action::Off));
    let settings = Sanitization {
        enabled: true,
        actions: actions.into_iter().chain([("email".to_owned(), action)]).collect(),
        patterns: vec![key],
        ..Sanitization::default()
    };
    Arc::new(RuleSet::compile(&settings).unwrap())
}
