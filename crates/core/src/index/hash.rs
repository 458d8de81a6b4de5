//! Maps, sets and prints of what comes from objects that anyone may have written.
//!
//! Owns the choice of their hasher: quick, and seeded at random for each process so that nobody
//! can make keys that collide, or read a print back. Must never decide an order: whoever walks a map
//! sorts first. No IO.

use ahash::RandomState;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::hash::Hash;
use std::sync::LazyLock;

/// A map without order.
pub(crate) type Map<K, V> = std::collections::HashMap<K, V, RandomState>;
/// A set without order.
pub(crate) type Set<T> = std::collections::HashSet<T, RandomState>;

static PRINTS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// What stands in a field that is not kept, as one number: the same where the content is, within one
/// process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Print(u64);

impl Print {
    /// Of several parts, in their order.
    pub(crate) fn of(parts: &impl Hash) -> Self {
        Self(PRINTS.hash_one(parts))
    }
}

impl<'de> Deserialize<'de> for Print {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(Printer)
    }
}

struct Printer;

impl<'de> Visitor<'de> for Printer {
    type Value = Print;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }
    fn visit_unit<E: Error>(self) -> Result<Print, E> {
        Ok(Print::default())
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Print, E> {
        Ok(Print::of(&("truth", value)))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Print, E> {
        Ok(Print::of(&("number", value)))
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Print, E> {
        Ok(Print::of(&("number", value)))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Print, E> {
        Ok(Print::of(&("number", value.to_bits())))
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<Print, E> {
        Ok(Print::of(&value))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Print, A::Error> {
        let mut print = Print::of(&"list");
        while let Some(element) = seq.next_element::<Print>()? {
            print = Print::of(&(print, element));
        }
        Ok(print)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Print, A::Error> {
        // A map has no order.
        let mut sum = Print::of(&"map").0;
        while let Some(pair) = map.next_entry::<Print, Print>()? {
            sum = sum.wrapping_add(Print::of(&pair).0);
        }
        Ok(Print(sum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(json: &str) -> Print {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_print_tells_contents_apart_and_knows_no_order_of_keys() {
        assert_eq!(print(r#"{"a": [1, "x"], "b": null}"#), print(r#"{"b": null, "a": [1, "x"]}"#));
        let all =
            ["null", "[]", "{}", "\"\"", "true", "1", "\"1\"", "[1,2]", "[2,1]", "[[1],2]", r#"{"a":1}"#, r#"{"a":2}"#];
        for (i, one) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|other| print(one) != print(other)), "{one}");
        }
        assert_eq!(print("null"), Print::default(), "null and absence are the same thing");
    }
}
