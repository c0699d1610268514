//! Which strings of a stream's event are fragments of longer texts, and which events end these.
//!
//! A text belongs to a group (a choice, a block, an item) that ends as a whole. Within a group, texts of
//! another class end when one class goes on: a model that has begun to answer has ended its reasoning.
//! Texts of one class (parallel tool calls) run beside each other.

use std::fmt::Write as _;

use super::Carrier;
use crate::{
    dialect::lex::Kind,
    domain::Api,
    sanitize::{
        text::Form,
        tree::{NodeId, ROOT, Tree},
    },
};

/// Which longer text a string goes on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Thread {
    pub(crate) group: u64,
    pub(crate) class: Class,
    /// Tells the texts of a group apart.
    pub(crate) name: String,
}

/// What a text is to its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Ends only with its group.
    Any,
    Reasoning,
    Answer,
    Tools,
}

/// Which texts an event ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) all: bool,
    pub(crate) groups: Vec<u64>,
}

/// How the events of an API are to be read. The further OpenAI paths tell by each event's `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Chat,
    Typed,
    Anthropic,
    Gemini,
    Ollama,
}

impl Stream {
    pub(crate) fn of(api: Api, tree: &Tree<'_>) -> Self {
        match api {
            Api::Anthropic => Self::Anthropic,
            Api::Gemini => Self::Gemini,
            Api::Ollama => Self::Ollama,
            Api::OpenaiResponses => Self::Typed,
            Api::OpenaiChat | Api::OpenaiEmbeddings | Api::Openai => {
                if tree.get(ROOT, "choices").is_some() {
                    Self::Chat
                } else {
                    Self::Typed
                }
            }
        }
    }

    /// The text that a string of an event goes on with; `None` when it is whole by itself.
    pub(crate) fn thread(self, tree: &Tree<'_>, carrier: &Carrier) -> Option<Thread> {
        if carrier.form != Form::Quoted || carrier.span != tree.inside(carrier.node) {
            return None;
        }
        let path = path(tree, carrier.node);
        let key = |depth: usize| path.get(depth).map(|node| tree.key(*node)).unwrap_or_default();
        match self {
            Self::Chat => {
                let choice = *path.get(1).filter(|_| key(0) == "choices")?;
                let class = match key(2).as_ref() {
                    "text" => Class::Answer,
                    "delta" => {
                        let names: Vec<_> = path.iter().skip(3).map(|node| tree.key(*node)).collect();
                        let is = |words: &[&str]| names.iter().any(|name| words.iter().any(|word| name.contains(word)));
                        if is(&["reasoning", "thinking"]) {
                            Class::Reasoning
                        } else if is(&["tool_calls", "function_call"]) {
                            Class::Tools
                        } else {
                            Class::Answer
                        }
                    }
                    _ => return None,
                };
                Some(Thread { group: number(tree, choice), class, name: joined(tree, path.get(2..)?) })
            }
            Self::Typed => {
                let kind = kind(tree);
                if !kind.ends_with(".delta") || key(0) != "delta" {
                    return None;
                }
                let mut name = kind;
                for index in ["content_index", "summary_index"] {
                    let _ = write!(name, ".{}", tree.number(ROOT, index).unwrap_or_default());
                }
                name.push_str(&joined(tree, &path));
                let group = tree.number(ROOT, "output_index").unwrap_or_default();
                Some(Thread { group, class: Class::Any, name })
            }
            Self::Anthropic => {
                let is_fragment = match kind(tree).as_str() {
                    "content_block_delta" => {
                        key(0) == "delta" && matches!(key(1).as_ref(), "text" | "thinking" | "partial_json")
                    }
                    "content_block_start" => {
                        key(0) == "content_block" && matches!(key(1).as_ref(), "text" | "thinking")
                    }
                    _ => false,
                };
                let group = tree.number(ROOT, "index").unwrap_or_default();
                (is_fragment && path.len() == 2).then(|| Thread { group, class: Class::Any, name: key(1).into_owned() })
            }
            Self::Gemini => {
                let candidate = *path.get(1).filter(|_| key(0) == "candidates" && key(2) == "content")?;
                let group = number(tree, candidate);
                let part = *path.get(4).filter(|_| key(3) == "parts")?;
                if key(5) == "text" {
                    let is_thought = tree.get(part, "thought").is_some_and(|flag| tree.kind(flag) == Kind::True);
                    let class = if is_thought { Class::Reasoning } else { Class::Answer };
                    return Some(Thread { group, class, name: "text".to_owned() });
                }
                // Arguments that come in pieces say to which place of the arguments each belongs.
                let piece = path.get(7).filter(|_| matches!(key(6).as_ref(), "partialArgs" | "partial_args"))?;
                if !matches!(key(8).as_ref(), "stringValue" | "string_value") {
                    return None;
                }
                let place = ["jsonPath", "json_path"].iter().find_map(|key| tree.get(*piece, key))?;
                Some(Thread { group, class: Class::Tools, name: tree.string(place).into_owned() })
            }
            Self::Ollama => {
                let class = match (key(0).as_ref(), key(1).as_ref()) {
                    ("response", "") | ("message", "content") => Class::Answer,
                    ("thinking", "") | ("message", "thinking") => Class::Reasoning,
                    _ => return None,
                };
                Some(Thread { group: 0, class, name: String::new() })
            }
        }
    }

    /// The text that the words of [`Form::Tokens`] go on with.
    pub(crate) fn tokens_thread(self, tree: &Tree<'_>, node: NodeId) -> Thread {
        let path = path(tree, node);
        let group = match self {
            Self::Chat | Self::Gemini => path.get(1).map_or(0, |element| number(tree, *element)),
            Self::Typed => tree.number(ROOT, "output_index").unwrap_or_default(),
            Self::Anthropic => tree.number(ROOT, "index").unwrap_or_default(),
            Self::Ollama => 0,
        };
        Thread { group, class: Class::Answer, name: "logprobs".to_owned() }
    }

    /// Which texts an event ends, those included that it goes on with.
    pub(crate) fn ending(self, tree: &Tree<'_>) -> Ending {
        let elements = |key: &str| tree.get(ROOT, key).into_iter().flat_map(|list| tree.children(list));
        let said = |node: NodeId, key: &str| tree.get(node, key).is_some_and(|value| tree.kind(value) == Kind::String);
        match self {
            Self::Chat => {
                let ended = elements("choices").filter(|choice| said(*choice, "finish_reason"));
                Ending { all: false, groups: ended.map(|choice| number(tree, choice)).collect() }
            }
            Self::Typed => {
                let kind = kind(tree);
                let is_over =
                    ["response.completed", "response.incomplete", "response.failed", "error"].contains(&kind.as_str());
                match tree.number(ROOT, "output_index") {
                    Some(group) if kind.ends_with(".done") => Ending { all: false, groups: vec![group] },
                    _ => Ending { all: is_over || kind.ends_with(".done"), groups: Vec::new() },
                }
            }
            Self::Anthropic => match kind(tree).as_str() {
                "content_block_stop" => {
                    Ending { all: false, groups: vec![tree.number(ROOT, "index").unwrap_or_default()] }
                }
                "message_delta" | "message_stop" | "error" => Ending { all: true, groups: Vec::new() },
                _ => Ending::default(),
            },
            Self::Gemini => {
                let ended = elements("candidates").filter(|candidate| said(*candidate, "finishReason"));
                Ending { all: false, groups: ended.map(|candidate| number(tree, candidate)).collect() }
            }
            Self::Ollama => {
                let is_done = tree.get(ROOT, "done").is_some_and(|done| tree.kind(done) == Kind::True);
                Ending { all: is_done || tree.get(ROOT, "error").is_some(), groups: Vec::new() }
            }
        }
    }
}

/// From the top's value to the node itself.
fn path(tree: &Tree<'_>, node: NodeId) -> Vec<NodeId> {
    let mut path = vec![node];
    while let Some(parent) = path.last().and_then(|node| tree.parent(*node)).filter(|parent| *parent != ROOT) {
        path.push(parent);
    }
    path.reverse();
    path
}

/// An element's own `index`, else its place in the list.
fn number(tree: &Tree<'_>, element: NodeId) -> u64 {
    tree.number(element, "index").unwrap_or_else(|| u64::from(tree.position(element)))
}

fn joined(tree: &Tree<'_>, path: &[NodeId]) -> String {
    let mut name = String::new();
    for node in path {
        match tree.key_inside(*node) {
            Some(_) => {
                let _ = write!(name, ".{}", tree.key(*node));
            }
            None => {
                let _ = write!(name, "#{}", number(tree, *node));
            }
        }
    }
    name
}

fn kind(tree: &Tree<'_>) -> String {
    tree.get(ROOT, "type").map(|kind| tree.string(kind).into_owned()).unwrap_or_default()
}
