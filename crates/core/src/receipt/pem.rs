//! The two fixed encodings an Ed25519 key travels in: DER with a constant head, and PEM around it.
//!
//! Owns reading and writing of that text. Must never put key material into an error. No IO.

use super::b64;

/// DER head of an unencrypted PKCS#8 (version 1) Ed25519 private key; the 32-byte seed follows.
pub(super) const PKCS8_HEAD: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
/// DER head of an Ed25519 SubjectPublicKeyInfo; the 32-byte key follows.
pub(super) const SPKI_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The DER inside the first PEM block with this label.
pub(super) fn decode(text: &str, label: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let body: String = body.split_ascii_whitespace().collect();
    b64::decode(&body)
}

/// A PEM block with this label; both kinds of key fit one line of base64 or little more.
pub(super) fn encode(der: &[u8], label: &str) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", b64::encode(der))
}
