//! References from one of our objects to another in the same namespace.
//!
//! Owns their wire form. Must never cross a namespace. No IO.

use bailiwick_core::names::{ObjectName, Uid};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An object of our kinds by name, in the namespace of the object that refers to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NameRef {
    /// The object's name.
    pub name: ObjectName,
    /// Its uid; where given, an object of the same name with another uid is not meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<Uid>,
}

/// One object of our kinds by name and uid, in the namespace of the object that refers to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExactRef {
    /// The object's name.
    pub name: ObjectName,
    /// Its uid, as the API server assigned it.
    pub uid: Uid,
}
