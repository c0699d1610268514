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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn without_edits_the_body_is_the_same_memory() {
        let body = Bytes::from_static(b"{}");
        assert_eq!(splice(&body, &mut []).as_ptr(), body.as_ptr());
    }

    #[test]
    fn insertions_at_one_place_keep_their_order() {
        let body = Bytes::from_static(b"ad");
        let edit = |with: &[u8]| Edit { span: 1..1, with: with.to_vec() };
        assert_eq!(splice(&body, &mut [edit(b"b"), edit(b"c")]), "abcd");
    }

    proptest! {
        #[test]
        fn only_the_spans_change(
            pieces in prop::collection::vec((any::<Vec<u8>>(), any::<Vec<u8>>(), any::<Vec<u8>>()), 0..6),
            last_first in any::<bool>(),
        ) {
            let (mut body, mut expected, mut edits) = (Vec::new(), Vec::new(), Vec::new());
            for (kept, gone, come) in &pieces {
                body.extend(kept);
                expected.extend(kept);
                let start = body.len();
                body.extend(gone);
                expected.extend(come);
                edits.push(Edit { span: start..body.len(), with: come.clone() });
            }
            // Two insertions at one place would change places.
            if last_first && pieces.iter().all(|(kept, gone, _)| !kept.is_empty() && !gone.is_empty()) {
                edits.reverse();
            }
            prop_assert_eq!(splice(&Bytes::from(body), &mut edits), expected);
        }
    }
}
