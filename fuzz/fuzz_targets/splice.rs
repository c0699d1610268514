//! `make fuzz`: see `fuzz/src/splice.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| llm_gateway_fuzz::splice::run(data));
