//! `bailiwick-fence-guard`: in the namespace of grants only the operator writes.
//!
//! Owns the guard of one-shot accounts, their Secrets and tokens, and of the fence. Must never
//! let anybody but the operator make authority there, cluster administrators included; whoever
//! may suspend may add and remove the one revision that grants nothing. No IO.

use super::form::{Check, Policy, check, part, rule, scoped, texts};
use crate::GROUP;
use crate::manifests::{OPERATOR_USER, UNINSTALL_ANNOTATION};
use bailiwick_core::fence::{FENCE_LABEL, FENCE_VALUE, GRANTS_NAMESPACE, SUSPEND_REVISION};
use serde_json::{Value, json};

pub(super) const NAME: &str = "bailiwick-fence-guard";

/// Kubernetes' own parts that clean up after a namespace or an owner.
pub(super) const CLEANERS: &[&str] = &[
    "system:serviceaccount:kube-system:namespace-controller",
    "system:serviceaccount:kube-system:generic-garbage-collector",
    "system:kube-controller-manager",
];

/// Kubernetes' own parts that make the account `default` in every namespace.
const ACCOUNT_MAKERS: &[&str] =
    &["system:serviceaccount:kube-system:service-account-controller", "system:kube-controller-manager"];

/// What nothing of the product reads there: configuration that distributors write into every
/// namespace, events, and roles, which RBAC guards by itself.
const OPEN: &[&str] = &[
    "/configmaps",
    "/events",
    "events.k8s.io/events",
    "rbac.authorization.k8s.io/roles",
    "rbac.authorization.k8s.io/rolebindings",
];

pub(super) fn policy() -> Policy {
    Policy {
        name: NAME,
        namespaces: in_grants(),
        rules: vec![
            scoped("Namespaced", rule(&["*"], &["*"], &["*"], &["*/*"])),
            scoped("Cluster", rule(&[""], &["v1"], &["DELETE"], &["namespaces"])),
        ],
        conditions: Vec::new(),
        variables: variables(),
        checks: checks(),
        params: None,
    }
}

/// Selects the namespace of grants by the label that the API server itself keeps right.
pub(super) fn in_grants() -> Value {
    json!({ "matchLabels": { "kubernetes.io/metadata.name": GRANTS_NAMESPACE } })
}

fn variables() -> Vec<Value> {
    let user = "request.userInfo.username";
    let switch = format!(
        "variables.kind == 'apps/controllerrevisions' && request.?subResource.orValue('') == ''
        && request.?name.orValue('') == '{SUSPEND_REVISION}' && request.operation in ['CREATE', 'DELETE']
        && authorizer.group('{GROUP}').resource('fences').namespace('{GRANTS_NAMESPACE}').check('suspend').allowed()"
    );
    vec![
        part("kind", "request.resource.group + '/' + request.resource.resource"),
        part("operator", format!("{user} == '{OPERATOR_USER}'")),
        part("cleaner", format!("request.operation == 'DELETE' && {user} in {}", texts(CLEANERS))),
        part(
            "defaultAccount",
            format!(
                "variables.kind == '/serviceaccounts' && request.?subResource.orValue('') == ''
                && request.?name.orValue('') == 'default' && request.operation == 'CREATE'
                && {user} in {}",
                texts(ACCOUNT_MAKERS)
            ),
        ),
        part("open", format!("variables.kind == '/namespaces' || variables.kind in {}", texts(OPEN))),
        part("switch", switch),
    ]
}

fn checks() -> Vec<Check> {
    vec![
        check("no pods run in the namespace of grants", "variables.kind != '/pods' || variables.cleaner"),
        check(
            "in the namespace of grants only the operator writes",
            "variables.operator || variables.cleaner || variables.defaultAccount
                || variables.open || variables.switch",
        ),
        check(
            "the revision that suspends must carry the fence's label and grant nothing",
            format!(
                "!variables.switch || variables.operator || request.operation != 'CREATE' || (
                    dyn(object).metadata.?labels.orValue({{}})[?'{FENCE_LABEL}'].orValue('') == '{FENCE_VALUE}'
                    && dyn(object).?data.?grants.orValue({{'absent': ''}}) == {{}}
                    && !dyn(object).metadata.?ownerReferences.hasValue()
                    && !dyn(object).metadata.?finalizers.hasValue())"
            ),
        ),
        check(
            "the namespace of grants is deleted only by an uninstallation: annotate it first, as docs/EMERGENCY.md says",
            format!(
                "variables.kind != '/namespaces' || request.operation != 'DELETE'
                || dyn(oldObject).metadata.?annotations.orValue({{}})[?'{UNINSTALL_ANNOTATION}'].orValue('') == 'true'"
            ),
        ),
    ]
}
