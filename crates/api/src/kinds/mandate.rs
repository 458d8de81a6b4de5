//! `Mandate`: which changes are pre-approved, need a human or are refused, and within what limits.
//!
//! Owns the wire form. Must never name the territory: that is fixed at install. No IO.

use bailiwick_core::life::Condition;
use bailiwick_core::mandate::{KeepCopies, Limits, Protect, Rule as MandateRule};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Status conditions of a Mandate.
pub mod condition {
    /// The territory's namespaces were listed; the message names their number.
    pub const TERRITORY_READY: &str = "TerritoryReady";
    /// Policies and bindings are present, unaltered and were seen to hold.
    pub const FENCE_PROVED: &str = "FenceProved";
    /// The mandate was read and is in force.
    pub const ACCEPTED: &str = "Accepted";
}

/// What may be done inside the territory. Only mandates in `bailiwick-system` are in force.
#[derive(CustomResource, KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "bailiwick.dev",
    version = "v1alpha1",
    kind = "Mandate",
    plural = "mandates",
    namespaced,
    status = "MandateStatus",
    derive = "PartialEq",
    shortname = "mdt",
    category = "bailiwick",
    doc = "What may be done inside the territory: pre-approved, by a human, or not at all.",
    printcolumn = r#"{"name": "Territory", "type": "string", "jsonPath": ".status.conditions[?(@.type=='TerritoryReady')].status"}"#,
    printcolumn = r#"{"name": "Fence", "type": "string", "jsonPath": ".status.conditions[?(@.type=='FenceProved')].status"}"#,
    printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new(
        "!has(self.changes) || self.changes.all(r, !has(r.bounds) || r.bounds.minReplicas <= r.bounds.maxReplicas)"
    )
    .message("bounds.minReplicas must not exceed bounds.maxReplicas")
)]
pub struct MandateSpec {
    /// Rules, in order: the first that matches decides. Without a match a human decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub changes: Vec<MandateRule>,
    /// Rates, delays and thresholds.
    #[serde(default)]
    pub limits: Limits,
    /// Objects that are never changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub protect: Vec<Protect>,
    /// Of what last-known-good copies are kept, for `RestoreObject`; none where this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_copies: Option<KeepCopies>,
}

/// What was observed of the parts that a mandate relies on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MandateStatus {
    /// The generation of the specification this status is about.
    #[serde(default)]
    pub observed_generation: i64,
    /// One condition per part that is installed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}
