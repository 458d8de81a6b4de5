//! Guards on a real cluster: a storm of faults, recovery that is faked, a fault that comes and goes, a fault after a repair, and the switch thrown in every step of a Change's life.
//!
//! Pods are bound to a node without a kubelet whose part the suite plays, so that faults come and go when told. The operator runs outside of the cluster with its own account's rights; the witness of what was written is the audit log. R20 to R22 and R24.
//!
//! Minutes: 20.
#![cfg(feature = "cluster")]

mod cascade;
mod cheats;
mod flapping;
mod kubelet;
mod scene;
mod storm;
mod switch;
