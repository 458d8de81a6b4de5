//! Writes by the product as the audit log tells them.

use bailiwick_api::Change;
use serde_json::json;

use super::*;

const OPERATOR: &str = "system:serviceaccount:bailiwick-system:bailiwick-operator";

fn change() -> Change {
    serde_json::from_value(json!({
        "apiVersion": "bailiwick.dev/v1alpha1", "kind": "Change", "metadata": {"name": "c", "uid": "12345678-9"},
        "spec": {"proposer": "p", "type": "RolloutRestart", "reason": {"text": ""}, "action": {"rolloutRestart": {}},
            "target": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web", "uid": "u"}},
    }))
    .unwrap()
}

fn record(user: &str, group: &str, (resource, namespace, name): (&str, &str, &str)) -> Record {
    serde_json::from_value(json!({
        "stage": "ResponseComplete", "verb": "patch", "requestURI": "/", "user": {"username": user},
        "objectRef": {"resource": resource, "namespace": namespace, "name": name, "apiGroup": group},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": "2026-11-21T12:14:38Z", "stageTimestamp": "2026-11-21T12:14:38Z",
    }))
    .unwrap()
}

fn shot() -> String {
    accounts(&change()) + "-a1"
}

#[test]
fn the_products_own_objects_are_not_counted() {
    let own = [
        record(OPERATOR, "bailiwick.dev", ("incidents", "shop", "i")),
        record(OPERATOR, "rbac.authorization.k8s.io", ("rolebindings", "shop", "bwk-1")),
        record(OPERATOR, "", ("secrets", GRANTS_NAMESPACE, "bwk-1")),
        record("dev@example.com", "apps", ("deployments", "shop", "web")),
    ];
    assert!(writes(&own).is_empty());
    let others = [
        record(OPERATOR, "rbac.authorization.k8s.io", ("rolebindings", "shop", "admin")),
        record(OPERATOR, "apps", ("deployments", "shop", "web")),
    ];
    assert_eq!(writes(&others).len(), 2);
}

#[test]
fn one_write_of_an_expected_change_to_its_target_is_expected() {
    let change = change();
    let of = |records: &[Record], expected: bool| {
        harmful(&writes(records), &["shop"], &[Known { change: &change, expected }]).len()
    };
    let right = record(&shot(), "apps", ("deployments", "shop", "web"));
    assert_eq!(of(std::slice::from_ref(&right), true), 0);
    assert_eq!(of(std::slice::from_ref(&right), false), 1);
    assert_eq!(of(&[right.clone(), right], true), 1);
    assert_eq!(of(&[record(&shot(), "apps", ("deployments", "shop", "api"))], true), 1);
    assert_eq!(of(&[record(OPERATOR, "apps", ("deployments", "shop", "web"))], true), 1);
    assert_eq!(of(&[record(OPERATOR, "apps", ("deployments", "other", "web"))], true), 0);
    assert_eq!(of(&[record(&shot(), "", ("nodes", "", "node1"))], true), 1);
}
