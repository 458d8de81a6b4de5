//! What can be wrong with an exported log, and where.
//!
//! Owns the closed list of faults and their texts. Must never name a position that was not read.
//! No IO.

use super::chain::MAX_LINE;
use super::digest::Digest;
use super::key::KeyId;
use serde::Serialize;
use std::fmt;

/// One fault with its position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The line, from 1. For something missing at the end, the line where it should stand.
    pub line: u64,
    /// The receipt's sequence, from 0, where one is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// What is wrong there.
    pub what: What,
}

/// What is wrong with a line, or with the file at that line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
pub enum What {
    /// No key to trust was given.
    #[error("no key was given to verify with")]
    NoKey {},
    /// The file could not be read further.
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
    /// There is nothing in the file.
    #[error("the file is empty")]
    Empty {},
    /// A line longer than any receipt.
    #[error("the line is longer than {MAX_LINE} bytes")]
    TooLong {},
    /// The last line has no line end.
    #[error("the line is cut off: it has no line end")]
    Torn {},
    /// The line is no envelope.
    #[error("the line is not an envelope with one signature")]
    Garbage {},
    /// The line means an envelope, but is not written as a signer writes it.
    #[error("the line is not in canonical form")]
    NotCanonical {},
    /// The envelope's payload type is not one of ours.
    #[error("the payload type {0:?} is unknown")]
    UnknownType(String),
    /// The key that signed is not one that may sign here.
    #[error("signed with key {0}, which is not in force here")]
    ForeignKey(String),
    /// The key that signed had given way to another one before.
    #[error("signed with key {0}, which was retired by an earlier receipt")]
    RetiredKey(KeyId),
    /// The signature does not fit the bytes.
    #[error("the signature does not match")]
    BadSignature {},
    /// Signed, but not a statement of this format.
    #[error("signed, but no valid statement: {0}")]
    BadStatement(String),
    /// Receipts that should stand here are not in the file.
    #[error("{} missing", several(*from, *to))]
    Missing {
        /// The first one missing.
        from: u64,
        /// The last one missing.
        to: u64,
    },
    /// A later receipt stands where an earlier one should; the earlier ones follow further down.
    #[error("receipt {found} stands where {expected} should{}", lost(*absent))]
    OutOfOrder {
        /// The receipt that should stand here.
        expected: u64,
        /// The receipt that does.
        found: u64,
        /// How many of the receipts skipped here are nowhere further down.
        absent: u64,
    },
    /// A receipt that was there already.
    #[error("this receipt stands further up already")]
    Duplicated {},
    /// The receipt does not name the one before it.
    #[error("names {named} as the receipt before, which is {actual}")]
    BrokenChain {
        /// The hash in the receipt.
        named: Digest,
        /// The hash of the receipt before.
        actual: Digest,
    },
    /// The receipt claims to be older than the one before it.
    #[error("its time is earlier than that of the entry before")]
    BackDated {},
    /// The file does not end in a checkpoint.
    #[error("the signed checkpoint at the end is missing")]
    NoCheckpoint {},
    /// A checkpoint where none may stand.
    #[error("a checkpoint stands where a receipt should")]
    MisplacedCheckpoint {},
    /// Something stands after the checkpoint.
    #[error("stands after the checkpoint that ends the file")]
    AfterCheckpoint {},
    /// The checkpoint states another log than the file holds.
    #[error("the checkpoint does not fit the receipts: its {0} differs")]
    CheckpointDiffers(&'static str),
    /// The pinned head is not in the file: receipts up to it were cut off, or this is another log.
    #[error("the pinned head {0} is not in this log")]
    PinNotFound(String),
    /// So many faults that the rest was not read.
    #[error("too many faults; the rest was not read")]
    TooMany {},
}

fn several(from: u64, to: u64) -> String {
    if from == to { format!("receipt {from} is") } else { format!("receipts {from} to {to} are") }
}

fn lost(absent: u64) -> String {
    if absent == 0 { String::new() } else { format!("; {absent} of those skipped are missing") }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(sequence) = self.sequence {
            write!(f, " (receipt {sequence})")?;
        }
        write!(f, ": {}", self.what)
    }
}
