//! `/api/generate`: one question without roles, which is a conversation of one turn.

use super::super::json::{Json, Object, Read, Unreadable};

/// The same as a request to `/api/chat`.
pub(crate) fn as_chat(body: &str) -> Read<String> {
    let mut top = Object::read(body, "body")?;
    let (prompt, system) = (top.text("prompt")?.unwrap_or_default(), top.text("system")?.unwrap_or_default());
    let images = top.take("images");
    // A conversation has no place here.
    top.take("messages");
    for name in ["suffix", "template"] {
        if top.text(name)?.is_some_and(|text| !text.is_empty()) {
            return Err(only_ollama(name));
        }
    }
    if top.bool("raw")? == Some(true) {
        return Err(only_ollama("raw"));
    }
    // An earlier answer's tokens mean something to the model that made them only.
    if top.take("context").is_some_and(|tokens| tokens.contains(|letter: char| letter.is_ascii_digit())) {
        return Err(only_ollama("context"));
    }
    let chat = Json::of(|json| {
        json.put_array("messages", |json| {
            if !system.is_empty() {
                json.object(|json| {
                    json.put("role", "system");
                    json.put("content", &system);
                });
            }
            json.object(|json| {
                json.put("role", "user");
                json.put("content", &prompt);
                if let Some(images) = images {
                    json.put_raw("images", images);
                }
            });
        });
        top.rest().for_each(|(key, value)| json.put_raw(key, value));
    });
    Ok(String::from_utf8_lossy(&chat).into_owned())
}

fn only_ollama(name: &str) -> Unreadable {
    Unreadable(format!("`{name}` means something to Ollama only, and the model is another provider's"))
}
