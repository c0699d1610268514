//! Sums over roll-ups. Raw records are never read here.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::{Arc, LazyLock},
};

use futures_util::TryStreamExt as _;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::{Aggregate, Dimension, History, StatsFilter};
use crate::{
    domain::{Api, CacheState, Endpoint, ErrorKind, Outcome},
    store::{
        StoreError,
        pack::{DAY, HOUR, Share, entries, floor, merge, read_row, row_columns},
        rollup::QUARTER_US,
    },
};

/// Made of constants.
static SELECT_ROWS: LazyLock<String> = LazyLock::new(|| format!("SELECT {}", row_columns()));
/// Seconds in a quarter of an hour.
const QUARTER_SECS: i64 = 15 * 60;

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
        let mut parts = HashMap::<i64, Aggregate>::new();
        let rows =
            self.fold(filter, Width::Day, |_, id, row, share| row.add_to(parts.entry(id).or_default(), share)).await?;
        let mut total = Aggregate::default();
        let mut groups = vec![BTreeMap::<String, Aggregate>::new(); dimensions.len()];
        for (id, sum) in parts {
            total.merge(&sum);
            let Some(row) = rows.get(&id) else { continue };
            for (group, dimension) in groups.iter_mut().zip(dimensions) {
                group.entry(row.value(Some(*dimension)).to_string()).or_default().merge(&sum);
            }
        }
        Ok((total, groups))
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
        let mut parts = HashMap::<i64, Aggregate>::new();
        let rows =
            self.fold(filter, Width::Day, |_, id, row, share| row.add_to(parts.entry(id).or_default(), share)).await?;
        let mut pairs = BTreeMap::<(String, String), Aggregate>::new();
        for (id, sum) in parts {
            if let Some(row) = rows.get(&id) {
                let pair = (row.value(Some(one)).to_string(), row.value(Some(other)).to_string());
                pairs.entry(pair).or_default().merge(&sum);
            }
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
        let mut found: BTreeMap<(i64, Arc<str>), Aggregate> = BTreeMap::new();
        self.fold(filter, widest, |first, _, row, share| {
            row.add_to(found.entry((first, Arc::clone(row.value(dimension)))).or_default(), share)
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

    /// Hands every sum that fits to `take`: the first quarter of its period, its dimension, and itself. Returns the
    /// rows of `dimensions` that fit.
    async fn fold(
        &self,
        filter: &StatsFilter,
        widest: Width,
        mut take: impl FnMut(i64, i64, &DimensionRow, &Share<'_>) -> Result<(), StoreError>,
    ) -> Result<HashMap<i64, DimensionRow>, StoreError> {
        // One transaction, so that what is packed in between is counted neither twice nor not at all.
        let mut read = self.readers.begin().await?;
        let rows = dimension_rows(&mut read, filter).await?;
        if rows.is_empty() {
            return Ok(rows);
        }
        let asked = asked_quarters(filter);
        let mut packs: Vec<(i64, i64)> = Vec::new();
        if widest == Width::Day {
            packs.push((DAY, 0));
        }
        if widest != Width::Quarter {
            packs.push((HOUR, i64::from(widest == Width::Day)));
        }
        for (quarters, is_below_days) in packs {
            let mut found = sqlx::query(
                "SELECT first_quarter, entries FROM rollup_packs AS pack
                 WHERE quarters = ?1 AND first_quarter >= ?2 AND first_quarter <= ?3 - ?1 AND (?4 = 0 OR NOT EXISTS (
                     SELECT 1 FROM rollup_packs AS day WHERE day.quarters = 96
                     AND day.first_quarter = pack.first_quarter - pack.first_quarter % 96
                     AND day.first_quarter >= ?2 AND day.first_quarter <= ?3 - 96))",
            )
            .bind(quarters)
            .bind(asked.start)
            .bind(asked.end)
            .bind(is_below_days)
            .fetch(&mut *read);
            while let Some(pack) = found.try_next().await? {
                let first = pack.try_get(0)?;
                for entry in entries(pack.try_get(1)?) {
                    let entry = entry?;
                    if let Some(row) = rows.get(&entry.dimension) {
                        take(first, entry.dimension, row, &entry.read()?)?;
                    }
                }
            }
        }
        for range in unpacked_ranges(&mut read, &asked, widest).await? {
            let mut query = QueryBuilder::new(SELECT_ROWS.as_str());
            query.push(" FROM rollups WHERE quarter >= ").push_bind(range.start);
            query.push(" AND quarter < ").push_bind(range.end);
            query.push(" AND dimension_id IN (SELECT d.id FROM dimensions AS d WHERE true");
            push_filter(&mut query, filter);
            query.push(")");
            let mut found = query.build().fetch(&mut *read);
            while let Some(row) = found.try_next().await? {
                let (quarter, dimension, share) = read_row(&row)?;
                if let Some(row) = rows.get(&dimension) {
                    take(quarter, dimension, row, &share)?;
                }
            }
        }
        Ok(rows)
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

/// A row of `dimensions`.
struct DimensionRow {
    /// In the order of [`Dimension::ALL`].
    values: Vec<Arc<str>>,
    stream: bool,
    empty: Arc<str>,
}

impl DimensionRow {
    fn value(&self, dimension: Option<Dimension>) -> &Arc<str> {
        dimension.and_then(|dimension| self.values.get(dimension as usize)).unwrap_or(&self.empty)
    }

    fn add_to(&self, sum: &mut Aggregate, share: &Share<'_>) -> Result<(), StoreError> {
        let (outcome, cache) = (self.value(Some(Dimension::Outcome)), self.value(Some(Dimension::Cache)));
        sum.merge(&Aggregate::of_sums(&share.sums, outcome, cache, self.stream));
        merge(&mut sum.latency, share.latency)?;
        merge(&mut sum.ttft, share.ttft)
    }
}

async fn dimension_rows(
    connection: &mut SqliteConnection,
    filter: &StatsFilter,
) -> Result<HashMap<i64, DimensionRow>, StoreError> {
    let mut query = QueryBuilder::new("SELECT d.id, d.stream");
    for dimension in Dimension::ALL {
        query.push(", ").push(dimension.expression());
    }
    query.push(" FROM dimensions AS d WHERE true");
    push_filter(&mut query, filter);
    let empty: Arc<str> = "".into();
    let mut rows = HashMap::new();
    for row in query.build().fetch_all(connection).await? {
        let value = |place| row.try_get::<&str, _>(2 + place).map(Arc::from);
        let values = (0..Dimension::ALL.len()).map(value).collect::<Result<_, _>>()?;
        rows.insert(row.try_get(0)?, DimensionRow { values, stream: row.try_get(1)?, empty: Arc::clone(&empty) });
    }
    Ok(rows)
}

/// The quarter hours that are asked for.
fn asked_quarters(filter: &StatsFilter) -> Range<i64> {
    // The quarter hour that `to` falls into counts in, unless it begins right there.
    let end = filter.to.map_or(i64::MAX, |to| (to.unix_us - 1).div_euclid(QUARTER_US) + 1);
    filter.from.map_or(i64::MIN, |from| from.unix_us.div_euclid(QUARTER_US))..end
}

/// The parts of `asked` that no pack holds which may be used.
async fn unpacked_ranges(
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

impl Dimension {
    /// The column of `dimensions AS d`, as text.
    const fn expression(self) -> &'static str {
        match self {
            Self::Project => "d.project",
            Self::Source => "d.source",
            Self::Team => "d.team",
            Self::Key => "d.key_id",
            Self::Profile => "d.profile",
            Self::Provider => "d.provider",
            Self::Model => "d.model",
            Self::ClientApi => "d.client_api",
            Self::Endpoint => "d.endpoint",
            Self::Outcome => "d.outcome",
            Self::ErrorKind => "d.error_kind",
            Self::Stream => "iif(d.stream, 'true', 'false')",
            Self::Cache => "d.cache",
        }
    }
}

/// Appends the conditions on `dimensions AS d`; every value is bound, every column name is a constant.
pub(super) fn push_filter(query: &mut QueryBuilder<Sqlite>, filter: &StatsFilter) {
    for (dimension, value) in [
        (Dimension::Project, &filter.project),
        (Dimension::Source, &filter.source),
        (Dimension::Team, &filter.team),
        (Dimension::Key, &filter.key_id),
        (Dimension::Profile, &filter.profile),
        (Dimension::Provider, &filter.provider),
        (Dimension::Model, &filter.model),
    ] {
        if let Some(value) = value {
            query.push(" AND ").push(dimension.expression()).push(" = ").push_bind(value.clone());
        }
    }
    for (dimension, value) in [
        (Dimension::ClientApi, filter.client_api.map(Api::as_str)),
        (Dimension::Endpoint, filter.endpoint.map(Endpoint::as_str)),
        (Dimension::Outcome, filter.outcome.map(Outcome::as_str)),
        (Dimension::ErrorKind, filter.error_kind.map(ErrorKind::as_str)),
        (Dimension::Cache, filter.cache.map(CacheState::as_str)),
    ] {
        if let Some(value) = value {
            query.push(" AND ").push(dimension.expression()).push(" = ").push_bind(value);
        }
    }
    if let Some(stream) = filter.stream {
        query.push(" AND d.stream = ").push_bind(stream);
    }
}
