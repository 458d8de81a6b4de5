//! Receipts: signed, hash-chained statements of what was decided and done.
//!
//! Owns their bytes, keys, tree, export and offline verification. Must never sign what a verifier
//! would refuse, and never accept two texts for one receipt. No IO but the reader or writer that
//! the caller passes.
//!
//! A receipt is an in-toto Statement in a DSSE envelope. It names the SHA-256 of the payload of
//! the receipt before it; a signed checkpoint states the RFC 6962 root over all of them. One key
//! is in force at a time; it introduces its successor. A log whose key is lost cannot be gone on
//! with: it is exported, and a new one begins. Sequences count from 0, lines from 1.

mod b64;
mod body;
mod chain;
mod checkpoint;
mod digest;
mod dsse;
mod export;
mod fault;
mod json;
mod key;
mod keyring;
mod lines;
pub mod merkle;
mod open;
mod order;
mod parts;
mod pem;
mod pin;
mod statement;
mod verify;
mod walk;
mod writer;

#[cfg(test)]
mod tests;

pub use body::{Predicate, ReceiptBody};
pub use chain::{Chain, Entry, MAX_LINE, ResumeError, SignError, read, sign};
pub use checkpoint::{Checkpoint, Purpose};
pub use digest::{Digest, Hex, HexError};
pub use dsse::{CHECKPOINT_TYPE, Envelope, STATEMENT_TYPE, Signature, pae};
pub use export::write_export;
pub use fault::{Fault, What};
pub use json::Canonical;
pub use key::{KeyError, KeyId, PublicKey, Signer, generate, pem_of_seed};
pub use parts::{Applied, Approver, FenceProof, Grant, Kind, Named, Plan, Undo, Verdict, Verification};
pub use pin::{Pin, PinError};
pub use statement::{PREDICATE_TYPE, STATEMENT};
pub use verify::{KeyUse, Report, verify_export};
