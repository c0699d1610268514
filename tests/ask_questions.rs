//! The evaluation of Ask: what people ask, on three differently seeded databases, against hand-written SQL.
//!
//! The rows that are right come from statements over the tables (`ask_questions/questions.toml`), never from the
//! compiler. `make bench-ask` prints the table.

mod world;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use llm_gateway::{
    analytics::ask::{Asker, Clock, QuerySpec, Runner, Sandbox, names_of},
    domain::Timestamp,
};
use serde::Deserialize;
use serde_json::Value;
use sqlx::{Row as _, SqliteConnection, TypeInfo as _, ValueRef as _};

const SEEDS: [u64; 3] = [11, 23, 47];

#[derive(Deserialize)]
struct Questions {
    turn: Vec<Turn>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Turn {
    id: String,
    talk: Option<String>,
    ask: String,
    from: Option<String>,
    to: Option<String>,
    before: Option<String>,
    until: Option<String>,
    shape: Option<String>,
    near: Option<f64>,
    sql: Option<String>,
    decline: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Right,
    DeclinedRightly,
    SilentWrong,
    WrongDecline,
}

/// Microseconds of a time in the file.
fn moment(text: &str) -> i64 {
    let text = match text {
        "now" => world::NOW.to_owned(),
        day if day.len() == 10 => format!("{day}T00:00:00Z"),
        minute => format!("{minute}:00Z"),
    };
    Timestamp::parse(&text).unwrap().unix_us
}

#[tokio::test]
async fn questions_are_answered_as_hand_written_sql_answers_them() {
    let questions: Questions = toml::from_str(include_str!("ask_questions/questions.toml")).unwrap();
    let mut verdicts: BTreeMap<String, BTreeMap<Verdict, u32>> = BTreeMap::new();
    let (mut read_times, mut answer_times, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for seed in SEEDS {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let store = llm_gateway::store::open(&crate::store::storage(&data, None)).await.unwrap();
        let database = data.join("usage.db");
        let surroundings = world::fill(&store, &database, seed).await;
        let labels = surroundings.key_labels.iter().cloned().collect();
        let asker = Asker {
            names: Arc::new(names_of(store.history.names().await.unwrap(), &labels, [])),
            runner: Runner {
                sandbox: Sandbox::new(env!("CARGO_BIN_EXE_llm-gateway").into(), database.clone()),
                surroundings,
                deadline: Duration::from_secs(30),
                // Gold is exact, however busy the machine is.
                exact_for: Duration::from_secs(30),
            },
            clock: Clock::utc(Timestamp::parse(world::NOW).unwrap()),
            model: None,
        };
        let before = contents(&database).await;
        let mut gold = world::gold_connection(&database).await;
        let mut talks: BTreeMap<&str, QuerySpec> = BTreeMap::new();
        for turn in &questions.turn {
            let previous = turn.talk.as_deref().and_then(|talk| talks.get(talk)).cloned();
            let began = Instant::now();
            let answer = asker.answer(&turn.ask, previous.as_ref()).await.unwrap();
            answer_times.push(began.elapsed());
            read_times.push(Duration::from_millis(answer.why.read_ms));
            // What is offered in the place of a question is no dead end.
            for instead in answer.declined.iter().flat_map(|declined| &declined.r#try) {
                let other = asker.answer(instead, None).await.unwrap();
                assert!(other.declined.is_none(), "{}: {instead}", turn.ask);
            }
            if let (Some(talk), Some(spec)) = (turn.talk.as_deref(), answer.spec.clone()) {
                talks.insert(talk, spec);
            }
            let (verdict, why) = judge(turn, &serde_json::to_value(&answer).unwrap(), &mut gold).await;
            if !matches!(verdict, Verdict::Right | Verdict::DeclinedRightly) {
                wrong.push(format!("{} (seed {seed}): {} — {why}", turn.id, turn.ask));
            }
            *verdicts.entry(turn.id[..1].to_owned()).or_default().entry(verdict).or_default() += 1;
        }
        drop(gold);
        assert_eq!(contents(&database).await, before, "a question wrote something");
    }
    let count = |wanted: Verdict| verdicts.values().filter_map(|class| class.get(&wanted)).sum::<u32>();
    let all = verdicts.values().flat_map(BTreeMap::values).sum::<u32>();
    let right = count(Verdict::Right) + count(Verdict::DeclinedRightly);
    if std::env::var_os("ASK_TABLE").is_some() {
        print(&verdicts, &mut read_times, &mut answer_times);
    }
    let share = |number: u32| f64::from(number) / f64::from(all);
    let said = wrong.join("\n");
    assert!(share(right) >= 0.95, "{right} of {all} are right:\n{said}");
    assert!(share(count(Verdict::SilentWrong)) <= 0.02, "silently wrong:\n{said}");
    assert!(share(count(Verdict::WrongDecline)) <= 0.03, "wrongly declined:\n{said}");
    let malicious = &verdicts["M"];
    assert_eq!(malicious.keys().collect::<Vec<_>>(), [&Verdict::DeclinedRightly], "{said}");
}

/// How many rows every table has, but for what the store packs meanwhile.
async fn contents(database: &Path) -> BTreeMap<String, i64> {
    let mut connection = world::gold_connection(database).await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT IN ('rollup_days', 'rollup_packs', 'unpacked')",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let mut counts = BTreeMap::new();
    for table in tables {
        let count = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM main.\"{table}\"")));
        counts.insert(table, count.fetch_one(&mut connection).await.unwrap());
    }
    counts
}

async fn judge(turn: &Turn, answer: &Value, gold: &mut SqliteConnection) -> (Verdict, String) {
    let declined = answer["declined"]["kind"].as_str();
    if let Some(kinds) = &turn.decline {
        return match declined {
            Some(kind) if kinds.iter().any(|other| other == kind) => {
                let is_empty = answer["rows"].as_array().is_none_or(Vec::is_empty) && answer["sql"].is_null();
                let offers = answer["declined"]["try"].as_array().is_some_and(|list| !list.is_empty());
                if is_empty && offers {
                    (Verdict::DeclinedRightly, String::new())
                } else {
                    (Verdict::SilentWrong, "declined, but with rows or without another question".to_owned())
                }
            }
            Some(kind) => (Verdict::WrongDecline, format!("declined as {kind}")),
            None => (Verdict::SilentWrong, format!("answered: {}", answer["answer"])),
        };
    }
    if declined.is_some() {
        return (Verdict::WrongDecline, answer["declined"]["reason"].to_string());
    }
    let at = |text: &Option<String>| text.as_deref().map_or(0, moment);
    if turn.from.is_some() {
        let window = (answer["spec"]["window"]["from_us"].as_i64(), answer["spec"]["window"]["to_us"].as_i64());
        if window != (Some(at(&turn.from)), Some(at(&turn.to))) {
            return (Verdict::SilentWrong, format!("another window: {window:?}"));
        }
    }
    let mut sql = turn.sql.clone().unwrap();
    for (name, value) in [(":from", &turn.from), (":to", &turn.to), (":before", &turn.before), (":until", &turn.until)]
    {
        sql = sql.replace(name, &at(value).to_string());
    }
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut *gold).await.unwrap();
    let expected: Vec<Vec<Value>> = rows.iter().map(|row| (0..row.len()).map(|at| cell(row, at)).collect()).collect();
    let found: Vec<Vec<Value>> = serde_json::from_value(answer["rows"].clone()).unwrap();
    if expected.is_empty() {
        return (Verdict::SilentWrong, "the world has nothing to ask for".to_owned());
    }
    let near = turn.near.unwrap_or(0.0);
    let fits = |expected: &Vec<Value>, found: &Vec<Value>| {
        let mut free: Vec<&Value> = found.iter().collect();
        expected.iter().all(|cell| {
            let place = free.iter().position(|other| is_same(cell, other, near));
            place.map(|place| free.remove(place)).is_some() || is_nothing(cell)
        })
    };
    let in_any_order = |found: &[Vec<Value>]| {
        let mut rest: BTreeSet<usize> = (0..found.len()).collect();
        expected.iter().all(|row| {
            let place = rest.iter().copied().find(|place| fits(row, &found[*place]));
            place.is_some_and(|place| rest.remove(&place))
        })
    };
    let is_right = match turn.shape.as_deref().unwrap() {
        "list" => found.len() == expected.len() && expected.iter().zip(&found).all(|(row, other)| fits(row, other)),
        "set" => found.len() == expected.len() && in_any_order(&found),
        "head" => {
            found.first().is_some_and(|first| fits(&expected[0], first))
                && found.len() == expected.len()
                && in_any_order(&found)
        }
        "some" => in_any_order(&found),
        other => panic!("there is no shape {other}"),
    };
    if is_right {
        return (Verdict::Right, String::new());
    }
    let shown = |rows: &[Vec<Value>]| serde_json::to_string(&rows.iter().take(6).collect::<Vec<_>>()).unwrap();
    (
        Verdict::SilentWrong,
        format!("{} rows {}, not {} rows {}", found.len(), shown(&found), expected.len(), shown(&expected)),
    )
}

fn cell(row: &sqlx::sqlite::SqliteRow, at: usize) -> Value {
    let kind = row.try_get_raw(at).unwrap();
    match kind.type_info().name() {
        _ if kind.is_null() => Value::Null,
        "INTEGER" => row.get::<i64, _>(at).into(),
        "REAL" => row.get::<f64, _>(at).into(),
        _ => row.get::<String, _>(at).into(),
    }
}

/// Money and counts agree to 10⁻⁶; percentiles out of a histogram as near as it is fine.
fn is_same(expected: &Value, found: &Value, near: f64) -> bool {
    match (expected.as_f64(), found.as_f64()) {
        (Some(one), Some(other)) => (one - other).abs() <= (one.abs() * near.max(1e-9)).max(1e-6),
        _ => {
            let is_unset = *expected == "(none)" && found.is_null();
            expected == found || is_unset || (is_nothing(expected) && is_nothing(found))
        }
    }
}

/// Nothing was spent, or it is not known what.
fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_f64() == Some(0.0)
}

#[allow(clippy::print_stdout, reason = "the table is what was asked for")]
fn print(verdicts: &BTreeMap<String, BTreeMap<Verdict, u32>>, reads: &mut [Duration], answers: &mut [Duration]) {
    println!("\n| class | right | declined rightly | silently wrong | wrongly declined |\n|---|---|---|---|---|");
    let all = [Verdict::Right, Verdict::DeclinedRightly, Verdict::SilentWrong, Verdict::WrongDecline];
    for (class, counts) in verdicts {
        let cells = all.map(|verdict| counts.get(&verdict).copied().unwrap_or(0).to_string());
        println!("| {class} | {} |", cells.join(" | "));
    }
    let sums = all.map(|verdict| verdicts.values().filter_map(|class| class.get(&verdict)).sum::<u32>().to_string());
    println!("| all | {} |", sums.join(" | "));
    for (name, times) in [("read", reads), ("answer", answers)] {
        times.sort();
        let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1e3;
        println!("{name}: p50 {:.1} ms, p95 {:.1} ms", at(50), at(95));
    }
}
