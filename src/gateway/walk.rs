//! Steps 6 and 7, walking the plan: try, judge the failure, try again or go on to the next.
//!
//! Nothing of the answer has gone to the client while this runs, so whatever fails here can still be mended.
//! It never asks again for what cannot be sent twice (uploads, files, batches), and never past the deadline.
//! How one target is asked stands in `attempt`, how a second one is asked beside it in `hedge`.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use tokio::time::Instant;

use super::{
    accept::{Inbound, InboundBody},
    answer::Answer,
    attempt::Tried,
    error::Refusal,
    head::Head,
    identify::Caller,
    memory::Memory,
    need::Session,
    record::OpenRecord,
    tally::Facts,
};
use crate::{
    config::Routing,
    domain::{Endpoint, ErrorKind, Timestamp},
    policy::Policy,
    routing::{Plan, Target},
};

/// An attempt that failed, and what the client gets if nothing better comes.
pub(super) struct Failure {
    pub(super) kind: ErrorKind,
    /// The provider's HTTP status, or the one that an error inside a stream stands for.
    pub(super) status: Option<u16>,
    /// How long the provider asked to be left alone.
    pub(super) retry_after: Option<Duration>,
    /// What its answer said until it failed, where it was read.
    pub(super) facts: Option<Box<Facts>>,
    /// What the client is told: the provider's own error as it came, or ours.
    pub(super) told: Told,
}

pub(super) enum Told {
    Answer(Answer),
    Refusal(Refusal),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self { kind: refusal.kind, status: None, retry_after: None, facts: None, told: Told::Refusal(refusal) }
    }
}

/// How long the beginning of an answer is kept from the client, so that another attempt can take its place unseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// Nothing may be tried after this attempt.
    Not,
    /// The same target may be asked once more, or its failure be told by a true status: worth a moment, and no more,
    /// because who is slow now will be slow again.
    Briefly,
    /// Another target may be asked until then.
    Until(Instant),
}

/// Whether a retry may help, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    /// The same target may answer next time.
    Again,
    /// This target will not, another one may.
    Elsewhere,
    /// Nobody will: the request itself is at fault, or its client is.
    Nothing,
}

impl Failure {
    /// The one table of what may be mended.
    fn remedy(&self) -> Remedy {
        match (self.kind, self.status) {
            (ErrorKind::UpstreamConnect | ErrorKind::UpstreamProtocol, _) => Remedy::Again,
            // The time is gone; a target that is slow now will be slow again.
            (ErrorKind::UpstreamTimeout | ErrorKind::UpstreamRedirect | ErrorKind::UpstreamAuthentication, _) => {
                Remedy::Elsewhere
            }
            // Another target may speak the client's API, or have a place for what this one has none for.
            (ErrorKind::NotTranslatable, _) => Remedy::Elsewhere,
            (ErrorKind::UpstreamRateLimit, _) => Remedy::Again,
            (ErrorKind::UpstreamError, Some(501 | 505)) => Remedy::Elsewhere,
            (ErrorKind::UpstreamError, _) => Remedy::Again,
            // 402: no credit there. 403: not in this region or plan. 404: no such model there. 408, 409: try again.
            (ErrorKind::UpstreamRejected, Some(402..=404)) => Remedy::Elsewhere,
            (ErrorKind::UpstreamRejected, Some(408 | 409 | 425)) => Remedy::Again,
            _ => Remedy::Nothing,
        }
    }

    fn told(self) -> Result<Answer, Refusal> {
        match self.told {
            Told::Answer(answer) => Ok(answer),
            Told::Refusal(refusal) => Err(refusal),
        }
    }
}

/// What stays the same for every attempt.
pub(super) struct Walk<'a> {
    pub(super) policy: &'a Policy,
    pub(super) memory: &'a Memory,
    pub(super) caller: &'a Caller,
    pub(super) session: Option<Session>,
    /// When the request came.
    pub(super) began: Instant,
    /// Every breaker is open, so none is heeded.
    pub(super) is_forced: bool,
}

impl Walk<'_> {
    /// Goes from target to target until one answers, or nothing is left that might.
    pub(super) async fn go(
        &self,
        inbound: &mut Inbound,
        plan: Plan,
        record: &mut OpenRecord,
        head: &mut Head,
    ) -> Result<Answer, Refusal> {
        let rules = &self.policy.config.routing;
        let is_repeatable = is_repeatable(inbound);
        let mut attempts_left = rules.max_attempts;
        let (mut failed, mut unpaid) = (None, None);
        // Where one may be tried again, even the last to be tried tells its failure by a true status.
        let holds = is_repeatable && rules.max_attempts > 1 && (plan.targets.len() > 1 || rules.retries > 0);
        let last_fallback = self.began + rules.retry_deadline;
        let mut hedge = rules.hedge_after.filter(|_| is_repeatable);
        // A target that was asked beside another one, and will not answer.
        let mut spent = None;
        for (place, target) in plan.targets.iter().enumerate() {
            if spent == Some(place) {
                continue;
            }
            let mut retries_left = if is_repeatable { rules.retries } else { 0 };
            let mut pause = rules.retry_backoff;
            loop {
                let others = plan.targets.iter().enumerate().skip(place + 1);
                let is_last = attempts_left <= 1 || others.map(|(place, _)| place).all(|place| spent == Some(place));
                let hold = match (holds, is_last) {
                    (false, _) => Hold::Not,
                    (true, true) => Hold::Briefly,
                    (true, false) => Hold::Until(last_fallback),
                };
                let out_of_time = |wait: Duration| self.began.elapsed() + wait >= rules.retry_deadline;
                let beside = match (hedge, plan.targets.get(place + 1)) {
                    (Some(after), Some(next)) if attempts_left > 1 && !out_of_time(after) => Some((next, after)),
                    _ => None,
                };
                let tried = match beside {
                    Some(beside) => Box::pin(self.attempt_hedged(inbound, (target, beside), hold, record, head)).await,
                    None => self.attempt(inbound, target, hold, record, head).await,
                };
                let (failure, later) = match tried {
                    Tried::Answered { answer, by } => {
                        // Where there is but one place, there is nothing to remember.
                        if let (Some(session), true) = (self.session, plan.targets.len() > 1) {
                            self.memory.seat(session.id, &by.provider.id, by.model.as_ref());
                        }
                        return Ok(*answer);
                    }
                    Tried::Closed => break,
                    // Another one may be cheaper, or have room.
                    Tried::Unpaid(refusal) => {
                        unpaid.get_or_insert(refusal);
                        break;
                    }
                    Tried::Failed(failure) => (failure, None),
                    Tried::BothFailed { failure, next, next_was_last } => {
                        (hedge, attempts_left) = (None, attempts_left - 1);
                        if let Some((next_target, _)) = beside {
                            self.wait(rules, &next, next_target, pause);
                        }
                        spent = (next.remedy() != Remedy::Again).then_some(place + 1);
                        (failure, next_was_last.then_some(next))
                    }
                };
                attempts_left -= 1;
                let remedy = failure.remedy();
                let wait = self.wait(rules, &failure, target, pause);
                failed = Some(later.unwrap_or(failure));
                if remedy == Remedy::Nothing || attempts_left == 0 || !is_repeatable || out_of_time(Duration::ZERO) {
                    return Self::end(failed, None);
                }
                let (true, Some(wait)) = (remedy == Remedy::Again && retries_left > 0, wait) else { break };
                if out_of_time(wait) || !self.memory.health.take_retry(&target.provider.id, target.model.as_deref()) {
                    break;
                }
                retries_left -= 1;
                pause = pause.saturating_mul(2);
                tokio::time::sleep(wait).await;
            }
        }
        Self::end(failed, unpaid)
    }

    fn end(failed: Option<Failure>, unpaid: Option<Refusal>) -> Result<Answer, Refusal> {
        failed.map_or_else(
            || {
                let message = "every provider that could answer is being left alone after failures; try again soon";
                Err(unpaid.unwrap_or_else(|| Refusal::new(ErrorKind::NoProvider, message)))
            },
            Failure::told,
        )
    }

    /// How long to wait before the same target is asked again; `None` when it should not be.
    fn wait(&self, rules: &Routing, failure: &Failure, target: &Target, pause: Duration) -> Option<Duration> {
        if let Some(after) = failure.retry_after {
            let until = Timestamp::now().unix_us.saturating_add(i64::try_from(after.as_micros()).unwrap_or(i64::MAX));
            let until = Timestamp { unix_us: until };
            self.memory.health.rate_limited(&target.provider.id, target.model.as_deref(), until);
            return (after <= rules.retry_after_max).then_some(after);
        }
        // Half of the pause is fixed, half is drawn by lot, so that many clients do not come back as one.
        let half = pause / 2;
        Some(half + half.mul_f64(lot()))
    }
}

/// Whether the request may be sent more than once: its body is whole, and asking twice does nothing twice.
fn is_repeatable(inbound: &Inbound) -> bool {
    matches!(inbound.body, InboundBody::Whole { .. })
        && !matches!(inbound.endpoint, Endpoint::Files | Endpoint::Batches)
}

/// How long a provider asks to be left alone: `Retry-After` in seconds or as a date, or OpenAI's in milliseconds.
pub(super) fn retry_after(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    if !matches!(status.as_u16(), 429 | 503 | 529) {
        return None;
    }
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(millis) = text("retry-after-ms").and_then(|text| text.parse::<f64>().ok()) {
        return Duration::try_from_secs_f64(millis / 1e3).ok();
    }
    let after = text(header::RETRY_AFTER.as_str())?;
    if let Ok(seconds) = after.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = jiff::fmt::rfc2822::parse(after).ok()?.timestamp();
    Duration::try_from(at.duration_since(jiff::Timestamp::now())).ok()
}

/// A number from 0 to 1, drawn anew each time.
fn lot() -> f64 {
    use std::hash::{BuildHasher as _, RandomState};
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what a double holds")]
    let unit = (RandomState::new().hash_one(0_u8) >> 11) as f64 / (1_u64 << 53) as f64;
    unit
}

/// A random number for decisions by lot.
pub fn dice() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(1_u8)
}

/// When the request came, for deadlines.
pub(super) fn began(record: &OpenRecord) -> Instant {
    Instant::now().checked_sub(record.elapsed()).unwrap_or_else(Instant::now)
}
