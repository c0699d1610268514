//! Names close to one that leads nowhere, for the message that says so.
//!
//! Never names what the caller's key or project may not use.

use super::{Question, resolve::may_ask};

/// Most names that are told.
const TOLD: usize = 3;

/// Longer names than this are no typos of any.
const TYPED_BYTES_MAX: usize = 128;

/// The names that the caller may ask for and that are nearest to `typed`, the nearest first; usually none.
pub fn close_names(question: &Question<'_>, typed: &str) -> Vec<String> {
    if typed.len() > TYPED_BYTES_MAX {
        return Vec::new();
    }
    let wanted = typed.to_lowercase();
    let mut close: Vec<(usize, String)> = Vec::new();
    let mut look_at = |name: &str| {
        // Three letters of ten may differ, two of fewer, and never more than half.
        let most = 2.max(wanted.len() * 3 / 10).min(wanted.len() / 2);
        if name.len().abs_diff(wanted.len()) > most || name == typed || close.iter().any(|(_, known)| known == name) {
            return;
        }
        let distance = strsim::osa_distance(&wanted, &name.to_lowercase());
        if distance <= most {
            close.push((distance, name.to_owned()));
        }
    };
    let is_allowed = |name: &str| {
        let lists = [question.allowed_models, question.project_models];
        lists.iter().all(|allowed| allowed.is_empty() || allowed.iter().any(|allowed| allowed == name))
    };
    for model in question.models {
        let names = std::iter::once(&model.name).chain(&model.aliases);
        names.filter(|name| is_allowed(name)).for_each(|name| look_at(name));
    }
    for provider in question.providers.iter().filter(|provider| may_ask(question, provider)) {
        question.catalog.models_known_of(provider).filter(|name| is_allowed(name)).for_each(&mut look_at);
    }
    close.sort();
    close.into_iter().take(TOLD).map(|(_, name)| name).collect()
}
