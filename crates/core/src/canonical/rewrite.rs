//! Whether a text is the canonical JSON of what it says, told without building it.
//!
//! Owns that one pass: what is read is written again as it comes. Must never accept a text that
//! [`super::to_bytes`] would write differently. No IO.

use super::{write_number, write_text};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use std::fmt;

/// True where the text is canonical JSON.
pub fn is_canonical(text: &str) -> bool {
    let mut out = Vec::with_capacity(text.len());
    let mut from = serde_json::Deserializer::from_str(text);
    Any(&mut out).deserialize(&mut from).is_ok() && from.end().is_ok() && out == text.as_bytes()
}

/// Any value, written to the buffer as it is read.
struct Any<'o>(&'o mut Vec<u8>);

impl<'de> DeserializeSeed<'de> for Any<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl Any<'_> {
    fn plain<E>(self, text: &[u8]) -> Result<(), E> {
        self.0.extend_from_slice(text);
        Ok(())
    }

    fn number<E>(self, number: &Number) -> Result<(), E> {
        write_number(number, self.0);
        Ok(())
    }
}

impl<'de> Visitor<'de> for Any<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.plain(b"null")
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.plain(if value { b"true" } else { b"false" })
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.number(&number.into())
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.number(&number.into())
    }
    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        let number = Number::from_f64(number).ok_or_else(|| E::custom("no finite number"))?;
        self.number(&number)
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        write_text(text, self.0);
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let out = self.0;
        out.push(b'[');
        let start = out.len();
        loop {
            let end = out.len();
            if end > start {
                out.push(b',');
            }
            if items.next_element_seed(Any(out))?.is_none() {
                out.truncate(end);
                out.push(b']');
                return Ok(());
            }
        }
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let out = self.0;
        let (mut before, mut first) = (String::new(), true);
        out.push(b'{');
        while map.next_key_seed(Key { out, before: &mut before, first })?.is_some() {
            first = false;
            out.push(b':');
            map.next_value_seed(Any(out))?;
        }
        out.push(b'}');
        Ok(())
    }
}

/// A key that comes after the one before it.
struct Key<'o> {
    out: &'o mut Vec<u8>,
    before: &'o mut String,
    first: bool,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_str<E: Error>(self, key: &str) -> Result<(), E> {
        let Self { out, before, first } = self;
        if !first {
            if before.encode_utf16().ge(key.encode_utf16()) {
                return Err(E::custom("keys are out of order"));
            }
            out.push(b',');
        }
        before.clear();
        before.push_str(key);
        write_text(key, out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::to_bytes;
    use super::is_canonical;

    /// What it must agree with: the tree, written out.
    fn by_the_tree(text: &str) -> bool {
        serde_json::from_str(text).is_ok_and(|value| to_bytes(&value) == text.as_bytes())
    }

    #[test]
    fn it_agrees_with_the_tree() {
        let sound = [
            "null",
            "-0.5",
            "[]",
            "{}",
            "[1,[true,false],{}]",
            r#"{"1":-0.5,"a":"\u0001\"\\\né","b":[1,true,null],"€":1}"#,
            r#"[{"op":"test","path":"/a","value":"x"},{"op":"replace","path":"/a","value":{"b":[]}}]"#,
            "{\"\u{1f600}\":1,\"\u{ffff}\":2}",
            "18446744073709551615",
        ];
        for text in sound {
            assert!(by_the_tree(text) && is_canonical(text), "{text}");
        }
        let odd = [
            "",
            " 1",
            "1 ",
            "1,",
            "[1 ]",
            "[1,]",
            "1.0",
            "1e2",
            "01",
            "[,1]",
            "NaN",
            "\"\\u0041\"",
            "\"\\/\"",
            r#"{"b":1,"a":2}"#,
            r#"{"a":1,"a":1}"#,
            r#"{"a": 1}"#,
            r#"{"a":1}{}"#,
            "{\"\u{ffff}\":1,\"\u{1f600}\":2}",
            "-0",
            "[nul]",
        ];
        for text in odd {
            assert!(!by_the_tree(text) && !is_canonical(text), "{text}");
        }
    }
}
