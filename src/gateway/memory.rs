//! What the data plane remembers from one request to the next: how providers fare, which sessions are where,
//! whose turn it is, what local servers serve.
//!
//! Bounded, and lost without harm: everything here is learnt again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use moka::sync::Cache;

use super::models::LiveModels;
use crate::{
    cache::ResponseCache,
    config::Provider,
    domain::Timestamp,
    provider::{Breaker, Health},
    routing::{Availability, Observed, Qualities},
};

/// Sessions that are remembered at once.
const MAX_SESSIONS: u64 = 100_000;

/// How long a session is remembered after its last request; no provider keeps a prompt warm for longer.
const SESSION_IDLE: Duration = Duration::from_secs(3_600);

/// Where a session was served last: provider and model.
pub(super) type Seat = (Arc<str>, Option<Arc<str>>);

/// The memory. Clones share it.
#[derive(Clone, Debug)]
pub struct Memory {
    /// How every provider's models fare.
    pub health: Arc<Health>,
    /// The models of local servers, asked live and kept for seconds.
    pub live_models: LiveModels,
    /// Answers that may be given again.
    pub responses: Arc<ResponseCache>,
    /// How good the answers of each model are, as signals told; replaced whole.
    pub quality: Arc<ArcSwap<Qualities>>,
    sessions: Cache<u64, Seat>,
    turns: Arc<AtomicU64>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            health: Arc::default(),
            live_models: LiveModels::default(),
            responses: Arc::default(),
            quality: Arc::default(),
            sessions: Cache::builder().max_capacity(MAX_SESSIONS).time_to_idle(SESSION_IDLE).build(),
            turns: Arc::default(),
        }
    }
}

impl Memory {
    /// Whose turn it is.
    pub(super) fn turn(&self) -> u64 {
        self.turns.fetch_add(1, Relaxed)
    }

    /// The next one's turn, which is not taken.
    pub fn next_turn(&self) -> u64 {
        self.turns.load(Relaxed)
    }

    /// What signals told of the answers of a candidate, at a task if there is one; `None` where none came.
    pub fn quality(&self, provider: &Provider, model: Option<&str>, task: Option<&str>) -> Option<f32> {
        self.quality.load().get(&provider.id, model?, task)
    }

    /// Where a session was served last.
    pub(super) fn seat_of(&self, session: u64) -> Option<Seat> {
        self.sessions.get(&session)
    }

    /// What the router should know of a candidate, but for the quality of its answers; `seat` is its session's.
    pub(super) fn observe(
        &self,
        provider: &Provider,
        model: Option<&str>,
        seat: Option<&Seat>,
        now: Timestamp,
    ) -> Observed {
        let warm = seat.is_some_and(|(at, known)| **at == *provider.id && known.as_deref() == model);
        let Some(vitals) = self.health.vitals(&provider.id, model, now) else {
            return Observed { warm, ..Observed::default() };
        };
        #[expect(clippy::cast_possible_truncation, reason = "a score needs no more than some digits")]
        let short = |number: f64| number as f32;
        Observed {
            availability: Availability {
                open_until_us: vitals.open_until.map(|until| until.unix_us),
                probing: vitals.breaker == Breaker::HalfOpen && vitals.is_probing,
                rate_limited_until_us: vitals.rate_limited_until.map(|until| until.unix_us),
                ..Availability::default()
            },
            latency_ms: vitals.latency_ms.map(short),
            error_rate: vitals.error_rate.map(short),
            quality: None,
            warm,
        }
    }

    /// Remembers where a session was served.
    pub(super) fn seat(&self, session: u64, provider: &str, model: Option<&Arc<str>>) {
        let is_there = self
            .sessions
            .get(&session)
            .is_some_and(|(at, known)| *at == *provider && known.as_deref() == model.map(AsRef::as_ref));
        if !is_there {
            self.sessions.insert(session, (Arc::from(provider), model.cloned()));
        }
    }
}
