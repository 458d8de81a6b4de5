//! What every process of the product needs: logs, an admin port, leadership, one way to stop.
//!
//! Owns these four, and how errors are put into words. Must never know what the process is for. Listens on the admin port, talks to
//! the API server for leadership, reads signals, writes logs to standard error.

pub mod admin;
pub mod lease;
pub mod said;
pub mod tasks;
pub mod telemetry;
