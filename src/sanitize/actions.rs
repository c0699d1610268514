//! What is done about each rule: the most specific statement counts, then the presets.
//!
//! Of a rule's own name, its kind and its category the first that is stated decides. The
//! compliance gate then turns everything into `block` that was not stated to be `off`.

use crate::{
    config::Sanitization,
    domain::{Action, Category},
};

/// Finds the action for `id` of `kind` in `category`.
pub(super) fn action_for(settings: &Sanitization, id: &str, kind: &str, category: Category) -> Action {
    let own = stated(settings, id).or_else(|| stated(settings, kind));
    own.map_or_else(|| category_action(settings, category), |own| gated(settings, own))
}

/// What becomes of a stated action under the compliance gate.
pub(super) const fn gated(settings: &Sanitization, action: Action) -> Action {
    match action {
        Action::Off => Action::Off,
        _ if settings.compliance_gate => Action::Block,
        action => action,
    }
}

/// What is stated for this very name; of several statements the last.
pub(super) fn stated(settings: &Sanitization, name: &str) -> Option<Action> {
    settings.actions.iter().rev().find(|(stated, _)| stated.eq_ignore_ascii_case(name)).map(|(_, action)| *action)
}

/// What is done about a category's rules when no more specific name is stated.
pub(super) fn category_action(settings: &Sanitization, category: Category) -> Action {
    match stated(settings, category.as_str()) {
        Some(Action::Off) => Action::Off,
        _ if settings.compliance_gate => Action::Block,
        Some(action) => action,
        None => match category {
            Category::Credentials if settings.scan_credentials => Action::Log,
            Category::Pii if settings.redact_pii => Action::Redact,
            Category::Credentials | Category::Pii => Action::Off,
            Category::Custom => Action::Redact,
        },
    }
}

/// The names in `known` that look like `name`, best first, three at most.
pub(super) fn close_names(name: &str, known: &[&str]) -> Vec<String> {
    let name = name.to_ascii_lowercase();
    let likeness = |other: &str| {
        let other = other.to_ascii_lowercase();
        let contains = name.len() >= 3 && (other.contains(&name) || name.contains(&other));
        strsim::jaro_winkler(&name, &other).max(if contains { 0.9 } else { 0.0 })
    };
    let mut close: Vec<_> = known.iter().map(|other| (likeness(other), *other)).collect();
    close.retain(|(likeness, _)| *likeness > 0.8);
    close.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.len().cmp(&other.1.len())));
    let mut names: Vec<String> = close.into_iter().map(|(_, other)| other.to_ascii_lowercase()).collect();
    names.dedup();
    names.truncate(3);
    names
}
