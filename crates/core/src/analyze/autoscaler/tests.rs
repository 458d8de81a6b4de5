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

#[test]
fn a_target_that_does_not_exist_is_named() {
    let mut w = requesting();
    let no =
        json!({"type": "AbleToScale", "status": "False", "reason": "FailedGetScale", "lastTransitionTime": at(100)});
    assert_eq!(
        hpa(&mut w, "wep", no.clone()),
        [
            "HpaTargetMissing Warning: the autoscaler scales nothing: Deployment \"wep\" does not exist; there is \"web\""
        ]
    );
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
