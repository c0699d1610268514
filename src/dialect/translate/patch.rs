//! Putting a change of the neutral request, or of the reply, into a body that was written by somebody else.
//!
//! Both states are written by our own writer; only fields in which they differ take the place of the body's own. What
//! was not changed, and what the neutral form has no place for, stays as it came.

use std::borrow::Cow;

use serde::{
    Deserialize, Deserializer as _,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    conversation::{Content, Request, Role},
    json::Json,
};

/// Fields that hold one conversation together: if one of them changes, all are written.
const TOGETHER: [&str; 6] = ["system", "messages", "instructions", "input", "systeminstruction", "contents"];

/// Older names of fields, by the newer ones.
const OLDER: [(&str, &str); 3] =
    [("maxcompletiontokens", "maxtokens"), ("tools", "functions"), ("toolchoice", "functioncall")];

/// A body with a change in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patched {
    /// The body.
    pub body: Vec<u8>,
    /// The fields that were written anew.
    pub keys: Vec<String>,
}

/// Puts what differs between `before` and `after` into `body`; `None` when one of them is no object.
///
/// ```
/// use llm_gateway::dialect::translate::patch::patch;
/// let patched = patch(r#"{"a": 1, "own": [ 2 ]}"#, br#"{"a":1}"#, br#"{"a":3}"#).unwrap();
/// assert_eq!(patched.body, br#"{"a":3,"own":[ 2 ]}"#);
/// assert_eq!(patched.keys, ["a"]);
/// ```
pub fn patch(body: &str, before: &[u8], after: &[u8]) -> Option<Patched> {
    let (own, before, after) = (fields(body)?, fields(text(before)?)?, fields(text(after)?)?);
    let all = before.iter().chain(&after).map(|(key, _)| key.as_ref());
    let mut changed: Vec<&str> = Vec::new();
    for key in all {
        if value(&before, key) != value(&after, key) && !changed.contains(&key) {
            changed.push(key);
        }
    }
    if changed.iter().any(|key| TOGETHER.contains(&&*plain(key))) {
        let rest = before.iter().chain(&after).map(|(key, _)| key.as_ref());
        let rest: Vec<&str> = rest.filter(|key| TOGETHER.contains(&&*plain(key))).collect();
        changed.extend(rest.into_iter().filter(|key| !changed.contains(key)).collect::<Vec<_>>());
        changed.dedup();
    }
    let is_replaced = |key: &str| {
        let key = plain(key);
        let holds_conversation = TOGETHER.contains(&&*key);
        changed.iter().map(|changed| plain(changed)).any(|changed| {
            changed == key
                || OLDER.contains(&(&*changed, &*key))
                || OLDER.contains(&(&*key, &*changed))
                || (holds_conversation && TOGETHER.contains(&&*changed))
        })
    };
    let mut written: Vec<&str> = Vec::new();
    let mut json = Json::default();
    json.object(|json| {
        for (key, raw) in &own {
            if !is_replaced(key) {
                json.put_raw(key, raw);
                continue;
            }
            // What takes its place stands where it stood.
            if let Some(new) = value(&after, key).filter(|_| !written.contains(&key.as_ref())) {
                json.put_raw(key, new);
                written.push(key);
            }
        }
        for key in &changed {
            if let Some(new) = value(&after, key).filter(|_| !written.contains(key)) {
                json.put_raw(key, new);
                written.push(key);
            }
        }
    });
    Some(Patched { body: json.into_bytes(), keys: changed.into_iter().map(str::to_owned).collect() })
}

/// Puts a conversation of one prompt into a body of Ollama's `/api/generate`; `None` when it is more than that.
pub fn generate(body: &str, request: &Request) -> Option<Vec<u8>> {
    let (mut system, mut prompt) = (Vec::new(), None);
    for turn in &request.turns {
        let texts = turn.parts.iter().map(|part| match &part.content {
            Content::Text { text, .. } => Some(text.as_str()),
            _ => None,
        });
        let texts = texts.collect::<Option<Vec<_>>>()?.concat();
        match turn.role {
            Role::System | Role::Developer => system.push(texts),
            Role::User if prompt.is_none() => prompt = Some(texts),
            Role::User | Role::Assistant => return None,
        }
    }
    let own = fields(body)?;
    let system = system.join("\n\n");
    let mut json = Json::default();
    json.object(|json| {
        let others = own.iter().filter(|(key, _)| !["system", "prompt"].contains(&key.as_ref()));
        others.for_each(|(key, raw)| json.put_raw(key, raw));
        if !system.is_empty() {
            json.put("system", &system);
        }
        json.put("prompt", prompt.as_deref().unwrap_or_default());
    });
    Some(json.into_bytes())
}

/// The value of a field.
fn value<'a>(fields: &Fields<'a>, key: &str) -> Option<&'a str> {
    fields.iter().find(|(known, _)| known == key).map(|(_, value)| *value)
}

type Fields<'a> = Vec<(Cow<'a, str>, &'a str)>;

/// An object's fields as they stand.
fn fields(text: &str) -> Option<Fields<'_>> {
    struct All;
    impl<'de> Visitor<'de> for All {
        type Value = Fields<'de>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut fields = Vec::new();
            while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                fields.push((key, value.get()));
            }
            Ok(fields)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let fields = deserializer.deserialize_map(All).ok()?;
    deserializer.end().ok()?;
    Some(fields)
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// A field's name as both spellings of it have in common (`systemInstruction`, `system_instruction`).
fn plain(key: &str) -> String {
    key.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        dialect::translate::{Dropped, Target, conversation::Turn, read_request, write_request},
        domain::Api,
    };

    #[test]
    fn what_did_not_change_stays_as_it_came() {
        let table = [
            (r#"{"b": [ 1 ],"a":1}"#, r#"{"a":1}"#, r#"{"a":1}"#, r#"{"b":[ 1 ],"a":1}"#, &[][..]),
            (r#"{"b": [ 1 ],"a":1}"#, r#"{"a":1}"#, "{}", r#"{"b":[ 1 ]}"#, &["a"]),
            (r#"{"b":1}"#, "{}", r#"{"c":2}"#, r#"{"b":1,"c":2}"#, &["c"]),
            (
                r#"{"system_instruction":"a","contents":[1],"x":1}"#,
                r#"{"systemInstruction":"A","contents":[2]}"#,
                r#"{"systemInstruction":"B","contents":[2]}"#,
                r#"{"contents":[2],"x":1,"systemInstruction":"B"}"#,
                &["systemInstruction", "contents"],
            ),
            (
                r#"{"max_tokens":1}"#,
                r#"{"max_completion_tokens":1}"#,
                r#"{"max_completion_tokens":2}"#,
                r#"{"max_completion_tokens":2}"#,
                &["max_completion_tokens"],
            ),
        ];
        for (body, before, after, expected, keys) in table {
            let patched = patch(body, before.as_bytes(), after.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(patched.body).unwrap(), expected, "{body}");
            assert_eq!(patched.keys, keys, "{body}");
        }
        assert_eq!(patch("[]", b"{}", b"{}"), None);
    }

    /// A system prompt put before each API's own stands there once, and nothing else moves.
    #[test]
    fn a_system_prompt_gets_into_every_api() {
        let user = json!({"role": "user", "content": "hello"});
        let table = [
            (
                Api::OpenaiChat,
                json!({"model": "m", "messages": [{"role": "system", "content": "own"}, user], "store": true}),
            ),
            (Api::OpenaiResponses, json!({"model": "m", "instructions": "own", "input": [user], "store": true})),
            (
                Api::OpenaiResponses,
                json!({"model": "m", "input": [{"role": "developer", "content": "own"}, user], "store": true}),
            ),
            (
                Api::Anthropic,
                json!({"model": "m", "system": "own", "messages": [user], "max_tokens": 5, "store": true}),
            ),
            (
                Api::Gemini,
                json!({"system_instruction": {"parts": [{"text": "own"}]}, "contents": [{"role": "user", "parts": [{"text": "hello"}]}], "store": true}),
            ),
            (
                Api::Ollama,
                json!({"model": "m", "messages": [{"role": "system", "content": "own"}, user], "store": true}),
            ),
        ];
        for (api, body) in table {
            let text = body.to_string();
            let before = read_request(api, &text, &mut Dropped::default()).unwrap();
            let mut after = before.clone();
            let content = Content::Text { text: "ours".to_owned(), citations: Vec::new() };
            after.turns.insert(0, Turn { role: Role::System, name: None, parts: vec![content.into()] });
            let target = Target {
                client: api,
                max_output_tokens: None,
                is_openai: true,
                asks_for_usage: false,
                thinks_by_effort: false,
            };
            let write = |request| write_request(api, request, &target, &mut Dropped::default()).unwrap();
            let patched = patch(&text, &write(&before), &write(&after)).unwrap();
            let read = read_request(api, std::str::from_utf8(&patched.body).unwrap(), &mut Dropped::default()).unwrap();
            let json: Value = serde_json::from_slice(&patched.body).unwrap();
            assert_eq!(json["store"], true, "{api:?}");
            let whole = json.to_string();
            for word in ["ours", "own", "hello"] {
                assert_eq!(whole.matches(word).count(), 1, "{api:?}: {word} in {whole}");
            }
            assert!(whole.find("ours") < whole.find("own\""), "{api:?}: {whole}");
            assert_eq!(read.sampling, before.sampling, "{api:?}");
        }
    }
}
