//! The guard, by tables of statements.

use proptest::prelude::*;

use super::*;

fn ran(sql: &str) -> String {
    check(sql, &[], "T").unwrap_or_else(|why| panic!("{sql}: {why}")).sql
}

#[test]
fn what_runs_names_the_views_of_the_run_binds_texts_and_has_a_limit() {
    let checked = check("select model, sum(cost_usd) c from requests where project = 'a''b' group by 1", &[], "T");
    let checked = checked.unwrap();
    assert_eq!(
        checked.sql,
        "SELECT \"model\", sum(\"cost_usd\") AS \"c\" FROM v_T_requests AS \"requests\" WHERE \"project\" = ?1 \
         GROUP BY 1 LIMIT 1001"
    );
    assert_eq!(checked.values, [Value::Text("a'b".to_owned())]);
    assert_eq!(checked.views, ["requests"]);
    assert!(ran("select 1 from requests limit 5").ends_with(" LIMIT 5"));
    assert!(ran("select 1 from requests limit 5000 offset 10").ends_with(" LIMIT 1001 OFFSET 10"));
    assert_eq!(
        ran("with t as (select 1 as x from usage) select t.x from t"),
        "WITH \"own_T_t\" AS (SELECT 1 AS \"x\" FROM v_T_usage AS \"usage\") SELECT \"t\".\"x\" FROM \"own_T_t\" \
         AS \"t\" LIMIT 1001"
    );
    assert_eq!(check("select ?1 from requests", &[Value::Integer(4)], "T").unwrap().values, [Value::Integer(4)]);
}

/// What a parser might end a text or a name by, and SQLite not, never reaches SQLite as text.
#[test]
fn texts_and_names_cannot_run_on() {
    for sql in [
        r"select '\'' from requests",
        r"select '\''', max(id) from incidents --' from requests",
        "select 'a' 'b' from requests",
        "select model as \"x\"\"y\" from requests",
        "select model as `x``y` from requests",
        "select model as [x'y] from requests",
        "select x'414243' from requests",
        "select $$a$$ from requests",
        "select model as 'x' from requests",
    ] {
        if let Ok(checked) = check(sql, &[], "T") {
            assert!(!checked.sql.contains(['\'', '\\', '`', '[']), "{sql} runs as {}", checked.sql);
            assert_eq!(checked.sql.matches('"').count() % 2, 0, "{}", checked.sql);
        }
    }
}

#[test]
fn what_is_refused_is_said_in_the_writers_words() {
    for (sql, why) in [
        ("", "there is no statement"),
        ("drop table records", "only queries may run: SELECT or WITH … SELECT"),
        ("select 1; select 2", "only one statement may run at a time"),
        ("select * from records", "there is no view `records`; there are requests, usage, "),
        ("select load_extension('x') from requests", "the function `load_extension` is not allowed"),
        ("select * from main.requests", "write the names of views alone, without a database before them"),
        (
            "with requests as (select 1) select * from requests",
            "`requests` is a view: give your own table another name",
        ),
        ("with recursive t as (select 1) select * from t", "WITH RECURSIVE is not allowed"),
        ("select ?1 from requests", "there is no value for a placeholder"),
    ] {
        let refused = check(sql, &[], "T").unwrap_err().to_string();
        assert!(refused.starts_with(why), "{sql}: {refused}");
    }
}

#[test]
fn depth_and_length_are_bounded() {
    let deep = format!("select {}1{} from requests", "(".repeat(900), ")".repeat(900));
    let long = format!("select 1{} from requests", "+1".repeat(9_000));
    let chained = format!("select 1{} from requests", "+1".repeat(1_000));
    let wide = format!("select model from requests where seq in ({})", vec!["1"; 9_000].join(","));
    for sql in [deep, long, chained, wide, format!("select '{}'", "x".repeat(SQL_BYTES_MAX))] {
        assert!(check(&sql, &[], "T").is_err(), "{}", &sql[..60]);
    }
}

proptest! {
    /// Whatever is let through is one query over the run's views, and is understood as such when it is read again.
    #[test]
    fn anything_at_all_is_refused_or_a_query(text in "(?s)(select|with|;| |,|\\*|from|requests|usage|main|\\.|\\(|\\)|'|\"|`|\\[|\\]|--|/\\*|\\*/|\\\\|x|1|union|as|where|sqlite_master|\\?1|\n){0,40}") {
        if let Ok(checked) = check(&text, &[Value::Null], "T") {
            prop_assert!(checked.sql.starts_with("SELECT ") || checked.sql.starts_with("WITH ") || checked.sql.starts_with("VALUES "));
            prop_assert!(!checked.sql.contains(['\'', ';', '`', '[', '\\']), "{}", checked.sql);
            prop_assert!(!checked.sql.contains("--") && !checked.sql.contains("/*"), "{}", checked.sql);
        }
    }
}
