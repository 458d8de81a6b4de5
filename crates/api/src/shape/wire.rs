//! How one object is taken off the wire without ever failing the list or watch around it.
//!
//! Owns the two ways in: the object's own text, read where it lies, and a tree, where the
//! deserialiser has already buffered it. Must never pass an object's defect on as an error. No IO.

use super::{Patient, Shape};
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::fmt;
use std::marker::PhantomData;

type Seen<K> = super::Seen<K, Patient>;

/// The name by which `serde_json` is asked for an object's own text. Any other deserialiser, or
/// a `serde_json` that calls it otherwise, gives the object itself: slower, and as right.
const OWN_TEXT: &str = "$serde_json::private::RawValue";

/// What can be told of an object that does not read as its kind.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wreck {
    metadata: Value,
}

pub(super) fn take<'de, K: Shape, D: Deserializer<'de>>(deserializer: D) -> Result<Seen<K>, D::Error> {
    deserializer.deserialize_newtype_struct(OWN_TEXT, Wire::<K>(PhantomData))
}

fn seen<K: Shape>(read: Result<K::Core, serde_json::Error>, wreck: impl FnOnce() -> Value) -> Seen<K> {
    read.map_or_else(|error| Seen::malformed(&wreck(), error.to_string()), Seen::of)
}

fn from_text<K: Shape>(text: &str) -> Seen<K> {
    seen(serde_json::from_str(text), || serde_json::from_str::<Wreck>(text).unwrap_or_default().metadata)
}

fn from_tree<K: Shape>(tree: &Value) -> Seen<K> {
    seen(K::Core::deserialize(tree), || tree.get("metadata").cloned().unwrap_or_default())
}

/// Takes whatever the deserialiser has for the object.
struct Wire<K>(PhantomData<K>);

impl<'de, K: Shape> Visitor<'de> for Wire<K> {
    type Value = Seen<K>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {}", K::KIND)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, buffered: D) -> Result<Self::Value, D::Error> {
        Value::deserialize(buffered).map(|tree| from_tree(&tree))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut tree = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == OWN_TEXT && tree.is_empty() {
                return map.next_value_seed(self);
            }
            tree.insert(key, map.next_value()?);
        }
        Ok(from_tree(&Value::Object(tree)))
    }
}

/// Takes the object's own text.
impl<'de, K: Shape> DeserializeSeed<'de> for Wire<K> {
    type Value = Seen<K>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        struct Text<K>(PhantomData<K>);
        impl<K: Shape> Visitor<'_> for Text<K> {
            type Value = Seen<K>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object's own text")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(from_text(text))
            }
        }
        deserializer.deserialize_str(Text(self.0))
    }
}
