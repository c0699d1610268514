//! The names of the history as questions call them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Dimension, Name, Names};
use crate::store::{Dimension as Stored, NameOf};

/// Names by dimension; keys by their labels, by their ids where they have none; and those that the configuration adds.
pub fn names_of(
    stored: BTreeSet<(NameOf, String)>,
    key_labels: &BTreeMap<String, String>,
    configured: impl IntoIterator<Item = (Dimension, String)>,
) -> Names {
    let named = stored.into_iter().filter_map(|(of, value)| {
        let dimension = match of {
            NameOf::Dimension(stored) => {
                if stored == Stored::Key {
                    let value = key_labels.get(&value).unwrap_or(&value);
                    return Some(Name { dimension: Dimension::Key, value: Arc::from(value.as_str()) });
                }
                dimension(stored)?
            }
            NameOf::Tag(key) => Dimension::Tag(Arc::from(key)),
            NameOf::FindingKind => Dimension::FindingKind,
            NameOf::SignalKind => Dimension::SignalKind,
            NameOf::Task => Dimension::Task,
        };
        Some(Name { dimension, value: Arc::from(value) })
    });
    let configured = configured.into_iter().map(|(dimension, value)| Name { dimension, value: Arc::from(value) });
    Names::new(named.chain(configured).collect::<Vec<_>>())
}

/// Those whose values are not known beforehand.
const fn dimension(stored: Stored) -> Option<Dimension> {
    Some(match stored {
        Stored::Project => Dimension::Project,
        Stored::Source => Dimension::Requester,
        Stored::Team => Dimension::Team,
        Stored::Profile => Dimension::Profile,
        Stored::Provider => Dimension::Provider,
        Stored::Model => Dimension::Model,
        _ => return None,
    })
}
