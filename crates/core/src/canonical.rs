//! Canonical JSON (RFC 8785) and SHA-256 over it.
//!
//! Owns the one byte form that digests and signatures cover. Must never depend on map order or
//! on how a number was written. No IO.

mod rewrite;

pub use rewrite::is_canonical;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The canonical bytes of a value.
///
/// Kubernetes objects and our own kinds hold integers, strings, booleans, lists and maps.
/// A number that is not an integer of at most 53 bits is written by the shortest form that
/// reads back equal, which for `f64` is what RFC 8785 asks.
pub fn to_bytes(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    write_value(value, &mut out);
    out
}

/// Serialises `value` and returns its canonical bytes.
///
/// # Errors
/// Fails only where `value` cannot be JSON (a map with keys that are not text).
pub fn canonical<T: Serialize>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_value(value).map(|v| to_bytes(&v))
}

/// Lower-case hexadecimal SHA-256.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal text of bytes.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            out.push(char::from(DIGITS[usize::from(nibble)]));
        }
    }
    out
}

fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_value(item, out);
            }
            out.push(b']');
        }
        Value::Object(map) => {
            // RFC 8785 sorts by UTF-16 code units, which differs from UTF-8 order only above U+FFFF.
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
            out.push(b'{');
            for (i, key) in keys.into_iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_text(key, out);
                out.push(b':');
                if let Some(item) = map.get(key) {
                    write_value(item, out);
                }
            }
            out.push(b'}');
        }
    }
}

fn write_number(number: &serde_json::Number, out: &mut Vec<u8>) {
    let text = match number.as_f64() {
        // ECMAScript writes an integral double below 1e21 without a fraction.
        Some(f) if !number.is_i64() && !number.is_u64() && f.fract() == 0.0 && f.abs() < 1e21 => {
            // Adding zero takes its sign off a zero.
            format!("{:.0}", f + 0.0)
        }
        _ => number.to_string(),
    };
    out.extend_from_slice(text.as_bytes());
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    // All that is escaped is ASCII: other bytes go as they are.
    while let Some(at) = rest.iter().position(|b| *b < 0x20 || matches!(b, b'"' | b'\\')) {
        let (plain, tail) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((escaped, after)) = tail.split_first() else { break };
        write_escape(*escaped, out);
        rest = after;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

fn write_escape(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        0x8 => out.extend_from_slice(b"\\b"),
        0xc => out.extend_from_slice(b"\\f"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        other => out.extend_from_slice(format!("\\u{other:04x}").as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_and_text_is_escaped_as_rfc_8785_asks() {
        let value = json!({"b": [1, true, null], "a": "\u{1}\"\\\n\u{e9}", "\u{20ac}": 1.0, "1": -0.5});
        let text = String::from_utf8(to_bytes(&value)).unwrap();
        assert_eq!(text, "{\"1\":-0.5,\"a\":\"\\u0001\\\"\\\\\\n\u{e9}\",\"b\":[1,true,null],\"\u{20ac}\":1}");
    }

    #[test]
    fn sha256_of_nothing_is_the_published_value() {
        assert_eq!(sha256_hex(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
