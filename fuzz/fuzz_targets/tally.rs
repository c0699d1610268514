//! `make fuzz`: see `fuzz/src/tally.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| llm_gateway_fuzz::tally::run(data));
