//! The sanitizer's window: the matches in a text are the same for every way to cut it, and none lies
//! outside of it or across another.

use std::{ops::Range, sync::LazyLock};

use llm_gateway::{
    config::{ApplyTo, Sanitization, SanitizationPattern},
    domain::{Action, Direction},
    sanitize::{LOOK_BACK, RuleSet},
};

use super::cuts;

/// Where a match is, and whose it is.
type Found = Vec<(Range<usize>, String)>;

/// Every rule that there is, with short matches; credentials are only logged, so that both ways are taken.
static RULES: LazyLock<RuleSet> = LazyLock::new(|| {
    let own = |name: &str, pattern: &str| SanitizationPattern {
        name: name.to_owned(),
        pattern: pattern.to_owned(),
        replacement: None,
        apply_to: ApplyTo::Both,
        action: Some(Action::Redact),
    };
    let settings = Sanitization {
        enabled: true,
        redact_pii: true,
        max_match_bytes: 200,
        patterns: vec![own("word", r"\bfoo(?:bar)?\b"), own("line", r"(?m)^#.*$"), own("lazy", r"<<(?s:.)*?>>")],
        ..Sanitization::default()
    };
    RuleSet::compile(&settings).expect("the rules compile")
});

/// The input is a text; what is not UTF-8 in it is replaced.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let whole = in_pieces(&text, &[text.as_bytes()]);
    for feeds in cuts::of(text.as_bytes()) {
        assert_eq!(in_pieces(&text, &feeds), whole, "the matches depend on the split");
    }
}

/// Feeds the text in these pieces (cut at characters) and keeps of what is settled only what must be kept.
fn in_pieces(text: &str, feeds: &[&[u8]]) -> Found {
    let (mut kept_from, mut from, mut end) = (0, 0, 0);
    let mut all = Found::new();
    for (number, feed) in feeds.iter().enumerate() {
        end += feed.len();
        let is_final = number + 1 == feeds.len();
        let window = &text[kept_from..text.floor_char_boundary(end)];
        let mut found = Vec::new();
        let settled = RULES.scan(Direction::Request, window, from - kept_from, is_final, &mut found) + kept_from;
        for one in found {
            let range = one.range.start + kept_from..one.range.end + kept_from;
            assert!(range.start >= from && range.end <= settled && !range.is_empty(), "a match lies outside");
            assert!(all.last().is_none_or(|(last, _)| last.end <= range.start), "two matches overlap");
            all.push((range, one.rule.id().to_string()));
        }
        assert!(settled >= from && text.is_char_boundary(settled), "the settled place is wrong");
        from = settled;
        kept_from = text.floor_char_boundary(settled.saturating_sub(LOOK_BACK));
    }
    assert_eq!(from, text.len(), "the end leaves nothing open");
    all
}
