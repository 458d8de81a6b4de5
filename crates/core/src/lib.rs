//! The pure domain: what is wrong, what may be done about it, who decides, what is recorded.
//!
//! Every function here is a function of values: `now`, ids and randomness are arguments.
//! No tokio, kube, http or tracing, and no IO of any kind.

#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

pub mod action;
pub mod analyze;
pub mod canonical;
pub mod catalogue;
pub mod copies;
pub mod fence;
pub mod finding;
pub mod guards;
pub mod incident;
pub mod index;
pub mod life;
pub mod mandate;
pub mod names;
pub mod object;
pub mod oracle;
pub mod plan;
pub mod quantity;
pub mod reason;
pub mod receipt;
