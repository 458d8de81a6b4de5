//! What every process of the product needs: logs, an admin port, leadership, one way to stop.
//!
//! Owns these four. Must never know what the process is for. No IO of its own.

pub mod admin;
pub mod lease;
pub mod tasks;
pub mod telemetry;
