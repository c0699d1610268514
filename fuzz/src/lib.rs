//! What the fuzz targets do, one function a target: bytes in, and a panic if a promise is broken.
//!
//! `fuzz_targets/` hands each of them to libFuzzer (nightly compiler); `tests/fuzz_seeds.rs` includes this
//! very file and runs them over the seeds and small changes of them (stable compiler, every `make test`).
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a fuzz target tells a fault by panicking; the tests include what the targets import"
)]

mod cuts;
mod rules;

pub mod body;
pub mod config;
pub mod guard;
pub mod head;
pub mod key;
pub mod splice;
pub mod sql_guard;
pub mod sse;
pub mod tally;
pub mod translate;
pub mod window;

/// Takes an input and panics if it breaks a promise.
pub type Target = fn(&[u8]);

/// Name and function of every target.
pub const TARGETS: [(&str, Target); 11] = [
    ("body", body::run),
    ("config", config::run),
    ("guard", guard::run),
    ("head", head::run),
    ("key", key::run),
    ("splice", splice::run),
    ("sql_guard", sql_guard::run),
    ("sse", sse::run),
    ("tally", tally::run),
    ("translate", translate::run),
    ("window", window::run),
];
