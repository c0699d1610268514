//! A plugin that refuses conversations about topics, and counts the words of streamed answers.
//!
//! Build: rustc --edition 2021 --target wasm32-unknown-unknown --crate-type cdylib -O -o topics.wasm plugin.rs

mod sdk;

use std::cell::RefCell;

thread_local! {
    /// The topics of the settings, in lower case.
    static TOPICS: RefCell<Vec<String>> = RefCell::default();
}

const ABOUT: &str = r#"{
    "name": "topics",
    "version": "1.0.0",
    "description": "Refuses conversations about the listed topics.",
    "config_schema": {
        "type": "object", "additionalProperties": false, "required": ["topics"],
        "properties": {"topics": {"type": "array", "items": {"type": "string", "minLength": 1}}}
    }
}"#;

/// What the plugin is, asked for once.
#[no_mangle]
pub extern "C" fn describe() -> i64 {
    sdk::answer(ABOUT)
}

/// Takes the settings; an answer that is not empty says what is wrong with them.
#[no_mangle]
pub extern "C" fn configure(at: i32, length: i32) -> i64 {
    let settings = sdk::input(at, length);
    let topics = settings.get("topics").items().iter().map(|topic| topic.text().to_lowercase());
    TOPICS.with(|known| *known.borrow_mut() = topics.collect());
    0
}

/// Before a model is asked.
#[no_mangle]
pub extern "C" fn before_model(at: i32, length: i32) -> i64 {
    let told = sdk::input(at, length);
    let turns = told.get("request").get("turns");
    let parts = turns.items().iter().flat_map(|turn| turn.get("parts").items());
    let text: String = parts.map(|part| part.get("content").get("text").text().to_lowercase() + "\n").collect();
    let found = TOPICS.with(|known| known.borrow().iter().find(|topic| text.contains(topic.as_str())).cloned());
    match found {
        // No answer at all is "continue".
        None => 0,
        Some(topic) => {
            let message = sdk::quoted(&format!("we do not talk about {topic}"));
            sdk::answer(&format!(r#"{{"verdict": "terminate", "status": 403, "message": {message}}}"#))
        }
    }
}

/// With every piece of a streamed answer: whole words only, so a piece without a blank at its end is held.
#[no_mangle]
pub extern "C" fn after_chunk(at: i32, length: i32) -> i64 {
    let told = sdk::input(at, length);
    let chunk = told.get("chunk");
    let is_whole = chunk.get("text").text().ends_with(char::is_whitespace);
    if is_whole || chunk.get("is_last") == &sdk::Value::Bool(true) {
        return 0;
    }
    sdk::answer(r#"{"verdict": "hold"}"#)
}
