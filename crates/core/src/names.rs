//! Names as types: length and character set are checked once, at the edge.
//!
//! Owns the newtypes for Kubernetes names and uids. Must never accept a value that the API
//! server would refuse as a name. No IO.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// Why a text is not a name of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a valid {wanted}: {why}")]
pub struct NameError {
    /// The offending text, shortened to 80 characters.
    pub text: String,
    /// What was wanted.
    pub wanted: &'static str,
    /// Which rule is broken.
    pub why: &'static str,
}

fn refuse(text: &str, wanted: &'static str, why: &'static str) -> NameError {
    NameError { text: text.chars().take(80).collect(), wanted, why }
}

/// RFC 1123 subdomain: at most `max` bytes of lower-case letters, digits, `-` and `.`.
fn check_subdomain(text: &str, wanted: &'static str, max: usize) -> Result<(), NameError> {
    if text.is_empty() || text.len() > max {
        return Err(refuse(text, wanted, "wrong length"));
    }
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    if !text.bytes().all(allowed) {
        return Err(refuse(text, wanted, "only a-z, 0-9, '-' and '.' may appear"));
    }
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    if !edge(text.bytes().next()) || !edge(text.bytes().last()) {
        return Err(refuse(text, wanted, "must start and end with a letter or digit"));
    }
    Ok(())
}

fn check_namespace(text: &str) -> Result<(), NameError> {
    check_subdomain(text, "namespace", 63)
}

/// RBAC objects may carry `:` in their names; every other name is a subdomain.
fn check_object(text: &str) -> Result<(), NameError> {
    check_subdomain(text, "object name", 253)
}

fn check_uid(text: &str) -> Result<(), NameError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if text.is_empty() || text.len() > 64 || !text.bytes().all(allowed) {
        return Err(refuse(text, "uid", "1 to 64 letters, digits and '-'"));
    }
    Ok(())
}

fn check_container(text: &str) -> Result<(), NameError> {
    check_subdomain(text, "container name", 63)
}

macro_rules! name {
    ($(#[$doc:meta])* $ty:ident, $check:ident, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $ty(String);

        impl Serialize for $ty {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&self.0)
            }
        }

        impl $ty {
            /// Parses `text`; errors name the broken rule.
            pub fn parse(text: impl Into<String>) -> Result<Self, NameError> {
                let text = text.into();
                $check(&text).map(|()| Self(text))
            }
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl TryFrom<String> for $ty {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::parse(text)
            }
        }
        impl From<$ty> for String {
            fn from(name: $ty) -> String {
                name.0
            }
        }
        impl AsRef<str> for $ty {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $ty {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $ty {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
        impl JsonSchema for $ty {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($ty).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "minLength": 1, "maxLength": $max })
            }
        }
    };
}

name!(/// A namespace's name (RFC 1123 label, at most 63 bytes).
    Namespace, check_namespace, 63);
name!(/// An object's name (RFC 1123 subdomain, at most 253 bytes).
    ObjectName, check_object, 253);
name!(/// An object's uid as the API server assigned it.
    Uid, check_uid, 64);
name!(/// A container's name inside its pod.
    ContainerName, check_container, 63);

impl Uid {
    /// The first eight characters, used in the names of one-shot accounts.
    pub fn short(&self) -> &str {
        self.0.get(..8).unwrap_or(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_api_servers_rules() {
        for good in ["a", "web-1", "a.b-c.d"] {
            assert!(ObjectName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a/b", "a\u{202e}b", "a\n"] {
            assert!(ObjectName::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Namespace::parse("a".repeat(64)).is_err());
        assert!(Uid::parse("../x").is_err());
    }
}
