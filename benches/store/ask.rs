//! How long questions take among 1,000,000 records: `make bench-ask`.

use std::{path::Path, sync::Arc, time::Instant};

use llm_gateway::{
    analytics::ask::{Asker, Clock, EXACT_FOR, Runner, Sandbox, Surroundings, names_of},
    domain::Timestamp,
    store::{self, Store},
};

use super::{Failure, configured, quantile};

/// Times that each is asked.
const TIMES: usize = 20;
/// Bars: where roll-ups can serve, and where not.
const MOST_MS: [f64; 2] = [150.0, 1_000.0];

const QUESTIONS: [&str; 18] = [
    "how much did we spend in total",
    "spend by project this month",
    "cost by model last 30 days",
    "cost by key last 30 days",
    "top 5 requesters by cost last 30 days",
    "error rate by provider last week",
    "requests per day last 30 days",
    "requests by hour yesterday",
    "tokens by source last month",
    "average time to first token by provider this week",
    "which model failed most often yesterday?",
    "p95 latency by project all time",
    "p95 latency by model last 7 days",
    "p99 latency last 30 days",
    "median ttft by model last 30 days",
    "most expensive request yesterday",
    "requests by status last 30 days",
    "sessions by project last 30 days",
];

pub(crate) async fn run(path: &Path) -> Result<(), Failure> {
    let storage = configured(path, "")?.storage;
    let store = store::open(&storage).await?;
    let program = env!("CARGO_BIN_EXE_llm-gateway").into();
    let asker = Asker {
        names: Arc::new(names_of(store.history.names().await?, &std::collections::BTreeMap::new(), [])),
        runner: Runner {
            sandbox: Sandbox::new(program, std::path::absolute(Store::usage_file(&storage))?),
            surroundings: Surroundings::default(),
            deadline: std::time::Duration::from_secs(10),
            exact_for: EXACT_FOR,
        },
        clock: Clock::utc(Timestamp::now()),
        model: None,
    };
    println!("{:>8} {:>8}  {:<8} question", "p50 ms", "p95 ms", "from");
    for question in QUESTIONS {
        let (mut took, mut from_roll_up) = (Vec::with_capacity(TIMES), false);
        for _ in 0..TIMES {
            let begun = Instant::now();
            let answer = asker.answer(question, None).await?;
            took.push(begun.elapsed().as_secs_f64() * 1_000.0);
            let told = serde_json::to_value(&answer)?;
            from_roll_up = told["sql"].as_str().is_some_and(|sql| sql.contains(" usage"));
        }
        took.sort_by(f64::total_cmp);
        let p95 = quantile(&took, 0.95);
        let mark = if p95 <= MOST_MS[usize::from(!from_roll_up)] { ' ' } else { '!' };
        let from = if from_roll_up { "roll-ups" } else { "records" };
        println!("{:8.1} {p95:8.1} {mark}{from:<8} {question}", quantile(&took, 0.5));
    }
    store.close().await?;
    Ok(())
}
