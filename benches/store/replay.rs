//! How long it takes to decide 100,000 requests of the past anew.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Instant};

use llm_gateway::{
    analytics::{self, Replay},
    config::{Config, RoutingDraft},
    demo,
    domain::{Endpoint, Record, Timestamp},
    policy::{Inquiry, Policy},
    provider::{Egress, Resolver},
    routing::{self, Moment, Need, Observed},
    store::{self, RecordFilter, Store},
};

use super::{Failure, configured, seed::Crowd};

/// Records that are replayed.
const RECORDS: usize = 100_000;
/// Records between two waits for the writer.
const BATCH: usize = 2_000;
/// Bar.
const MOST_SECS: f64 = 5.0;

/// Seeds a directory, then replays it under the rules in force and under drafts.
pub(crate) async fn run(path: &Path) -> Result<(), Failure> {
    let config = demo::prepare(Some(0), &BTreeMap::new()).await?.config;
    let egress = Egress::load(Resolver::default());
    let policy = Arc::new(Policy::compile(Arc::new(config.clone()), &store::Snapshot::default(), None, &egress)?);
    let _ = std::fs::remove_dir_all(path);
    std::fs::create_dir_all(path)?;
    let store = store::open(&configured(path, "")?.storage).await?;
    let (written, bytes) = seed(&store, &config, &policy).await?;
    println!("{written} records, {bytes} bytes of traces, {} a record", bytes / written);
    for (name, draft) in [
        ("the rules in force", "{}"),
        ("another strategy", r#"{"routing": {"strategy": "cost_optimized"}}"#),
        ("no names of one's own", r#"{"models": []}"#),
    ] {
        let (draft, _) = RoutingDraft::from_json(draft, "draft", &policy.providers)?;
        let replay = Replay {
            policy: Arc::clone(&policy),
            drafted: Some(policy.drafted(draft)),
            filter: RecordFilter::default(),
            live: Vec::new(),
        };
        let begun = Instant::now();
        let view = analytics::replay(store.history.clone(), replay).await?;
        let secs = begun.elapsed().as_secs_f64();
        let verdict = if secs <= MOST_SECS && view.complete { "" } else { "  over the bar" };
        println!("{secs:>8.2} s  replay under {name}: {} of {} moved{verdict}", view.moved, view.replayed);
    }
    store.close().await?;
    std::fs::remove_dir_all(path)?;
    Ok(())
}

/// Writes the demo's history, every record with the trace that it would have had; one in five asked for `auto`.
async fn seed(store: &Store, config: &Config, policy: &Policy) -> Result<(usize, usize), Failure> {
    let until = Timestamp::now();
    let once = demo::hours(config, &policy.catalog, until, 1.0).map(|hour| hour.len()).sum::<usize>();
    let volume = RECORDS as f64 / once as f64 * 1.02;
    let mut crowd = Crowd::default();
    let (mut written, mut bytes) = (0, 0);
    for record in demo::hours(config, &policy.catalog, until, volume).flatten().take(RECORDS) {
        let mut record: Record = crowd.place(record);
        if written % 5 == 0 && record.endpoint == Endpoint::ChatCompletions {
            record.model_requested = Some("auto".into());
        }
        let trace = trace(policy, &record, written as u64);
        bytes += trace.len();
        record.route = Some(trace);
        store.recorder.import(record);
        written += 1;
        if written % BATCH == 0 {
            store.recorder.flush().await?;
        }
    }
    store.recorder.flush().await?;
    Ok((written, bytes))
}

fn trace(policy: &Policy, record: &Record, turn: u64) -> Arc<[u8]> {
    let inquiry = Inquiry {
        fallbacks: &[],
        endpoint: record.endpoint,
        model: record.model_requested.as_deref(),
        profile: record.profile.as_deref(),
        provider_wanted: None,
        key: None,
        project: None,
    };
    let need = Need { input_tokens: record.usage.input_tokens().unwrap_or(1_000), ..Need::default() };
    let moment = Moment { at: record.started_at, turn, dice: turn };
    let seen = |_: &_, model: Option<&str>| Observed {
        latency_ms: model.map(|model| (model.len() as f32).mul_add(17.0, 100.0)),
        error_rate: model.map(|_| 0.01),
        ..Observed::default()
    };
    routing::plan(&policy.question(policy.routing_rules(), inquiry, &[]), need, moment, seen).trace
}
