//! No list reads more than its page needs: counted in SQLite's own steps, so that no clock is asked.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use sqlx::{
    AssertSqlSafe, Executor as _, Row as _, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use super::{
    super::{Cursor, Dimension, History, Measure, RecordFilter},
    Path, WINDOW, Walk,
};
use crate::domain::{Api, CacheState, Endpoint, ErrorKind, Outcome, Timestamp};

/// Steps of SQLite's machine between two counts.
const STEPS: i32 = 100;

/// A history whose reader counts its steps.
struct Counted {
    history: History,
    pool: SqlitePool,
    hundreds: Arc<AtomicU64>,
    _directory: tempfile::TempDir,
}

/// `count` records a second apart. The oldest three share one dimension, session, model and tag that no other has;
/// all others are spread over thirty dimensions, three sessions, three models and three tags.
async fn filled(count: i64) -> Counted {
    let directory = tempfile::tempdir().unwrap();
    super::super::super::file::migrate(directory.path(), super::super::super::file::File::Usage).await.unwrap();
    let options = SqliteConnectOptions::new().filename(directory.path().join("usage.db"));
    let hundreds = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&hundreds);
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .after_connect(move |connection, _| {
            let counter = Arc::clone(&counter);
            Box::pin(async move {
                let count = move || {
                    counter.fetch_add(1, Relaxed);
                    true
                };
                connection.lock_handle().await?.set_progress_handler(STEPS, count);
                Ok(())
            })
        })
        .connect_with(options)
        .await
        .unwrap();
    let value = |column: &str| format!("iif(n = 31, 'rare', '{column}' || (n % 5))");
    let texts = ["project", "source", "team", "key", "profile", "provider", "model"].map(value).join(", ");
    pool.execute(AssertSqlSafe(format!(
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 31)
         INSERT INTO dimensions SELECT n, {texts}, iif(n = 31, 'gemini', 'openai_chat'),
             iif(n = 31, 'gemini_generate', 'chat_completions'), iif(n = 31, 'refused', iif(n % 3, 'ok', 'error')),
             iif(n = 31, 'authentication', iif(n % 3, '', 'upstream_error')), n = 31, iif(n = 31, 'hit', 'bypass'),
             iif(n = 31, 'gemini', 'openai_chat'), iif(n = 31, 401, 200 + n) FROM c"
    )))
    .await
    .unwrap();
    let value = |column: &str| format!("iif(n <= 3, 'rare', '{column}' || (n % 3))");
    let (session, model) = (value("session"), value("asked"));
    pool.execute(AssertSqlSafe(format!(
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {count})
         INSERT INTO records (seq, id, started_at, session_id, model_requested, dimension_id, client_api, endpoint,
             stream, outcome, attempts, cache, latency_us, usage_estimated, findings, request_bytes, response_bytes, tags)
         SELECT n, unhex(printf('0189000000007000800000%010x', n)), n * 1000000, {session}, {model},
             iif(n <= 3, 31, 1 + n % 30), 'openai_chat', 'chat_completions', 0, 'ok', 0, 'bypass', 1, 0,
             iif(n <= 3, 2, 0), 0, 0, NULL FROM c",
    )))
    .await
    .unwrap();
    let tag = value("tag");
    pool.execute(AssertSqlSafe(format!(
        "INSERT INTO record_tags SELECT 'k', {}, started_at, seq, dimension_id FROM records",
        tag.replace("n ", "seq ")
    )))
    .await
    .unwrap();
    let kind = value("kind");
    pool.execute(AssertSqlSafe(format!(
        "INSERT INTO finding_kinds SELECT {}, started_at, seq, dimension_id FROM records",
        kind.replace("n ", "seq ")
    )))
    .await
    .unwrap();
    Counted { history: History::new(pool.clone()), pool, hundreds, _directory: directory }
}

/// Which values: those that many records have, those of the oldest three, or those of none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Frequent,
    Rare,
    Absent,
}

const KINDS: [Kind; 3] = [Kind::Frequent, Kind::Rare, Kind::Absent];
const FIELDS: usize = 22;

/// Sets one field of the filter; the first two have a path of their own, with the tags.
fn set(filter: &mut RecordFilter, field: usize, kind: Kind) {
    let text = |prefix: &str| {
        Some(match kind {
            Kind::Frequent => format!("{prefix}1"),
            Kind::Rare => "rare".to_owned(),
            Kind::Absent => "nothing".to_owned(),
        })
    };
    fn pick<T>(kind: Kind, values: [T; 3]) -> Option<T> {
        values.into_iter().nth(kind as usize)
    }
    match field {
        0 => filter.session_id = text("session"),
        1 => filter.model_requested = text("asked"),
        2 => filter.tags = vec![("k".to_owned(), text("tag").unwrap())],
        3 => filter.project = text("project"),
        4 => filter.source = text("source"),
        5 => filter.team = text("team"),
        6 => filter.key_id = text("key"),
        7 => filter.profile = text("profile"),
        8 => filter.provider = text("provider"),
        9 => filter.model = text("model"),
        10 => filter.client_api = pick(kind, [Api::OpenaiChat, Api::Gemini, Api::Anthropic]),
        11 => filter.provider_api = pick(kind, [Api::OpenaiChat, Api::Gemini, Api::Anthropic]),
        12 => filter.outcome = pick(kind, [Outcome::Ok, Outcome::Refused, Outcome::ClientDisconnected]),
        13 => {
            filter.error_kind = pick(kind, [ErrorKind::UpstreamError, ErrorKind::Authentication, ErrorKind::Internal])
        }
        14 => filter.status = pick(kind, [201, 401, 599]),
        15 => filter.stream = pick(kind, [false, true, true]),
        16 => filter.cache = pick(kind, [CacheState::Bypass, CacheState::Hit, CacheState::Miss]),
        17 => filter.endpoint = pick(kind, [Endpoint::ChatCompletions, Endpoint::Messages, Endpoint::Responses]),
        18 => filter.findings = Some(kind != Kind::Frequent),
        19 => filter.finding_kind = text("kind"),
        20 => filter.exclude = vec![(Dimension::Project, text("project").unwrap())],
        _ => {
            let outcome = pick(kind, ["refused", "error", "client_disconnected"]).unwrap();
            filter.exclude = vec![(Dimension::Outcome, outcome.to_owned()), (Dimension::Source, "source1".to_owned())];
        }
    }
}

/// Every filter alone and every pair, with values of every kind.
fn filters() -> Vec<RecordFilter> {
    let mut filters = vec![RecordFilter::default()];
    for first in 0..FIELDS {
        for kind in KINDS {
            let mut one = RecordFilter::default();
            set(&mut one, first, kind);
            filters.push(one.clone());
            // What holds for a pair of dimensions holds for every other.
            for second in if first < 5 { first + 1..FIELDS } else { 0..0 } {
                for other in KINDS {
                    // Many records of a session, tag or model, and many of the other filter, but never the same:
                    // the one case in which a list may have to be walked far.
                    if first <= 2 && kind == Kind::Frequent && other == Kind::Frequent {
                        continue;
                    }
                    let mut pair = one.clone();
                    set(&mut pair, second, other);
                    filters.push(pair);
                }
            }
        }
    }
    filters
}

impl Counted {
    async fn steps(&self, filter: &RecordFilter, after: Option<Cursor>) -> (u64, Vec<i64>) {
        let before = self.hundreds.load(Relaxed);
        let page = self.history.records(filter, after, 50).await.unwrap();
        let steps = (self.hundreds.load(Relaxed) - before) * STEPS.unsigned_abs() as u64;
        (steps, page.records.iter().map(|stored| stored.seq).collect())
    }
}

#[tokio::test]
async fn a_page_costs_the_same_among_four_times_as_many_records() {
    let (few, many) = (filled(16_000).await, filled(64_000).await);
    for filter in filters() {
        let (cost_of_few, found) = few.steps(&filter, None).await;
        let (cost_of_many, found_in_many) = many.steps(&filter, None).await;
        // A walk along the whole window and a page of fifty records, twice over.
        let most = u64::try_from(WINDOW).unwrap() * 60;
        assert!(cost_of_many < most, "{cost_of_many} steps for {filter:?}");
        assert!(cost_of_many < 2 * cost_of_few + 20_000, "{cost_of_few} became {cost_of_many} steps for {filter:?}");
        assert_eq!(found.is_empty(), found_in_many.is_empty(), "{filter:?}");
    }
}

#[tokio::test]
async fn records_without_a_session_are_found_though_the_index_of_sessions_does_not_know_them() {
    let all = filled(3_000).await;
    all.pool.execute("UPDATE records SET session_id = NULL WHERE seq % 5 = 0").await.unwrap();
    let without = RecordFilter { session_id: Some(String::new()), ..RecordFilter::default() };
    let tagged = RecordFilter { tags: vec![("k".to_owned(), "tag1".to_owned())], ..without.clone() };
    let of_project = RecordFilter { project: Some("project1".to_owned()), ..without.clone() };
    let all_of = |fits: fn(i64) -> bool| (1..=3_000).rev().filter(move |seq| seq % 5 == 0 && fits(*seq)).take(50);
    for (filter, expected) in [
        (without, all_of(|_| true).collect::<Vec<i64>>()),
        (tagged, all_of(|seq| seq % 3 == 1).collect()),
        // The dimension is 1 + seq % 30, the project dimension % 5.
        (of_project, all_of(|seq| (1 + seq % 30) % 5 == 1).collect()),
    ] {
        let (_, found) = all.steps(&filter, None).await;
        assert_eq!(found, expected, "{filter:?}");
        assert!(!found.is_empty());
    }
}

#[tokio::test]
async fn every_filter_finds_what_a_look_at_every_record_finds() {
    let all = filled(6_000).await;
    let rows = sqlx::query(
        "SELECT r.seq, r.session_id, r.model_requested, r.findings, tag.value AS tag, found.kind, d.* FROM records AS r
         JOIN dimensions AS d ON d.id = r.dimension_id JOIN record_tags AS tag ON tag.seq = r.seq
         JOIN finding_kinds AS found ON found.seq = r.seq
         ORDER BY r.started_at DESC, r.seq DESC",
    )
    .fetch_all(&all.pool)
    .await
    .unwrap();
    for filter in filters() {
        let fits = |row: &&sqlx::sqlite::SqliteRow| {
            let text =
                |column: &str, wanted: Option<&str>| wanted.is_none_or(|wanted| row.get::<&str, _>(column) == wanted);
            let number =
                |column: &str, wanted: Option<i64>| wanted.is_none_or(|wanted| row.get::<i64, _>(column) == wanted);
            text("session_id", filter.session_id.as_deref())
                && text("model_requested", filter.model_requested.as_deref())
                && text("tag", filter.tags.first().map(|(_, value)| value.as_str()))
                && text("kind", filter.finding_kind.as_deref())
                && number("findings", filter.findings.map(|any| if any { 2 } else { 0 }))
                && text("project", filter.project.as_deref())
                && text("source", filter.source.as_deref())
                && text("team", filter.team.as_deref())
                && text("key_id", filter.key_id.as_deref())
                && text("profile", filter.profile.as_deref())
                && text("provider", filter.provider.as_deref())
                && text("model", filter.model.as_deref())
                && text("client_api", filter.client_api.map(Api::as_str))
                && text("provider_api", filter.provider_api.map(Api::as_str))
                && text("endpoint", filter.endpoint.map(Endpoint::as_str))
                && text("outcome", filter.outcome.map(Outcome::as_str))
                && text("error_kind", filter.error_kind.map(ErrorKind::as_str))
                && text("cache", filter.cache.map(CacheState::as_str))
                && number("status", filter.status.map(i64::from))
                && number("stream", filter.stream.map(i64::from))
                && filter.exclude.iter().all(|(dimension, value)| row.get::<&str, _>(dimension.as_str()) != value)
        };
        let expected: Vec<i64> = rows.iter().filter(fits).map(|row| row.get("seq")).collect();
        let (mut found, mut after) = (Vec::new(), None);
        // Two pages are enough to see that they join.
        for _ in 0..2 {
            let page = all.history.records(&filter, after, 30).await.unwrap();
            found.extend(page.records.iter().map(|stored| stored.seq));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, expected[..found.len()], "{filter:?}");
        assert_eq!(found.len(), expected.len().min(60), "{filter:?}");
    }
}

#[tokio::test]
async fn every_query_uses_an_index() {
    let all = filled(100).await;
    let time = RecordFilter {
        from: Some(Timestamp { unix_us: 5 }),
        to: Some(Timestamp { unix_us: 50_000_000 }),
        ..RecordFilter::default()
    };
    for mut filter in filters().into_iter().chain([time.clone()]) {
        for (from, to) in [(None, None), (time.from, time.to)] {
            (filter.from, filter.to) = (from, to);
            for after in [None, Some(Cursor { value: 30_000_000, seq: 30 })] {
                let walk = Walk { filter: &filter, after, limit: 51 };
                for path in walk.paths().into_iter().chain([Path::All]) {
                    let queries = [0, WINDOW].into_iter().flat_map(|length| walk.queries(path, length));
                    let sorted = walk.largest(path, Measure::Latency, after);
                    for query in queries.chain([walk.length(path), walk.count(path, 1_000), sorted]) {
                        let plan = format!("EXPLAIN QUERY PLAN {}", query.sql().as_str());
                        for row in sqlx::query(AssertSqlSafe(plan)).fetch_all(&all.pool).await.unwrap() {
                            let step: &str = row.get("detail");
                            let table = step.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
                            // A path is walked in its order and to its bound; what is small or made for the query
                            // may be read whole.
                            let is_fine = match table {
                                Some("entry") => {
                                    step.contains("USING COVERING INDEX records_started_at")
                                        || step.contains("INDEX records_findings")
                                }
                                Some(table) => matches!(
                                    table,
                                    "d" | "top"
                                        | "fitting"
                                        | "newest"
                                        | "(subquery-3)"
                                        | "(subquery-2)"
                                        | "(subquery-1)"
                                ),
                                None => true,
                            };
                            assert!(is_fine, "{step} for {filter:?} along {path:?}: {}", query.sql().as_str());
                        }
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn the_largest_come_first_page_by_page() {
    let all = filled(3_000).await;
    sqlx::query("UPDATE records SET latency_us = (seq * 7919) % 1000, cost_microcents = iif(seq % 3, seq % 100, NULL)")
        .execute(&all.pool)
        .await
        .unwrap();
    let session = RecordFilter { session_id: Some("session1".to_owned()), ..RecordFilter::default() };
    let excluded =
        RecordFilter { exclude: vec![(Dimension::Project, "project1".to_owned())], ..RecordFilter::default() };
    let window = RecordFilter { from: Some(Timestamp { unix_us: 500_000_000 }), ..RecordFilter::default() };
    for (filter, condition) in [
        (RecordFilter::default(), "true"),
        (session, "session_id = 'session1'"),
        (excluded, "dimension_id IN (SELECT id FROM dimensions WHERE project <> 'project1')"),
        (window, "started_at >= 500000000"),
    ] {
        for (measure, column) in [(Measure::Latency, "latency_us"), (Measure::Cost, "cost_microcents")] {
            let sql = format!(
                "SELECT seq FROM records WHERE {condition} AND {column} IS NOT NULL ORDER BY {column} DESC, seq DESC"
            );
            let expected: Vec<i64> = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&all.pool).await.unwrap();
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = all.history.largest(&filter, measure, after, 700).await.unwrap().unwrap();
                found.extend(page.records.iter().map(|stored| stored.seq));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(found, expected, "{filter:?} by {measure:?}");
        }
    }
}
