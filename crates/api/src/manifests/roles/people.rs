//! Roles for people, to be bound by whoever administers the cluster.
//!
//! Owns who may look, propose, approve, write mandates and suspend. Must never be bound or
//! aggregated by the installation itself. No IO.

use super::{cluster_role, named, role, rule};
use crate::GROUP;
use bailiwick_core::fence::{GRANTS_NAMESPACE, SUSPEND_REVISION};
use serde_json::Value;

const READ: &[&str] = &["get", "list", "watch"];
const KINDS: &[&str] = &["incidents", "changes", "approvals", "mandates", "receipts"];

pub(super) fn objects() -> Vec<Value> {
    let group = &[GROUP];
    let read = || rule(group, KINDS, READ);
    vec![
        cluster_role("bailiwick:viewer", vec![read()]),
        cluster_role("bailiwick:proposer", vec![read(), rule(group, &["changes"], &["create"])]),
        cluster_role(
            "bailiwick:approver",
            vec![read(), rule(group, &["changes"], &["approve"]), rule(group, &["approvals"], &["create"])],
        ),
        cluster_role(
            "bailiwick:mandate-admin",
            vec![read(), rule(group, &["mandates"], &["create", "update", "patch", "delete"])],
        ),
        suspender(),
    ]
}

/// Bound in the namespace of grants, it lets a person throw the switch and take it back.
/// `create` cannot be limited by name in RBAC; `bailiwick-fence-guard` does it.
fn suspender() -> Value {
    let revisions = &["controllerrevisions"];
    role(
        "bailiwick:suspender",
        GRANTS_NAMESPACE,
        vec![
            rule(&[GROUP], &["fences"], &["suspend"]),
            rule(&["apps"], revisions, &["create"]),
            named(&["apps"], revisions, &[SUSPEND_REVISION.to_owned()], &["get", "delete"]),
        ],
    )
}
