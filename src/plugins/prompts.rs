//! `prompt-manager`: the operator's words in every conversation, before those of the client, behind them or in their
//! place. Texts are taken literally: nothing that a client sends is put into them.

use std::sync::Arc;

use serde::Deserialize;

use super::{
    Changes, Plugin, Ruling, Shared, Verdict,
    context::Context,
    hooks::{Hook, Hooks},
    registry::{Kind, Tools, settings},
    ruled,
    schema::Misfit,
};
use crate::{
    config::PluginBlock,
    dialect::translate::conversation::{Content, Request, Role, Turn},
};

pub(super) const KIND: Kind = Kind {
    id: "prompt-manager",
    version: "1.0.0",
    description: "Puts the operator's words into conversations: before the system prompt, behind it, or in its place.",
    schema: r#"{
        "type": "object", "additionalProperties": false, "minProperties": 1,
        "properties": {
            "prepend": {
                "description": "Stands before the client's system prompt.", "type": "string", "minLength": 1
            },
            "append": {
                "description": "Stands behind the client's system prompt.", "type": "string", "minLength": 1
            },
            "override": {
                "description": "Stands in the place of the client's system prompt.", "type": "string", "minLength": 1
            }
        }
    }"#,
    hooks: HOOKS,
    build,
};

const HOOKS: Hooks = Hooks::of(&[Hook::BeforeModel]);

#[derive(Debug, Deserialize)]
struct Prompts {
    prepend: Option<String>,
    append: Option<String>,
    #[serde(rename = "override")]
    in_place: Option<String>,
}

fn build(block: &PluginBlock, _: &Tools) -> Result<Shared, Vec<Misfit>> {
    Ok(Arc::new(settings::<Prompts>(block)?))
}

impl Plugin for Prompts {
    fn hooks(&self) -> Hooks {
        HOOKS
    }

    fn before_model<'a>(&'a self, context: &'a mut Context) -> Ruling<'a> {
        // What is no conversation has no prompt to manage.
        let Ok(asked) = context.request.read() else { return ruled(Ok(Verdict::Continue)) };
        let changes = Changes { request: Some(self.put(asked)), ..Changes::default() };
        ruled(Ok(Verdict::Modify(Box::new(changes))))
    }
}

impl Prompts {
    /// The conversation with the operator's words in it.
    fn put(&self, asked: &Request) -> Request {
        let mut request = asked.clone();
        let is_system = |turn: &Turn| matches!(turn.role, Role::System | Role::Developer);
        if let Some(text) = &self.in_place {
            request.turns.retain(|turn| !is_system(turn));
            request.turns.insert(0, said(text));
        }
        if let Some(text) = &self.prepend {
            request.turns.insert(0, said(text));
        }
        if let Some(text) = &self.append {
            let behind = request.turns.iter().take_while(|turn| is_system(turn)).count();
            request.turns.insert(behind, said(text));
        }
        request
    }
}

fn said(text: &str) -> Turn {
    let content = Content::Text { text: text.to_owned(), citations: Vec::new() };
    Turn { role: Role::System, name: None, parts: vec![content.into()] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(request: &Request) -> Vec<String> {
        let text = |turn: &Turn| match turn.parts.first().map(|part| &part.content) {
            Some(Content::Text { text, .. }) => format!("{:?} {text}", turn.role),
            other => panic!("{other:?}"),
        };
        request.turns.iter().map(text).collect()
    }

    #[test]
    fn words_stand_before_behind_or_in_the_place_of_the_clients() {
        let asked =
            Request { turns: vec![said("theirs"), Turn { role: Role::User, ..said("hello") }], ..Request::default() };
        let table = [
            (Some("first"), None, None, vec!["System first", "System theirs", "User hello"]),
            (None, Some("last ${x} {{y}}"), None, vec!["System theirs", "System last ${x} {{y}}", "User hello"]),
            (None, None, Some("ours"), vec!["System ours", "User hello"]),
            (Some("a"), Some("c"), Some("b"), vec!["System a", "System b", "System c", "User hello"]),
        ];
        for (prepend, append, in_place, expected) in table {
            let text = |text: Option<&str>| text.map(str::to_owned);
            let prompts = Prompts { prepend: text(prepend), append: text(append), in_place: text(in_place) };
            assert_eq!(words(&prompts.put(&asked)), expected);
        }
    }
}
