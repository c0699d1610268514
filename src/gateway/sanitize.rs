//! Between identify and plan, and on the way back: no text passes that the sanitizer has not judged.
//!
//! Nothing is let through for want of an answer: a check that fails, panics or takes too long refuses
//! the request, or ends the answer. Rules that only log change nothing, and their failures pass.

mod heads;

use std::{panic::AssertUnwindSafe, sync::Arc};

use bytes::Bytes;
use http::header;

use super::{
    accept::{Inbound, InboundBody},
    error::Refusal,
    record::OpenRecord,
};
use crate::{
    domain::{Action, Api, Direction, ErrorKind, Finding},
    sanitize::{self, Checked, Effect, Failure, Framing, Guard, Report, RuleSet, Vault},
};

/// From this size on a body is checked beside the runtime's own threads, which others wait for.
const ASIDE_FROM_BYTES: usize = 256 << 10;

/// The most findings that a refusal names.
const MAX_NAMED: usize = 8;

/// How an upload is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uploads {
    /// Forwarded while it arrives.
    Forwarded,
    /// Held if it fits, so that it can be looked at.
    Held,
    /// Held, and refused if it does not fit.
    MustBeHeld,
}

/// How uploads must be read for these rules.
pub(crate) fn uploads(rules: Option<&Arc<RuleSet>>) -> Uploads {
    match rules.map(|rules| rules.effect(Direction::Request)) {
        None | Some(Effect::Nothing) => Uploads::Forwarded,
        Some(Effect::Observes) => Uploads::Held,
        Some(Effect::Edits) => Uploads::MustBeHeld,
    }
}

/// What the answer must be watched for.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    rules: Arc<RuleSet>,
    vault: Arc<Vault>,
    edits: bool,
}

impl Watch {
    /// `None` when there is nothing to look for.
    fn new(rules: Arc<RuleSet>, vault: Vault) -> Option<Self> {
        let effect = rules.effect(Direction::Response);
        let edits = effect == Effect::Edits || !vault.is_empty();
        (edits || effect == Effect::Observes).then(|| Self { rules, vault: Arc::new(vault), edits })
    }

    /// Whether the answer may have to be changed, so that it must come readable.
    pub(crate) const fn edits(&self) -> bool {
        self.edits
    }

    /// The guard of an error's body, which need not be JSON.
    pub(crate) fn error_guard(&self, api: Api, body: &[u8]) -> AnswerGuard {
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
        AnswerGuard::new(self.guard(api, if is_json { Framing::Json } else { Framing::Text }))
    }

    /// An error's text as the client may see it; `None` when it may not.
    pub(crate) fn told(&self, api: Api, message: &str) -> Option<String> {
        let mut guard = self.error_guard(api, message.as_bytes());
        let mut judged = guard.feed(message.as_bytes()).to_vec();
        judged.extend_from_slice(&guard.finish());
        match (guard.end().is_some(), guard.edits()) {
            (true, _) => None,
            (false, true) => String::from_utf8(judged).ok(),
            (false, false) => Some(message.to_owned()),
        }
    }

    pub(crate) fn guard(&self, api: Api, framing: Framing) -> Box<Guard> {
        Box::new(Guard::new(Arc::clone(&self.rules), Arc::clone(&self.vault), api, framing, self.edits))
    }
}

/// Checks a request. What must change in its body is left with it for the call.
pub(crate) async fn request(
    rules: Option<Arc<RuleSet>>,
    inbound: &mut Inbound,
    record: &mut OpenRecord,
) -> Result<(), Refusal> {
    let Some(rules) = rules else { return Ok(()) };
    let effect = rules.effect(Direction::Request);
    let mut vault = Vault::default();
    if effect != Effect::Nothing {
        heads::request(&rules, inbound, record, &mut vault)?;
    }
    let findings = body(rules, inbound, vault).await?;
    record.found(findings.findings);
    findings.refusal.map_or(Ok(()), Err)
}

/// Checks a request that a plugin wrote anew: nothing leaves unseen that it put in. What was masked stays masked, and
/// what was found before is not told twice.
pub(crate) async fn again(
    rules: Option<Arc<RuleSet>>,
    inbound: &mut Inbound,
    record: &mut OpenRecord,
) -> Result<(), Refusal> {
    let Some(rules) = rules else { return Ok(()) };
    let vault = inbound.watch.take().and_then(|watch| Arc::into_inner(watch.vault)).unwrap_or_default();
    let found = body(rules, inbound, vault).await?;
    let known = |finding: &Finding| {
        let before = record.so_far().map_or(&[][..], |record| &record.findings);
        before.iter().any(|other| other.rule == finding.rule && other.action == finding.action)
    };
    let (new, refusal) = (found.findings.into_iter().filter(|one| !known(one)).collect(), found.refusal);
    record.found(new);
    refusal.map_or(Ok(()), Err)
}

/// What was found in a body.
struct Found {
    findings: Vec<Finding>,
    refusal: Option<Refusal>,
}

/// Checks a body; what must change in it is left with the request.
async fn body(rules: Arc<RuleSet>, inbound: &mut Inbound, mut vault: Vault) -> Result<Found, Refusal> {
    let nothing = Found { findings: Vec::new(), refusal: None };
    let effect = rules.effect(Direction::Request);
    let body = match &inbound.body {
        InboundBody::Whole { raw, plain } => plain.as_ref().unwrap_or(raw).clone(),
        InboundBody::Upload { .. } => Bytes::new(),
    };
    if effect == Effect::Nothing || body.is_empty() {
        inbound.watch = Watch::new(rules, vault);
        return Ok(nothing);
    }
    let is_json = inbound.steering.is_some();
    let content_type = inbound.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    let shared = Arc::clone(&rules);
    let is_large = body.len() >= ASIDE_FROM_BYTES;
    let check = move || {
        let checked = if is_json {
            sanitize::check_request(&shared, &body, &mut vault)
        } else {
            sanitize::check_upload(&shared, &content_type, &body, &mut vault)
        };
        checked.map(|checked| (checked, vault))
    };
    match contained(is_large, check).await {
        Ok((Checked { edits, report }, vault)) => {
            let blocked =
                report.blocked.then(|| Refusal::new(ErrorKind::ContentBlocked, named("the request", &report)));
            if blocked.is_none() {
                inbound.edits = edits;
                inbound.watch = Watch::new(rules, vault);
            }
            Ok(Found { findings: report.findings, refusal: blocked })
        }
        Err(fault) if effect == Effect::Edits => Err(fault.refusal("the request")),
        Err(_) => {
            inbound.watch = Watch::new(rules, Vault::default());
            Ok(nothing)
        }
    }
}

/// Why a check came to nothing.
#[derive(Debug)]
pub(crate) enum Fault {
    Failed(Failure),
    /// It panicked. What it said may hold the text, and is not passed on.
    Panicked,
}

impl Fault {
    fn refusal(&self, what: &str) -> Refusal {
        match self {
            Self::Failed(Failure::Unreadable(why)) => {
                Refusal::new(ErrorKind::InvalidRequest, format!("{what} cannot be checked: {why}"))
            }
            Self::Failed(why) => {
                Refusal::new(ErrorKind::SanitizerFailed, format!("{what} could not be checked: {why}"))
            }
            Self::Panicked => Refusal::new(ErrorKind::SanitizerFailed, format!("{what} could not be checked")),
        }
    }
}

/// Runs a check so that its panic is a failure of the check alone.
async fn contained<T: Send + 'static>(
    is_large: bool,
    check: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Fault> {
    let outcome = if is_large {
        tokio::task::spawn_blocking(check).await.map_err(|_| ())
    } else {
        std::panic::catch_unwind(AssertUnwindSafe(check)).map_err(|_| ())
    };
    match outcome {
        Ok(done) => done.map_err(Fault::Failed),
        Err(()) => Err(Fault::Panicked),
    }
}

/// What was blocked, by kind and place; never the text itself.
fn named(what: &str, report: &Report) -> String {
    let blocked: Vec<&Finding> = report.findings.iter().filter(|found| found.action == Action::Block).collect();
    let mut names: Vec<_> =
        blocked.iter().take(MAX_NAMED).map(|found| format!("{} in {}", found.kind, found.place)).collect();
    if blocked.len() > MAX_NAMED {
        names.push(format!("{} more", blocked.len() - MAX_NAMED));
    }
    format!("{what} was refused by the sanitizer: {}", names.join(", "))
}

/// The guard of an answer, with its panics contained.
pub(crate) struct AnswerGuard {
    guard: Option<Box<Guard>>,
    edits: bool,
    findings: Vec<Finding>,
    end: Option<Refusal>,
    fed_bytes: usize,
    is_list: bool,
    /// Whether an element of the list has left.
    sent: bool,
}

impl AnswerGuard {
    pub(crate) fn new(guard: Box<Guard>) -> Self {
        let (edits, is_list) = (guard.edits(), guard.framing() == Framing::JsonArray);
        Self { guard: Some(guard), edits, findings: Vec::new(), end: None, fed_bytes: 0, is_list, sent: false }
    }

    /// Whether what comes out takes the place of what went in.
    pub(crate) const fn edits(&self) -> bool {
        self.edits
    }

    /// Reads on; returns what may leave.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Bytes {
        self.fed_bytes = self.fed_bytes.saturating_add(bytes.len());
        self.with(|guard, out| guard.feed(bytes, out), bytes.len() + bytes.len() / 4)
    }

    /// The same as [`Self::finish`], beside the runtime's own threads when there is much to judge.
    pub(crate) async fn finish_aside(mut self) -> (Bytes, Self) {
        if self.fed_bytes < ASIDE_FROM_BYTES {
            return (self.finish(), self);
        }
        let edits = self.edits;
        let done = tokio::task::spawn_blocking(move || (self.finish(), self)).await;
        done.unwrap_or_else(|_| {
            let end = edits.then(|| Fault::Panicked.refusal("the answer"));
            (
                Bytes::new(),
                Self { guard: None, edits, findings: Vec::new(), end, fed_bytes: 0, is_list: false, sent: false },
            )
        })
    }

    /// The answer is over: what still waited.
    pub(crate) fn finish(&mut self) -> Bytes {
        let rest = self.with(Guard::finish, 0);
        self.settle();
        rest
    }

    fn with(&mut self, step: impl FnOnce(&mut Guard, &mut Vec<u8>), room: usize) -> Bytes {
        let Some(guard) = &mut self.guard else { return Bytes::new() };
        let mut out = Vec::with_capacity(if self.edits { room } else { 0 });
        let done = std::panic::catch_unwind(AssertUnwindSafe(|| step(guard, &mut out)));
        if done.is_err() {
            self.guard = None;
            self.end = self.edits.then(|| Fault::Panicked.refusal("the answer"));
            return Bytes::new();
        }
        self.sent |= out.contains(&b'{');
        if guard.is_over() {
            self.settle();
        }
        Bytes::from(out)
    }

    /// Takes the guard's results.
    fn settle(&mut self) {
        let Some(guard) = self.guard.take() else { return };
        let report = guard.report();
        self.findings.extend(report.findings.iter().cloned());
        if !self.edits {
            return;
        }
        if report.blocked {
            self.end = Some(Refusal::new(ErrorKind::ContentBlocked, named("the answer", report)));
        } else if let Some(failure) = guard.failure() {
            let message = format!("the answer could not be checked: {failure}");
            self.end = Some(Refusal::new(ErrorKind::SanitizerFailed, message));
        }
    }

    /// What must stand before one more element of a list that was cut off; `None` when the answer is no list.
    pub(crate) const fn element_opening(&self) -> Option<&'static [u8]> {
        match (self.is_list, self.sent) {
            (false, _) => None,
            (true, false) => Some(b"["),
            (true, true) => Some(b","),
        }
    }

    /// Why the answer cannot go on.
    pub(crate) const fn end(&self) -> Option<&Refusal> {
        self.end.as_ref()
    }

    /// What was found, once.
    pub(crate) fn take_findings(&mut self) -> Vec<Finding> {
        self.settle();
        std::mem::take(&mut self.findings)
    }
}

#[cfg(test)]
mod tests;
