//! `bailiwick-executor-fence`: a one-shot account may do exactly what was granted, and nothing else.
//!
//! Owns the comparison of a request with the live grants. Must never admit a request without a
//! grant in every revision of the fence. No IO.

use super::form::{Check, Policy, check, part, rule, texts};
use crate::manifests::options::Territory;
use bailiwick_core::catalogue::{Right, rights};
use bailiwick_core::fence::{FENCE_LABEL, FENCE_VALUE, GRANTS_NAMESPACE};
use bailiwick_core::plan::bounds::KEEPING_MANAGERS;
use bailiwick_core::plan::object::CONTROLLER_ANNOTATIONS;
use serde_json::{Value, json};

pub(super) const NAME: &str = "bailiwick-executor-fence";

/// True for the one-shot accounts, and for nobody else.
pub(super) fn one_shot() -> Value {
    let prefix = bailiwick_core::fence::username("");
    part("one-shot", format!("request.userInfo.username.startsWith('{prefix}')"))
}

pub(super) fn policy(territory: &Territory) -> Policy {
    let mut checks = request_checks();
    checks.extend(target_checks());
    checks.extend(content_checks());
    Policy {
        name: NAME,
        namespaces: json!({ "matchLabels": { territory.key(): territory.value() } }),
        rules: rights().into_iter().map(matched).collect(),
        conditions: vec![one_shot()],
        variables: variables(),
        checks,
        params: Some(revisions()),
    }
}

/// The live grants: every revision that carries the fence's label. Several are all demanded.
pub(super) fn revisions() -> Value {
    json!({
        "namespace": GRANTS_NAMESPACE,
        "selector": { "matchLabels": { FENCE_LABEL: FENCE_VALUE } },
        // `Deny` would refuse every user's requests while no revision exists: parameters are
        // looked up before the conditions are.
        "parameterNotFoundAction": "Allow",
    })
}

fn matched(right: Right) -> Value {
    let served = right.kind.served();
    rule(&[served.group], &[served.version], &[right.operation.admission()], &[served.resource])
}

/// Fields of metadata that the API server sets itself.
const SERVER_METADATA: &str = "['managedFields', 'resourceVersion', 'generation', 'creationTimestamp', 'uid', 'selfLink', 'deletionTimestamp', 'deletionGracePeriodSeconds']";

/// The one annotation that the API server writes by itself on an update.
const SERVER_ANNOTATION: &str = "['deprecated.daemonset.template.generation']";

fn variables() -> Vec<Value> {
    let held = "has(params.data) && has(params.data.grants) && request.userInfo.username in params.data.grants";
    vec![
        part("held", held),
        part("grant", "params.data.grants[request.userInfo.username]"),
        // A dry-run grant lets the content free: nothing is stored.
        part("exact", "variables.held && !variables.grant.dryRun && request.operation != 'DELETE'"),
        part("settled", "variables.held && !variables.grant.dryRun && request.operation != 'CREATE'"),
        part("now", "dyn(object)"),
        part("was", "dyn(oldObject)"),
        // What lives in no namespace carries the territory's label itself.
        part(
            "place",
            "namespaceObject != null ? dyn(namespaceObject.metadata.?labels.orValue({}))
                : request.operation == 'CREATE' ? dyn({}) : variables.was.metadata.?labels.orValue(dyn({}))",
        ),
        part("options", "dyn(request.?options.orValue({}))"),
        // What the pod asks for, which is what the API server fills in; it deletes at once what runs nowhere.
        part(
            "patience",
            "variables.was.?spec.?nodeName.orValue('') == '' || !variables.options.?gracePeriodSeconds.hasValue()
                || variables.was.?status.?phase.orValue('') in ['Succeeded', 'Failed']
                ? 0 : variables.was.spec.?terminationGracePeriodSeconds.orValue(0)",
        ),
        part("result", "dyn(variables.grant.result)"),
        part("serverMetadata", SERVER_METADATA),
        part("serverAnnotations", SERVER_ANNOTATION),
        part("controllersAnnotations", texts(CONTROLLER_ANNOTATIONS)),
        part("nowAnnotations", "variables.now.metadata.?annotations.orValue({})"),
        part("wasAnnotations", "variables.was.metadata.?annotations.orValue({})"),
        part("resultMetadata", "variables.result.?metadata.orValue({})"),
        part("resultAnnotations", "variables.resultMetadata.?annotations.orValue({})"),
    ]
}

/// What is asked for, by whom, on which object, where.
fn request_checks() -> Vec<Check> {
    vec![
        check("no live grant for this account", "variables.held"),
        check(
            "other operation, resource or object than granted",
            "!variables.held || (
                request.operation == variables.grant.operation
                && request.resource.group == variables.grant.group
                && request.resource.version == variables.grant.version
                && request.resource.resource == variables.grant.resource
                && request.?subResource.orValue('') == ''
                && request.?namespace.orValue('') == variables.grant.namespace
                && request.?name.orValue('') == variables.grant.name)",
        ),
        check(
            "this grant is for dry runs only",
            "!variables.held || !variables.grant.dryRun || request.?dryRun.orValue(false)",
        ),
        check(
            "an object of another uid than granted",
            "!variables.held || (request.operation == 'CREATE'
                ? variables.grant.uid == ''
                : variables.was.metadata.uid == variables.grant.uid)",
        ),
        // Those of a deletion are not content, and a pod torn away at once may write on beside its successor.
        check(
            "a deletion that is harsher than planned",
            "!variables.held || request.operation != 'DELETE' || (
                !variables.options.?propagationPolicy.hasValue()
                && !variables.options.?orphanDependents.hasValue()
                && (variables.options.?gracePeriodSeconds.orValue(0) >= variables.patience))",
        ),
        check(
            "the namespace no longer carries the labels that the grant needs",
            "!variables.held || variables.grant.live.all(k, variables.place[?k].orValue('') == variables.grant.live[k])",
        ),
    ]
}

/// What the object is when the request arrives. That nobody has taken it over since the plan was made
/// can be tested by no patch: JSON Patch does not test that a key is absent.
fn target_checks() -> Vec<Check> {
    vec![
        check(
            "the target's labels, annotations, owners or finalizers are not those of the plan",
            "!variables.settled || (
                variables.was.metadata.all(k, k in variables.serverMetadata || k == 'annotations'
                    || (k in variables.resultMetadata && variables.was.metadata[k] == variables.resultMetadata[k]))
                && variables.resultMetadata.all(k, k in variables.serverMetadata || k == 'annotations'
                    || k in variables.was.metadata)
                && variables.wasAnnotations.all(k, k in variables.controllersAnnotations
                    || (k in variables.resultAnnotations && variables.wasAnnotations[k] == variables.resultAnnotations[k]))
                && variables.resultAnnotations.all(k, k in variables.controllersAnnotations
                    || k in variables.wasAnnotations))",
        ),
        check(
            "the target has a keeper that would revert the change",
            format!(
                "!variables.settled || !variables.was.metadata.?managedFields.orValue([]).exists(m,
                    m.?manager.orValue('') in {})",
                texts(KEEPING_MANAGERS)
            ),
        ),
        check(
            "the object to be deleted is not as it was planned",
            "!variables.settled || request.operation != 'DELETE' || (
                variables.was.all(k, k in ['apiVersion', 'kind', 'metadata', 'status']
                    || (k in variables.result && variables.was[k] == variables.result[k]))
                && variables.result.all(k, k in ['metadata', 'status'] || k in variables.was))",
        ),
    ]
}

/// What the object would be.
fn content_checks() -> Vec<Check> {
    vec![
        check(
            "content differs from the approved plan",
            "!variables.exact || (
                variables.now.all(k, k in ['apiVersion', 'kind', 'metadata', 'status', 'spec']
                    || (k in variables.result && variables.now[k] == variables.result[k]))
                && variables.result.all(k, k in ['metadata', 'status'] || k in variables.now))",
        ),
        check(
            "spec differs from the approved plan",
            "!variables.exact || !('spec' in variables.now) || ('spec' in variables.result
                && variables.now.spec.all(k, k in variables.grant.free
                    ? (request.operation == 'UPDATE' && k in variables.was.spec && variables.now.spec[k] == variables.was.spec[k])
                    : (k in variables.result.spec && variables.now.spec[k] == variables.result.spec[k]))
                && variables.result.spec.all(k, k in variables.grant.free || k in variables.now.spec)
                && variables.grant.free.all(k, k in variables.now.spec || !(k in variables.was.?spec.orValue({}))))",
        ),
        check(
            "metadata outside the approved plan",
            "!variables.exact || request.operation != 'UPDATE' || (
                variables.now.metadata.all(k, k in variables.serverMetadata || k == 'annotations'
                    || (k in variables.was.metadata && variables.now.metadata[k] == variables.was.metadata[k]))
                && variables.was.metadata.all(k, k in variables.serverMetadata || k == 'annotations'
                    || k in variables.now.metadata)
                && variables.nowAnnotations.all(k, k in variables.serverAnnotations
                    || (k in variables.wasAnnotations && variables.nowAnnotations[k] == variables.wasAnnotations[k]))
                && variables.wasAnnotations.all(k, k in variables.serverAnnotations
                    || k in variables.nowAnnotations))",
        ),
        check(
            "metadata of the new object outside the approved plan",
            "!variables.exact || request.operation != 'CREATE' || (
                variables.now.metadata.all(k, k in variables.serverMetadata || k in ['name', 'namespace']
                    || (k in variables.resultMetadata && variables.now.metadata[k] == variables.resultMetadata[k]))
                && variables.resultMetadata.all(k, k in variables.serverMetadata || k in ['name', 'namespace']
                    || k in variables.now.metadata))",
        ),
    ]
}
