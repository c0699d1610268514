//! The rule sets that the sanitizer's targets run with.

use std::sync::{Arc, LazyLock};

use llm_gateway::{
    config::{ApplyTo, Sanitization, SanitizationPattern},
    domain::Action,
    sanitize::RuleSet,
};

/// Redaction of personal data with own patterns of all sorts; masks; everything blocked; everything logged.
pub(crate) static SETS: LazyLock<[Arc<RuleSet>; 4]> = LazyLock::new(|| {
    let own = |name: &str, pattern: &str| SanitizationPattern {
        name: name.to_owned(),
        pattern: pattern.to_owned(),
        // What JSON must escape.
        replacement: Some("\"\\\n".to_owned()),
        apply_to: ApplyTo::Both,
        action: Some(Action::Redact),
    };
    let patterns = vec![
        own("word", r"\bfoo(?:bar)?\b"),
        own("line", r"(?m)^#.*$"),
        own("lazy", r"<<(?s:.)*?>>"),
        own("number", r"\d{5,}"),
    ];
    let all = |action: Action| vec![("credentials".to_owned(), action), ("pii".to_owned(), action)];
    let set = |max_match_bytes: usize, actions: Vec<(String, Action)>, patterns: Vec<SanitizationPattern>| {
        let settings = Sanitization { enabled: true, max_match_bytes, actions, patterns, ..Sanitization::default() };
        Arc::new(RuleSet::compile(&settings).expect("the rules compile"))
    };
    [
        set(200, all(Action::Redact), patterns),
        set(16 << 10, all(Action::Mask), Vec::new()),
        set(16 << 10, all(Action::Block), Vec::new()),
        set(16 << 10, all(Action::Log), Vec::new()),
    ]
});
