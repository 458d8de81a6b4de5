//! Recovery that is not one (R24): each of these looked healthy to some system.

use super::cluster::*;
use crate::action::ChangeType;
use crate::object::Kind;
use crate::oracle::{Health, Observation, judge};
use serde_json::{Value, json};

fn image() -> Case {
    done(ChangeType::SetImage, Kind::Deployment)
}

#[test]
fn scaled_to_nothing() {
    let case = image().set("/spec/replicas", json!(0)).set("/status", json!({"observedGeneration": 2}));
    not_yet(&case.pods(Vec::new()), "wants no replicas");
    let status = json!({"observedGeneration": 2, "desiredNumberScheduled": 0});
    not_yet(&done(ChangeType::SetImage, Kind::DaemonSet).set("/status", status), "wants no replicas");
    let mut scale = done(ChangeType::Scale, Kind::Deployment).set("/spec/replicas", json!(0));
    scale.plan.result = scale.seen.target.as_ref().unwrap().to_string();
    not_yet(&scale.pods(Vec::new()), "wants no replicas");
}

#[test]
fn an_empty_list_of_pods() {
    not_yet(&image().pods(Vec::new()), "0 of 2 pods are ready");
    not_yet(&done(ChangeType::Scale, Kind::Deployment).pods(Vec::new()), "0 of 2 pods are ready");
}

#[test]
fn a_status_of_an_earlier_generation() {
    not_yet(&image().set("/status/observedGeneration", json!(1)), "observed generation 1");
    // Another writer's later generation is not observed yet: the counts are of ours at best.
    not_yet(&image().set("/metadata/generation", json!(3)), "observed generation 2");
    let mut case = image();
    case.execution.generation = Some(5);
    not_yet(&case, "generation 5 was written");
}

#[test]
fn pods_of_before_a_restart() {
    let restart = || done(ChangeType::RolloutRestart, Kind::Deployment);
    not_yet(&restart().pods(vec![pod(0), pod(1)]), "newer than the write");
    not_yet(&restart().pods(vec![pod(BEGUN + 1), pod(BEGUN - 3)]), "1 of 2 pods are ready and newer");
}

#[test]
fn pods_without_a_time_of_creation() {
    let mut timeless = pod(BEGUN + 1);
    timeless["metadata"].as_object_mut().unwrap().remove("creationTimestamp");
    let case = done(ChangeType::RolloutRestart, Kind::Deployment).pods(vec![timeless.clone(), timeless]);
    not_yet(&case, "newer than the write");
}

#[test]
fn pods_that_restarted_after_the_write() {
    for change_type in [ChangeType::SetImage, ChangeType::RolloutRestart, ChangeType::Scale] {
        let case = done(change_type, Kind::Deployment).pods(vec![pod(11), restarted(pod(12), 14)]);
        not_yet(&case, "failing");
    }
    for change_type in [ChangeType::SetImage, ChangeType::Scale] {
        let case = done(change_type, Kind::Deployment).pods(vec![pod(0), restarted(pod(0), BEGUN + 5)]);
        not_yet(&case, "failing");
    }
}

#[test]
fn pods_on_their_way_out() {
    let mut leaving = pod(BEGUN + 1);
    leaving["metadata"]["deletionTimestamp"] = json!(at(20).to_string());
    not_yet(&image().pods(vec![pod(BEGUN + 1), leaving]), "1 of 2 pods");
}

#[test]
fn readiness_that_is_not_stated() {
    for status in [json!("False"), json!("Unknown"), Value::Null] {
        let mut unready = pod(BEGUN + 1);
        unready["status"]["conditions"][0]["status"] = status;
        not_yet(&image().pods(vec![pod(BEGUN + 1), unready]), "1 of 2 pods");
    }
    let mut silent = pod(BEGUN + 1);
    silent["status"] = json!({});
    not_yet(&image().pods(vec![pod(BEGUN + 1), silent]), "1 of 2 pods");
}

#[test]
fn a_missing_status() {
    let mut case = image();
    case.target().as_object_mut().unwrap().remove("status");
    not_yet(&case, "observed generation 0");
    let mut unread = image();
    unread.execution.generation = None;
    unread.target()["metadata"].as_object_mut().unwrap().remove("generation");
    unread.target().as_object_mut().unwrap().remove("status");
    not_yet(&unread, "0 of 2 replicas are updated");
}

#[test]
fn an_object_of_the_same_name() {
    assert_eq!(image().set("/metadata/uid", json!("u-2")).judge(), Health::Vanished);
    let mut nameless = image();
    nameless.target()["metadata"].as_object_mut().unwrap().remove("uid");
    assert_eq!(nameless.judge(), Health::Vanished);
}

#[test]
fn a_namespace_that_is_gone() {
    for change_type in ChangeType::ALL {
        let mut case = done(*change_type, Kind::Deployment);
        case.seen.namespace = false;
        assert_eq!(case.judge(), Health::Vanished, "{change_type}");
    }
}

#[test]
fn a_write_that_never_happened() {
    for change_type in ChangeType::ALL {
        let mut case = done(*change_type, Kind::Deployment);
        case.execution.applied_at = None;
        not_yet(&case, "nothing was written");
    }
}

#[test]
fn nothing_observed_at_all() {
    for change_type in ChangeType::ALL {
        let case = done(*change_type, Kind::Deployment);
        let health = judge(&case.plan, &case.execution, &Observation::default());
        assert_eq!(health, Health::Vanished, "{change_type}");
    }
}

/// Somebody put the old image back and it runs: true, but not by this change.
#[test]
fn a_change_that_was_overwritten() {
    let case = image().set("/spec/template/spec/containers/0/image", json!("r/web:other"));
    not_yet(&case, "was changed again after the write");
    let case = done(ChangeType::Scale, Kind::Deployment).set("/spec/replicas", json!(1));
    not_yet(&case, "/spec/replicas was changed again");
    // Other fields may move: a person who scales while we watch does no harm.
    let case = image().set("/spec/replicas", json!(1)).set("/status/replicas", json!(1));
    healthy(&case);
}

#[test]
fn too_few_pods_behind_a_flattering_status() {
    let case = image()
        .set("/spec/replicas", json!(5))
        .set("/status", json!({"observedGeneration": 2, "replicas": 5, "updatedReplicas": 5, "availableReplicas": 5}));
    not_yet(&case, "2 of 5 pods");
}
