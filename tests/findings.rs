//! What the sanitizer found stands on the record, is summed and survives a crash; what matched stands nowhere.

use llm_gateway::{
    domain::{Action, Direction, Finding, Record, RecordId, Timestamp},
    store::{self, RecordFilter, StatsFilter},
};
use serde_json::json;

use super::{
    harness::gateway::start_with,
    store::{bare_record, found, fresh, storage, text},
};

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

#[tokio::test]
async fn what_was_found_in_a_request_is_told_everywhere_and_what_matched_nowhere() {
    const CANARY: &str = "canary.person@lovelace.org";
    let rules = "[sanitization]\nenabled = true\nredact_pii = true\n\
                 [[sanitization.patterns]]\nname = \"seen_ticket\"\npattern = 'TICKET-[0-9]+'\naction = \"log\"\n";
    let mut rig = start_with(rules).await;
    let asked = json!({"model": "gpt-4o-mini", "messages": [
        {"role": "system", "content": format!("Ask {CANARY}, or {CANARY}.")},
        {"role": "user", "content": "TICKET-77"},
    ]});
    rig.client().post("/v1/chat/completions", &asked).await.expect(200);
    rig.client().post("/v1/chat/completions", &json!({"model": "gpt-4o-mini", "messages": []})).await;
    let id = rig.records_when(2).await[1]["id"].as_str().unwrap().to_owned();
    let client = rig.client();
    let detail = client.get(&format!("/v1/records/{id}")).await.expect(200);
    let row = |kind: &str| {
        let rows = detail["finding_rows"].as_array().unwrap();
        rows.iter().find(|row| row["kind"] == kind && row["direction"] == "request").unwrap().clone()
    };
    assert_eq!(
        row("EMAIL"),
        json!({"direction": "request", "rule": "email", "kind": "EMAIL", "category": "pii",
               "place": "messages[0].content", "action": "redact", "count": 2})
    );
    assert_eq!((&row("SEEN_TICKET")["action"], &row("SEEN_TICKET")["category"]), (&json!("log"), &json!("custom")));
    assert!(detail["findings"].as_u64().unwrap() >= 3);
    for (filter, count) in
        [("findings=true", 1), ("findings=false", 1), ("finding_kind=EMAIL", 1), ("finding_kind=IBAN", 0)]
    {
        let list = client.get(&format!("/v1/records?{filter}")).await.expect(200);
        assert_eq!(list["data"].as_array().unwrap().len(), count, "{filter}");
        assert!(list["data"].as_array().unwrap().iter().all(|row| row.get("finding_rows").is_none()));
    }
    let stats = client.get("/v1/stats").await.expect(200);
    assert_eq!(stats["findings"], detail["findings"]);
    let sums = stats["by_finding"].as_array().unwrap();
    assert!(sums.contains(
        &json!({"kind": "EMAIL", "category": "pii", "action": "redact", "direction": "request", "count": 2})
    ));
    let metrics = client.get("/metrics").await.text();
    let line =
        metrics.lines().find(|line| line.starts_with("llm_gateway_findings_total") && line.contains("SEEN_TICKET"));
    let line = line.unwrap_or_else(|| panic!("{metrics}"));
    assert!(line.contains("action=\"log\"") && line.contains("kind=\"SEEN_TICKET\""), "{line}");
    let csv = client.get("/v1/records?format=csv").await.text();
    assert!(csv.lines().next().unwrap().contains(",findings,"));

    for told in [detail.to_string(), stats.to_string(), metrics, csv] {
        assert!(!told.contains("canary.person"));
    }
    rig.stop().await;
    let mut folders = vec![rig.data.path().join("data")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                files += 1;
                let bytes = std::fs::read(&entry).unwrap();
                assert!(memchr::memmem::find(&bytes, b"canary.person").is_none(), "{}", entry.display());
            }
        }
    }
    assert!(files >= 3);
}
