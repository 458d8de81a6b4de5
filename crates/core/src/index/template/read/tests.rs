//! Tests that a template is taken for a spec exactly where reading the spec gives that template.

use super::Template;
use crate::index::intern::Intern;
use crate::index::shape::PodSpecShape;
use serde_json::{Value, json};

const POD: &str = "db-0";

/// A spec that has everything a template keeps.
fn rich() -> Value {
    let probe = |port: Value| {
        json!({"httpGet": {"path": "/ready", "port": port}, "initialDelaySeconds": 3, "periodSeconds": 4,
        "timeoutSeconds": 5, "failureThreshold": 6})
    };
    json!({
        "nodeName": "n1", "restartPolicy": "Never", "serviceAccountName": "robot", "nodeSelector": {"disk": "ssd", "zone": "a"},
        "dnsPolicy": "None", "dnsConfig": {"searches": ["a"]}, "securityContext": {"runAsUser": 7}, "priority": 3, "tolerations": [{"key": "t"}],
        "initContainers": [{"name": "side", "image": "side:1", "restartPolicy": "Always"}, {"name": "first", "image": "first:1"}],
        "containers": [{
            "name": "app", "image": "app:1", "command": ["run"], "args": ["--fast", "now"], "workingDir": "/srv", "imagePullPolicy": "Always",
            "securityContext": {"privileged": true}, "lifecycle": {"preStop": {"sleep": {"seconds": 3}}},
            "ports": [{"name": "http", "containerPort": 80, "hostPort": 8080, "protocol": "UDP"}],
            "env": [{"name": "A", "value": "not kept"},
                {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "b", "optional": true}}},
                {"name": "C", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "c"}}}],
            "envFrom": [{"configMapRef": {"name": "more"}}, {"secretRef": {"name": "most", "optional": true}}],
            "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "2Gi"}},
            "livenessProbe": probe(json!(80)), "readinessProbe": probe(json!("http")),
            "startupProbe": {"exec": {"command": ["ask"]}, "failureThreshold": 30},
        }],
        "volumes": [
            {"name": "a", "configMap": {"name": "files", "items": [{"key": "one"}, {"key": "two"}]}},
            {"name": "b", "secret": {"secretName": "pem", "optional": true}},
            {"name": "c", "projected": {"sources": [{"configMap": {"name": "kube-root-ca.crt"}}, {"secret": {"name": "token"}}]}},
            {"name": "d", "persistentVolumeClaim": {"claimName": "data-db-0"}},
            {"name": "e", "persistentVolumeClaim": {"claimName": "shared"}}],
    })
}

fn shape(spec: &Value) -> PodSpecShape {
    serde_json::from_value(spec.clone()).unwrap()
}

/// Every place in a value, as a JSON pointer.
fn places(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match value {
        Value::Object(map) => map.iter().for_each(|(key, inner)| places(inner, &format!("{at}/{key}"), out)),
        Value::Array(list) => list.iter().enumerate().for_each(|(n, inner)| places(inner, &format!("{at}/{n}"), out)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Other values of the same type for a place.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Bool(b) => vec![json!(!b), Value::Null],
        Value::Number(n) => vec![json!(n.as_u64().unwrap() + 1), json!(0), Value::Null],
        Value::String(text) => vec![json!(format!("{text}x")), json!(""), json!("Always"), Value::Null],
        Value::Array(list) => {
            let twice: Vec<Value> = list.iter().chain(list).cloned().collect();
            vec![json!([]), json!(list[1..]), json!(twice), Value::Null]
        }
        Value::Object(_) => vec![json!({}), Value::Null],
    }
}

#[test]
fn a_template_is_of_a_spec_exactly_where_reading_gives_it() {
    let (mut intern, base) = (Intern::default(), rich());
    let known = Template::read(&mut intern, &shape(&base), POD);
    assert!(known.is_of(&shape(&base), POD));
    let mut all = Vec::new();
    places(&base, "", &mut all);
    let (mut same, mut different) = (0, 0);
    for place in all.iter().filter(|p| !p.is_empty()) {
        for other in others(base.pointer(place).unwrap()) {
            let mut spec = base.clone();
            *spec.pointer_mut(place).unwrap() = other.clone();
            // Elements of lists have no null.
            let Ok(told) = serde_json::from_value::<PodSpecShape>(spec) else { continue };
            let read = Template::read(&mut intern, &told, POD);
            assert_eq!(known.is_of(&told, POD), read == known, "{place} = {other}");
            assert!(read.is_of(&told, POD), "{place} = {other}");
            assert_eq!(read.is_of(&shape(&base), POD), read == known, "{place} = {other}, the other way round");
            *(if read == known { &mut same } else { &mut different }) += 1;
        }
    }
    assert!(same > 10 && different > 150, "{same} are the same, {different} differ: too few to tell");
}

#[test]
fn claims_of_the_pods_own_name_are_the_same_for_its_siblings_only() {
    let mut intern = Intern::default();
    let known = Template::read(&mut intern, &shape(&rich()), POD);
    let mut sibling = rich();
    sibling["volumes"][3]["persistentVolumeClaim"]["claimName"] = json!("data-db-1");
    assert!(known.is_of(&shape(&sibling), "db-1"));
    assert!(!known.is_of(&shape(&sibling), "db-0"));
}

#[test]
fn where_a_pod_may_go_is_told_of_templates_alone() {
    let mut intern = Intern::default();
    let mut pinned = rich();
    pinned["affinity"] = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": ["n1"]}]}}});
    let mut read = |spec: &Value, pod: &str| Template::read(&mut intern, &shape(spec), pod);
    assert_eq!(read(&rich(), POD), read(&pinned, POD), "each pod of a DaemonSet is pinned to its own node");
    assert_ne!(read(&rich(), ""), read(&pinned, ""));
}
