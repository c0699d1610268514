//! For the test of `clickhouse-tracer` against a real engine: sends made-up records through it.
//!
//! `cargo run --example tracer -- URL SPOOL COUNT` prints `traced N` when all are in the spool and `sent` when the server
//! has them; it fails when one finds no room. A password comes in `CLICKHOUSE_PASSWORD`.
#![allow(clippy::print_stdout, reason = "the test reads what it says")]

use std::time::Duration;

use llm_gateway::{
    domain::{Endpoint, Microcents, Outcome, Record, Timestamp},
    plugins::ClickhouseTracer,
    provider::{Egress, Resolver},
};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, spool, count] = arguments.as_slice() else { return Err("usage: tracer URL SPOOL COUNT".into()) };
    let count: u64 = count.parse()?;
    let password = std::env::var("CLICKHOUSE_PASSWORD").unwrap_or_default();
    let config = json!({
        "clickhouse": {"url": url, "username": "default", "password": password, "database": "traces", "table": "requests"},
        "flushInterval": 50, "batchSize": 1000,
    });
    let tracer = ClickhouseTracer::from_json(config, spool.into(), &Egress::load(Resolver::default()))?;
    for number in 0..count {
        let mut record = Record::begun(Timestamp::now(), Endpoint::ChatCompletions);
        record.project = Some(format!("project-{}", number % 7).into());
        record.model = Some("gpt-4o".into());
        record.tags = vec![("number".into(), number.to_string().into())];
        record.status = Some(200);
        record.outcome = Outcome::Ok;
        record.usage.input = Some(number);
        record.cost = Some(Microcents(3));
        if !tracer.trace(&record).await? {
            return Err("the spool is full".into());
        }
    }
    println!("traced {count}");
    // The server may be away for a while; the spool keeps what it has not taken.
    while let Err(why) = tracer.flush().await {
        println!("waiting: {why}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!("sent");
    Ok(())
}
