//! A head that a verifier has kept from elsewhere.
//!
//! Owns its text form. A log that was cut consistently, together with an older checkpoint, is
//! found only by such a pin. No IO.

use super::digest::Digest;
use std::fmt;
use std::str::FromStr;

/// A point that the log must contain: so many receipts, or a receipt with this hash, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pin {
    /// At least this many receipts.
    Size(u64),
    /// A receipt with this hash, wherever it stands.
    Hash(Digest),
    /// The receipt that made the log this long has this hash.
    Both(u64, Digest),
}

/// The text is no pin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a head: give a number of receipts, the hash of a receipt, or both as NUMBER:HASH")]
pub struct PinError(String);

impl Pin {
    /// True where a log whose receipt number `size` (from 1) has this hash contains the pin.
    pub(super) fn met_by(&self, size: u64, hash: &Digest) -> bool {
        match self {
            Pin::Size(wanted) => size >= *wanted,
            Pin::Hash(wanted) => hash == wanted,
            Pin::Both(at, wanted) => size == *at && hash == wanted,
        }
    }
}

impl FromStr for Pin {
    type Err = PinError;
    fn from_str(text: &str) -> Result<Self, PinError> {
        let refuse = || PinError(text.chars().take(100).collect());
        if let Some((size, hash)) = text.split_once(':') {
            let size = size.parse().map_err(|_| refuse())?;
            return Ok(Pin::Both(size, hash.parse().map_err(|_| refuse())?));
        }
        // A hash has 64 digits, which no number of receipts has.
        text.parse().map(Pin::Hash).or_else(|_| text.parse().map(Pin::Size)).map_err(|_| refuse())
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pin::Size(size) => write!(f, "{size}"),
            Pin::Hash(hash) => write!(f, "{hash}"),
            Pin::Both(size, hash) => write!(f, "{size}:{hash}"),
        }
    }
}
