//! Nodes: which are let alone, and that pods are left a node.

use super::*;
use crate::names::Namespace;
use serde_json::json;

const BOTH: [ChangeType; 2] = [ChangeType::Cordon, ChangeType::Uncordon];

#[test]
fn what_people_or_an_autoscaler_keep_out_of_service_is_let_alone() {
    type Spoil = fn(&mut Value);
    let cases: [(&str, Spoil, Result<(), Code>); 9] = [
        ("a note", |n| n["metadata"]["annotations"] = json!({"maintenance": "disk swap"}), Err(Code::OutOfService)),
        ("a tool's note", |n| n["metadata"]["annotations"] = json!({"x.io/drain": "yes"}), Err(Code::OutOfService)),
        ("a note that it is over", |n| n["metadata"]["annotations"] = json!({"maintenance": "false"}), Ok(())),
        ("another annotation", |n| n["metadata"]["annotations"] = json!({"node.alpha.kubernetes.io/ttl": "0"}), Ok(())),
        ("a remover", |n| n["spec"]["taints"] = json!([{"key": "karpenter.sh/disrupted"}]), Err(Code::OutOfService)),
        (
            "a node that is scaled away",
            |n| n["spec"]["taints"] = json!([{"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule"}]),
            Err(Code::OutOfService),
        ),
        (
            "an empty note",
            |n| n["metadata"]["annotations"] = json!({"machineconfiguration.openshift.io/reason": ""}),
            Ok(()),
        ),
        ("another taint", |n| n["spec"]["taints"] = json!([{"key": "dedicated", "value": "db"}]), Ok(())),
        ("it goes", |n| n["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z"), Err(Code::OutOfService)),
    ];
    for (what, spoil, expected) in cases {
        for change_type in BOTH {
            assert_eq!(changed(change_type, |case| spoil(case.target())), expected, "{change_type}: {what}");
        }
    }
}

#[test]
fn the_last_node_that_takes_pods_is_not_cordoned() {
    let alone = |case: &mut Case| case.facts.takers = 0;
    assert_eq!(changed(ChangeType::Cordon, alone), Err(Code::OutOfBounds));
    assert_eq!(changed(ChangeType::Uncordon, alone), Ok(()));
}

#[test]
fn a_change_of_a_node_stands_in_the_products_own_namespace() {
    for change_type in BOTH {
        let elsewhere = |case: &mut Case| case.proposal.namespace = Namespace::parse("shop").unwrap();
        assert_eq!(changed(change_type, elsewhere), Err(Code::InvalidSpec), "{change_type}");
        let inside = |case: &mut Case| {
            case.proposal.namespace = Namespace::parse("shop").unwrap();
            case.proposal.target.namespace = Namespace::parse("shop").ok();
        };
        assert_eq!(changed(change_type, inside), Err(Code::InvalidSpec), "{change_type}");
    }
}
