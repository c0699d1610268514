//! `basic-apikey-auth`: only requests with one of these keys pass.

use std::sync::Arc;

use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use super::{
    Plugin, Ruling, Shared, Verdict,
    chain::refuse,
    context::Context,
    hooks::{Hook, Hooks},
    registry::{Kind, Tools, settings},
    ruled,
    schema::Misfit,
};
use crate::{config::PluginBlock, domain::KeyHash};

pub(super) const KIND: Kind = Kind {
    id: "basic-apikey-auth",
    version: "1.0.0",
    description: "Lets only requests pass that bear one of the listed keys, as `Authorization: Bearer …` or `x-api-key`.",
    schema: r#"{
        "type": "object", "additionalProperties": false, "required": ["apikeys"],
        "properties": {
            "apikeys": {
                "description": "The keys that are let in.",
                "type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1, "writeOnly": true}
            }
        }
    }"#,
    hooks: HOOKS,
    build,
};

const HOOKS: Hooks = Hooks::of(&[Hook::BeforeModel]);

#[derive(Deserialize)]
struct Settings {
    apikeys: Vec<String>,
}

/// Keeps digests, so that a comparison tells nothing about a key, and neither does a dump.
struct Auth {
    known: Vec<KeyHash>,
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auth").field("keys", &self.known.len()).finish()
    }
}

fn build(block: &PluginBlock, _: &Tools) -> Result<Shared, Vec<Misfit>> {
    let settings: Settings = settings(block)?;
    Ok(Arc::new(Auth { known: settings.apikeys.iter().map(|key| KeyHash::of(key)).collect() }))
}

impl Plugin for Auth {
    fn hooks(&self) -> Hooks {
        HOOKS
    }

    fn before_model<'a>(&'a self, context: &'a mut Context) -> Ruling<'a> {
        let Some(presented) = &context.presented else {
            return ruled(Ok(refuse(401, "a key is required: send it as `Authorization: Bearer …` or `x-api-key`")));
        };
        let presented = KeyHash::of(presented.expose());
        // Every key is looked at, whichever fits.
        let is_known = self.known.iter().fold(0_u8, |found, known| found | known.0.ct_eq(&presented.0).unwrap_u8());
        ruled(Ok(if is_known == 1 { Verdict::Continue } else { refuse(401, "unknown key") }))
    }
}
