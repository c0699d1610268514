//! Packs of hours and days, added up and kept in memory: a month is some dozen packs of some thousand shares each,
//! and it is asked for again and again.
//!
//! Never out of date: a pack is known by its `rowid`, and one that is made anew gets another.

use std::{collections::BTreeMap, sync::Arc};

use moka::sync::Cache;
use sqlx::SqliteConnection;

use super::{
    Dimension,
    dimension_rows::Condition,
    findings::{Counts, CountsKey},
    sums::Group,
};
use crate::store::{
    StoreError,
    pack::{add_pack, write},
};

/// Most bytes of each of the caches.
const MOST_BYTES: u64 = 16 * 1024 * 1024;
/// About how much a group of sums with two histograms takes at most.
const GROUP_BYTES: usize = 4 * 1024;

/// A pack's place in time and its `rowid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PackId {
    /// Its first quarter.
    pub(super) first: i64,
    pub(super) rowid: i64,
}

/// About how much a count of findings takes.
const COUNT_BYTES: usize = 256;

/// What one pack adds to each group of a series: the pack, what is grouped by, and the filter's conditions.
pub(super) type PeriodKey = (PackId, Option<Dimension>, Vec<Condition>);

/// What was added up of packs.
#[derive(Clone, Debug)]
pub(super) struct Merged {
    /// Packs added up to one.
    packs: Cache<Vec<PackId>, Arc<[u8]>>,
    /// Packs added up by group.
    pub(super) periods: Cache<PeriodKey, Arc<Vec<Group>>>,
    /// Findings of the time of these packs.
    pub(super) findings: Cache<CountsKey, Arc<Counts>>,
}

impl Merged {
    pub(super) fn new() -> Self {
        fn size(bytes: usize) -> u32 {
            u32::try_from(bytes).unwrap_or(u32::MAX)
        }
        let packs = Cache::builder()
            .weigher(|ids: &Vec<PackId>, pack: &Arc<[u8]>| size(ids.len() * size_of::<PackId>() + pack.len()));
        let periods = Cache::builder()
            .weigher(|_: &PeriodKey, groups: &Arc<Vec<Group>>| size(groups.len().saturating_add(1) * GROUP_BYTES));
        let findings = Cache::builder().weigher(|(ids, _): &CountsKey, counts: &Arc<Counts>| {
            size(ids.len() * size_of::<PackId>() + counts.len().saturating_add(1) * COUNT_BYTES)
        });
        Self {
            packs: packs.max_capacity(MOST_BYTES).build(),
            periods: periods.max_capacity(MOST_BYTES).build(),
            findings: findings.max_capacity(MOST_BYTES).build(),
        }
    }

    /// All these packs added up to one, in the transaction of `connection` that found them.
    pub(super) async fn pack(
        &self,
        connection: &mut SqliteConnection,
        ids: &[PackId],
    ) -> Result<Arc<[u8]>, StoreError> {
        if let Some(known) = self.packs.get(ids) {
            return Ok(known);
        }
        let mut sums = BTreeMap::new();
        for id in ids {
            add_pack(&mut sums, &read(connection, *id).await?)?;
        }
        let merged: Arc<[u8]> = write(&sums).into();
        self.packs.insert(ids.to_vec(), Arc::clone(&merged));
        Ok(merged)
    }
}

/// A pack as it is stored.
pub(super) async fn read(connection: &mut SqliteConnection, id: PackId) -> Result<Vec<u8>, StoreError> {
    let query = sqlx::query_scalar("SELECT entries FROM rollup_packs WHERE rowid = ?");
    Ok(query.bind(id.rowid).fetch_one(connection).await?)
}
