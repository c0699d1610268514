//! `make fuzz`: see `fuzz/src/sse.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| llm_gateway_fuzz::sse::run(data));
