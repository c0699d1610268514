//! `logger`: one line for each request in the gateway's log. Numbers and names; words only where the operator asks for
//! them, and then as they are behind the sanitizer.

use std::sync::Arc;

use serde::Deserialize;

use super::{
    Plugin, Ruling, Shared, Verdict,
    context::Context,
    hooks::{Hook, Hooks},
    registry::{Kind, Tools, settings},
    ruled,
    schema::Misfit,
};
use crate::config::PluginBlock;

pub(super) const KIND: Kind = Kind {
    id: "logger",
    version: "1.0.0",
    description: "Writes one line for each request to the gateway's log: who asked, who answered, how long it took and \
                  what it cost. Words of the request only with `prompts`.",
    schema: r#"{
        "type": "object", "additionalProperties": false,
        "properties": {
            "level": {
                "description": "The level of its lines.",
                "enum": ["error", "warn", "info", "debug", "trace"], "default": "info"
            },
            "prompts": {
                "description": "Whether the conversation is logged too, behind the sanitizer, at most 4,096 bytes of it.",
                "type": "boolean", "default": false
            }
        }
    }"#,
    hooks: HOOKS,
    build,
};

const HOOKS: Hooks = Hooks::of(&[Hook::DetachedAfterResponse]);

/// The most of a conversation that one line holds.
const MOST_PROMPT_BYTES: usize = 4_096;

#[derive(Debug, Deserialize)]
struct Settings {
    level: Option<String>,
    #[serde(default)]
    prompts: bool,
}

#[derive(Debug)]
struct Logger {
    name: String,
    level: tracing::Level,
    prompts: bool,
}

fn build(block: &PluginBlock, _: &Tools) -> Result<Shared, Vec<Misfit>> {
    let settings: Settings = settings(block)?;
    let level = settings.level.and_then(|level| level.parse().ok()).unwrap_or(tracing::Level::INFO);
    Ok(Arc::new(Logger { name: block.name.clone(), level, prompts: settings.prompts }))
}

/// One line at a level that is known only now.
macro_rules! line {
    ($level:expr, $($fields:tt)*) => {
        match $level {
            tracing::Level::ERROR => tracing::error!($($fields)*),
            tracing::Level::WARN => tracing::warn!($($fields)*),
            tracing::Level::INFO => tracing::info!($($fields)*),
            tracing::Level::DEBUG => tracing::debug!($($fields)*),
            tracing::Level::TRACE => tracing::trace!($($fields)*),
        }
    };
}

impl Plugin for Logger {
    fn hooks(&self) -> Hooks {
        HOOKS
    }

    fn detached_after_response<'a>(&'a self, context: &'a mut Context) -> Ruling<'a> {
        let Some(record) = &context.record else { return ruled(Ok(Verdict::Continue)) };
        let prompt = self.prompts.then(|| prompt(context)).flatten();
        line!(
            self.level,
            plugin = self.name,
            request_id = &*context.request_id,
            record = %record.id,
            project = record.project.as_deref(),
            endpoint = record.endpoint.as_str(),
            model_requested = record.model_requested.as_deref(),
            provider = record.provider.as_deref(),
            model = record.model.as_deref(),
            status = record.status,
            outcome = record.outcome.as_str(),
            error_kind = record.error_kind.map(|kind| kind.as_str()),
            latency_us = record.latency_us,
            input_tokens = record.usage.input_tokens(),
            output_tokens = record.usage.output_tokens(),
            cost_microcents = record.cost.map(|cost| cost.0),
            prompt,
            "request"
        );
        ruled(Ok(Verdict::Continue))
    }
}

/// The conversation's turns as JSON, cut off.
fn prompt(context: &Context) -> Option<String> {
    let turns = &context.request.read().ok()?.turns;
    let mut text = serde_json::to_string(turns).ok()?;
    let end = text.floor_char_boundary(MOST_PROMPT_BYTES.min(text.len()));
    text.truncate(end);
    Some(text)
}
