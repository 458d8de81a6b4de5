//! Drives one target by coverage: libFuzzer, on the target that `BAILIWICK_FUZZ_TARGET` names.
//!
//! Owns the choice of the target. Must never hold a check of its own: those are plain functions of
//! `bailiwick_fuzz`. Reads one variable; libFuzzer reads and writes the corpus.
#![no_main]

use bailiwick_fuzz::{Target, find};
use std::sync::LazyLock;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("BAILIWICK_FUZZ_TARGET").unwrap_or_default();
    find(&name).unwrap_or_else(|| panic!("BAILIWICK_FUZZ_TARGET={name:?} names no target"))
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| (TARGET.run)(data));
