//! The body editor: JSON stays JSON, what no rule touched stays byte for byte, and nothing changes of which nothing
//! is told.

use bytes::Bytes;
use llm_gateway::{
    dialect::splice::splice,
    domain::Action,
    sanitize::{Checked, Failure, Vault, check_answer, check_request, check_upload},
};
use serde::de::IgnoredAny;

use super::rules::SETS;

/// The input is a body: a request's and an answer's, and a form whose boundary is `x`.
pub fn run(data: &[u8]) {
    for (number, rules) in SETS.iter().enumerate() {
        let mut vault = Vault::default();
        judged(data, check_request(rules, data, &mut vault), number, true);
        let masks: Vec<String> = vault.entries().map(|(placeholder, _)| placeholder.to_owned()).collect();
        judged(data, check_answer(rules, data, &vault), number, true);
        for kind in ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/plain"] {
            judged(data, check_upload(rules, kind, data, &mut Vault::default()), number, false);
        }
        // What the provider repeats comes back.
        let echo = serde_json::to_vec(&masks).unwrap();
        let restored = judged(&echo, check_answer(rules, &echo, &vault), number, true).expect("an echo can be read");
        let restored: Vec<String> = serde_json::from_slice(&restored).expect("an echo is JSON");
        assert!(
            masks.is_empty() || vault.entries().map(|(_, original)| original).eq(restored.iter().map(String::as_str))
        );
    }
}

fn judged(body: &[u8], checked: Result<Checked, Failure>, number: usize, is_json: bool) -> Option<Bytes> {
    let Checked { mut edits, report } = checked.ok()?;
    assert!(edits.is_empty() || !report.findings.is_empty() || number == 1, "a change of which nothing is told");
    assert_eq!(report.blocked, report.findings.iter().any(|found| found.action == Action::Block));
    edits.sort_by_key(|edit| edit.span.start);
    for pair in edits.windows(2) {
        assert!(pair[0].span.end <= pair[1].span.start, "two changes overlap");
    }
    let is_clean = edits.is_empty();
    let after = splice(&Bytes::copy_from_slice(body), &mut edits);
    assert!(!is_clean || after == body, "what has no change has changed");
    if is_json {
        // serde_json does not look into strings, so that half a pair of code units passes it as it passes us.
        let is_json = serde_json::from_slice::<IgnoredAny>(&after).is_ok();
        assert!(is_json, "JSON has become {:?}", String::from_utf8_lossy(&after));
    }
    Some(after)
}
