//! `make fuzz`: see `fuzz/src/body.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| llm_gateway_fuzz::body::run(data));
