//! The names that a database holds, by dimension: what words of a question are linked to.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::Dimension;

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
        Self { values }
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
