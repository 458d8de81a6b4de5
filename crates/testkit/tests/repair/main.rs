//! The operator inside of the cluster repairs: every type of change from its cause to its receipt, and what it makes of many faults, of events, of autoscalers.
//!
//! Threads: 3.
#![cfg(feature = "cluster")]

mod copies;
mod incidents;
mod parts;
mod rollouts;
mod scene;
mod types;
