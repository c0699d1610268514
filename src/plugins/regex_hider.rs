//! `regex-hider`: the operator's patterns, replaced in requests, in answers or in both.
//!
//! It has no engine of its own. Its patterns join the sanitizer's, so that they hold in every text of every API and over
//! any number of chunks of a stream.

use std::sync::Arc;

use serde::Deserialize;

use super::{
    Plugin, Shared,
    hooks::Hooks,
    registry::{Kind, Tools, settings},
    schema::Misfit,
};
use crate::{
    config::{ApplyTo, PluginBlock, Sanitization, SanitizationPattern},
    domain::Action,
    sanitize::RuleSet,
};

pub(super) const KIND: Kind = Kind {
    id: "regex-hider",
    version: "1.0.0",
    description: "Replaces what matches regular expressions, in requests, in answers or in both, streams included.",
    schema: r#"{
        "type": "object", "additionalProperties": false, "required": ["patterns"],
        "properties": {
            "patterns": {
                "type": "array", "minItems": 1, "maxItems": 128,
                "items": {
                    "type": "object", "additionalProperties": false, "required": ["pattern"],
                    "properties": {
                        "pattern": {
                            "description": "A regular expression.",
                            "type": "string", "minLength": 1, "maxLength": 4096
                        },
                        "replacement": {
                            "description": "What stands in its place, literally. Default: [REDACTED].",
                            "type": "string", "maxLength": 4096
                        }
                    }
                }
            },
            "applyTo": {
                "description": "Which texts are searched.",
                "enum": ["request", "response", "both"], "default": "both"
            }
        }
    }"#,
    hooks: Hooks::NONE,
    build,
};

#[derive(Deserialize)]
struct Settings {
    patterns: Vec<Pattern>,
    #[serde(rename = "applyTo")]
    apply_to: Option<String>,
}

#[derive(Deserialize)]
struct Pattern {
    pattern: String,
    replacement: Option<String>,
}

#[derive(Debug)]
struct Hider {
    patterns: Vec<SanitizationPattern>,
}

fn build(block: &PluginBlock, _: &Tools) -> Result<Shared, Vec<Misfit>> {
    let settings: Settings = settings(block)?;
    let apply_to = settings.apply_to.as_deref().and_then(ApplyTo::parse).unwrap_or_default();
    let mut misfits = Vec::new();
    let mut patterns = Vec::new();
    for (place, Pattern { pattern, replacement }) in settings.patterns.into_iter().enumerate() {
        let own = SanitizationPattern {
            name: format!("{}-{}", block.name, place + 1),
            pattern,
            replacement: Some(replacement.unwrap_or_else(|| "[REDACTED]".to_owned())),
            apply_to,
            action: Some(Action::Redact),
        };
        let alone = Sanitization { patterns: vec![own.clone()], ..Sanitization::default() };
        if let Err(error) = RuleSet::compile(&alone) {
            misfits.push(Misfit { path: format!("patterns[{place}].pattern"), reason: error.to_string() });
        }
        patterns.push(own);
    }
    if misfits.is_empty() { Ok(Arc::new(Hider { patterns })) } else { Err(misfits) }
}

impl Plugin for Hider {
    fn hooks(&self) -> Hooks {
        Hooks::NONE
    }

    fn patterns(&self) -> &[SanitizationPattern] {
        &self.patterns
    }
}
