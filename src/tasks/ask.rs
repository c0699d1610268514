//! What a task asks, in the words of Chat Completions or Embeddings.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Shape,
    words::{ClassifyAsk, EmbedAsk, PlanAsk},
};
use crate::domain::Endpoint;

/// The model that embeds where the client names none.
const EMBEDDING_MODEL: &str = "text-embedding-ada-002";

/// Said besides the client's own words: a provider's JSON mode demands that the prompt speaks of JSON.
const IN_JSON: &str = "Answer with one JSON value and nothing else.";

/// What makes an endpoint's body that of an API.
pub(super) fn shape(endpoint: Endpoint) -> Shape {
    match endpoint {
        Endpoint::Classify => classify,
        Endpoint::Plan => plan,
        Endpoint::Embed => embed,
        _ => chat,
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8], example: &str) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|fault| format!("the body must be {example}: {fault}"))
}

fn classify(body: &[u8]) -> Result<Vec<u8>, String> {
    let ClassifyAsk { prompt, model } = read(body, r#"{"prompt": string, "model"?: string}"#)?;
    Ok(question(model, IN_JSON, &prompt))
}

fn plan(body: &[u8]) -> Result<Vec<u8>, String> {
    let example = r#"{"context": object, "system_prompt": string, "model"?: string}"#;
    let PlanAsk { context, system_prompt, model } = read(body, example)?;
    if !context.get().starts_with('{') {
        return Err(format!("the body must be {example}: `context` is not an object"));
    }
    let speaks_of_json = system_prompt.to_ascii_lowercase().contains("json");
    let system = if speaks_of_json { system_prompt } else { format!("{system_prompt}\n\n{IN_JSON}") };
    Ok(question(model, &system, context.get()))
}

fn question(model: Option<String>, system: &str, user: &str) -> Vec<u8> {
    let messages = json!([{"role": "system", "content": system}, {"role": "user", "content": user}]);
    with_model(model, json!({"messages": messages}))
}

fn embed(body: &[u8]) -> Result<Vec<u8>, String> {
    let EmbedAsk { text, model } = read(body, r#"{"text": string or list of strings, "model"?: string}"#)?;
    let model = model.filter(|model| !model.is_empty() && model != "default");
    Ok(with_model(Some(model.unwrap_or_else(|| EMBEDDING_MODEL.to_owned())), json!({"input": text})))
}

fn with_model(model: Option<String>, mut body: Value) -> Vec<u8> {
    if let (Some(model), Value::Object(fields)) = (model, &mut body) {
        fields.insert("model".to_owned(), model.into());
    }
    body.to_string().into_bytes()
}

/// A chat is Chat Completions as it stands.
fn chat(body: &[u8]) -> Result<Vec<u8>, String> {
    let fields: Map<String, Value> = read(body, r#"{"messages": list, "model"?: string, "tools"?: list}"#)?;
    if !fields.get("messages").is_some_and(Value::is_array) {
        return Err("the body must hold `messages`, a list".to_owned());
    }
    Ok(body.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shaped(endpoint: Endpoint, body: &str) -> Result<Value, String> {
        shape(endpoint)(body.as_bytes()).map(|bytes| serde_json::from_slice(&bytes).unwrap())
    }

    #[test]
    fn a_task_becomes_a_question() {
        let asked = shaped(Endpoint::Classify, r#"{"prompt":"Sort: a","model":"m"}"#).unwrap();
        assert_eq!((&asked["model"], &asked["messages"][1]["content"]), (&json!("m"), &json!("Sort: a")));
        let asked = shaped(Endpoint::Plan, r#"{"context":{"b":1.0,"a":[]},"system_prompt":"Return JSON."}"#).unwrap();
        assert_eq!(asked["messages"][0]["content"], "Return JSON.");
        assert_eq!(asked["messages"][1]["content"], r#"{"b":1.0,"a":[]}"#, "as it was written");
        assert!(asked.get("model").is_none());
        let asked = shaped(Endpoint::Plan, r#"{"context":{},"system_prompt":"Plan."}"#).unwrap();
        assert!(asked["messages"][0]["content"].as_str().unwrap().contains("JSON"));
        let asked = shaped(Endpoint::Embed, r#"{"text":["a","b"],"model":"default"}"#).unwrap();
        assert_eq!(asked, json!({"input": ["a", "b"], "model": EMBEDDING_MODEL}));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (endpoint, body, word) in [
            (Endpoint::Classify, "{}", "prompt"),
            (Endpoint::Classify, "[]", "prompt"),
            (Endpoint::Plan, r#"{"system_prompt":"x"}"#, "context"),
            (Endpoint::Plan, r#"{"system_prompt":"x","context":[]}"#, "context"),
            (Endpoint::Embed, r#"{"text":1}"#, "text"),
            (Endpoint::TaskChat, r#"{"messages":"x"}"#, "messages"),
            (Endpoint::Classify, "not json", "prompt"),
        ] {
            assert!(shaped(endpoint, body).unwrap_err().contains(word), "{body}");
        }
    }
}
