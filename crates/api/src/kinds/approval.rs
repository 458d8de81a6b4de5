//! `Approval`: one person's decision on one digest of one Change.
//!
//! Owns the wire form. Must never be changed once created; admission proves who created it. No IO.

use crate::kinds::reference::ExactRef;
use bailiwick_core::life::DecisionKind;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

/// One person's decision on the exact plan that the digest covers. Immutable.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "bailiwick.dev",
    version = "v1alpha1",
    kind = "Approval",
    plural = "approvals",
    namespaced,
    derive = "PartialEq",
    shortname = "apv",
    category = "bailiwick",
    doc = "One person's decision on one digest of one Change.",
    selectable = ".spec.changeRef.name",
    printcolumn = r#"{"name": "Change", "type": "string", "jsonPath": ".spec.changeRef.name"}"#,
    printcolumn = r#"{"name": "Decision", "type": "string", "jsonPath": ".spec.decision"}"#,
    printcolumn = r#"{"name": "Approver", "type": "string", "jsonPath": ".spec.approver"}"#,
    printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name": "Digest", "type": "string", "jsonPath": ".spec.digest", "priority": 1}"#,
    printcolumn = r#"{"name": "Reason", "type": "string", "jsonPath": ".spec.reason", "priority": 1}"#
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("self == oldSelf").message("an approval is immutable: create another")
)]
pub struct ApprovalSpec {
    /// The Change, in the namespace of the Approval.
    pub change_ref: ExactRef,
    /// The digest of the plan that is decided on: 64 lower-case hexadecimal digits.
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"), length(max = 64))]
    pub digest: String,
    /// Who decides: the user name of the request that creates it, by admission.
    #[schemars(length(min = 1, max = 256))]
    pub approver: String,
    /// Groups of the approver that the mandate may ask for; all must be groups of the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 256)))]
    pub groups: Vec<String>,
    /// Yes or no.
    pub decision: DecisionKind,
    /// The person's own words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 1024))]
    pub reason: String,
}
