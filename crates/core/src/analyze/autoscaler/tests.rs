//! Tests of autoscalers.

use crate::analyze::fixture::{World, at, merge, spec, well};
use crate::finding::Cause;
use crate::object::Kind;
use serde_json::{Value, json};

fn hpa(w: &mut World, target: &str, condition: Value) -> Vec<String> {
    hpa_with(w, target, condition, json!({}))
}

fn hpa_with(w: &mut World, target: &str, condition: Value, more: Value) -> Vec<String> {
    let mut object = json!({"metadata": {"name": "scaler"}, "spec": {"minReplicas": 1, "maxReplicas": 5,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}, "metrics": [{"type": "Resource", "resource": {"name": "cpu"}}]},
        "status": {"currentReplicas": 5, "conditions": [condition]}});
    merge(&mut object, more);
    w.put(Kind::HorizontalPodAutoscaler, object);
    w.findings(Kind::HorizontalPodAutoscaler, "scaler")
}

fn inactive(reason: &str, message: &str) -> Value {
    json!({"type": "ScalingActive", "status": "False", "reason": reason, "message": message, "lastTransitionTime": at(100)})
}

fn requesting() -> World {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({"resources": {"requests": {"cpu": "100m"}}}))]).well(1, "bcdfg");
    w
}

/// What is proposed for the autoscaler's one finding.
fn proposed(w: &World) -> Option<Value> {
    let finding = w.examine(Kind::HorizontalPodAutoscaler, "scaler").findings.into_iter().next()?;
    let candidate = finding.candidates.into_iter().next()?;
    serde_json::to_value(&candidate.action).unwrap().pointer("/patchHPA/settings").cloned()
}

#[test]
fn no_workload_is_proposed_that_another_scales_or_where_another_makes_the_autoscaler() {
    let no =
        json!({"type": "AbleToScale", "status": "False", "reason": "FailedGetScale", "lastTransitionTime": at(100)});
    let mut w = requesting();
    let owned = json!({"metadata": {"ownerReferences": [{"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "queue", "uid": "q", "controller": true}]}});
    assert_eq!(hpa_with(&mut w, "wep", no.clone(), owned).len(), 1);
    assert_eq!(proposed(&w), None);
    let mut w = requesting();
    w.put(
        Kind::HorizontalPodAutoscaler,
        json!({"metadata": {"name": "other"},
        "spec": {"maxReplicas": 5, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}}),
    );
    assert_eq!(hpa(&mut w, "wep", no.clone()).len(), 1);
    assert_eq!(proposed(&w), None);
    assert_eq!(hpa(&mut w, "payments", no).len(), 1);
    assert_eq!(proposed(&w), None, "no name is near");
}

#[test]
fn a_target_that_does_not_exist_is_named() {
    let mut w = requesting();
    let no =
        json!({"type": "AbleToScale", "status": "False", "reason": "FailedGetScale", "lastTransitionTime": at(100)});
    assert_eq!(
        hpa(&mut w, "wep", no.clone()),
        [
            "HpaTargetMissing Warning: the autoscaler scales nothing: Deployment \"wep\" does not exist; there is \"web\" -> PatchHPA"
        ]
    );
    let target = json!({"value": {"target": "web"}, "origin": {"currentValue": {}}});
    assert_eq!(proposed(&w), Some(target));
    let owned = json!({"metadata": {"ownerReferences": [{"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "queue", "uid": "q", "controller": true}]}});
    let found = hpa_with(&mut w, "gone", no.clone(), owned);
    assert_eq!(
        found,
        [
            "HpaTargetMissing Warning: the autoscaler scales nothing: Deployment \"gone\" does not exist; it is made by ScaledObject queue, which is to be changed instead"
        ]
    );
    assert_eq!(
        hpa_with(
            &mut w,
            "x",
            no,
            json!({"spec": {"scaleTargetRef": {"apiVersion": "example.com/v1", "kind": "Custom"}}})
        ),
        [""; 0],
        "a kind that is not read"
    );
}

#[test]
fn a_share_of_nothing_cannot_be_computed() {
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]).well(1, "bcdfg");
    let told = inactive(
        "FailedGetResourceMetric",
        "failed to get cpu utilization: missing request for cpu in container web of Pod web-r1-bcdfg",
    );
    assert_eq!(
        hpa(&mut w, "web", told.clone()),
        ["HpaMissingRequests Warning: the autoscaler cannot compute a share of cpu: container \"web\" requests none"]
    );
    let mut limited = World::new();
    limited.deployment(1, &[spec(json!({"resources": {"limits": {"cpu": "1"}}}))]).well(1, "bcdfg");
    assert!(hpa(&mut limited, "web", told)[0].starts_with("HpaWithoutMetrics"), "a limit stands for a request");
}

#[test]
fn an_amount_for_each_pod_needs_no_requests_and_admission_may_have_added_them() {
    let told = inactive("FailedGetResourceMetric", "did not receive metrics for targeted pods (pods might be unready)");
    let cause = |w: &World| w.examine(Kind::HorizontalPodAutoscaler, "scaler").findings.first().map(|f| f.cause);
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]).well(1, "bcdfg");
    hpa(&mut w, "web", told.clone());
    assert_eq!(cause(&w), Some(Cause::HpaMissingRequests));
    let amount = json!({"type": "AverageValue", "averageValue": "100m"});
    let metrics = json!([{"type": "Resource", "resource": {"name": "cpu", "target": amount}}]);
    w.put(Kind::HorizontalPodAutoscaler, json!({"metadata": {"name": "scaler"}, "spec": {"maxReplicas": 5, "metrics": metrics,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}, "status": {"conditions": [told.clone()]}}));
    assert_eq!(cause(&w), Some(Cause::HpaWithoutMetrics));
    let mut w = World::new();
    w.deployment(1, &[spec(json!({}))]);
    let given = spec(json!({"resources": {"requests": {"cpu": "100m"}}}));
    w.pod_of((Kind::ReplicaSet, "web-r1"), "bcdfg", given, well());
    hpa(&mut w, "web", told);
    assert_eq!(cause(&w), Some(Cause::HpaWithoutMetrics), "a LimitRange did it");
}

#[test]
fn a_request_that_a_revision_dropped_comes_back_with_it_or_alone() {
    let told = || inactive("FailedGetResourceMetric", "missing request for cpu in container web of Pod web-r2-bcdfg");
    let asking = |cpu: &str| spec(json!({"resources": {"requests": {"cpu": cpu}}}));
    let mut w = World::new();
    w.deployment(1, &[asking("100m"), spec(json!({}))]).well(1, "bcdfg").well(2, "hjklm");
    let found = hpa(&mut w, "web", told());
    assert!(found[0].ends_with("-> SetResources(web ), RolloutUndo(1)"), "{found:?}");
    let candidates = w.examine(Kind::HorizontalPodAutoscaler, "scaler").findings.swap_remove(0).candidates;
    assert_eq!(candidates[0].target.to_string(), "Deployment shop/web");
    assert!(format!("{:?}", candidates[0].action).contains("{Cpu: \"100m\"}"), "{candidates:?}");
    let mut never = World::new();
    never.deployment(1, &[spec(json!({"image": "shop/web:0"})), spec(json!({}))]).well(1, "bcdfg").well(2, "hjklm");
    assert!(!hpa(&mut never, "web", told())[0].contains("->"), "no revision tells an amount");
    let mut unproven = World::new();
    unproven.deployment(1, &[asking("100"), spec(json!({}))]).well(2, "hjklm");
    assert!(!hpa(&mut unproven, "web", told())[0].contains("->"), "nothing of that revision was seen to serve");
}

#[test]
fn metrics_of_anything_but_pods_are_there_at_once_or_not_at_all() {
    let mut w = requesting();
    let said = "unable to get external metric shop/queue/nil: unable to fetch metrics from external metrics API: the server could not find the requested resource";
    let since = |reason: &str, second: i64| {
        let mut condition = inactive(reason, said);
        condition["lastTransitionTime"] = json!(at(second));
        condition
    };
    let found = hpa(&mut w, "web", since("FailedGetExternalMetric", 535));
    assert!(found[0].starts_with("HpaWithoutMetrics Warning") && !found[0].contains("->"), "{found:?}");
    assert_eq!(hpa(&mut w, "web", since("FailedGetExternalMetric", 545)), [""; 0], "it may still come up");
    assert_eq!(hpa(&mut w, "web", since("FailedGetResourceMetric", 535)), [""; 0], "pods have none at first");
}

#[test]
fn metrics_that_are_missing_are_told_after_a_while() {
    let mut w = requesting();
    let none = "the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)";
    let found = hpa(&mut w, "web", inactive("FailedGetResourceMetric", none));
    assert!(
        found[0]
            .starts_with("HpaWithoutMetrics Warning: the autoscaler does nothing, because no metrics server answers"),
        "{found:?}"
    );
    let mut young = inactive("FailedGetResourceMetric", none);
    young["lastTransitionTime"] = json!(at(550));
    assert_eq!(hpa(&mut w, "web", young), [""; 0]);
    let twice = hpa(
        &mut w,
        "web",
        inactive("AmbiguousSelector", "pods by selector app=web are controlled by multiple HPAs: [a b]"),
    );
    assert!(twice[0].starts_with("HpaConflict Warning"), "{twice:?}");
}

#[test]
fn an_autoscaler_that_rests_or_whose_pods_are_unwell_is_not_to_blame() {
    let mut w = requesting();
    assert_eq!(
        hpa(
            &mut w,
            "web",
            inactive("ScalingDisabled", "scaling is disabled since the replica count of the target is zero")
        ),
        [""; 0]
    );
    let mut sick = World::new();
    sick.deployment(1, &[spec(json!({}))]).pod(
        1,
        "bcdfg",
        crate::analyze::fixture::waiting("ErrImagePull", "x: not found"),
    );
    assert_eq!(hpa(&mut sick, "web", inactive("FailedGetResourceMetric", "no metrics returned")), [""; 0]);
}

#[test]
fn the_limit_is_information() {
    let mut w = requesting();
    let limited = json!({"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas", "lastTransitionTime": "2025-12-31T00:00:00Z"});
    assert_eq!(
        hpa(&mut w, "web", limited.clone()),
        ["HpaAtLimit Info: the autoscaler is at its limit of 5 replicas and wants more"]
    );
    assert_eq!(hpa_with(&mut w, "web", limited, json!({"status": {"currentReplicas": 3}})), [""; 0]);
    let few =
        json!({"type": "ScalingLimited", "status": "True", "reason": "TooFewReplicas", "lastTransitionTime": at(0)});
    assert_eq!(hpa(&mut w, "web", few), [""; 0]);
}

/// An autoscaler that aims at half of the CPU, at its limit for so many minutes, with pods that use so much.
fn at_limit(w: &mut World, minutes: i64, used: i64, more: Value) -> Vec<String> {
    let limited = json!({"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas", "lastTransitionTime": at(600 - minutes * 60)});
    let mut object = json!({
        "spec": {"metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 50}}}]},
        "status": {"currentMetrics": [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": used}}}]}});
    merge(&mut object, more);
    hpa_with(w, "web", limited, object)
}

#[test]
fn a_limit_that_leaves_pods_at_twice_their_load_for_long_is_a_fault() {
    let mut w = requesting();
    assert_eq!(
        at_limit(&mut w, 6, 100, json!({})),
        [
            "HpaAtLimit Warning: the autoscaler is at its limit of 5 replicas and wants more; its pods carry at least twice the load that it aims at -> PatchHPA"
        ]
    );
    assert_eq!(proposed(&w), Some(json!({"value": {"maxReplicas": 10}, "origin": {"currentValue": {}}})));
    for (what, minutes, used, more) in [
        ("not for long", 1, 100, json!({})),
        ("not that much", 6, 99, json!({})),
        ("below the limit", 6, 100, json!({"status": {"currentReplicas": 4}})),
        (
            "no share",
            6,
            100,
            json!({"spec": {"metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": null, "averageValue": "1"}}}]}}),
        ),
        (
            "another resource",
            6,
            100,
            json!({"status": {"currentMetrics": [{"type": "Resource", "resource": {"name": "memory", "current": {"averageUtilization": 100}}}]}}),
        ),
    ] {
        assert_eq!(at_limit(&mut w, minutes, used, more), [""; 0], "{what}");
    }
    let mut sick = World::new();
    sick.deployment(1, &[spec(json!({"resources": {"requests": {"cpu": "100m"}}}))]).pod(
        1,
        "bcdfg",
        crate::analyze::fixture::waiting("ErrImagePull", "x: not found"),
    );
    assert_eq!(at_limit(&mut sick, 6, 100, json!({})), [""; 0], "its pods have a finding of their own");
    let owned = json!({"metadata": {"ownerReferences": [{"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "queue", "uid": "q", "controller": true}]}});
    assert_eq!(at_limit(&mut w, 6, 100, owned).len(), 1);
    assert_eq!(proposed(&w), None, "who makes it is to be changed instead");
}

#[test]
fn a_limit_that_was_lowered_and_is_in_the_way_goes_back() {
    let most = |number: i32| json!({"spec": {"maxReplicas": number}, "status": {"currentReplicas": number}});
    let mut w = requesting();
    at_limit(&mut w, 1, 100, most(12));
    at_limit(&mut w, 1, 100, most(2));
    assert_eq!(proposed(&w), Some(json!({"value": {"maxReplicas": 12}, "origin": {"earlier": {}}})));
    assert_eq!(at_limit(&mut w, 0, 100, most(2)), [""; 0], "it may be that it has only now come to it");
    at_limit(&mut w, 3, 100, most(13));
    assert_eq!(
        proposed(&w),
        Some(json!({"value": {"maxReplicas": 26}, "origin": {"currentValue": {}}})),
        "it is higher"
    );
}
