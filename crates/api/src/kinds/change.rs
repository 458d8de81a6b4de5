//! `Change`: one typed, bounded, immutable proposal and its life.
//!
//! Owns the wire form; the status is the core's record. Must never accept a second meaning for
//! the same bytes: unknown fields do not parse. No IO.

use crate::kinds::reference::{ExactRef, NameRef};
use bailiwick_core::action::{Action, ChangeType};
use bailiwick_core::life::Record;
use bailiwick_core::object::ObjectRef;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `type` names the one action that is set; the schema itself lets exactly one be set.
fn type_rule() -> String {
    let clause = |name: &str| {
        let (first, rest) = name.split_at(1);
        let field = format!("{}{rest}", first.to_lowercase());
        format!("(self.type == '{name}') == has(self.action.{field})")
    };
    let clauses: Vec<String> = ChangeType::ALL.iter().map(|t| clause(t.as_str())).collect();
    clauses.join(" && ")
}

/// What is to be created again has no uid; everything else is named by uid, too. Of what is put back only a
/// ConfigMap may still be there.
const UID_RULE: &str = "has(self.action.restoreObject) ? (!has(self.target.uid) || self.target.kind == 'ConfigMap')
    : has(self.target.uid)";

/// Why the change is proposed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Why {
    /// The proposer's words, for people; never read by a decision.
    #[schemars(length(max = 1024))]
    pub text: String,
    /// Ids of the observations it rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(max = 512)))]
    pub evidence: Vec<String>,
}

/// One typed proposal: what is to be done, to which object, who proposes it and why. Immutable.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "bailiwick.dev",
    version = "v1alpha1",
    kind = "Change",
    plural = "changes",
    namespaced,
    status = "Record",
    derive = "PartialEq",
    shortname = "chg",
    category = "bailiwick",
    doc = "One typed, bounded, immutable proposal and its life.",
    selectable = ".spec.type",
    selectable = ".status.phase",
    printcolumn = r#"{"name": "Type", "type": "string", "jsonPath": ".spec.type"}"#,
    printcolumn = r#"{"name": "Target", "type": "string", "jsonPath": ".spec.target.name"}"#,
    printcolumn = r#"{"name": "Phase", "type": "string", "jsonPath": ".status.phase"}"#,
    printcolumn = r#"{"name": "Reason", "type": "string", "jsonPath": ".status.reason.code"}"#,
    printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name": "Kind", "type": "string", "jsonPath": ".spec.target.kind", "priority": 1}"#,
    printcolumn = r#"{"name": "Proposer", "type": "string", "jsonPath": ".spec.proposer", "priority": 1}"#,
    printcolumn = r#"{"name": "Digest", "type": "string", "jsonPath": ".status.plan.digest", "priority": 1}"#,
    printcolumn = r#"{"name": "Incident", "type": "string", "jsonPath": ".spec.incidentRef.name", "priority": 1}"#
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("self == oldSelf").message("a change is immutable: propose another"),
    validation = Rule::new(type_rule()).message("type must name the one action that is set"),
    validation = Rule::new(UID_RULE)
        .message("target.uid is needed, except for restoreObject, which has it only where a ConfigMap is still there")
)]
pub struct ChangeSpec {
    /// The Incident it answers, if one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident_ref: Option<NameRef>,
    /// Who proposes it: the user name of the request that creates it, by admission.
    #[schemars(length(min = 1, max = 256))]
    pub proposer: String,
    /// The type of the change: the name of the action that is set.
    #[serde(rename = "type")]
    pub change_type: ChangeType,
    /// What is to be done: exactly one action, each value with its origin.
    pub action: Action,
    /// The object it is done to, in the namespace of the Change.
    pub target: ObjectRef,
    /// Why.
    pub reason: Why,
    /// The Change that this one puts back, if one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<ExactRef>,
}

impl ChangeSpec {
    /// A proposal without incident and undone change; `type` follows from the action.
    pub fn new(proposer: impl Into<String>, action: Action, target: ObjectRef, reason: Why) -> Self {
        Self {
            incident_ref: None,
            proposer: proposer.into(),
            change_type: action.change_type(),
            action,
            target,
            reason,
            undoes: None,
        }
    }
}
