//! The way of a request (data plane).
