//! `make fuzz`: see `fuzz/src/window.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| llm_gateway_fuzz::window::run(data));
