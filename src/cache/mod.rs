//! The response cache: whole answers by what shaped them and for whom, and one call at a time for each.
//!
//! It holds what it is given under the key it is given: what may be kept, and what belongs into a key, is
//! decided in `gateway/cache.rs`. It holds no secret but answers, and nothing on disk.

mod flight;
mod key;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::HeaderMap;
use moka::{Expiry, policy::EvictionPolicy, sync::Cache};

use self::flight::Flights;
pub use self::{
    flight::{Lead, Seat},
    key::{Key, KeyBuilder},
};
use crate::{
    domain::{Api, Finding, Microcents, Usage},
    sanitize::RuleSet,
};

/// What an entry takes besides its bytes: itself, its key, the index.
const OVERHEAD_BYTES: usize = 512;

/// An answer that is kept: what the client got, and what its record said.
#[derive(Debug)]
pub struct Entry {
    /// The body as it went to the client, framing included.
    pub body: Bytes,
    /// The headers that describe the body.
    pub headers: HeaderMap,
    /// Whether it went out as a stream, without a length.
    pub is_stream: bool,
    /// Who gave it.
    pub provider: Option<Arc<str>>,
    /// The model that answered.
    pub model: Option<Arc<str>>,
    /// The API that the provider spoke.
    pub provider_api: Option<Api>,
    /// The provider's word for why it ended.
    pub finish_reason: Option<Arc<str>>,
    /// What it used.
    pub usage: Usage,
    /// What it cost; `None` when that is unknown.
    pub cost: Option<Microcents>,
    /// The price that was used.
    pub price_version: Option<Arc<str>>,
    /// What the sanitizer found in the answer.
    pub findings: Vec<Finding>,
    /// The rules that judged it: under others it would be another answer.
    pub rules: Option<Arc<RuleSet>>,
    /// When it was kept.
    pub kept_at: Instant,
    /// How long it may be served.
    pub ttl: Duration,
}

impl Entry {
    /// What it takes of the cache's bytes.
    pub fn weight_bytes(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        self.body.len() + headers + self.findings.len() * size_of::<Finding>() + OVERHEAD_BYTES
    }

    /// Whether it was judged by these very rules.
    pub fn is_under(&self, rules: Option<&Arc<RuleSet>>) -> bool {
        match (&self.rules, rules) {
            (None, None) => true,
            (Some(own), Some(rules)) => Arc::ptr_eq(own, rules),
            _ => false,
        }
    }
}

/// Lives as long as its entry says.
struct ByEntry;

impl Expiry<Key, Arc<Entry>> for ByEntry {
    fn expire_after_create(&self, _: &Key, entry: &Arc<Entry>, _: Instant) -> Option<Duration> {
        Some(entry.ttl)
    }

    fn expire_after_update(&self, _: &Key, entry: &Arc<Entry>, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(entry.ttl)
    }
}

/// The entries, of at most so many bytes.
#[derive(Debug)]
struct Store {
    max_bytes: u64,
    entries: Cache<Key, Arc<Entry>>,
}

impl Store {
    fn new(max_bytes: u64) -> Self {
        let weigh = |_: &Key, entry: &Arc<Entry>| u32::try_from(entry.weight_bytes()).unwrap_or(u32::MAX);
        let entries = Cache::builder()
            .max_capacity(max_bytes)
            .weigher(weigh)
            .eviction_policy(EvictionPolicy::lru())
            .expire_after(ByEntry)
            .build();
        Self { max_bytes, entries }
    }
}

/// The cache. Empty until something is put into it.
#[derive(Debug)]
pub struct ResponseCache {
    store: ArcSwap<Store>,
    flights: Arc<Flights>,
}

impl Default for ResponseCache {
    fn default() -> Self {
        Self { store: ArcSwap::from_pointee(Store::new(0)), flights: Arc::default() }
    }
}

impl ResponseCache {
    /// Gives the cache its size. A change of size empties it.
    pub fn resize(&self, max_bytes: u64) {
        if self.store.load().max_bytes != max_bytes {
            self.store.store(Arc::new(Store::new(max_bytes)));
        }
    }

    /// The answer to a key, if it is there and was judged by `rules`.
    pub fn get(&self, key: &Key, rules: Option<&Arc<RuleSet>>) -> Option<Arc<Entry>> {
        self.store.load().entries.get(key).filter(|entry| entry.is_under(rules))
    }

    /// Keeps an answer, at the cost of those that were not asked for the longest.
    pub fn put(&self, key: Key, entry: Entry) {
        self.store.load().entries.insert(key, Arc::new(entry));
    }

    /// Joins the requests that ask the same right now: as the one that makes the call, or behind it.
    pub fn join(&self, key: &Key) -> Seat {
        Flights::join(&self.flights, key)
    }

    /// Bytes that its entries take, once everything that is due was evicted.
    pub fn bytes(&self) -> u64 {
        let store = self.store.load();
        store.entries.run_pending_tasks();
        store.entries.weighted_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(bytes: usize, ttl: Duration) -> Entry {
        Entry {
            body: vec![b'x'; bytes].into(),
            headers: HeaderMap::new(),
            is_stream: false,
            provider: None,
            model: None,
            provider_api: None,
            finish_reason: None,
            usage: Usage::default(),
            cost: None,
            price_version: None,
            findings: Vec::new(),
            rules: None,
            kept_at: Instant::now(),
            ttl,
        }
    }

    fn key(number: u32) -> Key {
        let mut key = KeyBuilder::default();
        key.add("number", number.to_le_bytes());
        key.finish()
    }

    const LONG: Duration = Duration::from_secs(3_600);

    #[test]
    fn it_keeps_the_latest_within_its_bytes_and_nothing_beyond() {
        let cache = ResponseCache::default();
        cache.put(key(0), entry(1, LONG));
        assert_eq!(cache.bytes(), 0, "it has no room before it was given some");
        cache.resize(10_000);
        for number in 0..20 {
            cache.put(key(number), entry(1_000 - OVERHEAD_BYTES, LONG));
            cache.bytes();
            // The first is asked for again and again, so it stays.
            assert!(cache.get(&key(0), None).is_some(), "{number}");
        }
        assert_eq!(cache.bytes(), 10_000);
        let there: Vec<u32> = (0..20).filter(|number| cache.get(&key(*number), None).is_some()).collect();
        assert_eq!(there, [0, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
        cache.resize(10_000);
        assert_eq!(cache.bytes(), 10_000);
        cache.resize(20_000);
        assert_eq!(cache.bytes(), 0, "another size is another cache");
    }

    #[test]
    fn an_entry_ends_with_its_time() {
        let cache = ResponseCache::default();
        cache.resize(10_000);
        cache.put(key(1), entry(1, Duration::ZERO));
        assert!(cache.get(&key(1), None).is_none());
        cache.put(key(1), entry(1, LONG));
        assert!(cache.get(&key(1), None).is_some());
    }

    #[test]
    fn an_answer_that_was_judged_by_other_rules_is_another() {
        let cache = ResponseCache::default();
        cache.resize(10_000);
        let settings = crate::config::Sanitization { enabled: true, ..Default::default() };
        let rules = Arc::new(RuleSet::compile(&settings).unwrap());
        cache.put(key(1), Entry { rules: Some(Arc::clone(&rules)), ..entry(1, LONG) });
        assert!(cache.get(&key(1), Some(&rules)).is_some());
        assert!(cache.get(&key(1), None).is_none());
        assert!(cache.get(&key(1), Some(&Arc::new(RuleSet::compile(&settings).unwrap()))).is_none());
    }
}
