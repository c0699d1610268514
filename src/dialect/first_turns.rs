//! What makes a conversation the same one from request to request: its instructions and its first turns, up to the
//! first of the user's. Clients send them again, byte for byte, with each further turn.
//!
//! Reads no further into a body than it must, and hashes a bounded part.

use std::{hash::Hasher, ops::Range};

use super::lex::{Kind, Lexer};
use crate::domain::Endpoint;

/// Of each value so many bytes are hashed.
const MAX_HASHED_BYTES: usize = 16 << 10;

/// Adds the first turns of a body to `hasher`. Says whether the conversation goes on behind them; `None` when the
/// endpoint holds none, or the body no turn of the user's.
///
/// ```
/// use std::hash::{DefaultHasher, Hasher as _};
/// use llm_gateway::{dialect::first_turns::first_turns, domain::Endpoint};
/// let turn = |body: &str| {
///     let mut hasher = DefaultHasher::new();
///     first_turns(Endpoint::ChatCompletions, body, &mut hasher).map(|goes_on| (hasher.finish(), goes_on))
/// };
/// let one = turn(r#"{"messages":[{"role":"user","content":"hi"}]}"#).unwrap();
/// let two = turn(r#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"yes?"}]}"#).unwrap();
/// assert_eq!((one.0 == two.0, one.1, two.1), (true, false, true));
/// ```
pub fn first_turns(endpoint: Endpoint, body: &str, hasher: &mut impl Hasher) -> Option<bool> {
    let (instructions, turns): (&[&str], &str) = match endpoint {
        Endpoint::ChatCompletions | Endpoint::OllamaChat => (&[], "messages"),
        Endpoint::Messages => (&["system"], "messages"),
        Endpoint::Responses => (&["instructions"], "input"),
        Endpoint::GenerateContent | Endpoint::StreamGenerateContent => {
            (&["systemInstruction", "system_instruction"], "contents")
        }
        _ => return None,
    };
    let mut lexer = Lexer::new(body);
    (lexer.value().ok()?.kind == Kind::Object).then_some(())?;
    let mut is_first = true;
    while let Some(span) = lexer.key_span(is_first).ok()? {
        is_first = false;
        let key = lexer.unescape(span).ok()?;
        if *key == *turns {
            return read_turns(&mut lexer, body, hasher);
        }
        let is_instruction = instructions.contains(&&*key);
        let token = lexer.value().ok()?;
        lexer.skip_rest(&token).ok()?;
        if is_instruction {
            hash(hasher, body, token.span.start..lexer.at());
        }
    }
    None
}

fn read_turns(lexer: &mut Lexer<'_>, body: &str, hasher: &mut impl Hasher) -> Option<bool> {
    let token = lexer.value().ok()?;
    match token.kind {
        Kind::String => {
            hash(hasher, body, token.span);
            return Some(false);
        }
        Kind::Array => {}
        _ => return None,
    }
    let mut is_first = true;
    while lexer.has_element(is_first).ok()? {
        is_first = false;
        let token = lexer.value().ok()?;
        let is_users = match token.kind {
            Kind::Object => is_users_turn(lexer)?,
            _ => {
                lexer.skip_rest(&token).ok()?;
                false
            }
        };
        hash(hasher, body, token.span.start..lexer.at());
        if is_users {
            return lexer.has_element(false).ok();
        }
    }
    None
}

/// Reads a turn whose opening brace was just read. Gemini's first turn may leave the role out.
fn is_users_turn(lexer: &mut Lexer<'_>) -> Option<bool> {
    let (mut is_first, mut is_users) = (true, true);
    while let Some(span) = lexer.key_span(is_first).ok()? {
        is_first = false;
        let is_role = *lexer.unescape(span).ok()? == *"role";
        let token = lexer.value().ok()?;
        if is_role {
            is_users = token.kind == Kind::String && *lexer.unescaped(&token).ok()? == *"user";
        }
        lexer.skip_rest(&token).ok()?;
    }
    Some(is_users)
}

fn hash(hasher: &mut impl Hasher, body: &str, span: Range<usize>) {
    let written = body.as_bytes().get(span).unwrap_or_default();
    hasher.write_usize(written.len());
    hasher.write(written.get(..written.len().min(MAX_HASHED_BYTES)).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use std::hash::DefaultHasher;

    use proptest::prelude::*;

    use super::*;

    fn of(endpoint: Endpoint, body: &str) -> Option<(u64, bool)> {
        let mut hasher = DefaultHasher::new();
        first_turns(endpoint, body, &mut hasher).map(|goes_on| (hasher.finish(), goes_on))
    }

    /// The first request of a conversation, the second, and one of another conversation.
    const TALKS: [(Endpoint, &str, &str, &str); 5] = [
        (
            Endpoint::ChatCompletions,
            r#"{"tools":[{"x":1}],"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"text":"a"}]}]}"#,
            r#"{"tools":[{"x":1}],"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"text":"a"}]},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}"#,
            r#"{"messages":[{"role":"system","content":"t"},{"role":"user","content":[{"text":"a"}]},{"role":"user","content":"b"}]}"#,
        ),
        (
            Endpoint::Messages,
            r#"{"system":"s","messages":[{"role":"user","content":"a"}]}"#,
            r#"{"system":"s","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}"#,
            r#"{"system":"t","messages":[{"role":"user","content":"a"}]}"#,
        ),
        (
            Endpoint::Responses,
            r#"{"instructions":"s","input":[{"role":"user","content":"a"}]}"#,
            r#"{"instructions":"s","input":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}"#,
            r#"{"instructions":"s","input":"a"}"#,
        ),
        (
            Endpoint::GenerateContent,
            r#"{"systemInstruction":{"parts":[]},"contents":[{"parts":[{"text":"a"}]}]}"#,
            r#"{"systemInstruction":{"parts":[]},"contents":[{"parts":[{"text":"a"}]},{"role":"model","parts":[]}]}"#,
            r#"{"contents":[{"parts":[{"text":"a"}]}]}"#,
        ),
        (
            Endpoint::OllamaChat,
            r#"{"messages":[{"role":"user","content":"a"}]}"#,
            r#"{"messages":[{"role":"user","content":"a"},{"content":"b","role":"assistant"}]}"#,
            r#"{"messages":[{"content":"a","role":"user"}]}"#,
        ),
    ];

    #[test]
    fn further_turns_belong_to_the_first_ones_in_every_api() {
        for (endpoint, first, second, other) in TALKS {
            let (first, second) = (of(endpoint, first).unwrap(), of(endpoint, second).unwrap());
            assert_eq!((first.0 == second.0, first.1, second.1), (true, false, true), "{endpoint:?}");
            assert_ne!(of(endpoint, other).unwrap().0, first.0, "{endpoint:?}");
        }
        for (endpoint, body) in [
            (Endpoint::Embeddings, r#"{"input":"a"}"#),
            (Endpoint::ChatCompletions, r#"{"messages":[{"role":"system","content":"a"}]}"#),
            (Endpoint::ChatCompletions, r#"{"model":"x"}"#),
            (Endpoint::ChatCompletions, r#"{"messages":{}}"#),
        ] {
            assert_eq!(of(endpoint, body), None, "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r#"[{}\[\]",:a0\\ ]{0,40}"#) {
            of(Endpoint::ChatCompletions, &format!("{{\"messages\":[{text}"));
            of(Endpoint::Messages, &text);
        }
    }
}
