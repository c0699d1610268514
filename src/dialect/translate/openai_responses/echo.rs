//! What an answer repeats of its request: OpenAI's own answers do, and clients read it there.

use super::super::json::{Json, Object};

/// The fields that are repeated.
const REPEATED: [&str; 22] = [
    "background",
    "conversation",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

/// Fields of a request to Responses, as they were written.
#[derive(Clone, Debug, Default)]
pub struct Echo {
    fields: Vec<(&'static str, String)>,
}

impl Echo {
    /// What an answer to `body` repeats; nothing of what cannot be read.
    pub fn of(body: &str) -> Self {
        let mut top = Object::read(body, "body").unwrap_or_default();
        let fields = REPEATED.iter().filter_map(|name| Some((*name, top.take(name)?.to_owned())));
        Self { fields: fields.collect() }
    }

    /// The same where nothing of the answer is kept, whatever was asked.
    pub fn of_unkept(body: &str) -> Self {
        let mut echo = Self::of(body);
        echo.fields.retain(|(name, _)| *name != "store");
        echo.fields.push(("store", "false".to_owned()));
        echo
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| *known == name).map(|(_, raw)| raw.as_str())
    }

    /// A field as it was said, or what stands there when nothing was.
    pub(super) fn put(&self, json: &mut Json, name: &str, unsaid: &str) {
        json.put_raw(name, self.get(name).unwrap_or(unsaid));
    }

    /// A field that stands there only when it was said.
    pub(super) fn put_said(&self, json: &mut Json, name: &str) {
        if let Some(raw) = self.get(name) {
            json.put_raw(name, raw);
        }
    }

    /// An object of which some fields always stand there.
    pub(super) fn put_filled(&self, json: &mut Json, name: &str, unsaid: &[(&str, &str)]) {
        filled(json.key(name), self.get(name).unwrap_or("{}"), unsaid);
    }

    /// The tools, each with all that the API says of one.
    pub(super) fn put_tools(&self, json: &mut Json) {
        json.put_array("tools", |json| {
            let tools = self.get("tools").unwrap_or("[]");
            // What is no list was refused before.
            let _ = super::super::json::each(tools, "tools", |_, raw| {
                let kind = Object::read(raw, "tools").ok().and_then(|mut tool| tool.text("type").ok().flatten());
                match kind.as_deref() {
                    Some("function") => filled(json, raw, &[("parameters", "null"), ("strict", "null")]),
                    _ => json.raw(raw),
                }
                Ok(())
            });
        });
    }
}

/// An object with the fields that it lacks.
fn filled(json: &mut Json, raw: &str, unsaid: &[(&str, &str)]) {
    let object = Object::read(raw, "object").unwrap_or_default();
    json.object(|json| {
        object.rest().for_each(|(key, value)| json.put_raw(key, value));
        for (key, value) in unsaid {
            if object.rest().all(|(said, _)| said != *key) {
                json.put_raw(key, value);
            }
        }
    });
}
