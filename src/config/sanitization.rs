//! `[sanitization]`: what is looked for in requests and answers, and what is done about it.
//!
//! Reads names and types; which kinds and rules exist is the sanitizer's own knowledge.

mod read;

pub(super) use read::{inner, read};

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use super::{
    fields::Fields,
    report::{ConfigErrors, Place, Report},
    tree,
};
use crate::domain::Action;

/// `[sanitization]`; the default is off.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
    /// Where actions and patterns were stated.
    pub places: Places,
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
            places: Places::default(),
        }
    }
}

/// One of `[[sanitization.patterns]]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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

/// What a project or a virtual key states of its own, to be laid over `[sanitization]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SanitizationOverride {
    /// Whether anything is scanned at all.
    pub enabled: Option<bool>,
    /// As in [`Sanitization`], like the next two.
    pub scan_credentials: Option<bool>,
    /// Whether personal data is redacted.
    pub redact_pii: Option<bool>,
    /// Whether whatever is not `off` is blocked.
    pub compliance_gate: Option<bool>,
    /// Further actions; they win over equal names below.
    pub actions: Vec<(String, Action)>,
    /// Further patterns; they replace patterns of the same name below.
    pub patterns: Vec<SanitizationPattern>,
    /// Where actions and patterns were stated.
    pub places: Places,
}

impl Sanitization {
    /// These settings with `over` laid over them.
    pub fn with(&self, over: &SanitizationOverride) -> Self {
        let mut patterns = self.patterns.clone();
        patterns.retain(|below| !over.patterns.iter().any(|above| above.name.eq_ignore_ascii_case(&below.name)));
        patterns.extend(over.patterns.iter().cloned());
        Self {
            enabled: over.enabled.unwrap_or(self.enabled),
            scan_credentials: over.scan_credentials.unwrap_or(self.scan_credentials),
            redact_pii: over.redact_pii.unwrap_or(self.redact_pii),
            compliance_gate: over.compliance_gate.unwrap_or(self.compliance_gate),
            actions: self.actions.iter().chain(&over.actions).cloned().collect(),
            patterns,
            max_match_bytes: self.max_match_bytes,
            scan_timeout: self.scan_timeout,
            places: Places(over.places.0.iter().chain(&self.places.0).cloned().collect()),
        }
    }

    /// Reads a JSON object of the shape of `[sanitization]`.
    ///
    /// # Errors
    /// Everything that is wrong with it, as for a config file of the name `origin`.
    pub fn from_json(text: &str, origin: &str) -> Result<Self, ConfigErrors> {
        from_json(text, origin, read)
    }
}

impl SanitizationOverride {
    /// Reads a JSON object of the shape of `[key_map.<key>.sanitization]`.
    ///
    /// # Errors
    /// Everything that is wrong with it, as for a config file of the name `origin`.
    pub fn from_json(text: &str, origin: &str) -> Result<Self, ConfigErrors> {
        from_json(text, origin, |fields, report| read::over(fields, "sanitization", report))
    }

    /// The JSON object that [`Self::from_json`] reads.
    pub fn to_json(&self) -> serde_json::Value {
        let flags = [
            ("enabled", self.enabled),
            ("scan_credentials", self.scan_credentials),
            ("redact_pii", self.redact_pii),
            ("compliance_gate", self.compliance_gate),
        ];
        let mut object: serde_json::Map<String, serde_json::Value> =
            flags.into_iter().filter_map(|(name, flag)| Some((name.to_owned(), flag?.into()))).collect();
        if !self.actions.is_empty() {
            let actions = self.actions.iter().map(|(name, action)| (name.clone(), action.as_str().into()));
            object.insert("actions".to_owned(), serde_json::Value::Object(actions.collect()));
        }
        if !self.patterns.is_empty() {
            object.insert("patterns".to_owned(), self.patterns.iter().map(SanitizationPattern::to_json).collect());
        }
        object.into()
    }
}

impl SanitizationPattern {
    fn to_json(&self) -> serde_json::Value {
        let texts = [
            ("name", Some(self.name.as_str())),
            ("pattern", Some(&self.pattern)),
            ("replacement", self.replacement.as_deref()),
            ("apply_to", Some(self.apply_to.as_str())),
            ("action", self.action.map(Action::as_str)),
        ];
        let members = texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into())));
        serde_json::Value::Object(members.collect())
    }
}

fn from_json<T>(text: &str, origin: &str, read: impl FnOnce(Fields<'_>, &Report) -> T) -> Result<T, ConfigErrors> {
    let (report, file) = (Report::default(), Arc::from(origin));
    let table = tree::from_json(&file, text, &report);
    let result = read(Fields::new("sanitization", Place::file(&file), table, &report), &report);
    report.finish().map(|_| result)
}

/// Where actions and patterns were stated, by their names: a file with line, and a key. It takes no
/// part in comparisons.
#[derive(Clone, Debug, Default)]
pub struct Places(Vec<(String, String)>);

impl Places {
    /// Where the action of this name, or the pattern of this name, was stated last.
    pub fn of(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, place)| place.as_str())
    }
}

impl PartialEq for Places {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Places {}

impl Hash for Places {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}
