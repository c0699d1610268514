//! What the outcome of a request says of the model that was asked. Pure, and never a word of the request itself.

use std::{hash::BuildHasher as _, sync::Arc};

use foldhash::{HashMap, fast::FixedState};

use crate::domain::{Attempt, Endpoint, ErrorKind, Outcome, Record};

/// The same request within so long is a retry of the first.
const SOON_US: i64 = 60_000_000;
/// Who sends requests of one length again and again is a program, and no retry is meant.
const PROGRAM: u8 = 3;
/// Requests that are remembered.
const REMEMBERED: usize = 8_192;

/// One automatic signal.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Observed {
    pub(super) provider: Arc<str>,
    pub(super) model: Arc<str>,
    pub(super) task: Arc<str>,
    pub(super) kind: &'static str,
    pub(super) score: f64,
}

/// How each call of a record ended.
pub(super) fn observed(record: &Record) -> Vec<Observed> {
    let judged = record.attempts.iter().filter_map(|attempt| {
        let (kind, score) = judge(record, attempt)?;
        let model = Arc::clone(attempt.model.as_ref()?);
        Some(Observed { provider: Arc::clone(&attempt.provider), model, task: task(record), kind, score })
    });
    judged.collect()
}

fn judge(record: &Record, attempt: &Attempt) -> Option<(&'static str, f64)> {
    match (attempt.outcome, attempt.error_kind) {
        (Outcome::Ok, _) => Some(match record.finish_reason.as_deref() {
            Some("length" | "max_tokens" | "MAX_TOKENS" | "max_output_tokens") => ("truncated", 0.5),
            _ if is_text(record.endpoint) && attempt.usage.output_tokens() == Some(0) => ("empty", 0.0),
            _ => ("answered", 1.0),
        }),
        (
            Outcome::Error,
            Some(
                ErrorKind::UpstreamError
                | ErrorKind::UpstreamTimeout
                | ErrorKind::UpstreamProtocol
                | ErrorKind::UpstreamConnect,
            ),
        ) => Some(("error", 0.0)),
        _ => None,
    }
}

/// Endpoints whose answers hold text.
const fn is_text(endpoint: Endpoint) -> bool {
    matches!(
        endpoint,
        Endpoint::ChatCompletions
            | Endpoint::Responses
            | Endpoint::Messages
            | Endpoint::GenerateContent
            | Endpoint::StreamGenerateContent
            | Endpoint::OllamaChat
            | Endpoint::OllamaGenerate
            | Endpoint::Completions
            | Endpoint::Classify
            | Endpoint::Plan
            | Endpoint::TaskChat
    )
}

fn task(record: &Record) -> Arc<str> {
    record.profile.clone().unwrap_or_default()
}

/// Which requests were answered lately, to see when the same client asks the same again: a word that the
/// answer was of no use. The same is: client, endpoint, model and length.
#[derive(Debug, Default)]
pub(super) struct Repeats(HashMap<u64, Last>);

#[derive(Debug)]
struct Last {
    ended_us: i64,
    times: u8,
    provider: Arc<str>,
    model: Arc<str>,
    task: Arc<str>,
}

impl Repeats {
    /// The signal that a record is of the request before it.
    pub(super) fn repeated(&self, record: &Record) -> Option<Observed> {
        let last = self.0.get(&likeness(record)?)?;
        let since_us = record.started_at.unix_us.saturating_sub(last.ended_us);
        let is_meant = (0..=SOON_US).contains(&since_us) && last.times < PROGRAM;
        is_meant.then(|| Observed {
            provider: Arc::clone(&last.provider),
            model: Arc::clone(&last.model),
            task: Arc::clone(&last.task),
            kind: "retried",
            score: 0.2,
        })
    }

    /// Remembers a request that was answered.
    pub(super) fn remember(&mut self, record: &Record) {
        let (Some(likeness), Some(attempt)) = (likeness(record), record.attempts.last()) else { return };
        let Some(model) = attempt.model.clone().filter(|_| record.outcome == Outcome::Ok) else { return };
        let ended_us = record.started_at.unix_us.saturating_add_unsigned(record.latency_us);
        if self.0.len() >= REMEMBERED && !self.0.contains_key(&likeness) {
            self.0.retain(|_, last| ended_us.saturating_sub(last.ended_us) <= SOON_US);
            if self.0.len() >= REMEMBERED {
                return;
            }
        }
        let times = self
            .0
            .get(&likeness)
            .filter(|last| ended_us.saturating_sub(last.ended_us) <= SOON_US)
            .map_or(0, |last| last.times);
        let provider = Arc::clone(&attempt.provider);
        let last = Last { ended_us, times: times.saturating_add(1), provider, model, task: task(record) };
        self.0.insert(likeness, last);
    }
}

/// What a request and its retry have in common; `None` when nobody knows whose it is.
fn likeness(record: &Record) -> Option<u64> {
    let is_known = record.key_id.is_some() || record.source.is_some() || record.session_id.is_some();
    if !is_known || !is_text(record.endpoint) || record.request_bytes == 0 {
        return None;
    }
    let client = (&record.key_id, &record.project, &record.source, &record.session_id);
    let asked = (record.endpoint, &record.model_requested, record.request_bytes, record.stream);
    Some(FixedState::default().hash_one((client, asked)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{attempt, record};

    #[test]
    fn each_call_says_how_it_ended() {
        type Case = (Option<ErrorKind>, Option<&'static str>, Option<u64>, Option<(&'static str, f64)>);
        let cases: [Case; 7] = [
            (None, Some("stop"), Some(5), Some(("answered", 1.0))),
            (None, None, None, Some(("answered", 1.0))),
            (None, Some("length"), Some(5), Some(("truncated", 0.5))),
            (None, Some("stop"), Some(0), Some(("empty", 0.0))),
            (Some(ErrorKind::UpstreamTimeout), None, None, Some(("error", 0.0))),
            (Some(ErrorKind::UpstreamRateLimit), None, None, None),
            (Some(ErrorKind::UpstreamRejected), None, None, None),
        ];
        for (kind, reason, output, expected) in cases {
            let mut one = record(0, Outcome::Ok, None);
            let mut call = attempt("p", Some(200), kind);
            call.usage.output = output;
            (one.finish_reason, one.attempts) = (reason.map(Arc::from), vec![call]);
            let seen: Vec<_> = observed(&one).into_iter().map(|seen| (seen.kind, seen.score)).collect();
            assert_eq!(seen, expected.into_iter().collect::<Vec<_>>(), "{kind:?} {reason:?} {output:?}");
        }
    }

    fn asked(at_secs: i64, source: Option<&str>, bytes: u64) -> Record {
        let mut one = record(at_secs * 1_000_000, Outcome::Ok, None);
        (one.source, one.request_bytes, one.latency_us) = (source.map(Arc::from), bytes, 1_000_000);
        one.attempts = vec![attempt("p", Some(200), None)];
        one
    }

    #[test]
    fn the_same_request_soon_after_its_answer_is_a_retry() {
        let first = asked(100, Some("ada"), 500);
        let cases = [
            ("soon", asked(110, Some("ada"), 500), true),
            ("before the answer had come", asked(100, Some("ada"), 500), false),
            ("late", asked(162, Some("ada"), 500), false),
            ("somebody else", asked(110, Some("bob"), 500), false),
            ("something else", asked(110, Some("ada"), 501), false),
            ("nobody known", asked(110, None, 500), false),
        ];
        for (what, second, expected) in cases {
            let mut repeats = Repeats::default();
            repeats.remember(&first);
            assert_eq!(repeats.repeated(&second).is_some(), expected, "{what}");
        }
    }

    #[test]
    fn a_program_that_asks_by_the_clock_is_not_unhappy() {
        let mut repeats = Repeats::default();
        let retries = (0..20).filter(|number| {
            let one = asked(100 + number * 5, Some("cron"), 500);
            let is_retry = repeats.repeated(&one).is_some();
            repeats.remember(&one);
            is_retry
        });
        assert_eq!(retries.count(), 2);
    }

    #[test]
    fn only_so_much_is_remembered() {
        let mut repeats = Repeats::default();
        for number in 0..3 * REMEMBERED as u64 {
            repeats.remember(&asked(100, Some("ada"), 1 + number));
        }
        assert_eq!(repeats.0.len(), REMEMBERED);
    }
}
