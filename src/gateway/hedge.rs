//! Hedging: a target that keeps silent gets a second one beside it, and the client hears who answers first.
//!
//! Off unless the operator says after how long. Bounded: one hedge a request, within `max_attempts`, and no more of
//! them than a target may be asked retries. Both are calls like any other, with a row, funds and a pulse each; the one
//! that is not heard is given up at once.

use std::{
    pin::pin,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use metrics::counter;

use super::{
    accept::Inbound,
    attempt::{Asked, Tried},
    head::Head,
    record::OpenRecord,
    walk::{Hold, Walk},
};
use crate::routing::Target;

impl Walk<'_> {
    /// One upstream call, and a second one, of the next target, if nothing has come after a while.
    pub(super) async fn attempt_hedged(
        &self,
        inbound: &mut Inbound,
        (target, (next, after)): (&Target, (&Target, Duration)),
        hold: Hold,
        record: &mut OpenRecord,
        head: &mut Head,
    ) -> Tried {
        let asked = Asked::of(inbound, hold);
        let first = match self.prepare(inbound, target, record) {
            Ok(prepared) => prepared,
            Err(not_called) => return *not_called,
        };
        let (by, is_stream) = (first.target.clone(), asked.stream);
        let (mut first_head, mut second_head) = (head.clone(), head.clone());
        let (heard, unheard) = (AtomicBool::default(), AtomicBool::default());
        let mut hedged = None;
        let [first_record, second_record] = record.fork();
        let race = race(
            self.call(first, asked.clone(), first_record, &mut first_head, &heard),
            tokio::time::sleep(after),
            || {
                // The head of a stream says nothing of when its content comes; any other answer has begun with it.
                let has_begun = heard.load(Relaxed) && !is_stream;
                // Each target's calls earn it retries; who is slow often has no more calls made beside it than that.
                let may = || self.memory.health.take_retry(&target.provider.id, target.model.as_deref());
                if has_begun || !may() {
                    return None;
                }
                let second = self.prepare(inbound, next, second_record).ok()?;
                hedged = Some(second.target.clone());
                Some(self.call(second, asked, second_record, &mut second_head, &unheard))
            },
        )
        .await;
        record.join(race.is_second);
        let last = if race.is_second { second_head } else { first_head };
        head.join(last, if hedged.is_some() { 2 } else { 1 });
        if hedged.is_some() {
            let won = match (&race.end, race.is_second) {
                (Err(_), _) => "none",
                (Ok(_), false) => "first",
                (Ok(_), true) => "second",
            };
            counter!("llm_gateway_hedges_total", "won" => won).increment(1);
        }
        match race {
            Race { end: Ok(answer), is_second, .. } => {
                let by = hedged.filter(|_| is_second).unwrap_or(by);
                Tried::Answered { answer: Box::new(answer), by }
            }
            Race { end: Err(last), is_second, before: Some(before) } => {
                let (failure, next) = if is_second { (before, last) } else { (last, before) };
                Tried::BothFailed { failure, next, next_was_last: is_second }
            }
            Race { end: Err(failure), before: None, .. } => Tried::Failed(failure),
        }
    }
}

/// What came of a call, and of the one that may have begun beside it.
#[derive(Debug, PartialEq, Eq)]
struct Race<T, E> {
    /// Of the one that is heard, or was the last to fail.
    end: Result<T, E>,
    /// Whether that is the second.
    is_second: bool,
    /// Of the other one, if it failed before.
    before: Option<E>,
}

/// The first call, and when `silence` is over before it the second one as well, if there is one: whichever succeeds
/// first. When this is over, what is still under way has been dropped.
async fn race<T, E, S: Future<Output = Result<T, E>>>(
    first: impl Future<Output = Result<T, E>>,
    silence: impl Future<Output = ()>,
    second: impl FnOnce() -> Option<S>,
) -> Race<T, E> {
    let mut first = pin!(first);
    tokio::select! {
        biased;
        end = first.as_mut() => return Race { end, is_second: false, before: None },
        () = silence => {}
    }
    let Some(second) = second() else { return Race { end: first.await, is_second: false, before: None } };
    let mut second = pin!(second);
    let (is_second, end) = tokio::select! {
        biased;
        end = first.as_mut() => (false, end),
        end = second.as_mut() => (true, end),
    };
    match end {
        Ok(_) => Race { end, is_second, before: None },
        // There is hope yet.
        Err(failure) => {
            let end = if is_second { first.await } else { second.await };
            Race { end, is_second: !is_second, before: Some(failure) }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::sync::oneshot::{Receiver, Sender, channel};

    use super::*;

    type End = Result<&'static str, &'static str>;

    /// A race under way: how its parts are brought to their ends, and what came of it.
    struct Course {
        first: Option<Sender<End>>,
        silence: Option<Sender<()>>,
        second: Option<Sender<End>>,
        race: std::pin::Pin<Box<dyn Future<Output = Race<&'static str, &'static str>>>>,
    }

    fn course(has_second: bool) -> Course {
        async fn of(end: Receiver<End>) -> End {
            end.await.unwrap()
        }
        let ((first, one), (silence, quiet), (second, two)) = (channel(), channel(), channel());
        let silence_over = async {
            quiet.await.unwrap();
        };
        let race = Box::pin(race(of(one), silence_over, move || has_second.then(|| of(two))));
        Course { first: Some(first), silence: Some(silence), second: Some(second), race }
    }

    impl Course {
        /// One step; what came of it, if it is over.
        fn step(&mut self, step: &str) -> Option<Race<&'static str, &'static str>> {
            let end = |step: &'static str| if step.ends_with("ok") { Ok(step) } else { Err(step) };
            match step {
                "silence" => self.silence.take().unwrap().send(()).unwrap(),
                "first ok" => self.first.take().unwrap().send(end("first ok")).unwrap(),
                "first fails" => self.first.take().unwrap().send(end("first fails")).unwrap(),
                "second ok" => self.second.take().unwrap().send(end("second ok")).unwrap(),
                "second fails" => self.second.take().unwrap().send(end("second fails")).unwrap(),
                _ => unreachable!("{step}"),
            }
            self.race.as_mut().now_or_never()
        }
    }

    #[test]
    fn who_answers_first_is_heard_and_the_other_given_up() {
        type Case = (&'static [&'static str], End, bool, Option<&'static str>);
        let cases: [Case; 8] = [
            (&["first ok"], Ok("first ok"), false, None),
            (&["first fails"], Err("first fails"), false, None),
            (&["silence", "first ok"], Ok("first ok"), false, None),
            (&["silence", "second ok"], Ok("second ok"), true, None),
            (&["silence", "first fails", "second ok"], Ok("second ok"), true, Some("first fails")),
            (&["silence", "second fails", "first ok"], Ok("first ok"), false, Some("second fails")),
            (&["silence", "first fails", "second fails"], Err("second fails"), true, Some("first fails")),
            (&["silence", "second fails", "first fails"], Err("first fails"), false, Some("second fails")),
        ];
        for (steps, end, is_second, before) in cases {
            let mut course = course(true);
            let (last, others) = steps.split_last().unwrap();
            for step in others {
                assert_eq!(course.step(step), None, "{steps:?}");
            }
            assert_eq!(course.step(last), Some(Race { end, is_second, before }), "{steps:?}");
            // Who lost is no longer waited for: nobody hears it.
            drop(course.race);
            let lost = [course.first, course.second].into_iter().flatten();
            assert!(lost.into_iter().all(|end| end.is_closed()), "{steps:?}");
        }
    }

    #[test]
    fn without_a_second_the_first_is_waited_for() {
        let mut course = course(false);
        assert_eq!(course.step("silence"), None);
        assert_eq!(course.step("first ok"), Some(Race { end: Ok("first ok"), is_second: false, before: None }));
    }
}
