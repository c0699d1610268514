//! The names that a database holds, by dimension: what words of a question are linked to.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use super::{
    Dimension,
    tokens::{Token, TokenKind, atoms},
};
use crate::domain::{Endpoint, ErrorKind, Impact, IncidentKind};

/// One name and what it is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    /// What it is a value of.
    pub dimension: Dimension,
    /// As the database holds it.
    pub value: Arc<str>,
}

/// All names of a database. Made anew when they change; never changed while a question is read.
#[derive(Clone, Debug, Default)]
pub struct Names {
    values: BTreeMap<Dimension, BTreeSet<Arc<str>>>,
    /// By the first of their atoms, the longest first.
    index: HashMap<String, Vec<(Vec<String>, Name)>>,
    /// Every run of letters in a name.
    words: HashSet<String>,
}

impl Names {
    /// Takes the values of dimensions whose values are not known beforehand: providers, models, projects, requesters,
    /// teams, keys, profiles, sessions where they are few, tags by key, kinds of findings and signals, tasks. Empty
    /// values are left out.
    pub fn new(names: impl IntoIterator<Item = Name>) -> Self {
        let mut values: BTreeMap<Dimension, BTreeSet<Arc<str>>> = BTreeMap::new();
        for Name { dimension, value } in names.into_iter().filter(|name| !name.value.is_empty()) {
            if dimension == Dimension::Model {
                let family: Arc<str> = Arc::from(family_of(&value));
                values.entry(Dimension::Family).or_default().insert(family);
            }
            values.entry(dimension).or_default().insert(value);
        }
        let mut names = Self { values, ..Self::default() };
        let all: Vec<Name> = names.iter().collect();
        for name in all {
            let atoms = atoms(&name.value);
            names.words.extend(atoms.iter().filter(|atom| atom.len() >= 4).cloned());
            names.enter(atoms, name);
        }
        for (dimension, value) in house_names() {
            names.enter(atoms(value), Name { dimension, value: Arc::from(value) });
        }
        for list in names.index.values_mut() {
            list.sort_by(|(one, a), (other, b)| other.len().cmp(&one.len()).then_with(|| a.cmp(b)));
        }
        names
    }

    fn enter(&mut self, atoms: Vec<String>, name: Name) {
        if let Some(first) = atoms.first().cloned() {
            self.index.entry(first).or_default().push((atoms, name));
        }
    }

    /// The longest name that begins at a token: how many tokens it takes, and everything that bears it. A name ends
    /// where a word ends; what joins its parts does not matter (`Data Science`, `data-science`).
    pub(super) fn longest(&self, tokens: &[Token], at: usize) -> Option<(usize, Vec<Name>)> {
        let first = tokens.get(at)?;
        if first.kind == TokenKind::Sign {
            return None;
        }
        let list = self.index.get(first.atoms().first()?)?;
        let mut best: Option<(usize, Vec<Name>)> = None;
        for (atoms, name) in list {
            if let Some(length) = length_of(atoms, tokens, at) {
                let is_quoted = first.kind == TokenKind::Quoted;
                let is_written_so = || spelled(tokens, at, length) == *name.value;
                let kind = house_name_kind(&name.dimension);
                if kind == HouseName::InQuotes && !(is_quoted && is_written_so())
                    || kind == HouseName::AsWritten && !is_written_so()
                {
                    continue;
                }
                match &mut best {
                    Some((longest, names)) if *longest == length => names.push(name.clone()),
                    Some((longest, _)) if *longest > length => {}
                    _ => best = Some((length, vec![name.clone()])),
                }
            }
        }
        best
    }

    /// The models whose name has these words in it, next to each other (`sonnet`, `opus 4.1`).
    pub(super) fn models_with(&self, tokens: &[Token], at: usize) -> Option<(usize, Vec<Name>)> {
        let mut best: Option<(usize, Vec<Name>)> = None;
        for model in self.of(&Dimension::Model) {
            let atoms = atoms(model);
            let longest = (0..atoms.len()).filter_map(|start| {
                let rest = atoms.get(start..)?;
                (1..=rest.len()).rev().find_map(|count| length_of(rest.get(..count)?, tokens, at))
            });
            let Some(length) = longest.max() else { continue };
            let name = Name { dimension: Dimension::Model, value: Arc::clone(model) };
            match &mut best {
                Some((most, names)) if *most == length => names.push(name),
                Some((most, _)) if *most > length => {}
                _ => best = Some((length, vec![name])),
            }
        }
        best
    }

    /// Whether something bears exactly this name.
    pub(super) fn has_value(&self, text: &str) -> bool {
        self.values.values().flatten().any(|value| value.eq_ignore_ascii_case(text))
    }

    /// Whether a run of letters stands in some name.
    pub(super) fn has_word(&self, word: &str) -> bool {
        self.words.contains(word)
    }

    /// The runs of letters in names that are long enough to be misspelled.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    /// The values of a dimension, sorted.
    pub fn of(&self, dimension: &Dimension) -> impl Iterator<Item = &Arc<str>> {
        self.values.get(dimension).into_iter().flatten()
    }

    /// The keys of tags.
    pub fn tag_keys(&self) -> impl Iterator<Item = &Arc<str>> {
        self.values.keys().filter_map(|dimension| match dimension {
            Dimension::Tag(key) => Some(key),
            _ => None,
        })
    }

    /// Every name.
    pub fn iter(&self) -> impl Iterator<Item = Name> {
        self.values.iter().flat_map(|(dimension, values)| {
            values.iter().map(|value| Name { dimension: dimension.clone(), value: Arc::clone(value) })
        })
    }
}

/// How many tokens these atoms take from a token on.
fn length_of(wanted: &[String], tokens: &[Token], at: usize) -> Option<usize> {
    let (mut place, mut rest) = (at, wanted);
    while !rest.is_empty() {
        let token = tokens.get(place)?;
        let is_joint = place > at && token.is_glued && token.is_any(&["-", "_", ".", "/", ":"]);
        if is_joint {
            let next = tokens.get(place + 1)?;
            next.is_glued.then_some(())?;
        } else {
            (place == at || token.kind != TokenKind::Quoted).then_some(())?;
            let atoms = token.atoms();
            let (head, tail) = rest.split_at_checked(atoms.len())?;
            (!atoms.is_empty() && head == atoms).then_some(())?;
            rest = tail;
        }
        place += 1;
    }
    Some(place - at)
}

/// The text of tokens without blanks.
fn spelled(tokens: &[Token], at: usize, length: usize) -> String {
    tokens.iter().skip(at).take(length).map(|token| token.text.as_str()).collect()
}

/// Values that are common words besides: they count only in quotes.
const QUOTED_NAMES: &[(Dimension, &[&str])] = &[
    (Dimension::Outcome, &["ok", "error", "refused", "client_disconnected"]),
    (Dimension::Cache, &["hit", "miss", "bypass"]),
    (Dimension::Streamed, &["true", "false"]),
    (Dimension::Weekday, &["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]),
    (Dimension::FailedOver, &["true", "false"]),
    (Dimension::FindingCategory, &["credentials", "pii", "custom"]),
    (Dimension::FindingAction, &["log", "redact", "mask", "block"]),
    (Dimension::FindingDirection, &["request", "response"]),
    (Dimension::IncidentState, &["open", "closed"]),
    (Dimension::Layer, &["policy", "capability", "availability", "score", "selection"]),
    (Dimension::SignalOrigin, &["human", "automatic"]),
    (Dimension::BudgetScope, &["global", "key", "project", "team", "requester", "provider"]),
    (Dimension::BudgetPeriod, &["day", "week", "month"]),
    (Dimension::ClientApi, &["openai_chat", "openai_responses", "anthropic", "gemini", "ollama"]),
];

/// Names that no database makes: they count only as they are written (`upstream_timeout`).
fn house_names() -> impl Iterator<Item = (Dimension, &'static str)> {
    let errors = ErrorKind::ALL.map(|kind| (Dimension::ErrorKind, kind.as_str()));
    let endpoints = Endpoint::ALL.map(|endpoint| (Dimension::Endpoint, endpoint.as_str()));
    let incidents = IncidentKind::ALL.map(|kind| (Dimension::IncidentKind, kind.as_str()));
    let impacts = Impact::ALL.map(|impact| (Dimension::Impact, impact.as_str()));
    let quoted =
        QUOTED_NAMES.iter().flat_map(|(dimension, values)| values.iter().map(move |value| (dimension.clone(), *value)));
    errors.into_iter().chain(endpoints).chain(incidents).chain(impacts).chain(quoted)
}

/// How a value must be written to be read as one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HouseName {
    /// It is a name of the database.
    No,
    /// As the API writes it.
    AsWritten,
    /// In quotes.
    InQuotes,
}

/// Whether the names of a dimension are made by us, and by no database.
pub(super) fn is_of_house(dimension: &Dimension) -> bool {
    house_name_kind(dimension) != HouseName::No
}

fn house_name_kind(dimension: &Dimension) -> HouseName {
    if matches!(dimension, Dimension::ErrorKind | Dimension::Endpoint | Dimension::IncidentKind | Dimension::Impact) {
        HouseName::AsWritten
    } else if QUOTED_NAMES.iter().any(|(other, _)| other == dimension) {
        HouseName::InQuotes
    } else {
        HouseName::No
    }
}

/// The family of a model: the letters that its name begins with, without the path before it
/// (`vendor/Llama-3.1-8B` → `llama`), with the digits after a single letter (`o3-mini` → `o3`).
pub fn family_of(model: &str) -> String {
    let name = model.rsplit('/').next().unwrap_or(model).to_lowercase();
    let letters = name.chars().take_while(|letter| letter.is_alphabetic()).count();
    let end = if letters == 1 { name.chars().skip(1).take_while(char::is_ascii_digit).count() + 1 } else { letters };
    if letters == 0 { name } else { name.chars().take(end).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_what_a_models_name_begins_with() {
        for (model, family) in [
            ("claude-opus-4-1", "claude"),
            ("gpt-5-mini", "gpt"),
            ("llama3:8b", "llama"),
            ("vendor/Llama-3.1-8B", "llama"),
            ("o3-mini", "o3"),
            ("4o", "4o"),
        ] {
            assert_eq!(family_of(model), family);
        }
    }
}
