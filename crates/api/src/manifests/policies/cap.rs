//! `bailiwick-operator-cap`: what the operator's own identity may write, by name and place.
//!
//! Owns the bound on a stolen operator identity. Must never allow the operator a write to a
//! workload, or a role outside the catalogue. No IO.

use super::floor::{ONE_OBJECT, in_territory};
use super::form::{Check, Policy, check, part, rule, texts};
use crate::GROUP;
use crate::manifests::options::Territory;
use crate::manifests::{OPERATOR, OPERATOR_USER};
use bailiwick_core::catalogue::{Right, rights};
use bailiwick_core::copies::{COPY_LABEL, COPY_VALUE, NAME_PREFIX};
use bailiwick_core::fence::{ACCOUNT_PREFIX, FENCE_LABEL, FENCE_VALUE, GRANTS_NAMESPACE, SYSTEM_NAMESPACE};
use serde_json::{Value, json};

pub(super) const NAME: &str = "bailiwick-operator-cap";

/// Everything the operator ever writes: operation, group, resource, subresource.
fn closed_list() -> Vec<String> {
    let own = |text: &str| {
        let (operation, resource) = text.split_once(' ').unwrap_or((text, ""));
        format!("{operation} {GROUP}/{resource}")
    };
    let ours = [
        "CREATE incidents/",
        "DELETE incidents/",
        "UPDATE incidents/status",
        "CREATE changes/",
        "DELETE changes/",
        "UPDATE changes/status",
        "UPDATE mandates/status",
        "DELETE approvals/",
        "CREATE receipts/",
        "DELETE receipts/",
    ];
    let others = [
        "CREATE /serviceaccounts/",
        "DELETE /serviceaccounts/",
        "CREATE /serviceaccounts/token",
        "CREATE /secrets/",
        "DELETE /secrets/",
        "CREATE apps/controllerrevisions/",
        "DELETE apps/controllerrevisions/",
        "CREATE rbac.authorization.k8s.io/rolebindings/",
        "DELETE rbac.authorization.k8s.io/rolebindings/",
        "CREATE rbac.authorization.k8s.io/clusterrolebindings/",
        "DELETE rbac.authorization.k8s.io/clusterrolebindings/",
        "CREATE coordination.k8s.io/leases/",
        "UPDATE coordination.k8s.io/leases/",
        "CREATE /events/",
        "UPDATE /events/",
        "CREATE events.k8s.io/events/",
        "UPDATE events.k8s.io/events/",
        "CREATE authentication.k8s.io/selfsubjectreviews/",
        "CREATE authorization.k8s.io/selfsubjectaccessreviews/",
        "CREATE authorization.k8s.io/selfsubjectrulesreviews/",
    ];
    ours.iter().map(|text| own(text)).chain(others.iter().map(|&text| text.to_owned())).collect()
}

pub(super) fn policy(territory: &Territory) -> Policy {
    let mut checks = vec![
        check("the operator never writes this", format!("variables.asked in {}", texts(&closed_list()))),
        check("the operator writes one object at a time", ONE_OBJECT),
    ];
    checks.extend(account_checks());
    checks.extend(fence_checks());
    checks.extend(binding_checks(territory));
    Policy {
        name: NAME,
        namespaces: json!({}),
        rules: vec![rule(&["*"], &["*"], &["*"], &["*/*"])],
        conditions: vec![part("operator", format!("request.userInfo.username == '{OPERATOR_USER}'"))],
        variables: variables(),
        checks,
        params: None,
    }
}

fn variables() -> Vec<Value> {
    vec![
        part(
            "kind",
            "request.resource.group + '/' + request.resource.resource + '/' + request.?subResource.orValue('')",
        ),
        part("asked", "request.operation + ' ' + variables.kind"),
        part("name", "request.?name.orValue('')"),
        part("place", "request.?namespace.orValue('')"),
        part("now", "dyn(object)"),
        part(
            "binding",
            "variables.kind in ['rbac.authorization.k8s.io/rolebindings/', 'rbac.authorization.k8s.io/clusterrolebindings/']",
        ),
        part("bindingMade", "variables.binding && request.operation == 'CREATE'"),
        part("everywhere", "request.resource.resource == 'clusterrolebindings'"),
    ]
}

/// One-shot accounts, their Secrets and tokens.
fn account_checks() -> Vec<Check> {
    vec![
        check(
            "the operator's accounts, Secrets and tokens are one-shot and in the namespace of grants",
            format!(
                "!(variables.kind in ['/serviceaccounts/', '/serviceaccounts/token', '/secrets/'])
                || (variables.place == '{GRANTS_NAMESPACE}' && variables.name.startsWith('{ACCOUNT_PREFIX}'))"
            ),
        ),
        check(
            "the operator makes empty Secrets only",
            "variables.asked != 'CREATE /secrets/' || (variables.now.type == 'Opaque'
                && variables.now.?data.orValue({}) == {}
                && !('kubernetes.io/service-account.name' in variables.now.metadata.?annotations.orValue({})))",
        ),
        // The audience cannot be checked: the API server fills in its own, of which it may have several.
        check(
            "the operator's tokens are bound to the account's Secret and live 600 seconds",
            "variables.asked != 'CREATE /serviceaccounts/token' || (
                variables.now.spec.?boundObjectRef.?kind.orValue('') == 'Secret'
                && variables.now.spec.?boundObjectRef.?name.orValue('') == variables.name
                && variables.now.spec.?expirationSeconds.orValue(3600) <= 600)",
        ),
    ]
}

/// The fence, the kept copies, the lease.
fn fence_checks() -> Vec<Check> {
    let labels = "variables.now.metadata.?labels.orValue({})";
    vec![
        check(
            "the operator's ControllerRevisions are those of the fence and kept copies, and never the one that suspends",
            format!(
                "variables.kind != 'apps/controllerrevisions/' || (variables.place == '{GRANTS_NAMESPACE}' && (
                    (variables.name.matches('^fence-[0-9]{{10}}$')
                        && (request.operation != 'CREATE' || {labels}[?'{FENCE_LABEL}'].orValue('') == '{FENCE_VALUE}'))
                    || (variables.name.matches('^{NAME_PREFIX}[0-9a-f]{{16}}-[0-9a-f]{{16}}$')
                        && (request.operation != 'CREATE' || ({labels}[?'{COPY_LABEL}'].orValue('') == '{COPY_VALUE}'
                            && !('{FENCE_LABEL}' in {labels}))))))"
            ),
        ),
        check(
            "the operator holds one lease",
            format!(
                "variables.kind != 'coordination.k8s.io/leases/'
                || (variables.place == '{SYSTEM_NAMESPACE}' && variables.name == '{OPERATOR}')"
            ),
        ),
    ]
}

/// Bindings: one catalogue role, one account of the same name; in one namespace of the territory, or everywhere where
/// the role's objects live in no namespace.
fn binding_checks(territory: &Territory) -> Vec<Check> {
    let (within, across): (Vec<Right>, Vec<Right>) = rights().into_iter().partition(|right| right.is_namespaced());
    let names = |rights: Vec<Right>| texts(&rights.into_iter().map(Right::role).collect::<Vec<_>>());
    vec![
        check(
            "the operator's bindings are named like one-shot accounts",
            format!("!variables.binding || variables.name.startsWith('{ACCOUNT_PREFIX}')"),
        ),
        check(
            "the operator binds in the territory only",
            format!("!variables.bindingMade || variables.everywhere || ({})", in_territory(territory)),
        ),
        check(
            "the operator binds one role of the catalogue to the one-shot account of the same name",
            format!(
                "!variables.bindingMade || (
                    variables.now.roleRef.kind == 'ClusterRole'
                    && variables.now.roleRef.apiGroup == 'rbac.authorization.k8s.io'
                    && variables.now.roleRef.name in (variables.everywhere ? {} : {})
                    && variables.now.?subjects.orValue([]).size() == 1
                    && variables.now.subjects.all(s, s.kind == 'ServiceAccount'
                        && s.?apiGroup.orValue('') == ''
                        && s.?namespace.orValue('') == '{GRANTS_NAMESPACE}'
                        && s.name == variables.name))",
                names(across),
                names(within),
            ),
        ),
    ]
}
