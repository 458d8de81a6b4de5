//! The growing log: each receipt names the hash of the one before it.
//!
//! Owns the order of receipts and which key may sign the next. Must never change in place: the
//! caller keeps the old state until the new receipt is stored. No IO.

use super::body::{Predicate, ReceiptBody};
use super::checkpoint::{self, Checkpoint, Purpose};
use super::digest::Digest;
use super::dsse::{Draft, Envelope, STATEMENT_TYPE};
use super::fault::What;
use super::key::{KeyError, KeyId, PublicKey, Signer};
use super::merkle::{self, Frontier};
use super::open::{PayloadType, open};
use super::statement;
use jiff::Timestamp;

/// The longest line an export may hold, in bytes, without its line end.
pub const MAX_LINE: usize = 1 << 20;

/// Why a receipt could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The body breaks a rule between its fields.
    #[error("{0}")]
    Rule(&'static str),
    /// The envelope would be longer than a verifier reads.
    #[error("the receipt would take {0} bytes, more than {MAX_LINE}")]
    TooLarge(usize),
    /// Another key is in force: the log needs a key rotation first.
    #[error("key {held} may not sign: key {in_force} is in force until a receipt introduces another")]
    KeyNotInForce {
        /// The signer's key.
        held: KeyId,
        /// The key that may sign.
        in_force: KeyId,
    },
    /// The key failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The body could not be written as JSON.
    #[error("encode the receipt")]
    Encode(#[from] serde_json::Error),
}

/// Why a stored envelope cannot be gone on from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the stored envelope cannot be used: {0}")]
pub struct ResumeError(String);

/// One signed receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its position in the log, from 0.
    pub sequence: u64,
    /// SHA-256 over the envelope's payload: what the next receipt names as `previous`.
    pub hash: Digest,
    /// The hash of the receipt before.
    pub previous: Digest,
    /// The signed statement.
    pub envelope: Envelope,
}

/// Signs one receipt at a position. [`Chain::next`] keeps the position right.
///
/// # Errors
/// A broken rule, an oversized receipt, or a failing key.
pub fn sign(signer: &Signer, body: ReceiptBody, sequence: u64, previous: Digest) -> Result<Entry, SignError> {
    let predicate = Predicate::new(body, sequence, previous);
    statement::check(&predicate).map_err(SignError::Rule)?;
    let mut draft = Draft::new();
    statement::encode(&predicate, draft.writer())?;
    // Base64 takes four bytes for three; the template around it takes about 200.
    let line = draft.payload().len().div_ceil(3) * 4 + 256;
    if line > MAX_LINE {
        return Err(SignError::TooLarge(line));
    }
    let hash = Digest::of(draft.payload());
    Ok(Entry { sequence, hash, previous, envelope: draft.seal(STATEMENT_TYPE, signer)? })
}

fn payload_of(envelope: &Envelope, key: &PublicKey, wanted: PayloadType) -> Result<Vec<u8>, ResumeError> {
    let line = envelope.to_line().map_err(|e| ResumeError(e.to_string()))?;
    let lookup = |id: KeyId| {
        if id == key.id() { Ok(key) } else { Err(What::ForeignKey(id.to_string())) }
    };
    let opened = open(&line, lookup).map_err(|what| ResumeError(what.to_string()))?;
    if opened.payload_type != wanted {
        return Err(ResumeError(format!("its payload is of type {}", envelope.payload_type)));
    }
    Ok(opened.payload)
}

/// Reads a stored receipt with the key that signed it.
///
/// # Errors
/// The envelope is no receipt signed with that key.
pub fn read(receipt: &Envelope, key: &PublicKey) -> Result<Predicate, ResumeError> {
    statement::decode(&payload_of(receipt, key, PayloadType::Statement)?).map_err(ResumeError)
}

/// The log's state after its last receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    frontier: Frontier,
    head: Digest,
    key: KeyId,
    at: Option<Timestamp>,
}

impl Chain {
    /// An empty log, whose first receipt this key signs.
    pub fn genesis(key: KeyId) -> Self {
        Self { frontier: Frontier::default(), head: Digest::ZERO, key, at: None }
    }

    /// Goes on from a signed checkpoint, as kept beside the last receipt. `key` must be the one it
    /// states as in force.
    ///
    /// # Errors
    /// The envelope is no checkpoint, or not one by that key.
    pub fn resume(checkpoint: &Envelope, key: &PublicKey) -> Result<Self, ResumeError> {
        let payload = payload_of(checkpoint, key, PayloadType::Checkpoint)?;
        let stored = checkpoint::decode(&payload).map_err(ResumeError)?;
        if stored.key != key.id() {
            return Err(ResumeError(format!("key {} is in force", stored.key)));
        }
        let frontier = stored.frontier().unwrap_or_default();
        Ok(Self { frontier, head: stored.head_hash, key: stored.key, at: Some(stored.at) })
    }

    /// The state after a receipt that another process stored.
    ///
    /// # Errors
    /// The envelope is not the next receipt of this log, signed with `key`, which is in force.
    pub fn follow(&self, receipt: &Envelope, key: &PublicKey) -> Result<Self, ResumeError> {
        let payload = payload_of(receipt, key, PayloadType::Statement)?;
        let next = statement::decode(&payload).map_err(ResumeError)?;
        if key.id() != self.key || next.sequence != self.size() || next.previous != self.head {
            return Err(ResumeError(format!("receipt {} is not the next one", next.sequence)));
        }
        let key = next.rotation.as_ref().map_or(self.key, PublicKey::id);
        Ok(self.after(Digest::of(&payload), key, next.at))
    }

    fn after(&self, hash: Digest, key: KeyId, at: Timestamp) -> Self {
        let mut frontier = self.frontier.clone();
        frontier.push(merkle::leaf(hash.as_bytes()));
        Self { frontier, head: hash, key, at: Some(at) }
    }

    /// Number of receipts, which is the next one's sequence.
    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Hash of the last receipt; zeros where there is none.
    pub const fn head(&self) -> Digest {
        self.head
    }

    /// The key that must sign the next receipt.
    pub const fn key(&self) -> KeyId {
        self.key
    }

    /// Signs the next receipt and returns it with the state after it. A time earlier than the
    /// last receipt's is raised to that, for API servers' clocks differ and a log whose time
    /// runs backwards is reported as back-dated.
    ///
    /// # Errors
    /// As [`sign`]; and [`SignError::KeyNotInForce`].
    pub fn next(&self, signer: &Signer, mut body: ReceiptBody) -> Result<(Chain, Entry), SignError> {
        let held = signer.public().id();
        if held != self.key {
            return Err(SignError::KeyNotInForce { held, in_force: self.key });
        }
        body.at = self.at.map_or(body.at, |last| body.at.max(last));
        let at = body.at;
        let key = body.rotation.as_ref().map_or(self.key, PublicKey::id);
        let entry = sign(signer, body, self.size(), self.head)?;
        Ok((self.after(entry.hash, key, at), entry))
    }

    /// The checkpoint of this state, to be signed with the key in force: after a rotation, the new
    /// one.
    pub fn checkpoint(&self, purpose: Purpose, at: Timestamp) -> Checkpoint {
        Checkpoint {
            at: self.at.map_or(at, |last| at.max(last)),
            head_hash: self.head,
            key: self.key,
            peaks: self.frontier.peaks().to_vec(),
            purpose,
            root: self.frontier.root(),
            size: self.size(),
        }
    }
}
