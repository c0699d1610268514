//! The guard of questions' SQL: whatever it lets through is one query over the run's views, all texts bound.

use llm_gateway::analytics::ask::{Value, check_sql};

/// The input as a statement that may use one value.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(checked) = check_sql(&text, &[Value::Integer(1)], "t0k3n") else { return };
    let sql = &checked.sql;
    let begins = ["SELECT ", "WITH ", "VALUES "].iter().any(|word| sql.starts_with(word));
    assert!(begins, "it runs as something else than a query: {sql}");
    let limit = sql.rsplit_once(" LIMIT ").map(|(_, rest)| rest.split(' ').next().unwrap().parse::<u32>());
    assert!(matches!(limit, Some(Ok(0..=1001))), "it runs without a limit: {sql}");
    for sign in ["'", ";", "`", "[", "]", "\\", "--", "/*"] {
        let outside = sql.split('"').step_by(2).any(|part| part.contains(sign));
        assert!(!outside, "{sign} stands outside of names: {sql}");
    }
    assert_eq!(sql.matches('"').count() % 2, 0, "a name does not end: {sql}");
    // Every table is one of the run's.
    let plain = sql.replace(" DISTINCT FROM ", " = ");
    for rest in plain.split(" FROM ").skip(1) {
        let table = rest.trim_start_matches('(');
        let is_ours =
            ["v_t0k3n_", "\"own_t0k3n_", "SELECT ", "WITH ", "VALUES "].iter().any(|one| table.starts_with(one));
        assert!(is_ours || !outside_of_names(&plain, rest), "it reads another table: {sql}");
    }
    // What it lets through, it lets through again.
    assert_eq!(check_sql(&text, &[Value::Integer(1)], "t0k3n").as_ref(), Ok(&checked));
}

/// Whether a piece that ends `sql` begins outside of a quoted name.
fn outside_of_names(sql: &str, piece: &str) -> bool {
    sql[..sql.len() - piece.len()].matches('"').count().is_multiple_of(2)
}
