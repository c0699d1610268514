//! The demo provider and its synthetic history.
