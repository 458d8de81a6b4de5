//! What holds for all analyzers together.

mod hostile;

use super::analyze_all;
use super::catalogue::about;
use super::fixture::{World, at, backing_off, owner, spec, waiting};
use crate::action::{ChangeType, Origin};
use crate::finding::Cause;
use crate::object::Kind;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn all(w: &World) -> Vec<String> {
    analyze_all(&w.index.view(), w.now).iter().map(super::fixture::line).collect()
}

#[test]
fn a_rollout_on_its_way_has_no_finding() {
    let mut w = World::new();
    w.deployment(3, &[spec(json!({})), spec(json!({"image": "shop/web:2"}))]);
    w.replica_set(
        2,
        &spec(json!({"image": "shop/web:2"})),
        json!({"spec": {"replicas": 2}, "status": {"replicas": 2}}),
    );
    w.well(1, "bcdfg").well(1, "hjklm");
    w.pod(2, "npqrs", waiting("ContainerCreating", "")).pod(
        2,
        "tvwxz",
        json!({"phase": "Pending", "containerStatuses": []}),
    );
    let scheduled = json!({"phase": "Pending", "initContainerStatuses": [{"name": "i", "state": {"running": {}}}],
        "containerStatuses": [{"name": "web", "state": {"waiting": {"reason": "PodInitializing"}}}]});
    w.pod(2, "24567", scheduled);
    assert_eq!(all(&w), [""; 0]);
}

#[test]
fn completed_jobs_and_their_pods_have_no_finding() {
    let mut w = World::new();
    w.put(Kind::Job, json!({"metadata": {"name": "sum"}, "status": {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}}));
    let done = json!({"phase": "Succeeded", "containerStatuses": [
        {"name": "web", "ready": false, "restartCount": 0, "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]});
    w.pod_of((Kind::Job, "sum"), "bcdfg", spec(json!({})), done);
    let failed = json!({"phase": "Failed", "containerStatuses": [
        {"name": "web", "restartCount": 0, "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}]});
    w.pod_of((Kind::Job, "sum"), "hjklm", spec(json!({})), failed);
    assert_eq!(all(&w), [""; 0]);
}

#[test]
fn pods_that_are_leaving_or_gone_have_no_finding() {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]);
    let mut leaving = json!({"metadata": {"name": "web-r1-bcdfg", "labels": {"pod-template-hash": "r1"},
        "ownerReferences": [owner(Kind::ReplicaSet, "web-r1")], "deletionTimestamp": at(590)}, "spec": spec(json!({}))});
    leaving["status"] = backing_off(4, json!({}));
    w.put(Kind::Pod, leaving);
    assert_eq!(all(&w), [""; 0]);
    w.pod(1, "bcdfg", backing_off(4, json!({})));
    assert_eq!(all(&w).len(), 1);
    w.index.apply(crate::index::Observed::Deleted { kind: Kind::Pod, uid: "Pod-web-r1-bcdfg".to_owned(), at: None });
    assert_eq!(all(&w), [""; 0]);
}

#[test]
fn what_is_scaled_to_zero_on_purpose_has_no_finding() {
    let mut w = World::new();
    w.deployment(0, &[spec(json!({}))]);
    w.put(
        Kind::StatefulSet,
        json!({"metadata": {"name": "db"}, "spec": {"replicas": 0, "template": {"spec": spec(json!({}))}}}),
    );
    w.put(
        Kind::Service,
        json!({"metadata": {"name": "front"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}),
    );
    w.put(Kind::Job, json!({"metadata": {"name": "held"}, "spec": {"suspend": true}}));
    assert_eq!(all(&w), [""; 0]);
}

#[test]
fn old_warnings_about_what_works_again_are_not_findings() {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]).well(1, "bcdfg");
    w.event("Pod-web-r1-bcdfg", "Failed", "Failed to pull image \"shop/web:1\": not found", 100);
    w.event(
        "Pod-web-r1-bcdfg",
        "FailedMount",
        "MountVolume.SetUp failed for volume \"c\" : configmap \"c\" not found",
        90,
    );
    w.event("Pod-web-r1-bcdfg", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 500", 120);
    w.event("ReplicaSet-web-r1", "FailedCreate", "Error creating: pods \"x\" is forbidden: exceeded quota: q", 80);
    assert_eq!(all(&w), [""; 0]);
}

#[test]
fn two_faults_are_two_findings() {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]).pod(1, "bcdfg", waiting("ErrImagePull", "shop/web:1: not found"));
    w.put(
        Kind::Service,
        json!({"metadata": {"name": "front"}, "spec": {"selector": {"app": "wed"}, "ports": [{"port": 80}]}}),
    );
    let causes: Vec<String> = all(&w).iter().filter_map(|l| l.split(' ').next().map(str::to_owned)).collect();
    assert_eq!(causes, ["ImageNotFound", "ServiceSelectsNothing"]);
}

#[test]
fn two_containers_with_one_cause_are_two_findings_and_two_keys() {
    let mut w = World::new();
    let two: Value = json!({"containers": [{"name": "web", "image": "a:1"}, {"name": "log", "image": "b:1"}], "restartPolicy": "Always"});
    w.deployment(1, std::slice::from_ref(&two));
    let wait =
        |name: &str| json!({"name": name, "state": {"waiting": {"reason": "ErrImagePull", "message": "x: not found"}}});
    w.pod_of(
        (Kind::ReplicaSet, "web-r1"),
        "bcdfg",
        two,
        json!({"phase": "Pending", "containerStatuses": [wait("web"), wait("log")]}),
    );
    let found = w.examine(Kind::Deployment, "web").findings;
    assert_eq!(found.len(), 2);
    assert_ne!(found[0].key().incident_name(), found[1].key().incident_name());
}

#[test]
fn a_bare_pod_is_its_own_subject_and_has_no_way_back() {
    let mut w = World::new();
    w.put(Kind::Pod, json!({"metadata": {"name": "lone"}, "spec": spec(json!({})), "status": waiting("ErrImagePull", "shop/web:1: not found")}));
    let foreign = json!([{"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "name": "w", "uid": "w", "controller": true}]);
    w.put(Kind::Pod, json!({"metadata": {"name": "step", "ownerReferences": foreign}, "spec": spec(json!({})), "status": waiting("ErrImagePull", "x: not found")}));
    assert_eq!(w.findings(Kind::Pod, "lone").len(), 1);
    assert_eq!(w.findings(Kind::Pod, "step").len(), 1);
    assert!(all(&w).iter().all(|line| !line.contains("->")));
}

#[test]
fn an_owner_that_is_not_read_stands_for_its_pods() {
    let mut w = World::new();
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", spec(json!({})), waiting("ErrImagePull", "x: not found"));
    assert_eq!(w.findings(Kind::ReplicaSet, "web-r1").len(), 1);
    w.deployment(1, &[spec(json!({}))]);
    assert_eq!(w.web().len(), 1);
    assert_eq!(all(&w).len(), 1, "once the Deployment is known, it alone is the subject");
}

#[test]
fn evicted_pods_that_were_replaced_have_no_finding() {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]).well(1, "bcdfg");
    w.pod(
        1,
        "hjklm",
        json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}),
    );
    assert_eq!(all(&w), [""; 0]);
}

#[test]
fn every_candidate_takes_its_values_from_a_trusted_place() {
    let promised = Cause::ALL.iter().flat_map(|cause| about(*cause).candidates.iter().copied());
    let promised: BTreeSet<ChangeType> = promised.collect();
    let mut seen = BTreeSet::new();
    for w in hostile::worlds() {
        for candidate in analyze_all(&w.index.view(), w.now).into_iter().flat_map(|finding| finding.candidates) {
            let proved = |o: &Origin| matches!(o, Origin::RevisionHistory { .. } | Origin::LastKnownGood { .. });
            let trusted = |o: &Origin| proved(o) || matches!(o, Origin::CurrentValue {} | Origin::Earlier {});
            assert!(candidate.action.origins().iter().all(|(_, origin)| trusted(origin)), "{candidate:?}");
            let shown = format!("{candidate:?}").to_lowercase();
            let asked = ["evil", "kube-system", "value: 7", "999gi", "6666"];
            assert!(asked.iter().all(|asked| !shown.contains(asked)), "{candidate:?}");
            seen.insert(candidate.action.change_type());
        }
    }
    assert_eq!(seen, promised, "something is proposed of every type that the table has");
}
