//! Signed checkpoints: how many receipts there are, and the one root over all of them.
//!
//! Owns the checkpoint's bytes. Must never accept peaks that do not make up the root. No IO.

use super::digest::Digest;
use super::dsse::{CHECKPOINT_TYPE, Envelope};
use super::key::{KeyError, KeyId, Signer};
use super::merkle::{Frontier, Head};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a checkpoint may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// States the end of the log.
    Head,
    /// Stands for the receipts before it, which were removed after their retention time. A mere
    /// `Head` is never accepted in that place, or old exports would be shears.
    Retention,
}

/// The state of the log after `size` receipts. Fields stand in the order of their wire names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Checkpoint {
    /// Server time; never earlier than that of the last receipt.
    pub at: Timestamp,
    /// Hash of the last receipt; 64 zeros where there is none.
    pub head_hash: Digest,
    /// The key that signs the next receipt.
    pub key: KeyId,
    /// Roots of the full subtrees, the largest first: what is needed to go on from here.
    pub peaks: Vec<Digest>,
    /// What it may be used for.
    pub purpose: Purpose,
    /// RFC 6962 root over the receipts' hashes.
    pub root: Digest,
    /// Number of receipts.
    pub size: u64,
}

impl Checkpoint {
    /// Signs the checkpoint.
    ///
    /// # Errors
    /// [`KeyError::Sign`] where the library fails.
    pub fn sign(&self, signer: &Signer) -> Result<Envelope, KeyError> {
        let payload = serde_json::to_vec(self).map_err(|_| KeyError::Sign)?;
        Envelope::seal(CHECKPOINT_TYPE, &payload, signer)
    }

    /// The tree's right edge, to go on from.
    pub fn frontier(&self) -> Option<Frontier> {
        Frontier::from_peaks(self.size, self.peaks.clone()).filter(|f| f.root() == self.root)
    }

    /// Size and root, for consistency proofs.
    pub const fn head(&self) -> Head {
        Head { size: self.size, root: self.root }
    }
}

/// Reads a checkpoint whose signature was checked.
///
/// # Errors
/// One sentence that says what is wrong with the bytes.
pub(super) fn decode(payload: &[u8]) -> Result<Checkpoint, String> {
    let checkpoint: Checkpoint = serde_json::from_slice(payload).map_err(|e| e.to_string())?;
    if serde_json::to_vec(&checkpoint).map_err(|e| e.to_string())? != payload {
        return Err("the checkpoint is not written in canonical form".to_owned());
    }
    if checkpoint.frontier().is_none() {
        return Err("the checkpoint's peaks do not make up its root".to_owned());
    }
    Ok(checkpoint)
}
