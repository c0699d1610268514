//! `make fuzz`: see `fuzz/src/sql_guard.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| llm_gateway_fuzz::sql_guard::run(data));
