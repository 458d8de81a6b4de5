//! Tests of the analyzer of memory kills.

use crate::analyze::fixture::{World, at, backing_off, merge, spec};
use crate::object::Kind;
use serde_json::{Value, json};

fn limited(memory: &str) -> Value {
    spec(json!({"resources": {"limits": {"memory": memory}, "requests": {"memory": "16Mi"}}}))
}

fn killed() -> Value {
    backing_off(3, json!({"exitCode": 137, "reason": "OOMKilled"}))
}

fn with(spec: &Value, status: Value) -> World {
    let mut w = World::new();
    w.deployment(1, std::slice::from_ref(spec));
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", spec.clone(), status);
    w
}

#[test]
fn a_kill_at_the_limit_doubles_it() {
    assert_eq!(
        with(&limited("64Mi"), killed()).web(),
        [
            "OomKilled Critical [web]: container web was killed at its memory limit of 64Mi (exit code 137, restarted 3 times) -> SetResources(web 128Mi)"
        ]
    );
    let without = with(&spec(json!({})), killed()).web();
    assert!(
        without[0].starts_with("OomKilled ") && !without[0].contains("->"),
        "no limit, nothing to double: {without:?}"
    );
}

#[test]
fn a_kill_shows_in_several_forms() {
    for exit in [
        json!({"exitCode": 0, "reason": "OOMKilled"}),
        json!({"exitCode": 137, "reason": "OOMKilled"}),
        json!({"exitCode": 128, "reason": "StartError", "message": "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: container init was OOM-killed (memory limit too low?): unknown"}),
    ] {
        assert!(with(&limited("8Mi"), backing_off(2, exit.clone())).web()[0].starts_with("OomKilled "), "{exit}");
    }
    let ended = json!({"phase": "Running", "containerStatuses": [{"name": "web", "restartCount": 0,
        "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": at(599)}}}]});
    assert!(with(&limited("8Mi"), ended).web()[0].starts_with("OomKilled "), "before its first restart");
    let killed_otherwise = with(&limited("8Mi"), backing_off(2, json!({"exitCode": 137, "reason": "Error"})));
    assert!(killed_otherwise.web()[0].starts_with("CrashLoop "), "137 alone may be anyone's SIGKILL");
}

#[test]
fn a_container_that_runs_again_is_told_of_while_the_kill_is_recent() {
    let mut status = killed();
    merge(
        &mut status["containerStatuses"][0],
        json!({"ready": true, "state": {"waiting": null, "running": {"startedAt": at(585)}}}),
    );
    let mut w = with(&limited("64Mi"), status);
    assert_eq!(w.web().len(), 1);
    w.now = at(581 + 601).parse().unwrap();
    assert!(w.web().is_empty(), "ten minutes later it is over it");
}

#[test]
fn a_lowered_limit_goes_back_first() {
    let mut w = World::new();
    w.deployment(1, &[limited("256Mi"), limited("32Mi")]);
    w.well(1, "bcdfg");
    w.pod_of((Kind::ReplicaSet, "web-r2"), "hjklm", limited("32Mi"), killed());
    assert!(w.web()[0].ends_with("-> RolloutUndo(1), SetResources(web 64Mi)"), "{:?}", w.web());
    let mut w = World::new();
    w.deployment(1, &[limited("32Mi"), limited("64Mi")]);
    w.well(1, "bcdfg");
    w.pod_of((Kind::ReplicaSet, "web-r2"), "hjklm", limited("64Mi"), killed());
    assert!(
        w.web()[0].ends_with("-> SetResources(web 128Mi)"),
        "a raised limit is no reason to go back: {:?}",
        w.web()
    );
}

#[test]
fn init_containers_and_native_sidecars_are_killed_too() {
    for policy in [json!(null), json!("Always")] {
        let mut spec = spec(json!({}));
        spec["initContainers"] = json!([{"name": "cache", "image": "c:1", "restartPolicy": policy, "resources": {"limits": {"memory": "10Mi"}}}]);
        let ended = json!({"exitCode": 137, "reason": "OOMKilled", "finishedAt": at(590)});
        let w = with(
            &spec,
            json!({"phase": "Pending",
            "initContainerStatuses": [{"name": "cache", "restartCount": 2, "lastState": {"terminated": ended},
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}}],
            "containerStatuses": [{"name": "web", "state": {"waiting": {"reason": "PodInitializing"}}}]}),
        );
        assert_eq!(
            w.web(),
            [
                "OomKilled Critical [cache]: container cache was killed at its memory limit of 10Mi (exit code 137, restarted twice) -> SetResources(cache 20Mi)"
            ]
        );
    }
}
