//! Object metadata, as far as it is read.
//!
//! Owns the fields of `metadata`. Must never keep `managedFields` content, but who wrote the few
//! fields that a diagnosis names, and the names of a ConfigMap's keys. No IO.

use super::lenient::{Present, annotations, keys, or_default, pairs, time};
use jiff::Timestamp;
use serde::Deserialize;

/// `metadata`, pruned.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Meta {
    /// The object's name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Its namespace; empty for cluster-scoped kinds.
    #[serde(deserialize_with = "or_default")]
    pub namespace: String,
    /// Its uid.
    #[serde(deserialize_with = "or_default")]
    pub uid: String,
    /// Its resource version.
    #[serde(deserialize_with = "or_default")]
    pub resource_version: String,
    /// Counts changes of the spec.
    #[serde(deserialize_with = "or_default")]
    pub generation: i64,
    /// When it was made.
    #[serde(deserialize_with = "time")]
    pub creation_timestamp: Option<Timestamp>,
    /// Since when it is being deleted.
    #[serde(deserialize_with = "time")]
    pub deletion_timestamp: Option<Timestamp>,
    /// Seconds between the request to delete it and `deletion_timestamp`.
    #[serde(deserialize_with = "or_default")]
    pub deletion_grace_period_seconds: i64,
    /// Labels, sorted.
    #[serde(deserialize_with = "pairs")]
    pub labels: Vec<(String, String)>,
    /// The few annotations that are read, sorted.
    #[serde(deserialize_with = "annotations")]
    pub annotations: Vec<(String, String)>,
    /// Owners.
    #[serde(deserialize_with = "or_default")]
    pub owner_references: Vec<OwnerShape>,
    /// Field managers, with the few fields that are read.
    #[serde(deserialize_with = "or_default")]
    pub managed_fields: Vec<ManagerShape>,
    /// What must be done before it is gone.
    #[serde(deserialize_with = "or_default")]
    pub finalizers: Vec<String>,
}

impl Meta {
    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        find(&self.labels, key)
    }
    /// The value of an annotation that is read.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        find(&self.annotations, key)
    }
    /// Who wrote a field last, as far as the API server remembers.
    pub fn writer(&self, wrote: impl Fn(&WrittenShape) -> bool) -> Option<&ManagerShape> {
        self.managed_fields.iter().filter(|m| wrote(&m.fields_v1)).max_by_key(|m| m.time)
    }
    /// The owner that manages it.
    pub fn controller(&self) -> Option<&OwnerShape> {
        self.owner_references.iter().find(|o| o.controller)
    }
}

fn find<'a>(pairs: &'a [(String, String)], key: &str) -> Option<&'a str> {
    pairs.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
}

/// One owner reference.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OwnerShape {
    /// `group/version` of the owner.
    #[serde(deserialize_with = "or_default")]
    pub api_version: String,
    /// The owner's kind.
    #[serde(deserialize_with = "or_default")]
    pub kind: String,
    /// The owner's name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// The owner's uid.
    #[serde(deserialize_with = "or_default")]
    pub uid: String,
    /// True for the one that manages it.
    #[serde(deserialize_with = "or_default")]
    pub controller: bool,
}

/// One field manager.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ManagerShape {
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub manager: String,
    /// The subresource it wrote through, such as `scale`.
    #[serde(deserialize_with = "or_default")]
    pub subresource: String,
    /// When it wrote last.
    #[serde(deserialize_with = "time")]
    pub time: Option<Timestamp>,
    /// What it wrote, of the few fields that are read.
    #[serde(deserialize_with = "or_default")]
    pub fields_v1: WrittenShape,
}

/// The fields that somebody wrote.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct WrittenShape {
    /// Below `spec`.
    #[serde(rename = "f:spec", deserialize_with = "or_default")]
    pub spec: WrittenSpecShape,
    /// The keys of a ConfigMap's texts.
    #[serde(rename = "f:data", deserialize_with = "keys")]
    pub data: Option<Vec<String>>,
    /// The keys of a ConfigMap's bytes.
    #[serde(rename = "f:binaryData", deserialize_with = "keys")]
    pub binary_data: Option<Vec<String>>,
}

/// The fields below `spec` that somebody wrote.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct WrittenSpecShape {
    /// A workload's number of replicas.
    #[serde(rename = "f:replicas")]
    pub replicas: Option<Present>,
    /// A Job's or CronJob's suspension.
    #[serde(rename = "f:suspend")]
    pub suspend: Option<Present>,
    /// A node's cordon.
    #[serde(rename = "f:unschedulable")]
    pub unschedulable: Option<Present>,
    /// A node's taints.
    #[serde(rename = "f:taints")]
    pub taints: Option<Present>,
}
