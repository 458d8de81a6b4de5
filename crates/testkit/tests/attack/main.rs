//! Attacks on the enforcement, each refused by the API server itself, each beside the same request where it must pass. No operator runs: what its account would write is written by the tests with its token.
//!
//! Threads: 4.
#![cfg(feature = "cluster")]

mod adoption;
mod approvals;
mod bystanders;
mod cap;
mod copies;
mod deletion;
mod drift;
mod fence;
mod floor;
mod grants;
mod kinds;
mod mutation;
mod nodes;
mod rbac;
mod receipts;
mod restart;
mod rights;
mod scene;
mod shapes;
mod shot;
mod tenants;
mod token;
mod types;
mod upheaval;
