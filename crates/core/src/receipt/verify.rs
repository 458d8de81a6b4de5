//! Offline verification of an exported log.
//!
//! Owns the reading of lines and what is reported of a sound log. Must never hold more than one
//! line in memory. Reads only from the reader it is given.

use super::digest::Digest;
use super::fault::{Fault, What};
use super::key::{KeyId, PublicKey};
use super::lines::{self, Line};
use super::pin::Pin;
use super::walk::Walk;
use jiff::Timestamp;
use serde::Serialize;
use std::io::BufRead;

/// A key and the first receipt that it signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct KeyUse {
    /// The key.
    pub key: KeyId,
    /// The first sequence it may sign.
    pub from: u64,
}

/// What a sound log holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Number of receipts in the file.
    pub receipts: u64,
    /// Number of receipts before them that were removed after their retention time.
    pub retired: u64,
    /// Hash of the last receipt: what to pin at the next verification.
    pub head: Digest,
    /// RFC 6962 root over all receipts, the removed ones included.
    pub root: Digest,
    /// Time of the checkpoint.
    pub at: Timestamp,
    /// Each key in force, in order.
    pub keys: Vec<KeyUse>,
}

/// Verifies an export. `keys` are trusted to sign its first line; a receipt of kind `KeyRotation`
/// introduces each later key. `pin` is a head that the log must contain.
///
/// # Errors
/// Every fault found, in the order of lines; at most a hundred.
pub fn verify_export(mut reader: impl BufRead, keys: &[PublicKey], pin: Option<Pin>) -> Result<Report, Vec<Fault>> {
    if keys.is_empty() {
        return Err(vec![Fault { line: 1, sequence: None, what: What::NoKey {} }]);
    }
    let mut walk = Walk::new(keys, pin);
    let mut buffer = Vec::with_capacity(8192);
    loop {
        walk.next_line();
        match lines::next(&mut reader, &mut buffer) {
            Ok(Line::Whole) => walk.line(&buffer),
            Ok(Line::Torn) => walk.damaged(What::Torn {}),
            Ok(Line::TooLong) => walk.damaged(What::TooLong {}),
            Ok(Line::End) => break,
            Err(error) => {
                walk.fault(None, What::Unreadable(error.to_string()));
                return Err(walk.faults());
            }
        }
        if walk.is_flooded() {
            walk.fault(None, What::TooMany {});
            return Err(walk.faults());
        }
    }
    walk.finish()
}
