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

fn check_volume(text: &str) -> Result<(), NameError> {
    check_subdomain(text, "volume name", 63)
}

fn check_variable(text: &str) -> Result<(), NameError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if text.is_empty() || text.len() > 253 || !text.bytes().all(allowed) {
        return Err(refuse(text, "variable name", "1 to 253 letters, digits, '_', '-' and '.'"));
    }
    Ok(())
}

/// A port's number, or its name: at most 15 lower-case letters, digits and `-`, one letter at least.
fn check_port(text: &str) -> Result<(), NameError> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        let is_port = text.parse::<u16>().is_ok_and(|n| n > 0) && !text.starts_with('0');
        return if is_port { Ok(()) } else { Err(refuse(text, "port", "a number is of 1 to 65535")) };
    }
    check_subdomain(text, "port", 15)?;
    let lettered = text.bytes().any(|b| b.is_ascii_lowercase()) && !text.contains('.');
    if lettered { Ok(()) } else { Err(refuse(text, "port", "a name has a letter and no '.'")) }
}

/// A number of pods, or a percentage of them.
fn check_amount(text: &str) -> Result<(), NameError> {
    let (digits, most) = text.strip_suffix('%').map_or((text, 1000_u32), |digits| (digits, 100));
    let plain = !digits.is_empty() && digits.len() <= 4 && digits.bytes().all(|b| b.is_ascii_digit());
    if plain && digits.parse::<u32>().is_ok_and(|n| n <= most) {
        return Ok(());
    }
    Err(refuse(text, "amount", "0 to 1000, or 0% to 100%"))
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

name!(/// A volume's name inside its pod.
    VolumeName, check_volume, 63);
name!(/// An environment variable's name.
    VariableName, check_variable, 253);
name!(/// A port, by number or name.
    PortRef, check_port, 15);
name!(/// A number of pods, or a percentage.
    Amount, check_amount, 4);

impl PortRef {
    /// The port as Kubernetes writes it: a number where it is one.
    pub fn value(&self) -> serde_json::Value {
        self.0.parse::<u16>().map_or_else(|_| self.0.as_str().into(), Into::into)
    }
}

impl Amount {
    /// The amount as Kubernetes writes it: a number where it is one.
    pub fn value(&self) -> serde_json::Value {
        self.0.parse::<u16>().map_or_else(|_| self.0.as_str().into(), Into::into)
    }

    /// True for no pod at all.
    pub fn is_zero(&self) -> bool {
        self.0.trim_end_matches('%').bytes().all(|b| b == b'0')
    }
}

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

    #[test]
    fn ports_amounts_and_variables_follow_them_too() {
        for good in ["1", "80", "65535", "http", "a-1"] {
            assert!(PortRef::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "0", "080", "65536", "1-1", "Http", "-a", "a.b", "sixteen-letters-"] {
            assert!(PortRef::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(
            (PortRef::parse("80").unwrap().value(), PortRef::parse("http").unwrap().value()),
            (80.into(), "http".into())
        );
        for (good, zero) in [("0", true), ("0%", true), ("25%", false), ("100%", false), ("3", false)] {
            assert_eq!(Amount::parse(good).map(|a| a.is_zero()), Ok(zero), "{good}");
        }
        for bad in ["", "%", "101%", "-1", "1.5", "1001", "12345"] {
            assert!(Amount::parse(bad).is_err(), "{bad}");
        }
        for bad in ["", "A=B", "a b", "a\n"] {
            assert!(VariableName::parse(bad).is_err(), "{bad:?}");
        }
    }
}
