//! A uid in sixteen bytes.
//!
//! Owns that form. Must never lose a uid's text: what is not a plain UUID is kept beside. No IO.

use super::hash::Map;
use super::intern::Text;
use crate::canonical::hex;
use crate::names::Uid;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// An object's uid, as a map's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UidKey([u8; 16]);

impl UidKey {
    fn uuid(text: &str) -> Option<[u8; 16]> {
        let bytes = text.as_bytes();
        if bytes.len() != 36 {
            return None;
        }
        let mut out = [0_u8; 16];
        let mut nibbles = 0_usize;
        for (at, &byte) in bytes.iter().enumerate() {
            let value = match byte {
                b'-' if matches!(at, 8 | 13 | 18 | 23) => continue,
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'f' => byte - b'a' + 10,
                _ => return None,
            };
            let slot = out.get_mut(nibbles / 2)?;
            *slot = *slot << 4 | value;
            nibbles += 1;
        }
        (nibbles == 32).then_some(out)
    }

    /// The key of a uid's text. Distinct texts have distinct keys but for a SHA-256 collision.
    pub fn of(text: &str) -> Self {
        Self(Self::uuid(text).unwrap_or_else(|| {
            let mut out = [0_u8; 16];
            out.iter_mut().zip(Sha256::digest(text.as_bytes())).for_each(|(to, from)| *to = from);
            out
        }))
    }

    fn uuid_text(self) -> String {
        let digits = hex(&self.0);
        let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| digits.get(range).unwrap_or_default());
        parts.join("-")
    }
}

/// The texts of uids that are not plain UUIDs (some mirror pods, tests).
#[derive(Debug, Default)]
pub(crate) struct OddUids(Map<UidKey, Text>);

impl OddUids {
    pub(crate) fn key(&mut self, text: &str) -> UidKey {
        let key = UidKey::of(text);
        if UidKey::uuid(text).is_none() && !text.is_empty() {
            self.0.entry(key).or_insert_with(|| Arc::from(text));
        }
        key
    }

    pub(crate) fn text(&self, key: UidKey) -> String {
        self.0.get(&key).map_or_else(|| key.uuid_text(), |text| text.to_string())
    }

    pub(crate) fn name(&self, key: UidKey) -> Option<Uid> {
        Uid::parse(self.text(key)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_uid_reads_back_as_it_was() {
        let mut odd = OddUids::default();
        for text in [
            "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
            "u-1",
            "6BA7B810-9DAD-11D1-80B4-00C04FD430C8",
            "0123456789abcdef0123456789abcdef0000",
        ] {
            let key = odd.key(text);
            assert_eq!(odd.text(key), text);
            assert_eq!(key, UidKey::of(text));
        }
    }
}
