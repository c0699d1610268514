//! The table of promises (docs/contract.md): every row has tests that exist, or says that it is not there yet.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

const TABLE: &str = include_str!("../docs/contract.md");

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The text of `tests/<module>.rs` and of every file below `tests/<module>/`.
fn module(name: &str) -> String {
    fn below(path: &Path, text: &mut String) {
        for entry in std::fs::read_dir(path).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(&path, text);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                text.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut text = std::fs::read_to_string(root().join(format!("tests/{name}.rs"))).unwrap_or_default();
    below(&root().join("tests").join(name), &mut text);
    text
}

/// Whether a proof such as `file::name` or `path/to.ext::name` names a test that is there.
fn exists(proof: &str, modules: &mut BTreeMap<String, String>) -> bool {
    let Some((place, name)) = proof.split_once("::") else { return false };
    let declared = |text: &str| text.contains(&format!("fn {name}("));
    if !place.contains('/') {
        return declared(modules.entry(place.to_owned()).or_insert_with(|| module(place)));
    }
    let text = std::fs::read_to_string(root().join(place)).unwrap_or_default();
    if place.ends_with(".rs") {
        declared(&text)
    } else if place.ends_with(".py") {
        text.contains(&format!("def {name}("))
    } else {
        text.contains(&format!("'{name}'"))
    }
}

#[test]
fn every_promise_names_a_test_that_exists_or_says_not_yet() {
    let mut modules = BTreeMap::new();
    let rows = TABLE.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| promise"));
    let mut count = 0;
    for row in rows {
        let (promise, proof) = row.trim_matches(['|', ' ']).rsplit_once(" | ").unwrap_or_else(|| panic!("{row}"));
        let proofs: Vec<&str> = proof.split('`').skip(1).step_by(2).filter(|proof| proof.contains("::")).collect();
        assert!(!proofs.is_empty() || proof.starts_with("not yet"), "nothing proves: {promise}");
        for proof in proofs {
            assert!(exists(proof, &mut modules), "there is no test {proof}, which is to prove: {promise}");
        }
        count += 1;
    }
    assert!(count > 60, "the walk found only {count} rows");
    assert!(!exists("config::there_is_no_such_test", &mut modules) && !exists("nonsense", &mut modules));
}
