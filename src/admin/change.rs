//! A field of a `PATCH` body: left out, `null`, or given.

use serde::{Deserialize, Deserializer};

/// What becomes of a field. Use with `#[serde(default)]`.
#[derive(Debug, Default)]
pub(super) enum Change<T> {
    /// Left out: it stays as it is.
    #[default]
    Keep,
    /// `null`: it is emptied.
    Clear,
    /// It becomes this.
    Set(T),
}

impl<T> Change<T> {
    /// Changes an optional field.
    pub(super) fn apply(self, field: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *field = None,
            Self::Set(value) => *field = Some(value),
        }
    }
}

impl<T: Default> Change<T> {
    /// Changes a field that is empty in its own way, such as a list.
    pub(super) fn apply_or_default(self, field: &mut T) {
        match self {
            Self::Keep => {}
            Self::Clear => *field = T::default(),
            Self::Set(value) => *field = value,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        Option::<T>::deserialize(reader).map(|value| value.map_or(Self::Clear, Self::Set))
    }
}
