//! Deserialisers that take what an API server or an odd object may send: null, nothing, a
//! number where a text was meant, a text longer than anyone reads.
//!
//! Owns the tolerance. Must never turn a defect into a value: what cannot be read is absent. No IO.

use jiff::Timestamp;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::marker::PhantomData;

/// The most bytes that are kept of a message; the API's own cap on termination messages is 4 KiB
/// and the telling part of every known refusal is in the first kilobyte.
pub(crate) const MESSAGE_CAP: usize = 1024;

/// Null and absence are the same thing.
pub(crate) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(d: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(d).map(Option::unwrap_or_default)
}

/// A message, cut at [`MESSAGE_CAP`].
pub(crate) fn message<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    struct Cut;
    impl Visitor<'_> for Cut {
        type Value = String;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text")
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
            Ok(cut(text, MESSAGE_CAP).to_owned())
        }
        fn visit_unit<E: Error>(self) -> Result<String, E> {
            Ok(String::new())
        }
        fn visit_none<E: Error>(self) -> Result<String, E> {
            Ok(String::new())
        }
    }
    d.deserialize_any(Cut)
}

/// The longest prefix of at most `cap` bytes that ends between characters.
pub(crate) fn cut(text: &str, cap: usize) -> &str {
    text.get(..text.floor_char_boundary(cap)).unwrap_or(text)
}

/// A timestamp; one that cannot be parsed is absent.
pub(crate) fn time<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Timestamp>, D::Error> {
    struct Time;
    impl Visitor<'_> for Time {
        type Value = Option<Timestamp>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a timestamp")
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            Ok(text.parse().ok())
        }
        fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
    }
    d.deserialize_any(Time)
}

/// The names below a part of `fieldsV1`, without their prefix; none where the part is not there.
pub(crate) fn keys<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Vec<String>>, D::Error> {
    struct Keys;
    impl<'de> Visitor<'de> for Keys {
        type Value = Option<Vec<String>>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map of fields")
        }
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut out = Vec::new();
            while let Some(key) = map.next_key::<String>()? {
                out.extend(key.strip_prefix("f:").map(str::to_owned));
                map.next_value::<IgnoredAny>()?;
            }
            Ok(Some(out))
        }
    }
    d.deserialize_any(Keys)
}

/// A number of pods, or a share of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bound {
    /// So many.
    Count(i32),
    /// So many of a hundred.
    Percent(i32),
}

impl<'de> Deserialize<'de> for Bound {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct BoundVisitor;
        impl Visitor<'_> for BoundVisitor {
            type Value = Bound;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or a percentage")
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Bound, E> {
                Ok(Bound::Count(i32::try_from(number).unwrap_or(0)))
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Bound, E> {
                Ok(Bound::Count(i32::try_from(number).unwrap_or(i32::MAX)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Bound, E> {
                let percent = text.strip_suffix('%').and_then(|n| n.parse().ok());
                percent.map(Bound::Percent).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        d.deserialize_any(BoundVisitor)
    }
}

/// A map of texts as a sorted list.
pub(crate) fn pairs<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<(String, String)>, D::Error> {
    d.deserialize_any(Pairs { keep: |_| true })
}

/// The annotations that are read; the rest (`last-applied-configuration` first of all) is skipped.
pub(crate) fn annotations<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<(String, String)>, D::Error> {
    d.deserialize_any(Pairs { keep: wanted_annotation })
}

fn wanted_annotation(key: &str) -> bool {
    super::super::names::READ_ANNOTATIONS.contains(&key)
        || key.starts_with("bailiwick.dev/")
        || super::super::names::speaks(key)
}

struct Pairs {
    keep: fn(&str) -> bool,
}

impl<'de> Visitor<'de> for Pairs {
    type Value = Vec<(String, String)>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of texts")
    }
    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }
    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut out = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            if (self.keep)(&key) {
                out.push((key, map.next_value_seed(Scalar)?));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        out.sort_unstable();
        Ok(out)
    }
}

/// A quantity or label value may be written as a number; it is kept as text.
struct Scalar;

impl<'de> DeserializeSeed<'de> for Scalar {
    type Value = String;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<String, D::Error> {
        d.deserialize_any(self)
    }
}

impl Visitor<'_> for Scalar {
    type Value = String;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or number")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(cut(text, MESSAGE_CAP).to_owned())
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }
    fn visit_f64<E: Error>(self, number: f64) -> Result<String, E> {
        Ok(number.to_string())
    }
    fn visit_unit<E: Error>(self) -> Result<String, E> {
        Ok(String::new())
    }
}

/// A port by number or by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Port {
    /// A number; 0 where it was out of range.
    Number(u16),
    /// The name of a container's port.
    Name(String),
}

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct PortVisitor;
        impl Visitor<'_> for PortVisitor {
            type Value = Port;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a port number or name")
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Port, E> {
                Ok(Port::Number(u16::try_from(number).unwrap_or(0)))
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Port, E> {
                Ok(Port::Number(u16::try_from(number).unwrap_or(0)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Port, E> {
                Ok(text.parse().map_or_else(|_| Port::Name(cut(text, 64).to_owned()), Port::Number))
            }
        }
        d.deserialize_any(PortVisitor)
    }
}

/// A whole number; a list that has the same field name in another kind is its length.
pub(crate) fn count<'de, D: Deserializer<'de>>(d: D) -> Result<i32, D::Error> {
    struct Count;
    impl<'de> Visitor<'de> for Count {
        type Value = i32;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number")
        }
        fn visit_i64<E: Error>(self, number: i64) -> Result<i32, E> {
            i32::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &"a 32-bit number"))
        }
        fn visit_u64<E: Error>(self, number: u64) -> Result<i32, E> {
            i32::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &"a 32-bit number"))
        }
        fn visit_unit<E: Error>(self) -> Result<i32, E> {
            Ok(0)
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<i32, A::Error> {
            let mut length = 0;
            while seq.next_element::<IgnoredAny>()?.is_some() {
                length += 1;
            }
            Ok(length)
        }
    }
    d.deserialize_any(Count)
}

/// Whether a field is there at all; its content is skipped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Present(PhantomData<()>);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(d).map(|_| Present(PhantomData))
    }
}
