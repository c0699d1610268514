//! What other rules would have made of the requests of a window: each is decided anew from the facts that were kept.
//!
//! Bounded in time and in memory: a page of records at a time, what the same question leads to once. Calls nobody.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::{
    measured::{Measurements, means},
    replay_view::{Difference, MoveView, ReplayView, TargetView},
    rerun::{LiveModels, Rerun, observed},
};
use crate::{
    catalog::{Catalog, PriceQuery},
    config::Provider,
    domain::{CacheState, Endpoint, Record},
    policy::{Drafted, KeyFacts, Policy, RoutingRules},
    routing::{self, Candidate, Decision, Facts, Moment, Observed, Trace, decide},
    store::{History, RecordFilter, StoreError},
};

/// Records that are read at once.
const PAGE: u32 = 1_000;
/// When it is ended, whether it is through or not.
const TIME_MAX: Duration = Duration::from_secs(20);
/// Questions whose candidates are kept.
const QUESTIONS_MAX: usize = 512;
/// Candidates that are kept of all questions.
const CANDIDATES_MAX: usize = 100_000;
/// Pairs of targets that are told apart.
const MOVES_MAX: usize = 10_000;
/// Of these, how many are shown.
const MOVES_SHOWN: usize = 100;
const DAY_US: i64 = 86_400_000_000;

/// What is replayed, and under which rules.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The policy in force.
    pub policy: Arc<Policy>,
    /// Rules in place of those in force.
    pub drafted: Option<Drafted>,
    /// Which requests.
    pub filter: RecordFilter,
    /// What local servers said lately that they serve.
    pub live: LiveModels,
}

/// Decides the requests of a window anew. Ends early when nobody waits for the answer any more.
///
/// # Errors
/// When the database fails.
pub async fn replay(history: History, replay: Replay) -> Result<ReplayView, StoreError> {
    let stop = CancellationToken::new();
    let _ends_with_this_call = stop.clone().drop_guard();
    let runtime = Handle::current();
    // It computes more than it waits, so it has a thread of its own.
    let work = tokio::task::spawn_blocking(move || {
        runtime.block_on(async {
            let measured = means(&history, &replay.filter).await?;
            let rules = replay.drafted.as_ref().map_or_else(|| replay.policy.routing_rules(), Drafted::rules);
            let mut run = Run::new(&replay, rules, measured);
            run.all(&history, &stop).await?;
            Ok(run.finish())
        })
    });
    work.await.map_err(|_| StoreError::Closed)?
}

/// What a question leads to depends on nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Question {
    endpoint: Endpoint,
    model: Option<Arc<str>>,
    profile_wanted: Option<String>,
    provider_wanted: Option<String>,
    key_id: Option<Arc<str>>,
    project: Option<Arc<str>>,
    /// Prices are those of the day.
    day: i64,
    /// Local models that were candidates.
    local: LiveModels,
    /// See [`Rerun::was_unheard_of`].
    was_unheard_of: bool,
}

/// The candidates of a question, without what hangs on the moment.
struct Known {
    facts: Facts<'static>,
    places: HashMap<(String, Option<String>), usize>,
}

/// From where to where; `None` is nowhere.
type Pair = (Option<TargetView>, Option<TargetView>);

/// Requests, and what they would have cost and how long they would have taken.
type Sums = (u64, Difference, Difference);

struct Run<'p> {
    policy: &'p Policy,
    rules: RoutingRules<'p>,
    live: &'p LiveModels,
    filter: &'p RecordFilter,
    keys: HashMap<&'p str, &'p KeyFacts>,
    providers: HashMap<&'p str, &'p Provider>,
    measured: Measurements,
    known: HashMap<Question, Known>,
    candidates: usize,
    view: ReplayView,
    cost: Difference,
    latency: Difference,
    moves: BTreeMap<Pair, Sums>,
}

impl<'p> Run<'p> {
    fn new(replay: &'p Replay, rules: RoutingRules<'p>, measured: Measurements) -> Self {
        let policy = &*replay.policy;
        Self {
            policy,
            rules,
            live: &replay.live,
            filter: &replay.filter,
            keys: policy.keys.values().map(|key| (&*key.id, &**key)).collect(),
            providers: policy.providers.iter().map(|provider| (provider.id.as_str(), &**provider)).collect(),
            measured,
            known: HashMap::new(),
            candidates: 0,
            view: ReplayView::default(),
            cost: Difference::default(),
            latency: Difference::default(),
            moves: BTreeMap::new(),
        }
    }

    async fn all(&mut self, history: &History, stop: &CancellationToken) -> Result<(), StoreError> {
        let begun = Instant::now();
        let mut cursor = None;
        loop {
            let page = history.records(self.filter, cursor, PAGE).await?;
            let seqs: Vec<i64> = page.records.iter().map(|stored| stored.seq).collect();
            let routes: HashMap<i64, Vec<u8>> = history.routes(&seqs).await?.into_iter().collect();
            for stored in &page.records {
                self.one(&stored.record, stored.attempts, routes.get(&stored.seq).map(Vec::as_slice));
                if begun.elapsed() > TIME_MAX || stop.is_cancelled() {
                    return Ok(());
                }
            }
            cursor = page.next;
            if cursor.is_none() {
                self.view.complete = true;
                return Ok(());
            }
        }
    }

    fn one(&mut self, record: &Record, attempts: u32, route: Option<&[u8]>) {
        self.view.requests += 1;
        self.view.reached = Some(record.started_at);
        if record.cache == CacheState::Hit {
            self.view.cache_hits += 1;
            return;
        }
        let Some(route) = route else {
            self.view.without_trace += 1;
            return;
        };
        let Ok(trace) = Trace::read(route) else {
            self.view.unreadable += 1;
            return;
        };
        self.view.replayed += 1;
        let from = first(&trace.facts, &trace.decide());
        let to = self.anew(record, &trace);
        let was_called = attempts > 0;
        let before = (record.cost.map(|cost| cost.0), i64::try_from(record.latency_us).ok());
        if from == to {
            self.view.stayed += 1;
            self.cost.add(before.0, before.0);
            self.latency.add(before.1, before.1);
            return;
        }
        self.view.moved += 1;
        self.view.now_refused += u64::from(to.is_none());
        self.view.now_served += u64::from(from.is_none());
        let (before_cost, after_cost) = match &to {
            // What was refused cost nothing, and has no tokens to price what would have been.
            Some(target) => (before.0, was_called.then(|| self.price(record, target)).flatten()),
            None => (before.0, Some(0)),
        };
        let after_latency = to.as_ref().and_then(|target| self.expected_us(target));
        self.cost.add(before_cost, after_cost);
        self.latency.add(before.1, after_latency);
        let pair = (from, to);
        if self.moves.len() >= MOVES_MAX && !self.moves.contains_key(&pair) {
            return;
        }
        let (requests, cost, latency) = self.moves.entry(pair).or_default();
        *requests += 1;
        cost.add(before_cost, after_cost);
        latency.add(before.1, after_latency);
    }

    /// Where the request would have gone first.
    fn anew(&mut self, record: &Record, trace: &Trace<'_>) -> Option<TargetView> {
        let key = record.key_id.as_deref().and_then(|id| self.keys.get(id).copied());
        let rerun = Rerun { record, trace, key };
        let question = Question {
            endpoint: record.endpoint,
            model: record.model_requested.clone(),
            profile_wanted: trace.profile_wanted.as_deref().map(str::to_owned),
            provider_wanted: trace.provider_wanted.as_deref().map(str::to_owned),
            key_id: record.key_id.clone(),
            project: record.project.clone(),
            day: trace.facts.at_us.div_euclid(DAY_US),
            local: rerun.live(self.policy, &[]),
            was_unheard_of: rerun.was_unheard_of(),
        };
        if !self.known.contains_key(&question) {
            let known = self.learn(&rerun);
            if self.known.len() >= QUESTIONS_MAX || self.candidates > CANDIDATES_MAX {
                self.known.clear();
                self.candidates = 0;
            }
            self.candidates += known.facts.candidates.len();
            self.known.insert(question.clone(), known);
        }
        // Who is asked in turn or by lot is decided by the request's own number, so that a replay repeats itself.
        let now = Moment { at: record.started_at, turn: self.view.replayed, dice: lot(record) };
        let moment = rerun.moment(now);
        let known = self.known.get_mut(&question)?;
        known.facts.at_us = moment.at.unix_us;
        known.facts.need = trace.facts.need;
        (known.facts.turn, known.facts.dice) = (moment.turn, moment.dice);
        let mut changed: Vec<(usize, Observed)> = Vec::with_capacity(trace.facts.candidates.len());
        for then in &trace.facts.candidates {
            let name = (then.provider.to_string(), then.model.as_deref().map(str::to_owned));
            if let Some(place) = known.places.get(&name)
                && let Some(candidate) = known.facts.candidates.get_mut(*place)
            {
                changed.push((*place, observed(candidate)));
                see(candidate, observed(then));
            }
        }
        let to = first(&known.facts, &decide(&known.facts));
        for (place, before) in changed {
            if let Some(candidate) = known.facts.candidates.get_mut(place) {
                see(candidate, before);
            }
        }
        to
    }

    /// What a question leads to, with what was measured in the window.
    fn learn(&self, rerun: &Rerun<'_>) -> Known {
        let live = rerun.live(self.policy, self.live);
        let moment = Moment { at: rerun.record.started_at, turn: 0, dice: 0 };
        let observe = |provider: &Provider, model: Option<&str>| Observed {
            latency_ms: model.and_then(|model| self.measured.mean_first_content_ms(&provider.id, model)),
            ..Observed::default()
        };
        let question = self.policy.question(self.rules, rerun.inquiry(), &live);
        let considered = routing::consider(&question, rerun.trace.facts.need, rerun.moment(moment), observe);
        let facts = considered.facts.into_owned();
        let name =
            |candidate: &Candidate<'_>| (candidate.provider.to_string(), candidate.model.as_deref().map(str::to_owned));
        let places = facts.candidates.iter().enumerate().map(|(place, candidate)| (name(candidate), place)).collect();
        Known { facts, places }
    }

    /// What the recorded tokens would have cost there, in microcents.
    fn price(&self, record: &Record, target: &TargetView) -> Option<i64> {
        let provider = *self.providers.get(target.provider.as_str())?;
        if !record.endpoint.is_billable() {
            return Some(0);
        }
        let priced = self.policy.catalog.price(&PriceQuery {
            provider_id: &provider.id,
            catalog_provider: Catalog::catalog_provider_for(provider.provider_type, &provider.id, &provider.base_url),
            provider_pricing: provider.pricing.as_ref(),
            model: target.model.as_deref()?,
            asked_model: None,
            usage: &record.usage,
            at: record.started_at,
            service_tier: None,
        });
        priced.cost.map(|cost| cost.0)
    }

    /// How long its successful requests took on average in the window, in microseconds.
    fn expected_us(&self, target: &TargetView) -> Option<i64> {
        self.measured.mean_latency_us(&target.provider, target.model.as_deref()?)
    }

    fn finish(self) -> ReplayView {
        let mut moves: Vec<MoveView> = self
            .moves
            .into_iter()
            .map(|((from, to), (requests, cost, latency))| MoveView {
                from,
                to,
                requests,
                cost: cost.cost(),
                latency: latency.latency(),
            })
            .collect();
        moves.sort_by_key(|one| std::cmp::Reverse(one.requests));
        moves.truncate(MOVES_SHOWN);
        let shown: u64 = moves.iter().map(|one| one.requests).sum();
        ReplayView {
            more_moved: self.view.moved - shown,
            moves,
            cost: self.cost.cost(),
            latency: self.latency.latency(),
            ..self.view
        }
    }
}

/// Who is tried first.
fn first(facts: &Facts<'_>, decision: &Decision) -> Option<TargetView> {
    let candidate = facts.candidates.get(decision.order.first()?.candidate)?;
    Some(TargetView { provider: candidate.provider.to_string(), model: candidate.model.as_deref().map(str::to_owned) })
}

fn see(candidate: &mut Candidate<'_>, seen: Observed) {
    candidate.availability = seen.availability;
    candidate.merits.latency_ms = seen.latency_ms;
    candidate.merits.error_rate = seen.error_rate;
    candidate.merits.quality = seen.quality;
    candidate.merits.warm = seen.warm;
}

/// A number that is as good as drawn and always the same for a record.
fn lot(record: &Record) -> u64 {
    let bytes = record.id.as_bytes();
    let half: [u8; 8] = bytes.last_chunk().copied().unwrap_or_default();
    u64::from_le_bytes(half)
}
