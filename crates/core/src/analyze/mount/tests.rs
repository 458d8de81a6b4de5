//! Tests of pods that do not start on their node.

use crate::analyze::fixture::{World, at, merge, spec, waiting};
use crate::object::Kind;
use serde_json::{Value, json};

fn creating() -> World {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]).pod(1, "bcdfg", waiting("ContainerCreating", ""));
    w
}

#[test]
fn a_volume_that_cannot_be_mounted_is_told_after_a_minute() {
    let told = "Multi-Attach error for volume \"pvc-1\" Volume is already exclusively attached to one node and can't be attached to another";
    let mut w = creating();
    w.event("Pod-web-r1-bcdfg", "FailedAttachVolume", told, 590);
    assert_eq!(w.web(), [""; 0]);
    let mut w = creating();
    w.event("Pod-web-r1-bcdfg", "FailedAttachVolume", told, 500);
    assert_eq!(
        w.web(),
        [format!("VolumeMountFailed Critical: a volume cannot be mounted: \"{}\"", told.replace('"', "'"))]
    );
    let mut w = creating();
    for at in [500, 570] {
        let why = "MountVolume.SetUp failed for volume \"data\" : hostPath type check failed: /srv is not a directory";
        w.event("Pod-web-r1-bcdfg", "FailedMount", why, at);
    }
    assert!(w.web()[0].starts_with("VolumeMountFailed"));
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]).well(1, "bcdfg");
    w.event("Pod-web-r1-bcdfg", "FailedMount", told, 500);
    assert_eq!(w.web(), [""; 0], "what was overcome");
}

#[test]
fn one_complaint_before_a_slow_image_is_nothing() {
    let mut w = creating();
    let late = "MountVolume.SetUp failed for volume \"app\" : failed to sync configmap cache: timed out waiting for the condition";
    w.event("Pod-web-r1-bcdfg", "FailedMount", late, 400);
    assert_eq!(w.web(), [""; 0]);
    w.event("Pod-web-r1-bcdfg", "FailedMount", late, 430);
    assert_eq!(w.web(), [""; 0], "nor are two within half a minute");
}

#[test]
fn a_sandbox_that_cannot_be_made_is_told() {
    let mut w = creating();
    for (at, id) in [(500, "b0ff4a"), (530, "c11dee"), (570, "")] {
        let why = format!(
            "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox{id}: plugin type=\"ptp\" failed (add): no IP addresses available"
        );
        w.event("Pod-web-r1-bcdfg", "FailedCreatePodSandBox", &why, at);
    }
    assert_eq!(
        w.web(),
        [
            "PodSandboxFailed Critical: the pod's sandbox cannot be made: \"rpc error: code = Unknown desc = failed to setup network for sandbox: plugin type='ptp' failed (add): no IP addresses available\""
        ]
    );
}

fn waits(command: &str, since: &str) -> World {
    let mut w = World::new();
    let mut pod = spec(json!({}));
    merge(&mut pod, json!({"initContainers": [{"name": "wait", "image": "b:1", "command": ["sh", "-c", command]}]}));
    w.deployment(1, &[pod.clone()]);
    let status: Value = json!({"phase": "Pending", "initContainerStatuses": [{"name": "wait", "state": {"running": {"startedAt": since}}}],
        "containerStatuses": [{"name": "web", "state": {"waiting": {"reason": "PodInitializing"}}}]});
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", pod, status);
    w
}

#[test]
fn an_init_container_that_waits_for_a_service_that_is_gone_names_it() {
    let mut w = waits("until nslookup orders; do sleep 2; done", &at(100));
    assert_eq!(
        w.web(),
        [
            "ServiceMissing Critical [wait]: container wait of the pod's start waits for Service \"orders\", which does not exist"
        ]
    );
    w.put(
        Kind::Service,
        json!({"metadata": {"name": "orders"}, "spec": {"selector": {"app": "orders"}, "ports": [{"port": 80}]}}),
    );
    assert_eq!(w.web(), [""; 0], "the Service has a finding of its own");
    assert_eq!(waits("until nslookup orders; do sleep 2; done", &at(550)).web(), [""; 0]);
}

#[test]
fn an_init_container_that_works_long_is_told_late() {
    assert_eq!(waits("./migrate", &at(100)).web(), [""; 0]);
    let found = waits("./migrate", "2025-12-31T23:00:00Z").web();
    assert_eq!(
        found,
        [
            "InitContainerHangs Critical [wait]: container wait of the pod's start has been running since 2025-12-31T23:00:00Z"
        ]
    );
}
