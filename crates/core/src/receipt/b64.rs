//! Base64 (RFC 4648 section 4, with padding), in its one text form.
//!
//! Owns the strictness: a text is accepted only where it is what encoding gives back. Must never
//! skip a byte of the text. No IO.

use base64_simd::STANDARD;

/// The base64 of the bytes.
pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode_to_string(bytes)
}

/// The bytes of the text; `None` where it is not the one form of any.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode_to_vec(text).ok()?;
    (encode(&bytes) == text).then_some(bytes)
}
