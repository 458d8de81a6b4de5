//! What people decided, and whether it still holds when the write is due: drift, expiry, quorum, a no beside a yes, digests.
//!
//! The operator runs outside of the cluster. The witness of what was written is the API server's audit log.
//!
//! Minutes: 20.
#![cfg(feature = "cluster")]

mod drift;
mod forged;
mod freeze;
mod nodes;
mod scene;
mod votes;
