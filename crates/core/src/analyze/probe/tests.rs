//! Tests of the analyzer of probes.

use crate::analyze::fixture::{World, at, backing_off, merge, spec, well};
use crate::object::Kind;
use serde_json::{Value, json};

fn probed(kind: &str, port: u16) -> Value {
    spec(
        json!({"ports": [{"containerPort": 8080}], kind: {"httpGet": {"path": "/healthz", "port": port}, "periodSeconds": 2, "failureThreshold": 2}}),
    )
}

fn world(spec: &Value, status: Value) -> World {
    let mut w = World::new();
    w.deployment(1, std::slice::from_ref(spec));
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", spec.clone(), status);
    w
}

fn killed(w: &mut World, kind: &str, seconds: i64) {
    w.event(
        "Pod-web-r1-bcdfg",
        "Unhealthy",
        &format!("{kind} probe failed: HTTP probe failed with statuscode: 404"),
        seconds,
    );
    let lower = kind.to_lowercase();
    w.event("Pod-web-r1-bcdfg", "Killing", &format!("Container web failed {lower} probe, will be restarted"), seconds);
}

#[test]
fn a_probe_that_kills_is_named_instead_of_the_crash_it_looks_like() {
    for (kind, field, cause) in
        [("Liveness", "livenessProbe", "LivenessProbeKills"), ("Startup", "startupProbe", "StartupProbeKills")]
    {
        let mut w = world(&probed(field, 8080), backing_off(4, json!({"exitCode": 137})));
        killed(&mut w, kind, 580);
        let told = format!(
            "{cause} Critical [web]: container web is restarted by its {} probe (\"http:/healthz\" on port 8080): \"HTTP probe failed with statuscode: 404\"",
            kind.to_lowercase()
        );
        assert_eq!(w.web(), [told]);
    }
}

#[test]
fn a_program_may_end_well_when_it_is_told_to() {
    for code in [0, 1, 2, 143] {
        let reason = if code == 0 { "Completed" } else { "Error" };
        let mut w = world(&probed("livenessProbe", 8080), backing_off(4, json!({"exitCode": code, "reason": reason})));
        killed(&mut w, "Liveness", 579);
        assert!(w.web()[0].starts_with("LivenessProbeKills "), "exit code {code}");
    }
}

#[test]
fn a_process_that_ends_by_itself_long_after_a_kill_has_crashed() {
    let mut w = world(&probed("livenessProbe", 8080), backing_off(4, json!({})));
    killed(&mut w, "Liveness", 300);
    assert!(w.web()[0].starts_with("CrashLoop "), "{:?}", w.web());
}

#[test]
fn a_probe_on_a_port_that_nobody_declares_is_pointed_out() {
    let mut w = world(&probed("livenessProbe", 9999), backing_off(4, json!({"exitCode": 137})));
    killed(&mut w, "Liveness", 580);
    assert!(w.web()[0].contains("on port 9999, which the container does not declare"), "{:?}", w.web());
}

fn unready(since: i64) -> Value {
    let mut status = well();
    merge(&mut status, json!({"conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": at(since)}]}));
    merge(
        &mut status["containerStatuses"],
        json!([{"name": "web", "ready": false, "restartCount": 0, "state": {"running": {"startedAt": at(since)}}}]),
    );
    status
}

#[test]
fn a_running_container_that_stays_unready_is_hidden() {
    let mut w = world(&probed("readinessProbe", 8080), unready(500));
    let dial = "Readiness probe failed: Get \"http://10.0.0.7:8080/healthz\": dial tcp 10.0.0.7:8080: connect: connection refused";
    w.event("Pod-web-r1-bcdfg", "Unhealthy", dial, 595);
    assert_eq!(
        w.web(),
        [
            "ReadinessProbeHides Critical [web]: container web runs but its readiness probe fails (\"http:/healthz\" on port 8080): \"connection refused\""
        ]
    );
}

#[test]
fn a_container_that_may_still_get_ready_is_left_alone() {
    let w = world(&probed("readinessProbe", 8080), unready(590));
    let analysis = w.examine(Kind::Deployment, "web");
    assert!(analysis.findings.is_empty());
    assert_eq!(analysis.recheck.unwrap().to_string(), at(590 + 4 + 15), "two failures two seconds apart, and 15 s");
    let mut slow = probed("readinessProbe", 8080);
    slow["containers"][0]["startupProbe"] =
        json!({"httpGet": {"port": 8080}, "periodSeconds": 10, "failureThreshold": 30});
    assert!(world(&slow, unready(400)).web().is_empty(), "its startup probe allows five minutes");
    assert!(world(&spec(json!({})), unready(100)).web().is_empty(), "no readiness probe, nothing that hides");
}

#[test]
fn a_probe_that_changed_with_the_newest_revision_goes_back() {
    let mut w = World::new();
    w.deployment(1, &[probed("readinessProbe", 8080), probed("readinessProbe", 9999)]).well(1, "bcdfg");
    w.pod_of((Kind::ReplicaSet, "web-r2"), "hjklm", probed("readinessProbe", 9999), unready(400));
    assert!(w.web()[0].ends_with("1 of 2 pods -> RolloutUndo(1), SetProbe"), "{:?}", w.web());
}

/// A new workload whose only container was killed `took` seconds after it began.
fn killed_after(took: i64, more: Value) -> World {
    let probe = json!({"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10, "failureThreshold": 3});
    let mut container = json!({"ports": [{"containerPort": 8080}], "livenessProbe": probe,
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080}}});
    merge(&mut container, more);
    let exit = json!({"exitCode": 137, "startedAt": at(580 - took), "finishedAt": at(580)});
    let mut w = world(&spec(container), backing_off(4, exit));
    killed(&mut w, "Liveness", 580);
    silent(&mut w, "Liveness");
    w
}

/// Nobody listens yet.
fn silent(w: &mut World, kind: &str) {
    let message = format!("{kind} probe failed: dial tcp 10.0.0.1:8080: connect: connection refused");
    w.event("Pod-web-r1-bcdfg", "Unhealthy", &message, 581);
}

/// What is set by the first proposal for the workload.
fn given(w: &World) -> Option<Value> {
    let candidate = w.examine(Kind::Deployment, "web").findings.swap_remove(0).candidates.into_iter().next()?;
    serde_json::to_value(&candidate.action).unwrap().pointer("/setProbe/settings/value").cloned()
}

#[test]
fn a_program_that_is_killed_before_it_ever_answered_is_given_time_to_start() {
    let w = killed_after(30, json!({}));
    assert!(w.web()[0].ends_with("-> SetProbe"), "{:?}", w.web());
    let candidate = w.examine(Kind::Deployment, "web").findings.swap_remove(0).candidates.swap_remove(0);
    assert!(candidate.why.contains("30 s after it begins"), "{candidate:?}");
    assert_eq!(given(&w), Some(json!({"initialDelaySeconds": 90})), "two minutes in all");
    let quick = json!({"livenessProbe": {"periodSeconds": 3, "failureThreshold": 2, "initialDelaySeconds": 4}});
    assert_eq!(given(&killed_after(10, quick)), Some(json!({"initialDelaySeconds": 114})));
    let slow = json!({"livenessProbe": {"periodSeconds": 60, "failureThreshold": 2}});
    assert_eq!(given(&killed_after(120, slow)), Some(json!({"failureThreshold": 6})), "two minutes were too little");
}

#[test]
fn a_startup_probe_is_given_more_failures_and_no_delay() {
    let probe = json!({"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 2, "failureThreshold": 5});
    let container = json!({"ports": [{"containerPort": 8080}], "startupProbe": probe,
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080}}});
    let exit = json!({"exitCode": 137, "startedAt": at(570), "finishedAt": at(580)});
    let mut w = world(&spec(container), backing_off(4, exit));
    killed(&mut w, "Startup", 580);
    assert_eq!(given(&w), None, "who refuses what it is asked has started");
    silent(&mut w, "Startup");
    assert!(w.web()[0].starts_with("StartupProbeKills "), "{:?}", w.web());
    assert_eq!(given(&w), Some(json!({"failureThreshold": 60})));
}

#[test]
fn a_program_that_answers_late_is_waited_for_longer() {
    let late = "Readiness probe failed: Get \"http://10.0.0.1:8080/readyz\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
    let refused = "Readiness probe failed: Get \"http://10.0.0.1:8080/readyz\": dial tcp 10.0.0.1:8080: connect: connection refused";
    let mut status = unready(400);
    status["conditions"] = json!([{"type": "Ready", "status": "False", "lastTransitionTime": at(0)}]);
    let mut template = probed("readinessProbe", 8080);
    template["containers"][0]["ports"] = json!([{"containerPort": 8080}]);
    template["containers"][0]["readinessProbe"]["timeoutSeconds"] = json!(2);
    let of = |message: &str| {
        let mut w = world(&template, status.clone());
        w.event("Pod-web-r1-bcdfg", "Unhealthy", message, 590);
        given(&w)
    };
    assert_eq!(of(late), Some(json!({"timeoutSeconds": 6})));
    assert_eq!(of(refused), None, "nobody listens");
}

#[test]
fn nobody_who_had_enough_time_is_given_more() {
    for (took, more, why) in [
        (300, json!({}), "it answered for minutes"),
        (30, json!({"startupProbe": {"httpGet": {"port": 8080}}}), "it has passed its startup probe"),
        (30, json!({"livenessProbe": {"periodSeconds": 200, "failureThreshold": 9}}), "half an hour is the most"),
    ] {
        let w = killed_after(took, more);
        assert!(w.web()[0].starts_with("LivenessProbeKills ") && !w.web()[0].contains("->"), "{why}: {:?}", w.web());
    }
    let mut was_ready = backing_off(4, json!({"exitCode": 137, "startedAt": at(550), "finishedAt": at(580)}));
    was_ready["conditions"] = json!([{"type": "Ready", "status": "False", "lastTransitionTime": at(575)}]);
    let mut w = killed_after(30, json!({}));
    let template = spec(json!({"ports": [{"containerPort": 8080}],
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10, "failureThreshold": 3},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080}}}));
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", template, was_ready);
    assert!(!w.web()[0].contains("->"), "it was ready meanwhile: {:?}", w.web());
}
