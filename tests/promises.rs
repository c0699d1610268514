//! Promises made to the outside, one file each.
