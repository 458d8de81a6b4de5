//! Tests of the analyzer of missing configuration.

use crate::analyze::fixture::{World, at, spec, waiting};
use crate::object::Kind;
use serde_json::{Value, json};

const REASON: &str = "CreateContainerConfigError";

fn refers() -> Value {
    let mut spec = spec(json!({
        "env": [
            {"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "mode"}}},
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}}],
        "envFrom": [{"configMapRef": {"name": "common"}}, {"secretRef": {"name": "all-keys"}}],
    }));
    spec["volumes"] = json!([
        {"name": "conf", "configMap": {"name": "files", "items": [{"key": "app.toml", "path": "app.toml"}]}},
        {"name": "tls", "secret": {"secretName": "tls-web"}},
        {"name": "both", "projected": {"sources": [{"configMap": {"name": "extra"}}, {"secret": {"name": "hidden"}}]}}]);
    spec
}

fn world(status: Value) -> World {
    let mut w = World::new();
    w.deployment(1, &[refers()]);
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", refers(), status);
    w
}

#[test]
fn what_a_container_misses_is_named_as_the_spec_names_it() {
    for (message, expected) in [
        (
            "configmap \"common\" not found",
            "ConfigMapMissing Critical [web]: container web cannot be made: ConfigMap \"common\" does not exist",
        ),
        (
            "secret \"all-keys\" not found",
            "SecretMissing Critical [web]: container web cannot be made: Secret \"all-keys\" does not exist",
        ),
        (
            "couldn't find key mode in ConfigMap shop/settings",
            "ConfigMapMissing Critical [web]: container web cannot be made: ConfigMap \"settings\" has no key \"mode\"",
        ),
        (
            "couldn't find key token in Secret shop/keys",
            "SecretMissing Critical [web]: container web cannot be made: Secret \"keys\" has no key \"token\"",
        ),
    ] {
        assert_eq!(world(waiting(REASON, message)).web(), [expected]);
    }
}

#[test]
fn what_a_volume_misses_is_told_by_an_event() {
    for (message, expected) in [
        (
            "MountVolume.SetUp failed for volume \"conf\" : configmap \"files\" not found",
            "ConfigMap \"files\" does not exist",
        ),
        (
            "MountVolume.SetUp failed for volume \"tls\" : secret \"tls-web\" not found",
            "Secret \"tls-web\" does not exist",
        ),
        (
            "MountVolume.SetUp failed for volume \"both\" : secret \"hidden\" not found",
            "Secret \"hidden\" does not exist",
        ),
        (
            "MountVolume.SetUp failed for volume \"conf\" : configmap references non-existent config key: app.toml",
            "ConfigMap \"files\" has no key \"app.toml\"",
        ),
    ] {
        let mut w = world(waiting("ContainerCreating", ""));
        w.event("Pod-web-r1-bcdfg", "FailedMount", message, 500);
        let found = w.web();
        assert!(
            found.len() == 1 && found[0].ends_with(&format!("a volume cannot be mounted: {expected}")),
            "{found:?}"
        );
    }
}

#[test]
fn what_the_spec_does_not_refer_to_is_not_believed() {
    assert!(world(waiting(REASON, "configmap \"../../etc\" not found")).web().is_empty());
    assert!(world(waiting(REASON, "secret \"common\" not found")).web().is_empty(), "another kind of that name");
    assert!(
        world(waiting(REASON, "configmap \"files\" not found")).web().is_empty(),
        "a mount is not this container's"
    );
}

#[test]
fn a_config_map_that_came_back_is_no_finding() {
    let mut w = world(waiting(REASON, "configmap \"common\" not found"));
    assert_eq!(w.web().len(), 1);
    w.put(Kind::ConfigMap, json!({"metadata": {"name": "common"}}));
    assert!(w.web().is_empty(), "the kubelet tries again by itself");
    let mut w = world(waiting(REASON, "couldn't find key mode in ConfigMap shop/settings"));
    w.put(Kind::ConfigMap, json!({"metadata": {"name": "settings"}}));
    assert_eq!(w.web().len(), 1, "its data is not read: only the kubelet knows the keys");
}

#[test]
fn what_is_applied_together_may_come_in_any_order() {
    let mut w = world(waiting(REASON, "configmap \"common\" not found"));
    w.now = at(3).parse().unwrap();
    let analysis = w.examine(Kind::Deployment, "web");
    assert!(analysis.findings.is_empty());
    assert_eq!(analysis.recheck.unwrap().to_string(), at(5));
}

#[test]
fn a_reference_that_came_with_a_new_revision_goes_back() {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({})), refers()]).well(1, "bcdfg");
    w.pod_of((Kind::ReplicaSet, "web-r2"), "hjklm", refers(), waiting(REASON, "secret \"all-keys\" not found"));
    assert!(w.web()[0].ends_with("-> RolloutUndo(1)"), "{:?}", w.web());
    let mut w = World::new();
    let mut newer = refers();
    newer["containers"][0]["image"] = json!("shop/web:2");
    w.deployment(1, &[refers(), newer.clone()]).well(1, "bcdfg");
    w.pod_of((Kind::ReplicaSet, "web-r2"), "hjklm", newer, waiting(REASON, "secret \"all-keys\" not found"));
    assert!(!w.web()[0].contains("->"), "the older revision needs it too: {:?}", w.web());
}
