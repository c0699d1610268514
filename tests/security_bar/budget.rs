//! Bar 22: budgets and limits are reserved before and settled after, and hold under any number of calls at once.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{
    client::Answer,
    gateway::{Rig, start_with},
};

const CALLS: usize = 200;

async fn burst(rig: &Rig, body: &Value) -> Vec<Answer> {
    // Slow enough that all of them are under way together.
    let client = rig.client().with("x-demo-script", r#"{"latency_ms":300}"#);
    join_all((0..CALLS).map(|_| client.post("/v1/chat/completions", body))).await
}

async fn row(rig: &Rig) -> Value {
    rig.client().get("/v1/budgets").await.expect(200)["data"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn bar_22_two_hundred_parallel_calls_against_a_budget_for_ten_admit_ten() {
    let rig = start_with(
        "[[budgets]]\nname = \"ten\"\nlimit_usd = 0.10\nperiod = \"month\"\n\
         [[catalog]]\nmodel = \"gpt-4o\"\nper_request = 0.01\n",
    )
    .await;
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]});
    let answers = burst(&rig, &body).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 10);
    assert!(answers.iter().filter(|answer| answer.status != 200).all(|answer| answer.code(429) == "budget_exceeded"));
    rig.records_when(CALLS).await;
    let row = row(&rig).await;
    assert_eq!((&row["spent_microcents"], &row["reserved_microcents"]), (&json!(10_000_000), &json!(0)), "{row:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bar_22_by_tokens_no_more_is_spent_than_the_budget_and_one_call() {
    // Prices of any model; the estimate of a call is 20 output tokens and its prompt.
    let rig = start_with(
        "[[budgets]]\nname = \"tokens\"\nlimit_usd = 0.003\nperiod = \"month\"\n\
         [[catalog]]\nmodel = \"gpt-4o\"\ninput = 1\noutput = 10\n",
    )
    .await;
    let body = json!({"model": "gpt-4o", "max_tokens": 20, "messages": [{"role": "user", "content": "say something"}]});
    let answers = burst(&rig, &body).await;
    let records = rig.records_when(CALLS).await;
    let costs: Vec<i64> = records.iter().map(|record| record["cost_microcents"].as_i64().unwrap()).collect();
    let (sum, dearest) = (costs.iter().sum::<i64>(), *costs.iter().max().unwrap());
    assert!(answers.iter().any(|answer| answer.status == 200) && dearest > 0);
    assert!(sum <= 300_000 + dearest, "{sum} spent of 300000, a call is {dearest}");
    let row = row(&rig).await;
    assert_eq!(
        (row["spent_microcents"].as_i64(), row["reserved_microcents"].as_i64()),
        (Some(sum), Some(0)),
        "{row:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bar_22_a_rate_limit_holds_under_parallel_calls() {
    let rig = start_with("[limits]\nrequests_per_hour = 10\n").await;
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]});
    let answers = burst(&rig, &body).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 10);
}
