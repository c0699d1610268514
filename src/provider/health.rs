//! How each provider's models fare: circuit breakers, moving averages, rate limits, retry budgets.
//!
//! Every entry is a handful of atomics behind an `Arc`; looking one up takes no lock. It never calls anybody and
//! never decides where a request goes: it tells what it saw, and routing decides.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use foldhash::HashMap;

use crate::{
    config::Routing,
    domain::{ErrorKind, OpenBreaker, Outcome, Timestamp},
};

/// The time in which a measured peak fades to a third.
const DECAY_US: f64 = 30e6;

/// The share of one call in the moving error rate.
const ERROR_SHARE: f64 = 0.1;

/// Measures older than this say nothing about now.
const STALE_US: i64 = 600_000_000;

/// A probe that has not been heard of for so long is given up, so that another one may go.
const PROBE_PATIENCE_US: i64 = 330_000_000;

/// Retries are counted in thousandths; a target may be asked for so many at once.
const RETRY: u64 = 1_000;
const RETRY_BURST: u64 = 10 * RETRY;
const RETRY_START: u64 = 3 * RETRY;

/// Models of a provider that are told apart.
const MAX_MODELS: usize = 4_096;

type Models = HashMap<Box<str>, Arc<Entry>>;

/// The health of every provider and model that was ever called.
#[derive(Debug, Default)]
pub struct Health {
    entries: ArcSwap<HashMap<Box<str>, Models>>,
    /// Held while an entry is added, which happens once for each.
    adding: Mutex<()>,
}

/// What is known of one provider's model.
#[derive(Debug)]
struct Entry {
    failures: AtomicU32,
    /// 0 while the breaker is closed.
    open_until_us: AtomicI64,
    /// When the probe of a half-open breaker went; 0 for none.
    probe_since_us: AtomicI64,
    rate_limited_until_us: AtomicI64,
    /// Bits of an `f64`, in milliseconds.
    latency_ms: AtomicU64,
    /// Bits of an `f64`.
    error_rate: AtomicU64,
    calls: AtomicU64,
    last_call_us: AtomicI64,
    retries_left: AtomicU64,
}

impl Default for Entry {
    fn default() -> Self {
        Self {
            failures: AtomicU32::default(),
            open_until_us: AtomicI64::default(),
            probe_since_us: AtomicI64::default(),
            rate_limited_until_us: AtomicI64::default(),
            latency_ms: AtomicU64::default(),
            error_rate: AtomicU64::default(),
            calls: AtomicU64::default(),
            last_call_us: AtomicI64::default(),
            retries_left: AtomicU64::new(RETRY_START),
        }
    }
}

/// The state of a circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Breaker {
    /// Calls go through.
    Closed,
    /// None goes through.
    Open,
    /// One call probes it.
    HalfOpen,
}

impl Breaker {
    /// The name in the API and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// What is known of one provider's model at a moment. `None` is unknown.
#[derive(Clone, Debug, PartialEq)]
pub struct Vitals {
    /// The breaker's state.
    pub breaker: Breaker,
    /// While it is open: until when.
    pub open_until: Option<Timestamp>,
    /// Whether the one probe of a half-open breaker is under way.
    pub is_probing: bool,
    /// Until when the provider asked to be left alone.
    pub rate_limited_until: Option<Timestamp>,
    /// Failures in a row.
    pub failures: u32,
    /// Peak-weighted moving average of the time to the first content, in milliseconds.
    pub latency_ms: Option<f64>,
    /// Moving share of calls that failed, from 0 to 1.
    pub error_rate: Option<f64>,
    /// Calls since the start.
    pub calls: u64,
}

/// One call to a provider's model. Dropping it without an end (the client hung up) judges nobody.
#[derive(Debug)]
pub struct Pulse {
    entry: Arc<Entry>,
    is_probe: bool,
    is_judged: AtomicBool,
    rules: Rules,
}

#[derive(Clone, Copy, Debug)]
struct Rules {
    failures: u32,
    cooldown: Duration,
}

impl Health {
    /// What is known of a provider's model; `None` when it was never called.
    pub fn vitals(&self, provider: &str, model: Option<&str>, now: Timestamp) -> Option<Vitals> {
        let entries = self.entries.load();
        Some(entries.get(provider)?.get(model.unwrap_or_default())?.vitals(now))
    }

    /// Everything that was ever called, by provider and model, sorted. A model of `""` is none.
    pub fn all(&self, now: Timestamp) -> Vec<(String, String, Vitals)> {
        let entries = self.entries.load();
        let mut all = Vec::new();
        for (provider, models) in entries.iter() {
            all.extend(
                models.iter().map(|(model, entry)| (provider.to_string(), model.to_string(), entry.vitals(now))),
            );
        }
        all.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        all
    }

    /// A call begins. `None` when the breaker is open, or half open with its probe under way.
    pub fn begin(&self, provider: &str, model: Option<&str>, routing: &Routing, now: Timestamp) -> Option<Pulse> {
        self.start(provider, model, routing, now, false)
    }

    /// A call begins whatever the breaker says, because nobody else is there.
    pub fn begin_anyway(
        &self,
        provider: &str,
        model: Option<&str>,
        routing: &Routing,
        now: Timestamp,
    ) -> Option<Pulse> {
        self.start(provider, model, routing, now, true)
    }

    fn start(
        &self,
        provider: &str,
        model: Option<&str>,
        routing: &Routing,
        now: Timestamp,
        anyway: bool,
    ) -> Option<Pulse> {
        let entry = self.entry(provider, model.unwrap_or_default());
        let rules = Rules { failures: routing.breaker_failures, cooldown: routing.breaker_cooldown };
        let is_probe = match entry.vitals(now).breaker {
            Breaker::Closed => false,
            // Whoever goes through an open breaker probes it: an answer closes it.
            _ if anyway => true,
            Breaker::Open => return None,
            Breaker::HalfOpen => {
                let since = entry.probe_since_us.load(Relaxed);
                let is_free = since == 0 || now.unix_us.saturating_sub(since) > PROBE_PATIENCE_US;
                let takes = || entry.probe_since_us.compare_exchange(since, now.unix_us.max(1), Relaxed, Relaxed);
                if !is_free || takes().is_err() {
                    return None;
                }
                true
            }
        };
        entry.calls.fetch_add(1, Relaxed);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share from 0 to 1")]
        let earned = (f64::from(routing.retry_budget) * RETRY as f64) as u64;
        let _ = entry.retries_left.fetch_update(Relaxed, Relaxed, |left| Some((left + earned).min(RETRY_BURST)));
        Some(Pulse { entry, is_probe, is_judged: AtomicBool::new(false), rules })
    }

    /// Whether the target may be asked once more for the same request; takes one off its budget.
    pub fn take_retry(&self, provider: &str, model: Option<&str>) -> bool {
        let entry = self.entry(provider, model.unwrap_or_default());
        entry.retries_left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(RETRY)).is_ok()
    }

    /// The provider asked to be left alone.
    pub fn rate_limited(&self, provider: &str, model: Option<&str>, until: Timestamp) {
        self.entry(provider, model.unwrap_or_default()).rate_limited_until_us.fetch_max(until.unix_us, Relaxed);
    }

    /// The breakers that are not closed, sorted.
    pub fn open(&self) -> Vec<OpenBreaker> {
        let entries = self.entries.load();
        let mut open = Vec::new();
        for (provider, models) in entries.iter() {
            for (model, entry) in models {
                let open_until = Timestamp { unix_us: entry.open_until_us.load(Relaxed) };
                if open_until.unix_us != 0 {
                    let failures = entry.failures.load(Relaxed);
                    open.push(OpenBreaker {
                        provider: provider.to_string(),
                        model: model.to_string(),
                        open_until,
                        failures,
                    });
                }
            }
        }
        open.sort();
        open
    }

    /// Takes over what the process before knew of a breaker. One whose cool-down has passed is half open.
    pub fn restore(&self, breaker: &OpenBreaker) {
        let entry = self.entry(&breaker.provider, &breaker.model);
        entry.failures.store(breaker.failures, Relaxed);
        entry.open_until_us.store(breaker.open_until.unix_us, Relaxed);
    }

    fn entry(&self, provider: &str, model: &str) -> Arc<Entry> {
        let known = |entries: &HashMap<Box<str>, Models>| entries.get(provider)?.get(model).cloned();
        if let Some(entry) = known(&self.entries.load()) {
            return entry;
        }
        let _guard = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entries = HashMap::clone(&self.entries.load());
        // Clients may name what they like; beyond this many, a provider's further names share one entry.
        let is_full = entries.get(provider).is_some_and(|models| models.len() >= MAX_MODELS);
        let model = if is_full { "" } else { model };
        let entry = Arc::clone(entries.entry(provider.into()).or_default().entry(model.into()).or_default());
        self.entries.store(Arc::new(entries));
        entry
    }
}

impl Entry {
    fn vitals(&self, now: Timestamp) -> Vitals {
        let after_now = |at: &AtomicI64| Some(at.load(Relaxed)).filter(|at| *at > now.unix_us);
        let open_until = after_now(&self.open_until_us);
        let breaker = match (open_until, self.open_until_us.load(Relaxed)) {
            (Some(_), _) => Breaker::Open,
            (None, 0) => Breaker::Closed,
            (None, _) => Breaker::HalfOpen,
        };
        let since = self.probe_since_us.load(Relaxed);
        let is_probing =
            breaker == Breaker::HalfOpen && since != 0 && now.unix_us.saturating_sub(since) <= PROBE_PATIENCE_US;
        let calls = self.calls.load(Relaxed);
        let last = self.last_call_us.load(Relaxed);
        let is_fresh = last != 0 && now.unix_us.saturating_sub(last) <= STALE_US;
        let average = |bits: &AtomicU64| is_fresh.then(|| f64::from_bits(bits.load(Relaxed)));
        let at = |unix_us| Timestamp { unix_us };
        Vitals {
            breaker,
            open_until: open_until.map(at),
            is_probing,
            rate_limited_until: after_now(&self.rate_limited_until_us).map(at),
            failures: self.failures.load(Relaxed),
            latency_ms: average(&self.latency_ms).filter(|latency| *latency > 0.0),
            error_rate: average(&self.error_rate),
            calls,
        }
    }

    /// A peak counts at once, what is below it only as time goes by (peak-EWMA, as Finagle balances load).
    fn measure(&self, sample_ms: f64, now: Timestamp) {
        let elapsed = now.unix_us.saturating_sub(self.last_call_us.load(Relaxed)).max(0);
        #[expect(clippy::cast_precision_loss, reason = "an average needs no more than some digits")]
        let kept = (-(elapsed as f64) / DECAY_US).exp().min(0.9);
        let _ = self.latency_ms.fetch_update(Relaxed, Relaxed, |bits| {
            let average = f64::from_bits(bits);
            let next = if sample_ms >= average { sample_ms } else { average.mul_add(kept, sample_ms * (1.0 - kept)) };
            Some(next.to_bits())
        });
    }

    fn measure_at_least(&self, sample_ms: f64, now: Timestamp) {
        if sample_ms > f64::from_bits(self.latency_ms.load(Relaxed)) {
            self.measure(sample_ms, now);
            self.last_call_us.store(now.unix_us, Relaxed);
        }
    }

    fn count(&self, has_failed: bool, now: Timestamp) {
        let sample = if has_failed { 1.0 } else { 0.0 };
        let _ = self.error_rate.fetch_update(Relaxed, Relaxed, |bits| {
            let rate = f64::from_bits(bits);
            Some((sample - rate).mul_add(ERROR_SHARE, rate).to_bits())
        });
        self.last_call_us.store(now.unix_us, Relaxed);
    }
}

impl Pulse {
    /// Content has come: the provider is alive, however the rest of the answer goes.
    pub fn answered(&self, latency: Duration, now: Timestamp) {
        if self.is_judged.swap(true, Relaxed) {
            return;
        }
        self.entry.measure(latency.as_secs_f64() * 1e3, now);
        self.entry.count(false, now);
        self.close();
    }

    /// The call is over. Says whether the breaker opened by it.
    pub fn ended(&self, outcome: Outcome, error_kind: Option<ErrorKind>, latency: Duration, now: Timestamp) -> bool {
        match (outcome, error_kind) {
            (Outcome::Ok, _) => self.answered(latency, now),
            // A refusal of the request is an answer of somebody who is well.
            (_, Some(ErrorKind::UpstreamRejected)) => {
                if !self.is_judged.swap(true, Relaxed) {
                    self.entry.count(false, now);
                    self.close();
                }
            }
            (_, Some(kind)) if is_failure(kind) => return self.failed(now),
            (Outcome::Cancelled, _) => self.overtaken(latency, now),
            _ => self.release(),
        }
        false
    }

    /// Another call answered first: how slow this one would have been nobody knows, but it was not faster than this.
    fn overtaken(&self, latency: Duration, now: Timestamp) {
        if !self.is_judged.swap(true, Relaxed) {
            self.entry.measure_at_least(latency.as_secs_f64() * 1e3, now);
        }
        self.release();
    }

    fn failed(&self, now: Timestamp) -> bool {
        self.is_judged.store(true, Relaxed);
        self.entry.count(true, now);
        let failures = self.entry.failures.fetch_add(1, Relaxed).saturating_add(1);
        let opens = self.rules.failures > 0 && (failures >= self.rules.failures || self.is_probe);
        if opens {
            let cooldown = i64::try_from(self.rules.cooldown.as_micros()).unwrap_or(i64::MAX);
            let until = now.unix_us.saturating_add(cooldown);
            let before = self.entry.open_until_us.swap(until, Relaxed);
            self.release();
            return before <= now.unix_us;
        }
        self.release();
        false
    }

    fn close(&self) {
        self.entry.failures.store(0, Relaxed);
        // A call that began before the breaker opened does not close it.
        if self.is_probe {
            self.entry.open_until_us.store(0, Relaxed);
        }
        self.release();
    }

    fn release(&self) {
        if self.is_probe {
            self.entry.probe_since_us.store(0, Relaxed);
        }
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        if !self.is_judged.load(Relaxed) {
            self.release();
        }
    }
}

/// Whether a failure is the provider's, and so counts against it.
const fn is_failure(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UpstreamConnect
            | ErrorKind::UpstreamTimeout
            | ErrorKind::UpstreamProtocol
            | ErrorKind::UpstreamError
            | ErrorKind::UpstreamAuthentication
            | ErrorKind::UpstreamRedirect
    )
}

#[cfg(test)]
mod tests;
