//! Settings of the sanitizer as the API takes and shows them.
//!
//! The shape is that of the config file, and its values are checked by the same code.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::ApiError;
use crate::{
    config::{ApplyTo, ConfigErrors, SanitizationOverride},
    domain::Action,
};

/// Settings that are laid over those of the project and of `[sanitization]`. What is left out stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SanitizationOverride)]
pub(super) struct OverrideBody {
    /// Whether anything is scanned at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    /// Preset: credentials are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scan_credentials: Option<bool>,
    /// Preset: personal data is redacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    redact_pii: Option<bool>,
    /// Preset: whatever is not `off` is blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    compliance_gate: Option<bool>,
    /// `off`, `log`, `redact`, `mask` or `block`, by category, kind, rule or pattern.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(example = json!({"pii": "mask", "email": "log"}))]
    actions: BTreeMap<String, String>,
    /// Own patterns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    patterns: Vec<PatternBody>,
}

/// A pattern of the operator's own.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SanitizationPattern)]
struct PatternBody {
    /// A unique name: a letter, then letters, digits, `_` and `-`.
    #[schema(example = "ticket")]
    name: String,
    /// A regular expression without look-around and back-references.
    #[schema(example = "TICKET-[0-9]+")]
    pattern: String,
    /// What is written in the place of a match; by default `[REDACTED|NAME]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replacement: Option<String>,
    /// `request`, `response` or `both`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    apply_to: Option<String>,
    /// What is done about a match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    action: Option<String>,
}

impl OverrideBody {
    /// The checked settings.
    ///
    /// # Errors
    /// 400 that names `param`.
    pub(super) fn checked(&self, param: &str) -> Result<SanitizationOverride, ApiError> {
        let text = serde_json::to_string(self).map_err(|fault| ApiError::internal(&fault))?;
        SanitizationOverride::from_json(&text, param).map_err(|errors| refused(param, &errors))
    }
}

/// What the client is told of settings that cannot be.
pub(super) fn refused(param: &str, errors: &ConfigErrors) -> ApiError {
    let head = format!("{param}:1: ");
    let lines: Vec<&str> = errors.lines().iter().map(|line| line.strip_prefix(&head).unwrap_or(line)).collect();
    ApiError::invalid(param, lines.join("; "))
}

impl From<&SanitizationOverride> for OverrideBody {
    fn from(over: &SanitizationOverride) -> Self {
        Self {
            enabled: over.enabled,
            scan_credentials: over.scan_credentials,
            redact_pii: over.redact_pii,
            compliance_gate: over.compliance_gate,
            actions: over.actions.iter().map(|(name, action)| (name.clone(), action.as_str().to_owned())).collect(),
            patterns: over
                .patterns
                .iter()
                .map(|pattern| PatternBody {
                    name: pattern.name.clone(),
                    pattern: pattern.pattern.clone(),
                    replacement: pattern.replacement.clone(),
                    apply_to: (pattern.apply_to != ApplyTo::Both).then(|| pattern.apply_to.as_str().to_owned()),
                    action: pattern.action.map(Action::as_str).map(str::to_owned),
                })
                .collect(),
        }
    }
}
