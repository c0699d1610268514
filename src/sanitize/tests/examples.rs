//! Every rule's examples, alone and in running text.

use super::*;

/// What may stand around a match, of which the match must not depend.
const SURROUNDINGS: [(&str, &str); 10] = [
    ("", ""),
    ("The value is ", " and nothing else."),
    ("\"", "\""),
    ("'", "',"),
    ("`", "`"),
    ("(", ")"),
    ("früher: ", " — später"),
    ("\n- ", "\n"),
    ("值为", "。"),
    ("a line\\n", "\\n"),
];

#[test]
fn every_example_that_matches_is_found_wherever_it_stands() {
    let mut wrong = Vec::new();
    for rule in all_rules() {
        let rules = only(rule.id);
        for example in rule.matches {
            let (text, range) = unmarked(example);
            for (before, after) in SURROUNDINGS {
                let whole = format!("{before}{text}{after}");
                let found = scan(&rules, &whole);
                let expected = range.start + before.len()..range.end + before.len();
                if found.len() != 1 || found[0].range != expected {
                    let found: Vec<_> = found.iter().map(|one| &whole[one.range.clone()]).collect();
                    wrong.push(format!("{}: {whole:?} -> {found:?}", rule.id));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn tokens_are_found_behind_an_equals_sign() {
    for rule in all_rules().iter().filter(|rule| rule.near.is_empty()) {
        for example in rule.matches.iter().filter(|example| !example.contains('«')) {
            let whole = format!("NAME={example}\n");
            assert!(!scan(&only(rule.id), &whole).is_empty(), "{}: {whole}", rule.id);
        }
    }
}

#[test]
fn no_example_that_misses_is_found() {
    let mut wrong = Vec::new();
    for rule in all_rules() {
        let rules = only(rule.id);
        for example in rule.misses {
            for (before, after) in SURROUNDINGS {
                let whole = format!("{before}{example}{after}");
                if let Some(one) = scan(&rules, &whole).first() {
                    wrong.push(format!("{}: {whole:?} -> {:?}", rule.id, &whole[one.range.clone()]));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
