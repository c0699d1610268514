//! The control plane: every route on this page, one noun a file, alike inside.
mod egress;
mod error;
mod extract;
mod login;
mod origin;
