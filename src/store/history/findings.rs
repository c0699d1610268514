//! Sums of findings, from their own quarter-hour roll-up.

use std::{cmp::Reverse, collections::HashMap, ops::Range, sync::Arc};

use sqlx::{QueryBuilder, SqliteConnection};

use super::{
    History, StatsFilter,
    dimension_rows::{Condition, conditions, push_filter},
    merged::PackId,
    sums::{Width, asked_quarters, packs, unpacked_ranges},
};
use crate::{
    domain::{Action, Category, Direction},
    store::StoreError,
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

/// What findings are summed by: direction, kind, category, action, as they are stored.
type Finding = (String, String, String, String);
/// Findings and how often each was found.
pub(super) type Counts = HashMap<Finding, i64>;
/// The hours and days that were added up, and the filter's conditions.
pub(super) type CountsKey = (Vec<PackId>, Vec<Condition>);

impl History {
    /// Findings by kind, category, action and direction, the most frequent first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finding_sums(&self, filter: &StatsFilter) -> Result<Vec<FindingSum>, StoreError> {
        // One transaction, as all sums. Findings are written with the sums of their quarter hour, so a pack that is
        // still there says that they are unchanged too.
        let mut connection = self.readers.begin().await?;
        let asked = asked_quarters(filter);
        let mut counts = Counts::new();
        for (quarters, is_below_days) in Width::Day.packs() {
            let ids = packs(&mut connection, *quarters, &asked, *is_below_days).await?;
            let key = (ids, conditions(filter));
            let closed = match self.merged.findings.get(&key) {
                Some(known) => known,
                None => {
                    let mut closed = Counts::new();
                    for id in &key.0 {
                        count(&mut connection, filter, id.first..id.first + quarters, &mut closed).await?;
                    }
                    let closed = Arc::new(closed);
                    self.merged.findings.insert(key, Arc::clone(&closed));
                    closed
                }
            };
            for (finding, times) in &*closed {
                add(&mut counts, finding.clone(), *times);
            }
        }
        for range in unpacked_ranges(&mut connection, &asked, Width::Day).await? {
            count(&mut connection, filter, range, &mut counts).await?;
        }
        let mut sums = counts.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        sums.sort_by(|one, other| order(one).cmp(&order(other)));
        Ok(sums)
    }
}

fn order(sum: &FindingSum) -> (Reverse<u64>, &str, &'static str, &'static str) {
    (Reverse(sum.count), &sum.kind, sum.direction.as_str(), sum.action.as_str())
}

fn read(((direction, kind, category, action), count): (Finding, i64)) -> Result<FindingSum, StoreError> {
    const UNKNOWN: StoreError = StoreError::Corrupt { what: "a sum of findings" };
    Ok(FindingSum {
        direction: Direction::parse(&direction).ok_or(UNKNOWN)?,
        kind,
        category: Category::parse(&category).ok_or(UNKNOWN)?,
        action: Action::parse(&action).ok_or(UNKNOWN)?,
        count: count.unsigned_abs(),
    })
}

fn add(counts: &mut Counts, finding: Finding, times: i64) {
    let sum = counts.entry(finding).or_default();
    *sum = sum.saturating_add(times);
}

/// Counts the findings of a range of quarter hours in.
async fn count(
    connection: &mut SqliteConnection,
    filter: &StatsFilter,
    quarters: Range<i64>,
    counts: &mut Counts,
) -> Result<(), StoreError> {
    let mut query =
        QueryBuilder::new("SELECT direction, kind, category, action, sum(count) FROM finding_sums WHERE quarter >= ");
    query.push_bind(quarters.start).push(" AND quarter < ").push_bind(quarters.end);
    if !conditions(filter).is_empty() {
        query.push(" AND dimension_id IN (SELECT d.id FROM dimensions AS d WHERE true");
        push_filter(&mut query, filter);
        query.push(")");
    }
    query.push(" GROUP BY 1, 2, 3, 4");
    let rows: Vec<(String, String, String, String, i64)> = query.build_query_as().fetch_all(connection).await?;
    for (direction, kind, category, action, times) in rows {
        add(counts, (direction, kind, category, action), times);
    }
    Ok(())
}
