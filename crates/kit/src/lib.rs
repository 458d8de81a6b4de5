//! What every process of the product needs: logs, an admin port, clients of the API server,
//! leadership, one way to stop.
//!
//! Owns these, and how errors are put into words. Must never know what the process is for. Listens
//! on the admin port, talks to the API server and to name servers, reads signals, writes logs to
//! standard error.

pub mod admin;
pub mod client;
pub mod lease;
pub mod said;
pub mod tasks;
pub mod telemetry;
