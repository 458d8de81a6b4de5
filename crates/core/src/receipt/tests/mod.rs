//! Tests of receipts: known answers, the log's life, every corruption found.
//!
//! Owns the fixtures they share. No IO.

mod cases;
mod corruption;
mod faults;
mod fixture;
mod vectors;
mod wire;
