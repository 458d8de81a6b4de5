//! The operator: finds what is wrong, proposes changes, executes what was decided.
//!
//! Owns the watches, the Incidents and the execution of Changes. Must never hold a right that the
//! one-shot accounts hold: every write to a workload goes through `changes`.

pub mod changes;
pub mod config;
pub mod connect;
mod copies;
pub mod failpoints;
pub mod feed;
pub mod incidents;
pub mod metrics;
mod process;
pub mod run;
pub mod shared;
