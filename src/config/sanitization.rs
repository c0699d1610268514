//! `[sanitization]`: what is looked for in requests and answers, and what is done about it.
//!
//! Reads names and types; which kinds and rules exist is the sanitizer's own knowledge.

use std::time::Duration;

use super::{
    fields::{Fields, Stated},
    report::{Report, did_you_mean},
    schema,
    tree::{Node, Value},
};
use crate::domain::Action;

/// `[sanitization]`; the default is off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sanitization {
    /// Whether anything is scanned at all.
    pub enabled: bool,
    /// Preset: credentials are logged unless an action says more.
    pub scan_credentials: bool,
    /// Preset: personal data is redacted unless an action says otherwise.
    pub redact_pii: bool,
    /// Preset: whatever is not `off` is blocked.
    pub compliance_gate: bool,
    /// What is done, by category, kind or rule id, as it was stated; the more specific name wins,
    /// of equal names the last.
    pub actions: Vec<(String, Action)>,
    /// The operator's own patterns.
    pub patterns: Vec<SanitizationPattern>,
    /// Longest match, in bytes of decoded text.
    pub max_match_bytes: usize,
    /// Longest time that scanning one body, or one piece of a stream, may take.
    pub scan_timeout: Duration,
}

impl Default for Sanitization {
    fn default() -> Self {
        Self {
            enabled: false,
            scan_credentials: true,
            redact_pii: false,
            compliance_gate: false,
            actions: Vec::new(),
            patterns: Vec::new(),
            max_match_bytes: 16 * 1024,
            scan_timeout: Duration::from_secs(5),
        }
    }
}

/// One of `[[sanitization.patterns]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SanitizationPattern {
    /// Unique name, `[A-Za-z][A-Za-z0-9_-]*`.
    pub name: String,
    /// A regular expression in the syntax of the `regex` crate.
    pub pattern: String,
    /// What is written in the place of a match, literally; `None` is `[REDACTED|NAME]`.
    pub replacement: Option<String>,
    /// Which texts are searched.
    pub apply_to: ApplyTo,
    /// What is done about a match; `None` is decided by `custom` in the actions, else `redact`.
    pub action: Option<Action>,
}

/// `apply_to`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApplyTo {
    /// What clients send.
    Request,
    /// What providers answer.
    Response,
    /// Both.
    #[default]
    Both,
}

impl ApplyTo {
    /// Every direction.
    pub const ALL: [Self; 3] = [Self::Request, Self::Response, Self::Both];

    /// The name in config files and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
            Self::Both => "both",
        }
    }

    /// Reads the name back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|side| side.as_str() == text)
    }
}

/// Most patterns of one table.
const MAX_PATTERNS: usize = 256;

/// Longest name and longest pattern or replacement, in bytes.
const MAX_NAME: usize = 64;
const MAX_TEXT: usize = 4096;

/// `[sanitization]`
pub(super) fn read(mut fields: Fields<'_>, report: &Report) -> Sanitization {
    let usual = Sanitization::default();
    let enabled_at = fields.place_of("enabled");
    let enabled = fields.flag("enabled").unwrap_or(usual.enabled);
    if enabled {
        let what = "the sanitizer is not in this version, and starting without it would forward unscanned text; set it to false";
        fields.error_at(&enabled_at, "enabled", what);
    }
    Sanitization {
        enabled,
        scan_credentials: fields.flag("scan_credentials").unwrap_or(usual.scan_credentials),
        redact_pii: fields.flag("redact_pii").unwrap_or(usual.redact_pii),
        compliance_gate: fields.flag("compliance_gate").unwrap_or(usual.compliance_gate),
        max_match_bytes: fields
            .number("max_match_bytes", 64..=1 << 20)
            .and_then(|bytes| usize::try_from(bytes).ok())
            .unwrap_or(usual.max_match_bytes),
        scan_timeout: fields.seconds("scan_timeout").unwrap_or(usual.scan_timeout),
        actions: fields.node("actions").map(|node| actions("sanitization.actions", node, report)).unwrap_or_default(),
        patterns: fields
            .node("patterns")
            .map(|node| patterns("sanitization.patterns", node, report))
            .unwrap_or_default(),
    }
}

fn actions(path: &str, node: Node, report: &Report) -> Vec<(String, Action)> {
    let mut fields = Fields::of(path, node, report);
    let names = fields.names();
    names.into_iter().filter_map(|name| action(&mut fields, &name).map(|action| (name, action))).collect()
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

fn patterns(path: &str, node: Node, report: &Report) -> Vec<SanitizationPattern> {
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
        if let Some(pattern) = pattern(&mut fields, &patterns) {
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
