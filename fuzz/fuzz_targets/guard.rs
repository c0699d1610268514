//! `make fuzz`: see `fuzz/src/guard.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| llm_gateway_fuzz::guard::run(data));
