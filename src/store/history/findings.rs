//! Sums of findings, from their own quarter-hour roll-up.

use sqlx::{QueryBuilder, Row as _};

use super::{History, StatsFilter, dimension_rows::push_filter};
use crate::{
    domain::{Action, Category, Direction},
    store::{StoreError, findings::named, rollup::QUARTER_US},
};

/// How often one kind was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingSum {
    /// Which way the text went.
    pub direction: Direction,
    /// What was found.
    pub kind: String,
    /// Its family.
    pub category: Category,
    /// What was done about it.
    pub action: Action,
    /// Findings.
    pub count: u64,
}

impl History {
    /// Findings by kind, category, action and direction, the most frequent first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finding_sums(&self, filter: &StatsFilter) -> Result<Vec<FindingSum>, StoreError> {
        let mut query = QueryBuilder::new(
            "SELECT f.direction, f.kind, f.category, f.action, sum(f.count)
             FROM finding_sums AS f JOIN dimensions AS d ON d.id = f.dimension_id WHERE true",
        );
        push_filter(&mut query, filter);
        // Widened to whole quarter hours, as all sums.
        if let Some(from) = filter.from {
            query.push(" AND f.quarter >= ").push_bind(from.unix_us.div_euclid(QUARTER_US));
        }
        if let Some(to) = filter.to {
            query.push(" AND f.quarter < ").push_bind((to.unix_us - 1).div_euclid(QUARTER_US) + 1);
        }
        query.push(" GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 2, 1, 4");
        let rows = query.build().fetch_all(&self.readers).await?;
        let sum = |row| {
            Ok(FindingSum {
                direction: named(row, 0, Direction::parse)?,
                kind: row.try_get(1)?,
                category: named(row, 2, Category::parse)?,
                action: named(row, 3, Action::parse)?,
                count: row.try_get::<i64, _>(4)?.unsigned_abs(),
            })
        };
        rows.iter().map(sum).collect()
    }
}
