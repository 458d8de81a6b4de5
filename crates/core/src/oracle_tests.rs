//! Tests of the oracles: each of them healthy, not yet, worse and vanished, and every way in
//! which recovery has been faked (R24).

#[path = "oracle_tests/autoscaler.rs"]
mod autoscaler;
#[path = "oracle_tests/cheats.rs"]
mod cheats;
#[path = "oracle_tests/cluster.rs"]
mod cluster;
#[path = "oracle_tests/ingress.rs"]
mod ingress;
#[path = "oracle_tests/node.rs"]
mod node;
#[path = "oracle_tests/objects.rs"]
mod objects;
#[path = "oracle_tests/rollouts.rs"]
mod rollouts;
