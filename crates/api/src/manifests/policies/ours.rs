//! The policies on our own kinds: who proposes, who decides, who records.
//!
//! Owns `bailiwick-change-author`, `bailiwick-status-author`, `bailiwick-approval-identity` and
//! `bailiwick-receipt-log`. Must never rely on RBAC alone: it is not the only wall. No IO.

use super::form::{Policy, check, part, rule, texts};
use super::guard::CLEANERS;
use crate::manifests::OPERATOR_USER;
use crate::{GROUP, VERSION};
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use serde_json::{Value, json};

pub(super) const CHANGE_AUTHOR: &str = "bailiwick-change-author";
pub(super) const STATUS_AUTHOR: &str = "bailiwick-status-author";
pub(super) const APPROVAL_IDENTITY: &str = "bailiwick-approval-identity";
pub(super) const RECEIPT_LOG: &str = "bailiwick-receipt-log";

pub(super) fn policies() -> Vec<Policy> {
    vec![change_author(), status_author(), approval_identity(), receipt_log()]
}

fn matched(operations: &[&str], resources: &[&str]) -> Value {
    rule(&[GROUP], &[VERSION], operations, resources)
}

fn policy(name: &'static str, rules: Vec<Value>) -> Policy {
    Policy {
        name,
        namespaces: json!({}),
        rules,
        conditions: Vec::new(),
        variables: vec![
            part("operator", format!("request.userInfo.username == '{OPERATOR_USER}'")),
            // Deletion with a namespace or an owner, and taking off the finalizer of such a deletion.
            part(
                "cleaner",
                format!(
                    "request.userInfo.username in {} && (request.operation == 'DELETE'
                    || (request.operation == 'UPDATE' && dyn(oldObject).metadata.?deletionTimestamp.hasValue()))",
                    texts(CLEANERS)
                ),
            ),
        ],
        checks: Vec::new(),
        params: None,
    }
}

fn change_author() -> Policy {
    let mut policy = policy(CHANGE_AUTHOR, vec![matched(&["CREATE"], &["changes"])]);
    policy.checks = vec![
        check(
            "spec.proposer must be the user who creates the change",
            "object.spec.proposer == request.userInfo.username",
        ),
        check(
            "a change stands in the namespace of its target (for what lives in none, in bailiwick-system)",
            format!("request.namespace == object.spec.target.?namespace.orValue('{SYSTEM_NAMESPACE}')"),
        ),
    ];
    policy
}

fn status_author() -> Policy {
    let mut policy = policy(
        STATUS_AUTHOR,
        vec![
            matched(&["UPDATE"], &["incidents/status", "changes/status", "mandates/status"]),
            matched(&["CREATE", "UPDATE"], &["incidents"]),
        ],
    );
    policy.checks =
        vec![check("only the operator records incidents and writes status", "variables.operator || variables.cleaner")];
    policy
}

fn approval_identity() -> Policy {
    let mut policy = policy(APPROVAL_IDENTITY, vec![matched(&["CREATE", "UPDATE", "DELETE"], &["approvals"])]);
    let machine = "request.userInfo.username.startsWith('system:serviceaccount:')
        || request.userInfo.username.startsWith('system:node:')
        || request.userInfo.username == 'system:anonymous'
        || 'system:serviceaccounts' in request.userInfo.?groups.orValue([])";
    policy.variables.push(part("created", "request.operation == 'CREATE'"));
    policy.checks = vec![
        check(
            "an approval is never changed, and removed only with its namespace or after its retention",
            "variables.created || variables.cleaner || (variables.operator && request.operation == 'DELETE')",
        ),
        check(
            "only people approve: no service account, node or anonymous user",
            format!("!variables.created || !({machine})"),
        ),
        check(
            "spec.approver must be the user who creates the approval",
            "!variables.created || object.spec.approver == request.userInfo.username",
        ),
        check(
            "spec.groups must be groups of the user who creates the approval",
            "!variables.created || object.spec.?groups.orValue([]).all(g, g in request.userInfo.?groups.orValue([]))",
        ),
        check(
            "the verb 'approve' on this change is needed",
            format!(
                "!variables.created || authorizer.group('{GROUP}').resource('changes')
                .namespace(request.namespace).name(object.spec.changeRef.name).check('approve').allowed()"
            ),
        ),
    ];
    policy
}

fn receipt_log() -> Policy {
    let mut policy = policy(RECEIPT_LOG, vec![matched(&["CREATE", "UPDATE", "DELETE"], &["receipts"])]);
    policy.checks = vec![check(
        "receipts are made by the operator, never changed, and removed only with their namespace or after their retention",
        "variables.cleaner || (variables.operator && request.operation != 'UPDATE')",
    )];
    policy
}
