//! What the lists of the caller's key and project forbid.
//!
//! They may name models bare or with their provider; an empty list holds all.

use super::super::{facts::Forbidden, question::Question};
use crate::config::Provider;

/// Judges candidates by the lists of the key and the project.
#[derive(Clone, Copy)]
pub(super) struct Gate<'q> {
    question: &'q Question<'q>,
    /// Whether the name that was asked for stands on the key's list, whatever it leads to.
    by_key: bool,
    /// The same of the project's.
    by_project: bool,
}

impl<'q> Gate<'q> {
    /// For a request that asks for one of these names.
    pub(super) fn new<'n>(question: &'q Question<'q>, names: impl Iterator<Item = &'n str> + Clone) -> Self {
        let stands = |allowed: &[String]| names.clone().any(|name| is_listed(allowed, name));
        Self { question, by_key: stands(question.allowed_models), by_project: stands(question.project_models) }
    }

    /// For the name that the client said.
    pub(super) fn of(question: &'q Question<'q>) -> Self {
        Self::new(question, question.model.into_iter())
    }

    /// What forbids a candidate.
    pub(super) fn forbids(self, provider: &Provider, model: Option<&str>) -> Option<Forbidden> {
        if !self.question.may_use(provider) {
            return Some(Forbidden::Provider);
        }
        let passes = |allowed: &[String], is_named: bool| {
            is_named || model.is_none_or(|model| lets_pass(allowed, &provider.id, model))
        };
        let is_allowed =
            passes(self.question.allowed_models, self.by_key) && passes(self.question.project_models, self.by_project);
        (!is_allowed).then_some(Forbidden::Model)
    }
}

/// Whether a list of allowed models, which it may name bare or with their provider, holds this one; an empty list
/// holds all.
pub fn lets_pass(allowed: &[String], provider: &str, model: &str) -> bool {
    let is_pinned =
        |allowed: &String| allowed.split_once('/').is_some_and(|(pin, rest)| pin == provider && rest == model);
    allowed.is_empty() || is_listed(allowed, model) || allowed.iter().any(is_pinned)
}

fn is_listed(allowed: &[String], name: &str) -> bool {
    allowed.iter().any(|allowed| allowed == name)
}
