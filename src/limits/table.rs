//! Accounts by name: sharded, bounded, and never forgotten while they matter.
//!
//! Names may come from clients without end (`x-source`), so there is room for so many and no more. An account is
//! given up only when it is as good as new; where none is, further names share one account of the shard. So no flood
//! of names resets anybody's limit: it only makes the flood's own names count together.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Locks of a table.
const SHARDS: usize = 16;
/// Accounts of a shard: half a million names in a table of 16 shards would be gigabytes of full windows.
const MOST_IN_SHARD: usize = 2_048;
/// How many accounts a newcomer looks at to find one that can be given up.
const LOOKS: usize = 8;

/// What an account must tell of itself.
pub(super) trait Account: Clone + Default {
    /// Whether it is as good as new.
    fn is_new(&mut self, now_us: i64) -> bool;
}

/// The accounts.
#[derive(Debug)]
pub(super) struct Table<T> {
    shards: Box<[Mutex<Shard<T>>]>,
    most: usize,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Shard<T> {
    places: HashMap<Arc<str>, usize>,
    slots: Vec<(Arc<str>, T)>,
    /// Where the next newcomer looks.
    hand: usize,
    /// The account of all names that found no room.
    others: T,
}

/// One account, locked together with its shard.
#[derive(Debug)]
pub(super) struct Entry<'a, T> {
    shard: MutexGuard<'a, Shard<T>>,
    /// `None` for the account that is shared.
    place: Option<usize>,
}

impl<T: Account> Default for Table<T> {
    fn default() -> Self {
        Self::with_room(SHARDS, MOST_IN_SHARD)
    }
}

impl<T: Account> Table<T> {
    pub(super) fn with_room(shards: usize, most: usize) -> Self {
        let shards = (0..shards).map(|_| Mutex::new(Shard::default())).collect();
        Self { shards, most, hasher: RandomState::new() }
    }

    fn shard(&self, name: &str) -> Option<MutexGuard<'_, Shard<T>>> {
        let number = usize::try_from(self.hasher.hash_one(name) % self.shards.len().max(1) as u64).ok()?;
        self.shards.get(number).map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The account of a name, made if there is none.
    pub(super) fn lock(&self, name: &Arc<str>, now_us: i64) -> Option<Entry<'_, T>> {
        let mut shard = self.shard(name)?;
        let place = match shard.places.get(name) {
            Some(place) => Some(*place),
            None => shard.admit(name, self.most, now_us),
        };
        Some(Entry { shard, place })
    }

    /// The account of a name, if it has one of its own.
    pub(super) fn find(&self, name: &str) -> Option<Entry<'_, T>> {
        let shard = self.shard(name)?;
        let place = *shard.places.get(name)?;
        Some(Entry { shard, place: Some(place) })
    }

    /// Every account with its name, shard by shard.
    pub(super) fn each(&self, mut look: impl FnMut(&Arc<str>, &mut T)) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.slots.iter_mut().for_each(|(name, account)| look(name, account));
        }
    }
}

impl<T: Account> Shard<T> {
    /// Finds room for a newcomer.
    fn admit(&mut self, name: &Arc<str>, most: usize, now_us: i64) -> Option<usize> {
        if self.slots.len() >= most {
            self.give_one_up(now_us);
        }
        if self.slots.len() >= most {
            return None;
        }
        // What it may have taken from the shared account goes with it.
        let account = if self.others.is_new(now_us) { T::default() } else { self.others.clone() };
        self.slots.push((Arc::clone(name), account));
        self.places.insert(Arc::clone(name), self.slots.len() - 1);
        Some(self.slots.len() - 1)
    }

    fn give_one_up(&mut self, now_us: i64) {
        for _ in 0..LOOKS {
            self.hand = (self.hand + 1) % self.slots.len().max(1);
            let place = self.hand;
            if self.slots.get_mut(place).is_some_and(|(_, account)| account.is_new(now_us)) {
                let (name, _) = self.slots.swap_remove(place);
                self.places.remove(&name);
                if let Some((moved, _)) = self.slots.get(place) {
                    self.places.insert(Arc::clone(moved), place);
                }
                return;
            }
        }
    }
}

impl<T> Entry<'_, T> {
    /// The account.
    pub(super) fn account(&mut self) -> &mut T {
        let shard = &mut *self.shard;
        match self.place.and_then(|place| shard.slots.get_mut(place)) {
            Some((_, account)) => account,
            None => &mut shard.others,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// New again from the time it holds.
    #[derive(Clone, Debug, Default)]
    struct Until(i64);

    impl Account for Until {
        fn is_new(&mut self, now_us: i64) -> bool {
            self.0 <= now_us
        }
    }

    fn mark(table: &Table<Until>, name: &str, until: i64) {
        table.lock(&Arc::from(name), 0).unwrap().account().0 = until;
    }

    fn seen(table: &Table<Until>, name: &str, now: i64) -> i64 {
        table.lock(&Arc::from(name), now).unwrap().account().0
    }

    #[test]
    fn a_flood_of_names_makes_nobody_new_and_counts_together() {
        let table = Table::with_room(1, 4);
        for name in ["a", "b", "c", "d"] {
            mark(&table, name, 100);
        }
        for flood in 0..1_000 {
            mark(&table, &format!("flood {flood}"), 90);
        }
        for name in ["a", "b", "c", "d"] {
            assert_eq!(seen(&table, name, 1), 100, "{name}");
        }
        assert_eq!(seen(&table, "never seen", 1), 90, "those without room share an account");
        let mut names = 0;
        table.each(|_, _| names += 1);
        assert_eq!(names, 4, "the table does not grow");
    }

    #[test]
    fn who_moves_out_of_the_shared_account_takes_its_count_along() {
        let table = Table::with_room(1, 1);
        mark(&table, "a", 100);
        mark(&table, "b", 200);
        assert_eq!(seen(&table, "b", 150), 200, "a is as good as new, so b has its own account now");
        assert!(table.find("b").is_some() && table.find("a").is_none());
    }

    #[test]
    fn places_hold_when_accounts_are_given_up() {
        let table = Table::with_room(1, 3);
        for (name, until) in [("a", 10), ("b", 500), ("c", 500)] {
            mark(&table, name, until);
        }
        for (now, name) in [(20, "d"), (30, "e"), (40, "f")] {
            table.lock(&Arc::from(name), now).unwrap().account().0 = now + 5;
        }
        assert_eq!((seen(&table, "b", 41), seen(&table, "c", 41)), (500, 500));
    }
}
