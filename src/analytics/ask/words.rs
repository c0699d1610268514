//! The vocabulary: which words stand for which measure, dimension, value or shape.
//!
//! Words of the trade only; names come from the database, times from the calendar. The first phrase of a quantity or
//! a dimension is the one that sentences are made of.

mod dimensions;
mod measures;
mod shapes;

use self::{
    dimensions::{DIMENSIONS, VALUES},
    measures::{MEASURES, OTHER_VIEWS, RATIOS},
    shapes::{JOINTS, SHAPES},
};
use super::senses::Entry;

/// The vocabulary.
pub(super) const WORDS: &[&[Entry]] = &[MEASURES, RATIOS, OTHER_VIEWS, DIMENSIONS, VALUES, SHAPES, JOINTS];
