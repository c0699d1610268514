//! What the sanitizer found stands on the record, is summed and survives a crash; what matched stands nowhere.

use llm_gateway::{
    domain::{Action, Direction, Finding, Record, RecordId, Timestamp},
    store::{self, RecordFilter, StatsFilter},
};

use super::store::{bare_record, found, fresh, storage, text};

fn with(project: &str, findings: Vec<Finding>) -> Record {
    Record { id: RecordId::new(), project: text(project), findings, ..bare_record() }
}

#[tokio::test]
async fn findings_are_summed_by_kind_action_and_direction_under_the_filters_of_all_sums() {
    let (_directory, store) = fresh().await;
    let (sent, answered) = (Direction::Request, Direction::Response);
    let blocked = Finding { action: Action::Block, ..found(sent, "IBAN", 1) };
    store.recorder.submit(with("atlas", vec![found(sent, "EMAIL", 2), found(answered, "EMAIL", 1), blocked]));
    store.recorder.submit(with("atlas", vec![found(sent, "EMAIL", 5)]));
    store.recorder.submit(with("other", vec![found(sent, "EMAIL", 100)]));
    store.recorder.submit(with("none", Vec::new()));
    store.recorder.flush().await.unwrap();
    let sums = async |filter: StatsFilter| {
        let sums = store.history.finding_sums(&filter).await.unwrap();
        sums.into_iter()
            .map(|sum| format!("{} {} {} {}", sum.count, sum.kind, sum.action.as_str(), sum.direction.as_str()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        sums(StatsFilter::default()).await,
        ["107 EMAIL redact request", "1 EMAIL redact response", "1 IBAN block request"]
    );
    let atlas = StatsFilter { project: Some("atlas".to_owned()), ..StatsFilter::default() };
    assert_eq!(sums(atlas).await, ["7 EMAIL redact request", "1 EMAIL redact response", "1 IBAN block request"]);
    let past = StatsFilter { to: Some(Timestamp { unix_us: 1 }), ..StatsFilter::default() };
    assert!(sums(past).await.is_empty());
    let (total, _) = store.history.totals(&StatsFilter::default(), &[]).await.unwrap();
    assert_eq!(total.findings, 109);
    let listed = store.history.records(&RecordFilter::default(), None, 10).await.unwrap().records;
    assert!(listed.iter().all(|stored| stored.record.findings.is_empty()), "lists read numbers only");
    assert_eq!(listed.iter().map(|stored| stored.findings).sum::<u32>(), 109);
}

#[tokio::test]
async fn a_record_tells_findings_one_by_one_up_to_a_bound_and_counts_every_one() {
    let mut record = bare_record();
    for number in 0..1_000 {
        let place = format!("messages[{number}].content").into();
        record.found(Finding { place, ..found(Direction::Request, "EMAIL", 3) });
        record.found(found(Direction::Request, "IBAN", 1));
    }
    assert_eq!(record.finding_count(), 4_000);
    assert_eq!(record.findings.len(), Record::MOST_FINDING_ROWS + 2);
    let elsewhere: Vec<_> = record.findings.iter().filter(|found| &*found.place == Record::ELSEWHERE).collect();
    assert_eq!(elsewhere.len(), 2, "one row for each rule and action");
    let (_directory, store) = fresh().await;
    store.recorder.submit(record.clone());
    store.recorder.flush().await.unwrap();
    let stored = store.history.record(record.id).await.unwrap().unwrap();
    assert_eq!(stored.record.findings, record.findings);
}

#[tokio::test]
async fn findings_of_old_records_are_deleted_with_them() {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = storage(directory.path(), None);
    let store = store::open(&settings).await.unwrap();
    let old = Timestamp { unix_us: Timestamp::now().unix_us - 10 * 24 * 60 * 60 * 1_000_000 };
    store.recorder.submit(Record { started_at: old, ..with("atlas", vec![found(Direction::Request, "EMAIL", 1)]) });
    store.close().await.unwrap();
    settings.retention_days = Some(1);
    let store = store::open(&settings).await.unwrap();
    let database =
        sqlx::SqlitePool::connect(&format!("sqlite://{}", directory.path().join("usage.db").display())).await.unwrap();
    let started = std::time::Instant::now();
    loop {
        let left: i64 =
            sqlx::query_scalar("SELECT (SELECT count(*) FROM findings) + (SELECT count(*) FROM finding_kinds)")
                .fetch_one(&database)
                .await
                .unwrap();
        if left == 0 {
            break;
        }
        assert!(started.elapsed() < std::time::Duration::from_secs(30), "{left} findings are left");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let sums = store.history.finding_sums(&StatsFilter::default()).await.unwrap();
    assert_eq!(sums.iter().map(|sum| sum.count).sum::<u64>(), 1, "sums stay");
}
