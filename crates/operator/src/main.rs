//! The operator's process.
//!
//! Owns the exit code. Must never hold logic. No IO of its own.

fn main() {}
