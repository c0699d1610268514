//! Editing a body by replacing spans of it; every other byte stays as it came.
//!
//! It never parses and never re-serialises.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

/// One replacement. An empty span inserts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The bytes that go.
    pub span: Range<usize>,
    /// The bytes that come in their place.
    pub with: Vec<u8>,
}

/// Applies `edits` (sorted in place by where they begin; equal places keep their order).
///
/// Without edits the body is shared, not copied. An edit that overlaps an earlier one or lies
/// outside the body is left out: edits come from one reading of one body, so it cannot arise, and
/// a lost edit is safer than a torn body.
///
/// ```
/// use bytes::Bytes;
/// use llm_gateway::dialect::splice::{splice, Edit};
/// let body = Bytes::from_static(b"{\"model\": \"a\" }");
/// let mut edits = vec![Edit { span: 10..13, with: b"\"gpt\"".to_vec() }];
/// assert_eq!(splice(&body, &mut edits), "{\"model\": \"gpt\" }");
/// ```
pub fn splice(body: &Bytes, edits: &mut [Edit]) -> Bytes {
    if edits.is_empty() {
        return body.clone();
    }
    edits.sort_by_key(|edit| edit.span.start);
    let grown: usize = edits.iter().map(|edit| edit.with.len()).sum();
    let mut out = BytesMut::with_capacity(body.len() + grown);
    let mut done = 0;
    for edit in edits.iter() {
        let kept = body.get(done..edit.span.start);
        let (Some(kept), true) = (kept, edit.span.start <= edit.span.end && edit.span.end <= body.len()) else {
            debug_assert!(false, "edits overlap or lie outside the body");
            continue;
        };
        out.extend_from_slice(kept);
        out.extend_from_slice(&edit.with);
        done = edit.span.end;
    }
    out.extend_from_slice(body.get(done..).unwrap_or_default());
    out.freeze()
}
