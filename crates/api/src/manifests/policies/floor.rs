//! `bailiwick-executor-floor`: what no one-shot account ever does, whatever the fence says.
//!
//! Owns the bound that holds with the fence emptied, or forged by a stolen operator identity.
//! Must never read a parameter. No IO.

use super::fence::one_shot;
use super::form::{Check, Policy, check, part, rule, texts};
use crate::manifests::options::Territory;
use bailiwick_core::catalogue::{Right, rights, touched_keys};
use bailiwick_core::fence::{GRANTS_NAMESPACE, SYSTEM_NAMESPACE};
use bailiwick_core::object::Kind;
use bailiwick_core::plan::Operation;
use serde_json::{Value, json};

pub(super) const NAME: &str = "bailiwick-executor-floor";

/// Fields of a pod's specification that a change may touch; every other one, known to this
/// program or not, stays as it is. `containers`, `initContainers` and `volumes` are looked into.
const FREE_OF_POD: &[&str] = &[
    "containers",
    "initContainers",
    "volumes",
    "affinity",
    "nodeSelector",
    "tolerations",
    "topologySpreadConstraints",
    "readinessGates",
    "activeDeadlineSeconds",
    "terminationGracePeriodSeconds",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostAliases",
    "hostname",
    "subdomain",
    "setHostnameAsFQDN",
    "imagePullSecrets",
];

/// Fields of a container that a change may touch; mounts, ports and claims are looked into.
const FREE_OF_CONTAINER: &[&str] = &[
    "name",
    "restartPolicy",
    "image",
    "imagePullPolicy",
    "command",
    "args",
    "workingDir",
    "env",
    "envFrom",
    "ports",
    "resources",
    "volumeMounts",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "stdin",
    "stdinOnce",
    "tty",
];

/// Kinds of volume that give a container nothing which its environment could not.
const MILD_VOLUMES: &[&str] = &["configMap", "secret", "downwardAPI", "emptyDir"];
/// The same inside a projected volume: no token of the ServiceAccount, no certificate.
const MILD_SOURCES: &[&str] = &["configMap", "secret", "downwardAPI"];

/// Annotations of a pod template that weaken its isolation on nodes that still read them.
const ISOLATING_ANNOTATIONS: &str = "^(container\\\\.apparmor\\\\.security\\\\.beta|(container\\\\.)?seccomp\\\\.security\\\\.alpha)\\\\.kubernetes\\\\.io/";

pub(super) fn policy(territory: &Territory) -> Policy {
    let mut checks = place_checks(territory);
    checks.extend(pod_checks());
    Policy {
        name: NAME,
        namespaces: json!({}),
        // `*` alone would leave out subresources.
        rules: vec![rule(&["*"], &["*"], &["*"], &["*/*"])],
        conditions: vec![one_shot()],
        variables: variables(),
        checks,
        params: None,
    }
}

/// Deleting a collection asks for each object, under no name.
pub(super) const ONE_OBJECT: &str = "request.operation == 'CREATE' || request.?name.orValue('') != ''";

/// The request as one text, to be looked up in a closed list.
fn request_text(right: Right) -> String {
    let served = right.kind.served();
    format!("{} {}/{}/{}/", right.operation.admission(), served.group, served.version, served.resource)
}

fn place_checks(territory: &Territory) -> Vec<Check> {
    let closed: Vec<String> = rights().into_iter().map(request_text).collect();
    vec![
        check("floor: not in the catalogue of changes", format!("variables.asked in {}", texts(&closed))),
        check("floor: outside the territory", format!("variables.asked == '{}' ? {} : ({})", request_text(NODE), is_marked(territory), in_territory(territory))),
        check("floor: more than one object at a time", ONE_OBJECT),
        check(
            "floor: a field that no change of the catalogue touches",
            "request.operation != 'UPDATE' || (
                variables.nowSpec.all(k, k in variables.touched || (k in variables.wasSpec && variables.nowSpec[k] == variables.wasSpec[k]))
                && variables.wasSpec.all(k, k in variables.touched || k in variables.nowSpec))",
        ),
        check(
            "floor: of a Service's ports only what they lead to is changed",
            "request.operation != 'UPDATE' || request.resource.resource != 'services' || (
                variables.nowSpec.?ports.orValue([]).size() == variables.wasSpec.?ports.orValue([]).size()
                && variables.nowSpec.?ports.orValue([]).all(p, variables.wasSpec.?ports.orValue([]).exists(o,
                    o.port == p.port && o.protocol == p.protocol
                    && p.all(k, k == 'targetPort' || (k in o && p[k] == o[k]))
                    && o.all(k, k == 'targetPort' || k in p))))",
        ),
        check(
            "floor: a Service that is made leads to pods of its namespace, and names no address outside",
            "request.operation != 'CREATE' || request.resource.resource != 'services' || (
                variables.nowSpec.?type.orValue('') != 'ExternalName'
                && variables.nowSpec.?externalIPs.orValue([]).size() == 0
                && variables.nowSpec.?selector.orValue({}).size() > 0)",
        ),
        check(
            "floor: of an Ingress's rules only the Services of their paths are changed",
            "request.operation != 'UPDATE' || request.resource.resource != 'ingresses' || (
                variables.nowRules.size() == variables.wasRules.size()
                && variables.nowRules.all(i, r,
                    r.all(k, k == 'http' || (k in variables.wasRules[i] && r[k] == variables.wasRules[i][k]))
                    && variables.wasRules[i].all(k, k in r)
                    && r.?http.?paths.orValue([]).size() == variables.wasRules[i].?http.?paths.orValue([]).size()
                    && r.?http.?paths.orValue([]).all(j, p, [variables.wasRules[i].http.paths[j]].all(o,
                        p.all(k, k == 'backend' || (k in o && p[k] == o[k]))
                        && o.all(k, k in p)
                        && p.backend.?resource == o.backend.?resource))))",
        ),
        check(
            "floor: of what an autoscaler scales only the name is changed",
            "request.operation != 'UPDATE' || request.resource.resource != 'horizontalpodautoscalers' || (
                variables.nowSpec.?scaleTargetRef.?kind == variables.wasSpec.?scaleTargetRef.?kind
                && variables.nowSpec.?scaleTargetRef.?apiVersion == variables.wasSpec.?scaleTargetRef.?apiVersion)",
        ),
        // By a node's labels pods find it, and by them it is in the territory.
        check(
            "floor: of a node only whether it takes pods is changed",
            "request.operation != 'UPDATE' || request.resource.resource != 'nodes' || (
                dyn(object).metadata.?labels == dyn(oldObject).metadata.?labels
                && dyn(object).metadata.?annotations == dyn(oldObject).metadata.?annotations
                && dyn(object).metadata.?finalizers == dyn(oldObject).metadata.?finalizers
                && dyn(object).metadata.?ownerReferences == dyn(oldObject).metadata.?ownerReferences)",
        ),
    ]
}

/// The one right on what lives in no namespace.
const NODE: Right = Right { operation: Operation::Update, kind: Kind::Node };

/// True for an object that carries the territory's label itself.
fn is_marked(territory: &Territory) -> String {
    let (key, value) = (territory.key(), territory.value());
    format!("dyn(oldObject).metadata.?labels.orValue(dyn({{}}))[?'{key}'].orValue('') == '{value}'")
}

/// True in a namespace of the territory that is not one of the cluster's or the product's own.
pub(super) fn in_territory(territory: &Territory) -> String {
    format!(
        "namespaceObject != null
        && namespaceObject.metadata.?labels.orValue({{}})[?'{}'].orValue('') == '{}'
        && !namespaceObject.metadata.name.startsWith('kube-')
        && !(namespaceObject.metadata.name in ['{SYSTEM_NAMESPACE}', '{GRANTS_NAMESPACE}'])",
        territory.key(),
        territory.value(),
    )
}

/// For every kind that is updated the keys of its specification that some change touches.
fn touched() -> String {
    let updated = rights().into_iter().filter(|right| right.operation == Operation::Update);
    let entry = |right: Right| {
        let served = right.kind.served();
        format!("'{}/{}': {}", served.group, served.resource, texts(&touched_keys(right.kind)))
    };
    let all: Vec<String> = updated.map(entry).collect();
    let known = format!("{{{}}}", all.join(", "));
    format!("{known}[?request.resource.group + '/' + request.resource.resource].orValue([])")
}

fn variables() -> Vec<Value> {
    let template = |object: &str| format!("variables.pods ? {object}.?spec.?template.orValue({{}}) : {{}}");
    let mild = format!(
        "variables.now.?volumes.orValue([]).filter(v, v.all(k, k == 'name' || k in {}
            || (k == 'projected' && v.projected.?sources.orValue([]).all(s, s.all(t, t in {})))
        )).map(v, v.name)",
        texts(MILD_VOLUMES),
        texts(MILD_SOURCES)
    );
    let isolating = |template: &str| {
        format!(
            "variables.{template}.?metadata.?annotations.orValue({{}}).transformMapEntry(k, v,
                k.matches('{ISOLATING_ANNOTATIONS}'), {{k: v}})"
        )
    };
    let containers =
        |pod: &str| format!("variables.{pod}.?containers.orValue([]) + variables.{pod}.?initContainers.orValue([])");
    vec![
        part(
            "asked",
            "request.operation + ' ' + request.resource.group + '/' + request.resource.version
                + '/' + request.resource.resource + '/' + request.?subResource.orValue('')",
        ),
        part("touched", touched()),
        part("nowSpec", "dyn(object).?spec.orValue({})"),
        part("wasSpec", "dyn(oldObject).?spec.orValue({})"),
        part("nowRules", "variables.nowSpec.?rules.orValue([])"),
        part("wasRules", "variables.wasSpec.?rules.orValue([])"),
        part("pods", "request.operation == 'UPDATE' && dyn(object).?spec.?template.hasValue()"),
        part("nowTemplate", template("dyn(object)")),
        part("wasTemplate", template("dyn(oldObject)")),
        part("now", "variables.nowTemplate.?spec.orValue({})"),
        part("was", "variables.wasTemplate.?spec.orValue({})"),
        part("nowContainers", containers("now")),
        part("wasContainers", containers("was")),
        part("nowIsolating", isolating("nowTemplate")),
        part("wasIsolating", isolating("wasTemplate")),
        part("mild", mild),
    ]
}

fn pod_checks() -> Vec<Check> {
    vec![
        check(
            "floor: a pod's identity, isolation and privileges are never changed",
            format!(
                "!variables.pods || (
                    variables.now.all(k, k in {free} || (k in variables.was && variables.now[k] == variables.was[k]))
                    && variables.was.all(k, k in {free} || k in variables.now)
                    && variables.nowIsolating == variables.wasIsolating)",
                free = texts(FREE_OF_POD)
            ),
        ),
        check(
            "floor: a volume that reaches beyond the namespace's configuration is never added or changed, but for the claim that it names",
            "!variables.pods || variables.now.?volumes.orValue([]).all(v,
                v.name in variables.mild || v in variables.was.?volumes.orValue([])
                || ('persistentVolumeClaim' in v && variables.was.?volumes.orValue([]).exists(w,
                    w.name == v.name && 'persistentVolumeClaim' in w)))",
        ),
        // Whose program may be replaced may as well be renamed, doubled or left out.
        check(
            "floor: a container has no privileges that none had before",
            format!(
                "!variables.pods || variables.nowContainers.all(c, variables.wasContainers.exists(o,
                    c.all(k, k in {free} || (k in o && c[k] == o[k]))
                    && o.all(k, k in {free} || k in c)
                    && c.?resources.?claims == o.?resources.?claims
                    && c.?ports.orValue([]).all(p, p.?hostPort.orValue(0) == 0 || p in o.?ports.orValue([]))
                    && c.?volumeMounts.orValue([]).all(m,
                        m.name in variables.mild || m in o.?volumeMounts.orValue([]))))",
                free = texts(FREE_OF_CONTAINER)
            ),
        ),
    ]
}
