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
    // Four characters stand for three bytes in one way only; the last four may hold bits that stand for none.
    let last = bytes.chunks(3).next_back().unwrap_or_default();
    (text.len() == STANDARD.encoded_length(bytes.len()) && text.ends_with(&encode(last))).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_text_for_the_bytes() {
        for length in 0..12_u8 {
            let bytes: Vec<u8> = (0..length).map(|b| b.wrapping_mul(37)).collect();
            assert_eq!(decode(&encode(&bytes)).as_deref(), Some(bytes.as_slice()));
        }
        for text in ["QQ", "QQ=", "QR==", "QUF=", "QQ==\n", " QQ==", "QQ==QQ==", "Q-==", "QUFB ", "=", "A", "QUI=QUI="]
        {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
