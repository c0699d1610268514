//! The store keeps what it is given: every field, once, in private files, with no secret in the clear.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::Arc,
    time::Duration,
};

use futures_util::TryStreamExt as _;
use llm_gateway::{
    config::{
        BudgetTerms, LimitSet, PriceOverride, Provider, ProviderKey, ProviderOrigin, ProviderTimeouts, ProviderType,
        SanitizationOverride, Storage,
    },
    domain::{
        Action, Api, Attempt, CacheState, Category, Direction, Endpoint, ErrorKind, Finding, KeyHash, Microcents,
        Outcome, Record, RecordId, Secret, Timestamp, Usage, VirtualKey,
    },
    store::{
        self, Actor, Aggregate, Credential, Dimension, KeyFields, RecordFilter, SeenKind, StatsFilter, Store,
        StoreError, Width,
    },
};
use proptest::prelude::*;
use tempfile::TempDir;

const MASTER_KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const OTHER_MASTER_KEY: &str = "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const PROVIDER_KEY: &str = "sk-test-canary-provider-key";

pub(crate) fn storage(path: &Path, master_key: Option<&str>) -> Storage {
    Storage {
        path: path.to_owned(),
        master_key: master_key.map(Secret::new),
        retention_days: None,
        spool_wait: Duration::from_millis(20),
        low_disk_bytes: 0,
        ballast_bytes: 1024 * 1024,
    }
}

pub(crate) async fn fresh() -> (TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = store::open(&storage(&directory.path().join("data"), None)).await.unwrap();
    (directory, store)
}

pub(crate) fn text(value: &str) -> Option<Arc<str>> {
    Some(Arc::from(value))
}

/// A record that sets every field to something of its own.
fn full_record() -> Record {
    let usage = Usage {
        input: Some(1),
        cache_read: Some(2),
        cache_write_5m: Some(3),
        cache_write_1h: Some(4),
        input_audio: Some(5),
        cache_read_audio: Some(6),
        input_image: Some(7),
        output: Some(8),
        reasoning: Some(9),
        output_audio: Some(10),
        output_image: Some(11),
        estimated: true,
    };
    Record {
        id: RecordId::new(),
        started_at: Timestamp { unix_us: 1_790_000_000_123_456 },
        project: text("atlas"),
        source: text("ci's \"bot\"; DROP TABLE records; --"),
        team: text("search"),
        key_id: text("key_1"),
        key_label: text("Ünïcode"),
        profile: text("quality"),
        session_id: text("session-1"),
        tags: vec![("b".into(), "2".into()), ("a".into(), "1\"\\".into())],
        client_api: Api::Anthropic,
        endpoint: Endpoint::Messages,
        model_requested: text("claude"),
        provider: text("anthropic"),
        model: text("claude-sonnet-4-5"),
        provider_api: Some(Api::Anthropic),
        stream: true,
        status: Some(200),
        outcome: Outcome::Error,
        error_kind: Some(ErrorKind::UpstreamTimeout),
        finish_reason: text("end_turn"),
        provider_request_id: text("req_1"),
        cache: CacheState::Miss,
        latency_us: 1_234_567,
        ttft_us: Some(234_567),
        usage,
        cost: Some(Microcents(987_654_321)),
        cost_unknown_reason: Some("no_price"),
        price_version: text("2026-11-01"),
        provider_cost: Some(Microcents(5)),
        saved: Some(Microcents(6)),
        findings: vec![found(Direction::Request, "EMAIL", 2), found(Direction::Response, "TICKET", 1)],
        budget_marks: Vec::new(),
        plugin_failures: Vec::new(),
        request_bytes: 1_000,
        response_bytes: 2_000,
        attempts: vec![attempt("first", None, None), attempt("second", Some(200), Some(Microcents(9)))],
        route: Some([1, 2, 3].into()),
    }
}

pub(crate) fn found(direction: Direction, kind: &str, count: u32) -> Finding {
    Finding {
        direction,
        rule: kind.to_lowercase().into(),
        kind: kind.into(),
        category: Category::Pii,
        place: "messages[2].content".into(),
        action: Action::Redact,
        count,
    }
}

pub(crate) fn attempt(provider: &str, status: Option<u16>, cost: Option<Microcents>) -> Attempt {
    Attempt {
        provider: provider.into(),
        model: text("m"),
        provider_api: Api::OpenaiChat,
        started_at: Timestamp { unix_us: 1_790_000_000_200_000 },
        latency_us: 42,
        ttft_us: status.map(|_| 7),
        status,
        outcome: if status.is_some() { Outcome::Ok } else { Outcome::Error },
        error_kind: status.is_none().then_some(ErrorKind::UpstreamConnect),
        provider_request_id: status.map(|_| "r".into()),
        usage: Usage { output: status.map(u64::from), ..Usage::default() },
        cost,
    }
}

/// A record that knows nothing but what it must.
pub(crate) fn bare_record() -> Record {
    let begun = Record::begun(Timestamp::now(), Endpoint::ChatCompletions);
    Record { outcome: Outcome::Ok, latency_us: 1, ..begun }
}

async fn all_records(store: &Store, filter: RecordFilter) -> Vec<store::StoredRecord> {
    store.history.export(filter).try_concat().await.unwrap()
}

#[tokio::test]
async fn a_record_comes_back_with_every_field() {
    let (_directory, store) = fresh().await;
    for record in [full_record(), bare_record()] {
        store.recorder.submit(record.clone());
        store.recorder.flush().await.unwrap();
        let found = store.history.record(record.id).await.unwrap().unwrap();
        let without_route = Record { route: None, ..record.clone() };
        assert_eq!(format!("{:#?}", found.record), format!("{without_route:#?}"), "its route is read by itself");
        assert_eq!(store.history.route(found.seq).await.unwrap().as_deref(), record.route.as_deref());
        assert_eq!(found.attempts as usize, record.attempts.len());
        assert_eq!(found.findings, record.finding_count());
    }
    assert!(store.history.record(RecordId::new()).await.unwrap().is_none());
}

#[tokio::test]
async fn unknown_stays_null_and_is_counted_as_unknown() {
    let (_directory, store) = fresh().await;
    let called = Record { attempts: vec![attempt("p", None, None)], ..bare_record() };
    let refused = Record { outcome: Outcome::Refused, ..bare_record() };
    let zero = Record {
        usage: Usage { input: Some(0), output: Some(0), ..Usage::default() },
        cost: Some(Microcents(0)),
        ..called.clone()
    };
    for record in [called, refused, Record { id: RecordId::new(), ..zero }] {
        store.recorder.submit(record);
    }
    store.recorder.flush().await.unwrap();
    let (total, _) = store.history.totals(&StatsFilter::default(), &[]).await.unwrap();
    assert_eq!((total.requests, total.unknown_usage, total.unknown_cost, total.refused), (3, 1, 1, 1));
}

#[tokio::test]
async fn ten_thousand_submits_land_once_each_and_close_waits_for_them() {
    let directory = tempfile::tempdir().unwrap();
    let storage = storage(directory.path(), None);
    let store = store::open(&storage).await.unwrap();
    let submit = |thread: usize| {
        let recorder = store.recorder.clone();
        move || {
            let record = |_| {
                let mut record = bare_record();
                record.project = text(if thread == 0 { "zero" } else { "other" });
                record.attempts.push(attempt("p", Some(200), None));
                record
            };
            (0..2_500).map(record).for_each(|record| recorder.submit(record));
        }
    };
    let threads: Vec<_> = (0..4).map(|thread| std::thread::spawn(submit(thread))).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    store.close().await.unwrap();
    assert_eq!(store.recorder.stats().written, 10_000);
    assert_eq!((store.recorder.stats().at_risk, store.recorder.stats().depth_bytes), (0, 0));

    store.recorder.submit(bare_record());
    assert_eq!(store.recorder.stats().dropped, 1, "what comes after the end is counted");

    let store = store::open(&storage).await.unwrap();
    let records = all_records(&store, RecordFilter::default()).await;
    let ids: BTreeSet<_> = records.iter().map(|stored| stored.record.id).collect();
    assert_eq!((records.len(), ids.len()), (10_000, 10_000));
    let (total, groups) = store.history.totals(&StatsFilter::default(), &[Dimension::Project]).await.unwrap();
    assert_eq!((total.requests, total.attempts, total.latency.count()), (10_000, 10_000, 10_000));
    assert_eq!(groups[0]["zero"].requests, 2_500);
}

#[tokio::test]
async fn one_bad_record_does_not_take_its_group_along() {
    let (_directory, store) = fresh().await;
    let twice = bare_record();
    for record in [bare_record(), twice.clone(), twice, bare_record()] {
        store.recorder.submit(record);
    }
    store.recorder.flush().await.unwrap();
    let stats = store.recorder.stats();
    assert_eq!((stats.written, stats.dropped, stats.at_risk), (3, 1, 0));
    let (total, _) = store.history.totals(&StatsFilter::default(), &[]).await.unwrap();
    assert_eq!((total.requests, total.latency.count()), (3, 3), "the failed one is in no sum");
}

#[tokio::test]
async fn committed_records_are_told_live_and_can_be_resumed() {
    let (_directory, store) = fresh().await;
    let mut live = store.recorder.live();
    (0..5).for_each(|_| store.recorder.submit(full_record()));
    let mut seqs = Vec::new();
    for _ in 0..5 {
        let told = tokio::time::timeout(Duration::from_secs(5), live.recv()).await.unwrap().unwrap();
        assert!(store.history.record(told.record.id).await.unwrap().is_some(), "told only when it is on disk");
        seqs.push(told.seq);
    }
    assert_eq!(seqs, [1, 2, 3, 4, 5]);
    let missed = store.history.records_since(3, 100).await.unwrap();
    assert_eq!(missed.iter().map(|stored| stored.seq).collect::<Vec<_>>(), [4, 5]);
}

#[tokio::test]
async fn pages_cover_every_record_once_while_others_arrive() {
    let (_directory, store) = fresh().await;
    let base = Timestamp::now().unix_us;
    let at = |offset: i64| Record {
        id: RecordId::new(),
        started_at: Timestamp { unix_us: base + offset },
        project: text("p"),
        ..bare_record()
    };
    // Three records share each moment, so the order must not rest on time alone.
    let before: BTreeSet<_> = (0..300)
        .map(|number| at(number / 3))
        .map(|record| {
            let id = record.id;
            store.recorder.submit(record);
            id
        })
        .collect();
    store.recorder.flush().await.unwrap();

    let filter = RecordFilter { project: Some("p".to_owned()), ..RecordFilter::default() };
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.history.records(&filter, cursor, 7).await.unwrap();
        let starts: Vec<_> = page.records.iter().map(|stored| stored.record.started_at).collect();
        assert!(starts.is_sorted_by(|left, right| left >= right), "newest first");
        seen.extend(page.records.iter().map(|stored| stored.record.id));
        // New ones arrive at the top, and late ones below the cursor.
        store.recorder.submit(at(1_000));
        store.recorder.submit(at(50));
        store.recorder.flush().await.unwrap();
        let Some(next) = page.next else { break };
        cursor = Some(store::Cursor::parse(&next.to_string()).unwrap());
    }
    let unique: BTreeSet<_> = seen.iter().copied().collect();
    assert_eq!(unique.len(), seen.len(), "no record twice");
    assert!(before.is_subset(&unique), "no record missed");
}

#[tokio::test]
async fn each_filter_finds_its_record_and_no_other() {
    let (_directory, store) = fresh().await;
    let full = full_record();
    store.recorder.submit(full.clone());
    store.recorder.submit(bare_record());
    store.recorder.flush().await.unwrap();
    let some = |value: &str| Some(value.to_owned());
    let none = RecordFilter::default();
    let filters = [
        RecordFilter { project: some("atlas"), ..none.clone() },
        RecordFilter { source: some("ci's \"bot\"; DROP TABLE records; --"), ..none.clone() },
        RecordFilter { team: some("search"), ..none.clone() },
        RecordFilter { key_id: some("key_1"), ..none.clone() },
        RecordFilter { profile: some("quality"), ..none.clone() },
        RecordFilter { session_id: some("session-1"), ..none.clone() },
        RecordFilter { provider: some("anthropic"), ..none.clone() },
        RecordFilter { model: some("claude-sonnet-4-5"), ..none.clone() },
        RecordFilter { model_requested: some("claude"), ..none.clone() },
        RecordFilter { client_api: Some(Api::Anthropic), ..none.clone() },
        RecordFilter { provider_api: Some(Api::Anthropic), ..none.clone() },
        RecordFilter { endpoint: Some(Endpoint::Messages), ..none.clone() },
        RecordFilter { outcome: Some(Outcome::Error), ..none.clone() },
        RecordFilter { error_kind: Some(ErrorKind::UpstreamTimeout), ..none.clone() },
        RecordFilter { status: Some(200), ..none.clone() },
        RecordFilter { stream: Some(true), ..none.clone() },
        RecordFilter { cache: Some(CacheState::Miss), ..none.clone() },
        RecordFilter { findings: Some(true), ..none.clone() },
        RecordFilter { finding_kind: some("TICKET"), ..none.clone() },
        RecordFilter { finding_kind: some("EMAIL"), findings: Some(true), team: some("search"), ..none.clone() },
        RecordFilter { findings: Some(true), session_id: some("session-1"), ..none.clone() },
        RecordFilter { tags: vec![("a".to_owned(), "1\"\\".to_owned())], ..none.clone() },
        RecordFilter {
            from: Some(full.started_at),
            to: Some(Timestamp { unix_us: full.started_at.unix_us + 1 }),
            ..none
        },
    ];
    for filter in filters {
        let found = all_records(&store, filter.clone()).await;
        assert_eq!(found.iter().map(|stored| stored.record.id).collect::<Vec<_>>(), [full.id], "{filter:?}");
    }
    let wrong = RecordFilter { tags: vec![("a".to_owned(), "2".to_owned())], ..RecordFilter::default() };
    assert!(all_records(&store, wrong).await.is_empty());
}

#[tokio::test]
async fn projects_and_requesters_are_there_once_seen_but_strangers_make_none() {
    let (_directory, store) = fresh().await;
    let at = |unix_us, project: &str| Record {
        id: RecordId::new(),
        started_at: Timestamp { unix_us },
        project: text(project),
        source: text("bot"),
        ..bare_record()
    };
    let stranger =
        Record { outcome: Outcome::Refused, error_kind: Some(ErrorKind::Authentication), ..at(9_000, "forged") };
    for record in [at(2_000, "a"), at(1_000, "a"), at(3_000, "b"), stranger] {
        store.recorder.submit(record);
    }
    store.recorder.flush().await.unwrap();
    let projects = store.history.seen(SeenKind::Project, None).await.unwrap();
    let facts: Vec<_> = projects
        .iter()
        .map(|seen| (seen.name.as_str(), seen.first_seen_at.unix_us, seen.last_seen_at.unix_us))
        .collect();
    assert_eq!(facts, [("b", 3_000, 3_000), ("a", 1_000, 2_000)]);
    let active = store.history.seen(SeenKind::Project, Some(Timestamp { unix_us: 2_500 })).await.unwrap();
    assert_eq!(active.len(), 1);
    assert_eq!(store.history.seen(SeenKind::Source, None).await.unwrap()[0].name, "bot");
}

#[tokio::test]
async fn old_records_go_and_their_sums_stay() {
    let directory = tempfile::tempdir().unwrap();
    let mut storage = storage(directory.path(), None);
    let store = store::open(&storage).await.unwrap();
    let old = Timestamp { unix_us: Timestamp::now().unix_us - 40 * 24 * 3_600 * 1_000_000 };
    for _ in 0..4_100 {
        let attempts = vec![attempt("p", None, None)];
        store.recorder.submit(Record { started_at: old, attempts, route: Some([1].into()), ..bare_record() });
    }
    let young = Record { route: Some([2].into()), ..bare_record() };
    store.recorder.submit(young.clone());
    store.close().await.unwrap();

    storage.retention_days = Some(30);
    let store = store::open(&storage).await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let left = all_records(&store, RecordFilter::default()).await;
        if left.len() == 1 {
            assert_eq!(left[0].record.id, young.id);
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{} left", left.len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let routes = store.history.routes(&(1..=4_101).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(routes, [(4_101, vec![2])], "and how they were routed goes with them");
    let (total, _) = store.history.totals(&StatsFilter::default(), &[]).await.unwrap();
    assert_eq!(total.requests, 4_101);
}

/// What is added up of closed hours and days is kept in memory.
#[tokio::test]
async fn sums_that_are_kept_follow_a_record_that_comes_late() {
    let (_directory, store) = fresh().await;
    let yesterday = Timestamp { unix_us: Timestamp::now().unix_us - 30 * 3_600 * 1_000_000 };
    let last_week = Timestamp { unix_us: Timestamp::now().unix_us - 7 * 24 * 3_600 * 1_000_000 };
    let filter = StatsFilter { project: Some("p".to_owned()), from: Some(last_week), ..StatsFilter::default() };
    for requests in 1..=3_u64 {
        let record = Record { started_at: yesterday, project: text("p"), latency_us: requests, ..bare_record() };
        store.recorder.submit(record);
        store.recorder.submit(Record { started_at: yesterday, project: text("other"), ..bare_record() });
        store.recorder.flush().await.unwrap();
        for is_packed in [false, true] {
            if is_packed {
                store.recorder.pack().await.unwrap();
            }
            // Read, and read again from what was kept.
            for _ in 0..2 {
                let (total, groups) = store.history.totals(&filter, &[Dimension::Project]).await.unwrap();
                assert_eq!((total.requests, total.latency.count()), (requests, requests), "{is_packed}");
                assert_eq!(groups[0]["p"], total);
                let periods = store.history.periods(&filter, None, Width::Day).await.unwrap();
                assert_eq!(periods.iter().map(|(.., sum)| sum.requests).sum::<u64>(), requests, "{is_packed}");
                let all = StatsFilter { project: None, ..filter.clone() };
                let periods = store.history.periods(&all, Some(Dimension::Project), Width::Day).await.unwrap();
                assert_eq!(periods.len(), 2);
                assert!(periods.iter().all(|(.., sum)| sum.requests == requests), "{periods:?}");
            }
        }
    }
}

fn any_record() -> impl Strategy<Value = Record> {
    let name = || prop_oneof![Just(None), Just(text("a")), Just(text("b"))];
    let count = || prop_oneof![Just(None), (0..100_000_u64).prop_map(Some)];
    let outcome =
        prop_oneof![Just(Outcome::Ok), Just(Outcome::Error), Just(Outcome::Refused), Just(Outcome::ClientDisconnected)];
    let usage = (count(), count(), count(), count(), count(), any::<bool>()).prop_map(
        |(input, cache_read, cache_write_5m, output, reasoning, estimated)| Usage {
            input,
            cache_read,
            cache_write_5m,
            output,
            reasoning,
            estimated,
            ..Usage::default()
        },
    );
    let names = (name(), name(), name(), name(), name());
    let numbers = (0..4_000_000_000_i64, 0..10_000_000_u64, count(), count(), 0..3_usize);
    (names, usage, numbers, outcome, any::<bool>()).prop_map(|(names, usage, numbers, outcome, stream)| {
        let (project, source, key_id, provider, model) = names;
        let (offset, latency_us, ttft_us, cost, attempts) = numbers;
        Record {
            id: RecordId::new(),
            started_at: Timestamp { unix_us: 1_790_000_000_000_000 + offset },
            project,
            source,
            key_id,
            provider,
            model,
            usage,
            latency_us,
            ttft_us,
            cost: cost.map(|cost| Microcents(cost.cast_signed())),
            outcome,
            stream,
            cache: if stream { CacheState::Hit } else { CacheState::Miss },
            request_bytes: latency_us / 3,
            attempts: vec![attempt("p", Some(200), None); attempts],
            ..bare_record()
        }
    })
}

/// Adds up in the plainest way what the roll-ups must say.
fn added_up<'a>(records: impl Iterator<Item = &'a Record>) -> Aggregate {
    let mut sum = Aggregate::default();
    for record in records {
        let is = |outcome| u64::from(record.outcome == outcome);
        let called = !record.attempts.is_empty();
        sum.requests += 1;
        sum.ok += is(Outcome::Ok);
        sum.errors += is(Outcome::Error);
        sum.refused += is(Outcome::Refused);
        sum.client_disconnected += is(Outcome::ClientDisconnected);
        sum.cache_hits += u64::from(record.cache == CacheState::Hit);
        sum.cache_misses += u64::from(record.cache == CacheState::Miss);
        sum.streams += u64::from(record.stream);
        sum.input_tokens += record.usage.input_tokens().unwrap_or(0);
        sum.cache_read_tokens += record.usage.cache_read_tokens().unwrap_or(0);
        sum.cache_write_tokens += record.usage.cache_write_tokens().unwrap_or(0);
        sum.output_tokens += record.usage.output_tokens().unwrap_or(0);
        sum.reasoning_tokens += record.usage.reasoning.unwrap_or(0);
        sum.unknown_input += u64::from(called && record.usage.input_tokens().is_none());
        sum.unknown_output += u64::from(called && record.usage.output_tokens().is_none());
        sum.unknown_usage += u64::from(called && record.usage.is_unknown());
        sum.estimated_usage += u64::from(record.usage.estimated);
        sum.cost_microcents += record.cost.map_or(0, |cost| cost.0);
        sum.unknown_cost += u64::from(called && record.cost.is_none());
        sum.attempts += record.attempts.len() as u64;
        sum.request_bytes += record.request_bytes;
        sum.latency_us += record.latency_us;
        sum.latency.record(record.latency_us);
        if let Some(ttft_us) = record.ttft_us {
            sum.ttft_us += ttft_us;
            sum.ttft_count += 1;
            sum.ttft.record(ttft_us);
        }
    }
    sum
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn roll_ups_say_what_the_raw_records_add_up_to(records in prop::collection::vec(any_record(), 1..400)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let directory = tempfile::tempdir().unwrap();
            let storage = storage(directory.path(), None);
            // In three sittings, so that sums and histograms are added to by a writer that knows nothing of them.
            for part in records.chunks(records.len().div_ceil(3)) {
                let store = store::open(&storage).await.unwrap();
                part.iter().for_each(|record| store.recorder.submit(record.clone()));
                store.close().await.unwrap();
            }
            let store = store::open(&storage).await.unwrap();
            store.recorder.pack().await.unwrap();
            let dimensions = [Dimension::Project, Dimension::Stream];
            let (total, groups) = store.history.totals(&StatsFilter::default(), &dimensions).await.unwrap();
            assert_eq!(total, added_up(records.iter()));
            let mut expected: BTreeMap<String, Vec<&Record>> = BTreeMap::new();
            for record in &records {
                expected.entry(record.project.as_deref().unwrap_or("").to_owned()).or_default().push(record);
            }
            let expected: BTreeMap<_, _> =
                expected.into_iter().map(|(name, group)| (name, added_up(group.into_iter()))).collect();
            assert_eq!(&groups[0], &expected);
            assert_eq!(groups[1].values().map(|sum| sum.requests).sum::<u64>(), records.len() as u64);

            let mut by_quarter: BTreeMap<(i64, String), Vec<&Record>> = BTreeMap::new();
            for record in records.iter().filter(|record| record.outcome == Outcome::Ok) {
                let quarter = record.started_at.unix_secs().div_euclid(900) * 900;
                by_quarter.entry((quarter, record.model.as_deref().unwrap_or("").to_owned())).or_default().push(record);
            }
            let filter = StatsFilter { outcome: Some(Outcome::Ok), ..StatsFilter::default() };
            let quarters = store.history.periods(&filter, Some(Dimension::Model), Width::Quarter).await.unwrap();
            let expected: Vec<_> =
                by_quarter.into_iter().map(|((at, name), group)| (at, name, added_up(group.into_iter()))).collect();
            assert_eq!(quarters, expected);
            for width in [Width::Hour, Width::Day] {
                let mut wide: BTreeMap<(i64, String), Aggregate> = BTreeMap::new();
                for (at, name, sum) in store.history.periods(&filter, Some(Dimension::Model), width).await.unwrap() {
                    let secs = if width == Width::Hour { 3_600 } else { 86_400 };
                    wide.entry((at.div_euclid(secs) * secs, name)).or_default().merge(&sum);
                }
                let mut narrow: BTreeMap<(i64, String), Aggregate> = BTreeMap::new();
                for (at, name, sum) in &quarters {
                    let secs = if width == Width::Hour { 3_600 } else { 86_400 };
                    narrow.entry((at.div_euclid(secs) * secs, name.clone())).or_default().merge(sum);
                }
                assert_eq!(wide, narrow, "{width:?}");
            }
            // Any span, cut anywhere.
            for (from, to) in [(0, 4_000), (100, 3_100), (900, 1_800), (3_599, 3_601), (2_000, 90_000)] {
                let at = |secs: i64| Some(Timestamp { unix_us: 1_790_000_000_000_000 + secs * 1_000_000 });
                let filter = StatsFilter { from: at(from), to: at(to), ..StatsFilter::default() };
                let quarter = |timestamp: Timestamp| timestamp.unix_us.div_euclid(900_000_000);
                let (first, end) = (quarter(filter.from.unwrap()), (filter.to.unwrap().unix_us - 1).div_euclid(900_000_000));
                let fitting = records.iter().filter(|record| (first..=end).contains(&quarter(record.started_at)));
                let (total, _) = store.history.totals(&filter, &[]).await.unwrap();
                assert_eq!(total, added_up(fitting), "{from}..{to}");
            }
            // Nothing that comes late is missed.
            store.recorder.submit(Record { id: RecordId::new(), ..records[0].clone() });
            store.recorder.flush().await.unwrap();
            let (total, _) = store.history.totals(&StatsFilter::default(), &[]).await.unwrap();
            assert_eq!(total, added_up(records.iter().chain([&records[0]])));
        });
    }
}

fn provider(id: &str, key: ProviderKey) -> Provider {
    Provider {
        id: id.to_owned(),
        provider_type: ProviderType::OpenaiCompatible,
        enabled: true,
        key,
        base_url: url::Url::parse("https://api.example.test/v1").unwrap(),
        deployment: Some("d".to_owned()),
        api_version: Some("v".to_owned()),
        default_model: Some("m".to_owned()),
        models: vec!["m".to_owned(), "n".to_owned()],
        priority: 7,
        allow_private_network: true,
        timeouts: ProviderTimeouts {
            connect: Duration::from_secs(1),
            first_token: Duration::from_secs(2),
            idle: Duration::from_secs(3),
            total: Duration::from_millis(4_500),
        },
        pricing: Some(PriceOverride {
            input: "0.15".parse().ok(),
            output: "2.5".parse().ok(),
            ..PriceOverride::default()
        }),
        limits: None,
        params: llm_gateway::config::ProviderParams::default(),
        features: llm_gateway::config::ProviderFeatures::default(),
        origin: ProviderOrigin::Api,
    }
}

fn own_key() -> ProviderKey {
    ProviderKey::Own(Secret::new(PROVIDER_KEY))
}

#[tokio::test]
async fn a_provider_comes_back_with_every_field_and_survives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let storage = storage(directory.path(), Some(MASTER_KEY));
    let store = store::open(&storage).await.unwrap();
    let put = provider("extra", own_key());
    let stored = store.control.put_provider(&Actor::Cli, &put, Credential::Replace).await.unwrap();
    assert_eq!(format!("{:?}", stored.provider), format!("{put:?}"));
    assert_eq!(stored.provider.key, put.key);
    store.close().await.unwrap();

    let store = store::open(&storage).await.unwrap();
    let snapshot = store.control.snapshot().await.unwrap();
    assert_eq!(snapshot.providers[0].key, own_key());
    store.control.delete_provider(&Actor::Cli, "extra").await.unwrap();
    assert!(matches!(store.control.delete_provider(&Actor::Cli, "extra").await, Err(StoreError::NotFound(_))));
}

#[tokio::test]
async fn a_new_address_clears_the_key_and_any_other_change_keeps_it() {
    let (_directory, store) = fresh().await;
    store.control.put_provider(&Actor::Cli, &provider("extra", own_key()), Credential::Replace).await.unwrap();
    let mut changed = provider("extra", ProviderKey::None);
    changed.priority = 1;
    let stored = store.control.put_provider(&Actor::Cli, &changed, Credential::Keep).await.unwrap();
    assert_eq!((stored.provider.priority, &stored.provider.key), (1, &own_key()));
    changed.base_url = url::Url::parse("https://elsewhere.test/v1").unwrap();
    let stored = store.control.put_provider(&Actor::Cli, &changed, Credential::Keep).await.unwrap();
    assert_eq!(stored.provider.key, ProviderKey::None);
}

#[tokio::test]
async fn bar_17_another_master_key_is_refused_and_the_database_stays_untouched() {
    for of_a_provider in [true, false] {
        another_master_key_is_refused(of_a_provider).await;
    }
}

async fn another_master_key_is_refused(of_a_provider: bool) {
    let directory = tempfile::tempdir().unwrap();
    let store = store::open(&storage(directory.path(), Some(MASTER_KEY))).await.unwrap();
    if of_a_provider {
        store.control.put_provider(&Actor::Cli, &provider("extra", own_key()), Credential::Replace).await.unwrap();
    } else {
        store.control.create_key(&Actor::Cli, with_own_key()).await.unwrap();
    }
    store.close().await.unwrap();
    drop(store);
    let file = directory.path().join("control.db");
    let before = std::fs::read(&file).unwrap();
    for wrong in [Some(OTHER_MASTER_KEY), None] {
        let error = store::open(&storage(directory.path(), wrong)).await.unwrap_err();
        assert!(matches!(error, StoreError::MasterKey(_)), "{error}");
        assert!(error.to_string().contains("LLM_GATEWAY_MASTER_KEY"), "{error}");
        assert!(std::fs::read(&file).unwrap() == before, "control.db was changed");
        assert!(!directory.path().join("master.key").exists(), "no second key is made");
    }
    assert!(store::open(&storage(directory.path(), Some("short"))).await.is_err());
    store::open(&storage(directory.path(), Some(MASTER_KEY))).await.unwrap();
}

#[tokio::test]
async fn bar_17_swapped_ciphertexts_do_not_decrypt() {
    let directory = tempfile::tempdir().unwrap();
    let storage = storage(directory.path(), Some(MASTER_KEY));
    let store = store::open(&storage).await.unwrap();
    for id in ["one", "two"] {
        let key = ProviderKey::Own(Secret::new(format!("{PROVIDER_KEY}-{id}")));
        store.control.put_provider(&Actor::Cli, &provider(id, key), Credential::Replace).await.unwrap();
    }
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(directory.path().join("control.db"));
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query(
        "UPDATE providers SET api_key = (SELECT other.api_key FROM providers AS other WHERE other.id <> providers.id)",
    )
    .execute(&pool)
    .await
    .unwrap();
    let error = store.control.snapshot().await.unwrap_err();
    assert!(matches!(error, StoreError::Decrypt { .. }), "{error}");

    sqlx::query("DELETE FROM providers").execute(&pool).await.unwrap();
    for _ in 0..2 {
        store.control.create_key(&Actor::Cli, with_own_key()).await.unwrap();
    }
    store.control.snapshot().await.unwrap();
    sqlx::query(
        "UPDATE keys SET provider_keys = (SELECT other.provider_keys FROM keys AS other WHERE other.id <> keys.id)",
    )
    .execute(&pool)
    .await
    .unwrap();
    let error = store.control.snapshot().await.unwrap_err();
    assert!(matches!(error, StoreError::Decrypt { .. }), "{error}");
}

/// A virtual key that brings a provider key of its own.
fn with_own_key() -> KeyFields {
    KeyFields { provider_keys: [("openai".to_owned(), Secret::new(PROVIDER_KEY))].into(), ..KeyFields::default() }
}

#[tokio::test]
async fn a_virtual_key_is_shown_once_and_rotates_and_ends() {
    let (_directory, store) = fresh().await;
    let fields = KeyFields {
        label: Some("ci".to_owned()),
        team: Some("search".to_owned()),
        project: Some("atlas".to_owned()),
        allowed_models: vec!["gpt-5".to_owned()],
        allowed_providers: vec!["openai".to_owned()],
        provider_keys: [("openai".to_owned(), Secret::new(PROVIDER_KEY))].into(),
        expires_at: Some(Timestamp { unix_us: 1 }),
        sanitization: Some(SanitizationOverride { redact_pii: Some(true), ..SanitizationOverride::default() }),
        limits: LimitSet::from_json(r#"{"requests_per_minute":60,"token_burst":5,"tokens_per_day":9}"#, "").ok(),
        budgets: BudgetTerms::from_json(r#"{"limit_usd":"1.5","period":"week","action":"warn"}"#, "")
            .into_iter()
            .collect(),
        metadata: [("owner".to_owned(), "ana".to_owned())].into(),
    };
    assert!(fields.limits.is_some() && fields.budgets.len() == 1);
    let issued = store.control.create_key(&Actor::Cli, fields.clone()).await.unwrap();
    assert!(VirtualKey::is_well_formed(issued.secret.expose()));
    assert!(issued.key.id.starts_with("key_"));
    assert_eq!((issued.key.hash, &issued.key.fields), (KeyHash::of(issued.secret.expose()), &fields));

    let rotated = store.control.rotate_key(&Actor::Cli, &issued.key.id).await.unwrap();
    assert_eq!(rotated.key.id, issued.key.id);
    assert_ne!(rotated.key.hash, issued.key.hash);

    let revision = store.control.revision().await.unwrap();
    let updated = store.control.update_key(&Actor::Cli, &issued.key.id, KeyFields::default()).await.unwrap();
    assert_eq!(updated.fields, KeyFields::default());
    assert!(store.control.revision().await.unwrap() > revision, "others notice the change");

    store.recorder.submit(Record { key_id: Some(issued.key.id.as_str().into()), ..full_record() });
    store.recorder.flush().await.unwrap();
    let revoked = store.control.revoke_key(&Actor::Cli, &issued.key.id).await.unwrap();
    assert!(revoked.revoked_at.is_some());
    assert_eq!(revoked.last_used_at, Some(full_record().started_at));
    assert_eq!(
        store.control.revoke_key(&Actor::Cli, &issued.key.id).await.unwrap(),
        revoked,
        "the first revocation counts"
    );
    assert!(matches!(store.control.rotate_key(&Actor::Cli, &issued.key.id).await, Err(StoreError::NotFound(_))));
    assert!(matches!(store.control.key("key_none").await, Err(StoreError::NotFound(_))));
    assert_eq!(store.control.snapshot().await.unwrap().keys, [revoked]);
}

#[tokio::test]
async fn a_session_lives_until_it_is_ended_or_the_password_changes() {
    let (_directory, store) = fresh().await;
    let (password, other) = (Secret::new("old password"), Secret::new("new password"));
    let token = store.control.create_session(&password).await.unwrap();
    assert!(store.control.touch_session(token.expose(), &password).await.unwrap());
    assert!(!store.control.touch_session(token.expose(), &other).await.unwrap());
    assert!(!store.control.touch_session("", &password).await.unwrap());
    store.control.delete_session(token.expose(), &password).await.unwrap();
    assert!(!store.control.touch_session(token.expose(), &password).await.unwrap());
}

#[tokio::test]
async fn bar_17_no_secret_is_in_the_files_and_no_file_is_open_to_others() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deep/data");
    let umask = rustix::process::umask(rustix::fs::Mode::empty());
    let store = store::open(&storage(&path, None)).await.unwrap();
    store.control.put_provider(&Actor::Cli, &provider("extra", own_key()), Credential::Replace).await.unwrap();
    let key = store.control.create_key(&Actor::Cli, with_own_key()).await.unwrap().secret;
    let password = Secret::new("test-admin-password");
    let session = store.control.create_session(&password).await.unwrap();
    store.recorder.submit(full_record());
    store.recorder.flush().await.unwrap();

    rustix::process::umask(umask);

    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    let mut names = BTreeSet::new();
    let spool = path.join("spool");
    assert_eq!(mode(&spool), 0o700);
    let files = [&path, &spool].map(|directory| std::fs::read_dir(directory).unwrap());
    for file in files.into_iter().flatten().map(|entry| entry.unwrap().path()).filter(|file| *file != spool) {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
        let bytes = std::fs::read(&file).unwrap();
        for secret in [PROVIDER_KEY, key.expose(), session.expose(), password.expose()] {
            assert!(memchr::memmem::find(&bytes, secret.as_bytes()).is_none(), "a secret is in {}", file.display());
        }
        names.insert(file.file_name().unwrap().to_string_lossy().into_owned());
    }
    assert!(names.iter().any(|name| name.ends_with(".spool")));
    for name in ["control.db", "control.db-wal", "usage.db", "bodies.db", "master.key"] {
        assert!(names.contains(name), "{name} in {names:?}");
    }
}

#[tokio::test]
async fn bar_40_a_master_key_that_others_can_read_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("master.key");
    std::fs::write(&file, MASTER_KEY).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    let error = store::open(&storage(directory.path(), None)).await.unwrap_err();
    assert!(error.to_string().contains("chmod 600"), "{error}");
}

#[tokio::test]
async fn bar_40_a_second_process_is_turned_away_but_the_keys_command_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let storage = storage(directory.path(), None);
    let store = store::open(&storage).await.unwrap();
    let error = store::open(&storage).await.unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    let control = store::open_control(&storage).await.unwrap();
    let issued = control.create_key(&Actor::Cli, KeyFields::default()).await.unwrap();
    assert_eq!(store.control.key(&issued.key.id).await.unwrap().hash, issued.key.hash);
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let storage = storage(directory.path(), None);
    store::open(&storage).await.unwrap().close().await.unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(directory.path().join("usage.db"));
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'of the future', true, x'00', 0)",
    )
    .execute(&pool)
    .await
    .unwrap();
    pool.close().await;
    let error = store::open(&storage).await.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { file: "usage.db", schema: 9999 }), "{error}");
}

/// Holds `usage.db` so that the writer can commit nothing, as a process that is about to be killed.
pub(crate) async fn hold_database(data: &Path) -> sqlx::SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data.join("usage.db"));
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
    connection
}

pub(crate) fn copy_directory(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_only_spooled_comes_back_whole_and_once() {
    let (directory, store) = fresh().await;
    let data = directory.path().join("data");
    let committed = bare_record();
    store.recorder.submit(committed.clone());
    store.recorder.flush().await.unwrap();
    let held = hold_database(&data).await;
    let full = full_record();
    store.recorder.submit_spooled(full.clone()).await;
    assert_eq!(store.recorder.stats().unspooled, 0);

    // What a killed process leaves behind, the last line torn.
    let left = directory.path().join("left");
    fresh_at(&left).await.close().await.unwrap();
    copy_directory(&data.join("spool"), &left.join("spool"));
    for entry in std::fs::read_dir(left.join("spool")).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let mut text = std::fs::read_to_string(&path).unwrap();
        if let Some(line) = text.lines().last().map(str::to_owned) {
            assert!(!text.contains(MASTER_KEY));
            text.push_str(&line[..line.len() / 2]);
            std::fs::write(&path, text).unwrap();
        }
    }
    for _ in 0..2 {
        let again = fresh_at(&left).await;
        again.recorder.flush().await.unwrap();
        let records = all_records(&again, RecordFilter::default()).await;
        assert_eq!(records.len(), 2, "both, and each once");
        let back = again.history.record(full.id).await.unwrap().unwrap();
        let without_route = Record { route: None, ..full.clone() };
        assert_eq!(format!("{:?}", back.record), format!("{without_route:?}"));
        assert_eq!(again.history.route(back.seq).await.unwrap().as_deref(), full.route.as_deref());
        let (total, _) = again.history.totals(&StatsFilter::default(), &[]).await.unwrap();
        assert_eq!(total.requests, 2, "and each once in the sums");
        again.close().await.unwrap();
        assert_eq!(std::fs::read_dir(left.join("spool")).unwrap().count(), 0, "nothing is kept twice");
    }
    drop(held);
    store.close().await.unwrap();
}

async fn fresh_at(data: &Path) -> Store {
    store::open(&storage(data, None)).await.unwrap()
}
