//! `model-router`: a model, and others that stand in for it, whatever model the client names.

use std::sync::Arc;

use super::{
    Changes, Plugin, Ruling, Shared, Verdict,
    context::{Context, Route},
    hooks::{Hook, Hooks},
    registry::{Kind, Tools, settings},
    ruled,
    schema::Misfit,
};
use crate::config::PluginBlock;

pub(super) const KIND: Kind = Kind {
    id: "model-router",
    version: "1.0.0",
    description: "Sends requests to one model whatever the client asked for, and to its fallbacks one after the other \
                  when it fails.",
    schema: r#"{
        "type": "object", "additionalProperties": false, "required": ["model"],
        "properties": {
            "model": {
                "description": "A name of [[models]], provider/model, or any other name that a client could send.",
                "type": "string", "minLength": 1
            },
            "fallbacks": {
                "description": "Names that stand in for it, in their order.",
                "type": "array", "maxItems": 16, "items": {"type": "string", "minLength": 1}
            }
        }
    }"#,
    hooks: HOOKS,
    build,
};

const HOOKS: Hooks = Hooks::of(&[Hook::BeforeModel]);

#[derive(Debug)]
struct Router {
    route: Route,
}

fn build(block: &PluginBlock, _: &Tools) -> Result<Shared, Vec<Misfit>> {
    Ok(Arc::new(Router { route: settings(block)? }))
}

impl Plugin for Router {
    fn hooks(&self) -> Hooks {
        HOOKS
    }

    fn before_model<'a>(&'a self, _: &'a mut Context) -> Ruling<'a> {
        let changes = Changes { route: Some(self.route.clone()), ..Changes::default() };
        ruled(Ok(Verdict::Modify(Box::new(changes))))
    }
}
