//! A provider is killed under load and comes back, then everybody is dead: what clients and the operator see of it.
//!
//! `make outage`. Fails when a client saw anything while there was somebody else to ask, or the incident says otherwise.

#![allow(clippy::indexing_slicing, reason = "of JSON: what is not there is null")]

use std::{path::Path, time::Duration};

use llm_gateway::demo::{Provider, ProviderOptions, Running as Upstream};
use serde_json::Value;

use super::{
    Failure,
    client::{self, Aim},
    process::Running,
};

/// The bar: requests a second.
const RATE: u32 = 200;
const CONNECTIONS: usize = 32;
/// `routing.breaker_failures` and `routing.breaker_cooldown` of the run.
const BREAKER_FAILURES: usize = 3;
const COOLDOWN: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(20);

/// The run, step by step.
pub(crate) async fn run(program: &Path, dir: &Path) -> Result<(), Failure> {
    let options = || ProviderOptions::default();
    let (one, two) = (Provider::spawn(options()).await?, Provider::spawn(options()).await?);
    let gateway = Running::gateway(program, one.addr(), dir, &config(&one, &two)).await?;
    let aim = gateway.aim.clone();

    let before = client::open_loop(&aim, RATE, CONNECTIONS, Duration::from_secs(2)).await?;
    expect(calls(&two) == 0, "nobody but the first is asked while it is well")?;

    // Any answer but a 200 ends the load, and the run with it.
    let dying = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        one.stop().await;
        Ok::<_, Failure>(())
    };
    let (during, ()) = tokio::try_join!(client::open_loop(&aim, RATE, CONNECTIONS, Duration::from_secs(6)), dying)?;
    let opened = incident(&aim, "provider=one&kind=provider_down", |one| one["state"] == "open").await?;
    expect(opened["impact"] == "mitigated" && opened["impacting_requests"] == 0, "the incident is mitigated")?;
    let hit = opened["requests"].as_u64().unwrap_or(u64::MAX);
    // Calls that were under way when it died fail besides, and so does each probe.
    let most = BREAKER_FAILURES + CONNECTIONS + 6;
    expect(hit <= most as u64, &format!("{hit} requests met the dead provider, more than {most}"))?;
    println!(
        "{} requests at {RATE}/s before, {} during the outage: all answered with 200; {hit} met the dead provider and were \
         answered by the other one",
        before.len(),
        during.len()
    );

    let back = Provider::spawn(ProviderOptions { listen: one.addr(), ..options() }).await?;
    let again = client::open_loop(&aim, RATE, CONNECTIONS, COOLDOWN * 4).await?;
    let first = breaker(&aim).await?;
    expect(first == "closed", &format!("the breaker is {first}"))?;
    let there = calls(&back);
    expect(there as usize > again.len() / 4, "requests are back where they were")?;
    println!("{} requests after its return: all answered with 200, {there} of them by it again", again.len());

    back.stop().await;
    two.stop().await;
    let refused = client::answer(&aim).await?;
    expect(refused.starts_with("HTTP/1.1 502"), &format!("an answer when all are dead: {refused}"))?;
    let all = |one: &Value| one["impact"] == "customer_impacting";
    incident(&aim, "kind=provider_down&impact=customer_impacting", all).await?;
    println!("with all of them dead: 502, and a customer-impacting incident");
    Ok(())
}

fn config(one: &Upstream, two: &Upstream) -> String {
    let provider = |id: &str, upstream: &Upstream| {
        let url = upstream.url();
        format!(
            "[[providers]]\nid = \"{id}\"\nprovider_type = \"openai\"\napi_key = \"sk-test-{id}\"\nbase_url = \"{url}/v1\"\n"
        )
    };
    format!(
        "[auth]\nrequire_key = false\n[routing]\nretries = 0\nbreaker_failures = {BREAKER_FAILURES}\n\
         breaker_cooldown = {}\n[[models]]\nname = \"gpt-4o-mini\"\n\
         targets = [\"one/gpt-4o-mini\", \"two/gpt-4o-mini\"]\n{}{}",
        COOLDOWN.as_secs(),
        provider("one", one),
        provider("two", two)
    )
}

fn calls(upstream: &Upstream) -> u64 {
    upstream.ledger().counts().calls
}

fn expect(is_so: bool, what: &str) -> Result<(), Failure> {
    if is_so { Ok(()) } else { Err(format!("not so: {what}").into()) }
}

/// The state of the first provider's breaker.
async fn breaker(aim: &Aim) -> Result<String, Failure> {
    let shown: Value = serde_json::from_str(&client::get(aim.address, "/v1/providers/one").await?)?;
    Ok(shown["breaker"].as_str().unwrap_or_default().to_owned())
}

/// The first incident that a query asks for, as soon as it is as it should be.
async fn incident(aim: &Aim, query: &str, is_so: impl Fn(&Value) -> bool) -> Result<Value, Failure> {
    let begun = tokio::time::Instant::now();
    loop {
        let page: Value = serde_json::from_str(&client::get(aim.address, &format!("/v1/incidents?{query}")).await?)?;
        match page["data"].as_array().and_then(|found| found.first()) {
            Some(found) if is_so(found) => return Ok(found.clone()),
            _ if begun.elapsed() > PATIENCE => return Err(format!("no such incident: {page}").into()),
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}
