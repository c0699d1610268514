//! The README's tables of error codes are the code's.

use std::collections::{BTreeMap, BTreeSet};

use llm_gateway::domain::ErrorKind;

const README: &str = include_str!("../README.md");

/// Code and status of the table whose head begins with `head`.
fn table(head: &str) -> BTreeMap<String, u16> {
    let rows = README.lines().skip_while(|line| !line.starts_with(head)).take_while(|line| line.starts_with('|'));
    rows.filter_map(|line| {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let code = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
        Some((code.to_owned(), cells.next()?.parse().ok()?))
    })
    .collect()
}

#[test]
fn the_readme_lists_every_error_kind_with_its_status() {
    let known: BTreeMap<String, u16> =
        ErrorKind::ALL.into_iter().map(|kind| (kind.as_str().to_owned(), kind.status())).collect();
    assert_eq!(table("| code | status |"), known);
}

#[test]
fn the_readme_lists_every_admin_code() {
    let document = serde_json::to_value(llm_gateway::server::openapi()).unwrap();
    let codes = document.pointer("/components/schemas/AdminErrorCode/enum").unwrap().as_array().unwrap();
    let known: BTreeSet<&str> = codes.iter().filter_map(|code| code.as_str()).collect();
    let (shared, own) = (table("| code | status |"), table("| admin code |"));
    let listed: BTreeSet<&str> = shared
        .keys()
        .map(String::as_str)
        .filter(|code| known.contains(code))
        .chain(own.keys().map(String::as_str))
        .collect();
    assert_eq!(listed, known);
}
