//! The bar of the house's security: one test a bar, each from outside, against a whole gateway.
//!
//! Bars 2, 11, 13 and 14 are proven for the admin side in `admin_roles.rs`, 10 for the guard alone in
//! `server.rs`, 11 in a real browser in `portal/e2e/cross-origin.test.ts`. Here they are carried to every
//! inference route.

mod bleed;
mod budget;
mod canaries;
mod corpus;
mod data_directory;
mod dependency;
mod disk;
mod doors;
mod egress;
mod faults;
mod ledger;
mod login;
mod nth_operation;
mod oversize;
mod panics;
mod questions;
mod raw;
mod reload;
mod shutdown;
mod slow;
mod slow_reader;
mod smuggling;
mod tls;
mod upstream;
