//! A JSON document as places: where each container, key and string stands in the bytes.
//!
//! It holds no text of its own, refuses what two readers could understand differently (a key that
//! occurs twice, however it is spelt) and does not grow with lists of numbers.

use std::{borrow::Cow, collections::HashSet, ops::Range};

use thiserror::Error;

use crate::dialect::{
    lex::{Kind, Lexer, Token},
    steer::{SteerError, shown},
};

/// The most values (other than numbers in lists) of one document.
const MAX_NODES: usize = 1 << 20;

/// From how many keys on an object's keys are hashed instead of compared.
const HASHED_FROM: usize = 12;

/// Why a document cannot be checked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// It is not JSON, or JSON that two readers could understand differently.
    #[error(transparent)]
    Json(#[from] SteerError),
    /// It has more values than anybody would send.
    #[error("the body has more than {MAX_NODES} values")]
    TooManyValues,
    /// It is a form that does not keep to its own boundary.
    #[error("the body is no well-formed multipart/form-data")]
    Multipart,
    /// It is text in another encoding than UTF-8.
    #[error("the text is not UTF-8")]
    Encoding,
}

/// A node's number in its tree.
pub(crate) type NodeId = u32;

/// The document's own value.
pub(crate) const ROOT: NodeId = 0;

const NONE: NodeId = NodeId::MAX;

#[derive(Clone, Copy, Debug)]
struct Node {
    kind: Kind,
    /// The value's bytes; for a string, quotes included.
    start: u32,
    end: u32,
    /// The key's bytes, quotes included; empty in lists.
    key_start: u32,
    key_end: u32,
    parent: NodeId,
    child: NodeId,
    next: NodeId,
    /// Its place in a list.
    position: u32,
}

/// The document.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    text: &'a str,
    nodes: Vec<Node>,
}

/// A container that is being read.
struct Frame<'a> {
    node: NodeId,
    is_object: bool,
    is_first: bool,
    count: u32,
    last: NodeId,
    keys: Keys<'a>,
}

#[derive(Default)]
struct Keys<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>>,
}

impl<'a> Keys<'a> {
    /// False when the key was there already.
    fn insert(&mut self, key: Cow<'a, str>) -> bool {
        if !self.many.is_empty() {
            return self.many.insert(key);
        }
        if self.few.contains(&key) {
            return false;
        }
        self.few.push(key);
        if self.few.len() >= HASHED_FROM {
            self.many = self.few.drain(..).collect();
        }
        true
    }
}

impl<'a> Tree<'a> {
    /// Reads one document, of any kind of value.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Unreadable> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| SteerError::Syntax { what: "invalid UTF-8", offset: error.valid_up_to() })?;
        if u32::try_from(text.len()).is_err() {
            return Err(Unreadable::TooManyValues);
        }
        let mut tree = Self { text, nodes: Vec::with_capacity(32) };
        let mut lexer = Lexer::new(text);
        let mut open: Vec<Frame<'a>> = Vec::new();
        let token = lexer.value()?;
        tree.add(&token, 0..0, None);
        open.extend(Frame::of(&token, 0));
        while let Some(frame) = open.last_mut() {
            let is_first = std::mem::replace(&mut frame.is_first, false);
            let mut key_at = 0..0;
            let more = if frame.is_object {
                match lexer.key_span(is_first)? {
                    None => false,
                    Some(span) => {
                        let key = lexer.unescape(span.clone())?;
                        if !frame.keys.insert(key.clone()) {
                            let key = shown(&key);
                            return Err(SteerError::DuplicateKey { key, offset: span.start }.into());
                        }
                        key_at = span;
                        true
                    }
                }
            } else {
                lexer.has_element(is_first)?
            };
            if !more {
                if let Some(node) = usize::try_from(frame.node).ok().and_then(|node| tree.nodes.get_mut(node)) {
                    node.end = small(lexer.at());
                }
                open.pop();
                continue;
            }
            let token = lexer.value()?;
            let is_counted = frame.is_object || matches!(token.kind, Kind::Object | Kind::Array | Kind::String);
            if is_counted {
                let node = tree.add(&token, key_at, Some(frame));
                frame.last = node;
                if tree.nodes.len() > MAX_NODES {
                    return Err(Unreadable::TooManyValues);
                }
                frame.count += 1;
                open.extend(Frame::of(&token, node));
            } else {
                frame.count += 1;
            }
        }
        lexer.end()?;
        Ok(tree)
    }

    fn add(&mut self, token: &Token, key: Range<usize>, frame: Option<&Frame<'a>>) -> NodeId {
        let id = small(self.nodes.len());
        let mut node = Node {
            kind: token.kind,
            start: small(token.span.start),
            end: small(token.span.end),
            key_start: small(key.start),
            key_end: small(key.end),
            parent: NONE,
            child: NONE,
            next: NONE,
            position: 0,
        };
        if let Some(frame) = frame {
            node.parent = frame.node;
            node.position = frame.count;
            let first = frame.last == NONE;
            let link = if first { frame.node } else { frame.last };
            if let Some(before) = usize::try_from(link).ok().and_then(|link| self.nodes.get_mut(link)) {
                *(if first { &mut before.child } else { &mut before.next }) = id;
            }
        }
        self.nodes.push(node);
        id
    }

    fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(usize::try_from(id).ok()?)
    }

    /// Bytes of the document.
    pub(crate) fn slice(&self, span: Range<usize>) -> &'a str {
        self.text.get(span).unwrap_or_default()
    }

    pub(crate) fn kind(&self, id: NodeId) -> Kind {
        self.node(id).map_or(Kind::Null, |node| node.kind)
    }

    /// The value's bytes; for a string, quotes included.
    pub(crate) fn span(&self, id: NodeId) -> Range<usize> {
        self.node(id).map_or(0..0, |node| wide(node.start)..wide(node.end))
    }

    /// A string's bytes between its quotes.
    pub(crate) fn inside(&self, id: NodeId) -> Range<usize> {
        let span = self.span(id);
        span.start + 1..span.end.saturating_sub(1).max(span.start + 1)
    }

    /// The value as it is written; for a string without its quotes.
    pub(crate) fn raw(&self, id: NodeId) -> &'a str {
        let span = if self.kind(id) == Kind::String { self.inside(id) } else { self.span(id) };
        self.text.get(span).unwrap_or_default()
    }

    /// A key's bytes between its quotes; `None` in a list.
    pub(crate) fn key_inside(&self, id: NodeId) -> Option<Range<usize>> {
        let node = self.node(id).filter(|node| node.key_end > node.key_start)?;
        Some(wide(node.key_start) + 1..wide(node.key_end) - 1)
    }

    /// The key, unescaped; empty in a list.
    pub(crate) fn key(&self, id: NodeId) -> Cow<'a, str> {
        let raw = self.key_inside(id).and_then(|span| self.text.get(span)).unwrap_or_default();
        if raw.contains('\\') {
            serde_json::from_str(&format!("\"{raw}\"")).map_or(Cow::Borrowed(raw), Cow::Owned)
        } else {
            Cow::Borrowed(raw)
        }
    }

    /// A string's text, unescaped. Empty for anything else.
    pub(crate) fn string(&self, id: NodeId) -> Cow<'a, str> {
        if self.kind(id) != Kind::String {
            return Cow::Borrowed("");
        }
        let raw = self.raw(id);
        if raw.contains('\\') {
            serde_json::from_str(&format!("\"{raw}\"")).map_or(Cow::Borrowed(raw), Cow::Owned)
        } else {
            Cow::Borrowed(raw)
        }
    }

    pub(crate) fn parent(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).map(|node| node.parent).filter(|parent| *parent != NONE)
    }

    /// The place in its list.
    pub(crate) fn position(&self, id: NodeId) -> u32 {
        self.node(id).map_or(0, |node| node.position)
    }

    pub(crate) fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        let first = self.node(id).map_or(NONE, |node| node.child);
        std::iter::successors(Some(first), |id| self.node(*id).map(|node| node.next)).take_while(|id| *id != NONE)
    }

    /// The value under `key` of an object.
    pub(crate) fn get(&self, id: NodeId, key: &str) -> Option<NodeId> {
        self.children(id).find(|child| self.key(*child) == key)
    }

    /// The whole number under `key` of an object.
    pub(crate) fn number(&self, id: NodeId, key: &str) -> Option<u64> {
        let at = self.get(id, key)?;
        self.raw(at).parse().ok()
    }
}

impl Frame<'_> {
    fn of(token: &Token, node: NodeId) -> Option<Self> {
        matches!(token.kind, Kind::Object | Kind::Array).then(|| Self {
            node,
            is_object: token.kind == Kind::Object,
            is_first: true,
            count: 0,
            last: NONE,
            keys: Keys::default(),
        })
    }
}

/// Positions fit: a document of 4 GiB is refused before it is read.
fn small(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

fn wide(position: u32) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_known_by_its_places() {
        let text = br#" {"a": [1, "x", {"\u0062": "y\n"}], "n": 12, "e": {}} "#;
        let tree = Tree::read(text).unwrap();
        let list = tree.get(ROOT, "a").unwrap();
        let items: Vec<_> = tree.children(list).collect();
        assert_eq!(items.len(), 2, "numbers of a list are not kept");
        assert_eq!(tree.raw(items[0]), "x");
        assert_eq!((tree.position(items[0]), tree.position(items[1])), (1, 2));
        let inner = tree.get(items[1], "b").unwrap();
        assert_eq!(tree.string(inner), "y\n");
        assert_eq!(&text[tree.inside(inner)], b"y\\n");
        assert_eq!(tree.number(ROOT, "n"), Some(12));
        assert_eq!(&text[tree.span(list)], br#"[1, "x", {"\u0062": "y\n"}]"#);
    }

    #[test]
    fn what_two_readers_could_understand_differently_is_refused() {
        for text in [
            &br#"{"a":1,"a":2}"#[..],
            br#"{"x":{"content":"a","c\u006fntent":"b"}}"#,
            br#"[{"a":[{"b":0,"b":0}]}]"#,
            b"{\"a\":\"\xff\"}",
            br#"{"a":1} {"#,
            b"{'a':1}",
            b"",
            br#"{"a":"\ud800","\ud800":1}"#,
        ] {
            assert!(Tree::read(text).is_err(), "{}", String::from_utf8_lossy(text));
        }
        let many: Vec<_> = (0..40).map(|n| format!("\"k{}\":0", n % 39)).collect();
        assert!(Tree::read(format!("{{{}}}", many.join(",")).as_bytes()).is_err());
        assert!(Tree::read("[".repeat(128).as_bytes()).is_err());
    }

    #[test]
    fn a_list_of_numbers_costs_nothing() {
        let text = format!("[{}1]", "1,".repeat(100_000));
        assert_eq!(Tree::read(text.as_bytes()).unwrap().nodes.len(), 1);
        assert_eq!(
            Tree::read(format!("[{}1]", "\"\",".repeat(MAX_NODES)).as_bytes()).unwrap_err(),
            Unreadable::TooManyValues
        );
    }
}
