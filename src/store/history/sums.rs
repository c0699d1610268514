//! Sums over roll-ups. Raw records are never read here.

use std::collections::{BTreeMap, HashMap};

use futures_util::TryStreamExt as _;
use sqlx::{QueryBuilder, Row as _, Sqlite, sqlite::SqliteRow};

use super::{Aggregate, Dimension, History, StatsFilter};
use crate::{
    domain::{Api, CacheState, Endpoint, ErrorKind, Outcome},
    store::{
        Histogram, StoreError,
        rollup::{MEASURES, QUARTER_US, Sums},
    },
};

const FROM: &str = " FROM rollups AS r JOIN dimensions AS d ON d.id = r.dimension_id";
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
        let parts = self.by_dimension_row(filter).await?;
        let mut total = Aggregate::default();
        let mut groups = vec![BTreeMap::<String, Aggregate>::new(); dimensions.len()];
        for (values, sum) in parts.into_values() {
            total.merge(&sum);
            for (group, dimension) in groups.iter_mut().zip(dimensions) {
                let value = values.get(*dimension as usize).cloned().unwrap_or_default();
                group.entry(value).or_default().merge(&sum);
            }
        }
        Ok((total, groups))
    }

    /// Sums per quarter hour (its start in Unix seconds) and value of `dimension` (`""` when not
    /// set or not asked), by time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn quarters(
        &self,
        filter: &StatsFilter,
        dimension: Option<Dimension>,
    ) -> Result<Vec<(i64, String, Aggregate)>, StoreError> {
        let group = dimension.map_or("''", Dimension::expression);
        let mut sums = QueryBuilder::new("SELECT r.quarter, ");
        sums.push(group).push(" AS value, d.outcome, d.cache, d.stream");
        push_sums(&mut sums);
        push_filter(&mut sums, filter);
        sums.push(" GROUP BY 1, 2, 3, 4, 5");
        let mut found: BTreeMap<(i64, String), Aggregate> = BTreeMap::new();
        for row in sums.build().fetch_all(&self.readers).await? {
            let sum = read_sums(&row, 5, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?)?;
            found.entry((row.try_get(0)?, row.try_get(1)?)).or_default().merge(&sum);
        }

        let mut histograms = QueryBuilder::new("SELECT r.latency_histogram, r.ttft_histogram, r.quarter, ");
        histograms.push(group);
        push_filter(&mut histograms, filter);
        let mut rows = histograms.build().fetch(&self.readers);
        while let Some(row) = rows.try_next().await? {
            if let Some(sum) = found.get_mut(&(row.try_get(2)?, row.try_get(3)?)) {
                merge_histograms(sum, &row)?;
            }
        }
        drop(rows);
        Ok(found.into_iter().map(|((quarter, value), sum)| (quarter * QUARTER_SECS, value, sum)).collect())
    }

    /// The values of all dimensions (in the order of [`Dimension::ALL`]) and the sums, by row of `dimensions`.
    async fn by_dimension_row(
        &self,
        filter: &StatsFilter,
    ) -> Result<HashMap<i64, (Vec<String>, Aggregate)>, StoreError> {
        let mut sums = QueryBuilder::new("SELECT r.dimension_id, d.outcome, d.cache, d.stream");
        push_sums(&mut sums);
        for dimension in Dimension::ALL {
            sums.push(", ").push(dimension.expression());
        }
        push_filter(&mut sums, filter);
        sums.push(" GROUP BY r.dimension_id");
        let mut found = HashMap::new();
        for row in sums.build().fetch_all(&self.readers).await? {
            let sum = read_sums(&row, 4, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?)?;
            let first = 4 + MEASURES.len();
            let values = (first..first + Dimension::ALL.len()).map(|column| row.try_get(column));
            found.insert(row.try_get(0)?, (values.collect::<Result<_, _>>()?, sum));
        }

        let mut histograms = QueryBuilder::new("SELECT r.latency_histogram, r.ttft_histogram, r.dimension_id");
        push_filter(&mut histograms, filter);
        let mut rows = histograms.build().fetch(&self.readers);
        while let Some(row) = rows.try_next().await? {
            let id: i64 = row.try_get(2)?;
            if let Some((_, sum)) = found.get_mut(&id) {
                merge_histograms(sum, &row)?;
            }
        }
        drop(rows);
        Ok(found)
    }
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

fn push_sums(query: &mut QueryBuilder<Sqlite>) {
    for measure in MEASURES {
        query.push(", sum(r.").push(measure).push(")");
    }
}

fn read_sums(row: &SqliteRow, first: usize, outcome: &str, cache: &str, stream: bool) -> Result<Aggregate, StoreError> {
    let mut sums: Sums = [0; MEASURES.len()];
    for (place, sum) in sums.iter_mut().enumerate() {
        *sum = row.try_get(first + place)?;
    }
    Ok(Aggregate::of_sums(&sums, outcome, cache, stream))
}

fn merge_histograms(sum: &mut Aggregate, row: &SqliteRow) -> Result<(), StoreError> {
    let read = |histogram: &mut Histogram, column: usize| {
        histogram.merge_bytes(row.try_get(column)?).ok_or(StoreError::Corrupt { what: "a histogram" })
    };
    read(&mut sum.latency, 0)?;
    read(&mut sum.ttft, 1)
}

/// Appends tables and filter; every value is bound, every column name is a constant.
fn push_filter(query: &mut QueryBuilder<Sqlite>, filter: &StatsFilter) {
    query.push(FROM).push(" WHERE true");
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
    if let Some(from) = filter.from {
        query.push(" AND r.quarter >= ").push_bind(from.unix_us.div_euclid(QUARTER_US));
    }
    if let Some(to) = filter.to {
        // The quarter hour that `to` falls into counts in, unless it begins right there.
        query.push(" AND r.quarter < ").push_bind((to.unix_us - 1).div_euclid(QUARTER_US) + 1);
    }
}
