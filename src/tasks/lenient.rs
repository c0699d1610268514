//! Reading the JSON that a model wrote: among other words, in a fence, with a comma too many.
//!
//! It repairs the form and never the content: what cannot be read is nothing.

use serde_json::Value;

/// The JSON object or list in what a model said.
pub(super) fn read(said: &str) -> Option<Value> {
    let said = said.trim().trim_start_matches('\u{feff}');
    let whole = || serde_json::from_str(said).ok().filter(is_structure);
    whole().or_else(|| fences(said).find_map(structure)).or_else(|| structure(said))
}

fn is_structure(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

/// What stands between fences of three backticks, without the word that may name its language.
fn fences(said: &str) -> impl Iterator<Item = &str> {
    said.split("```").skip(1).step_by(2).map(|inside| {
        let line_end = inside.find('\n').unwrap_or(0);
        let is_word = inside.get(..line_end).is_some_and(|word| word.trim().chars().all(char::is_alphanumeric));
        if is_word { inside.get(line_end..).unwrap_or_default() } else { inside }
    })
}

/// The first object or list in a text that can be read.
fn structure(text: &str) -> Option<Value> {
    let starts = text.char_indices().filter(|(_, letter)| matches!(letter, '{' | '[')).map(|(at, _)| at);
    // Words before it may hold a bracket or two; they do not hold hundreds.
    starts.take(64).find_map(|at| {
        let repaired = balanced(text.get(at..)?)?;
        serde_json::from_str(&repaired).ok().filter(is_structure)
    })
}

/// The text up to the bracket that closes its first, without commas that nothing follows.
fn balanced(text: &str) -> Option<String> {
    let mut kept = String::with_capacity(text.len());
    let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
    for letter in text.chars() {
        if in_string {
            kept.push(letter);
            in_string = is_escaped || letter != '"';
            is_escaped = letter == '\\' && !is_escaped;
            continue;
        }
        match letter {
            '"' => in_string = true,
            '{' | '[' => depth += 1,
            '}' | ']' => {
                kept.truncate(kept.trim_end().trim_end_matches(',').len());
                depth = depth.checked_sub(1)?;
            }
            _ => {}
        }
        kept.push(letter);
        if depth == 0 {
            return Some(kept);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_found_in_what_models_say() {
        let plan = json!({"a": [1, 2], "b": "x, } ```"});
        for said in [
            r#"{"a": [1, 2], "b": "x, } ```"}"#,
            r#"  {"a": [1, 2,], "b": "x, } ```",}  "#,
            "Here you are [as asked]:\n{\"a\": [1, 2, ], \"b\": \"x, } ```\" ,\n}\nAnything else?",
            "<think>{maybe}</think>{\"a\":[1,2],\"b\":\"x, } ```\"}",
        ] {
            assert_eq!(read(said), Some(plan.clone()), "{said}");
        }
        for said in ["```json\n{\"a\": 1,}\n```", "Sure!\n```\n{\"a\": 1}\n```\nDone {x}.", "```{\"a\":1}```"] {
            assert_eq!(read(said), Some(json!({"a": 1})), "{said}");
        }
        assert_eq!(read("[1, 2,]"), Some(json!([1, 2])));
        for said in ["", "no", "\"text\"", "{\"a\": 1", "{a: 1}", "```json\n```", "}{"] {
            assert_eq!(read(said), None, "{said}");
        }
    }

    proptest! {
        #[test]
        fn nothing_breaks_it(said in "[{}\\[\\]\",:` a1\\\\\n]{0,60}") {
            if let Some(value) = read(&said) {
                prop_assert!(is_structure(&value));
            }
        }

        #[test]
        fn what_is_json_is_read_as_it_is(words in proptest::collection::vec(".{0,8}", 0..4), before in "[a-z ]{0,9}") {
            let value = json!({"words": words});
            prop_assert_eq!(read(&format!("{before}{value}{before}")), Some(value));
        }
    }
}
