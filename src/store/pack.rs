//! Hours and days of roll-ups that are over, each packed into one value: a month is then read as some dozen
//! values instead of a hundred thousand rows. Days stand in `rollup_days` as well, as rows that SQL can sum.
//!
//! Never the only place of a sum: `rollups` keeps every quarter hour, and a pack is made anew when one changes.

use std::collections::{BTreeMap, HashSet};

use sqlx::{Row as _, SqliteConnection, SqlitePool, sqlite::SqliteRow};

use super::{
    Histogram, StoreError,
    histogram::{push_number, take_number},
    rollup::{Addition, MEASURES, QUARTER_US, Sums},
};
use crate::domain::Timestamp;

/// Quarter hours in an hour.
pub(super) const HOUR: i64 = 4;
/// Quarter hours in a day (in UTC).
pub(super) const DAY: i64 = 96;
/// How long an hour may still change often after it is over: requests are summed where they began.
const GRACE_US: i64 = 30 * 60 * 1_000_000;
/// Most hours that the packer remembers.
const REMEMBERED: usize = 4_096;

/// What the writer knows of packs.
#[derive(Debug, Default)]
pub(super) struct Packer {
    /// Hours, by their first quarter, that the database knows to be unpacked.
    noted: HashSet<i64>,
}

impl Packer {
    /// A quarter hour is about to change, in the transaction of `connection`: what holds it is no longer packed.
    pub(super) async fn note_change(
        &mut self,
        connection: &mut SqliteConnection,
        quarter: i64,
    ) -> Result<(), StoreError> {
        if self.noted.len() >= REMEMBERED {
            self.noted.clear();
        }
        if !self.noted.insert(floor(quarter, HOUR)) {
            return Ok(());
        }
        for quarters in [HOUR, DAY] {
            for statement in [
                "INSERT OR IGNORE INTO unpacked (quarters, first_quarter) VALUES (?, ?)",
                "DELETE FROM rollup_packs WHERE quarters = ? AND first_quarter = ?",
            ] {
                sqlx::query(statement).bind(quarters).bind(floor(quarter, quarters)).execute(&mut *connection).await?;
            }
        }
        forget_day(connection, floor(quarter, DAY)).await
    }

    /// The transaction was undone, so nothing is known any more.
    pub(super) fn forget(&mut self) {
        self.noted.clear();
    }

    /// Packs the oldest hour, else the oldest day, that is over; false when there is none.
    pub(super) async fn pack_one(&mut self, writer: &SqlitePool, now: Timestamp) -> Result<bool, StoreError> {
        let over = (now.unix_us - GRACE_US).div_euclid(QUARTER_US);
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
        // A day is made of its hours, so it comes when none of them is left.
        let found: Option<(i64, i64)> = sqlx::query_as(
            "SELECT quarters, first_quarter FROM unpacked AS period
             WHERE first_quarter + quarters <= ? AND (quarters = 4 OR NOT EXISTS (
                 SELECT 1 FROM unpacked AS hour WHERE hour.quarters = 4
                 AND hour.first_quarter >= period.first_quarter AND hour.first_quarter < period.first_quarter + 96))
             ORDER BY quarters, first_quarter LIMIT 1",
        )
        .bind(over)
        .fetch_optional(&mut *transaction)
        .await?;
        let Some((quarters, first)) = found else { return Ok(false) };
        let sums = if quarters == HOUR {
            sums_of_rows(&mut transaction, first).await?
        } else {
            sums_of_packs(&mut transaction, first).await?
        };
        // A row of a number that never was, so that readers who keep what they read see that it is another.
        sqlx::query(
            "INSERT OR REPLACE INTO rollup_packs (rowid, quarters, first_quarter, entries)
             VALUES (random() & 0x7fffffffffffffff, ?, ?, ?)",
        )
        .bind(quarters)
        .bind(first)
        .bind(write(&sums))
        .execute(&mut *transaction)
        .await?;
        if quarters == DAY {
            write_day(&mut transaction, first, &sums).await?;
        }
        sqlx::query("DELETE FROM unpacked WHERE quarters = ? AND first_quarter = ?")
            .bind(quarters)
            .bind(first)
            .execute(&mut *transaction)
            .await?;
        // Forgotten first: a change of a packed hour must be noted, one of an unpacked hour may be noted twice.
        self.noted.remove(&first);
        transaction.commit().await?;
        Ok(true)
    }
}

/// The first quarter of the period of so many quarters that `quarter` lies in.
pub(super) const fn floor(quarter: i64, quarters: i64) -> i64 {
    quarter.saturating_sub(quarter.rem_euclid(quarters))
}

/// One dimension's share of a pack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'pack> {
    /// Its row of `dimensions`.
    pub(super) dimension: i64,
    payload: &'pack [u8],
}

/// A share of a pack, read.
#[derive(Debug)]
pub(super) struct Share<'pack> {
    /// The sums.
    pub(super) sums: Sums,
    /// The histogram of latencies, stored form.
    pub(super) latency: &'pack [u8],
    /// The histogram of times to first token, stored form.
    pub(super) ttft: &'pack [u8],
}

/// The shares of a pack, the last one `Err` when the bytes are not one.
pub(super) fn entries(mut pack: &[u8]) -> impl Iterator<Item = Result<Entry<'_>, StoreError>> {
    std::iter::from_fn(move || {
        if pack.is_empty() {
            return None;
        }
        let entry = take_entry(&mut pack);
        if entry.is_none() {
            pack = &[];
        }
        Some(entry.ok_or(DAMAGED))
    })
}

const DAMAGED: StoreError = StoreError::Corrupt { what: "a pack of sums" };

fn take_entry<'pack>(pack: &mut &'pack [u8]) -> Option<Entry<'pack>> {
    let dimension = take_number(pack)?.cast_signed();
    Some(Entry { dimension, payload: take_bytes(pack)? })
}

impl<'pack> Entry<'pack> {
    /// Reads the share.
    pub(super) fn read(self) -> Result<Share<'pack>, StoreError> {
        let mut bytes = self.payload;
        let mut sums: Sums = [0; MEASURES.len()];
        for sum in &mut sums {
            *sum = unfold(take_number(&mut bytes).ok_or(DAMAGED)?);
        }
        let latency = take_bytes(&mut bytes).ok_or(DAMAGED)?;
        Ok(Share { sums, latency, ttft: bytes })
    }
}

/// The stored form: per dimension its id, the length of the rest, the sums, and both histograms.
pub(super) fn write(sums: &BTreeMap<i64, Addition>) -> Vec<u8> {
    let mut pack = Vec::with_capacity(sums.len() * 256);
    for (dimension, addition) in sums {
        let mut payload = Vec::with_capacity(256);
        addition.sums.iter().for_each(|sum| push_number(&mut payload, fold(*sum)));
        let latency = addition.latency.to_bytes();
        push_number(&mut payload, latency.len() as u64);
        payload.extend(latency);
        payload.extend(addition.ttft.to_bytes());
        push_number(&mut pack, dimension.cast_unsigned());
        push_number(&mut pack, payload.len() as u64);
        pack.extend(payload);
    }
    pack
}

fn take_bytes<'pack>(bytes: &mut &'pack [u8]) -> Option<&'pack [u8]> {
    let length = usize::try_from(take_number(bytes)?).ok()?;
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

/// Small numbers of either sign become small numbers.
const fn fold(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

const fn unfold(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// Writes the sums of a day as rows, for questions.
async fn write_day(
    connection: &mut SqliteConnection,
    first: i64,
    sums: &BTreeMap<i64, Addition>,
) -> Result<(), StoreError> {
    forget_day(connection, first).await?;
    let places = vec!["?"; 4 + MEASURES.len()].join(", ");
    let statement = format!("INSERT INTO rollup_days ({}) VALUES ({places})", row_columns());
    for (dimension, addition) in sums {
        // Made of constants; every value is bound.
        let mut query = sqlx::query(sqlx::AssertSqlSafe(statement.clone()))
            .bind(first)
            .bind(dimension)
            .bind(addition.latency.to_bytes())
            .bind(addition.ttft.to_bytes());
        for sum in addition.sums {
            query = query.bind(sum);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Deletes the rows of a day.
async fn forget_day(connection: &mut SqliteConnection, first: i64) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM rollup_days WHERE quarter = ?").bind(first).execute(connection).await?;
    Ok(())
}

/// The columns of a row of `rollups` as [`read_row`] takes them.
pub(super) fn row_columns() -> String {
    format!("quarter, dimension_id, latency_histogram, ttft_histogram, {}", MEASURES.join(", "))
}

/// Quarter, dimension and sums of a row of [`row_columns`].
pub(super) fn read_row(row: &SqliteRow) -> Result<(i64, i64, Share<'_>), StoreError> {
    let mut sums: Sums = [0; MEASURES.len()];
    for (place, sum) in sums.iter_mut().enumerate() {
        *sum = row.try_get(4 + place)?;
    }
    Ok((row.try_get(0)?, row.try_get(1)?, Share { sums, latency: row.try_get(2)?, ttft: row.try_get(3)? }))
}

async fn sums_of_rows(connection: &mut SqliteConnection, first: i64) -> Result<BTreeMap<i64, Addition>, StoreError> {
    let mut sums = BTreeMap::<i64, Addition>::new();
    let statement = format!("SELECT {} FROM rollups WHERE quarter >= ? AND quarter < ?", row_columns());
    // Made of constants; every value is bound.
    let query = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(first).bind(first + HOUR);
    for row in query.fetch_all(connection).await? {
        let (_, dimension, share) = read_row(&row)?;
        add(sums.entry(dimension).or_default(), &share)?;
    }
    Ok(sums)
}

async fn sums_of_packs(connection: &mut SqliteConnection, first: i64) -> Result<BTreeMap<i64, Addition>, StoreError> {
    let mut sums = BTreeMap::<i64, Addition>::new();
    let packs: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT entries FROM rollup_packs WHERE quarters = 4 AND first_quarter >= ? AND first_quarter < ?",
    )
    .bind(first)
    .bind(first + DAY)
    .fetch_all(connection)
    .await?;
    for pack in &packs {
        add_pack(&mut sums, pack)?;
    }
    Ok(sums)
}

/// Adds the shares of a pack.
pub(super) fn add_pack(sums: &mut BTreeMap<i64, Addition>, pack: &[u8]) -> Result<(), StoreError> {
    for entry in entries(pack) {
        let entry = entry?;
        add(sums.entry(entry.dimension).or_default(), &entry.read()?)?;
    }
    Ok(())
}

fn add(addition: &mut Addition, share: &Share<'_>) -> Result<(), StoreError> {
    for (sum, value) in addition.sums.iter_mut().zip(share.sums) {
        *sum = sum.saturating_add(value);
    }
    merge(&mut addition.latency, share.latency)?;
    merge(&mut addition.ttft, share.ttft)
}

/// Adds the counts of a stored histogram.
pub(super) fn merge(histogram: &mut Histogram, stored: &[u8]) -> Result<(), StoreError> {
    histogram.merge_bytes(stored).ok_or(StoreError::Corrupt { what: "a histogram" })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sqlx::Executor as _;

    use super::*;
    use crate::store::file::{Database, File};

    /// Requests and their cost by dimension, in quarters from `first` on, of a table.
    async fn summed(pool: &SqlitePool, table: &str, first: i64) -> Vec<(i64, i64, i64)> {
        let sql = format!(
            "SELECT dimension_id, sum(requests), sum(cost_microcents) FROM {table} WHERE quarter >= {first}
             AND quarter < {first} + 96 GROUP BY 1 ORDER BY 1"
        );
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(pool).await.unwrap()
    }

    #[tokio::test]
    async fn days_stand_as_rows_until_they_change() {
        let directory = tempfile::tempdir().unwrap();
        let usage = Database::open(directory.path(), File::Usage, 1).await.unwrap();
        let pool = &usage.writer;
        pool.execute(
            "INSERT INTO dimensions SELECT n, 'p' || n, '', '', '', '', '', '', '', '', '', '', 0, '', '', 0
             FROM (SELECT 1 AS n UNION ALL SELECT 2)",
        )
        .await
        .unwrap();
        let (monday, tuesday) = (96 * 20_000, 96 * 20_001);
        let mut packer = Packer::default();
        let mut connection = pool.acquire().await.unwrap();
        let count = async |connection: &mut SqliteConnection, packer: &mut Packer, quarter: i64, dimension: i64| {
            packer.note_change(&mut *connection, quarter).await.unwrap();
            let zeros = vec!["0"; MEASURES.len() - 1].join(", ");
            let empty = "x''";
            let insert = format!(
                "INSERT INTO rollups ({}) VALUES ({quarter}, {dimension}, {empty}, {empty}, {quarter} - 1919999, {zeros})",
                row_columns()
            );
            connection.execute(sqlx::AssertSqlSafe(insert)).await.unwrap();
        };
        for (quarter, dimension) in [(monday, 1), (monday + 1, 1), (monday + 95, 2), (tuesday, 1)] {
            count(&mut connection, &mut packer, quarter, dimension).await;
        }
        drop(connection);
        let later = Timestamp { unix_us: (tuesday + 200) * QUARTER_US };
        while packer.pack_one(pool, later).await.unwrap() {}
        for day in [monday, tuesday] {
            let rows = summed(pool, "rollup_days", day).await;
            assert!(!rows.is_empty());
            assert_eq!(rows, summed(pool, "rollups", day).await);
        }
        // A late record: its day is not told by a sum that lacks it.
        count(&mut *pool.acquire().await.unwrap(), &mut packer, monday + 50, 2).await;
        assert_eq!(summed(pool, "rollup_days", monday).await, []);
        assert_eq!(summed(pool, "rollup_days", tuesday).await, summed(pool, "rollups", tuesday).await);
        while packer.pack_one(pool, later).await.unwrap() {}
        assert_eq!(summed(pool, "rollup_days", monday).await, summed(pool, "rollups", monday).await);
    }

    proptest! {
        #[test]
        fn a_pack_comes_back_as_it_was(
            dimensions in prop::collection::btree_map(0..i64::MAX, (any::<i64>(), 0..u64::MAX), 0..20),
        ) {
            let sums: BTreeMap<i64, Addition> = dimensions
                .into_iter()
                .map(|(dimension, (money, latency))| {
                    let mut addition = Addition { sums: [money; MEASURES.len()], ..Addition::default() };
                    addition.latency.record(latency);
                    (dimension, addition)
                })
                .collect();
            let pack = write(&sums);
            let mut back = BTreeMap::<i64, Addition>::new();
            for entry in entries(&pack) {
                let entry = entry.unwrap();
                add(back.entry(entry.dimension).or_default(), &entry.read().unwrap()).unwrap();
            }
            prop_assert_eq!(format!("{back:?}"), format!("{sums:?}"));
        }

        #[test]
        fn torn_packs_are_an_error_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for entry in entries(&bytes).flatten() {
                let _ = entry.read();
            }
        }
    }
}
