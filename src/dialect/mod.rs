//! Wire formats, pure: bytes in, facts or bytes out.
//!
//! Nothing here does I/O, knows a provider by name or holds a whole body. Foreign bytes never make
//! it panic, and everything that reads incrementally gives the same answer for every split.

pub(crate) mod lex;
pub(crate) mod quote;
pub mod sse;
pub mod watch;
pub mod steer;
pub mod splice;
pub mod canonical;
pub mod first_turns;
pub(crate) mod estimate;
pub mod defaults;
pub mod usage_chunk;
pub mod error_body;
pub mod models;
pub mod translate;
