//! One call at a time for each key: who comes while it is under way waits for its answer.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

use super::Key;

const SHARDS: usize = 16;

/// The calls under way, by key.
#[derive(Debug, Default)]
pub(super) struct Flights([Mutex<HashMap<Key, CancellationToken>>; SHARDS]);

/// A request's part among those that ask the same.
#[derive(Debug)]
pub enum Seat {
    /// It makes the call, and the others wait for it.
    Lead(Lead),
    /// Another one is making the call; the token is cancelled when that is over, well or ill.
    Behind(CancellationToken),
}

/// Makes the call. Dropping it lets the others go.
#[derive(Debug)]
pub struct Lead {
    flights: Arc<Flights>,
    key: Key,
}

impl Flights {
    pub(super) fn join(flights: &Arc<Self>, key: &Key) -> Seat {
        let mut under_way = flights.shard(key);
        if let Some(landed) = under_way.get(key) {
            return Seat::Behind(landed.clone());
        }
        under_way.insert(*key, CancellationToken::new());
        drop(under_way);
        Seat::Lead(Lead { flights: Arc::clone(flights), key: *key })
    }

    fn shard(&self, key: &Key) -> MutexGuard<'_, HashMap<Key, CancellationToken>> {
        let [first, ..] = &self.0;
        self.0.get(key.shard(SHARDS)).unwrap_or(first).lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        let landed = self.flights.shard(&self.key).remove(&self.key);
        if let Some(landed) = landed {
            landed.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::KeyBuilder;

    #[test]
    fn one_leads_and_when_it_is_over_another_one_may() {
        let (flights, key) = (Arc::new(Flights::default()), KeyBuilder::default().finish());
        let mut other = KeyBuilder::default();
        other.add("a", "b");
        let Seat::Lead(lead) = Flights::join(&flights, &key) else { panic!("the first leads") };
        let Seat::Behind(landed) = Flights::join(&flights, &key) else { panic!("the second waits") };
        assert!(matches!(Flights::join(&flights, &other.finish()), Seat::Lead(_)), "another key is another flight");
        assert!(!landed.is_cancelled());
        drop(lead);
        assert!(landed.is_cancelled());
        assert!(matches!(Flights::join(&flights, &key), Seat::Lead(_)));
    }
}
