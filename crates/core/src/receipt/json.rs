//! A JSON value kept as its canonical text, so that signed bytes never depend on a map's order.
//!
//! Owns the check that the text is canonical. Must never hold another text. No IO.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt;

/// Canonical JSON text of any value.
#[derive(Clone)]
pub struct Canonical(Box<RawValue>);

impl Canonical {
    /// The canonical text of the value.
    ///
    /// # Errors
    /// None that a `Value` can cause; the serialiser's own type is passed on.
    pub fn of(value: &Value) -> Result<Self, serde_json::Error> {
        let text = String::from_utf8(crate::canonical::to_bytes(value)).map_err(serde::ser::Error::custom)?;
        RawValue::from_string(text).map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The value.
    ///
    /// # Errors
    /// None for a text that was checked; the parser's own type is passed on.
    pub fn value(&self) -> Result<Value, serde_json::Error> {
        serde_json::from_str(self.0.get())
    }
}

impl PartialEq for Canonical {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Canonical {}

impl fmt::Debug for Canonical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Canonical {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Canonical {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(from)?;
        if !crate::canonical::is_canonical(raw.get()) {
            return Err(D::Error::custom("a JSON value is not in canonical form"));
        }
        Ok(Self(raw))
    }
}
