//! Tests of disruption budgets.

use crate::analyze::fixture::{World, at, merge, spec};
use crate::object::Kind;
use serde_json::{Value, json};

fn budget(w: &mut World, more: Value) -> Vec<String> {
    let mut object = json!({"metadata": {"name": "keep", "generation": 1}, "spec": {"selector": {"matchLabels": {"app": "web"}}},
        "status": {"observedGeneration": 1, "disruptionsAllowed": 0, "currentHealthy": 2, "desiredHealthy": 2, "expectedPods": 2}});
    merge(&mut object, more);
    w.put(Kind::PodDisruptionBudget, object);
    w.findings(Kind::PodDisruptionBudget, "keep")
}

fn two() -> World {
    let mut w = World::new();
    w.deployment(2, &[spec(json!({}))]).well(1, "bcdfg").well(1, "hjklm");
    w
}

#[test]
fn a_budget_that_never_lets_a_pod_go_is_a_warning() {
    let mut w = two();
    w.put(
        Kind::Node,
        json!({"metadata": {"name": "n1"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}),
    );
    let min = json!({"spec": {"minAvailable": 2}});
    assert_eq!(
        budget(&mut w, min.clone()),
        [
            "BudgetBlocks Warning: minAvailable 2 lets none of the 2 healthy pods go; a node that has one cannot be drained"
        ]
    );
    assert_eq!(
        budget(&mut w, json!({"spec": {"maxUnavailable": "0%"}, "status": {"desiredHealthy": 0}})),
        [
            "BudgetBlocks Warning: maxUnavailable 0% lets none of the 2 healthy pods go; a node that has one cannot be drained"
        ]
    );
    w.put(Kind::Node, json!({"metadata": {"name": "n1", "annotations": {"maintenance": "today"}}, "spec": {"unschedulable": true}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}));
    assert_eq!(
        budget(&mut w, min),
        ["BudgetBlocks Warning: minAvailable 2 lets none of the 2 healthy pods go; node \"n1\" cannot be drained"]
    );
}

#[test]
fn a_budget_that_is_meant_or_may_yet_let_pods_go_is_information_until_a_node_is_to_be_drained() {
    let min = json!({"spec": {"minAvailable": 2}});
    let of = |more: Value| {
        let mut all = min.clone();
        merge(&mut all, more);
        budget(&mut two(), all)
    };
    let kept = json!([{"apiVersion": "example.com/v1", "kind": "Store", "name": "s", "uid": "s", "controller": true}]);
    for more in [
        json!({"spec": {"minAvailable": 1}, "status": {"currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1}}),
        json!({"metadata": {"ownerReferences": kept}}),
        json!({"metadata": {"annotations": {"example.com/maintenance-note": "drain by hand"}}}),
        json!({"metadata": {"creationTimestamp": at(580)}}),
    ] {
        assert!(of(more.clone())[0].starts_with("BudgetBlocks Info"), "{more}");
    }
    let scaled = |most: i32, min: Value| {
        let mut w = two();
        w.put(Kind::HorizontalPodAutoscaler, json!({"metadata": {"name": "s"}, "spec": {"maxReplicas": most, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}}));
        budget(&mut w, min)
    };
    assert!(scaled(3, min.clone())[0].starts_with("BudgetBlocks Info"), "under load there will be more");
    assert!(scaled(2, min.clone())[0].starts_with("BudgetBlocks Warning"));
    assert!(scaled(3, json!({"spec": {"minAvailable": "100%"}}))[0].starts_with("BudgetBlocks Warning"));
    let mut w = two();
    w.put(Kind::Node, json!({"metadata": {"name": "n1"}, "spec": {"unschedulable": true}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}));
    assert!(
        budget(&mut w, json!({"spec": {"minAvailable": 2}, "metadata": {"ownerReferences": kept}}))[0]
            .starts_with("BudgetBlocks Warning")
    );
}

#[test]
fn a_budget_that_is_used_up_or_not_yet_counted_is_well() {
    let mut w = two();
    for more in [
        json!({"spec": {"minAvailable": 1}, "status": {"disruptionsAllowed": 1, "desiredHealthy": 1}}),
        json!({"spec": {"minAvailable": 2}, "status": {"currentHealthy": 1}}),
        json!({"spec": {"minAvailable": 2}, "metadata": {"generation": 2}}),
    ] {
        assert_eq!(budget(&mut w, more.clone()), [""; 0], "{more}");
    }
}

#[test]
fn a_budget_about_no_pod_is_information() {
    let mut w = two();
    let empty = json!({"status": {"expectedPods": 0, "currentHealthy": 0, "desiredHealthy": 0}, "spec": {"selector": {"matchLabels": {"app": "wed"}}},
        "metadata": {"creationTimestamp": "2025-12-31T23:00:00Z"}});
    assert_eq!(
        budget(&mut w, empty.clone()),
        ["BudgetSelectsNothing Info: the budget protects nothing: no pod has \"app=wed\""]
    );
    let mut to_zero = empty;
    merge(&mut to_zero, json!({"spec": {"selector": {"matchLabels": {"app": "web"}}}}));
    assert_eq!(budget(&mut w, to_zero), [""; 0], "a workload would make such pods");
}
