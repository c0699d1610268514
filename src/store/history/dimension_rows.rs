//! The rows of `dimensions`, kept in memory: they are never changed nor deleted, so each is read once.
//!
//! Never holds a row that a reader could not see in the database.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock},
};

use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::{Dimension, StatsFilter};
use crate::{
    domain::{Api, CacheState, Endpoint, ErrorKind, Outcome},
    store::StoreError,
};

/// A row of `dimensions`.
#[derive(Debug)]
pub(super) struct DimensionRow {
    /// In the order of [`Dimension::ALL`].
    values: [Arc<str>; Dimension::ALL.len()],
    pub(super) stream: bool,
}

/// All rows that any reader has seen.
#[derive(Debug, Default)]
pub(super) struct DimensionRows(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    rows: HashMap<i64, Arc<DimensionRow>>,
    /// Each value once.
    values: HashSet<Arc<str>>,
    newest: i64,
}

impl DimensionRow {
    pub(super) fn value(&self, dimension: Dimension) -> &Arc<str> {
        // A dimension's number is its place in `ALL`, and there are as many values.
        let [first, ..] = &self.values;
        self.values.get(dimension as usize).unwrap_or(first)
    }
}

impl DimensionRows {
    /// The rows that the transaction of `connection` can see and that fit, by id.
    pub(super) async fn fitting(
        &self,
        connection: &mut SqliteConnection,
        filter: &StatsFilter,
    ) -> Result<HashMap<i64, Arc<DimensionRow>>, StoreError> {
        let newest = self.0.read().unwrap_or_else(PoisonError::into_inner).newest;
        let mut query = QueryBuilder::new("SELECT d.id, d.stream");
        for dimension in Dimension::ALL {
            query.push(", ").push(dimension.expression());
        }
        query.push(" FROM dimensions AS d WHERE d.id > ").push_bind(newest);
        // In their order: what is known is always all up to `newest`.
        query.push(" ORDER BY d.id");
        let new = query.build().fetch_all(connection).await?;
        if !new.is_empty() {
            let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
            for row in &new {
                known.add(row)?;
            }
        }
        let conditions = conditions(filter);
        let fits = |row: &DimensionRow| {
            let holds = |(dimension, is, value): &Condition| (**row.value(*dimension) == **value) == *is;
            conditions.iter().all(holds)
        };
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Ok(known.rows.iter().filter(|(_, row)| fits(row)).map(|(id, row)| (*id, Arc::clone(row))).collect())
    }
}

impl Known {
    fn add(&mut self, row: &sqlx::sqlite::SqliteRow) -> Result<(), StoreError> {
        let empty: Arc<str> = "".into();
        let mut values = [(); Dimension::ALL.len()].map(|()| Arc::clone(&empty));
        for (place, value) in values.iter_mut().enumerate() {
            *value = self.shared(row.try_get(2 + place)?);
        }
        let id = row.try_get(0)?;
        self.rows.insert(id, Arc::new(DimensionRow { values, stream: row.try_get(1)? }));
        self.newest = self.newest.max(id);
        Ok(())
    }

    fn shared(&mut self, value: &str) -> Arc<str> {
        if let Some(known) = self.values.get(value) {
            return Arc::clone(known);
        }
        let new: Arc<str> = value.into();
        self.values.insert(Arc::clone(&new));
        new
    }
}

impl Dimension {
    /// The column of `dimensions AS d`, as text.
    pub(super) const fn expression(self) -> &'static str {
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

/// A dimension, whether it must be or must not be something, and what.
pub(super) type Condition = (Dimension, bool, String);

/// What `filter` says of dimensions.
pub(super) fn conditions(filter: &StatsFilter) -> Vec<Condition> {
    let texts = [
        (Dimension::Project, filter.project.as_deref()),
        (Dimension::Source, filter.source.as_deref()),
        (Dimension::Team, filter.team.as_deref()),
        (Dimension::Key, filter.key_id.as_deref()),
        (Dimension::Profile, filter.profile.as_deref()),
        (Dimension::Provider, filter.provider.as_deref()),
        (Dimension::Model, filter.model.as_deref()),
        (Dimension::ClientApi, filter.client_api.map(Api::as_str)),
        (Dimension::Endpoint, filter.endpoint.map(Endpoint::as_str)),
        (Dimension::Outcome, filter.outcome.map(Outcome::as_str)),
        (Dimension::ErrorKind, filter.error_kind.map(ErrorKind::as_str)),
        (Dimension::Stream, filter.stream.map(|stream| if stream { "true" } else { "false" })),
        (Dimension::Cache, filter.cache.map(CacheState::as_str)),
    ];
    let wanted = texts.into_iter().filter_map(|(dimension, value)| Some((dimension, true, value?.to_owned())));
    wanted.chain(filter.exclude.iter().map(|(dimension, value)| (*dimension, false, value.clone()))).collect()
}

/// Appends the conditions on `dimensions AS d`; every value is bound, every column name is a constant.
pub(super) fn push_filter(query: &mut QueryBuilder<Sqlite>, filter: &StatsFilter) {
    for (dimension, is, value) in conditions(filter) {
        query.push(" AND ").push(dimension.expression()).push(if is { " = " } else { " <> " }).push_bind(value);
    }
}
