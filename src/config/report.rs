//! What was wrong with the configuration, where, and what would be right.
//!
//! Never holds or prints a value that may be a secret: messages speak of keys, places and the
//! names that this program knows, and quote a typed value only where a name was expected.

use std::{cell::RefCell, fmt, sync::Arc};

/// Every error of one attempt to load the configuration; `Display` prints one a line as
/// `file:line: key: what was wrong; what would be right`.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigErrors(Vec<String>);

impl ConfigErrors {
    /// Errors that were found after loading, each line with its place.
    pub fn from_lines(lines: Vec<String>) -> Self {
        Self(lines)
    }

    /// The errors, by file and line.
    pub fn lines(&self) -> &[String] {
        &self.0
    }
}

/// Where a value was stated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// A line of a file, counted from 1; 0 stands for the file as a whole.
    Line(Arc<str>, usize),
    /// An environment variable.
    Variable(Arc<str>),
}

impl Place {
    /// The file as a whole.
    pub(super) fn file(name: &Arc<str>) -> Self {
        Self::Line(Arc::clone(name), 0)
    }

    /// An environment variable by name.
    pub(super) fn variable(name: &str) -> Self {
        Self::Variable(Arc::from(name))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(file, 0) => f.write_str(file),
            Self::Line(file, line) => write!(f, "{file}:{line}"),
            Self::Variable(name) => f.write_str(name),
        }
    }
}

/// Collects errors and warnings, so that one run tells them all.
#[derive(Default)]
pub(super) struct Report {
    errors: RefCell<Vec<(Place, String)>>,
    warnings: RefCell<Vec<(Place, String)>>,
}

impl Report {
    /// Notes an error at a key.
    pub(super) fn error(&self, place: &Place, key: &str, what: impl fmt::Display) {
        push(&self.errors, place, key, what);
    }

    /// Notes a warning at a key.
    pub(super) fn warn(&self, place: &Place, key: &str, what: impl fmt::Display) {
        push(&self.warnings, place, key, what);
    }

    /// True when nothing was wrong so far.
    pub(super) fn is_clean(&self) -> bool {
        self.errors.borrow().is_empty()
    }

    /// The errors if there are any, else the warnings.
    pub(super) fn finish(self) -> Result<Vec<String>, ConfigErrors> {
        let errors = lines(self.errors);
        if errors.is_empty() { Ok(lines(self.warnings)) } else { Err(ConfigErrors(errors)) }
    }
}

fn push(notes: &RefCell<Vec<(Place, String)>>, place: &Place, key: &str, what: impl fmt::Display) {
    // An environment variable names its key already.
    let text = match place {
        Place::Line(..) if !key.is_empty() => format!("{place}: {key}: {what}"),
        _ => format!("{place}: {what}"),
    };
    notes.borrow_mut().push((place.clone(), in_one_line(text)));
}

/// Names of variables, keys and files may hold line ends and escape codes, which must not write lines of
/// their own into a terminal or a log.
fn in_one_line(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    let shown = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

fn lines(notes: RefCell<Vec<(Place, String)>>) -> Vec<String> {
    let mut notes = notes.into_inner();
    notes.sort_by(|(left, _), (right, _)| left.cmp(right));
    notes.dedup();
    notes.into_iter().map(|(_, text)| text).collect()
}

/// `; did you mean "x"?` for the known name that is nearest to what was typed, else nothing.
pub(super) fn did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(typed, known).map(|name| format!("; did you mean \"{name}\"?")).unwrap_or_default()
}

fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Longer names than any of ours are not typos, and the distance is quadratic in the length.
    let typed = typed.get(..typed.len().min(64)).unwrap_or_default().to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&typed, name), name))
        .filter(|(distance, name)| *distance <= 2.max(name.len() / 3) || name.starts_with(&typed) && typed.len() >= 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// A typed name in quotes, when it is short enough to be a name and not a pasted key.
pub(super) fn quoted(typed: &str) -> String {
    let is_name = typed.len() <= 24 && !typed.starts_with("sk-") && !typed.chars().any(char::is_control);
    if is_name { format!("\"{typed}\"") } else { "what is given".to_owned() }
}
