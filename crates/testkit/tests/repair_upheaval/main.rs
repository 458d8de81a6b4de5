//! The operator inside of the cluster while everything around it changes: faults that were there first, objects that nobody can read, the territory withdrawn, the switch thrown, a policy gone, the leader killed.
//!
//! Each test disturbs the whole cluster, so they run one after the other.
#![cfg(feature = "cluster")]

mod authority;
mod leaders;
mod malformed;
mod priming;
mod scene;
