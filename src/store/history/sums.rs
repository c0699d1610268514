//! Sums over roll-ups. Raw records are never read here.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::{Arc, LazyLock},
};

use futures_util::TryStreamExt as _;
use sqlx::{QueryBuilder, SqliteConnection};

use super::{
    Aggregate, Dimension, History, StatsFilter,
    dimension_rows::{DimensionRow, conditions, push_filter},
    merged::{PackId, read},
};
use crate::store::{
    StoreError,
    pack::{DAY, HOUR, Share, entries, floor, merge, read_row, row_columns},
    rollup::QUARTER_US,
};

/// Made of constants.
static SELECT_ROWS: LazyLock<String> = LazyLock::new(|| format!("SELECT {}", row_columns()));
/// Seconds in a quarter of an hour.
const QUARTER_SECS: i64 = 15 * 60;

/// A value of a dimension and its sums.
pub(super) type Group = (Arc<str>, Aggregate);
/// The rows of `dimensions` that fit a filter, by id.
type Rows = HashMap<i64, Arc<DimensionRow>>;

impl History {
    /// Sums over all, and for each of `dimensions` sums for each of its values, in one pass.
    /// Values that are not set are `""`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn totals(
        &self,
        filter: &StatsFilter,
        dimensions: &[Dimension],
    ) -> Result<(Aggregate, Vec<BTreeMap<String, Aggregate>>), StoreError> {
        let mut total = Aggregate::default();
        let mut groups = vec![HashMap::<Arc<str>, Aggregate>::new(); dimensions.len()];
        for (row, sum) in self.parts(filter).await? {
            total.merge(&sum);
            for (group, dimension) in groups.iter_mut().zip(dimensions) {
                group.entry(Arc::clone(row.value(*dimension))).or_default().merge(&sum);
            }
        }
        let named = |group: HashMap<Arc<str>, Aggregate>| {
            group.into_iter().map(|(value, sum)| (value.to_string(), sum)).collect()
        };
        Ok((total, groups.into_iter().map(named).collect()))
    }

    /// Sums for each pair of values of two dimensions, in one pass; `""` for a value that is not set.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pairs(
        &self,
        filter: &StatsFilter,
        [one, other]: [Dimension; 2],
    ) -> Result<BTreeMap<(String, String), Aggregate>, StoreError> {
        let mut pairs = BTreeMap::<(String, String), Aggregate>::new();
        for (row, sum) in self.parts(filter).await? {
            pairs.entry((row.value(one).to_string(), row.value(other).to_string())).or_default().merge(&sum);
        }
        Ok(pairs)
    }

    /// Sums per period (its start in Unix seconds) and value of `dimension` (`""` when not set or not
    /// asked), by time. Periods are as wide as `widest` where whole ones are asked for, else narrower.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn periods(
        &self,
        filter: &StatsFilter,
        dimension: Option<Dimension>,
        widest: Width,
    ) -> Result<Vec<(i64, String, Aggregate)>, StoreError> {
        // One transaction, so that what is packed in between is counted neither twice nor not at all.
        let mut connection = self.readers.begin().await?;
        let rows = self.dimensions.fitting(&mut connection, filter).await?;
        let mut found: BTreeMap<(i64, Arc<str>), Aggregate> = BTreeMap::new();
        let asked = asked_quarters(filter);
        for (quarters, is_below_days) in widest.packs() {
            for id in packs(&mut connection, *quarters, &asked, *is_below_days).await? {
                let key = (id, dimension, conditions(filter));
                let groups = match self.merged.periods.get(&key) {
                    Some(known) => known,
                    None => {
                        let groups = grouped(&read(&mut connection, id).await?, &rows, dimension)?;
                        let groups = Arc::new(groups);
                        self.merged.periods.insert(key, Arc::clone(&groups));
                        groups
                    }
                };
                found.extend(groups.iter().map(|(value, sum)| ((id.first, Arc::clone(value)), sum.clone())));
            }
        }
        fold_unpacked(&mut connection, filter, &asked, widest, |quarter, id, share| {
            rows.get(&id)
                .map_or(Ok(()), |row| add(row, found.entry((quarter, value_of(row, dimension))).or_default(), share))
        })
        .await?;
        Ok(found.into_iter().map(|((first, value), sum)| (first * QUARTER_SECS, value.to_string(), sum)).collect())
    }

    /// Start of the oldest quarter hour with a request, in Unix seconds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn first_quarter(&self) -> Result<Option<i64>, StoreError> {
        let first: Option<i64> =
            sqlx::query_scalar("SELECT min(quarter) FROM rollups").fetch_one(&self.readers).await?;
        Ok(first.map(|quarter| quarter * QUARTER_SECS))
    }

    /// Sums for each row of `dimensions` that fits.
    async fn parts(&self, filter: &StatsFilter) -> Result<Vec<(Arc<DimensionRow>, Aggregate)>, StoreError> {
        // One transaction, as in `periods`.
        let mut connection = self.readers.begin().await?;
        let rows = self.dimensions.fitting(&mut connection, filter).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut parts = HashMap::<i64, Aggregate>::new();
        let mut take = |id: i64, share: &Share<'_>| {
            rows.get(&id).map_or(Ok(()), |row| add(row, parts.entry(id).or_default(), share))
        };
        let asked = asked_quarters(filter);
        for (quarters, is_below_days) in Width::Day.packs() {
            let ids = packs(&mut connection, *quarters, &asked, *is_below_days).await?;
            for entry in entries(&self.merged.pack(&mut connection, &ids).await?) {
                let entry = entry?;
                if rows.contains_key(&entry.dimension) {
                    take(entry.dimension, &entry.read()?)?;
                }
            }
        }
        fold_unpacked(&mut connection, filter, &asked, Width::Day, |_, id, share| take(id, share)).await?;
        Ok(parts.into_iter().filter_map(|(id, sum)| Some((Arc::clone(rows.get(&id)?), sum))).collect())
    }
}

fn value_of(row: &DimensionRow, dimension: Option<Dimension>) -> Arc<str> {
    dimension.map_or_else(|| "".into(), |dimension| Arc::clone(row.value(dimension)))
}

fn add(row: &DimensionRow, sum: &mut Aggregate, share: &Share<'_>) -> Result<(), StoreError> {
    let (outcome, cache) = (row.value(Dimension::Outcome), row.value(Dimension::Cache));
    sum.merge(&Aggregate::of_sums(&share.sums, outcome, cache, row.stream));
    merge(&mut sum.latency, share.latency)?;
    merge(&mut sum.ttft, share.ttft)
}

/// The shares of a pack that fit, by the values of `dimension`.
fn grouped(pack: &[u8], rows: &Rows, dimension: Option<Dimension>) -> Result<Vec<Group>, StoreError> {
    let mut groups = HashMap::<Arc<str>, Aggregate>::new();
    for entry in entries(pack) {
        let entry = entry?;
        if let Some(row) = rows.get(&entry.dimension) {
            add(row, groups.entry(value_of(row, dimension)).or_default(), &entry.read()?)?;
        }
    }
    Ok(groups.into_iter().collect())
}

/// The packs of so many quarters that lie in `asked`, by time; with `is_below_days` none that a day's pack holds.
pub(super) async fn packs(
    connection: &mut SqliteConnection,
    quarters: i64,
    asked: &Range<i64>,
    is_below_days: bool,
) -> Result<Vec<PackId>, StoreError> {
    let found: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT first_quarter, rowid FROM rollup_packs AS pack
         WHERE quarters = ?1 AND first_quarter >= ?2 AND first_quarter <= ?3 - ?1 AND (?4 = 0 OR NOT EXISTS (
             SELECT 1 FROM rollup_packs AS day WHERE day.quarters = 96
             AND day.first_quarter = pack.first_quarter - pack.first_quarter % 96
             AND day.first_quarter >= ?2 AND day.first_quarter <= ?3 - 96))
         ORDER BY first_quarter",
    )
    .bind(quarters)
    .bind(asked.start)
    .bind(asked.end)
    .bind(is_below_days)
    .fetch_all(connection)
    .await?;
    Ok(found.into_iter().map(|(first, rowid)| PackId { first, rowid }).collect())
}

/// Hands the sums of `asked` that are in no pack to `take`: the quarter, its dimension, and themselves.
async fn fold_unpacked(
    connection: &mut SqliteConnection,
    filter: &StatsFilter,
    asked: &Range<i64>,
    widest: Width,
    mut take: impl FnMut(i64, i64, &Share<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for range in unpacked_ranges(connection, asked, widest).await? {
        let mut query = QueryBuilder::new(SELECT_ROWS.as_str());
        query.push(" FROM rollups WHERE quarter >= ").push_bind(range.start);
        query.push(" AND quarter < ").push_bind(range.end);
        if !conditions(filter).is_empty() {
            query.push(" AND dimension_id IN (SELECT d.id FROM dimensions AS d WHERE true");
            push_filter(&mut query, filter);
            query.push(")");
        }
        let mut found = query.build().fetch(&mut *connection);
        while let Some(row) = found.try_next().await? {
            let (quarter, dimension, share) = read_row(&row)?;
            take(quarter, dimension, &share)?;
        }
    }
    Ok(())
}

impl Width {
    /// The packs that such periods are read from, in quarters, and whether those that lie in a day's are left out.
    pub(super) const fn packs(self) -> &'static [(i64, bool)] {
        match self {
            Self::Quarter => &[],
            Self::Hour => &[(HOUR, false)],
            Self::Day => &[(DAY, false), (HOUR, true)],
        }
    }
}

/// How wide the periods are that sums are read in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// Fifteen minutes.
    Quarter,
    /// Hours of UTC.
    Hour,
    /// Days of UTC.
    Day,
}

/// The quarter hours that are asked for.
pub(super) fn asked_quarters(filter: &StatsFilter) -> Range<i64> {
    // The quarter hour that `to` falls into counts in, unless it begins right there.
    let end = filter.to.map_or(i64::MAX, |to| (to.unix_us - 1).div_euclid(QUARTER_US) + 1);
    filter.from.map_or(i64::MIN, |from| from.unix_us.div_euclid(QUARTER_US))..end
}

/// The parts of `asked` that no pack holds which may be used.
pub(super) async fn unpacked_ranges(
    connection: &mut SqliteConnection,
    asked: &Range<i64>,
    widest: Width,
) -> Result<Vec<Range<i64>>, StoreError> {
    if widest == Width::Quarter {
        return Ok(vec![asked.clone()]);
    }
    // Hours that are asked for in whole.
    let first = if asked.start == i64::MIN { i64::MIN } else { floor(asked.start + HOUR - 1, HOUR) };
    let last = if asked.end == i64::MAX { i64::MAX } else { floor(asked.end, HOUR) };
    if first >= last {
        return Ok(vec![asked.clone()]);
    }
    let hours: Vec<i64> = sqlx::query_scalar(
        "SELECT first_quarter FROM unpacked WHERE quarters = 4 AND first_quarter >= ? AND first_quarter < ?
         ORDER BY first_quarter",
    )
    .bind(first)
    .bind(last)
    .fetch_all(connection)
    .await?;
    let mut ranges = Vec::from_iter(std::iter::once(asked.start..first));
    for next in hours.into_iter().map(|hour| hour..hour + HOUR).chain(std::iter::once(last..asked.end)) {
        match ranges.last_mut().filter(|before| before.end == next.start) {
            Some(before) => before.end = next.end,
            None => ranges.push(next),
        }
    }
    ranges.retain(|range| !range.is_empty());
    Ok(ranges)
}
