//! The way of a request (data plane).

pub mod decode;
pub mod tally;
