//! Two calls at once for one request: each has a record of its own until one has answered.
//!
//! The record that is written holds both, so that calls whose future is dropped (the client left, the process ends)
//! are closed with it and by the same words, as a single call is.

use std::sync::Arc;

use super::{CallEnd, OpenRecord};
use crate::domain::{ErrorKind, Outcome, Record};

impl OpenRecord {
    /// Records for two calls, which are this one's until they are joined.
    pub(crate) fn fork(&mut self) -> &mut [Self; 2] {
        let branch = || Self {
            record: self.record.as_deref().map(|record| {
                let (attempts, findings, budget_marks, plugin_failures) = Default::default();
                Box::new(Record { attempts, findings, budget_marks, plugin_failures, ..record.clone() })
            }),
            began: self.began,
            attempt: None,
            policy: Arc::clone(&self.policy),
            recorder: self.recorder.clone(),
            text_tokens: self.text_tokens,
            admission: None,
            plugins: self.plugins.clone(),
            fork: None,
        };
        let fork = Box::new([branch(), branch()]);
        self.fork.insert(fork)
    }

    /// Takes over what both calls told. The last word has the second, or the first: its call may still be under
    /// way, and its row will stand behind the other's. A call of the other's that is under way is given up.
    pub(crate) fn join(&mut self, second_is_last: bool) {
        let Some(mut fork) = self.fork.take() else { return };
        let [first, second] = fork.as_mut();
        let (last, other) = if second_is_last { (second, first) } else { (first, second) };
        other.call_ends(CallEnd { outcome: Outcome::Cancelled, error_kind: None, facts: None });
        self.attempt = last.attempt.take();
        self.plugins = last.plugins.take();
        let failures = last.record.iter().chain(&other.record).flat_map(|record| record.plugin_failures.clone());
        let failures: Vec<_> = failures.collect();
        self.plugins_failed(failures);
        // What is taken out of them is not written as a record of its own.
        let (Some(before), Some(other), Some(mut last)) = (self.record.take(), other.record.take(), last.record.take())
        else {
            return;
        };
        let (mut rows, found) = (before.attempts, std::mem::take(&mut last.findings));
        last.budget_marks.extend(before.budget_marks.into_iter().chain(other.budget_marks));
        rows.extend(other.attempts);
        rows.append(&mut last.attempts);
        (last.attempts, last.findings, last.plugin_failures) = (rows, before.findings, before.plugin_failures);
        other.findings.into_iter().chain(found).for_each(|finding| last.found(finding));
        self.record = Some(last);
    }

    /// The request is over while two calls are under way: both end as it does.
    pub(super) fn end_fork(&mut self, outcome: Outcome, error_kind: Option<ErrorKind>) {
        let Some(fork) = &mut self.fork else { return };
        let has_second = fork.last().is_some_and(|second| second.attempt.is_some());
        for branch in fork.iter_mut() {
            branch.call_ends(CallEnd { outcome, error_kind, facts: None });
        }
        self.join(has_second);
    }
}
