//! Stats and series over the history.
