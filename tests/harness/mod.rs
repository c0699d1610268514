//! What the promises share: a client, and servers on port 0 with real stores under temporary directories.
#![allow(dead_code, reason = "not every promise needs every tool")]

pub(crate) mod client;
pub(crate) mod dial;
pub(crate) mod faulty_disk;
pub(crate) mod gateway;
pub(crate) mod ports;
pub(crate) mod process;
pub(crate) mod tls;
