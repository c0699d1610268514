//! The watched fields of one API as a tree of keys.
//!
//! Built once per process from readable paths; never on the way of a request.

/// The node of a whole document.
pub(super) const ROOT: usize = 0;
/// No node: nobody watches this value or anything inside it.
pub(super) const NONE: usize = usize::MAX;

/// What is wanted of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// Its value: scalars as they are (strings capped), containers as an opening and a closing.
    Value,
    /// How many bytes of text it holds, without holding them.
    Length,
}

/// Watched paths. `a.b` is key `b` of the object under key `a`; `a[].b` is `b` of each element of
/// the array under `a`.
#[derive(Debug)]
pub struct Table<F> {
    nodes: Vec<Node<F>>,
}

#[derive(Debug)]
pub(super) struct Node<F> {
    children: Vec<(&'static str, usize)>,
    pub(super) each: usize,
    pub(super) watch: Option<(F, Take)>,
}

impl<F> Default for Node<F> {
    fn default() -> Self {
        Self { children: Vec::new(), each: NONE, watch: None }
    }
}

/// One row of a table: path, field, what is wanted of it.
pub type Row<F> = (&'static str, F, Take);

impl<F: Copy> Table<F> {
    /// Builds the tree of `groups`: the rows of each group stand under its prefix (`""` for none).
    pub fn new(groups: &[(&'static str, &[Row<F>])]) -> Self {
        let mut table = Self { nodes: vec![Node::default()] };
        for (prefix, rows) in groups {
            let base = table.reach(ROOT, prefix);
            for (path, field, take) in *rows {
                let at = table.reach(base, path);
                if let Some(node) = table.nodes.get_mut(at) {
                    node.watch = Some((*field, *take));
                }
            }
        }
        table
    }

    /// The node at `path` below `from`, made where it is missing.
    fn reach(&mut self, from: usize, path: &'static str) -> usize {
        let mut at = from;
        for step in path.split('.').filter(|step| !step.is_empty()) {
            let key = step.trim_end_matches("[]");
            at = match self.child(at, key.as_bytes()) {
                NONE => {
                    let made = self.add();
                    if let Some(node) = self.nodes.get_mut(at) {
                        node.children.push((key, made));
                    }
                    made
                }
                child => child,
            };
            for _ in 0..(step.len() - key.len()) / 2 {
                at = match self.node(at).map_or(NONE, |node| node.each) {
                    NONE => {
                        let made = self.add();
                        if let Some(node) = self.nodes.get_mut(at) {
                            node.each = made;
                        }
                        made
                    }
                    each => each,
                };
            }
        }
        at
    }

    fn add(&mut self) -> usize {
        self.nodes.push(Node::default());
        self.nodes.len() - 1
    }

    pub(super) fn node(&self, at: usize) -> Option<&Node<F>> {
        self.nodes.get(at)
    }

    pub(super) fn child(&self, at: usize, key: &[u8]) -> usize {
        self.node(at)
            .and_then(|node| node.children.iter().find(|(name, _)| name.as_bytes() == key))
            .map_or(NONE, |(_, child)| *child)
    }
}
