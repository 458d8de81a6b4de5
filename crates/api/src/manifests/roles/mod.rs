//! Roles: what the operator, the one-shot accounts and people may do.
//!
//! Owns every RBAC object. Must never grant a wildcard, `escalate`, `impersonate`, a read of
//! Secrets or a write to a workload to the operator, nor aggregate to `admin`, `edit` or `view`. No IO.

mod operator;
mod people;

use super::{PART_OF, PRODUCT};
use bailiwick_core::catalogue::{Right, rights};
use serde_json::{Value, json};

/// Every role, account and binding.
pub fn objects() -> Vec<Value> {
    let mut objects = catalogue();
    objects.extend(operator::objects());
    objects.extend(people::objects());
    objects
}

/// The ClusterRoles of one-shot accounts: one verb on one resource each, and no reads.
pub fn catalogue() -> Vec<Value> {
    rights().into_iter().map(catalogue_role).collect()
}

fn catalogue_role(right: Right) -> Value {
    let served = right.kind.served();
    let rule = rule(&[served.group], &[served.resource], &[right.operation.verb()]);
    cluster_role(&right.role(), vec![rule])
}

/// One rule of a role.
fn rule(groups: &[&str], resources: &[&str], verbs: &[&str]) -> Value {
    json!({ "apiGroups": groups, "resources": resources, "verbs": verbs })
}

/// One rule of a role that holds for some names only.
fn named(groups: &[&str], resources: &[&str], names: &[String], verbs: &[&str]) -> Value {
    json!({ "apiGroups": groups, "resources": resources, "resourceNames": names, "verbs": verbs })
}

const RBAC_GROUP: &str = "rbac.authorization.k8s.io";

fn object(kind: &str, name: &str, namespace: Option<&str>) -> Value {
    let mut object = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": {
            "name": name,
            "labels": { PART_OF: PRODUCT, "app.kubernetes.io/managed-by": "bailiwick-install" },
        },
    });
    if let Some(namespace) = namespace {
        object["metadata"]["namespace"] = json!(namespace);
    }
    object
}

fn cluster_role(name: &str, rules: Vec<Value>) -> Value {
    let mut role = object("ClusterRole", name, None);
    role["rules"] = Value::Array(rules);
    role
}

fn role(name: &str, namespace: &str, rules: Vec<Value>) -> Value {
    let mut role = object("Role", name, Some(namespace));
    role["rules"] = Value::Array(rules);
    role
}
