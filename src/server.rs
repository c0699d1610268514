//! The shell around the rooms: sockets, limits on what a stranger may send, one guard before any
//! route, the routes themselves and the graceful stop.
//!
//! It must never look into a body or know a provider, and nothing behind it may be reached
//! without passing [`Guard`].

mod activity;
mod connection;
mod guard;
mod listen;
mod openapi;
mod pace;
mod refusal;
mod routes;
mod seats;
mod stop;
mod tls;

pub use guard::{Guard, Reception};
pub use listen::{Drained, Entrance, listen, listen_reloading};
pub use openapi::openapi;
pub use routes::router;
pub use stop::{Stop, raise_file_limit, stop_on_signals};
pub use tls::{Tls, TlsError};
