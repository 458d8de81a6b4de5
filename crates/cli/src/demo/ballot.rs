//! Approvals as anybody may try to send them: past the command line, straight to the API server.
//!
//! Owns the form. Must never be used where the demo means an honest approval: people type those.
//! No IO.

use super::ground::name_of;
use bailiwick_api::Change;
use serde_json::{Value, json};

/// Where Approvals of a namespace are created.
pub(super) fn collection(namespace: &str) -> String {
    format!("/apis/bailiwick.dev/v1alpha1/namespaces/{namespace}/approvals")
}

/// An Approval in somebody's name.
pub(super) fn approval(change: &Change, approver: &str, digest: &str) -> Value {
    let (name, uid) = (name_of(change), change.metadata.uid.clone().unwrap_or_default());
    json!({
        "apiVersion": "bailiwick.dev/v1alpha1",
        "kind": "Approval",
        "metadata": {"generateName": format!("{name}-")},
        "spec": {
            "changeRef": {"name": name, "uid": uid},
            "digest": digest,
            "approver": approver,
            "decision": "Approve",
            "reason": "sent past the command line",
        },
    })
}
