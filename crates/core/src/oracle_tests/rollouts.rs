//! Rollouts and scaling: complete, under way, worse, gone.

use super::cluster::*;
use crate::action::ChangeType;
use crate::object::Kind;
use crate::oracle::{Health, baseline};
use serde_json::{Value, json};

const WORKLOADS: [Kind; 3] = [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet];
const ROLLOUTS: [ChangeType; 4] =
    [ChangeType::RolloutUndo, ChangeType::SetImage, ChangeType::RolloutRestart, ChangeType::SetResources];

#[test]
fn every_complete_rollout_is_healthy() {
    for kind in WORKLOADS {
        for change_type in ROLLOUTS {
            healthy(&done(change_type, kind));
        }
    }
    for kind in [Kind::Deployment, Kind::StatefulSet] {
        healthy(&done(ChangeType::Scale, kind));
    }
}

/// A rollout that stuck kept pods of the earlier template; going back to it keeps them too.
#[test]
fn a_way_back_is_healthy_with_the_pods_that_still_ran() {
    for change_type in [ChangeType::SetImage, ChangeType::RolloutUndo, ChangeType::SetResources, ChangeType::Scale] {
        healthy(&done(change_type, Kind::Deployment).pods(vec![pod(0), pod(BEGUN + 1)]));
        healthy(&done(change_type, Kind::Deployment).pods(vec![pod(-500), pod(-500)]));
    }
}

#[test]
fn a_rollout_under_way_is_not_yet() {
    type Step = (&'static str, i64, &'static str);
    let steps: [Step; 4] = [
        ("/status/observedGeneration", 1, "observed generation 1"),
        ("/status/updatedReplicas", 1, "1 of 2 replicas are updated"),
        ("/status/availableReplicas", 1, "1 of 2 replicas are available"),
        ("/status/replicas", 3, "3 replicas exist"),
    ];
    for kind in [Kind::Deployment, Kind::StatefulSet] {
        for (pointer, value, why) in steps {
            not_yet(&done(ChangeType::SetImage, kind).set(pointer, json!(value)), why);
        }
    }
    for (pointer, value, why) in [
        ("/status/updatedNumberScheduled", 1, "1 of 2 replicas are updated"),
        ("/status/numberAvailable", 1, "1 of 2 replicas are available"),
    ] {
        not_yet(&done(ChangeType::SetImage, Kind::DaemonSet).set(pointer, json!(value)), why);
    }
}

#[test]
fn fewer_available_than_before_with_failing_new_pods_is_worse() {
    let case = done(ChangeType::SetImage, Kind::Deployment).set("/status/availableReplicas", json!(1));
    let case = case.pods(vec![pod(0), waiting(pod(BEGUN + 1), "CrashLoopBackOff")]);
    let health = case.judge();
    assert!(matches!(&health, Health::Worse(text) if text.contains("2 of 2 were available before")), "{health:?}");
}

#[test]
fn what_was_broken_before_cannot_get_worse() {
    let mut case = done(ChangeType::SetImage, Kind::Deployment).set("/status/availableReplicas", json!(0));
    case.plan.baseline.available = 0;
    let case = case.pods(vec![waiting(pod(BEGUN + 1), "ErrImagePull")]);
    not_yet(&case, "0 of 2 replicas are available");
}

#[test]
fn fewer_available_without_a_failure_is_only_not_yet() {
    let case = done(ChangeType::RolloutRestart, Kind::Deployment).set("/status/availableReplicas", json!(1));
    not_yet(&case, "1 of 2");
    let case = done(ChangeType::RolloutRestart, Kind::Deployment).set("/status/availableReplicas", json!(1));
    let old_failure = case.pods(vec![waiting(pod(0), "CrashLoopBackOff"), pod(BEGUN + 1)]);
    not_yet(&old_failure, "1 of 2");
}

/// What a limit of memory was raised for was up when the plan was made, and is killed again before it is replaced.
#[test]
fn an_old_pod_that_fails_again_is_not_what_the_write_made_worse() {
    let fewer = || done(ChangeType::SetResources, Kind::Deployment).set("/status/availableReplicas", json!(1));
    let old = restarted(waiting(pod(0), "CrashLoopBackOff"), BEGUN + 5);
    not_yet(&fewer().pods(vec![old.clone(), pod(BEGUN + 1)]), "1 of 2");
    let health = fewer().pods(vec![old, restarted(pod(BEGUN + 1), BEGUN + 5)]).judge();
    assert!(matches!(health, Health::Worse(_)), "{health:?}");
}

#[test]
fn every_way_of_failing_to_start_is_seen() {
    for reason in [
        "CrashLoopBackOff",
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "StartError",
    ] {
        let mut third = waiting(pod(BEGUN + 3), reason);
        not_yet(&done(ChangeType::SetImage, Kind::Deployment).pods(vec![pod(11), pod(12), third.clone()]), "failing");
        let status = third["status"]["containerStatuses"].take();
        third["status"]["initContainerStatuses"] = status;
        not_yet(&done(ChangeType::SetImage, Kind::Deployment).pods(vec![pod(11), pod(12), third]), "failing");
    }
}

#[test]
fn a_failing_pod_that_is_going_away_does_not_count() {
    let mut leaving = waiting(pod(BEGUN + 1), "CrashLoopBackOff");
    leaving["metadata"]["deletionTimestamp"] = json!(at(20).to_string());
    healthy(&done(ChangeType::SetImage, Kind::Deployment).pods(vec![pod(11), pod(12), leaving]));
}

#[test]
fn a_target_that_is_gone_or_another_has_vanished() {
    let mut gone = done(ChangeType::SetImage, Kind::Deployment);
    gone.seen.target = None;
    assert_eq!(gone.judge(), Health::Vanished);
    let other = done(ChangeType::SetImage, Kind::Deployment).set("/metadata/uid", json!("u-2"));
    assert_eq!(other.judge(), Health::Vanished);
}

/// The acknowledgement is known late (a read-back after a crash), the pods are there already.
#[test]
fn pods_made_between_the_write_and_its_late_acknowledgement_count() {
    for late in [BEGUN + 15, BEGUN + 1] {
        let mut case = done(ChangeType::RolloutRestart, Kind::Deployment).pods(vec![pod(BEGUN), pod(BEGUN)]);
        case.execution.applied_at = Some(at(late));
        healthy(&case);
    }
}

/// Creation times are whole seconds, and the operator's idea of the server's time is not exact.
#[test]
fn a_clock_slightly_ahead_does_not_hide_new_pods() {
    let mut case = done(ChangeType::RolloutRestart, Kind::Deployment).pods(vec![pod(BEGUN), pod(BEGUN)]);
    case.execution.started_at = Some(at(BEGUN) + jiff::SignedDuration::from_millis(1900));
    healthy(&case);
}

#[test]
fn a_restart_before_the_write_does_not_count() {
    let old = restarted(pod(-3600), -1800);
    let mut silent = old.clone();
    silent["status"]["containerStatuses"][0].as_object_mut().unwrap().remove("lastState");
    for old in [old, silent] {
        healthy(&done(ChangeType::Scale, Kind::Deployment).pods(vec![old, pod(BEGUN + 1)]));
    }
}

#[test]
fn a_baseline_reads_what_each_kind_reports() {
    for kind in WORKLOADS {
        let found = baseline(&workload(kind));
        assert_eq!((found.available, found.desired), (2, 2), "{kind}");
    }
    let bare = baseline(&json!({"kind": "Deployment", "spec": {}}));
    assert_eq!((bare.available, bare.desired), (0, 1), "one replica is the API's default");
    let bare = baseline(&json!({"kind": "DaemonSet", "spec": {}}));
    assert_eq!((bare.available, bare.desired), (0, 0));
}

/// Its controller leaves a stuck pod of the earlier template as it is, whatever the template says by now.
#[test]
fn a_stuck_pod_of_an_ordered_stateful_set_is_in_the_way() {
    let of = |mut pod: Value, revision: &str| {
        pod["metadata"]["labels"] = json!({"controller-revision-hash": revision});
        pod
    };
    let case = |stuck: Value| {
        let set = done(ChangeType::RolloutUndo, Kind::StatefulSet).set("/status/updatedReplicas", json!(1));
        set.set("/status/updateRevision", json!("web-good")).pods(vec![of(pod(0), "web-good"), stuck])
    };
    let bad = || of(waiting(pod(5), "ImagePullBackOff"), "web-bad");
    let blocked = |case: &Case| {
        let health = case.judge();
        assert!(matches!(&health, Health::Blocked(why) if why.contains("waits for pod web-5")), "{health:?}");
    };
    blocked(&case(bad()));
    blocked(&case(bad()).set("/spec/podManagementPolicy", json!("OrderedReady")));
    let on_delete = case(bad()).set("/spec/podManagementPolicy", json!("Parallel"));
    blocked(&on_delete.set("/spec/updateStrategy", json!({"type": "OnDelete"})));
    let mut unscheduled = of(pod(5), "web-bad");
    unscheduled["status"] = json!({"conditions": [{"type": "PodScheduled", "status": "False"}]});
    blocked(&case(unscheduled));
    let mut leaving = bad();
    leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    for other in [
        case(bad()).set("/spec/podManagementPolicy", json!("Parallel")),
        case(leaving),
        case(of(waiting(pod(5), "ImagePullBackOff"), "web-good")),
        case(of(waiting(pod(5), "ContainerCreating"), "web-bad")),
    ] {
        not_yet(&other, "1 of 2 replicas are updated");
    }
}
