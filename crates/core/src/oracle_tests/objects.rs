//! Oracles of deleted pods, deleted quotas and restored objects.

use super::cluster::*;
use crate::action::ChangeType;
use crate::object::Kind;
use crate::oracle::Health;
use serde_json::{Value, json};

/// A pod was deleted; its Deployment is complete again.
fn deleted_pod() -> Case {
    let mut case = done(ChangeType::DeletePod, Kind::Pod);
    case.seen.target = None;
    case.seen.owner = Some(workload(Kind::Deployment));
    case.pods(vec![pod(0), pod(BEGUN + 1)])
}

fn owner(mut case: Case, pointer: &str, value: Value) -> Case {
    *case.seen.owner.as_mut().unwrap().pointer_mut(pointer).unwrap() = value;
    case
}

#[test]
fn a_pod_that_was_replaced_is_healthy() {
    healthy(&deleted_pod());
    // A StatefulSet gives the new pod the old one's name.
    let mut renamed = deleted_pod();
    renamed.seen.target = Some(json!({"kind": "Pod", "metadata": {"uid": "u-2"}}));
    healthy(&renamed);
}

#[test]
fn a_pod_that_is_still_there_is_not_yet() {
    let mut case = deleted_pod();
    case.seen.target = Some(json!({"kind": "Pod", "metadata": {"uid": "u-1", "deletionTimestamp": "x"}}));
    not_yet(&case, "still exists");
}

#[test]
fn an_owner_that_is_not_complete_is_not_yet() {
    not_yet(&owner(deleted_pod(), "/status/availableReplicas", json!(1)), "1 of 2 replicas");
    not_yet(&owner(deleted_pod(), "/spec/replicas", json!(0)), "wants no replicas");
    not_yet(&deleted_pod().pods(Vec::new()), "0 of 2 pods");
}

/// The owner's status is older than the deletion and still counts the deleted pod.
#[test]
fn a_stale_count_of_the_owner_does_not_stand_for_pods() {
    not_yet(&deleted_pod().pods(vec![pod(BEGUN + 1)]), "1 of 2 pods are ready");
    let mut leaving = pod(BEGUN + 1);
    leaving["metadata"]["deletionTimestamp"] = json!(at(12).to_string());
    not_yet(&deleted_pod().pods(vec![pod(0), leaving]), "1 of 2 pods are ready");
}

#[test]
fn the_other_pods_do_not_stand_for_the_replacement() {
    not_yet(&deleted_pod().pods(vec![pod(0), pod(1)]), "newer than the write");
    let mut stray = pod(BEGUN + 1);
    stray["metadata"].as_object_mut().unwrap().remove("ownerReferences");
    not_yet(&deleted_pod().pods(vec![pod(0), pod(1), stray]), "newer than the write");
}

#[test]
fn a_replacement_that_fails_is_not_yet() {
    let pods = vec![pod(0), pod(11), restarted(pod(12), 14)];
    not_yet(&deleted_pod().pods(pods), "failing");
}

#[test]
fn a_replacement_made_before_the_late_acknowledgement_counts() {
    let mut case = deleted_pod().pods(vec![pod(0), pod(BEGUN)]);
    case.execution.applied_at = Some(at(30));
    healthy(&case);
}

#[test]
fn an_owner_that_is_gone_has_vanished() {
    let mut case = deleted_pod();
    case.seen.owner = None;
    assert_eq!(case.judge(), Health::Vanished);
}

fn deleted_quota() -> Case {
    let mut case = done(ChangeType::DeleteResourceQuota, Kind::ResourceQuota);
    case.seen.target = None;
    case
}

#[test]
fn a_quota_that_is_gone_and_hinders_nobody_is_healthy() {
    healthy(&deleted_quota());
    let mut another = deleted_quota();
    another.seen.target = Some(json!({"metadata": {"uid": "u-2"}}));
    healthy(&another);
}

#[test]
fn a_quota_that_stays_or_a_workload_that_still_lacks_pods_is_not_yet() {
    let mut stays = deleted_quota();
    stays.seen.target = Some(json!({"metadata": {"uid": "u-1"}}));
    not_yet(&stays, "quota still exists");
    let mut short = deleted_quota();
    short.seen.refused = vec!["Deployment web".into()];
    not_yet(&short, "Deployment web is still short of pods");
}

fn restored() -> Case {
    let mut case = done(ChangeType::RestoreObject, Kind::ResourceQuota);
    let quota = json!({"kind": "ResourceQuota", "metadata": {"name": "web", "uid": "u-9"},
        "spec": {"hard": {"pods": "3"}}});
    case.plan.result = quota.to_string();
    case.plan.target.uid = None;
    case.seen.target = Some(quota);
    case
}

#[test]
fn a_restored_object_is_healthy_only_with_its_content() {
    healthy(&restored());
    let mut with_status = restored();
    with_status.target()["status"] = json!({"used": {"pods": "1"}});
    healthy(&with_status);
    not_yet(&restored().set("/spec/hard/pods", json!("4")), "other content");
    let mut gone = restored();
    gone.seen.target = None;
    assert_eq!(gone.judge(), Health::Vanished);
    let mut planless = restored();
    planless.plan.result = String::new();
    assert_eq!(planless.judge(), Health::Vanished);
}

#[test]
fn a_restored_config_map_is_healthy_once_no_pod_waits_for_it() {
    let mut case = restored();
    let config = json!({"kind": "ConfigMap", "metadata": {"name": "app"}, "data": {"mode": "fast"}});
    case.plan.result = config.to_string();
    case.plan.target.kind = Kind::ConfigMap;
    case.seen.target = Some(config);
    let reading = |name: &str, reason: &str| {
        let mut pod = waiting(pod(1), reason);
        pod["spec"] = json!({"volumes": [{"projected": {"sources": [{"configMap": {"name": name}}]}}]});
        pod
    };
    healthy(&case);
    for reason in ["CreateContainerConfigError", "ContainerCreating", "PodInitializing"] {
        case.seen.pods = vec![reading("app", reason)];
        not_yet(&case, "pod web-1 still waits");
        case.seen.pods = vec![reading("other", reason)];
        healthy(&case);
    }
    case.seen.pods = vec![reading("app", "CrashLoopBackOff")];
    healthy(&case);
}

#[test]
fn a_restored_service_is_healthy_once_it_serves() {
    let mut case = served();
    case.plan.change_type = ChangeType::RestoreObject;
    case.plan.target.uid = None;
    healthy(&case);
    case.seen.slices.clear();
    not_yet(&case, "no pod that it selects");
}

fn set(change_type: ChangeType, kind: Kind, changed: &str, object: serde_json::Value) -> Case {
    let mut case = done(change_type, kind);
    case.plan.changed = vec![changed.to_owned()];
    case.plan.result = object.to_string();
    case.seen.target = Some(object);
    case
}

#[test]
fn a_cron_job_is_healthy_while_it_is_as_it_was_set() {
    let object = json!({"metadata": {"uid": "u-1"}, "spec": {"suspend": false}});
    let case = || set(ChangeType::ResumeCronJob, Kind::CronJob, "/spec/suspend", object.clone());
    healthy(&case());
    not_yet(&case().set("/spec/suspend", json!(true)), "/spec/suspend was changed again");
    assert_eq!(case().set("/metadata/uid", json!("u-2")).judge(), Health::Vanished);
}

/// A Service with one ready endpoint, a pod that it selects.
fn served() -> Case {
    let object = json!({"metadata": {"uid": "u-1"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}});
    let mut case = set(ChangeType::PatchService, Kind::Service, "/spec/ports/0/targetPort", object);
    case.seen.slices = vec![json!({
        "ports": [{"port": 8080}],
        "endpoints": [{"conditions": {"ready": true}, "targetRef": {"kind": "Pod", "uid": "p-11"}}],
    })];
    case.pods(vec![pod(11)])
}

#[test]
fn a_service_is_healthy_with_ready_pods_of_its_own_behind_it_at_its_port() {
    healthy(&served());
    type Lie = fn(&mut Case);
    let lies: [(&str, Lie); 4] = [
        ("no pod that it selects", |case| case.seen.slices.clear()),
        ("no pod that it selects", |case| case.seen.pods.clear()),
        ("no pod that it selects", |case| case.seen.slices[0]["endpoints"][0]["conditions"]["ready"] = json!(false)),
        ("do not lead to port 8080", |case| case.seen.slices[0]["ports"][0]["port"] = json!(9999)),
    ];
    for (why, lie) in lies {
        let mut case = served();
        lie(&mut case);
        not_yet(&case, why);
    }
    not_yet(&served().set("/spec/ports/0/targetPort", json!(9999)), "targetPort was changed again");
    let by_name = |ports: serde_json::Value| {
        let mut case = served().set("/spec/ports/0/targetPort", json!("http"));
        case.plan.result = case.seen.target.as_ref().unwrap().to_string();
        case.seen.slices[0]["ports"] = ports;
        case
    };
    healthy(&by_name(json!([{"port": 8080}])));
    not_yet(&by_name(json!([])), "do not lead to port \"http\"");
    not_yet(&by_name(json!([{"name": "other", "port": 8080}])), "do not lead to port \"http\"");
}
