//! Sums, series and lists tell the truth about the records, in the shapes that the API promises.

use llm_gateway::{
    analytics::{self, Grain, RecordView, SeriesQuery},
    domain::{CacheState, Microcents, Outcome, Record, RecordId, Timestamp, Usage},
    store::{Dimension, StatsFilter, Store},
};
use serde_json::json;

use crate::store::{attempt, bare_record, fresh, text};

fn at(time: &str) -> Timestamp {
    Timestamp::parse(time).unwrap()
}

fn record(time: &str, model: &str, cost: i64) -> Record {
    Record {
        id: RecordId::new(),
        started_at: at(time),
        provider: text("openai"),
        model: text(model),
        latency_us: 100_000,
        cost: Some(Microcents(cost)),
        usage: Usage { input: Some(10), cache_read: Some(5), output: Some(3), ..Usage::default() },
        attempts: vec![attempt("openai", Some(200), None)],
        ..bare_record()
    }
}

async fn keep(store: &Store, records: impl IntoIterator<Item = Record>) {
    records.into_iter().for_each(|record| store.recorder.submit(record));
    store.recorder.flush().await.unwrap();
}

#[tokio::test]
async fn stats_have_the_promised_names_and_count_the_unknown() {
    let (_directory, store) = fresh().await;
    let time = "2026-11-20T10:00:00Z";
    let hit = Record { cache: CacheState::Hit, attempts: Vec::new(), ..record(time, "gpt-5", 0) };
    let failed = Record { outcome: Outcome::Error, cost: None, model: None, ..record(time, "", 0) };
    let refused = Record { outcome: Outcome::Refused, ..bare_record() };
    keep(&store, [record(time, "gpt-5", 150_000_000), hit, failed, refused]).await;
    let stats = analytics::stats(&store.history, &StatsFilter::default()).await.unwrap();
    let stats = serde_json::to_value(stats).unwrap();
    for (name, value) in [
        ("total_requests", json!(4)),
        ("cached_requests", json!(1)),
        ("failed_requests", json!(1)),
        ("refused_requests", json!(1)),
        ("cache_hit_rate", json!(0.25)),
        ("success_rate", json!(0.5)),
        ("total_cost", json!(1.5)),
        ("total_cost_microcents", json!(150_000_000)),
        ("unknown_cost_requests", json!(1)),
        ("unknown_usage_requests", json!(0)),
        ("input_tokens", json!(45)),
        ("cache_read_tokens", json!(15)),
        ("p99_ttft_ms", json!(null)),
    ] {
        assert_eq!(stats[name], value, "{name}");
    }
    assert_eq!(stats["avg_latency_ms"], json!(75.000_25));
    assert_eq!(stats["providers"]["openai"]["total_requests"], 3);
    assert_eq!(stats["providers"].as_object().unwrap().len(), 1, "no provider is not a provider");
    let models: Vec<_> = stats["by_model"].as_array().unwrap().iter().map(|row| &row["name"]).collect();
    assert_eq!(models, [&json!("gpt-5"), &json!(null)], "the dearest first");
    for list in ["by_project", "by_source", "by_team", "by_key"] {
        assert_eq!(stats[list][0]["total_requests"], 4, "{list}");
    }
}

#[tokio::test]
async fn a_series_has_no_gaps_and_adds_up() {
    let (_directory, store) = fresh().await;
    let times = ["2026-11-20T10:00:00Z", "2026-11-20T10:14:59Z", "2026-11-20T13:59:59Z"];
    keep(&store, times.map(|time| record(time, "m", 1))).await;
    let filter = StatsFilter {
        from: Some(at("2026-11-20T09:30:00Z")),
        to: Some(at("2026-11-20T14:00:00Z")),
        ..StatsFilter::default()
    };
    let query = SeriesQuery { filter, grain: Grain::Hour, tz: jiff::tz::TimeZone::UTC, group_by: None };
    let series = analytics::series(&store.history, &query).await.unwrap();
    let points: Vec<_> = series.groups[0].points.iter().map(|point| point.measures.total_requests).collect();
    assert_eq!((points.as_slice(), series.groups.len()), ([0, 2, 0, 0, 1].as_slice(), 1));
    assert_eq!(series.starts[0], at("2026-11-20T09:00:00Z"));

    let endless =
        SeriesQuery { filter: StatsFilter { from: Some(at("1990-01-01T00:00:00Z")), ..query.filter }, ..query };
    let series = analytics::series(&store.history, &endless).await.unwrap();
    assert_eq!(series.grain, "month", "a grain that is too fine is widened");
    assert!(series.starts.len() < 1_500);
}

#[tokio::test]
async fn a_series_keeps_the_eight_dearest_apart_and_adds_up_the_rest() {
    let (_directory, store) = fresh().await;
    keep(&store, (1..=12).map(|cost| record("2026-11-20T10:00:00Z", &format!("m{cost}"), cost))).await;
    let query = SeriesQuery {
        filter: StatsFilter::default(),
        grain: Grain::Day,
        tz: jiff::tz::TimeZone::UTC,
        group_by: Some(Dimension::Model),
    };
    let series = analytics::series(&store.history, &query).await.unwrap();
    let names: Vec<_> = series.groups.iter().map(|group| group.name.as_deref().unwrap_or("other")).collect();
    assert_eq!(names, ["m12", "m11", "m10", "m9", "m8", "m7", "m6", "m5", "other"]);
    let rest = series.groups.last().unwrap();
    assert!(rest.other);
    assert_eq!(rest.points[0].measures.total_cost_microcents, 1 + 2 + 3 + 4);
}

#[tokio::test]
async fn projects_and_requesters_carry_their_sums() {
    let (_directory, store) = fresh().await;
    let of = |project: &str, source: &str| Record {
        project: text(project),
        source: text(source),
        ..record("2026-11-20T10:00:00Z", "m", 7)
    };
    keep(&store, [of("a", "x"), of("a", "y"), of("b", "y")]).await;
    let none = StatsFilter::default();
    let projects = analytics::projects(&store.history, &none, None).await.unwrap();
    let facts: Vec<_> = projects.iter().map(|row| (row.id.as_str(), row.measures.total_cost_microcents)).collect();
    assert_eq!(facts, [("a", 14), ("b", 7)]);
    let requesters = analytics::requesters(&store.history, &none, None).await.unwrap();
    let facts: Vec<_> = requesters.iter().map(|row| (row.id.as_str(), row.measures.total_requests)).collect();
    assert_eq!(facts, [("x", 1), ("y", 2)]);
    assert!(analytics::projects(&store.history, &none, Some(Timestamp::now())).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_record_shows_unknown_as_null_and_attempts_as_a_number() {
    let (_directory, store) = fresh().await;
    let kept =
        Record { tags: vec![("env".into(), "ci".into())], cost: None, ..record("2026-11-20T10:00:00.5Z", "m", 0) };
    keep(&store, [kept.clone()]).await;
    let stored = store.history.record(kept.id).await.unwrap().unwrap();
    let row = serde_json::to_value(RecordView::row(&stored)).unwrap();
    assert_eq!(row["id"], json!(kept.id.to_string()));
    assert_eq!(row["started_at"], json!("2026-11-20T10:00:00.500Z"));
    assert_eq!(
        (&row["attempts"], &row["input_tokens"], &row["cache_write_tokens"]),
        (&json!(1), &json!(15), &json!(null))
    );
    assert_eq!((&row["cost_microcents"], &row["tags"]), (&json!(null), &json!({"env": "ci"})));
    assert!(row.get("attempt_rows").is_none());
    let detail = serde_json::to_value(RecordView::detail(&stored)).unwrap();
    assert_eq!(detail["attempt_rows"][0]["provider"], json!("openai"));
    assert_eq!(detail["attempts"], json!(1));
}
