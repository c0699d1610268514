//! Which strings of a document are text, and where they stand.
//!
//! Every string is text unless its key says that it is a name, an id or a sealed or encoded thing, and it
//! looks like one: an unknown field is checked, not passed over. Sources: the API references of OpenAI
//! (Chat Completions, Responses, Completions, Embeddings, Moderations, Images, Audio, Files, Batches),
//! Anthropic (Messages), Google (Gemini API) and Ollama, and of those who speak their dialects (Cohere,
//! Jina, Mistral, OpenRouter, DeepSeek).

pub(crate) mod fragments;

use std::{borrow::Cow, fmt::Write as _, ops::Range};

use super::{
    pairs::begins_as_text,
    text::Form,
    tree::{NodeId, ROOT, Tree},
    upload::is_text,
};
use crate::dialect::lex::Kind;

/// One text of a document.
#[derive(Clone, Debug)]
pub(crate) struct Carrier {
    /// The value, or the value under the key.
    pub(crate) node: NodeId,
    pub(crate) form: Form,
    /// Where the text stands, quotes excluded.
    pub(crate) span: Range<usize>,
}

/// Keys whose strings name, seal or encode something. They are passed over as long as they look it.
const OPAQUE_KEYS: [&str; 46] = [
    // Kinds and roles.
    "type",
    "object",
    "role",
    "model",
    "modelVersion",
    "status",
    "finish_reason",
    "finishReason",
    "stop_reason",
    "done_reason",
    "format",
    "encoding_format",
    "output_format",
    "response_format",
    "media_type",
    "mimeType",
    "mime_type",
    "service_tier",
    "voice",
    "$schema",
    "$ref",
    // Names and ids.
    "id",
    "ids",
    "name",
    "container",
    "system_fingerprint",
    "digest",
    "created_at",
    "createTime",
    // What providers sealed.
    "signature",
    "thoughtSignature",
    "thought_signature",
    "encrypted_content",
    "encrypted_index",
    "encrypted_stdout",
    "obfuscation",
    // Media and vectors, encoded.
    "data",
    "b64_json",
    "partial_image_b64",
    "file_data",
    "image",
    "images",
    "audio",
    "embedding",
    "embeddings",
    "bytesBase64Encoded",
];

/// Keys whose objects are anybody's own: their keys and numbers are text as well.
const FREE_KEYS: [&str; 20] = [
    "arguments",
    "args",
    "partial_arguments",
    "parameters",
    "input_schema",
    "inputSchema",
    "output_schema",
    "outputSchema",
    "parametersJsonSchema",
    "parameters_json_schema",
    "responseSchema",
    "response_schema",
    "responseJsonSchema",
    "response_json_schema",
    "schema",
    "metadata",
    "labels",
    "properties",
    "structured_content",
    "structuredContent",
];

/// Finds the texts of a document, in the order of its bytes.
pub(crate) fn each(tree: &Tree<'_>, on: &mut impl FnMut(Carrier)) {
    below(tree, ROOT, on);
}

/// Documents nest at most [`crate::dialect::steer::MAX_DEPTH`] deep, and so does this.
fn below(tree: &Tree<'_>, node: NodeId, on: &mut impl FnMut(Carrier)) {
    match tree.kind(node) {
        Kind::String => {
            let span = tree.inside(node);
            if span.is_empty() {
            } else if !is_opaque(tree, node) {
                on(Carrier { node, form: Form::Quoted, span });
            } else if let Some(payload) = text_file(tree, node) {
                on(Carrier { node, form: Form::Base64, span: payload });
            }
        }
        Kind::Object | Kind::Array if is_tokens(tree, node) => {
            on(Carrier { node, form: Form::Tokens, span: tree.span(node) });
        }
        Kind::Object | Kind::Array if is_free(tree, node) => {
            on(Carrier { node, form: Form::Value, span: tree.span(node) });
        }
        Kind::Object | Kind::Array => {
            for child in tree.children(node) {
                if let Some(span) = tree.key_inside(child).filter(|_| !is_word(&tree.key(child))) {
                    on(Carrier { node: child, form: Form::Quoted, span });
                }
                below(tree, child, on);
            }
        }
        Kind::Number | Kind::True | Kind::False | Kind::Null => {}
    }
}

/// Whether a key is a mere word, as those of every API are.
fn is_word(key: &str) -> bool {
    key.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$'))
}

/// The key of a value, for an element that of its list.
fn name<'a>(tree: &Tree<'a>, node: NodeId) -> Cow<'a, str> {
    let mut at = node;
    while tree.key_inside(at).is_none() {
        match tree.parent(at) {
            Some(parent) => at = parent,
            None => return Cow::Borrowed(""),
        }
    }
    tree.key(at)
}

/// The string under `key` beside `node`.
fn beside<'a>(tree: &Tree<'a>, node: NodeId, key: &str) -> Cow<'a, str> {
    let found = tree.parent(node).and_then(|parent| tree.get(parent, key));
    found.map_or(Cow::Borrowed(""), |found| tree.string(found))
}

fn is_opaque(tree: &Tree<'_>, node: NodeId) -> bool {
    let raw = tree.raw(node);
    if !looks_opaque(raw) {
        return is_data_url(raw);
    }
    let key = name(tree, node);
    let key = key.as_ref();
    match key {
        // Anthropic's plain text documents.
        "data" => beside(tree, node, "type") != "text",
        // Who speaks in a chat is no name of a thing.
        "name" => tree.parent(node).is_none_or(|parent| tree.get(parent, "role").is_none()),
        // An image that a model made.
        "result" => beside(tree, node, "type") == "image_generation_call",
        "delta" => beside(tree, node, "type").ends_with("audio.delta"),
        _ => OPAQUE_KEYS.contains(&key) || key.ends_with("_id") || key.ends_with("_ids") || key.ends_with("Id"),
    }
}

/// Names, ids, base64 and hexadecimal digits: no spaces, no quotes, no `@`.
fn looks_opaque(raw: &str) -> bool {
    raw.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-.:|~".contains(&byte))
}

/// Keys of media and files, encoded.
const MEDIA_KEYS: [&str; 9] =
    ["data", "b64_json", "partial_image_b64", "file_data", "image", "images", "audio", "bytesBase64Encoded", "result"];

/// Where the base64 of a file stands that may be text: of what says so, of what does not say what it is, and of what
/// begins as text does.
fn text_file(tree: &Tree<'_>, node: NodeId) -> Option<Range<usize>> {
    let (kind, payload) = file(tree, node)?;
    let may_be_text = is_text(&kind) || is_unsaid(&kind) || begins_as_text(payload);
    may_be_text.then(|| {
        let end = tree.inside(node).end;
        end - payload.len()..end
    })
}

/// What the base64 of a file says of itself: whether it is text.
pub(crate) fn is_text_file(tree: &Tree<'_>, node: NodeId) -> bool {
    file(tree, node).is_some_and(|(kind, _)| is_text(&kind))
}

fn is_unsaid(kind: &str) -> bool {
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/octet-stream")
}

/// The type and the payload of a file in base64.
fn file<'a>(tree: &Tree<'a>, node: NodeId) -> Option<(Cow<'a, str>, &'a str)> {
    let raw = tree.raw(node);
    let kind_and_payload = match raw.strip_prefix("data:").and_then(|rest| rest.split_once(',')) {
        Some((head, payload)) => (Cow::Borrowed(head.split([';', '\\']).next().unwrap_or_default()), payload),
        None if MEDIA_KEYS.contains(&name(tree, node).as_ref()) => {
            let kinds = ["media_type", "mimeType", "mime_type"].map(|key| beside(tree, node, key));
            (kinds.into_iter().find(|kind| !kind.is_empty()).unwrap_or_default(), raw)
        }
        None => return None,
    };
    Some(kind_and_payload)
}

/// The probabilities of an answer's tokens, which repeat it word by word.
fn is_tokens(tree: &Tree<'_>, node: NodeId) -> bool {
    tree.key_inside(node).is_some() && matches!(tree.key(node).as_ref(), "logprobs" | "logprobsResult")
}

/// The texts under [`Form::Tokens`].
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    /// Those that make up the answer, in order.
    pub(crate) chosen: Vec<String>,
    /// Those that might have come instead.
    pub(crate) others: Vec<String>,
    /// What takes their place when they have to go.
    pub(crate) instead: &'static str,
}

pub(crate) fn tokens(tree: &Tree<'_>, node: NodeId) -> Tokens {
    let instead = if tree.kind(node) == Kind::Array { "[]" } else { "null" };
    let mut tokens = Tokens { instead, ..Tokens::default() };
    below_tokens(tree, node, &mut tokens);
    tokens
}

fn below_tokens(tree: &Tree<'_>, node: NodeId, tokens: &mut Tokens) {
    for child in tree.children(node) {
        let key = tree.key(child);
        if !is_word(&key) {
            tokens.others.push(key.clone().into_owned());
        }
        match tree.kind(child) {
            // `token` in the list itself, not in one of alternatives; the older form has a list of tokens.
            Kind::String => {
                let is_chosen = (key == "token" && !is_alternative(tree, child))
                    || (key.is_empty() && name(tree, child) == "tokens");
                let list = if is_chosen { &mut tokens.chosen } else { &mut tokens.others };
                list.push(tree.string(child).into_owned());
            }
            Kind::Object | Kind::Array => below_tokens(tree, child, tokens),
            _ => {}
        }
    }
}

fn is_alternative(tree: &Tree<'_>, node: NodeId) -> bool {
    let alternatives = ["top_logprobs", "topCandidates", "top_candidates"];
    std::iter::successors(tree.parent(node), |node| tree.parent(*node))
        .any(|above| alternatives.contains(&tree.key(above).as_ref()))
}

/// `data:image/png;base64,…`
fn is_data_url(raw: &str) -> bool {
    let Some((head, payload)) = raw.strip_prefix("data:").and_then(|rest| rest.split_once(',')) else { return false };
    head.len() <= 128
        && head.ends_with(";base64")
        && head.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/;=.+-\\\"_ ".contains(&byte))
        && payload.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-\\".contains(&byte))
}

fn is_free(tree: &Tree<'_>, node: NodeId) -> bool {
    if tree.key_inside(node).is_none() {
        return false;
    }
    let key = tree.key(node);
    match key.as_ref() {
        // Anthropic's tool calls. OpenAI's `input` is made of messages.
        "input" => tree.kind(node) == Kind::Object && beside(tree, node, "type").ends_with("tool_use"),
        // Gemini's tool results. Responses' events hold the answer under this key.
        "response" => {
            let parent = tree.parent(node).map(|parent| tree.key(parent)).unwrap_or_default();
            matches!(parent.as_ref(), "functionResponse" | "function_response")
        }
        // Ollama takes a schema here, others a word.
        "format" => {
            tree.kind(node) == Kind::Object && tree.get(node, "type").is_some_and(|kind| tree.string(kind) == "object")
        }
        key => FREE_KEYS.contains(&key),
    }
}

/// The path of a value, `messages[2].content[0].text`. Keys that are anybody's own are not shown.
pub(crate) fn place(tree: &Tree<'_>, node: NodeId) -> String {
    let mut path = vec![node];
    while let Some(parent) = path.last().and_then(|node| tree.parent(*node)) {
        path.push(parent);
    }
    let mut place = String::new();
    for node in path.iter().rev().skip(1) {
        if tree.key_inside(*node).is_none() {
            let _ = write!(place, "[{}]", tree.position(*node));
            continue;
        }
        if !place.is_empty() {
            place.push('.');
        }
        let key = tree.key(*node);
        place.push_str(if is_word(&key) && key.len() <= 40 { &key } else { "*" });
    }
    place
}
