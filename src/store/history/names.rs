//! The names that the history holds, for questions that mention them.

use std::collections::BTreeSet;

use super::{Dimension, History, StatsFilter};
use crate::store::StoreError;

/// Values of tags that are looked up at most.
const TAG_VALUES: usize = 300;
/// Of one tag: one with more is an id and no label.
const VALUES_OF_A_TAG: usize = 40;

/// What a name is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameOf {
    /// A dimension of the roll-ups; keys by id.
    Dimension(Dimension),
    /// The tag of this key.
    Tag(String),
    /// A kind of finding.
    FindingKind,
    /// A kind of signal.
    SignalKind,
    /// What a model was used for, as signals say it.
    Task,
}

impl History {
    /// The names that requests, findings and signals bear, each once; of tags the first few hundred values.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn names(&self) -> Result<BTreeSet<(NameOf, String)>, StoreError> {
        let mut names = BTreeSet::new();
        let mut connection = self.readers.acquire().await?;
        let rows = self.dimensions.fitting(&mut connection, &StatsFilter::default()).await?;
        for dimension in Dimension::ALL {
            let values = rows.values().map(|row| row.value(dimension)).collect::<BTreeSet<_>>();
            let named = values.into_iter().filter(|value| !value.is_empty());
            names.extend(named.map(|value| (NameOf::Dimension(dimension), value.to_string())));
        }
        let kinds: Vec<String> =
            sqlx::query_scalar("SELECT DISTINCT kind FROM finding_sums").fetch_all(&mut *connection).await?;
        names.extend(kinds.into_iter().map(|kind| (NameOf::FindingKind, kind)));
        let signals: Vec<(String, String)> =
            sqlx::query_as("SELECT DISTINCT kind, task FROM signal_sums").fetch_all(&mut *connection).await?;
        for (kind, task) in signals {
            names.insert((NameOf::SignalKind, kind));
            if !task.is_empty() {
                names.insert((NameOf::Task, task));
            }
        }
        // From value to value through the index: there may be millions of rows.
        let (mut key, mut value, mut of_key) = (String::new(), String::new(), 0);
        for _ in 0..TAG_VALUES {
            let next = if of_key < VALUES_OF_A_TAG {
                sqlx::query_as(
                    "SELECT key, value FROM record_tags WHERE (key, value) > (?, ?) ORDER BY key, value LIMIT 1",
                )
                .bind(&key)
                .bind(&value)
            } else {
                sqlx::query_as("SELECT key, value FROM record_tags WHERE key > ? ORDER BY key, value LIMIT 1")
                    .bind(&key)
            };
            let Some((next_key, next_value)): Option<(String, String)> = next.fetch_optional(&mut *connection).await?
            else {
                break;
            };
            of_key = if next_key == key { of_key + 1 } else { 0 };
            (key, value) = (next_key, next_value);
            names.insert((NameOf::Tag(key.clone()), value.clone()));
        }
        Ok(names)
    }
}
