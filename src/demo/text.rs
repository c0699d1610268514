//! Deterministic answers in plausible English, cut into tokens, and token counts of prompts.

use serde_json::Value;

use super::dice::Dice;

/// What a request's JSON says, as far as an answer depends on it.
#[derive(Clone, Debug, Default)]
pub(super) struct Prompt {
    /// The text of the last string among the messages.
    pub(super) last: String,
    /// Length of all text, in bytes.
    pub(super) bytes: usize,
    /// Number of messages or parts.
    pub(super) parts: usize,
    /// Answer with `last` itself, in pieces of this many characters.
    pub(super) echo_chars: Option<usize>,
}

/// The members of a request body, in any of the APIs, that hold what the model reads.
const TEXT_MEMBERS: [&str; 12] = [
    "system",
    "systemInstruction",
    "system_instruction",
    "instructions",
    "tools",
    "prompt",
    "input",
    "messages",
    "contents",
    "content",
    "requests",
    "documents",
];

impl Prompt {
    /// Reads the text out of a request body; `echo_chars` as in the member.
    pub(super) fn of(body: &Value, echo_chars: Option<usize>) -> Self {
        let mut prompt = Self { echo_chars, ..Self::default() };
        for name in TEXT_MEMBERS {
            if let Some(member) = body.get(name) {
                prompt.take(member);
            }
        }
        prompt
    }

    fn take(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                self.bytes += text.len();
                self.parts += 1;
                self.last.clone_from(text);
            }
            Value::Array(items) => items.iter().for_each(|item| self.take(item)),
            Value::Object(members) => {
                // `role` and `type` are structure, and the order of members must not decide what is last.
                for (name, member) in members {
                    if !matches!(name.as_str(), "role" | "type" | "id" | "name" | "cache_control") {
                        self.take(member);
                    }
                }
            }
            _ => {}
        }
    }

    /// Input tokens: about four bytes each, and a few for every message.
    pub(super) const fn tokens(&self) -> u64 {
        let text = self.bytes.div_ceil(4);
        (text + 3 * self.parts + 3) as u64
    }
}

const OPENINGS: [&str; 6] = [
    "Here is a short answer",
    "In brief",
    "The main point is this",
    "Let us take it step by step",
    "There are two sides to it",
    "A good way to see it",
];
const SUBJECTS: [&str; 10] = [
    "the gateway",
    "a request",
    "every record",
    "the provider",
    "this stream",
    "a small team",
    "the first token",
    "the budget",
    "one careful test",
    "the whole house",
];
const VERBS: [&str; 10] =
    ["keeps", "shows", "counts", "carries", "needs", "explains", "follows", "measures", "settles", "opens"];
const OBJECTS: [&str; 12] = [
    "what it costs",
    "the same bytes",
    "a clear reason",
    "its own trace",
    "the next step",
    "every chunk in order",
    "the time it takes",
    "a simple plan",
    "the answer you asked for",
    "less than you think",
    "a second look — or a third",
    "naïve guesses and good ones alike",
];

/// An answer to `prompt` as tokens, at most `limit` of them; the flag says whether it was cut there.
pub(super) fn answer(prompt: &Prompt, dice: &mut Dice, limit: Option<u64>) -> (Vec<String>, bool) {
    let tokens = match prompt.echo_chars {
        Some(size) => pieces(&prompt.last, size),
        None => tokenize(&compose(prompt, dice)),
    };
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX).max(1);
    let is_cut = tokens.len() > limit;
    (tokens.into_iter().take(limit).collect(), is_cut)
}

fn compose(prompt: &Prompt, dice: &mut Dice) -> String {
    let quoted: String = prompt.last.chars().filter(|c| !c.is_control()).take(60).collect();
    let opening = dice.pick(&OPENINGS).copied().unwrap_or_default();
    let mut text = format!("{opening} on “{quoted}”:");
    for _ in 0..dice.between(2, 9) {
        let subject = dice.pick(&SUBJECTS).copied().unwrap_or_default();
        let verb = dice.pick(&VERBS).copied().unwrap_or_default();
        let object = dice.pick(&OBJECTS).copied().unwrap_or_default();
        let (first, rest) = subject.split_at(subject.len().min(1));
        text.push_str(&format!(" {}{rest} {verb} {object}.", first.to_uppercase()));
    }
    text
}

/// Cuts text into pieces of `size` characters.
fn pieces(text: &str, size: usize) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(size.max(1)).map(|piece| piece.iter().collect()).collect()
}

/// Cuts text before each space, as the tokenizers of the field mostly do.
pub(super) fn tokenize(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    for character in text.chars() {
        match tokens.last_mut() {
            Some(token) if character != ' ' => token.push(character),
            _ => tokens.push(character.to_string()),
        }
    }
    tokens
}

/// Text as a JSON string, quotes included.
pub(super) fn quote(text: &str) -> String {
    Value::from(text).to_string()
}

/// A call of a tool that the request offered: its name and its arguments as JSON text.
#[derive(Clone, Debug)]
pub(super) struct ToolCall {
    pub(super) name: String,
    pub(super) arguments: String,
}

/// Arguments that fit a JSON schema's properties; free strings hold the prompt's own text when it is echoed.
pub(super) fn arguments(schema: &Value, prompt: &Prompt, dice: &mut Dice) -> String {
    let none = serde_json::Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
    let members: Vec<String> = properties
        .iter()
        .map(|(name, property)| format!("{}:{}", quote(name), argument(property, prompt, dice)))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn argument(property: &Value, prompt: &Prompt, dice: &mut Dice) -> String {
    if let Some(first) = property.get("enum").and_then(|choices| choices.get(0)) {
        return first.to_string();
    }
    // Gemini spells the types in capitals.
    match property.get("type").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase().as_str() {
        "integer" | "number" => dice.between(1, 9).to_string(),
        "boolean" => "true".to_owned(),
        "array" => "[]".to_owned(),
        "object" => arguments(property, prompt, dice),
        _ if prompt.echo_chars.is_some() => quote(&prompt.last),
        _ => quote(dice.pick(&["Paris", "Oslo", "Lima"]).copied().unwrap_or_default()),
    }
}
