//! From a line to signed bytes.
//!
//! Owns the order of checks: shape, type, key, signature. Must never hand out a payload whose
//! signature was not checked. No IO.

use super::dsse::{CHECKPOINT_TYPE, STATEMENT_TYPE, Sealed, Shape, pae};
use super::fault::What;
use super::key::{KeyId, PublicKey};

/// Which of the two payloads a line carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PayloadType {
    Statement,
    Checkpoint,
}

/// A payload whose signature was checked.
pub(super) struct Opened {
    pub(super) payload_type: PayloadType,
    pub(super) payload: Vec<u8>,
}

/// Opens a line with the key that `lookup` gives for the id it names.
///
/// # Errors
/// The first check that fails.
pub(super) fn open<'k>(line: &[u8], lookup: impl FnOnce(KeyId) -> Result<&'k PublicKey, What>) -> Result<Opened, What> {
    let sealed = Sealed::parse(line).map_err(|shape| match shape {
        Shape::NotCanonical => What::NotCanonical {},
        Shape::Garbage => What::Garbage {},
    })?;
    let payload_type = match sealed.payload_type {
        STATEMENT_TYPE => PayloadType::Statement,
        CHECKPOINT_TYPE => PayloadType::Checkpoint,
        other => return Err(What::UnknownType(other.chars().take(80).collect())),
    };
    let (Some(payload), Some(signature)) = (sealed.payload(), sealed.signature()) else {
        return Err(What::NotCanonical {});
    };
    let foreign = || What::ForeignKey(sealed.keyid.chars().take(80).collect());
    let key = lookup(sealed.keyid.parse().map_err(|_| foreign())?)?;
    if !key.verifies(&pae(sealed.payload_type, &payload), &signature) {
        return Err(What::BadSignature {});
    }
    Ok(Opened { payload_type, payload })
}
