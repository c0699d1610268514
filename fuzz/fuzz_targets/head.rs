//! `make fuzz`: see `fuzz/src/head.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| llm_gateway_fuzz::head::run(data));
