//! The open record: opened before anything can fail, closed exactly once, whatever happens.
//!
//! Dropping it unclosed is how a client's hang-up looks from inside (the request's future is simply
//! dropped), so `Drop` closes it as `client_disconnected`. Closing is synchronous and never waits.

mod fork;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    accept::{Arrival, Inbound, Labels},
    allow::{self, Funds},
    identify::Caller,
    metrics,
    tally::Facts,
};
use crate::{
    cache::Entry,
    catalog::{Catalog, PriceQuery},
    config::Provider,
    domain::{Attempt, CacheState, ErrorKind, Finding, Microcents, Outcome, Record, RecordId, Timestamp, Usage},
    limits::Taken,
    plugins::{Decision, Hook, Running},
    policy::Policy,
    provider::{Credential, Pulse},
    routing::Target,
    store::{Recorder, Spooling},
};

/// A record in the making.
pub(crate) struct OpenRecord {
    record: Option<Box<Record>>,
    began: Instant,
    attempt: Option<OpenAttempt>,
    policy: Arc<Policy>,
    recorder: Recorder,
    /// Tokens of the request's text, estimated: they stand in when nobody counts them.
    text_tokens: u64,
    /// What its limits were asked for.
    admission: Option<Taken>,
    /// The plugins on its way.
    plugins: Option<Box<Running>>,
    /// The records of two calls at once, until one of them has answered.
    fork: Option<Box<[OpenRecord; 2]>>,
}

struct OpenAttempt {
    row: Attempt,
    began: Instant,
    provider: Arc<Provider>,
    /// What the call was signed with: words of the provider's that hold it are not kept.
    credential: Credential,
    /// Tells the health of the target how the call went.
    pulse: Pulse,
    /// What limits and budgets let it use.
    funds: Funds,
}

/// How an upstream call ended.
pub(crate) struct CallEnd {
    pub(crate) outcome: Outcome,
    pub(crate) error_kind: Option<ErrorKind>,
    /// What the tally saw; `None` when no answer began.
    pub(crate) facts: Option<Facts>,
}

impl OpenRecord {
    /// Opens the record. Everything that the request's head tells is in it from the start.
    pub(crate) fn open(arrival: &Arrival, policy: Arc<Policy>, recorder: Recorder) -> Self {
        let record = Record {
            model_requested: arrival.path_model.as_deref().map(Arc::from),
            ..Record::begun(Timestamp::now(), arrival.endpoint)
        };
        Self {
            record: Some(Box::new(record)),
            began: Instant::now(),
            attempt: None,
            policy,
            recorder,
            text_tokens: 0,
            admission: None,
            plugins: None,
            fork: None,
        }
    }

    /// How long ago the request came.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// The record's id, as `x-gateway-record` tells it.
    pub(crate) fn id(&self) -> Option<RecordId> {
        self.record.as_ref().map(|record| record.id)
    }

    /// Whether a successful call is priced, so that its answer has to say something.
    pub(crate) fn is_billable(&self) -> bool {
        self.record.as_ref().is_some_and(|record| record.endpoint.is_billable())
    }

    /// Whether it is no answer when nothing comes, or nothing that could be read.
    pub(crate) fn must_speak(&self) -> bool {
        self.record.as_ref().is_some_and(|record| record.endpoint.answers_json())
    }

    pub(crate) fn label(&mut self, labels: &Labels) {
        self.with(|record| {
            record.project.clone_from(&labels.project);
            record.source.clone_from(&labels.source);
            record.profile.clone_from(&labels.profile);
            record.session_id.clone_from(&labels.session_id);
            record.tags.clone_from(&labels.tags);
        });
    }

    pub(crate) fn identify(&mut self, caller: &Caller) {
        self.with(|record| {
            record.project.clone_from(&caller.project);
            record.source.clone_from(&caller.source);
            if let Some(key) = &caller.key {
                record.key_id = Some(Arc::clone(&key.id));
                record.key_label.clone_from(&key.label);
                record.team.clone_from(&key.team);
            }
        });
    }

    /// Counts for limits from now on.
    pub(crate) fn admitted(&mut self, taken: Taken) {
        self.admission = Some(taken);
    }

    pub(crate) fn admission(&mut self) -> Option<&mut Taken> {
        self.admission.as_mut()
    }

    /// When the request came.
    pub(crate) fn started_at(&self) -> Timestamp {
        self.record.as_ref().map_or_else(Timestamp::now, |record| record.started_at)
    }

    pub(crate) fn received(&mut self, bytes: u64) {
        self.with(|record| record.request_bytes = bytes);
    }

    pub(crate) fn accepted(&mut self, inbound: &Inbound) {
        self.text_tokens = inbound.text_tokens;
        self.with(|record| {
            record.model_requested.clone_from(&inbound.model);
            record.stream = inbound.stream;
        });
    }

    /// Notes how it was decided where the request goes, and by which profile if by one.
    pub(crate) fn routed(&mut self, trace: Arc<[u8]>, profile: Option<Arc<str>>) {
        self.with(|record| {
            record.route = Some(trace);
            if profile.is_some() {
                record.profile = profile;
            }
        });
    }

    /// Notes what the sanitizer found.
    pub(crate) fn found(&mut self, findings: Vec<Finding>) {
        self.with(|record| record.findings.extend(findings));
    }

    /// Notes the status that the client is sent.
    pub(crate) fn answered(&mut self, status: u16) {
        self.with(|record| record.status = Some(status));
    }

    /// Counts bytes of the answer's body.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.with(|record| record.response_bytes += bytes as u64);
    }

    /// Notes what the cache did.
    pub(super) fn cached(&mut self, state: CacheState) {
        self.with(|record| record.cache = state);
    }

    /// The answer was given before: notes what it saved, and what was found in it then.
    pub(super) fn answered_from_cache(&mut self, entry: &Entry) {
        self.with(|record| {
            record.cache = CacheState::Hit;
            record.provider.clone_from(&entry.provider);
            record.model.clone_from(&entry.model);
            record.provider_api = entry.provider_api;
            record.finish_reason.clone_from(&entry.finish_reason);
            record.usage = entry.usage;
            record.saved = entry.cost;
            record.price_version.clone_from(&entry.price_version);
            entry.findings.iter().for_each(|found| record.found(found.clone()));
        });
    }

    /// Sends plugins on its way.
    pub(super) fn accompany(&mut self, plugins: Running) {
        self.plugins = Some(Box::new(plugins));
    }

    /// The plugins on its way.
    pub(super) fn plugins(&mut self) -> Option<&mut Running> {
        self.plugins.as_deref_mut()
    }

    /// Whether a plugin on its way has the hook.
    pub(super) fn has_hook(&self, hook: Hook) -> bool {
        self.plugins.as_ref().is_some_and(|plugins| plugins.has(hook))
    }

    /// Asks the plugins of a hook; `None` when there are none.
    pub(super) async fn ask_plugins(&mut self, hook: Hook) -> Option<Decision> {
        let plugins = self.plugins.as_deref_mut().filter(|plugins| plugins.has(hook))?;
        let decision = plugins.run(hook).await;
        let failed = plugins.take_failed();
        self.plugins_failed(failed);
        Some(decision)
    }

    /// Notes plugins that failed.
    pub(super) fn plugins_failed(&mut self, failed: Vec<Arc<str>>) {
        self.with(|record| {
            for plugin in failed {
                if !record.plugin_failures.contains(&plugin) {
                    record.plugin_failures.push(plugin);
                }
            }
        });
    }

    /// Whether it is a task, whose answer another room reads.
    pub(super) fn is_task(&self) -> bool {
        self.record.as_ref().is_some_and(|record| record.endpoint.is_task())
    }

    /// What the calls so far cost together; unknown if one of them is.
    pub(super) fn cost_so_far(&self) -> Option<Microcents> {
        self.record.as_ref()?.attempts.iter().map(|attempt| attempt.cost).sum()
    }

    /// The record as it stands.
    pub(super) fn so_far(&self) -> Option<&Record> {
        self.record.as_deref()
    }

    /// The first content went out.
    pub(crate) fn first_content(&mut self) {
        let since_start = micros(self.began);
        self.with(|record| {
            if record.stream {
                record.ttft_us.get_or_insert(since_start);
            }
        });
        if let Some(attempt) = &mut self.attempt {
            let latency = attempt.began.elapsed();
            attempt.row.ttft_us.get_or_insert(whole_micros(latency));
            attempt.pulse.answered(latency, Timestamp::now());
        }
    }

    /// An upstream call begins.
    pub(crate) fn call_begins(&mut self, target: &Target, credential: &Credential, pulse: Pulse, funds: Funds) {
        let row = Attempt {
            provider: Arc::from(target.provider.id.as_str()),
            model: target.model.clone(),
            provider_api: target.api,
            started_at: Timestamp::now(),
            latency_us: 0,
            ttft_us: None,
            status: None,
            outcome: Outcome::ClientDisconnected,
            error_kind: None,
            provider_request_id: None,
            usage: Usage::default(),
            cost: None,
        };
        self.with(|record| {
            record.provider = Some(Arc::clone(&row.provider));
            record.model.clone_from(&row.model);
            record.provider_api = Some(row.provider_api);
        });
        let (provider, credential) = (Arc::clone(&target.provider), credential.clone());
        self.attempt = Some(OpenAttempt { row, began: Instant::now(), provider, credential, pulse, funds });
    }

    /// The head of the provider's answer is here.
    pub(crate) fn call_answered(&mut self, status: u16, provider_request_id: Option<&str>) {
        if let Some(attempt) = &mut self.attempt {
            attempt.row.status = Some(status);
            let keepable = |id: &&str| !attempt.credential.is_in(id.as_bytes());
            attempt.row.provider_request_id = provider_request_id.filter(keepable).map(Arc::from);
        }
    }

    /// The upstream call is over: price it and make its row.
    pub(crate) fn call_ends(&mut self, end: CallEnd) {
        let Some(OpenAttempt { mut row, began, provider, credential, pulse, funds }) = self.attempt.take() else {
            return;
        };
        // One look at the clock, so that the row tells what the breaker was told.
        let latency = began.elapsed();
        pulse.ended(end.outcome, end.error_kind, latency, Timestamp::now());
        row.latency_us = whole_micros(latency);
        row.outcome = end.outcome;
        row.error_kind = end.error_kind;
        let mut facts = end.facts.unwrap_or_default();
        for word in [&mut facts.model, &mut facts.finish_reason, &mut facts.response_id] {
            word.take_if(|word| credential.is_in(word.as_bytes()));
        }
        if matches!(end.outcome, Outcome::ClientDisconnected | Outcome::Cancelled) {
            facts.estimate_missing(self.text_tokens);
        }
        row.usage = facts.usage;
        if row.provider_request_id.is_none() {
            row.provider_request_id = facts.response_id.as_deref().map(Arc::from);
        }
        let answered_model = facts.model.as_deref().filter(|model| !model.is_empty()).map(Arc::from);
        let model: Option<Arc<str>> = answered_model.or_else(|| row.model.clone());
        let catalog = &self.policy.catalog;
        let priced =
            self.record.as_ref().map(|record| price(catalog, record, &provider, &row, model.as_deref(), &facts));
        let Some((cost, reason, version)) = priced else { return };
        row.cost = cost;
        let marks = funds.settle(allow::tokens_of(&row.usage, cost), cost, Timestamp::now());
        self.with(|record| {
            record.budget_marks.extend(marks);
            record.model = model;
            record.usage = row.usage;
            record.cost = cost;
            record.cost_unknown_reason = reason;
            record.price_version = version;
            record.provider_cost = facts.provider_cost;
            record.finish_reason = facts.finish_reason.as_deref().map(Arc::from);
            record.provider_request_id.clone_from(&row.provider_request_id);
            record.attempts.push(row);
        });
    }

    /// Closes the record: the one line by which every request is recorded. The answer's last byte must not
    /// leave before what this returns is ready.
    pub(crate) fn close(mut self, outcome: Outcome, error_kind: Option<ErrorKind>) -> Spooling {
        self.finish(outcome, error_kind)
    }

    fn finish(&mut self, outcome: Outcome, error_kind: Option<ErrorKind>) -> Spooling {
        self.end_fork(outcome, error_kind);
        self.call_ends(CallEnd { outcome, error_kind, facts: None });
        let Some(mut record) = self.record.take() else { return Spooling::default() };
        record.outcome = outcome;
        record.error_kind = error_kind;
        record.latency_us = micros(self.began);
        if record.attempts.is_empty() {
            // Nobody was called, so nothing can have been billed.
            record.cost = Some(Microcents(0));
        } else {
            record.cost = record.attempts.iter().map(|attempt| attempt.cost).sum();
        }
        if let Some(taken) = self.admission.take() {
            settle(taken, &record);
        }
        metrics::observe(&record);
        if let Some(mut plugins) = self.plugins.take() {
            plugins.context.usage = record.usage;
            plugins.detach(&record);
        }
        self.recorder.submit_spooled(*record)
    }

    fn with(&mut self, change: impl FnOnce(&mut Record)) {
        if let Some(record) = &mut self.record {
            change(record);
        }
    }
}

impl Drop for OpenRecord {
    fn drop(&mut self) {
        // A panic drops the request too, but then it was not the client who left.
        let spooling = if std::thread::panicking() {
            self.finish(Outcome::Error, Some(ErrorKind::Internal))
        } else {
            self.finish(Outcome::ClientDisconnected, None)
        };
        // No answer waits for it.
        drop(spooling);
    }
}

/// Puts the limits right: what limits or budgets refused was never asked; all else used what it used.
fn settle(taken: Taken, record: &Record) {
    let now_us = Timestamp::now().unix_us;
    let is_refused = matches!(
        record.error_kind,
        Some(
            ErrorKind::RateLimitExceeded
                | ErrorKind::BudgetExceeded
                | ErrorKind::PriceUnknown
                | ErrorKind::BudgetUnavailable
        )
    );
    if is_refused && record.attempts.is_empty() {
        return taken.undo(now_us);
    }
    let of = |attempt: &Attempt| allow::tokens_of(&attempt.usage, attempt.cost);
    let tokens = record.attempts.iter().map(|attempt| of(attempt).unwrap_or(taken.tokens()));
    let tokens = tokens.fold(0_u64, u64::saturating_add);
    taken.settle(tokens, now_us);
}

type Cost = (Option<Microcents>, Option<&'static str>, Option<Arc<str>>);

/// What a call cost. Providers bill answers: a call that got none, or an error status without usage,
/// cost nothing; a call that broke off with its usage untold has an unknown cost.
fn price(
    catalog: &Catalog,
    record: &Record,
    provider: &Provider,
    row: &Attempt,
    model: Option<&str>,
    facts: &Facts,
) -> Cost {
    let unanswered = matches!(row.error_kind, Some(ErrorKind::UpstreamConnect | ErrorKind::UpstreamRedirect));
    let refused = row.usage.is_unknown() && row.status.is_some_and(|status| status >= 300);
    if !record.endpoint.is_billable() || unanswered || refused {
        return (Some(Microcents(0)), None, None);
    }
    let catalog_provider = Catalog::catalog_provider_for(provider.provider_type, &provider.id, &provider.base_url);
    let Some(model) = model else { return (None, Some("no_model"), None) };
    let priced = catalog.price(&PriceQuery {
        provider_id: &provider.id,
        catalog_provider,
        provider_pricing: provider.pricing.as_ref(),
        model,
        asked_model: row.model.as_deref(),
        usage: &row.usage,
        at: record.started_at,
        service_tier: facts.service_tier.as_deref(),
    });
    (priced.cost, priced.unknown_reason, priced.version)
}

fn micros(since: Instant) -> u64 {
    whole_micros(since.elapsed())
}

fn whole_micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
