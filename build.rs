//! Looks whether the portal has been built, and has the crate compiled again when it changes.
//!
//! It only looks: it builds nothing, fetches nothing and writes nothing, so that a plain
//! `cargo build` works without Node and without a network.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=portal/no-portal.html");
    println!("cargo::rerun-if-changed=portal/dist");
    if !Path::new("portal/dist/index.html").exists() {
        println!(
            "cargo::warning=portal/dist is missing: the portal's address will only say how to build it (cd portal && npm ci && npm run build)"
        );
    }
}
