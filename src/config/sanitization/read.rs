//! Reads `[sanitization]` and what projects and keys state of their own.

use super::{ApplyTo, Places, Sanitization, SanitizationOverride, SanitizationPattern};
use crate::{
    config::{
        fields::{Fields, Stated},
        report::{Report, did_you_mean},
        schema,
        tree::{Node, Value},
    },
    domain::Action,
};

/// Most patterns of one table.
const MAX_PATTERNS: usize = 256;

/// Longest name and longest pattern or replacement, in bytes.
const MAX_NAME: usize = 64;
const MAX_TEXT: usize = 4096;

/// `[sanitization]`
pub(in crate::config) fn read(mut fields: Fields<'_>, report: &Report) -> Sanitization {
    let usual = Sanitization::default();
    if let Some(section) = schema::section("sanitization") {
        fields.only(section);
    }
    let max_match_bytes = fields.number("max_match_bytes", 64..=1 << 20).and_then(|bytes| usize::try_from(bytes).ok());
    let scan_timeout = fields.seconds("scan_timeout");
    let stated = layer(fields, "sanitization", report);
    let usual = Sanitization {
        max_match_bytes: max_match_bytes.unwrap_or(usual.max_match_bytes),
        scan_timeout: scan_timeout.unwrap_or(usual.scan_timeout),
        ..usual
    };
    usual.with(&stated)
}

/// The `sanitization` of a project or key; `path` is what messages call it.
pub(in crate::config) fn inner(fields: &mut Fields<'_>, path: &str, report: &Report) -> Option<SanitizationOverride> {
    let node = fields.node("sanitization")?;
    Some(over(Fields::of(path, node, report), path, report))
}

/// An override whose table is open.
pub(super) fn over(mut fields: Fields<'_>, path: &str, report: &Report) -> SanitizationOverride {
    fields.only_keys(&schema::OVERRIDE_KEYS, &[]);
    layer(fields, path, report)
}

fn layer(mut fields: Fields<'_>, path: &str, report: &Report) -> SanitizationOverride {
    let mut places = Places::default();
    let actions_path = format!("{path}.actions");
    let patterns_path = format!("{path}.patterns");
    SanitizationOverride {
        enabled: fields.flag("enabled"),
        scan_credentials: fields.flag("scan_credentials"),
        redact_pii: fields.flag("redact_pii"),
        compliance_gate: fields.flag("compliance_gate"),
        actions: fields
            .node("actions")
            .map(|node| actions(&actions_path, node, &mut places, report))
            .unwrap_or_default(),
        patterns: fields
            .node("patterns")
            .map(|node| patterns(&patterns_path, node, &mut places, report))
            .unwrap_or_default(),
        places,
    }
}

fn actions(path: &str, node: Node, places: &mut Places, report: &Report) -> Vec<(String, Action)> {
    let mut fields = Fields::of(path, node, report);
    let mut actions = Vec::new();
    for name in fields.names() {
        let place = format!("{}: {}", fields.place_of(&name), fields.key(&name));
        if let Some(action) = action(&mut fields, &name) {
            places.0.push((name.clone(), place));
            actions.push((name, action));
        }
    }
    actions
}

fn action(fields: &mut Fields<'_>, key: &str) -> Option<Action> {
    let text = fields.text(key)?;
    let action = Action::parse(&text.value);
    if action.is_none() {
        refuse_word(fields, key, &text, &Action::ALL.map(Action::as_str));
    }
    action
}

/// One of a few words was expected.
fn refuse_word(fields: &Fields<'_>, key: &str, text: &Stated<String>, words: &[&str]) {
    let hint = did_you_mean(&text.value, words.iter().copied());
    let right = if hint.is_empty() { format!("; write one of {}", words.join(", ")) } else { hint };
    fields.error_at(&text.place, key, format_args!("{} is not known{right}", text.quoted()));
}

fn patterns(path: &str, node: Node, places: &mut Places, report: &Report) -> Vec<SanitizationPattern> {
    let items = match node.value {
        Value::List(items) => items,
        other => {
            report.error(&node.place, path, format_args!("is {}; write [[{path}]]", other.kind()));
            return Vec::new();
        }
    };
    if items.len() > MAX_PATTERNS {
        report.error(&node.place, path, format_args!("has more than {MAX_PATTERNS} patterns; join some"));
        return Vec::new();
    }
    let mut patterns: Vec<SanitizationPattern> = Vec::new();
    for item in items {
        let mut fields = Fields::of(path, item, report);
        fields.only_keys(&schema::PATTERN_KEYS, &[]);
        let place = format!("{}: {}", fields.place_of("pattern"), fields.key("pattern"));
        if let Some(pattern) = pattern(&mut fields, &patterns) {
            places.0.push((pattern.name.clone(), place));
            patterns.push(pattern);
        }
    }
    patterns
}

fn pattern(fields: &mut Fields<'_>, before: &[SanitizationPattern]) -> Option<SanitizationPattern> {
    for (key, right) in [("name", "name = \"ticket\""), ("pattern", "pattern = 'TICKET-[0-9]+'")] {
        if !fields.has(key) {
            fields.error(key, format_args!("is missing; write for example {right}"));
        }
    }
    let name = fields.text("name").and_then(|name| {
        let is_name = name.value.len() <= MAX_NAME
            && name.value.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        if !is_name {
            let what = format!("{} is no name; write a letter, then letters, digits, _ and -", name.quoted());
            fields.error_at(&name.place, "name", what);
        } else if before.iter().any(|other| other.name.eq_ignore_ascii_case(&name.value)) {
            fields.error_at(&name.place, "name", format_args!("{} is used twice; choose another", name.quoted()));
        }
        is_name.then_some(name.value)
    });
    let pattern = short(fields.text("pattern"), "pattern", fields);
    let replacement = short(fields.text_or_empty("replacement"), "replacement", fields);
    let apply_to = fields.text("apply_to").and_then(|text| {
        let side = ApplyTo::parse(&text.value);
        if side.is_none() {
            refuse_word(fields, "apply_to", &text, &ApplyTo::ALL.map(ApplyTo::as_str));
        }
        side
    });
    let action = action(fields, "action");
    Some(SanitizationPattern {
        name: name?,
        pattern: pattern?,
        replacement,
        apply_to: apply_to.unwrap_or_default(),
        action,
    })
}

fn short(text: Option<Stated<String>>, key: &str, fields: &Fields<'_>) -> Option<String> {
    let text = text?;
    if text.value.len() > MAX_TEXT {
        fields.error_at(&text.place, key, format_args!("is longer than {MAX_TEXT} bytes; shorten it"));
        return None;
    }
    Some(text.value)
}
