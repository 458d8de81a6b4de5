//! The oracle of autoscalers: what their own status says, and not what was written.

use super::cluster::*;
use crate::action::ChangeType;
use crate::object::Kind;
use crate::oracle::Health;
use serde_json::{Value, json};

fn condition(kind: &str, status: &str, reason: &str) -> Value {
    json!({"type": kind, "status": status, "reason": reason})
}

/// An autoscaler of one to that many replicas which has three of them and is not limited.
fn object(most: i32) -> Value {
    json!({"kind": "HorizontalPodAutoscaler", "metadata": {"uid": "u-1"},
        "spec": {"minReplicas": 1, "maxReplicas": most,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
        "status": {"currentReplicas": 3, "conditions": [
            condition("AbleToScale", "True", "SucceededRescale"),
            condition("ScalingActive", "True", "ValidMetricFound"),
            condition("ScalingLimited", "False", "DesiredWithinRange")]}})
}

/// Its limit was raised from two to four.
fn raised() -> Case {
    let mut case = done(ChangeType::PatchHPA, Kind::HorizontalPodAutoscaler);
    case.plan.changed = vec!["/spec/maxReplicas".to_owned()];
    case.plan.before = object(2).to_string();
    case.plan.result = object(4).to_string();
    case.seen.target = Some(object(4));
    case
}

fn limited(current: i32) -> Case {
    let mut case = raised().set("/status/currentReplicas", json!(current));
    case.target()["status"]["conditions"][2] = condition("ScalingLimited", "True", "TooManyReplicas");
    case
}

#[test]
fn an_autoscaler_is_healthy_that_is_able_and_active_within_its_bounds() {
    healthy(&raised());
    not_yet(&raised().set("/status/conditions/0/status", json!("False")), "AbleToScale is not True");
    not_yet(&raised().set("/status/conditions/1/status", json!("False")), "ScalingActive is not True");
    not_yet(&raised().set("/status/conditions", json!([])), "AbleToScale is not True");
    not_yet(&raised().set("/status/currentReplicas", json!(5)), "not within 1 to 4");
    not_yet(&raised().set("/status/currentReplicas", json!(0)), "not within 1 to 4");
    not_yet(&raised().set("/spec/maxReplicas", json!(2)), "maxReplicas was changed again");
    assert_eq!(raised().set("/metadata/uid", json!("u-2")).judge(), Health::Vanished);
}

#[test]
fn a_raised_limit_has_helped_once_it_is_not_in_the_way_or_there_are_more_replicas() {
    not_yet(&limited(2), "wants more than 2 replicas and has 2");
    healthy(&limited(3));
    healthy(&raised().set("/status/currentReplicas", json!(2)));
}

#[test]
fn another_target_is_judged_by_what_the_autoscaler_can_do_with_it() {
    let retargeted = || {
        let mut case = raised();
        case.plan.changed = vec!["/spec/scaleTargetRef/name".to_owned()];
        case.plan.before = case.plan.result.replace("\"web\"", "\"wep\"");
        case
    };
    healthy(&retargeted());
    not_yet(&retargeted().set("/status/conditions/0/status", json!("False")), "AbleToScale is not True");
    not_yet(&retargeted().set("/spec/scaleTargetRef/name", json!("wep")), "name was changed again");
}
