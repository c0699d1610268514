//! What requests feel of questions that would never end: `make bench-ask`. Both loads take turns in one run.

use std::{path::Path, time::Duration};

use tokio::task::JoinSet;

use super::{
    Failure,
    client::{self, Aim},
    mock::Mock,
    process::Running,
    report::percentile,
};

const RATE: u32 = 500;
const CONNECTIONS: usize = 32;
const ROUNDS: usize = 5;
const LOAD_TIME: Duration = Duration::from_secs(3);
/// Questions at a time.
const BOMBS: usize = 10;
/// 10¹² rows out of ten: only the deadline ends it.
const BOMB: &str = "WITH t(x) AS (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) \
    SELECT count(*), max(a.x + l.x) FROM t AS a, t AS b, t AS c, t AS d, t AS e, t AS f, t AS g, t AS h, t AS i, t AS j, \
    t AS k, t AS l";

/// Prints p50 and p99 of requests without and with the bombs.
pub(crate) async fn run(program: &Path, dir: &Path) -> Result<(), Failure> {
    let mock = Mock::start()?;
    let gateway = Running::gateway(program, mock.address, dir, "[ask]\nrequests_per_minute = 100000\n").await?;
    let mut found = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (place, latencies) in found.iter_mut().enumerate() {
            let mut bombs = JoinSet::new();
            if place == 1 {
                (0..BOMBS).for_each(|_| drop(bombs.spawn(throw(gateway.aim.clone()))));
            }
            let mut once = client::open_loop(&gateway.aim, RATE, CONNECTIONS, LOAD_TIME).await?;
            once.sort_unstable();
            latencies.push([50.0, 99.0].map(|percent| percentile(&once, percent) / 1e6));
            bombs.shutdown().await;
        }
    }
    for (name, latencies) in ["without", "with"].iter().zip(found) {
        let median = |of: usize| {
            let mut all: Vec<f64> = latencies.iter().filter_map(|pair| pair.get(of).copied()).collect();
            all.sort_by(f64::total_cmp);
            all.get(all.len() / 2).copied().unwrap_or_default()
        };
        println!("{name} {BOMBS} bombs: {RATE} requests/s, p50 {:.3} ms, p99 {:.3} ms", median(0), median(1));
    }
    Ok(())
}

/// One after the other, for as long as it is let.
async fn throw(aim: Aim) {
    let body = serde_json::json!({ "sql": BOMB }).to_string();
    loop {
        // Each is refused in the end: that is what is asked for.
        let _ = client::post(aim.address, "/v1/sql", &body).await;
    }
}
