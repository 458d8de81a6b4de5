//! What the operator itself may do.
//!
//! Owns its least privileges, in three places: cluster-wide, its own namespace, and that of
//! grants. `bailiwick-operator-cap` limits the writes further, by name and place. No IO.

use super::{RBAC_GROUP, cluster_role, named, object, role, rule};
use crate::GROUP;
use crate::manifests::OPERATOR;
use bailiwick_core::catalogue::{Right, rights};
use bailiwick_core::fence::{GRANTS_NAMESPACE, SYSTEM_NAMESPACE};
use serde_json::{Value, json};

/// Name of the operator's ClusterRole and of its Roles.
const NAME: &str = "bailiwick:operator";

/// What the index watches, by API group; no Secrets.
const WATCHED: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "pods",
            "services",
            "persistentvolumeclaims",
            "persistentvolumes",
            "nodes",
            "namespaces",
            "resourcequotas",
            "limitranges",
            "events",
            "serviceaccounts",
        ],
    ),
    ("apps", &["deployments", "replicasets", "statefulsets", "daemonsets", "controllerrevisions"]),
    ("batch", &["jobs", "cronjobs"]),
    ("discovery.k8s.io", &["endpointslices"]),
    ("networking.k8s.io", &["ingresses", "ingressclasses", "networkpolicies"]),
    ("storage.k8s.io", &["storageclasses"]),
    ("autoscaling", &["horizontalpodautoscalers"]),
    ("policy", &["poddisruptionbudgets"]),
    // Where a cluster has them.
    ("gateway.networking.k8s.io", &["gatewayclasses", "gateways", "httproutes"]),
    ("cert-manager.io", &["certificates"]),
    (
        "admissionregistration.k8s.io",
        &[
            "mutatingwebhookconfigurations",
            "validatingwebhookconfigurations",
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
        ],
    ),
];

const READ: &[&str] = &["get", "list", "watch"];

pub(super) fn objects() -> Vec<Value> {
    vec![
        service_account(),
        cluster_role(NAME, cluster_rules()),
        binding("ClusterRoleBinding", "ClusterRole", None),
        role(NAME, SYSTEM_NAMESPACE, system_rules()),
        binding("RoleBinding", "Role", Some(SYSTEM_NAMESPACE)),
        role(NAME, GRANTS_NAMESPACE, grants_rules()),
        binding("RoleBinding", "Role", Some(GRANTS_NAMESPACE)),
    ]
}

fn service_account() -> Value {
    let mut account = object("ServiceAccount", OPERATOR, Some(SYSTEM_NAMESPACE));
    account["apiVersion"] = json!("v1");
    account["automountServiceAccountToken"] = json!(false);
    account
}

fn binding(kind: &str, role_kind: &str, namespace: Option<&str>) -> Value {
    let mut binding = object(kind, NAME, namespace);
    binding["roleRef"] = json!({ "apiGroup": RBAC_GROUP, "kind": role_kind, "name": NAME });
    binding["subjects"] = json!([
        { "kind": "ServiceAccount", "name": OPERATOR, "namespace": SYSTEM_NAMESPACE }
    ]);
    binding
}

fn cluster_rules() -> Vec<Value> {
    let mut rules: Vec<Value> = WATCHED.iter().map(|(group, resources)| rule(&[group], resources, READ)).collect();
    // The API has no right to metadata alone; the operator watches metadata only, and reads a ConfigMap whole
    // where a mandate asks for copies, or a Change puts one back.
    rules.push(rule(&[""], &["configmaps"], READ));
    rules.push(rule(&["", "events.k8s.io"], &["events"], &["create", "patch"]));
    rules.extend(own_kinds());
    // For a node, which lives in no namespace, the grant is a ClusterRoleBinding.
    rules.push(rule(&[RBAC_GROUP], &["rolebindings", "clusterrolebindings"], &["get", "list", "create", "delete"]));
    // A binding may be made only to roles that one may bind: these, by name.
    let roles: Vec<String> = rights().into_iter().map(Right::role).collect();
    rules.push(named(&[RBAC_GROUP], &["clusterroles"], &roles, &["bind"]));
    rules
}

/// Incidents, Changes and Approvals live beside their targets, in any namespace.
fn own_kinds() -> Vec<Value> {
    let group = &[GROUP];
    vec![
        rule(group, &["incidents", "changes"], &["get", "list", "watch", "create", "delete"]),
        rule(group, &["incidents/status", "changes/status"], &["get", "patch"]),
        rule(group, &["approvals"], &["get", "list", "watch", "delete"]),
    ]
}

fn system_rules() -> Vec<Value> {
    let lease = &["coordination.k8s.io"];
    vec![
        rule(&[GROUP], &["mandates"], READ),
        rule(&[GROUP], &["mandates/status"], &["get", "patch"]),
        rule(&[GROUP], &["receipts"], &["get", "list", "watch", "create", "delete"]),
        rule(lease, &["leases"], &["create"]),
        named(lease, &["leases"], &[OPERATOR.to_owned()], &["get", "update", "patch"]),
    ]
}

/// One-shot accounts and the fence. Secrets are made empty and deleted, never read.
fn grants_rules() -> Vec<Value> {
    vec![
        rule(&[""], &["serviceaccounts"], &["get", "list", "create", "delete"]),
        rule(&[""], &["serviceaccounts/token"], &["create"]),
        rule(&[""], &["secrets"], &["create", "delete"]),
        rule(&["apps"], &["controllerrevisions"], &["create", "delete"]),
    ]
}
