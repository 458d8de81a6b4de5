//! DSSE envelopes (github.com/secure-systems-lab/dsse) with exactly one Ed25519 signature.
//!
//! Owns the pre-authentication encoding and the one byte form of an envelope. Must never accept
//! a second text for the same envelope. No IO.

use super::b64;
use super::key::{KeyError, KeyId, PublicKey, Signer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io::Write;

/// The payload type of an in-toto statement.
pub const STATEMENT_TYPE: &str = "application/vnd.in-toto+json";
/// The payload type of a signed [`super::Checkpoint`].
pub const CHECKPOINT_TYPE: &str = "application/vnd.bailiwick.checkpoint+json";

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The id of the key that signed.
    pub keyid: KeyId,
    /// The signature, base64 with padding.
    #[schemars(length(min = 1, max = 128))]
    pub sig: String,
}

/// A DSSE envelope. Fields stand in the order of canonical JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Envelope {
    /// The signed bytes, base64 with padding.
    #[schemars(length(min = 1, max = 1_048_576))]
    pub payload: String,
    /// What the payload is.
    #[schemars(length(min = 1, max = 128))]
    pub payload_type: String,
    /// Exactly one signature over type and payload.
    #[schemars(length(min = 1, max = 1))]
    pub signatures: Vec<Signature>,
}

impl Envelope {
    /// Signs the payload.
    ///
    /// # Errors
    /// [`KeyError::Sign`] where the library fails.
    pub fn seal(payload_type: &str, payload: &[u8], signer: &Signer) -> Result<Self, KeyError> {
        Self::signed(payload_type, payload, &pae(payload_type, payload), signer)
    }

    fn signed(payload_type: &str, payload: &[u8], message: &[u8], signer: &Signer) -> Result<Self, KeyError> {
        let sig = b64::encode(&signer.sign_bytes(message)?);
        Ok(Self {
            payload: b64::encode(payload),
            payload_type: payload_type.to_owned(),
            signatures: vec![Signature { keyid: signer.public().id(), sig }],
        })
    }

    /// The bytes that were signed, unchecked; `None` where the payload is no base64.
    pub fn payload_bytes(&self) -> Option<Vec<u8>> {
        b64::decode(&self.payload)
    }

    /// The payload, where it is of that type and its one signature is this key's.
    pub fn payload_signed_by(&self, payload_type: &str, key: &PublicKey) -> Option<Vec<u8>> {
        let payload = self.payload_bytes().filter(|_| self.payload_type == payload_type)?;
        let [signature] = self.signatures.as_slice() else { return None };
        let signed = b64::decode(&signature.sig)?;
        key.verifies(&pae(payload_type, &payload), &signed).then_some(payload)
    }

    /// The canonical JSON of the envelope, without a line end.
    ///
    /// # Errors
    /// None that these fields can cause; the serialiser's own type is passed on.
    pub fn to_line(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }
}

/// A payload being written, with room before it for the head of what is signed: the bytes are
/// written once and never copied.
pub(super) struct Draft(Vec<u8>);

impl Draft {
    const ROOM: usize = 128;

    pub(super) fn new() -> Self {
        let mut bytes = Vec::with_capacity(4096);
        bytes.extend_from_slice(&[0; Self::ROOM]);
        Draft(bytes)
    }

    /// Where to write the payload.
    pub(super) fn writer(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    pub(super) fn payload(&self) -> &[u8] {
        self.0.get(Self::ROOM..).unwrap_or_default()
    }

    /// Signs the payload as [`Envelope::seal`] does.
    ///
    /// # Errors
    /// [`KeyError::Sign`] where the library fails.
    pub(super) fn seal(mut self, payload_type: &str, signer: &Signer) -> Result<Envelope, KeyError> {
        let (length, mut head) = (self.payload().len(), [0; Self::ROOM]);
        let mut rest = head.as_mut_slice();
        write_head(payload_type, length, &mut rest).map_err(|_| KeyError::Sign)?;
        let start = rest.len();
        let head = head.get(..Self::ROOM - start).unwrap_or_default();
        self.0.get_mut(start..Self::ROOM).ok_or(KeyError::Sign)?.copy_from_slice(head);
        let message = self.0.get(start..).unwrap_or_default();
        Envelope::signed(payload_type, self.payload(), message, signer)
    }
}

fn write_head(payload_type: &str, length: usize, out: &mut impl Write) -> std::io::Result<()> {
    write!(out, "DSSEv1 {} {payload_type} {length} ", payload_type.len())
}

/// The bytes that are signed: DSSE's pre-authentication encoding, version 1.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(payload.len() + Draft::ROOM);
    // Writing into a vector cannot fail.
    let _infallible = write_head(payload_type, payload.len(), &mut bytes);
    bytes.extend_from_slice(payload);
    bytes
}

/// The parts of a canonical envelope, borrowed from its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sealed<'a> {
    payload: &'a str,
    pub(super) payload_type: &'a str,
    pub(super) keyid: &'a str,
    sig: &'a str,
}

/// Why a line is not a canonical envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// It means an envelope, but is written in another way than the one allowed.
    NotCanonical,
    /// It is no envelope with one signature.
    Garbage,
}

impl<'a> Sealed<'a> {
    /// Takes a line apart along the one template a canonical envelope can have, so that every
    /// byte outside the four values is fixed.
    pub(super) fn parse(line: &'a [u8]) -> Result<Self, Shape> {
        std::str::from_utf8(line).ok().and_then(Self::from_template).ok_or_else(|| {
            let meant = serde_json::from_slice::<Envelope>(line);
            if meant.is_ok_and(|e| e.signatures.len() == 1) { Shape::NotCanonical } else { Shape::Garbage }
        })
    }

    /// Works from the end, where the short parts stand: no search runs over the payload.
    fn from_template(line: &'a str) -> Option<Self> {
        let rest = line.strip_suffix(r#""}]}"#)?;
        let (rest, sig) = rest.rsplit_once(r#"","sig":""#)?;
        let (rest, keyid) = rest.rsplit_once(r#"","signatures":[{"keyid":""#)?;
        let (rest, payload_type) = rest.rsplit_once(r#"","payloadType":""#)?;
        let payload = rest.strip_prefix(r#"{"payload":""#)?;
        let plain = |text: &str| text.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'"' && b != b'\\');
        (plain(payload_type) && plain(keyid)).then_some(Self { payload, payload_type, keyid, sig })
    }

    /// The payload's bytes; `None` where the text is not the one base64 form of any.
    pub(super) fn payload(&self) -> Option<Vec<u8>> {
        b64::decode(self.payload)
    }

    /// The signature's bytes; `None` as above.
    pub(super) fn signature(&self) -> Option<[u8; 64]> {
        b64::decode(self.sig)?.try_into().ok()
    }
}
