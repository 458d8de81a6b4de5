//! Ed25519 keys: the signer that the operator holds and the public keys that verifiers trust.
//!
//! Owns key ids and the parsing of keys. Must never show a private key in `Debug`, an error or a
//! log. No IO; randomness is an argument.

use super::digest::{Digest, Hex};
use super::pem;
use aws_lc_rs::rand::SecureRandom;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};
use std::fmt;

/// The first eight bytes of SHA-256 over the raw public key, as sixteen hexadecimal digits.
pub type KeyId = Hex<8>;

/// Why bytes are not a usable key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not an unencrypted PKCS#8 document of an Ed25519 key.
    #[error("not an unencrypted PKCS#8 Ed25519 private key")]
    Private,
    /// Neither 32 raw bytes nor a SubjectPublicKeyInfo of an Ed25519 key.
    #[error("not an Ed25519 public key")]
    Public,
    /// The source of randomness gave nothing.
    #[error("no randomness to make a key from")]
    Random,
    /// The library refused to sign.
    #[error("the key refused to sign")]
    Sign,
}

/// A public key with its id.
#[derive(Clone)]
pub struct PublicKey {
    raw: [u8; 32],
    id: KeyId,
    parsed: ParsedPublicKey,
}

impl PublicKey {
    /// Parses 32 raw bytes.
    ///
    /// # Errors
    /// [`KeyError::Public`] where the length is wrong or the bytes are no point on the curve.
    pub fn from_raw(raw: &[u8]) -> Result<Self, KeyError> {
        let raw: [u8; 32] = raw.try_into().map_err(|_| KeyError::Public)?;
        let parsed = ParsedPublicKey::new(&ED25519, raw).map_err(|_| KeyError::Public)?;
        Ok(Self { raw, id: id_of(&raw), parsed })
    }

    /// Parses a PEM `PUBLIC KEY` block (SubjectPublicKeyInfo, as `openssl pkey -pubout` writes).
    ///
    /// # Errors
    /// [`KeyError::Public`] for anything else.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let der = pem::decode(text, "PUBLIC KEY").ok_or(KeyError::Public)?;
        Self::from_raw(der.strip_prefix(pem::SPKI_HEAD.as_slice()).ok_or(KeyError::Public)?)
    }

    /// The PEM form that [`PublicKey::from_pem`] reads.
    pub fn to_pem(&self) -> String {
        pem::encode(&[pem::SPKI_HEAD.as_slice(), &self.raw].concat(), "PUBLIC KEY")
    }

    /// The raw 32 bytes.
    pub const fn raw(&self) -> &[u8; 32] {
        &self.raw
    }

    /// The key's id.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// SHA-256 of the raw bytes.
    pub(super) fn digest(&self) -> Digest {
        Digest::of(&self.raw)
    }

    /// True where `signature` is this key's over exactly these bytes.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.parsed.verify_sig(message, signature).is_ok()
    }
}

fn id_of(raw: &[u8]) -> KeyId {
    let mut id = [0; 8];
    id.copy_from_slice(&Digest::of(raw).as_bytes()[..8]);
    KeyId::from_bytes(id)
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Digest::from_bytes(self.raw).serialize(to)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::from_raw(Digest::deserialize(from)?.as_bytes()).map_err(D::Error::custom)
    }
}

/// A private key that signs receipts and checkpoints.
pub struct Signer {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl Signer {
    /// Parses an unencrypted PKCS#8 DER document.
    ///
    /// # Errors
    /// [`KeyError::Private`] for anything else.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_pkcs8(der).map_err(|_| KeyError::Private)?;
        let public = PublicKey::from_raw(pair.public_key().as_ref())?;
        Ok(Self { pair, public })
    }

    /// Parses a PEM `PRIVATE KEY` block (as `openssl genpkey -algorithm ed25519` writes).
    ///
    /// # Errors
    /// [`KeyError::Private`] for anything else.
    pub fn from_pkcs8_pem(text: &str) -> Result<Self, KeyError> {
        Self::from_pkcs8_der(&pem::decode(text, "PRIVATE KEY").ok_or(KeyError::Private)?)
    }

    /// The public half.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The raw 64-byte signature over the message.
    ///
    /// # Errors
    /// [`KeyError::Sign`] where the library fails.
    pub fn sign_bytes(&self, message: &[u8]) -> Result<[u8; 64], KeyError> {
        let signature = self.pair.try_sign(message).map_err(|_| KeyError::Sign)?;
        signature.as_ref().try_into().map_err(|_| KeyError::Sign)
    }
}

/// Makes a private key and returns it as a PKCS#8 PEM text, to be kept in a Secret.
///
/// # Errors
/// [`KeyError::Random`] where the source of randomness fails.
pub fn generate(random: &dyn SecureRandom) -> Result<String, KeyError> {
    let mut seed = [0; 32];
    random.fill(&mut seed).map_err(|_| KeyError::Random)?;
    Ok(pem_of_seed(&seed))
}

/// The PKCS#8 PEM text of the private key with this 32-byte seed.
pub fn pem_of_seed(seed: &[u8; 32]) -> String {
    pem::encode(&[pem::PKCS8_HEAD.as_slice(), seed].concat(), "PRIVATE KEY")
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.public.id)
    }
}
