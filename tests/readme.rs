//! The README's table of error codes is the code's.

use std::collections::BTreeMap;

use llm_gateway::domain::ErrorKind;

#[test]
fn the_readme_lists_every_error_code_with_its_status() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let documented: BTreeMap<String, u16> = readme
        .lines()
        .skip_while(|line| !line.starts_with("| code | status |"))
        .take_while(|line| line.starts_with('|'))
        .filter_map(|line| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            let code = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
            Some((code.to_owned(), cells.next()?.parse().ok()?))
        })
        .collect();
    let known: BTreeMap<String, u16> =
        ErrorKind::ALL.into_iter().map(|kind| (kind.as_str().to_owned(), kind.status())).collect();
    assert_eq!(documented, known);
}
